//! SoupBinTCP 3.00, 4.00 and 4.10: a login, numbered messages and heartbeats on a stream, both roles.
//!
//! The layout is `wire::soupbintcp`'s; here is what follows what. Each side takes bytes split
//! anywhere into a bounded buffer, and keeps the bytes to send in another. Neither knows what a
//! message says. After any fault the connection is over, with a counted reason: a stream that lost
//! its framing cannot be trusted again.

mod buffers;
mod client;
mod server;
#[cfg(test)]
mod tests;

use core::fmt;

use types::Nanos;
use wire::Malformed;

pub(crate) use client::Heard;
pub use client::{Client, Event};
pub use server::{Request, Server};

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
    /// Silence of ours before a heartbeat: a second by the specification.
    pub heartbeat: Nanos,
    /// Silence of theirs before the connection is dead: 15 seconds by the specification. A 4.10
    /// client's login carries it, in whole seconds, to the server, which takes it in place of its own.
    pub dead: Nanos,
    /// How long a login may take.
    pub login: Nanos,
    /// Bytes of the longest packet taken, length field left out; held at 64 to 65,535.
    pub packet_bytes_max: usize,
    /// Bytes that may wait to be sent; held at 128 or more.
    pub transmit_bytes_max: usize,
}

impl Default for SoupConfig {
    /// 4.00, the specification's times, packets up to 4 KiB, 64 KiB to send.
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

/// Who logs in, and to what. Text is left-justified and padded with spaces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Case does not matter.
    pub user: [u8; 6],
    /// Case does not matter.
    pub password: [u8; 10],
    /// Which session; blank is the current one.
    pub session: SessionId,
}

impl Credentials {
    /// From text; `None` where one is too long or not printable ASCII.
    pub fn new(user: &str, password: &str, session: &str) -> Option<Self> {
        let session = SessionId::parse(session)?;
        let (user, password) = (wire::soupbintcp::text(user)?, wire::soupbintcp::text(password)?);
        Some(Self { user, password, session })
    }

    /// The same user with the same password, in any case. Takes the same time whatever differs.
    pub fn matches(&self, other: &Self) -> bool {
        let differs = |a: &[u8], b: &[u8]| {
            let pairs = a.iter().zip(b);
            pairs.fold(0, |sum, (a, b)| sum | (a.to_ascii_uppercase() ^ b.to_ascii_uppercase()))
        };
        differs(&self.user, &other.user) | differs(&self.password, &other.password) == 0
    }
}

/// Without the password: it goes to no log.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = core::str::from_utf8(self.user.trim_ascii_end()).unwrap_or("?");
        f.debug_struct("Credentials")
            .field("user", &user)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// `A`: wrong user or password.
    NotAuthorised,
    /// `S`: no such session.
    NoSession,
    /// A letter that the specification does not list.
    Other(u8),
}

impl Reject {
    pub(crate) const fn from_letter(letter: u8) -> Self {
        match letter {
            b'A' => Self::NotAuthorised,
            b'S' => Self::NoSession,
            other => Self::Other(other),
        }
    }

    pub(crate) const fn letter(self) -> u8 {
        match self {
            Self::NotAuthorised => b'A',
            Self::NoSession => b'S',
            Self::Other(letter) => letter,
        }
    }
}

/// Why a connection is over. The number goes to counters: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Closed {
    /// They closed it.
    Remote = 1,
    /// The client logged out.
    LoggedOut = 2,
    /// The session ended.
    SessionEnded = 3,
    /// The login was rejected.
    Rejected = 4,
    /// No login, or no answer to it, in time.
    LoginTimeout = 5,
    /// Silent for too long.
    Dead = 6,
    /// A packet of length zero, or of a wrong length for its type or edition.
    BadLength = 7,
    /// Longer than we take.
    Oversized = 8,
    /// A type that does not exist, or not here: of the other role, before the login, of a later edition.
    Unexpected = 9,
    /// A number that is none, or out of range.
    BadNumber = 10,
}

impl Closed {
    /// What a damaged packet is called here.
    fn from_malformed(fault: Malformed) -> Self {
        if matches!(fault, Malformed::UnknownType { .. }) {
            Self::Unexpected
        } else if matches!(fault, Malformed::NotANumber { .. }) {
            Self::BadNumber
        } else {
            Self::BadLength
        }
    }
}

/// Why something was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum NotSent {
    /// The bytes that wait fill the buffer: transmit, then try again.
    Full = 1,
    /// Not logged in, or over.
    NotLoggedIn = 2,
    /// Longer than a packet, or the whole buffer, may be.
    TooLong = 3,
    /// This edition cannot carry it.
    Version = 4,
}
