//! When orders end that are good to a time. What ended before its time is found out late: when its
//! time comes, when its number is used again, or when room is wanted.

use types::Nanos;

use crate::OrderKey;
use crate::index::Index;
use crate::orders::{NONE, Orders};
use crate::tree::Tree;

/// How many orders are looked at for one that ended, where room is wanted and there is none.
const SWEEP: u32 = 64;

/// The times, soonest first.
pub(crate) struct Dated {
    /// Numbers; a slot in use has one share.
    slots: Orders,
    index: Index,
    tree: Tree,
    root: u32,
    capacity: u32,
    /// Where the next look for room begins.
    swept: u32,
}

impl Dated {
    pub(crate) fn new(capacity: u32) -> Self {
        Self {
            slots: Orders::new(capacity),
            index: Index::new(capacity),
            tree: Tree::new(capacity),
            root: NONE,
            capacity,
            swept: 0,
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.live() == 0
    }

    /// When an order ends.
    pub(crate) fn when(&self, order: OrderKey) -> Option<Nanos> {
        let found = self.index.find(&self.slots, order.get())?;
        Some(Nanos::new(self.tree.rank(found.slot)))
    }

    /// Makes sure that one more fits, if it can; `is_live` says of an order whether it is still there.
    pub(crate) fn has_room(&mut self, is_live: impl Fn(OrderKey) -> bool) -> bool {
        for _ in 0..SWEEP.min(self.capacity) {
            if !self.slots.is_full() {
                return true;
            }
            let id = self.swept;
            self.swept = (self.swept + 1) % self.capacity;
            let key = OrderKey::new(self.slots[id].key);
            if self.slots[id].qty != 0 && !is_live(key) {
                self.drop_slot(id);
            }
        }
        !self.slots.is_full()
    }

    /// Ends an order at a time. There must be room, and it must have none yet.
    pub(crate) fn add(&mut self, order: OrderKey, when: Nanos) {
        let Some(id) = self.slots.take() else { unreachable!("room was asked for") };
        (self.slots[id].key, self.slots[id].qty) = (order.get(), 1);
        self.index.insert(order.get(), id);
        self.tree.insert(&mut self.root, id, when.get(), order.get());
    }

    /// An order has no time any more, if it had one.
    pub(crate) fn forget(&mut self, order: OrderKey) {
        if let Some(found) = self.index.find(&self.slots, order.get()) {
            self.drop_slot(found.slot);
        }
    }

    fn drop_slot(&mut self, id: u32) {
        self.tree.remove(&mut self.root, id);
        self.index.remove_slot(self.slots[id].key, id);
        self.slots[id].qty = 0;
        self.slots.give(id);
    }

    /// The order whose time comes first.
    pub(crate) fn first(&self) -> Option<(Nanos, OrderKey)> {
        let id = self.tree.first(self.root);
        (id != NONE).then(|| (Nanos::new(self.tree.rank(id)), OrderKey::new(self.slots[id].key)))
    }
}
