//! From a checked topology to running shards: rings, sockets, machines, cores.
//!
//! Everything is made here and handed over; what is still to be read on the cold side comes back in
//! [`Live`]. Nothing runs before every core is ready, and cores stop in the order they started.

mod exchange;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use book::l3;
use engine::exchange::Exchange;
use engine::{FeedPlan, SnapshotPlan, Trade, TradePlan, gauges};
use runtime::ring::{Consumer, Producer, WhenFull, link};
use runtime::{
    Core, Group, Idle, LinkId, Running, Seat, Socket, SocketId, Stream, StreamId, Watch,
};
use session::glimpse::GlimpseConfig;
use session::soup::{Credentials, SoupConfig};
use session::{ReceiverConfig, Recovery, SessionId, Start};
use types::Nanos;
use venue::Roster;

use crate::config::{self, Policy};
use crate::failure::Failure;
pub use exchange::{
    COMMAND_DEPTH, DATAGRAM_MAX as DATAGRAM_BYTES_MAX, dealer, machine as exchange_machine,
    outbox_room,
};

use crate::topology::{self, ColdEnd, End, Feed, FeedId, Shard, ShardId, Snapshot, Topology};

/// How often latency histograms come from a shard.
const LATENCY_INTERVAL: Nanos = Nanos::from_secs(1);
/// Empty turns before a core with `idle = "backoff"` sleeps: some 100 us.
const SPINS: u32 = 200;
/// The longest datagram taken from a feed: an Ethernet frame's, with room to spare.
const DATAGRAM_MAX: usize = 2_048;
/// Further than this from where the stream stands, a single packet is not believed.
const FAR_MESSAGES: u64 = 10_000_000;
/// Messages asked for at a time.
const REQUEST_MESSAGES_MAX: u16 = 1_000;

/// A shard that runs, as the cold side sees it.
#[derive(Debug)]
pub struct LiveShard {
    /// In the configuration.
    pub id: ShardId,
    /// Its name there.
    pub name: String,
    /// Its counters, and its machine's.
    pub watch: Watch,
    /// Its latency histograms.
    pub latencies: Option<runtime::Latencies>,
    /// Changed tops.
    pub tops: Option<Consumer>,
    /// Alarms.
    pub alarms: Option<Consumer>,
    /// The feeds that it joined, in the order of its machine's.
    pub feeds: Vec<FeedId>,
}

/// An exchange's shard that runs, as the cold side sees it.
#[derive(Debug)]
pub struct LiveExchange {
    /// By the exchange's place in the configuration and its own there.
    pub at: At,
    /// Its name there.
    pub name: String,
    /// Where its ports take connections: where the configuration says port 0, the one that the kernel chose.
    pub orders: SocketAddr,
    /// Its counters, and its machine's.
    pub watch: Watch,
}

/// The place of an exchange's shard: the exchange's in the configuration, and its own there.
pub type At = (usize, usize);

/// What ran, and what became of it.
pub struct Ended {
    /// The shards that traded, in the order of the configuration.
    pub shards: Vec<LiveShard>,
    /// Their machines.
    pub trades: Vec<Trade>,
    /// The machines of exchanges, by the exchange's place and the shard's own there.
    pub exchanges: Vec<(At, Exchange)>,
}

/// Everything that runs.
#[derive(Debug)]
pub struct Live {
    /// The cores.
    running: Running,
    /// The shards, in the order of the configuration.
    pub shards: Vec<LiveShard>,
    /// The shards of exchanges, in the order of the configuration.
    pub exchanges: Vec<LiveExchange>,
    ended: Receiver<(ShardId, Trade)>,
    exchanges_ended: Receiver<(At, Exchange)>,
    kept: Vec<(At, Consumer)>,
    desks: Vec<(At, (Producer, Consumer))>,
}

impl Live {
    /// Stops every core in order and gives the machines back, in the order of the configuration.
    ///
    /// # Errors
    /// A core that did not end well.
    pub fn stop(self) -> Result<Ended, Failure> {
        self.running.stop().map_err(|faults| Failure::failed(faults.join("\n")))?;
        let mut machines: Vec<(ShardId, Trade)> = self.ended.iter().collect();
        machines.sort_by_key(|(id, _)| *id);
        let mut exchanges: Vec<_> = self.exchanges_ended.iter().collect();
        exchanges.sort_by_key(|(at, _)| *at);
        let trades = machines.into_iter().map(|(_, trade)| trade).collect();
        Ok(Ended { shards: self.shards, trades, exchanges })
    }

    /// Every message of each exchange shard's feed, in order. A shard stands still while its ring is
    /// full, so somebody has to take them.
    pub fn take_kept(&mut self) -> Vec<(At, Consumer)> {
        std::mem::take(&mut self.kept)
    }

    /// The rings over which each exchange shard is asked for something, and answers: `Command` there, `Answer`
    /// back. No more than [`COMMAND_DEPTH`] may be unanswered at a time.
    pub fn take_desks(&mut self) -> Vec<(At, (Producer, Consumer))> {
        std::mem::take(&mut self.desks)
    }

    /// The names of cores that ended although nobody stopped them.
    pub fn failed(&self) -> Vec<String> {
        self.running.failed().map(str::to_owned).collect()
    }
}

/// Starts every shard of a topology, or none.
///
/// # Errors
/// A socket, a thread or a limit of the host, with the shard that it stopped.
pub fn launch(topology: &Topology) -> Result<Live, Failure> {
    let (done, ended) = channel();
    let (exchange_done, exchanges_ended) = channel();
    let mut cores = Vec::new();
    let mut cold = Vec::new();
    let threads = topology.threads();
    for thread in &threads {
        let idle = match topology.placement(thread.shards[0]).idle {
            config::Idle::Spin => Idle::Spin,
            config::Idle::Backoff => Idle::Backoff { spins: SPINS },
        };
        let name = format!("cpu{}", thread.cpu);
        let cpu = usize::try_from(thread.cpu).unwrap_or(usize::MAX);
        cores.push(Core::new(name, Some(cpu), idle).map_err(|error| {
            Failure::failed(format!("cannot make the bell of cpu {}: {error}", thread.cpu))
        })?);
    }
    let mut shared = shared(topology, &threads, &cores);
    for (thread, core) in threads.iter().zip(&mut cores) {
        for seat in &thread.shards {
            match *seat {
                topology::Seat::Trade(id) => {
                    let seated = Seated::new(topology, id, done.clone());
                    core.seat(seated.seat);
                    cold.push(ColdSide::Trade(seated.cold));
                }
                topology::Seat::Exchange(at, shard) => {
                    let exchange = &topology.exchanges[at];
                    let rings = std::mem::take(&mut shared[at][shard]);
                    let done = exchange_done.clone();
                    let (seat, ends) =
                        exchange::seat((topology, exchange), (at, shard), core.bell(), rings, done);
                    core.seat(seat);
                    cold.push(ColdSide::Exchange(ends));
                }
            }
        }
    }
    drop(done);
    drop(exchange_done);
    let mut running = runtime::launch(cores).map_err(|error| Failure::failed(error.to_string()))?;
    let placed = running.take_shards();
    let (mut shards, mut exchanges) = (Vec::new(), Vec::new());
    let (mut kept, mut desks) = (Vec::new(), Vec::new());
    for (placed, cold) in placed.into_iter().zip(cold) {
        let (name, watch, listeners) = (placed.name, placed.watch, placed.listeners);
        match cold {
            ColdSide::Trade(Cold { id, tops, alarms, feeds }) => {
                let latencies = placed.latencies;
                shards.push(LiveShard { id, name, watch, latencies, tops, alarms, feeds });
            }
            ColdSide::Exchange(exchange::Cold { at, kept: messages, desk }) => {
                let orders = topology.exchanges[at.0].shards[at.1].orders;
                let orders = listeners.first().copied().unwrap_or(orders);
                kept.push((at, messages));
                desks.push((at, desk));
                exchanges.push(LiveExchange { at, name, orders, watch });
            }
        }
    }
    shards.sort_by_key(|shard| shard.id);
    exchanges.sort_by_key(|shard| shard.at);
    Ok(Live { running, shards, exchanges, ended, exchanges_ended, kept, desks })
}

/// The rings between the shards of each exchange.
fn shared(
    topology: &Topology,
    threads: &[topology::Thread],
    cores: &[Core],
) -> Vec<Vec<exchange::Shared>> {
    let bell = |seat| {
        let at = threads.iter().position(|thread| thread.shards.contains(&seat));
        // Every shard has a thread, and every thread a core.
        cores[at.unwrap_or_default()].bell()
    };
    let of = |(at, exchange): (usize, &topology::Exchange)| {
        let bells: Vec<_> = (0..exchange.shards.len())
            .map(|shard| bell(topology::Seat::Exchange(at, shard)))
            .collect();
        exchange::shared(exchange, &bells)
    };
    topology.exchanges.iter().enumerate().map(of).collect()
}

/// What the cold side keeps of a shard of either kind.
enum ColdSide {
    Trade(Cold),
    Exchange(exchange::Cold),
}

/// What the cold side keeps of a shard.
struct Cold {
    id: ShardId,
    tops: Option<Consumer>,
    alarms: Option<Consumer>,
    feeds: Vec<FeedId>,
}

/// A shard ready to be placed on its core.
struct Seated {
    seat: Seat,
    cold: Cold,
}

impl Seated {
    fn new(topology: &Topology, id: ShardId, done: Sender<(ShardId, Trade)>) -> Self {
        let shard = &topology.shards[id.index()];
        let mut outbound = Vec::new();
        let (tops, tops_link) = cold_link(topology, id, ColdEnd::Tops, &mut outbound);
        let (alarms, alarms_link) = cold_link(topology, id, ColdEnd::Alarms, &mut outbound);
        let mut places = Places::default();
        let joined: Vec<(FeedId, &Feed)> = topology.feeds_of(id).collect();
        let feeds: Vec<FeedPlan> = joined.iter().map(|(_, feed)| places.feed(feed)).collect();
        let config = runtime::Config {
            name: shard.name.clone(),
            sockets: places.sockets,
            streams: places.streams,
            machine_counters: gauges::places(feeds.len()),
            latency_interval: Some(LATENCY_INTERVAL),
            ..runtime::Config::default()
        };
        let roster = roster(topology, id);
        let capacity = capacity(shard);
        let make = move || {
            let plan = TradePlan { feeds, roster, capacity, tops: tops_link, alarms: alarms_link };
            Trade::new(plan, runtime::Clock::new().now())
                .map_err(|error| format!("cannot make the machine: {error:?}"))
        };
        let finish = move |trade| {
            // The process gave up on the machine where nobody listens any more.
            let _ = done.send((id, trade));
        };
        let feeds = joined.iter().map(|(id, _)| *id).collect();
        Self {
            seat: Seat::new(config, Vec::new(), outbound, make, finish),
            cold: Cold { id, tops, alarms, feeds },
        }
    }
}

/// The instruments of a shard.
pub fn roster(topology: &Topology, id: ShardId) -> Roster {
    let instruments = capacity(&topology.shards[id.index()]).instruments;
    Roster::new(topology.owners.ownership().clone(), id.0, instruments)
}

/// The room in the books of a shard.
pub fn capacity(shard: &Shard) -> l3::Capacity {
    let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    l3::Capacity {
        instruments: size(shard.capacity.instruments),
        orders: size(shard.capacity.orders),
        levels: size(shard.capacity.levels),
    }
}

/// The ring from a shard to an end on the cold side, where the topology has one.
fn cold_link(
    topology: &Topology,
    id: ShardId,
    end: ColdEnd,
    outbound: &mut Vec<Producer>,
) -> (Option<Consumer>, Option<LinkId>) {
    let (from, to) = (End::Shard(id), End::Cold(end));
    let Some(wanted) = topology.links.iter().find(|link| link.from == from && link.to == to) else {
        return (None, None);
    };
    let when_full = match wanted.policy {
        Policy::Stop => WhenFull::Stop,
        Policy::Gap => WhenFull::Gap,
        // What is conflated is an instrument's top, whose key is its slot.
        Policy::Conflate => WhenFull::Conflate {
            keys_max: topology.shards[id.index()].capacity.instruments as usize,
        },
    };
    let depth = usize::try_from(wanted.depth).unwrap_or(usize::MAX);
    let (producer, consumer) = link(depth, when_full, None);
    // A shard has two links at most so far.
    let place = LinkId(outbound.len() as u16);
    outbound.push(producer);
    (Some(consumer), Some(place))
}

/// A shard's sockets and connections, each known by its place.
#[derive(Default)]
struct Places {
    sockets: Vec<Socket>,
    streams: Vec<Stream>,
}

impl Places {
    fn socket(&mut self, socket: Socket) -> SocketId {
        self.sockets.push(socket);
        // Three a feed, and a shard takes 64 feeds at most.
        SocketId((self.sockets.len() - 1) as u16)
    }

    fn line(&mut self, feed: &Feed, to: SocketAddrV4) -> SocketId {
        let ingress = match feed.ingress {
            config::Ingress::Poll => runtime::Ingress::Poll,
            config::Ingress::Uring => runtime::Ingress::Uring,
        };
        let group = Group { address: *to.ip(), interface: feed.interface };
        self.socket(Socket {
            group: Some(group),
            ingress,
            datagram_max: DATAGRAM_MAX,
            ..Socket::new(SocketAddr::V4(to))
        })
    }

    fn feed(&mut self, feed: &Feed) -> FeedPlan {
        let line_a = self.line(feed, feed.line_a);
        let line_b = feed.line_b.map(|to| self.line(feed, to));
        let replies = feed.rerequest.map(|server| {
            let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
            self.socket(Socket {
                peer: Some(server),
                datagram_max: DATAGRAM_MAX,
                ..Socket::new(any)
            })
        });
        let snapshot = feed.snapshot.as_ref().map(|server| self.snapshot(server));
        FeedPlan {
            row: feed.venue,
            line_a,
            line_b,
            replies,
            receiver: receiver(feed, snapshot.is_some()),
            snapshot,
        }
    }

    fn snapshot(&mut self, server: &Snapshot) -> SnapshotPlan {
        self.streams.push(Stream::new(server.address));
        // The topology refused text that does not fit its field.
        let credentials = Credentials::new(&server.user, &server.password, "");
        let blank = Credentials {
            user: [b' '; 6],
            password: [b' '; 10],
            session: SessionId::new([b' '; 10]),
        };
        SnapshotPlan {
            stream: StreamId((self.streams.len() - 1) as u16),
            credentials: credentials.unwrap_or(blank),
            glimpse: GlimpseConfig { soup: SoupConfig::default(), ..GlimpseConfig::default() },
        }
    }
}

fn receiver(feed: &Feed, snapshots: bool) -> ReceiverConfig {
    let requests = feed.rerequest.is_some();
    ReceiverConfig {
        lines: if feed.line_b.is_some() { 2 } else { 1 },
        window_packets: feed.session.window_packets,
        packet_bytes_max: DATAGRAM_MAX as u32,
        reorder: nanos(feed.session.reorder),
        retry: nanos(feed.session.retry),
        attempts_max: feed.session.attempts,
        request_messages_max: REQUEST_MESSAGES_MAX,
        gap_messages_max: u64::from(feed.session.gap_messages_max),
        far_messages: FAR_MESSAGES,
        idle: nanos(feed.session.idle),
        // Joined late, a feed is made whole by whatever it has; without either its books stay stale.
        start: Start::Beginning,
        recovery: Recovery { requests, snapshots },
    }
}

fn nanos(span: Duration) -> Nanos {
    Nanos::new(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}
