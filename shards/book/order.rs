//! Orders as anyone outside sees them, and the walk over a side's queues.

use types::{InstrumentId, OrderRef, Px, Qty, Side};

use crate::arena::{NONE, Pool};
use crate::ladder::px_of;
use crate::queue::Slot;
use crate::{Depth, Level};

/// One live order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number.
    pub order: OrderRef,
    /// Whose book it is in.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
    /// Its price.
    pub px: Px,
    /// Shares left.
    pub qty: Qty,
}

/// Where an order stands in its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The order itself.
    pub order: Order,
    /// Its level, the order included.
    pub level: Level,
    /// Orders before it at its level.
    pub orders_ahead: u32,
    /// Shares before it at its level.
    pub qty_ahead: Qty,
}

/// The orders of one side of one book, best level first, each level in queue order.
#[derive(Clone)]
pub struct Orders<'a> {
    slots: &'a Pool<Slot>,
    depth: Depth<'a>,
    instrument: InstrumentId,
    side: Side,
    px: Px,
    next: u32,
}

impl<'a> Orders<'a> {
    pub(crate) fn new(
        slots: &'a Pool<Slot>,
        depth: Depth<'a>,
        instrument: InstrumentId,
        side: Side,
    ) -> Self {
        Self { slots, depth, instrument, side, px: Px::ZERO, next: NONE }
    }
}

impl Iterator for Orders<'_> {
    type Item = Order;

    fn next(&mut self) -> Option<Order> {
        if self.next == NONE {
            // A level that is in the ladder has orders.
            let rung = self.depth.next_rung()?;
            self.px = px_of(self.side, rung.key);
            self.next = rung.head;
        }
        let slot = &self.slots[self.next];
        self.next = slot.behind;
        Some(Order {
            order: OrderRef::new(slot.order),
            instrument: self.instrument,
            side: self.side,
            px: self.px,
            qty: Qty::from(slot.qty),
        })
    }
}
