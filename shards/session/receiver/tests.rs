//! Tables of packet scripts: what each packet becomes, and what there is to do after it.

extern crate std;

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use types::{Nanos, SeqNo};

use crate::{
    Arrival, FeedState, JoinRefused, Line, Packet, Receiver, ReceiverConfig, Recovery, SessionId,
    Start, Step,
};
use Line::{A, B, Reply};

const S1: SessionId = SessionId::new(*b"SESSION001");
const S2: SessionId = SessionId::new(*b"SESSION002");

fn config() -> ReceiverConfig {
    ReceiverConfig {
        lines: 2,
        window_packets: 4,
        packet_bytes_max: 64,
        reorder: Nanos::new(10),
        retry: Nanos::new(100),
        attempts_max: 2,
        request_messages_max: 5,
        gap_messages_max: 20,
        far_messages: 1_000,
        idle: Nanos::new(10_000),
        start: Start::Beginning,
        recovery: Recovery { requests: true, snapshots: true },
    }
}

/// A receiver with a clock, that writes down what it is told.
struct Desk {
    rx: Receiver,
    now: Nanos,
}

impl Desk {
    fn new(config: ReceiverConfig) -> Self {
        Self { rx: Receiver::new(config, Nanos::ZERO).expect("possible"), now: Nanos::ZERO }
    }

    /// With message 1 given out.
    fn live(config: ReceiverConfig) -> Self {
        let mut desk = Self::new(config);
        assert_eq!(desk.packet(A, 1, 1), NEXT);
        assert_eq!(desk.told(), "live");
        desk
    }

    fn packet(&mut self, line: Line, sequence: u64, count: u16) -> Arrival {
        self.send(line, S1, sequence, count, false)
    }

    fn send(
        &mut self,
        line: Line,
        session: SessionId,
        sequence: u64,
        count: u16,
        end: bool,
    ) -> Arrival {
        // Each message is one byte, its number: what comes back can be told.
        let body: Vec<u8> =
            (0..u64::from(count)).map(|message| (sequence.wrapping_add(message)) as u8).collect();
        let packet = Packet { session, sequence: SeqNo::new(sequence), count, end, body: &body };
        self.rx.on_packet(self.now, line, packet)
    }

    fn at(&mut self, now_ns: u64) -> String {
        self.now = Nanos::new(now_ns);
        self.rx.on_deadline(self.now);
        self.told()
    }

    fn told(&mut self) -> String {
        let mut told = Vec::new();
        while let Some(step) = self.rx.poll(self.now) {
            told.push(match step {
                Step::NewSession(session) => format!("new {session}"),
                Step::Lost { from, count } => format!("lost {from}+{count}"),
                Step::Apply(held) => {
                    let messages = &held.body[usize::from(held.skip)..];
                    let first = held.sequence.get() + u64::from(held.skip);
                    assert!(
                        messages.iter().zip(first..).all(|(byte, number)| *byte == number as u8)
                    );
                    format!("apply {first}+{}", messages.len())
                }
                Step::Stale => "stale".into(),
                Step::Silent => "silent".into(),
                Step::Live => "live".into(),
                Step::Request { from, count } => format!("request {from}+{count}"),
                Step::Snapshot => "snapshot".into(),
                Step::Ended { next } => format!("ended {next}"),
            });
        }
        told.join(" ")
    }
}

const NEXT: Arrival = Arrival::Next { skip: 0 };

#[test]
fn two_lines_are_one_stream() {
    let mut desk = Desk::new(config());
    let cases = [
        // line sequence count  want                       told
        (A, 1, 3, NEXT, "live"),
        (B, 1, 3, Arrival::Duplicate, ""),
        (B, 4, 2, NEXT, ""),
        (A, 4, 2, Arrival::Duplicate, ""),
        (A, 5, 3, Arrival::Next { skip: 1 }, ""), // framed otherwise: 5 is known
        (A, 8, 0, Arrival::Heartbeat, ""),
        (A, 10, 2, Arrival::Held, ""),
        (B, 10, 2, Arrival::Duplicate, ""),
        (A, 13, 1, Arrival::Held, ""),
        (B, 8, 3, NEXT, "apply 11+1"), // 10 is in both
        (B, 12, 1, NEXT, "apply 13+1"),
        (A, 14, 1, NEXT, ""),
    ];
    for (line, sequence, count, want, told) in cases {
        assert_eq!(desk.packet(line, sequence, count), want, "{line:?} {sequence}+{count}");
        assert_eq!(desk.told(), told, "{line:?} {sequence}+{count}");
    }
    let health = desk.rx.health();
    assert_eq!((health.delivered, health.gaps, health.given_up), (14, 2, 0));
    assert_eq!((health.recovered_by_line, health.recovered_by_request), (3, 0));
    assert_eq!((health.lines[0].lost, health.lines[1].lost), (3, 2));
    assert_eq!(health.state, FeedState::Live);
}

#[test]
fn what_cannot_be_changes_nothing() {
    let mut desk = Desk::new(config());
    desk.packet(A, 1, 3);
    desk.told();
    let cases = [
        // session sequence      count  end    want
        (S1, 0, 1, false, Arrival::Malformed),
        (S1, 0, 0, false, Arrival::Malformed),
        (S1, u64::MAX, 1, false, Arrival::Malformed),
        (S1, u64::MAX, 0, false, Arrival::Malformed),
        (S1, u64::MAX - 5, 7, false, Arrival::Malformed),
        (S1, 1 << 48, 1, false, Arrival::Malformed),
        (S1, 2_000, 1, false, Arrival::Malformed), // far, and alone
        (S1, 9_000, 0, false, Arrival::Malformed), // far, and not where the other one was
        (S1, 2, 0, true, Arrival::Malformed),      // over before what was given out
        (S2, 4, 1, false, Arrival::WrongSession),
        (S2, 4, 0, true, Arrival::WrongSession),
    ];
    for (session, sequence, count, end, want) in cases {
        for line in [A, B] {
            desk.rx.rumour = 0;
            assert_eq!(desk.send(line, session, sequence, count, end), want, "{sequence}+{count}");
            assert_eq!(desk.told(), "", "{sequence}+{count}");
        }
    }
    for (sequence, count) in [(4, 1), (5, 1), (2_000, 1), (4, 0)] {
        assert_eq!(desk.packet(Reply, sequence, count), Arrival::Unasked);
        assert_eq!(desk.told(), "");
    }
    desk.rx.on_malformed(A);
    assert_eq!(desk.packet(A, 4, 1), NEXT);
    let health = desk.rx.health();
    assert_eq!((health.next, health.seen), (SeqNo::new(5), SeqNo::new(5)));
    assert_eq!((health.lines[0].malformed, health.lines[1].malformed), (10, 9));
    assert_eq!((health.lines[1].wrong_session, health.unasked), (2, 4));
    assert_eq!((health.lines[0].lost, health.gaps), (0, 0));
}

#[test]
fn a_far_jump_is_believed_when_a_second_packet_agrees() {
    let mut desk = Desk::new(config());
    desk.packet(A, 1, 3);
    assert_eq!(desk.packet(A, 5_000, 2), Arrival::Malformed);
    assert_eq!(
        desk.packet(B, 5_000, 2),
        Arrival::Malformed,
        "the same packet is no second witness"
    );
    assert_eq!(desk.packet(A, 5_002, 2), Arrival::Held);
    assert_eq!(desk.rx.health().seen, SeqNo::new(5_004));
}

#[test]
fn a_receiver_that_believes_every_distance_takes_every_sequence() {
    let mut desk = Desk::new(ReceiverConfig { far_messages: u64::MAX, ..config() });
    for sequence in [900, 1, 1 << 40, 2, (1 << 48) - 1] {
        desk.packet(A, sequence, 1);
        desk.told();
    }
    assert_eq!(desk.rx.health().lines[0].malformed, 0);
}

#[test]
fn a_first_packet_from_nowhere_poisons_nothing_for_long() {
    // Held for a snapshot: two that agree put it right at once.
    let mut desk = Desk::new(ReceiverConfig { start: Start::Snapshot, ..config() });
    desk.packet(A, 1 << 40, 1);
    desk.packet(A, 7, 1);
    desk.packet(B, 8, 1);
    assert_eq!(desk.rx.health().seen, SeqNo::new(9));
    assert_eq!(desk.rx.join(desk.now, SeqNo::new(7)), Ok(()));
    assert_eq!(desk.told(), "apply 7+1 apply 8+1 live");
    // What waits close to the true place counts as seen.
    let mut desk = Desk::new(ReceiverConfig { start: Start::Snapshot, ..config() });
    desk.packet(A, 1 << 40, 1);
    desk.packet(A, 20, 3);
    desk.packet(A, 7, 1);
    desk.packet(A, 8, 1);
    let health = desk.rx.health();
    assert_eq!((health.seen, health.held_now), (SeqNo::new(23), 3));
    // Taken for the start: the true stream is old news until nothing newer came for long enough.
    let mut desk = Desk::new(ReceiverConfig { start: Start::FirstSeen, ..config() });
    desk.packet(A, 1 << 40, 1);
    assert_eq!(desk.told(), "live");
    assert_eq!(desk.packet(A, 7, 1), Arrival::Duplicate);
    assert_eq!(desk.at(10_000), "stale silent");
    assert_eq!(desk.packet(A, 8, 1), Arrival::Duplicate);
    assert_eq!(desk.packet(A, 9, 1), Arrival::Held);
    assert_eq!(desk.told(), "new SESSION001 apply 9+1 live");
}

#[test]
fn a_gap_waits_then_asks_then_tries_again_then_wants_a_snapshot() {
    let mut desk = Desk::live(config());
    assert_eq!(desk.packet(A, 5, 1), Arrival::Held);
    assert_eq!(desk.told(), "");
    assert!(desk.rx.is_behind() && !desk.rx.is_stale());
    assert_eq!(desk.rx.next_deadline(), Some(Nanos::new(10)));
    assert_eq!(desk.at(9), "");
    assert_eq!(desk.at(10), "stale request 2+3");
    assert_eq!(desk.at(109), "");
    assert_eq!(desk.at(110), "request 2+3");
    assert_eq!(desk.at(210), "snapshot");
    assert_eq!(desk.at(5_000), "", "no more requests, no second snapshot");
    assert_eq!(desk.packet(B, 2, 1), Arrival::Held, "everything is held until the join");
    assert_eq!(desk.packet(B, 6, 1), Arrival::Held);
    assert_eq!(desk.told(), "");
    assert_eq!(desk.rx.join(desk.now, SeqNo::new(6)), Ok(()));
    assert_eq!(desk.told(), "apply 6+1 live");
    let health = desk.rx.health();
    assert_eq!((health.requests, health.snapshots, health.recovered_by_snapshot), (2, 1, 4));
    assert_eq!((health.delivered, health.next), (2, SeqNo::new(7)));
}

#[test]
fn replies_fill_the_gap_in_parts() {
    let mut desk = Desk::live(config());
    desk.packet(A, 12, 1);
    assert_eq!(desk.told(), "");
    assert_eq!(desk.at(10), "stale request 2+5");
    assert_eq!(desk.packet(Reply, 1, 2), Arrival::Next { skip: 1 }, "begins before what was asked");
    assert_eq!(desk.told(), "");
    assert_eq!(desk.at(20), "request 3+5", "the rest did not follow");
    assert_eq!(desk.packet(Reply, 5, 1), Arrival::Held);
    assert_eq!(desk.packet(Reply, 8, 1), Arrival::Unasked, "past what was asked");
    assert_eq!(desk.packet(Reply, 3, 2), NEXT);
    assert_eq!(desk.told(), "apply 5+1");
    assert_eq!(desk.packet(Reply, 6, 2), NEXT);
    assert_eq!(desk.told(), "request 8+4", "all that was asked is here: the next part at once");
    assert_eq!(desk.packet(Reply, 8, 4), NEXT);
    assert_eq!(desk.told(), "apply 12+1 live");
    assert_eq!(desk.packet(Reply, 8, 4), Arrival::Duplicate);
    let health = desk.rx.health();
    assert_eq!((health.recovered_by_request, health.recovered_by_line, health.gaps), (10, 0, 1));
    assert_eq!(health.replies.packets, 6);
}

#[test]
fn progress_gives_new_attempts() {
    let mut desk = Desk::live(config());
    desk.packet(A, 9, 1);
    assert_eq!(desk.at(10), "stale request 2+5");
    assert_eq!(desk.at(110), "request 2+5");
    assert_eq!(desk.packet(Reply, 2, 1), NEXT);
    assert_eq!(desk.at(120), "request 3+5");
    assert_eq!(desk.at(220), "request 3+5");
    assert_eq!(desk.at(320), "snapshot");
}

#[test]
fn the_other_line_closes_a_gap_that_was_asked_for() {
    let mut desk = Desk::live(config());
    desk.packet(A, 3, 1);
    desk.told();
    assert_eq!(desk.at(10), "stale request 2+1");
    assert_eq!(desk.packet(B, 2, 1), NEXT);
    assert_eq!(desk.told(), "apply 3+1 live");
    assert_eq!(desk.packet(Reply, 2, 1), Arrival::Duplicate);
    assert_eq!(
        desk.rx.next_deadline(),
        Some(Nanos::new(10_010)),
        "only silence is left to wait for"
    );
}

#[test]
fn a_request_nobody_polled_is_not_sent_once_the_gap_closed() {
    let mut desk = Desk::live(config());
    desk.packet(A, 3, 1);
    desk.told();
    desk.rx.on_deadline(Nanos::new(10));
    desk.packet(B, 2, 1);
    assert_eq!(desk.told(), "apply 3+1");
}

#[test]
fn a_request_polled_late_asks_for_what_is_still_missing() {
    let mut desk = Desk::live(config());
    desk.packet(A, 5, 1);
    desk.told();
    desk.rx.on_deadline(Nanos::new(10));
    desk.packet(B, 2, 1);
    assert_eq!(desk.told(), "stale request 3+2");
}

#[test]
fn a_second_gap_behind_the_first_waits_from_when_it_was_seen() {
    let mut desk = Desk::live(config());
    desk.packet(A, 3, 1); // 2 is missing since 0
    desk.told();
    desk.now = Nanos::new(5);
    desk.packet(A, 5, 1); // 4 is missing since 5
    desk.now = Nanos::new(8);
    desk.packet(B, 2, 1);
    assert_eq!(desk.told(), "apply 3+1");
    assert_eq!(desk.rx.next_deadline(), Some(Nanos::new(15)));
    assert_eq!(desk.rx.health().gaps, 2);
}

#[test]
fn a_heartbeat_shows_the_loss_of_the_last_message() {
    let mut desk = Desk::live(config());
    assert_eq!(desk.packet(A, 4, 0), Arrival::Heartbeat);
    assert_eq!(desk.at(10), "stale request 2+2");
}

#[test]
fn a_heartbeat_that_lied_costs_one_snapshot() {
    let mut desk = Desk::live(config());
    desk.packet(A, 900, 0); // as far as one packet is believed
    assert_eq!(desk.at(10), "stale snapshot");
    assert_eq!(desk.packet(A, 2, 1), Arrival::Held);
    desk.rx.join(desk.now, SeqNo::new(2)).unwrap();
    assert_eq!(desk.told(), "apply 2+1 live");
    assert_eq!(desk.packet(A, 3, 1), NEXT);
    assert_eq!((desk.told(), desk.at(1_000)), (String::new(), String::new()));
}

#[test]
fn a_large_gap_goes_straight_to_the_snapshot() {
    let mut desk = Desk::live(config());
    desk.packet(A, 23, 1); // 21 missing, 20 may be asked for
    desk.told();
    assert_eq!(desk.at(10), "stale snapshot");
}

#[test]
fn a_full_window_keeps_what_is_needed_first() {
    let mut desk = Desk::live(config());
    for sequence in [3, 4, 5, 7] {
        assert_eq!(desk.packet(A, sequence, 1), Arrival::Held);
    }
    assert_eq!(desk.packet(A, 8, 1), Arrival::Dropped);
    assert_eq!(desk.packet(A, 6, 1), Arrival::Held, "in the place of 7");
    assert_eq!(desk.packet(B, 2, 1), NEXT);
    assert_eq!(desk.told(), "apply 3+1 apply 4+1 apply 5+1 apply 6+1");
    assert_eq!(desk.at(10), "stale request 7+2");
    let health = desk.rx.health();
    assert_eq!((health.held, health.dropped, health.held_max, health.held_now), (5, 2, 4, 0));
}

#[test]
fn a_packet_longer_than_a_slot_is_asked_for_again() {
    let mut desk = Desk::live(ReceiverConfig { packet_bytes_max: 2, ..config() });
    assert_eq!(desk.packet(A, 3, 3), Arrival::Dropped);
    assert_eq!(desk.packet(B, 2, 1), NEXT);
    assert_eq!(desk.told(), "live".replace("live", ""));
    assert_eq!(desk.at(10), "stale request 3+3");
}

#[test]
fn without_a_snapshot_the_loss_is_told_and_the_books_stay_stale() {
    let recovery = Recovery { requests: true, snapshots: false };
    let mut desk = Desk::live(ReceiverConfig { recovery, ..config() });
    desk.packet(A, 30, 1); // large, but there is nothing better than asking
    desk.packet(A, 32, 1);
    desk.told();
    assert_eq!(desk.at(10), "stale request 2+5");
    assert_eq!(desk.at(110), "request 2+5");
    assert_eq!(desk.at(210), "lost 2+28 apply 30+1");
    assert_eq!(desk.rx.next_deadline(), Some(Nanos::new(210)), "31 has waited long enough already");
    assert_eq!(desk.at(211), "request 31+1");
    desk.packet(Reply, 31, 1);
    assert_eq!(desk.told(), "apply 32+1");
    assert_eq!(desk.packet(A, 33, 1), NEXT);
    assert_eq!(desk.told(), "");
    assert!(desk.rx.is_stale());
    desk.rx.resynchronised();
    assert_eq!(desk.told(), "live");
    assert_eq!(desk.rx.health().given_up, 28);
}

#[test]
fn without_any_recovery_the_loss_is_told_after_the_wait() {
    let recovery = Recovery { requests: false, snapshots: false };
    let mut desk = Desk::live(ReceiverConfig { recovery, ..config() });
    desk.packet(A, 3, 1);
    desk.told();
    assert_eq!(desk.at(10), "lost 2+1 apply 3+1 stale");
}

#[test]
fn no_message_overtakes_a_loss_that_was_not_yet_told() {
    let recovery = Recovery { requests: false, snapshots: false };
    let mut desk = Desk::live(ReceiverConfig { recovery, ..config() });
    desk.packet(A, 4, 0);
    desk.told();
    desk.rx.on_deadline(Nanos::new(10));
    assert_eq!(desk.packet(A, 4, 1), Arrival::Held);
    assert_eq!(desk.told(), "lost 2+2 apply 4+1 stale");
}

#[test]
fn where_a_stream_is_taken_up() {
    let start = |start| ReceiverConfig { start, ..config() };
    let mut desk = Desk::new(start(Start::FirstSeen));
    assert!(desk.rx.is_stale() && desk.rx.next().is_none());
    assert_eq!(desk.packet(A, 9, 1), NEXT);
    assert_eq!(desk.told(), "live");
    assert_eq!(desk.packet(B, 8, 1), Arrival::Duplicate, "before the start");

    let mut desk = Desk::new(start(Start::FirstSeen));
    assert_eq!(desk.packet(A, 9, 0), Arrival::Heartbeat);
    assert_eq!(desk.told(), "live");
    assert_eq!(desk.packet(B, 9, 1), NEXT);

    let mut desk = Desk::new(start(Start::Beginning));
    assert_eq!(desk.packet(A, 9, 1), Arrival::Held);
    assert_eq!(desk.at(10), "request 1+5");

    let mut desk = Desk::new(start(Start::Snapshot));
    assert_eq!(desk.told(), "snapshot");
    assert_eq!(desk.packet(A, 9, 1), Arrival::Held);
    assert_eq!(desk.packet(A, 10, 1), Arrival::Held);
    assert_eq!(desk.packet(A, 12, 1), Arrival::Held);
    assert_eq!(desk.rx.join(desk.now, SeqNo::new(10)), Ok(()));
    assert_eq!(desk.told(), "apply 10+1", "11 is a gap like any other");
    assert_eq!(desk.packet(B, 11, 1), NEXT);
    assert_eq!(desk.told(), "apply 12+1 live");
}

#[test]
fn a_join_before_the_first_packet() {
    let mut desk = Desk::new(ReceiverConfig { start: Start::Snapshot, ..config() });
    assert_eq!(desk.rx.join(desk.now, SeqNo::new(10)), Ok(()));
    assert_eq!(desk.told(), "live");
    assert_eq!(desk.packet(A, 9, 1), Arrival::Duplicate);
    assert_eq!(desk.packet(A, 10, 1), NEXT);
}

#[test]
fn a_join_that_cannot_be_is_refused_and_still_awaited() {
    let mut desk = Desk::live(config());
    desk.packet(A, 2_000 - 1_100, 1);
    desk.told();
    assert_eq!(desk.at(10), "stale snapshot");
    let cases = [
        (0, Err(JoinRefused::OutOfRange)),
        (u64::MAX, Err(JoinRefused::OutOfRange)),
        (901 + 1_001, Err(JoinRefused::TooFar)),
    ];
    for (join, want) in cases {
        assert_eq!(desk.rx.join(desk.now, SeqNo::new(join)), want, "{join}");
        assert_eq!(desk.told(), "");
        assert_eq!(desk.rx.state(), FeedState::Snapshot);
    }
    assert_eq!(desk.rx.join(desk.now, SeqNo::new(905)), Ok(()), "ahead of our lines");
    assert_eq!(desk.told(), "live");
    assert_eq!(desk.packet(A, 904, 1), Arrival::Duplicate);
    assert_eq!(desk.packet(A, 905, 1), NEXT);
}

#[test]
fn a_join_behind_what_was_given_out_gives_it_out_again() {
    let mut desk = Desk::new(config());
    for sequence in 1..=8 {
        desk.packet(A, sequence, 1);
    }
    assert_eq!(desk.told(), "live");
    desk.rx.books_broken();
    assert_eq!(desk.told(), "stale snapshot");
    assert_eq!(desk.packet(A, 9, 1), Arrival::Held);
    assert_eq!(desk.rx.join(desk.now, SeqNo::new(7)), Ok(()));
    assert_eq!(desk.told(), "");
    assert_eq!(desk.at(10), "request 7+2");
    assert_eq!(desk.packet(Reply, 7, 2), NEXT);
    assert_eq!(desk.told(), "apply 9+1 live");
}

#[test]
fn a_failed_snapshot_is_a_loss() {
    let mut desk = Desk::live(config());
    desk.packet(A, 30, 1);
    desk.told();
    assert_eq!(desk.at(10), "stale snapshot");
    desk.rx.snapshot_failed(desk.now);
    assert_eq!(desk.told(), "lost 2+28 apply 30+1");
    assert!(desk.rx.is_stale());
    desk.rx.snapshot_failed(desk.now);
    assert_eq!(desk.told(), "");
    assert_eq!(desk.packet(A, 31, 1), NEXT);
}

#[test]
fn while_a_snapshot_is_taken_what_it_stands_for_makes_room() {
    let mut desk = Desk::live(config());
    for sequence in [30, 31, 32, 33] {
        desk.packet(A, sequence, 1);
    }
    desk.told();
    assert_eq!(desk.at(10), "stale snapshot");
    for sequence in [34, 35, 36, 37] {
        assert_eq!(desk.packet(A, sequence, 1), Arrival::Held, "{sequence}");
    }
    assert_eq!(desk.packet(A, 38, 1), Arrival::Dropped);
    desk.rx.snapshot_begins(); // a later attempt
    assert_eq!(desk.packet(A, 39, 1), Arrival::Held);
    assert_eq!(desk.rx.join(desk.now, SeqNo::new(36)), Ok(()));
    assert_eq!(desk.told(), "apply 36+1 apply 37+1");
    assert_eq!(desk.at(20), "request 38+1");
}

#[test]
fn silence_makes_the_books_stale_until_something_is_heard() {
    let mut desk = Desk::live(config());
    desk.packet(A, 2, 2);
    desk.now = Nanos::new(5_000);
    desk.packet(B, 4, 0);
    assert_eq!(desk.at(10_000), "");
    assert_eq!(desk.rx.next_deadline(), Some(Nanos::new(15_000)));
    assert_eq!(desk.at(15_000), "stale silent");
    assert_eq!(desk.rx.state(), FeedState::Silent);
    assert_eq!(desk.rx.next_deadline(), None);
    assert_eq!(desk.packet(A, 2, 1), Arrival::Duplicate);
    assert_eq!(desk.told(), "", "old news is no sign of life");
    assert_eq!(desk.packet(A, 4, 1), NEXT);
    assert_eq!(desk.told(), "live");
    assert_eq!(desk.rx.health().silences, 1);
}

#[test]
fn a_silence_that_ended_before_it_was_told_is_not_told() {
    let mut desk = Desk::live(config());
    desk.rx.on_deadline(Nanos::new(10_000));
    assert_eq!(desk.packet(A, 2, 1), NEXT);
    assert_eq!(desk.told(), "");
}

#[test]
fn another_session_is_taken_only_when_the_first_is_forsaken() {
    let mut desk = Desk::new(config());
    desk.packet(A, 1, 3);
    assert_eq!(desk.told(), "live");
    desk.packet(A, 5, 1);
    assert_eq!(desk.told(), "");
    desk.now = Nanos::new(9_999);
    assert_eq!(desk.send(A, S2, 1, 1, false), Arrival::WrongSession);
    desk.now = Nanos::new(10_000);
    assert_eq!(desk.send(Reply, S2, 1, 1, false), Arrival::WrongSession);
    assert_eq!(desk.send(A, S2, 1, 2, false), Arrival::Held, "after the books are cleared");
    assert_eq!(desk.told(), "new SESSION002 apply 1+2");
    assert_eq!(desk.rx.session(), Some(S2));
    assert_eq!(desk.packet(A, 4, 1), Arrival::WrongSession);
    assert_eq!(desk.send(B, S2, 3, 2, false), NEXT);
    let health = desk.rx.health();
    assert_eq!((health.new_sessions, health.next), (1, SeqNo::new(5)));
    assert_eq!(health.lines[0].lost, 1, "positions begin anew");
}

#[test]
fn a_publisher_that_starts_again_under_its_name_is_a_new_session() {
    let mut desk = Desk::new(config());
    desk.packet(A, 1, 20);
    desk.told();
    desk.now = Nanos::new(9_000);
    assert_eq!(desk.packet(A, 1, 1), Arrival::Duplicate);
    assert_eq!(desk.packet(A, 2, 1), Arrival::Duplicate);
    assert_eq!(desk.at(10_000), "stale silent");
    assert_eq!(desk.packet(A, 3, 1), Arrival::Duplicate, "one may be a straggler");
    assert_eq!(desk.packet(A, 4, 1), Arrival::Held);
    assert_eq!(desk.told(), "new SESSION001");
    assert_eq!(desk.at(10_010), "request 1+3");
}

#[test]
fn the_session_ends_when_all_of_it_is_here() {
    let mut desk = Desk::live(config());
    desk.packet(A, 3, 1);
    desk.told();
    assert_eq!(desk.send(A, S1, 5, 0, true), Arrival::EndOfSession);
    assert_eq!(desk.told(), "");
    assert_eq!(desk.at(10), "stale request 2+1");
    assert_eq!(desk.packet(Reply, 2, 1), NEXT);
    assert_eq!(desk.told(), "apply 3+1");
    assert_eq!(desk.at(20), "request 4+1", "the last chance");
    assert_eq!(desk.packet(Reply, 4, 1), NEXT);
    assert_eq!(desk.told(), "live ended 5");
    assert_eq!(desk.send(B, S1, 5, 0, true), Arrival::EndOfSession);
    assert_eq!(desk.told(), "", "told once");
    assert_eq!(desk.rx.next_deadline(), None, "silence is expected now");
    assert_eq!(desk.send(A, S2, 1, 1, false), Arrival::Held, "and another session is welcome");
    assert_eq!(desk.told(), "new SESSION002 apply 1+1");
}

#[test]
fn a_session_whose_tail_is_given_up_ends_too() {
    let recovery = Recovery { requests: false, snapshots: false };
    let mut desk = Desk::live(ReceiverConfig { recovery, ..config() });
    desk.send(A, S1, 5, 0, true);
    assert_eq!(desk.at(10), "lost 2+3 stale ended 5");
}

#[test]
fn an_end_that_is_none_is_taken_back() {
    let mut desk = Desk::live(config());
    desk.send(A, S1, 2, 0, true);
    assert_eq!(desk.told(), "ended 2");
    assert_eq!(desk.packet(B, 2, 1), NEXT);
    assert_eq!(desk.told(), "");
    assert_eq!(desk.rx.state(), FeedState::Live);
    assert_eq!(desk.packet(B, 3, 1), NEXT);
    desk.send(A, S1, 4, 0, true);
    assert_eq!(desk.packet(B, 5, 0), Arrival::Heartbeat);
    assert_eq!(desk.told(), "");
    assert_eq!(desk.rx.state(), FeedState::Reordering);
    desk.packet(B, 4, 1);
    desk.send(A, S1, 5, 0, true);
    desk.send(B, S1, 6, 0, true); // a later one counts
    assert_eq!(desk.at(10), "stale request 5+1");
    desk.packet(Reply, 5, 1);
    assert_eq!(desk.told(), "live ended 6");
}

#[test]
fn a_join_past_the_end_takes_the_end_back() {
    let mut desk = Desk::live(config());
    desk.send(A, S1, 2, 0, true);
    assert_eq!(desk.rx.join(desk.now, SeqNo::new(4)), Ok(()));
    assert_eq!(desk.told(), "");
    assert_eq!(desk.packet(A, 4, 1), NEXT);
    desk.send(A, S1, 5, 0, true);
    assert_eq!(desk.told(), "ended 5");
    assert_eq!(desk.rx.join(desk.now, SeqNo::new(4)), Ok(()));
    assert_eq!(desk.at(10), "stale request 4+1");
    assert_eq!(desk.packet(Reply, 4, 1), NEXT);
    assert_eq!(desk.told(), "live ended 5");
}

#[test]
fn lag_is_measured_between_the_lines() {
    let mut desk = Desk::new(config());
    for sequence in 1..=3 {
        desk.now = Nanos::new(sequence * 100);
        desk.packet(A, sequence, 1);
        desk.now = Nanos::new(sequence * 100 + sequence);
        desk.packet(B, sequence, 1);
        desk.told();
    }
    let health = desk.rx.health();
    assert_eq!(desk.rx.recent_lags_ns().collect::<Vec<_>>(), vec![1, 2, 3]);
    assert_eq!((health.lines[0].first, health.lines[1].first), (3, 0));
    assert_eq!((health.lines[0].duplicates, health.lines[1].duplicates), (0, 3));
    assert_eq!(health.lines[1].lag_max, Nanos::new(3));
    assert_eq!(health.lines[0].lag_max, Nanos::ZERO);
}

#[test]
fn a_one_line_feed_has_no_line_b() {
    let mut desk = Desk::new(ReceiverConfig { lines: 1, ..config() });
    assert_eq!(desk.packet(A, 1, 1), NEXT);
    assert_eq!(desk.packet(B, 2, 1), Arrival::Malformed);
    desk.told();
    assert_eq!(desk.packet(B, 2, 1), Arrival::Malformed);
    assert_eq!(desk.packet(A, 2, 1), NEXT);
}
