//! What a shard counts: plain numbers on its core, published to other threads in housekeeping.
//!
//! The shard owns its counters and adds to them without an atomic. Readers see the last published
//! set, at most one housekeeping old; two counters of one snapshot may be one housekeeping apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A shard's counters since it started.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            /// How many there are.
            pub const LEN: usize = [$(stringify!($name)),*].len();
            /// Their names, in the order of [`Counters::values`].
            pub const NAMES: [&'static str; Self::LEN] = [$(stringify!($name)),*];

            /// Their values, in the order of [`Counters::NAMES`].
            pub fn values(&self) -> [u64; Self::LEN] {
                [$(self.$name),*]
            }

            fn from_values(values: [u64; Self::LEN]) -> Self {
                let [$($name),*] = values;
                Self { $($name),* }
            }
        }
    };
}

counters! {
    /// Turns of the core's loop. This and the next seven belong to the core that the shard is on.
    cycles,
    /// Turns in which some shard of the core had input.
    busy_cycles,
    /// Time in busy turns.
    busy_ns,
    /// Time in turns without input.
    idle_ns,
    /// The longest busy turn.
    longest_cycle_ns,
    /// How often the core went to sleep.
    parks,
    /// Time asleep.
    parked_ns,
    /// Times it woke and nothing was there.
    empty_wakes,
    /// Datagrams received whole.
    datagrams,
    /// Their payload bytes.
    datagram_bytes,
    /// Datagrams longer than the receive buffer, reported and not used.
    oversize,
    /// Datagrams that the kernel dropped because the socket's buffer was full.
    kernel_drops,
    /// Datagrams that came without a kernel stamp; `now` stands in for it.
    unstamped,
    /// Errors when receiving, such as a peer that is not there.
    receive_errors,
    /// Datagrams handed to the kernel.
    sent,
    /// Datagrams that the kernel had no room for.
    send_full,
    /// Datagrams it refused for another reason.
    send_errors,
    /// Bytes received on connections.
    stream_bytes,
    /// Connections made.
    opened,
    /// Connections ended, or not made.
    closed,
    /// Connections closed because their write buffer was full.
    write_full,
    /// Connections accepted.
    accepted,
    /// Connections closed as they came, for want of a place or a descriptor.
    accept_refused,
    /// Bytes handed to the kernel on accepted connections.
    stream_sent_bytes,
    /// Accepted connections cut because their peer had not taken all of it in time after their end.
    end_cut,
    /// Messages taken from rings.
    messages,
    /// Messages that rings to this shard dropped.
    missed,
    /// Messages put on rings.
    ring_sent,
    /// Messages that waited for room on a ring.
    ring_held,
    /// Waiting messages that a newer one of their key replaced.
    ring_replaced,
    /// Messages lost at a full ring.
    ring_dropped,
    /// Turns in which a full ring kept this shard from taking input.
    blocked_cycles,
    /// Deadlines that came.
    deadlines,
    /// Effects carried out.
    effects,
    /// Effects refused by a full outbox.
    effects_refused,
    /// Effects that name a socket, connection or ring that is not there or not usable.
    misaddressed,
    /// Uses of the allocator inside `poll`; counted only where the sealable allocator is installed.
    seal_broken,
}

/// Enough for two lines: neighbouring lines are fetched together.
#[derive(Debug)]
#[repr(align(128))]
struct Block {
    shard: [AtomicU64; Counters::LEN],
    machine: Box<[AtomicU64]>,
}

impl Counters {
    /// A shard's, with those of the core that it is on.
    pub(crate) fn on(&self, core: &Self) -> Self {
        Self {
            cycles: core.cycles,
            busy_cycles: core.busy_cycles,
            busy_ns: core.busy_ns,
            idle_ns: core.idle_ns,
            longest_cycle_ns: core.longest_cycle_ns,
            parks: core.parks,
            parked_ns: core.parked_ns,
            empty_wakes: core.empty_wakes,
            seal_broken: core.seal_broken,
            ..*self
        }
    }
}

/// The writing side, on the shard.
#[derive(Debug)]
pub(crate) struct Publisher {
    block: Arc<Block>,
    machine: Box<[u64]>,
}

/// The reading side, on any thread.
#[derive(Clone, Debug)]
pub struct Watch(Arc<Block>);

pub(crate) fn published(machine_counters: usize) -> (Publisher, Watch) {
    let zeros = || (0..machine_counters).map(|_| AtomicU64::new(0)).collect();
    let block = Block { shard: [const { AtomicU64::new(0) }; Counters::LEN], machine: zeros() };
    let block = Arc::new(block);
    let machine = vec![0; machine_counters].into_boxed_slice();
    (Publisher { block: block.clone(), machine }, Watch(block))
}

impl Publisher {
    /// `fill` writes the machine's own counters into their places.
    pub(crate) fn publish(&mut self, counters: &Counters, fill: impl FnOnce(&mut [u64])) {
        fill(&mut self.machine);
        let own = self.block.shard.iter().zip(counters.values());
        let machine = self.block.machine.iter().zip(self.machine.iter().copied());
        for (place, value) in own.chain(machine) {
            place.store(value, Ordering::Relaxed);
        }
    }
}

impl Watch {
    /// The shard's counters as last published.
    pub fn counters(&self) -> Counters {
        Counters::from_values(self.0.shard.each_ref().map(|place| place.load(Ordering::Relaxed)))
    }

    /// The machine's own counters as last published, in its own places.
    pub fn machine(&self) -> Vec<u64> {
        self.0.machine.iter().map(|place| place.load(Ordering::Relaxed)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_read_and_nothing_before() {
        let (mut publisher, watch) = published(2);
        let counters = Counters { cycles: 3, seal_broken: 9, ..Counters::default() };
        assert_eq!(watch.counters(), Counters::default());
        publisher.publish(&counters, |places| places[1] = 7);
        assert_eq!(watch.counters(), counters);
        assert_eq!(watch.machine(), [0, 7]);
        let at = Counters::NAMES.iter().position(|name| *name == "seal_broken").unwrap();
        assert_eq!(counters.values()[at], 9);
    }
}
