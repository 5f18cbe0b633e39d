//! Enter Order and Replace Order (2.1, 2.2).

use matching::{Floor, NewOrder, Order, OrderKey, Price, Refused, Tick};
use risk::port::{Denied, Entry, Hours, Previous, Short};
use types::{InstrumentId, PortId, Px, Side};
use wire::ouch50::inbound::{EnterOrder, ReplaceOrder};
use wire::ouch50::{
    Appendage, BboWeight, CancelReason, Flag, Options, QUANTITY_MAX, RejectReason, Tag, Tags,
};

use crate::answer::Stands;
use crate::clerk::{Clerk, channel, options, unlisted};
use crate::desk::{self, Port};
use crate::fan::{Asked, Publisher, Run};
use crate::orders::{self, Live, trade_side};
use crate::terms::{Meaning, Words};

/// An order that passed every check of its port: its record to be, and what the floor is asked for.
struct Passed<'m> {
    live: Live,
    order: Order,
    entry: Entry,
    options: Options<'m>,
    stands: Stands,
}

impl<T: Publisher> Clerk<'_, T> {
    /// Accepted and what follows, or Rejected; or nothing, where the number was used.
    #[inline]
    pub(crate) fn enter(&mut self, m: &EnterOrder, appendage: Appendage<'_>) {
        let (channel, user_ref) = (channel(appendage), m.user_ref());
        if !self.claim(channel, user_ref) {
            return;
        }
        let mut passed = match self.pass(m, appendage, channel) {
            Ok(passed) => passed,
            Err(reason) => return self.reject(self.name(channel, user_ref), reason, m.cl_ord_id()),
        };
        let new = &mut passed.order.new;
        let (port, firm) = (PortId::new(self.port), self.desk.port(self.port).firm_id);
        let mut held = match self.desk.risk.check(self.now, port, firm, new.account, &passed.entry)
        {
            Ok(held) => held,
            Err(why) => {
                return self.reject(self.name(channel, user_ref), denied(why), m.cl_ord_id());
            }
        };
        let Some(slot) = self.desk.orders.open(&passed.live) else {
            self.desk.risk.release(&mut held, u32::MAX);
            let reason = RejectReason::ProcessingError;
            return self.reject(self.name(channel, user_ref), reason, m.cl_ord_id());
        };
        self.desk.hold(slot, held);
        new.key = self.desk.orders.key(slot);
        self.publisher.on_enter(new.instrument);
        let Passed { live, order, options, stands, .. } = passed;
        let asked = Asked::Enter { m, options, stands };
        self.with_floor(run(asked, &order, &live), |floor, now, fan| floor.enter(now, &order, fan));
    }

    /// Every check of the port, cheapest first.
    #[inline]
    fn pass<'m>(
        &self,
        m: &EnterOrder,
        appendage: Appendage<'m>,
        channel: u8,
    ) -> Result<Passed<'m>, RejectReason> {
        let port = self.desk.port(self.port);
        m.check().map_err(unlisted)?;
        let options = options(appendage, takes(EnterOrder::TAKES, port))?;
        if port.is_disabled || options.firm().is_some_and(|firm| firm != port.firm) {
            return Err(RejectReason::FirmNotAuthorized);
        }
        let instrument = self.desk.symbols.find(m.symbol()).ok_or(RejectReason::InvalidSymbol)?;
        if m.quantity() == 0 || QUANTITY_MAX < m.quantity() {
            return Err(RejectReason::InvalidQuantity);
        }
        let group = options.group_id().unwrap_or(0);
        let live = Live {
            user_ref: m.user_ref(),
            instrument,
            total: m.quantity(),
            leaves: m.quantity(),
            port: self.port,
            group,
            account: port.account(group),
            channel,
            side: m.side,
            capacity: m.capacity,
            cross: m.cross,
            cl_ord_id: m.cl_ord_id(),
            ..Live::BLANK
        };
        let words = Words {
            options,
            side: trade_side(m.side),
            quantity: m.quantity(),
            price: m.price(),
            time_in_force: m.time_in_force().map_err(unlisted)?,
            display: m.display().map_err(unlisted)?,
            cross: m.cross().map_err(unlisted)?,
            is_sweep: m.intermarket_sweep == Flag::Yes.byte(),
        };
        self.complete(live, &words)
    }

    /// What is common to an order and a replacement.
    #[inline]
    fn complete<'m>(&self, mut live: Live, words: &Words<'m>) -> Result<Passed<'m>, RejectReason> {
        let port = self.desk.port(self.port);
        let book = &self.desk.books[live.instrument.index()];
        let ticks = &book.listing.ticks;
        let meaning = words.meaning(self.now, ticks, book.phase)?;
        let Meaning { price: to, standing, terms, flags, display } = meaning;
        let (self_match, strategy) = match words.options.aiq_strategy() {
            None => (port.self_match, desk::strategy(port.self_match)),
            Some(strategy) => (desk::self_match(strategy), strategy.byte()),
        };
        if words.options.tags().has(Tag::AiqGroupId) {
            return Err(RejectReason::InvalidAiq);
        }
        // A price that is no market's is at most PRICE_MAX, and the market's own fit as well.
        live.price = words.price as u32;
        (live.display, live.strategy, live.flags) = (display, strategy, flags);
        let weight = match to {
            Price::Limit(tick) if port.bbo_weight => {
                Some(weight(self.floor, (live.instrument, words.side), tick, words.quantity))
            }
            Price::Limit(_) | Price::Market | Price::MarketToLimit => None,
        };
        let new = NewOrder {
            key: OrderKey::new(0),
            instrument: live.instrument,
            side: words.side,
            qty: words.quantity,
            price: to,
            standing,
            account: live.account,
            self_match,
        };
        let limit = match to {
            Price::Limit(tick) => book.px(tick, false),
            Price::Market | Price::MarketToLimit => None,
        };
        let entry = Entry {
            is_located: words.options.shares_located() == Some(Flag::Yes),
            is_sweep: words.is_sweep,
            ..self.entry(&live, limit)
        };
        let (options, stands) = (words.options, Stands { price: words.price, display, weight });
        Ok(Passed { live, order: Order { new, terms }, entry, options, stands })
    }

    /// An order as risk looks at it. It is measured by the best price of the other side, else by the last
    /// trade, else by the close of the day before.
    #[inline]
    pub(crate) fn entry(&self, live: &Live, limit: Option<Px>) -> Entry {
        let (book, side) = (&self.desk.books[live.instrument.index()], live.trade_side());
        let best = self.floor.best(live.instrument, side.opposite());
        let known = best.or_else(|| self.floor.last(live.instrument));
        Entry {
            instrument: live.instrument,
            side,
            short: match live.side {
                b'T' => Short::Sale,
                b'E' => Short::Exempt,
                _ => Short::No,
            },
            is_located: false,
            is_sweep: false,
            is_offering: false,
            hours: Hours::Regular,
            qty: live.leaves,
            px: limit,
            reference: known.and_then(|tick| book.px(tick, false)).or(book.listing.close),
        }
    }

    /// Replaced and what follows; or Canceled, where the replacement is not valid; or Rejected, where
    /// the order may not be cancelled now or risk denies what it would become; or nothing, where it is not live or the number was used.
    pub(crate) fn replace(&mut self, m: &ReplaceOrder, appendage: Appendage<'_>) {
        let (channel, user_ref) = (channel(appendage), m.user_ref());
        let Some(old) = self.desk.orders.find(self.port, channel, m.orig_user_ref()) else {
            return self.ignore();
        };
        if !self.is_new(channel, user_ref) {
            return;
        }
        if let Err(reason) = self.may_replace(old) {
            self.claim(channel, user_ref);
            return self.reject(self.name(channel, user_ref), reason, m.cl_ord_id());
        }
        let passed = self.pass_replacement(old, m, appendage);
        let opened = passed.ok().and_then(|mut passed| {
            let slot = self.desk.orders.open(&passed.live)?;
            passed.order.new.key = self.desk.orders.key(slot);
            Some((slot, passed))
        });
        let Some((slot, Passed { live, order, entry, options, stands })) = opened else {
            self.desk.counters.unreplaced += 1;
            self.end(old, CancelReason::UserRequested);
            return;
        };
        let (port, now) = (PortId::new(self.port), self.now);
        let (risk, held) = self.desk.risk_of(old);
        let previous = match risk.replace(now, port, held, &entry) {
            Ok(previous) => previous,
            Err(why) => {
                self.desk.close(slot);
                self.claim(channel, user_ref);
                return self.reject(self.name(channel, user_ref), denied(why), m.cl_ord_id());
            }
        };
        let key = self.desk.orders.key(old);
        let asked = Asked::Replace { m, options, stands };
        let run = self.with_floor(run(asked, &order, &live), |floor, now, fan| {
            floor.replace(now, key, &order, fan);
        });
        if run.is_replaced {
            self.desk.port_mut(self.port).use_up(channel, user_ref);
        } else {
            self.desk.close(slot);
            let refused = run.refused(order.new.key);
            self.stays((old, key), previous, refused, m, channel);
        }
    }

    /// A replacement came to nothing. Where the order could not be changed now it stays as it was; where
    /// what it was to become is not valid it ends, if the floor has not ended it.
    fn stays(
        &mut self,
        (old, key): (u32, OrderKey),
        previous: Previous,
        refused: Option<Refused>,
        m: &ReplaceOrder,
        channel: u8,
    ) {
        if self.desk.orders.slot(key).is_some() {
            let (risk, held) = self.desk.risk_of(old);
            risk.keep(held, previous);
            if refused == Some(Refused::Phase) {
                self.claim(channel, m.user_ref());
                let (name, reason) =
                    (self.name(channel, m.user_ref()), RejectReason::ReplaceNotAllowed);
                return self.reject(name, reason, m.cl_ord_id());
            }
            self.end(old, CancelReason::UserRequested);
        }
        self.desk.counters.unreplaced += 1;
    }

    /// Errors: why an order must stay as it is.
    fn may_replace(&self, old: u32) -> Result<(), RejectReason> {
        let (port, live) = (self.desk.port(self.port), self.desk.orders.at(old));
        if live.has(orders::PENDING) {
            return Err(RejectReason::CancelPending);
        }
        if port.is_disabled {
            return Err(RejectReason::FirmNotAuthorized);
        }
        Ok(())
    }

    /// Errors: the replacement is not valid. The reason is told to nobody: the order is cancelled.
    fn pass_replacement<'m>(
        &self,
        old: u32,
        m: &ReplaceOrder,
        appendage: Appendage<'m>,
    ) -> Result<Passed<'m>, RejectReason> {
        let port = self.desk.port(self.port);
        m.check().map_err(unlisted)?;
        let options = options(appendage, takes(ReplaceOrder::TAKES, port))?;
        let was = self.desk.orders.at(old);
        let side = options.side().map_or(was.side, wire::ouch50::Side::byte);
        if trade_side(side) != was.trade_side() {
            return Err(RejectReason::InvalidSide);
        }
        // The shares executed before are among those asked for.
        let open = m.quantity().saturating_sub(was.executed());
        if open == 0 || QUANTITY_MAX < m.quantity() {
            return Err(RejectReason::InvalidQuantity);
        }
        let live = Live {
            user_ref: m.user_ref(),
            total: m.quantity(),
            leaves: open,
            side,
            cl_ord_id: m.cl_ord_id(),
            ..*was
        };
        let words = Words {
            options,
            side: trade_side(side),
            quantity: open,
            price: m.price(),
            time_in_force: m.time_in_force().map_err(unlisted)?,
            display: m.display().map_err(unlisted)?,
            cross: wire::ouch50::CrossType::from_byte(was.cross).map_err(unlisted)?,
            is_sweep: m.intermarket_sweep == Flag::Yes.byte(),
        };
        self.complete(live, &words)
    }
}

/// What risk denied, in OUCH's words: each has one of its own.
#[cold]
fn denied(why: Denied) -> RejectReason {
    match why {
        Denied::Unknown => RejectReason::ProcessingError,
        Denied::Instrument => RejectReason::InvalidSymbol,
        Denied::VenueStopped => RejectReason::DestinationClosed,
        Denied::FirmStopped => RejectReason::FirmNotAuthorized,
        Denied::PortStopped => RejectReason::Other,
        Denied::PortRate => RejectReason::RiskPortRate,
        Denied::MarketOrder => RejectReason::RiskMarketOrderNotAllowed,
        Denied::ShortSale => RejectReason::RiskShortSellNotAllowed,
        Denied::ShortExempt => RejectReason::RiskShortExemptNotAllowed,
        Denied::Sweep => RejectReason::RiskIsoNotAllowed,
        Denied::PreMarket => RejectReason::RiskPreMarketNotAllowed,
        Denied::PostMarket => RejectReason::RiskPostMarketNotAllowed,
        Denied::OfferingMarketBuy => RejectReason::RiskIpoMarketBuyNotAllowed,
        Denied::Quantity => RejectReason::RiskMaxQuantity,
        Denied::Restricted => RejectReason::RiskRestrictedStock,
        Denied::ShortRestricted => RejectReason::RiskShortSellRestricted,
        Denied::Locate => RejectReason::RiskLocateRequired,
        Denied::NoReference => RejectReason::QuoteUnavailable,
        Denied::Collar => RejectReason::RiskMarketImpact,
        Denied::FatFinger => RejectReason::RiskFatFinger,
        Denied::OrderNotional => RejectReason::RiskOrderNotional,
        Denied::SymbolRate => RejectReason::RiskSymbolRate,
        Denied::Duplicate => RejectReason::RiskDuplicateRate,
        Denied::Exposure => RejectReason::RiskAggregateExposure,
    }
}

/// What is remembered while the floor takes an order.
#[inline]
fn run<'m>(asked: Asked<'m>, order: &Order, live: &Live) -> Run<'m> {
    Run {
        asked,
        key: order.new.key,
        strategy: live.strategy,
        ..Run::nothing(CancelReason::UserRequested)
    }
}

/// The options that a port takes.
#[inline]
fn takes(listed: Tags, port: &Port) -> Tags {
    if port.extensions { listed.or(Tags::EXTENSIONS) } else { listed }
}

/// How much an order adds to this market's best price: what it has of the shares there afterwards.
/// The only quote that is known here is this market's own.
fn weight(
    floor: &Floor,
    (instrument, side): (InstrumentId, Side),
    tick: Tick,
    qty: u32,
) -> BboWeight {
    let Some(best) = floor.best(instrument, side) else { return BboWeight::SetQbbo };
    let (is_better, is_worse) = match side {
        Side::Buy => (best < tick, tick < best),
        Side::Sell => (tick < best, best < tick),
    };
    let qty = u64::from(qty);
    match floor.market().depth_at(instrument, side, tick).saturating_add(qty) {
        _ if is_better => BboWeight::SetQbbo,
        _ if is_worse => BboWeight::Unspecified,
        depth if qty * 1_000 <= depth * 2 => BboWeight::To02,
        depth if qty * 100 <= depth => BboWeight::To1,
        depth if qty * 100 <= depth * 2 => BboWeight::To2,
        _ => BboWeight::Above2,
    }
}
