//! Books of one venue by order: who stands where in which queue.
//!
//! Events must come in the venue's order. Order numbers are looked up over all instruments at
//! once, in one table; levels, queues and tree nodes of all books share one arena each.
//!
//! Looking up an order means cache misses that depend on each other: index line, slot, level and
//! neighbours. A caller that has several events at hand should first pass them all through
//! [`Books::warm`], stage by stage, so that the misses of different events overlap.

use alloc::vec;
use alloc::vec::Vec;
use types::{
    Change, InstrumentId, MarketEvent, MatchNo, OrderRef, Px, Qty, ShortSale, Side, Symbol, Trading,
};

use crate::arena::{ITEMS_MAX, NONE, Pool};
use crate::desk::Desk;
use crate::hash::BookHash;
use crate::index::{Found, Index};
use crate::ladder::{Ladder, Nodes, Place, key_of, px_of};
use crate::queue::{self, Slot};
use crate::rung::{self, Rung};
use crate::tape::Tape;
use crate::{Applied, Counters, Depth, Level, Order, Orders, Position, State, Stats, Top, Touched};

/// How much room to make. All of it is allocated by [`Books::new`] and never grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Instruments: slots 0 to `instruments - 1`. At most 2^31.
    pub instruments: usize,
    /// Live orders, over all instruments: 37.4 bytes each. At most 2^28 - 2.
    pub orders: usize,
    /// Live price levels, over all instruments and both sides: up to 100 bytes each. At most 2^27.
    pub levels: usize,
}

/// One instrument: what adds and deletes touch in its first cache line, the rest in the second.
#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct Book {
    pub(crate) ladders: [Ladder; 2],
    desk: Desk,
    orders: u32,
}

const _: () = assert!(size_of::<Book>() == 128);

/// All books of one venue on one shard.
pub struct Books {
    pub(crate) books: Vec<Book>,
    pub(crate) index: Index,
    pub(crate) slots: Pool<Slot>,
    pub(crate) rungs: Pool<Rung>,
    pub(crate) nodes: Nodes,
    tape: Tape,
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
        let book = Book { ladders: [Ladder::EMPTY, Ladder::EMPTY], desk: Desk::NEW, orders: 0 };
        Self {
            books: vec![book; capacity.instruments],
            index: Index::new(capacity.orders),
            slots: Pool::new(capacity.orders),
            rungs: Pool::new(capacity.levels),
            nodes: Nodes::new(capacity.levels, 2 * capacity.instruments),
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
            touched.status = book.desk.set_stale(&mut self.counters);
        }
        self.counters.count(touched.applied);
        touched
    }

    fn add(
        &mut self,
        instrument: InstrumentId,
        order: OrderRef,
        side: Side,
        qty: Qty,
        px: Px,
    ) -> Done {
        let book = self.books.get_mut(instrument.index()).ok_or(Applied::UnknownInstrument)?;
        let shares = shares_of(qty)?;
        let slots = &mut self.slots;
        let home = self.index.home(order.get());
        if self.index.find(home, |slot| slots[slot].order == order.get()).is_some() {
            return Err(Applied::DuplicateOrder);
        }
        if slots.is_full() {
            return Err(Applied::FullOrders);
        }
        let ladder = &mut book.ladders[side as usize];
        let rung = rung_at(&mut self.nodes, &mut self.rungs, ladder, key_of(side, px))?;
        let slot = slots.take().ok_or(Applied::FullOrders)?;
        let owner = ladder_of(instrument, side);
        queue::join(slots, &mut self.rungs, slot, rung, (order.get(), shares, owner));
        self.index.insert(home, slot);
        book.orders += 1;
        Ok(BOOK | top_if(rung == ladder.best()))
    }

    fn delete(&mut self, instrument: InstrumentId, order: OrderRef) -> Done {
        let found = self.find(instrument, order)?;
        let top = self.remove(found);
        Ok(BOOK | top_if(top))
    }

    fn reduce(&mut self, instrument: InstrumentId, order: OrderRef, qty: Qty) -> Done {
        let found = self.find(instrument, order)?;
        self.lessen(found, qty)
    }

    /// `other`: at another price than the order's own, and whether that counts towards volume.
    fn execute(
        &mut self,
        instrument: InstrumentId,
        order: OrderRef,
        qty: Qty,
        other: Option<(Px, bool)>,
        match_no: MatchNo,
    ) -> Done {
        let found = self.find(instrument, order)?;
        let slot = &self.slots[found.slot];
        let own = px_of(side_of(slot.ladder), self.rungs[slot.rung].key);
        let mut touched = self.lessen(found, qty)?;
        let (px, printable) = other.unwrap_or((own, true));
        if printable && qty != Qty::ZERO {
            touched |= TRADED;
            let stats = &mut self.books[instrument.index()].desk.stats;
            self.tape.print(stats, instrument, match_no, qty, px);
        }
        Ok(touched)
    }

    /// Takes shares from an order, and the order out of the book with its last one.
    fn lessen(&mut self, found: Found, qty: Qty) -> Done {
        let slot = &mut self.slots[found.slot];
        let left = u64::from(slot.qty).checked_sub(qty.get()).ok_or(Applied::OverExecuted)?;
        let instrument = InstrumentId::new(slot.ladder >> 1);
        if left == 0 {
            let top = self.remove(found);
            return Ok(BOOK | top_if(top));
        }
        // Fits: it is no more than what was there before.
        slot.qty = left as u32;
        let rung = &mut self.rungs[slot.rung];
        rung.qty -= qty.get();
        let ladder = &self.books[instrument.index()].ladders[slot.ladder as usize & 1];
        if qty == Qty::ZERO {
            return Ok(0);
        }
        Ok(BOOK | top_if(ladder.best() == slot.rung))
    }

    fn replace(
        &mut self,
        instrument: InstrumentId,
        old: OrderRef,
        new: OrderRef,
        qty: Qty,
        px: Px,
    ) -> Done {
        let found = self.find(instrument, old)?;
        let shares = shares_of(qty)?;
        let slots = &mut self.slots;
        let home = self.index.home(new.get());
        if new != old && self.index.find(home, |slot| slots[slot].order == new.get()).is_some() {
            return Err(Applied::DuplicateOrder);
        }
        let Slot { ladder: owner, rung: from, .. } = slots[found.slot];
        let side = side_of(owner);
        let key = key_of(side, px);
        let ladder = &mut self.books[instrument.index()].ladders[side as usize];
        // Refused whole or taken whole: the new order's level must be had before the old one goes.
        if self.rungs.is_full()
            && self.rungs[from].orders != 1
            && matches!(self.nodes.find(ladder, key), Place::Gap(_))
        {
            return Err(Applied::FullLevels);
        }
        let before = rung::best(&self.rungs, ladder, side);
        let left = queue::leave(slots, &mut self.rungs, found.slot);
        let to = if self.rungs[from].key == key {
            from
        } else {
            if left == 0 {
                self.nodes.remove(ladder, self.rungs[from].key);
                self.rungs.give(from);
            }
            rung_at(&mut self.nodes, &mut self.rungs, ladder, key)?
        };
        queue::join(slots, &mut self.rungs, found.slot, to, (new.get(), shares, owner));
        self.index.remove(found);
        self.index.insert(home, found.slot);
        let top = rung::best(&self.rungs, ladder, side) != before;
        Ok(BOOK | top_if(top))
    }

    /// Where `order` is, if it is in this instrument's book.
    #[inline]
    fn find(&self, instrument: InstrumentId, order: OrderRef) -> Result<Found, Applied> {
        let slots = &self.slots;
        let found = self
            .index
            .find(self.index.home(order.get()), |slot| slots[slot].order == order.get())
            .ok_or(Applied::UnknownOrder)?;
        if slots[found.slot].ladder >> 1 != instrument.get() {
            return Err(Applied::UnknownOrder);
        }
        Ok(found)
    }

    /// Takes an order out of everything; true where the best level of its side changed.
    #[inline]
    fn remove(&mut self, found: Found) -> bool {
        let Slot { rung, ladder: owner, .. } = self.slots[found.slot];
        let book = &mut self.books[(owner >> 1) as usize];
        let ladder = &mut book.ladders[owner as usize & 1];
        book.orders -= 1;
        let was_best = ladder.best() == rung;
        if queue::leave(&mut self.slots, &mut self.rungs, found.slot) == 0 {
            self.nodes.remove(ladder, self.rungs[rung].key);
            self.rungs.give(rung);
        }
        self.index.remove(found);
        self.slots.give(found.slot);
        was_best
    }

    /// Empties one book, before a snapshot. Staleness, trading state and statistics stay.
    pub fn clear(&mut self, instrument: InstrumentId) {
        let Some(book) = self.books.get_mut(instrument.index()) else { return };
        for ladder in &mut book.ladders {
            while ladder.best() != NONE {
                let rung = ladder.best();
                let mut id = self.rungs[rung].head;
                while id != NONE {
                    let slot = &self.slots[id];
                    let (order, behind) = (slot.order, slot.behind);
                    if let Some(found) =
                        self.index.find(self.index.home(order), |other| other == id)
                    {
                        self.index.remove(found);
                    }
                    self.slots.give(id);
                    id = behind;
                }
                self.nodes.remove(ladder, ladder.best_key());
                self.rungs.give(rung);
            }
        }
        book.orders = 0;
    }

    /// Empties all books, before a snapshot of all. Staleness, trading states and statistics stay.
    pub fn clear_all(&mut self) {
        self.index.clear();
        self.slots.clear();
        self.rungs.clear();
        self.nodes.clear();
        for book in &mut self.books {
            book.ladders = [Ladder::EMPTY, Ladder::EMPTY];
            book.orders = 0;
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

    /// Trusts one book again, after its snapshot was applied.
    pub fn set_live(&mut self, instrument: InstrumentId) {
        if let Some(book) = self.books.get_mut(instrument.index()) {
            book.desk.stale = false;
        }
    }

    /// Trusts all books again, after a snapshot of all or a gap that was filled.
    pub fn set_all_live(&mut self) {
        for book in &mut self.books {
            book.desk.stale = false;
        }
    }

    fn book(&self, instrument: InstrumentId) -> Option<&Book> {
        self.books.get(instrument.index())
    }

    /// The best bid and offer; empty for an unknown slot.
    #[inline]
    pub fn top(&self, instrument: InstrumentId) -> Top {
        self.book(instrument).map_or(Top::EMPTY, |book| Top {
            bid: rung::best(&self.rungs, &book.ladders[0], Side::Buy),
            offer: rung::best(&self.rungs, &book.ladders[1], Side::Sell),
        })
    }

    /// What the book is good for; stale for an unknown slot.
    pub fn state(&self, instrument: InstrumentId) -> State {
        self.book(instrument).map_or(State::Stale, |book| {
            State::of(book.desk.stale, book.desk.trading, &self.top(instrument))
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
        Depth::new(&self.nodes, &self.rungs, ladder, side)
    }

    /// The orders of one side, best level first, each level in queue order.
    pub fn orders(&self, instrument: InstrumentId, side: Side) -> Orders<'_> {
        Orders::new(&self.slots, self.depth(instrument, side), instrument, side)
    }

    /// A live order.
    pub fn order(&self, order: OrderRef) -> Option<Order> {
        self.index.find(self.index.home(order.get()), |id| self.slots[id].order == order.get()).map(
            |found| {
                let slot = &self.slots[found.slot];
                self.seen(slot)
            },
        )
    }

    /// Where an order stands in its queue. Walks the orders before it.
    pub fn queue_position(&self, order: OrderRef) -> Option<Position> {
        let found = self
            .index
            .find(self.index.home(order.get()), |id| self.slots[id].order == order.get())?;
        let slot = &self.slots[found.slot];
        let (mut orders_ahead, mut qty_ahead, mut id) = (0, 0, slot.ahead);
        while id != NONE {
            orders_ahead += 1;
            qty_ahead += u64::from(self.slots[id].qty);
            id = self.slots[id].ahead;
        }
        let level = self.rungs[slot.rung].level(side_of(slot.ladder));
        Some(Position {
            order: self.seen(slot),
            level,
            orders_ahead,
            qty_ahead: Qty::new(qty_ahead),
        })
    }

    fn seen(&self, slot: &Slot) -> Order {
        let side = side_of(slot.ladder);
        let Level { px, .. } = self.rungs[slot.rung].level(side);
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
        self.rungs.live()
    }

    /// Live orders of one book.
    pub fn orders_of(&self, instrument: InstrumentId) -> usize {
        self.book(instrument).map_or(0, |book| book.orders as usize)
    }

    /// Live levels of one book, both sides.
    pub fn levels_of(&self, instrument: InstrumentId) -> usize {
        self.book(instrument).map_or(0, |book| book.ladders.iter().map(Ladder::len).sum())
    }

    /// Bytes that orders take, used or not: slots and index. Divide by the capacity.
    pub const fn order_bytes(&self) -> usize {
        self.slots.bytes() + self.index.bytes()
    }

    /// Bytes that levels take, used or not: their sums and the trees that sort them.
    pub const fn level_bytes(&self) -> usize {
        self.rungs.bytes() + self.nodes.bytes()
    }

    /// The state hash of one book, keyed by `symbol`: see [`crate::hash`].
    pub fn state_hash(&self, instrument: InstrumentId, symbol: Symbol) -> u64 {
        let stale = self.book(instrument).is_none_or(|book| book.desk.stale);
        let mut hash = BookHash::new(symbol, stale);
        for side in Side::BOTH {
            let mut depth = self.depth(instrument, side);
            while let Some(rung) = depth.next_rung() {
                hash.level(side, px_of(side, rung.key));
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

/// What an order event changed, as bits: small enough to come back in a register.
type Done = Result<u8, Applied>;
/// The best bid or offer.
const TOP: u8 = 1;
/// Anything in the book.
const BOOK: u8 = 2;
/// The trade statistics.
const TRADED: u8 = 4;

#[inline]
const fn top_if(top: bool) -> u8 {
    // TOP is bit 0.
    top as u8
}

/// An order's shares as they are stored.
#[inline]
fn shares_of(qty: Qty) -> Result<u32, Applied> {
    match u32::try_from(qty.get()) {
        Ok(0) | Err(_) => Err(Applied::BadQty),
        Ok(shares) => Ok(shares),
    }
}

#[inline]
const fn ladder_of(instrument: InstrumentId, side: Side) -> u32 {
    instrument.get() << 1 | side as u32
}

#[inline]
pub(crate) const fn side_of(ladder: u32) -> Side {
    if ladder & 1 == 0 { Side::Buy } else { Side::Sell }
}

/// The level at `key`, made where there is none.
#[inline]
fn rung_at(
    nodes: &mut Nodes,
    rungs: &mut Pool<Rung>,
    ladder: &mut Ladder,
    key: i64,
) -> Result<u32, Applied> {
    match nodes.find(ladder, key) {
        Place::Level(id) => Ok(id),
        Place::Gap(gap) => {
            let id = rungs.take().ok_or(Applied::FullLevels)?;
            rungs[id] = Rung::empty(key);
            nodes.insert(ladder, gap, key, id);
            Ok(id)
        }
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
            books.set_all_live();
            let touched = books.apply(&event(1, change));
            assert_eq!((touched.applied, touched.status, touched.book), (want, true, false));
            assert_eq!(books.state(InstrumentId::new(0)), crate::State::OneSided, "{want:?}");
            assert_eq!(books.state(InstrumentId::new(1)), crate::State::Stale, "{want:?}");
            assert_eq!(books.orders_of(InstrumentId::new(0)), 2);
        }
        assert_eq!(books.apply(&event(2, add(5, 1, 1))).applied, Applied::UnknownInstrument);
    }
}
