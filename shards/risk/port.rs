//! What an exchange checks on its order-entry ports before an order reaches a book.
//!
//! [`PortRisk`] is one shard's: every port, firm and account, and the instruments that the shard has.
//! The checks stand in one table, `PortRisk::admit`, one line each, cheapest first. An order that
//! passes them all has its credit [`Reserved`]; the caller keeps that beside the order and hands it in
//! with whatever becomes of it: [`fill`](PortRisk::fill), [`release`](PortRisk::release),
//! [`replace`](PortRisk::replace). So gross exposure (open orders as reserved, trades as traded) of
//! each account and firm is never understated and nothing of it is lost.
//!
//! Limits are the port's and the firm's, and an order keeps to the tighter. Each is optional. Lists are
//! the firm's. Rates are the port's and count what is denied as well; so do duplicates, once an order
//! has come as far. Credit is a line of [`lease`](crate::lease) for each account and each firm: whole on
//! this shard, or leased.
//!
//! A cancel is not checked, counted or delayed by anything here. Knows no protocol, no order's number
//! and no book. Nothing allocates after construction.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use types::{AccountId, FirmId, Nanos, PortId, Px};

use crate::Notional;
use crate::lease::{Branches, LineId};
use crate::rate::Bucket;
use crate::repeats::Repeats;

mod credit;
mod denied;
mod entry;
mod kinds;
mod limits;
mod lists;
mod price;
mod rates;
mod setup;
mod size;
mod switch;
#[cfg(test)]
mod tests;

pub use denied::{Denials, Denied};
pub use entry::{Entry, Hours, Previous, Reserved, Short};
pub use limits::{FirmLimits, Kind, Kinds, Limits, List, PortLimits};
pub use setup::NoRoom;
pub use switch::Whose;

use lists::Lists;

/// How many there are of what. Their numbers are dense from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Ports.
    pub ports: u16,
    /// Firms.
    pub firms: u16,
    /// Accounts. With the firms, at most `u32::MAX`.
    pub accounts: u32,
    /// Instruments of this shard.
    pub instruments: u32,
    /// Ports that may ever have a rate by symbol: 8 bytes for each of them and instrument.
    pub symbol_rate_ports: u16,
    /// Different orders remembered for each port, to find duplicates: 32 bytes each. Enough are what
    /// the port's rate allows in the span of its duplicate rate, twice over.
    pub repeats_per_port: u32,
}

struct Port {
    limits: PortLimits,
    is_stopped: bool,
    bucket: Bucket,
    /// Where its row of buckets by symbol begins.
    symbols_at: Option<usize>,
}

struct Firm {
    limits: FirmLimits,
    is_stopped: bool,
    lists: Lists,
}

/// The checks of one shard's ports, and the credit that its orders hold.
pub struct PortRisk {
    ports: Box<[Port]>,
    firms: Box<[Firm]>,
    is_stopped: bool,
    accounts: u32,
    instruments: u32,
    /// By port in the order in which they were given a rate, then by instrument.
    symbols: Box<[Bucket]>,
    /// Rows of these that no port has.
    symbol_rows_left: u16,
    repeats: Repeats,
    /// Accounts first, then firms.
    credit: Branches,
    /// Traded, by line; the rest of what is spent of a line is open.
    executed: Box<[Notional]>,
    denials: Denials,
}

impl PortRisk {
    /// Nothing limited, nobody stopped, every line of credit whole here and without a limit.
    ///
    /// # Panics
    /// Where accounts and firms are more than `u32::MAX`.
    pub fn new(room: Room) -> Self {
        let lines = room.accounts.checked_add(u32::from(room.firms));
        let lines = lines.expect("accounts and firms are counted in 32 bits");
        let port = |_| Port {
            limits: PortLimits::default(),
            is_stopped: false,
            bucket: Bucket::default(),
            symbols_at: None,
        };
        let firm = |_| Firm {
            limits: FirmLimits::default(),
            is_stopped: false,
            lists: Lists::new(room.instruments),
        };
        let buckets = usize::from(room.symbol_rate_ports) * room.instruments as usize;
        Self {
            ports: (0..room.ports).map(port).collect::<Vec<_>>().into_boxed_slice(),
            firms: (0..room.firms).map(firm).collect::<Vec<_>>().into_boxed_slice(),
            is_stopped: false,
            accounts: room.accounts,
            instruments: room.instruments,
            symbols: vec![Bucket::default(); buckets].into_boxed_slice(),
            symbol_rows_left: room.symbol_rate_ports,
            repeats: Repeats::new(room.ports, room.repeats_per_port),
            credit: Branches::new(lines),
            executed: vec![Notional::ZERO; lines as usize].into_boxed_slice(),
            denials: Denials::default(),
        }
    }

    /// Checks an order and reserves its credit. Denied, it holds none.
    ///
    /// Rates have counted it as far as it came.
    #[inline]
    pub fn check(
        &mut self,
        now: Nanos,
        port: PortId,
        firm: FirmId,
        account: AccountId,
        entry: &Entry,
    ) -> Result<Reserved, Denied> {
        let mut reserved = Reserved { px: Px::ZERO, qty: 0, account, firm };
        match self.admit(now, port, &reserved, entry) {
            Ok(px) => {
                (reserved.px, reserved.qty) = (px, entry.qty);
                Ok(reserved)
            }
            Err(why) => {
                self.denials.count(why);
                Err(why)
            }
        }
    }

    /// Checks what an order is to become and moves its credit there: more is reserved only where
    /// there is more. `entry` has the open shares, without those that traded. Denied, the order and
    /// its credit stay as they are.
    ///
    /// What was reserved before is the answer: where the book refuses the change and the order lives
    /// on as it was, [`keep`](Self::keep) puts it back.
    pub fn replace(
        &mut self,
        now: Nanos,
        port: PortId,
        reserved: &mut Reserved,
        entry: &Entry,
    ) -> Result<Previous, Denied> {
        match self.admit(now, port, reserved, entry) {
            Ok(px) => {
                let previous = Previous { px: reserved.px, qty: reserved.qty };
                (reserved.px, reserved.qty) = (px, entry.qty);
                Ok(previous)
            }
            Err(why) => {
                self.denials.count(why);
                Err(why)
            }
        }
    }

    /// The order was not replaced after all: it is reserved as before, whatever credit is left.
    pub fn keep(&mut self, reserved: &mut Reserved, previous: Previous) {
        let before = reserved.amount();
        (reserved.px, reserved.qty) = (previous.px, previous.qty);
        self.settle(reserved, before, reserved.amount());
    }

    /// `qty` shares of an order are no longer open and did not trade: cancelled, expired, decremented.
    /// More than are open are all of them.
    #[inline]
    pub fn release(&mut self, reserved: &mut Reserved, qty: u32) {
        let before = reserved.amount();
        reserved.qty -= qty.min(reserved.qty);
        self.settle(reserved, before, reserved.amount());
    }

    /// `qty` shares of an order traded at `px`: they are executed at that price, and what was
    /// reserved for them is given back. A trade is counted in full even where it is above what was
    /// reserved or what is left.
    #[inline]
    pub fn fill(&mut self, reserved: &mut Reserved, qty: u32, px: Px) {
        let (before, traded) = (reserved.amount(), Notional::of(px, qty));
        reserved.qty -= qty.min(reserved.qty);
        self.settle(reserved, before, reserved.amount().saturating_add(traded));
        for line in credit::lines(self.accounts, reserved.firm, reserved.account) {
            self.count_executed(line, traded);
        }
    }

    /// A trade of `qty` shares at `px`, which [`fill`](Self::fill) counted, was broken.
    pub fn bust(&mut self, firm: FirmId, account: AccountId, qty: u32, px: Px) {
        for line in credit::lines(self.accounts, firm, account) {
            if let Some(executed) = self.executed.get_mut(line.index()) {
                let broken = Notional::of(px, qty).min(*executed);
                *executed = *executed - broken;
                self.credit.settle(line, broken, Notional::ZERO);
            }
        }
    }

    /// `qty` open shares of an order that is live already, from a journal: reserved at `px`, as
    /// before, whatever the limits. After the last one, [`reconcile`](Self::reconcile).
    pub fn restore_open(&mut self, firm: FirmId, account: AccountId, qty: u32, px: Px) -> Reserved {
        for line in credit::lines(self.accounts, firm, account) {
            self.credit.restore(line, Notional::of(px, qty));
        }
        Reserved { px, qty, account, firm }
    }

    /// A trade of `qty` shares at `px` that has happened already, from a journal.
    pub fn restore_fill(&mut self, firm: FirmId, account: AccountId, qty: u32, px: Px) {
        let traded = Notional::of(px, qty);
        for line in credit::lines(self.accounts, firm, account) {
            self.credit.restore(line, traded);
            self.count_executed(line, traded);
        }
    }

    /// Every check, cheapest first. `held` is what the order holds already: none as it is entered.
    /// Passed, its credit is taken.
    #[inline]
    fn admit(
        &mut self,
        now: Nanos,
        port: PortId,
        held: &Reserved,
        entry: &Entry,
    ) -> Result<Px, Denied> {
        let from = self.ports.get_mut(port.index()).ok_or(Denied::Unknown)?;
        let by = self.firms.get(held.firm.index()).ok_or(Denied::Unknown)?;
        let limits = from.limits.order.tighter(&by.limits.order);

        switch::switch(self.is_stopped, by.is_stopped, from.is_stopped)?;
        rates::port(now, from)?;
        known(held.account.get() < self.accounts, Denied::Unknown)?;
        known(entry.instrument.get() < self.instruments, Denied::Instrument)?;
        kinds::kind(entry, &limits)?;
        size::quantity(entry, &limits)?;
        price::collar(entry, &limits)?;
        price::fat_finger(entry, &limits)?;
        let px = price::reserve(entry, &limits)?;
        size::notional(entry, px, &limits)?;
        lists::restricted(entry, &by.lists)?;
        lists::short(entry, &by.lists, by.limits.must_locate)?;
        rates::symbol(now, from, &mut self.symbols, entry)?;
        rates::duplicate(now, port, from, &mut self.repeats, held, entry)?;
        credit::reserve(self.accounts, &mut self.credit, held, Notional::of(px, entry.qty))?;
        Ok(px)
    }

    fn count_executed(&mut self, line: LineId, traded: Notional) {
        if let Some(executed) = self.executed.get_mut(line.index()) {
            *executed = executed.saturating_add(traded);
        }
    }

    /// What became of an order: `before` was spent for it, and `after` is.
    fn settle(&mut self, of: &Reserved, before: Notional, after: Notional) {
        for line in credit::lines(self.accounts, of.firm, of.account) {
            self.credit.settle(line, before, after);
        }
    }
}

#[inline]
fn known(it_is: bool, otherwise: Denied) -> Result<(), Denied> {
    if it_is { Ok(()) } else { Err(otherwise) }
}
