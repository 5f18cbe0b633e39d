//! About how much memory a topology takes, from the sizes that the books and sessions are made of.

use std::collections::BTreeMap;

use venue::Depth;

use super::{Exchange, ExchangeShard, Feed, ShardId, Topology};

/// An order and its share of the index that finds it (`book::Capacity`).
const ORDER_BYTES: u64 = 38;
/// A price level and its share of the node it lies in, at most (`book::Capacity`).
const LEVEL_BYTES: u64 = 100;
/// A book without orders, its ticker and its place in the tables of tickers.
const INSTRUMENT_BYTES: u64 = 256;
/// A packet that waits behind a gap: a full datagram and its number.
const PACKET_BYTES: u64 = 1_536;

/// An exchange's order: what its book, its port and the tape know of it, with their indices.
const LIVE_BYTES: u64 = 64 + 50 + 58 + 24;
/// The terms of an order, in its book and its port.
const TERMS_BYTES: u64 = 144 + 112;
/// One price on both sides of a book's window (`matching::Rules`).
const WINDOW_BYTES: u64 = 32;
/// A connection whose client reads. One that does not has up to 320 KiB waiting, of memory that is taken then.
const CONNECTION_BYTES: u64 = 24 << 10;
/// What no key sizes: trades that can still be broken, and the servers' memory of messages.
const EXCHANGE_BYTES: u64 = 160 << 20;

impl Exchange {
    /// Of one of its shards, in bytes: its books, its ports' messages, all of its connections,
    /// and the servers behind its feed.
    pub fn memory_of(&self, shard: &ExchangeShard) -> u64 {
        let room = shard.capacity;
        let windows = shard.listings.iter().map(|listing| u64::from(listing.window) * WINDOW_BYTES);
        let drops = self.firms.iter().filter(|firm| firm.drop_copy.is_some()).count();
        let streams = (self.ports.len() + drops) as u64;
        // An eighth more to find each message.
        let stream = room.replay_bytes as u64 * 9 / 8;
        let book = shard.snapshot.as_ref().map_or(0, |_| u64::from(room.orders) * ORDER_BYTES);
        u64::from(room.orders) * LIVE_BYTES
            + u64::from(room.terms) * TERMS_BYTES
            + windows.sum::<u64>()
            + streams.saturating_mul(stream)
            + u64::from(room.connections) * CONNECTION_BYTES
            + book
            + EXCHANGE_BYTES
    }
}

impl Topology {
    /// Of one shard, in bytes: its books, and a window for each feed it joins. Not its rings.
    pub fn memory_of(&self, id: ShardId) -> u64 {
        let Some(shard) = self.shards.get(id.index()) else {
            return 0;
        };
        let room = shard.capacity;
        let feeds: Vec<&Feed> = self.feeds_of(id).map(|(_, feed)| feed).collect();
        // Each venue has books of its own on the shard, whatever the number of its feeds.
        let venues: BTreeMap<&str, Depth> =
            feeds.iter().map(|feed| (feed.venue.name, feed.venue.depth)).collect();
        let of_venue = |depth: &Depth| {
            let orders = match depth {
                Depth::Orders => u64::from(room.orders) * ORDER_BYTES,
                Depth::Levels => 0,
            };
            orders
                + u64::from(room.levels) * LEVEL_BYTES
                + u64::from(room.instruments) * INSTRUMENT_BYTES
        };
        // Each below 2^32 times a small constant: the sum stays far below 2^64.
        let books: u64 = venues.values().map(of_venue).sum();
        let windows = |feed: &&Feed| u64::from(feed.session.window_packets) * PACKET_BYTES;
        books + feeds.iter().map(windows).sum::<u64>()
    }
}
