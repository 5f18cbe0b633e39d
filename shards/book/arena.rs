//! A pool of equal items, addressed by `u32`, allocated once and never grown.
//!
//! Item 0 is never handed out: as a link it means "none", and a write through it lands where nobody
//! looks, which spares the hot path a branch. What was given back last is taken first, because it
//! is the likeliest to be in the cache.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

/// No item.
pub(crate) const NONE: u32 = 0;

/// The most items that a pool takes: the order index keeps four bits of each entry for itself.
pub(crate) const ITEMS_MAX: usize = (1 << 28) - 2;

/// An item that can carry the pool's free list while nobody owns it.
pub(crate) trait Linked: Clone {
    /// What unused items look like.
    const BLANK: Self;
    fn link(&self) -> u32;
    fn set_link(&mut self, next: u32);
}

/// The pool.
#[derive(Clone)]
pub(crate) struct Pool<T> {
    items: Vec<T>,
    /// The item that was given back last.
    free: u32,
    /// The first item that was never taken.
    fresh: u32,
    live: u32,
}

impl<T: Linked> Pool<T> {
    /// Room for `capacity` items.
    pub(crate) fn new(capacity: usize) -> Self {
        assert!(capacity <= ITEMS_MAX, "capacity {capacity}: at most {ITEMS_MAX}");
        Self { items: vec![T::BLANK; capacity + 1], free: NONE, fresh: 1, live: 0 }
    }

    /// An item with whatever its last owner left in it; `None` where all are taken.
    pub(crate) fn take(&mut self) -> Option<u32> {
        let id = self.free;
        if id != NONE {
            self.free = self.items[id as usize].link();
            self.live += 1;
            return Some(id);
        }
        if self.fresh as usize == self.items.len() {
            return None;
        }
        let id = self.fresh;
        self.fresh += 1;
        self.live += 1;
        Some(id)
    }

    /// Gives `id` back, which must have been taken.
    pub(crate) fn give(&mut self, id: u32) {
        self.items[id as usize].set_link(self.free);
        self.free = id;
        self.live -= 1;
    }

    /// Gives everything back.
    pub(crate) fn clear(&mut self) {
        self.free = NONE;
        self.fresh = 1;
        self.live = 0;
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.items.len() - 1 == self.live as usize
    }

    pub(crate) const fn live(&self) -> usize {
        self.live as usize
    }

    /// Two different items at once.
    pub(crate) fn pair(&mut self, a: u32, b: u32) -> Option<[&mut T; 2]> {
        self.items.get_disjoint_mut([a as usize, b as usize]).ok()
    }

    /// Bytes of all items.
    pub(crate) const fn bytes(&self) -> usize {
        self.items.len() * size_of::<T>()
    }
}

impl<T> Index<u32> for Pool<T> {
    type Output = T;
    fn index(&self, id: u32) -> &T {
        &self.items[id as usize]
    }
}

impl<T> IndexMut<u32> for Pool<T> {
    fn index_mut(&mut self, id: u32) -> &mut T {
        &mut self.items[id as usize]
    }
}
