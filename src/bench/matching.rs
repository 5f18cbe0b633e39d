//! Matching: limit orders, cancels and market orders at the exchange's own book, reports included, beside books that
//! do less and the published crates that do the same.

#[path = "../../benches/reference/flat.rs"]
mod flat;
#[path = "../../benches/reference/flow.rs"]
mod flow;
#[cfg(feature = "peers")]
mod peers;

use std::time::Instant;

use matching::{
    Capacity, Market, NewOrder, OrderKey, Policy, Price, Report, Rules, SelfMatch, Standing, Tick,
};
use types::{AccountId, InstrumentId, Side};

use super::case::{Case, Goal, median};
use super::packets::resident;
use super::rounds::{ROUNDS, ns_per_item, pin};
use super::{Context, Outcome, Subject};
use crate::failure::Failure;
use flow::{Command, Flow};

pub(super) const SUBJECT: Subject = Subject {
    name: "matching",
    about: "orders, cancels and market orders at the exchange's own book; beside a bare ladder, lobster, orderbook-rs",
    run,
};

/// Numbers are drawn from this seed.
const SEED: u64 = 0x5EED;
/// Commands of a round, in tens.
const TENS: usize = 25_000;
/// Orders that rest: so few that they fit in a cache, and such that do not.
const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;
/// Within how many ticks of the other side's best price they stand: about 10 and 120 orders a level.
const REACH_FEW: u32 = 64;
const REACH_MANY: u32 = 4_096;
/// Of the market whose memory is measured.
const INSTRUMENTS: u32 = 10_000;
const RESTING: u32 = 10_000_000;
/// Prices of each of its books that are in the fast part.
const WINDOW: u32 = 512;

fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    pin();
    let mut outcome = Outcome::default();
    // First: the process has nothing else yet.
    memory(context, &mut outcome)?;
    few(context, &mut outcome)?;
    many(context, &mut outcome)?;
    #[cfg(not(feature = "peers"))]
    outcome.notes.push(super::peers_note("matching", "lobster and orderbook-rs"));
    Ok(outcome)
}

/// A book that takes commands.
trait Engine {
    /// Does one, and whatever it says of it is kept from being optimised away.
    fn take(&mut self, command: &Command);

    /// Tick and shares of each level of a side, best first.
    fn levels(&self, side: Side) -> Vec<(u64, u64)>;

    /// Makes room for order numbers up to `last`, outside of what is measured.
    fn make_room(&mut self, _last: u64) {}

    /// Nanoseconds a command.
    fn cost(&mut self, commands: &[Command]) -> f64 {
        ns_per_item(|| {
            commands.iter().for_each(|command| self.take(command));
            commands.len() as u64
        })
    }

    /// Nanoseconds of each command into `each`, a reading of the clock included; where `each` has one already, the lesser.
    fn time(&mut self, commands: &[Command], each: &mut [u64]) {
        for (command, least) in commands.iter().zip(each) {
            let from = Instant::now();
            self.take(command);
            *least = (*least).min(from.elapsed().as_nanos() as u64);
        }
    }
}

/// Two of a kind. Both take every command; what a single one cost is the lesser of the two, so that a tick of the
/// kernel or a pause of the host, which hardly ever hits the same command twice, is not taken for the book's own.
type Pair = [Box<dyn Engine>; 2];

fn pair<E: Engine + 'static>(make: impl Fn() -> E) -> Pair {
    [Box::new(make()), Box::new(make())]
}

/// Ours: every check and every report.
struct Ours {
    market: Market,
    reports: Vec<Report>,
}

impl Ours {
    fn new(orders: u32) -> Self {
        Self { market: flow::market(orders), reports: Vec::with_capacity(1_024) }
    }
}

impl Engine for Ours {
    #[inline(always)]
    fn take(&mut self, command: &Command) {
        self.reports.clear();
        flow::apply(&mut self.market, command, &mut self.reports);
        std::hint::black_box(self.reports.as_slice());
    }

    fn levels(&self, side: Side) -> Vec<(u64, u64)> {
        let mut levels: Vec<(u64, u64)> = Vec::new();
        for order in self.market.resting(InstrumentId::new(0), side) {
            let tick = order.tick.get().unsigned_abs();
            match levels.last_mut() {
                Some((last, qty)) if *last == tick => *qty += u64::from(order.qty),
                _ => levels.push((tick, order.qty.into())),
            }
        }
        levels
    }
}

impl Engine for flat::Flat {
    #[inline(always)]
    fn take(&mut self, command: &Command) {
        std::hint::black_box(self.take(command));
    }

    fn levels(&self, side: Side) -> Vec<(u64, u64)> {
        self.levels(side)
    }

    fn make_room(&mut self, last: u64) {
        self.make_room(last);
    }
}

/// What an engine cost, a value a round.
#[derive(Default)]
struct Raced {
    /// Nanoseconds a command.
    costs: Vec<f64>,
    /// The 99.99th percentile of single commands, nanoseconds.
    tails: Vec<f64>,
}

/// Each kind takes the same commands in turn, round after round; at the end their books are equal.
fn race(
    context: &Context<'_>,
    (live, reach): (u32, u32),
    pairs: &mut [Pair],
) -> Result<Vec<Raced>, Failure> {
    context.stage(format!("{live} resting orders: filling"));
    let mut flow = Flow::new(SEED, live, reach);
    let mut commands = Vec::new();
    let mut raced: Vec<Raced> = pairs.iter().map(|_| Raced::default()).collect();
    flow.fill(&mut commands);
    // Four commands an order: by then the book looks as it will go on looking.
    let steps = (live as usize * 4 / 10).div_ceil(TENS);
    for step in 0..=steps {
        for engine in pairs.iter_mut().flatten() {
            engine.make_room(flow.last());
            engine.cost(&commands);
        }
        context.stage(format!("{live} resting orders: settling, {step} of {steps}"));
        flow.take(TENS, &mut commands);
    }
    let mut each = Vec::new();
    for round in 0..=2 * ROUNDS {
        context.stage(format!("{live} resting orders: round {round} of {}", 2 * ROUNDS));
        for (pair, raced) in pairs.iter_mut().zip(&mut raced) {
            pair.iter_mut().for_each(|engine| engine.make_room(flow.last()));
            if round <= ROUNDS {
                let [cost, _] = pair.each_mut().map(|engine| engine.cost(&commands));
                // The first, which warms caches, is not counted.
                raced.costs.extend((0 < round).then_some(cost));
                continue;
            }
            each.clear();
            each.resize(commands.len(), u64::MAX);
            pair.iter_mut().for_each(|engine| engine.time(&commands, &mut each));
            raced.tails.push(tail(&mut each));
        }
        flow.take(TENS, &mut commands);
    }
    for side in Side::BOTH {
        let mut books = pairs.iter().flatten().map(|engine| engine.levels(side));
        let first = books.next();
        if books.any(|book| Some(book) != first) {
            return Err(Failure::failed("the measured books differ at the end of the same stream"));
        }
    }
    Ok(raced)
}

/// The 99.99th percentile.
fn tail(each: &mut [u64]) -> f64 {
    let at = each.len() - 1 - each.len() / 10_000;
    *each.select_nth_unstable(at).1 as f64
}

/// Room for so many resting orders, and what they sway by.
const fn room(live: u32) -> u32 {
    live + live / 8 + 1_024
}

fn few(context: &Context<'_>, outcome: &mut Outcome) -> Result<(), Failure> {
    let orders = room(FEW);
    let mut pairs = [
        pair(|| Ours::new(orders)),
        pair(|| flat::Flat::new(orders)),
        #[cfg(feature = "peers")]
        pair(|| peers::Lobster::new(orders)),
        #[cfg(feature = "peers")]
        pair(peers::OrderbookRs::new),
    ];
    let raced = race(context, (FEW, REACH_FEW), &mut pairs)?;
    outcome.cases.push(cost("1k resting, beside a bare ladder", &raced, 1, Goal::AtMost(3.0)));
    #[cfg(feature = "peers")]
    {
        let cases = &mut outcome.cases;
        cases.push(cost("1k resting, beside lobster", &raced, 2, Goal::AtLeast(3.5)));
        cases.push(cost("1k resting, beside orderbook-rs", &raced, 3, Goal::AtLeast(25.0)));
    }
    outcome.cases.push(tails("1k resting, p99.99", &raced, 2));
    Ok(())
}

fn many(context: &Context<'_>, outcome: &mut Outcome) -> Result<(), Failure> {
    let orders = room(MANY);
    let mut pairs = [
        pair(|| Ours::new(orders)),
        #[cfg(feature = "peers")]
        pair(|| peers::Lobster::new(orders)),
    ];
    let raced = race(context, (MANY, REACH_MANY), &mut pairs)?;
    #[cfg(feature = "peers")]
    outcome.cases.push(cost("1M resting, beside lobster", &raced, 1, Goal::AtLeast(12.0)));
    #[cfg(not(feature = "peers"))]
    outcome.cases.push(Case::alone(
        "matching/1M resting",
        median(&raced[0].costs),
        "ns/command",
        None,
    ));
    outcome.cases.push(tails("1M resting, p99.99", &raced, 1));
    Ok(())
}

/// What ours, the first, cost beside the engine at `beside`.
fn cost(name: &str, raced: &[Raced], beside: usize, goal: Goal) -> Case {
    Case::against(format!("matching/{name}"), &raced[0].costs, &raced[beside].costs, goal)
        .unit("ns/command")
}

/// The tail of ours, beside that of lobster where that runs: the one at `lobster`.
fn tails(name: &str, raced: &[Raced], lobster: usize) -> Case {
    let (name, ours) = (format!("matching/{name}"), &raced[0].tails);
    match raced.get(lobster) {
        Some(beside) => Case::against(name, ours, &beside.tails, Goal::AtLeast(10.0)),
        None => Case::alone(name, median(ours), "ns", None),
    }
}

/// A day's worth of resting orders over all instruments of an exchange, in one process.
fn memory(context: &Context<'_>, outcome: &mut Outcome) -> Result<(), Failure> {
    context.stage(format!("{RESTING} resting orders of {INSTRUMENTS} instruments"));
    let look = || resident().map_err(|error| Failure::io("read", "/proc/self/status", error));
    let before = look()?;
    let rules = Rules {
        reference: Tick::new(0),
        window: WINDOW,
        far_levels: 16,
        keeps_place: true,
        policy: Policy::PriceTime,
        lit: true,
        seed: 0, // no order shows a random size
    };
    let capacity = Capacity { orders: RESTING, terms: 0 };
    let rules = vec![rules; INSTRUMENTS as usize];
    let mut market = Market::new(capacity, &[flow::ANYBODY], &rules);
    let mut reports = Vec::new();
    for n in 0..RESTING {
        let side = if (n / INSTRUMENTS).is_multiple_of(2) { Side::Buy } else { Side::Sell };
        // Any spread over the window will do, bids below offers.
        let away = i64::from(n / INSTRUMENTS * 7 % (WINDOW / 2 - 1)) + 1;
        let order = NewOrder {
            key: OrderKey::new(u64::from(n) + 1),
            instrument: InstrumentId::new(n % INSTRUMENTS),
            side,
            qty: 100,
            price: Price::Limit(Tick::new(if side == Side::Buy { -away } else { away })),
            standing: Standing::Rest,
            account: AccountId::new(0),
            self_match: SelfMatch::Allow,
        };
        reports.clear();
        market.enter(&order, &mut reports);
    }
    if market.live() != RESTING {
        return Err(Failure::failed(format!("{} of {RESTING} orders rest", market.live())));
    }
    let after = look()?;
    let each = |bytes: f64| bytes / f64::from(RESTING);
    let (orders, grown) = (market.order_bytes() as f64, after.saturating_sub(before) as f64);
    let goal = Some(Goal::AtMost(64.0));
    let cases = [
        Case::alone("matching/memory, orders", each(orders), "bytes/order", goal),
        Case::alone("matching/memory, all that grew", each(grown), "bytes/order", None),
        Case::alone(
            "matching/memory, 10M resting of 10,000 instruments",
            after as f64 / f64::from(1 << 20),
            "MiB resident",
            Some(Goal::AtMost(2_048.0)),
        ),
    ];
    outcome.cases.extend(cases);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::flow::{Command, Flow};
    use super::{Engine, Ours, Side, flat::Flat, room};

    const LIVE: u32 = 1_000;

    #[test]
    fn every_engine_has_the_same_book_at_the_end() {
        let orders = room(LIVE);
        let mut engines: Vec<Box<dyn Engine>> = vec![
            Box::new(Ours::new(orders)),
            Box::new(Flat::new(orders)),
            #[cfg(feature = "peers")]
            Box::new(super::peers::Lobster::new(orders)),
            #[cfg(feature = "peers")]
            Box::new(super::peers::OrderbookRs::new()),
        ];
        let mut flow = Flow::new(1, LIVE, 64);
        let mut commands = Vec::new();
        flow.fill(&mut commands);
        for _ in 0..5 {
            for engine in &mut engines {
                engine.make_room(flow.last());
                commands.iter().for_each(|command| engine.take(command));
            }
            for side in Side::BOTH {
                let books: Vec<_> = engines.iter().map(|engine| engine.levels(side)).collect();
                assert!(10 < books[0].len(), "{side:?}: {} levels", books[0].len());
                assert!(books.iter().all(|book| *book == books[0]), "{side:?}: {books:?}");
            }
            flow.take(1_000, &mut commands);
        }
    }

    #[test]
    fn the_stream_is_the_mix_it_says_and_stays_as_deep() {
        let mut flow = Flow::new(7, LIVE, 64);
        let mut ours = Ours::new(room(LIVE));
        let mut commands = Vec::new();
        flow.fill(&mut commands);
        commands.iter().for_each(|command| ours.take(command));
        for _ in 0..20 {
            flow.take(1_000, &mut commands);
            let count = |which: fn(&Command) -> bool| commands.iter().filter(|c| which(c)).count();
            assert_eq!(count(|command| matches!(command, Command::Add { .. })), 5_000);
            assert_eq!(count(|command| matches!(command, Command::Cancel { .. })), 4_000);
            assert_eq!(count(|command| matches!(command, Command::Take { .. })), 1_000);
            commands.iter().for_each(|command| ours.take(command));
            let live = ours.market.live();
            assert!((LIVE * 9 / 10..=LIVE * 11 / 10).contains(&live), "{live} live");
        }
    }
}
