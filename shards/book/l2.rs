//! Books by price level (sketch of the interface; bodies follow).

use types::{InstrumentId, MarketEvent, ShortSale, Side, Symbol, Trading};

use crate::{Counters, Level, State, Stats, Top, Touched};

/// How much room to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Instruments: slots 0 to `instruments - 1`.
    pub instruments: usize,
    /// Live price levels, over all instruments and both sides. At most 2^28 - 2.
    pub levels: usize,
}

/// The books of one venue on one shard.
pub struct Books {}
/// Levels of one side from the best.
pub struct Depth<'a>(core::marker::PhantomData<&'a Books>);
impl Iterator for Depth<'_> {
    type Item = Level;
    fn next(&mut self) -> Option<Level> {
        todo!()
    }
}

#[allow(unused_variables)]
impl Books {
    /// All books empty and good.
    pub fn new(capacity: Capacity) -> Self {
        todo!()
    }
    /// Takes one event.
    pub fn apply(&mut self, event: &MarketEvent) -> Touched {
        todo!()
    }
    /// Empties one book.
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
    /// Best bid and offer as last settled.
    pub fn top(&self, instrument: InstrumentId) -> Top {
        todo!()
    }
    /// State of the settled top.
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
    /// Levels of one side from the best, unsettled changes included.
    pub fn depth(&self, instrument: InstrumentId, side: Side) -> Depth<'_> {
        todo!()
    }
    /// Counts.
    pub fn counters(&self) -> Counters {
        todo!()
    }
    /// Live levels of all books.
    pub fn levels_live(&self) -> usize {
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
}
