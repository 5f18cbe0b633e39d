//! Reports of a market that does whatever reports can say, in any order that they can come in: more
//! than any one policy would do. Knows no tape.

extern crate std;

use std::vec;
use std::vec::Vec;

use matching::{Cross, Ended, OrderKey, Report, Tick};
use types::{InstrumentId, Side};

/// Slots of orders.
pub(crate) const SLOTS: usize = 24;

#[derive(Clone, Copy)]
struct Live {
    key: OrderKey,
    instrument: InstrumentId,
    side: Side,
    tick: Tick,
    open: u32,
    shown: u32,
}

/// The market.
pub(crate) struct Stream {
    live: Vec<Live>,
    /// Free slots, and how often each was taken.
    free: Vec<u64>,
    generations: [u64; SLOTS],
    pub(crate) reports: Vec<Report>,
}

impl Stream {
    pub(crate) fn new() -> Self {
        Self {
            live: vec![],
            free: (0..SLOTS as u64).collect(),
            generations: [0; SLOTS],
            reports: vec![],
        }
    }

    /// What one command comes to is in `reports`; answers the book of an order that it entered.
    pub(crate) fn act(&mut self, word: [u8; 6]) -> InstrumentId {
        self.reports.clear();
        let [what, who, price, qty, shown, more] = word;
        let instrument = InstrumentId::new(u32::from(who % 3));
        let side = if who & 64 == 0 { Side::Buy } else { Side::Sell };
        let tick = tick(price);
        let qty = 1 + u32::from(qty) % 100;
        let at = usize::from(who) % self.live.len().max(1);
        match what % 16 {
            0..6 => self.enter(instrument, (side, tick, qty), shown, more),
            _ if self.live.is_empty() => {}
            6..9 => self.fill(at, qty, shown, more),
            9 => self.cancel(at),
            10 => self.keep(at, qty, more),
            11 | 12 => self.replace(at, (tick, qty), shown, more),
            13 => self.shrink(at, qty, shown),
            14 => self.cross(instrument, tick, shown, more),
            _ => {
                // It moves by itself, and may be hidden by it.
                let mut order = self.live.remove(at);
                order.tick = tick;
                self.rest(order, shown);
            }
        }
        instrument
    }

    fn deal(&mut self) -> Option<OrderKey> {
        let slot = self.free.pop()?;
        let generation = &mut self.generations[slot as usize];
        *generation += 1;
        Some(OrderKey::new(*generation << 32 | slot))
    }

    fn give(&mut self, key: OrderKey) {
        self.free.push(key.get() & 0xFFFF_FFFF);
    }

    fn enter(
        &mut self,
        instrument: InstrumentId,
        (side, tick, qty): (Side, Tick, u32),
        shown: u8,
        more: u8,
    ) {
        let Some(key) = self.deal() else { return };
        self.reports.push(Report::Accepted { order: key, side, tick: Some(tick), qty });
        let order = Live { key, instrument, side, tick, open: qty, shown: 0 };
        if more.is_multiple_of(8) {
            self.end(order, Ended::Immediate);
        } else {
            self.rest(order, shown);
        }
    }

    fn rest(&mut self, mut order: Live, shown: u8) {
        order.shown = match shown % 4 {
            0 => 0,
            1 => order.open,
            _ => order.open.min(1 + u32::from(shown)),
        };
        let Live { key, side, tick, open: qty, shown, .. } = order;
        self.reports.push(Report::Rested { order: key, side, tick, qty, shown });
        self.live.push(order);
    }

    fn end(&mut self, order: Live, why: Ended) {
        let Live { key, side, tick, open: qty, .. } = order;
        self.reports.push(Report::Cancelled { order: key, side, tick: Some(tick), qty, why });
        self.give(key);
    }

    /// An order from nowhere takes from one; a reserve that has nothing on display is shown again, or
    /// not at once.
    fn fill(&mut self, at: usize, qty: u32, shown: u8, more: u8) {
        let mut order = self.live.remove(at);
        let qty = qty.min(order.open);
        let hidden = order.shown == 0 || more.is_multiple_of(5) && order.shown < order.open;
        order.open -= qty;
        // A hidden fill never leaves less open than is shown.
        let qty = if hidden && order.open < order.shown {
            let less = order.shown - order.open;
            order.open = order.shown;
            qty - less
        } else {
            qty
        };
        if qty == 0 {
            return self.live.push(order);
        }
        self.reports.push(Report::Filled {
            maker: order.key,
            taker: OrderKey::new(u64::MAX),
            side: order.side.opposite(),
            tick: if more.is_multiple_of(4) { tick(more) } else { order.tick },
            half: more.is_multiple_of(7),
            hidden,
            qty,
            maker_leaves: order.open,
            taker_leaves: 0,
        });
        if !hidden {
            order.shown = order.shown.saturating_sub(qty);
        }
        self.after(order, shown, more);
    }

    /// What becomes of an order that traded or shrank.
    fn after(&mut self, order: Live, shown: u8, more: u8) {
        if order.open == 0 {
            self.give(order.key);
        } else if order.shown == 0 && more & 8 != 0 {
            self.rest(order, shown);
        } else {
            self.live.push(order);
        }
    }

    fn cancel(&mut self, at: usize) {
        let order = self.live.remove(at);
        self.end(order, Ended::Asked);
    }

    /// A new number, or the same one.
    fn renumber(&mut self, order: &mut Live, more: u8) -> (OrderKey, OrderKey) {
        let old = order.key;
        if more & 1 == 0 {
            let slot = old.get() & 0xFFFF_FFFF;
            // As often in its own slot as in another.
            let new = if more & 2 == 0 {
                self.generations[slot as usize] += 1;
                Some(OrderKey::new(self.generations[slot as usize] << 32 | slot))
            } else {
                self.deal().inspect(|_| self.free.insert(0, slot))
            };
            order.key = new.unwrap_or(old);
        }
        (old, order.key)
    }

    fn keep(&mut self, at: usize, qty: u32, more: u8) {
        let mut order = self.live[at];
        order.open = order.open.min(qty);
        order.shown = order.shown.min(order.open);
        let (old, new) = self.renumber(&mut order, more);
        let Live { side, tick, open: qty, .. } = order;
        self.reports.push(Report::Replaced { old, new, side, tick, qty, kept: true });
        self.live[at] = order;
    }

    fn replace(&mut self, at: usize, (tick, qty): (Tick, u32), shown: u8, more: u8) {
        let mut order = self.live.remove(at);
        (order.tick, order.open, order.shown) = (tick, qty, 0);
        let (old, new) = self.renumber(&mut order, more);
        let side = order.side;
        self.reports.push(Report::Replaced { old, new, side, tick, qty, kept: false });
        match more / 4 % 4 {
            0 => self.end(order, Ended::Immediate),
            1 if !self.live.is_empty() => {
                // It trades first, maybe away.
                let (other, leaves) = (self.live.len() - 1, u32::from(more / 16) % qty);
                self.fill(other, qty - leaves, shown, more);
                order.open = leaves;
                if leaves == 0 { self.give(order.key) } else { self.rest(order, shown) }
            }
            _ => self.rest(order, shown),
        }
    }

    fn shrink(&mut self, at: usize, qty: u32, shown: u8) {
        let mut order = self.live.remove(at);
        if order.open <= qty {
            return self.end(order, Ended::SelfMatch);
        }
        order.open -= qty;
        order.shown = order.shown.min(order.open);
        let (key, leaves) = (order.key, order.open);
        self.reports.push(if shown.is_multiple_of(2) {
            Report::Decremented { order: key, qty, leaves }
        } else {
            Report::Reduced { order: key, qty, leaves }
        });
        self.live.push(order);
    }

    /// Bids and offers of one book in pairs, all at one price; what is left over is shown again.
    fn cross(&mut self, instrument: InstrumentId, tick: Tick, shown: u8, more: u8) {
        let (mut paired, half) = (0, more & 1 == 0);
        loop {
            let find = |side| {
                let is_it = |order: &Live| (order.instrument, order.side) == (instrument, side);
                self.live.iter().position(is_it)
            };
            let (Some(buy), Some(sell)) = (find(Side::Buy), find(Side::Sell)) else { break };
            let qty = self.live[buy].open.min(self.live[sell].open);
            for at in [buy, sell] {
                let order = &mut self.live[at];
                order.open -= qty;
                order.shown = order.shown.saturating_sub(qty);
            }
            let [buy, sell] = [buy, sell].map(|at| self.live[at]);
            self.reports.push(Report::Crossed {
                buy: buy.key,
                sell: sell.key,
                tick,
                half,
                qty,
                buy_leaves: buy.open,
                sell_leaves: sell.open,
            });
            paired += u64::from(qty);
            self.live.retain(|order| order.open != 0);
            for order in [buy, sell] {
                if order.open == 0 {
                    self.give(order.key);
                }
            }
        }
        let cross = if more & 2 == 0 { Cross::Closing } else { Cross::Reopening };
        let tick = (paired != 0).then_some(tick);
        self.reports.push(Report::Uncrossed { instrument, cross, tick, half, qty: paired });
        while let Some(at) = self.live.iter().position(|order| {
            order.instrument == instrument
                && order.shown == 0
                && more & 4 != 0
                && !shown.is_multiple_of(4)
        }) {
            let order = self.live.remove(at);
            self.rest(order, shown);
        }
    }
}

/// A few prices on both sides of a dollar, where ticks change.
fn tick(byte: u8) -> Tick {
    Tick::new(9_996 + i64::from(byte % 8))
}
