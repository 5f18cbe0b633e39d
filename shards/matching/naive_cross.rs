//! The twin while nothing trades in a book, and in crosses: all orders that take part, put in order.

use alloc::vec::Vec;

use types::{InstrumentId, Side};

use crate::cross::{Interest, Span};
use crate::naive::{Live, Market, is_near};
use crate::uncross::First;
use crate::{Display, Ended, OrderKey, Report, Tick};

impl Market {
    /// As [`crate::Market::set_trades`].
    pub(crate) fn set_trades(&mut self, instrument: InstrumentId, trades: bool) {
        self.trades[instrument.index()] = trades;
    }

    /// As [`crate::Market::hold`].
    pub(crate) fn hold(&mut self, instrument: InstrumentId, span: Span) {
        self.spans[instrument.index()] = span;
    }

    /// How far pegs and discretion of one side go, in half ticks.
    pub(crate) fn bound(&self, instrument: InstrumentId, side: Side) -> Option<i64> {
        let Span { lower, upper } = self.spans[instrument.index()];
        let tick = if side == Side::Buy { upper } else { lower };
        is_near(&self.rules[instrument.index()], tick).then(|| 2 * tick.get())
    }

    pub(crate) fn is_hidden(&self, live: &Live) -> bool {
        let lit = self.rules[live.instrument.index()].lit;
        !lit || live.terms.peg.is_some() || live.terms.display == Display::Hidden
    }

    /// The orders of one side that `takes_part` holds for, in the order in which a cross takes them.
    fn in_turn(
        &self,
        instrument: InstrumentId,
        side: Side,
        takes_part: impl Fn(&Live) -> bool,
    ) -> Vec<usize> {
        let mut found: Vec<_> = (0..self.orders.len())
            .filter(|at| {
                let live = &self.orders[*at];
                live.instrument == instrument && live.side == side && takes_part(live)
            })
            .filter_map(|at| {
                let (live, sign) = (&self.orders[at], if side == Side::Buy { -1 } else { 1 });
                let is_hidden = self.is_hidden(live);
                let turn = if is_hidden { live.since } else { at as u64 };
                Some((live.limit?.get() * sign, is_hidden, turn, at))
            })
            .collect();
        found.sort();
        found.into_iter().map(|(.., at)| at).collect()
    }

    fn crossing(&self, instrument: InstrumentId, side: Side) -> Vec<usize> {
        self.in_turn(instrument, side, |live| live.terms.peg.is_none() && live.terms.min_qty == 0)
    }

    /// As [`crate::Market::first_beyond`].
    pub(crate) fn first_beyond(
        &self,
        instrument: InstrumentId,
        side: Side,
        bound: Tick,
    ) -> Option<OrderKey> {
        if !is_near(&self.rules[instrument.index()], bound) {
            return None;
        }
        let is_beyond = |live: &Live| match (live.limit, side) {
            _ if live.terms.peg.is_some() => false,
            (Some(limit), Side::Buy) => bound < limit,
            (Some(limit), Side::Sell) => limit < bound,
            (None, _) => false,
        };
        let beyond = self.in_turn(instrument, side, is_beyond);
        let shown = beyond.iter().find(|at| !self.is_hidden(&self.orders[**at]));
        shown.or(beyond.first()).map(|at| self.orders[*at].key)
    }

    /// As [`crate::Market::end_unwoken`].
    pub(crate) fn end_unwoken(&mut self, order: OrderKey, why: Ended, out: &mut Vec<Report>) {
        if let Some(at) = self.at(order) {
            self.end(at, why, out);
        }
    }

    /// As [`crate::Market::first`].
    pub(crate) fn first(&self, instrument: InstrumentId, side: Side) -> Option<First> {
        let live = &self.orders[*self.crossing(instrument, side).first()?];
        let open = if self.is_hidden(live) { live.qty } else { live.shown };
        Some(First { order: live.key, tick: live.limit?, open })
    }

    /// As [`crate::Market::take_first`].
    pub(crate) fn take_first(&mut self, instrument: InstrumentId, side: Side, qty: u32) -> u32 {
        let at = self.crossing(instrument, side)[0];
        let live = &mut self.orders[at];
        live.qty -= qty;
        live.shown = live.shown.saturating_sub(qty);
        let leaves = live.qty;
        if leaves == 0 {
            self.orders.remove(at);
        }
        leaves
    }

    /// As [`crate::Market::show_first`].
    pub(crate) fn show_first(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        out: &mut Vec<Report>,
    ) {
        let is_empty = |live: &Live| live.shown == 0 && !self.is_hidden(live);
        if let Some(at) = self.in_turn(instrument, side, is_empty).first() {
            self.show_next(*at, out);
        }
    }

    /// As [`crate::Market::interest`].
    pub(crate) fn interest(&self, instrument: InstrumentId, side: Side) -> Vec<Interest> {
        let mut found: Vec<Interest> = Vec::new();
        for at in self.crossing(instrument, side) {
            let Live { limit, qty, .. } = self.orders[at];
            match found.last_mut() {
                Some(last) if last.limit == limit => last.qty += u64::from(qty),
                Some(_) | None => found.push(Interest { limit, qty: u64::from(qty) }),
            }
        }
        found
    }

    /// As [`crate::Market::cross_midpoint`].
    pub(crate) fn cross_midpoint(&mut self, instrument: InstrumentId, out: &mut Vec<Report>) {
        let touch = self.touch(instrument);
        let [Some(bid), Some(offer)] = touch.quote else { return };
        let half = bid + offer;
        let mut sides = Side::BOTH.map(|side| {
            let reaches = |live: &&Live| match (self.stands_now(live, &touch), side) {
                (Some(stands), Side::Buy) => half <= stands,
                (Some(stands), Side::Sell) => stands <= half,
                (None, _) => false,
            };
            let of_side = self.of_side(instrument, side).filter(|live| live.shown == 0);
            let mut seats: Vec<Live> = of_side.filter(reaches).copied().collect();
            seats.sort_by_key(|live| live.since);
            seats
        });
        let all = |seats: &[Live]| seats.iter().map(|live| u64::from(live.qty)).sum::<u64>();
        let mut left = loop {
            let [bought, sold] = [all(&sides[0]), all(&sides[1])];
            let longer = &mut sides[usize::from(bought <= sold)];
            let mut left = bought.min(sold);
            let short = longer.iter().position(|live| {
                let gets = left.min(u64::from(live.qty));
                left -= gets;
                0 < gets && gets < u64::from(live.terms.min_qty.min(live.qty))
            });
            match short {
                Some(at) => longer.remove(at),
                None => break bought.min(sold),
            };
        };
        let (tick, half) = (Tick::new(half.div_euclid(2)), half.rem_euclid(2) == 1);
        while 0 < left {
            let [buy, sell] = [sides[0][0].key, sides[1][0].key];
            let most = sides[0][0].qty.min(sides[1][0].qty);
            let qty = left.min(u64::from(most)) as u32;
            left -= u64::from(qty);
            let leaves = [0, 1].map(|side| {
                let Live { key, qty: open, .. } = sides[side][0];
                sides[side][0].qty -= qty;
                if let Some(at) = self.at(key) {
                    self.orders[at].qty -= qty;
                    self.orders.retain(|live| live.qty != 0);
                }
                if open == qty {
                    sides[side].remove(0);
                }
                open - qty
            });
            let [buy_leaves, sell_leaves] = leaves;
            out.push(Report::Crossed { buy, sell, tick, half, qty, buy_leaves, sell_leaves });
        }
    }
}
