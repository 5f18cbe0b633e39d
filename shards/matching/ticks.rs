//! Which prices an instrument may trade at, and which tick each of them is.
//!
//! A table has bands: from a price on, so far apart. Prices are numbered through all bands, so that
//! a book counts ticks and asks no more how far apart they are; the port asks once an order, and an
//! order off its tick never reaches the book.

use types::Px;

use crate::Tick;

/// The most bands of a table.
pub const BANDS_MAX: usize = 8;

/// A table of ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickTable {
    bands: [Band; BANDS_MAX],
    len: usize,
}

/// From a price on, so far apart. Raw prices: units of 1e-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Band {
    from: i64,
    step: i64,
    /// The tick of `from`.
    first: i64,
}

/// Why a table cannot be. The number goes to the log: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BadTable {
    /// It has no band, or more than [`BANDS_MAX`].
    Bands = 1,
    /// A step is not above zero.
    Step = 2,
    /// The first band does not begin at zero.
    Begin = 3,
    /// A band does not begin above the one before it.
    Order = 4,
    /// A band begins between two prices of the one before it.
    Uneven = 5,
}

impl TickTable {
    /// From bands: each the price it begins at and how far apart its prices are. The first begins at
    /// zero, and goes on below it.
    pub fn new(bands: &[(Px, Px)]) -> Result<Self, BadTable> {
        if bands.is_empty() || BANDS_MAX < bands.len() {
            return Err(BadTable::Bands);
        }
        let blank = Band { from: 0, step: 1, first: 0 };
        let mut table = Self { bands: [blank; BANDS_MAX], len: bands.len() };
        for (at, (from, step)) in bands.iter().enumerate() {
            let (from, step) = (from.raw(), step.raw());
            if step <= 0 {
                return Err(BadTable::Step);
            }
            let first = match at.checked_sub(1).map(|before| table.bands[before]) {
                None if from != 0 => return Err(BadTable::Begin),
                None => 0,
                Some(before) if from <= before.from => return Err(BadTable::Order),
                Some(before) if (from - before.from) % before.step != 0 => {
                    return Err(BadTable::Uneven);
                }
                Some(before) => before.first + (from - before.from) / before.step,
            };
            table.bands[at] = Band { from, step, first };
        }
        Ok(table)
    }

    /// The tick of a price; `None` where it lies between two.
    #[inline]
    pub fn tick(&self, px: Px) -> Option<Tick> {
        let band = self.band(|band| band.from <= px.raw());
        let above = px.raw().checked_sub(band.from)?;
        // Both bounds of the sum are within the range of raw prices, which are no fewer than ticks.
        (above % band.step == 0).then(|| Tick::new(band.first + above / band.step))
    }

    /// The highest tick whose price is no higher than this.
    pub(crate) fn at_or_below(&self, px: Px) -> Tick {
        let band = self.band(|band| band.from <= px.raw());
        // Saturates where the first band goes below all prices: nothing trades there.
        Tick::new(band.first + px.raw().saturating_sub(band.from).div_euclid(band.step))
    }

    /// The lowest tick whose price is no lower than this.
    pub(crate) fn at_or_above(&self, px: Px) -> Tick {
        self.tick(px).unwrap_or_else(|| Tick::new(self.at_or_below(px).get() + 1))
    }

    /// The price of a tick; `None` where no price is so high or so low.
    #[inline]
    pub fn px(&self, tick: Tick) -> Option<Px> {
        let band = self.band(|band| band.first <= tick.get());
        let above = tick.get().checked_sub(band.first)?.checked_mul(band.step)?;
        band.from.checked_add(above).map(Px::from_raw)
    }

    /// The last band that `holds`, or the first, which goes on below zero.
    #[inline]
    fn band(&self, holds: impl Fn(&Band) -> bool) -> Band {
        let bands = &self.bands[..self.len];
        bands.iter().rev().find(|band| holds(band)).copied().unwrap_or(self.bands[0])
    }
}

#[cfg(test)]
mod tests {
    use super::{BadTable, TickTable};
    use crate::Tick;
    use alloc::vec::Vec;
    use proptest::prelude::*;
    use types::Px;

    /// United States equities: a hundredth of a cent below a dollar, a cent from there (Reg NMS 612).
    fn equities() -> TickTable {
        TickTable::new(&[
            (Px::ZERO, Px::from_price4(1)),
            (Px::from_price4(10_000), Px::from_price4(100)),
        ])
        .unwrap()
    }

    #[test]
    fn prices_are_numbered_through_all_bands() {
        let cases = [
            // price, 4 decimals  tick
            (0, Some(0)),
            (1, Some(1)),
            (9_999, Some(9_999)),
            (10_000, Some(10_000)),
            (10_001, None),
            (10_100, Some(10_001)),
            (1_675_200, Some(26_652)),
            (1_675_250, None),
        ];
        for (price, want) in cases {
            let px = Px::from_price4(price);
            assert_eq!(equities().tick(px), want.map(Tick::new), "{px}");
            if let Some(tick) = want {
                assert_eq!(equities().px(Tick::new(tick)), Some(px), "{tick}");
            }
        }
        let below = Px::from_raw(-20_000);
        assert_eq!(equities().tick(below), Some(Tick::new(-2)), "the price of a spread");
    }

    #[test]
    fn a_table_that_cannot_be_is_refused() {
        let px = Px::from_raw;
        let cases: [(&[(i64, i64)], BadTable); 6] = [
            (&[], BadTable::Bands),
            (&[(0, 1); 9], BadTable::Bands),
            (&[(0, 0)], BadTable::Step),
            (&[(5, 1)], BadTable::Begin),
            (&[(0, 1), (0, 2)], BadTable::Order),
            (&[(0, 3), (10, 5)], BadTable::Uneven),
        ];
        for (bands, want) in cases {
            let bands: Vec<_> = bands.iter().map(|&(from, step)| (px(from), px(step))).collect();
            assert_eq!(TickTable::new(&bands), Err(want), "{bands:?}");
        }
    }

    proptest! {
        #[test]
        fn ticks_and_prices_are_in_the_same_order(
            steps in prop::collection::vec((1..1_000i64, 1..500i64), 1..8),
            raw: i64,
            tick: i64,
        ) {
            // Each band begins so many of its predecessor's steps after it.
            let (mut bands, mut from) = (Vec::new(), 0);
            for (step, length) in steps {
                bands.push((Px::from_raw(from), Px::from_raw(step)));
                from += step * length;
            }
            let table = TickTable::new(&bands).unwrap();
            for raw in [raw, raw % 1_000_000] {
                if let Some(tick) = table.tick(Px::from_raw(raw)) {
                    prop_assert_eq!(table.px(tick), Some(Px::from_raw(raw)));
                }
            }
            for tick in [tick, tick % 5_000] {
                let Some(px) = table.px(Tick::new(tick)) else { continue };
                prop_assert_eq!(table.tick(px), Some(Tick::new(tick)));
                let Some(next) = tick.checked_add(1).and_then(|next| table.px(Tick::new(next))) else {
                    continue;
                };
                prop_assert!(px < next);
            }
        }
    }
}
