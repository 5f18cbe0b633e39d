//! At which price a cross trades: the one that pairs the most shares; of those, one that leaves the
//! fewest over at it; of those, the nearest to a reference. Knows no book and no phase.
//!
//! Both sides come best price first, and only as far as they meet are they looked at. The prices that
//! pair the most lie between the limits of the last bid and the last offer that pair; what is left of
//! those two levels, or the levels behind them, says where among them the least is left over.

use types::Side;

use crate::Tick;

/// Shares that would trade at a limit or better; `None` at any price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// The worst price.
    pub limit: Option<Tick>,
    /// The shares.
    pub qty: u64,
}

/// The prices between which something may trade, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The lowest.
    pub lower: Tick,
    /// The highest.
    pub upper: Tick,
}

impl Span {
    /// All prices.
    pub const ALL: Self = Self { lower: Tick::new(i64::MIN), upper: Tick::new(i64::MAX) };

    /// What lies in both; where they are apart, the end of `self` that is the nearest.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        let clamp = |tick: Tick| tick.max(self.lower).min(self.upper);
        Self { lower: clamp(other.lower), upper: clamp(other.upper) }
    }

    /// Whether a price lies in it.
    #[inline]
    pub fn holds(self, tick: Tick) -> bool {
        self.lower <= tick && tick <= self.upper
    }
}

/// Where a cross trades, and what is left over there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The price.
    pub tick: Tick,
    /// The shares of one side that trade; at least 1.
    pub paired: u64,
    /// The shares that would trade at this price and find nobody.
    pub imbalance: u64,
    /// Whose those are; `None` where there are none.
    pub side: Option<Side>,
}

/// Where bids and offers, each best price first, cross within a span; `None` where no two meet there.
pub fn crossing(
    bids: impl Iterator<Item = Interest>,
    offers: impl Iterator<Item = Interest>,
    span: Span,
    reference: Tick,
) -> Option<Crossing> {
    let mut bids = Levels { side: Side::Buy, span, entries: bids, next: None };
    let mut offers = Levels { side: Side::Sell, span, entries: offers, next: None };
    let (mut bid, mut offer) = (bids.level(), offers.level());
    let (mut paired, mut last) = (0, None);
    while let (Some((buy, bought)), Some((sell, sold))) = (&mut bid, &mut offer)
        && *sell <= *buy
    {
        let qty = (*bought).min(*sold);
        paired += qty;
        last = Some((*buy, *sell));
        (*bought, *sold) = (*bought - qty, *sold - qty);
        let (no_bid, no_offer) = (*bought == 0, *sold == 0);
        if no_bid {
            bid = bids.level();
        }
        if no_offer {
            offer = offers.level();
        }
    }
    let (high, low) = last?;
    // One tick towards the other side from a level behind; the ends of the ticks have nothing behind.
    let above = |level: Option<(i64, u64)>| level.map_or(low, |(tick, _)| low.max(tick + 1));
    let below = |level: Option<(i64, u64)>| level.map_or(high, |(tick, _)| high.min(tick - 1));
    let (from, to, imbalance, side) = match (bid, offer) {
        (Some((buy, over)), _) if buy == high => (above(bids.level()), high, over, Some(Side::Buy)),
        (_, Some((sell, over))) if sell == low => {
            (low, below(offers.level()), over, Some(Side::Sell))
        }
        _ if above(bid) <= below(offer) => (above(bid), below(offer), 0, None),
        // The next levels stand a tick apart: no price leaves nothing over.
        (Some((buy, bought)), Some((sell, sold))) => {
            let (from, to) = (above(bids.level()), below(offers.level()));
            match bought.cmp(&sold) {
                core::cmp::Ordering::Less => (from, buy, bought, Some(Side::Buy)),
                core::cmp::Ordering::Greater => (sell, to, sold, Some(Side::Sell)),
                core::cmp::Ordering::Equal => {
                    let side = if reference.get() <= buy { Side::Buy } else { Side::Sell };
                    (from, to, bought, Some(side))
                }
            }
        }
        (None, _) | (_, None) => unreachable!("what ends at nothing leaves room for a price"),
    };
    let tick = Tick::new(reference.get().max(from).min(to));
    Some(Crossing { tick, paired, imbalance, side })
}

/// The shares that would trade at a price.
pub(crate) fn eager(side: Side, entries: impl Iterator<Item = Interest>, tick: Tick) -> u64 {
    let reaches = |entry: &Interest| match (entry.limit, side) {
        (None, _) => true,
        (Some(limit), Side::Buy) => tick <= limit,
        (Some(limit), Side::Sell) => limit <= tick,
    };
    entries.take_while(reaches).map(|entry| entry.qty).sum()
}

/// Two lists of one side as one, best price first.
pub(crate) fn merged(
    side: Side,
    one: impl Iterator<Item = Interest>,
    other: impl Iterator<Item = Interest>,
) -> impl Iterator<Item = Interest> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    core::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some(a), Some(b)) if eagerness(side, b.limit) < eagerness(side, a.limit) => other.next(),
        (Some(_), _) => one.next(),
        (None, _) => other.next(),
    })
}

/// Lowest first is best first; no limit is better than every limit.
pub(crate) fn eagerness(side: Side, limit: Option<Tick>) -> u64 {
    let Some(tick) = limit else { return 0 };
    // Flipping the sign's bit keeps the order of signed numbers among unsigned ones.
    let rank = tick.get() as u64 ^ 1 << 63;
    match side {
        Side::Buy => !rank,
        Side::Sell => rank,
    }
}

/// One side as levels: limits held into the span, equal ones together, those that cannot reach it
/// left out.
struct Levels<I> {
    side: Side,
    span: Span,
    entries: I,
    next: Option<(i64, u64)>,
}

impl<I: Iterator<Item = Interest>> Levels<I> {
    fn entry(&mut self) -> Option<(i64, u64)> {
        let Interest { limit, qty } = self.entries.next()?;
        let Span { lower, upper } = self.span;
        let limit = match self.side {
            Side::Buy => limit.map_or(upper, |limit| limit.min(upper)),
            Side::Sell => limit.map_or(lower, |limit| limit.max(lower)),
        };
        self.span.holds(limit).then_some((limit.get(), qty))
    }

    fn level(&mut self) -> Option<(i64, u64)> {
        let (limit, mut qty) = match self.next.take() {
            Some(level) => level,
            None => self.entry()?,
        };
        while let Some(entry) = self.entry() {
            if entry.0 != limit {
                self.next = Some(entry);
                break;
            }
            qty += entry.1;
        }
        Some((limit, qty))
    }
}

#[cfg(test)]
mod tests {
    use super::{Crossing, Interest, Span, crossing, eager};
    use crate::Tick;
    use alloc::vec::Vec;
    use proptest::prelude::*;
    use types::Side;

    fn interest(entries: &[(Option<i64>, u64)], side: Side) -> Vec<Interest> {
        let mut entries: Vec<Interest> = entries
            .iter()
            .map(|&(limit, qty)| Interest { limit: limit.map(Tick::new), qty })
            .collect();
        entries.sort_by_key(|entry| super::eagerness(side, entry.limit));
        entries
    }

    /// Every price of the span, one after the other.
    fn naive(
        bids: &[Interest],
        offers: &[Interest],
        (lower, upper): (i64, i64),
        reference: i64,
    ) -> Option<Crossing> {
        (lower..=upper)
            .map(|price| {
                let tick = Tick::new(price);
                let buy = eager(Side::Buy, bids.iter().copied(), tick);
                let sell = eager(Side::Sell, offers.iter().copied(), tick);
                let side = match buy.cmp(&sell) {
                    core::cmp::Ordering::Less => Some(Side::Sell),
                    core::cmp::Ordering::Equal => None,
                    core::cmp::Ordering::Greater => Some(Side::Buy),
                };
                Crossing { tick, paired: buy.min(sell), imbalance: buy.abs_diff(sell), side }
            })
            .filter(|crossing| crossing.paired != 0)
            .min_by_key(|at| {
                let away = at.tick.get().abs_diff(reference);
                (core::cmp::Reverse(at.paired), at.imbalance, away, at.tick)
            })
    }

    #[test]
    fn the_price_pairs_most_then_leaves_least_then_is_nearest() {
        let cases = [
            // bids                                offers                             reference  want: price paired imbalance side
            (&[(Some(105), 10)][..], &[(Some(95), 10)][..], 100, (100, 10, 0, None)),
            (&[(Some(105), 10)], &[(Some(95), 10)], 120, (105, 10, 0, None)),
            // More bid than offered: as high as all of the bids go.
            (&[(Some(105), 15)], &[(Some(95), 10)], 100, (100, 10, 5, Some(Side::Buy))),
            (
                &[(Some(105), 15), (Some(102), 5)],
                &[(Some(95), 10)],
                100,
                (103, 10, 5, Some(Side::Buy)),
            ),
            // Orders without a limit trade at the reference where nothing else is said.
            (&[(None, 10)], &[(None, 10)], 100, (100, 10, 0, None)),
            (&[(None, 10)], &[(Some(101), 4)], 100, (101, 4, 6, Some(Side::Buy))),
            // The next levels are a tick apart, and the smaller one is left over.
            (
                &[(Some(105), 10), (Some(100), 7)],
                &[(Some(95), 10), (Some(101), 3)],
                100,
                (101, 10, 3, Some(Side::Sell)),
            ),
        ];
        for (bids, offers, reference, (tick, paired, imbalance, side)) in cases {
            let (bids, offers) = (interest(bids, Side::Buy), interest(offers, Side::Sell));
            let span = Span { lower: Tick::new(90), upper: Tick::new(110) };
            let got =
                crossing(bids.iter().copied(), offers.iter().copied(), span, Tick::new(reference));
            let want = Crossing { tick: Tick::new(tick), paired, imbalance, side };
            assert_eq!(got, Some(want), "{bids:?} {offers:?}");
        }
    }

    #[test]
    fn what_does_not_meet_inside_the_span_does_not_cross() {
        let cases = [
            (&[(Some(99), 5)][..], &[(Some(100), 5)][..]),
            (&[(Some(89), 5)], &[(Some(80), 5)]),
            (&[(Some(120), 5)], &[(Some(111), 5)]),
            (&[], &[(None, 5)]),
        ];
        for (bids, offers) in cases {
            let (bids, offers) = (interest(bids, Side::Buy), interest(offers, Side::Sell));
            let span = Span { lower: Tick::new(90), upper: Tick::new(110) };
            let got = crossing(bids.iter().copied(), offers.iter().copied(), span, Tick::new(100));
            assert_eq!(got, None, "{bids:?} {offers:?}");
        }
    }

    proptest! {
        #[test]
        fn the_crossing_is_the_best_of_all_prices(
            bids in prop::collection::vec((prop::option::weighted(0.9, 90..112i64), 1..6u64), 0..12),
            offers in prop::collection::vec((prop::option::weighted(0.9, 88..110i64), 1..6u64), 0..12),
            reference in 85..115i64,
            lower in 85..105i64,
            width in 0..25i64,
        ) {
            let (bids, offers) = (interest(&bids, Side::Buy), interest(&offers, Side::Sell));
            let span = Span { lower: Tick::new(lower), upper: Tick::new(lower + width) };
            let got =
                crossing(bids.iter().copied(), offers.iter().copied(), span, Tick::new(reference));
            prop_assert_eq!(got, naive(&bids, &offers, (lower, lower + width), reference));
        }
    }
}
