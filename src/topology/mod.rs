//! Config -> checked shards, feeds, links and cpus. What this module hands out can be started.
//!
//! Knows no socket, thread or book: it reads values and compares them. Every fault it finds is reported, each
//! with its own sentence and its place in the file, so that one run of `rialto check` is enough.

mod exchange;
mod feeds;
mod links;
mod listeners;
mod memory;
mod owners;
mod placement;
mod publish;
mod shards;

use std::fs;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use tracing_subscriber::EnvFilter;

use crate::config::{self, Config};
use crate::cpus::Cpus;
use crate::failure::Failure;
use crate::fault::{self, Fault, Source};
use crate::folder;

use listeners::{Listeners, Wire};

pub(crate) use exchange::text;
pub use exchange::{
    Account, Capacity as ExchangeCapacity, Dark, Exchange, ExchangeShard, Firm, Hours, Listing,
    Login, Luld, Near, OrderLimits, Port, PortLimits,
};
pub use feeds::{Feed, Session, Snapshot};
pub use links::{COLD_ENDS, ColdEnd, End, Link};
pub(crate) use memory::of_host as host_memory;
pub use owners::Owners;
pub use placement::Placement;
pub use publish::Publish;
pub use shards::{Capacity, Shard};

/// A shard, by its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u16);

/// A feed, by its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedId(pub u16);

impl ShardId {
    /// As an index into [`Topology::shards`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl FeedId {
    /// As an index into [`Topology::feeds`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Checked: every name resolves, every cpu is there and free, every limit is set. Only [`check`] makes one.
#[derive(Debug, Clone)]
#[expect(clippy::manual_non_exhaustive, reason = "closed to this crate too, not only to others")]
pub struct Topology {
    /// What the file is called, for messages.
    pub source: String,
    /// Where a run writes.
    pub data: PathBuf,
    /// Directives for the log, valid.
    pub log_level: String,
    /// The file that is logged to; standard error without it.
    pub log_file: Option<PathBuf>,
    /// Where Prometheus text is served.
    pub metrics: Option<SocketAddr>,
    /// By [`ShardId`].
    pub shards: Vec<Shard>,
    /// Which shard owns which instrument.
    pub owners: Owners,
    /// By [`FeedId`].
    pub feeds: Vec<Feed>,
    /// The rings.
    pub links: Vec<Link>,
    /// Exchanges of one's own.
    pub exchanges: Vec<Exchange>,
    /// What `rialto run` publishes for itself to listen to.
    pub publish: Option<Publish>,
    /// The cpus left to everything that is no shard; all allowed ones where no cpu is left over.
    pub cold_cpus: Vec<u32>,
    /// What is allowed and still costs something: sentences for the person who starts it.
    pub notes: Vec<String>,
    /// Keeps others from making one by hand.
    _checked: (),
}

/// One thread: a cpu and the shards that take turns on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Where it is pinned.
    pub cpu: u32,
    /// In the order of the file, those that trade first.
    pub shards: Vec<Seat>,
}

/// A shard of either kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seat {
    /// One that trades.
    Trade(ShardId),
    /// One of an exchange: by the exchange's place and its own there.
    Exchange(usize, usize),
}

impl Topology {
    /// The configuration that `rialto run` uses when it is given none, through the same path as any other.
    pub const DEMO: &str = include_str!("../../tuning/demo.toml");

    /// From a file, or the built-in demo where there is none. Reads the file, and how much memory this host has;
    /// opens nothing else.
    pub fn load(path: Option<&Path>, cpus: &Cpus) -> Result<Self, Failure> {
        let source = match path {
            None => Source {
                name: "tuning/demo.toml (built in)".to_owned(),
                text: Self::DEMO.to_owned(),
            },
            Some(path) => Source {
                name: path.display().to_string(),
                text: fs::read_to_string(path).map_err(|error| {
                    let usage = Failure::io("read", path, error).to_string();
                    Failure::usage(usage)
                        .remedy("profiles to start from lie in tuning/, e.g. tuning/demo.toml")
                })?,
            },
        };
        let config = fault::read(&source).map_err(|fault| source.refuse(&[fault]))?;
        let mut topology =
            check(&config, &source, cpus).map_err(|faults| source.refuse(&faults))?;
        if let Some(bytes) = host_memory(Path::new("/")) {
            topology.note_memory(bytes);
        }
        Ok(topology)
    }

    /// The threads to start, by cpu.
    pub fn threads(&self) -> Vec<Thread> {
        let mut threads: Vec<Thread> = Vec::new();
        for seat in self.seats() {
            let cpu = self.placement(seat).cpu;
            match threads.iter_mut().find(|thread| thread.cpu == cpu) {
                Some(thread) => thread.shards.push(seat),
                None => threads.push(Thread { cpu, shards: vec![seat] }),
            }
        }
        threads.sort_by_key(|thread| thread.cpu);
        threads
    }

    /// Every shard, those that trade first.
    fn seats(&self) -> impl Iterator<Item = Seat> {
        let trade = (0_u16..).map(ShardId).zip(&self.shards).map(|(id, _)| Seat::Trade(id));
        let exchanges = self.exchanges.iter().enumerate();
        let of = |(at, exchange): (usize, &Exchange)| {
            (0..exchange.shards.len()).map(move |shard| Seat::Exchange(at, shard))
        };
        trade.chain(exchanges.flat_map(of))
    }

    /// Where a shard of this topology runs.
    pub fn placement(&self, seat: Seat) -> Placement {
        match seat {
            Seat::Trade(id) => self.shards[id.index()].placement,
            Seat::Exchange(exchange, shard) => self.exchanges[exchange].shards[shard].placement,
        }
    }

    /// What a shard of this topology is called.
    pub fn name(&self, seat: Seat) -> &str {
        match seat {
            Seat::Trade(id) => &self.shards[id.index()].name,
            Seat::Exchange(exchange, shard) => &self.exchanges[exchange].shards[shard].name,
        }
    }

    /// The feeds whose best prices an exchange trades by; none where it makes its own.
    pub fn quoted_by(&self, exchange: &Exchange) -> Vec<Feed> {
        let names = exchange.dark.iter().flat_map(|dark| &dark.quote);
        names.map(|id| self.feeds[id.index()].clone()).collect()
    }

    /// The feeds that a shard joins, in the order of the file.
    pub fn feeds_of(&self, shard: ShardId) -> impl Iterator<Item = (FeedId, &Feed)> {
        let feeds = (0_u16..).map(FeedId).zip(&self.feeds);
        feeds.filter(move |(_, feed)| feed.shards.contains(&shard))
    }
}

/// Checks everything; all the faults found, in the order of the file, or a topology that can be started.
pub fn check(config: &Config, source: &Source, cpus: &Cpus) -> Result<Topology, Vec<Fault>> {
    let mut faults = Faults { source, found: Vec::new() };
    let mut notes = Vec::new();

    if config.shards.is_empty() && config.exchanges.is_empty() {
        faults
            .add_whole("the file has no [[shard]] and no [[exchange]]: nothing would run")
            .remedy_last("add one, or start from a profile in tuning/");
    }
    let wishes: Vec<_> =
        shards::wishes(&config.shards).chain(exchange::wishes(&config.exchanges)).collect();
    let placements = placement::check(&wishes, cpus, &mut faults, &mut notes);
    let shards = shards::check(&config.shards, &placements, &mut faults);
    let owners = owners::check(config, &mut faults);
    if config.feeds.is_empty() && !config.shards.is_empty() {
        faults
            .add_whole("the file has no [[feed]]: there would be nothing to listen to")
            .remedy_last("add one, or start from a profile in tuning/");
    }
    let feeds = feeds::check(&config.feeds, &owners, &mut faults);
    let of_exchanges = placements.get(config.shards.len()..).unwrap_or_default();
    let mut listeners = Listeners::default();
    let exchanges = exchange::check(config, of_exchanges, &mut listeners, &mut faults);
    let links = links::check(config, &mut faults);
    let publish = publish::check(config, &mut faults, &mut notes);
    let metrics =
        config.metrics.as_ref().and_then(|metrics| listen(metrics, &mut faults, &mut notes));
    if let (Some(raw), Some(address)) = (&config.metrics, metrics) {
        let by = "metrics.listen".to_owned();
        listeners.take(by, (Wire::Tcp, address), &raw.listen, &mut faults);
    }
    let log_level = log_level(&config.log, &mut faults);

    if !faults.found.is_empty() {
        let mut found = faults.found;
        found.sort_by_key(|fault| fault.at.start);
        return Err(found);
    }
    Ok(Topology {
        source: source.name.clone(),
        data: config.data.clone().unwrap_or_else(|| PathBuf::from(folder::DEFAULT)),
        log_level,
        log_file: config.log.file.clone(),
        metrics,
        cold_cpus: cold_cpus(&placements, cpus, &mut notes),
        shards,
        owners,
        feeds,
        links,
        exchanges,
        publish,
        notes,
        _checked: (),
    })
}

/// What is left for the threads that are no shard.
fn cold_cpus(placements: &[Placement], cpus: &Cpus, notes: &mut Vec<String>) -> Vec<u32> {
    let free: Vec<u32> = cpus
        .allowed
        .iter()
        .copied()
        .filter(|cpu| placements.iter().all(|placement| placement.cpu != *cpu))
        .collect();
    if !free.is_empty() {
        return free;
    }
    if placements.iter().any(|placement| placement.idle == config::Idle::Spin) {
        notes.push(
            "no cpu is left for logs, metrics and the terminal: they take time from the spinning shards. \
             Leave one cpu free, or set idle = \"backoff\"."
                .to_owned(),
        );
    }
    cpus.allowed.iter().copied().collect()
}

fn listen(
    metrics: &config::Metrics,
    faults: &mut Faults<'_>,
    notes: &mut Vec<String>,
) -> Option<SocketAddr> {
    let text = metrics.listen.get_ref();
    let Ok(address) = text.parse::<SocketAddr>() else {
        let what = format!("metrics.listen `{text}` is not an address and port");
        faults.add(&metrics.listen, what).remedy_last("write it like `127.0.0.1:9184`");
        return None;
    };
    if !address.ip().is_loopback() {
        notes.push(format!(
            "metrics on {address} can be read by everyone who reaches that address."
        ));
    }
    Some(address)
}

fn log_level(log: &config::Log, faults: &mut Faults<'_>) -> String {
    let Some(level) = &log.level else {
        return "info".to_owned();
    };
    let text = level.get_ref();
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    let plain = text.bytes().all(|byte| byte.is_ascii_alphabetic());
    // The filter takes any bare word for a target's name: `wran` would silence everything.
    let known = !plain || levels.contains(&text.to_ascii_lowercase().as_str());
    if !known || EnvFilter::try_new(text).is_err() {
        let what = format!("log.level `{text}` is not a level");
        faults.add(level, what).remedy_last(&fault::suggest(text, levels.into_iter()));
    }
    text.clone()
}

/// The faults found so far.
struct Faults<'a> {
    source: &'a Source,
    found: Vec<Fault>,
}

impl Faults<'_> {
    /// At the place of a value.
    fn add<T>(&mut self, at: &Spanned<T>, what: impl Into<String>) -> &mut Self {
        self.found.push(Fault::new(at.span(), what));
        self
    }

    /// At some bytes of the file.
    fn add_at(&mut self, at: Range<usize>, what: impl Into<String>) -> &mut Self {
        self.found.push(Fault::new(at, what));
        self
    }

    /// About the file as a whole.
    fn add_whole(&mut self, what: impl Into<String>) -> &mut Self {
        self.found.push(Fault::new(0..0, what));
        self
    }

    /// What to do about the one just added.
    fn remedy_last(&mut self, remedy: &str) {
        if let Some(last) = self.found.last_mut() {
            last.remedy = Some(remedy.to_owned());
        }
    }

    /// The line of a value, to point at from another fault.
    fn line_of<T>(&self, at: &Spanned<T>) -> usize {
        self.source.place(at.span().start).0
    }

    /// A limit that must lie in `range`; without it `default`, and without that a fault at `table`.
    fn limit<T, U>(
        &mut self,
        key: &str,
        value: Option<&Spanned<U>>,
        range: std::ops::RangeInclusive<T>,
        default: T,
    ) -> T
    where
        T: Copy + PartialOrd + std::fmt::Display,
        U: Copy + Into<T>,
    {
        let Some(value) = value else {
            return default;
        };
        let given: T = (*value.get_ref()).into();
        if !range.contains(&given) {
            let what = format!("{key} is {given}");
            let remedy = format!("it must be from {} to {}", range.start(), range.end());
            self.add(value, what).remedy_last(&remedy);
        }
        given
    }
}
