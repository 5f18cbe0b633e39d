//! The figures for people: the table, the page, the histogram files.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::case::{Case, Curve};
use super::machine::Machine;
use super::{Outcome, Subject};
use crate::failure::Failure;
use crate::hist::{self, Distribution};
use crate::terminal;

/// What there is to measure.
pub(super) fn list(subjects: &[Subject]) -> String {
    let mut table = terminal::table(&["name", "what"]);
    for subject in subjects {
        table.add_row([subject.name, subject.about]);
    }
    terminal::lines(&table)
}

/// The table, with the machine above and notes below.
pub(super) fn text(machine: &Machine, outcome: &Outcome) -> String {
    let headings = ["name", ">value", "unit", ">reference", ">ratio", ">goal", "met"];
    let mut table = terminal::table(&headings);
    for case in &outcome.cases {
        table.add_row(cells(case));
    }
    let mut text = format!("{}\n\n{}", machine.line(), terminal::lines(&table));
    for note in &outcome.notes {
        text.push_str(&format!("\n{note}"));
    }
    if !outcome.notes.is_empty() {
        text.push('\n');
    }
    if !outcome.curves.is_empty() {
        let curves: Vec<_> = outcome.curves.iter().map(distribution).collect();
        text.push('\n');
        text.push_str(&hist::report(&curves));
    }
    text
}

fn cells(case: &Case) -> [String; 7] {
    let figure = |value: Option<f64>| value.map_or_else(String::new, readable);
    [
        case.name.clone(),
        readable(case.value),
        case.unit.to_owned(),
        figure(case.reference),
        case.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        case.goal.map_or_else(String::new, |goal| goal.to_string()),
        case.met.map_or("", |met| if met { "yes" } else { "no" }).to_owned(),
    ]
}

fn readable(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 1_000.0 => format!("{value:.1}"),
        _ => terminal::thousands(value.round() as u64),
    }
}

fn distribution(curve: &Curve) -> Distribution {
    Distribution::of(curve.name.clone(), curve.histogram.clone())
}

/// Writes `report.html` and, for each curve, its `.hgrm` and `.hlog`.
pub(super) fn write(folder: &Path, machine: &Machine, outcome: &Outcome) -> Result<(), Failure> {
    for curve in &outcome.curves {
        let stem = curve.name.replace(['/', ' '], "-");
        let name = folder.join(format!("{stem}.hgrm"));
        save(&name, |out| hist::write_hgrm(out, &curve.histogram))?;
        let name = folder.join(format!("{stem}.hlog"));
        save(&name, |out| {
            let mut log = hist::LogWriter::begin(out, SystemTime::now() - curve.length)?;
            log.interval(&curve.histogram, Duration::ZERO, curve.length, None)?;
            log.finish().map(drop)
        })?;
    }
    save(&folder.join("report.html"), |out| out.write_all(page(machine, outcome).as_bytes()))
}

fn save(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), Failure> {
    let write = || {
        let mut out = BufWriter::new(File::create(path)?);
        write(&mut out)?;
        out.flush()
    };
    write().map_err(|error| Failure::io("write", path, error))
}

fn page(machine: &Machine, outcome: &Outcome) -> String {
    let escape = hist::escape;
    let mut body = format!("<p class=\"soft\">{}</p>\n", escape(&machine.line()));
    body.push_str("<div class=\"scroll\"><table>\n<tr>");
    for heading in ["", "value", "unit", "reference", "ratio", "goal", "met"] {
        body.push_str(&format!("<th>{heading}</th>"));
    }
    body.push_str("</tr>\n");
    for case in &outcome.cases {
        body.push_str("<tr>");
        for cell in cells(case) {
            body.push_str(&format!("<td>{}</td>", escape(&cell)));
        }
        body.push_str("</tr>\n");
    }
    body.push_str("</table></div>\n");
    for note in &outcome.notes {
        body.push_str(&format!("<p>{}</p>\n", escape(note)));
    }
    if !outcome.curves.is_empty() {
        let curves: Vec<_> = outcome.curves.iter().map(distribution).collect();
        body.push_str("<h2>Latency by percentile</h2>\n");
        body.push_str(&hist::figure(&curves));
    }
    hist::open_page("Benchmarks", &body)
}

#[cfg(test)]
mod tests {
    use super::{page, text};
    use crate::bench::Outcome;
    use crate::bench::case::{Case, Goal};
    use crate::bench::machine::Machine;

    #[test]
    fn a_missed_goal_is_said() {
        let case = Case::against("book/vec", &[20.0], &[10.0], Goal::AtMost(1.25));
        let outcome =
            Outcome { cases: vec![case], notes: vec!["a < b".into()], ..Outcome::default() };
        let machine = Machine::look();
        let text = text(&machine, &outcome);
        let row = text.lines().find(|line| line.contains("book/vec")).expect("a row");
        let row: Vec<_> = row.split_whitespace().collect();
        assert_eq!(row, ["book/vec", "20.0", "ns", "10.0", "2.00", "<=", "1.25", "no"]);
        assert!(page(&machine, &outcome).contains("a &lt; b"), "escaped");
    }
}
