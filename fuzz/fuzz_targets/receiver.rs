//! The receiver under any script of packets, deadlines, joins and failures: what it gives out is one
//! stream without holes but those it told, it never wants what it may not, and `poll` comes to an end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session::{Arrival, Line, Packet, Receiver, ReceiverConfig, Recovery, SessionId, Start, Step};
use types::{Nanos, SeqNo};

/// What the owner knows of the stream.
struct Owner {
    rx: Receiver,
    config: ReceiverConfig,
    now: Nanos,
    /// The next message, once it is known; unknown again after a new session.
    next: Option<u64>,
}

impl Owner {
    /// Message `n` of any session is the one byte `n`.
    fn take(&mut self, first: u64, body: &[u8], skip: u16) {
        assert!(usize::from(skip) < body.len(), "nothing new in it");
        let from = first + u64::from(skip);
        assert!(self.next.is_none_or(|next| next == from), "{from} after {:?}", self.next);
        for (message, number) in body.iter().zip(first..) {
            assert_eq!(*message, number as u8);
        }
        self.next = Some(first + body.len() as u64);
    }

    fn packet(&mut self, line: Line, session: u8, sequence: u64, count: u16, end: bool) {
        let body: Vec<u8> = (0..u64::from(count)).map(|n| sequence.wrapping_add(n) as u8).collect();
        let session = SessionId::new([session; 10]);
        let packet = Packet { session, sequence: SeqNo::new(sequence), count, end, body: &body };
        if let Arrival::Next { skip } = self.rx.on_packet(self.now, line, packet) {
            self.take(sequence, &body, skip);
        }
    }

    fn obey(&mut self) {
        // Every packet that waits, and each of the other steps at most once, or twice after a loss.
        for _ in 0..self.config.window_packets + 20 {
            let now = self.now;
            let Some(step) = self.rx.poll(now) else {
                assert_eq!(self.rx.poll(now), None);
                return;
            };
            match step {
                Step::NewSession(_) => self.next = None,
                Step::Lost { from, count } => {
                    assert!(0 < count);
                    assert!(self.next.is_none_or(|next| next == from.get()));
                    self.next = Some(from.get() + count);
                }
                Step::Apply(held) => {
                    let (body, sequence, skip) = (Vec::from(held.body), held.sequence, held.skip);
                    assert_eq!(body.len(), usize::from(held.count));
                    self.take(sequence.get(), &body, skip);
                }
                Step::Live => assert!(!self.rx.is_stale() && !self.rx.is_behind()),
                Step::Stale | Step::Silent => assert!(self.rx.is_stale()),
                Step::Request { from, count } => {
                    assert!(self.config.recovery.requests);
                    assert!(0 < count && count <= self.config.request_messages_max);
                    assert_eq!(Some(from), self.rx.next());
                }
                Step::Snapshot => assert!(self.config.recovery.snapshots),
                Step::Ended { next } => assert_eq!(Some(next), self.rx.next()),
            }
        }
        panic!("poll does not end");
    }

    fn check(&self) {
        let health = self.rx.health();
        assert!(health.held_now <= self.config.window_packets);
        assert!(health.next <= health.seen);
        if let (Some(known), Some(next)) = (self.next, self.rx.next()) {
            assert_eq!(known, next.get());
        }
    }
}

fn config(bytes: [u8; 4]) -> ReceiverConfig {
    let [window, choices, wait, counts] = bytes;
    let recovery = Recovery { requests: choices & 1 != 0, snapshots: choices & 2 != 0 };
    let start = match choices >> 2 & 3 {
        0 => Start::FirstSeen,
        1 if recovery.snapshots => Start::Snapshot,
        _ => Start::Beginning,
    };
    ReceiverConfig {
        lines: 1 + (choices >> 4 & 1),
        window_packets: 1 + u32::from(window % 8),
        packet_bytes_max: 6,
        reorder: Nanos::new(1 + u64::from(wait & 15)),
        retry: Nanos::new(1 + u64::from(wait >> 4)),
        attempts_max: 1 + u32::from(counts & 3),
        request_messages_max: 1 + u16::from(counts >> 2 & 7),
        gap_messages_max: u64::from(counts >> 5) * 4,
        far_messages: 64,
        idle: Nanos::new(50),
        start,
        recovery,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((head, mut script)) = bytes.split_first_chunk() else { return };
    let config = config(*head);
    let rx = Receiver::new(config, Nanos::ZERO).expect("possible");
    let mut owner = Owner { rx, config, now: Nanos::ZERO, next: None };
    owner.obey();
    while let Some(([verb, a, b], rest)) = script.split_first_chunk() {
        script = rest;
        let line = [Line::A, Line::B, Line::Reply][usize::from(verb >> 6) % 3];
        let near =
            owner.rx.next().map_or(1, SeqNo::get).saturating_add(u64::from(*a)).saturating_sub(8);
        let count = u16::from(b & 7);
        match verb & 15 {
            0..=6 => owner.packet(line, b >> 3 & u8::from(b >> 4 == 15), near, count, false),
            7 => owner.packet(line, 0, near, 0, true),
            8 => owner.packet(line, 0, u64::from(*a) << (b & 63), count, b & 128 != 0),
            9 => owner.packet(line, 0, u64::MAX - u64::from(*a), count, false),
            10 => {
                if owner.rx.join(owner.now, SeqNo::new(near)).is_ok() {
                    owner.next = Some(near);
                }
            }
            11 => owner.rx.snapshot_failed(owner.now),
            12 => owner.rx.books_broken(),
            13 => owner.rx.resynchronised(),
            14 => owner.rx.snapshot_begins(),
            _ => {
                owner.now = owner.now.saturating_add(Nanos::new(u64::from(*a)));
                owner.rx.on_deadline(owner.now);
            }
        }
        // An owner that polls late must not be told anything wrong either.
        if verb & 32 == 0 {
            owner.obey();
            owner.check();
        }
    }
});
