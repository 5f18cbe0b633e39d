//! Links: rings of 64-byte messages, one producer and one consumer each.

use std::collections::BTreeMap;

use toml::Spanned;

use super::{Faults, ShardId};
use crate::config::{self, Config, Policy};
use crate::fault;

/// The ends of links that are no shard, each with what it does.
pub const COLD_ENDS: [(&str, ColdEnd); 3] =
    [("tops", ColdEnd::Tops), ("alarms", ColdEnd::Alarms), ("control", ColdEnd::Control)];

/// An end of a link on the cold side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColdEnd {
    /// Takes each change of a best bid or offer: the table on the terminal. Consumes only.
    Tops,
    /// Takes what a shard alarms of (a stale book, a full arena, a bad message): the log. Consumes only.
    Alarms,
    /// Gives orders to shards: halt, limits, drain. Produces only.
    Control,
}

/// An end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// A shard.
    Shard(ShardId),
    /// The process around the shards.
    Cold(ColdEnd),
}

/// A ring to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Its one producer.
    pub from: End,
    /// Its one consumer.
    pub to: End,
    /// Messages it holds; a power of two.
    pub depth: u32,
    /// What the producer does when it is full.
    pub policy: Policy,
}

impl Link {
    /// The memory of its messages, in bytes.
    pub fn bytes(&self) -> u64 {
        u64::from(self.depth) * 64
    }
}

/// 64 MiB of messages: deeper hides a consumer that does not keep up.
const DEPTH_MAX: u32 = 1 << 20;

pub(super) fn check(config: &Config, faults: &mut Faults<'_>) -> Vec<Link> {
    let shards: Vec<&str> =
        config.shards.iter().map(|entry| entry.get_ref().name.get_ref().as_str()).collect();
    let mut seen: BTreeMap<(End, End), usize> = BTreeMap::new();
    let mut links = Vec::with_capacity(config.links.len());
    for entry in &config.links {
        let raw = entry.get_ref();
        let from = end("from", &raw.from, &shards, faults);
        if let Some(End::Cold(ColdEnd::Tops | ColdEnd::Alarms)) = from {
            let what = format!("a link comes from `{}`, which only consumes", raw.from.get_ref());
            faults.add(&raw.from, what).remedy_last("exchange `from` and `to`");
            continue;
        }
        let to = consumer(entry, &shards, faults);
        let depth = depth(entry, faults);
        let (Some(from), Some(to)) = (from, to) else { continue };
        if from == to {
            faults.add(
                &raw.from,
                format!("a link goes from `{0}` to `{0}` itself", raw.from.get_ref()),
            );
        }
        if let (End::Cold(_), End::Cold(_)) = (from, to) {
            faults
                .add(entry, "a link has no shard at either end")
                .remedy_last("one end of a link is a shard");
        }
        let line = faults.line_of(entry);
        if let Some(first) = seen.insert((from, to), line) {
            let what = format!(
                "this link is the one of line {first} again: a ring has one producer and one consumer"
            );
            faults.add(entry, what).remedy_last("remove one of them, or make the other deeper");
        }
        links.push(Link { from, to, depth, policy: raw.policy.unwrap_or(Policy::Gap) });
    }
    links
}

fn end(key: &str, text: &Spanned<String>, shards: &[&str], faults: &mut Faults<'_>) -> Option<End> {
    let name = text.get_ref().as_str();
    if let Some(index) = shards.iter().position(|shard| *shard == name) {
        return Some(End::Shard(ShardId(u16::try_from(index).unwrap_or(u16::MAX))));
    }
    if let Some((_, cold)) = COLD_ENDS.iter().find(|(end, _)| *end == name) {
        return Some(End::Cold(*cold));
    }
    let known = shards.iter().copied().chain(COLD_ENDS.iter().map(|(end, _)| *end));
    let what = format!("link.{key} is `{name}`, which is neither a shard nor a cold end");
    faults.add(text, what).remedy_last(&fault::suggest(name, known));
    None
}

/// The consumer: without one the ring fills and its policy strikes within milliseconds.
fn consumer(
    entry: &Spanned<config::Link>,
    shards: &[&str],
    faults: &mut Faults<'_>,
) -> Option<End> {
    let raw = entry.get_ref();
    let what = format!("the link from `{}` has no consumer", raw.from.get_ref());
    let Some(to) = &raw.to else {
        faults.add(entry, what).remedy_last("add `to = ..`: a shard, `tops` or `alarms`");
        return None;
    };
    let end = end("to", to, shards, faults)?;
    if end == End::Cold(ColdEnd::Control) {
        faults
            .add(to, format!("{what}: `control` only produces"))
            .remedy_last("write `to = ..` with a shard, `tops` or `alarms`");
        return None;
    }
    Some(end)
}

fn depth(entry: &Spanned<config::Link>, faults: &mut Faults<'_>) -> u32 {
    let raw = entry.get_ref();
    let Some(at) = &raw.depth else {
        let what =
            format!("the link from `{}` has no `depth`: every ring is bounded", raw.from.get_ref());
        faults.add(entry, what).remedy_last("add `depth = 1024`");
        return 0;
    };
    let depth = *at.get_ref();
    if depth == 0 || DEPTH_MAX < depth {
        faults
            .add(at, format!("link.depth is {depth}"))
            .remedy_last(&format!("it must be from 1 to {DEPTH_MAX}"));
    } else if !depth.is_power_of_two() {
        let above = depth.next_power_of_two();
        let what = format!("link.depth is {depth}, which is not a power of two");
        faults.add(at, what).remedy_last(&format!("the nearest are {} and {above}", above / 2));
    }
    depth
}
