//! A live feed on loopback: MoldUDP64 on lines A and B, re-requests, GLIMPSE snapshots.
//!
//! Plays a recording or a generated day against whoever listens, over as bad a network as asked
//! for. The servers behind it also serve a live exchange shard: [`Distribution`]. Threads, sockets and
//! clocks live here; packets, sessions and books are the shards' own code. Everything is bounded: what
//! is remembered, who is served, how often.

mod clock;
mod command;
mod distribution;
mod feed;
mod impair;
mod memory;
mod pace;
mod requests;
mod snapshot;
mod source;
mod standing;
mod stats;
mod throttle;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use session::SessionId;
use session::mold::{Sender, SenderConfig};
use types::Nanos;

pub(crate) use clock::Clock;
pub use command::{CommandOptions, command};
pub use distribution::{Distribution, DistributionOptions, RequestOptions, SnapshotOptions};
pub use impair::{Fates, Impaired, Impairment};
pub use pace::Pace;
pub use source::Origin;
pub use stats::{LineStats, Stats};

use crate::failure::Failure;
use feed::{Feed, Line, Signals};
use source::Source;

/// One line: where its packets go, and what happens to them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineOptions {
    /// A multicast group, or one receiver.
    pub to: SocketAddrV4,
    /// The network on the way.
    pub impaired: Impaired,
}

/// What to publish, where, how fast and how badly.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What.
    pub origin: Origin,
    /// How fast.
    pub pace: Pace,
    /// Never sleep between messages: exact times for the price of a processor.
    pub spin: bool,
    /// Line A, and line B where there are two.
    pub lines: Vec<LineOptions>,
    /// Fates of packets; each line has its own from it.
    pub seed: u64,
    /// `None`: nobody answers re-requests.
    pub requests: Option<RequestOptions>,
    /// `None`: nobody serves snapshots.
    pub snapshots: Option<SnapshotOptions>,
    /// The feed's session.
    pub session: SessionId,
    /// The address that multicast leaves from; loopback keeps it on this host.
    pub interface: Ipv4Addr,
    /// Bytes of the longest datagram, header included.
    pub datagram_bytes_max: usize,
    /// Silence before a heartbeat, and between two ends of session.
    pub heartbeat: Nanos,
    /// Processor of the publishing thread.
    pub feed_cpu: Option<usize>,
    /// Processor of the servers' threads.
    pub server_cpu: Option<usize>,
}

impl Options {
    /// Two perfect lines on loopback groups, both servers on free ports, 100,000 messages a second.
    pub fn new(origin: Origin) -> Self {
        let line = |last| LineOptions {
            to: SocketAddrV4::new(Ipv4Addr::new(239, 192, 77, last), 26_400 + u16::from(last)),
            impaired: Impaired::NOT,
        };
        let session = match &origin {
            Origin::Day(day) => crate::generate::session_of(day.seed),
            Origin::File(_) => SessionId::new(*b"RECORDING1"),
        };
        Self {
            origin,
            pace: Pace::Rate(100_000),
            spin: false,
            lines: vec![line(1), line(2)],
            seed: 1,
            requests: Some(RequestOptions::DEFAULT),
            snapshots: Some(SnapshotOptions::DEFAULT),
            session,
            interface: Ipv4Addr::LOCALHOST,
            datagram_bytes_max: 1_472,
            heartbeat: Nanos::from_secs(1),
            feed_cpu: None,
            server_cpu: None,
        }
    }

    fn check(&self) -> Result<(), Failure> {
        let bad = |what: String| Err(Failure::usage(what));
        if self.lines.is_empty() || 2 < self.lines.len() {
            return bad(format!("a feed has one line or two, not {}", self.lines.len()));
        }
        if self.lines.len() == 2 && self.lines[0].to == self.lines[1].to {
            return bad(format!("lines A and B cannot both be {}", self.lines[0].to));
        }
        match self.pace {
            Pace::Rate(0) => {
                return bad("a rate of 0 messages a second never sends anything".into());
            }
            Pace::Speed(times) if !(times.is_finite() && 0.0 < times) => {
                return bad(format!("a speed of {times} is none: give a number over 0, or max"));
            }
            Pace::Max | Pace::Rate(_) | Pace::Speed(_) => {}
        }
        if !(64..=65_507).contains(&self.datagram_bytes_max) {
            let bytes = self.datagram_bytes_max;
            return bad(format!("datagrams of {bytes} bytes cannot be: 64 to 65507"));
        }
        Ok(())
    }
}

/// What a lossless run over the same messages needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What was published, from its beginning.
    pub origin: Origin,
    /// How many messages of it.
    pub messages: u64,
}

/// A running publisher. Dropping it stops it.
pub struct Publisher {
    origin: Origin,
    signals: Arc<Signals>,
    distribution: Distribution,
    feed: Option<JoinHandle<Result<(), Failure>>>,
}

/// Packets that may wait on one line.
const LINE_WAITING_MAX: usize = 4_096;

impl Publisher {
    /// Opens every socket and starts the threads; heartbeats begin, messages wait for [`Self::go`].
    ///
    /// # Errors
    /// Options that cannot be, a recording that cannot be opened, an address that cannot be used.
    pub fn start(options: Options) -> Result<Self, Failure> {
        options.check()?;
        let source = Source::open(&options.origin)?;
        let signals = Arc::<Signals>::default();
        let mut lines = Vec::with_capacity(2);
        for (nth, line) in (0..).zip(&options.lines) {
            // Another stream of fates for each line.
            let seed = options.seed.wrapping_mul(4).wrapping_add(nth);
            let impairment = Impairment::new(line.impaired, seed, LINE_WAITING_MAX);
            lines.push(Line::open(line.to, options.interface, impairment)?);
        }
        let (distribution, memory) = Distribution::start(DistributionOptions {
            session: options.session,
            first: feed::FIRST,
            datagram_bytes_max: options.datagram_bytes_max,
            requests: options.requests,
            snapshots: options.snapshots,
            seed: options.seed.wrapping_mul(4).wrapping_add(3),
            cpu: options.server_cpu,
        })?;
        let config = SenderConfig {
            session: options.session,
            first: feed::FIRST,
            datagram_bytes_max: options.datagram_bytes_max,
            heartbeat: options.heartbeat,
        };
        let clock = distribution.clock();
        let feed = Feed {
            source,
            sender: Sender::new(config, clock.now()),
            lines,
            memory,
            counters: Arc::clone(distribution.counters()),
            signals: Arc::clone(&signals),
            clock,
            pace: options.pace,
            spin: options.spin,
            held: Vec::with_capacity(usize::from(u16::MAX)),
            held_due: None,
        };
        let feed = Some(spawn("publish", options.feed_cpu, move || feed.run())?);
        Ok(Self { origin: options.origin, signals, distribution, feed })
    }

    /// Where re-requests go.
    pub fn request_addr(&self) -> Option<SocketAddr> {
        self.distribution.request_addr()
    }

    /// Where snapshots are had.
    pub fn snapshot_addr(&self) -> Option<SocketAddr> {
        self.distribution.snapshot_addr()
    }

    /// Starts the clock of the schedule: the first message is due now.
    pub fn go(&self) {
        self.signals.go.store(true, Ordering::Release);
        self.wake();
    }

    /// What it did so far.
    pub fn stats(&self) -> Stats {
        self.distribution.stats()
    }

    /// The session was ended: no more messages come. Re-requests and snapshots go on.
    pub fn is_over(&self) -> bool {
        self.signals.over.load(Ordering::Acquire)
    }

    /// Ends the session after the message under way; servers go on until [`Self::stop`]. Does not
    /// wait: ask [`Self::is_over`].
    pub fn finish(&self) {
        self.signals.finish.store(true, Ordering::Release);
        self.wake();
    }

    /// What was published so far, for a lossless run over the same messages. Final once
    /// [`Self::is_over`].
    pub fn reference(&self) -> Reference {
        Reference { origin: self.origin.clone(), messages: self.stats().messages }
    }

    /// Stops everything, joins every thread, and gives the final figures.
    ///
    /// # Errors
    /// The recording turned out to be damaged; what came before the damage was published.
    pub fn stop(mut self) -> Result<Stats, Failure> {
        let fault = self.join();
        fault.map(|()| self.distribution.stats())
    }

    fn wake(&self) {
        if let Some(feed) = &self.feed {
            feed.thread().unpark();
        }
    }

    fn join(&mut self) -> Result<(), Failure> {
        self.signals.stop.store(true, Ordering::Release);
        self.wake();
        let panicked =
            || Failure::failed("a thread of the publisher panicked; its message is above");
        let mut result = match self.feed.take() {
            Some(feed) => feed.join().map_err(|_| panicked()).flatten(),
            None => Ok(()),
        };
        if !self.distribution.join() {
            result = Err(panicked());
        }
        result
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // A fault was for `stop` to tell; a drop is an owner that has its own to tell.
        let _ = self.join();
    }
}

/// A named thread, pinned where a processor is given.
fn spawn<T: Send + 'static>(
    name: &str,
    cpu: Option<usize>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Failure> {
    let pinned = move || {
        if let Some(id) = cpu
            && !core_affinity::set_for_current(core_affinity::CoreId { id })
        {
            tracing::warn!(cpu = id, "cannot pin a thread to this cpu; it runs anywhere");
        }
        work()
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(pinned)
        .map_err(|error| Failure::io("start thread", name, error))
}
