//! The exchanges of a configuration: their shards, where clients find them, who may trade.

use std::fmt::Write as _;

use serde::Serialize;
use types::Nanos;

use super::{count, idle, listed};
use crate::terminal::{self, thousands};
use crate::topology::{Exchange, ExchangeShard, Hours, Topology};

#[derive(Serialize)]
pub(super) struct ExchangeRow {
    pub(super) name: String,
    dark: bool,
    /// `None`: trading begins and ends with the process.
    hours: Option<HoursRow>,
    pub(super) shards: Vec<ShardRow>,
    firms: Vec<FirmRow>,
    ports: usize,
}

#[derive(Serialize)]
struct HoursRow {
    pre_open: String,
    open: String,
    close: String,
}

#[derive(Serialize)]
pub(super) struct ShardRow {
    name: String,
    cpu: u32,
    cpu_given: bool,
    shared: bool,
    idle: &'static str,
    session: String,
    instruments: Vec<String>,
    orders_max: u32,
    terms_max: u32,
    connections_max: u16,
    replay_bytes: usize,
    pub(super) memory_bytes: u64,
    orders: String,
    line_a: String,
    line_b: Option<String>,
    interface: String,
    rerequest: Option<String>,
    snapshot: Option<String>,
}

#[derive(Serialize)]
struct FirmRow {
    name: String,
    credit: u64,
    ports: usize,
    drop_copy: Option<String>,
    restricted: usize,
}

pub(super) fn rows(topology: &Topology) -> Vec<ExchangeRow> {
    topology.exchanges.iter().map(row).collect()
}

fn row(exchange: &Exchange) -> ExchangeRow {
    let firms = (0..).zip(&exchange.firms).map(|(id, firm)| FirmRow {
        name: text(&firm.name),
        credit: firm.credit,
        ports: exchange.ports.iter().filter(|port| port.firm.index() == id).count(),
        drop_copy: firm.drop_copy.map(|login| text(&login.user)),
        restricted: firm.restricted.len(),
    });
    ExchangeRow {
        name: exchange.name.clone(),
        dark: exchange.dark.is_some(),
        hours: exchange.hours.as_ref().map(hours),
        shards: exchange.shards.iter().map(|shard| shard_row(exchange, shard)).collect(),
        firms: firms.collect(),
        ports: exchange.ports.len(),
    }
}

fn shard_row(exchange: &Exchange, shard: &ExchangeShard) -> ShardRow {
    ShardRow {
        name: shard.name.clone(),
        cpu: shard.placement.cpu,
        cpu_given: shard.placement.cpu_given,
        shared: shard.placement.shared,
        idle: idle(shard.placement.idle),
        session: text(&shard.session),
        instruments: shard.listings.iter().map(|listing| listing.symbol.to_string()).collect(),
        orders_max: shard.capacity.orders,
        terms_max: shard.capacity.terms,
        connections_max: shard.capacity.connections,
        replay_bytes: shard.capacity.replay_bytes,
        memory_bytes: exchange.memory_of(shard),
        orders: shard.orders.to_string(),
        line_a: shard.line_a.to_string(),
        line_b: shard.line_b.map(|line| line.to_string()),
        interface: shard.interface.to_string(),
        rerequest: shard.rerequest.map(|address| address.to_string()),
        snapshot: shard.snapshot.as_ref().map(|snapshot| snapshot.address.to_string()),
    }
}

/// Letters of a field without the blanks behind them.
fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field.trim_ascii_end()).into_owned()
}

fn hours(hours: &Hours) -> HoursRow {
    let clock = |at: Nanos| {
        let seconds = at.get() / 1_000_000_000;
        format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
    };
    HoursRow { pre_open: clock(hours.pre_open), open: clock(hours.open), close: clock(hours.close) }
}

/// A sentence, then tables: what runs where, where clients find it, who they are.
pub(super) fn write(exchange: &ExchangeRow, out: &mut String) {
    let instruments = exchange.shards.iter().map(|shard| shard.instruments.len()).sum();
    let kind = if exchange.dark { "Dark pool" } else { "Exchange" };
    let day = exchange.hours.as_ref().map_or_else(
        || "trading begins and ends with the process".to_owned(),
        |hours| {
            let HoursRow { pre_open, open, close } = hours;
            format!("orders from {pre_open}, opens at {open}, closes at {close} UTC")
        },
    );
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "\n{kind} {}: {}, {}, {}; {day}\n",
        exchange.name,
        count(instruments, "instrument"),
        count(exchange.firms.len(), "firm"),
        count(exchange.ports, "port"),
    );
    shards(exchange, out);
    addresses(exchange, out);
    firms(exchange, out);
}

fn shards(exchange: &ExchangeRow, out: &mut String) {
    let mut table = terminal::table(&[
        "shard",
        ">cpu",
        "idle",
        ">instruments",
        ">orders",
        ">terms",
        ">connections",
        ">memory",
    ]);
    for shard in &exchange.shards {
        table.add_row([
            shard.name.clone(),
            shard.cpu.to_string(),
            shard.idle.to_owned(),
            thousands(shard.instruments.len() as u64),
            thousands(shard.orders_max.into()),
            thousands(shard.terms_max.into()),
            thousands(shard.connections_max.into()),
            terminal::bytes(shard.memory_bytes),
        ]);
    }
    out.push_str(&terminal::lines(&table));
    let mut table = terminal::table(&["shard", "trades"]);
    for shard in &exchange.shards {
        table.add_row([shard.name.clone(), listed(&shard.instruments, 24)]);
    }
    let _ = write!(out, "\n{}", terminal::lines(&table));
}

fn addresses(exchange: &ExchangeRow, out: &mut String) {
    let mut table =
        terminal::table(&["shard", "orders", "lines A and B", "re-request", "snapshot"]);
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    for shard in &exchange.shards {
        let lines = [Some(shard.line_a.as_str()), shard.line_b.as_deref()];
        let lines: Vec<&str> = lines.into_iter().flatten().collect();
        table.add_row([
            shard.name.clone(),
            shard.orders.clone(),
            lines.join(" "),
            or_none(&shard.rerequest),
            or_none(&shard.snapshot),
        ]);
    }
    let _ = write!(out, "\n{}", terminal::lines(&table));
}

fn firms(exchange: &ExchangeRow, out: &mut String) {
    let mut table = terminal::table(&["firm", ">ports", ">credit", "drop copy", ">restricted"]);
    for firm in &exchange.firms {
        table.add_row([
            firm.name.clone(),
            thousands(firm.ports as u64),
            thousands(firm.credit),
            firm.drop_copy.clone().unwrap_or_else(|| "none".to_owned()),
            thousands(firm.restricted as u64),
        ]);
    }
    let _ = write!(out, "\n{}", terminal::lines(&table));
}
