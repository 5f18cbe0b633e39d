//! From an Ethernet frame to the UDP or TCP payload in it, and back to a frame around a payload.
//!
//! Knows no market protocol. Reads VLAN tags (802.1Q, 802.1ad, stacked), IPv4 with options, IPv6 with
//! extension headers. Does not put fragments together: it reports them. Does not verify checksums:
//! captures taken at the sender hold frames whose checksums the card had still to fill in.
//!
//! Source: IEEE 802.3 and 802.1Q, RFC 791, RFC 8200, RFC 768, RFC 9293.

use crate::Full;
use crate::layout::write_parts;
use crate::malformed::held;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};

/// Ethernet's link type in a capture.
pub const ETHERNET: u16 = 1;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried<'a> {
    /// A UDP datagram.
    Udp(Datagram<'a>),
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// Neither, and nothing is wrong with that.
    Other(Other),
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// What it carries.
    pub payload: &'a [u8],
}

/// A TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Who sent it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// Of its first byte, modulo 2^32.
    pub sequence: u32,
    /// FIN is bit 0, SYN 1, RST 2, PSH 3, ACK 4.
    pub flags: u8,
    /// What it carries.
    pub payload: &'a [u8],
}

/// What a frame carries that is neither UDP nor TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// Not IP: the EtherType, or a length under 1,536.
    EtherType(u16),
    /// IP, and this protocol number in it.
    Protocol(u8),
}

/// Why a frame cannot be read. The number is fixed: append, never renumber.
///
/// Offsets are in bytes from the start of the frame, at the header concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BadFrame {
    /// The capture's interface is not Ethernet.
    UnsupportedLink {
        /// Its link type.
        link: u16,
    } = 1,
    /// The frame ends inside a header, or before the end that a header states.
    Cut {
        /// Where that header starts.
        offset: u16,
    } = 2,
    /// An IP version other than the EtherType says.
    WrongVersion {
        /// Where the IP header starts.
        offset: u16,
        /// The version.
        version: u8,
    } = 3,
    /// A header states a length too small for the header itself.
    WrongLength {
        /// Where the header starts.
        offset: u16,
        /// The length.
        len: u16,
    } = 4,
    /// Part of a datagram that was split on its way.
    Fragment {
        /// Where the header that says so starts.
        offset: u16,
    } = 5,
}

impl BadFrame {
    /// The fixed number of the kind of fault.
    pub const fn number(self) -> u8 {
        match self {
            Self::UnsupportedLink { .. } => 1,
            Self::Cut { .. } => 2,
            Self::WrongVersion { .. } => 3,
            Self::WrongLength { .. } => 4,
            Self::Fragment { .. } => 5,
        }
    }
}

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UnsupportedLink { link } => {
                write!(f, "unsupported link type {link}: only Ethernet (1) is read")
            }
            Self::Cut { offset } => {
                write!(f, "frame ends before the header at offset {offset} says it does")
            }
            Self::WrongVersion { offset, version } => {
                write!(f, "IP header at offset {offset} has version {version}, not its EtherType's")
            }
            Self::WrongLength { offset, len } => {
                write!(f, "header at offset {offset} states a length of {len}, less than itself")
            }
            Self::Fragment { offset } => {
                write!(
                    f,
                    "IP header at offset {offset} is of a fragment, and fragments are not put together"
                )
            }
        }
    }
}

impl core::error::Error for BadFrame {}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86DD;
/// 802.1Q, 802.1ad, and what was used for stacked tags before it.
const VLAN_TAGS: [u16; 3] = [0x8100, 0x88A8, 0x9100];

const TCP: u8 = 6;
const UDP: u8 = 17;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;

const ETHERNET_LEN: usize = 14;
const VLAN_LEN: usize = 4;
const IPV4_LEN: usize = 20;
const IPV6_LEN: usize = 40;
const UDP_LEN: usize = 8;
const TCP_LEN: usize = 20;

/// Finds what the frame carries. Bytes after the end that IP states (padding, a check sequence, a
/// capture device's trailer) are left out.
///
/// Errors: every [`BadFrame`].
pub fn decode(link: u16, frame: &[u8]) -> Result<Carried<'_>, BadFrame> {
    if link != ETHERNET {
        return Err(BadFrame::UnsupportedLink { link });
    }
    let cut = BadFrame::Cut { offset: 0 };
    let mut at = ETHERNET_LEN;
    let mut ether_type = u16_at(frame, at - 2).ok_or(cut)?;
    // Ends: each tag takes four bytes of the frame.
    while VLAN_TAGS.contains(&ether_type) {
        at += VLAN_LEN;
        ether_type = u16_at(frame, at - 2).ok_or(BadFrame::Cut { offset: held(at - VLAN_LEN) })?;
    }
    match ether_type {
        IPV4 => ipv4(frame, at),
        IPV6 => ipv6(frame, at),
        other => Ok(Carried::Other(Other::EtherType(other))),
    }
}

/// The IPv4 packet whose header starts at `at`.
fn ipv4(frame: &[u8], at: usize) -> Result<Carried<'_>, BadFrame> {
    let offset = held(at);
    let cut = BadFrame::Cut { offset };
    let header = frame.get(at..at + IPV4_LEN).ok_or(cut)?;
    let first = *header.first().ok_or(cut)?;
    if first >> 4 != 4 {
        return Err(BadFrame::WrongVersion { offset, version: first >> 4 });
    }
    let header_len = usize::from(first & 0x0F) * 4;
    if header_len < IPV4_LEN {
        return Err(BadFrame::WrongLength { offset, len: held(header_len) });
    }
    let total = u16_at(header, 2).ok_or(cut)?;
    if usize::from(total) < header_len {
        return Err(BadFrame::WrongLength { offset, len: total });
    }
    // More fragments, or not the first: bit 13 and the thirteen bits below it.
    if u16_at(header, 6).ok_or(cut)? & 0x3FFF != 0 {
        return Err(BadFrame::Fragment { offset });
    }
    let packet = frame.get(..at + usize::from(total)).ok_or(cut)?;
    let protocol = *header.get(9).ok_or(cut)?;
    let source = Ipv4Addr::from_octets(chunk(header, 12).ok_or(cut)?);
    let destination = Ipv4Addr::from_octets(chunk(header, 16).ok_or(cut)?);
    transport(packet, at + header_len, protocol, source.into(), destination.into())
}

/// The IPv6 packet whose header starts at `at`.
fn ipv6(frame: &[u8], at: usize) -> Result<Carried<'_>, BadFrame> {
    let offset = held(at);
    let cut = BadFrame::Cut { offset };
    let header = frame.get(at..at + IPV6_LEN).ok_or(cut)?;
    let first = *header.first().ok_or(cut)?;
    if first >> 4 != 6 {
        return Err(BadFrame::WrongVersion { offset, version: first >> 4 });
    }
    let payload_len = usize::from(u16_at(header, 4).ok_or(cut)?);
    let packet = frame.get(..at + IPV6_LEN + payload_len).ok_or(cut)?;
    let source = Ipv6Addr::from_octets(chunk(header, 8).ok_or(cut)?);
    let destination = Ipv6Addr::from_octets(chunk(header, 24).ok_or(cut)?);
    let mut next = *header.get(6).ok_or(cut)?;
    let mut at = at + IPV6_LEN;
    // Ends: each extension header takes at least eight bytes of the packet.
    loop {
        let offset = held(at);
        let cut = BadFrame::Cut { offset };
        let extension = || chunk::<2>(packet, at).ok_or(cut);
        let len = match next {
            HOP_BY_HOP | ROUTING | DESTINATION => (usize::from(extension()?[1]) + 1) * 8,
            AUTHENTICATION => (usize::from(extension()?[1]) + 2) * 4,
            // A fragment header may stand on a packet that is whole (RFC 6946).
            FRAGMENT if u16_at(packet, at + 2).ok_or(cut)? & 0xFFF9 == 0 => 8,
            FRAGMENT => return Err(BadFrame::Fragment { offset }),
            protocol => return transport(packet, at, protocol, source.into(), destination.into()),
        };
        [next, _] = extension()?;
        at += len;
    }
}

/// The transport header that starts at `at`; `packet` ends where IP says.
fn transport(
    packet: &[u8],
    at: usize,
    protocol: u8,
    source: IpAddr,
    destination: IpAddr,
) -> Result<Carried<'_>, BadFrame> {
    if protocol != UDP && protocol != TCP {
        return Ok(Carried::Other(Other::Protocol(protocol)));
    }
    let offset = held(at);
    let cut = BadFrame::Cut { offset };
    let body = packet.get(at..).ok_or(cut)?;
    let source = SocketAddr::new(source, u16_at(body, 0).ok_or(cut)?);
    let destination = SocketAddr::new(destination, u16_at(body, 2).ok_or(cut)?);
    if protocol == UDP {
        let len = u16_at(body, 4).ok_or(cut)?;
        if usize::from(len) < UDP_LEN {
            return Err(BadFrame::WrongLength { offset, len });
        }
        let payload = body.get(UDP_LEN..usize::from(len)).ok_or(cut)?;
        return Ok(Carried::Udp(Datagram { source, destination, payload }));
    }
    let header_len = usize::from(*body.get(12).ok_or(cut)? >> 4) * 4;
    if header_len < TCP_LEN {
        return Err(BadFrame::WrongLength { offset, len: held(header_len) });
    }
    let sequence = u32::from_be_bytes(chunk(body, 4).ok_or(cut)?);
    let flags = *body.get(13).ok_or(cut)?;
    let payload = body.get(header_len..).ok_or(cut)?;
    Ok(Carried::Tcp(Segment { source, destination, sequence, flags, payload }))
}

/// The `N` bytes at `at`; `None` past the end.
fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The big-endian number at `at`; `None` past the end.
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    chunk(bytes, at).map(u16::from_be_bytes)
}

/// Bytes that [`encode_udp4`] puts before the payload.
pub const UDP4_HEADERS: usize = ETHERNET_LEN + IPV4_LEN + UDP_LEN;

/// Writes an Ethernet frame with an IPv4 UDP datagram to the start of `out`; answers its length.
///
/// Hardware addresses follow from the IP addresses (RFC 1112 for groups, locally administered ones
/// else), both checksums are right, hops are 1 for a group and 64 else, and it must not be fragmented.
///
/// Errors: [`Full`], also for a payload that an IPv4 packet cannot hold.
pub fn encode_udp4(
    source: SocketAddrV4,
    destination: SocketAddrV4,
    identification: u16,
    payload: &[u8],
    out: &mut [u8],
) -> Result<usize, Full> {
    let udp_len = u16::try_from(UDP_LEN + payload.len()).map_err(|_| Full)?;
    let total = udp_len.checked_add(IPV4_LEN as u16).ok_or(Full)?;
    let (from, to) = (source.ip().octets(), destination.ip().octets());

    let mut ip = [0; IPV4_LEN];
    let hops = if destination.ip().is_multicast() { 1 } else { 64 };
    let parts: [&[u8]; 6] = [
        &[0x45, 0],
        &total.to_be_bytes(),
        &identification.to_be_bytes(),
        &[0x40, 0, hops, UDP, 0, 0],
        &from,
        &to,
    ];
    write_parts(&parts, &mut ip)?;
    let checksum = fold(sum(&ip, 0));
    ip[10..12].copy_from_slice(&checksum.to_be_bytes());

    let mut udp = [0; UDP_LEN];
    let ports = [source.port().to_be_bytes(), destination.port().to_be_bytes()];
    write_parts(&[&ports[0], &ports[1], &udp_len.to_be_bytes()], &mut udp)?;
    // The pseudo-header: both addresses, the protocol, the length.
    let pseudo = sum(&from, sum(&to, u32::from(UDP) + u32::from(udp_len)));
    let checksum = match fold(sum(payload, sum(&udp, pseudo))) {
        0 => 0xFFFF, // zero on the wire means that there is none
        checksum => checksum,
    };
    udp[6..].copy_from_slice(&checksum.to_be_bytes());

    let (to, from) = (hardware(*destination.ip()), hardware(*source.ip()));
    write_parts(&[&to, &from, &IPV4.to_be_bytes(), &ip, &udp, payload], out)
}

/// The hardware address that stands for an IP address in frames we write.
fn hardware(ip: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = ip.octets();
    if ip.is_multicast() { [0x01, 0x00, 0x5E, b & 0x7F, c, d] } else { [0x02, 0x00, a, b, c, d] }
}

/// Adds big-endian words, an odd last byte as a high one. 64 KiB of words stay far inside `u32`.
fn sum(bytes: &[u8], start: u32) -> u32 {
    let (words, last) = bytes.as_chunks::<2>();
    let total =
        words.iter().fold(start, |total, word| total + u32::from(u16::from_be_bytes(*word)));
    last.first().map_or(total, |byte| total + (u32::from(*byte) << 8))
}

/// The ones' complement of the ones'-complement sum (RFC 1071).
fn fold(mut total: u32) -> u16 {
    while let high @ 1.. = total >> 16 {
        total = (total & 0xFFFF) + high;
    }
    !(total as u16)
}

#[cfg(test)]
mod tests;
