//! A population over real sockets: a SoupBinTCP connection a port, on one thread.
//!
//! Open loop: what is due is sent, whatever came back. A connection that is cut is made again, and hears
//! what it missed from where it stood. A port whose login is refused, or whose session ended, stays down.

mod link;
mod readiness;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use nix::sys::epoll::EpollFlags;
use serde::Serialize;
use session::soup::{Client, Closed, Credentials, Event, NotSent, SoupConfig};
use types::{Nanos, SeqNo};

use self::link::{Link, Phase};
use self::readiness::{Readiness, Ready};
use super::{Population, Ports};
use crate::descriptors::make_room_for;
use crate::failure::Failure;
use crate::publish::Clock;
use crate::stop::Stop;

/// Where to, as whom, and for how long.
#[derive(Clone, Debug)]
pub struct SocketOptions {
    /// The exchange's order entry.
    pub to: SocketAddr,
    /// One for each port of the population: see [`credentials`].
    pub credentials: Vec<Credentials>,
    /// Sizes and times of the sessions.
    pub soup: SoupConfig,
    /// How long to wait until every port is logged in; then those that are begin.
    pub login: Duration,
    /// How long to act; `None`: until stopped.
    pub limit: Option<Duration>,
    /// How long to wait for the last answers, and for the exchange to close connections that logged out.
    pub grace: Duration,
}

impl SocketOptions {
    /// Until stopped; ten seconds to log in, two for the last answers.
    pub fn new(to: SocketAddr, credentials: Vec<Credentials>) -> Self {
        Self {
            to,
            credentials,
            soup: SoupConfig { transmit_bytes_max: 256 << 10, ..SoupConfig::default() },
            login: Duration::from_secs(10),
            limit: None,
            grace: Duration::from_secs(2),
        }
    }
}

/// The ports' users and passwords from patterns. `{n}` in one is the port's number from 1, with zeros before it so
/// that the user has six characters: `U{n}` is U00001, U00002 and so on.
///
/// # Errors
/// Several ports that would log in as one user, or text too long for its field.
pub fn credentials(user: &str, password: &str, ports: u32) -> Result<Vec<Credentials>, Failure> {
    const NUMBER: &str = "{n}";
    if 1 < ports && !user.contains(NUMBER) {
        return Err(Failure::usage(format!("{ports} ports cannot all log in as `{user}`"))
            .remedy("write {n} where the port's number goes, e.g. --user U{n}"));
    }
    let digits = 6_usize.saturating_sub(user.replace(NUMBER, "").len());
    let one = |port: u32| {
        let number = format!("{port:0digits$}");
        let named = |pattern: &str| pattern.replace(NUMBER, &number);
        let made = Credentials::new(&named(user), &named(password), "");
        made.ok_or_else(|| {
            Failure::usage(format!("user `{}` or its password does not fit", named(user)))
                .remedy("a user has 6 characters of ASCII, and a password 10, at most")
        })
    };
    (1..=ports).map(one).collect()
}

/// What became of the connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LinkStats {
    /// Logins accepted.
    pub logins: u64,
    /// Logins refused: those ports stay down.
    pub refused: u64,
    /// Connections that could not be made.
    pub unconnected: u64,
    /// Sessions that the exchange ended: those ports stay down.
    pub ended: u64,
    /// Connections that were cut after their login.
    pub cut: u64,
    /// Sequenced messages that the exchange had no more after a reconnect.
    pub missed: u64,
}

/// How often deadlines, reconnects and Ctrl-C are looked at.
const LOOK: Nanos = Nanos::from_millis(10);

/// Connections being made at a time, so that a listener's queue holds them.
const CONNECTING_MAX: usize = 64;

/// Logs in, acts until the limit, Ctrl-C or the end of every session, hears the last answers, logs out.
///
/// # Errors
/// No port could log in; the kernel refused sockets.
pub fn run(
    population: &mut Population,
    options: &SocketOptions,
    stop: &Stop,
) -> Result<LinkStats, Failure> {
    let ports = population.options().ports() as usize;
    if options.credentials.len() != ports {
        let given = options.credentials.len();
        return Err(Failure::usage(format!("{ports} ports need as many users, not {given}")));
    }
    make_room_for(ports)?;
    let mut driver = Driver { population, links: Links::new(options)?, looked_at: None };
    driver.log_in(nanos(options.login), stop)?;
    driver.trade(options.limit.map(nanos), stop)?;
    driver.hear_the_rest(nanos(options.grace))?;
    driver.log_out(nanos(options.grace))?;
    Ok(driver.links.stats)
}

fn nanos(span: Duration) -> Nanos {
    Nanos::new(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}

fn refused(error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("the system refused a connection to the exchange: {error}"))
}

struct Driver<'a> {
    population: &'a mut Population,
    links: Links,
    looked_at: Option<Nanos>,
}

impl Driver<'_> {
    fn log_in(&mut self, patience: Nanos, stop: &Stop) -> Result<(), Failure> {
        let ports = || (0..self.links.all.len()).filter_map(|port| u16::try_from(port).ok());
        let ports: Vec<u16> = ports().collect();
        let until = self.links.now().saturating_add(patience);
        while self.links.now() < until && !stop.requested() {
            let settled = |port: &u16| {
                self.population.is_up(*port)
                    || self.links.all[usize::from(*port)].phase == Phase::Over
            };
            if ports.iter().all(settled) {
                break;
            }
            self.turn(until)?;
        }
        let up = ports.iter().filter(|port| self.population.is_up(**port)).count();
        if up == 0 && !stop.requested() {
            let LinkStats { refused, unconnected, .. } = self.links.stats;
            return Err(Failure::failed(format!(
                "no port could log in at {}: {unconnected} connections failed, {refused} logins were refused",
                self.links.to
            ))
            .remedy("see that the exchange listens there, and that it has these users and passwords"));
        }
        Ok(())
    }

    fn trade(&mut self, limit: Option<Nanos>, stop: &Stop) -> Result<(), Failure> {
        let began = self.links.now();
        let end = limit.map_or(Nanos::MAX, |limit| began.saturating_add(limit));
        self.population.begin(began);
        while !stop.requested() && self.links.all.iter().any(|link| link.phase != Phase::Over) {
            let now = self.links.now();
            if end <= now {
                break;
            }
            self.population.act(now, &mut self.links);
            self.turn(self.population.next_due().min(end))?;
        }
        Ok(())
    }

    fn hear_the_rest(&mut self, grace: Nanos) -> Result<(), Failure> {
        let until = self.links.now().saturating_add(grace);
        let is_up = |links: &Links| links.all.iter().any(|link| link.phase != Phase::Over);
        while self.links.now() < until && 0 < self.population.unanswered() && is_up(&self.links) {
            let next = self.links.now().saturating_add(LOOK);
            self.turn(next.min(until))?;
        }
        Ok(())
    }

    fn log_out(&mut self, grace: Nanos) -> Result<(), Failure> {
        let now = self.links.now();
        for at in 0..self.links.all.len() {
            self.links.all[at].leave(now);
            self.links.owe(at);
        }
        let until = now.saturating_add(grace);
        while self.links.now() < until
            && self.links.all.iter().any(|link| link.phase != Phase::Over)
        {
            self.turn(until)?;
        }
        Ok(())
    }

    /// Sends what waits, and hears what comes until then or a little less.
    fn turn(&mut self, until: Nanos) -> Result<(), Failure> {
        let now = self.links.now();
        if self.looked_at.is_none_or(|at| LOOK <= now.since(at)) {
            self.looked_at = Some(now);
            self.look(now)?;
        }
        self.flush(now);
        let soon = now.saturating_add(LOOK).min(until);
        let wait = if self.links.unread.is_empty() { soon.since(now) } else { Nanos::ZERO };
        let mut ready = std::mem::take(&mut self.links.ready);
        self.links.readiness.wait(wait, &mut ready).map_err(refused)?;
        for at in std::mem::take(&mut self.links.unread) {
            self.read(at);
        }
        for &Ready { at, flags } in &ready {
            self.on_ready(at, flags);
        }
        ready.clear();
        self.links.ready = ready;
        self.flush(self.links.now());
        Ok(())
    }

    fn look(&mut self, now: Nanos) -> Result<(), Failure> {
        let connecting = |link: &&Link| link.phase == Phase::Connecting;
        let mut connecting = self.links.all.iter().filter(connecting).count();
        for at in 0..self.links.all.len() {
            let link = &mut self.links.all[at];
            match link.phase {
                Phase::Waiting { until } if until <= now && connecting < CONNECTING_MAX => {
                    connecting += 1;
                    self.links.connect(at, now)?;
                }
                Phase::Open if link.client.next_deadline().is_some_and(|due| due <= now) => {
                    link.client.on_deadline(now);
                    self.hear(now, at);
                    self.links.owe(at);
                }
                Phase::Waiting { .. } | Phase::Connecting | Phase::Open | Phase::Over => {}
            }
        }
        Ok(())
    }

    fn flush(&mut self, now: Nanos) {
        let mut owed = std::mem::take(&mut self.links.owed);
        for at in owed.drain(..) {
            self.links.all[at].owed = false;
            if !self.links.all[at].write() {
                self.links.all[at].client.on_closed();
                self.hear(now, at);
            }
        }
        // Hearing may have owed more.
        owed.append(&mut self.links.owed);
        self.links.owed = owed;
    }

    fn on_ready(&mut self, at: usize, flags: EpollFlags) {
        let now = self.links.now();
        let link = &mut self.links.all[at];
        if link.phase == Phase::Connecting {
            let gone = flags.contains(EpollFlags::EPOLLHUP);
            match link.opened(now) {
                Some(true) => {}
                None if !gone => return,
                None | Some(false) => {
                    self.links.stats.unconnected += 1;
                    return self.links.all[at].retry(now);
                }
            }
        }
        self.links.owe(at);
        if flags.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            self.read(at);
        }
    }

    fn read(&mut self, at: usize) {
        // Answers are stamped when their connection is read, not when the turn began.
        let now = self.links.now();
        let mut bytes = [0; 16_384];
        for _ in 0..READS_MAX {
            if self.links.all[at].phase != Phase::Open {
                return;
            }
            match self.links.all[at].read(&mut bytes) {
                link::Read::Bytes(len) => {
                    let mut rest = &bytes[..len];
                    while !rest.is_empty() {
                        let took = self.links.all[at].client.on_bytes(now, rest);
                        self.hear(now, at);
                        rest = &rest[took..];
                    }
                }
                link::Read::Nothing => return,
                link::Read::Closed => {
                    self.links.all[at].client.on_closed();
                    return self.hear(now, at);
                }
            }
        }
        self.links.unread.push(at);
    }

    /// Takes what the session has to say.
    fn hear(&mut self, now: Nanos, at: usize) {
        let Ok(port) = u16::try_from(at) else {
            return;
        };
        loop {
            let link = &mut self.links.all[at];
            let closed = match link.client.poll() {
                None => return,
                Some(Event::Sequenced { message, .. }) => {
                    self.population.on_message(port, message, now);
                    continue;
                }
                Some(Event::Accepted { next, .. }) => {
                    self.links.logged_in(at, next);
                    self.population.on_up(port, &mut self.links);
                    continue;
                }
                Some(
                    Event::Rejected(_)
                    | Event::Unsequenced(_)
                    | Event::Debug(_)
                    | Event::EndOfSession,
                ) => continue,
                Some(Event::Closed(reason)) => reason,
            };
            self.population.on_down(port);
            self.links.closed(at, closed, now);
        }
    }
}

/// Reads of one connection in a turn; the rest waits for the others.
const READS_MAX: u32 = 16;

struct Links {
    all: Vec<Link>,
    to: SocketAddr,
    clock: Clock,
    readiness: Readiness,
    stats: LinkStats,
    /// Those with bytes to send.
    owed: Vec<usize>,
    /// Those with bytes left to read.
    unread: Vec<usize>,
    ready: Vec<Ready>,
}

impl Links {
    fn new(options: &SocketOptions) -> Result<Self, Failure> {
        let link = |credentials: &Credentials| Link::new(Client::new(options.soup, *credentials));
        Ok(Self {
            all: options.credentials.iter().map(link).collect(),
            to: options.to,
            clock: Clock::start(),
            readiness: Readiness::new().map_err(refused)?,
            stats: LinkStats::default(),
            owed: Vec::new(),
            unread: Vec::new(),
            ready: Vec::new(),
        })
    }

    fn now(&self) -> Nanos {
        self.clock.now()
    }

    fn owe(&mut self, at: usize) {
        if !std::mem::replace(&mut self.all[at].owed, true) {
            self.owed.push(at);
        }
    }

    fn connect(&mut self, at: usize, now: Nanos) -> Result<(), Failure> {
        let Some(stream) = link::connect(self.to).map_err(refused)? else {
            self.stats.unconnected += 1;
            self.all[at].retry(now);
            return Ok(());
        };
        self.readiness.add(at, &stream).map_err(refused)?;
        self.all[at].connecting(stream);
        Ok(())
    }

    fn logged_in(&mut self, at: usize, next: SeqNo) {
        self.stats.logins += 1;
        let link = &mut self.all[at];
        if let Some(wanted) = link.on_login() {
            self.stats.missed += next.get().saturating_sub(wanted.get());
        }
    }

    fn closed(&mut self, at: usize, reason: Closed, now: Nanos) {
        let link = &mut self.all[at];
        let is_over = matches!(reason, Closed::LoggedOut | Closed::SessionEnded);
        self.stats.cut += u64::from(link.was_up && !is_over);
        self.stats.ended += u64::from(reason == Closed::SessionEnded);
        match reason {
            Closed::Rejected => {
                self.stats.refused += 1;
                link.finish();
            }
            Closed::SessionEnded | Closed::LoggedOut => link.finish(),
            Closed::Remote
            | Closed::LoginTimeout
            | Closed::Dead
            | Closed::BadLength
            | Closed::Oversized
            | Closed::Unexpected
            | Closed::BadNumber => link.retry(now),
        }
    }
}

impl Ports for Links {
    fn send(&mut self, port: u16, message: &[u8]) -> bool {
        let (at, now) = (usize::from(port), self.now());
        match self.all[at].client.send(now, message) {
            Ok(()) => {
                self.owe(at);
                true
            }
            Err(NotSent::Full | NotSent::NotLoggedIn | NotSent::TooLong | NotSent::Version) => {
                false
            }
        }
    }
}
