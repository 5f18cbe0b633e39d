//! A single-producer single-consumer ring of records, for the matcher and the drainer.
//!
//! What makes it fast is what it does not do: the producer looks at the consumer's place only when
//! it seems to have run out of room, and tells its own only every 64 records and on flush.

use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Release},
};

use crate::record::{Record, Transport};

/// Records between two publications.
const BATCH: u64 = 64;

/// A counter on cache lines of its own; two, since the hardware fetches lines in pairs.
#[repr(align(128))]
struct Alone<T>(T);

/// The ring. The first part is the producer's own, the second the consumer's, the last is shared.
#[repr(C)]
pub(crate) struct Ring {
    ours: Alone<Producer>,
    theirs: Alone<UnsafeCell<u64>>,
    written: Alone<AtomicU64>,
    read: Alone<AtomicU64>,
    records: Box<[UnsafeCell<Record>]>,
}

struct Producer {
    /// The next record's number.
    next: u64,
    /// Up to here there is room, as last seen.
    room: u64,
}

/// What the harness gets.
pub(crate) static TRANSPORT: Transport = Transport { create, push, drain, flush, destroy };

impl Ring {
    /// # Safety
    /// `handle` came from [`create`] and was not destroyed; nobody else has the producer's half.
    pub(crate) unsafe fn of(handle: *mut c_void) -> &'static mut Self {
        // SAFETY: the caller's word. The consumer only touches the cells and counters.
        unsafe { &mut *handle.cast::<Self>() }
    }

    /// False where it is full.
    #[inline(always)]
    pub(crate) fn push(&mut self, record: &Record) -> bool {
        let next = self.ours.0.next;
        if next == self.ours.0.room && !self.look() {
            return false;
        }
        let at = (next & (self.records.len() as u64 - 1)) as usize;
        *self.records[at].get_mut() = *record;
        self.ours.0.next = next + 1;
        if (next + 1).is_multiple_of(BATCH) {
            self.publish();
        }
        true
    }

    /// Looks for room; publishes what is held back where there is none, or nobody would make any.
    #[cold]
    fn look(&mut self) -> bool {
        self.ours.0.room = self.read.0.load(Acquire) + self.records.len() as u64;
        if self.ours.0.next == self.ours.0.room {
            self.publish();
            return false;
        }
        true
    }

    /// Tells the consumer of all records so far.
    #[inline(always)]
    pub(crate) fn publish(&self) {
        self.written.0.store(self.ours.0.next, Release);
    }
}

extern "C" fn create(capacity: u32) -> *mut c_void {
    let len = (capacity as usize).next_power_of_two().max(BATCH as usize);
    // Not the default record, which is all zero: such memory is mapped when it is first touched.
    let blank = Record { kind: u8::MAX, ..Record::default() };
    let records: Box<[UnsafeCell<Record>]> = (0..len).map(|_| UnsafeCell::new(blank)).collect();
    let ring = Ring {
        ours: Alone(Producer { next: 0, room: len as u64 }),
        theirs: Alone(UnsafeCell::new(0)),
        written: Alone(AtomicU64::new(0)),
        read: Alone(AtomicU64::new(0)),
        records,
    };
    Box::into_raw(Box::new(ring)).cast()
}

unsafe extern "C" fn push(handle: *mut c_void, record: *const Record) -> c_int {
    // SAFETY: the harness's word: our handle, called by the producer, a whole record.
    c_int::from(unsafe { Ring::of(handle).push(&*record) })
}

unsafe extern "C" fn drain(handle: *mut c_void, out: *mut Record, max: u32) -> u32 {
    let ring = handle.cast::<Ring>();
    // SAFETY: the harness's word: our handle, called by the consumer alone, room for `max` records.
    // Records below `written` are not written again before `read` passes them; of the producer's own
    // part nothing is touched, so no reference to the whole ring is made.
    unsafe {
        let next = (&raw const (*ring).theirs.0).cast::<u64>().cast_mut();
        let (records, from) = (&(*ring).records, *next);
        let count = ((*ring).written.0.load(Acquire) - from).min(u64::from(max));
        for n in 0..count {
            let at = ((from + n) & (records.len() as u64 - 1)) as usize;
            out.add(n as usize).write(*records[at].get());
        }
        *next = from + count;
        (*ring).read.0.store(from + count, Release);
        count as u32
    }
}

unsafe extern "C" fn flush(handle: *mut c_void) {
    // SAFETY: the harness's word: our handle, called by the producer.
    unsafe { Ring::of(handle) }.publish();
}

unsafe extern "C" fn destroy(handle: *mut c_void) {
    // SAFETY: the harness's word: our handle, once, after both ends are done.
    drop(unsafe { Box::from_raw(handle.cast::<Ring>()) });
}
