//! The best bid and offer of one instrument, as it crosses a ring: one cache line.
//!
//! What it carries is absolute, so a reader that missed some has lost nothing once it reads the next.

use book::consolidated::{Best, Consolidated};
use book::{State, Stats};
use runtime::Message;
use types::{Nanos, Px, Qty, Symbol};

/// Consolidated over the venues of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopUpdate {
    /// The instrument's slot on its shard: what a conflating ring keeps apart.
    pub slot: u32,
    /// Its ticker.
    pub symbol: Symbol,
    /// What the prices are good for.
    pub state: State,
    /// Highest bid.
    pub bid: Option<(Px, Qty)>,
    /// Lowest offer.
    pub offer: Option<(Px, Qty)>,
    /// Price of the last trade.
    pub last: Option<Px>,
    /// Shares traded so far.
    pub volume: Qty,
    /// When the venue changed it.
    pub time: Nanos,
}

/// In the place of a price that is not there.
const NONE: u64 = u64::MAX;

impl TopUpdate {
    /// What is known of an instrument now.
    pub fn new(
        (slot, symbol): (u32, Symbol),
        (best, state): (Consolidated, State),
        stats: &Stats,
        time: Nanos,
    ) -> Self {
        let pair = |best: Best| (best.px, best.qty);
        Self {
            slot,
            symbol,
            state,
            bid: best.bid.map(pair),
            offer: best.offer.map(pair),
            last: stats.last_px,
            volume: stats.volume,
            time,
        }
    }

    /// As it crosses a ring: the slot in the first 32 bits, which is the key to conflate by.
    /// Shares at a price are held at `u32::MAX` there.
    pub fn to_message(&self) -> Message {
        let px = |side: Option<(Px, Qty)>| side.map_or(NONE, |(px, _)| px.raw().cast_unsigned());
        let shares =
            |side: Option<(Px, Qty)>| side.map_or(0, |(_, qty)| qty.get().min(u64::from(u32::MAX)));
        Message([
            u64::from(self.slot) | u64::from(self.state as u8) << 32,
            self.symbol.number(),
            px(self.bid),
            px(self.offer),
            shares(self.bid) << 32 | shares(self.offer),
            self.last.map_or(NONE, |px| px.raw().cast_unsigned()),
            self.volume.get(),
            self.time.get(),
        ])
    }

    /// Back from a ring; `None` where the message is something else.
    pub fn from_message(message: &Message) -> Option<Self> {
        let [head, symbol, bid, offer, shares, last, volume, time] = message.0;
        let px = |raw: u64| (raw != NONE).then(|| Px::from_raw(raw.cast_signed()));
        let qty = |raw: u64| Qty::new(raw & u64::from(u32::MAX));
        Some(Self {
            slot: (head & u64::from(u32::MAX)) as u32,
            state: state((head >> 32) as u8)?,
            symbol: Symbol::from_wire(symbol.to_be_bytes()),
            bid: px(bid).map(|px| (px, qty(shares >> 32))),
            offer: px(offer).map(|px| (px, qty(shares))),
            last: px(last),
            volume: Qty::new(volume),
            time: Nanos::new(time),
        })
    }
}

fn state(raw: u8) -> Option<State> {
    let states = [
        State::Normal,
        State::Locked,
        State::Crossed,
        State::OneSided,
        State::Empty,
        State::Stale,
        State::Halted,
    ];
    states.into_iter().find(|state| *state as u8 == raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_ring() {
        let full = TopUpdate {
            slot: 70_000,
            symbol: Symbol::from_wire(*b"BRK.A   "),
            state: State::Halted,
            bid: Some((Px::from_price4(4_000_000_000), Qty::new(7))),
            offer: Some((Px::from_raw(-5), Qty::new(u64::from(u32::MAX)))),
            last: Some(Px::ZERO),
            volume: Qty::new(1 << 40),
            time: Nanos::new(1),
        };
        let empty = TopUpdate { bid: None, offer: None, last: None, ..full };
        for update in [full, empty] {
            assert_eq!(TopUpdate::from_message(&update.to_message()), Some(update));
        }
        assert_eq!(full.to_message().0[0] as u32, full.slot, "the key to conflate by");
    }

    #[test]
    fn holds_shares_that_do_not_fit() {
        let update = TopUpdate {
            slot: 0,
            symbol: Symbol::from_wire(*b"A       "),
            state: State::OneSided,
            bid: Some((Px::ZERO, Qty::new(1 << 33))),
            offer: None,
            last: None,
            volume: Qty::ZERO,
            time: Nanos::ZERO,
        };
        let back = TopUpdate::from_message(&update.to_message()).unwrap();
        assert_eq!(back.bid, Some((Px::ZERO, Qty::new(u64::from(u32::MAX)))));
    }
}
