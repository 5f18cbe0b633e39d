//! The exchange's own books behind the C interface of the public matching benchmark.
//!
//! `flash1-dev/matching-engine-benchmark` loads this library, sends one message a call and hashes
//! the reports. The books are the ones that the venue runs; this file only turns its messages into
//! commands and reports into its records. With feature `ring` reports leave by `ring.rs` instead of
//! the queue that the harness supplies.
//!
//! The one place outside `shards/runtime` with unsafe code: a C interface is made of pointers. The
//! harness calls from one thread at a time, as its `matching_engine_api.h` says.
#![allow(unsafe_code, reason = "a C interface is made of pointers")]

pub mod record;
#[cfg(any(test, feature = "ring"))]
mod ring;
mod sink;
#[cfg(test)]
mod tests;

use core::ptr;
use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use matching::{
    Account, Capacity, Market, NewOrder, OrderKey, Policy, Price, Replace, Rules, SelfMatch,
    Standing, Tick,
};
use types::{AccountId, FirmId, InstrumentId, Side};

use record::{Cancel, Modify, New, Transport};
use sink::{Asked, Sink};

/// Resting orders: half again what the published workloads leave at their deepest (42,284).
const CAPACITY: Capacity = Capacity { orders: 65_536, terms: 0 };
/// One instrument. The workloads start at 33,504 ticks and stay between 27,506 and 65,365; what
/// lies outside the window is slower and no less right.
const RULES: Rules = Rules {
    reference: Tick::new(65_536),
    window: 131_072,
    far_levels: 65_536,
    // The interface wants a modify to be a cancel and a new order.
    keeps_place: false,
    policy: Policy::PriceTime,
    lit: true,
    seed: 0,
};
/// The interface knows no accounts.
const ANYBODY: Account = Account { group: 0, firm: FirmId::new(0) };
const INSTRUMENT: InstrumentId = InstrumentId::new(0);

struct Engine {
    market: Market,
    sink: Sink,
}

static ENGINE: AtomicPtr<Engine> = AtomicPtr::new(ptr::null_mut());

/// Calls `work` with the engine, between `engine_init` and `engine_shutdown`.
#[inline(always)]
fn with<T>(work: impl FnOnce(&mut Engine) -> T) -> T {
    let engine = ENGINE.load(Relaxed);
    assert!(!engine.is_null(), "called before engine_init");
    // SAFETY: it points to what `engine_init` leaked and `engine_shutdown` has not taken back; the
    // harness calls from one thread at a time, and `work`, which is ours, calls nothing of this file.
    work(unsafe { &mut *engine })
}

const fn side_of(side: u8) -> Side {
    if side == 0 { Side::Buy } else { Side::Sell }
}

/// Makes the books and keeps where reports go. `seed` is not used: nothing here is random.
///
/// # Safety
/// `transport` and `handle` are the harness's own, and live until `engine_shutdown`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn engine_init(_seed: u64, transport: *const Transport, handle: *mut c_void) {
    // SAFETY: the caller's word, above.
    let sink = unsafe { Sink::new(transport, handle) };
    let engine = Engine { market: Market::new(CAPACITY, &[ANYBODY], &[RULES]), sink };
    engine_shutdown(); // of an engine before this one
    ENGINE.store(Box::into_raw(Box::new(engine)), Relaxed);
}

/// Gives everything back.
#[unsafe(no_mangle)]
pub extern "C" fn engine_shutdown() {
    let engine = ENGINE.swap(ptr::null_mut(), Relaxed);
    if !engine.is_null() {
        // SAFETY: `engine_init` made it a raw pointer, and nothing else took it back.
        drop(unsafe { Box::from_raw(engine) });
    }
}

/// One new order.
///
/// # Safety
/// `order` points to a whole message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn engine_on_new_order(order: *const New) {
    // SAFETY: the caller's word, above.
    let order = unsafe { &*order };
    let sequence = order.sequence;
    let standing = match order.ioc {
        0 => Standing::Rest,
        _ => Standing::Immediate { min_qty: 0 },
    };
    let order = NewOrder {
        key: OrderKey::new(order.order_id),
        instrument: INSTRUMENT,
        side: side_of(order.side),
        qty: order.quantity,
        price: Price::Limit(Tick::new(order.price)),
        standing,
        account: AccountId::new(0),
        self_match: SelfMatch::Allow,
    };
    with(|Engine { market, sink }| {
        sink.begin(sequence, Asked::Enter);
        market.enter(&order, sink);
    });
}

/// One cancel.
///
/// # Safety
/// `cancel` points to a whole message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn engine_on_cancel(cancel: *const Cancel) {
    // SAFETY: the caller's word, above.
    let cancel = unsafe { &*cancel };
    with(|Engine { market, sink }| {
        sink.begin(cancel.sequence, Asked::Cancel);
        market.cancel(OrderKey::new(cancel.order_id), sink);
    });
}

/// One modify.
///
/// # Safety
/// `modify` points to a whole message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn engine_on_modify(modify: *const Modify) {
    // SAFETY: the caller's word, above.
    let modify = unsafe { &*modify };
    let key = OrderKey::new(modify.order_id);
    let replace = Replace {
        old: key,
        new: key,
        qty: modify.quantity,
        tick: Tick::new(modify.price),
        post_only: false,
        self_match: SelfMatch::Allow,
    };
    with(|Engine { market, sink }| {
        sink.begin(modify.sequence, Asked::Modify);
        market.replace(&replace, sink);
    });
}

/// Everything was matched when its call returned; what our own ring holds back goes out.
#[unsafe(no_mangle)]
pub extern "C" fn engine_flush() {
    with(|engine| engine.sink.flush());
}

/// The best bid, or the lowest number.
#[unsafe(no_mangle)]
pub extern "C" fn engine_query_best_bid() -> i64 {
    with(|engine| engine.market.best(INSTRUMENT, Side::Buy)).map_or(i64::MIN, Tick::get)
}

/// The best offer, or the highest number.
#[unsafe(no_mangle)]
pub extern "C" fn engine_query_best_ask() -> i64 {
    with(|engine| engine.market.best(INSTRUMENT, Side::Sell)).map_or(i64::MAX, Tick::get)
}

/// The shares at a price.
#[unsafe(no_mangle)]
pub extern "C" fn engine_query_depth_at(price: i64, side: u8) -> u64 {
    with(|engine| engine.market.depth_at(INSTRUMENT, side_of(side), Tick::new(price)))
}

/// Our own ring in place of the harness's queue.
#[cfg(feature = "ring")]
#[unsafe(no_mangle)]
pub extern "C" fn engine_get_transport() -> *const Transport {
    &ring::TRANSPORT
}
