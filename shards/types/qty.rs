//! Quantity: shares or contracts, never negative.

use core::fmt;
use core::iter::Sum;
use core::ops::{Add, AddAssign, Sub};

/// A number of shares or contracts. Wide enough for a day's volume; one order's is at most `u32`.
///
/// The operators panic where the result does not fit: they are for values that were checked. Values
/// from outside go through the checked and saturating forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Qty(u64);

impl Qty {
    /// None at all.
    pub const ZERO: Self = Self(0);

    /// From a count of shares.
    pub const fn new(shares: u64) -> Self {
        Self(shares)
    }

    /// The count of shares.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// What is left after `taken`, or `None` where more is taken than is there.
    pub fn checked_sub(self, taken: Self) -> Option<Self> {
        self.0.checked_sub(taken.0).map(Self)
    }
}

impl Add for Qty {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Qty {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Qty {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Sum for Qty {
    fn sum<I: Iterator<Item = Self>>(quantities: I) -> Self {
        quantities.fold(Self::ZERO, Add::add)
    }
}

impl From<u32> for Qty {
    fn from(shares: u32) -> Self {
        Self(u64::from(shares))
    }
}

impl fmt::Display for Qty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
