//! pcapng: several sections and interfaces, both byte orders, any resolution of time.
//!
//! Reads the packet blocks (enhanced, simple, and the obsolete one); skips every block it does not
//! know, as the format demands. Knows no frame.
//!
//! Source: `draft-ietf-opsawg-pcapng`, section 3 (blocks) and 4 (block types).

use crate::capture::{BadCapture, ByteOrder, FRAME_MAX, Frame};
use alloc::vec::Vec;

/// Type of the block that opens a section: the same in both byte orders, so it serves as a file's magic.
pub(crate) const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// The byte-order mark, as the machine that wrote it meant it.
const BYTE_ORDER_MARK: u32 = 0x1A2B_3C4D;
const MAJOR: u16 = 1;

/// Type and length before a block's body, length again after it.
const BLOCK_MIN: usize = 12;
const BODY_AT: usize = 8;

const OPTION_END: u16 = 0;
const OPTION_TIME_UNIT: u16 = 9;
const OPTION_TIME_OFFSET: u16 = 14;

/// Six: microseconds, where an interface does not say.
const TIME_UNIT_DEFAULT: u8 = 6;

const NS_PER_S: u128 = 1_000_000_000;

/// What an interface's description says of its packets.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: u16,
    /// The most bytes captured of a packet; `u32::MAX` where there is no limit.
    snap: u32,
    /// Ticks of its clock in a second.
    ticks_per_s: u128,
    /// Added to its times.
    offset_s: i64,
}

impl Interface {
    /// Since the epoch, held inside the range of a `u64`.
    fn time_ns(self, high: u32, low: u32) -> u64 {
        let ticks = u128::from(high) << 32 | u128::from(low);
        // Less than 2^64 * 1e9, which a u128 holds; so does an i128 with the offset added.
        let ns = (ticks * NS_PER_S / self.ticks_per_s) as i128;
        let ns = ns + i128::from(self.offset_s) * NS_PER_S as i128;
        u64::try_from(ns.max(0)).unwrap_or(u64::MAX)
    }
}

/// The packets of a file.
#[derive(Clone, Debug)]
pub(crate) struct Packets<'a> {
    file: &'a [u8],
    at: usize,
    order: ByteOrder,
    /// Of the section the walk is in. Cold: a file has one or two.
    interfaces: Vec<Interface>,
}

/// A block, its length checked at both ends.
struct Block<'a> {
    kind: u32,
    /// Between the first length and the second.
    body: &'a [u8],
    offset: u64,
    /// With everything; a multiple of four.
    len: usize,
}

impl Block<'_> {
    /// The block is too short for its type.
    fn too_short(&self) -> BadCapture {
        BadCapture::WrongBlockLength { offset: self.offset, len: self.len as u32 }
    }
}

impl<'a> Packets<'a> {
    pub(crate) const fn new(file: &'a [u8]) -> Self {
        // The first block is a section's, which sets the byte order before any number is read.
        Self { file, at: 0, order: ByteOrder::Big, interfaces: Vec::new() }
    }

    pub(crate) const fn offset(&self) -> u64 {
        self.at as u64
    }

    /// The block at the walk's place, which must not be the end.
    fn block(&mut self) -> Result<Block<'a>, BadCapture> {
        let rest = self.file.get(self.at..).unwrap_or_default();
        let offset = self.offset();
        let cut = |want: usize| BadCapture::Truncated {
            offset,
            want: want as u64,
            left: rest.len() as u64,
        };
        let short = cut(BLOCK_MIN);
        let kind = self.order.u32(rest, 0).ok_or(short)?;
        if kind == SECTION {
            self.order = section_order(rest, offset).ok_or(short)??;
        }
        let stated = self.order.u32(rest, 4).ok_or(short)?;
        let wrong = BadCapture::WrongBlockLength { offset, len: stated };
        let len = stated as usize;
        if len < BLOCK_MIN || !len.is_multiple_of(4) {
            return Err(wrong);
        }
        let whole = rest.get(..len).ok_or(cut(len))?;
        if self.order.u32(whole, len - 4) != Some(stated) {
            return Err(wrong);
        }
        let body = whole.get(BODY_AT..len - 4).ok_or(wrong)?;
        Ok(Block { kind, body, offset, len })
    }

    /// Takes one block in; `None` where it holds no packet.
    fn on_block(&mut self, block: &Block<'a>) -> Result<Option<Frame<'a>>, BadCapture> {
        match block.kind {
            SECTION => self.on_section(block).map(|()| None),
            INTERFACE => self.on_interface(block).map(|()| None),
            ENHANCED_PACKET | OBSOLETE_PACKET => self.on_packet(block).map(Some),
            SIMPLE_PACKET => self.on_simple_packet(block).map(Some),
            _ => Ok(None),
        }
    }

    /// Interfaces are numbered anew in each section.
    fn on_section(&mut self, block: &Block<'a>) -> Result<(), BadCapture> {
        let major = self.order.u16(block.body, 4).ok_or(block.too_short())?;
        if major != MAJOR {
            return Err(BadCapture::UnknownVersion { offset: block.offset, major });
        }
        self.interfaces.clear();
        Ok(())
    }

    fn on_interface(&mut self, block: &Block<'a>) -> Result<(), BadCapture> {
        let link = self.order.u16(block.body, 0).ok_or(block.too_short())?;
        let snap = self.order.u32(block.body, 4).ok_or(block.too_short())?;
        let (mut unit, mut offset_s) = (TIME_UNIT_DEFAULT, 0);
        let mut options = block.body.get(8..).unwrap_or_default();
        while !options.is_empty() {
            let code = self.order.u16(options, 0).ok_or(block.too_short())?;
            let len = usize::from(self.order.u16(options, 2).ok_or(block.too_short())?);
            if code == OPTION_END {
                break;
            }
            let value = options.get(4..4 + len).ok_or(block.too_short())?;
            match code {
                OPTION_TIME_UNIT => unit = *value.first().ok_or(block.too_short())?,
                OPTION_TIME_OFFSET => {
                    offset_s = self.order.i64(value, 0).ok_or(block.too_short())?
                }
                _ => {}
            }
            options = options.get(4 + len.next_multiple_of(4)..).unwrap_or_default();
        }
        let wrong_unit = BadCapture::WrongTimeUnit { offset: block.offset, code: unit };
        let ticks_per_s = ticks_per_s(unit).ok_or(wrong_unit)?;
        let snap = if snap == 0 { u32::MAX } else { snap };
        self.interfaces.push(Interface { link, snap, ticks_per_s, offset_s });
        Ok(())
    }

    /// The enhanced packet and the obsolete one, which differ in the interface number's width alone.
    fn on_packet(&mut self, block: &Block<'a>) -> Result<Frame<'a>, BadCapture> {
        let number = |at| self.order.u32(block.body, at).ok_or(block.too_short());
        let interface = if block.kind == OBSOLETE_PACKET {
            u32::from(self.order.u16(block.body, 0).ok_or(block.too_short())?)
        } else {
            number(0)?
        };
        let (high, low, len, original_len) = (number(4)?, number(8)?, number(12)?, number(16)?);
        let described = self.interface(interface, block.offset)?;
        if FRAME_MAX < len {
            return Err(BadCapture::FrameTooLong { offset: block.offset, len });
        }
        let bytes = block.body.get(20..20 + len as usize).ok_or(block.too_short())?;
        let time_ns = described.time_ns(high, low);
        Ok(Frame { time_ns, link: described.link, bytes, original_len, offset: block.offset })
    }

    /// Of the first interface, without a time, as long as its limit and the block allow.
    fn on_simple_packet(&mut self, block: &Block<'a>) -> Result<Frame<'a>, BadCapture> {
        let original_len = self.order.u32(block.body, 0).ok_or(block.too_short())?;
        let described = self.interface(0, block.offset)?;
        let len = original_len.min(described.snap);
        if FRAME_MAX < len {
            return Err(BadCapture::FrameTooLong { offset: block.offset, len });
        }
        let bytes = block.body.get(4..4 + len as usize).ok_or(block.too_short())?;
        Ok(Frame { time_ns: 0, link: described.link, bytes, original_len, offset: block.offset })
    }

    fn interface(&self, number: u32, offset: u64) -> Result<Interface, BadCapture> {
        let unknown = BadCapture::UnknownInterface { offset, interface: number };
        self.interfaces.get(number as usize).copied().ok_or(unknown)
    }
}

/// The byte order that a section's mark gives; `None` where the file ends before it.
fn section_order(section: &[u8], offset: u64) -> Option<Result<ByteOrder, BadCapture>> {
    let mark = ByteOrder::Big.u32(section, 8)?;
    Some(match (mark, mark.swap_bytes()) {
        (BYTE_ORDER_MARK, _) => Ok(ByteOrder::Big),
        (_, BYTE_ORDER_MARK) => Ok(ByteOrder::Little),
        _ => Err(BadCapture::UnknownByteOrder { offset, mark }),
    })
}

/// Ticks in a second for a unit's code: a power of ten, or of two where the top bit is set.
fn ticks_per_s(code: u8) -> Option<u128> {
    let power = u32::from(code & 0x7F);
    if code & 0x80 == 0 { 10_u128.checked_pow(power) } else { 1_u128.checked_shl(power) }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Frame<'a>, BadCapture>;

    fn next(&mut self) -> Option<Self::Item> {
        // Ends: a block takes at least twelve bytes.
        while self.at < self.file.len() {
            let taken = self.block().and_then(|block| Ok((self.on_block(&block)?, block.len)));
            match taken {
                Ok((frame, len)) => {
                    self.at += len;
                    if let Some(frame) = frame {
                        return Some(Ok(frame));
                    }
                }
                Err(fault) => {
                    self.at = self.file.len();
                    return Some(Err(fault));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
