//! Each report's message, and the day's own.

extern crate std;

use std::format;
use std::string::String;
use std::vec::Vec;

use matching::{Cross, Ended, Indication, OrderKey, Phase, Report, Tick};
use session::mold;
use types::{InstrumentId, MatchNo, Nanos, SeqNo, Side};
use wire::itch50::{EventCode, Message};

use crate::twin::{MIDNIGHT, config, listings, tape};
use crate::{Listing, Out, Tape};

const ONE: InstrumentId = InstrumentId::new(0);
const DARK: InstrumentId = InstrumentId::new(2);
const NOW: Nanos = MIDNIGHT.saturating_add(Nanos::from_secs(34_200));

/// What was said, a line each, and the lengths of datagrams.
#[derive(Default)]
struct Heard {
    lines: Vec<String>,
    datagrams: Vec<(u64, u16, bool)>,
}

impl Out for Heard {
    fn message(&mut self, sequence: SeqNo, message: &[u8]) {
        let message = Message::parse(message).unwrap();
        assert_eq!(message.header().timestamp(), NOW.get() - MIDNIGHT.get());
        self.lines.push(line(sequence, &message));
    }

    fn datagram(&mut self, datagram: &[u8]) {
        let packet = mold::packet(datagram).unwrap();
        self.datagrams.push((packet.sequence.get(), packet.count, packet.end));
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn line(sequence: SeqNo, message: &Message<'_>) -> String {
    use Message as M;
    let locate = message.header().locate();
    let kind = char::from(message.header().kind());
    let rest = match message {
        M::AddOrder(m) => {
            format!("#{} {:?} {} at {}", m.order_ref(), m.side().unwrap(), m.shares(), m.price())
        }
        M::OrderExecuted(m) => {
            format!("#{} {} match {}", m.order_ref(), m.shares(), m.match_number())
        }
        M::OrderExecutedWithPrice(m) => {
            let (printable, price) = (m.printable().unwrap(), m.price());
            let executed = format!("#{} {} match {}", m.order_ref(), m.shares(), m.match_number());
            format!("{executed} at {price} {printable:?}")
        }
        M::OrderCancel(m) => format!("#{} {}", m.order_ref(), m.shares()),
        M::OrderDelete(m) => format!("#{}", m.order_ref()),
        M::OrderReplace(m) => {
            format!("#{} #{} {} at {}", m.old_ref(), m.new_ref(), m.shares(), m.price())
        }
        M::Trade(m) => {
            let (shares, price, match_no) = (m.shares(), m.price(), m.match_number());
            format!("{} {shares} at {price} match {match_no}", text(&m.stock()))
        }
        M::CrossTrade(m) => {
            let (shares, price, match_no) = (m.shares(), m.price(), m.match_number());
            format!("{:?} {shares} at {price} match {match_no}", m.cross().unwrap())
        }
        M::BrokenTrade(m) => format!("match {}", m.match_number()),
        M::Imbalance(m) => {
            let prices = format!("{} {} {}", m.far(), m.near(), m.reference());
            let (direction, cross) = (m.direction().unwrap(), m.cross().unwrap());
            let variation = m.variation().unwrap();
            let shares = format!("{} {}", m.paired(), m.imbalance());
            format!("{cross:?} {shares} {direction:?} {prices} {variation:?}")
        }
        M::TradingAction(m) => format!("{:?} {}", m.state().unwrap(), text(&m.reason())),
        M::AuctionCollar(m) => {
            let extension = m.extension();
            format!("{} {} {} extension {extension}", m.reference(), m.lower(), m.upper())
        }
        M::SystemEvent(m) => format!("{:?}", m.event().unwrap()),
        M::StockDirectory(m) => format!("{} {}", text(&m.stock()), m.round_lot()),
        M::RegSho(m) => format!("{:?}", m.action().unwrap()),
        M::AddOrderMpid(_)
        | M::ParticipantPosition(_)
        | M::MwcbDeclineLevel(_)
        | M::MwcbStatus(_)
        | M::IpoQuotingPeriod(_)
        | M::OperationalHalt(_)
        | M::RetailPrice(_)
        | M::DirectListing(_) => panic!("the tape has no such message: {message:?}"),
    };
    format!("{sequence} {kind} {locate} {rest}")
}

fn key(raw: u64) -> OrderKey {
    OrderKey::new(raw)
}

fn accepted(order: u64) -> Report {
    Report::Accepted { order: key(order), side: Side::Buy, tick: None, qty: 100 }
}

fn rested(order: u64, cents: i64, qty: u32, shown: u32) -> Report {
    Report::Rested { order: key(order), side: Side::Buy, tick: tick(cents), qty, shown }
}

/// The tick of so many cents, at least a hundred.
fn tick(cents: i64) -> Tick {
    Tick::new(10_000 + cents - 100)
}

fn filled(maker: u64, cents: i64, half: bool, hidden: bool, qty: u32) -> Report {
    Report::Filled {
        maker: key(maker),
        taker: key(9),
        side: Side::Sell,
        tick: tick(cents),
        half,
        hidden,
        qty,
        maker_leaves: 0,
        taker_leaves: 0,
    }
}

fn cancelled(order: u64) -> Report {
    let (order, side) = (key(order), Side::Buy);
    Report::Cancelled { order, side, tick: None, qty: 1, why: Ended::Asked }
}

fn replaced(old: u64, new: u64, cents: i64, qty: u32, kept: bool) -> Report {
    let (old, new, side, tick) = (key(old), key(new), Side::Buy, tick(cents));
    Report::Replaced { old, new, side, tick, qty, kept }
}

fn crossed(buy: u64, sell: u64, cents: i64, qty: u32) -> Report {
    Report::Crossed {
        buy: key(buy),
        sell: key(sell),
        tick: tick(cents),
        half: false,
        qty,
        buy_leaves: 0,
        sell_leaves: 0,
    }
}

/// Each execution gets the number of its report.
fn hear(tape: &mut Tape, instrument: InstrumentId, reports: &[Report]) -> Vec<String> {
    let mut heard = Heard::default();
    tape.on_enter(instrument);
    for (report, match_no) in reports.iter().zip(1..) {
        tape.on_report(NOW, report, MatchNo::new(match_no), &mut heard);
    }
    tape.flush(NOW, &mut heard);
    heard.lines
}

#[test]
fn each_report_has_its_message() {
    let again = 1 << 32 | 1; // the next order in slot 1
    let decremented = |qty, leaves| Report::Decremented { order: key(1), qty, leaves };
    let cases: [(&str, &[Report], &[&str]); 20] = [
        (
            "filled where it is shown",
            &[accepted(1), rested(1, 1_000, 100, 100), filled(1, 1_000, false, false, 30)],
            &["1 A 7 #1 Buy 100 at 100000", "2 E 7 #1 30 match 3"],
        ),
        (
            "filled elsewhere",
            &[accepted(1), rested(1, 1_000, 100, 100), filled(1, 1_001, false, false, 100)],
            &["1 A 7 #1 Buy 100 at 100000", "2 C 7 #1 100 match 3 at 100100 Yes"],
        ),
        (
            "filled half a tick above",
            &[accepted(1), rested(1, 1_000, 100, 100), filled(1, 1_000, true, false, 100)],
            &["1 A 7 #1 Buy 100 at 100000", "2 C 7 #1 100 match 3 at 100050 Yes"],
        ),
        (
            "a hidden maker",
            &[accepted(1), rested(1, 1_000, 100, 0), filled(1, 1_000, true, true, 30)],
            &["1 P 7 ONE      30 at 100050 match 3"],
        ),
        ("a hidden order ends", &[accepted(1), rested(1, 1_000, 100, 0), cancelled(1)], &[]),
        (
            "the hidden part of a shown maker",
            &[accepted(1), rested(1, 1_000, 100, 10), filled(1, 1_000, false, true, 30)],
            &["1 A 7 #1 Buy 10 at 100000", "2 P 7 ONE      30 at 100000 match 3"],
        ),
        (
            "more than was shown",
            &[accepted(1), rested(1, 1_000, 100, 10), filled(1, 1_000, false, false, 30)],
            &[
                "1 A 7 #1 Buy 10 at 100000",
                "2 E 7 #1 10 match 3",
                "3 P 7 ONE      20 at 100000 match 3",
            ],
        ),
        (
            "a reserve is refilled",
            &[
                accepted(1),
                rested(1, 1_000, 100, 10),
                filled(1, 1_000, false, false, 10),
                rested(1, 1_000, 90, 12),
                cancelled(1),
            ],
            &[
                "1 A 7 #1 Buy 10 at 100000",
                "2 E 7 #1 10 match 3",
                "3 A 7 #2 Buy 12 at 100000",
                "4 D 7 #2",
            ],
        ),
        (
            "a slot is taken again",
            &[
                accepted(1),
                rested(1, 1_000, 100, 100),
                cancelled(1),
                accepted(again),
                rested(again, 1_001, 5, 5),
            ],
            &["1 A 7 #1 Buy 100 at 100000", "2 D 7 #1", "3 A 7 #2 Buy 5 at 100100"],
        ),
        (
            "it shrinks by self-match prevention",
            &[
                accepted(1),
                rested(1, 1_000, 100, 100),
                decremented(30, 70),
                decremented(69, 1),
                cancelled(1),
            ],
            &["1 A 7 #1 Buy 100 at 100000", "2 X 7 #1 30", "3 X 7 #1 69", "4 D 7 #1"],
        ),
        (
            "a reserve shrinks as its owner asks",
            &[
                accepted(1),
                rested(1, 1_000, 100, 10),
                Report::Reduced { order: key(1), qty: 90, leaves: 10 },
                Report::Reduced { order: key(1), qty: 2, leaves: 8 },
            ],
            &["1 A 7 #1 Buy 10 at 100000", "2 X 7 #1 2"],
        ),
        (
            "replaced, and rests at once",
            &[
                accepted(1),
                rested(1, 1_000, 100, 100),
                replaced(1, 2, 1_005, 80, false),
                rested(2, 1_005, 80, 80),
            ],
            &["1 A 7 #1 Buy 100 at 100000", "2 U 7 #1 #2 80 at 100500"],
        ),
        (
            "replaced, and trades before it rests",
            &[
                accepted(3),
                accepted(1),
                rested(1, 1_000, 100, 100),
                replaced(1, again, 1_005, 80, false),
                filled(3, 1_005, false, true, 10),
                rested(again, 1_005, 70, 70),
            ],
            &[
                "1 A 7 #2 Buy 100 at 100000",
                "2 D 7 #2",
                "3 P 7 ONE      10 at 100500 match 5",
                "4 A 7 #3 Buy 70 at 100500",
            ],
        ),
        (
            "replaced by what is hidden",
            &[
                accepted(1),
                rested(1, 1_000, 100, 100),
                replaced(1, 1, 1_005, 80, false),
                rested(1, 1_005, 80, 0),
            ],
            &["1 A 7 #1 Buy 100 at 100000", "2 D 7 #1"],
        ),
        (
            "replaced, and ends",
            &[
                accepted(1),
                rested(1, 1_000, 100, 100),
                replaced(1, 2, 1_005, 80, false),
                cancelled(2),
            ],
            &["1 A 7 #1 Buy 100 at 100000", "2 D 7 #1"],
        ),
        (
            "replaced by what waits for a trade",
            &[accepted(1), rested(1, 1_000, 100, 100), replaced(1, 2, 1_005, 80, false)],
            &["1 A 7 #1 Buy 100 at 100000", "2 D 7 #1"],
        ),
        (
            "replaced, and keeps its place",
            &[
                accepted(1),
                rested(1, 1_000, 100, 100),
                replaced(1, 2, 1_000, 80, true),
                replaced(2, 2, 1_000, 80, true),
                cancelled(2),
            ],
            &["1 A 7 #1 Buy 100 at 100000", "2 X 7 #1 20", "3 D 7 #1"],
        ),
        (
            "a reserve keeps its place",
            &[accepted(1), rested(1, 1_000, 100, 10), replaced(1, 2, 1_000, 80, true)],
            &["1 A 7 #1 Buy 10 at 100000"],
        ),
        (
            "it moves by itself",
            &[accepted(1), rested(1, 1_000, 100, 100), rested(1, 999, 100, 100)],
            &["1 A 7 #1 Buy 100 at 100000", "2 U 7 #1 #2 100 at 99900"],
        ),
        (
            "a cross",
            &[
                accepted(1),
                rested(1, 1_000, 100, 100),
                accepted(2),
                rested(2, 1_000, 100, 0),
                crossed(1, 2, 999, 40),
                Report::Uncrossed {
                    instrument: ONE,
                    cross: Cross::Opening,
                    tick: Some(tick(999)),
                    half: false,
                    qty: 40,
                },
            ],
            &[
                "1 A 7 #1 Buy 100 at 100000",
                "2 C 7 #1 40 match 5 at 99900 No",
                "3 Q 7 Opening 40 at 99900 match 6",
            ],
        ),
    ];
    for (name, reports, want) in cases {
        let mut tape = tape(10, 1_472);
        assert_eq!(hear(&mut tape, ONE, reports), want, "{name}");
        assert_eq!((tape.counters().strangers, tape.counters().unsaid), (0, 0), "{name}");
    }
}

#[test]
fn of_a_dark_book_only_the_prints_are_told() {
    let mut tape = tape(10, 1_472);
    let (instrument, cross, tick) = (DARK, Cross::Dark, Some(tick(1_000)));
    let lines = hear(
        &mut tape,
        DARK,
        &[
            accepted(1),
            rested(1, 1_000, 100, 100),
            filled(1, 1_000, true, false, 30),
            replaced(1, 2, 1_000, 60, false),
            rested(2, 1_000, 60, 60),
            accepted(3),
            Report::Indicated(Indication {
                instrument,
                cross,
                paired: 1,
                imbalance: 1,
                side: None,
                far: None,
                near: None,
                reference: None,
            }),
            crossed(2, 3, 1_001, 60),
            Report::Uncrossed { instrument, cross, tick, half: false, qty: 60 },
            Report::Phase { instrument, phase: Phase::Halted },
        ],
    );
    let want = [
        "1 P 9 DARK     30 at 100050 match 3",
        "2 P 9 DARK     60 at 100100 match 8",
        "3 H 9 Halted O1  ",
    ];
    assert_eq!(lines, want);
}

#[test]
fn an_instruments_day_is_told() {
    let mut tape = tape(10, 1_472);
    let instrument = ONE;
    let phase = |phase| Report::Phase { instrument, phase };
    let collar =
        Report::Collar { instrument, reference: tick(1_000), lower: tick(900), upper: tick(1_100) };
    let indicated = |cross, side, near, reference: Option<i64>| {
        Report::Indicated(Indication {
            instrument,
            cross,
            paired: 500,
            imbalance: 20,
            side,
            far: None,
            near: Some(tick(near)),
            reference: reference.map(tick),
        })
    };
    let unpaired =
        Report::Uncrossed { instrument, cross: Cross::Closing, tick: None, half: false, qty: 0 };
    let lines = hear(
        &mut tape,
        ONE,
        &[
            phase(Phase::PreOpen),
            collar,
            indicated(Cross::Opening, Some(Side::Sell), 1_025, Some(1_000)),
            indicated(Cross::Closing, None, 1_000, Some(1_000)),
            indicated(Cross::Reopening, None, 1_000, None),
            phase(Phase::Continuous),
            Report::Bands { instrument, lower: tick(900), upper: tick(1_100) },
            Report::LimitState { instrument, side: Some(Side::Buy) },
            phase(Phase::Paused),
            collar,
            collar,
            phase(Phase::PreReopen),
            unpaired,
            phase(Phase::Closed),
        ],
    );
    let want = [
        "1 H 7 QuotationOnly     ",
        "2 J 7 100000 90000 110000 extension 0",
        "3 I 7 Opening 500 20 Sell 0 102500 100000 From2",
        "4 I 7 Closing 500 20 None 0 100000 100000 Below1",
        "5 I 7 HaltOrIpo 500 20 InsufficientOrders 0 100000 0 Unknown",
        "6 H 7 Trading     ",
        "7 H 7 Paused LUDP",
        "8 J 7 100000 90000 110000 extension 0",
        "9 J 7 100000 90000 110000 extension 1",
        "10 H 7 QuotationOnly T7  ",
        "11 Q 7 Closing 0 at 0 match 13",
        "12 H 7 Halted     ",
    ];
    assert_eq!(lines, want);
}

#[test]
fn the_day_is_told_by_calls() {
    let (mut tape, mut heard) = (tape(10, 1_472), Heard::default());
    tape.system(NOW, EventCode::StartOfMessages, &mut heard);
    tape.list(NOW, ONE, &mut heard);
    tape.bust(NOW, ONE, MatchNo::new(5), &mut heard);
    let nobody = InstrumentId::new(3);
    tape.list(NOW, nobody, &mut heard);
    tape.bust(NOW, nobody, MatchNo::new(5), &mut heard);
    let want = [
        "1 S 0 StartOfMessages",
        "2 R 7 ONE      100",
        "3 H 7 Halted     ",
        "4 Y 7 None",
        "5 B 7 match 5",
    ];
    assert_eq!(heard.lines, want);
    assert_eq!(tape.counters().strangers, 2);
}

#[test]
fn what_has_no_place_and_no_price_is_counted() {
    let mut tape = tape(2, 1_472);
    let nowhere = |tick| Report::Rested {
        order: key(1),
        side: Side::Buy,
        tick: Tick::new(tick),
        qty: 5,
        shown: 5,
    };
    // No slot, and a slot that nobody was accepted in.
    let strangers = [accepted(2), cancelled(2), rested(0, 1_000, 5, 5), crossed(0, 2, 1_000, 1)];
    assert!(hear(&mut tape, ONE, &strangers).is_empty());
    assert_eq!(tape.counters().strangers, 4);
    // A price of zero, and one that four bytes do not hold.
    assert!(hear(&mut tape, ONE, &[accepted(1), nowhere(0), nowhere(1 << 40)]).is_empty());
    assert_eq!(tape.counters().unsaid, 2);
    let Report::Filled {
        maker, taker, side, half, hidden, qty, maker_leaves, taker_leaves, ..
    } = filled(1, 0, false, false, 2)
    else {
        unreachable!("made above");
    };
    let free = Report::Filled {
        maker,
        taker,
        side,
        tick: Tick::new(0),
        half,
        hidden,
        qty,
        maker_leaves,
        taker_leaves,
    };
    let lines = hear(&mut tape, ONE, &[accepted(1), rested(1, 1_000, 5, 5), free]);
    assert_eq!(lines, ["1 A 7 #3 Buy 5 at 100000", "2 X 7 #3 2"], "the shares go, unpriced");
    assert_eq!((tape.counters().unsaid, tape.shown(key(1))), (3, 3));
    tape.end(NOW, &mut Heard::default());
    assert!(hear(&mut tape, ONE, &[cancelled(1)]).is_empty());
    assert_eq!(tape.counters().unsaid, 4);
}

#[test]
fn a_batch_is_one_datagram_and_silence_is_broken_every_second() {
    // Room for three adds.
    let (mut tape, mut heard) = (tape(10, 20 + 3 * (2 + 36)), Heard::default());
    let later = |millis| NOW.saturating_add(Nanos::from_millis(millis));
    tape.on_enter(ONE);
    for order in 0..4 {
        tape.on_report(NOW, &accepted(order), MatchNo::new(0), &mut heard);
        tape.on_report(NOW, &rested(order, 1_000, 5, 5), MatchNo::new(0), &mut heard);
    }
    assert_eq!(heard.datagrams, [(1, 3, false)], "a full one does not wait");
    tape.flush(NOW, &mut heard);
    tape.flush(NOW, &mut heard);
    assert_eq!(heard.datagrams, [(1, 3, false), (4, 1, false)]);
    heard.datagrams.clear();
    assert_eq!(tape.next_deadline(), later(1_000));
    tape.on_deadline(later(999), &mut heard);
    assert_eq!(heard.datagrams, []);
    tape.on_deadline(later(1_000), &mut heard);
    assert_eq!(heard.datagrams, [(5, 0, false)]);
    tape.system(NOW, EventCode::EndOfMessages, &mut heard);
    tape.end(later(1_001), &mut heard);
    tape.on_deadline(later(9_000), &mut heard);
    assert_eq!(heard.datagrams[1..], [(5, 1, false), (6, 0, true), (6, 0, true)]);
    assert_eq!((tape.next(), tape.counters().datagrams), (SeqNo::new(6), 3));
}

#[test]
fn an_order_that_nobody_sees_has_a_number_of_its_own() {
    let mut tape = tape(10, 1_472);
    hear(&mut tape, ONE, &[accepted(1)]);
    let unseen = tape.deal_ref();
    let lines = hear(&mut tape, ONE, &[accepted(2), rested(2, 1_000, 5, 5)]);
    let told = [tape.order_ref(key(1)), Some(unseen), tape.order_ref(key(2))];
    assert_eq!(told.map(|told| told.unwrap().get()), [1, 2, 3]);
    assert_eq!(lines, ["1 A 7 #3 Buy 5 at 100000"]);
}

#[test]
#[should_panic(expected = "locate code 7")]
fn a_locate_code_is_dealt_once() {
    let listings: Vec<Listing> =
        listings().into_iter().map(|listing| Listing { locate: 7, ..listing }).collect();
    Tape::new(config(1_472), &listings, MIDNIGHT);
}

#[test]
#[should_panic(expected = "datagrams of 71 bytes")]
fn a_datagram_holds_any_message() {
    Tape::new(config(71), &[], MIDNIGHT);
}
