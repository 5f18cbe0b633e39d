//! `rialto check`: what a configuration would start, or everything that is wrong with it.
//!
//! Opens no socket and starts no thread: it may run beside a live engine.

mod exchanges;

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use crate::config::{Idle, Ingress, Policy};
use crate::cpus::{self, Cpus};
use crate::failure::{Failure, Located};
use crate::terminal::{self, thousands};
use crate::topology::{COLD_ENDS, End, Exchange, Feed, FeedId, Link, Shard, ShardId, Topology};

use exchanges::ExchangeRow;

/// What `rialto check` was asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// The file; the built-in demo without one.
    pub config: Option<PathBuf>,
    /// One JSON object instead of tables.
    pub json: bool,
}

/// Checks and prints.
///
/// # Errors
/// Everything that is wrong with the file. With `json` the faults also go to standard output, as one object.
pub fn command(options: Options) -> Result<(), Failure> {
    let topology = match Topology::load(options.config.as_deref(), &Cpus::here()) {
        Ok(topology) => topology,
        Err(Failure::Config(refusal)) => {
            if options.json {
                terminal::print_json(&Refused { good: false, faults: &refusal.faults })?;
            }
            return Err(Failure::Config(refusal));
        }
        Err(failure) => return Err(failure),
    };
    if options.json {
        return terminal::print_json(&Plan::of(&topology));
    }
    terminal::print(&text(&topology))
}

#[derive(Serialize)]
struct Refused<'a> {
    good: bool,
    faults: &'a [Located],
}

/// What would run where, in plain values.
#[derive(Serialize)]
struct Plan {
    good: bool,
    file: String,
    data: PathBuf,
    threads: Vec<ThreadRow>,
    cold_cpus: Vec<u32>,
    shards: Vec<ShardRow>,
    feeds: Vec<FeedRow>,
    links: Vec<LinkRow>,
    exchanges: Vec<ExchangeRow>,
    metrics: Option<String>,
    memory_bytes: u64,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct ThreadRow {
    cpu: u32,
    shards: Vec<String>,
}

#[derive(Serialize)]
struct ShardRow {
    name: String,
    cpu: u32,
    cpu_given: bool,
    shared: bool,
    idle: &'static str,
    listed: Vec<String>,
    takes_rest: bool,
    instruments_max: u32,
    orders_max: u32,
    levels_max: u32,
    memory_bytes: u64,
}

#[derive(Serialize)]
struct FeedRow {
    name: String,
    venue: &'static str,
    line_a: String,
    line_b: Option<String>,
    interface: String,
    rerequest: Option<String>,
    snapshot: Option<String>,
    ingress: &'static str,
    shards: Vec<String>,
}

#[derive(Serialize)]
struct LinkRow {
    from: String,
    to: String,
    depth: u32,
    policy: &'static str,
    memory_bytes: u64,
}

impl Plan {
    fn of(topology: &Topology) -> Self {
        let ids = (0_u16..).map(ShardId);
        let shards: Vec<ShardRow> =
            ids.zip(&topology.shards).map(|(id, shard)| shard_row(topology, id, shard)).collect();
        let links: Vec<LinkRow> =
            topology.links.iter().map(|link| link_row(topology, link)).collect();
        let exchanges = exchanges::rows(topology);
        Self {
            good: true,
            file: topology.source.clone(),
            data: topology.data.clone(),
            threads: topology
                .threads()
                .iter()
                .map(|thread| ThreadRow {
                    cpu: thread.cpu,
                    shards: thread
                        .shards
                        .iter()
                        .map(|seat| topology.name(*seat).to_owned())
                        .collect(),
                })
                .collect(),
            cold_cpus: topology.cold_cpus.clone(),
            feeds: (0_u16..)
                .map(FeedId)
                .zip(&topology.feeds)
                .map(|(id, feed)| feed_row(feed, joined(topology, id, feed)))
                .collect(),
            metrics: topology.metrics.map(|address| address.to_string()),
            memory_bytes: topology.memory(),
            notes: topology.notes.clone(),
            shards,
            links,
            exchanges,
        }
    }
}

/// The shards that join a feed, those of exchanges too.
fn joined(topology: &Topology, id: FeedId, feed: &Feed) -> Vec<String> {
    let trade = feed.shards.iter().map(|shard| name(topology, *shard).to_owned());
    let follows =
        |exchange: &&Exchange| exchange.dark.as_ref().is_some_and(|dark| dark.quote.contains(&id));
    let exchanges = topology.exchanges.iter().filter(follows);
    let of_exchanges = exchanges.flat_map(|exchange| &exchange.shards);
    trade.chain(of_exchanges.map(|shard| shard.name.clone())).collect()
}

fn name(topology: &Topology, id: ShardId) -> &str {
    topology.shards.get(id.index()).map_or("", |shard| shard.name.as_str())
}

fn shard_row(topology: &Topology, id: ShardId, shard: &Shard) -> ShardRow {
    ShardRow {
        name: shard.name.clone(),
        cpu: shard.placement.cpu,
        cpu_given: shard.placement.cpu_given,
        shared: shard.placement.shared,
        idle: idle(shard.placement.idle),
        listed: shard.instruments.iter().map(ToString::to_string).collect(),
        takes_rest: topology.owners.rest().contains(&id),
        instruments_max: shard.capacity.instruments,
        orders_max: shard.capacity.orders,
        levels_max: shard.capacity.levels,
        memory_bytes: topology.memory_of(id),
    }
}

fn idle(idle: Idle) -> &'static str {
    match idle {
        Idle::Spin => "spin",
        Idle::Backoff => "backoff",
    }
}

fn feed_row(feed: &Feed, shards: Vec<String>) -> FeedRow {
    FeedRow {
        name: feed.name.clone(),
        venue: feed.venue.name,
        line_a: feed.line_a.to_string(),
        line_b: feed.line_b.map(|line| line.to_string()),
        interface: feed.interface.to_string(),
        rerequest: feed.rerequest.map(|address| address.to_string()),
        snapshot: feed.snapshot.as_ref().map(|snapshot| snapshot.address.to_string()),
        ingress: match feed.ingress {
            Ingress::Poll => "poll",
            Ingress::Uring => "uring",
        },
        shards,
    }
}

fn link_row(topology: &Topology, link: &Link) -> LinkRow {
    let end = |end: End| match end {
        End::Shard(id) => name(topology, id).to_owned(),
        End::Cold(cold) => COLD_ENDS
            .iter()
            .find(|(_, known)| *known == cold)
            .map_or_else(String::new, |(name, _)| (*name).to_owned()),
    };
    LinkRow {
        from: end(link.from),
        to: end(link.to),
        depth: link.depth,
        policy: match link.policy {
            Policy::Stop => "stop",
            Policy::Gap => "gap",
            Policy::Conflate => "conflate",
        },
        memory_bytes: link.bytes(),
    }
}

fn text(topology: &Topology) -> String {
    let plan = Plan::of(topology);
    let on_exchanges = plan.exchanges.iter().map(|exchange| exchange.shards.len()).sum();
    let counts = [
        (plan.shards.len(), ["shard", "shards"]),
        (on_exchanges, ["exchange shard", "exchange shards"]),
        (plan.threads.len(), ["thread", "threads"]),
        (plan.feeds.len(), ["feed", "feeds"]),
        (plan.links.len(), ["link", "links"]),
    ];
    let counts = counts.into_iter().filter(|(number, _)| 0 < *number);
    let counts: Vec<String> =
        counts.map(|(number, words)| terminal::count(number as u64, words)).collect();
    let memory = terminal::bytes(plan.memory_bytes);
    let mut text =
        format!("{} is good: {}, about {memory} of memory.\n", plan.file, counts.join(", "));
    threads(&plan, &mut text);
    if !plan.shards.is_empty() {
        shards(&plan, &mut text);
    }
    if !plan.feeds.is_empty() {
        feeds(&plan, &mut text);
    }
    if !plan.links.is_empty() {
        links(&plan, &mut text);
    }
    plan.exchanges.iter().for_each(|exchange| exchanges::write(exchange, &mut text));
    for note in &plan.notes {
        let _ = write!(text, "\nNote: {note}\n");
    }
    text
}

fn threads(plan: &Plan, text: &mut String) {
    let mut table = terminal::table(&["thread", ">cpu", "runs"]);
    for thread in &plan.threads {
        let runs = match thread.shards.as_slice() {
            [only] => format!("shard {only}"),
            several => format!("shards {}, in turns", several.join(", ")),
        };
        table.add_row([format!("pinned-{}", thread.cpu), thread.cpu.to_string(), runs]);
    }
    let metrics =
        plan.metrics.as_ref().map_or_else(String::new, |address| format!(", metrics on {address}"));
    let cold = cpus::list(&plan.cold_cpus.iter().copied().collect());
    table.add_row(["cold".to_owned(), cold, format!("log, terminal, files{metrics}")]);
    let _ = write!(text, "\nThreads\n{}", terminal::lines(&table));
}

fn shards(plan: &Plan, text: &mut String) {
    let mut table = terminal::table(&[
        "shard",
        ">cpu",
        "pinned by",
        "idle",
        "instruments",
        ">books",
        ">orders",
        ">levels",
        ">memory",
    ]);
    let sharing = plan.shards.iter().filter(|shard| shard.takes_rest).count();
    for shard in &plan.shards {
        let rest = match (shard.takes_rest, sharing) {
            (false, _) => None,
            (true, 1) => Some("all others".to_owned()),
            (true, sharing) => Some(format!("1/{sharing} of the rest")),
        };
        let listed = (!shard.listed.is_empty()).then(|| listed(&shard.listed, 4));
        let instruments: Vec<String> = [listed, rest].into_iter().flatten().collect();
        table.add_row([
            shard.name.clone(),
            shard.cpu.to_string(),
            if shard.cpu_given { "the file" } else { "choice" }.to_owned(),
            shard.idle.to_owned(),
            instruments.join(" and "),
            thousands(shard.instruments_max.into()),
            thousands(shard.orders_max.into()),
            thousands(shard.levels_max.into()),
            terminal::bytes(shard.memory_bytes),
        ]);
    }
    let _ = write!(text, "\nShards\n{}", terminal::lines(&table));
}

/// So many by name at most.
fn listed(tickers: &[String], shown: usize) -> String {
    match tickers.get(..shown).filter(|_| shown < tickers.len()) {
        None => tickers.join(" "),
        Some(first) => format!("{} and {} more", first.join(" "), tickers.len() - shown),
    }
}

fn feeds(plan: &Plan, text: &mut String) {
    let mut table = terminal::table(&[
        "feed",
        "venue",
        "line A",
        "line B",
        "re-request",
        "snapshot",
        "ingress",
        "joined by",
    ]);
    let absent = || "none".to_owned();
    for feed in &plan.feeds {
        table.add_row([
            feed.name.clone(),
            feed.venue.to_owned(),
            feed.line_a.clone(),
            feed.line_b.clone().unwrap_or_else(absent),
            feed.rerequest.clone().unwrap_or_else(absent),
            feed.snapshot.clone().unwrap_or_else(absent),
            feed.ingress.to_owned(),
            feed.shards.join(" "),
        ]);
    }
    let _ = write!(text, "\nFeeds\n{}", terminal::lines(&table));
}

fn links(plan: &Plan, text: &mut String) {
    let mut table = terminal::table(&["from", "to", ">messages", "when full", ">memory"]);
    for link in &plan.links {
        let full = match link.policy {
            "stop" => "the shard stops",
            "gap" => "drop and count",
            _ => "newest per instrument",
        };
        table.add_row([
            link.from.clone(),
            link.to.clone(),
            thousands(link.depth.into()),
            format!("{}: {full}", link.policy),
            terminal::bytes(link.memory_bytes),
        ]);
    }
    let _ = write!(text, "\nRings\n{}", terminal::lines(&table));
}
