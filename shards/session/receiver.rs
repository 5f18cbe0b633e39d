//! Two lines in, one stream out: which packet is next, which is known, which must wait.
//!
//! Works for any datagram feed that numbers its messages (MoldUDP64 1.00, IEX-TP 1.25). Looks at no
//! message: the owner reads the body it handed in, or gets a copy back once it is next.
//!
//! Sessions: the first packet's is taken. Another one is not, until the taken one has ended or was
//! silent for `idle`: a stray publisher cannot clear the books of a feed that lives. A publisher that
//! starts again under its old name is taken for a new session by the same rule, once two packets agree.

mod gap;
#[cfg(test)]
mod tests;

use types::{Nanos, SeqNo};

use crate::lines::{Arrivals, LineTrack, count_packet};
use crate::window::{Kept, Window};
use crate::{
    Arrival, ConfigError, FeedHealth, FeedState, Line, LineHealth, Packet, ReceiverConfig,
    SessionId, Start,
};

/// No sequence is higher: 9 years at a million messages a second. So sums of sequences and counts
/// cannot overflow, and most damaged headers are told by it.
const SEQUENCE_MAX: u64 = 1 << 48;

/// How far a stream is from being whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing heard yet.
    Waiting,
    /// Nothing is known to be missing.
    Live,
    /// A gap waits for the other line.
    Reordering,
    /// Everything below `asked_end` was asked for; so often without progress.
    Requesting { asked_end: u64, attempts: u32 },
    /// Everything is held until the join. What was published before `since` the snapshot stands for.
    Snapshot { since: u64 },
}

/// What `poll` has yet to tell. Each is told once; `stale` is told by comparing.
#[derive(Clone, Copy, Debug, Default)]
struct Untold {
    new_session: bool,
    lost: Option<(u64, u64)>,
    silent: bool,
    request: bool,
    snapshot: bool,
    ended: bool,
}

/// One stream out of one or two lines, and whatever it takes to fill its gaps.
///
/// After every input (`on_*`, `join`, `snapshot_failed`, `resynchronised`) call [`Receiver::poll`]
/// until it gives `None`. A receiver starts stale and says `Live` when it is whole. Nothing here
/// allocates after construction.
#[derive(Debug)]
pub struct Receiver {
    // The in-order path reads the first two lines of the cache and one line's track.
    /// Live, told so, nothing held, nothing to tell: a packet in order needs no second look.
    flowing: bool,
    /// A session was taken.
    known: bool,
    session: SessionId,
    /// The next message to give out; zero before it is known.
    next: u64,
    /// One past the highest message known to be published.
    seen: u64,
    /// When a packet at or ahead of the stream's position was last heard.
    heard_at: Nanos,
    delivered: u64,

    phase: Phase,
    gap_deadline: Nanos,
    /// When `seen` last moved by more than what was given out.
    seen_at: Nanos,
    /// Where the open hole stood when it was last looked at, and where it ended when it was found.
    hole: (u64, u64),
    /// Messages were lost, or the owner asked for a snapshot: stale until `join` or `resynchronised`.
    broken: bool,
    silent: bool,
    told_stale: bool,
    /// One past the session's last message; zero while it is open.
    last: u64,
    ended: bool,
    /// Where a packet too far away to be believed says the stream is; zero when none does.
    rumour: u64,
    untold: Untold,

    tracks: [LineTrack; 2],
    replies: LineHealth,
    arrivals: Arrivals,
    window: Window,
    figures: FeedHealth,
    config: ReceiverConfig,
}

impl Receiver {
    /// A receiver that counts silence from `now`. Allocates the window, and nothing later.
    pub fn new(config: ReceiverConfig, now: Nanos) -> Result<Self, ConfigError> {
        let config = config.checked()?;
        let slots = u16::try_from(config.window_packets).map_err(|_| ConfigError::Size)?;
        let mut receiver = Self {
            flowing: false,
            known: false,
            session: SessionId::default(),
            next: 0,
            seen: 0,
            heard_at: now,
            delivered: 0,
            phase: Phase::Waiting,
            gap_deadline: Nanos::MAX,
            seen_at: now,
            hole: (0, 0),
            broken: false,
            silent: false,
            told_stale: true,
            last: 0,
            ended: false,
            rumour: 0,
            untold: Untold::default(),
            tracks: Default::default(),
            replies: LineHealth::default(),
            arrivals: Arrivals::new(),
            window: Window::new(slots, config.packet_bytes_max as usize),
            figures: FeedHealth::default(),
            config,
        };
        if config.start == Start::Snapshot {
            receiver.begin_snapshot();
        }
        Ok(receiver)
    }

    /// Takes one packet that came at `now`. Read its messages where the answer is
    /// [`Arrival::Next`]; then `poll` until `None`.
    ///
    /// Packets out of range, of another session or not asked for change nothing but a counter.
    #[inline]
    pub fn on_packet(&mut self, now: Nanos, line: Line, packet: Packet<'_>) -> Arrival {
        let index = line as usize;
        let plain = packet.count != 0 && !packet.end && index < usize::from(self.config.lines);
        if self.flowing && plain && packet.session == self.session {
            let sequence = packet.sequence.get();
            if sequence == self.next {
                // `next` never passes SEQUENCE_MAX by more than one packet, so this cannot overflow.
                let end = sequence + u64::from(packet.count);
                if end <= SEQUENCE_MAX && self.last == 0 {
                    self.next = end;
                    self.seen = end;
                    self.heard_at = now;
                    self.delivered += u64::from(packet.count);
                    let track = &mut self.tracks[index];
                    track.on_messages(now, sequence, end, packet.body.len());
                    track.health.first += 1;
                    // Alone, a line has none to lag behind: its memory stays out of the cache.
                    if 1 < self.config.lines {
                        self.arrivals.first(now, index, sequence);
                    }
                    return Arrival::Next { skip: 0 };
                }
            } else if sequence < self.next && sequence != 0 {
                let end = sequence + u64::from(packet.count);
                if end <= self.next {
                    if end == self.next {
                        self.heard_at = now;
                    }
                    return self.duplicate(now, index, (sequence, end), packet.body.len());
                }
            }
        }
        self.on_other_packet(now, line, packet)
    }

    #[inline]
    fn duplicate(
        &mut self,
        now: Nanos,
        index: usize,
        (from, end): (u64, u64),
        bytes: usize,
    ) -> Arrival {
        let track = &mut self.tracks[index];
        track.on_messages(now, from, end, bytes);
        track.health.duplicates += 1;
        self.arrivals.again(now, index, from, &mut track.health);
        Arrival::Duplicate
    }

    /// Everything but the next packet, or its copy, of a stream that flows.
    #[inline(never)]
    fn on_other_packet(&mut self, now: Nanos, line: Line, packet: Packet<'_>) -> Arrival {
        self.flowing = false;
        let from = packet.sequence.get();
        let count = if packet.end { 0 } else { u64::from(packet.count) };
        let Some(end) = from.checked_add(count).filter(|end| 0 < from && *end <= SEQUENCE_MAX)
        else {
            return self.malformed(line);
        };
        if line == Line::Reply {
            return self.on_reply(now, packet, (from, end));
        }
        if line == Line::B && self.config.lines == 1 {
            return self.malformed(line);
        }
        if let Err(refused) = self.admit(now, line, &packet, (from, end)) {
            return refused;
        }
        if self.next <= end {
            self.heard_at = now;
            self.silent = false;
            self.untold.silent = false;
        }
        if packet.end {
            return self.on_end(now, line, from);
        }
        if count == 0 {
            self.tracks[line as usize].on_heartbeat(now, from);
            self.doubt_end(line, from);
            self.advance_seen(now, from);
            self.settle(now);
            return Arrival::Heartbeat;
        }
        self.on_messages(now, line, &packet, (from, end))
    }

    /// Whether a line's packet belongs to the stream; takes its session where there is none.
    fn admit(
        &mut self,
        now: Nanos,
        line: Line,
        packet: &Packet<'_>,
        (from, end): (u64, u64),
    ) -> Result<(), Arrival> {
        let forsaken = self.ended || self.config.idle <= now.since(self.heard_at);
        if !self.known {
            self.known = true;
            self.session = packet.session;
            self.begin(now, from);
        } else if packet.session != self.session {
            if !forsaken {
                self.health_of(line).wrong_session += 1;
                return Err(Arrival::WrongSession);
            }
            self.begin_session(now, packet.session, from);
        } else if forsaken && !self.ended && end < self.next {
            // Nobody brings anything new any more, but old numbers: the publisher began again. Under
            // the old name nothing says where the old stream ended, so this is a gap too.
            if self.agrees(from, end) {
                self.figures.gaps += 1;
                self.begin_session(now, packet.session, from);
            }
        }
        let far = self.config.far_messages;
        if self.seen != 0 && self.seen.saturating_add(far) < from && !self.agrees(from, end) {
            return Err(self.malformed(line));
        }
        if self.next <= end && end.saturating_add(far) < self.seen && self.agrees(from, end) {
            self.retreat(end);
        }
        Ok(())
    }

    /// Whether an unlikely packet goes on where an earlier one left off; if not, it is remembered.
    fn agrees(&mut self, from: u64, end: u64) -> bool {
        let close = self.rumour..=self.rumour.saturating_add(self.config.far_messages);
        let agrees = self.rumour != 0 && close.contains(&from);
        self.rumour = if agrees { 0 } else { end };
        agrees
    }

    fn on_reply(&mut self, now: Nanos, packet: Packet<'_>, (from, end): (u64, u64)) -> Arrival {
        if !self.known || packet.session != self.session {
            self.replies.wrong_session += 1;
            return Arrival::WrongSession;
        }
        if from == end || self.next < end && self.asked_end() < end {
            self.figures.unasked += 1;
            return Arrival::Unasked;
        }
        self.on_messages(now, Line::Reply, &packet, (from, end))
    }

    /// A packet of the stream with the messages `from..end`, at least one.
    fn on_messages(
        &mut self,
        now: Nanos,
        line: Line,
        packet: &Packet<'_>,
        (from, end): (u64, u64),
    ) -> Arrival {
        if end <= self.next {
            return match line {
                Line::A | Line::B => {
                    self.duplicate(now, line as usize, (from, end), packet.body.len())
                }
                Line::Reply => self.repeated_reply(now, (from, end), packet.body.len()),
            };
        }
        self.doubt_end(line, end);
        self.advance_seen(now, end);
        if from <= self.next && self.may_give() {
            let skip = (self.next - from) as u16;
            self.carried(now, line, (from, end), packet.body.len());
            self.give(line, end);
            self.settle(now);
            return Arrival::Next { skip };
        }
        let spare_below = match self.phase {
            Phase::Snapshot { since } => since,
            Phase::Waiting | Phase::Live | Phase::Reordering | Phase::Requesting { .. } => 0,
        };
        let kept = self.window.put(now, line, (from, end), packet.body, spare_below);
        let arrival = match kept {
            Kept::Known if line == Line::Reply => {
                self.repeated_reply(now, (from, end), packet.body.len())
            }
            Kept::Known => self.duplicate(now, line as usize, (from, end), packet.body.len()),
            Kept::Held | Kept::Evicted => {
                self.carried(now, line, (from, end), packet.body.len());
                self.figures.held += 1;
                self.figures.dropped += u64::from(kept == Kept::Evicted);
                self.figures.held_max = self.figures.held_max.max(self.window.len() as u32);
                Arrival::Held
            }
            Kept::Refused => {
                self.track(now, line, (from, end), packet.body.len());
                self.figures.dropped += 1;
                Arrival::Dropped
            }
        };
        self.settle(now);
        arrival
    }

    fn repeated_reply(&mut self, now: Nanos, range: (u64, u64), bytes: usize) -> Arrival {
        self.track(now, Line::Reply, range, bytes);
        self.replies.duplicates += 1;
        Arrival::Duplicate
    }

    fn on_end(&mut self, now: Nanos, line: Line, last: u64) -> Arrival {
        if last < self.next || last < self.seen {
            return self.malformed(line);
        }
        self.tracks[line as usize].on_heartbeat(now, last);
        self.advance_seen(now, last);
        self.set_last(last);
        self.settle(now);
        Arrival::EndOfSession
    }

    /// A publisher that goes on after its end never ended.
    fn doubt_end(&mut self, line: Line, end: u64) {
        if self.last != 0 && self.last < end {
            self.set_last(0);
            self.health_of(line).malformed += 1;
        }
    }

    /// Another end, or none, is not one that was reached.
    fn set_last(&mut self, last: u64) {
        if self.last != last {
            self.last = last;
            self.ended = false;
            self.untold.ended = false;
        }
    }

    /// A datagram whose header could not be read, or that was cut: counted.
    pub fn on_malformed(&mut self, line: Line) {
        self.malformed(line);
    }

    fn malformed(&mut self, line: Line) -> Arrival {
        self.health_of(line).malformed += 1;
        Arrival::Malformed
    }

    fn health_of(&mut self, line: Line) -> &mut LineHealth {
        match line {
            Line::A | Line::B => &mut self.tracks[line as usize].health,
            Line::Reply => &mut self.replies,
        }
    }

    /// Counts a packet that was new here.
    fn carried(&mut self, now: Nanos, line: Line, (from, end): (u64, u64), bytes: usize) {
        self.track(now, line, (from, end), bytes);
        self.health_of(line).first += 1;
        if line != Line::Reply && 1 < self.config.lines {
            self.arrivals.first(now, line as usize, from);
        }
    }

    fn track(&mut self, now: Nanos, line: Line, (from, end): (u64, u64), bytes: usize) {
        match line {
            Line::A | Line::B => self.tracks[line as usize].on_messages(now, from, end, bytes),
            Line::Reply => count_packet(&mut self.replies, now, from, end, bytes),
        }
    }

    /// Messages below `seen` are known to be published.
    fn advance_seen(&mut self, now: Nanos, seen: u64) {
        if self.seen < seen {
            self.seen = seen;
            self.seen_at = now;
        }
    }

    /// The session taken; `None` before the first packet.
    pub fn session(&self) -> Option<SessionId> {
        self.known.then_some(self.session)
    }

    /// The next message to give out; `None` before it is known.
    pub fn next(&self) -> Option<SeqNo> {
        (self.next != 0).then_some(SeqNo::new(self.next))
    }

    /// Live, told so, nothing held, nothing to tell: [`Self::poll`] would give `None`.
    #[inline]
    pub fn is_flowing(&self) -> bool {
        self.flowing
    }

    /// Something published is known to be missing right now, stale or not.
    pub fn is_behind(&self) -> bool {
        self.next < self.seen
    }

    /// Where the stream stands.
    pub fn state(&self) -> FeedState {
        match self.phase {
            _ if self.ended => FeedState::Ended,
            _ if self.silent => FeedState::Silent,
            Phase::Waiting => FeedState::Waiting,
            Phase::Live => FeedState::Live,
            Phase::Reordering => FeedState::Reordering,
            Phase::Requesting { .. } => FeedState::Requesting,
            Phase::Snapshot { .. } => FeedState::Snapshot,
        }
    }

    /// The figures, a copy.
    pub fn health(&self) -> FeedHealth {
        FeedHealth {
            session: self.session,
            state: self.state(),
            stale: self.is_stale(),
            next: SeqNo::new(self.next),
            seen: SeqNo::new(self.seen),
            lines: [self.tracks[0].health, self.tracks[1].health],
            replies: self.replies,
            delivered: self.delivered,
            held_now: self.window.len() as u32,
            ..self.figures
        }
    }

    /// Arrival on line B minus arrival on line A of recent packets that both brought, in
    /// nanoseconds, oldest first; at most 64.
    pub fn recent_lags_ns(&self) -> impl Iterator<Item = i64> {
        self.arrivals.lags_ns()
    }
}
