//! What kinds of messages a population sends, and how far from the market its orders rest.
//!
//! **Zero intelligence.** Smith, Farmer, Gillemot and Krishnamurthy, "Statistical theory of the
//! continuous double auction", Quantitative Finance 3 (2003): limit orders of one size fall evenly over
//! the prices behind the opposite best, market orders come at a rate of their own, and every resting order
//! is as likely as any other to be canceled. Here the three happen in turn by their rates (the jump chain of the
//! model), so that the times can be a schedule's.
//!
//! **Calibrated.** Bouchaud, Mezard and Potters, "Statistical properties of stock order books", Quantitative
//! Finance 2 (2002): an order is placed D ticks behind the best of its own side with a probability that falls
//! as (1 + D)^-(1 + m), m about 0.6. The shares of messages are those of a busy equity venue, where nearly
//! all orders end canceled: see [`Mix::mixture`].

use crate::generate::dice::{Dice, Weighted};

/// How a population trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Limit orders, market orders and cancels at random.
    ZeroIntelligence,
    /// Power-law depth; 95 % of orders end canceled, 15 % are immediate or cancel, 20 % of messages change
    /// an order.
    Calibrated,
}

/// Where an order comes to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Evenly over so many ticks behind the best of the other side.
    Uniform {
        /// How many.
        ticks: u32,
    },
    /// At D or more ticks behind the best of its own side with probability (1 + D)^-0.6, cut at 1,023.
    PowerLaw,
}

/// The figures of a [`Mix`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mixture {
    /// Messages of 1,000 that replace or modify an order.
    pub change_of_1000: u32,
    /// New orders of 1,000 that are immediate or cancel.
    pub immediate_of_1000: u32,
    /// New orders of 1,000 that are priced to trade, as long as `filled_of_1000` lets them.
    pub take_of_1000: u32,
    /// Of 1,000 ended orders, how many may have traded to the end before no more are priced to trade.
    pub filled_of_1000: u32,
    /// Resting orders of 256 that are placed within the spread, where there is room.
    pub inside_of_256: u32,
    /// New orders and cancels are as `enter` to `cancel` when as many orders rest as are wanted; cancels
    /// are in proportion to the orders that rest.
    pub enter: u32,
    /// See `enter`.
    pub cancel: u32,
    /// Shares of every order; `None`: they differ.
    pub shares: Option<u32>,
    /// Where orders rest.
    pub placement: Placement,
}

impl Mix {
    /// Its figures.
    pub const fn mixture(self) -> Mixture {
        match self {
            // Of six orders one takes; each takes another away, so four in six are canceled.
            Self::ZeroIntelligence => Mixture {
                change_of_1000: 0,
                immediate_of_1000: 0,
                take_of_1000: 167,
                filled_of_1000: 1_000,
                inside_of_256: 0,
                enter: 6,
                cancel: 4,
                shares: Some(100),
                placement: Placement::Uniform { ticks: 64 },
            },
            // Of ten orders eight or so rest, and are canceled.
            Self::Calibrated => Mixture {
                change_of_1000: 200,
                immediate_of_1000: 150,
                take_of_1000: 100,
                filled_of_1000: 50,
                inside_of_256: 64,
                enter: 10,
                cancel: 8,
                shares: None,
                placement: Placement::PowerLaw,
            },
        }
    }
}

/// 2^(-0.6 k), of 65,536: how likely the k-th octave of depths is, that from 2^k - 1 to 2^(k + 1) - 2 ticks.
const OCTAVES: [u64; 10] =
    [65_536, 43_238, 28_526, 18_820, 12_417, 8_192, 5_405, 3_566, 2_353, 1_552];

/// Draws depths that follow the power law: an octave by its weight, evenly within it.
#[derive(Clone, Debug)]
pub(super) struct Depths(Weighted);

impl Depths {
    pub(super) fn new() -> Self {
        Self(Weighted::new(&OCTAVES))
    }

    /// Ticks behind the best of the own side.
    pub(super) fn draw(&self, dice: &mut Dice) -> u32 {
        let width = 1 << self.0.draw(dice);
        width - 1 + dice.below(width)
    }
}

#[cfg(test)]
mod tests {
    use super::Depths;
    use crate::generate::dice::Dice;

    /// The exponent from how many depths lie beyond two of them, where octaves begin: exact there.
    #[test]
    fn depths_fall_by_the_stated_power() {
        let (mut dice, depths) = (Dice::new(7), Depths::new());
        let drawn: Vec<u32> = (0..400_000).map(|_| depths.draw(&mut dice)).collect();
        assert!(drawn.iter().all(|&depth| depth < 1_023));
        let beyond = |depth: u32| drawn.iter().filter(|&&drawn| depth <= drawn).count() as f64;
        // What lies beyond the cut is missing from both counts.
        let cut = 1_024_f64.powf(-0.6);
        let survival = |depth: u32| beyond(depth) / drawn.len() as f64 * (1.0 - cut) + cut;
        for (near, far) in [(1, 31), (3, 63), (7, 255)] {
            let fall = survival(near).ln() - survival(far).ln();
            let exponent = fall / (f64::from(1 + far).ln() - f64::from(1 + near).ln());
            assert!((0.58..0.62).contains(&exponent), "{near} to {far}: {exponent}");
        }
    }
}
