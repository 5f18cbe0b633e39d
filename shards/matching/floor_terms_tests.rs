//! Orders with the terms of a book through the day: what wakes is noted, and nothing trades beyond the bands.

use alloc::vec::Vec;

use types::Nanos;
use types::Side::{self, Buy, Sell};

use crate::floor_tests::{AT, Day, by_hand, order, stop, with};
use crate::{
    Control, DayRules, Display, Ended, Order, OrderKey, Peg, PegTo, Refused, Report, Scope, Terms,
    Tick,
};

const HIDDEN: Terms = Terms { display: Display::Hidden, ..Terms::PLAIN };

fn hidden(key: u64, side: Side, qty: u32, price: Option<i64>, min_qty: u32) -> Order {
    with(order(key, side, qty, price), Terms { min_qty, ..HIDDEN })
}

fn peg(key: u64, side: Side, to: PegTo) -> Order {
    let peg = Some(Peg { to, offset: 0 });
    with(order(key, side, 5, None), Terms { peg, ..Terms::PLAIN })
}

/// Four hundredths of the last trade up and down.
fn moving() -> DayRules {
    DayRules { dynamic_bp: 400, ..by_hand() }
}

fn ended(out: &[Report], key: u64, wanted: Ended) -> bool {
    out.iter().any(|report| {
        matches!(report, Report::Cancelled { order, why, .. }
            if *order == OrderKey::new(key) && *why == wanted)
    })
}

fn trades(out: &[Report]) -> Vec<(u64, u64, i64)> {
    let of = |report: &Report| {
        let &Report::Filled { maker, taker, tick, .. } = report else { return None };
        Some((maker.get(), taker.get(), tick.get()))
    };
    out.iter().filter_map(of).collect()
}

/// Without the offer at 103 the midpoint is 102, where a hidden offer stands.
#[test]
fn what_leaves_and_wakes_others_moves_the_last_price_and_reaches_stops() {
    let key = OrderKey::new(2);
    let acts: [fn(&mut Day, OrderKey, &mut Vec<Report>); 4] = [
        |day, key, out| day.floor.cancel(day.now, key, out),
        |day, key, out| day.floor.reduce(day.now, key, 0, out),
        |day, key, out| day.floor.cancel_all(day.now, Some(AT), Scope::Keys(key, key), out),
        |day, _, out| out.extend(day.wait(Nanos::from_secs(9))),
    ];
    for (at, act) in acts.into_iter().enumerate() {
        let mut day = Day::continuous(by_hand());
        day.enter(order(1, Buy, 5, Some(99)));
        let expires = Nanos::from_secs(9);
        day.enter(with(order(2, Sell, 5, Some(103)), Terms { expires, ..Terms::PLAIN }));
        day.enter(order(3, Sell, 5, Some(105)));
        day.enter(hidden(4, Sell, 5, Some(102), 0));
        day.enter(peg(5, Buy, PegTo::Midpoint));
        day.enter(stop(order(6, Buy, 5, Some(90)), 102));
        let mut out = Vec::new();
        act(&mut day, key, &mut out);

        assert_eq!(trades(&out), [(4, 5, 102)], "{at}");
        assert_eq!(day.floor.last(AT), Some(Tick::new(102)), "{at}");
        assert!(out.contains(&Report::Triggered { order: OrderKey::new(6) }), "{at}: {out:?}");
    }
}

/// Orders with a minimum stay out of the cross.
#[test]
fn what_the_begin_of_trading_wakes_is_noted_and_within_the_bands() {
    let cases = [
        // days        trades
        (by_hand(), &[(1, 2, 110)][..], Some(110)),
        (moving(), &[], None),
    ];
    for (rules, wanted, last) in cases {
        let mut day = Day::new(rules);
        day.control(Control::PreOpen);
        day.enter(hidden(1, Buy, 5, Some(110), 5));
        day.enter(hidden(2, Sell, 5, Some(108), 5));
        let out = day.control(Control::Open);

        assert_eq!(trades(&out), wanted);
        assert_eq!(day.floor.last(AT).map(Tick::get), last);
        assert_eq!(ended(&out, 1, Ended::Band), wanted.is_empty(), "{out:?}");
    }
}

/// A trade at 97 moves the bands from 96 and 104 to 94 and 100.
fn moved(first: Order) -> (Day, Vec<Report>) {
    let mut day = Day::continuous(moving());
    day.enter(first);
    day.enter(order(8, Buy, 1, Some(97)));
    let out = day.enter(order(9, Sell, 1, Some(97)));
    let (lower, upper) = (Tick::new(94), Tick::new(100));
    assert!(out.contains(&Report::Bands { instrument: AT, lower, upper }), "{out:?}");
    (day, out)
}

#[test]
fn a_hidden_order_with_a_minimum_ends_where_the_bands_leave_it_behind() {
    let (_, out) = moved(hidden(1, Buy, 10, Some(104), 5));
    assert!(ended(&out, 1, Ended::Band), "{out:?}");
}

#[test]
fn discretion_reaches_as_far_as_the_bands() {
    let discretion = Some(Tick::new(104));
    let (mut day, _) =
        moved(with(order(1, Buy, 10, Some(96)), Terms { discretion, ..Terms::PLAIN }));
    let cases = [(2, 101, &[][..]), (3, 100, &[(1, 3, 100)])];
    for (key, at, wanted) in cases {
        assert_eq!(trades(&day.enter(order(key, Sell, 5, Some(at)))), wanted, "at {at}");
    }
}

#[test]
fn a_peg_stays_and_stands_as_far_as_the_bands() {
    let mut day = Day::continuous(moving());
    day.enter(order(1, Sell, 5, Some(104)));
    let follows = peg(2, Buy, PegTo::Market);
    day.enter(with(follows, Terms { min_qty: 5, ..follows.terms }));
    let stands = |day: &Day| day.floor.market().hidden(AT, Buy).next().and_then(|at| at.stands);
    assert_eq!(stands(&day), Some((Tick::new(103), false)));

    day.enter(order(8, Buy, 1, Some(97)));
    day.enter(order(9, Sell, 1, Some(97)));
    assert_eq!(stands(&day), Some((Tick::new(100), false)), "{:?}", day.floor.bands(AT));
    assert_eq!(trades(&day.enter(order(3, Sell, 5, Some(101)))), []);
    assert_eq!(trades(&day.enter(order(4, Sell, 5, Some(99)))), [(2, 4, 100)]);
}

#[test]
fn a_market_order_keeps_its_minimum_within_the_bands() {
    let cases = [
        // offered   trades
        (5, &[(1, 2, 100)][..]),
        (2, &[]),
    ];
    for (offered, wanted) in cases {
        let mut day = Day::continuous(moving());
        day.enter(order(1, Sell, offered, Some(100)));
        let out = day.enter(hidden(2, Buy, 5, None, 3));
        assert_eq!(trades(&out), wanted, "{out:?}");
        assert_eq!(ended(&out, 2, Ended::MinQty), wanted.is_empty(), "{out:?}");
    }
}

#[test]
fn a_stop_that_was_reduced_below_its_minimum_asks_for_what_is_left() {
    let mut day = Day::continuous(by_hand());
    let waits = hidden(1, Buy, 10, Some(100), 8);
    day.enter(with(waits, Terms { stop: Some(Tick::new(100)), ..waits.terms }));
    let mut out = Vec::new();
    day.floor.reduce(day.now, OrderKey::new(1), 5, &mut out);
    day.enter(order(2, Buy, 1, Some(100)));
    let out = day.enter(order(3, Sell, 1, Some(100)));

    let tick = Tick::new(100);
    let rested = Report::Rested { order: OrderKey::new(1), side: Buy, tick, qty: 5, shown: 0 };
    assert!(out.contains(&rested), "{out:?}");
}

#[test]
fn terms_that_do_not_go_together_are_refused_before_the_stop_and_in_a_change() {
    let mut day = Day::continuous(by_hand());
    let at = Some(Tick::new(110));
    let bare = Terms { stop: at, min_qty: 5, ..Terms::PLAIN };
    assert_eq!(day.refused(with(order(1, Buy, 5, Some(110)), bare)), Some(Refused::Terms));

    day.enter(stop(order(1, Buy, 5, Some(110)), 110));
    let follows = peg(1, Buy, PegTo::Primary);
    let follows = with(follows, Terms { stop: at, ..follows.terms });
    let mut out = Vec::new();
    day.floor.replace(day.now, OrderKey::new(1), &follows, &mut out);
    let key = OrderKey::new(1);
    assert_eq!(out, [Report::Refused { order: key, why: Refused::Terms }]);
    assert!(day.floor.waiting(key).is_some());
}
