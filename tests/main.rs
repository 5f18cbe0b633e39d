//! One integration binary.

mod captures;
mod kit;
mod tidy;
