//! What the interface publishes, held against what this library does: layouts, one record for each
//! report, and a run through the C functions themselves.

use core::ffi::c_void;
use core::mem::offset_of;
use core::{ptr, slice};
use std::sync::{Mutex, PoisonError};

use matching::{Ended, OrderKey, Out, Refused, Report, Tick};
use types::Side;

use crate::record::{Cancel, Modify, New, Record, Transport};
use crate::ring::TRANSPORT;
use crate::sink::{Asked, Sink};

/// There is one engine in a process, and the harness calls it from one thread at a time.
static ALONE: Mutex<()> = Mutex::new(());

const ACK: u8 = 0;
const TRADE: u8 = 1;
const CANCEL_ACK: u8 = 2;
const MODIFY_ACK: u8 = 3;
const CANCEL_REJECT: u8 = 4;
const MODIFY_REJECT: u8 = 5;
const BUY: u8 = 0;
const SELL: u8 = 1;

/// A record as the interface lays it out: little-endian, zero where nothing is said.
#[derive(Clone, Copy, Default)]
struct Published {
    kind: u8,
    side: u8,
    sequence: u64,
    order: u64,
    price: i64,
    qty: u32,
    maker: u64,
    taker: u64,
}

impl Published {
    fn bytes(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[0] = self.kind;
        bytes[1] = self.side;
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.order.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.price.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.qty.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.maker.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.taker.to_le_bytes());
        bytes
    }
}

/// A queue as the harness would make one.
struct Queue(*mut c_void);

impl Queue {
    fn new() -> Self {
        Self((TRANSPORT.create)(1_024))
    }

    fn drain(&self) -> Vec<[u8; 64]> {
        let mut records = [Record::default(); 64];
        // SAFETY: our own handle, this thread is both its ends, and there is room for 64. The flush
        // stands for a queue that shows each record at once, as the harness's does.
        let count = unsafe {
            (TRANSPORT.flush)(self.0);
            (TRANSPORT.drain)(self.0, records.as_mut_ptr(), 64) as usize
        };
        let bytes = |record: &Record| {
            // SAFETY: a record is 64 bytes and each is a field's: `offset_of` below leaves no gap.
            let bytes = unsafe { slice::from_raw_parts(ptr::from_ref(record).cast::<u8>(), 64) };
            bytes.try_into().expect("64 bytes")
        };
        records[..count].iter().map(bytes).collect()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: our own handle, once, after both ends are done.
        unsafe { (TRANSPORT.destroy)(self.0) };
    }
}

fn all(records: &[Published]) -> Vec<[u8; 64]> {
    records.iter().map(Published::bytes).collect()
}

#[test]
fn messages_and_records_lie_as_published() {
    let cases = [
        // got  want
        (offset_of!(New, order_id), 0),
        (offset_of!(New, sequence), 8),
        (offset_of!(New, price), 16),
        (offset_of!(New, quantity), 24),
        (offset_of!(New, side), 28),
        (offset_of!(New, ioc), 29),
        (offset_of!(Cancel, order_id), 0),
        (offset_of!(Cancel, sequence), 8),
        (offset_of!(Modify, order_id), 0),
        (offset_of!(Modify, sequence), 8),
        (offset_of!(Modify, price), 16),
        (offset_of!(Modify, quantity), 24),
        (offset_of!(Modify, side), 28),
        (offset_of!(Record, kind), 0),
        (offset_of!(Record, side), 1),
        (offset_of!(Record, pad), 2),
        (offset_of!(Record, sequence), 8),
        (offset_of!(Record, order_id), 16),
        (offset_of!(Record, price), 24),
        (offset_of!(Record, quantity), 32),
        (offset_of!(Record, pad2), 36),
        (offset_of!(Record, maker), 40),
        (offset_of!(Record, taker), 48),
        (offset_of!(Record, pad3), 56),
        (offset_of!(Transport, create), 0),
        (offset_of!(Transport, push), 8),
        (offset_of!(Transport, drain), 16),
        (offset_of!(Transport, flush), 24),
        (offset_of!(Transport, destroy), 32),
    ];
    for (row, (got, want)) in cases.into_iter().enumerate() {
        assert_eq!(got, want, "row {row}");
    }
    let sizes = [size_of::<New>(), size_of::<Cancel>(), size_of::<Modify>(), size_of::<Record>()];
    assert_eq!(sizes, [32, 16, 32, 64]);
}

#[test]
fn each_report_is_the_record_published_for_it() {
    let (order, tick, qty) = (OrderKey::new(7), Some(Tick::new(-3)), 50);
    let (maker, taker, side) = (OrderKey::new(8), OrderKey::new(7), Side::Sell);
    let base = Published { sequence: 11, order: 7, ..Published::default() };
    let said = Published { side: SELL, price: -3, qty: 50, ..base };
    let cancelled = |tick, why| Report::Cancelled { order, side, tick, qty, why };
    let refused = Report::Refused { order, why: Refused::NotLive };
    let filled = Report::Filled {
        maker,
        taker,
        side,
        tick: Tick::new(-3),
        qty,
        maker_leaves: 1,
        taker_leaves: 2,
        half: false,
        hidden: false,
    };
    let replaced = |kept| Report::Replaced {
        old: OrderKey::new(6),
        new: order,
        side,
        tick: Tick::new(-3),
        qty,
        kept,
    };
    let cancel = Published { kind: CANCEL_ACK, ..said };
    let cases = [
        // asked  report  record
        (Asked::Enter, Report::Accepted { order, side, tick, qty }, Some((ACK, said))),
        (
            Asked::Enter,
            Report::Accepted { order, side, tick: None, qty },
            Some((ACK, Published { price: 0, ..said })),
        ),
        (Asked::Enter, filled, Some((TRADE, Published { maker: 8, taker: 7, ..said }))),
        (Asked::Cancel, cancelled(tick, Ended::Asked), Some((CANCEL_ACK, cancel))),
        (Asked::Enter, cancelled(tick, Ended::Immediate), Some((CANCEL_ACK, cancel))),
        (
            Asked::Enter,
            cancelled(None, Ended::Immediate),
            Some((CANCEL_ACK, Published { price: 0, ..cancel })),
        ),
        (Asked::Modify, replaced(false), Some((MODIFY_ACK, said))),
        (Asked::Modify, replaced(true), Some((MODIFY_ACK, said))),
        (Asked::Cancel, refused, Some((CANCEL_REJECT, base))),
        (Asked::Modify, refused, Some((MODIFY_REJECT, base))),
        // What the interface has no word for.
        (Asked::Enter, refused, None),
        (Asked::Modify, cancelled(tick, Ended::Refused), None),
        (Asked::Enter, Report::Decremented { order, qty: 1, leaves: 1 }, None),
        (Asked::Modify, Report::Reduced { order, qty: 1, leaves: 1 }, None),
    ];
    for (asked, report, want) in cases {
        let queue = Queue::new();
        // SAFETY: the transport is a constant, and the handle its own and dropped after the sink.
        let mut sink = unsafe { Sink::new(&TRANSPORT, queue.0) };
        sink.begin(11, asked);
        sink.push(report);
        sink.flush();
        let want = want.map(|(kind, record)| Published { kind, ..record }.bytes());
        assert_eq!(queue.drain(), Vec::from_iter(want), "{report:?}");
    }
}

/// One call of the interface.
enum Call {
    New { order: u64, side: u8, price: i64, qty: u32, ioc: u8 },
    Cancel { order: u64 },
    Modify { order: u64, price: i64, qty: u32 },
}

fn call(sequence: u64, call: &Call) {
    // SAFETY: whole messages, on this stack; the caller holds ALONE.
    unsafe {
        match *call {
            Call::New { order, side, price, qty, ioc } => {
                let (order_id, pad) = (order, [0; 2]);
                let new = New { order_id, sequence, price, quantity: qty, side, ioc, pad };
                crate::engine_on_new_order(&new);
            }
            Call::Cancel { order } => {
                crate::engine_on_cancel(&Cancel { order_id: order, sequence });
            }
            Call::Modify { order, price, qty } => {
                let (order_id, side, pad) = (order, BUY, [0; 3]);
                let modify = Modify { order_id, sequence, price, quantity: qty, side, pad };
                crate::engine_on_modify(&modify);
            }
        }
    }
    crate::engine_flush();
}

/// Best bid, best offer, and the shares at 100 and 101 of each side.
fn queries() -> (i64, i64, [u64; 4]) {
    let depth = crate::engine_query_depth_at;
    let depths = [depth(100, BUY), depth(101, BUY), depth(100, SELL), depth(101, SELL)];
    (crate::engine_query_best_bid(), crate::engine_query_best_ask(), depths)
}

const EMPTY: (i64, i64, [u64; 4]) = (i64::MIN, i64::MAX, [0; 4]);

#[test]
fn a_run_through_the_interface() {
    use Call::{Cancel, Modify, New};
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let queue = Queue::new();
    // SAFETY: the transport is a constant, and the handle outlives `engine_shutdown` below.
    unsafe { crate::engine_init(23, &TRANSPORT, queue.0) };
    assert_eq!(queries(), EMPTY);
    let said = |kind, side, order, price, qty| Published {
        kind,
        side,
        order,
        price,
        qty,
        ..Published::default()
    };
    let traded = |side, taker, maker, price, qty| Published {
        maker,
        taker,
        ..said(TRADE, side, taker, price, qty)
    };
    let rejected = |kind, order| said(kind, 0, order, 0, 0);
    let ioc = |order, side, price, qty| New { order, side, price, qty, ioc: 1 };
    let rest = |order, side, price, qty| New { order, side, price, qty, ioc: 0 };
    let steps = [
        (Cancel { order: 9 }, vec![rejected(CANCEL_REJECT, 9)], EMPTY),
        (Modify { order: 9, price: 100, qty: 1 }, vec![rejected(MODIFY_REJECT, 9)], EMPTY),
        (
            ioc(1, BUY, 100, 5),
            vec![said(ACK, BUY, 1, 100, 5), said(CANCEL_ACK, BUY, 1, 100, 5)],
            EMPTY,
        ),
        // Further out than any book has a place for: the interface has no word for that.
        (rest(1, BUY, i64::MAX, 5), vec![], EMPTY),
        (rest(2, BUY, 100, 10), vec![said(ACK, BUY, 2, 100, 10)], (100, i64::MAX, [10, 0, 0, 0])),
        (rest(3, BUY, 100, 4), vec![said(ACK, BUY, 3, 100, 4)], (100, i64::MAX, [14, 0, 0, 0])),
        (rest(4, SELL, 101, 6), vec![said(ACK, SELL, 4, 101, 6)], (100, 101, [14, 0, 0, 6])),
        // Only smaller, and yet to the end of its queue: a modify is a cancel and a new order.
        (
            Modify { order: 2, price: 100, qty: 9 },
            vec![said(MODIFY_ACK, BUY, 2, 100, 9)],
            (100, 101, [13, 0, 0, 6]),
        ),
        (
            ioc(5, SELL, 100, 5),
            vec![
                said(ACK, SELL, 5, 100, 5),
                traded(SELL, 5, 3, 100, 4),
                traded(SELL, 5, 2, 100, 1),
            ],
            (100, 101, [8, 0, 0, 6]),
        ),
        // A trade is at the maker's price, and what is left rests.
        (
            Modify { order: 2, price: 102, qty: 8 },
            vec![said(MODIFY_ACK, BUY, 2, 102, 8), traded(BUY, 2, 4, 101, 6)],
            (102, i64::MAX, [0; 4]),
        ),
        (Cancel { order: 4 }, vec![rejected(CANCEL_REJECT, 4)], (102, i64::MAX, [0; 4])),
        (Cancel { order: 2 }, vec![said(CANCEL_ACK, BUY, 2, 102, 2)], EMPTY),
    ];
    for (sequence, (step, want, after)) in (100..).zip(steps) {
        call(sequence, &step);
        let want: Vec<_> = want.iter().map(|record| Published { sequence, ..*record }).collect();
        assert_eq!(queue.drain(), all(&want), "message {sequence}");
        assert_eq!(queries(), after, "message {sequence}");
    }
    crate::engine_shutdown();
}

#[test]
fn an_engine_begins_empty_whatever_came_before_it() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let queue = Queue::new();
    for seed in 0..3 {
        // SAFETY: the transport is a constant, and the handle outlives `engine_shutdown` below.
        unsafe { crate::engine_init(seed, &TRANSPORT, queue.0) };
        assert_eq!(queries(), EMPTY);
        call(1, &Call::New { order: 1, side: BUY, price: 100, qty: 1, ioc: 0 });
        assert_eq!(queries(), (100, i64::MAX, [1, 0, 0, 0]));
        assert_eq!(queue.drain().len(), 1);
    }
    crate::engine_shutdown();
    crate::engine_shutdown();
}
