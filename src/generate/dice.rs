//! The generator's only source of chance: a seeded ChaCha stream read through integer tables.
//!
//! Never touches floating point, so a seed gives the same draws on every machine. The tables are
//! inverse distribution functions; `data` censuses of two published days fixed their shapes.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Quantiles of the exponential distribution with mean 1,024 at (i + 1/2) / 64.
const EXPONENTIAL: [u16; 64] = [
    8, 24, 41, 58, 75, 92, 110, 128, 146, 165, 184, 203, 223, 243, 263, 284, 305, 327, 349, 372,
    395, 419, 444, 469, 494, 520, 547, 575, 603, 633, 663, 694, 726, 759, 793, 828, 865, 903, 942,
    983, 1026, 1070, 1117, 1166, 1217, 1271, 1328, 1388, 1452, 1520, 1594, 1672, 1758, 1851, 1953,
    2067, 2195, 2342, 2513, 2719, 2976, 3320, 3844, 4968,
];

/// How far behind the inside an order is added: (share of 65,536 at or below, ticks). Between two
/// rows the draw is linear. Median 0 to 1 ticks, 99th percentile about 2,138.
const DISTANCE: [(u32, u32); 9] = [
    (0, 0),
    (24_000, 0),
    (40_000, 1),
    (50_000, 4),
    (57_000, 30),
    (62_000, 250),
    (64_880, 2_138),
    (65_400, 9_000),
    (65_536, 30_000),
];

/// A seeded stream of draws.
#[derive(Clone, Debug)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform below `bound` (0 where `bound` is 0): multiply and shift, whose bias of at most
    /// `bound / 2^32` no statistic of a day can see.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// True `of_256` times in 256.
    pub(crate) fn chance(&mut self, of_256: u32) -> bool {
        (self.0.next_u32() >> 24) < of_256
    }

    /// Exponential with the given mean, cut at about five times it.
    pub(crate) fn exponential(&mut self, mean: u64) -> u64 {
        let row = self.0.next_u32() >> 26;
        mean.saturating_mul(u64::from(EXPONENTIAL[row as usize])) >> 10
    }

    /// Log-uniform below `bound`: each power of two is equally likely, so small numbers dominate
    /// and large ones still come. 0 where `bound` is 0.
    pub(crate) fn heavy(&mut self, bound: u32) -> u32 {
        let Some(last) = bound.checked_sub(1) else {
            return 0;
        };
        let bits = self.0.next_u64();
        let widths = u64::from(u32::BITS - last.leading_zeros()) + 1;
        let width = ((bits >> 32) * widths) >> 32;
        ((bits & ((1 << width) - 1)) as u32).min(last)
    }

    /// Ticks behind the inside at which an order is added.
    pub(crate) fn distance(&mut self) -> u32 {
        let bits = self.0.next_u32();
        interpolate(&DISTANCE, bits >> 16)
    }

    /// Shares of one order: mostly one round lot.
    pub(crate) fn shares(&mut self) -> u32 {
        let bits = self.0.next_u32();
        let share = (bits >> 16) & 0xFF;
        let low = bits & 0xFFFF;
        if share < 128 {
            100
        } else if share < 180 {
            1 + low % 99
        } else if share < 244 {
            100 * (2 + low % 8)
        } else {
            100 * (10 + low % 41)
        }
    }
}

/// The value at `at` of a piecewise linear table whose first column rises from 0 past every `at`.
fn interpolate(table: &[(u32, u32)], at: u32) -> u32 {
    let mut low = (0, 0);
    for &high in table {
        if at < high.0 {
            let span = u64::from(high.0 - low.0);
            let rise = u64::from(high.1 - low.1) + 1;
            return low.1 + (u64::from(at - low.0) * rise / span) as u32;
        }
        low = high;
    }
    low.1
}

/// Draws an index with given weights in constant time (Walker's alias method, in integers).
#[derive(Clone, Debug)]
pub(crate) struct Weighted {
    /// Per index: keep it where a draw is below the threshold, else take the other.
    rows: Vec<(u32, u32)>,
}

impl Weighted {
    /// At least one weight, at most 65,536, each below 2^32.
    pub(crate) fn new(weights: &[u64]) -> Self {
        let count = weights.len() as u64;
        let total: u64 = weights.iter().sum();
        // A row is full at `total`; each weight is scaled by `count`, so they fill all rows exactly.
        let mut scaled: Vec<u64> = weights.iter().map(|weight| weight * count).collect();
        let mut rows: Vec<(u32, u32)> = (0..weights.len()).map(|i| (u32::MAX, i as u32)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..weights.len()).partition(|&i| scaled[i] < total);
        while let (Some(low), Some(&high)) = (small.pop(), large.last()) {
            rows[low] = (threshold(scaled[low], total), high as u32);
            scaled[high] -= total - scaled[low];
            if scaled[high] < total {
                large.pop();
                small.push(high);
            }
        }
        Self { rows }
    }

    pub(crate) fn draw(&self, dice: &mut Dice) -> usize {
        let bits = dice.bits();
        let row = (((bits >> 32) * self.rows.len() as u64) >> 32) as usize;
        let (threshold, other) = self.rows[row];
        if (bits as u32) < threshold { row } else { other as usize }
    }
}

/// `part / whole` as a share of 2^32; `part` is less than `whole`.
fn threshold(part: u64, whole: u64) -> u32 {
    ((u128::from(part) << 32) / u128::from(whole)) as u32
}

#[cfg(test)]
mod tests {
    use super::{Dice, Weighted};

    #[test]
    fn distances_have_the_published_quantiles() {
        let mut dice = Dice::new(1);
        let mut drawn: Vec<u32> = (0..200_000).map(|_| dice.distance()).collect();
        drawn.sort_unstable();
        assert!(drawn[100_000] <= 1, "median {}", drawn[100_000]);
        let p99 = drawn[198_000];
        assert!((1_900..2_400).contains(&p99), "99th percentile {p99}");
    }

    #[test]
    fn weighted_draws_follow_their_weights() {
        let weights = [1, 0, 7, 2];
        let table = Weighted::new(&weights);
        let mut dice = Dice::new(2);
        let mut seen = [0_u32; 4];
        for _ in 0..100_000 {
            seen[table.draw(&mut dice)] += 1;
        }
        for (index, (&weight, &count)) in weights.iter().zip(&seen).enumerate() {
            let want = weight as u32 * 10_000;
            assert!(count.abs_diff(want) <= want / 20, "{index}: {count} for {want}");
        }
    }

    #[test]
    fn heavy_draws_stay_below_the_bound_and_reach_far() {
        let mut dice = Dice::new(3);
        assert_eq!((dice.heavy(0), dice.heavy(1)), (0, 0));
        let drawn: Vec<u32> = (0..10_000).map(|_| dice.heavy(1_000)).collect();
        assert!(drawn.iter().all(|&offset| offset < 1_000));
        let near = drawn.iter().filter(|&&offset| offset < 32).count();
        assert!((4_000..7_500).contains(&near), "{near} of 10,000 below 32");
        assert!(drawn.iter().any(|&offset| 900 <= offset));
    }

    #[test]
    fn exponential_draws_have_their_mean() {
        let mut dice = Dice::new(4);
        let mean = (0..100_000).map(|_| dice.exponential(1_000_000)).sum::<u64>() / 100_000;
        assert!((980_000..1_010_000).contains(&mean), "{mean}");
    }
}
