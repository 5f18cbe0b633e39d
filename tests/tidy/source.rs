//! One file of the project as the rules see it: its text, and its code with comments, strings and
//! tests blanked out. Knows no rule.
//!
//! Blanking keeps every line where it was, so that a line number in any view is one in the file.

use std::fmt;

/// A file, by its path from the root of the project.
pub(crate) struct File {
    /// With `/` between its parts.
    pub(crate) path: String,
    /// As it is on disk.
    pub(crate) text: String,
    /// Comments and the insides of literals are spaces.
    pub(crate) code: String,
    /// `code` without what only tests compile.
    pub(crate) live: String,
}

impl File {
    /// From its path and text.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = code_of(text);
        let live = if is_test(path) { String::new() } else { live_of(&code) };
        Self { path: path.to_owned(), text: text.to_owned(), code, live }
    }

    /// Rust source.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Lies in this folder, at any depth.
    pub(crate) fn is_in(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }

    /// A fault of this file.
    pub(crate) fn fault(&self, line: usize, what: impl Into<String>) -> Fault {
        Fault { path: self.path.clone(), line, what: what.into() }
    }
}

/// A broken rule: where, and a sentence that says what is wrong and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// From the root of the project.
    pub(crate) path: String,
    /// From 1; the first where the whole file is meant.
    pub(crate) line: usize,
    /// The sentence.
    pub(crate) what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Part of an identifier.
pub(crate) fn is_ident(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `word` stands alone in `text`: no longer identifier or path segment has it as a part.
pub(crate) fn positions_of(word: &str, text: &str) -> Vec<usize> {
    let stands_alone = |at: usize| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let goes_on = word.ends_with(is_ident) && after.is_some_and(is_ident);
        !goes_on && !before.is_some_and(is_ident)
    };
    text.match_indices(word).map(|(at, _)| at).filter(|at| stands_alone(*at)).collect()
}

/// The line, from 1, of a byte position.
pub(crate) fn line_at(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

/// Compiled by tests and benches alone, by the folder it is in.
fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.starts_with("benches/")
}

/// Nothing is live of a file that another declares as a module of its tests.
pub(crate) fn settle_test_modules(files: &mut [File]) {
    let tests: Vec<String> = files.iter().flat_map(test_modules).collect();
    for file in files.iter_mut().filter(|file| tests.contains(&file.path)) {
        file.live.clear();
    }
}

/// The files that `#[cfg(test)] mod name;` may mean, whether they exist or not.
fn test_modules(file: &File) -> Vec<String> {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let stem = file.path.trim_end_matches(".rs");
    let mut paths = Vec::new();
    for after in file.code.split("#[cfg(test)]").skip(1) {
        let item = after.trim_start().trim_start_matches("pub ");
        let Some((name, _)) = item.strip_prefix("mod ").and_then(|rest| rest.split_once(';'))
        else {
            continue;
        };
        paths.extend([format!("{folder}/{name}.rs"), format!("{stem}/{name}.rs")]);
    }
    paths
}

/// Comments and the insides of strings and characters become spaces; newlines stay.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let dead = dead_len(rest, code.chars().next_back());
        if dead == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            blank(&rest[..dead], &mut code);
            rest = &rest[dead..];
        }
    }
    code
}

/// Spaces for every byte but newlines, so that positions stay too.
fn blank(dead: &str, code: &mut String) {
    code.extend(dead.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
}

/// How many bytes at the start of `rest` are a comment or a literal; 0 where code goes on.
fn dead_len(rest: &str, before: Option<char>) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_len(rest);
    }
    if rest.starts_with('"') {
        return quoted_len(rest, '"');
    }
    if rest.starts_with('\'') {
        return character_len(rest);
    }
    if rest.starts_with('r') && !before.is_some_and(|c| is_ident(c) && c != 'b') {
        return raw_string_len(rest);
    }
    0
}

fn block_comment_len(rest: &str) -> usize {
    let mut depth = 0_usize;
    for (at, _) in rest.char_indices() {
        if rest[at..].starts_with("/*") {
            depth += 1;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            if depth == 0 {
                return at + 2;
            }
        }
    }
    rest.len()
}

/// From an opening quote past the closing one.
fn quoted_len(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character literal has its length, a lifetime none.
fn character_len(rest: &str) -> usize {
    let mut inside = rest.chars().skip(1);
    match (inside.next(), inside.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => quoted_len(rest, '\''),
        _ => 0,
    }
}

fn raw_string_len(rest: &str) -> usize {
    let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
    let Some(inside) = rest[1 + hashes..].strip_prefix('"') else {
        return 0;
    };
    let close = format!("\"{}", "#".repeat(hashes));
    let open_len = rest.len() - inside.len();
    inside.find(&close).map_or(rest.len(), |at| open_len + at + close.len())
}

/// `code` without the items under `#[cfg(test)]`.
fn live_of(code: &str) -> String {
    let mut live = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        live.push_str(&rest[..at]);
        let end = at + item_len(&rest[at..]);
        blank(&rest[at..end], &mut live);
        rest = &rest[end..];
    }
    live.push_str(rest);
    live
}

/// To the end of the item that begins here: its closing brace, or its semicolon if it has none.
pub(crate) fn item_len(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            // `[u8; 4]` in a signature has a semicolon too: only one at the end of a line counts.
            ';' if depth == 0
                && code[at + 1..].starts_with(['\n', ' '])
                && !in_brackets(&code[..at]) =>
            {
                return at + 1;
            }
            _ => {}
        }
    }
    code.len()
}

fn in_brackets(before: &str) -> bool {
    let count = |c| before.matches(c).count();
    count(')') < count('(') || count(']') < count('[')
}

#[cfg(test)]
mod tests {
    use super::{File, item_len, positions_of, settle_test_modules};

    #[test]
    fn comments_and_literals_are_no_code() {
        let cases = [
            // text                            what stays of it
            ("a // unsafe\nb", "a\nb"),
            ("a /* x /* y */ z */ b", "a b"),
            (r#"f("unsafe \" {") + 1"#, "f() + 1"),
            (r##"f(r#"a " {"#) + 1"##, "f() + 1"),
            (r#"f(br"\") + 1"#, "f(b) + 1"),
            ("f('{') + '\\'' as u8", "f() + as u8"),
            ("fn f<'a>(x: &'a u8) {}", "fn f<'a>(x: &'a u8) {}"),
            ("let r = r + 1;", "let r = r + 1;"),
        ];
        for (text, want) in cases {
            let file = File::new("a.rs", text);
            assert_eq!(file.code.replace(' ', ""), want.replace(' ', ""), "{text}");
            assert_eq!(file.code.len(), text.len(), "positions moved: {text}");
        }
    }

    #[test]
    fn tests_are_not_live() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { c() }\n}\nfn d() {}\n";
        let file = File::new("a.rs", text);
        assert!(positions_of("b", &file.live).is_empty());
        assert_eq!(positions_of("d", &file.live).len(), 1);
        assert_eq!(file.live.lines().count(), text.lines().count());
        for (path, want) in [("tests/a.rs", ""), ("benches/a.rs", ""), ("src/a.rs", "d()")] {
            assert_eq!(File::new(path, "d()").live, want, "{path}");
        }
    }

    #[test]
    fn a_module_of_the_tests_is_not_live_in_its_own_file() {
        let declares =
            "mod live;\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod inside { fn a() {} }\n";
        let paths =
            ["src/b.rs", "src/live.rs", "src/tests.rs", "src/b/tests.rs", "src/b/inside.rs"];
        let mut files = paths.map(|path| File::new(path, "fn c() {}"));
        files[0] = File::new(paths[0], declares);
        settle_test_modules(&mut files);
        let live: Vec<bool> = files.iter().map(|file| !file.live.is_empty()).collect();
        assert_eq!(live, [true, true, false, false, true]);
    }

    #[test]
    fn an_item_ends_at_its_brace_or_semicolon() {
        let cases = [
            ("use a::b;\nfn c() {}", 9),
            ("fn f(x: [u8; 4]) -> u8 { { 1 } }\n", 32),
            ("const A: [u8; 2] = [1; 2];\n", 26),
        ];
        for (code, want) in cases {
            assert_eq!(item_len(code), want, "{code}");
        }
    }

    #[test]
    fn a_word_stands_alone() {
        let cases = [
            ("unsafe", "unsafe {", 1),
            ("unsafe", "allow(unsafe_code)", 0),
            ("println!", "eprintln!()", 0),
            ("std::time", "use std::time::Instant", 1),
            ("thread", "threads", 0),
        ];
        for (word, text, want) in cases {
            assert_eq!(positions_of(word, text).len(), want, "{word} in {text}");
        }
    }
}
