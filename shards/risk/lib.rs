//! Risk: what an order must pass before it reaches a book, and the credit it is given.
//!
//! [`port`] is the exchange's side: what is checked on an order-entry port. [`lease`] shares one limit
//! of credit out over shards, without a lock. The pieces that both sides of the trade check with stand
//! beside them: money, rates, repeats, distances between prices, lists. Sans-I/O, sized at
//! construction; knows no book, no protocol and no clock.
#![no_std]

extern crate alloc;

mod distance;
mod list;
mod notional;
mod rate;
mod repeats;

pub mod lease;
pub mod port;

pub use distance::Distance;
pub use list::InstrumentSet;
pub use notional::Notional;
pub use rate::Rate;
