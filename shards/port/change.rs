//! Cancel Order and Modify Order (2.3, 2.4): an order keeps its place and has fewer shares, or ends.
//!
//! The quantity of both is what the order is to have in all, what was executed included. What asks for
//! an order that is not live, or for as much as it has, is ignored.

use matching::Trading;
use wire::ouch50::inbound::{CancelOrder, ModifyOrder};
use wire::ouch50::{Appendage, CancelReason};

use crate::clerk::{Clerk, options};
use crate::desk::Desk;
use crate::enter::smaller;
use crate::fan::{Asked, Run, Tape};
use crate::orders::{self, Live};

impl Desk {
    /// Whether an order stays in its cross whatever its owner wants.
    pub(crate) fn is_frozen(&self, live: &Live) -> bool {
        match self.books[live.instrument.index()].frozen {
            None => false,
            Some(Trading::AtOpen) => live.cross == b'O',
            Some(Trading::AtClose) => live.cross == b'C',
            Some(Trading::Any) => true,
        }
    }
}

impl<T: Tape> Clerk<'_, T> {
    pub(crate) fn cancel(&mut self, m: &CancelOrder, appendage: Appendage<'_>) {
        let Ok(options) = options(appendage, CancelOrder::TAKES) else { return self.ignore() };
        let slot = self.desk.orders.find(self.port, options.channel(), m.user_ref());
        let Some(slot) = slot else { return self.ignore() };
        let live = *self.desk.orders.at(slot);
        if live.total <= m.quantity() {
            return self.ignore();
        }
        if self.desk.is_frozen(&live) {
            return self.keep_in_cross(slot, m.quantity() <= live.executed());
        }
        self.shrink(slot, m.quantity(), false);
    }

    /// An order that must stay in its cross: its end is put off until then, less of it is refused.
    pub(crate) fn keep_in_cross(&mut self, slot: u32, is_end: bool) {
        let live = *self.desk.orders.at(slot);
        let name = self.name(live.channel, live.user_ref);
        if !is_end {
            self.desk.say_cancel_reject(self.now, name);
        } else if live.has(orders::PENDING) {
            self.ignore();
        } else {
            self.desk.orders.at_mut(slot).flags |= orders::PENDING;
            self.desk.say_cancel_pending(self.now, name);
        }
    }

    pub(crate) fn modify(&mut self, m: &ModifyOrder, appendage: Appendage<'_>) {
        let (Ok(options), Ok(side)) = (options(appendage, ModifyOrder::TAKES), m.side()) else {
            return self.ignore();
        };
        let slot = self.desk.orders.find(self.port, options.channel(), m.user_ref());
        let Some(slot) = slot else { return self.ignore() };
        let live = *self.desk.orders.at(slot);
        // A bid stays one; an offer may change its marking.
        if orders::trade_side(side.byte()) != live.trade_side() || live.total < m.quantity() {
            return self.ignore();
        }
        if self.desk.is_frozen(&live) {
            return self.keep_in_cross(slot, false);
        }
        self.desk.orders.at_mut(slot).side = side.byte();
        if m.quantity() == live.total {
            self.desk.say_modified(self.now, slot);
        } else {
            self.shrink(slot, m.quantity(), true);
        }
    }

    /// `total`: what the order is to have in all, less than it has.
    fn shrink(&mut self, slot: u32, total: u32, is_modify: bool) {
        let live = *self.desk.orders.at(slot);
        let open = total.saturating_sub(live.executed());
        if open == 0 {
            return self.end(slot, CancelReason::UserRequested);
        }
        let key = self.desk.orders.key(slot);
        let order = smaller(key, self.desk, slot, open);
        let asked = Asked::Reduce { by: live.leaves - open, is_modify };
        let run = Run { asked, ..Run::cancel(CancelReason::UserRequested) };
        self.with_floor(run, |floor, now, fan| floor.replace(now, key, &order, fan));
    }
}
