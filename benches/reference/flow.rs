//! A seeded stream of commands for one instrument in steady state, for measuring books that match.
//!
//! Of every ten commands, in random order: five limit orders that rest, four cancels, one market
//! order. A limit order stands within `reach` ticks of the other side's best price, evenly; a cancel
//! names any live order, evenly; a market order takes about as many shares as one order has. Numbers
//! increase and are dense. What is live is asked of a market of our own that takes each command
//! first: no cancel is of an order that is gone.

use matching::{
    Account, Capacity, Market, NewOrder, OrderKey, Policy, Price, Report, Rules, SelfMatch,
    Standing, Tick,
};
use types::{AccountId, FirmId, InstrumentId, Side};

/// Every price is below this.
pub(crate) const LEVELS: u32 = 1 << 16;
/// The most shares of a limit order.
const QTY_MAX: u64 = 200;
/// Where prices begin.
const MIDDLE: u32 = LEVELS / 2;
const INSTRUMENT: InstrumentId = InstrumentId::new(0);
/// Whose every order is.
pub(crate) const ANYBODY: Account = Account { group: 0, firm: FirmId::new(0) };

/// What a book is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Command {
    /// A limit order, which rests.
    Add { order: u64, side: Side, tick: u32, qty: u32 },
    /// The end of a live order.
    Cancel { order: u64 },
    /// A market order.
    Take { order: u64, side: Side, qty: u32 },
}

/// A market of one instrument that holds every price of the stream.
pub(crate) fn market(orders: u32) -> Market {
    let rules = Rules {
        reference: Tick::new(i64::from(MIDDLE)),
        window: LEVELS,
        far_levels: 0,
        keeps_place: true,
        policy: Policy::PriceTime,
        lit: true,
        seed: 0, // no order shows a random size
    };
    Market::new(Capacity { orders, terms: 0 }, &[ANYBODY], &[rules])
}

/// Gives a command to a market.
#[inline(always)]
pub(crate) fn apply(market: &mut Market, command: &Command, reports: &mut Vec<Report>) {
    let order = |order, side, qty, price, standing| NewOrder {
        key: OrderKey::new(order),
        instrument: INSTRUMENT,
        side,
        qty,
        price,
        standing,
        account: AccountId::new(0),
        self_match: SelfMatch::Allow,
    };
    match *command {
        Command::Add { order: key, side, tick, qty } => {
            let price = Price::Limit(Tick::new(i64::from(tick)));
            market.enter(&order(key, side, qty, price, Standing::Rest), reports);
        }
        Command::Take { order: key, side, qty } => {
            let standing = Standing::Immediate { min_qty: 0 };
            market.enter(&order(key, side, qty, Price::Market, standing), reports);
        }
        Command::Cancel { order } => market.cancel(OrderKey::new(order), reports),
    }
}

/// The generator.
pub(crate) struct Flow {
    random: u64,
    next: u64,
    target: usize,
    reach: u32,
    model: Market,
    reports: Vec<Report>,
    live: Vec<u64>,
    /// By an order's number: its place in `live`.
    places: Vec<u32>,
}

impl Flow {
    /// A stream that will keep about `live` orders resting.
    pub(crate) fn new(seed: u64, live: u32, reach: u32) -> Self {
        Self {
            random: seed | 1,
            next: 1,
            target: live as usize,
            reach,
            model: market(live + live / 8 + 1_024),
            reports: Vec::new(),
            live: Vec::new(),
            places: vec![0],
        }
    }

    /// The largest order number so far.
    pub(crate) fn last(&self) -> u64 {
        self.next - 1
    }

    /// Replaces the contents of `commands` with limit orders until the live count is reached.
    pub(crate) fn fill(&mut self, commands: &mut Vec<Command>) {
        commands.clear();
        while self.live.len() < self.target {
            let add = self.add();
            commands.push(self.done(add));
        }
    }

    /// Replaces the contents of `commands` with the next ten times `tens`.
    pub(crate) fn take(&mut self, tens: usize, commands: &mut Vec<Command>) {
        commands.clear();
        let mut deck = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2];
        for _ in 0..tens {
            for at in (1..deck.len()).rev() {
                deck.swap(at, self.below(at as u64 + 1) as usize);
            }
            for card in deck {
                let command = match card {
                    0 => self.add(),
                    1 => self.cancel(),
                    _ => self.market_order(),
                };
                commands.push(self.done(command));
            }
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

    fn side(&mut self) -> Side {
        if self.below(2) == 0 { Side::Buy } else { Side::Sell }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.places.push(0);
        self.next - 1
    }

    fn add(&mut self) -> Command {
        let side = self.side();
        let other = self.model.best(INSTRUMENT, side.opposite()).map_or(MIDDLE, tick_of);
        let away = 1 + self.below(u64::from(self.reach)) as u32;
        let tick = match side {
            Side::Buy => other.saturating_sub(away).max(1),
            Side::Sell => (other + away).min(LEVELS - 2),
        };
        let qty = 1 + self.below(QTY_MAX) as u32;
        Command::Add { order: self.number(), side, tick, qty }
    }

    fn cancel(&mut self) -> Command {
        let at = self.below(self.live.len() as u64) as usize;
        Command::Cancel { order: self.live[at] }
    }

    fn market_order(&mut self) -> Command {
        // Leans against drift: an order's shares on average.
        let most = if self.live.len() < self.target { QTY_MAX / 2 } else { QTY_MAX * 3 / 2 };
        let qty = 1 + self.below(most) as u32;
        Command::Take { order: self.number(), side: self.side(), qty }
    }

    /// The command, after the model took it.
    fn done(&mut self, command: Command) -> Command {
        self.reports.clear();
        apply(&mut self.model, &command, &mut self.reports);
        match command {
            Command::Add { order, .. } => {
                self.places[order as usize] = self.live.len() as u32;
                self.live.push(order);
            }
            Command::Cancel { order } => self.gone(order),
            Command::Take { .. } => {
                for at in 0..self.reports.len() {
                    if let Report::Filled { maker, maker_leaves: 0, .. } = self.reports[at] {
                        self.gone(maker.get());
                    }
                }
            }
        }
        command
    }

    fn gone(&mut self, order: u64) {
        let at = self.places[order as usize] as usize;
        self.live.swap_remove(at);
        if let Some(&moved) = self.live.get(at) {
            self.places[moved as usize] = at as u32;
        }
    }
}

fn tick_of(tick: Tick) -> u32 {
    tick.get() as u32 // every price is in the window
}
