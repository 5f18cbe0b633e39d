//! What each rule of the day says, with the reports written out.

use alloc::vec;
use alloc::vec::Vec;

use types::{AccountId, FirmId, InstrumentId, Nanos, Px, Side};

use crate::{
    Account, Capacity, Control, Cross, DayRules, Ended, Floor, FloorCapacity, LuldRules, NewOrder,
    Order, OrderKey, Phase, Policy, Price, Refused, Report, Rules, Schedule, SelfMatch, Standing,
    Terms, Tick, TickTable, Tier, Trading,
};

pub(crate) const AT: InstrumentId = InstrumentId::new(0);
const RULES: Rules = Rules {
    reference: Tick::new(100),
    window: 64,
    far_levels: 1,
    keeps_place: true,
    policy: Policy::PriceTime,
    lit: true,
    seed: 1,
};
const CAPACITY: FloorCapacity =
    FloorCapacity { books: Capacity { orders: 8, terms: 8 }, waiting: 4, dated: 2 };

/// A tick is ten cents; the reference is ten dollars.
pub(crate) fn by_hand() -> DayRules {
    let ticks = TickTable::new(&[(Px::ZERO, Px::from_price4(1_000))]).unwrap();
    DayRules { imbalance_every: Nanos::ZERO, ..DayRules::by_hand(ticks, Tick::new(100)) }
}

pub(crate) struct Day {
    pub(crate) floor: Floor,
    pub(crate) now: Nanos,
}

impl Day {
    pub(crate) fn new(rules: DayRules) -> Self {
        let accounts = [Account { group: 0, firm: FirmId::new(0) }];
        Self { floor: Floor::new(CAPACITY, &accounts, &[RULES], &[rules]), now: Nanos::ZERO }
    }

    pub(crate) fn continuous(rules: DayRules) -> Self {
        let mut day = Self::new(rules);
        day.control(Control::PreOpen);
        day.control(Control::Open);
        day
    }

    pub(crate) fn control(&mut self, control: Control) -> Vec<Report> {
        let mut out = Vec::new();
        assert!(self.floor.control(self.now, AT, control, &mut out), "{control:?}");
        out
    }

    pub(crate) fn enter(&mut self, order: Order) -> Vec<Report> {
        let mut out = Vec::new();
        self.floor.enter(self.now, &order, &mut out);
        out
    }

    /// To a time, with all that is due until then.
    pub(crate) fn wait(&mut self, until: Nanos) -> Vec<Report> {
        let mut out = Vec::new();
        while let Some(due) = self.floor.next_deadline().filter(|due| *due <= until) {
            self.floor.on_deadline(due, &mut out);
        }
        self.now = until;
        out
    }

    pub(crate) fn refused(&mut self, order: Order) -> Option<Refused> {
        let [Report::Refused { why, .. }] = self.enter(order)[..] else { return None };
        Some(why)
    }
}

pub(crate) fn order(key: u64, side: Side, qty: u32, price: Option<i64>) -> Order {
    let new = NewOrder {
        key: OrderKey::new(key),
        instrument: AT,
        side,
        qty,
        price: price.map_or(Price::Market, |tick| Price::Limit(Tick::new(tick))),
        standing: Standing::Rest,
        account: AccountId::new(0),
        self_match: SelfMatch::Allow,
    };
    Order { new, terms: Terms::PLAIN }
}

pub(crate) fn with(order: Order, terms: Terms) -> Order {
    Order { terms, ..order }
}

pub(crate) fn stop(order: Order, tick: i64) -> Order {
    with(order, Terms { stop: Some(Tick::new(tick)), ..Terms::PLAIN })
}

fn at_open(order: Order) -> Order {
    with(order, Terms { trading: Trading::AtOpen, ..Terms::PLAIN })
}

fn at_close(order: Order) -> Order {
    with(order, Terms { trading: Trading::AtClose, ..Terms::PLAIN })
}

fn immediate(order: Order) -> Order {
    let standing = Standing::Immediate { min_qty: 0 };
    Order { new: NewOrder { standing, ..order.new }, ..order }
}

fn crossed(buy: u64, sell: u64, qty: u32, tick: i64, leaves: (u32, u32)) -> Report {
    let (buy, sell, tick) = (OrderKey::new(buy), OrderKey::new(sell), Tick::new(tick));
    let (buy_leaves, sell_leaves) = leaves;
    Report::Crossed { buy, sell, tick, half: false, qty, buy_leaves, sell_leaves }
}

fn uncrossed(cross: Cross, tick: Option<i64>, qty: u64) -> Report {
    Report::Uncrossed { instrument: AT, cross, tick: tick.map(Tick::new), half: false, qty }
}

fn cancelled(order: u64, side: Side, tick: Option<i64>, qty: u32, why: Ended) -> Report {
    Report::Cancelled { order: OrderKey::new(order), side, tick: tick.map(Tick::new), qty, why }
}

fn triggered(order: u64) -> Report {
    Report::Triggered { order: OrderKey::new(order) }
}

/// Who traded, in order.
fn takers(out: &[Report]) -> Vec<u64> {
    let taker = |report: &Report| {
        let Report::Filled { taker, .. } = report else { return None };
        Some(taker.get())
    };
    out.iter().filter_map(taker).collect()
}

#[test]
fn each_phase_takes_what_it_takes() {
    let buy = |price| order(1, Side::Buy, 5, price);
    let post_only = |order: Order| Order {
        new: NewOrder { standing: Standing::PostOnly, ..order.new },
        ..order
    };
    let (phase, terms) = (Some(Refused::Phase), Some(Refused::Terms));
    let controls: [&[Control]; 5] = [
        &[],
        &[Control::PreOpen],
        &[Control::PreOpen, Control::Open],
        &[Control::PreOpen, Control::Open, Control::Halt],
        &[Control::PreOpen, Control::Open, Control::Halt, Control::PreReopen],
    ];
    let cases = [
        // order                                      closed  pre-open  continuous  halted  pre-reopen
        (buy(Some(99)), [phase, None, None, phase, None]),
        (buy(None), [phase, None, None, phase, None]),
        (post_only(buy(Some(99))), [phase, None, None, phase, None]),
        (immediate(buy(Some(99))), [phase, phase, None, phase, phase]),
        (immediate(buy(None)), [phase, phase, None, phase, phase]),
        (stop(buy(None), 105), [phase, None, None, phase, None]),
        (stop(post_only(buy(Some(99))), 105), [phase, terms, terms, phase, terms]),
        (at_open(buy(None)), [phase, None, phase, phase, phase]),
        (at_open(immediate(buy(None))), [phase, terms, terms, phase, terms]),
        (at_close(buy(Some(99))), [phase, None, None, phase, None]),
    ];
    for (order, want) in cases {
        for (controls, want) in controls.iter().zip(want) {
            let mut day = Day::new(by_hand());
            for control in *controls {
                day.control(*control);
            }
            assert_eq!(day.refused(order), want, "{order:?} after {controls:?}");
        }
    }
}

#[test]
fn the_opening_cross_trades_market_orders_first_and_ends_what_was_for_it_alone() {
    let mut day = Day::new(by_hand());
    day.control(Control::PreOpen);
    let rests = day.enter(order(1, Side::Buy, 10, Some(103)));
    assert!(matches!(rests[..], [Report::Accepted { .. }, Report::Rested { .. }]), "{rests:?}");
    day.enter(order(2, Side::Sell, 12, Some(98)));
    day.enter(order(3, Side::Buy, 5, None));
    day.enter(at_open(order(4, Side::Buy, 5, Some(103))));
    day.enter(at_open(order(5, Side::Sell, 7, Some(104))));
    let want = [
        crossed(3, 2, 5, 100, (0, 7)),
        crossed(4, 2, 5, 100, (0, 2)),
        crossed(1, 2, 2, 100, (8, 0)),
        uncrossed(Cross::Opening, Some(100), 12),
        cancelled(5, Side::Sell, Some(104), 7, Ended::NotCrossed),
        Report::Phase { instrument: AT, phase: Phase::Continuous },
    ];
    assert_eq!(day.control(Control::Open), want);
    assert_eq!(day.floor.best(AT, Side::Buy), Some(Tick::new(103)));
    assert_eq!(day.floor.last(AT), Some(Tick::new(100)));
}

/// The collar is 90 to 110: what could trade only outside of it does not, and does not stay crossed.
#[test]
fn what_is_priced_through_the_collar_ends() {
    let mut day = Day::new(by_hand());
    day.control(Control::PreOpen);
    day.enter(order(1, Side::Buy, 10, Some(120)));
    day.enter(order(2, Side::Sell, 4, Some(108)));
    day.enter(order(3, Side::Sell, 10, Some(115)));
    let want = [
        crossed(1, 2, 4, 108, (6, 0)),
        uncrossed(Cross::Opening, Some(108), 4),
        cancelled(1, Side::Buy, Some(120), 6, Ended::Band),
        Report::Phase { instrument: AT, phase: Phase::Continuous },
    ];
    assert_eq!(day.control(Control::Open), want);
}

#[test]
fn the_closing_cross_takes_the_book_and_the_close_ends_the_day() {
    let mut day = Day::continuous(by_hand());
    let later = Terms { expires: Nanos::from_secs(9), ..Terms::PLAIN };
    day.enter(order(1, Side::Buy, 5, Some(99)));
    day.enter(with(order(2, Side::Buy, 5, Some(98)), later));
    day.enter(stop(order(3, Side::Buy, 5, None), 105));
    day.enter(at_close(order(4, Side::Sell, 3, None)));
    day.enter(at_close(order(5, Side::Sell, 1, Some(101))));
    let want = [
        crossed(1, 4, 3, 99, (2, 0)),
        uncrossed(Cross::Closing, Some(99), 3),
        cancelled(5, Side::Sell, Some(101), 1, Ended::NotCrossed),
        Report::Phase { instrument: AT, phase: Phase::Closed },
        cancelled(3, Side::Buy, None, 5, Ended::Closed),
        cancelled(1, Side::Buy, Some(99), 2, Ended::Closed),
    ];
    assert_eq!(day.control(Control::Close), want);
    let expired = [cancelled(2, Side::Buy, Some(98), 5, Ended::Expired)];
    assert_eq!(day.wait(Nanos::from_secs(9)), expired);
}

#[test]
fn stops_come_by_trigger_price_then_time_and_cascade() {
    let mut day = Day::continuous(by_hand());
    for (key, tick) in [(1, 101), (2, 102), (3, 103), (4, 104)] {
        day.enter(order(key, Side::Sell, 1, Some(tick)));
    }
    // The first to come waits for the higher price; the last, for one that only a stop reaches.
    day.enter(stop(order(12, Side::Buy, 1, None), 102));
    day.enter(stop(order(11, Side::Buy, 1, Some(105)), 101));
    day.enter(stop(order(13, Side::Buy, 1, None), 103));
    let out = day.enter(order(10, Side::Buy, 1, Some(101)));
    assert_eq!(takers(&out), [10, 11, 12, 13]);
    let stops: Vec<Report> =
        out.iter().copied().filter(|report| matches!(report, Report::Triggered { .. })).collect();
    assert_eq!(stops, [triggered(11), triggered(12), triggered(13)]);
    // Reached already, it does not wait.
    let at_once = day.enter(stop(order(14, Side::Sell, 1, Some(110)), 104));
    assert_eq!(at_once[1], triggered(14));
}

#[test]
fn orders_for_a_cross_are_frozen_at_their_time() {
    let seconds = |count| Some(Nanos::from_secs(count));
    let schedule = Schedule {
        pre_open: seconds(1),
        open_imbalance: seconds(3),
        market_on_open_until: seconds(2),
        limit_on_open_until: seconds(4),
        open: seconds(6),
        close: seconds(9),
        ..Schedule::BY_HAND
    };
    let mut day =
        Day::new(DayRules { schedule, imbalance_every: Nanos::from_secs(2), ..by_hand() });
    day.floor.start_day(Nanos::ZERO);
    let phase = |phase| Report::Phase { instrument: AT, phase };
    assert_eq!(day.wait(Nanos::from_secs(1))[0], phase(Phase::PreOpen));
    let (market, limited) = (order(1, Side::Buy, 5, None), order(2, Side::Sell, 3, Some(99)));
    assert_eq!(day.refused(at_open(market)), None);
    assert_eq!(day.refused(at_open(limited)), None);
    day.wait(Nanos::from_secs(2));
    let mut out = Vec::new();
    for key in [1, 2].map(OrderKey::new) {
        day.floor.cancel(day.now, key, &mut out);
    }
    let key = OrderKey::new(1);
    let ended = cancelled(2, Side::Sell, Some(99), 3, Ended::Asked);
    assert_eq!(out, [Report::Refused { order: key, why: Refused::Phase }, ended]);
    assert_eq!(day.refused(at_open(order(3, Side::Buy, 5, None))), Some(Refused::Phase));
    assert_eq!(day.refused(at_open(order(3, Side::Sell, 5, Some(99)))), None);
    let out = day.wait(Nanos::from_secs(9));
    let indicated = out.iter().filter(|report| matches!(report, Report::Indicated(_))).count();
    assert_eq!(indicated, 2, "at 3 and at 5: {out:?}");
    let phases: Vec<Report> =
        out.iter().copied().filter(|report| matches!(report, Report::Phase { .. })).collect();
    assert_eq!(phases, [phase(Phase::Continuous), phase(Phase::Closed)]);
    assert!(out.contains(&crossed(1, 3, 5, 100, (0, 0))), "{out:?}");
}

#[test]
fn an_indication_says_what_the_cross_would_do() {
    let mut day = Day::continuous(by_hand());
    day.enter(order(1, Side::Buy, 10, Some(99)));
    day.enter(order(2, Side::Sell, 10, Some(101)));
    day.enter(at_close(order(3, Side::Buy, 25, Some(102))));
    day.enter(at_close(order(4, Side::Sell, 5, Some(98))));
    let mut out = Vec::new();
    day.floor.indicate(AT, &mut out);
    let [Report::Indicated(at)] = out[..] else { panic!("{out:?}") };
    let tick = |tick| Some(Tick::new(tick));
    assert_eq!((at.cross, at.paired, at.imbalance), (Cross::Closing, 15, 10));
    assert_eq!((at.side, at.reference), (Some(Side::Buy), tick(101)));
    // Its own orders alone meet in the middle; the book's offers begin at 101.
    assert_eq!((at.far, at.near), (tick(100), tick(101)));
}

#[test]
fn nothing_trades_beyond_a_band() {
    let rules = DayRules { static_bp: 200, ..by_hand() };
    let cases = [
        // order to buy              refused            shares it takes, of one at each of 101 to 104
        (order(9, Side::Buy, 9, Some(103)), Some(Refused::Band), 0),
        (order(9, Side::Buy, 9, Some(102)), None, 2),
        (order(9, Side::Buy, 9, None), None, 2),
        (immediate(order(9, Side::Buy, 9, Some(104))), None, 2),
    ];
    for (order_to_buy, why, takes) in cases {
        let mut day = Day::continuous(rules);
        for (key, tick) in [(1, 101), (2, 102), (3, 103), (4, 104)] {
            day.enter(order(key, Side::Sell, 1, Some(tick)));
        }
        let out = day.enter(order_to_buy);
        assert_eq!(takers(&out).len(), takes, "{out:?}");
        let got = out.iter().find_map(|report| {
            let Report::Refused { why, .. } = report else { return None };
            Some(*why)
        });
        assert_eq!(got, why, "{order_to_buy:?}");
    }
}

/// Five per cent around ten dollars: ticks 95 to 105.
#[test]
fn a_limit_that_is_held_pauses_and_reopens_with_a_wider_collar() {
    let rules = DayRules { luld: Some(LuldRules::new(Tier::One)), ..by_hand() };
    let mut day = Day::continuous(rules);
    let limit = |side| Report::LimitState { instrument: AT, side };
    let out = day.enter(order(1, Side::Buy, 5, Some(105)));
    assert_eq!(out.last(), Some(&limit(Some(Side::Buy))), "{out:?}");
    let mut out = Vec::new();
    day.floor.cancel(day.now, OrderKey::new(1), &mut out);
    assert_eq!(out.last(), Some(&limit(None)));
    day.enter(order(1, Side::Buy, 5, Some(105)));
    let collar = |lower, upper| Report::Collar {
        instrument: AT,
        reference: Tick::new(105),
        lower: Tick::new(lower),
        upper: Tick::new(upper),
    };
    let paused = Report::Phase { instrument: AT, phase: Phase::Paused };
    assert_eq!(day.wait(Nanos::from_secs(15)), [paused, collar(95, 115)]);
    // They meet at 120 alone: the pause is longer by as much, and the collar wider.
    day.enter(order(2, Side::Buy, 5, Some(120)));
    day.enter(order(3, Side::Sell, 5, Some(120)));
    assert_eq!(day.wait(Nanos::from_secs(315)), [collar(90, 120)]);
    let want = vec![
        crossed(2, 3, 5, 120, (0, 0)),
        uncrossed(Cross::Reopening, Some(120), 5),
        Report::Phase { instrument: AT, phase: Phase::Continuous },
        Report::Bands { instrument: AT, lower: Tick::new(114), upper: Tick::new(126) },
    ];
    assert_eq!(day.wait(Nanos::from_secs(615)), want);
}

#[test]
fn what_has_no_room_is_refused() {
    let mut day = Day::continuous(by_hand());
    for key in 1..=4 {
        assert_eq!(day.refused(at_close(order(key, Side::Buy, 1, None))), None);
    }
    assert_eq!(day.refused(at_close(order(5, Side::Buy, 1, None))), Some(Refused::TermsFull));
    let dated = |key| {
        let expires = Nanos::from_secs(key);
        with(order(key, Side::Buy, 1, Some(99)), Terms { expires, ..Terms::PLAIN })
    };
    assert_eq!(
        [6, 7, 8].map(|key| day.refused(dated(key))),
        [None, None, Some(Refused::TermsFull)]
    );
    // One that is filled makes room.
    day.enter(order(9, Side::Sell, 1, Some(99)));
    assert_eq!(day.refused(dated(8)), None);
    assert_eq!(day.wait(Nanos::from_secs(8)).len(), 2);
}

/// Takes a stop's number for another order, and the other way round.
#[test]
fn a_number_is_one_order_s_wherever_it_waits() {
    let mut day = Day::continuous(by_hand());
    day.enter(stop(order(1, Side::Buy, 5, None), 105));
    assert_eq!(day.refused(order(1, Side::Buy, 5, Some(99))), Some(Refused::DuplicateKey));
    day.enter(order(2, Side::Buy, 5, Some(99)));
    assert_eq!(day.refused(stop(order(2, Side::Buy, 5, None), 105)), Some(Refused::DuplicateKey));
}
