//! Asks for a cache line ahead of its use. A hint: it never faults and changes no result.
//!
//! A dependent cache miss costs 170 to 230 ns where an independent one costs 2 to 17, so a batch
//! that names its lines first and reads them later pays for one miss rather than for all.

/// Asks for the line that holds the start of `value`. Nothing on other architectures.
#[inline(always)]
pub fn prefetch<T>(value: &T) {
    line(core::ptr::from_ref(value).cast());
}

/// Asks for the line that holds `slice[at]`; an index past the end asks for nothing.
#[inline(always)]
pub fn prefetch_at<T>(slice: &[T], at: usize) {
    if let Some(value) = slice.get(at) {
        prefetch(value);
    }
}

#[inline(always)]
fn line(address: *const i8) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of every x86_64, and prefetcht0 ignores an address it cannot load.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_index_is_safe() {
        let lines = [1_u64, 2, 3];
        for at in [0, 2, 3, usize::MAX] {
            prefetch_at(&lines, at);
        }
        prefetch_at::<u64>(&[], 0);
        prefetch(&lines);
        assert_eq!(lines, [1, 2, 3]);
    }
}
