//! Frames written by hand, header by header, and what may be wrong with each.

extern crate std;

use super::*;
use core::net::Ipv6Addr;
use proptest::prelude::*;
use std::vec::Vec;

const SOURCE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 1, 2, 3), 4_000);
const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(233, 128 + 5, 6, 7), 26_477);
const SOURCE6: Ipv6Addr = Ipv6Addr::new(0xFE80, 0, 0, 0, 0, 0, 0, 1);
const GROUP6: Ipv6Addr = Ipv6Addr::new(0xFF02, 0, 0, 0, 0, 0, 0, 2);

fn ethernet(tags: &[u16], ether_type: u16, packet: &[u8]) -> Vec<u8> {
    let mut bytes = std::vec![0xAA; 12];
    for tag in tags {
        bytes.extend([&tag.to_be_bytes()[..], &[0, 141]].concat());
    }
    bytes.extend(ether_type.to_be_bytes());
    bytes.extend(packet);
    bytes
}

/// An IPv4 packet with `options` words of options.
fn ip4(options: usize, fragment: u16, protocol: u8, body: &[u8]) -> Vec<u8> {
    let header_len = 20 + options * 4;
    let total = ((header_len + body.len()) as u16).to_be_bytes();
    let mut bytes = std::vec![0x45 + options as u8, 0, total[0], total[1], 0, 0];
    bytes.extend(fragment.to_be_bytes());
    bytes.extend([64, protocol, 0, 0]);
    bytes.extend(SOURCE.ip().octets());
    bytes.extend(GROUP.ip().octets());
    bytes.resize(header_len, 1);
    bytes.extend(body);
    bytes
}

fn ip6(next: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = std::vec![0x60, 0, 0, 0];
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend([next, 64]);
    bytes.extend(SOURCE6.octets());
    bytes.extend(GROUP6.octets());
    bytes.extend(body);
    bytes
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let len = (8 + payload.len()) as u16;
    [
        &SOURCE.port().to_be_bytes()[..],
        &GROUP.port().to_be_bytes(),
        &len.to_be_bytes(),
        &[0, 0],
        payload,
    ]
    .concat()
}

fn tcp(words: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [SOURCE.port().to_be_bytes(), GROUP.port().to_be_bytes()].concat();
    bytes.extend([0, 0, 1, 2, 0, 0, 0, 9, words << 4, 0x18, 1, 0, 0, 0, 0, 0]);
    bytes.resize(usize::from(words.max(5)) * 4, 1);
    bytes.extend(payload);
    bytes
}

/// The payload, where the frame carries one over IPv4 from `SOURCE` to `GROUP`.
fn carried(frame: &[u8]) -> Result<Option<&[u8]>, BadFrame> {
    Ok(match decode(ETHERNET, frame)? {
        Carried::Udp(datagram) => {
            assert_eq!(datagram.source.port(), SOURCE.port());
            assert_eq!(datagram.destination.port(), GROUP.port());
            Some(datagram.payload)
        }
        Carried::Tcp(segment) => {
            assert_eq!((segment.sequence, segment.flags), (0x0102, 0x18));
            assert_eq!(segment.destination.port(), GROUP.port());
            Some(segment.payload)
        }
        Carried::Other(_) => None,
    })
}

#[test]
fn a_payload_is_found_under_every_header() {
    let datagram = udp(b"mold");
    let padded = [ip4(0, 0x4000, 17, &datagram), std::vec![0; 9]].concat();
    let hop = |next: u8, body: &[u8]| [&[next, 0, 0, 0, 0, 0, 0, 0], body].concat();
    let routing = |next: u8, body: &[u8]| [&[next, 1], &[0; 14][..], body].concat();
    let auth = |next: u8, body: &[u8]| [&[next, 4], &[0; 22][..], body].concat();
    let atomic = |next: u8, body: &[u8]| [&[next, 0, 0, 6, 0, 0, 0, 1], body].concat();
    let frames = [
        ethernet(&[], 0x0800, &ip4(0, 0x4000, 17, &datagram)),
        ethernet(&[], 0x0800, &padded),
        ethernet(&[0x8100], 0x0800, &ip4(0, 0, 17, &datagram)),
        ethernet(&[0x88A8, 0x8100, 0x9100], 0x0800, &ip4(10, 0, 17, &datagram)),
        ethernet(&[], 0x0800, &ip4(0, 0, 6, &tcp(5, b"mold"))),
        ethernet(&[], 0x0800, &ip4(0, 0, 6, &tcp(15, b"mold"))),
        ethernet(&[], 0x86DD, &ip6(17, &datagram)),
        ethernet(&[0x8100], 0x86DD, &ip6(0, &hop(60, &hop(43, &routing(17, &datagram))))),
        ethernet(&[], 0x86DD, &ip6(51, &auth(44, &atomic(6, &tcp(5, b"mold"))))),
    ];
    for frame in frames {
        assert_eq!(carried(&frame), Ok(Some(&b"mold"[..])), "{frame:02x?}");
    }
    let bytes = ethernet(&[], 0x86DD, &ip6(17, &datagram));
    let Ok(Carried::Udp(read)) = decode(ETHERNET, &bytes) else { panic!("not UDP") };
    assert_eq!(read.source, SocketAddr::new(SOURCE6.into(), 4_000));
    assert_eq!(read.destination, SocketAddr::new(GROUP6.into(), 26_477));
}

#[test]
fn what_is_neither_udp_nor_tcp_is_no_fault() {
    let arp = ethernet(&[0x8100], 0x0806, &[0; 28]);
    assert_eq!(decode(ETHERNET, &arp), Ok(Carried::Other(Other::EtherType(0x0806))));
    let icmp = ethernet(&[], 0x0800, &ip4(0, 0, 1, &[0; 8]));
    assert_eq!(decode(ETHERNET, &icmp), Ok(Carried::Other(Other::Protocol(1))));
    let none = ethernet(&[], 0x86DD, &ip6(59, &[]));
    assert_eq!(decode(ETHERNET, &none), Ok(Carried::Other(Other::Protocol(59))));
}

#[test]
fn a_fault_says_at_which_header() {
    use BadFrame as B;
    use std::string::ToString;
    assert_eq!(decode(113, &[]), Err(B::UnsupportedLink { link: 113 }));
    assert_eq!(
        B::UnsupportedLink { link: 113 }.to_string(),
        "unsupported link type 113: only Ethernet (1) is read"
    );
    let mut short_udp = udp(b"mold");
    short_udp[5] = 7;
    let mut long_udp = udp(b"mold");
    long_udp[5] = 13;
    let mut zero_total = ip4(0, 0, 17, &udp(b""));
    (zero_total[2], zero_total[3]) = (0, 0);
    let mut small_header = ip4(0, 0, 17, &udp(b""));
    small_header[0] = 0x44;
    let cases = [
        (ethernet(&[], 0x0800, &ip6(17, &[])), B::WrongVersion { offset: 14, version: 6 }),
        (
            ethernet(&[], 0x86DD, &[ip4(0, 0, 17, &[]), std::vec![0; 20]].concat()),
            B::WrongVersion { offset: 14, version: 4 },
        ),
        (ethernet(&[0x8100], 0x0800, &small_header), B::WrongLength { offset: 18, len: 16 }),
        (ethernet(&[], 0x0800, &zero_total), B::WrongLength { offset: 14, len: 0 }),
        (ethernet(&[], 0x0800, &ip4(0, 0x2000, 17, &udp(b""))), B::Fragment { offset: 14 }),
        (ethernet(&[], 0x0800, &ip4(0, 1, 17, &udp(b""))), B::Fragment { offset: 14 }),
        (ethernet(&[], 0x86DD, &ip6(44, &[17, 0, 0, 1, 0, 0, 0, 1])), B::Fragment { offset: 54 }),
        (ethernet(&[], 0x86DD, &ip6(0, &[17, 9, 0, 0, 0, 0, 0, 0])), B::Cut { offset: 134 }),
        (ethernet(&[], 0x0800, &ip4(1, 0, 17, &short_udp)), B::WrongLength { offset: 38, len: 7 }),
        (ethernet(&[], 0x0800, &ip4(0, 0, 17, &long_udp)), B::Cut { offset: 34 }),
        (
            ethernet(&[], 0x0800, &ip4(0, 0, 6, &tcp(4, b""))),
            B::WrongLength { offset: 34, len: 16 },
        ),
        (ethernet(&[], 0x0800, &ip4(0, 0, 6, &tcp(5, b"")[..13])), B::Cut { offset: 34 }),
    ];
    for (frame, want) in cases {
        assert_eq!(decode(ETHERNET, &frame), Err(want), "{frame:02x?}");
    }
}

#[test]
fn cut_anywhere_it_is_refused() {
    let frames = [
        ethernet(&[0x8100], 0x0800, &ip4(1, 0, 17, &udp(b"mold"))),
        ethernet(&[], 0x0800, &ip4(0, 0, 6, &tcp(6, b"soup"))),
        ethernet(&[], 0x86DD, &ip6(60, &[&[17, 0, 0, 0, 0, 0, 0, 0][..], &udp(b"mold")].concat())),
    ];
    for frame in frames {
        assert!(decode(ETHERNET, &frame).is_ok());
        for len in 0..frame.len() {
            let got = decode(ETHERNET, &frame[..len]);
            assert!(matches!(got, Err(BadFrame::Cut { .. })), "len={len}: {got:?}");
        }
    }
}

#[test]
fn a_frame_for_a_group_is_the_one_a_host_would_send() {
    let mut out = [0; 64];
    let len = encode_udp4(SOURCE, GROUP, 0x0102, b"abc", &mut out).unwrap();
    #[rustfmt::skip]
    let want = [
        // to the group's address: its low 23 bits
        0x01, 0x00, 0x5E, 0x05, 0x06, 0x07, 0x02, 0x00, 10, 1, 2, 3, 0x08, 0x00,
        0x45, 0, 0, 31, 0x01, 0x02, 0x40, 0x00, 1, 17, 0x7D, 0x3C, 10, 1, 2, 3, 233, 133, 6, 7,
        0x0F, 0xA0, 0x67, 0x6D, 0, 11, 0xC8, 0xD7, b'a', b'b', b'c',
    ];
    assert_eq!(out[..len], want);
    assert_eq!(carried(&want), Ok(Some(&b"abc"[..])));
    for room in 0..len {
        assert_eq!(encode_udp4(SOURCE, GROUP, 0, b"abc", &mut out[..room]), Err(Full));
    }
}

/// What RFC 1071 asks of a receiver: with the checksum in it, the sum is all ones.
fn sums_to_ones(parts: &[&[u8]]) -> bool {
    let bytes = parts.concat();
    let mut total: u64 =
        bytes.chunks(2).map(|w| u64::from(w[0]) << 8 | u64::from(*w.get(1).unwrap_or(&0))).sum();
    while 0xFFFF < total {
        total = (total & 0xFFFF) + (total >> 16);
    }
    total == 0xFFFF
}

#[test]
fn a_payload_that_a_packet_cannot_hold_is_full() {
    let mut out = std::vec![0; 70_000];
    let most = std::vec![0xFF; 65_507];
    let len = encode_udp4(SOURCE, GROUP, 0, &most, &mut out).unwrap();
    assert_eq!(carried(&out[..len]), Ok(Some(&most[..])));
    assert_eq!(encode_udp4(SOURCE, GROUP, 0, &[0; 65_508], &mut out), Err(Full));
    assert_eq!(encode_udp4(SOURCE, GROUP, 0, &[0; 65_536], &mut out), Err(Full));
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        from: [u8; 4], to: [u8; 4], ports: [u16; 2], id: u16,
        payload in prop::collection::vec(any::<u8>(), 0..90),
    ) {
        let (from, to) = (SocketAddrV4::new(from.into(), ports[0]), SocketAddrV4::new(to.into(), ports[1]));
        let mut out = [0; 160];
        let len = encode_udp4(from, to, id, &payload, &mut out).unwrap();
        prop_assert_eq!(len, UDP4_HEADERS + payload.len());
        let Ok(Carried::Udp(read)) = decode(ETHERNET, &out[..len]) else { panic!("not UDP") };
        prop_assert_eq!((read.source, read.destination), (from.into(), to.into()));
        prop_assert_eq!(read.payload, &payload[..]);
        prop_assert!(sums_to_ones(&[&out[14..34]]));
        let pseudo = [&out[26..34], &[0, 17], &out[38..40]].concat();
        prop_assert!(sums_to_ones(&[&pseudo, &out[34..len]]));
    }

    #[test]
    fn arbitrary_frames_never_panic(
        ether_type in prop::sample::select(std::vec![0x0800_u16, 0x86DD, 0x8100]),
        rest in prop::collection::vec(prop_oneof![Just(0x45), Just(0x60), Just(0), Just(17), any::<u8>()], 0..90),
    ) {
        let _ = decode(ETHERNET, &ethernet(&[], ether_type, &rest));
    }
}
