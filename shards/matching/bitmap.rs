//! Which of up to 64^3 places are taken: three levels of words, so that the next one after any place
//! is found with at most five reads, however far away it is.

use alloc::vec;
use alloc::vec::Vec;

/// The most places.
pub(crate) const PLACES_MAX: u32 = 64 * 64 * 64;

/// The set.
#[derive(Clone)]
pub(crate) struct Bitmap {
    /// A bit a place.
    leaves: Vec<u64>,
    /// A bit a leaf word that is not zero.
    mids: Vec<u64>,
    /// A bit a mid word that is not zero.
    top: u64,
}

impl Bitmap {
    /// An empty set of places below `places`.
    pub(crate) fn new(places: u32) -> Self {
        assert!(places <= PLACES_MAX, "{places} places; at most {PLACES_MAX}");
        let leaves = places.div_ceil(64) as usize;
        Self { leaves: vec![0; leaves], mids: vec![0; leaves.div_ceil(64)], top: 0 }
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, place: u32) {
        let (leaf, mid) = (place >> 6, place >> 12);
        self.leaves[leaf as usize] |= 1 << (place & 63);
        self.mids[mid as usize] |= 1 << (leaf & 63);
        self.top |= 1 << mid;
    }

    #[inline(always)]
    pub(crate) fn clear(&mut self, place: u32) {
        let (leaf, mid) = (place >> 6, place >> 12);
        let word = &mut self.leaves[leaf as usize];
        *word &= !(1 << (place & 63));
        if *word != 0 {
            return;
        }
        let word = &mut self.mids[mid as usize];
        *word &= !(1 << (leaf & 63));
        if *word == 0 {
            self.top &= !(1 << mid);
        }
    }

    /// The first taken place after `place`, in order.
    #[inline(always)]
    pub(crate) fn after(&self, place: u32) -> Option<u32> {
        let leaf = place >> 6;
        let rest = self.leaves[leaf as usize] & above(place & 63);
        if rest != 0 {
            return Some(leaf << 6 | rest.trailing_zeros());
        }
        let mid = leaf >> 6;
        let rest = self.mids[mid as usize] & above(leaf & 63);
        if rest != 0 {
            return Some(self.first_of_leaf(mid << 6 | rest.trailing_zeros()));
        }
        self.first_of(self.top & above(mid))
    }

    /// The first taken place.
    pub(crate) fn first(&self) -> Option<u32> {
        self.first_of(self.top)
    }

    #[inline(always)]
    fn first_of(&self, mids: u64) -> Option<u32> {
        if mids == 0 {
            return None;
        }
        let mid = mids.trailing_zeros();
        let leaf = mid << 6 | self.mids[mid as usize].trailing_zeros();
        Some(self.first_of_leaf(leaf))
    }

    #[inline(always)]
    fn first_of_leaf(&self, leaf: u32) -> u32 {
        leaf << 6 | self.leaves[leaf as usize].trailing_zeros()
    }
}

/// The bits above `bit`, which is below 64.
#[inline(always)]
const fn above(bit: u32) -> u64 {
    // In two steps: a shift by 64 would not be one.
    (u64::MAX << bit) << 1
}

#[cfg(test)]
mod tests {
    use super::{Bitmap, PLACES_MAX};
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_an_ordered_set_finds(
            places in prop_oneof![Just(1u32), Just(64), Just(4096), Just(5000), Just(PLACES_MAX)],
            toggles in prop::collection::vec((0..PLACES_MAX, any::<bool>()), 1..200),
        ) {
            let (mut bitmap, mut set) = (Bitmap::new(places), BTreeSet::new());
            for (place, near) in toggles {
                let place = if near { place % 130 } else { place } % places;
                if set.remove(&place) {
                    bitmap.clear(place);
                } else {
                    set.insert(place);
                    bitmap.set(place);
                }
                prop_assert_eq!(bitmap.first(), set.first().copied());
                for from in [0, place, place / 2, places - 1] {
                    let want = set.range(from + 1..).next().copied();
                    prop_assert_eq!(bitmap.after(from), want, "after {}", from);
                }
            }
        }
    }
}
