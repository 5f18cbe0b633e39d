//! The servers behind a feed: re-requests and snapshots, from the messages as they are published.
//!
//! The same for a recording that is played and for an exchange shard that is live. Whoever has the
//! messages tells them to a [`Memory`]; those of a shard come by a ring, and a thread here tells them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use book::l3::Capacity;
use runtime::ring::{self, Popped};
use session::SessionId;
use session::mold::History;
use session::soup::SoupConfig;
use tape::Numbered;
use types::{Nanos, SeqNo};

use super::clock::Clock;
use super::impair::{Impaired, Impairment};
use super::memory::Memory;
use super::requests::{self, Requests};
use super::snapshot::{Snapshots, Terms};
use super::spawn;
use super::standing::Standing;
use super::stats::{Counters, Stats};
use super::throttle::Throttle;
use crate::failure::Failure;
use crate::stop::Stop;

/// The re-request server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RequestOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What happens to replies: loss and duplication, no delay.
    pub impaired: Impaired,
    /// Messages remembered.
    pub messages_max: usize,
    /// Bytes remembered.
    pub bytes_max: usize,
    /// Answers a second for one asker; four times that for all together.
    pub per_second: u32,
}

/// The snapshot server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// At most 6 characters; case does not matter.
    pub user: [u8; 6],
    /// At most 10 characters; case does not matter.
    pub password: [u8; 10],
    /// Clients at a time.
    pub clients_max: usize,
    /// How long a client may leave bytes unread before it is cut.
    pub stall: Nanos,
    /// How long a client may take to log in, and stay silent after it.
    pub login: Nanos,
    /// Silence after login before a client is dead.
    pub dead: Nanos,
    /// Room in the server's book; where it is too small, logins are refused.
    pub capacity: Capacity,
}

/// Which feed, and which servers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DistributionOptions {
    /// The feed's session.
    pub session: SessionId,
    /// The number of its first message.
    pub first: SeqNo,
    /// Bytes of the longest reply, header included.
    pub datagram_bytes_max: usize,
    /// `None`: nobody answers re-requests.
    pub requests: Option<RequestOptions>,
    /// `None`: nobody serves snapshots.
    pub snapshots: Option<SnapshotOptions>,
    /// Fates of replies.
    pub seed: u64,
    /// Processor of the servers' threads.
    pub cpu: Option<usize>,
}

impl RequestOptions {
    /// A million messages remembered, 20,000 answers a second, a free port on loopback.
    pub const DEFAULT: Self = Self {
        listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        impaired: Impaired::NOT,
        messages_max: 1 << 20,
        bytes_max: 40 << 20,
        per_second: 20_000,
    };
}

impl SnapshotOptions {
    /// Eight clients, user and password `rialto`, a million orders, a free port on loopback.
    pub const DEFAULT: Self = Self {
        listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        user: *b"rialto",
        password: *b"rialto    ",
        clients_max: 8,
        stall: Nanos::from_secs(5),
        login: Nanos::from_secs(10),
        dead: Nanos::from_secs(15),
        capacity: Capacity { instruments: 16_384, orders: 1 << 20, levels: 1 << 19 },
    };
}

/// Messages on their way to the snapshot server's book.
const BOOK_RING: usize = 1 << 15;
/// Messages of a shard told at a time, while no re-request is answered.
const TURN: usize = 256;
/// Sleep where there is nothing to tell, or the book has to catch up.
const IDLE: Duration = Duration::from_micros(200);

/// The running servers. Dropping them stops them.
pub struct Distribution {
    stop: Stop,
    counters: Arc<Counters>,
    clock: Clock,
    request_addr: Option<SocketAddr>,
    snapshot_addr: Option<SocketAddr>,
    threads: Vec<JoinHandle<()>>,
}

impl Distribution {
    /// Serves the messages that an exchange shard puts on a ring, each as [`Numbered::to_words`].
    /// Where the ring had no room for some, nothing before them is sent again and no snapshot is
    /// served from then on: a client without one knows that it has none.
    ///
    /// # Errors
    /// An address that cannot be used.
    pub fn follow(options: DistributionOptions, messages: ring::Consumer) -> Result<Self, Failure> {
        let (mut distribution, memory) = Self::start(options)?;
        let stop = distribution.stop.clone();
        let thread = spawn("distribution", options.cpu, move || tell(messages, memory, &stop))?;
        distribution.threads.push(thread);
        Ok(distribution)
    }

    /// Opens the sockets and starts the servers; what they serve is what the memory is told.
    pub(super) fn start(options: DistributionOptions) -> Result<(Self, Memory), Failure> {
        let counters = Arc::<Counters>::default();
        let room = options.requests.map_or((1, 1), |r| (r.messages_max, r.bytes_max));
        let history = Arc::new(Mutex::new(History::new(options.session, room.0, room.1)));
        let mut distribution = Self {
            stop: Stop::new(),
            counters: Arc::clone(&counters),
            clock: Clock::start(),
            request_addr: None,
            snapshot_addr: None,
            threads: Vec::new(),
        };
        if let Some(requests) = options.requests {
            distribution.serve_requests(&options, requests, Arc::clone(&history))?;
        }
        let book = match options.snapshots {
            Some(snapshots) => Some(distribution.serve_snapshots(&options, snapshots)?),
            None => None,
        };
        Ok((distribution, Memory { history, book, counters }))
    }

    fn serve_requests(
        &mut self,
        options: &DistributionOptions,
        requests: RequestOptions,
        history: Arc<Mutex<History>>,
    ) -> Result<(), Failure> {
        let listen = requests.listen;
        let fail = |error| Failure::io("listen for re-requests on", listen.to_string(), error);
        let socket = UdpSocket::bind(listen).map_err(fail)?;
        socket.set_read_timeout(Some(requests::LISTEN)).map_err(fail)?;
        self.request_addr = Some(socket.local_addr().map_err(fail)?);
        // Replies go out at once: what would delay them is left out.
        let impaired = Impaired { reorder: 0.0, skew: Nanos::ZERO, ..requests.impaired };
        let server = Requests {
            socket,
            history,
            throttle: Throttle::new(requests.per_second),
            impairment: Impairment::new(impaired, options.seed, 1),
            datagram_bytes_max: options.datagram_bytes_max,
            counters: Arc::clone(&self.counters),
            stop: self.stop.clone(),
            clock: self.clock,
        };
        self.threads.push(spawn("re-requests", options.cpu, move || server.run())?);
        Ok(())
    }

    fn serve_snapshots(
        &mut self,
        options: &DistributionOptions,
        snapshots: SnapshotOptions,
    ) -> Result<rtrb::Producer<Numbered>, Failure> {
        let listen = snapshots.listen;
        let fail = |error| Failure::io("serve snapshots on", listen.to_string(), error);
        let listener = TcpListener::bind(listen).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        self.snapshot_addr = Some(listener.local_addr().map_err(fail)?);
        let (producer, messages) = rtrb::RingBuffer::new(BOOK_RING);
        let soup =
            SoupConfig { login: snapshots.login, dead: snapshots.dead, ..SoupConfig::default() };
        let server = Snapshots {
            listener,
            terms: Terms {
                session: options.session,
                user: snapshots.user,
                password: snapshots.password,
                clients_max: snapshots.clients_max.max(1),
                stall: snapshots.stall,
                soup,
            },
            messages,
            standing: Standing::new(snapshots.capacity, options.first),
            counters: Arc::clone(&self.counters),
            stop: self.stop.clone(),
            clock: self.clock,
        };
        self.threads.push(spawn("snapshots", options.cpu, move || server.run())?);
        Ok(producer)
    }

    /// Where re-requests go.
    pub fn request_addr(&self) -> Option<SocketAddr> {
        self.request_addr
    }

    /// Where snapshots are had.
    pub fn snapshot_addr(&self) -> Option<SocketAddr> {
        self.snapshot_addr
    }

    /// What was told and served so far; the lines are not these servers'.
    pub fn stats(&self) -> Stats {
        self.counters.read()
    }

    pub(super) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    /// Stops every thread and waits for it; false where one had panicked.
    pub(super) fn join(&mut self) -> bool {
        self.stop.request();
        let joined: Vec<bool> =
            self.threads.drain(..).map(|thread| thread.join().is_ok()).collect();
        joined.into_iter().all(|well| well)
    }

    /// Stops the servers and gives the final figures.
    ///
    /// # Errors
    /// A thread of theirs had panicked.
    pub fn stop(mut self) -> Result<Stats, Failure> {
        if self.join() {
            return Ok(self.counters.read());
        }
        Err(Failure::failed("a thread of the distribution panicked; its message is above"))
    }
}

impl Drop for Distribution {
    fn drop(&mut self) {
        // A panic was for `stop` to tell; a drop is an owner that has its own to tell.
        let _ = self.join();
    }
}

/// Tells what comes by a shard's ring, until stopped or the shard is gone.
fn tell(mut messages: ring::Consumer, mut memory: Memory, stop: &Stop) {
    while !stop.requested() {
        // Looked at first: what the shard sent before it went can still be popped.
        let over = messages.is_abandoned();
        if !tell_some(&mut messages, &mut memory) {
            if over {
                return;
            }
            thread::sleep(IDLE);
        }
    }
}

/// A turn of it: whether there may be more at once.
fn tell_some(messages: &mut ring::Consumer, memory: &mut Memory) -> bool {
    if messages.is_empty() {
        return false;
    }
    let counters = Arc::clone(&memory.counters);
    let mut telling = memory.open();
    for _ in 0..TURN {
        if telling.is_behind() {
            counters.book_waits.add(1);
            return false;
        }
        match messages.pop() {
            Some(Popped::Message(message)) => match Numbered::from_words(&message.0) {
                Some(copy) => telling.tell(copy.sequence(), copy.message()),
                None => counters.missed.add(1),
            },
            Some(Popped::Missed(count)) => counters.missed.add(count),
            None => return false,
        }
    }
    true
}
