//! `status`: how each shard and each instrument stands.

use std::cell::RefCell;
use std::time::Duration;

use engine::exchange::{Command, Detail, List, Page, gauges};
use runtime::Watch;

use super::desk::{Desk, Fate, ask};
use super::names::{Exchange, Names, Shard};
use super::protocol::{InstrumentStatus, Killed, Refusal, ShardStatus};
use super::task::phase_word;

/// Asks every shard of an exchange, or of all. Orders and connections are as old as what shards publish.
pub(super) async fn of(
    (names, desk, watches): (&Names, &RefCell<Desk>, &[Watch]),
    exchange: Option<&str>,
    patience: Duration,
) -> Result<Vec<ShardStatus>, Refusal> {
    let exchanges: Vec<&Exchange> = match exchange {
        Some(name) => vec![names.exchange(Some(name))?],
        None => names.exchanges.iter().collect(),
    };
    let mut asked = Vec::new();
    for (exchange, shard) in
        exchanges.iter().flat_map(|of| of.shards.iter().map(move |shard| (of, shard)))
    {
        let lists = [
            (List::Venue, 1),
            (List::Firms, exchange.firms.len()),
            (List::Ports, exchange.ports.len()),
            (List::Phases, shard.symbols.len()),
        ];
        for (list, len) in lists {
            // Counted with 16 bits, all of them.
            let pages = (0..len as u32).step_by(Page::LEN_MAX);
            asked.extend(pages.map(|from| (shard.desk, Command::Look { list, from })));
        }
    }
    let fates = ask(desk, &asked, patience).await;
    let mut told = asked.iter().map(|(desk, _)| *desk).zip(fates).peekable();
    let mut shards = Vec::new();
    for (exchange, shard) in
        exchanges.iter().flat_map(|of| of.shards.iter().map(move |shard| (of, shard)))
    {
        let mut status = begin(exchange, shard, watches.get(shard.desk));
        while let Some((_, fate)) = told.next_if(|(desk, _)| *desk == shard.desk) {
            match fate {
                Fate::Answered(answer) => note(&mut status, exchange, shard, answer.detail),
                Fate::Unanswered | Fate::Unsent => status.answered = false,
            }
        }
        shards.push(status);
    }
    Ok(shards)
}

/// What a shard publishes.
fn begin(exchange: &Exchange, shard: &Shard, watch: Option<&Watch>) -> ShardStatus {
    let values = watch.map(Watch::machine).unwrap_or_default();
    let value =
        |name| gauges::place(name).and_then(|place| values.get(place)).copied().unwrap_or(0);
    ShardStatus {
        exchange: exchange.name.clone(),
        shard: shard.name.clone(),
        answered: true,
        over: value("rialto_exchange_over") == 1,
        orders: value("rialto_exchange_orders"),
        connections: value("rialto_exchange_connections"),
        killed: Killed::default(),
        instruments: Vec::new(),
    }
}

/// What it said.
fn note(status: &mut ShardStatus, exchange: &Exchange, shard: &Shard, detail: Detail) {
    let Detail::Page(page) = detail else { return };
    // As a place: pages begin where they were asked for.
    let from = page.from as usize;
    let on = |names: &[String]| {
        let rest = names.get(from..).unwrap_or_default().iter().zip(page.switches());
        rest.filter(|(_, is_on)| *is_on).map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    match page.list {
        List::Venue => status.killed.venue = page.switches().any(|is_on| is_on),
        List::Firms => status.killed.firms.extend(on(&exchange.firms)),
        List::Ports => status.killed.ports.extend(on(&exchange.ports)),
        List::Phases => {
            let rest = shard.symbols.get(from..).unwrap_or_default().iter().zip(page.phases());
            status.instruments.extend(rest.map(|(symbol, phase)| InstrumentStatus {
                symbol: symbol.clone(),
                phase: phase_word(phase).to_owned(),
            }));
        }
    }
}
