//! A trading shard's figures for readers on other threads: each has a name and a fixed place.
//!
//! The shard's own come first, then each feed's in the order of the feeds.

use session::FeedHealth;

use crate::{Mirror, Trade};

/// One figure, and how to read it.
pub struct Gauge<R> {
    /// Its name in metrics; it ends in `_total` where it only goes up.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub help: &'static str,
    pub(crate) read: R,
}

/// Reads one of the shard's own figures.
pub type OfShard = fn(&Trade) -> u64;
/// Reads one of a feed's figures.
pub type OfFeed = fn(&FeedHealth, &Mirror) -> u64;

macro_rules! gauges {
    ($($name:literal $help:literal $read:expr;)*) => {
        [$($crate::gauges::Gauge { name: $name, help: $help, read: $read }),*]
    };
}
pub(crate) use gauges;

/// The shard's own.
pub const SHARD: &[Gauge<OfShard>] = &gauges! {
    "rialto_shard_instruments" "Instruments that the shard follows." |trade| trade.symbols().len() as u64;
    "rialto_shard_instruments_refused_total" "Times an instrument found every slot taken." |trade| trade.refused();
};

/// Each feed's.
pub const FEED: &[Gauge<OfFeed>] = &gauges! {
    "rialto_feed_state" "0 waiting, 1 live, 2 reordering, 3 requesting, 4 snapshot, 5 silent, 6 ended."
        |feed, _| feed.state as u64;
    "rialto_feed_stale" "1 while the books cannot be trusted." |feed, _| u64::from(feed.stale);
    "rialto_feed_next_sequence" "The next message to give out." |feed, _| feed.next.get();
    "rialto_feed_messages_total" "Messages given out." |feed, _| feed.delivered;
    "rialto_feed_events_total" "Events applied to books." |_, mirror| mirror.tally().events;
    "rialto_feed_elsewhere_total" "Messages of instruments of other shards." |_, mirror| mirror.tally().elsewhere;
    "rialto_feed_faults_total" "Messages that could not be used." |_, mirror| mirror.tally().faults;
    "rialto_feed_gaps_total" "Holes found in the stream." |feed, _| feed.gaps;
    "rialto_feed_recovered_by_line_total" "Messages that came by the other line or late."
        |feed, _| feed.recovered_by_line;
    "rialto_feed_recovered_by_request_total" "Messages that came by a reply."
        |feed, _| feed.recovered_by_request;
    "rialto_feed_recovered_by_snapshot_total" "Messages that a snapshot stood for."
        |feed, _| feed.recovered_by_snapshot;
    "rialto_feed_given_up_total" "Messages given up for good." |feed, _| feed.given_up;
    "rialto_feed_requests_total" "Re-requests sent." |feed, _| feed.requests;
    "rialto_feed_snapshots_total" "Snapshots asked for." |feed, _| feed.snapshots;
    "rialto_feed_unasked_total" "Replies refused that nobody asked for." |feed, _| feed.unasked;
    "rialto_feed_dropped_total" "Packets that found the window full." |feed, _| feed.dropped;
    "rialto_feed_line_a_packets_total" "Packets on line A." |feed, _| feed.lines[0].packets;
    "rialto_feed_line_a_lost_total" "Messages that line A never carried." |feed, _| feed.lines[0].lost;
    "rialto_feed_line_a_duplicates_total" "Packets of line A known already."
        |feed, _| feed.lines[0].duplicates;
    "rialto_feed_line_a_malformed_total" "Packets of line A refused." |feed, _| feed.lines[0].malformed;
    "rialto_feed_line_b_packets_total" "Packets on line B." |feed, _| feed.lines[1].packets;
    "rialto_feed_line_b_lost_total" "Messages that line B never carried." |feed, _| feed.lines[1].lost;
    "rialto_feed_line_b_duplicates_total" "Packets of line B known already."
        |feed, _| feed.lines[1].duplicates;
    "rialto_feed_line_b_malformed_total" "Packets of line B refused." |feed, _| feed.lines[1].malformed;
    "rialto_feed_wrong_session_total" "Packets of another session, refused."
        |feed, _| feed.lines.iter().map(|line| line.wrong_session).sum();
    "rialto_feed_orders" "Live orders." |_, mirror| mirror.books().orders_live() as u64;
    "rialto_feed_levels" "Live price levels." |_, mirror| mirror.books().levels_live() as u64;
    "rialto_feed_went_stale_total" "Times an instrument's book went stale by an event that did not fit."
        |_, mirror| mirror.books().counters().went_stale;
};

/// Places that a shard with so many feeds takes.
pub const fn places(feeds: usize) -> usize {
    SHARD.len() + feeds * FEED.len()
}

/// The places of one feed's figures.
pub fn of_feed(values: &[u64], feed: usize) -> &[u64] {
    values.get(places(feed)..places(feed + 1)).unwrap_or_default()
}

/// One figure of a feed by its name; zero where there is none.
pub fn value(values: &[u64], feed: usize, name: &str) -> u64 {
    let place = FEED.iter().position(|gauge| gauge.name == name);
    place.and_then(|place| of_feed(values, feed).get(place)).copied().unwrap_or(0)
}

pub(crate) fn write(trade: &Trade, places: &mut [u64]) {
    let mut places = places.iter_mut();
    let own = SHARD.iter().map(|gauge| (gauge.read)(trade));
    own.zip(&mut places).for_each(|(value, place)| *place = value);
    for feed in trade.feeds() {
        let health = feed.health();
        let values = FEED.iter().map(|gauge| (gauge.read)(&health, feed.mirror()));
        values.zip(&mut places).for_each(|(value, place)| *place = value);
    }
}
