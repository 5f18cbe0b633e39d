//! Which cache lines an event will touch, so that the misses of a batch overlap.
//!
//! A look-up is a chain: index line, then slot, then level and neighbours. Each stage names the
//! lines that can be known once the stage before has arrived. It only reads, and what it names
//! is a guess: events applied in between may move things, which costs time and nothing else.

use types::{Change, MarketEvent, OrderRef};

use crate::arena::NONE;
use crate::l3::Books;
use crate::ladder::{key_of, ladder_of};
use crate::queue::Slot;

/// How far along the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Stage {
    /// The instrument's book and the index lines: known from the event alone.
    Index = 0,
    /// The order's slot; for an add, the level it will likely join.
    Slot = 1,
    /// The order's level and neighbours; for an add, the order it will stand behind.
    Queue = 2,
}

impl Stage {
    /// In the order in which a batch should pass them.
    pub const ALL: [Self; 3] = [Self::Index, Self::Slot, Self::Queue];
}

/// Live orders from which on they do not fit 2 MiB: 39 bytes each.
const WARM_FROM: usize = 50_000;

/// Brings a cache line near. This crate has no `unsafe`, so the instruction is the caller's.
pub trait Prefetch {
    /// Asks for the line that `at` begins in; must not wait for it.
    fn line<T>(&self, at: &T);
}

impl Books {
    /// Whether warming pays: where the live orders' slots and table outgrow a core's own cache. Below
    /// that it only costs instructions.
    #[inline]
    pub const fn wants_warming(&self) -> bool {
        WARM_FROM <= self.slots.live()
    }

    /// The entry of the order table at which a look-up of `order` begins.
    #[inline]
    fn probe(&self, order: OrderRef) -> &u32 {
        self.chains.head(order.get())
    }

    /// The slot that `order` is likely in, judging by its table entry alone, which should be near by now.
    #[inline]
    fn probe_order(&self, order: OrderRef) -> Option<&Slot> {
        let head = *self.chains.head(order.get());
        (head != NONE).then(|| &self.slots[head])
    }

    /// Prefetches what `apply(event)` will touch at one stage. Pass a whole batch through each
    /// stage before the next, then apply it.
    #[inline]
    pub fn warm(&self, stage: Stage, event: &MarketEvent, near: &impl Prefetch) {
        match event.change {
            Change::Add { order, side, px, .. } => {
                let Some(book) = self.books.get(event.instrument.index()) else { return };
                let (owner, key) = (ladder_of(event.instrument, side), key_of(side, px));
                match stage {
                    Stage::Index => {
                        near.line(book);
                        near.line(self.probe(order));
                        near.line(self.levels.probe(owner, key));
                    }
                    Stage::Slot | Stage::Queue => {
                        let ladder = &book.ladders[side as usize];
                        let Some(rung) = self.levels.hint(ladder, owner, key) else { return };
                        if stage == Stage::Slot {
                            near.line(&self.levels.rungs[rung]);
                        } else {
                            near.line(&self.slots[self.levels.rungs[rung].tail]);
                        }
                    }
                }
            }
            Change::Execute { order, .. }
            | Change::ExecuteAt { order, .. }
            | Change::Reduce { order, .. }
            | Change::Delete { order } => self.warm_order(stage, event, order, near),
            Change::Replace { old, new, .. } => {
                if stage == Stage::Index {
                    near.line(self.probe(new));
                }
                self.warm_order(stage, event, old, near);
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

    #[inline(always)]
    fn warm_order(&self, stage: Stage, event: &MarketEvent, order: OrderRef, near: &impl Prefetch) {
        if stage == Stage::Index {
            if let Some(book) = self.books.get(event.instrument.index()) {
                near.line(book);
            }
            near.line(self.probe(order));
            return;
        }
        let Some(slot) = self.probe_order(order) else { return };
        if stage == Stage::Slot {
            near.line(slot);
        } else {
            near.line(&self.levels.rungs[slot.rung]);
            near.line(&self.slots[slot.ahead]);
            near.line(&self.slots[slot.behind]);
        }
    }
}
