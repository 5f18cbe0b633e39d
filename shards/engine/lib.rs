//! Shard kinds: which calls follow which input. They hold no rule of their own and open no socket.
//!
//! A [`Trade`] shard takes feeds in and keeps books; an [`exchange::Exchange`] shard takes orders and
//! matches them. Each is a `runtime::Machine`: the main loop drives
//! it from sockets, replay from a file, a test from a virtual clock, and it cannot tell which.

pub mod exchange;
pub mod gauges;

mod alarm;
mod board;
mod feed;
mod feeds;
mod mirror;
mod top;
mod trade;

pub use alarm::{Alarm, AlarmKind};
pub use feed::{Feed, FeedPlan, SnapshotPlan};
pub use feeds::PlanError;
pub use mirror::{Books, Mirror, Tally};
pub use top::TopUpdate;
pub use trade::{Trade, TradePlan};

#[cfg(test)]
mod tests;

/// The tests drive shards under the allocator's seal.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: runtime::seal::Sealable = runtime::seal::Sealable;
