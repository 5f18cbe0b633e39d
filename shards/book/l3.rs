//! Books by order (sketch of the interface; bodies follow).

use types::{InstrumentId, MarketEvent, OrderRef, Px, Qty, ShortSale, Side, Symbol, Trading};

use crate::{Counters, Level, State, Stats, Top, Touched};

/// How much room to make. All of it is allocated by [`Books::new`] and never grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Instruments: slots 0 to `instruments - 1`.
    pub instruments: usize,
    /// Live orders, over all instruments. At most 2^28 - 2.
    pub orders: usize,
    /// Live price levels, over all instruments and both sides. At most 2^28 - 2.
    pub levels: usize,
}

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

/// The books of one venue on one shard.
pub struct Books {}

/// One cache line that a later [`Books::apply`] touches; opaque, to be prefetched.
pub struct Probe {}

/// Levels of one side from the best.
pub struct Depth<'a>(core::marker::PhantomData<&'a Books>);
impl Iterator for Depth<'_> {
    type Item = Level;
    fn next(&mut self) -> Option<Level> {
        todo!()
    }
}
/// Orders of one side, best level first, each level in queue order.
pub struct Orders<'a>(core::marker::PhantomData<&'a Books>);
impl Iterator for Orders<'_> {
    type Item = Order;
    fn next(&mut self) -> Option<Order> {
        todo!()
    }
}

/// Order slot, opaque, to be prefetched.
pub struct Slot {}

#[allow(unused_variables)]
impl Books {
    /// All books empty and good.
    pub fn new(capacity: Capacity) -> Self {
        todo!()
    }
    /// As given.
    pub fn capacity(&self) -> Capacity {
        todo!()
    }
    /// Takes one event.
    pub fn apply(&mut self, event: &MarketEvent) -> Touched {
        todo!()
    }
    /// Empties one book; keeps stale mark, trading state and statistics.
    pub fn clear(&mut self, instrument: InstrumentId) {
        todo!()
    }
    /// Empties all books.
    pub fn clear_all(&mut self) {
        todo!()
    }
    /// Marks one.
    pub fn set_stale(&mut self, instrument: InstrumentId) {
        todo!()
    }
    /// Marks all.
    pub fn set_all_stale(&mut self) {
        todo!()
    }
    /// After a snapshot.
    pub fn set_live(&mut self, instrument: InstrumentId) {
        todo!()
    }
    /// After a snapshot of all, or a gap that was filled.
    pub fn set_all_live(&mut self) {
        todo!()
    }
    /// Best bid and offer; empty for an unknown slot.
    pub fn top(&self, instrument: InstrumentId) -> Top {
        todo!()
    }
    /// State; `Stale` for an unknown slot.
    pub fn state(&self, instrument: InstrumentId) -> State {
        todo!()
    }
    /// Trading state.
    pub fn trading(&self, instrument: InstrumentId) -> Trading {
        todo!()
    }
    /// Short-sale test.
    pub fn short_sale(&self, instrument: InstrumentId) -> ShortSale {
        todo!()
    }
    /// Trades so far.
    pub fn stats(&self, instrument: InstrumentId) -> Stats {
        todo!()
    }
    /// Levels of one side from the best.
    pub fn depth(&self, instrument: InstrumentId, side: Side) -> Depth<'_> {
        todo!()
    }
    /// Orders of one side in queue order.
    pub fn orders(&self, instrument: InstrumentId, side: Side) -> Orders<'_> {
        todo!()
    }
    /// A live order.
    pub fn order(&self, order: OrderRef) -> Option<Order> {
        todo!()
    }
    /// Its place.
    pub fn queue_position(&self, order: OrderRef) -> Option<Position> {
        todo!()
    }
    /// Counts.
    pub fn counters(&self) -> Counters {
        todo!()
    }
    /// Live orders of all books.
    pub fn orders_live(&self) -> usize {
        todo!()
    }
    /// Live levels of all books.
    pub fn levels_live(&self) -> usize {
        todo!()
    }
    /// Live orders of one book.
    pub fn orders_of(&self, instrument: InstrumentId) -> usize {
        todo!()
    }
    /// Live levels of one book, both sides.
    pub fn levels_of(&self, instrument: InstrumentId) -> usize {
        todo!()
    }
    /// State hash of one book.
    pub fn state_hash(&self, instrument: InstrumentId, symbol: Symbol) -> u64 {
        todo!()
    }
    /// Stage 1 of batching: the index line of an order (for adds: of the new number).
    pub fn probe(&self, order: OrderRef) -> &Probe {
        todo!()
    }
    /// Stage 2: the order's slot, once its index line is near. Reads the index line only.
    pub fn probe_order(&self, order: OrderRef) -> Option<&Slot> {
        todo!()
    }
}
