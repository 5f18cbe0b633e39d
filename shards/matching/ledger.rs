//! What must hold of the reports of any market, whatever the commands: each is entered here, and what
//! does not fit is a fault.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use types::{AccountId, InstrumentId, Side};

use crate::{
    Account, Market, Order, OrderKey, Policy, Price, Report, Rules, SelfMatch, Terms, Tick,
};

/// What is known of a live order.
#[derive(Clone, Copy)]
struct Entry {
    instrument: InstrumentId,
    side: Side,
    account: AccountId,
    self_match: SelfMatch,
    terms: Terms,
    /// The worst price at which it may trade.
    worst: Option<Tick>,
    limit: Option<Tick>,
    open: u32,
    shown: u32,
    /// When it came to the end of its queue; `None` before it rests.
    turn: Option<u64>,
}

/// The books, from what was asked and what was reported.
pub(crate) struct Ledger {
    accounts: Vec<Account>,
    rules: Vec<Rules>,
    live: BTreeMap<OrderKey, Entry>,
    turn: u64,
}

impl Ledger {
    pub(crate) fn new(accounts: &[Account], rules: &[Rules]) -> Self {
        let (accounts, rules) = (accounts.to_vec(), rules.to_vec());
        Self { accounts, rules, live: BTreeMap::new(), turn: 0 }
    }

    /// The terms that a live order has.
    pub(crate) fn terms(&self, key: OrderKey) -> Terms {
        self.live.get(&key).map_or(Terms::PLAIN, |entry| entry.terms)
    }

    /// Enters what came of a command. `asked`: the order that it was about, if it was about one.
    ///
    /// # Panics
    /// Where a report cannot be.
    pub(crate) fn enter(&mut self, asked: Option<&Order>, reports: &[Report]) {
        for report in reports {
            self.enter_one(asked, report);
        }
    }

    fn enter_one(&mut self, asked: Option<&Order>, report: &Report) {
        match *report {
            Report::Accepted { order, side, tick, qty } => {
                let asked = asked.expect("an order was entered");
                let limit = tick.or(match asked.new.price {
                    Price::Limit(tick) => Some(tick),
                    Price::Market | Price::MarketToLimit => None,
                });
                let entry = Entry {
                    instrument: asked.new.instrument,
                    side,
                    account: asked.new.account,
                    self_match: asked.new.self_match,
                    terms: asked.terms,
                    worst: asked.terms.discretion.or(limit),
                    limit,
                    open: qty,
                    shown: 0,
                    turn: None,
                };
                assert!(self.live.insert(order, entry).is_none(), "{order:?} is live");
            }
            Report::Replaced { old, new, tick, qty, kept, .. } => {
                let asked = asked.expect("an order was replaced");
                let was = self.live.remove(&old).expect("live");
                let limit = asked.terms.peg.is_none().then_some(tick).or(match asked.new.price {
                    Price::Limit(tick) => Some(tick),
                    Price::Market | Price::MarketToLimit => None,
                });
                let entry = Entry {
                    self_match: asked.new.self_match,
                    terms: asked.terms,
                    worst: asked.terms.discretion.or(limit),
                    limit,
                    open: qty,
                    shown: if kept { was.shown.min(qty) } else { 0 },
                    turn: was.turn.filter(|_| kept),
                    ..was
                };
                assert!(!kept || qty <= was.open, "kept with more");
                assert!(self.live.insert(new, entry).is_none(), "{new:?} is live");
            }
            Report::Rested { order, tick, qty, shown, .. } => {
                let turn = self.turn;
                self.turn += 1;
                let entry = self.live.get_mut(&order).expect("live");
                assert_eq!(entry.open, qty, "{order:?}");
                assert!(shown <= qty && entry.shown == 0, "{order:?}");
                (entry.shown, entry.turn) = (shown, Some(turn));
                if entry.limit.is_none() && entry.terms.peg.is_none() {
                    // The price that it met after it had waited for its stop.
                    (entry.limit, entry.worst) = (Some(tick), Some(tick));
                }
            }
            Report::Filled { .. } => self.fill(report),
            Report::Decremented { order, qty, leaves } | Report::Reduced { order, qty, leaves } => {
                let entry = self.live.get_mut(&order).expect("live");
                assert_eq!(entry.open, leaves + qty, "{order:?}");
                (entry.open, entry.shown) = (leaves, entry.shown.min(leaves));
            }
            Report::Cancelled { order, qty, .. } => {
                let entry = self.live.remove(&order).expect("live");
                assert_eq!(entry.open, qty, "{order:?} ended with more or less than was open");
            }
            // A cross asks nobody for more than price and shares.
            Report::Crossed { buy, sell, qty, buy_leaves, sell_leaves, .. } => {
                for (key, leaves) in [(buy, buy_leaves), (sell, sell_leaves)] {
                    assert_eq!(self.live[&key].open, leaves + qty, "{key:?}");
                    self.take(key, qty);
                }
            }
            Report::Refused { .. }
            | Report::Triggered { .. }
            | Report::Uncrossed { .. }
            | Report::Indicated(_)
            | Report::Bands { .. }
            | Report::Collar { .. }
            | Report::LimitState { .. }
            | Report::Phase { .. } => {}
        }
    }

    fn fill(&mut self, report: &Report) {
        let &Report::Filled { maker, taker, side, tick, half, hidden, qty, .. } = report else {
            return;
        };
        let (made, took) = (self.live[&maker], self.live[&taker]);
        let &Report::Filled { maker_leaves, taker_leaves, .. } = report else { return };
        assert!(0 < qty && made.open == maker_leaves + qty && took.open == taker_leaves + qty);
        assert!(took.side == side && made.side != side && made.instrument == took.instrument);
        for entry in [&made, &took] {
            let price = 2 * i128::from(tick.get()) + i128::from(half);
            let worst = entry.worst.map(|worst| 2 * i128::from(worst.get()));
            let is_within = match entry.side {
                Side::Buy => worst.is_none_or(|worst| price <= worst),
                Side::Sell => worst.is_none_or(|worst| worst <= price),
            };
            assert!(is_within, "{maker:?} and {taker:?} through a limit");
        }
        let group = |entry: &Entry| self.accounts[entry.account.index()].group;
        let is_own = group(&took) != 0 && group(&took) == group(&made);
        assert!(!is_own || took.self_match == SelfMatch::Allow, "{taker:?} met itself");
        assert_eq!(hidden, made.shown == 0, "{maker:?}");
        if hidden {
            assert!(made.terms.min_qty.min(made.open) <= took.open, "{maker:?} below its minimum");
            if took.turn.is_some() {
                assert!(took.terms.min_qty.min(took.open) <= made.open, "{taker:?} below its own");
            }
        }
        self.in_turn(&made, &took, (tick, half));
        self.take(maker, qty);
        self.take(taker, qty);
    }

    fn take(&mut self, key: OrderKey, qty: u32) {
        let entry = self.live.get_mut(&key).expect("live");
        entry.open -= qty;
        entry.shown = entry.shown.saturating_sub(qty);
        if entry.open == 0 {
            self.live.remove(&key);
        }
    }

    /// Nothing that is shown was passed by: not at a better price, and not at the same one by what is
    /// hidden, by discretion, or by a later one.
    fn in_turn(&self, made: &Entry, took: &Entry, (tick, half): (Tick, bool)) {
        if took.turn.is_some() {
            return; // two hidden orders
        }
        let policy = self.rules[made.instrument.index()].policy;
        let at_own = made.shown != 0 && made.limit == Some(tick);
        for other in self.live.values() {
            if other.instrument != made.instrument || other.side != made.side || other.shown == 0 {
                continue;
            }
            let Some(limit) = other.limit else { continue };
            let is_better = match made.side {
                Side::Buy => tick < limit,
                Side::Sell => limit < tick || (limit == tick && half),
            };
            assert!(!is_better, "a better price was passed by");
            let is_earlier = !at_own || (policy == Policy::PriceTime && other.turn < made.turn);
            let is_same = limit == tick && !half;
            assert!(!(is_same && is_earlier), "one that was first was passed by");
        }
    }

    /// Whether the market has just what the reports say.
    ///
    /// # Panics
    /// Where it has more or less.
    pub(crate) fn compare(&self, market: &Market) {
        let resting = self.live.values().filter(|entry| entry.turn.is_some());
        assert_eq!(resting.count(), market.live() as usize);
        for instrument in (0..self.rules.len() as u32).map(InstrumentId::new) {
            for side in Side::BOTH {
                for seen in market.resting(instrument, side) {
                    let entry = &self.live[&seen.order];
                    assert_eq!((entry.open, entry.shown), (seen.qty, seen.shown));
                }
                for seen in market.hidden(instrument, side) {
                    let entry = &self.live[&seen.order];
                    assert_eq!((entry.open, entry.shown), (seen.qty, 0));
                    let worst = entry.limit.map(|tick| 2 * tick.get());
                    let stands = seen.stands.map(|(tick, half)| 2 * tick.get() + i64::from(half));
                    let (Some(worst), Some(stands)) = (worst, stands) else { continue };
                    assert!(if side == Side::Buy { stands <= worst } else { worst <= stands });
                }
            }
        }
    }
}
