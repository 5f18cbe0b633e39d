//! What passes between a book and whoever hears of it: which trades there were, and an order under
//! its own limit where it entered under another.

use crate::{Ended, NewOrder, Out, Price, Report, Tick, TickTable};

/// Trades, as far as stops and bands ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trades {
    pub(crate) last: Tick,
    pub(crate) low: Tick,
    pub(crate) high: Tick,
}

impl Trades {
    pub(crate) const fn at(tick: Tick) -> Self {
        Self { last: tick, low: tick, high: tick }
    }

    /// These and later ones.
    pub(crate) fn then(self, later: Self) -> Self {
        let (low, high) = (self.low.min(later.low), self.high.max(later.high));
        Self { last: later.last, low, high }
    }
}

/// Prices that were traded at: their sum, raw, and how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prints {
    pub(crate) sum: i128,
    pub(crate) count: u64,
}

impl Prints {
    /// One more; one without a price counts for nothing.
    fn add(&mut self, ticks: &TickTable, tick: Tick, half: bool) {
        let above = Tick::new(tick.get().saturating_add(i64::from(half)));
        if let (Some(px), Some(above)) = (ticks.px(tick), ticks.px(above)) {
            self.sum += (i128::from(px.raw()) + i128::from(above.raw())) / 2;
            self.count += 1;
        }
    }
}

/// Notes the trades.
pub(crate) struct Noting<'a, O> {
    out: &'a mut O,
    pub(crate) trades: Option<Trades>,
    pub(crate) prints: Prints,
    /// Where somebody asks what was paid: what a tick is worth.
    ticks: Option<&'a TickTable>,
}

impl<'a, O> Noting<'a, O> {
    #[inline(always)]
    pub(crate) fn new(out: &'a mut O) -> Self {
        Self { out, trades: None, prints: Prints::default(), ticks: None }
    }

    /// With what was paid.
    pub(crate) fn with_prints(self, ticks: Option<&'a TickTable>) -> Self {
        Self { ticks, ..self }
    }
}

impl<O: Out> Out for Noting<'_, O> {
    #[inline(always)]
    fn push(&mut self, report: Report) {
        if let Report::Filled { tick, half, .. } = report {
            let trade = Trades::at(tick);
            self.trades = Some(self.trades.map_or(trade, |before| before.then(trade)));
            if let Some(ticks) = self.ticks {
                self.prints.add(ticks, tick, half);
            }
        }
        self.out.push(report);
    }
}

/// Says of an order what its owner asked for, not how the book was asked. An order that waited for its
/// stop was accepted long ago: it is not accepted again, and where the book refuses it, it ends.
pub(crate) struct Asked<'a, O> {
    pub(crate) out: &'a mut O,
    pub(crate) order: &'a NewOrder,
    pub(crate) waited: bool,
}

impl<O> Asked<'_, O> {
    fn asked(&self, entered: Option<Tick>) -> Option<Tick> {
        match self.order.price {
            Price::Limit(tick) => Some(tick),
            Price::Market => None,
            Price::MarketToLimit => entered,
        }
    }
}

impl<O: Out> Out for Asked<'_, O> {
    fn push(&mut self, report: Report) {
        let NewOrder { key, side, qty, .. } = *self.order;
        match report {
            Report::Accepted { order, tick, .. } if order == key => {
                if !self.waited {
                    let tick = self.asked(tick);
                    self.out.push(Report::Accepted { order, side, tick, qty });
                }
            }
            Report::Refused { order, .. } if order == key && self.waited => {
                self.out.push(report);
                let (tick, why) = (self.asked(None), Ended::Refused);
                self.out.push(Report::Cancelled { order, side, tick, qty, why });
            }
            Report::Cancelled { order, tick, qty, why, .. } if order == key => {
                let tick = self.asked(tick);
                self.out.push(Report::Cancelled { order, side, tick, qty, why });
            }
            Report::Accepted { .. }
            | Report::Refused { .. }
            | Report::Replaced { .. }
            | Report::Rested { .. }
            | Report::Triggered { .. }
            | Report::Filled { .. }
            | Report::Crossed { .. }
            | Report::Uncrossed { .. }
            | Report::Indicated(_)
            | Report::Bands { .. }
            | Report::Collar { .. }
            | Report::LimitState { .. }
            | Report::Decremented { .. }
            | Report::Reduced { .. }
            | Report::Phase { .. }
            | Report::Cancelled { .. } => self.out.push(report),
        }
    }
}
