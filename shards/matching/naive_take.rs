//! The twin's matching: all orders that a taker may meet, put in order, and the first of them taken.

use alloc::vec::Vec;

use types::{AccountId, InstrumentId, Side};

use crate::naive::{Live, Market, is_near};
use crate::{Ended, NewOrder, OrderKey, Peg, PegTo, Policy, Report, SelfMatch, Tick};

/// Prices in here are counts of half ticks, but for those of a touch.
#[derive(Clone, Copy)]
pub(crate) struct Taker {
    pub(crate) key: OrderKey,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    /// Where discretion meets it; `None` for any price.
    pub(crate) limit: Option<i64>,
    pub(crate) reach: Option<i64>,
    pub(crate) goes_nowhere: bool,
    pub(crate) leaves: u32,
    pub(crate) account: AccountId,
    pub(crate) self_match: SelfMatch,
    /// A hidden order that rests takes only hidden ones that are older, each of at least so many
    /// shares.
    pub(crate) wakes: Option<(u64, u32)>,
}

impl Taker {
    pub(crate) fn new(new: &NewOrder) -> Self {
        let &NewOrder { key, instrument, side, qty: leaves, account, self_match, .. } = new;
        let (limit, reach, goes_nowhere, wakes) = (None, None, false, None);
        Self {
            key,
            instrument,
            side,
            limit,
            reach,
            goes_nowhere,
            leaves,
            account,
            self_match,
            wakes,
        }
    }
}

/// What pegs follow, by side, in ticks.
pub(crate) struct Touch {
    pub(crate) quote: [Option<i64>; 2],
    pub(crate) shown: [Option<i64>; 2],
}

/// How an order would be met.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Shown,
    Hidden,
    ByDiscretion,
}

/// One order that a taker may meet. In order: the first is met first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    /// The price, such that lower is better for the taker.
    cost: i64,
    how: How,
    of_another_firm: bool,
    turn: u64,
    at: usize,
}

impl Market {
    pub(crate) fn touch(&self, instrument: InstrumentId) -> Touch {
        let rules = &self.rules[instrument.index()];
        let shown = Side::BOTH.map(|side| Touch::best(&self.resting(instrument, side)));
        let quote = match self.told[instrument.index()] {
            None => shown,
            Some(quote) => [quote.bid, quote.offer]
                .map(|tick| tick.filter(|tick| is_near(rules, *tick)).map(Tick::get)),
        };
        match quote {
            [Some(bid), Some(offer)] if offer < bid => Touch { quote: [None; 2], shown },
            quote => Touch { quote, shown },
        }
    }

    pub(crate) fn stands(
        &self,
        instrument: InstrumentId,
        touch: &Touch,
        side: Side,
        peg: Peg,
        limit: Option<Tick>,
    ) -> Option<i64> {
        let [bid, offer] = touch.quote;
        let followed = match (peg.to, side) {
            (PegTo::Primary, Side::Buy) | (PegTo::Market, Side::Sell) => 2 * bid?,
            (PegTo::Primary, Side::Sell) | (PegTo::Market, Side::Buy) => 2 * offer?,
            (PegTo::Midpoint, _) => bid? + offer?,
        };
        let before = if peg.to == PegTo::Midpoint { 1 } else { 2 };
        let (less, limit) = (2 * i64::from(peg.offset), limit.map(|tick| 2 * tick.get()));
        let bound = self.bound(instrument, side);
        let (zero, half) = match side {
            Side::Buy => {
                let most = limit.into_iter().chain(bound).min().unwrap_or(i64::MAX);
                let cap = touch.shown[1].map_or(i64::MAX, |offer| 2 * offer - before);
                let rules = &self.rules[instrument.index()];
                let high =
                    rules.reference.get() - i64::from(rules.window / 2) + i64::from(rules.window);
                (high - 1, (followed - less).min(cap).min(most))
            }
            Side::Sell => {
                let least = limit.into_iter().chain(bound).max().unwrap_or(i64::MIN);
                let cap = touch.shown[0].map_or(i64::MIN, |bid| 2 * bid + before);
                let rules = &self.rules[instrument.index()];
                let low = rules.reference.get() - i64::from(rules.window / 2);
                (low, (followed + less).max(cap).max(least))
            }
        };
        ((half - 2 * zero).abs() < 2 << 30).then_some(half)
    }

    /// Where a resting order stands.
    pub(crate) fn stands_now(&self, live: &Live, touch: &Touch) -> Option<i64> {
        match live.terms.peg {
            Some(peg) => self.stands(live.instrument, touch, live.side, peg, live.limit),
            None => live.limit.map(|tick| 2 * tick.get()),
        }
    }

    /// All orders that a taker may meet, the first first.
    pub(crate) fn candidates(&self, taker: &Taker, touch: &Touch) -> Vec<Candidate> {
        let mut found = Vec::new();
        if taker.goes_nowhere {
            return found;
        }
        let sign = if taker.side == Side::Buy { 1 } else { -1 };
        let policy = self.rules[taker.instrument.index()].policy;
        let firm = |account: AccountId| self.accounts[account.index()].firm;
        let is_within =
            |half: i64, limit: Option<i64>| limit.is_none_or(|limit| half * sign <= limit * sign);
        for (at, live) in self.orders.iter().enumerate() {
            if live.instrument != taker.instrument || live.side == taker.side {
                continue;
            }
            let is_hidden = live.shown == 0;
            if is_hidden && taker.leaves < live.terms.min_qty.min(live.qty) {
                continue;
            }
            if let Some((since, least)) = taker.wakes
                && (!is_hidden || since <= live.since || live.qty < least)
            {
                continue;
            }
            let (Some(stands), how) =
                (self.stands_now(live, touch), if is_hidden { How::Hidden } else { How::Shown })
            else {
                continue;
            };
            let held = |half: i64| match (live.side, self.bound(live.instrument, live.side)) {
                (_, None) => half,
                (Side::Buy, Some(bound)) => half.min(bound),
                (Side::Sell, Some(bound)) => half.max(bound),
            };
            let discretion = live.terms.discretion.map(|tick| held(2 * tick.get()));
            let (half, how) = match (taker.limit, discretion) {
                _ if is_within(stands, taker.limit) => (stands, how),
                (Some(limit), Some(to)) if taker.wakes.is_none() && is_within(to, Some(limit)) => {
                    (limit, How::ByDiscretion)
                }
                _ if is_within(stands, taker.reach) => (stands, how),
                _ => continue,
            };
            let of_another_firm =
                policy == Policy::PriceBrokerTime && firm(live.account) != firm(taker.account);
            let turn = if how == How::Shown { at as u64 } else { live.since };
            found.push(Candidate { cost: half * sign, how, of_another_firm, turn, at });
        }
        found.sort();
        found
    }

    /// Whether it met itself and goes no further.
    pub(crate) fn take(&mut self, taker: &mut Taker, touch: &Touch, out: &mut Vec<Report>) -> bool {
        while 0 < taker.leaves {
            let candidates = self.candidates(taker, touch);
            let Some(first) = candidates.first() else { return false };
            let policy = self.rules[taker.instrument.index()].policy;
            let met_itself = if policy == Policy::ProRata && first.how == How::Shown {
                let of_price: Vec<OrderKey> = candidates
                    .iter()
                    .filter(|other| other.cost == first.cost && other.how == How::Shown)
                    .map(|other| self.orders[other.at].key)
                    .collect();
                self.share(taker, &of_price, out)
            } else if self.is_own(taker, first.at) {
                self.meet(taker, first.at, out)
            } else {
                self.fill(taker, first, u32::MAX, out);
                false
            };
            if met_itself {
                return true;
            }
        }
        false
    }

    fn is_own(&self, taker: &Taker, at: usize) -> bool {
        let group = |account: AccountId| self.accounts[account.index()].group;
        let own = group(taker.account);
        taker.self_match != SelfMatch::Allow && own != 0 && group(self.orders[at].account) == own
    }

    fn fill(&mut self, taker: &mut Taker, with: &Candidate, qty: u32, out: &mut Vec<Report>) {
        let live = &mut self.orders[with.at];
        let is_hidden = live.shown == 0;
        let offered = if is_hidden { live.qty } else { live.shown };
        let qty = qty.min(offered).min(taker.leaves);
        live.qty -= qty;
        taker.leaves -= qty;
        if !is_hidden {
            live.shown -= qty;
        }
        let half = if taker.side == Side::Buy { with.cost } else { -with.cost };
        out.push(Report::Filled {
            maker: live.key,
            taker: taker.key,
            side: taker.side,
            tick: Tick::new(half.div_euclid(2)),
            half: half.rem_euclid(2) == 1,
            hidden: is_hidden,
            qty,
            maker_leaves: live.qty,
            taker_leaves: taker.leaves,
        });
        if live.qty == 0 {
            self.orders.remove(with.at);
        } else if !is_hidden && live.shown == 0 {
            self.show_next(with.at, out);
        }
    }

    /// Shows the next part of a reserve, at the end of the queue.
    pub(crate) fn show_next(&mut self, at: usize, out: &mut Vec<Report>) {
        let mut live = self.orders.remove(at);
        let draws = &mut self.draws[live.instrument.index()];
        live.shown = draws.showing(live.terms.display, live.qty);
        let Live { key: order, side, limit, qty, shown, .. } = live;
        let tick = limit.unwrap_or_default();
        out.push(Report::Rested { order, side, tick, qty, shown });
        self.orders.push(live);
    }

    /// Shares what comes over the orders shown at one price, which are given in queue order.
    fn share(&mut self, taker: &mut Taker, keys: &[OrderKey], out: &mut Vec<Report>) -> bool {
        let at = |this: &Self, key: &OrderKey| this.orders.iter().position(|live| live.key == *key);
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for key in keys {
            let Some(place) = at(self, key) else { continue };
            if self.is_own(taker, place) { own.push(*key) } else { others.push(*key) }
        }
        if taker.self_match == SelfMatch::CancelOldest {
            for key in own.drain(..) {
                if let Some(place) = at(self, &key) {
                    self.end(place, Ended::SelfMatch, out);
                }
            }
        }
        if others.is_empty() {
            return match own.first().and_then(|key| at(self, key)) {
                Some(place) => self.meet(taker, place, out),
                None => false,
            };
        }
        let sizes: Vec<u128> = others
            .iter()
            .filter_map(|key| at(self, key))
            .map(|place| u128::from(self.orders[place].shown))
            .collect();
        let all: u128 = sizes.iter().sum();
        let shared = all.min(u128::from(taker.leaves));
        let mut parts: Vec<u128> = sizes.iter().map(|size| shared * size / all).collect();
        let mut over = shared - parts.iter().sum::<u128>();
        for (part, size) in parts.iter_mut().zip(&sizes) {
            let more = over.min(size - *part);
            *part += more;
            over -= more;
        }
        for (key, part) in others.iter().zip(parts) {
            let Some(place) = at(self, key).filter(|_| 0 < part) else { continue };
            let tick = self.orders[place].limit.unwrap_or_default();
            let sign = if taker.side == Side::Buy { 1 } else { -1 };
            let with = Candidate {
                cost: 2 * tick.get() * sign,
                how: How::Shown,
                of_another_firm: false,
                turn: 0,
                at: place,
            };
            self.fill(taker, &with, part as u32, out);
        }
        false
    }

    /// A taker met an order of its own group. Whether it goes no further.
    fn meet(&mut self, taker: &mut Taker, at: usize, out: &mut Vec<Report>) -> bool {
        let live = self.orders[at];
        let qty = live.qty.min(taker.leaves);
        match taker.self_match {
            SelfMatch::Allow | SelfMatch::CancelNewest => true,
            SelfMatch::CancelOldest => {
                self.end(at, Ended::SelfMatch, out);
                false
            }
            SelfMatch::CancelBoth => {
                self.end(at, Ended::SelfMatch, out);
                true
            }
            SelfMatch::Decrement if live.qty < taker.leaves => {
                taker.leaves -= qty;
                self.end(at, Ended::SelfMatch, out);
                let (order, leaves) = (taker.key, taker.leaves);
                out.push(Report::Decremented { order, qty, leaves });
                false
            }
            SelfMatch::Decrement if live.qty == taker.leaves => {
                self.end(at, Ended::SelfMatch, out);
                true
            }
            SelfMatch::Decrement => {
                let leaves = live.qty - qty;
                self.shrink(at, leaves);
                out.push(Report::Decremented { order: live.key, qty, leaves });
                true
            }
        }
    }

    /// Lets hidden orders trade that can do so, until none can.
    pub(crate) fn wake(&mut self, instrument: InstrumentId, out: &mut Vec<Report>) {
        if !self.trades[instrument.index()] {
            return;
        }
        let touch = self.touch(instrument);
        loop {
            let hidden = self.orders.iter().filter(|live| live.shown == 0);
            let mut hidden: Vec<Live> =
                hidden.filter(|live| live.instrument == instrument).copied().collect();
            hidden.sort_by_key(|live| live.since);
            let first = hidden.iter().find_map(|live| {
                let stands = self.stands_now(live, &touch)?;
                let taker = Taker {
                    key: live.key,
                    instrument,
                    side: live.side,
                    limit: Some(stands),
                    reach: Some(stands),
                    goes_nowhere: false,
                    leaves: live.qty,
                    account: live.account,
                    self_match: live.self_match,
                    wakes: Some((live.since, live.terms.min_qty.min(live.qty))),
                };
                Some((taker, *self.candidates(&taker, &touch).first()?))
            });
            let Some((mut taker, with)) = first else { return };
            let met_itself = if self.is_own(&taker, with.at) {
                self.meet(&mut taker, with.at, out)
            } else {
                self.fill(&mut taker, &with, u32::MAX, out);
                false
            };
            let Some(at) = self.orders.iter().position(|live| live.key == taker.key) else {
                return;
            };
            if met_itself {
                self.end(at, Ended::SelfMatch, out);
            } else if taker.leaves == 0 {
                self.orders.remove(at);
            } else {
                self.orders[at].qty = taker.leaves;
            }
        }
    }
}
