//! What a receiver answers: what became of a packet, and what its owner does next.

use types::{Nanos, SeqNo};

use crate::SessionId;

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
    /// Another session began: clear the books; its first message may be any (see [`Start`](crate::Start)).
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
