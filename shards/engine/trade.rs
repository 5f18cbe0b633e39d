//! The trading shard: feeds into books. Strategies, risk and orders will stand behind the books.
//!
//! One call an input: find the feed it is for, hand it over, tell what changed.

use book::consolidated::Consolidated;
use book::{hash, l3};
use runtime::{Event, LinkId, Machine, Outbox, SocketId, StreamId};
use session::{ConfigError, Line};
use types::{InstrumentId, Nanos, Symbol};
use venue::Roster;

use crate::board::Board;
use crate::{Feed, FeedPlan, Mirror, gauges};

/// The most feeds one shard takes: a consolidated book counts its venues in the bits of a word.
const FEEDS_MAX: usize = book::consolidated::VENUES_MAX;

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

/// Why a plan cannot run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// More feeds than a shard takes.
    TooManyFeeds,
    /// A feed's receiver cannot be made.
    Receiver(ConfigError),
}

/// Where an input belongs.
#[derive(Clone, Copy, Debug)]
struct Route {
    feed: usize,
    line: Line,
}

/// The trading shard's logic.
pub struct Trade {
    feeds: Vec<Feed>,
    board: Board,
    /// By socket.
    routes: Vec<Option<Route>>,
    /// By stream.
    streams: Vec<Option<usize>>,
    /// The first pump has yet to come: a feed may begin with a wish.
    fresh: bool,
    misaddressed: u64,
}

impl Trade {
    /// A shard that has heard nothing since `now`. Everything it will ever hold is allocated here.
    pub fn new(plan: TradePlan, now: Nanos) -> Result<Self, PlanError> {
        if FEEDS_MAX < plan.feeds.len() {
            return Err(PlanError::TooManyFeeds);
        }
        let mut routes = Vec::new();
        let mut streams = Vec::new();
        let mut feeds = Vec::with_capacity(plan.feeds.len());
        for (place, feed) in plan.feeds.iter().enumerate() {
            let sockets =
                [(Some(feed.line_a), Line::A), (feed.line_b, Line::B), (feed.replies, Line::Reply)];
            for (socket, line) in sockets {
                if let Some(SocketId(socket)) = socket {
                    put(&mut routes, usize::from(socket), Route { feed: place, line });
                }
            }
            if let Some(snapshot) = &feed.snapshot {
                put(&mut streams, usize::from(snapshot.stream.0), place);
            }
            let mirror = Mirror::new(feed.row, place, plan.capacity);
            feeds.push(Feed::new(feed, mirror, place, now).map_err(PlanError::Receiver)?);
        }
        let instruments = plan.capacity.instruments;
        let board = Board::new(plan.roster, instruments, feeds.len(), (plan.tops, plan.alarms));
        Ok(Self { feeds, board, routes, streams, fresh: true, misaddressed: 0 })
    }

    /// Its feeds, by place.
    pub fn feeds(&self) -> &[Feed] {
        &self.feeds
    }

    /// Its instruments, by slot.
    pub fn symbols(&self) -> &[Symbol] {
        self.board.roster.symbols()
    }

    /// The slot of an instrument that it follows.
    pub fn find(&self, symbol: Symbol) -> Option<InstrumentId> {
        self.board.roster.find(symbol)
    }

    /// The best bid and offer over its feeds.
    pub fn best(&self, instrument: InstrumentId) -> Consolidated {
        self.board.best(instrument)
    }

    /// How often an instrument of ours found every slot taken.
    pub fn refused(&self) -> u64 {
        self.board.roster.refused()
    }

    /// One number for all its books: the sum over instruments, so that shards add up to the same
    /// whatever the partition. Books of a feed that is not whole count as stale.
    pub fn state_hash(&self) -> u64 {
        let symbols = self.symbols();
        hash::combine(self.feeds.iter().flat_map(|feed| {
            let mirror = feed.mirror();
            symbols.iter().enumerate().map(move |(slot, symbol)| {
                // The roster's slots fit: it hands them out as u32.
                let instrument = InstrumentId::new(slot as u32);
                let shown = mirror.books().state_hash(instrument, *symbol);
                if mirror.is_trusted() { shown } else { !shown }
            })
        }))
    }

    fn route(&mut self, socket: SocketId) -> Option<Route> {
        let route = self.routes.get(usize::from(socket.0)).copied().flatten();
        self.misaddressed += u64::from(route.is_none());
        route
    }

    fn stream(&mut self, stream: StreamId) -> Option<usize> {
        let feed = self.streams.get(usize::from(stream.0)).copied().flatten();
        self.misaddressed += u64::from(feed.is_none());
        feed
    }

    fn tell(&mut self, now: Nanos, out: &mut Outbox) {
        self.board.tell(self.feeds.iter().map(Feed::mirror), now, out);
    }
}

impl Machine for Trade {
    fn on_event(&mut self, now: Nanos, event: Event<'_>, out: &mut Outbox) {
        match event {
            Event::Datagram { socket, bytes, .. } => {
                let Some(Route { feed, line }) = self.route(socket) else { return };
                self.feeds[feed].on_datagram(now, line, bytes, &mut self.board, out);
            }
            Event::Oversize { socket, len } => {
                let Some(Route { feed, line }) = self.route(socket) else { return };
                self.feeds[feed].on_oversize(line, len, &mut self.board);
            }
            Event::Opened { stream } => {
                let Some(feed) = self.stream(stream) else { return };
                self.feeds[feed].on_opened(now, &mut self.board, out);
            }
            Event::Bytes { stream, bytes } => {
                let Some(feed) = self.stream(stream) else { return };
                self.feeds[feed].on_bytes(now, bytes, &mut self.board, out);
            }
            Event::Closed { stream } => {
                let Some(feed) = self.stream(stream) else { return };
                self.feeds[feed].on_closed(now, &mut self.board, out);
            }
            // This shard listens nowhere.
            Event::Accepted { .. } => self.misaddressed += 1,
            // Nothing is sent to a shard yet: control and cross-shard orders come with trading.
            Event::Message { .. } | Event::Missed { .. } => self.misaddressed += 1,
            Event::Deadline => {
                self.fresh = false;
                for feed in &mut self.feeds {
                    feed.on_deadline(now, &mut self.board, out);
                }
            }
        }
        self.tell(now, out);
    }

    #[inline]
    fn next_deadline(&self) -> Option<Nanos> {
        if self.fresh || self.board.is_behind() {
            return Some(Nanos::ZERO);
        }
        self.feeds.iter().filter_map(Feed::next_deadline).min()
    }

    fn housekeep(&mut self, now: Nanos, out: &mut Outbox) {
        self.tell(now, out);
    }

    fn counters(&self, places: &mut [u64]) {
        gauges::write(self, places);
    }
}

fn put<T: Clone>(table: &mut Vec<Option<T>>, at: usize, value: T) {
    if table.len() <= at {
        table.resize(at + 1, None);
    }
    table[at] = Some(value);
}
