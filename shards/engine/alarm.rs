//! What a person should hear of, as it crosses a ring: one cache line, put into words on the cold side.
//!
//! A fault that can come with every message is named the first time on its feed and counted after
//! that; turns of a feed (lost, recovered, ended) are named each time.

use core::fmt;

use runtime::Message;
use types::{SeqNo, Symbol};
use venue::Why;

/// What happened. The number goes to records: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AlarmKind {
    /// A datagram was refused whole: `a` is the fault, or zero where its numbers cannot be.
    BadPacket = 1,
    /// A datagram was longer than the receive buffer: `a` is its length.
    Oversize = 2,
    /// A datagram of another session.
    WrongSession = 3,
    /// A reply that nobody asked for.
    Unasked = 4,
    /// A message could not be used: `a` is its type, `b` the fault.
    BadMessage = 5,
    /// An event did not fit its book, which is stale now: `a` is the number of the outcome.
    BadEvent = 6,
    /// No slot is left for an instrument of ours.
    NoRoom = 7,
    /// A snapshot was asked for; the books are stale until it is in.
    SnapshotAsked = 8,
    /// An attempt at a snapshot failed: `a` is why; another follows.
    SnapshotRetry = 9,
    /// No snapshot was to be had: `a` is why. The books stay stale; it is tried again later.
    SnapshotFailed = 10,
    /// A snapshot is in; the feed goes on at the sequence.
    SnapshotJoined = 11,
    /// Messages will never come: `a` of them. The books stay stale.
    Lost = 12,
    /// Nothing was heard for too long; the books are stale.
    Silent = 13,
    /// Heard again after silence, and whole.
    Live = 14,
    /// The publisher began a new session; the books were cleared.
    NewSession = 15,
    /// The publisher ended its session, and all of it is in.
    Ended = 16,
    /// The outbox or a ring refused what had to leave.
    Backlog = 17,
}

/// One thing a person should hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// What happened.
    pub kind: AlarmKind,
    /// On which feed of the shard.
    pub feed: u8,
    /// At which message of its stream; zero where that is not known.
    pub sequence: SeqNo,
    /// Of which instrument, where it is one's.
    pub symbol: Option<Symbol>,
    /// As the kind says.
    pub a: u64,
    /// As the kind says.
    pub b: u64,
}

const KINDS: [AlarmKind; 17] = [
    AlarmKind::BadPacket,
    AlarmKind::Oversize,
    AlarmKind::WrongSession,
    AlarmKind::Unasked,
    AlarmKind::BadMessage,
    AlarmKind::BadEvent,
    AlarmKind::NoRoom,
    AlarmKind::SnapshotAsked,
    AlarmKind::SnapshotRetry,
    AlarmKind::SnapshotFailed,
    AlarmKind::SnapshotJoined,
    AlarmKind::Lost,
    AlarmKind::Silent,
    AlarmKind::Live,
    AlarmKind::NewSession,
    AlarmKind::Ended,
    AlarmKind::Backlog,
];

impl AlarmKind {
    /// Whether it is named once a feed and counted after that.
    pub const fn is_named_once(self) -> bool {
        match self {
            Self::BadPacket
            | Self::Oversize
            | Self::WrongSession
            | Self::Unasked
            | Self::BadMessage
            | Self::BadEvent
            | Self::NoRoom
            | Self::Backlog => true,
            Self::SnapshotAsked
            | Self::SnapshotRetry
            | Self::SnapshotFailed
            | Self::SnapshotJoined
            | Self::Lost
            | Self::Silent
            | Self::Live
            | Self::NewSession
            | Self::Ended => false,
        }
    }

    /// Whether it is good news.
    pub const fn is_good(self) -> bool {
        match self {
            Self::SnapshotJoined | Self::Live | Self::Ended => true,
            Self::BadPacket
            | Self::Oversize
            | Self::WrongSession
            | Self::Unasked
            | Self::BadMessage
            | Self::BadEvent
            | Self::NoRoom
            | Self::SnapshotAsked
            | Self::SnapshotRetry
            | Self::SnapshotFailed
            | Self::Lost
            | Self::Silent
            | Self::NewSession
            | Self::Backlog => false,
        }
    }
}

impl Alarm {
    /// Of [`AlarmKind::SnapshotFailed`]: a message of it could not be read at all.
    pub(crate) const SNAPSHOT_UNREADABLE: u64 = 200;

    /// As it crosses a ring.
    pub fn to_message(&self) -> Message {
        let symbol = self.symbol.map_or(0, Symbol::number);
        let head = u64::from(self.kind as u8) | u64::from(self.feed) << 8;
        Message([head, self.sequence.get(), symbol, self.a, self.b, 0, 0, 0])
    }

    /// Back from a ring; `None` where the message is something else.
    pub fn from_message(message: &Message) -> Option<Self> {
        let [head, sequence, symbol, a, b, ..] = message.0;
        let [kind, feed, ..] = head.to_le_bytes();
        Some(Self {
            kind: KINDS.into_iter().find(|known| *known as u8 == kind)?,
            feed,
            sequence: SeqNo::new(sequence),
            symbol: (symbol != 0).then(|| Symbol::from_wire(symbol.to_be_bytes())),
            a,
            b,
        })
    }
}

/// By the number of a `book::Applied`.
const OUTCOMES: [&str; 10] = [
    "taken",
    "not for books",
    "no such instrument",
    "no such order is in it",
    "the order is in it already",
    "more was taken from an order than it had",
    "every order slot is taken: raise capacity.orders",
    "every level slot is taken: raise capacity.levels",
    "an order without shares, or with more than can be",
    "orders for a book of levels, or levels for a book of orders",
];

const _: () = assert!(OUTCOMES.len() == book::Applied::Foreign as usize + 1);

/// By the number of a `session::glimpse::Failure`, or of a join refused.
fn attempt(why: u64) -> &'static str {
    match why {
        1 => "no connection",
        2 => "the login was rejected",
        3 => "cut before its end",
        4 => "silent for too long",
        5 => "not SoupBinTCP",
        6 => "its sequence is no number",
        Alarm::SNAPSHOT_UNREADABLE => "a message of it could not be read",
        _ => "its sequence does not fit the feed",
    }
}

/// A sentence without the feed's name, which the reader has.
impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            AlarmKind::BadPacket => match Why::from_bits(self.a) {
                Some(why) => write!(f, "datagram refused: {why}")?,
                None => f.write_str("datagram refused: its sequence number cannot be")?,
            },
            AlarmKind::Oversize => {
                write!(f, "datagram of {} bytes is longer than the receive buffer", self.a)?;
            }
            AlarmKind::WrongSession => f.write_str("datagram of another session refused")?,
            AlarmKind::Unasked => f.write_str("reply refused that nobody asked for")?,
            AlarmKind::BadMessage => {
                let kind = char::from((self.a & 0xFF) as u8);
                write!(f, "message of type {kind:?} refused")?;
                if let Some(why) = Why::from_bits(self.b) {
                    write!(f, ": {why}")?;
                }
            }
            AlarmKind::BadEvent => {
                let outcome = OUTCOMES.get(self.a as usize).unwrap_or(&"it does not fit");
                write!(f, "event refused, the book is stale now: {outcome}")?;
            }
            AlarmKind::NoRoom => {
                f.write_str("no instrument slot is left: raise capacity.instruments")?;
            }
            AlarmKind::SnapshotAsked => {
                f.write_str("snapshot asked for, books stale until then")?
            }
            AlarmKind::SnapshotRetry => {
                write!(f, "snapshot attempt failed, trying again: {}", attempt(self.a))?;
            }
            AlarmKind::SnapshotFailed => {
                write!(f, "no snapshot is to be had, books stale: {}", attempt(self.a))?;
            }
            AlarmKind::SnapshotJoined => f.write_str("snapshot joined")?,
            AlarmKind::Lost => write!(f, "{} messages lost for good, books stale", self.a)?,
            AlarmKind::Silent => f.write_str("nothing heard, books stale")?,
            AlarmKind::Live => f.write_str("heard again and whole")?,
            AlarmKind::NewSession => f.write_str("new session, books cleared")?,
            AlarmKind::Ended => f.write_str("session ended, all of it is in")?,
            AlarmKind::Backlog => f.write_str("more had to leave than there was room for")?,
        }
        if let Some(symbol) = self.symbol {
            write!(f, ", {symbol}")?;
        }
        if self.sequence != SeqNo::default() {
            write!(f, ", at sequence {}", self.sequence)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_the_ring() {
        for kind in KINDS {
            let alarm = Alarm {
                kind,
                feed: 3,
                sequence: SeqNo::new(u64::MAX),
                symbol: Some(Symbol::from_wire(*b"AAPL    ")),
                a: 1,
                b: u64::MAX,
            };
            assert_eq!(Alarm::from_message(&alarm.to_message()), Some(alarm));
        }
        assert_eq!(Alarm::from_message(&Message([0; 8])), None);
    }

    #[test]
    fn names_its_place() {
        let alarm = Alarm {
            kind: AlarmKind::BadMessage,
            feed: 0,
            sequence: SeqNo::new(17),
            symbol: None,
            a: u64::from(b'z'),
            b: Why::Malformed(wire::Malformed::UnknownType { kind: b'z' }).to_bits(),
        };
        assert_eq!(
            alarm.to_string(),
            "message of type 'z' refused: message type 'z' (0x7a) is unknown, at sequence 17"
        );
    }
}
