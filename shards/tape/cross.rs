//! Crosses, and what is told before them.

use matching::{Indication, OrderKey, Tick};
use types::{InstrumentId, MatchNo, Nanos};
use wire::itch50::{AuctionCollar, CrossTrade, CrossType, Flag, Imbalance};

use crate::{Out, Tape, code};

impl Tape {
    /// `C` that does not count, for what was shown of either: the bulk print does. A dark cross has
    /// none, and each of its trades is a `P`.
    pub(crate) fn on_crossed(
        &mut self,
        now: Nanos,
        keys: [OrderKey; 2],
        (tick, half, qty): (Tick, bool, u32),
        match_no: MatchNo,
        out: &mut impl Out,
    ) -> Option<()> {
        let instrument = self.orders.get(keys[0])?.instrument;
        let listing = &self.rows.get(instrument.index())?.listing;
        let Some(price) = listing.print(tick, half) else {
            self.feed.counters.unsaid += 1;
            for key in keys {
                self.reduce(now, key, |shown| shown.saturating_sub(qty), out)?;
            }
            return Some(());
        };
        if listing.dark {
            self.feed.print(now, listing, (price, qty), match_no, out);
            return Some(());
        }
        for key in keys {
            let order = self.orders.get_mut(key)?;
            let shown = qty.min(order.shown);
            order.shown -= shown;
            if shown != 0 {
                let executed = (order.order_ref, shown, price);
                self.feed.execute_at(now, listing, executed, (match_no, Flag::No), out);
            }
        }
        Some(())
    }

    /// `Q`, also where nothing paired: no shares, no price.
    pub(crate) fn on_uncrossed(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        cross: CrossType,
        (print, qty): (Option<(Tick, bool)>, u64),
        match_no: MatchNo,
        out: &mut impl Out,
    ) -> Option<()> {
        let listing = &self.rows.get(instrument.index())?.listing;
        if listing.dark {
            return Some(());
        }
        let price = print.and_then(|(tick, half)| listing.print(tick, half));
        if print.is_some() && price.is_none() {
            self.feed.counters.unsaid += 1;
            return Some(());
        }
        let message = CrossTrade {
            header: self.feed.head(now, listing.locate),
            shares: qty.into(),
            stock: listing.symbol.to_wire(),
            price: price.unwrap_or(0).into(),
            match_number: match_no.get().into(),
            cross: cross.byte(),
        };
        self.feed.say(now, message.as_bytes(), out);
        Some(())
    }

    /// `I`; a price that there is not is 0.
    pub(crate) fn on_indicated(
        &mut self,
        now: Nanos,
        indication: &Indication,
        out: &mut impl Out,
    ) -> Option<()> {
        let listing = &self.rows.get(indication.instrument.index())?.listing;
        if listing.dark {
            return Some(());
        }
        let prices = [indication.far, indication.near, indication.reference];
        let [far, near, reference] = prices.map(|tick| listing.hint(tick));
        let message = Imbalance {
            header: self.feed.head(now, listing.locate),
            paired: indication.paired.into(),
            imbalance: indication.imbalance.into(),
            direction: code::direction(indication.side, indication.reference.is_some()).byte(),
            stock: listing.symbol.to_wire(),
            far: far.into(),
            near: near.into(),
            reference: reference.into(),
            cross: code::cross(indication.cross).byte(),
            variation: code::variation(near, reference).byte(),
        };
        self.feed.say(now, message.as_bytes(), out);
        Some(())
    }

    /// `J`, before any cross and not only the one after a pause: its readers take it for that. The second
    /// collar of a phase is its first extension.
    pub(crate) fn on_collar(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        prices: [Tick; 3],
        out: &mut impl Out,
    ) -> Option<()> {
        let row = self.rows.get_mut(instrument.index())?;
        if row.listing.dark {
            return Some(());
        }
        let extension = row.collars;
        row.collars = extension.saturating_add(1);
        let [reference, lower, upper] = prices.map(|tick| row.listing.hint(Some(tick)));
        let message = AuctionCollar {
            header: self.feed.head(now, row.listing.locate),
            stock: row.listing.symbol.to_wire(),
            reference: reference.into(),
            upper: upper.into(),
            lower: lower.into(),
            extension: extension.into(),
        };
        self.feed.say(now, message.as_bytes(), out);
        Some(())
    }
}
