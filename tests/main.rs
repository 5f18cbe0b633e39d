//! One integration binary.

mod captures;
mod kit;
mod lobster;
mod tidy;
