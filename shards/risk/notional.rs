//! Money at stake: price times shares.

use core::iter::Sum;
use core::ops::{Add, Sub};

use types::Px;

/// An amount in units of 1e-8 of the quote currency, never negative.
///
/// 128 bits: one order of the greatest price and quantity needs 95, so 2^33 of them fit. The operators
/// panic where the result does not fit: they are for what was added before. Amounts that come from
/// outside go through the checked and saturating forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Notional(u128);

impl Notional {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// No limit.
    pub const MAX: Self = Self(u128::MAX);

    /// From raw units of 1e-8.
    pub const fn from_raw(raw_e8: u128) -> Self {
        Self(raw_e8)
    }

    /// In raw units of 1e-8.
    pub const fn raw(self) -> u128 {
        self.0
    }

    /// What `shares` are worth at `px`. A negative price, as spreads have, is as much at stake as
    /// the positive one.
    #[inline]
    pub const fn of(px: Px, shares: u32) -> Self {
        Self(px.raw().unsigned_abs() as u128 * shares as u128)
    }

    /// The sum, or `None` where it leaves the range.
    #[inline]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The sum, held at the end of the range.
    #[inline]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left, or nothing where more is taken than is there.
    #[inline]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Notional {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Notional {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Sum for Notional {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::Notional;
    use types::Px;

    #[test]
    fn the_greatest_order_fits_and_the_sign_of_a_price_does_not_count() {
        let cases = [
            // raw price        shares    raw amount
            (21_600_000_000, 100, 2_160_000_000_000),
            (-150_000_000, 2, 300_000_000),
            (0, u32::MAX, 0),
            (i64::MAX, u32::MAX, 39_614_081_247_908_796_755_622_232_065),
            (i64::MIN, 1, 9_223_372_036_854_775_808),
        ];
        for (raw, shares, want) in cases {
            assert_eq!(Notional::of(Px::from_raw(raw), shares).raw(), want, "{raw} x {shares}");
        }
    }
}
