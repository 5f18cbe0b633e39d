//! MoldUDP64: the subscriber's adapter and request, the publisher's sender and memory.

use types::{Nanos, SeqNo};

use crate::{Packet, SessionId};

/// Bytes of a header, and of a whole request.
pub const REQUEST_BYTES: usize = 20;

/// A datagram as the receiver takes it; `None` where the header is cut short.
pub fn packet(_datagram: &[u8]) -> Option<Packet<'_>> {
    unimplemented!()
}

/// A re-request, ready to send.
pub fn request(_session: SessionId, _from: SeqNo, _count: u16) -> [u8; REQUEST_BYTES] {
    unimplemented!()
}

/// Sizes and times of a publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderConfig {
    /// The session's name.
    pub session: SessionId,
    /// The number of the first message, from 1.
    pub first: SeqNo,
    /// Bytes of the longest datagram, header included.
    pub datagram_bytes_max: usize,
    /// Silence before a heartbeat: a second by the specification.
    pub heartbeat: Nanos,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum NotSent {
    /// The datagram has no room for it: `take` it, then push again.
    Full = 1,
    /// Longer than any datagram may be.
    TooLong = 2,
    /// The session was ended, or its numbers ran out.
    Ended = 3,
}

/// The publisher: numbers messages and packs them into datagrams.
#[derive(Debug)]
pub struct Sender {}

impl Sender {
    /// A publisher that was heard last at `now`.
    pub fn new(_config: SenderConfig, _now: Nanos) -> Self {
        unimplemented!()
    }
    /// Adds a message to the datagram in hand and gives its number.
    pub fn push(&mut self, _message: &[u8]) -> Result<SeqNo, NotSent> {
        unimplemented!()
    }
    /// The datagram in hand, to send on every line; `None` where it is empty.
    pub fn take(&mut self, _now: Nanos) -> Option<&[u8]> {
        unimplemented!()
    }
    /// Ends the session: the heartbeats from now on say so.
    pub fn end(&mut self) {
        unimplemented!()
    }
    /// A heartbeat or the end of session, where it is due. `take` first.
    pub fn on_deadline(&mut self, _now: Nanos) -> Option<&[u8]> {
        unimplemented!()
    }
    /// When `on_deadline` is wanted.
    pub fn next_deadline(&self) -> Nanos {
        unimplemented!()
    }
    /// The number of the next message.
    pub fn next(&self) -> SeqNo {
        unimplemented!()
    }
}

/// A bounded memory of what was sent, to answer re-requests from.
#[derive(Debug)]
pub struct History {}

impl History {
    /// Room for `messages_max` messages of `bytes_max` bytes together; the oldest make room.
    pub fn new(_session: SessionId, _messages_max: usize, _bytes_max: usize) -> Self {
        unimplemented!()
    }
    /// Remembers a message. A number that does not follow the last one empties the memory first.
    pub fn record(&mut self, _sequence: SeqNo, _message: &[u8]) {
        unimplemented!()
    }
    /// Answers a request datagram with one packet in `out`: as many messages as were asked for and fit.
    /// Gives its bytes; `None` where the request is malformed, of another session, too old or for the future.
    pub fn answer<'a>(&self, _request: &[u8], _out: &'a mut [u8]) -> Option<&'a [u8]> {
        unimplemented!()
    }
    /// The oldest message remembered and one past the newest.
    pub fn range(&self) -> (SeqNo, SeqNo) {
        unimplemented!()
    }
    /// A remembered message, by its number.
    pub fn get(&self, _sequence: SeqNo) -> Option<&[u8]> {
        unimplemented!()
    }
}
