//! One integration binary.

mod captures;
mod config;
mod distribution;
mod hist;
mod kit;
mod lobster;
mod publish;
mod replay;
mod run;
mod tidy;
