//! What each rule says, command by command, with the reports written out.

use alloc::vec;
use alloc::vec::Vec;

use types::{AccountId, FirmId, InstrumentId, Side};

use crate::{
    Account, Capacity, Ended, Market, NewOrder, OrderKey, Policy, Price, Refused, Replace, Report,
    Rules, Scope, SelfMatch, Standing, Tick,
};

pub(crate) const RULES: Rules = Rules {
    reference: Tick::new(100),
    window: 64,
    far_levels: 1,
    keeps_place: true,
    policy: Policy::PriceTime,
    lit: true,
    seed: 1,
};
pub(crate) const ROOM: Capacity = Capacity { orders: 8, terms: 8 };
pub(crate) const AT: InstrumentId = InstrumentId::new(0);
/// One that may trade with anybody, and one whose orders meet themselves.
const ACCOUNTS: [Account; 2] =
    [Account { group: 0, firm: FirmId::new(0) }, Account { group: 7, firm: FirmId::new(0) }];
const ANYBODY: AccountId = AccountId::new(0);
const OURS: AccountId = AccountId::new(1);

fn market() -> Market {
    Market::new(ROOM, &ACCOUNTS, &[RULES])
}

pub(crate) fn order(key: u64, side: Side, qty: u32, tick: i64) -> NewOrder {
    NewOrder {
        key: OrderKey::new(key),
        instrument: AT,
        side,
        qty,
        price: Price::Limit(Tick::new(tick)),
        standing: Standing::Rest,
        account: ANYBODY,
        self_match: SelfMatch::Allow,
    }
}

pub(crate) fn enter(market: &mut Market, order: NewOrder) -> Vec<Report> {
    let mut reports = Vec::new();
    market.enter(&order, &mut reports);
    reports
}

fn replace(market: &mut Market, key: u64, qty: u32, tick: i64, post_only: bool) -> Vec<Report> {
    let mut reports = Vec::new();
    let (old, new) = (OrderKey::new(key), OrderKey::new(key + 100));
    let self_match = SelfMatch::Allow;
    market.replace(
        &Replace { old, new, qty, tick: Tick::new(tick), post_only, self_match },
        &mut reports,
    );
    reports
}

pub(crate) fn accepted(order: u64, side: Side, qty: u32, tick: i64) -> Report {
    Report::Accepted { order: OrderKey::new(order), side, tick: Some(Tick::new(tick)), qty }
}

pub(crate) fn rested(order: u64, side: Side, qty: u32, tick: i64) -> Report {
    Report::Rested { order: OrderKey::new(order), side, tick: Tick::new(tick), qty, shown: qty }
}

/// A buyer takes at a price; what is left of both.
pub(crate) fn filled(maker: u64, taker: u64, qty: u32, tick: i64, leaves: (u32, u32)) -> Report {
    let (maker, taker, tick) = (OrderKey::new(maker), OrderKey::new(taker), Tick::new(tick));
    let (maker_leaves, taker_leaves) = leaves;
    let (side, half, hidden) = (Side::Buy, false, false);
    Report::Filled { maker, taker, side, tick, half, hidden, qty, maker_leaves, taker_leaves }
}

pub(crate) fn cancelled(order: u64, side: Side, qty: u32, tick: i64, why: Ended) -> Report {
    Report::Cancelled { order: OrderKey::new(order), side, tick: Some(Tick::new(tick)), qty, why }
}

pub(crate) fn resting(market: &Market, side: Side) -> Vec<(u64, i64, u32)> {
    market.resting(AT, side).map(|order| (order.order.get(), order.tick.get(), order.qty)).collect()
}

#[test]
fn the_best_price_trades_first_and_at_a_price_whoever_came_first() {
    let mut market = market();
    for (key, tick) in [(1, 102), (2, 101), (3, 101)] {
        enter(&mut market, order(key, Side::Sell, 10, tick));
    }
    let want = [
        accepted(4, Side::Buy, 25, 105),
        filled(2, 4, 10, 101, (0, 15)),
        filled(3, 4, 10, 101, (0, 5)),
        filled(1, 4, 5, 102, (5, 0)),
    ];
    assert_eq!(enter(&mut market, order(4, Side::Buy, 25, 105)), want);
    assert_eq!(resting(&market, Side::Sell), [(1, 102, 5)]);
    assert_eq!(market.best(AT, Side::Buy), None);
}

/// An offer of 10 of the same group is met first, one of another behind it.
#[test]
fn each_way_to_prevent_a_self_match() {
    let (buy, sell, why) = (Side::Buy, Side::Sell, Ended::SelfMatch);
    let shrunk =
        |order: u64, qty, leaves| Report::Decremented { order: OrderKey::new(order), qty, leaves };
    let cases = [
        // policy              qty  reports after Accepted                               left on offer
        (
            SelfMatch::Allow,
            12,
            vec![filled(1, 3, 10, 101, (0, 2)), filled(2, 3, 2, 101, (8, 0))],
            vec![8],
        ),
        (
            SelfMatch::CancelOldest,
            12,
            vec![
                cancelled(1, sell, 10, 101, why),
                filled(2, 3, 10, 101, (0, 2)),
                rested(3, buy, 2, 101),
            ],
            vec![],
        ),
        (SelfMatch::CancelNewest, 12, vec![cancelled(3, buy, 12, 101, why)], vec![10, 10]),
        (
            SelfMatch::CancelBoth,
            12,
            vec![cancelled(1, sell, 10, 101, why), cancelled(3, buy, 12, 101, why)],
            vec![10],
        ),
        (
            SelfMatch::Decrement,
            12,
            vec![cancelled(1, sell, 10, 101, why), shrunk(3, 10, 2), filled(2, 3, 2, 101, (8, 0))],
            vec![8],
        ),
        (
            SelfMatch::Decrement,
            10,
            vec![cancelled(1, sell, 10, 101, why), cancelled(3, buy, 10, 101, why)],
            vec![10],
        ),
        (
            SelfMatch::Decrement,
            4,
            vec![shrunk(1, 4, 6), cancelled(3, buy, 4, 101, why)],
            vec![6, 10],
        ),
    ];
    for (self_match, qty, want, left) in cases {
        let mut market = market();
        enter(&mut market, NewOrder { account: OURS, ..order(1, sell, 10, 101) });
        enter(&mut market, order(2, sell, 10, 101));
        let taker = NewOrder { account: OURS, self_match, ..order(3, buy, qty, 101) };
        let got = enter(&mut market, taker);
        assert_eq!(got[1..], want, "{self_match:?} of {qty}");
        let offers: Vec<u32> = market.resting(AT, sell).map(|order| order.qty).collect();
        assert_eq!(offers, left, "{self_match:?} of {qty}");
    }
}

#[test]
fn a_minimum_is_filled_or_nothing_is() {
    let cases = [
        // qty min limit  want
        (20, 20, 102, vec![filled(1, 3, 10, 101, (0, 10)), filled(2, 3, 10, 102, (0, 0))]),
        (21, 21, 102, vec![cancelled(3, Side::Buy, 21, 102, Ended::MinQty)]),
        (20, 20, 101, vec![cancelled(3, Side::Buy, 20, 101, Ended::MinQty)]),
        (5, 6, 102, vec![cancelled(3, Side::Buy, 5, 102, Ended::MinQty)]),
        (
            15,
            5,
            101,
            vec![filled(1, 3, 10, 101, (0, 5)), cancelled(3, Side::Buy, 5, 101, Ended::Immediate)],
        ),
    ];
    for (qty, min_qty, limit, want) in cases {
        let mut market = market();
        enter(&mut market, order(1, Side::Sell, 10, 101));
        enter(&mut market, order(2, Side::Sell, 10, 102));
        let standing = Standing::Immediate { min_qty };
        let got = enter(&mut market, NewOrder { standing, ..order(3, Side::Buy, qty, limit) });
        assert_eq!(got[1..], want, "{qty} shares, at least {min_qty}, to {limit}");
    }
}

#[test]
fn post_only_adds_or_is_refused_when_new_and_when_replaced() {
    let mut market = market();
    enter(&mut market, order(1, Side::Sell, 10, 101));
    let refused =
        |order: u64| Report::Refused { order: OrderKey::new(order), why: Refused::WouldTrade };
    let bid = |tick| NewOrder { standing: Standing::PostOnly, ..order(2, Side::Buy, 5, tick) };
    assert_eq!(enter(&mut market, bid(101)), [refused(2)]);
    let rests = [accepted(2, Side::Buy, 5, 100), rested(2, Side::Buy, 5, 100)];
    assert_eq!(enter(&mut market, bid(100)), rests);
    // What it was to become is refused, and it ends: its owner wanted it no longer as it was.
    let ended = cancelled(2, Side::Buy, 5, 100, Ended::Refused);
    assert_eq!(replace(&mut market, 2, 5, 101, true), [refused(102), ended]);
    assert_eq!(resting(&market, Side::Buy), []);
    assert_eq!(resting(&market, Side::Sell), [(1, 101, 10)]);
}

#[test]
fn only_a_replace_that_takes_shares_away_keeps_the_place() {
    let cases = [
        // qty tick   queue afterwards
        (6, 101, [(101, 101, 6), (2, 101, 10)]),
        (10, 101, [(101, 101, 10), (2, 101, 10)]),
        (11, 101, [(2, 101, 10), (101, 101, 11)]),
        (6, 102, [(2, 101, 10), (101, 102, 6)]),
    ];
    for (qty, tick, want) in cases {
        let mut market = market();
        enter(&mut market, order(1, Side::Sell, 10, 101));
        enter(&mut market, order(2, Side::Sell, 10, 101));
        replace(&mut market, 1, qty, tick, false);
        assert_eq!(resting(&market, Side::Sell), want, "{qty} at {tick}");
        let of_price =
            want.iter().filter(|order| order.1 == 101).map(|order| u64::from(order.2)).sum();
        assert_eq!(market.depth_at(AT, Side::Sell, Tick::new(101)), of_price);
    }
}

/// The window is 68 to 131, and one price outside of it has room.
#[test]
fn a_far_price_is_as_right_as_any_other() {
    let mut market = market();
    enter(&mut market, order(1, Side::Sell, 10, 5_000));
    assert_eq!(market.best(AT, Side::Sell), Some(Tick::new(5_000)));
    let full = Report::Refused { order: OrderKey::new(2), why: Refused::LevelsFull };
    assert_eq!(enter(&mut market, order(2, Side::Sell, 10, 6_000)), [full]);
    // The only one there takes its level with it.
    let moved = replace(&mut market, 1, 10, 6_000, false);
    assert!(matches!(moved[0], Report::Replaced { kept: false, .. }), "{moved:?}");
    assert_eq!(moved[1..], [rested(101, Side::Sell, 10, 6_000)]);
    enter(&mut market, order(3, Side::Sell, 10, 131));
    assert_eq!(resting(&market, Side::Sell), [(3, 131, 10), (101, 6_000, 10)]);
    let got = enter(&mut market, order(4, Side::Buy, 15, 7_000));
    assert_eq!(got[1..], [filled(3, 4, 10, 131, (0, 5)), filled(101, 4, 5, 6_000, (5, 0))]);
    for tick in [i64::MAX, i64::MIN, 1 << 31] {
        let refused = Report::Refused { order: OrderKey::new(5), why: Refused::Price };
        assert_eq!(enter(&mut market, order(5, Side::Buy, 1, tick)), [refused], "{tick}");
    }
}

#[test]
fn the_largest_orders_add_up() {
    let mut market = market();
    for key in 1..=8 {
        enter(&mut market, order(key, Side::Sell, u32::MAX, 101));
    }
    assert_eq!(market.depth_at(AT, Side::Sell, Tick::new(101)), 8 * u64::from(u32::MAX));
    let full = Report::Refused { order: OrderKey::new(9), why: Refused::OrdersFull };
    assert_eq!(enter(&mut market, order(9, Side::Buy, 1, 100)), [full]);
    let all = NewOrder {
        price: Price::Market,
        standing: Standing::Immediate { min_qty: u32::MAX },
        ..order(9, Side::Buy, u32::MAX, 0)
    };
    assert_eq!(enter(&mut market, all)[1], filled(1, 9, u32::MAX, 101, (0, 0)));
    assert_eq!(market.live(), 7);
}

#[test]
fn a_market_to_limit_order_takes_one_price_and_rests_there() {
    let (buy, sell) = (Side::Buy, Side::Sell);
    let came =
        |standing| NewOrder { price: Price::MarketToLimit, standing, ..order(3, buy, 15, 0) };
    let immediate = Standing::Immediate { min_qty: 0 };
    let fill = filled(1, 3, 10, 101, (0, 5));
    let cases = [
        (Standing::Rest, vec![accepted(3, buy, 15, 101), fill, rested(3, buy, 5, 101)]),
        (
            immediate,
            vec![accepted(3, buy, 15, 101), fill, cancelled(3, buy, 5, 101, Ended::Immediate)],
        ),
        (
            Standing::Immediate { min_qty: 15 },
            vec![accepted(3, buy, 15, 101), cancelled(3, buy, 15, 101, Ended::MinQty)],
        ),
        (
            Standing::PostOnly,
            vec![Report::Refused { order: OrderKey::new(3), why: Refused::WouldTrade }],
        ),
    ];
    for (standing, want) in cases {
        let mut market = market();
        enter(&mut market, order(1, sell, 10, 101));
        enter(&mut market, order(2, sell, 10, 102));
        assert_eq!(enter(&mut market, came(standing)), want, "{standing:?}");
    }
    let (order, tick, qty) = (OrderKey::new(3), None, 15);
    let nothing_there = [
        Report::Accepted { order, side: buy, tick, qty },
        Report::Cancelled { order, side: buy, tick, qty, why: Ended::Immediate },
    ];
    assert_eq!(enter(&mut market(), came(Standing::Rest)), nothing_there);
}

#[test]
fn a_reduced_order_keeps_its_place() {
    let reduced = |qty, leaves| Report::Reduced { order: OrderKey::new(1), qty, leaves };
    let cases = [
        // leaves  reports                                                     queue afterwards
        (11, vec![], vec![(1, 101, 10), (2, 101, 10)]),
        (10, vec![], vec![(1, 101, 10), (2, 101, 10)]),
        (4, vec![reduced(6, 4)], vec![(1, 101, 4), (2, 101, 10)]),
        (0, vec![cancelled(1, Side::Sell, 10, 101, Ended::Asked)], vec![(2, 101, 10)]),
    ];
    for (leaves, want, queue) in cases {
        let mut market = market();
        enter(&mut market, order(1, Side::Sell, 10, 101));
        enter(&mut market, order(2, Side::Sell, 10, 101));
        let mut reports = Vec::new();
        market.reduce(OrderKey::new(1), leaves, &mut reports);
        assert_eq!(reports, want, "{leaves}");
        assert_eq!(resting(&market, Side::Sell), queue, "{leaves}");
    }
    let mut reports = Vec::new();
    market().reduce(OrderKey::new(1), 4, &mut reports);
    assert_eq!(reports, [Report::Refused { order: OrderKey::new(1), why: Refused::NotLive }]);
}

#[test]
fn a_mass_cancel_takes_its_scope_and_nothing_else() {
    let (key, tick) = (OrderKey::new, Tick::new);
    let cases = [
        (Some(AT), Scope::All, vec![2, 1, 3, 4]),
        (None, Scope::All, vec![2, 1, 3, 4]),
        (Some(InstrumentId::new(1)), Scope::All, vec![]),
        (None, Scope::Side(Side::Sell), vec![3, 4]),
        (None, Scope::Account(OURS), vec![2, 4]),
        (None, Scope::Keys(key(2), key(3)), vec![2, 3]),
        (None, Scope::Keys(key(3), key(2)), vec![]),
        (None, Scope::Ticks(Side::Buy, tick(98), tick(99)), vec![1]),
        (None, Scope::Ticks(Side::Sell, tick(98), tick(101)), vec![3]),
    ];
    for (instrument, scope, want) in cases {
        let mut market = market();
        enter(&mut market, order(1, Side::Buy, 10, 99));
        enter(&mut market, NewOrder { account: OURS, ..order(2, Side::Buy, 10, 100) });
        enter(&mut market, order(3, Side::Sell, 10, 101));
        enter(&mut market, NewOrder { account: OURS, ..order(4, Side::Sell, 10, 102) });
        let mut reports = Vec::new();
        market.cancel_all(instrument, scope, &mut reports);
        let gone = |report: &Report| {
            let Report::Cancelled { order, why: Ended::Asked, qty: 10, .. } = report else {
                panic!("{scope:?}: {report:?}")
            };
            order.get()
        };
        assert_eq!(reports.iter().map(gone).collect::<Vec<_>>(), want, "{scope:?}");
        assert_eq!(market.live() as usize, 4 - want.len(), "{scope:?}");
    }
}
