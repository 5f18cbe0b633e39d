//! Nasdaq OUCH 5.0: order entry, every message as a view over its bytes, both directions, both ways.
//!
//! [`inbound`] goes from client to exchange, [`outbound`] back; their type bytes overlap, so a module
//! is a direction. `Message::parse` checks type, length and appendage length, once; the fields are then
//! read in place. The options behind them are checked by [`Appendage::strict`] (an exchange, which can
//! still reject the order by its number) or [`Appendage::lenient`] (a client).
//! Knows no order and no port: whether a user reference number is new, whether a quantity is allowed
//! and what a price means on a book is for others.
//!
//! Source: Nasdaq OUCH 5.0 Order Entry Specification, revision 1.05 of 2025-10-07: 1.2 (data types,
//! TagValue), 2 (inbound messages), 3 (outbound messages), Appendix A (options) to D (liquidity flags).
//! Integers are unsigned and big-endian, but for the two peg offsets, which are signed; prices have four
//! implied decimals; timestamps are nanoseconds since midnight; text is padded with spaces on the right.

#[macro_use]
mod table;

mod appendage;
mod code;
pub mod inbound;
pub mod outbound;
mod reject;
mod tag;
#[cfg(test)]
mod tests;

pub use appendage::{APPENDAGE_MAX, Appendage, AppendageWriter, Options, Rule, Unappended, Values};
pub use code::*;
pub use reject::RejectReason;
pub use tag::{Tag, TagValue, Tags};

/// The most shares of an order or a replacement; the fewest are 1.
pub const QUANTITY_MAX: u32 = 999_999;

/// The highest limit price, 199,999.9900, in units of 1e-4.
pub const PRICE_MAX: u64 = 1_999_999_900;

/// The price that makes an order a market order.
pub const MARKET_PRICE: u64 = 0x7FFF_FFFF;

/// Another price that makes an order a market order: 200,000.0000.
pub const MARKET_PRICE_ROUND: u64 = 2_000_000_000;

/// Whether a price is no limit but makes the order a market order.
#[inline]
pub const fn is_market(price: u64) -> bool {
    matches!(price, MARKET_PRICE | MARKET_PRICE_ROUND)
}
