//! Two shards beside one: the same instruments, halved, each half on a core of its own.

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use super::case::{Case, Goal, median};
use super::packets::{Driven, Packets};
use super::rounds::ROUNDS;
use super::{Context, Outcome, Subject};
use crate::failure::Failure;

pub(super) const SUBJECT: Subject = Subject {
    name: "shards",
    about: "throughput of two pinned shards, each with half the instruments, over one with all",
    run,
};

/// Instruments and live orders of the one shard.
const INSTRUMENTS: u32 = 200;
const LIVE: usize = 400_000;
/// Messages of a round, together.
const CHUNK: usize = 1 << 20;

fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    let cpus = core_affinity::get_core_ids().unwrap_or_default();
    let [first, second, ..] = cpus[..] else {
        outcome.notes.push("shards: needs two cpus".to_owned());
        return Ok(outcome);
    };
    context.stage("filling");
    let mut whole = [Half::new(INSTRUMENTS, LIVE)?];
    let mut halves = [Half::new(INSTRUMENTS / 2, LIVE / 2)?, Half::new(INSTRUMENTS / 2, LIVE / 2)?];
    context.stage("measuring");
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let single = together(&mut whole, &[first], CHUNK);
        let double = together(&mut halves, &[first, second], CHUNK / 2);
        if 0 < round {
            one.push(CHUNK as f64 / single);
            two.push(CHUNK as f64 / double);
        }
    }
    for half in whole.iter().chain(&halves) {
        half.driven.check()?;
    }
    let ratios: Vec<f64> = two.iter().zip(&one).map(|(two, one)| two / one).collect();
    let (ratio, goal) = (median(&ratios), Goal::AtLeast(1.9));
    outcome.cases.push(Case {
        reference: Some(median(&one) / 1e6),
        ratio: Some(ratio),
        goal: Some(goal),
        met: Some(goal.is_met(ratio)),
        ..Case::alone("shards/two over one", median(&two) / 1e6, "M messages/s", None)
    });
    Ok(outcome)
}

struct Half {
    packets: Packets,
    driven: Driven,
}

impl Half {
    fn new(instruments: u32, live: usize) -> Result<Self, Failure> {
        let mut packets = Packets::new(instruments, live);
        let mut driven = Driven::new(instruments, live)?;
        packets.fill(|packet| driven.take(packet));
        Ok(Self { packets, driven })
    }
}

/// Seconds that all take for `messages` each, side by side, from when all are ready to when the last is done.
fn together(halves: &mut [Half], cpus: &[core_affinity::CoreId], messages: usize) -> f64 {
    let ready = Barrier::new(halves.len() + 1);
    let done = Barrier::new(halves.len() + 1);
    thread::scope(|scope| {
        for (half, cpu) in halves.iter_mut().zip(cpus) {
            let (ready, done) = (&ready, &done);
            scope.spawn(move || {
                core_affinity::set_for_current(*cpu);
                half.packets.advance(messages);
                ready.wait();
                half.packets.iter().for_each(|packet| half.driven.take(packet));
                done.wait();
            });
        }
        ready.wait();
        let from = Instant::now();
        done.wait();
        from.elapsed().as_secs_f64()
    })
}
