//! Packets that wait behind a gap: fixed slots, in order of their first message.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

use types::Nanos;

use crate::Line;

/// A packet that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Of its first message.
    pub(crate) sequence: u64,
    /// One past its last.
    pub(crate) end: u64,
    pub(crate) line: Line,
    pub(crate) at: Nanos,
    place: u16,
    len: u16,
}

/// What became of a packet put here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It waits.
    Held,
    /// It waits, and another one lost its place to it.
    Evicted,
    /// One that waits has all of its messages.
    Known,
    /// No room, or longer than a slot.
    Refused,
}

/// The slots. Nothing here allocates after `new`.
#[derive(Debug)]
pub(crate) struct Window {
    /// Ascending by (sequence, end).
    waiting: VecDeque<Waiting>,
    free: Vec<u16>,
    bytes: Box<[u8]>,
    slot_bytes: usize,
}

impl Window {
    pub(crate) fn new(packets: u16, slot_bytes: usize) -> Self {
        Self {
            waiting: VecDeque::with_capacity(usize::from(packets)),
            free: (0..packets).collect(),
            bytes: vec![0; usize::from(packets) * slot_bytes].into_boxed_slice(),
            slot_bytes,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The lowest that waits.
    pub(crate) fn first(&self) -> Option<&Waiting> {
        self.waiting.front()
    }

    /// The highest that waits.
    pub(crate) fn last(&self) -> Option<&Waiting> {
        self.waiting.back()
    }

    /// One past the highest message that waits; zero where none does.
    pub(crate) fn end_max(&self) -> u64 {
        self.waiting.iter().map(|packet| packet.end).max().unwrap_or(0)
    }

    /// Copies a packet in. When full, what is needed last makes room: the lowest where it is below
    /// `spare_below` and the newcomer is not (a snapshot will stand for it), else the highest.
    pub(crate) fn put(
        &mut self,
        now: Nanos,
        line: Line,
        (sequence, end): (u64, u64),
        body: &[u8],
        spare_below: u64,
    ) -> Kept {
        let Ok(len) = u16::try_from(body.len()) else {
            return Kept::Refused;
        };
        if self.slot_bytes < body.len() {
            return Kept::Refused;
        }
        let before = |other: &Waiting| (other.sequence, other.end) < (sequence, u64::MAX);
        let at = self.waiting.partition_point(before);
        if at.checked_sub(1).is_some_and(|at| end <= self.waiting[at].end) {
            return Kept::Known;
        }
        let evicted = self.free.is_empty();
        if evicted && !self.make_room(sequence, spare_below) {
            return Kept::Refused;
        }
        let Some(place) = self.free.pop() else {
            return Kept::Refused;
        };
        let start = usize::from(place) * self.slot_bytes;
        self.bytes[start..start + body.len()].copy_from_slice(body);
        // The eviction may have moved it by one.
        let at = self.waiting.partition_point(before);
        self.waiting.insert(at, Waiting { sequence, end, line, at: now, place, len });
        if evicted { Kept::Evicted } else { Kept::Held }
    }

    fn make_room(&mut self, sequence: u64, spare_below: u64) -> bool {
        let spare = |first: &Waiting| first.sequence < spare_below && spare_below <= sequence;
        let gone = if self.first().is_some_and(spare) {
            self.waiting.pop_front()
        } else if self.last().is_some_and(|last| sequence < last.sequence) {
            self.waiting.pop_back()
        } else {
            None
        };
        self.free.extend(gone.map(|gone| gone.place));
        gone.is_some()
    }

    /// Takes the lowest out. Its body stays readable until the next `put`.
    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        let first = self.waiting.pop_front()?;
        self.free.push(first.place);
        Some(first)
    }

    /// The body of a packet just popped.
    pub(crate) fn body(&self, popped: &Waiting) -> &[u8] {
        let start = usize::from(popped.place) * self.slot_bytes;
        &self.bytes[start..start + usize::from(popped.len)]
    }

    /// Lets go of every packet whose messages are all below `next`.
    pub(crate) fn discard_below(&mut self, next: u64) {
        while self.first().is_some_and(|first| first.end <= next) {
            self.pop();
        }
    }

    /// Lets go of every packet that begins above `sequence`.
    pub(crate) fn discard_above(&mut self, sequence: u64) {
        while self.last().is_some_and(|last| sequence < last.sequence) {
            self.free.extend(self.waiting.pop_back().map(|last| last.place));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.discard_below(u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Kept, Window};
    use crate::Line;
    use std::vec::Vec;
    use types::Nanos;

    fn put(window: &mut Window, sequence: u64, end: u64, spare_below: u64) -> Kept {
        let body = [sequence as u8, end as u8];
        window.put(Nanos::ZERO, Line::A, (sequence, end), &body, spare_below)
    }

    fn drain(window: &mut Window) -> Vec<(u64, u64)> {
        let mut out = Vec::new();
        while let Some(packet) = window.pop() {
            assert_eq!(window.body(&packet), [packet.sequence as u8, packet.end as u8]);
            out.push((packet.sequence, packet.end));
        }
        out
    }

    #[test]
    fn keeps_packets_in_order_and_says_what_it_knows() {
        let mut window = Window::new(8, 2);
        let cases = [
            // sequence end  want
            (9, 12, Kept::Held),
            (5, 6, Kept::Held),
            (9, 12, Kept::Known),
            (10, 11, Kept::Known), // inside another
            (9, 13, Kept::Held),   // reaches further
            (7, 8, Kept::Held),
        ];
        for (sequence, end, want) in cases {
            assert_eq!(put(&mut window, sequence, end, 0), want, "{sequence}..{end}");
        }
        assert_eq!(drain(&mut window), [(5, 6), (7, 8), (9, 12), (9, 13)]);
    }

    #[test]
    fn when_full_what_is_needed_last_makes_room() {
        let mut window = Window::new(2, 2);
        put(&mut window, 5, 6, 0);
        put(&mut window, 7, 8, 0);
        assert_eq!(put(&mut window, 9, 10, 0), Kept::Refused);
        assert_eq!(put(&mut window, 6, 7, 0), Kept::Evicted);
        assert_eq!(put(&mut window, 9, 10, 8), Kept::Evicted); // a snapshot will stand for 5
        assert_eq!(put(&mut window, 10, 11, 8), Kept::Evicted);
        assert_eq!(put(&mut window, 11, 12, 8), Kept::Refused);
        assert_eq!(drain(&mut window), [(9, 10), (10, 11)]);
        put(&mut window, 1, 2, 0);
        put(&mut window, 3, 4, 0);
        window.discard_above(2);
        window.discard_below(1);
        assert_eq!(window.len(), 1);
        window.discard_below(2);
        assert!(window.is_empty());
        assert_eq!(put(&mut window, 1, 2, 0), Kept::Held);
    }

    #[test]
    fn refuses_what_no_slot_can_hold() {
        let mut window = Window::new(2, 2);
        let long = window.put(Nanos::ZERO, Line::A, (1, 2), &[0; 3], 0);
        assert_eq!(long, Kept::Refused);
    }
}
