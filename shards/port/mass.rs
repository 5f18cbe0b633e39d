//! Mass Cancel, Disable and Enable Order Entry (2.5 to 2.7), and the exchange's own sweeps of a port.
//!
//! A sweep looks at the port's orders from the oldest on, so many in a call, and goes on in the next
//! ones; until its end the port's other requests wait.

use matching::Scope;
use types::Side;
use wire::ouch50::inbound::{DisableEntry, MassCancel};
use wire::ouch50::{Appendage, CancelReason, RejectReason};

use crate::clerk::{Clerk, channel, options};
use crate::desk::Sweep;
use crate::fan::{Publisher, Run};

/// What stands for a name that a request does not give.
const BLANK: [u8; 14] = [b' '; 14];

impl<T: Publisher> Clerk<'_, T> {
    /// A response, then each order's end; or Rejected.
    pub(crate) fn mass_cancel(&mut self, m: &MassCancel, appendage: Appendage<'_>) {
        let name = self.name(channel(appendage), m.user_ref());
        if !self.claim(name.channel, name.user_ref) {
            return;
        }
        match self.sweep_of(m, appendage) {
            Ok(sweep) => {
                self.desk.say_mass_cancel(self.now, name, m.symbol());
                self.desk.begin_sweep(self.port, sweep);
            }
            Err(reason) => self.reject(name, reason, BLANK),
        }
    }

    fn sweep_of(&self, m: &MassCancel, appendage: Appendage<'_>) -> Result<Sweep, RejectReason> {
        let options = options(appendage, MassCancel::TAKES)?;
        if m.firm() != self.desk.port(self.port).firm {
            return Err(RejectReason::FirmNotAuthorized);
        }
        let instrument = match m.symbol() {
            symbol if symbol == [b' '; 8] => None,
            symbol => Some(self.desk.symbols.find(symbol).ok_or(RejectReason::InvalidSymbol)?),
        };
        let side = options.side().map(|side| crate::orders::trade_side(side.byte()));
        let cause = CancelReason::UserRequested;
        Ok(Sweep { side, instrument, group: options.group_id(), cause })
    }

    pub(crate) fn switch_entry(
        &mut self,
        (user_ref, firm): (u32, [u8; 4]),
        appendage: Appendage<'_>,
        is_enabled: bool,
    ) {
        let name = self.name(channel(appendage), user_ref);
        if !self.claim(name.channel, name.user_ref) {
            return;
        }
        if let Err(reason) = options(appendage, DisableEntry::TAKES) {
            return self.reject(name, reason, BLANK);
        }
        if firm != self.desk.port(self.port).firm {
            return self.reject(name, RejectReason::FirmNotAuthorized, BLANK);
        }
        self.desk.port_mut(self.port).is_disabled = !is_enabled;
        self.desk.say_entry(self.now, name, is_enabled);
    }

    /// Goes on with the port's sweep, `orders_max` orders far.
    pub(crate) fn sweep(&mut self, orders_max: u32) {
        let Some(sweep) = self.desk.port(self.port).sweep else { return };
        for _ in 0..orders_max.max(1) {
            let Some(slot) = self.desk.orders.advance(self.port) else { break };
            let live = *self.desk.orders.at(slot);
            let takes = sweep.side.is_none_or(|side: Side| side == live.trade_side())
                && sweep.instrument.is_none_or(|instrument| instrument == live.instrument)
                && sweep.group.is_none_or(|group| group == live.group);
            if takes {
                let key = self.desk.orders.key(slot);
                self.end(slot, sweep.cause);
                if sweep.cause == CancelReason::Supervisory && self.desk.orders.slot(key).is_some()
                {
                    // A kill switch reaches what must stay in its cross, by a look at all of its book.
                    let scope = Scope::Keys(key, key);
                    self.with_floor(Run::cancel(key, sweep.cause), |floor, now, fan| {
                        floor.cancel_all(now, Some(live.instrument), scope, fan);
                    });
                }
            }
        }
        if self.desk.orders.is_swept(self.port) {
            self.desk.port_mut(self.port).sweep = None;
        }
    }
}

impl crate::desk::Desk {
    /// Begins a sweep at the port's oldest order; one that is under way is overtaken. One by the exchange
    /// goes on: it takes all there is, whatever its owner or the end of a connection asks for meanwhile.
    pub(crate) fn begin_sweep(&mut self, port: u16, sweep: Sweep) {
        let by_exchange = |sweep: &Sweep| sweep.cause == CancelReason::Supervisory;
        if self.port(port).sweep.as_ref().is_some_and(by_exchange) && !by_exchange(&sweep) {
            return;
        }
        self.orders.rewind(port);
        if self.port_mut(port).sweep.replace(sweep).is_none() {
            self.sweeping.push(port);
        }
    }
}
