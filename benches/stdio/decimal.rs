//! The protocol's numbers and the books': a price is a count of ticks, a quantity a count of lots.
//!
//! The protocol speaks of fractions of a share, which the books do not have, so a lot is a small
//! binary fraction of one: halves of halves, which the suite's traces are full of, stay whole.

use matching::Tick;

/// A share is 2^20 lots, and an order at most 4,095 shares and some.
const LOT_BITS: u32 = 20;
/// A quantity as far from whole lots as this, in shares, is what a `f64` made of it.
const NOISE: f64 = 1e-12;
/// No price is a higher tick: the books take twice as much.
const TICK_MAX: f64 = (1u32 << 29) as f64;
/// Decimals of a tick size, and digits of it all told.
const DIGITS_MAX: usize = 18;

/// The prices that there are.
#[derive(Clone, Copy)]
pub(crate) struct Grid {
    /// The tick size, as `digits` units of 10^-`scale`.
    digits: u64,
    scale: u32,
    size: f64,
}

impl Grid {
    /// From the tick size, a decimal number; `None` where it is none above zero or has too many digits.
    pub(crate) fn new(tick_size: &str) -> Option<Self> {
        let (whole, fraction) = tick_size.split_once('.').unwrap_or((tick_size, ""));
        let digits = format!("{whole}{fraction}");
        let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
        if !plain || DIGITS_MAX < digits.len() {
            return None;
        }
        let grid = Self {
            digits: digits.parse().ok()?,
            scale: fraction.len() as u32, // at most DIGITS_MAX
            size: tick_size.parse().ok()?,
        };
        (0 < grid.digits).then_some(grid)
    }

    /// The nearest tick, as the protocol defines it: the one that its division of two `f64` gives,
    /// ties to even. `None` where that is no price.
    pub(crate) fn tick(&self, price: f64) -> Option<Tick> {
        let tick = (price / self.size).round_ties_even();
        // Also where it is not a number.
        (1.0..=TICK_MAX).contains(&tick).then(|| Tick::new(tick as i64))
    }

    /// A tick's price.
    pub(crate) fn price(&self, tick: Tick) -> String {
        // Every tick in a book came through `tick`, and 2^29 times 10^18 fits.
        let units = u128::from(tick.get().unsigned_abs()) * u128::from(self.digits);
        decimal(units, self.scale)
    }
}

/// The lots of a quantity; `None` where it is none, none above zero, or no whole number of lots.
pub(crate) fn lots(quantity: f64) -> Option<u32> {
    let share = f64::from(1 << LOT_BITS);
    let lots = (quantity * share).round();
    let whole = (quantity - lots / share).abs() <= NOISE;
    // Also where it is not a number.
    (whole && (1.0..=f64::from(u32::MAX)).contains(&lots)).then_some(lots as u32)
}

/// A quantity with at most `places` decimals, ties to even; `places` is at most [`PLACES_MAX`].
pub(crate) fn quantity(lots: u32, places: u32) -> String {
    let units = u128::from(lots) * 10u128.pow(places); // below 2^32 times 2^60
    let (share, half) = (1u128 << LOT_BITS, 1u128 << (LOT_BITS - 1));
    let (below, rest) = (units / share, units % share);
    let up = half < rest || (rest == half && below % 2 == 1);
    decimal(below + u128::from(up), places)
}

/// Decimals that the protocol knows.
pub(crate) const PLACES_MAX: u32 = 18;

/// `units` of 10^-`scale`, without a zero that says nothing.
fn decimal(units: u128, scale: u32) -> String {
    let scale = scale as usize;
    let mut text = format!("{units:0>width$}", width = scale + 1);
    if scale != 0 {
        text.insert(text.len() - scale, '.');
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Grid, lots, quantity};
    use matching::Tick;
    use proptest::prelude::*;

    #[test]
    fn a_price_goes_to_the_nearest_tick() {
        let cases = [
            // tick size  price  want
            ("0.01", 100.0, Some((10_000, "100"))),
            ("0.01", 100.004, Some((10_000, "100"))),
            ("0.01", 100.006, Some((10_001, "100.01"))),
            ("0.01", 0.004, None),
            ("0.01", 0.0, None),
            ("0.01", -1.0, None),
            ("0.01", f64::NAN, None),
            ("0.01", f64::INFINITY, None),
            ("0.01", 1e300, None),
            ("5", 12.5, Some((2, "10"))),
            ("5", 17.5, Some((4, "20"))),
            ("0.00000001", 0.00000003, Some((3, "0.00000003"))),
        ];
        for (tick_size, price, want) in cases {
            let grid = Grid::new(tick_size).expect(tick_size);
            let got = grid.tick(price);
            let want = want.map(|(tick, text)| (Tick::new(tick), text.to_owned()));
            assert_eq!(got.map(|tick| (tick, grid.price(tick))), want, "{price} by {tick_size}");
        }
    }

    #[test]
    fn a_tick_size_that_is_none_is_refused() {
        for text in ["", "0", "0.00", "-1", "1e-2", "x", ".", "1.2.3", "1234567890123456789"] {
            assert!(Grid::new(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_quantity_is_whole_lots_or_none() {
        let lot = 1.0 / 1_048_576.0;
        let cases = [
            (1.0, Some(1 << 20)),
            (0.5, Some(1 << 19)),
            (lot, Some(1)),
            (lot / 2.0, None),
            (0.1, None),
            (4_095.5, Some((8_191) << 19)),
            (4_096.0, None),
            (0.0, None),
            (-1.0, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ];
        for (shares, want) in cases {
            assert_eq!(lots(shares), want, "{shares}");
        }
    }

    #[test]
    fn a_quantity_has_as_many_decimals_as_it_needs() {
        let cases = [
            // lots     places  want
            (1 << 20, 12, "1"),
            (3 << 19, 12, "1.5"),
            (3 << 19, 0, "2"),
            (5 << 19, 0, "2"),
            (10 << 20, 12, "10"),
            (1, 18, "0.000000953674316406"), // a tie: to even
            (1, 12, "0.000000953674"),
            (u32::MAX, 3, "4096"),
        ];
        for (lots, places, want) in cases {
            assert_eq!(quantity(lots, places), want, "{lots} lots to {places}");
        }
    }

    proptest! {
        #[test]
        fn lots_come_back_from_their_decimals(count in 1..=u32::MAX) {
            let shares: f64 = quantity(count, 18).parse().unwrap();
            prop_assert_eq!(lots(shares), Some(count));
        }
    }
}
