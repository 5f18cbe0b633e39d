//! What a day came to.

use std::collections::BTreeMap;
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
    /// Broken trades, and their shares: among the fills and the volume still.
    busts: u64,
    busted_volume: u64,
    shards: Vec<ShardRow>,
    instruments: Vec<InstrumentRow>,
}

/// One shard: its own figures, by their names without what all begin with.
#[derive(Debug, Serialize)]
struct ShardRow {
    name: String,
    connections_accepted: u64,
    connections_refused: u64,
    /// Cut because their client did not read.
    connections_cut: u64,
    figures: BTreeMap<&'static str, u64>,
    /// Orders that risk denied, by the kind of check.
    denied: BTreeMap<&'static str, u64>,
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
                busts: 0,
                busted_volume: 0,
                shards: Vec::new(),
                instruments: Vec::new(),
            })
            .collect();
        for ((at, machine), watch) in machines.iter().zip(watches) {
            let venue = &mut venues[at.0];
            let shard = &topology.exchanges[at.0].shards[at.1];
            let (broken, counters) = (machine.ports().counters(), watch.counters());
            venue.busts += broken.busts;
            venue.busted_volume += broken.busted_volume;
            let figures = gauges::EXCHANGE.iter().map(|gauge| {
                let name = gauge.name.strip_prefix(PREFIX).unwrap_or(gauge.name);
                (name.strip_suffix("_total").unwrap_or(name), gauge.value(machine))
            });
            let denied = gauges::Class::ALL
                .map(|class| (class.name(), gauges::DENIED.value(machine, class)));
            venue.shards.push(ShardRow {
                name: shard.name.clone(),
                connections_accepted: counters.accepted,
                connections_refused: counters.accept_refused,
                connections_cut: counters.write_full,
                figures: figures.collect(),
                denied: denied.into(),
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

    /// What found no room on its way out, over all shards.
    pub(super) fn lost(&self) -> u64 {
        let shards = self.venues.iter().flat_map(|venue| &venue.shards);
        shards.map(|shard| shard.figure("lost")).sum()
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
                "{}: {} in {:.1} s",
                venue.name,
                venue.traded(),
                self.elapsed_ns as f64 / 1e9
            );
            text.push_str(&traded(&venue.instruments));
            let _ = write!(text, "\n{}", terminal::lines(&shards(&venue.shards)));
            for shard in &venue.shards {
                let denied: Vec<String> = shard
                    .denied
                    .iter()
                    .filter(|(_, count)| 0 < **count)
                    .map(|(check, count)| format!("{check} {}", thousands(*count)))
                    .collect();
                if !denied.is_empty() {
                    let _ = writeln!(text, "\n  {}: denied by {}", shard.name, denied.join(", "));
                }
                let (lost, unsaid) = (shard.figure("lost"), shard.figure("unsaid"));
                if 0 < lost + unsaid {
                    let _ = writeln!(
                        text,
                        "\n  {}: {} found no room, {} did not fit ITCH",
                        shard.name,
                        terminal::count(lost, ["message", "messages"]),
                        thousands(unsaid)
                    );
                }
            }
        }
        text
    }
}

impl Venue {
    fn traded(&self) -> String {
        let fills = terminal::count(self.fills, ["fill", "fills"]);
        let shares = |count| terminal::count(count, ["share", "shares"]);
        let mut text = format!("{fills}, {}", shares(self.volume));
        if 0 < self.busts {
            let broken = (thousands(self.busts), shares(self.busted_volume));
            // Writing to a String cannot fail.
            let _ = write!(text, "; {} broken, {}", broken.0, broken.1);
        }
        text
    }
}

impl ShardRow {
    fn figure(&self, name: &str) -> u64 {
        self.figures.get(name).copied().unwrap_or(0)
    }

    fn sum(&self, names: &[&str]) -> u64 {
        names.iter().map(|name| self.figure(name)).sum()
    }
}

/// Those that traded, most first, and how many did not.
fn traded(rows: &[InstrumentRow]) -> String {
    let mut traded: Vec<&InstrumentRow> = rows.iter().filter(|row| 0 < row.fills).collect();
    let rest = rows.len() - traded.len();
    if traded.is_empty() {
        return String::new();
    }
    traded.sort_by_key(|row| std::cmp::Reverse(row.volume));
    let mut table = terminal::table(&["symbol", ">fills", ">shares", ">crosses"]);
    for row in traded {
        table.add_row([
            row.symbol.clone(),
            thousands(row.fills),
            thousands(row.volume),
            thousands(row.crosses),
        ]);
    }
    let mut text = format!("\n{}", terminal::lines(&table));
    if 0 < rest {
        text.push_str(&format!("  and {} that did not trade\n", thousands(rest as u64)));
    }
    text
}

/// Why a login was refused, and why a connection was cut off.
const REFUSED: [&str; 4] = ["bad_credentials", "live_twice", "unknown_session", "forgotten"];
const CUT: [&str; 7] =
    ["malformed", "bad_packets", "login_timeouts", "displaced", "silent", "stalled", "lapped"];

fn shards(rows: &[ShardRow]) -> comfy_table::Table {
    let mut table = terminal::table(&[
        "shard",
        ">messages",
        ">datagrams",
        ">logins",
        ">refused",
        ">turned away",
        ">cut off",
        ">rejected",
    ]);
    for shard in rows {
        table.add_row([
            shard.name.clone(),
            thousands(shard.figure("messages")),
            thousands(shard.figure("datagrams")),
            thousands(shard.figure("logins")),
            thousands(shard.sum(&REFUSED)),
            thousands(shard.figure("unplaced") + shard.connections_refused),
            thousands(shard.sum(&CUT) + shard.connections_cut),
            thousands(shard.figure("rejected")),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::Venue;

    #[test]
    fn what_traded_is_told_and_what_of_it_was_broken() {
        let cases = [
            ([0, 0, 0, 0], "0 fills, 0 shares"),
            ([1, 1, 0, 0], "1 fill, 1 share"),
            ([1, 60, 1, 60], "1 fill, 60 shares; 1 broken, 60 shares"),
            ([1_800, 2_000_000, 2, 1], "1,800 fills, 2,000,000 shares; 2 broken, 1 share"),
        ];
        for ([fills, volume, busts, busted_volume], want) in cases {
            let (name, shards, instruments) = (String::new(), Vec::new(), Vec::new());
            let venue = Venue { name, fills, volume, busts, busted_volume, shards, instruments };
            assert_eq!(venue.traded(), want);
        }
    }
}
