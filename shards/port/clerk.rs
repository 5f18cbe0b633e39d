//! Takes one request of one port to the floor.
//!
//! **User reference numbers** rise on each channel; a request with one that is not above the last is
//! ignored, so that a client may send again whatever it is not sure of. A reject uses a number up. A
//! replacement that is not valid, or is for an order that is not live, does not (2.2).
//!
//! **Requests that are none.** Of an unknown type or a wrong length: the connection is cut off. With a
//! letter or an option that is not listed: an order is rejected, a replacement cancels the order that it
//! is for, a cancel or a modify is ignored.

use matching::Floor;
use types::Nanos;
use wire::ouch50::inbound::Message;
use wire::ouch50::{Appendage, CancelReason, Options, RejectReason, TagValue, Tags};
use wire::{Field, Malformed};

use crate::answer::Name;
use crate::desk::Desk;
use crate::fan::{Fan, Publisher, Run};

pub(crate) struct Clerk<'a, T> {
    pub(crate) now: Nanos,
    pub(crate) port: u16,
    pub(crate) desk: &'a mut Desk,
    pub(crate) floor: &'a mut Floor,
    pub(crate) publisher: &'a mut T,
}

impl<T: Publisher> Clerk<'_, T> {
    /// Carries out one request.
    ///
    /// Errors: it is none, so that nothing of it can be answered.
    #[inline]
    pub(crate) fn take(&mut self, message: &[u8]) -> Result<(), Malformed> {
        match Message::parse(message)? {
            Message::EnterOrder(m, appendage) => self.enter(m, appendage),
            Message::ReplaceOrder(m, appendage) => self.replace(m, appendage),
            Message::CancelOrder(m, appendage) => self.cancel(m, appendage),
            Message::ModifyOrder(m, appendage) => self.modify(m, appendage),
            Message::MassCancel(m, appendage) => self.mass_cancel(m, appendage),
            Message::DisableEntry(m, appendage) => {
                self.switch_entry((m.user_ref(), m.firm()), appendage, false);
            }
            Message::EnableEntry(m, appendage) => {
                self.switch_entry((m.user_ref(), m.firm()), appendage, true);
            }
            Message::AccountQuery(_, appendage) => {
                let channel = channel(appendage);
                self.desk.say_next(self.now, self.port, channel);
            }
        }
        Ok(())
    }

    /// An order or a request of this port.
    #[inline]
    pub(crate) fn name(&self, channel: u8, user_ref: u32) -> Name {
        Name { port: self.port, channel, user_ref }
    }

    /// Whether a number is above the last of its channel; one that is not is counted.
    #[inline]
    pub(crate) fn is_new(&mut self, channel: u8, user_ref: u32) -> bool {
        let is_new = self.desk.port(self.port).last(channel) < user_ref;
        self.desk.counters.retransmitted += u64::from(!is_new);
        is_new
    }

    /// Uses a number up, if it is above the last of its channel.
    #[inline]
    pub(crate) fn claim(&mut self, channel: u8, user_ref: u32) -> bool {
        let is_new = self.is_new(channel, user_ref);
        if is_new {
            self.desk.port_mut(self.port).use_up(channel, user_ref);
        }
        is_new
    }

    pub(crate) fn reject(&mut self, name: Name, reason: RejectReason, cl_ord_id: [u8; 14]) {
        self.desk.say_rejected(self.now, name, reason, cl_ord_id);
    }

    pub(crate) fn ignore(&mut self) {
        self.desk.counters.ignored += 1;
    }

    /// Cancels a live order. Gives what was remembered.
    pub(crate) fn end(&mut self, slot: u32, cause: CancelReason) -> Run<'static> {
        let key = self.desk.orders.key(slot);
        self.with_floor(Run::cancel(key, cause), |floor, now, fan| floor.cancel(now, key, fan))
    }

    /// Has the floor do something; what comes of it is told as it comes. Gives what was remembered.
    #[inline]
    pub(crate) fn with_floor<'m>(
        &mut self,
        run: Run<'m>,
        act: impl FnOnce(&mut Floor, Nanos, &mut Fan<'_, 'm, T>),
    ) -> Run<'m> {
        let mut fan = Fan { now: self.now, desk: self.desk, publisher: self.publisher, run };
        act(self.floor, self.now, &mut fan);
        fan.run
    }
}

/// The channel that a request names, as far as its options can be read.
#[inline]
pub(crate) fn channel(appendage: Appendage<'_>) -> u8 {
    let values = appendage.values();
    let named =
        |value| if let Ok(TagValue::UserRefIdx(channel)) = value { Some(channel) } else { None };
    values.filter_map(named).next().unwrap_or(0)
}

/// The options, all of them right and among those that are taken.
#[inline]
pub(crate) fn options(appendage: Appendage<'_>, takes: Tags) -> Result<Options<'_>, RejectReason> {
    let options = appendage.strict().map_err(unlisted)?;
    if options.tags().beyond(takes).is_some() {
        return Err(RejectReason::Other);
    }
    Ok(options)
}

/// What an order is rejected for that has a letter or an option which is not listed.
#[cold]
pub(crate) fn unlisted(fault: Malformed) -> RejectReason {
    let reasons = [
        (Field::Side, RejectReason::InvalidSide),
        (Field::Display, RejectReason::InvalidDisplay),
        (Field::CrossType, RejectReason::InvalidCrossOrder),
        (Field::OrderPriceType, RejectReason::InvalidPegType),
        (Field::DiscretionPriceType, RejectReason::InvalidPegType),
        (Field::SelfMatch, RejectReason::InvalidAiq),
    ];
    let Malformed::UnknownCode { field, .. } = fault else { return RejectReason::Other };
    let listed = reasons.iter().find(|(named, _)| *named == field);
    listed.map_or(RejectReason::Other, |(_, reason)| *reason)
}
