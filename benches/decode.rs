//! Decode.
fn main() {}
