//! The exchange's own books: commands in, reports out, in price-time priority.
//!
//! Sans-I/O: a command is taken whole before the next one, what came of it goes into the caller's
//! out-buffer in the order in which it happened, and nothing is called back. Everything is sized at
//! construction and nothing is allocated afterwards. Knows no port, no protocol, no account's
//! limits and no clock; a price is a count of its instrument's ticks.
#![no_std]

extern crate alloc;

mod bitmap;
mod command;
mod floor;
mod index;
mod ladder;
mod market;
#[cfg(any(test, feature = "naive"))]
pub mod naive;
mod orders;
mod report;
#[cfg(any(test, feature = "naive"))]
pub mod script;
mod take;
mod terms;
#[cfg(test)]
mod tests;
mod ticks;
mod view;
mod withdraw;

pub use command::{Account, NewOrder, OrderKey, Price, Replace, SelfMatch, Standing, Tick};
pub use floor::Floor;
pub use market::{Capacity, Market, Rules};
pub use report::{Ended, Out, Refused, Report};
pub use terms::{
    Control, Cross, Display, Indication, Order, Peg, PegTo, Phase, Quote, Scope, Terms, Trading,
};
pub use ticks::{BANDS_MAX, BadTable, TickTable};
pub use view::{Resting, RestingOrder};
