//! The header of protocols whose messages start with their type byte and nothing else (DEEP, OUCH requests).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The type byte, not yet checked.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(transparent)]
pub struct Header(u8);

impl Header {
    /// The type byte.
    #[inline]
    pub const fn kind(&self) -> u8 {
        self.0
    }
}

/// The type byte of messages of one type.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(transparent)]
pub struct Head<const KIND: u8>(Header);

impl<const KIND: u8> Head<KIND> {
    /// The one there is.
    pub const fn new() -> Self {
        Self(Header(KIND))
    }

    /// The same for every type of message.
    #[inline]
    pub const fn any(&self) -> &Header {
        &self.0
    }
}

impl<const KIND: u8> Default for Head<KIND> {
    fn default() -> Self {
        Self::new()
    }
}
