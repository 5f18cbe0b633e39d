//! A bounded memory of what was sent, to answer re-requests from.

use alloc::boxed::Box;
use alloc::vec;

use types::SeqNo;
use wire::moldudp64::{PacketBuilder, Request};

use crate::SessionId;

/// Where a message lies in the ring of bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    at: usize,
    len: usize,
}

/// The newest messages sent, as many as fit. Allocates at construction only.
#[derive(Debug)]
pub struct History {
    session: [u8; 10],
    /// The oldest message remembered; equal to `next` where none is.
    first: u64,
    /// One past the newest.
    next: u64,
    /// By number, modulo its length.
    places: Box<[Place]>,
    bytes: Box<[u8]>,
    /// Where the next message goes.
    head: usize,
}

impl History {
    /// Room for `messages_max` messages of `bytes_max` bytes together, each at least one; the oldest
    /// make room.
    pub fn new(session: SessionId, messages_max: usize, bytes_max: usize) -> Self {
        Self {
            session: session.bytes(),
            first: 1,
            next: 1,
            places: vec![Place::default(); messages_max.max(1)].into_boxed_slice(),
            bytes: vec![0; bytes_max.max(1)].into_boxed_slice(),
            head: 0,
        }
    }

    /// Remembers a message. A number that does not follow the last one empties the memory first; so
    /// does a message longer than all the room, which is not remembered either.
    pub fn record(&mut self, sequence: SeqNo, message: &[u8]) {
        let sequence = sequence.get();
        if sequence != self.next || self.first == self.next {
            (self.first, self.next, self.head) = (sequence, sequence, 0);
        }
        let Some(after) = sequence.checked_add(1) else {
            return;
        };
        if self.bytes.len() < message.len() {
            (self.first, self.next) = (after, after);
            return;
        }
        if self.bytes.len() - self.head < message.len() {
            // A message never wraps: what lies behind the head is the oldest and goes.
            self.forget_while(|place, head| head <= place.at);
            self.head = 0;
        }
        self.forget_while(|place, head| head <= place.at && place.at < head + message.len());
        if self.next - self.first == self.places.len() as u64 {
            self.first += 1;
        }
        self.bytes[self.head..self.head + message.len()].copy_from_slice(message);
        let slot = self.slot(sequence);
        self.places[slot] = Place { at: self.head, len: message.len() };
        self.head += message.len();
        self.next = after;
    }

    fn forget_while(&mut self, in_the_way: impl Fn(Place, usize) -> bool) {
        while self.first < self.next && in_the_way(self.places[self.slot(self.first)], self.head) {
            self.first += 1;
        }
    }

    fn slot(&self, sequence: u64) -> usize {
        (sequence % self.places.len() as u64) as usize
    }

    /// The oldest message remembered and one past the newest; equal where there is none.
    pub fn range(&self) -> (SeqNo, SeqNo) {
        (SeqNo::new(self.first), SeqNo::new(self.next))
    }

    /// A remembered message, by its number.
    pub fn get(&self, sequence: SeqNo) -> Option<&[u8]> {
        if sequence.get() < self.first || self.next <= sequence.get() {
            return None;
        }
        let place = self.places[self.slot(sequence.get())];
        self.bytes.get(place.at..place.at + place.len)
    }

    /// Answers a request datagram with one packet in `out`, at most its length: as many messages as
    /// were asked for, are remembered and fit. Fewer than asked is a full answer: the rest is asked
    /// for again (MoldUDP64 1.00, "Request Packet").
    ///
    /// `None`: the request is malformed, of another session, for nothing, too old or for the future.
    pub fn answer<'a>(&self, request: &[u8], out: &'a mut [u8]) -> Option<&'a [u8]> {
        let request = Request::parse(request).ok()?;
        if request.session != self.session {
            return None;
        }
        let limit = out.len();
        let mut packet = PacketBuilder::new(out, limit, self.session, request.sequence).ok()?;
        let end = request.sequence.checked_add(u64::from(request.count))?;
        for sequence in request.sequence..end {
            let Some(message) = self.get(SeqNo::new(sequence)) else {
                break;
            };
            if packet.push(message).is_err() {
                break;
            }
        }
        (0 < packet.count()).then(|| packet.finish())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::History;
    use crate::SessionId;
    use crate::mold::{messages, packet, request};
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;
    use types::SeqNo;

    const SESSION: SessionId = SessionId::new(*b"SESSION001");

    fn ask(history: &History, from: u64, count: u16, bytes: usize) -> Option<(u64, Vec<Vec<u8>>)> {
        let mut out = vec![0; bytes];
        let answer = history.answer(&request(SESSION, SeqNo::new(from), count), &mut out)?;
        let answer = packet(answer).expect("well formed");
        let texts: Vec<_> = messages(answer.body).map(Vec::from).collect();
        assert_eq!(texts.len(), usize::from(answer.count));
        Some((answer.sequence.get(), texts))
    }

    #[test]
    fn answers_what_it_has_up_to_what_fits() {
        let mut history = History::new(SESSION, 4, 100);
        for number in 1..=6u8 {
            history.record(SeqNo::new(number.into()), &[number]);
        }
        assert_eq!(history.range(), (SeqNo::new(3), SeqNo::new(7)));
        let cases = [
            // from count bytes  want
            (3, 2, 100, Some((3, vec![vec![3], vec![4]]))),
            (5, 9, 100, Some((5, vec![vec![5], vec![6]]))), // fewer than asked
            (3, 4, 20 + 2 * 3, Some((3, vec![vec![3], vec![4]]))), // no more fit
            (3, 4, 21, None),
            (2, 4, 100, None), // too old
            (7, 1, 100, None), // not yet sent
            (3, 0, 100, None),
            (u64::MAX, 2, 100, None),
            (3, 0xFFFF, 100, Some((3, vec![vec![3], vec![4], vec![5], vec![6]]))),
        ];
        for (from, count, bytes, want) in cases {
            assert_eq!(ask(&history, from, count, bytes), want, "{from} {count} {bytes}");
        }
        let other = request(SessionId::new(*b"SESSION002"), SeqNo::new(3), 1);
        assert_eq!(history.answer(&other, &mut [0; 100]), None);
        assert_eq!(history.answer(&other[..19], &mut [0; 100]), None);
    }

    #[test]
    fn a_break_in_the_numbers_and_a_giant_empty_it() {
        let mut history = History::new(SESSION, 4, 8);
        history.record(SeqNo::new(1), b"one");
        history.record(SeqNo::new(5), b"five");
        assert_eq!(history.range(), (SeqNo::new(5), SeqNo::new(6)));
        history.record(SeqNo::new(6), &[0; 9]);
        assert_eq!(history.range(), (SeqNo::new(7), SeqNo::new(7)));
        history.record(SeqNo::new(7), &[7; 8]);
        assert_eq!(history.get(SeqNo::new(7)), Some(&[7; 8][..]));
        history.record(SeqNo::new(u64::MAX), b"!");
        assert_eq!(history.get(SeqNo::new(u64::MAX)), None);
    }

    proptest! {
        /// Against a list of everything: what it has is right, and it keeps as much as it can.
        #[test]
        fn remembers_the_newest(
            lengths in prop::collection::vec(0usize..20, 1..200),
            messages_max in 1usize..12,
            bytes_max in 1usize..60,
        ) {
            let mut history = History::new(SESSION, messages_max, bytes_max);
            for (index, len) in lengths.iter().enumerate() {
                history.record(SeqNo::new(index as u64 + 1), &vec![index as u8; *len]);
                let (first, next) = history.range();
                prop_assert_eq!(next.get(), index as u64 + 2);
                prop_assert!(next.get() - first.get() <= messages_max as u64);
                for number in first.get()..next.get() {
                    let at = number as usize - 1;
                    let want = vec![at as u8; lengths[at]];
                    prop_assert_eq!(history.get(SeqNo::new(number)), Some(&want[..]));
                }
                // The newest stays wherever it fits at all.
                prop_assert_eq!(first < next, *len <= bytes_max);
            }
        }
    }
}
