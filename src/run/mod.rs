//! `rialto run`: the engine, live.
//!
//! Starts what the configuration names, shows it while it runs, and stops in order: the publisher
//! ends its session, the shards recover what is still missing, then everything is put away and the
//! summary says whether the books are those of a network that loses nothing.

mod lossless;
mod screen;
mod summary;

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use engine::{Alarm, gauges};
use hdrhistogram::Histogram;
use runtime::latency::new_histogram;
use runtime::ring::Popped;
use session::FeedState;
use types::Nanos;

use crate::cpus::Cpus;
use crate::failure::Failure;
use crate::folder::Folder;
use crate::hist::LogWriter;
use crate::launch::{self, Live};
use crate::logs;
use crate::metrics::{self, Endpoint, FeedFigures, ShardFigures};
use crate::publish::{
    Impaired, LineOptions, Options as PublishOptions, Origin, Pace, Publisher, RequestOptions,
    SnapshotOptions,
};
use crate::stop::Stop;
use crate::terminal;
use crate::topology::{FeedId, Publish, Topology};
use crate::{generate, hist};

use screen::Screen;
use summary::Summary;

/// What `rialto run` was asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration; the built-in demo without one.
    pub config: Option<PathBuf>,
    /// Stop after this long; on Ctrl-C without it.
    pub limit: Option<Duration>,
    /// Where to write; the configuration's without it.
    pub data: Option<PathBuf>,
    /// Of the published day and its faults; the configuration's without it.
    pub seed: Option<u64>,
    /// One JSON object at the end.
    pub json: bool,
}

/// How often the cold side looks at what the shards sent it.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long the end of the session may take to be recovered.
const DRAIN_MAX: Duration = Duration::from_secs(20);
/// The day published when no end was asked for: some nine hours at the demo's rate.
const ENDLESS: Duration = Duration::from_secs(9 * 3_600);
/// The session's messages are held for re-requests up to so many, and bytes.
const HISTORY: (usize, usize) = (1 << 20, 48 << 20);

/// Runs, and prints the summary.
///
/// # Errors
/// A configuration that cannot be, a host that refuses, books that are not those of a lossless run.
pub fn command(options: Options) -> Result<(), Failure> {
    let mut topology = Topology::load(options.config.as_deref(), &Cpus::here())?;
    if let Some(exchange) = topology.exchanges.first() {
        let what = format!("{} has an [[exchange]], `{}`", topology.source, exchange.name);
        return Err(Failure::usage(what).remedy("start it with: rialto venue --config FILE"));
    }
    if let Some(data) = options.data {
        topology.data = data;
    }
    if let (Some(seed), Some(publish)) = (options.seed, &mut topology.publish) {
        publish.seed = seed;
    }
    let held = Folder::hold(&topology.data, "rialto run")?;
    let folder = held.path();
    let is_watched = terminal::is_watched() && !options.json;
    // A table that is drawn over itself and lines of a log cannot share a terminal.
    let log_file =
        topology.log_file.clone().or_else(|| is_watched.then(|| folder.join("rialto.log")));
    let logs = logs::start(&topology.log_level, log_file.as_deref())?;
    topology.notes.iter().for_each(|note| tracing::warn!("{note}"));
    let stop = Stop::on_signals()?;

    let publisher = match &topology.publish {
        Some(publish) => Some(Publisher::start(publishing(&topology, publish, options.limit))?),
        None => None,
    };
    let live = launch::launch(&topology)?;
    let endpoint = serve_metrics(&topology, &live)?;
    let mut run = Run {
        screen: Screen::new(is_watched),
        records: Records::begin(folder)?,
        alarms: 0,
        topology,
        live,
    };
    let begun = Instant::now();
    if let Some(publisher) = &publisher {
        publisher.go();
    }
    run.watch_until(options.limit, &stop, publisher.as_ref())?;
    let published = match publisher {
        Some(publisher) => Some(run.drain(publisher)?),
        None => None,
    };
    let elapsed = begun.elapsed();
    let summary = run.finish(elapsed, published)?;
    drop(endpoint);
    logs.finish();
    if options.json {
        terminal::print_json(&summary)?;
    } else {
        terminal::print(&summary.text())?;
    }
    summary.verdict()
}

/// What the publisher did, and the day it published.
#[derive(Debug)]
struct Published {
    feed: FeedId,
    day: generate::Options,
    messages: u64,
    stats: crate::publish::Stats,
    /// All shards had all of it before time was up.
    whole: bool,
}

struct Run {
    topology: Topology,
    live: Live,
    screen: Screen,
    records: Records,
    alarms: u64,
}

impl Run {
    /// Shows what comes until it is time to stop, or there is nothing more to come.
    fn watch_until(
        &mut self,
        limit: Option<Duration>,
        stop: &Stop,
        publisher: Option<&Publisher>,
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        while !stop.requested()
            && limit.is_none_or(|limit| begun.elapsed() < limit)
            && !publisher.is_some_and(Publisher::is_over)
        {
            self.look()?;
            thread::sleep(LOOK_EVERY);
        }
        stop.request();
        Ok(())
    }

    /// Takes what the shards sent since the last look.
    fn look(&mut self) -> Result<(), Failure> {
        if let [first, ..] = &self.live.failed()[..] {
            return Err(Failure::failed(format!("core {first} ended by itself; the log says why")));
        }
        for shard in &mut self.live.shards {
            if let Some(tops) = &mut shard.tops {
                while let Some(popped) = tops.pop() {
                    if let Popped::Message(message) = popped {
                        self.screen.top(&message);
                    }
                }
            }
            if let Some(alarms) = &mut shard.alarms {
                while let Some(popped) = alarms.pop() {
                    let feeds = &shard.feeds;
                    self.alarms += 1;
                    match popped {
                        Popped::Message(message) => {
                            say(&self.topology, &shard.name, feeds, Alarm::from_message(&message));
                        }
                        Popped::Missed(count) => {
                            tracing::warn!(shard = shard.name, "{count} alarms were missed");
                        }
                    }
                }
            }
            if let Some(latencies) = &mut shard.latencies {
                self.records.take(&shard.name, latencies)?;
            }
        }
        self.screen.draw(&self.topology, &self.live, &self.records.total)
    }

    /// Ends the session and waits until every shard has all of it.
    fn drain(&mut self, publisher: Publisher) -> Result<Published, Failure> {
        publisher.finish();
        let begun = Instant::now();
        let feed = self.topology.publish.map_or(FeedId(0), |publish| publish.feed);
        let mut whole = false;
        while !whole && begun.elapsed() < DRAIN_MAX {
            self.look()?;
            thread::sleep(LOOK_EVERY);
            whole =
                publisher.is_over() && self.live.shards.iter().all(|shard| has_ended(shard, feed));
        }
        let reference = publisher.reference();
        let stats = publisher.stop()?;
        let Origin::Day(day) = reference.origin else {
            return Err(Failure::failed("what was published was no generated day"));
        };
        Ok(Published { feed, day, messages: reference.messages, stats, whole })
    }

    /// Stops the cores and adds everything up.
    fn finish(
        mut self,
        elapsed: Duration,
        published: Option<Published>,
    ) -> Result<Summary, Failure> {
        self.look()?;
        self.screen.clear();
        let launch::Ended { mut shards, trades: machines, .. } = self.live.stop()?;
        for shard in &mut shards {
            if let Some(latencies) = &mut shard.latencies {
                self.records.take(&shard.name, latencies)?;
            }
        }
        let latency = self.records.finish()?;
        if published.is_some() {
            eprintln!("running the same day again without loss, to compare the books");
        }
        let lossless = match &published {
            Some(published) => Some(lossless::state_hash(&self.topology, published)?),
            None => None,
        };
        let inputs = summary::Inputs {
            topology: &self.topology,
            shards: &shards,
            machines: &machines,
            published: published.as_ref(),
            lossless,
            latency: &latency,
            alarms: self.alarms,
            elapsed,
        };
        Ok(Summary::new(&inputs))
    }
}

/// Whether a shard that joined the feed has all of its session.
fn has_ended(shard: &launch::LiveShard, feed: FeedId) -> bool {
    let Some(place) = shard.feeds.iter().position(|joined| *joined == feed) else { return true };
    let values = shard.watch.machine();
    gauges::value(&values, place, "rialto_feed_state") == FeedState::Ended as u64
}

fn say(topology: &Topology, shard: &str, feeds: &[FeedId], alarm: Option<Alarm>) {
    let Some(alarm) = alarm else { return };
    let feed = feeds.get(usize::from(alarm.feed)).map(|id| &topology.feeds[id.index()]);
    let feed = feed.map_or("?", |feed| feed.name.as_str());
    if alarm.kind.is_good() {
        tracing::info!(shard, feed, "{alarm}");
    } else {
        tracing::warn!(shard, feed, "{alarm}");
    }
}

fn serve_metrics(topology: &Topology, live: &Live) -> Result<Option<Endpoint>, Failure> {
    let Some(address) = topology.metrics else { return Ok(None) };
    let watches = live.shards.iter().map(|shard| (shard.name.clone(), shard.watch.clone()));
    let feeds = live.shards.iter().map(|shard| {
        let names = shard.feeds.iter().map(|id| topology.feeds[id.index()].name.clone());
        (shard.name.clone(), names.collect(), shard.watch.clone())
    });
    let shards = ShardFigures::new(watches.collect());
    let feeds = FeedFigures::new(feeds.collect());
    let cpu = topology.cold_cpus.first().copied();
    let endpoint = metrics::serve(address, cpu, vec![Box::new(shards), Box::new(feeds)])?;
    tracing::info!("metrics on http://{}/metrics", endpoint.address());
    Ok(Some(endpoint))
}

/// The publisher of the configuration's `[publish]`.
fn publishing(topology: &Topology, publish: &Publish, limit: Option<Duration>) -> PublishOptions {
    let feed = &topology.feeds[publish.feed.index()];
    let span = limit.unwrap_or(ENDLESS);
    // Rates are u32 and runs shorter than centuries.
    let messages = (u64::from(publish.rate) * span.as_millis() as u64 / 1_000).max(1);
    let day = generate::Options {
        seed: publish.seed,
        symbols: u16::try_from(publish.symbols).unwrap_or(u16::MAX),
        messages,
        ..generate::Options::default()
    };
    let impaired = |loss, skew: Duration| Impaired {
        loss,
        duplicate: publish.duplicate,
        reorder: publish.reorder,
        skew: Nanos::new(u64::try_from(skew.as_nanos()).unwrap_or(u64::MAX)),
        ..Impaired::NOT
    };
    let mut lines =
        vec![LineOptions { to: feed.line_a, impaired: impaired(publish.loss_a, Duration::ZERO) }];
    lines.extend(
        feed.line_b.map(|to| LineOptions { to, impaired: impaired(publish.loss_b, publish.skew) }),
    );
    PublishOptions {
        pace: Pace::Rate(u64::from(publish.rate)),
        lines,
        seed: publish.seed,
        requests: feed.rerequest.map(|listen| RequestOptions {
            listen,
            messages_max: HISTORY.0,
            bytes_max: HISTORY.1,
            ..RequestOptions::DEFAULT
        }),
        snapshots: feed.snapshot.as_ref().map(|server| SnapshotOptions {
            listen: server.address,
            user: padded(&server.user),
            password: padded(&server.password),
            ..SnapshotOptions::DEFAULT
        }),
        interface: feed.interface,
        ..PublishOptions::new(Origin::Day(day))
    }
}

/// Text in a field of the login; the topology refused what does not fit.
fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    field.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
    field
}

/// Latency from the kernel's receive stamp to books updated: all of it, and interval by interval.
struct Records {
    folder: PathBuf,
    total: Histogram<u64>,
    interval: Histogram<u64>,
    log: LogWriter<fs::File>,
    begun: SystemTime,
}

/// What is measured, as tags and file names say it.
const PACKET_TO_BOOK: &str = "packet_to_book";

impl Records {
    fn begin(folder: &std::path::Path) -> Result<Self, Failure> {
        let path = folder.join(format!("{PACKET_TO_BOOK}.hlog"));
        let file = fs::File::create(&path).map_err(|error| Failure::io("create", &path, error))?;
        let begun = SystemTime::now();
        let log =
            LogWriter::begin(file, begun).map_err(|error| Failure::io("write", &path, error))?;
        let (total, interval) = (new_histogram(), new_histogram());
        Ok(Self { folder: folder.to_owned(), total, interval, log, begun })
    }

    fn take(&mut self, shard: &str, latencies: &mut runtime::Latencies) -> Result<(), Failure> {
        let (total, interval, log) = (&mut self.total, &mut self.interval, &mut self.log);
        let begun = self.begun.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut outcome = Ok(());
        latencies.drain(|set| {
            interval.reset();
            for histogram in &set.sockets {
                // All are made with the same bounds.
                let _ = interval.add(histogram);
            }
            let _ = total.add(&*interval);
            let start = Duration::from_nanos(set.from.get()).saturating_sub(begun);
            let length = Duration::from_nanos(set.to.since(set.from).get());
            if outcome.is_ok() && !interval.is_empty() {
                outcome = log.interval(interval, start, length, Some(shard));
            }
        });
        let path = self.folder.join(format!("{PACKET_TO_BOOK}.hlog"));
        outcome.map_err(|error| Failure::io("write", path, error))
    }

    /// Writes the whole as a percentile file too.
    fn finish(self) -> Result<summary::Latency, Failure> {
        let path = |ending| self.folder.join(format!("{PACKET_TO_BOOK}.{ending}"));
        self.log.finish().map_err(|error| Failure::io("write", path("hlog"), error))?;
        let mut file = fs::File::create(path("hgrm"))
            .map_err(|error| Failure::io("create", path("hgrm"), error))?;
        hist::write_hgrm(&mut file, &self.total)
            .map_err(|error| Failure::io("write", path("hgrm"), error))?;
        Ok(summary::Latency { files: vec![path("hgrm"), path("hlog")], total: self.total })
    }
}
