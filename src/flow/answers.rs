//! What the population hears: each answer changes the order it names, and the record.
//!
//! An order's chain is one order here: a replacement goes on with it under another number. Answers that do
//! not fit are counted and change nothing.

#[cfg(test)]
mod tests;

use types::Nanos;
use wire::Malformed;
use wire::ouch50::outbound::{
    Accepted, AccountQueryResponse, Executed, Message, Modified, Rejected, Replaced,
};
use wire::ouch50::{CrossType, Display, OrderState};

use super::Population;
use super::orders::{Order, Slot, Stage};
use super::population::PortState;

impl Population {
    /// Hears an OUCH message of a port, with its bytes as they came.
    pub fn on_message(&mut self, port: u16, bytes: &[u8], now: Nanos) {
        let heard = Message::parse(bytes).and_then(|message| {
            message.check()?;
            self.hear(port, message, now)
        });
        if heard.is_err() {
            self.record.malformed += 1;
        }
    }

    fn hear(&mut self, port: u16, message: Message<'_>, now: Nanos) -> Result<(), Malformed> {
        match message {
            Message::Accepted(m, _) => self.on_accepted(port, m, now)?,
            Message::Replaced(m, _) => self.on_replaced(port, m, now)?,
            Message::Canceled(m, _) => self.on_canceled(port, m.user_ref(), m.quantity()),
            Message::AiqCanceled(m, _) => self.on_canceled(port, m.user_ref(), m.decrement()),
            Message::Executed(m, _) => self.on_executed(port, m),
            Message::Rejected(m, _) => self.on_rejected(port, m)?,
            Message::Modified(m, _) => self.on_modified(port, m)?,
            Message::CancelReject(m, _) => self.on_cancel_reject(port, m.user_ref()),
            Message::Broken(..) => self.record.broken += 1,
            Message::MassCancelResponse(..) => self.record.mass_canceled += 1,
            Message::AccountQueryResponse(m, _) => self.on_next_user_ref(port, m),
            // Nothing that we keep: a cancel is still to come, what is shown changed, its place did.
            Message::CancelPending(..)
            | Message::Restated(..)
            | Message::PriorityUpdate(..)
            | Message::SystemEvent(..)
            | Message::DisableResponse(..)
            | Message::EnableResponse(..) => {}
        }
        Ok(())
    }

    /// The order that an answer names by its own number, not by that of a replacement to come.
    fn named(&mut self, port: u16, user_ref: u32) -> Option<(Slot, Order)> {
        let found = self.orders.find(port, user_ref).filter(|(_, o)| o.user_ref == user_ref);
        self.record.contradictions += u64::from(found.is_none());
        found
    }

    fn on_accepted(&mut self, port: u16, m: &Accepted, now: Nanos) -> Result<(), Malformed> {
        let Some((slot, order)) = self.named(port, m.user_ref()) else {
            return Ok(());
        };
        if order.stage != Stage::Sent {
            self.record.contradictions += 1;
            return Ok(());
        }
        self.record.accepted += 1;
        self.record.answered(order.due, now);
        let shown = m.display()? == Display::Visible
            && m.cross()? == CrossType::Continuous
            && !order.pegged
            && !order.immediate;
        match m.state()? {
            OrderState::Live => self.stand(slot, m.price(), m.quantity(), shown),
            OrderState::Dead => {
                self.record.dead += 1;
                self.record.ended_canceled += 1;
                self.record.canceled_shares += u64::from(m.quantity());
                self.orders.end(slot);
            }
        }
        Ok(())
    }

    /// The order stands at a price with so many shares.
    fn stand(&mut self, slot: Slot, price: u64, leaves: u32, shown: bool) {
        self.orders.turn(slot, Stage::Live);
        if let Some(order) = self.orders.get(slot) {
            (order.price, order.leaves, order.shown) = (price, leaves, shown);
            let (buy, instrument) = (order.is_buy(), usize::from(order.instrument));
            if shown {
                self.markets[instrument].on_shown(buy, price);
            }
        }
    }

    /// What the market shows of an order is no more.
    fn hide(&mut self, order: &Order) {
        if order.shown {
            self.markets[usize::from(order.instrument)].on_gone(order.is_buy(), order.price);
        }
    }

    fn on_replaced(&mut self, port: u16, m: &Replaced, now: Nanos) -> Result<(), Malformed> {
        let Some((slot, order)) = self.named(port, m.orig_user_ref()) else {
            return Ok(());
        };
        let Stage::Replacing { user_ref, due } = order.stage else {
            self.record.contradictions += 1;
            return Ok(());
        };
        if user_ref != m.user_ref() {
            self.record.contradictions += 1;
            return Ok(());
        }
        self.record.replaced += 1;
        self.record.answered(due, now);
        self.hide(&order);
        self.orders.turn(slot, Stage::Live);
        self.orders.renumber(slot, user_ref);
        if let Some(order) = self.orders.get(slot) {
            order.executed_before = order.executed_before.saturating_add(order.executed);
            (order.executed, order.pegged, order.shown) = (0, false, false);
        }
        let shown = m.display()? == Display::Visible && m.cross()? == CrossType::Continuous;
        match m.state()? {
            OrderState::Live => self.stand(slot, m.price(), m.quantity(), shown),
            OrderState::Dead => {
                self.record.dead += 1;
                self.record.ended_canceled += 1;
                self.record.canceled_shares += u64::from(m.quantity());
                self.orders.end(slot);
            }
        }
        Ok(())
    }

    fn on_canceled(&mut self, port: u16, user_ref: u32, quantity: u32) {
        let Some((slot, order)) = self.named(port, user_ref) else {
            return;
        };
        let Some(leaves) = order.leaves.checked_sub(quantity) else {
            self.record.contradictions += 1;
            return;
        };
        self.record.canceled_shares += u64::from(quantity);
        if leaves == 0 {
            self.record.ended_canceled += 1;
            self.hide(&order);
            self.orders.end(slot);
            return;
        }
        if let Some(order) = self.orders.get(slot) {
            order.leaves = leaves;
        }
        if order.stage == Stage::Reducing {
            self.orders.turn(slot, Stage::Live);
        }
    }

    fn on_executed(&mut self, port: u16, m: &Executed) {
        let Some((slot, order)) = self.named(port, m.user_ref()) else {
            return;
        };
        let Some(leaves) = order.leaves.checked_sub(m.quantity()) else {
            self.record.contradictions += 1;
            return;
        };
        let of = (order.account, order.instrument);
        self.record.trade(of, order.side, m.quantity(), m.price());
        self.markets[usize::from(order.instrument)].on_trade(m.price());
        if leaves == 0 {
            self.record.ended_executed += 1;
            self.hide(&order);
            self.orders.end(slot);
        } else if let Some(order) = self.orders.get(slot) {
            order.leaves = leaves;
            order.executed = order.executed.saturating_add(m.quantity());
        }
    }

    /// A new order ends. A replacement that is refused leaves the order as it is, unless a cancel follows.
    fn on_rejected(&mut self, port: u16, m: &Rejected) -> Result<(), Malformed> {
        self.record.reject(m.reason()?);
        // Numbers of mass cancels, and of replacements whose order ended, are not kept.
        let Some((slot, order)) = self.orders.find(port, m.user_ref()) else {
            return Ok(());
        };
        match order.stage {
            Stage::Sent => self.orders.end(slot),
            Stage::Replacing { .. } | Stage::Reducing => self.orders.turn(slot, Stage::Live),
            Stage::Live => self.record.contradictions += 1,
        }
        Ok(())
    }

    fn on_modified(&mut self, port: u16, m: &Modified) -> Result<(), Malformed> {
        let side = m.side()?;
        let Some((slot, order)) = self.named(port, m.user_ref()) else {
            return Ok(());
        };
        let canceled = order.leaves.checked_sub(m.quantity()).filter(|_| 0 < m.quantity());
        let Some(canceled) = canceled else {
            self.record.contradictions += 1;
            return Ok(());
        };
        self.record.modified += 1;
        self.record.canceled_shares += u64::from(canceled);
        if let Some(order) = self.orders.get(slot) {
            (order.leaves, order.side) = (m.quantity(), side);
        }
        self.orders.turn(slot, Stage::Live);
        Ok(())
    }

    fn on_cancel_reject(&mut self, port: u16, user_ref: u32) {
        self.record.cancel_rejected += 1;
        if let Some((slot, _)) = self.named(port, user_ref) {
            self.orders.turn(slot, Stage::Live);
        }
    }

    /// After a login: everything sent before it was answered by now, or never arrived.
    fn on_next_user_ref(&mut self, port: u16, m: &AccountQueryResponse) {
        let Some(at) = self.ports.get_mut(usize::from(port)) else {
            return;
        };
        if at.state != PortState::Asking {
            return;
        }
        at.state = PortState::Up;
        at.next_user_ref = at.next_user_ref.max(m.next_user_ref());
        for (slot, order) in self.orders.unanswered_on(port) {
            self.record.lost += 1;
            match order.stage {
                Stage::Sent => self.orders.end(slot),
                Stage::Live | Stage::Reducing | Stage::Replacing { .. } => {
                    self.orders.turn(slot, Stage::Live);
                }
            }
        }
    }
}
