//! Two lines in, one stream out.

use types::{Nanos, SeqNo};

use crate::{FeedHealth, Line, Packet, SessionId};

/// Where a stream is taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first packet heard; what came before it is not missed.
    FirstSeen,
    /// At the session's first message: what came before the first packet heard is a gap.
    Beginning,
    /// At a snapshot's join: everything is held until then.
    Snapshot,
}

/// What can be asked of the publisher when something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// There is a re-request server.
    pub requests: bool,
    /// There is a snapshot server.
    pub snapshots: bool,
}

/// Sizes and times of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// Redundant lines, 1 or 2.
    pub lines: u8,
    /// Packets that may wait behind a gap, 1 to 65,535. With snapshots: enough for what is published while one is taken.
    pub window_packets: u32,
    /// Bytes of the longest body that may wait, 1 to 65,535.
    pub packet_bytes_max: u32,
    /// How long a gap may wait for the other line or a late packet before anything is asked for.
    pub reorder: Nanos,
    /// How long a request may stay unanswered.
    pub retry: Nanos,
    /// Requests without any progress before a gap is given up, at least 1.
    pub attempts_max: u32,
    /// Messages asked for at a time, at least 1.
    pub request_messages_max: u16,
    /// A larger gap is not asked for but goes straight to the snapshot, where there is one.
    pub gap_messages_max: u64,
    /// Further than this from where the stream stands, ahead or behind, a single packet is not believed.
    pub far_messages: u64,
    /// Nothing heard on any line for this long: the feed is silent.
    pub idle: Nanos,
    /// Where to begin.
    pub start: Start,
    /// What can be asked for.
    pub recovery: Recovery,
}

impl Default for ReceiverConfig {
    /// Two lines, 1,024 packets of 1,500 bytes, 500 us of reordering, both recoveries.
    fn default() -> Self {
        Self {
            lines: 2,
            window_packets: 1_024,
            packet_bytes_max: 1_500,
            reorder: Nanos::from_micros(500),
            retry: Nanos::from_millis(5),
            attempts_max: 5,
            request_messages_max: 1_000,
            gap_messages_max: 50_000,
            far_messages: 10_000_000,
            idle: Nanos::from_secs(3),
            start: Start::Beginning,
            recovery: Recovery {
                requests: true,
                snapshots: true,
            },
        }
    }
}

/// Why a configuration cannot be. Cold: a person reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// `lines` is neither 1 nor 2.
    Lines,
    /// A size or count is zero or over its limit.
    Size,
    /// A time is zero.
    Time,
    /// `Start::Snapshot` without a snapshot server.
    NoSnapshot,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Read its messages now, without the first `skip`. Then `poll`.
    Next {
        /// Messages at its head that were given out before.
        skip: u16,
    },
    /// All of it is known already.
    Duplicate,
    /// Ahead of a gap: copied, to come back from `poll`.
    Held,
    /// Ahead of a gap and no room: it will be asked for again.
    Dropped,
    /// No message in it.
    Heartbeat,
    /// The publisher says it is done. The session is over when `poll` says so.
    EndOfSession,
    /// Of another session while this one lives: not taken.
    WrongSession,
    /// A header that cannot be, or further away than one packet is believed: not taken.
    Malformed,
    /// A reply that nobody asked for: not taken.
    Unasked,
}

/// A packet that waited and is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held<'a> {
    /// Of its first message.
    pub sequence: SeqNo,
    /// Messages in it.
    pub count: u16,
    /// Messages at its head that were given out before.
    pub skip: u16,
    /// When it came.
    pub received: Nanos,
    /// The messages, framed as the feed frames them.
    pub body: &'a [u8],
}

/// What the owner does next, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Another session began: clear the books; its first message may be any (see [`Start`]).
    NewSession(SessionId),
    /// These messages will never come. The books stay stale until `join` or `resynchronised`.
    Lost {
        /// The first of them.
        from: SeqNo,
        /// How many.
        count: u64,
    },
    /// Read the messages of a packet that waited, without its first `skip`.
    Apply(Held<'a>),
    /// The books can no longer be trusted.
    Stale,
    /// No line was heard for the configured time (the books are stale too).
    Silent,
    /// The books can be trusted (again).
    Live,
    /// Send a re-request.
    Request {
        /// The first message wanted.
        from: SeqNo,
        /// How many.
        count: u16,
    },
    /// Fetch a snapshot, then call `join`, or `snapshot_failed`.
    Snapshot,
    /// The session is over: every message before `next` was given out or reported lost.
    Ended {
        /// One past its last message.
        next: SeqNo,
    },
}

/// Why a join was not made. The receiver still waits for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum JoinRefused {
    /// Sequence zero, or past the last that can be.
    OutOfRange = 1,
    /// Further from the stream than `far_messages`.
    TooFar = 2,
}

/// One stream out of one or two lines, and whatever it takes to fill its gaps.
#[derive(Debug)]
pub struct Receiver {
    session: SessionId,
}

impl Receiver {
    /// A receiver that was heard last at `now`.
    pub fn new(_config: ReceiverConfig, _now: Nanos) -> Result<Self, ConfigError> {
        unimplemented!()
    }

    /// Takes one packet. Read it where the answer is `Next`, then `poll` until `None`.
    pub fn on_packet(&mut self, _now: Nanos, _line: Line, _packet: Packet<'_>) -> Arrival {
        unimplemented!()
    }

    /// A datagram whose header could not be read, or was cut: counted.
    pub fn on_malformed(&mut self, _line: Line) {
        unimplemented!()
    }

    /// The time given by `next_deadline` has come. Then `poll` until `None`.
    pub fn on_deadline(&mut self, _now: Nanos) {
        unimplemented!()
    }

    /// The next thing to do; `None` when all is done. Call after every input, until `None`.
    pub fn poll(&mut self, _now: Nanos) -> Option<Step<'_>> {
        unimplemented!()
    }

    /// When `on_deadline` is wanted. Cheap.
    pub fn next_deadline(&self) -> Option<Nanos> {
        unimplemented!()
    }

    /// A snapshot stands in the books: messages from `next` on are to come. Then `poll`.
    pub fn join(&mut self, _now: Nanos, _next: SeqNo) -> Result<(), JoinRefused> {
        unimplemented!()
    }

    /// No snapshot can be had: the gap is given up. Then `poll`.
    pub fn snapshot_failed(&mut self, _now: Nanos) {
        unimplemented!()
    }

    /// The owner made the books good by other means after a loss. Then `poll`.
    pub fn resynchronised(&mut self) {
        unimplemented!()
    }

    /// The session taken, if any.
    pub fn session(&self) -> Option<SessionId> {
        Some(self.session)
    }

    /// The next message to give out; `None` before it is known.
    pub fn next(&self) -> Option<SeqNo> {
        unimplemented!()
    }

    /// The books cannot be trusted.
    pub fn is_stale(&self) -> bool {
        unimplemented!()
    }

    /// The figures.
    pub fn health(&self) -> FeedHealth {
        unimplemented!()
    }
}
