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
        let open = self.orders[found.slot].qty;
        if leaves < open {
            self.shrink(found.slot, leaves);
            out.push(Report::Reduced { order, qty: open - leaves, leaves });
        }
    }

    /// Cancels all live orders of a scope, of one instrument or of all: [`Report::Cancelled`] for each,
    /// by instrument, the bids, then the offers, best price first. An instrument that does not exist
    /// has none.
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

    fn end_all(&mut self, instrument: InstrumentId, scope: Scope, why: Ended, out: &mut impl Out) {
        for side in Side::BOTH {
            let Some(ladder) = self.ladder(instrument, side) else { return };
            let mut place = ladder.best();
            while place != EMPTY {
                // Taken now: the level and the order may be gone when they are passed.
                let ladder = &self.books[instrument.index()].ladders[side as usize];
                let (tick, after) = (ladder.tick(place), ladder.after(place));
                let mut id = ladder.level(place).map_or(NONE, |level| level.head);
                while id != NONE {
                    let slot = &self.orders[id];
                    let (order, qty, behind) = (OrderKey::new(slot.key), slot.qty, slot.behind);
                    if scope.takes(side, order, AccountId::new(slot.account), Some(tick)) {
                        self.remove(order, id);
                        out.push(Report::Cancelled { order, side, tick: Some(tick), qty, why });
                    }
                    id = behind;
                }
                place = after;
            }
        }
    }

    /// Leaves a resting order with fewer open shares, in its place.
    pub(crate) fn shrink(&mut self, id: u32, leaves: u32) {
        let slot = &mut self.orders[id];
        let less = slot.qty - leaves;
        slot.qty = leaves;
        let ladder = &mut self.books[(slot.ladder >> 1) as usize].ladders[slot.side() as usize];
        ladder.level_mut(slot.place).qty -= u64::from(less);
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
