//! A toy exchange for the tests: OUCH 5.0 in and out over one sorted-by-hand list of orders.
//!
//! Price, then time; no crosses, no pegs (each stands at its limit), no risk. It holds what comes in to the
//! specification, and keeps sums of its own to compare with.

use std::collections::{BTreeMap, VecDeque};

use types::Nanos;
use wire::ouch50::inbound::{
    CancelOrder, EnterOrder, MassCancel, Message, ModifyOrder, ReplaceOrder,
};
use wire::ouch50::{
    Appendage, CancelReason, CrossType, Liquidity, MARKET_PRICE, OrderState, PRICE_MAX,
    QUANTITY_MAX, RejectReason, Side, TimeInForce, is_market, outbound,
};

use super::Ports;
use super::in_process::Venue;

/// An order that stands.
#[derive(Clone, Debug)]
struct Resting {
    port: u16,
    user_ref: u32,
    entered: EnterOrder,
    group: Option<u16>,
    leaves: u32,
    /// Under this number, and under those before it.
    executed: u32,
    executed_before: u32,
}

impl Resting {
    fn is_buy(&self) -> bool {
        self.entered.side() == Ok(Side::Buy)
    }

    fn in_book(&self) -> bool {
        self.entered.cross() == Ok(CrossType::Continuous)
    }

    /// Whether a limit of the other side reaches it.
    fn meets(&self, price: u64) -> bool {
        let own = self.entered.price();
        is_market(price) || if self.is_buy() { price <= own } else { own <= price }
    }
}

/// The exchange.
#[derive(Debug, Default)]
pub(super) struct Toy {
    /// The last number of each port.
    last: BTreeMap<u16, u32>,
    /// In the order of their time.
    orders: Vec<Resting>,
    answers: VecDeque<(u16, Vec<u8>)>,
    given: Vec<u8>,
    matches: u64,
    /// Every message as it came.
    pub(super) heard: Vec<(u16, Vec<u8>)>,
    /// Shares by name of account, ticker, and whether bought.
    pub(super) traded: BTreeMap<([u8; 14], [u8; 8], bool), u64>,
    /// How many ticks of 0.01 behind the best of their side day orders came in, by ticker.
    pub(super) depths: Vec<([u8; 8], u64)>,
    /// How orders ended: traded, canceled.
    pub(super) ended: (u64, u64),
    pub(super) now: Nanos,
    /// New orders and replacements are refused with this.
    pub(super) refuses: Option<RejectReason>,
}

impl Ports for Toy {
    fn send(&mut self, port: u16, message: &[u8]) -> bool {
        self.on_message(port, message);
        true
    }
}

impl Venue for Toy {
    fn on_time(&mut self, now: Nanos) {
        self.now = now;
    }

    fn answer(&mut self) -> Option<(u16, &[u8])> {
        let (port, message) = self.answers.pop_front()?;
        self.given = message;
        Some((port, &self.given))
    }
}

impl Toy {
    pub(super) fn open(&self) -> usize {
        self.orders.len()
    }

    fn on_message(&mut self, port: u16, bytes: &[u8]) {
        self.heard.push((port, bytes.to_vec()));
        let message = Message::parse(bytes).expect("a message");
        message.check().expect("codes of the specification");
        let options = message.appendage().strict().expect("options of the specification");
        assert_eq!(options.tags().beyond(message.takes()), None, "options of the message");
        if let Some(user_ref) = message.new_user_ref() {
            let last = self.last.entry(port).or_insert(0);
            assert!(*last < user_ref, "port {port}: {user_ref} after {last}");
            *last = user_ref;
        }
        match message {
            Message::EnterOrder(m, _) => self.enter(port, m, options.min_qty(), options.group_id()),
            Message::ReplaceOrder(m, _) => self.replace(port, m),
            Message::CancelOrder(m, _) => self.cancel(port, m),
            Message::ModifyOrder(m, _) => self.modify(port, m),
            Message::MassCancel(m, _) => self.cancel_all(port, m, options.group_id()),
            Message::AccountQuery(..) => {
                let next = self.last.get(&port).copied().unwrap_or(0) + 1;
                let header = outbound::Head::new(self.now.get());
                let answer = outbound::AccountQueryResponse { header, next_user_ref: next.into() };
                self.answer_with(port, |out| answer.encode(Appendage::ABSENT, out));
            }
            Message::DisableEntry(..) | Message::EnableEntry(..) => panic!("flow sends none"),
        }
    }

    fn answer_with(&mut self, port: u16, encode: impl Fn(&mut [u8]) -> Result<usize, wire::Full>) {
        let mut bytes = vec![0; outbound::LEN_MAX];
        let len = encode(&mut bytes).expect("room for any");
        bytes.truncate(len);
        self.answers.push_back((port, bytes));
    }

    fn reject(&mut self, port: u16, user_ref: u32, cl_ord_id: [u8; 14], why: RejectReason) {
        let header = outbound::Head::new(self.now.get());
        let reason = why.number().into();
        let answer = outbound::Rejected { header, user_ref: user_ref.into(), reason, cl_ord_id };
        self.answer_with(port, |out| answer.encode(Appendage::ABSENT, out));
    }

    fn canceled(&mut self, port: u16, user_ref: u32, quantity: u32, reason: CancelReason) {
        let header = outbound::Head::new(self.now.get());
        let (user_ref, quantity) = (user_ref.into(), quantity.into());
        let answer = outbound::Canceled { header, user_ref, quantity, reason: reason.byte() };
        self.answer_with(port, |out| answer.encode(Appendage::ABSENT, out));
    }

    fn check_terms(price: u64, quantity: u32) {
        assert!((1..=QUANTITY_MAX).contains(&quantity), "{quantity} shares");
        assert!((1..=PRICE_MAX).contains(&price) || price == MARKET_PRICE, "price {price}");
    }

    fn enter(&mut self, port: u16, m: &EnterOrder, min: Option<u32>, group: Option<u16>) {
        Self::check_terms(m.price(), m.quantity());
        if let Some(why) = self.refuses {
            return self.reject(port, m.user_ref(), m.cl_ord_id(), why);
        }
        let accepted = outbound::Accepted {
            header: outbound::Head::new(self.now.get()),
            user_ref: m.user_ref().into(),
            side: m.side,
            quantity: m.quantity().into(),
            symbol: m.symbol,
            price: m.price().into(),
            time_in_force: m.time_in_force,
            display: m.display,
            order_ref: 1.into(),
            capacity: m.capacity,
            intermarket_sweep: m.intermarket_sweep,
            cross: m.cross,
            state: OrderState::Live.byte(),
            cl_ord_id: m.cl_ord_id,
        };
        self.answer_with(port, |out| accepted.encode(Appendage::EMPTY, out));
        let order = Resting {
            port,
            user_ref: m.user_ref(),
            entered: *m,
            group,
            leaves: m.quantity(),
            executed: 0,
            executed_before: 0,
        };
        self.note_depth(&order);
        self.work(order, min.unwrap_or(0));
    }

    fn note_depth(&mut self, order: &Resting) {
        let same = |resting: &&Resting| {
            resting.in_book()
                && resting.entered.symbol() == order.entered.symbol()
                && resting.is_buy() == order.is_buy()
        };
        let prices = self.orders.iter().filter(same).map(|resting| resting.entered.price());
        let best = if order.is_buy() { prices.max() } else { prices.min() };
        let Some(best) = best.filter(|_| order.entered.time_in_force() == Ok(TimeInForce::Day))
        else {
            return;
        };
        let price = order.entered.price();
        let behind = if order.is_buy() { best.checked_sub(price) } else { price.checked_sub(best) };
        self.depths.extend(behind.map(|depth| (order.entered.symbol(), depth / 100)));
    }

    /// Trades what trades; what is left rests or is canceled.
    fn work(&mut self, mut order: Resting, min: u32) {
        let against = |resting: &Resting| {
            resting.in_book()
                && resting.entered.symbol() == order.entered.symbol()
                && resting.is_buy() != order.is_buy()
                && resting.meets(order.entered.price())
        };
        let mut found: Vec<usize> =
            (0..self.orders.len()).filter(|&at| against(&self.orders[at])).collect();
        found.sort_by_key(|&at| {
            let price = self.orders[at].entered.price() as i64;
            if order.is_buy() { price } else { -price }
        });
        let there: u64 = found.iter().map(|&at| u64::from(self.orders[at].leaves)).sum();
        if order.in_book() && u64::from(min) <= there {
            for at in found {
                let quantity = order.leaves.min(self.orders[at].leaves);
                if 0 < quantity {
                    self.trade(&mut order, at, quantity);
                }
            }
        }
        self.orders.retain(|resting| 0 < resting.leaves);
        let immediate = order.entered.time_in_force() == Ok(TimeInForce::ImmediateOrCancel);
        if order.leaves == 0 {
            self.ended.0 += 1;
        } else if immediate {
            self.ended.1 += 1;
            let reason = CancelReason::ImmediateOrCancel;
            self.canceled(order.port, order.user_ref, order.leaves, reason);
        } else {
            self.orders.push(order);
        }
    }

    fn trade(&mut self, taker: &mut Resting, at: usize, quantity: u32) {
        self.matches += 1;
        let price = self.orders[at].entered.price();
        let sides = [(&mut *taker, Liquidity::Removed), (&mut self.orders[at], Liquidity::Added)];
        let mut executions = Vec::new();
        for (order, liquidity) in sides {
            order.leaves -= quantity;
            order.executed += quantity;
            let of = (order.entered.cl_ord_id(), order.entered.symbol(), order.is_buy());
            *self.traded.entry(of).or_default() += u64::from(quantity);
            let executed = outbound::Executed {
                header: outbound::Head::new(self.now.get()),
                user_ref: order.user_ref.into(),
                quantity: quantity.into(),
                price: price.into(),
                liquidity: liquidity.byte(),
                match_number: self.matches.into(),
            };
            executions.push((order.port, executed));
        }
        self.ended.0 += u64::from(self.orders[at].leaves == 0);
        for (port, executed) in executions {
            self.answer_with(port, |out| executed.encode(Appendage::EMPTY, out));
        }
    }

    fn find(&self, port: u16, user_ref: u32) -> Option<usize> {
        self.orders.iter().position(|order| order.port == port && order.user_ref == user_ref)
    }

    fn replace(&mut self, port: u16, m: &ReplaceOrder) {
        Self::check_terms(m.price(), m.quantity());
        let Some(at) = self.find(port, m.orig_user_ref()) else {
            return;
        };
        if let Some(why) = self.refuses {
            return self.reject(port, m.user_ref(), m.cl_ord_id(), why);
        }
        let executed_before = self.orders[at].executed_before + self.orders[at].executed;
        let Some(leaves) = m.quantity().checked_sub(executed_before).filter(|&left| 0 < left)
        else {
            return self.shrink(at, 0);
        };
        let old = self.orders.remove(at);
        let mut entered = old.entered;
        (entered.user_ref, entered.quantity) = (m.user_ref, m.quantity);
        (entered.price, entered.time_in_force) = (m.price, m.time_in_force);
        entered.display = m.display;
        let replaced = outbound::Replaced {
            header: outbound::Head::new(self.now.get()),
            orig_user_ref: m.orig_user_ref,
            user_ref: m.user_ref,
            side: entered.side,
            quantity: leaves.into(),
            symbol: entered.symbol,
            price: m.price,
            time_in_force: m.time_in_force,
            display: m.display,
            order_ref: 1.into(),
            capacity: entered.capacity,
            intermarket_sweep: m.intermarket_sweep,
            cross: entered.cross,
            state: OrderState::Live.byte(),
            cl_ord_id: m.cl_ord_id,
        };
        self.answer_with(port, |out| replaced.encode(Appendage::EMPTY, out));
        let user_ref = m.user_ref();
        self.work(Resting { user_ref, entered, leaves, executed: 0, executed_before, ..old }, 0);
    }

    fn cancel(&mut self, port: u16, m: &CancelOrder) {
        if let Some(at) = self.find(port, m.user_ref()) {
            self.shrink(at, m.quantity());
        }
    }

    /// To so many shares in all, those executed included; nothing where it is no less.
    fn shrink(&mut self, at: usize, to: u32) {
        let order = &mut self.orders[at];
        let left = to.saturating_sub(order.executed);
        let lost = order.leaves.saturating_sub(left);
        let (port, user_ref) = (order.port, order.user_ref);
        order.leaves -= lost;
        if 0 < lost {
            self.canceled(port, user_ref, lost, CancelReason::UserRequested);
        }
        if self.orders[at].leaves == 0 {
            self.ended.1 += 1;
            self.orders.remove(at);
        }
    }

    fn modify(&mut self, port: u16, m: &ModifyOrder) {
        let Some(at) = self.find(port, m.user_ref()) else {
            return;
        };
        let order = &mut self.orders[at];
        let Some(left) = m.quantity().checked_sub(order.executed).filter(|&left| 0 < left) else {
            return self.shrink(at, 0);
        };
        assert!(left <= order.leaves, "{left} of {} shares", order.leaves);
        order.leaves = left;
        let modified = outbound::Modified {
            header: outbound::Head::new(self.now.get()),
            user_ref: m.user_ref,
            side: m.side,
            quantity: left.into(),
        };
        self.answer_with(port, |out| modified.encode(Appendage::ABSENT, out));
    }

    fn cancel_all(&mut self, port: u16, m: &MassCancel, group: Option<u16>) {
        let answer = outbound::MassCancelResponse {
            header: outbound::Head::new(self.now.get()),
            user_ref: m.user_ref,
            firm: m.firm,
            symbol: m.symbol,
        };
        self.answer_with(port, |out| answer.encode(Appendage::EMPTY, out));
        let named = |order: &Resting| {
            order.port == port && order.entered.symbol() == m.symbol() && order.group == group
        };
        while let Some(at) = self.orders.iter().position(named) {
            self.shrink(at, 0);
        }
    }
}
