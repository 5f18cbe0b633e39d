//! A message with its number in one cache line, to cross a ring to those who keep it.

use types::SeqNo;
use wire::itch50::MESSAGE_LENGTHS;

/// Bytes of the longest message.
pub const MESSAGE_MAX: usize = longest();

const WORDS: usize = 8;
/// Behind the number: the length, then the message.
const ROOM: usize = (WORDS - 1) * 8;

const _: () = assert!(MESSAGE_MAX < ROOM && ROOM <= 1 << 8);

const fn longest() -> usize {
    let (mut longest, mut at) = (0, 0);
    while at < MESSAGE_LENGTHS.len() {
        let len = MESSAGE_LENGTHS[at].1 as usize;
        longest = if longest < len { len } else { longest };
        at += 1;
    }
    longest
}

/// A message and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    sequence: SeqNo,
    /// The length, then the message, then zeros.
    bytes: [u8; ROOM],
}

impl Numbered {
    /// `None` where it is longer than any of ITCH 5.0.
    #[inline]
    pub fn new(sequence: SeqNo, message: &[u8]) -> Option<Self> {
        if MESSAGE_MAX < message.len() {
            return None;
        }
        let mut bytes = [0; ROOM];
        bytes[0] = message.len() as u8;
        bytes[1..=message.len()].copy_from_slice(message);
        Some(Self { sequence, bytes })
    }

    /// Its number.
    pub const fn sequence(&self) -> SeqNo {
        self.sequence
    }

    /// The message.
    pub fn message(&self) -> &[u8] {
        &self.bytes[1..=usize::from(self.bytes[0])]
    }

    /// As it crosses a ring.
    #[inline]
    pub fn to_words(&self) -> [u64; WORDS] {
        let mut words = [self.sequence.get(); WORDS];
        let (chunks, _) = self.bytes.as_chunks();
        for (word, chunk) in words[1..].iter_mut().zip(chunks) {
            *word = u64::from_le_bytes(*chunk);
        }
        words
    }

    /// Back from the ring; `None` where it is no message's.
    #[inline]
    pub fn from_words(words: &[u64; WORDS]) -> Option<Self> {
        let mut bytes = [0; ROOM];
        let (chunks, _) = bytes.as_chunks_mut();
        for (chunk, word) in chunks.iter_mut().zip(&words[1..]) {
            *chunk = word.to_le_bytes();
        }
        let sequence = SeqNo::new(words[0]);
        (usize::from(bytes[0]) <= MESSAGE_MAX).then_some(Self { sequence, bytes })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{MESSAGE_MAX, Numbered};
    use proptest::prelude::*;
    use types::SeqNo;

    #[test]
    fn what_is_no_message_is_refused() {
        assert_eq!(MESSAGE_MAX, 50, "the imbalance message");
        assert_eq!(Numbered::new(SeqNo::new(1), &[0; 51]), None);
        assert_eq!(Numbered::from_words(&[1, 51, 0, 0, 0, 0, 0, 0]), None);
        assert!(Numbered::from_words(&[1, 50, 0, 0, 0, 0, 0, 0]).is_some());
    }

    proptest! {
        #[test]
        fn a_message_survives_the_ring(
            sequence: u64,
            message in prop::collection::vec(any::<u8>(), 0..=MESSAGE_MAX),
        ) {
            let numbered = Numbered::new(SeqNo::new(sequence), &message).unwrap();
            let back = Numbered::from_words(&numbered.to_words()).unwrap();
            prop_assert_eq!(back, numbered);
            prop_assert_eq!((back.sequence().get(), back.message()), (sequence, &message[..]));
        }
    }
}
