//! The parts together on a simulated network: publisher, two bad lines, a bad re-request channel,
//! a snapshot server whose connections break, and garbage from strangers.
//!
//! Everything comes from one seed and a virtual clock. The book is a running hash over the numbers of
//! the messages, so one that is lost, doubled or out of order cannot go unnoticed.

extern crate std;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use types::{Nanos, SeqNo};

use crate::glimpse::{self, GlimpseConfig, Item};
use crate::mold::{self, History, Sender, SenderConfig};
use crate::soup::{Credentials, Request, SoupConfig};
use crate::{
    Arrival, FeedHealth, Line, Receiver, ReceiverConfig, Recovery, SessionId, Start, Step,
};

const SESSION: SessionId = SessionId::new(*b"SESSION001");

/// What the network does, in chances out of 1,000 and in microseconds.
#[derive(Clone, Debug)]
struct Weather {
    seed: u64,
    messages: u64,
    /// Per line.
    loss: u32,
    duplicate: u32,
    jitter_us: u64,
    skew_us: u64,
    request_loss: u32,
    reply_loss: u32,
    /// Messages the re-request server remembers.
    memory: usize,
    /// Of a snapshot connection breaking at each piece.
    cut: u32,
    strangers: u32,
    datagram_bytes: usize,
    rx: ReceiverConfig,
}

/// xorshift64*: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) % bound.max(1)
    }

    fn chance(&mut self, permille: u32) -> bool {
        self.below(1_000) < u64::from(permille)
    }
}

/// Takes messages in order and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Book {
    next: u64,
    hash: u64,
}

impl Book {
    const EMPTY: Self = Self { next: 1, hash: 0 };

    fn apply(&mut self, number: u64) {
        assert_eq!(number, self.next, "out of order");
        self.hash = (self.hash ^ number).wrapping_mul(0x100_0000_01B3).rotate_left(17);
        self.next += 1;
    }
}

#[derive(Debug)]
enum Event {
    Publish,
    Datagram(Line, Vec<u8>),
    Request(Vec<u8>),
    Opened(u32),
    ToServer(u32, Vec<u8>),
    ToClient(u32, Vec<u8>),
    HungUp(u32),
}

struct World {
    weather: Weather,
    dice: Dice,
    now: Nanos,
    agenda: BinaryHeap<Reverse<(u64, usize)>>,
    events: Vec<Option<Event>>,

    sender: Sender,
    history: History,
    published: Book,
    over: bool,

    rx: Receiver,
    book: Book,
    /// Ranges given up, and whether anything was.
    lost: u64,
    ended: bool,
    told_live: bool,

    client: glimpse::Client,
    server: glimpse::Server,
    connection: u32,
    shadow: Book,
    snapshots: u32,
}

impl World {
    fn new(weather: Weather) -> Self {
        let start = Nanos::from_secs(1);
        let soup = SoupConfig { transmit_bytes_max: 4_096, ..SoupConfig::default() };
        let glimpse = GlimpseConfig {
            soup,
            connect: Nanos::from_millis(20),
            pause: Nanos::from_millis(50),
            backoff: Nanos::from_millis(1),
            backoff_max: Nanos::from_millis(10),
            attempts_max: u32::MAX,
        };
        let sender = SenderConfig {
            session: SESSION,
            first: SeqNo::new(1),
            datagram_bytes_max: weather.datagram_bytes,
            heartbeat: Nanos::from_millis(10),
        };
        let mut world = Self {
            dice: Dice(weather.seed | 1),
            now: start,
            agenda: BinaryHeap::new(),
            events: Vec::new(),
            sender: Sender::new(sender, start),
            history: History::new(SESSION, weather.memory, weather.memory * 8),
            published: Book::EMPTY,
            over: false,
            rx: Receiver::new(weather.rx, start).expect("possible"),
            book: Book::EMPTY,
            lost: 0,
            ended: false,
            told_live: false,
            client: glimpse::Client::new(
                glimpse,
                Credentials::new("ann", "secret", "").expect("fits"),
            ),
            server: glimpse::Server::new(soup, start),
            connection: 0,
            shadow: Book::EMPTY,
            snapshots: 0,
            weather,
        };
        world.after(0, Event::Publish);
        world
    }

    fn after(&mut self, delay_us: u64, event: Event) {
        let at = self.now.saturating_add(Nanos::from_micros(delay_us)).get();
        self.agenda.push(Reverse((at, self.events.len())));
        self.events.push(Some(event));
    }

    /// Until the receiver says that the session is over. The number of steps bounds a livelock.
    fn run(mut self) -> Self {
        for _ in 0..200_000 {
            if self.ended {
                return self;
            }
            self.step();
        }
        panic!("no end in sight: {:?}", self.rx.health());
    }

    fn step(&mut self) {
        let event_at = self.agenda.peek().map_or(u64::MAX, |Reverse((at, _))| *at);
        let deadlines = [
            self.rx.next_deadline(),
            self.client.next_deadline(),
            self.server.soup().next_deadline(),
            Some(self.sender.next_deadline()),
        ];
        let deadline = deadlines.into_iter().flatten().min().map_or(u64::MAX, Nanos::get);
        self.now = self.now.max(Nanos::new(event_at.min(deadline)));
        if event_at <= deadline {
            let due = self.agenda.pop().and_then(|Reverse((_, index))| self.events[index].take());
            if let Some(event) = due {
                self.on_event(event);
            }
        } else {
            if let Some(beat) = self.sender.on_deadline(self.now).map(Vec::from) {
                self.multicast(&beat);
            }
            self.rx.on_deadline(self.now);
            self.client.on_deadline(self.now);
            self.server.soup().on_deadline(self.now);
        }
        self.obey();
        self.load();
        self.serve();
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Publish => self.publish(),
            Event::Datagram(line, bytes) => self.receive(line, &bytes),
            Event::Request(bytes) => self.answer(&bytes),
            Event::Opened(connection) if connection == self.connection => {
                self.client.on_opened(self.now);
                self.transmit_client();
            }
            Event::ToServer(connection, bytes) if connection == self.connection => {
                self.server.soup().on_bytes(self.now, &bytes);
            }
            Event::ToClient(connection, bytes) if connection == self.connection => {
                let taken = self.client.on_bytes(self.now, &bytes);
                assert_eq!(taken, bytes.len(), "pieces fit");
            }
            Event::HungUp(connection) if connection == self.connection => {
                self.client.on_closed(self.now)
            }
            Event::Opened(_) | Event::ToServer(..) | Event::ToClient(..) | Event::HungUp(_) => {}
        }
    }

    fn publish(&mut self) {
        for _ in 0..=self.dice.below(4) {
            if self.published.next <= self.weather.messages {
                let number = self.published.next;
                let message = number.to_be_bytes();
                if self.sender.push(&message).is_err() {
                    break;
                }
                self.history.record(SeqNo::new(number), &message);
                self.published.apply(number);
            }
        }
        if let Some(datagram) = self.sender.take(self.now).map(Vec::from) {
            self.multicast(&datagram);
        }
        if self.published.next <= self.weather.messages {
            let pause = self.dice.below(100);
            self.after(pause, Event::Publish);
        } else {
            self.sender.end();
            self.over = true;
        }
    }

    fn multicast(&mut self, datagram: &[u8]) {
        for line in [Line::A, Line::B] {
            if self.dice.chance(self.weather.loss) {
                continue;
            }
            let skew = if line == Line::B { self.weather.skew_us } else { 0 };
            for _ in 0..=u32::from(self.dice.chance(self.weather.duplicate)) {
                let delay = 10 + skew + self.dice.below(self.weather.jitter_us);
                self.after(delay, Event::Datagram(line, datagram.into()));
            }
        }
        if self.dice.chance(self.weather.strangers) {
            let bytes = self.stranger();
            let line = [Line::A, Line::B, Line::Reply][self.dice.below(3) as usize];
            self.after(5, Event::Datagram(line, bytes));
        }
    }

    /// A datagram that no honest party sends here.
    fn stranger(&mut self) -> Vec<u8> {
        let far = (1 << 30) + self.dice.below(1 << 47);
        let (session, sequence, count) = match self.dice.below(5) {
            0 => (*b"OTHER     ", self.published.next, 1u16),
            1 => (SESSION.bytes(), u64::MAX - self.dice.below(3), 2),
            2 => (SESSION.bytes(), 0, 1),
            3 => (SESSION.bytes(), far, 1),
            _ => return vec![7; self.dice.below(30) as usize],
        };
        let mut bytes = Vec::from(session);
        bytes.extend(sequence.to_be_bytes());
        bytes.extend(count.to_be_bytes());
        for _ in 0..count {
            bytes.extend([0, 8]);
            bytes.extend([0xEE; 8]);
        }
        bytes
    }

    fn receive(&mut self, line: Line, bytes: &[u8]) {
        let Ok(packet) = mold::packet(bytes) else {
            self.rx.on_malformed(line);
            return;
        };
        if self.rx.session().is_none() && packet.session != SESSION {
            return; // the first one heard is taken: who speaks first is not the receiver's to judge
        }
        if let Arrival::Next { skip } = self.rx.on_packet(self.now, line, packet) {
            take(&mut self.book, packet.body, skip);
        }
    }

    /// Does what the receiver wants.
    fn obey(&mut self) {
        while let Some(step) = self.rx.poll(self.now) {
            match step {
                Step::Apply(held) => take(&mut self.book, held.body, held.skip),
                Step::Lost { from, count } => {
                    assert_eq!(from.get(), self.book.next, "what is lost comes next");
                    assert!(0 < count);
                    self.lost += count;
                    self.book.next += count;
                }
                Step::Request { from, count } => {
                    assert!(self.weather.rx.recovery.requests);
                    assert!(0 < count && count <= self.weather.rx.request_messages_max);
                    assert_eq!(from.get(), self.book.next);
                    let request = mold::request(SESSION, from, count);
                    if !self.dice.chance(self.weather.request_loss) {
                        let delay = 50 + self.dice.below(200);
                        self.after(delay, Event::Request(request.into()));
                    }
                }
                Step::Snapshot => {
                    assert!(self.weather.rx.recovery.snapshots);
                    self.client.start(self.now);
                }
                Step::Stale | Step::Silent => self.told_live = false,
                Step::Live => {
                    assert!(!self.rx.is_stale() && !self.rx.is_behind());
                    assert_eq!(self.rx.next().map(SeqNo::get), Some(self.book.next));
                    self.told_live = true;
                }
                Step::Ended { next } => {
                    assert!(self.over);
                    assert_eq!(next.get(), self.weather.messages + 1);
                    self.ended = true;
                }
                Step::NewSession(_) => panic!("there is only one"),
            }
        }
    }

    fn answer(&mut self, request: &[u8]) {
        let mut out = vec![0; self.weather.datagram_bytes];
        let reply = self.history.answer(request, &mut out).map(Vec::from);
        if let Some(reply) = reply.filter(|_| !self.dice.chance(self.weather.reply_loss)) {
            let delay = 50 + self.dice.below(500);
            self.after(delay, Event::Datagram(Line::Reply, reply));
        }
    }

    /// Does what the snapshot client wants.
    fn load(&mut self) {
        while let Some(item) = self.client.poll(self.now) {
            match item {
                Item::Open => {
                    self.connection += 1;
                    self.server.soup().reset(self.now);
                    let (connection, delay) = (self.connection, 100 + self.dice.below(300));
                    if self.dice.chance(self.weather.cut) {
                        self.after(delay, Event::HungUp(connection));
                    } else {
                        self.after(delay, Event::Opened(connection));
                    }
                }
                Item::Close => self.connection += 1,
                Item::Begin => {
                    self.rx.snapshot_begins();
                    self.shadow = Book { next: 0, hash: 0 };
                }
                Item::Message(message) => {
                    // The state comes in 8 parts, one byte of the hash each.
                    let [b'P', part] = *message else { panic!("no part: {message:?}") };
                    self.shadow.hash = self.shadow.hash << 8 | u64::from(part);
                    self.shadow.next += 1;
                }
                Item::End { join } => {
                    assert_eq!(self.shadow.next, 8, "all of it and only once");
                    self.book = Book { next: join.get(), hash: self.shadow.hash };
                    self.snapshots += 1;
                    assert_eq!(self.rx.join(self.now, join), Ok(()));
                    return self.obey();
                }
                Item::Again(_) => {}
                Item::Failed(failure) => panic!("{failure:?}"),
            }
        }
        self.transmit_client();
    }

    fn transmit_client(&mut self) {
        let bytes = self.client.poll_transmit().map(Vec::from).unwrap_or_default();
        self.client.sent(bytes.len());
        if !bytes.is_empty() {
            self.after(100, Event::ToServer(self.connection, bytes));
        }
    }

    /// The snapshot server: the whole state at once, sent in pieces.
    fn serve(&mut self) {
        let now = self.now;
        while let Some(request) = self.server.soup().poll() {
            if let Request::Login { .. } = request {
                self.server.soup().accept(now, SESSION, SeqNo::new(1));
                for part in self.published.hash.to_be_bytes() {
                    self.server.send(now, &[b'P', part]).expect("room");
                }
                self.server.finish(now, SeqNo::new(self.published.next)).expect("room");
            }
        }
        let bytes = self.server.soup().poll_transmit().map(Vec::from).unwrap_or_default();
        self.server.soup().sent(bytes.len());
        let mut delay = 100;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(rest.len().min(1 + self.dice.below(40) as usize));
            rest = tail;
            delay += self.dice.below(200);
            if self.dice.chance(self.weather.cut) {
                return self.after(delay, Event::HungUp(self.connection));
            }
            self.after(delay, Event::ToClient(self.connection, piece.into()));
        }
    }
}

/// Reads the messages of a body into the book.
fn take(book: &mut Book, body: &[u8], skip: u16) {
    for message in mold::messages(body).skip(usize::from(skip)) {
        let number = message.try_into().map(u64::from_be_bytes).expect("eight bytes");
        book.apply(number);
    }
}

fn rx_config() -> impl Strategy<Value = ReceiverConfig> {
    let start = prop_oneof![Just(Start::Beginning), Just(Start::Snapshot)];
    (1u32..40, 1u64..600, 1u32..5, 1u16..50, 1u64..300, start).prop_map(
        |(
            window_packets,
            reorder_us,
            attempts_max,
            request_messages_max,
            gap_messages_max,
            start,
        )| ReceiverConfig {
            lines: 2,
            window_packets,
            packet_bytes_max: 200,
            reorder: Nanos::from_micros(reorder_us),
            retry: Nanos::from_millis(2),
            attempts_max,
            request_messages_max,
            gap_messages_max,
            far_messages: 1_000_000,
            idle: Nanos::from_secs(2),
            start,
            recovery: Recovery { requests: true, snapshots: true },
        },
    )
}

fn weather() -> impl Strategy<Value = Weather> {
    let lines = (0u32..350, 0u32..200, 1u64..400, 0u64..2_000);
    let recovery = (0u32..600, 0u32..600, 1usize..200, 0u32..200);
    (any::<u64>(), 1u64..300, lines, recovery, 0u32..200, 30usize..200, rx_config()).prop_map(
        |(seed, messages, lines, recovery, strangers, datagram_bytes, rx)| Weather {
            seed,
            messages,
            loss: lines.0,
            duplicate: lines.1,
            jitter_us: lines.2,
            skew_us: lines.3,
            request_loss: recovery.0,
            reply_loss: recovery.1,
            memory: recovery.2,
            cut: recovery.3,
            strangers,
            datagram_bytes,
            rx,
        },
    )
}

/// Every message was accounted for, and the lines' figures add up.
fn check_figures(world: &World, health: &FeedHealth) {
    assert_eq!(health.given_up, world.lost);
    for line in &health.lines {
        // Packets that found no room are neither first nor duplicates.
        let neither = line.packets - line.first - line.duplicates;
        assert!(neither <= health.dropped);
    }
    assert_eq!(health.held_now, 0);
    assert!(health.held_max <= world.weather.rx.window_packets);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    /// With a snapshot as the last resort the book ends as the publisher's, whatever the weather.
    #[test]
    fn every_book_ends_right(weather in weather()) {
        let world = World::new(weather).run();
        let health = world.rx.health();
        prop_assert_eq!(world.book, world.published);
        prop_assert_eq!(world.lost, 0);
        prop_assert!(world.told_live && !health.stale);
        prop_assert!(u64::from(world.snapshots) <= health.snapshots);
        if world.snapshots == 0 {
            prop_assert_eq!(health.delivered, world.weather.messages);
        }
        check_figures(&world, &health);
    }

    /// Without one every message is given out once and in order, or told as lost; then the books stay stale.
    #[test]
    fn every_message_is_given_out_or_told_lost(weather in weather(), requests: bool) {
        let mut weather = weather;
        weather.rx.recovery = Recovery { requests, snapshots: false };
        weather.rx.start = Start::Beginning;
        let world = World::new(weather).run();
        let health = world.rx.health();
        prop_assert_eq!(world.book.next, world.published.next);
        prop_assert_eq!(health.delivered + world.lost, world.weather.messages);
        prop_assert_eq!(health.stale, 0 < world.lost);
        prop_assert_eq!(world.told_live, world.lost == 0);
        if world.lost == 0 {
            prop_assert_eq!(world.book, world.published);
        }
        check_figures(&world, &health);
    }

    /// The same seed gives the same run.
    #[test]
    fn a_run_can_be_repeated(weather in weather()) {
        let (one, two) = (World::new(weather.clone()).run(), World::new(weather).run());
        prop_assert_eq!(one.rx.health(), two.rx.health());
        prop_assert_eq!(one.now, two.now);
    }
}

/// A fifth of each line lost: nearly all comes from the other line, the rest from requests.
#[test]
fn a_fifth_lost_on_each_line_is_recovered_without_a_snapshot() {
    let weather = Weather {
        seed: 7,
        messages: 20_000,
        loss: 200,
        duplicate: 20,
        jitter_us: 30,
        skew_us: 50,
        request_loss: 100,
        reply_loss: 100,
        memory: 20_000,
        cut: 0,
        strangers: 10,
        datagram_bytes: 100,
        rx: ReceiverConfig {
            reorder: Nanos::from_micros(200),
            retry: Nanos::from_millis(2),
            attempts_max: 10,
            gap_messages_max: 1_000,
            packet_bytes_max: 200,
            ..ReceiverConfig::default()
        },
    };
    let world = World::new(weather).run();
    let health = world.rx.health();
    assert_eq!(world.book, world.published);
    assert_eq!((health.snapshots, health.given_up, health.delivered), (0, 0, 20_000));
    let both = health.recovered_by_request;
    assert!((600..1_100).contains(&both), "a fifth of a fifth: {both}");
    for line in &health.lines {
        assert!((3_600..4_400).contains(&line.lost), "{}", line.lost);
    }
    assert!(health.lines[0].lag_mean < health.lines[1].lag_mean, "{health:?}");
}
