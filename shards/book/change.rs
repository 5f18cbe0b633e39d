//! What single order events do to books by order: the hot path.
//!
//! Each looks its order up once. What follows is known from the order's slot: its level, its
//! neighbours in the queue, its side; the side says whether that level is the best.

use types::{InstrumentId, MatchNo, OrderRef, Px, Qty, Side};

use crate::Applied;
use crate::chains::Found;
use crate::l3::Books;
use crate::ladder::{key_of, ladder_of, px_of, side_of};
use crate::queue::{self, Slot};

/// What an order event changed, as bits: small enough to come back in a register.
pub(crate) type Done = Result<u8, Applied>;
/// The best bid or offer.
pub(crate) const TOP: u8 = 1;
/// Anything in the book.
pub(crate) const BOOK: u8 = 2;
/// The trade statistics.
pub(crate) const TRADED: u8 = 4;

#[inline]
const fn top_if(top: bool) -> u8 {
    // TOP is bit 0.
    top as u8
}

/// An order's shares as they are stored.
#[inline(always)]
fn shares_of(qty: Qty) -> Result<u32, Applied> {
    match u32::try_from(qty.get()) {
        Ok(0) | Err(_) => Err(Applied::BadQty),
        Ok(shares) => Ok(shares),
    }
}

impl Books {
    #[inline(never)]
    pub(crate) fn add(
        &mut self,
        instrument: InstrumentId,
        order: OrderRef,
        side: Side,
        qty: Qty,
        px: Px,
    ) -> Done {
        let book = self.books.get_mut(instrument.index()).ok_or(Applied::UnknownInstrument)?;
        let shares = shares_of(qty)?;
        let slots = &mut self.slots;
        if self.chains.holds(slots, order.get()) {
            return Err(Applied::DuplicateOrder);
        }
        let slot = slots.take().ok_or(Applied::FullOrders)?;
        let ladder = &mut book.ladders[side as usize];
        let (owner, key) = (ladder_of(instrument, side), key_of(side, px));
        let rung = match self.levels.find(ladder, owner, key) {
            Some(rung) => rung,
            None => match self.levels.make(ladder, owner, key) {
                Some(rung) => rung,
                None => {
                    slots.give(slot);
                    return Err(Applied::FullLevels);
                }
            },
        };
        queue::join(slots, &mut self.levels.rungs, slot, rung, (order.get(), shares, owner));
        self.chains.insert(slots, order.get(), slot);
        ladder.orders += 1;
        Ok(BOOK | top_if(rung == ladder.best()))
    }

    #[inline(never)]
    pub(crate) fn delete(&mut self, instrument: InstrumentId, order: OrderRef) -> Done {
        let found = self.find_in(instrument, order)?;
        Ok(BOOK | top_if(self.remove(found)))
    }

    #[inline(never)]
    pub(crate) fn reduce(&mut self, instrument: InstrumentId, order: OrderRef, qty: Qty) -> Done {
        let found = self.find_in(instrument, order)?;
        self.lessen(found, qty)
    }

    /// `other`: at another price than the order's own, and whether that counts towards volume.
    #[inline(never)]
    pub(crate) fn execute(
        &mut self,
        instrument: InstrumentId,
        order: OrderRef,
        qty: Qty,
        other: Option<(Px, bool)>,
        match_no: MatchNo,
    ) -> Done {
        let found = self.find_in(instrument, order)?;
        let slot = &self.slots[found.slot];
        let own = px_of(side_of(slot.ladder), self.levels.rungs[slot.rung].key);
        let mut touched = self.lessen(found, qty)?;
        let (px, printable) = other.unwrap_or((own, true));
        if printable && qty != Qty::ZERO {
            touched |= TRADED;
            let stats = &mut self.books[instrument.index()].desk.stats;
            self.tape.print(stats, instrument, match_no, qty, px);
        }
        Ok(touched)
    }

    /// Takes shares from an order, and the order out of the book with its last one.
    #[inline(always)]
    fn lessen(&mut self, found: Found, qty: Qty) -> Done {
        let slot = &mut self.slots[found.slot];
        let left = u64::from(slot.qty).checked_sub(qty.get()).ok_or(Applied::OverExecuted)?;
        if left == 0 {
            return Ok(BOOK | top_if(self.remove(found)));
        }
        // Fits: it is no more than what was there before.
        slot.qty = left as u32;
        self.levels.rungs[slot.rung].qty -= qty.get();
        if qty == Qty::ZERO {
            return Ok(0);
        }
        let book = &self.books[(slot.ladder >> 1) as usize];
        Ok(BOOK | top_if(book.ladders[slot.ladder as usize & 1].best() == slot.rung))
    }

    #[inline(never)]
    pub(crate) fn replace(
        &mut self,
        instrument: InstrumentId,
        old: OrderRef,
        new: OrderRef,
        qty: Qty,
        px: Px,
    ) -> Done {
        let found = self.find_in(instrument, old)?;
        let shares = shares_of(qty)?;
        let slots = &mut self.slots;
        if new != old && self.chains.holds(slots, new.get()) {
            return Err(Applied::DuplicateOrder);
        }
        let Slot { ladder: owner, rung: from, qty: shares_before, .. } = slots[found.slot];
        let ladder = &mut self.books[instrument.index()].ladders[owner as usize & 1];
        let key = key_of(side_of(owner), px);
        let was_best = ladder.best() == from;
        let (to, top);
        if self.levels.rungs[from].key == key {
            queue::leave(slots, &mut self.levels.rungs, found.slot);
            to = from;
            // The level has as many orders as before.
            top = was_best && shares != shares_before;
        } else {
            let there = self.levels.find(ladder, owner, key);
            // Refused whole or taken whole: the new order's level must be had before the old one goes.
            let alone = self.levels.rungs[from].orders == 1;
            if there.is_none() && !alone && self.levels.rungs.is_full() {
                return Err(Applied::FullLevels);
            }
            queue::leave(slots, &mut self.levels.rungs, found.slot);
            if alone {
                self.levels.drop(ladder, from);
            }
            let made = there.or_else(|| self.levels.make(ladder, owner, key));
            to = made.ok_or(Applied::FullLevels)?;
            top = was_best || ladder.best() == to;
        }
        self.chains.remove(slots, found);
        let order = (new.get(), shares, owner);
        queue::join(slots, &mut self.levels.rungs, found.slot, to, order);
        self.chains.insert(slots, new.get(), found.slot);
        Ok(BOOK | top_if(top))
    }

    /// Where `order` is.
    #[inline(always)]
    pub(crate) fn find(&self, order: OrderRef) -> Option<Found> {
        self.chains.find(&self.slots, order.get())
    }

    /// Where `order` is, if it is in this instrument's book.
    #[inline(always)]
    fn find_in(&self, instrument: InstrumentId, order: OrderRef) -> Result<Found, Applied> {
        match self.find(order) {
            Some(found) if self.slots[found.slot].ladder >> 1 == instrument.get() => Ok(found),
            Some(_) | None => Err(Applied::UnknownOrder),
        }
    }

    /// Takes an order out of everything; true where the best level of its side changed.
    #[inline(always)]
    fn remove(&mut self, found: Found) -> bool {
        let Slot { rung, ladder: owner, .. } = self.slots[found.slot];
        let ladder = &mut self.books[(owner >> 1) as usize].ladders[owner as usize & 1];
        ladder.orders -= 1;
        let was_best = ladder.best() == rung;
        if queue::leave(&mut self.slots, &mut self.levels.rungs, found.slot) == 0 {
            self.levels.drop(ladder, rung);
        }
        self.chains.remove(&mut self.slots, found);
        self.slots.give(found.slot);
        was_best
    }
}
