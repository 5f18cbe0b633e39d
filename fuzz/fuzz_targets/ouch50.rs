//! OUCH 5.0, both directions: what parses is written back as it came, with its appendage, and options
//! that are all good are written back from their values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::hint::black_box;
use wire::Malformed;
use wire::ouch50::{APPENDAGE_MAX, Appendage, AppendageWriter, Tag, inbound, outbound};

/// What must hold of any appendage.
fn check(appendage: Appendage<'_>) {
    let values = appendage.values().count();
    assert!(values <= appendage.as_bytes().len());
    let (strict, lenient) = (appendage.strict(), appendage.lenient());
    match (strict, lenient) {
        (Ok(strict), Ok(lenient)) => assert_eq!(strict, lenient),
        (Err(Malformed::UnknownOption { tag }), _) => assert!(Tag::from_byte(tag).is_err()),
        (Err(strict), lenient) => assert_eq!(lenient, Err(strict)),
        (Ok(_), Err(lenient)) => panic!("strict takes what lenient refuses: {lenient}"),
    }
    let Ok(options) = strict else { return };
    let mut room = [0; APPENDAGE_MAX];
    let mut again = AppendageWriter::new(&mut room);
    for value in options.iter() {
        assert_eq!(options.find(value.tag()), Some(value));
        again.push(value).expect("each once, so all fit");
    }
    assert_eq!(again.finish().as_bytes(), appendage.as_bytes());
    assert_eq!(options.iter().count(), values);
    black_box(options.channel());
}

fuzz_target!(|bytes: &[u8]| {
    let mut out = vec![0; bytes.len()];
    if let Ok(message) = inbound::Message::parse(bytes) {
        assert_eq!(message.encode(&mut out), Ok(bytes.len()));
        assert_eq!(out, bytes);
        assert_eq!(bytes.first(), Some(&message.header().kind()));
        black_box((message.check().is_ok(), message.new_user_ref(), message.takes()));
        check(message.appendage());
    }
    if let Ok(message) = outbound::Message::parse(bytes) {
        assert_eq!(message.encode(&mut out), Ok(bytes.len()));
        assert_eq!(out, bytes);
        assert_eq!(bytes.first(), Some(&message.header().kind()));
        black_box((message.check().is_ok(), message.header().timestamp()));
        check(message.appendage());
    }
});
