//! Enter Order and Replace Order (2.1, 2.2).

use matching::{Floor, NewOrder, Order, Price, Refused, SelfMatch, Terms, Tick};
use types::{InstrumentId, Side};
use wire::ouch50::inbound::{EnterOrder, ReplaceOrder};
use wire::ouch50::{
    Appendage, BboWeight, CancelReason, Options, QUANTITY_MAX, RejectReason, Tag, Tags,
};

use crate::answer::Stands;
use crate::clerk::{Clerk, channel, options, unlisted};
use crate::desk::{self, Port};
use crate::fan::{Asked, Run, Tape};
use crate::orders::{self, Live, trade_side};
use crate::terms::{Meaning, Words};

/// An order that passed every check of its port: its record to be, and what the floor is asked for.
struct Passed<'m> {
    live: Live,
    order: Order,
    options: Options<'m>,
    stands: Stands,
}

impl<T: Tape> Clerk<'_, T> {
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
        let Order { new, terms } = &mut passed.order;
        let Some(slot) = self.desk.orders.open(&passed.live, new.standing, terms) else {
            let reason = RejectReason::ProcessingError;
            return self.reject(self.name(channel, user_ref), reason, m.cl_ord_id());
        };
        new.key = self.desk.orders.key(slot);
        self.tape.on_enter(new.instrument);
        let Passed { live, order, options, stands } = passed;
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
        if port.is_disabled
            || port.is_killed
            || options.firm().is_some_and(|firm| firm != port.firm)
        {
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
        };
        self.complete(live, &words)
    }

    /// What is common to an order and a replacement.
    #[inline]
    fn complete<'m>(&self, mut live: Live, words: &Words<'m>) -> Result<Passed<'m>, RejectReason> {
        let port = self.desk.port(self.port);
        let book = &self.desk.books[live.instrument.index()];
        let ticks = &book.listing.ticks;
        let mut meaning = words.meaning(self.now, ticks, book.phase)?;
        let mut price = words.price;
        if meaning.is_market_to_limit {
            let best = self.floor.best(live.instrument, words.side.opposite());
            let best = best.ok_or(RejectReason::QuoteUnavailable)?;
            (price, meaning.price) = (book.price4(best, false), Price::Limit(best));
            meaning.flags &= !orders::MARKET;
        }
        let Meaning { price: to, standing, terms, flags, display, .. } = meaning;
        let (self_match, strategy) = match words.options.aiq_strategy() {
            None => (port.self_match, desk::strategy(port.self_match)),
            Some(strategy) => (desk::self_match(strategy), strategy),
        };
        if words.options.tags().has(Tag::AiqGroupId) {
            return Err(RejectReason::InvalidAiq);
        }
        // A price that is no market's is at most PRICE_MAX, and the market's own fit as well.
        live.price = price as u32;
        (live.display, live.strategy, live.flags) = (display, strategy.byte(), flags);
        let weight = match to {
            Price::Limit(tick) if port.bbo_weight => {
                Some(weight(self.floor, (live.instrument, words.side), tick, words.quantity))
            }
            Price::Limit(_) | Price::Market => None,
        };
        let new = NewOrder {
            key: matching::OrderKey::new(0),
            instrument: live.instrument,
            side: words.side,
            qty: words.quantity,
            price: to,
            standing,
            account: port.account(live.group),
            self_match,
        };
        let stands = Stands { price, display, weight };
        Ok(Passed { live, order: Order { new, terms }, options: words.options, stands })
    }

    /// Replaced and what follows; or Canceled, where the replacement is not valid; or Rejected, where
    /// the order may not be cancelled now; or nothing, where it is not live or the number was used.
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
            let Order { new, terms } = &mut passed.order;
            let slot = self.desk.orders.open(&passed.live, new.standing, terms)?;
            new.key = self.desk.orders.key(slot);
            Some((slot, passed))
        });
        let Some((slot, Passed { live, order, options, stands })) = opened else {
            self.desk.counters.unreplaced += 1;
            return self.end(old, CancelReason::UserRequested);
        };
        let key = self.desk.orders.key(old);
        let asked = Asked::Replace { m, options, stands };
        let run = self.with_floor(run(asked, &order, &live), |floor, now, fan| {
            floor.replace(now, key, &order, fan);
        });
        if run.is_replaced {
            self.desk.port_mut(self.port).use_up(channel, user_ref);
        } else {
            self.desk.counters.unreplaced += 1;
            self.desk.orders.close(slot);
            if run.refused == Some(Refused::NotLive) {
                self.desk.counters.strangers += 1;
            }
        }
    }

    /// Errors: why an order must stay as it is.
    fn may_replace(&self, old: u32) -> Result<(), RejectReason> {
        let (port, live) = (self.desk.port(self.port), self.desk.orders.at(old));
        if live.has(orders::PENDING) {
            return Err(RejectReason::CancelPending);
        }
        if self.desk.is_frozen(live) {
            return Err(RejectReason::ReplaceNotAllowed);
        }
        if port.is_disabled || port.is_killed {
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
        };
        self.complete(live, &words)
    }
}

/// What is remembered while the floor takes an order.
#[inline]
fn run<'m>(asked: Asked<'m>, order: &Order, live: &Live) -> Run<'m> {
    Run {
        asked,
        key: order.new.key,
        strategy: live.strategy,
        ..Run::cancel(CancelReason::UserRequested)
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

/// A live order with fewer shares and all else as it is.
pub(crate) fn smaller(key: matching::OrderKey, desk: &desk::Desk, slot: u32, qty: u32) -> Order {
    let (live, (standing, terms)) = (desk.orders.at(slot), desk.orders.asked(slot));
    let port = desk.port(live.port);
    let ticks = &desk.books[live.instrument.index()].listing.ticks;
    let tick = ticks.tick(types::Px::from_price4(live.price));
    let price = match tick {
        Some(tick) if !live.has(orders::MARKET) => Price::Limit(tick),
        Some(_) | None => Price::Market,
    };
    let new = NewOrder {
        key,
        instrument: live.instrument,
        side: live.trade_side(),
        qty,
        price,
        // It rests already: that it trades now is no question.
        standing: if terms == Terms::PLAIN { matching::Standing::Rest } else { standing },
        account: port.account(live.group),
        self_match: SelfMatch::Allow,
    };
    Order { new, terms }
}
