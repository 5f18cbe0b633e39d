//! Values on the command line: durations, counts, parts and speeds, each with a message that says how to write it.

use std::net::{SocketAddr, SocketAddrV4};
use std::str::FromStr;
use std::time::Duration;

use types::{Px, Symbol};

/// A length of time: `30s`, `500ms`, `2m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

/// A number of things or of things per second: `1000`, `1_000`, `250k`, `1.5M`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(pub u64);

/// A part of the whole, 0 to 1: `20%`, `0.2`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part(pub f64);

/// How fast a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As fast as it goes.
    Max,
    /// This many times as fast as it was recorded.
    Times(f64),
}

/// One value for each line, A then B.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair<T>(pub(super) [T; 2]);

/// An address, or `none`. Not an `Option`: clap would read that as an argument left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Maybe<T>(pub(super) Option<T>);

/// Orders that a shard makes room for, each with a level of its own.
const ROOM_MAX: u64 = 1 << 27;

/// Reads how many orders to make room for.
///
/// # Errors
/// As [`count`]; none, or more than a shard's books can have levels.
pub(super) fn room(text: &str) -> Result<Count, String> {
    match count(text)? {
        Count(0) => Err("there must be room for one".to_owned()),
        Count(orders) if ROOM_MAX < orders => Err(format!("at most {ROOM_MAX} on a shard")),
        room => Ok(room),
    }
}

/// Reads one or two parts.
///
/// # Errors
/// As [`part`].
pub(super) fn parts(text: &str) -> Result<Pair<Part>, String> {
    pair(text, part)
}

/// Reads one or two spans.
///
/// # Errors
/// As [`span`].
pub(super) fn spans(text: &str) -> Result<Pair<Span>, String> {
    pair(text, span)
}

fn pair<T: Copy>(text: &str, one: fn(&str) -> Result<T, String>) -> Result<Pair<T>, String> {
    match text.split_once(',') {
        None => one(text).map(|both| Pair([both, both])),
        Some((a, b)) => Ok(Pair([one(a)?, one(b)?])),
    }
}

/// Reads a host's address and port, or `none`.
///
/// # Errors
/// A sentence that says how an address is written.
pub(super) fn address(text: &str) -> Result<Maybe<SocketAddr>, String> {
    maybe(text, "write an address and port, e.g. 127.0.0.1:26479, or none")
}

/// Reads a group and port, or `none`.
///
/// # Errors
/// A sentence that says how a group is written.
pub(super) fn group(text: &str) -> Result<Maybe<SocketAddrV4>, String> {
    maybe(text, "write a group and port, e.g. 239.192.77.2:26478, or none")
}

fn maybe<T: FromStr>(text: &str, how: &str) -> Result<Maybe<T>, String> {
    if text == "none" {
        return Ok(Maybe(None));
    }
    text.parse()
        .map(|value| Maybe(Some(value)))
        .map_err(|_| format!("`{text}` is no address: {how}"))
}

/// Reads a short word as venues send it, padded on the right with spaces.
///
/// # Errors
/// A sentence that says how long it may be.
pub(super) fn padded<const LEN: usize>(text: &str) -> Result<[u8; LEN], String> {
    let mut padded = [b' '; LEN];
    if LEN < text.len() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(format!("it is at most {LEN} letters and digits"));
    }
    padded[..text.len()].copy_from_slice(text.as_bytes());
    Ok(padded)
}

/// Reads a [`Span`].
///
/// # Errors
/// A sentence that says how a duration is written.
pub(super) fn span(text: &str) -> Result<Span, String> {
    let refused = || {
        format!(
            "`{text}` is not a duration: write a number and its unit, e.g. 30s, 500ms, 2m (ns us ms s m h)"
        )
    };
    let (number, unit) = split(text);
    let unit_ns: f64 = match unit {
        "ns" => 1.0,
        "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3_600e9,
        _ => return Err(refused()),
    };
    let nanos = number.parse::<f64>().map_err(|_| refused())? * unit_ns;
    // A hundred years, far inside u64 nanoseconds.
    if !(0.0..=3.2e18).contains(&nanos) {
        return Err(refused());
    }
    Ok(Span(Duration::from_secs_f64(nanos / 1e9)))
}

/// Reads a [`Count`].
///
/// # Errors
/// A sentence that says how a count is written.
pub(super) fn count(text: &str) -> Result<Count, String> {
    let refused = || {
        format!(
            "`{text}` is not a count: write e.g. 1000, 1_000, 250k or 1.5M (k M G: thousands, millions, billions)"
        )
    };
    let plain = text.replace('_', "");
    let (number, unit) = split(&plain);
    let unit: u64 = match unit {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        _ => return Err(refused()),
    };
    // Three decimals at most, so that 1.5M is exact and 0.0001k is refused.
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if 3 < fraction.len() || (unit == 1 && !fraction.is_empty()) {
        return Err(refused());
    }
    let whole: u64 = whole.parse().map_err(|_| refused())?;
    let thousandths: u64 = format!("{fraction:0<3}").parse().map_err(|_| refused())?;
    let more = thousandths.checked_mul(unit).map(|more| more / 1_000);
    let total = whole.checked_mul(unit).zip(more).and_then(|(whole, more)| whole.checked_add(more));
    total.map(Count).ok_or_else(refused)
}

/// Reads a [`Part`].
///
/// # Errors
/// A sentence that says how a part is written.
pub(super) fn part(text: &str) -> Result<Part, String> {
    let refused = || format!("`{text}` is not a part of the whole: write e.g. 20% or 0.2");
    let value = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse::<f64>(),
    };
    value.ok().filter(|part| (0.0..=1.0).contains(part)).map(Part).ok_or_else(refused)
}

/// Reads a price: `190`, `190.25`, with four decimals at most.
///
/// # Errors
/// A sentence that says how a price is written.
pub(super) fn price(text: &str) -> Result<Px, String> {
    let refused = || format!("`{text}` is not a price: write e.g. 190 or 190.25, to four decimals");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || 4 < decimals.len() {
        return Err(refused());
    }
    let price = format!("{whole}{decimals:0<4}").parse().map_err(|_| refused())?;
    Ok(Px::from_price4(price))
}

/// Reads a [`Symbol`].
///
/// # Errors
/// A sentence that says what a ticker looks like.
pub(super) fn symbol(text: &str) -> Result<Symbol, String> {
    Symbol::parse(text).ok_or_else(|| {
        format!("`{text}` is not a ticker: 1 to 8 printable ASCII characters, no space")
    })
}

/// Reads a [`Pace`].
///
/// # Errors
/// A sentence that says how a speed is written.
pub(super) fn pace(text: &str) -> Result<Pace, String> {
    if text == "max" {
        return Ok(Pace::Max);
    }
    let times = text.strip_suffix('x').unwrap_or(text).parse::<f64>().ok();
    let times = times.filter(|times| times.is_finite() && 0.0 < *times);
    times.map(Pace::Times).ok_or_else(|| {
        format!("`{text}` is not a speed: write max, or how many times real time, e.g. 1 or 10")
    })
}

/// A number and the letters behind it.
fn split(text: &str) -> (&str, &str) {
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    text.split_at(unit)
}

#[cfg(test)]
mod tests {
    use super::{
        Count, Maybe, Pace, Pair, Part, Span, address, count, group, pace, padded, part, parts,
        room, span,
    };
    use proptest::prelude::*;
    use std::net::SocketAddr;
    use std::time::Duration;

    #[test]
    fn room_is_for_one_order_at_least_and_no_more_than_books_hold() {
        let cases = [
            ("1", Some(1)),
            ("4M", Some(4_000_000)),
            ("134217728", Some(1 << 27)),
            ("134217729", None),
            ("0", None),
        ];
        for (text, want) in cases {
            assert_eq!(room(text).ok(), want.map(Count), "{text}");
        }
    }

    #[test]
    fn durations_name_their_unit() {
        let cases = [
            ("30s", Some(Duration::from_secs(30))),
            ("500ms", Some(Duration::from_millis(500))),
            ("2m", Some(Duration::from_secs(120))),
            ("1.5s", Some(Duration::from_millis(1_500))),
            ("50us", Some(Duration::from_micros(50))),
            ("30", None),
            ("-1s", None),
            ("s", None),
            ("1e99s", None),
            ("nans", None),
            ("10 minutes", None),
        ];
        for (text, want) in cases {
            assert_eq!(span(text).ok(), want.map(Span), "{text}");
        }
        assert_eq!(
            span("30").expect_err("no unit"),
            "`30` is not a duration: write a number and its unit, e.g. 30s, 500ms, 2m (ns us ms s m h)"
        );
    }

    #[test]
    fn counts_may_be_short() {
        let cases = [
            ("1000", Some(1_000)),
            ("1_000_000", Some(1_000_000)),
            ("250k", Some(250_000)),
            ("1.5M", Some(1_500_000)),
            ("2G", Some(2_000_000_000)),
            ("1.5", None),
            ("1.2345k", None),
            ("-1", None),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551615k", None),
            ("", None),
            ("k", None),
        ];
        for (text, want) in cases {
            assert_eq!(count(text).ok(), want.map(Count), "{text}");
        }
    }

    #[test]
    fn parts_and_speeds() {
        let cases = [
            ("20%", Some(0.2)),
            ("0.2", Some(0.2)),
            ("0", Some(0.0)),
            ("2", None),
            ("-1%", None),
            ("NaN", None),
        ];
        for (text, want) in cases {
            assert_eq!(part(text).ok(), want.map(Part), "{text}");
        }
        let cases = [
            ("max", Some(Pace::Max)),
            ("10", Some(Pace::Times(10.0))),
            ("0.5x", Some(Pace::Times(0.5))),
            ("0", None),
            ("inf", None),
            ("fast", None),
        ];
        for (text, want) in cases {
            assert_eq!(pace(text).ok(), want, "{text}");
        }
    }

    #[test]
    fn one_value_is_for_both_lines_and_none_is_an_answer() {
        let cases =
            [("20%", Some([0.2, 0.2])), ("20%,0", Some([0.2, 0.0])), ("20%,", None), ("1,2", None)];
        for (text, want) in cases {
            assert_eq!(parts(text).ok(), want.map(|both| Pair(both.map(Part))), "{text}");
        }
        assert_eq!(address("none"), Ok(Maybe(None)));
        let listen = SocketAddr::from(([127, 0, 0, 1], 80));
        assert_eq!(address("127.0.0.1:80"), Ok(Maybe(Some(listen))));
        assert!(address("127.0.0.1").is_err() && group("[::1]:80").is_err());
        assert_eq!(padded::<6>("demo"), Ok(*b"demo  "));
        assert!(padded::<6>("toolong").is_err() && padded::<6>("a b").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,24}") {
            let _ = (span(&text), count(&text), part(&text), pace(&text));
        }

        #[test]
        fn every_plain_count_is_itself(number: u64) {
            prop_assert_eq!(count(&number.to_string()), Ok(Count(number)));
        }
    }
}
