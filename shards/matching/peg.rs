//! Orders whose price follows a quote: where they stand, and what becomes of them when it moves.
//!
//! * The quote is the one that the market was told ([`Market::set_quote`]), and until it was told one
//!   the best prices shown in the book itself. It counts as it was before a command until the command
//!   is over, and anew after it. A quote whose bid is above its offer is none.
//! * A peg stands at the price that it follows, less its offset, and at its limit where that is worse.
//!   It never stands at or beyond the best price shown on the other side of its own book: a whole
//!   tick before it, or half a one for a midpoint. Nor is it beyond the prices at which its book may trade.
//! * Without what it follows it does not stand anywhere: it is refused at entry, and sleeps later.
//! * After a command, hidden orders of both sides that can trade with each other do, oldest first: the
//!   one that came later takes, at the price of the other. Both keep to their minimum, and neither
//!   uses its discretion.

use types::{InstrumentId, Side};

use crate::hidden::{Reach, price_of};
use crate::ladder::{EMPTY, FAR_MAX, Ladder};
use crate::market::{Book, Market};
use crate::take::{Met, Taker, is_same_group};
use crate::{Ended, OrderKey, Out, Peg, PegTo, Quote, SelfMatch, Tick};

/// What pegs of one book follow, by side, in ticks.
#[derive(Clone, Copy)]
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
        let ladder = &self.ladders[side as usize];
        let [own, other] = [side, side.opposite()].map(|side| touch.quote[side as usize]);
        // In half ticks.
        let (followed, before) = match peg.to {
            PegTo::Primary => (2 * own?, 2),
            PegTo::Market => (2 * other?, 2),
            PegTo::Midpoint => (own? + other?, 1),
        };
        // Higher is worse from here on.
        let mut place2 = ladder.place2(followed) + 2 * i64::from(peg.offset);
        if let Some(shown) = touch.shown[side.opposite() as usize] {
            place2 = place2.max(ladder.place2(2 * shown) + before);
        }
        if let Some(limit) = limit {
            place2 = place2.max(ladder.place2(2 * limit.get()));
        }
        place2 = place2.max(self.bounds2[side as usize]);
        (-2 * FAR_MAX < place2 && place2 < 2 * FAR_MAX).then_some(place2)
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

    /// After a command: lets hidden orders trade that can do so now. Each trade ends one of the two.
    pub(crate) fn wake(&mut self, instrument: InstrumentId, out: &mut impl Out) {
        let Some(book) = self.books.get(instrument.index()) else { return };
        if !book.trades || book.lists.iter().any(|list| list.is_empty()) {
            return;
        }
        let touch = book.touch();
        while let Some((taker, maker)) = self.next_pair(instrument, &touch) {
            self.trade_hidden(instrument, taker, maker, out);
        }
    }

    /// The oldest hidden order that could take an older one, and that one with its place.
    fn next_pair(&self, instrument: InstrumentId, touch: &Touch) -> Option<(u32, (u32, i64))> {
        let book = &self.books[instrument.index()];
        // In ticks, so that the two sides compare: most days nothing reaches.
        let [bid, offer] = Side::BOTH.map(|side| {
            let places = self.specials.of(book.lists[side as usize]);
            let best =
                places.filter_map(|(_, s)| self.stands_hidden(book, touch, side, s)).min()?;
            Some(book.ladders[side as usize].half_ticks(best))
        });
        if bid? < offer? {
            return None;
        }
        let [mut bids, mut offers] =
            Side::BOTH.map(|side| self.specials.of(book.lists[side as usize]).peekable());
        loop {
            let side = match (bids.peek(), offers.peek()) {
                (Some((_, bid)), Some((_, offer))) if bid.seq < offer.seq => Side::Buy,
                (Some(_), None) => Side::Buy,
                (Some(_) | None, Some(_)) => Side::Sell,
                (None, None) => return None,
            };
            let next = if side == Side::Buy { bids.next() } else { offers.next() };
            let (id, special) = next?;
            let Some(place2) = self.stands_hidden(book, touch, side, special) else { continue };
            let other = &book.ladders[side.opposite() as usize];
            let open = self.orders[special.slot].qty;
            let reach = Reach {
                limit2: i64::MIN, // no discretion
                reach2: other.place2(book.ladders[side as usize].half_ticks(place2)),
                least: special.terms.min_qty.min(open),
                before: special.seq,
            };
            let found =
                self.next_hidden(instrument, side, special.account, open, &reach, touch, None);
            if let Some((rank, maker)) = found {
                return Some((id, (maker, rank.place2)));
            }
        }
    }

    /// Two hidden orders that rest trade, or end as their owner wants it where they are of one group.
    fn trade_hidden(
        &mut self,
        instrument: InstrumentId,
        taking: u32,
        (maker, place2): (u32, i64),
        out: &mut impl Out,
    ) {
        let special = &self.specials[taking];
        let (id, maker) = (special.slot, self.specials[maker].slot);
        let slot = &self.orders[id];
        let (side, open) = (slot.side(), slot.qty);
        let mut taker = Taker {
            key: OrderKey::new(slot.key),
            side,
            limit: 0,
            leaves: open,
            account: special.account,
            self_match: special.self_match,
        };
        let mut met = Met::Others;
        if taker.self_match != SelfMatch::Allow
            && is_same_group(&self.accounts, self.account_of(maker).get(), taker.account)
        {
            if self.meet(&mut taker, maker, out) {
                met = Met::Itself;
            }
        } else {
            let ladder = &self.books[instrument.index()].ladders[side.opposite() as usize];
            let price = price_of(ladder.half_ticks(place2));
            self.fill(&mut taker, maker, open, price, out);
        }
        if met == Met::Itself {
            self.end(id, Ended::SelfMatch, out);
        } else if taker.leaves == 0 {
            self.remove(taker.key, id);
        } else {
            self.orders[id].qty = taker.leaves;
        }
    }
}
