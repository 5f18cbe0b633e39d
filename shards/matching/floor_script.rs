//! Any bytes as a day of two instruments: orders with terms, controls and time. After each command what
//! was reported is followed order by order and held to the rules of the day; what is a matter for a book is
//! also given to the naive twin, with all terms, in all phases and between all bands.
//!
//! For properties and fuzzing. Prices are few and close, numbers are taken again, and half of all
//! commands come at a wrong time.

use alloc::vec::Vec;

use types::{AccountId, FirmId, InstrumentId, Nanos, Px, Side};

use crate::day_ledger::Ledger;
use crate::floor_twin::Twin;
use crate::{
    Account, Capacity, Collar, Control, DayRules, Display, Floor, FloorCapacity, LuldRules,
    NewOrder, Order, OrderKey, Peg, PegTo, Policy, Price, Quote, Rules, Schedule, Scope, SelfMatch,
    Standing, Terms, Tick, TickTable, Tier, Trading,
};

/// One command is fourteen bytes: the order, when it is for, and what its book is asked.
pub const WORD: usize = 14;
/// How the floor is: that many bytes before the first command.
pub const HEAD: usize = 6;
/// Each tick of it is a sixtieth: percentages are few ticks.
const REFERENCE: i64 = 60;
const WINDOW: u32 = 130;
pub(crate) const INSTRUMENTS: u32 = 2;
pub(crate) const ACCOUNTS: [Account; 3] = [
    Account { group: 0, firm: FirmId::new(0) },
    Account { group: 1, firm: FirmId::new(0) },
    Account { group: 1, firm: FirmId::new(1) },
];

/// What happened in a run, so that a test can say that it happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Trades in continuous trading.
    pub fills: usize,
    /// Those of them in which the one that rested was not shown.
    pub hidden: usize,
    /// Those of them that no order brought about: a cancel, a time or the begin of trading did.
    pub woken: usize,
    /// Trades in crosses.
    pub crossed: usize,
    /// Stops that were triggered.
    pub triggered: usize,
    /// Orders whose time came.
    pub expired: usize,
    /// Indications.
    pub indicated: usize,
    /// Pauses.
    pub paused: usize,
    /// Commands compared with the naive twin.
    pub compared: usize,
}

/// Runs `script`.
///
/// # Panics
/// Where a rule of the day is broken, or the floor and the twin differ: that is the point.
pub fn run(script: &[u8]) -> Counts {
    let mut counts = Counts::default();
    let Some((head, words)) = script.split_first_chunk::<HEAD>() else { return counts };
    let capacity = FloorCapacity {
        books: Capacity { orders: u32::from(head[0] % 48), terms: u32::from(head[1] / 24) * 4 },
        waiting: u32::from(head[1] % 24),
        dated: u32::from(head[2] % 12),
    };
    let rules = rules(head[3]);
    let has_terms = head[3] & 2 != 0;
    let days = [day_rules(head[4]), day_rules(head[5])];
    let mut floor = Floor::new(capacity, &ACCOUNTS, &rules, &days);
    let mut ledger = Ledger::new(&rules, &days);
    let (mut now, mut out) = (Nanos::ZERO, Vec::new());
    floor.start_day(now);
    for word in words.chunks_exact(WORD) {
        out.clear();
        let command = command(now, word, has_terms);
        let twin = Twin::of(&floor, capacity.books, &rules, now, &command);
        ledger.before(&floor);
        match &command {
            Command::Enter(order) => floor.enter(now, order, &mut out),
            Command::Cancel(key) => floor.cancel(now, *key, &mut out),
            Command::Reduce(key, leaves) => floor.reduce(now, *key, *leaves, &mut out),
            Command::Replace(old, order) => floor.replace(now, *old, order, &mut out),
            Command::CancelAll(instrument, scope) => {
                floor.cancel_all(now, *instrument, *scope, &mut out);
            }
            Command::Control(instrument, control) => {
                let fitted = floor.control(now, *instrument, *control, &mut out);
                assert_eq!(fitted, !out.is_empty(), "{control:?}");
            }
            Command::SetQuote(instrument, quote) => {
                floor.set_quote(now, *instrument, *quote, &mut out);
            }
            Command::Wait(span) => now = now.saturating_add(*span),
        }
        if let Some(twin) = twin {
            twin.compare(&floor, &out, &command);
            counts.compared += 1;
        }
        ledger.follow(&floor, &command, &out, now, &mut counts);
        run_deadlines(&mut floor, &mut ledger, now, &mut counts);
    }
    counts
}

/// Before anything else happens, all that is due is done.
fn run_deadlines(floor: &mut Floor, ledger: &mut Ledger, now: Nanos, counts: &mut Counts) {
    let mut out = Vec::new();
    for _ in 0..1_000 {
        let Some(due) = floor.next_deadline().filter(|due| *due <= now) else {
            return ledger.nothing_is_due(now);
        };
        assert!(due <= now);
        out.clear();
        ledger.before(floor);
        floor.on_deadline(now, &mut out);
        assert!(floor.next_deadline().is_none_or(|next| now <= next), "a deadline in the past");
        ledger.follow(floor, &Command::Wait(Nanos::ZERO), &out, now, counts);
    }
    panic!("the deadlines of one instant do not end");
}

/// The first book has a policy of its own, or is dark; the other one is lit, by price and time.
fn rules(byte: u8) -> [Rules; INSTRUMENTS as usize] {
    let rules = Rules {
        reference: Tick::new(REFERENCE),
        window: WINDOW,
        far_levels: 2,
        keeps_place: byte & 1 == 0,
        policy: Policy::PriceTime,
        lit: true,
        seed: u64::from(byte),
    };
    let policy = match byte >> 2 & 3 {
        2 => Policy::ProRata,
        3 => Policy::PriceBrokerTime,
        _ => Policy::PriceTime,
    };
    [Rules { policy, lit: byte >> 4 & 3 != 3, ..rules }, rules]
}

fn day_rules(byte: u8) -> DayRules {
    let Ok(ticks) = TickTable::new(&[(Px::ZERO, Px::from_price4(2_500))]) else {
        unreachable!("one band from zero");
    };
    let seconds = |count| Some(Nanos::from_secs(count));
    let schedule = Schedule {
        pre_open: seconds(5),
        open_imbalance: seconds(20),
        market_on_open_until: seconds(30),
        limit_on_open_until: seconds(40),
        open: seconds(50),
        close_imbalance: seconds(300),
        market_on_close_until: seconds(320),
        limit_on_close_until: seconds(340),
        close: seconds(400),
    };
    let (limit_state, pause) = (Nanos::from_secs(3), Nanos::from_secs(8));
    let doubled = [Some((Nanos::from_secs(100), Nanos::from_secs(200))), None];
    let luld = LuldRules { tier: Tier::One, doubled, limit_state, pause };
    DayRules {
        schedule: if byte & 1 == 0 { Schedule::BY_HAND } else { schedule },
        // Three ticks, and then two more.
        collar: Collar { width_bp: 500, widen_bp: 350, extensions_max: 2 },
        imbalance_every: Nanos::from_secs(u64::from(byte >> 1 & 1) * 5),
        static_bp: u32::from(byte >> 2 & 1) * 900,
        dynamic_bp: u32::from(byte >> 3 & 1) * 400,
        luld: (byte >> 4 & 1 == 1).then_some(luld),
        ..DayRules::by_hand(ticks, Tick::new(REFERENCE))
    }
}

#[derive(Debug)]
pub(crate) enum Command {
    Enter(Order),
    Cancel(OrderKey),
    Reduce(OrderKey, u32),
    Replace(OrderKey, Order),
    CancelAll(Option<InstrumentId>, Scope),
    Control(InstrumentId, Control),
    SetQuote(InstrumentId, Quote),
    Wait(Nanos),
}

fn command(now: Nanos, word: &[u8], has_terms: bool) -> Command {
    let order = |now, instrument, word| order(now, instrument, word, has_terms);
    let key = |byte: u8| OrderKey::new(u64::from(byte % 64));
    let instrument = InstrumentId::new(u32::from(word[1]) % 17 / 8);
    match word[0] {
        0..28 => Command::Cancel(key(word[4])),
        28..36 => Command::Reduce(key(word[4]), u32::from(word[3] % 12)),
        36..64 => Command::Replace(key(word[4]), order(now, instrument, word)),
        64..68 => {
            let scope = match word[2] % 5 {
                0 => Scope::All,
                1 => Scope::Side(Side::Buy),
                2 => Scope::Account(AccountId::new(1)),
                3 => Scope::Keys(key(word[3]), key(word[4])),
                _ => Scope::Ticks(Side::Sell, Tick::new(REFERENCE), Tick::new(REFERENCE + 3)),
            };
            Command::CancelAll((word[3] < 128).then_some(instrument), scope)
        }
        68..76 => {
            let control = match word[2] % 16 {
                0..4 => Control::PreOpen,
                4..8 => Control::Open,
                8 => Control::Halt,
                9..12 => Control::PreReopen,
                12..15 => Control::Reopen,
                _ => Control::Close,
            };
            Command::Control(instrument, control)
        }
        76..80 if has_terms => {
            let near = |byte: u8| Tick::new(REFERENCE - 4 + i64::from(byte % 8));
            let price = |byte: u8| (byte < 224).then(|| near(byte));
            let quote = Quote { bid: price(word[3]), offer: price(word[4]) };
            Command::SetQuote(instrument, quote)
        }
        76..86 => Command::Wait(Nanos::from_millis(u64::from(word[2]) * 40)),
        86.. => Command::Enter(order(now, instrument, word)),
    }
}

fn order(now: Nanos, instrument: InstrumentId, word: &[u8], has_terms: bool) -> Order {
    let near = |byte: u8| Tick::new(REFERENCE - 6 + i64::from(byte % 12));
    let qty = u32::from(word[3] % 24);
    let price = match word[2] {
        0..24 => Price::Market,
        24..28 => Price::MarketToLimit,
        28 => Price::Limit(Tick::new(i64::MAX)),
        29 => Price::Limit(Tick::new(REFERENCE - 100)),
        30.. => Price::Limit(near(word[2])),
    };
    let standing = match word[5] % 16 {
        0 => Standing::PostOnly,
        1 => Standing::Immediate { min_qty: 0 },
        2 => Standing::Immediate { min_qty: qty },
        _ => Standing::Rest,
    };
    let self_match = match word[6] % 16 {
        0 => SelfMatch::CancelOldest,
        1 => SelfMatch::CancelNewest,
        2 => SelfMatch::CancelBoth,
        3 => SelfMatch::Decrement,
        _ => SelfMatch::Allow,
    };
    let side = if word[6] & 16 == 0 { Side::Buy } else { Side::Sell };
    let plain = match has_terms && word[10] < 150 {
        true => book_terms(&word[10..], side, price),
        false => Terms::PLAIN,
    };
    let terms = match word[7] {
        0..128 => plain,
        128..160 => Terms { stop: Some(near(word[8])), ..plain },
        160..184 => Terms { trading: Trading::AtOpen, ..Terms::PLAIN },
        184..206 => Terms { trading: Trading::AtClose, ..Terms::PLAIN },
        206..208 => Terms { trading: Trading::AtClose, ..plain },
        208..212 => Terms { min_qty: 1, ..plain },
        212..214 => Terms { stop: Some(near(word[8])), trading: Trading::AtOpen, ..plain },
        214.. => plain,
    };
    let span = Nanos::from_millis(u64::from(word[9]) * 50);
    let expires = if word[8] < 40 { now.saturating_add(span) } else { Nanos::MAX };
    Order {
        new: NewOrder {
            key: OrderKey::new(u64::from(word[4] % 64)),
            instrument,
            side,
            qty,
            price,
            standing,
            account: AccountId::new(u32::from(word[6] >> 5) % ACCOUNTS.len() as u32),
            self_match,
        },
        terms: Terms { expires, ..terms },
    }
}

/// What is asked of the book; half of the time it goes together.
fn book_terms(bytes: &[u8], side: Side, price: Price) -> Terms {
    let display = match bytes[0] % 8 {
        0..3 => Display::Hidden,
        3..5 => {
            Display::Reserve { show: u32::from(bytes[1] % 8), random: u32::from(bytes[1] / 64) }
        }
        _ => Display::Whole,
    };
    let to = match bytes[2] % 16 {
        0 | 1 => Some(PegTo::Primary),
        2 | 3 => Some(PegTo::Market),
        4..7 => Some(PegTo::Midpoint),
        _ => None,
    };
    let offset = match bytes[2] / 16 {
        by @ 0..4 => i32::from(by) - 1,
        4 => i32::MAX,
        _ => 0,
    };
    let by = i64::from(bytes[3] / 8 % 6) - 1;
    let further = |tick: Tick| {
        Tick::new(match side {
            Side::Buy => tick.get().saturating_add(by),
            Side::Sell => tick.get().saturating_sub(by),
        })
    };
    let discretion = match price {
        Price::Limit(tick) if bytes[3] % 8 == 1 => Some(further(tick)),
        Price::Limit(_) | Price::Market | Price::MarketToLimit => None,
    };
    Terms {
        display,
        min_qty: if bytes[3].is_multiple_of(4) { u32::from(bytes[3] / 16) } else { 0 },
        peg: to.map(|to| Peg { to, offset }),
        discretion,
        ..Terms::PLAIN
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_day_keeps_its_rules(script in prop::collection::vec(any::<u8>(), 0..6_000)) {
            run(&script);
        }
    }

    /// Random days on which hardly anything happens would prove little.
    #[test]
    fn everything_happens_on_a_random_day() {
        let mut state = 7u64;
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        // Plain orders, then with terms: by time, by size, by firm and in the dark.
        let kinds = [0, 1, 2, 2 | 8, 3 | 12, 2 | 48];
        let days = [[2, 2], [3, 15], [18, 30]];
        let heads = kinds.iter().flat_map(|kind| days.map(|[a, b]| [47, 239, 11, *kind, a, b]));
        // By days without and with terms.
        let mut woken = [0; 2];
        for head in heads {
            let mut script: alloc::vec::Vec<u8> = (0..252_000).map(|_| byte()).collect();
            script[..6].copy_from_slice(&head);
            let counts = run(&script);

            assert!(100 < counts.fills, "{counts:?}");
            assert!(15 < counts.crossed, "{counts:?}");
            assert!(5 < counts.triggered, "{counts:?}");
            assert!(5 < counts.expired, "{counts:?}");
            assert!(20 < counts.indicated, "{counts:?}");
            let has_limits = head[5] & 16 != 0;
            assert_eq!(has_limits, 0 < counts.paused, "{counts:?}");
            assert!(2_000 < counts.compared, "{counts:?}");
            let has_terms = head[3] & 2 != 0;
            assert_eq!(has_terms, 10 < counts.hidden, "{counts:?}");
            woken[usize::from(has_terms)] += counts.woken;
        }
        assert!(woken[0] == 0 && 5 < woken[1], "{woken:?}");
    }
}
