//! A shard against a publisher under a virtual clock: what it tells, asks for, and never believes.

use book::State;
use book::l3::Capacity;
use runtime::seal::{self, Seal};
use runtime::{Effect, Event, LinkId, Machine, Outbox, SocketId, StreamId};
use session::glimpse::{self, GlimpseConfig};
use session::mold::{History, Sender, SenderConfig};
use session::soup::{Credentials, Request, SoupConfig};
use session::{ReceiverConfig, Recovery, SessionId, Start};
use types::{InstrumentId, Nanos, SeqNo, Symbol};
use venue::{Ownership, Roster, Row};
use wire::itch50::{AddOrder, Head, OrderCancel, OrderDelete, OrderExecuted};

use crate::{Alarm, AlarmKind, FeedPlan, SnapshotPlan, TopUpdate, Trade, TradePlan};

const LINE_A: SocketId = SocketId(0);
const LINE_B: SocketId = SocketId(1);
const REPLIES: SocketId = SocketId(2);
const SNAPSHOTS: StreamId = StreamId(0);
const TOPS: LinkId = LinkId(0);
const ALARMS: LinkId = LinkId(1);
const AAPL: InstrumentId = InstrumentId::new(0);
const MSFT: InstrumentId = InstrumentId::new(1);
const CAPACITY: Capacity = Capacity { instruments: 4, orders: 8, levels: 8 };
const MS: u64 = 1_000_000;

fn session() -> SessionId {
    SessionId::parse("DAY1").unwrap()
}

fn credentials() -> Credentials {
    Credentials::new("RIALTO", "TEST", "").unwrap()
}

fn trade(ownership: Ownership, shard: u16, recovery: Recovery) -> Trade {
    let nasdaq = Row::find("nasdaq").unwrap();
    let snapshot = SnapshotPlan {
        stream: SNAPSHOTS,
        credentials: credentials(),
        glimpse: GlimpseConfig::default(),
    };
    let plan = TradePlan {
        feeds: vec![FeedPlan {
            row: nasdaq,
            line_a: LINE_A,
            line_b: Some(LINE_B),
            replies: Some(REPLIES),
            snapshot: recovery.snapshots.then_some(snapshot),
            receiver: ReceiverConfig { start: Start::Beginning, recovery, ..Default::default() },
        }],
        roster: Roster::new(ownership, shard, CAPACITY.instruments),
        capacity: CAPACITY,
        tops: Some(TOPS),
        alarms: Some(ALARMS),
    };
    Trade::new(plan, Nanos::ZERO).unwrap()
}

/// A shard that takes everything, with what it told so far.
struct Bench {
    trade: Trade,
    out: Outbox,
    now: Nanos,
    tops: Vec<TopUpdate>,
    alarms: Vec<Alarm>,
    sent: Vec<Vec<u8>>,
    written: Vec<u8>,
    opened: bool,
}

impl Bench {
    fn new(requests: bool, snapshots: bool) -> Self {
        Self {
            trade: trade(Ownership::even(1), 0, Recovery { requests, snapshots }),
            out: Outbox::default(),
            now: Nanos::ZERO,
            tops: Vec::new(),
            alarms: Vec::new(),
            sent: Vec::new(),
            written: Vec::new(),
            opened: false,
        }
    }

    /// Whatever comes in, nothing is allocated or freed over it: not in order, not over a gap, a
    /// reply, a snapshot or a sweep.
    fn hear(&mut self, event: Event<'_>) {
        let broken = seal::broken();
        let sealed = Seal::new();
        self.trade.on_event(self.now, event, &mut self.out);
        drop(sealed);
        assert_eq!(seal::broken(), broken, "the allocator was used for {event:?}");
        self.out.drain(|effect| match effect {
            Effect::Ring { link: TOPS, message } => {
                self.tops.push(TopUpdate::from_message(&message).unwrap());
            }
            Effect::Ring { message, .. } => {
                self.alarms.push(Alarm::from_message(&message).unwrap());
            }
            Effect::Send { bytes, .. } => self.sent.push(bytes.to_vec()),
            Effect::Write { bytes, .. } => self.written.extend_from_slice(bytes),
            Effect::Open { .. } => self.opened = true,
            Effect::Close { .. } => self.opened = false,
        });
    }

    fn datagram(&mut self, socket: SocketId, bytes: &[u8]) {
        self.hear(Event::Datagram { socket, received: self.now, bytes });
    }

    fn wait(&mut self, millis: u64) {
        let until = Nanos::new(self.now.get() + millis * MS);
        while let Some(due) = self.trade.next_deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.hear(Event::Deadline);
        }
        self.now = until;
    }

    fn state(&self, instrument: InstrumentId) -> State {
        self.trade.feeds()[0].mirror().state(instrument)
    }

    fn kinds(&self) -> Vec<AlarmKind> {
        self.alarms.iter().map(|alarm| alarm.kind).collect()
    }
}

/// A publisher of one message a packet.
struct Feed {
    sender: Sender,
    history: History,
}

impl Feed {
    fn new() -> Self {
        let config = SenderConfig {
            session: session(),
            first: SeqNo::new(1),
            datagram_bytes_max: 1_400,
            heartbeat: Nanos::from_secs(1),
        };
        Self {
            sender: Sender::new(config, Nanos::ZERO),
            history: History::new(session(), 100, 10_000),
        }
    }

    fn packet(&mut self, message: &[u8]) -> Vec<u8> {
        let sequence = self.sender.push(message).unwrap();
        self.history.record(sequence, message);
        self.sender.take(Nanos::ZERO).unwrap().to_vec()
    }
}

fn add(locate: u16, order: u64, side: u8, price: u32) -> AddOrder {
    AddOrder {
        header: Head::new(locate, 0, 1),
        order_ref: order.into(),
        side,
        shares: 100.into(),
        stock: if locate == 1 { *b"AAPL    " } else { *b"MSFT    " },
        price: price.into(),
    }
}

#[test]
fn both_lines_make_one_book_and_its_top_is_told_once() {
    let (mut bench, mut feed) = (Bench::new(false, false), Feed::new());
    let bid = feed.packet(add(1, 10, b'B', 1_500_000).as_bytes());
    for line in [LINE_A, LINE_B] {
        bench.datagram(line, &bid);
    }
    let offer = feed.packet(add(1, 11, b'S', 1_500_100).as_bytes());
    for line in [LINE_B, LINE_A] {
        bench.datagram(line, &offer);
    }
    let told: Vec<_> = bench.tops.iter().map(|top| (top.state, top.bid.is_some())).collect();
    assert_eq!(told, [(State::OneSided, true), (State::Normal, true)]);
    assert_eq!(bench.tops[1].symbol, Symbol::from_wire(*b"AAPL    "));
    assert!(bench.trade.find(Symbol::from_wire(*b"AAPL    ")).is_some());
    assert_eq!(bench.kinds(), []);
}

#[test]
fn a_gap_is_asked_for_and_until_then_the_books_are_stale() {
    let (mut bench, mut feed) = (Bench::new(true, false), Feed::new());
    let first = feed.packet(add(1, 10, b'B', 1_500_000).as_bytes());
    bench.datagram(LINE_A, &first);
    assert_eq!(bench.state(AAPL), State::OneSided);
    let _lost = feed.packet(add(1, 11, b'S', 1_500_100).as_bytes());
    let third = feed.packet(add(2, 12, b'B', 900_000).as_bytes());
    bench.datagram(LINE_A, &third);
    assert_eq!(bench.state(AAPL), State::OneSided, "the other line may still bring it");
    bench.wait(2);
    assert_eq!(bench.state(AAPL), State::Stale);
    assert_eq!(bench.tops.last().map(|top| top.state), Some(State::Stale), "and told so");

    let mut reply = [0; 1_400];
    let reply = feed.history.answer(&bench.sent[0], &mut reply).unwrap();
    bench.datagram(REPLIES, reply);
    assert_eq!(bench.state(AAPL), State::Normal);
    assert_eq!(bench.state(MSFT), State::OneSided, "what waited behind the gap is in too");
    assert_eq!(bench.tops.last().map(|top| top.state), Some(State::Normal));
}

#[test]
fn what_cannot_be_had_again_leaves_the_books_stale() {
    let (mut bench, mut feed) = (Bench::new(false, false), Feed::new());
    let first = feed.packet(add(1, 10, b'B', 1_500_000).as_bytes());
    let _lost = feed.packet(add(1, 11, b'S', 1_500_100).as_bytes());
    let third = feed.packet(add(1, 12, b'B', 1_500_000).as_bytes());
    bench.datagram(LINE_A, &first);
    let good = bench.trade.state_hash();
    bench.datagram(LINE_A, &third);
    bench.wait(2);
    assert_eq!(bench.state(AAPL), State::Stale);
    assert_eq!(bench.kinds(), [AlarmKind::Lost]);
    assert_eq!((bench.alarms[0].sequence, bench.alarms[0].a), (SeqNo::new(2), 1));
    assert_ne!(bench.trade.state_hash(), good);
}

/// Every path that `poll` may take after construction, under the seal of [`Bench::hear`].
#[test]
fn nothing_is_allocated_after_construction() {
    let sealed = Seal::new();
    let broken = seal::broken();
    drop(std::hint::black_box(vec![0_u8; 64]));
    assert_eq!(seal::broken(), broken + 2, "the seal of this test binary sees nothing");
    drop(sealed);

    let (mut bench, mut feed) = (Bench::new(true, true), Feed::new());
    let messages: Vec<_> =
        (0..6).map(|n| add(1 + n % 2, 10 + u64::from(n), b'B', 1_000_000)).collect();
    let packets: Vec<_> = messages.iter().map(|message| feed.packet(message.as_bytes())).collect();
    for line in [LINE_A, LINE_B] {
        bench.datagram(line, &packets[0]); // in order, then known
    }
    bench.datagram(LINE_A, &packets[2]); // held over a gap
    bench.wait(2);
    let mut reply = [0; 1_400];
    let reply = feed.history.answer(&bench.sent[0], &mut reply).unwrap();
    bench.datagram(REPLIES, reply);
    bench.wait(60_000); // silent: all books go stale
    assert_eq!(bench.state(AAPL), State::Stale);
    bench.datagram(LINE_A, &packets[3]); // heard again: all books come back
    assert_eq!(bench.state(AAPL), State::OneSided);
    bench.datagram(LINE_A, &packets[5]);
    bench.wait(10_000); // nobody answers: a snapshot is asked for
    assert!(bench.opened, "{:?}", bench.kinds());
    let all: Vec<_> = messages.iter().map(AddOrder::as_bytes).collect();
    serve(&mut bench, &all, SeqNo::new(7));
    bench.datagram(LINE_B, &packets[5]); // known, and ends the silence
    assert_eq!(bench.state(MSFT), State::OneSided);
    assert_eq!(bench.trade.feeds()[0].mirror().books().orders_live(), 6);
    let health = bench.trade.feeds()[0].health();
    assert!(0 < health.recovered_by_request && 0 < health.recovered_by_snapshot);
}

/// Serves a snapshot of `messages` to a shard that has just opened its connection.
fn serve(bench: &mut Bench, messages: &[&[u8]], join: SeqNo) {
    let config = SoupConfig { transmit_bytes_max: 4_096, ..SoupConfig::default() };
    let mut server = glimpse::Server::new(config, bench.now);
    bench.hear(Event::Opened { stream: SNAPSHOTS });
    let login = std::mem::take(&mut bench.written);
    assert_eq!(server.soup().on_bytes(bench.now, &login), login.len());
    let asked = server.soup().poll();
    assert!(matches!(asked, Some(Request::Login { .. })), "{asked:?}");
    server.soup().accept(bench.now, session(), join);
    for message in messages {
        server.send(bench.now, message).unwrap();
    }
    server.finish(bench.now, join).unwrap();
    let bytes = server.soup().poll_transmit().unwrap().to_vec();
    // Split where it hurts: inside lengths and inside messages.
    for part in bytes.chunks(7) {
        bench.hear(Event::Bytes { stream: SNAPSHOTS, bytes: part });
    }
}

#[test]
fn a_snapshot_stands_for_what_was_lost_and_the_feed_goes_on_from_its_join() {
    let (mut bench, mut feed) = (Bench::new(false, true), Feed::new());
    let bid = add(1, 10, b'B', 1_500_000);
    let offer = add(1, 11, b'S', 1_500_100);
    let other = add(2, 12, b'B', 900_000);
    let first = feed.packet(bid.as_bytes());
    let second = feed.packet(offer.as_bytes());
    let third = feed.packet(other.as_bytes());
    let fourth =
        feed.packet(OrderDelete { header: Head::new(1, 0, 2), order_ref: 10.into() }.as_bytes());
    let mut whole = Bench::new(false, false);
    for packet in [&first, &second, &third, &fourth] {
        whole.datagram(LINE_A, packet);
    }

    bench.datagram(LINE_A, &first);
    bench.datagram(LINE_A, &third);
    bench.wait(2);
    assert!(bench.opened, "a snapshot was asked for");
    bench.datagram(LINE_A, &fourth);
    serve(&mut bench, &[bid.as_bytes(), offer.as_bytes()], SeqNo::new(3));
    assert_eq!(bench.trade.state_hash(), whole.trade.state_hash());
    assert_eq!(bench.state(AAPL), State::OneSided);
    assert_eq!(bench.kinds(), [AlarmKind::SnapshotAsked, AlarmKind::SnapshotJoined]);
}

/// What spoils the books in the middle of a recovery is known before they are trusted again.
#[test]
fn a_snapshot_with_a_bad_message_is_never_trusted() {
    let (mut bench, mut feed) = (Bench::new(false, true), Feed::new());
    let bid = add(1, 10, b'B', 1_500_000);
    feed.packet(bid.as_bytes());
    let second = feed.packet(add(1, 11, b'S', 1_500_100).as_bytes());
    bench.datagram(LINE_A, &second);
    bench.wait(2);
    bench.tops.clear();
    serve(&mut bench, &[bid.as_bytes(), b"A"], SeqNo::new(2));
    assert!(!bench.trade.feeds()[0].mirror().is_trusted());
    let told: Vec<State> = bench.tops.iter().map(|top| top.state).collect();
    assert!(told.iter().all(|state| *state == State::Stale), "{told:?}");
    assert!(bench.kinds().ends_with(&[AlarmKind::SnapshotFailed, AlarmKind::Lost]));
}

#[test]
fn an_event_that_does_not_fit_harms_its_own_book_and_is_named_once() {
    let (mut bench, mut feed) = (Bench::new(false, false), Feed::new());
    let over = OrderCancel { header: Head::new(1, 0, 2), order_ref: 10.into(), shares: 101.into() };
    let unknown = OrderExecuted {
        header: Head::new(1, 0, 2),
        order_ref: 99.into(),
        shares: 1.into(),
        match_number: 1.into(),
    };
    let adds = [add(1, 10, b'B', 1_500_000), add(2, 20, b'B', 900_000)];
    for message in adds.iter().map(AddOrder::as_bytes).chain([over.as_bytes(), unknown.as_bytes()])
    {
        let packet = feed.packet(message);
        bench.datagram(LINE_A, &packet);
    }
    assert_eq!((bench.state(AAPL), bench.state(MSFT)), (State::Stale, State::OneSided));
    assert_eq!(bench.kinds(), [AlarmKind::BadEvent]);
    assert_eq!(bench.alarms[0].sequence, SeqNo::new(3));
}

#[test]
fn a_full_arena_harms_only_the_instrument_that_wanted_more() {
    let (mut bench, mut feed) = (Bench::new(false, false), Feed::new());
    let msft = feed.packet(add(2, 1, b'B', 900_000).as_bytes());
    bench.datagram(LINE_A, &msft);
    for order in 0..CAPACITY.orders as u64 {
        let packet = feed.packet(add(1, 10 + order, b'B', 1_500_000).as_bytes());
        bench.datagram(LINE_A, &packet);
    }
    let slot = |text| bench.trade.find(Symbol::parse(text).unwrap()).unwrap();
    assert_eq!(bench.state(slot("AAPL")), State::Stale);
    assert_eq!(bench.state(slot("MSFT")), State::OneSided);
    assert_eq!(bench.kinds(), [AlarmKind::BadEvent]);
}

#[test]
fn bad_datagrams_are_counted_and_change_nothing() {
    let (mut bench, mut feed) = (Bench::new(true, false), Feed::new());
    let first = feed.packet(add(1, 10, b'B', 1_500_000).as_bytes());
    bench.datagram(LINE_A, &first);
    let before = bench.trade.state_hash();
    let mut cut = feed.packet(add(1, 11, b'S', 1_500_100).as_bytes());
    cut.truncate(cut.len() - 1);
    let mut stranger = first.clone();
    stranger[..10].copy_from_slice(b"OTHERDAY  ");
    for _ in 0..3 {
        bench.datagram(LINE_A, &cut);
        bench.datagram(LINE_B, &stranger);
        bench.datagram(LINE_B, b"");
        bench.datagram(REPLIES, &[0xFF; 60]);
        bench.hear(Event::Oversize { socket: LINE_A, len: 9_000 });
    }
    assert_eq!(bench.trade.state_hash(), before);
    let kinds = bench.kinds();
    assert_eq!(kinds, [AlarmKind::BadPacket, AlarmKind::WrongSession, AlarmKind::Oversize]);
    let health = bench.trade.feeds()[0].health();
    assert_eq!(health.lines[0].malformed, 6, "cut, and longer than the buffer");
    assert_eq!((health.lines[1].malformed, health.lines[1].wrong_session), (3, 3));
    assert_eq!(health.replies.malformed, 3);
}

#[test]
fn shards_add_up_to_one_that_takes_everything() {
    let none = Recovery { requests: false, snapshots: false };
    let mut feed = Feed::new();
    let packets: Vec<Vec<u8>> = [
        add(1, 10, b'B', 1_500_000),
        add(2, 20, b'B', 900_000),
        add(1, 11, b'S', 1_500_100),
        add(2, 21, b'S', 900_100),
    ]
    .iter()
    .map(|message| feed.packet(message.as_bytes()))
    .collect();
    let hash_of = |shards: u16| {
        let hashes = (0..shards).map(|shard| {
            let aapl = (Symbol::parse("AAPL").unwrap(), 0);
            let ownership = Ownership::new(vec![aapl], (0..shards).rev().collect());
            let mut machine = trade(ownership, shard, none);
            let mut out = Outbox::default();
            for packet in &packets {
                let event =
                    Event::Datagram { socket: LINE_A, received: Nanos::ZERO, bytes: packet };
                machine.on_event(Nanos::ZERO, event, &mut out);
                out.clear();
            }
            machine.state_hash()
        });
        book::hash::combine(hashes)
    };
    assert_ne!(hash_of(1), 0);
    for shards in 2..=5 {
        assert_eq!(hash_of(shards), hash_of(1), "{shards} shards");
    }
}
