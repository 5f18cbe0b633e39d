//! An order meets the other side: what it takes, what stops it, and what is left of it comes to rest.

use types::{AccountId, InstrumentId, Side};

use crate::market::Market;
use crate::orders::NONE;
use crate::{Account, Ended, OrderKey, Out, Report, SelfMatch};

/// An order that is looking for others.
pub(crate) struct Taker {
    pub(crate) key: OrderKey,
    pub(crate) side: Side,
    /// How far it may go on the other side's ladder.
    pub(crate) limit: i32,
    pub(crate) leaves: u32,
    pub(crate) account: AccountId,
    pub(crate) self_match: SelfMatch,
}

/// How a taker came out of the book.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Met {
    /// It took what was there.
    Others,
    /// It met its own group and goes no further.
    Itself,
}

impl Market {
    /// Lets a taker at the other side's orders, best price first, each price in queue order.
    #[inline(always)]
    pub(crate) fn take(
        &mut self,
        instrument: InstrumentId,
        taker: &mut Taker,
        out: &mut impl Out,
    ) -> Met {
        loop {
            let ladder =
                &mut self.books[instrument.index()].ladders[taker.side.opposite() as usize];
            let place = ladder.best();
            if taker.limit < place {
                return Met::Others;
            }
            let tick = ladder.tick(place);
            let level = ladder.level_mut(place);
            loop {
                let id = level.head;
                let maker = &mut self.orders[id];
                if taker.self_match != SelfMatch::Allow
                    && is_same_group(&self.accounts, maker.account, taker.account)
                {
                    if self.meet(instrument, taker, id, out) {
                        return Met::Itself;
                    }
                    break; // its level may be gone
                }
                let qty = maker.qty.min(taker.leaves);
                let key = maker.key;
                maker.qty -= qty;
                taker.leaves -= qty;
                level.qty -= u64::from(qty);
                out.push(Report::Filled {
                    maker: OrderKey::new(key),
                    taker: taker.key,
                    side: taker.side,
                    tick,
                    half: false,
                    hidden: false,
                    qty,
                    maker_leaves: maker.qty,
                    taker_leaves: taker.leaves,
                });
                if maker.qty != 0 {
                    return Met::Others;
                }
                let behind = maker.behind;
                self.index.remove_slot(key, id);
                self.orders.give(id);
                level.head = behind;
                if behind == NONE {
                    ladder.vacate(place);
                    if taker.leaves == 0 {
                        return Met::Others;
                    }
                    break;
                }
                self.orders[behind].ahead = NONE;
                if taker.leaves == 0 {
                    return Met::Others;
                }
            }
        }
    }

    /// A taker has met `id`, an order of its own group. Whether it goes no further.
    #[cold]
    fn meet(
        &mut self,
        instrument: InstrumentId,
        taker: &mut Taker,
        id: u32,
        out: &mut impl Out,
    ) -> bool {
        let slot = &self.orders[id];
        let (key, side, place, qty) = (OrderKey::new(slot.key), slot.side(), slot.place, slot.qty);
        let ladder = &self.books[instrument.index()].ladders[side as usize];
        let tick = Some(ladder.tick(place));
        let gone = Report::Cancelled { order: key, side, tick, qty, why: Ended::SelfMatch };
        match taker.self_match {
            SelfMatch::Allow | SelfMatch::CancelNewest => true,
            SelfMatch::CancelOldest | SelfMatch::CancelBoth => {
                self.remove(key, id);
                out.push(gone);
                taker.self_match == SelfMatch::CancelBoth
            }
            SelfMatch::Decrement => {
                let less = qty.min(taker.leaves);
                if less < taker.leaves {
                    taker.leaves -= less;
                    self.remove(key, id);
                    out.push(gone);
                    let (order, leaves) = (taker.key, taker.leaves);
                    out.push(Report::Decremented { order, qty: less, leaves });
                    return false;
                }
                if less < qty {
                    self.shrink(id, qty - less);
                    out.push(Report::Decremented { order: key, qty: less, leaves: qty - less });
                } else {
                    self.remove(key, id);
                    out.push(gone);
                }
                true // the caller cancels all that is left of it
            }
        }
    }

    /// Whether a taker would fill at least `min_qty` shares.
    pub(crate) fn reaches(&self, instrument: InstrumentId, taker: &Taker, min_qty: u32) -> bool {
        let ladder = &self.books[instrument.index()].ladders[taker.side.opposite() as usize];
        let careful = taker.self_match != SelfMatch::Allow;
        if taker.leaves < min_qty {
            return false;
        }
        let (mut leaves, mut filled) = (u64::from(taker.leaves), 0);
        let (mut place, min_qty) = (ladder.best(), u64::from(min_qty));
        while place <= taker.limit {
            let Some(level) = ladder.level(place) else { return false };
            let mut id = if careful { level.head } else { NONE };
            if !careful {
                let qty = level.qty.min(leaves);
                filled += qty;
                leaves -= qty;
            }
            while id != NONE && leaves != 0 {
                let maker = &self.orders[id];
                let qty = u64::from(maker.qty).min(leaves);
                if !is_same_group(&self.accounts, maker.account, taker.account) {
                    filled += qty;
                    leaves -= qty;
                } else {
                    match taker.self_match {
                        SelfMatch::Allow | SelfMatch::CancelOldest => {}
                        SelfMatch::CancelNewest | SelfMatch::CancelBoth => {
                            return min_qty <= filled;
                        }
                        SelfMatch::Decrement => leaves -= qty,
                    }
                }
                id = maker.behind;
            }
            if min_qty <= filled || leaves == 0 {
                return min_qty <= filled;
            }
            place = ladder.after(place);
        }
        false
    }

    /// Puts what is left of a taker at the end of its queue. There is room: it was asked for.
    #[inline(always)]
    pub(crate) fn rest(
        &mut self,
        instrument: InstrumentId,
        taker: &Taker,
        place: i32,
        out: &mut impl Out,
    ) {
        let Some(id) = self.orders.take() else {
            unreachable!("room for an order was asked for before it was taken");
        };
        let slot = &mut self.orders[id];
        slot.key = taker.key.get();
        slot.qty = taker.leaves;
        slot.place = place;
        slot.ladder = instrument.get() << 1 | taker.side as u32;
        slot.account = taker.account.get();
        self.index.insert(taker.key.get(), id);
        let ladder = &mut self.books[instrument.index()].ladders[taker.side as usize];
        ladder.join(&mut self.orders, id);
        let (order, side, qty) = (taker.key, taker.side, taker.leaves);
        out.push(Report::Rested { order, side, tick: ladder.tick(place), qty, shown: qty });
    }

    /// Takes a resting order out of everything.
    pub(crate) fn remove(&mut self, key: OrderKey, id: u32) {
        let slot = &self.orders[id];
        let ladder = &mut self.books[(slot.ladder >> 1) as usize].ladders[slot.side() as usize];
        ladder.leave(&mut self.orders, id);
        self.index.remove_slot(key.get(), id);
        self.orders.give(id);
    }
}

/// Whether two accounts may not trade with each other.
#[inline(always)]
pub(crate) fn is_same_group(accounts: &[Account], one: u32, other: AccountId) -> bool {
    let group = accounts[other.index()].group;
    group != 0 && accounts[one as usize].group == group
}
