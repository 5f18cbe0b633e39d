//! Which cache lines an event will touch, so that the misses of a batch overlap.
//!
//! A look-up is a chain: index line, then slot, then level and neighbours. Each stage names the
//! lines that can be known once the stage before has arrived. It only reads, and what it names
//! is a guess: events applied in between may move things, which costs time and nothing else.

use types::{Change, InstrumentId, MarketEvent, OrderRef, Px, Side};

use crate::Probe;
use crate::arena::NONE;
use crate::l3::{Books, side_of};
use crate::ladder::{Place, key_of};
use crate::queue::Slot;

/// How far along the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Stage {
    /// The instrument's book and the index lines: known from the event alone.
    Index = 0,
    /// The order's slot; for an add, the level it will likely join.
    Slot = 1,
    /// The order's level and neighbours; for an add, its level wherever it is.
    Queue = 2,
    /// The leaf that a level leaves with its last order; for an add, the order it will stand behind.
    Tail = 3,
}

impl Stage {
    /// In the order in which a batch should pass them.
    pub const ALL: [Self; 4] = [Self::Index, Self::Slot, Self::Queue, Self::Tail];
}

/// Brings a cache line near. This crate has no `unsafe`, so the instruction is the caller's.
pub trait Prefetch {
    /// Asks for the line that `at` begins in; must not wait for it.
    fn line<T>(&self, at: &T);
}

impl Books {
    /// The index line in which a look-up of `order` begins.
    #[inline]
    pub fn probe(&self, order: OrderRef) -> &Probe {
        self.index.probe(order.get())
    }

    /// The slot that `order` is in, judging by its index line alone, which should be near by now.
    #[inline]
    pub fn probe_order(&self, order: OrderRef) -> Option<&Slot> {
        self.index.hint(order.get()).map(|id| &self.slots[id])
    }

    /// Prefetches what `apply(event)` will touch at one stage. Pass a whole batch through each
    /// stage before the next, then apply it.
    #[inline]
    pub fn warm(&self, stage: Stage, event: &MarketEvent, near: &impl Prefetch) {
        match event.change {
            Change::Add { order, side, px, .. } => match stage {
                Stage::Index => {
                    self.warm_book(event.instrument, near);
                    near.line(self.probe(order));
                }
                Stage::Slot => self.warm_level(event.instrument, side, px, near),
                Stage::Queue => {
                    if let Some(rung) = self.likely(event.instrument, side, px) {
                        near.line(&self.rungs[rung]);
                    }
                }
                Stage::Tail => {
                    if let Some(rung) = self.likely(event.instrument, side, px) {
                        near.line(&self.slots[self.rungs[rung].tail]);
                    }
                }
            },
            Change::Execute { order, .. }
            | Change::ExecuteAt { order, .. }
            | Change::Reduce { order, .. }
            | Change::Delete { order } => self.warm_order(stage, event.instrument, order, near),
            Change::Replace { old, new, .. } => {
                if stage == Stage::Index {
                    near.line(self.probe(new));
                }
                self.warm_order(stage, event.instrument, old, near);
            }
            Change::Level { .. }
            | Change::Trade { .. }
            | Change::Cross { .. }
            | Change::Bust { .. }
            | Change::Imbalance(_)
            | Change::Trading(_)
            | Change::ShortSale(_)
            | Change::Bands(_) => {}
        }
    }

    fn warm_book(&self, instrument: InstrumentId, near: &impl Prefetch) {
        if let Some(book) = self.books.get(instrument.index()) {
            near.line(book);
        }
    }

    fn warm_order(
        &self,
        stage: Stage,
        instrument: InstrumentId,
        order: OrderRef,
        near: &impl Prefetch,
    ) {
        match stage {
            Stage::Index => {
                self.warm_book(instrument, near);
                near.line(self.probe(order));
            }
            Stage::Slot => {
                if let Some(slot) = self.probe_order(order) {
                    near.line(slot);
                }
            }
            Stage::Queue => {
                let Some(slot) = self.probe_order(order) else { return };
                near.line(&self.rungs[slot.rung]);
                near.line(&self.slots[slot.ahead]);
                near.line(&self.slots[slot.behind]);
            }
            Stage::Tail => {
                let Some(slot) = self.probe_order(order) else { return };
                if slot.ahead == NONE
                    && slot.behind == NONE
                    && let Some(book) = self.books.get(instrument.index())
                {
                    let ladder = &book.ladders[side_of(slot.ladder) as usize];
                    self.nodes.warm_leaf(ladder, self.rungs[slot.rung].key, near);
                }
            }
        }
    }

    fn warm_level(&self, instrument: InstrumentId, side: Side, px: Px, near: &impl Prefetch) {
        let Some(book) = self.books.get(instrument.index()) else { return };
        let ladder = &book.ladders[side as usize];
        if ladder.best_key() == key_of(side, px) {
            near.line(&self.rungs[ladder.best()]);
        } else {
            self.nodes.near(ladder, near);
        }
        near.line(&self.slots[self.slots.next_free()]);
    }

    /// The level that an add will join, if there is one.
    fn likely(&self, instrument: InstrumentId, side: Side, px: Px) -> Option<u32> {
        let ladder = &self.books.get(instrument.index())?.ladders[side as usize];
        match self.nodes.find(ladder, key_of(side, px)) {
            Place::Level(rung) => Some(rung),
            Place::Gap(_) => None,
        }
    }
}
