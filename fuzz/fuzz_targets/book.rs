//! Books by order and by level: any bytes as a script of events, against the naive twins after each.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: &[u8]| {
    match script.split_first() {
        Some((0..192, script)) => book::script::orders(script),
        Some((_, script)) => book::script::levels(script),
        None => {}
    }
});
