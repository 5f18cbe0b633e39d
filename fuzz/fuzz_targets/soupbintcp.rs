//! SoupBinTCP: every packet of a stream is written back as it came, and where a stream is cut says
//! nothing about the packets before the cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::hint::black_box;
use wire::soupbintcp::{Packet, next_packet};

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    while let Ok(Some((packet, len))) = next_packet(rest) {
        assert!(3 <= len && len <= rest.len());
        let mut out = vec![0; len];
        assert_eq!(packet.encode(&mut out), Ok(len));
        assert_eq!(out, rest[..len]);
        assert_eq!(next_packet(&rest[..len]), Ok(Some((packet, len))));
        assert_eq!(next_packet(&rest[..len - 1]), Ok(None));
        match packet {
            Packet::Login { login, .. } => drop(black_box(login.sequence())),
            Packet::Accepted(accepted) => drop(black_box(accepted.sequence())),
            Packet::Debug(_)
            | Packet::Rejected(_)
            | Packet::Sequenced(_)
            | Packet::Unsequenced(_)
            | Packet::ServerHeartbeat
            | Packet::ClientHeartbeat
            | Packet::EndOfSession
            | Packet::Logout => {}
        }
        rest = &rest[len..];
    }
});
