//! The figures of every shard's main loop, from the counters it publishes in housekeeping.

use runtime::{Counters, Watch};

use super::Kind::{self, Counter, Gauge};
use super::{Figure, Figures, Give};

struct Row {
    figure: Figure,
    value: fn(&Counters) -> u64,
}

const fn row(
    name: &'static str,
    kind: Kind,
    help: &'static str,
    value: fn(&Counters) -> u64,
) -> Row {
    Row { figure: Figure { name, help, kind }, value }
}

/// Every counter of the runtime, none left out.
const ROWS: [Row; Counters::LEN] = [
    row(
        "rialto_shard_cycles_total",
        Counter,
        "Turns of the loop of the core that the shard is on.",
        |counters| counters.cycles,
    ),
    row(
        "rialto_shard_busy_cycles_total",
        Counter,
        "Turns of the core's loop that had input.",
        |counters| counters.busy_cycles,
    ),
    row(
        "rialto_shard_busy_nanoseconds_total",
        Counter,
        "Time in turns of the core's loop that had input.",
        |counters| counters.busy_ns,
    ),
    row(
        "rialto_shard_idle_nanoseconds_total",
        Counter,
        "Time in turns of the core's loop without input.",
        |counters| counters.idle_ns,
    ),
    row(
        "rialto_shard_longest_cycle_nanoseconds",
        Gauge,
        "The longest turn of the core's loop that had input; since start.",
        |counters| counters.longest_cycle_ns,
    ),
    row("rialto_shard_parks_total", Counter, "How often the core went to sleep.", |counters| {
        counters.parks
    }),
    row(
        "rialto_shard_parked_nanoseconds_total",
        Counter,
        "Time the core was asleep.",
        |counters| counters.parked_ns,
    ),
    row(
        "rialto_shard_empty_wakes_total",
        Counter,
        "Times the core woke and nothing was there.",
        |counters| counters.empty_wakes,
    ),
    row("rialto_shard_datagrams_total", Counter, "Datagrams received whole.", |counters| {
        counters.datagrams
    }),
    row(
        "rialto_shard_datagram_bytes_total",
        Counter,
        "Payload bytes of the datagrams received.",
        |counters| counters.datagram_bytes,
    ),
    row(
        "rialto_shard_oversize_datagrams_total",
        Counter,
        "Datagrams longer than the receive buffer; reported and not used.",
        |counters| counters.oversize,
    ),
    row(
        "rialto_shard_kernel_dropped_datagrams_total",
        Counter,
        "Datagrams the kernel dropped because a socket's buffer was full. Raise net.core.rmem_max.",
        |counters| counters.kernel_drops,
    ),
    row(
        "rialto_shard_unstamped_datagrams_total",
        Counter,
        "Datagrams without a kernel receive stamp; the clock stands in for it.",
        |counters| counters.unstamped,
    ),
    row("rialto_shard_receive_errors_total", Counter, "Errors when receiving.", |counters| {
        counters.receive_errors
    }),
    row(
        "rialto_shard_sent_datagrams_total",
        Counter,
        "Datagrams handed to the kernel.",
        |counters| counters.sent,
    ),
    row(
        "rialto_shard_send_full_total",
        Counter,
        "Datagrams the kernel had no room for.",
        |counters| counters.send_full,
    ),
    row(
        "rialto_shard_send_errors_total",
        Counter,
        "Datagrams the kernel refused for another reason.",
        |counters| counters.send_errors,
    ),
    row(
        "rialto_shard_stream_bytes_total",
        Counter,
        "Bytes received on TCP connections.",
        |counters| counters.stream_bytes,
    ),
    row("rialto_shard_connections_opened_total", Counter, "TCP connections made.", |counters| {
        counters.opened
    }),
    row(
        "rialto_shard_connections_closed_total",
        Counter,
        "TCP connections ended or not made.",
        |counters| counters.closed,
    ),
    row(
        "rialto_shard_write_full_total",
        Counter,
        "TCP connections closed because their write buffer was full.",
        |counters| counters.write_full,
    ),
    row(
        "rialto_shard_connections_accepted_total",
        Counter,
        "TCP connections accepted.",
        |counters| counters.accepted,
    ),
    row(
        "rialto_shard_connections_refused_total",
        Counter,
        "TCP connections closed as they came, for want of a place or a descriptor.",
        |counters| counters.accept_refused,
    ),
    row(
        "rialto_shard_stream_sent_bytes_total",
        Counter,
        "Bytes handed to the kernel on accepted TCP connections.",
        |counters| counters.stream_sent_bytes,
    ),
    row(
        "rialto_shard_connections_end_cut_total",
        Counter,
        "Accepted TCP connections cut because the peer had not taken all of it in time after their end.",
        |counters| counters.end_cut,
    ),
    row("rialto_shard_ring_received_total", Counter, "Messages taken from rings.", |counters| {
        counters.messages
    }),
    row(
        "rialto_shard_ring_missed_total",
        Counter,
        "Messages that rings to this shard dropped.",
        |counters| counters.missed,
    ),
    row("rialto_shard_ring_sent_total", Counter, "Messages put on rings.", |counters| {
        counters.ring_sent
    }),
    row(
        "rialto_shard_ring_held_total",
        Counter,
        "Messages that waited for room on a ring.",
        |counters| counters.ring_held,
    ),
    row(
        "rialto_shard_ring_replaced_total",
        Counter,
        "Waiting messages that a newer one of the same instrument replaced.",
        |counters| counters.ring_replaced,
    ),
    row("rialto_shard_ring_dropped_total", Counter, "Messages lost at a full ring.", |counters| {
        counters.ring_dropped
    }),
    row(
        "rialto_shard_blocked_cycles_total",
        Counter,
        "Turns in which a full ring kept the shard from taking input.",
        |counters| counters.blocked_cycles,
    ),
    row("rialto_shard_deadlines_total", Counter, "Deadlines that came.", |counters| {
        counters.deadlines
    }),
    row("rialto_shard_effects_total", Counter, "Effects carried out.", |counters| counters.effects),
    row(
        "rialto_shard_effects_refused_total",
        Counter,
        "Effects refused by a full outbox.",
        |counters| counters.effects_refused,
    ),
    row(
        "rialto_shard_misaddressed_total",
        Counter,
        "Effects that name a socket, connection or ring that is not there.",
        |counters| counters.misaddressed,
    ),
    row(
        "rialto_shard_allocations_in_poll_total",
        Counter,
        "Uses of the allocator inside the loop; counted only where the sealable allocator is installed.",
        |counters| counters.seal_broken,
    ),
];

/// The main loops of all shards, each labelled with its shard.
#[derive(Debug)]
pub struct ShardFigures {
    shards: Vec<(String, Watch)>,
}

impl ShardFigures {
    /// `shards` pairs a shard's name with what it publishes.
    pub fn new(shards: Vec<(String, Watch)>) -> Self {
        Self { shards }
    }
}

impl Figures for ShardFigures {
    fn all(&self) -> Vec<Figure> {
        ROWS.iter().map(|row| row.figure).collect()
    }

    fn read(&mut self, give: &mut Give<'_>) {
        for (name, watch) in &self.shards {
            let counters = watch.counters();
            for row in &ROWS {
                give(&row.figure, &[("shard", name)], (row.value)(&counters));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, ROWS};
    use runtime::Counters;
    use std::collections::BTreeSet;

    #[test]
    fn every_counter_has_one_row_and_a_name_of_its_own() {
        let names: BTreeSet<&str> = ROWS.iter().map(|row| row.figure.name).collect();
        assert_eq!(names.len(), Counters::LEN);
        for row in &ROWS {
            let name = row.figure.name;
            assert_eq!(row.figure.kind == Kind::Counter, name.ends_with("_total"), "{name}");
            assert!(row.figure.help.ends_with('.'), "{name}");
        }
    }
}
