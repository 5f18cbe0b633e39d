//! The writers of `.hlog` and `.hgrm`, for `run`, `replay` and `bench`.
//!
//! Histograms hold nanoseconds. Sources: as in `read`. What other tools take for comments carries what the formats
//! have no field for: the unit of a percentile file.

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};

use super::distribution::TICKS_PER_HALF;

/// Writes a percentile distribution (`.hgrm`) of nanoseconds, in microseconds with three decimals: nothing is lost.
///
/// # Errors
/// What `out` says.
pub fn write_hgrm(out: &mut impl Write, histogram: &Histogram<u64>) -> io::Result<()> {
    let us = |nanos: f64| nanos / 1_000.0;
    writeln!(
        out,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    )?;
    let mut total = 0u64;
    for row in histogram.iter_quantiles(TICKS_PER_HALF) {
        total = total.saturating_add(row.count_since_last_iteration());
        let (value, quantile) = (us(row.value_iterated_to() as f64), row.quantile_iterated_to());
        write!(out, "{value:12.3} {quantile:2.12} {total:10}")?;
        if quantile < 1.0 {
            writeln!(out, " {:14.2}", 1.0 / (1.0 - quantile))?;
        } else {
            writeln!(out)?;
        }
    }
    let empty = histogram.is_empty();
    let stdev = if empty { 0.0 } else { us(histogram.stdev()) };
    let max = if empty { 0.0 } else { us(histogram.max() as f64) };
    // Twice the resolution asked for, up to the next power of two: the formula of every implementation.
    let sub_buckets = (2 * 10u64.pow(u32::from(histogram.sigfig()))).next_power_of_two();
    writeln!(out, "#[Mean    = {:12.3}, StdDeviation   = {stdev:12.3}]", us(histogram.mean()))?;
    writeln!(out, "#[Max     = {max:12.3}, Total count    = {:12}]", histogram.len())?;
    writeln!(out, "#[Buckets = {:12}, SubBuckets     = {sub_buckets:12}]", histogram.buckets())?;
    writeln!(out, "#[Unit    = {:>12}]", "us")
}

/// Writes an interval log (`.hlog`, format 1.3): a histogram of nanoseconds per interval, as a run goes on.
///
/// Every line is complete when [`LogWriter::interval`] returns, so a log of a run that is killed reads up to there.
pub struct LogWriter<W: Write> {
    out: W,
    serializer: V2DeflateSerializer,
    encoded: Vec<u8>,
    line: String,
}

impl<W: Write> LogWriter<W> {
    /// Begins a log with its head lines. `started` is the time that interval starts count from.
    ///
    /// # Errors
    /// What `out` says.
    pub fn begin(mut out: W, started: SystemTime) -> io::Result<Self> {
        let epoch = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        writeln!(out, "#[Logged with Rialto {}]", env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "#[Histogram log format version 1.3]")?;
        writeln!(out, "#[StartTime: {epoch:.3} (seconds since epoch)]")?;
        // Both, because readers guess whether starts are relative where only a start time is given.
        writeln!(out, "#[BaseTime: {epoch:.3} (seconds since epoch)]")?;
        writeln!(
            out,
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\""
        )?;
        Ok(Self {
            out,
            serializer: V2DeflateSerializer::new(),
            encoded: Vec::new(),
            line: String::new(),
        })
    }

    /// Writes one interval: its values, when it began after `started`, how long it was, and what it measures.
    ///
    /// # Errors
    /// `InvalidInput` for a tag that is empty or has a comma or white space; else what `out` says.
    pub fn interval(
        &mut self,
        histogram: &Histogram<u64>,
        start: Duration,
        length: Duration,
        tag: Option<&str>,
    ) -> io::Result<()> {
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        self.line.clear();
        if let Some(tag) = tag {
            if tag.is_empty() || tag.contains([',', ' ', '\r', '\n']) {
                return Err(invalid(format!("a tag is a word without commas, not `{tag}`")));
            }
            self.line.push_str("Tag=");
            self.line.push_str(tag);
            self.line.push(',');
        }
        self.encoded.clear();
        self.serializer
            .serialize(histogram, &mut self.encoded)
            .map_err(|error| invalid(format!("the histogram cannot be encoded: {error}")))?;
        // The greatest value is for people; the tools' habit is milliseconds.
        let max_ms = if histogram.is_empty() { 0.0 } else { histogram.max() as f64 / 1e6 };
        let (start, length) = (start.as_secs_f64(), length.as_secs_f64());
        self.line.push_str(&format!("{start:.3},{length:.3},{max_ms:.3},"));
        BASE64.encode_string(&self.encoded, &mut self.line);
        self.line.push('\n');
        self.out.write_all(self.line.as_bytes())
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    /// What `out` says.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::{LogWriter, write_hgrm};
    use hdrhistogram::Histogram;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn percentile_files_have_the_layout_of_the_tools() {
        let mut histogram = Histogram::<u64>::new(3).expect("three figures");
        for value in [1_000, 2_000, 3_000, 4_000] {
            histogram.record(value).expect("resizes");
        }
        let mut text = Vec::new();
        write_hgrm(&mut text, &histogram).expect("a Vec takes all");
        let text = String::from_utf8(text).expect("text");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "       Value     Percentile TotalCount 1/(1-Percentile)");
        assert_eq!(lines[2], "       1.000 0.000000000000          1           1.00");
        assert_eq!(lines[5], "       2.000 0.300000000000          2           1.43");
        assert!(lines.contains(&"       4.001 1.000000000000          4"), "{text}");
        assert!(
            lines.contains(&"#[Max     =        4.001, Total count    =            4]"),
            "{text}"
        );
    }

    #[test]
    fn a_tag_is_one_word() {
        let mut log = LogWriter::begin(Vec::new(), UNIX_EPOCH).expect("a Vec takes all");
        let none = Histogram::<u64>::new(3).expect("three figures");
        for tag in ["", "a b", "a,b", "a\nb"] {
            let refused = log.interval(&none, Duration::ZERO, Duration::ZERO, Some(tag));
            assert!(refused.is_err(), "{tag:?}");
        }
        assert!(log.interval(&none, Duration::ZERO, Duration::from_secs(1), Some("feed")).is_ok());
        let text = String::from_utf8(log.finish().expect("a Vec takes all")).expect("text");
        let last = text.lines().last().expect("a line");
        assert!(last.starts_with("Tag=feed,0.000,1.000,0.000,HIST"), "{last}");
    }
}
