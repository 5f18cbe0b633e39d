//! The loop over real sockets, rings and connections. Waits have a bound only in order to fail.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use types::Nanos;

use crate::ring::{Popped, WhenFull, link};
use crate::{
    Config, Core, Event, Group, Idle, Ingress, LinkId, Machine, Message, Outbox, Running, Seat,
    Socket, SocketId, Stream, StreamId, launch,
};

pub(super) const PATIENCE: Duration = Duration::from_secs(30);
pub(super) const ANY_PORT: SocketAddr =
    SocketAddr::V4(std::net::SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
/// Sleeps at the first chance.
pub(super) const DROWSY: Idle = Idle::Backoff { spins: 1 };

/// A machine in a closure: what it answers becomes the next deadline, `None` leaves it.
pub(super) struct Script<F> {
    on_event: F,
    deadline: Option<Nanos>,
}

impl<F: FnMut(Nanos, Event<'_>, &mut Outbox) -> Option<Nanos>> Machine for Script<F> {
    fn on_event(&mut self, now: Nanos, event: Event<'_>, out: &mut Outbox) {
        if event == Event::Deadline {
            self.deadline = None;
        }
        self.deadline = (self.on_event)(now, event, out).or(self.deadline);
    }

    fn next_deadline(&self) -> Option<Nanos> {
        self.deadline
    }

    fn housekeep(&mut self, _now: Nanos, _out: &mut Outbox) {}
}

/// A script whose first deadline is at once.
pub(super) fn script<F>(on_event: F) -> impl FnOnce() -> Result<Script<F>, String> + Send
where
    F: FnMut(Nanos, Event<'_>, &mut Outbox) -> Option<Nanos> + Send,
{
    move || Ok(Script { on_event, deadline: Some(Nanos::ZERO) })
}

pub(super) fn core(idle: Idle) -> Core {
    Core::new("test", None, idle).unwrap()
}

pub(super) fn wait_until(mut condition: impl FnMut() -> bool, what: &str) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        thread::yield_now();
    }
}

pub(super) fn stop(running: Running) {
    assert_eq!(running.stop(), Ok(()));
}

/// Starts one shard alone that sends back each datagram to `peer`.
fn echo(idle: Idle, ingress: Ingress, peer: &UdpSocket) -> Running {
    let to = Some(peer.local_addr().unwrap());
    let socket = Socket { ingress, peer: to, datagram_max: 100, ..Socket::new(ANY_PORT) };
    let config = Config {
        sockets: vec![socket],
        latency_interval: Some(Nanos::from_millis(1)),
        ..Config::default()
    };
    let machine = script(|now, event, out| {
        match event {
            Event::Datagram { socket, received, bytes } => {
                assert!(received.since(now) < Nanos::from_secs(1), "about the same clock");
                out.send(socket, bytes).unwrap();
            }
            Event::Oversize { socket, len } => out.send(socket, &len.to_be_bytes()).unwrap(),
            Event::Deadline
            | Event::Opened { .. }
            | Event::Accepted { .. }
            | Event::Bytes { .. }
            | Event::Closed { .. }
            | Event::Message { .. }
            | Event::Missed { .. } => {}
        }
        None
    });
    let mut core = core(idle);
    core.seat(Seat::new(config, Vec::new(), Vec::new(), machine, drop));
    launch(vec![core]).unwrap()
}

#[test]
fn it_echoes_by_each_way_in_and_each_way_of_waiting() {
    let cases = [
        (Idle::Spin, Ingress::Poll),
        (DROWSY, Ingress::Poll),
        (Idle::Spin, Ingress::Uring),
        (DROWSY, Ingress::Uring),
    ];
    for (idle, ingress) in cases {
        let peer = UdpSocket::bind(ANY_PORT).unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut running = echo(idle, ingress, &peer);
        let watch = running.shards()[0].watch.clone();
        let mut latencies = running.shards()[0].latencies.take().unwrap();
        peer.connect(running.shards()[0].sockets[0].local).unwrap();
        let mut answer = [0; 200];
        for round in 0..300_usize {
            // The first ones slowly, so that it sleeps in between.
            if round < 20 {
                thread::sleep(Duration::from_millis(2));
            }
            let question = vec![round as u8; round % 150];
            peer.send(&question).unwrap();
            let len = peer.recv(&mut answer).unwrap();
            let oversize = question.len().to_be_bytes();
            let want = if 100 < question.len() { &oversize[..] } else { &question };
            assert_eq!(&answer[..len], want, "{idle:?} {ingress:?} {round}");
        }
        stop(running);
        let counters = watch.counters();
        assert_eq!(counters.datagrams + counters.oversize, 300);
        assert_eq!((counters.oversize, counters.sent, counters.unstamped), (98, 300, 0));
        assert_eq!(0 < counters.parks, idle == DROWSY, "{counters:?}");
        assert_eq!(counters.seal_broken, 0, "allocations inside `poll`: {counters:?}");
        let mut recorded = 0;
        latencies.drain(|interval| recorded += interval.sockets[0].len());
        assert_eq!(recorded, counters.datagrams);
    }
}

#[test]
fn both_ways_in_hear_their_groups() {
    let port = UdpSocket::bind(ANY_PORT).unwrap().local_addr().unwrap().port();
    let line = |last, ingress| Socket {
        group: Some(Group {
            address: Ipv4Addr::new(239, 255, 72, last),
            interface: Ipv4Addr::LOCALHOST,
        }),
        ingress,
        ..Socket::new(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
    };
    let config = Config {
        sockets: vec![line(1, Ingress::Poll), line(2, Ingress::Uring)],
        ..Config::default()
    };
    let (heard, hear) = channel();
    let machine = script(move |_, event, _| {
        if let Event::Datagram { socket, bytes, .. } = event {
            heard.send((socket, bytes.to_vec())).unwrap();
        }
        None
    });
    let mut core = core(DROWSY);
    core.seat(Seat::new(config, Vec::new(), Vec::new(), machine, drop));
    let running = launch(vec![core]).unwrap();
    let sender = socket2_multicast_sender();
    for round in 0..50_u8 {
        for (last, socket) in [(1, SocketId(0)), (2, SocketId(1))] {
            let to = SocketAddr::from((Ipv4Addr::new(239, 255, 72, last), port));
            sender.send_to(&[round, last], to).unwrap();
            assert_eq!(hear.recv_timeout(PATIENCE).unwrap(), (socket, vec![round, last]));
        }
    }
    stop(running);
}

/// A sender whose datagrams leave by loopback: bound to its address, which decides the route.
fn socket2_multicast_sender() -> UdpSocket {
    let sender = UdpSocket::bind(ANY_PORT).unwrap();
    let interface = nix::libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) };
    let value = &raw const interface;
    let len = size_of_val(&interface) as nix::libc::socklen_t;
    use std::os::fd::AsRawFd;
    // SAFETY: the option is an in_addr, read before the call returns.
    let set = unsafe {
        nix::libc::setsockopt(
            sender.as_raw_fd(),
            nix::libc::IPPROTO_IP,
            nix::libc::IP_MULTICAST_IF,
            value.cast(),
            len,
        )
    };
    assert_eq!(set, 0);
    sender
}

#[test]
fn a_deadline_wakes_a_parked_core() {
    let (told, hear) = channel();
    let mut left = 10;
    let machine = script(move |now, event, _| {
        assert_eq!(event, Event::Deadline);
        told.send(now).unwrap();
        left -= 1;
        (0 < left).then(|| now.saturating_add(Nanos::from_millis(5)))
    });
    let mut core = core(DROWSY);
    core.seat(Seat::new(Config::default(), Vec::new(), Vec::new(), machine, drop));
    let mut running = launch(vec![core]).unwrap();
    let times: Vec<Nanos> = (0..10).map(|_| hear.recv_timeout(PATIENCE).unwrap()).collect();
    for pair in times.windows(2) {
        assert!(Nanos::from_millis(5) <= pair[1].since(pair[0]), "not early: {pair:?}");
    }
    let watch = running.shards()[0].watch.clone();
    stop(running);
    let counters = watch.counters();
    assert_eq!(counters.deadlines, 10);
    assert!(5 <= counters.parks, "it slept: {counters:?}");
    assert!(counters.idle_ns < counters.parked_ns, "and mostly: {counters:?}");
}

#[test]
fn a_ring_wakes_a_parked_core_from_a_cold_thread_and_from_another_shard() {
    let (mut first, mut second) = (core(DROWSY), core(DROWSY));
    let (mut to_first, from_cold) = link(8, WhenFull::Stop, Some(first.bell()));
    let (to_second, from_first) = link(8, WhenFull::Stop, Some(second.bell()));
    let (to_cold, mut from_second) = link(8, WhenFull::Stop, None);
    let forward = || {
        script(|_, event, out| {
            if let Event::Message { link, message } = event {
                out.ring(link, *message).unwrap();
            }
            None
        })
    };
    let config = Config::default;
    first.seat(Seat::new(config(), vec![from_cold], vec![to_second], forward(), drop));
    second.seat(Seat::new(config(), vec![from_first], vec![to_cold], forward(), drop));
    let mut running = launch(vec![first, second]).unwrap();
    for round in 0..300_u64 {
        if round < 20 {
            thread::sleep(Duration::from_millis(2));
        }
        to_first.send(Message([round; 8]));
        let mut popped = None;
        wait_until(
            || {
                popped = from_second.pop();
                popped.is_some()
            },
            "a message round the ring",
        );
        assert_eq!(popped, Some(Popped::Message(Message([round; 8]))));
    }
    let shards = running.take_shards();
    stop(running);
    for shard in shards {
        let counters = shard.watch.counters();
        assert_eq!((counters.messages, counters.ring_sent), (300, 300));
        assert!(0 < counters.parks, "{counters:?}");
        assert_eq!(counters.seal_broken, 0, "allocations inside `poll`");
    }
}

#[test]
fn stopping_in_order_loses_nothing_although_the_ring_is_short() {
    const DATAGRAMS: u64 = 500;
    let peer = UdpSocket::bind(ANY_PORT).unwrap();
    let (mut first, mut second) = (core(Idle::Spin), core(DROWSY));
    let (outward, inward) = link(2, WhenFull::Stop, Some(second.bell()));
    let config = Config { sockets: vec![Socket::new(ANY_PORT)], ..Config::default() };
    let mut sent = 0;
    let forward = script(move |_, event, out: &mut Outbox| {
        if let Event::Datagram { .. } = event {
            for _ in 0..3 {
                out.ring(LinkId(0), Message([sent; 8])).unwrap();
                sent += 1;
            }
        }
        None
    });
    first.seat(Seat::new(config, Vec::new(), vec![outward], forward, drop));
    let (total, totals) = channel();
    let mut next = 0;
    let count = script(move |_, event, _| {
        if let Event::Message { message, .. } = event {
            assert_eq!(message.0[0], next, "in order, none lost");
            next += 1;
            total.send(next).unwrap();
        }
        None
    });
    second.seat(Seat::new(Config::default(), vec![inward], Vec::new(), count, drop));
    let mut running = launch(vec![first, second]).unwrap();
    let to = running.shards()[0].sockets[0].local;
    for _ in 0..DATAGRAMS {
        peer.send_to(b"x", to).unwrap();
    }
    let watches: Vec<_> = running.take_shards().into_iter().map(|shard| shard.watch).collect();
    // On loopback they are all in the socket's buffer by now; stopping drains it.
    stop(running);
    assert_eq!(watches[0].counters().datagrams, DATAGRAMS);
    assert!(0 < watches[0].counters().blocked_cycles, "the short ring held it up");
    assert_eq!(totals.iter().last(), Some(DATAGRAMS * 3));
}

#[test]
fn shards_on_one_core_take_turns() {
    let mut core = core(DROWSY);
    let (mut to_first, from_cold) = link(8, WhenFull::Gap, Some(core.bell()));
    let (to_second, from_first) = link(8, WhenFull::Gap, Some(core.bell()));
    let (to_cold, mut from_second) = link(8, WhenFull::Gap, None);
    for (inward, outward) in [(from_cold, to_second), (from_first, to_cold)] {
        let forward = script(|_, event, out: &mut Outbox| {
            if let Event::Message { message, .. } = event {
                out.ring(LinkId(0), Message(message.0.map(|word| word + 1))).unwrap();
            }
            None
        });
        core.seat(Seat::new(Config::default(), vec![inward], vec![outward], forward, drop));
    }
    let running = launch(vec![core]).unwrap();
    for round in 0..100 {
        to_first.send(Message([round; 8]));
        let mut popped = None;
        wait_until(
            || {
                popped = from_second.pop();
                popped.is_some()
            },
            "through both shards",
        );
        assert_eq!(popped, Some(Popped::Message(Message([round + 2; 8]))));
    }
    stop(running);
}

#[test]
fn a_machine_hears_what_a_ring_has_dropped() {
    let mut core = core(DROWSY);
    let (mut producer, inward) = link(2, WhenFull::Gap, Some(core.bell()));
    let (told, hear) = channel();
    let tell = script(move |_, event, _| {
        match event {
            Event::Message { message, .. } => told.send(message.0[0]).unwrap(),
            Event::Missed { link, count } => {
                assert_eq!(link, LinkId(0));
                told.send(1000 + count).unwrap();
            }
            Event::Datagram { .. }
            | Event::Oversize { .. }
            | Event::Opened { .. }
            | Event::Accepted { .. }
            | Event::Bytes { .. }
            | Event::Closed { .. }
            | Event::Deadline => {}
        }
        None
    });
    core.seat(Seat::new(Config::default(), vec![inward], Vec::new(), tell, drop));
    // Before anyone takes them: two fit, three do not.
    for value in 0..5 {
        producer.send(Message([value; 8]));
    }
    let running = launch(vec![core]).unwrap();
    let heard: Vec<_> = (0..2).map(|_| hear.recv_timeout(PATIENCE).unwrap()).collect();
    producer.send(Message([5; 8]));
    let rest: Vec<_> = (0..2).map(|_| hear.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!((heard, rest), (vec![0, 1], vec![1003, 5]));
    stop(running);
}

#[derive(Debug, PartialEq, Eq)]
enum News {
    Opened,
    Bytes(Vec<u8>),
    Closed,
}

/// Opens, says `words` once open, tells what it hears, and opens again so many times.
fn talker(
    words: Vec<u8>,
    mut again: u32,
    told: Sender<News>,
) -> impl FnMut(Nanos, Event<'_>, &mut Outbox) -> Option<Nanos> {
    move |_, event, out| {
        let stream = StreamId(0);
        match event {
            Event::Deadline => out.open(stream).unwrap(),
            Event::Opened { .. } => {
                told.send(News::Opened).unwrap();
                out.write(stream, &words).unwrap();
            }
            Event::Bytes { bytes, .. } => {
                told.send(News::Bytes(bytes.to_vec())).unwrap();
                if bytes.ends_with(b".") {
                    out.close(stream).unwrap();
                }
            }
            Event::Closed { .. } => {
                told.send(News::Closed).unwrap();
                if 0 < again {
                    again -= 1;
                    out.open(stream).unwrap();
                }
            }
            Event::Datagram { .. }
            | Event::Oversize { .. }
            | Event::Accepted { .. }
            | Event::Message { .. }
            | Event::Missed { .. } => panic!("{event:?}"),
        }
        None
    }
}

fn run_talker(idle: Idle, stream: Stream, words: Vec<u8>, again: u32) -> (Running, Receiver<News>) {
    let (told, hear) = channel();
    let config = Config { streams: vec![stream], ..Config::default() };
    let mut core = core(idle);
    let machine = script(talker(words, again, told));
    core.seat(Seat::new(config, Vec::new(), Vec::new(), machine, drop));
    (launch(vec![core]).unwrap(), hear)
}

#[test]
fn a_connection_talks_while_the_core_spins_or_sleeps() {
    for idle in [Idle::Spin, DROWSY] {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let stream = Stream::new(listener.local_addr().unwrap());
        // Longer than one chunk and one read, and both buffers together.
        let mut words: Vec<u8> = (0..200_000).map(|i| i as u8 | 0x80).collect();
        words.push(b'.');
        let server = thread::spawn(move || {
            for _ in 0..3 {
                let (mut peer, _) = listener.accept().unwrap();
                let mut seen = [0; 5_000];
                loop {
                    match peer.read(&mut seen).unwrap() {
                        0 => break,
                        count => peer.write_all(&seen[..count]).unwrap(),
                    }
                }
            }
        });
        let stream = Stream { receive_max: 20_000, ..stream };
        let (mut running, hear) = run_talker(idle, stream, words.clone(), 2);
        for _ in 0..3 {
            assert_eq!(hear.recv_timeout(PATIENCE), Ok(News::Opened));
            let mut heard = Vec::new();
            loop {
                match hear.recv_timeout(PATIENCE).unwrap() {
                    News::Bytes(bytes) => heard.extend(bytes),
                    News::Closed => break,
                    News::Opened => panic!("twice"),
                }
            }
            assert!(heard == words, "{} of {}", heard.len(), words.len());
        }
        server.join().unwrap();
        let watch = running.shards()[0].watch.clone();
        stop(running);
        let counters = watch.counters();
        assert_eq!((counters.opened, counters.closed), (3, 3));
        assert_eq!(counters.stream_bytes, 3 * words.len() as u64);
    }
}

#[test]
fn a_connection_that_cannot_be_made_is_closed() {
    // A port that was free a moment ago.
    let free = TcpListener::bind(ANY_PORT).unwrap().local_addr().unwrap();
    let (running, hear) = run_talker(DROWSY, Stream::new(free), Vec::new(), 1);
    for _ in 0..2 {
        assert_eq!(hear.recv_timeout(PATIENCE), Ok(News::Closed));
    }
    stop(running);
}

#[test]
fn a_write_that_does_not_fit_closes_the_connection() {
    let listener = TcpListener::bind(ANY_PORT).unwrap();
    let stream = Stream { write_max: 10, ..Stream::new(listener.local_addr().unwrap()) };
    let (mut running, hear) = run_talker(DROWSY, stream, vec![0; 11], 0);
    assert_eq!(hear.recv_timeout(PATIENCE), Ok(News::Opened));
    assert_eq!(hear.recv_timeout(PATIENCE), Ok(News::Closed));
    let (mut peer, _) = listener.accept().unwrap();
    assert_eq!(peer.read(&mut [0; 20]).unwrap(), 0, "not a part of it was sent");
    let watch = running.shards()[0].watch.clone();
    stop(running);
    assert_eq!(watch.counters().write_full, 1);
}

#[test]
fn what_cannot_start_says_why_and_starts_nothing() {
    let silent = || script(|_, event, _| panic!("started: {event:?}"));
    let on_cpu = |cpu| Core::new("c0", Some(cpu), DROWSY).unwrap();
    let nowhere = SocketAddr::from(([203, 0, 113, 1], 9));
    let bad_socket = Config { sockets: vec![Socket::new(nowhere)], ..Config::default() };
    let mut unbound = Core::new("c1", None, DROWSY).unwrap();
    unbound.seat(Seat::new(bad_socket, Vec::new(), Vec::new(), silent(), drop));
    let mut unmade = Core::new("c2", None, DROWSY).unwrap();
    let refuse = || {
        Err::<Script<fn(Nanos, Event<'_>, &mut Outbox) -> Option<Nanos>>, _>(String::from(
            "no such book",
        ))
    };
    unmade.seat(Seat::new(Config::default(), Vec::new(), Vec::new(), refuse, drop));
    let cases = [
        (on_cpu(1000), "core c0: cpu 1000 is not one this process may run on"),
        (unbound, "core c1, shard shard: UDP 203.0.113.1:9: cannot bind"),
        (unmade, "core c2, shard shard: no such book"),
    ];
    for (broken, want) in cases {
        let mut good = core(DROWSY);
        let config = Config::default();
        good.seat(Seat::new(config, Vec::new(), Vec::new(), silent(), drop));
        let error = launch(vec![good, broken]).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}

#[test]
fn a_machine_that_panics_is_named_and_the_others_go_on() {
    let (mut broken, mut good) = (Core::new("broken", None, DROWSY).unwrap(), core(DROWSY));
    let (mut to_good, inward) = link(2, WhenFull::Stop, Some(good.bell()));
    let (outward, mut answers) = link(2, WhenFull::Stop, None);
    let config = Config::default;
    let fail = script(|_, _, _| panic!("a fault on purpose"));
    broken.seat(Seat::new(config(), Vec::new(), Vec::new(), fail, drop));
    let answer = script(|_, event, out| {
        if let Event::Message { link, message } = event {
            out.ring(link, *message).unwrap();
        }
        None
    });
    good.seat(Seat::new(config(), vec![inward], vec![outward], answer, drop));
    let running = launch(vec![broken, good]).unwrap();
    wait_until(|| running.failed().eq(["broken"]), "its end is seen");
    to_good.send(Message([1; 8]));
    wait_until(|| answers.pop().is_some(), "an answer from the other");
    let faults = running.stop().unwrap_err();
    assert!(faults.len() == 1 && faults[0].starts_with("core broken"), "{faults:?}");
}
