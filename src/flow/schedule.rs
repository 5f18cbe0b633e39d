//! When a population acts. Open loop: a pace that neither answers nor a slow sender can change.

use types::Nanos;

use crate::generate::dice::Dice;

/// The times between messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gaps {
    /// All the same.
    Fixed,
    /// Exponential, none longer than about five times the mean: messages come at random.
    Exponential,
}

/// The times of one run.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    gaps: Gaps,
    rate: u64,
    began: Nanos,
    due: Nanos,
    count: u64,
    /// Its own, so that the times are the same whatever is drawn elsewhere.
    dice: Dice,
}

const SECOND_NS: u64 = 1_000_000_000;

impl Schedule {
    pub(super) fn new(gaps: Gaps, rate: u64, seed: u64) -> Self {
        let (began, due) = (Nanos::ZERO, Nanos::ZERO);
        Self { gaps, rate: rate.max(1), began, due, count: 0, dice: Dice::new(!seed) }
    }

    /// The first message is due then.
    pub(super) fn begin(&mut self, at: Nanos) {
        (self.began, self.due, self.count) = (at, at, 0);
    }

    pub(super) fn due(&self) -> Nanos {
        self.due
    }

    pub(super) fn advance(&mut self) {
        self.count += 1;
        self.due = match self.gaps {
            Gaps::Fixed => {
                let after = u128::from(self.count) * u128::from(SECOND_NS) / u128::from(self.rate);
                self.began.saturating_add(Nanos::new(u64::try_from(after).unwrap_or(u64::MAX)))
            }
            // A thousand gaps' mean drawn and divided, so that a high rate is not rounded away.
            Gaps::Exponential => {
                let gap = self.dice.exponential(1_000 * SECOND_NS / self.rate) / 1_000;
                self.due.saturating_add(Nanos::new(gap))
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::{Gaps, Schedule};
    use types::Nanos;

    #[test]
    fn fixed_gaps_do_not_drift_and_exponential_ones_keep_the_rate() {
        for (gaps, slack_ns) in [(Gaps::Fixed, 0), (Gaps::Exponential, 20_000_000)] {
            for rate in [3_u64, 300_000] {
                let mut schedule = Schedule::new(gaps, rate, 5);
                schedule.begin(Nanos::from_secs(1));
                let messages = 300_000;
                for _ in 0..messages {
                    schedule.advance();
                }
                let took = schedule.due().since(Nanos::from_secs(1)).get();
                let want = messages * 1_000_000_000 / rate;
                let off = took.abs_diff(want) * rate / messages;
                assert!(off <= slack_ns, "{gaps:?} at {rate}: {took} for {want}");
            }
        }
    }
}
