//! Time: nanoseconds, as an instant or a span.

use core::fmt;
use core::ops::{Add, Sub};

/// Nanoseconds: an instant since the Unix epoch, or a span; the name of the field says which.
///
/// Nobody on a shard asks for the time. The main loop reads the clock once a cycle and hands the
/// instant down, so the same inputs give the same outputs live, on replay and in simulation.
///
/// The operators panic where the result does not fit: they are for values that were checked. Values
/// from outside go through the checked and saturating forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Nanos(u64);

impl Nanos {
    /// The epoch, or no time at all.
    pub const ZERO: Self = Self(0);
    /// Later than every instant.
    pub const MAX: Self = Self(u64::MAX);

    /// From nanoseconds.
    pub const fn new(nanos: u64) -> Self {
        Self(nanos)
    }

    /// From microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros * 1_000)
    }

    /// From milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// From seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1_000_000_000)
    }

    /// In nanoseconds.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The span since `earlier`, or zero where the clock stepped back in between.
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    /// The later instant, held at the end of time rather than past it.
    pub const fn saturating_add(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Add for Nanos {
    type Output = Self;
    fn add(self, span: Self) -> Self {
        Self(self.0 + span.0)
    }
}

impl Sub for Nanos {
    type Output = Self;
    fn sub(self, earlier: Self) -> Self {
        Self(self.0 - earlier.0)
    }
}

/// Three figures and the unit a person would use: `812 ns`, `3.41 us`, `18.0 ms`, `2.50 s`.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
        let Some((unit, name)) = units.into_iter().find(|(unit, _)| *unit <= self.0) else {
            return write!(f, "{} ns", self.0);
        };
        let whole = self.0 / unit;
        let hundredths = self.0 % unit * 100 / unit;
        match whole {
            0..10 => write!(f, "{whole}.{hundredths:02} {name}"),
            10..100 => write!(f, "{whole}.{} {name}", hundredths / 10),
            100.. => write!(f, "{whole} {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::Nanos;
    use std::string::ToString;

    #[test]
    fn prints_three_figures() {
        let cases = [
            (812, "812 ns"),
            (3_416, "3.41 us"),
            (18_049_000, "18.0 ms"),
            (250_000_000_000, "250 s"),
            (0, "0 ns"),
        ];
        for (nanos, want) in cases {
            assert_eq!(Nanos::new(nanos).to_string(), want);
        }
    }

    #[test]
    fn a_clock_that_steps_back_gives_no_span() {
        assert_eq!(Nanos::new(5).since(Nanos::new(9)), Nanos::ZERO);
    }
}
