//! The server's side of one connection.
//!
//! Keeps no message: the owner asks which one is wanted and feeds it from its own store.

use types::{Nanos, SeqNo};
use wire::soupbintcp::{Accepted, Login, Packet, number};

use super::buffers::{Received, Span, Transmit};
use super::{Closed, Credentials, NotSent, Reject, SoupConfig, Version};
use crate::SessionId;

/// The longest silence that a client may ask us to bear.
const DEAD_MAX_SECS: u64 = 3_600;

/// What the server hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Answer with `accept` or `reject`; nothing more is read before.
    Login {
        /// Who, and to which session.
        credentials: Credentials,
        /// From which message on; 0: only new ones.
        sequence: SeqNo,
    },
    /// An unsequenced message.
    Unsequenced(&'a [u8]),
    /// Free text.
    Debug(&'a [u8]),
    /// The connection is over: close the socket once `poll_transmit` is empty. The last.
    Closed(Closed),
}

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No login yet, or none that was answered.
    Fresh { deadline: Nanos, asked: Option<u64> },
    /// Logged in.
    Up,
    /// Over, not yet told.
    Closing(Closed),
    /// Over.
    Down,
}

/// The server's side of one connection. Allocates at construction only.
#[derive(Debug)]
pub struct Server {
    config: SoupConfig,
    state: State,
    /// They closed it: over once what came before was read.
    hung_up: bool,
    /// The sequenced message this client gets next.
    next: u64,
    /// Silence of theirs before the connection is dead.
    dead: Nanos,
    heard_at: Nanos,
    sent_at: Nanos,
    received: Received,
    transmit: Transmit,
}

impl Server {
    /// A connection that came up at `now`.
    pub fn new(config: SoupConfig, now: Nanos) -> Self {
        let mut server = Self {
            config,
            state: State::Down,
            hung_up: false,
            next: 0,
            dead: config.dead,
            heard_at: now,
            sent_at: now,
            received: Received::new(&config),
            transmit: Transmit::new(&config),
        };
        server.reset(now);
        server
    }

    /// For the next connection, without allocating.
    pub fn reset(&mut self, now: Nanos) {
        self.state = State::Fresh { deadline: now.saturating_add(self.config.login), asked: None };
        self.hung_up = false;
        self.next = 0;
        self.dead = self.config.dead;
        self.heard_at = now;
        self.sent_at = now;
        self.received.clear();
        self.transmit.clear();
    }

    /// Takes bytes, split anywhere, and says how many: drain `poll` and offer the rest again. Where
    /// the connection is over they are swallowed.
    pub fn on_bytes(&mut self, now: Nanos, bytes: &[u8]) -> usize {
        match self.state {
            State::Down | State::Closing(_) => bytes.len(),
            State::Fresh { .. } | State::Up => {
                self.heard_at = now;
                self.received.take(bytes)
            }
        }
    }

    /// The connection went down. What came before it is still given out.
    pub fn on_closed(&mut self) {
        self.hung_up = true;
        self.transmit.clear();
    }

    /// The time given by `next_deadline` has come. Then `poll`, and transmit.
    pub fn on_deadline(&mut self, now: Nanos) {
        match self.state {
            State::Fresh { deadline, .. } if deadline <= now => self.close(Closed::LoginTimeout),
            State::Up if self.heard_at.saturating_add(self.dead) <= now => self.close(Closed::Dead),
            // Bytes that still wait will break the silence as well.
            State::Up
                if self.heartbeat_at() <= now
                    && self.transmit.control(&Packet::ServerHeartbeat).is_ok() =>
            {
                self.sent_at = now;
            }
            State::Fresh { .. } | State::Up | State::Closing(_) | State::Down => {}
        }
    }

    /// When `on_deadline` is wanted.
    pub fn next_deadline(&self) -> Option<Nanos> {
        match self.state {
            State::Fresh { deadline, .. } => Some(deadline),
            State::Up => Some(self.heartbeat_at().min(self.heard_at.saturating_add(self.dead))),
            State::Closing(_) | State::Down => None,
        }
    }

    fn heartbeat_at(&self) -> Nanos {
        if self.transmit.waiting().is_empty() {
            self.sent_at.saturating_add(self.config.heartbeat)
        } else {
            Nanos::MAX
        }
    }

    fn close(&mut self, reason: Closed) {
        self.state = State::Closing(reason);
        self.received.clear();
    }

    /// The next thing heard. Call until `None` after every input.
    pub fn poll(&mut self) -> Option<Request<'_>> {
        let heard = loop {
            match self.state {
                // Until the login is answered nothing more is read.
                State::Fresh { asked: Some(_), .. } if !self.hung_up => return None,
                State::Fresh { asked: Some(_), .. } => self.close(Closed::Remote),
                State::Down => return None,
                State::Closing(reason) => {
                    self.state = State::Down;
                    return Some(Request::Closed(reason));
                }
                State::Fresh { asked: None, .. } | State::Up => match self.packet() {
                    Ok(Some(heard)) => break heard,
                    Ok(None) if !self.hung_up => return None,
                    Ok(None) => self.close(Closed::Remote),
                    Err(reason) => self.close(reason),
                },
            }
        };
        Some(match heard {
            Heard::Login { credentials, sequence } => Request::Login { credentials, sequence },
            Heard::Unsequenced(message) => Request::Unsequenced(self.received.slice(message)),
            Heard::Debug(text) => Request::Debug(self.received.slice(text)),
        })
    }

    /// One packet; heartbeats are passed over.
    fn packet(&mut self) -> Result<Option<Heard>, Closed> {
        loop {
            let Some((packet, payload)) = self.received.next()? else {
                return Ok(None);
            };
            return Ok(Some(match (packet, self.state) {
                (Packet::ClientHeartbeat, State::Up) => continue,
                (Packet::Debug(_), State::Fresh { .. } | State::Up) => Heard::Debug(payload),
                (Packet::Unsequenced(_), State::Up) => Heard::Unsequenced(payload),
                (Packet::Logout, State::Up) => return Err(Closed::LoggedOut),
                (
                    Packet::Login { login, heartbeat_timeout },
                    State::Fresh { deadline, asked: None },
                ) => {
                    let sequence = login.sequence().map_err(|_| Closed::BadNumber)?;
                    let dead = negotiated(&self.config, heartbeat_timeout)?;
                    let heard = Heard::Login {
                        credentials: credentials(login),
                        sequence: SeqNo::new(sequence),
                    };
                    self.dead = dead;
                    self.state = State::Fresh { deadline, asked: Some(sequence) };
                    heard
                }
                (
                    Packet::Login { .. }
                    | Packet::Accepted(_)
                    | Packet::Rejected(_)
                    | Packet::Sequenced(_)
                    | Packet::Unsequenced(_)
                    | Packet::ServerHeartbeat
                    | Packet::ClientHeartbeat
                    | Packet::EndOfSession
                    | Packet::Logout
                    | Packet::Debug(_),
                    _,
                ) => return Err(Closed::Unexpected),
            }));
        }
    }

    /// Lets the client in. `end` is one past the newest sequenced message of `session`: 0 asked for
    /// and whatever lies beyond mean from there on.
    pub fn accept(&mut self, now: Nanos, session: SessionId, end: SeqNo) {
        if let State::Fresh { asked: Some(asked), .. } = self.state {
            let end = end.get().max(1);
            self.next = if asked == 0 { end } else { asked.min(end) };
            self.state = State::Up;
            self.heard_at = now;
            self.sent_at = now;
            let accepted = Accepted::new(session.bytes(), self.next);
            // The buffer is empty before a login.
            let _ = self.transmit.control(&Packet::Accepted(&accepted));
        }
    }

    /// Refuses the client: the connection is over once the bytes are sent.
    pub fn reject(&mut self, reason: Reject) {
        if let State::Fresh { .. } = self.state {
            let _ = self.transmit.control(&Packet::Rejected(reason.letter()));
            self.close(Closed::Rejected);
        }
    }

    /// The sequenced message this client gets next; `None` while it is not logged in. Feed it with
    /// `send_sequenced` as far as the store and the room go, after a login and whenever there is more.
    pub fn wanted(&self) -> Option<SeqNo> {
        (self.state == State::Up).then_some(SeqNo::new(self.next))
    }

    /// Sends the message that is `wanted` and gives its number.
    pub fn send_sequenced(&mut self, now: Nanos, message: &[u8]) -> Result<SeqNo, NotSent> {
        self.check_up()?;
        let next = self.next.checked_add(1).ok_or(NotSent::TooLong)?;
        self.transmit.message(&Packet::Sequenced(message), message)?;
        self.sent_at = now;
        let sequence = SeqNo::new(core::mem::replace(&mut self.next, next));
        Ok(sequence)
    }

    /// Sends an unsequenced message.
    pub fn send_unsequenced(&mut self, now: Nanos, message: &[u8]) -> Result<(), NotSent> {
        self.check_up()?;
        if self.config.version < Version::V400 {
            return Err(NotSent::Version);
        }
        self.transmit.message(&Packet::Unsequenced(message), message)?;
        self.sent_at = now;
        Ok(())
    }

    /// Sends free text.
    pub fn send_debug(&mut self, now: Nanos, text: &[u8]) -> Result<(), NotSent> {
        self.check_up()?;
        self.transmit.message(&Packet::Debug(text), text)?;
        self.sent_at = now;
        Ok(())
    }

    /// Ends the session: the connection is over once the bytes are sent.
    pub fn end_session(&mut self) -> Result<(), NotSent> {
        self.check_up()?;
        self.transmit.control(&Packet::EndOfSession)?;
        self.close(Closed::SessionEnded);
        Ok(())
    }

    fn check_up(&self) -> Result<(), NotSent> {
        if self.state == State::Up { Ok(()) } else { Err(NotSent::NotLoggedIn) }
    }

    /// Bytes to send; tell `sent` how many were.
    pub fn poll_transmit(&self) -> Option<&[u8]> {
        let waiting = self.transmit.waiting();
        (!waiting.is_empty()).then_some(waiting)
    }

    /// That many of the bytes were sent.
    pub fn sent(&mut self, bytes: usize) {
        self.transmit.sent(bytes);
    }
}

/// A [`Request`] that borrows nothing.
#[derive(Clone, Copy, Debug)]
enum Heard {
    Login { credentials: Credentials, sequence: SeqNo },
    Unsequenced(Span),
    Debug(Span),
}

fn credentials(login: &Login) -> Credentials {
    Credentials {
        user: login.user,
        password: login.password,
        session: SessionId::new(login.session),
    }
}

/// The silence to bear: ours, or from 4.10 on what the login asks for, 1 second to an hour.
fn negotiated(config: &SoupConfig, timeout: Option<&[u8; 5]>) -> Result<Nanos, Closed> {
    let Some(timeout) = timeout else {
        return Ok(config.dead);
    };
    if config.version < Version::V410 {
        return Err(Closed::BadLength);
    }
    match number(timeout, 0) {
        Ok(0) => Ok(config.dead),
        Ok(secs) => Ok(Nanos::from_secs(secs.min(DEAD_MAX_SECS))),
        Err(_) => Err(Closed::BadNumber),
    }
}
