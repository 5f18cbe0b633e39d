//! What a run publishes for itself to listen to.

use std::time::Duration;

use toml::Spanned;

use super::{Faults, FeedId};
use crate::config::Config;
use crate::fault;

/// A generated day on one of the feeds, with the faults of a real network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Publish {
    /// Whose lines and ports it serves.
    pub feed: FeedId,
    /// Messages per second.
    pub rate: u32,
    /// Tickers in the day.
    pub symbols: u32,
    /// Of the day and of the faults.
    pub seed: u64,
    /// Part of line A's packets that is lost.
    pub loss_a: f64,
    /// Part of line B's packets that is lost.
    pub loss_b: f64,
    /// Part of the packets sent twice.
    pub duplicate: f64,
    /// Part of the packets that overtake the one before.
    pub reorder: f64,
    /// How far line B runs behind line A.
    pub skew: Duration,
}

pub(super) fn check(
    config: &Config,
    faults: &mut Faults<'_>,
    notes: &mut Vec<String>,
) -> Option<Publish> {
    let entry = config.publish.as_ref()?;
    let raw = entry.get_ref();
    let name = raw.feed.get_ref().as_str();
    let names = config.feeds.iter().map(|feed| feed.get_ref().name.get_ref().as_str());
    let index = names.clone().position(|feed| feed == name);
    if index.is_none() {
        let what = format!("publish.feed names feed `{name}`, which is not there");
        faults.add(&raw.feed, what).remedy_last(&fault::suggest(name, names));
    }
    let feed = index.and_then(|index| config.feeds.get(index)).map(Spanned::get_ref);
    if let Some(feed) = feed.filter(|feed| feed.venue.get_ref() != "nasdaq") {
        let what = format!("publish.feed `{name}` is of venue `{}`", feed.venue.get_ref());
        faults.add(&raw.feed, what).remedy_last("a day can be generated for venue `nasdaq` only");
    }
    if let (Some(feed), Some(loss_b)) = (feed, &raw.loss_b)
        && feed.line_b.is_none()
    {
        faults.add(loss_b, format!("publish.loss_b is set, but feed `{name}` has no line_b"));
    }
    let mut part = |key: &str, value: Option<&Spanned<f64>>| {
        faults.limit(&format!("publish.{key}"), value, 0.0..=1.0, 0.0)
    };
    let (loss_a, loss_b) =
        (part("loss_a", raw.loss_a.as_ref()), part("loss_b", raw.loss_b.as_ref()));
    let (duplicate, reorder) =
        (part("duplicate", raw.duplicate.as_ref()), part("reorder", raw.reorder.as_ref()));
    if let Some(feed) = feed
        && 0.0 < loss_a
        && feed.rerequest.is_none()
        && feed.snapshot.is_none()
    {
        notes.push(format!(
            "feed `{name}` is published with loss and has neither rerequest nor snapshot: what both lines lose is gone."
        ));
    }
    Some(Publish {
        feed: FeedId(u16::try_from(index.unwrap_or(0)).unwrap_or(u16::MAX)),
        rate: faults.limit("publish.rate", raw.rate.as_ref(), 1..=50_000_000_u32, 100_000),
        // A stock locate is 16 bits, from 1.
        symbols: faults.limit("publish.symbols", raw.symbols.as_ref(), 1..=65_535_u32, 64),
        seed: raw.seed.unwrap_or(1),
        loss_a,
        loss_b,
        duplicate,
        reorder,
        skew: Duration::from_micros(
            faults.limit("publish.skew_us", raw.skew_us.as_ref(), 0..=1_000_000_u32, 0).into(),
        ),
    })
}
