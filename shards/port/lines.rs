//! One connection: its session, and how far it is with its stream.

use alloc::boxed::Box;
use alloc::vec;

use session::soup::{NotSent, Server, SoupConfig};
use types::{Nanos, SeqNo};

use crate::store::Store;

pub(crate) struct Line {
    pub(crate) server: Server,
    /// The stream of who is logged in.
    pub(crate) owner: Option<u16>,
    /// From the opening to the closing of its socket.
    pub(crate) is_open: bool,
    /// Over, once what waits to be sent is sent.
    pub(crate) is_over: bool,
    /// Over, whatever waits to be sent.
    pub(crate) is_cut: bool,
    /// It stands in the list of those with something to write or to close.
    pub(crate) is_ready: bool,
    /// Since when it has more to be told than it takes; [`Nanos::MAX`] where it has not.
    stalled: Nanos,
    dead: Nanos,
}

/// It needs a message that is no longer kept.
pub(crate) struct Lapped;

/// Connections on which nobody has logged in, in the order in which they came: each step takes the same
/// time, however many they are.
pub(crate) struct Lobby {
    /// By connection, for those that are here.
    links: Box<[Option<Link>]>,
    oldest: Option<u16>,
    newest: Option<u16>,
}

/// Who came next before and next after one.
#[derive(Clone, Copy, Default)]
struct Link {
    older: Option<u16>,
    newer: Option<u16>,
}

impl Lobby {
    pub(crate) fn new(places: usize) -> Self {
        Self { links: vec![None; places].into_boxed_slice(), oldest: None, newest: None }
    }

    /// It has come, and is not here yet.
    pub(crate) fn enter(&mut self, conn: u16) {
        let older = self.newest.replace(conn);
        self.links[usize::from(conn)] = Some(Link { older, newer: None });
        match older.and_then(|older| self.links[usize::from(older)].as_mut()) {
            Some(link) => link.newer = Some(conn),
            None => self.oldest = Some(conn),
        }
    }

    /// It has logged in, or is over; one that is not here changes nothing.
    pub(crate) fn leave(&mut self, conn: u16) {
        let Some(Link { older, newer }) = self.links[usize::from(conn)].take() else { return };
        match older.and_then(|older| self.links[usize::from(older)].as_mut()) {
            Some(link) => link.newer = newer,
            None => self.oldest = newer,
        }
        match newer.and_then(|newer| self.links[usize::from(newer)].as_mut()) {
            Some(link) => link.older = older,
            None => self.newest = older,
        }
    }

    /// The one that came first.
    pub(crate) const fn oldest(&self) -> Option<u16> {
        self.oldest
    }
}

impl Line {
    pub(crate) fn new(config: SoupConfig, now: Nanos) -> Self {
        Self {
            server: Server::new(config, now),
            owner: None,
            is_open: false,
            is_over: false,
            is_cut: false,
            is_ready: false,
            stalled: Nanos::MAX,
            dead: config.dead,
        }
    }

    /// For the next connection.
    pub(crate) fn open(&mut self, now: Nanos) {
        self.server.reset(now);
        (self.owner, self.stalled) = (None, Nanos::MAX);
        (self.is_open, self.is_over, self.is_cut) = (true, false, false);
    }

    /// Hands it what it has not been told, as far as there is room.
    #[inline]
    pub(crate) fn feed(&mut self, now: Nanos, store: &Store) -> Result<(), Lapped> {
        while let Some(wanted) = self.server.wanted().map(SeqNo::get)
            && wanted < store.next()
        {
            let message = store.get(wanted).ok_or(Lapped)?;
            match self.server.send_sequenced(now, message) {
                Ok(_) => {}
                Err(NotSent::Full) => {
                    self.waits(now);
                    break;
                }
                // A message always fits an empty buffer, and only who is logged in wants one.
                Err(NotSent::NotLoggedIn | NotSent::TooLong | NotSent::Version) => break,
            }
        }
        Ok(())
    }

    /// It has more to be told than it takes, from now on if not before.
    pub(crate) fn waits(&mut self, now: Nanos) {
        self.stalled = self.stalled.min(now);
    }

    /// So many bytes were sent.
    pub(crate) fn sent(&mut self, now: Nanos, bytes: usize) {
        self.server.sent(bytes);
        if self.server.poll_transmit().is_none() {
            self.stalled = Nanos::MAX;
        } else if 0 < bytes && self.stalled != Nanos::MAX {
            self.stalled = now;
        }
    }

    pub(crate) fn is_stalled(&self, now: Nanos) -> bool {
        self.stalled.saturating_add(self.dead) <= now
    }

    /// When it must be looked at.
    pub(crate) fn next_deadline(&self) -> Nanos {
        let session = self.server.next_deadline().unwrap_or(Nanos::MAX);
        session.min(self.stalled.saturating_add(self.dead))
    }
}

#[cfg(test)]
mod tests {
    use super::Lobby;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_oldest_is_that_of_a_list_of_all(
            steps in prop::collection::vec((0..8_u16, any::<bool>()), 0..100),
        ) {
            let (mut lobby, mut list) = (Lobby::new(8), Vec::new());
            for (conn, comes) in steps {
                let is_here = list.contains(&conn);
                if comes && !is_here {
                    lobby.enter(conn);
                    list.push(conn);
                } else if !comes {
                    lobby.leave(conn);
                    list.retain(|&here| here != conn);
                }
                prop_assert_eq!(lobby.oldest(), list.first().copied());
            }
            // They go as they came.
            for conn in list {
                prop_assert_eq!(lobby.oldest(), Some(conn));
                lobby.leave(conn);
            }
            prop_assert_eq!(lobby.oldest(), None);
        }
    }
}
