//! When each message is due. Open loop: a publisher that falls behind catches up, and the schedule
//! never waits for it, so that a slow moment of ours is not mistaken for a quiet market.

use types::Nanos;

/// How fast messages are published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As fast as they can be sent.
    Max,
    /// So many messages a second, evenly.
    Rate(u64),
    /// The recorded times, so many times as fast.
    Speed(f64),
}

/// The schedule of one run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pace: Pace,
    began: Nanos,
    /// Recorded time of the first message.
    first: Option<Nanos>,
    /// Messages scheduled so far.
    count: u64,
}

impl Schedule {
    pub(super) fn new(pace: Pace, began: Nanos) -> Self {
        Self { pace, began, first: None, count: 0 }
    }

    /// When the next message is due, which was recorded at `recorded`.
    pub(super) fn next(&mut self, recorded: Nanos) -> Nanos {
        let nth = self.count;
        self.count += 1;
        let after_ns = match self.pace {
            Pace::Max => 0,
            Pace::Rate(per_second) => {
                let after = u128::from(nth) * 1_000_000_000 / u128::from(per_second.max(1));
                u64::try_from(after).unwrap_or(u64::MAX)
            }
            Pace::Speed(times) => {
                let first = *self.first.get_or_insert(recorded);
                (recorded.since(first).get() as f64 / times) as u64
            }
        };
        self.began.saturating_add(Nanos::new(after_ns))
    }
}

#[cfg(test)]
mod tests {
    use types::Nanos;

    use super::{Pace, Schedule};

    #[test]
    fn messages_are_due_by_count_or_by_their_times() {
        let began = Nanos::new(1_000);
        let cases = [
            // pace                 recorded at 500, 700, 600
            (Pace::Max, [1_000, 1_000, 1_000]),
            (Pace::Rate(10_000_000), [1_000, 1_100, 1_200]),
            (Pace::Speed(2.0), [1_000, 1_100, 1_050]),
            (Pace::Speed(0.5), [1_000, 1_400, 1_200]),
        ];
        for (pace, want) in cases {
            let mut schedule = Schedule::new(pace, began);
            let due = [500, 700, 600].map(|recorded| schedule.next(Nanos::new(recorded)).get());
            assert_eq!(due, want, "{pace:?}");
        }
    }

    #[test]
    fn a_rate_does_not_drift() {
        let mut schedule = Schedule::new(Pace::Rate(3), Nanos::ZERO);
        let due: Vec<u64> = (0..7).map(|_| schedule.next(Nanos::ZERO).get()).collect();
        assert_eq!(due[3], 1_000_000_000);
        assert_eq!(due[6], 2_000_000_000);
    }
}
