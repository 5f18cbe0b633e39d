//! What can be seen of the books.

use types::{InstrumentId, Side};

use crate::ladder::{EMPTY, Ladder};
use crate::market::Market;
use crate::orders::{NONE, Orders};
use crate::{OrderKey, Tick};

impl Market {
    pub(crate) fn ladder(&self, instrument: InstrumentId, side: Side) -> Option<&Ladder> {
        Some(&self.books.get(instrument.index())?.ladders[side as usize])
    }

    /// The best price of one side; `None` where nothing rests there.
    pub fn best(&self, instrument: InstrumentId, side: Side) -> Option<Tick> {
        let ladder = self.ladder(instrument, side)?;
        (ladder.best() != EMPTY).then(|| ladder.tick(ladder.best()))
    }

    /// The shares that rest at one price.
    pub fn depth_at(&self, instrument: InstrumentId, side: Side, tick: Tick) -> u64 {
        let Some(ladder) = self.ladder(instrument, side) else { return 0 };
        ladder.place(tick).map_or(0, |place| ladder.qty(place))
    }

    /// The orders of one side, best price first, each price in queue order.
    pub fn resting(&self, instrument: InstrumentId, side: Side) -> Resting<'_> {
        let ladder = self.ladder(instrument, side);
        let place = ladder.map_or(EMPTY, Ladder::best);
        let mut resting = Resting { orders: &self.orders, ladder, place, id: NONE };
        resting.id = resting.head();
        resting
    }

    /// How many orders rest, over all instruments.
    pub const fn live(&self) -> u32 {
        self.orders.live()
    }

    /// Bytes that orders take, used or not. Divide by the capacity.
    pub const fn order_bytes(&self) -> usize {
        self.orders.bytes() + self.index.bytes()
    }
}

/// A resting order, as it can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestingOrder {
    /// Its number.
    pub order: OrderKey,
    /// Its price.
    pub tick: Tick,
    /// Its open shares.
    pub qty: u32,
}

/// The orders of one side: see [`Market::resting`].
pub struct Resting<'a> {
    orders: &'a Orders,
    ladder: Option<&'a Ladder>,
    place: i32,
    id: u32,
}

impl Resting<'_> {
    fn head(&self) -> u32 {
        let level = self.ladder.and_then(|ladder| ladder.level(self.place));
        level.map_or(NONE, |level| level.head)
    }
}

impl Iterator for Resting<'_> {
    type Item = RestingOrder;

    fn next(&mut self) -> Option<RestingOrder> {
        let ladder = self.ladder?;
        if self.place == EMPTY {
            return None;
        }
        let slot = &self.orders[self.id];
        let seen = RestingOrder {
            order: OrderKey::new(slot.key),
            tick: ladder.tick(self.place),
            qty: slot.qty,
        };
        self.id = slot.behind;
        if self.id == NONE {
            self.place = ladder.after(self.place);
            self.id = self.head();
        }
        Some(seen)
    }
}
