//! The published crates that match, given the same commands.

use lobster::{OrderBook, OrderType};
use orderbook_rs::{Id, TimeInForce};
use types::Side;

use super::Engine;
use super::flow::Command;

/// `lobster`: levels in a tree, each a vector of orders.
pub(super) struct Lobster(OrderBook);

impl Lobster {
    pub(super) fn new(orders: u32) -> Self {
        // Room for every order, as ours has; the crate's own default for a level's queue.
        Self(OrderBook::new(orders as usize, 10, false))
    }
}

const fn lobster_side(side: Side) -> lobster::Side {
    match side {
        Side::Buy => lobster::Side::Bid,
        Side::Sell => lobster::Side::Ask,
    }
}

impl Engine for Lobster {
    #[inline(always)]
    fn take(&mut self, command: &Command) {
        let event = match *command {
            Command::Add { order, side, tick, qty } => OrderType::Limit {
                id: order.into(),
                side: lobster_side(side),
                qty: qty.into(),
                price: tick.into(),
            },
            Command::Cancel { order } => OrderType::Cancel { id: order.into() },
            Command::Take { order, side, qty } => {
                OrderType::Market { id: order.into(), side: lobster_side(side), qty: qty.into() }
            }
        };
        std::hint::black_box(self.0.execute(event));
    }

    fn levels(&self, side: Side) -> Vec<(u64, u64)> {
        // It answers every level, lowest price first, whatever is asked for.
        let depth = self.0.depth(0);
        let of_side = match side {
            Side::Buy => depth.bids.into_iter().rev().collect(),
            Side::Sell => depth.asks,
        };
        of_side.iter().map(|level| (level.price, level.qty)).collect()
    }
}

/// `orderbook-rs`: levels in a skip list that threads may share.
pub(super) struct OrderbookRs(orderbook_rs::OrderBook<()>);

impl OrderbookRs {
    pub(super) fn new() -> Self {
        Self(orderbook_rs::OrderBook::new("BENCH"))
    }
}

const fn orderbook_side(side: Side) -> orderbook_rs::Side {
    match side {
        Side::Buy => orderbook_rs::Side::Buy,
        Side::Sell => orderbook_rs::Side::Sell,
    }
}

impl Engine for OrderbookRs {
    #[inline(always)]
    fn take(&mut self, command: &Command) {
        match *command {
            Command::Add { order, side, tick, qty } => {
                let (id, side) = (Id::Sequential(order), orderbook_side(side));
                let good = TimeInForce::Gtc;
                let done = self.0.add_limit_order(id, tick.into(), qty.into(), side, good, None);
                std::hint::black_box(done.is_ok());
            }
            Command::Cancel { order } => {
                std::hint::black_box(self.0.cancel_order(Id::Sequential(order)).is_ok());
            }
            Command::Take { order, side, qty } => {
                let (id, side) = (Id::Sequential(order), orderbook_side(side));
                // An error where nothing is there to take.
                std::hint::black_box(self.0.submit_market_order(id, qty.into(), side).is_ok());
            }
        }
    }

    fn levels(&self, side: Side) -> Vec<(u64, u64)> {
        let Ok((bids, asks)) = self.0.get_volume_by_price() else { return Vec::new() };
        let of_side = if side == Side::Buy { bids } else { asks };
        let mut levels: Vec<_> =
            of_side.into_iter().map(|(price, qty)| (price as u64, qty)).collect();
        levels.sort_unstable();
        if side == Side::Buy {
            levels.reverse();
        }
        levels
    }
}
