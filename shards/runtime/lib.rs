//! The one main loop of a shard, with its sockets, rings, clock and counters.
//!
//! Knows no market word: it moves bytes and 64-byte messages between the kernel, other cores and a
//! [`Machine`], and gives each input the time. It alone has `unsafe`, glommio and rtrb.

mod machine;
mod outbox;

pub use machine::{Event, LinkId, Machine, Message, SocketId, StreamId};
pub use outbox::{Effect, Full, Outbox};
