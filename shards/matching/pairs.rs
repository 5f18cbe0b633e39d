//! Hidden orders of both sides that rest and can trade with each other: after a command they do.
//!
//! The oldest that can takes first, of those that came before it, at their price. Both keep to their
//! minimum, and neither uses its discretion. Minimums may keep orders apart that stand across each other,
//! so that they do is nothing that the best prices say. What is known instead: after each command none can
//! trade. So the next one looks only for the pairs of orders that have changed since. All that stand across
//! are asked again only where trading begins, and where pegs have moved towards what may stand across them:
//! two that follow the middle, whatever it is, do not.
//!
//! A command that changes no hidden order and moves nothing that pegs follow pays nothing. One that changes
//! a hidden order pays two searches (see `ranked.rs`). One that moves what pegs follow pays a look at each
//! way to follow it where they have come no nearer to anything, one search where the two sides still do not
//! reach each other, and otherwise one for each order that has come nearer, stands across, and is not ruled
//! out by the shares of the other side.

use core::ops::Range;

use types::{InstrumentId, Side};

use crate::hidden::{Reach, price_of};
use crate::market::{Book, Market};
use crate::peg::Touch;
use crate::ranked::{Base, By, Kind, Ranked, Search, is_place};
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

/// Which queues are asked anew, by side and kind.
type Asked = [[bool; Kind::HIDDEN.len()]; 2];

const NONE_ASKED: Asked = [[false; Kind::HIDDEN.len()]; 2];
const ALL_ASKED: Asked = [[true; Kind::HIDDEN.len()]; 2];

/// From where the orders of a queue are measured: before and now, those places that may say where one
/// stands; none for what follows nothing.
struct Moved {
    places2: [Option<[i64; 2]>; 2],
    has_limits: bool,
    /// Where they were is not known.
    is_new: bool,
}

impl Moved {
    /// Whether orders of both can stand across each other now that could not before. Two do where every
    /// place of the one reaches every place of the other, and limits stay where they are.
    fn meets(&self, other: &Self) -> bool {
        let nearer = |[before, now]: [i64; 2]| now < before;
        let [ours, theirs] = [self, other].map(|of| of.places2.into_iter().flatten());
        self.is_new
            || other.is_new
            || (other.has_limits && ours.clone().any(nearer))
            || (self.has_limits && theirs.clone().any(nearer))
            || ours.clone().any(|[a, b]| {
                theirs.clone().any(|[c, d]| nearer([a.saturating_add(c), b.saturating_add(d)]))
            })
    }
}

impl Market {
    /// How the orders of a queue have moved; `None` where none stands anywhere.
    fn moved(
        &self,
        book: &Book,
        followed: Option<&(Touch, [i64; 2])>,
        touch: &Touch,
        side: Side,
        kind: Kind,
    ) -> Option<Moved> {
        let sum = self.specials.sum(&book.lists[side as usize], kind)?;
        let now = book.base(touch, side, kind)?;
        let has_limits = sum.has_limits();
        if kind == Kind::Limit {
            return Some(Moved { places2: [None; 2], has_limits, is_new: false });
        }
        let before =
            followed.and_then(|(touch, bounds2)| book.base_within(touch, bounds2, side, kind));
        let Some(before) = before else {
            return Some(Moved { places2: [None; 2], has_limits, is_new: true });
        };
        let eager2 = |base: Base| base.place2(sum.offset(), Ranked::ANY);
        let is_floor_felt = |base: Base| eager2(Base { floor2: i64::MIN, ..base }) < base.floor2;
        let floor =
            (is_floor_felt(before) || is_floor_felt(now)).then_some([before.floor2, now.floor2]);
        let places2 = [Some([before.followed2, now.followed2]), floor];
        // Too eager for any book, it did not stand anywhere.
        Some(Moved { places2, has_limits, is_new: !is_place(eager2(before)) })
    }

    /// Whose orders may stand across others that they did not when pegs followed something else.
    fn nearer(&self, book: &Book, followed: Option<&(Touch, [i64; 2])>, touch: &Touch) -> Asked {
        let mut asked = NONE_ASKED;
        let moved =
            |side: Side| Kind::HIDDEN.map(|kind| self.moved(book, followed, touch, side, kind));
        let [bids, offers] = Side::BOTH.map(moved);
        for (bid_kind, bid) in bids.iter().enumerate() {
            for (offer_kind, offer) in offers.iter().enumerate() {
                if let (Some(bid), Some(offer)) = (bid, offer)
                    && bid.meets(offer)
                {
                    asked[0][bid_kind] = true;
                    asked[1][offer_kind] = true;
                }
            }
        }
        asked
    }

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
        let before = book.pairs.followed.replace((touch, book.bounds2));
        let has_moved = book.pairs.followed != before;
        let is_all = core::mem::take(&mut book.pairs.all);
        let book = &self.books[instrument.index()];
        let mut asked = match is_all {
            true => ALL_ASKED,
            false if has_moved && book.lists.iter().any(List::has_pegs) => {
                self.nearer(book, before.as_ref(), &touch)
            }
            false => NONE_ASKED,
        };
        if asked == NONE_ASKED && book.pairs.count == 0 {
            return;
        }
        // Whoever came earlier has been asked.
        let mut since = 0;
        while let Some((taker, maker)) = self.next_pair(instrument, &touch, &mut asked, &mut since)
        {
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
    /// have not changed, only ones that are `asked` and came no earlier than `since` could.
    fn next_pair(
        &mut self,
        instrument: InstrumentId,
        touch: &Touch,
        asked: &mut Asked,
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
            (*asked, *since) = (ALL_ASKED, 0);
        }
        let before = first.map_or(u64::MAX, |first| self.specials[first].seq);
        while let Some(id) = self.next_taker(instrument, touch, asked, *since..before) {
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

    /// The oldest order of those asked that came in a time, stands across, and is ruled out by none of the
    /// other side's sums.
    fn next_taker(
        &self,
        instrument: InstrumentId,
        touch: &Touch,
        asked: &Asked,
        came: Range<u64>,
    ) -> Option<u32> {
        if *asked == NONE_ASKED || came.is_empty() {
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
                since: came.start,
                before: came.end,
                ..Search::BEST
            };
            self.search_kinds(book, touch, side, &asked[side as usize], &search)
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
