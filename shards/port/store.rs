//! The newest messages of a stream, so that they can be told again: a ring of bytes, sized once.

use alloc::boxed::Box;
use alloc::vec;

use crate::StoreSize;

/// The room that a message is written to; none is longer.
pub(crate) const ROOM: usize = 256;

// The longest answer, with a user name before it on a drop copy.
const _: () = assert!(6 + wire::ouch50::outbound::LEN_MAX < ROOM);

/// Messages by number, from 1.
pub(crate) struct Store {
    bytes: Box<[u8]>,
    /// By number: where the message began, counted over all bytes ever written, and its length below.
    marks: Box<[u64]>,
    /// Where the next message begins, counted over all bytes ever written.
    tail: u64,
    first: u64,
    next: u64,
}

impl Store {
    pub(crate) fn new(size: StoreSize) -> Self {
        let bytes = (size.bytes_max as usize).max(4 * ROOM);
        let marks = size.messages_max.max(1) as usize;
        // Not zeros: those would be mapped lazily and fault on the path.
        Self {
            bytes: vec![b' '; bytes].into_boxed_slice(),
            marks: vec![u64::MAX; marks].into_boxed_slice(),
            tail: 0,
            first: 1,
            next: 1,
        }
    }

    /// The oldest message that is kept; [`Self::next`] where none is.
    pub(crate) const fn first(&self) -> u64 {
        self.first
    }

    /// The number of the message that comes next.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    #[inline]
    fn mark(&self, number: u64) -> u64 {
        self.marks[(number % self.marks.len() as u64) as usize]
    }

    /// Where the next message goes: write it, then [`Self::push`] its length. What is in the way is
    /// forgotten.
    #[inline]
    pub(crate) fn room(&mut self) -> &mut [u8] {
        let capacity = self.bytes.len() as u64;
        let at = self.tail % capacity;
        if capacity - at < ROOM as u64 {
            self.tail += capacity - at;
        }
        let end = self.tail + ROOM as u64;
        let marks = self.marks.len() as u64;
        while self.first < self.next
            && ((self.mark(self.first) >> 8) + capacity < end || marks <= self.next - self.first)
        {
            self.first += 1;
        }
        let at = (self.tail % capacity) as usize;
        &mut self.bytes[at..at + ROOM]
    }

    /// The message in [`Self::room`] is this long: at most 255 bytes.
    #[inline]
    pub(crate) fn push(&mut self, len: usize) {
        let mark = (self.next % self.marks.len() as u64) as usize;
        self.marks[mark] = self.tail << 8 | len as u64 & 0xFF;
        self.tail += len as u64;
        self.next += 1;
    }

    /// A message; `None` where it is no longer kept, or has not come.
    #[inline]
    pub(crate) fn get(&self, number: u64) -> Option<&[u8]> {
        if number < self.first || self.next <= number {
            return None;
        }
        let mark = self.mark(number);
        let at = ((mark >> 8) % self.bytes.len() as u64) as usize;
        self.bytes.get(at..at + (mark & 0xFF) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::Store;
    use crate::StoreSize;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_kept_is_what_was_written_and_the_newest(
            messages in prop::collection::vec((1..=212usize, any::<u8>()), 0..200),
            messages_max in 1..64u32,
            bytes_max in 1_024..6_000u32,
        ) {
            let mut store = Store::new(StoreSize { messages_max, bytes_max });
            let mut said: Vec<Vec<u8>> = Vec::new();
            for (len, byte) in messages {
                let message = Vec::from_iter((0..len).map(|at| byte.wrapping_add(at as u8)));
                store.room()[..len].copy_from_slice(&message);
                store.push(len);
                said.push(message);
                prop_assert_eq!(store.next(), said.len() as u64 + 1);
                prop_assert!(store.next() - store.first() <= u64::from(messages_max));
                prop_assert!(store.first() < store.next(), "the newest is kept");
                // Whatever the lengths: three rooms' worth of them, or as many as may be.
                let sure = u64::from(messages_max).min(3).min(said.len() as u64);
                prop_assert!(sure <= store.next() - store.first());
                for number in 0..=store.next() {
                    let want = (store.first()..store.next()).contains(&number);
                    let want = want.then(|| said[number as usize - 1].as_slice());
                    prop_assert_eq!(store.get(number), want);
                }
            }
        }
    }
}
