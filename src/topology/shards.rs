//! Shards that trade: their instruments and capacities.

use toml::Spanned;
use types::Symbol;

use super::Faults;
use super::placement::{Placement, Wish};
use crate::config;

/// A shard that can be started.
#[derive(Debug, Clone)]
pub struct Shard {
    /// In links, logs and metrics.
    pub name: String,
    /// Where it runs.
    pub placement: Placement,
    /// The instruments it owns by name.
    pub instruments: Vec<Symbol>,
    /// What it makes room for.
    pub capacity: Capacity,
}

/// What a shard makes room for at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Books.
    pub instruments: u32,
    /// Live orders over all its books.
    pub orders: u32,
    /// Price levels over all its books, both sides.
    pub levels: u32,
}

/// More instruments than any venue lists.
const INSTRUMENTS_MAX: u32 = 1 << 20;
/// What the books can number (`book::Capacity`).
const ORDERS_MAX: u32 = (1 << 28) - 2;
/// The same for levels.
const LEVELS_MAX: u32 = 1 << 27;
/// What each says of its place.
pub(super) fn wishes(raw: &[Spanned<config::Shard>]) -> impl Iterator<Item = Wish<'_>> {
    raw.iter().map(|entry| {
        let shard = entry.get_ref();
        Wish {
            name: &shard.name,
            cpu: shard.cpu.as_ref(),
            share: shard.share.as_ref(),
            idle: shard.idle.as_ref(),
            at: entry.span(),
        }
    })
}

/// `placements`: theirs first.
pub(super) fn check(
    raw: &[Spanned<config::Shard>],
    placements: &[Placement],
    faults: &mut Faults<'_>,
) -> Vec<Shard> {
    let shard = |(entry, placement): (&Spanned<config::Shard>, &Placement)| Shard {
        name: entry.get_ref().name.get_ref().clone(),
        placement: *placement,
        instruments: entry
            .get_ref()
            .instruments
            .iter()
            .filter_map(|ticker| Symbol::parse(ticker.get_ref()))
            .collect(),
        capacity: capacity(entry, faults),
    };
    raw.iter().zip(placements).map(shard).collect()
}

fn capacity(entry: &Spanned<config::Shard>, faults: &mut Faults<'_>) -> Capacity {
    let shard = entry.get_ref();
    let name = shard.name.get_ref();
    let none = Capacity { instruments: 0, orders: 0, levels: 0 };
    let Some(at) = &shard.capacity else {
        faults
            .add(entry, format!("shard `{name}` has no `capacity`: everything is sized at start"))
            .remedy_last(
                "add `capacity = { instruments = 512, orders = 200_000, levels = 50_000 }`",
            );
        return none;
    };
    let raw = at.get_ref();
    let mut limit = |key: &str, value: Option<&Spanned<u32>>, max: u32| match value {
        None => {
            faults
                .add(at, format!("capacity of shard `{name}` has no `{key}`"))
                .remedy_last(&format!("add `{key} = ..`"));
            0
        }
        Some(value) if *value.get_ref() == 0 => {
            faults.add(
                value,
                format!("capacity.{key} of shard `{name}` is zero: it could hold nothing"),
            );
            0
        }
        Some(value) => {
            faults.limit(&format!("capacity.{key} of shard `{name}`"), Some(value), 1..=max, 0)
        }
    };
    let capacity = Capacity {
        instruments: limit("instruments", raw.instruments.as_ref(), INSTRUMENTS_MAX),
        orders: limit("orders", raw.orders.as_ref(), ORDERS_MAX),
        levels: limit("levels", raw.levels.as_ref(), LEVELS_MAX),
    };
    if let Some(value) = &raw.instruments
        && 0 < capacity.instruments
        && usize::try_from(capacity.instruments).is_ok_and(|room| room < shard.instruments.len())
    {
        let what = format!(
            "shard `{name}` lists {} instruments but has room for {}",
            shard.instruments.len(),
            capacity.instruments
        );
        faults.add(value, what).remedy_last("raise capacity.instruments");
    }
    capacity
}
