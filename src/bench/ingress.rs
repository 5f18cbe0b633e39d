//! Ways in: a UDP round trip through the real loop, polled or by io_uring, spinning or parked.

use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use core_affinity::CoreId;
use hdrhistogram::Histogram;
use runtime::{Config, Core, Event, Idle, Ingress, Machine, Outbox, Seat, Socket};
use types::Nanos;

use super::case::{Case, Curve, median};
use super::rounds::ROUNDS;
use super::wire_end::{histogram, on, rest, scheduling, since, socket, spin_until, two_cpus};
use super::{Context, Outcome, Subject};
use crate::failure::Failure;

pub(super) const SUBJECT: Subject = Subject {
    name: "ingress",
    about: "UDP round trip, poll or uring, spinning or parked; beside a bare recv and send loop",
    run,
};

/// Round trips of a round.
const TRIPS: u64 = 2_000;
/// Bytes of a packet.
const BYTES: usize = 64;
/// From one trip to the next: long enough for a core that means to park to have done so.
const PAUSE: Duration = Duration::from_micros(150);
/// When a trip counts as lost, and the run as failed.
const LOST: Duration = Duration::from_secs(2);

/// Sends everything back.
struct Echo;

impl Machine for Echo {
    fn on_event(&mut self, _: Nanos, event: Event<'_>, out: &mut Outbox) {
        if let Event::Datagram { socket, bytes, .. } = event {
            // A reply that does not fit is a lost trip, and the far end says so.
            let _ = out.send(socket, bytes);
        }
    }
    fn next_deadline(&self) -> Option<Nanos> {
        None
    }
    fn housekeep(&mut self, _: Nanos, _: &mut Outbox) {}
}

/// The ways compared.
const WAYS: [(&str, Ingress, Idle); 4] = [
    ("poll, spinning", Ingress::Poll, Idle::Spin),
    ("uring, spinning", Ingress::Uring, Idle::Spin),
    ("poll, parked", Ingress::Poll, Idle::Backoff { spins: 16 }),
    ("uring, parked", Ingress::Uring, Idle::Backoff { spins: 16 }),
];

fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    let Some((far, near)) = two_cpus() else {
        outcome.notes.push("ingress: needs two cpus".to_owned());
        return Ok(outcome);
    };
    let mut bare: Vec<Histogram<u64>> = Vec::new();
    let mut ways: [Vec<Histogram<u64>>; WAYS.len()] = [const { Vec::new() }; WAYS.len()];
    for round in 0..=ROUNDS {
        context.stage(format!("round {round} of {ROUNDS}"));
        let first = through_bare_loop(far, near)?;
        let rest: Result<Vec<_>, Failure> = WAYS
            .iter()
            .map(|(_, ingress, idle)| through_runtime(*ingress, *idle, far, near.id))
            .collect();
        if 0 < round {
            bare.push(first);
            for (to, from) in ways.iter_mut().zip(rest?) {
                to.push(from);
            }
        }
    }
    let length = PAUSE * (TRIPS as u32) * (ROUNDS as u32);
    for ((name, ..), rounds) in WAYS.iter().zip(&ways) {
        for (quantile, percentile) in [(0.5, "p50"), (0.99, "p99")] {
            let at = |rounds: &[Histogram<u64>]| -> Vec<f64> {
                rounds.iter().map(|one| one.value_at_quantile(quantile) as f64 / 1e3).collect()
            };
            let (ours, reference) = (at(rounds), at(&bare));
            outcome.cases.push(Case {
                reference: Some(median(&reference)),
                ratio: Some(median(&ours) / median(&reference)),
                ..Case::alone(format!("ingress/{name}, {percentile}"), median(&ours), "us", None)
            });
        }
        outcome.curves.push(Curve {
            name: name.replace(',', ""),
            histogram: merged(rounds),
            length,
        });
    }
    outcome.curves.push(Curve {
        name: "bare echo loop".to_owned(),
        histogram: merged(&bare),
        length,
    });
    outcome.notes.push(scheduling("ingress"));
    Ok(outcome)
}

/// All rounds in one.
pub(super) fn merged(rounds: &[Histogram<u64>]) -> Histogram<u64> {
    let mut all = histogram();
    for one in rounds {
        // The same bounds: adding cannot fail.
        let _ = all.add(one);
    }
    all
}

fn through_runtime(
    ingress: Ingress,
    idle: Idle,
    far: CoreId,
    cpu: usize,
) -> Result<Histogram<u64>, Failure> {
    let io = |error| Failure::io("use", "a UDP socket on loopback", error);
    rest();
    let client = socket().map_err(io)?;
    let mut hot = Socket::new((std::net::Ipv4Addr::LOCALHOST, 0).into());
    hot.peer = Some(client.local_addr().map_err(io)?);
    hot.ingress = ingress;
    let config = Config { name: "echo".to_owned(), sockets: vec![hot], ..Config::default() };
    let mut core = Core::new("bench", Some(cpu), idle).map_err(io)?;
    core.seat(Seat::new(config, Vec::new(), Vec::new(), || Ok(Echo), drop));
    let mut running =
        runtime::launch(vec![core]).map_err(|error| Failure::failed(error.to_string()))?;
    let bound = running.shards().first().and_then(|shard| shard.sockets.first());
    let address = bound
        .map(|bound| bound.local)
        .ok_or_else(|| Failure::failed("the loop bound no socket"))?;
    client.connect(address).map_err(io)?;
    let trips = on(far, || round_trips(&client));
    running.stop().map_err(|faults| Failure::failed(faults.join("; ")))?;
    trips
}

fn through_bare_loop(far: CoreId, cpu: CoreId) -> Result<Histogram<u64>, Failure> {
    let io = |error| Failure::io("use", "a UDP socket on loopback", error);
    rest();
    let (client, server) = (socket().map_err(io)?, socket().map_err(io)?);
    client.connect(server.local_addr().map_err(io)?).map_err(io)?;
    server.connect(client.local_addr().map_err(io)?).map_err(io)?;
    thread::scope(|scope| {
        scope.spawn(|| {
            core_affinity::set_for_current(cpu);
            let mut buffer = [0; 2_048];
            loop {
                match server.recv(&mut buffer) {
                    Ok(0) => return,
                    Ok(len) => drop(server.send(&buffer[..len])),
                    Err(_) => std::hint::spin_loop(),
                }
            }
        });
        let trips = on(far, || round_trips(&client));
        // An empty packet ends the loop.
        client.send(&[]).map_err(io)?;
        trips
    })
}

/// One trip after the other, paced; a trip begins when it was due.
fn round_trips(client: &UdpSocket) -> Result<Histogram<u64>, Failure> {
    let mut histogram = histogram();
    let (epoch, pause) = (Instant::now(), PAUSE.as_nanos() as u64);
    let (mut sent, mut back) = ([0; BYTES], [0; BYTES]);
    for trip in 1..=TRIPS {
        let due = trip * pause;
        spin_until(epoch, due);
        sent[..8].copy_from_slice(&trip.to_le_bytes());
        client.send(&sent).map_err(|error| Failure::io("send on", "loopback", error))?;
        loop {
            match client.recv(&mut back) {
                Ok(_) if back[..8] == sent[..8] => break,
                Ok(_) => {}
                Err(_) if due + (LOST.as_nanos() as u64) < since(epoch) => {
                    return Err(Failure::failed(
                        "a packet on loopback did not come back within 2 s",
                    ));
                }
                Err(_) => std::hint::spin_loop(),
            }
        }
        histogram.saturating_record(since(epoch).saturating_sub(due));
    }
    Ok(histogram)
}
