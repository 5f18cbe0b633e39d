//! A bare flat ladder: what matching costs where nothing but matching is done.
//!
//! An array of levels by tick, each a list of orders; orders in a pool, found by an array over their
//! numbers, which only a measurement can afford. No report, no check, no self-match, one instrument,
//! no price outside the array.

use types::Side;

use super::flow::{Command, LEVELS};

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Level {
    head: u32,
    tail: u32,
}

#[derive(Clone, Copy)]
struct Order {
    qty: u32,
    ahead: u32,
    behind: u32,
    /// Its tick, the side in the lowest bit.
    level: u32,
}

/// The ladder. A level is `tick << 1 | side`.
pub(crate) struct Flat {
    levels: Vec<Level>,
    orders: Vec<Order>,
    free: Vec<u32>,
    /// By an order's number: its place in `orders`.
    places: Vec<u32>,
    bid: u32,
    offer: u32,
}

impl Flat {
    /// An empty ladder with room for `orders`.
    pub(crate) fn new(orders: u32) -> Self {
        let blank = Order { qty: 0, ahead: NONE, behind: NONE, level: 0 };
        Self {
            levels: vec![Level { head: NONE, tail: NONE }; 2 * LEVELS as usize],
            orders: vec![blank; orders as usize],
            free: (0..orders).rev().collect(),
            places: Vec::new(),
            // Ticks that no order has: nothing is searched for beyond them.
            bid: 0,
            offer: LEVELS - 1,
        }
    }

    /// Makes room for order numbers up to `last`; outside of what is measured.
    pub(crate) fn make_room(&mut self, last: u64) {
        self.places.resize(last as usize + 1, NONE);
    }

    /// Does it; answers the shares that a market order could not have.
    #[inline(always)]
    pub(crate) fn take(&mut self, command: &Command) -> u32 {
        match *command {
            Command::Add { order, side, tick, qty } => {
                let qty = self.sweep(side, tick, qty);
                if qty != 0 {
                    self.rest(order, side, tick, qty);
                }
                qty
            }
            Command::Cancel { order } => {
                let place = self.places[order as usize];
                self.unlink(place);
                0
            }
            Command::Take { side, qty, .. } => {
                let limit = if side == Side::Buy { LEVELS } else { 0 };
                self.sweep(side, limit, qty)
            }
        }
    }

    fn sweep(&mut self, side: Side, limit: u32, mut qty: u32) -> u32 {
        while qty != 0 {
            let (tick, crosses) = match side {
                Side::Buy => (self.offer, self.offer <= limit && self.offer < LEVELS - 1),
                Side::Sell => (self.bid, limit <= self.bid && 0 < self.bid),
            };
            if !crosses {
                break;
            }
            let head = self.levels[(tick << 1 | side.opposite() as u32) as usize].head;
            let maker = &mut self.orders[head as usize];
            let traded = maker.qty.min(qty);
            maker.qty -= traded;
            qty -= traded;
            if maker.qty == 0 {
                self.unlink(head);
            }
        }
        qty
    }

    fn rest(&mut self, order: u64, side: Side, tick: u32, qty: u32) {
        let Some(place) = self.free.pop() else { unreachable!("more orders than were said") };
        self.places[order as usize] = place;
        let at = tick << 1 | side as u32;
        let level = &mut self.levels[at as usize];
        let ahead = level.tail;
        level.tail = place;
        self.orders[place as usize] = Order { qty, ahead, behind: NONE, level: at };
        if ahead == NONE {
            level.head = place;
        } else {
            self.orders[ahead as usize].behind = place;
        }
        match side {
            Side::Buy => self.bid = self.bid.max(tick),
            Side::Sell => self.offer = self.offer.min(tick),
        }
    }

    fn unlink(&mut self, place: u32) {
        let Order { ahead, behind, level: at, .. } = self.orders[place as usize];
        self.free.push(place);
        let level = &mut self.levels[at as usize];
        if ahead == NONE {
            level.head = behind;
        } else {
            self.orders[ahead as usize].behind = behind;
        }
        if behind == NONE {
            level.tail = ahead;
        } else {
            self.orders[behind as usize].ahead = ahead;
        }
        if ahead != NONE || behind != NONE {
            return;
        }
        let empty =
            |levels: &[Level], tick: u32| levels[(tick << 1 | at & 1) as usize].head == NONE;
        if at & 1 == Side::Buy as u32 {
            while 0 < self.bid && empty(&self.levels, self.bid) {
                self.bid -= 1;
            }
        } else {
            while self.offer < LEVELS - 1 && empty(&self.levels, self.offer) {
                self.offer += 1;
            }
        }
    }

    /// Tick and shares of each level of a side, best first.
    pub(crate) fn levels(&self, side: Side) -> Vec<(u64, u64)> {
        let level = |tick: u32| {
            let (mut at, mut qty) = (self.levels[(tick << 1 | side as u32) as usize].head, 0);
            while at != NONE {
                qty += u64::from(self.orders[at as usize].qty);
                at = self.orders[at as usize].behind;
            }
            (0 < qty).then_some((u64::from(tick), qty))
        };
        match side {
            Side::Buy => (0..LEVELS).rev().filter_map(level).collect(),
            Side::Sell => (0..LEVELS).filter_map(level).collect(),
        }
    }
}
