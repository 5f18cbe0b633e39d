//! One shard in the loop: its inputs in, its machine driven, its effects carried out.
//!
//! The order of a turn is fixed: sockets, accepted connections, made ones, rings, deadline, then the machine hears
//! of its end. Each is bounded, so no source can starve another. Knows no market word.

use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::rc::Rc;

use types::Nanos;

use crate::accepted::Accepted;
use crate::clock::Clock;
use crate::config::{Config, Ingress};
use crate::counters::{Counters, Publisher, Watch, published};
use crate::latency::{Latencies, Recorder, recorded};
use crate::net::{BATCH, Batch, Bound, Datagram, NotSent, Udp};
use crate::ring::{Consumer, LinkCounters, Popped, Producer};
use crate::stream::{Connection, StreamNeeds};
use crate::uring::{Arrival, Uring};
use crate::{Effect, Event, LinkId, Machine, Outbox, SocketId, StreamId};

/// Messages taken from one ring in one turn.
const RING_BATCH: usize = 64;
/// Events taken from one connection in one turn.
const STREAM_BATCH: usize = 4;
/// How soon a core that would sleep looks again for room on a ring.
const RETRY: Nanos = Nanos::from_micros(100);

/// A shard as the loop drives it, whatever its machine.
pub(crate) trait Turn {
    /// Takes what has come in; how many inputs that was. Bounded, allocates nothing, never waits.
    fn poll(&mut self, now: Nanos, clock: &mut Clock) -> usize;
    /// The machine's upkeep, then the figures go out. `core`: counters of the core it is on.
    fn housekeep(&mut self, now: Nanos, core: &Counters);
    /// When it must be awake, whatever comes in.
    fn next_deadline(&self, now: Nanos) -> Option<Nanos>;
    /// Before the core parks: from here on its descriptors tell of everything.
    fn watch(&mut self);
    /// Whether something waits that no bell will announce.
    fn must_stay_awake(&mut self) -> bool;
    /// Whether messages for a full ring wait and may not be lost.
    fn is_blocked(&self) -> bool;
    /// How many descriptors it wakes for.
    fn descriptors_len(&self) -> usize;
    /// What must wake the core when readable, each in its own place; `None` while it is not there.
    fn descriptors(&self) -> Box<dyn Iterator<Item = Option<RawFd>> + '_>;
    /// Whether it may open connections.
    fn has_streams(&self) -> bool;
    /// What its connections want of the executor; asks for what was written since the last call.
    fn stream_needs(&mut self) -> StreamNeeds;
    /// Cuts the connections that it made.
    fn cut_streams(&mut self);
    /// Takes no more connections.
    fn stop_listening(&mut self);
    /// Ends the connections that it took, after what was written; waits for that until then at most.
    fn end_accepted(&mut self, clock: &mut Clock, until: Nanos);
    /// The end: the last figures go out, and the machine to whom it was promised.
    fn finish(self: Box<Self>, now: Nanos, core: &Counters);
}

/// What a shard tells those who started it.
#[derive(Debug)]
pub struct Placed {
    /// Its name.
    pub name: String,
    /// What each of its sockets became.
    pub sockets: Vec<Bound>,
    /// Where each of its listeners listens.
    pub listeners: Vec<SocketAddr>,
    /// Its counters.
    pub watch: Watch,
    /// Its latency histograms, where they were asked for.
    pub latencies: Option<Latencies>,
}

/// A shard with its machine.
pub(crate) struct Shard<M, F> {
    // Before the sockets: the kernel receives on them until the ring is gone.
    uring: Option<Uring>,
    /// By socket; `None` for those on the ring and those that only send.
    batches: Vec<Option<Batch>>,
    rings: Vec<Consumer>,
    /// Where bytes from accepted connections lie while the machine reads them.
    received: Box<[u8]>,
    /// Inputs were handled, and the machine has not heard of their turn's end.
    in_turn: bool,
    driven: Driven<M>,
    publisher: Publisher,
    finish: F,
}

/// The machine and all that its effects reach.
struct Driven<M> {
    machine: M,
    outbox: Outbox,
    outward: Outward,
    counters: Counters,
    /// Each socket's own count of drops, as last seen.
    drops: Vec<u32>,
    recorder: Option<Recorder>,
}

struct Outward {
    sockets: Vec<Udp>,
    streams: Vec<Rc<Connection>>,
    accepted: Option<Accepted>,
    links: Vec<Producer>,
    stream_work: bool,
}

impl<M: Machine, F: FnOnce(M)> Shard<M, F> {
    /// Opens all it needs. Only inside the core's executor. Errors: a sentence with the cause.
    pub(crate) fn open(
        config: Config,
        rings: Vec<Consumer>,
        mut links: Vec<Producer>,
        machine: M,
        finish: F,
        now: Nanos,
    ) -> Result<(Self, Placed), String> {
        let (mut sockets, mut bounds, mut batches) = (Vec::new(), Vec::new(), Vec::new());
        let (mut on_ring, mut on_ring_max) = (Vec::new(), 0);
        for (number, socket) in (0..).zip(&config.sockets) {
            let (udp, bound) = Udp::open(socket)?;
            batches.push(match socket.ingress {
                Ingress::Poll => Some(
                    Batch::new(socket.datagram_max)
                        .map_err(|error| format!("no memory for receive buffers: {error}"))?,
                ),
                Ingress::Uring => {
                    on_ring.push((number, udp.raw_fd()));
                    on_ring_max = socket.datagram_max.max(on_ring_max);
                    None
                }
                Ingress::Never => None,
            });
            sockets.push(udp);
            bounds.push(bound);
        }
        let uring = match on_ring.as_slice() {
            [] => None,
            some => Some(Uring::new(some, on_ring_max)?),
        };
        let streams = (0..).zip(&config.streams);
        let streams = streams.map(|(id, stream)| Connection::start(StreamId(id), stream));
        let (accepted, listening) = match config.listeners.as_slice() {
            [] => (None, Vec::new()),
            some => {
                let (opened, bound) = Accepted::open(some, config.streams.len())?;
                (Some(opened), bound)
            }
        };
        let received = vec![0; accepted.as_ref().map_or(0, Accepted::receive_max)];
        for link in &mut links {
            link.reserve(config.effects_max);
        }
        let (publisher, watch) = published(config.machine_counters);
        let (recorder, latencies) =
            config.latency_interval.map(|interval| recorded(sockets.len(), interval, now)).unzip();
        let driven = Driven {
            machine,
            outbox: Outbox::new(config.effects_max, config.effect_bytes_max),
            drops: vec![0; sockets.len()],
            outward: Outward {
                sockets,
                streams: streams.collect(),
                accepted,
                links,
                stream_work: false,
            },
            counters: Counters::default(),
            recorder,
        };
        let placed =
            Placed { name: config.name, sockets: bounds, listeners: listening, watch, latencies };
        let received = received.into_boxed_slice();
        Ok((
            Self { uring, batches, rings, received, in_turn: false, driven, publisher, finish },
            placed,
        ))
    }

    fn poll_sockets(&mut self, now: Nanos, clock: &mut Clock) -> usize {
        let mut handled = 0;
        for (i, batch) in self.batches.iter_mut().enumerate() {
            let Some(batch) = batch else { continue };
            if batch.is_spent() && batch.fill(self.driven.outward.sockets[i].raw_fd()).is_err() {
                self.driven.counters.receive_errors += 1;
                continue;
            }
            while let Some(datagram) = batch.next() {
                self.driven.on_datagram(now, i, datagram, clock);
                handled += 1;
                if self.driven.outward.is_blocked() {
                    return handled; // the rest of the batch stays for later
                }
            }
        }
        let Some(uring) = &mut self.uring else { return handled };
        for _ in 0..BATCH {
            match uring.next() {
                None => break,
                Some(Arrival::Error) => self.driven.counters.receive_errors += 1,
                Some(Arrival::Datagram(socket, datagram)) => {
                    self.driven.on_datagram(now, usize::from(socket), datagram, clock);
                }
            }
            handled += 1;
            if self.driven.outward.is_blocked() {
                break;
            }
        }
        handled
    }

    #[inline]
    fn poll_accepted(&mut self, now: Nanos) -> usize {
        let Driven { outward, counters, .. } = &mut self.driven;
        let Some(accepted) = &mut outward.accepted else { return 0 };
        accepted.begin(now, counters);
        let mut handled = 0;
        while !self.driven.outward.is_blocked() {
            let Driven { outward, counters, .. } = &mut self.driven;
            let Some(accepted) = &mut outward.accepted else { break };
            let Some(event) = accepted.next(&mut self.received, counters) else { break };
            self.driven.on_stream(now, event);
            handled += 1;
        }
        handled
    }

    fn poll_streams(&mut self, now: Nanos) -> usize {
        let mut handled = 0;
        for i in 0..self.driven.outward.streams.len() {
            for _ in 0..STREAM_BATCH {
                if self.driven.outward.is_blocked() {
                    return handled;
                }
                let connection = self.driven.outward.streams[i].clone();
                if !connection.poll(|event| self.driven.on_stream(now, event)) {
                    break;
                }
                handled += 1;
            }
        }
        handled
    }

    fn poll_rings(&mut self, now: Nanos) -> usize {
        let mut handled = 0;
        for (id, ring) in (0..).map(LinkId).zip(&mut self.rings) {
            for _ in 0..RING_BATCH {
                if self.driven.outward.is_blocked() {
                    return handled;
                }
                let Some(popped) = ring.pop() else { break };
                self.driven.on_ring(now, id, popped);
                handled += 1;
            }
        }
        handled
    }

    fn end_turn(&mut self, now: Nanos) {
        self.in_turn = false;
        self.driven.machine.on_turn_end(now, &mut self.driven.outbox);
        self.driven.carry_out();
    }

    fn poll_deadline(&mut self, now: Nanos) -> usize {
        if self.driven.machine.next_deadline().is_none_or(|at| now < at) {
            return 0;
        }
        self.driven.counters.deadlines += 1;
        self.driven.drive(now, Event::Deadline);
        1
    }

    fn publish(&mut self, core: &Counters) {
        let counters = &mut self.driven.counters;
        let mut links = LinkCounters::default();
        for link in &self.driven.outward.links {
            let each = link.counters();
            links.sent += each.sent;
            links.held += each.held;
            links.replaced += each.replaced;
            links.dropped += each.dropped;
        }
        counters.ring_sent = links.sent;
        counters.ring_held = links.held;
        counters.ring_replaced = links.replaced;
        counters.ring_dropped = links.dropped;
        counters.effects_refused = self.driven.outbox.refused();
        let merged = counters.on(core);
        self.publisher.publish(&merged, |places| self.driven.machine.counters(places));
    }
}

impl<M: Machine, F: FnOnce(M)> Turn for Shard<M, F> {
    #[inline]
    fn poll(&mut self, now: Nanos, clock: &mut Clock) -> usize {
        let moved = self.driven.outward.flush_links();
        if self.driven.outward.is_blocked() {
            self.driven.counters.blocked_cycles += 1;
            return usize::from(moved);
        }
        let mut handled = self.poll_sockets(now, clock);
        handled += self.poll_accepted(now);
        handled += self.poll_streams(now);
        handled += self.poll_rings(now);
        if !self.driven.outward.is_blocked() {
            handled += self.poll_deadline(now);
        }
        self.in_turn |= 0 < handled;
        // What it says then could pass what waits for room.
        if self.in_turn && !self.driven.outward.is_blocked() {
            self.end_turn(now);
        }
        handled
    }

    fn housekeep(&mut self, now: Nanos, core: &Counters) {
        // Its effects could pass those that wait, so it waits too.
        if !self.driven.outward.is_blocked() {
            self.driven.machine.housekeep(now, &mut self.driven.outbox);
            self.driven.carry_out();
        }
        if let Some(recorder) = &mut self.driven.recorder {
            recorder.housekeep(now);
        }
        self.publish(core);
    }

    fn next_deadline(&self, now: Nanos) -> Option<Nanos> {
        let retry = self.driven.outward.links.iter().any(Producer::has_backlog);
        let retry = retry.then(|| now.saturating_add(RETRY));
        let ends = self.driven.outward.accepted.as_ref().and_then(Accepted::next_deadline);
        self.driven.machine.next_deadline().into_iter().chain(retry).chain(ends).min()
    }

    fn watch(&mut self) {
        if let Some(accepted) = &mut self.driven.outward.accepted {
            accepted.watch();
        }
    }

    fn must_stay_awake(&mut self) -> bool {
        self.driven.outward.is_blocked()
            || self.batches.iter().flatten().any(|batch| !batch.is_spent())
            || self.uring.as_mut().is_some_and(|uring| !uring.is_empty())
            || self.rings.iter().any(|ring| !ring.is_empty())
            || self.driven.outward.streams.iter().any(|stream| !stream.is_quiet())
            || self.driven.outward.accepted.as_ref().is_some_and(|all| !all.is_quiet())
    }

    fn is_blocked(&self) -> bool {
        self.driven.outward.is_blocked()
    }

    fn descriptors_len(&self) -> usize {
        self.batches.len() + 2 + self.driven.outward.streams.len()
    }

    fn descriptors(&self) -> Box<dyn Iterator<Item = Option<RawFd>> + '_> {
        let sockets = self.driven.outward.sockets.iter().zip(&self.batches);
        let sockets = sockets.map(|(udp, batch)| batch.as_ref().map(|_| udp.raw_fd()));
        let ring = core::iter::once(self.uring.as_ref().map(Uring::raw_fd));
        let streams = self.driven.outward.streams.iter().map(|stream| stream.raw_fd());
        let accepted = self.driven.outward.accepted.as_ref().map(Accepted::raw_fd);
        Box::new(sockets.chain(ring).chain(streams).chain([accepted]))
    }

    fn has_streams(&self) -> bool {
        !self.driven.outward.streams.is_empty()
    }

    #[inline]
    fn stream_needs(&mut self) -> StreamNeeds {
        let outward = &mut self.driven.outward;
        if core::mem::take(&mut outward.stream_work) {
            return StreamNeeds::Now;
        }
        let streams = outward.streams.iter();
        let need = |stream: &Rc<Connection>| match (stream.is_in_motion(), stream.is_closed()) {
            (true, _) => StreamNeeds::Often,
            (false, false) => StreamNeeds::Sometimes,
            (false, true) => StreamNeeds::Never,
        };
        streams.map(need).max().unwrap_or(StreamNeeds::Never)
    }

    fn cut_streams(&mut self) {
        for stream in &self.driven.outward.streams {
            if !stream.is_closed() {
                stream.cut();
            }
        }
    }

    fn stop_listening(&mut self) {
        if let Some(accepted) = &mut self.driven.outward.accepted {
            accepted.stop_listening();
        }
    }

    fn end_accepted(&mut self, clock: &mut Clock, until: Nanos) {
        // Nobody makes room any more: better late than never.
        if self.in_turn {
            self.end_turn(clock.now());
        }
        let Driven { outward, counters, .. } = &mut self.driven;
        if let Some(accepted) = &mut outward.accepted {
            accepted.end(until, || clock.now(), &mut self.received, counters);
        }
    }

    fn finish(mut self: Box<Self>, now: Nanos, core: &Counters) {
        self.publish(core);
        if let Some(recorder) = self.driven.recorder.take() {
            recorder.finish(now);
        }
        (self.finish)(self.driven.machine);
    }
}

impl<M: Machine> Driven<M> {
    #[inline]
    fn on_datagram(&mut self, now: Nanos, at: usize, datagram: Datagram<'_>, clock: &mut Clock) {
        // A shard has at most as many sockets as `u16` has numbers, and `at` is one of them.
        let socket = SocketId(u16::try_from(at).unwrap_or(u16::MAX));
        if let Some(drops) = datagram.control.drops
            && let Some(seen) = self.drops.get_mut(at)
        {
            self.counters.kernel_drops += u64::from(drops.wrapping_sub(*seen));
            *seen = drops;
        }
        if datagram.bytes.len() < datagram.len {
            self.counters.oversize += 1;
            return self.drive(now, Event::Oversize { socket, len: datagram.len });
        }
        self.counters.datagrams += 1;
        self.counters.datagram_bytes += datagram.len as u64;
        let received = datagram.control.stamp.unwrap_or_else(|| {
            self.counters.unstamped += 1;
            now
        });
        self.drive(now, Event::Datagram { socket, received, bytes: datagram.bytes });
        if let Some(recorder) = &mut self.recorder
            && datagram.control.stamp.is_some()
        {
            recorder.record(at, clock.now().since(received).get());
        }
    }

    #[inline]
    fn on_stream(&mut self, now: Nanos, event: Event<'_>) {
        match event {
            Event::Bytes { bytes, .. } => self.counters.stream_bytes += bytes.len() as u64,
            Event::Opened { .. } => self.counters.opened += 1,
            Event::Accepted { .. } => self.counters.accepted += 1,
            Event::Closed { .. } => self.counters.closed += 1,
            Event::Datagram { .. }
            | Event::Oversize { .. }
            | Event::Message { .. }
            | Event::Missed { .. }
            | Event::Deadline => {}
        }
        self.drive(now, event);
    }

    #[inline]
    fn on_ring(&mut self, now: Nanos, link: LinkId, popped: Popped) {
        match popped {
            Popped::Message(message) => {
                self.counters.messages += 1;
                self.drive(now, Event::Message { link, message: &message });
            }
            Popped::Missed(count) => {
                self.counters.missed += count;
                self.drive(now, Event::Missed { link, count });
            }
        }
    }

    #[inline]
    fn drive(&mut self, now: Nanos, event: Event<'_>) {
        self.machine.on_event(now, event, &mut self.outbox);
        self.carry_out();
    }

    #[inline]
    fn carry_out(&mut self) {
        if self.outbox.is_empty() {
            return;
        }
        self.counters.effects += self.outbox.len() as u64;
        let is_datagram = |effect: &Effect<'_>| matches!(effect, Effect::Send { .. });
        for effect in self.outbox.effects().filter(|effect| !is_datagram(effect)) {
            self.outward.carry_out(effect, &mut self.counters);
        }
        if let Some(accepted) = &mut self.outward.accepted {
            accepted.flush(&mut self.counters);
        }
        for datagram in self.outbox.effects().filter(is_datagram) {
            self.outward.carry_out(datagram, &mut self.counters);
        }
        self.outbox.clear();
        for link in &mut self.outward.links {
            link.ring_bell();
        }
    }
}

impl Outward {
    #[inline]
    fn carry_out(&mut self, effect: Effect<'_>, counters: &mut Counters) {
        match effect {
            Effect::Send { socket, bytes } => self.send(socket, bytes, counters),
            Effect::Ring { link, message } => match self.links.get_mut(usize::from(link.0)) {
                Some(link) => drop(link.push(message)), // the link counts what became of it
                None => counters.misaddressed += 1,
            },
            Effect::Open { stream } => self.stream(stream, counters, |stream, _| stream.open()),
            Effect::Close { stream } => match self.taken(stream) {
                Some((accepted, at)) => {
                    counters.misaddressed += u64::from(!accepted.close(at));
                }
                None => self.stream(stream, counters, |stream, _| stream.close()),
            },
            Effect::Write { stream, bytes } => match self.taken(stream) {
                Some((accepted, at)) => {
                    let is_up = accepted.write(at, bytes, counters);
                    counters.misaddressed += u64::from(!is_up);
                }
                None => self.stream(stream, counters, |stream, counters| {
                    stream.write(bytes).unwrap_or_else(|_no_room| {
                        counters.write_full += 1;
                        true
                    })
                }),
            },
        }
    }

    /// Where a connection is among the accepted ones, by its number.
    #[inline]
    fn taken(&mut self, stream: StreamId) -> Option<(&mut Accepted, usize)> {
        let at = usize::from(stream.0).checked_sub(self.streams.len())?;
        Some((self.accepted.as_mut()?, at))
    }

    #[inline]
    fn send(&self, socket: SocketId, bytes: &[u8], counters: &mut Counters) {
        let Some(udp) = self.sockets.get(usize::from(socket.0)) else {
            counters.misaddressed += 1;
            return;
        };
        match udp.send(bytes) {
            Ok(()) => counters.sent += 1,
            Err(NotSent::NoPeer) => counters.misaddressed += 1,
            Err(NotSent::Full) => counters.send_full += 1,
            Err(NotSent::Refused) => counters.send_errors += 1,
        }
    }

    fn stream(
        &mut self,
        id: StreamId,
        counters: &mut Counters,
        ask: impl FnOnce(&Connection, &mut Counters) -> bool,
    ) {
        match self.streams.get(usize::from(id.0)) {
            Some(stream) if ask(stream, counters) => self.stream_work = true,
            Some(_) | None => counters.misaddressed += 1,
        }
    }

    /// Moves what waits for room onto its ring; whether any moved.
    #[inline]
    fn flush_links(&mut self) -> bool {
        let mut moved = false;
        for link in &mut self.links {
            moved |= link.flush();
            link.ring_bell();
        }
        moved
    }

    #[inline]
    fn is_blocked(&self) -> bool {
        self.links.iter().any(Producer::is_blocked)
    }
}
