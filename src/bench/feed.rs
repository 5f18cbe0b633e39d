//! The feed: from a UDP packet being due to its messages being in the book, over a bare receive loop.
//!
//! Three ways in turn, with the same packets and stamps on the same two cpus: a bare `recv` loop that reads the stamp;
//! the shipping loop with a machine that does no more than that; the shipping loop with the trading shard. The second
//! tells what of the difference is the loop's and what is the books'.

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
use super::wire_end::{
    histogram, on, rest, scheduling, send_paced, since, socket, stamp_of, two_cpus,
};
use super::{Context, Outcome, Subject};
use crate::failure::Failure;

pub(super) const SUBJECT: Subject = Subject {
    name: "feed",
    about: "UDP packet to updated book through the real loop, over a bare recv spin loop",
    run,
};

/// Packets of a round, those before them that warm caches and are not counted, and how far apart they are due.
const PACKETS: usize = 50_000;
const WARM: usize = 2_000;
const EVERY: Duration = Duration::from_micros(10);
/// Messages of a packet. One is the head case: outside of bursts the exchange sends each message as it happens. Three
/// is what a busy minute averages.
const MESSAGES: [usize; 2] = [1, 3];
const INSTRUMENTS: u32 = 100;
const LIVE: usize = 100_000;

/// How late each packet was, once the first are past.
struct Lateness {
    epoch: Instant,
    warm: usize,
    late: Histogram<u64>,
}

impl Lateness {
    fn new(epoch: Instant) -> Self {
        Self { epoch, warm: WARM, late: histogram() }
    }

    #[inline]
    fn record(&mut self, stamp: u64) {
        let late_ns = since(self.epoch).saturating_sub(stamp);
        if 0 < self.warm {
            self.warm -= 1;
            return;
        }
        self.late.saturating_record(late_ns);
    }

    /// What was recorded. Errors: not every packet came.
    fn check(self, way: &str) -> Result<Histogram<u64>, Failure> {
        if self.late.len() == PACKETS as u64 {
            return Ok(self.late);
        }
        let came = self.late.len();
        Err(Failure::failed(format!("feed, {way}: {came} of {PACKETS} packets came through")))
    }
}

/// Reads the stamp of a datagram when its machine is through with it.
struct Timed<M> {
    machine: M,
    lateness: Lateness,
}

impl<M: Machine> Machine for Timed<M> {
    #[inline]
    fn on_event(&mut self, now: Nanos, event: Event<'_>, out: &mut Outbox) {
        let stamp = match event {
            Event::Datagram { bytes, .. } => stamp_of(bytes),
            Event::Oversize { .. }
            | Event::Opened { .. }
            | Event::Accepted { .. }
            | Event::Bytes { .. }
            | Event::Closed { .. }
            | Event::Message { .. }
            | Event::Missed { .. }
            | Event::Deadline => None,
        };
        self.machine.on_event(now, event, out);
        if let Some(stamp) = stamp {
            self.lateness.record(stamp);
        }
    }
    #[inline]
    fn on_turn_end(&mut self, now: Nanos, out: &mut Outbox) {
        self.machine.on_turn_end(now, out);
    }
    #[inline]
    fn next_deadline(&self) -> Option<Nanos> {
        self.machine.next_deadline()
    }
    fn housekeep(&mut self, now: Nanos, out: &mut Outbox) {
        self.machine.housekeep(now, out);
    }
    fn counters(&self, places: &mut [u64]) {
        self.machine.counters(places);
    }
}

/// Does nothing, and says that it is well.
struct Nothing;

impl Machine for Nothing {
    fn on_event(&mut self, _: Nanos, _: Event<'_>, _: &mut Outbox) {}
    fn next_deadline(&self) -> Option<Nanos> {
        None
    }
    fn housekeep(&mut self, _: Nanos, _: &mut Outbox) {}
}

fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    let Some(cpus) = two_cpus() else {
        outcome.notes.push("feed: needs two cpus".to_owned());
        return Ok(outcome);
    };
    for messages in MESSAGES {
        measure(context, cpus, messages, &mut outcome)?;
    }
    outcome.notes.push(scheduling("feed"));
    Ok(outcome)
}

fn measure(
    context: &Context<'_>,
    (far, near): (CoreId, CoreId),
    messages: usize,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let mut packets = Packets::new(INSTRUMENTS, LIVE).at_most(messages);
    packets.fill(|_| {});
    packets.advance((WARM + PACKETS) * messages);
    let (mut bare, mut empty, mut books) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        context.stage(format!("{messages} a packet, round {round} of {ROUNDS}"));
        let first = to_bare_loop(&packets, far, near)?;
        let second = to_loop(&packets, far, near.id, || Ok(Nothing), |_| true)?;
        let third = to_loop(&packets, far, near.id, move || filled(messages), is_whole)?;
        if 0 < round {
            bare.push(first);
            empty.push(second);
            books.push(third);
        }
    }
    for (quantile, name, goal) in [(0.5, "p50", 1.10), (0.99, "p99", 1.25)] {
        let at = |rounds: &[Histogram<u64>]| -> Vec<f64> {
            rounds.iter().map(|one| one.value_at_quantile(quantile) as f64 / 1e3).collect()
        };
        let (bare, goal) = (at(&bare), Goal::AtMost(goal));
        let name = |what: &str| format!("feed/{what}, {messages} a packet, {name}");
        let case = Case::against(name("to book"), &at(&books), &bare, goal);
        outcome.cases.push(case.unit("us"));
        let case = Case::against(name("loop alone"), &at(&empty), &bare, goal);
        outcome.cases.push(Case { goal: None, met: None, ..case.unit("us") });
    }
    let length = EVERY * (PACKETS * ROUNDS) as u32;
    for (name, rounds) in [("book", books), ("loop", empty), ("bare", bare)] {
        let name = format!("feed {messages} {name}");
        outcome.curves.push(Curve { name, histogram: merged(&rounds), length });
    }
    Ok(())
}

/// A shard whose books are full.
fn filled(messages: usize) -> Result<Trade, String> {
    let mut shard = shard(INSTRUMENTS, LIVE)?;
    let mut out = Outbox::new(Outbox::EFFECTS_MAX, Outbox::BYTES_MAX);
    let now = Nanos::new(1);
    shard.on_event(now, Event::Deadline, &mut out);
    Packets::new(INSTRUMENTS, LIVE).at_most(messages).fill(|bytes| {
        let event = Event::Datagram { socket: SocketId(0), received: now, bytes };
        shard.on_event(now, event, &mut out);
        out.clear();
    });
    Ok(shard)
}

/// Whether the shard took everything.
fn is_whole(shard: &Trade) -> bool {
    let feed = shard.feeds().first();
    feed.is_some_and(|feed| feed.mirror().is_trusted() && feed.mirror().tally().faults == 0)
}

fn to_loop<M: Machine + Send + 'static>(
    packets: &Packets,
    far: CoreId,
    cpu: usize,
    make: impl FnOnce() -> Result<M, String> + Send + 'static,
    is_well: fn(&M) -> bool,
) -> Result<Histogram<u64>, Failure> {
    let io = |error| Failure::io("use", "a UDP socket on loopback", error);
    rest();
    let epoch = Instant::now();
    let make = move || Ok(Timed { machine: make()?, lateness: Lateness::new(epoch) });
    let (give, take) = channel();
    let finish = move |timed: Timed<M>| {
        // The far end waits for it.
        let _ = give.send((timed.lateness, is_well(&timed.machine)));
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
    let (lateness, well) = take.recv().map_err(|_| Failure::failed("the shard gave no figures"))?;
    if !well {
        return Err(Failure::failed("feed: the measured feed is not whole"));
    }
    lateness.check("the loop")
}

fn to_bare_loop(packets: &Packets, far: CoreId, cpu: CoreId) -> Result<Histogram<u64>, Failure> {
    let io = |error| Failure::io("use", "a UDP socket on loopback", error);
    rest();
    let receiver = socket().map_err(io)?;
    let address = receiver.local_addr().map_err(io)?;
    let sender = socket().map_err(io)?;
    let epoch = Instant::now();
    thread::scope(|scope| {
        let lateness = scope.spawn(|| {
            core_affinity::set_for_current(cpu);
            let (mut lateness, mut buffer) = (Lateness::new(epoch), [0; 2_048]);
            loop {
                match receiver.recv(&mut buffer) {
                    Ok(0) => return lateness,
                    Ok(len) => {
                        if let Some(stamp) = stamp_of(&buffer[..len]) {
                            lateness.record(stamp);
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
        let lateness = lateness.join().map_err(|_| Failure::failed("the bare loop did not end"))?;
        lateness.check("the bare loop")
    })
}
