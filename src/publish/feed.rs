//! The thread that publishes: messages into datagrams, datagrams onto the lines, on schedule.
//!
//! Whatever is sent is remembered for re-requests first, so that an answer can never be too early.
//! Knows no book and no client.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use session::mold::{NotSent, Sender};
use socket2::{Domain, Protocol, Socket, Type};
use types::{Nanos, SeqNo};

use super::clock::Clock;
use super::impair::Impairment;
use super::memory::Memory;
use super::pace::{Pace, Schedule};
use super::source::Source;
use super::stats::Counters;
use crate::failure::Failure;

/// What the owner asked for, and what the feed says back.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Publish.
    pub(super) go: AtomicBool,
    /// Send no more messages: end the session.
    pub(super) finish: AtomicBool,
    /// End the thread.
    pub(super) stop: AtomicBool,
    /// The session was ended, by the source or by the owner.
    pub(super) over: AtomicBool,
}

impl Signals {
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

/// One line: where it goes and what happens on the way.
pub(super) struct Line {
    pub(super) socket: UdpSocket,
    pub(super) to: SocketAddrV4,
    pub(super) impairment: Impairment,
}

impl Line {
    /// A socket that sends from `interface`; multicast stays on this host.
    pub(super) fn open(
        to: SocketAddrV4,
        interface: Ipv4Addr,
        impairment: Impairment,
    ) -> Result<Self, Failure> {
        let fail = |error| Failure::io("send to", to.to_string(), error);
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).map_err(fail)?;
        socket.bind(&SocketAddrV4::new(interface, 0).into()).map_err(fail)?;
        if to.ip().is_multicast() {
            socket.set_multicast_if_v4(&interface).map_err(fail)?;
            socket.set_multicast_loop_v4(true).map_err(fail)?;
            // Off the loopback interface, one hop is what a line on the same network needs.
            let ttl = if interface.is_loopback() { 0 } else { 1 };
            socket.set_multicast_ttl_v4(ttl).map_err(fail)?;
        }
        Ok(Self { socket: socket.into(), to, impairment })
    }
}

/// The publishing thread's belongings.
pub(super) struct Feed {
    pub(super) source: Source,
    pub(super) sender: Sender,
    pub(super) lines: Vec<Line>,
    pub(super) memory: Memory,
    pub(super) counters: Arc<Counters>,
    pub(super) signals: Arc<Signals>,
    pub(super) clock: Clock,
    pub(super) pace: Pace,
    /// Never sleep between messages.
    pub(super) spin: bool,
    /// The message that is due next, and when.
    pub(super) held: Vec<u8>,
    pub(super) held_due: Option<Nanos>,
}

/// Why a datagram is to be sent now.
enum Filled {
    /// No more messages fit.
    Whole,
    /// No more messages are due before then.
    Until(Nanos),
    /// The snapshot server's book has to catch up.
    Behind,
    /// There are no more messages.
    Over,
}

/// Datagrams between two looks at the lines' other duties.
const TURN: usize = 16;
/// The longest sleep: how late a stop can be heard where nobody wakes us.
const SLEEP_MAX: Nanos = Nanos::from_millis(20);
/// Waits shorter than this are spun: a sleep takes longer to wake from.
const SPIN_BELOW: Nanos = Nanos::from_micros(20);
/// How long to leave the processor to the book's thread.
const BOOK_WAIT: Nanos = Nanos::from_micros(200);

impl Feed {
    /// Publishes until told to stop. The result is the source's fault, if any; the session is
    /// ended in order even then.
    pub(super) fn run(mut self) -> Result<(), Failure> {
        let mut schedule = None;
        let mut fault = Ok(());
        while !self.signals.stopped() {
            let mut next = SLEEP_MAX.saturating_add(self.clock.now());
            let over = self.signals.over.load(Ordering::Relaxed);
            if !over && self.signals.finish.load(Ordering::Acquire) {
                self.end();
            } else if !over && self.signals.go.load(Ordering::Acquire) {
                let now = self.clock.now();
                let schedule = schedule.get_or_insert_with(|| Schedule::new(self.pace, now));
                match self.publish(schedule) {
                    Ok(due) => next = next.min(due),
                    Err(failure) => {
                        fault = Err(failure);
                        self.end();
                    }
                }
            }
            let now = self.clock.now();
            if let Some(datagram) = self.sender.on_deadline(now) {
                offer(&mut self.lines, now, datagram);
            }
            transmit(&mut self.lines, self.clock, &self.counters);
            let waiting =
                self.lines.iter().filter_map(|line| line.impairment.next_deadline()).min();
            next = next.min(self.sender.next_deadline()).min(waiting.unwrap_or(Nanos::MAX));
            self.wait_until(next);
        }
        fault
    }

    /// Sends what is due, within a turn; says when the next message is.
    fn publish(&mut self, schedule: &mut Schedule) -> Result<Nanos, Failure> {
        for _ in 0..TURN {
            let filled = self.fill(schedule)?;
            self.flush();
            match filled {
                Filled::Whole => {}
                Filled::Until(due) => return Ok(due),
                Filled::Behind => {
                    self.counters.book_waits.add(1);
                    return Ok(self.clock.now().saturating_add(BOOK_WAIT));
                }
                Filled::Over => {
                    self.end();
                    break;
                }
            }
        }
        Ok(self.clock.now())
    }

    /// Puts messages that are due into the datagram in hand.
    fn fill(&mut self, schedule: &mut Schedule) -> Result<Filled, Failure> {
        let now = self.clock.now();
        let mut telling = self.memory.open();
        loop {
            let due = match self.held_due {
                Some(due) => due,
                None => {
                    let Some((recorded, message)) = self.source.next()? else {
                        return Ok(Filled::Over);
                    };
                    self.held.clear();
                    self.held.extend_from_slice(message);
                    *self.held_due.insert(schedule.next(recorded))
                }
            };
            if now < due {
                return Ok(Filled::Until(due));
            }
            if telling.is_behind() {
                return Ok(Filled::Behind);
            }
            match self.sender.push(&self.held) {
                Ok(sequence) => telling.tell(sequence, &self.held),
                Err(NotSent::Full) => return Ok(Filled::Whole),
                Err(NotSent::TooLong) => self.counters.unsendable.add(1),
                Err(NotSent::Ended) => return Ok(Filled::Over),
            }
            self.held_due = None;
        }
    }

    /// Sends the datagram in hand.
    fn flush(&mut self) {
        let now = self.clock.now();
        if let Some(datagram) = self.sender.take(now) {
            self.counters.packets.add(1);
            offer(&mut self.lines, now, datagram);
            transmit(&mut self.lines, self.clock, &self.counters);
        }
    }

    /// Ends the session: says so at once, and again with every heartbeat until stopped.
    fn end(&mut self) {
        self.flush();
        self.sender.end();
        let now = self.clock.now();
        // Due at once rather than after a second's silence.
        let due = self.sender.next_deadline().max(now);
        if let Some(datagram) = self.sender.on_deadline(due) {
            offer(&mut self.lines, now, datagram);
        }
        self.signals.over.store(true, Ordering::Release);
    }

    fn wait_until(&self, next: Nanos) {
        let gap = next.since(self.clock.now());
        if gap == Nanos::ZERO || self.spin && self.signals.go.load(Ordering::Relaxed) {
            return;
        }
        if gap < SPIN_BELOW {
            std::hint::spin_loop();
            return;
        }
        // Woken early by whoever gives a signal.
        thread::park_timeout(Duration::from_nanos(gap.get()));
    }
}

fn offer(lines: &mut [Line], now: Nanos, datagram: &[u8]) {
    let packet = Bytes::copy_from_slice(datagram);
    for line in lines {
        line.impairment.on_packet(now, &packet);
    }
}

/// Sends what is due on each line.
fn transmit(lines: &mut [Line], clock: Clock, counters: &Counters) {
    for (line, counters) in lines.iter_mut().zip(&counters.lines) {
        while let Some(packet) = line.impairment.poll(clock.now()) {
            match line.socket.send_to(packet, line.to) {
                Ok(_) => {
                    counters.packets.add(1);
                    counters.bytes.add(packet.len() as u64);
                }
                // A line may fail for a while, as a real one does; the other one and re-requests stand in.
                Err(_) => counters.failed.add(1),
            }
        }
        let fates = line.impairment.fates();
        counters.lost.set(fates.lost);
        counters.duplicated.set(fates.duplicated);
        counters.reordered.set(fates.reordered);
    }
}

/// The first message's number.
pub(super) const FIRST: SeqNo = SeqNo::new(1);
