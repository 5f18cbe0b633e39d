//! IEX DEEP 1.0: aggregated price levels and last sales, every message as a view, both ways.
//!
//! [`Message::parse`] checks type and length, once; the fields are then read in place. Knows no book.
//! The exchange may lengthen a message without notice, so one that is longer than its table is read
//! by its known part; a shorter one is refused.
//!
//! Source: IEX DEEP Specification 1.06, "Administrative", "Trading" and "Auction Message Formats".
//! Integers are little-endian, prices signed with four implied decimals, times in nanoseconds since
//! the epoch; text is padded with spaces on the right.

mod code;
mod message;

pub use crate::kind::{Head, Header};
pub use code::*;
pub use message::*;

/// The ticker of a message whose type and length are not checked yet: what a shard skips by.
///
/// `None` where it has none: a system event, or too short.
#[inline]
pub fn peek_symbol(message: &[u8]) -> Option<&[u8; 8]> {
    if message.first() == Some(&SystemEvent::KIND) {
        return None;
    }
    // Type, one byte of flags, time: then the ticker, in every message but the system event.
    message.get(10..)?.first_chunk()
}

impl BuyLevel {
    /// Whether this is the last of the updates that belong together: the book is consistent again.
    #[inline]
    pub const fn settled(&self) -> bool {
        self.flags & 1 == 1
    }
}

impl SellLevel {
    /// Whether this is the last of the updates that belong together: the book is consistent again.
    #[inline]
    pub const fn settled(&self) -> bool {
        self.flags & 1 == 1
    }
}

#[cfg(test)]
mod tests;
