//! TCP connections that others make to us: accepted, read and written by the loop itself.
//!
//! A few connections are read one by one: a `recv` that finds nothing costs less than an epoll that
//! must then be followed by one. From [`DIRECT_MAX`] on an epoll says which to read, so that idle ones
//! cost nothing. It also finds new connections and room to write, and a parked core sleeps on it.
//!
//! Bytes for a peer are collected while the effects of one input are carried out and leave with one
//! `send`. What the kernel refuses waits, bounded; where there is no room for more the connection is
//! cut with a reset. One that ends, by the machine or by its peer, still gets what was written, for
//! [`Listener::linger`] at most. All memory is taken at start. Knows no protocol. Sources: epoll(7), tcp(7).

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use types::Nanos;

use crate::config::Listener;
use crate::counters::Counters;
use crate::listen::{Listening, Taken};
use crate::slot::{Notice, Received, Slot, State};
use crate::{Event, ListenerId, StreamId};

/// So many open connections are read one by one; more are found by epoll. Measured on two vCPUs: 8 cost 1 %
/// over one connection, 16 cost 16 %, epoll 7 % whatever the number.
const DIRECT_MAX: usize = 8;

/// Turns from one look for new connections to the next, while the epoll is not needed to read.
const LOOK_EVERY: u32 = 64;

/// Events taken from the epoll in one turn. It keeps the others in their order, so each has its turn.
const READY_MAX: usize = 64;

/// Connections taken by one listener in one turn: each costs as much as many an order.
const ACCEPT_BATCH: u32 = 4;

/// Reads that are thrown away before a connection is closed at the end of the shard.
const END_READS: usize = 16;

/// The wait for a peer at the end of the shard, before its time is looked at again.
const END_LOOK_MS: u16 = 10;

/// Marks a listener among the epoll's events; connections have their place.
const LISTENER: u64 = 1 << 32;

/// The listeners of a shard and all their connections.
#[derive(Debug)]
pub(crate) struct Accepted {
    listeners: Vec<Listening>,
    slots: Vec<Slot>,
    /// The stream number of the first slot.
    first_stream: usize,
    epoll: Epoll,
    /// Places of the open ones.
    open: Vec<usize>,
    /// Places whose end the machine is to hear.
    ended: Vec<usize>,
    /// Places written to, or ended, by the effects that are being carried out.
    touched: Vec<usize>,
    /// Connections that the epoll watches for room to write.
    stuck: usize,
    /// Whether the epoll watches open connections for bytes.
    watches_reads: bool,
    /// The time of this turn.
    now: Nanos,
    turn: Look,
}

/// How far this turn's look has come.
#[derive(Debug)]
struct Look {
    /// Whether the open ones are read one by one.
    direct: bool,
    /// Open ones still to be read.
    to_read: usize,
    /// Where on the list the reading ends; moves from turn to turn.
    first: usize,
    /// Turns until the epoll is looked at although there is no need.
    until_epoll: u32,
    ready: Box<[EpollEvent]>,
    ready_len: usize,
    ready_at: usize,
    /// Connections that the listener at hand may still take.
    accepts: u32,
}

impl Accepted {
    /// Listens everywhere; the addresses are those bound. `first_stream`: the number of the first
    /// connection. Errors: a sentence that names the address and the step.
    pub(crate) fn open(
        configs: &[Listener],
        first_stream: usize,
    ) -> Result<(Self, Vec<SocketAddr>), String> {
        let places: usize = configs.iter().map(|config| usize::from(config.connections_max)).sum();
        if usize::from(u16::MAX) + 1 < first_stream + places {
            return Err(format!(
                "{first_stream} connections to make and {places} to take are more than 65536"
            ));
        }
        let failed = |error: &dyn fmt::Display| format!("TCP connections: no epoll: {error}");
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(|error| failed(&error))?;
        let (mut listeners, mut slots, mut bound) = (Vec::new(), Vec::new(), Vec::new());
        for (id, config) in (0_u16..).zip(configs) {
            let places = slots.len()..slots.len() + usize::from(config.connections_max);
            let listening = Listening::open(config, places.clone())?;
            if let Some(socket) = listening.socket() {
                let event = EpollEvent::new(EpollFlags::EPOLLIN, LISTENER | u64::from(id));
                epoll.add(socket, event).map_err(|error| failed(&error))?;
                bound.push(socket.local_addr().map_err(|error| failed(&error))?);
            }
            slots.extend(places.map(|_| Slot::new(id, config.write_max)));
            listeners.push(listening);
        }
        let opened = Self {
            listeners,
            first_stream,
            epoll,
            open: Vec::with_capacity(places),
            ended: Vec::with_capacity(places),
            touched: Vec::with_capacity(places),
            slots,
            stuck: 0,
            watches_reads: false,
            now: Nanos::ZERO,
            turn: Look {
                direct: true,
                to_read: 0,
                first: 0,
                until_epoll: 0,
                ready: vec![EpollEvent::empty(); READY_MAX].into_boxed_slice(),
                ready_len: 0,
                ready_at: 0,
                accepts: ACCEPT_BATCH,
            },
        };
        Ok((opened, bound))
    }

    /// The buffer that [`Accepted::next`] wants, bytes.
    pub(crate) fn receive_max(&self) -> usize {
        self.listeners.iter().map(|listening| listening.receive_max).max().unwrap_or_default()
    }

    /// Begins a turn: decides whom to read, and looks at the epoll where that is due.
    #[inline]
    pub(crate) fn begin(&mut self, now: Nanos, counters: &mut Counters) {
        self.now = now;
        self.turn.direct = self.open.len() <= DIRECT_MAX;
        self.turn.to_read = if self.turn.direct { self.open.len() } else { 0 };
        self.turn.first = self.turn.first.wrapping_add(1);
        (self.turn.ready_len, self.turn.ready_at) = (0, 0);
        let late = self.next_deadline().is_some_and(|at| at <= now);
        if self.turn.direct && self.stuck == 0 && 0 < self.turn.until_epoll && !late {
            self.turn.until_epoll -= 1;
            return;
        }
        self.look(EpollTimeout::ZERO, counters);
    }

    /// The next news of this turn. `buffer`: as long as [`Accepted::receive_max`] at least.
    #[inline]
    pub(crate) fn next<'a>(
        &mut self,
        buffer: &'a mut [u8],
        counters: &mut Counters,
    ) -> Option<Event<'a>> {
        loop {
            if let Some(at) = self.ended.pop() {
                self.slots[at].notice = Notice::Said;
                self.release_if_gone(at);
                return Some(Event::Closed { stream: self.stream(at) });
            }
            if 0 < self.turn.to_read && !self.open.is_empty() {
                self.turn.to_read -= 1;
                let at = self.open[(self.turn.first + self.turn.to_read) % self.open.len()];
                if let Some(len) = self.read(at, buffer) {
                    return Some(Event::Bytes { stream: self.stream(at), bytes: &buffer[..len] });
                }
                continue;
            }
            let event = *self.turn.ready[..self.turn.ready_len].get(self.turn.ready_at)?;
            if let Some(id) = event.data().checked_sub(LISTENER) {
                if let Some(accepted) = self.accept(id as usize, counters) {
                    return Some(accepted);
                }
                self.turn.ready_at += 1;
                self.turn.accepts = ACCEPT_BATCH;
                continue;
            }
            self.turn.ready_at += 1;
            let at = event.data() as usize;
            if let Some(len) = self.on_ready(at, event.events(), buffer, counters) {
                return Some(Event::Bytes { stream: self.stream(at), bytes: &buffer[..len] });
            }
        }
    }

    /// Appends to a connection. `false`: it is not up.
    #[inline]
    pub(crate) fn write(&mut self, at: usize, bytes: &[u8], counters: &mut Counters) -> bool {
        let Some(slot) = self.slots.get_mut(at).filter(|slot| slot.state == State::Open) else {
            return false;
        };
        if slot.write(bytes, &mut counters.stream_sent_bytes) {
            self.touch(at);
        } else {
            counters.write_full += 1;
            self.cut(at);
        }
        true
    }

    /// Ends a connection after what was written. `false`: it is not up.
    pub(crate) fn close(&mut self, at: usize) -> bool {
        if self.slots.get(at).is_none_or(|slot| slot.state != State::Open) {
            return false;
        }
        self.drain(at);
        self.touch(at);
        true
    }

    /// Sends what the effects of one input have written, one call for each connection.
    #[inline]
    pub(crate) fn flush(&mut self, counters: &mut Counters) {
        while let Some(at) = self.touched.pop() {
            self.slots[at].touched = false;
            self.slots[at].flush(&mut counters.stream_sent_bytes);
            self.settle(at);
        }
    }

    /// Readable when there is something to do.
    pub(crate) fn raw_fd(&self) -> RawFd {
        self.epoll.0.as_raw_fd()
    }

    /// Before a core parks: from here on the epoll's descriptor tells of every connection.
    pub(crate) fn watch(&mut self) {
        self.turn.until_epoll = 0;
        self.watch_reads();
    }

    /// Whether the machine has heard everything.
    pub(crate) fn is_quiet(&self) -> bool {
        self.ended.is_empty()
    }

    /// When the next of those that have ended is cut.
    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<Nanos> {
        let firsts = self.listeners.iter().filter_map(Listening::first_ending);
        firsts.map(|at| self.slots[at].due).min()
    }

    /// Takes no more connections.
    pub(crate) fn stop_listening(&mut self) {
        self.listeners.iter_mut().for_each(Listening::stop);
    }

    /// The end of the shard: what was written goes out while `clock` is before `until`, then
    /// everything is closed. Nobody is waited for beyond that.
    pub(crate) fn end(
        &mut self,
        until: Nanos,
        mut clock: impl FnMut() -> Nanos,
        buffer: &mut [u8],
        counters: &mut Counters,
    ) {
        while let Some(at) = self.open.last().copied() {
            self.close(at);
        }
        self.flush(counters);
        let is_draining = |slot: &Slot| slot.state == State::Draining;
        while self.slots.iter().any(is_draining) && clock() < until {
            self.now = clock();
            self.turn.to_read = 0;
            (self.turn.direct, self.turn.ready_at) = (true, 0);
            self.look(EpollTimeout::from(END_LOOK_MS), counters);
            while self.next(buffer, counters).is_some() {}
        }
        for slot in &mut self.slots {
            if slot.state == State::Draining {
                counters.end_cut += 1;
                slot.abort();
                continue;
            }
            // Bytes left unread would make it a reset.
            for _ in 0..END_READS {
                if !matches!(slot.receive(buffer), Received::Bytes(_)) {
                    break;
                }
            }
            slot.close();
        }
    }

    /// Looks at the epoll, and at the time of those that have ended.
    fn look(&mut self, wait: EpollTimeout, counters: &mut Counters) {
        self.turn.until_epoll = LOOK_EVERY;
        self.turn.accepts = ACCEPT_BATCH;
        // An interrupted wait is made again in the next turn.
        self.turn.ready_len = self.epoll.wait(&mut self.turn.ready, wait).unwrap_or_default();
        if self.turn.ready_len == READY_MAX {
            self.turn.until_epoll = 0;
        }
        for id in 0..self.listeners.len() {
            while let Some(at) = self.listeners[id].first_ending()
                && self.slots[at].due <= self.now
            {
                self.cut_ending(at, counters);
            }
        }
    }

    /// What a connection has sent, if it is up: so many bytes, at the beginning of `buffer`.
    #[inline]
    fn read(&mut self, at: usize, buffer: &mut [u8]) -> Option<usize> {
        let slot = &mut self.slots[at];
        let limit = self.listeners[usize::from(slot.listener)].receive_max;
        match slot.receive(&mut buffer[..limit]) {
            Received::Bytes(len) => Some(len),
            Received::Nothing => None,
            Received::Ended | Received::Lost => {
                // It is over for the machine; what it has written still goes out if it can.
                self.drain(at);
                self.say_closed(at);
                self.settle(at);
                None
            }
        }
    }

    /// What the epoll says of a connection; bytes of an open one as [`Accepted::read`] gives them.
    fn on_ready(
        &mut self,
        at: usize,
        flags: EpollFlags,
        buffer: &mut [u8],
        counters: &mut Counters,
    ) -> Option<usize> {
        let failed = EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP;
        let slot = &mut self.slots[at];
        if flags.intersects(EpollFlags::EPOLLOUT | failed) {
            slot.flush(&mut counters.stream_sent_bytes);
        }
        let readable = flags.intersects(EpollFlags::EPOLLIN | failed);
        match slot.state {
            State::Free | State::Gone => return None, // an event of before its end
            State::Open if readable && !self.turn.direct => {
                if let Some(len) = self.read(at, buffer) {
                    self.settle(at);
                    return Some(len);
                }
            }
            State::Open => {} // read with the others
            State::Draining | State::Lingering if readable => {
                // Thrown away: the machine has ended it, or knows of its end.
                if matches!(slot.receive(buffer), Received::Ended | Received::Lost)
                    && slot.state == State::Lingering
                {
                    self.finish(at);
                }
            }
            State::Draining | State::Lingering => {}
        }
        self.settle(at);
        None
    }

    /// The next connection that waits at a listener and for which there is a place.
    fn accept(&mut self, id: usize, counters: &mut Counters) -> Option<Event<'static>> {
        while 0 < self.turn.accepts {
            self.turn.accepts -= 1;
            let (socket, peer) = match self.listeners.get_mut(id)?.accept() {
                Taken::Connection(socket, peer) => (socket, peer),
                Taken::Nobody => return None,
                Taken::Gone => continue,
                Taken::Refused => {
                    counters.accept_refused += 1;
                    continue;
                }
            };
            let Some(at) = self.place(id, counters) else {
                counters.accept_refused += 1;
                continue;
            };
            self.slots[at].open(socket, self.open.len());
            self.open.push(at);
            self.watch_slot(at);
            if DIRECT_MAX < self.open.len() {
                self.watch_reads();
            }
            // As many as there are listeners, which are fewer than 65,536.
            let listener = ListenerId(u16::try_from(id).unwrap_or(u16::MAX));
            return Some(Event::Accepted { listener, stream: self.stream(at), peer });
        }
        self.turn.until_epoll = 0; // there may be more
        None
    }

    /// A free place: if need be that of the oldest connection whose end the machine has heard.
    fn place(&mut self, id: usize, counters: &mut Counters) -> Option<usize> {
        if self.listeners[id].is_full()
            && let Some(at) = self.listeners[id].first_ending()
            && self.slots[at].notice == Notice::Said
        {
            self.cut_ending(at, counters);
        }
        self.listeners[id].take_place()
    }

    /// Takes what follows from what has been sent: a connection that has ended and has nothing more
    /// to send says so, and the epoll is told what to watch for.
    #[inline]
    fn settle(&mut self, at: usize) {
        let slot = &mut self.slots[at];
        match slot.state {
            State::Free | State::Gone => return,
            State::Draining if slot.is_flushed() => {
                if slot.is_deserted() {
                    return self.finish(at);
                }
                slot.say_end();
                slot.state = State::Lingering;
                self.say_closed(at);
            }
            State::Open | State::Draining | State::Lingering => {}
        }
        self.watch_slot(at);
    }

    /// From open to ended, with its time running.
    fn drain(&mut self, at: usize) {
        self.leave_open(at);
        let slot = &mut self.slots[at];
        let listening = &mut self.listeners[usize::from(slot.listener)];
        slot.state = State::Draining;
        slot.due = self.now.saturating_add(listening.linger);
        listening.note_ending(at, &self.slots);
    }

    /// Closes one.
    fn finish(&mut self, at: usize) {
        self.leave_lists(at);
        self.slots[at].close();
        self.on_gone(at);
    }

    /// Closes one with a reset: its peer has not got all.
    fn cut(&mut self, at: usize) {
        self.leave_lists(at);
        self.slots[at].abort();
        self.on_gone(at);
    }

    /// Closes one that has ended before it has got everything out, or heard its peer's end.
    fn cut_ending(&mut self, at: usize, counters: &mut Counters) {
        match self.slots[at].state {
            State::Draining => {
                counters.end_cut += 1;
                self.cut(at);
            }
            State::Free | State::Open | State::Lingering | State::Gone => self.finish(at),
        }
    }

    fn on_gone(&mut self, at: usize) {
        let listening = &mut self.listeners[usize::from(self.slots[at].listener)];
        listening.forget_gone(&self.slots);
        self.say_closed(at);
        self.release_if_gone(at);
    }

    fn leave_lists(&mut self, at: usize) {
        if self.slots[at].state == State::Open {
            self.leave_open(at);
        }
        self.stuck -= usize::from(self.slots[at].interest.contains(EpollFlags::EPOLLOUT));
    }

    fn leave_open(&mut self, at: usize) {
        let place = self.slots[at].place;
        self.open.swap_remove(place);
        if let Some(moved) = self.open.get(place) {
            self.slots[*moved].place = place;
        }
        if self.open.is_empty() {
            self.watches_reads = false; // those to come are read one by one again
        }
    }

    fn say_closed(&mut self, at: usize) {
        let slot = &mut self.slots[at];
        if slot.notice == Notice::Unsaid {
            slot.notice = Notice::Queued;
            self.ended.push(at);
        }
    }

    fn release_if_gone(&mut self, at: usize) {
        let slot = &mut self.slots[at];
        if slot.state != State::Gone || slot.notice != Notice::Said {
            return;
        }
        slot.state = State::Free;
        self.listeners[usize::from(slot.listener)].give_back(at);
    }

    #[inline]
    fn touch(&mut self, at: usize) {
        if !core::mem::replace(&mut self.slots[at].touched, true) {
            self.touched.push(at);
        }
    }

    #[inline]
    fn watch_slot(&mut self, at: usize) {
        let slot = &self.slots[at];
        if slot.wanted(self.watches_reads) != slot.interest {
            self.change_interest(at);
        }
    }

    #[cold]
    fn change_interest(&mut self, at: usize) {
        let slot = &mut self.slots[at];
        let (had, wanted) = (slot.interest, slot.wanted(self.watches_reads));
        let Some(socket) = slot.socket() else { return };
        let mut event = EpollEvent::new(wanted, at as u64);
        let changed = match (had.is_empty(), wanted.is_empty()) {
            (true, _) => self.epoll.add(socket, event),
            (false, false) => self.epoll.modify(socket, &mut event),
            (false, true) => self.epoll.delete(socket),
        };
        if changed.is_err() {
            return self.cut(at); // no memory for it: nothing would ever tell of this one
        }
        slot.interest = wanted;
        self.stuck += usize::from(wanted.contains(EpollFlags::EPOLLOUT));
        self.stuck -= usize::from(had.contains(EpollFlags::EPOLLOUT));
    }

    /// Has the epoll watch every open connection for bytes, from here on.
    fn watch_reads(&mut self) {
        if core::mem::replace(&mut self.watches_reads, true) {
            return;
        }
        for place in (0..self.open.len()).rev() {
            self.watch_slot(self.open[place]);
        }
    }

    fn stream(&self, at: usize) -> StreamId {
        // Checked at start: all numbers fit.
        StreamId(u16::try_from(self.first_stream + at).unwrap_or(u16::MAX))
    }
}

#[cfg(all(test, not(loom)))]
#[path = "accepted_test.rs"]
mod tests;
