//! The twin: what is on display by the rules of [`crate::Tape`], kept as plain lists from the same
//! reports; and a reader of the tape, who knows nothing but its datagrams.

extern crate std;

use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

use book::Applied;
use book::l3::{Books, Capacity};
use matching::{OrderKey, Report, Tick, TickTable};
use session::SessionId;
use session::mold::{self, SenderConfig};
use types::{InstrumentId, MatchNo, Nanos, OrderRef, Px, Qty, SeqNo, Side, Symbol};
use venue::{Nasdaq, Normal, Ownership, Roster};
use wire::itch50::{LuldTier, MarketCategory, RegShoAction};

use crate::{Config, Listing, Numbered, Out, Tape};

pub(crate) const MIDNIGHT: Nanos = Nanos::from_secs(1_700_000_000);
pub(crate) const SESSION: SessionId = SessionId::new(*b"VENUE00001");

/// United States equities.
pub(crate) fn ticks() -> TickTable {
    let px = Px::from_price4;
    TickTable::new(&[(Px::ZERO, px(1)), (px(10_000), px(100))]).unwrap()
}

/// Two that show their books and one that does not, the last of `symbols`.
pub(crate) fn listings() -> Vec<Listing> {
    let ticks = ticks();
    let listing = |(at, symbol): (u16, &[u8; 8])| Listing {
        symbol: Symbol::from_wire(*symbol),
        locate: 7 + at,
        ticks,
        round_lot: 100,
        category: MarketCategory::NasdaqGlobalSelect,
        tier: LuldTier::Tier1,
        short_sale: RegShoAction::None,
        dark: at == 2,
    };
    (0..).zip([b"ONE     ", b"TWO     ", b"DARK    "]).map(listing).collect()
}

pub(crate) fn config(datagram_bytes_max: usize) -> Config {
    let sender = SenderConfig {
        session: SESSION,
        first: SeqNo::new(1),
        datagram_bytes_max,
        heartbeat: Nanos::from_secs(1),
    };
    Config { sender, midnight: MIDNIGHT, orders_max: 1, first_ref: OrderRef::new(1) }
}

pub(crate) fn tape(orders_max: u32, datagram_bytes_max: usize) -> Tape {
    let config = Config { orders_max, ..config(datagram_bytes_max) };
    Tape::new(config, &listings(), MIDNIGHT)
}

/// Hears datagrams and keeps books from them alone.
pub(crate) struct Reader {
    venue: Nasdaq,
    roster: Roster,
    pub(crate) books: Books,
    next: u64,
    /// Messages handed out beside the datagrams that carry them.
    numbered: Vec<Numbered>,
    pub(crate) datagrams: usize,
    /// Messages by type byte.
    pub(crate) by_type: [u64; 256],
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self {
            venue: Nasdaq::new(),
            roster: Roster::new(Ownership::even(1), 0, 8),
            books: Books::new(Capacity { instruments: 8, orders: 1_000, levels: 1_000 }),
            next: 1,
            numbered: vec![],
            datagrams: 0,
            by_type: [0; 256],
        }
    }

    fn on_message(&mut self, message: &[u8]) {
        self.by_type[usize::from(message[0])] += 1;
        match self.venue.decode(message, &mut self.roster) {
            Ok(Normal::Event(event)) => {
                let applied = self.books.apply(&event).applied;
                let fits = matches!(applied, Applied::Ok | Applied::NotForBooks);
                assert!(fits, "{applied:?}: {event:?}");
            }
            Ok(Normal::Listed(_) | Normal::Aside) => {}
            other => panic!("{other:?}"),
        }
    }

    fn orders(&self, symbol: Symbol, side: Side) -> Vec<(OrderRef, Px, Qty)> {
        let Some(instrument) = self.roster.find(symbol) else { return vec![] };
        let orders = self.books.orders(instrument, side);
        orders.map(|order| (order.order, order.px, order.qty)).collect()
    }
}

impl Out for Reader {
    fn message(&mut self, sequence: SeqNo, message: &[u8]) {
        self.numbered.push(Numbered::new(sequence, message).unwrap());
    }

    fn datagram(&mut self, datagram: &[u8]) {
        let packet = mold::packet(datagram).unwrap();
        assert_eq!((packet.session, packet.sequence), (SESSION, SeqNo::new(self.next)));
        assert_eq!(self.numbered.len(), usize::from(packet.count), "each is said both ways");
        let numbered = std::mem::take(&mut self.numbered);
        for (message, copy) in mold::messages(packet.body).zip(numbered) {
            assert_eq!((copy.sequence().get(), copy.message()), (self.next, message));
            self.next += 1;
            self.on_message(message);
        }
        self.datagrams += 1;
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shown {
    key: OrderKey,
    shares: u32,
}

/// What is on display, and what traded.
#[derive(Default)]
pub(crate) struct Twin {
    /// By instrument, side and price: orders in queue order.
    queues: BTreeMap<(InstrumentId, Side, Tick), Vec<Shown>>,
    instruments: BTreeMap<OrderKey, InstrumentId>,
    volumes: BTreeMap<InstrumentId, u64>,
}

impl Twin {
    fn is_dark(instrument: InstrumentId) -> bool {
        instrument.get() == 2
    }

    /// Changes how much is shown of an order; none at all takes it out.
    fn change(&mut self, key: OrderKey, after: impl Fn(u32) -> u32) {
        for queue in self.queues.values_mut() {
            for shown in queue.iter_mut().filter(|shown| shown.key == key) {
                shown.shares = after(shown.shares);
            }
            queue.retain(|shown| shown.shares != 0);
        }
    }

    fn trade(&mut self, key: OrderKey, qty: u64) {
        *self.volumes.entry(self.instruments[&key]).or_default() += qty;
    }

    /// `entering`: the book of an order that is accepted.
    pub(crate) fn on_report(&mut self, entering: InstrumentId, report: &Report) {
        match *report {
            Report::Accepted { order, .. } => {
                self.instruments.insert(order, entering);
            }
            Report::Rested { order, side, tick, shown: shares, .. } => {
                self.change(order, |_| 0);
                let instrument = self.instruments[&order];
                if shares != 0 && !Self::is_dark(instrument) {
                    let queue = self.queues.entry((instrument, side, tick)).or_default();
                    queue.push(Shown { key: order, shares });
                }
            }
            Report::Filled { maker, hidden, qty, .. } => {
                self.trade(maker, qty.into());
                if !hidden {
                    self.change(maker, |shares| shares.saturating_sub(qty));
                }
            }
            Report::Crossed { buy, sell, qty, .. } => {
                if Self::is_dark(self.instruments[&buy]) {
                    self.trade(buy, qty.into());
                }
                for key in [buy, sell] {
                    self.change(key, |shares| shares.saturating_sub(qty));
                }
            }
            Report::Uncrossed { instrument, qty, .. } => {
                if !Self::is_dark(instrument) {
                    *self.volumes.entry(instrument).or_default() += qty;
                }
            }
            Report::Decremented { order, leaves, .. } | Report::Reduced { order, leaves, .. } => {
                self.change(order, |shares| shares.min(leaves));
            }
            Report::Cancelled { order, .. } => self.change(order, |_| 0),
            Report::Replaced { old, new, qty, kept, .. } => {
                let instrument = self.instruments[&old];
                self.instruments.insert(new, instrument);
                self.change(old, |shares| if kept { shares.min(qty) } else { 0 });
                for queue in self.queues.values_mut() {
                    queue.iter_mut().filter(|s| s.key == old).for_each(|s| s.key = new);
                }
            }
            Report::Refused { .. }
            | Report::Triggered { .. }
            | Report::Indicated(_)
            | Report::Bands { .. }
            | Report::Collar { .. }
            | Report::LimitState { .. }
            | Report::Phase { .. } => {}
        }
    }

    /// All orders on display of one side, best price first, each price in queue order.
    pub(crate) fn orders(&self, of: InstrumentId, side: Side) -> Vec<(OrderKey, Tick, u32)> {
        let mut queues: Vec<_> =
            self.queues.iter().filter(|((i, s, _), _)| (*i, *s) == (of, side)).collect();
        if side == Side::Buy {
            queues.reverse();
        }
        let all = queues.into_iter().flat_map(|(&(_, _, tick), queue)| {
            queue.iter().map(move |shown| (shown.key, tick, shown.shares))
        });
        all.collect()
    }

    /// Whether a reader has heard just this.
    pub(crate) fn check(&self, tape: &Tape, reader: &Reader) {
        for (at, listing) in (0..).zip(listings()) {
            let instrument = InstrumentId::new(at);
            for side in Side::BOTH {
                let orders = self.orders(instrument, side).into_iter();
                let want: Vec<_> = orders
                    .map(|(key, tick, shares)| {
                        assert_eq!(tape.shown(key), shares);
                        let px = listing.ticks.px(tick).unwrap();
                        (tape.order_ref(key).unwrap(), px, Qty::from(shares))
                    })
                    .collect();
                assert_eq!(reader.orders(listing.symbol, side), want, "{instrument} {side:?}");
            }
            let volume = self.volumes.get(&instrument).copied().unwrap_or(0);
            let heard = reader.roster.find(listing.symbol);
            let heard = heard.map_or(Qty::ZERO, |slot| reader.books.stats(slot).volume);
            assert_eq!(heard, Qty::new(volume), "{instrument}");
        }
        let counters = tape.counters();
        assert_eq!((counters.unsaid, counters.strangers), (0, 0));
        assert_eq!(counters.datagrams, reader.datagrams as u64);
    }
}

/// A tape, its reader, and the twin.
pub(crate) struct Trio {
    pub(crate) tape: Tape,
    pub(crate) reader: Reader,
    pub(crate) twin: Twin,
    match_no: u64,
}

impl Trio {
    pub(crate) fn new(orders_max: u32, datagram_bytes_max: usize) -> Self {
        Self {
            tape: tape(orders_max, datagram_bytes_max),
            reader: Reader::new(),
            twin: Twin::default(),
            match_no: 0,
        }
    }

    /// Takes what one command came to, as one batch.
    pub(crate) fn take(&mut self, entering: InstrumentId, reports: &[Report]) {
        let now = MIDNIGHT.saturating_add(Nanos::from_secs(34_200));
        self.tape.on_enter(entering);
        for report in reports {
            let executed = matches!(
                report,
                Report::Filled { .. } | Report::Crossed { .. } | Report::Uncrossed { .. }
            );
            self.match_no += u64::from(executed);
            self.tape.on_report(now, report, MatchNo::new(self.match_no), &mut self.reader);
            self.twin.on_report(entering, report);
        }
        self.tape.flush(now, &mut self.reader);
        self.twin.check(&self.tape, &self.reader);
    }
}
