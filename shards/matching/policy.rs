//! How the orders shown at one price share what comes.
//!
//! * Price-time: whoever came first.
//! * Price-broker-time: first those of the taker's own firm, then the others; in each whoever came first.
//! * Pro-rata: each gets the part of what comes that it has of the shares shown there, rounded down;
//!   what is left over by rounding goes to the first in the queue, as far as they can take it, and so
//!   on. One trade an order, in queue order. What is hidden is not shared but taken by time. Orders of
//!   the taker's own group stay out of it: where the oldest is to be cancelled, all at the price are
//!   before it is shared, and else they are met when the others have nothing left.

use types::{FirmId, InstrumentId};

use crate::market::{Market, Policy};
use crate::orders::NONE;
use crate::take::{Met, Taker};
use crate::{Out, SelfMatch, Tick};

/// Whose orders of a queue.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    All,
    Firm(FirmId),
    Others(FirmId),
}

impl Market {
    /// Whether a resting order is one of those.
    pub(crate) fn is_of(&self, of: Of, id: u32) -> bool {
        let firm_of = || self.accounts[self.account_of(id).index()].firm;
        match of {
            Of::All => true,
            Of::Firm(firm) => firm_of() == firm,
            Of::Others(firm) => firm_of() != firm,
        }
    }

    /// Lets a taker at what is shown up to a place, best price first.
    pub(crate) fn sweep(
        &mut self,
        instrument: InstrumentId,
        taker: &mut Taker,
        to: i64,
        out: &mut impl Out,
    ) -> Met {
        let other = taker.side.opposite() as usize;
        let firm = self.accounts[taker.account.index()].firm;
        while taker.leaves != 0 {
            let book = &self.books[instrument.index()];
            let place = book.ladders[other].best();
            if to < i64::from(place) {
                break;
            }
            let ways: &[Of] = match book.policy {
                Policy::PriceTime => &[Of::All],
                Policy::PriceBrokerTime => &[Of::Firm(firm), Of::Others(firm)],
                Policy::ProRata => &[],
            };
            if ways.is_empty() && self.share(instrument, taker, place, out) == Met::Itself {
                return Met::Itself;
            }
            for of in ways {
                if self.queue(instrument, taker, place, *of, out) == Met::Itself {
                    return Met::Itself;
                }
            }
        }
        Met::Others
    }

    fn head(&self, instrument: InstrumentId, taker: &Taker, place: i32) -> u32 {
        let ladder = &self.books[instrument.index()].ladders[taker.side.opposite() as usize];
        ladder.level(place).map_or(NONE, |level| level.head)
    }

    fn tick(&self, instrument: InstrumentId, taker: &Taker, place: i32) -> Tick {
        self.books[instrument.index()].ladders[taker.side.opposite() as usize].tick(place)
    }

    /// One price in queue order, what a reserve shows next included.
    fn queue(
        &mut self,
        instrument: InstrumentId,
        taker: &mut Taker,
        place: i32,
        of: Of,
        out: &mut impl Out,
    ) -> Met {
        let tick = self.tick(instrument, taker, place);
        let mut id = self.head(instrument, taker, place);
        while id != NONE && taker.leaves != 0 {
            let behind = self.orders[id].behind;
            if self.is_of(of, id) {
                if self.is_own(taker, id) {
                    if self.meet(taker, id, out) {
                        return Met::Itself;
                    }
                } else {
                    let leaves = taker.leaves;
                    let shows_on = self.orders[id].qty < self.open(id);
                    self.fill(taker, id, leaves, (tick, false), out);
                    if behind == NONE && shows_on {
                        continue; // it was the last and is the last again
                    }
                }
            }
            id = behind;
        }
        Met::Others
    }

    /// One price, shared by size: once over all that is shown now.
    fn share(
        &mut self,
        instrument: InstrumentId,
        taker: &mut Taker,
        place: i32,
        out: &mut impl Out,
    ) -> Met {
        let tick = self.tick(instrument, taker, place);
        let head = self.head(instrument, taker, place);
        // All shares that take part. Those of the taker's own group go now, or stay out of it.
        let (mut all, mut own, mut id) = (0, NONE, head);
        while id != NONE {
            let behind = self.orders[id].behind;
            if !self.is_own(taker, id) {
                all += u64::from(self.orders[id].qty);
            } else if taker.self_match == SelfMatch::CancelOldest {
                self.meet(taker, id, out);
            } else if own == NONE {
                own = id;
            }
            id = behind;
        }
        if all == 0 {
            let goes_on = own == NONE || !self.meet(taker, own, out);
            return if goes_on { Met::Others } else { Met::Itself };
        }
        let shared = all.min(u64::from(taker.leaves));
        // Both below 2^32, and so is the part of one: it has `all` at most.
        let part = |qty: u32| (shared * u64::from(qty) / all) as u32;
        let head = self.head(instrument, taker, place);
        let (mut over, mut last, mut id) = (shared, NONE, head);
        while id != NONE {
            if !self.is_own(taker, id) {
                over -= u64::from(part(self.orders[id].qty));
            }
            last = id;
            id = self.orders[id].behind;
        }
        id = head;
        loop {
            let (behind, qty) = (self.orders[id].behind, self.orders[id].qty);
            if !self.is_own(taker, id) {
                let more = over.min(u64::from(qty - part(qty)));
                over -= more;
                let qty = part(qty) + more as u32; // at most `qty`
                if qty != 0 {
                    self.fill(taker, id, qty, (tick, false), out);
                }
            }
            if id == last {
                return Met::Others;
            }
            id = behind;
        }
    }
}
