//! The one main loop of a shard, with its sockets, rings, clock and counters.
//!
//! Knows no market word: it moves bytes and 64-byte messages between the kernel, other cores and a
//! [`Machine`], and gives each input the time. It alone has `unsafe`, glommio and rtrb.
#![allow(unsafe_code)] // sockets, io_uring, prefetch and the allocator seal; each block says why it holds

pub mod latency;
pub mod ring;
pub mod seal;

mod accepted;
mod clock;
mod config;
mod counters;
mod launch;
mod listen;
mod machine;
mod net;
mod outbox;
mod pages;
mod park;
mod prefetch;
mod queue;
mod run;
mod shard;
mod sleep;
mod slot;
mod stream;
mod uring;

pub use clock::Clock;
pub use config::{Config, Group, Idle, Ingress, Listener, Socket, Stream};
pub use counters::{Counters, Watch};
pub use latency::Latencies;
pub use launch::{Core, LaunchError, Running, Seat, launch};
pub use machine::{Event, LinkId, ListenerId, Machine, Message, SocketId, StreamId};
pub use net::Bound;
pub use outbox::{Effect, Full, Outbox};
pub use park::Bell;
pub use prefetch::{prefetch, prefetch_at};
pub use shard::Placed;

/// The tests run sealed: an allocation inside `poll` is counted.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: seal::Sealable = seal::Sealable;
