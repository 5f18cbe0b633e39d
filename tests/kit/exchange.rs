//! An exchange shard in this process, in virtual time: its clients log in, its lines lose packets, its feed
//! is followed by the engine's own handlers.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};

use engine::exchange::{Answer, Command, Exchange, FollowPlan, Outcome};
use engine::{FeedPlan, Trade, TradePlan};
use matching::Tick;
use rialto::cpus::Cpus;
use rialto::fault::{self, Source};
use rialto::flow::{self, in_process};
use rialto::launch;
use rialto::topology;
use runtime::{Effect, Event, LinkId, ListenerId, Machine, Outbox, SocketId, StreamId};
use session::mold::History;
use session::soup::{Client, Credentials, Event as Heard, SoupConfig};
use session::{ReceiverConfig, Recovery, SessionId, Start};
use tape::Numbered;
use types::{InstrumentId, Nanos, SeqNo, Side};
use venue::{Ownership, Roster, Row};

/// Where a shard without others answers what is asked of it.
const ANSWERS: LinkId = LinkId(1);
const REPLIES: SocketId = SocketId(2);
/// The exchange's own, of two lines.
const LINES: u16 = 2;
/// Of the feed that it follows.
const FEED_REPLIES: SocketId = SocketId(4);
/// Of a line's packets, in 256.
const LOST: u64 = 51;

/// An exchange of two shards, one firm and three ports; the first shard trades AAPL.
pub(crate) const TWO_SHARDS: &str = r#"
[[exchange]]
name = "RLX"

[[exchange.shard]]
name = "x0"
instruments = ["AAPL"]
capacity = { orders = 1000 }
orders = "127.0.0.1:26501"
line_a = "239.192.78.1:26511"

[[exchange.shard]]
name = "x1"
capacity = { orders = 1000, terms = 10 }
orders = "127.0.0.1:26502"
line_a = "239.192.78.2:26511"

[[exchange.instrument]]
symbols = ["AAPL", "MSFT", "QQQ"]
reference = "101.25"

[[exchange.firm]]
name = "ALFA"
credit = 1000

[[exchange.port]]
user = "U{n}"
count = 3
password = "x"
firms = ["ALFA"]

[exchange.hours]
pre_open = "09:00:00"
open = "09:30:00"
close = "16:00:00"
"#;

/// Who is logged in.
struct Login {
    client: Client,
    /// Everything that it was told.
    heard: Vec<Vec<u8>>,
    /// The session is over.
    ended: bool,
}

/// The exchange, its clients, and one who follows its feed.
pub(crate) struct Rig {
    pub(crate) exchange: topology::Exchange,
    pub(crate) machine: Exchange,
    pub(crate) follower: Trade,
    pub(crate) now: Nanos,
    out: Outbox,
    /// Ports first, then drop copies.
    logins: Vec<Login>,
    ports: usize,
    /// Of the ports, those whose answers somebody waits for.
    population: usize,
    /// When a client wants its deadline.
    wake: Nanos,
    answers: VecDeque<(u16, Vec<u8>)>,
    answer: Vec<u8>,
    history: History,
    dice: u64,
    /// Packets that were lost, of both lines.
    pub(crate) lost: u64,
    /// Everything that line A was sent, until somebody takes it.
    pub(crate) sent: Vec<Sent>,
    /// What became of the last command.
    answered: Option<Answer>,
    /// Re-requests for the feeds that it follows.
    asked: Vec<Vec<u8>>,
}

/// A datagram of line A, and the best prices of each instrument once it was sent: bid, then offer.
pub(crate) struct Sent {
    pub(crate) at: Nanos,
    pub(crate) bytes: Vec<u8>,
    pub(crate) best: Vec<[Option<Tick>; 2]>,
}

/// The one exchange of a configuration.
pub(crate) fn exchange(config: &str) -> topology::Exchange {
    exchanges(config).remove(0)
}

/// The exchanges of a configuration.
pub(crate) fn exchanges(config: &str) -> Vec<topology::Exchange> {
    let source = Source { name: "exchange.toml".to_owned(), text: config.to_owned() };
    let raw = fault::read(&source).expect("its shape");
    let topology = topology::check(&raw, &source, &Cpus::plain(2));
    let topology = topology.unwrap_or_else(|faults| {
        panic!("{:#?}", faults.iter().map(|fault| source.line(fault)).collect::<Vec<_>>())
    });
    topology.exchanges
}

impl Rig {
    /// All connected, nobody logged in.
    pub(crate) fn new(exchange: topology::Exchange, population: u32, now: Nanos) -> Self {
        Self::following(exchange, None, population, now)
    }

    /// As [`Rig::new`], of an exchange that trades by the quote of others.
    pub(crate) fn following(
        exchange: topology::Exchange,
        follows: Option<FollowPlan>,
        population: u32,
        now: Nanos,
    ) -> Self {
        let shard = &exchange.shards[0];
        let session = SessionId::new(shard.session);
        let users = exchange.ports.iter().map(|port| port.login);
        let drops = exchange.firms.iter().filter_map(|firm| firm.drop_copy);
        let login = |login: topology::Login| {
            let credentials = Credentials { user: login.user, password: login.password, session };
            Login {
                client: Client::new(SoupConfig::default(), credentials),
                heard: Vec::new(),
                ended: false,
            }
        };
        let logins = users.chain(drops).map(login).collect();
        let (effects_max, bytes_max) = launch::outbox_room(shard.capacity.orders);
        Self {
            machine: launch::exchange_machine(&exchange, 0, follows, now)
                .expect("feeds that can be"),
            follower: follower(exchange.shards[0].listings.len(), now),
            now,
            out: Outbox::new(effects_max, bytes_max),
            logins,
            ports: exchange.ports.len(),
            population: population as usize,
            wake: Nanos::ZERO,
            answers: VecDeque::new(),
            answer: Vec::new(),
            history: History::new(session, 1 << 20, 64 << 20),
            dice: 1,
            lost: 0,
            sent: Vec::new(),
            answered: None,
            asked: Vec::new(),
            exchange,
        }
    }

    /// Every client connects and logs in.
    pub(crate) fn log_in(&mut self) {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        for conn in 0..self.logins.len() {
            let stream = stream(conn);
            self.drive(Event::Accepted { listener: ListenerId(0), stream, peer });
            self.logins[conn].client.on_opened(self.now, SeqNo::new(1));
            self.transmit(conn);
        }
        assert!(self.logins.iter().all(|login| login.client.is_up()), "all are logged in");
    }

    /// What the one who runs the exchange asks for.
    pub(crate) fn command(&mut self, command: Command) {
        let message = command.to_message(1);
        self.answered = None;
        self.drive(Event::Message { link: LinkId(0), message: &message });
        self.settle();
        let outcome = self.answered.map(|answer| answer.outcome);
        assert_eq!(outcome, Some(Outcome::Done), "{command:?}");
    }

    /// Whether everybody was told that the session is over.
    pub(crate) fn is_ended(&self) -> bool {
        self.logins.iter().all(|login| login.ended)
    }

    /// Everything a port was told, in order.
    pub(crate) fn heard(&self, port: usize) -> &[Vec<u8>] {
        &self.logins[port].heard
    }

    /// Everything the drop copies were told, by the user of the port, in order.
    pub(crate) fn copied(&self) -> Vec<([u8; 6], Vec<u8>)> {
        let copies = self.logins[self.ports..].iter().flat_map(|login| &login.heard);
        let part = |copy: &Vec<u8>| {
            let (user, message) = copy.split_first_chunk().expect("a user's name");
            (*user, message.to_vec())
        };
        copies.map(part).collect()
    }

    /// Lets time pass until nothing is due any more before `until`.
    pub(crate) fn advance(&mut self, until: Nanos) {
        loop {
            let next =
                [self.machine.next_deadline(), self.follower.next_deadline(), Some(self.wake)]
                    .into_iter()
                    .flatten()
                    .min()
                    .unwrap_or(Nanos::MAX);
            if until < next {
                break;
            }
            self.now = self.now.max(next);
            self.settle();
        }
        self.now = self.now.max(until);
    }

    /// What is due now is done.
    fn settle(&mut self) {
        let due = |at: Option<Nanos>, now| at.is_some_and(|at| at <= now);
        while due(self.machine.next_deadline(), self.now) {
            self.drive(Event::Deadline);
        }
        while due(self.follower.next_deadline(), self.now) {
            self.follow(Event::Deadline);
        }
        if self.wake <= self.now {
            for conn in 0..self.logins.len() {
                let client = &mut self.logins[conn].client;
                if due(client.next_deadline(), self.now) {
                    client.on_deadline(self.now);
                    self.transmit(conn);
                }
            }
            let next = self.logins.iter().filter_map(|login| login.client.next_deadline());
            self.wake = next.min().unwrap_or(Nanos::MAX);
        }
    }

    fn transmit(&mut self, conn: usize) {
        while let Some(bytes) = self.logins[conn].client.poll_transmit().map(<[u8]>::to_vec) {
            self.logins[conn].client.sent(bytes.len());
            self.drive(Event::Bytes { stream: stream(conn), bytes: &bytes });
        }
    }

    fn drive(&mut self, event: Event<'_>) {
        self.machine.on_event(self.now, event, &mut self.out);
        self.machine.on_turn_end(self.now, &mut self.out);
        let mut out = core::mem::take(&mut self.out);
        for effect in out.effects() {
            match effect {
                Effect::Write { stream, bytes } => self.hear(stream, bytes),
                Effect::Send { socket, bytes } if socket.0 < LINES => {
                    if socket.0 == 0 {
                        self.keep(bytes);
                    }
                    self.on_line(socket, bytes);
                }
                Effect::Send { bytes, .. } => self.asked.push(bytes.to_vec()),
                Effect::Ring { link: ANSWERS, message } => {
                    self.answered = Answer::from_message(&message);
                }
                Effect::Ring { message, .. } => {
                    let numbered = Numbered::from_words(&message.0).expect("a numbered message");
                    self.history.record(numbered.sequence(), numbered.message());
                }
                Effect::Close { stream } => {
                    let ended = self.logins[usize::from(stream.0)].ended;
                    assert!(ended, "{stream:?} was cut off");
                }
                Effect::Open { .. } => panic!("an exchange opens no connection"),
            }
        }
        out.clear();
        self.out = out;
    }

    fn keep(&mut self, bytes: &[u8]) {
        let instruments = (0..).map(InstrumentId::new).zip(&self.exchange.shards[0].listings);
        let floor = self.machine.ports().floor();
        let best = instruments.map(|(at, _)| Side::BOTH.map(|side| floor.best(at, side)));
        self.sent.push(Sent { at: self.now, bytes: bytes.to_vec(), best: best.collect() });
    }

    /// A datagram of a feed that it follows, and what it asks for again, which `other` gives.
    pub(crate) fn on_feed(&mut self, socket: SocketId, bytes: &[u8], other: &Self) {
        let received = self.now;
        self.drive(Event::Datagram { socket, received, bytes });
        self.ask(other);
    }

    /// What it wants to hear again of `other`, which gives it.
    pub(crate) fn ask(&mut self, other: &Self) {
        let mut room = [0; 1_472];
        while let Some(request) = self.asked.pop() {
            if let Some(reply) = other.history.answer(&request, &mut room) {
                let (socket, received) = (FEED_REPLIES, self.now);
                self.drive(Event::Datagram { socket, received, bytes: reply });
            }
        }
    }

    fn hear(&mut self, stream: StreamId, mut bytes: &[u8]) {
        let conn = usize::from(stream.0);
        let login = &mut self.logins[conn];
        while !bytes.is_empty() {
            let taken = login.client.on_bytes(self.now, bytes);
            bytes = &bytes[taken..];
            while let Some(heard) = login.client.poll() {
                match heard {
                    Heard::Sequenced { message, .. } => {
                        login.heard.push(message.to_vec());
                        if conn < self.population {
                            self.answers.push_back((stream.0, message.to_vec()));
                        }
                    }
                    Heard::Accepted { .. } => {}
                    Heard::EndOfSession => login.ended = true,
                    Heard::Closed(_) if login.ended => {}
                    Heard::Rejected(_)
                    | Heard::Unsequenced(_)
                    | Heard::Debug(_)
                    | Heard::Closed(_) => panic!("{conn} heard {heard:?}"),
                }
            }
        }
    }

    fn chance(&mut self, of_256: u64) -> bool {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.dice >> 56 < of_256
    }

    fn on_line(&mut self, socket: SocketId, bytes: &[u8]) {
        if self.chance(LOST) {
            self.lost += 1;
            return;
        }
        self.follow(Event::Datagram { socket, received: self.now, bytes });
    }

    fn follow(&mut self, event: Event<'_>) {
        let mut out = Outbox::default();
        self.follower.on_event(self.now, event, &mut out);
        let mut replies = Vec::new();
        out.drain(|effect| {
            if let Effect::Send { socket: REPLIES, bytes } = effect {
                let mut room = [0; 1_472];
                replies.extend(self.history.answer(bytes, &mut room).map(<[u8]>::to_vec));
            }
        });
        for reply in replies {
            if !self.chance(LOST) {
                let received = self.now;
                self.follow(Event::Datagram { socket: REPLIES, received, bytes: &reply });
            }
        }
    }
}

fn stream(conn: usize) -> StreamId {
    StreamId(u16::try_from(conn).expect("fewer connections than that"))
}

/// The feed of an exchange that a pool follows.
pub(crate) fn followed() -> FollowPlan {
    let feeds = vec![feed(SocketId(2), SocketId(3), FEED_REPLIES)];
    FollowPlan { feeds, orders: 1 << 16, levels: 1 << 14 }
}

fn feed(line_a: SocketId, line_b: SocketId, replies: SocketId) -> FeedPlan {
    FeedPlan {
        row: Row::find("nasdaq").expect("it is in the table"),
        line_a,
        line_b: Some(line_b),
        replies: Some(replies),
        snapshot: None,
        receiver: ReceiverConfig {
            start: Start::Beginning,
            recovery: Recovery { requests: true, snapshots: false },
            attempts_max: 50,
            ..ReceiverConfig::default()
        },
    }
}

/// One who follows the feed with all it needs but snapshots.
fn follower(instruments: usize, now: Nanos) -> Trade {
    let plan = TradePlan {
        feeds: vec![feed(SocketId(0), SocketId(1), REPLIES)],
        roster: Roster::new(Ownership::even(1), 0, instruments),
        capacity: book::l3::Capacity { instruments, orders: 1 << 18, levels: 1 << 16 },
        tops: None,
        alarms: None,
    };
    Trade::new(plan, now).expect("a plan that can be")
}

impl flow::Ports for Rig {
    fn send(&mut self, port: u16, message: &[u8]) -> bool {
        let conn = usize::from(port);
        self.logins[conn].client.send(self.now, message).expect("room for a message");
        self.transmit(conn);
        true
    }
}

impl in_process::Venue for Rig {
    fn on_time(&mut self, now: Nanos) {
        self.advance(now);
    }

    fn answer(&mut self) -> Option<(u16, &[u8])> {
        let (port, message) = self.answers.pop_front()?;
        self.answer = message;
        Some((port, &self.answer))
    }
}
