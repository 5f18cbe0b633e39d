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
        let mut rest = body;
        // Where `rest` starts in the datagram.
        let offset = |rest: &[u8]| held(datagram.len().saturating_sub(rest.len()));
        for _ in 0..packet.count() {
            let (_, after) = split(rest).ok_or(Malformed::CutBlock { offset: offset(rest) })?;
            rest = after;
        }
        if !rest.is_empty() {
            return Err(Malformed::TrailingBytes { offset: offset(rest) });
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

/// The block at the start of `rest`, and what follows it; `None` where it runs past the end.
#[inline]
fn split(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (prefix, rest) = rest.split_first_chunk::<PREFIX>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*prefix)))
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

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const SESSION: [u8; 10] = *b"000000059B";

    /// Session, sequence and count, then the blocks as they are.
    fn datagram(sequence: u64, count: u16, body: &[u8]) -> Vec<u8> {
        [&SESSION[..], &sequence.to_be_bytes(), &count.to_be_bytes(), body].concat()
    }

    #[test]
    fn a_packet_is_its_header_and_exactly_its_blocks() {
        use Malformed as M;
        type Case = (u64, u16, &'static [u8], Result<Kind, M>);
        let cases: &[Case] = &[
            // sequence, count, body, want
            (5, 0, &[], Ok(Kind::Heartbeat)),
            (5, 0xFFFF, &[], Ok(Kind::EndOfSession)),
            (5, 1, &[0, 2, 7, 8], Ok(Kind::Messages { count: 1 })),
            (5, 2, &[0, 0, 0, 1, 9], Ok(Kind::Messages { count: 2 })),
            (u64::MAX - 1, 1, &[0, 0], Ok(Kind::Messages { count: 1 })),
            (5, 0, &[0], Err(M::TrailingBytes { offset: 20 })),
            (5, 0xFFFF, &[0, 0], Err(M::TrailingBytes { offset: 20 })),
            (5, 1, &[0, 2, 7, 8, 0], Err(M::TrailingBytes { offset: 24 })),
            (5, 1, &[], Err(M::CutBlock { offset: 20 })),
            (5, 1, &[0], Err(M::CutBlock { offset: 20 })),
            (5, 2, &[0, 1, 7, 0], Err(M::CutBlock { offset: 23 })),
            (5, 2, &[0, 1, 7, 0xFF, 0xFF, 1], Err(M::CutBlock { offset: 23 })),
            (u64::MAX, 1, &[0, 0], Err(M::SequenceOverflow { offset: 10 })),
        ];
        for (sequence, count, body, want) in cases {
            let bytes = datagram(*sequence, *count, body);
            let parsed = Packet::parse(&bytes);
            assert_eq!(parsed.map(|packet| packet.kind()), *want, "{count} {body:?}");
            if let Ok(packet) = parsed {
                assert_eq!((packet.session(), packet.sequence()), (&SESSION, *sequence));
            }
        }
    }

    #[test]
    fn cut_anywhere_it_is_refused() {
        let whole = datagram(5, 2, &[0, 2, 7, 8, 0, 1, 9]);
        for len in 0..Header::LEN {
            let want = Malformed::ShortHeader { want: 20, len: len as u16 };
            assert_eq!(Packet::parse(&whole[..len]), Err(want));
            assert_eq!(Request::parse(&whole[..len]), Err(want));
        }
        for len in Header::LEN..whole.len() {
            let offset = if len < 24 { 20 } else { 24 };
            assert_eq!(
                Packet::parse(&whole[..len]),
                Err(Malformed::CutBlock { offset }),
                "len={len}"
            );
        }
    }

    #[test]
    fn blocks_come_in_order_and_can_be_skipped() {
        let bytes = datagram(5, 3, &[0, 1, 7, 0, 0, 0, 2, 8, 9]);
        let packet = Packet::parse(&bytes).unwrap();
        let all: Vec<&[u8]> = packet.blocks().collect();
        assert_eq!(all, [&[7][..], &[], &[8, 9]]);
        assert_eq!(packet.blocks().len(), 3);
        assert_eq!(packet.blocks().skip(2).collect::<Vec<_>>(), [&[8, 9][..]]);
        assert_eq!(packet.blocks().skip(3).count(), 0);
    }

    #[test]
    fn a_builder_stops_at_its_limit_and_stays_whole() {
        let mut out = [0xAA; 64];
        let mut packet = PacketBuilder::new(&mut out, 29, SESSION, 7).unwrap();
        assert_eq!(packet.push(&[1, 2, 3]), Ok(()));
        assert_eq!(packet.push(&[1, 2, 3]), Err(Full), "one byte over the limit");
        assert_eq!(packet.push(&[4, 5]), Ok(()));
        assert_eq!(packet.push(&[]), Err(Full));
        assert_eq!(packet.count(), 2);
        assert_eq!(packet.finish(), datagram(7, 2, &[0, 3, 1, 2, 3, 0, 2, 4, 5]));

        let mut small = [0; 19];
        assert_eq!(PacketBuilder::new(&mut small, 1_500, SESSION, 7).err(), Some(Full));
        let mut out = [0; 20];
        assert_eq!(PacketBuilder::new(&mut out, 19, SESSION, 7).err(), Some(Full));
        let empty = PacketBuilder::new(&mut out, 1_500, SESSION, 7).unwrap().finish();
        assert_eq!(empty, heartbeat(SESSION, 7));
        assert_eq!(end_of_session(SESSION, 7), *datagram(7, 0xFFFF, &[]));
    }

    #[test]
    fn a_builder_never_counts_to_end_of_session() {
        let mut out = std::vec![0; 200_000];
        let mut packet = PacketBuilder::new(&mut out, 200_000, SESSION, 1).unwrap();
        for _ in 0..COUNT_MAX {
            assert_eq!(packet.push(&[]), Ok(()));
        }
        assert_eq!(packet.push(&[]), Err(Full));
        assert_eq!(Packet::parse(packet.finish()).unwrap().count(), COUNT_MAX);
    }

    proptest! {
        #[test]
        fn what_is_built_is_read(
            session: [u8; 10],
            sequence in 0..u64::MAX / 2,
            messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..20),
        ) {
            let mut out = [0; 2_048];
            let mut packet = PacketBuilder::new(&mut out, 2_048, session, sequence).unwrap();
            for message in &messages {
                packet.push(message).unwrap();
            }
            let packet = Packet::parse(packet.finish()).unwrap();
            prop_assert_eq!((*packet.session(), packet.sequence()), (session, sequence));
            prop_assert!(packet.blocks().eq(messages.iter().map(Vec::as_slice)));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert_eq!(packet.blocks().count(), usize::from(packet.count()));
            }
        }

        #[test]
        fn a_request_survives_the_round_trip(session: [u8; 10], sequence in 0..u64::MAX - 65_535, count: u16) {
            let request = Request { session, sequence, count };
            prop_assert_eq!(Request::parse(&request.to_bytes()), Ok(request));
            let long = [&request.to_bytes()[..], &[0]].concat();
            prop_assert_eq!(Request::parse(&long), Err(Malformed::TrailingBytes { offset: 20 }));
        }
    }
}
