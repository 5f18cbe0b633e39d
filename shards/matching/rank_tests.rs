//! How much of the orders with terms a command looks at, counted, not timed.

use alloc::vec::Vec;

use types::{FirmId, Side};

use crate::tests::{AT, RULES, order};
use crate::{
    Account, Capacity, Display, Market, NewOrder, Order, OrderKey, Peg, PegTo, Price, Quote,
    Report, Rules, Terms, Tick,
};

const ACCOUNTS: [Account; 1] = [Account { group: 0, firm: FirmId::new(0) }];
const BUY: Side = Side::Buy;
const SELL: Side = Side::Sell;
const KINDS: [Option<PegTo>; 4] =
    [None, Some(PegTo::Midpoint), Some(PegTo::Primary), Some(PegTo::Market)];

fn hidden(peg: Option<PegTo>, min_qty: u32) -> Terms {
    let peg = peg.map(|to| Peg { to, offset: 0 });
    Terms { display: Display::Hidden, min_qty, peg, ..Terms::PLAIN }
}

fn quote(bid: i64, offer: i64) -> Quote {
    Quote { bid: Some(Tick::new(bid)), offer: Some(Tick::new(offer)) }
}

/// `count` hidden bids and as many hidden offers, all at one price or with one peg, which their minimums
/// keep apart; beside a bid at 90 and an offer at 110. `sizes`: of the bid and the offer at a turn, which
/// ask for all of it.
fn apart(count: u64, peg: Option<PegTo>, sizes: fn(u32) -> [u32; 2]) -> Market {
    let capacity = Capacity { orders: 2 * count as u32 + 8, terms: 2 * count as u32 + 4 };
    let mut market = Market::new(capacity, &ACCOUNTS, &[Rules { window: 256, ..RULES }]);
    let mut out = Vec::new();
    market.set_quote(AT, quote(90, 110), &mut out);
    market.enter(&order(1, BUY, 10, 90), &mut out);
    market.enter(&order(2, SELL, 10, 110), &mut out);
    // Nothing is looked for before all are there.
    market.set_trades(AT, false);
    for at in 0..count {
        for (side, qty) in Side::BOTH.into_iter().zip(sizes(at as u32)) {
            let key = 10 + 2 * at + side as u64;
            let price = if peg.is_some() { Price::Market } else { Price::Limit(Tick::new(100)) };
            let new = NewOrder { price, ..order(key, side, qty, 100) };
            market.enter_with(&Order { new, terms: hidden(peg, qty) }, &mut out);
        }
    }
    market.set_trades(AT, true);
    out.clear();
    market.wake(AT, &mut out);
    assert_eq!(out, [], "they are apart");
    market
}

/// What a command does, and of how many searches it may pay for: each takes a number of steps that grows
/// with the logarithm of the book.
type Case = (&'static str, fn(&mut Market, &mut Vec<Report>), u64);

const CASES: [Case; 9] = [
    ("a plain order rests", |market, out| market.enter(&order(3, BUY, 5, 80), out), 0),
    ("and leaves", |market, out| market.cancel(OrderKey::new(3), out), 0),
    ("a best price moves", |market, out| market.enter(&order(3, BUY, 5, 91), out), 1),
    ("and back", |market, out| market.cancel(OrderKey::new(3), out), 1),
    ("the quote moves", |market, out| market.set_quote(AT, quote(91, 111), out), 1),
    ("one is taken", |market, out| market.enter(&order(5, SELL, 100, 90), out), 1),
    ("one too small comes", |market, out| market.enter(&order(6, BUY, 5, 100), out), 1),
    (
        "a hidden one comes",
        |market, out| {
            let new = order(4, SELL, 9, 100);
            market.enter_with(&Order { new, terms: hidden(None, 9) }, out);
        },
        1,
    ),
    ("and leaves", |market, out| market.cancel(OrderKey::new(4), out), 1),
];

/// A search for each way to follow a quote, on both sides, with what takes an order out of its queue.
fn steps_of_a_search(count: u64) -> u64 {
    24 * u64::from((2 * count).ilog2() + 1)
}

fn steps(market: &mut Market, act: fn(&mut Market, &mut Vec<Report>)) -> u64 {
    let (before, mut out) = (market.visits(), Vec::new());
    act(market, &mut out);
    market.visits() - before
}

#[test]
fn a_command_pays_for_what_it_meets_of_hidden_orders() {
    for count in [100, 1_000, 10_000] {
        for peg in KINDS {
            let mut market = apart(count, peg, |_| [100, 10]);
            for (name, act, searches) in CASES {
                let (steps, most) = (steps(&mut market, act), steps_of_a_search(count));
                assert!(
                    steps <= 2 + searches * most,
                    "{name}, {count} each side, {peg:?}: {steps} steps"
                );
            }
        }
    }
}

/// Sizes between each other: no sum says of many at once that none can trade.
#[test]
fn a_quote_that_moves_asks_each_that_stands_across_once() {
    for count in [100, 1_000] {
        for peg in KINDS {
            let mut market = apart(count, peg, |at| [4 * at + 1, 4 * at + 3]);
            let act = |market: &mut Market, out: &mut Vec<Report>| {
                market.set_quote(AT, quote(91, 111), out);
            };
            let (steps, most) = (steps(&mut market, act), steps_of_a_search(count));
            assert!(steps <= 2 * count * most, "{count} each side, {peg:?}: {steps} steps");
        }
    }
}

/// Whatever the middle is, two that follow it stand across each other as they did.
#[test]
fn pegs_that_come_no_nearer_to_each_other_are_not_asked() {
    for count in [100, 1_000, 10_000] {
        let peg = Some(PegTo::Midpoint);
        let mut market = apart(count, peg, |at| [4 * at + 1, 4 * at + 3]);
        for (bid, offer) in [(91, 111), (88, 108), (90, 95)] {
            let (before, mut out) = (market.visits(), Vec::new());
            market.set_quote(AT, quote(bid, offer), &mut out);
            let steps = market.visits() - before;
            assert!(steps <= 4, "{count} each side, {bid} to {offer}: {steps} steps");
        }
    }
}

/// Hidden offers at many prices, and reserves at many.
#[test]
fn a_cross_pays_for_what_it_takes() {
    for count in [100, 1_000, 10_000u64] {
        let capacity = Capacity { orders: 2 * count as u32, terms: 2 * count as u32 };
        let rules = Rules { window: 1 << 15, ..RULES };
        let mut market = Market::new(capacity, &ACCOUNTS, &[rules]);
        let mut out = Vec::new();
        market.set_trades(AT, false);
        for at in 0..count {
            let new = |key| order(key, SELL, 10, 100 + at as i64);
            market.enter_with(&Order { new: new(2 * at), terms: hidden(None, 0) }, &mut out);
            let display = Display::Reserve { show: 1, random: 0 };
            let reserve = Terms { display, ..Terms::PLAIN };
            market.enter_with(&Order { new: new(2 * at + 1), terms: reserve }, &mut out);
        }
        let before = market.visits();
        assert_eq!(market.interest(AT, SELL).count() as u64, count);
        let qty: u64 = market.interest(AT, SELL).map(|of| of.qty).sum();
        assert_eq!(qty, 20 * count);
        assert!(market.visits() - before <= 2 * count * steps_of_a_search(count));
        let before = market.visits();
        for _ in 0..20 {
            assert!(market.first(AT, SELL).is_some());
            market.take_first(AT, SELL, 1);
            market.show_first(AT, SELL, &mut out);
        }
        assert!(market.visits() - before <= 20 * steps_of_a_search(count));
    }
}
