//! From a price level to its slot: a hash table of cache lines.
//!
//! A line holds twelve entries, a byte of each one's hash, and the count of entries that wanted this
//! line and found it full. All twelve bytes are compared at once, and an entry carries more of the
//! hash in the bits its slot leaves free, so that a look-up reads one line here and then, nearly
//! always, only the slot that is wanted. The count tells a look-up when to stop, so a removal just
//! blanks its byte: nothing is moved, no tombstone stays behind, and the table is as fast at the end
//! of the day as at its start.
//!
//! The line is chosen by the high half of a multiplicative hash of the whole number: prices share
//! their low bits. At capacity nine entries share a line: 7.1 bytes each.

use alloc::vec;
use alloc::vec::Vec;

/// Entries in a line.
const LANES: usize = 12;
/// Set in every tag, so that none looks blank.
const TAKEN: u8 = 0x80;
/// Entries a line when every slot is taken: a load of 0.75.
const LANES_USED: usize = 9;

/// One line of the table; opaque, so that a caller can prefetch it.
#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct Probe {
    /// A piece of each entry's hash; 0 where there is none.
    tags: [u8; LANES],
    /// How many entries wanted this line and went on.
    passed: u32,
    entries: [u32; LANES],
}

const _: () = assert!(size_of::<Probe>() == 64);

/// The table.
pub(crate) struct Index {
    lines: Vec<Probe>,
    /// The low bits of an entry: the slot. The others are the rest of the tag.
    slot_mask: u32,
}

/// Where an entry was found.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) slot: u32,
    home: u32,
    line: u32,
    lane: u32,
}

/// What a number's hash says: where to start, and what an entry of it looks like.
#[derive(Clone, Copy)]
pub(crate) struct Home {
    line: u32,
    tag: u8,
    /// The entry's bits above the slot.
    rest: u32,
}

impl Home {
    /// Of no number in particular.
    pub(crate) const BLANK: Self = Self { line: 0, tag: TAKEN, rest: 0 };
}

impl Index {
    /// For slots 1 to `slots`.
    pub(crate) fn new(slots: usize) -> Self {
        let slot_bits = u32::BITS - (slots as u32).leading_zeros();
        Self {
            lines: vec![Probe::BLANK; slots.div_ceil(LANES_USED).max(1)],
            slot_mask: (1 << slot_bits) - 1,
        }
    }

    /// Where a look-up of `number` begins.
    #[inline(always)]
    pub(crate) fn home(&self, number: u64) -> Home {
        // 2^64 over the golden ratio, made odd: near-dense numbers spread evenly over the lines.
        let hash = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (high, low) = ((hash >> 32) as u32, hash as u32);
        // The high half of a product with the count of lines: a modulo without a division, so the
        // table need not be a power of two. Two factors below 2^32 cannot overflow.
        let line = (u64::from(high).wrapping_mul(self.lines.len() as u64) >> 32) as u32;
        // The low half alone depends on few bits of the number; the high half repeats the line.
        let more = low ^ high.rotate_left(13);
        Home { line, tag: more as u8 | TAKEN, rest: more & !self.slot_mask }
    }

    #[inline]
    const fn after(&self, line: u32) -> u32 {
        let next = line.wrapping_add(1);
        if next as usize == self.lines.len() { 0 } else { next }
    }

    /// The line to prefetch before a look-up.
    #[inline(always)]
    pub(crate) fn probe(&self, home: Home) -> &Probe {
        &self.lines[home.line as usize]
    }

    /// A slot that may be the number's, from the first line alone. Slots begin at 1: 0 is none.
    #[inline(always)]
    pub(crate) fn hint(&self, home: Home) -> u32 {
        let line = &self.lines[home.line as usize];
        line.entries.get(line.matching(home.tag).first()).map_or(0, |entry| entry & self.slot_mask)
    }

    /// Where the number with this home is; `is` says whether a slot is really its own.
    #[inline(always)]
    pub(crate) fn find(&self, home: Home, is: impl Fn(u32) -> bool) -> Option<Found> {
        let line = &self.lines[home.line as usize];
        if let Some((slot, lane)) = line.find(home, self.slot_mask, &is) {
            return Some(Found { slot, home: home.line, line: home.line, lane });
        }
        if line.passed == 0 {
            return None;
        }
        self.find_beyond(home, &is)
    }

    /// In the lines behind the first, as long as someone went on.
    #[inline(never)]
    fn find_beyond(&self, home: Home, is: &impl Fn(u32) -> bool) -> Option<Found> {
        let mut at = self.after(home.line);
        // Every line may have been passed by someone: never go round twice.
        while at != home.line {
            let line = &self.lines[at as usize];
            if let Some((slot, lane)) = line.find(home, self.slot_mask, is) {
                return Some(Found { slot, home: home.line, line: at, lane });
            }
            if line.passed == 0 {
                return None;
            }
            at = self.after(at);
        }
        None
    }

    /// Enters a number that is not in the table at `slot`, which no other entry names.
    #[inline(always)]
    pub(crate) fn insert(&mut self, home: Home, slot: u32) {
        if !self.lines[home.line as usize].put(home, slot) {
            self.insert_beyond(home, slot);
        }
    }

    #[inline(never)]
    fn insert_beyond(&mut self, home: Home, slot: u32) {
        let mut at = home.line;
        for _ in 1..self.lines.len() {
            self.lines[at as usize].passed += 1;
            at = self.after(at);
            if self.lines[at as usize].put(home, slot) {
                return;
            }
        }
        // Each slot is entered once, and there are 12 lanes for every 9 slots.
        unreachable!("the index has fewer lanes than there are slots");
    }

    /// Takes an entry out.
    #[inline(always)]
    pub(crate) fn remove(&mut self, found: Found) {
        self.lines[found.line as usize].tags[found.lane as usize] = 0;
        if found.line != found.home {
            self.unpass(found);
        }
    }

    #[inline(never)]
    fn unpass(&mut self, found: Found) {
        let mut at = found.home;
        while at != found.line {
            self.lines[at as usize].passed -= 1;
            at = self.after(at);
        }
    }

    /// Takes everything out.
    pub(crate) fn clear(&mut self) {
        self.lines.fill(Probe::BLANK);
    }

    /// Bytes of the table.
    pub(crate) const fn bytes(&self) -> usize {
        self.lines.len() * size_of::<Probe>()
    }
}

impl Probe {
    const BLANK: Self = Self { tags: [0; LANES], passed: 0, entries: [0; LANES] };

    #[inline(always)]
    fn find(&self, home: Home, slot_mask: u32, is: &impl Fn(u32) -> bool) -> Option<(u32, u32)> {
        let mut hits = self.matching(home.tag);
        while hits.0 != 0 {
            let lane = hits.first();
            let entry = *self.entries.get(lane)?;
            let slot = entry & slot_mask;
            if entry & !slot_mask == home.rest && is(slot) {
                return Some((slot, lane as u32));
            }
            hits = hits.without_first();
        }
        None
    }

    /// Enters a slot where there is room; false where there is none.
    #[inline(always)]
    fn put(&mut self, home: Home, slot: u32) -> bool {
        let blank = self.blank();
        if blank.0 == 0 {
            return false;
        }
        let lane = blank.first();
        self.tags[lane] = home.tag;
        self.entries[lane] = home.rest | slot;
        true
    }

    /// The first eight tags and the other four, a byte each.
    #[inline(always)]
    const fn words(&self) -> (u64, u64) {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = self.tags;
        let low = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        (low, u32::from_le_bytes([i, j, k, l]) as u64)
    }

    /// The lanes whose tag is `want`. The first is always right; a later one may be wrong, which the
    /// entry will tell.
    #[inline(always)]
    const fn matching(&self, want: u8) -> Lanes {
        const ONES: u64 = u64::MAX / 0xFF;
        let (low, high) = self.words();
        let wants = (want as u64).wrapping_mul(ONES);
        // A byte that is zero borrows into its top bit; so may the byte above it.
        let (low, high) = (low ^ wants, high ^ (wants >> 32));
        let low = low.wrapping_sub(ONES) & !low & (ONES << 7);
        let high = high.wrapping_sub(ONES >> 32) & !high & (ONES >> 32 << 7);
        Lanes(low >> 7 | high >> 6)
    }

    /// The lanes without an entry.
    #[inline(always)]
    const fn blank(&self) -> Lanes {
        const TAKENS: u64 = u64::MAX / 0xFF * TAKEN as u64;
        let (low, high) = self.words();
        Lanes((!low & TAKENS) >> 7 | (!high & (TAKENS >> 32)) >> 6)
    }
}

/// A set of lanes: bit 8n is lane n, bit 8n + 1 is lane n + 8.
#[derive(Clone, Copy)]
struct Lanes(u64);

impl Lanes {
    /// The first lane; one that does not exist where the set is empty.
    #[inline(always)]
    const fn first(self) -> usize {
        let bit = self.0.trailing_zeros() as usize;
        (bit >> 3) | (bit & 1) << 3 | (bit & 64) >> 2
    }

    #[inline(always)]
    const fn without_first(self) -> Self {
        Self(self.0 & self.0.wrapping_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::Index;
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;
    use core::cell::Cell;
    use proptest::prelude::*;

    /// Numbers by slot, as the slots of a book would hold them.
    fn find(index: &Index, slots: &BTreeMap<u32, u64>, order: u64) -> Option<u32> {
        index
            .find(index.home(order), |slot| slots.get(&slot) == Some(&order))
            .map(|found| found.slot)
    }

    proptest! {
        #[test]
        fn finds_what_is_in_it_and_nothing_else(
            orders in 1..60usize,
            stride in prop_oneof![Just(1u64), Just(4), Just(1 << 32), Just(1 << 60)],
            toggles in prop::collection::vec(0..80u64, 0..400),
        ) {
            let mut index = Index::new(orders);
            let mut free: Vec<u32> = (1..=orders as u32).collect();
            let (mut slots, mut live) = (BTreeMap::new(), BTreeMap::new());
            for number in toggles {
                let order = number.wrapping_mul(stride);
                if let Some(slot) = live.remove(&order) {
                    let found = index.find(index.home(order), |s| slots.get(&s) == Some(&order));
                    prop_assert_eq!(found.map(|found| found.slot), Some(slot));
                    if let Some(found) = found { index.remove(found); }
                    slots.remove(&slot);
                    free.push(slot);
                } else if let Some(slot) = free.pop() {
                    index.insert(index.home(order), slot);
                    slots.insert(slot, order);
                    live.insert(order, slot);
                }
                for number in 0..80u64 {
                    let order = number.wrapping_mul(stride);
                    prop_assert_eq!(find(&index, &slots, order), live.get(&order).copied());
                }
            }
            while let Some((order, slot)) = live.pop_first() {
                let found = index.find(index.home(order), |s| s == slot);
                prop_assert!(found.is_some());
                if let Some(found) = found { index.remove(found); }
            }
            prop_assert!(index.lines.iter().all(|line| line.tags == [0; super::LANES] && line.passed == 0),
                "something was left behind");
        }
    }

    /// Prices of one tick are a stride apart. At the design load
    /// few entries may miss their first line, and hardly any look-up may read a wrong slot.
    #[test]
    fn numbers_that_share_low_bits_spread_evenly() {
        for stride in [1u64, 4, 64, 4096, 1 << 20] {
            let orders = 60_000u32;
            let mut index = Index::new(orders as usize);
            for slot in 1..=orders {
                let home = index.home(1_000_003 + u64::from(slot) * stride);
                index.insert(home, slot);
            }
            let (mut passed, wrong) = (0, Cell::new(0));
            for slot in 1..=orders {
                let found = index.find(index.home(1_000_003 + u64::from(slot) * stride), |other| {
                    wrong.set(wrong.get() + u32::from(other != slot));
                    other == slot
                });
                passed += u32::from(found.is_none_or(|found| found.line != found.home));
            }
            assert!(passed < orders / 12, "stride {stride}: {passed} of {orders} went on");
            let wrong = wrong.get();
            assert!(wrong < orders / 50, "stride {stride}: {wrong} slots read in vain");
        }
    }
}
