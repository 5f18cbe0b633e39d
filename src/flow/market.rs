//! What a population knows of one instrument's market: the prices of its own orders, and its last trade.
//!
//! In ticks. Others' orders are not seen, so this is an idea of the market and no book; it keeps prices
//! within a tenth of where they started.

use std::collections::BTreeMap;

use crate::generate::dice::Dice;

#[derive(Clone, Debug)]
pub(super) struct Market {
    /// Units of 1e-4 in a tick.
    tick: u64,
    reference: i64,
    low: i64,
    high: i64,
    last: Option<i64>,
    /// Price and how many orders of ours are shown there.
    bids: BTreeMap<i64, u32>,
    asks: BTreeMap<i64, u32>,
}

impl Market {
    /// `reference` and `tick` in units of 1e-4; a reference is at least 20 ticks.
    pub(super) fn new(reference: u32, tick: u32) -> Self {
        let middle = i64::from(reference / tick);
        Self {
            tick: u64::from(tick),
            reference: middle,
            low: middle - middle / 10,
            high: middle + middle / 10,
            last: None,
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
        }
    }

    /// To the wire: units of 1e-4.
    pub(super) fn price(&self, ticks: i64) -> u64 {
        u64::try_from(ticks).unwrap_or_default() * self.tick
    }

    pub(super) fn tick(&self) -> u64 {
        self.tick
    }

    /// From the wire, rounded down to a tick.
    fn ticks(&self, price: u64) -> i64 {
        i64::try_from(price / self.tick).unwrap_or(i64::MAX)
    }

    pub(super) fn on_trade(&mut self, price: u64) {
        self.last = Some(self.ticks(price));
    }

    fn side(&mut self, buy: bool) -> &mut BTreeMap<i64, u32> {
        if buy { &mut self.bids } else { &mut self.asks }
    }

    /// An order of ours is shown at a price.
    pub(super) fn on_shown(&mut self, buy: bool, price: u64) {
        let ticks = self.ticks(price);
        *self.side(buy).entry(ticks).or_default() += 1;
    }

    /// And no more.
    pub(super) fn on_gone(&mut self, buy: bool, price: u64) {
        let ticks = self.ticks(price);
        let side = self.side(buy);
        match side.get_mut(&ticks) {
            Some(orders) if 1 < *orders => *orders -= 1,
            Some(_) | None => {
                side.remove(&ticks);
            }
        }
    }

    /// The best prices as far as we know, with one tick between them at least where only one is ours.
    fn best(&self) -> (i64, i64) {
        let bid = self.bids.last_key_value().map(|(&ticks, _)| ticks);
        let ask = self.asks.first_key_value().map(|(&ticks, _)| ticks);
        let middle = self.last.unwrap_or(self.reference);
        match (bid, ask) {
            (Some(bid), Some(ask)) => (bid, ask),
            (Some(bid), None) => (bid, middle.max(bid) + 1),
            (None, Some(ask)) => (middle.min(ask) - 1, ask),
            (None, None) => (middle - 1, middle + 1),
        }
    }

    fn held(&self, ticks: i64) -> i64 {
        ticks.clamp(self.low, self.high)
    }

    /// So many ticks behind the best of the own side, or anywhere nearer where that is out of range.
    pub(super) fn behind(&self, buy: bool, depth: u32, dice: &mut Dice) -> i64 {
        let (bid, ask) = self.best();
        let room = if buy { bid - self.low } else { self.high - ask };
        let room = u32::try_from(room.max(0)).unwrap_or(u32::MAX);
        let depth = if depth <= room { depth } else { dice.below(room.saturating_add(1)) };
        self.held(if buy { bid - i64::from(depth) } else { ask + i64::from(depth) })
    }

    /// A price between the best two, where there is one.
    pub(super) fn inside(&self, dice: &mut Dice) -> Option<i64> {
        let (bid, ask) = self.best();
        let room = u32::try_from(ask - bid - 1).ok().filter(|&room| 0 < room)?;
        Some(self.held(bid + 1 + i64::from(dice.below(room))))
    }

    /// So many ticks, from 1, behind the best of the other side.
    pub(super) fn short_of(&self, buy: bool, ticks: u32) -> i64 {
        let (bid, ask) = self.best();
        self.held(if buy { ask - i64::from(ticks) } else { bid + i64::from(ticks) })
    }

    /// A price that trades: the best of the other side or a little through it.
    pub(super) fn through(&self, buy: bool, ticks: u32) -> i64 {
        let (bid, ask) = self.best();
        self.held(if buy { ask + i64::from(ticks) } else { bid - i64::from(ticks) })
    }
}

#[cfg(test)]
mod tests {
    use super::Market;
    use crate::generate::dice::Dice;

    #[test]
    fn prices_follow_our_orders_then_our_trades_then_the_reference() {
        let mut market = Market::new(1_000_000, 100);
        assert_eq!(market.best(), (9_999, 10_001));
        market.on_trade(1_000_250);
        assert_eq!(market.best(), (10_001, 10_003));
        market.on_shown(true, 1_000_400);
        assert_eq!(market.best(), (10_004, 10_005));
        market.on_shown(false, 1_000_900);
        market.on_shown(false, 1_000_900);
        assert_eq!(market.best(), (10_004, 10_009));
        market.on_gone(false, 1_000_900);
        market.on_gone(true, 1_000_400);
        assert_eq!(market.best(), (10_001, 10_009));
    }

    #[test]
    fn prices_stay_within_a_tenth_of_the_reference() {
        let (mut market, mut dice) = (Market::new(2_000, 100), Dice::new(1));
        market.on_trade(1_000_000);
        for buy in [true, false] {
            for depth in [0, 1, 2, 3, 1_000] {
                let behind = market.behind(buy, depth, &mut dice);
                let others = [market.short_of(buy, depth), market.through(buy, depth), behind];
                assert!(others.iter().all(|ticks| (18..=22).contains(ticks)), "{others:?}");
            }
        }
    }
}
