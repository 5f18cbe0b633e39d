//! A bad network for one line: seeded loss, duplication, reordering and skew.
//!
//! Sans-I/O: packets and the time go in, packets come out when they are due. The same packets and
//! the same seed give the same fate to each packet; the time only says when. Holds packets, never
//! looks into one.

use std::collections::VecDeque;

use bytes::Bytes;
use types::Nanos;

use crate::generate::dice::Dice;

/// What a line does to its packets. Shares are of 1; out of range is held at 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impaired {
    /// Share of packets that are lost.
    pub loss: f64,
    /// Share of packets that come twice.
    pub duplicate: f64,
    /// Share of packets that come behind 1 to `reorder_depth` later ones.
    pub reorder: f64,
    /// Packets by which a reordered one falls back, at least 1.
    pub reorder_depth: u32,
    /// Delay of the whole line.
    pub skew: Nanos,
    /// A reordered packet waits no longer than this, so that a pause does not strand it.
    pub hold: Nanos,
}

impl Impaired {
    /// A perfect line.
    pub const NOT: Self = Self {
        loss: 0.0,
        duplicate: 0.0,
        reorder: 0.0,
        reorder_depth: 4,
        skew: Nanos::ZERO,
        hold: Nanos::from_millis(5),
    };
}

/// What happened to packets so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    /// Packets that came in.
    pub offered: u64,
    /// Not passed on.
    pub lost: u64,
    /// Passed on twice.
    pub duplicated: u64,
    /// Passed on behind a later one.
    pub reordered: u64,
    /// Passed on before their time, because no more could wait.
    pub hurried: u64,
}

/// A packet that waits.
#[derive(Debug)]
struct Waiting {
    bytes: Bytes,
    /// When the line's skew is over.
    due: Nanos,
    copies: u8,
    /// Packets that must pass first.
    behind: u32,
}

/// One line.
#[derive(Debug)]
pub struct Impairment {
    dice: Dice,
    /// Thresholds of 2^32.
    loss: u64,
    duplicate: u64,
    reorder: u64,
    reorder_depth: u32,
    skew: Nanos,
    hold: Nanos,
    /// In order of arrival.
    line: VecDeque<Waiting>,
    /// Taken out of line until enough others have passed.
    aside: VecDeque<Waiting>,
    waiting_max: usize,
    /// Given out last, and how often it is to be given out again.
    current: Waiting,
    fates: Fates,
}

/// A share of 1 as a threshold of 2^32.
fn threshold(share: f64) -> u64 {
    // Exact for every share a person writes: the product of a float and a power of two does not round.
    (share.clamp(0.0, 1.0) * 4_294_967_296.0) as u64
}

impl Impairment {
    /// A line on which up to `waiting_max` packets may wait at a time, at least one.
    pub fn new(impaired: Impaired, seed: u64, waiting_max: usize) -> Self {
        Self {
            dice: Dice::new(seed),
            loss: threshold(impaired.loss),
            duplicate: threshold(impaired.duplicate),
            reorder: threshold(impaired.reorder),
            reorder_depth: impaired.reorder_depth.max(1),
            skew: impaired.skew,
            hold: impaired.hold,
            line: VecDeque::new(),
            aside: VecDeque::new(),
            waiting_max: waiting_max.max(1),
            current: Waiting { bytes: Bytes::new(), due: Nanos::ZERO, copies: 0, behind: 0 },
            fates: Fates::default(),
        }
    }

    /// A packet to carry. Its fate is drawn now, from its place in the stream alone. Then `poll`.
    /// The bytes are shared with the other line and with every copy.
    pub fn on_packet(&mut self, now: Nanos, packet: &Bytes) {
        self.fates.offered += 1;
        // Four draws for every packet, whatever becomes of it: fates of later ones do not shift.
        let (first, second) = (self.dice.bits(), self.dice.bits());
        if first >> 32 < self.loss {
            self.fates.lost += 1;
            return;
        }
        let copies = if first & 0xFFFF_FFFF < self.duplicate {
            self.fates.duplicated += 1;
            2
        } else {
            1
        };
        let behind = if second >> 32 < self.reorder {
            self.fates.reordered += 1;
            1 + (second as u32) % self.reorder_depth
        } else {
            0
        };
        let due = now.saturating_add(self.skew);
        self.line.push_back(Waiting { bytes: packet.clone(), due, copies, behind });
    }

    /// The next packet to send; call until `None`.
    pub fn poll(&mut self, now: Nanos) -> Option<&[u8]> {
        if self.current.copies == 0 && !self.advance(now) {
            return None;
        }
        self.current.copies -= 1;
        Some(&self.current.bytes)
    }

    /// Finds the packet that goes next; false where none is due.
    fn advance(&mut self, now: Nanos) -> bool {
        let full = self.waiting_max < self.line.len() + self.aside.len();
        if let Some(next) = self.released(now) {
            self.current = next;
            return true;
        }
        while let Some(mut first) = self.line.pop_front() {
            let hurried = now < first.due;
            if hurried && !full {
                self.line.push_front(first);
                return false;
            }
            if first.behind == 0 || full {
                self.fates.hurried += u64::from(hurried || first.behind != 0);
                for waiting in &mut self.aside {
                    waiting.behind = waiting.behind.saturating_sub(1);
                }
                self.current = first;
                return true;
            }
            first.due = first.due.saturating_add(self.hold);
            self.aside.push_back(first);
        }
        false
    }

    /// A packet that waited aside long enough.
    fn released(&mut self, now: Nanos) -> Option<Waiting> {
        let at = self.aside.iter().position(|waiting| waiting.behind == 0 || waiting.due <= now)?;
        self.aside.remove(at)
    }

    /// When `poll` has something next.
    pub fn next_deadline(&self) -> Option<Nanos> {
        let line = self.line.front().map(|waiting| waiting.due);
        let aside = self.aside.iter().map(|waiting| waiting.due).min();
        match (line, aside) {
            (Some(line), Some(aside)) => Some(line.min(aside)),
            (line, aside) => line.or(aside),
        }
    }

    /// The figures.
    pub fn fates(&self) -> Fates {
        self.fates
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;
    use types::Nanos;

    use super::{Fates, Impaired, Impairment};

    /// Sends packets 0 to `count - 1`, a microsecond apart, and gives what comes out, in order.
    fn run(impaired: Impaired, seed: u64, count: u32) -> (Vec<u32>, Fates) {
        let mut line = Impairment::new(impaired, seed, 1_000);
        let mut out = Vec::new();
        let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
        for packet in 0..count {
            let now = Nanos::from_micros(u64::from(packet));
            line.on_packet(now, &Bytes::copy_from_slice(&packet.to_be_bytes()));
            while let Some(bytes) = line.poll(now) {
                out.push(number(bytes));
            }
        }
        while let Some(now) = line.next_deadline() {
            while let Some(bytes) = line.poll(now) {
                out.push(number(bytes));
            }
        }
        (out, line.fates())
    }

    #[test]
    fn a_perfect_line_passes_everything_at_once() {
        let (out, fates) = run(Impaired::NOT, 1, 100);
        assert_eq!(out, (0..100).collect::<Vec<_>>());
        assert_eq!(fates, Fates { offered: 100, ..Fates::default() });
    }

    #[test]
    fn the_fate_of_each_packet_is_pinned() {
        let impaired = Impaired { loss: 0.25, duplicate: 0.125, reorder: 0.125, ..Impaired::NOT };
        let (out, fates) = run(impaired, 7, 24);
        assert_eq!(out, PINNED);
        assert_eq!(fates, PINNED_FATES);
        assert_ne!(run(impaired, 8, 24).0, PINNED);
    }

    const PINNED: [u32; 17] = [0, 2, 3, 4, 5, 6, 7, 10, 8, 12, 12, 14, 15, 19, 19, 22, 23];
    const PINNED_FATES: Fates =
        Fates { offered: 24, lost: 9, duplicated: 2, reordered: 1, hurried: 0 };

    #[test]
    fn shares_are_kept() {
        let impaired = Impaired { loss: 0.2, duplicate: 0.05, reorder: 0.1, ..Impaired::NOT };
        let (out, fates) = run(impaired, 3, 100_000);
        assert!((19_500..20_500).contains(&fates.lost), "{fates:?}");
        assert!((3_700..4_300).contains(&fates.duplicated), "{fates:?}");
        assert!((7_600..8_400).contains(&fates.reordered), "{fates:?}");
        assert_eq!(out.len() as u64, 100_000 - fates.lost + fates.duplicated);
        let late = out.iter().zip(&out[1..]).filter(|(now, next)| next < now).count();
        assert!(7_000 < late, "{late} packets come after a later one");
    }

    #[test]
    fn skew_delays_a_line_and_keeps_its_order() {
        let impaired = Impaired { skew: Nanos::from_micros(10), ..Impaired::NOT };
        let mut line = Impairment::new(impaired, 1, 100);
        line.on_packet(Nanos::from_micros(1), &Bytes::from_static(b"first"));
        line.on_packet(Nanos::from_micros(2), &Bytes::from_static(b"second"));
        assert_eq!(line.poll(Nanos::new(10_999)), None);
        assert_eq!(line.next_deadline(), Some(Nanos::from_micros(11)));
        assert_eq!(line.poll(Nanos::from_micros(11)), Some(&b"first"[..]));
        assert_eq!(line.poll(Nanos::from_micros(11)), None);
        assert_eq!(line.poll(Nanos::from_micros(12)), Some(&b"second"[..]));
        assert_eq!(line.next_deadline(), None);
    }

    #[test]
    fn a_reordered_packet_is_not_stranded_by_a_pause() {
        let impaired = Impaired { reorder: 1.0, reorder_depth: 1, ..Impaired::NOT };
        let mut line = Impairment::new(impaired, 1, 100);
        line.on_packet(Nanos::ZERO, &Bytes::from_static(b"alone"));
        assert_eq!(line.poll(Nanos::ZERO), None);
        assert_eq!(line.poll(impaired.hold), Some(&b"alone"[..]));
    }

    #[test]
    fn a_full_line_hurries_and_loses_nothing() {
        let impaired = Impaired { skew: Nanos::from_secs(1), ..Impaired::NOT };
        let mut line = Impairment::new(impaired, 1, 2);
        for packet in [b"1", b"2", b"3"] {
            line.on_packet(Nanos::ZERO, &Bytes::copy_from_slice(packet));
        }
        assert_eq!(line.poll(Nanos::ZERO), Some(&b"1"[..]));
        assert_eq!(line.poll(Nanos::ZERO), None);
        assert_eq!(line.fates().hurried, 1);
    }

    proptest! {
        /// Whatever the line does, each packet that is not lost comes, once or twice.
        #[test]
        fn nothing_vanishes(
            seed: u64,
            shares in (0.0..0.5_f64, 0.0..0.5_f64, 0.0..1.0_f64),
            depth in 0_u32..9,
            skew in 0_u64..20,
            count in 0_u32..300,
        ) {
            let (loss, duplicate, reorder) = shares;
            let impaired = Impaired {
                loss, duplicate, reorder, reorder_depth: depth, skew: Nanos::from_micros(skew), ..Impaired::NOT
            };
            let (mut out, fates) = run(impaired, seed, count);
            prop_assert_eq!(out.len() as u64, u64::from(count) - fates.lost + fates.duplicated);
            out.sort_unstable();
            out.dedup();
            prop_assert_eq!(out.len() as u64, u64::from(count) - fates.lost);
        }
    }
}
