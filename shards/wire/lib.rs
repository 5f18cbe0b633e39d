//! Bytes and views of them: what each protocol's messages look like, and nothing about what they mean.
//!
//! A module is one protocol: views over received bytes (checked once, by `parse`), and the same views
//! constructed and read out again as bytes. Holds no state, does no I/O, knows no instrument, book or
//! session; a decoder that must remember something belongs to `session`.
//!
//! Numbers come out raw, in the unit the specification gives them; `venue` turns them into the words
//! of the trade.
#![no_std]

extern crate alloc;

mod kind;
#[macro_use]
mod layout;
mod malformed;

pub mod binaryfile;
pub mod capture;
pub mod deep10;
pub mod frame;
pub mod glimpse;
pub mod iextp;
pub mod itch50;
pub mod moldudp64;
pub mod ouch50;
pub mod pcap;
mod pcapng;
pub mod soupbintcp;

pub use layout::Full;
pub use malformed::{Field, Malformed};
pub use zerocopy::{big_endian, little_endian};
