//! Logins, what is told again after a break, and clients that misbehave.

extern crate std;

use std::vec::Vec;

use matching::{Control, DayRules, Schedule};
use risk::port::Whose;
use session::soup::{Client, Closed, Credentials, Reject};
use types::{FirmId, Nanos, PortId, SeqNo};

use crate::kit::{DROP_A, REFERENCE, Rig, enter, floor, plan, soup, ticks};
use crate::{Plan, StoreSize};

const ANN: usize = 0;
const BOB: usize = 1;
const CAT: usize = 2;
const PAR: u64 = 1_000_000;

/// Someone who is no peer of the rig: connects as `conn`, sends bytes, and gets what is answered.
fn stranger(rig: &mut Rig, conn: u16, bytes: &[u8]) -> (Vec<u8>, bool) {
    assert!(rig.ports.on_opened(rig.now, conn));
    rig.ports.on_bytes(rig.now, conn, bytes, &mut rig.tape);
    let answer = rig.ports.transmit(conn).to_vec();
    rig.ports.sent(rig.now, conn, answer.len());
    let is_over = rig.ports.is_over(conn);
    while rig.ports.poll_ready().is_some() {}
    rig.ports.on_closed(rig.now, conn, &mut rig.tape);
    (answer, is_over)
}

fn login(user: &str, password: &str, session: &str, next: u64) -> Vec<u8> {
    let mut client = Client::new(soup(), Credentials::new(user, password, session).unwrap());
    client.on_opened(Nanos::ZERO, SeqNo::new(next));
    client.poll_transmit().unwrap().to_vec()
}

#[test]
fn a_login_is_let_in_or_refused_with_the_letter_that_soupbintcp_has_for_it() {
    let mut rig = Rig::new(&plan());
    let yes: &[u8] = b"\x00\x1fADAY1                         1";
    let cases: &[(Vec<u8>, &[u8], bool)] = &[
        (login("ann", "secret", "", 1), yes, false),
        (login("ANN", "SECRET", "day1", 1), b"\x00\x02JS", true),
        (login("ANN", "SECRET", "DAY1", 0), yes, false),
        (login("ann", "other", "", 1), b"\x00\x02JA", true),
        (login("eve", "secret", "", 1), b"\x00\x02JA", true),
        (login("ann", "secret", "DAY2", 1), b"\x00\x02JS", true),
        // Later than there is: the next that comes.
        (login("ann", "secret", "", 99), yes, false),
        // No login.
        (b"\x00\x01R".to_vec(), b"", true),
        (b"\x00\x05Uabcd".to_vec(), b"", true),
        (b"\x00\x00".to_vec(), b"", true),
    ];
    for (bytes, want, over) in cases {
        let (answer, is_over) = stranger(&mut rig, 7, bytes);
        assert_eq!((answer.as_slice(), is_over), (*want, *over), "{bytes:?}");
    }
    let counters = rig.ports.counters();
    assert_eq!((counters.logins, counters.bad_credentials, counters.unknown_session), (3, 2, 2));
    assert_eq!(counters.closed[usize::from(Closed::Rejected as u8)], 4);
    assert_eq!(counters.closed[usize::from(Closed::Unexpected as u8)], 2);
    assert_eq!(counters.closed[usize::from(Closed::BadLength as u8)], 1);
}

#[test]
fn a_port_is_logged_in_once() {
    let mut rig = Rig::up(&plan());
    let (answer, _) = stranger(&mut rig, 7, &login("ann", "secret", "", 1));
    assert_eq!(answer, b"\x00\x02JA");
    assert_eq!(rig.ports.counters().live_twice, 1);
    // The first does not notice, and after its end another may come.
    assert_eq!(rig.ask(ANN, &enter(1, b'B', 1, PAR).bytes(&[])).len(), 1);
    rig.disconnect(ANN);
    rig.connect(ANN, 1);
    assert!(rig.peers[ANN].client.is_up());
}

#[test]
fn whoever_comes_back_is_told_what_it_missed() {
    let mut rig = Rig::up(&plan());
    rig.ask(ANN, &enter(1, b'S', 500, PAR).bytes(&[]));
    rig.disconnect(ANN);
    for user_ref in 1..=40 {
        rig.send(BOB, &enter(user_ref, b'B', 5, PAR).bytes(&[]));
    }
    assert_eq!(rig.peers[ANN].told.len(), 1);
    // More than its buffer holds at once.
    rig.connect(ANN, 2);
    assert_eq!((rig.peers[ANN].first, rig.peers[ANN].told.len()), (Some(2), 41));
    rig.disconnect(ANN);
    // From the start: the rig compares each message with what it was before.
    rig.connect(ANN, 1);
    assert_eq!((rig.peers[ANN].first, rig.peers[ANN].told.len()), (Some(1), 41));
    rig.disconnect(DROP_A);
    rig.connect(DROP_A, 1);
    assert_eq!(rig.peers[DROP_A].told.len(), 41);
    // Only what is new.
    rig.disconnect(ANN);
    rig.connect(ANN, 0);
    assert_eq!(rig.peers[ANN].first, Some(42));
}

#[test]
fn the_end_of_the_session_comes_after_everything_else() {
    let mut rig = Rig::up(&plan());
    rig.ask(ANN, &enter(1, b'S', 500, PAR).bytes(&[]));
    rig.disconnect(BOB);
    // More than its buffer holds at once, and not yet read.
    rig.peers[DROP_A].is_deaf = true;
    for user_ref in 2..=40 {
        rig.ask(ANN, &enter(user_ref, b'S', 5, PAR).bytes(&[]));
    }
    rig.ports.end(rig.now);
    rig.pump();
    assert_eq!(rig.peers[ANN].closed, Some(Closed::SessionEnded));
    assert_eq!(rig.peers[DROP_A].closed, None);
    rig.peers[DROP_A].is_deaf = false;
    rig.ports.end(rig.now);
    rig.pump();
    assert_eq!(rig.peers[DROP_A].closed, Some(Closed::SessionEnded));
    assert_eq!(rig.peers[DROP_A].told.len(), rig.peers[ANN].told.len());
    // Who comes later hears what it missed, and the end.
    rig.disconnect(ANN);
    rig.peers[ANN].told.clear();
    rig.connect(ANN, 1);
    assert_eq!(rig.peers[ANN].told.len(), rig.peers[DROP_A].told.len());
    assert_eq!(rig.peers[ANN].closed, Some(Closed::SessionEnded));
    let ended = rig.ports.counters().closed_by(Closed::SessionEnded);
    assert_eq!(ended, 5, "Ann twice, Cat and both drop copies");
}

/// Ann's store holds ten messages.
fn forgetful() -> Plan {
    let mut plan = plan();
    plan.ports[ANN].store = StoreSize { messages_max: 10, bytes_max: 1 << 16 };
    plan
}

#[test]
fn what_is_no_longer_kept_is_refused() {
    let mut rig = Rig::up(&forgetful());
    rig.ask(ANN, &enter(1, b'S', 500, PAR).bytes(&[]));
    rig.disconnect(ANN);
    for user_ref in 1..=15 {
        rig.send(BOB, &enter(user_ref, b'B', 5, PAR).bytes(&[]));
    }
    rig.connect(ANN, 6);
    assert_eq!(rig.peers[ANN].rejected, Some(Reject::NoSession));
    assert_eq!(rig.ports.counters().forgotten, 1);
    rig.peers[ANN].told.clear();
    let (answer, _) = stranger(&mut rig, 7, &login("ann", "secret", "", 7));
    assert_eq!(answer[..2], *b"\x00\x1f", "the oldest that is kept");
}

#[test]
fn requests_that_come_at_once_are_answered_from_a_small_store_as_well() {
    // What is read at once is no more than two packets of 512 bytes: twenty orders.
    let mut plan = plan();
    plan.ports[ANN].store = StoreSize { messages_max: 20, bytes_max: 1 << 16 };
    let mut rig = Rig::up(&plan);
    for user_ref in 1..=36 {
        let order = enter(user_ref, b'B', 0, PAR).bytes(&[]);
        rig.peers[ANN].client.send(rig.now, &order).unwrap();
    }
    rig.pump();
    assert_eq!((rig.peers[ANN].told.len(), rig.ports.counters().lapped), (36, 0));
}

#[test]
fn a_step_of_a_mass_cancel_that_tells_more_than_is_kept_cuts_the_connection_off() {
    let mut plan = forgetful();
    plan.sweep_max = 20;
    let mut rig = Rig::up(&plan);
    for user_ref in 1..=15 {
        assert_eq!(rig.ask(ANN, &enter(user_ref, b'B', 1, PAR).bytes(&[])).len(), 1);
    }
    rig.ports.kill(rig.now, Whose::Port(PortId::new(0)), &mut rig.tape).unwrap();
    rig.pump();
    assert_eq!((rig.ports.live(), rig.ports.counters().lapped), (0, 1));
    assert_eq!((rig.peers[ANN].is_open, rig.peers[ANN].closed), (false, Some(Closed::Remote)));
    assert_eq!(rig.peers[ANN].told.len(), 15, "and nothing of the kill");
    // What it missed is gone in part; what is kept can be had.
    rig.connect(ANN, 16);
    assert_eq!(rig.peers[ANN].rejected, Some(Reject::NoSession));
    let (answer, _) = stranger(&mut rig, 7, &login("ann", "secret", "", 21));
    assert_eq!(answer[..2], *b"\x00\x1f");
}

#[test]
fn a_client_that_does_not_read_is_cut_off_and_nobody_else_notices() {
    // The transmit buffer holds some fifty messages; the store ten, or all.
    for (plan, lapped, stalled) in [(forgetful(), 1, 0), (plan(), 0, 1)] {
        let mut rig = Rig::up(&plan);
        rig.ask(ANN, &enter(1, b'S', 900_000, PAR).bytes(&[]));
        rig.peers[ANN].is_deaf = true;
        for user_ref in 1..=100 {
            assert_eq!(rig.ask(BOB, &enter(user_ref, b'B', 5, PAR).bytes(&[])).len(), 2);
        }
        assert_eq!(rig.ports.counters().lapped, lapped);
        rig.pass(Nanos::from_secs(16));
        assert_eq!(rig.ports.counters().stalled, stalled);
        assert!(!rig.peers[ANN].is_open && rig.peers[BOB].is_open);
        assert_eq!(rig.ports.live(), 1, "its orders stand");
        // It comes back and is told all that is kept.
        rig.peers[ANN].is_deaf = false;
        if stalled == 1 {
            rig.connect(ANN, 2);
            assert_eq!(rig.peers[ANN].told.len(), 101);
        }
    }
}

#[test]
fn orders_of_a_port_that_asked_for_it_end_with_its_connection() {
    let mut plan = plan();
    plan.ports[ANN].cancel_on_disconnect = true;
    let mut rig = Rig::up(&plan);
    let enter_nine = |rig: &mut Rig, who: usize, from: u32| {
        for user_ref in from..from + 9 {
            rig.send(who, &enter(user_ref, b'B', 1, PAR).bytes(&[]));
        }
    };
    enter_nine(&mut rig, ANN, 1);
    enter_nine(&mut rig, BOB, 1);
    rig.disconnect(ANN);
    rig.disconnect(BOB);
    assert_eq!((rig.ports.live(), rig.ports.open_orders(1).count()), (9, 9));
    rig.connect(ANN, 10);
    assert_eq!(
        rig.news(ANN)[9..],
        [
            "C 1 1 Z", "C 2 1 Z", "C 3 1 Z", "C 4 1 Z", "C 5 1 Z", "C 6 1 Z", "C 7 1 Z", "C 8 1 Z",
            "C 9 1 Z"
        ]
    );
    // And with a connection that is silent for too long, or logs out.
    enter_nine(&mut rig, ANN, 20);
    rig.peers[ANN].client.logout(rig.now);
    rig.pump();
    assert_eq!(rig.ports.live(), 9);
    let next = rig.peers[ANN].told.len() as u64 + 1;
    rig.connect(ANN, next);
    enter_nine(&mut rig, ANN, 40);
    rig.now = rig.now.saturating_add(Nanos::from_secs(15));
    rig.ports.on_deadline(rig.now, &mut rig.tape);
    rig.pump();
    assert!(!rig.peers[ANN].is_open);
    assert_eq!(rig.ports.counters().closed[usize::from(Closed::Dead as u8)], 4, "all are silent");
    assert_eq!(rig.ports.live(), 9);
}

#[test]
fn bytes_that_are_no_request_end_the_connection_and_no_other() {
    let bad: [&[u8]; 6] = [
        b"",
        b"Z",
        b"O",
        b"Q\x00\x05",
        b"X\x00\x00\x00\x01\x00\x00\x00",
        b"C\x00\x00\x00\x01AAAA        \x00\x09",
    ];
    for bytes in bad {
        let mut rig = Rig::up(&plan());
        rig.ask(ANN, &enter(1, b'S', 500, PAR).bytes(&[]));
        rig.send(ANN, bytes);
        assert!(!rig.peers[ANN].is_open, "{bytes:?}");
        assert_eq!(rig.ports.counters().malformed, 1);
        assert_eq!(rig.ask(BOB, &enter(1, b'B', 500, PAR).bytes(&[])).len(), 2);
        rig.connect(ANN, 2);
        assert_eq!(rig.peers[ANN].told.len(), 2);
    }
    // A drop copy has nothing to say.
    let mut rig = Rig::up(&plan());
    rig.send(DROP_A, &enter(1, b'S', 500, PAR).bytes(&[]));
    assert!(!rig.peers[DROP_A].is_open);
    assert_eq!((rig.ports.counters().malformed, rig.ports.live()), (1, 0));
}

/// Those that must be closed are.
fn close_those_that_are_over(rig: &mut Rig) -> Vec<u16> {
    let mut closed = Vec::new();
    while let Some(conn) = rig.ports.poll_ready() {
        if rig.ports.is_over(conn) {
            rig.ports.on_closed(rig.now, conn, &mut rig.tape);
            closed.push(conn);
        }
    }
    closed
}

#[test]
fn connections_that_never_log_in_are_bounded_and_end() {
    let mut rig = Rig::new(&plan());
    // Eight may be there, and a ninth as long as one of them has not been closed.
    for conn in 0..10_000 {
        assert_eq!(rig.ports.on_opened(rig.now, conn), conn < 9);
    }
    assert_eq!((rig.ports.counters().displaced, rig.ports.counters().unplaced), (1, 9_991));
    assert_eq!(close_those_that_are_over(&mut rig), [0]);
    assert_eq!(rig.ports.next_deadline(), Some(rig.now.saturating_add(Nanos::from_secs(30))));
    rig.now = rig.now.saturating_add(Nanos::from_secs(30));
    rig.pump();
    let closed = rig.ports.counters().closed;
    assert_eq!(closed[usize::from(Closed::LoginTimeout as u8)], 8);
    // Their places are free again.
    rig.connect(ANN, 1);
    assert!(rig.peers[ANN].client.is_up());
}

#[test]
fn the_oldest_that_has_not_logged_in_gives_way_and_nobody_who_has() {
    let mut rig = Rig::new(&plan());
    // Bob came first. The others stay silent, 3 before 2.
    rig.connect(BOB, 1);
    for conn in [3, 2, 4, 5, 6, 7, 8] {
        assert!(rig.ports.on_opened(rig.now, conn));
    }
    assert_eq!(close_those_that_are_over(&mut rig), []);
    // Full, and one who logs in is let in.
    rig.connect(ANN, 1);
    assert!(rig.peers[ANN].client.is_up());
    let counters = rig.ports.counters();
    assert_eq!((counters.displaced, counters.logins, counters.unplaced), (1, 2, 0));
    // The flood goes on, and displaces itself, each in its turn.
    let mut free = 3;
    for oldest in [2, 4, 5, 6, 7, 8, 3, 2, 4] {
        assert!(rig.ports.on_opened(rig.now, free), "{free}");
        assert_eq!(close_those_that_are_over(&mut rig), [oldest]);
        free = oldest;
    }
    assert!(rig.peers[ANN].is_open && rig.peers[BOB].is_open);
    assert_eq!(rig.ask(BOB, &enter(1, b'S', 5, PAR).bytes(&[])).len(), 1);
}

#[test]
fn where_all_have_logged_in_one_more_is_turned_away() {
    let mut plan = plan();
    plan.connections_max = 5;
    let mut rig = Rig::up(&plan);
    assert!(!rig.ports.on_opened(rig.now, 5));
    assert_eq!((rig.ports.counters().displaced, rig.ports.counters().unplaced), (0, 1));
    rig.disconnect(BOB);
    assert!(rig.ports.on_opened(rig.now, 5));
    // The one that has not logged in gives way to Bob.
    rig.connect(BOB, 1);
    assert!(rig.peers[BOB].client.is_up());
    assert_eq!((rig.ports.counters().displaced, rig.ports.counters().unplaced), (1, 1));
}

/// The end of the connection asks for the same cancel in a weaker way, which leaves orders in the cross that
/// is near.
#[test]
fn a_disconnect_does_not_weaken_a_kill() {
    let until = Some(Nanos::from_secs(10));
    let schedule = Schedule { limit_on_open_until: until, ..Schedule::BY_HAND };
    let day = DayRules { schedule, ..DayRules::by_hand(ticks(), REFERENCE) };
    let mut plan = plan();
    plan.ports[ANN].cancel_on_disconnect = true;
    let mut rig = Rig::closed(&plan, floor(day));
    rig.ports.drive(rig.now, &mut rig.tape, |floor, _| floor.start_day(Nanos::ZERO));
    rig.connect(ANN, 1);
    rig.control(Control::PreOpen);
    // More than one call of a sweep looks at.
    for user_ref in 1..=6 {
        let on_open = enter(user_ref, b'S', 100, PAR).with(|m| m.cross = b'O');
        assert_eq!(rig.ask(ANN, &on_open.bytes(&[])).len(), 1);
    }
    rig.pass(Nanos::from_secs(10));
    rig.ports.kill(rig.now, Whose::Port(PortId::new(0)), &mut rig.tape).unwrap();
    assert_eq!(rig.ports.live(), 2, "the kill goes on later");
    rig.disconnect(ANN);
    rig.pass(Nanos::from_secs(1));
    assert_eq!(rig.ports.live(), 0);
}

/// All its steps were once stored before the first was handed over.
#[test]
fn a_kill_of_three_ports_does_not_cut_off_the_drop_copy_that_hears_them_all() {
    let mut plan = plan();
    // A step of two of them is kept, whichever.
    plan.sweep_max = 8;
    plan.drops[0].store = StoreSize { messages_max: 16, bytes_max: 16 * 64 };
    (plan.ports[BOB].firm, plan.ports[BOB].firm_id) = (*b"AAAA", FirmId::new(0));
    for is_late in [false, true] {
        let mut rig = Rig::up(&plan);
        let orders = if is_late { 16 } else { 8 };
        for who in [ANN, BOB, CAT] {
            for user_ref in 1..=orders {
                rig.ask(who, &enter(user_ref, b'B', 100, PAR).bytes(&[]));
            }
        }
        rig.ports.kill(rig.now, Whose::Firm(FirmId::new(0)), &mut rig.tape).unwrap();
        rig.pump();
        assert_eq!((rig.ports.live(), rig.ports.counters().lapped), (0, 0));
        assert!(rig.peers[DROP_A].is_open);
        assert_eq!(rig.peers[DROP_A].told.len(), 3 * 2 * orders as usize, "all of it, in order");
    }
}
