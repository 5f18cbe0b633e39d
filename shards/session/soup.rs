//! SoupBinTCP 3.00, 4.00 and 4.10: both roles.

use types::{Nanos, SeqNo};

use crate::SessionId;

/// Which edition of the protocol is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 3.00.
    V300,
    /// 4.00: the server may send unsequenced messages.
    V400,
    /// 4.10: the login names the heartbeat timeout.
    V410,
}

/// Sizes and times of either role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoupConfig {
    /// Which edition.
    pub version: Version,
    /// Silence of ours before a heartbeat.
    pub heartbeat: Nanos,
    /// Silence of theirs before the connection is dead. A 4.10 login carries it to the server.
    pub dead: Nanos,
    /// How long a login may take.
    pub login: Nanos,
    /// Bytes of the longest packet taken, length field left out.
    pub packet_bytes_max: usize,
    /// Bytes that may wait to be sent.
    pub transmit_bytes_max: usize,
}

impl Default for SoupConfig {
    fn default() -> Self {
        Self {
            version: Version::V400,
            heartbeat: Nanos::from_secs(1),
            dead: Nanos::from_secs(15),
            login: Nanos::from_secs(30),
            packet_bytes_max: 4_096,
            transmit_bytes_max: 65_536,
        }
    }
}

/// Who logs in, and to what.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Left-justified, space-padded.
    pub user: [u8; 6],
    /// Left-justified, space-padded.
    pub password: [u8; 10],
    /// Which session; blank is the current one.
    pub session: SessionId,
}

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reject {
    /// `A`: wrong user or password.
    NotAuthorised = b'A',
    /// `S`: no such session.
    NoSession = b'S',
    /// Any other letter.
    Other = 0,
}

/// Why a connection is over. The number goes to counters: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Closed {
    /// They closed it.
    Remote = 1,
    /// We logged out.
    LoggedOut = 2,
    /// The session ended.
    SessionEnded = 3,
    /// The login was rejected.
    Rejected = 4,
    /// No login, or no answer to it, in time.
    LoginTimeout = 5,
    /// Silent for too long.
    Dead = 6,
    /// A packet of length zero, or of a wrong length for its type.
    BadLength = 7,
    /// Longer than we take.
    Oversized = 8,
    /// A type that does not exist, or not in this state or edition.
    Unexpected = 9,
    /// A number that is none, or out of range.
    BadNumber = 10,
}

/// Why something was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum NotSent {
    /// The bytes that wait fill the buffer: transmit, then try again.
    Full = 1,
    /// Not logged in.
    NotLoggedIn = 2,
    /// Longer than a packet may be.
    TooLong = 3,
    /// This edition cannot carry it.
    Version = 4,
}

/// What the client hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Logged in.
    Accepted {
        /// To which session.
        session: SessionId,
        /// The next sequenced message to come.
        next: SeqNo,
    },
    /// Refused; the connection is over.
    Rejected(Reject),
    /// A sequenced message.
    Sequenced {
        /// Its number.
        sequence: SeqNo,
        /// Its bytes.
        message: &'a [u8],
    },
    /// An unsequenced message.
    Unsequenced(&'a [u8]),
    /// Free text.
    Debug(&'a [u8]),
    /// The session ended; the connection is over.
    EndOfSession,
    /// The connection is over: close the socket. The last event.
    Closed(Closed),
}

/// The client's side of a connection.
#[derive(Debug)]
pub struct Client {}

impl Client {
    /// Not connected.
    pub fn new(_config: SoupConfig, _credentials: Credentials) -> Self {
        unimplemented!()
    }
    /// The connection is up: logs in and asks for messages from `next` on (0: only new ones).
    pub fn on_opened(&mut self, _now: Nanos, _next: SeqNo) {
        unimplemented!()
    }
    /// Takes bytes, split anywhere, and says how many: drain `poll` and offer the rest again.
    pub fn on_bytes(&mut self, _now: Nanos, _bytes: &[u8]) -> usize {
        unimplemented!()
    }
    /// The connection went down.
    pub fn on_closed(&mut self) {
        unimplemented!()
    }
    /// The time given by `next_deadline` has come.
    pub fn on_deadline(&mut self, _now: Nanos) {
        unimplemented!()
    }
    /// When `on_deadline` is wanted.
    pub fn next_deadline(&self) -> Option<Nanos> {
        unimplemented!()
    }
    /// The next event. Call until `None` after every input.
    pub fn poll(&mut self) -> Option<Event<'_>> {
        unimplemented!()
    }
    /// Bytes to send; tell `sent` how many were.
    pub fn poll_transmit(&self) -> Option<&[u8]> {
        unimplemented!()
    }
    /// That many of the bytes were sent.
    pub fn sent(&mut self, _bytes: usize) {
        unimplemented!()
    }
    /// Sends an unsequenced message.
    pub fn send(&mut self, _now: Nanos, _message: &[u8]) -> Result<(), NotSent> {
        unimplemented!()
    }
    /// Logs out: the connection is over once the bytes are sent.
    pub fn logout(&mut self, _now: Nanos) {
        unimplemented!()
    }
    /// The next sequenced message to come: what to resume from.
    pub fn sequence(&self) -> SeqNo {
        unimplemented!()
    }
}

/// What the server hears.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Answer with `accept` or `reject`.
    Login {
        /// Who, and to which session.
        credentials: Credentials,
        /// From which message on; 0: only new ones.
        sequence: SeqNo,
    },
    /// An unsequenced message.
    Unsequenced(&'a [u8]),
    /// Free text.
    Debug(&'a [u8]),
    /// The connection is over: close the socket once `poll_transmit` is empty. The last.
    Closed(Closed),
}

/// The server's side of one connection.
#[derive(Debug)]
pub struct Server {}

impl Server {
    /// A connection that came up at `now`.
    pub fn new(_config: SoupConfig, _now: Nanos) -> Self {
        unimplemented!()
    }
    /// For the next connection, without allocating.
    pub fn reset(&mut self, _now: Nanos) {
        unimplemented!()
    }
    /// Takes bytes, split anywhere, and says how many: drain `poll` and offer the rest again.
    pub fn on_bytes(&mut self, _now: Nanos, _bytes: &[u8]) -> usize {
        unimplemented!()
    }
    /// The connection went down.
    pub fn on_closed(&mut self) {
        unimplemented!()
    }
    /// The time given by `next_deadline` has come.
    pub fn on_deadline(&mut self, _now: Nanos) {
        unimplemented!()
    }
    /// When `on_deadline` is wanted.
    pub fn next_deadline(&self) -> Option<Nanos> {
        unimplemented!()
    }
    /// The next thing heard. Call until `None` after every input.
    pub fn poll(&mut self) -> Option<Request<'_>> {
        unimplemented!()
    }
    /// Lets the client in. `end` is one past the newest sequenced message of `session`.
    pub fn accept(&mut self, _now: Nanos, _session: SessionId, _end: SeqNo) {
        unimplemented!()
    }
    /// Refuses the client: the connection is over once the bytes are sent.
    pub fn reject(&mut self, _now: Nanos, _reason: Reject) {
        unimplemented!()
    }
    /// The sequenced message this client gets next; `None` while it is not logged in.
    pub fn wanted(&self) -> Option<SeqNo> {
        unimplemented!()
    }
    /// Sends the message that is `wanted`.
    pub fn send_sequenced(&mut self, _now: Nanos, _message: &[u8]) -> Result<SeqNo, NotSent> {
        unimplemented!()
    }
    /// Sends an unsequenced message.
    pub fn send_unsequenced(&mut self, _now: Nanos, _message: &[u8]) -> Result<(), NotSent> {
        unimplemented!()
    }
    /// Ends the session: the connection is over once the bytes are sent.
    pub fn end_session(&mut self, _now: Nanos) -> Result<(), NotSent> {
        unimplemented!()
    }
    /// Bytes to send; tell `sent` how many were.
    pub fn poll_transmit(&self) -> Option<&[u8]> {
        unimplemented!()
    }
    /// That many of the bytes were sent.
    pub fn sent(&mut self, _bytes: usize) {
        unimplemented!()
    }
}
