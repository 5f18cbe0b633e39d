//! Nanoseconds per message of decoding all fields of ITCH 5.0, by type and mixed, beside crates `itch5` and `itchy`.
//!
//! `cargo bench --bench decode`. The streams lie in the cache: this is the cost of the code. What memory adds is
//! measured by `rialto bench decode`.
#![allow(unreachable_pub, reason = "the decoders are files of the library too")]

#[path = "../src/bench/decoders/itch5.rs"]
mod by_itch5;
#[path = "../src/bench/decoders/itchy.rs"]
mod by_itchy;
#[path = "../src/bench/decoders/ours.rs"]
mod by_us;
#[path = "../src/bench/decoders/checksum.rs"]
mod checksum;

use std::collections::BTreeMap;
use std::hint::black_box;

use checksum::Checksum;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rialto::generate::{Day, Options};

/// Messages of a stream: a few hundred kB.
const MESSAGES: usize = 10_000;

type Decode = fn(&[u8]) -> Result<Checksum, String>;

const DECODERS: [(&str, Decode); 3] =
    [("ours", by_us::decode), ("itch5", by_itch5::decode), ("itchy", by_itchy::decode)];

/// Streams of one type each, and one as the day has them.
fn streams() -> BTreeMap<String, Vec<u8>> {
    let options = Options { seed: 7, symbols: 200, messages: 3_000_000, ..Options::default() };
    let mut day = Day::new(options).expect("valid options");
    let mut streams: BTreeMap<String, (usize, Vec<u8>)> = BTreeMap::new();
    while let Some((_, message)) = day.next() {
        let kind = char::from(message[0]);
        // Rare ones repeat nothing worth measuring; `itchy` knows neither `h` nor `O`.
        let mut put = |name: String| {
            let (count, stream) = streams.entry(name).or_default();
            if *count < MESSAGES {
                stream.extend_from_slice(&(message.len() as u16).to_be_bytes());
                stream.extend_from_slice(message);
                *count += 1;
            }
        };
        if "AFECXDUP".contains(kind) {
            put(kind.to_string());
            put("mixed".to_owned());
        }
    }
    let streams = streams.into_iter().filter(|(_, (count, _))| *count == MESSAGES);
    streams.map(|(name, (_, stream))| (name, stream)).collect()
}

fn decode(criterion: &mut Criterion) {
    for (kind, stream) in streams() {
        let mut group = criterion.benchmark_group(format!("decode {kind}"));
        group.throughput(Throughput::Elements(MESSAGES as u64)).sample_size(20);
        let want = by_us::decode(&stream).expect("a generated day");
        for (name, decode) in DECODERS {
            assert_eq!(decode(&stream), Ok(want), "{name} reads something else");
            group.bench_with_input(BenchmarkId::from_parameter(name), &stream, |bench, stream| {
                bench.iter(|| black_box(decode(black_box(stream))));
            });
        }
        group.finish();
    }
}

criterion_group!(all, decode);
criterion_main!(all);
