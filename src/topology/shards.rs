//! Shards: their names, cpus and capacities.
//!
//! A cpu belongs to one shard unless every shard that names it says `share = true`: then they take turns in one
//! thread, and so must idle alike.

use std::collections::BTreeMap;

use toml::Spanned;
use types::Symbol;

use super::{COLD_ENDS, Faults};
use crate::config::{self, Idle};
use crate::cpus::{self, Cpus};

/// A shard that can be started.
#[derive(Debug, Clone)]
pub struct Shard {
    /// In links, logs and metrics.
    pub name: String,
    /// Where it is pinned.
    pub cpu: u32,
    /// The file named the cpu; otherwise we chose it.
    pub cpu_given: bool,
    /// Another shard takes turns with it on that cpu.
    pub shared: bool,
    /// What it does when nothing came in.
    pub idle: Idle,
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
/// An identifier of a shard is a u16, and a host has fewer cpus.
const SHARDS_MAX: usize = 1_024;

pub(super) fn check(
    raw: &[Spanned<config::Shard>],
    cpus: &Cpus,
    faults: &mut Faults<'_>,
    notes: &mut Vec<String>,
) -> Vec<Shard> {
    if raw.is_empty() {
        faults
            .add_whole("the file has no [[shard]]: nothing would run")
            .remedy_last("add one, or start from a profile in tuning/");
    }
    if let Some(over) = raw.get(SHARDS_MAX) {
        faults.add(over, format!("{} shards are more than the {SHARDS_MAX} allowed", raw.len()));
    }
    names(raw, faults);
    let given = given_cpus(raw, cpus, faults);
    let chosen = choose_cpus(raw, &given, cpus, faults);
    let mut shards: Vec<Shard> = Vec::with_capacity(raw.len());
    for (entry, cpu) in raw.iter().zip(&chosen) {
        let shard = entry.get_ref();
        shards.push(Shard {
            name: shard.name.get_ref().clone(),
            cpu: *cpu,
            cpu_given: shard.cpu.is_some(),
            shared: 1 < chosen.iter().filter(|other| *other == cpu).count(),
            idle: idle(shard),
            instruments: shard
                .instruments
                .iter()
                .filter_map(|ticker| Symbol::parse(ticker.get_ref()))
                .collect(),
            capacity: capacity(entry, faults),
        });
    }
    idle_alike(raw, &chosen, faults);
    note_siblings(&shards, cpus, notes);
    shards
}

fn idle(shard: &config::Shard) -> Idle {
    shard.idle.as_ref().map_or(Idle::Backoff, |idle| *idle.get_ref())
}

fn names(raw: &[Spanned<config::Shard>], faults: &mut Faults<'_>) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in raw {
        let name = &entry.get_ref().name;
        let text = name.get_ref().as_str();
        if text.is_empty()
            || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        {
            faults.add(
                name,
                format!("shard name `{text}` is not made of letters, digits, `-`, `_` and `.`"),
            );
        }
        if COLD_ENDS.iter().any(|(end, _)| *end == text) {
            faults
                .add(name, format!("shard name `{text}` is the name of a cold end of links"))
                .remedy_last("choose another");
        }
        if let Some(line) = seen.insert(text, faults.line_of(name)) {
            faults.add(name, format!("shard name `{text}` is taken by the shard at line {line}"));
        }
    }
}

/// The cpus the file names, each checked against the host and against the others.
fn given_cpus(
    raw: &[Spanned<config::Shard>],
    cpus: &Cpus,
    faults: &mut Faults<'_>,
) -> BTreeMap<u32, bool> {
    let mut taken: BTreeMap<u32, (&config::Shard, usize)> = BTreeMap::new();
    for entry in raw {
        let shard = entry.get_ref();
        let Some(at) = &shard.cpu else { continue };
        let cpu = *at.get_ref();
        let name = shard.name.get_ref();
        if !cpus.online.contains(&cpu) {
            let what = format!("shard `{name}` wants cpu {cpu}, which this host does not have");
            faults.add(at, what).remedy_last(&format!("its cpus are {}", cpus::list(&cpus.online)));
        } else if !cpus.allowed.contains(&cpu) {
            let what =
                format!("shard `{name}` wants cpu {cpu}, which the cpuset of this process forbids");
            faults.add(at, what).remedy_last(&format!("it may use {}", cpus::list(&cpus.allowed)));
        }
        if let Some((other, line)) = taken.get(&cpu) {
            let other_name = other.name.get_ref();
            if !shares(shard) || !shares(other) {
                let what = format!(
                    "cpu {cpu} is named twice: by shard `{other_name}` at line {line} and by shard `{name}`"
                );
                faults.add(at, what).remedy_last(
                    "give each its own, or write `share = true` in both and they take turns in one thread",
                );
            }
        } else {
            taken.insert(cpu, (shard, faults.line_of(at)));
        }
    }
    taken.into_iter().map(|(cpu, (shard, _))| (cpu, shares(shard))).collect()
}

fn shares(shard: &config::Shard) -> bool {
    shard.share.as_ref().is_some_and(|share| *share.get_ref())
}

/// A cpu for each shard: the one it named, or a free one, the highest first, since the kernel's own work and
/// the cold threads gather on the lowest. With fewer free cpus than shards, they share.
fn choose_cpus(
    raw: &[Spanned<config::Shard>],
    given: &BTreeMap<u32, bool>,
    cpus: &Cpus,
    faults: &mut Faults<'_>,
) -> Vec<u32> {
    let wanting = raw.iter().filter(|entry| entry.get_ref().cpu.is_none()).count();
    let mut free: Vec<u32> =
        cpus.allowed.iter().copied().filter(|cpu| !given.contains_key(cpu)).collect();
    if free.is_empty() {
        free = cpus.allowed.iter().copied().filter(|cpu| given.get(cpu) == Some(&true)).collect();
    }
    let spare = free.len().saturating_sub(wanting);
    let mut next = free.iter().skip(spare).cycle();
    let mut chosen = Vec::with_capacity(raw.len());
    for entry in raw {
        let shard = entry.get_ref();
        let cpu = shard.cpu.as_ref().map(|cpu| *cpu.get_ref()).or_else(|| next.next().copied());
        if cpu.is_none() {
            let what = format!(
                "no cpu is left for shard `{}`: the others took all of {}",
                shard.name.get_ref(),
                cpus::list(&cpus.allowed)
            );
            faults
                .add(entry, what)
                .remedy_last("name a cpu, and write `share = true` in every shard on it");
        }
        chosen.push(cpu.unwrap_or(0));
    }
    chosen
}

fn idle_alike(raw: &[Spanned<config::Shard>], chosen: &[u32], faults: &mut Faults<'_>) {
    let mut first: BTreeMap<u32, &config::Shard> = BTreeMap::new();
    for (entry, cpu) in raw.iter().zip(chosen) {
        let shard = entry.get_ref();
        let other = *first.entry(*cpu).or_insert(shard);
        // Two that both named the cpu and do not share it have a fault of their own already.
        let named = other.cpu.is_some() && shard.cpu.is_some();
        let fought_over = named && !(shares(other) && shares(shard));
        if !fought_over && idle(other) != idle(shard) {
            let what = format!(
                "shards `{}` and `{}` take turns on cpu {cpu} but idle differently: one thread has one way to idle",
                other.name.get_ref(),
                shard.name.get_ref()
            );
            match &shard.idle {
                Some(at) => faults.add(at, what),
                None => faults.add(entry, what),
            }
            .remedy_last("give both the same `idle`, or cpus of their own");
        }
    }
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

fn note_siblings(shards: &[Shard], cpus: &Cpus, notes: &mut Vec<String>) {
    for group in &cpus.siblings {
        let on: Vec<&Shard> = shards.iter().filter(|shard| group.contains(&shard.cpu)).collect();
        if let [first, rest @ ..] = on.as_slice()
            && let Some(other) = rest.iter().find(|other| other.cpu != first.cpu)
        {
            notes.push(format!(
                "shards `{}` (cpu {}) and `{}` (cpu {}) sit on two threads of one core and halve each other's speed.",
                first.name, first.cpu, other.name, other.cpu
            ));
        }
    }
}
