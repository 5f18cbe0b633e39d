//! The house keeps its rules: a broken one fails the build with a sentence that says what to do.
//!
//! Each rule is a small function over one file or one manifest, with its own test that shows it
//! firing. Rules that need a compiler (missing docs, clocks, wildcard arms) are lints: see
//! `[workspace.lints]` in Cargo.toml and shards/clippy.toml.

mod graph;
mod shape;
mod source;
mod tree;
mod words;

use source::{Fault, File};

/// A rule over one file.
type Rule = fn(&File) -> Vec<Fault>;
/// A rule over the whole tree.
type TreeRule = fn(&[File]) -> Vec<Fault>;

const RULES: &[Rule] = &[
    words::head,
    words::absent,
    words::names,
    words::silenced,
    words::safety,
    shape::long_file,
    shape::long_fn,
    graph::no_std,
    graph::pinned,
    tree::outside,
];

const TREE_RULES: &[TreeRule] = &[
    graph::edges,
    graph::inherited,
    shape::stale_rows,
    tree::code_map,
    tree::seeds,
    tree::recorded_data,
];

#[test]
fn the_house_is_tidy() {
    let files = tree::read();
    let mut faults: Vec<Fault> =
        RULES.iter().flat_map(|rule| files.iter().flat_map(rule)).collect();
    faults.extend(TREE_RULES.iter().flat_map(|rule| rule(&files)));
    let sentences: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert!(faults.is_empty(), "{} broken rules:\n{}", faults.len(), sentences.join("\n"));
}

/// A rule that reads nothing finds nothing: every folder that the rules speak of was walked.
#[test]
fn every_folder_is_read() {
    let files = tree::read();
    for folder in ["src", "shards/types", "shards/engine", "tests/tidy", "benches", "fuzz"] {
        assert!(files.iter().any(|file| file.is_in(folder)), "no file of {folder} was read");
    }
    for path in ["Cargo.toml", "README.md", ".ci/run"] {
        assert!(files.iter().any(|file| file.path == path), "{path} was not read");
    }
}

/// How often a rule fires on a snippet.
fn count(rule: Rule, path: &str, text: &str) -> usize {
    rule(&File::new(path, text)).len()
}
