//! The lending end: the limit of each line, and what is let out of it to which branch.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec;

use super::message::hear;
use super::{BranchId, Down, LineId, Refused, ToBranch, ToHome, Up};
use crate::Notional;

/// What a line's home has let out of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Let {
    /// The line's limit.
    pub limit: Notional,
    /// Held or spent by branches, or under way to or from them.
    pub out: Notional,
    /// Of that, locked up: it was let out to lives of branches that are over, and what they spent of
    /// it is not known.
    pub locked: Notional,
}

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    limit: Notional,
    out: Notional,
    /// Which branch is served first when credit comes free.
    first: usize,
}

/// One branch of one line, as its home sees it.
#[derive(Clone, Copy, Debug, Default)]
struct Lease {
    epoch: u64,
    heard: u64,
    said: u64,
    /// Let out to this life.
    granted: Notional,
    /// Let out to lives before, not reconciled.
    locked: Notional,
    /// What it asked for and has not got.
    wanted: Notional,
    /// What it was told last that the line owes, less what it returned since.
    owed: Notional,
    /// It is in the queue of those who are to be told something.
    is_queued: bool,
    grant: Option<Notional>,
    recall: Notional,
    owe: Option<Notional>,
}

/// The home of all lines. Nothing here allocates after `new`.
pub struct Home {
    lines: Box<[Line]>,
    /// By line, then by branch.
    leases: Box<[Lease]>,
    branches: usize,
    /// Those who are to be told something, each once.
    queue: VecDeque<(LineId, BranchId)>,
}

impl Lease {
    fn next_word(&mut self) -> Option<Down> {
        // What is owed first: what is granted at the same time may not be spent before it is paid.
        if let Some(owed) = self.owe.take() {
            return Some(Down::Owe(owed));
        }
        if let Some(amount) = self.grant.take() {
            return Some(Down::Grant(amount));
        }
        let recalled = core::mem::take(&mut self.recall);
        (recalled != Notional::ZERO).then_some(Down::Recall(recalled))
    }

    fn has_word(&self) -> bool {
        self.owe.is_some() || self.grant.is_some() || self.recall != Notional::ZERO
    }
}

impl Home {
    /// `lines` of them with a limit of nothing, each let out to `branches` at most.
    pub fn new(lines: u32, branches: u16) -> Self {
        let (lines, branches) = (lines as usize, usize::from(branches));
        Self {
            lines: vec![Line::default(); lines].into_boxed_slice(),
            leases: vec![Lease::default(); lines * branches].into_boxed_slice(),
            branches,
            queue: VecDeque::with_capacity(lines * branches),
        }
    }

    /// Changes a line's limit, live. Raised: those who wait for credit get it. Lowered below what is
    /// let out: it is called in, as the head of this module says. False: no such line.
    pub fn set_limit(&mut self, line: LineId, limit: Notional) -> bool {
        let Some(of) = self.lines.get_mut(line.index()) else {
            return false;
        };
        of.limit = limit;
        self.share_out(line);
        true
    }

    /// Takes a message of a branch.
    pub fn on(&mut self, branch: BranchId, message: &ToHome) -> Result<(), Refused> {
        let line = message.line;
        if self.lines.len() <= line.index() || self.branches <= branch.index() {
            return Err(Refused::Unknown);
        }
        if message.says == Up::Hello {
            self.on_hello(branch, message)?;
        } else {
            self.on_word(branch, message)?;
        }
        self.share_out(line);
        if let Up::Ask(_) = message.says {
            self.answer(line, branch);
        }
        Ok(())
    }

    /// The next message for a branch, until there is none.
    pub fn poll(&mut self) -> Option<(BranchId, ToBranch)> {
        loop {
            let (line, branch) = self.queue.pop_front()?;
            let lease = self.lease_mut(line, branch);
            lease.is_queued = false;
            let Some(says) = lease.next_word() else {
                continue;
            };
            lease.said += 1;
            let message = ToBranch { line, epoch: lease.epoch, number: lease.said, says };
            self.queue_up(line, branch);
            return Some((branch, message));
        }
    }

    /// What is let out of a line; nothing of one that is not there.
    pub fn let_out(&self, line: LineId) -> Let {
        let Some(of) = self.lines.get(line.index()) else {
            return Let::default();
        };
        let first = line.index() * self.branches;
        let locked = self.leases[first..first + self.branches].iter().map(|lease| lease.locked);
        Let { limit: of.limit, out: of.out, locked: locked.sum() }
    }

    fn lease_mut(&mut self, line: LineId, branch: BranchId) -> &mut Lease {
        &mut self.leases[line.index() * self.branches + branch.index()]
    }

    /// A new life: all that was let out to the one before is locked up.
    fn on_hello(&mut self, branch: BranchId, message: &ToHome) -> Result<(), Refused> {
        let lease = self.lease_mut(message.line, branch);
        if message.epoch <= lease.epoch {
            return Err(Refused::Epoch);
        }
        hear(&mut 0, message.epoch, (message.epoch, message.number))?;
        let locked = lease.locked + lease.granted;
        let is_queued = lease.is_queued;
        *lease = Lease { epoch: message.epoch, heard: 1, locked, is_queued, ..Lease::default() };
        Ok(())
    }

    fn on_word(&mut self, branch: BranchId, message: &ToHome) -> Result<(), Refused> {
        let lease = self.lease_mut(message.line, branch);
        // No life has the number 0: before its first greeting, a branch is not heard.
        if lease.epoch == 0 {
            return Err(Refused::Epoch);
        }
        hear(&mut lease.heard, lease.epoch, (message.epoch, message.number))?;
        match message.says {
            // Taken before.
            Up::Hello => {}
            Up::Ask(amount) => lease.wanted = amount,
            Up::Return(amount) => {
                if lease.granted < amount {
                    return Err(Refused::Overstated);
                }
                lease.granted = lease.granted - amount;
                lease.owed = lease.owed.saturating_sub(amount);
                self.take_in(message.line, amount);
            }
            Up::Reconciled(spent) => {
                // More may be spent than was let out, by trades above their orders' price. The branch
                // is overdrawn by the difference, and asks for it.
                let kept = spent.min(lease.locked);
                let freed = lease.locked - kept;
                lease.locked = Notional::ZERO;
                lease.granted = lease.granted + kept;
                let grant = lease.grant.unwrap_or(Notional::ZERO);
                lease.grant = Some(grant.saturating_add(kept));
                self.take_in(message.line, freed);
                self.queue_up(message.line, branch);
            }
        }
        Ok(())
    }

    fn take_in(&mut self, line: LineId, amount: Notional) {
        let of = &mut self.lines[line.index()];
        of.out = of.out - amount;
    }

    /// Lends what is left to those who want it, in turn, or calls in what is too much.
    fn share_out(&mut self, line: LineId) {
        let Line { limit, out, first } = self.lines[line.index()];
        let mut left = limit.saturating_sub(out);
        let over = out.saturating_sub(limit);
        for step in 0..self.branches {
            let at = (first + step) % self.branches;
            let lease = &mut self.leases[line.index() * self.branches + at];
            let amount = lease.wanted.min(left);
            if amount != Notional::ZERO {
                left = left - amount;
                lease.wanted = lease.wanted - amount;
                lease.granted = lease.granted + amount;
                let before = lease.grant.unwrap_or(Notional::ZERO);
                lease.grant = Some(before + amount);
                self.lines[line.index()].out = self.lines[line.index()].out + amount;
                self.lines[line.index()].first = (at + 1) % self.branches;
            }
            // Each branch is asked for all of it, as none is known to hold some; the first returns
            // that suffice call it off.
            let raised = lease.owed < over.min(lease.granted);
            let paid = over == Notional::ZERO && lease.owed != Notional::ZERO;
            if raised || paid {
                lease.owed = over;
                lease.owe = Some(over);
            }
            self.queue_up(line, index_of(at));
        }
    }

    /// An ask has one answer, if only that nothing is left; what it did not get is called in from the
    /// others, once for each ask.
    fn answer(&mut self, line: LineId, branch: BranchId) {
        let lease = self.lease_mut(line, branch);
        lease.grant = lease.grant.or(Some(Notional::ZERO));
        let wanted = lease.wanted;
        self.queue_up(line, branch);
        for other in (0..self.branches).map(index_of).filter(|other| *other != branch) {
            let lease = self.lease_mut(line, other);
            lease.recall = lease.recall.max(wanted.min(lease.granted));
            self.queue_up(line, other);
        }
    }

    fn queue_up(&mut self, line: LineId, branch: BranchId) {
        let lease = self.lease_mut(line, branch);
        if lease.has_word() && !lease.is_queued {
            lease.is_queued = true;
            self.queue.push_back((line, branch));
        }
    }
}

/// Branches are counted in 16 bits.
#[expect(clippy::cast_possible_truncation, reason = "below the number of branches, a u16")]
fn index_of(at: usize) -> BranchId {
    BranchId::new(at as u16)
}
