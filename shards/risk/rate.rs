//! Rates: so many in a span.
//!
//! A token bucket and no sliding window: a window that is exact must remember the time of each thing
//! it counted, a bucket is one instant whatever the rate, so that a bucket for each port and symbol is
//! a flat table. What it gives up: over a span that begins with a full bucket, up to twice the count
//! pass, half at once and half as the bucket fills again. Source: the generic cell rate algorithm,
//! ITU-T I.371, Annex A, as virtual scheduling.

use types::Nanos;

/// So many at once, and as many in each span after that, evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// From one to the next when the bucket is empty, rounded up.
    interval_ns: u64,
    /// How far ahead of now the last of a burst may stand.
    slack_ns: u64,
}

impl Rate {
    /// `count` in each `span`. `None` where either is zero, or where `count` is more than there are
    /// nanoseconds in `span`.
    pub fn new(count: u32, span: Nanos) -> Option<Self> {
        let count = u64::from(count);
        if count == 0 || span.get() < count {
            return None;
        }
        let interval_ns = span.get().div_ceil(count);
        Some(Self { interval_ns, slack_ns: interval_ns.saturating_mul(count - 1) })
    }
}

/// What is counted under a rate. It needs none of its history but the instant at which it is full
/// again: one whose instant has passed is as good as new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    full_at: Nanos,
}

impl Bucket {
    /// Takes one. False: there is none now, and nothing was taken. A clock that stepped back only
    /// makes it fuller later.
    #[inline]
    pub(crate) fn take(&mut self, now: Nanos, rate: &Rate) -> bool {
        let from = self.full_at.max(now);
        if rate.slack_ns < from.since(now).get() {
            return false;
        }
        self.full_at = from.saturating_add(Nanos::new(rate.interval_ns));
        true
    }

    /// The instant from which on it is as good as new.
    #[inline]
    pub(crate) const fn full_at(&self) -> Nanos {
        self.full_at
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Bucket, Rate};
    use proptest::prelude::*;
    use types::Nanos;

    #[test]
    fn a_rate_of_nothing_is_none() {
        let cases = [(0, 1, false), (1, 0, false), (2, 1, false), (1, 1, true), (3, 10, true)];
        for (count, span_ns, want) in cases {
            let rate = Rate::new(count, Nanos::new(span_ns));
            assert_eq!(rate.is_some(), want, "{count} in {span_ns}");
        }
        assert!(Rate::new(u32::MAX, Nanos::MAX).is_some());
    }

    #[test]
    fn so_many_at_once_and_then_evenly() {
        let rate = Rate::new(3, Nanos::new(30)).expect("a rate");
        let mut bucket = Bucket::default();
        let cases = [
            // now  taken
            (100, true),
            (100, true),
            (100, true),
            (100, false),
            (109, false),
            (110, true),
            (110, false),
            (90, false), // the clock stepped back
            (140, true),
            (140, true),
            (140, true),
            (140, false),
        ];
        for (now, want) in cases {
            assert_eq!(bucket.take(Nanos::new(now), &rate), want, "now={now}");
        }
    }

    proptest! {
        /// The twin is a bucket that is filled by hand: `interval` drops are one token.
        #[test]
        fn as_a_bucket_filled_by_hand(
            count in 1_u32..6,
            interval_ns in 1_u64..9,
            waits in prop::collection::vec(0_u64..20, 1..200),
        ) {
            let span = Nanos::new(interval_ns * u64::from(count));
            let rate = Rate::new(count, span).expect("a rate");
            let (mut bucket, mut now, mut drops) = (Bucket::default(), 1_000, span.get());
            for wait in waits {
                now += wait;
                drops = (drops + wait).min(span.get());
                let want = interval_ns <= drops;
                if want {
                    drops -= interval_ns;
                }
                prop_assert_eq!(bucket.take(Nanos::new(now), &rate), want);
            }
        }
    }
}
