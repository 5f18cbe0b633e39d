//! GLIMPSE 5.0: the snapshot service. ITCH 5.0 messages over SoupBinTCP, ended by the sequence to join from.
//!
//! Holds no state: `session` logs in and counts, this only tells the end from the messages before it.
//!
//! Source: Nasdaq GLIMPSE 5.0, "End of Snapshot".

use crate::soupbintcp::{number, padded_number};
use crate::{Full, Malformed, itch50};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The last message of a snapshot.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct EndOfSnapshot {
    kind: u8,
    sequence: [u8; 20],
}

const _: () = assert!(size_of::<EndOfSnapshot>() == EndOfSnapshot::LEN);

impl EndOfSnapshot {
    /// The type byte.
    pub const KIND: u8 = b'G';
    /// The length with the type byte.
    pub const LEN: usize = 21;

    /// The snapshot holds everything before `sequence` of the live feed.
    pub fn new(sequence: u64) -> Self {
        Self { kind: Self::KIND, sequence: padded_number(sequence) }
    }

    /// The first sequence number of the live feed that the snapshot does not hold.
    ///
    /// Errors: [`Malformed::NotANumber`]; space or zero padding on either side is taken.
    pub fn sequence(&self) -> Result<u64, Malformed> {
        number(&self.sequence, 1)
    }

    /// As it goes on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        IntoBytes::as_bytes(self)
    }

    /// Writes it to the start of `out`; answers its length.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, Full> {
        crate::layout::write_parts(&[self.as_bytes()], out)
    }
}

/// One message of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// The state of a stock or an order, as the live feed would have said it.
    Itch(itch50::Message<'a>),
    /// Nothing more comes.
    End {
        /// The first sequence number of the live feed that the snapshot does not hold.
        sequence: u64,
    },
}

impl<'a> Message<'a> {
    /// Checks type and length, and the digits of the end.
    ///
    /// Errors: as [`itch50::Message::parse`], and [`Malformed::NotANumber`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.first() != Some(&EndOfSnapshot::KIND) {
            return itch50::Message::parse(bytes).map(Self::Itch);
        }
        match EndOfSnapshot::ref_from_bytes(bytes) {
            Ok(end) => Ok(Self::End { sequence: end.sequence()? }),
            Err(_) => Err(Malformed::WrongLength {
                kind: EndOfSnapshot::KIND,
                want: EndOfSnapshot::LEN as u16,
                len: crate::malformed::held(bytes.len()),
            }),
        }
    }
}
