//! The pool of resting orders: 32 bytes each, linked by `u32`, allocated once and never grown.
//!
//! What was given back last is taken first: it is the likeliest to be in the cache.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

use types::{InstrumentId, Side};

/// No order.
pub(crate) const NONE: u32 = u32::MAX;

/// In [`Slot::ladder`]: the order has terms, and what is kept of them is at [`Slot::account`]. Without
/// the flag a ladder's instrument is a place in the table of books; with it, it is none.
pub(crate) const SPECIAL: u32 = 1 << 31;
/// In [`Slot::ladder`]: the order is in no level's queue.
pub(crate) const HIDDEN: u32 = 1 << 30;
/// How many instruments there may be beside the flags.
pub(crate) const BOOKS_MAX: usize = (HIDDEN >> 1) as usize;

/// One resting order.
#[derive(Clone)]
#[repr(C, align(32))]
pub(crate) struct Slot {
    /// Its number.
    pub(crate) key: u64,
    /// Open shares; of a reserve those that are shown.
    pub(crate) qty: u32,
    /// Its level's place on its ladder.
    pub(crate) place: i32,
    /// The order behind it in the queue; for a free slot the next free one.
    pub(crate) behind: u32,
    /// The order ahead of it.
    pub(crate) ahead: u32,
    /// Instrument and side, with flags: `instrument << 1 | side`.
    pub(crate) ladder: u32,
    /// Whose it is; of one with terms, its place among those.
    pub(crate) account: u32,
}

const _: () = assert!(size_of::<Slot>() == 32);

impl Slot {
    /// The book it rests in.
    #[inline(always)]
    pub(crate) const fn instrument(&self) -> InstrumentId {
        InstrumentId::new((self.ladder & !(SPECIAL | HIDDEN)) >> 1)
    }

    /// Its place among the orders with terms, if it is one.
    #[inline(always)]
    pub(crate) fn special(&self) -> Option<u32> {
        (self.ladder & SPECIAL != 0).then_some(self.account)
    }

    #[inline(always)]
    pub(crate) const fn is_hidden(&self) -> bool {
        self.ladder & HIDDEN != 0
    }

    /// The side of the book it rests on.
    #[inline]
    pub(crate) const fn side(&self) -> Side {
        if self.ladder & 1 == 0 { Side::Buy } else { Side::Sell }
    }
}

/// The pool.
pub(crate) struct Orders {
    slots: Vec<Slot>,
    free: u32,
    live: u32,
}

impl Orders {
    /// Room for `capacity` orders. Writes every slot, so that no page fault is left for later.
    pub(crate) fn new(capacity: u32) -> Self {
        assert!(capacity < NONE, "{capacity} orders");
        let blank = |n: u32| {
            let behind = if n + 1 < capacity { n + 1 } else { NONE };
            Slot { key: 0, qty: 0, place: 0, behind, ahead: NONE, ladder: 0, account: 0 }
        };
        let slots = (0..capacity).map(blank).collect();
        Self { slots, free: if capacity == 0 { NONE } else { 0 }, live: 0 }
    }

    /// A slot with whatever its last owner left in it; `None` where all are taken.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<u32> {
        let id = self.free;
        let slot = self.slots.get(id as usize)?; // NONE is beyond the end
        self.free = slot.behind;
        self.live += 1;
        Some(id)
    }

    /// Gives back a slot that was taken.
    #[inline(always)]
    pub(crate) fn give(&mut self, id: u32) {
        self.slots[id as usize].behind = self.free;
        self.free = id;
        self.live -= 1;
    }

    #[inline(always)]
    pub(crate) const fn is_full(&self) -> bool {
        self.free == NONE
    }

    pub(crate) const fn live(&self) -> u32 {
        self.live
    }

    /// Bytes of the pool.
    pub(crate) const fn bytes(&self) -> usize {
        self.slots.len() * size_of::<Slot>()
    }
}

impl Index<u32> for Orders {
    type Output = Slot;
    #[inline(always)]
    fn index(&self, id: u32) -> &Slot {
        &self.slots[id as usize]
    }
}

impl IndexMut<u32> for Orders {
    #[inline(always)]
    fn index_mut(&mut self, id: u32) -> &mut Slot {
        &mut self.slots[id as usize]
    }
}
