//! What a shard is made of, as checked values: sockets, connections, limits. No logic.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use types::Nanos;

use crate::Outbox;

/// One shard's I/O and limits. Sockets and connections are known to the machine by their place here.
#[derive(Clone, Debug)]
pub struct Config {
    /// For people: in errors and thread names.
    pub name: String,
    /// UDP sockets.
    pub sockets: Vec<Socket>,
    /// TCP connections that the machine may open.
    pub streams: Vec<Stream>,
    /// Where TCP connections are taken. Those of the first have the numbers after [`Config::streams`],
    /// `connections_max` of them, then those of the second, and so on: 65,536 in all at most.
    pub listeners: Vec<Listener>,
    /// Effects one input may cause.
    pub effects_max: usize,
    /// Payload bytes that one input's effects may carry.
    pub effect_bytes_max: usize,
    /// Places for the machine's own counters.
    pub machine_counters: usize,
    /// How often latency histograms go to the reader; `None` records none and saves a clock read a
    /// datagram.
    pub latency_interval: Option<Nanos>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: String::from("shard"),
            sockets: Vec::new(),
            streams: Vec::new(),
            listeners: Vec::new(),
            effects_max: Outbox::EFFECTS_MAX,
            effect_bytes_max: Outbox::BYTES_MAX,
            machine_counters: 0,
            latency_interval: None,
        }
    }
}

/// A UDP socket.
#[derive(Clone, Debug)]
pub struct Socket {
    /// Where to listen. With a group only the port counts: the socket is bound to the group itself,
    /// so that another group on the same port is not heard.
    pub bind: SocketAddr,
    /// The multicast group to join.
    pub group: Option<Group>,
    /// Where `Outbox::send` sends to: one receiver, or a group. A socket without a group of its own
    /// hears only this peer then.
    pub peer: Option<SocketAddr>,
    /// The address of the interface by which datagrams leave to a group as peer; without it, that of
    /// [`Socket::group`], or what the routes say. Receivers on this host hear them too.
    pub interface: Option<Ipv4Addr>,
    /// Routers that datagrams to a group as peer may pass, and one: 0 keeps them on this host, 1 on
    /// the network of the interface.
    pub multicast_ttl: u8,
    /// Receive buffer to ask the kernel for, bytes; what it granted is in [`crate::Bound`].
    pub receive_buffer: usize,
    /// The longest datagram taken, bytes. A longer one is reported, and not used.
    pub datagram_max: usize,
    /// How datagrams come in.
    pub ingress: Ingress,
}

impl Socket {
    /// Listens at `bind` for anyone, with the usual limits.
    pub fn new(bind: SocketAddr) -> Self {
        Self {
            bind,
            group: None,
            peer: None,
            interface: None,
            multicast_ttl: 1,
            receive_buffer: 8 * 1024 * 1024,
            datagram_max: 2048,
            ingress: Ingress::Poll,
        }
    }
}

/// A multicast group on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The group's address.
    pub address: Ipv4Addr,
    /// The address of the interface to join on.
    pub interface: Ipv4Addr,
}

/// How a socket's datagrams come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ingress {
    /// The loop calls `recvmmsg` each turn.
    #[default]
    Poll,
    /// The kernel fills buffers by io_uring multishot receive; the loop looks at shared memory.
    Uring,
    /// They do not: the socket only sends, and costs a turn nothing.
    Never,
}

/// A TCP connection that a machine may open.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Whom to connect to.
    pub peer: SocketAddr,
    /// How long connecting may take before the answer is `Closed`.
    pub connect_timeout: Duration,
    /// Bytes held for the machine; when full, no more is read and TCP holds the peer back.
    pub receive_max: usize,
    /// Bytes held for the peer; a write that does not fit closes the connection.
    pub write_max: usize,
}

impl Stream {
    /// Connects to `peer`, with the usual limits.
    pub fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            connect_timeout: Duration::from_secs(3),
            receive_max: 256 * 1024,
            write_max: 256 * 1024,
        }
    }
}

/// Where a shard takes TCP connections in its own loop: no executor, no task, no waker.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Where to listen; with port 0 the kernel chooses, see [`crate::Placed`].
    pub listen: SocketAddr,
    /// Connections at once. One more is accepted and closed at once, and counted.
    pub connections_max: u16,
    /// Bytes read, and handed to the machine, at once; one connection gets no more in a turn.
    pub receive_max: usize,
    /// Bytes that may wait for one peer after the kernel has taken what it would. When full the
    /// connection is cut.
    pub write_max: usize,
    /// How long a connection that has ended may take to get out what was written before, and to hear
    /// the peer's own end. A peer that takes longer is cut.
    pub linger: Nanos,
    /// Connections that the kernel may hold until they are accepted; it has a limit of its own
    /// (`net.core.somaxconn`).
    pub backlog: u32,
}

impl Listener {
    /// Listens at `listen`, with the usual limits.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            connections_max: 1_024,
            receive_max: 16 * 1024,
            write_max: 256 * 1024,
            linger: Nanos::from_secs(1),
            backlog: 1_024,
        }
    }
}

/// What a core does when nothing comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Looks again at once. For a core of its own: it takes all of it.
    Spin,
    /// Looks again so many turns, then sleeps until a socket is readable, a producer rings or a
    /// deadline comes.
    Backoff {
        /// Empty turns before it sleeps.
        spins: u32,
    },
}

impl Default for Idle {
    fn default() -> Self {
        Self::Backoff { spins: 2_000 }
    }
}
