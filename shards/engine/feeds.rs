//! The feeds of a shard: which input is for which of them, and the books that they make together.
//!
//! What is done with the books is the shard's own: it asks what has changed once an input is handled.

use book::consolidated::Consolidated;
use book::l3;
use runtime::{Event, LinkId, Outbox, SocketId, StreamId};
use session::{ConfigError, Line};
use types::{InstrumentId, Nanos};
use venue::Roster;

use crate::board::Board;
use crate::{Feed, FeedPlan, Mirror};

/// The most feeds one shard takes: a consolidated book counts its venues in the bits of a word.
const FEEDS_MAX: usize = book::consolidated::VENUES_MAX;

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

/// The feeds of one shard.
pub(crate) struct Feeds {
    feeds: Vec<Feed>,
    pub(crate) board: Board,
    /// By socket.
    routes: Vec<Option<Route>>,
    /// By stream.
    streams: Vec<Option<usize>>,
    /// The first pump has yet to come: a feed may begin with a wish.
    fresh: bool,
}

impl Feeds {
    /// Feeds that have heard nothing since `now`. Everything they will ever hold is allocated here.
    pub(crate) fn new(
        plans: &[FeedPlan],
        roster: Roster,
        capacity: l3::Capacity,
        links: (Option<LinkId>, Option<LinkId>),
        now: Nanos,
    ) -> Result<Self, PlanError> {
        if FEEDS_MAX < plans.len() {
            return Err(PlanError::TooManyFeeds);
        }
        let mut routes = Vec::new();
        let mut streams = Vec::new();
        let mut feeds = Vec::with_capacity(plans.len());
        for (place, feed) in plans.iter().enumerate() {
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
            let mirror = Mirror::new(feed.row, place, capacity);
            feeds.push(Feed::new(feed, mirror, place, now).map_err(PlanError::Receiver)?);
        }
        let board = Board::new(roster, capacity.instruments, feeds.len(), links);
        Ok(Self { feeds, board, routes, streams, fresh: true })
    }

    /// By place.
    pub(crate) fn all(&self) -> &[Feed] {
        &self.feeds
    }

    fn route(&self, socket: SocketId) -> Option<Route> {
        self.routes.get(usize::from(socket.0)).copied().flatten()
    }

    fn stream(&self, stream: StreamId) -> Option<usize> {
        self.streams.get(usize::from(stream.0)).copied().flatten()
    }

    /// Takes an input. `false`: it is none of theirs.
    #[inline]
    pub(crate) fn on_event(&mut self, now: Nanos, event: Event<'_>, out: &mut Outbox) -> bool {
        match event {
            Event::Datagram { socket, bytes, .. } => {
                let Some(Route { feed, line }) = self.route(socket) else { return false };
                self.feeds[feed].on_datagram(now, line, bytes, &mut self.board, out);
            }
            Event::Oversize { socket, len } => {
                let Some(Route { feed, line }) = self.route(socket) else { return false };
                self.feeds[feed].on_oversize(line, len, &mut self.board);
            }
            Event::Opened { stream } => {
                let Some(feed) = self.stream(stream) else { return false };
                self.feeds[feed].on_opened(now, &mut self.board, out);
            }
            Event::Bytes { stream, bytes } => {
                let Some(feed) = self.stream(stream) else { return false };
                self.feeds[feed].on_bytes(now, bytes, &mut self.board, out);
            }
            Event::Closed { stream } => {
                let Some(feed) = self.stream(stream) else { return false };
                self.feeds[feed].on_closed(now, &mut self.board, out);
            }
            Event::Deadline => {
                self.fresh = false;
                for feed in &mut self.feeds {
                    feed.on_deadline(now, &mut self.board, out);
                }
            }
            Event::Accepted { .. } | Event::Message { .. } | Event::Missed { .. } => return false,
        }
        true
    }

    /// Tells what has changed over the board's links.
    #[inline]
    pub(crate) fn tell(&mut self, now: Nanos, out: &mut Outbox) {
        self.board.tell(self.feeds.iter().map(Feed::mirror), now, out);
    }

    /// An instrument of which something has changed, with its best prices now.
    pub(crate) fn poll_changed(&mut self) -> Option<(InstrumentId, Consolidated)> {
        self.board.poll_changed(self.feeds.iter().map(Feed::mirror))
    }

    /// The earliest of what the feeds wait for.
    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<Nanos> {
        if self.fresh || self.board.is_behind() {
            return Some(Nanos::ZERO);
        }
        self.feeds.iter().filter_map(Feed::next_deadline).min()
    }
}

fn put<T: Clone>(table: &mut Vec<Option<T>>, at: usize, value: T) {
    if table.len() <= at {
        table.resize(at + 1, None);
    }
    table[at] = Some(value);
}
