//! Market events: what every venue's messages become before a book or a strategy sees them.
//!
//! A venue without a word for something never sends that variant; none has a variant of its own.

use crate::{InstrumentId, MatchNo, Nanos, OrderRef, Px, Qty, Side};

/// One change of one instrument at one venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketEvent {
    /// When the venue says it happened, as the venue counts: Nasdaq from midnight in New York, IEX
    /// from the epoch. Not to be compared between venues; the loop's own `now` is.
    pub time: Nanos,
    /// Which instrument, by its slot on this shard.
    pub instrument: InstrumentId,
    /// What happened.
    pub change: Change,
}

/// What happened to an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A displayed order joined the back of its price level.
    Add {
        /// Its number.
        order: OrderRef,
        /// Its side.
        side: Side,
        /// Displayed shares.
        qty: Qty,
        /// Limit price.
        px: Px,
    },
    /// A displayed order traded at its own price.
    Execute {
        /// The resting order.
        order: OrderRef,
        /// Shares traded.
        qty: Qty,
        /// The execution.
        match_no: MatchNo,
    },
    /// A displayed order traded at another price than its own.
    ExecuteAt {
        /// The resting order.
        order: OrderRef,
        /// Shares traded.
        qty: Qty,
        /// The price it traded at.
        px: Px,
        /// The execution.
        match_no: MatchNo,
        /// Counts towards volume; false where a cross message will report it in bulk.
        printable: bool,
    },
    /// A displayed order lost shares and kept its place.
    Reduce {
        /// The order.
        order: OrderRef,
        /// Shares taken away, not what is left.
        qty: Qty,
    },
    /// A displayed order left the book.
    Delete {
        /// The order.
        order: OrderRef,
    },
    /// A displayed order was replaced; the new one keeps the side and joins the back of its level.
    Replace {
        /// The order that left.
        old: OrderRef,
        /// The order that came.
        new: OrderRef,
        /// Displayed shares of the new one.
        qty: Qty,
        /// Limit price of the new one.
        px: Px,
    },
    /// A price level has this quantity now; zero removes it. Venues that show no single orders.
    Level {
        /// Its side.
        side: Side,
        /// Its price.
        px: Px,
        /// All the shares displayed there.
        qty: Qty,
        /// The last of the updates that belong together: the book is consistent again.
        settled: bool,
    },
    /// A trade that touched no displayed order.
    Trade {
        /// Shares traded.
        qty: Qty,
        /// Price.
        px: Px,
        /// The execution.
        match_no: MatchNo,
        /// Counts towards volume.
        printable: bool,
    },
    /// An auction's bulk print.
    Cross {
        /// Shares matched in it; zero where nothing paired.
        qty: Qty,
        /// Its single price.
        px: Px,
        /// The execution.
        match_no: MatchNo,
        /// Which auction.
        kind: CrossKind,
    },
    /// An earlier execution was broken: statistics take it back, books do not change.
    Bust {
        /// The execution.
        match_no: MatchNo,
    },
    /// An auction's indication before it runs.
    Imbalance(Imbalance),
    /// The trading state changed.
    Trading(Trading),
    /// The short-sale price test changed.
    ShortSale(ShortSale),
    /// The prices between which an auction may run.
    Bands(Bands),
}

/// Which auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrossKind {
    /// At the open.
    Open,
    /// At the close.
    Close,
    /// After a halt, or of a new listing.
    Halt,
    /// In the day, on demand or scheduled.
    Intraday,
    /// After the close, at the closing price.
    AfterHours,
}

/// An auction's indication: what would pair now, and at which price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imbalance {
    /// Shares that would pair at `reference`.
    pub paired: Qty,
    /// Shares that would stay unpaired.
    pub unpaired: Qty,
    /// The side with more; `None` where there is no imbalance or too few orders to say.
    pub side: Option<Side>,
    /// The price the auction would run at with auction orders alone.
    pub far: Px,
    /// The price the auction would run at with continuous orders too.
    pub near: Px,
    /// The price at which `paired` holds.
    pub reference: Px,
    /// Which auction.
    pub kind: CrossKind,
}

/// The trading state of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Trading {
    /// Continuous trading.
    Open = 0,
    /// No trading, no quotes.
    Halted = 1,
    /// A volatility pause.
    Paused = 2,
    /// Quotes are taken, trades not yet.
    QuoteOnly = 3,
}

/// The short-sale price test (Reg SHO).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ShortSale {
    /// None.
    Free = 0,
    /// Came into force today.
    Restricted = 1,
    /// Carried over from the day before.
    StillRestricted = 2,
}

/// The prices between which an auction may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bands {
    /// The price they are around.
    pub reference: Px,
    /// The lowest.
    pub lower: Px,
    /// The highest.
    pub upper: Px,
}
