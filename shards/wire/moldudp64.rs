//! MoldUDP64 1.00: sequenced messages in UDP datagrams, and the request for those that were lost.
//!
//! Holds no state: which sequence is next, and what to do about a gap, is `session`'s.
//! A packet is checked whole before any block of it is used, so a damaged one changes nothing.
//!
//! Source: Nasdaq MoldUDP64 Protocol Specification 1.00, "Downstream Packet" and "Request Packet".

use crate::malformed::held;
use crate::{Full, Malformed};
use zerocopy::big_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The count that means end of session.
const END_OF_SESSION: u16 = 0xFFFF;

/// The most messages a packet can count: one more would read as end of session.
pub const COUNT_MAX: u16 = END_OF_SESSION - 1;

/// Bytes of a block's length prefix.
const PREFIX: usize = 2;

/// What every packet starts with, and all that a request is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Header {
    /// The session's name.
    pub session: [u8; 10],
    /// The number of the first message, from 1; where there is none, the number of the next to come.
    pub sequence: U64,
    /// Messages that follow; 0 is a heartbeat, 0xFFFF the end of the session.
    pub count: U16,
}

const _: () = assert!(size_of::<Header>() == Header::LEN);

impl Header {
    /// The length in bytes.
    pub const LEN: usize = 20;
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing new; the sequence is the next to come.
    Heartbeat,
    /// The session is over; the sequence is the one after the last. What is missing may still be requested.
    EndOfSession,
    /// Carries messages.
    Messages {
        /// How many, 1 to [`COUNT_MAX`].
        count: u16,
    },
}

/// A downstream packet whose blocks were counted and measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    header: &'a Header,
    body: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Checks that the datagram is the header and exactly the blocks it counts.
    ///
    /// Errors: [`Malformed::ShortHeader`], [`Malformed::CutBlock`], [`Malformed::TrailingBytes`],
    /// [`Malformed::SequenceOverflow`].
    pub fn parse(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let Ok((header, body)) = Header::ref_from_prefix(datagram) else {
            return Err(Malformed::ShortHeader {
                want: Header::LEN as u16,
                len: held(datagram.len()),
            });
        };
        let packet = Self { header, body };
        if header.sequence.get().checked_add(u64::from(packet.count())).is_none() {
            return Err(Malformed::SequenceOverflow { offset: 10 });
        }
        let mut at = 0;
        for _ in 0..packet.count() {
            at = block_end(body, at)
                .ok_or(Malformed::CutBlock { offset: held(Header::LEN + at) })?;
        }
        if at < body.len() {
            return Err(Malformed::TrailingBytes { offset: held(Header::LEN + at) });
        }
        Ok(packet)
    }

    /// The session's name.
    #[inline]
    pub const fn session(&self) -> &'a [u8; 10] {
        &self.header.session
    }

    /// The number of the first message; where there is none, the number of the next to come.
    #[inline]
    pub const fn sequence(&self) -> u64 {
        self.header.sequence.get()
    }

    /// Messages in it: 0 for a heartbeat and for the end of the session.
    #[inline]
    pub const fn count(&self) -> u16 {
        match self.header.count.get() {
            END_OF_SESSION => 0,
            count => count,
        }
    }

    /// What it is.
    #[inline]
    pub const fn kind(&self) -> Kind {
        match self.header.count.get() {
            0 => Kind::Heartbeat,
            END_OF_SESSION => Kind::EndOfSession,
            count => Kind::Messages { count },
        }
    }

    /// Its messages in order. `.skip(n)` walks past the first `n` without giving them out.
    #[inline]
    pub const fn blocks(&self) -> Blocks<'a> {
        Blocks { rest: self.body, left: self.count() }
    }
}

/// Where the block that starts at `at` ends; `None` where it runs past the end.
#[inline]
fn block_end(body: &[u8], at: usize) -> Option<usize> {
    let prefix = body.get(at..)?.first_chunk::<PREFIX>()?;
    let end = at + PREFIX + usize::from(u16::from_be_bytes(*prefix));
    (end <= body.len()).then_some(end)
}

/// The messages of a [`Packet`].
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
        let (block, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*prefix)))?;
        self.rest = rest;
        self.left = self.left.saturating_sub(1);
        Some(block)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

impl ExactSizeIterator for Blocks<'_> {}

/// Asks for messages again: the same twenty bytes as a header, the other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The session's name.
    pub session: [u8; 10],
    /// The first message wanted.
    pub sequence: u64,
    /// How many are wanted.
    pub count: u16,
}

impl Request {
    /// The length in bytes.
    pub const LEN: usize = Header::LEN;

    /// Errors: [`Malformed::ShortHeader`], [`Malformed::TrailingBytes`], [`Malformed::SequenceOverflow`].
    pub fn parse(datagram: &[u8]) -> Result<Self, Malformed> {
        let Ok((header, rest)) = Header::read_from_prefix(datagram) else {
            return Err(Malformed::ShortHeader {
                want: Header::LEN as u16,
                len: held(datagram.len()),
            });
        };
        if !rest.is_empty() {
            return Err(Malformed::TrailingBytes { offset: Header::LEN as u16 });
        }
        let (sequence, count) = (header.sequence.get(), header.count.get());
        if sequence.checked_add(u64::from(count)).is_none() {
            return Err(Malformed::SequenceOverflow { offset: 10 });
        }
        Ok(Self { session: header.session, sequence, count })
    }

    /// As it goes on the wire.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        zerocopy::transmute!(Header {
            session: self.session,
            sequence: self.sequence.into(),
            count: self.count.into()
        })
    }
}

/// Writes one packet into a buffer of the caller's.
#[derive(Debug)]
pub struct PacketBuilder<'b> {
    out: &'b mut [u8],
    len: usize,
    count: u16,
}

impl<'b> PacketBuilder<'b> {
    /// Starts a packet whose first message has that number. It never grows past `limit` bytes or the buffer.
    ///
    /// Errors: [`Full`] where not even the header fits.
    pub fn new(
        out: &'b mut [u8],
        limit: usize,
        session: [u8; 10],
        sequence: u64,
    ) -> Result<Self, Full> {
        let limit = limit.min(out.len());
        let out = out.get_mut(..limit).ok_or(Full)?;
        let header = Header { session, sequence: sequence.into(), count: U16::ZERO };
        header.write_to_prefix(out).map_err(|_| Full)?;
        Ok(Self { out, len: Header::LEN, count: 0 })
    }

    /// Appends a message. On [`Full`] the packet is as it was: finish it and start another.
    ///
    /// A message over 65,535 bytes fits no packet and is always `Full`.
    pub fn push(&mut self, message: &[u8]) -> Result<(), Full> {
        let size = u16::try_from(message.len()).map_err(|_| Full)?;
        if self.count == COUNT_MAX {
            return Err(Full);
        }
        let room = self.out.get_mut(self.len..).ok_or(Full)?;
        if room.len() < PREFIX + message.len() {
            return Err(Full);
        }
        self.len += crate::layout::write_parts(&[&size.to_be_bytes(), message], room)?;
        self.count += 1;
        Ok(())
    }

    /// Messages so far.
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// Closes the packet and gives its bytes; without a message it is a heartbeat.
    pub fn finish(self) -> &'b [u8] {
        let count = self.count;
        let (packet, _) = self.out.split_at_mut(self.len);
        if let Ok((header, _)) = Header::mut_from_prefix(packet) {
            header.count = count.into();
        }
        packet
    }
}

/// A heartbeat: `next` is the number of the next message to come.
pub fn heartbeat(session: [u8; 10], next: u64) -> [u8; Header::LEN] {
    bare(session, next, 0)
}

/// The end of the session: `next` is one after the number of the last message.
pub fn end_of_session(session: [u8; 10], next: u64) -> [u8; Header::LEN] {
    bare(session, next, END_OF_SESSION)
}

fn bare(session: [u8; 10], sequence: u64, count: u16) -> [u8; Header::LEN] {
    zerocopy::transmute!(Header { session, sequence: sequence.into(), count: count.into() })
}
