//! The best bid and offer, and one price level as anyone outside sees it.

use types::{Px, Qty, Side};

/// A price level: all that is displayed at one price on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Its price.
    pub px: Px,
    /// All the shares displayed there.
    pub qty: Qty,
    /// How many orders make them up; 0 where the venue shows no single orders.
    pub orders: u32,
}

/// The best bid and offer of one instrument at one venue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Top {
    /// The highest bid.
    pub bid: Option<Level>,
    /// The lowest offer.
    pub offer: Option<Level>,
}

impl Top {
    /// Neither bid nor offer.
    pub const EMPTY: Self = Self { bid: None, offer: None };

    /// The best level of `side`.
    pub const fn side(&self, side: Side) -> Option<Level> {
        match side {
            Side::Buy => self.bid,
            Side::Sell => self.offer,
        }
    }
}
