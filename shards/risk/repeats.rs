//! The same order again: for each port, how often of late it entered just this one.

use alloc::boxed::Box;
use alloc::vec;

use types::{InstrumentId, Nanos, Px, Side};

use crate::Rate;
use crate::rate::Bucket;

/// Places that one order may have.
const WAYS: usize = 4;

/// What makes two orders the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Likeness {
    /// `Px::MIN` for a market order, which no limit is.
    px: Px,
    instrument: InstrumentId,
    qty: u32,
    side: Side,
}

#[derive(Clone, Copy)]
struct Slot {
    of: Likeness,
    bucket: Bucket,
}

// Two to a cache line.
const _: () = assert!(size_of::<Slot>() == 32);

/// A bucket for each order that was entered of late, in a table of fixed size for each port: one
/// port's orders never push out another's. One whose bucket is full is forgotten without loss. Where
/// all places of an order are taken by others, the one nearest to that is forgotten early and counted:
/// more of it may pass than the rate says.
pub(crate) struct Repeats {
    slots: Box<[Slot]>,
    sets_per_port: usize,
    evicted: u64,
}

impl Likeness {
    #[inline]
    pub(crate) fn new(instrument: InstrumentId, side: Side, qty: u32, px: Option<Px>) -> Self {
        Self { px: px.unwrap_or(Px::MIN), instrument, qty, side }
    }

    #[inline]
    fn mix(&self) -> u64 {
        let what = (u64::from(self.instrument.get()) << 32) | u64::from(self.qty);
        let mixed = (what ^ (self.side as u64) << 63).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ self.px.raw().cast_unsigned()).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ (mixed >> 32)
    }
}

impl Repeats {
    /// Room for `orders` different ones of each port, rounded up to a power of two.
    pub(crate) fn new(ports: u16, orders: u32) -> Self {
        let sets_per_port = (orders as usize).div_ceil(WAYS).next_power_of_two();
        let of = Likeness::new(InstrumentId::new(0), Side::Buy, 0, None);
        let empty = Slot { of, bucket: Bucket::default() };
        let slots = vec![empty; usize::from(ports) * sets_per_port * WAYS].into_boxed_slice();
        Self { slots, sets_per_port, evicted: 0 }
    }

    /// Takes one of the orders like this that `port`, below the count it was made for, may still
    /// enter. False: none.
    #[inline]
    pub(crate) fn take(&mut self, now: Nanos, port: usize, of: Likeness, rate: &Rate) -> bool {
        // The mask keeps it below the number of sets, whatever the width of `usize`.
        #[expect(clippy::cast_possible_truncation, reason = "masked")]
        let set = of.mix() as usize & (self.sets_per_port - 1);
        let first = (port * self.sets_per_port + set) * WAYS;
        let slots = &mut self.slots[first..first + WAYS];
        if let Some(known) = slots.iter_mut().find(|slot| slot.of == of) {
            return known.bucket.take(now, rate);
        }
        let Some(oldest) = slots.iter_mut().min_by_key(|slot| slot.bucket.full_at()) else {
            return true;
        };
        self.evicted += u64::from(now < oldest.bucket.full_at());
        *oldest = Slot { of, bucket: Bucket::default() };
        oldest.bucket.take(now, rate)
    }

    /// Orders that were forgotten early for want of room.
    pub(crate) const fn evicted(&self) -> u64 {
        self.evicted
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Likeness, Repeats, WAYS};
    use crate::Rate;
    use proptest::prelude::*;
    use std::vec::Vec;
    use types::{InstrumentId, Nanos, Px, Side};

    fn order(instrument: u32, side: Side, qty: u32, px: Option<i64>) -> Likeness {
        Likeness::new(InstrumentId::new(instrument), side, qty, px.map(Px::from_raw))
    }

    #[test]
    fn only_the_same_order_is_the_same() {
        let rate = Rate::new(1, Nanos::new(100)).expect("a rate");
        let mut repeats = Repeats::new(2, 64);
        let first = order(1, Side::Buy, 10, Some(50));
        let cases = [
            // now port order                                 passes
            (0, 0, first, true),
            (99, 0, first, false),
            (99, 1, first, true),
            (99, 0, order(2, Side::Buy, 10, Some(50)), true),
            (99, 0, order(1, Side::Sell, 10, Some(50)), true),
            (99, 0, order(1, Side::Buy, 11, Some(50)), true),
            (99, 0, order(1, Side::Buy, 10, Some(51)), true),
            (99, 0, order(1, Side::Buy, 10, None), true),
            (100, 0, first, true),
            (101, 0, first, false),
        ];
        for (now, port, of, want) in cases {
            assert_eq!(repeats.take(Nanos::new(now), port, of, &rate), want, "{now} {port} {of:?}");
        }
        assert_eq!(repeats.evicted(), 0);
    }

    #[test]
    fn what_has_no_place_is_forgotten_early_and_counted() {
        let rate = Rate::new(1, Nanos::new(1_000)).expect("a rate");
        let mut repeats = Repeats::new(1, 1);
        for qty in 0..=4 {
            let now = Nanos::new(u64::from(qty));
            assert!(repeats.take(now, 0, order(1, Side::Buy, qty, None), &rate));
        }
        assert_eq!(repeats.evicted(), 5 - WAYS as u64);
        let again = |repeats: &mut Repeats, qty| {
            repeats.take(Nanos::new(10), 0, order(1, Side::Buy, qty, None), &rate)
        };
        assert!(!again(&mut repeats, 4), "the last one is remembered");
        assert!(again(&mut repeats, 0), "the first one gave place");
    }

    proptest! {
        /// The twin remembers each order and when it passed, for good.
        #[test]
        fn as_a_list_of_all_orders(steps in prop::collection::vec((0_u64..40, 0_u32..8), 0..200)) {
            let rate = Rate::new(1, Nanos::new(100)).expect("a rate");
            let (mut repeats, mut now) = (Repeats::new(1, 1_024), 0);
            let mut passed: Vec<(u32, u64)> = Vec::new();
            for (wait, qty) in steps {
                now += wait;
                let want = passed.iter().all(|&(other, at)| other != qty || at + 100 <= now);
                if want {
                    passed.push((qty, now));
                }
                let of = order(7, Side::Sell, qty, Some(1));
                prop_assert_eq!(repeats.take(Nanos::new(now), 0, of, &rate), want);
            }
            prop_assert_eq!(repeats.evicted(), 0);
        }
    }
}
