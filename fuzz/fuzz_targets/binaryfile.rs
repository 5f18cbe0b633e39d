//! BinaryFILE: the walk ends, its offsets are where the messages are, and what it read is written back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::binaryfile::{END, Records, encode};

fuzz_target!(|bytes: &[u8]| {
    let mut records = Records::new(bytes);
    let mut written = Vec::with_capacity(bytes.len());
    let mut fault = None;
    for record in records.by_ref() {
        assert!(fault.is_none(), "nothing comes after a fault");
        match record {
            Ok(record) => {
                assert_eq!(record.offset, written.len() as u64);
                let at = written.len();
                written.resize(at + 2 + record.message.len(), 0);
                encode(record.message, &mut written[at..]).expect("as long as it was");
            }
            Err(error) => fault = Some(error),
        }
    }
    assert_eq!(records.next(), None);
    assert!(bytes.starts_with(&written));
    let rest = &bytes[written.len()..];
    match fault {
        None => assert!(rest.is_empty() || (rest == END && !written.is_empty())),
        Some(error) => assert_eq!(error.offset(), written.len() as u64),
    }
});
