//! Orders whose price follows a quote: where they stand, and what becomes of them when it moves.
//!
//! * The quote is the one that the market was told ([`Market::set_quote`]), and until it was told one
//!   the best prices shown in the book itself. It counts as it was before a command until the command
//!   is over, and anew after it. A quote whose bid is above its offer is none.
//! * A peg stands at the price that it follows, less its offset, and at its limit where that is worse.
//!   It never stands at or beyond the best price shown on the other side of its own book: a whole
//!   tick before it, or half a one for a midpoint. Nor is it beyond the prices at which its book may trade.
//! * Without what it follows it does not stand anywhere: it is refused at entry, and sleeps later.

use types::{InstrumentId, Side};

use crate::ladder::{EMPTY, Ladder};
use crate::market::{Book, Market};
use crate::ranked::{Base, Kind, Ranked, is_place};
use crate::{Out, Peg, Quote, Tick};

/// What pegs of one book follow, by side, in ticks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Touch {
    /// The quote.
    pub(crate) quote: [Option<i64>; 2],
    /// The best prices that the book itself shows.
    shown: [Option<i64>; 2],
}

impl Book {
    /// What pegs follow now.
    pub(crate) fn touch(&self) -> Touch {
        let best =
            |ladder: &Ladder| (ladder.best() != EMPTY).then(|| ladder.tick(ladder.best()).get());
        let shown = [best(&self.ladders[0]), best(&self.ladders[1])];
        // A price for which no book has a place is none.
        let told = |tick: Option<Tick>| {
            tick.filter(|tick| self.ladders.iter().all(|ladder| ladder.place(*tick).is_some()))
                .map(Tick::get)
        };
        let quote = self.told.map_or(shown, |quote| [told(quote.bid), told(quote.offer)]);
        let is_crossed = matches!(quote, [Some(bid), Some(offer)] if offer < bid);
        Touch { quote: if is_crossed { [None; 2] } else { quote }, shown }
    }

    /// Where a peg stands, in half places of its own ladder; `None` while there is nothing to follow.
    pub(crate) fn stands(
        &self,
        touch: &Touch,
        side: Side,
        peg: Peg,
        limit: Option<Tick>,
    ) -> Option<i64> {
        let base = self.base(touch, side, Kind::of_peg(Some(peg)))?;
        let ladder = &self.ladders[side as usize];
        let limit2 = limit.map_or(i64::MIN, |limit| ladder.place2(2 * limit.get()));
        let place2 = base.place2(peg.offset, Ranked::ANY).max(limit2);
        is_place(place2).then_some(place2)
    }

    /// From where the orders of a kind are measured, on their own ladder; `None` while there is nothing
    /// for them to follow.
    pub(crate) fn base(&self, touch: &Touch, side: Side, kind: Kind) -> Option<Base> {
        self.base_within(touch, &self.bounds2, side, kind)
    }

    /// The same, where no peg stands beyond `bounds2`.
    pub(crate) fn base_within(
        &self,
        touch: &Touch,
        bounds2: &[i64; 2],
        side: Side,
        kind: Kind,
    ) -> Option<Base> {
        let ladder = &self.ladders[side as usize];
        let [own, other] = [side, side.opposite()].map(|side| touch.quote[side as usize]);
        // In half ticks.
        let (followed, before) = match kind {
            Kind::Primary => (2 * own?, 2),
            Kind::Market => (2 * other?, 2),
            Kind::Midpoint => (own? + other?, 1),
            Kind::Limit | Kind::Shown => return Some(Base::LIMITS),
        };
        // Higher is worse.
        let shown = touch.shown[side.opposite() as usize];
        let shown2 = shown.map_or(i64::MIN, |shown| ladder.place2(2 * shown) + before);
        let floor2 = shown2.max(bounds2[side as usize]);
        Some(Base { followed2: ladder.place2(followed), floor2 })
    }
}

impl Market {
    /// Tells an instrument's best prices elsewhere and here, which its pegs follow from now on instead of
    /// its own: [`crate::Report::Filled`] for each pair of hidden orders that can trade now. An instrument
    /// that does not exist has no pegs.
    pub fn set_quote(&mut self, instrument: InstrumentId, quote: Quote, out: &mut impl Out) {
        if let Some(book) = self.books.get_mut(instrument.index()) {
            book.told = Some(quote);
            self.wake(instrument, out);
        }
    }
}
