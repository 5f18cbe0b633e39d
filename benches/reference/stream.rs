//! A seeded stream of book events in steady state, for measuring books; not a model of a day.
//!
//! Of 1,000 events: 430 adds, 424 deletes, 80 replaces, 30 executions, 36 reductions, less what the
//! live count needs to stay where it is. Half of the orders named are recent, half are any live one.
//! Prices: 0 to 1 ticks from the inside at the median, about 2,100 at the 99th percentile.
//! Numbers increase and are near-dense. Instruments are drawn evenly, which no cache likes.

use types::{Change, InstrumentId, MarketEvent, MatchNo, Nanos, OrderRef, Px, Qty, Side};

/// How many of the last orders count as recent.
const RECENT: u64 = 1024;

/// An order that the stream may still name.
#[derive(Clone, Copy)]
struct Live {
    order: u64,
    qty: u32,
    instrument: u32,
    side: Side,
}

/// The generator.
pub(crate) struct Stream {
    random: u64,
    next: u64,
    target: usize,
    instruments: u32,
    live: Vec<Live>,
    /// Ticks of each instrument's middle.
    middle: Vec<i32>,
}

impl Stream {
    /// A stream that will keep about `live` orders in the books of `instruments`.
    pub(crate) fn new(seed: u64, instruments: u32, live: usize) -> Self {
        Self {
            random: seed | 1,
            next: 1_000,
            target: live,
            instruments,
            live: Vec::with_capacity(live + live / 8 + 16),
            middle: vec![20_000; instruments as usize],
        }
    }

    /// The largest order number so far.
    pub(crate) fn last(&self) -> u64 {
        self.next
    }

    /// Adds until the live count is reached, each handed to `each`.
    pub(crate) fn fill(&mut self, mut each: impl FnMut(&MarketEvent)) {
        while self.live.len() < self.target {
            let event = self.add();
            each(&event);
        }
    }

    /// Replaces the contents of `events` with the next `count`.
    pub(crate) fn take(&mut self, count: usize, events: &mut Vec<MarketEvent>) {
        events.clear();
        for _ in 0..count {
            let event = self.event();
            events.push(event);
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        // xorshift64*, high bits.
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let high = self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        (high * bound) >> 32
    }

    fn event(&mut self) -> MarketEvent {
        // Leans against drift, so that the live count stays within a few per cent.
        let lean = (self.target as i64 - self.live.len() as i64).clamp(-40, 40);
        match self.below(1_000) as i64 {
            kind if kind < 437 + lean || self.live.is_empty() => self.add(),
            kind if kind < 854 => self.delete(),
            kind if kind < 934 => self.replace(),
            kind => self.lessen(kind < 964),
        }
    }

    fn next_order(&mut self) -> u64 {
        self.next += 1 + self.below(3) / 2;
        self.next
    }

    fn px(&mut self, instrument: u32, side: Side) -> Px {
        let middle = &self.middle[instrument as usize];
        let middle = *middle;
        let distance = match self.below(100) {
            0..30 => 0,
            30..55 => 1,
            // Log-even between 2 and 2,100, one in a hundred ten times as far.
            far => {
                let bits = 1 + self.below(10);
                let ticks = (1 << bits) + self.below(1 << bits);
                if far == 99 { ticks * 10 } else { ticks }
            }
        } as i32;
        if self.below(64) == 0 {
            let step = self.below(3) as i32 - 1;
            self.middle[instrument as usize] = (middle + step).clamp(19_998, 20_002);
        }
        let ticks = match side {
            Side::Buy => (middle - 1 - distance).max(1),
            Side::Sell => middle + 1 + distance,
        };
        Px::from_price4(ticks as u32 * 100)
    }

    fn add(&mut self) -> MarketEvent {
        let instrument = self.below(u64::from(self.instruments)) as u32;
        let side = if self.below(2) == 0 { Side::Buy } else { Side::Sell };
        let qty = 100 * (1 + self.below(5) as u32);
        let order = self.next_order();
        self.live.push(Live { order, qty, instrument, side });
        let px = self.px(instrument, side);
        let change = Change::Add { order: OrderRef::new(order), side, qty: Qty::from(qty), px };
        event(instrument, change)
    }

    fn pick(&mut self) -> usize {
        let len = self.live.len() as u64;
        if self.below(2) == 0 {
            (len - 1 - self.below(RECENT.min(len))) as usize
        } else {
            self.below(len) as usize
        }
    }

    fn delete(&mut self) -> MarketEvent {
        let at = self.pick();
        let live = self.live.swap_remove(at);
        event(live.instrument, Change::Delete { order: OrderRef::new(live.order) })
    }

    fn replace(&mut self) -> MarketEvent {
        let at = self.pick();
        let new = self.next_order();
        let live = self.live[at];
        let qty = 100 * (1 + self.below(5) as u32);
        self.live[at] = Live { order: new, qty, ..live };
        let px = self.px(live.instrument, live.side);
        let (old, new) = (OrderRef::new(live.order), OrderRef::new(new));
        event(live.instrument, Change::Replace { old, new, qty: Qty::from(qty), px })
    }

    fn lessen(&mut self, trade: bool) -> MarketEvent {
        let at = self.pick();
        let live = self.live[at];
        let taken = live.qty.div_ceil(2);
        if taken == live.qty {
            self.live.swap_remove(at);
        } else {
            self.live[at].qty -= taken;
        }
        let (order, qty) = (OrderRef::new(live.order), Qty::from(taken));
        let change = if trade {
            Change::Execute { order, qty, match_no: MatchNo::new(live.order) }
        } else {
            Change::Reduce { order, qty }
        };
        event(live.instrument, change)
    }
}

fn event(instrument: u32, change: Change) -> MarketEvent {
    MarketEvent { time: Nanos::ZERO, instrument: InstrumentId::new(instrument), change }
}
