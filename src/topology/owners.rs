//! Which shard owns which instrument: the lists first, then a stable hash over the shards that take the rest.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use types::Symbol;
use venue::Ownership;

use super::{Faults, ShardId};
use crate::config::{self, Config, Rest};
use crate::fault;

/// Which shard owns which instrument. Each has one owner at most, and the same on every host and every day.
#[derive(Debug, Clone)]
pub struct Owners {
    listed: BTreeMap<Symbol, ShardId>,
    rest: Vec<ShardId>,
    /// The same, as the shards themselves look it up: there is one rule, and it is theirs.
    ownership: Ownership,
}

impl Owners {
    fn new(listed: BTreeMap<Symbol, ShardId>, rest: Vec<ShardId>) -> Self {
        let pairs = listed.iter().map(|(symbol, shard)| (*symbol, shard.0)).collect();
        let ownership = Ownership::new(pairs, rest.iter().map(|shard| shard.0).collect());
        Self { listed, rest, ownership }
    }

    /// The one shard that owns it; `None` where nobody takes it and its messages are skipped.
    pub fn owner(&self, symbol: Symbol) -> Option<ShardId> {
        self.ownership.owner(symbol).map(ShardId)
    }

    /// What a shard is started with.
    pub fn ownership(&self) -> &Ownership {
        &self.ownership
    }

    /// The shards that share the instruments on no list; empty where nobody takes them.
    pub fn rest(&self) -> &[ShardId] {
        &self.rest
    }

    /// The instruments on a list, with their owners, by ticker.
    pub fn listed(&self) -> impl Iterator<Item = (Symbol, ShardId)> {
        self.listed.iter().map(|(symbol, shard)| (*symbol, *shard))
    }

    /// The shards that could own anything at all.
    pub fn all(&self) -> BTreeSet<ShardId> {
        self.rest.iter().chain(self.listed.values()).copied().collect()
    }
}

pub(super) fn check(config: &Config, faults: &mut Faults<'_>) -> Owners {
    let before = faults.found.len();
    let owners = Owners::new(listed(&config.shards, faults), rest(config, faults));
    if before < faults.found.len() {
        // Who owns nothing because of those is no fault of its own.
        return owners;
    }
    let all = owners.all();
    for (id, entry) in (0_u16..).map(ShardId).zip(&config.shards) {
        if !all.contains(&id) {
            let name = entry.get_ref().name.get_ref();
            let what = format!(
                "shard `{name}` can own no instrument: it lists none and takes no part of the rest"
            );
            faults.add(entry, what).remedy_last(
                "list `instruments`, let it take part of the rest in [partition], or remove it",
            );
        }
    }
    owners
}

/// A ticker, or a fault that says what one looks like.
pub(super) fn ticker(text: &Spanned<String>, faults: &mut Faults<'_>) -> Option<Symbol> {
    let symbol = Symbol::parse(text.get_ref());
    if symbol.is_none() {
        let what = format!("`{}` is not a ticker", text.get_ref());
        faults
            .add(text, what)
            .remedy_last("a ticker has 1 to 8 printable ASCII characters and no space");
    }
    symbol
}

fn listed(shards: &[Spanned<config::Shard>], faults: &mut Faults<'_>) -> BTreeMap<Symbol, ShardId> {
    let mut listed: BTreeMap<Symbol, ShardId> = BTreeMap::new();
    let mut places: BTreeMap<Symbol, (&str, usize)> = BTreeMap::new();
    for (id, entry) in (0_u16..).map(ShardId).zip(shards) {
        let name = entry.get_ref().name.get_ref();
        for text in &entry.get_ref().instruments {
            let Some(symbol) = ticker(text, faults) else { continue };
            match listed.entry(symbol) {
                Entry::Vacant(vacant) => {
                    vacant.insert(id);
                    places.insert(symbol, (name, faults.line_of(text)));
                }
                Entry::Occupied(owner) => {
                    let (other, line) = places.get(&symbol).copied().unwrap_or((name, 0));
                    let what = match *owner.get() == id {
                        true => format!("instrument {symbol} is listed twice by shard `{name}`"),
                        false => format!(
                            "instrument {symbol} is in two shards: `{other}` at line {line} and `{name}`"
                        ),
                    };
                    faults
                        .add(text, what)
                        .remedy_last("an instrument belongs to one shard: remove one of them");
                }
            }
        }
    }
    listed
}

fn rest(config: &Config, faults: &mut Faults<'_>) -> Vec<ShardId> {
    let names: Vec<&str> =
        config.shards.iter().map(|entry| entry.get_ref().name.get_ref().as_str()).collect();
    let rest = config.partition.as_ref().and_then(|partition| partition.rest).unwrap_or(Rest::Hash);
    let over = config.partition.as_ref().and_then(|partition| partition.over.as_ref());
    match (rest, over) {
        (Rest::Hash, None) => (0_u16..).map(ShardId).take(names.len()).collect(),
        (Rest::Hash, Some(over)) => shares(over, &names, faults),
        (Rest::None, None) => Vec::new(),
        (Rest::None, Some(over)) => {
            let what = "partition.over names shards for the rest, but partition.rest is `none`";
            faults.add(over, what).remedy_last("remove one of the two");
            Vec::new()
        }
    }
}

/// The shards that share the rest, by name.
fn shares(
    over: &Spanned<Vec<Spanned<String>>>,
    names: &[&str],
    faults: &mut Faults<'_>,
) -> Vec<ShardId> {
    if over.get_ref().is_empty() {
        let remedy = "write partition.rest = \"none\" where nobody takes the rest";
        faults.add(over, "partition.over is empty").remedy_last(remedy);
    }
    let mut rest: Vec<ShardId> = Vec::new();
    for name in over.get_ref() {
        let text = name.get_ref().as_str();
        let Some(index) = names.iter().position(|known| *known == text) else {
            let what = format!("partition.over names shard `{text}`, which is not there");
            faults.add(name, what).remedy_last(&fault::suggest(text, names.iter().copied()));
            continue;
        };
        let id = ShardId(u16::try_from(index).unwrap_or(u16::MAX));
        if rest.contains(&id) {
            faults.add(name, format!("partition.over names shard `{text}` twice"));
        }
        rest.push(id);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::Owners;
    use crate::topology::ShardId;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use types::Symbol;

    fn symbol(text: &str) -> Symbol {
        Symbol::parse(text).expect("a ticker")
    }

    #[test]
    fn a_list_goes_before_the_hash_and_the_hash_never_moves() {
        let listed = BTreeMap::from([(symbol("AAPL"), ShardId(2))]);
        let owners = Owners::new(listed.clone(), vec![ShardId(0), ShardId(1)]);
        // Pinned: a version that moved an instrument would look for its books on the wrong shard.
        let cases = [("AAPL", 2), ("MSFT", 1), ("SPY", 0), ("BRK.A", 1), ("QQQ", 0), ("TSLA", 1)];
        for (text, want) in cases {
            assert_eq!(owners.owner(symbol(text)), Some(ShardId(want)), "{text}");
        }
        let lists_only = Owners::new(listed, Vec::new());
        assert_eq!(lists_only.owner(symbol("AAPL")), Some(ShardId(2)));
        assert_eq!(lists_only.owner(symbol("MSFT")), None);
    }

    proptest! {
        #[test]
        fn each_instrument_belongs_to_exactly_one_shard(
            tickers in proptest::collection::btree_set("[A-Z]{1,5}", 1..200),
            shards in 1_u16..16,
            listed in 0_usize..50,
        ) {
            let listed: BTreeMap<Symbol, ShardId> = tickers
                .iter()
                .take(listed)
                .zip((0..shards).cycle())
                .map(|(text, shard)| (symbol(text), ShardId(shard)))
                .collect();
            let owners = Owners::new(listed.clone(), (0..shards).map(ShardId).collect());
            for text in &tickers {
                let owner = owners.owner(symbol(text));
                prop_assert!(owner.is_some_and(|owner| owner.0 < shards));
                prop_assert_eq!(owner, owners.owner(symbol(text)));
                if let Some(by_list) = listed.get(&symbol(text)) {
                    prop_assert_eq!(owner, Some(*by_list));
                }
            }
        }
    }
}
