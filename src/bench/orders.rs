//! Order entry: from an order being due to its `Accepted`, over TCP, beside a bare busy-polled echo of the same sizes.
//!
//! The exchange is the whole of it: the shard's own loop with its listener, ports, risk, floor and tape, two lines of
//! market data on loopback and the ring to its keepers. The second figure is the highest rate of requests, half of them
//! orders and half cancels, that either end answers with 99 of 100 within 100 us.

use std::time::Duration;

use core_affinity::CoreId;
use hdrhistogram::Histogram;

use super::case::{Case, Curve, Goal, median};
use super::ingress::merged;
use super::order_ends::{Answers, CONNECTIONS, Entry, open_loop, trips, with_echo, with_exchange};
use super::rounds::ROUNDS;
use super::wire_end::{rest, scheduling, two_cpus};
use super::{Context, Outcome, Subject};
use crate::failure::Failure;

pub(super) const SUBJECT: Subject = Subject {
    name: "orders",
    about: "order in to accepted out over TCP, over a bare echo; requests/s with p99 under 100 us",
    run,
};

/// Orders of a round, those before them that are not counted, and how far apart they are due.
const TRIPS: (u64, u64, Duration) = (1_000, 8_000, Duration::from_micros(70));
/// Requests a second, from low to high.
const RATES: [u64; 10] = [
    100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 800_000, 1_000_000, 1_250_000, 1_500_000,
];
/// How long each rate lasts.
const LENGTH: Duration = Duration::from_millis(300);
/// What 99 of 100 answers may take.
const WITHIN_NS: u64 = 100_000;

fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    let Some(cpus) = two_cpus() else {
        outcome.notes.push("orders: needs two cpus".to_owned());
        return Ok(outcome);
    };
    let answers = latency(context, cpus, &mut outcome)?;
    throughput(context, cpus, answers, &mut outcome)?;
    outcome.notes.push(scheduling("orders"));
    Ok(outcome)
}

fn latency(
    context: &Context<'_>,
    (far, near): (CoreId, CoreId),
    outcome: &mut Outcome,
) -> Result<Answers, Failure> {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    let mut answers = Answers { accepted: 0, canceled: 0 };
    for round in 0..=ROUNDS {
        context.stage(format!("round {round} of {ROUNDS}"));
        let first = with_exchange(near.id, |to, kept| {
            let mut entry = Entry::new(to, 0, true)?;
            let first = trips(far, &mut entry, TRIPS, Some(kept))?;
            answers = entry.answers;
            Ok(first)
        })?;
        let second = with_echo(near, 1, answers, |to| {
            trips(far, &mut Entry::new(to, 0, false)?, TRIPS, None)
        })?;
        if 0 < round {
            ours.push(first);
            bare.push(second);
        }
    }
    for (quantile, name, goal) in [(0.5, "p50", 1.15), (0.99, "p99", 1.3)] {
        let at = |rounds: &[Histogram<u64>]| -> Vec<f64> {
            rounds.iter().map(|one| one.value_at_quantile(quantile) as f64 / 1e3).collect()
        };
        let name = format!("orders/in to accepted out, {name}");
        let case = Case::against(name, &at(&ours), &at(&bare), Goal::AtMost(goal));
        outcome.cases.push(case.unit("us"));
    }
    let length = TRIPS.2 * (TRIPS.1 as u32) * (ROUNDS as u32);
    for (name, rounds) in [("orders exchange", &ours), ("orders bare echo", &bare)] {
        let histogram = merged(rounds);
        outcome.curves.push(Curve { name: name.to_owned(), histogram, length });
    }
    Ok(answers)
}

/// The p99 of each rate, nanoseconds, a value a round.
type Sweep = [Vec<f64>; RATES.len()];

fn throughput(
    context: &Context<'_>,
    (far, near): (CoreId, CoreId),
    answers: Answers,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let (mut ours, mut bare) = (Sweep::default(), Sweep::default());
    for round in 0..=ROUNDS {
        context.stage(format!("rates, round {round} of {ROUNDS}"));
        let first = with_exchange(near.id, |to, kept| {
            let mut entries = connect(to, true)?;
            sweep(|rate| open_loop(far, &mut entries, rate, LENGTH, Some(kept)))
        })?;
        let second = with_echo(near, CONNECTIONS, answers, |to| {
            let mut entries = connect(to, false)?;
            sweep(|rate| open_loop(far, &mut entries, rate, LENGTH, None))
        })?;
        if 0 < round {
            for (all, one) in [(&mut ours, first), (&mut bare, second)] {
                all.iter_mut().zip(one).for_each(|(all, one)| all.push(one));
            }
        }
    }
    let highest = |sweep: &Sweep| {
        let held = RATES.iter().zip(sweep).take_while(|(_, p99)| median(p99) < WITHIN_NS as f64);
        held.last().map_or(0.0, |(rate, _)| *rate as f64 / 1e6)
    };
    let goal = Goal::AtLeast(1.0);
    outcome.cases.push(Case {
        reference: Some(highest(&bare)),
        ..Case::alone("orders/p99 under 100 us", highest(&ours), "M requests/s", Some(goal))
    });
    for ((rate, ours), bare) in RATES.iter().zip(&ours).zip(&bare) {
        let name = format!("orders/p99 at {} k requests/s", rate / 1_000);
        outcome.cases.push(Case {
            reference: Some(median(bare) / 1e3),
            ratio: Some(median(ours) / median(bare)),
            ..Case::alone(name, median(ours) / 1e3, "us", None)
        });
    }
    Ok(())
}

fn connect(to: std::net::SocketAddr, logs_in: bool) -> Result<Vec<Entry>, Failure> {
    (0..CONNECTIONS).map(|number| Entry::new(to, number, logs_in)).collect()
}

/// Each rate once.
fn sweep(
    mut at: impl FnMut(u64) -> Result<Histogram<u64>, Failure>,
) -> Result<[f64; RATES.len()], Failure> {
    let mut p99 = [0.0; RATES.len()];
    for (rate, p99) in RATES.iter().zip(&mut p99) {
        rest();
        *p99 = at(*rate)?.value_at_quantile(0.99) as f64;
    }
    Ok(p99)
}
