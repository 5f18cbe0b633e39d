//! The percentile curve in characters: percentiles by nines to the right, latency in decades upward.

use super::distribution::{
    Distribution, axis_label, latency_axis, nines_label, nines_of, quantile_at,
};

/// One mark a file, in the order of the table.
pub(super) const MARKS: [char; 6] = ['*', 'o', '+', 'x', '#', '@'];

/// Where marks of two files fall on one place.
const SHARED: char = '=';

/// How large the drawing is, in characters, axes included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    width: usize,
    height: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { width: 80, height: 22 }
    }
}

/// The shortest room for the labels of the latency axis, so that drawings usually line up.
const LABEL_MIN: usize = 7;

/// Draws the curves over each other; each line ended and none wider than `size`.
pub(super) fn render(distributions: &[Distribution], size: Size) -> String {
    let nines = nines_of(distributions);
    let latencies = latency_axis(distributions);
    let longest = latencies.ticks.iter().map(|nanos| axis_label(*nanos).len()).max().unwrap_or(0);
    let margin = longest.max(LABEL_MIN) + 2;
    let columns = size.width - margin;
    let rows = size.height - 2;
    let row_of = |nanos: u64| {
        let height =
            ((nanos.max(1) as f64).log10() - latencies.lower) / (latencies.upper - latencies.lower);
        (height.clamp(0.0, 1.0) * (rows - 1) as f64).round() as usize
    };

    let mut grid = vec![vec![' '; columns]; rows];
    for (index, one) in distributions.iter().enumerate().filter(|(_, one)| 0 < one.count) {
        let heights: Vec<usize> = (0..columns)
            .map(|column| {
                row_of(one.value_at(quantile_at(nines * column as f64 / (columns - 1) as f64)))
            })
            .collect();
        draw(&mut grid, &heights, MARKS[index % MARKS.len()]);
    }

    let mut labels = vec![String::new(); rows];
    for nanos in latencies.ticks {
        labels[row_of(nanos)] = axis_label(nanos);
    }
    let mut text = String::new();
    for (label, line) in labels.iter().zip(&grid).rev() {
        let axis = if label.is_empty() { '|' } else { '+' };
        let line: String = line.iter().collect();
        text.push_str(format!("{label:>width$} {axis}{line}", width = margin - 2).trim_end());
        text.push('\n');
    }
    text.push_str(&axis(margin, columns, nines));
    text
}

/// Marks each column, and joins columns that lie more than one row apart by a stroke.
fn draw(grid: &mut [Vec<char>], heights: &[usize], mark: char) {
    let mut before = heights[0];
    for (column, height) in heights.iter().copied().enumerate() {
        let (low, high) = (before.min(height), before.max(height));
        for line in &mut grid[low..=high] {
            if line[column] == ' ' {
                line[column] = '|';
            }
        }
        let place = &mut grid[height][column];
        *place = if *place == ' ' || *place == '|' { mark } else { SHARED };
        before = height;
    }
}

/// The axis with a tick for each nine, and the labels under the ticks.
fn axis(margin: usize, columns: usize, nines: f64) -> String {
    let mut line = vec!['-'; columns];
    let mut labels = vec![' '; columns + margin];
    let mut free = 0;
    for nine in 0..=nines.floor() as usize {
        let column = (nine as f64 / nines * (columns - 1) as f64).round() as usize;
        line[column] = '+';
        let label = nines_label(nine);
        // Centred under its tick, inside the drawing, and not run into the label before it.
        let start =
            (column + margin).saturating_sub(label.len() / 2).min(labels.len() - label.len());
        if free <= start {
            labels[start..start + label.len()]
                .iter_mut()
                .zip(label.chars())
                .for_each(|(to, from)| *to = from);
            free = start + label.len() + 1;
        }
    }
    let line: String = line.into_iter().collect();
    let labels: String = labels.into_iter().collect();
    format!("{:>margin$}{line}\n{}\n", "+", labels.trim_end())
}

#[cfg(test)]
mod tests {
    use super::{Size, render};
    use crate::hist::Distribution;
    use hdrhistogram::Histogram;
    use proptest::prelude::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Distribution {
        let mut histogram = Histogram::new(3).expect("three figures");
        for value in values {
            histogram.record(value).expect("resizes");
        }
        Distribution::of("x", histogram)
    }

    #[test]
    fn looks_like_a_curve() {
        let drawn =
            render(&[of((1..=10_000).map(|n| n * n / 100 + 100))], Size { width: 48, height: 10 });
        let want = "
   2 ms +                     ******************
        |   ******************|
 100 us +  *|
        | *|
  10 us + |
   1 us + |
        | |
 100 ns +*|
        ++---------+--------+---------+--------+
        0%        90%      99%      99.9% 99.99%
";
        assert_eq!(format!("\n{drawn}"), want, "{drawn}");
    }

    proptest! {
        #[test]
        fn never_wider_than_asked(values in prop::collection::vec(any::<u64>(), 0..50), other: u64, width in 30usize..200) {
            let drawn = render(&[of(values), of([other])], Size { width, height: 12 });
            prop_assert!(drawn.lines().all(|line| line.chars().count() <= width), "{}", drawn);
            prop_assert_eq!(drawn.lines().count(), 12);
        }
    }
}
