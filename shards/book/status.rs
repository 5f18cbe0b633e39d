//! What is known of an instrument beside its orders: its state, its trading state, its trades.

use types::{Px, Qty, Trading};

use crate::Top;

/// What a book is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Bid below offer.
    Normal = 0,
    /// Bid equals offer.
    Locked = 1,
    /// Bid above offer.
    Crossed = 2,
    /// Bids alone, or offers alone.
    OneSided = 3,
    /// Neither.
    Empty = 4,
    /// Something was lost or did not fit: what the book shows may be wrong. Never quote on it.
    Stale = 5,
    /// The venue halted or paused the instrument.
    Halted = 6,
}

impl State {
    /// The state of a book: staleness first, then the venue's word, then the prices.
    pub fn of(stale: bool, trading: Trading, top: &Top) -> Self {
        if stale {
            return Self::Stale;
        }
        match trading {
            Trading::Halted | Trading::Paused => return Self::Halted,
            Trading::Open | Trading::QuoteOnly => {}
        }
        match (top.bid, top.offer) {
            (None, None) => Self::Empty,
            (Some(_), None) | (None, Some(_)) => Self::OneSided,
            (Some(bid), Some(offer)) if bid.px < offer.px => Self::Normal,
            (Some(bid), Some(offer)) if bid.px == offer.px => Self::Locked,
            (Some(_), Some(_)) => Self::Crossed,
        }
    }

    /// Whether its prices may be used: neither stale nor halted.
    pub const fn is_usable(self) -> bool {
        match self {
            Self::Normal | Self::Locked | Self::Crossed | Self::OneSided | Self::Empty => true,
            Self::Stale | Self::Halted => false,
        }
    }
}

/// An instrument's trades so far. Prints that do not count towards volume are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Price of the last print; `None` before the first. A bust does not bring the one before back.
    pub last_px: Option<Px>,
    /// Shares of the last print.
    pub last_qty: Qty,
    /// Shares of all prints, less those broken.
    pub volume: Qty,
    /// How many prints, less those broken.
    pub trades: u64,
}

impl Stats {
    /// Nothing traded yet.
    pub const NONE: Self =
        Self { last_px: None, last_qty: Qty::ZERO, volume: Qty::ZERO, trades: 0 };
}
