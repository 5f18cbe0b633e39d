//! What came of a command. Knows no protocol: a port says it in its own words.

use types::{InstrumentId, Side};

use crate::{Cross, Indication, OrderKey, Phase, Tick};

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
    /// No such account.
    Account = 9,
    /// The instrument takes no orders of this kind now, or none at all.
    Phase = 10,
    /// These terms do not go together, or not here.
    Terms = 11,
    /// Outside the prices between which the instrument may trade now.
    Band = 12,
    /// Every place for an order with terms is taken.
    TermsFull = 13,
    /// A peg, and there is no quote to follow.
    Quote = 14,
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
    /// The day is over.
    Closed = 6,
    /// Its time was over.
    Expired = 7,
    /// It was for a cross alone, which is over.
    NotCrossed = 8,
    /// It stood beyond the prices between which the instrument may trade.
    Band = 9,
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
    /// An order was changed, and lost its place in the queue unless `kept`. Its fills follow. Of one that
    /// kept it, as much is shown as before, or all that is open where that is less.
    Replaced {
        /// As it was.
        old: OrderKey,
        /// As it is.
        new: OrderKey,
        /// Its side.
        side: Side,
        /// Its limit; for a peg without one the tick at or below where it stands.
        tick: Tick,
        /// Its open shares.
        qty: u32,
        /// It kept its place in the queue.
        kept: bool,
    },
    /// What is open of an order went to the end of the queue at its price; of a reserve, each time that
    /// its next part is shown.
    Rested {
        /// The order.
        order: OrderKey,
        /// Its side.
        side: Side,
        /// Its limit; for a peg without one the tick at or below where it stands.
        tick: Tick,
        /// Its open shares.
        qty: u32,
        /// How many of them are shown: 0 where it is hidden.
        shown: u32,
    },
    /// The trade that a stop order waited for has come: it is an order like others now, and what follows
    /// from it follows.
    Triggered {
        /// The order.
        order: OrderKey,
    },
    /// Two orders traded, at the price of the one that rested; where that one used its discretion, at
    /// the limit of the one that came. Of two hidden ones that rested, the later one came.
    Filled {
        /// The order that rested.
        maker: OrderKey,
        /// The order that came.
        taker: OrderKey,
        /// The taker's side.
        side: Side,
        /// The price.
        tick: Tick,
        /// The price is half a tick above `tick`: a midpoint.
        half: bool,
        /// The maker was not shown.
        hidden: bool,
        /// The shares.
        qty: u32,
        /// What is open of the maker afterwards.
        maker_leaves: u32,
        /// What is open of the taker afterwards.
        taker_leaves: u32,
    },
    /// Two orders traded in a cross.
    Crossed {
        /// The bid.
        buy: OrderKey,
        /// The offer.
        sell: OrderKey,
        /// The price of the cross.
        tick: Tick,
        /// The price is half a tick above `tick`.
        half: bool,
        /// The shares.
        qty: u32,
        /// What is open of the bid afterwards.
        buy_leaves: u32,
        /// What is open of the offer afterwards.
        sell_leaves: u32,
    },
    /// A cross is over: all its [`Report::Crossed`] came before.
    Uncrossed {
        /// The instrument.
        instrument: InstrumentId,
        /// Which cross.
        cross: Cross,
        /// Its price; `None` where nothing paired.
        tick: Option<Tick>,
        /// The price is half a tick above `tick`.
        half: bool,
        /// The shares of one side.
        qty: u64,
    },
    /// What a cross would do now.
    Indicated(Indication),
    /// The prices between which an instrument may trade have changed.
    Bands {
        /// The instrument.
        instrument: InstrumentId,
        /// The lowest.
        lower: Tick,
        /// The highest.
        upper: Tick,
    },
    /// The prices between which the next cross may be.
    Collar {
        /// The instrument.
        instrument: InstrumentId,
        /// What they lie around.
        reference: Tick,
        /// The lowest.
        lower: Tick,
        /// The highest.
        upper: Tick,
    },
    /// The best price of a side stands at a band, or no more.
    LimitState {
        /// The instrument.
        instrument: InstrumentId,
        /// The side whose price is at its band; `None`: no more.
        side: Option<Side>,
    },
    /// An order, resting or incoming, shrank without a trade, by self-match prevention. Of a resting one
    /// as much is shown as before, or all that is open where that is less.
    Decremented {
        /// The order.
        order: OrderKey,
        /// By how many shares.
        qty: u32,
        /// What is open afterwards; more than none.
        leaves: u32,
    },
    /// A resting order shrank because its owner asked, and kept its place in the queue. As much of it is
    /// shown as before, or all that is open where that is less.
    Reduced {
        /// The order.
        order: OrderKey,
        /// By how many shares.
        qty: u32,
        /// What is open afterwards; more than none.
        leaves: u32,
    },
    /// An instrument is in another phase of its day.
    Phase {
        /// The instrument.
        instrument: InstrumentId,
        /// Where it stands now.
        phase: Phase,
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
/// reach the market. A command to a book gives at most four reports and two for each order that rests
/// on the other side; of a reserve two for each of its parts, of which there are 10,000 at most; what it
/// wakes gives at most two more for each hidden order. One that triggers stops gives a few and that many
/// more for each of them; a cross, at most three for each order of its instrument.
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
