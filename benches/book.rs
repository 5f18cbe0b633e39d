//! Nanoseconds per event of the books by order, beside an ideal that does less and a usual book.
//!
//! `cargo bench --bench book`. Each sample applies whole chunks of a steady stream; generating them
//! is not measured. The 10-million-order cases need about 2 GB.

#[path = "reference/book.rs"]
mod reference;
#[path = "reference/stream.rs"]
mod stream;

use std::hint::black_box;
use std::time::{Duration, Instant};

use book::l3::{Books, Capacity};
use book::{Prefetch, WARM_MAX};
use criterion::{Criterion, criterion_group, criterion_main};
use reference::{ByHash, ByIndex};
use stream::Stream;
use types::{InstrumentId, MarketEvent};

const SEED: u64 = 0x5EED;
/// Events per measured chunk.
const CHUNK: usize = 1 << 16;

struct Cpu;

impl Prefetch for Cpu {
    #[inline(always)]
    fn line<T>(&self, at: &T) {
        runtime::prefetch(at);
    }
}

fn books(instruments: u32, live: usize) -> Books {
    let orders = live + live / 16 + 1024;
    Books::new(Capacity { instruments: instruments as usize, orders, levels: orders })
}

fn apply(books: &mut Books, events: &[MarketEvent]) {
    for event in events {
        black_box(books.apply(event));
    }
}

fn apply_warm(books: &mut Books, events: &[MarketEvent]) {
    for batch in events.chunks(WARM_MAX) {
        books.warm(batch.iter(), &Cpu);
        apply(books, batch);
    }
}

/// Time for at least `events` events, in whole chunks, scaled to `events`.
fn timed(
    events: u64,
    stream: &mut Stream,
    mut prepare: impl FnMut(u64),
    mut run: impl FnMut(&[MarketEvent]),
) -> Duration {
    let mut chunk = Vec::with_capacity(CHUNK);
    let (mut spent, mut done) = (Duration::ZERO, 0);
    while done < events {
        stream.take(CHUNK, &mut chunk);
        prepare(stream.last());
        let from = Instant::now();
        run(&chunk);
        spent += from.elapsed();
        done += CHUNK as u64;
    }
    spent.mul_f64(events as f64 / done as f64)
}

fn case(criterion: &mut Criterion, instruments: u32, live: usize, with_index: bool) {
    let mut group = criterion.benchmark_group(format!("{live} live, {instruments} instruments"));
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for (name, warm) in [("book", false), ("book, prefetched", true)] {
        group.bench_function(name, |bench| {
            let mut stream = Stream::new(SEED, instruments, live);
            let mut books = books(instruments, live);
            stream.fill(|event| {
                books.apply(event);
            });
            let run = if warm { apply_warm } else { apply };
            bench.iter_custom(|n| timed(n, &mut stream, |_| (), |events| run(&mut books, events)));
        });
    }
    if with_index {
        group.bench_function("by index", |bench| {
            let mut stream = Stream::new(SEED, instruments, live);
            let mut store = ByIndex::default();
            store.reserve(4 * live as u64);
            let books = reference::Books::new(instruments as usize, store);
            let books = std::cell::RefCell::new(books);
            stream.fill(|event| {
                books.borrow_mut().apply(event);
            });
            bench.iter_custom(|n| {
                let reserve = |last| books.borrow_mut().store.reserve(last);
                timed(n, &mut stream, reserve, |events| {
                    let mut books = books.borrow_mut();
                    for event in events {
                        black_box(books.apply(event));
                    }
                })
            });
        });
    }
    group.bench_function("by Fx hash", |bench| {
        let mut stream = Stream::new(SEED, instruments, live);
        let store = ByHash::with_capacity(live + live / 16);
        let mut books = reference::Books::new(instruments as usize, store);
        stream.fill(|event| {
            books.apply(event);
        });
        bench.iter_custom(|n| {
            timed(
                n,
                &mut stream,
                |_| (),
                |events| {
                    for event in events {
                        black_box(books.apply(event));
                    }
                },
            )
        });
    });
    group.finish();
}

/// What is compared must do the same work: the same best bid and offer after the same events.
fn references_agree() {
    const INSTRUMENTS: u32 = 50;
    let mut stream = Stream::new(SEED, INSTRUMENTS, 20_000);
    let mut books = books(INSTRUMENTS, 20_000);
    let mut by_index = reference::Books::new(INSTRUMENTS as usize, ByIndex::default());
    let mut by_hash = reference::Books::new(INSTRUMENTS as usize, ByHash::with_capacity(20_000));
    by_index.store.reserve(1 << 20);
    let mut each = |event: &MarketEvent| {
        books.apply(event);
        by_index.apply(event);
        by_hash.apply(event);
    };
    stream.fill(&mut each);
    let mut events = Vec::new();
    stream.take(CHUNK, &mut events);
    events.iter().for_each(each);
    for id in (0..INSTRUMENTS).map(InstrumentId::new) {
        let top = books.top(id);
        let own = [top.bid, top.offer].map(|level| level.map(|level| (level.px, level.qty)));
        assert_eq!(own, by_index.top(id), "{id}");
        assert_eq!(own, by_hash.top(id), "{id}");
    }
}

fn live_orders(criterion: &mut Criterion) {
    references_agree();
    case(criterion, 100, 100_000, true);
    case(criterion, 1_000, 10_000_000, false);
}

fn instruments(criterion: &mut Criterion) {
    for instruments in [10, 100, 1_000, 10_000] {
        case(criterion, instruments, 1_000_000, false);
    }
}

criterion_group!(all, live_orders, instruments);
criterion_main!(all);
