//! From an order's number to its slot: a hash table of cache lines.
//!
//! A line holds 15 entries and the count of entries that wanted this line and found it full. An
//! entry is the slot and, in the bits the slot leaves free, a piece of the number's hash, so that
//! a look-up reads one line here and then, nearly always, only the slot that is wanted. The count
//! tells a look-up when to stop, so a removal just blanks its entry: nothing is moved, no
//! tombstone stays behind, and the table is as fast at the end of the day as at its start.
//!
//! The line is chosen by the high half of a multiplicative hash of the whole number: the numbers
//! of one symbol share their low bits. Full orders of a book are 12 entries a line: 5.3 bytes each.

use alloc::vec;
use alloc::vec::Vec;

/// Entries in a line.
const LANES: usize = 15;
/// Where the line keeps its count of those that went on.
const PASSED: usize = LANES;
/// What that lane holds where none went on: never blank and, as an entry has the top bit set, never
/// an entry, so that all sixteen lanes can be compared alike.
const NOBODY: u32 = 1 << 30;
/// Set in every entry, so that none looks blank.
const TAKEN: u32 = 1 << 31;
/// Entries a line when every order slot is taken: a load of 0.8.
const LANES_USED: usize = 12;

/// One line of the table; opaque, so that a caller can prefetch it.
#[derive(Clone)]
#[repr(C, align(64))]
pub struct Probe([u32; LANES + 1]);

const _: () = assert!(size_of::<Probe>() == 64);

/// The table.
pub(crate) struct Index {
    lines: Vec<Probe>,
    /// The low bits of an entry: the slot. The others are the tag.
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

/// What a number's hash says: where to start, and what the entry's upper bits must be.
#[derive(Clone, Copy)]
pub(crate) struct Home {
    line: u32,
    tag: u32,
}

impl Index {
    /// For slots 1 to `orders`.
    pub(crate) fn new(orders: usize) -> Self {
        let slot_bits = u32::BITS - (orders as u32).leading_zeros();
        Self {
            lines: vec![Probe::BLANK; orders.div_ceil(LANES_USED).max(1)],
            slot_mask: (1 << slot_bits) - 1,
        }
    }

    /// Where a look-up of `order` begins.
    #[inline]
    pub(crate) fn home(&self, order: u64) -> Home {
        // 2^64 over the golden ratio, made odd: near-dense numbers spread evenly over the lines.
        let hash = order.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (high, low) = ((hash >> 32) as u32, hash as u32);
        // The high half of a product with the count of lines: a modulo without a division, so the
        // table need not be a power of two. Two factors below 2^32 cannot overflow.
        let line = (u64::from(high).wrapping_mul(self.lines.len() as u64) >> 32) as u32;
        // The low half alone depends on few bits of the number; the high half repeats the line.
        let tag = ((low ^ high.rotate_left(13)) & !self.slot_mask) | TAKEN;
        Home { line, tag }
    }

    #[inline]
    const fn after(&self, line: u32) -> u32 {
        let next = line.wrapping_add(1);
        if next as usize == self.lines.len() { 0 } else { next }
    }

    /// The line to prefetch before a look-up of `order`.
    #[inline]
    pub(crate) fn probe(&self, order: u64) -> &Probe {
        &self.lines[self.home(order).line as usize]
    }

    /// A slot that may be `order`'s, from the first line alone. Slots begin at 1.
    #[inline]
    pub(crate) fn hint(&self, order: u64) -> Option<u32> {
        let home = self.home(order);
        let line = &self.lines[home.line as usize];
        let lane = line.matching(home.tag, !self.slot_mask).trailing_zeros() as usize;
        (lane < LANES).then(|| line.0[lane & LANES] & self.slot_mask)
    }

    /// Where the number with this home is; `is` says whether a slot is really this order's.
    #[inline(always)]
    pub(crate) fn find(&self, home: Home, is: impl Fn(u32) -> bool) -> Option<Found> {
        if let Some(found) = self.find_in(home, home.line, &is) {
            return Some(found);
        }
        if self.lines[home.line as usize].0[PASSED] == NOBODY {
            return None;
        }
        self.find_beyond(home, &is)
    }

    #[inline(always)]
    fn find_in(&self, home: Home, at: u32, is: &impl Fn(u32) -> bool) -> Option<Found> {
        let line = &self.lines[at as usize];
        let mut hits = line.matching(home.tag, !self.slot_mask);
        while hits != 0 {
            let lane = hits.trailing_zeros();
            let slot = line.0[lane as usize & LANES] & self.slot_mask;
            if is(slot) {
                return Some(Found { slot, home: home.line, line: at, lane });
            }
            hits &= hits.wrapping_sub(1);
        }
        None
    }

    /// In the lines behind the first, as long as someone went on.
    #[cold]
    fn find_beyond(&self, home: Home, is: &impl Fn(u32) -> bool) -> Option<Found> {
        let mut at = self.after(home.line);
        // Every line may have been passed by someone: never go round twice.
        while at != home.line {
            if let Some(found) = self.find_in(home, at, is) {
                return Some(found);
            }
            if self.lines[at as usize].0[PASSED] == NOBODY {
                return None;
            }
            at = self.after(at);
        }
        None
    }

    /// Enters a number that is not in the table at `slot`, which no other entry names.
    #[inline]
    pub(crate) fn insert(&mut self, home: Home, slot: u32) {
        let mut at = home.line;
        // There is room: 15 lanes a line against at most 12 slots a line.
        for _ in 0..self.lines.len() {
            let line = &mut self.lines[at as usize];
            let lane = line.matching(0, !0).trailing_zeros() as usize;
            if lane < LANES {
                line.0[lane & LANES] = home.tag | slot;
                return;
            }
            line.0[PASSED] += 1;
            at = self.after(at);
        }
        debug_assert!(false, "the order index has more room than there are slots");
    }

    /// Takes an entry out.
    #[inline]
    pub(crate) fn remove(&mut self, found: Found) {
        self.lines[found.line as usize].0[found.lane as usize & LANES] = 0;
        let mut at = found.home;
        while at != found.line {
            self.lines[at as usize].0[PASSED] -= 1;
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
    const BLANK: Self = {
        let mut lanes = [0; LANES + 1];
        lanes[PASSED] = NOBODY;
        Self(lanes)
    };

    /// Bit per lane that is `want` under `mask`, over all sixteen lanes. Written so that it compiles to
    /// vector compares: in four running sums, and with no bit 0, which the compiler would take out of
    /// the vector as a case of its own (28 instructions against 62).
    #[inline(always)]
    fn matching(&self, want: u32, mask: u32) -> u32 {
        let mut sums = [0u32; 4];
        for quad in 0..4 {
            for (lane, sum) in sums.iter_mut().enumerate() {
                let at = quad * 4 + lane;
                *sum |= if self.0[at] & mask == want { 2 << at } else { 0 };
            }
        }
        (sums[0] | sums[1] | sums[2] | sums[3]) >> 1
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
            prop_assert!(index.lines.iter().all(|line| line.0 == super::Probe::BLANK.0),
                "something was left behind");
        }
    }

    /// The numbers of one symbol share their low bits, and a day's are near-dense. At the design load
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
