//! Trading that nobody sees: at the midpoint of the quote that an instrument is told, as orders come or in
//! crosses at times that nobody knows before.
//!
//! * The quote comes from elsewhere ([`Floor::set_quote`]). A price of it outside the bands is none, so
//!   what follows it trades inside them. The bands are the instrument's own; the lit market's hold its
//!   quote, and so hold what trades at it.
//! * Where orders meet as they come, each is a peg to the midpoint that is no worse than its limit; one
//!   without a limit does not rest. Without a quote none is taken.
//! * Where there are crosses, orders rest, and what is immediate ends. At a cross all trade at the midpoint
//!   whose limit, or whose peg, reaches it; nobody uses discretion. They stand at one price, so whoever
//!   came first goes first. The minimum of an order counts for all that it gets in the cross: the last
//!   one of the longer side, where it would get less, sits this cross out, and the next in turn takes its
//!   place. As in any cross, nobody is asked whose order it is. Without a quote, or with one that is crossed,
//!   there is no cross, and the next time is drawn as after any other.
//! * There is no other cross: nothing says at the open what a price should be.

use types::{InstrumentId, Nanos, Side};

use crate::floor::Floor;
use crate::hidden::price_of;
use crate::market::Market;
use crate::noting::{Noting, Prints, Trades};
use crate::orders::NONE;
use crate::peg::Touch;
use crate::{
    Cross, Display, NewOrder, Order, OrderKey, Out, Peg, PegTo, Price, Quote, Report, Standing,
    Terms,
};

/// When the orders of an instrument that shows none meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DarkRules {
    /// The shortest time from one cross to the next.
    pub min: Nanos,
    /// The longest; zero where orders meet as they come.
    pub max: Nanos,
}

impl DarkRules {
    /// Whether orders rest until the next cross.
    pub(crate) fn crosses(&self) -> bool {
        self.max != Nanos::ZERO
    }
}

/// A cross that is over.
pub(crate) struct Midpoint {
    half_ticks: i64,
    /// Shares of one side.
    qty: u64,
    /// Trades.
    count: u64,
}

impl Floor {
    /// Tells an instrument's best prices elsewhere: pegs follow them, and what is dark trades at their midpoint.
    /// While it trades, hidden orders that can trade now do; see [`Market::set_quote`].
    pub fn set_quote(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        quote: Quote,
        out: &mut impl Out,
    ) {
        let Some(day) = self.days.get_mut(instrument.index()) else { return };
        day.quote = Some(quote);
        let ticks = day.luld.is_some().then_some(day.rules.ticks);
        let quote = self.held_quote(instrument).unwrap_or_default();
        let mut noting = Noting::new(out).with_prints(ticks.as_ref());
        self.market.set_quote(instrument, quote, &mut noting);
        let (trades, prints) = (noting.trades, noting.prints);
        if trades.is_some() {
            self.note(instrument, trades, prints);
            self.follow(now, instrument, trades, out);
        }
    }

    /// The quote as far as it lies inside the bands; `None` where none was told.
    fn held_quote(&self, instrument: InstrumentId) -> Option<Quote> {
        let quote = self.days[instrument.index()].quote?;
        let span = self.gates[instrument.index()].span;
        let [bid, offer] =
            [quote.bid, quote.offer].map(|tick| tick.filter(|tick| span.holds(*tick)));
        Some(Quote { bid, offer })
    }

    /// The bands have moved: what of the quote lies inside them may be another part. What can trade now
    /// does so after the next command.
    pub(crate) fn hold_quote(&mut self, instrument: InstrumentId) {
        if let Some(quote) = self.held_quote(instrument) {
            self.market.books[instrument.index()].told = Some(quote);
        }
    }

    /// An order as its book is asked for it: where orders meet at the midpoint as they come, a peg to it.
    pub(crate) fn at_midpoint(&self, instrument: InstrumentId, order: &Order) -> Order {
        let dark = self.days[instrument.index()].rules.dark;
        let Order { new, terms } = *order;
        let is_pegged = terms.peg.is_some() || new.price == Price::MarketToLimit;
        if is_pegged || dark.is_none_or(|dark| dark.crosses()) {
            return *order;
        }
        let standing = match (new.price, new.standing) {
            (Price::Market, Standing::Rest) => Standing::Immediate { min_qty: 0 },
            (_, standing) => standing,
        };
        let peg = Some(Peg { to: PegTo::Midpoint, offset: 0 });
        let new = NewOrder { standing, ..new };
        Order { new, terms: Terms { display: Display::Hidden, peg, ..terms } }
    }

    /// When the next cross is, drawn now.
    pub(crate) fn draw_uncross(&mut self, now: Nanos, instrument: InstrumentId) -> Nanos {
        let day = &mut self.days[instrument.index()];
        let crosses = day.rules.dark.filter(DarkRules::crosses);
        crosses.map_or(Nanos::MAX, |DarkRules { min, max }| {
            now.saturating_add(Nanos::new(day.draws.between(min.get(), max.get())))
        })
    }

    /// The time drawn has come: the cross, if there can be one, and the next time. Nothing is told of a
    /// cross in which nothing traded.
    pub(crate) fn cross_dark(&mut self, now: Nanos, instrument: InstrumentId, out: &mut impl Out) {
        self.days[instrument.index()].uncross = self.draw_uncross(now, instrument);
        let Some(Midpoint { half_ticks, qty, count }) = self.market.cross_midpoint(instrument, out)
        else {
            return;
        };
        let (tick, half) = price_of(half_ticks);
        let cross = Cross::Dark;
        out.push(Report::Uncrossed { instrument, cross, tick: Some(tick), half, qty });
        let px = self.days[instrument.index()].rules.ticks.px(tick);
        let prints = px.map_or(Prints::default(), |px| Prints {
            sum: i128::from(px.raw()) * i128::from(count),
            count,
        });
        let trades = Some(Trades::at(tick));
        self.note(instrument, trades, prints);
        self.follow(now, instrument, trades, out);
    }
}

impl Market {
    /// Crosses the hidden orders of a book at the midpoint of its quote, in the order in which they came:
    /// [`Report::Crossed`] for each pair. `None` where nothing trades.
    pub(crate) fn cross_midpoint(
        &mut self,
        instrument: InstrumentId,
        out: &mut impl Out,
    ) -> Option<Midpoint> {
        let touch = self.books.get(instrument.index())?.touch();
        let half_ticks = touch.midpoint()?;
        let mut open = Side::BOTH.map(|side| self.seat(instrument, side, half_ticks, &touch));
        // Each turn one more sits out, so this ends.
        let qty = loop {
            let [bought, sold] = open;
            let longer = if sold < bought { Side::Buy } else { Side::Sell };
            let Some(id) = self.falls_short(instrument, longer, bought.min(sold)) else {
                break bought.min(sold);
            };
            self.specials[id].sits_out = true;
            open[longer as usize] -= u64::from(self.orders[self.specials[id].slot].qty);
        };
        let mut next = Side::BOTH.map(|side| {
            let list = self.books[instrument.index()].lists[side as usize];
            self.taking_part(list.head())
        });
        let (mut left, mut count) = (qty, 0);
        let (tick, half) = price_of(half_ticks);
        while let (true, [Some(bid), Some(offer)]) = (left != 0, next) {
            let [bid_open, offer_open] =
                [bid, offer].map(|id| self.orders[self.specials[id].slot].qty);
            // No more than either has open, so it fits.
            let qty = left.min(u64::from(bid_open.min(offer_open))) as u32;
            left -= u64::from(qty);
            count += 1;
            for (next, open) in next.iter_mut().zip([bid_open, offer_open]) {
                if open == qty
                    && let Some(id) = *next
                {
                    *next = self.taking_part(self.specials[id].behind);
                }
            }
            let [(buy, buy_leaves), (sell, sell_leaves)] =
                [bid, offer].map(|id| self.take_hidden(id, qty));
            out.push(Report::Crossed { buy, sell, tick, half, qty, buy_leaves, sell_leaves });
        }
        assert_eq!(left, 0, "what pairs is there");
        (qty != 0).then_some(Midpoint { half_ticks, qty, count })
    }

    /// Sees which orders of a side take part at a price, in half ticks; answers their shares.
    fn seat(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        half_ticks: i64,
        touch: &Touch,
    ) -> u64 {
        let (mut id, mut open) = (self.books[instrument.index()].lists[side as usize].head(), 0);
        while id != NONE {
            let (book, special) = (&self.books[instrument.index()], &self.specials[id]);
            let place2 = book.ladders[side as usize].place2(half_ticks);
            let stands = self.stands_hidden(book, touch, side, special);
            let sits_out = stands.is_none_or(|stands| place2 < stands);
            if !sits_out {
                open += u64::from(self.orders[special.slot].qty);
            }
            let special = &mut self.specials[id];
            special.sits_out = sits_out;
            id = special.behind;
        }
        open
    }

    /// The last order of a side that gets something where `left` shares are dealt, if that is less than
    /// its minimum.
    fn falls_short(&self, instrument: InstrumentId, side: Side, mut left: u64) -> Option<u32> {
        let list = self.books[instrument.index()].lists[side as usize];
        let mut next = self.taking_part(list.head());
        while let (true, Some(id)) = (left != 0, next) {
            let special = &self.specials[id];
            let open = self.orders[special.slot].qty;
            if left < u64::from(open) {
                return (left < u64::from(special.terms.min_qty.min(open))).then_some(id);
            }
            left -= u64::from(open);
            next = self.taking_part(special.behind);
        }
        None
    }

    /// The first order from one on that takes part.
    fn taking_part(&self, mut id: u32) -> Option<u32> {
        while id != NONE && self.specials[id].sits_out {
            id = self.specials[id].behind;
        }
        (id != NONE).then_some(id)
    }

    /// Takes shares from a hidden order; answers what is open of it then. With none open it is gone.
    fn take_hidden(&mut self, id: u32, qty: u32) -> (OrderKey, u32) {
        let id = self.specials[id].slot;
        let slot = &mut self.orders[id];
        slot.qty -= qty;
        let (key, leaves) = (OrderKey::new(slot.key), slot.qty);
        if leaves == 0 {
            self.remove(key, id);
        } else {
            self.rerank(id);
        }
        (key, leaves)
    }
}

impl Touch {
    /// The middle of the quote, in half ticks; `None` where a side is missing or it is crossed.
    fn midpoint(&self) -> Option<i64> {
        let [bid, offer] = self.quote;
        Some(bid? + offer?)
    }
}
