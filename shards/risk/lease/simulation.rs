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
}

fn raw(amount: u64) -> Notional {
    Notional::from_raw(u128::from(amount))
}

fn lines() -> impl Iterator<Item = LineId> {
    (0..LINES).map(LineId::new)
}

fn up_again(epoch: u64) -> Branches {
    let mut branches = Branches::new(LINES);
    for line in lines() {
        assert!(branches.lease(line, epoch, Marks { low: raw(10), high: raw(50) }));
    }
    branches
}

impl Shard {
    fn sum(&self, line: LineId, is_orphan: bool) -> Notional {
        let of = |order: &&Order| order.line == line && order.is_orphan == is_orphan;
        self.orders.iter().filter(of).map(|order| order.amount).sum()
    }

    /// What is taken of a line here: spent, held, or on a ring.
    fn taken(&self, line: LineId) -> Notional {
        let granted = |m: &ToBranch| match m.says {
            Down::Grant(amount) if m.line == line && m.epoch == self.epoch => amount,
            Down::Grant(_) | Down::Recall(_) | Down::Owe(_) => Notional::ZERO,
        };
        let returned = |m: &ToHome| match m.says {
            Up::Return(amount) if m.line == line && m.epoch == self.epoch => amount,
            Up::Hello | Up::Ask(_) | Up::Return(_) | Up::Reconciled(_) => Notional::ZERO,
        };
        let under_way: Notional = self.down.iter().map(granted).sum();
        let held = (self.branches.granted(line) + under_way).max(self.sum(line, false));
        held + self.sum(line, true) + self.up.iter().map(returned).sum()
    }
}

impl Exchange {
    fn new(limit: u64, cheats: bool) -> Self {
        let mut home = Home::new(LINES, BRANCHES);
        for line in lines() {
            assert!(home.set_limit(line, raw(limit)));
        }
        let shard = |_| Shard {
            branches: up_again(1),
            epoch: 1,
            up: VecDeque::new(),
            down: VecDeque::new(),
            orders: Vec::new(),
        };
        let ceilings = vec![raw(limit); LINES as usize];
        let shards = (0..BRANCHES).map(shard).collect();
        Self { home, shards, ceilings, cheats, spends: 0, shorts: 0 }
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
        let spent = shard.branches.spend(line, amount);
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
