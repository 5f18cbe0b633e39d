//! From a ticker to its instrument: a table that is made once.

use alloc::vec;
use alloc::vec::Vec;

use types::{InstrumentId, Symbol};

use crate::Listing;

/// The table: at most half full, so that a stranger is soon told apart.
pub(crate) struct Symbols {
    /// Ticker and instrument; the number of no ticker is 0.
    entries: Vec<(u64, u32)>,
}

impl Symbols {
    /// # Panics
    /// Where two have the same ticker.
    pub(crate) fn new(listings: &[Listing]) -> Self {
        let len = (2 * listings.len()).next_power_of_two().max(2);
        let mut symbols = Self { entries: vec![(0, 0); len] };
        for (at, listing) in listings.iter().enumerate() {
            let number = listing.symbol.number();
            assert!(symbols.find(listing.symbol.to_wire()).is_none(), "{} twice", listing.symbol);
            let mut place = symbols.home(number);
            while symbols.entries[place].0 != 0 {
                place = (place + 1) % len;
            }
            symbols.entries[place] = (number, at as u32);
        }
        symbols
    }

    #[inline]
    fn home(&self, number: u64) -> usize {
        // The golden ratio: tickers differ in their first letters most, which are the highest bits.
        let mixed = (number ^ (number >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 32) as usize & (self.entries.len() - 1)
    }

    #[inline]
    pub(crate) fn find(&self, symbol: [u8; 8]) -> Option<InstrumentId> {
        let number = Symbol::from_wire(symbol).number();
        let mut place = self.home(number);
        loop {
            let (found, instrument) = self.entries[place];
            if found == 0 {
                return None;
            }
            if found == number {
                return Some(InstrumentId::new(instrument));
            }
            place = (place + 1) & (self.entries.len() - 1);
        }
    }
}
