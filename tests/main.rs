//! One integration binary.

mod captures;
mod config;
mod dark_pool;
mod distribution;
mod entry;
mod exchange_config;
mod exchange_credit;
mod exchange_day;
mod exchange_limits;
mod hist;
mod kit;
mod lobster;
mod publish;
mod replay;
mod run;
mod tidy;
mod venue;
