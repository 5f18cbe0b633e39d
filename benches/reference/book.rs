//! What the books are measured against. Both show the same best bid and offer as ours; neither has
//! statistics, staleness or a bound on anything. A side is a sorted array of levels, best at its end.
//!
//! By index is the ideal: an order is found by its number as an index, which is the least that a
//! look-up can cost, and there are no queues and no counts, which is its privilege. By hash is the
//! usual book and does the same job as ours: a hash map from numbers to orders, a count for each level
//! and a queue through its orders, linked by their numbers so that no removal searches a queue.

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

/// What a level keeps beside its price and shares.
pub(crate) trait Queue: Copy + Default {}

impl Queue for () {}

/// A level's count and the numbers of its first and last order; 0: none.
#[derive(Clone, Copy, Default)]
pub(crate) struct Line {
    orders: u32,
    first: u64,
    last: u64,
}

impl Queue for Line {}

/// Where orders are found by number.
pub(crate) trait Store {
    /// What its levels keep.
    type Queue: Queue;
    /// Puts an order that was just put in at the back of its level's queue.
    fn join(&mut self, number: u64, queue: &mut Self::Queue);
    /// Takes an order out of its level's queue, before it is taken out of the store.
    fn leave(&mut self, number: u64, queue: &mut Self::Queue);
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
    type Queue = ();
    #[inline]
    fn join(&mut self, _: u64, (): &mut ()) {}
    #[inline]
    fn leave(&mut self, _: u64, (): &mut ()) {}
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
pub(crate) struct ByHash(FxHashMap<u64, Queued>);

/// An order with the numbers of its neighbours in the queue; 0: none.
#[derive(Clone, Copy)]
struct Queued {
    order: Order,
    ahead: u64,
    behind: u64,
}

impl ByHash {
    /// Room for `orders` live ones, so that it never grows while it is measured.
    pub(crate) fn with_capacity(orders: usize) -> Self {
        Self(FxHashMap::with_capacity_and_hasher(orders, rustc_hash::FxBuildHasher))
    }
}

impl Store for ByHash {
    type Queue = Line;
    #[inline]
    fn join(&mut self, number: u64, queue: &mut Line) {
        let ahead = queue.last;
        // No order has the number 0.
        if let Some(last) = self.0.get_mut(&ahead) {
            last.behind = number;
        } else {
            queue.first = number;
        }
        if let Some(own) = self.0.get_mut(&number) {
            own.ahead = ahead;
        }
        queue.last = number;
        queue.orders += 1;
    }
    #[inline]
    fn leave(&mut self, number: u64, queue: &mut Line) {
        let Some(&Queued { ahead, behind, .. }) = self.0.get(&number) else { return };
        match self.0.get_mut(&ahead) {
            Some(order) => order.behind = behind,
            None => queue.first = behind,
        }
        match self.0.get_mut(&behind) {
            Some(order) => order.ahead = ahead,
            None => queue.last = ahead,
        }
        queue.orders -= 1;
    }
    #[inline]
    fn put(&mut self, number: u64, order: Order) {
        self.0.insert(number, Queued { order, ahead: 0, behind: 0 });
    }
    #[inline]
    fn get(&mut self, number: u64) -> Option<&mut Order> {
        self.0.get_mut(&number).map(|queued| &mut queued.order)
    }
    #[inline]
    fn take(&mut self, number: u64) -> Option<Order> {
        self.0.remove(&number).map(|queued| queued.order)
    }
}

/// The books of many instruments over either store.
pub(crate) struct Books<S: Store> {
    /// Where orders are.
    pub(crate) store: S,
    /// Two a slot, best at the end: (price, or its negative for offers; shares; queue).
    sides: Vec<Vec<Level<S>>>,
}

type Level<S> = (i64, u64, <S as Store>::Queue);

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
            Change::Delete { order } => match self.store.get(order.get()).copied() {
                Some(gone) => self.remove(order, gone),
                None => false,
            },
            Change::Execute { order, qty, .. }
            | Change::ExecuteAt { order, qty, .. }
            | Change::Reduce { order, qty } => self.reduce(order, qty.get() as u32),
            Change::Replace { old, new, qty, px } => match self.store.get(old.get()).copied() {
                Some(order) => {
                    let gone = self.remove(old, order);
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
            let &(key, qty, _) = self.sides[instrument.index() * 2 + side as usize].last()?;
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
        let at = place::<S>(levels, px);
        match levels.get_mut(at) {
            Some(level) if level.0 == px => level.1 += u64::from(qty),
            Some(_) | None => levels.insert(at, (px, u64::from(qty), S::Queue::default())),
        }
        self.store.join(order.get(), &mut levels[at].2);
        at + 1 == levels.len()
    }

    #[inline]
    fn reduce(&mut self, order: OrderRef, qty: u32) -> bool {
        let Some(found) = self.store.get(order.get()) else { return false };
        let was = *found;
        if was.qty <= qty {
            return self.remove(order, was);
        }
        found.qty -= qty;
        let levels = &mut self.sides[was.ladder as usize];
        let at = place::<S>(levels, was.px);
        levels[at].1 -= u64::from(qty);
        at + 1 == levels.len()
    }

    #[inline]
    fn remove(&mut self, number: OrderRef, order: Order) -> bool {
        let levels = &mut self.sides[order.ladder as usize];
        let at = place::<S>(levels, order.px);
        let top = at + 1 == levels.len();
        let level = &mut levels[at];
        self.store.leave(number.get(), &mut level.2);
        level.1 -= u64::from(order.qty);
        if level.1 == 0 {
            levels.remove(at);
        }
        self.store.take(number.get());
        top
    }
}

/// Where `px` is or belongs: a look at the last few, then halving.
#[inline]
fn place<S: Store>(levels: &[Level<S>], px: i64) -> usize {
    let near = levels.len().saturating_sub(8);
    match levels.get(near) {
        Some(level) if level.0 <= px => {
            let after = levels[near..].iter().rev().take_while(|level| px <= level.0).count();
            levels.len() - after
        }
        Some(_) | None => levels.partition_point(|level| level.0 < px),
    }
}
