//! What a shard's logic looks like to the loop: inputs in, effects out, time as an argument.
//!
//! A machine opens no socket, reads no clock and holds no ring. The same inputs give the same
//! effects, so the loop drives it live, a file drives it on replay and a seeded heap in simulation.
//! Sockets, streams, listeners and links are known to it by their place in the shard's configuration.

use std::net::SocketAddr;

use types::Nanos;

use crate::Outbox;

/// A UDP socket of this shard, by its place in the shard's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u16);

/// A TCP connection of this shard: one that it may make, by its place in the shard's list, or one
/// that it has accepted, by a number after those.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u16);

/// Where this shard takes TCP connections, by its place in the shard's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub u16);

/// A ring from or to this shard, by its place in the shard's list of that direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u16);

/// What crosses a ring: one cache line, so that a hop moves exactly one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Message(pub [u64; 8]);

impl Message {
    /// The key by which a conflating ring keeps only the latest: the low half of the first word.
    pub const fn key(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation)]
        let key = self.0[0] as u32;
        key
    }
}

const _: () = assert!(size_of::<Message>() == 64 && align_of::<Message>() == 64);

/// One input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A datagram came in.
    Datagram {
        /// On which socket.
        socket: SocketId,
        /// When the kernel took it from the wire, since the epoch; `now` where it gave no stamp.
        received: Nanos,
        /// The payload, whole.
        bytes: &'a [u8],
    },
    /// A datagram was longer than the receive buffer: its tail is lost, so none of it is used.
    Oversize {
        /// On which socket.
        socket: SocketId,
        /// The length it had.
        len: usize,
    },
    /// A connection that the machine asked for is up.
    Opened {
        /// Which.
        stream: StreamId,
    },
    /// A connection was taken. Its number is not used again before the machine has heard of its end.
    Accepted {
        /// By which listener.
        listener: ListenerId,
        /// The number it has from here on.
        stream: StreamId,
        /// Who it is.
        peer: SocketAddr,
    },
    /// Bytes came in on a connection, split anywhere.
    Bytes {
        /// Which.
        stream: StreamId,
        /// The next bytes of the stream.
        bytes: &'a [u8],
    },
    /// A connection is down, or could not be made. Nothing more comes until it is opened or accepted
    /// again.
    Closed {
        /// Which.
        stream: StreamId,
    },
    /// A message came over a ring.
    Message {
        /// From which.
        link: LinkId,
        /// The message.
        message: &'a Message,
    },
    /// A ring that drops when full has dropped messages, here in the order of the ring.
    Missed {
        /// From which.
        link: LinkId,
        /// How many messages.
        count: u64,
    },
    /// The time given by [`Machine::next_deadline`] has come.
    Deadline,
}

/// A shard's logic.
pub trait Machine {
    /// Handles one input; effects go to `out`. Bounded work, no allocation, no wait.
    fn on_event(&mut self, now: Nanos, event: Event<'_>, out: &mut Outbox);

    /// The inputs of a turn are handled, and at least one there was: what is said once for all of them
    /// goes to `out`. Bounded like an input.
    #[inline]
    fn on_turn_end(&mut self, now: Nanos, out: &mut Outbox) {
        let _ = (now, out);
    }

    /// When [`Event::Deadline`] is wanted next; `None` while nothing is pending. Cheap: asked every cycle.
    fn next_deadline(&self) -> Option<Nanos>;

    /// Slow upkeep, every few thousand cycles and before parking: publish counters, refill, flush.
    fn housekeep(&mut self, now: Nanos, out: &mut Outbox);

    /// Writes the machine's own counters, each in its fixed place, for readers on other threads.
    /// Called after [`Machine::housekeep`] with as many places as the shard's configuration gives;
    /// a place not written keeps its last value.
    fn counters(&self, places: &mut [u64]) {
        let _ = places;
    }
}
