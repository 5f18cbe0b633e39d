//! Orders leave the book, whole or in part, because someone asked or the day is over.

use types::{AccountId, InstrumentId, Side};

use crate::ladder::EMPTY;
use crate::market::Market;
use crate::orders::NONE;
use crate::{Ended, OrderKey, Out, Refused, Report, Scope, Tick};

impl Market {
    /// Lets a live order have at most `leaves` open shares from here on, in its place in the queue:
    /// [`Report::Reduced`], or nothing where it has no more than that. With none left it ends, as by
    /// [`Market::cancel`]. [`Report::Refused`] where it is not live.
    pub fn reduce(&mut self, order: OrderKey, leaves: u32, out: &mut impl Out) {
        if leaves == 0 {
            return self.cancel(order, out);
        }
        let Some(found) = self.index.find(&self.orders, order.get()) else {
            return out.push(Report::Refused { order, why: Refused::NotLive });
        };
        let open = self.open(found.slot);
        if leaves < open {
            self.shrink(found.slot, leaves);
            out.push(Report::Reduced { order, qty: open - leaves, leaves });
            self.wake(self.orders[found.slot].instrument(), out);
        }
    }

    /// Cancels all live orders of a scope, of one instrument or of all: [`Report::Cancelled`] for each,
    /// by instrument, the bids, then the offers, the shown ones best price first, then the hidden ones.
    /// An instrument that does not exist has none.
    pub fn cancel_all(
        &mut self,
        instrument: Option<InstrumentId>,
        scope: Scope,
        out: &mut impl Out,
    ) {
        let books = match instrument {
            Some(instrument) => instrument.get()..instrument.get().saturating_add(1),
            None => 0..self.books.len() as u32, // more have no number
        };
        for instrument in books.map(InstrumentId::new) {
            self.end_all(instrument, scope, Ended::Asked, out);
        }
    }

    /// Ends every order of an instrument: the bids, then the offers, best price first.
    pub(crate) fn clear(&mut self, instrument: InstrumentId, why: Ended, out: &mut impl Out) {
        self.end_all(instrument, Scope::All, why, out);
    }

    /// Ends what a scope takes of an instrument, and lets what that wakes trade.
    fn end_all(&mut self, instrument: InstrumentId, scope: Scope, why: Ended, out: &mut impl Out) {
        let takes = |market: &Self, id: u32| {
            let slot = &market.orders[id];
            let (key, limit) = (market.key_of(id), market.limit_of(slot));
            scope.takes(slot.side(), key, market.account_of(id), limit)
        };
        for side in Side::BOTH {
            self.end_those(instrument, side, why, takes, out);
        }
        self.wake(instrument, out);
    }

    /// Ends the orders of one side for which `ends` holds: those shown, best price first, each price in
    /// queue order, then the hidden ones.
    pub(crate) fn end_those(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        why: Ended,
        ends: impl Fn(&Self, u32) -> bool,
        out: &mut impl Out,
    ) {
        let Some(ladder) = self.ladder(instrument, side) else { return };
        let mut place = ladder.best();
        while place != EMPTY {
            // Taken now: the level and the order may be gone when they are passed.
            let ladder = &self.books[instrument.index()].ladders[side as usize];
            let after = ladder.after(place);
            let mut id = ladder.level(place).map_or(NONE, |level| level.head);
            while id != NONE {
                let behind = self.orders[id].behind;
                if ends(self, id) {
                    self.end(id, why, out);
                }
                id = behind;
            }
            place = after;
        }
        let mut special = self.books[instrument.index()].lists[side as usize].head();
        while special != NONE {
            let (id, behind) = (self.specials[special].slot, self.specials[special].behind);
            if self.orders[id].is_hidden() && ends(self, id) {
                self.end(id, why, out);
            }
            special = behind;
        }
    }

    /// As [`Market::cancel_from`], of an order that has terms, or in a book that is not plain.
    #[cold]
    #[inline(never)]
    pub(crate) fn cancel_special(&mut self, id: u32, out: &mut impl Out) -> InstrumentId {
        let instrument = self.orders[id].instrument();
        self.end(id, Ended::Asked, out);
        self.wake(instrument, out);
        instrument
    }

    /// Ends a resting order.
    pub(crate) fn end(&mut self, id: u32, why: Ended, out: &mut impl Out) {
        let slot = &self.orders[id];
        let (order, side, tick) = (OrderKey::new(slot.key), slot.side(), self.limit_of(slot));
        let qty = self.open(id);
        self.remove(order, id);
        out.push(Report::Cancelled { order, side, tick, qty, why });
    }

    /// Takes a resting order out of everything.
    pub(crate) fn remove(&mut self, key: OrderKey, id: u32) {
        let slot = &self.orders[id];
        let (side, special) = (slot.side() as usize, slot.special());
        let book = &mut self.books[slot.instrument().index()];
        if !slot.is_hidden() {
            book.ladders[side].leave(&mut self.orders, id);
        }
        if let Some(special) = special {
            self.specials.leave(&mut book.lists[side], special);
            book.pairs.forget(special);
            book.specials -= 1;
        }
        self.index.remove_slot(key.get(), id);
        self.orders.give(id);
    }

    /// Leaves a resting order with fewer open shares, in its place. What is not shown goes first.
    pub(crate) fn shrink(&mut self, id: u32, leaves: u32) {
        let slot = &mut self.orders[id];
        let was = slot.qty;
        slot.qty = was.min(leaves);
        let less = u64::from(was - slot.qty);
        if let Some(special) = slot.special() {
            self.specials[special].unshown = leaves - slot.qty;
        }
        if !slot.is_hidden() {
            let book = &mut self.books[slot.instrument().index()];
            book.ladders[slot.side() as usize].level_mut(slot.place).qty -= less;
        } else {
            self.rerank(id);
        }
    }
}

impl Scope {
    /// Whether it takes an order.
    pub(crate) fn takes(
        self,
        side: Side,
        key: OrderKey,
        account: AccountId,
        limit: Option<Tick>,
    ) -> bool {
        match self {
            Self::All => true,
            Self::Side(of) => of == side,
            Self::Account(of) => of == account,
            Self::Keys(from, to) => from <= key && key <= to,
            Self::Ticks(of, from, to) => {
                of == side && limit.is_some_and(|tick| from <= tick && tick <= to)
            }
        }
    }
}
