//! A set of instruments: one bit each.

use alloc::boxed::Box;
use alloc::vec;

use types::InstrumentId;

/// Instruments out of those numbered below the count it was made for. Nothing here allocates after
/// `new`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentSet {
    words: Box<[u64]>,
}

impl InstrumentSet {
    /// Empty, with room for the instruments numbered below `instruments`.
    pub fn new(instruments: u32) -> Self {
        Self { words: vec![0; instruments.div_ceil(u64::BITS) as usize].into_boxed_slice() }
    }

    /// Puts one in. False: there is no room for its number, and it is not in.
    pub fn insert(&mut self, instrument: InstrumentId) -> bool {
        let (word, bit) = place(instrument);
        self.words.get_mut(word).map(|word| *word |= bit).is_some()
    }

    /// Takes one out, where it was in.
    pub fn remove(&mut self, instrument: InstrumentId) {
        let (word, bit) = place(instrument);
        if let Some(word) = self.words.get_mut(word) {
            *word &= !bit;
        }
    }

    /// Takes all of them out.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Whether it is in.
    #[inline]
    pub fn contains(&self, instrument: InstrumentId) -> bool {
        let (word, bit) = place(instrument);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }
}

#[inline]
const fn place(instrument: InstrumentId) -> (usize, u64) {
    (instrument.index() / u64::BITS as usize, 1 << (instrument.index() % u64::BITS as usize))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::InstrumentSet;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use types::InstrumentId;

    #[test]
    fn a_number_without_room_is_never_in() {
        let mut set = InstrumentSet::new(64);
        assert!(set.insert(InstrumentId::new(63)));
        assert!(!set.insert(InstrumentId::new(64)));
        assert!(!set.contains(InstrumentId::new(64)));
        assert!(!InstrumentSet::new(0).insert(InstrumentId::new(0)));
        set.clear();
        assert!(!set.contains(InstrumentId::new(63)));
    }

    proptest! {
        #[test]
        fn as_a_set(steps in prop::collection::vec((0_u32..130, any::<bool>()), 0..200)) {
            let (mut set, mut twin) = (InstrumentSet::new(130), BTreeSet::new());
            for (raw, put) in steps {
                let instrument = InstrumentId::new(raw);
                if put {
                    set.insert(instrument);
                    twin.insert(instrument);
                } else {
                    set.remove(instrument);
                    twin.remove(&instrument);
                }
            }
            for instrument in (0..130).map(InstrumentId::new) {
                prop_assert_eq!(set.contains(instrument), twin.contains(&instrument));
            }
        }
    }
}
