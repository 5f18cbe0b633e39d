//! Cancel Order and Modify Order (2.3, 2.4): an order keeps its place and has fewer shares, or ends.
//!
//! The quantity of both is what the order is to have in all, what was executed included. What asks for
//! an order that is not live, or for as much as it has, is ignored.

use risk::port::{Denied, Entry, Previous};
use types::{PortId, Px};
use wire::ouch50::inbound::{CancelOrder, ModifyOrder};
use wire::ouch50::{Appendage, CancelReason, Flag, Options};

use crate::clerk::{Clerk, options};
use crate::fan::{Asked, Publisher, Run};
use crate::orders::{self, Live};

impl<T: Publisher> Clerk<'_, T> {
    pub(crate) fn cancel(&mut self, m: &CancelOrder, appendage: Appendage<'_>) {
        let Ok(options) = options(appendage, CancelOrder::TAKES) else { return self.ignore() };
        let slot = self.desk.orders.find(self.port, options.channel(), m.user_ref());
        let Some(slot) = slot else { return self.ignore() };
        let live = *self.desk.orders.at(slot);
        if live.total <= m.quantity() {
            return self.ignore();
        }
        self.shrink(slot, m.quantity(), None);
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
        let marked = Live { side: side.byte(), ..live };
        let mut previous = None;
        if marked.side != live.side {
            match self.mark(slot, &marked, options) {
                Ok(before) => previous = Some(before),
                Err(_) => return self.ignore(),
            }
        }
        if m.quantity() == live.total {
            self.desk.orders.at_mut(slot).side = marked.side;
            return self.desk.say_modified(self.now, slot);
        }
        let key = self.desk.orders.key(slot);
        let run = self.shrink(slot, m.quantity(), Some(marked.side));
        if let (Some(previous), Some(_), Some(slot)) =
            (previous, run.refused(key), self.desk.orders.slot(key))
        {
            // It stays as it was.
            let (risk, held) = self.desk.risk_of(slot);
            risk.keep(held, previous);
        }
    }

    /// Has risk look at an offer marked so, and moves its credit there.
    fn mark(&mut self, slot: u32, marked: &Live, options: Options<'_>) -> Result<Previous, Denied> {
        let limit = Some(Px::from_price4(marked.price)).filter(|_| !marked.has(orders::MARKET));
        let is_located = options.shares_located() == Some(Flag::Yes);
        let entry = Entry { is_located, ..self.entry(marked, limit) };
        let (now, port) = (self.now, PortId::new(self.port));
        let (risk, held) = self.desk.risk_of(slot);
        risk.replace(now, port, held, &entry)
    }

    /// `total`: what the order is to have in all, less than it has. `marks`: of a modify, the letter of
    /// its side.
    fn shrink(&mut self, slot: u32, total: u32, marks: Option<u8>) -> Run<'static> {
        let live = *self.desk.orders.at(slot);
        let open = total.saturating_sub(live.executed());
        if open == 0 {
            return self.end(slot, CancelReason::UserRequested);
        }
        let key = self.desk.orders.key(slot);
        let asked = Asked::Reduce { of: key, marks };
        let run = Run { asked, ..Run::nothing(CancelReason::UserRequested) };
        self.with_floor(run, |floor, now, fan| floor.reduce(now, key, open, fan))
    }
}
