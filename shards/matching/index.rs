//! From an order's number to its slot: open addressing, sized to the live orders and not to the
//! range of their numbers, so that it stays in the second-level cache where the orders do.
//!
//! An entry holds 32 bits of the number's hash beside the slot. They tell a stranger apart without a
//! look at its slot, and say where an entry would best stand, so that a removal moves the entries
//! behind it forward: no tombstone stays, and the table is as fast at the end of the day as at its
//! start.

use alloc::vec;
use alloc::vec::Vec;

use crate::orders::{NONE, Orders};

/// No entry: its slot is [`NONE`], which no order has.
const EMPTY: u64 = u64::MAX;

/// The table.
pub(crate) struct Index {
    entries: Vec<u64>,
    /// By how much to shift a hash for its home.
    shift: u32,
}

/// Where an order was found.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) slot: u32,
    at: u32,
}

impl Index {
    /// For `capacity` orders, five of eight entries taken at most.
    pub(crate) fn new(capacity: u32) -> Self {
        let wanted = (u64::from(capacity) * 8).div_ceil(5).max(2);
        let bits = u64::BITS - (wanted - 1).leading_zeros();
        assert!(bits <= u32::BITS, "{capacity} orders");
        // Not zeros: those would be mapped lazily and fault on the path.
        Self { entries: vec![EMPTY; 1 << bits], shift: u32::BITS - bits }
    }

    #[inline(always)]
    const fn hash(key: u64) -> u32 {
        // 2^64 over the golden ratio, made odd: near-dense numbers spread evenly over the table.
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
    }

    #[inline(always)]
    fn mask(&self) -> u32 {
        // A power of two of at most 2^32 entries: its length less one fits.
        (self.entries.len() - 1) as u32
    }

    /// The slot of the order with this number.
    #[inline(always)]
    pub(crate) fn find(&self, orders: &Orders, key: u64) -> Option<Found> {
        let (hash, mask) = (Self::hash(key), self.mask());
        let mut at = hash >> self.shift;
        loop {
            let entry = self.entries[(at & mask) as usize];
            if entry == EMPTY {
                return None;
            }
            let slot = entry as u32;
            if (entry >> 32) as u32 == hash && orders[slot].key == key {
                return Some(Found { slot, at: at & mask });
            }
            at = at.wrapping_add(1);
        }
    }

    /// Enters an order whose number is not in the table.
    #[inline(always)]
    pub(crate) fn insert(&mut self, key: u64, slot: u32) {
        let (hash, mask) = (Self::hash(key), self.mask());
        let mut at = hash >> self.shift;
        while self.entries[(at & mask) as usize] != EMPTY {
            at = at.wrapping_add(1);
        }
        self.entries[(at & mask) as usize] = u64::from(hash) << 32 | u64::from(slot);
    }

    /// Takes out the order in this slot, which is in the table.
    #[inline(always)]
    pub(crate) fn remove_slot(&mut self, key: u64, slot: u32) {
        let (hash, mask) = (Self::hash(key), self.mask());
        let entry = u64::from(hash) << 32 | u64::from(slot);
        let mut at = hash >> self.shift;
        while self.entries[(at & mask) as usize] != entry {
            at = at.wrapping_add(1);
        }
        self.remove(Found { slot, at: at & mask });
    }

    /// Takes an entry out.
    #[inline(always)]
    pub(crate) fn remove(&mut self, found: Found) {
        let mask = self.mask();
        let (mut hole, mut at) = (found.at, found.at);
        loop {
            at = at.wrapping_add(1) & mask;
            let entry = self.entries[at as usize];
            if entry == EMPTY {
                break;
            }
            let home = (entry >> 32) as u32 >> self.shift;
            // It may move forward to the hole unless its home lies behind the hole.
            if at.wrapping_sub(hole) & mask <= at.wrapping_sub(home) & mask {
                self.entries[hole as usize] = entry;
                hole = at;
            }
        }
        self.entries[hole as usize] = EMPTY;
    }

    /// Bytes of the table.
    pub(crate) const fn bytes(&self) -> usize {
        self.entries.len() * size_of::<u64>()
    }
}

const _: () = assert!(EMPTY as u32 == NONE);

#[cfg(test)]
mod tests {
    use super::Index;
    use crate::orders::Orders;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_is_in_it_and_nothing_else(
            capacity in 1..60u32,
            stride in prop_oneof![Just(1u64), Just(4), Just(1 << 32), Just(1 << 60)],
            toggles in prop::collection::vec(0..80u64, 0..400),
        ) {
            let (mut index, mut orders) = (Index::new(capacity), Orders::new(capacity));
            let mut live = BTreeMap::new();
            for number in toggles {
                let key = number.wrapping_mul(stride);
                if let Some(slot) = live.remove(&key) {
                    let found = index.find(&orders, key);
                    prop_assert_eq!(found.map(|found| found.slot), Some(slot));
                    index.remove_slot(key, slot);
                    orders.give(slot);
                } else if let Some(slot) = orders.take() {
                    orders[slot].key = key;
                    index.insert(key, slot);
                    live.insert(key, slot);
                }
                for number in 0..80u64 {
                    let key = number.wrapping_mul(stride);
                    let found = index.find(&orders, key).map(|found| found.slot);
                    prop_assert_eq!(found, live.get(&key).copied());
                }
            }
        }
    }
}
