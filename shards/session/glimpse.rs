//! GLIMPSE 5.0: a snapshot over SoupBinTCP, closed by the sequence to join the feed from.
//!
//! Passes messages on without looking at them, but for the type byte of the one that ends it. The
//! client retries by itself; what an attempt loaded is void unless `End` came.

#[cfg(test)]
mod tests;

use types::{Nanos, SeqNo};
use wire::glimpse::EndOfSnapshot;

use crate::soup::{self, Closed, Credentials, Heard, NotSent, SoupConfig};

/// Sizes and times of a snapshot client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlimpseConfig {
    /// The connection's.
    pub soup: SoupConfig,
    /// How long a connection may take to come up.
    pub connect: Nanos,
    /// How long a snapshot may pause between two messages; heartbeats do not count.
    pub pause: Nanos,
    /// Wait before the second attempt; doubled for each further one.
    pub backoff: Nanos,
    /// The longest such wait.
    pub backoff_max: Nanos,
    /// Attempts before it fails for good; 0 counts as 1.
    pub attempts_max: u32,
}

impl Default for GlimpseConfig {
    fn default() -> Self {
        Self {
            soup: SoupConfig::default(),
            connect: Nanos::from_secs(3),
            pause: Nanos::from_secs(5),
            backoff: Nanos::from_millis(100),
            backoff_max: Nanos::from_secs(5),
            attempts_max: 10,
        }
    }
}

/// Why an attempt, or the whole, failed. The number goes to counters: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Failure {
    /// No connection in time, or refused, or closed before the login was answered.
    NotConnected = 1,
    /// The login was rejected. Not tried again: it would be the same.
    Rejected = 2,
    /// Cut before the end of the snapshot.
    Cut = 3,
    /// Silent for too long.
    Silent = 4,
    /// The stream was not SoupBinTCP, or its last message has a wrong length.
    Garbage = 5,
    /// The sequence to join from is no number, or zero.
    BadJoin = 6,
}

/// What the owner does or hears next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// Open the connection, then `on_opened` or `on_closed`.
    Open,
    /// Close the connection; no `on_closed` is needed, and one does no harm.
    Close,
    /// A snapshot begins: empty what it is loaded into.
    Begin,
    /// A message of it.
    Message(&'a [u8]),
    /// It is whole: the feed goes on at `join`. `Close` follows.
    End {
        /// The first message of the feed that is not in it.
        join: SeqNo,
    },
    /// An attempt failed; what was loaded is void, and another attempt follows. `Close` came before.
    Again(Failure),
    /// It failed for good; what was loaded is void. `Close` came before.
    Failed(Failure),
}

/// Where the client stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// Waits to open the connection again.
    BackingOff {
        until: Nanos,
    },
    /// Waits for the connection.
    Opening {
        deadline: Nanos,
    },
    /// Waits for the answer to the login.
    LoggingIn,
    /// Takes messages.
    Loading {
        deadline: Nanos,
    },
}

/// What `poll` has yet to tell.
#[derive(Clone, Copy, Debug, Default)]
struct Untold {
    close: bool,
    failure: Option<Failure>,
    open: bool,
}

/// The client's side. Allocates at construction only.
#[derive(Debug)]
pub struct Client {
    config: GlimpseConfig,
    soup: soup::Client,
    state: State,
    /// Attempts begun since `start`.
    attempts: u32,
    untold: Untold,
}

impl Client {
    /// Idle until `start`.
    pub fn new(config: GlimpseConfig, credentials: Credentials) -> Self {
        Self {
            config,
            soup: soup::Client::new(config.soup, credentials),
            state: State::Idle,
            attempts: 0,
            untold: Untold::default(),
        }
    }

    /// Begins a snapshot; one under way is dropped. Then `poll`.
    pub fn start(&mut self, now: Nanos) {
        self.cancel();
        self.attempts = 0;
        self.open(now);
    }

    /// Stops whatever is under way. Then `poll`.
    pub fn cancel(&mut self) {
        self.untold =
            Untold { close: self.untold.close || self.has_connection(), ..Untold::default() };
        self.state = State::Idle;
    }

    fn has_connection(&self) -> bool {
        match self.state {
            State::Idle | State::BackingOff { .. } => false,
            // Not yet opened by the owner, if it was not told to.
            State::Opening { .. } => !self.untold.open,
            State::LoggingIn | State::Loading { .. } => true,
        }
    }

    fn open(&mut self, now: Nanos) {
        self.attempts = self.attempts.saturating_add(1);
        self.state = State::Opening { deadline: now.saturating_add(self.config.connect) };
        self.untold.open = true;
    }

    fn fail(&mut self, now: Nanos, failure: Failure) {
        let again = failure != Failure::Rejected && self.attempts < self.config.attempts_max;
        self.untold.close = self.has_connection();
        self.untold.open = false;
        self.untold.failure = Some(failure);
        self.state = if again {
            let doublings = self.attempts.saturating_sub(1).min(32);
            let wait = self.config.backoff.get().saturating_mul(1 << doublings);
            let wait = Nanos::new(wait).min(self.config.backoff_max);
            State::BackingOff { until: now.saturating_add(wait) }
        } else {
            State::Idle
        };
    }

    /// The connection is up.
    pub fn on_opened(&mut self, now: Nanos) {
        if let State::Opening { .. } = self.state {
            self.state = State::LoggingIn;
            self.soup.on_opened(now, SeqNo::new(1));
        }
    }

    /// Takes bytes, split anywhere, and says how many: drain `poll` and offer the rest again. Where
    /// nothing is under way they are swallowed.
    pub fn on_bytes(&mut self, now: Nanos, bytes: &[u8]) -> usize {
        match self.state {
            State::Idle | State::BackingOff { .. } | State::Opening { .. } => bytes.len(),
            State::LoggingIn | State::Loading { .. } => self.soup.on_bytes(now, bytes),
        }
    }

    /// The connection is down, or could not be made. Then `poll`: what came before is still given out.
    pub fn on_closed(&mut self, now: Nanos) {
        match self.state {
            State::Idle | State::BackingOff { .. } => {}
            State::Opening { .. } if self.untold.open => {} // of the attempt before
            State::Opening { .. } => self.fail(now, Failure::NotConnected),
            State::LoggingIn | State::Loading { .. } => self.soup.on_closed(),
        }
    }

    /// The time given by `next_deadline` has come. Then `poll`, and transmit.
    pub fn on_deadline(&mut self, now: Nanos) {
        match self.state {
            State::BackingOff { until } if until <= now => self.open(now),
            State::Opening { deadline } if deadline <= now => self.fail(now, Failure::NotConnected),
            State::Loading { deadline } if deadline <= now => self.fail(now, Failure::Silent),
            State::LoggingIn | State::Loading { .. } => self.soup.on_deadline(now),
            State::Idle | State::BackingOff { .. } | State::Opening { .. } => {}
        }
    }

    /// When `on_deadline` is wanted.
    pub fn next_deadline(&self) -> Option<Nanos> {
        match self.state {
            State::Idle => None,
            State::BackingOff { until } => Some(until),
            State::Opening { deadline } => Some(deadline),
            State::LoggingIn => self.soup.next_deadline(),
            State::Loading { deadline } => {
                Some(self.soup.next_deadline().map_or(deadline, |soup| soup.min(deadline)))
            }
        }
    }

    /// The next item. Call until `None` after every input.
    pub fn poll(&mut self, now: Nanos) -> Option<Item<'_>> {
        loop {
            if core::mem::take(&mut self.untold.close) {
                return Some(Item::Close);
            }
            if let Some(failure) = self.untold.failure.take() {
                return Some(match self.state {
                    State::Idle => Item::Failed(failure),
                    State::BackingOff { .. }
                    | State::Opening { .. }
                    | State::LoggingIn
                    | State::Loading { .. } => Item::Again(failure),
                });
            }
            if core::mem::take(&mut self.untold.open) {
                return Some(Item::Open);
            }
            match self.state {
                State::Idle | State::BackingOff { .. } | State::Opening { .. } => return None,
                State::LoggingIn | State::Loading { .. } => {}
            }
            match self.soup.hear()? {
                Heard::Accepted { .. } => {
                    self.load(now);
                    return Some(Item::Begin);
                }
                Heard::Sequenced { message, .. } => match end_of(self.soup.slice(message)) {
                    None => {
                        self.load(now);
                        return Some(Item::Message(self.soup.slice(message)));
                    }
                    Some(Ok(join)) => {
                        self.cancel();
                        return Some(Item::End { join });
                    }
                    Some(Err(failure)) => self.fail(now, failure),
                },
                Heard::Rejected(_) => self.fail(now, Failure::Rejected),
                Heard::EndOfSession => self.fail(now, Failure::Cut),
                Heard::Closed(reason) => self.fail(now, self.failure_of(reason)),
                Heard::Unsequenced(_) | Heard::Debug(_) => {}
            }
        }
    }

    fn load(&mut self, now: Nanos) {
        self.state = State::Loading { deadline: now.saturating_add(self.config.pause) };
    }

    fn failure_of(&self, reason: Closed) -> Failure {
        match reason {
            Closed::Remote if self.state == State::LoggingIn => Failure::NotConnected,
            Closed::Remote | Closed::LoggedOut | Closed::SessionEnded => Failure::Cut,
            Closed::Rejected => Failure::Rejected,
            Closed::LoginTimeout | Closed::Dead => Failure::Silent,
            Closed::BadLength | Closed::Oversized | Closed::Unexpected | Closed::BadNumber => {
                Failure::Garbage
            }
        }
    }

    /// A snapshot is under way, or will be tried again.
    pub fn is_busy(&self) -> bool {
        self.state != State::Idle
    }

    /// Bytes to send; tell `sent` how many were.
    pub fn poll_transmit(&self) -> Option<&[u8]> {
        self.soup.poll_transmit().filter(|_| self.has_connection())
    }

    /// That many of the bytes were sent.
    pub fn sent(&mut self, bytes: usize) {
        self.soup.sent(bytes);
    }
}

/// Where the feed goes on, if the message is the one that says so.
fn end_of(message: &[u8]) -> Option<Result<SeqNo, Failure>> {
    if message.first() != Some(&EndOfSnapshot::KIND) {
        return None;
    }
    if message.len() != EndOfSnapshot::LEN {
        return Some(Err(Failure::Garbage));
    }
    // The text after the type byte is a number as in the packets around it.
    let join = wire::soupbintcp::number(&message[1..], 1).unwrap_or(0);
    Some(if join == 0 { Err(Failure::BadJoin) } else { Ok(SeqNo::new(join)) })
}

/// The server's side of one connection: a SoupBinTCP server that closes with the join sequence.
///
/// The owner answers the login with `soup().accept(now, session, SeqNo::new(1))`, takes its books'
/// state at that moment, `send`s it message by message as the room goes, and calls `finish` with the
/// number of the first feed message that is not in it.
#[derive(Debug)]
pub struct Server {
    soup: soup::Server,
}

impl Server {
    /// A connection that came up at `now`.
    pub fn new(config: SoupConfig, now: Nanos) -> Self {
        Self { soup: soup::Server::new(config, now) }
    }

    /// The connection under it: logins, bytes in and out, deadlines.
    pub fn soup(&mut self) -> &mut soup::Server {
        &mut self.soup
    }

    /// Sends one message of the snapshot.
    pub fn send(&mut self, now: Nanos, message: &[u8]) -> Result<(), NotSent> {
        self.soup.send_sequenced(now, message).map(|_| ())
    }

    /// Ends the snapshot: the feed goes on at `join`. The client closes the connection.
    pub fn finish(&mut self, now: Nanos, join: SeqNo) -> Result<(), NotSent> {
        self.soup.send_sequenced(now, EndOfSnapshot::new(join.get()).as_bytes()).map(|_| ())
    }
}
