//! The property: whatever a market does, whoever hears its datagrams has its book.

extern crate std;

use std::vec;
use std::vec::Vec;

use matching::{
    Account, Capacity, Control, DayRules, Display, Floor, FloorCapacity, NewOrder, Order, OrderKey,
    Peg, PegTo, Policy, Price, Report, Rules, SelfMatch, Standing, Terms, Tick,
};
use proptest::prelude::*;
use types::{AccountId, FirmId, InstrumentId, Nanos, Side};

use crate::stream::{SLOTS, Stream};
use crate::twin::{Trio, ticks};

const NOW: Nanos = Nanos::from_secs(1);
/// Ten dollars, where a tick is a cent.
const MIDDLE: i64 = 10_900;

/// Words of a stream, the same each time.
fn words(count: usize) -> impl Iterator<Item = [u8; 6]> {
    let mut state = 1u64;
    let mut byte = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..count).map(move |_| [0; 6].map(|_| byte()))
}

/// At least so many of each kind were heard.
fn said(trio: &Trio, kinds: &[u8], least: u64) {
    for &kind in kinds {
        let count = trio.reader.by_type[usize::from(kind)];
        assert!(least < count, "{count} of {}", char::from(kind));
    }
}

/// Random streams that hardly say anything would prove little.
#[test]
fn a_random_stream_says_every_kind() {
    let mut trio = Trio::new(SLOTS as u32, 1_472);
    let mut stream = Stream::new();
    for word in words(5_000) {
        let entering = stream.act(word);
        trio.take(entering, &stream.reports);
    }
    said(&trio, b"AECXDUPQ", 100);

    let mut trio = Trio::new(80, 1_472);
    let (mut floor, mut reports) = (floor(), vec![]);
    for word in words(20_000) {
        reports.clear();
        let entering = command(&mut floor, word, &mut reports);
        trio.take(entering, &reports);
    }
    said(&trio, b"AECXDUP", 30);
}

/// Three books in continuous trading, the last of which shows nothing; two accounts of one group.
fn floor() -> Floor {
    let accounts = [Account { group: 1, firm: FirmId::new(0) }; 2];
    let rules = Rules {
        reference: Tick::new(MIDDLE),
        window: 130,
        far_levels: 4,
        keeps_place: true,
        policy: Policy::PriceTime,
        lit: true,
        seed: 1,
    };
    let shared = Rules { policy: Policy::ProRata, ..rules };
    let dark = Rules { lit: false, ..rules };
    let books = Capacity { orders: 60, terms: 40 };
    let capacity = FloorCapacity { books, waiting: 8, dated: 8 };
    let day = DayRules::by_hand(ticks(), rules.reference);
    let mut floor = Floor::new(capacity, &accounts, &[rules, shared, dark], &[day; 3]);
    let mut reports = vec![];
    for at in 0..3 {
        for control in [Control::PreOpen, Control::Open] {
            assert!(floor.control(NOW, InstrumentId::new(at), control, &mut reports));
        }
    }
    floor
}

proptest! {
    /// Whatever reports can say: the reader has the book that the rules give, after each batch.
    #[test]
    fn a_reader_has_the_book_of_any_stream(
        words in prop::collection::vec(any::<[u8; 6]>(), 1..400),
        datagram_bytes_max in 72..400_usize,
    ) {
        let mut trio = Trio::new(SLOTS as u32, datagram_bytes_max);
        let mut stream = Stream::new();
        for word in words {
            let entering = stream.act(word);
            trio.take(entering, &stream.reports);
        }
    }

    /// The exchange's own floor: the reader has its book, order by order in the order of the queue.
    #[test]
    fn a_reader_has_the_book_of_the_floor(
        words in prop::collection::vec(any::<[u8; 6]>(), 1..400),
    ) {
        let mut trio = Trio::new(80, 1_472);
        let (mut floor, mut reports) = (floor(), vec![]);
        for word in words {
            reports.clear();
            let entering = command(&mut floor, word, &mut reports);
            trio.take(entering, &reports);
            for instrument in [0, 1].map(InstrumentId::new) {
                for side in Side::BOTH {
                    let rests = floor.market().resting(instrument, side);
                    let rests: Vec<_> =
                        rests.map(|order| (order.order, order.tick, order.shown)).collect();
                    prop_assert_eq!(trio.twin.orders(instrument, side), rests);
                }
            }
        }
    }
}

/// A command of six bytes; answers the book it is for. A slot has one key, so that no two live ones
/// share it; they are so few that some are live when they are dealt, and the floor refuses them.
fn command(floor: &mut Floor, word: [u8; 6], out: &mut Vec<Report>) -> InstrumentId {
    let [what, who, price, qty, more, other] = word;
    let key = |byte: u8| {
        let slot = u64::from(byte % 64);
        OrderKey::new(((slot % 3) << 32) | slot)
    };
    let instrument = InstrumentId::new(u32::from(more % 3));
    let new = NewOrder {
        key: key(who),
        instrument,
        side: if more & 4 == 0 { Side::Buy } else { Side::Sell },
        qty: u32::from(qty) % 50,
        price: Price::Limit(Tick::new(MIDDLE - 5 + i64::from(price % 10))),
        standing: match more / 8 % 8 {
            0 => Standing::Immediate { min_qty: 0 },
            1 => Standing::PostOnly,
            _ => Standing::Rest,
        },
        account: AccountId::new(u32::from(other % 2)),
        self_match: match other / 2 % 16 {
            0 => SelfMatch::CancelOldest,
            1 => SelfMatch::Decrement,
            2 => SelfMatch::CancelBoth,
            _ => SelfMatch::Allow,
        },
    };
    let order = Order { new, terms: terms(new.side, word) };
    match what % 8 {
        0 => floor.cancel(NOW, key(who), out),
        1 | 2 => {
            let order = Order { new: NewOrder { key: key(other), ..new }, ..order };
            floor.replace(NOW, key(who), &order, out);
        }
        _ => floor.enter(NOW, &order, out),
    }
    instrument
}

/// The terms of an order: those that decide what is shown of it, and at which price it may trade.
fn terms(side: Side, [_, who, price, _, _, other]: [u8; 6]) -> Terms {
    let plain = Terms::PLAIN;
    match other / 32 {
        0 => Terms { display: Display::Hidden, min_qty: u32::from(price % 7), ..plain },
        1 | 2 => {
            let (show, random) = (1 + u32::from(price % 9), u32::from(who % 3));
            Terms { display: Display::Reserve { show, random }, ..plain }
        }
        3 => {
            let to = [PegTo::Primary, PegTo::Market, PegTo::Midpoint][usize::from(price % 3)];
            Terms { peg: Some(Peg { to, offset: i32::from(who % 2) }), ..plain }
        }
        4 => {
            let further = if side == Side::Buy { 2 } else { -2 };
            let to = Tick::new(MIDDLE - 5 + i64::from(price % 10) + further);
            Terms { discretion: Some(to), ..plain }
        }
        _ => plain,
    }
}
