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

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn an_end_of_snapshot_gives_the_sequence_to_join_from() {
        let cases: &[(&[u8], Result<u64, Malformed>)] = &[
            (b"G               12345", Ok(12_345)),
            (b"G00000000000000012345", Ok(12_345)),
            (b"G12345               ", Ok(12_345)),
            (b"G18446744073709551615", Ok(u64::MAX)),
            (b"G18446744073709551616", Err(Malformed::NotANumber { offset: 1 })),
            (b"G                    ", Err(Malformed::NotANumber { offset: 1 })),
            (b"G            12 345  ", Err(Malformed::NotANumber { offset: 1 })),
            (b"G                  -1", Err(Malformed::NotANumber { offset: 1 })),
            (b"G", Err(Malformed::WrongLength { kind: b'G', want: 21, len: 1 })),
            (
                b"G 1                   ",
                Err(Malformed::WrongLength { kind: b'G', want: 21, len: 22 }),
            ),
        ];
        for (bytes, want) in cases {
            let got = Message::parse(bytes);
            assert_eq!(got, want.map(|sequence| Message::End { sequence }), "{bytes:?}");
        }
        assert_eq!(EndOfSnapshot::new(12_345).as_bytes(), b"G               12345");
        let mut out = [0; 21];
        assert_eq!(EndOfSnapshot::new(7).encode(&mut out), Ok(21));
        assert_eq!(Message::parse(&out), Ok(Message::End { sequence: 7 }));
        assert_eq!(EndOfSnapshot::new(7).encode(&mut out[..20]), Err(Full));
    }

    #[test]
    fn everything_else_is_itch() {
        let delete =
            itch50::OrderDelete { header: itch50::Head::new(1, 2, 3), order_ref: 4.into() };
        let want = Message::Itch(itch50::Message::OrderDelete(&delete));
        assert_eq!(Message::parse(delete.as_bytes()), Ok(want));
        assert_eq!(Message::parse(b"z"), Err(Malformed::UnknownType { kind: b'z' }));
        assert_eq!(Message::parse(b""), Err(Malformed::Empty));
    }
}
