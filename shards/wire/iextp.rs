//! IEX-TP 1: sequenced messages in UDP segments.
//!
//! Holds no state: which sequence is next, and what to do about a gap, is `session`'s.
//! A segment is checked whole before any block of it is used, so a damaged one changes nothing.
//! Gap-fill requests are not written: that service is by contract with the exchange.
//!
//! Source: IEX Transport Protocol Specification 1.25, "Outbound Segments". Integers are little-endian.

use crate::malformed::held;
use crate::{Full, Malformed};
use zerocopy::little_endian::{I64, U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The version of the transport.
pub const VERSION: u8 = 1;

/// The message protocol of DEEP 1.0.
pub const DEEP_1_0: u16 = 0x8004;

/// Bytes of a block's length prefix.
const PREFIX: usize = 2;

/// What every segment starts with.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Header {
    /// [`VERSION`].
    pub version: u8,
    /// Reserved.
    pub reserved: u8,
    /// What the messages are: [`DEEP_1_0`].
    pub protocol: U16,
    /// The stream of a protocol, within its session.
    pub channel: U32,
    /// The session, some number of the day.
    pub session: U32,
    /// Bytes after the header.
    pub payload_len: U16,
    /// Messages that follow; 0 is a heartbeat.
    pub count: U16,
    /// Bytes of payload sent before this one in the session.
    pub stream_offset: I64,
    /// The number of the first message, from 1; where there is none, the number of the next to come.
    pub sequence: I64,
    /// When it was sent, in nanoseconds since the epoch.
    pub sent_ns: I64,
}

const _: () = assert!(size_of::<Header>() == Header::LEN);

impl Header {
    /// The length in bytes.
    pub const LEN: usize = 40;
}

/// Where the sequence number stands in a segment.
const SEQUENCE_AT: u16 = 24;

/// A segment whose blocks were counted and measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    header: &'a Header,
    payload: &'a [u8],
}

impl<'a> Segment<'a> {
    /// Checks the version, and that the datagram is the header and exactly the blocks it counts.
    ///
    /// Any message protocol passes; ask [`Self::protocol`].
    ///
    /// Errors: [`Malformed::ShortHeader`], [`Malformed::UnknownVersion`], [`Malformed::WrongPayload`],
    /// [`Malformed::CutBlock`], [`Malformed::TrailingBytes`], and [`Malformed::SequenceOverflow`] for a
    /// sequence that is negative or runs past the largest.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let Ok((header, payload)) = Header::ref_from_prefix(datagram) else {
            return Err(Malformed::ShortHeader {
                want: Header::LEN as u16,
                len: held(datagram.len()),
            });
        };
        if header.version != VERSION {
            return Err(Malformed::UnknownVersion { version: header.version });
        }
        if usize::from(header.payload_len.get()) != payload.len() {
            return Err(Malformed::WrongPayload {
                want: header.payload_len.get(),
                len: held(payload.len()),
            });
        }
        let first = header.sequence.get();
        if first < 0 || first.checked_add(i64::from(header.count.get())).is_none() {
            return Err(Malformed::SequenceOverflow { offset: SEQUENCE_AT });
        }
        let mut rest = payload;
        // Where `rest` starts in the datagram.
        let offset = |rest: &[u8]| held(datagram.len().saturating_sub(rest.len()));
        for _ in 0..header.count.get() {
            let (_, after) = split(rest).ok_or(Malformed::CutBlock { offset: offset(rest) })?;
            rest = after;
        }
        if !rest.is_empty() {
            return Err(Malformed::TrailingBytes { offset: offset(rest) });
        }
        Ok(Self { header, payload })
    }

    /// The header, for what has no accessor of its own.
    #[inline]
    pub const fn header(&self) -> &'a Header {
        self.header
    }

    /// What the messages are.
    #[inline]
    pub const fn protocol(&self) -> u16 {
        self.header.protocol.get()
    }

    /// The session.
    #[inline]
    pub const fn session(&self) -> u32 {
        self.header.session.get()
    }

    /// The number of the first message; where there is none, the number of the next to come.
    #[inline]
    pub const fn sequence(&self) -> u64 {
        // `parse` refused the negative ones.
        self.header.sequence.get().cast_unsigned()
    }

    /// Messages in it; 0 is a heartbeat.
    #[inline]
    pub const fn count(&self) -> u16 {
        self.header.count.get()
    }

    /// When it was sent, in nanoseconds since the epoch; a time before the epoch reads as the epoch.
    #[inline]
    pub const fn sent_ns(&self) -> u64 {
        let ns = self.header.sent_ns.get();
        if ns < 0 { 0 } else { ns.cast_unsigned() }
    }

    /// Its messages in order. `.skip(n)` walks past the first `n` without giving them out.
    #[inline]
    pub const fn blocks(&self) -> Blocks<'a> {
        Blocks { rest: self.payload, left: self.count() }
    }
}

/// The block at the start of `rest`, and what follows it; `None` where it runs past the end.
#[inline]
fn split(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (prefix, rest) = rest.split_first_chunk::<PREFIX>()?;
    rest.split_at_checked(usize::from(u16::from_le_bytes(*prefix)))
}

/// The messages of a [`Segment`].
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    rest: &'a [u8],
    left: u16,
}

impl<'a> Iterator for Blocks<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        // `parse` measured every block; a slice that is short all the same ends the walk.
        let (block, rest) = split(self.rest)?;
        self.rest = rest;
        self.left = self.left.saturating_sub(1);
        Some(block)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

impl ExactSizeIterator for Blocks<'_> {}

/// Writes one segment into a buffer of the caller's.
#[derive(Debug)]
pub struct SegmentBuilder<'b> {
    out: &'b mut [u8],
    len: usize,
    count: u16,
}

impl<'b> SegmentBuilder<'b> {
    /// Starts a segment with the header's names and numbers; version, payload length and count are
    /// set here. It never grows past `limit` bytes or the buffer.
    ///
    /// Errors: [`Full`] where not even the header fits.
    pub fn new(out: &'b mut [u8], limit: usize, header: &Header) -> Result<Self, Full> {
        let limit = limit.min(out.len());
        let out = out.get_mut(..limit).ok_or(Full)?;
        let header = Header { version: VERSION, ..*header };
        header.write_to_prefix(out).map_err(|_| Full)?;
        Ok(Self { out, len: Header::LEN, count: 0 })
    }

    /// Appends a message. On [`Full`] the segment is as it was: finish it and start another.
    pub fn push(&mut self, message: &[u8]) -> Result<(), Full> {
        let size = u16::try_from(message.len()).map_err(|_| Full)?;
        let count = self.count.checked_add(1).ok_or(Full)?;
        let len = self.len + PREFIX + message.len();
        // The payload length is a u16 too, whatever the limit.
        u16::try_from(len - Header::LEN).map_err(|_| Full)?;
        let room = self.out.get_mut(self.len..len).ok_or(Full)?;
        crate::layout::write_parts(&[&size.to_le_bytes(), message], room)?;
        (self.len, self.count) = (len, count);
        Ok(())
    }

    /// Messages so far.
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// Closes the segment and gives its bytes; without a message it is a heartbeat.
    pub fn finish(self) -> &'b [u8] {
        let (count, payload_len) = (self.count, held(self.len - Header::LEN));
        let (segment, _) = self.out.split_at_mut(self.len);
        if let Ok((header, _)) = Header::mut_from_prefix(segment) {
            header.count = count.into();
            header.payload_len = payload_len.into();
        }
        segment
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// A segment written by hand: version, payload length, count and sequence, then the blocks.
    fn segment(
        version: u8,
        payload_len: u16,
        count: u16,
        sequence: i64,
        payload: &[u8],
    ) -> Vec<u8> {
        let mut bytes = std::vec![version, 0, 0x04, 0x80, 1, 0, 0, 0, 0x00, 0x00, 0x81, 0x43];
        bytes.extend(payload_len.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend([9, 0, 0, 0, 0, 0, 0, 0]); // stream offset
        bytes.extend(sequence.to_le_bytes());
        bytes.extend([2, 1, 0, 0, 0, 0, 0, 0]); // send time
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn a_segment_is_its_header_and_exactly_its_blocks() {
        use Malformed as M;
        type Case = (u8, u16, u16, i64, &'static [u8], Result<u16, M>);
        let cases: &[Case] = &[
            // version, payload length, count, sequence, payload, want
            (1, 0, 0, 5, &[], Ok(0)),
            (1, 7, 2, 5, &[2, 0, 7, 8, 1, 0, 9], Ok(2)),
            (1, 2, 1, i64::MAX - 1, &[0, 0], Ok(1)),
            (2, 0, 0, 5, &[], Err(M::UnknownVersion { version: 2 })),
            (1, 1, 0, 5, &[], Err(M::WrongPayload { want: 1, len: 0 })),
            (1, 0, 0, 5, &[1], Err(M::WrongPayload { want: 0, len: 1 })),
            (1, 1, 0, 5, &[1], Err(M::TrailingBytes { offset: 40 })),
            (1, 3, 1, 5, &[0, 0, 1], Err(M::TrailingBytes { offset: 42 })),
            (1, 3, 2, 5, &[0, 0, 1], Err(M::CutBlock { offset: 42 })),
            (1, 3, 1, 5, &[2, 0, 1], Err(M::CutBlock { offset: 40 })),
            (1, 0, 0, -1, &[], Err(M::SequenceOverflow { offset: 24 })),
            (1, 2, 1, i64::MAX, &[0, 0], Err(M::SequenceOverflow { offset: 24 })),
        ];
        for (version, payload_len, count, sequence, payload, want) in cases {
            let bytes = segment(*version, *payload_len, *count, *sequence, payload);
            let parsed = Segment::parse(&bytes);
            assert_eq!(parsed.map(|segment| segment.count()), *want, "{payload:?}");
            if let Ok(segment) = parsed {
                assert_eq!((segment.protocol(), segment.session()), (DEEP_1_0, 0x4381_0000));
                assert_eq!((segment.sequence(), segment.sent_ns()), (*sequence as u64, 0x0102));
                assert_eq!(segment.header().channel.get(), 1);
                assert_eq!(segment.header().stream_offset.get(), 9);
                assert_eq!(segment.blocks().count(), usize::from(*count));
            }
        }
    }

    #[test]
    fn cut_anywhere_it_is_refused() {
        let whole = segment(1, 7, 2, 5, &[2, 0, 7, 8, 1, 0, 9]);
        assert!(Segment::parse(&whole).is_ok());
        for len in 0..whole.len() {
            let want = match len.checked_sub(Header::LEN) {
                None => Malformed::ShortHeader { want: 40, len: len as u16 },
                Some(left) => Malformed::WrongPayload { want: 7, len: left as u16 },
            };
            assert_eq!(Segment::parse(&whole[..len]), Err(want));
        }
    }

    #[test]
    fn a_builder_stops_at_its_limit_and_stays_whole() {
        let bytes = segment(1, 0, 0, 5, &[]);
        let header = *Segment::parse(&bytes).unwrap().header();
        let mut out = [0; 64];
        let mut built = SegmentBuilder::new(&mut out, 45, &header).unwrap();
        assert_eq!(built.push(&[7, 8, 9, 10]), Err(Full));
        assert_eq!(built.push(&[7, 8, 9]), Ok(()));
        assert_eq!(built.push(&[]), Err(Full));
        assert_eq!(built.count(), 1);
        assert_eq!(built.finish(), segment(1, 5, 1, 5, &[3, 0, 7, 8, 9]));

        let mut out = std::vec![0; 100_000];
        let mut built = SegmentBuilder::new(&mut out, 100_000, &header).unwrap();
        assert_eq!(built.push(&[0; 65_534]), Err(Full), "the payload length is a u16");
        assert_eq!(built.push(&[0; 65_533]), Ok(()));
        assert!(Segment::parse(built.finish()).is_ok());
        let mut small = [0; 39];
        assert_eq!(SegmentBuilder::new(&mut small, 1_500, &header).err(), Some(Full));
    }

    proptest! {
        #[test]
        fn what_is_built_is_read(
            sequence in 0..i64::MAX / 2,
            messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..20),
        ) {
            let bytes = segment(1, 0, 0, sequence, &[]);
            let header = *Segment::parse(&bytes).unwrap().header();
            let mut out = [0; 2_048];
            let mut built = SegmentBuilder::new(&mut out, 2_048, &header).unwrap();
            for message in &messages {
                built.push(message).unwrap();
            }
            let segment = Segment::parse(built.finish()).unwrap();
            prop_assert_eq!(segment.sequence(), sequence as u64);
            prop_assert!(segment.blocks().eq(messages.iter().map(Vec::as_slice)));
        }

        #[test]
        fn arbitrary_payloads_never_panic(
            count in 0..9_u16, payload in proptest::collection::vec(0..9_u8, 0..60),
        ) {
            let bytes = segment(1, payload.len() as u16, count, 5, &payload);
            if let Ok(segment) = Segment::parse(&bytes) {
                prop_assert_eq!(segment.blocks().count(), usize::from(count));
            }
        }
    }
}
