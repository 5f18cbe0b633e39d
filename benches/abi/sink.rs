//! The market's out-buffer here: each report becomes a record, and records leave for the queue.

use core::ffi::c_void;
use core::hint::spin_loop;

use matching::{Ended, Out, Report};

use crate::record::{Record, Transport, kind};
#[cfg(feature = "ring")]
use crate::ring::Ring;

/// Records of a burst.
#[cfg(not(feature = "ring"))]
const HELD_MAX: usize = 64;

/// What the message under way asked for: a refusal is named after it.
#[derive(Clone, Copy)]
pub(crate) enum Asked {
    /// A new order.
    Enter,
    /// A cancel.
    Cancel,
    /// A modify.
    Modify,
}

/// Where records go.
pub(crate) struct Sink {
    #[cfg(not(feature = "ring"))]
    push: unsafe extern "C" fn(*mut c_void, *const Record) -> core::ffi::c_int,
    #[cfg(not(feature = "ring"))]
    handle: *mut c_void,
    /// What is yet to be pushed: the harness's queue shows each push to its drainer at once, and
    /// the two cores fight over its cache lines once a burst instead of once a record.
    #[cfg(not(feature = "ring"))]
    held: [Record; HELD_MAX],
    #[cfg(not(feature = "ring"))]
    held_len: usize,
    #[cfg(feature = "ring")]
    ring: &'static Ring,
    sequence: u64,
    asked: Asked,
}

impl Sink {
    /// # Safety
    /// `transport` and `handle` are the harness's own, or those of our ring, and outlive this.
    pub(crate) unsafe fn new(transport: *const Transport, handle: *mut c_void) -> Self {
        #[cfg(feature = "ring")]
        let _ = transport;
        Self {
            // SAFETY: the caller's word.
            #[cfg(not(feature = "ring"))]
            push: unsafe { (*transport).push },
            #[cfg(not(feature = "ring"))]
            handle,
            #[cfg(not(feature = "ring"))]
            held: [Record::default(); HELD_MAX],
            #[cfg(not(feature = "ring"))]
            held_len: 0,
            // SAFETY: the handle is what our own `create` made; the producer's half is ours alone.
            #[cfg(feature = "ring")]
            ring: unsafe { Ring::of(handle) },
            sequence: 0,
            asked: Asked::Enter,
        }
    }

    /// The message whose reports follow.
    #[inline(always)]
    pub(crate) const fn begin(&mut self, sequence: u64, asked: Asked) {
        self.sequence = sequence;
        self.asked = asked;
    }

    #[cfg(feature = "ring")]
    pub(crate) fn flush(&mut self) {
        self.ring.publish();
    }

    #[cfg(not(feature = "ring"))]
    #[inline(never)]
    pub(crate) fn flush(&mut self) {
        for record in &self.held[..self.held_len] {
            // SAFETY: the harness's own queue and a whole record. 0 is a full queue.
            while unsafe { (self.push)(self.handle, record) } == 0 {
                spin_loop();
            }
        }
        self.held_len = 0;
    }

    #[cfg(feature = "ring")]
    #[inline(always)]
    fn put(&mut self, record: &Record) {
        while !self.ring.push(record) {
            spin_loop();
        }
    }

    #[cfg(not(feature = "ring"))]
    #[inline(always)]
    fn put(&mut self, record: &Record) {
        if self.held_len == HELD_MAX {
            self.flush();
        }
        self.held[self.held_len] = *record;
        self.held_len += 1;
    }
}

impl Out for Sink {
    #[inline(always)]
    fn push(&mut self, report: Report) {
        let blank = Record { sequence: self.sequence, ..Record::default() };
        let record = match report {
            Report::Accepted { order, side, tick, qty } => Record {
                kind: kind::ORDER_ACK,
                side: side as u8,
                order_id: order.get(),
                price: tick.map_or(0, |tick| tick.get()),
                quantity: qty,
                ..blank
            },
            Report::Filled { maker, taker, side, tick, qty, .. } => Record {
                kind: kind::TRADE,
                side: side as u8,
                order_id: taker.get(),
                price: tick.get(),
                quantity: qty,
                maker: maker.get(),
                taker: taker.get(),
                ..blank
            },
            // The interface says only that a modify was refused.
            Report::Cancelled { why: Ended::Refused, .. } => return,
            Report::Cancelled { order, side, tick, qty, .. } => Record {
                kind: kind::CANCEL_ACK,
                side: side as u8,
                order_id: order.get(),
                price: tick.map_or(0, |tick| tick.get()),
                quantity: qty,
                ..blank
            },
            Report::Replaced { new, side, tick, qty, .. } => Record {
                kind: kind::MODIFY_ACK,
                side: side as u8,
                order_id: new.get(),
                price: tick.get(),
                quantity: qty,
                ..blank
            },
            Report::Refused { order, .. } => {
                let kind = match self.asked {
                    Asked::Cancel => kind::CANCEL_REJECT,
                    Asked::Modify => kind::MODIFY_REJECT,
                    // The interface has no word for a new order that is refused.
                    Asked::Enter => return,
                };
                Record { kind, order_id: order.get(), ..blank }
            }
            // Self-match prevention is off here.
            // No place in its records: it has plain orders in continuous trading only.
            Report::Rested { .. }
            | Report::Triggered { .. }
            | Report::Decremented { .. }
            | Report::Reduced { .. }
            | Report::Crossed { .. }
            | Report::Uncrossed { .. }
            | Report::Indicated(_)
            | Report::Bands { .. }
            | Report::Collar { .. }
            | Report::LimitState { .. }
            | Report::Phase { .. } => return,
        };
        self.put(&record);
    }
}
