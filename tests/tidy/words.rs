//! Words that a folder never has, and words that every file must have.
//!
//! The invariants of the house are stated as what is absent, one row each. A row that stands in
//! the way of better code is changed here, with its reason, in the commit that needs it.

use super::source::{Fault, File, is_ident, line_at, positions_of};

/// What is never named, where, and what to do instead.
struct Absent {
    /// Folders it holds for.
    within: &'static [&'static str],
    /// Folders inside those for which it does not.
    except: &'static [&'static str],
    /// Words of code, each standing alone; comments and strings may have them.
    words: &'static [&'static str],
    /// Tests are code too.
    in_tests: bool,
    /// Ends the sentence "`word`: ...".
    instead: &'static str,
}

/// The crates that name no clock, socket, file, thread, log or random source.
const PURE: &[&str] = &[
    "shards/types",
    "shards/wire",
    "shards/session",
    "shards/venue",
    "shards/book",
    "shards/matching",
    "shards/risk",
    "shards/port",
    "shards/tape",
];

/// All the source there is.
const EVERYWHERE: &[&str] = &["src", "shards", "tests", "benches", "fuzz"];

const ABSENT: &[Absent] = &[
    Absent {
        within: EVERYWHERE,
        // A C interface is made of pointers; nothing that runs in production depends on it.
        except: &["shards/runtime", "benches/abi"],
        words: &["unsafe", "unsafe_code"],
        in_tests: true,
        instead: "only shards/runtime may be unsafe; give it a safe function that does this",
    },
    Absent {
        within: &["shards"],
        except: &["shards/runtime"],
        words: &["glommio", "rtrb", "io_uring", "libc", "nix"],
        in_tests: true,
        instead: "only shards/runtime talks to the executor, the rings and the kernel; call it there",
    },
    Absent {
        within: EVERYWHERE,
        except: &[],
        words: &["todo!", "unimplemented!", "dbg!"],
        in_tests: true,
        instead: "finish it, or leave it out and say so in the commit",
    },
    Absent {
        within: &["shards"],
        except: &[],
        words: &["println!", "print!", "eprintln!", "eprint!"],
        in_tests: false,
        instead: "a shard must not wait for a terminal; count it, or hand it to the cold side",
    },
    Absent {
        within: PURE,
        except: &[],
        words: &["std"],
        in_tests: false,
        instead: "this crate is no_std so that no clock, socket, file or thread can be named; \
                  take it as an argument, or move the code to the cold side",
    },
    Absent {
        within: PURE,
        except: &[],
        words: &["Instant", "SystemTime", "thread", "thread_local!", "Mutex", "RwLock", "RefCell"],
        in_tests: false,
        instead: "time is an argument, and a shard shares nothing, so it locks nothing",
    },
    Absent {
        within: PURE,
        except: &[],
        words: &["HashMap", "HashSet"],
        in_tests: false,
        instead: "their order differs from run to run and they grow; use a table sized at start",
    },
    Absent {
        within: &["shards/session"],
        except: &[],
        words: &["InstrumentId", "Symbol", "OrderRef", "MatchNo", "Px", "Qty", "MarketEvent"],
        in_tests: false,
        instead: "a session knows no instrument and no order; that is the venue's work",
    },
    Absent {
        within: &["shards/book", "shards/matching"],
        except: &[],
        words: &["nasdaq", "iex", "itch", "itch50", "deep", "mold"],
        in_tests: false,
        instead: "a book knows no venue; let the venue's file say it as a MarketEvent",
    },
    Absent {
        within: &["shards/runtime"],
        except: &[],
        words: &[
            "InstrumentId",
            "Symbol",
            "OrderRef",
            "MatchNo",
            "Px",
            "Qty",
            "Side",
            "MarketEvent",
        ],
        in_tests: true,
        instead: "the loop knows no market word; put it behind `Machine`",
    },
    Absent {
        within: &["shards/engine"],
        except: &[],
        words: &["std::net", "std::fs", "std::io", "UdpSocket", "TcpStream", "File"],
        in_tests: false,
        instead: "a shard kind opens nothing; the loop in shards/runtime owns sockets and files",
    },
];

/// Each row of the table above.
pub(crate) fn absent(file: &File) -> Vec<Fault> {
    let concerns = |row: &&Absent| {
        row.within.iter().any(|f| file.is_in(f)) && !row.except.iter().any(|f| file.is_in(f))
    };
    let mut faults = Vec::new();
    for row in ABSENT.iter().filter(concerns).filter(|_| file.is_rust()) {
        let text = if row.in_tests { &file.code } else { &file.live };
        for word in row.words {
            for at in positions_of(word, text) {
                faults.push(file.fault(line_at(text, at), format!("`{word}`: {}", row.instead)));
            }
        }
    }
    faults
}

/// Every file says at its head what it is.
pub(crate) fn head(file: &File) -> Vec<Fault> {
    if !file.is_rust() || file.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![file.fault(1, "begin with `//!`: what this file is, and what it never knows")]
}

/// Names that say nothing about the trade.
const EMPTY_NAMES: &[&str] =
    &["Manager", "Handler", "Helper", "Helpers", "Util", "Utils", "Data", "Misc", "Common"];

/// Protocols' own words, which we keep as they are written there.
const THEIR_NAMES: &[(&str, &str)] =
    &[("SequencedData", "SoupBinTCP 4.10, 2.2.3"), ("UnsequencedData", "SoupBinTCP 4.10, 2.2.4")];

/// A type is named after what it is in the market, never after its place in a program.
pub(crate) fn names(file: &File) -> Vec<Fault> {
    let mut faults = Vec::new();
    for keyword in ["struct", "enum", "trait", "type", "union"] {
        for at in positions_of(keyword, &file.code).into_iter().filter(|_| file.is_rust()) {
            let after = file.code[at + keyword.len()..].trim_start();
            let name: String = after.chars().take_while(|c| is_ident(*c)).collect();
            let is_theirs = THEIR_NAMES.iter().any(|(theirs, _)| *theirs == name);
            let Some(part) = words_of(&name).find(|part| EMPTY_NAMES.contains(part)) else {
                continue;
            };
            if !is_theirs {
                let what =
                    format!("`{name}`: \"{part}\" says nothing; name what it is in the market");
                faults.push(file.fault(line_at(&file.code, at), what));
            }
        }
    }
    faults
}

/// The words of a name in camel case.
fn words_of(name: &str) -> impl Iterator<Item = &str> {
    let mut starts: Vec<usize> =
        name.match_indices(|c: char| c.is_uppercase()).map(|(at, _)| at).collect();
    starts.push(name.len());
    (1..starts.len()).map(move |i| (starts[i - 1], starts[i])).map(|(from, to)| &name[from..to])
}

/// A lint is silenced with its reason, in the attribute or in a comment on the line above.
pub(crate) fn silenced(file: &File) -> Vec<Fault> {
    let mut faults = Vec::new();
    for open in ["[allow(", "[expect("] {
        for (at, _) in file.code.match_indices(open).filter(|_| file.is_rust()) {
            let attribute = file.text[at..].split(")]").next().unwrap_or_default();
            let line = line_at(&file.code, at);
            if !attribute.contains("reason =") && !has_comment(&file.text, line, "//") {
                let what =
                    "silences a lint without a reason; add `reason = \"...\"`, or mend the code";
                faults.push(file.fault(line, what));
            }
        }
    }
    faults
}

/// Every unsafe block and impl says why it holds.
pub(crate) fn safety(file: &File) -> Vec<Fault> {
    let mut faults = Vec::new();
    for at in positions_of("unsafe", &file.code).into_iter().filter(|_| file.is_rust()) {
        let after = file.code[at + "unsafe".len()..].trim_start();
        let line = line_at(&file.code, at);
        // A C function; strings are blank here. What follows tells a function from its type.
        let after =
            after.strip_prefix("extern").map_or(after, |c| c.trim_start_matches([' ', '"']));
        if after.starts_with("fn(") || after.starts_with("(no_mangle)") {
            continue; // the type of a function, or a name that another program looks up
        }
        let (mark, what) = if after.starts_with("fn") || after.starts_with("trait") {
            ("# Safety", "say under `# Safety` what the caller must hold to")
        } else {
            ("SAFETY:", "say in a comment `// SAFETY:` right above why this holds")
        };
        // An impl's unsafe methods are bound by the trait's own words.
        let by_trait = mark == "# Safety" && !is_public(&file.code, at);
        if !by_trait && !has_comment(&file.text, line, mark) {
            faults.push(file.fault(line, what));
        }
    }
    faults
}

fn is_public(code: &str, at: usize) -> bool {
    code[..at].lines().next_back().is_some_and(|line| line.trim_start().starts_with("pub"))
}

/// On this line, or in the comments and attributes right above the statement it is part of.
fn has_comment(text: &str, line: usize, mark: &str) -> bool {
    let lines: Vec<&str> = text.lines().take(line).collect();
    let Some((own, above)) = lines.split_last() else {
        return false;
    };
    let goes_on = |row: &&&str| {
        let row = row.trim();
        row.starts_with("//") || !(row.is_empty() || row.ends_with(['}', ';']))
    };
    own.contains(mark) || above.iter().rev().take_while(goes_on).any(|row| row.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::{absent, head, names, safety, silenced};
    use crate::tidy::count;

    #[test]
    fn absent_words_are_found_where_they_are_absent() {
        let cases = [
            // path                    text                                          faults
            ("src/a.rs", "fn a() { unsafe { b() } }", 1),
            ("src/a.rs", "// unsafe\n", 0),
            ("shards/runtime/a.rs", "fn a() { unsafe { b() } }", 0),
            ("shards/book/a.rs", "#![allow(unsafe_code)]", 1),
            ("shards/engine/a.rs", "use rtrb::Producer;", 1),
            ("src/a.rs", "use rtrb::Producer;", 0),
            ("tests/a.rs", "fn a() { todo!() }", 1),
            ("shards/engine/a.rs", "fn a() { println!() }", 1),
            ("shards/engine/a.rs", "#[cfg(test)]\nmod tests { fn a() { println!() } }", 0),
            ("src/a.rs", "fn a() { println!() }", 0),
            ("shards/wire/a.rs", "use std::vec::Vec;", 1),
            ("shards/wire/a.rs", "#[cfg(test)]\nmod tests { extern crate std; }", 0),
            ("shards/book/a.rs", "fn a(now: Instant) {}", 1),
            ("shards/book/a.rs", "fn a(m: &HashMap<u8, u8>) {}", 1),
            ("shards/session/a.rs", "use types::OrderRef;", 1),
            ("shards/book/a.rs", "use types::OrderRef;", 0),
            ("shards/book/a.rs", "use wire::itch50::Add;", 1),
            ("shards/runtime/a.rs", "use types::Px;", 1),
            ("shards/engine/a.rs", "use std::net::UdpSocket;", 2),
        ];
        for (path, text, want) in cases {
            assert_eq!(count(absent, path, text), want, "{path}: {text}");
        }
    }

    #[test]
    fn a_file_without_a_head_is_found() {
        assert_eq!(count(head, "src/a.rs", "use b;\n"), 1);
        assert_eq!(count(head, "src/a.rs", "//! What it is.\n"), 0);
        assert_eq!(count(head, "src/a.md", "# A\n"), 0);
    }

    #[test]
    fn an_empty_name_is_found() {
        let cases = [
            ("pub struct OrderManager;", 1),
            ("enum EventHandler {}", 1),
            ("type Utils = u8;", 1),
            ("struct SequencedData;", 0),
            ("struct MarketData;", 1),
            ("struct Database;", 0),
            ("struct Book; // Manager", 0),
        ];
        for (text, want) in cases {
            assert_eq!(count(names, "src/a.rs", text), want, "{text}");
        }
    }

    #[test]
    fn a_lint_silenced_without_reason_is_found() {
        let cases = [
            ("#[allow(dead_code)]\nfn a() {}", 1),
            ("#![allow(dead_code)]", 1),
            ("#[expect(dead_code)]", 1),
            ("#[allow(dead_code, reason = \"b\")]", 0),
            ("#[allow(\n    dead_code,\n    reason = \"b\",\n)]", 0),
            ("// Because b.\n#[allow(dead_code)]", 0),
            ("#[allow(dead_code)] // because b", 0),
            ("// Of another item.\nuse c;\n#[allow(dead_code)]", 1),
        ];
        for (text, want) in cases {
            assert_eq!(count(silenced, "src/a.rs", text), want, "{text}");
        }
    }

    #[test]
    fn an_unsafe_block_without_its_proof_is_found() {
        let cases = [
            ("let a = unsafe { b() };", 1),
            ("// SAFETY: b holds.\nlet a = unsafe { b() };", 0),
            ("// SAFETY: b holds.\nlet a =\n    unsafe { b() };", 0),
            ("// SAFETY: of another.\nc();\nlet a = unsafe { b() };", 1),
            ("// SAFETY: b holds;\n// and c.\nlet a = unsafe { b() };", 0),
            ("unsafe impl Send for A {}", 1),
            ("pub unsafe fn a() {}", 1),
            ("/// # Safety\n///\n/// B holds.\npub unsafe fn a() {}", 0),
            ("    unsafe fn alloc(&self) {}", 0),
            ("pub unsafe extern \"C\" fn a() {}", 1),
            (
                "/// # Safety\n/// B holds.\n#[unsafe(no_mangle)]\npub unsafe extern \"C\" fn a() {}",
                0,
            ),
            ("a: unsafe extern \"C\" fn(*mut u8)", 0),
            ("unsafe extern \"C\" { fn a(); }", 1),
        ];
        for (text, want) in cases {
            assert_eq!(count(safety, "shards/runtime/a.rs", text), want, "{text}");
        }
    }
}
