//! How much a taker would fill, before it fills anything: what a minimum asks.

use types::InstrumentId;

use crate::SelfMatch;
use crate::hidden::Reach;
use crate::market::{Market, Policy};
use crate::orders::NONE;
use crate::peg::Touch;
use crate::policy::Of;
use crate::take::Taker;

/// What a taker would have by now.
struct Count {
    leaves: u64,
    filled: u64,
}

impl Count {
    fn fill(&mut self, qty: u64) {
        let qty = qty.min(self.leaves);
        self.leaves -= qty;
        self.filled += qty;
    }

    /// It would meet its own group. Whether it would go on.
    fn meet(&mut self, self_match: SelfMatch, qty: u32) -> bool {
        match self_match {
            SelfMatch::Allow | SelfMatch::CancelOldest => true,
            SelfMatch::CancelNewest | SelfMatch::CancelBoth => false,
            SelfMatch::Decrement => {
                self.leaves -= u64::from(qty).min(self.leaves);
                true
            }
        }
    }
}

impl Market {
    /// Whether a taker would fill at least `min_qty` shares.
    pub(crate) fn reaches(
        &self,
        instrument: InstrumentId,
        taker: &Taker,
        reach: &Reach,
        touch: &Touch,
        min_qty: u32,
    ) -> bool {
        let ladder = &self.books[instrument.index()].ladders[taker.side.opposite() as usize];
        let mut count = Count { leaves: u64::from(taker.leaves), filled: 0 };
        let (mut place, mut after, min_qty) = (ladder.best(), None, u64::from(min_qty));
        loop {
            if min_qty <= count.filled || count.leaves == 0 {
                return min_qty <= count.filled;
            }
            let leaves = count.leaves as u32; // it began as one
            let (side, account) = (taker.side, taker.account);
            let next = self.next_hidden(instrument, side, account, leaves, reach, touch, after);
            let shown_to = next.map_or(reach.reach2, |(rank, _)| rank.place2).div_euclid(2);
            while i64::from(place) <= shown_to && count.filled < min_qty {
                if !self.count_level(instrument, taker, place, &mut count) {
                    return min_qty <= count.filled;
                }
                place = ladder.after(place);
            }
            if count.leaves != u64::from(leaves) {
                continue; // it may have become too small for the one that was next
            }
            let Some((rank, special)) = next else { return false };
            after = Some(rank);
            let id = self.specials[special].slot;
            if !self.is_own(taker, id) {
                count.fill(u64::from(self.orders[id].qty));
            } else if !count.meet(taker.self_match, self.orders[id].qty) {
                return false;
            }
        }
    }

    /// Counts what is shown at one price, with what reserves have behind it. Whether it would go on.
    fn count_level(
        &self,
        instrument: InstrumentId,
        taker: &Taker,
        place: i32,
        count: &mut Count,
    ) -> bool {
        let book = &self.books[instrument.index()];
        let ladder = &book.ladders[taker.side.opposite() as usize];
        if taker.self_match == SelfMatch::Allow && book.is_plain() {
            count.fill(ladder.qty(place));
            return true;
        }
        let head = ladder.level(place).map_or(NONE, |level| level.head);
        let firm = self.accounts[taker.account.index()].firm;
        match book.policy {
            Policy::PriceTime => self.count_queue(taker, head, Of::All, count),
            Policy::PriceBrokerTime => {
                self.count_queue(taker, head, Of::Firm(firm), count)
                    && self.count_queue(taker, head, Of::Others(firm), count)
            }
            Policy::ProRata => {
                let others = self.queued(head).filter(|id| !self.is_own(taker, *id));
                others.for_each(|id| count.fill(u64::from(self.open(id))));
                let mut own = self.queued(head).filter(|id| self.is_own(taker, *id));
                count.leaves == 0 || own.all(|id| count.meet(taker.self_match, self.open(id)))
            }
        }
    }

    fn count_queue(&self, taker: &Taker, head: u32, of: Of, count: &mut Count) -> bool {
        let queued = || self.queued(head).filter(|id| self.is_of(of, *id));
        for id in queued() {
            if count.leaves == 0 {
                return true;
            }
            if !self.is_own(taker, id) {
                count.fill(u64::from(self.orders[id].qty));
            } else if !count.meet(taker.self_match, self.open(id)) {
                return false;
            }
        }
        // Round again, over what reserves show next: nothing of its own is left there.
        for id in queued().filter(|id| !self.is_own(taker, *id)) {
            count.fill(u64::from(self.open(id) - self.orders[id].qty));
        }
        true
    }

    /// A queue from its head.
    fn queued(&self, head: u32) -> impl Iterator<Item = u32> {
        let next = |id: u32| (id != NONE).then_some(id);
        core::iter::successors(next(head), move |id| next(self.orders[*id].behind))
    }
}
