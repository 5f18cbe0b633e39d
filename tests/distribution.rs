//! An exchange shard's tape by a ring to the servers behind it: re-requests and snapshots.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use book::l3::Capacity;
use matching::{
    Account, Control, DayRules, Floor, FloorCapacity, NewOrder, Order, OrderKey, Price, Report,
    Rules, SelfMatch, Standing, Terms, Tick, TickTable,
};
use rialto::publish::{Distribution, DistributionOptions, RequestOptions, SnapshotOptions};
use runtime::Message;
use runtime::ring::{Consumer, Producer, Pushed, WhenFull, link};
use session::mold::{self, SenderConfig};
use session::{SessionId, glimpse};
use tape::{Config, Listing, Numbered, Tape};
use types::{AccountId, FirmId, InstrumentId, MatchNo, Nanos, OrderRef, Px, SeqNo, Side, Symbol};
use wire::itch50::{EventCode, LuldTier, MarketCategory, RegShoAction};

use crate::publish::{Ear, Market, PATIENCE, fetch, until};

const SESSION: SessionId = SessionId::new(*b"VENUE00001");
const ORDERS: u32 = 1_000;
/// Ten dollars.
const MIDDLE: i64 = 1_000;

fn serve(messages: Consumer) -> Distribution {
    let capacity = Capacity { instruments: 8, orders: 10_000, levels: 10_000 };
    let options = DistributionOptions {
        session: SESSION,
        first: SeqNo::new(1),
        datagram_bytes_max: 1_472,
        requests: Some(RequestOptions::DEFAULT),
        snapshots: Some(SnapshotOptions { capacity, ..SnapshotOptions::DEFAULT }),
        seed: 0,
        cpu: None,
    };
    Distribution::follow(options, messages).unwrap()
}

/// Asks for messages as any client would, until something comes.
fn ask(server: SocketAddr, from: u64, count: u16) -> Vec<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(&mold::request(SESSION, SeqNo::new(from), count), server).unwrap();
    let mut reply = [0; 2_048];
    let len = socket.recv(&mut reply).unwrap();
    let packet = mold::packet(&reply[..len]).unwrap();
    assert_eq!((packet.session, packet.sequence), (SESSION, SeqNo::new(from)));
    mold::messages(packet.body).map(<[u8]>::to_vec).collect()
}

/// What a shard does with its tape's output: a ring to the cold side, and lines, kept here.
struct Lines {
    ring: Producer,
    all: Vec<Vec<u8>>,
}

impl tape::Out for Lines {
    fn message(&mut self, sequence: SeqNo, message: &[u8]) {
        let words = Numbered::new(sequence, message).unwrap().to_words();
        // What the ring has no room for waits at the producer.
        assert_ne!(self.ring.push(Message(words)), Pushed::Dropped);
    }

    fn datagram(&mut self, datagram: &[u8]) {
        let packet = mold::packet(datagram).unwrap();
        assert_eq!(packet.sequence.get(), self.all.len() as u64 + 1);
        self.all.extend(mold::messages(packet.body).map(<[u8]>::to_vec));
    }
}

/// A floor with its tape, as a shard has them.
struct Exchange {
    floor: Floor,
    tape: Tape,
    lines: Lines,
    random: u64,
    now: Nanos,
    match_no: u64,
}

impl Exchange {
    fn new(ring: Producer) -> Self {
        let cent = TickTable::new(&[(Px::ZERO, Px::from_price4(100))]).unwrap();
        let listing = |(locate, symbol)| Listing {
            symbol: Symbol::parse(symbol).unwrap(),
            locate,
            ticks: cent,
            round_lot: 100,
            category: MarketCategory::NasdaqGlobalSelect,
            tier: LuldTier::Tier1,
            short_sale: RegShoAction::None,
            dark: false,
        };
        let listings: Vec<_> = (1..).zip(["ONE", "TWO", "THREE"]).map(listing).collect();
        let sender = SenderConfig {
            session: SESSION,
            first: SeqNo::new(1),
            datagram_bytes_max: 1_472,
            heartbeat: Nanos::from_secs(1),
        };
        let first_ref = OrderRef::new(1);
        let config = Config { sender, midnight: Nanos::ZERO, orders_max: ORDERS, first_ref };
        let middle = Tick::new(MIDDLE);
        let rules = Rules {
            reference: middle,
            window: 130,
            far_levels: 0,
            keeps_place: true,
            policy: matching::Policy::PriceTime,
            lit: true,
            seed: 1,
        };
        let accounts = [Account { group: 0, firm: FirmId::new(0) }];
        let books = matching::Capacity { orders: ORDERS, terms: 0 };
        let capacity = FloorCapacity { books, waiting: 0, dated: 0 };
        let day = DayRules::by_hand(cent, middle);
        let mut exchange = Self {
            floor: Floor::new(capacity, &accounts, &[rules; 3], &[day; 3]),
            tape: Tape::new(config, &listings, Nanos::ZERO),
            lines: Lines { ring, all: vec![] },
            random: 1,
            now: Nanos::from_secs(34_200),
            match_no: 0,
        };
        exchange.open();
        exchange
    }

    fn open(&mut self) {
        let Self { floor, tape, lines, now, .. } = self;
        tape.system(*now, EventCode::StartOfMessages, lines);
        let mut reports = vec![];
        for instrument in [0, 1, 2].map(InstrumentId::new) {
            tape.list(*now, instrument, lines);
            for control in [Control::PreOpen, Control::Open] {
                assert!(floor.control(*now, instrument, control, &mut reports));
            }
        }
        self.tell(&reports);
    }

    fn tell(&mut self, reports: &[Report]) {
        for report in reports {
            self.match_no += 1;
            let match_no = MatchNo::new(self.match_no);
            self.tape.on_report(self.now, report, match_no, &mut self.lines);
        }
        self.tape.flush(self.now, &mut self.lines);
        self.lines.ring.ring_bell();
    }

    /// As a shard does, it takes no more input while a message waits for room on the ring.
    fn act_for(&mut self, commands: usize) {
        for _ in 0..commands {
            self.act();
            until("the ring has room", || {
                self.lines.ring.flush();
                !self.lines.ring.is_blocked()
            });
        }
    }

    /// One order or one cancel, somewhere near the middle.
    fn act(&mut self) {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        self.now = self.now.saturating_add(Nanos::from_micros(7));
        let roll = self.random >> 33;
        let key = OrderKey::new(roll / 64 % u64::from(ORDERS));
        let instrument = InstrumentId::new(roll as u32 % 3);
        let mut reports = vec![];
        if roll / 8 % 8 < 3 {
            self.floor.cancel(self.now, key, &mut reports);
        } else {
            self.tape.on_enter(instrument);
            let new = NewOrder {
                key,
                instrument,
                side: if roll & 4 == 0 { Side::Buy } else { Side::Sell },
                qty: 1 + roll as u32 % 500,
                price: Price::Limit(Tick::new(MIDDLE - 20 + roll as i64 / 1_024 % 40)),
                standing: Standing::Rest,
                account: AccountId::new(0),
                self_match: SelfMatch::Allow,
            };
            self.floor.enter(self.now, &Order { new, terms: Terms::PLAIN }, &mut reports);
        }
        self.tell(&reports);
    }
}

#[test]
fn a_live_shards_messages_are_sent_again_and_a_snapshot_joins_them() {
    let (producer, consumer) = link(1 << 10, WhenFull::Stop, None);
    let distribution = serve(consumer);
    let mut exchange = Exchange::new(producer);
    exchange.act_for(4_000);
    let half = exchange.lines.all.len() as u64;
    assert!(2_000 < half, "{half} messages");
    let mut late = Market::new(None);
    until("a snapshot has a part", || {
        late = Market::new(distribution.snapshot_addr());
        late.snapshot();
        late.joined.is_some_and(|join| 1_000 < join.get())
    });
    exchange.act_for(1_000);
    let all = &exchange.lines.all;
    until("all is told", || distribution.stats().messages == all.len() as u64);

    let server = distribution.request_addr().unwrap();
    for (from, count) in [(1, 3), (half - 1, 20), (all.len() as u64, 9)] {
        let got = ask(server, from, count);
        assert!(!got.is_empty());
        assert_eq!(got, all[from as usize - 1..][..got.len()], "from {from}");
    }

    let mut whole = Market::new(None);
    all.iter().for_each(|message| whole.message(message));
    let join = late.joined.expect("joined").get() as usize;
    all[join - 1..].iter().for_each(|message| late.message(message));
    assert_eq!(whole.hashes().len(), 3);
    assert_eq!(late.hashes(), whole.hashes(), "joined at {join} of {}", all.len());
    let stats = distribution.stop().unwrap();
    assert_eq!((stats.book_faults, stats.missed, stats.requests_answered), (0, 0, 3));
}

/// A ring that had no room: what came before is not sent again, and nobody is given a book that lacks
/// something.
#[test]
fn what_a_ring_had_no_room_for_ends_snapshots_and_what_follows_is_still_sent_again() {
    let (mut producer, consumer) = link(4, WhenFull::Gap, None);
    let event = |number| {
        let words =
            Numbered::new(SeqNo::new(number), b"S\0\0\0\0\0\0\0\0\0\0O").unwrap().to_words();
        Message(words)
    };
    for number in 1..=10 {
        producer.push(event(number));
    }
    let distribution = serve(consumer);
    until("what had room is told", || distribution.stats().messages == 4);
    assert_eq!(ask(distribution.request_addr().unwrap(), 2, 9).len(), 3);
    producer.push(event(11));
    until("the gap is noticed", || distribution.stats().messages == 5);
    assert_eq!(distribution.stats().missed, 6);
    let server = distribution.request_addr().unwrap();
    assert_eq!(ask(server, 11, 9).len(), 1);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.send_to(&mold::request(SESSION, SeqNo::new(2), 1), server).unwrap();
    until("an old one is refused", || distribution.stats().requests_refused == 1);
    until("the book has noticed", || distribution.stats().book_faults == 1);
    let refused = fetch(distribution.snapshot_addr().unwrap(), *b"rialto", *b"rialto    ");
    assert_eq!(refused, Err(glimpse::Failure::Rejected));
    // What is no message of ours is counted, and the rest goes on.
    producer.push(Message([12, 0xFF, 0, 0, 0, 0, 0, 0]));
    producer.push(event(12));
    until("the stranger is counted", || distribution.stats().missed == 7);
    until("the next one is told", || distribution.stats().messages == 6);
    assert_eq!(distribution.stop().unwrap().snapshot_unsound, 1);
}
