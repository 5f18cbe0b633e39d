//! A home and its branches over rings of any delay, beside a ledger that knows what is true.
//!
//! The ledger is that of the orders themselves: what is live, of whom, whether the shard that took it
//! has died since or not. One number decides each step, so that a stream from proptest and one from a
//! seed run the same machine.

extern crate std;

use std::collections::VecDeque;
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::{BranchId, Branches, Down, Home, LineId, Marks, Refused, ToBranch, ToHome, Up};
use crate::Notional;

const LINES: u32 = 2;
const BRANCHES: u16 = 3;

/// An order that the ledger knows to be live.
struct Order {
    line: LineId,
    amount: Notional,
    /// Taken in an earlier life of its branch, which has not said so to the home yet.
    is_orphan: bool,
}

/// One branch and its two rings.
struct Shard {
    branches: Branches,
    epoch: u64,
    up: VecDeque<ToHome>,
    down: VecDeque<ToBranch>,
    orders: Vec<Order>,
}

struct Exchange {
    home: Home,
    shards: Vec<Shard>,
    /// The most that may be let out of each line: its limit, or what was out when that was lowered.
    ceilings: Vec<Notional>,
    /// The first branch spends without asking whether it may.
    cheats: bool,
    spends: u64,
    shorts: u64,
    /// The most messages of one line that were on the way to one branch, and from one.
    under_way_max: (usize, usize),
}

/// They begin with 28 each, where the limit has room for all of them.
const MARKS: Marks = Marks { low: Notional::from_raw(10), high: Notional::from_raw(46) };

fn raw(amount: u64) -> Notional {
    Notional::from_raw(u128::from(amount))
}

fn lines() -> impl Iterator<Item = LineId> {
    (0..LINES).map(LineId::new)
}

fn up_again(epoch: u64) -> Branches {
    let mut branches = Branches::new(LINES);
    for line in lines() {
        assert!(branches.lease(line, epoch, MARKS));
    }
    branches
}

/// Marks by which all branches together begin with no more than the limit.
fn marks_of(limit: u64) -> Marks {
    let part = limit / u64::from(BRANCHES);
    Marks { low: MARKS.low.min(raw(part)), high: MARKS.high.min(raw(part)) }
}

impl Shard {
    fn sum(&self, line: LineId, is_orphan: bool) -> Notional {
        let of = |order: &&Order| order.line == line && order.is_orphan == is_orphan;
        self.orders.iter().filter(of).map(|order| order.amount).sum()
    }

    /// What is taken of a line here: spent, held, or on a ring.
    fn taken(&self, line: LineId) -> Notional {
        let granted = |m: &ToBranch| match m.says {
            Down::Grant(amount) | Down::Answer(amount)
                if m.line == line && m.epoch == self.epoch =>
            {
                amount
            }
            Down::Grant(_)
            | Down::Answer(_)
            | Down::Recall(_)
            | Down::Spare(_)
            | Down::Owe(_)
            | Down::Taken => Notional::ZERO,
        };
        let returned = |m: &ToHome| match m.says {
            Up::Return(amount) | Up::Yield(amount) if m.line == line && m.epoch == self.epoch => {
                amount
            }
            Up::Hello
            | Up::Ask(_)
            | Up::Need(_)
            | Up::Return(_)
            | Up::Yield(_)
            | Up::Reconciled(_) => Notional::ZERO,
        };
        let under_way: Notional = self.down.iter().map(granted).sum();
        let held = (self.branches.granted(line) + under_way).max(self.sum(line, false));
        held + self.sum(line, true) + self.up.iter().map(returned).sum()
    }
}

/// Messages of one line and one branch that are on the rings.
#[derive(Debug, Default)]
struct UnderWay {
    /// Recalls, or answers to them.
    recalls: usize,
    /// Asks, or answers to them.
    asks: usize,
    /// Returns, or receipts of them.
    returns: usize,
    down: usize,
    up: usize,
}

impl Shard {
    fn under_way(&self, line: LineId) -> UnderWay {
        let mut of = UnderWay::default();
        for message in self.down.iter().filter(|m| m.line == line && m.epoch == self.epoch) {
            of.down += 1;
            match message.says {
                Down::Recall(_) | Down::Spare(_) => of.recalls += 1,
                Down::Answer(_) => of.asks += 1,
                Down::Taken => of.returns += 1,
                Down::Grant(_) | Down::Owe(_) => {}
            }
        }
        for message in self.up.iter().filter(|m| m.line == line && m.epoch == self.epoch) {
            of.up += 1;
            match message.says {
                Up::Yield(_) => of.recalls += 1,
                Up::Ask(_) | Up::Need(_) => of.asks += 1,
                Up::Return(_) => of.returns += 1,
                Up::Hello | Up::Reconciled(_) => {}
            }
        }
        of
    }
}

impl Exchange {
    fn new(limit: u64, cheats: bool) -> Self {
        let mut home = Home::new(LINES, BRANCHES);
        for line in lines() {
            assert!(home.set_limit(line, raw(limit)));
        }
        let marks = marks_of(limit);
        let shard = |id| {
            let mut branches = Branches::new(LINES);
            for line in lines() {
                assert!(home.begin(line, BranchId::new(id), marks) && branches.begin(line, marks));
                assert!(!home.begin(line, BranchId::new(id), marks), "it has begun");
            }
            let (up, down, orders) = (VecDeque::new(), VecDeque::new(), Vec::new());
            Shard { branches, epoch: 1, up, down, orders }
        };
        let ceilings = vec![raw(limit); LINES as usize];
        let shards = (0..BRANCHES).map(shard).collect();
        Self { home, shards, ceilings, cheats, spends: 0, shorts: 0, under_way_max: (0, 0) }
    }

    /// Does what `choice` says: the low byte which kind of step, the others on what.
    fn step(&mut self, choice: u64) {
        let at = usize::try_from(choice >> 8).unwrap_or_default();
        let (branch, line) = (at % self.shards.len(), LineId::new((at / 7 % 2) as u32));
        let amount = raw(choice >> 40 & 0x3F);
        match choice & 0xFF {
            0..60 => self.spend(branch, line, amount),
            60..110 => self.end(branch, at / 16),
            110..150 => self.deliver_up(branch),
            150..190 => self.deliver_down(branch),
            190..215 => {
                let said = self.shards[branch].branches.poll();
                self.shards[branch].up.extend(said);
            }
            215..245 => self.poll_home(),
            245..250 => self.set_limit(line, raw(choice >> 40 & 0xFF)),
            250..252 => self.restart(branch),
            _ => self.reconcile(branch),
        }
    }

    fn spend(&mut self, branch: usize, line: LineId, amount: Notional) {
        let shard = &mut self.shards[branch];
        let spent = shard.branches.spend([line], amount);
        if self.cheats && branch == 0 && spent.is_err() {
            shard.branches.settle(line, Notional::ZERO, amount);
        } else if spent.is_err() {
            self.shorts += 1;
            return;
        }
        self.spends += 1;
        shard.orders.push(Order { line, amount, is_orphan: false });
    }

    /// An order ends and what was spent for it is free again; of an orphan only the ledger knows yet.
    fn end(&mut self, branch: usize, at: usize) {
        let shard = &mut self.shards[branch];
        if shard.orders.is_empty() {
            return;
        }
        let at = at % shard.orders.len();
        if !shard.orders[at].is_orphan {
            let order = shard.orders.swap_remove(at);
            shard.branches.settle(order.line, order.amount, Notional::ZERO);
        }
    }

    fn deliver_up(&mut self, branch: usize) {
        let Some(message) = self.shards[branch].up.pop_front() else {
            return;
        };
        let heard = ToHome::from_words(message.to_words()).expect("what was sent");
        let id = BranchId::new(branch as u16);
        // Those of an old life lie on the ring before those of the new one, and are heard too.
        assert_eq!(self.home.on(id, &heard), Ok(()), "{heard:?}");
        assert!(self.home.on(id, &heard).is_err(), "heard twice: {heard:?}");
    }

    fn deliver_down(&mut self, branch: usize) {
        let shard = &mut self.shards[branch];
        if let Some(message) = shard.down.pop_front() {
            let heard = ToBranch::from_words(message.to_words()).expect("what was sent");
            let is_old = message.epoch != shard.epoch;
            let want = if is_old { Err(Refused::Epoch) } else { Ok(()) };
            assert_eq!(shard.branches.on(&heard), want);
            assert!(shard.branches.on(&heard).is_err(), "heard twice: {heard:?}");
        }
    }

    fn poll_home(&mut self) {
        if let Some((branch, message)) = self.home.poll() {
            self.shards[branch.index()].down.push_back(message);
        }
    }

    fn set_limit(&mut self, line: LineId, limit: Notional) {
        let out = self.home.let_out(line).out;
        self.ceilings[line.index()] = limit.max(out);
        assert!(self.home.set_limit(line, limit));
    }

    /// The shard dies and comes back; its orders live on in the ledger.
    fn restart(&mut self, branch: usize) {
        let shard = &mut self.shards[branch];
        shard.epoch += 1;
        shard.branches = up_again(shard.epoch);
        for order in &mut shard.orders {
            order.is_orphan = true;
        }
    }

    fn reconcile(&mut self, branch: usize) {
        let shard = &mut self.shards[branch];
        for line in lines() {
            for order in shard.orders.iter().filter(|order| order.is_orphan && order.line == line) {
                shard.branches.restore(line, order.amount);
            }
            shard.branches.reconcile(line);
        }
        for order in &mut shard.orders {
            order.is_orphan = false;
        }
    }

    /// What must hold after each step.
    fn audit(&mut self) -> Result<(), String> {
        for line in lines() {
            let out = self.home.let_out(line);
            let ceiling = &mut self.ceilings[line.index()];
            *ceiling = out.limit.max(out.out.min(*ceiling));
            let taken = self.shards.iter().map(|shard| shard.taken(line)).sum();
            if *ceiling < out.out || out.out < taken {
                return Err(format!("{line:?}: {taken:?} taken, {out:?}, at most {ceiling:?}"));
            }
            for shard in self.shards.iter() {
                let of = shard.under_way(line);
                if 1 < of.recalls || 1 < of.asks || 1 < of.returns {
                    return Err(format!("{line:?}: {of:?}"));
                }
                let (down, up) = self.under_way_max;
                self.under_way_max = (down.max(of.down), up.max(of.up));
                let live = shard.sum(line, false);
                if shard.branches.spent(line) != live {
                    return Err(format!("{line:?}: {live:?} of live orders not counted"));
                }
            }
        }
        Ok(())
    }

    /// Delivers until nobody has anything to say.
    fn drain(&mut self) {
        let mut rounds = 0;
        loop {
            let mut moved = 0;
            for branch in 0..self.shards.len() {
                while let Some(message) = self.shards[branch].branches.poll() {
                    self.shards[branch].up.push_back(message);
                }
                moved += self.shards[branch].up.len() + self.shards[branch].down.len();
                while !self.shards[branch].up.is_empty() {
                    self.deliver_up(branch);
                }
                while !self.shards[branch].down.is_empty() {
                    self.deliver_down(branch);
                }
            }
            while let Some((branch, message)) = self.home.poll() {
                self.shards[branch.index()].down.push_back(message);
                moved += 1;
            }
            if moved == 0 {
                return;
            }
            rounds += 1;
            assert!(rounds < 100, "they never stop talking");
        }
    }

    /// No credit is lost: what all hold is what is out, all of it comes back when it is called in,
    /// and any branch can have the whole line.
    fn settle_up(mut self) -> Result<(), String> {
        for branch in 0..self.shards.len() {
            self.reconcile(branch);
        }
        self.drain();
        self.audit()?;
        for branch in 0..self.shards.len() {
            while !self.shards[branch].orders.is_empty() {
                self.end(branch, 0);
            }
        }
        self.drain();
        for line in lines() {
            let out = self.home.let_out(line);
            let held = self.shards.iter().map(|shard| shard.branches.granted(line)).sum();
            assert_eq!((out.out, out.locked), (held, Notional::ZERO), "{line:?}");
            self.set_limit(line, Notional::ZERO);
        }
        self.drain();
        for line in lines() {
            assert_eq!(self.home.let_out(line).out, Notional::ZERO);
            self.set_limit(line, raw(1_000));
            for branch in 0..self.shards.len() {
                // What comes free goes to those who asked before first, each once.
                for _ in 0..=BRANCHES {
                    if self.shards[branch].orders.is_empty() {
                        self.spend(branch, line, raw(1_000));
                        self.drain();
                    }
                }
                assert_eq!(self.shards[branch].orders.len(), 1, "{line:?} of {branch}");
                self.end(branch, 0);
                self.drain();
            }
        }
        self.audit()
    }
}

/// SplitMix64.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

proptest! {
    #[test]
    fn never_exceeded_and_never_lost(
        limit in 0_u64..300,
        choices in prop::collection::vec(any::<u64>(), 0..600),
    ) {
        let mut exchange = Exchange::new(limit, false);
        for choice in choices {
            exchange.step(choice);
            exchange.audit().map_err(TestCaseError::fail)?;
        }
        exchange.settle_up().map_err(TestCaseError::fail)?;
    }
}

#[test]
fn never_exceeded_in_a_long_run() {
    let (mut seed, mut exchange) = (1, Exchange::new(200, false));
    for step in 0..1_000_000 {
        exchange.step(next(&mut seed));
        if let Err(what) = exchange.audit() {
            panic!("step {step}: {what}");
        }
    }
    let (spends, shorts) = (exchange.spends, exchange.shorts);
    assert!(10_000 < spends && 10_000 < shorts, "{spends} spent, {shorts} short");
    assert_eq!(exchange.settle_up(), Ok(()));
}

/// A seeded run where messages are quick, no order is above `order_max` and `keep` of each line is left
/// unspent: how many orders were refused at first.
fn refused(order_max: u64, keep: u64) -> u32 {
    let (mut seed, mut exchange) = (7, Exchange::new(300, false));
    let mut refused = 0;
    for step in 0..200_000 {
        let choice = next(&mut seed);
        let at = (choice >> 8) as usize;
        let (branch, line) = (at % exchange.shards.len(), LineId::new((at / 7 % 2) as u32));
        if choice & 1 == 0 {
            exchange.end(branch, at / 16);
            exchange.drain();
            continue;
        }
        let amount = raw(1 + (choice >> 40) % order_max);
        let spent: Notional = exchange.shards.iter().map(|s| s.branches.spent(line)).sum();
        let left = raw(300).saturating_sub(spent);
        if left < amount + raw(keep) && 0 < keep {
            continue;
        }
        let mut spend = || {
            let spends = exchange.spends;
            exchange.spend(branch, line, amount);
            exchange.drain();
            // What is released and taken meanwhile changes nothing.
            exchange.shards[branch].branches.settle(line, raw(0), raw(0));
            exchange.drain();
            spends < exchange.spends
        };
        if spend() {
            continue;
        }
        refused += 1;
        // Asked for again it is spent, if there is so much anywhere. What was recalled may go to one who
        // was refused before.
        let is_spent = (1..BRANCHES).any(|_| spend());
        assert_eq!(is_spent, amount <= left, "step {step}: {amount:?} of {left:?}, asked again");
    }
    assert_eq!(exchange.settle_up(), Ok(()));
    refused
}

#[test]
fn an_order_is_short_only_where_the_line_is_or_the_answer_is_late() {
    // Before anything was said.
    let mut exchange = Exchange::new(300, false);
    for branch in 0..exchange.shards.len() {
        exchange.spend(branch, LineId::new(0), MARKS.middle());
    }
    assert_eq!((exchange.spends, exchange.shorts), (3, 0));
    // With what each keeps left, no branch is ever out of credit for orders of as much as it keeps.
    let kept = 10 * u64::from(BRANCHES);
    assert_eq!(refused(10, kept), 0);
    // Larger ones wait for the others' once; and where the line is short, so it is.
    assert!(1_000 < refused(60, kept) && 1_000 < refused(60, 0));
}

#[test]
fn a_large_order_passes_at_the_second_try_whatever_is_settled_in_between() {
    let (line, large) = (LineId::new(0), raw(250));
    for settles in [0, 1, 100] {
        let mut exchange = Exchange::new(300, false);
        exchange.spend(1, line, raw(5));
        exchange.spend(1, line, large);
        exchange.drain();
        assert_eq!((exchange.spends, exchange.shorts), (1, 1));
        for _ in 0..settles {
            exchange.end(1, 0);
            exchange.drain();
            // Others ask ahead of need, and one that is small enough is spent.
            exchange.spend(0, line, raw(15));
            exchange.drain();
            exchange.end(0, 0);
            exchange.spend(1, line, raw(5));
            exchange.drain();
        }
        let shorts = exchange.shorts;
        exchange.spend(1, line, large);
        assert_eq!(exchange.shorts, shorts, "{settles} settles");
        assert_eq!(exchange.settle_up(), Ok(()));
    }
}

#[test]
fn what_is_kept_for_an_order_that_never_comes_goes_back() {
    let line = LineId::new(0);
    let mut exchange = Exchange::new(300, false);
    exchange.spend(1, line, raw(250));
    exchange.drain();
    let held = |exchange: &Exchange| exchange.shards[1].branches.granted(line);
    assert_eq!(held(&exchange), raw(278), "what is needed and the middle");
    let mut settles = 0;
    while held(&exchange) != MARKS.middle() {
        exchange.spend(1, line, raw(5));
        exchange.end(1, 0);
        exchange.drain();
        settles += 1;
        assert!(settles < 2_000, "it is kept for good");
    }
    assert!(1_000 < settles, "kept for {settles} settles");
    assert_eq!(exchange.settle_up(), Ok(()));
}

/// Little is on the way, however slow one end is and however often the others ask.
#[test]
fn few_messages_are_on_the_way_to_and_from_one_that_is_slow() {
    let last = usize::from(BRANCHES) - 1;
    // The last branch hears nothing; the home hears nothing of it; both hear now and then.
    for (down_every, up_every, down, up) in [(0, 1, 3, 2), (1, 0, 2, 2), (90, 70, 5, 3)] {
        let (mut seed, mut exchange) = (3, Exchange::new(200, false));
        let hears = |every: u64, step| every != 0 && step % every == 0;
        for step in 1..=40_000 {
            let choice = next(&mut seed);
            let at = (choice >> 8) as usize;
            let (line, amount) = (LineId::new((at / 7 % 2) as u32), raw(choice >> 40 & 0x1F));
            let branch = at % exchange.shards.len();
            match choice & 3 {
                0 | 1 => exchange.spend(branch, line, amount),
                2 => exchange.end(branch, at / 16),
                _ => {}
            }
            for branch in 0..exchange.shards.len() {
                while let Some(said) = exchange.shards[branch].branches.poll() {
                    exchange.shards[branch].up.push_back(said);
                }
                assert_eq!(exchange.audit(), Ok(()));
                let is_heard = branch != last || hears(up_every, step);
                while is_heard && !exchange.shards[branch].up.is_empty() {
                    exchange.deliver_up(branch);
                }
                let hears = branch != last || hears(down_every, step);
                while hears && !exchange.shards[branch].down.is_empty() {
                    exchange.deliver_down(branch);
                }
            }
            while let Some((branch, message)) = exchange.home.poll() {
                exchange.shards[branch.index()].down.push_back(message);
            }
            assert_eq!(exchange.audit(), Ok(()));
        }
        assert_eq!(exchange.under_way_max, (down, up), "to the last and from it");
        assert_eq!(exchange.settle_up(), Ok(()));
    }
}

/// However small the marks, a branch that its home does not hear says once that it returns.
#[test]
fn what_a_branch_gives_up_adds_up_until_its_home_hears_of_it() {
    let marks = Marks { low: raw(0), high: raw(1) };
    let (mut home, mut branches) = (Home::new(1, 1), Branches::new(1));
    let (line, id) = (LineId::new(0), BranchId::new(0));
    assert!(home.set_limit(line, raw(1_000)) && home.begin(line, id, marks));
    assert!(branches.begin(line, marks));
    // Called in for one order, a part of which is given back.
    assert!(branches.spend([line], raw(500)).is_err());
    while let Some(message) = branches.poll() {
        assert_eq!(home.on(id, &message), Ok(()));
        while let Some((_, message)) = home.poll() {
            assert_eq!(branches.on(&message), Ok(()));
        }
    }
    assert!(branches.spend([line], raw(500)).is_ok());
    branches.settle(line, raw(10), raw(0));
    let first = branches.poll().expect("it returns ten");
    assert_eq!(first.says, Up::Return(raw(10)));
    for _ in 0..100 {
        branches.settle(line, raw(2), raw(0));
        assert_eq!(branches.poll(), None);
    }
    assert_eq!(home.on(id, &first), Ok(()));
    while let Some((_, message)) = home.poll() {
        assert_eq!(branches.on(&message), Ok(()));
    }
    assert_eq!(branches.poll().map(|message| message.says), Some(Up::Return(raw(200))));
}

/// The audit is worth something: it finds a branch that spends what it does not hold.
#[test]
fn a_branch_that_cheats_is_found() {
    let (mut seed, mut exchange) = (1, Exchange::new(200, true));
    let found = (0..10_000).any(|_| {
        exchange.step(next(&mut seed));
        exchange.audit().is_err()
    });
    assert!(found);
}
