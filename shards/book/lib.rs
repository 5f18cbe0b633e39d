//! Order books: by order, by price level, and the best bid and offer over several venues.
//!
//! Takes [`types::MarketEvent`]s in the order in which the venue sent them and keeps what they add
//! up to. Everything is sized at construction and nothing is allocated afterwards. An event that
//! does not fit what is known changes nothing, is counted, and marks its instrument stale, so
//! that a wrong book is never kept as a good one. Knows no venue, no byte layout, no clock.
#![no_std]

extern crate alloc;

pub mod consolidated;
pub mod hash;
pub mod l2;
pub mod l3;
#[cfg(any(test, feature = "naive"))]
pub mod naive;
#[cfg(any(test, feature = "naive"))]
pub mod script;

mod arena;
mod chains;
mod change;
mod desk;
mod index;
mod ladder;
mod levels;
mod order;
mod queue;
mod rung;
mod status;
mod tape;
mod top;
mod touched;
mod warm;

pub use order::{Order, Orders, Position};
pub use queue::Slot;
pub use rung::Depth;
pub use status::{State, Stats};
pub use tape::PRINTS_MAX;
pub use top::{Level, Top};
pub use touched::{Applied, Counters, Touched};
pub use warm::{Prefetch, WARM_MAX};
