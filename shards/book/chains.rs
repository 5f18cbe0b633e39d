//! From an order's number to its slot: a hash table of chains that run through the slots.
//!
//! The table holds the first slot of each chain and has seven chains for four slots: a look-up reads
//! one entry, then at most 1.3 slots on average, and hardly more than one where numbers are dense. Entering puts a slot at the head of its
//! chain, where the young orders are that most events name; a removal relinks one neighbour. Nothing
//! is moved and no tombstone stays, so the table is as fast at the end of the day as at its start.
//!
//! The chain is chosen by the high half of a multiplicative hash of the whole number: the numbers
//! of one symbol share their low bits.

use alloc::vec;
use alloc::vec::Vec;

use crate::arena::{NONE, Pool};
use crate::queue::Slot;

/// Chains for so many slots: 7 bytes an order.
const CHAINS: usize = 7;
const SLOTS: usize = 4;

/// The heads of all chains.
pub(crate) struct Chains {
    heads: Vec<u32>,
    /// The largest number that was ever entered. Venues count upwards, so nearly every new number is
    /// beyond it, and that it is new needs no look-up.
    largest: u64,
}

/// Where an order was found. Good until the chains change.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) slot: u32,
    /// The slot before it in its chain, or none.
    before: u32,
    home: u32,
}

impl Chains {
    /// For so many orders.
    pub(crate) fn new(orders: usize) -> Self {
        Self { heads: vec![NONE; (orders * CHAINS / SLOTS).max(1)], largest: 0 }
    }

    /// The chain of `order`.
    #[inline(always)]
    pub(crate) fn home(&self, order: u64) -> u32 {
        // 2^64 over the golden ratio, made odd: near-dense numbers spread evenly over the chains.
        let high = order.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        // The high half of a product with the count of chains: a modulo without a division. Two
        // factors below 2^32 cannot overflow.
        (high.wrapping_mul(self.heads.len() as u64) >> 32) as u32
    }

    /// The head to prefetch before a look-up of `order`.
    #[inline(always)]
    pub(crate) fn head(&self, order: u64) -> &u32 {
        &self.heads[self.home(order) as usize]
    }

    /// The slot at the head of a chain, or none.
    #[inline(always)]
    pub(crate) fn first(&self, home: u32) -> u32 {
        self.heads[home as usize]
    }

    /// Where `order` is.
    #[inline(always)]
    pub(crate) fn find(&self, slots: &Pool<Slot>, order: u64) -> Option<Found> {
        let home = self.home(order);
        let (mut slot, mut before) = (self.heads[home as usize], NONE);
        while slot != NONE {
            let entry = &slots[slot];
            if entry.order == order {
                return Some(Found { slot, before, home });
            }
            before = slot;
            slot = entry.next;
        }
        None
    }

    /// Whether `order` is in the table.
    #[inline(always)]
    pub(crate) fn holds(&self, slots: &Pool<Slot>, order: u64) -> bool {
        order <= self.largest && self.find(slots, order).is_some()
    }

    /// Enters `slot`, whose order's number is not in the table.
    #[inline(always)]
    pub(crate) fn insert(&mut self, slots: &mut Pool<Slot>, order: u64, slot: u32) {
        self.largest = self.largest.max(order);
        let home = self.home(order) as usize;
        slots[slot].next = self.heads[home];
        self.heads[home] = slot;
    }

    /// Takes a slot out.
    #[inline(always)]
    pub(crate) fn remove(&mut self, slots: &mut Pool<Slot>, found: Found) {
        let next = slots[found.slot].next;
        if found.before == NONE {
            self.heads[found.home as usize] = next;
        } else {
            slots[found.before].next = next;
        }
    }

    /// Takes everything out.
    pub(crate) fn clear(&mut self) {
        self.heads.fill(NONE);
    }

    /// Bytes of the table.
    pub(crate) const fn bytes(&self) -> usize {
        self.heads.len() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::Chains;
    use crate::arena::Pool;
    use crate::queue::Slot;
    use alloc::collections::BTreeMap;
    use alloc::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_is_in_it_and_nothing_else(
            orders in 1..60usize,
            stride in prop_oneof![Just(1u64), Just(4), Just(1 << 32), Just(1 << 60)],
            toggles in prop::collection::vec(0..80u64, 0..400),
        ) {
            let (mut chains, mut slots) = (Chains::new(orders), Pool::<Slot>::new(orders));
            let mut live = BTreeMap::new();
            for number in toggles {
                let order = number.wrapping_mul(stride);
                if let Some(slot) = live.remove(&order) {
                    let found = chains.find(&slots, order);
                    prop_assert_eq!(found.map(|found| found.slot), Some(slot));
                    if let Some(found) = found { chains.remove(&mut slots, found); }
                    slots.give(slot);
                } else if let Some(slot) = slots.take() {
                    slots[slot].order = order;
                    chains.insert(&mut slots, order, slot);
                    live.insert(order, slot);
                }
                for number in 0..80u64 {
                    let order = number.wrapping_mul(stride);
                    let want = live.get(&order).copied();
                    prop_assert_eq!(chains.find(&slots, order).map(|found| found.slot), want);
                    prop_assert_eq!(chains.holds(&slots, order), want.is_some());
                }
            }
            for order in live.into_keys() {
                let found = chains.find(&slots, order);
                if let Some(found) = found { chains.remove(&mut slots, found); }
            }
            prop_assert!(chains.heads.iter().all(|&head| head == 0), "something was left behind");
        }
    }

    /// The numbers of one symbol share their low bits, and a day's are near-dense: chains stay short.
    #[test]
    fn numbers_that_share_low_bits_spread_evenly() {
        let orders = 60_000u32;
        // (stride, slots read in vain over all look-ups, at most); a random hash has 17,000.
        let cases = [(1u64, 100), (4, 100), (64, 6_000), (4096, 6_000), (1 << 20, 90_000)];
        for (stride, want) in cases {
            let chains = Chains::new(orders as usize);
            let mut lengths = vec![0u32; chains.heads.len()];
            for number in 1..=u64::from(orders) {
                lengths[chains.home(1_000_003 + number * stride) as usize] += 1;
            }
            let vain: u32 =
                lengths.iter().map(|length| length * length.saturating_sub(1) / 2).sum();
            assert!(vain <= want, "stride {stride}: {vain}");
            assert!(lengths.iter().all(|&length| length <= 8), "stride {stride}");
        }
    }
}
