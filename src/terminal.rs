//! Standard output: whole texts, a closed pipe taken in peace, tables as every command draws them.

mod canvas;
mod layout;

use std::io::{self, IsTerminal, Write};

use book::State;
use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table};
use serde::Serialize;

use crate::failure::Failure;

pub use canvas::Canvas;

/// What marks a column of figures.
const FIGURES: ColumnConstraint = ColumnConstraint::ContentWidth;

/// Writes to standard output at once.
///
/// # Errors
/// [`Failure::NobodyReads`] where the pipe is closed; otherwise what went wrong.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::output)
}

/// One JSON object and a newline: what `--json` prints, and nothing else.
///
/// # Errors
/// As [`print()`].
pub fn print_json<T: Serialize>(object: &T) -> Result<(), Failure> {
    print(&json(object)?)
}

/// As [`print_json`] prints it.
///
/// # Errors
/// A value that JSON cannot hold, such as a map with keys that are no text.
pub fn json<T: Serialize>(object: &T) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(object);
    let mut text = text.map_err(|error| Failure::failed(format!("cannot write JSON: {error}")))?;
    text.push('\n');
    Ok(text)
}

/// A person watches standard error: progress bars and live tables make sense.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Columns of the terminal behind standard output; 120 where it is a pipe.
pub fn width() -> u16 {
    if !io::stdout().is_terminal() {
        return 120;
    }
    crossterm::terminal::size().map_or(120, |(columns, _)| columns.max(60))
}

/// An empty table with these headings: no lines, two spaces between columns. A heading that starts with `>`
/// stands over figures, which are aligned to the right and never broken.
pub fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width());
    table.set_header(
        headings.iter().map(|heading| {
            Cell::new(heading.trim_start_matches('>')).add_attribute(Attribute::Bold)
        }),
    );
    table.discover_columns();
    for (index, heading) in headings.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((if index == 0 { 2 } else { 1 }, 1));
            if heading.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
                column.set_constraint(FIGURES);
            }
        }
    }
    table
}

/// A table's text without the blanks at the ends of lines, and a newline after the last. Lines are broken between
/// words; a table that has no room even so is a line for each figure.
pub fn lines(table: &Table) -> String {
    layout::text(table, usize::from(width()))
}

/// A book's state in the words of the trade.
pub fn state_word(state: State) -> &'static str {
    match state {
        State::Normal => "normal",
        State::Locked => "locked",
        State::Crossed => "crossed",
        State::OneSided => "one-sided",
        State::Empty => "empty",
        State::Stale => "stale",
        State::Halted => "halted",
    }
}

/// Columns and rows of the terminal that a person watches standard error on.
pub fn size() -> (usize, usize) {
    let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
    (usize::from(columns), usize::from(rows))
}

/// Thousands apart: `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something, by its one and its many: `1 fill`, `1,800 fills`.
pub fn count(number: u64, [one, many]: [&str; 2]) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// Bytes as a person says them, in powers of 1024: `768 B`, `96 KiB`, `1.5 GiB`.
pub fn bytes(count: u64) -> String {
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let Some((unit, name)) = units.into_iter().find(|(unit, _)| *unit <= count) else {
        return format!("{count} B");
    };
    let whole = count / unit;
    let tenths = count % unit * 10 / unit;
    match whole {
        0..10 if 0 < tenths => format!("{whole}.{tenths} {name}"),
        _ => format!("{whole} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, thousands};

    #[test]
    fn figures_are_written_for_people() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (48_761, "48,761"),
            (1_234_567, "1,234,567"),
        ];
        for (number, want) in cases {
            assert_eq!(thousands(number), want);
        }
        let cases =
            [(768, "768 B"), (98_304, "96 KiB"), (3 << 29, "1.5 GiB"), (10 << 20, "10 MiB")];
        for (count, want) in cases {
            assert_eq!(bytes(count), want);
        }
    }
}
