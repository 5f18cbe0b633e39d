//! How long a file and a function may grow before someone asks why.
//!
//! A longer one needs a row with the reason, so that length is a decision. A row that no longer
//! has its cause is a fault as well: the lists stay as short as the code deserves.

use super::source::{Fault, File, is_ident, item_len, line_at, positions_of};

/// Lines of a file, tests included.
const FILE_LINES_MAX: usize = 600;
/// Lines of a function, from `fn` to its closing brace.
const FN_LINES_MAX: usize = 90;

/// Files reviewed at their length, and why they stay whole.
const LONG_FILES: &[(&str, &str)] = &[(
    "shards/session/receiver/tests.rs",
    "one table of packet scripts for each behaviour of one machine, and the player they share",
)];

/// Functions reviewed at their length, and why they stay whole.
const LONG_FNS: &[(&str, &str, &str)] = &[(
    "src/bench/decoders/ours.rs",
    "fields",
    "one arm for each of 23 messages, naming every field",
)];

/// A file too long to be read in one sitting.
pub(crate) fn long_file(file: &File) -> Vec<Fault> {
    long_file_but(LONG_FILES, file)
}

fn long_file_but(reviewed: &[(&str, &str)], file: &File) -> Vec<Fault> {
    let lines = file.text.lines().count();
    let is_reviewed = reviewed.iter().any(|(path, _)| *path == file.path);
    let what = match (FILE_LINES_MAX < lines, is_reviewed) {
        _ if !file.is_rust() => return Vec::new(),
        (true, true) | (false, false) => return Vec::new(),
        (true, false) => format!(
            "{lines} lines, and {FILE_LINES_MAX} is where we ask why; split it by subject, or add it \
             to LONG_FILES in tests/tidy/shape.rs with the reason it stays whole"
        ),
        (false, true) => {
            "short again: take its row out of LONG_FILES in tests/tidy/shape.rs".to_owned()
        }
    };
    vec![file.fault(1, what)]
}

/// A function too long to be held in the head. A test's table is as long as its cases.
pub(crate) fn long_fn(file: &File) -> Vec<Fault> {
    long_fn_but(LONG_FNS, file)
}

fn long_fn_but(reviewed: &[(&str, &str, &str)], file: &File) -> Vec<Fault> {
    let mut faults = Vec::new();
    for at in positions_of("fn", &file.live).into_iter().filter(|_| file.is_rust()) {
        let item = &file.live[at..at + item_len(&file.live[at..])];
        let name: String = item[2..].trim_start().chars().take_while(|c| is_ident(*c)).collect();
        let lines = item.lines().count();
        let is_reviewed =
            reviewed.iter().any(|(path, reviewed, _)| *path == file.path && *reviewed == name);
        let what = match (FN_LINES_MAX < lines, is_reviewed) {
            (true, true) | (false, false) => continue,
            (true, false) => format!(
                "`{name}` has {lines} lines, and {FN_LINES_MAX} is where we ask why; let it decide and \
                 others compute, or add it to LONG_FNS in tests/tidy/shape.rs with the reason"
            ),
            (false, true) => {
                format!(
                    "`{name}` is short again: take its row out of LONG_FNS in tests/tidy/shape.rs"
                )
            }
        };
        faults.push(file.fault(line_at(&file.live, at), what));
    }
    faults
}

/// Rows above for files that are gone.
pub(crate) fn stale_rows(files: &[File]) -> Vec<Fault> {
    let reviewed = LONG_FILES.iter().map(|row| row.0).chain(LONG_FNS.iter().map(|row| row.0));
    reviewed.filter_map(|path| gone(path, files)).collect()
}

fn gone(path: &str, files: &[File]) -> Option<Fault> {
    if files.iter().any(|file| file.path == path) {
        return None;
    }
    let what = format!("there is no `{path}` any more; take its row out of this file");
    Some(Fault { path: "tests/tidy/shape.rs".to_owned(), line: 1, what })
}

#[cfg(test)]
mod tests {
    use super::{FILE_LINES_MAX, FN_LINES_MAX, File, gone, long_file_but, long_fn_but};

    #[test]
    fn length_is_found_and_so_is_a_row_without_cause() {
        let long = "//! A.\n".repeat(FILE_LINES_MAX + 1);
        let cases = [
            (long.as_str(), &[][..], 1),
            (long.as_str(), &[("src/a.rs", "one table")][..], 0),
            ("//! A.\n", &[][..], 0),
            ("//! A.\n", &[("src/a.rs", "one table")][..], 1),
        ];
        for (text, reviewed, want) in cases {
            let faults = long_file_but(reviewed, &File::new("src/a.rs", text));
            assert_eq!(faults.len(), want, "{faults:?}");
        }
    }

    #[test]
    fn a_long_function_is_found_by_its_name() {
        let long = format!(
            "fn short() {{}}\nfn long(x: [u8; 2]) {{\n{}}}\n",
            "a();\n".repeat(FN_LINES_MAX)
        );
        let in_test = format!("#[cfg(test)]\nmod tests {{ {long} }}\n");
        let cases = [
            (long.as_str(), &[][..], 1),
            (long.as_str(), &[("src/a.rs", "long", "one table")][..], 0),
            (long.as_str(), &[("src/a.rs", "short", "one table")][..], 2),
            ("type F = fn(u8);\nfn a() {}\n", &[][..], 0),
            (in_test.as_str(), &[][..], 0),
        ];
        for (text, reviewed, want) in cases {
            let faults = long_fn_but(reviewed, &File::new("src/a.rs", text));
            assert_eq!(faults.len(), want, "{faults:?}");
        }
    }

    #[test]
    fn a_row_of_a_file_that_is_gone_is_found() {
        let files = [File::new("src/a.rs", "//! A.\n")];
        assert!(gone("src/b.rs", &files).is_some());
        assert_eq!(gone("src/a.rs", &files), None);
    }
}
