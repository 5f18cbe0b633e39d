//! One integration binary.

mod captures;
mod config;
mod kit;
mod lobster;
mod publish;
mod tidy;
