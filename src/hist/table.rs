//! The table of figures: a column a file, a ratio where there are two.

use comfy_table::{Cell, CellAlignment, Table, presets};
use types::Nanos;

use super::QUANTILES;
use super::curve::MARKS;
use super::distribution::{Distribution, readable};
use crate::terminal::thousands;

/// The longest heading of a column, in characters.
const HEADING_MAX: usize = 16;

/// The table with a legend above it, each line ended.
pub(super) fn render(distributions: &[Distribution]) -> String {
    let mut text = String::new();
    for (index, one) in distributions.iter().enumerate() {
        let intervals = match one.intervals {
            Some(1) => " (1 interval)".to_owned(),
            Some(count) => format!(" ({} intervals)", thousands(count)),
            None => String::new(),
        };
        text.push_str(&format!("{} {}{intervals}\n", MARKS[index % MARKS.len()], one.label()));
    }
    text.push('\n');
    for line in figures(distributions).lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn figures(distributions: &[Distribution]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let mut heading = vec![right(String::new())];
    heading.extend((0..distributions.len()).map(|index| right(headed(index, distributions))));
    let pair = match distributions {
        [before, after] => Some((before, after)),
        _ => None,
    };
    if pair.is_some() {
        heading.push(right("ratio".to_owned()));
    }
    table.set_header(heading);

    let mut counts = vec![right("count".to_owned())];
    counts.extend(distributions.iter().map(|one| right(thousands(one.count))));
    if let Some((before, after)) = pair {
        counts.push(right(ratio_text(before.count as f64, after.count as f64)));
    }
    table.add_row(counts);

    let columns: Vec<_> = distributions.iter().map(|one| rows(one, one)).collect();
    for index in 0..ROWS {
        let mut cells = vec![right(columns[0][index].0.to_owned())];
        cells.extend(distributions.iter().zip(&columns).map(|(one, rows)| {
            let (name, value, _) = rows[index];
            right(if name == "mean" { mean(one) } else { readable(one.count, value as u64) })
        }));
        if let Some((before, after)) = pair {
            let (_, before, after) = rows(before, after)[index];
            cells.push(right(ratio_text(before, after)));
        }
        table.add_row(cells);
    }
    table
}

/// min, the percentiles, max, mean.
const ROWS: usize = QUANTILES.len() + 3;

/// What is compared of two files: the name of the figure and both values in nanoseconds.
pub(super) fn rows(
    before: &Distribution,
    after: &Distribution,
) -> [(&'static str, f64, f64); ROWS] {
    let mut rows = [("min", before.min_ns as f64, after.min_ns as f64); ROWS];
    for (row, (quantile, name)) in rows[1..].iter_mut().zip(QUANTILES) {
        *row = (name, before.value_at(quantile) as f64, after.value_at(quantile) as f64);
    }
    rows[ROWS - 2] = ("max", before.max_ns as f64, after.max_ns as f64);
    rows[ROWS - 1] = ("mean", before.mean_ns, after.mean_ns);
    rows
}

/// The second over the first; `None` where that says nothing.
pub(super) fn ratio(before: f64, after: f64) -> Option<f64> {
    (0.0 < before && 0.0 <= after).then(|| after / before)
}

fn ratio_text(before: f64, after: f64) -> String {
    ratio(before, after).map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"))
}

fn mean(of: &Distribution) -> String {
    let known = 0 < of.count && of.mean_ns.is_finite();
    if known { Nanos::new(of.mean_ns.round() as u64).to_string() } else { "-".to_owned() }
}

/// The mark and the last part of the name that tells the files apart, so that columns stay narrow.
fn headed(index: usize, all: &[Distribution]) -> String {
    let labels: Vec<String> = all.iter().map(Distribution::label).collect();
    let mut paths: Vec<Vec<&str>> = labels.iter().map(|label| label.split('/').collect()).collect();
    // Runs write files of the same name: what tells them apart is the folder.
    while 1 < paths.len()
        && paths.iter().all(|path| 1 < path.len() && path.last() == paths[0].last())
    {
        paths.iter_mut().for_each(|path| path.truncate(path.len() - 1));
    }
    let name = paths[index].last().copied().unwrap_or_default();
    let over = name.chars().count().saturating_sub(HEADING_MAX);
    let cut: String = name.chars().skip(over).collect();
    format!("{} {cut}", MARKS[index % MARKS.len()])
}

#[cfg(test)]
mod tests {
    use super::{headed, ratio, render};
    use crate::hist::Distribution;
    use hdrhistogram::Histogram;

    #[test]
    fn a_heading_shows_what_tells_the_files_apart() {
        let histogram = Histogram::<u64>::new(3).unwrap();
        let of = |name: &str| Distribution::of(name, histogram.clone());
        let runs = [of("before/run.hgrm"), of("after/run.hgrm")];
        assert_eq!([0, 1].map(|at| headed(at, &runs)), ["* before", "o after"]);
        let one = [of("before/run.hgrm")];
        assert_eq!(headed(0, &one), "* run.hgrm");
    }

    #[test]
    fn no_ratio_of_nothing() {
        assert_eq!(ratio(0.0, 5.0), None);
        assert_eq!(ratio(f64::NAN, 5.0), None);
        assert_eq!(ratio(4.0, 6.0), Some(1.5));
    }

    #[test]
    fn two_files_are_compared() {
        let of = |name, values: &[u64]| {
            let mut histogram = Histogram::new(3).expect("three figures");
            for value in values {
                histogram.record(*value).expect("resizes");
            }
            Distribution::of(name, histogram)
        };
        let text = render(&[of("a", &[100, 200]), of("some/where/b", &[150, 300])]);
        let row = |name| {
            let line = text.lines().find(|line| line.split_whitespace().next() == Some(name));
            line.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(row("p50"), "p50 100 ns 150 ns 1.500");
        assert_eq!(row("count"), "count 2 2 1.000");
        assert!(render(&[of("none", &[])]).contains(" -"), "an empty one shows dashes");
    }
}
