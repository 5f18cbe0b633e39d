//! What an exchange tells everybody: the reports of its books become ITCH 5.0 in MoldUDP64 datagrams.
//!
//! Sans-I/O: reports go in with the time, finished datagrams and numbered messages come out, nothing
//! is conflated. Everything is sized at construction and nothing is allocated afterwards. Knows no
//! socket, no port and no account: what it says is what every reader may know.
//!
//! Source: Nasdaq TotalView-ITCH 5.0, "Message Formats"; MoldUDP64 1.00, "Downstream Packet".
#![no_std]

extern crate alloc;

mod code;
mod cross;
mod day;
mod feed;
mod listing;
mod numbered;
mod orders;
#[cfg(test)]
mod property;
#[cfg(test)]
mod stream;
mod tape;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin;

pub use feed::{Counters, Out};
pub use listing::Listing;
pub use numbered::{MESSAGE_MAX, Numbered};
pub use tape::{Config, Tape};
