//! Hidden orders of both sides that rest and can trade with each other: after a command they do.
//!
//! The oldest that can takes first, of those that came before it, at their price. Both keep to their
//! minimum, and neither uses its discretion. Minimums may keep orders apart that stand across each other,
//! so that they do is nothing that the best prices say. What is known instead: after each command none can
//! trade. So the next one looks only for the pairs of orders that have changed since; all orders that stand
//! across are asked again only where a peg may have moved, or where trading begins.
//!
//! A command that changes no hidden order and moves nothing that pegs follow pays nothing. One that changes
//! a hidden order pays two searches (see `ranked.rs`). One that moves what pegs follow, where some rest, pays
//! one search where the two sides do not reach each other, and otherwise one for each order that stands
//! across and that the shares of the other side do not rule out.

use types::{InstrumentId, Side};

use crate::hidden::{Reach, price_of};
use crate::market::{Book, Market};
use crate::peg::Touch;
use crate::ranked::{By, Kind, Search};
use crate::specials::List;
use crate::take::{Met, Taker, is_same_group};
use crate::{Ended, OrderKey, Out, SelfMatch};

/// How many orders that have changed are known one by one: few commands change more.
const CHANGED_MAX: usize = 2;

/// What is to be asked after a command.
pub(crate) struct Pairs {
    /// The hidden orders that have changed since the last time.
    changed: [u32; CHANGED_MAX],
    count: usize,
    /// They were too many.
    all: bool,
    /// What pegs followed then, and how far they could.
    followed: Option<(Touch, [i64; 2])>,
}

impl Pairs {
    /// No order, and so no pair.
    pub(crate) const NONE: Self =
        Self { changed: [0; CHANGED_MAX], count: 0, all: false, followed: None };

    /// A hidden order came, or has other shares.
    pub(crate) fn note(&mut self, id: u32) {
        if self.all || self.changed[..self.count].contains(&id) {
            return;
        }
        self.all = self.count == CHANGED_MAX;
        if self.all {
            self.count = 0;
        } else {
            self.changed[self.count] = id;
            self.count += 1;
        }
    }

    /// An order is gone, or has no pair.
    pub(crate) fn forget(&mut self, id: u32) {
        if let Some(at) = self.changed[..self.count].iter().position(|changed| *changed == id) {
            self.count -= 1;
            self.changed[at] = self.changed[self.count];
        }
    }

    fn first(&self) -> Option<u32> {
        self.changed[..self.count].first().copied()
    }
}

impl Market {
    /// After a command: lets hidden orders trade that can do so now. Each trade ends one of the two.
    pub(crate) fn wake(&mut self, instrument: InstrumentId, out: &mut impl Out) {
        let Some(book) = self.books.get_mut(instrument.index()) else { return };
        if !book.trades {
            return;
        }
        if book.lists.iter().any(List::hides_nothing) {
            // Whatever comes there is a change.
            (book.pairs.count, book.pairs.all) = (0, false);
            return;
        }
        let touch = book.touch();
        let followed = Some((touch, book.bounds2));
        let has_moved =
            book.pairs.followed != followed && book.lists.iter().any(|list| list.has_pegs());
        let asks_all = book.pairs.all || has_moved;
        book.pairs.followed = followed;
        if !asks_all && book.pairs.count == 0 {
            return;
        }
        // Whoever came earlier has been asked.
        let mut since = if asks_all { 0 } else { u64::MAX };
        book.pairs.all = false;
        while let Some((taker, maker)) = self.next_pair(instrument, &touch, &mut since) {
            self.trade_hidden(instrument, taker, maker, out);
        }
        let pairs = &mut self.books[instrument.index()].pairs;
        (pairs.count, pairs.all) = (0, false);
    }

    /// Whether the best of what both sides hide reaches each other: most days nothing does.
    fn stand_across(&self, book: &Book, touch: &Touch) -> bool {
        let [bid, offer] = Side::BOTH.map(|side| {
            let best = self.search_hidden(book, touch, side, &Search::BEST)?;
            Some(book.ladders[side as usize].half_ticks(best.0.place2))
        });
        // In ticks, so that the two sides compare.
        bid.zip(offer).is_some_and(|(bid, offer)| offer <= bid)
    }

    /// The oldest hidden order that could take an older one, and that one with its place. Of those that
    /// have not changed, ones that came before `since` could not.
    fn next_pair(
        &mut self,
        instrument: InstrumentId,
        touch: &Touch,
        since: &mut u64,
    ) -> Option<(u32, (u32, i64))> {
        if !self.stand_across(&self.books[instrument.index()], touch) {
            return None;
        }
        let mut first: Option<u32> = None;
        let mut kept = Pairs::NONE;
        while let Some(id) = self.books[instrument.index()].pairs.first() {
            self.books[instrument.index()].pairs.forget(id);
            if let Some(taker) = self.taker_of(instrument, touch, id) {
                kept.note(id);
                let is_older = |first: u32| self.specials[taker].seq < self.specials[first].seq;
                if first.is_none_or(is_older) {
                    first = Some(taker);
                }
            }
        }
        let pairs = &mut self.books[instrument.index()].pairs;
        (pairs.changed, pairs.count) = (kept.changed, kept.count);
        if core::mem::take(&mut pairs.all) {
            *since = 0;
        }
        let before = first.map_or(u64::MAX, |first| self.specials[first].seq);
        while let Some(id) = self.next_taker(instrument, touch, *since, before) {
            *since = self.specials[id].seq + 1;
            if let Some(maker) = self.maker_for(instrument, touch, id) {
                return Some((id, maker));
            }
        }
        // Up to there all have been asked.
        *since = before.max(*since);
        first.and_then(|id| Some((id, self.maker_for(instrument, touch, id)?)))
    }

    /// What two hidden orders that rest ask of each other: one that stands where this one reaches.
    fn partner(&self, book: &Book, touch: &Touch, side: Side, id: u32) -> Option<Search> {
        let special = &self.specials[id];
        let place2 = self.stands_hidden(book, touch, side, special)?;
        let open = self.orders[special.slot].qty;
        let half_ticks = book.ladders[side as usize].half_ticks(place2);
        Some(Search {
            to2: book.ladders[side.opposite() as usize].place2(half_ticks),
            leaves: open,
            least: special.terms.min_qty.min(open),
            ..Search::BEST
        })
    }

    fn side_of(&self, id: u32) -> Side {
        self.orders[self.specials[id].slot].side()
    }

    /// The order that a hidden one would take, of those that came before it, and its place.
    fn maker_for(&self, instrument: InstrumentId, touch: &Touch, id: u32) -> Option<(u32, i64)> {
        let (book, side) = (&self.books[instrument.index()], self.side_of(id));
        let Search { to2, leaves, least, .. } = self.partner(book, touch, side, id)?;
        let special = &self.specials[id];
        let reach = Reach {
            limit2: i64::MIN, // no discretion
            reach2: to2,
            least,
            before: special.seq,
        };
        let account = special.account;
        let found = self.next_hidden(instrument, side, account, leaves, &reach, touch, None);
        found.map(|(rank, maker)| (maker, rank.place2))
    }

    /// The oldest order that takes in a pair of which a hidden one is part.
    fn taker_of(&self, instrument: InstrumentId, touch: &Touch, id: u32) -> Option<u32> {
        if self.maker_for(instrument, touch, id).is_some() {
            return Some(id);
        }
        let (book, side) = (&self.books[instrument.index()], self.side_of(id));
        let partner = self.partner(book, touch, side, id)?;
        let later = Search { by: By::Time, since: self.specials[id].seq, ..partner };
        self.search_hidden(book, touch, side.opposite(), &later).map(|(_, taker)| taker)
    }

    /// The oldest order that came since one time and before another, stands across, and is ruled out by
    /// none of the other side's sums.
    fn next_taker(
        &self,
        instrument: InstrumentId,
        touch: &Touch,
        since: u64,
        before: u64,
    ) -> Option<u32> {
        if before <= since {
            return None;
        }
        let book = &self.books[instrument.index()];
        let takers = Side::BOTH.into_iter().filter_map(|side| {
            let other = side.opposite();
            let best = self.search_hidden(book, touch, other, &Search::BEST)?.0.place2;
            let half_ticks = book.ladders[other as usize].half_ticks(best);
            let list = &book.lists[other as usize];
            let sums = Kind::HIDDEN.into_iter().filter_map(|kind| self.specials.sum(list, kind));
            let (least, most) = sums.fold((u32::MAX, 0), |(least, most), sum| {
                (least.min(sum.least()), most.max(sum.most()))
            });
            let search = Search {
                by: By::Time,
                to2: book.ladders[side as usize].place2(half_ticks),
                leaves: most,
                least,
                since,
                before,
                ..Search::BEST
            };
            self.search_hidden(book, touch, side, &search)
        });
        takers.min().map(|(_, id)| id)
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
            self.rerank(id);
        }
    }
}
