//! Orders that are not shown, and how a taker finds its way among them and those that are.
//!
//! * The better price goes first; at one price what is shown, then what is hidden, then what comes by
//!   discretion; within each whoever came first (by policy, first the taker's own firm's).
//! * An order with a minimum trades, while it rests, only with one that has at least as many open
//!   shares, or as many as are left of the minimum's own order. Others pass it by.
//! * An order with discretion (Nasdaq Rule 4703(g)) rests at its limit. A taker that does not reach
//!   that, but reaches the discretion, trades with it at the taker's limit, after all others there,
//!   whoever came first among them. When it comes itself, it takes up to its discretion, and what is
//!   left rests at its limit.

use types::{AccountId, InstrumentId, Side};

use crate::market::{Book, Market, Policy};
use crate::orders::Slot;
use crate::peg::Touch;
use crate::ranked::{Base, By, Kind, Rank, Search};
use crate::specials::Special;
use crate::take::{Met, Taker, is_same_group};
use crate::{OrderKey, Out, Report, SelfMatch, Tick};

/// How far a taker goes, in half places of the other side's ladder: a midpoint is half a tick.
#[derive(Clone, Copy)]
pub(crate) struct Reach {
    /// Its limit: where others' discretion meets it.
    pub(crate) limit2: i64,
    /// Its own discretion, or its limit again.
    pub(crate) reach2: i64,
    /// Open shares below which it passes an order by.
    pub(crate) least: u32,
    /// It meets only what came to rest before this.
    pub(crate) before: u64,
}

impl Reach {
    /// An order that comes, and goes as far as a place.
    pub(crate) const fn to(place2: i64) -> Self {
        Self { limit2: place2, reach2: place2, least: 0, before: u64::MAX }
    }
}

/// A price of half ticks: the tick, and whether it is half a one above it.
pub(crate) const fn price_of(half_ticks: i64) -> (Tick, bool) {
    (Tick::new(half_ticks >> 1), half_ticks & 1 == 1)
}

impl Market {
    /// Where a hidden order stands, in half places of its own ladder; `None` where it sleeps, or is
    /// shown.
    pub(crate) fn stands_hidden(
        &self,
        book: &Book,
        touch: &Touch,
        side: Side,
        special: &Special,
    ) -> Option<i64> {
        let slot = &self.orders[special.slot];
        match special.terms.peg {
            _ if !slot.is_hidden() => None,
            None => Some(2 * i64::from(slot.place)),
            Some(peg) => book.stands(touch, side, peg, special.limit),
        }
    }

    /// Of the orders that a taker of `side` may meet and is not shown, the one that goes first after
    /// `after`. `leaves`: what is open of the taker.
    #[expect(clippy::too_many_arguments, reason = "all that a taker is, and where it stands")]
    pub(crate) fn next_hidden(
        &self,
        instrument: InstrumentId,
        side: Side,
        account: AccountId,
        leaves: u32,
        reach: &Reach,
        touch: &Touch,
        after: Option<Rank>,
    ) -> Option<(Rank, u32)> {
        let book = &self.books[instrument.index()];
        let other = side.opposite();
        let bound2 = book.bounds2[other as usize];
        let search = Search {
            to2: reach.reach2,
            discretion2: if bound2 <= reach.limit2 { reach.limit2 } else { i64::MIN },
            leaves,
            least: reach.least,
            before: reach.before,
            after,
            firm: (book.policy == Policy::PriceBrokerTime)
                .then(|| self.accounts[account.index()].firm),
            ..Search::BEST
        };
        let best = self.search_hidden(book, touch, other, &search);
        let by_discretion = Search { by: By::Discretion, ..search };
        let list = &book.lists[other as usize];
        [Kind::Limit, Kind::Shown].into_iter().fold(best, |best, kind| {
            self.specials.search(list, kind, Base::LIMITS, &by_discretion, best)
        })
    }

    /// The first that is looked for of what one side hides.
    pub(crate) fn search_hidden(
        &self,
        book: &Book,
        touch: &Touch,
        side: Side,
        search: &Search,
    ) -> Option<(Rank, u32)> {
        self.search_kinds(book, touch, side, &[true; Kind::HIDDEN.len()], search)
    }

    /// The same, of some kinds alone.
    pub(crate) fn search_kinds(
        &self,
        book: &Book,
        touch: &Touch,
        side: Side,
        of: &[bool; Kind::HIDDEN.len()],
        search: &Search,
    ) -> Option<(Rank, u32)> {
        let list = &book.lists[side as usize];
        let of_kind = |best, kind: Kind| {
            if list.has_none(kind) || !of[kind as usize] {
                return best;
            }
            match book.base(touch, side, kind) {
                Some(base) => self.specials.search(list, kind, base, search, best),
                None => best,
            }
        };
        Kind::HIDDEN.into_iter().fold(None, of_kind)
    }

    /// As `take`, in a book where some are not shown or that has a policy of its own.
    pub(crate) fn take_special(
        &mut self,
        instrument: InstrumentId,
        taker: &mut Taker,
        reach: &Reach,
        touch: &Touch,
        out: &mut impl Out,
    ) -> Met {
        let Taker { side, account, .. } = *taker;
        while taker.leaves != 0 {
            let leaves = taker.leaves;
            let next = self.next_hidden(instrument, side, account, leaves, reach, touch, None);
            let shown_to = next.map_or(reach.reach2, |(rank, _)| rank.place2).div_euclid(2);
            if self.sweep(instrument, taker, shown_to, out) == Met::Itself {
                return Met::Itself;
            }
            if taker.leaves != leaves {
                continue; // it may have become too small for the one that was next
            }
            let Some((rank, special)) = next else { break };
            let id = self.specials[special].slot;
            if self.is_own(taker, id) {
                if self.meet(taker, id, out) {
                    return Met::Itself;
                }
                continue;
            }
            let ladder = &self.books[instrument.index()].ladders[side.opposite() as usize];
            let price = price_of(ladder.half_ticks(rank.place2));
            self.fill(taker, id, leaves, price, out);
        }
        Met::Others
    }

    /// Whether a taker may not trade with a resting order.
    pub(crate) fn is_own(&self, taker: &Taker, id: u32) -> bool {
        taker.self_match != SelfMatch::Allow
            && is_same_group(&self.accounts, self.account_of(id).get(), taker.account)
    }

    /// A trade of at most `qty` shares with any resting order. A reserve shows its next part.
    pub(crate) fn fill(
        &mut self,
        taker: &mut Taker,
        id: u32,
        qty: u32,
        (tick, half): (Tick, bool),
        out: &mut impl Out,
    ) {
        let slot = &mut self.orders[id];
        let qty = qty.min(slot.qty).min(taker.leaves);
        slot.qty -= qty;
        taker.leaves -= qty;
        let (key, hidden, left) = (slot.key, slot.is_hidden(), slot.qty);
        if !hidden {
            let book = &mut self.books[slot.instrument().index()];
            book.ladders[slot.side() as usize].level_mut(slot.place).qty -= u64::from(qty);
        }
        let maker_leaves = self.open(id);
        out.push(Report::Filled {
            maker: OrderKey::new(key),
            taker: taker.key,
            side: taker.side,
            tick,
            half,
            hidden,
            qty,
            maker_leaves,
            taker_leaves: taker.leaves,
        });
        if maker_leaves == 0 {
            self.remove(OrderKey::new(key), id);
        } else if left == 0 {
            self.show_next(id, out);
        } else if hidden {
            self.rerank(id);
        }
    }

    /// A hidden order has another number of open shares.
    pub(crate) fn rerank(&mut self, id: u32) {
        let slot = &self.orders[id];
        if let Some(special) = slot.special()
            && slot.is_hidden()
        {
            let book = &mut self.books[slot.instrument().index()];
            self.specials.set_qty(&book.lists[slot.side() as usize], special, slot.qty);
            book.pairs.note(special);
        }
    }

    /// The open shares of a resting order, shown or not.
    pub(crate) fn open(&self, id: u32) -> u32 {
        let slot = &self.orders[id];
        slot.qty + slot.special().map_or(0, |special| self.specials[special].unshown)
    }

    /// Whose a resting order is.
    pub(crate) fn account_of(&self, id: u32) -> AccountId {
        let slot = &self.orders[id];
        let account = || AccountId::new(slot.account);
        slot.special().map_or_else(account, |special| self.specials[special].account)
    }

    /// The limit of a resting order; `None` for a peg without one.
    pub(crate) fn limit_of(&self, slot: &Slot) -> Option<Tick> {
        let book = &self.books[slot.instrument().index()];
        let tick = || Some(book.ladders[slot.side() as usize].tick(slot.place));
        slot.special().map_or_else(tick, |special| self.specials[special].limit)
    }
}
