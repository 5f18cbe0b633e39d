//! The driver over loopback, against the toy exchange behind a SoupBinTCP server.

use std::collections::{BTreeSet, HashMap};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use session::SessionId;
use session::soup::{Credentials, Reject, Request, Server, SoupConfig};
use types::Nanos;

use super::{LinkStats, SocketOptions, credentials, run};
use crate::flow::in_process::Venue as _;
use crate::flow::tests::options;
use crate::flow::toy::Toy;
use crate::flow::{Options, Population, Ports as _};
use crate::publish::Clock;
use crate::stop::Stop;

/// A connection to the toy exchange.
struct Connection {
    stream: TcpStream,
    server: Server,
    /// Known from its login on.
    port: Option<u16>,
}

/// What the exchange does beside taking orders.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Cuts port 0 once it heard so many messages of it; then waits to hear it again.
    cut_after: Option<usize>,
    /// Stops the client when it heard so many in all.
    stop_after: usize,
}

struct Exchange {
    listener: TcpListener,
    connections: Vec<Connection>,
    toy: Toy,
    /// What each port was sent, for a login that asks for it again.
    sent: HashMap<u16, Vec<Vec<u8>>>,
    clock: Clock,
    plan: Plan,
    cut_at: Option<usize>,
}

/// Users that the toy knows.
const PORTS_MAX: u32 = 1_000;

const SESSION: SessionId = SessionId::new(*b"TOY       ");

impl Exchange {
    fn open(plan: Plan) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket that can be polled");
        Self {
            listener,
            connections: Vec::new(),
            toy: Toy::default(),
            sent: HashMap::new(),
            clock: Clock::start(),
            plan,
            cut_at: None,
        }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("bound")
    }

    /// Serves until every client left after the stop.
    fn serve(mut self, stop: Stop) -> JoinHandle<Toy> {
        thread::spawn(move || {
            let mut served = false;
            while !(served && self.connections.is_empty() && stop.requested()) {
                let now = self.clock.now();
                self.toy.on_time(now);
                while let Ok((stream, _)) = self.listener.accept() {
                    stream.set_nonblocking(true).expect("a socket that can be polled");
                    let server = Server::new(SoupConfig::default(), now);
                    self.connections.push(Connection { stream, server, port: None });
                    served = true;
                }
                let mut connections = std::mem::take(&mut self.connections);
                connections.retain_mut(|connection| self.turn(connection, now));
                self.connections = connections;
                self.stop_when_heard(&stop);
                thread::sleep(Duration::from_micros(200));
            }
            self.toy
        })
    }

    fn heard_of(&self, port: u16) -> usize {
        self.toy.heard.iter().filter(|(of, _)| *of == port).count()
    }

    fn stop_when_heard(&self, stop: &Stop) {
        let again = || self.cut_at.is_some_and(|heard| heard + 20 < self.heard_of(0));
        if (self.plan.cut_after.is_none() || again()) && self.plan.stop_after < self.toy.heard.len()
        {
            stop.request();
        }
    }

    /// Hears and answers one connection. `false`: it is over.
    fn turn(&mut self, connection: &mut Connection, now: Nanos) -> bool {
        let mut bytes = [0; 512];
        match connection.stream.read(&mut bytes) {
            Ok(0) => return false,
            Ok(len) => {
                let mut rest = &bytes[..len];
                while !rest.is_empty() {
                    let took = connection.server.on_bytes(now, rest);
                    rest = &rest[took..];
                    if !self.requests(connection, now) {
                        return false;
                    }
                }
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        connection.server.on_deadline(now);
        let due = |after| connection.port == Some(0) && after < self.heard_of(0);
        if self.cut_at.is_none() && self.plan.cut_after.is_some_and(due) {
            self.cut_at = Some(self.heard_of(0));
            return false;
        }
        self.feed(connection, now);
        connection.write()
    }

    fn requests(&mut self, connection: &mut Connection, now: Nanos) -> bool {
        while let Some(request) = connection.server.poll() {
            match request {
                Request::Login { credentials: given, .. } => {
                    let users = credentials("T{n}", "toy{n}", PORTS_MAX).expect("users that fit");
                    let matches = |user: &Credentials| user.matches(&given);
                    let Some(port) = users.iter().position(matches) else {
                        connection.server.reject(Reject::NotAuthorised);
                        continue;
                    };
                    let port = u16::try_from(port).expect("few ports");
                    connection.port = Some(port);
                    let end = self.sent.entry(port).or_default().len() as u64 + 1;
                    connection.server.accept(now, SESSION, types::SeqNo::new(end));
                }
                Request::Unsequenced(message) => {
                    let port = connection.port.expect("logged in");
                    self.toy.send(port, message);
                    while let Some((port, answer)) = self.toy.answer() {
                        self.sent.entry(port).or_default().push(answer.to_vec());
                    }
                }
                Request::Debug(_) => {}
                Request::Closed(_) => {
                    connection.write();
                    return false;
                }
            }
        }
        true
    }

    fn feed(&self, connection: &mut Connection, now: Nanos) {
        let Some(sent) = connection.port.and_then(|port| self.sent.get(&port)) else {
            return;
        };
        while let Some(wanted) = connection.server.wanted() {
            let Some(message) = sent.get(wanted.get() as usize - 1) else {
                return;
            };
            if connection.server.send_sequenced(now, message).is_err() {
                return;
            }
        }
    }
}

impl Connection {
    fn write(&mut self) -> bool {
        while let Some(bytes) = self.server.poll_transmit() {
            match self.stream.write(bytes) {
                Ok(len) => self.server.sent(len),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(_) => return false,
            }
        }
        true
    }
}

#[test]
fn a_cut_port_logs_in_again_goes_on_where_it_stood_and_nothing_is_counted_twice() {
    let exchange = Exchange::open(Plan { cut_after: Some(300), stop_after: 2_000 });
    let options = Options { accounts: 6, accounts_per_port: 2, rate: 4_000, ..options(21) };
    let mut population = Population::new(options).expect("options that can be");
    let users = credentials("T{n}", "toy{n}", 3).expect("users that fit");
    let sockets = SocketOptions {
        grace: Duration::from_secs(60),
        login: Duration::from_secs(60),
        ..SocketOptions::new(exchange.address(), users)
    };
    let stop = Stop::new();
    let served = exchange.serve(stop.clone());
    let stats = run(&mut population, &sockets, &stop).expect("a run to the end");
    let toy = served.join().expect("an exchange that found no fault");
    let want = LinkStats { logins: 4, cut: 1, ..LinkStats::default() };
    assert_eq!(stats, want);
    let record = population.record();
    assert_eq!((record.contradictions, record.malformed), (0, 0));
    assert_eq!((population.unanswered(), population.open_orders()), (0, toy.open()));
    assert_eq!((record.ended_executed, record.ended_canceled), toy.ended);
    let traded = record.traded_in_all();
    let bought: u64 = toy.traded.iter().filter(|((_, _, buy), _)| *buy).map(|(_, n)| n).sum();
    assert_eq!((traded.bought, traded.sold), (bought, bought));
    assert_eq!(record.latency.len(), record.accepted + record.replaced);
    assert!(record.sent.messages() - toy.heard.len() as u64 <= record.lost + record.sent.queries);
}

#[test]
fn each_of_many_ports_is_a_session_of_its_own() {
    let ports = 150;
    let exchange = Exchange::open(Plan { cut_after: None, stop_after: 4_000 });
    let options = Options { accounts: ports, accounts_per_port: 1, rate: 4_000, ..options(24) };
    let mut population = Population::new(options).expect("options that can be");
    let users = credentials("T{n}", "toy{n}", ports).expect("users that fit");
    let sockets = SocketOptions {
        grace: Duration::from_secs(60),
        login: Duration::from_secs(60),
        ..SocketOptions::new(exchange.address(), users)
    };
    let stop = Stop::new();
    let served = exchange.serve(stop.clone());
    let stats = run(&mut population, &sockets, &stop).expect("a run to the end");
    let toy = served.join().expect("an exchange that found no fault");
    assert_eq!(stats, LinkStats { logins: u64::from(ports), ..LinkStats::default() });
    let heard: BTreeSet<u16> = toy.heard.iter().map(|(port, _)| *port).collect();
    assert_eq!(heard.len(), ports as usize);
    let record = population.record();
    assert_eq!(record.sent.messages(), toy.heard.len() as u64);
    assert_eq!((record.contradictions, record.lost, record.refused, record.skipped), (0, 0, 0, 0));
    assert_eq!(population.open_orders(), toy.open());
}

#[test]
fn users_that_no_exchange_knows_end_the_run_with_a_reason() {
    let exchange = Exchange::open(Plan { cut_after: None, stop_after: usize::MAX });
    let options = Options { accounts: 2, accounts_per_port: 1, ..options(22) };
    let mut population = Population::new(options).expect("options that can be");
    let users = credentials("T{n}", "wrong", 2).expect("users that fit");
    let sockets = SocketOptions::new(exchange.address(), users);
    let stop = Stop::new();
    let served = exchange.serve(stop.clone());
    let failure = run(&mut population, &sockets, &stop).expect_err("nobody was let in");
    assert!(failure.to_string().contains("2 logins were refused"), "{failure}");
    stop.request();
    assert!(served.join().expect("no fault").heard.is_empty());
}

#[test]
fn where_nobody_listens_the_run_ends_with_a_reason() {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let to = nobody.local_addr().expect("bound");
    drop(nobody);
    let options = Options { accounts: 2, accounts_per_port: 2, ..options(23) };
    let mut population = Population::new(options).expect("options that can be");
    let sockets = SocketOptions {
        login: Duration::from_millis(200),
        ..SocketOptions::new(to, credentials("ONE", "p", 1).expect("a user that fits"))
    };
    let failure = run(&mut population, &sockets, &Stop::new()).expect_err("nobody listens");
    assert!(failure.to_string().contains("connections failed, 0 logins"), "{failure}");
}

#[test]
fn users_are_numbered_to_six_characters() {
    let cases = [
        // user     password   ports  the last
        ("U{n}", "password", 1_000, Some("U01000")),
        ("AB{n}", "p{n}", 12, Some("AB0012")),
        ("{n}", "p", 2, Some("000002")),
        ("DESK", "p", 1, Some("DESK")),
        ("DESK", "p", 2, None),
        ("DESK1{n}", "p", 10, None),
        ("U{n}", "longer than ten", 1, None),
    ];
    for (user, password, ports, want) in cases {
        let last = credentials(user, password, ports).ok().and_then(|all| all.last().copied());
        let last = last.map(|one| String::from_utf8_lossy(one.user.trim_ascii_end()).into_owned());
        assert_eq!(last.as_deref(), want, "{user} {password} {ports}");
    }
}
