//! The main loop: the only one. Every shard runs in it, on the pinned thread of its executor.
//!
//! It is no task of the executor: it stands above it and gives it turns. A task would have to let
//! the executor park, and glommio 0.9.0 parks although a task is ready where its preempt timer fired
//! first; the loop then stands still until some other descriptor wakes the core. Turns given from
//! outside never park, so the core sleeps in one place only, [`crate::sleep`], under the checked
//! park protocol.
//!
//! A turn reads the clock once and gives each shard of the core its turn. After empty turns the
//! loop does what the core's [`Idle`] says. The executor runs the tasks of the shards' connections,
//! in turns that the loop gives it: at once where there is something to write, every
//! [`COLD_EVERY`] while a connection is up, and never while all are down.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use glommio::LocalExecutor;
use types::Nanos;

use crate::Bell;
use crate::clock::Clock;
use crate::config::Idle;
use crate::counters::Counters;
use crate::seal::{self, Seal};
use crate::shard::Turn;
use crate::sleep::Sleeper;
use crate::stream::StreamNeeds;

/// Turns between two housekeepings: a millisecond or so of a spinning core.
const HOUSEKEEP_EVERY: u64 = 4096;
const _: () = assert!(HOUSEKEEP_EVERY.is_power_of_two());

/// How often the executor gets a turn while a connection is up. A turn costs it three system calls.
const COLD_EVERY: Nanos = Nanos::from_micros(50);

/// The longest sleep while a connection is being made or ended, or waits to write.
const COLD_NAP: Nanos = Nanos::from_millis(1);

/// The longest sleep while a connection is up: it is watched, and looked at all the same.
const COLD_LOOK: Nanos = Nanos::from_millis(100);

/// Turns given at the end to what has come in and is still on the rings.
const DRAIN_TURNS: usize = 4096;

/// How long the end waits for room on a ring whose messages may not be lost, and again for peers to
/// take what was written to them.
const DRAIN_WAIT: Nanos = Nanos::from_secs(1);

/// One core: its shards, and how it waits.
pub(crate) struct Core {
    pub(crate) shards: Vec<Box<dyn Turn>>,
    pub(crate) clock: Clock,
    pub(crate) idle: Idle,
    pub(crate) bell: Bell,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Core {
    /// Runs until told to stop; then drains, and ends each shard. Errors: the kernel refused a wait.
    pub(crate) fn run(mut self, executor: &LocalExecutor) -> io::Result<()> {
        let descriptors = self.shards.iter().map(|shard| shard.descriptors_len()).sum();
        let mut sleeper = Sleeper::new(&self.bell, descriptors)?;
        let mut cold = Cold::new(executor);
        let mut counters = Counters::default();
        let mut empty_turns = 0_u32;
        let mut woke = false;
        let mut busy = false;
        let mut began = self.clock.now();

        while !self.stop.load(Ordering::Relaxed) {
            let now = self.clock.now();
            count_span(&mut counters, busy, now.since(began));
            began = now;
            let handled = self.poll(now);
            counters.cycles += 1;
            if counters.cycles % HOUSEKEEP_EVERY == 0 {
                self.housekeep(now, &mut counters);
            }
            let needs = self.stream_needs();
            cold.serve(now, needs, woke);
            busy = 0 < handled;
            if busy {
                counters.busy_cycles += 1;
                empty_turns = 0;
                woke = false;
                continue;
            }
            counters.empty_wakes += u64::from(core::mem::take(&mut woke));
            empty_turns = empty_turns.saturating_add(1);
            match self.idle {
                Idle::Spin => core::hint::spin_loop(),
                Idle::Backoff { spins } if empty_turns < spins => core::hint::spin_loop(),
                Idle::Backoff { .. } => {
                    empty_turns = 0;
                    self.housekeep(now, &mut counters);
                    let slept_from = self.clock.now();
                    if self.park(&mut sleeper, needs)? {
                        began = self.clock.now();
                        counters.parks += 1;
                        counters.parked_ns += began.since(slept_from).get();
                        woke = true;
                    }
                }
            }
        }
        self.end(&mut cold, counters);
        Ok(())
    }

    /// One turn for each shard, under the allocator's seal.
    #[inline]
    fn poll(&mut self, now: Nanos) -> usize {
        let _seal = Seal::new();
        self.shards.iter_mut().map(|shard| shard.poll(now, &mut self.clock)).sum()
    }

    #[cold]
    fn housekeep(&mut self, now: Nanos, counters: &mut Counters) {
        self.clock.anchor();
        counters.seal_broken = seal::broken();
        for shard in &mut self.shards {
            shard.housekeep(now, counters);
        }
    }

    #[inline]
    fn stream_needs(&mut self) -> StreamNeeds {
        let needs = self.shards.iter_mut().map(|shard| shard.stream_needs());
        needs.max().unwrap_or(StreamNeeds::Never)
    }

    /// Sleeps, unless there is something to do after all; whether it slept. The order is that of
    /// the park protocol: announce, look at every source once more, sleep.
    fn park(&mut self, sleeper: &mut Sleeper, needs: StreamNeeds) -> io::Result<bool> {
        let now = self.clock.now();
        let shards = self.shards.iter();
        let retry = match needs {
            StreamNeeds::Never => None,
            StreamNeeds::Sometimes => Some(now.saturating_add(COLD_LOOK)),
            StreamNeeds::Often => Some(now.saturating_add(COLD_NAP)),
            StreamNeeds::Now => return Ok(false),
        };
        let deadline = shards.filter_map(|shard| shard.next_deadline(now)).chain(retry).min();
        if deadline.is_some_and(|at| at <= now) {
            return Ok(false);
        }
        self.shards.iter_mut().for_each(|shard| shard.watch());
        self.bell.parked().announce();
        let descriptors = self.shards.iter().flat_map(|shard| shard.descriptors());
        let mut stay = sleeper.arm(now, deadline, descriptors)?;
        stay |= self.stop.load(Ordering::Relaxed);
        stay |= self.shards.iter_mut().any(|shard| shard.must_stay_awake());
        if !stay {
            sleeper.sleep()?;
        }
        self.bell.parked().retract();
        Ok(!stay)
    }

    /// Takes input until there is none, so often at most; turns that wait for room on a ring do not
    /// count, but end with the time.
    fn drain(&mut self, until: Nanos) {
        let mut turns = 0;
        while turns < DRAIN_TURNS {
            let now = self.clock.now();
            let handled = self.poll(now);
            let blocked = self.shards.iter().any(|shard| shard.is_blocked());
            if until <= now || handled == 0 && !blocked {
                return;
            }
            turns += usize::from(!blocked);
        }
    }

    /// The end: what is on the rings is handled, what may not be lost is handed on or waited for,
    /// connections are cut, and each shard gives back its machine.
    fn end(mut self, cold: &mut Cold<'_>, mut counters: Counters) {
        let until = self.clock.now().saturating_add(DRAIN_WAIT);
        self.shards.iter_mut().for_each(|shard| shard.stop_listening());
        self.drain(until);
        let now = self.clock.now();
        self.housekeep(now, &mut counters);
        self.drain(until); // what the upkeep has put on a full ring
        // What was written goes out first.
        let until = self.clock.now().saturating_add(DRAIN_WAIT);
        self.shards.iter_mut().for_each(|shard| shard.end_accepted(&mut self.clock, until));
        let now = self.clock.now();
        if self.stream_needs() != StreamNeeds::Never {
            cold.give_a_turn(now);
            self.shards.iter_mut().for_each(|shard| shard.cut_streams());
            cold.give_a_turn(now);
        }
        counters.seal_broken = seal::broken();
        for shard in self.shards {
            shard.finish(now, &counters);
        }
    }
}

/// The executor's turns, for the tasks of the shards' connections.
struct Cold<'a> {
    executor: &'a LocalExecutor,
    last: Nanos,
}

impl<'a> Cold<'a> {
    fn new(executor: &'a LocalExecutor) -> Self {
        Self { executor, last: Nanos::ZERO }
    }

    /// A turn if it is time for one.
    #[inline]
    fn serve(&mut self, now: Nanos, needs: StreamNeeds, woke: bool) {
        let due = match needs {
            StreamNeeds::Never => false,
            StreamNeeds::Sometimes | StreamNeeds::Often => {
                woke || COLD_EVERY <= now.since(self.last)
            }
            StreamNeeds::Now => true,
        };
        if due {
            self.give_a_turn(now);
        }
    }

    /// One pass over the executor's rings, and every task that is ready.
    #[cold]
    fn give_a_turn(&mut self, now: Nanos) {
        self.last = now;
        self.executor.run(async {});
    }
}

/// Counts the time since the last turn began as that turn's: busy unless it was empty.
#[inline]
fn count_span(counters: &mut Counters, busy: bool, took: Nanos) {
    if !busy {
        counters.idle_ns += took.get();
        return;
    }
    counters.busy_ns += took.get();
    counters.longest_cycle_ns = counters.longest_cycle_ns.max(took.get());
}

#[cfg(all(test, not(loom)))]
#[path = "run_test.rs"]
#[expect(clippy::disallowed_methods)] // the other ends run on threads of their own
mod tests;

#[cfg(all(test, not(loom)))]
#[path = "listen_test.rs"]
#[expect(clippy::disallowed_methods)] // the other ends run on threads of their own
mod listen_tests;

#[cfg(all(test, not(loom)))]
#[path = "turn_test.rs"]
#[expect(clippy::disallowed_methods)] // the machine comes back to the test's own thread
mod turn_tests;
