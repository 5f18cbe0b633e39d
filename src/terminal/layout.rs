//! How wide each column of a table is, so that no figure and no word is broken inside.

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, ColumnConstraint, ContentArrangement, Row, Table, Width};

use super::FIGURES;

/// What a column takes, without the blanks beside it.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// Its longest word; of figures, its longest cell.
    least: usize,
    /// Its longest cell.
    full: usize,
}

/// A table where it has room in `width`; otherwise each row is a block of lines, a heading and a value each.
pub(super) fn text(table: &Table, width: usize) -> String {
    let spans = spans(table);
    let beside = table.column_iter().map(|column| usize::from(column.padding_width())).sum();
    let Some(widths) = widths(&spans, width.saturating_sub(beside)) else {
        return blocks(table, width);
    };
    let mut table = table.clone();
    for (column, width) in table.column_iter_mut().zip(widths) {
        let padded = width.saturating_add(usize::from(column.padding_width()));
        column.set_constraint(fixed(padded));
    }
    trimmed(&table)
}

/// A width that comfy-table counts with the blanks beside the column.
fn fixed(width: usize) -> ColumnConstraint {
    ColumnConstraint::Absolute(Width::Fixed(u16::try_from(width).unwrap_or(u16::MAX)))
}

fn trimmed(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn spans(table: &Table) -> Vec<Span> {
    let mut spans: Vec<Span> = table.column_iter().map(|_| Span { least: 1, full: 1 }).collect();
    let is_figures: Vec<bool> =
        table.column_iter().map(|column| column.constraint() == Some(&FIGURES)).collect();
    let mut see = |row: &Row, is_heading: bool| {
        for ((span, cell), is_figures) in spans.iter_mut().zip(row.cell_iter()).zip(&is_figures) {
            let content = cell.content();
            let full = content.lines().map(len).max().unwrap_or(0);
            let word = content.split_whitespace().map(len).max().unwrap_or(0);
            let least = if *is_figures && !is_heading { full } else { word };
            span.full = span.full.max(full);
            span.least = span.least.max(least);
        }
    };
    if let Some(headings) = table.header() {
        see(headings, true);
    }
    table.row_iter().for_each(|row| see(row, false));
    spans
}

/// Characters: all that is shown takes one column each.
fn len(text: &str) -> usize {
    text.chars().count()
}

/// Each column has what it takes; what is then left goes to those that would have more, one character in turns, the
/// narrowest first. `None`: there is no room.
fn widths(spans: &[Span], room: usize) -> Option<Vec<usize>> {
    let mut widths: Vec<usize> = spans.iter().map(|span| span.least).collect();
    let mut left = room.checked_sub(widths.iter().sum())?;
    while 0 < left {
        let wanting = widths.iter_mut().zip(spans).filter(|(width, span)| **width < span.full);
        let Some((width, _)) = wanting.min_by_key(|(width, _)| **width) else { break };
        *width += 1;
        left -= 1;
    }
    Some(widths)
}

/// One line for each heading and its value, and an empty one between rows. What has no heading stands alone.
fn blocks(table: &Table, width: usize) -> String {
    let headings: Vec<String> =
        table.header().into_iter().flat_map(Row::cell_iter).map(Cell::content).collect();
    let keys = headings.iter().map(|heading| len(heading)).max().unwrap_or(0);
    let block = |row: &Row| {
        let mut block = Table::new();
        block.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        let mut longest = 1;
        for (heading, cell) in headings.iter().zip(row.cell_iter()) {
            let value = cell.content();
            if value.is_empty() {
                continue;
            }
            longest = value.split_whitespace().map(len).fold(longest, usize::max);
            block.add_row([Cell::new(heading).add_attribute(Attribute::Bold), Cell::new(value)]);
        }
        // Two blanks before, one after, and one on each side of the value.
        let values = width.saturating_sub(keys + 5).max(longest);
        for (column, (width, before)) in block.column_iter_mut().zip([(keys, 2), (values, 1)]) {
            column.set_padding((before, 1));
            column.set_constraint(fixed(width + usize::from(before) + 1));
        }
        trimmed(&block)
    };
    table.row_iter().map(block).collect::<Vec<String>>().join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::table;
    use super::text;

    #[test]
    fn lines_break_between_words_and_then_into_blocks() {
        let mut table = table(&["shard", ">live orders", "trades"]);
        table.add_row(["x0", "1,000,000", "AAPL MSFT QQQ and 12 more"]);
        table.add_row(["x1", "1.5 GiB", ""]);
        let cases = [
            (
                60,
                "  shard  live orders  trades\n  x0       1,000,000  AAPL MSFT QQQ and 12 more\n  \
                 x1         1.5 GiB\n",
            ),
            (
                38,
                "  shard  live orders  trades\n  x0       1,000,000  AAPL MSFT QQQ\n                      \
                 and 12 more\n  x1         1.5 GiB\n",
            ),
            (
                27,
                "  shard       live  trades\n            orders\n  x0     1,000,000  AAPL\n                    \
                 MSFT\n                    QQQ\n                    and 12\n                    more\n  \
                 x1       1.5 GiB\n",
            ),
            (
                26,
                "  shard        x0\n  live orders  1,000,000\n  trades       AAPL MSFT\n               QQQ and 12\n\
                 \x20              more\n\n  shard        x1\n  live orders  1.5 GiB\n",
            ),
        ];
        for (width, want) in cases {
            assert_eq!(text(&table, width), want, "{width}");
        }
    }

    proptest! {
        /// At any width, every word of every row is there in one piece, and no line is longer than the terminal
        /// where each word has room beside its heading.
        #[test]
        fn no_word_is_broken(
            rows in prop::collection::vec(prop::collection::vec("[a-z0-9,]{1,9}( [a-z]{1,7}){0,3}", 4), 1..4),
            width in 10..100_usize,
        ) {
            let mut table = table(&["one", ">two words", "three", ">four"]);
            for row in &rows {
                table.add_row(row);
            }
            let text = text(&table, width);
            let shown: Vec<&str> = text.split_whitespace().collect();
            for word in rows.iter().flatten().flat_map(|cell| cell.split(' ')) {
                prop_assert!(shown.contains(&word), "{word}:\n{text}");
            }
            if 9 + 14 <= width {
                prop_assert!(text.lines().all(|line| line.len() <= width), "{width}:\n{text}");
            }
        }
    }
}
