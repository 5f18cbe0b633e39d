//! The effects of one input, as data: what a machine wants done, in order.
//!
//! The loop carries them out in that order but for datagrams, which leave last: what many hear is not
//! on its way before the answer to the one who asked.
//!
//! Fixed capacity, no allocation after construction. The loop carries the effects out after each
//! input and empties the box, so the capacity bounds what one input may cause, not a day's work.
//! Knows no socket and no ring; it only remembers which was meant.
//!
//! Durability adds `after: Lsn` to [`Effect::Send`], [`Effect::Write`] and [`Effect::Ring`]: an
//! effect held until the journal has that record. There is no journal yet, so there is no field.

use core::fmt;

use crate::{LinkId, Message, SocketId, StreamId};

/// One thing a machine wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect<'a> {
    /// Send a datagram to the socket's one configured peer.
    Send {
        /// From which socket.
        socket: SocketId,
        /// The payload, whole.
        bytes: &'a [u8],
    },
    /// Connect; for a connection of the shard's own list. The answer is `Event::Opened` or
    /// `Event::Closed`.
    Open {
        /// Which connection.
        stream: StreamId,
    },
    /// Append to a connection.
    Write {
        /// Which connection.
        stream: StreamId,
        /// The next bytes of it.
        bytes: &'a [u8],
    },
    /// Disconnect. The answer is `Event::Closed`.
    Close {
        /// Which connection.
        stream: StreamId,
    },
    /// Put a message on a ring.
    Ring {
        /// On which.
        link: LinkId,
        /// The message.
        message: Message,
    },
}

/// The outbox had no room: the effect was refused whole, and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the outbox is full")
    }
}

impl core::error::Error for Full {}

/// An effect whose bytes lie in the box's own buffer.
#[derive(Clone, Copy, Debug)]
enum Record {
    Send { socket: SocketId, start: u32, len: u32 },
    Open(StreamId),
    Write { stream: StreamId, start: u32, len: u32 },
    Close(StreamId),
    Ring { link: LinkId, message: u32 },
}

/// The effects of one input, in the order they were asked for.
///
/// When full, an effect is refused whole with [`Full`] and counted in [`Outbox::refused`]; those
/// already inside stay. Nothing is cut in two and nothing grows.
#[derive(Debug)]
pub struct Outbox {
    records: Vec<Record>,
    messages: Vec<Message>,
    bytes: Vec<u8>,
    effects_max: usize,
    bytes_max: usize,
    refused: u64,
}

impl Outbox {
    /// Effects one input may cause, unless stated otherwise.
    pub const EFFECTS_MAX: usize = 1024;
    /// Bytes one input may send or write, unless stated otherwise.
    pub const BYTES_MAX: usize = 256 * 1024;

    /// Room for `effects_max` effects with `bytes_max` bytes of payload between them.
    ///
    /// # Panics
    /// Where a size is over `u32::MAX`.
    pub fn new(effects_max: usize, bytes_max: usize) -> Self {
        assert!(u32::try_from(effects_max).is_ok() && u32::try_from(bytes_max).is_ok());
        Self {
            records: Vec::with_capacity(effects_max),
            messages: Vec::with_capacity(effects_max),
            bytes: Vec::with_capacity(bytes_max),
            effects_max,
            bytes_max,
            refused: 0,
        }
    }

    /// Sends a datagram to the one peer configured for that socket. A socket without a peer, or a
    /// full kernel buffer, loses it as the network would; the shard's counters say so.
    pub fn send(&mut self, socket: SocketId, bytes: &[u8]) -> Result<(), Full> {
        let (start, len) = self.keep(bytes)?;
        self.records.push(Record::Send { socket, start, len });
        Ok(())
    }

    /// Asks for the connection; `Event::Opened` or `Event::Closed` answers.
    pub fn open(&mut self, stream: StreamId) -> Result<(), Full> {
        self.room()?;
        self.records.push(Record::Open(stream));
        Ok(())
    }

    /// Appends to a connection, made or accepted. Where its write buffer cannot take all of it the connection is
    /// closed (`Event::Closed`): a stream with a hole is worth less than a session that resumes.
    pub fn write(&mut self, stream: StreamId, bytes: &[u8]) -> Result<(), Full> {
        let (start, len) = self.keep(bytes)?;
        self.records.push(Record::Write { stream, start, len });
        Ok(())
    }

    /// Ends a connection after what was written before; `Event::Closed` answers. An accepted one
    /// whose peer does not take that within [`crate::Listener::linger`] is cut. What it still sends
    /// is not handed over.
    pub fn close(&mut self, stream: StreamId) -> Result<(), Full> {
        self.room()?;
        self.records.push(Record::Close(stream));
        Ok(())
    }

    /// Puts a message on a ring, under that ring's policy when it is full.
    pub fn ring(&mut self, link: LinkId, message: Message) -> Result<(), Full> {
        self.room()?;
        // At most one message a record, and records are below `effects_max`, which fits.
        #[expect(clippy::cast_possible_truncation)]
        let at = self.messages.len() as u32;
        self.messages.push(message);
        self.records.push(Record::Ring { link, message: at });
        Ok(())
    }

    /// How many effects wait.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many effects were refused for lack of room, ever.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// The most effects it can hold.
    pub fn effects_max(&self) -> usize {
        self.effects_max
    }

    /// The effects that wait, oldest first; they stay until [`Outbox::clear`].
    pub fn effects(&self) -> impl ExactSizeIterator<Item = Effect<'_>> {
        self.records.iter().map(|record| match *record {
            Record::Send { socket, start, len } => {
                Effect::Send { socket, bytes: self.slice(start, len) }
            }
            Record::Open(stream) => Effect::Open { stream },
            Record::Write { stream, start, len } => {
                Effect::Write { stream, bytes: self.slice(start, len) }
            }
            Record::Close(stream) => Effect::Close { stream },
            Record::Ring { link, message } => {
                Effect::Ring { link, message: self.messages[message as usize] }
            }
        })
    }

    /// Empties it; the count of the refused stays.
    pub fn clear(&mut self) {
        self.records.clear();
        self.messages.clear();
        self.bytes.clear();
    }

    /// Hands out every effect, oldest first, and empties the box: for replay, simulation and tests.
    pub fn drain(&mut self, mut each: impl FnMut(Effect<'_>)) {
        self.effects().for_each(&mut each);
        self.clear();
    }

    fn slice(&self, start: u32, len: u32) -> &[u8] {
        &self.bytes[start as usize..][..len as usize]
    }

    fn room(&mut self) -> Result<(), Full> {
        if self.records.len() < self.effects_max {
            return Ok(());
        }
        self.refused += 1;
        Err(Full)
    }

    /// Copies the payload in. Offsets fit in `u32` as `bytes_max` does.
    #[expect(clippy::cast_possible_truncation)]
    fn keep(&mut self, bytes: &[u8]) -> Result<(u32, u32), Full> {
        self.room()?;
        let start = self.bytes.len();
        if self.bytes_max - start < bytes.len() {
            self.refused += 1;
            return Err(Full);
        }
        self.bytes.extend_from_slice(bytes);
        Ok((start as u32, bytes.len() as u32))
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new(Self::EFFECTS_MAX, Self::BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_come_out_in_order_with_their_own_bytes() {
        let mut out = Outbox::new(8, 64);
        let message = Message([7; 8]);
        out.send(SocketId(1), b"first").unwrap();
        out.open(StreamId(2)).unwrap();
        out.write(StreamId(2), b"second").unwrap();
        out.ring(LinkId(3), message).unwrap();
        out.close(StreamId(2)).unwrap();
        out.send(SocketId(0), b"").unwrap();
        let want = [
            Effect::Send { socket: SocketId(1), bytes: b"first" },
            Effect::Open { stream: StreamId(2) },
            Effect::Write { stream: StreamId(2), bytes: b"second" },
            Effect::Ring { link: LinkId(3), message },
            Effect::Close { stream: StreamId(2) },
            Effect::Send { socket: SocketId(0), bytes: b"" },
        ];
        assert_eq!(out.effects().collect::<Vec<_>>(), want);
        let mut seen = 0;
        out.drain(|effect| {
            assert_eq!(effect, want[seen]);
            seen += 1;
        });
        assert_eq!((seen, out.len()), (want.len(), 0));
    }

    #[test]
    fn a_full_box_refuses_whole_and_keeps_what_it_had() {
        let mut out = Outbox::new(2, 8);
        assert_eq!(out.send(SocketId(0), b"12345"), Ok(()));
        assert_eq!(out.send(SocketId(0), b"6789"), Err(Full), "bytes run out");
        assert_eq!(out.send(SocketId(0), b"678"), Ok(()));
        assert_eq!(out.ring(LinkId(0), Message::default()), Err(Full), "effects run out");
        assert_eq!(out.refused(), 2);
        let sent: Vec<_> = out.effects().collect();
        assert_eq!(
            sent,
            [
                Effect::Send { socket: SocketId(0), bytes: b"12345" },
                Effect::Send { socket: SocketId(0), bytes: b"678" },
            ]
        );
        out.clear();
        assert_eq!(out.send(SocketId(0), b"12345678"), Ok(()), "clearing makes room");
    }

    #[test]
    fn it_never_grows() {
        let mut out = Outbox::new(4, 32);
        let before = (out.records.capacity(), out.messages.capacity(), out.bytes.capacity());
        for _ in 0..100 {
            let _ = out.send(SocketId(0), &[0; 9]);
            let _ = out.ring(LinkId(0), Message::default());
        }
        let after = (out.records.capacity(), out.messages.capacity(), out.bytes.capacity());
        assert_eq!(before, after);
    }
}
