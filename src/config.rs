//! The configuration as written: raw TOML structs, each key documented, no logic.
//!
//! Knows the shape only. Whether a cpu exists, a group is multicast or an instrument is on two shards is
//! decided in `topology`; the text of a fault in `fault`. Unknown keys are refused everywhere: a misspelt
//! limit that is silently ignored is the most expensive typo there is.
//!
//! Values keep their place in the file (`Spanned`), so that a fault found later still names its line.

pub mod exchange;

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

/// A whole configuration file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where a run writes (histograms, recordings, reports). Default `rialto-data` in the current folder.
    pub data: Option<PathBuf>,
    /// What is logged, and where to.
    #[serde(default)]
    pub log: Log,
    /// The Prometheus endpoint; none without this table.
    pub metrics: Option<Metrics>,
    /// Which shard takes the instruments that no list names.
    pub partition: Option<Partition>,
    /// The shards, each a slice of the instruments on one cpu.
    #[serde(default, rename = "shard")]
    pub shards: Vec<Spanned<Shard>>,
    /// The market data feeds to listen to.
    #[serde(default, rename = "feed")]
    pub feeds: Vec<Spanned<Feed>>,
    /// The rings between shards, and between shards and the process around them.
    #[serde(default, rename = "link")]
    pub links: Vec<Spanned<Link>>,
    /// Exchanges of one's own.
    #[serde(default, rename = "exchange")]
    pub exchanges: Vec<Spanned<exchange::Exchange>>,
    /// A day to publish on one of the feeds: what a demo or a test listens to.
    pub publish: Option<Spanned<Publish>>,
}

/// `[log]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info` (default), `debug` or `trace`, or directives such as `info,rialto::launch=debug`.
    /// The environment's `RUST_LOG` goes before it.
    pub level: Option<Spanned<String>>,
    /// A file to append to; standard error without it.
    pub file: Option<PathBuf>,
}

/// `[metrics]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Address and port to serve Prometheus text on, e.g. `127.0.0.1:9184`.
    pub listen: Spanned<String>,
}

/// `[partition]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// What happens to instruments that no shard lists. Default `hash`.
    pub rest: Option<Rest>,
    /// The shards that share the rest, in this order. Default: all, in the order of the file.
    /// Their number and order decide who owns what, so a change moves instruments.
    pub over: Option<Spanned<Vec<Spanned<String>>>>,
}

/// What happens to instruments that no shard lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rest {
    /// A stable hash of the ticker gives each to one shard.
    Hash,
    /// Nobody takes them: their messages are skipped.
    None,
}

/// `[[shard]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Its name in links, logs and metrics.
    pub name: Spanned<String>,
    /// The logical cpu it is pinned to. Without it, one that no shard asked for.
    pub cpu: Option<Spanned<u32>>,
    /// It takes turns with the other shards of its cpu, in one thread. Default false: the cpu is its own.
    pub share: Option<Spanned<bool>>,
    /// What it does when nothing came in. Default `backoff`.
    pub idle: Option<Spanned<Idle>>,
    /// Tickers that are its own, whatever the hash says.
    #[serde(default)]
    pub instruments: Vec<Spanned<String>>,
    /// What it makes room for at start. Required: nothing grows later.
    pub capacity: Option<Spanned<Capacity>>,
}

/// What a shard does when nothing came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Idle {
    /// Polls on: lowest latency, and one cpu always at 100 %.
    Spin,
    /// Polls on for a while, then sleeps until the kernel, a ring or a deadline wakes it.
    Backoff,
}

/// `capacity = { .. }` of a shard: how much it holds at most. When full, the instrument that wanted more
/// goes stale and is counted; the others are untouched.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Instruments it keeps a book for.
    pub instruments: Option<Spanned<u32>>,
    /// Live orders over all its books.
    pub orders: Option<Spanned<u32>>,
    /// Price levels over all its books, both sides.
    pub levels: Option<Spanned<u32>>,
}

/// `[[feed]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Its name in logs, metrics and `[publish]`.
    pub name: Spanned<String>,
    /// Whose feed, by its row in the venue table: `nasdaq` or `iex`.
    pub venue: Spanned<String>,
    /// Line A: multicast group and port, e.g. `239.192.1.1:26400`.
    pub line_a: Spanned<String>,
    /// Line B, the same packets on another path. Without it one lost packet is a gap.
    pub line_b: Option<Spanned<String>>,
    /// The address of the interface that joins the groups. Default `127.0.0.1`.
    pub interface: Option<Spanned<String>>,
    /// Where lost messages are asked for again. Without it a gap goes straight to the snapshot.
    pub rerequest: Option<Spanned<String>>,
    /// Where a snapshot of all books is to be had. Without it a gap that cannot be filled leaves the books stale.
    pub snapshot: Option<Spanned<Snapshot>>,
    /// How datagrams are taken from the kernel. Default `poll`.
    pub ingress: Option<Ingress>,
    /// The tickers this feed carries, where that is known: shards that own none of them do not join it.
    pub carries: Option<Spanned<Vec<Spanned<String>>>>,
    /// The knobs of its session; every one has a default.
    #[serde(default)]
    pub session: Session,
}

/// How datagrams are taken from the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ingress {
    /// `recvmmsg` without waiting, in batches.
    Poll,
    /// An io_uring multishot receive.
    Uring,
}

/// `snapshot = { .. }` of a feed: a SoupBinTCP login.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Address and port.
    pub address: Spanned<String>,
    /// User, at most 6 characters.
    pub user: Option<Spanned<String>>,
    /// Password, at most 10 characters.
    pub password: Option<Spanned<String>>,
}

/// `session = { .. }` of a feed: how long and how much before it gives up.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// How long a packet that came early waits for the other line before the gap is asked for, in microseconds.
    /// Default 500.
    pub reorder_us: Option<Spanned<u32>>,
    /// How long a re-request waits for its answer before it is sent again, in milliseconds. Default 5.
    pub retry_ms: Option<Spanned<u32>>,
    /// How often a re-request is sent before the snapshot is taken instead. Default 5.
    pub attempts: Option<Spanned<u32>>,
    /// The longest gap, in messages, that is asked for again; a longer one goes to the snapshot. Default 50000.
    pub gap_messages_max: Option<Spanned<u32>>,
    /// Silence after which the feed is stale, in milliseconds: heartbeats come every second. Default 3000.
    pub idle_ms: Option<Spanned<u32>>,
    /// Packets that may wait behind a gap, at most 65535. Default 1024. With a snapshot: enough for what is
    /// published while one is taken.
    pub window_packets: Option<Spanned<u32>>,
}

/// `[[link]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The producer: a shard, or `control`.
    pub from: Spanned<String>,
    /// The consumer: a shard, `tops` (best prices, for the terminal) or `alarms` (for the log).
    pub to: Option<Spanned<String>>,
    /// Messages of 64 bytes it holds; a power of two. Required.
    pub depth: Option<Spanned<u32>>,
    /// What the producer does when it is full. Default `gap`.
    pub policy: Option<Policy>,
}

/// What the producer does when a ring is full. It never waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Stops the shard: for what must never be lost.
    Stop,
    /// Drops the message and counts it; the consumer sees a gap in the numbers.
    Gap,
    /// Keeps only the newest per instrument and sends it when there is room.
    Conflate,
}

/// `[publish]`: a generated day sent on one of the feeds, with the faults of a real network.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// The feed whose lines, re-request and snapshot ports it serves.
    pub feed: Spanned<String>,
    /// Messages per second. Default 100000.
    pub rate: Option<Spanned<u32>>,
    /// Tickers in the day. Default 64.
    pub symbols: Option<Spanned<u32>>,
    /// Seed of the day and of the faults. Default 1. The same seed gives the same bytes.
    pub seed: Option<u64>,
    /// Part of line A's packets that is lost, 0.0 to 1.0. Default 0.
    pub loss_a: Option<Spanned<f64>>,
    /// Part of line B's packets that is lost, 0.0 to 1.0. Default 0.
    pub loss_b: Option<Spanned<f64>>,
    /// Part of the packets sent twice. Default 0.
    pub duplicate: Option<Spanned<f64>>,
    /// Part of the packets that overtake the one before. Default 0.
    pub reorder: Option<Spanned<f64>>,
    /// How far line B runs behind line A, in microseconds. Default 0.
    pub skew_us: Option<Spanned<u32>>,
}
