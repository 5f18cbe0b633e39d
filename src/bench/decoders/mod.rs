//! Three decoders of one stream that must read the same: ours, crate `itch5` and crate `itchy`.

#[cfg(feature = "peers")]
pub mod itch5;
#[cfg(feature = "peers")]
pub mod itchy;
pub mod ours;

mod checksum;

pub use checksum::Checksum;
