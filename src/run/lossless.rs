//! The same day through the same machines with nothing lost: what the live books are held against.

use engine::{FeedPlan, Trade, TradePlan};
use runtime::{Event, Machine, Outbox, SocketId};
use session::mold::{NotSent, Sender, SenderConfig};
use session::{ReceiverConfig, Recovery, Start};
use types::{Nanos, SeqNo};

use super::Published;
use crate::failure::Failure;
use crate::generate::{Day, session_of};
use crate::launch;
use crate::topology::{ShardId, Topology};

const LINE: SocketId = SocketId(0);
/// Bytes of a datagram, as the publisher makes them.
const DATAGRAM_MAX: usize = 1_472;

/// The state hash of every shard's books of the published feed, added up.
///
/// # Errors
/// The day cannot be generated again, or a machine cannot be made.
pub(super) fn state_hash(topology: &Topology, published: &Published) -> Result<u64, Failure> {
    let feed = &topology.feeds[published.feed.index()];
    let mut machines = feed
        .shards
        .iter()
        .map(|id| machine(topology, published, *id))
        .collect::<Result<Vec<_>, _>>()?;
    let mut day = Day::new(published.day)?;
    let config = SenderConfig {
        session: session_of(published.day.seed),
        first: SeqNo::new(1),
        datagram_bytes_max: DATAGRAM_MAX,
        heartbeat: Nanos::from_secs(1),
    };
    let mut sender = Sender::new(config, Nanos::ZERO);
    let mut out = Outbox::default();
    let mut deliver = |now, datagram: &[u8]| {
        for machine in &mut machines {
            let event = Event::Datagram { socket: LINE, received: now, bytes: datagram };
            machine.on_event(now, event, &mut out);
            out.clear();
        }
    };
    for _ in 0..published.messages {
        let Some((now, message)) = day.next() else { break };
        if sender.push(message) == Err(NotSent::Full) {
            if let Some(datagram) = sender.take(now) {
                deliver(now, datagram);
            }
            // An empty datagram takes any message of the day.
            let _ = sender.push(message);
        }
    }
    if let Some(datagram) = sender.take(Nanos::ZERO) {
        deliver(Nanos::ZERO, datagram);
    }
    Ok(book::hash::combine(machines.iter().map(Trade::state_hash)))
}

fn machine(topology: &Topology, published: &Published, id: ShardId) -> Result<Trade, Failure> {
    let capacity = launch::capacity(&topology.shards[id.index()]);
    let plan = TradePlan {
        feeds: vec![FeedPlan {
            row: topology.feeds[published.feed.index()].venue,
            line_a: LINE,
            line_b: None,
            replies: None,
            snapshot: None,
            receiver: ReceiverConfig {
                lines: 1,
                idle: Nanos::MAX,
                start: Start::Beginning,
                recovery: Recovery { requests: false, snapshots: false },
                ..ReceiverConfig::default()
            },
        }],
        roster: launch::roster(topology, id),
        capacity,
        tops: None,
        alarms: None,
    };
    Trade::new(plan, Nanos::ZERO)
        .map_err(|error| Failure::failed(format!("cannot make the machine: {error:?}")))
}
