//! `rialto hist`: reads, prints, plots and compares latency histograms; and the writers of the files.
//!
//! Speaks the two text formats every HdrHistogram tool shares, `.hlog` (interval log) and `.hgrm`
//! (percentile distribution), so that what a run writes can be read elsewhere and the other way round.
//! Knows nothing of markets: a value is a number of nanoseconds.

mod curve;
mod distribution;
mod page;
mod plot;
mod read;
mod table;
mod write;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::failure::Failure;

pub(crate) use distribution::readable;
pub use distribution::{Distribution, Point, Unit};
pub use page::{escape, figure, open_page};
pub use plot::percentile_plot;
pub use write::{LogWriter, write_hgrm};

/// What `rialto hist` was asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Files to read, `.hlog` or `.hgrm`, told apart by content. Two give a comparison.
    pub files: Vec<PathBuf>,
    /// Where to write a self-contained page with a plot.
    pub html: Option<PathBuf>,
    /// One JSON object on standard output instead of the table and the curve.
    pub json: bool,
    /// The unit of the values in percentile files that do not name one.
    pub unit: Unit,
}

/// The percentiles every table shows, as quantiles, with the names people use.
pub const QUANTILES: [(f64, &str); 5] =
    [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"), (0.9999, "p99.99")];

/// Reads the files, then prints the table and the curve, or JSON, and writes the page.
///
/// # Errors
/// A file that cannot be read, is neither format or is damaged (named with its line); a page that cannot be
/// written.
pub fn command(options: Options) -> Result<(), Failure> {
    let mut distributions = Vec::new();
    for file in &options.files {
        let bytes = fs::read(file).map_err(|error| Failure::io("read", file, error))?;
        let name = file.display().to_string();
        distributions.extend(read::parse(&name, &bytes, options.unit).map_err(Failure::failed)?);
    }
    if distributions.is_empty() {
        return Err(Failure::usage("no file to read: rialto hist FILE..."));
    }
    if let Some(path) = &options.html {
        let page = page::render(&distributions);
        fs::write(path, page).map_err(|error| Failure::io("write", path, error))?;
        eprintln!("wrote {}", path.display());
    }
    let text = if options.json { json(&distributions)? } else { report(&distributions) };
    io::stdout().lock().write_all(text.as_bytes()).map_err(Failure::output)
}

/// The table and the curve, as printed on a terminal.
pub fn report(distributions: &[Distribution]) -> String {
    let mut text = table::render(distributions);
    text.push('\n');
    text.push_str(&curve::render(distributions, curve::Size::default()));
    text
}

#[derive(Serialize)]
struct Output {
    files: Vec<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compare: Option<Vec<Ratio>>,
}

/// One distribution's figures; times in nanoseconds.
#[derive(Serialize, Debug, Clone)]
struct Figures {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intervals: Option<u64>,
    count: u64,
    min_ns: u64,
    p50_ns: u64,
    p90_ns: u64,
    p99_ns: u64,
    p999_ns: u64,
    p9999_ns: u64,
    max_ns: u64,
    mean_ns: f64,
    stdev_ns: f64,
}

/// The second file's value over the first's; absent where the first is zero.
#[derive(Serialize)]
struct Ratio {
    of: &'static str,
    ratio: Option<f64>,
}

fn json(distributions: &[Distribution]) -> Result<String, Failure> {
    let compare = match distributions {
        [before, after] => Some(
            table::rows(before, after)
                .into_iter()
                .map(|(of, before, after)| Ratio { of, ratio: table::ratio(before, after) })
                .collect(),
        ),
        _ => None,
    };
    let output = Output { files: distributions.iter().map(figures).collect(), compare };
    let mut text = serde_json::to_string_pretty(&output)
        .map_err(|error| Failure::failed(format!("cannot write the figures as JSON: {error}")))?;
    text.push('\n');
    Ok(text)
}

fn figures(of: &Distribution) -> Figures {
    Figures {
        name: of.name.clone(),
        tag: of.tag.clone(),
        intervals: of.intervals,
        count: of.count,
        min_ns: of.min_ns,
        p50_ns: of.value_at(0.5),
        p90_ns: of.value_at(0.9),
        p99_ns: of.value_at(0.99),
        p999_ns: of.value_at(0.999),
        p9999_ns: of.value_at(0.9999),
        max_ns: of.max_ns,
        mean_ns: of.mean_ns,
        stdev_ns: of.stdev_ns,
    }
}
