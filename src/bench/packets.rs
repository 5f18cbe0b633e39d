//! MoldUDP64 packets of a steady book, and the trading shard that takes them: what several subjects measure with.

#[path = "../../benches/reference/stream.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the micro-bench, which is a crate of its own"
)]
mod stream;

use std::io;

use book::l3::Capacity;
use engine::{Books, FeedPlan, Trade, TradePlan};
use runtime::{Event, Machine, Outbox, SocketId};
use session::{ReceiverConfig, Recovery, Start};
use types::{Change, MarketEvent, Nanos, OrderRef, Px, Qty, Side};
use venue::{Ownership, Roster, Row};
use wire::big_endian::{U32, U64};
use wire::itch50::{AddOrder, Head, OrderCancel, OrderDelete, OrderExecuted, OrderReplace};
use wire::moldudp64::PacketBuilder;

use crate::failure::Failure;
use stream::Stream;

/// The longest packet: an Ethernet frame's payload without the IP and UDP headers.
const PACKET_MAX: usize = 1_472;
/// The session all packets belong to.
const SESSION: [u8; 10] = *b"BENCH00001";
/// Numbers are drawn from this seed.
const SEED: u64 = 0x5EED;

/// A steady stream of book messages, packed.
pub(super) struct Packets {
    stream: Stream,
    events: Vec<MarketEvent>,
    bytes: Vec<u8>,
    /// Where each packet ends in `bytes`.
    ends: Vec<usize>,
    sequence: u64,
    /// The most messages of a packet.
    most: usize,
}

impl Packets {
    /// A stream about `instruments` whose books hold about `live` orders, once filled.
    pub(super) fn new(instruments: u32, live: usize) -> Self {
        let stream = Stream::new(SEED, instruments, live);
        Self {
            stream,
            events: Vec::new(),
            bytes: Vec::new(),
            ends: Vec::new(),
            sequence: 1,
            most: usize::MAX,
        }
    }

    /// Puts no more than so many messages into a packet from now on.
    pub(super) fn at_most(mut self, messages: usize) -> Self {
        self.most = messages;
        self
    }

    /// Gives each packet of the adds that fill the books to `each`.
    pub(super) fn fill(&mut self, mut each: impl FnMut(&[u8])) {
        let mut waiting = Vec::with_capacity(FILL);
        let Self { stream, bytes, ends, sequence, most, .. } = self;
        let mut flush = |waiting: &mut Vec<MarketEvent>| {
            pack(waiting, *most, sequence, bytes, ends);
            packets(bytes, ends).for_each(&mut each);
            waiting.clear();
        };
        stream.fill(|event| {
            waiting.push(*event);
            if waiting.len() == FILL {
                flush(&mut waiting);
            }
        });
        flush(&mut waiting);
    }

    /// The next `messages` messages in place of those before.
    pub(super) fn advance(&mut self, messages: usize) {
        let Self { stream, events, bytes, ends, sequence, most } = self;
        stream.take(messages, events);
        pack(events, *most, sequence, bytes, ends);
    }

    /// The packets of the last [`Self::advance`].
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        packets(&self.bytes, &self.ends)
    }

    /// The largest order number so far.
    #[cfg(feature = "peers")]
    pub(super) fn last_order(&self) -> u64 {
        self.stream.last()
    }
}

/// Messages packed at a time while books fill.
const FILL: usize = 1 << 14;

fn packets<'a>(bytes: &'a [u8], ends: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(start, end)| &bytes[start..*end])
}

/// Packs the events, as many to a packet as fit.
fn pack(
    events: &[MarketEvent],
    most: usize,
    sequence: &mut u64,
    bytes: &mut Vec<u8>,
    ends: &mut Vec<usize>,
) {
    bytes.clear();
    ends.clear();
    let mut rest = events;
    let mut buffer = [0; PACKET_MAX];
    while !rest.is_empty() {
        let packet = PacketBuilder::new(&mut buffer, PACKET_MAX, SESSION, *sequence);
        let Ok(mut packet) = packet else { return };
        while let Some((event, after)) = rest.split_first() {
            let full = most <= usize::from(packet.count());
            if full || message(event, |message| packet.push(message).is_err()) {
                break;
            }
            rest = after;
            *sequence += 1;
        }
        bytes.extend_from_slice(packet.finish());
        ends.push(bytes.len());
    }
}

/// The event as ITCH 5.0.
fn message<R>(event: &MarketEvent, take: impl FnOnce(&[u8]) -> R) -> R {
    // The slots of the stream are below the locate codes' range.
    let locate = event.instrument.get() as u16 + 1;
    let time = event.time.get();
    let number = |order: OrderRef| U64::new(order.get());
    let shares = |qty: Qty| U32::new(qty.get() as u32);
    let price = |px: Px| U32::new(px.to_price4().unwrap_or_default());
    match event.change {
        Change::Add { order, side, qty, px } => take(
            AddOrder {
                header: Head::new(locate, 0, time),
                order_ref: number(order),
                side: if side == Side::Buy { b'B' } else { b'S' },
                shares: shares(qty),
                stock: ticker(event.instrument.get()),
                price: price(px),
            }
            .as_bytes(),
        ),
        Change::Execute { order, qty, match_no } => take(
            OrderExecuted {
                header: Head::new(locate, 0, time),
                order_ref: number(order),
                shares: shares(qty),
                match_number: U64::new(match_no.get()),
            }
            .as_bytes(),
        ),
        Change::Reduce { order, qty } => take(
            OrderCancel {
                header: Head::new(locate, 0, time),
                order_ref: number(order),
                shares: shares(qty),
            }
            .as_bytes(),
        ),
        Change::Delete { order } => take(
            OrderDelete { header: Head::new(locate, 0, time), order_ref: number(order) }.as_bytes(),
        ),
        Change::Replace { old, new, qty, px } => take(
            OrderReplace {
                header: Head::new(locate, 0, time),
                old_ref: number(old),
                new_ref: number(new),
                shares: shares(qty),
                price: price(px),
            }
            .as_bytes(),
        ),
        Change::ExecuteAt { .. }
        | Change::Level { .. }
        | Change::Trade { .. }
        | Change::Cross { .. }
        | Change::Bust { .. }
        | Change::Imbalance(_)
        | Change::Trading(_)
        | Change::ShortSale(_)
        | Change::Bands(_) => unreachable!("the stream makes none of these"),
    }
}

fn ticker(slot: u32) -> [u8; 8] {
    let mut ticker = *b"B0000000";
    let mut rest = slot;
    for place in ticker[1..].iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    ticker
}

/// A trading shard with one Nasdaq feed on its first socket, and books with room for `live` orders.
pub(super) fn shard(instruments: u32, live: usize) -> Result<Trade, String> {
    let row = Row::find("nasdaq").ok_or("no venue is called nasdaq")?;
    let instruments = instruments as usize;
    let orders = live + live / 16 + 1_024;
    let plan = TradePlan {
        feeds: vec![FeedPlan {
            row,
            line_a: SocketId(0),
            line_b: None,
            replies: None,
            snapshot: None,
            receiver: ReceiverConfig {
                lines: 1,
                start: Start::FirstSeen,
                recovery: Recovery { requests: false, snapshots: false },
                ..ReceiverConfig::default()
            },
        }],
        roster: Roster::new(Ownership::even(1), 0, instruments),
        capacity: Capacity { instruments, orders, levels: orders },
        tops: None,
        alarms: None,
    };
    Trade::new(plan, Nanos::ZERO).map_err(|error| format!("the shard cannot be made: {error:?}"))
}

/// A shard and what drives it, without sockets.
pub(super) struct Driven {
    pub(super) shard: Trade,
    out: Outbox,
    now: Nanos,
}

impl Driven {
    pub(super) fn new(instruments: u32, live: usize) -> Result<Self, Failure> {
        let shard = shard(instruments, live).map_err(Failure::failed)?;
        let mut driven = Self {
            shard,
            out: Outbox::new(Outbox::EFFECTS_MAX, Outbox::BYTES_MAX),
            now: Nanos::new(1),
        };
        driven.shard.on_event(driven.now, Event::Deadline, &mut driven.out);
        Ok(driven)
    }

    /// Takes one packet, as the loop would hand it over.
    #[inline]
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let event = Event::Datagram { socket: SocketId(0), received: self.now, bytes };
        self.shard.on_event(self.now, event, &mut self.out);
        self.out.clear();
    }

    /// How many messages became events of books, and whether all is well with the feed.
    pub(super) fn check(&self) -> Result<u64, Failure> {
        let Some(feed) = self.shard.feeds().first() else { return Ok(0) };
        let tally = feed.mirror().tally();
        if 0 < tally.faults || !feed.mirror().is_trusted() {
            return Err(Failure::failed(format!(
                "the measured feed is not whole: {} faults",
                tally.faults
            )));
        }
        Ok(tally.events)
    }

    /// What an order takes in the books, slot and index, over the orders that there is room for.
    pub(super) fn bytes_per_order(&self) -> Option<f64> {
        let Books::Orders(books) = self.shard.feeds().first()?.mirror().books() else {
            return None;
        };
        Some(books.order_bytes() as f64 / books.capacity().orders as f64)
    }
}

/// Resident memory of this process, bytes.
pub(super) fn resident() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = kib.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib * 1_024).ok_or_else(|| io::Error::other("no VmRSS in it"))
}

#[cfg(test)]
mod tests {
    use super::{Driven, Packets};

    #[test]
    fn the_shard_takes_every_message_of_the_stream() {
        let mut packets = Packets::new(10, 1_000);
        let mut driven = Driven::new(10, 1_000).expect("a small shard");
        packets.fill(|packet| driven.take(packet));
        packets.advance(10_000);
        packets.iter().for_each(|packet| driven.take(packet));
        assert_eq!(driven.check().expect("a whole feed"), 11_000);
    }
}
