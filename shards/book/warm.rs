//! Which cache lines a batch of events will touch, so that the misses of the batch overlap.
//!
//! A look-up is a chain: table entry, then slot, then level and neighbours, then the leaf that a
//! level comes into or goes out of. Each pass over the batch names the lines that are known once
//! those of the pass before have arrived. It only reads, and what it names is a guess: events
//! applied in between may move things, which costs time and nothing else.
//!
//! Only the first pass looks at what an event is. It sorts the batch into two lists, and the passes
//! behind it have no branch on a kind that nobody can guess.

use types::{Change, MarketEvent, OrderRef};

use crate::arena::NONE;
use crate::index::Home;
use crate::l3::Books;
use crate::ladder::{Ladder, key_of, ladder_of};

/// Events that are warmed together, at most: more than the fill buffers of a core have under way.
pub const WARM_MAX: usize = 32;

/// Live orders from which on they do not fit 2 MiB: 39 bytes each.
const WARM_FROM: usize = 50_000;

/// Brings a cache line near. This crate has no `unsafe`, so the instruction is the caller's.
pub trait Prefetch {
    /// Asks for the line that `at` begins in; must not wait for it.
    fn line<T>(&self, at: &T);
}

/// An add under way: where its level is looked for, and as what.
#[derive(Clone, Copy)]
struct Coming {
    key: i64,
    owner: u32,
    /// The level it will likely join, once the table's line is near.
    rung: u32,
    home: Home,
}

impl Books {
    /// Whether warming pays: where the live orders' slots and table outgrow a core's own cache. Below
    /// that it only costs instructions.
    #[inline]
    pub const fn wants_warming(&self) -> bool {
        WARM_FROM <= self.slots.live()
    }

    /// Prefetches what applying `events` will touch, and what telling of their books will: the first
    /// [`WARM_MAX`] of them.
    #[inline]
    pub fn warm<'e>(&self, events: impl Iterator<Item = &'e MarketEvent>, near: &impl Prefetch) {
        let blank = Coming { key: 0, owner: 0, rung: NONE, home: Home::BLANK };
        let (mut adds, mut adds_len) = ([blank; WARM_MAX], 0);
        let (mut orders, mut orders_len) = ([0; WARM_MAX], 0);
        for event in events.take(WARM_MAX) {
            let Some(book) = self.books.get(event.instrument.index()) else { continue };
            near.line(book);
            near.line(&book.desk);
            match event.change {
                Change::Add { order, side, px, .. } => {
                    near.line(self.chains.head(order.get()));
                    let (owner, key) = (ladder_of(event.instrument, side), key_of(side, px));
                    let home = self.levels.home(owner, key);
                    near.line(self.levels.probe(home));
                    adds[adds_len] = Coming { key, owner, rung: NONE, home };
                    adds_len += 1;
                }
                Change::Execute { order, .. }
                | Change::ExecuteAt { order, .. }
                | Change::Reduce { order, .. }
                | Change::Delete { order } => {
                    orders[orders_len] = self.warm_chain(order, near);
                    orders_len += 1;
                }
                Change::Replace { old, new, .. } => {
                    near.line(self.chains.head(new.get()));
                    orders[orders_len] = self.warm_chain(old, near);
                    orders_len += 1;
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
        self.warm_orders(&mut orders[..orders_len], &mut adds[..adds_len], near);
    }

    /// The passes behind the first. `orders`: chains of the orders that are named.
    #[inline(always)]
    fn warm_orders(&self, orders: &mut [u32], adds: &mut [Coming], near: &impl Prefetch) {
        for at in &mut *orders {
            // An order is the first of its chain as a rule.
            *at = self.chains.first(*at);
            near.line(&self.slots[*at]);
        }
        for add in &mut *adds {
            let Some(ladder) = self.ladder(add.owner) else { continue };
            add.rung = self.levels.hint(ladder, add.home, add.key);
            near.line(&self.levels.rungs[add.rung]);
            self.warm_other_best(add.owner, near);
            if add.rung == NONE {
                // Where the search for its place begins.
                self.levels.nodes.warm(ladder.root, near);
                self.levels.nodes.warm(ladder.finger, near);
            }
        }
        for at in &mut *orders {
            let slot = &self.slots[*at];
            near.line(&self.slots[slot.ahead]);
            near.line(&self.slots[slot.behind]);
            near.line(&self.levels.rungs[slot.rung]);
            self.warm_other_best(slot.ladder, near);
            *at = slot.rung;
        }
        for add in adds {
            if add.rung != NONE {
                near.line(&self.slots[self.levels.rungs[add.rung].tail]);
            } else if let Some(ladder) = self.ladder(add.owner) {
                let nodes = &self.levels.nodes;
                nodes.warm(nodes.leaf_of(ladder, add.key), near);
            }
        }
        for at in orders {
            let rung = &self.levels.rungs[*at];
            if 1 < rung.orders {
                continue;
            }
            // The level goes with its order.
            if let Some(ladder) = self.ladder(rung.ladder) {
                near.line(self.levels.probe(self.levels.home(rung.ladder, rung.key)));
                let nodes = &self.levels.nodes;
                nodes.warm(nodes.leaf_of(ladder, rung.key), near);
            }
        }
    }

    #[inline(always)]
    fn warm_chain(&self, order: OrderRef, near: &impl Prefetch) -> u32 {
        near.line(self.chains.head(order.get()));
        self.chains.home(order.get())
    }

    /// The best level of the other side: telling of a book reads both.
    #[inline(always)]
    fn warm_other_best(&self, ladder: u32, near: &impl Prefetch) {
        if let Some(other) = self.ladder(ladder ^ 1) {
            near.line(&self.levels.rungs[other.best()]);
        }
    }

    #[inline(always)]
    fn ladder(&self, owner: u32) -> Option<&Ladder> {
        self.books.get((owner >> 1) as usize).map(|book| &book.ladders[owner as usize & 1])
    }
}
