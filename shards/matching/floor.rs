//! All instruments of one exchange shard with their day: which orders are taken when, where they
//! wait, and between which prices they trade. The books themselves are [`Market`]'s.
//!
//! | Phase | What becomes of an order |
//! |---|---|
//! | closed, halted | refused |
//! | pre-open, pre-reopen, paused | with a limit, it rests and nothing trades; without, it waits for the cross; immediate, it is refused |
//! | continuous | it trades, and rests where it may |
//!
//! Orders for a cross alone and stops wait off the books. Cancels are taken in every phase, changes where
//! orders are. An order in continuous trading that asks for nothing else goes straight to its book, where
//! its instrument has no limits up and down.

use alloc::vec::Vec;

use types::{InstrumentId, Nanos, Side};

use crate::cross::Span;
use crate::dated::Dated;
use crate::luld::Luld;
use crate::noting::{Noting, Prints, Trades};
use crate::orders::NONE;
use crate::reserve::Draws;
use crate::schedule::DayRules;
use crate::tree::Tree;
use crate::uncross::Placed;
use crate::waiting::{List, Waiting, limit};
use crate::{
    Account, Capacity, DarkRules, Ended, Market, NewOrder, Order, OrderKey, Out, Phase, Price,
    Quote, Refused, Report, Rules, Scope, Tick,
};

/// How much room to make, over all instruments. All of it is allocated by [`Floor::new`] and never
/// grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloorCapacity {
    /// The books.
    pub books: Capacity,
    /// Orders that wait off the books, for a cross or for their stop: about 250 bytes each.
    pub waiting: u32,
    /// Orders that end at a time of their own, wherever they rest: about 100 bytes each.
    pub dated: u32,
}

/// What every order of an instrument is asked first.
pub(crate) struct Gate {
    /// Between which prices it may trade.
    pub(crate) span: Span,
    /// Today's last trade.
    pub(crate) last: Option<Tick>,
    pub(crate) phase: Phase,
    /// It trades continuously, and nothing but a trade has consequences.
    pub(crate) is_direct: bool,
    /// Nor has a trade, outside its book.
    pub(crate) is_quiet: bool,
}

impl Gate {
    /// Whether the bands leave an order as it is.
    #[inline(always)]
    fn lets_through(&self, order: &NewOrder) -> bool {
        match (order.price, order.side) {
            (Price::Limit(tick), Side::Buy) => tick <= self.span.upper,
            (Price::Limit(tick), Side::Sell) => self.span.lower <= tick,
            (Price::Market | Price::MarketToLimit, _) => self.span == Span::ALL,
        }
    }
}

/// What is asked once in a while.
pub(crate) struct Day {
    pub(crate) rules: DayRules,
    /// What prices are measured by until there is a trade.
    pub(crate) reference: Tick,
    /// It has traded continuously today.
    pub(crate) has_opened: bool,
    /// How many steps of the schedule are done.
    pub(crate) step: usize,
    /// When an indication is due.
    pub(crate) indication: Nanos,
    /// When the pause ends.
    pub(crate) pause: Nanos,
    /// How often its end was put off.
    pub(crate) extensions: u8,
    /// What its cross is measured by: the band that was held.
    pub(crate) held_at: Option<Tick>,
    /// As of when the limits are.
    pub(crate) limited: Nanos,
    /// In continuous trading, where there are limits.
    pub(crate) luld: Option<Luld>,
    /// The bands as they were reported.
    pub(crate) told: Span,
    /// The quote from elsewhere, as it was told.
    pub(crate) quote: Option<Quote>,
    /// When the next dark cross is.
    pub(crate) uncross: Nanos,
    /// From where its times come.
    pub(crate) draws: Draws,
}

/// The books of one exchange shard and their day. Begins closed.
pub struct Floor {
    pub(crate) market: Market,
    /// By instrument.
    pub(crate) gates: Vec<Gate>,
    /// By instrument.
    pub(crate) days: Vec<Day>,
    pub(crate) waiting: Waiting,
    pub(crate) dated: Dated,
    /// When something is due, by instrument.
    pub(crate) timers: Tree,
    pub(crate) soonest: u32,
    /// Whether an instrument is among the timers.
    pub(crate) armed: Vec<bool>,
    /// An instrument has limits, up and down.
    has_luld: bool,
    /// Today's midnight.
    pub(crate) midnight: Option<Nanos>,
    /// What was due before has been done, or is due still.
    pub(crate) clock: Nanos,
}

impl Floor {
    /// Everything closed and empty; `rules` and `days` in order of instrument. See [`Market::new`].
    ///
    /// # Panics
    /// As [`Market::new`], where the days are not one for each instrument, where a schedule is not in
    /// order, and where an instrument with a lit book has dark rules, or ones that end before they begin.
    pub fn new(
        capacity: FloorCapacity,
        accounts: &[Account],
        rules: &[Rules],
        days: &[DayRules],
    ) -> Self {
        assert_eq!(rules.len(), days.len(), "a day for each instrument");
        let gate = |_: &Rules| Gate {
            span: Span::ALL,
            last: None,
            phase: Phase::default(),
            is_direct: false,
            is_quiet: false,
        };
        let day = |(rules, book): (&DayRules, &Rules)| {
            assert!(rules.schedule.is_in_order(), "{:?}", rules.schedule);
            if let Some(DarkRules { min, max }) = rules.dark {
                assert!(!book.lit && min <= max && max < Nanos::MAX, "{book:?} {rules:?}");
            }
            Day {
                rules: *rules,
                reference: rules.reference,
                has_opened: false,
                step: rules.schedule.steps().len(),
                indication: Nanos::MAX,
                pause: Nanos::MAX,
                extensions: 0,
                held_at: None,
                limited: Nanos::ZERO,
                luld: None,
                told: Span::ALL,
                quote: None,
                uncross: Nanos::MAX,
                draws: Draws::new(book.seed),
            }
        };
        // No more instruments than have a number.
        let instruments = rules.len() as u32;
        let mut market = Market::new(capacity.books, accounts, rules);
        for instrument in (0..instruments).map(InstrumentId::new) {
            market.set_trades(instrument, false);
        }
        Self {
            market,
            gates: rules.iter().map(gate).collect(),
            days: days.iter().zip(rules).map(day).collect(),
            waiting: Waiting::new(capacity.waiting, rules.len()),
            dated: Dated::new(capacity.dated),
            timers: Tree::new(instruments),
            soonest: NONE,
            armed: alloc::vec![false; rules.len()],
            has_luld: days.iter().any(|day| day.luld.is_some()),
            midnight: None,
            clock: Nanos::ZERO,
        }
    }

    /// Enters an order: [`Report::Accepted`] and what follows from it, or [`Report::Refused`]. One that
    /// trades may trigger stops, which enter after it.
    #[inline]
    pub fn enter(&mut self, now: Nanos, order: &Order, out: &mut impl Out) {
        if let Some(gate) = self.gates.get_mut(order.new.instrument.index())
            && gate.is_direct
            && gate.lets_through(&order.new)
            && order.terms.is_plain()
            && (self.waiting.is_empty() || self.waiting.find(order.new.key).is_none())
            && (self.dated.is_empty() || self.dated.when(order.new.key).is_none())
        {
            let mut noting = Noting::new(out);
            self.market.enter(&order.new, &mut noting);
            if let Some(trades) = noting.trades {
                gate.last = Some(trades.last);
                if !gate.is_quiet {
                    self.on_trades(now, order.new.instrument, trades, out);
                }
            }
            return;
        }
        self.enter_with_terms(now, order, out);
    }

    /// A plain order has traded where that has consequences.
    #[inline(never)]
    fn on_trades(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        trades: Trades,
        out: &mut impl Out,
    ) {
        self.note(instrument, Some(trades), Prints::default());
        self.follow(now, instrument, Some(trades), out);
    }

    /// Cancels a live order: [`Report::Cancelled`] or [`Report::Refused`]. One for a cross alone stays
    /// where it may no longer be cancelled: [`Refused::Phase`].
    #[inline]
    pub fn cancel(&mut self, now: Nanos, order: OrderKey, out: &mut impl Out) {
        if !self.waiting.is_empty()
            && let Some(id) = self.waiting.find(order)
        {
            return self.cancel_waiting(now, id, out);
        }
        if !self.dated.is_empty() {
            self.dated.forget(order);
        }
        if self.has_luld
            && let Some(Placed { instrument, side }) = self.market.placed(order)
            && !self.gates[instrument.index()].is_direct
        {
            return self.cancel_limited(now, order, instrument, side, out);
        }
        let mut noting = Noting::new(out);
        let from = self.market.cancel_from(order, &mut noting);
        if let (Some(instrument), Some(trades)) = (from, noting.trades) {
            self.on_trades(now, instrument, trades, out); // those that it woke
        }
    }

    /// Cancels an order of an instrument that may have limits: how they stand is asked where the best price
    /// of its side has moved, or something has traded.
    fn cancel_limited(
        &mut self,
        now: Nanos,
        order: OrderKey,
        instrument: InstrumentId,
        side: Side,
        out: &mut impl Out,
    ) {
        let best = self.market.best(instrument, side);
        let trades = self.noted(instrument, out, |market, out| market.cancel(order, out));
        if trades.is_some() || self.market.best(instrument, side) != best {
            self.follow(now, instrument, trades, out);
        }
    }

    /// Does something to an order of a book, if it is in one; then what follows from it.
    pub(crate) fn in_book<O: Out>(
        &mut self,
        now: Nanos,
        order: OrderKey,
        out: &mut O,
        act: impl FnOnce(&mut Market, &mut Noting<'_, O>),
    ) {
        match self.market.placed(order) {
            Some(placed) => {
                let trades = self.noted(placed.instrument, out, act);
                self.follow(now, placed.instrument, trades, out);
            }
            None => act(&mut self.market, &mut Noting::new(out)),
        }
    }

    fn cancel_waiting(&mut self, now: Nanos, id: u32, out: &mut impl Out) {
        let order = self.waiting.order(id);
        if self.is_cut_off(now, order) {
            return out.push(Report::Refused { order: order.new.key, why: Refused::Phase });
        }
        self.end_waiting(id, Ended::Asked, out);
    }

    /// Lets a live order have at most `leaves` open shares, in its place; see [`Market::reduce`].
    pub fn reduce(&mut self, now: Nanos, order: OrderKey, leaves: u32, out: &mut impl Out) {
        if leaves == 0 {
            return self.cancel(now, order, out);
        }
        let Some(id) = self.waiting.find(order) else {
            return self.in_book(now, order, out, |market, out| market.reduce(order, leaves, out));
        };
        let waiting = self.waiting.order(id);
        if self.is_cut_off(now, waiting) {
            return out.push(Report::Refused { order, why: Refused::Phase });
        }
        if let Some(qty) = waiting.new.qty.checked_sub(leaves)
            && qty != 0
        {
            self.waiting.take(id, qty);
            out.push(Report::Reduced { order, qty, leaves });
        }
    }

    /// Cancels all live orders of a scope, of one instrument or of all, by instrument: the books', then
    /// those that wait. Reaches orders for a cross that their owner alone could not cancel any more: it
    /// is also what a kill switch does.
    pub fn cancel_all(
        &mut self,
        now: Nanos,
        instrument: Option<InstrumentId>,
        scope: Scope,
        out: &mut impl Out,
    ) {
        let all = 0..self.gates.len() as u32; // no more than have a number
        let of = match instrument {
            Some(one) => one.get()..one.get().saturating_add(1),
            None => all,
        };
        for instrument in of.map(InstrumentId::new) {
            if self.gates.len() <= instrument.index() {
                return;
            }
            let trades = self.noted(instrument, out, |market, out| {
                market.cancel_all(Some(instrument), scope, out);
            });
            for list in List::ALL {
                let takes = |order: &Order| {
                    let NewOrder { side, key, account, .. } = order.new;
                    scope.takes(side, key, account, limit(order))
                };
                self.end_list(instrument, list, Ended::Asked, takes, out);
            }
            self.follow(now, instrument, trades, out);
        }
    }

    /// Ends the orders of a list for which `ends` holds: the bids, then the offers, in their order.
    pub(crate) fn end_list(
        &mut self,
        instrument: InstrumentId,
        list: List,
        why: Ended,
        ends: impl Fn(&Order) -> bool,
        out: &mut impl Out,
    ) {
        for side in Side::BOTH {
            let mut next = self.waiting.first(instrument, list, side);
            while let Some(id) = next {
                next = self.waiting.after(id);
                if ends(self.waiting.order(id)) {
                    self.end_waiting(id, why, out);
                }
            }
        }
    }

    /// Ends an order that waits.
    pub(crate) fn end_waiting(&mut self, id: u32, why: Ended, out: &mut impl Out) {
        let order = self.waiting.remove(id);
        self.refresh(order.new.instrument);
        let NewOrder { key, side, qty, .. } = order.new;
        self.dated.forget(key);
        out.push(Report::Cancelled { order: key, side, tick: limit(&order), qty, why });
    }

    /// Whether a live order has this number.
    pub(crate) fn is_live(&self, order: OrderKey) -> bool {
        self.market.holds(order) || self.waiting.find(order).is_some()
    }

    /// Sees again whether an instrument's orders may go straight to its book, and what follows then.
    pub(crate) fn refresh(&mut self, instrument: InstrumentId) {
        let at = instrument.index();
        let (gate, day) = (&mut self.gates[at], &self.days[at]);
        let is_lit = day.rules.dark.is_none();
        gate.is_direct = gate.phase == Phase::Continuous && day.luld.is_none() && is_lit;
        gate.is_quiet = day.rules.dynamic_bp == 0 && self.waiting.has_none(instrument, List::Stop);
    }

    /// Where an instrument stands in its day.
    pub fn phase(&self, instrument: InstrumentId) -> Option<Phase> {
        self.gates.get(instrument.index()).map(|gate| gate.phase)
    }

    /// Between which prices an instrument may trade continuously now.
    pub fn bands(&self, instrument: InstrumentId) -> Option<Span> {
        self.gates.get(instrument.index()).map(|gate| gate.span)
    }

    /// The price of an instrument's last trade today.
    pub fn last(&self, instrument: InstrumentId) -> Option<Tick> {
        self.gates.get(instrument.index())?.last
    }

    /// An order that waits off the books, with its open shares.
    pub fn waiting(&self, order: OrderKey) -> Option<&Order> {
        self.waiting.find(order).map(|id| self.waiting.order(id))
    }

    /// The books.
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// The best price of one side; `None` where nothing rests there.
    pub fn best(&self, instrument: InstrumentId, side: Side) -> Option<Tick> {
        self.market.best(instrument, side)
    }
}
