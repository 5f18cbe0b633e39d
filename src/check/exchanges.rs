//! The exchanges of a configuration: their shards, where clients find them, who may trade.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;
use types::Nanos;

use super::{idle, listed};
use crate::config::exchange::{Kind, SelfMatch, SelfMatchBy};
use crate::terminal::{self, count, thousands};
use crate::topology::{Exchange, ExchangeShard, Hours, Near, OrderLimits, Port, Topology, text};

#[derive(Serialize)]
pub(super) struct ExchangeRow {
    pub(super) name: String,
    dark: bool,
    /// `None`: trading begins and ends with the process.
    hours: Option<HoursRow>,
    pub(super) shards: Vec<ShardRow>,
    firms: Vec<FirmRow>,
    ports: usize,
    /// Those that may do the same, in the order of the file.
    limits: Vec<LimitsRow>,
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
    waiting_max: u32,
    dated_max: u32,
    trades_max: u32,
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
    accounts: usize,
    drop_copy: Option<String>,
    restricted: usize,
    short_restricted: usize,
    easy_to_borrow: usize,
    must_locate: bool,
    self_match_by: &'static str,
    limits: OrderRow,
}

#[derive(Serialize)]
struct LimitsRow {
    first: String,
    ports: usize,
    firms: Vec<String>,
    order: OrderRow,
    orders_per_second: Option<u32>,
    orders_per_second_symbol: Option<u32>,
    duplicates_per_second: Option<u32>,
    self_match: &'static str,
    cancel_on_disconnect: bool,
}

#[derive(PartialEq, Eq, Serialize)]
struct OrderRow {
    qty: u32,
    notional: u64,
    collar: Option<String>,
    fat_finger: Option<String>,
    forbidden: Vec<&'static str>,
}

pub(super) fn rows(topology: &Topology) -> Vec<ExchangeRow> {
    topology.exchanges.iter().map(row).collect()
}

fn row(exchange: &Exchange) -> ExchangeRow {
    let firms = (0..).zip(&exchange.firms).map(|(id, firm)| FirmRow {
        name: text(&firm.name),
        credit: firm.credit,
        ports: exchange.ports.iter().filter(|port| port.firm.index() == id).count(),
        accounts: exchange.accounts.iter().filter(|of| of.firm.index() == id).count(),
        drop_copy: firm.drop_copy.map(|login| text(&login.user)),
        restricted: firm.restricted.len(),
        short_restricted: firm.short_restricted.len(),
        easy_to_borrow: firm.easy_to_borrow.len(),
        must_locate: firm.must_locate,
        self_match_by: match firm.self_match_by {
            SelfMatchBy::Account => "account",
            SelfMatchBy::Firm => "firm",
            SelfMatchBy::Group => "group",
        },
        limits: order(&firm.limits),
    });
    ExchangeRow {
        name: exchange.name.clone(),
        dark: exchange.dark.is_some(),
        hours: exchange.hours.as_ref().map(hours),
        shards: exchange.shards.iter().map(|shard| shard_row(exchange, shard)).collect(),
        firms: firms.collect(),
        ports: exchange.ports.len(),
        limits: limits(exchange),
    }
}

/// One row for ports that follow one another and may do the same.
fn limits(exchange: &Exchange) -> Vec<LimitsRow> {
    let alike = |one: &Port, next: &Port| {
        one.limits == next.limits
            && one.self_match == next.self_match
            && one.cancel_on_disconnect == next.cancel_on_disconnect
    };
    let row = |ports: &[Port]| {
        let first = ports.first()?;
        let firms: BTreeSet<usize> = ports.iter().map(|port| port.firm.index()).collect();
        let limits = &first.limits;
        Some(LimitsRow {
            first: text(&first.login.user),
            ports: ports.len(),
            firms: firms.iter().map(|firm| text(&exchange.firms[*firm].name)).collect(),
            order: order(&limits.order),
            orders_per_second: limits.orders_per_second,
            orders_per_second_symbol: limits.orders_per_second_symbol,
            duplicates_per_second: limits.duplicates_per_second,
            self_match: match first.self_match {
                SelfMatch::Allow => "allow",
                SelfMatch::CancelOldest => "cancel-oldest",
                SelfMatch::CancelNewest => "cancel-newest",
                SelfMatch::CancelBoth => "cancel-both",
                SelfMatch::Decrement => "decrement",
            },
            cancel_on_disconnect: first.cancel_on_disconnect,
        })
    };
    exchange.ports.chunk_by(alike).filter_map(row).collect()
}

fn order(limits: &OrderLimits) -> OrderRow {
    let near = |near: Near| {
        let percent = near.percent.map(|percent| format!("{percent} %"));
        let parts: Vec<String> =
            percent.into_iter().chain(near.amount.map(|px| px.to_string())).collect();
        (!parts.is_empty()).then(|| parts.join(" or "))
    };
    let kind = |kind: &Kind| match kind {
        Kind::Market => "market",
        Kind::Short => "short",
        Kind::ShortExempt => "short-exempt",
        Kind::Sweep => "sweep",
    };
    OrderRow {
        qty: limits.qty,
        notional: limits.notional,
        collar: near(limits.collar),
        fat_finger: near(limits.fat_finger),
        forbidden: limits.forbidden.iter().map(kind).collect(),
    }
}

fn shard_row(exchange: &Exchange, shard: &ExchangeShard) -> ShardRow {
    ShardRow {
        name: shard.name.clone(),
        cpu: shard.placement.cpu,
        cpu_given: shard.placement.cpu_given,
        shared: shard.placement.shared,
        idle: idle(shard.placement.idle),
        // The rest is when it starts.
        session: format!("{}......", text(&shard.session[..4])),
        instruments: shard.listings.iter().map(|listing| listing.symbol.to_string()).collect(),
        orders_max: shard.capacity.orders,
        terms_max: shard.capacity.terms,
        waiting_max: shard.capacity.waiting,
        dated_max: shard.capacity.dated,
        trades_max: shard.capacity.trades,
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

fn hours(hours: &Hours) -> HoursRow {
    let clock = |at: Nanos| {
        let seconds = at.get() / 1_000_000_000;
        format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
    };
    HoursRow { pre_open: clock(hours.pre_open), open: clock(hours.open), close: clock(hours.close) }
}

/// A sentence, then tables: what runs where, where clients find it, who they are.
pub(super) fn write(exchange: &ExchangeRow, out: &mut String) {
    let instruments: usize = exchange.shards.iter().map(|shard| shard.instruments.len()).sum();
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
        count(instruments as u64, ["instrument", "instruments"]),
        count(exchange.firms.len() as u64, ["firm", "firms"]),
        count(exchange.ports as u64, ["port", "ports"]),
    );
    shards(exchange, out);
    addresses(exchange, out);
    firms(exchange, out);
    limits_table(exchange, out);
}

fn shards(exchange: &ExchangeRow, out: &mut String) {
    let mut table = terminal::table(&[
        "shard",
        ">cpu",
        "idle",
        ">instruments",
        ">orders",
        ">terms",
        ">waiting",
        ">dated",
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
            thousands(shard.waiting_max.into()),
            thousands(shard.dated_max.into()),
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
    let mut table = terminal::table(&[
        "firm",
        ">ports",
        ">accounts",
        ">credit",
        "drop copy",
        "self-match by",
        ">restricted",
        ">not short",
        "locates",
    ]);
    for firm in &exchange.firms {
        let locates = match (firm.must_locate, firm.easy_to_borrow) {
            (false, _) => "not asked".to_owned(),
            (true, 0) => "all".to_owned(),
            (true, easy) => format!("all but {}", thousands(easy as u64)),
        };
        table.add_row([
            firm.name.clone(),
            thousands(firm.ports as u64),
            thousands(firm.accounts as u64),
            thousands(firm.credit),
            firm.drop_copy.clone().unwrap_or_else(|| "none".to_owned()),
            firm.self_match_by.to_owned(),
            thousands(firm.restricted as u64),
            thousands(firm.short_restricted as u64),
            locates,
        ]);
    }
    let _ = write!(out, "\n{}", terminal::lines(&table));
}

/// What an order may be: of its firm, and of its port.
fn limits_table(exchange: &ExchangeRow, out: &mut String) {
    let mut table = terminal::table(&[
        "limits of",
        ">shares",
        ">worth",
        "collar",
        "fat finger",
        "forbidden",
        ">a second",
        ">by symbol",
        ">equal",
        "self-match",
    ]);
    let or_any = |text: &Option<String>| text.clone().unwrap_or_else(|| "any".to_owned());
    let of_order = |name: String, order: &OrderRow| {
        let forbidden =
            if order.forbidden.is_empty() { "none".to_owned() } else { order.forbidden.join(" ") };
        [
            name,
            thousands(order.qty.into()),
            thousands(order.notional),
            or_any(&order.collar),
            or_any(&order.fat_finger),
            forbidden,
        ]
    };
    let rate =
        |rate: Option<u32>| rate.map_or_else(|| "any".to_owned(), |rate| thousands(rate.into()));
    for firm in &exchange.firms {
        let rates = [const { String::new() }; 4];
        table.add_row(
            of_order(format!("firm {}", firm.name), &firm.limits).into_iter().chain(rates),
        );
    }
    for port in &exchange.limits {
        let name = match port.ports {
            1 => format!("port {}", port.first),
            ports => format!("{ports} from {}", port.first),
        };
        let rates = [
            rate(port.orders_per_second),
            rate(port.orders_per_second_symbol),
            rate(port.duplicates_per_second),
            port.self_match.to_owned(),
        ];
        table.add_row(of_order(name, &port.order).into_iter().chain(rates));
    }
    let _ = write!(out, "\n{}", terminal::lines(&table));
}
