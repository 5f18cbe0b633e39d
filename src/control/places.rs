//! Who has a place at the control socket, and who gives way where all of them are taken.
//!
//! A client without a request under way can come again at any time; an operator in a hurry cannot wait for it. So the
//! newcomer has the place of the client that has been idle the longest, and is turned away only where all are busy.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::sync::Notify;

/// The places of one socket.
#[derive(Debug)]
pub(super) struct Places {
    max: usize,
    held: RefCell<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Counts up with each client that comes, and each that becomes idle.
    turn: u64,
    /// By the turn at which the client came.
    clients: BTreeMap<u64, Client>,
}

#[derive(Debug)]
struct Client {
    /// The turn since which it has no request under way.
    idle_since: Option<u64>,
    /// Its place is another's now.
    lost: Rc<Notify>,
}

/// A client's place; dropped, it is free.
#[derive(Debug)]
pub(super) struct Place {
    places: Rc<Places>,
    at: u64,
    lost: Rc<Notify>,
}

impl Places {
    /// For so many clients at a time.
    pub(super) fn new(max: usize) -> Rc<Self> {
        Rc::new(Self { max, held: RefCell::default() })
    }

    /// A place for a newcomer, which is idle as yet; `None` where all are held by clients with a request under way.
    pub(super) fn take(self: &Rc<Self>) -> Option<Place> {
        let mut held = self.held.borrow_mut();
        if self.max <= held.clients.len() {
            let idle = held.clients.iter().filter_map(|(at, of)| Some((of.idle_since?, *at)));
            let (_, at) = idle.min()?;
            held.clients.remove(&at)?.lost.notify_one();
        }
        let at = held.next_turn();
        let lost = Rc::new(Notify::new());
        held.clients.insert(at, Client { idle_since: Some(at), lost: Rc::clone(&lost) });
        Some(Place { places: Rc::clone(self), at, lost })
    }
}

impl Held {
    fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }
}

impl Place {
    /// A request is under way: nobody takes the place.
    pub(super) fn set_busy(&self) {
        if let Some(client) = self.places.held.borrow_mut().clients.get_mut(&self.at) {
            client.idle_since = None;
        }
    }

    /// No request is under way any more. False: the place is another's.
    pub(super) fn set_idle(&self) -> bool {
        let mut held = self.places.held.borrow_mut();
        let turn = held.next_turn();
        let client = held.clients.get_mut(&self.at);
        client.map(|client| client.idle_since = Some(turn)).is_some()
    }

    /// Until the place is another's.
    pub(super) async fn lost(&self) {
        self.lost.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.held.borrow_mut().clients.remove(&self.at);
    }
}
