//! IEX-TP and DEEP 1.0: what parses is rebuilt to the same bytes, block by block and whole.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::hint::black_box;
use wire::deep10::{Message, length_of, peek_symbol};
use wire::iextp::{Segment, SegmentBuilder};

fn message(bytes: &[u8]) {
    let parsed = Message::parse(bytes);
    let wanted = bytes.first().and_then(|kind| length_of(*kind));
    assert_eq!(parsed.is_ok(), wanted.is_some_and(|len| len <= bytes.len()));
    match parsed {
        Ok(message) => {
            assert!(bytes.starts_with(message.as_bytes()));
            black_box((message.header().kind(), peek_symbol(bytes)));
            black_box(format!("{message:?}").len());
        }
        Err(fault) => drop(black_box(fault.to_string())),
    }
}

fuzz_target!(|bytes: &[u8]| {
    message(bytes);
    let Ok(segment) = Segment::parse(bytes) else { return };
    black_box((segment.protocol(), segment.session(), segment.sent_ns()));
    assert!(segment.sequence().checked_add(segment.count().into()).is_some());
    let mut out = vec![0; bytes.len()];
    let built = SegmentBuilder::new(&mut out, bytes.len(), segment.header());
    let mut built = built.expect("as long as it was");
    for block in segment.blocks() {
        message(block);
        built.push(block).expect("as long as it was");
    }
    assert_eq!(built.count(), segment.count());
    assert_eq!(built.finish(), bytes);
});
