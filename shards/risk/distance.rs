//! How far from a reference a price may be.

use types::Px;

/// A distance from a reference price: a part of it, an amount, or both, of which the shorter counts.
/// By default there is none, and every price is near.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distance {
    /// In hundredths of a percent; `u32::MAX` for none.
    bps: u32,
    /// At least zero; `Px::MAX` for none.
    amount: Px,
}

impl Default for Distance {
    fn default() -> Self {
        Self::NONE
    }
}

impl Distance {
    /// As far as prices go.
    pub const NONE: Self = Self { bps: u32::MAX, amount: Px::MAX };

    /// So many hundredths of a percent of the reference, rounded down to a raw unit.
    pub const fn of_bps(bps: u32) -> Self {
        Self { bps, amount: Px::MAX }
    }

    /// So much on each side. An amount below zero is none at all on either.
    pub fn of_amount(amount: Px) -> Self {
        Self { bps: u32::MAX, amount: amount.max(Px::ZERO) }
    }

    /// The shorter of both, as a part and as an amount.
    #[inline]
    pub fn tighter(self, other: Self) -> Self {
        Self { bps: self.bps.min(other.bps), amount: self.amount.min(other.amount) }
    }

    /// Whether there is one.
    #[inline]
    pub fn is_some(self) -> bool {
        self.bps != u32::MAX || self.amount != Px::MAX
    }

    /// The lowest and the highest price near `reference`, held at the ends of the range.
    #[inline]
    pub fn around(self, reference: Px) -> (Px, Px) {
        let room = self.room_raw(reference);
        let low = reference.raw().saturating_sub(room);
        let high = reference.raw().saturating_add(room);
        (Px::from_raw(low), Px::from_raw(high))
    }

    #[inline]
    fn room_raw(self, reference: Px) -> i64 {
        if self.bps == u32::MAX {
            return self.amount.raw();
        }
        let (size, bps) = (reference.raw().unsigned_abs(), u64::from(self.bps));
        let part = match size.checked_mul(bps) {
            Some(product) => product / 10_000,
            // In two steps, so that no product leaves 64 bits: wide division is slow.
            None => {
                let part = (size / 10_000).saturating_mul(bps);
                part.saturating_add(size % 10_000 * bps / 10_000)
            }
        };
        i64::try_from(part).unwrap_or(i64::MAX).min(self.amount.raw())
    }
}

#[cfg(test)]
mod tests {
    use super::Distance;
    use proptest::prelude::*;
    use types::Px;

    #[test]
    fn the_shorter_counts() {
        let px = Px::from_raw;
        let both = Distance::of_bps(1_000).tighter(Distance::of_amount(px(150)));
        let cases = [
            // distance                     reference   low        high
            (Distance::NONE, 1_000, 1_000 - i64::MAX, i64::MAX),
            (Distance::of_bps(500), 1_000, 950, 1_050),
            (Distance::of_bps(1), 9_999, 9_999, 9_999),
            (Distance::of_bps(0), 1_000, 1_000, 1_000),
            (Distance::of_bps(500), -1_000, -1_050, -950),
            (Distance::of_amount(px(7)), 1_000, 993, 1_007),
            (Distance::of_amount(px(-7)), 1_000, 1_000, 1_000),
            (both, 1_000, 900, 1_100),
            (both, 2_000, 1_850, 2_150),
            (Distance::of_bps(20_000), i64::MAX, 0, i64::MAX),
        ];
        for (distance, reference, low, high) in cases {
            let got = distance.around(px(reference));
            assert_eq!(got, (px(low), px(high)), "{distance:?} of {reference}");
        }
    }

    proptest! {
        #[test]
        fn in_two_steps_as_in_one(reference: i64, bps in 0..u32::MAX) {
            let want = i128::from(reference).abs() * i128::from(bps) / 10_000;
            let want = i64::try_from(want).unwrap_or(i64::MAX);
            let got = Distance::of_bps(bps).room_raw(Px::from_raw(reference));
            prop_assert_eq!(got, want);
        }
    }
}
