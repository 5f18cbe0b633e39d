//! The consolidated quote of an exchange that makes no prices of its own: the best bid and offer over the feeds
//! that it follows, by ticker.
//!
//! A venue whose book is stale or halted does not count, so where none counts there is no quote, and what
//! follows it does not trade. Nor does a price that is on no tick of the exchange's own.

use book::l3;
use matching::{Quote, Tick};
use runtime::{Event, Outbox};
use types::{InstrumentId, Nanos, Px};
use venue::{Ownership, Roster};

use crate::feeds::Feeds;
use crate::{Feed, FeedPlan, PlanError};

/// Quotes told in one turn: a feed that goes stale touches every instrument at once, and each may trade.
pub(super) const TOLD_MAX: usize = 64;

/// What an exchange shard needs to follow other venues.
#[derive(Clone, Debug)]
pub struct FollowPlan {
    /// Their feeds.
    pub feeds: Vec<FeedPlan>,
    /// Live orders in the books of each feed.
    pub orders: usize,
    /// Price levels in the books of each feed.
    pub levels: usize,
}

/// What other venues show of the exchange's instruments.
pub(super) struct Quotes {
    feeds: Feeds,
    /// By instrument: as it was told.
    told: Vec<Quote>,
    /// Changes told.
    pub(super) changes: u64,
}

impl Quotes {
    pub(super) fn new(
        plan: &FollowPlan,
        listings: &[tape::Listing],
        now: Nanos,
    ) -> Result<Self, PlanError> {
        let instruments = listings.len();
        let listed = listings.iter().map(|listing| (listing.symbol, 0)).collect();
        let mut roster = Roster::new(Ownership::new(listed, Vec::new()), 0, instruments);
        // In this order, so that a slot is the instrument's own number. There is a slot for each.
        for listing in listings {
            roster.claim(listing.symbol);
        }
        let capacity = l3::Capacity { instruments, orders: plan.orders, levels: plan.levels };
        let feeds = Feeds::new(&plan.feeds, roster, capacity, (None, None), now)?;
        Ok(Self { feeds, told: vec![Quote::default(); instruments], changes: 0 })
    }

    /// The feeds, by place.
    pub(super) fn feeds(&self) -> &[Feed] {
        self.feeds.all()
    }

    /// Takes an input. `false`: it is none of the feeds'.
    pub(super) fn on_event(&mut self, now: Nanos, event: Event<'_>, out: &mut Outbox) -> bool {
        let is_taken = self.feeds.on_event(now, event, out);
        self.feeds.board.raise_all(out);
        is_taken
    }

    /// The earliest of what the feeds wait for.
    #[inline]
    pub(super) fn next_deadline(&self) -> Option<Nanos> {
        self.feeds.next_deadline()
    }

    /// Of at most `left` instruments that have changed, the next whose quote is another now.
    pub(super) fn poll(
        &mut self,
        listings: &[tape::Listing],
        left: &mut usize,
    ) -> Option<(InstrumentId, Quote)> {
        while *left != 0 {
            *left -= 1;
            let (instrument, best) = self.feeds.poll_changed()?;
            let listing = listings.get(instrument.index())?;
            let tick = |px: Px| -> Option<Tick> { listing.ticks.tick(px) };
            let quote = Quote {
                bid: best.bid.and_then(|best| tick(best.px)),
                offer: best.offer.and_then(|best| tick(best.px)),
            };
            if self.told[instrument.index()] != quote {
                self.told[instrument.index()] = quote;
                self.changes += 1;
                return Some((instrument, quote));
            }
        }
        None
    }

    /// As it was told last.
    pub(super) fn told(&self, instrument: InstrumentId) -> Option<Quote> {
        self.told.get(instrument.index()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{FollowPlan, Quotes, TOLD_MAX};
    use crate::FeedPlan;
    use matching::{Quote, Tick, TickTable};
    use runtime::{Event, Outbox, SocketId};
    use session::mold::{Sender, SenderConfig};
    use session::{ReceiverConfig, Recovery, SessionId, Start};
    use types::{InstrumentId, Nanos, Px, SeqNo, Symbol};
    use venue::Row;
    use wire::itch50::{AddOrder, Head, LuldTier, MarketCategory, RegShoAction, TradingAction};

    const LINE: SocketId = SocketId(2);

    fn listing(symbol: &str, locate: u16) -> tape::Listing {
        tape::Listing {
            symbol: Symbol::parse(symbol).unwrap(),
            locate,
            ticks: TickTable::new(&[(Px::ZERO, Px::from_price4(100))]).unwrap(),
            round_lot: 100,
            category: MarketCategory::NasdaqGlobalSelect,
            tier: LuldTier::None,
            short_sale: RegShoAction::None,
            dark: true,
        }
    }

    fn add(order: u64, side: u8, price: u32) -> AddOrder {
        AddOrder {
            header: Head::new(7, 0, 1),
            order_ref: order.into(),
            side,
            shares: 100.into(),
            stock: *b"MSFT    ",
            price: price.into(),
        }
    }

    fn action(state: u8) -> TradingAction {
        TradingAction {
            header: Head::new(7, 0, 1),
            stock: *b"MSFT    ",
            state,
            reserved: b' ',
            reason: *b"    ",
        }
    }

    /// The feed numbers the instrument otherwise and knows nothing of the other one.
    #[test]
    fn the_best_prices_of_a_ticker_are_its_quote_until_they_cannot_be_used() {
        let receiver = ReceiverConfig {
            lines: 1,
            start: Start::Beginning,
            recovery: Recovery { requests: false, snapshots: false },
            ..Default::default()
        };
        let feed = FeedPlan {
            row: Row::find("nasdaq").unwrap(),
            line_a: LINE,
            line_b: None,
            replies: None,
            snapshot: None,
            receiver,
        };
        let plan = FollowPlan { feeds: vec![feed], orders: 16, levels: 16 };
        let listings = [listing("AAPL", 1), listing("MSFT", 2)];
        let mut quotes = Quotes::new(&plan, &listings, Nanos::ZERO).unwrap();
        let config = SenderConfig {
            session: SessionId::parse("DAY1").unwrap(),
            first: SeqNo::new(1),
            datagram_bytes_max: 1_400,
            heartbeat: Nanos::from_secs(1),
        };
        let mut sender = Sender::new(config, Nanos::ZERO);
        let mut out = Outbox::default();
        let quote = |bid: Option<i64>, offer: Option<i64>| {
            let quote = Quote { bid: bid.map(Tick::new), offer: offer.map(Tick::new) };
            Some((InstrumentId::new(1), quote))
        };
        let cases: [(Vec<u8>, _); 7] = [
            (add(1, b'B', 1_000_000).as_bytes().to_vec(), quote(Some(10_000), None)),
            (add(2, b'S', 1_000_200).as_bytes().to_vec(), quote(Some(10_000), Some(10_002))),
            (add(3, b'S', 1_000_300).as_bytes().to_vec(), None),
            (action(b'H').as_bytes().to_vec(), quote(None, None)),
            (action(b'T').as_bytes().to_vec(), quote(Some(10_000), Some(10_002))),
            // On no tick of ours.
            (add(4, b'B', 1_000_050).as_bytes().to_vec(), quote(None, Some(10_002))),
            (add(5, b'B', 1_000_100).as_bytes().to_vec(), quote(Some(10_001), Some(10_002))),
        ];
        for (at, (message, want)) in cases.into_iter().enumerate() {
            sender.push(&message).unwrap();
            let bytes = sender.take(Nanos::ZERO).unwrap().to_vec();
            let received = Nanos::ZERO;
            let event = Event::Datagram { socket: LINE, received, bytes: &bytes };
            assert!(quotes.on_event(Nanos::ZERO, event, &mut out));
            let mut left = TOLD_MAX;
            let got: Vec<_> = core::iter::from_fn(|| quotes.poll(&listings, &mut left)).collect();
            assert_eq!(got, Vec::from_iter(want), "{at}");
        }
        // Nothing is heard for longer than a feed may be silent.
        assert!(quotes.on_event(Nanos::from_secs(60), Event::Deadline, &mut out));
        assert_eq!(quotes.poll(&listings, &mut TOLD_MAX.clone()), quote(None, None));
        assert_eq!(quotes.told(InstrumentId::new(0)), Some(Quote::default()));
        assert!(!quotes.on_event(
            Nanos::ZERO,
            Event::Oversize { socket: SocketId(0), len: 9_000 },
            &mut out
        ));
    }
}
