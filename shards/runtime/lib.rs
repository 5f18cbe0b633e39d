//! The one main loop of a shard.
#![allow(unsafe_code)]
pub mod machine;
/// Placeholder.
pub struct Outbox;
