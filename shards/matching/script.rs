//! Any bytes as a stream of commands, run through the market and its twin, compared after each one.
//!
//! For properties and fuzzing. Most commands meet: prices are few and close, numbers are taken again,
//! accounts are few. Some are wrong in every way a command can be.

use alloc::vec::Vec;
use core::fmt;

use types::{AccountId, FirmId, InstrumentId, Side};

use crate::cross::{Span, crossing};
use crate::ledger::Ledger;
use crate::{
    Account, Capacity, Display, Ended, Market, NewOrder, Order, OrderKey, Peg, PegTo, Policy,
    Price, Quote, Replace, Report, Rules, Scope, SelfMatch, Standing, Terms, Tick, naive,
};

/// One command is sixteen bytes: the order, then its terms.
pub const WORD: usize = 16;
/// How the books are: that many bytes before the first command.
pub const HEAD: usize = 4;
/// The middle of the window, and its width.
const REFERENCE: i64 = 1_000;
const WINDOW: u32 = 130;
/// Two of one group, one of another, and two that may trade with anybody.
const ACCOUNTS: [Account; 5] = [
    Account { group: 0, firm: FirmId::new(0) },
    Account { group: 1, firm: FirmId::new(0) },
    Account { group: 1, firm: FirmId::new(1) },
    Account { group: 2, firm: FirmId::new(1) },
    Account { group: 0, firm: FirmId::new(2) },
];

/// How a script's books are.
struct Shape {
    capacity: Capacity,
    rules: [Rules; 2],
    /// Orders have terms, and quotes are told.
    has_terms: bool,
    is_told: bool,
    /// Trading ends and begins, crosses, and is held between prices.
    has_phases: bool,
}

fn head(bytes: [u8; HEAD]) -> Shape {
    let [orders, far, places, kind] = bytes;
    let policy = match kind % 4 {
        0 | 1 => Policy::PriceTime,
        2 => Policy::ProRata,
        _ => Policy::PriceBrokerTime,
    };
    let rules = Rules {
        reference: Tick::new(REFERENCE),
        window: WINDOW,
        far_levels: u32::from(far % 4),
        keeps_place: places.is_multiple_of(2),
        policy,
        lit: (kind / 4) % 4 != 3,
        seed: u64::from(far),
    };
    Shape {
        capacity: Capacity { orders: u32::from(orders % 64), terms: u32::from(places / 2 % 64) },
        rules: [rules, Rules { window: 1, policy: Policy::PriceTime, ..rules }],
        has_terms: kind & 16 == 0,
        is_told: kind & 32 != 0,
        has_phases: kind & 64 != 0,
    }
}

/// Runs `script` through [`Market`] and its twin; answers how many fills there were, of shown orders and
/// of hidden ones, and how many trades in crosses.
///
/// # Panics
/// Where the two differ in anything that can be seen, or a book breaks a rule that every book has:
/// that is the point.
pub fn run(script: &[u8]) -> [usize; 3] {
    let Some((bytes, words)) = script.split_first_chunk::<HEAD>() else { return [0; 3] };
    let head = head(*bytes);
    let Shape { capacity, rules, .. } = head;
    let (mut market, mut twin) =
        (Market::new(capacity, &ACCOUNTS, &rules), naive::Market::new(capacity, &ACCOUNTS, &rules));
    let mut ledger = Ledger::new(&ACCOUNTS, &rules);
    let (mut reports, mut wanted) = (Vec::new(), Vec::new());
    let mut fills = [0; 3];
    for word in words.chunks_exact(WORD) {
        reports.clear();
        wanted.clear();
        let mut asked = None;
        match command(word, &head) {
            Command::Enter(order) => {
                market.enter_with(&order, &mut reports);
                twin.enter_with(&order, &mut wanted);
                asked = Some(order);
            }
            Command::Cancel(key) => {
                market.cancel(key, &mut reports);
                twin.cancel(key, &mut wanted);
                assert_eq!(market.order(key), None);
            }
            Command::Replace(old, order) => {
                market.replace_with(old, &order, &mut reports);
                twin.replace_with(old, &order, &mut wanted);
                asked = Some(order);
            }
            Command::ReplacePlainly(replace) => {
                let Replace { old, qty, tick, self_match, .. } = replace;
                let plain = NewOrder { qty, price: Price::Limit(tick), self_match, ..NOBODYS };
                asked = Some(Order { new: plain, terms: ledger.terms(old) });
                market.replace(&replace, &mut reports);
                twin.replace(&replace, &mut wanted);
            }
            Command::Reduce(key, leaves) => {
                market.reduce(key, leaves, &mut reports);
                twin.reduce(key, leaves, &mut wanted);
            }
            Command::CancelAll(instrument, scope) => {
                market.cancel_all(instrument, scope, &mut reports);
                twin.cancel_all(instrument, scope, &mut wanted);
            }
            Command::SetQuote(instrument, quote) => {
                market.set_quote(instrument, quote, &mut reports);
                twin.set_quote(instrument, quote, &mut wanted);
            }
            Command::SetTrades(instrument, trades) => {
                market.set_trades(instrument, false);
                twin.set_trades(instrument, false);
                if trades {
                    cross((&mut market, &mut twin), instrument, (&mut reports, &mut wanted));
                    market.set_trades(instrument, true);
                    twin.set_trades(instrument, true);
                    market.wake(instrument, &mut reports);
                    twin.wake(instrument, &mut wanted);
                }
            }
            Command::Hold(instrument, span) => {
                hold((&mut market, &mut twin), instrument, span, (&mut reports, &mut wanted));
            }
            Command::CrossMidpoint(instrument) => {
                market.cross_midpoint(instrument, &mut reports);
                twin.cross_midpoint(instrument, &mut wanted);
                market.wake(instrument, &mut reports);
                twin.wake(instrument, &mut wanted);
            }
        }
        same_reports(&reports, &wanted, &word);
        ledger.enter(asked.as_ref(), &reports);
        ledger.compare(&market);
        for report in &reports {
            if let Report::Filled { hidden, .. } = report {
                fills[usize::from(*hidden)] += 1;
            }
            fills[2] += usize::from(matches!(report, Report::Crossed { .. }));
        }
        for instrument in (0..rules.len() as u32).map(InstrumentId::new) {
            same_book(&market, &twin, instrument);
        }
    }
    fills
}

/// As a floor crosses the book of an instrument: whatever meets, at one price.
fn cross(
    (market, twin): (&mut Market, &mut naive::Market),
    instrument: InstrumentId,
    (reports, wanted): (&mut Vec<Report>, &mut Vec<Report>),
) {
    let [bids, offers] = Side::BOTH.map(|side| {
        let interest: Vec<_> = market.interest(instrument, side).collect();
        assert_eq!(interest, twin.interest(instrument, side), "{side:?}");
        interest
    });
    let reference = Tick::new(REFERENCE);
    let Some(at) = crossing(bids.into_iter(), offers.into_iter(), Span::ALL, reference) else {
        return;
    };
    let mut left = at.paired;
    while left != 0 {
        let [buy, sell] = Side::BOTH.map(|side| {
            let first = market.first(instrument, side);
            assert_eq!(first, twin.first(instrument, side), "{side:?}");
            first.expect("what pairs is there")
        });
        let qty = left.min(u64::from(buy.open.min(sell.open))) as u32; // it was one
        left -= u64::from(qty);
        let [buy_leaves, sell_leaves] = Side::BOTH.map(|side| {
            let leaves = market.take_first(instrument, side, qty);
            assert_eq!(leaves, twin.take_first(instrument, side, qty), "{side:?}");
            leaves
        });
        let (buy, sell, tick, half) = (buy.order, sell.order, at.tick, false);
        let crossed = Report::Crossed { buy, sell, tick, half, qty, buy_leaves, sell_leaves };
        reports.push(crossed);
        wanted.push(crossed);
        for side in Side::BOTH {
            market.show_first(instrument, side, reports);
            twin.show_first(instrument, side, wanted);
        }
    }
}

/// As a floor holds a book between prices.
fn hold(
    (market, twin): (&mut Market, &mut naive::Market),
    instrument: InstrumentId,
    span: Span,
    (reports, wanted): (&mut Vec<Report>, &mut Vec<Report>),
) {
    market.hold(instrument, span);
    twin.hold(instrument, span);
    for (side, bound) in [(Side::Buy, span.upper), (Side::Sell, span.lower)] {
        loop {
            let beyond = market.first_beyond(instrument, side, bound);
            assert_eq!(beyond, twin.first_beyond(instrument, side, bound), "{side:?}");
            let Some(order) = beyond else { break };
            market.end_unwoken(order, Ended::Band, reports);
            twin.end_unwoken(order, Ended::Band, wanted);
        }
    }
    market.wake(instrument, reports);
    twin.wake(instrument, wanted);
}

/// The market and its twin report the same of a command.
///
/// # Panics
/// At the first report in which they differ.
pub(crate) fn same_reports(got: &[Report], wanted: &[Report], command: &impl fmt::Debug) {
    let at = got.iter().zip(wanted).take_while(|(one, other)| one == other).count();
    assert_eq!(got.get(at), wanted.get(at), "report {at} of {command:?}, and the twin's");
}

pub(crate) fn same_book(market: &Market, twin: &naive::Market, instrument: InstrumentId) {
    let [bids, offers] = Side::BOTH.map(|side| {
        let got: Vec<_> = market.resting(instrument, side).collect();
        assert_eq!(got, twin.resting(instrument, side), "{instrument} {side:?}");
        let hidden: Vec<_> = market.hidden(instrument, side).collect();
        assert_eq!(hidden, twin.hidden(instrument, side), "{instrument} {side:?}");
        let best = got.first().map(|order| order.tick);
        assert_eq!(market.best(instrument, side), best, "{instrument} {side:?}");
        for order in &got {
            let at: u64 =
                got.iter().filter(|o| o.tick == order.tick).map(|o| u64::from(o.shown)).sum();
            assert_eq!(market.depth_at(instrument, side, order.tick), at, "{instrument} {side:?}");
            assert_eq!(market.order(order.order), Some(*order), "{instrument} {side:?}");
        }
        best
    });
    if let (Some(bid), Some(offer)) = (bids, offers)
        && twin.trades[instrument.index()]
    {
        assert!(bid < offer, "crossed in continuous trading: {bid} and {offer}");
    }
}

enum Command {
    Enter(Order),
    Cancel(OrderKey),
    Replace(OrderKey, Order),
    ReplacePlainly(Replace),
    Reduce(OrderKey, u32),
    CancelAll(Option<InstrumentId>, Scope),
    SetQuote(InstrumentId, Quote),
    SetTrades(InstrumentId, bool),
    Hold(InstrumentId, Span),
    CrossMidpoint(InstrumentId),
}

/// What a replace has no word for.
const NOBODYS: NewOrder = NewOrder {
    key: OrderKey::new(0),
    instrument: InstrumentId::new(0),
    side: Side::Buy,
    qty: 0,
    price: Price::Market,
    standing: Standing::Rest,
    account: AccountId::new(0),
    self_match: SelfMatch::Allow,
};

fn key(byte: u8) -> OrderKey {
    OrderKey::new(u64::from(byte % 80))
}

fn tick(byte: u8) -> Tick {
    match byte {
        // Mostly around the middle, sometimes outside the window, rarely outside everything.
        near @ 0..240 => Tick::new(REFERENCE - 6 + i64::from(near % 12)),
        far @ 240..252 => Tick::new(REFERENCE + (i64::from(far) - 246) * 60),
        252 => Tick::new(i64::MAX),
        253 => Tick::new(i64::MIN),
        254 => Tick::new(1 << 30),
        255 => Tick::new(-(1 << 31)),
    }
}

fn order(word: &[u8], has_terms: bool) -> Order {
    let side = if word[6] & 1 == 0 { Side::Buy } else { Side::Sell };
    let qty = u32::from(word[3] % 32);
    let new = NewOrder {
        key: key(word[4]),
        // The last one does not exist, and the one before it is rare.
        instrument: InstrumentId::new(match word[5] {
            0..200 => 0,
            200..250 => 1,
            250.. => 2,
        }),
        side,
        qty,
        price: match word[6] {
            0..16 => Price::Market,
            16..32 => Price::MarketToLimit,
            32.. => Price::Limit(tick(word[1])),
        },
        standing: match word[7] % 16 {
            0 => Standing::PostOnly,
            1 => Standing::Immediate { min_qty: 0 },
            2 => Standing::Immediate { min_qty: u32::from(word[7] / 16) },
            3 => Standing::Immediate { min_qty: qty },
            _ => Standing::Rest,
        },
        // The last one does not exist, and is rare.
        account: AccountId::new(match word[2] / 8 {
            31 => ACCOUNTS.len() as u32,
            of => u32::from(of) % ACCOUNTS.len() as u32,
        }),
        self_match: match word[2] % 8 {
            0 => SelfMatch::CancelOldest,
            1 => SelfMatch::CancelNewest,
            2 => SelfMatch::CancelBoth,
            3 => SelfMatch::Decrement,
            _ => SelfMatch::Allow,
        },
    };
    let terms = if has_terms && word[8] < 160 { terms(word, &new) } else { Terms::PLAIN };
    Order { new, terms }
}

fn terms(word: &[u8], new: &NewOrder) -> Terms {
    let display = match word[8] % 8 {
        0..3 => Display::Hidden,
        3..5 => Display::Reserve { show: u32::from(word[9] % 8), random: u32::from(word[9] / 64) },
        _ => Display::Whole,
    };
    let to = match word[12] % 16 {
        0 | 1 => Some(PegTo::Primary),
        2 | 3 => Some(PegTo::Market),
        4..7 => Some(PegTo::Midpoint),
        _ => None,
    };
    let offset = match word[13] % 16 {
        by @ 0..4 => i32::from(by) - 1,
        4 => i32::MAX,
        _ => 0,
    };
    let by = i64::from(word[15] % 6) - 1;
    let further = |tick: Tick| {
        Tick::new(match new.side {
            Side::Buy => tick.get().saturating_add(by),
            Side::Sell => tick.get().saturating_sub(by),
        })
    };
    Terms {
        display,
        min_qty: if word[11].is_multiple_of(4) { u32::from(word[11] / 8) } else { 0 },
        peg: to.map(|to| Peg { to, offset }),
        discretion: word[14].is_multiple_of(8).then(|| further(tick(word[1]))),
        ..Terms::PLAIN
    }
}

fn command(word: &[u8], head: &Shape) -> Command {
    let order = order(word, head.has_terms);
    let NewOrder { side, qty, self_match, .. } = order.new;
    let tick = tick(word[1]);
    let instrument = (word[5] < 250).then_some(InstrumentId::new(u32::from(word[5]) / 100));
    match word[0] % 32 {
        0..4 => Command::Cancel(key(word[4])),
        4..6 => Command::Reduce(key(word[4]), qty),
        6 if word[8].is_multiple_of(4) => {
            let scope = match word[9] % 16 {
                0 => Scope::All,
                1..3 => Scope::Side(side),
                3..6 => Scope::Account(AccountId::new(u32::from(word[2] / 8))),
                6..11 => Scope::Keys(key(word[4]), key(word[7])),
                _ => Scope::Ticks(side, tick, Tick::new(tick.get().saturating_add(1))),
            };
            Command::CancelAll(instrument, scope)
        }
        6..8 => {
            let new = if word[5] < 128 { key(word[4]) } else { key(word[5]) };
            let (old, post_only) = (key(word[4]), word[7].is_multiple_of(4));
            Command::ReplacePlainly(Replace { old, new, qty, tick, post_only, self_match })
        }
        8..10 => {
            let new = if word[5] < 128 { key(word[4]) } else { key(word[5]) };
            let new = NewOrder { key: new, ..order.new };
            Command::Replace(key(word[4]), Order { new, ..order })
        }
        10..12 if head.is_told => {
            let offer = Tick::new(tick.get().saturating_add(i64::from(word[9] % 8) - 1));
            let quote = Quote {
                bid: (!word[10].is_multiple_of(16)).then_some(tick),
                offer: (!word[11].is_multiple_of(16)).then_some(offer),
            };
            Command::SetQuote(order.new.instrument, quote)
        }
        12..14 if head.has_phases => {
            let instrument = InstrumentId::new(u32::from(word[5].is_multiple_of(8)));
            let bound = |byte: u8| i64::from(byte % 16) - 4;
            match word[9] % 16 {
                0..2 => Command::SetTrades(instrument, false),
                2..8 => Command::SetTrades(instrument, true),
                8..10 => Command::Hold(instrument, Span::ALL),
                10..13 => {
                    let (below, above) = (bound(word[10]), bound(word[11]).max(-bound(word[10])));
                    let (lower, upper) =
                        (Tick::new(REFERENCE - below), Tick::new(REFERENCE + above));
                    Command::Hold(instrument, Span { lower, upper })
                }
                _ => Command::CrossMidpoint(instrument),
            }
        }
        _ => Command::Enter(order),
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_market_does_what_its_twin_does(script in prop::collection::vec(any::<u8>(), 0..8_000)) {
            run(&script);
        }
    }

    /// Random streams that hardly trade would prove little.
    #[test]
    fn a_random_stream_trades() {
        let mut state = 1u64;
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        let mut script: alloc::vec::Vec<u8> = (0..80_000).map(|_| byte()).collect();
        // Plain orders alone, then orders with terms: by policy, with a quote told or not, and in the dark.
        let cases = [
            // kinds         shown hidden crossed, of 5,000 commands
            ([16, 16 | 32], [1_000, 0, 0]),
            ([0, 32], [600, 200, 0]),
            ([2, 2 | 32], [600, 200, 0]),
            ([3, 3 | 32], [600, 200, 0]),
            ([12, 12 | 32], [0, 600, 0]),
            ([64, 64 | 32], [300, 100, 50]),
            ([64 | 3, 64 | 3 | 32], [300, 100, 50]),
            ([64 | 12, 64 | 12 | 32], [0, 200, 50]),
        ];
        for (kinds, [least_shown, least_hidden, least_crossed]) in cases {
            for kind in kinds {
                script[..4].copy_from_slice(&[63, 3, 126, kind]);
                let [shown, hidden, crossed] = run(&script);
                assert!(least_crossed <= crossed, "{crossed} trades in crosses, kind {kind}");
                assert!(least_shown <= shown, "{shown} fills of shown orders, kind {kind}");
                assert!(least_hidden <= hidden, "{hidden} fills of hidden orders, kind {kind}");
            }
        }
    }
}
