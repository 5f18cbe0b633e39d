//! `rialto publish`: a recording, or a generated day, as a live feed.

use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Options, Publisher, Stats};
use crate::failure::Failure;
use crate::stop::Stop;
use crate::terminal;

/// What was typed.
#[derive(Clone, Debug)]
pub struct CommandOptions {
    /// The feed.
    pub publish: Options,
    /// How long to go on serving after the end of the session.
    pub linger: Duration,
    /// Print one JSON object at the end.
    pub json: bool,
}

#[derive(Serialize)]
struct Output {
    #[serde(flatten)]
    stats: Stats,
    elapsed_ns: u64,
    interrupted: bool,
}

/// How often the end and Ctrl-C are looked for.
const LOOK: Duration = Duration::from_millis(20);

/// Publishes until the end or Ctrl-C, then says what was sent.
///
/// # Errors
/// As [`Publisher::start`] and [`Publisher::stop`].
pub fn command(options: CommandOptions) -> Result<(), Failure> {
    let CommandOptions { publish, linger, json } = options;
    let stop = Stop::on_signals()?;
    let lines: Vec<String> = publish.lines.iter().map(|line| line.to.to_string()).collect();
    let session = publish.session;
    let publisher = Publisher::start(publish)?;
    eprintln!("session {session} on {}", lines.join(" and "));
    if let Some(address) = publisher.request_addr() {
        eprintln!("re-requests on {address}");
    }
    if let Some(address) = publisher.snapshot_addr() {
        eprintln!("snapshots on {address}");
    }
    let began = Instant::now();
    publisher.go();
    while !publisher.is_over() {
        if stop.requested() {
            publisher.finish();
        }
        thread::sleep(LOOK);
    }
    let elapsed = began.elapsed();
    let interrupted = stop.requested();
    let over_at = Instant::now();
    while over_at.elapsed() < linger && !stop.requested() {
        thread::sleep(LOOK);
    }
    let stats = publisher.stop()?;
    let refused: u64 = stats.lines.iter().map(|line| line.failed).sum();
    let nothing_left = 0 < refused && stats.lines.iter().all(|line| line.packets == 0);
    let elapsed_ns = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
    let output = Output { stats, elapsed_ns, interrupted };
    if json {
        terminal::print_json(&output)?;
    } else {
        terminal::print(&summary(&output))?;
    }
    if nothing_left {
        return Err(Failure::failed(format!("the system refused all {refused} packets"))
            .remedy("publish to a multicast group, by an interface that can reach it"));
    }
    Ok(())
}

fn summary(output: &Output) -> String {
    let Output { stats, elapsed_ns, .. } = output;
    let per_second = u128::from(stats.messages) * 1_000_000_000 / u128::from(*elapsed_ns).max(1);
    let mut text = format!(
        "{} messages in {} packets, {per_second} messages/s\n",
        stats.messages, stats.packets
    );
    for (name, line) in ["A", "B"].iter().zip(&stats.lines) {
        if line.packets + line.lost + line.failed == 0 {
            continue;
        }
        text.push_str(&format!(
            "line {name}: {} packets sent, {} lost, {} doubled, {} late, {} refused by the system\n",
            line.packets, line.lost, line.duplicated, line.reordered, line.failed
        ));
    }
    text.push_str(&format!(
        "re-requests: {} answered with {} messages, {} refused, {} over the limit\n",
        stats.requests_answered,
        stats.messages_resent,
        stats.requests_refused,
        stats.requests_throttled
    ));
    text.push_str(&format!(
        "snapshots: {} served, {} logins refused, {} clients cut\n",
        stats.snapshots_served,
        stats.snapshot_rejected + stats.snapshot_unsound,
        stats.snapshot_slow + stats.snapshot_silent
    ));
    if 0 < stats.book_faults {
        text.push_str(&format!(
            "{} messages did not fit the snapshot book: no snapshots were served after the first\n",
            stats.book_faults
        ));
    }
    text
}
