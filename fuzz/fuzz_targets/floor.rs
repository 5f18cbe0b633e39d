//! A day of the exchange: any bytes as orders, controls and times, each order followed from report to report.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: &[u8]| {
    matching::floor_script::run(script);
});
