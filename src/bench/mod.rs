//! `rialto bench`: the shipping code beside its reference, in one run, on the user's own host.
//!
//! A subject is one file and one row of `SUBJECTS`. It measures in rounds, its own code and the reference in
//! turn, so that a host that slows down slows both; what is quoted is the ratio of the medians over the rounds. A goal
//! that is missed is a figure, not a failure.

mod book;
mod case;
mod decode;
pub mod decoders;
mod feed;
mod ingress;
mod machine;
mod matching;
mod memory;
mod packets;
mod report;
mod rounds;
mod shards;
mod wire_end;

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::failure::Failure;
use crate::terminal;

use case::{Case, Curve};
use machine::Machine;

/// What `rialto bench` was asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which subjects to measure; all where none is named.
    pub names: Vec<String>,
    /// Where to write histograms and `report.html`.
    pub out: Option<PathBuf>,
    /// One JSON object on standard output instead of the table.
    pub json: bool,
    /// Only say what there is to measure.
    pub list: bool,
    /// How long the memory subject watches.
    pub memory_for: Duration,
}

/// One thing to measure: its name, a line about it, and how.
struct Subject {
    name: &'static str,
    about: &'static str,
    run: fn(&Context<'_>) -> Result<Outcome, Failure>,
}

/// Every subject, in the order in which they run.
const SUBJECTS: [Subject; 7] = [
    decode::SUBJECT,
    book::SUBJECT,
    matching::SUBJECT,
    shards::SUBJECT,
    ingress::SUBJECT,
    feed::SUBJECT,
    memory::SUBJECT,
];

/// What a subject may ask for while it runs.
struct Context<'a> {
    options: &'a Options,
    bar: indicatif::ProgressBar,
}

impl Context<'_> {
    /// Says what is under way, where a person watches.
    fn stage(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
        self.bar.tick();
    }
}

/// What a subject found.
#[derive(Default)]
struct Outcome {
    cases: Vec<Case>,
    curves: Vec<Curve>,
    /// What a reader must know: what could not be measured here and the command that would.
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Output<'a> {
    machine: &'a Machine,
    cases: &'a [Case],
    notes: &'a [String],
}

/// Measures what was named and prints the figures.
///
/// # Errors
/// A name that is no subject; a measurement that could not run; output that cannot be written.
pub fn command(options: Options) -> Result<(), Failure> {
    let chosen = choose(&options.names)?;
    if options.list {
        return terminal::print(&report::list(&SUBJECTS));
    }
    let machine = Machine::look();
    let mut outcome = Outcome::default();
    if cfg!(debug_assertions) {
        outcome.notes.push("this build is not optimised: cargo run --release -- bench".to_owned());
    }
    for subject in &chosen {
        let bar = progress(subject.name);
        let context = Context { options: &options, bar };
        // On a thread of its own: a subject may pin itself, and the next one starts unpinned.
        let run = || (subject.run)(&context);
        let found = thread::scope(|scope| match scope.spawn(run).join() {
            Ok(found) => found,
            Err(panic) => std::panic::resume_unwind(panic),
        })?;
        context.bar.finish_and_clear();
        outcome.cases.extend(found.cases);
        outcome.curves.extend(found.curves);
        outcome.notes.extend(found.notes);
    }
    if let Some(folder) = &options.out {
        fs::create_dir_all(folder).map_err(|error| Failure::io("create", folder, error))?;
        report::write(folder, &machine, &outcome)?;
        eprintln!("wrote {}", folder.display());
    }
    if options.json {
        let output = Output { machine: &machine, cases: &outcome.cases, notes: &outcome.notes };
        return terminal::print_json(&output);
    }
    terminal::print(&report::text(&machine, &outcome))
}

/// What is said where references are other people's crates, which only a special build has.
#[cfg(not(feature = "peers"))]
fn peers_note(subject: &str, references: &str) -> String {
    format!(
        "{subject}: beside {references}: cargo run --release --features peers -- bench {subject}"
    )
}

fn choose(names: &[String]) -> Result<Vec<&'static Subject>, Failure> {
    if names.is_empty() {
        return Ok(SUBJECTS.iter().collect());
    }
    let find = |name: &String| {
        SUBJECTS.iter().find(|subject| subject.name == name).ok_or_else(|| {
            let known: Vec<_> = SUBJECTS.iter().map(|subject| subject.name).collect();
            Failure::usage(format!("nothing to measure is called `{name}`"))
                .remedy(format!("one of: {}", known.join(", ")))
        })
    };
    names.iter().map(find).collect()
}

fn progress(name: &'static str) -> indicatif::ProgressBar {
    if !terminal::is_watched() {
        return indicatif::ProgressBar::hidden();
    }
    let style = indicatif::ProgressStyle::with_template("{spinner} {prefix}: {msg} [{elapsed}]");
    let bar = indicatif::ProgressBar::new_spinner().with_prefix(name);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::{SUBJECTS, choose};

    #[test]
    fn subjects_are_chosen_by_name() {
        assert_eq!(choose(&[]).expect("all").len(), SUBJECTS.len());
        let two = choose(&["book".into(), "decode".into()]).expect("both exist");
        assert_eq!(two.iter().map(|one| one.name).collect::<Vec<_>>(), ["book", "decode"]);
        let error = choose(&["boock".into()]).err().expect("no such subject");
        assert!(error.to_string().contains("`boock`"), "{error}");
    }
}
