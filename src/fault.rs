//! What is wrong with a configuration file: each fault a sentence with its file, line, column and remedy.
//!
//! Knows where in the text a fault is, not what the keys mean.

use std::fmt::{self, Write as _};
use std::ops::Range;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};

use crate::config::Config;
use crate::failure::{Failure, Located, Refusal};

/// A configuration's text and the name a person knows it by.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as typed, or what stands for it.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// One thing that is wrong, at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The bytes of the file it is about; empty at the start where it is about the file as a whole.
    pub at: Range<usize>,
    /// What is wrong, naming the key.
    pub what: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Fault {
    /// A fault without a remedy.
    pub fn new(at: Range<usize>, what: impl Into<String>) -> Self {
        Self { at, what: what.into(), remedy: None }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl Source {
    /// Line and column from 1, as editors count, in characters.
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// `file:line:column: what (remedy)`, on one line.
    pub fn line(&self, fault: &Fault) -> String {
        let (line, column) = self.place(fault.at.start);
        let mut text = format!("{}:{line}:{column}: {}", self.name, fault.what);
        if let Some(remedy) = &fault.remedy {
            let _ = write!(text, "; {remedy}");
        }
        text
    }

    /// All the faults as one failure: each its line and the excerpt of the file that it is about.
    pub fn refuse(&self, faults: &[Fault]) -> Failure {
        let mut text = match faults.len() {
            1 => format!("{} has a fault", self.name),
            count => format!("{} has {count} faults", self.name),
        };
        for fault in faults {
            text.push_str("\n\n");
            text.push_str(self.excerpt(fault).trim_end());
        }
        Failure::Config(Refusal {
            text,
            faults: faults.iter().map(|fault| self.locate(fault)).collect(),
        })
    }

    fn locate(&self, fault: &Fault) -> Located {
        let (line, column) = self.place(fault.at.start);
        let (what, remedy) = (fault.what.clone(), fault.remedy.clone());
        Located { file: self.name.clone(), line, column, what, remedy }
    }

    fn excerpt(&self, fault: &Fault) -> String {
        let (line, column) = self.place(fault.at.start);
        let shown = Shown {
            headline: format!("{}:{line}:{column}: {}", self.name, fault.what),
            remedy: fault.remedy.clone(),
            source: NamedSource::new(&self.name, self.text.clone()),
            at: self.within_a_line(&fault.at),
        };
        let mut text = String::new();
        // No colours: the same text goes to a terminal, a pipe and a ticket.
        let drawn = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
            .with_wrap_lines(false)
            .with_context_lines(1)
            .render_report(&mut text, &shown);
        if drawn.is_ok() { text } else { self.line(fault) }
    }

    /// Tables span many lines; the excerpt marks the first.
    fn within_a_line(&self, at: &Range<usize>) -> Range<usize> {
        let Some(marked) = self.text.get(at.clone()) else {
            return 0..0;
        };
        at.start..at.start + marked.find('\n').unwrap_or(marked.len())
    }
}

/// A fault in the words of the library that draws it.
#[derive(Debug)]
struct Shown {
    headline: String,
    remedy: Option<String>,
    source: NamedSource<String>,
    at: Range<usize>,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline)
    }
}

impl std::error::Error for Shown {}

impl Diagnostic for Shown {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.remedy.as_ref().map(|remedy| Box::new(remedy) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::underline(self.at.clone()))))
    }
}

/// Reads the shape. One fault at most: the reader stops at the first.
pub fn read(source: &Source) -> Result<Config, Fault> {
    toml::from_str(&source.text).map_err(|error| {
        let at = error.span().unwrap_or(0..0);
        explain(source, at, error.message())
    })
}

/// The reader's words in ours, with the key, its table and the nearest valid word.
fn explain(source: &Source, at: Range<usize>, message: &str) -> Fault {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let table = table_at(&source.text, at.start);
    let place = match key_at(&source.text, at.start) {
        Some(key) => format!("`{key}` in {table}"),
        None => table.clone(),
    };
    match (words(message), quoted.as_slice()) {
        (["unknown", "field"], [found, valid @ ..]) => {
            let what = format!("unknown key `{found}` in {table}");
            Fault::new(at, what).remedy(suggest(found, valid.iter().copied()))
        }
        (["unknown", "variant"], [found, valid @ ..]) => {
            let what = format!("{place} cannot be `{found}`");
            Fault::new(at, what).remedy(suggest(found, valid.iter().copied()))
        }
        (["missing", "field"], [key]) => {
            Fault::new(at, format!("{table} has no `{key}`")).remedy(format!("add `{key} = ..`"))
        }
        (["duplicate", "key"], _) => Fault::new(at, format!("a key of {table} is written twice")),
        _ => Fault::new(at, format!("{place}: {}", reworded(message))),
    }
}

/// Without the names that types have in the program.
fn reworded(message: &str) -> String {
    let mut text = message.replace('\n', ", ");
    for (ours, theirs) in [
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u64", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("expected struct Capacity", "expected { instruments = .., orders = .., levels = .. }"),
        ("expected struct Snapshot", "expected { address = .., user = .., password = .. }"),
        ("expected struct Session", "expected a table of session knobs"),
    ] {
        text = text.replace(ours, theirs);
    }
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    text
}

/// The key whose value starts at `offset`: what stands before the `=` before it, on its line.
fn key_at(text: &str, offset: usize) -> Option<&str> {
    let line = text.get(..offset)?.rsplit('\n').next()?;
    let before = line.trim_end().strip_suffix('=')?;
    let key = before.rsplit(['{', ',']).next()?.trim();
    (!key.is_empty()).then_some(key)
}

/// The first two words.
fn words(message: &str) -> [&str; 2] {
    let mut words = message.split(' ');
    [words.next().unwrap_or_default(), words.next().unwrap_or_default()]
}

/// The header of the table that an offset lies in, as the file writes it.
fn table_at(text: &str, offset: usize) -> String {
    let line_end = text
        .get(offset..)
        .and_then(|rest| rest.find('\n'))
        .map_or(text.len(), |length| offset + length);
    let headers = text
        .get(..line_end)
        .unwrap_or(text)
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with('['));
    let header = headers.filter_map(|line| Some(&line[..=line.rfind(']')?])).next_back();
    header.map_or_else(|| "the top of the file".to_owned(), str::to_owned)
}

/// `did you mean ..?` where one is near, all of them where none is.
pub fn suggest<'a>(found: &str, valid: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = valid
        .clone()
        .map(|word| {
            (strsim::damerau_levenshtein(&found.to_lowercase(), &word.to_lowercase()), word)
        })
        .filter(|(distance, word)| *distance <= 1 + word.len() / 3)
        .min_by_key(|(distance, _)| *distance);
    if let Some((_, word)) = near {
        return format!("did you mean `{word}`?");
    }
    let all: Vec<String> = valid.map(|word| format!("`{word}`")).collect();
    match all.as_slice() {
        [] => "none is defined".to_owned(),
        [only] => format!("it can be {only}"),
        [first @ .., last] => format!("it can be {} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Source, read, suggest};

    fn fault(text: &str) -> String {
        let source = Source { name: "rialto.toml".into(), text: text.into() };
        match read(&source) {
            Ok(_) => "no fault".into(),
            Err(fault) => source.line(&fault),
        }
    }

    #[test]
    fn the_shape_is_checked_with_the_nearest_key() {
        let cases = [
            (
                "dta = 'x'",
                "rialto.toml:1:1: unknown key `dta` in the top of the file; did you mean `data`?",
            ),
            (
                "data = 'x'\n\n[[shard]]\nname = 'a'\nidel = 'spin'\n",
                "rialto.toml:5:1: unknown key `idel` in [[shard]]; did you mean `idle`?",
            ),
            (
                "[[shard]]\nname = 'a'\ncapacity = { order = 5 }",
                "rialto.toml:3:14: unknown key `order` in [[shard]]; did you mean `orders`?",
            ),
            (
                "[[shard]]\nname = 'a'\nidle = 'spinn'",
                "rialto.toml:3:8: `idle` in [[shard]] cannot be `spinn`; did you mean `spin`?",
            ),
            (
                "[[shard]]\nname = 'a'\nidle = 'never'",
                "rialto.toml:3:8: `idle` in [[shard]] cannot be `never`; it can be `spin` or `backoff`",
            ),
            (
                "[[shard]]\nname = 'a'\ncapacity = { orders = 1, levels = 'x' }",
                "rialto.toml:3:35: `levels` in [[shard]]: invalid type: string \"x\", expected a whole number from 0 to 4294967295",
            ),
            ("[[shard]]\ncpu = 0", "rialto.toml:1:1: [[shard]] has no `name`; add `name = ..`"),
        ];
        for (text, want) in cases {
            assert_eq!(fault(text), want, "{text}");
        }
    }

    #[test]
    fn the_nearest_word_is_near() {
        let cases = [
            ("nasdaq1", "did you mean `nasdaq`?"),
            ("NASDAQ", "did you mean `nasdaq`?"),
            ("binance", "it can be `nasdaq` or `iex`"),
        ];
        for (found, want) in cases {
            assert_eq!(suggest(found, ["nasdaq", "iex"].into_iter()), want);
        }
    }
}
