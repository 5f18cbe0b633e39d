//! Where published messages are kept for those who ask again or come late.
//!
//! Whoever publishes, tells it each message with its number, once and in order. Knows no socket.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rtrb::Producer;
use session::mold::History;
use tape::Numbered;
use types::SeqNo;

use super::stats::Counters;

/// The way in. Single owner; may move to another thread.
pub(super) struct Memory {
    /// Read by the re-request server.
    pub(super) history: Arc<Mutex<History>>,
    /// To the snapshot server's book.
    pub(super) book: Option<Producer<Numbered>>,
    pub(super) counters: Arc<Counters>,
}

impl Memory {
    /// Opens it for a few messages; no re-request is answered meanwhile.
    pub(super) fn open(&mut self) -> Telling<'_> {
        // Whoever panicked while holding it left whole messages in it: records are whole or not there.
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        Telling { history, book: &mut self.book, counters: &self.counters }
    }
}

/// An open memory.
pub(super) struct Telling<'a> {
    history: MutexGuard<'a, History>,
    book: &'a mut Option<Producer<Numbered>>,
    counters: &'a Counters,
}

impl Telling<'_> {
    /// Whether the snapshot server's book has to catch up before the next message.
    pub(super) fn is_behind(&self) -> bool {
        self.book.as_ref().is_some_and(|book| book.is_full() && !book.is_abandoned())
    }

    /// Keeps the next message. A number that does not follow the last one says that some are missing:
    /// nothing before it is sent again, and no snapshot is served any more.
    pub(super) fn tell(&mut self, sequence: SeqNo, message: &[u8]) {
        self.history.record(sequence, message);
        self.counters.messages.add(1);
        self.counters.message_bytes.add(message.len() as u64);
        if let Some(book) = &mut self.book {
            // Too long a message is of no protocol whose book we keep: it comes out empty, and unreadable.
            let copy = Numbered::new(sequence, message).or_else(|| Numbered::new(sequence, &[]));
            // Full only where its reader is gone: a stop is under way.
            let _ = copy.map(|copy| book.push(copy));
        }
    }
}
