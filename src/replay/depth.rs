//! One instrument's top levels, printed after every change of them.

use std::fmt::Write as _;

use book::Level;
use engine::Trade;
use serde::Serialize;
use types::{InstrumentId, Nanos, Side, Symbol};

use super::Format;
use crate::failure::Failure;
use crate::terminal;

/// One instrument's top levels as last printed.
#[derive(Debug)]
pub(super) struct Watch {
    symbol: Symbol,
    depth: usize,
    format: Format,
    instrument: Option<InstrumentId>,
    shown: Levels,
    now: Levels,
    text: String,
    begun: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Levels {
    bids: Vec<Level>,
    offers: Vec<Level>,
}

/// One change as a JSON object; prices are text, so that none is rounded.
#[derive(Serialize)]
struct Change {
    time_ns: u64,
    sequence: u64,
    bids: Vec<(String, u64, u32)>,
    offers: Vec<(String, u64, u32)>,
}

impl Watch {
    pub(super) fn new(symbol: Symbol, depth: usize, format: Format) -> Self {
        Self {
            symbol,
            depth,
            format,
            instrument: None,
            shown: Levels::default(),
            now: Levels::default(),
            text: String::new(),
            begun: false,
        }
    }

    /// At the end of the recording.
    ///
    /// # Errors
    /// The instrument was not in it.
    pub(super) fn found(&self) -> Result<(), Failure> {
        match self.instrument {
            Some(_) => Ok(()),
            None => Err(not_there(self.symbol)),
        }
    }

    /// Prints the levels if they are others than last time.
    pub(super) fn look(&mut self, time: Nanos, trade: &Trade) -> Result<(), Failure> {
        if self.instrument.is_none() {
            self.instrument = trade.find(self.symbol);
        }
        let Some(instrument) = self.instrument else { return Ok(()) };
        let feed = &trade.feeds()[0];
        self.now.bids.clear();
        self.now.offers.clear();
        let books = feed.mirror().books();
        books.levels(instrument, Side::Buy, self.depth, |level| self.now.bids.push(level));
        books.levels(instrument, Side::Sell, self.depth, |level| self.now.offers.push(level));
        if self.now == self.shown {
            return Ok(());
        }
        std::mem::swap(&mut self.now, &mut self.shown);
        // The receiver's next message is the one after the change.
        let sequence = feed.health().next.get().saturating_sub(1);
        self.text.clear();
        match self.format {
            Format::Table => self.table(time, sequence),
            Format::Csv => self.csv(time, sequence),
            Format::Json => self.json(time, sequence)?,
        }
        self.begun = true;
        terminal::print(&self.text)
    }

    fn table(&mut self, time: Nanos, sequence: u64) {
        let (clock, symbol) = (time_of_day(time), self.symbol);
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{clock}  message {sequence}  {symbol}");
        let _ = writeln!(
            self.text,
            "  {:>6} {:>10} {:>12}   {:<12} {:<10} {:<6}",
            "orders", "shares", "bid", "offer", "shares", "orders"
        );
        for at in 0..self.shown.bids.len().max(self.shown.offers.len()) {
            let (bid, offer) = (self.shown.bids.get(at), self.shown.offers.get(at));
            let _ = match bid {
                Some(level) => {
                    write!(self.text, "  {:>6} {:>10} {:>12}", level.orders, level.qty, level.px)
                }
                None => write!(self.text, "  {:>6} {:>10} {:>12}", "", "", ""),
            };
            let _ = match offer {
                Some(level) => {
                    writeln!(self.text, "   {:<12} {:<10} {}", level.px, level.qty, level.orders)
                }
                None => writeln!(self.text),
            };
        }
        self.text.push('\n');
    }

    fn csv(&mut self, time: Nanos, sequence: u64) {
        if !self.begun {
            self.text.push_str("time_ns,sequence");
            for at in 1..=self.depth {
                let _ = write!(self.text, ",offer_px_{at},offer_qty_{at},bid_px_{at},bid_qty_{at}");
            }
            self.text.push('\n');
        }
        let _ = write!(self.text, "{},{sequence}", time.get());
        for at in 0..self.depth {
            for side in [&self.shown.offers, &self.shown.bids] {
                let _ = match side.get(at) {
                    Some(level) => write!(self.text, ",{},{}", level.px, level.qty),
                    None => write!(self.text, ",,"),
                };
            }
        }
        self.text.push('\n');
    }

    fn json(&mut self, time: Nanos, sequence: u64) -> Result<(), Failure> {
        let rows = |levels: &[Level]| {
            let row = |level: &Level| (level.px.to_string(), level.qty.get(), level.orders);
            levels.iter().map(row).collect()
        };
        let change = Change {
            time_ns: time.get(),
            sequence,
            bids: rows(&self.shown.bids),
            offers: rows(&self.shown.offers),
        };
        self.text = serde_json::to_string(&change)
            .map_err(|error| Failure::failed(format!("cannot write JSON: {error}")))?;
        self.text.push('\n');
        Ok(())
    }
}

/// What is asked for is not in the recording.
pub(super) fn not_there(symbol: Symbol) -> Failure {
    Failure::failed(format!("instrument {symbol} is not in the recording"))
}

/// The time of day, whether counted from midnight or from the epoch.
pub(super) fn time_of_day(time: Nanos) -> String {
    const DAY_S: u64 = 86_400;
    let (secs, nanos) = (time.get() / 1_000_000_000 % DAY_S, time.get() % 1_000_000_000);
    format!("{:02}:{:02}:{:02}.{nanos:09}", secs / 3_600, secs / 60 % 60, secs % 60)
}

#[cfg(test)]
mod tests {
    use super::time_of_day;
    use types::Nanos;

    #[test]
    fn tells_the_time_of_day() {
        assert_eq!(time_of_day(Nanos::new(34_200_000_000_123)), "09:30:00.000000123");
        assert_eq!(time_of_day(Nanos::from_secs(1_580_342_400 + 61)), "00:01:01.000000000");
    }
}
