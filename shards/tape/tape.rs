//! Reports into messages.
//!
//! What a report means for what is shown (a market that counts differently shows another book):
//!
//! - [`Report::Rested`] says how much of an order is shown from now on, at the end of its queue: the
//!   first time, after a refill, or at another price.
//! - A fill and a cross take from what is shown first. A fill of a maker that is `hidden` takes
//!   nothing of it. What a fill takes beyond what was shown is a print of its own with the same match
//!   number.
//! - A decrement, a reduction and a replace that keeps its place leave as much shown as before, or all
//!   that is open where that is less.
//!
//! ITCH 5.0 has no word for limit states and bands ([`Report::LimitState`], [`Report::Bands`]): in its
//! market they are on the consolidated tape. They are not told.

use alloc::vec;
use alloc::vec::Vec;

use matching::{OrderKey, Phase, Report, Tick};
use session::mold::{Sender, SenderConfig};
use types::{InstrumentId, MatchNo, Nanos, OrderRef, SeqNo, Side};
use wire::itch50::{AddOrder, Flag, OrderCancel, OrderExecuted, OrderReplace};
use wire::moldudp64::Header;

use crate::feed::Feed;
use crate::orders::{self, Orders};
use crate::{Counters, Listing, MESSAGE_MAX, Out, code};

/// Sizes, times and numbers of a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The stream: its session, its first number, its datagrams and heartbeats. A datagram holds at
    /// least one message of [`MESSAGE_MAX`] bytes.
    pub sender: SenderConfig,
    /// When the day began, by the clock of `now`: times on the tape count from here.
    pub midnight: Nanos,
    /// Slots for orders, 24 bytes each: the low 32 bits of every live key are below it, and no two
    /// live keys share them.
    pub orders_max: u32,
    /// The first order reference to deal. Shards that share a feed begin so far apart that they never
    /// meet.
    pub first_ref: OrderRef,
}

/// One instrument.
pub(crate) struct Row {
    pub(crate) listing: Listing,
    pub(crate) phase: Phase,
    /// Collars told since the phase began.
    pub(crate) collars: u32,
}

/// A shown order was replaced: it leaves by one message with what comes for it, if that comes next.
#[derive(Clone, Copy)]
struct Leaving {
    order_ref: u64,
    instrument: InstrumentId,
    /// What comes for it.
    new: OrderKey,
}

/// What one exchange shard tells everybody.
pub struct Tape {
    pub(crate) feed: Feed,
    pub(crate) rows: Vec<Row>,
    pub(crate) orders: Orders,
    next_ref: u64,
    /// The book of the orders accepted from now on.
    entering: InstrumentId,
    leaving: Option<Leaving>,
}

impl Tape {
    /// Nothing said yet, every instrument closed and empty; `listings` in order of instrument. The
    /// last datagram counts as sent at `now`.
    ///
    /// # Panics
    /// Where a datagram cannot hold the longest message, or a locate code is 0 or dealt twice.
    pub fn new(config: Config, listings: &[Listing], now: Nanos) -> Self {
        let bytes = config.sender.datagram_bytes_max;
        assert!(Header::LEN + 2 + MESSAGE_MAX <= bytes, "datagrams of {bytes} bytes");
        let mut dealt = vec![false; 1 << 16];
        for Listing { symbol, locate, .. } in listings {
            let dealt = &mut dealt[usize::from(*locate)];
            assert!(*locate != 0 && !*dealt, "{symbol}: locate code {locate}");
            *dealt = true;
        }
        let row = |&listing| Row { listing, phase: Phase::default(), collars: 0 };
        let counters = Counters::default();
        Self {
            feed: Feed {
                sender: Sender::new(config.sender, now),
                midnight: config.midnight,
                counters,
            },
            rows: listings.iter().map(row).collect(),
            orders: Orders::new(config.orders_max),
            next_ref: config.first_ref.get(),
            entering: orders::NONE.instrument,
            leaving: None,
        }
    }

    /// The order that is entered next is for this instrument: no report says so.
    #[inline]
    pub fn on_enter(&mut self, instrument: InstrumentId) {
        self.entering = instrument;
    }

    /// Takes one report, in the order in which things happened.
    ///
    /// * `match_no`: the execution's own number, for [`Report::Filled`], [`Report::Crossed`] and
    ///   [`Report::Uncrossed`]; nothing otherwise.
    ///
    /// Errors: none; what cannot be told is counted, see [`Counters`].
    #[inline]
    pub fn on_report(
        &mut self,
        now: Nanos,
        report: &Report,
        match_no: MatchNo,
        out: &mut impl Out,
    ) {
        let replaced = self.replaced(now, report, out);
        let told = match *report {
            Report::Accepted { order, .. } => self.open(order),
            Report::Rested { order, side, tick, shown, .. } => {
                self.on_rested(now, replaced, (order, side, tick, shown), out)
            }
            Report::Filled { maker, tick, half, hidden, qty, .. } => {
                let taken = (tick, half, qty);
                self.on_filled(now, maker, hidden, taken, match_no, out)
            }
            Report::Cancelled { order, .. } => self.reduce(now, order, |_| 0, out),
            Report::Replaced { old, new, qty, kept, .. } => {
                self.on_replaced(now, (old, new), qty, kept, out)
            }
            Report::Decremented { order, leaves, .. } | Report::Reduced { order, leaves, .. } => {
                self.reduce(now, order, |shown| shown.min(leaves), out)
            }
            Report::Crossed { buy, sell, tick, half, qty, .. } => {
                self.on_crossed(now, [buy, sell], (tick, half, qty), match_no, out)
            }
            Report::Uncrossed { instrument, cross, tick, half, qty } => {
                let print = tick.map(|tick| (tick, half));
                self.on_uncrossed(now, instrument, code::cross(cross), (print, qty), match_no, out)
            }
            Report::Indicated(indication) => self.on_indicated(now, &indication, out),
            Report::Collar { instrument, reference, lower, upper } => {
                self.on_collar(now, instrument, [reference, lower, upper], out)
            }
            Report::Phase { instrument, phase } => self.on_phase(now, instrument, phase, out),
            Report::Refused { .. }
            | Report::Triggered { .. }
            | Report::Bands { .. }
            | Report::LimitState { .. } => Some(()),
        };
        self.feed.counters.strangers += u64::from(told.is_none());
    }

    /// The batch is over: what is in hand goes out, in one datagram more than those that were full.
    #[inline]
    pub fn flush(&mut self, now: Nanos, out: &mut impl Out) {
        self.let_go(now, out);
        self.feed.flush(now, out);
    }

    /// When [`Tape::on_deadline`] is wanted.
    #[inline]
    pub fn next_deadline(&self) -> Nanos {
        self.feed.sender.next_deadline()
    }

    /// The time given by [`Tape::next_deadline`] has come: what is in hand, or a heartbeat, or after
    /// [`Tape::end`] that it is over.
    pub fn on_deadline(&mut self, now: Nanos, out: &mut impl Out) {
        self.flush(now, out);
        if let Some(datagram) = self.feed.sender.on_deadline(now) {
            out.datagram(datagram);
        }
    }

    /// Ends the session: what is in hand goes out, then that it is over, and again with every deadline.
    /// What is told from then on is counted as unsaid.
    pub fn end(&mut self, now: Nanos, out: &mut impl Out) {
        self.flush(now, out);
        self.feed.sender.end();
        // Due at once rather than after a silence.
        let due = self.feed.sender.next_deadline().max(now);
        if let Some(datagram) = self.feed.sender.on_deadline(due) {
            out.datagram(datagram);
        }
    }

    /// The number of the next message.
    pub fn next(&self) -> SeqNo {
        self.feed.sender.next()
    }

    /// What it did since construction.
    pub const fn counters(&self) -> Counters {
        self.feed.counters
    }

    /// The reference under which a live order is shown, or would be: known as soon as its
    /// [`Report::Accepted`] or [`Report::Replaced`] was taken. Each refill of a reserve has a new one.
    #[inline]
    pub fn order_ref(&self, order: OrderKey) -> Option<OrderRef> {
        self.orders.get(order).map(|order| OrderRef::new(order.order_ref))
    }

    /// Deals a reference to an order that ends before it is accepted: no other order has it.
    pub fn deal_ref(&mut self) -> OrderRef {
        OrderRef::new(deal(&mut self.next_ref))
    }

    /// The book of an order, as long as no other has its slot.
    #[inline]
    pub fn instrument(&self, order: OrderKey) -> Option<InstrumentId> {
        self.orders.get(order).map(|order| order.instrument)
    }

    /// The shares of a live order that are on display.
    pub fn shown(&self, order: OrderKey) -> u32 {
        self.orders.get(order).map_or(0, |order| order.shown)
    }

    /// Which shown order left for what this report puts to rest. One whose successor does not come to
    /// rest at once is deleted here, before whatever comes first.
    #[inline]
    fn replaced(&mut self, now: Nanos, report: &Report, out: &mut impl Out) -> Option<u64> {
        let leaving = self.leaving?;
        if let Report::Rested { order, .. } = *report
            && order == leaving.new
        {
            self.leaving = None;
            return Some(leaving.order_ref);
        }
        self.let_go(now, out);
        None
    }

    /// The order that is leaving goes alone.
    #[inline]
    fn let_go(&mut self, now: Nanos, out: &mut impl Out) {
        if let Some(Leaving { order_ref, instrument, .. }) = self.leaving.take()
            && let Some(row) = self.rows.get(instrument.index())
        {
            self.feed.delete(now, row.listing.locate, order_ref, out);
        }
    }

    #[inline]
    fn open(&mut self, order: OrderKey) -> Option<()> {
        let (order_ref, instrument) = (deal(&mut self.next_ref), self.entering);
        *self.orders.get_mut(order)? = orders::Order { order_ref, instrument, ..orders::NONE };
        Some(())
    }

    /// `A`, or `U` where a shown order leaves for it, or `D` where nothing is shown for that one.
    #[inline]
    fn on_rested(
        &mut self,
        now: Nanos,
        replaced: Option<u64>,
        (key, side, tick, shown): (OrderKey, Side, Tick, u32),
        out: &mut impl Out,
    ) -> Option<()> {
        let order = self.orders.get_mut(key)?;
        let listing = &self.rows.get(order.instrument.index())?.listing;
        let feed = &mut self.feed;
        let old = replaced.or((order.shown != 0).then_some(order.order_ref));
        let mut price = None;
        if shown != 0 && !listing.dark {
            price = listing.limit(tick);
            feed.counters.unsaid += u64::from(price.is_none());
        }
        let Some(price) = price else {
            order.shown = 0;
            if let Some(old) = old {
                feed.delete(now, listing.locate, old, out);
            }
            return Some(());
        };
        if order.price != 0 {
            order.order_ref = deal(&mut self.next_ref);
        }
        order.price = price;
        order.shown = shown;
        let order_ref = order.order_ref.into();
        let (shares, price) = (shown.into(), price.into());
        if let Some(old) = old {
            let header = feed.head(now, listing.locate);
            let (old_ref, new_ref) = (old.into(), order_ref);
            let message = OrderReplace { header, old_ref, new_ref, shares, price };
            feed.say(now, message.as_bytes(), out);
        } else {
            let header = feed.head(now, listing.locate);
            let (side, stock) = (side.letter() as u8, listing.symbol.to_wire());
            let message = AddOrder { header, order_ref, side, shares, stock, price };
            feed.say(now, message.as_bytes(), out);
        }
        Some(())
    }

    /// `E` or `C` for what was shown of the maker, `P` for the rest.
    #[inline]
    fn on_filled(
        &mut self,
        now: Nanos,
        maker: OrderKey,
        hidden: bool,
        (tick, half, qty): (Tick, bool, u32),
        match_no: MatchNo,
        out: &mut impl Out,
    ) -> Option<()> {
        let order = self.orders.get_mut(maker)?;
        let listing = &self.rows.get(order.instrument.index())?.listing;
        let shown = if hidden { 0 } else { qty.min(order.shown) };
        let Some(price) = listing.print(tick, half) else {
            // What was shown goes all the same.
            self.feed.counters.unsaid += 1;
            return self.reduce(now, maker, |before| before - shown, out);
        };
        let feed = &mut self.feed;
        order.shown -= shown;
        if shown != 0 && price == order.price {
            let header = feed.head(now, listing.locate);
            let (order_ref, shares) = (order.order_ref.into(), shown.into());
            let match_number = match_no.get().into();
            let message = OrderExecuted { header, order_ref, shares, match_number };
            feed.say(now, message.as_bytes(), out);
        } else if shown != 0 {
            let executed = (order.order_ref, shown, price);
            feed.execute_at(now, listing, executed, (match_no, Flag::Yes), out);
        }
        if shown < qty {
            feed.print(now, listing, (price, qty - shown), match_no, out);
        }
        Some(())
    }

    /// So much of an order is shown from now on, less than or as much as before, in its place: `X`, or
    /// `D` where it is nothing.
    #[inline]
    pub(crate) fn reduce(
        &mut self,
        now: Nanos,
        key: OrderKey,
        after: impl FnOnce(u32) -> u32,
        out: &mut impl Out,
    ) -> Option<()> {
        let order = self.orders.get_mut(key)?;
        let before = order.shown;
        order.shown = after(before).min(before);
        if order.shown == before {
            return Some(());
        }
        let locate = self.rows.get(order.instrument.index())?.listing.locate;
        if order.shown == 0 {
            self.feed.delete(now, locate, order.order_ref, out);
        } else {
            let header = self.feed.head(now, locate);
            let (order_ref, shares) = (order.order_ref.into(), (before - order.shown).into());
            let message = OrderCancel { header, order_ref, shares };
            self.feed.say(now, message.as_bytes(), out);
        }
        Some(())
    }

    fn on_replaced(
        &mut self,
        now: Nanos,
        (old, new): (OrderKey, OrderKey),
        qty: u32,
        kept: bool,
        out: &mut impl Out,
    ) -> Option<()> {
        let was = core::mem::replace(self.orders.get_mut(old)?, orders::NONE);
        if kept {
            *self.orders.get_mut(new)? = was;
            return self.reduce(now, new, |shown| shown.min(qty), out);
        }
        let (order_ref, instrument) = (deal(&mut self.next_ref), was.instrument);
        *self.orders.get_mut(new)? = orders::Order { order_ref, instrument, ..orders::NONE };
        if was.shown != 0 {
            self.leaving = Some(Leaving { order_ref: was.order_ref, instrument, new });
        }
        Some(())
    }
}

/// The next order reference.
#[inline]
const fn deal(next_ref: &mut u64) -> u64 {
    let order_ref = *next_ref;
    *next_ref += 1;
    order_ref
}
