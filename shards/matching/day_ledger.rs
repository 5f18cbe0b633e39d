//! Each order of a floor, followed from report to report: what the script of a day is held to.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use types::{InstrumentId, Nanos, Side};

use crate::cross::{Crossing, Interest, Span, eager, eagerness};
use crate::floor_script::{ACCOUNTS, Command, Counts, INSTRUMENTS};
use crate::ledger;
use crate::waiting::limit;
use crate::{
    Cross, DayRules, Ended, Floor, Order, OrderKey, Phase, Price, Report, Rules, Tick, Trading,
};

#[derive(Clone, Copy, Debug)]
struct Live {
    order: Order,
    /// It rests, or rested, in its book.
    is_in_book: bool,
}

impl Live {
    fn reaches(&self, tick: Tick) -> bool {
        match (limit(&self.order), self.order.new.side) {
            (None, _) => true,
            (Some(limit), Side::Buy) => tick <= limit,
            (Some(limit), Side::Sell) => limit <= tick,
        }
    }

    /// Whether it is asked in a cross.
    fn takes_part(&self, instrument: InstrumentId, side: Side, cross: Cross) -> bool {
        let Order { new, terms } = &self.order;
        let is_later = terms.trading == Trading::AtClose && cross != Cross::Closing;
        let is_due = match self.is_in_book {
            true => terms.peg.is_none() && terms.min_qty == 0,
            false => terms.stop.is_none() && !is_later,
        };
        new.instrument == instrument && new.side == side && is_due
    }
}

/// The limit of an order that was reported with a price: that of a peg without one is where it stands.
fn price(order: &Order, tick: Tick) -> Price {
    match (order.new.price, order.terms.peg) {
        (Price::Market, Some(_)) => Price::Market,
        (Price::Limit(_) | Price::Market | Price::MarketToLimit, _) => Price::Limit(tick),
    }
}

/// What is known of one instrument.
#[derive(Clone, Copy)]
struct Seen {
    phase: Phase,
    /// Of the phase that waits for a cross.
    collar: Span,
    /// What that is measured by.
    measure: Tick,
    /// Whose best price is at its limit.
    limit: Option<Side>,
    /// The prices of this command's trades, the last trade before it among them.
    low: Option<Tick>,
    high: Option<Tick>,
    last: Option<Tick>,
    /// Between which prices it trades now.
    span: Span,
    /// Shares of the cross under way.
    paired: u64,
    /// Its price.
    crossed_at: Option<Tick>,
    /// How eager the last that traded in it were, by side.
    crossed_to: [u64; 2],
    /// What each cross would be if there were one now.
    wanted: [(Cross, Option<Crossing>); 3],
}

impl Seen {
    fn wanted(&self, cross: Cross) -> Option<Crossing> {
        self.wanted.iter().find(|wanted| wanted.0 == cross).and_then(|wanted| wanted.1)
    }
}

const CROSSES: [Cross; 3] = [Cross::Opening, Cross::Reopening, Cross::Closing];

pub(crate) struct Ledger {
    /// What holds of any market: shares, limits, minimums, turns.
    books: ledger::Ledger,
    live: BTreeMap<OrderKey, Live>,
    seen: Vec<Seen>,
    days: Vec<DayRules>,
}

impl Ledger {
    pub(crate) fn new(rules: &[Rules], days: &[DayRules]) -> Self {
        let blank = Seen {
            phase: Phase::Closed,
            collar: Span::ALL,
            measure: Tick::new(0),
            limit: None,
            low: None,
            high: None,
            last: None,
            span: Span::ALL,
            paired: 0,
            crossed_at: None,
            crossed_to: [0; 2],
            wanted: CROSSES.map(|cross| (cross, None)),
        };
        Self {
            books: ledger::Ledger::new(&ACCOUNTS, rules),
            live: BTreeMap::new(),
            seen: days.iter().map(|_| blank).collect(),
            days: days.to_vec(),
        }
    }

    /// A command is about to be carried out.
    pub(crate) fn before(&mut self, floor: &Floor) {
        for at in 0..INSTRUMENTS {
            let instrument = InstrumentId::new(at);
            let wanted = CROSSES.map(|cross| (cross, self.best_cross(floor, instrument, cross)));
            let seen = &mut self.seen[instrument.index()];
            (seen.low, seen.high, seen.wanted) = (seen.last, seen.last, wanted);
            seen.span = floor.bands(instrument).unwrap_or(Span::ALL);
        }
    }

    /// The cross, by trying every price of the collar.
    fn best_cross(
        &self,
        floor: &Floor,
        instrument: InstrumentId,
        cross: Cross,
    ) -> Option<Crossing> {
        let (seen, day) = (&self.seen[instrument.index()], &self.days[instrument.index()]);
        let best = Side::BOTH.map(|side| floor.best(instrument, side));
        let last = seen.last.unwrap_or(floor.days[instrument.index()].reference);
        let (reference, collar) = match (seen.phase, best) {
            (Phase::Closed | Phase::Halted, _) => return None,
            (Phase::Continuous, [Some(bid), Some(offer)]) => {
                let middle = Tick::new((bid.get() + offer.get()).div_euclid(2));
                let around = day.around(middle, day.collar.width_bp);
                (middle, floor.fixed_span(instrument).within(around))
            }
            (Phase::Continuous, _) => {
                let around = day.around(last, day.collar.width_bp);
                (last, floor.fixed_span(instrument).within(around))
            }
            (Phase::PreOpen | Phase::PreReopen | Phase::Paused, _) => (seen.measure, seen.collar),
        };
        let interest = |side: Side| {
            let mut of_side: Vec<Interest> = self
                .live
                .values()
                .filter(|live| live.takes_part(instrument, side, cross))
                .map(|live| Interest {
                    limit: limit(&live.order),
                    qty: u64::from(live.order.new.qty),
                })
                .collect();
            of_side.sort_by_key(|entry| eagerness(side, entry.limit));
            of_side
        };
        let [bids, offers] = Side::BOTH.map(interest);
        (collar.lower.get()..=collar.upper.get())
            .map(|price| {
                let tick = Tick::new(price);
                let buy = eager(Side::Buy, bids.iter().copied(), tick);
                let sell = eager(Side::Sell, offers.iter().copied(), tick);
                Crossing { tick, paired: buy.min(sell), imbalance: buy.abs_diff(sell), side: None }
            })
            .filter(|crossing| crossing.paired != 0)
            .min_by_key(|at| {
                let away = at.tick.get().abs_diff(reference.get());
                (core::cmp::Reverse(at.paired), at.imbalance, away, at.tick)
            })
    }

    /// A command was carried out: each report is one that may follow the one before it, and what is live
    /// now is what the floor holds.
    pub(crate) fn follow(
        &mut self,
        floor: &Floor,
        command: &Command,
        out: &[Report],
        now: Nanos,
        counts: &mut Counts,
    ) {
        let asked = match command {
            Command::Enter(order) | Command::Replace(_, order) => Some(order),
            Command::Cancel(_) | Command::Reduce(..) | Command::CancelAll(..) => None,
            Command::SetQuote(..) | Command::Control(..) | Command::Wait(_) => None,
        };
        let mut is_asked = asked.is_some();
        for report in out {
            is_asked |= matches!(report, Report::Triggered { .. });
            self.on_report(command, *report, now, counts);
            self.books.enter(asked, core::slice::from_ref(report));
            if let Report::Filled { hidden, .. } = report {
                counts.hidden += usize::from(*hidden);
                counts.woken += usize::from(!is_asked);
            }
        }
        self.agrees(floor);
        self.books.compare(floor.market());
    }

    fn on_report(&mut self, command: &Command, report: Report, now: Nanos, counts: &mut Counts) {
        match report {
            Report::Accepted { order, tick, qty, .. } => {
                self.on_accepted(command, order, tick, qty)
            }
            Report::Refused { .. } => {}
            Report::Bands { instrument, lower, upper } => {
                self.seen[instrument.index()].span = Span { lower, upper };
            }
            Report::LimitState { instrument, side } => {
                let seen = &mut self.seen[instrument.index()];
                assert_ne!(seen.limit, side, "nothing new");
                seen.limit = side;
            }
            Report::Replaced { old, new, qty, tick, .. } => {
                self.on_replaced(command, (old, new), qty, tick);
            }
            Report::Rested { order, tick, qty, .. } => {
                let live = self.live.get_mut(&order).expect("a stranger rests");
                assert_eq!(live.order.new.qty, qty);
                live.is_in_book = true;
                live.order.new.price = price(&live.order, tick);
                live.order.terms.stop = None;
            }
            Report::Triggered { order } => {
                self.on_triggered(order);
                counts.triggered += 1;
            }
            Report::Filled {
                maker, taker, tick, half, qty, maker_leaves, taker_leaves, ..
            } => {
                self.on_filled((maker, taker), (tick, half), qty, (maker_leaves, taker_leaves));
                counts.fills += 1;
            }
            Report::Crossed { buy, sell, tick, qty, buy_leaves, sell_leaves, .. } => {
                let instrument = self.live[&buy].order.new.instrument;
                for (key, leaves) in [(buy, buy_leaves), (sell, sell_leaves)] {
                    let live = self.live[&key];
                    assert!(live.reaches(tick), "through its limit at {tick}");
                    assert_eq!(live.order.new.instrument, instrument);
                    let side = live.order.new.side;
                    let to = &mut self.seen[instrument.index()].crossed_to[side as usize];
                    *to = eagerness(side, limit(&live.order)).max(*to);
                    self.fill(key, qty, leaves);
                }
                let seen = &mut self.seen[instrument.index()];
                assert_eq!(seen.crossed_at.replace(tick).unwrap_or(tick), tick, "two prices");
                seen.paired += u64::from(qty);
                counts.crossed += 1;
            }
            Report::Uncrossed { instrument, cross, tick, qty, .. } => {
                self.on_uncrossed(instrument, cross, tick, qty);
            }
            Report::Indicated(at) => {
                let wanted = self.seen[at.instrument.index()].wanted(at.cross);
                assert_eq!(at.near, wanted.map(|wanted| wanted.tick));
                counts.indicated += 1;
            }
            Report::Collar { instrument, reference, lower, upper } => {
                let seen = &mut self.seen[instrument.index()];
                (seen.measure, seen.collar) = (reference, Span { lower, upper });
            }
            Report::Decremented { order, qty, leaves } | Report::Reduced { order, qty, leaves } => {
                self.fill(order, qty, leaves);
                assert!(leaves != 0);
            }
            Report::Phase { instrument, phase } => {
                let seen = &mut self.seen[instrument.index()];
                assert_ne!(phase, seen.phase);
                if phase == Phase::PreOpen {
                    seen.last = None;
                }
                (seen.low, seen.high) = (seen.last, seen.last);
                (seen.phase, seen.limit) = (phase, None);
                counts.paused += usize::from(phase == Phase::Paused);
            }
            Report::Cancelled { order, qty, why, .. } => {
                let live = self.live.remove(&order).expect("a stranger ends");
                assert_eq!(live.order.new.qty, qty, "shares came from nowhere or went there");
                let expires = live.order.terms.expires;
                if why == Ended::Expired {
                    assert!(expires <= now);
                    counts.expired += 1;
                }
                let is_day = expires == Nanos::MAX;
                assert!(why != Ended::Closed || is_day, "good to a later time");
            }
        }
    }

    fn on_replaced(
        &mut self,
        command: &Command,
        (old, new): (OrderKey, OrderKey),
        qty: u32,
        tick: Tick,
    ) {
        let Command::Replace(_, asked) = command else { panic!("{command:?}") };
        let mut live = self.live.remove(&old).expect("replaced a stranger");
        let phase = self.seen[live.order.new.instrument.index()].phase;
        assert!(!matches!(phase, Phase::Closed | Phase::Halted));
        (live.order.new.key, live.order.new.qty) = (new, qty);
        live.order.new.price = price(asked, tick);
        live.order.new.standing = asked.new.standing;
        live.order.terms = asked.terms;
        assert!(self.live.insert(new, live).is_none(), "two of one number");
    }

    fn on_triggered(&self, order: OrderKey) {
        let live = self.live[&order];
        let seen = &self.seen[live.order.new.instrument.index()];
        let stop = live.order.terms.stop.expect("it waited for nothing");
        let is_reached = match live.order.new.side {
            Side::Buy => seen.high.is_some_and(|high| stop <= high),
            Side::Sell => seen.low.is_some_and(|low| low <= stop),
        };
        assert!(is_reached && seen.phase == Phase::Continuous, "{live:?}");
    }

    fn on_uncrossed(
        &mut self,
        instrument: InstrumentId,
        cross: Cross,
        tick: Option<Tick>,
        qty: u64,
    ) {
        let seen = &mut self.seen[instrument.index()];
        let to = core::mem::take(&mut seen.crossed_to);
        let wanted = seen.wanted(cross);
        assert_eq!(wanted.map_or(0, |wanted| wanted.paired), qty);
        assert_eq!(wanted.map(|wanted| wanted.tick), tick);
        assert_eq!((seen.crossed_at.take(), core::mem::take(&mut seen.paired)), (tick, qty));
        if let Some(tick) = tick {
            (seen.last, seen.low, seen.high) = (Some(tick), Some(tick), Some(tick));
        }
        for side in Side::BOTH {
            let mut left =
                self.live.values().filter(|live| live.takes_part(instrument, side, cross));
            let is_behind = |live: &Live| to[side as usize] <= eagerness(side, limit(&live.order));
            assert!(left.all(is_behind), "a better price was passed by");
        }
    }

    fn on_accepted(&mut self, command: &Command, key: OrderKey, tick: Option<Tick>, qty: u32) {
        let Command::Enter(order) = command else { panic!("{command:?}") };
        assert_eq!((order.new.key, order.new.qty), (key, qty));
        let phase = self.seen[order.new.instrument.index()].phase;
        assert!(!matches!(phase, Phase::Closed | Phase::Halted), "taken in {phase:?}");
        let mut order = *order;
        match order.new.price {
            Price::Limit(limit) => assert_eq!(tick, Some(limit)),
            Price::Market => assert_eq!(tick, None),
            // Its limit is the price that it met.
            Price::MarketToLimit => {
                order.new.price = tick.map_or(Price::MarketToLimit, Price::Limit);
            }
        }
        let live = Live { order, is_in_book: false };
        assert!(self.live.insert(key, live).is_none(), "two of one number");
    }

    fn on_filled(
        &mut self,
        (maker, taker): (OrderKey, OrderKey),
        (tick, half): (Tick, bool),
        qty: u32,
        leaves: (u32, u32),
    ) {
        let instrument = self.live[&maker].order.new.instrument;
        let seen = &mut self.seen[instrument.index()];
        assert_eq!(seen.phase, Phase::Continuous, "a trade");
        let above = Tick::new(tick.get() + i64::from(half));
        let is_within = seen.span.holds(tick) && seen.span.holds(above);
        assert!(is_within, "{tick} outside the bands {:?}", seen.span);
        seen.last = Some(tick);
        seen.low = Some(seen.low.map_or(tick, |low| low.min(tick)));
        seen.high = Some(seen.high.map_or(tick, |high| high.max(tick)));
        for (key, leaves) in [(maker, leaves.0), (taker, leaves.1)] {
            assert_eq!(self.live[&key].order.new.instrument, instrument);
            self.fill(key, qty, leaves);
        }
    }

    fn fill(&mut self, key: OrderKey, qty: u32, leaves: u32) {
        let live = self.live.get_mut(&key).expect("a stranger trades");
        assert_eq!(live.order.new.qty.checked_sub(qty), Some(leaves), "{live:?}");
        assert!(qty != 0);
        live.order.new.qty = leaves;
        if leaves == 0 {
            self.live.remove(&key);
        }
    }

    /// What is live is what the floor holds, and continuous trading leaves nothing that could trade.
    fn agrees(&self, floor: &Floor) {
        let mut rest = 0;
        for at in 0..INSTRUMENTS {
            let instrument = InstrumentId::new(at);
            let seen = &self.seen[instrument.index()];
            assert_eq!(floor.phase(instrument), Some(seen.phase));
            assert_eq!(floor.last(instrument), seen.last);
            let [bid, offer] = Side::BOTH.map(|side| floor.best(instrument, side));
            let is_waiting =
                matches!(seen.phase, Phase::PreOpen | Phase::PreReopen | Phase::Paused);
            if let (Phase::Continuous, Some(bid), Some(offer)) = (seen.phase, bid, offer) {
                assert!(bid < offer, "crossed in continuous trading: {bid} and {offer}");
            }
            if let Some(limits) = floor.limits(instrument) {
                let at_limit = match (bid, offer) {
                    (Some(bid), _) if bid == limits.upper => Some(Side::Buy),
                    (_, Some(offer)) if offer == limits.lower => Some(Side::Sell),
                    (None | Some(_), None | Some(_)) => None,
                };
                assert_eq!(seen.limit, at_limit);
            }
            for side in Side::BOTH {
                for resting in floor.market().resting(instrument, side) {
                    let live = &self.live[&resting.order];
                    assert!(live.is_in_book && live.order.new.qty == resting.qty);
                    assert_eq!(limit(&live.order), Some(resting.tick));
                    rest += 1;
                }
                for hidden in floor.market().hidden(instrument, side) {
                    let live = &self.live[&hidden.order];
                    assert!(live.is_in_book && live.order.new.qty == hidden.qty);
                    assert_eq!(limit(&live.order), hidden.limit);
                    rest += 1;
                }
            }
            self.is_within_bands(floor, instrument);
            for live in self.live.values().filter(|live| live.order.new.instrument == instrument) {
                let Order { new, terms } = &live.order;
                if live.is_in_book {
                    continue;
                }
                let waiting = floor.waiting(new.key).expect("it is nowhere");
                assert_eq!(waiting.new.qty, new.qty);
                let is_reached =
                    terms.stop.zip(seen.last).is_some_and(|(stop, last)| match new.side {
                        Side::Buy => stop <= last,
                        Side::Sell => last <= stop,
                    });
                assert!(!is_reached || seen.phase != Phase::Continuous, "a stop stayed: {live:?}");
                let is_for_cross = terms.stop.is_none() && terms.trading == Trading::Any;
                assert!(!is_for_cross || is_waiting || seen.phase == Phase::Halted);
                rest += 1;
            }
        }
        assert_eq!(rest, self.live.len());
    }

    /// In continuous trading the bands are what the last trade makes of them, and what rests is within.
    fn is_within_bands(&self, floor: &Floor, instrument: InstrumentId) {
        let (seen, day) = (&self.seen[instrument.index()], &self.days[instrument.index()]);
        if seen.phase != Phase::Continuous {
            return;
        }
        let last = seen.last.unwrap_or(floor.days[instrument.index()].reference);
        let still = floor.still_span(instrument);
        let span = match day.dynamic_bp {
            0 => still,
            bp => still.within(day.around(last, bp)),
        };
        assert_eq!(floor.bands(instrument), Some(span));
        for live in self.live.values().filter(|live| live.is_in_book) {
            let Order { new, terms } = &live.order;
            let Some(tick) = limit(&live.order) else { continue };
            if new.instrument == instrument && terms.peg.is_none() {
                let is_held = match new.side {
                    Side::Buy => tick <= span.upper,
                    Side::Sell => span.lower <= tick,
                };
                assert!(is_held, "left behind by the bands {span:?}: {live:?}");
            }
        }
    }

    /// All that was due has been done.
    pub(crate) fn nothing_is_due(&self, now: Nanos) {
        for live in self.live.values() {
            assert!(now < live.order.terms.expires, "past its time: {live:?}");
        }
    }
}
