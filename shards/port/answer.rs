//! What a port is told, in OUCH 5.0's words. Each goes into its stream and its firm's drop copy.

use matching::Tick;
use types::{MatchNo, Nanos, OrderRef};
use wire::ouch50::inbound::{EnterOrder, ReplaceOrder};
use wire::ouch50::outbound::{
    Accepted, AccountQueryResponse, AiqCanceled, Broken, CancelPending, CancelReject, Canceled,
    DisableResponse, EnableResponse, Executed, Head, MassCancelResponse, Modified, PriorityUpdate,
    Rejected, Replaced, Restated, SystemEvent,
};
use wire::ouch50::{
    APPENDAGE_MAX, AiqStrategy, Appendage, AppendageWriter, BboWeight, BrokenReason, CancelReason,
    EventCode, Liquidity, Options, OrderState, RejectReason, RestateReason, TagValue,
};

use crate::desk::Desk;
use crate::trades::Party;

/// An order that is answered about.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    pub(crate) port: u16,
    pub(crate) channel: u8,
    pub(crate) user_ref: u32,
}

/// What of an order may be other than its owner wrote.
#[derive(Clone, Copy)]
pub(crate) struct Stands {
    pub(crate) price: u64,
    pub(crate) display: u8,
    pub(crate) weight: Option<BboWeight>,
}

/// A prevented execution.
#[derive(Clone, Copy)]
pub(crate) struct Prevented {
    pub(crate) decrement: u32,
    pub(crate) qty: u32,
    pub(crate) price: u64,
    pub(crate) liquidity: Liquidity,
    pub(crate) strategy: u8,
}

/// With what the specification appends where a message has no options but the order's channel.
#[inline]
fn with_channel<R>(channel: u8, write: impl FnOnce(Appendage<'_>) -> R) -> R {
    if channel == 0 {
        return write(Appendage::ABSENT);
    }
    with_options(&[TagValue::UserRefIdx(channel)], write)
}

/// With these options, each of another tag.
fn with_options<R>(values: &[TagValue], write: impl FnOnce(Appendage<'_>) -> R) -> R {
    let mut room = [0; APPENDAGE_MAX];
    let mut writer = AppendageWriter::new(&mut room);
    for value in values {
        // There is room for every option once.
        let _ = writer.push(*value);
    }
    write(writer.finish())
}

/// With the options that an order came with, and its weight.
#[inline]
fn with_echo<R>(
    options: Options<'_>,
    weight: Option<BboWeight>,
    write: impl FnOnce(Appendage<'_>) -> R,
) -> R {
    let Some(weight) = weight else { return write(options.appendage()) };
    let mut room = [0; APPENDAGE_MAX];
    let mut writer = AppendageWriter::new(&mut room);
    for value in options.iter().chain([TagValue::BboWeight(weight)]) {
        let _ = writer.push(value);
    }
    write(writer.finish())
}

impl Desk {
    pub(crate) fn say_event(&mut self, now: Nanos, port: u16, event: EventCode) {
        let message = SystemEvent { header: Head::new(self.time(now)), event: event.byte() };
        self.say(port, |out| message.encode(Appendage::ABSENT, out));
    }

    #[inline]
    pub(crate) fn say_accepted(
        &mut self,
        now: Nanos,
        port: u16,
        (m, options): (&EnterOrder, Options<'_>),
        order_ref: OrderRef,
        stands: Stands,
    ) {
        let message = Accepted {
            header: Head::new(self.time(now)),
            user_ref: m.user_ref().into(),
            side: m.side,
            quantity: m.quantity().into(),
            symbol: m.symbol(),
            price: stands.price.into(),
            time_in_force: m.time_in_force,
            display: stands.display,
            order_ref: order_ref.get().into(),
            capacity: m.capacity,
            intermarket_sweep: m.intermarket_sweep,
            cross: m.cross,
            state: OrderState::Live.byte(),
            cl_ord_id: m.cl_ord_id(),
        };
        with_echo(options, stands.weight, |appendage| {
            self.say(port, |out| message.encode(appendage, out));
        });
    }

    /// `qty`: what is left of the chain.
    pub(crate) fn say_replaced(
        &mut self,
        now: Nanos,
        (slot, order_ref): (u32, OrderRef),
        (m, options): (&ReplaceOrder, Options<'_>),
        qty: u32,
        stands: Stands,
    ) {
        let live = *self.orders.at(slot);
        let message = Replaced {
            header: Head::new(self.time(now)),
            orig_user_ref: m.orig_user_ref().into(),
            user_ref: m.user_ref().into(),
            side: live.side,
            quantity: qty.into(),
            symbol: self.books[live.instrument.index()].listing.symbol.to_wire(),
            price: stands.price.into(),
            time_in_force: m.time_in_force,
            display: stands.display,
            order_ref: order_ref.get().into(),
            capacity: live.capacity,
            intermarket_sweep: m.intermarket_sweep,
            cross: live.cross,
            state: OrderState::Live.byte(),
            cl_ord_id: m.cl_ord_id(),
        };
        with_echo(options, stands.weight, |appendage| {
            self.say(live.port, |out| message.encode(appendage, out));
        });
    }

    pub(crate) fn say_canceled(&mut self, now: Nanos, name: Name, qty: u32, reason: CancelReason) {
        let message = Canceled {
            header: Head::new(self.time(now)),
            user_ref: name.user_ref.into(),
            quantity: qty.into(),
            reason: reason.byte(),
        };
        with_channel(name.channel, |appendage| {
            self.say(name.port, |out| message.encode(appendage, out));
        });
    }

    /// A strategy that is silent tells neither shares nor price of what was prevented.
    pub(crate) fn say_prevented(&mut self, now: Nanos, name: Name, prevented: Prevented) {
        let silent = [AiqStrategy::DecrementBothSilentMpid, AiqStrategy::DecrementBothSilentOrg];
        let silent = silent.map(AiqStrategy::byte).contains(&prevented.strategy);
        let (qty, price) = if silent { (0, 0) } else { (prevented.qty, prevented.price) };
        let message = AiqCanceled {
            header: Head::new(self.time(now)),
            user_ref: name.user_ref.into(),
            decrement: prevented.decrement.into(),
            reason: CancelReason::SelfMatch.byte(),
            prevented: qty.into(),
            price: price.into(),
            liquidity: prevented.liquidity.byte(),
            strategy: prevented.strategy,
        };
        with_channel(name.channel, |appendage| {
            self.say(name.port, |out| message.encode(appendage, out));
        });
    }

    #[inline]
    pub(crate) fn say_executed(
        &mut self,
        now: Nanos,
        name: Name,
        (qty, price): (u32, u64),
        liquidity: Liquidity,
        match_no: MatchNo,
    ) {
        let message = Executed {
            header: Head::new(self.time(now)),
            user_ref: name.user_ref.into(),
            quantity: qty.into(),
            price: price.into(),
            liquidity: liquidity.byte(),
            match_number: match_no.get().into(),
        };
        with_channel(name.channel, |appendage| {
            self.say(name.port, |out| message.encode(appendage, out));
        });
    }

    pub(crate) fn say_broken(
        &mut self,
        now: Nanos,
        party: &Party,
        match_no: MatchNo,
        reason: BrokenReason,
    ) {
        let message = Broken {
            header: Head::new(self.time(now)),
            user_ref: party.user_ref.into(),
            match_number: match_no.get().into(),
            reason: reason.byte(),
            cl_ord_id: party.cl_ord_id,
        };
        with_channel(party.channel, |appendage| {
            self.say(party.port, |out| message.encode(appendage, out));
        });
    }

    pub(crate) fn say_rejected(
        &mut self,
        now: Nanos,
        name: Name,
        reason: RejectReason,
        cl_ord_id: [u8; 14],
    ) {
        self.counters.rejected += 1;
        let message = Rejected {
            header: Head::new(self.time(now)),
            user_ref: name.user_ref.into(),
            reason: reason.number().into(),
            cl_ord_id,
        };
        with_channel(name.channel, |appendage| {
            self.say(name.port, |out| message.encode(appendage, out));
        });
    }

    pub(crate) fn say_cancel_pending(&mut self, now: Nanos, name: Name) {
        let header = Head::new(self.time(now));
        let message = CancelPending { header, user_ref: name.user_ref.into() };
        with_channel(name.channel, |appendage| {
            self.say(name.port, |out| message.encode(appendage, out));
        });
    }

    pub(crate) fn say_cancel_reject(&mut self, now: Nanos, name: Name) {
        let header = Head::new(self.time(now));
        let message = CancelReject { header, user_ref: name.user_ref.into() };
        with_channel(name.channel, |appendage| {
            self.say(name.port, |out| message.encode(appendage, out));
        });
    }

    /// The order went to the end of the queue at `tick`.
    pub(crate) fn say_priority(
        &mut self,
        now: Nanos,
        (slot, order_ref): (u32, OrderRef),
        tick: Tick,
    ) {
        let live = *self.orders.at(slot);
        let message = PriorityUpdate {
            header: Head::new(self.time(now)),
            user_ref: live.user_ref.into(),
            price: self.books[live.instrument.index()].price4(tick, false).into(),
            display: live.display,
            order_ref: order_ref.get().into(),
        };
        with_channel(live.channel, |appendage| {
            self.say(live.port, |out| message.encode(appendage, out));
        });
    }

    pub(crate) fn say_modified(&mut self, now: Nanos, slot: u32) {
        let live = *self.orders.at(slot);
        let message = Modified {
            header: Head::new(self.time(now)),
            user_ref: live.user_ref.into(),
            side: live.side,
            quantity: live.leaves.into(),
        };
        with_channel(live.channel, |appendage| {
            self.say(live.port, |out| message.encode(appendage, out));
        });
    }

    /// More of a reserve order is shown.
    pub(crate) fn say_refreshed(&mut self, now: Nanos, name: Name, shown: u32) {
        let message = Restated {
            header: Head::new(self.time(now)),
            user_ref: name.user_ref.into(),
            reason: RestateReason::RefreshOfDisplay.byte(),
        };
        let values = [TagValue::DisplayQuantity(shown), TagValue::UserRefIdx(name.channel)];
        let values = if name.channel == 0 { &values[..1] } else { &values };
        with_options(values, |appendage| {
            self.say(name.port, |out| message.encode(appendage, out));
        });
    }

    pub(crate) fn say_mass_cancel(&mut self, now: Nanos, name: Name, symbol: [u8; 8]) {
        let message = MassCancelResponse {
            header: Head::new(self.time(now)),
            user_ref: name.user_ref.into(),
            firm: self.port(name.port).firm,
            symbol,
        };
        with_channel(name.channel, |appendage| {
            self.say(name.port, |out| message.encode(appendage, out));
        });
    }

    pub(crate) fn say_entry(&mut self, now: Nanos, name: Name, is_enabled: bool) {
        let (time, firm) = (self.time(now), self.port(name.port).firm);
        let user_ref = name.user_ref.into();
        with_channel(name.channel, |appendage| {
            self.say(name.port, |out| {
                if is_enabled {
                    let header = Head::new(time);
                    EnableResponse { header, user_ref, firm }.encode(appendage, out)
                } else {
                    let header = Head::new(time);
                    DisableResponse { header, user_ref, firm }.encode(appendage, out)
                }
            });
        });
    }

    pub(crate) fn say_next(&mut self, now: Nanos, port: u16, channel: u8) {
        let next_user_ref = self.port(port).last(channel).saturating_add(1).into();
        let message = AccountQueryResponse { header: Head::new(self.time(now)), next_user_ref };
        with_channel(channel, |appendage| {
            self.say(port, |out| message.encode(appendage, out));
        });
    }
}
