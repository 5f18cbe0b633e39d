//! What a run came to: feeds, recovery, latency, and whether the books are right.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use engine::Trade;
use hdrhistogram::Histogram;
use runtime::Counters;
use serde::Serialize;
use session::LineHealth;
use types::Nanos;

use super::{PACKET_TO_BOOK, Published};
use crate::failure::Failure;
use crate::launch::LiveShard;
use crate::terminal::{self, thousands};
use crate::topology::Topology;

/// What is added up.
pub(super) struct Inputs<'a> {
    pub(super) topology: &'a Topology,
    pub(super) shards: &'a [LiveShard],
    pub(super) machines: &'a [Trade],
    pub(super) published: Option<&'a Published>,
    pub(super) lossless: Option<u64>,
    pub(super) latency: &'a Latency,
    pub(super) alarms: u64,
    pub(super) elapsed: Duration,
}

/// The latency of the whole run, and the files it was written to.
pub(super) struct Latency {
    pub(super) files: Vec<PathBuf>,
    pub(super) total: Histogram<u64>,
}

/// The figures of a run; the names are those that scripts rely on.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    state_hash: String,
    lossless_state_hash: Option<String>,
    elapsed_ns: u64,
    messages_published: Option<u64>,
    messages: u64,
    instruments: u64,
    orders: u64,
    alarms: u64,
    recovered_whole: bool,
    feeds: Vec<LineRow>,
    recovery: Vec<FeedRow>,
    latency: BTreeMap<&'static str, Percentiles>,
    shards: Vec<ShardRow>,
    files: Vec<PathBuf>,
}

/// One line of a feed as one shard heard it.
#[derive(Debug, Serialize)]
struct LineRow {
    shard: String,
    feed: String,
    line: &'static str,
    packets: u64,
    lost: u64,
    duplicates: u64,
    recovered: u64,
    malformed: u64,
    wrong_session: u64,
    lag_mean_ns: u64,
    lag_max_ns: u64,
}

/// What it took to make one shard's stream whole.
#[derive(Debug, Serialize)]
struct FeedRow {
    shard: String,
    feed: String,
    messages: u64,
    gaps: u64,
    by_line: u64,
    by_request: u64,
    by_snapshot: u64,
    given_up: u64,
    requests: u64,
    snapshots: u64,
    unasked: u64,
    went_stale: u64,
    faults: u64,
    /// The next message it waits for: one past the last once all of it is in.
    next: u64,
}

#[derive(Debug, Serialize)]
struct Percentiles {
    p50_ns: u64,
    p99_ns: u64,
    p999_ns: u64,
    max_ns: u64,
    count: u64,
}

#[derive(Debug, Serialize)]
struct ShardRow {
    shard: String,
    cpu: u32,
    busy_share: f64,
    longest_cycle_ns: u64,
    kernel_drops: u64,
    parks: u64,
}

impl Summary {
    pub(super) fn new(inputs: &Inputs<'_>) -> Self {
        let hash = book::hash::combine(inputs.machines.iter().map(Trade::state_hash));
        let total = &inputs.latency.total;
        let percentiles = Percentiles {
            p50_ns: total.value_at_quantile(0.5),
            p99_ns: total.value_at_quantile(0.99),
            p999_ns: total.value_at_quantile(0.999),
            max_ns: total.max(),
            count: total.len(),
        };
        let feeds = || {
            let shards = inputs.shards.iter().zip(inputs.machines);
            shards.flat_map(|(shard, trade)| {
                let names = shard.feeds.iter().map(|id| &inputs.topology.feeds[id.index()].name);
                names.zip(trade.feeds()).map(move |(name, feed)| (&shard.name, name, feed))
            })
        };
        let recovery: Vec<FeedRow> =
            feeds().map(|(shard, name, feed)| row(shard, name, feed)).collect();
        let sum = |each: fn(&Trade) -> u64| inputs.machines.iter().map(each).sum();
        Self {
            state_hash: format!("{hash:016x}"),
            lossless_state_hash: inputs.lossless.map(|hash| format!("{hash:016x}")),
            elapsed_ns: u64::try_from(inputs.elapsed.as_nanos()).unwrap_or(u64::MAX),
            messages_published: inputs.published.map(|published| published.stats.messages),
            messages: recovery.iter().map(|row| row.messages).sum(),
            instruments: sum(|trade| trade.symbols().len() as u64),
            orders: sum(|trade| {
                let orders = |feed: &engine::Feed| feed.mirror().books().orders_live() as u64;
                trade.feeds().iter().map(orders).sum()
            }),
            alarms: inputs.alarms,
            recovered_whole: inputs.published.is_none_or(|published| published.whole),
            feeds: feeds().flat_map(|(shard, name, feed)| lines(shard, name, feed)).collect(),
            recovery,
            latency: BTreeMap::from([(PACKET_TO_BOOK, percentiles)]),
            shards: inputs.shards.iter().map(|shard| shard_row(inputs.topology, shard)).collect(),
            files: inputs.latency.files.clone(),
        }
    }

    /// Whether the run was what it should have been.
    ///
    /// # Errors
    /// Nothing came, or not all of it in time; the books could not hold it; or they are not those of a
    /// lossless run.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        if !self.recovered_whole && self.feeds.iter().all(|line| line.packets == 0) {
            return Err(Failure::failed("nothing of the published session was heard on any line")
                .remedy("let this host pass multicast on loopback, and lines lose less than all"));
        }
        if !self.recovered_whole {
            let published = self.messages_published.unwrap_or(0);
            let behind = self.recovery.iter().filter(|row| row.next <= published).map(|row| {
                format!("shard {} was at message {} of {published}", row.shard, row.next)
            });
            let behind: Vec<String> = behind.collect();
            let what = format!("not all of the session came in time: {}", behind.join(", "));
            return Err(Failure::failed(what).remedy(
                "this host is too busy for the rate: lower publish.rate, or free its cpus",
            ));
        }
        // The lossless run has the same room, so its books are stale as well, and equal.
        let harmed = self.recovery.iter().find(|row| 0 < row.went_stale + row.faults);
        if let (Some(row), Some(_)) = (harmed, &self.lossless_state_hash) {
            let (shard, books, messages) = (&row.shard, row.went_stale, row.faults);
            return Err(Failure::failed(format!(
                "shard {shard} has {books} books that went stale and {messages} messages that it could not use"
            ))
            .remedy("see the log for each one; where it had no room, raise its capacity"));
        }
        match &self.lossless_state_hash {
            Some(lossless) if *lossless != self.state_hash => Err(Failure::failed(format!(
                "the books differ from those of a lossless run: state hash {} and {lossless}",
                self.state_hash
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// For a person.
    pub(super) fn text(&self) -> String {
        let secs = self.elapsed_ns as f64 / 1e9;
        let mut text = format!("ran {secs:.1} s");
        if let Some(published) = self.messages_published {
            let rate = published as f64 / secs.max(1e-9);
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                ": {} messages published, {} a second; {} instruments, {} live orders at the end",
                thousands(published),
                thousands(rate as u64),
                thousands(self.instruments),
                thousands(self.orders),
            );
        }
        text.push_str("\n\nlines\n");
        text.push_str(&self.lines_text());
        text.push_str("\nrecovery, in messages\n");
        text.push_str(&self.recovery_text());
        text.push_str("\ncores\n");
        text.push_str(&self.shards_text());
        for (name, latency) in &self.latency {
            let _ = writeln!(
                text,
                "\n{}: p50 {}  p99 {}  p99.9 {}  max {}  ({} datagrams)",
                name.replace('_', " "),
                Nanos::new(latency.p50_ns),
                Nanos::new(latency.p99_ns),
                Nanos::new(latency.p999_ns),
                Nanos::new(latency.max_ns),
                thousands(latency.count),
            );
        }
        for file in &self.files {
            let _ = writeln!(text, "  wrote {}", file.display());
        }
        let _ = writeln!(text, "\nstate hash           {}", self.state_hash);
        if let Some(lossless) = &self.lossless_state_hash {
            let equal = match (*lossless == self.state_hash, self.recovered_whole) {
                (true, _) => "equal",
                (false, true) => "DIFFERENT",
                (false, false) => "not comparable: the books are incomplete, and marked stale",
            };
            let _ = writeln!(text, "lossless state hash  {lossless}  {equal}");
        }
        text
    }

    fn lines_text(&self) -> String {
        let headings = [
            "shard",
            "feed",
            "line",
            ">packets",
            ">messages lost",
            ">recovered",
            ">duplicates",
            ">refused",
            ">lag mean",
            ">lag max",
        ];
        let mut table = terminal::table(&headings);
        for row in &self.feeds {
            table.add_row([
                row.shard.clone(),
                row.feed.clone(),
                row.line.to_owned(),
                thousands(row.packets),
                thousands(row.lost),
                thousands(row.recovered),
                thousands(row.duplicates),
                thousands(row.malformed + row.wrong_session),
                Nanos::new(row.lag_mean_ns).to_string(),
                Nanos::new(row.lag_max_ns).to_string(),
            ]);
        }
        terminal::lines(&table)
    }

    fn recovery_text(&self) -> String {
        let headings = [
            "shard",
            "feed",
            ">messages",
            ">gaps",
            ">other line",
            ">re-request",
            ">snapshot",
            ">given up",
            ">requests",
            ">snapshots",
            ">faults",
            ">stale",
        ];
        let mut table = terminal::table(&headings);
        for row in &self.recovery {
            table.add_row([
                row.shard.clone(),
                row.feed.clone(),
                thousands(row.messages),
                thousands(row.gaps),
                thousands(row.by_line),
                thousands(row.by_request),
                thousands(row.by_snapshot),
                thousands(row.given_up),
                thousands(row.requests),
                thousands(row.snapshots),
                thousands(row.faults),
                thousands(row.went_stale),
            ]);
        }
        terminal::lines(&table)
    }

    fn shards_text(&self) -> String {
        let headings = ["shard", ">cpu", ">busy", ">longest turn", ">sleeps", ">kernel drops"];
        let mut table = terminal::table(&headings);
        for row in &self.shards {
            table.add_row([
                row.shard.clone(),
                row.cpu.to_string(),
                format!("{:.1} %", row.busy_share * 100.0),
                Nanos::new(row.longest_cycle_ns).to_string(),
                thousands(row.parks),
                thousands(row.kernel_drops),
            ]);
        }
        terminal::lines(&table)
    }
}

fn row(shard: &str, name: &str, feed: &engine::Feed) -> FeedRow {
    let (health, tally) = (feed.health(), feed.mirror().tally());
    FeedRow {
        shard: shard.to_owned(),
        feed: name.to_owned(),
        messages: health.delivered,
        gaps: health.gaps,
        by_line: health.recovered_by_line,
        by_request: health.recovered_by_request,
        by_snapshot: health.recovered_by_snapshot,
        given_up: health.given_up,
        requests: health.requests,
        snapshots: health.snapshots,
        unasked: health.unasked,
        next: health.next.get(),
        went_stale: feed.mirror().books().counters().went_stale,
        faults: tally.faults,
    }
}

fn lines(shard: &str, name: &str, feed: &engine::Feed) -> Vec<LineRow> {
    let health = feed.health();
    let missing = health.seen.get().saturating_sub(health.next.get());
    let line = |letter, line: &LineHealth| LineRow {
        shard: shard.to_owned(),
        feed: name.to_owned(),
        line: letter,
        packets: line.packets,
        lost: line.lost,
        duplicates: line.duplicates,
        // What this line never carried came some other way, but for what nobody brought.
        recovered: line.lost.saturating_sub(health.given_up).saturating_sub(missing),
        malformed: line.malformed,
        wrong_session: line.wrong_session,
        lag_mean_ns: line.lag_mean.get(),
        lag_max_ns: line.lag_max.get(),
    };
    let heard = [("A", &health.lines[0]), ("B", &health.lines[1])];
    heard.into_iter().map(|(letter, health)| line(letter, health)).collect()
}

fn shard_row(topology: &Topology, shard: &LiveShard) -> ShardRow {
    let Counters { busy_ns, idle_ns, longest_cycle_ns, kernel_drops, parks, .. } =
        shard.watch.counters();
    ShardRow {
        shard: shard.name.clone(),
        cpu: topology.shards[shard.id.index()].placement.cpu,
        busy_share: busy_ns as f64 / (busy_ns + idle_ns).max(1) as f64,
        longest_cycle_ns,
        kernel_drops,
        parks,
    }
}

/// The gauges that the screen asks for by name are there: a name that is not reads as zero.
#[cfg(test)]
mod tests {
    use engine::gauges;

    #[test]
    fn the_gauges_asked_for_are_there() {
        let asked = [
            "rialto_feed_state",
            "rialto_feed_stale",
            "rialto_feed_messages_total",
            "rialto_feed_gaps_total",
            "rialto_feed_recovered_by_line_total",
            "rialto_feed_recovered_by_request_total",
            "rialto_feed_recovered_by_snapshot_total",
            "rialto_feed_line_a_lost_total",
            "rialto_feed_line_b_lost_total",
        ];
        for name in asked {
            assert!(gauges::FEED.iter().any(|gauge| gauge.name == name), "{name}");
        }
    }
}
