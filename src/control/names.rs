//! What a request can name: exchanges, their instruments, firms and ports, and which shard has what.

use std::collections::BTreeMap;

use types::{FirmId, InstrumentId, PortId};

use super::protocol::Refusal;
use crate::fault;
use crate::topology::{self, Topology, text};

/// More names than a person reads through are not listed in a refusal.
const LISTED_MAX: usize = 12;

/// The exchanges of a process.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) exchanges: Vec<Exchange>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) name: String,
    pub(super) shards: Vec<Shard>,
    pub(super) firms: Vec<String>,
    /// Their users.
    pub(super) ports: Vec<String>,
    drops: Vec<String>,
    /// By ticker: the place of the shard, and the number there.
    instruments: BTreeMap<String, (usize, InstrumentId)>,
}

/// A shard of one.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) name: String,
    /// Its place among the shards of all exchanges.
    pub(super) desk: usize,
    /// By instrument.
    pub(super) symbols: Vec<String>,
}

impl Names {
    pub(super) fn new(topology: &Topology) -> Self {
        let mut desks = 0..;
        let exchanges = topology.exchanges.iter();
        Self { exchanges: exchanges.map(|exchange| Exchange::new(exchange, &mut desks)).collect() }
    }

    /// The exchange of this name, or the only one.
    pub(super) fn exchange(&self, name: Option<&str>) -> Result<&Exchange, Refusal> {
        let names = || self.exchanges.iter().map(|exchange| exchange.name.as_str());
        match (name, self.exchanges.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => {
                let all: Vec<_> = names().collect();
                let what = format!("several exchanges run here: {}", all.join(", "));
                Err(Refusal::usage(what).remedy("say which one is meant: --exchange NAME"))
            }
            (Some(name), all) => {
                let found = all.iter().find(|exchange| exchange.name == name);
                found.ok_or_else(|| unknown("exchange", name, names()))
            }
        }
    }
}

impl Exchange {
    fn new(exchange: &topology::Exchange, desks: &mut impl Iterator<Item = usize>) -> Self {
        let shards: Vec<Shard> = exchange
            .shards
            .iter()
            .zip(desks)
            .map(|(shard, desk)| {
                let symbols = shard.listings.iter().map(|listing| listing.symbol.to_string());
                Shard { name: shard.name.clone(), desk, symbols: symbols.collect() }
            })
            .collect();
        let mut instruments = BTreeMap::new();
        for (place, shard) in shards.iter().enumerate() {
            for (id, symbol) in (0..).map(InstrumentId::new).zip(&shard.symbols) {
                instruments.insert(symbol.clone(), (place, id));
            }
        }
        let drops = exchange.firms.iter().filter_map(|firm| firm.drop_copy);
        Self {
            name: exchange.name.clone(),
            shards,
            firms: exchange.firms.iter().map(|firm| text(&firm.name)).collect(),
            ports: exchange.ports.iter().map(|port| text(&port.login.user)).collect(),
            drops: drops.map(|login| text(&login.user)).collect(),
            instruments,
        }
    }

    /// The shard that has an instrument, and its number there.
    pub(super) fn instrument(&self, symbol: &str) -> Result<(&Shard, InstrumentId), Refusal> {
        let found = self.instruments.get(symbol);
        let (place, id) = found.ok_or_else(|| {
            let what = format!("instrument of {}", self.name);
            unknown(&what, symbol, self.instruments.keys().map(String::as_str))
        })?;
        Ok((&self.shards[*place], *id))
    }

    /// Every instrument, by ticker.
    pub(super) fn instruments(&self) -> impl Iterator<Item = (&str, &Shard, InstrumentId)> {
        let all = self.instruments.iter();
        all.map(|(symbol, (place, id))| (symbol.as_str(), &self.shards[*place], *id))
    }

    pub(super) fn firm(&self, name: &str) -> Result<FirmId, Refusal> {
        let found = (0..).map(FirmId::new).zip(&self.firms).find(|(_, firm)| *firm == name);
        let found = found.map(|(id, _)| id);
        found.ok_or_else(|| {
            let what = format!("firm of {}", self.name);
            unknown(&what, name, self.firms.iter().map(String::as_str))
        })
    }

    /// By its user, in which capitals do not count, as in a login.
    pub(super) fn port(&self, user: &str) -> Result<PortId, Refusal> {
        let is_it = |port: &str| port.eq_ignore_ascii_case(user);
        let found = (0..).map(PortId::new).zip(&self.ports).find(|(_, port)| is_it(port));
        if let Some((id, _)) = found {
            return Ok(id);
        }
        if self.drops.iter().any(|drop| is_it(drop)) {
            let what = format!("`{user}` is the login of a drop copy, which sends no orders");
            return Err(Refusal::usage(what));
        }
        let what = format!("port of {}", self.name);
        Err(unknown(&what, user, self.ports.iter().map(String::as_str)))
    }
}

/// A refusal with the nearest name, or with those that there are.
fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Refusal {
    let refusal = Refusal::usage(format!("no {what} is called `{name}`"));
    let suggestion = fault::suggest(name, known.clone());
    let count = known.clone().count();
    if suggestion.starts_with("did you mean") || count <= LISTED_MAX {
        return refusal.remedy(suggestion);
    }
    let first: Vec<&str> = known.take(LISTED_MAX).collect();
    refusal.remedy(format!("there are {} and {} more", first.join(", "), count - LISTED_MAX))
}
