//! The connections of a shard by themselves, turn by turn: who is read when, and that the lists agree.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use proptest::prelude::*;

use super::*;

const ANY_PORT: ([u8; 4], u16) = ([127, 0, 0, 1], 0);
/// Turns before a wait is in vain: on loopback what is sent is there at once.
const TURNS: usize = 1_000_000;

#[derive(Clone, Debug, PartialEq, Eq)]
enum News {
    Accepted(StreamId, SocketAddr),
    Bytes(StreamId, Vec<u8>),
    Closed(StreamId),
}

struct Bench {
    accepted: Accepted,
    to: SocketAddr,
    buffer: Vec<u8>,
    counters: Counters,
    now: Nanos,
}

impl Bench {
    fn new(connections_max: u16, receive_max: usize) -> Self {
        let listener = Listener {
            connections_max,
            receive_max,
            write_max: 64,
            linger: Nanos::new(1_000),
            ..Listener::new(ANY_PORT.into())
        };
        let (accepted, bound) = Accepted::open(&[listener], 0).unwrap();
        let buffer = vec![0; accepted.receive_max()];
        let (counters, now) = (Counters::default(), Nanos::ZERO);
        Self { accepted, to: bound[0], buffer, counters, now }
    }

    /// The news of one turn.
    fn turn(&mut self) -> Vec<News> {
        let mut news = Vec::new();
        self.accepted.begin(self.now, &mut self.counters);
        while let Some(event) = self.accepted.next(&mut self.buffer, &mut self.counters) {
            news.push(match event {
                Event::Accepted { stream, peer, .. } => News::Accepted(stream, peer),
                Event::Bytes { stream, bytes } => News::Bytes(stream, bytes.to_vec()),
                Event::Closed { stream } => News::Closed(stream),
                Event::Datagram { .. }
                | Event::Oversize { .. }
                | Event::Opened { .. }
                | Event::Message { .. }
                | Event::Missed { .. }
                | Event::Deadline => panic!("{event:?}"),
            });
        }
        news
    }

    /// Turns until there is news.
    fn news(&mut self) -> Vec<News> {
        let mut turns = (0..TURNS).map(|_| self.turn());
        turns.find(|news| !news.is_empty()).expect("news")
    }

    fn connect(&mut self) -> (StreamId, TcpStream) {
        let peer = TcpStream::connect(self.to).unwrap();
        let news = self.news();
        let [News::Accepted(stream, from)] = news[..] else { panic!("{news:?}") };
        assert_eq!(from, peer.local_addr().unwrap());
        (stream, peer)
    }

    /// What must hold whatever has happened.
    fn check(&self) {
        let all = &self.accepted;
        let is = |state| move |slot: &&Slot| slot.state == state;
        let open = all.slots.iter().filter(is(State::Open)).count();
        assert_eq!(open, all.open.len());
        for (place, at) in all.open.iter().enumerate() {
            assert_eq!((all.slots[*at].state, all.slots[*at].place), (State::Open, place));
        }
        let stuck = all.slots.iter().filter(|slot| slot.interest.contains(EpollFlags::EPOLLOUT));
        assert_eq!(stuck.count(), all.stuck);
        for slot in &all.slots {
            assert_eq!(slot.interest, slot.wanted(all.watches_reads), "{slot:?}");
            assert_eq!(slot.socket().is_some(), !matches!(slot.state, State::Free | State::Gone));
        }
        let ending = |slot: &&Slot| matches!(slot.state, State::Draining | State::Lingering);
        assert_eq!(all.slots.iter().any(|slot| ending(&slot)), all.next_deadline().is_some());
        let queued = all.slots.iter().filter(|slot| slot.notice == Notice::Queued).count();
        assert_eq!(queued, all.ended.len());
    }
}

/// Read one by one or by epoll, each gets the same share of a turn, and none is always the first.
#[test]
fn nobody_gets_more_than_a_share_and_each_is_first_once() {
    for connections in [3, DIRECT_MAX, DIRECT_MAX + 1, 20] {
        let mut bench = Bench::new(connections as u16, 10);
        let mut peers: Vec<_> = (0..connections).map(|_| bench.connect()).collect();
        for (_, peer) in &mut peers {
            peer.write_all(&[7; 10_000]).unwrap();
        }
        let (mut shares, mut firsts) = (vec![0; connections], vec![0; connections]);
        for _ in 0..4 * connections {
            let news = bench.turn();
            assert_eq!(news.len(), connections, "each has bytes left");
            for (place, one) in news.iter().enumerate() {
                let News::Bytes(stream, bytes) = one else { panic!("{one:?}") };
                assert_eq!(bytes.len(), 10);
                shares[usize::from(stream.0)] += 1;
                firsts[usize::from(stream.0)] += usize::from(place == 0);
            }
        }
        assert_eq!(shares, vec![4 * connections; connections]);
        if connections <= DIRECT_MAX {
            assert_eq!(firsts, vec![4; connections]);
        }
    }
}

#[test]
fn what_is_taken_sends_at_once_and_is_watched_only_where_that_helps() {
    let mut bench = Bench::new(16, 10);
    let mut peers = Vec::new();
    for count in 1..=DIRECT_MAX + 1 {
        peers.push(bench.connect());
        let at = usize::from(peers[count - 1].0.0);
        assert!(bench.accepted.slots[at].socket().unwrap().nodelay().unwrap());
        let watched = bench.accepted.slots.iter().filter(|slot| !slot.interest.is_empty()).count();
        assert_eq!(watched, if DIRECT_MAX < count { count } else { 0 });
        bench.check();
    }
    bench.accepted.watch();
    drop(peers);
    let mut closed = 0;
    while closed < DIRECT_MAX + 1 {
        closed += bench.news().len();
    }
    assert!(!bench.accepted.watches_reads, "those to come are read one by one again");
    bench.check();
}

/// Effects that name a connection which is not up, or never was.
#[test]
fn effects_for_one_that_is_not_up_are_refused() {
    let mut bench = Bench::new(2, 10);
    let (stream, peer) = bench.connect();
    let at = usize::from(stream.0);
    for nowhere in [1 - at, 2, usize::MAX] {
        assert!(!bench.accepted.write(nowhere, b"x", &mut bench.counters));
        assert!(!bench.accepted.close(nowhere));
    }
    assert!(bench.accepted.close(at));
    assert!(!bench.accepted.write(at, b"x", &mut bench.counters), "it has ended");
    assert!(!bench.accepted.close(at), "once");
    bench.accepted.flush(&mut bench.counters);
    assert_eq!(bench.news(), [News::Closed(stream)]);
    drop(peer);
    for _ in 0..TURNS {
        assert_eq!(bench.turn(), []);
        if bench.accepted.slots[at].state == State::Free {
            return bench.check();
        }
    }
    panic!("its place is not given back");
}

#[test]
fn a_write_longer_than_the_queue_goes_out_as_far_as_the_kernel_takes_it() {
    let mut bench = Bench::new(1, 10);
    let (stream, mut peer) = bench.connect();
    let bytes: Vec<u8> = (0..1_000).map(|i| i as u8).collect();
    assert!(bench.accepted.write(usize::from(stream.0), &bytes, &mut bench.counters));
    bench.accepted.flush(&mut bench.counters);
    let mut heard = vec![0; bytes.len()];
    peer.read_exact(&mut heard).unwrap();
    assert_eq!(heard, bytes);
    assert_eq!((bench.counters.stream_sent_bytes, bench.counters.write_full), (1_000, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever peers, machine and time do: each number is accepted, then closed, in turn; the lists
    /// agree; and once all has ended and its time has passed, all places are free.
    #[test]
    fn the_lists_agree(steps in prop::collection::vec((0_u8..9, 0_usize..12), 0..120)) {
        let mut bench = Bench::new(11, 10);
        let mut peers: Vec<TcpStream> = Vec::new();
        let mut up = [false; 11];
        let mut hear = |bench: &mut Bench| {
            for one in bench.turn() {
                match one {
                    News::Accepted(stream, _) => {
                        assert!(!std::mem::replace(&mut up[usize::from(stream.0)], true));
                    }
                    News::Bytes(stream, _) => assert!(up[usize::from(stream.0)]),
                    News::Closed(stream) => {
                        assert!(std::mem::replace(&mut up[usize::from(stream.0)], false));
                    }
                }
            }
            bench.check();
        };
        for (what, which) in steps {
            let at = which % peers.len().max(1);
            match what {
                0 | 1 if peers.len() < 30 => peers.push(TcpStream::connect(bench.to).unwrap()),
                2 if !peers.is_empty() => drop(peers.swap_remove(at)),
                3 => drop(peers.get(at).map(|peer| peer.shutdown(Shutdown::Write))),
                4 => drop(peers.get_mut(at).map(|peer| peer.write_all(&[1; 25]))),
                5 => drop(bench.accepted.write(which, &[2; 90], &mut bench.counters)),
                6 => drop(bench.accepted.close(which)),
                7 => bench.accepted.watch(),
                _ => bench.now = bench.now.saturating_add(Nanos::new(which as u64 * 100)),
            }
            bench.accepted.flush(&mut bench.counters);
            hear(&mut bench);
        }
        peers.clear();
        for turn in 0.. {
            bench.now = bench.now.saturating_add(Nanos::new(2_000));
            bench.accepted.watch(); // so that each turn looks for new ones
            hear(&mut bench);
            let free = |slot: &Slot| slot.state == State::Free;
            if 3 < turn && bench.accepted.slots.iter().all(free) {
                break;
            }
            prop_assert!(turn < TURNS);
        }
        prop_assert_eq!(up, [false; 11]);
    }
}
