//! The market again, slow and obviously right: one list of orders, searched from end to end for
//! everything. For comparison only. Its matching is in `naive_take.rs`, its crosses in
//! `naive_cross.rs`.

use alloc::vec::Vec;

use types::{AccountId, InstrumentId, Side};

use crate::admit::{is_same_rest, is_sound};
use crate::cross::Span;
use crate::naive_take::{Taker, Touch};
use crate::reserve::Draws;
use crate::{
    Account, Capacity, Display, Ended, HiddenOrder, NewOrder, Order, OrderKey, Price, Quote,
    Refused, Replace, Report, RestingOrder, Rules, Scope, SelfMatch, Standing, Terms, Tick,
};

/// The same commands as [`crate::Market`]'s, with the same reports.
#[derive(Clone)]
pub struct Market {
    pub(crate) capacity: Capacity,
    pub(crate) accounts: Vec<Account>,
    pub(crate) rules: Vec<Rules>,
    /// By instrument.
    pub(crate) told: Vec<Option<Quote>>,
    pub(crate) draws: Vec<Draws>,
    /// Whether orders trade as they come.
    pub(crate) trades: Vec<bool>,
    /// Between which prices pegs and discretion trade.
    pub(crate) spans: Vec<Span>,
    /// In the order in which they came to rest: the first of a price is the first in its queue.
    pub(crate) orders: Vec<Live>,
    /// How many have come to rest.
    pub(crate) count: u64,
}

#[derive(Clone, Copy)]
pub(crate) struct Live {
    pub(crate) key: OrderKey,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) limit: Option<Tick>,
    pub(crate) qty: u32,
    /// 0 for what is hidden.
    pub(crate) shown: u32,
    pub(crate) account: AccountId,
    pub(crate) self_match: SelfMatch,
    pub(crate) terms: Terms,
    pub(crate) is_special: bool,
    /// What `count` was when it came.
    pub(crate) since: u64,
}

/// An order that may enter: how it goes, and how it rests.
struct Course {
    taker: Taker,
    limit: Option<Tick>,
    rests: bool,
    is_hidden: bool,
}

/// A price no further from the reference than this has a place.
pub(crate) fn is_near(rules: &Rules, tick: Tick) -> bool {
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
        Self {
            capacity,
            accounts: accounts.to_vec(),
            rules: rules.to_vec(),
            told: rules.iter().map(|_| None).collect(),
            draws: rules.iter().map(|rules| Draws::new(rules.seed)).collect(),
            trades: rules.iter().map(|_| true).collect(),
            spans: rules.iter().map(|_| Span::ALL).collect(),
            orders: Vec::new(),
            count: 0,
        }
    }

    /// As [`crate::Market::enter`].
    pub fn enter(&mut self, order: &NewOrder, out: &mut Vec<Report>) {
        self.enter_with(&Order { new: *order, terms: Terms::PLAIN }, out);
    }

    /// As [`crate::Market::enter_with`].
    pub fn enter_with(&mut self, order: &Order, out: &mut Vec<Report>) {
        let &NewOrder { key, side, qty, .. } = &order.new;
        let course = if self.rules.len() <= order.new.instrument.index() {
            Err(Refused::Instrument)
        } else if self.accounts.len() <= order.new.account.index() {
            Err(Refused::Account)
        } else if qty == 0 {
            Err(Refused::Qty)
        } else if self.at(key).is_some() {
            Err(Refused::DuplicateKey)
        } else {
            self.course(order, None)
        };
        match course {
            Err(why) => out.push(Report::Refused { order: key, why }),
            Ok(course) => {
                out.push(Report::Accepted { order: key, side, tick: course.limit, qty });
                self.run(order, course, out);
            }
        }
    }

    pub(crate) fn at(&self, key: OrderKey) -> Option<usize> {
        self.orders.iter().position(|live| live.key == key)
    }

    fn course(&self, order: &Order, leaving: Option<&Live>) -> Result<Course, Refused> {
        let Order { new, terms } = order;
        let rules = &self.rules[new.instrument.index()];
        if !is_sound(order, rules.lit) {
            return Err(Refused::Terms);
        }
        let touch = self.touch(new.instrument);
        let mut taker = Taker::new(new);
        let is_hidden = !rules.lit || terms.peg.is_some() || terms.display == Display::Hidden;
        let mut course = Course { taker, limit: None, rests: false, is_hidden };
        course.limit = match new.price {
            Price::Limit(tick) => Some(tick),
            Price::Market => None,
            Price::MarketToLimit => touch.shown[new.side.opposite() as usize].map(Tick::new),
        };
        if terms.peg.is_none() && !matches!(new.price, Price::Limit(_)) {
            if new.standing == Standing::PostOnly {
                return Err(Refused::WouldTrade);
            }
            if new.price == Price::MarketToLimit && course.limit.is_none() {
                course.taker.goes_nowhere = true;
            }
            if course.limit.is_none() {
                return Ok(course);
            }
        }
        if [terms.discretion, course.limit].into_iter().flatten().any(|tick| !is_near(rules, tick))
        {
            return Err(Refused::Price);
        }
        taker.limit = match terms.peg {
            None => course.limit.map(|tick| 2 * tick.get()),
            Some(peg) => {
                let stands = self.stands(new.instrument, &touch, new.side, peg, course.limit);
                Some(stands.ok_or(Refused::Quote)?)
            }
        };
        taker.reach = terms.discretion.map_or(taker.limit, |tick| Some(2 * tick.get()));
        course.taker = taker;
        if matches!(new.standing, Standing::Immediate { .. }) {
            return Ok(course);
        }
        course.rests = true;
        let trades = self.trades[new.instrument.index()];
        let is_post_only = new.standing == Standing::PostOnly;
        if is_post_only && trades && !self.candidates(&taker, &touch).is_empty() {
            return Err(Refused::WouldTrade);
        }
        if leaving.is_none() && self.orders.len() == self.capacity.orders as usize {
            return Err(Refused::OrdersFull);
        }
        let is_special = is_hidden || !terms.rest_plainly();
        let specials = self.orders.iter().filter(|live| live.is_special).count();
        let gives_terms = leaving.is_some_and(|live| live.is_special);
        if is_special && !gives_terms && specials == self.capacity.terms as usize {
            return Err(Refused::TermsFull);
        }
        if !is_hidden && !self.has_room(new.instrument, new.side, course.limit, leaving) {
            return Err(Refused::LevelsFull);
        }
        Ok(course)
    }

    /// Whether an order of this limit may be shown. `but`: an order that leaves first.
    fn has_room(
        &self,
        instrument: InstrumentId,
        side: Side,
        limit: Option<Tick>,
        but: Option<&Live>,
    ) -> bool {
        let rules = &self.rules[instrument.index()];
        let Some(tick) = limit.filter(|tick| !is_in_window(rules, *tick)) else { return true };
        let mut far: Vec<Tick> = self
            .orders
            .iter()
            .filter(|live| live.instrument == instrument && live.side == side && 0 < live.shown)
            .filter(|live| but.is_none_or(|but| but.key != live.key))
            .filter_map(|live| live.limit)
            .filter(|tick| !is_in_window(rules, *tick))
            .collect();
        far.sort();
        far.dedup();
        far.contains(&tick) || far.len() < rules.far_levels as usize
    }

    fn run(&mut self, order: &Order, course: Course, out: &mut Vec<Report>) {
        let &NewOrder { key, instrument, side, standing, account, self_match, .. } = &order.new;
        let touch = self.touch(instrument);
        let (mut taker, tick) = (course.taker, course.limit);
        let min_qty = match standing {
            Standing::Rest | Standing::PostOnly => order.terms.min_qty,
            Standing::Immediate { min_qty } => min_qty,
        };
        // Try it on a copy.
        let mut trial = self.clone();
        let mut reports = Vec::new();
        trial.take(&mut taker.clone(), &touch, &mut reports);
        let filled: u32 = reports
            .iter()
            .map(|report| if let Report::Filled { qty, .. } = report { *qty } else { 0 })
            .sum();
        let reaches = min_qty <= filled;
        let trades = self.trades[instrument.index()];
        let met_itself = reaches && trades && self.take(&mut taker, &touch, out);
        let qty = taker.leaves;
        let cancelled = |why| Report::Cancelled { order: key, side, tick, qty, why };
        if qty == 0 {
        } else if met_itself {
            out.push(cancelled(Ended::SelfMatch));
        } else if course.rests {
            let shown = if course.is_hidden {
                0
            } else {
                self.draws[instrument.index()].showing(order.terms.display, qty)
            };
            let is_special = course.is_hidden || !order.terms.rest_plainly();
            let (limit, terms) = (course.limit, order.terms);
            self.count += 1;
            let live = Live {
                key,
                instrument,
                side,
                limit,
                qty,
                shown,
                account,
                self_match,
                terms,
                is_special,
                since: self.count,
            };
            self.orders.push(live);
            // A peg without a limit is said to rest where it stands now.
            let tick = limit.unwrap_or(Tick::new(taker.limit.unwrap_or(0).div_euclid(2)));
            out.push(Report::Rested { order: key, side, tick, qty, shown });
        } else {
            out.push(cancelled(if reaches { Ended::Immediate } else { Ended::MinQty }));
        }
        self.wake(instrument, out);
    }

    /// As [`crate::Market::cancel`].
    pub fn cancel(&mut self, order: OrderKey, out: &mut Vec<Report>) {
        let Some(at) = self.at(order) else {
            out.push(Report::Refused { order, why: Refused::NotLive });
            return;
        };
        let instrument = self.orders[at].instrument;
        self.end(at, Ended::Asked, out);
        self.wake(instrument, out);
    }

    pub(crate) fn end(&mut self, at: usize, why: Ended, out: &mut Vec<Report>) {
        let Live { key: order, side, limit: tick, qty, .. } = self.orders.remove(at);
        out.push(Report::Cancelled { order, side, tick, qty, why });
    }

    /// As [`crate::Market::reduce`].
    pub fn reduce(&mut self, order: OrderKey, leaves: u32, out: &mut Vec<Report>) {
        let Some(at) = self.at(order) else {
            out.push(Report::Refused { order, why: Refused::NotLive });
            return;
        };
        let Live { qty, instrument, .. } = self.orders[at];
        if leaves == 0 {
            self.cancel(order, out);
        } else if leaves < qty {
            out.push(Report::Reduced { order, qty: qty - leaves, leaves });
            self.shrink(at, leaves);
            self.wake(instrument, out);
        }
    }

    pub(crate) fn shrink(&mut self, at: usize, leaves: u32) {
        let live = &mut self.orders[at];
        live.qty = leaves;
        live.shown = live.shown.min(leaves);
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
            Scope::Ticks(side, from, to) => {
                live.side == side && live.limit.is_some_and(|tick| (from..=to).contains(&tick))
            }
        };
        for at in (0..self.rules.len() as u32).map(InstrumentId::new) {
            if instrument.is_some_and(|instrument| instrument != at) {
                continue;
            }
            for side in Side::BOTH {
                let shown = self.resting(at, side).into_iter().map(|seen| seen.order);
                let hidden = self.hidden(at, side).into_iter().map(|seen| seen.order);
                for key in shown.chain(hidden).collect::<Vec<_>>() {
                    match self.at(key) {
                        Some(at) if of(&self.orders[at]) => self.end(at, Ended::Asked, out),
                        Some(_) | None => {}
                    }
                }
            }
            self.wake(at, out);
        }
    }

    /// As [`crate::Market::replace`].
    pub fn replace(&mut self, replace: &Replace, out: &mut Vec<Report>) {
        let &Replace { old, new: key, qty, tick, post_only, self_match } = replace;
        let terms = self.at(old).map_or(Terms::PLAIN, |at| self.orders[at].terms);
        let new = NewOrder {
            key,
            qty,
            price: Price::Limit(tick),
            standing: if post_only { Standing::PostOnly } else { Standing::Rest },
            self_match,
            instrument: InstrumentId::new(0),
            side: Side::Buy,
            account: AccountId::new(0),
        };
        self.replace_with(old, &Order { new, terms }, out);
    }

    /// As [`crate::Market::replace_with`].
    pub fn replace_with(&mut self, old: OrderKey, order: &Order, out: &mut Vec<Report>) {
        let &Order { new: NewOrder { key, qty, .. }, terms } = order;
        let Some(at) = self.at(old) else {
            out.push(Report::Refused { order: old, why: Refused::NotLive });
            return;
        };
        if key != old && self.at(key).is_some() {
            out.push(Report::Refused { order: key, why: Refused::DuplicateKey });
            return;
        }
        let live = self.orders[at];
        let Live { instrument, side, account, .. } = live;
        let order = Order { new: NewOrder { instrument, side, account, ..order.new }, terms };
        let course = match self.course(&order, Some(&live)) {
            _ if qty == 0 => Err(Refused::Qty),
            // A market order, or a peg without a limit that does not rest.
            Ok(course) if course.limit.is_none() && !(course.rests && course.is_hidden) => {
                Err(Refused::Terms)
            }
            course => course,
        };
        let course = match course {
            Ok(course) => course,
            Err(why) => {
                out.push(Report::Refused { order: key, why });
                self.end(at, Ended::Refused, out);
                return self.wake(instrument, out);
            }
        };
        let kept = self.rules[instrument.index()].keeps_place
            && course.rests
            && course.limit == live.limit
            && qty <= live.qty
            && is_same_rest(&terms, &live.terms);
        let stands = Tick::new(course.taker.limit.unwrap_or(0).div_euclid(2));
        let tick = course.limit.unwrap_or(stands);
        out.push(Report::Replaced { old, new: key, side, tick, qty, kept });
        if kept {
            self.shrink(at, qty);
            let live = &mut self.orders[at];
            (live.key, live.terms, live.self_match) = (key, terms, order.new.self_match);
            self.wake(instrument, out);
        } else {
            self.orders.remove(at);
            self.run(&order, course, out);
        }
    }

    /// As [`crate::Market::set_quote`].
    pub fn set_quote(&mut self, instrument: InstrumentId, quote: Quote, out: &mut Vec<Report>) {
        if let Some(told) = self.told.get_mut(instrument.index()) {
            *told = Some(quote);
            self.wake(instrument, out);
        }
    }

    /// As [`crate::Market::resting`].
    pub fn resting(&self, instrument: InstrumentId, side: Side) -> Vec<RestingOrder> {
        let mut of_side: Vec<RestingOrder> = self
            .of_side(instrument, side)
            .filter(|live| 0 < live.shown)
            .filter_map(|&Live { key: order, limit, qty, shown, account, .. }| {
                Some(RestingOrder { order, tick: limit?, qty, shown, side, account })
            })
            .collect();
        // Stable: those of a price stay in the order in which they came.
        match side {
            Side::Buy => of_side.sort_by_key(|live| core::cmp::Reverse(live.tick)),
            Side::Sell => of_side.sort_by_key(|live| live.tick),
        }
        of_side
    }

    /// As [`crate::Market::hidden`].
    pub fn hidden(&self, instrument: InstrumentId, side: Side) -> Vec<HiddenOrder> {
        let touch = self.touch(instrument);
        let seen = |live: &Live| {
            let half = |half: i64| (Tick::new(half.div_euclid(2)), half.rem_euclid(2) == 1);
            let stands = self.stands_now(live, &touch).map(half);
            HiddenOrder { order: live.key, limit: live.limit, stands, qty: live.qty }
        };
        self.of_side(instrument, side).filter(|live| live.shown == 0).map(seen).collect()
    }

    pub(crate) fn of_side(
        &self,
        instrument: InstrumentId,
        side: Side,
    ) -> impl Iterator<Item = &Live> {
        self.orders.iter().filter(move |live| live.instrument == instrument && live.side == side)
    }
}

impl Touch {
    pub(crate) fn best(of_side: &[RestingOrder]) -> Option<i64> {
        of_side.first().map(|order| order.tick.get())
    }
}
