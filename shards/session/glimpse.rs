//! GLIMPSE: a snapshot over SoupBinTCP, and the sequence to join the feed from.

use types::{Nanos, SeqNo};

use crate::soup::{self, Credentials, SoupConfig};

/// Sizes and times of a snapshot client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlimpseConfig {
    /// The connection's.
    pub soup: SoupConfig,
    /// How long a connection may take to come up.
    pub connect: Nanos,
    /// How long a snapshot may pause between two messages.
    pub pause: Nanos,
    /// Wait before the second attempt; doubled for each further one.
    pub backoff: Nanos,
    /// The longest such wait.
    pub backoff_max: Nanos,
    /// Attempts before it fails for good, at least 1.
    pub attempts_max: u32,
}

/// Why an attempt, or the whole, failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Failure {
    /// No connection in time, or refused.
    NotConnected = 1,
    /// The login was rejected; not tried again.
    Rejected = 2,
    /// Cut before the end of the snapshot.
    Cut = 3,
    /// Silent for too long.
    Silent = 4,
    /// The stream was not SoupBinTCP.
    Garbage = 5,
    /// The join sequence is no number, or zero.
    BadJoin = 6,
}

/// What the owner does or hears next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// Open the connection.
    Open,
    /// Close the connection.
    Close,
    /// A snapshot begins: empty what it is loaded into.
    Begin,
    /// A message of it.
    Message(&'a [u8]),
    /// It is whole: the feed goes on at `join`.
    End {
        /// The first message not in it.
        join: SeqNo,
    },
    /// An attempt failed; what was loaded is void, and another follows.
    Again(Failure),
    /// It failed for good; what was loaded is void.
    Failed(Failure),
}

/// The client's side.
#[derive(Debug)]
pub struct Client {}

impl Client {
    /// Idle until `start`.
    pub fn new(_config: GlimpseConfig, _credentials: Credentials) -> Self {
        unimplemented!()
    }
    /// Begins a snapshot; one under way is dropped.
    pub fn start(&mut self, _now: Nanos) {
        unimplemented!()
    }
    /// Stops whatever is under way.
    pub fn cancel(&mut self) {
        unimplemented!()
    }
    /// The connection is up.
    pub fn on_opened(&mut self, _now: Nanos) {
        unimplemented!()
    }
    /// Takes bytes, split anywhere, and says how many: drain `poll` and offer the rest again.
    pub fn on_bytes(&mut self, _now: Nanos, _bytes: &[u8]) -> usize {
        unimplemented!()
    }
    /// The connection is down, or could not be made.
    pub fn on_closed(&mut self, _now: Nanos) {
        unimplemented!()
    }
    /// The time given by `next_deadline` has come.
    pub fn on_deadline(&mut self, _now: Nanos) {
        unimplemented!()
    }
    /// When `on_deadline` is wanted.
    pub fn next_deadline(&self) -> Option<Nanos> {
        unimplemented!()
    }
    /// The next item. Call until `None` after every input.
    pub fn poll(&mut self, _now: Nanos) -> Option<Item<'_>> {
        unimplemented!()
    }
    /// Bytes to send; tell `sent` how many were.
    pub fn poll_transmit(&self) -> Option<&[u8]> {
        unimplemented!()
    }
    /// That many of the bytes were sent.
    pub fn sent(&mut self, _bytes: usize) {
        unimplemented!()
    }
}

/// The server's side of one connection: a soup server that closes with the join sequence.
#[derive(Debug)]
pub struct Server {
    soup: soup::Server,
}

impl Server {
    /// A connection that came up at `now`.
    pub fn new(config: SoupConfig, now: Nanos) -> Self {
        Self { soup: soup::Server::new(config, now) }
    }
    /// The connection under it: logins, bytes in and out.
    pub fn soup(&mut self) -> &mut soup::Server {
        &mut self.soup
    }
    /// Sends one message of the snapshot.
    pub fn send(&mut self, _now: Nanos, _message: &[u8]) -> Result<(), soup::NotSent> {
        unimplemented!()
    }
    /// Ends the snapshot: the feed goes on at `join`.
    pub fn finish(&mut self, _now: Nanos, _join: SeqNo) -> Result<(), soup::NotSent> {
        unimplemented!()
    }
}
