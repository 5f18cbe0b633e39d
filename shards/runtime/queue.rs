//! A bounded queue of bytes: what waits for a machine or for the kernel. Never grows.

use std::collections::VecDeque;

/// Oldest bytes first.
#[derive(Debug)]
pub(crate) struct ByteQueue {
    bytes: VecDeque<u8>,
    max: usize,
}

impl ByteQueue {
    /// Room for `max` bytes. The memory is asked for here, and touched where it is used.
    pub(crate) fn new(max: usize) -> Self {
        Self { bytes: VecDeque::with_capacity(max), max }
    }

    /// How many more bytes fit.
    pub(crate) fn room(&self) -> usize {
        self.max - self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All of them or none.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        let fits = bytes.len() <= self.room();
        if fits {
            self.bytes.extend(bytes);
        }
        fits
    }

    /// The oldest bytes that lie together. All of them, where it was empty before the last push.
    pub(crate) fn front(&self) -> &[u8] {
        self.bytes.as_slices().0
    }

    /// Drops so many of the oldest.
    pub(crate) fn consume(&mut self, count: usize) {
        self.bytes.drain(..count);
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_pushed_into_an_empty_queue_lies_together() {
        let mut queue = ByteQueue::new(8);
        for len in [3, 8, 5, 8] {
            assert!(queue.push(&[7; 8][..len]));
            assert_eq!(queue.front().len(), len);
            queue.consume(len);
        }
    }

    proptest! {
        #[test]
        fn the_queue_keeps_order_and_its_bound(steps in prop::collection::vec((any::<bool>(), 0_usize..40), 0..200)) {
            let mut queue = ByteQueue::new(64);
            let (mut pushed, mut taken, mut next) = (0_u64, 0_u64, 0_u8);
            for (push, count) in steps {
                if push {
                    let bytes: Vec<u8> = (0..count).map(|i| next.wrapping_add(i as u8)).collect();
                    let fits = pushed - taken + count as u64 <= 64;
                    prop_assert_eq!(queue.push(&bytes), fits);
                    if fits {
                        pushed += count as u64;
                        next = next.wrapping_add(count as u8);
                    }
                } else {
                    let front = queue.front();
                    prop_assert_eq!(front.is_empty(), pushed == taken);
                    let count = front.len().min(count);
                    for byte in &front[..count] {
                        prop_assert_eq!(*byte, taken as u8);
                        taken += 1;
                    }
                    queue.consume(count);
                }
            }
        }
    }
}
