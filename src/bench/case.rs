//! One measured figure, its reference and its goal.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Serialize, Serializer};

/// One measured figure.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Case {
    /// Subject and figure: `decode/itch5`.
    pub(super) name: String,
    /// Ours: the median of the rounds, in `unit`.
    pub(super) value: f64,
    /// Of `value` and `reference`.
    pub(super) unit: &'static str,
    /// The reference's median, where there is one.
    pub(super) reference: Option<f64>,
    /// Of the medians, as they are shown; which way round the goal says.
    pub(super) ratio: Option<f64>,
    /// What is asked of the ratio, or of the value where there is no reference.
    pub(super) goal: Option<Goal>,
    /// Whether it is so.
    pub(super) met: Option<bool>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Goal {
    /// Reference over ours: at least so many times faster, or ours over a reference rate.
    AtLeast(f64),
    /// Ours over reference, or ours alone: at most this.
    AtMost(f64),
}

impl Goal {
    pub(super) fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => least <= figure,
            Self::AtMost(most) => figure <= most,
        }
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, ">= {least}"),
            Self::AtMost(most) => write!(f, "<= {most}"),
        }
    }
}

impl Serialize for Goal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Case {
    /// A cost per item against a reference's, both in nanoseconds, a value a round.
    ///
    /// The ratio is how many times faster for [`Goal::AtLeast`], and how many times dearer for [`Goal::AtMost`]. It is
    /// that of the two medians shown, not the median of the rounds' ratios: a stall on one of the two makes a round's
    /// ratio absurd, and half of all rounds have one before half of either side's do.
    pub(super) fn against(
        name: impl Into<String>,
        ours: &[f64],
        reference: &[f64],
        goal: Goal,
    ) -> Self {
        let (value, beside) = (median(ours), median(reference));
        let ratio = match goal {
            Goal::AtLeast(_) => beside / value,
            Goal::AtMost(_) => value / beside,
        };
        Self {
            name: name.into(),
            value,
            unit: "ns",
            reference: Some(beside),
            ratio: Some(ratio),
            goal: Some(goal),
            met: Some(goal.is_met(ratio)),
        }
    }

    /// A figure that stands alone.
    pub(super) fn alone(
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        goal: Option<Goal>,
    ) -> Self {
        let met = goal.map(|goal| goal.is_met(value));
        Self { name: name.into(), value, unit, reference: None, ratio: None, goal, met }
    }

    /// The same in another unit.
    pub(super) fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }
}

/// A latency distribution to be written and drawn.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    /// Also the stem of its files.
    pub(super) name: String,
    /// Nanoseconds.
    pub(super) histogram: Histogram<u64>,
    /// How long it was recorded.
    pub(super) length: Duration,
}

/// The middle value; the mean of the two middle ones of an even count; 0 of none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.get(middle) {
        None => 0.0,
        Some(upper) if sorted.len() % 2 == 1 => *upper,
        Some(upper) => (sorted[middle - 1] + upper) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, Goal, median};

    #[test]
    fn the_ratio_of_medians_decides() {
        // What is shown divides to what is shown, whichever rounds the medians are of.
        let case = Case::against("x", &[1.0, 2.0, 6.0], &[4.0, 8.0, 6.0], Goal::AtLeast(1.6));
        assert_eq!((case.value, case.reference, case.ratio), (2.0, Some(6.0), Some(3.0)));
        let case = Case::against(
            "x",
            &[2.0, 2.0, 2.0, 9.0, 2.0],
            &[4.0, 4.0, 40.0, 4.0, 4.0],
            Goal::AtLeast(1.6),
        );
        assert_eq!((case.ratio, case.met), (Some(2.0), Some(true)));
        let dearer = Case::against("x", &[3.0], &[2.0], Goal::AtMost(1.25));
        assert_eq!((dearer.ratio, dearer.met), (Some(1.5), Some(false)));
    }

    #[test]
    fn medians() {
        let cases = [(&[][..], 0.0), (&[3.0], 3.0), (&[5.0, 1.0], 3.0), (&[9.0, 1.0, 2.0], 2.0)];
        for (values, want) in cases {
            assert_eq!(median(values), want);
        }
    }
}
