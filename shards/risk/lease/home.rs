//! The lending end: the limit of each line, and what is let out of it to which branch.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec;

use super::message::{FIRST_EPOCH, hear};
use super::{BranchId, Down, LineId, Marks, Refused, ToBranch, ToHome, Up};
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
    /// What it asked for and has not got, while the recalls for it are under way.
    wanted: Notional,
    /// It could not spend for want of that.
    is_short: bool,
    /// It was told to give credit up, and has not answered: it is not told again before.
    is_recalled: bool,
    /// What it was told last that the line owes, less what it returned since.
    owed: Notional,
    /// It is in the queue of those who are to be told something.
    is_queued: bool,
    grant: Option<Notional>,
    answer: Option<Notional>,
    /// It waits for the receipt of what it returned.
    is_taken: bool,
    /// What others want of it, once it may be told.
    recall: Notional,
    /// One of them could not spend for want of it.
    is_pressing: bool,
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
        if let Some(amount) = self.answer.take() {
            return Some(Down::Answer(amount));
        }
        if core::mem::take(&mut self.is_taken) {
            return Some(Down::Taken);
        }
        if !self.may_recall() {
            return None;
        }
        let recalled = core::mem::take(&mut self.recall);
        self.is_recalled = true;
        let is_pressing = core::mem::take(&mut self.is_pressing);
        Some(if is_pressing { Down::Recall(recalled) } else { Down::Spare(recalled) })
    }

    fn has_word(&self) -> bool {
        self.owe.is_some()
            || self.grant.is_some()
            || self.answer.is_some()
            || self.is_taken
            || self.may_recall()
    }

    fn may_recall(&self) -> bool {
        !self.is_recalled && self.recall != Notional::ZERO
    }

    /// Lets out so much more to it, to be told later or with an answer.
    fn let_out(&mut self, amount: Notional) {
        self.wanted = self.wanted - amount;
        self.granted = self.granted + amount;
        self.grant = Some(self.grant.unwrap_or(Notional::ZERO) + amount);
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

    /// A branch is in its first life, and holds the middle of its marks: see
    /// [`Branches::begin`](super::Branches::begin). False: no such line or branch, it has begun before,
    /// or the limit does not allow it.
    pub fn begin(&mut self, line: LineId, branch: BranchId, marks: Marks) -> bool {
        let is_known = line.index() < self.lines.len() && branch.index() < self.branches;
        if !is_known || self.lease_mut(line, branch).epoch != 0 {
            return false;
        }
        let (amount, of) = (marks.middle(), &mut self.lines[line.index()]);
        let out = of.out.saturating_add(amount);
        if of.limit < out {
            return false;
        }
        of.out = out;
        let lease = self.lease_mut(line, branch);
        (lease.epoch, lease.granted) = (FIRST_EPOCH, amount);
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
        match message.says {
            Up::Ask(_) | Up::Need(_) => self.answer(line, branch),
            Up::Yield(_) => {
                self.share_out(line);
                self.trim_recall(line, branch);
            }
            Up::Hello | Up::Return(_) | Up::Reconciled(_) => self.share_out(line),
        }
        self.forget_wants(line);
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
            Up::Ask(amount) => (lease.wanted, lease.is_short) = (amount, false),
            Up::Need(amount) => (lease.wanted, lease.is_short) = (amount, true),
            Up::Return(amount) | Up::Yield(amount) => {
                if lease.granted < amount {
                    return Err(Refused::Overstated);
                }
                lease.granted = lease.granted - amount;
                lease.owed = lease.owed.saturating_sub(amount);
                lease.is_taken |= matches!(message.says, Up::Return(_));
                self.take_in(message.line, amount);
                if let Up::Yield(_) = message.says {
                    self.lease_mut(message.line, branch).is_recalled = false;
                    self.trim_recall(message.line, branch);
                }
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

    /// A recall was answered: the next one is for what is still wanted.
    fn trim_recall(&mut self, line: LineId, branch: BranchId) {
        let others = (0..self.branches).map(index_of).filter(|other| *other != branch);
        let others = others.map(|other| self.lease_mut(line, other).wanted);
        let wanted = others.max().unwrap_or(Notional::ZERO);
        let lease = self.lease_mut(line, branch);
        lease.recall = lease.recall.min(wanted);
        lease.is_pressing &= lease.recall != Notional::ZERO;
        self.queue_up(line, branch);
    }

    fn take_in(&mut self, line: LineId, amount: Notional) {
        let of = &mut self.lines[line.index()];
        of.out = of.out - amount;
    }

    /// Lends what is left to those who still want more than their answer, or calls in what is too much.
    fn share_out(&mut self, line: LineId) {
        self.lend(line, true);
        self.lend(line, false);
        let Line { limit, out, .. } = self.lines[line.index()];
        let over = out.saturating_sub(limit);
        for at in 0..self.branches {
            let lease = &mut self.leases[line.index() * self.branches + at];
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

    /// Lends to those who are short, or to those who ask ahead of need, in turn: to each all that it
    /// wants, or what there is when no recall is under way, and no more before it asks again. So few
    /// messages are on the way to a branch that is slow to hear them.
    fn lend(&mut self, line: LineId, is_short: bool) {
        let comes_more = self.comes_more(line);
        let of = &mut self.lines[line.index()];
        let begin = line.index() * self.branches;
        let leases = &mut self.leases[begin..begin + self.branches];
        let first = of.first;
        for at in (0..self.branches).map(|step| (first + step) % self.branches) {
            let lease = &mut leases[at];
            let amount = lease.wanted.min(of.limit.saturating_sub(of.out));
            if amount == Notional::ZERO || lease.is_short != is_short {
                continue;
            }
            if amount == lease.wanted || !comes_more {
                lease.let_out(amount);
                lease.wanted = Notional::ZERO;
                of.out = of.out + amount;
                of.first = (at + 1) % self.branches;
            }
        }
    }

    /// Whether recalls are under way, or are to be.
    fn comes_more(&self, line: LineId) -> bool {
        let begin = line.index() * self.branches;
        let leases = &self.leases[begin..begin + self.branches];
        leases.iter().any(|lease| lease.is_recalled || lease.recall != Notional::ZERO)
    }

    /// Where every recall is answered, what could not be had is given up: who still wants it asks again. So
    /// credit that comes free goes to nobody for a wish that is past.
    fn forget_wants(&mut self, line: LineId) {
        if !self.comes_more(line) {
            let begin = line.index() * self.branches;
            for lease in &mut self.leases[begin..begin + self.branches] {
                lease.wanted = Notional::ZERO;
            }
        }
    }

    /// An ask has one answer: what is left, if only that nothing is. What it did not get is called in from
    /// the others, from each once the recall before is answered.
    fn answer(&mut self, line: LineId, branch: BranchId) {
        let Line { limit, out, .. } = self.lines[line.index()];
        let lease = self.lease_mut(line, branch);
        let amount = lease.wanted.min(limit.saturating_sub(out));
        lease.let_out(amount);
        lease.answer = lease.grant.take();
        let (wanted, is_short) = (lease.wanted, lease.is_short);
        self.lines[line.index()].out = out + amount;
        self.queue_up(line, branch);
        for other in (0..self.branches).map(index_of).filter(|other| *other != branch) {
            let lease = self.lease_mut(line, other);
            let recall = wanted.min(lease.granted);
            if recall != Notional::ZERO {
                lease.recall = lease.recall.max(recall);
                lease.is_pressing |= is_short;
            }
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
