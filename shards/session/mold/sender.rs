//! The publisher: numbers messages and packs them into datagrams.
//!
//! Knows no socket and no line: the owner sends each datagram on every line it has.

use alloc::boxed::Box;
use alloc::vec;

use types::{Nanos, SeqNo};
use wire::moldudp64::{COUNT_MAX, Header, end_of_session, heartbeat};

use crate::SessionId;

/// Bytes of a block's length prefix.
const PREFIX: usize = 2;

/// Sizes and times of a publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderConfig {
    /// The session's name: a new one for every run.
    pub session: SessionId,
    /// The number of the first message, from 1.
    pub first: SeqNo,
    /// Bytes of the longest datagram, header included: 1,472 fits an Ethernet frame over IPv4.
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
    /// The session was ended.
    Ended = 3,
}

/// The publisher's side of a feed. Allocates at construction only.
#[derive(Debug)]
pub struct Sender {
    session: [u8; 10],
    /// The number of the next message.
    next: u64,
    /// Messages in hand.
    count: u16,
    /// Bytes in hand, header included.
    len: usize,
    datagram: Box<[u8]>,
    heartbeat: Nanos,
    sent_at: Nanos,
    ended: bool,
}

impl Sender {
    /// A publisher that sent last at `now`.
    ///
    /// A datagram is held at least as long as its header and at most as UDP can carry.
    pub fn new(config: SenderConfig, now: Nanos) -> Self {
        let bytes = config.datagram_bytes_max.clamp(Header::LEN, 65_507);
        Self {
            session: config.session.bytes(),
            next: config.first.get().max(1),
            count: 0,
            len: Header::LEN,
            datagram: vec![0; bytes].into_boxed_slice(),
            heartbeat: config.heartbeat,
            sent_at: now,
            ended: false,
        }
    }

    /// Adds a message to the datagram in hand and gives its number.
    pub fn push(&mut self, message: &[u8]) -> Result<SeqNo, NotSent> {
        let Ok(size) = u16::try_from(message.len()) else {
            return Err(NotSent::TooLong);
        };
        if self.datagram.len() < Header::LEN + PREFIX + message.len() {
            return Err(NotSent::TooLong);
        }
        if self.ended {
            return Err(NotSent::Ended);
        }
        if self.count == COUNT_MAX {
            return Err(NotSent::Full);
        }
        let end = self.len + PREFIX + message.len();
        let Some(block) = self.datagram.get_mut(self.len..end) else {
            return Err(NotSent::Full);
        };
        let (prefix, body) = block.split_at_mut(PREFIX);
        prefix.copy_from_slice(&size.to_be_bytes());
        body.copy_from_slice(message);
        let sequence = SeqNo::new(self.next);
        self.next += 1;
        self.count += 1;
        self.len = end;
        Ok(sequence)
    }

    /// The datagram in hand, to send on every line; `None` where it is empty.
    pub fn take(&mut self, now: Nanos) -> Option<&[u8]> {
        if self.count == 0 {
            return None;
        }
        let header = heartbeat(self.session, self.next - u64::from(self.count));
        self.datagram[..Header::LEN].copy_from_slice(&header);
        self.datagram[Header::LEN - 2..Header::LEN].copy_from_slice(&self.count.to_be_bytes());
        let len = core::mem::replace(&mut self.len, Header::LEN);
        self.count = 0;
        self.sent_at = now;
        Some(&self.datagram[..len])
    }

    /// Ends the session: what is in hand can still be taken, and the heartbeats from then on say
    /// that it is over.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// A heartbeat, or the end of session, where it is due and nothing is in hand.
    pub fn on_deadline(&mut self, now: Nanos) -> Option<&[u8]> {
        if self.count != 0 || now < self.next_deadline() {
            return None;
        }
        self.sent_at = now;
        let header = if self.ended { end_of_session } else { heartbeat };
        self.datagram[..Header::LEN].copy_from_slice(&header(self.session, self.next));
        Some(&self.datagram[..Header::LEN])
    }

    /// When `on_deadline` is wanted.
    pub fn next_deadline(&self) -> Nanos {
        self.sent_at.saturating_add(self.heartbeat)
    }

    /// The number of the next message.
    pub fn next(&self) -> SeqNo {
        SeqNo::new(self.next)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{NotSent, Sender, SenderConfig};
    use crate::SessionId;
    use crate::mold::{messages, packet};
    use std::vec;
    use std::vec::Vec;
    use types::{Nanos, SeqNo};

    fn sender(bytes: usize) -> Sender {
        let config = SenderConfig {
            session: SessionId::new(*b"SESSION001"),
            first: SeqNo::new(1),
            datagram_bytes_max: bytes,
            heartbeat: Nanos::from_secs(1),
        };
        Sender::new(config, Nanos::ZERO)
    }

    #[test]
    fn packs_up_to_the_limit_and_numbers_on() {
        let mut sender = sender(20 + 2 * (2 + 3));
        let now = Nanos::new(5);
        assert_eq!(sender.take(now), None);
        assert_eq!(sender.push(b"one"), Ok(SeqNo::new(1)));
        assert_eq!(sender.push(b"two"), Ok(SeqNo::new(2)));
        assert_eq!(sender.push(b""), Err(NotSent::Full));
        assert_eq!(sender.push(&[0; 9]), Err(NotSent::TooLong));
        assert_eq!(sender.push(&vec![0; 70_000]), Err(NotSent::TooLong));
        let taken = packet(sender.take(now).expect("in hand")).expect("well formed");
        assert_eq!((taken.sequence, taken.count), (SeqNo::new(1), 2));
        assert_eq!(messages(taken.body).collect::<Vec<_>>(), [b"one", b"two"]);
        assert_eq!(sender.push(b"!"), Ok(SeqNo::new(3)));
        let taken = packet(sender.take(now).expect("in hand")).expect("well formed");
        assert_eq!((taken.sequence, taken.count), (SeqNo::new(3), 1));
    }

    #[test]
    fn is_heard_every_second_until_it_says_that_it_is_over() {
        let mut sender = sender(100);
        let second = |seconds| Nanos::from_secs(seconds);
        sender.push(b"one").expect("room");
        assert_eq!(sender.on_deadline(second(9)), None, "take first");
        sender.take(second(9));
        assert_eq!(sender.on_deadline(Nanos::from_millis(9_999)), None);
        assert_eq!(sender.next_deadline(), second(10));
        let beat = packet(sender.on_deadline(second(10)).expect("due")).expect("well formed");
        assert_eq!((beat.sequence, beat.count, beat.end), (SeqNo::new(2), 0, false));
        assert_eq!(sender.on_deadline(second(10)), None);
        sender.push(b"two").expect("room");
        sender.end();
        assert_eq!(sender.push(b"three"), Err(NotSent::Ended));
        assert!(sender.take(second(10)).is_some());
        let end = packet(sender.on_deadline(second(11)).expect("due")).expect("well formed");
        assert_eq!((end.sequence, end.count, end.end), (SeqNo::new(3), 0, true));
    }
}
