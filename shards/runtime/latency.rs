//! Latency histograms: recorded on the shard, read elsewhere interval by interval.
//!
//! Each socket has a histogram from the kernel's receive stamp to the moment its datagram was
//! handled and the effects carried out. A few sets of histograms go round between shard and reader
//! over two rings, so neither side waits, locks or allocates. When the reader is late the shard
//! goes on recording into the same set, and the interval grows.

use hdrhistogram::Histogram;
use types::Nanos;

/// Sets in the round: one at the shard, one on its way, one at the reader.
const SETS: usize = 3;

/// The longest latency told apart, ns; longer ones count as this.
pub const LATENCY_MAX_NS: u64 = 10_000_000_000;

/// Significant decimal digits.
pub const LATENCY_DIGITS: u8 = 3;

/// What one interval recorded.
#[derive(Debug)]
pub struct Interval {
    /// Its first instant.
    pub from: Nanos,
    /// Its last.
    pub to: Nanos,
    /// By socket, ns.
    pub sockets: Vec<Histogram<u64>>,
}

/// The shard's side.
#[derive(Debug)]
pub(crate) struct Recorder {
    current: Box<Interval>,
    interval: Nanos,
    filled: rtrb::Producer<Box<Interval>>,
    emptied: rtrb::Consumer<Box<Interval>>,
}

/// The reader's side, on any one thread.
#[derive(Debug)]
pub struct Latencies {
    filled: rtrb::Consumer<Box<Interval>>,
    emptied: rtrb::Producer<Box<Interval>>,
}

/// Histograms for so many sockets, handed over every `interval`.
pub(crate) fn recorded(sockets: usize, interval: Nanos, now: Nanos) -> (Recorder, Latencies) {
    let (filled, filled_reader) = rtrb::RingBuffer::new(SETS);
    let (mut emptied_writer, emptied) = rtrb::RingBuffer::new(SETS);
    let new_set = || {
        let histograms = (0..sockets).map(|_| new_histogram()).collect();
        Box::new(Interval { from: now, to: now, sockets: histograms })
    };
    for _ in 1..SETS {
        let _ = emptied_writer.push(new_set()); // there is room for every set
    }
    (
        Recorder { current: new_set(), interval, filled, emptied },
        Latencies { filled: filled_reader, emptied: emptied_writer },
    )
}

/// A histogram with the bounds of this file, which every other one of them can be added to.
///
/// # Panics
/// Never: the bounds are constants that the crate accepts.
pub fn new_histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, LATENCY_MAX_NS, LATENCY_DIGITS)
        .unwrap_or_else(|error| panic!("histogram bounds: {error}"));
    histogram.auto(false);
    histogram
}

impl Recorder {
    #[inline]
    pub(crate) fn record(&mut self, socket: usize, latency_ns: u64) {
        if let Some(histogram) = self.current.sockets.get_mut(socket) {
            histogram.saturating_record(latency_ns);
        }
    }

    /// Hands the set over if its interval is past and the reader has given one back.
    pub(crate) fn housekeep(&mut self, now: Nanos) {
        if self.interval <= now.since(self.current.from) {
            self.hand_over(now);
        }
    }

    /// Hands the set over now, if the reader has given one back.
    pub(crate) fn hand_over(&mut self, now: Nanos) {
        let Ok(mut next) = self.emptied.pop() else { return };
        next.from = now;
        next.to = now;
        self.current.to = now;
        let full = core::mem::replace(&mut self.current, next);
        let _ = self.filled.push(full); // there is room for every set
    }

    /// The last set, at the end: the reader gets it even if it never gave one back.
    pub(crate) fn finish(mut self, now: Nanos) {
        self.current.to = now;
        let _ = self.filled.push(self.current); // there is room for every set
    }
}

impl Latencies {
    /// Hands each finished interval to `each`, oldest first, and gives its set back.
    pub fn drain(&mut self, mut each: impl FnMut(&Interval)) {
        while let Ok(mut interval) = self.filled.pop() {
            each(&interval);
            for histogram in &mut interval.sockets {
                histogram.reset();
            }
            let _ = self.emptied.push(interval); // there is room for every set
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_reaches_the_reader_once_however_late_it_is() {
        let (mut recorder, mut latencies) = recorded(2, Nanos::new(10), Nanos::ZERO);
        let mut counts = Vec::new();
        for now in 1..=100 {
            recorder.record(1, now);
            recorder.housekeep(Nanos::new(now));
            if now == 50 {
                latencies.drain(|interval| counts.push(interval.sockets[1].len()));
            }
        }
        recorder.finish(Nanos::new(101));
        latencies.drain(|interval| counts.push(interval.sockets[1].len()));
        // Two sets to spare: the third interval waits for the reader and grows.
        assert_eq!(counts[..2], [10, 10]);
        assert_eq!(counts.iter().sum::<u64>(), 100);
    }

    #[test]
    fn what_is_out_of_bounds_counts_at_the_bound() {
        let (mut recorder, mut latencies) = recorded(1, Nanos::new(10), Nanos::ZERO);
        recorder.record(0, 0);
        recorder.record(0, u64::MAX);
        recorder.record(5, 1); // no such socket
        recorder.finish(Nanos::new(1));
        latencies.drain(|interval| {
            assert_eq!(interval.sockets[0].len(), 2);
            assert!(LATENCY_MAX_NS <= interval.sockets[0].max());
        });
    }
}
