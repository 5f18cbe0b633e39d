//! One instrument as the tape names it, and its prices on the wire.

use matching::{Tick, TickTable};
use types::{Px, Symbol};
use wire::itch50::{LuldTier, MarketCategory, RegShoAction};

/// Raw units of a price in one unit of a four-decimal wire price.
const PER_PRICE4: i64 = Px::from_price4(1).raw();

/// One instrument. What the directory says beside this is the same for all: common stock in order,
/// for production, no new issue, no exchange-traded product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its ticker.
    pub symbol: Symbol,
    /// Its number on the feed for the day, from 1; each has its own.
    pub locate: u16,
    /// What its ticks are worth.
    pub ticks: TickTable,
    /// Shares in a round lot.
    pub round_lot: u32,
    /// Where it is listed.
    pub category: MarketCategory,
    /// Which limit-up limit-down band.
    pub tier: LuldTier,
    /// The short-sale price test it begins the day with.
    pub short_sale: RegShoAction,
    /// It is named and halted as others are, but of its book only the prints are told.
    pub dark: bool,
}

impl Listing {
    /// The price of a displayed order: exact, or `None` where four decimals do not hold it, or it is
    /// not above zero, which ITCH reads as no price.
    #[inline]
    pub(crate) fn limit(&self, tick: Tick) -> Option<u32> {
        self.ticks.px(tick)?.to_price4().filter(|&price| price != 0)
    }

    /// The price of a print, half a tick higher where it is `half`, rounded down to four decimals: a
    /// midpoint between two ticks of a hundredth of a cent has five. `None` where that does not fit or
    /// is not above zero.
    #[inline]
    pub(crate) fn print(&self, tick: Tick, half: bool) -> Option<u32> {
        let mut raw = self.ticks.px(tick)?.raw();
        if half {
            let above = self.ticks.px(Tick::new(tick.get().checked_add(1)?))?.raw();
            raw = raw.midpoint(above);
        }
        u32::try_from(raw.div_euclid(PER_PRICE4)).ok().filter(|&price| price != 0)
    }

    /// The price of an indication or a collar; 0 where there is none.
    pub(crate) fn hint(&self, tick: Option<Tick>) -> u32 {
        tick.and_then(|tick| self.print(tick, false)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Listing;
    use matching::{Tick, TickTable};
    use types::{Px, Symbol};
    use wire::itch50::{LuldTier, MarketCategory, RegShoAction};

    #[test]
    fn prices_are_exact_and_midpoints_rounded_down() {
        let px = Px::from_price4;
        let ticks = TickTable::new(&[(Px::ZERO, px(1)), (px(10_000), px(100))]).unwrap();
        let mut listing = Listing {
            symbol: Symbol::from_wire(*b"AAPL    "),
            locate: 1,
            ticks,
            round_lot: 100,
            category: MarketCategory::NasdaqGlobalSelect,
            tier: LuldTier::Tier1,
            short_sale: RegShoAction::None,
            dark: false,
        };
        let cases = [
            // tick      limit         print         half a tick above
            (10_001, Some(10_100), Some(10_100), Some(10_150)),
            (9_999, Some(9_999), Some(9_999), Some(9_999)), // 0.99995
            (1, Some(1), Some(1), Some(1)),
            (0, None, None, None),
            (-3, None, None, None),
            (i64::MAX, None, None, None),
            (42_959_572, Some(4_294_967_200), Some(4_294_967_200), Some(4_294_967_250)),
            (42_959_573, None, None, None),
        ];
        for (tick, limit, print, half) in cases {
            let tick = Tick::new(tick);
            assert_eq!(listing.limit(tick), limit, "{tick}");
            assert_eq!(listing.print(tick, false), print, "{tick}");
            assert_eq!(listing.print(tick, true), half, "{tick}");
        }
        listing.ticks = TickTable::new(&[(Px::ZERO, Px::from_raw(2_500))]).unwrap();
        assert_eq!(listing.limit(Tick::new(5)), None, "finer than the wire");
        assert_eq!(listing.print(Tick::new(5), false), Some(1));
    }
}
