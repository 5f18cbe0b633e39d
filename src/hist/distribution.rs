//! A latency distribution, whichever file it came from.
//!
//! Knows no file format. An interval log gives a whole histogram; a percentile file only its printed rows, so a
//! quantile between two rows is answered by the next row above, never interpolated.

use std::str::FromStr;

use hdrhistogram::Histogram;
use types::Nanos;

/// How many rows a percentile distribution has between a distance to 100 % and half of it. The Java tools' default.
pub(crate) const TICKS_PER_HALF: u32 = 5;

/// One distribution of latencies in nanoseconds.
#[derive(Debug, Clone)]
pub struct Distribution {
    /// The file it came from, or the name of the measured thing.
    pub name: String,
    /// The tag of its intervals, where they carry one.
    pub tag: Option<String>,
    /// How many intervals it sums up; `None` where the file does not say.
    pub intervals: Option<u64>,
    /// How many values were recorded.
    pub count: u64,
    /// The least value.
    pub min_ns: u64,
    /// The greatest value.
    pub max_ns: u64,
    /// The mean.
    pub mean_ns: f64,
    /// The standard deviation.
    pub stdev_ns: f64,
    points: Vec<Point>,
    whole: Option<Histogram<u64>>,
}

/// A row of a percentile distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// This share of the values, 0 to 1 ...
    pub quantile: f64,
    /// ... is at most this.
    pub value_ns: u64,
}

/// The unit of the numbers in a percentile file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Ns,
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
}

impl Unit {
    /// Nanoseconds in one.
    pub const fn nanos(self) -> u64 {
        match self {
            Self::Ns => 1,
            Self::Us => 1_000,
            Self::Ms => 1_000_000,
            Self::S => 1_000_000_000,
        }
    }

    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ns => "ns",
            Self::Us => "us",
            Self::Ms => "ms",
            Self::S => "s",
        }
    }
}

impl FromStr for Unit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Ns, Self::Us, Self::Ms, Self::S]
            .into_iter()
            .find(|unit| unit.name() == text)
            .ok_or_else(|| format!("a unit is ns, us, ms or s, not `{text}`"))
    }
}

impl Distribution {
    /// Of a histogram of nanoseconds.
    pub fn of(name: impl Into<String>, histogram: Histogram<u64>) -> Self {
        let points = histogram
            .iter_quantiles(TICKS_PER_HALF)
            .map(|row| Point {
                quantile: row.quantile_iterated_to(),
                value_ns: row.value_iterated_to(),
            })
            .collect();
        let empty = histogram.is_empty();
        Self {
            name: name.into(),
            tag: None,
            intervals: None,
            count: histogram.len(),
            min_ns: if empty { 0 } else { histogram.min() },
            max_ns: if empty { 0 } else { histogram.max() },
            mean_ns: histogram.mean(),
            stdev_ns: if empty { 0.0 } else { histogram.stdev() },
            points,
            whole: Some(histogram),
        }
    }

    /// Of the rows of a percentile file, ascending in quantile and value, already in nanoseconds.
    pub(crate) fn of_rows(name: &str, points: Vec<Point>, footer: Footer) -> Self {
        let min_ns = points.first().map_or(0, |row| row.value_ns);
        let last_ns = points.last().map_or(0, |row| row.value_ns);
        Self {
            name: name.to_owned(),
            tag: None,
            intervals: None,
            count: footer.count,
            min_ns,
            max_ns: footer.max_ns.unwrap_or(last_ns),
            mean_ns: footer.mean_ns.unwrap_or(f64::NAN),
            stdev_ns: footer.stdev_ns.unwrap_or(f64::NAN),
            points,
            whole: None,
        }
    }

    /// The least value that at least this share (0 to 1) of the values does not exceed; 0 where there is none.
    pub fn value_at(&self, quantile: f64) -> u64 {
        if self.count == 0 {
            return 0;
        }
        if let Some(histogram) = &self.whole {
            return histogram.value_at_quantile(quantile);
        }
        // A row's percentile is printed with twelve decimals: the share it stands for may be a hair more.
        let row = self.points.iter().find(|row| quantile <= row.quantile + 1e-12);
        row.map_or(self.max_ns, |row| row.value_ns)
    }

    /// The rows of its percentile distribution, ascending.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// How to head a column or a legend line: the name, and the tag in brackets.
    pub fn label(&self) -> String {
        match &self.tag {
            Some(tag) => format!("{} [{tag}]", self.name),
            None => self.name.clone(),
        }
    }
}

/// What the last lines of a percentile file say.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Footer {
    pub(crate) count: u64,
    pub(crate) max_ns: Option<u64>,
    pub(crate) mean_ns: Option<f64>,
    pub(crate) stdev_ns: Option<f64>,
}

/// A latency as a person reads it; a dash where nothing was recorded.
pub(crate) fn readable(count: u64, nanos: u64) -> String {
    if count == 0 { "-".to_owned() } else { Nanos::new(nanos).to_string() }
}

/// A latency as the label of an axis: `10 us`, `2 ms`.
pub(crate) fn axis_label(nanos: u64) -> String {
    [Unit::S, Unit::Ms, Unit::Us].into_iter().find(|unit| unit.nanos() <= nanos).map_or_else(
        || format!("{nanos} ns"),
        |unit| format!("{} {}", nanos / unit.nanos(), unit.name()),
    )
}

/// A quantile axis position as the label of a tick: 0 nines is `0%`, 2 is `99%`, 4 is `99.99%`.
pub(crate) fn nines_label(nines: usize) -> String {
    match nines {
        0 => "0%".to_owned(),
        1 => "90%".to_owned(),
        2 => "99%".to_owned(),
        more => format!("99.{}%", "9".repeat(more - 2)),
    }
}

/// The quantile at a position on the axis of nines: 1 - 10^-nines.
pub(crate) fn quantile_at(nines: f64) -> f64 {
    1.0 - 10f64.powf(-nines)
}

/// How many nines the largest of these counts can resolve, at least one: the length of the axis.
pub(crate) fn nines_of(distributions: &[Distribution]) -> f64 {
    let most = distributions.iter().map(|one| one.count).max().unwrap_or(0).max(10);
    (most as f64).log10()
}

/// The axis of latencies around all values: logarithms of nanoseconds, and where it is marked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LatencyAxis {
    /// Decimal logarithm of the lower end.
    pub(crate) lower: f64,
    /// Decimal logarithm of the upper end.
    pub(crate) upper: f64,
    /// The marked values in nanoseconds, both ends among them.
    pub(crate) ticks: Vec<u64>,
}

/// From a 1, 2 or 5 at or below the least value to one above the greatest; all of them marked over a few decades,
/// powers of ten and the ends over many.
pub(crate) fn latency_axis(distributions: &[Distribution]) -> LatencyAxis {
    let counted = || distributions.iter().filter(|one| 0 < one.count);
    // Zero has no logarithm, and an axis down to it would squeeze the rest: zeros lie on the axis's end.
    let values = counted().flat_map(|one| one.points.iter().map(|row| row.value_ns));
    let least = values.filter(|value| 0 < *value).min().unwrap_or(1);
    let most = counted().map(|one| one.max_ns).max().unwrap_or(10).max(1);
    let steps: Vec<u64> = (0..=19)
        .flat_map(|decade| [1, 2, 5].map(|step| 10u64.pow(decade).checked_mul(step)))
        .map_while(|step| step)
        .collect();
    let above = steps.partition_point(|step| *step < most).min(steps.len() - 1);
    let below =
        steps.partition_point(|step| *step <= least).saturating_sub(1).min(above.saturating_sub(1));
    let above = above.max(below + 1);
    let many = 10 < above - below;
    let ticks: Vec<u64> = (below..=above)
        .filter(|index| !many || index % 3 == 0 || *index == below || *index == above)
        .map(|index| steps[index])
        .collect();
    // Nothing recorded lies past the last step of 64 bits but what rounds up to the range's end.
    let upper = (steps[above].max(most) as f64).log10();
    LatencyAxis { lower: (steps[below] as f64).log10(), upper, ticks }
}

#[cfg(test)]
mod tests {
    use super::{Distribution, Unit, axis_label, latency_axis, nines_label};
    use hdrhistogram::Histogram;

    fn of(values: &[u64]) -> Distribution {
        let mut histogram = Histogram::new(3).expect("three figures");
        for value in values {
            histogram.record(*value).expect("resizes");
        }
        Distribution::of("x", histogram)
    }

    #[test]
    fn axes_enclose_the_values() {
        let cases = [
            (&[5, 90][..], vec![5, 10, 20, 50, 100]),
            (&[10, 100][..], vec![10, 20, 50, 100]),
            (&[100][..], vec![50, 100]),
            (&[0, 7][..], vec![5, 10]),
            (&[][..], vec![1, 2, 5, 10]),
            (&[3, 30_000][..], vec![2, 10, 100, 1_000, 10_000, 50_000]),
        ];
        for (values, want) in cases {
            assert_eq!(latency_axis(&[of(values)]).ticks, want, "{values:?}");
        }
        let whole = latency_axis(&[of(&[1, u64::MAX])]);
        assert_eq!((whole.lower, whole.upper), (0.0, (u64::MAX as f64).log10()));
    }

    #[test]
    fn labels_read_well() {
        assert_eq!([0, 1, 2, 3, 5].map(nines_label), ["0%", "90%", "99%", "99.9%", "99.999%"]);
        let cases = [
            (1, "1 ns"),
            (100, "100 ns"),
            (2_000, "2 us"),
            (10_000_000, "10 ms"),
            (1_000_000_000, "1 s"),
        ];
        for (nanos, want) in cases {
            assert_eq!(axis_label(nanos), want);
        }
        assert!("minutes".parse::<Unit>().is_err());
        assert_eq!("us".parse(), Ok(Unit::Us));
    }
}
