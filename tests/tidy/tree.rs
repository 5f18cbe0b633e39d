//! The tree: what is in it, that the README's code map shows it, that fuzz targets have seeds, and
//! that nothing names a path outside.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::source::{Fault, File, line_at, settle_test_modules};

/// What git keeps out, and git itself.
const UNTRACKED: &[&str] = &[
    ".git",
    "target",
    "fuzz/target",
    "fuzz/corpus",
    "fuzz/artifacts",
    "fuzz/coverage",
    "rialto-data",
];

/// Every text file of the project.
pub(crate) fn read() -> Vec<File> {
    let mut files = Vec::new();
    read_folder(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    settle_test_modules(&mut files);
    files
}

fn read_folder(root: &Path, folder: &str, files: &mut Vec<File>) {
    let entries = fs::read_dir(root.join(folder)).expect("the project's own folders are readable");
    for entry in entries {
        let entry = entry.expect("the project's own folders are readable");
        let name = entry.file_name().into_string().expect("our names are UTF-8");
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        if UNTRACKED.contains(&path.as_str()) {
            continue;
        }
        if entry.path().is_dir() {
            read_folder(root, &path, files);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            // What is no UTF-8 is a seed or a recording: no rule speaks of it but by its path.
            files.push(File::new(&path, &text));
        } else {
            files.push(File::new(&path, ""));
        }
    }
}

/// Where each rule's own words stand.
const TIDY: &str = "tests/tidy";

/// Starts of paths that are some machine's own.
const OUTSIDE: &[&str] = &["/work", "/tmp", "/home/", "/root", "/Users/", "~/"];

/// Nothing names a path outside the project: it would be another's machine.
pub(crate) fn outside(file: &File) -> Vec<Fault> {
    if file.is_in(TIDY) || file.is_in("fuzz/seeds") {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for start in OUTSIDE {
        for (at, _) in file.text.match_indices(start) {
            let before = file.text[..at].chars().next_back();
            if before.is_none_or(|c| c.is_whitespace() || "\"'`(=:<".contains(c)) {
                let what = format!(
                    "`{start}` is one machine's own path; take it as an argument, or use a temporary folder"
                );
                faults.push(file.fault(line_at(&file.text, at), what));
            }
        }
    }
    faults
}

/// The recorded data is no part of the project: one function finds it, and CI says where it is.
pub(crate) fn recorded_data(files: &[File]) -> Vec<Fault> {
    let is_exempt =
        |file: &&File| file.is_in(TIDY) || [".ci/run", "README.md"].contains(&file.path.as_str());
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| !is_exempt(file)) {
        for (at, _) in file.text.match_indices("../shared") {
            let line = line_at(&file.text, at);
            let near = file.text.lines().skip(line.saturating_sub(6)).take(12);
            if near.clone().all(|row| !row.contains("RIALTO_")) {
                let what =
                    "names recorded data by its place; it may only be the default of RIALTO_DATA";
                faults.push(file.fault(line, what));
            }
        }
    }
    faults
}

/// The README's code map shows every folder with source, and nothing that is not there.
pub(crate) fn code_map(files: &[File]) -> Vec<Fault> {
    let Some(readme) = files.iter().find(|file| file.path == "README.md") else {
        let what = "write a README.md with a `## Code map`".to_owned();
        return vec![Fault { path: "README.md".to_owned(), line: 1, what }];
    };
    let rows = map_rows(&readme.text);
    if rows.is_empty() {
        return vec![readme.fault(1, "has no code map: a fenced block under `## Code map`")];
    }
    let mut faults = Vec::new();
    for (line, path) in &rows {
        let exists = match path.strip_suffix('/') {
            Some(folder) => files.iter().any(|file| file.is_in(folder)),
            None => files.iter().any(|file| file.path == *path),
        };
        if !exists {
            faults.push(
                readme.fault(*line, format!("the code map shows `{path}`, which does not exist")),
            );
        }
    }
    for folder in source_folders(files) {
        if !rows.iter().any(|(_, path)| *path == folder) {
            let what =
                format!("the code map does not show `{folder}`; add a row that says what it is");
            faults.push(readme.fault(1, what));
        }
    }
    faults
}

/// Folders of the first rank, and those of the second with Rust source anywhere in them.
fn source_folders(files: &[File]) -> BTreeSet<String> {
    let mut folders = BTreeSet::new();
    for file in files.iter().filter(|file| !file.path.starts_with('.')) {
        let parts: Vec<&str> = file.path.split('/').collect();
        if let [first, _, ..] = parts[..] {
            folders.insert(format!("{first}/"));
        }
        if let ([first, second, _, ..], true) = (&parts[..], file.is_rust()) {
            folders.insert(format!("{first}/{second}/"));
        }
    }
    folders
}

/// Each path of the code map with its line. A row is one or more names, two spaces, what it is; a
/// row further in lies in the folder above it.
fn map_rows(readme: &str) -> Vec<(usize, String)> {
    let mut rows = Vec::new();
    let mut parents: Vec<(usize, String)> = Vec::new();
    let from_map = readme.lines().enumerate().skip_while(|(_, row)| *row != "## Code map");
    let fenced = from_map.skip_while(|(_, row)| !row.starts_with("```")).skip(1);
    for (at, row) in fenced.take_while(|(_, row)| !row.starts_with("```")) {
        let depth = row.len() - row.trim_start().len();
        let names = row.trim_start().split("  ").next().unwrap_or_default();
        parents.retain(|(parent_depth, _)| *parent_depth < depth);
        let parent = parents.last().map(|(_, path)| path.clone()).unwrap_or_default();
        for name in names.split_whitespace() {
            let path = format!("{parent}{name}");
            if name.ends_with('/') {
                parents.push((depth, path.clone()));
            }
            rows.push((at + 1, path));
        }
    }
    rows
}

/// Every fuzz target begins from seeds that are committed.
pub(crate) fn seeds(files: &[File]) -> Vec<Fault> {
    let Some(manifest) = files.iter().find(|file| file.path == "fuzz/Cargo.toml") else {
        let what = "every decoder is fuzzed: add fuzz/Cargo.toml with a target for each".to_owned();
        return vec![Fault { path: "fuzz/Cargo.toml".to_owned(), line: 1, what }];
    };
    let targets = targets_of(&manifest.text);
    if targets.is_empty() {
        return vec![manifest.fault(1, "names no target: add a `[[bin]]` for each decoder")];
    }
    let has_seed =
        |target: &&String| files.iter().any(|file| file.is_in(&format!("fuzz/seeds/{target}")));
    targets
        .iter()
        .filter(|target| !has_seed(target))
        .map(|target| {
            manifest
                .fault(1, format!("`{target}` has no seed; commit some under fuzz/seeds/{target}/"))
        })
        .collect()
}

fn targets_of(manifest: &str) -> Vec<String> {
    let Ok(manifest) = manifest.parse::<toml::Table>() else {
        return Vec::new();
    };
    let bins = manifest.get("bin").and_then(toml::Value::as_array);
    let name = |bin: &toml::Value| bin.get("name").and_then(toml::Value::as_str).map(str::to_owned);
    bins.into_iter().flatten().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::{File, code_map, map_rows, outside, recorded_data, seeds};
    use crate::tidy::count;

    #[test]
    fn a_path_of_one_machine_is_found() {
        let cases = [
            ("src/a.rs", "let p = \"/tmp/a\";", 1),
            ("README.md", "see `/home/me/a`", 1),
            ("src/a.rs", "// in /work\n", 1),
            ("src/a.rs", "let p = \"target/tmp\";", 0),
            ("src/a.rs", "let p = \"/workspace\";", 1),
            ("src/a.rs", "let p = \"/sys/devices\";", 0),
            ("tests/tidy/a.rs", "\"/tmp\"", 0),
        ];
        for (path, text, want) in cases {
            assert_eq!(count(outside, path, text), want, "{path}: {text}");
        }
    }

    #[test]
    fn recorded_data_named_by_its_place_is_found() {
        let cases = [
            ("tests/a.rs", "open(\"../shared/data/a\")", 1),
            ("tests/a.rs", "var(\"RIALTO_DATA\").unwrap_or(\"../shared/data\")", 0),
            (".ci/run", "../shared", 0),
        ];
        for (path, text, want) in cases {
            assert_eq!(recorded_data(&[File::new(path, text)]).len(), want, "{path}: {text}");
        }
    }

    const MAP: &str = "# A\n## Code map\n\n```\nCargo.toml  root\nsrc/        cold\n  a.rs b.rs\n  c/        sub\n    d.rs\nshards/\n```\n";

    #[test]
    fn the_map_is_read_by_its_indents() {
        let paths: Vec<String> = map_rows(MAP).into_iter().map(|(_, path)| path).collect();
        assert_eq!(
            paths,
            ["Cargo.toml", "src/", "src/a.rs", "src/b.rs", "src/c/", "src/c/d.rs", "shards/"]
        );
    }

    #[test]
    fn a_map_that_differs_from_the_tree_is_found() {
        let tree = ["Cargo.toml", "src/a.rs", "src/b.rs", "src/c/d.rs", "shards/README.md"];
        let cases: [(&[&str], usize); 5] = [
            // more      faults
            (&[], 0),
            (&["benches/e.rs"], 1),
            (&["src/f/g.rs"], 1),
            (&["src/c/h/i.rs"], 0),
            (&["src/f/g.md"], 0),
        ];
        for (more, want) in cases {
            let mut files = vec![File::new("README.md", MAP)];
            files.extend(tree.iter().chain(more).map(|path| File::new(path, "")));
            assert_eq!(code_map(&files).len(), want, "{more:?}");
        }
        let one_gone: Vec<File> =
            [("README.md", MAP), ("Cargo.toml", ""), ("src/a.rs", ""), ("shards/a.rs", "")]
                .map(|(path, text)| File::new(path, text))
                .into();
        assert_eq!(code_map(&one_gone).len(), 3, "src/b.rs, src/c/ and src/c/d.rs are gone");
        assert_eq!(code_map(&[File::new("README.md", "# A\n")]).len(), 1);
        assert_eq!(code_map(&[]).len(), 1);
    }

    #[test]
    fn a_target_without_a_seed_is_found() {
        let manifest =
            File::new("fuzz/Cargo.toml", "[[bin]]\nname = \"a\"\n[[bin]]\nname = \"b\"\n");
        let seed = File::new("fuzz/seeds/a/one", "");
        assert_eq!(seeds(&[manifest, seed]).len(), 1);
        assert_eq!(seeds(&[File::new("fuzz/Cargo.toml", "")]).len(), 1);
        assert_eq!(seeds(&[]).len(), 1);
    }
}
