//! Classic pcap: both byte orders, times in microseconds or nanoseconds; written in nanoseconds.
//!
//! Knows no frame. Source: `draft-ietf-opsawg-pcap`, sections 4 and 5.

use crate::Full;
use crate::capture::{BadCapture, ByteOrder, FRAME_MAX, Frame};
use crate::layout::write_parts;

/// Bytes of the file's header.
const FILE_HEADER_LEN: usize = 24;
/// Bytes of a record's header.
const RECORD_HEADER_LEN: usize = 16;

/// First four bytes of a file with times in microseconds, written by a big-endian machine.
const MICROSECONDS: u32 = 0xA1B2_C3D4;
/// The same with times in nanoseconds.
const NANOSECONDS: u32 = 0xA1B2_3C4D;
/// The version that everyone writes.
const MAJOR: u16 = 2;
/// Ethernet's link type.
const ETHERNET: u8 = 1;

const NS_PER_S: u64 = 1_000_000_000;

/// The records of a file.
#[derive(Clone, Debug)]
pub(crate) struct Records<'a> {
    file: &'a [u8],
    at: usize,
    order: ByteOrder,
    ns_per_tick: u64,
    link: u16,
}

impl<'a> Records<'a> {
    /// `magic`: the first four bytes as a big-endian number.
    pub(crate) fn open(file: &'a [u8], magic: u32) -> Result<Self, BadCapture> {
        let (order, ns_per_tick) = match (magic, magic.swap_bytes()) {
            (MICROSECONDS, _) => (ByteOrder::Big, 1_000),
            (NANOSECONDS, _) => (ByteOrder::Big, 1),
            (_, MICROSECONDS) => (ByteOrder::Little, 1_000),
            (_, NANOSECONDS) => (ByteOrder::Little, 1),
            _ => return Err(BadCapture::UnknownMagic { magic }),
        };
        let (want, left) = (FILE_HEADER_LEN as u64, file.len() as u64);
        let cut = BadCapture::Truncated { offset: 0, want, left };
        let header = file.get(..FILE_HEADER_LEN).ok_or(cut)?;
        let major = order.u16(header, 4).ok_or(cut)?;
        if major != MAJOR {
            return Err(BadCapture::UnknownVersion { offset: 0, major });
        }
        // The upper half holds the length of the frame check sequence, where a tool states it.
        let link = order.u32(header, 20).ok_or(cut)? as u16;
        Ok(Self { file, at: FILE_HEADER_LEN, order, ns_per_tick, link })
    }

    pub(crate) const fn offset(&self) -> u64 {
        self.at as u64
    }

    /// The record at `rest`'s start, and its length with its header.
    fn record(&self, rest: &'a [u8]) -> Result<(Frame<'a>, usize), BadCapture> {
        let offset = self.offset();
        let cut = |want: usize| BadCapture::Truncated {
            offset,
            want: want as u64,
            left: rest.len() as u64,
        };
        let no_header = cut(RECORD_HEADER_LEN);
        let number = |at| self.order.u32(rest, at).ok_or(no_header);
        let (seconds, ticks, len, original_len) = (number(0)?, number(4)?, number(8)?, number(12)?);
        if FRAME_MAX < len {
            return Err(BadCapture::FrameTooLong { offset, len });
        }
        let whole = RECORD_HEADER_LEN + len as usize;
        let bytes = rest.get(RECORD_HEADER_LEN..whole).ok_or(cut(whole))?;
        // At most 2^32 * 1e9 + 2^32 * 1e3, which a u64 holds.
        let time_ns = u64::from(seconds) * NS_PER_S + u64::from(ticks) * self.ns_per_tick;
        Ok((Frame { time_ns, link: self.link, bytes, original_len, offset }, whole))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Frame<'a>, BadCapture>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.file.get(self.at..).filter(|rest| !rest.is_empty())?;
        match self.record(rest) {
            Ok((frame, len)) => {
                self.at += len;
                Some(Ok(frame))
            }
            Err(fault) => {
                self.at = self.file.len();
                Some(Err(fault))
            }
        }
    }
}

/// What a file of Ethernet frames with times in nanoseconds starts with.
pub const FILE_HEADER: [u8; FILE_HEADER_LEN] = {
    let magic = NANOSECONDS.to_le_bytes();
    let snap = FRAME_MAX.to_le_bytes();
    let [m0, m1, m2, m3] = magic;
    let [s0, s1, s2, s3] = snap;
    [
        m0,
        m1,
        m2,
        m3, // magic
        MAJOR as u8,
        0,
        4,
        0, // version 2.4
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0, // reserved
        s0,
        s1,
        s2,
        s3, // longest frame
        ETHERNET,
        0,
        0,
        0, // link type
    ]
};

/// What stands before a whole frame of `len` bytes in such a file.
///
/// `None`: longer than [`FRAME_MAX`], or a time past the year 2106 that the format cannot hold.
pub fn record_header(time_ns: u64, len: usize) -> Option<[u8; RECORD_HEADER_LEN]> {
    let len = u32::try_from(len).ok().filter(|len| *len <= FRAME_MAX)?;
    let seconds = u32::try_from(time_ns / NS_PER_S).ok()?;
    let nanos = u32::try_from(time_ns % NS_PER_S).ok()?;
    let fields = [seconds, nanos, len, len].map(u32::to_le_bytes);
    Some(zerocopy::transmute!(fields))
}

/// Writes a record to the start of `out`; answers how many bytes that took.
///
/// Errors: [`Full`], also where [`record_header`] gives `None`.
pub fn encode(time_ns: u64, frame: &[u8], out: &mut [u8]) -> Result<usize, Full> {
    let header = record_header(time_ns, frame.len()).ok_or(Full)?;
    write_parts(&[&header, frame], out)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::capture::Capture;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// A file by hand: magic, then the rest of the header and records of (seconds, ticks, frame).
    fn file(big: bool, magic: u32, link: u32, records: &[(u32, u32, &[u8])]) -> Vec<u8> {
        let number = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let version = if big { [0, 2, 0, 4] } else { [2, 0, 4, 0] };
        let mut bytes =
            [number(magic), version, [0; 4], [0; 4], number(65_535), number(link)].concat();
        for (seconds, ticks, frame) in records {
            let len = number(frame.len() as u32);
            bytes.extend([number(*seconds), number(*ticks), len, number(1_514)].concat());
            bytes.extend(*frame);
        }
        bytes
    }

    #[test]
    fn both_orders_and_both_units_read_the_same() {
        let cases = [
            // big-endian, magic, ticks
            (false, MICROSECONDS, 7),
            (true, MICROSECONDS, 7),
            (false, NANOSECONDS, 7_000),
            (true, NANOSECONDS, 7_000),
        ];
        for (big, magic, ticks) in cases {
            let bytes = file(big, magic, 1, &[(1_700_000_000, ticks, &[1, 2, 3]), (5, 0, &[])]);
            let frames: Vec<_> = Capture::open(&bytes).unwrap().collect::<Result<_, _>>().unwrap();
            let first = Frame {
                time_ns: 1_700_000_000_000_007_000,
                link: 1,
                bytes: &[1, 2, 3],
                original_len: 1_514,
                offset: 24,
            };
            let second = Frame { time_ns: 5_000_000_000, bytes: &[], offset: 43, ..first };
            assert_eq!(frames, [first, second], "big={big} magic={magic:#x}");
        }
    }

    #[test]
    fn a_link_type_is_given_as_it_is() {
        let bytes = file(false, MICROSECONDS, 0x5000_0071, &[(0, 0, &[])]);
        assert_eq!(Capture::open(&bytes).unwrap().next().unwrap().unwrap().link, 113);
    }

    #[test]
    fn cut_anywhere_it_says_where() {
        let whole = file(false, MICROSECONDS, 1, &[(0, 0, &[1, 2, 3]), (0, 0, &[4])]);
        for len in 0..whole.len() {
            let cut = &whole[..len];
            let truncated =
                |offset, want| BadCapture::Truncated { offset, want, left: len as u64 - offset };
            let want = match len {
                0..4 => Err(truncated(0, 4)),
                4..24 => Err(truncated(0, 24)),
                24 => Ok(0),
                25..40 => Err(truncated(24, 16)),
                40..43 => Err(truncated(24, 19)),
                43 => Ok(1),
                44..59 => Err(truncated(43, 16)),
                _ => Err(truncated(43, 17)),
            };
            let got = Capture::open(cut).and_then(|mut frames| {
                let read = frames.by_ref().try_fold(0, |count, frame| frame.map(|_| count + 1));
                assert_eq!(frames.next(), None, "ended for good");
                read
            });
            assert_eq!(got, want, "len={len}");
        }
    }

    #[test]
    fn absurd_headers_are_refused() {
        let mut bytes = file(false, MICROSECONDS, 1, &[(0, 0, &[])]);
        bytes[24 + 8..24 + 12].copy_from_slice(&0xFFFF_FFFF_u32.to_le_bytes());
        let got: Vec<_> = Capture::open(&bytes).unwrap().collect();
        assert_eq!(got, [Err(BadCapture::FrameTooLong { offset: 24, len: 0xFFFF_FFFF })]);

        bytes[4] = 3;
        let want = BadCapture::UnknownVersion { offset: 0, major: 3 };
        assert_eq!(Capture::open(&bytes).err(), Some(want));
        bytes[0] = 0;
        let want = BadCapture::UnknownMagic { magic: 0x00C3_B2A1 };
        assert_eq!(Capture::open(&bytes).err(), Some(want));
    }

    #[test]
    fn what_the_format_cannot_hold_is_not_written() {
        let mut out = [0; 20];
        assert_eq!(encode(u64::MAX, &[], &mut out), Err(Full), "after 2106");
        assert_eq!(encode(0, &[0; 5], &mut out), Err(Full));
        assert_eq!(encode(0, &[0; 4], &mut out), Ok(20));
        assert_eq!(record_header(0, FRAME_MAX as usize + 1), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            frames in prop::collection::vec((0..4_294_967_296_000_000_000_u64, prop::collection::vec(any::<u8>(), 0..80)), 0..9),
        ) {
            let mut bytes = FILE_HEADER.to_vec();
            for (time_ns, frame) in &frames {
                let mut out = [0; 96];
                let len = encode(*time_ns, frame, &mut out).unwrap();
                bytes.extend_from_slice(&out[..len]);
            }
            let read: Vec<_> = Capture::open(&bytes).unwrap()
                .map(|frame| frame.map(|f| (f.time_ns, f.bytes.to_vec())))
                .collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(read, frames);
        }

        #[test]
        fn arbitrary_records_end(rest in prop::collection::vec(any::<u8>(), 0..200)) {
            let bytes = [&FILE_HEADER[..], &rest].concat();
            prop_assert!(Capture::open(&bytes).unwrap().count() <= rest.len());
        }
    }
}
