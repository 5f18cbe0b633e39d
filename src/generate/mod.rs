//! Synthetic days of Nasdaq TotalView-ITCH 5.0: seeded, byte-identical, calibrated to published censuses.
//!
//! Stands in for recordings, which may not be passed on: the demo, the tests and the benches trade
//! on it. Knows nothing of how a day is sent. Message mix, activity by symbol, price distances and
//! lifetimes follow the published counts of 2019-01-30 and 2019-12-30.

mod command;
mod day;
pub(crate) mod dice;
mod file;
mod listing;
mod program;
mod quote;
mod resting;
mod tape;
#[cfg(test)]
mod truth;

pub use command::{FileOptions, command};
pub use day::Day;
pub use file::{Format, PCAP_GROUP, Written, session_of, write_day};

use crate::failure::Failure;

/// What a day is made from. The same options give the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Any number; another seed is another day.
    pub seed: u64,
    /// Instruments, 1 to 65,535.
    pub symbols: u16,
    /// Locate code of the first instrument, from 1; the others follow it.
    pub first_locate: u16,
    /// Messages of the whole day, exactly. A day too short for its directory ends within it.
    pub messages: u64,
    /// About how many orders rest once the book has filled; by default 200 an instrument, or fewer
    /// in a short day. At most 100 million.
    pub live_orders: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 1, symbols: 100, first_locate: 1, messages: 1_000_000, live_orders: None }
    }
}

impl Options {
    /// The most orders that may be asked to rest: some 4 GB of tables.
    const LIVE_MAX: u32 = 100_000_000;

    fn check(&self) -> Result<(), Failure> {
        if self.symbols == 0 || self.first_locate == 0 {
            return Err(Failure::usage(
                "a day needs at least one symbol, and locate codes start at 1",
            ));
        }
        if u16::MAX - self.first_locate < self.symbols - 1 {
            let (symbols, first) = (self.symbols, self.first_locate);
            return Err(Failure::usage(format!(
                "{symbols} symbols from locate code {first} on do not fit: the last code is 65535"
            )));
        }
        match self.live_orders {
            Some(live) if Self::LIVE_MAX < live => Err(Failure::usage(format!(
                "{live} live orders are too many: at most {} fit in memory",
                Self::LIVE_MAX
            ))),
            Some(_) | None => Ok(()),
        }
    }

    fn live_orders_or_default(&self) -> u32 {
        self.live_orders.unwrap_or_else(|| {
            let usual = u32::from(self.symbols) * 200;
            // While the book fills only adds can come: keep that a small part of the day.
            let short = u32::try_from(self.messages / 50).unwrap_or(u32::MAX);
            usual.min(short)
        })
    }
}
