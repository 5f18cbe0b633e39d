//! A capture file of either kind, by its first bytes: frames with their times, in file order.
//!
//! Knows no protocol inside the frames ([`frame`](crate::frame) does) and reads no file: it walks
//! bytes that are in memory. Every length in the file is distrusted; the walk ends at the first one
//! that cannot be.
//!
//! Source: `draft-ietf-opsawg-pcap`, `draft-ietf-opsawg-pcapng`.

use crate::{pcap, pcapng};
use core::fmt;

/// The most bytes a frame may hold: libpcap's own limit for what it reads and writes.
pub const FRAME_MAX: u32 = 262_144;

/// A captured frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When it was captured, in nanoseconds since the epoch; 0 where the file does not say.
    pub time_ns: u64,
    /// The link type of its interface; 1 is Ethernet.
    pub link: u16,
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// Its length on the wire; more than `bytes` where the capture cut it.
    pub original_len: u32,
    /// Where its record starts, in bytes from the start of the file.
    pub offset: u64,
}

/// Why a capture cannot be read, or not further. The number is fixed: append, never renumber.
///
/// Offsets are in bytes from the start of the file, at the record or block concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BadCapture {
    /// The first four bytes are no capture format's.
    UnknownMagic {
        /// Them, as a big-endian number.
        magic: u32,
    } = 1,
    /// The file ends inside a header, record or block.
    Truncated {
        /// Where it starts.
        offset: u64,
        /// Bytes it takes.
        want: u64,
        /// Bytes left.
        left: u64,
    } = 2,
    /// A frame longer than [`FRAME_MAX`].
    FrameTooLong {
        /// Where its record starts.
        offset: u64,
        /// The length it states.
        len: u32,
    } = 3,
    /// A pcapng block whose length is no multiple of four, too small for its type, or not repeated at its end.
    WrongBlockLength {
        /// Where the block starts.
        offset: u64,
        /// The length it states.
        len: u32,
    } = 4,
    /// A pcapng packet of an interface that was not described before it.
    UnknownInterface {
        /// Where the packet's block starts.
        offset: u64,
        /// The interface's number.
        interface: u32,
    } = 5,
    /// A version of the format that we do not read.
    UnknownVersion {
        /// Where the header that states it starts.
        offset: u64,
        /// Major version.
        major: u16,
    } = 6,
    /// A pcapng section whose byte-order mark is neither order's.
    UnknownByteOrder {
        /// Where the section starts.
        offset: u64,
        /// The mark.
        mark: u32,
    } = 7,
    /// A pcapng interface whose times come in a unit that does not fit a number.
    WrongTimeUnit {
        /// Where the interface's block starts.
        offset: u64,
        /// The unit's code.
        code: u8,
    } = 8,
}

impl BadCapture {
    /// The fixed number of the kind of fault.
    pub const fn number(self) -> u8 {
        match self {
            Self::UnknownMagic { .. } => 1,
            Self::Truncated { .. } => 2,
            Self::FrameTooLong { .. } => 3,
            Self::WrongBlockLength { .. } => 4,
            Self::UnknownInterface { .. } => 5,
            Self::UnknownVersion { .. } => 6,
            Self::UnknownByteOrder { .. } => 7,
            Self::WrongTimeUnit { .. } => 8,
        }
    }
}

impl fmt::Display for BadCapture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UnknownMagic { magic } => {
                write!(f, "first bytes {magic:#010x} are neither pcap's nor pcapng's")
            }
            Self::Truncated { offset, want, left } => write!(
                f,
                "capture ends inside the record at offset {offset}: {want} bytes are due and {left} are left"
            ),
            Self::FrameTooLong { offset, len } => write!(
                f,
                "record at offset {offset} states a frame of {len} bytes, more than the {FRAME_MAX} that any may have"
            ),
            Self::WrongBlockLength { offset, len } => {
                write!(
                    f,
                    "block at offset {offset} states a length of {len} bytes that it cannot have"
                )
            }
            Self::UnknownInterface { offset, interface } => {
                write!(
                    f,
                    "packet at offset {offset} is of interface {interface}, which was not described"
                )
            }
            Self::UnknownVersion { offset, major } => {
                write!(f, "header at offset {offset} states version {major}, which we do not read")
            }
            Self::UnknownByteOrder { offset, mark } => {
                write!(
                    f,
                    "section at offset {offset} has byte-order mark {mark:#010x}, which is neither order's"
                )
            }
            Self::WrongTimeUnit { offset, code } => {
                write!(
                    f,
                    "interface at offset {offset} counts time in unit {code:#04x}, which we cannot hold"
                )
            }
        }
    }
}

impl core::error::Error for BadCapture {}

/// A capture, and how far it has been walked. After an error it gives `None` for good.
#[derive(Clone, Debug)]
pub struct Capture<'a>(Format<'a>);

#[derive(Clone, Debug)]
enum Format<'a> {
    Pcap(pcap::Records<'a>),
    Pcapng(pcapng::Packets<'a>),
}

impl<'a> Capture<'a> {
    /// Picks the format by the first bytes and checks the file's own header.
    ///
    /// Errors: [`BadCapture::UnknownMagic`], [`BadCapture::Truncated`], [`BadCapture::UnknownVersion`].
    pub fn open(file: &'a [u8]) -> Result<Self, BadCapture> {
        let Some(magic) = file.first_chunk().map(|magic| u32::from_be_bytes(*magic)) else {
            return Err(BadCapture::Truncated { offset: 0, want: 4, left: file.len() as u64 });
        };
        if magic == pcapng::SECTION {
            return Ok(Self(Format::Pcapng(pcapng::Packets::new(file))));
        }
        pcap::Records::open(file, magic).map(|records| Self(Format::Pcap(records)))
    }

    /// Bytes of the file that are done with.
    pub const fn offset(&self) -> u64 {
        match &self.0 {
            Format::Pcap(records) => records.offset(),
            Format::Pcapng(packets) => packets.offset(),
        }
    }
}

impl<'a> Iterator for Capture<'a> {
    type Item = Result<Frame<'a>, BadCapture>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Format::Pcap(records) => records.next(),
            Format::Pcapng(packets) => packets.next(),
        }
    }
}

impl core::iter::FusedIterator for Capture<'_> {}

/// Reads the numbers of a file whose byte order its header gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Big,
    Little,
}

impl ByteOrder {
    /// The number at `at`; `None` past the end.
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Big => u16::from_be_bytes(raw),
            Self::Little => u16::from_le_bytes(raw),
        })
    }

    /// The number at `at`; `None` past the end.
    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Big => u32::from_be_bytes(raw),
            Self::Little => u32::from_le_bytes(raw),
        })
    }

    /// The number at `at`; `None` past the end.
    pub(crate) fn i64(self, bytes: &[u8], at: usize) -> Option<i64> {
        let raw = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Big => i64::from_be_bytes(raw),
            Self::Little => i64::from_le_bytes(raw),
        })
    }
}
