//! What can be seen of the books.

use types::{AccountId, InstrumentId, Side};

use crate::hidden::price_of;
use crate::ladder::{EMPTY, Ladder};
use crate::market::Market;
use crate::orders::NONE;
use crate::{OrderKey, Tick};

impl Market {
    pub(crate) fn ladder(&self, instrument: InstrumentId, side: Side) -> Option<&Ladder> {
        Some(&self.books.get(instrument.index())?.ladders[side as usize])
    }

    /// The best price that one side shows; `None` where it shows nothing.
    pub fn best(&self, instrument: InstrumentId, side: Side) -> Option<Tick> {
        let ladder = self.ladder(instrument, side)?;
        (ladder.best() != EMPTY).then(|| ladder.tick(ladder.best()))
    }

    /// The shares that are shown at one price.
    pub fn depth_at(&self, instrument: InstrumentId, side: Side, tick: Tick) -> u64 {
        let Some(ladder) = self.ladder(instrument, side) else { return 0 };
        ladder.place(tick).map_or(0, |place| ladder.qty(place))
    }

    /// A live order that is shown, or a part of which is; `None` for one that is hidden.
    pub fn order(&self, key: OrderKey) -> Option<RestingOrder> {
        let id = self.index.find(&self.orders, key.get())?.slot;
        let slot = &self.orders[id];
        let ladder = self.ladder(slot.instrument(), slot.side())?;
        (!slot.is_hidden()).then(|| self.seen(id, ladder))
    }

    fn seen(&self, id: u32, ladder: &Ladder) -> RestingOrder {
        let slot = &self.orders[id];
        RestingOrder {
            order: OrderKey::new(slot.key),
            tick: ladder.tick(slot.place),
            qty: self.open(id),
            shown: slot.qty,
            side: slot.side(),
            account: self.account_of(id),
        }
    }

    /// The orders that one side shows, or parts of, best price first, each price in queue order.
    pub fn resting(&self, instrument: InstrumentId, side: Side) -> Resting<'_> {
        let ladder = self.ladder(instrument, side);
        let place = ladder.map_or(EMPTY, Ladder::best);
        let mut resting = Resting { market: self, ladder, place, id: NONE };
        resting.id = resting.head();
        resting
    }

    /// The orders of one side that are not shown, in the order in which they came.
    pub fn hidden(
        &self,
        instrument: InstrumentId,
        side: Side,
    ) -> impl Iterator<Item = HiddenOrder> + '_ {
        let book = self.books.get(instrument.index());
        book.into_iter().flat_map(move |book| {
            let touch = book.touch();
            let list = self.specials.of(book.lists[side as usize]);
            list.filter(|(_, special)| self.orders[special.slot].is_hidden()).map(
                move |(_, special)| {
                    let slot = &self.orders[special.slot];
                    let stands = self.stands_hidden(book, &touch, side, special);
                    let price_of =
                        |place2| price_of(book.ladders[side as usize].half_ticks(place2));
                    HiddenOrder {
                        order: OrderKey::new(slot.key),
                        limit: special.limit,
                        stands: stands.map(price_of),
                        qty: slot.qty,
                    }
                },
            )
        })
    }

    /// How much of the orders with terms was looked at so far.
    #[cfg(test)]
    pub(crate) fn visits(&self) -> u64 {
        self.specials.visits()
    }

    /// The number of a resting order.
    pub(crate) fn key_of(&self, id: u32) -> OrderKey {
        OrderKey::new(self.orders[id].key)
    }

    /// How many orders rest, over all instruments.
    pub const fn live(&self) -> u32 {
        self.orders.live()
    }

    /// Bytes that orders take, used or not. Divide by the capacity.
    pub const fn order_bytes(&self) -> usize {
        self.orders.bytes() + self.index.bytes() + self.specials.bytes()
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
    /// How many of them are shown.
    pub shown: u32,
    /// Bid or offer.
    pub side: Side,
    /// Whose it is.
    pub account: AccountId,
}

/// A resting order that is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HiddenOrder {
    /// Its number.
    pub order: OrderKey,
    /// Its limit; `None` for a peg without one.
    pub limit: Option<Tick>,
    /// Its price now, and whether it is half a tick above that; `None` for a peg that sleeps.
    pub stands: Option<(Tick, bool)>,
    /// Its open shares.
    pub qty: u32,
}

/// The orders of one side: see [`Market::resting`].
pub struct Resting<'a> {
    market: &'a Market,
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
        let seen = self.market.seen(self.id, ladder);
        self.id = self.market.orders[self.id].behind;
        if self.id == NONE {
            self.place = ladder.after(self.place);
            self.id = self.head();
        }
        Some(seen)
    }
}
