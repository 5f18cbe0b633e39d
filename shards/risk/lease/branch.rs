//! The spending end: what one shard holds of each line.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use super::message::{FIRST_EPOCH, hear};
use super::{Down, LineId, Refused, ToBranch, ToHome, Up};
use crate::Notional;

/// How much a branch holds of a line before it asks or returns. It begins with the middle, and asks and
/// returns to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// It asks for more where it holds less than this after it spent. Nobody else's wish ahead of need
    /// takes this from it.
    pub low: Notional,
    /// It returns some where it holds more than this after a release.
    pub high: Notional,
}

/// How many [settles](Branches::settle) and messages of a line a branch waits, with what it could not
/// spend kept for it: some milliseconds of a firm that trades as fast as it can.
const PATIENCE: u32 = 1_024;

/// The branch does not hold so much. It asks for more, now or once what it asked is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short;

/// One line's branch.
#[derive(Clone, Debug)]
struct Branch {
    /// What it may spend in all: granted and not returned.
    granted: Notional,
    /// What it has spent. Above `granted` where trades took more than was spent for their orders.
    spent: Notional,
    /// To be said to the home; `None` where the whole line is here.
    lease: Option<Lease>,
}

#[derive(Clone, Debug)]
struct Lease {
    marks: Marks,
    epoch: u64,
    said: u64,
    heard: u64,
    /// It asked, and has no answer yet.
    is_asking: bool,
    /// The most that it was asked to spend since and could not.
    needed: Notional,
    /// The most that it was asked to spend of late and could not: kept above its marks once it is here,
    /// so that it is not given back before it is asked for again.
    unmet: Notional,
    /// How many settles and messages more that is kept.
    patience: u32,
    /// What the home wants back as it is released.
    owed: Notional,
    /// It is in the queue of those with something to say.
    is_queued: bool,
    hello: bool,
    /// Spent under earlier epochs, not reconciled yet.
    restored: Notional,
    reconciled: Option<Notional>,
    /// Given up, not said yet.
    returned: Notional,
    /// What it said that it returned has no receipt yet: what it gives up meanwhile adds up.
    is_returning: bool,
    /// Given up because it was recalled, not said yet.
    yielded: Option<Notional>,
    ask: Option<Up>,
}

/// One shard's branches of all lines. Nothing here allocates after `new`.
pub struct Branches {
    branches: Box<[Branch]>,
    /// Those with something to say, each once.
    queue: VecDeque<LineId>,
}

impl Branch {
    /// Held and not spent.
    fn free(&self) -> Notional {
        self.granted.saturating_sub(self.spent)
    }

    /// Gives up `amount`, which it holds.
    fn give(&mut self, amount: Notional) {
        if let (Some(lease), true) = (&mut self.lease, amount != Notional::ZERO) {
            self.granted = self.granted - amount;
            lease.returned = lease.returned + amount;
            lease.owed = lease.owed.saturating_sub(amount);
        }
    }

    /// Answers a recall with what it holds of `amount` beyond what it may keep.
    fn give_way(&mut self, amount: Notional, keep: Notional) {
        let amount = amount.min(self.free().saturating_sub(keep));
        if let Some(lease) = &mut self.lease {
            self.granted = self.granted - amount;
            lease.yielded = Some(lease.yielded.unwrap_or(Notional::ZERO) + amount);
            lease.owed = lease.owed.saturating_sub(amount);
        }
    }

    /// Pays what the line owes, as far as it holds it.
    fn pay(&mut self) {
        if let Some(lease) = &self.lease {
            self.give(lease.owed.min(self.free()));
        }
    }

    /// Pays, then gives back what is above the mark and above what is kept for an order.
    fn slim(&mut self) {
        self.pay();
        if let Some(lease) = &self.lease {
            let beyond = self.free().saturating_sub(lease.unmet);
            if lease.marks.high < beyond {
                self.give(beyond.saturating_sub(lease.marks.middle()));
            }
        }
    }

    /// So much could not be spent, here or on another line of the same order: it is kept for another try.
    /// Less than what is kept already has room in that, and does not keep it any longer.
    fn keep(&mut self, amount: Notional) {
        if let Some(lease) = &mut self.lease
            && lease.unmet <= amount
        {
            (lease.unmet, lease.patience) = (amount, PATIENCE);
        }
    }

    /// So much is spent: it was what was kept, unless it is less.
    fn spend(&mut self, amount: Notional) {
        self.spent = self.spent.saturating_add(amount);
        if let Some(lease) = &mut self.lease
            && lease.unmet <= amount
        {
            lease.unmet = Notional::ZERO;
        }
    }

    /// Asks for as much as makes it hold the middle of its marks after it spent `needed` more, which it
    /// could not; with nothing needed, ahead of need. One ask at a time: what is needed meanwhile waits.
    fn ask(&mut self, needed: Notional) {
        let Some(lease) = &mut self.lease else {
            return;
        };
        if lease.is_asking {
            lease.needed = lease.needed.max(needed);
            return;
        }
        let wanted = self.spent.saturating_add(needed).saturating_add(lease.marks.middle());
        let wanted = wanted.saturating_sub(self.granted);
        let is_ahead = needed == Notional::ZERO;
        lease.ask = Some(if is_ahead { Up::Ask(wanted) } else { Up::Need(wanted) });
        lease.is_asking = true;
    }

    /// What it asked is answered; what it could not spend meanwhile is asked for next.
    fn on_answer(&mut self, amount: Notional) {
        self.granted = self.granted.saturating_add(amount);
        self.pay();
        let free = self.free();
        let Some(lease) = &mut self.lease else { return };
        lease.is_asking = false;
        let needed = core::mem::take(&mut lease.needed);
        if free < needed {
            self.ask(needed);
        }
    }

    fn on(&mut self, message: &ToBranch) -> Result<(), Refused> {
        let lease = self.lease.as_mut().ok_or(Refused::Unknown)?;
        hear(&mut lease.heard, lease.epoch, (message.epoch, message.number))?;
        lease.wait();
        let keep = lease.marks.low.saturating_add(lease.unmet);
        match message.says {
            Down::Grant(amount) => {
                self.granted = self.granted.saturating_add(amount);
                self.pay();
            }
            Down::Answer(amount) => self.on_answer(amount),
            Down::Recall(amount) => self.give_way(amount, Notional::ZERO),
            Down::Spare(amount) => self.give_way(amount, keep),
            Down::Owe(amount) => {
                lease.owed = amount;
                self.pay();
            }
            Down::Taken => lease.is_returning = false,
        }
        Ok(())
    }
}

impl Marks {
    /// Half way between them.
    pub fn middle(&self) -> Notional {
        let low = self.low.min(self.high);
        Notional::from_raw(low.raw() + (self.high.raw() - low.raw()) / 2)
    }
}

impl Lease {
    fn new(marks: Marks, epoch: u64) -> Self {
        Self {
            marks,
            epoch,
            said: 0,
            heard: 0,
            is_asking: false,
            needed: Notional::ZERO,
            unmet: Notional::ZERO,
            patience: 0,
            owed: Notional::ZERO,
            is_queued: false,
            hello: false,
            restored: Notional::ZERO,
            reconciled: None,
            returned: Notional::ZERO,
            is_returning: false,
            yielded: None,
            ask: None,
        }
    }

    /// One settle or message more has come, and nobody asked for what is kept.
    fn wait(&mut self) {
        self.patience = self.patience.saturating_sub(1);
        if self.patience == 0 {
            self.unmet = Notional::ZERO;
        }
    }

    /// What it has to say next.
    fn next_word(&mut self) -> Option<Up> {
        if core::mem::take(&mut self.hello) {
            return Some(Up::Hello);
        }
        if let Some(amount) = self.reconciled.take() {
            return Some(Up::Reconciled(amount));
        }
        if let Some(amount) = self.yielded.take() {
            return Some(Up::Yield(amount));
        }
        if self.may_return() {
            self.is_returning = true;
            return Some(Up::Return(core::mem::take(&mut self.returned)));
        }
        self.ask.take()
    }

    fn has_word(&self) -> bool {
        self.hello
            || self.reconciled.is_some()
            || self.yielded.is_some()
            || self.may_return()
            || self.ask.is_some()
    }

    fn may_return(&self) -> bool {
        !self.is_returning && self.returned != Notional::ZERO
    }
}

impl Branches {
    /// `lines` of them, each whole here and without a limit until it is given one or leased.
    pub fn new(lines: u32) -> Self {
        let whole = Branch { granted: Notional::MAX, spent: Notional::ZERO, lease: None };
        Self {
            branches: alloc::vec![whole; lines as usize].into_boxed_slice(),
            queue: VecDeque::with_capacity(lines as usize),
        }
    }

    /// The whole of a line is here, up to `limit`. Lowered below what is spent, it spends no more
    /// until enough of that is released. False: no such line, or it is leased, and its limit is the
    /// home's to set.
    pub fn set_limit(&mut self, line: LineId, limit: Notional) -> bool {
        let Some(branch) = self.branches.get_mut(line.index()) else {
            return false;
        };
        if branch.lease.is_none() {
            branch.granted = limit;
        }
        branch.lease.is_none()
    }

    /// From here on the line's credit comes from its home, in the first life of this shard: it holds
    /// the middle of its marks, which [`Home::begin`](super::Home::begin) has let out to it. False: no
    /// such line, or it is leased already.
    pub fn begin(&mut self, line: LineId, marks: Marks) -> bool {
        let lease = Lease::new(marks, FIRST_EPOCH);
        self.lease_out(line, lease, marks.middle())
    }

    /// From here on the line's credit comes from its home, in the life `epoch`: above 1, the first, and
    /// higher than any life of this shard before. It holds nothing until it is granted some; what was
    /// spent here stays spent. False: no such line, or it is leased already.
    pub fn lease(&mut self, line: LineId, epoch: u64, marks: Marks) -> bool {
        let lease = Lease { hello: true, ..Lease::new(marks, epoch) };
        let is_leased = self.lease_out(line, lease, Notional::ZERO);
        if is_leased {
            self.ask(line, Notional::ZERO);
        }
        is_leased
    }

    fn lease_out(&mut self, line: LineId, lease: Lease, granted: Notional) -> bool {
        let Some(branch) = self.branches.get_mut(line.index()) else {
            return false;
        };
        if branch.lease.is_some() {
            return false;
        }
        branch.granted = granted;
        branch.lease = Some(lease);
        true
    }

    /// So much of the line was spent here under earlier epochs, by an order that is live or by a
    /// trade. It is counted as spent, whatever the branch holds.
    pub fn restore(&mut self, line: LineId, amount: Notional) {
        if let Some(branch) = self.branches.get_mut(line.index()) {
            branch.spent = branch.spent.saturating_add(amount);
            if let Some(lease) = &mut branch.lease {
                lease.restored = lease.restored.saturating_add(amount);
            }
        }
    }

    /// All that was spent of the line under earlier epochs is [restored](Self::restore). The home
    /// lets go of what it had locked up above it.
    pub fn reconcile(&mut self, line: LineId) {
        if let Some(branch) = self.branches.get_mut(line.index())
            && let Some(lease) = &mut branch.lease
        {
            let restored = core::mem::take(&mut lease.restored);
            let unsaid = lease.reconciled.unwrap_or(Notional::ZERO);
            lease.reconciled = Some(unsaid.saturating_add(restored));
        }
        self.queue_up(line);
    }

    /// Spends of each of these lines, where their branches hold as much, or of none. One that is short
    /// asks for more, and so does one that holds little afterwards. Of those that are short and those
    /// that are not, what could not be spent is kept for a while, beyond any mark, for the next try.
    ///
    /// A line that is not there is short. No line is there twice.
    #[inline]
    pub fn spend<const N: usize>(
        &mut self,
        lines: [LineId; N],
        amount: Notional,
    ) -> Result<(), Short> {
        let holds = |line: LineId| {
            let branch = self.branches.get(line.index())?;
            let spent = branch.spent.checked_add(amount);
            Some(spent.is_some_and(|spent| spent <= branch.granted))
        };
        let held = lines.map(holds);
        if held.iter().any(|held| *held != Some(true)) {
            self.miss(lines, held, amount);
            return Err(Short);
        }
        for line in lines {
            let branch = &mut self.branches[line.index()];
            branch.spend(amount);
            if branch.lease.as_ref().is_some_and(|lease| branch.free() < lease.marks.low) {
                self.ask(line, Notional::ZERO);
            }
        }
        Ok(())
    }

    /// So much could not be spent: those that did not hold it ask for it.
    #[cold]
    fn miss<const N: usize>(
        &mut self,
        lines: [LineId; N],
        held: [Option<bool>; N],
        amount: Notional,
    ) {
        for (line, held) in lines.into_iter().zip(held) {
            let Some(branch) = self.branches.get_mut(line.index()) else { continue };
            branch.keep(amount);
            if held == Some(false) {
                self.ask(line, amount);
            }
        }
    }

    /// Takes `before` back and spends `after`, whatever the branch holds: what came of an order.
    /// `before` was spent.
    #[inline]
    pub fn settle(&mut self, line: LineId, before: Notional, after: Notional) {
        let Some(branch) = self.branches.get_mut(line.index()) else {
            return;
        };
        branch.spent = (branch.spent - before).saturating_add(after);
        if let Some(lease) = &mut branch.lease {
            lease.wait();
            branch.slim();
            self.queue_up(line);
        }
    }

    /// Takes a message of the home.
    pub fn on(&mut self, message: &ToBranch) -> Result<(), Refused> {
        let line = message.line;
        self.branches.get_mut(line.index()).ok_or(Refused::Unknown)?.on(message)?;
        self.queue_up(line);
        Ok(())
    }

    /// The next message for the home, until there is none.
    pub fn poll(&mut self) -> Option<ToHome> {
        loop {
            let line = self.queue.pop_front()?;
            let lease = self.branches[line.index()].lease.as_mut()?;
            lease.is_queued = false;
            let Some(says) = lease.next_word() else {
                continue;
            };
            lease.said += 1;
            let message = ToHome { line, epoch: lease.epoch, number: lease.said, says };
            self.queue_up(line);
            return Some(message);
        }
    }

    /// What is spent of a line here.
    pub fn spent(&self, line: LineId) -> Notional {
        self.branches.get(line.index()).map_or(Notional::ZERO, |branch| branch.spent)
    }

    /// What may be spent of a line here in all, without asking.
    pub fn granted(&self, line: LineId) -> Notional {
        self.branches.get(line.index()).map_or(Notional::ZERO, |branch| branch.granted)
    }

    #[cold]
    fn ask(&mut self, line: LineId, amount: Notional) {
        if let Some(branch) = self.branches.get_mut(line.index()) {
            branch.ask(amount);
        }
        self.queue_up(line);
    }

    fn queue_up(&mut self, line: LineId) {
        if let Some(branch) = self.branches.get_mut(line.index())
            && let Some(lease) = &mut branch.lease
            && lease.has_word()
            && !lease.is_queued
        {
            lease.is_queued = true;
            self.queue.push_back(line);
        }
    }
}
