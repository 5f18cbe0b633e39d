//! Nasdaq TotalView-ITCH 5.0: every message as a view over its bytes, both ways.
//!
//! [`Message::parse`] checks type and length, once; the fields are then read in place. A shard that
//! wants only some stocks asks [`peek_locate`] first and skips the rest undecoded.
//! Knows no order book and no stock: a locate code is a number here.
//!
//! Source: Nasdaq TotalView-ITCH 5.0, "Message Formats". Integers are big-endian; `Price(4)` fields
//! have four implied decimals, `Price(8)` eight; text is padded with spaces on the right.

mod code;
mod message;
#[cfg(test)]
mod tests;

pub use code::*;
pub use message::*;

use core::ops::Deref;
use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Nanoseconds since midnight in six bytes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(transparent)]
pub struct Timestamp6([u8; 6]);

impl Timestamp6 {
    /// The latest that six bytes hold, some 78 hours.
    pub const MAX_NS: u64 = (1 << 48) - 1;

    /// From nanoseconds since midnight; later than [`Self::MAX_NS`] is held there.
    #[inline]
    pub const fn new(since_midnight_ns: u64) -> Self {
        let ns = if Self::MAX_NS < since_midnight_ns { Self::MAX_NS } else { since_midnight_ns };
        let [_, _, a, b, c, d, e, f] = ns.to_be_bytes();
        Self([a, b, c, d, e, f])
    }

    /// Nanoseconds since midnight.
    #[inline]
    pub const fn ns(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

/// What every message starts with, its type not yet checked.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Header {
    kind: u8,
    locate: U16,
    tracking: U16,
    timestamp: Timestamp6,
}

const _: () = assert!(size_of::<Header>() == Header::LEN);

impl Header {
    /// The length with the type byte.
    pub const LEN: usize = 11;

    /// The header of a message whose type and length are not checked yet; `None` where it is too short to have one.
    #[inline]
    pub fn peek(message: &[u8]) -> Option<&Self> {
        Self::ref_from_prefix(message).ok().map(|(header, _)| header)
    }

    /// The type byte.
    #[inline]
    pub const fn kind(&self) -> u8 {
        self.kind
    }

    /// The stock's number for the day; 0 where the message is about no single stock.
    #[inline]
    pub const fn locate(&self) -> u16 {
        self.locate.get()
    }

    /// Nasdaq's internal tracking number.
    #[inline]
    pub const fn tracking(&self) -> u16 {
        self.tracking.get()
    }

    /// Nanoseconds since midnight.
    #[inline]
    pub const fn timestamp(&self) -> u64 {
        self.timestamp.ns()
    }
}

/// The header of messages of one type: its type byte is `KIND` because [`Head::new`] put it there.
///
/// In a view that was parsed the byte was checked instead.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(transparent)]
pub struct Head<const KIND: u8>(Header);

impl<const KIND: u8> Head<KIND> {
    /// A message about stock `locate` at that time; see [`Timestamp6::new`] for its range.
    #[inline]
    pub const fn new(locate: u16, tracking: u16, since_midnight_ns: u64) -> Self {
        let timestamp = Timestamp6::new(since_midnight_ns);
        Self(Header {
            kind: KIND,
            locate: U16::new(locate),
            tracking: U16::new(tracking),
            timestamp,
        })
    }

    /// The same for every type of message.
    #[inline]
    pub const fn any(&self) -> &Header {
        &self.0
    }
}

impl<const KIND: u8> Deref for Head<KIND> {
    type Target = Header;

    #[inline]
    fn deref(&self) -> &Header {
        &self.0
    }
}

/// The locate code of a message whose type and length are not checked yet: what a shard skips by.
///
/// `None` where it is too short to have one.
#[inline]
pub fn peek_locate(message: &[u8]) -> Option<u16> {
    let &[_, high, low, ..] = message else { return None };
    Some(u16::from_be_bytes([high, low]))
}
