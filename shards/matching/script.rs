//! Any bytes as a stream of commands, run through the market and its twin, compared after each one.
//!
//! For properties and fuzzing. Most commands meet: prices are few and close, numbers are taken again,
//! accounts are few. Some are wrong in every way a command can be.

use alloc::vec::Vec;

use types::{AccountId, FirmId, InstrumentId, Side};

use crate::{
    Account, Capacity, Market, NewOrder, OrderKey, Price, Replace, Report, Rules, Scope, SelfMatch,
    Standing, Tick, naive,
};

/// One command is sixteen bytes: the order, then its terms.
const WORD: usize = 16;
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

/// Runs `script` through [`Market`] and its twin; answers how many fills there were.
///
/// # Panics
/// Where the two differ in anything that can be seen, or a book breaks a rule that every book has:
/// that is the point.
pub fn run(script: &[u8]) -> usize {
    let Some((head, words)) = script.split_first_chunk::<4>() else { return 0 };
    let capacity = Capacity { orders: u32::from(head[0] % 64) };
    let rules = Rules {
        reference: Tick::new(REFERENCE),
        window: WINDOW,
        far_levels: u32::from(head[1] % 4),
        keeps_place: head[2] % 2 == 0,
    };
    let rules = [rules, Rules { window: 1, ..rules }];
    let (mut market, mut twin) =
        (Market::new(capacity, &ACCOUNTS, &rules), naive::Market::new(capacity, &ACCOUNTS, &rules));
    let (mut reports, mut wanted) = (Vec::new(), Vec::new());
    let mut fills = 0;
    for word in words.chunks_exact(WORD) {
        reports.clear();
        wanted.clear();
        match command(word) {
            Command::Enter(order) => {
                market.enter(&order, &mut reports);
                twin.enter(&order, &mut wanted);
                conserved(order.qty, &reports);
            }
            Command::Cancel(key) => {
                market.cancel(key, &mut reports);
                twin.cancel(key, &mut wanted);
            }
            Command::Replace(replace) => {
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
        }
        assert_eq!(reports, wanted, "{word:?}");
        fills += reports.iter().filter(|report| matches!(report, Report::Filled { .. })).count();
        for instrument in (0..rules.len() as u32).map(InstrumentId::new) {
            same_book(&market, &twin, instrument);
        }
    }
    fills
}

/// What is filled, shrunk away, cancelled or left open of a new order is what was entered.
fn conserved(qty: u32, reports: &[Report]) {
    let Some(Report::Accepted { order, .. }) = reports.first() else { return };
    let (mut left, mut open) = (qty, qty);
    for report in &reports[1..] {
        match *report {
            Report::Filled { taker, qty, taker_leaves, .. } if taker == *order => {
                left -= qty;
                open = taker_leaves;
            }
            Report::Decremented { order: shrunk, qty, leaves } if shrunk == *order => {
                left -= qty;
                open = leaves;
            }
            Report::Cancelled { order: ended, qty, .. } if ended == *order => {
                assert_eq!(qty, left, "cancelled more or less than was left");
                return;
            }
            Report::Accepted { .. }
            | Report::Refused { .. }
            | Report::Replaced { .. }
            | Report::Rested { .. }
            | Report::Filled { .. }
            | Report::Decremented { .. }
            | Report::Reduced { .. }
            | Report::Triggered { .. }
            | Report::Crossed { .. }
            | Report::Uncrossed { .. }
            | Report::Indicated(_)
            | Report::Bands { .. }
            | Report::Collar { .. }
            | Report::LimitState { .. }
            | Report::Phase { .. }
            | Report::Cancelled { .. } => {}
        }
        assert_eq!(open, left, "shares came from nowhere or went there");
    }
}

fn same_book(market: &Market, twin: &naive::Market, instrument: InstrumentId) {
    let [bids, offers] = Side::BOTH.map(|side| {
        let got: Vec<_> = market.resting(instrument, side).collect();
        assert_eq!(got, twin.resting(instrument, side), "{instrument} {side:?}");
        let best = got.first().map(|order| order.tick);
        assert_eq!(market.best(instrument, side), best, "{instrument} {side:?}");
        for order in &got {
            let at: u64 =
                got.iter().filter(|o| o.tick == order.tick).map(|o| u64::from(o.qty)).sum();
            assert_eq!(market.depth_at(instrument, side, order.tick), at, "{instrument} {side:?}");
        }
        best
    });
    if let (Some(bid), Some(offer)) = (bids, offers) {
        assert!(bid < offer, "crossed in continuous trading: {bid} and {offer}");
    }
}

enum Command {
    Enter(NewOrder),
    Cancel(OrderKey),
    Replace(Replace),
    Reduce(OrderKey, u32),
    CancelAll(Option<InstrumentId>, Scope),
}

fn command(word: &[u8]) -> Command {
    let key = |byte: u8| OrderKey::new(u64::from(byte % 80));
    let tick = match word[1] {
        // Mostly around the middle, sometimes outside the window, rarely outside everything.
        near @ 0..240 => Tick::new(REFERENCE - 6 + i64::from(near % 12)),
        far @ 240..252 => Tick::new(REFERENCE + (i64::from(far) - 246) * 60),
        252 => Tick::new(i64::MAX),
        253 => Tick::new(i64::MIN),
        254 => Tick::new(1 << 30),
        255 => Tick::new(-(1 << 31)),
    };
    let self_match = match word[2] % 8 {
        0 => SelfMatch::CancelOldest,
        1 => SelfMatch::CancelNewest,
        2 => SelfMatch::CancelBoth,
        3 => SelfMatch::Decrement,
        _ => SelfMatch::Allow,
    };
    let qty = u32::from(word[3] % 32);
    match word[0] % 32 {
        0..4 => Command::Cancel(key(word[4])),
        4..6 => Command::Reduce(key(word[4]), qty),
        6 if word[8].is_multiple_of(4) => {
            let instrument = (word[5] < 250).then_some(InstrumentId::new(u32::from(word[5]) / 100));
            let side = if word[6] & 1 == 0 { Side::Buy } else { Side::Sell };
            let scope = match word[9] % 16 {
                0 => Scope::All,
                1..3 => Scope::Side(side),
                3..6 => Scope::Account(AccountId::new(u32::from(word[2] / 8))),
                6..11 => Scope::Keys(key(word[4]), key(word[7])),
                _ => Scope::Ticks(side, tick, Tick::new(tick.get().saturating_add(1))),
            };
            Command::CancelAll(instrument, scope)
        }
        6..10 => {
            let new = if word[5] < 128 { key(word[4]) } else { key(word[5]) };
            let (old, post_only) = (key(word[4]), word[7].is_multiple_of(4));
            Command::Replace(Replace { old, new, qty, tick, post_only, self_match })
        }
        _ => Command::Enter(NewOrder {
            key: key(word[4]),
            // The last one does not exist, and the one before it is rare.
            instrument: InstrumentId::new(match word[5] {
                0..200 => 0,
                200..250 => 1,
                250.. => 2,
            }),
            side: if word[6] & 1 == 0 { Side::Buy } else { Side::Sell },
            qty,
            price: match word[6] {
                0..16 => Price::Market,
                16..32 => Price::MarketToLimit,
                32.. => Price::Limit(tick),
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
            self_match,
        }),
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
        script[..4].copy_from_slice(&[63, 3, 0, 0]);
        let fills = run(&script);
        assert!(1_000 < fills, "{fills} fills of 5,000 commands");
    }
}
