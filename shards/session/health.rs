//! What a feed went through: plain counters to publish, never to decide on.

use types::{Nanos, SeqNo};

use crate::SessionId;

/// Where a feed stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum FeedState {
    /// No packet of it was heard yet.
    #[default]
    Waiting = 0,
    /// Everything known to be published was given out.
    Live = 1,
    /// A gap waits for the other line or a late packet.
    Reordering = 2,
    /// A gap is being asked for again.
    Requesting = 3,
    /// Only a snapshot helps: everything that comes is held until its join.
    Snapshot = 4,
    /// No line was heard for the configured time.
    Silent = 5,
    /// The publisher ended the session, and all of it was given out or given up.
    Ended = 6,
}

/// One line's figures since construction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineHealth {
    /// Packets of the session, heartbeats and ends left out.
    pub packets: u64,
    /// Messages in them.
    pub messages: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Heartbeats and ends of session.
    pub heartbeats: u64,
    /// Packets whose messages this line was the first to bring.
    pub first: u64,
    /// Packets whose messages were all known already: from the other line, or twice on this one.
    pub duplicates: u64,
    /// Messages the publisher sent that this line never carried. A late one takes its part back.
    pub lost: u64,
    /// Packets that came after a later one of the same line.
    pub out_of_order: u64,
    /// Packets refused: header out of range, or further away than anyone vouched for.
    pub malformed: u64,
    /// Packets of another session, not taken.
    pub wrong_session: u64,
    /// Longest lag behind the other line's arrival of the same packet.
    pub lag_max: Nanos,
    /// Running mean of that lag over the packets in which this line was second (weight 1/16).
    pub lag_mean: Nanos,
    /// When it was last heard; zero before.
    pub heard_at: Nanos,
}

/// A feed's figures since construction. Messages unless the field says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedHealth {
    /// The session taken.
    pub session: SessionId,
    /// Where it stands.
    pub state: FeedState,
    /// The books cannot be trusted: a gap is open past its wait, something was lost, or silence.
    pub stale: bool,
    /// The next message to give out; zero before the first.
    pub next: SeqNo,
    /// The highest message known to be published, plus one.
    pub seen: SeqNo,
    /// Line A and line B.
    pub lines: [LineHealth; 2],
    /// The replies to re-requests, counted as a line.
    pub replies: LineHealth,
    /// Replies that nobody asked for, refused.
    pub unasked: u64,
    /// Messages given out.
    pub delivered: u64,
    /// Holes found in the stream (both lines together).
    pub gaps: u64,
    /// Messages that filled a hole by the other line or late.
    pub recovered_by_line: u64,
    /// Messages that filled a hole by a reply.
    pub recovered_by_request: u64,
    /// Messages that a snapshot stood for.
    pub recovered_by_snapshot: u64,
    /// Messages given up for good.
    pub given_up: u64,
    /// Re-requests asked for.
    pub requests: u64,
    /// Snapshots asked for.
    pub snapshots: u64,
    /// Packets that waited in the window.
    pub held: u64,
    /// Packets that found the window full, or were longer than a slot.
    pub dropped: u64,
    /// Packets waiting now.
    pub held_now: u32,
    /// The most that ever waited.
    pub held_max: u32,
    /// Sessions taken after the first.
    pub new_sessions: u64,
    /// Times no line was heard for the configured time.
    pub silences: u64,
}
