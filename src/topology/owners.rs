//! Which shard owns which instrument: the lists first, then a stable hash over the shards that take the rest.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use types::Symbol;

use super::{Faults, ShardId};
use crate::config::{self, Config, Rest};

/// Which shard owns which instrument. Each has one owner at most, and the same on every host and every day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owners {
    listed: BTreeMap<Symbol, ShardId>,
    rest: Vec<ShardId>,
}

impl Owners {
    /// The one shard that owns it; `None` where nobody takes it and its messages are skipped.
    pub fn owner(&self, symbol: Symbol) -> Option<ShardId> {
        if let Some(shard) = self.listed.get(&symbol) {
            return Some(*shard);
        }
        let shards = u16::try_from(self.rest.len()).ok().filter(|shards| 0 < *shards)?;
        self.rest.get(usize::from(symbol.partition(shards))).copied()
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
    pub fn all(&self) -> impl Iterator<Item = ShardId> {
        let all: BTreeSet<ShardId> =
            self.rest.iter().chain(self.listed.values()).copied().collect();
        all.into_iter()
    }

    /// Whether a shard could own anything at all.
    pub fn may_own(&self, shard: ShardId) -> bool {
        self.rest.contains(&shard) || self.listed.values().any(|owner| *owner == shard)
    }
}

pub(super) fn check(config: &Config, faults: &mut Faults<'_>) -> Owners {
    let owners = Owners { listed: listed(&config.shards, faults), rest: rest(config) };
    for (id, entry) in (0_u16..).map(ShardId).zip(&config.shards) {
        // A list with bad tickers has its own faults.
        if !owners.may_own(id) && entry.get_ref().instruments.is_empty() {
            let what = format!(
                "shard `{}` can own no instrument: it lists none and takes no part of the rest",
                entry.get_ref().name.get_ref()
            );
            faults.add(entry, what).remedy_last(
                "list `instruments`, write partition.rest = \"hash\", or remove the shard",
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

fn rest(config: &Config) -> Vec<ShardId> {
    let rest = config.partition.as_ref().and_then(|partition| partition.rest).unwrap_or(Rest::Hash);
    match rest {
        Rest::Hash => (0_u16..).map(ShardId).take(config.shards.len()).collect(),
        Rest::None => Vec::new(),
    }
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
        let owners = Owners {
            listed: BTreeMap::from([(symbol("AAPL"), ShardId(2))]),
            rest: vec![ShardId(0), ShardId(1)],
        };
        // Pinned: a version that moved an instrument would look for its books on the wrong shard.
        let cases = [("AAPL", 2), ("MSFT", 1), ("SPY", 0), ("BRK.A", 1), ("QQQ", 0), ("TSLA", 1)];
        for (text, want) in cases {
            assert_eq!(owners.owner(symbol(text)), Some(ShardId(want)), "{text}");
        }
        let lists_only = Owners { rest: Vec::new(), ..owners };
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
            let owners = Owners { listed: listed.clone(), rest: (0..shards).map(ShardId).collect() };
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
