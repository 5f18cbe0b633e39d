//! IEX-TP 1.25 over UDP, as the receiver takes it. There is no re-request here: that service is by
//! contract with the exchange.
//!
//! The layout is `wire::iextp`'s. A stream is a channel of a session: the receiver is given one.

use types::SeqNo;
use wire::Malformed;
use wire::iextp::{Header, Segment};

use crate::{Packet, SessionId};

/// A segment as the receiver takes it, its blocks counted and measured; the body is all of them.
/// IEX-TP has no end of session: the feed falls silent.
///
/// Errors: as [`Segment::parse`]; tell the receiver with `on_malformed`.
#[inline]
pub fn packet(datagram: &[u8]) -> Result<Packet<'_>, Malformed> {
    let segment = Segment::parse(datagram)?;
    Ok(Packet {
        session: SessionId::from_number(segment.session()),
        sequence: SeqNo::new(segment.sequence()),
        count: segment.count(),
        end: false,
        body: datagram.get(Header::LEN..).unwrap_or_default(),
    })
}

/// The messages of a body, in order: of a packet just received, or of one that waited.
/// `.skip(n)` walks past what was given out before.
#[inline]
pub fn messages(body: &[u8]) -> Messages<'_> {
    Messages { rest: body }
}

/// The messages of a body; ends early where the framing does.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Messages<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.rest.split_first_chunk()?;
        let (message, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
        self.rest = rest;
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{messages, packet};
    use crate::SessionId;
    use std::vec::Vec;
    use types::SeqNo;

    #[test]
    fn a_segment_is_a_packet_and_its_body_is_its_messages() {
        let mut datagram = Vec::new();
        datagram.extend([1, 0, 0x04, 0x80, 1, 0, 0, 0]); // version, protocol, channel
        datagram.extend(0x4A2Bu32.to_le_bytes());
        datagram.extend(6u16.to_le_bytes());
        datagram.extend(2u16.to_le_bytes());
        datagram.extend(0u64.to_le_bytes());
        datagram.extend(77u64.to_le_bytes());
        datagram.extend(0u64.to_le_bytes());
        datagram.extend(b"\x01\0T\x01\0H");
        let parsed = packet(&datagram).expect("well formed");
        assert_eq!(parsed.session, SessionId::from_number(0x4A2B));
        assert_eq!((parsed.sequence, parsed.count, parsed.end), (SeqNo::new(77), 2, false));
        assert_eq!(messages(parsed.body).collect::<Vec<_>>(), [b"T", b"H"]);
        assert!(packet(&datagram[..45]).is_err());
    }
}
