//! The listed instruments of a generated day: ticker, locate, price, activity.

use types::{Side, Symbol, Trading};

use super::Options;
use super::dice::{Dice, Weighted};
use super::resting::Orders;

/// One cent, in units of 1e-4.
const CENT: u32 = 100;
/// Fair prices stay between a dollar and 4,000 dollars, far from both ends of the wire's range.
const FAIR_MIN: u32 = 100 * CENT;
const FAIR_MAX: u32 = 400_000 * CENT;

/// One listed instrument.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    pub(super) locate: u16,
    pub(super) symbol: Symbol,
    /// Smallest price step, in units of 1e-4.
    pub(super) tick: u32,
    /// What it is worth now, in units of 1e-4, a whole number of ticks: orders come around it.
    pub(super) fair: u32,
    /// Half the usual spread, in units of 1e-4.
    pub(super) half: u32,
    /// About how many orders rest.
    pub(super) goal: usize,
    pub(super) trading: Trading,
    pub(super) orders: Orders,
}

impl Listing {
    /// The middle of the book, or the fair price where a side is empty; a whole number of ticks.
    pub(super) fn middle(&self) -> u32 {
        let (Some(bid), Some(ask)) = (self.orders.best(Side::Buy), self.orders.best(Side::Sell))
        else {
            return self.fair;
        };
        let middle = bid + (ask - bid) / 2;
        middle - middle % self.tick
    }

    /// Moves the fair price by a tick, unless the book is too far behind to follow.
    pub(super) fn drift(&mut self, up: bool) {
        let moved = if up { self.fair + self.tick } else { self.fair - self.tick };
        let slack = self.half + 4 * self.tick;
        if (FAIR_MIN..=FAIR_MAX).contains(&moved) && moved.abs_diff(self.middle()) <= slack {
            self.fair = moved;
        }
    }

    /// The side whose best order is nearest to the fair price: the one that trades next.
    pub(super) fn pressed(&self) -> Option<Side> {
        let (bid, ask) = (self.orders.best(Side::Buy)?, self.orders.best(Side::Sell)?);
        // An ask below the fair price is nearer than any distance.
        let (below, above) = (self.fair.saturating_sub(bid), ask.saturating_sub(self.fair));
        Some(if above < below { Side::Sell } else { Side::Buy })
    }
}

/// Lists `options.symbols` instruments and the odds of each being the next to act: a power law.
pub(super) fn list(
    options: &Options,
    live_orders: u32,
    dice: &mut Dice,
) -> (Vec<Listing>, Weighted) {
    let count = u32::from(options.symbols);
    let mut ranks: Vec<u32> = (0..count).collect();
    for last in (1..count).rev() {
        ranks.swap(last as usize, dice.below(last + 1) as usize);
    }
    let weights: Vec<u64> = ranks.iter().map(|rank| (1 << 32) / (u64::from(*rank) + 4)).collect();
    let total: u64 = weights.iter().sum();
    let listings = (0..options.symbols)
        .map(|index| {
            let weight = weights[usize::from(index)];
            let goal = u128::from(live_orders) * u128::from(weight) / u128::from(total);
            // Log-uniform prices from 4 to about 512 dollars.
            let dollars = 4 << dice.below(7);
            let fair = (dollars * 100 + dice.below(dollars * 100)) * CENT;
            // The busiest trade at a tick, the quietest at tens of them.
            let half_ticks = 1 + dice.below(2 + ranks[usize::from(index)].min(300) / 10);
            Listing {
                locate: options.first_locate + index,
                symbol: ticker(index, options.symbols),
                tick: CENT,
                fair,
                half: half_ticks.div_ceil(2) * CENT,
                goal: (goal as usize).max(4),
                trading: Trading::Open,
                orders: Orders::default(),
            }
        })
        .collect();
    (listings, Weighted::new(&weights))
}

/// The `index`-th of `count` tickers of four letters, spread evenly and in alphabetical order, as
/// locates are given out.
fn ticker(index: u16, count: u16) -> Symbol {
    const LETTERS: u32 = 26;
    const ALL: u32 = LETTERS.pow(4);
    let mut code = u32::from(index) * (ALL / u32::from(count).max(1));
    let mut padded = *b"        ";
    for place in (0..4).rev() {
        padded[place] = b'A' + (code % LETTERS) as u8;
        code /= LETTERS;
    }
    Symbol::from_wire(padded)
}

#[cfg(test)]
mod tests {
    use super::ticker;

    #[test]
    fn tickers_are_distinct_and_rise() {
        for count in [1, 100, 8_906, u16::MAX] {
            let all: Vec<_> = (0..count).map(|index| ticker(index, count)).collect();
            assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{count}");
        }
    }
}
