//! The trades of one venue's instruments: the statistics, and the memory that a bust needs.

use alloc::vec;
use alloc::vec::Vec;
use types::{InstrumentId, MatchNo, Px, Qty};

use crate::Stats;

/// How many prints a venue's tape remembers, over all instruments. A bust names an execution of the
/// last minutes as a rule; an older one is counted as missed and its volume stays.
pub const PRINTS_MAX: usize = 16_384;

/// One print that may still be broken.
#[derive(Clone, Copy)]
struct Print {
    match_no: MatchNo,
    qty: Qty,
    /// `None` once broken, so that it is not taken back twice.
    instrument: Option<InstrumentId>,
}

/// The last prints, in a ring.
pub(crate) struct Tape {
    prints: Vec<Print>,
    next: usize,
}

impl Tape {
    pub(crate) fn new() -> Self {
        let none = Print { match_no: MatchNo::new(0), qty: Qty::ZERO, instrument: None };
        Self { prints: vec![none; PRINTS_MAX], next: 0 }
    }

    /// Counts a print of at least one share into `stats` and remembers it.
    pub(crate) fn print(
        &mut self,
        stats: &mut Stats,
        instrument: InstrumentId,
        match_no: MatchNo,
        qty: Qty,
        px: Px,
    ) {
        stats.last_px = Some(px);
        stats.last_qty = qty;
        stats.volume = Qty::new(stats.volume.get().saturating_add(qty.get()));
        stats.trades += 1;
        if let Some(print) = self.prints.get_mut(self.next) {
            *print = Print { match_no, qty, instrument: Some(instrument) };
        }
        self.next = (self.next + 1) % PRINTS_MAX;
    }

    /// Takes a broken execution back; false where it is not, or no longer, remembered. Walks the
    /// whole ring at worst, some microseconds; there are a handful a year.
    pub(crate) fn bust(
        &mut self,
        stats: &mut Stats,
        instrument: InstrumentId,
        match_no: MatchNo,
    ) -> bool {
        let broken =
            |print: &&mut Print| print.match_no == match_no && print.instrument == Some(instrument);
        let mut found = false;
        // One execution may have several prints: an incoming order that met several resting ones.
        for print in self.prints.iter_mut().filter(broken) {
            print.instrument = None;
            stats.volume = Qty::new(stats.volume.get().saturating_sub(print.qty.get()));
            stats.trades = stats.trades.saturating_sub(1);
            found = true;
        }
        found
    }
}
