//! What a book does while nothing trades in it, and how a cross takes orders out of it. The phases are
//! not known here: who calls knows what is due.
//!
//! Of a reserve the shown part takes part, and then the next one, at the end of its queue. Hidden orders
//! take part at their limit, after those shown there. A pegged order follows a quote, and there is none
//! worth following in a cross; one with a minimum would have to be asked for each pair: both stay out.

use types::{InstrumentId, Side};

use crate::admit::is_sound;
use crate::cross::{Interest, Span};
use crate::ladder::{EMPTY, Ladder};
use crate::market::{Book, Market};
use crate::ranked::{Base, Kind, Rank, Search};
use crate::{Ended, Order, OrderKey, Out, Price, Refused, Tick};

/// A resting order, and where it rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
}

/// The order of one side that a cross takes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct First {
    pub(crate) order: OrderKey,
    pub(crate) tick: Tick,
    /// What can be taken of it at once.
    pub(crate) open: u32,
}

impl Market {
    /// Whether orders of an instrument trade as they come, or rest and wait for a cross. Where they begin
    /// to, hidden orders that can trade with each other do so by [`Market::wake`].
    pub(crate) fn set_trades(&mut self, instrument: InstrumentId, trades: bool) {
        let book = &mut self.books[instrument.index()];
        match (book.trades, trades) {
            (true, false) => book.specials += 1,
            (false, true) => book.specials -= 1,
            (true, true) | (false, false) => return,
        }
        book.trades = trades;
    }

    /// Between which prices an instrument may trade from now on: no peg and no discretion goes further.
    /// What rests beyond is [`Market::first_beyond`]'s; what can trade now does so by [`Market::wake`].
    pub(crate) fn hold(&mut self, instrument: InstrumentId, span: Span) {
        let Book { ladders, bounds2, .. } = &mut self.books[instrument.index()];
        for (side, bound) in [(Side::Buy, span.upper), (Side::Sell, span.lower)] {
            let ladder = &ladders[side as usize];
            // Further than any book has a place, nothing needs to be held.
            let place = ladder.place(bound);
            bounds2[side as usize] = place.map_or(i64::MIN, |place| 2 * i64::from(place));
        }
    }

    /// An order of one side that rests at a price more eager than `bound`, pegs left out: one that is
    /// shown, or else a hidden one, best price first.
    pub(crate) fn first_beyond(
        &self,
        instrument: InstrumentId,
        side: Side,
        bound: Tick,
    ) -> Option<OrderKey> {
        let book = self.books.get(instrument.index())?;
        let ladder = &book.ladders[side as usize];
        // Beyond where books have places, nothing is.
        let place = ladder.place(bound)?;
        let shown = ladder.best();
        if shown < place {
            return ladder.level(shown).map(|level| OrderKey::new(self.orders[level.head].key));
        }
        let beyond = Search { to2: 2 * i64::from(place) - 1, ..Search::BEST };
        let list = &book.lists[side as usize];
        let (_, id) = self.specials.search(list, Kind::Limit, Base::LIMITS, &beyond, None)?;
        Some(OrderKey::new(self.orders[self.specials[id].slot].key))
    }

    /// Whether a live order has this number.
    #[inline]
    pub(crate) fn holds(&self, order: OrderKey) -> bool {
        self.index.find(&self.orders, order.get()).is_some()
    }

    /// Where a live order rests.
    pub(crate) fn placed(&self, order: OrderKey) -> Option<Placed> {
        let slot = &self.orders[self.index.find(&self.orders, order.get())?.slot];
        Some(Placed { instrument: slot.instrument(), side: slot.side() })
    }

    /// Whether an order could be taken that will not trade now: all that [`Market::enter_with`] asks of it
    /// but for room to rest and a quote to follow.
    pub(crate) fn check_new(&self, order: &Order) -> Result<(), Refused> {
        let Order { new, terms } = order;
        let book = self.books.get(new.instrument.index()).ok_or(Refused::Instrument)?;
        if self.accounts.len() <= new.account.index() {
            return Err(Refused::Account);
        }
        if new.qty == 0 {
            return Err(Refused::Qty);
        }
        if self.holds(new.key) {
            return Err(Refused::DuplicateKey);
        }
        let limit = match new.price {
            Price::Market | Price::MarketToLimit => None,
            Price::Limit(tick) => Some(tick),
        };
        let ticks = [limit, terms.discretion];
        ticks.into_iter().flatten().try_for_each(|tick| book.check_place(tick))
    }

    /// Whether an order's terms go together in its book.
    pub(crate) fn is_sound(&self, order: &Order) -> bool {
        let book = self.books.get(order.new.instrument.index());
        book.is_some_and(|book| is_sound(order, book.lit))
    }

    /// Whether an instrument's books have a place for a price.
    pub(crate) fn check_tick(&self, instrument: InstrumentId, tick: Tick) -> Result<(), Refused> {
        self.books.get(instrument.index()).ok_or(Refused::Instrument)?.check_place(tick)
    }

    /// The first hidden order of one side that takes part in a cross, with its place: one behind `after`.
    fn first_hidden(
        &self,
        instrument: InstrumentId,
        side: Side,
        after: Option<Rank>,
    ) -> Option<(Rank, u32)> {
        let list = &self.books.get(instrument.index())?.lists[side as usize];
        // None with a minimum.
        let search = Search { leaves: 0, after, ..Search::BEST };
        self.specials.search(list, Kind::Limit, Base::LIMITS, &search, None)
    }

    fn first_id(&self, instrument: InstrumentId, side: Side) -> Option<u32> {
        let ladder = self.ladder(instrument, side)?;
        let shown = ladder.best();
        match self.first_hidden(instrument, side, None) {
            Some((rank, id)) if rank.place2 < 2 * i64::from(shown) => Some(self.specials[id].slot),
            Some(_) | None if shown == EMPTY => None,
            Some(_) | None => ladder.level(shown).map(|level| level.head),
        }
    }

    /// The order of one side that a cross takes first.
    pub(crate) fn first(&self, instrument: InstrumentId, side: Side) -> Option<First> {
        let slot = &self.orders[self.first_id(instrument, side)?];
        let tick = self.ladder(instrument, side)?.tick(slot.place);
        Some(First { order: OrderKey::new(slot.key), tick, open: slot.qty })
    }

    /// Takes shares from the order that is [`Market::first`], no more than it gives at once; answers what
    /// is open of it then. With none open it is gone. A reserve of which nothing is shown any more shows
    /// its next part by [`Market::show_first`], after the trade was reported.
    pub(crate) fn take_first(&mut self, instrument: InstrumentId, side: Side, qty: u32) -> u32 {
        let Some(id) = self.first_id(instrument, side) else { return 0 };
        let slot = &mut self.orders[id];
        slot.qty -= qty;
        let (key, place) = (OrderKey::new(slot.key), slot.place);
        if !slot.is_hidden() {
            let book = &mut self.books[instrument.index()];
            book.ladders[side as usize].level_mut(place).qty -= u64::from(qty);
        }
        let leaves = self.open(id);
        if leaves == 0 {
            self.remove(key, id);
        } else {
            self.rerank(id);
        }
        leaves
    }

    /// Shows the next part of a reserve that [`Market::take_first`] has emptied.
    pub(crate) fn show_first(&mut self, instrument: InstrumentId, side: Side, out: &mut impl Out) {
        if let Some(id) = self.first_id(instrument, side)
            && self.orders[id].qty == 0
        {
            self.show_next(id, out);
        }
    }

    /// What would trade of one side's book in a cross, best price first.
    pub(crate) fn interest(
        &self,
        instrument: InstrumentId,
        side: Side,
    ) -> impl Iterator<Item = Interest> {
        let ladder = self.ladder(instrument, side);
        let mut shown = ladder.map_or(EMPTY, Ladder::best);
        let mut hidden = self.first_hidden(instrument, side, None);
        core::iter::from_fn(move || {
            let ladder = ladder?;
            // It stands at a place, as it follows nothing.
            let place_of = |(rank, _): (Rank, u32)| (rank.place2 / 2) as i32;
            let place = shown.min(hidden.map_or(EMPTY, place_of));
            if place == EMPTY {
                return None;
            }
            let mut qty = 0;
            if place == shown {
                qty += ladder.qty(place) + self.unshown_at(instrument, side, place);
                shown = ladder.after(place);
            }
            while let Some(at @ (rank, id)) = hidden
                && place_of(at) == place
            {
                qty += u64::from(self.orders[self.specials[id].slot].qty);
                hidden = self.first_hidden(instrument, side, Some(rank));
            }
            Some(Interest { limit: Some(ladder.tick(place)), qty })
        })
    }

    /// What reserves at a place are yet to show.
    fn unshown_at(&self, instrument: InstrumentId, side: Side, place: i32) -> u64 {
        let list = &self.books[instrument.index()].lists[side as usize];
        let to2 = 2 * i64::from(place);
        let mut search = Search { to2, after: Some(Rank::before(to2)), ..Search::BEST };
        let mut unshown = 0;
        while let Some((rank, id)) =
            self.specials.search(list, Kind::Shown, Base::LIMITS, &search, None)
        {
            unshown += u64::from(self.specials[id].unshown);
            search.after = Some(rank);
        }
        unshown
    }

    /// Ends an order, if it is live.
    pub(crate) fn end_order(&mut self, order: OrderKey, why: Ended, out: &mut impl Out) {
        if let Some(placed) = self.placed(order) {
            self.end_unwoken(order, why, out);
            self.wake(placed.instrument, out);
        }
    }

    /// Ends an order, if it is live. What can trade then does so by [`Market::wake`].
    pub(crate) fn end_unwoken(&mut self, order: OrderKey, why: Ended, out: &mut impl Out) {
        if let Some(found) = self.index.find(&self.orders, order.get()) {
            self.end(found.slot, why, out);
        }
    }
}

impl Book {
    fn check_place(&self, tick: Tick) -> Result<(), Refused> {
        let is_near = |side: Side| self.ladders[side as usize].place(tick).is_some();
        (is_near(Side::Buy) && is_near(Side::Sell)).then_some(()).ok_or(Refused::Price)
    }
}
