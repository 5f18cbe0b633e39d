//! What everybody knows of each order: 24 bytes, by the slot in its number.

use alloc::vec;
use alloc::vec::Vec;

use matching::OrderKey;
use types::InstrumentId;

/// One order. Its key is not kept: whoever deals keys gives a slot to one live order at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// The number under which it is shown, or will be first.
    pub(crate) order_ref: u64,
    /// Its shares on display under that number.
    pub(crate) shown: u32,
    /// Its price on display; 0 where it was never shown under that number.
    pub(crate) price: u32,
    /// Whose book it is in.
    pub(crate) instrument: InstrumentId,
}

const _: () = assert!(size_of::<Order>() == 24);

/// No order was accepted here yet. Not all zeros, so that a new table is written and no page fault
/// is left for later.
pub(crate) const NONE: Order =
    Order { order_ref: 0, shown: 0, price: 0, instrument: InstrumentId::new(u32::MAX) };

/// Orders by slot.
pub(crate) struct Orders {
    slots: Vec<Order>,
}

impl Orders {
    pub(crate) fn new(orders_max: u32) -> Self {
        Self { slots: vec![NONE; orders_max as usize] }
    }

    /// The order in the slot of this key; `None` where there is no such slot.
    #[inline]
    pub(crate) fn get_mut(&mut self, key: OrderKey) -> Option<&mut Order> {
        self.slots.get_mut(slot(key))
    }

    /// [`Self::get_mut`], to look at.
    #[inline]
    pub(crate) fn get(&self, key: OrderKey) -> Option<&Order> {
        self.slots.get(slot(key))
    }
}

/// The low half of a key is its slot; the high half tells one order in it from the next.
#[inline]
const fn slot(key: OrderKey) -> usize {
    (key.get() & 0xFFFF_FFFF) as usize
}
