//! One integration binary.

mod captures;
mod config;
mod exchange_config;
mod hist;
mod kit;
mod lobster;
mod publish;
mod replay;
mod run;
mod tidy;
