//! `.hlog` and `.hgrm` files to distributions.
//!
//! Sources: the interval log of HdrHistogram's `HistogramLogWriter` (format 1.2 and 1.3: `#` lines, a legend, then
//! `[Tag=t,]start,length,max,base64`), the V2 histogram encoding, and the text that
//! `outputPercentileDistribution` prints. Errors are sentences that begin with `file:line`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogHistogram, IntervalLogIterator, LogEntry,
};

use super::distribution::{Distribution, Footer, Point, Unit};

/// Reads one file: one distribution per tag of a log, or the one of a percentile file.
///
/// A log's values are nanoseconds, as the tools have it; a percentile file's are in `unit` unless it names its own.
///
/// # Errors
/// A sentence with the file and the line of what is wrong.
pub(super) fn parse(name: &str, bytes: &[u8], unit: Unit) -> Result<Vec<Distribution>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        format!("{name}:{line}: not text; a histogram file is an .hlog or an .hgrm")
    })?;
    let is_percentiles = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next(), words.next()) == (Some("Value"), Some("Percentile"))
    };
    if text.lines().any(is_percentiles) {
        return percentiles(name, text, unit).map(|one| vec![one]);
    }
    intervals(name, text)
}

/// The resolution of a sum, in significant figures, where its intervals have no more.
const FIGURES_MIN: u8 = 3;

/// The sum of the intervals of one tag.
struct Sum {
    tag: Option<String>,
    intervals: u64,
    histogram: Histogram<u64>,
}

fn intervals(name: &str, text: &str) -> Result<Vec<Distribution>, String> {
    let mut sums: Vec<Sum> = Vec::new();
    let mut deserializer = Deserializer::new();
    let mut framed = String::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let at = |what: &str| format!("{name}:{}: {what}", index + 1);
        // One line at a time: the parser wants a line end, and an error then has a line number.
        framed.clear();
        framed.push_str(line);
        framed.push('\n');
        match IntervalLogIterator::new(framed.as_bytes()).next() {
            None | Some(Ok(LogEntry::StartTime(_) | LogEntry::BaseTime(_))) => {}
            Some(Ok(LogEntry::Interval(interval))) => {
                let histogram = decode(&mut deserializer, &interval).map_err(|what| at(&what))?;
                add(&mut sums, interval.tag().map(|tag| tag.as_str()), histogram)
                    .map_err(|what| at(&what))?;
            }
            Some(Err(_)) => {
                return Err(at(
                    "expected `start,length,max,histogram` of an .hlog, a `#` line, or the heading of an .hgrm",
                ));
            }
        }
    }
    if sums.is_empty() {
        return Err(format!("{name}: no interval in it; a histogram file is an .hlog or an .hgrm"));
    }
    Ok(sums
        .into_iter()
        .map(|sum| {
            let mut one = Distribution::of(name, sum.histogram);
            one.tag = sum.tag;
            one.intervals = Some(sum.intervals);
            one
        })
        .collect())
}

fn decode(
    deserializer: &mut Deserializer,
    interval: &IntervalLogHistogram<'_>,
) -> Result<Histogram<u64>, String> {
    let bytes = BASE64
        .decode(interval.encoded_histogram())
        .map_err(|error| format!("the histogram is not base64: {error}"))?;
    deserializer.deserialize(&mut bytes.as_slice()).map_err(|error| {
        format!("the histogram cannot be decoded: {error}; only the V2 encodings are known")
    })
}

fn add(sums: &mut Vec<Sum>, tag: Option<&str>, histogram: Histogram<u64>) -> Result<(), String> {
    let place = sums.iter().position(|sum| sum.tag.as_deref() == tag);
    let place = match place {
        Some(place) => place,
        None => {
            // A coarse interval is held exactly by a finer sum, not the other way round.
            let figures = histogram.sigfig().max(FIGURES_MIN);
            let sum =
                Histogram::new(figures).map_err(|error| format!("no room for the sum: {error}"))?;
            sums.push(Sum { tag: tag.map(str::to_owned), intervals: 0, histogram: sum });
            sums.len() - 1
        }
    };
    let sum = &mut sums[place];
    sum.intervals += 1;
    sum.histogram
        .add(&histogram)
        .map_err(|error| format!("the interval cannot be added to those before it: {error}"))
}

fn percentiles(name: &str, text: &str, unit: Unit) -> Result<Distribution, String> {
    let unit = named_unit(text).unwrap_or(unit);
    let mut rows: Vec<Point> = Vec::new();
    let mut footer = Footer::default();
    let mut counted = 0;
    let mut heading = false;
    for (index, line) in text.lines().enumerate() {
        let at = |what: &str| format!("{name}:{}: {what}", index + 1);
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else { continue };
        if first.starts_with('#') {
            read_footer(line, unit, &mut footer).map_err(|what| at(&what))?;
        } else if first == "Value" {
            if heading {
                return Err(at("a second heading; one distribution a file"));
            }
            heading = true;
        } else if heading {
            let (point, total) = row(first, words.next(), words.next(), unit).ok_or_else(|| {
                at("expected `value percentile total-count 1/(1-percentile)`, all numbers")
            })?;
            let falls = rows.last().is_some_and(|last| {
                point.value_ns < last.value_ns || point.quantile < last.quantile || total < counted
            });
            if falls {
                return Err(at("value, percentile and count must not fall from row to row"));
            }
            counted = total;
            rows.push(point);
        }
    }
    if rows.is_empty() {
        return Err(format!("{name}: a heading and no row below it"));
    }
    footer.count = footer.count.max(counted);
    Ok(Distribution::of_rows(name, rows, footer))
}

fn row(
    value: &str,
    quantile: Option<&str>,
    total: Option<&str>,
    unit: Unit,
) -> Option<(Point, u64)> {
    let value_ns = to_nanos(value.parse().ok()?, unit)?;
    let quantile: f64 = quantile?.parse().ok()?;
    let total = total?.parse().ok()?;
    (0.0..=1.0).contains(&quantile).then_some((Point { quantile, value_ns }, total))
}

/// Reads `#[Mean = 1.0, StdDeviation = 2.0]` and `#[Max = 3.0, Total count = 4]`; other `#` lines say nothing here.
fn read_footer(line: &str, unit: Unit, footer: &mut Footer) -> Result<(), String> {
    let Some(inside) = line.trim().strip_prefix("#[").and_then(|rest| rest.strip_suffix(']'))
    else {
        return Ok(());
    };
    for pair in inside.split(',') {
        let Some((key, value)) = pair.split_once('=') else { continue };
        let key: String = key.split_whitespace().collect();
        if !["Mean", "StdDeviation", "Max", "Totalcount", "TotalCount"].contains(&key.as_str()) {
            continue;
        }
        let number: f64 =
            value.trim().parse().map_err(|_| format!("`{}` is not a number", value.trim()))?;
        let scaled = number * unit.nanos() as f64;
        match key.as_str() {
            "Mean" => footer.mean_ns = Some(scaled),
            "StdDeviation" => footer.stdev_ns = Some(scaled),
            "Max" => footer.max_ns = to_nanos(number, unit),
            // Some writers print the count with decimals.
            _ => {
                footer.count =
                    whole(number).ok_or_else(|| format!("`{}` is not a count", value.trim()))?
            }
        }
    }
    Ok(())
}

/// The unit that our own percentile files name in their last line.
fn named_unit(text: &str) -> Option<Unit> {
    let inside =
        text.lines().rev().find_map(|line| line.strip_prefix("#[Unit")?.strip_suffix(']'))?;
    inside.split_once('=')?.1.trim().parse().ok()
}

fn to_nanos(value: f64, unit: Unit) -> Option<u64> {
    whole(value * unit.nanos() as f64)
}

/// The nearest whole number; `None` for what is negative, no number, or past the range.
fn whole(value: f64) -> Option<u64> {
    (0.0..18_446_744_073_709_551_615.0).contains(&value).then(|| value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::hist::{LogWriter, Unit, write_hgrm};
    use hdrhistogram::Histogram;
    use proptest::prelude::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn histogram(values: &[u64]) -> Histogram<u64> {
        let mut histogram = Histogram::new(3).expect("three figures");
        for value in values {
            histogram.record(*value).expect("resizes");
        }
        histogram
    }

    fn log(intervals: &[(Option<&str>, Vec<u64>)]) -> Vec<u8> {
        let mut writer = LogWriter::begin(Vec::new(), UNIX_EPOCH).expect("a Vec takes all");
        for (second, (tag, values)) in intervals.iter().enumerate() {
            let start = Duration::from_secs(second as u64);
            writer
                .interval(&histogram(values), start, Duration::from_secs(1), *tag)
                .expect("a Vec takes all");
        }
        writer.finish().expect("a Vec takes all")
    }

    #[test]
    fn a_log_gives_one_distribution_a_tag() {
        let bytes = log(&[(None, vec![1, 2]), (Some("b"), vec![70]), (None, vec![3])]);
        let read = parse("x.hlog", &bytes, Unit::Ns).expect("our own log");
        let got: Vec<_> =
            read.iter().map(|one| (one.label(), one.intervals, one.count, one.max_ns)).collect();
        assert_eq!(
            got,
            [("x.hlog".to_owned(), Some(2), 3, 3), ("x.hlog [b]".to_owned(), Some(1), 1, 70)]
        );
    }

    #[test]
    fn a_foreign_percentile_file_reads() {
        // Milliseconds, a count with decimals and no unit: as the Python port prints it.
        let text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n\
                    1.500 0.000000000000          1           1.00\n\
                    2.000 0.500000000000          9           2.00\n\
                    9.000 1.000000000000         10\n\
                    #[Mean    =        2.100, StdDeviation   =        0.500]\n\
                    #[Max     =        9.000, TotalCount     =       10.000]\n\
                    #[Buckets =           32, SubBuckets     =         2048]\n";
        let read = parse("x", text.as_bytes(), Unit::Ms).expect("well formed");
        let one = &read[0];
        assert_eq!(
            (one.count, one.min_ns, one.max_ns, one.mean_ns),
            (10, 1_500_000, 9_000_000, 2_100_000.0)
        );
        assert_eq!((one.value_at(0.5), one.value_at(0.51)), (2_000_000, 9_000_000));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let heading = "Value Percentile TotalCount 1/(1-Percentile)\n";
        let cases = [
            ("", "x: no interval in it; a histogram file is an .hlog or an .hgrm"),
            ("# comment\n", "x: no interval in it; a histogram file is an .hlog or an .hgrm"),
            (
                "#x\n\nhello\n",
                "x:3: expected `start,length,max,histogram` of an .hlog, a `#` line, or the heading of an .hgrm",
            ),
            (
                "0.1,1.0,2.0,@@@@\n",
                "x:1: the histogram is not base64: Invalid symbol 64, offset 0.",
            ),
            (heading, "x: a heading and no row below it"),
            (
                &format!("{heading}1 2 3"),
                "x:2: expected `value percentile total-count 1/(1-percentile)`, all numbers",
            ),
            (
                &format!("{heading}-1 0 3"),
                "x:2: expected `value percentile total-count 1/(1-percentile)`, all numbers",
            ),
            (
                &format!("{heading}5 0.0 1\n4 0.5 2\n"),
                "x:3: value, percentile and count must not fall from row to row",
            ),
            (&format!("{heading}5 0.0 1\n#[Max = many]"), "x:3: `many` is not a number"),
            (
                &format!("{heading}5 0.0 1\n{heading}"),
                "x:3: a second heading; one distribution a file",
            ),
        ];
        for (text, want) in cases {
            assert_eq!(parse("x", text.as_bytes(), Unit::Ns).expect_err(text), want);
        }
        assert!(
            parse("x", b"ok\n\xFF", Unit::Ns).expect_err("not UTF-8").starts_with("x:2: not text")
        );
    }

    #[test]
    fn a_damaged_histogram_is_refused() {
        let whole = String::from_utf8(log(&[(None, vec![1, 2, 3])])).expect("text");
        let cut = &whole[..whole.len() - 13];
        let error = parse("x", cut.as_bytes(), Unit::Ns).expect_err("cut short");
        assert!(error.starts_with("x:6: the histogram "), "{error}");
    }

    proptest! {
        #[test]
        fn a_log_survives_the_round_trip(values in prop::collection::vec(0..=1u64 << 62, 1..200)) {
            let bytes = log(&[(None, values.clone()), (None, values.clone())]);
            let mut want = histogram(&values);
            want.add(histogram(&values)).expect("the same bounds");
            let read = parse("x", &bytes, Unit::Ns).expect("our own log");
            for quantile in [0.0, 0.5, 0.9, 0.99, 1.0] {
                prop_assert_eq!(read[0].value_at(quantile), want.value_at_quantile(quantile));
            }
            prop_assert_eq!((read[0].count, read[0].max_ns), (want.len(), want.max()));
        }

        #[test]
        fn a_percentile_file_survives_the_round_trip(values in prop::collection::vec(0..1u64 << 40, 1..200)) {
            let want = histogram(&values);
            let mut bytes = Vec::new();
            write_hgrm(&mut bytes, &want).expect("a Vec takes all");
            let read = parse("x", &bytes, Unit::S).expect("our own file names its unit");
            prop_assert_eq!((read[0].count, read[0].max_ns), (want.len(), want.max()));
            for quantile in [0.5, 0.75, 0.99] {
                // Only the printed rows are left, so the answer is exact up to the next row.
                let next = quantile + (1.0 - quantile) / 4.0;
                let got = read[0].value_at(quantile);
                prop_assert!(want.value_at_quantile(quantile) <= got && got <= want.value_at_quantile(next));
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse("x", &bytes, Unit::S);
        }

        #[test]
        fn no_damaged_histogram_panics(
            values in prop::collection::vec(0..u64::MAX, 1..20),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            use base64::Engine as _;
            use hdrhistogram::serialization::{Serializer as _, V2Serializer};
            let mut raw = Vec::new();
            V2Serializer::new().serialize(&histogram(&values), &mut raw).expect("fits");
            for (at, byte) in damage {
                let at = at.index(raw.len());
                raw[at] = byte;
            }
            let line = format!("0.0,1.0,1.0,{}\n", super::BASE64.encode(&raw));
            let _ = parse("x", format!("{line}{line}").as_bytes(), Unit::S);
        }
    }
}
