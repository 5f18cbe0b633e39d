//! The trading shard: feeds into books. Strategies, risk and orders will stand behind the books.
//!
//! One call an input: find the feed it is for, hand it over, tell what changed.

use book::consolidated::Consolidated;
use book::{hash, l3};
use runtime::{Event, LinkId, Machine, Outbox};
use types::{InstrumentId, Nanos, Symbol};
use venue::Roster;

use crate::feeds::{Feeds, PlanError};
use crate::{Feed, FeedPlan, gauges};

/// What a trading shard needs to run.
#[derive(Debug)]
pub struct TradePlan {
    /// Its feeds.
    pub feeds: Vec<FeedPlan>,
    /// Its instruments.
    pub roster: Roster,
    /// Room in the books of each feed.
    pub capacity: l3::Capacity,
    /// Where changed tops go.
    pub tops: Option<LinkId>,
    /// Where alarms go.
    pub alarms: Option<LinkId>,
}

/// The trading shard's logic.
pub struct Trade {
    feeds: Feeds,
    misaddressed: u64,
}

impl Trade {
    /// A shard that has heard nothing since `now`. Everything it will ever hold is allocated here.
    pub fn new(plan: TradePlan, now: Nanos) -> Result<Self, PlanError> {
        let links = (plan.tops, plan.alarms);
        let feeds = Feeds::new(&plan.feeds, plan.roster, plan.capacity, links, now)?;
        Ok(Self { feeds, misaddressed: 0 })
    }

    /// Its feeds, by place.
    pub fn feeds(&self) -> &[Feed] {
        self.feeds.all()
    }

    /// Its instruments, by slot.
    pub fn symbols(&self) -> &[Symbol] {
        self.feeds.board.roster.symbols()
    }

    /// The slot of an instrument that it follows.
    pub fn find(&self, symbol: Symbol) -> Option<InstrumentId> {
        self.feeds.board.roster.find(symbol)
    }

    /// The best bid and offer over its feeds.
    pub fn best(&self, instrument: InstrumentId) -> Consolidated {
        self.feeds.board.best(instrument)
    }

    /// How often an instrument of ours found every slot taken.
    pub fn refused(&self) -> u64 {
        self.feeds.board.roster.refused()
    }

    /// One number for all its books: the sum over instruments, so that shards add up to the same
    /// whatever the partition. Books of a feed that is not whole count as stale.
    pub fn state_hash(&self) -> u64 {
        let symbols = self.symbols();
        hash::combine(self.feeds().iter().flat_map(|feed| {
            let mirror = feed.mirror();
            symbols.iter().enumerate().map(move |(slot, symbol)| {
                // The roster's slots fit: it hands them out as u32.
                let instrument = InstrumentId::new(slot as u32);
                let shown = mirror.books().state_hash(instrument, *symbol);
                if mirror.is_trusted() { shown } else { !shown }
            })
        }))
    }
}

impl Machine for Trade {
    fn on_event(&mut self, now: Nanos, event: Event<'_>, out: &mut Outbox) {
        // It listens nowhere, and nothing is sent to it yet: control and cross-shard orders come with
        // trading.
        let is_taken = self.feeds.on_event(now, event, out);
        self.misaddressed += u64::from(!is_taken);
        self.feeds.tell(now, out);
    }

    #[inline]
    fn next_deadline(&self) -> Option<Nanos> {
        self.feeds.next_deadline()
    }

    fn housekeep(&mut self, now: Nanos, out: &mut Outbox) {
        self.feeds.tell(now, out);
    }

    fn counters(&self, places: &mut [u64]) {
        gauges::write(self, places);
    }
}
