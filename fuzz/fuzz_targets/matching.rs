//! The exchange's own books: any bytes as a script of commands, against the naive twin after each.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: &[u8]| {
    matching::script::run(script);
});
