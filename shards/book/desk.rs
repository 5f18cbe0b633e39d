//! What both kinds of book keep beside prices: staleness, trading state, trades.

use types::{Change, InstrumentId, ShortSale, Trading};

use crate::tape::Tape;
use crate::{Applied, Counters, Stats, Touched};

/// One instrument's share of it.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) stats: Stats,
    pub(crate) trading: Trading,
    pub(crate) short_sale: ShortSale,
    pub(crate) stale: bool,
    /// An event did not fit, and the book was not emptied since: the book is wrong, whatever the feed is.
    pub(crate) broken: bool,
}

impl Desk {
    /// Good, trading, nothing traded yet.
    pub(crate) const NEW: Self = Self {
        stats: Stats::NONE,
        trading: Trading::Open,
        short_sale: ShortSale::Free,
        stale: false,
        broken: false,
    };

    /// Marks the instrument; true where it was good.
    pub(crate) fn set_stale(&mut self, counters: &mut Counters) -> bool {
        let was_good = !self.stale;
        self.stale = true;
        counters.went_stale = counters.went_stale.wrapping_add(u64::from(was_good));
        was_good
    }

    /// Marks the instrument until its book is emptied; true where it was good.
    pub(crate) fn set_broken(&mut self, counters: &mut Counters) -> bool {
        self.broken = true;
        self.set_stale(counters)
    }

    /// Trusts the instrument again, unless an event did not fit its book.
    pub(crate) fn set_live(&mut self) {
        self.stale = self.broken;
    }

    /// Takes a change that touches no order and no level; of those that do it knows only that they
    /// came to the wrong kind of book.
    pub(crate) fn apply(
        &mut self,
        tape: &mut Tape,
        counters: &mut Counters,
        instrument: InstrumentId,
        change: &Change,
    ) -> Result<Touched, Applied> {
        let mut touched = Touched::nothing(instrument, Applied::Ok);
        match *change {
            Change::Trade { qty, px, match_no, printable } => {
                touched.traded = printable && 0 < qty.get();
                if touched.traded {
                    tape.print(&mut self.stats, instrument, match_no, qty, px);
                }
            }
            Change::Cross { qty, px, match_no, kind: _ } => {
                touched.traded = 0 < qty.get();
                if touched.traded {
                    tape.print(&mut self.stats, instrument, match_no, qty, px);
                }
            }
            Change::Bust { match_no } => {
                touched.traded = tape.bust(&mut self.stats, instrument, match_no);
                if !touched.traded {
                    counters.busts_missed = counters.busts_missed.wrapping_add(1);
                }
            }
            Change::Trading(trading) => {
                touched.status = self.trading != trading;
                self.trading = trading;
            }
            Change::ShortSale(short_sale) => {
                touched.status = self.short_sale != short_sale;
                self.short_sale = short_sale;
            }
            Change::Imbalance(_) | Change::Bands(_) => touched.applied = Applied::NotForBooks,
            Change::Add { .. }
            | Change::Execute { .. }
            | Change::ExecuteAt { .. }
            | Change::Reduce { .. }
            | Change::Delete { .. }
            | Change::Replace { .. }
            | Change::Level { .. } => return Err(Applied::Foreign),
        }
        Ok(touched)
    }
}
