//! What is drawn on a terminal over itself, a few times a second, and not at all where nobody watches.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use crossterm::cursor::MoveUp;
use crossterm::queue;
use crossterm::terminal::{Clear, ClearType};

use super::size;
use crate::failure::Failure;

const DRAW_EVERY: Duration = Duration::from_millis(250);

/// A part of the terminal, below what was printed before.
#[derive(Debug)]
pub struct Canvas {
    is_watched: bool,
    /// Lines drawn last.
    drawn: u16,
    drawn_at: Option<Instant>,
}

impl Canvas {
    /// Empty; one that nobody watches stays so.
    pub fn new(is_watched: bool) -> Self {
        Self { is_watched, drawn: 0, drawn_at: None }
    }

    /// Whether anything is drawn at all.
    pub fn is_watched(&self) -> bool {
        self.is_watched
    }

    /// Whether it is time to draw: the time since the last, or nothing before the first.
    pub fn due(&self) -> Option<Option<Duration>> {
        let since = self.drawn_at.map(|at| at.elapsed());
        (self.is_watched && since.is_none_or(|since| DRAW_EVERY <= since)).then_some(since)
    }

    /// Draws over what was there.
    ///
    /// # Errors
    /// The terminal cannot be written to.
    pub fn draw(&mut self, text: &str) -> Result<(), Failure> {
        self.drawn_at = Some(Instant::now());
        self.replace(&fitted(text, size().0))
            .map_err(|error| Failure::io("write", "standard error", error))
    }

    /// Takes it away again, so that what is printed next stands alone.
    pub fn clear(&mut self) {
        // Nobody may look any more.
        let _ = self.replace("");
    }

    fn replace(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stderr().lock();
        if 0 < self.drawn {
            queue!(out, MoveUp(self.drawn), Clear(ClearType::FromCursorDown))?;
        }
        out.write_all(text.as_bytes())?;
        self.drawn = u16::try_from(text.lines().count()).unwrap_or(u16::MAX);
        out.flush()
    }
}

/// Each line cut to the terminal: one that wraps would be more lines than were counted.
fn fitted(text: &str, columns: usize) -> String {
    let mut fitted = String::with_capacity(text.len());
    for line in text.lines() {
        let mut width = 0;
        let mut chars = line.chars();
        while let Some(char) = chars.next() {
            fitted.push(char);
            if char == '\u{1b}' {
                // What dresses a heading takes no column.
                fitted.extend(chars.by_ref().take_while(|char| *char != 'm'));
                fitted.push('m');
                continue;
            }
            width += 1;
            if columns <= width + 1 {
                fitted.push_str("\u{1b}[0m");
                break;
            }
        }
        fitted.push('\n');
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::fitted;

    #[test]
    fn a_line_never_wraps_and_dress_takes_no_column() {
        assert_eq!(fitted("abcdef\nab", 5), "abcd\u{1b}[0m\nab\n");
        let dressed = "\u{1b}[1mab\u{1b}[0m";
        assert_eq!(fitted(dressed, 80), format!("{dressed}\n"));
    }
}
