//! What a replay found: counts by type, gaps, and where each book was left.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use engine::Trade;
use serde::Serialize;
use types::{InstrumentId, Side, Symbol};

use super::depth::not_there;
use super::play::Played;
use crate::failure::Failure;
use crate::recording::Recording;
use crate::terminal::{self, thousands};

/// Books shown to a person; the JSON has all of them.
const TOPS_SHOWN: usize = 20;

/// The figures of a replay; the names are those that scripts rely on.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    venue: &'static str,
    messages: u64,
    bytes: u64,
    by_type: BTreeMap<String, u64>,
    errors: u64,
    gaps: u64,
    lost: u64,
    duplicates: u64,
    state_hash: String,
    elapsed_ns: u64,
    books: Vec<Book>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Book {
    symbol: String,
    state: String,
    orders: usize,
    levels: usize,
    bid: Option<String>,
    bid_qty: Option<u64>,
    ask: Option<String>,
    ask_qty: Option<u64>,
    volume: u64,
    state_hash: String,
}

impl Summary {
    pub(super) fn new(recording: &Recording, played: &[Played], elapsed: Duration) -> Self {
        // Each shard takes the whole stream, so what is in the stream is any one's to tell.
        let feed = &played[0].trade.feeds()[0];
        let (tally, health) = (feed.mirror().tally(), feed.health());
        let malformed: u64 = health.lines.iter().map(|line| line.malformed).sum();
        // Messages that could not be read, and events that did not fit their book.
        let of_shards: u64 = played.iter().map(refused).sum();
        let counts = (0..=u8::MAX).zip(tally.by_type).filter(|(_, count)| 0 < *count);
        let mut books: Vec<Book> = played.iter().flat_map(|played| books(&played.trade)).collect();
        books.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        let hash = book::hash::combine(played.iter().map(|played| played.trade.state_hash()));
        let walked = &played[0].walked;
        Self {
            venue: recording.venue().name,
            messages: tally.messages(),
            bytes: walked.bytes,
            by_type: counts.map(|(kind, count)| (type_name(kind), count)).collect(),
            errors: malformed + of_shards + u64::from(walked.fault.is_some()),
            gaps: health.gaps,
            lost: health.given_up,
            duplicates: health.lines.iter().map(|line| line.duplicates).sum(),
            state_hash: format!("{hash:016x}"),
            elapsed_ns: u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX),
            books,
            error: walked.fault.as_ref().map(ToString::to_string),
        }
    }

    /// For a person.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let secs = (self.elapsed_ns as f64 / 1e9).max(1e-9);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{} messages, {} in {secs:.3} s: {:.2} M messages/s, {:.2} GB/s",
            thousands(self.messages),
            terminal::bytes(self.bytes),
            self.messages as f64 / secs / 1e6,
            self.bytes as f64 / secs / 1e9,
        );
        let _ = writeln!(
            text,
            "gaps {}, messages lost {}, duplicate packets {}, errors {}\n",
            self.gaps, self.lost, self.duplicates, self.errors
        );
        text.push_str(&self.types());
        text.push('\n');
        text.push_str(&self.tops());
        let _ = writeln!(text, "state hash {}", self.state_hash);
        text
    }

    fn types(&self) -> String {
        let mut table = terminal::table(&["type", ">messages", ">share"]);
        let mut rows: Vec<_> = self.by_type.iter().collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (kind, count) in rows {
            let share = *count as f64 * 100.0 / self.messages.max(1) as f64;
            table.add_row([kind.clone(), thousands(*count), format!("{share:.2} %")]);
        }
        terminal::lines(&table)
    }

    fn tops(&self) -> String {
        let headings = [
            "symbol", "state", ">shares", ">bid", ">offer", ">shares", ">orders", ">levels",
            ">volume",
        ];
        let mut table = terminal::table(&headings);
        let mut rows: Vec<&Book> = self.books.iter().collect();
        rows.sort_by_key(|book| std::cmp::Reverse((book.volume, book.orders)));
        let blank = || "-".to_owned();
        for book in rows.iter().take(TOPS_SHOWN) {
            table.add_row([
                book.symbol.clone(),
                book.state.clone(),
                book.bid_qty.map_or_else(blank, thousands),
                book.bid.clone().unwrap_or_else(blank),
                book.ask.clone().unwrap_or_else(blank),
                book.ask_qty.map_or_else(blank, thousands),
                thousands(book.orders as u64),
                thousands(book.levels as u64),
                thousands(book.volume),
            ]);
        }
        let mut text = terminal::lines(&table);
        if TOPS_SHOWN < rows.len() {
            let _ = writeln!(text, "  and {} more", thousands((rows.len() - TOPS_SHOWN) as u64));
        }
        text.push('\n');
        text
    }
}

fn refused(played: &Played) -> u64 {
    let mirror = played.trade.feeds()[0].mirror();
    mirror.tally().faults + mirror.books().counters().refused()
}

fn books(trade: &Trade) -> impl Iterator<Item = Book> {
    let mirror = trade.feeds()[0].mirror();
    trade.symbols().iter().enumerate().map(move |(slot, symbol)| {
        // The roster's slots fit: it hands them out as u32.
        let instrument = InstrumentId::new(slot as u32);
        let books = mirror.books();
        let top = books.top(instrument);
        Book {
            symbol: symbol.to_string(),
            state: terminal::state_word(mirror.state(instrument)).to_owned(),
            orders: books.orders_of(instrument),
            levels: books.levels_of(instrument),
            bid: top.bid.map(|level| level.px.to_string()),
            bid_qty: top.bid.map(|level| level.qty.get()),
            ask: top.offer.map(|level| level.px.to_string()),
            ask_qty: top.offer.map(|level| level.qty.get()),
            volume: books.stats(instrument).volume.get(),
            state_hash: format!("{:016x}", books.state_hash(instrument, *symbol)),
        }
    })
}

/// A whole book: bids from the lowest, a line, offers from the lowest.
///
/// # Errors
/// No such instrument in the recording.
pub(super) fn whole_book(played: &[Played], symbol: Symbol) -> Result<String, Failure> {
    let found = played.iter().find_map(|played| Some((&played.trade, played.trade.find(symbol)?)));
    let (trade, instrument) = found.ok_or_else(|| not_there(symbol))?;
    let books = trade.feeds()[0].mirror().books();
    let side = |side| {
        let mut levels = Vec::new();
        books.levels(instrument, side, usize::MAX, |level| levels.push(level));
        levels
    };
    let mut text = String::new();
    for level in side(Side::Buy).iter().rev() {
        let _ = writeln!(text, "B {}: {}", level.px, level.qty);
    }
    text.push_str("-----\n");
    for level in side(Side::Sell) {
        let _ = writeln!(text, "S {}: {}", level.px, level.qty);
    }
    Ok(text)
}

/// A type byte as venues write it.
fn type_name(kind: u8) -> String {
    if kind.is_ascii_graphic() { char::from(kind).to_string() } else { format!("0x{kind:02x}") }
}
