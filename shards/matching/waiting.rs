//! Orders that wait off the books: stops for their trade, and what is for a cross alone.

use alloc::vec;
use alloc::vec::Vec;

use types::{InstrumentId, Side};

use crate::cross::{Interest, eagerness};
use crate::index::Index;
use crate::orders::{NONE, Orders};
use crate::tree::Tree;
use crate::{Order, OrderKey, Price, Standing, Terms, Tick, Trading};

/// What an order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum List {
    /// A trade at its stop.
    Stop = 0,
    /// The cross that begins continuous trading, the next one to come.
    Open = 1,
    /// The closing cross.
    Close = 2,
}

impl List {
    pub(crate) const ALL: [Self; 3] = [Self::Stop, Self::Open, Self::Close];

    /// Where an order that waits, waits.
    fn of(terms: &Terms) -> Self {
        match (terms.stop, terms.trading) {
            (Some(_), _) => Self::Stop,
            (None, Trading::Any | Trading::AtOpen) => Self::Open,
            (None, Trading::AtClose) => Self::Close,
        }
    }
}

/// The limit of an order; `None` for a market order.
pub(crate) fn limit(order: &Order) -> Option<Tick> {
    match order.new.price {
        Price::Limit(tick) => Some(tick),
        Price::Market | Price::MarketToLimit => None,
    }
}

/// Due first is lowest.
fn rank(order: &Order) -> u64 {
    match order.terms.stop {
        // A rising price reaches the lowest stop to buy first: as offers stand, and the other way round.
        Some(stop) => eagerness(order.new.side.opposite(), Some(stop)),
        None => eagerness(order.new.side, limit(order)),
    }
}

/// The orders, in one pool for all instruments.
pub(crate) struct Waiting {
    /// Their numbers and open shares; what else a slot has is not used.
    slots: Orders,
    index: Index,
    orders: Vec<Option<Order>>,
    tree: Tree,
    /// By instrument, list and side.
    roots: Vec<[[u32; 2]; List::ALL.len()]>,
    /// Orders of equal rank stand by when they came.
    turn: u64,
}

impl Waiting {
    pub(crate) fn new(capacity: u32, instruments: usize) -> Self {
        Self {
            slots: Orders::new(capacity),
            index: Index::new(capacity),
            orders: vec![None; capacity as usize],
            tree: Tree::new(capacity),
            roots: vec![[[NONE; 2]; List::ALL.len()]; instruments],
            turn: 0,
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.live() == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.slots.is_full()
    }

    pub(crate) fn find(&self, order: OrderKey) -> Option<u32> {
        self.index.find(&self.slots, order.get()).map(|found| found.slot)
    }

    /// An order that waits, with its open shares.
    pub(crate) fn order(&self, id: u32) -> &Order {
        let Some(order) = &self.orders[id as usize] else { unreachable!("it waits") };
        order
    }

    /// Puts an order to where it waits. There must be room, and none with its number.
    pub(crate) fn add(&mut self, order: &Order) {
        self.turn += 1;
        self.add_at(order, self.turn);
    }

    fn add_at(&mut self, order: &Order, turn: u64) {
        let Some(id) = self.slots.take() else { unreachable!("room was asked for") };
        self.slots[id].key = order.new.key.get();
        self.index.insert(order.new.key.get(), id);
        self.orders[id as usize] = Some(*order);
        let (list, side) = (List::of(&order.terms), order.new.side);
        let root = &mut self.roots[order.new.instrument.index()][list as usize][side as usize];
        self.tree.insert(root, id, rank(order), turn);
    }

    /// Takes an order out.
    pub(crate) fn remove(&mut self, id: u32) -> Order {
        let order = *self.order(id);
        let (list, side) = (List::of(&order.terms), order.new.side);
        let root = &mut self.roots[order.new.instrument.index()][list as usize][side as usize];
        self.tree.remove(root, id);
        self.index.remove_slot(order.new.key.get(), id);
        self.orders[id as usize] = None;
        self.slots.give(id);
        order
    }

    /// Puts an order in the place of one; answers whether it stands where that one stood, which it does
    /// where it only has fewer shares.
    pub(crate) fn replace(&mut self, id: u32, order: &Order) -> bool {
        let (rank_before, turn) = (self.tree.rank(id), self.tree.turn(id));
        let before = self.remove(id);
        let kept = rank(order) == rank_before
            && limit(order) == limit(&before)
            && order.new.qty <= before.new.qty;
        if kept {
            self.add_at(order, turn)
        } else {
            self.add(order)
        }
        kept
    }

    /// Takes shares from an order, no more than it has; answers what is open of it then. With none open
    /// it is gone.
    pub(crate) fn take(&mut self, id: u32, qty: u32) -> u32 {
        let Some(order) = &mut self.orders[id as usize] else { unreachable!("it waits") };
        order.new.qty -= qty;
        let leaves = order.new.qty;
        // A minimum is one of the shares that are left.
        order.terms.min_qty = order.terms.min_qty.min(leaves);
        if let Standing::Immediate { min_qty } = &mut order.new.standing {
            *min_qty = leaves.min(*min_qty);
        }
        if leaves == 0 {
            self.remove(id);
        }
        leaves
    }

    fn root(&self, instrument: InstrumentId, list: List, side: Side) -> u32 {
        self.roots.get(instrument.index()).map_or(NONE, |lists| lists[list as usize][side as usize])
    }

    /// The order behind one, of its list.
    pub(crate) fn after(&self, id: u32) -> Option<u32> {
        let order = self.order(id);
        let root = self.root(order.new.instrument, List::of(&order.terms), order.new.side);
        let id = self.tree.after(root, id);
        (id != NONE).then_some(id)
    }

    /// Whether a list is empty on both sides.
    pub(crate) fn has_none(&self, instrument: InstrumentId, list: List) -> bool {
        Side::BOTH.iter().all(|side| self.root(instrument, list, *side) == NONE)
    }

    /// The orders of a list, first due first.
    pub(crate) fn queue(
        &self,
        instrument: InstrumentId,
        list: List,
        side: Side,
    ) -> impl Iterator<Item = u32> {
        let root = self.root(instrument, list, side);
        let mut id = self.tree.first(root);
        core::iter::from_fn(move || {
            let seen = (id != NONE).then_some(id)?;
            id = self.tree.after(root, id);
            Some(seen)
        })
    }

    /// The order of a list that is due first.
    pub(crate) fn first(&self, instrument: InstrumentId, list: List, side: Side) -> Option<u32> {
        let id = self.tree.first(self.root(instrument, list, side));
        (id != NONE).then_some(id)
    }

    /// What would trade of a list in a cross, best price first.
    pub(crate) fn interest(
        &self,
        instrument: InstrumentId,
        list: List,
        side: Side,
    ) -> impl Iterator<Item = Interest> {
        self.queue(instrument, list, side).map(|id| {
            let order = self.order(id);
            Interest { limit: limit(order), qty: u64::from(order.new.qty) }
        })
    }
}
