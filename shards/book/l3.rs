//! Books of one venue by order: who stands where in which queue.
//!
//! Events must come in the venue's order. Order numbers are looked up over all instruments at
//! once, in one table; levels, queues and tree nodes of all books share one arena each.
//!
//! Looking up an order means cache misses that depend on each other: index line, slot, level and
//! neighbours. A caller that has several events at hand should first pass them all through
//! [`Books::warm`], so that the misses of different events overlap.

use alloc::vec;
use alloc::vec::Vec;
use types::{Change, InstrumentId, MarketEvent, OrderRef, Qty, ShortSale, Side, Symbol, Trading};

use crate::arena::{ITEMS_MAX, NONE, Pool};
use crate::chains::Chains;
use crate::change::{BOOK, TOP, TRADED};
use crate::desk::Desk;
use crate::hash::BookHash;
use crate::ladder::{Ladder, px_of, side_of};
use crate::levels::Levels;
use crate::queue::Slot;
use crate::tape::Tape;
use crate::{Applied, Counters, Depth, Level, Order, Orders, Position, State, Stats, Top, Touched};

/// How much room to make. All of it is allocated by [`Books::new`] and never grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Instruments: slots 0 to `instruments - 1`. At most 2^31.
    pub instruments: usize,
    /// Live orders, over all instruments: 39 bytes each. At most 2^28 - 2.
    pub orders: usize,
    /// Live price levels, over all instruments and both sides: up to 108 bytes each. At most 2^27.
    pub levels: usize,
}

/// One instrument: what adds and deletes touch in its first cache line, the rest in the second.
#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct Book {
    pub(crate) ladders: [Ladder; 2],
    pub(crate) desk: Desk,
}

const _: () = assert!(size_of::<Book>() == 128);

/// All books of one venue on one shard.
pub struct Books {
    pub(crate) books: Vec<Book>,
    pub(crate) chains: Chains,
    pub(crate) slots: Pool<Slot>,
    pub(crate) levels: Levels,
    pub(crate) tape: Tape,
    counters: Counters,
    capacity: Capacity,
}

impl Books {
    /// All books empty and good, all instruments trading.
    ///
    /// # Panics
    /// Where a capacity exceeds its stated maximum.
    pub fn new(capacity: Capacity) -> Self {
        assert!(capacity.instruments <= 1 << 31, "{} instruments", capacity.instruments);
        assert!(capacity.orders <= ITEMS_MAX, "{} orders; at most 2^28 - 2", capacity.orders);
        assert!(capacity.levels <= 1 << 27, "{} levels; at most 2^27", capacity.levels);
        let book = Book { ladders: [Ladder::EMPTY, Ladder::EMPTY], desk: Desk::NEW };
        Self {
            books: vec![book; capacity.instruments],
            chains: Chains::new(capacity.orders),
            slots: Pool::new(capacity.orders),
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
    /// instrument stale; [`Touched::applied`] says why. A stale book goes on taking events, so that
    /// it is right again where what was missing turns out to be nothing.
    #[inline]
    pub fn apply(&mut self, event: &MarketEvent) -> Touched {
        let instrument = event.instrument;
        let done = match event.change {
            Change::Add { order, side, qty, px } => self.add(instrument, order, side, qty, px),
            Change::Delete { order } => self.delete(instrument, order),
            Change::Execute { order, qty, match_no } => {
                self.execute(instrument, order, qty, None, match_no)
            }
            Change::ExecuteAt { order, qty, px, match_no, printable } => {
                self.execute(instrument, order, qty, Some((px, printable)), match_no)
            }
            Change::Reduce { order, qty } => self.reduce(instrument, order, qty),
            Change::Replace { old, new, qty, px } => self.replace(instrument, old, new, qty, px),
            Change::Level { .. }
            | Change::Trade { .. }
            | Change::Cross { .. }
            | Change::Bust { .. }
            | Change::Imbalance(_)
            | Change::Trading(_)
            | Change::ShortSale(_)
            | Change::Bands(_) => return self.off_book(event),
        };
        match done {
            Ok(flags) => {
                self.counters.applied = self.counters.applied.wrapping_add(1);
                Touched {
                    instrument,
                    applied: Applied::Ok,
                    top: flags & TOP != 0,
                    book: flags & BOOK != 0,
                    traded: flags & TRADED != 0,
                    status: false,
                }
            }
            Err(why) => self.refuse(instrument, why),
        }
    }

    /// What touches no order.
    #[cold]
    fn off_book(&mut self, event: &MarketEvent) -> Touched {
        let Some(book) = self.books.get_mut(event.instrument.index()) else {
            return self.refuse(event.instrument, Applied::UnknownInstrument);
        };
        let (tape, counters) = (&mut self.tape, &mut self.counters);
        match book.desk.apply(tape, counters, event.instrument, &event.change) {
            Ok(touched) => {
                self.counters.count(touched.applied);
                touched
            }
            Err(why) => self.refuse(event.instrument, why),
        }
    }

    #[cold]
    fn refuse(&mut self, instrument: InstrumentId, why: Applied) -> Touched {
        // A slot that does not exist comes before anything else that is wrong with the event.
        let mut touched = Touched::nothing(instrument, Applied::UnknownInstrument);
        if let Some(book) = self.books.get_mut(instrument.index()) {
            touched.applied = why;
            touched.status = book.desk.set_broken(&mut self.counters);
        }
        self.counters.count(touched.applied);
        touched
    }

    /// Empties one book, before a snapshot. Staleness, trading state and statistics stay.
    pub fn clear(&mut self, instrument: InstrumentId) {
        let Some(book) = self.books.get_mut(instrument.index()) else { return };
        book.desk.broken = false;
        for ladder in &mut book.ladders {
            while ladder.best() != NONE {
                let rung = ladder.best();
                let mut id = self.levels.rungs[rung].head;
                while id != NONE {
                    let slot = &self.slots[id];
                    let (order, behind) = (slot.order, slot.behind);
                    if let Some(found) = self.chains.find(&self.slots, order) {
                        self.chains.remove(&mut self.slots, found);
                    }
                    self.slots.give(id);
                    id = behind;
                }
                self.levels.drop(ladder, rung);
            }
            ladder.orders = 0;
        }
    }

    /// Empties all books, before a snapshot of all. Staleness, trading states and statistics stay.
    pub fn clear_all(&mut self) {
        self.chains.clear();
        self.slots.clear();
        self.levels.clear();
        for book in &mut self.books {
            book.ladders = [Ladder::EMPTY, Ladder::EMPTY];
            book.desk.broken = false;
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

    /// The best bid and offer; empty for an unknown slot.
    #[inline]
    pub fn top(&self, instrument: InstrumentId) -> Top {
        self.book(instrument).map_or(Top::EMPTY, |book| Top {
            bid: self.levels.best(&book.ladders[0]),
            offer: self.levels.best(&book.ladders[1]),
        })
    }

    /// What the book is good for; stale for an unknown slot.
    pub fn state(&self, instrument: InstrumentId) -> State {
        self.book(instrument).map_or(State::Stale, |book| {
            State::of(book.desk.stale, book.desk.trading, &self.top(instrument))
        })
    }

    /// [`Self::top`] and [`Self::state`] at once: each alone reads the best levels.
    #[inline]
    pub fn shown(&self, instrument: InstrumentId) -> (Top, State) {
        self.book(instrument).map_or((Top::EMPTY, State::Stale), |book| {
            let [bid, offer] = &book.ladders;
            let top = Top { bid: self.levels.best(bid), offer: self.levels.best(offer) };
            (top, State::of(book.desk.stale, book.desk.trading, &top))
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

    /// The levels of one side from the best.
    pub fn depth(&self, instrument: InstrumentId, side: Side) -> Depth<'_> {
        let ladder = self.book(instrument).map(|book| &book.ladders[side as usize]);
        Depth::new(&self.levels, ladder, side)
    }

    /// The orders of one side, best level first, each level in queue order.
    pub fn orders(&self, instrument: InstrumentId, side: Side) -> Orders<'_> {
        Orders::new(&self.slots, self.depth(instrument, side), instrument, side)
    }

    /// A live order.
    pub fn order(&self, order: OrderRef) -> Option<Order> {
        self.find(order).map(|found| self.seen(&self.slots[found.slot]))
    }

    /// Where an order stands in its queue. Walks the orders before it.
    pub fn queue_position(&self, order: OrderRef) -> Option<Position> {
        let slot = &self.slots[self.find(order)?.slot];
        let (mut orders_ahead, mut qty_ahead, mut id) = (0, 0, slot.ahead);
        while id != NONE {
            orders_ahead += 1;
            qty_ahead += u64::from(self.slots[id].qty);
            id = self.slots[id].ahead;
        }
        let level = self.levels.rungs[slot.rung].level(side_of(slot.ladder));
        Some(Position {
            order: self.seen(slot),
            level,
            orders_ahead,
            qty_ahead: Qty::new(qty_ahead),
        })
    }

    fn seen(&self, slot: &Slot) -> Order {
        let side = side_of(slot.ladder);
        let Level { px, .. } = self.levels.rungs[slot.rung].level(side);
        Order {
            order: OrderRef::new(slot.order),
            instrument: InstrumentId::new(slot.ladder >> 1),
            side,
            px,
            qty: Qty::from(slot.qty),
        }
    }

    /// What happened since construction.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Live orders of all books.
    pub const fn orders_live(&self) -> usize {
        self.slots.live()
    }

    /// Live levels of all books.
    pub const fn levels_live(&self) -> usize {
        self.levels.live()
    }

    /// Live orders of one book.
    pub fn orders_of(&self, instrument: InstrumentId) -> usize {
        self.book(instrument)
            .map_or(0, |book| book.ladders.iter().map(|ladder| ladder.orders as usize).sum())
    }

    /// Live levels of one book, both sides.
    pub fn levels_of(&self, instrument: InstrumentId) -> usize {
        self.book(instrument).map_or(0, |book| book.ladders.iter().map(Ladder::len).sum())
    }

    /// Bytes that orders take, used or not: slots and index. Divide by the capacity.
    pub const fn order_bytes(&self) -> usize {
        self.slots.bytes() + self.chains.bytes()
    }

    /// Bytes that levels take, used or not: their sums and the trees that sort them.
    pub const fn level_bytes(&self) -> usize {
        self.levels.bytes()
    }

    /// The state hash of one book, keyed by `symbol`: see [`crate::hash`].
    pub fn state_hash(&self, instrument: InstrumentId, symbol: Symbol) -> u64 {
        let stale = self.book(instrument).is_none_or(|book| book.desk.stale);
        let mut hash = BookHash::new(symbol, stale);
        for side in Side::BOTH {
            let mut depth = self.depth(instrument, side);
            while let Some(rung) = depth.next_rung() {
                hash.level(side, px_of(side, rung.key), rung.orders);
                let mut id = rung.head;
                while id != NONE {
                    let slot = &self.slots[id];
                    hash.order(slot.order, u64::from(slot.qty));
                    id = slot.behind;
                }
            }
        }
        hash.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Books, Capacity};
    use crate::Applied;
    use types::{Change, InstrumentId, MarketEvent, Nanos, OrderRef, Px, Qty, Side, Symbol};

    fn event(instrument: u32, change: Change) -> MarketEvent {
        MarketEvent { time: Nanos::ZERO, instrument: InstrumentId::new(instrument), change }
    }

    fn add(order: u64, qty: u64, px: i64) -> Change {
        let (order, qty, px) = (OrderRef::new(order), Qty::new(qty), Px::from_raw(px));
        Change::Add { order, side: Side::Buy, qty, px }
    }

    /// The design's limit, with every order slot taken.
    #[test]
    fn an_order_takes_at_most_forty_bytes() {
        for orders in [1_000, 100_000, 1_742_866] {
            let books = Books::new(Capacity { instruments: 1, orders, levels: 1 });
            assert!(books.order_bytes() <= 40 * orders, "{orders}: {}", books.order_bytes());
        }
    }

    /// What a set of books hashes to depends on what they show, not on which set, slot or arena place
    /// they have or on how they came to it; a stale book is never equal to a good one.
    #[test]
    fn the_hash_is_of_what_is_shown() {
        let [a, b] = [*b"AAAA    ", *b"BBBB    "].map(Symbol::from_wire);
        let at = InstrumentId::new;
        let mut both = Books::new(Capacity { instruments: 2, orders: 8, levels: 8 });
        let mut alone = Books::new(Capacity { instruments: 5, orders: 80, levels: 8 });
        assert_eq!(both.state_hash(at(0), a), 0, "empty and good");
        for (instrument, change) in [(0, add(1, 10, 5)), (1, add(2, 10, 5)), (0, add(3, 7, 6))] {
            both.apply(&event(instrument, change));
        }
        for change in
            [add(9, 1, 7), add(1, 10, 5), Change::Delete { order: OrderRef::new(9) }, add(3, 7, 6)]
        {
            assert_eq!(alone.apply(&event(4, change)).applied, Applied::Ok);
        }
        assert_eq!(both.state_hash(at(0), a), alone.state_hash(at(4), a));
        assert_ne!(both.state_hash(at(0), a), both.state_hash(at(0), b), "keyed by the symbol");
        assert_ne!(both.state_hash(at(0), a), both.state_hash(at(1), a), "another book");
        alone.set_stale(at(4));
        assert_ne!(both.state_hash(at(0), a), alone.state_hash(at(4), a), "stale");
        alone.set_stale(at(0));
        assert_ne!(alone.state_hash(at(0), a), 0, "empty and stale");
    }

    /// What does not fit stales its own instrument and touches no other.
    #[test]
    fn only_the_instrument_that_does_not_fit_goes_stale() {
        let mut books = Books::new(Capacity { instruments: 2, orders: 2, levels: 2 });
        let order = OrderRef::new(1);
        assert_eq!(books.apply(&event(0, add(1, 10, 5))).applied, Applied::Ok);
        assert_eq!(books.apply(&event(0, add(2, 10, 5))).applied, Applied::Ok);
        let cases = [
            (add(3, 10, 5), Applied::FullOrders),
            (add(1, 10, 5), Applied::DuplicateOrder),
            (Change::Delete { order }, Applied::UnknownOrder),
            (Change::Reduce { order, qty: Qty::new(1) }, Applied::UnknownOrder),
            (add(4, 0, 5), Applied::BadQty),
        ];
        for (change, want) in cases {
            books.clear(InstrumentId::new(1));
            books.set_all_live();
            let touched = books.apply(&event(1, change));
            assert_eq!((touched.applied, touched.status, touched.book), (want, true, false));
            assert_eq!(books.state(InstrumentId::new(0)), crate::State::OneSided, "{want:?}");
            assert_eq!(books.state(InstrumentId::new(1)), crate::State::Stale, "{want:?}");
            assert_eq!(books.orders_of(InstrumentId::new(0)), 2);
        }
        assert_eq!(books.apply(&event(2, add(5, 1, 1))).applied, Applied::UnknownInstrument);
    }

    /// A gap that was filled makes books good that it made doubtful, and no book that was wrong.
    #[test]
    fn a_book_that_did_not_fit_stays_stale_until_it_is_emptied() {
        let mut books = Books::new(Capacity { instruments: 2, orders: 4, levels: 4 });
        let [doubtful, wrong] = [0, 1].map(InstrumentId::new);
        books.apply(&event(1, Change::Delete { order: OrderRef::new(9) }));
        books.set_all_stale();
        books.set_all_live();
        assert_eq!(books.state(doubtful), crate::State::Empty);
        assert_eq!(books.state(wrong), crate::State::Stale);
        books.set_live(wrong);
        assert_eq!(books.state(wrong), crate::State::Stale);
        books.clear(wrong);
        assert_eq!(books.state(wrong), crate::State::Stale, "emptied, but not trusted yet");
        books.set_live(wrong);
        assert_eq!(books.state(wrong), crate::State::Empty);
        books.apply(&event(1, Change::Delete { order: OrderRef::new(9) }));
        books.clear_all();
        books.set_all_live();
        assert_eq!(books.state(wrong), crate::State::Empty);
    }
}
