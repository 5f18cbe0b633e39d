//! The cold side.

pub mod failure;
pub mod hist;
pub mod config;
pub mod cpus;
pub mod fault;
pub mod topology;
pub mod generate;
