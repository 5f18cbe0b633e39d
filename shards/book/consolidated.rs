//! Consolidated best bid and offer: per instrument, the best price over venues, the shares there
//! and the venues that show it.
//!
//! Fed with each venue's own top; knows nothing of orders or depth. A venue whose book is stale or
//! halted does not count.

use alloc::vec;
use alloc::vec::Vec;
use types::{InstrumentId, Px, Qty, Side, Trading, VenueId};

use crate::{Level, State, Top};

/// The most venues that one consolidated book takes: one bit each.
pub const VENUES_MAX: usize = 64;

/// The best price on one side over all venues that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Best {
    /// The price.
    pub px: Px,
    /// The shares at that price, summed over venues.
    pub qty: Qty,
    /// Bit `v` is set where venue `v` is at that price.
    pub venues: u64,
}

impl Best {
    /// Whether `venue` is at this price.
    pub const fn has(&self, venue: VenueId) -> bool {
        venue.get() < 64 && self.venues >> venue.get() & 1 == 1
    }
}

/// The consolidated best bid and offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consolidated {
    /// The highest bid.
    pub bid: Option<Best>,
    /// The lowest offer.
    pub offer: Option<Best>,
}

impl Consolidated {
    /// Locked and crossed here are across venues. `Empty` too where no venue counts.
    pub fn state(&self) -> State {
        let level = |best: Best| Level { px: best.px, qty: best.qty, orders: 0 };
        let top = Top { bid: self.bid.map(level), offer: self.offer.map(level) };
        State::of(false, Trading::Open, &top)
    }
}

/// The tops of all venues and instruments of one shard.
pub struct Tops {
    venues: usize,
    /// `instrument * venues + venue`: the venues of one instrument lie together. The best over them
    /// is not kept: it would be two more lines to miss for each book that changed.
    quotes: Vec<Quote>,
}

/// One venue's best prices, without the counts that do not add up across venues. One cache line.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
pub struct Quote {
    bid: Option<(Px, Qty)>,
    offer: Option<(Px, Qty)>,
}

impl Tops {
    /// Room for `instruments` slots at venues 0 to `venues - 1`, none of them quoting yet.
    ///
    /// # Panics
    /// Where `venues` is more than [`VENUES_MAX`].
    pub fn new(instruments: usize, venues: usize) -> Self {
        assert!(
            venues <= VENUES_MAX,
            "{venues} venues; one shard consolidates at most {VENUES_MAX}"
        );
        Self { venues, quotes: vec![Quote::default(); instruments * venues] }
    }

    /// A venue's top as it is now. `state` says whether it counts. A venue or slot that does not
    /// exist changes nothing.
    #[inline]
    pub fn set(&mut self, venue: VenueId, instrument: InstrumentId, top: &Top, state: State) {
        let venue = usize::from(venue.get());
        let pair = |level: Level| (level.px, level.qty);
        let Some(quote) = self.quotes_mut(instrument).get_mut(venue) else { return };
        *quote = if state.is_usable() {
            Quote { bid: top.bid.map(pair), offer: top.offer.map(pair) }
        } else {
            Quote::default()
        };
    }

    /// The consolidated best; empty for a slot that does not exist.
    pub fn best(&self, instrument: InstrumentId) -> Consolidated {
        let quotes = self.quotes(instrument);
        Consolidated {
            bid: best_of(Side::Buy, quotes.iter().map(|quote| quote.bid)),
            offer: best_of(Side::Sell, quotes.iter().map(|quote| quote.offer)),
        }
    }

    /// What the venues show of an instrument; nothing for a slot that does not exist. The first is
    /// what to prefetch before a `set`.
    #[inline]
    pub fn quotes(&self, instrument: InstrumentId) -> &[Quote] {
        self.quotes.get(self.range(instrument)).unwrap_or_default()
    }

    #[inline]
    fn quotes_mut(&mut self, instrument: InstrumentId) -> &mut [Quote] {
        let range = self.range(instrument);
        self.quotes.get_mut(range).unwrap_or_default()
    }

    #[inline]
    fn range(&self, instrument: InstrumentId) -> core::ops::Range<usize> {
        let from = instrument.index() * self.venues;
        from..from + self.venues
    }
}

fn best_of(side: Side, quotes: impl Iterator<Item = Option<(Px, Qty)>>) -> Option<Best> {
    let mut best: Option<Best> = None;
    for (venue, quote) in quotes.enumerate() {
        let Some((px, qty)) = quote else { continue };
        let bit = 1u64 << venue;
        match &mut best {
            Some(found) if found.px == px => {
                // Held at the top: shares displayed cannot reach it, hostile ones may try.
                found.qty = Qty::new(found.qty.get().saturating_add(qty.get()));
                found.venues |= bit;
            }
            Some(found) if !is_better(side, px, found.px) => {}
            Some(_) | None => best = Some(Best { px, qty, venues: bit }),
        }
    }
    best
}

fn is_better(side: Side, px: Px, than: Px) -> bool {
    match side {
        Side::Buy => than < px,
        Side::Sell => px < than,
    }
}

#[cfg(test)]
mod tests {
    use super::{Best, Consolidated, Tops};
    use crate::{Level, State, Top};
    use proptest::prelude::*;
    use types::{InstrumentId, Px, Qty, VenueId};

    const ID: InstrumentId = InstrumentId::new(0);

    fn level(quote: Option<(i64, u64)>) -> Option<Level> {
        quote.map(|(px, qty)| Level { px: Px::from_raw(px), qty: Qty::new(qty), orders: 1 })
    }

    fn best(px: i64, qty: u64, venues: u64) -> Option<Best> {
        Some(Best { px: Px::from_raw(px), qty: Qty::new(qty), venues })
    }

    #[test]
    fn the_best_of_all_venues_that_count() {
        let mut tops = Tops::new(1, 3);
        let empty = Consolidated::default();
        let both = |bid, offer| Consolidated { bid, offer };
        // venue, bid, offer, its state, then: what is best, the state across venues
        #[rustfmt::skip]
        let steps = [
            (0, Some((99, 5)), Some((101, 7)), State::Normal, both(best(99, 5, 1), best(101, 7, 1)), State::Normal),
            (0, Some((99, 5)), Some((101, 7)), State::Normal, both(best(99, 5, 1), best(101, 7, 1)), State::Normal),
            (1, Some((99, 2)), Some((102, 1)), State::Normal, both(best(99, 7, 3), best(101, 7, 1)), State::Normal),
            (2, Some((98, 9)), None, State::OneSided, both(best(99, 7, 3), best(101, 7, 1)), State::Normal),
            (2, Some((101, 1)), None, State::OneSided, both(best(101, 1, 4), best(101, 7, 1)), State::Locked),
            (2, Some((103, 1)), None, State::OneSided, both(best(103, 1, 4), best(101, 7, 1)), State::Crossed),
            (2, Some((103, 1)), None, State::Stale, both(best(99, 7, 3), best(101, 7, 1)), State::Normal),
            (0, Some((99, 5)), Some((101, 7)), State::Halted, both(best(99, 2, 2), best(102, 1, 2)), State::Normal),
            (1, None, Some((102, 1)), State::OneSided, both(None, best(102, 1, 2)), State::OneSided),
            (1, None, None, State::Empty, empty, State::Empty),
            // No such venue.
            (3, Some((99, 5)), None, State::Normal, empty, State::Empty),
        ];
        for (step, (venue, bid, offer, state, want, across)) in steps.into_iter().enumerate() {
            let top = Top { bid: level(bid), offer: level(offer) };
            tops.set(VenueId::new(venue), ID, &top, state);
            assert_eq!(tops.best(ID), want, "step {step}");
            assert_eq!(tops.best(ID).state(), across, "step {step}");
        }
        let nowhere = InstrumentId::new(1);
        tops.set(VenueId::new(0), nowhere, &Top::EMPTY, State::Empty);
        assert_eq!(tops.best(nowhere), empty);
    }

    proptest! {
        #[test]
        fn the_best_is_at_least_as_good_as_each_and_counts_those_at_it(
            quotes in prop::collection::vec(
                (0..4u8, prop::option::of((0..6i64, 1..9u64)), any::<bool>()), 1..40),
        ) {
            let mut tops = Tops::new(1, 4);
            let mut bids = [None; 4];
            for (venue, bid, usable) in quotes {
                let state = if usable { State::OneSided } else { State::Stale };
                tops.set(VenueId::new(venue), ID, &Top { bid: level(bid), offer: level(bid) }, state);
                bids[usize::from(venue)] = bid.filter(|_| usable);
                let live = || bids.iter().flatten();
                for (best, px) in [
                    (tops.best(ID).bid, live().map(|bid| bid.0).max()),
                    (tops.best(ID).offer, live().map(|bid| bid.0).min()),
                ] {
                    prop_assert_eq!(best.map(|best| best.px.raw()), px);
                    let Some(best) = best else { continue };
                    let at = |bid: &Option<(i64, u64)>| bid.filter(|bid| Some(bid.0) == px);
                    let qty: u64 = bids.iter().filter_map(at).map(|bid| bid.1).sum();
                    prop_assert_eq!(best.qty.get(), qty);
                    for (venue, bid) in (0..).zip(&bids) {
                        prop_assert_eq!(best.has(VenueId::new(venue)), at(bid).is_some());
                    }
                }
            }
        }
    }
}
