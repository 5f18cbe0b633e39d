//! Which shard runs on which cpu, whatever its kind.
//!
//! A cpu belongs to one shard unless every shard that names it says `share = true`: then they take turns in one
//! thread, and so must idle alike.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::{COLD_ENDS, Faults};
use crate::config::Idle;
use crate::cpus::{self, Cpus};

/// What a shard says of its place.
#[derive(Debug, Clone)]
pub(super) struct Wish<'a> {
    /// Its name.
    pub(super) name: &'a Spanned<String>,
    /// The cpu it names.
    pub(super) cpu: Option<&'a Spanned<u32>>,
    /// It takes turns with others.
    pub(super) share: Option<&'a Spanned<bool>>,
    /// What it does when nothing came in.
    pub(super) idle: Option<&'a Spanned<Idle>>,
    /// Where it stands in the file.
    pub(super) at: Range<usize>,
}

/// The place of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Where it is pinned.
    pub cpu: u32,
    /// The file named the cpu; otherwise we chose it.
    pub cpu_given: bool,
    /// Another shard takes turns with it on that cpu.
    pub shared: bool,
    /// What it does when nothing came in.
    pub idle: Idle,
}

/// An identifier of a shard is a u16, and a host has fewer cpus.
const SHARDS_MAX: usize = 1_024;

impl Wish<'_> {
    fn shares(&self) -> bool {
        self.share.is_some_and(|share| *share.get_ref())
    }

    fn idle(&self) -> Idle {
        self.idle.map_or(Idle::Backoff, |idle| *idle.get_ref())
    }
}

/// A place for each, in the order given.
pub(super) fn check(
    wishes: &[Wish<'_>],
    cpus: &Cpus,
    faults: &mut Faults<'_>,
    notes: &mut Vec<String>,
) -> Vec<Placement> {
    if let Some(over) = wishes.get(SHARDS_MAX) {
        let what = format!("{} shards are more than the {SHARDS_MAX} allowed", wishes.len());
        faults.add_at(over.at.clone(), what);
    }
    names(wishes, faults);
    let given = given_cpus(wishes, cpus, faults);
    let chosen = choose_cpus(wishes, &given, cpus, faults);
    idle_alike(wishes, &chosen, faults);
    note_siblings(wishes, &chosen, cpus, notes);
    let shared = |cpu: &u32| 1 < chosen.iter().filter(|other| *other == cpu).count();
    let place = |(wish, cpu): (&Wish<'_>, &u32)| Placement {
        cpu: *cpu,
        cpu_given: wish.cpu.is_some(),
        shared: shared(cpu),
        idle: wish.idle(),
    };
    wishes.iter().zip(&chosen).map(place).collect()
}

fn names(wishes: &[Wish<'_>], faults: &mut Faults<'_>) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for &Wish { name, .. } in wishes {
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
fn given_cpus(wishes: &[Wish<'_>], cpus: &Cpus, faults: &mut Faults<'_>) -> BTreeMap<u32, bool> {
    let mut taken: BTreeMap<u32, (&Wish<'_>, usize)> = BTreeMap::new();
    for wish in wishes {
        let Some(at) = wish.cpu else { continue };
        let cpu = *at.get_ref();
        let name = wish.name.get_ref();
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
            if !wish.shares() || !other.shares() {
                let what = format!(
                    "cpu {cpu} is named twice: by shard `{other_name}` at line {line} and by shard `{name}`"
                );
                faults.add(at, what).remedy_last(
                    "give each its own, or write `share = true` in both and they take turns in one thread",
                );
            }
        } else {
            taken.insert(cpu, (wish, faults.line_of(at)));
        }
    }
    taken.into_iter().map(|(cpu, (wish, _))| (cpu, wish.shares())).collect()
}

/// A cpu for each shard: the one it named, or a free one, the highest first, since the kernel's own work and
/// the cold threads gather on the lowest. With fewer free cpus than shards, they share.
fn choose_cpus(
    wishes: &[Wish<'_>],
    given: &BTreeMap<u32, bool>,
    cpus: &Cpus,
    faults: &mut Faults<'_>,
) -> Vec<u32> {
    let wanting = wishes.iter().filter(|wish| wish.cpu.is_none()).count();
    let mut free: Vec<u32> =
        cpus.allowed.iter().copied().filter(|cpu| !given.contains_key(cpu)).collect();
    if free.is_empty() {
        free = cpus.allowed.iter().copied().filter(|cpu| given.get(cpu) == Some(&true)).collect();
    }
    let spare = free.len().saturating_sub(wanting);
    let mut next = free.iter().skip(spare).cycle();
    let mut chosen = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let cpu = wish.cpu.map(|cpu| *cpu.get_ref()).or_else(|| next.next().copied());
        if cpu.is_none() {
            let what = format!(
                "no cpu is left for shard `{}`: the others took all of {}",
                wish.name.get_ref(),
                cpus::list(&cpus.allowed)
            );
            faults
                .add_at(wish.at.clone(), what)
                .remedy_last("name a cpu, and write `share = true` in every shard on it");
        }
        chosen.push(cpu.unwrap_or(0));
    }
    chosen
}

fn idle_alike(wishes: &[Wish<'_>], chosen: &[u32], faults: &mut Faults<'_>) {
    let mut first: BTreeMap<u32, &Wish<'_>> = BTreeMap::new();
    for (wish, cpu) in wishes.iter().zip(chosen) {
        let other = *first.entry(*cpu).or_insert(wish);
        // Two that both named the cpu and do not share it have a fault of their own already.
        let named = other.cpu.is_some() && wish.cpu.is_some();
        let fought_over = named && !(other.shares() && wish.shares());
        if !fought_over && other.idle() != wish.idle() {
            let what = format!(
                "shards `{}` and `{}` take turns on cpu {cpu} but idle differently: one thread has one way to idle",
                other.name.get_ref(),
                wish.name.get_ref()
            );
            match wish.idle {
                Some(at) => faults.add(at, what),
                None => faults.add_at(wish.at.clone(), what),
            }
            .remedy_last("give both the same `idle`, or cpus of their own");
        }
    }
}

fn note_siblings(wishes: &[Wish<'_>], chosen: &[u32], cpus: &Cpus, notes: &mut Vec<String>) {
    for group in &cpus.siblings {
        let on = wishes.iter().zip(chosen).filter(|(_, cpu)| group.contains(cpu));
        let on: Vec<(&str, u32)> =
            on.map(|(wish, cpu)| (wish.name.get_ref().as_str(), *cpu)).collect();
        if let [(first, cpu), rest @ ..] = on.as_slice()
            && let Some((other, other_cpu)) = rest.iter().find(|(_, other)| other != cpu)
        {
            notes.push(format!(
                "shards `{first}` (cpu {cpu}) and `{other}` (cpu {other_cpu}) sit on two threads of one core and halve each other's speed.",
            ));
        }
    }
}
