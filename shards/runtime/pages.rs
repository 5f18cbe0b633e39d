//! Memory that the kernel writes to: page-aligned, resident from the start, never moved.
//!
//! Held by address rather than as a slice, because the kernel writes to it behind the compiler's
//! back; a slice is made only of a part that the kernel has handed back.

use std::io;
use std::ptr::{self, NonNull};

/// A zeroed anonymous mapping. Belongs to one thread.
#[derive(Debug)]
pub(crate) struct Pages {
    base: NonNull<u8>,
    len: usize,
}

impl Pages {
    /// At least one byte. Errors: the host has no memory left.
    pub(crate) fn new(len: usize) -> io::Result<Self> {
        let len = len.max(1);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice aliases nothing.
        let base = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { base, len })
    }

    /// The address of byte `at`.
    ///
    /// # Panics
    /// Where `at` is outside.
    pub(crate) fn address(&self, at: usize) -> *mut u8 {
        assert!(at < self.len);
        // SAFETY: inside the mapping, as just asserted.
        unsafe { self.base.as_ptr().add(at) }
    }

    /// `len` bytes from `at`.
    ///
    /// # Safety
    /// The kernel does not write there while the slice lives.
    ///
    /// # Panics
    /// Where that is outside.
    pub(crate) unsafe fn slice(&self, at: usize, len: usize) -> &[u8] {
        assert!(at <= self.len && len <= self.len - at);
        // SAFETY: inside the mapping, which is initialised (zeroed) and lives as long as `self`;
        // nothing writes meanwhile, by the caller's promise.
        unsafe { core::slice::from_raw_parts(self.base.as_ptr().add(at), len) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and nothing borrows from it any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}
