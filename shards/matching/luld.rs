//! Limit up, limit down: prices between which an instrument may trade, around a reference that follows
//! its trades, and the pause where a limit is held too long. A state machine of prices and times;
//! knows no book.
//!
//! Source: Plan to Address Extraordinary Market Volatility (SEC Rule 608), I (reference price), V
//! (price bands), VI (limit state), VII (trading pause), Appendix A (percentages). The bands are an
//! instrument's own: of one venue, not of the consolidated market.

use types::{Nanos, Px, Side};

use crate::noting::Prints;

/// How often the mean is looked at.
const LOOK: Nanos = Nanos::from_secs(30);
/// Of how many of those the mean is: five minutes.
const LOOKS: usize = 10;

/// Which securities: Appendix A.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Those of the large indices, and some funds.
    One,
    /// All others.
    Two,
}

/// How an instrument's limits work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LuldRules {
    /// Which percentages.
    pub tier: Tier,
    /// Between which times of day the bands are twice as wide.
    pub doubled: [Option<(Nanos, Nanos)>; 2],
    /// How long the best price of a side may stand at its band.
    pub limit_state: Nanos,
    /// How long the pause is, and each extension of it.
    pub pause: Nanos,
}

impl LuldRules {
    /// As the plan has it, never twice as wide.
    pub const fn new(tier: Tier) -> Self {
        let (limit_state, pause) = (Nanos::from_secs(15), Nanos::from_secs(300));
        Self { tier, doubled: [None; 2], limit_state, pause }
    }

    /// How far a band is from a reference, for an instrument that closed at a price.
    fn away(&self, close: Px, reference: Px) -> i128 {
        let dollars = |cents: i64| i128::from(cents) * 1_000_000;
        let (close, reference) = (i128::from(close.raw()), i128::from(reference.raw()).abs());
        match self.tier {
            Tier::One if dollars(300) < close => reference * 5 / 100,
            Tier::Two if dollars(300) < close => reference * 10 / 100,
            Tier::One | Tier::Two if dollars(75) <= close => reference * 20 / 100,
            Tier::One | Tier::Two => dollars(15).min(reference * 75 / 100),
        }
    }
}

/// The limits of one instrument in continuous trading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Luld {
    rules: LuldRules,
    /// The last close.
    close: Px,
    reference: Px,
    /// Instants between which the bands are twice as wide.
    doubled: [(Nanos, Nanos); 2],
    /// What was paid in each part of the last five minutes.
    looks: [Prints; LOOKS],
    at: usize,
    next: Nanos,
    /// The side whose best price stands at its band, and since when.
    held: Option<(Side, Nanos)>,
}

impl Luld {
    /// Continuous trading begins at a price.
    pub(crate) fn start(
        rules: LuldRules,
        close: Px,
        reference: Px,
        now: Nanos,
        midnight: Option<Nanos>,
    ) -> Self {
        let instants = |(from, until): (Nanos, Nanos)| {
            let midnight = midnight?;
            Some((midnight.saturating_add(from), midnight.saturating_add(until)))
        };
        let never = (Nanos::MAX, Nanos::MAX);
        let doubled = rules.doubled.map(|span| span.and_then(instants).unwrap_or(never));
        let next = now.saturating_add(LOOK);
        let looks = [Prints::default(); LOOKS];
        Self { rules, close, reference, doubled, looks, at: 0, next, held: None }
    }

    /// Trades happened.
    pub(crate) fn on_trades(&mut self, prints: Prints) {
        let look = &mut self.looks[self.at];
        look.sum += prints.sum;
        look.count += prints.count;
    }

    /// The lowest and the highest price, not rounded; `None` where no price is so far out.
    pub(crate) fn bands(&self, now: Nanos) -> Option<(Px, Px)> {
        let is_wide = self.doubled.iter().any(|(from, until)| *from <= now && now < *until);
        let once = self.rules.away(self.close, self.reference);
        let away = i64::try_from(if is_wide { 2 * once } else { once }).ok()?;
        let reference = self.reference.raw();
        let (lower, upper) = (reference.checked_sub(away)?, reference.checked_add(away)?);
        Some((Px::from_raw(lower), Px::from_raw(upper)))
    }

    /// Which side's best price stands at its band now; answers whether that is new.
    pub(crate) fn on_top(&mut self, now: Nanos, at_band: Option<Side>) -> bool {
        if self.held.map(|held| held.0) == at_band {
            return false;
        }
        self.held = at_band.map(|side| (side, now));
        true
    }

    /// When [`Luld::on_deadline`] is wanted after a time.
    pub(crate) fn next_deadline(&self, now: Nanos) -> Nanos {
        let pause = self.held.map(|held| held.1.saturating_add(self.rules.limit_state));
        let edges = self.doubled.iter().flat_map(|(from, until)| [*from, *until]);
        let edge = edges.filter(|edge| now < *edge).min();
        self.next.min(pause.unwrap_or(Nanos::MAX)).min(edge.unwrap_or(Nanos::MAX))
    }

    /// Time has passed, and the bands may be others; or a limit was held too long: on which side.
    pub(crate) fn on_deadline(&mut self, now: Nanos) -> Option<Side> {
        if let Some((side, since)) = self.held
            && since.saturating_add(self.rules.limit_state) <= now
        {
            return Some(side);
        }
        for _ in 0..LOOKS {
            if now < self.next {
                break;
            }
            // In a limit state the reference stands (VI.B.1).
            if self.held.is_none() {
                self.look();
            }
            self.at = (self.at + 1) % LOOKS;
            self.looks[self.at] = Prints::default();
            self.next = self.next.saturating_add(LOOK);
        }
        // What lies further back than five minutes has left the mean.
        while self.next <= now {
            self.next = now.saturating_add(LOOK);
        }
        None
    }

    /// The mean becomes the reference where it has left it by a hundredth.
    fn look(&mut self) {
        let (sum, count) = self
            .looks
            .iter()
            .fold((0, 0), |(sum, count), look| (sum + look.sum, count + i128::from(look.count)));
        if count == 0 {
            return;
        }
        // A mean of prices is one.
        let mean = (sum / count) as i64;
        let reference = self.reference.raw();
        let away = (i128::from(mean) - i128::from(reference)).abs();
        if i128::from(reference).abs() <= away * 100 {
            self.reference = Px::from_raw(mean);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Luld, LuldRules, Tier};
    use crate::noting::Prints;
    use types::{Nanos, Px, Side};

    fn cents(count: i64) -> Px {
        Px::from_raw(count * 1_000_000)
    }

    fn secs(count: u64) -> Nanos {
        Nanos::from_secs(count)
    }

    fn start(tier: Tier, close: i64, reference: i64) -> Luld {
        Luld::start(LuldRules::new(tier), cents(close), cents(reference), secs(0), None)
    }

    #[test]
    fn the_bands_are_those_of_appendix_a() {
        let cases = [
            // tier     close  reference  lower  upper, in cents
            (Tier::One, 10_000, 10_000, 9_500, 10_500),
            (Tier::Two, 10_000, 10_000, 9_000, 11_000),
            (Tier::One, 301, 400, 380, 420),
            (Tier::One, 300, 200, 160, 240),
            (Tier::Two, 75, 100, 80, 120),
            (Tier::Two, 74, 100, 85, 115),
            (Tier::One, 10, 12, 3, 21),
        ];
        for (tier, close, reference, lower, upper) in cases {
            let bands = start(tier, close, reference).bands(secs(0));
            assert_eq!(bands, Some((cents(lower), cents(upper))), "{tier:?} {close} {reference}");
        }
    }

    #[test]
    fn the_bands_are_twice_as_wide_between_two_times() {
        let rules =
            LuldRules { doubled: [Some((secs(10), secs(20))), None], ..LuldRules::new(Tier::One) };
        let luld = Luld::start(rules, cents(1_000), cents(1_000), secs(100), Some(secs(100)));
        let cases = [(109, 950), (110, 900), (119, 900), (120, 950)];
        for (now, lower) in cases {
            assert_eq!(luld.bands(secs(now)).map(|bands| bands.0), Some(cents(lower)), "{now}");
        }
        assert_eq!(luld.next_deadline(secs(100)), secs(110));
        assert_eq!(luld.next_deadline(secs(110)), secs(120));
    }

    #[test]
    fn the_reference_follows_a_mean_that_is_a_hundredth_away() {
        let cases = [
            // trades of: price, count              reference afterwards
            (&[(1_009, 1)][..], 1_000),
            (&[(1_010, 1)], 1_010),
            (&[(1_000, 1), (1_030, 2)], 1_020),
            (&[(985, 3)], 985),
            (&[], 1_000),
        ];
        for (trades, want) in cases {
            let mut luld = start(Tier::One, 1_000, 1_000);
            for &(price, count) in trades {
                let sum = i128::from(cents(price).raw()) * i128::from(count);
                luld.on_trades(Prints { sum, count });
            }
            assert_eq!(luld.on_deadline(secs(30)), None);
            assert_eq!(luld.reference, cents(want), "{trades:?}");
        }
    }

    /// A trade counts for five minutes, and a reference without trades stays.
    #[test]
    fn a_trade_leaves_the_mean_after_five_minutes() {
        let mut luld = start(Tier::One, 1_000, 1_000);
        let print = |price| Prints { sum: i128::from(cents(price).raw()), count: 1 };
        luld.on_trades(print(1_100));
        luld.on_deadline(secs(30));
        assert_eq!(luld.reference, cents(1_100));
        luld.on_trades(print(1_000));
        for now in (60..=300).step_by(30) {
            luld.on_deadline(secs(now));
            assert_eq!(luld.reference, cents(1_050), "{now}");
        }
        luld.on_deadline(secs(330));
        assert_eq!(luld.reference, cents(1_000));
        luld.on_deadline(secs(3_600));
        assert_eq!(luld.reference, cents(1_000));
        assert!(secs(3_600) < luld.next_deadline(secs(3_600)));
    }

    #[test]
    fn a_limit_held_for_fifteen_seconds_is_a_pause() {
        let mut luld = start(Tier::One, 1_000, 1_000);
        luld.on_trades(Prints { sum: i128::from(cents(1_050).raw()), count: 1 });
        assert!(luld.on_top(secs(20), Some(Side::Buy)));
        assert!(!luld.on_top(secs(25), Some(Side::Buy)), "it is held since 20");
        assert_eq!(luld.on_deadline(secs(30)), None, "the reference stands meanwhile");
        assert_eq!(luld.next_deadline(secs(30)), secs(35));
        assert_eq!(luld.on_deadline(secs(35)), Some(Side::Buy));
        assert!(luld.on_top(secs(36), None));
        assert!(luld.on_top(secs(37), Some(Side::Sell)));
        assert_eq!(luld.on_deadline(secs(51)), None);
        assert_eq!(luld.on_deadline(secs(52)), Some(Side::Sell));
    }
}
