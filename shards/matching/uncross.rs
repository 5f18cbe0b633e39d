//! What a book can do while nothing trades in it, and how a cross takes orders out of it. The phases
//! are not known here: who calls knows what is due.

use types::{InstrumentId, Side};

use crate::cross::Interest;
use crate::ladder::{EMPTY, Ladder};
use crate::market::{Book, Market};
use crate::orders::NONE;
use crate::take::Taker;
use crate::{Ended, NewOrder, OrderKey, Out, Price, Refused, Replace, Report, RestingOrder, Tick};

/// A resting order, and where it rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) tick: Tick,
    pub(crate) qty: u32,
}

impl Market {
    /// Whether a live order has this number.
    #[inline]
    pub(crate) fn holds(&self, order: OrderKey) -> bool {
        self.index.find(&self.orders, order.get()).is_some()
    }

    /// Where a live order rests.
    pub(crate) fn placed(&self, order: OrderKey) -> Option<Placed> {
        let slot = &self.orders[self.index.find(&self.orders, order.get())?.slot];
        let (side, qty) = (slot.side(), slot.qty);
        let instrument = InstrumentId::new(slot.ladder >> 1);
        let tick = self.books[instrument.index()].ladders[side as usize].tick(slot.place);
        Some(Placed { instrument, side, tick, qty })
    }

    /// Whether an order could be taken that will not trade now: all that [`Market::enter`] asks of it
    /// but for room to rest.
    pub(crate) fn check_new(&self, order: &NewOrder) -> Result<(), Refused> {
        let book = self.books.get(order.instrument.index()).ok_or(Refused::Instrument)?;
        if self.accounts.len() <= order.account.index() {
            return Err(Refused::Account);
        }
        if order.qty == 0 {
            return Err(Refused::Qty);
        }
        if self.holds(order.key) {
            return Err(Refused::DuplicateKey);
        }
        match order.price {
            Price::Market | Price::MarketToLimit => Ok(()),
            Price::Limit(tick) => book.check_place(tick),
        }
    }

    /// Whether an instrument's books have a place for a price.
    pub(crate) fn check_tick(&self, instrument: InstrumentId, tick: Tick) -> Result<(), Refused> {
        self.books.get(instrument.index()).ok_or(Refused::Instrument)?.check_place(tick)
    }

    /// Enters an order with a limit while nothing trades: [`Report::Accepted`] and [`Report::Rested`],
    /// or [`Report::Refused`]. Afterwards the book may be crossed.
    pub(crate) fn enter_waiting(&mut self, order: &NewOrder, tick: Tick, out: &mut impl Out) {
        let &NewOrder { key, instrument, side, qty, account, self_match, .. } = order;
        let place = match self.check_new(order).and_then(|()| self.room(instrument, side, tick)) {
            Ok(place) => place,
            Err(why) => return out.push(Report::Refused { order: key, why }),
        };
        out.push(Report::Accepted { order: key, side, tick: Some(tick), qty });
        let taker = Taker { key, side, limit: place, leaves: qty, account, self_match };
        self.rest(instrument, &taker, place, out);
    }

    /// Where an order would rest.
    fn room(&self, instrument: InstrumentId, side: Side, tick: Tick) -> Result<i32, Refused> {
        let own = self.ladder(instrument, side).ok_or(Refused::Instrument)?;
        let place = own.place(tick).ok_or(Refused::Price)?;
        if self.orders.is_full() {
            return Err(Refused::OrdersFull);
        }
        own.has_room(place).then_some(place).ok_or(Refused::LevelsFull)
    }

    /// As [`Market::replace`] while nothing trades: what loses its place goes to the end of the queue of
    /// its price, whatever stands on the other side.
    pub(crate) fn replace_waiting(&mut self, replace: &Replace, out: &mut impl Out) {
        let &Replace { old, new, qty, tick, self_match, .. } = replace;
        let Some(was) = self.placed(old) else {
            return out.push(Report::Refused { order: old, why: Refused::NotLive });
        };
        if new != old && self.holds(new) {
            return out.push(Report::Refused { order: new, why: Refused::DuplicateKey });
        }
        let Placed { instrument, side, .. } = was;
        let keeps_place = self.books[instrument.index()].keeps_place;
        if keeps_place && tick == was.tick && qty <= was.qty {
            // Nothing trades where the place is kept, so the way in continuous trading is this one.
            let replace = Replace { post_only: false, ..*replace };
            return self.replace(&replace, out);
        }
        let Some(found) = self.index.find(&self.orders, old.get()) else {
            unreachable!("it was found");
        };
        let account = types::AccountId::new(self.orders[found.slot].account);
        self.remove(old, found.slot);
        let checked = self.books[instrument.index()].check_place(tick);
        let room = match checked.and_then(|()| self.room(instrument, side, tick)) {
            Ok(place) if qty != 0 => Ok(place),
            Ok(_) => Err(Refused::Qty),
            Err(why) => Err(if qty == 0 { Refused::Qty } else { why }),
        };
        match room {
            Err(why) => {
                out.push(Report::Refused { order: new, why });
                let (tick, qty, why) = (Some(was.tick), was.qty, Ended::Refused);
                out.push(Report::Cancelled { order: old, side, tick, qty, why });
            }
            Ok(place) => {
                out.push(Report::Replaced { old, new, side, tick, qty, kept: false });
                let taker =
                    Taker { key: new, side, limit: place, leaves: qty, account, self_match };
                self.rest(instrument, &taker, place, out);
            }
        }
    }

    /// The order of one side that a cross takes first.
    pub(crate) fn first(&self, instrument: InstrumentId, side: Side) -> Option<RestingOrder> {
        self.resting(instrument, side).next()
    }

    /// Takes shares from the order that is [`Market::first`], no more than it has; answers what is
    /// open of it then. With none open it is gone.
    pub(crate) fn take_first(&mut self, instrument: InstrumentId, side: Side, qty: u32) -> u32 {
        let ladder = &mut self.books[instrument.index()].ladders[side as usize];
        let place = ladder.best();
        let id = ladder.level_mut(place).head;
        let slot = &self.orders[id];
        let (key, leaves) = (OrderKey::new(slot.key), slot.qty - qty);
        if leaves == 0 {
            self.remove(key, id);
        } else {
            self.shrink(id, leaves);
        }
        leaves
    }

    /// What would trade of one side's book in a cross, best price first. Whatever rests in a way of its
    /// own joins here.
    pub(crate) fn interest(
        &self,
        instrument: InstrumentId,
        side: Side,
    ) -> impl Iterator<Item = Interest> {
        let ladder = self.ladder(instrument, side);
        let mut place = ladder.map_or(EMPTY, Ladder::best);
        core::iter::from_fn(move || {
            let ladder = ladder?;
            if place == EMPTY {
                return None;
            }
            let seen = Interest { limit: Some(ladder.tick(place)), qty: ladder.qty(place) };
            place = ladder.after(place);
            Some(seen)
        })
    }

    /// Ends an order, if it is live.
    pub(crate) fn end(&mut self, order: OrderKey, why: Ended, out: &mut impl Out) {
        let Some(Placed { side, tick, qty, .. }) = self.placed(order) else { return };
        let Some(found) = self.index.find(&self.orders, order.get()) else {
            unreachable!("it was found");
        };
        self.remove(order, found.slot);
        out.push(Report::Cancelled { order, side, tick: Some(tick), qty, why });
    }

    /// Ends the orders of one side for which `ends` holds, best price first, each price in queue order.
    pub(crate) fn end_where(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        why: Ended,
        ends: impl Fn(RestingOrder) -> bool,
        out: &mut impl Out,
    ) {
        let Some(ladder) = self.ladder(instrument, side) else { return };
        let mut place = ladder.best();
        while place != EMPTY {
            // The level may be gone when its last order is.
            let ladder = &self.books[instrument.index()].ladders[side as usize];
            let (tick, behind) = (ladder.tick(place), ladder.after(place));
            let mut id = ladder.level(place).map_or(NONE, |level| level.head);
            while id != NONE {
                let slot = &self.orders[id];
                let (order, qty, next) = (OrderKey::new(slot.key), slot.qty, slot.behind);
                if ends(RestingOrder { order, tick, qty }) {
                    self.remove(order, id);
                    out.push(Report::Cancelled { order, side, tick: Some(tick), qty, why });
                }
                id = next;
            }
            place = behind;
        }
    }
}

impl Book {
    fn check_place(&self, tick: Tick) -> Result<(), Refused> {
        let is_near = |side: Side| self.ladders[side as usize].place(tick).is_some();
        (is_near(Side::Buy) && is_near(Side::Sell)).then_some(()).ok_or(Refused::Price)
    }
}
