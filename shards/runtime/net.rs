//! UDP sockets, polled: non-blocking, received in batches, stamped by the kernel.
//!
//! Knows no protocol. One `recvmmsg` fills up to [`BATCH`] fixed buffers; what comes with a
//! datagram (receive stamp, drop counter) is read from its control message. Sources: recvmmsg(2),
//! socket(7) for `SO_TIMESTAMPNS` and `SO_RXQ_OVFL`, ip(7) for groups.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, setsockopt, socket, sockopt,
};
use types::Nanos;

use crate::config::{Ingress, Socket};
use crate::pages::Pages;

/// Datagrams taken from one socket in one turn of the loop.
pub(crate) const BATCH: usize = 32;

/// Room for the control messages of one datagram: a stamp and a drop counter, with their heads.
pub(crate) const CONTROL_LEN: usize = 64;

/// What a socket became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Its own address.
    pub local: SocketAddr,
    /// The receive buffer that the kernel granted, bytes.
    pub receive_buffer: usize,
}

/// One received datagram, in the receiver's buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram<'a> {
    /// The payload, cut at the buffer's length.
    pub(crate) bytes: &'a [u8],
    /// The length it had on the wire.
    pub(crate) len: usize,
    /// What the kernel said about it.
    pub(crate) control: Control,
}

/// What the kernel said about a datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Control {
    /// When it came in.
    pub(crate) stamp: Option<Nanos>,
    /// Datagrams this socket has dropped, ever; absent while none.
    pub(crate) drops: Option<u32>,
}

/// The sending side, and the owner of the descriptor.
#[derive(Debug)]
pub(crate) struct Udp {
    socket: UdpSocket,
    /// Where to send; `None` once connected, or without a peer.
    to: Option<SocketAddr>,
    connected: bool,
}

/// Why a datagram did not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSent {
    NoPeer,
    Full,
    Refused,
}

impl Udp {
    /// Opens, binds, joins and connects. Errors: a sentence that names the address and the step.
    pub(crate) fn open(config: &Socket) -> Result<(Self, Bound), String> {
        let address = listen_address(config)?;
        let failed =
            |step: &str, error: io::Error| format!("UDP {address}: cannot {step}: {error}");
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::Inet,
            SocketAddr::V6(_) => AddressFamily::Inet6,
        };
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let fd = socket(family, SockType::Datagram, flags, None)
            .map_err(|error| failed("open a socket", error.into()))?;
        set_options(&fd, config).map_err(|(step, error)| failed(step, error))?;
        bind(fd.as_raw_fd(), &SockaddrStorage::from(address))
            .map_err(|error| failed("bind", error.into()))?;
        let socket = UdpSocket::from(fd);
        if let Some(group) = config.group {
            socket
                .join_multicast_v4(&group.address, &group.interface)
                .map_err(|error| failed(&format!("join on {}", group.interface), error))?;
        }
        // A connected socket looks up its route once rather than for each datagram; but it would
        // hear only the peer, so not with a group.
        let connected = config.peer.is_some() && config.group.is_none();
        if let Some(peer) = config.peer.filter(|_| connected) {
            socket.connect(peer).map_err(|error| failed(&format!("connect to {peer}"), error))?;
        }
        let bound = bound(&socket).map_err(|error| failed("read its own address", error))?;
        Ok((Self { socket, to: config.peer.filter(|_| !connected), connected }, bound))
    }

    /// Sends to the one peer. Never waits.
    #[inline]
    pub(crate) fn send(&self, bytes: &[u8]) -> Result<(), NotSent> {
        let sent = match self.to {
            Some(peer) => self.socket.send_to(bytes, peer),
            None if self.connected => self.socket.send(bytes),
            None => return Err(NotSent::NoPeer),
        };
        match sent {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(NotSent::Full),
            Err(_) => Err(NotSent::Refused),
        }
    }

    pub(crate) fn raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

fn listen_address(config: &Socket) -> Result<SocketAddr, String> {
    let Some(group) = config.group else { return Ok(config.bind) };
    if !group.address.is_multicast() {
        return Err(format!("UDP {}: is no multicast group (224.0.0.0/4)", group.address));
    }
    Ok(SocketAddr::V4(SocketAddrV4::new(group.address, config.bind.port())))
}

fn set_options(fd: &OwnedFd, config: &Socket) -> Result<(), (&'static str, io::Error)> {
    let step = |name| move |error: nix::Error| (name, io::Error::from(error));
    setsockopt(fd, sockopt::ReuseAddr, &true).map_err(step("set SO_REUSEADDR"))?;
    // Above net.core.rmem_max only for the privileged; others get as much as they may.
    if setsockopt(fd, sockopt::RcvBufForce, &config.receive_buffer).is_err() {
        setsockopt(fd, sockopt::RcvBuf, &config.receive_buffer).map_err(step("set SO_RCVBUF"))?;
    }
    if config.ingress != Ingress::Never {
        setsockopt(fd, sockopt::ReceiveTimestampns, &true).map_err(step("set SO_TIMESTAMPNS"))?;
        setsockopt(fd, sockopt::RxqOvfl, &1).map_err(step("set SO_RXQ_OVFL"))?;
    }
    if config.group.is_some() {
        // Else it hears every group that any socket of this host has joined on the port.
        set_int(fd, libc::IPPROTO_IP, libc::IP_MULTICAST_ALL, 0)
            .map_err(|error| ("clear IP_MULTICAST_ALL", error))?;
    }
    match config.peer.map(|peer| peer.ip()) {
        Some(IpAddr::V4(peer)) if peer.is_multicast() => set_multicast_options(fd, config),
        Some(_) | None => Ok(()),
    }
}

/// By which interface and how far datagrams to a group leave, and that this host hears them.
fn set_multicast_options(fd: &OwnedFd, config: &Socket) -> Result<(), (&'static str, io::Error)> {
    let step = |name| move |error: nix::Error| (name, io::Error::from(error));
    let interface = config.interface.or(config.group.map(|group| group.interface));
    if let Some(interface) = interface {
        let address = u32::from_ne_bytes(interface.octets()).cast_signed();
        set_int(fd, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, address)
            .map_err(|error| ("set IP_MULTICAST_IF", error))?;
    }
    setsockopt(fd, sockopt::IpMulticastLoop, &true).map_err(step("set IP_MULTICAST_LOOP"))?;
    setsockopt(fd, sockopt::IpMulticastTtl, &config.multicast_ttl)
        .map_err(step("set IP_MULTICAST_TTL"))
}

fn set_int(fd: &OwnedFd, level: i32, option: i32, value: i32) -> io::Result<()> {
    let len = size_of::<i32>() as libc::socklen_t;
    // SAFETY: the option is an int (for IP_MULTICAST_IF an in_addr, as wide), read before it returns.
    let set = unsafe {
        libc::setsockopt(fd.as_raw_fd(), level, option, ptr::from_ref(&value).cast(), len)
    };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn bound(socket: &UdpSocket) -> io::Result<Bound> {
    let doubled = nix::sys::socket::getsockopt(socket, sockopt::RcvBuf)?;
    // The kernel doubles what it grants, for its own bookkeeping, and says so.
    Ok(Bound { local: socket.local_addr()?, receive_buffer: doubled / 2 })
}

/// Fixed buffers for one socket, filled by `recvmmsg` and read one by one.
pub(crate) struct Batch {
    headers: Vec<libc::mmsghdr>,
    /// Pointed to by the headers.
    _iovecs: Vec<libc::iovec>,
    pages: Pages,
    stride: usize,
    datagram_max: usize,
    filled: usize,
    next: usize,
    /// How many the next call may bring.
    wanted: usize,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batch({} of {})", self.next, self.filled)
    }
}

impl Batch {
    pub(crate) fn new(datagram_max: usize) -> io::Result<Self> {
        let stride = (CONTROL_LEN + datagram_max).next_multiple_of(64);
        let pages = Pages::new(stride * BATCH)?;
        let mut iovecs: Vec<_> = (0..BATCH)
            .map(|i| libc::iovec {
                iov_base: pages.address(i * stride + CONTROL_LEN).cast(),
                iov_len: datagram_max,
            })
            .collect();
        let first = iovecs.as_mut_ptr();
        let headers = (0..BATCH)
            .map(|i| {
                // SAFETY: all zeroes is a valid msghdr without name, data and control.
                let mut header: libc::mmsghdr = unsafe { core::mem::zeroed() };
                // SAFETY: `i` is below the number of iovecs.
                header.msg_hdr.msg_iov = unsafe { first.add(i) };
                header.msg_hdr.msg_iovlen = 1;
                header.msg_hdr.msg_control = pages.address(i * stride).cast();
                header.msg_hdr.msg_controllen = CONTROL_LEN as _;
                header
            })
            .collect();
        Ok(Self {
            headers,
            _iovecs: iovecs,
            pages,
            stride,
            datagram_max,
            filled: 0,
            next: 0,
            wanted: 1,
        })
    }

    /// Whether all that was received has been read.
    #[inline]
    pub(crate) fn is_spent(&self) -> bool {
        self.next == self.filled
    }

    /// Receives what is there in one call. Only once the last is spent.
    ///
    /// A quiet socket is asked for one datagram: `recvmmsg` hands over none before it has looked in
    /// vain for the next, which would hold up a lone one by a tenth of its whole way. When as many
    /// come as were asked for, twice as many are the next time, up to [`BATCH`].
    #[inline]
    pub(crate) fn fill(&mut self, fd: RawFd) -> io::Result<()> {
        for header in &mut self.headers[..self.filled] {
            header.msg_hdr.msg_controllen = CONTROL_LEN as _;
        }
        self.filled = 0;
        self.next = 0;
        // MSG_TRUNC: the length is the datagram's own, even where the buffer is shorter.
        let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
        // SAFETY: each header points to one iovec and to control and data areas inside `pages`,
        // none overlapping, all of which live and stay in place as long as `self`.
        let received = unsafe {
            libc::recvmmsg(
                fd,
                self.headers.as_mut_ptr(),
                self.wanted as u32,
                flags,
                ptr::null_mut(),
            )
        };
        let received = usize::try_from(received);
        self.wanted = match received {
            Ok(count) if count == self.wanted => (count * 2).min(BATCH),
            Ok(_) | Err(_) => 1,
        };
        match received {
            Ok(count) => {
                self.filled = count;
                Ok(())
            }
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
                error => Err(error),
            },
        }
    }

    /// The next datagram of the batch.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Datagram<'_>> {
        let i = self.next;
        let header = self.headers[..self.filled].get(i)?;
        self.next += 1;
        let len = header.msg_len as usize;
        let at = i * self.stride;
        let control_len = header.msg_hdr.msg_controllen.min(CONTROL_LEN);
        // SAFETY: the kernel writes only inside `fill`, which borrows `self` mutably.
        let (control, bytes) = unsafe {
            (
                self.pages.slice(at, control_len),
                self.pages.slice(at + CONTROL_LEN, len.min(self.datagram_max)),
            )
        };
        Some(Datagram { bytes, len, control: Control::parse(control) })
    }
}

/// Length, level and type of a control message (cmsg(3)).
const HEAD: usize = size_of::<libc::cmsghdr>();
const ALIGN: usize = size_of::<usize>();

impl Control {
    /// Reads the control messages that this crate asked for; others are passed over.
    #[inline]
    pub(crate) fn parse(mut rest: &[u8]) -> Self {
        let mut control = Self::default();
        while let Some((head, _)) = rest.split_first_chunk::<HEAD>() {
            let (len, kind) = head.split_at(ALIGN);
            let len = usize::from_ne_bytes(len.try_into().unwrap_or_default());
            let (level, name) = kind.split_at(4);
            let [level, name] =
                [level, name].map(|n| i32::from_ne_bytes(n.try_into().unwrap_or_default()));
            let Some(value) = rest.get(HEAD..len) else { break };
            match (level, name) {
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => control.stamp = timespec(value),
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
                    control.drops = value.first_chunk().copied().map(u32::from_ne_bytes);
                }
                (_, _) => {}
            }
            rest = rest.get(len.next_multiple_of(ALIGN)..).unwrap_or_default();
        }
        control
    }
}

/// Seconds and nanoseconds, each a C `long`.
fn timespec(value: &[u8]) -> Option<Nanos> {
    let (secs, rest) = value.split_first_chunk()?;
    let secs = libc::time_t::from_ne_bytes(*secs);
    let nanos = libc::c_long::from_ne_bytes(*rest.first_chunk()?);
    let (secs, nanos) = (u64::try_from(secs).ok()?, u64::try_from(nanos).ok()?);
    Some(Nanos::new(secs.checked_mul(1_000_000_000)?.checked_add(nanos)?))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods)] // a test has threads and patience of its own
mod tests {
    use super::*;
    use crate::config::Group;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;
    use std::time::{Duration, Instant};

    const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

    /// Waits for datagrams to come in: on loopback they are there when `send` returns.
    fn receive(udp: &Udp, batch: &mut Batch, count: usize) -> Vec<(Vec<u8>, usize, Control)> {
        let (mut seen, started) = (Vec::new(), Instant::now());
        while seen.len() < count {
            assert!(started.elapsed() < Duration::from_secs(20), "only {seen:?}");
            batch.fill(udp.raw_fd()).unwrap();
            while let Some(datagram) = batch.next() {
                seen.push((datagram.bytes.to_vec(), datagram.len, datagram.control));
            }
        }
        seen
    }

    #[test]
    fn a_batch_keeps_order_lengths_and_stamps() {
        let (udp, bound) = Udp::open(&Socket { datagram_max: 8, ..Socket::new(ANY_PORT) }).unwrap();
        let mut batch = Batch::new(8).unwrap();
        let sender = UdpSocket::bind(ANY_PORT).unwrap();
        let before = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let sent: Vec<Vec<u8>> = (0..100_u8).map(|i| vec![i; usize::from(i % 11)]).collect();
        for bytes in &sent {
            sender.send_to(bytes, bound.local).unwrap();
        }
        let seen = receive(&udp, &mut batch, 100);
        // Not before it was received: the host's first stamped socket gets its first stamps then.
        let after = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        for ((bytes, len, control), want) in seen.iter().zip(&sent) {
            assert_eq!((bytes.as_slice(), *len), (&want[..want.len().min(8)], want.len()));
            let stamp = u128::from(control.stamp.expect("a kernel stamp").get());
            assert!(before <= stamp && stamp <= after);
        }
    }

    #[test]
    fn a_full_buffer_is_counted_by_the_kernel() {
        let config = Socket { receive_buffer: 2048, ..Socket::new(ANY_PORT) };
        let (udp, bound) = Udp::open(&config).unwrap();
        let sender = UdpSocket::bind(ANY_PORT).unwrap();
        for _ in 0..200 {
            sender.send_to(&[0; 500], bound.local).unwrap();
        }
        let mut batch = Batch::new(2048).unwrap();
        let mut held = 0;
        loop {
            batch.fill(udp.raw_fd()).unwrap();
            if batch.is_spent() {
                break;
            }
            while batch.next().is_some() {
                held += 1;
            }
        }
        assert!(held < 200);
        // The counter comes with the next datagram that gets in.
        sender.send_to(b"next", bound.local).unwrap();
        let seen = receive(&udp, &mut batch, 1);
        assert_eq!(seen[0].2.drops, Some(200 - held));
    }

    #[test]
    fn a_group_is_heard_on_its_interface_and_others_are_not() {
        let group = |last| Group {
            address: Ipv4Addr::new(239, 255, 71, last),
            interface: Ipv4Addr::LOCALHOST,
        };
        // One port for both groups, free at this moment.
        let port = UdpSocket::bind(ANY_PORT).unwrap().local_addr().unwrap().port();
        let bind = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let open = |last| {
            let group = group(last);
            let peer = Some(SocketAddr::from((group.address, port)));
            Udp::open(&Socket { group: Some(group), peer, ..Socket::new(bind) }).unwrap().0
        };
        let (first, second) = (open(1), open(2));
        second.send(b"second").unwrap();
        first.send(b"first").unwrap();
        let mut batch = Batch::new(64).unwrap();
        assert_eq!(receive(&first, &mut batch, 1)[0].0, b"first");
        assert_eq!(receive(&second, &mut batch, 1)[0].0, b"second");
    }

    #[test]
    fn a_publisher_sends_to_its_group_by_its_interface() {
        let address = Ipv4Addr::new(239, 255, 73, 1);
        let port = UdpSocket::bind(ANY_PORT).unwrap().local_addr().unwrap().port();
        let bind = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let hear = Some(Group { address, interface: Ipv4Addr::LOCALHOST });
        let (receiver, _) = Udp::open(&Socket { group: hear, ..Socket::new(bind) }).unwrap();
        // Bound to no address, so that the interface alone decides.
        let anywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let publisher = Socket {
            peer: Some(SocketAddr::from((address, port))),
            interface: Some(Ipv4Addr::LOCALHOST),
            multicast_ttl: 0,
            ..Socket::new(anywhere)
        };
        let (publisher, bound) = Udp::open(&publisher).unwrap();
        assert!(publisher.connected, "one plain `send` a datagram, with its route looked up");
        assert_eq!(bound.local.ip(), Ipv4Addr::LOCALHOST, "the source is the interface's");
        let ttl = nix::sys::socket::getsockopt(&publisher.socket, sockopt::IpMulticastTtl).unwrap();
        assert_eq!(ttl, 0);
        let mut batch = Batch::new(64).unwrap();
        for bytes in [b"first", b"later"] {
            publisher.send(bytes).unwrap();
            assert_eq!(receive(&receiver, &mut batch, 1)[0].0, bytes);
        }
    }

    #[test]
    fn errors_name_the_address_and_the_step() {
        let group = Group { address: Ipv4Addr::LOCALHOST, interface: Ipv4Addr::LOCALHOST };
        let nowhere = SocketAddr::from(([203, 0, 113, 1], 9));
        let cases = [
            (Socket { group: Some(group), ..Socket::new(ANY_PORT) }, "no multicast group"),
            (Socket::new(nowhere), "203.0.113.1:9: cannot bind"),
            (
                Socket {
                    peer: Some(SocketAddr::from(([239, 255, 73, 2], 9))),
                    interface: Some(Ipv4Addr::new(203, 0, 113, 1)),
                    ..Socket::new(ANY_PORT)
                },
                "cannot set IP_MULTICAST_IF",
            ),
        ];
        for (config, want) in cases {
            let error = Udp::open(&config).unwrap_err();
            assert!(error.contains(want), "{error}");
        }
        let (silent, _) = Udp::open(&Socket::new(ANY_PORT)).unwrap();
        assert_eq!(silent.send(b"x"), Err(NotSent::NoPeer));
    }

    proptest! {
        #[test]
        fn any_control_bytes_are_safe(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Control::parse(&bytes);
        }
    }
}
