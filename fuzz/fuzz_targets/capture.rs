//! pcap, pcapng and the frames in them: the walk ends inside the file, and what is read can be
//! written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::hint::black_box;
use std::net::SocketAddr;
use wire::capture::Capture;
use wire::frame::{Carried, Datagram, ETHERNET, UDP4_HEADERS, decode, encode_udp4};
use wire::pcap;

/// A frame that we write around the same payload is read as the same datagram.
fn again(read: Datagram<'_>) {
    let (SocketAddr::V4(source), SocketAddr::V4(destination)) = (read.source, read.destination)
    else {
        return;
    };
    let mut out = vec![0; UDP4_HEADERS + read.payload.len()];
    let len =
        encode_udp4(source, destination, 1, read.payload, &mut out).expect("as long as it is");
    assert_eq!(decode(ETHERNET, &out[..len]), Ok(Carried::Udp(read)));
}

/// A link type and a frame.
fn frame(link: u16, bytes: &[u8]) {
    match decode(link, bytes) {
        Ok(Carried::Udp(datagram)) => again(datagram),
        Ok(Carried::Tcp(segment)) => assert!(segment.payload.len() <= bytes.len()),
        Ok(Carried::Other(other)) => drop(black_box(other)),
        Err(fault) => drop(black_box(fault.to_string())),
    }
}

fuzz_target!(|bytes: &[u8]| {
    frame(ETHERNET, bytes);
    let mut capture = match Capture::open(bytes) {
        Ok(capture) => capture,
        Err(fault) => return drop(black_box(fault.to_string())),
    };
    let mut frames = 0;
    let mut written = pcap::FILE_HEADER.to_vec();
    let mut read = Vec::new();
    while let Some(Ok(next)) = capture.next() {
        frames += 1;
        assert!(frames <= bytes.len() / 12, "the shortest record takes twelve bytes");
        assert!(next.offset < bytes.len() as u64 && next.bytes.len() < bytes.len());
        frame(next.link, next.bytes);
        if let Some(header) = pcap::record_header(next.time_ns, next.bytes.len()) {
            written.extend(header);
            written.extend(next.bytes);
            read.push((next.time_ns, next.bytes));
        }
    }
    assert_eq!(capture.next(), None);
    let reread = Capture::open(&written).expect("our own header");
    let reread: Vec<_> =
        reread.map(|f| f.expect("our own record")).map(|f| (f.time_ns, f.bytes)).collect();
    assert_eq!(reread, read);
});
