//! `rialto venue`: the exchanges of a configuration, live.
//!
//! Starts their shards and the servers behind their feeds, shows what happens, and on Ctrl-C ends the
//! day: closing crosses, the end of every session, a summary.

mod screen;
mod summary;

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use book::l3::Capacity;
use engine::exchange::gauges;
use session::SessionId;
use types::SeqNo;

use crate::control::{self, CLOSE_MAX, Control};
use crate::cpus::Cpus;
use crate::descriptors::make_room_for;
use crate::failure::Failure;
use crate::folder::Folder;
use crate::launch::{self, Live};
use crate::logs;
use crate::metrics::{self, Endpoint, ExchangeFigures, ShardFigures};
use crate::publish::{Distribution, DistributionOptions, RequestOptions, SnapshotOptions};
use crate::stop::Stop;
use crate::terminal;
use crate::topology::{ExchangeShard, Listing, Topology};

use screen::Screen;
use summary::Summary;

/// What `rialto venue` was asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration.
    pub config: PathBuf,
    /// Where to write; the configuration's without it.
    pub data: Option<PathBuf>,
    /// Stop after this long; on Ctrl-C without it.
    pub limit: Option<Duration>,
    /// One JSON object at the end.
    pub json: bool,
}

/// How often the cold side looks at the shards.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long the end of the session is repeated for those who lost it, and clients may still ask.
const LINGER: Duration = Duration::from_millis(1_500);

/// Runs, and prints the summary.
///
/// # Errors
/// A configuration that cannot be or has no exchange, a host that refuses, a day that did not end.
pub fn command(options: Options) -> Result<(), Failure> {
    let mut topology = Topology::load(Some(&options.config), &Cpus::here())?;
    if let Some(data) = options.data {
        topology.data = data;
    }
    let now = runtime::Clock::new().now();
    for shard in topology.exchanges.iter_mut().flat_map(|exchange| &mut exchange.shards) {
        shard.begin(now);
    }
    if topology.exchanges.is_empty() {
        let what = format!("{} has no [[exchange]]", topology.source);
        return Err(Failure::usage(what).remedy("start from tuning/venue-demo.toml"));
    }
    if !topology.shards.is_empty() {
        let what =
            format!("{} has a [[shard]], which an exchange alone does not start", topology.source);
        return Err(Failure::usage(what).remedy("keep it in a file of its own, for rialto run"));
    }
    let folder = Folder::hold(&topology.data, "rialto venue")?;
    let is_watched = terminal::is_watched() && !options.json;
    let log_file =
        topology.log_file.clone().or_else(|| is_watched.then(|| topology.data.join("rialto.log")));
    let logs = logs::start(&topology.log_level, log_file.as_deref())?;
    topology.notes.iter().for_each(|note| tracing::warn!("{note}"));
    let stop = Stop::on_signals()?;

    let shards = || topology.exchanges.iter().flat_map(|exchange| &exchange.shards);
    make_room_for(shards().map(|shard| usize::from(shard.capacity.connections)).sum())?;
    let begun = Instant::now();
    // Before anybody can trade: who sees an exchange can control it.
    let listener = control::Listener::bind(&folder)?;
    let mut live = launch::launch(&topology)?;
    let servers = serve(&topology, &mut live)?;
    let endpoint = serve_metrics(&topology, &live)?;
    let control = control(listener, &topology, &mut live)?;
    announce(&topology, is_watched);
    let mut screen = Screen::new(is_watched);
    let mut failed = Vec::new();
    while !stop.requested()
        && failed.is_empty()
        && !is_over(&live)
        && options.limit.is_none_or(|limit| begun.elapsed() < limit)
    {
        thread::sleep(LOOK_EVERY);
        screen.draw(&topology, &live, begun.elapsed())?;
        failed = live.failed();
    }
    screen.clear();
    if !failed.is_empty() {
        return Err(Failure::failed(format!("core {} ended by itself", failed.join(", "))));
    }
    let is_whole = close(&control, &live);
    thread::sleep(LINGER);
    drop(control);
    let elapsed = begun.elapsed();
    let watches: Vec<_> = live.exchanges.iter().map(|shard| shard.watch.clone()).collect();
    let ended = live.stop()?;
    drop(servers);
    drop(endpoint);
    drop(logs);
    let summary = Summary::new(&topology, &ended.exchanges, &watches, elapsed);
    summary.print(options.json)?;
    let lost = summary.lost();
    if lost != 0 {
        return Err(Failure::failed(format!(
            "{lost} messages between shards, or of market data, found no room: the feed has a hole"
        )));
    }
    if !is_whole {
        return Err(Failure::failed(format!(
            "the day did not end within {} s: a shard still had orders to close",
            CLOSE_MAX.as_secs()
        )));
    }
    Ok(())
}

/// The servers behind each shard's feed, where the configuration has some. A shard without any still has
/// its messages taken: it would stand still otherwise.
fn serve(topology: &Topology, live: &mut Live) -> Result<Vec<Distribution>, Failure> {
    let mut servers = Vec::new();
    for (at, messages) in live.take_kept() {
        let plan = &topology.exchanges[at.0].shards[at.1];
        let requests =
            plan.rerequest.map(|listen| RequestOptions { listen, ..RequestOptions::DEFAULT });
        let snapshots = plan.snapshot.as_ref().map(|snapshot| SnapshotOptions {
            listen: snapshot.address,
            user: padded(&snapshot.user),
            password: padded(&snapshot.password),
            capacity: book_capacity(plan),
            ..SnapshotOptions::DEFAULT
        });
        let options = DistributionOptions {
            session: SessionId::new(plan.session),
            first: SeqNo::new(1),
            datagram_bytes_max: launch::DATAGRAM_BYTES_MAX,
            requests,
            snapshots,
            seed: topology.exchanges[at.0].seed,
            cpu: None,
        };
        servers.push(Distribution::follow(options, messages)?);
    }
    Ok(servers)
}

/// Room in the snapshot server's book for whatever the shard's own can hold.
fn book_capacity(shard: &ExchangeShard) -> Capacity {
    let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let orders = size(shard.capacity.orders);
    let prices = |listing: &Listing| 2 * size(listing.window + listing.far_levels);
    let levels = shard.listings.iter().map(prices).sum::<usize>().min(orders);
    Capacity { instruments: shard.listings.len(), orders, levels }
}

/// The Prometheus endpoint, where the configuration has one.
fn serve_metrics(topology: &Topology, live: &Live) -> Result<Option<Endpoint>, Failure> {
    let Some(address) = topology.metrics else { return Ok(None) };
    let loops = live.exchanges.iter().map(|shard| (shard.name.clone(), shard.watch.clone()));
    let exchanges = live.exchanges.iter().map(|shard| {
        let exchange = topology.exchanges[shard.at.0].name.clone();
        (exchange, shard.name.clone(), shard.watch.clone())
    });
    let loops = ShardFigures::new(loops.collect());
    let exchanges = ExchangeFigures::new(exchanges.collect());
    let cpu = topology.cold_cpus.first().copied();
    let endpoint = metrics::serve(address, cpu, vec![Box::new(loops), Box::new(exchanges)])?;
    tracing::info!("metrics on http://{}/metrics", endpoint.address());
    Ok(Some(endpoint))
}

/// As SoupBinTCP has it; the topology has seen that it fits.
fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    let len = text.len().min(N);
    field[..len].copy_from_slice(&text.as_bytes()[..len]);
    field
}

/// What `rialto ctl` talks to.
fn control(
    listener: control::Listener,
    topology: &Topology,
    live: &mut Live,
) -> Result<Control, Failure> {
    let mut desks = live.take_desks();
    desks.sort_by_key(|(at, _)| *at);
    let shards = desks.into_iter().zip(&live.exchanges).map(|((_, desk), shard)| {
        let (commands, answers) = desk;
        control::Shard { commands, answers, watch: shard.watch.clone() }
    });
    Control::start(listener, topology, shards.collect(), topology.cold_cpus.first().copied())
}

/// Whether the day is over on every shard.
fn is_over(live: &Live) -> bool {
    let over = gauges::place("rialto_exchange_over").unwrap_or_default();
    live.exchanges.iter().all(|shard| shard.watch.machine().get(over) == Some(&1))
}

/// Ends the day on every shard, and waits for it; whether all ended.
fn close(control: &Control, live: &Live) -> bool {
    control.end_day();
    let begun = Instant::now();
    while begun.elapsed() < CLOSE_MAX {
        if is_over(live) {
            return true;
        }
        thread::sleep(LOOK_EVERY);
    }
    false
}

/// Says where everything is to be found: to a person above the live table, to anyone else in the log.
fn announce(topology: &Topology, is_watched: bool) {
    for exchange in &topology.exchanges {
        for shard in &exchange.shards {
            let line_b = shard.line_b.map_or_else(String::new, |line| format!(" and {line}"));
            let count = shard.listings.len();
            let session = String::from_utf8_lossy(&shard.session);
            let orders =
                format!("session {session}, {count} instruments, orders on {}", shard.orders);
            let lines = format!("market data on {}{line_b}", shard.line_a);
            if is_watched {
                eprintln!("{} {}: {orders}\n  {lines}", exchange.name, shard.name);
            }
            tracing::info!(exchange = exchange.name, shard = shard.name, "{orders}, {lines}");
        }
    }
    if is_watched {
        let served =
            topology.metrics.map(|address| format!("metrics on http://{address}/metrics\n"));
        eprintln!("{}", served.unwrap_or_default());
    }
}
