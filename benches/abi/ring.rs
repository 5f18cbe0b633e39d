//! A single-producer single-consumer ring of records, for the matcher and the drainer.
//!
//! What makes it fast is what it does not do: the producer looks at the consumer's place only when
//! it seems to have run out of room, and tells its own only every 64 records and on flush.

use core::cell::{Cell, UnsafeCell};
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

/// A record on a cache line of its own. Only here: the harness's own records lie where C puts them.
#[repr(align(64))]
struct Slot(UnsafeCell<Record>);

/// The ring. Nobody has it mutably: each side writes its own cells, through a shared reference.
#[repr(C)]
pub(crate) struct Ring {
    /// The producer's own.
    ours: Alone<Cell<Producer>>,
    /// The consumer's own: the next record it reads.
    theirs: Alone<Cell<u64>>,
    written: Alone<AtomicU64>,
    read: Alone<AtomicU64>,
    slots: Box<[Slot]>,
}

#[derive(Clone, Copy)]
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
    /// `handle` came from [`create`] and is not destroyed while this is used. One thread at a time
    /// calls what is the producer's, and one what is the consumer's.
    pub(crate) unsafe fn of(handle: *mut c_void) -> &'static Self {
        // SAFETY: the caller's word.
        unsafe { &*handle.cast::<Self>() }
    }

    #[inline(always)]
    fn slot(&self, number: u64) -> *mut Record {
        // The length is a power of two.
        self.slots[(number & (self.slots.len() as u64 - 1)) as usize].0.get()
    }

    /// The producer's. False where it is full.
    #[inline(always)]
    pub(crate) fn push(&self, record: &Record) -> bool {
        let Producer { next, room } = self.ours.0.get();
        if next == room && !self.look() {
            return false;
        }
        // SAFETY: the consumer reads below `written` only, and has read what stood here before: there
        // is room.
        unsafe { self.slot(next).write(*record) };
        let next = next + 1;
        self.ours.0.set(Producer { next, ..self.ours.0.get() });
        if next.is_multiple_of(BATCH) {
            self.publish();
        }
        true
    }

    /// Looks for room; publishes what is held back where there is none, or nobody would make any.
    #[cold]
    fn look(&self) -> bool {
        let Producer { next, .. } = self.ours.0.get();
        let room = self.read.0.load(Acquire) + self.slots.len() as u64;
        self.ours.0.set(Producer { next, room });
        if next == room {
            self.publish();
        }
        next != room
    }

    /// The producer's: tells the consumer of all records so far.
    #[inline(always)]
    pub(crate) fn publish(&self) {
        self.written.0.store(self.ours.0.get().next, Release);
    }

    /// The consumer's: up to `max` records into `out`.
    ///
    /// # Safety
    /// There is room for `max` records at `out`.
    unsafe fn drain(&self, out: *mut Record, max: u32) -> u32 {
        let from = self.theirs.0.get();
        let count = (self.written.0.load(Acquire) - from).min(u64::from(max));
        for n in 0..count {
            // SAFETY: below `written`, where the producer is done, and above `read`, where it does not
            // write yet; `n` is below `max`.
            unsafe { out.add(n as usize).write(*self.slot(from + n)) };
        }
        self.theirs.0.set(from + count);
        self.read.0.store(from + count, Release);
        count as u32
    }
}

extern "C" fn create(capacity: u32) -> *mut c_void {
    let len = (capacity as usize).next_power_of_two().max(BATCH as usize);
    // Not the default record, which is all zero: such memory is mapped when it is first touched.
    let blank = Record { kind: u8::MAX, ..Record::default() };
    let ring = Ring {
        ours: Alone(Cell::new(Producer { next: 0, room: len as u64 })),
        theirs: Alone(Cell::new(0)),
        written: Alone(AtomicU64::new(0)),
        read: Alone(AtomicU64::new(0)),
        slots: (0..len).map(|_| Slot(UnsafeCell::new(blank))).collect(),
    };
    Box::into_raw(Box::new(ring)).cast()
}

unsafe extern "C" fn push(handle: *mut c_void, record: *const Record) -> c_int {
    // SAFETY: the harness's word: our handle, called by the producer, a whole record.
    c_int::from(unsafe { Ring::of(handle).push(&*record) })
}

unsafe extern "C" fn drain(handle: *mut c_void, out: *mut Record, max: u32) -> u32 {
    // SAFETY: the harness's word: our handle, called by the consumer, room for `max` records.
    unsafe { Ring::of(handle).drain(out, max) }
}

unsafe extern "C" fn flush(handle: *mut c_void) {
    // SAFETY: the harness's word: our handle, called by the producer.
    unsafe { Ring::of(handle) }.publish();
}

unsafe extern "C" fn destroy(handle: *mut c_void) {
    // SAFETY: the harness's word: our handle, once, after both ends are done.
    drop(unsafe { Box::from_raw(handle.cast::<Ring>()) });
}

#[cfg(test)]
mod tests {
    use super::{BATCH, Ring, TRANSPORT};
    use crate::record::Record;

    /// Round the ring several times, drained in odd pieces into memory that C would give: aligned to
    /// eight bytes and no more.
    #[test]
    fn what_goes_in_comes_out_once_and_in_order() {
        let handle = (TRANSPORT.create)(100);
        // SAFETY: made above, and used by this thread alone until it is destroyed.
        let ring = unsafe { Ring::of(handle) };
        let mut bytes = vec![0u64; 1 + 50 * size_of::<Record>() / 8];
        let at = bytes.as_ptr() as usize / 8 % 2;
        let out = bytes[1 - at..].as_mut_ptr().cast::<Record>();
        let (mut sent, mut got) = (0u64, 0u64);
        for piece in (1..50u32).cycle().take(500) {
            while sent < got + 128 && ring.push(&Record { order_id: sent, ..Record::default() }) {
                sent += 1;
            }
            assert_eq!(sent, got + 128, "a ring for 100 takes 128");
            assert!(!ring.push(&Record::default()), "and no more");
            // SAFETY: room for 50 records, and this thread is the only consumer.
            let count = unsafe { ring.drain(out, piece) };
            assert_eq!(count, piece);
            for n in 0..count as usize {
                // SAFETY: just written.
                assert_eq!(unsafe { (*out.add(n)).order_id }, got + n as u64);
            }
            got += u64::from(count);
        }
        // SAFETY: made above, and not used after.
        unsafe { (TRANSPORT.destroy)(handle) };
    }

    #[test]
    fn a_record_is_seen_after_its_batch_or_a_flush() {
        let handle = (TRANSPORT.create)(256);
        // SAFETY: made above, and used by this thread alone until it is destroyed.
        let ring = unsafe { Ring::of(handle) };
        let mut out = [Record::default(); 256];
        // SAFETY: room for 256.
        let mut seen = || unsafe { ring.drain(out.as_mut_ptr(), 256) };
        for _ in 1..BATCH {
            assert!(ring.push(&Record::default()));
        }
        assert_eq!(seen(), 0);
        ring.publish();
        assert_eq!(u64::from(seen()), BATCH - 1);
        assert!(ring.push(&Record::default()));
        assert_eq!(seen(), 1, "the batch is full");
        // SAFETY: made above, and not used after.
        unsafe { (TRANSPORT.destroy)(handle) };
    }
}
