//! Measuring in turn: A B C, A B C, ..., so that what disturbs the host disturbs all alike.

use std::time::Instant;

/// How often each is measured; the first round, which warms caches and pages, is not counted.
pub(super) const ROUNDS: usize = 5;

/// Runs each of `parts` once a round; answers each one's costs, in the order of the parts.
pub(super) fn interleave<const N: usize>(mut parts: [&mut dyn FnMut() -> f64; N]) -> [Vec<f64>; N] {
    let mut costs = [const { Vec::new() }; N];
    for round in 0..=ROUNDS {
        for (part, costs) in parts.iter_mut().zip(&mut costs) {
            let cost = part();
            if 0 < round {
                costs.push(cost);
            }
        }
    }
    costs
}

/// Nanoseconds of `work` for each of the items it says it did.
pub(super) fn ns_per_item(work: impl FnOnce() -> u64) -> f64 {
    let from = Instant::now();
    let items = std::hint::black_box(work());
    from.elapsed().as_nanos() as f64 / items.max(1) as f64
}

/// Pins this thread to the last cpu it may use, where it is the least disturbed; `None` where that failed.
pub(super) fn pin() -> Option<usize> {
    let cpu = core_affinity::get_core_ids()?.into_iter().last()?;
    core_affinity::set_for_current(cpu).then_some(cpu.id)
}
