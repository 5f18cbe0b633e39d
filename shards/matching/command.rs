//! What a market is asked to do. Knows no protocol and no account: whoever asks was let in before.

use core::fmt;

use types::{AccountId, FirmId, InstrumentId, Side};

/// A price as a count of its instrument's ticks. What one is worth is the tick table's to say; a
/// count may be negative, as prices of spreads are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Tick(i64);

impl Tick {
    /// From a count.
    pub const fn new(count: i64) -> Self {
        Self(count)
    }

    /// The count.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// By which number whoever entered an order names it: one live order has it at a time.
///
/// The port deals it, near-dense (its own number above the client's counter, say): numbers that a
/// client could choose freely could be chosen to collide in the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct OrderKey(u64);

impl OrderKey {
    /// From the raw number.
    pub const fn new(raw: u64) -> Self {
        Self(raw)
    }

    /// The raw number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// How far an order may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// To this price and no worse.
    Limit(Tick),
    /// To whatever is there. What cannot be filled at once is cancelled.
    Market,
    /// To the other side's best price at its entry and no worse: that is its limit, and what is left
    /// of it rests there. Where nothing is shown on the other side it is cancelled, as a market order is.
    MarketToLimit,
}

/// What becomes of the part that cannot be filled at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It rests until it is filled or cancelled.
    Rest,
    /// It rests, but the order is refused where any part of it would be filled at once.
    PostOnly,
    /// It is cancelled; all of it where fewer than `min_qty` shares could be filled. A minimum of the
    /// whole order is fill-or-kill.
    Immediate {
        /// In shares; 0 for any part.
        min_qty: u32,
    },
}

/// One account, as a book sees it. By its place in the table that [`crate::Market::new`] is given it is
/// an [`AccountId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whose orders it must not trade with: those of accounts with the same number; 0 for anybody's.
    /// A number of its own prevents self-match by account, a shared one by group.
    pub group: u32,
    /// Whose customer it is, for price-broker-time priority.
    pub firm: FirmId,
}

/// What happens where an order would trade with another of the same group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelfMatch {
    /// They trade.
    #[default]
    Allow,
    /// The resting one is cancelled, and the incoming one goes on.
    CancelOldest,
    /// The incoming one is cancelled.
    CancelNewest,
    /// Both are cancelled.
    CancelBoth,
    /// Both shrink by the smaller of the two, without a trade; what has nothing left is cancelled.
    Decrement,
}

/// An order to enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Its number, which no live order may have.
    pub key: OrderKey,
    /// The book it is for.
    pub instrument: InstrumentId,
    /// Bid or offer.
    pub side: Side,
    /// In shares; at least 1.
    pub qty: u32,
    /// How far it may go.
    pub price: Price,
    /// What becomes of the rest of it.
    pub standing: Standing,
    /// Whose it is.
    pub account: AccountId,
    /// What happens where it meets its own group.
    pub self_match: SelfMatch,
}

/// A live order to change. Side, instrument and account stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replace {
    /// The order as it is.
    pub old: OrderKey,
    /// Its number from here on: the same, or one that no live order has.
    pub new: OrderKey,
    /// The shares that are to be open; at least 1.
    pub qty: u32,
    /// Its limit from here on.
    pub tick: Tick,
    /// It is refused where any part of it would be filled at once.
    pub post_only: bool,
    /// What happens where it meets its own group.
    pub self_match: SelfMatch,
}
