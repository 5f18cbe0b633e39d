//! Books of one venue by price level, for venues that show no single orders.
//!
//! A venue may need several level changes to say one thing. What is published, [`Books::top`] and
//! [`Books::state`], moves only when the venue says that the book is consistent again.

use alloc::vec;
use alloc::vec::Vec;
use types::{Change, InstrumentId, MarketEvent, Px, Qty, ShortSale, Side, Symbol, Trading};

use crate::arena::NONE;
use crate::desk::Desk;
use crate::hash::BookHash;
use crate::ladder::{Ladder, key_of, ladder_of, px_of};
use crate::levels::Levels;
use crate::tape::Tape;
use crate::{Applied, Counters, Depth, State, Stats, Top, Touched};

/// How much room to make. All of it is allocated by [`Books::new`] and never grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Instruments: slots 0 to `instruments - 1`.
    pub instruments: usize,
    /// Live price levels, over all instruments and both sides. At most 2^27.
    pub levels: usize,
}

/// One instrument.
#[derive(Clone)]
struct Book {
    ladders: [Ladder; 2],
    /// The best bid and offer when the book was last consistent.
    settled: Top,
    desk: Desk,
}

/// All books of one venue on one shard.
pub struct Books {
    books: Vec<Book>,
    levels: Levels,
    tape: Tape,
    counters: Counters,
    capacity: Capacity,
}

impl Books {
    /// All books empty and good, all instruments trading.
    ///
    /// # Panics
    /// Where `levels` is more than 2^27.
    pub fn new(capacity: Capacity) -> Self {
        assert!(capacity.levels <= 1 << 27, "{} levels; at most 2^27", capacity.levels);
        let book =
            Book { ladders: [Ladder::EMPTY, Ladder::EMPTY], settled: Top::EMPTY, desk: Desk::NEW };
        Self {
            books: vec![book; capacity.instruments],
            levels: Levels::new(capacity.levels, 2 * capacity.instruments),
            tape: Tape::new(),
            counters: Counters::default(),
            capacity,
        }
    }

    /// As given at construction.
    pub const fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// Takes one event, in the venue's order. What does not fit changes nothing and marks its
    /// instrument stale; [`Touched::applied`] says why.
    pub fn apply(&mut self, event: &MarketEvent) -> Touched {
        let instrument = event.instrument;
        let done = match event.change {
            Change::Level { side, px, qty, settled } => {
                self.set_level(instrument, side, px, qty, settled)
            }
            Change::Add { .. }
            | Change::Execute { .. }
            | Change::ExecuteAt { .. }
            | Change::Reduce { .. }
            | Change::Delete { .. }
            | Change::Replace { .. }
            | Change::Trade { .. }
            | Change::Cross { .. }
            | Change::Bust { .. }
            | Change::Imbalance(_)
            | Change::Trading(_)
            | Change::ShortSale(_)
            | Change::Bands(_) => match self.books.get_mut(instrument.index()) {
                Some(book) => {
                    book.desk.apply(&mut self.tape, &mut self.counters, instrument, &event.change)
                }
                None => Err(Applied::UnknownInstrument),
            },
        };
        let touched = done.unwrap_or_else(|why| self.refuse(instrument, why));
        self.counters.count(touched.applied);
        touched
    }

    fn refuse(&mut self, instrument: InstrumentId, why: Applied) -> Touched {
        let mut touched = Touched::nothing(instrument, why);
        if let Some(book) = self.books.get_mut(instrument.index()) {
            touched.status = book.desk.set_broken(&mut self.counters);
        }
        touched
    }

    fn set_level(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        px: Px,
        qty: Qty,
        settled: bool,
    ) -> Result<Touched, Applied> {
        let book = self.books.get_mut(instrument.index()).ok_or(Applied::UnknownInstrument)?;
        let ladder = &mut book.ladders[side as usize];
        let key = key_of(side, px);
        let mut touched = Touched::nothing(instrument, Applied::Ok);
        let owner = ladder_of(instrument, side);
        match self.levels.find(ladder, owner, key) {
            Some(id) if qty == Qty::ZERO => {
                self.levels.drop(ladder, id);
                touched.book = true;
            }
            Some(id) => {
                let rung = &mut self.levels.rungs[id];
                touched.book = rung.qty != qty.get();
                rung.qty = qty.get();
            }
            // Gone already: what the venue says now is what the book shows.
            None if qty == Qty::ZERO => {}
            None => {
                let id = self.levels.make(ladder, owner, key).ok_or(Applied::FullLevels)?;
                self.levels.rungs[id].qty = qty.get();
                touched.book = true;
            }
        }
        if settled {
            let top = Top {
                bid: self.levels.best(&book.ladders[0]),
                offer: self.levels.best(&book.ladders[1]),
            };
            touched.top = top != book.settled;
            book.settled = top;
        }
        Ok(touched)
    }

    /// Empties one book, before a snapshot. Staleness, trading state and statistics stay.
    pub fn clear(&mut self, instrument: InstrumentId) {
        let Some(book) = self.books.get_mut(instrument.index()) else { return };
        book.desk.broken = false;
        for ladder in &mut book.ladders {
            while ladder.best() != NONE {
                self.levels.drop(ladder, ladder.best());
            }
        }
        book.settled = Top::EMPTY;
    }

    /// Empties all books, before a snapshot of all. Staleness, trading states and statistics stay.
    pub fn clear_all(&mut self) {
        self.levels.clear();
        for book in &mut self.books {
            book.ladders = [Ladder::EMPTY, Ladder::EMPTY];
            book.desk.broken = false;
            book.settled = Top::EMPTY;
        }
    }

    /// Marks one book: it may be wrong from here on.
    pub fn set_stale(&mut self, instrument: InstrumentId) {
        if let Some(book) = self.books.get_mut(instrument.index()) {
            book.desk.set_stale(&mut self.counters);
        }
    }

    /// Marks all books, as after a gap in the feed.
    pub fn set_all_stale(&mut self) {
        for book in &mut self.books {
            book.desk.set_stale(&mut self.counters);
        }
    }

    /// Trusts one book again, after its snapshot was applied. A book that an event did not fit stays
    /// stale until it was emptied.
    pub fn set_live(&mut self, instrument: InstrumentId) {
        if let Some(book) = self.books.get_mut(instrument.index()) {
            book.desk.set_live();
        }
    }

    /// Trusts all books again, after a snapshot of all or a gap that was filled, but for those that an
    /// event did not fit and that were not emptied since.
    pub fn set_all_live(&mut self) {
        for book in &mut self.books {
            book.desk.set_live();
        }
    }

    fn book(&self, instrument: InstrumentId) -> Option<&Book> {
        self.books.get(instrument.index())
    }

    /// The best bid and offer as last settled; empty for an unknown slot.
    pub fn top(&self, instrument: InstrumentId) -> Top {
        self.book(instrument).map_or(Top::EMPTY, |book| book.settled)
    }

    /// [`Self::top`] and [`Self::state`] at once.
    #[inline]
    pub fn shown(&self, instrument: InstrumentId) -> (Top, State) {
        self.book(instrument).map_or((Top::EMPTY, State::Stale), |book| {
            (book.settled, State::of(book.desk.stale, book.desk.trading, &book.settled))
        })
    }

    /// What the settled book is good for; stale for an unknown slot.
    pub fn state(&self, instrument: InstrumentId) -> State {
        self.book(instrument).map_or(State::Stale, |book| {
            State::of(book.desk.stale, book.desk.trading, &book.settled)
        })
    }

    /// The trading state; halted for an unknown slot.
    pub fn trading(&self, instrument: InstrumentId) -> Trading {
        self.book(instrument).map_or(Trading::Halted, |book| book.desk.trading)
    }

    /// The short-sale price test; restricted for an unknown slot.
    pub fn short_sale(&self, instrument: InstrumentId) -> ShortSale {
        self.book(instrument).map_or(ShortSale::Restricted, |book| book.desk.short_sale)
    }

    /// The trades so far.
    pub fn stats(&self, instrument: InstrumentId) -> Stats {
        self.book(instrument).map_or(Stats::NONE, |book| book.desk.stats)
    }

    /// The levels of one side from the best, changes that are not settled yet included.
    pub fn depth(&self, instrument: InstrumentId, side: Side) -> Depth<'_> {
        let ladder = self.book(instrument).map(|book| &book.ladders[side as usize]);
        Depth::new(&self.levels, ladder, side)
    }

    /// What happened since construction.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Live levels of all books.
    pub const fn levels_live(&self) -> usize {
        self.levels.live()
    }

    /// Live levels of one book, both sides.
    pub fn levels_of(&self, instrument: InstrumentId) -> usize {
        self.book(instrument).map_or(0, |book| book.ladders.iter().map(Ladder::len).sum())
    }

    /// The state hash of one book, keyed by `symbol`: see [`crate::hash`].
    pub fn state_hash(&self, instrument: InstrumentId, symbol: Symbol) -> u64 {
        let stale = self.book(instrument).is_none_or(|book| book.desk.stale);
        let mut hash = BookHash::new(symbol, stale);
        for side in Side::BOTH {
            let mut depth = self.depth(instrument, side);
            while let Some(rung) = depth.next_rung() {
                hash.level(side, px_of(side, rung.key), 0);
                hash.shares(rung.qty);
            }
        }
        hash.finish()
    }
}
