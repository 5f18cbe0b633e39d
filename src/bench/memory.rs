//! Resident memory of a shard that takes packets without pause.

use std::time::Instant;

use super::case::{Case, Goal};
use super::packets::{Driven, Packets, resident};
use super::{Context, Outcome, Subject};
use crate::failure::Failure;

pub(super) const SUBJECT: Subject = Subject {
    name: "memory",
    about: "growth of resident memory while a shard takes packets (--memory-for)",
    run,
};

/// Messages between two looks at the clock.
const CHUNK: usize = 1 << 16;
/// What the kernel's own books of a process may move by, MiB.
const FLAT_MIB: f64 = 1.0;

fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    let span = context.options.memory_for;
    let mut packets = Packets::new(200, 200_000);
    let mut driven = Driven::new(200, 200_000)?;
    packets.fill(|packet| driven.take(packet));
    let from = Instant::now();
    let mut settled = None;
    let mut messages = 0u64;
    while from.elapsed() < span {
        packets.advance(CHUNK);
        packets.iter().for_each(|packet| driven.take(packet));
        messages += CHUNK as u64;
        // A fifth of the time for pages that are touched late; growth is counted from there.
        if settled.is_none() && span / 5 <= from.elapsed() {
            settled = Some(look()?);
            context.stage("watching");
        }
    }
    driven.check()?;
    let end = look()?;
    let start = settled.unwrap_or(end);
    let mib = (end as f64 - start as f64) / f64::from(1 << 20);
    let mut outcome = Outcome::default();
    outcome.cases.push(Case::alone("memory/growth", mib, "MiB", Some(Goal::AtMost(FLAT_MIB))));
    outcome.notes.push(format!(
        "memory: {} messages in {:.0} s, {} MiB resident at the end",
        crate::terminal::thousands(messages),
        from.elapsed().as_secs_f64(),
        end >> 20,
    ));
    Ok(outcome)
}

fn look() -> Result<u64, Failure> {
    resident().map_err(|error| Failure::io("read", "/proc/self/status", error))
}
