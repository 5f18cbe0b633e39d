//! Which crate may use which, and that each says so in its own manifest.
//!
//! A new edge is a change to the table below, made in the open with its reason in the commit.

use toml::{Table, Value};

use super::source::{Fault, File};

/// One crate of `shards/`.
struct Row {
    /// Its folder, and the name others call it by.
    name: &'static str,
    /// Crates of `shards/` it may use.
    ours: &'static [&'static str],
    /// Published crates it may use.
    theirs: &'static [&'static str],
    /// Can name no clock, socket, file, thread, log or random source.
    no_std: bool,
}

#[rustfmt::skip]
const GRAPH: &[Row] = &[
    Row { name: "types",   no_std: true,  ours: &[],                theirs: &[] },
    Row { name: "wire",    no_std: true,  ours: &[],                theirs: &["zerocopy"] },
    Row { name: "session", no_std: true,  ours: &["types", "wire"], theirs: &[] },
    Row { name: "venue",   no_std: true,  ours: &["types", "wire"], theirs: &[] },
    // The hash of a book's state must stay the same from one release to the next.
    Row { name: "book",    no_std: true,  ours: &["types"],         theirs: &["xxhash-rust"] },
    Row { name: "matching", no_std: true, ours: &["types"],         theirs: &[] },
    Row { name: "risk",    no_std: true,  ours: &["types"],         theirs: &[] },
    Row { name: "port",    no_std: true,  ours: &["types", "wire", "session", "matching", "risk"], theirs: &[] },
    Row { name: "tape",    no_std: true,  ours: &["types", "wire", "session", "matching"], theirs: &[] },
    // futures-lite: the read and write traits of glommio's streams. loom: in checks only.
    Row { name: "runtime", no_std: false, ours: &["types"],
          theirs: &["glommio", "rtrb", "libc", "nix", "io-uring", "quanta", "hdrhistogram", "tracing",
                   "futures-lite", "loom"] },
    Row { name: "engine",  no_std: false, ours: &["types", "wire", "session", "venue", "book", "matching", "risk", "port", "tape", "runtime"],
          theirs: &["arrayvec", "hdrhistogram", "tracing", "zerocopy"] },
];

const HERE: &str = "tests/tidy/graph.rs";

/// Each crate of `shards/` has a row, each row a crate, and no crate uses more than its row says.
pub(crate) fn edges(files: &[File]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| shard(&file.path).is_some()) {
        faults.extend(edges_of(file));
    }
    for row in GRAPH {
        if !files.iter().any(|file| shard(&file.path) == Some(row.name)) {
            let what =
                format!("there is no shards/{} any more; take its row out of GRAPH", row.name);
            faults.push(Fault { path: HERE.to_owned(), line: 1, what });
        }
    }
    faults
}

/// The crate whose manifest this is.
fn shard(path: &str) -> Option<&str> {
    path.strip_prefix("shards/")?.strip_suffix("/Cargo.toml")
}

fn edges_of(file: &File) -> Vec<Fault> {
    let Some(name) = shard(&file.path) else {
        return Vec::new();
    };
    let Some(row) = GRAPH.iter().find(|row| row.name == name) else {
        let what =
            format!("`{name}` has no row in GRAPH in {HERE}; say there what it may depend on");
        return vec![file.fault(1, what)];
    };
    let manifest = match parse(file) {
        Ok(manifest) => manifest,
        Err(fault) => return vec![fault],
    };
    let may = |used: &str| row.ours.contains(&used) || row.theirs.contains(&used);
    let used = dependencies(&manifest, &["dependencies", "build-dependencies"]);
    used.into_iter()
        .filter(|(used, _)| !may(used))
        .map(|(used, _)| {
            let what = format!(
                "`{name}` may not depend on `{used}`; do without it, move the code to a crate that \
                 may, or change the row in {HERE} and say why in the commit"
            );
            file.fault(line_of(file, &used), what)
        })
        .collect()
}

/// A crate that can name no clock begins by saying so: the line stands before any item.
pub(crate) fn no_std(file: &File) -> Vec<Fault> {
    let bare = |row: &&Row| row.no_std && file.path == format!("shards/{}/lib.rs", row.name);
    if GRAPH.iter().find(bare).is_none() {
        return Vec::new();
    }
    let first = file.code.lines().find(|line| !line.trim().is_empty());
    if first.is_some_and(|line| line.trim() == "#![no_std]") {
        return Vec::new();
    }
    vec![
        file.fault(1, "put `#![no_std]` right under the head: this crate names no clock or socket"),
    ]
}

/// Versions stand once, in the root manifest, and are exact.
pub(crate) fn pinned(file: &File) -> Vec<Fault> {
    if !file.path.ends_with("Cargo.toml") {
        return Vec::new();
    }
    let manifest = match parse(file) {
        Ok(manifest) => manifest,
        Err(fault) => return vec![fault],
    };
    let kinds = ["dependencies", "build-dependencies", "dev-dependencies"];
    let mut named = dependencies(&manifest, &kinds);
    if let Some(workspace) = manifest.get("workspace").and_then(Value::as_table) {
        named.extend(dependencies(workspace, &["dependencies"]));
    }
    named
        .into_iter()
        .filter(|(_, how)| version(how).is_some_and(|version| !version.starts_with('=')))
        .map(|(name, _)| {
            let what = format!(
                "`{name}` is not pinned; write `=x.y.z` in [workspace.dependencies]: some names \
                 resolve to pre-releases"
            );
            file.fault(line_of(file, &name), what)
        })
        .collect()
}

/// Members take versions and lints from the root, so that there is one place to read and change.
pub(crate) fn inherited(files: &[File]) -> Vec<Fault> {
    files
        .iter()
        .filter(|file| shard(&file.path).is_some() || file.path == "Cargo.toml")
        .flat_map(inherited_by)
        .collect()
}

fn inherited_by(file: &File) -> Vec<Fault> {
    let manifest = match parse(file) {
        Ok(manifest) => manifest,
        Err(fault) => return vec![fault],
    };
    let takes = |table: &Value| table.get("workspace").and_then(Value::as_bool) == Some(true);
    let mut faults = Vec::new();
    if !manifest.get("lints").is_some_and(takes) {
        faults.push(
            file.fault(1, "add `[lints]` with `workspace = true`: the lints are the house's"),
        );
    }
    for (name, how) in
        dependencies(&manifest, &["dependencies", "build-dependencies", "dev-dependencies"])
    {
        if !takes(&how) {
            let what = format!(
                "name the version of `{name}` in the root manifest, and `{name}.workspace = true` here"
            );
            faults.push(file.fault(line_of(file, &name), what));
        }
    }
    faults
}

/// The version it asks for; `None` for a path or one taken from the workspace.
fn version(how: &Value) -> Option<&str> {
    how.as_str().or_else(|| how.get("version").and_then(Value::as_str))
}

/// What a manifest depends on, for every target.
fn dependencies(manifest: &Table, kinds: &[&str]) -> Vec<(String, Value)> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let by_target =
        targets.into_iter().flat_map(|targets| targets.values()).filter_map(Value::as_table);
    let mut found = Vec::new();
    for table in by_target.chain([manifest]) {
        for kind in kinds {
            let Some(named) = table.get(*kind).and_then(Value::as_table) else {
                continue;
            };
            found.extend(named.iter().map(|(name, how)| (name.clone(), how.clone())));
        }
    }
    found
}

/// The line that names it.
fn line_of(file: &File, name: &str) -> usize {
    1 + file.text.lines().position(|line| line.starts_with(name)).unwrap_or_default()
}

fn parse(file: &File) -> Result<Table, Fault> {
    file.text.parse().map_err(|error| file.fault(1, format!("mend this manifest: {error}")))
}

#[cfg(test)]
mod tests {
    use super::{File, edges, edges_of, inherited_by, no_std, pinned};
    use crate::tidy::count;

    #[test]
    fn an_edge_against_the_table_is_found() {
        let cases = [
            // path                          manifest                                          faults
            ("shards/wire/Cargo.toml", "[dependencies]\nzerocopy = \"=1.0.0\"", 0),
            ("shards/wire/Cargo.toml", "[dependencies]\ntypes.workspace = true", 1),
            ("shards/wire/Cargo.toml", "[dev-dependencies]\nproptest = \"=1.0.0\"", 0),
            ("shards/wire/Cargo.toml", "[target.'cfg(unix)'.dependencies]\nlibc = \"=1.0.0\"", 1),
            ("shards/wire/Cargo.toml", "[build-dependencies]\ncc = \"=1.0.0\"", 1),
            ("shards/book/Cargo.toml", "[dependencies]\nvenue.workspace = true", 1),
            ("shards/engine/Cargo.toml", "[dependencies]\nglommio.workspace = true", 1),
            ("shards/novel/Cargo.toml", "", 1),
            ("shards/types/Cargo.toml", "not toml", 1),
        ];
        for (path, text, want) in cases {
            assert_eq!(count(edges_of, path, text), want, "{path}: {text}");
        }
    }

    #[test]
    fn a_row_without_a_crate_is_found() {
        let all_but_one: Vec<File> = super::GRAPH
            .iter()
            .skip(1)
            .map(|row| File::new(&format!("shards/{}/Cargo.toml", row.name), ""))
            .collect();
        assert_eq!(edges(&all_but_one).len(), 1);
    }

    #[test]
    fn a_crate_that_could_name_a_clock_is_found() {
        let cases = [
            ("shards/wire/lib.rs", "//! A.\n#![no_std]\nmod b;\n", 0),
            ("shards/wire/lib.rs", "//! A.\nmod b;\n", 1),
            ("shards/wire/lib.rs", "//! A.\n// #![no_std]\nmod b;\n", 1),
            ("shards/wire/lib.rs", "//! A.\n#![cfg_attr(not(test), no_std)]\n", 1),
            ("shards/runtime/lib.rs", "//! A.\nmod b;\n", 0),
        ];
        for (path, text, want) in cases {
            assert_eq!(count(no_std, path, text), want, "{path}: {text}");
        }
    }

    #[test]
    fn a_version_that_may_move_is_found() {
        let cases = [
            ("[workspace.dependencies]\na = \"1.0\"", 1),
            ("[workspace.dependencies]\na = { version = \"^1.0\" }", 1),
            ("[workspace.dependencies]\na = \"=1.0.0\"\nb = { path = \"b\" }", 0),
            ("[dependencies]\na = \"1.0\"", 1),
            ("[dependencies]\na.workspace = true", 0),
        ];
        for (text, want) in cases {
            assert_eq!(count(pinned, "fuzz/Cargo.toml", text), want, "{text}");
        }
    }

    #[test]
    fn a_manifest_that_goes_its_own_way_is_found() {
        let cases = [
            ("[lints]\nworkspace = true", 0),
            ("", 1),
            ("[lints]\nworkspace = true\n[dependencies]\na = \"=1.0.0\"", 1),
            (
                "[lints]\nworkspace = true\n[dependencies]\na = { workspace = true, optional = true }",
                0,
            ),
        ];
        for (text, want) in cases {
            assert_eq!(count(inherited_by, "shards/wire/Cargo.toml", text), want, "{text}");
        }
    }
}
