//! One feed of a shard: two lines, re-requests and snapshots in, a mirror of the venue's market out.
//!
//! Wires `session`'s receiver and snapshot client to the mirror. Which packet is next, when to ask
//! again and when to give up is theirs to say.

use runtime::{Outbox, SocketId, StreamId};
use session::glimpse::{Client, GlimpseConfig, Item};
use session::soup::Credentials;
use session::{Arrival, FeedHealth, Held, Line, Packet, Receiver, ReceiverConfig, Step};
use session::{ConfigError, iextp, mold};
use types::{Nanos, SeqNo};
use venue::{Row, Transport};
use wire::Malformed;

use crate::board::Board;
use crate::{Alarm, AlarmKind, Mirror};

/// After a snapshot failed for good: how long until another is asked for.
const SNAPSHOT_AGAIN: Nanos = Nanos::from_secs(10);

/// What a feed needs to run.
#[derive(Clone, Debug)]
pub struct FeedPlan {
    /// Whose feed.
    pub row: &'static Row,
    /// Line A's socket.
    pub line_a: SocketId,
    /// Line B's.
    pub line_b: Option<SocketId>,
    /// The socket that re-requests leave by and replies come in on.
    pub replies: Option<SocketId>,
    /// Where snapshots come from.
    pub snapshot: Option<SnapshotPlan>,
    /// Sizes and times of the receiver.
    pub receiver: ReceiverConfig,
}

/// Where snapshots come from.
#[derive(Clone, Debug)]
pub struct SnapshotPlan {
    /// The connection.
    pub stream: StreamId,
    /// Who asks.
    pub credentials: Credentials,
    /// Sizes and times of the client.
    pub glimpse: GlimpseConfig,
}

/// One feed of a shard.
pub struct Feed {
    transport: Transport,
    receiver: Receiver,
    snapshot: Option<Snapshot>,
    replies: Option<SocketId>,
    mirror: Mirror,
    place: u8,
    silent: bool,
}

#[derive(Debug)]
struct Snapshot {
    client: Client,
    stream: StreamId,
    /// When to ask again after the last one failed for good.
    again_at: Nanos,
}

impl Feed {
    pub(crate) fn new(
        plan: &FeedPlan,
        mirror: Mirror,
        place: usize,
        now: Nanos,
    ) -> Result<Self, ConfigError> {
        let snapshot = plan.snapshot.as_ref().map(|plan| Snapshot {
            client: Client::new(plan.glimpse, plan.credentials),
            stream: plan.stream,
            again_at: Nanos::MAX,
        });
        Ok(Self {
            transport: plan.row.transport,
            receiver: Receiver::new(plan.receiver, now)?,
            snapshot,
            replies: plan.replies,
            mirror,
            place: place as u8,
            silent: false,
        })
    }

    /// Takes a datagram from one of the lines, or a reply.
    #[inline]
    pub(crate) fn on_datagram(
        &mut self,
        now: Nanos,
        line: Line,
        datagram: &[u8],
        board: &mut Board,
        out: &mut Outbox,
    ) {
        let parsed = match self.transport {
            Transport::MoldUdp64 => mold::packet(datagram),
            Transport::IexTp => iextp::packet(datagram),
        };
        match parsed {
            Ok(packet) => self.on_packet(now, line, packet, board),
            Err(malformed) => self.on_malformed(line, malformed, board),
        }
        // A packet in order of a whole feed leaves nothing to carry out: what the snapshot client
        // wants comes of its own inputs, and is carried out after those.
        if self.mirror.broken || !self.receiver.is_flowing() {
            self.pump(now, board, out);
        }
    }

    #[inline]
    fn on_packet(&mut self, now: Nanos, line: Line, packet: Packet<'_>, board: &mut Board) {
        let many = 1 < packet.count;
        match self.receiver.on_packet(now, line, packet) {
            Arrival::Next { skip } => {
                let Self { mirror, transport, .. } = self;
                take(mirror, *transport, packet.sequence, (skip, many), packet.body, board);
            }
            Arrival::Duplicate
            | Arrival::Held
            | Arrival::Dropped
            | Arrival::Heartbeat
            | Arrival::EndOfSession => {}
            Arrival::WrongSession => {
                self.name(AlarmKind::WrongSession, packet.sequence, 0, board);
            }
            Arrival::Malformed => self.name(AlarmKind::BadPacket, packet.sequence, 0, board),
            Arrival::Unasked => self.name(AlarmKind::Unasked, packet.sequence, 0, board),
        }
    }

    #[cold]
    fn on_malformed(&mut self, line: Line, malformed: Malformed, board: &mut Board) {
        self.receiver.on_malformed(line);
        let next = self.receiver.next().unwrap_or_default();
        self.name(AlarmKind::BadPacket, next, malformed.to_bits(), board);
    }

    pub(crate) fn on_oversize(&mut self, line: Line, len: usize, board: &mut Board) {
        self.receiver.on_malformed(line);
        let next = self.receiver.next().unwrap_or_default();
        self.name(AlarmKind::Oversize, next, len as u64, board);
    }

    pub(crate) fn on_opened(&mut self, now: Nanos, board: &mut Board, out: &mut Outbox) {
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.client.on_opened(now);
        }
        self.pump(now, board, out);
    }

    pub(crate) fn on_bytes(
        &mut self,
        now: Nanos,
        mut bytes: &[u8],
        board: &mut Board,
        out: &mut Outbox,
    ) {
        while !bytes.is_empty() {
            let Some(snapshot) = &mut self.snapshot else { return };
            let taken = snapshot.client.on_bytes(now, bytes);
            bytes = &bytes[taken..];
            self.pump(now, board, out);
            if taken == 0 {
                return; // the client is done with this connection, and is closing it
            }
        }
    }

    pub(crate) fn on_closed(&mut self, now: Nanos, board: &mut Board, out: &mut Outbox) {
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.client.on_closed(now);
        }
        self.pump(now, board, out);
    }

    pub(crate) fn on_deadline(&mut self, now: Nanos, board: &mut Board, out: &mut Outbox) {
        self.receiver.on_deadline(now);
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.client.on_deadline(now);
            if snapshot.again_at <= now {
                snapshot.again_at = Nanos::MAX;
                self.receiver.books_broken();
            }
        }
        self.pump(now, board, out);
    }

    /// The earliest of what its parts wait for.
    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<Nanos> {
        let receiver = self.receiver.next_deadline().unwrap_or(Nanos::MAX);
        let snapshot = self.snapshot.as_ref().map_or(Nanos::MAX, |snapshot| {
            snapshot.client.next_deadline().unwrap_or(Nanos::MAX).min(snapshot.again_at)
        });
        let earliest = receiver.min(snapshot);
        (earliest < Nanos::MAX).then_some(earliest)
    }

    /// Carries out what the receiver and the snapshot client want, until neither wants anything.
    #[inline]
    pub(crate) fn pump(&mut self, now: Nanos, board: &mut Board, out: &mut Outbox) {
        loop {
            while self.follow_receiver(now, board, out) {}
            if !self.follow_snapshot(now, board, out) {
                return;
            }
        }
    }

    /// One step of the receiver's; false where it has none.
    #[inline]
    fn follow_receiver(&mut self, now: Nanos, board: &mut Board, out: &mut Outbox) -> bool {
        // Before each step: a held packet may have spoiled the books just now, and the next step may be
        // to trust them. While a snapshot is awaited they are not trusted anyway, and it may mend them.
        if self.mirror.broken && !self.receiver.awaits_snapshot() {
            self.mirror.broken = false;
            self.receiver.books_broken();
        }
        let Some(step) = self.receiver.poll(now) else { return false };
        match step {
            Step::Apply(held) => {
                let Held { sequence, skip, body, .. } = held;
                take(&mut self.mirror, self.transport, sequence, (skip, true), body, board);
            }
            Step::NewSession(_) => {
                self.mirror.clear_day(board);
                self.name(AlarmKind::NewSession, SeqNo::default(), 0, board);
            }
            Step::Lost { from, count } => self.name(AlarmKind::Lost, from, count, board),
            Step::Stale => self.trust(false, board),
            Step::Silent => {
                self.silent = true;
                let next = self.receiver.next().unwrap_or_default();
                self.name(AlarmKind::Silent, next, 0, board);
            }
            Step::Live => {
                self.trust(true, board);
                if core::mem::take(&mut self.silent) {
                    let next = self.receiver.next().unwrap_or_default();
                    self.name(AlarmKind::Live, next, 0, board);
                }
            }
            Step::Request { from, count } => self.request(from, count, board, out),
            Step::Snapshot => match &mut self.snapshot {
                Some(snapshot) => {
                    snapshot.client.start(now);
                    let next = self.receiver.next().unwrap_or_default();
                    self.name(AlarmKind::SnapshotAsked, next, 0, board);
                }
                None => self.receiver.snapshot_failed(now),
            },
            Step::Ended { next } => self.name(AlarmKind::Ended, next, 0, board),
        }
        true
    }

    /// Everything the snapshot client wants; true where the receiver has to be asked again.
    fn follow_snapshot(&mut self, now: Nanos, board: &mut Board, out: &mut Outbox) -> bool {
        let Some(snapshot) = &mut self.snapshot else { return false };
        let mut joined = false;
        let mut refused = false;
        let mut named = None;
        while let Some(item) = snapshot.client.poll(now) {
            match item {
                Item::Open => refused |= out.open(snapshot.stream).is_err(),
                Item::Close => refused |= out.close(snapshot.stream).is_err(),
                Item::Begin => {
                    self.receiver.snapshot_begins();
                    self.mirror.clear_books(board);
                }
                Item::Message(message) => {
                    let message = core::iter::once(message);
                    self.mirror.take(SeqNo::default(), message, false, board);
                }
                Item::End { join } if self.mirror.broken => {
                    self.mirror.broken = false; // the receiver holds the books for broken from here on
                    self.receiver.snapshot_failed(now);
                    snapshot.again_at = now.saturating_add(SNAPSHOT_AGAIN);
                    joined = true;
                    named = Some((AlarmKind::SnapshotFailed, join, Alarm::SNAPSHOT_UNREADABLE));
                }
                Item::End { join } => match self.receiver.join(now, join) {
                    Ok(()) => {
                        joined = true;
                        named = Some((AlarmKind::SnapshotJoined, join, 0));
                    }
                    Err(why) => {
                        snapshot.again_at = now.saturating_add(SNAPSHOT_AGAIN);
                        named = Some((AlarmKind::SnapshotFailed, join, 100 + why as u64));
                    }
                },
                Item::Again(why) => {
                    named = Some((AlarmKind::SnapshotRetry, SeqNo::default(), why as u64));
                }
                Item::Failed(why) => {
                    self.receiver.snapshot_failed(now);
                    snapshot.again_at = now.saturating_add(SNAPSHOT_AGAIN);
                    joined = true;
                    named = Some((AlarmKind::SnapshotFailed, SeqNo::default(), why as u64));
                }
            }
        }
        while let Some(bytes) = snapshot.client.poll_transmit() {
            let len = bytes.len();
            refused |= out.write(snapshot.stream, bytes).is_err();
            snapshot.client.sent(len);
        }
        if let Some((kind, sequence, a)) = named {
            self.name(kind, sequence, a, board);
        }
        if refused {
            self.name(AlarmKind::Backlog, SeqNo::default(), 0, board);
        }
        joined
    }

    fn trust(&mut self, trusted: bool, board: &mut Board) {
        self.mirror.trusted = trusted;
        board.note_all();
    }

    fn request(&mut self, from: SeqNo, count: u16, board: &mut Board, out: &mut Outbox) {
        let (Some(socket), Some(session)) = (self.replies, self.receiver.session()) else { return };
        match self.transport {
            Transport::MoldUdp64 => {
                if out.send(socket, &mold::request(session, from, count)).is_err() {
                    self.name(AlarmKind::Backlog, from, 0, board);
                }
            }
            Transport::IexTp => {}
        }
    }

    #[cold]
    fn name(&mut self, kind: AlarmKind, sequence: SeqNo, a: u64, board: &mut Board) {
        if self.mirror.named.is_due(kind) {
            board.alarm(Alarm { kind, feed: self.place, sequence, symbol: None, a, b: 0 });
        }
    }

    /// The venue's market as this shard knows it.
    pub fn mirror(&self) -> &Mirror {
        &self.mirror
    }

    /// What the feed went through.
    pub fn health(&self) -> FeedHealth {
        self.receiver.health()
    }
}

/// Gives the mirror the messages of a body, the first `skip` of which it had before; whether there
/// may be `many`.
#[inline]
fn take(
    mirror: &mut Mirror,
    transport: Transport,
    first: SeqNo,
    (skip, many): (u16, bool),
    body: &[u8],
    board: &mut Board,
) {
    let from = first.after(u64::from(skip));
    let skip = usize::from(skip);
    match transport {
        Transport::MoldUdp64 => {
            mirror.take(from, mold::messages(body).skip(skip), many, board);
        }
        Transport::IexTp => mirror.take(from, iextp::messages(body).skip(skip), many, board),
    }
}
