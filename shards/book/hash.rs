//! State hash: one number that two copies of a book share exactly when they show the same.
//!
//! A book's hash is xxh64 over what it shows, keyed by the symbol. A set of books is the wrapping
//! sum of its members, so it does not depend on how they are spread over shards, on slot numbers
//! or on where an arena put what. An empty good book is 0: an instrument nobody quoted adds nothing.

use types::{Px, Side, Symbol};
use xxhash_rust::xxh64::Xxh64;

/// Hashes one book, best level first, bids before offers.
pub struct BookHash {
    state: Xxh64,
    blank: bool,
}

impl BookHash {
    /// A book with nothing in it yet.
    pub fn new(symbol: Symbol, stale: bool) -> Self {
        let mut state = Xxh64::new(0);
        state.update(&symbol.to_wire());
        state.update(&[u8::from(stale)]);
        Self { state, blank: !stale }
    }

    /// The next level of `side`; `orders` calls of [`BookHash::order`] follow, or one of
    /// [`BookHash::shares`] where the venue shows no single orders and `orders` is 0. The count is
    /// hashed, so that no order can be taken for the beginning of a level.
    pub fn level(&mut self, side: Side, px: Px, orders: u32) {
        self.blank = false;
        self.state.update(&[side as u8]);
        self.state.update(&px.raw().to_le_bytes());
        self.state.update(&orders.to_le_bytes());
    }

    /// The next order in the queue of the last level.
    pub fn order(&mut self, order: u64, qty: u64) {
        self.state.update(&order.to_le_bytes());
        self.state.update(&qty.to_le_bytes());
    }

    /// All the shares of the last level, where the venue shows no single orders.
    pub fn shares(&mut self, qty: u64) {
        self.state.update(&qty.to_le_bytes());
    }

    /// The hash; 0 for an empty good book.
    pub fn finish(&self) -> u64 {
        if self.blank { 0 } else { self.state.digest() }
    }
}

/// The hash of a set of books from the hashes of its parts, in any order and any grouping.
pub fn combine(parts: impl IntoIterator<Item = u64>) -> u64 {
    parts.into_iter().fold(0, u64::wrapping_add)
}
