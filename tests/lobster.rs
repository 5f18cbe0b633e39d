//! Recorded books, row by row: every message/orderbook pair of a folder against the books by order.
//!
//! A LOBSTER pair is a day of one symbol: line by line, a message and the best N levels after it.
//! Source: LOBSTER, "Output structure". A file of N levels holds only the messages that touch them,
//! so what is further out is not known: the book is seeded from the first row, and when a level comes
//! into view because another went, what the file shows of it is adopted. All else is compared.

use std::collections::HashMap;
use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use book::l3::{Books, Capacity};
use book::{Applied, State};
use flate2::read::MultiGzDecoder;
use types::{Change, InstrumentId, MarketEvent, MatchNo, Nanos, OrderRef, Px, Qty, Side};

use crate::kit::recorded;

const INSTRUMENT: InstrumentId = InstrumentId::new(0);
/// Numbers from here on are ours: for the shares of orders whose own numbers the file never gave.
const UNNAMED: u64 = 1 << 63;

#[test]
fn every_level_of_every_row_of_recorded_books_matches() {
    let folder = match env::var_os("RIALTO_LOBSTER") {
        Some(folder) => PathBuf::from(folder),
        None => match recorded("lobster") {
            Some(folder) => folder,
            None => return,
        },
    };
    let pairs = pairs_in(&folder);
    assert!(
        !pairs.is_empty(),
        "no *_message_N.csv[.gz] with its orderbook in {}",
        folder.display()
    );
    let mut faults = 0;
    for (messages, levels) in pairs {
        let name = messages.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let result = compare(&messages, &levels);
        println!(
            "{name}: {} rows, {} comparisons, {} adopted, {} differences",
            result.rows, result.compared, result.adopted, result.differences
        );
        assert!(0 < result.compared, "{name}: nothing compared");
        faults += result.differences;
    }
    assert_eq!(faults, 0, "the books differ from the recorded ones");
}

/// Message files that have an orderbook beside them.
fn pairs_in(folder: &Path) -> Vec<(PathBuf, PathBuf)> {
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|fault| panic!("cannot read {}: {fault}", folder.display()));
    let mut pairs: Vec<(PathBuf, PathBuf)> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let (stem, rest) = name.rsplit_once("_message_")?;
            let level = rest.trim_end_matches(".gz").trim_end_matches(".csv");
            let plain = folder.join(format!("{stem}_orderbook_{level}.csv"));
            let packed = folder.join(format!("{stem}_orderbook_{level}.csv.gz"));
            let levels = [plain, packed].into_iter().find(|other| other.exists());
            Some((path.clone(), levels.unwrap_or_else(|| panic!("{name} has no orderbook"))))
        })
        .collect();
    pairs.sort();
    pairs
}

fn lines(path: &Path) -> impl Iterator<Item = String> {
    let file = File::open(path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    let bytes: Box<dyn Read> = if path.extension().is_some_and(|kind| kind == "gz") {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let path = path.to_owned();
    BufReader::new(bytes)
        .lines()
        .map(move |line| line.unwrap_or_else(|fault| panic!("{}: {fault}", path.display())))
}

fn numbers(line: &str) -> Vec<i64> {
    line.trim_end()
        .split(',')
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{text:?} in {line:?} is no number")))
        .collect()
}

/// One line of a message file.
struct Message {
    kind: i64,
    order: OrderRef,
    qty: Qty,
    px: Px,
    side: Side,
}

fn message(line: &str) -> Message {
    // The first column is the time, with decimals; a halt has a seventh, which says nothing here.
    let (_, rest) = line.split_once(',').unwrap_or_else(|| panic!("{line:?} has one column"));
    let columns: Vec<i64> =
        rest.trim_end().split(',').take(5).map_while(|c| c.parse().ok()).collect();
    let [kind, order, qty, px, side] = columns[..] else { panic!("{line:?} is no message") };
    Message {
        kind,
        order: OrderRef::new(order.unsigned_abs()),
        qty: Qty::new(qty.unsigned_abs()),
        px: Px::from_raw(px * 10_000),
        side: if side == 1 { Side::Buy } else { Side::Sell },
    }
}

/// One side of one line of an orderbook file, best first; levels that are not there left out.
fn window(row: &[i64], side: Side) -> Vec<(Px, Qty)> {
    let from = match side {
        Side::Sell => 0,
        Side::Buy => 2,
    };
    // A missing level has a price beyond all prices and no shares.
    let level =
        |level: &[i64]| (Px::from_raw(level[from] * 10_000), level[from + 1].unsigned_abs());
    row.chunks_exact(4)
        .map(level)
        .filter(|&(_, qty)| qty != 0)
        .map(|(px, qty)| (px, Qty::new(qty)))
        .collect()
}

#[derive(Default)]
struct Outcome {
    rows: u64,
    compared: u64,
    adopted: u64,
    differences: u64,
}

/// The book under test, and the stand-ins for orders that the file does not name.
struct Recorded {
    books: Books,
    unnamed: HashMap<(Side, Px), OrderRef>,
    next: u64,
}

impl Recorded {
    fn new() -> Self {
        let capacity = Capacity { instruments: 1, orders: 200_000, levels: 50_000 };
        Self { books: Books::new(capacity), unnamed: HashMap::new(), next: UNNAMED }
    }

    fn apply(&mut self, change: Change) {
        let event = MarketEvent { time: Nanos::ZERO, instrument: INSTRUMENT, change };
        let touched = self.books.apply(&event);
        assert_eq!(touched.applied, Applied::Ok, "{event:?}");
    }

    fn on_message(&mut self, m: &Message) {
        let known = self.books.order(m.order).is_some();
        let (order, qty) = (m.order, m.qty);
        let match_no = MatchNo::new(0);
        match m.kind {
            1 => self.apply(Change::Add { order, side: m.side, qty, px: m.px }),
            2 if known => self.apply(Change::Reduce { order, qty }),
            3 if known => self.apply(Change::Delete { order }),
            4 if known => self.apply(Change::Execute { order, qty, match_no }),
            // Rested before the file begins, or came while its level was out of view.
            2..=4 => {
                if let Some(&order) = self.unnamed.get(&(m.side, m.px)) {
                    self.apply(Change::Reduce { order, qty });
                }
            }
            // An execution against a hidden order, a cross, a halt: no displayed order is touched.
            5..=7 => {}
            kind => panic!("{kind} is no message type of the format"),
        }
    }

    /// Makes one level what the file shows of it; whatever was thought to lie before it is gone.
    fn adopt(&mut self, side: Side, place: usize, px: Px, qty: Qty) {
        let better = |other: Px| match side {
            Side::Buy => px <= other,
            Side::Sell => other <= px,
        };
        let shown: Vec<Px> = self.books.depth(INSTRUMENT, side).skip(place).map(|l| l.px).collect();
        let orders: Vec<_> = self.books.orders(INSTRUMENT, side).collect();
        for gone in shown.into_iter().filter(|&other| better(other)) {
            for order in orders.iter().filter(|order| order.px == gone) {
                self.apply(Change::Delete { order: order.order });
            }
        }
        self.next += 1;
        let order = OrderRef::new(self.next);
        self.unnamed.insert((side, px), order);
        self.apply(Change::Add { order, side, qty, px });
    }
}

fn compare(messages: &Path, levels: &Path) -> Outcome {
    let (mut outcome, mut recorded) = (Outcome::default(), Recorded::new());
    let mut before: [Vec<Px>; 2] = Default::default();
    let mut rows = lines(levels);
    for (line, text) in lines(messages).enumerate() {
        let row = rows.next().unwrap_or_else(|| panic!("{} ends early", levels.display()));
        let (m, row) = (message(&text), numbers(&row));
        outcome.rows += 1;
        if line != 0 {
            recorded.on_message(&m);
        }
        for side in Side::BOTH {
            let shown = window(&row, side);
            for (place, &(px, qty)) in shown.iter().enumerate() {
                // Came into view because another level went, not because an order came.
                let joined = m.kind == 1 && m.side == side && m.px == px;
                let in_view = before[side as usize].contains(&px);
                if line == 0 || !(in_view || joined) {
                    recorded.adopt(side, place, px, qty);
                    outcome.adopted += 1;
                    continue;
                }
                outcome.compared += 1;
                let level = recorded.books.depth(INSTRUMENT, side).nth(place);
                if level.map(|level| (level.px, level.qty)) != Some((px, qty)) {
                    outcome.differences += 1;
                    if outcome.differences <= 10 {
                        println!(
                            "line {}, {side:?} level {}: book {level:?}, file {px} {qty}",
                            line + 1,
                            place + 1
                        );
                    }
                }
            }
            before[side as usize] = shown.into_iter().map(|(px, _)| px).collect();
        }
    }
    assert!(rows.next().is_none(), "{} has rows without messages", levels.display());
    assert_ne!(recorded.books.state(INSTRUMENT), State::Stale);
    outcome
}
