//! What trades at the midpoint: each rule with its reports written out, then a naive twin of the crosses.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use types::{AccountId, FirmId, InstrumentId, Nanos, Px, Side};

use crate::{
    Account, Capacity, Control, Cross, DarkRules, DayRules, Ended, Floor, FloorCapacity, NewOrder,
    Order, OrderKey, Peg, PegTo, Policy, Price, Quote, Refused, Report, Rules, SelfMatch, Standing,
    Terms, Tick, TickTable, Trading,
};

const AT: InstrumentId = InstrumentId::new(0);
const CAPACITY: FloorCapacity =
    FloorCapacity { books: Capacity { orders: 64, terms: 64 }, waiting: 4, dated: 4 };
const CROSSES: DarkRules = DarkRules { min: Nanos::from_millis(5), max: Nanos::from_millis(20) };
const AS_THEY_COME: DarkRules = DarkRules { min: Nanos::ZERO, max: Nanos::ZERO };
/// Longer than any two crosses are apart.
const PAST: Nanos = Nanos::from_millis(20);

/// A pool whose bands are 90 to 110, open.
struct Pool {
    floor: Floor,
    now: Nanos,
}

impl Pool {
    fn new(dark: DarkRules, seed: u64) -> Self {
        let rules = Rules {
            reference: Tick::new(100),
            window: 64,
            far_levels: 1,
            keeps_place: true,
            policy: Policy::PriceTime,
            lit: false,
            seed,
        };
        let ticks = TickTable::new(&[(Px::ZERO, Px::from_price4(1_000))]).unwrap();
        let day = DayRules {
            static_bp: 1_000,
            dark: Some(dark),
            ..DayRules::by_hand(ticks, Tick::new(100))
        };
        let accounts = [Account { group: 0, firm: FirmId::new(0) }];
        let floor = Floor::new(CAPACITY, &accounts, &[rules], &[day]);
        let mut pool = Self { floor, now: Nanos::ZERO };
        let mut out = Vec::new();
        for control in [Control::PreOpen, Control::Open] {
            assert!(pool.floor.control(pool.now, AT, control, &mut out));
        }
        let is_silent = |report: &Report| !matches!(report, Report::Uncrossed { .. });
        assert!(out.iter().all(is_silent), "no cross at the open: {out:?}");
        pool
    }

    fn enter(&mut self, order: Order) -> Vec<Report> {
        let mut out = Vec::new();
        self.floor.enter(self.now, &order, &mut out);
        out
    }

    fn quote(&mut self, bid: Option<i64>, offer: Option<i64>) -> Vec<Report> {
        let mut out = Vec::new();
        let quote = Quote { bid: bid.map(Tick::new), offer: offer.map(Tick::new) };
        self.floor.set_quote(self.now, AT, quote, &mut out);
        out
    }

    /// To a time, with all that is due until then.
    fn wait(&mut self, span: Nanos) -> Vec<Report> {
        let (mut out, until) = (Vec::new(), self.now.saturating_add(span));
        while let Some(due) = self.floor.next_deadline().filter(|due| *due <= until) {
            self.floor.on_deadline(due, &mut out);
        }
        self.now = until;
        out
    }
}

fn order(key: u64, side: Side, qty: u32, limit: Option<i64>) -> Order {
    let new = NewOrder {
        key: OrderKey::new(key),
        instrument: AT,
        side,
        qty,
        price: limit.map_or(Price::Market, |tick| Price::Limit(Tick::new(tick))),
        standing: Standing::Rest,
        account: AccountId::new(0),
        self_match: SelfMatch::Allow,
    };
    Order { new, terms: Terms::PLAIN }
}

fn buy(key: u64, qty: u32, limit: i64) -> Order {
    order(key, Side::Buy, qty, Some(limit))
}

fn sell(key: u64, qty: u32, limit: i64) -> Order {
    order(key, Side::Sell, qty, Some(limit))
}

fn least(min_qty: u32, order: Order) -> Order {
    Order { terms: Terms { min_qty, ..order.terms }, ..order }
}

fn pegged(to: PegTo, offset: i32, order: Order) -> Order {
    Order { terms: Terms { peg: Some(Peg { to, offset }), ..order.terms }, ..order }
}

fn crossed(
    (buy, buy_leaves): (u64, u32),
    (sell, sell_leaves): (u64, u32),
    qty: u32,
    half_ticks: i64,
) -> Report {
    Report::Crossed {
        buy: OrderKey::new(buy),
        sell: OrderKey::new(sell),
        tick: Tick::new(half_ticks.div_euclid(2)),
        half: half_ticks.rem_euclid(2) == 1,
        qty,
        buy_leaves,
        sell_leaves,
    }
}

fn uncrossed(qty: u64, half_ticks: i64) -> Report {
    Report::Uncrossed {
        instrument: AT,
        cross: Cross::Dark,
        tick: Some(Tick::new(half_ticks.div_euclid(2))),
        half: half_ticks.rem_euclid(2) == 1,
        qty,
    }
}

#[test]
fn a_cross_is_at_the_midpoint_and_whoever_came_first_goes_first() {
    use PegTo::{Market, Midpoint, Primary};
    let any = |key, side, qty| order(key, side, qty, None);
    let cases: Vec<(&str, Vec<Order>, Vec<Report>)> = vec![
        (
            "half a tick, and the better limit does not go first",
            vec![buy(1, 10, 101), buy(2, 10, 105), sell(3, 15, 95)],
            vec![
                crossed((1, 0), (3, 5), 10, 201),
                crossed((2, 5), (3, 0), 5, 201),
                uncrossed(15, 201),
            ],
        ),
        ("a limit short of the midpoint", vec![buy(1, 10, 100), sell(2, 10, 99)], vec![]),
        (
            "pegs that reach it, and those that do not",
            vec![
                pegged(Primary, 0, any(1, Side::Buy, 10)),
                pegged(Midpoint, 1, any(2, Side::Buy, 10)),
                pegged(Market, 0, any(3, Side::Buy, 10)),
                pegged(Midpoint, 0, any(4, Side::Buy, 10)),
                pegged(Midpoint, 0, sell(5, 30, 90)),
                pegged(Midpoint, 0, sell(6, 30, 101)),
            ],
            vec![
                crossed((3, 0), (5, 20), 10, 201),
                crossed((4, 0), (5, 10), 10, 201),
                uncrossed(20, 201),
            ],
        ),
        (
            "a minimum is met by several",
            vec![least(20, buy(1, 30, 105)), sell(2, 10, 95), sell(3, 10, 95)],
            vec![
                crossed((1, 20), (2, 0), 10, 201),
                crossed((1, 10), (3, 0), 10, 201),
                uncrossed(20, 201),
            ],
        ),
        (
            "one whose minimum is not met leaves its place to the next",
            vec![buy(1, 10, 105), least(20, buy(2, 30, 105)), buy(3, 30, 105), sell(4, 25, 95)],
            vec![
                crossed((1, 0), (4, 15), 10, 201),
                crossed((3, 15), (4, 0), 15, 201),
                uncrossed(25, 201),
            ],
        ),
        (
            "nobody is left whose minimum is met",
            vec![least(20, buy(1, 30, 105)), sell(2, 10, 95)],
            vec![],
        ),
        (
            "without it the other side is the longer, and one there falls short",
            vec![
                least(41, buy(1, 50, 105)),
                buy(2, 10, 105),
                least(20, sell(3, 25, 95)),
                sell(4, 15, 95),
            ],
            vec![crossed((2, 0), (4, 5), 10, 201), uncrossed(10, 201)],
        ),
    ];
    for (name, orders, want) in cases {
        let mut pool = Pool::new(CROSSES, 1);
        assert_eq!(pool.quote(Some(100), Some(101)), []);
        for order in orders {
            let got = pool.enter(order);
            let rests =
                matches!(got[..], [Report::Accepted { .. }, Report::Rested { shown: 0, .. }]);
            assert!(rests, "{name}: {got:?}");
        }
        let mut pool_out = pool.wait(PAST);
        pool_out.retain(|report| !matches!(report, Report::Bands { .. }));
        assert_eq!(pool_out, want, "{name}");
    }
}

#[test]
fn without_a_quote_inside_the_bands_there_is_no_cross_and_then_there_is() {
    let quotes = [
        (None, None),
        (Some(100), None),
        (None, Some(100)),
        (Some(102), Some(100)),
        (Some(109), Some(111)),
        (Some(89), Some(95)),
    ];
    for (bid, offer) in quotes {
        let mut pool = Pool::new(CROSSES, 1);
        pool.enter(buy(1, 10, 110));
        pool.enter(sell(2, 10, 90));
        pool.quote(bid, offer);
        assert_eq!(pool.wait(PAST), [], "{bid:?} {offer:?}");
        // Locked is not crossed.
        pool.quote(Some(100), Some(100));
        let want = [crossed((1, 0), (2, 0), 10, 200), uncrossed(10, 200)];
        assert_eq!(pool.wait(PAST), want, "{bid:?} {offer:?}");
    }
}

#[test]
fn while_it_is_halted_there_is_no_cross() {
    let mut pool = Pool::new(CROSSES, 1);
    pool.quote(Some(100), Some(100));
    pool.enter(buy(1, 10, 105));
    pool.enter(sell(2, 10, 95));
    let mut out = Vec::new();
    assert!(pool.floor.control(pool.now, AT, Control::Halt, &mut out));
    assert_eq!(pool.wait(PAST), []);
    assert!(pool.floor.control(pool.now, AT, Control::PreReopen, &mut out));
    assert_eq!(pool.wait(PAST), []);
    out.clear();
    assert!(pool.floor.control(pool.now, AT, Control::Reopen, &mut out));
    assert!(out.iter().all(|report| matches!(report, Report::Phase { .. })), "{out:?}");
    assert_eq!(pool.wait(PAST).len(), 2);
}

#[test]
fn what_cannot_wait_for_a_cross_ends_or_is_refused() {
    let immediate = |order: Order| {
        let standing = Standing::Immediate { min_qty: 0 };
        Order { new: NewOrder { standing, ..order.new }, ..order }
    };
    for dark in [CROSSES, AS_THEY_COME] {
        let mut pool = Pool::new(dark, 1);
        pool.quote(Some(100), Some(102));
        for order in [immediate(buy(1, 5, 105)), order(1, Side::Buy, 5, None)] {
            let ends = |got: &[Report]| {
                matches!(
                    got,
                    [Report::Accepted { .. }, Report::Cancelled { why: Ended::Immediate, .. }]
                )
            };
            let got = pool.enter(order);
            assert!(ends(&got), "{got:?}");
        }
        let at_close = Terms { trading: Trading::AtClose, ..Terms::PLAIN };
        let got = pool.enter(Order { terms: at_close, ..buy(2, 5, 105) });
        assert_eq!(got, [Report::Refused { order: OrderKey::new(2), why: Refused::Terms }]);
    }
}

#[test]
fn where_orders_meet_as_they_come_they_meet_at_the_midpoint() {
    let mut pool = Pool::new(AS_THEY_COME, 1);
    let no_quote = [Report::Refused { order: OrderKey::new(1), why: Refused::Quote }];
    assert_eq!(pool.enter(buy(1, 10, 105)), no_quote);
    pool.quote(Some(100), Some(103));
    pool.enter(buy(1, 10, 105));
    pool.enter(buy(2, 10, 100));
    let filled =
        |maker, taker, side, half_ticks: i64, qty, maker_leaves, taker_leaves| Report::Filled {
            maker: OrderKey::new(maker),
            taker: OrderKey::new(taker),
            side,
            tick: Tick::new(half_ticks.div_euclid(2)),
            half: half_ticks.rem_euclid(2) == 1,
            hidden: true,
            qty,
            maker_leaves,
            taker_leaves,
        };
    let got = pool.enter(sell(3, 15, 99));
    assert_eq!(got[1], filled(1, 3, Side::Sell, 203, 10, 0, 5));
    assert_eq!(got.len(), 3, "the other is not reached: {got:?}");
    // The quote comes to both.
    assert_eq!(pool.quote(Some(99), Some(101)), [filled(2, 3, Side::Sell, 200, 5, 5, 0)]);
    assert_eq!(pool.floor.last(AT), Some(Tick::new(100)));
    assert_eq!(pool.wait(Nanos::from_secs(60)), [], "there are no crosses");
}

/// The seed decides the times, and nothing else does.
#[test]
fn the_times_of_crosses_come_from_the_seed() {
    let times = |seed, busy: bool| {
        let mut pool = Pool::new(CROSSES, seed);
        (0..100).for_each(|key| {
            if busy {
                pool.quote(Some(100), Some(101));
                pool.enter(buy(key, 1, 105));
                pool.enter(sell(1_000 + key, 1, 95));
            }
            let due = pool.floor.next_deadline().expect("there is always a next one");
            pool.wait(due.since(pool.now));
        });
        pool.now
    };
    assert_eq!(times(1, true), times(1, false));
    assert_ne!(times(1, true), times(2, true));
}

/// One step of a random day.
#[derive(Clone, Debug)]
enum Step {
    Enter(Side, u32, Option<i64>, Option<Peg>, u32),
    Cancel(prop::sample::Index),
    Quote(Option<i64>, Option<i64>),
    Wait(u64),
}

/// The orders, in the order in which they came, and the quote: obviously right.
#[derive(Default)]
struct Twin {
    orders: Vec<Order>,
    bid: Option<i64>,
    offer: Option<i64>,
}

impl Twin {
    /// The worst price at which an order trades, in half ticks.
    fn reach(&self, order: &Order) -> Option<i64> {
        let (bid, offer) = (self.bid?, self.offer?);
        let sign = if order.new.side == Side::Buy { 1 } else { -1 };
        let (own, other) = if sign == 1 { (bid, offer) } else { (offer, bid) };
        let peg = order.terms.peg.map(|peg| {
            let to = match peg.to {
                PegTo::Primary => 2 * own,
                PegTo::Market => 2 * other,
                PegTo::Midpoint => own + other,
            };
            to - sign * 2 * i64::from(peg.offset)
        });
        let limit = match order.new.price {
            Price::Limit(tick) => Some(2 * tick.get()),
            Price::Market | Price::MarketToLimit => None,
        };
        // The lower for a bid, the higher for an offer.
        [peg, limit].into_iter().flatten().min_by_key(|price| sign * price)
    }

    /// What each order of a side gets of `left` shares.
    fn deal(orders: &[Order], side: Side, mut left: u32) -> Vec<(u64, u32)> {
        let mut dealt = Vec::new();
        for order in orders.iter().filter(|order| order.new.side == side) {
            let got = left.min(order.new.qty);
            left -= got;
            dealt.push((order.new.key.get(), got));
        }
        dealt
    }

    fn cross(&mut self) -> Vec<Report> {
        let (Some(bid), Some(offer)) = (self.bid, self.offer) else { return vec![] };
        if offer < bid || bid < 90 || 110 < offer {
            return vec![];
        }
        let middle = bid + offer;
        let mut all: Vec<Order> = self.orders.clone();
        all.retain(|order| match (order.new.side, self.reach(order)) {
            (Side::Buy, Some(reach)) => middle <= reach,
            (Side::Sell, Some(reach)) => reach <= middle,
            (_, None) => false,
        });
        let (dealt, total) = loop {
            let open = |side| -> u32 {
                all.iter().filter(|order| order.new.side == side).map(|order| order.new.qty).sum()
            };
            let total = open(Side::Buy).min(open(Side::Sell));
            let dealt = Side::BOTH.map(|side| Self::deal(&all, side, total));
            let short = all.iter().position(|order| {
                let got =
                    |side: Side| dealt[side as usize].iter().find(|of| of.0 == order.new.key.get());
                let got = got(order.new.side).map_or(0, |of| of.1);
                0 < got && got < order.terms.min_qty.min(order.new.qty)
            });
            match short {
                Some(at) => all.remove(at),
                None => break (dealt, total),
            };
        };
        let [mut bids, mut offers] = dealt;
        let mut out = Vec::new();
        let mut left = total;
        while left != 0 {
            bids.retain(|bid| bid.1 != 0);
            offers.retain(|offer| offer.1 != 0);
            let qty = bids[0].1.min(offers[0].1);
            (bids[0].1, offers[0].1, left) = (bids[0].1 - qty, offers[0].1 - qty, left - qty);
            let [buy, sell] = [bids[0].0, offers[0].0].map(|key| (key, self.take(key, qty)));
            out.push(crossed(buy, sell, qty, middle));
        }
        if total != 0 {
            out.push(uncrossed(total.into(), middle));
        }
        out
    }

    fn take(&mut self, key: u64, qty: u32) -> u32 {
        let at = self.orders.iter().position(|order| order.new.key.get() == key).expect("live");
        let order = &mut self.orders[at];
        order.new.qty -= qty;
        let leaves = order.new.qty;
        if leaves == 0 {
            self.orders.remove(at);
        }
        leaves
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let side = prop::bool::ANY.prop_map(|buy| if buy { Side::Buy } else { Side::Sell });
    let to = prop::sample::select(vec![PegTo::Primary, PegTo::Market, PegTo::Midpoint]);
    let peg = prop::option::weighted(0.4, (to, 0..2).prop_map(|(to, offset)| Peg { to, offset }));
    let limit = prop::option::weighted(0.8, 88..112i64);
    let tick = || prop::option::weighted(0.95, 87..113i64);
    let enter = (side, 1..30u32, limit, peg, 0..30u32)
        .prop_map(|(side, qty, limit, peg, least)| Step::Enter(side, qty, limit, peg, least));
    let near =
        (95..105i64, 0..4i64).prop_map(|(bid, width)| Step::Quote(Some(bid), Some(bid + width)));
    let step = prop_oneof![
        10 => enter,
        1 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        3 => near,
        1 => (tick(), tick()).prop_map(|(bid, offer)| Step::Quote(bid, offer)),
        3 => (1..30u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..200)
}

/// Runs both, and compares every report of every cross; answers how many pairs there were.
fn run(steps: &[Step], seed: u64) -> usize {
    let mut pool = Pool::new(CROSSES, seed);
    let mut twin = Twin::default();
    let (mut pairs, mut before) = (0, Nanos::ZERO);
    for (key, step) in (1..).zip(steps) {
        match *step {
            Step::Enter(side, qty, limit, peg, least) => {
                let entered = Order {
                    terms: Terms { peg, min_qty: least, ..Terms::PLAIN },
                    ..order(key, side, qty, limit)
                };
                match pool.enter(entered)[..] {
                    [Report::Accepted { .. }, Report::Rested { .. }] => twin.orders.push(entered),
                    [Report::Accepted { .. }, Report::Cancelled { why, .. }] => {
                        // A market order has nowhere to wait for the cross.
                        let is_short = 0 < least && why == Ended::MinQty;
                        assert!(is_short || why == Ended::Immediate, "{why:?}");
                        assert_eq!((limit, peg), (None, None));
                    }
                    [Report::Refused { why, .. }] => {
                        let is_beyond = limit.is_some_and(|at| !(90..=110).contains(&at));
                        let is_expected = why == Refused::OrdersFull
                            || why == Refused::Terms
                                && (qty < least || limit.or(peg.map(|_| 0)).is_none())
                            || why == Refused::Quote && peg.is_some()
                            || why == Refused::Band && is_beyond;
                        assert!(is_expected, "{why:?}: {entered:?}");
                    }
                    ref other => panic!("{other:?}"),
                }
            }
            Step::Cancel(ref index) if !twin.orders.is_empty() => {
                let gone = twin.orders.remove(index.index(twin.orders.len()));
                let mut out = Vec::new();
                pool.floor.cancel(pool.now, gone.new.key, &mut out);
                assert!(matches!(out[..], [Report::Cancelled { qty, .. }] if qty == gone.new.qty));
            }
            Step::Cancel(_) => {}
            Step::Quote(bid, offer) => {
                assert_eq!(pool.quote(bid, offer), [], "nobody meets outside a cross");
                (twin.bid, twin.offer) = (bid, offer);
            }
            Step::Wait(millis) => {
                let until = pool.now.saturating_add(Nanos::from_millis(millis));
                while let Some(due) = pool.floor.next_deadline().filter(|due| *due <= until) {
                    let apart = due.since(before);
                    assert!(CROSSES.min <= apart && apart <= CROSSES.max, "{apart} apart");
                    before = due;
                    let got = pool.wait(due.since(pool.now));
                    assert_eq!(got, twin.cross());
                    pairs += got.len().saturating_sub(1);
                }
                pool.now = until;
            }
        }
    }
    pairs
}

proptest! {
    #[test]
    fn the_crosses_are_those_of_the_twin(steps in steps(), seed in any::<u64>()) {
        run(&steps, seed);
    }

    /// At the midpoint of the quote inside the bands, and through nobody's limit.
    #[test]
    fn as_they_come_nobody_trades_anywhere_else(steps in steps()) {
        let mut pool = Pool::new(AS_THEY_COME, 1);
        let (mut bid, mut offer) = (None, None);
        for (key, step) in (1..).zip(steps) {
            let got = match step {
                // Other pegs stand at prices of their own.
                Step::Enter(side, qty, limit, _, least) => {
                    let least = if limit.is_some() { least } else { 0 };
                    let terms = Terms { min_qty: least, ..Terms::PLAIN };
                    pool.enter(Order { terms, ..order(key, side, qty, limit) })
                }
                Step::Quote(new_bid, new_offer) => {
                    (bid, offer) = (new_bid, new_offer);
                    pool.quote(new_bid, new_offer)
                }
                Step::Cancel(_) | Step::Wait(_) => continue,
            };
            for report in got {
                let Report::Filled { tick, half, .. } = report else { continue };
                let (bid, offer) = (bid.expect("a bid"), offer.expect("an offer"));
                prop_assert!(90 <= bid && bid <= offer && offer <= 110);
                prop_assert_eq!(2 * tick.get() + i64::from(half), bid + offer);
            }
        }
    }
}

/// Random days on which hardly anything trades would prove little.
#[test]
fn a_random_day_trades() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut pairs = 0;
    for seed in 0..50 {
        let steps = steps().new_tree(&mut runner).expect("steps").current();
        pairs += run(&steps, seed);
    }
    assert!(200 < pairs, "{pairs} pairs");
}
