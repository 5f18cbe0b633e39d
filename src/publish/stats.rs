//! What a publisher did: counters written by its threads and read by anyone. Never decided on.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

macro_rules! figures {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The counters, shared by the threads of one publisher.
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $name: Count,)*
            pub(super) lines: [LineCounters; 2],
        }

        /// What a publisher did so far.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        pub struct Stats {
            $($(#[$doc])* pub $name: u64,)*
            /// Line A and line B.
            pub lines: [LineStats; 2],
        }

        impl Counters {
            pub(super) fn read(&self) -> Stats {
                Stats {
                    $($name: self.$name.get(),)*
                    lines: self.lines.each_ref().map(LineCounters::read),
                }
            }
        }
    };
}

figures! {
    /// Messages published.
    messages,
    /// Bytes of these messages.
    message_bytes,
    /// Packets with messages, before lines lose any.
    packets,
    /// Messages longer than any datagram: left out of the feed.
    unsendable,
    /// Times the feed waited for the snapshot server's book.
    book_waits,
    /// Re-requests that came in.
    requests,
    /// Re-requests answered.
    requests_answered,
    /// Re-requests ignored: malformed, of another session, too old or for the future.
    requests_refused,
    /// Re-requests ignored because too many came.
    requests_throttled,
    /// Answers lost on purpose.
    replies_lost,
    /// Messages sent again.
    messages_resent,
    /// Snapshot connections taken.
    snapshot_clients,
    /// Snapshot connections closed at once: too many at a time.
    snapshot_crowded,
    /// Logins refused: wrong credentials or session.
    snapshot_rejected,
    /// Logins refused because the book is not known to be right.
    snapshot_unsound,
    /// Snapshots sent whole.
    snapshots_served,
    /// Clients cut because they did not read.
    snapshot_slow,
    /// Clients cut because they said nothing, or nothing sensible, in time.
    snapshot_silent,
    /// Messages that the snapshot book could not take.
    book_faults,
    /// Messages of a shard that its ring had no room for.
    missed,
}

/// One line's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LineStats {
    /// Packets sent, heartbeats and ends included.
    pub packets: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Packets lost on purpose.
    pub lost: u64,
    /// Packets sent twice on purpose.
    pub duplicated: u64,
    /// Packets sent late on purpose.
    pub reordered: u64,
    /// Packets that the system refused to send.
    pub failed: u64,
}

#[derive(Debug, Default)]
pub(super) struct LineCounters {
    pub(super) packets: Count,
    pub(super) bytes: Count,
    pub(super) lost: Count,
    pub(super) duplicated: Count,
    pub(super) reordered: Count,
    pub(super) failed: Count,
}

impl LineCounters {
    fn read(&self) -> LineStats {
        LineStats {
            packets: self.packets.get(),
            bytes: self.bytes.get(),
            lost: self.lost.get(),
            duplicated: self.duplicated.get(),
            reordered: self.reordered.get(),
            failed: self.failed.get(),
        }
    }
}

/// A counter with one writer.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    /// Adds; only the one thread that owns the counter may.
    pub(super) fn add(&self, more: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(more), Relaxed);
    }

    pub(super) fn set(&self, to: u64) {
        self.0.store(to, Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
