//! What one event did to the books, and the counts of what did not fit.

use types::InstrumentId;

/// What one event did. Small, so that it travels in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    /// Whose book, by slot.
    pub instrument: InstrumentId,
    /// Whether the event was taken, or why not.
    pub applied: Applied,
    /// The best bid or offer is another one, or has other shares or orders.
    pub top: bool,
    /// Anything that the book shows changed, at any depth.
    pub book: bool,
    /// The trade statistics changed.
    pub traded: bool,
    /// Staleness, the trading state or the short-sale test changed.
    pub status: bool,
}

impl Touched {
    /// Nothing changed.
    pub(crate) const fn nothing(instrument: InstrumentId, applied: Applied) -> Self {
        Self { instrument, applied, top: false, book: false, traded: false, status: false }
    }
}

/// Whether an event was taken. The number goes to counters and records: append, never renumber.
///
/// From [`Applied::UnknownOrder`] on the event changed nothing but this: its instrument is stale now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Applied {
    /// Taken.
    Ok = 0,
    /// Says nothing that a book keeps (auction indications, auction bands).
    NotForBooks = 1,
    /// No such slot on this shard; no book was touched.
    UnknownInstrument = 2,
    /// The order is not in this instrument's book.
    UnknownOrder = 3,
    /// An order with this number is in a book already.
    DuplicateOrder = 4,
    /// More shares were taken from an order than it had.
    OverExecuted = 5,
    /// Every order slot is taken.
    FullOrders = 6,
    /// Every level slot is taken.
    FullLevels = 7,
    /// An order without shares, or with more than `u32` holds.
    BadQty = 8,
    /// An order event for a book of levels, or a level event for a book of orders.
    Foreign = 9,
}

impl Applied {
    /// Whether the event did not fit, so that its instrument is stale now.
    pub const fn is_inconsistent(self) -> bool {
        match self {
            Self::Ok | Self::NotForBooks | Self::UnknownInstrument => false,
            Self::UnknownOrder
            | Self::DuplicateOrder
            | Self::OverExecuted
            | Self::FullOrders
            | Self::FullLevels
            | Self::BadQty
            | Self::Foreign => true,
        }
    }
}

/// Counts since construction, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events taken.
    pub applied: u64,
    /// Events that say nothing a book keeps.
    pub not_for_books: u64,
    /// Events for a slot that does not exist.
    pub unknown_instrument: u64,
    /// Events on orders that are not in the book.
    pub unknown_order: u64,
    /// Adds of an order that is in a book already.
    pub duplicate_order: u64,
    /// Executions and reductions of more than the order had.
    pub over_executed: u64,
    /// Adds refused because every order slot was taken.
    pub full_orders: u64,
    /// Events refused because every level slot was taken.
    pub full_levels: u64,
    /// Adds of no shares, or of more than `u32` holds.
    pub bad_qty: u64,
    /// Events of the other kind of venue.
    pub foreign: u64,
    /// Busts of an execution that is no longer remembered: the volume still counts it.
    pub busts_missed: u64,
    /// How often an instrument went from good to stale, by an event or by order.
    pub went_stale: u64,
}

impl Counters {
    /// Events that did not fit: each made its instrument stale.
    pub fn refused(&self) -> u64 {
        self.unknown_order
            + self.duplicate_order
            + self.over_executed
            + self.full_orders
            + self.full_levels
            + self.bad_qty
            + self.foreign
    }

    pub(crate) fn count(&mut self, applied: Applied) {
        let counter = match applied {
            Applied::Ok => &mut self.applied,
            Applied::NotForBooks => &mut self.not_for_books,
            Applied::UnknownInstrument => &mut self.unknown_instrument,
            Applied::UnknownOrder => &mut self.unknown_order,
            Applied::DuplicateOrder => &mut self.duplicate_order,
            Applied::OverExecuted => &mut self.over_executed,
            Applied::FullOrders => &mut self.full_orders,
            Applied::FullLevels => &mut self.full_levels,
            Applied::BadQty => &mut self.bad_qty,
            Applied::Foreign => &mut self.foreign,
        };
        *counter = counter.wrapping_add(1);
    }
}
