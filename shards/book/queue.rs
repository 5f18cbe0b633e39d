//! The orders of a price level, in the order in which they trade.

use core::hint::select_unpredictable;

use crate::arena::{Linked, NONE, Pool};
use crate::rung::Rung;

/// An order as it is stored: half a cache line, never across two.
#[derive(Clone)]
#[repr(C, align(32))]
pub struct Slot {
    pub(crate) order: u64,
    pub(crate) qty: u32,
    /// Its level.
    pub(crate) rung: u32,
    /// The order that trades before it.
    pub(crate) ahead: u32,
    /// The order that trades after it.
    pub(crate) behind: u32,
    /// Its book and side: twice the instrument's slot, plus the side.
    pub(crate) ladder: u32,
    /// The next slot of its hash chain.
    pub(crate) next: u32,
}

const _: () = assert!(size_of::<Slot>() == 32);

impl Linked for Slot {
    const BLANK: Self =
        Self { order: 0, qty: 0, rung: NONE, ahead: NONE, behind: NONE, ladder: 0, next: NONE };
    fn link(&self) -> u32 {
        self.behind
    }
    fn set_link(&mut self, next: u32) {
        self.behind = next;
    }
}

/// Puts `order` into slot `id`, at the back of level `rung_id`.
#[inline(always)]
pub(crate) fn join(
    slots: &mut Pool<Slot>,
    rungs: &mut Pool<Rung>,
    id: u32,
    rung_id: u32,
    order: (u64, u32, u32),
) {
    let (order, qty, ladder) = order;
    let rung = &mut rungs[rung_id];
    let ahead = rung.tail;
    rung.tail = id;
    rung.qty += u64::from(qty);
    rung.orders += 1;
    rung.head = select_unpredictable(ahead == NONE, id, rung.head);
    // Without a branch that nobody can guess: where none is ahead, this writes to item 0.
    slots[ahead].behind = id;
    slots[id] = Slot { order, qty, rung: rung_id, ahead, behind: NONE, ladder, next: NONE };
}

/// Takes the order in slot `id` out of its level; gives how many orders stay there.
#[inline(always)]
pub(crate) fn leave(slots: &mut Pool<Slot>, rungs: &mut Pool<Rung>, id: u32) -> u32 {
    let Slot { qty, rung, ahead, behind, .. } = slots[id];
    let rung = &mut rungs[rung];
    rung.qty -= u64::from(qty);
    rung.orders -= 1;
    rung.head = select_unpredictable(ahead == NONE, behind, rung.head);
    rung.tail = select_unpredictable(behind == NONE, ahead, rung.tail);
    // Without branches that nobody can guess: where none is there, these write to item 0.
    slots[ahead].behind = behind;
    slots[behind].ahead = ahead;
    rung.orders
}
