//! Any bytes as a stream of events, run through a book and its twin, compared after every event.
//!
//! For properties and fuzzing. Most words name an order that is live, so that streams go deep; the
//! others name orders, prices, sizes and slots that are wrong in every way an event can carry.

use alloc::vec::Vec;
use types::{
    Bands, Change, CrossKind, InstrumentId, MarketEvent, MatchNo, Nanos, OrderRef, Px, Qty,
    ShortSale, Side, Symbol, Trading,
};

use crate::{Level, Prefetch, l2, l3, naive};

/// One event is eight bytes.
const WORD: usize = 8;

/// Fetches nothing.
struct Nowhere;

impl Prefetch for Nowhere {
    fn line<T>(&self, _: &T) {}
}

/// Runs `script` through [`l3::Books`] and its twin.
///
/// # Panics
/// Where the two differ in anything that can be seen: that is the point.
pub fn orders(script: &[u8]) {
    let Some((head, words)) = script.split_first_chunk::<4>() else { return };
    let capacity = l3::Capacity {
        instruments: usize::from(head[0] % 4),
        orders: usize::from(head[1]),
        levels: usize::from(head[2]),
    };
    let (mut books, mut twin) = (l3::Books::new(capacity), naive::Books::new(capacity));
    let mut seen: Vec<OrderRef> = Vec::new();
    for word in words.chunks_exact(WORD) {
        let instrument = InstrumentId::new(u32::from(word[1]) % (capacity.instruments as u32 + 1));
        if word[0] == 255 {
            upkeep(word[2], instrument, &mut books, &mut twin);
        } else {
            let (instrument, change) = change(word, instrument, &twin, &seen);
            if let Change::Add { order, .. } | Change::Replace { new: order, .. } = change {
                seen.push(order);
            }
            let event = MarketEvent { time: Nanos::ZERO, instrument, change };
            // Whatever is guessed from, it must be there.
            books.warm([event, event].iter(), &Nowhere);
            let got = books.apply(&event);
            assert_eq!(got, twin.apply(&event), "{event:?}");
        }
        let shown = (books.top(instrument), books.state(instrument));
        assert_eq!(books.shown(instrument), shown);
        same_orders(capacity, &books, &twin, &seen);
    }
}

fn upkeep(what: u8, instrument: InstrumentId, books: &mut l3::Books, twin: &mut naive::Books) {
    let all = (0..books.capacity().instruments as u32).map(InstrumentId::new);
    match what % 6 {
        0 => (books.clear(instrument), twin.clear(instrument)),
        1 => (books.clear_all(), all.for_each(|id| twin.clear(id))),
        2 => (books.set_stale(instrument), twin.set_stale(instrument)),
        3 => (books.set_all_stale(), all.for_each(|id| twin.set_stale(id))),
        4 => (books.set_live(instrument), twin.set_live(instrument)),
        _ => (books.set_all_live(), all.for_each(|id| twin.set_live(id))),
    };
}

fn change(
    word: &[u8],
    instrument: InstrumentId,
    twin: &naive::Books,
    seen: &[OrderRef],
) -> (InstrumentId, Change) {
    let pick = usize::from(u16::from_le_bytes([word[2], word[3]]));
    // One symbol's numbers share their remainder by 4; nearby numbers repeat now and then.
    let fresh = OrderRef::new(pick as u64 / 2 * 4 + u64::from(instrument.get()));
    let order = if seen.is_empty() { fresh } else { seen[pick % seen.len()] };
    let live = twin.queue_position(order).map(|position| position.order);
    // Mostly the book it is in.
    let home =
        if word[1] < 240 { live.map_or(instrument, |live| live.instrument) } else { instrument };
    let side = if word[4] & 1 == 0 { Side::Buy } else { Side::Sell };
    let px = px(word[5]);
    let qty = qty(word[6]);
    // A part, all, or more than what is there.
    let part = live.map_or(qty, |live| match word[7] % 8 {
        0..3 => Qty::new(live.qty.get().div_ceil(2)),
        3..6 => live.qty,
        6 => Qty::new(live.qty.get() + 1),
        _ => qty,
    });
    let match_no = MatchNo::new(u64::from(word[7] % 32));
    let printable = word[7] & 32 == 0;
    match word[0] % 32 {
        0..12 => (instrument, Change::Add { order: fresh, side, qty, px }),
        12..18 => (home, Change::Delete { order }),
        18..20 => (home, Change::Execute { order, qty: part, match_no }),
        20 => (home, Change::ExecuteAt { order, qty: part, px, match_no, printable }),
        21..23 => (home, Change::Reduce { order, qty: part }),
        23..26 => {
            // At its own price now and then.
            let px = live.filter(|_| word[4] < 64).map_or(px, |live| live.px);
            let new = if word[4] & 2 == 0 { fresh } else { OrderRef::new(fresh.get() + 4) };
            (home, Change::Replace { old: order, new, qty, px })
        }
        26 => (instrument, Change::Trade { qty, px, match_no, printable }),
        27 => (instrument, Change::Cross { qty, px, match_no, kind: CrossKind::Open }),
        28 => (instrument, Change::Bust { match_no }),
        29 => (instrument, trading(word[4])),
        30 => (instrument, Change::Level { side, px, qty, settled: true }),
        _ => (instrument, Change::Bands(Bands { reference: px, lower: px, upper: px })),
    }
}

fn trading(byte: u8) -> Change {
    match byte % 6 {
        0 | 1 => Change::Trading(Trading::Open),
        2 => Change::Trading(Trading::Halted),
        3 => Change::Trading(Trading::QuoteOnly),
        4 => Change::ShortSale(ShortSale::Free),
        _ => Change::ShortSale(ShortSale::Restricted),
    }
}

fn px(byte: u8) -> Px {
    match byte {
        255 => Px::MAX,
        254 => Px::MIN,
        253 => Px::from_raw(-1),
        byte => Px::from_price4(1_000_000 + 100 * u32::from(byte / 4)),
    }
}

fn qty(byte: u8) -> Qty {
    match byte {
        255 => Qty::new(1 << 32),
        254 => Qty::ZERO,
        253 => Qty::new(u64::from(u32::MAX)),
        byte => Qty::new(1 + u64::from(byte % 8) * 100),
    }
}

fn same_orders(capacity: l3::Capacity, fast: &l3::Books, twin: &naive::Books, seen: &[OrderRef]) {
    let symbol = Symbol::from_wire(*b"TWIN    ");
    // One slot further than there are.
    for id in (0..=capacity.instruments as u32).map(InstrumentId::new) {
        for side in Side::BOTH {
            assert!(fast.depth(id, side).eq(twin.depth(id, side)), "{id} {side:?} depth");
            assert!(fast.orders(id, side).eq(twin.orders(id, side)), "{id} {side:?} orders");
        }
        assert_eq!(fast.top(id), twin.top(id), "{id}");
        assert_eq!(fast.state(id), twin.state(id), "{id}");
        assert_eq!(fast.stats(id), twin.stats(id), "{id}");
        assert_eq!(fast.state_hash(id, symbol), twin.state_hash(id, symbol), "{id}");
        let sides = || Side::BOTH.into_iter();
        let orders: usize = sides().map(|side| twin.orders(id, side).len()).sum();
        let levels: usize = sides().map(|side| twin.depth(id, side).len()).sum();
        assert_eq!((fast.orders_of(id), fast.levels_of(id)), (orders, levels), "{id}");
    }
    // The dead among them too.
    for &order in seen {
        assert_eq!(fast.queue_position(order), twin.queue_position(order), "{order}");
        let position = twin.queue_position(order);
        assert_eq!(fast.order(order), position.map(|position| position.order), "{order}");
    }
    assert_eq!(fast.counters(), twin.counters());
    assert_eq!(fast.orders_live(), twin.orders_live());
    assert_eq!(fast.levels_live(), twin.levels_live());
}

/// Runs `script` through [`l2::Books`] and its twin.
///
/// # Panics
/// Where the two differ in anything that can be seen.
pub fn levels(script: &[u8]) {
    let Some((head, words)) = script.split_first_chunk::<4>() else { return };
    let capacity =
        l2::Capacity { instruments: usize::from(head[0] % 4), levels: usize::from(head[2]) };
    let (mut books, mut twin) = (l2::Books::new(capacity), naive::Levels::new(capacity));
    let nobody = naive::Books::new(l3::Capacity { instruments: 0, orders: 0, levels: 0 });
    for word in words.chunks_exact(WORD) {
        let instrument = InstrumentId::new(u32::from(word[1]) % (capacity.instruments as u32 + 1));
        if word[0] == 255 {
            books.clear(instrument);
            twin.clear(instrument);
        }
        let change = if word[0] < 200 {
            let qty = if word[6] < 100 { Qty::ZERO } else { qty(word[6]) };
            let side = if word[4] & 1 == 0 { Side::Buy } else { Side::Sell };
            Change::Level { side, px: px(word[5]), qty, settled: word[7] < 128 }
        } else {
            change(word, instrument, &nobody, &[]).1
        };
        let event = MarketEvent { time: Nanos::ZERO, instrument, change };
        assert_eq!(books.apply(&event), twin.apply(&event), "{event:?}");
        same_levels(capacity, &books, &twin);
    }
}

fn same_levels(capacity: l2::Capacity, fast: &l2::Books, twin: &naive::Levels) {
    let symbol = Symbol::from_wire(*b"TWIN    ");
    let mut live = 0;
    for id in (0..=capacity.instruments as u32).map(InstrumentId::new) {
        let mut levels = 0;
        for side in Side::BOTH {
            let want: Vec<Level> = twin.depth(id, side);
            levels += want.len();
            assert!(fast.depth(id, side).eq(want), "{id} {side:?} depth");
        }
        assert_eq!(fast.levels_of(id), levels, "{id}");
        live += levels;
        assert_eq!(fast.top(id), twin.top(id), "{id}");
        assert_eq!(fast.state(id), twin.state(id), "{id}");
        assert_eq!(fast.stats(id), twin.stats(id), "{id}");
        assert_eq!(fast.state_hash(id, symbol), twin.state_hash(id, symbol), "{id}");
    }
    assert_eq!(fast.levels_live(), live);
    assert_eq!(fast.counters(), twin.counters());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn books_by_order_equal_their_twin(
            head in any::<[u8; 3]>(),
            words in prop::collection::vec(any::<u8>(), 0..1600),
        ) {
            let mut script = alloc::vec![head[0], head[1], head[2], 0];
            script.extend(words);
            super::orders(&script);
        }

        #[test]
        fn small_arenas_fill_up_as_the_twin_says(
            instruments in 1..4u8,
            orders in 0..12u8,
            levels in 0..8u8,
            words in prop::collection::vec(any::<u8>(), 0..1600),
        ) {
            let mut script = alloc::vec![instruments, orders, levels, 0];
            script.extend(words);
            super::orders(&script);
        }

        #[test]
        fn books_by_level_equal_their_twin(
            script in prop::collection::vec(any::<u8>(), 0..1600),
        ) {
            super::levels(&script);
        }
    }
}
