//! The property: whatever a market does, whoever hears its datagrams has its book.

extern crate std;

use std::vec;
use std::vec::Vec;

use matching::{
    Account, Capacity, Control, Floor, NewOrder, Order, OrderKey, Price, Report, Rules, SelfMatch,
    Standing, Terms, Tick,
};
use proptest::prelude::*;
use types::{AccountId, FirmId, InstrumentId, Nanos, Side};

use crate::stream::{SLOTS, Stream};
use crate::twin::Trio;

const NOW: Nanos = Nanos::from_secs(1);
/// Ten dollars, where a tick is a cent.
const MIDDLE: i64 = 10_900;

/// Random streams that hardly say anything would prove little.
#[test]
fn a_random_stream_says_every_kind() {
    let mut state = 1u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let mut trio = Trio::new(SLOTS as u32, 1_472);
    let mut stream = Stream::new();
    for _ in 0..5_000 {
        let entering = stream.act([0; 6].map(|_| byte()));
        trio.take(entering, &stream.reports);
    }
    for kind in *b"AECXDUPQ" {
        let count = trio.reader.by_type[usize::from(kind)];
        assert!(100 < count, "{count} of {}", char::from(kind));
    }
}

/// Three books in continuous trading, two accounts of one group.
fn floor() -> Floor {
    let accounts = [Account { group: 1, firm: FirmId::new(0) }; 2];
    let rules =
        Rules { reference: Tick::new(MIDDLE), window: 130, far_levels: 4, keeps_place: true };
    let mut floor = Floor::new(Capacity { orders: 60 }, &accounts, &[rules; 3]);
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
                        rests.map(|order| (order.order, order.tick, order.qty)).collect();
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
    let order = Order { new, terms: Terms::PLAIN };
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
