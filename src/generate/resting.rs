//! The orders that rest in the generated market: what may be executed, reduced or deleted next.
//!
//! Not a book for reading a feed: it exists so that every message the generator writes is true of
//! the messages before it. It knows each instrument's levels by price, each level's orders in time
//! order, and each instrument's orders from old to new. Knows no bytes and draws no chance.

use types::Side;

/// No order: the end of a queue.
const NONE: u32 = u32::MAX;

/// An order, by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u32);

/// A resting order, 32 bytes, in a doubly linked queue of its price level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) reference: u64,
    /// In units of 1e-4.
    pub(super) price: u32,
    pub(super) shares: u32,
    /// The one before it in its queue.
    before: u32,
    /// The one behind it.
    behind: u32,
    /// Its place among its instrument's orders.
    age: u32,
    pub(super) side: Side,
}

/// The orders at one price, oldest first.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// Rises with how good the price is, on both sides.
    rank: u32,
    front: u32,
    back: u32,
}

/// One instrument's orders.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    /// Per side, the best level last: most changes happen there, so few levels move.
    levels: [Vec<Level>; 2],
    /// Roughly from old to new.
    by_age: Vec<u32>,
}

/// Every resting order of the market. Grows to the most that rest at once and no further.
#[derive(Clone, Debug, Default)]
pub(super) struct Resting {
    orders: Vec<Order>,
    free: Vec<u32>,
}

const fn rank(side: Side, price: u32) -> u32 {
    match side {
        Side::Buy => price,
        Side::Sell => u32::MAX - price,
    }
}

impl Orders {
    /// How many rest.
    pub(super) fn len(&self) -> usize {
        self.by_age.len()
    }

    /// The best price of a side.
    pub(super) fn best(&self, side: Side) -> Option<u32> {
        let level = self.levels[side as usize].last()?;
        // `rank` is its own inverse.
        Some(rank(side, level.rank))
    }

    /// The order that trades next on a side.
    pub(super) fn front(&self, side: Side) -> Option<Slot> {
        self.levels[side as usize].last().map(|level| Slot(level.front))
    }

    /// The order with `newer` orders newer than it.
    pub(super) fn nth_newest(&self, newer: u32) -> Option<Slot> {
        let index = self.by_age.len().checked_sub(1 + newer as usize)?;
        Some(Slot(self.by_age[index]))
    }

    /// The place of a level, or where it would go.
    fn find(&self, side: Side, rank: u32) -> Result<usize, usize> {
        let levels = &self.levels[side as usize];
        // Half of all changes are within a tick of the inside: look there before searching.
        let near = levels.len().saturating_sub(4);
        for (index, level) in levels.iter().enumerate().skip(near).rev() {
            if level.rank == rank {
                return Ok(index);
            }
            if level.rank < rank {
                return Err(index + 1);
            }
        }
        levels[..near].binary_search_by_key(&rank, |level| level.rank)
    }
}

impl Resting {
    pub(super) fn order(&self, slot: Slot) -> &Order {
        &self.orders[slot.0 as usize]
    }

    /// How many rest in the whole market.
    pub(super) fn live(&self) -> usize {
        self.orders.len() - self.free.len()
    }

    /// Joins the back of its level.
    pub(super) fn add(
        &mut self,
        on: &mut Orders,
        reference: u64,
        side: Side,
        price: u32,
        shares: u32,
    ) {
        let order = Order {
            reference,
            price,
            shares,
            before: NONE,
            behind: NONE,
            age: on.by_age.len() as u32,
            side,
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.orders[slot as usize] = order;
                slot
            }
            None => {
                self.orders.push(order);
                (self.orders.len() - 1) as u32
            }
        };
        on.by_age.push(slot);
        self.enqueue(on, slot);
    }

    /// Leaves the market.
    pub(super) fn remove(&mut self, on: &mut Orders, slot: Slot) {
        self.dequeue(on, slot.0);
        let age = self.orders[slot.0 as usize].age as usize;
        on.by_age.swap_remove(age);
        if let Some(&moved) = on.by_age.get(age) {
            self.orders[moved as usize].age = age as u32;
        }
        self.free.push(slot.0);
    }

    /// Loses shares and keeps its place; leaves where none are left.
    pub(super) fn reduce(&mut self, on: &mut Orders, slot: Slot, shares: u32) {
        let order = &mut self.orders[slot.0 as usize];
        order.shares -= shares;
        if order.shares == 0 {
            self.remove(on, slot);
        }
    }

    /// Becomes another order at the back of another level, and the newest of its instrument.
    pub(super) fn replace(
        &mut self,
        on: &mut Orders,
        slot: Slot,
        reference: u64,
        price: u32,
        shares: u32,
    ) {
        self.dequeue(on, slot.0);
        let order = &mut self.orders[slot.0 as usize];
        order.reference = reference;
        order.price = price;
        order.shares = shares;
        let age = order.age as usize;
        let newest = on.by_age.len() - 1;
        on.by_age.swap(age, newest);
        self.orders[on.by_age[age] as usize].age = age as u32;
        self.orders[slot.0 as usize].age = newest as u32;
        self.enqueue(on, slot.0);
    }

    fn enqueue(&mut self, on: &mut Orders, slot: u32) {
        let Order { side, price, .. } = self.orders[slot as usize];
        let rank = rank(side, price);
        match on.find(side, rank) {
            Ok(index) => {
                let level = &mut on.levels[side as usize][index];
                let last = std::mem::replace(&mut level.back, slot);
                self.orders[last as usize].behind = slot;
                self.orders[slot as usize].before = last;
            }
            Err(index) => {
                let level = Level { rank, front: slot, back: slot };
                on.levels[side as usize].insert(index, level);
                self.orders[slot as usize].before = NONE;
            }
        }
        self.orders[slot as usize].behind = NONE;
    }

    fn dequeue(&mut self, on: &mut Orders, slot: u32) {
        let Order { side, price, before, behind, .. } = self.orders[slot as usize];
        if before != NONE && behind != NONE {
            self.orders[before as usize].behind = behind;
            self.orders[behind as usize].before = before;
            return;
        }
        let Ok(index) = on.find(side, rank(side, price)) else {
            unreachable!("an order rests at a level that exists");
        };
        let levels = &mut on.levels[side as usize];
        match (before, behind) {
            (NONE, NONE) => {
                levels.remove(index);
            }
            (NONE, behind) => {
                levels[index].front = behind;
                self.orders[behind as usize].before = NONE;
            }
            (before, _) => {
                levels[index].back = before;
                self.orders[before as usize].behind = NONE;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Orders, Resting, Slot};
    use types::Side::{Buy, Sell};

    fn refs_from_best(resting: &Resting, on: &Orders, side: types::Side) -> Vec<u64> {
        let (mut resting, mut on) = (resting.clone(), on.clone());
        let mut refs = Vec::new();
        while let Some(slot) = on.front(side) {
            refs.push(resting.order(slot).reference);
            resting.remove(&mut on, slot);
        }
        refs
    }

    #[test]
    fn orders_trade_by_price_then_time() {
        let (mut resting, mut on) = (Resting::default(), Orders::default());
        for (reference, side, price) in [
            (1, Buy, 100),
            (2, Buy, 102),
            (3, Sell, 110),
            (4, Sell, 105),
            (5, Buy, 102),
            (6, Sell, 105),
            (7, Buy, 101),
        ] {
            resting.add(&mut on, reference, side, price, 10);
        }
        assert_eq!((on.best(Buy), on.best(Sell)), (Some(102), Some(105)));
        assert_eq!(refs_from_best(&resting, &on, Buy), [2, 5, 7, 1]);
        assert_eq!(refs_from_best(&resting, &on, Sell), [4, 6, 3]);

        let first = on.front(Buy).unwrap();
        resting.reduce(&mut on, first, 4);
        assert_eq!(refs_from_best(&resting, &on, Buy), [2, 5, 7, 1], "a reduced order stays");
        resting.replace(&mut on, first, 8, 102, 6);
        assert_eq!(refs_from_best(&resting, &on, Buy), [5, 8, 7, 1], "a replaced one goes back");
        assert_eq!(on.nth_newest(0), Some(first));
        resting.reduce(&mut on, first, 6);
        assert_eq!(refs_from_best(&resting, &on, Buy), [5, 7, 1]);
        assert_eq!((on.len(), resting.live()), (6, 6));
        assert_eq!(on.nth_newest(6), None);
        resting.add(&mut on, 9, Buy, 90, 1);
        assert_eq!(on.nth_newest(0), Some(Slot(1)), "a freed place is used again");
    }
}
