//! From a hole in the stream to a whole stream: wait, ask again, ask for a snapshot, give up.

use types::{Nanos, SeqNo};

use super::{Phase, Receiver, SEQUENCE_MAX, Untold};
use crate::{Held, JoinRefused, Line, SessionId, Start, Step};

impl Receiver {
    /// The next thing to do, in the order of [`Step`]; `None` when all is done.
    #[inline]
    pub fn poll(&mut self, now: Nanos) -> Option<Step<'_>> {
        if self.flowing {
            return None;
        }
        self.poll_untold(now)
    }

    fn poll_untold(&mut self, now: Nanos) -> Option<Step<'_>> {
        if core::mem::take(&mut self.untold.new_session) {
            return Some(Step::NewSession(self.session));
        }
        if let Some((from, end)) = self.untold.lost.take() {
            return Some(Step::Lost { from: SeqNo::new(from), count: end - from });
        }
        if self.may_flow() && self.window.first().is_some_and(|first| first.sequence <= self.next) {
            return self.apply(now);
        }
        self.settle(now);
        let stale = self.is_stale();
        if stale && !self.told_stale {
            self.told_stale = true;
            return Some(Step::Stale);
        }
        if core::mem::take(&mut self.untold.silent) {
            return Some(Step::Silent);
        }
        if !stale && self.told_stale {
            self.told_stale = false;
            return Some(Step::Live);
        }
        if core::mem::take(&mut self.untold.request) && self.next < self.asked_end() {
            // Asked for when it was due; by now a part of it may be here.
            let count = (self.asked_end() - self.next) as u16;
            return Some(Step::Request { from: SeqNo::new(self.next), count });
        }
        if core::mem::take(&mut self.untold.snapshot) {
            return Some(Step::Snapshot);
        }
        if core::mem::take(&mut self.untold.ended) {
            return Some(Step::Ended { next: SeqNo::new(self.next) });
        }
        self.flowing = self.phase == Phase::Live && self.window.is_empty() && !stale;
        None
    }

    /// Gives out the lowest packet that waits; its first message is the next one or below.
    fn apply(&mut self, now: Nanos) -> Option<Step<'_>> {
        let first = self.window.pop()?;
        let skip = (self.next - first.sequence) as u16;
        self.give(first.line, first.end);
        self.settle(now);
        Some(Step::Apply(Held {
            sequence: SeqNo::new(first.sequence),
            count: (first.end - first.sequence) as u16,
            skip,
            received: first.at,
            body: self.window.body(&first),
        }))
    }

    /// Counts everything before `end` as given out.
    pub(super) fn give(&mut self, line: Line, end: u64) {
        self.delivered += end - self.next;
        let filled = end.min(self.hole.1).saturating_sub(self.next);
        match line {
            Line::A | Line::B => self.figures.recovered_by_line += filled,
            Line::Reply => self.figures.recovered_by_request += filled,
        }
        self.next = end;
        self.window.discard_below(end);
    }

    /// Messages in order may be given out.
    fn may_flow(&self) -> bool {
        match self.phase {
            Phase::Live | Phase::Reordering | Phase::Requesting { .. } => true,
            Phase::Waiting | Phase::Snapshot { .. } => false,
        }
    }

    /// A packet at hand may be given out at once: nothing that comes before it is still to be told.
    pub(super) fn may_give(&self) -> bool {
        self.may_flow()
            && !self.untold.new_session
            && self.untold.lost.is_none()
            && self.window.first().is_none_or(|first| self.next < first.sequence)
    }

    /// Looks where the stream stands after a change. Idempotent.
    pub(super) fn settle(&mut self, now: Nanos) {
        if !self.may_flow() || self.window.first().is_some_and(|first| first.sequence <= self.next)
        {
            return;
        }
        let (from, end) = self.hole;
        if self.seen <= self.next {
            self.phase = Phase::Live;
            self.gap_deadline = Nanos::MAX;
            self.hole = (0, 0);
            self.untold.request = false;
            if self.last == self.next && !self.ended {
                self.ended = true;
                self.untold.ended = true;
            }
        } else if end <= self.next {
            self.figures.gaps += 1;
            self.phase = Phase::Reordering;
            self.untold.request = false;
            self.hole = (self.next, self.hole_end());
            let known_at = self.window.first().map_or(self.seen_at, |first| first.at);
            self.gap_deadline = known_at.saturating_add(self.config.reorder).max(now);
        } else if from < self.next {
            self.hole = (self.next, end);
            self.on_progress(now);
        }
    }

    /// A part of the open hole was filled.
    fn on_progress(&mut self, now: Nanos) {
        let Phase::Requesting { asked_end, .. } = self.phase else {
            return;
        };
        if asked_end <= self.next {
            self.ask(now, 1);
        } else {
            // A reply may be one packet of several, or all there is: wait a little for the rest.
            self.phase = Phase::Requesting { asked_end, attempts: 0 };
            self.gap_deadline = now.saturating_add(self.config.reorder.min(self.config.retry));
        }
    }

    /// One past the last message asked for; zero where none is.
    pub(super) fn asked_end(&self) -> u64 {
        match self.phase {
            Phase::Requesting { asked_end, .. } => asked_end,
            Phase::Waiting | Phase::Live | Phase::Reordering | Phase::Snapshot { .. } => 0,
        }
    }

    /// Where the messages missing first end.
    fn hole_end(&self) -> u64 {
        self.window.first().map_or(self.seen, |first| first.sequence)
    }

    /// Messages known to be missing; holes between packets that wait are left out.
    fn missing(&self) -> u64 {
        let tail = self.window.last().map_or(0, |last| self.seen.saturating_sub(last.end));
        self.hole_end().saturating_sub(self.next).saturating_add(tail)
    }

    /// The time given by `next_deadline` has come. Early or repeated calls do no harm. Then `poll`.
    pub fn on_deadline(&mut self, now: Nanos) {
        if self.gap_deadline <= now {
            self.flowing = false;
            self.escalate(now);
        }
        if self.idle_deadline() <= now {
            self.flowing = false;
            self.silent = true;
            self.untold.silent = true;
            self.figures.silences += 1;
        }
    }

    /// When `on_deadline` is wanted. Cheap: asked every cycle.
    #[inline]
    pub fn next_deadline(&self) -> Option<Nanos> {
        let deadline = self.gap_deadline.min(self.idle_deadline());
        (deadline < Nanos::MAX).then_some(deadline)
    }

    #[inline]
    fn idle_deadline(&self) -> Nanos {
        if self.silent || self.ended {
            return Nanos::MAX;
        }
        self.heard_at.saturating_add(self.config.idle)
    }

    /// The open gap has waited long enough for what was tried last.
    fn escalate(&mut self, now: Nanos) {
        if self.hole_end() <= self.next {
            return; // the packet that fills it waits to be polled
        }
        let recovery = self.config.recovery;
        let attempts = match self.phase {
            Phase::Reordering => 0,
            Phase::Requesting { attempts, .. } => attempts,
            Phase::Waiting | Phase::Live | Phase::Snapshot { .. } => return,
        };
        let too_large = recovery.snapshots && self.config.gap_messages_max < self.missing();
        if recovery.requests && attempts < self.config.attempts_max && !too_large {
            self.ask(now, attempts + 1);
        } else if recovery.snapshots {
            self.begin_snapshot();
        } else {
            self.lose(now);
        }
    }

    fn ask(&mut self, now: Nanos, attempts: u32) {
        let wanted = self.hole_end() - self.next;
        let count = u16::try_from(wanted).unwrap_or(u16::MAX).min(self.config.request_messages_max);
        self.phase = Phase::Requesting { asked_end: self.next + u64::from(count), attempts };
        self.untold.request = true;
        self.gap_deadline = now.saturating_add(self.config.retry);
        self.figures.requests += 1;
    }

    pub(super) fn begin_snapshot(&mut self) {
        self.phase = Phase::Snapshot { since: self.seen };
        self.gap_deadline = Nanos::MAX;
        self.hole = (0, 0);
        self.untold.request = false;
        self.untold.snapshot = true;
        self.figures.snapshots += 1;
    }

    /// The first hole will not be filled: goes on after it.
    fn lose(&mut self, now: Nanos) {
        let (from, end) = (self.next.max(1), self.hole_end());
        self.broken = true;
        if from < end {
            self.figures.given_up += end - from;
            // Nothing is given out before a loss is told, so a second one begins where the first ends.
            let from = self.untold.lost.map_or(from, |(from, _)| from);
            self.untold.lost = Some((from, end));
            self.next = end;
        }
        self.hole = (0, 0);
        self.untold.request = false;
        self.phase = if self.next == 0 { Phase::Waiting } else { Phase::Live };
        self.gap_deadline = Nanos::MAX;
        self.settle(now);
    }

    /// A snapshot stands in the books: the messages from `next` on are to come, those that waited
    /// first. Then `poll`. What waits below it is let go; a gap that is left goes the usual way.
    /// Messages that were only said to be published are forgotten: the next packet says it again.
    ///
    /// Errors: the sequence cannot be; nothing changed, and a join is still awaited.
    pub fn join(&mut self, now: Nanos, next: SeqNo) -> Result<(), JoinRefused> {
        let next = next.get();
        if next == 0 || SEQUENCE_MAX < next {
            return Err(JoinRefused::OutOfRange);
        }
        let far = self.config.far_messages;
        if self.seen != 0
            && (self.seen.saturating_add(far) < next || next.saturating_add(far) < self.next)
        {
            return Err(JoinRefused::TooFar);
        }
        self.flowing = false;
        self.figures.recovered_by_snapshot += next.saturating_sub(self.next.max(1));
        self.next = next;
        self.window.discard_below(next);
        // Only what waits proves that more was published: one header that lied about how far the
        // stream is must not keep it from being whole for good.
        self.seen = next.max(self.window.end_max()).max(self.last);
        self.seen_at = now;
        if self.last < next {
            self.set_last(0); // the publisher went on after its end: it was none
        } else if next < self.last {
            self.ended = false;
            self.untold.ended = false;
        }
        self.broken = false;
        self.hole = (0, 0);
        self.untold.lost = None;
        self.untold.request = false;
        self.untold.snapshot = false;
        self.phase = Phase::Live;
        self.gap_deadline = Nanos::MAX;
        self.settle(now);
        Ok(())
    }

    /// Whether everything waits for a snapshot.
    pub const fn awaits_snapshot(&self) -> bool {
        matches!(self.phase, Phase::Snapshot { .. })
    }

    /// The snapshot asked for is being taken now: where room is short, what waits from before goes first.
    pub fn snapshot_begins(&mut self) {
        if let Phase::Snapshot { since } = &mut self.phase {
            *since = self.seen;
        }
    }

    /// No snapshot can be had: the first gap is given up, the books stay stale. Then `poll`.
    pub fn snapshot_failed(&mut self, now: Nanos) {
        if let Phase::Snapshot { .. } = self.phase {
            self.flowing = false;
            self.untold.snapshot = false;
            self.lose(now);
        }
    }

    /// The books went bad on the owner's side: holds everything and asks for a snapshot, where
    /// there is one; else they stay stale until `resynchronised`. Then `poll`.
    pub fn books_broken(&mut self) {
        self.flowing = false;
        self.broken = true;
        if self.config.recovery.snapshots && !self.awaits_snapshot() {
            self.begin_snapshot();
        }
    }

    /// The owner made the books good by other means after a loss. Then `poll`.
    pub fn resynchronised(&mut self) {
        self.flowing = false;
        self.broken = false;
    }

    /// The books cannot be trusted. A gap that still waits for the other line does not count: they
    /// are right as of `next`, and a moment late.
    pub fn is_stale(&self) -> bool {
        self.broken
            || self.silent
            || match self.phase {
                Phase::Live => false,
                Phase::Reordering => self.told_stale,
                Phase::Waiting | Phase::Requesting { .. } | Phase::Snapshot { .. } => true,
            }
    }

    /// Takes up a session whose first packet heard has this sequence.
    pub(super) fn begin(&mut self, now: Nanos, sequence: u64) {
        if self.next != 0 || matches!(self.phase, Phase::Snapshot { .. }) {
            return; // a join came before the first packet, or is still to come
        }
        self.next = match self.config.start {
            Start::FirstSeen | Start::Snapshot => sequence,
            Start::Beginning => 1,
        };
        self.seen = self.next;
        self.seen_at = now;
        self.phase = Phase::Live;
    }

    /// The stream is not where the very first packet said: two later ones agree that it is here.
    pub(super) fn retreat(&mut self, seen: u64) {
        self.window.discard_above(seen.saturating_add(self.config.far_messages));
        self.seen = self.window.end_max().max(seen);
        self.set_last(0);
        self.hole = (0, 0);
        for track in &mut self.tracks {
            track.restart();
        }
        match &mut self.phase {
            Phase::Snapshot { since } => *since = (*since).min(self.seen),
            Phase::Reordering | Phase::Requesting { .. } => self.phase = Phase::Live,
            Phase::Waiting | Phase::Live => {}
        }
    }

    /// Another session replaces the one that ended or fell silent.
    pub(super) fn begin_session(&mut self, now: Nanos, session: SessionId, sequence: u64) {
        self.session = session;
        self.next = 0;
        self.seen = 0;
        self.heard_at = now;
        self.phase = Phase::Waiting;
        self.gap_deadline = Nanos::MAX;
        self.hole = (0, 0);
        self.broken = false;
        self.silent = false;
        self.last = 0;
        self.ended = false;
        self.rumour = 0;
        self.untold = Untold { new_session: true, ..Untold::default() };
        for track in &mut self.tracks {
            track.restart();
        }
        self.arrivals.restart();
        self.window.clear();
        self.figures.new_sessions += 1;
        if self.config.start == Start::Snapshot {
            self.begin_snapshot();
        }
        self.begin(now, sequence);
    }
}
