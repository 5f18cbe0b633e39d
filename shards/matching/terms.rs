//! What an order may ask for beyond a price, a side and a number of shares. Most orders ask for
//! none of it, and none of it is on their path.

use types::{InstrumentId, Nanos, Side};

use crate::{NewOrder, OrderKey, Tick};

/// An order with its terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// What every order has.
    pub new: NewOrder,
    /// What few have.
    pub terms: Terms,
}

/// The terms of an order. [`Terms::PLAIN`] asks for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How much of it is shown while it rests.
    pub display: Display,
    /// Shares below which it does not trade; 0 for any. Only what is hidden has one, and it is no more
    /// than its shares. When it comes it fills so many at once, or rests without a trade; while it rests
    /// it trades with an order of so many open shares, or of as many as are left of its own.
    pub min_qty: u32,
    /// Its price follows a quote, and its limit, if it has one, is the worst it may become.
    pub peg: Option<Peg>,
    /// It rests at its limit, and trades up to here with whoever comes. Not with a reserve, a minimum, a
    /// peg or an immediate order.
    pub discretion: Option<Tick>,
    /// It waits until a trade at this price or a worse one for it.
    pub stop: Option<Tick>,
    /// Which trading it is for.
    pub trading: Trading,
    /// When what is left of it ends; [`Nanos::MAX`] for the end of the day.
    pub expires: Nanos,
}

impl Terms {
    /// Shown whole, good for the day, in continuous trading.
    pub const PLAIN: Self = Self {
        display: Display::Whole,
        min_qty: 0,
        peg: None,
        discretion: None,
        stop: None,
        trading: Trading::Any,
        expires: Nanos::MAX,
    };

    /// Whether it asks for nothing.
    #[inline]
    pub fn is_plain(&self) -> bool {
        *self == Self::PLAIN
    }
}

/// How much of a resting order is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Display {
    /// All of it.
    Whole,
    /// So many shares at a time. What was shown and is gone is shown again, at the end of the queue. In at
    /// most 10,000 parts, and not with a peg.
    Reserve {
        /// In shares, at least 1.
        show: u32,
        /// By how many shares each showing may lie above or below; 0 for none.
        random: u32,
    },
    /// None of it: it trades after all that is shown at its price.
    Hidden,
}

/// A price that follows a quote: the consolidated one where the market is told one, its own
/// otherwise. A pegged order is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peg {
    /// To what.
    pub to: PegTo,
    /// How many ticks less eager than that; may be negative for [`PegTo::Primary`] only.
    pub offset: i32,
}

/// What a peg follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PegTo {
    /// The best price of its own side.
    Primary,
    /// The best price of the other side.
    Market,
    /// Half way between the two.
    Midpoint,
}

/// Which trading an order is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trading {
    /// Whatever there is: it waits in the book for a cross, and trades continuously after it.
    Any,
    /// The opening cross alone.
    AtOpen,
    /// The closing cross alone.
    AtClose,
}

/// Which orders a mass cancel takes, of one instrument or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those of one side.
    Side(Side),
    /// Those of one account.
    Account(types::AccountId),
    /// Those with numbers from the one to the other, both included.
    Keys(OrderKey, OrderKey),
    /// Those of one side with limits from the one to the other, both included.
    Ticks(Side, Tick, Tick),
}

/// Where an instrument stands in its day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Nothing is taken.
    #[default]
    Closed = 0,
    /// Orders are taken and wait for the opening cross.
    PreOpen = 1,
    /// Orders trade as they come.
    Continuous = 2,
    /// Nothing trades; orders may be cancelled only.
    Halted = 3,
    /// After a halt: orders are taken and wait for the cross that ends it.
    PreReopen = 4,
    /// After a limit was held too long: as [`Phase::PreReopen`].
    Paused = 5,
}

/// What the one who runs the market asks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Orders are taken from now on.
    PreOpen,
    /// The opening cross, then continuous trading.
    Open,
    /// Nothing trades from now on.
    Halt,
    /// After a halt, orders are taken again.
    PreReopen,
    /// The cross that ends a halt or a pause, then continuous trading.
    Reopen,
    /// The closing cross, then nothing; orders for the day end.
    Close,
}

/// A cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cross {
    /// At the open.
    Opening = 1,
    /// After a halt or a pause.
    Reopening = 2,
    /// At the close.
    Closing = 3,
    /// In the day, at the midpoint of the consolidated quote, at a time that nobody knows before.
    Dark = 4,
}

/// The best prices elsewhere and here, as pegs and midpoints are measured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// Best bid.
    pub bid: Option<Tick>,
    /// Best offer.
    pub offer: Option<Tick>,
}

/// What a cross would do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indication {
    /// The book.
    pub instrument: InstrumentId,
    /// Which cross.
    pub cross: Cross,
    /// Shares that would pair at `reference`.
    pub paired: u64,
    /// Shares that would be left over there.
    pub imbalance: u64,
    /// On which side; `None` where none would.
    pub side: Option<Side>,
    /// Where the cross would be with its own orders alone.
    pub far: Option<Tick>,
    /// Where it would be with all orders.
    pub near: Option<Tick>,
    /// The price within the best bid and offer at which `paired` is most.
    pub reference: Option<Tick>,
}
