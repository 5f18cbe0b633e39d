//! One line's account: what it carried, what it missed, how far it lags the other.
//!
//! Decides nothing: the receiver works the same with every figure here deleted.

use types::Nanos;

use crate::LineHealth;

/// Gaps of one line that a late packet may still take back. An older one stays lost.
const HOLES: usize = 32;

/// First arrivals remembered to measure lags by. A power of two that fits a `u8` index.
const ARRIVALS: usize = 256;

/// Lags remembered in full, newest over oldest.
const LAGS: usize = 64;

/// Weight of one lag in the running mean, as a shift.
const MEAN_SHIFT: u32 = 4;

/// Messages a line skipped, `from..end`; empty where `from == end`.
#[derive(Clone, Copy, Debug, Default)]
struct Hole {
    from: u64,
    end: u64,
}

/// A line's position and figures.
#[derive(Clone, Debug, Default)]
pub(crate) struct LineTrack {
    pub(crate) health: LineHealth,
    /// The message it should bring next; zero before its first packet of a session.
    next: u64,
    holes: [Hole; HOLES],
    /// The place written over last, when all were taken.
    hole_at: usize,
}

impl LineTrack {
    /// Another session: positions are void, counters stay.
    pub(crate) fn restart(&mut self) {
        self.next = 0;
        self.holes = [Hole::default(); HOLES];
    }

    /// A packet with the messages `from..end`.
    #[inline]
    pub(crate) fn on_messages(&mut self, now: Nanos, from: u64, end: u64, bytes: usize) {
        count_packet(&mut self.health, now, from, end, bytes);
        if from == self.next {
            self.next = end;
        } else {
            self.off_course(from, end);
        }
    }

    /// A heartbeat or end of session: the line has brought everything before `next`.
    pub(crate) fn on_heartbeat(&mut self, now: Nanos, next: u64) {
        self.health.heartbeats += 1;
        self.health.heard_at = now;
        if self.next < next {
            self.off_course(next, next);
        }
    }

    #[cold]
    fn off_course(&mut self, from: u64, end: u64) {
        if self.next == 0 {
            self.next = end;
        } else if self.next < from {
            self.health.lost += from - self.next;
            self.remember(Hole { from: self.next, end: from });
            self.next = end;
        } else {
            let late = self.fill(from, end.min(self.next));
            self.health.lost -= late;
            self.health.out_of_order += u64::from(0 < late);
            self.next = self.next.max(end);
        }
    }

    /// In an empty place, else over the one written over longest ago.
    fn remember(&mut self, hole: Hole) {
        let empty = self.holes.iter().position(|hole| hole.from == hole.end);
        let place = empty.unwrap_or_else(|| {
            self.hole_at = (self.hole_at + 1) % HOLES;
            self.hole_at
        });
        self.holes[place] = hole;
    }

    /// Takes `from..end` out of the remembered holes and says how many messages that was.
    fn fill(&mut self, from: u64, end: u64) -> u64 {
        let mut filled = 0;
        let mut rest = Hole::default();
        for hole in &mut self.holes {
            let (cut_from, cut_end) = (hole.from.max(from), hole.end.min(end));
            if cut_end <= cut_from {
                continue;
            }
            filled += cut_end - cut_from;
            if hole.from < cut_from && cut_end < hole.end {
                // Cut in two: holes do not overlap, so this happens in one of them at most.
                rest = Hole { from: cut_end, end: hole.end };
                hole.end = cut_from;
            } else if hole.from == cut_from {
                hole.from = cut_end;
            } else {
                hole.end = cut_from;
            }
        }
        if rest.from < rest.end {
            self.remember(rest);
        }
        filled
    }
}

/// Counts a packet with the messages `from..end`, whatever way it came.
#[inline]
pub(crate) fn count_packet(health: &mut LineHealth, now: Nanos, from: u64, end: u64, bytes: usize) {
    health.packets += 1;
    health.messages += end - from;
    health.bytes += bytes as u64;
    health.heard_at = now;
}

/// The first arrival of a packet.
#[derive(Clone, Copy, Debug, Default)]
struct Arrived {
    /// Of its first message; zero where there is none, or both lines brought it.
    sequence: u64,
    at: Nanos,
    line: u8,
}

/// First arrivals of recent packets, and the lags of those that came a second time.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    slots: [Arrived; ARRIVALS],
    lags_ns: [i64; LAGS],
    lags: usize,
}

impl Arrivals {
    pub(crate) fn new() -> Self {
        Self { slots: [Arrived::default(); ARRIVALS], lags_ns: [0; LAGS], lags: 0 }
    }

    /// Another session: what arrived before is not comparable; lags stay.
    pub(crate) fn restart(&mut self) {
        self.slots = [Arrived::default(); ARRIVALS];
    }

    /// A packet is here for the first time.
    #[inline]
    pub(crate) fn first(&mut self, now: Nanos, line: usize, sequence: u64) {
        self.slots[place(sequence)] = Arrived { sequence, at: now, line: line as u8 };
    }

    /// A packet is here again: measures how far this line lags, once per packet.
    #[inline]
    pub(crate) fn again(
        &mut self,
        now: Nanos,
        line: usize,
        sequence: u64,
        health: &mut LineHealth,
    ) {
        let slot = &mut self.slots[place(sequence)];
        if slot.sequence != sequence || usize::from(slot.line) == line {
            return;
        }
        slot.sequence = 0;
        // Kernel stamps: the line polled second may have been first on the wire. Then it does not lag.
        let lag = now.since(slot.at);
        let b_minus_a_ns = if line == 0 { signed(slot.at, now) } else { signed(now, slot.at) };
        self.lags_ns[self.lags % LAGS] = b_minus_a_ns;
        self.lags = self.lags.wrapping_add(1);
        health.lag_max = health.lag_max.max(lag);
        health.lag_mean = mean(health.lag_mean, lag);
    }

    /// Arrival on line B minus arrival on line A in nanoseconds, oldest first.
    pub(crate) fn lags_ns(&self) -> impl Iterator<Item = i64> {
        let kept = self.lags.min(LAGS);
        (self.lags - kept..self.lags).map(|lag| self.lags_ns[lag % LAGS])
    }
}

/// Multiplicative: sequences step by whole packets, so their low bits repeat.
#[inline]
fn place(sequence: u64) -> usize {
    const _: () = assert!(ARRIVALS == 1 << 8);
    (sequence.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as usize
}

/// `a - b`, held at the ends of the range.
fn signed(a: Nanos, b: Nanos) -> i64 {
    let span = |span: Nanos| i64::try_from(span.get()).unwrap_or(i64::MAX);
    if a < b { -span(b.since(a)) } else { span(a.since(b)) }
}

/// The running mean with one more sample. The first sample is the mean.
fn mean(mean: Nanos, sample: Nanos) -> Nanos {
    match mean {
        Nanos::ZERO => sample,
        mean if mean < sample => Nanos::new(mean.get() + (sample.since(mean).get() >> MEAN_SHIFT)),
        mean => Nanos::new(mean.get() - (mean.since(sample).get() >> MEAN_SHIFT)),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Arrivals, LineTrack, mean};
    use crate::LineHealth;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::vec::Vec;
    use types::Nanos;

    #[test]
    fn counts_what_a_line_missed_and_takes_back_what_was_late() {
        type Case = (&'static [(u64, u64)], u64, u64);
        let cases: [Case; 7] = [
            // packets (from, end)                 lost late
            (&[(1, 3), (3, 4)], 0, 0),
            (&[(7, 8), (8, 9)], 0, 0), // joined in the middle: not lost
            (&[(1, 3), (6, 7)], 3, 0),
            (&[(1, 3), (6, 7), (3, 6)], 0, 1),
            (&[(1, 3), (9, 10), (5, 6), (7, 8)], 4, 2), // one hole cut twice
            (&[(1, 3), (6, 7), (6, 7), (1, 3)], 3, 0),  // repeated, not late
            (&[(1, 3), (6, 7), (4, 9)], 1, 1),
        ];
        for (packets, lost, late) in cases {
            let mut line = LineTrack::default();
            for (from, end) in packets {
                line.on_messages(Nanos::ZERO, *from, *end, 0);
            }
            assert_eq!((line.health.lost, line.health.out_of_order), (lost, late), "{packets:?}");
        }
    }

    #[test]
    fn a_heartbeat_tells_the_loss_at_the_tail() {
        let mut line = LineTrack::default();
        line.on_messages(Nanos::ZERO, 1, 3, 0);
        line.on_heartbeat(Nanos::ZERO, 8);
        assert_eq!(line.health.lost, 5);
        line.on_messages(Nanos::ZERO, 8, 9, 0);
        assert_eq!(line.health.lost, 5);
    }

    #[test]
    fn the_second_arrival_is_measured_once_and_signed() {
        let mut arrivals = Arrivals::new();
        let mut health = LineHealth::default();
        arrivals.first(Nanos::new(100), 0, 1);
        arrivals.again(Nanos::new(130), 0, 1, &mut health); // the same line twice
        arrivals.again(Nanos::new(140), 1, 1, &mut health);
        arrivals.again(Nanos::new(900), 1, 1, &mut health);
        arrivals.first(Nanos::new(200), 1, 2);
        arrivals.again(Nanos::new(207), 0, 2, &mut health);
        assert_eq!(arrivals.lags_ns().collect::<Vec<_>>(), [40, -7]);
        assert_eq!(health.lag_max, Nanos::new(40));
        for lag in 0..100 {
            arrivals.first(Nanos::new(0), 0, 10 + lag);
            arrivals.again(Nanos::new(lag), 1, 10 + lag, &mut health);
        }
        assert_eq!(arrivals.lags_ns().collect::<Vec<_>>(), (36..100).collect::<Vec<_>>());
    }

    #[test]
    fn the_mean_moves_towards_the_sample() {
        assert_eq!(mean(Nanos::ZERO, Nanos::new(80)), Nanos::new(80));
        assert_eq!(mean(Nanos::new(80), Nanos::new(160)), Nanos::new(85));
        assert_eq!(mean(Nanos::new(80), Nanos::ZERO), Nanos::new(75));
    }

    proptest! {
        /// Against a set of numbers: with few enough holes to remember, loss is exact.
        #[test]
        fn loss_is_what_never_came(packets in prop::collection::vec((1u64..60, 1u64..5), 1..30)) {
            let mut line = LineTrack::default();
            let mut came = BTreeSet::new();
            let first = packets[0].0;
            for (from, count) in packets {
                line.on_messages(Nanos::ZERO, from, from + count, 0);
                came.extend(from..from + count);
            }
            let last = came.last().copied().unwrap_or(0);
            let lost = (first..last).filter(|number| !came.contains(number)).count();
            prop_assert_eq!(line.health.lost, lost as u64);
        }
    }
}
