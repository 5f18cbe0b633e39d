//! `rialto flow`: a population's orders to an exchange, over sockets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use types::Px;

use super::sockets::{self, LinkStats, SocketOptions};
use super::{Options, Population, Record, Sent, Traded};
use crate::failure::Failure;
use crate::hist::readable;
use crate::stop::Stop;
use crate::terminal::{self, count, thousands};

/// What was typed.
#[derive(Clone, Debug)]
pub struct CommandOptions {
    /// Who trades what, and how.
    pub flow: Options,
    /// The exchange's order entry.
    pub to: SocketAddr,
    /// The ports' users; `{n}` is a port's number: see [`sockets::credentials`].
    pub user: String,
    /// Their passwords, alike.
    pub password: String,
    /// How long; `None`: until Ctrl-C.
    pub limit: Option<Duration>,
    /// Print one JSON object at the end.
    pub json: bool,
}

#[derive(Serialize)]
struct Output {
    seed: u64,
    accounts: u32,
    ports: u32,
    sent: Sent,
    accepted: u64,
    dead: u64,
    replaced: u64,
    modified: u64,
    cancel_rejected: u64,
    mass_canceled: u64,
    rejected: BTreeMap<String, u64>,
    executions: u64,
    bought: u64,
    sold: u64,
    canceled_shares: u64,
    ended_executed: u64,
    ended_canceled: u64,
    open: usize,
    broken: u64,
    skipped: u64,
    refused: u64,
    lost: u64,
    unanswered: usize,
    contradictions: u64,
    malformed: u64,
    links: LinkStats,
    instruments: Vec<Instrument>,
    latency: Latency,
    elapsed_ns: u64,
    interrupted: bool,
}

#[derive(Serialize)]
struct Instrument {
    symbol: String,
    #[serde(flatten)]
    traded: Traded,
}

#[derive(Serialize)]
struct Latency {
    p50_ns: u64,
    p99_ns: u64,
    p999_ns: u64,
    max_ns: u64,
    count: u64,
}

/// Sends until the time is up or Ctrl-C, then says what was sent and heard.
///
/// # Errors
/// As [`sockets::run`]; answers that contradict what was sent, or that did not come; refused logins.
pub fn command(options: CommandOptions) -> Result<(), Failure> {
    let CommandOptions { flow, to, user, password, limit, json } = options;
    let mut population = Population::new(flow)?;
    let ports = population.options().ports();
    let credentials = sockets::credentials(&user, &password, ports)?;
    let socket_options = SocketOptions { limit, ..SocketOptions::new(to, credentials) };
    let stop = Stop::on_signals()?;
    let &Options { accounts, rate, .. } = population.options();
    eprintln!("{accounts} accounts on {ports} ports of {to}, {rate} messages/s");
    let began = std::time::Instant::now();
    let links = sockets::run(&mut population, &socket_options, &stop)?;
    let elapsed_ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let output = Output { interrupted: stop.requested(), ..output(&population, links, elapsed_ns) };
    if json {
        terminal::print_json(&output)?;
    } else {
        terminal::print(&summary(&output))?;
    }
    let wrong = output.contradictions + output.malformed;
    if 0 < wrong {
        return Err(Failure::failed(format!("{wrong} answers do not fit what was sent")));
    }
    let unanswered = output.unanswered as u64 + output.lost;
    if 0 < unanswered {
        let what = format!("{} requests were not answered", thousands(unanswered));
        return Err(Failure::failed(what).remedy("see whether the exchange still runs"));
    }
    if 0 < output.links.refused {
        let what = format!("{} logins were refused", output.links.refused);
        return Err(Failure::failed(what).remedy("see that the exchange has these users"));
    }
    Ok(())
}

fn output(population: &Population, links: LinkStats, elapsed_ns: u64) -> Output {
    let (record, options) = (population.record(), population.options());
    let Traded { bought, sold, .. } = record.traded_in_all();
    let instruments = (0..).zip(&options.instruments).map(|(instrument, listed)| Instrument {
        symbol: listed.symbol.to_string(),
        traded: record.traded_in(instrument),
    });
    Output {
        seed: options.seed,
        accounts: options.accounts,
        ports: options.ports(),
        sent: record.sent,
        accepted: record.accepted,
        dead: record.dead,
        replaced: record.replaced,
        modified: record.modified,
        cancel_rejected: record.cancel_rejected,
        mass_canceled: record.mass_canceled,
        rejected: record.rejected().map(|(why, count)| (format!("{why:?}"), count)).collect(),
        executions: record.executions,
        bought,
        sold,
        canceled_shares: record.canceled_shares,
        ended_executed: record.ended_executed,
        ended_canceled: record.ended_canceled,
        open: population.open_orders(),
        broken: record.broken,
        skipped: record.skipped,
        refused: record.refused,
        lost: record.lost,
        unanswered: population.unanswered(),
        contradictions: record.contradictions,
        malformed: record.malformed,
        links,
        instruments: instruments.collect(),
        latency: latency(record),
        elapsed_ns,
        interrupted: false,
    }
}

fn latency(record: &Record) -> Latency {
    let at = |quantile| record.latency.value_at_quantile(quantile);
    Latency {
        p50_ns: at(0.5),
        p99_ns: at(0.99),
        p999_ns: at(0.999),
        max_ns: record.latency.max(),
        count: record.latency.len(),
    }
}

fn summary(output: &Output) -> String {
    let Output { sent, latency, links, .. } = output;
    let messages = sent.messages();
    let per_second = u128::from(messages) * 1_000_000_000 / u128::from(output.elapsed_ns).max(1);
    let mut text = format!(
        "{} in {:.1} s, {}/s: {} ({} immediate), {}, {}, {}, {}, {}\n",
        count(messages, ["message", "messages"]),
        output.elapsed_ns as f64 / 1e9,
        thousands(u64::try_from(per_second).unwrap_or(u64::MAX)),
        count(sent.orders, ["order", "orders"]),
        thousands(sent.immediate),
        count(sent.cancels, ["cancel", "cancels"]),
        count(sent.replaces, ["replace", "replaces"]),
        count(sent.modifies, ["modify", "modifies"]),
        count(sent.mass_cancels, ["mass cancel", "mass cancels"]),
        count(sent.queries, ["query", "queries"])
    );
    text.push_str(&format!(
        "orders: {} accepted, {} traded to the end, {} canceled, {} open or not answered\n",
        thousands(output.accepted),
        thousands(output.ended_executed),
        thousands(output.ended_canceled),
        thousands(output.open as u64)
    ));
    let rejected: u64 = output.rejected.values().sum();
    text.push_str(&format!("rejected: {}", thousands(rejected)));
    for (reason, count) in &output.rejected {
        text.push_str(&format!(", {reason} {}", thousands(*count)));
    }
    text.push_str(&format!(
        "\nports: {}, {} refused, {} ended by the exchange, {} cut, {} not connected; {} \
         skipped while one was down, {} not taken, {} lost, {} unanswered\n",
        count(links.logins, ["login", "logins"]),
        thousands(links.refused),
        thousands(links.ended),
        thousands(links.cut),
        thousands(links.unconnected),
        count(output.skipped, ["message", "messages"]),
        thousands(output.refused),
        thousands(output.lost),
        thousands(output.unanswered as u64)
    ));
    let of = |nanos| readable(latency.count, nanos);
    text.push_str(&format!(
        "from the scheduled time to the answer: p50 {}, p99 {}, p99.9 {}, max {}\n",
        of(latency.p50_ns),
        of(latency.p99_ns),
        of(latency.p999_ns),
        of(latency.max_ns)
    ));
    text.push_str(&format!(
        "shares: {} bought, {} sold in {}\n",
        thousands(output.bought),
        thousands(output.sold),
        count(output.executions, ["execution", "executions"])
    ));
    if 0 < output.executions {
        text.push_str(&format!("\n{}", traded(&output.instruments)));
    }
    text
}

/// What was traded, by instrument.
fn traded(instruments: &[Instrument]) -> String {
    let mut table = terminal::table(&["symbol", ">bought", ">average", ">sold", ">average"]);
    for Instrument { symbol, traded } in instruments {
        if 0 < traded.bought + traded.sold {
            table.add_row([
                symbol.clone(),
                thousands(traded.bought),
                average(traded.paid, traded.bought),
                thousands(traded.sold),
                average(traded.received, traded.sold),
            ]);
        }
    }
    terminal::lines(&table)
}

/// `190.02`, where there is anything to average. `value` in units of 1e-4.
fn average(value: u128, shares: u64) -> String {
    let average = value.checked_div(u128::from(shares)).and_then(|price| u32::try_from(price).ok());
    average.map_or_else(String::new, |price| Px::from_price4(price).to_string())
}
