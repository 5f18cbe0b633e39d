//! `rialto host`: what this host lacks for quiet cores, what each lack costs, and the command that mends it.
//!
//! Reads `/proc` and `/sys` below a root, needs no rights and changes nothing: the fixes are printed for a person
//! to read and run. What cannot be read is said to be unknown, never taken for good.

mod checks;
mod report;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use crate::cpus::Cpus;
use crate::failure::Failure;
use crate::topology::Topology;

pub use tree::Tree;

/// What `rialto host` was asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Judge the cpus that this configuration pins; without it, the isolated ones.
    pub config: Option<PathBuf>,
    /// One JSON object instead of the table.
    pub json: bool,
    /// A shell script of the fixes instead of the table.
    pub script: bool,
    /// Where `/proc` and `/sys` lie; `/` but in tests.
    pub root: PathBuf,
}

/// How a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As wanted.
    Good,
    /// It works, and costs time: how much is in [`Finding::cost`].
    Costs,
    /// With this the engine does not start.
    Stops,
    /// The kernel does not say.
    Unknown,
}

/// How a fix is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "text")]
pub enum Fix {
    /// Nothing to do.
    None,
    /// A command that works at once, until the next boot.
    Command(String),
    /// Words for the kernel's command line; they work after a reboot.
    Boot(String),
    /// What a person has to do, where no command does it.
    Advice(String),
}

/// One property of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub name: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What would be best.
    pub wanted: String,
    /// What the difference costs; empty where there is none.
    pub cost: String,
    /// What mends it.
    pub fix: Fix,
}

/// What the host is judged for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The cpus that shards are pinned to.
    pub shard_cpus: BTreeSet<u32>,
    /// Executors that lock memory at start, one per thread of shards.
    pub executors: u64,
}

/// Looks at the host and prints.
///
/// # Errors
/// A configuration that cannot be used; standard output that cannot be written. A host that lacks something is no
/// error: the table says so.
pub fn command(options: Options) -> Result<(), Failure> {
    let tree = Tree::new(&options.root);
    let load = load(&options, &tree)?;
    let findings = inspect(&tree, &load);
    let text = if options.json {
        report::json(&findings, &load)?
    } else if options.script {
        report::script(&findings)
    } else {
        report::table(&findings, &load)
    };
    crate::terminal::print(&text)
}

/// Everything, in the order of the table.
pub fn inspect(tree: &Tree, load: &Load) -> Vec<Finding> {
    checks::ALL.iter().map(|check| check(tree, load)).collect()
}

fn load(options: &Options, tree: &Tree) -> Result<Load, Failure> {
    let cpus = Cpus::under(&options.root);
    if let Some(config) = &options.config {
        let topology = Topology::load(Some(config), &cpus)?;
        let shard_cpus: BTreeSet<u32> =
            topology.threads().iter().map(|thread| thread.cpu).collect();
        let executors = u64::try_from(shard_cpus.len()).unwrap_or(u64::MAX);
        return Ok(Load { shard_cpus, executors });
    }
    let shard_cpus = tree.cpu_list("sys/devices/system/cpu/isolated").unwrap_or_default();
    let executors = match shard_cpus.len() {
        0 => cpus.allowed.len(),
        isolated => isolated,
    };
    Ok(Load { shard_cpus, executors: u64::try_from(executors).unwrap_or(u64::MAX) })
}
