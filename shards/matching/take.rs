//! An order meets the other side: what it takes, what stops it, and what is left of it comes to rest.

use types::{AccountId, InstrumentId, Side};

use crate::hidden::Reach;
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
                    if self.meet(taker, id, out) {
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
    pub(crate) fn meet(&mut self, taker: &mut Taker, id: u32, out: &mut impl Out) -> bool {
        let (key, qty) = (OrderKey::new(self.orders[id].key), self.open(id));
        match taker.self_match {
            SelfMatch::Allow | SelfMatch::CancelNewest => true,
            SelfMatch::CancelOldest | SelfMatch::CancelBoth => {
                self.end(id, Ended::SelfMatch, out);
                taker.self_match == SelfMatch::CancelBoth
            }
            SelfMatch::Decrement => {
                let less = qty.min(taker.leaves);
                if less < taker.leaves {
                    taker.leaves -= less;
                    self.end(id, Ended::SelfMatch, out);
                    let (order, leaves) = (taker.key, taker.leaves);
                    out.push(Report::Decremented { order, qty: less, leaves });
                    return false;
                }
                if less < qty {
                    self.shrink(id, qty - less);
                    out.push(Report::Decremented { order: key, qty: less, leaves: qty - less });
                } else {
                    self.end(id, Ended::SelfMatch, out);
                }
                true // the caller cancels all that is left of it
            }
        }
    }

    /// Whether a taker in a plain book would fill at least `min_qty` shares.
    #[cold]
    pub(crate) fn reaches_plainly(
        &self,
        instrument: InstrumentId,
        taker: &Taker,
        min_qty: u32,
    ) -> bool {
        let (reach, touch) =
            (Reach::to(2 * i64::from(taker.limit)), self.books[instrument.index()].touch());
        self.reaches(instrument, taker, &reach, &touch, min_qty)
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
}

/// Whether two accounts may not trade with each other.
#[inline(always)]
pub(crate) fn is_same_group(accounts: &[Account], one: u32, other: AccountId) -> bool {
    let group = accounts[other.index()].group;
    group != 0 && accounts[one as usize].group == group
}
