//! MoldUDP64 1.00: the subscriber's adapter and request, the publisher's sender and memory.
//!
//! The layout is `wire::moldudp64`'s; here is only what it means to a [`Receiver`](crate::Receiver).

mod history;
mod sender;

use types::SeqNo;
use wire::Malformed;
use wire::moldudp64::{Header, Kind, Packet as Datagram, Request};

pub use history::History;
pub use sender::{NotSent, Sender, SenderConfig};

use crate::{Packet, SessionId};

/// Bytes of a header, and of a whole request.
pub const REQUEST_BYTES: usize = Request::LEN;

/// A datagram as the receiver takes it, its blocks counted and measured; the body is all of them.
///
/// Errors: as [`Datagram::parse`]; tell the receiver with `on_malformed`.
#[inline]
pub fn packet(datagram: &[u8]) -> Result<Packet<'_>, Malformed> {
    let parsed = Datagram::parse(datagram)?;
    let (count, end) = match parsed.kind() {
        Kind::Heartbeat => (0, false),
        Kind::EndOfSession => (0, true),
        Kind::Messages { count } => (count, false),
    };
    Ok(Packet {
        session: SessionId::new(*parsed.session()),
        sequence: SeqNo::new(parsed.sequence()),
        count,
        end,
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
        let (message, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        self.rest = rest;
        Some(message)
    }
}

/// A re-request, ready to send to the re-request server.
pub fn request(session: SessionId, from: SeqNo, count: u16) -> [u8; REQUEST_BYTES] {
    Request { session: session.bytes(), sequence: from.get(), count }.to_bytes()
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{messages, packet, request};
    use crate::SessionId;
    use std::vec::Vec;
    use types::SeqNo;
    use wire::moldudp64::{Request, end_of_session, heartbeat};

    #[test]
    fn a_datagram_is_a_packet_and_its_body_is_its_messages() {
        let datagram = *b"SESSION001\0\0\0\0\0\0\0\x07\0\x03\0\x02hi\0\0\0\x01!";
        let parsed = packet(&datagram).expect("well formed");
        assert_eq!(parsed.session, SessionId::new(*b"SESSION001"));
        assert_eq!((parsed.sequence, parsed.count, parsed.end), (SeqNo::new(7), 3, false));
        let want: [&[u8]; 3] = [b"hi", b"", b"!"];
        assert_eq!(messages(parsed.body).collect::<Vec<_>>(), want);
        assert_eq!(messages(parsed.body).skip(2).collect::<Vec<_>>(), want[2..]);
        assert_eq!(messages(&parsed.body[..3]).count(), 0, "cut");
        assert!(packet(&datagram[..25]).is_err());
        assert!(packet(&datagram[..19]).is_err());
    }

    #[test]
    fn heartbeat_and_end_carry_no_message() {
        for (datagram, end) in
            [(heartbeat(*b"S         ", 9), false), (end_of_session(*b"S         ", 9), true)]
        {
            let parsed = packet(&datagram).expect("well formed");
            assert_eq!((parsed.sequence, parsed.count, parsed.end), (SeqNo::new(9), 0, end));
            assert!(parsed.body.is_empty());
        }
    }

    #[test]
    fn a_request_is_twenty_bytes() {
        let bytes = request(SessionId::new(*b"SESSION001"), SeqNo::new(258), 3);
        assert_eq!(&bytes, b"SESSION001\0\0\0\0\0\0\x01\x02\0\x03");
        assert_eq!(Request::parse(&bytes).map(|request| request.count), Ok(3));
    }
}
