//! Rings between cores, and between a shard and the cold side: one producer, one consumer each.
//!
//! 64-byte messages in a bounded rtrb ring; no waker, no channel, no lock. What happens when the
//! ring is full is part of the link: [`WhenFull`]. A parked consumer is woken by its core's
//! [`Bell`]; a cold consumer has none and polls. Knows no meaning of a message but its key.

use std::collections::VecDeque;

use crate::{Bell, Message};

/// What a producer does when the ring is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Waits: the message is held and the producing shard takes no more input until there is room.
    /// Nothing is lost. A circle of such links can stop for ever; the topology must have none.
    Stop,
    /// Drops the message and counts it; the consumer hears how many are missing, in their place.
    Gap,
    /// Keeps the latest message of each key until there is room.
    Conflate {
        /// Distinct keys it can hold, ever; a message of one more key is dropped and counted.
        keys_max: usize,
    },
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is on the ring.
    Sent,
    /// It waits at the producer for room, in its turn ([`WhenFull::Stop`], [`WhenFull::Conflate`]).
    Held,
    /// It took the place of an older one of its key that was waiting.
    Replaced,
    /// It is lost, and counted.
    Dropped,
}

/// What comes out of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Popped {
    /// The next message.
    Message(Message),
    /// So many messages were dropped here.
    Missed(u64),
}

/// What a link has carried and what it could not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Messages put on the ring.
    pub sent: u64,
    /// Messages that had to wait for room at the producer.
    pub held: u64,
    /// Waiting messages that a newer one of their key replaced.
    pub replaced: u64,
    /// Messages lost: ring full, keys exhausted, or the consumer gone.
    pub dropped: u64,
}

/// `count` messages are missing before the message numbered `at` (from 0, of those sent).
#[derive(Clone, Copy, Debug)]
struct Gap {
    at: u64,
    count: u64,
}

/// Messages kept at the producer.
#[derive(Debug)]
enum Backlog {
    Stop(VecDeque<Message>),
    Gap { marks: rtrb::Producer<Gap>, missed: u64 },
    Conflate(Conflated),
}

/// The producing end. Single owner; may move to another thread.
#[derive(Debug)]
pub struct Producer {
    ring: rtrb::Producer<Message>,
    backlog: Backlog,
    bell: Option<Bell>,
    /// Put on the ring since the bell was last asked for.
    unrung: bool,
    counters: LinkCounters,
}

/// The consuming end. Single owner; may move to another thread.
#[derive(Debug)]
pub struct Consumer {
    ring: rtrb::Consumer<Message>,
    marks: Option<rtrb::Consumer<Gap>>,
    popped: u64,
}

/// A ring of `depth` messages. `bell` is that of the core the consumer runs on; `None` for a
/// consumer that polls.
///
/// # Panics
/// Where `depth` is zero.
pub fn link(depth: usize, when_full: WhenFull, bell: Option<&Bell>) -> (Producer, Consumer) {
    assert!(0 < depth, "a ring holds at least one message");
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(depth);
    // Touch each page now, so that the first lap takes no page fault.
    while producer.push(Message::default()).is_ok() {}
    while consumer.pop().is_ok() {}
    let mut marks = None;
    let backlog = match when_full {
        WhenFull::Stop => Backlog::Stop(VecDeque::with_capacity(depth)),
        WhenFull::Gap => {
            // Each mark lies before a message of its own on the ring, but for the last one.
            let (producer, consumer) = rtrb::RingBuffer::new(depth + 1);
            marks = Some(consumer);
            Backlog::Gap { marks: producer, missed: 0 }
        }
        WhenFull::Conflate { keys_max } => Backlog::Conflate(Conflated::new(keys_max)),
    };
    let bell = bell.cloned();
    let counters = LinkCounters::default();
    (
        Producer { ring: producer, backlog, bell, unrung: false, counters },
        Consumer { ring: consumer, marks, popped: 0 },
    )
}

impl Producer {
    /// Puts a message on the ring or does what the link says when it is full. The consumer is woken
    /// by [`Producer::ring_bell`], once for many.
    pub fn push(&mut self, message: Message) -> Pushed {
        self.flush();
        if self.ring.is_abandoned() {
            self.counters.dropped += 1;
            return Pushed::Dropped;
        }
        if self.backlog_is_empty() && self.put(message) {
            return Pushed::Sent;
        }
        let pushed = match &mut self.backlog {
            Backlog::Stop(waiting) if waiting.len() < waiting.capacity() => {
                waiting.push_back(message);
                Pushed::Held
            }
            Backlog::Stop(_) => Pushed::Dropped,
            Backlog::Gap { missed, .. } => {
                *missed += 1;
                Pushed::Dropped
            }
            Backlog::Conflate(conflated) => conflated.keep(message),
        };
        match pushed {
            Pushed::Sent => {}
            Pushed::Held => self.counters.held += 1,
            Pushed::Replaced => self.counters.replaced += 1,
            Pushed::Dropped => self.counters.dropped += 1,
        }
        pushed
    }

    /// [`Producer::push`] and [`Producer::ring_bell`], for a thread that sends one now and then.
    pub fn send(&mut self, message: Message) -> Pushed {
        let pushed = self.push(message);
        self.ring_bell();
        pushed
    }

    /// Wakes the consumer if it is parked and something was put on the ring since the last call.
    #[inline]
    pub fn ring_bell(&mut self) {
        if core::mem::take(&mut self.unrung)
            && let Some(bell) = &self.bell
        {
            bell.ring();
        }
    }

    /// Moves what waits onto the ring as far as there is room. Returns whether it moved anything.
    pub fn flush(&mut self) -> bool {
        if self.backlog_is_empty() {
            return false;
        }
        let before = self.counters.sent;
        let abandoned = self.ring.is_abandoned();
        let room = self.ring.slots();
        match &mut self.backlog {
            Backlog::Stop(waiting) if abandoned => {
                self.counters.dropped += waiting.len() as u64;
                waiting.clear();
            }
            Backlog::Stop(waiting) => {
                for message in waiting.drain(..room.min(waiting.len())) {
                    let _ = self.ring.push(message); // there is room for it
                    self.counters.sent += 1;
                }
            }
            Backlog::Gap { marks, missed } => {
                if 0 < room {
                    let gap = Gap { at: self.counters.sent, count: *missed };
                    // Never full: see `link`. Were it so, the count would wait for the next turn.
                    if marks.push(gap).is_ok() {
                        *missed = 0;
                        self.unrung = true;
                    }
                }
            }
            Backlog::Conflate(conflated) => {
                for _ in 0..room {
                    let Some(message) = conflated.oldest() else { break };
                    let _ = self.ring.push(message); // there is room for it
                    self.counters.sent += 1;
                }
            }
        }
        self.unrung |= before != self.counters.sent;
        before != self.counters.sent
    }

    /// Whether the producing shard must take no more input: a message waits for room and may not be
    /// lost.
    #[inline]
    pub fn is_blocked(&self) -> bool {
        match &self.backlog {
            Backlog::Stop(waiting) => !waiting.is_empty(),
            Backlog::Gap { .. } | Backlog::Conflate(_) => false,
        }
    }

    /// Whether something waits at the producer for room: messages, or news of a gap.
    pub(crate) fn has_backlog(&self) -> bool {
        !self.backlog_is_empty()
    }

    /// Whether the consuming end is gone. What is pushed then is dropped, whatever the policy.
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }

    /// What the link has carried so far.
    pub fn counters(&self) -> LinkCounters {
        self.counters
    }

    /// Makes room to hold what one input can cause. Cold: may allocate.
    pub(crate) fn reserve(&mut self, effects_max: usize) {
        if let Backlog::Stop(waiting) = &mut self.backlog {
            waiting.reserve(effects_max);
        }
    }

    fn backlog_is_empty(&self) -> bool {
        match &self.backlog {
            Backlog::Stop(waiting) => waiting.is_empty(),
            Backlog::Gap { missed, .. } => *missed == 0,
            Backlog::Conflate(conflated) => conflated.waiting.is_empty(),
        }
    }

    fn put(&mut self, message: Message) -> bool {
        if self.ring.push(message).is_err() {
            return false;
        }
        self.counters.sent += 1;
        self.unrung = true;
        true
    }
}

impl Consumer {
    /// The next message, or how many are missing before it.
    #[inline]
    pub fn pop(&mut self) -> Option<Popped> {
        // The mark of a gap is published before the message after it, so look for that first.
        let empty = self.ring.is_empty();
        if let Some(marks) = &mut self.marks
            && marks.peek().is_ok_and(|gap| gap.at == self.popped)
            && let Ok(gap) = marks.pop()
        {
            return Some(Popped::Missed(gap.count));
        }
        if empty {
            return None;
        }
        let message = self.ring.pop().ok()?;
        self.popped += 1;
        Some(Popped::Message(message))
    }

    /// Whether nothing is there to pop.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
            && self
                .marks
                .as_ref()
                .is_none_or(|marks| !marks.peek().is_ok_and(|gap| gap.at == self.popped))
    }

    /// Whether the producing end is gone. What it sent before can still be popped.
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }
}

/// The latest message of each key, in the order in which the keys began to wait.
#[derive(Debug)]
struct Conflated {
    slots: Vec<Slot>,
    /// Open addressing by key: a slot's number plus one, zero where free. Never deleted from.
    index: Box<[u32]>,
    waiting: VecDeque<u32>,
    keys_max: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    message: Message,
    waits: bool,
}

impl Conflated {
    fn new(keys_max: usize) -> Self {
        // At most half full, so that a probe is short.
        let places = keys_max.saturating_mul(2).max(2).next_power_of_two();
        assert!(u32::try_from(places).is_ok(), "more keys than there are u32");
        Self {
            slots: Vec::with_capacity(keys_max),
            index: vec![0; places].into_boxed_slice(),
            waiting: VecDeque::with_capacity(keys_max),
            keys_max,
        }
    }

    #[expect(clippy::cast_possible_truncation)] // `new` asserts that places fit in u32
    fn keep(&mut self, message: Message) -> Pushed {
        let mask = self.index.len() - 1;
        let mut place = message.key().wrapping_mul(0x9E37_79B1).rotate_right(16) as usize & mask;
        loop {
            let number = match self.index[place] {
                0 if self.slots.len() == self.keys_max => return Pushed::Dropped,
                0 => {
                    self.slots.push(Slot { message, waits: false });
                    self.index[place] = self.slots.len() as u32;
                    self.slots.len() as u32 - 1
                }
                taken => taken - 1,
            };
            let slot = &mut self.slots[number as usize];
            if slot.message.key() != message.key() {
                place = (place + 1) & mask;
                continue;
            }
            slot.message = message;
            if slot.waits {
                return Pushed::Replaced;
            }
            slot.waits = true;
            self.waiting.push_back(number);
            return Pushed::Held;
        }
    }

    fn oldest(&mut self) -> Option<Message> {
        let slot = &mut self.slots[self.waiting.pop_front()? as usize];
        slot.waits = false;
        Some(slot.message)
    }
}

#[cfg(all(test, not(loom)))]
#[expect(clippy::disallowed_methods)] // a test has threads and patience of its own
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::thread;

    fn message(key: u32, value: u64) -> Message {
        Message([u64::from(key), value, 0, 0, 0, 0, 0, 0])
    }

    fn drain(consumer: &mut Consumer) -> Vec<Popped> {
        std::iter::from_fn(|| consumer.pop()).collect()
    }

    #[test]
    fn stop_holds_and_loses_nothing() {
        let (mut producer, mut consumer) = link(2, WhenFull::Stop, None);
        producer.reserve(4);
        let want = [Pushed::Sent, Pushed::Sent, Pushed::Held, Pushed::Held];
        for (value, want) in (0..).zip(want) {
            assert_eq!(producer.push(message(0, value)), want, "value={value}");
        }
        assert!(producer.is_blocked());
        assert_eq!(consumer.pop(), Some(Popped::Message(message(0, 0))));
        assert!(producer.flush() && producer.is_blocked(), "one moved, one waits");
        assert_eq!(drain(&mut consumer).len(), 2);
        assert!(producer.flush() && !producer.is_blocked());
        assert_eq!(drain(&mut consumer), [Popped::Message(message(0, 3))]);
        assert_eq!(producer.counters(), LinkCounters { sent: 4, held: 2, ..Default::default() });
    }

    #[test]
    fn gap_says_how_many_are_missing_and_where() {
        let (mut producer, mut consumer) = link(2, WhenFull::Gap, None);
        for value in 0..5 {
            producer.push(message(0, value));
        }
        assert_eq!(consumer.pop(), Some(Popped::Message(message(0, 0))));
        assert_eq!(producer.push(message(0, 5)), Pushed::Sent);
        let rest =
            [Popped::Message(message(0, 1)), Popped::Missed(3), Popped::Message(message(0, 5))];
        assert_eq!(drain(&mut consumer), rest);
        assert_eq!(producer.counters().dropped, 3);
    }

    #[test]
    fn a_gap_at_the_end_is_told_without_another_message() {
        let (mut producer, mut consumer) = link(1, WhenFull::Gap, None);
        producer.push(message(0, 0));
        producer.push(message(0, 1));
        assert_eq!(drain(&mut consumer), [Popped::Message(message(0, 0))]);
        producer.flush();
        assert!(!consumer.is_empty());
        assert_eq!(drain(&mut consumer), [Popped::Missed(1)]);
        assert!(consumer.is_empty());
    }

    #[test]
    fn conflate_keeps_the_latest_of_each_key_in_order() {
        let (mut producer, mut consumer) = link(1, WhenFull::Conflate { keys_max: 2 }, None);
        let steps = [
            // key value want
            (7, 0, Pushed::Sent),
            (7, 1, Pushed::Held),
            (8, 2, Pushed::Held),
            (7, 3, Pushed::Replaced),
            (9, 4, Pushed::Dropped), // a third key
        ];
        for (key, value, want) in steps {
            assert_eq!(producer.push(message(key, value)), want, "value={value}");
        }
        assert!(!producer.is_blocked());
        let mut seen = Vec::new();
        while let Some(popped) = consumer.pop() {
            seen.push(popped);
            producer.flush();
        }
        assert_eq!(seen, [(7, 0), (7, 3), (8, 2)].map(|(k, v)| Popped::Message(message(k, v))));
    }

    #[test]
    fn a_consumer_that_is_gone_blocks_nobody() {
        let (mut producer, consumer) = link(1, WhenFull::Stop, None);
        producer.push(message(0, 0));
        producer.push(message(0, 1));
        assert!(producer.is_blocked());
        drop(consumer);
        producer.flush();
        assert!(!producer.is_blocked());
        assert_eq!(producer.push(message(0, 2)), Pushed::Dropped);
        assert_eq!(producer.counters().dropped, 2);
    }

    #[test]
    fn across_threads_order_and_count_hold() {
        const MESSAGES: u64 = 200_000;
        for when_full in [WhenFull::Stop, WhenFull::Gap] {
            let (mut producer, mut consumer) = link(64, when_full, None);
            let sender = thread::spawn(move || {
                for value in 0..MESSAGES {
                    while producer.is_blocked() {
                        producer.flush();
                        thread::yield_now();
                    }
                    producer.send(message(0, value));
                }
                while producer.flush() || producer.is_blocked() {
                    thread::yield_now();
                }
            });
            let mut next = 0;
            while next < MESSAGES {
                match consumer.pop() {
                    Some(Popped::Message(message)) => {
                        assert_eq!(message.0[1], next);
                        next += 1;
                    }
                    Some(Popped::Missed(count)) => {
                        assert_eq!(when_full, WhenFull::Gap);
                        next += count;
                    }
                    // What was dropped at the very end nobody may be left to tell.
                    None if consumer.is_abandoned() && consumer.is_empty() => break,
                    None => thread::yield_now(),
                }
            }
            sender.join().unwrap();
            assert!(when_full == WhenFull::Gap || next == MESSAGES);
        }
    }

    proptest! {
        /// Whatever the order of pushes and pops, a gap link accounts for every message.
        #[test]
        fn gaps_account_for_every_message(depth in 1_usize..5, steps in prop::collection::vec(any::<bool>(), 0..200)) {
            let (mut producer, mut consumer) = link(depth, WhenFull::Gap, None);
            let (mut pushed, mut next) = (0, 0);
            let take = |popped: Option<Popped>, next: &mut u64| match popped {
                Some(Popped::Message(message)) => {
                    assert_eq!(message.0[1], *next);
                    *next += 1;
                }
                Some(Popped::Missed(count)) => *next += count,
                None => {}
            };
            for push in steps {
                if push {
                    producer.push(message(0, pushed));
                    pushed += 1;
                } else {
                    take(consumer.pop(), &mut next);
                }
            }
            loop {
                producer.flush();
                let popped = consumer.pop();
                if popped.is_none() { break; }
                take(popped, &mut next);
            }
            prop_assert_eq!(next, pushed);
        }

        /// After all is drained the last message of each key is the last one pushed.
        #[test]
        fn conflation_ends_on_the_latest(steps in prop::collection::vec((0_u32..8, any::<bool>()), 0..200)) {
            let (mut producer, mut consumer) = link(2, WhenFull::Conflate { keys_max: 8 }, None);
            let (mut want, mut got) = (BTreeMap::new(), BTreeMap::new());
            let mut take = |popped| match popped {
                Some(Popped::Message(Message([key, value, ..]))) => { got.insert(key, value); true }
                Some(Popped::Missed(_)) => panic!("a conflating ring reports no gap"),
                None => false,
            };
            for (value, (key, pop)) in (0..).zip(steps) {
                want.insert(u64::from(key), value);
                prop_assert!(producer.push(message(key, value)) != Pushed::Dropped);
                if pop { take(consumer.pop()); }
            }
            loop {
                producer.flush();
                if !take(consumer.pop()) { break; }
            }
            prop_assert_eq!(got, want);
        }
    }
}
