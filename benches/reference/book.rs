//! What the books are measured against: the least that gives the same best bid and offer.
//!
//! No queues, no statistics, no staleness, no bound on anything: an order is its price and shares, a
//! side is a sorted array with the best at its end. The two differ only in how an order is found:
//! by its number as an index (what a look-up costs at the very least), or in a hash map.

use rustc_hash::FxHashMap;
use types::{Change, InstrumentId, MarketEvent, OrderRef, Px, Qty, Side};

/// An order as the references keep it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Order {
    px: i64,
    /// 0: not there.
    qty: u32,
    /// Twice the instrument's slot, plus the side.
    ladder: u32,
}

/// Where orders are found by number.
pub(crate) trait Store {
    /// Puts an order in.
    fn put(&mut self, number: u64, order: Order);
    /// A live order.
    fn get(&mut self, number: u64) -> Option<&mut Order>;
    /// Takes an order out.
    fn take(&mut self, number: u64) -> Option<Order>;
}

/// The number is the index: no search, no collision, and no bound on memory.
#[derive(Default)]
pub(crate) struct ByIndex(Vec<Order>);

impl ByIndex {
    /// Makes room for numbers up to `last`, outside of what is measured.
    pub(crate) fn reserve(&mut self, last: u64) {
        self.0.resize(last as usize + 1, Order::default());
    }
}

impl Store for ByIndex {
    #[inline]
    fn put(&mut self, number: u64, order: Order) {
        self.0[number as usize] = order;
    }
    #[inline]
    fn get(&mut self, number: u64) -> Option<&mut Order> {
        self.0.get_mut(number as usize).filter(|order| order.qty != 0)
    }
    #[inline]
    fn take(&mut self, number: u64) -> Option<Order> {
        self.get(number).map(core::mem::take)
    }
}

/// The usual book.
#[derive(Default)]
pub(crate) struct ByHash(FxHashMap<u64, Order>);

impl ByHash {
    /// Room for `orders` live ones, so that it never grows while it is measured.
    pub(crate) fn with_capacity(orders: usize) -> Self {
        Self(FxHashMap::with_capacity_and_hasher(orders, rustc_hash::FxBuildHasher))
    }
}

impl Store for ByHash {
    #[inline]
    fn put(&mut self, number: u64, order: Order) {
        self.0.insert(number, order);
    }
    #[inline]
    fn get(&mut self, number: u64) -> Option<&mut Order> {
        self.0.get_mut(&number)
    }
    #[inline]
    fn take(&mut self, number: u64) -> Option<Order> {
        self.0.remove(&number)
    }
}

/// The books of many instruments over either store.
pub(crate) struct Books<S> {
    /// Where orders are.
    pub(crate) store: S,
    /// Two a slot, best at the end: (price, or its negative for offers; shares).
    sides: Vec<Vec<(i64, u64)>>,
}

impl<S: Store> Books<S> {
    /// Empty books.
    pub(crate) fn new(instruments: usize, store: S) -> Self {
        Self { store, sides: vec![Vec::with_capacity(64); 2 * instruments] }
    }

    /// Takes one event; true where the best bid or offer changed.
    #[inline]
    pub(crate) fn apply(&mut self, event: &MarketEvent) -> bool {
        match event.change {
            Change::Add { order, side, qty, px } => {
                self.add(order, event.instrument.get() << 1 | side as u32, qty, px)
            }
            Change::Delete { order } => match self.store.take(order.get()) {
                Some(order) => self.lessen(order, order.qty),
                None => false,
            },
            Change::Execute { order, qty, .. }
            | Change::ExecuteAt { order, qty, .. }
            | Change::Reduce { order, qty } => self.reduce(order, qty.get() as u32),
            Change::Replace { old, new, qty, px } => match self.store.take(old.get()) {
                Some(order) => {
                    let gone = self.lessen(order, order.qty);
                    self.add(new, order.ladder, qty, px) || gone
                }
                None => false,
            },
            Change::Level { .. }
            | Change::Trade { .. }
            | Change::Cross { .. }
            | Change::Bust { .. }
            | Change::Imbalance(_)
            | Change::Trading(_)
            | Change::ShortSale(_)
            | Change::Bands(_) => false,
        }
    }

    /// Best bid and best offer: price and shares.
    pub(crate) fn top(&self, instrument: InstrumentId) -> [Option<(Px, Qty)>; 2] {
        let best = |side: Side| {
            let &(key, qty) = self.sides[instrument.index() * 2 + side as usize].last()?;
            let px = if side == Side::Buy { key } else { -key };
            Some((Px::from_raw(px), Qty::new(qty)))
        };
        Side::BOTH.map(best)
    }

    #[inline]
    fn add(&mut self, order: OrderRef, ladder: u32, qty: Qty, px: Px) -> bool {
        let qty = qty.get() as u32;
        let px = if ladder & 1 == 0 { px.raw() } else { -px.raw() };
        self.store.put(order.get(), Order { px, qty, ladder });
        let levels = &mut self.sides[ladder as usize];
        let at = place(levels, px);
        match levels.get_mut(at) {
            Some(level) if level.0 == px => level.1 += u64::from(qty),
            Some(_) | None => levels.insert(at, (px, u64::from(qty))),
        }
        at + 1 == levels.len()
    }

    #[inline]
    fn reduce(&mut self, order: OrderRef, qty: u32) -> bool {
        let Some(found) = self.store.get(order.get()) else { return false };
        let was = *found;
        if qty < was.qty {
            found.qty -= qty;
        } else {
            self.store.take(order.get());
        }
        self.lessen(was, qty.min(was.qty))
    }

    #[inline]
    fn lessen(&mut self, order: Order, qty: u32) -> bool {
        let levels = &mut self.sides[order.ladder as usize];
        let at = place(levels, order.px);
        let top = at + 1 == levels.len();
        let level = &mut levels[at];
        level.1 -= u64::from(qty);
        if level.1 == 0 {
            levels.remove(at);
        }
        top
    }
}

/// Where `px` is or belongs: a look at the last few, then halving.
#[inline]
fn place(levels: &[(i64, u64)], px: i64) -> usize {
    let near = levels.len().saturating_sub(8);
    match levels.get(near) {
        Some(level) if level.0 <= px => {
            let after = levels[near..].iter().rev().take_while(|level| px <= level.0).count();
            levels.len() - after
        }
        Some(_) | None => levels.partition_point(|level| level.0 < px),
    }
}
