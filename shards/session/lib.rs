//! Sessions without I/O: bytes and time in, messages and wishes out.
//!
//! One receiver for every sequenced datagram feed (two lines merged, gaps recovered, snapshots
//! joined), the publisher's side of it, and logins, heartbeats and resume on a stream. Nothing here
//! opens a socket, reads a clock, allocates after construction or knows an instrument or an order.
#![no_std]

extern crate alloc;

mod config;
mod health;
mod lines;
mod packet;
mod receiver;
#[cfg(test)]
mod recovery;
mod step;
mod window;

pub mod glimpse;
pub mod iextp;
pub mod mold;
pub mod soup;

pub use config::{ConfigError, ReceiverConfig, Recovery, Start};
pub use health::{FeedHealth, FeedState, LineHealth};
pub use packet::{Line, Packet, SessionId};
pub use receiver::Receiver;
pub use step::{Arrival, Held, JoinRefused, Step};
