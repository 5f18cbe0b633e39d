//! What a day came to.

use std::fmt::Write as _;
use std::time::Duration;

use engine::exchange::{Exchange, gauges};
use runtime::Watch;
use serde::Serialize;

use crate::failure::Failure;
use crate::terminal::{self, thousands};
use crate::topology::Topology;

/// The figures of a day; the names are those that scripts rely on.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    elapsed_ns: u64,
    venues: Vec<Venue>,
}

/// One exchange.
#[derive(Debug, Serialize)]
struct Venue {
    name: String,
    fills: u64,
    volume: u64,
    shards: Vec<ShardRow>,
    instruments: Vec<InstrumentRow>,
}

/// One shard: its own figures, by their names without what all begin with.
#[derive(Debug, Serialize)]
struct ShardRow {
    name: String,
    connections_accepted: u64,
    connections_refused: u64,
    figures: std::collections::BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
struct InstrumentRow {
    symbol: String,
    fills: u64,
    volume: u64,
    crosses: u64,
}

/// What the name of every figure begins with.
const PREFIX: &str = "rialto_exchange_";

impl Summary {
    /// `watches`: of the shards, in the order of `machines`.
    pub(super) fn new(
        topology: &Topology,
        machines: &[((usize, usize), Exchange)],
        watches: &[Watch],
        elapsed: Duration,
    ) -> Self {
        let mut venues: Vec<Venue> = topology
            .exchanges
            .iter()
            .map(|exchange| Venue {
                name: exchange.name.clone(),
                fills: 0,
                volume: 0,
                shards: Vec::new(),
                instruments: Vec::new(),
            })
            .collect();
        for ((at, machine), watch) in machines.iter().zip(watches) {
            let venue = &mut venues[at.0];
            let shard = &topology.exchanges[at.0].shards[at.1];
            let counters = watch.counters();
            let figures = gauges::EXCHANGE.iter().map(|gauge| {
                let name = gauge.name.strip_prefix(PREFIX).unwrap_or(gauge.name);
                (name.strip_suffix("_total").unwrap_or(name), gauge.value(machine))
            });
            venue.shards.push(ShardRow {
                name: shard.name.clone(),
                connections_accepted: counters.accepted,
                connections_refused: counters.accept_refused,
                figures: figures.collect(),
            });
            for (listing, traded) in shard.listings.iter().zip(machine.traded()) {
                venue.fills += traded.fills;
                venue.volume += traded.volume;
                venue.instruments.push(InstrumentRow {
                    symbol: listing.symbol.to_string(),
                    fills: traded.fills,
                    volume: traded.volume,
                    crosses: traded.crosses,
                });
            }
        }
        // Nanoseconds of a run fit in 64 bits.
        Self { elapsed_ns: elapsed.as_nanos() as u64, venues }
    }

    pub(super) fn print(&self, json: bool) -> Result<(), Failure> {
        if json { terminal::print_json(self) } else { terminal::print(&self.text()) }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for venue in &self.venues {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{}: {} fills, {} shares in {:.1} s",
                venue.name,
                thousands(venue.fills),
                thousands(venue.volume),
                self.elapsed_ns as f64 / 1e9
            );
            let mut table = terminal::table(&["symbol", ">fills", ">shares", ">crosses"]);
            let mut rows: Vec<&InstrumentRow> = venue.instruments.iter().collect();
            rows.sort_by_key(|row| std::cmp::Reverse(row.volume));
            for row in rows {
                table.add_row([
                    row.symbol.clone(),
                    thousands(row.fills),
                    thousands(row.volume),
                    thousands(row.crosses),
                ]);
            }
            let _ = write!(text, "\n{}", terminal::lines(&table));
            let mut table = terminal::table(&[
                "shard",
                ">messages",
                ">datagrams",
                ">logins",
                ">refused",
                ">rejected",
                ">cut off",
            ]);
            for shard in &venue.shards {
                let figure = |name| shard.figures.get(name).copied().unwrap_or(0);
                table.add_row([
                    shard.name.clone(),
                    thousands(figure("messages")),
                    thousands(figure("datagrams")),
                    thousands(figure("logins")),
                    thousands(figure("bad_credentials") + figure("live_twice")),
                    thousands(figure("rejected")),
                    thousands(figure("malformed") + figure("stalled")),
                ]);
            }
            let _ = write!(text, "\n{}", terminal::lines(&table));
        }
        text
    }
}
