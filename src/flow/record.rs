//! What a population did and heard: to be compared with what the exchange and its drop copy say.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use runtime::latency::new_histogram;
use serde::Serialize;
use types::Nanos;
use wire::ouch50::{RejectReason, Side};

/// Messages sent, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// New orders.
    pub orders: u64,
    /// Those of them that were immediate or cancel.
    pub immediate: u64,
    /// Replacements.
    pub replaces: u64,
    /// Modifications.
    pub modifies: u64,
    /// Cancels of single orders.
    pub cancels: u64,
    /// Mass cancels.
    pub mass_cancels: u64,
    /// Account queries.
    pub queries: u64,
}

impl Sent {
    /// All of them.
    pub fn messages(&self) -> u64 {
        let Self { orders, immediate: _, replaces, modifies, cancels, mass_cancels, queries } =
            self;
        orders + replaces + modifies + cancels + mass_cancels + queries
    }
}

/// What was bought and sold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Traded {
    /// Shares bought.
    pub bought: u64,
    /// Shares sold, short sales included.
    pub sold: u64,
    /// Shares times price of what was bought, in units of 1e-4.
    pub paid: u128,
    /// The same of what was sold.
    pub received: u128,
}

impl Traded {
    fn add(&mut self, other: &Self) {
        self.bought += other.bought;
        self.sold += other.sold;
        self.paid += other.paid;
        self.received += other.received;
    }
}

/// What a population did and heard.
#[derive(Clone, Debug)]
pub struct Record {
    /// What was sent.
    pub sent: Sent,
    /// Messages that were due on a port that was down, and never written.
    pub skipped: u64,
    /// Messages that the connection did not take, as bytes waited already.
    pub refused: u64,
    /// Orders and requests that a cut connection lost on the way out.
    pub lost: u64,
    /// Orders accepted, dead ones included.
    pub accepted: u64,
    /// Those accepted dead.
    pub dead: u64,
    /// Replacements that stand.
    pub replaced: u64,
    /// Modifications made.
    pub modified: u64,
    /// Requests to reduce an order that were refused: it is in a cross.
    pub cancel_rejected: u64,
    /// Mass cancels taken.
    pub mass_canceled: u64,
    /// Executions of orders of ours: one between two of them is two.
    pub executions: u64,
    /// Orders whose last share traded.
    pub ended_executed: u64,
    /// Orders whose last share was canceled.
    pub ended_canceled: u64,
    /// Shares canceled.
    pub canceled_shares: u64,
    /// Executions that were broken. What they moved stays in what was traded.
    pub broken: u64,
    /// Answers about orders that we do not have, or of more shares than they have.
    pub contradictions: u64,
    /// Answers that are no OUCH.
    pub malformed: u64,
    /// From when an order or a replacement was to be sent to when its accepted or replaced came, in
    /// nanoseconds. A late sender does not shorten it: nothing is omitted.
    pub latency: Histogram<u64>,
    rejected: BTreeMap<u16, u64>,
    traded: BTreeMap<(u32, u16), Traded>,
}

impl Record {
    pub(super) fn new() -> Self {
        Self {
            sent: Sent::default(),
            skipped: 0,
            refused: 0,
            lost: 0,
            accepted: 0,
            dead: 0,
            replaced: 0,
            modified: 0,
            cancel_rejected: 0,
            mass_canceled: 0,
            executions: 0,
            ended_executed: 0,
            ended_canceled: 0,
            canceled_shares: 0,
            broken: 0,
            contradictions: 0,
            malformed: 0,
            latency: new_histogram(),
            rejected: BTreeMap::new(),
            traded: BTreeMap::new(),
        }
    }

    pub(super) fn reject(&mut self, reason: RejectReason) {
        *self.rejected.entry(reason.number()).or_default() += 1;
    }

    pub(super) fn trade(&mut self, of: (u32, u16), side: Side, quantity: u32, price: u64) {
        self.executions += 1;
        let traded = self.traded.entry(of).or_default();
        let value = u128::from(quantity) * u128::from(price);
        match side {
            Side::Buy => {
                traded.bought += u64::from(quantity);
                traded.paid += value;
            }
            Side::Sell | Side::SellShort | Side::SellShortExempt => {
                traded.sold += u64::from(quantity);
                traded.received += value;
            }
        }
    }

    pub(super) fn answered(&mut self, due: Nanos, now: Nanos) {
        self.latency.saturating_record(now.since(due).get());
    }

    /// Rejections by reason, in the order of the specification.
    pub fn rejected(&self) -> impl Iterator<Item = (RejectReason, u64)> {
        let counted = RejectReason::ALL.iter();
        counted.filter_map(|&reason| Some((reason, *self.rejected.get(&reason.number())?)))
    }

    /// What each account traded in each instrument, where it is anything: ((account, instrument), what).
    pub fn traded(&self) -> impl Iterator<Item = ((u32, u16), &Traded)> {
        self.traded.iter().map(|(&of, traded)| (of, traded))
    }

    /// What was traded in one instrument.
    pub fn traded_in(&self, instrument: u16) -> Traded {
        self.sum(|&(_, traded)| traded == instrument)
    }

    /// What was traded in all.
    pub fn traded_in_all(&self) -> Traded {
        self.sum(|_| true)
    }

    fn sum(&self, counts: impl Fn(&(u32, u16)) -> bool) -> Traded {
        let mut sum = Traded::default();
        for (_, traded) in self.traded.iter().filter(|(of, _)| counts(of)) {
            sum.add(traded);
        }
        sum
    }
}
