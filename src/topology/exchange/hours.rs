//! The times of an exchange's day.

use toml::Spanned;
use types::Nanos;

use super::super::Faults;
use crate::config::exchange as raw;

/// A trading day, from midnight UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// Orders are taken.
    pub pre_open: Nanos,
    /// What the opening cross would do is told.
    pub opening_imbalance: Nanos,
    /// Until when market orders for the opening cross are taken.
    pub market_on_open_until: Nanos,
    /// Until when limit orders for it are.
    pub limit_on_open_until: Nanos,
    /// The opening cross.
    pub open: Nanos,
    /// What the closing cross would do is told.
    pub closing_imbalance: Nanos,
    /// Until when market orders for the closing cross are taken.
    pub market_on_close_until: Nanos,
    /// Until when limit orders for it are.
    pub limit_on_close_until: Nanos,
    /// The closing cross.
    pub close: Nanos,
}

/// How long the things last that limit up / limit down knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Luld {
    /// The best price of a side at its band.
    pub limit_state: Nanos,
    /// A pause.
    pub pause: Nanos,
    /// Bands that are twice as wide, from the open on.
    pub doubled_after_open: Nanos,
    /// The same until the close.
    pub doubled_before_close: Nanos,
}

pub(super) fn check(entry: &Spanned<raw::Hours>, faults: &mut Faults<'_>) -> Option<Hours> {
    let raw = entry.get_ref();
    // `Err`: it is given, and wrong.
    let mut given = |key: &str, text: Option<&Spanned<String>>| {
        let Some(text) = text else { return Ok(None) };
        let parsed = time_of_day(text.get_ref());
        if parsed.is_none() {
            let what = format!("hours.{key} `{}` is not a time of day", text.get_ref());
            faults.add(text, what).remedy_last("write it like `14:30:00`, in UTC");
        }
        parsed.ok_or(()).map(Some)
    };
    let pre_open = given("pre_open", Some(&raw.pre_open));
    let opening_imbalance = given("opening_imbalance", raw.opening_imbalance.as_ref());
    let market_on_open = given("market_on_open_until", raw.market_on_open_until.as_ref());
    let limit_on_open = given("limit_on_open_until", raw.limit_on_open_until.as_ref());
    let open = given("open", Some(&raw.open));
    let closing_imbalance = given("closing_imbalance", raw.closing_imbalance.as_ref());
    let market_on_close = given("market_on_close_until", raw.market_on_close_until.as_ref());
    let limit_on_close = given("limit_on_close_until", raw.limit_on_close_until.as_ref());
    let close = given("close", Some(&raw.close));

    let (pre_open, open, close) = (pre_open.ok()??, open.ok()??, close.ok()??);
    let before = |given: Result<Option<Nanos>, ()>, (from, end): (Nanos, Nanos), secs: u64| {
        let usual = Nanos::new(end.since(Nanos::from_secs(secs)).get()).max(from);
        given.ok().map(|given| given.unwrap_or(usual))
    };
    let (morning, day) = ((pre_open, open), (open, close));
    let hours = Hours {
        pre_open,
        opening_imbalance: before(opening_imbalance, morning, 300)?,
        market_on_open_until: before(market_on_open, morning, 120)?,
        limit_on_open_until: before(limit_on_open, morning, 30)?,
        open,
        closing_imbalance: before(closing_imbalance, day, 600)?,
        market_on_close_until: before(market_on_close, day, 300)?,
        limit_on_close_until: before(limit_on_close, day, 120)?,
        close,
    };
    in_order(entry, &hours, faults);
    Some(hours)
}

fn in_order(entry: &Spanned<raw::Hours>, hours: &Hours, faults: &mut Faults<'_>) {
    let &Hours { pre_open, open, close, .. } = hours;
    let follow = [pre_open, hours.opening_imbalance, open, hours.closing_imbalance, close];
    if !follow.is_sorted() {
        let what = "the times of [exchange.hours] do not follow one another";
        faults.add(entry, what).remedy_last(
            "pre_open, opening_imbalance, open, closing_imbalance, close, in this order",
        );
        return;
    }
    let raw = entry.get_ref();
    let until = [
        ("market_on_open_until", &raw.market_on_open_until, hours.market_on_open_until, "open"),
        ("limit_on_open_until", &raw.limit_on_open_until, hours.limit_on_open_until, "open"),
        ("market_on_close_until", &raw.market_on_close_until, hours.market_on_close_until, "close"),
        ("limit_on_close_until", &raw.limit_on_close_until, hours.limit_on_close_until, "close"),
    ];
    for (key, text, time, cross) in until {
        let (from, end) = if cross == "open" { (pre_open, open) } else { (open, close) };
        if let Some(text) = text
            && !(from..=end).contains(&time)
        {
            let from = if cross == "open" { "pre_open" } else { "open" };
            faults
                .add(text, format!("hours.{key} `{}` is not before its cross", text.get_ref()))
                .remedy_last(&format!("it must lie between {from} and {cross}"));
        }
    }
}

/// `HH:MM:SS` since midnight.
fn time_of_day(text: &str) -> Option<Nanos> {
    let mut parts = text.split(':');
    let mut part = |below: u64| {
        let text = parts.next()?;
        let number = text.parse::<u64>().ok()?;
        (text.len() == 2 && number < below).then_some(number)
    };
    let (hours, minutes, seconds) = (part(24)?, part(60)?, part(60)?);
    parts.next().is_none().then(|| Nanos::from_secs(hours * 3_600 + minutes * 60 + seconds))
}

/// `has_hours`: trading opens and closes at times that are known.
pub(super) fn luld(raw: &raw::Luld, has_hours: bool, faults: &mut Faults<'_>) -> Luld {
    let hour = 3_600;
    let mut seconds = |key: &str, value: &Option<Spanned<u32>>, min: u32, max: u32, default| {
        let name = format!("luld.{key}");
        let count = faults.limit(&name, value.as_ref(), min..=max, default);
        Nanos::from_secs(count.into())
    };
    let before_close = if has_hours { 1_500 } else { 0 };
    let luld = Luld {
        limit_state: seconds("limit_state_s", &raw.limit_state_s, 1, hour, 15),
        pause: seconds("pause_s", &raw.pause_s, 1, hour, 300),
        doubled_after_open: seconds(
            "doubled_after_open_s",
            &raw.doubled_after_open_s,
            0,
            24 * hour,
            0,
        ),
        doubled_before_close: seconds(
            "doubled_before_close_s",
            &raw.doubled_before_close_s,
            0,
            24 * hour,
            before_close,
        ),
    };
    let doubled = [
        ("doubled_after_open_s", &raw.doubled_after_open_s),
        ("doubled_before_close_s", &raw.doubled_before_close_s),
    ];
    for (key, value) in doubled {
        if let Some(value) = value
            && !has_hours
            && *value.get_ref() != 0
        {
            let what = format!("luld.{key} is counted from hours that are not there");
            faults.add(value, what).remedy_last("write an [exchange.hours]");
        }
    }
    luld
}
