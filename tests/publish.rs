//! The publisher over real loopback sockets, heard by the shards' own sessions and books.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use book::l3::{Books, Capacity};
use rialto::generate::{self, Day};
use rialto::publish::{
    Impaired, LineOptions, Options, Origin, Pace, Publisher, RequestOptions, SnapshotOptions,
};
use session::glimpse::{self, GlimpseConfig};
use session::soup::{Credentials, SoupConfig};
use session::{Arrival, Line, Receiver, ReceiverConfig, Recovery, SessionId, Start, Step, mold};
use types::{InstrumentId, Nanos, SeqNo};
use venue::{Nasdaq, Normal, Ownership, Roster};

/// No test waits longer: it fails with what it was waiting for. Nothing else depends on time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "still waiting until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Listens on a group with a port of its own, so that tests do not hear each other.
fn join(last: u8) -> (UdpSocket, SocketAddrV4) {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let group = Ipv4Addr::new(239, 192, 78, last);
    socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap();
    socket.set_nonblocking(true).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, SocketAddrV4::new(group, port))
}

/// A subscriber: both lines, re-requests, and snapshots where asked for.
struct Subscriber {
    lines: [UdpSocket; 2],
    groups: [SocketAddrV4; 2],
    replies: UdpSocket,
    receiver: Receiver,
    began: Instant,
}

/// What a subscriber does with what it hears.
pub(crate) trait Ear {
    fn message(&mut self, message: &[u8]);
    /// A snapshot is wanted now; the number of the message to join at.
    fn snapshot(&mut self) -> SeqNo;
}

impl Subscriber {
    fn new(start: Start, snapshots: bool) -> Self {
        let ((a, to_a), (b, to_b)) = (join(1), join(2));
        let config = ReceiverConfig {
            start,
            // However slow the machine: the publisher answers in the end.
            attempts_max: 10_000,
            gap_messages_max: u64::MAX,
            window_packets: 16_384,
            retry: Nanos::from_millis(20),
            recovery: Recovery { requests: true, snapshots },
            ..ReceiverConfig::default()
        };
        let replies = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        replies.set_nonblocking(true).unwrap();
        Self {
            lines: [a, b],
            groups: [to_a, to_b],
            replies,
            receiver: Receiver::new(config, Nanos::ZERO).unwrap(),
            began: Instant::now(),
        }
    }

    fn line_options(&self, impaired: Impaired) -> Vec<LineOptions> {
        self.groups.iter().map(|&to| LineOptions { to, impaired }).collect()
    }

    fn now(&self) -> Nanos {
        Nanos::new(self.began.elapsed().as_nanos() as u64)
    }

    /// Listens until the session is over; gives the number after its last message.
    fn listen(&mut self, server: SocketAddr, ear: &mut impl Ear) -> SeqNo {
        let began = Instant::now();
        let mut datagram = [0; 65_536];
        loop {
            assert!(began.elapsed() < PATIENCE, "no end: {:?}", self.receiver.health());
            let mut idle = true;
            for line in [Line::A, Line::B, Line::Reply] {
                let socket = match line {
                    Line::A => &self.lines[0],
                    Line::B => &self.lines[1],
                    Line::Reply => &self.replies,
                };
                let Ok(len) = socket.recv(&mut datagram) else { continue };
                idle = false;
                let now = self.now();
                let packet = mold::packet(&datagram[..len]).expect("the publisher's own packet");
                if let Arrival::Next { skip } = self.receiver.on_packet(now, line, packet) {
                    mold::messages(packet.body).skip(skip.into()).for_each(|m| ear.message(m));
                }
                if let Some(next) = self.steps(server, ear) {
                    return next;
                }
            }
            let now = self.now();
            if self.receiver.next_deadline().is_some_and(|deadline| deadline <= now) {
                self.receiver.on_deadline(now);
                if let Some(next) = self.steps(server, ear) {
                    return next;
                }
            } else if idle {
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    }

    fn steps(&mut self, server: SocketAddr, ear: &mut impl Ear) -> Option<SeqNo> {
        loop {
            let now = self.now();
            let session = self.receiver.session();
            match self.receiver.poll(now)? {
                Step::Apply(held) => {
                    mold::messages(held.body).skip(held.skip.into()).for_each(|m| ear.message(m));
                }
                Step::Request { from, count } => {
                    let request = mold::request(session.unwrap(), from, count);
                    self.replies.send_to(&request, server).unwrap();
                }
                Step::Snapshot => {
                    let join = ear.snapshot();
                    let now = self.now();
                    self.receiver.join(now, join).unwrap();
                }
                Step::Lost { from, count } => panic!("{count} messages lost from {from}"),
                Step::NewSession(_) | Step::Stale | Step::Silent | Step::Live => {}
                Step::Ended { next } => return Some(next),
            }
        }
    }
}

/// Keeps everything.
#[derive(Default)]
struct All(Vec<Vec<u8>>);

impl Ear for All {
    fn message(&mut self, message: &[u8]) {
        self.0.push(message.to_vec());
    }
    fn snapshot(&mut self) -> SeqNo {
        panic!("no snapshot was offered");
    }
}

fn messages(options: generate::Options) -> Vec<Vec<u8>> {
    let mut day = Day::new(options).unwrap();
    let mut all = Vec::new();
    while let Some((_, message)) = day.next() {
        all.push(message.to_vec());
    }
    all
}

const LOSSY: Impaired = Impaired {
    loss: 0.2,
    duplicate: 0.05,
    reorder: 0.1,
    skew: Nanos::from_micros(300),
    ..Impaired::NOT
};

#[test]
fn every_message_arrives_once_in_order_over_two_lossy_lines() {
    let day = generate::Options { seed: 5, symbols: 10, messages: 40_000, ..Default::default() };
    let mut subscriber = Subscriber::new(Start::Beginning, false);
    let publisher = Publisher::start(Options {
        pace: Pace::Rate(80_000),
        lines: subscriber.line_options(LOSSY),
        requests: Some(RequestOptions { impaired: LOSSY, ..RequestOptions::DEFAULT }),
        snapshots: None,
        heartbeat: Nanos::from_millis(50),
        ..Options::new(Origin::Day(day))
    })
    .unwrap();
    publisher.go();
    let mut all = All::default();
    let next = subscriber.listen(publisher.request_addr().unwrap(), &mut all);
    assert_eq!(next, SeqNo::new(40_001));
    assert!(all.0 == messages(day), "each message once, in order");
    assert!(publisher.is_over());
    assert_eq!(publisher.reference().messages, 40_000);

    let stats = publisher.stop().unwrap();
    assert_eq!(stats.messages, 40_000);
    for line in stats.lines {
        let offered = line.packets - line.duplicated + line.lost;
        assert!(offered / 7 < line.lost && line.lost < offered / 3, "{line:?}");
        assert!(0 < line.duplicated && 0 < line.reordered, "{line:?}");
    }
    assert_ne!(stats.lines[0], stats.lines[1], "each line has fates of its own");
    assert!(0 < stats.requests_answered && 0 < stats.replies_lost, "{stats:?}");
    let health = subscriber.receiver.health();
    assert!(0 < health.recovered_by_line && 0 < health.recovered_by_request, "{health:?}");
    assert_eq!(health.given_up, 0);
}

/// Books of everything heard.
pub(crate) struct Market {
    venue: Nasdaq,
    roster: Roster,
    books: Books,
    /// Where snapshots are had.
    snapshots: Option<SocketAddr>,
    pub(crate) joined: Option<SeqNo>,
}

impl Market {
    pub(crate) fn new(snapshots: Option<SocketAddr>) -> Self {
        let capacity = Capacity { instruments: 64, orders: 50_000, levels: 50_000 };
        Self {
            venue: Nasdaq::new(),
            roster: Roster::new(Ownership::even(1), 0, capacity.instruments),
            books: Books::new(capacity),
            snapshots,
            joined: None,
        }
    }

    /// Ticker and state of every book.
    pub(crate) fn hashes(&self) -> Vec<(String, u64)> {
        let hash = |(at, &symbol): (usize, &types::Symbol)| {
            (symbol.to_string(), self.books.state_hash(InstrumentId::new(at as u32), symbol))
        };
        let mut hashes: Vec<_> = self.roster.symbols().iter().enumerate().map(hash).collect();
        hashes.sort();
        hashes
    }
}

impl Ear for Market {
    fn message(&mut self, message: &[u8]) {
        if let Normal::Event(event) = self.venue.decode(message, &mut self.roster).unwrap() {
            let applied = self.books.apply(&event).applied;
            assert!(!applied.is_inconsistent(), "{applied:?} {event:?}");
        }
    }

    fn snapshot(&mut self) -> SeqNo {
        let (loaded, join) = fetch(self.snapshots.unwrap(), *b"RIALTO", *b"Rialto    ").unwrap();
        for message in &loaded {
            self.message(message);
        }
        self.joined = Some(join);
        join
    }
}

/// Fetches a snapshot as any client would.
pub(crate) fn fetch(
    from: SocketAddr,
    user: [u8; 6],
    password: [u8; 10],
) -> Result<(Vec<Vec<u8>>, SeqNo), glimpse::Failure> {
    let config = GlimpseConfig {
        soup: SoupConfig::default(),
        connect: Nanos::from_secs(30),
        pause: Nanos::from_secs(30),
        backoff: Nanos::from_millis(10),
        backoff_max: Nanos::from_millis(10),
        attempts_max: 1,
    };
    let credentials = Credentials { user, password, session: SessionId::new([b' '; 10]) };
    let mut client = glimpse::Client::new(config, credentials);
    let (began, mut stream, mut loaded) = (Instant::now(), None::<TcpStream>, Vec::new());
    let now = || Nanos::new(began.elapsed().as_nanos() as u64);
    client.start(now());
    let mut bytes = [0; 4_096];
    let mut unread: Vec<u8> = Vec::new();
    loop {
        assert!(began.elapsed() < PATIENCE, "no end of the snapshot");
        let mut opened = false;
        while let Some(item) = client.poll(now()) {
            match item {
                glimpse::Item::Open => {
                    stream = Some(TcpStream::connect(from).unwrap());
                    opened = true;
                }
                glimpse::Item::Close => stream = None,
                glimpse::Item::Begin => loaded.clear(),
                glimpse::Item::Message(message) => loaded.push(message.to_vec()),
                glimpse::Item::End { join } => return Ok((loaded, join)),
                glimpse::Item::Again(why) | glimpse::Item::Failed(why) => return Err(why),
            }
        }
        if opened {
            client.on_opened(now());
        }
        let Some(stream) = &mut stream else { continue };
        while let Some(out) = client.poll_transmit() {
            let sent = stream.write(out).unwrap();
            client.sent(sent);
        }
        if unread.is_empty() {
            match stream.read(&mut bytes) {
                Ok(0) | Err(_) => client.on_closed(now()),
                Ok(len) => unread.extend_from_slice(&bytes[..len]),
            }
        }
        let took = client.on_bytes(now(), &unread);
        unread.drain(..took);
    }
}

/// The books of a day played without any loss.
fn lossless(day: generate::Options) -> Market {
    let mut market = Market::new(None);
    messages(day).iter().for_each(|message| market.message(message));
    market
}

#[test]
fn a_snapshot_and_what_follows_give_the_same_books() {
    let day = generate::Options { seed: 6, symbols: 8, messages: 60_000, ..Default::default() };
    let mut subscriber = Subscriber::new(Start::Snapshot, true);
    let publisher = Publisher::start(Options {
        pace: Pace::Rate(60_000),
        lines: subscriber.line_options(LOSSY),
        heartbeat: Nanos::from_millis(50),
        ..Options::new(Origin::Day(day))
    })
    .unwrap();
    publisher.go();
    until("a part of the day is gone", || 20_000 < publisher.stats().messages);
    let mut market = Market::new(publisher.snapshot_addr());
    let next = subscriber.listen(publisher.request_addr().unwrap(), &mut market);
    assert_eq!(next, SeqNo::new(60_001));
    let join = market.joined.expect("joined").get();
    assert!((20_000..=60_001).contains(&join), "{join}");
    let want = lossless(day).hashes();
    assert_eq!(want.len(), 8);
    assert_eq!(market.hashes(), want);

    // After the end of the session both servers still serve, and the snapshot is the whole day.
    until("the book is up to date", || {
        let mut late = Market::new(publisher.snapshot_addr());
        late.snapshot();
        late.joined == Some(next) && late.hashes() == want
    });
    let stats = publisher.stop().unwrap();
    assert!(2 <= stats.snapshots_served, "{stats:?}");
    assert_eq!((stats.book_faults, stats.snapshot_slow), (0, 0));
}

/// A publisher of a short day with nobody on its lines, played to its end.
fn played(
    requests: RequestOptions,
    snapshots: SnapshotOptions,
    day: generate::Options,
) -> Publisher {
    let (_unheard, to) = join(3);
    let publisher = Publisher::start(Options {
        pace: Pace::Max,
        lines: vec![LineOptions { to, impaired: Impaired::NOT }],
        requests: Some(requests),
        snapshots: Some(snapshots),
        session: SessionId::new(*b"SESSION001"),
        ..Options::new(Origin::Day(day))
    })
    .unwrap();
    publisher.go();
    until("the day is over", || publisher.is_over());
    publisher
}

const SHORT: generate::Options =
    generate::Options { seed: 7, symbols: 4, first_locate: 1, messages: 5_000, live_orders: None };

#[test]
fn bad_requests_are_counted_and_others_are_answered() {
    let requests =
        RequestOptions { messages_max: 1_000, per_second: 1_000, ..RequestOptions::DEFAULT };
    let publisher = played(requests, SnapshotOptions::DEFAULT, SHORT);
    let server = publisher.request_addr().unwrap();
    let want = messages(SHORT);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let session = SessionId::new(*b"SESSION001");
    let ask = |from, count| mold::request(session, SeqNo::new(from), count).to_vec();
    let bad = [
        Vec::new(),
        vec![0; 19],
        [ask(4_500, 1), vec![0]].concat(),
        vec![0xFF; 60_000],
        mold::request(SessionId::new(*b"SESSION002"), SeqNo::new(4_500), 1).to_vec(),
        ask(0, 1),
        ask(4_000, 1), // too old: a thousand are remembered
        ask(5_001, 1), // for the future
        ask(4_500, 0),
        ask(u64::MAX, u16::MAX),
    ];
    for request in &bad {
        socket.send_to(request, server).unwrap();
    }
    // An absurd count is answered with what fits.
    socket.send_to(&ask(4_500, u16::MAX), server).unwrap();
    let mut reply = [0; 65_536];
    let len = socket.recv(&mut reply).unwrap();
    assert!(len <= 1_472);
    let packet = mold::packet(&reply[..len]).unwrap();
    assert_eq!(packet.sequence, SeqNo::new(4_500));
    assert!(20 < packet.count);
    let got: Vec<_> = mold::messages(packet.body).collect();
    assert_eq!(got, want[4_499..][..got.len()]);
    let stats = publisher.stats();
    assert_eq!(stats.requests_refused, bad.len() as u64);
    assert_eq!((stats.requests_answered, stats.requests), (1, bad.len() as u64 + 1));

    // A flood is cut, and someone else is answered all the same.
    for _ in 0..5_000 {
        socket.send_to(&ask(4_500, 1), server).unwrap();
    }
    until("the flood is noticed", || 0 < publisher.stats().requests_throttled);
    let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    other.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    until("the other is answered", || {
        other.send_to(&ask(4_600, 1), server).unwrap();
        other.recv(&mut reply).is_ok()
    });
    publisher.stop().unwrap();
}

#[test]
fn bad_snapshot_clients_are_cut_and_others_are_served() {
    let day = generate::Options { messages: 400_000, live_orders: Some(250_000), ..SHORT };
    let snapshots = SnapshotOptions {
        clients_max: 3,
        stall: Nanos::from_millis(300),
        login: Nanos::from_millis(300),
        ..SnapshotOptions::DEFAULT
    };
    let publisher = played(RequestOptions::DEFAULT, snapshots, day);
    let server = publisher.snapshot_addr().unwrap();
    let stats = || publisher.stats();

    // Says nothing at all, talks HTTP, does not read its ten megabytes.
    let _mute = TcpStream::connect(server).unwrap();
    until("the mute client is taken", || stats().snapshot_clients == 1);
    let mut lost = TcpStream::connect(server).unwrap();
    lost.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    until("the lost client is cut", || 1 <= stats().snapshot_silent);
    let mut slow = TcpStream::connect(server).unwrap();
    let login = format!("\0\x2fL{:6}{:10}{:10}{:>20}", "rialto", "rialto", "", 1);
    slow.write_all(login.as_bytes()).unwrap();
    until("the slow client is cut", || 1 <= stats().snapshot_slow);
    until("the mute client is cut", || 2 <= stats().snapshot_silent);

    // One too many is turned away while the others wait.
    let waiting: Vec<_> = (0..4).map(|_| TcpStream::connect(server).unwrap()).collect();
    until("one is turned away", || 1 <= stats().snapshot_crowded);
    drop(waiting);

    until("the room is free", || {
        fetch(server, *b"nobody", *b"nothing   ") == Err(glimpse::Failure::Rejected)
    });
    until("a good client is served", || match fetch(server, *b"rialto", *b"rialto    ") {
        Ok((loaded, join)) => {
            let mut loader = Market::new(None);
            let orders = loaded.iter().filter(|message| message[0] == b'A').count();
            loaded.iter().filter(|message| message[0] == b'R').for_each(|r| loader.message(r));
            assert_eq!(loader.roster.symbols().len(), 4);
            200_000 < orders && join == SeqNo::new(400_001)
        }
        Err(_) => false,
    });
    let stats = publisher.stop().unwrap();
    assert!(1 <= stats.snapshots_served && 1 <= stats.snapshot_rejected, "{stats:?}");
}

#[test]
fn a_publisher_that_is_stopped_early_says_how_far_it_came() {
    let day = generate::Options { messages: u64::MAX, ..SHORT };
    let (heard, to) = join(4);
    let publisher = Publisher::start(Options {
        pace: Pace::Rate(50_000),
        lines: vec![LineOptions { to, impaired: Impaired::NOT }],
        ..Options::new(Origin::Day(day))
    })
    .unwrap();
    assert_eq!(publisher.stats().messages, 0, "nothing before go");
    publisher.go();
    let mut last = None;
    let mut hear = |done: bool| {
        let mut datagram = [0; 2_048];
        while let Ok(len) = heard.recv(&mut datagram) {
            let packet = mold::packet(&datagram[..len]).unwrap();
            last = Some((packet.end, packet.sequence));
        }
        done
    };
    until("some of it is sent", || hear(1_000 < publisher.stats().messages));
    publisher.finish();
    until("the session is over", || hear(publisher.is_over()));
    let reference = publisher.reference();
    assert_eq!(publisher.stop().unwrap().messages, reference.messages);
    hear(true);
    // The end of the session is announced at once, with the number that would be next.
    assert_eq!(last, Some((true, SeqNo::new(reference.messages + 1))));
}

#[test]
fn options_that_cannot_be_are_refused_with_a_sentence() {
    let good = Options::new(Origin::Day(SHORT));
    let one = good.lines[0];
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let listen = taken.local_addr().unwrap();
    let cases = [
        (Options { lines: vec![], ..good.clone() }, "one line or two"),
        (Options { lines: vec![one, one], ..good.clone() }, "cannot both be"),
        (Options { pace: Pace::Rate(0), ..good.clone() }, "rate of 0"),
        (Options { pace: Pace::Speed(f64::NAN), ..good.clone() }, "speed of NaN"),
        (Options { datagram_bytes_max: 20, ..good.clone() }, "datagrams of 20 bytes"),
        (
            Options { origin: Origin::File("no/such/file".into()), ..good.clone() },
            "cannot read no/such/file",
        ),
        (
            Options {
                snapshots: Some(SnapshotOptions { listen, ..SnapshotOptions::DEFAULT }),
                ..good
            },
            "cannot serve snapshots on",
        ),
    ];
    for (options, want) in cases {
        let error = Publisher::start(options).err().expect(want).to_string();
        assert!(error.contains(want), "{error}");
    }
}

/// Wireshark's MoldUDP64 dissector reads a generated capture: no malformed frame, both checksums
/// right, every message counted.
#[test]
fn tshark_reads_a_generated_capture() {
    let tshark = |arguments: &[&str]| {
        let file = std::env::temp_dir().join(format!("rialto-{}.pcap", std::process::id()));
        let mut out = std::fs::File::create(&file).unwrap();
        let mut day = Day::new(generate::Options { messages: 20_000, ..SHORT }).unwrap();
        let written = generate::write_day(&mut day, generate::Format::Pcap, &mut out).unwrap();
        let port = format!("udp.port=={},moldudp64", generate::PCAP_GROUP.port());
        let output = std::process::Command::new("tshark")
            .args(["-r", file.to_str().unwrap(), "-d", &port])
            .args(["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"])
            .args(arguments)
            .output();
        std::fs::remove_file(&file).unwrap();
        output.map(|output| (String::from_utf8(output.stdout).unwrap(), written))
    };
    let bad = "_ws.malformed || _ws.expert.severity == error \
               || ip.checksum.status == 0 || udp.checksum.status == 0";
    let Ok((malformed, _)) = tshark(&["-Y", bad]) else {
        return crate::kit::absent("no tshark: it comes with the package of that name");
    };
    assert_eq!(malformed, "");
    let (counts, written) =
        tshark(&["-Y", "moldudp64", "-T", "fields", "-e", "moldudp64.count"]).unwrap();
    let counts: Vec<u64> = counts.lines().map(|count| count.parse().unwrap()).collect();
    assert_eq!(counts.len() as u64, written.packets);
    assert_eq!(counts.last(), Some(&0xFFFF), "the end of the session");
    assert_eq!(counts[..counts.len() - 1].iter().sum::<u64>(), 20_000);
}
