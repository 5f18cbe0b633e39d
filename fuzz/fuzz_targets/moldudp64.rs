//! MoldUDP64: what parses is rebuilt to the same bytes, and no block lies outside the datagram.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::moldudp64::{Kind, Packet, PacketBuilder, Request, end_of_session, heartbeat};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = Request::parse(bytes) {
        assert_eq!(request.to_bytes(), bytes);
    }
    let Ok(packet) = Packet::parse(bytes) else { return };
    let (session, sequence) = (*packet.session(), packet.sequence());
    match packet.kind() {
        Kind::Heartbeat => assert_eq!(heartbeat(session, sequence), bytes),
        Kind::EndOfSession => assert_eq!(end_of_session(session, sequence), bytes),
        Kind::Messages { count } => {
            let mut out = vec![0; bytes.len()];
            let built = PacketBuilder::new(&mut out, bytes.len(), session, sequence);
            let mut built = built.expect("as long as it was");
            for block in packet.blocks() {
                assert!(bytes.as_ptr_range().contains(&block.as_ptr()) || block.is_empty());
                built.push(block).expect("as long as it was");
            }
            assert_eq!(built.count(), count);
            assert_eq!(built.finish(), bytes);
        }
    }
});
