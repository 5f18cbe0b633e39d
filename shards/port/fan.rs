//! Where the floor's reports go: first to the publisher, then to the ports, each as it comes.

use matching::{Ended, OrderKey, Out, Phase, Refused, Report, Tick};
use types::{InstrumentId, MatchNo, Nanos, OrderRef, Px};
use wire::ouch50::inbound::{EnterOrder, ReplaceOrder};
use wire::ouch50::{CancelReason, Liquidity, Options, RejectReason};

use crate::answer::{Name, Prevented, Stands};
use crate::desk::{self, Desk};
use crate::orders::{self, Live};
use crate::trades::{Party, Trade};

/// Who tells everybody what happens: market data.
pub trait Publisher {
    /// The order that is entered next is for this instrument: no report says so.
    fn on_enter(&mut self, instrument: InstrumentId);

    /// One report, in the order in which things happened.
    ///
    /// * `match_no`: the execution's own number, for [`Report::Filled`], [`Report::Crossed`] and
    ///   [`Report::Uncrossed`]; 0 otherwise. Both sides of a trade are told the same.
    fn on_report(&mut self, now: Nanos, report: &Report, match_no: MatchNo);

    /// A trade was broken.
    fn on_bust(&mut self, now: Nanos, instrument: InstrumentId, match_no: MatchNo);

    /// The number under which everybody sees a live order, or would see it: its owner is told the same.
    fn order_ref(&self, order: OrderKey) -> OrderRef;

    /// A number of the same sequence for an order that ends before anybody could see it: no other order
    /// has it.
    fn deal_ref(&mut self) -> OrderRef;
}

/// Nobody is told.
impl Publisher for () {
    fn on_enter(&mut self, _instrument: InstrumentId) {}
    fn on_report(&mut self, _now: Nanos, _report: &Report, _match_no: MatchNo) {}
    fn on_bust(&mut self, _now: Nanos, _instrument: InstrumentId, _match_no: MatchNo) {}

    /// Nobody deals numbers: none is 0.
    fn order_ref(&self, _order: OrderKey) -> OrderRef {
        OrderRef::new(0)
    }

    fn deal_ref(&mut self) -> OrderRef {
        OrderRef::new(0)
    }
}

/// The request that the floor carries out.
#[derive(Clone, Copy)]
pub(crate) enum Asked<'m> {
    /// None of a port's.
    Nothing,
    Enter {
        m: &'m EnterOrder,
        options: Options<'m>,
        stands: Stands,
    },
    Replace {
        m: &'m ReplaceOrder,
        options: Options<'m>,
        stands: Stands,
    },
    /// The end of this order.
    Cancel {
        of: OrderKey,
    },
    /// Fewer shares of this order: by a cancel, or by a modify, which marks its side with this letter.
    Reduce {
        of: OrderKey,
        marks: Option<u8>,
    },
}

/// What is remembered while the floor carries out one request.
#[derive(Clone, Copy)]
pub(crate) struct Run<'m> {
    pub(crate) asked: Asked<'m>,
    /// The order that comes; no order has the number 0.
    pub(crate) key: OrderKey,
    /// Why an order ends whose end was asked for.
    pub(crate) cause: CancelReason,
    /// The letter of the self-match strategy of the order that comes.
    pub(crate) strategy: u8,
    /// The order that the floor refused last, and why: that which was asked for, or a stop that was reached.
    pub(crate) refusal: Option<(OrderKey, Refused)>,
    /// It replaced one.
    pub(crate) is_replaced: bool,
    /// Shares and price of the order of its own group that the one that comes met last.
    pub(crate) met: Option<(u32, u64)>,
}

impl Run<'_> {
    /// Something that no port asked for.
    pub(crate) const fn nothing(cause: CancelReason) -> Self {
        Self {
            asked: Asked::Nothing,
            key: OrderKey::new(0),
            cause,
            strategy: 0,
            refusal: None,
            is_replaced: false,
            met: None,
        }
    }

    pub(crate) const fn cancel(of: OrderKey, cause: CancelReason) -> Self {
        Self { asked: Asked::Cancel { of }, ..Self::nothing(cause) }
    }

    /// Why the floor refused what was asked for an order; `None` where it did not refuse that.
    pub(crate) fn refused(&self, order: OrderKey) -> Option<Refused> {
        self.refusal.filter(|(refused, _)| *refused == order).map(|(_, why)| why)
    }
}

/// Takes the floor's reports and hands each to the publisher, then to the ports that it is for.
pub struct Fan<'a, 'm, T> {
    pub(crate) now: Nanos,
    pub(crate) desk: &'a mut Desk,
    pub(crate) publisher: &'a mut T,
    pub(crate) run: Run<'m>,
}

impl<T: Publisher> Out for Fan<'_, '_, T> {
    #[inline]
    fn push(&mut self, report: Report) {
        let match_no = match report {
            Report::Filled { .. } | Report::Crossed { .. } | Report::Uncrossed { .. } => {
                self.desk.deal_match()
            }
            Report::Accepted { .. }
            | Report::Refused { .. }
            | Report::Replaced { .. }
            | Report::Rested { .. }
            | Report::Triggered { .. }
            | Report::Indicated(_)
            | Report::Bands { .. }
            | Report::Collar { .. }
            | Report::LimitState { .. }
            | Report::Decremented { .. }
            | Report::Reduced { .. }
            | Report::Phase { .. }
            | Report::Cancelled { .. } => MatchNo::new(0),
        };
        self.publisher.on_report(self.now, &report, match_no);
        self.tell(&report, match_no);
    }
}

impl<T: Publisher> Fan<'_, '_, T> {
    #[inline]
    fn tell(&mut self, report: &Report, match_no: MatchNo) {
        match *report {
            Report::Accepted { order, tick, .. } => self.on_accepted(order, tick),
            Report::Refused { order, why } => self.on_refused(order, why),
            Report::Replaced { old, new, qty, .. } => self.on_replaced(old, new, qty),
            Report::Rested { order, tick, shown, .. } => self.on_rested(order, tick, shown),
            Report::Triggered { order } => self.on_triggered(order),
            Report::Filled {
                maker,
                taker,
                tick,
                half,
                hidden,
                qty,
                maker_leaves,
                taker_leaves,
                ..
            } => {
                let sides = [(maker, maker_leaves), (taker, taker_leaves)];
                self.on_trade(sides, (tick, half, qty), match_no, |live, is_first| {
                    filled(live, is_first, hidden, half)
                });
            }
            Report::Crossed { buy, sell, tick, half, qty, buy_leaves, sell_leaves } => {
                let sides = [(buy, buy_leaves), (sell, sell_leaves)];
                let Some(slot) = self.slot(buy) else { return };
                let instrument = self.desk.orders.at(slot).instrument;
                let liquidity = self.desk.books[instrument.index()].crossed();
                self.on_trade(sides, (tick, half, qty), match_no, |_, _| liquidity);
            }
            Report::Decremented { order, qty, leaves } => self.on_decremented(order, qty, leaves),
            Report::Reduced { order, qty, leaves } => self.on_reduced(order, qty, leaves),
            Report::Phase { instrument, phase } => {
                if let Some(book) = self.desk.books.get_mut(instrument.index()) {
                    book.phase = phase;
                }
            }
            Report::Cancelled { order, tick, qty, why, .. } => {
                self.on_cancelled(order, tick, qty, why);
            }
            Report::Uncrossed { .. }
            | Report::Indicated(_)
            | Report::Bands { .. }
            | Report::Collar { .. }
            | Report::LimitState { .. } => {}
        }
    }

    /// Where the order of a report is; one that nobody here has is counted.
    #[inline]
    fn slot(&mut self, order: OrderKey) -> Option<u32> {
        let slot = self.desk.orders.slot(order);
        if slot.is_none() {
            self.desk.counters.strangers += 1;
        }
        slot
    }

    #[inline]
    fn name(&self, slot: u32) -> Name {
        let Live { port, channel, user_ref, .. } = *self.desk.orders.at(slot);
        Name { port, channel, user_ref }
    }

    #[inline]
    fn on_accepted(&mut self, order: OrderKey, tick: Option<Tick>) {
        let (Some(slot), Asked::Enter { m, options, mut stands }) =
            (self.slot(order), self.run.asked)
        else {
            return;
        };
        let live = self.desk.orders.at_mut(slot);
        let port = live.port;
        if let Some(tick) = tick
            && live.has(orders::MARKET)
        {
            // Market to limit: the price that it found is its limit.
            stands.price = self.desk.books[live.instrument.index()].price4(tick, false);
            (live.price, live.flags) = (stands.price as u32, live.flags & !orders::MARKET);
        }
        let order_ref = self.publisher.order_ref(order);
        self.desk.say_accepted(self.now, port, (m, options), order_ref, stands);
    }

    /// An entered order ends here. What a replacement was for ends with the report that follows, or
    /// stays; so does what must stay in its cross.
    fn on_refused(&mut self, order: OrderKey, why: Refused) {
        self.run.refusal = Some((order, why));
        let Some(slot) = self.slot(order) else { return };
        let (m, options, stands) = match self.run.asked {
            // Another is a stop that the trades of what was asked reached: it was accepted before, and its
            // end is told next.
            Asked::Enter { .. } if order != self.run.key => return,
            Asked::Cancel { of } | Asked::Reduce { of, .. } if order != of => return,
            Asked::Enter { m, options, stands } => (m, options, stands),
            Asked::Cancel { .. } if why == Refused::Phase => return self.put_off(slot),
            Asked::Reduce { .. } if why == Refused::Phase => {
                let name = self.name(slot);
                return self.desk.say_cancel_reject(self.now, name);
            }
            Asked::Nothing
            | Asked::Cancel { .. }
            | Asked::Reduce { .. }
            | Asked::Replace { .. } => return,
        };
        let (name, live) = (self.name(slot), *self.desk.orders.at(slot));
        if why == Refused::WouldTrade {
            // OUCH has no reject for it, but a reason to cancel.
            let order = (m, options);
            let order_ref = self.publisher.deal_ref();
            self.desk.say_accepted(self.now, name.port, order, order_ref, stands);
            self.desk.say_canceled(self.now, name, live.leaves, CancelReason::PostOnlyContra);
        } else {
            let phase = self.desk.books[live.instrument.index()].phase;
            let reason = rejected(why, phase, &live);
            self.desk.say_rejected(self.now, name, reason, live.cl_ord_id);
        }
        self.desk.close(slot);
    }

    fn on_replaced(&mut self, old: OrderKey, new: OrderKey, qty: u32) {
        let Some(slot) = self.slot(new) else { return };
        let live = self.desk.orders.at_mut(slot);
        match self.run.asked {
            Asked::Replace { m, options, stands } => {
                live.leaves = qty;
                self.run.is_replaced = true;
                let of = (slot, self.publisher.order_ref(new));
                self.desk.say_replaced(self.now, of, (m, options), qty, stands);
                if let Some(old) = self.slot(old) {
                    self.desk.hand_over(old, slot);
                    self.desk.close(old);
                }
            }
            Asked::Nothing | Asked::Cancel { .. } | Asked::Reduce { .. } | Asked::Enter { .. } => {}
        }
    }

    /// An order has fewer shares because its owner asked.
    fn on_reduced(&mut self, order: OrderKey, qty: u32, leaves: u32) {
        let Some(slot) = self.slot(order) else { return };
        let live = self.desk.orders.at_mut(slot);
        live.total = live.total.saturating_sub(qty);
        live.leaves = leaves;
        self.desk.release(slot, qty);
        if let Asked::Reduce { marks: Some(side), .. } = self.run.asked {
            self.desk.orders.at_mut(slot).side = side;
            self.desk.say_modified(self.now, slot);
        } else {
            let name = self.name(slot);
            self.desk.say_canceled(self.now, name, qty, self.run.cause);
        }
    }

    /// An order that must stay in its cross is cancelled after it.
    fn put_off(&mut self, slot: u32) {
        let live = self.desk.orders.at_mut(slot);
        if live.has(orders::PENDING) {
            self.desk.counters.ignored += 1;
        } else {
            live.flags |= orders::PENDING;
            let name = self.name(slot);
            self.desk.say_cancel_pending(self.now, name);
        }
    }

    /// The first place of an order is no news. Later it lost its place, or more of it is shown.
    fn on_rested(&mut self, order: OrderKey, tick: Tick, shown: u32) {
        let Some(slot) = self.slot(order) else { return };
        let live = self.desk.orders.at_mut(slot);
        if !live.has(orders::RESTED) {
            live.flags |= orders::RESTED;
        } else if live.has(orders::RESERVE) {
            let name = self.name(slot);
            self.desk.say_refreshed(self.now, name, shown);
        } else {
            self.desk.say_priority(self.now, (slot, self.publisher.order_ref(order)), tick);
        }
    }

    /// A stop order is live in the book from now on: its place in the queue begins.
    fn on_triggered(&mut self, order: OrderKey) {
        let Some(slot) = self.slot(order) else { return };
        let live = *self.desk.orders.at(slot);
        let book = &self.desk.books[live.instrument.index()];
        let px = Px::from_price4(live.price);
        if let (false, Some(tick)) = (live.has(orders::MARKET), book.listing.ticks.tick(px)) {
            self.desk.say_priority(self.now, (slot, self.publisher.order_ref(order)), tick);
        }
    }

    #[inline]
    fn on_trade(
        &mut self,
        sides: [(OrderKey, u32); 2],
        (tick, half, qty): (Tick, bool, u32),
        match_no: MatchNo,
        liquidity: impl Fn(&Live, bool) -> Liquidity,
    ) {
        let (instrument, px) = (InstrumentId::new(0), Px::ZERO);
        let mut trade = Trade { match_no, instrument, qty, px, parties: [None; 2] };
        for (at, (order, leaves)) in sides.into_iter().enumerate() {
            let Some(slot) = self.slot(order) else { continue };
            let live = self.desk.orders.at_mut(slot);
            live.leaves = leaves;
            let live = *live;
            let Live { port, account, channel, user_ref, cl_ord_id, instrument, .. } = live;
            let book = &self.desk.books[instrument.index()];
            let price = book.price4(tick, half);
            if let Some(px) = book.px(tick, half) {
                trade.px = px;
                let (risk, held) = self.desk.risk_of(slot);
                risk.fill(held, qty, px);
            }
            let name = Name { port, channel, user_ref };
            let liquidity = liquidity(&live, at == 0);
            self.desk.say_executed(self.now, name, (qty, price), liquidity, match_no);
            trade.instrument = instrument;
            trade.parties[at] = Some(Party { port, account, channel, user_ref, cl_ord_id });
            if leaves == 0 {
                self.desk.close(slot);
            }
        }
        self.desk.trades.push(trade);
    }

    /// An order lost shares to self-match prevention, and has some left.
    fn on_decremented(&mut self, order: OrderKey, qty: u32, leaves: u32) {
        let Some(slot) = self.slot(order) else { return };
        let live = self.desk.orders.at_mut(slot);
        live.leaves = leaves;
        live.total = live.total.saturating_sub(qty);
        let price = u64::from(live.price);
        self.desk.release(slot, qty);
        self.prevent(slot, order, (qty, price));
    }

    /// Tells an order that it lost shares instead of trading with its own group.
    fn prevent(&mut self, slot: u32, order: OrderKey, (decrement, price): (u32, u64)) {
        let is_taker = order == self.run.key;
        let taker = self.desk.orders.slot(self.run.key);
        let (qty, price, liquidity) = match (is_taker, self.run.met) {
            (true, Some((qty, price))) => (qty.min(decrement), price, Liquidity::Removed),
            (true, None) => (decrement, price, Liquidity::Removed),
            (false, _) => {
                let leaves = taker.map_or(decrement, |taker| self.desk.orders.at(taker).leaves);
                let qty = decrement.min(leaves);
                self.run.met = Some((qty, price));
                (qty, price, Liquidity::Added)
            }
        };
        let own = self.desk.orders.at(slot).strategy;
        let strategy = if taker.is_some() { self.run.strategy } else { own };
        let strategy = desk::told(strategy, is_taker);
        let name = self.name(slot);
        let prevented = Prevented { decrement, qty, price, liquidity, strategy };
        self.desk.say_prevented(self.now, name, prevented);
    }

    fn on_cancelled(&mut self, order: OrderKey, tick: Option<Tick>, qty: u32, why: Ended) {
        let Some(slot) = self.slot(order) else { return };
        let (name, live) = (self.name(slot), *self.desk.orders.at(slot));
        if why == Ended::SelfMatch {
            let book = &self.desk.books[live.instrument.index()];
            let price = tick.map_or(0, |tick| book.price4(tick, false));
            self.prevent(slot, order, (qty, price));
        } else {
            let reason = self.reason(order, &live, why);
            self.desk.say_canceled(self.now, name, qty, reason);
        }
        self.desk.close(slot);
    }

    fn reason(&self, order: OrderKey, live: &Live, why: Ended) -> CancelReason {
        match why {
            Ended::NotCrossed | Ended::Closed if live.has(orders::PENDING) => {
                CancelReason::UserRequested
            }
            Ended::Asked => self.run.cause,
            Ended::Immediate | Ended::MinQty => CancelReason::ImmediateOrCancel,
            Ended::SelfMatch => CancelReason::SelfMatch,
            // A replaced order ends for what was refused to the one in its place.
            Ended::Refused => match self.run.refused(order).or(self.run.refused(self.run.key)) {
                Some(Refused::WouldTrade) => CancelReason::PostOnlyContra,
                Some(Refused::Price | Refused::Band) => CancelReason::MarketCollars,
                Some(
                    Refused::Instrument
                    | Refused::Qty
                    | Refused::DuplicateKey
                    | Refused::NotLive
                    | Refused::OrdersFull
                    | Refused::LevelsFull
                    | Refused::Account
                    | Refused::Phase
                    | Refused::Terms
                    | Refused::TermsFull
                    | Refused::Quote,
                )
                | None => CancelReason::System,
            },
            Ended::NotCrossed if live.cross == b'O' => CancelReason::ImmediateOrCancel,
            Ended::Closed | Ended::NotCrossed => CancelReason::Closed,
            Ended::Expired => CancelReason::Timeout,
            Ended::Band => CancelReason::MarketCollars,
        }
    }
}

/// How one side of a fill met liquidity: the first is the one that rested.
#[inline]
fn filled(live: &Live, is_maker: bool, hidden: bool, half: bool) -> Liquidity {
    match (is_maker, half || live.has(orders::MIDPOINT)) {
        (true, true) => Liquidity::AddedMidpoint,
        (true, false) if hidden && live.has(orders::RESERVE) => Liquidity::AddedReserve,
        (true, false) if hidden => Liquidity::AddedHidden,
        (true, false) => Liquidity::Added,
        (false, true) => Liquidity::RemovedMidpoint,
        (false, false) => Liquidity::Removed,
    }
}

/// Why the floor did not take an order, in OUCH's words.
fn rejected(why: Refused, phase: Phase, live: &Live) -> RejectReason {
    match why {
        Refused::Instrument => RejectReason::InvalidSymbol,
        Refused::Qty => RejectReason::InvalidQuantity,
        Refused::Price | Refused::Band => RejectReason::InvalidPrice,
        Refused::Account => RejectReason::FirmNotAuthorized,
        Refused::Quote => RejectReason::QuoteUnavailable,
        Refused::Phase | Refused::Terms if live.cross != b'N' => RejectReason::InvalidCrossOrder,
        Refused::Phase => match phase {
            Phase::Closed => RejectReason::DestinationClosed,
            Phase::Halted | Phase::PreReopen | Phase::Paused => RejectReason::Halted,
            Phase::PreOpen | Phase::Continuous => RejectReason::Other,
        },
        Refused::Terms | Refused::WouldTrade => RejectReason::Other,
        Refused::DuplicateKey
        | Refused::NotLive
        | Refused::OrdersFull
        | Refused::LevelsFull
        | Refused::TermsFull => RejectReason::ProcessingError,
    }
}
