//! What came of a command. Knows no protocol: a port says it in its own words.

use types::Side;

use crate::{OrderKey, Tick};

/// Why an order was not taken, or not changed. The number goes to the journal: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Refused {
    /// No such instrument.
    Instrument = 1,
    /// No shares.
    Qty = 2,
    /// So far from the instrument's reference that no book has a place for it.
    Price = 3,
    /// A live order has this number.
    DuplicateKey = 4,
    /// No live order has this number: filled, cancelled, or never seen.
    NotLive = 5,
    /// Post-only, and it would trade.
    WouldTrade = 6,
    /// Every place for an order is taken.
    OrdersFull = 7,
    /// Every place for a price far from the reference is taken.
    LevelsFull = 8,
}

/// Why an order ended before it was filled. The number goes to the journal: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ended {
    /// Its owner asked.
    Asked = 1,
    /// Immediate, and nothing more was there.
    Immediate = 2,
    /// Immediate, and less was there than its minimum.
    MinQty = 3,
    /// It met an order of its own group.
    SelfMatch = 4,
    /// It was to be changed to something that is refused.
    Refused = 5,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// An order was taken. Its fills follow.
    Accepted {
        /// The order.
        order: OrderKey,
        /// Its side.
        side: Side,
        /// Its limit; `None` for a market order.
        tick: Option<Tick>,
        /// Its shares.
        qty: u32,
    },
    /// An order was not taken, or a live one not cancelled or changed. Nothing else happened, unless
    /// a live order ends now because of what it was to become.
    Refused {
        /// The order.
        order: OrderKey,
        /// Why.
        why: Refused,
    },
    /// An order was changed, and lost its place in the queue unless `kept`. Its fills follow.
    Replaced {
        /// As it was.
        old: OrderKey,
        /// As it is.
        new: OrderKey,
        /// Its side.
        side: Side,
        /// Its limit.
        tick: Tick,
        /// Its open shares.
        qty: u32,
        /// It kept its place in the queue.
        kept: bool,
    },
    /// Two orders traded, at the price of the one that rested.
    Filled {
        /// The order that rested.
        maker: OrderKey,
        /// The order that came.
        taker: OrderKey,
        /// The taker's side.
        side: Side,
        /// The price.
        tick: Tick,
        /// The shares.
        qty: u32,
        /// What is open of the maker afterwards.
        maker_leaves: u32,
        /// What is open of the taker afterwards.
        taker_leaves: u32,
    },
    /// An order, resting or incoming, shrank without a trade, by self-match prevention.
    Decremented {
        /// The order.
        order: OrderKey,
        /// By how many shares.
        qty: u32,
        /// What is open afterwards; more than none.
        leaves: u32,
    },
    /// An order ended.
    Cancelled {
        /// The order.
        order: OrderKey,
        /// Its side.
        side: Side,
        /// Its limit; `None` for a market order.
        tick: Option<Tick>,
        /// What was open of it.
        qty: u32,
        /// Why.
        why: Ended,
    },
}

/// Where reports go, in the order in which things happened. It only takes them: nothing it does can
/// reach the market. A command gives at most three reports and one for each order that rests on the
/// other side.
pub trait Out {
    /// Takes one.
    fn push(&mut self, report: Report);
}

/// All of them, as many as fit in memory: for tests and the cold side.
impl Out for alloc::vec::Vec<Report> {
    #[inline]
    fn push(&mut self, report: Report) {
        alloc::vec::Vec::push(self, report);
    }
}
