//! One datagram of a sequenced feed, as far as a session looks into it: never at a message.

use core::fmt;

use types::SeqNo;

/// The name of a publisher's run, as it stands on the wire: a new day or a restart has a new one.
///
/// Ten bytes carry every feed's: MoldUDP64's text as it is, IEX-TP's number in the first four.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct SessionId([u8; 10]);

impl SessionId {
    /// From the ten bytes of a MoldUDP64 or SoupBinTCP header.
    pub const fn new(bytes: [u8; 10]) -> Self {
        Self(bytes)
    }

    /// From text: at most ten characters, padded on the right with spaces; `None` where it is longer
    /// or not printable ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        let mut padded = [b' '; 10];
        if !text.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return None;
        }
        padded.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self(padded))
    }

    /// From IEX-TP's session number.
    pub const fn from_number(number: u32) -> Self {
        let [a, b, c, d] = number.to_be_bytes();
        Self([a, b, c, d, 0, 0, 0, 0, 0, 0])
    }

    /// The ten bytes.
    pub const fn bytes(self) -> [u8; 10] {
        self.0
    }
}

/// Text where it is text, else hexadecimal.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.trim_ascii_end();
        match core::str::from_utf8(text) {
            Ok(text) if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) => f.pad(text),
            Ok(_) | Err(_) => {
                let [a, b, c, d, ..] = self.0;
                write!(f, "{:08x}", u32::from_be_bytes([a, b, c, d]))
            }
        }
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// Which way a packet came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Line {
    /// The first of the redundant lines.
    A = 0,
    /// The second.
    B = 1,
    /// Unicast, from the re-request server.
    Reply = 2,
}

/// A datagram of a sequenced feed, header read, messages not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Whose stream.
    pub session: SessionId,
    /// Of its first message, from 1; of the next message to come in a heartbeat or at the end.
    pub sequence: SeqNo,
    /// Messages in it; zero in a heartbeat and at the end.
    pub count: u16,
    /// The publisher's end of session: no message follows `sequence`.
    pub end: bool,
    /// The messages, framed as the feed frames them.
    pub body: &'a [u8],
}
