//! The allocator's seal: shows, or forbids, an allocation on the hot path.
//!
//! The loop seals its thread around every `poll`. In a process that installs [`Sealable`] as its
//! global allocator (tests and benches do), an allocation under the seal is counted, or ends the
//! process where [`forbid`] was called. Elsewhere the seal is two thread-local additions.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    // Const-initialised and without a destructor: reading them cannot allocate.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

static FORBIDDEN: AtomicBool = AtomicBool::new(false);

/// The system allocator that knows of the seal. Install it with `#[global_allocator]`.
#[derive(Debug)]
pub struct Sealable;

/// Sealed until dropped. Seals nest.
#[derive(Debug)]
#[must_use = "the seal ends when this is dropped"]
pub struct Seal {
    // A seal belongs to its thread.
    _not_send: core::marker::PhantomData<*const ()>,
}

impl Seal {
    /// Seals this thread.
    #[inline]
    pub fn new() -> Self {
        DEPTH.set(DEPTH.get().wrapping_add(1));
        Self { _not_send: core::marker::PhantomData }
    }
}

impl Default for Seal {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Seal {
    #[inline]
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().wrapping_sub(1));
    }
}

/// Allocations, reallocations and frees on this thread under a seal, ever.
pub fn broken() -> u64 {
    COUNT.get()
}

/// From here on, whoever breaks a seal ends the process, so that a debugger shows the place.
pub fn forbid() {
    FORBIDDEN.store(true, Ordering::Relaxed);
}

#[inline]
fn touched() {
    if DEPTH.get() == 0 {
        return;
    }
    COUNT.set(COUNT.get().wrapping_add(1));
    if FORBIDDEN.load(Ordering::Relaxed) {
        let text = b"the allocator was used under its seal\n";
        // SAFETY: the buffer is valid for its length; a failed write changes nothing.
        unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
        std::process::abort();
    }
}

// SAFETY: every call goes to the system allocator unchanged, whose contract this then keeps.
unsafe impl GlobalAlloc for Sealable {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        touched();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        touched();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        touched();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        touched();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods)] // a test has threads and patience of its own
mod tests {
    use super::*;

    #[test]
    fn only_what_happens_under_the_seal_counts() {
        let before = broken();
        drop(std::hint::black_box(vec![1_u8; 100]));
        assert_eq!(broken(), before, "not sealed");
        {
            let _outer = Seal::new();
            drop(Seal::new());
            drop(std::hint::black_box(vec![1_u8; 100]));
        }
        assert_eq!(broken(), before + 2, "one allocation and one free");
        std::thread::spawn(|| assert_eq!(broken(), 0, "each thread for itself")).join().unwrap();
    }
}
