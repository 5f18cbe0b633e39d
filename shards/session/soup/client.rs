//! The client's side of a connection.

use types::{Nanos, SeqNo};
use wire::soupbintcp::{Login, Packet, number_field, padded_number};

use super::buffers::{Received, Span, Transmit};
use super::{Closed, Credentials, NotSent, Reject, SoupConfig, Version};
use crate::SessionId;

/// What the client hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Logged in.
    Accepted {
        /// To which session.
        session: SessionId,
        /// The next sequenced message to come. Later than asked for: the server has no older ones.
        next: SeqNo,
    },
    /// Refused. `Closed` follows.
    Rejected(Reject),
    /// A sequenced message.
    Sequenced {
        /// Its number, counted here: it carries none.
        sequence: SeqNo,
        /// Its bytes.
        message: &'a [u8],
    },
    /// An unsequenced message.
    Unsequenced(&'a [u8]),
    /// Free text.
    Debug(&'a [u8]),
    /// The session ended. `Closed` follows.
    EndOfSession,
    /// The connection is over: close the socket. The last event.
    Closed(Closed),
}

/// An [`Event`] that borrows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Accepted { session: SessionId, next: SeqNo },
    Rejected(Reject),
    Sequenced { sequence: SeqNo, message: Span },
    Unsequenced(Span),
    Debug(Span),
    EndOfSession,
    Closed(Closed),
}

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No connection, or over and told so.
    Down,
    /// The login is out.
    LoggingIn { deadline: Nanos },
    /// Logged in.
    Up,
    /// We said goodbye: what the server said before it heard so is still heard, until it closes.
    LoggedOut,
    /// Over, not yet told.
    Closing(Closed),
}

/// The client's side of a connection. One serves many connections, one after the other, and
/// remembers where its sequence stands. Allocates at construction only.
#[derive(Debug)]
pub struct Client {
    config: SoupConfig,
    credentials: Credentials,
    state: State,
    /// They closed it: over once what came before was read.
    hung_up: bool,
    /// The next sequenced message to come; zero before a login was accepted.
    next: u64,
    heard_at: Nanos,
    sent_at: Nanos,
    received: Received,
    transmit: Transmit,
}

impl Client {
    /// Not connected.
    pub fn new(config: SoupConfig, credentials: Credentials) -> Self {
        Self {
            config,
            credentials,
            state: State::Down,
            hung_up: false,
            next: 0,
            heard_at: Nanos::ZERO,
            sent_at: Nanos::ZERO,
            received: Received::new(&config),
            transmit: Transmit::new(&config),
        }
    }

    /// The connection is up: logs in and asks for messages from `next` on (0: only new ones; 1: all).
    /// To resume, ask for [`Client::sequence`].
    pub fn on_opened(&mut self, now: Nanos, next: SeqNo) {
        self.received.clear();
        self.transmit.clear();
        self.hung_up = false;
        self.heard_at = now;
        self.sent_at = now;
        self.state = State::LoggingIn { deadline: now.saturating_add(self.config.login) };
        let Credentials { user, password, session } = self.credentials;
        let sequence = padded_number(next.get());
        let login = Login { user, password, session: session.bytes(), sequence };
        let timeout = match self.config.version {
            Version::V300 | Version::V400 => None,
            Version::V410 => number_field(self.config.dead.get() / Nanos::from_secs(1).get()),
        };
        // An empty buffer has room for it.
        let _ = self
            .transmit
            .control(&Packet::Login { login: &login, heartbeat_timeout: timeout.as_ref() });
    }

    /// Takes bytes, split anywhere, and says how many: drain `poll` and offer the rest again. Where
    /// there is no connection they are swallowed.
    pub fn on_bytes(&mut self, now: Nanos, bytes: &[u8]) -> usize {
        match self.state {
            State::Down | State::Closing(_) => bytes.len(),
            State::LoggingIn { .. } | State::Up | State::LoggedOut => {
                self.heard_at = now;
                self.received.take(bytes)
            }
        }
    }

    /// The connection went down, or could not be made. What came before it is still given out.
    pub fn on_closed(&mut self) {
        self.hung_up = true;
        self.transmit.clear();
    }

    /// The time given by `next_deadline` has come. Then `poll`, and transmit.
    pub fn on_deadline(&mut self, now: Nanos) {
        match self.state {
            State::LoggingIn { deadline } if deadline <= now => self.close(Closed::LoginTimeout),
            State::LoggingIn { .. } => {}
            State::Up if self.heard_at.saturating_add(self.config.dead) <= now => {
                self.close(Closed::Dead)
            }
            // Bytes that still wait will break the silence as well.
            State::Up
                if self.heartbeat_at() <= now
                    && self.transmit.control(&Packet::ClientHeartbeat).is_ok() =>
            {
                self.sent_at = now;
            }
            State::LoggedOut if self.sent_at.saturating_add(self.config.dead) <= now => {
                self.close(Closed::LoggedOut);
            }
            State::Up | State::LoggedOut | State::Down | State::Closing(_) => {}
        }
    }

    /// When `on_deadline` is wanted.
    pub fn next_deadline(&self) -> Option<Nanos> {
        match self.state {
            State::LoggingIn { deadline } => Some(deadline),
            State::Up => {
                Some(self.heartbeat_at().min(self.heard_at.saturating_add(self.config.dead)))
            }
            State::LoggedOut => Some(self.sent_at.saturating_add(self.config.dead)),
            State::Down | State::Closing(_) => None,
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

    /// The next event. Call until `None` after every input.
    pub fn poll(&mut self) -> Option<Event<'_>> {
        Some(match self.hear()? {
            Heard::Accepted { session, next } => Event::Accepted { session, next },
            Heard::Rejected(reason) => Event::Rejected(reason),
            Heard::Sequenced { sequence, message } => {
                Event::Sequenced { sequence, message: self.received.slice(message) }
            }
            Heard::Unsequenced(message) => Event::Unsequenced(self.received.slice(message)),
            Heard::Debug(text) => Event::Debug(self.received.slice(text)),
            Heard::EndOfSession => Event::EndOfSession,
            Heard::Closed(reason) => Event::Closed(reason),
        })
    }

    /// The bytes of a payload just heard.
    pub(crate) fn slice(&self, span: Span) -> &[u8] {
        self.received.slice(span)
    }

    /// The next event without its bytes.
    pub(crate) fn hear(&mut self) -> Option<Heard> {
        loop {
            match self.state {
                State::Down => return None,
                State::Closing(reason) => {
                    self.state = State::Down;
                    self.transmit.clear();
                    return Some(Heard::Closed(reason));
                }
                State::LoggingIn { .. } | State::Up | State::LoggedOut => {}
            }
            match self.packet() {
                Ok(Some(heard)) => return Some(heard),
                Ok(None) if !self.hung_up => return None,
                Ok(None) if self.state == State::LoggedOut => self.close(Closed::LoggedOut),
                Ok(None) => self.close(Closed::Remote),
                Err(reason) => self.close(reason),
            }
        }
    }

    /// One packet; heartbeats are passed over.
    fn packet(&mut self) -> Result<Option<Heard>, Closed> {
        let up = matches!(self.state, State::Up | State::LoggedOut);
        loop {
            let Some((packet, payload)) = self.received.next()? else {
                return Ok(None);
            };
            let heard = match packet {
                Packet::ServerHeartbeat => continue,
                Packet::Debug(_) => Heard::Debug(payload),
                Packet::Accepted(accepted) if !up => {
                    let next = accepted.sequence().map_err(|_| Closed::BadNumber)?;
                    if next == 0 {
                        return Err(Closed::BadNumber);
                    }
                    self.next = next;
                    self.state = State::Up;
                    Heard::Accepted {
                        session: SessionId::new(accepted.session),
                        next: SeqNo::new(next),
                    }
                }
                Packet::Rejected(letter) if !up => {
                    self.state = State::Closing(Closed::Rejected);
                    Heard::Rejected(Reject::from_letter(letter))
                }
                Packet::Sequenced(_) if up => {
                    let sequence = SeqNo::new(self.next);
                    self.next = self.next.checked_add(1).ok_or(Closed::BadNumber)?;
                    Heard::Sequenced { sequence, message: payload }
                }
                Packet::Unsequenced(_) if up && Version::V400 <= self.config.version => {
                    Heard::Unsequenced(payload)
                }
                Packet::EndOfSession if up => {
                    self.state = State::Closing(Closed::SessionEnded);
                    Heard::EndOfSession
                }
                Packet::Accepted(_)
                | Packet::Rejected(_)
                | Packet::Sequenced(_)
                | Packet::Unsequenced(_)
                | Packet::EndOfSession
                | Packet::Login { .. }
                | Packet::ClientHeartbeat
                | Packet::Logout => return Err(Closed::Unexpected),
            };
            return Ok(Some(heard));
        }
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

    /// Sends an unsequenced message.
    pub fn send(&mut self, now: Nanos, message: &[u8]) -> Result<(), NotSent> {
        if self.state != State::Up {
            return Err(NotSent::NotLoggedIn);
        }
        self.transmit.message(&Packet::Unsequenced(message), message)?;
        self.sent_at = now;
        Ok(())
    }

    /// Sends free text.
    pub fn send_debug(&mut self, now: Nanos, text: &[u8]) -> Result<(), NotSent> {
        if self.state != State::Up {
            return Err(NotSent::NotLoggedIn);
        }
        self.transmit.message(&Packet::Debug(text), text)?;
        self.sent_at = now;
        Ok(())
    }

    /// Logs out. The server closes the connection, and what it said before is still given out; if it
    /// does not, the connection is over after `dead`.
    pub fn logout(&mut self, now: Nanos) {
        if self.state == State::Up {
            self.state = State::LoggedOut;
            self.sent_at = now;
            // Where even the reserve is full the server reads nothing, and silence says the same.
            let _ = self.transmit.control(&Packet::Logout);
        }
    }

    /// Logged in.
    pub fn is_up(&self) -> bool {
        self.state == State::Up
    }

    /// The next sequenced message to come: what to resume from. Zero before any login.
    pub fn sequence(&self) -> SeqNo {
        SeqNo::new(self.next)
    }
}
