//! The time on a shard: the processor's counter scaled to nanoseconds since the epoch.
//!
//! Kernel receive stamps are `CLOCK_REALTIME`, so this clock follows it: it is re-anchored in
//! housekeeping, and between two anchors a reading costs one counter read. Where the processor has
//! no invariant counter, quanta reads `CLOCK_MONOTONIC` instead and the rest stays the same.

use std::time::{SystemTime, UNIX_EPOCH};

use types::Nanos;

/// While ahead of the system clock, time passes slower by one part in `2^SLEW_SHIFT`: it neither
/// steps back nor stands still, so deadlines go on.
const SLEW_SHIFT: u32 = 3;

/// Anchor readings tried; the one least disturbed by the scheduler counts.
const ANCHOR_TRIES: u32 = 3;

/// Nanoseconds since the epoch that never step back. One per core, read by its loop alone.
#[derive(Debug)]
pub struct Clock {
    counter: quanta::Clock,
    anchor: Anchor,
    last_ns: u64,
}

/// One point where counter and epoch were read together.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    /// The counter then.
    raw: u64,
    /// What this clock said then.
    epoch_ns: u64,
    /// How far that was ahead of the system clock: what is to be lost from here on.
    ahead_ns: u64,
}

impl Anchor {
    fn at(self, elapsed_ns: u64) -> u64 {
        let lost_ns = self.ahead_ns.min(elapsed_ns >> SLEW_SHIFT);
        self.epoch_ns.saturating_add(elapsed_ns - lost_ns)
    }

    /// The next anchor, `elapsed_ns` after this one, where the system clock says `system_ns`.
    /// Behind it: catch up at once. Ahead of it: stay, and lose the difference slowly.
    fn next(self, raw: u64, elapsed_ns: u64, system_ns: u64) -> Self {
        let here_ns = self.at(elapsed_ns);
        Self { raw, epoch_ns: here_ns.max(system_ns), ahead_ns: here_ns.saturating_sub(system_ns) }
    }
}

impl Clock {
    /// Calibrates the counter once a process (some milliseconds), then anchors.
    pub fn new() -> Self {
        let counter = quanta::Clock::new();
        let (raw, epoch_ns) = read_both(&counter);
        Self { counter, anchor: Anchor { raw, epoch_ns, ahead_ns: 0 }, last_ns: epoch_ns }
    }

    /// Now; never earlier than the reading before.
    #[inline]
    pub fn now(&mut self) -> Nanos {
        let elapsed_ns = self.counter.delta_as_nanos(self.anchor.raw, self.counter.raw());
        self.last_ns = self.last_ns.max(self.anchor.at(elapsed_ns));
        Nanos::new(self.last_ns)
    }

    /// Follows the system clock again: forward at once, backward by running slower for a while.
    pub fn anchor(&mut self) {
        let (raw, system_ns) = read_both(&self.counter);
        let elapsed_ns = self.counter.delta_as_nanos(self.anchor.raw, raw);
        self.anchor = self.anchor.next(raw, elapsed_ns, system_ns);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// The counter and the system clock at the same moment, as nearly as can be told.
fn read_both(counter: &quanta::Clock) -> (u64, u64) {
    let mut best = (u64::MAX, 0, 0);
    for _ in 0..ANCHOR_TRIES {
        let before = counter.raw();
        let epoch_ns = system_ns();
        let took = counter.raw().saturating_sub(before);
        if took < best.0 {
            best = (took, before.saturating_add(took / 2), epoch_ns);
        }
    }
    (best.1, best.2)
}

/// `CLOCK_REALTIME`; zero before 1970 and the end of time after 2554, neither of which comes.
#[expect(clippy::disallowed_methods)] // the one place where a shard's time comes from
fn system_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_reads_between_two_readings_of_the_system_clock() {
        let mut clock = Clock::new();
        for _ in 0..100 {
            clock.anchor();
            let before = system_ns();
            let now = clock.now().get();
            let after = system_ns();
            // Calibration and the anchor's own reading may be off by a little.
            let slack_ns = 1_000_000;
            assert!(before <= now + slack_ns && now <= after + slack_ns, "{before} {now} {after}");
        }
    }

    #[test]
    fn a_system_clock_that_steps_back_slows_it_and_never_stops_it() {
        let anchor = Anchor { raw: 0, epoch_ns: 10_000, ahead_ns: 0 };
        let stepped = anchor.next(0, 100, 9_300);
        assert_eq!((stepped.epoch_ns, stepped.ahead_ns), (10_100, 800));
        assert_eq!(stepped.at(800), 10_100 + 700, "an eighth is lost");
        assert_eq!(stepped.at(100_000), 10_100 + 100_000 - 800, "until all of it is");
        let forward = anchor.next(0, 100, 20_000);
        assert_eq!((forward.epoch_ns, forward.ahead_ns), (20_000, 0), "forward at once");
    }

    proptest! {
        #[test]
        fn it_never_steps_back(steps in prop::collection::vec((0_u64..1_000_000, 0_u64..2_000_000_000), 1..50)) {
            let mut anchor = Anchor { raw: 0, epoch_ns: 1_000_000_000, ahead_ns: 0 };
            let mut last = anchor.epoch_ns;
            for (elapsed_ns, system_ns) in steps {
                prop_assert!(anchor.at(elapsed_ns / 2) <= anchor.at(elapsed_ns));
                prop_assert!(last <= anchor.at(elapsed_ns / 2));
                anchor = anchor.next(0, elapsed_ns, system_ns);
                prop_assert!(last <= anchor.epoch_ns);
                last = anchor.epoch_ns;
            }
        }
    }
}
