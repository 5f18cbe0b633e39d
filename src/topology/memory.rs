//! About how much memory a topology takes, from the sizes that the books and sessions are made of.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use matching::Rules;
use venue::Depth;

use super::{Exchange, ExchangeShard, Feed, Link, Listing, ShardId, Topology};
use crate::terminal;

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
/// An order that waits off the books, and one that ends at a time of its own (`matching::FloorCapacity`).
const WAITING_BYTES: u64 = 256;
const DATED_BYTES: u64 = 112;
/// A trade that can still be broken.
const TRADE_BYTES: u64 = 88;
/// An order that is remembered to find equal ones, and the rate of one port in one instrument
/// (`risk::port::Room`).
const DUPLICATE_BYTES: u64 = 32;
const SYMBOL_RATE_BYTES: u64 = 8;
/// A connection whose client reads. One that does not has up to 320 KiB waiting, of memory that is taken then.
const CONNECTION_BYTES: u64 = 24 << 10;
/// What no key sizes: the servers' memory of messages.
const EXCHANGE_BYTES: u64 = 72 << 20;

impl Exchange {
    /// Of one of its shards, in bytes: its books, its ports' messages, all of its connections,
    /// and the servers behind its feed.
    pub fn memory_of(&self, shard: &ExchangeShard) -> u64 {
        let room = shard.capacity;
        let prices = |listing: &Listing| {
            u64::from(listing.window) * Rules::WINDOW_BYTES as u64
                + u64::from(listing.far_levels) * Rules::FAR_BYTES as u64
        };
        let windows = shard.listings.iter().map(prices);
        let by_symbol =
            self.ports.iter().filter(|port| port.limits.orders_per_second_symbol.is_some()).count();
        let rates = (by_symbol * shard.listings.len()) as u64 * SYMBOL_RATE_BYTES;
        let duplicates = u64::from(room.duplicates.next_power_of_two()) * DUPLICATE_BYTES;
        let drops = self.firms.iter().filter(|firm| firm.drop_copy.is_some()).count();
        let streams = (self.ports.len() + drops) as u64;
        // An eighth more to find each message.
        let stream = room.replay_bytes as u64 * 9 / 8;
        let book = shard.snapshot.as_ref().map_or(0, |_| u64::from(room.orders) * ORDER_BYTES);
        u64::from(room.orders) * LIVE_BYTES
            + u64::from(room.terms) * matching::Capacity::TERMS_BYTES as u64
            + u64::from(room.waiting) * WAITING_BYTES
            + u64::from(room.dated) * DATED_BYTES
            + u64::from(room.trades) * TRADE_BYTES
            + (self.ports.len() as u64).saturating_mul(duplicates)
            + rates
            + windows.sum::<u64>()
            + streams.saturating_mul(stream)
            + u64::from(room.connections) * CONNECTION_BYTES
            + book
            + EXCHANGE_BYTES
    }
}

/// All of the host's memory, in bytes, below a root as [`Cpus::under`](crate::cpus::Cpus::under) has it; `None`
/// where it is not said.
pub(crate) fn of_host(root: &Path) -> Option<u64> {
    let meminfo = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1_024)
}

impl Topology {
    /// Of all shards and rings, in bytes.
    pub fn memory(&self) -> u64 {
        let shards = (0_u16..).map(ShardId).zip(&self.shards).map(|(id, _)| self.memory_of(id));
        let of_exchange = |exchange: &'_ Exchange| {
            exchange
                .shards
                .iter()
                .map(|shard| exchange.memory_of(shard))
                .fold(0, u64::saturating_add)
        };
        let exchanges = self.exchanges.iter().map(of_exchange);
        let links = self.links.iter().map(Link::bytes);
        shards.chain(exchanges).chain(links).fold(0, u64::saturating_add)
    }

    /// A word of warning where it is more than a host has.
    pub(super) fn note_memory(&mut self, host_bytes: u64) {
        let taken = self.memory();
        if host_bytes < taken {
            let (taken, host) = (terminal::bytes(taken), terminal::bytes(host_bytes));
            self.notes.push(format!(
                "all of it takes about {taken} of memory, and this host has {host}: make the capacities smaller."
            ));
        }
    }

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

#[cfg(test)]
mod tests {
    use super::super::{Topology, check};
    use super::of_host;
    use crate::cpus::Cpus;
    use crate::fault::{self, Source};

    const VENUE: &str = include_str!("../../tuning/venue-demo.toml");

    fn topology(text: &str) -> Topology {
        let source = Source { name: "x.toml".to_owned(), text: text.to_owned() };
        let config = fault::read(&source).expect("its shape");
        check(&config, &source, &Cpus::plain(4)).expect("its sense")
    }

    #[test]
    fn more_than_a_host_has_is_noted() {
        let mut topology = topology(VENUE);
        let taken = topology.memory();
        let before = topology.notes.len();
        topology.note_memory(taken);
        assert_eq!(topology.notes.len(), before);
        topology.note_memory(taken - 1);
        assert!(topology.notes[before].contains("make the capacities smaller"));
    }

    /// Each capacity counts, for as many bytes as what it makes room for takes.
    #[test]
    fn every_capacity_of_an_exchange_takes_memory() {
        let cases = [
            // instead of                      bytes more
            ("orders = 262_145, terms", super::LIVE_BYTES + super::ORDER_BYTES),
            ("orders = 262_144, waiting = 65_537, terms", super::WAITING_BYTES),
            ("orders = 262_144, dated = 65_537, terms", super::DATED_BYTES),
            ("orders = 262_144, trades = 1_048_577, terms", super::TRADE_BYTES),
            ("orders = 262_144, duplicates = 512, terms", 18 * 256 * super::DUPLICATE_BYTES),
        ];
        let plain = topology(VENUE).memory();
        for (text, more) in cases {
            let of = topology(&VENUE.replacen("orders = 262_144, terms", text, 1));
            assert_eq!(of.memory() - plain, more, "{text}");
        }
    }

    #[test]
    fn the_memory_of_a_host_is_what_the_kernel_says() {
        let host = tempfile::tempdir().expect("a folder");
        assert_eq!(of_host(host.path()), None);
        let proc = host.path().join("proc");
        std::fs::create_dir(&proc).expect("a folder in it");
        let cases = [
            ("MemTotal:       16303428 kB\nMemFree: 1 kB\n", Some(16_303_428 << 10)),
            ("MemFree: 1 kB\n", None),
            ("MemTotal: many\n", None),
        ];
        for (text, want) in cases {
            std::fs::write(proc.join("meminfo"), text).expect("a file");
            assert_eq!(of_host(host.path()), want, "{text}");
        }
    }
}
