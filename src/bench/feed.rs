//! The feed: from a UDP packet being due to its messages being in the book, over a bare receive loop.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use core_affinity::CoreId;
use engine::Trade;
use hdrhistogram::Histogram;
use runtime::{Config, Core, Event, Idle, Machine, Outbox, Seat, SocketId};
use types::Nanos;

use super::case::{Case, Curve, Goal};
use super::ingress::merged;
use super::packets::{Packets, shard};
use super::rounds::ROUNDS;
use super::wire_end::{histogram, on, scheduling, send_paced, since, socket, stamp_of, two_cpus};
use super::{Context, Outcome, Subject};
use crate::failure::Failure;

pub(super) const SUBJECT: Subject = Subject {
    name: "feed",
    about: "UDP packet to updated book through the real loop, over a bare recv spin loop",
    run,
};

/// Packets of a round, and how far apart they are due.
const PACKETS: usize = 10_000;
const EVERY: Duration = Duration::from_micros(40);
/// Messages of a packet: what the exchange usually packs.
const MESSAGES: usize = 3;
const INSTRUMENTS: u32 = 100;
const LIVE: usize = 100_000;

/// The shipping shard, and how late each packet was in its books.
struct Timed {
    shard: Trade,
    epoch: Instant,
    late: Histogram<u64>,
}

impl Machine for Timed {
    fn on_event(&mut self, now: Nanos, event: Event<'_>, out: &mut Outbox) {
        let stamp = match event {
            Event::Datagram { bytes, .. } => stamp_of(bytes),
            Event::Oversize { .. }
            | Event::Opened { .. }
            | Event::Bytes { .. }
            | Event::Closed { .. }
            | Event::Message { .. }
            | Event::Missed { .. }
            | Event::Deadline => None,
        };
        self.shard.on_event(now, event, out);
        if let Some(stamp) = stamp {
            self.late.saturating_record(since(self.epoch).saturating_sub(stamp));
        }
    }
    fn next_deadline(&self) -> Option<Nanos> {
        self.shard.next_deadline()
    }
    fn housekeep(&mut self, now: Nanos, out: &mut Outbox) {
        self.shard.housekeep(now, out);
    }
}

fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    let Some((far, near)) = two_cpus() else {
        outcome.notes.push("feed: needs two cpus".to_owned());
        return Ok(outcome);
    };
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        context.stage(format!("round {round} of {ROUNDS}"));
        let first = to_bare_loop(far, near)?;
        let second = to_book(far, near.id)?;
        if 0 < round {
            bare.push(first);
            ours.push(second);
        }
    }
    for (quantile, name, goal) in [(0.5, "p50", 1.10), (0.99, "p99", 1.25)] {
        let at = |rounds: &[Histogram<u64>]| -> Vec<f64> {
            rounds.iter().map(|one| one.value_at_quantile(quantile) as f64 / 1e3).collect()
        };
        let case =
            Case::against(format!("feed/{name}"), &at(&ours), &at(&bare), Goal::AtMost(goal));
        outcome.cases.push(case.unit("us"));
    }
    let length = EVERY * (PACKETS * ROUNDS) as u32;
    outcome.curves.push(Curve {
        name: "feed to book".to_owned(),
        histogram: merged(&ours),
        length,
    });
    outcome.curves.push(Curve {
        name: "feed bare recv".to_owned(),
        histogram: merged(&bare),
        length,
    });
    outcome.notes.push(scheduling("feed"));
    Ok(outcome)
}

/// The same packets every time, their books already filled.
fn packets() -> Packets {
    let mut packets = Packets::new(INSTRUMENTS, LIVE).at_most(MESSAGES);
    packets.fill(|_| {});
    packets.advance(PACKETS * MESSAGES);
    packets
}

fn to_book(far: CoreId, cpu: usize) -> Result<Histogram<u64>, Failure> {
    let io = |error| Failure::io("use", "a UDP socket on loopback", error);
    let packets = packets();
    let epoch = Instant::now();
    let make = move || {
        let mut shard = shard(INSTRUMENTS, LIVE)?;
        let mut out = Outbox::new(Outbox::EFFECTS_MAX, Outbox::BYTES_MAX);
        let now = Nanos::new(1);
        shard.on_event(now, Event::Deadline, &mut out);
        Packets::new(INSTRUMENTS, LIVE).at_most(MESSAGES).fill(|bytes| {
            let event = Event::Datagram { socket: SocketId(0), received: now, bytes };
            shard.on_event(now, event, &mut out);
            out.clear();
        });
        Ok(Timed { shard, epoch, late: histogram() })
    };
    let (give, take) = channel();
    let finish = move |timed: Timed| {
        let whole = timed.shard.feeds().first().is_some_and(|feed| feed.mirror().is_trusted());
        let faults = timed.shard.feeds().first().map_or(0, |feed| feed.mirror().tally().faults);
        // The far end waits for it.
        let _ = give.send((timed.late, whole && faults == 0));
    };
    let hot = runtime::Socket::new((std::net::Ipv4Addr::LOCALHOST, 0).into());
    let config = Config { name: "feed".to_owned(), sockets: vec![hot], ..Config::default() };
    let mut core = Core::new("bench", Some(cpu), Idle::Spin).map_err(io)?;
    core.seat(Seat::new(config, Vec::new(), Vec::new(), make, finish));
    let mut running =
        runtime::launch(vec![core]).map_err(|error| Failure::failed(error.to_string()))?;
    let bound = running.shards().first().and_then(|shard| shard.sockets.first());
    let address = bound
        .map(|bound| bound.local)
        .ok_or_else(|| Failure::failed("the loop bound no socket"))?;
    let sender = socket().map_err(io)?;
    let sent = on(far, || send_paced(&sender, address, epoch, EVERY, packets.iter()));
    sent.map_err(io)?;
    // What is still in the socket is taken before the core ends.
    thread::sleep(Duration::from_millis(5));
    running.stop().map_err(|faults| Failure::failed(faults.join("; ")))?;
    let (late, whole) = take.recv().map_err(|_| Failure::failed("the shard gave no figures"))?;
    if !whole || late.len() < packets.iter().count() as u64 {
        return Err(Failure::failed(format!(
            "feed: {} of {} packets came through on loopback",
            late.len(),
            packets.iter().count()
        )));
    }
    Ok(late)
}

fn to_bare_loop(far: CoreId, cpu: CoreId) -> Result<Histogram<u64>, Failure> {
    let io = |error| Failure::io("use", "a UDP socket on loopback", error);
    let packets = packets();
    let receiver = socket().map_err(io)?;
    let address = receiver.local_addr().map_err(io)?;
    let sender = socket().map_err(io)?;
    let epoch = Instant::now();
    thread::scope(|scope| {
        let late = scope.spawn(|| {
            core_affinity::set_for_current(cpu);
            let (mut late, mut buffer) = (histogram(), [0; 2_048]);
            loop {
                match receiver.recv(&mut buffer) {
                    Ok(0) => return late,
                    Ok(len) => {
                        if let Some(stamp) = stamp_of(&buffer[..len]) {
                            late.saturating_record(since(epoch).saturating_sub(stamp));
                        }
                    }
                    Err(_) => std::hint::spin_loop(),
                }
            }
        });
        // Once its thread spins: it was started before.
        thread::sleep(Duration::from_millis(5));
        let sent = on(far, || send_paced(&sender, address, epoch, EVERY, packets.iter()));
        // An empty packet ends the loop.
        sender.send_to(&[], address).map_err(io)?;
        sent.map_err(io)?;
        late.join().map_err(|_| Failure::failed("the bare loop did not end"))
    })
}
