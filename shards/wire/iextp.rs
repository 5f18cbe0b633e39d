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
        let mut at = 0;
        for _ in 0..header.count.get() {
            at = block_end(payload, at)
                .ok_or(Malformed::CutBlock { offset: held(Header::LEN + at) })?;
        }
        if at < payload.len() {
            return Err(Malformed::TrailingBytes { offset: held(Header::LEN + at) });
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

/// Where the block that starts at `at` ends; `None` where it runs past the end.
#[inline]
fn block_end(payload: &[u8], at: usize) -> Option<usize> {
    let prefix = payload.get(at..)?.first_chunk::<PREFIX>()?;
    let end = at + PREFIX + usize::from(u16::from_le_bytes(*prefix));
    (end <= payload.len()).then_some(end)
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
        let (prefix, rest) = self.rest.split_first_chunk::<PREFIX>()?;
        let (block, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*prefix)))?;
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
