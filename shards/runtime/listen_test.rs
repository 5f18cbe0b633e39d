//! Accepted connections over real loopback sockets. Waits have a bound only in order to fail.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{setsockopt, sockopt};
use nix::unistd::Pid;
use types::Nanos;

use super::tests::{ANY_PORT, DROWSY, PATIENCE, core, script, stop, wait_until};
use crate::{
    Config, Core, Event, Idle, Ingress, Listener, ListenerId, Outbox, Running, Seat, Socket,
    SocketId, Stream, StreamId, Watch, launch,
};

/// One flood: more than the kernel's buffers take, which end at 4 MiB out and 6 MiB in.
const FLOOD: usize = 16 * 1024 * 1024;
/// Longer than any test.
const FOR_EVER: Nanos = Nanos::from_secs(600);

/// Sends back what comes in, a flood for each `#`, and ends the connection after a `.`.
fn echo() -> impl FnMut(Nanos, Event<'_>, &mut Outbox) -> Option<Nanos> + Send {
    let flood = flood();
    move |_, event, out| {
        match event {
            Event::Bytes { stream, bytes } => {
                out.write(stream, bytes).unwrap();
                for _ in bytes.iter().filter(|byte| **byte == b'#') {
                    out.write(stream, &flood).unwrap();
                }
                if bytes.contains(&b'.') {
                    out.close(stream).unwrap();
                }
            }
            Event::Accepted { .. } | Event::Closed { .. } | Event::Deadline => {}
            Event::Datagram { .. }
            | Event::Oversize { .. }
            | Event::Opened { .. }
            | Event::Message { .. }
            | Event::Missed { .. } => panic!("{event:?}"),
        }
        None
    }
}

fn flood() -> Vec<u8> {
    (0..FLOOD).map(|i| (i % 251) as u8 | 0x80).collect()
}

/// What an echo takes: room for a flood in each connection's queue.
fn roomy(listen: SocketAddr) -> Listener {
    Listener { connections_max: 8, write_max: 2 * FLOOD, linger: FOR_EVER, ..Listener::new(listen) }
}

fn start(
    idle: Idle,
    listener: Listener,
    machine: impl FnMut(Nanos, Event<'_>, &mut Outbox) -> Option<Nanos> + Send + 'static,
) -> (Running, SocketAddr, Watch) {
    let effect_bytes_max = 3 * FLOOD;
    let config = Config { listeners: vec![listener], effect_bytes_max, ..Config::default() };
    let mut core = core(idle);
    core.seat(Seat::new(config, Vec::new(), Vec::new(), script(machine), drop));
    let mut running = launch(vec![core]).unwrap();
    let placed = &running.shards()[0];
    let (to, watch) = (placed.listeners[0], placed.watch.clone());
    (running, to, watch)
}

fn connect(to: SocketAddr) -> TcpStream {
    let peer = TcpStream::connect(to).unwrap();
    peer.set_nodelay(true).unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    peer.set_write_timeout(Some(PATIENCE)).unwrap();
    peer
}

fn say_and_hear(peer: &mut TcpStream, words: &[u8]) {
    peer.write_all(words).unwrap();
    let mut heard = vec![0; words.len()];
    peer.read_exact(&mut heard).unwrap();
    assert!(heard == words);
}

fn hear_the_end(peer: &mut TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    peer.read_to_end(&mut heard).unwrap();
    heard
}

/// Reads until the end or a reset; whether it was a reset.
fn is_reset(peer: &mut TcpStream) -> bool {
    let mut heard = vec![0; 1 << 16];
    loop {
        match peer.read(&mut heard) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return true,
            Err(error) => panic!("{error}"),
        }
    }
}

fn reset(peer: TcpStream) {
    let at_once = nix::libc::linger { l_onoff: 1, l_linger: 0 };
    setsockopt(&peer, sockopt::Linger, &at_once).unwrap();
    drop(peer);
}

#[test]
fn connections_are_taken_echo_and_end_either_way() {
    for idle in [Idle::Spin, DROWSY] {
        let (running, to, watch) = start(idle, roomy(ANY_PORT), echo());
        let mut bytes = 0;
        for round in 0..20_usize {
            let mut peers: Vec<_> = (0..3).map(|_| connect(to)).collect();
            // So that it sleeps before each: before the connection, and before its bytes.
            thread::sleep(Duration::from_millis(2));
            for (i, peer) in peers.iter_mut().enumerate() {
                let words = vec![b'a' + i as u8; 1 + round * 1_000];
                say_and_hear(peer, &words);
                bytes += words.len();
            }
            peers[0].write_all(b"over.").unwrap();
            assert_eq!(hear_the_end(&mut peers[0]), b"over.", "{idle:?}: ended by the machine");
            bytes += b"over.".len();
            peers[1].shutdown(Shutdown::Write).unwrap();
            assert_eq!(hear_the_end(&mut peers[1]), b"", "{idle:?}: ended by half");
            reset(peers.remove(2));
            drop(peers);
            let closed = (round as u64 + 1) * 3;
            wait_until(|| watch.counters().closed == closed, "the machine hears of each end");
        }
        stop(running);
        let counters = watch.counters();
        assert_eq!((counters.accepted, counters.closed, counters.accept_refused), (60, 60, 0));
        assert_eq!(counters.stream_bytes, bytes as u64);
        assert_eq!(counters.stream_sent_bytes, bytes as u64);
        assert_eq!((counters.write_full, counters.end_cut, counters.misaddressed), (0, 0, 0));
        assert_eq!(0 < counters.parks, idle == DROWSY, "{counters:?}");
        assert_eq!(counters.seal_broken, 0, "allocations inside `poll`: {counters:?}");
    }
}

#[test]
fn answers_leave_before_the_datagrams_of_the_same_input() {
    let everybody = UdpSocket::bind(ANY_PORT).unwrap();
    everybody.set_read_timeout(Some(PATIENCE)).unwrap();
    let peer = Some(everybody.local_addr().unwrap());
    let config = Config {
        sockets: vec![Socket { ingress: Ingress::Never, peer, ..Socket::new(ANY_PORT) }],
        listeners: vec![roomy(ANY_PORT)],
        ..Config::default()
    };
    let machine = script(|_, event, out| {
        assert!(!matches!(event, Event::Datagram { .. }), "the socket only sends");
        if let Event::Bytes { stream, bytes } = event {
            out.send(SocketId(0), bytes).unwrap();
            out.write(stream, bytes).unwrap();
        }
        None
    });
    // On one cpu loopback delivers in the order of the calls.
    let cpus = sched_getaffinity(Pid::from_raw(0)).unwrap();
    let cpu = (0..CpuSet::count()).find(|&cpu| cpus.is_set(cpu).unwrap());
    let mut core = Core::new("test", cpu, DROWSY).unwrap();
    core.seat(Seat::new(config, Vec::new(), Vec::new(), machine, drop));
    let mut running = launch(vec![core]).unwrap();
    let placed = &running.shards()[0];
    let (socket, mut client) = (placed.sockets[0].local, connect(placed.listeners[0]));
    everybody.send_to(b"unheard", socket).unwrap();
    client.set_nonblocking(true).unwrap();
    for round in 0..100_u8 {
        client.write_all(&[round; 10]).unwrap();
        let (mut told, mut answer) = ([0; 10], [0; 10]);
        assert_eq!(everybody.recv(&mut told).unwrap(), 10);
        assert_eq!(client.read(&mut answer).unwrap(), 10, "it is there already");
        assert_eq!((told, answer), ([round; 10], [round; 10]));
    }
    stop(running);
}

#[derive(Debug, PartialEq, Eq)]
enum News {
    Accepted(ListenerId, StreamId, SocketAddr),
    Bytes(StreamId, Vec<u8>),
    Closed(StreamId),
}

fn tell(told: Sender<News>) -> impl FnMut(Nanos, Event<'_>, &mut Outbox) -> Option<Nanos> + Send {
    move |_, event, _| {
        match event {
            Event::Accepted { listener, stream, peer } => {
                told.send(News::Accepted(listener, stream, peer)).unwrap();
            }
            Event::Bytes { stream, bytes } => {
                told.send(News::Bytes(stream, bytes.to_vec())).unwrap();
            }
            Event::Closed { stream } => told.send(News::Closed(stream)).unwrap(),
            Event::Deadline => {}
            Event::Datagram { .. }
            | Event::Oversize { .. }
            | Event::Opened { .. }
            | Event::Message { .. }
            | Event::Missed { .. } => panic!("{event:?}"),
        }
        None
    }
}

fn next(hear: &Receiver<News>) -> News {
    hear.recv_timeout(PATIENCE).unwrap()
}

#[test]
fn places_are_numbered_after_the_made_ones_run_out_and_come_back() {
    let nobody = Stream::new(SocketAddr::from(([127, 0, 0, 1], 9)));
    let listener = Listener { connections_max: 2, ..Listener::new(ANY_PORT) };
    let listeners = vec![listener.clone(), listener];
    let config = Config { streams: vec![nobody.clone(), nobody], listeners, ..Config::default() };
    let (told, hear) = channel();
    let mut core = core(DROWSY);
    core.seat(Seat::new(config, Vec::new(), Vec::new(), script(tell(told)), drop));
    let mut running = launch(vec![core]).unwrap();
    let (to, watch) = (running.shards()[0].listeners.clone(), running.shards()[0].watch.clone());
    let (mut refused, mut stay) = (0, Vec::new());
    for (id, first) in [(0, 2), (1, 4)] {
        let accepted = |stream, peer: &TcpStream| {
            News::Accepted(ListenerId(id), StreamId(stream), peer.local_addr().unwrap())
        };
        let to = to[usize::from(id)];
        let mut peers = Vec::new();
        for stream in [first, first + 1] {
            peers.push(connect(to));
            assert_eq!(next(&hear), accepted(stream, &peers[peers.len() - 1]));
        }
        for round in 0..10 {
            assert_eq!(connect(to).read(&mut [0]).unwrap(), 0, "closed as it came");
            refused += 1;
            wait_until(|| watch.counters().accept_refused == refused, "it is counted");
            let at = round % 2;
            let stream = first + at as u16;
            peers[at].write_all(b"last words").unwrap();
            assert_eq!(next(&hear), News::Bytes(StreamId(stream), b"last words".to_vec()));
            peers[at].shutdown(Shutdown::Write).unwrap();
            assert_eq!(next(&hear), News::Closed(StreamId(stream)));
            peers[at] = connect(to);
            assert_eq!(next(&hear), accepted(stream, &peers[at]), "the only free place");
        }
        stay.extend(peers);
    }
    stop(running);
    assert_eq!(watch.counters().accepted, 24);
}

/// Two that read it all, one whose end is by the machine and one that has ended by half before it
/// reads. The rest waits for them meanwhile, and a core that sleeps wakes to send it.
#[test]
fn what_the_kernel_does_not_take_waits_and_is_sent() {
    for idle in [Idle::Spin, DROWSY] {
        let (running, to, watch) = start(idle, roomy(ANY_PORT), echo());
        let mut peers = [connect(to), connect(to), connect(to)];
        peers[0].write_all(b"#.").unwrap();
        peers[1].write_all(b"#").unwrap();
        wait_until(|| watch.counters().stream_bytes == 3, "both have asked");
        peers[1].shutdown(Shutdown::Write).unwrap();
        wait_until(|| watch.counters().closed == 1, "the second has ended");
        say_and_hear(&mut peers[2], b"meanwhile");
        let flood = flood();
        let [first, second, _] = &mut peers;
        let heard = hear_the_end(second);
        assert!(heard[0] == b'#' && heard[1..] == flood, "{}", heard.len());
        let heard = hear_the_end(first);
        assert!(&heard[..2] == b"#." && heard[2..] == flood, "{}", heard.len());
        wait_until(|| watch.counters().closed == 2, "the first has ended");
        stop(running);
        let counters = watch.counters();
        assert_eq!((counters.write_full, counters.end_cut), (0, 0));
        assert_eq!(counters.seal_broken, 0, "allocations inside `poll`: {counters:?}");
    }
}

#[test]
fn one_that_does_not_read_is_cut_and_the_others_are_not() {
    for idle in [Idle::Spin, DROWSY] {
        let listener = Listener { write_max: FLOOD / 2, ..roomy(ANY_PORT) };
        let (running, to, watch) = start(idle, listener, echo());
        let (mut deaf, mut good) = (connect(to), connect(to));
        say_and_hear(&mut deaf, b"before");
        deaf.write_all(b"##").unwrap(); // one flood could just fit, with all buffers full
        wait_until(|| watch.counters().closed == 1, "the machine hears that it was cut");
        for _ in 0..10 {
            say_and_hear(&mut good, b"as ever");
        }
        assert!(is_reset(&mut deaf), "it can tell that it has not got all");
        let mut next = connect(to);
        say_and_hear(&mut next, b"a place as good as new");
        stop(running);
        let counters = watch.counters();
        assert_eq!((counters.write_full, counters.closed, counters.end_cut), (1, 1, 0));
        assert_eq!(counters.seal_broken, 0, "allocations inside `poll`: {counters:?}");
    }
}

/// The machine has ended them: one does not read, one reads and does not end, one goes on talking.
#[test]
fn an_end_that_the_peer_does_not_answer_is_bounded() {
    for idle in [Idle::Spin, DROWSY] {
        let listener = Listener { linger: Nanos::from_millis(50), ..roomy(ANY_PORT) };
        let (running, to, watch) = start(idle, listener, echo());
        let (mut deaf, mut silent, mut talker) = (connect(to), connect(to), connect(to));
        deaf.write_all(b"#.").unwrap();
        silent.write_all(b"x.").unwrap();
        assert_eq!(hear_the_end(&mut silent), b"x.");
        talker.write_all(b"y.").unwrap();
        assert_eq!(hear_the_end(&mut talker), b"y.");
        wait_until(|| talker.write_all(b"on and on").is_err(), "the talker is cut off");
        wait_until(|| watch.counters().closed == 3, "the machine hears of all three");
        assert!(is_reset(&mut deaf));
        stop(running);
        let counters = watch.counters();
        assert_eq!((counters.end_cut, counters.write_full), (1, 0));
        assert_eq!(counters.stream_bytes, 6, "what comes after the end is not handed over");
    }
}

/// All places are taken by connections that the machine has ended and whose peers do not end.
#[test]
fn one_that_has_ended_gives_its_place_to_the_next() {
    let (running, to, watch) = start(DROWSY, roomy(ANY_PORT), echo());
    let mut stay = Vec::new();
    for round in 1..40 {
        let mut peer = connect(to);
        peer.write_all(b"bye.").unwrap();
        assert_eq!(hear_the_end(&mut peer), b"bye.");
        wait_until(|| watch.counters().closed == round, "the machine hears of it");
        stay.push(peer);
    }
    stop(running);
    assert_eq!((watch.counters().accepted, watch.counters().accept_refused), (39, 0));
}

#[test]
fn thousands_of_idle_ones_do_not_stand_in_the_way() {
    // Two descriptors each, and as many as the host allows.
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let idle_ones = (hard.saturating_sub(1_000) / 2).min(2_000) as usize;
    assert!(100 < idle_ones, "`ulimit -n` is {hard}");
    for idle in [Idle::Spin, DROWSY] {
        let connections_max = idle_ones as u16 + 1;
        let listener = Listener { connections_max, write_max: 4_096, ..Listener::new(ANY_PORT) };
        let (running, to, watch) = start(idle, listener, echo());
        let mut peers: Vec<_> = (0..idle_ones).map(|_| connect(to)).collect();
        let mut active = connect(to);
        for round in 0..100 {
            say_and_hear(&mut active, &[round | 0x80; 40]);
        }
        // They are there all the same.
        for peer in &mut peers {
            say_and_hear(peer, b"here");
        }
        drop(peers);
        let closed = idle_ones as u64;
        wait_until(|| watch.counters().closed == closed, "all idle ones have gone");
        say_and_hear(&mut active, b"still here");
        stop(running);
        let counters = watch.counters();
        assert_eq!(counters.accepted, closed + 1);
        assert_eq!(counters.seal_broken, 0, "allocations inside `poll`: {counters:?}");
    }
}

#[test]
fn at_the_end_all_is_sent_all_is_closed_and_the_port_is_free() {
    let (mut running, mut to, mut watch) = start(DROWSY, roomy(ANY_PORT), echo());
    for _ in 0..3 {
        let (mut good, mut deaf) = (connect(to), connect(to));
        say_and_hear(&mut good, b"good day");
        deaf.write_all(b"#").unwrap();
        wait_until(|| watch.counters().stream_bytes == 9, "it has asked");
        good.write_all(b"last words").unwrap();
        stop(running);
        assert_eq!(hear_the_end(&mut good), b"last words");
        assert!(is_reset(&mut deaf), "it has not got all, and can tell");
        assert_eq!(watch.counters().end_cut, 1);
        let refused = TcpStream::connect(to).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        (running, to, watch) = start(DROWSY, roomy(to), echo());
    }
    stop(running);
}

#[test]
fn what_cannot_listen_says_why() {
    let taken = TcpListener::bind(ANY_PORT).unwrap();
    let here = taken.local_addr().unwrap();
    let most = Listener { connections_max: u16::MAX, write_max: 1, ..Listener::new(ANY_PORT) };
    let cases = [
        (vec![Listener::new(here)], format!("TCP {here}: cannot bind")),
        (
            vec![Listener { write_max: 0, ..Listener::new(here) }],
            format!("TCP {here}: receive_max and write_max are at least 1"),
        ),
        (vec![most.clone(), most], String::from("131070 to take are more than 65536")),
    ];
    for (listeners, want) in cases {
        let config = Config { listeners, ..Config::default() };
        let mut core = core(DROWSY);
        core.seat(Seat::new(config, Vec::new(), Vec::new(), script(echo()), drop));
        let error = launch(vec![core]).unwrap_err().to_string();
        assert!(error.contains(&want), "{error}");
    }
}
