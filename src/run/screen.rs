//! The table on the terminal: the busiest instruments' best prices and each feed's health.
//!
//! Drawn over itself a few times a second, and not at all where nobody watches.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::ContentArrangement;
use engine::{TopUpdate, gauges};
use hdrhistogram::Histogram;
use runtime::Message;
use types::{Nanos, Px, Qty, Symbol};

use crate::failure::Failure;
use crate::launch::Live;
use crate::terminal::{self, Canvas, thousands};
use crate::topology::Topology;

/// Instruments shown at most, the busiest first; fewer where the terminal is low.
const ROWS_MAX: usize = 24;

/// What is on the terminal.
pub(super) struct Screen {
    canvas: Canvas,
    /// The newest top of every instrument.
    tops: BTreeMap<Symbol, TopUpdate>,
    messages: u64,
}

impl Screen {
    pub(super) fn new(is_watched: bool) -> Self {
        Self { canvas: Canvas::new(is_watched), tops: BTreeMap::new(), messages: 0 }
    }

    /// Takes a top that a shard told.
    pub(super) fn top(&mut self, message: &Message) {
        if self.canvas.is_watched()
            && let Some(update) = TopUpdate::from_message(message)
        {
            self.tops.insert(update.symbol, update);
        }
    }

    /// Draws, if it is time to.
    pub(super) fn draw(
        &mut self,
        topology: &Topology,
        live: &Live,
        latency: &Histogram<u64>,
    ) -> Result<(), Failure> {
        let Some(since) = self.canvas.due() else { return Ok(()) };
        let text = self.text(topology, live, latency, since);
        self.canvas.draw(&text)
    }

    /// Takes the table away again, so that the summary stands alone.
    pub(super) fn clear(&mut self) {
        self.canvas.clear();
    }

    fn text(
        &mut self,
        topology: &Topology,
        live: &Live,
        latency: &Histogram<u64>,
        since: Option<Duration>,
    ) -> String {
        let feeds: usize = live.shards.iter().map(|shard| shard.feeds.len()).sum();
        // Headings, blank lines and the last line.
        let others = feeds + 6;
        let rows = terminal::size().1.saturating_sub(others).clamp(1, ROWS_MAX);
        let mut text = self.tops_text(rows);
        let headings = [
            "shard",
            "feed",
            "state",
            ">messages",
            ">gaps",
            ">by line",
            ">by request",
            ">by snapshot",
            ">lost A",
            ">lost B",
        ];
        let mut table = terminal::table(&headings);
        table.set_content_arrangement(ContentArrangement::Disabled);
        let mut messages = 0;
        for shard in &live.shards {
            let values = shard.watch.machine();
            for (place, feed) in shard.feeds.iter().enumerate() {
                let value = |name| gauges::value(&values, place, name);
                messages += value("rialto_feed_messages_total");
                table.add_row([
                    shard.name.clone(),
                    topology.feeds[feed.index()].name.clone(),
                    state_name(value("rialto_feed_state"), value("rialto_feed_stale")),
                    thousands(value("rialto_feed_messages_total")),
                    thousands(value("rialto_feed_gaps_total")),
                    thousands(value("rialto_feed_recovered_by_line_total")),
                    thousands(value("rialto_feed_recovered_by_request_total")),
                    thousands(value("rialto_feed_recovered_by_snapshot_total")),
                    thousands(value("rialto_feed_line_a_lost_total")),
                    thousands(value("rialto_feed_line_b_lost_total")),
                ]);
            }
        }
        text.push('\n');
        text.push_str(&terminal::lines(&table));
        let rate =
            since.map_or(0.0, |since| (messages - self.messages) as f64 / since.as_secs_f64());
        self.messages = messages;
        let at = |quantile| Nanos::new(latency.value_at_quantile(quantile));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "\n  {} messages/s, packet to book p50 {} p99 {} p99.9 {} (Ctrl-C stops)",
            thousands(rate as u64),
            at(0.5),
            at(0.99),
            at(0.999)
        );
        text
    }

    fn tops_text(&self, rows_max: usize) -> String {
        let headings =
            ["symbol", "state", ">shares", ">bid", ">offer", ">shares", ">last", ">volume"];
        let mut table = terminal::table(&headings);
        table.set_content_arrangement(ContentArrangement::Disabled);
        let mut rows: Vec<&TopUpdate> = self.tops.values().collect();
        rows.sort_by_key(|top| (std::cmp::Reverse(top.volume), top.symbol));
        let px = |side: Option<(Px, Qty)>| side.map_or("-".into(), |(px, _)| px.to_string());
        let qty =
            |side: Option<(Px, Qty)>| side.map_or("-".into(), |(_, qty)| thousands(qty.get()));
        for top in rows.into_iter().take(rows_max) {
            table.add_row([
                top.symbol.to_string(),
                terminal::state_word(top.state).to_owned(),
                qty(top.bid),
                px(top.bid),
                px(top.offer),
                qty(top.offer),
                top.last.map_or("-".into(), |px| px.to_string()),
                thousands(top.volume.get()),
            ]);
        }
        terminal::lines(&table)
    }
}

/// A feed's state in a word, by the number its gauge has.
pub(super) fn state_name(state: u64, stale: u64) -> String {
    let names = ["waiting", "live", "reordering", "requesting", "snapshot", "silent", "ended"];
    let name = usize::try_from(state).ok().and_then(|state| names.get(state)).unwrap_or(&"?");
    if stale == 0 { (*name).to_owned() } else { format!("{name}, stale") }
}
