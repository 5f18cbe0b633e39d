//! What each of an order's terms and each policy says, with the reports written out.

use alloc::vec;
use alloc::vec::Vec;

use types::{AccountId, FirmId, InstrumentId, Side};

use crate::reserve::Draws;
use crate::tests::{AT, ROOM, RULES, accepted, cancelled, enter, filled, order, rested, resting};
use crate::{
    Account, Capacity, Display, Ended, Market, NewOrder, Order, OrderKey, Peg, PegTo, Policy,
    Price, Quote, Refused, Report, Rules, SelfMatch, Standing, Terms, Tick,
};

const BUY: Side = Side::Buy;
const SELL: Side = Side::Sell;
/// By account: groups 0, 0 and 7, firms 0, 1 and 1.
const ACCOUNTS: [Account; 3] = [
    Account { group: 0, firm: FirmId::new(0) },
    Account { group: 0, firm: FirmId::new(1) },
    Account { group: 7, firm: FirmId::new(1) },
];
const HIDDEN: Terms = Terms { display: Display::Hidden, ..Terms::PLAIN };

fn market_of(rules: Rules) -> Market {
    Market::new(ROOM, &ACCOUNTS, &[rules])
}

fn market() -> Market {
    market_of(RULES)
}

fn with(market: &mut Market, new: NewOrder, terms: Terms) -> Vec<Report> {
    let mut reports = Vec::new();
    market.enter_with(&Order { new, terms }, &mut reports);
    reports
}

fn hidden(market: &Market, side: Side) -> Vec<(u64, u32)> {
    market.hidden(AT, side).map(|order| (order.order.get(), order.qty)).collect()
}

fn pegged(to: PegTo, offset: i32) -> Terms {
    Terms { peg: Some(Peg { to, offset }), ..Terms::PLAIN }
}

fn quote(bid: i64, offer: i64) -> Quote {
    Quote { bid: Some(Tick::new(bid)), offer: Some(Tick::new(offer)) }
}

fn tell(market: &mut Market, quote: Quote) -> Vec<Report> {
    let mut reports = Vec::new();
    market.set_quote(AT, quote, &mut reports);
    reports
}

/// As `filled`, of a maker that was not shown.
fn dark(maker: u64, taker: u64, qty: u32, tick: i64, leaves: (u32, u32)) -> Report {
    let mut report = filled(maker, taker, qty, tick, leaves);
    if let Report::Filled { hidden, .. } = &mut report {
        *hidden = true;
    }
    report
}

fn at_half(mut report: Report) -> Report {
    if let Report::Filled { half, .. } = &mut report {
        *half = true;
    }
    report
}

fn by_seller(mut report: Report) -> Report {
    if let Report::Filled { side, .. } = &mut report {
        *side = SELL;
    }
    report
}

fn rested_hidden(order: u64, side: Side, qty: u32, tick: i64) -> Report {
    Report::Rested { order: OrderKey::new(order), side, tick: Tick::new(tick), qty, shown: 0 }
}

fn showed(order: u64, side: Side, qty: u32, tick: i64, shown: u32) -> Report {
    Report::Rested { order: OrderKey::new(order), side, tick: Tick::new(tick), qty, shown }
}

/// Three offers at 101, and what each gets of one bid.
#[test]
fn each_policy_shares_a_price_as_it_says() {
    let (time, pro_rata, broker) = (Policy::PriceTime, Policy::ProRata, Policy::PriceBrokerTime);
    let cases = [
        // policy  accounts   sizes         bid  whose  fills, by offer
        (time, [0, 0, 0], [60, 30, 10], 50, 0, vec![(1, 50)]),
        (pro_rata, [0, 0, 0], [60, 30, 10], 50, 0, vec![(1, 30), (2, 15), (3, 5)]),
        // 3, 1 and 0 by rounding down, and one left over.
        (pro_rata, [0, 0, 0], [6, 3, 1], 5, 0, vec![(1, 4), (2, 1)]),
        // 0 each, and the first can take but one of the two left over.
        (pro_rata, [0, 0, 0], [1, 1, 1], 2, 0, vec![(1, 1), (2, 1)]),
        (pro_rata, [0, 0, 0], [60, 30, 10], 100, 0, vec![(1, 60), (2, 30), (3, 10)]),
        (broker, [0, 1, 1], [60, 30, 10], 50, 0, vec![(1, 50)]),
        (broker, [0, 1, 1], [60, 30, 10], 50, 1, vec![(2, 30), (3, 10), (1, 10)]),
    ];
    for (policy, accounts, sizes, qty, whose, want) in cases {
        let mut market = market_of(Rules { policy, ..RULES });
        for (key, (account, size)) in (1..).zip(accounts.into_iter().zip(sizes)) {
            let account = AccountId::new(account);
            enter(&mut market, NewOrder { account, ..order(key, SELL, size, 101) });
        }
        let bid = NewOrder { account: AccountId::new(whose), ..order(4, BUY, qty, 101) };
        let reports = enter(&mut market, bid);
        let fills = reports.iter().filter_map(|report| {
            let Report::Filled { maker, qty, .. } = report else { return None };
            Some((maker.get(), *qty))
        });
        assert_eq!(fills.collect::<Vec<_>>(), want, "{policy:?} {sizes:?} {qty}");
    }
}

/// Offers of 10 of the taker's own group, then of 10 and 20 of others.
#[test]
fn own_orders_stay_out_of_what_is_shared() {
    let why = Ended::SelfMatch;
    let cases = [
        (
            SelfMatch::CancelOldest,
            15,
            vec![
                cancelled(1, SELL, 10, 101, why),
                filled(2, 4, 5, 101, (5, 10)),
                filled(3, 4, 10, 101, (10, 0)),
            ],
        ),
        (
            SelfMatch::CancelNewest,
            15,
            vec![filled(2, 4, 5, 101, (5, 10)), filled(3, 4, 10, 101, (10, 0))],
        ),
        (
            SelfMatch::CancelNewest,
            35,
            vec![
                filled(2, 4, 10, 101, (0, 25)),
                filled(3, 4, 20, 101, (0, 5)),
                cancelled(4, BUY, 5, 101, why),
            ],
        ),
    ];
    for (self_match, qty, want) in cases {
        let mut market = market_of(Rules { policy: Policy::ProRata, ..RULES });
        let own = AccountId::new(2);
        enter(&mut market, NewOrder { account: own, ..order(1, SELL, 10, 101) });
        enter(&mut market, order(2, SELL, 10, 101));
        enter(&mut market, order(3, SELL, 20, 101));
        let bid = NewOrder { account: own, self_match, ..order(4, BUY, qty, 101) };
        assert_eq!(enter(&mut market, bid)[1..], want, "{self_match:?} {qty}");
    }
}

fn reserve(show: u32, random: u32) -> Terms {
    Terms { display: Display::Reserve { show, random }, ..Terms::PLAIN }
}

#[test]
fn a_reserve_shows_its_next_part_at_the_end_of_the_queue() {
    let mut market = market();
    let came = with(&mut market, order(1, SELL, 25, 101), reserve(10, 0));
    assert_eq!(came, [accepted(1, SELL, 25, 101), showed(1, SELL, 25, 101, 10)]);
    enter(&mut market, order(2, SELL, 5, 101));
    assert_eq!(market.depth_at(AT, SELL, Tick::new(101)), 15);
    let want = [
        accepted(3, BUY, 27, 101),
        filled(1, 3, 10, 101, (15, 17)),
        showed(1, SELL, 15, 101, 10),
        filled(2, 3, 5, 101, (0, 12)),
        filled(1, 3, 10, 101, (5, 2)),
        showed(1, SELL, 5, 101, 5),
        filled(1, 3, 2, 101, (3, 0)),
    ];
    assert_eq!(enter(&mut market, order(3, BUY, 27, 101)), want);
    assert_eq!(resting(&market, SELL), [(1, 101, 3)]);
    let mut out = Vec::new();
    market.cancel(OrderKey::new(1), &mut out);
    assert_eq!(out, [cancelled(1, SELL, 3, 101, Ended::Asked)]);
}

#[test]
fn a_reserve_is_changed_as_a_whole() {
    let (key, left) = (OrderKey::new(1), |market: &Market| {
        market.resting(AT, SELL).map(|order| (order.qty, order.shown)).collect::<Vec<_>>()
    });
    let queued = || {
        let mut market = market();
        with(&mut market, order(1, SELL, 25, 101), reserve(10, 0));
        enter(&mut market, order(2, SELL, 5, 101));
        market
    };
    // What is not shown goes first.
    for (leaves, want) in [(24, (24, 10)), (10, (10, 10)), (4, (4, 4))] {
        let mut market = queued();
        let mut out = Vec::new();
        market.reduce(key, leaves, &mut out);
        assert_eq!(out, [Report::Reduced { order: key, qty: 25 - leaves, leaves }]);
        assert_eq!(left(&market), [want, (5, 5)], "{leaves}");
    }
    let cases = [
        // qty terms           keeps its place, and the queue afterwards
        (12, reserve(10, 0), true, [(12, 10), (5, 5)]),
        (26, reserve(10, 0), false, [(5, 5), (26, 10)]),
        (25, reserve(9, 0), false, [(5, 5), (25, 9)]),
        (25, Terms::PLAIN, false, [(5, 5), (25, 25)]),
    ];
    for (qty, terms, keeps, want) in cases {
        let mut market = queued();
        let mut out = Vec::new();
        let new = order(1, SELL, qty, 101);
        market.replace_with(key, &Order { new, terms }, &mut out);
        assert!(matches!(out[0], Report::Replaced { kept, .. } if kept == keeps), "{out:?}");
        assert_eq!(left(&market), want, "{qty} {terms:?}");
    }
    let mut market = queued();
    let own = NewOrder {
        account: AccountId::new(2),
        self_match: SelfMatch::Decrement,
        ..order(3, SELL, 30, 102)
    };
    with(&mut market, own, reserve(10, 0));
    let bid = NewOrder { side: BUY, ..own };
    let reports = enter(&mut market, NewOrder { key: OrderKey::new(4), qty: 52, ..bid });
    assert_eq!(
        reports[6..],
        [
            filled(1, 4, 5, 101, (0, 22)),
            Report::Decremented { order: OrderKey::new(3), qty: 22, leaves: 8 },
            cancelled(4, BUY, 22, 102, Ended::SelfMatch),
        ]
    );
}

#[test]
fn random_showings_lie_in_their_range_and_come_again_from_their_seed() {
    let cases = [
        // show random left   lowest highest
        (10, 3, 1_000, 7, 13),
        (10, 30, 1_000, 1, 40),
        (10, 0, 1_000, 10, 10),
        (10, 3, 5, 5, 5),
        (u32::MAX, u32::MAX, u32::MAX, 1, u32::MAX),
    ];
    for (show, random, left, lowest, highest) in cases {
        let (mut draws, mut again) = (Draws::new(5), Draws::new(5));
        let display = Display::Reserve { show, random };
        let showings: Vec<u32> = (0..2_000).map(|_| draws.showing(display, left)).collect();
        assert!(showings.iter().all(|qty| (lowest..=highest).contains(qty)), "{display:?}");
        if highest < 100 {
            assert!(showings.contains(&lowest) && showings.contains(&highest), "{display:?}");
        }
        assert!(showings.iter().all(|qty| *qty == again.showing(display, left)), "{display:?}");
    }
}

#[test]
fn what_is_hidden_trades_after_what_is_shown_at_its_price() {
    let mut market = market();
    let came = with(&mut market, order(1, SELL, 10, 101), HIDDEN);
    assert_eq!(came, [accepted(1, SELL, 10, 101), rested_hidden(1, SELL, 10, 101)]);
    with(&mut market, order(2, SELL, 10, 101), HIDDEN);
    enter(&mut market, order(3, SELL, 10, 101));
    enter(&mut market, order(4, SELL, 10, 102));
    with(&mut market, order(5, SELL, 10, 100), HIDDEN);
    assert_eq!(market.best(AT, SELL), Some(Tick::new(101)));
    let want = [
        dark(5, 6, 10, 100, (0, 35)),
        filled(3, 6, 10, 101, (0, 25)),
        dark(1, 6, 10, 101, (0, 15)),
        dark(2, 6, 10, 101, (0, 5)),
        filled(4, 6, 5, 102, (5, 0)),
    ];
    assert_eq!(enter(&mut market, order(6, BUY, 45, 102))[1..], want);
}

/// A hidden offer of 10 at 101 that wants 6 at least, and one of 5 behind it.
#[test]
fn a_minimum_passes_smaller_orders_by_until_less_than_it_is_left() {
    let at_least = |min_qty| Terms { min_qty, ..HIDDEN };
    let mut market = market();
    with(&mut market, order(1, SELL, 10, 101), at_least(6));
    with(&mut market, order(2, SELL, 5, 101), HIDDEN);
    let steps = [
        (order(3, BUY, 5, 101), vec![dark(2, 3, 5, 101, (0, 0))]),
        (order(4, BUY, 5, 101), vec![rested(4, BUY, 5, 101)]),
        (order(5, BUY, 6, 101), vec![dark(1, 5, 6, 101, (4, 0))]),
        (order(6, BUY, 3, 101), vec![rested(6, BUY, 3, 101)]),
        (order(7, BUY, 4, 101), vec![dark(1, 7, 4, 101, (0, 0))]),
    ];
    for (bid, want) in steps {
        assert_eq!(enter(&mut market, bid)[1..], want, "{:?}", bid.key);
    }
    // One that comes takes several together, or rests without a trade.
    let cases = [
        (9, vec![rested_hidden(8, SELL, 10, 101)]),
        (
            8,
            vec![
                by_seller(filled(4, 8, 5, 101, (0, 5))),
                by_seller(filled(6, 8, 3, 101, (0, 2))),
                rested_hidden(8, SELL, 2, 101),
            ],
        ),
    ];
    for (min_qty, want) in cases {
        let mut market = self::market();
        enter(&mut market, order(4, BUY, 5, 101));
        enter(&mut market, order(6, BUY, 3, 101));
        let came = with(&mut market, order(8, SELL, 10, 101), at_least(min_qty));
        assert_eq!(came[1..], want, "{min_qty}");
    }
}

/// A hidden bid of 100 that wants 80 at least, of which a cross at the midpoint takes 90.
#[test]
fn what_a_cross_leaves_of_a_minimum_is_its_minimum() {
    let mut market = market();
    tell(&mut market, quote(99, 101));
    market.set_trades(AT, false);
    with(&mut market, order(1, BUY, 100, 101), Terms { min_qty: 80, ..HIDDEN });
    with(&mut market, order(2, SELL, 90, 99), HIDDEN);
    let mut out = Vec::new();
    market.cross_midpoint(AT, &mut out);
    assert!(matches!(out[..], [Report::Crossed { qty: 90, buy_leaves: 10, .. }]), "{out:?}");
    market.set_trades(AT, true);
    let reports = enter(&mut market, order(3, SELL, 10, 101));
    assert_eq!(reports[1..], [by_seller(dark(1, 3, 10, 101, (0, 0)))]);
}

/// Three offers, each for one of three bids alone, and a last offer for what these leave of themselves.
#[test]
fn where_trading_begins_no_pair_is_forgotten() {
    let at_least = |min_qty| Terms { min_qty, ..HIDDEN };
    let mut market = market();
    market.set_trades(AT, false);
    for (key, qty) in [(1, 10), (2, 20), (3, 30)] {
        with(&mut market, order(key, SELL, qty, 101), at_least(qty));
    }
    for (key, qty) in [(4, 15), (5, 25), (6, 35)] {
        with(&mut market, order(key, BUY, qty, 101), HIDDEN);
    }
    with(&mut market, order(7, SELL, 15, 101), HIDDEN);
    market.set_trades(AT, true);
    let mut out = Vec::new();
    market.wake(AT, &mut out);
    let want = [
        dark(1, 4, 10, 101, (0, 5)),
        dark(2, 5, 20, 101, (0, 5)),
        dark(3, 6, 30, 101, (0, 5)),
        by_seller(dark(4, 7, 5, 101, (0, 10))),
        by_seller(dark(5, 7, 5, 101, (0, 5))),
        by_seller(dark(6, 7, 5, 101, (0, 0))),
    ];
    assert_eq!(out, want);
}

/// One bid; its own book shows 100 to 103, or what is told instead.
#[test]
fn a_peg_stands_where_its_quote_says() {
    let (primary, market_peg, midpoint) = (PegTo::Primary, PegTo::Market, PegTo::Midpoint);
    let (own, asleep) = (None, None);
    let at = |tick, half| Some((Tick::new(tick), half));
    let cases = [
        // to, offset, limit, quote                          stands
        (primary, 0, None, own, at(100, false)),
        (primary, 2, None, own, at(98, false)),
        (primary, -1, None, own, at(101, false)),
        (primary, -9, None, own, at(102, false)), // not at 103, where an offer is shown
        (primary, -1, Some(100), own, at(100, false)),
        (market_peg, 0, None, own, at(102, false)),
        (market_peg, 2, None, own, at(101, false)),
        (midpoint, 0, None, own, at(101, true)),
        (midpoint, 1, None, own, at(100, true)),
        (midpoint, 0, Some(101), own, at(101, false)),
        (primary, 0, None, Some(quote(90, 91)), at(90, false)),
        (market_peg, 0, None, Some(quote(90, 91)), at(91, false)),
        (midpoint, 0, None, Some(quote(90, 91)), at(90, true)),
        (midpoint, 0, None, Some(quote(90, 90)), at(90, false)),
        (midpoint, 0, None, Some(quote(91, 90)), asleep), // crossed
        (midpoint, 0, None, Some(quote(104, 110)), at(102, true)),
        (midpoint, 0, None, Some(Quote { bid: None, ..quote(0, 99) }), asleep),
        (primary, 0, None, Some(Quote { bid: None, ..quote(0, 99) }), asleep),
        (market_peg, 0, None, Some(Quote { bid: None, ..quote(0, 99) }), at(99, false)),
        (primary, 0, None, Some(quote(i64::MAX, i64::MAX)), asleep),
        (primary, i32::MAX, None, own, asleep), // further than any book goes
    ];
    for (to, offset, limit, told, want) in cases {
        let mut market = market();
        enter(&mut market, order(1, BUY, 10, 100));
        enter(&mut market, order(2, SELL, 10, 103));
        if let Some(told) = told {
            tell(&mut market, told);
        }
        let price = limit.map_or(Price::Market, |tick| Price::Limit(Tick::new(tick)));
        let peg = NewOrder { price, ..order(3, BUY, 10, 0) };
        let reports = with(&mut market, peg, pegged(to, offset));
        let stands: Vec<_> = market.hidden(AT, BUY).map(|order| order.stands).collect();
        match want {
            None => assert_eq!(
                reports,
                [Report::Refused { order: OrderKey::new(3), why: Refused::Quote }]
            ),
            Some(_) => assert_eq!(stands, [want], "{to:?} {offset} {limit:?} {told:?}"),
        }
    }
}

#[test]
fn pegs_trade_when_the_quote_brings_them_together() {
    let cases = [
        // quote                              what comes of it: the later one takes, at the other's price
        (quote(101, 104), vec![]),
        (quote(102, 103), vec![dark(1, 2, 6, 103, (4, 0))]),
        (quote(103, 103), vec![dark(1, 2, 6, 103, (4, 0))]),
        (quote(104, 103), vec![]), // crossed: no quote
        (Quote::default(), vec![]),
    ];
    for (quote, want) in cases {
        let mut market = market();
        tell(&mut market, self::quote(100, 106));
        // At the offer, 106, and at 103 at least; one above the bid, and to 105 at most.
        with(&mut market, order(1, SELL, 10, 103), pegged(PegTo::Primary, 0));
        with(&mut market, order(2, BUY, 6, 105), pegged(PegTo::Primary, -1));
        assert_eq!(tell(&mut market, quote), want, "{quote:?}");
    }
}

/// Each two ticks before its own side's best price, and no limit.
#[test]
fn pegs_meet_where_the_quote_becomes_narrow() {
    let mut market = market();
    tell(&mut market, quote(99, 105));
    for (key, side) in [(1, BUY), (2, SELL)] {
        let peg = NewOrder { price: Price::Market, ..order(key, side, 10, 0) };
        with(&mut market, peg, pegged(PegTo::Primary, -2));
    }
    assert_eq!(tell(&mut market, quote(101, 107)), [], "they stand at 103 and 105");
    let met = by_seller(dark(1, 2, 10, 102, (0, 0)));
    assert_eq!(tell(&mut market, quote(100, 104)), [met], "both at 102");
}

#[test]
fn two_midpoints_meet_half_way() {
    let mut market = market();
    tell(&mut market, quote(100, 101));
    let peg = |key, side| NewOrder { price: Price::Market, ..order(key, side, 5, 0) };
    let mid = pegged(PegTo::Midpoint, 0);
    let came = with(&mut market, peg(1, BUY), mid);
    let (key, side, tick, qty) = (OrderKey::new(1), BUY, None, 5);
    assert_eq!(
        came,
        [Report::Accepted { order: key, side, tick, qty }, rested_hidden(1, BUY, 5, 100)]
    );
    let got = with(&mut market, peg(2, SELL), mid);
    assert_eq!(got[1..], [by_seller(at_half(dark(1, 2, 5, 100, (0, 0))))]);
    // What is shown changes the book's own quote, and what follows it trades after the command.
    let mut market = self::market();
    enter(&mut market, order(1, BUY, 5, 98));
    enter(&mut market, order(2, SELL, 5, 104));
    with(&mut market, peg(3, BUY), mid); // at 101
    with(&mut market, order(4, SELL, 5, 102), HIDDEN);
    let got = enter(&mut market, order(5, BUY, 5, 100));
    let want =
        [accepted(5, BUY, 5, 100), rested(5, BUY, 5, 100), by_seller(dark(3, 4, 5, 102, (0, 0)))];
    assert_eq!(got, want);
}

/// A bid of 10 shown at 100 that would go to 102.
#[test]
fn discretion_meets_a_taker_at_its_limit_after_all_others() {
    let to = |tick| Terms { discretion: Some(Tick::new(tick)), ..Terms::PLAIN };
    let seller = |reports: Vec<Report>| reports.into_iter().map(by_seller).collect::<Vec<_>>();
    let cases = [
        // offer of 22 at      reports
        (103, vec![rested(9, SELL, 22, 103)]),
        (
            101,
            vec![
                dark(3, 9, 5, 101, (0, 17)),
                dark(2, 9, 5, 101, (0, 12)),
                filled(1, 9, 10, 101, (0, 2)),
                rested(9, SELL, 2, 101),
            ],
        ),
    ];
    for (tick, want) in cases {
        let mut market = market();
        with(&mut market, order(1, BUY, 10, 100), to(102));
        with(&mut market, order(3, BUY, 5, 101), HIDDEN);
        with(&mut market, order(2, BUY, 5, 101), HIDDEN);
        let got = enter(&mut market, order(9, SELL, 22, tick));
        assert_eq!(got[1..], seller(want), "{tick}");
    }
    // At its own limit it is an order like others.
    let mut market = market();
    with(&mut market, order(1, BUY, 10, 100), to(102));
    let got = enter(&mut market, order(9, SELL, 10, 99));
    assert_eq!(got[1..], [by_seller(filled(1, 9, 10, 100, (0, 0)))]);
    // When it comes it goes as far as its discretion, and rests at its limit.
    let mut market = self::market();
    enter(&mut market, order(2, SELL, 4, 102));
    enter(&mut market, order(3, SELL, 4, 103));
    let got = with(&mut market, order(1, BUY, 10, 100), to(102));
    assert_eq!(got[1..], [filled(2, 1, 4, 102, (0, 6)), rested(1, BUY, 6, 100)]);
}

#[test]
fn a_dark_book_shows_nothing() {
    let mut market = market_of(Rules { lit: false, ..RULES });
    let got = enter(&mut market, order(1, BUY, 5, 100));
    assert_eq!(got, [accepted(1, BUY, 5, 100), rested_hidden(1, BUY, 5, 100)]);
    with(&mut market, order(2, BUY, 5, 101), reserve(1, 0));
    assert_eq!((market.best(AT, BUY), resting(&market, BUY)), (None, vec![]));
    assert_eq!(hidden(&market, BUY), [(1, 5), (2, 5)]);
    let got = enter(&mut market, order(3, SELL, 8, 99));
    assert_eq!(got[1..], [dark(2, 3, 5, 101, (0, 3)), dark(1, 3, 3, 100, (2, 0))].map(by_seller));
    let to_limit = NewOrder { price: Price::MarketToLimit, ..order(4, SELL, 1, 0) };
    let got = enter(&mut market, to_limit);
    assert!(matches!(got[1], Report::Cancelled { why: Ended::Immediate, .. }), "{got:?}");
}

#[test]
fn terms_that_do_not_go_together_are_refused() {
    let at_least = |min_qty| Terms { min_qty, ..HIDDEN };
    let to = |tick| Terms { discretion: Some(Tick::new(tick)), ..Terms::PLAIN };
    let bid = order(1, BUY, 10, 100);
    let immediate = NewOrder { standing: Standing::Immediate { min_qty: 0 }, ..bid };
    let cases = [
        (bid, reserve(0, 0)),
        (NewOrder { qty: 10_001, ..bid }, reserve(1, 0)),
        (NewOrder { qty: 20_001, ..bid }, reserve(10, 8)),
        (bid, Terms { peg: pegged(PegTo::Primary, 0).peg, ..reserve(5, 0) }),
        (bid, Terms { min_qty: 5, ..Terms::PLAIN }),
        (bid, at_least(11)),
        (immediate, at_least(5)),
        (bid, pegged(PegTo::Market, -1)),
        (bid, pegged(PegTo::Midpoint, -1)),
        (NewOrder { price: Price::MarketToLimit, ..bid }, pegged(PegTo::Primary, 0)),
        (bid, to(99)),
        (NewOrder { side: SELL, ..bid }, to(101)),
        (immediate, to(101)),
        (NewOrder { price: Price::Market, ..bid }, to(101)),
        (bid, Terms { discretion: to(101).discretion, ..at_least(5) }),
        (bid, Terms { discretion: to(101).discretion, ..reserve(5, 0) }),
        (bid, Terms { discretion: to(101).discretion, ..pegged(PegTo::Primary, 0) }),
    ];
    for (new, terms) in cases {
        let mut market = market();
        tell(&mut market, quote(99, 101));
        let want = [Report::Refused { order: OrderKey::new(1), why: Refused::Terms }];
        assert_eq!(with(&mut market, new, terms), want, "{new:?} {terms:?}");
        // The order that it was to replace ends.
        enter(&mut market, order(1, new.side, 10, 100));
        let mut out = Vec::new();
        market.replace_with(OrderKey::new(1), &Order { new, terms }, &mut out);
        assert_eq!(out, [want[0], cancelled(1, new.side, 10, 100, Ended::Refused)]);
    }
}

#[test]
fn where_no_place_for_terms_is_left_plain_orders_go_on() {
    let capacity = Capacity { orders: 8, terms: 1 };
    let mut market = Market::new(capacity, &ACCOUNTS, &[RULES, Rules { lit: false, ..RULES }]);
    with(&mut market, order(1, BUY, 10, 100), HIDDEN);
    let full = |key| Report::Refused { order: OrderKey::new(key), why: Refused::TermsFull };
    assert_eq!(with(&mut market, order(2, BUY, 10, 100), reserve(5, 0)), [full(2)]);
    let in_the_dark = NewOrder { instrument: InstrumentId::new(1), ..order(3, BUY, 10, 100) };
    assert_eq!(enter(&mut market, in_the_dark), [full(3)]);
    assert_eq!(enter(&mut market, order(4, BUY, 10, 100)).len(), 2);
    // It gives its own place to what replaces it.
    let mut out = Vec::new();
    let new = order(5, BUY, 10, 99);
    market.replace_with(OrderKey::new(1), &Order { new, terms: reserve(5, 0) }, &mut out);
    assert_eq!(out[1..], [showed(5, BUY, 10, 99, 5)]);
    assert_eq!(with(&mut market, order(6, BUY, 10, 100), HIDDEN), [full(6)]);
    market.cancel(OrderKey::new(5), &mut out);
    assert_eq!(with(&mut market, order(6, BUY, 10, 100), HIDDEN).len(), 2);
}
