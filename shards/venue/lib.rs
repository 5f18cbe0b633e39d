//! Exchanges: one file turns one venue's messages into market events.
//!
//! Knows wire messages and the vocabulary; never a socket, a sequence number or a book. To add a
//! venue: its file, a variant of [`Venue`], a row of [`VENUES`].
#![no_std]

extern crate alloc;

mod iex;
mod nasdaq;
mod normal;
mod roster;
mod standing;
mod table;

pub use iex::Iex;
pub use nasdaq::Nasdaq;
pub use normal::{Fault, Harm, Normal, Why};
pub use roster::{Ownership, Roster, Slot};
pub use table::{Depth, Row, Transport, VENUES, Venue};
