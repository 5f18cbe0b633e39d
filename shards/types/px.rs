//! Price: signed fixed point, 1e-8 of the quote currency.
//!
//! Every venue's own precision (ITCH: 4 decimals, IEX: 4, crypto venues: 8) fits without loss, so
//! that prices of two venues compare as integers.

use core::fmt;
use core::ops::{Add, Neg, Sub};

/// A price in units of 1e-8 of the quote currency. Signed: spreads and offsets can be negative.
///
/// The operators panic where the result does not fit: they are for values that were checked. Values
/// from outside go through the checked and saturating forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Px(i64);

/// Raw units in one unit of a four-decimal wire price.
const PER_PRICE4: i64 = 10_000;

// The largest four-decimal u32 price stays far inside i64, so `from_price4` cannot overflow.
const _: () = assert!((u32::MAX as i64) < i64::MAX / PER_PRICE4);

impl Px {
    /// Raw units in one unit of the quote currency.
    pub const ONE: i64 = 100_000_000;
    /// No price.
    pub const ZERO: Self = Self(0);
    /// Above every price: where a search for the lowest offer starts.
    pub const MAX: Self = Self(i64::MAX);
    /// Below every price: where a search for the highest bid starts.
    pub const MIN: Self = Self(i64::MIN);

    /// From raw units of 1e-8.
    pub const fn from_raw(raw_e8: i64) -> Self {
        Self(raw_e8)
    }

    /// In raw units of 1e-8.
    pub const fn raw(self) -> i64 {
        self.0
    }

    /// From a wire price with four implied decimals (ITCH `Price(4)`).
    pub const fn from_price4(price: u32) -> Self {
        Self(price as i64 * PER_PRICE4)
    }

    /// To a wire price with four implied decimals; `None` where it does not fit without loss.
    pub fn to_price4(self) -> Option<u32> {
        if self.0 % PER_PRICE4 != 0 {
            return None;
        }
        u32::try_from(self.0 / PER_PRICE4).ok()
    }

    /// From a person: `101.25`, `-0.0001`; digits with at most eight after the point, and nothing else.
    /// `None` where it is not that, or leaves the range.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(fraction) || 8 < fraction.len() {
            return None;
        }
        let scale = 10_i64.pow(8 - u32::try_from(fraction.len()).ok()?);
        let whole = whole.parse::<i64>().ok()?.checked_mul(Self::ONE)?;
        let fraction = fraction.parse::<i64>().ok()? * scale; // below one
        Some(Self(whole.checked_add(fraction)? * sign))
    }

    /// The sum, or `None` where it leaves the range.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

impl Add for Px {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Px {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Px {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

/// Decimal, at least two decimals and no more than the value needs: `216.00`, `0.0001`.
impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let one = Self::ONE.unsigned_abs();
        let mut fraction = magnitude % one;
        let mut decimals = 8;
        while 2 < decimals && fraction.is_multiple_of(10) {
            fraction /= 10;
            decimals -= 1;
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = magnitude / one;
        // Formatted on the stack first, so that width and alignment apply to the whole number.
        let mut text = Digits::default();
        fmt::write(&mut text, format_args!("{sign}{whole}.{fraction:0decimals$}"))?;
        f.pad(text.as_str())
    }
}

/// Room for the longest price: sign, 11 digits, point, 8 decimals.
#[derive(Default)]
struct Digits {
    text: [u8; 24],
    len: usize,
}

impl Digits {
    fn as_str(&self) -> &str {
        core::str::from_utf8(&self.text[..self.len]).unwrap_or_default()
    }
}

impl fmt::Write for Digits {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.len + part.len();
        let room = self.text.get_mut(self.len..end).ok_or(fmt::Error)?;
        room.copy_from_slice(part.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::Px;
    use proptest::prelude::*;
    use std::format;

    #[test]
    fn prints_decimals() {
        let cases = [
            // raw             want
            (21_600_000_000, "216.00"),
            (10_000, "0.0001"),
            (1, "0.00000001"),
            (-150_000_000, "-1.50"),
            (0, "0.00"),
            (i64::MIN, "-92233720368.54775808"),
        ];
        for (raw, want) in cases {
            assert_eq!(format!("{}", Px::from_raw(raw)), want, "raw={raw}");
        }
        assert_eq!(format!("{:>8}", Px::from_raw(150_000_000)), "    1.50");
    }

    #[test]
    fn reads_decimals_and_nothing_else() {
        let cases = [
            ("101.25", Some(10_125_000_000)),
            ("7", Some(700_000_000)),
            ("-0.0001", Some(-10_000)),
            ("0.00000001", Some(1)),
            ("92233720368.54775807", Some(i64::MAX)),
            ("92233720368.54775808", None),
            ("0.000000001", None),
            ("", None),
            ("-", None),
            (".5", None),
            ("5.", None),
            ("+5", None),
            ("1e3", None),
            ("1.-5", None),
            ("1 000", None),
        ];
        for (text, want) in cases {
            assert_eq!(Px::parse(text).map(Px::raw), want, "{text}");
        }
    }

    #[test]
    fn refuses_a_price_that_four_decimals_cannot_carry() {
        assert_eq!(Px::from_raw(1).to_price4(), None);
        assert_eq!(Px::from_raw(-10_000).to_price4(), None);
        assert_eq!(Px::MAX.to_price4(), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(raw in -i64::MAX..) {
            prop_assert_eq!(Px::parse(&format!("{}", Px::from_raw(raw))), Some(Px::from_raw(raw)));
        }

        #[test]
        fn price4_survives_the_round_trip(price: u32) {
            prop_assert_eq!(Px::from_price4(price).to_price4(), Some(price));
        }
    }
}
