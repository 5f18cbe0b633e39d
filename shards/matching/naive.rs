//! The market again, slow and obviously right: one list of orders in the order in which they came,
//! searched from end to end for everything. For comparison only.

use alloc::vec::Vec;

use types::{AccountId, InstrumentId, Side};

use crate::{
    Account, Capacity, Ended, NewOrder, OrderKey, Price, Refused, Replace, Report, RestingOrder,
    Rules, Scope, SelfMatch, Standing, Tick,
};

/// The same commands as [`crate::Market`]'s, with the same reports.
pub struct Market {
    capacity: Capacity,
    accounts: Vec<Account>,
    rules: Vec<Rules>,
    /// In the order in which they came to rest: the first of a price is the first in its queue.
    orders: Vec<Live>,
}

#[derive(Clone, Copy)]
struct Live {
    key: OrderKey,
    instrument: InstrumentId,
    side: Side,
    tick: Tick,
    qty: u32,
    account: AccountId,
}

/// A price no further from the reference than this has a place.
fn is_near(rules: &Rules, tick: Tick) -> bool {
    let low = i128::from(rules.reference.get()) - i128::from(rules.window / 2);
    let from_low = i128::from(tick.get()) - low;
    let from_high = i128::from(rules.window) - 1 - from_low;
    let far = 1 << 30;
    from_low.abs() < far && from_high.abs() < far
}

fn is_in_window(rules: &Rules, tick: Tick) -> bool {
    let low = rules.reference.get() - i64::from(rules.window / 2);
    low <= tick.get() && tick.get() < low + i64::from(rules.window)
}

impl Market {
    /// As [`crate::Market::new`].
    pub fn new(capacity: Capacity, accounts: &[Account], rules: &[Rules]) -> Self {
        Self { capacity, accounts: accounts.to_vec(), rules: rules.to_vec(), orders: Vec::new() }
    }

    /// As [`crate::Market::enter`].
    pub fn enter(&mut self, order: &NewOrder, out: &mut Vec<Report>) {
        let &NewOrder { key, instrument, side, qty, price, standing, account, self_match } = order;
        if let Err(why) = self.check(order) {
            out.push(Report::Refused { order: key, why });
            return;
        }
        let best = self.best_maker(instrument, side, None).map(|at| self.orders[at].tick);
        let tick = match price {
            Price::Limit(tick) => Some(tick),
            Price::Market => None,
            Price::MarketToLimit => best,
        };
        out.push(Report::Accepted { order: key, side, tick, qty });
        if let Standing::Immediate { min_qty } = standing {
            // Try it on a copy.
            let mut trial = Self {
                capacity: self.capacity,
                accounts: self.accounts.clone(),
                rules: self.rules.clone(),
                orders: self.orders.clone(),
            };
            let mut reports = Vec::new();
            let (mut leaves, by) = (qty, (account, self_match));
            trial.take(key, instrument, side, tick, &mut leaves, by, &mut reports);
            let filled: u32 = reports
                .iter()
                .map(|report| if let Report::Filled { qty, .. } = report { *qty } else { 0 })
                .sum();
            if filled < min_qty {
                out.push(Report::Cancelled { order: key, side, tick, qty, why: Ended::MinQty });
                return;
            }
        }
        let mut leaves = qty;
        let by = (account, self_match);
        let met_itself = self.take(key, instrument, side, tick, &mut leaves, by, out);
        if leaves == 0 {
            return;
        }
        let may_rest = matches!(standing, Standing::Rest | Standing::PostOnly);
        match tick {
            Some(tick) if may_rest && !met_itself => {
                self.rest(Live { key, instrument, side, tick, qty: leaves, account }, out);
            }
            _ => {
                let why = if met_itself { Ended::SelfMatch } else { Ended::Immediate };
                out.push(Report::Cancelled { order: key, side, tick, qty: leaves, why });
            }
        }
    }

    fn check(&self, order: &NewOrder) -> Result<(), Refused> {
        let rules = self.rules.get(order.instrument.index()).ok_or(Refused::Instrument)?;
        if self.accounts.len() <= order.account.index() {
            return Err(Refused::Account);
        }
        if order.qty == 0 {
            return Err(Refused::Qty);
        }
        if self.orders.iter().any(|live| live.key == order.key) {
            return Err(Refused::DuplicateKey);
        }
        let best = self.best_maker(order.instrument, order.side, None);
        let tick = match (order.price, best) {
            (Price::Limit(tick), _) => tick,
            (Price::Market | Price::MarketToLimit, _) if order.standing == Standing::PostOnly => {
                return Err(Refused::WouldTrade);
            }
            (Price::Market, _) | (Price::MarketToLimit, None) => return Ok(()),
            (Price::MarketToLimit, Some(best)) => self.orders[best].tick,
        };
        if !is_near(rules, tick) {
            return Err(Refused::Price);
        }
        if let Standing::Immediate { .. } = order.standing {
            return Ok(());
        }
        let crosses = self.best_maker(order.instrument, order.side, Some(tick)).is_some();
        if order.standing == Standing::PostOnly && crosses {
            return Err(Refused::WouldTrade);
        }
        if self.orders.len() == self.capacity.orders as usize {
            return Err(Refused::OrdersFull);
        }
        if !self.has_room(order.instrument, order.side, tick, None) {
            return Err(Refused::LevelsFull);
        }
        Ok(())
    }

    /// `but`: an order that leaves first.
    fn has_room(
        &self,
        instrument: InstrumentId,
        side: Side,
        tick: Tick,
        but: Option<OrderKey>,
    ) -> bool {
        let rules = &self.rules[instrument.index()];
        if is_in_window(rules, tick) {
            return true;
        }
        let mut far: Vec<Tick> = self
            .orders
            .iter()
            .filter(|live| live.instrument == instrument && live.side == side)
            .filter(|live| Some(live.key) != but)
            .map(|live| live.tick)
            .filter(|tick| !is_in_window(rules, *tick))
            .collect();
        far.sort();
        far.dedup();
        far.contains(&tick) || far.len() < rules.far_levels as usize
    }

    /// The order that a taker of `side` with this limit trades with first.
    fn best_maker(
        &self,
        instrument: InstrumentId,
        side: Side,
        limit: Option<Tick>,
    ) -> Option<usize> {
        let mut best: Option<usize> = None;
        for (at, live) in self.orders.iter().enumerate() {
            if live.instrument != instrument || live.side == side {
                continue;
            }
            let better = |a: Tick, b: Tick| match side {
                Side::Buy => a < b,
                Side::Sell => b < a,
            };
            if limit.is_some_and(|limit| better(limit, live.tick)) {
                continue;
            }
            if best.is_none_or(|best| better(live.tick, self.orders[best].tick)) {
                best = Some(at);
            }
        }
        best
    }

    /// Whether it met itself and goes no further.
    #[expect(
        clippy::too_many_arguments,
        reason = "all that a taker is; the twin has no use for a struct"
    )]
    fn take(
        &mut self,
        taker: OrderKey,
        instrument: InstrumentId,
        side: Side,
        limit: Option<Tick>,
        leaves: &mut u32,
        (account, self_match): (AccountId, SelfMatch),
        out: &mut Vec<Report>,
    ) -> bool {
        while 0 < *leaves {
            let Some(at) = self.best_maker(instrument, side, limit) else { return false };
            let live = self.orders[at];
            let qty = live.qty.min(*leaves);
            let gone = Report::Cancelled {
                order: live.key,
                side: live.side,
                tick: Some(live.tick),
                qty: live.qty,
                why: Ended::SelfMatch,
            };
            if self.is_same_group(live.account, account) && self_match != SelfMatch::Allow {
                match self_match {
                    SelfMatch::Allow | SelfMatch::CancelNewest => return true,
                    SelfMatch::CancelOldest => {
                        self.orders.remove(at);
                        out.push(gone);
                    }
                    SelfMatch::CancelBoth => {
                        self.orders.remove(at);
                        out.push(gone);
                        return true;
                    }
                    SelfMatch::Decrement if live.qty < *leaves => {
                        *leaves -= qty;
                        self.orders.remove(at);
                        out.push(gone);
                        out.push(Report::Decremented { order: taker, qty, leaves: *leaves });
                    }
                    SelfMatch::Decrement if live.qty == *leaves => {
                        self.orders.remove(at);
                        out.push(gone);
                        return true;
                    }
                    SelfMatch::Decrement => {
                        self.orders[at].qty -= qty;
                        let leaves = self.orders[at].qty;
                        out.push(Report::Decremented { order: live.key, qty, leaves });
                        return true;
                    }
                }
                continue;
            }
            *leaves -= qty;
            let maker_leaves = live.qty - qty;
            let (maker, tick, taker_leaves) = (live.key, live.tick, *leaves);
            out.push(Report::Filled {
                maker,
                taker,
                side,
                tick,
                half: false,
                hidden: false,
                qty,
                maker_leaves,
                taker_leaves,
            });
            if maker_leaves == 0 {
                self.orders.remove(at);
            } else {
                self.orders[at].qty = maker_leaves;
            }
        }
        false
    }

    /// As [`crate::Market::cancel`].
    pub fn cancel(&mut self, order: OrderKey, out: &mut Vec<Report>) {
        out.push(match self.orders.iter().position(|live| live.key == order) {
            None => Report::Refused { order, why: Refused::NotLive },
            Some(at) => ended(&self.orders.remove(at), Ended::Asked),
        });
    }

    /// As [`crate::Market::reduce`].
    pub fn reduce(&mut self, order: OrderKey, leaves: u32, out: &mut Vec<Report>) {
        let Some(live) = self.orders.iter_mut().find(|live| live.key == order) else {
            out.push(Report::Refused { order, why: Refused::NotLive });
            return;
        };
        if leaves == 0 {
            self.cancel(order, out);
        } else if leaves < live.qty {
            out.push(Report::Reduced { order, qty: live.qty - leaves, leaves });
            live.qty = leaves;
        }
    }

    /// As [`crate::Market::cancel_all`].
    pub fn cancel_all(
        &mut self,
        instrument: Option<InstrumentId>,
        scope: Scope,
        out: &mut Vec<Report>,
    ) {
        let of = |live: &Live| match scope {
            Scope::All => true,
            Scope::Side(side) => live.side == side,
            Scope::Account(account) => live.account == account,
            Scope::Keys(from, to) => (from..=to).contains(&live.key),
            Scope::Ticks(side, from, to) => live.side == side && (from..=to).contains(&live.tick),
        };
        for at in (0..self.rules.len() as u32).map(InstrumentId::new) {
            for side in Side::BOTH {
                for seen in self.resting(at, side) {
                    let live = self.orders.iter().find(|live| live.key == seen.order);
                    let asked = instrument.is_none_or(|instrument| instrument == at);
                    if asked && live.is_some_and(of) {
                        self.cancel(seen.order, out);
                    }
                }
            }
        }
    }

    /// As [`crate::Market::replace`].
    pub fn replace(&mut self, replace: &Replace, out: &mut Vec<Report>) {
        let &Replace { old, new, qty, tick, post_only, self_match } = replace;
        let Some(at) = self.orders.iter().position(|live| live.key == old) else {
            out.push(Report::Refused { order: old, why: Refused::NotLive });
            return;
        };
        if new != old && self.orders.iter().any(|live| live.key == new) {
            out.push(Report::Refused { order: new, why: Refused::DuplicateKey });
            return;
        }
        let live = self.orders[at];
        let rules = self.rules[live.instrument.index()];
        let why = if qty == 0 {
            Some(Refused::Qty)
        } else if !is_near(&rules, tick) {
            Some(Refused::Price)
        } else if post_only && self.best_maker(live.instrument, live.side, Some(tick)).is_some() {
            Some(Refused::WouldTrade)
        } else if !self.has_room(live.instrument, live.side, tick, Some(old)) {
            Some(Refused::LevelsFull)
        } else {
            None
        };
        if let Some(why) = why {
            out.push(Report::Refused { order: new, why });
            self.orders.remove(at);
            out.push(ended(&live, Ended::Refused));
            return;
        }
        let kept = rules.keeps_place && tick == live.tick && qty <= live.qty;
        out.push(Report::Replaced { old, new, side: live.side, tick, qty, kept });
        if kept {
            self.orders[at].key = new;
            self.orders[at].qty = qty;
            return;
        }
        self.orders.remove(at);
        let (mut leaves, by) = (qty, (live.account, self_match));
        let met_itself =
            self.take(new, live.instrument, live.side, Some(tick), &mut leaves, by, out);
        let live = Live { key: new, tick, qty: leaves, ..live };
        if met_itself && 0 < leaves {
            out.push(ended(&live, Ended::SelfMatch));
        } else if 0 < leaves {
            self.rest(live, out);
        }
    }

    fn rest(&mut self, live: Live, out: &mut Vec<Report>) {
        let Live { key: order, side, tick, qty, .. } = live;
        out.push(Report::Rested { order, side, tick, qty, shown: qty });
        self.orders.push(live);
    }

    fn is_same_group(&self, one: AccountId, other: AccountId) -> bool {
        let [one, other] = [one, other].map(|account| self.accounts[account.index()].group);
        one != 0 && one == other
    }

    /// As [`crate::Market::resting`].
    pub fn resting(&self, instrument: InstrumentId, side: Side) -> Vec<RestingOrder> {
        let mut of_side: Vec<&Live> = self
            .orders
            .iter()
            .filter(|live| live.instrument == instrument && live.side == side)
            .collect();
        // Stable: those of a price stay in the order in which they came.
        match side {
            Side::Buy => of_side.sort_by_key(|live| core::cmp::Reverse(live.tick)),
            Side::Sell => of_side.sort_by_key(|live| live.tick),
        }
        of_side
            .iter()
            .map(|live| RestingOrder { order: live.key, tick: live.tick, qty: live.qty })
            .collect()
    }
}

fn ended(live: &Live, why: Ended) -> Report {
    let &Live { key: order, side, tick, qty, .. } = live;
    Report::Cancelled { order, side, tick: Some(tick), qty, why }
}
