//! The process around the shards: configuration, start and stop, commands, figures for people.
//!
//! Cold: it may allocate, block and log, and never runs on a shard's core. Nothing depends on it.

pub mod bench;
pub mod check;
pub mod cli;
pub mod config;
pub mod control;
pub mod cpus;
pub mod descriptors;
pub mod failure;
pub mod fault;
pub mod flow;
pub mod folder;
pub mod generate;
pub mod hist;
pub mod launch;
pub mod logs;
pub mod metrics;
pub mod preflight;
pub mod publish;
pub mod recording;
pub mod replay;
pub mod run;
pub mod stop;
pub mod terminal;
pub mod topology;
pub mod venue;
