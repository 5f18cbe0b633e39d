//! Commands from the cold side: limits, lists, switches, credit; and what there is to watch.

use types::{AccountId, FirmId, PortId};

use super::{Denials, FirmLimits, List, PortLimits, PortRisk, Whose, credit};
use crate::lease::{LineId, Marks, Refused, ToBranch, ToHome};
use crate::{InstrumentSet, Notional};

/// Why a command had no effect. The number goes to the journal: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum NoRoom {
    /// No port, firm or line of this number.
    Unknown = 1,
    /// As many ports as there is room for have a rate by symbol, or had one.
    SymbolRates = 2,
    /// The line is leased: its limit is for its home to set, and it is not leased twice.
    Leased = 3,
}

impl PortRisk {
    /// A port's limits from here on. What it has entered of late still counts.
    pub fn set_port(&mut self, port: PortId, limits: &PortLimits) -> Result<(), NoRoom> {
        let rows_left = self.symbol_rows_left;
        let of = self.ports.get_mut(port.index()).ok_or(NoRoom::Unknown)?;
        if limits.symbol_rate.is_some() && of.symbols_at.is_none() {
            self.symbol_rows_left = rows_left.checked_sub(1).ok_or(NoRoom::SymbolRates)?;
            // From the last row to the first.
            of.symbols_at = Some(usize::from(self.symbol_rows_left) * self.instruments as usize);
        }
        of.limits = *limits;
        Ok(())
    }

    /// A firm's limits from here on. Its live orders stay.
    pub fn set_firm(&mut self, firm: FirmId, limits: &FirmLimits) -> Result<(), NoRoom> {
        self.firms.get_mut(firm.index()).ok_or(NoRoom::Unknown)?.limits = *limits;
        Ok(())
    }

    /// A list of a firm, to read or change.
    pub fn list_mut(&mut self, firm: FirmId, list: List) -> Option<&mut InstrumentSet> {
        let lists = &mut self.firms.get_mut(firm.index())?.lists;
        Some(match list {
            List::Restricted => &mut lists.restricted,
            List::ShortRestricted => &mut lists.short_restricted,
            List::EasyToBorrow => &mut lists.easy_to_borrow,
        })
    }

    /// Turns a kill switch. Live orders stay: to cancel them is the caller's, and never denied.
    pub fn stop(&mut self, whose: Whose, it_is_on: bool) -> Result<(), NoRoom> {
        let switch = match whose {
            Whose::Venue => Some(&mut self.is_stopped),
            Whose::Firm(firm) => self.firms.get_mut(firm.index()).map(|firm| &mut firm.is_stopped),
            Whose::Port(port) => self.ports.get_mut(port.index()).map(|port| &mut port.is_stopped),
        };
        *switch.ok_or(NoRoom::Unknown)? = it_is_on;
        Ok(())
    }

    /// Whether a kill switch is on; `None` where there is no such firm or port.
    pub fn is_stopped(&self, whose: Whose) -> Option<bool> {
        match whose {
            Whose::Venue => Some(self.is_stopped),
            Whose::Firm(firm) => self.firms.get(firm.index()).map(|firm| firm.is_stopped),
            Whose::Port(port) => self.ports.get(port.index()).map(|port| port.is_stopped),
        }
    }

    /// The line of an account's credit.
    pub fn account_line(&self, account: AccountId) -> LineId {
        LineId::new(account.get())
    }

    /// The line of a firm's credit.
    pub fn firm_line(&self, firm: FirmId) -> LineId {
        credit::lines(self.accounts, firm, AccountId::new(0))[1]
    }

    /// The gross credit of a line that is whole on this shard; below what is spent, it admits no
    /// more until enough is released.
    pub fn set_credit(&mut self, line: LineId, limit: Notional) -> Result<(), NoRoom> {
        self.executed.get(line.index()).ok_or(NoRoom::Unknown)?;
        if self.credit.set_limit(line, limit) { Ok(()) } else { Err(NoRoom::Leased) }
    }

    /// From here on the line's credit comes from its home, in the first life of this shard: it holds the
    /// middle of the marks, see [`lease`](crate::lease).
    pub fn begin_lease(&mut self, line: LineId, marks: Marks) -> Result<(), NoRoom> {
        self.executed.get(line.index()).ok_or(NoRoom::Unknown)?;
        if self.credit.begin(line, marks) { Ok(()) } else { Err(NoRoom::Leased) }
    }

    /// The same in a later life, in which it holds nothing yet: `epoch` is above 1, and above any before.
    pub fn lease(&mut self, line: LineId, epoch: u64, marks: Marks) -> Result<(), NoRoom> {
        self.executed.get(line.index()).ok_or(NoRoom::Unknown)?;
        if self.credit.lease(line, epoch, marks) { Ok(()) } else { Err(NoRoom::Leased) }
    }

    /// All orders and trades of earlier epochs of this shard are restored. The homes of leased lines
    /// let go of what they had locked up above that.
    pub fn reconcile(&mut self) {
        for line in (0..self.executed.len()).filter_map(|line| u32::try_from(line).ok()) {
            self.credit.reconcile(LineId::new(line));
        }
    }

    /// Takes a message of a line's home.
    pub fn on_lease(&mut self, message: &ToBranch) -> Result<(), Refused> {
        self.credit.on(message)
    }

    /// The next message for a line's home, until there is none.
    pub fn poll_lease(&mut self) -> Option<ToHome> {
        self.credit.poll()
    }

    /// What is reserved and traded on a line.
    pub fn exposure(&self, line: LineId) -> Notional {
        self.credit.spent(line)
    }

    /// What has traded on a line, of its exposure.
    pub fn executed(&self, line: LineId) -> Notional {
        self.executed.get(line.index()).copied().unwrap_or_default()
    }

    /// What was denied, by reason.
    pub const fn denials(&self) -> &Denials {
        &self.denials
    }

    /// Orders that were forgotten before their duplicate rate allowed it: `repeats_per_port` is too
    /// small for what the ports enter.
    pub const fn forgotten(&self) -> u64 {
        self.repeats.evicted()
    }
}
