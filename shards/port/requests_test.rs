//! Each request and what is answered to it, as tables.

extern crate std;

use std::string::String;
use std::vec;
use std::vec::Vec;

use matching::{Control, DayRules, Schedule};
use risk::Notional;
use risk::port::{FirmLimits, Kind, Kinds, Limits, List, PortLimits, Whose};
use types::{AccountId, FirmId, InstrumentId, MatchNo, Nanos, PortId, Px};
use wire::ouch50::inbound::{
    AccountQuery, DisableEntry, EnableEntry, EnterOrder, Head, MassCancel,
};
use wire::ouch50::{
    AiqStrategy, BrokenReason, DiscretionType, Flag, HandleInst, MARKET_PRICE, MARKET_PRICE_ROUND,
    PRICE_MAX, PostOnly, PriceType, Side, TagValue,
};

use crate::kit::{
    AAPL, DROP_A, REFERENCE, Rig, cancel, enter, floor, modify, plan, replace, ticks, with_options,
};
use crate::trades::NotBroken;

const ANN: usize = 0;
const BOB: usize = 1;
const CAT: usize = 2;
/// 100.00.
const PAR: u64 = 1_000_000;

fn mass(user_ref: u32, firm: &[u8; 4], symbol: &[u8; 8], values: &[TagValue]) -> Vec<u8> {
    let m =
        MassCancel { header: Head::new(), user_ref: user_ref.into(), firm: *firm, symbol: *symbol };
    with_options(values, |options, out| m.encode(options, out))
}

fn query(values: &[TagValue]) -> Vec<u8> {
    with_options(values, |options, out| AccountQuery { header: Head::new() }.encode(options, out))
}

#[test]
fn an_order_rests_trades_and_is_told_to_both_sides_the_drop_copy_and_the_tape() {
    let mut rig = Rig::up(&plan());
    assert_eq!(rig.ask(ANN, &enter(1, b'B', 300, PAR).bytes(&[])), ["A 1 B 300@1000000 Y"]);
    assert_eq!(
        rig.ask(BOB, &enter(1, b'S', 100, PAR - 100).bytes(&[])),
        ["A 1 S 100@999900 Y", "E 1 100@1000000 R #3"]
    );
    assert_eq!(rig.news(ANN), ["E 1 100@1000000 A #3"]);
    assert_eq!(
        rig.ask(BOB, &enter(2, b'T', 300, PAR).with(|m| m.time_in_force = b'3').bytes(&[])),
        ["A 2 T 300@1000000 Y", "E 2 200@1000000 R #4", "C 2 100 I"]
    );
    assert_eq!(rig.news(ANN), ["E 1 200@1000000 A #4"]);
    let copy = &rig.peers[DROP_A].told;
    let own = &rig.peers[ANN].told;
    let prefixed: Vec<Vec<u8>> =
        own.iter().map(|told| [b"ann   ".as_slice(), told].concat()).collect();
    assert_eq!(*copy, prefixed);
    let numbers: Vec<u64> =
        rig.tape.reports.iter().map(|(_, no)| no.get()).filter(|no| *no != 0).collect();
    assert_eq!(numbers, [1, 2, 3, 4], "the opening crosses have numbers as well");
    assert_eq!((rig.tape.entered.len(), rig.ports.live()), (3, 0));
    assert_eq!(rig.ports.counters().strangers, 0);
}

#[test]
fn an_order_that_is_wrong_is_rejected_for_the_reason_that_the_specification_has() {
    use TagValue as V;
    type Change = fn(&mut EnterOrder);
    let none: Change = |_| {};
    let cases: &[(Change, &[V], &str)] = &[
        (|m| m.quantity = 0.into(), &[], "InvalidQuantity"),
        (|m| m.quantity = 1_000_000.into(), &[], "InvalidQuantity"),
        (|m| m.price = 0.into(), &[], "InvalidPrice"),
        (|m| m.price = 1_000_050.into(), &[], "InvalidPrice"),
        (|m| m.price = (PRICE_MAX + 200).into(), &[], "InvalidPrice"),
        (|m| m.price = u64::MAX.into(), &[], "InvalidPrice"),
        (|m| m.symbol = *b"NONE    ", &[], "InvalidSymbol"),
        (|m| m.symbol = [0; 8], &[], "InvalidSymbol"),
        (|m| m.side = b'b', &[], "InvalidSide"),
        (|m| m.time_in_force = b'1', &[], "Other"),
        (|m| m.time_in_force = b'E', &[], "DestinationClosed"),
        (|m| m.time_in_force = b'6', &[], "Other"),
        (|m| m.time_in_force = b'6', &[V::ExpireTime(86_400)], "Other"),
        (|m| m.display = b'Z', &[], "InvalidDisplay"),
        (|m| m.display = b'q', &[], "InvalidDisplay"),
        (|m| m.capacity = b'X', &[], "Other"),
        (|m| m.cross = b'x', &[], "InvalidCrossOrder"),
        (|m| m.cross = b'S', &[], "InvalidCrossOrder"),
        (|m| m.cross = b'H', &[], "InvalidCrossOrder"),
        (|m| m.cross = b'R', &[], "RetailNotAllowed"),
        (none, &[V::Firm(*b"BBBB")], "FirmNotAuthorized"),
        (none, &[V::Route(*b"SCAN")], "Other"),
        (none, &[V::StopPrice(PAR)], "Other"),
        (none, &[V::AiqGroupId(*b"G1")], "InvalidAiq"),
        (none, &[V::MinQty(50)], "InvalidMinQuantity"),
        (|m| m.time_in_force = b'3', &[V::MinQty(101)], "InvalidMinQuantity"),
        (|m| m.display = b'N', &[V::MaxFloor(10)], "InvalidMaxFloor"),
        (none, &[V::MaxFloor(10), V::RandomReserves(10)], "InvalidMaxFloor"),
        (none, &[V::PriceType(PriceType::MarketMakerPeg)], "InvalidPegType"),
        (none, &[V::PriceType(PriceType::MidpointPeg), V::PegOffset(100)], "InvalidPegType"),
        (none, &[V::PriceType(PriceType::PrimaryPeg), V::PegOffset(50)], "InvalidPrice"),
        (none, &[V::DiscretionPriceType(DiscretionType::MarketPeg)], "PeggingNotAllowed"),
        (none, &[V::DiscretionPrice(PAR - 100)], "InvalidPrice"),
        (none, &[V::HandleInst(HandleInst::ImbalanceOnly)], "InvalidCrossOrder"),
        (|m| m.time_in_force = b'3', &[V::PostOnly(PostOnly::PostOnly)], "Other"),
    ];
    let mut rig = Rig::up(&plan());
    for (at, (change, values, why)) in cases.iter().enumerate() {
        let user_ref = at as u32 + 1;
        let got = rig.ask(ANN, &enter(user_ref, b'B', 100, PAR).with(change).bytes(values));
        assert_eq!(got, [std::format!("J {user_ref} {why}")]);
    }
    assert_eq!(rig.ports.counters().rejected, cases.len() as u64);
    assert_eq!(rig.ports.live(), 0);
    // An option that is not listed, and one that is cut off: the number is used up all the same.
    let mut bytes = enter(100, b'B', 100, PAR).bytes(&[V::MinQty(1)]);
    let at = bytes.len() - 5;
    bytes[at] = 0x63;
    assert_eq!(rig.ask(ANN, &bytes), ["J 100 Other"]);
    let mut bytes = enter(101, b'B', 100, PAR).bytes(&[V::PriceType(PriceType::Limit)]);
    *bytes.last_mut().unwrap() = b'?';
    assert_eq!(rig.ask(ANN, &bytes), ["J 101 InvalidPegType"]);
    assert_eq!(rig.ask(ANN, &query(&[])), ["Q 102"]);
}

#[test]
fn user_reference_numbers_rise_on_each_channel() {
    let mut rig = Rig::up(&plan());
    let other = [TagValue::UserRefIdx(5)];
    assert_eq!(rig.ask(ANN, &query(&[])), ["Q 1"]);
    assert_eq!(rig.ask(ANN, &enter(0, b'B', 1, PAR).bytes(&[])), [""; 0]);
    assert_eq!(rig.ask(ANN, &enter(7, b'B', 1, PAR).bytes(&[])), ["A 7 B 1@1000000 Y"]);
    for used in [7, 6, 1] {
        assert_eq!(rig.ask(ANN, &enter(used, b'B', 1, PAR).bytes(&[])), [""; 0]);
    }
    assert_eq!(rig.ports.counters().retransmitted, 4);
    // Another channel has its own, and says so in every answer.
    assert_eq!(rig.ask(ANN, &enter(7, b'B', 1, PAR).bytes(&other)), ["A 7 B 1@1000000 Y/5"]);
    assert_eq!(rig.ask(ANN, &query(&other)), ["Q 8/5"]);
    assert_eq!(rig.ask(ANN, &cancel(7, 0, &other)), ["C 7 1 U/5"]);
    assert_eq!(rig.ask(ANN, &cancel(7, 0, &[])), ["C 7 1 U"]);
    // The port of another has its own as well.
    assert_eq!(rig.ask(CAT, &query(&[])), ["Q 1"]);
    // The highest there is leaves none.
    assert_eq!(rig.ask(ANN, &enter(u32::MAX, b'B', 1, PAR).bytes(&[])).len(), 1);
    assert_eq!(rig.ask(ANN, &query(&[])), ["Q 4294967295"]);
}

#[test]
fn a_cancel_says_how_many_shares_are_to_be_left_in_all() {
    let mut rig = Rig::up(&plan());
    rig.ask(ANN, &enter(1, b'B', 300, PAR).bytes(&[]));
    rig.send(BOB, &enter(1, b'S', 100, PAR).bytes(&[]));
    rig.news(ANN);
    let cases: [(u32, u32, &[&str]); 7] = [
        // order, shares, answer
        (1, 300, &[]),            // as many as it has
        (1, 999, &[]),            // more
        (2, 0, &[]),              // not ours
        (1, 250, &["C 1 50 U"]),  // 150 are left
        (1, 250, &[]),            // once more
        (1, 100, &["C 1 150 U"]), // as many as were executed
        (1, 0, &[]),              // gone
    ];
    for (user_ref, quantity, want) in cases {
        assert_eq!(rig.ask(ANN, &cancel(user_ref, quantity, &[])), want, "{user_ref} {quantity}");
    }
    assert_eq!(rig.ports.counters().ignored, 5);
    assert_eq!(rig.ask(BOB, &cancel(1, 0, &[])), ["A 1 S 100@1000000 Y", "E 1 100@1000000 R #3"]);
    // With an option that a cancel does not take: ignored.
    rig.ask(ANN, &enter(2, b'B', 300, PAR).bytes(&[]));
    assert_eq!(rig.ask(ANN, &cancel(2, 0, &[TagValue::MinQty(1)])), [""; 0]);
    assert_eq!(rig.ports.live(), 1);
}

#[test]
fn a_replacement_keeps_what_was_executed_and_an_invalid_one_cancels() {
    let mut rig = Rig::up(&plan());
    rig.ask(ANN, &enter(1, b'S', 300, PAR).bytes(&[]));
    rig.send(BOB, &enter(1, b'B', 100, PAR).bytes(&[]));
    rig.news(ANN);
    let up = PAR + 100;
    assert_eq!(rig.ask(ANN, &replace(1, 2, 500, up, &[])), ["U 1>2 S 400@1000100"]);
    // The old one is gone: ignored, and the number is not used up.
    assert_eq!(rig.ask(ANN, &replace(1, 3, 500, up, &[])), [""; 0]);
    assert_eq!(rig.ask(ANN, &query(&[])), ["Q 3"]);
    // A number that was used: ignored.
    assert_eq!(rig.ask(ANN, &replace(2, 2, 500, up, &[])), [""; 0]);
    let short = [TagValue::Side(Side::SellShort)];
    assert_eq!(rig.ask(ANN, &replace(2, 3, 500, up, &short)), ["U 2>3 T 400@1000100"]);
    let cases: [(u32, u64, &[TagValue]); 7] = [
        (1_000_000, PAR, &[]),
        (0, PAR, &[]),
        (500, 0, &[]),
        (500, PAR + 50, &[]),
        (500, PAR, &[TagValue::Side(Side::Buy)]),
        (500, PAR, &[TagValue::Firm(*b"AAAA")]),
        (500, PAR, &[TagValue::MinQty(5)]),
    ];
    let mut last = 3;
    for (quantity, price, values) in cases {
        rig.ask(ANN, &enter(last + 1, b'S', 70, up).bytes(&[]));
        last += 1;
        let got = rig.ask(ANN, &replace(last, last + 1, quantity, price, values));
        assert_eq!(got, [std::format!("C {last} 70 U")], "{quantity} {price} {values:?}");
        assert_eq!(rig.ask(ANN, &query(&[])), [std::format!("Q {}", last + 1)]);
    }
    assert_eq!(rig.ports.counters().unreplaced, 7);
    // As many shares as were executed of the chain: nothing is left.
    assert_eq!(rig.ask(ANN, &replace(3, last + 1, 100, up, &[])), ["C 3 400 U"]);
    assert_eq!(rig.ports.live(), 0);
}

#[test]
fn a_replacement_that_the_book_refuses_cancels_as_well() {
    let mut rig = Rig::up(&plan());
    rig.ask(ANN, &enter(1, b'S', 300, PAR).bytes(&[]));
    rig.ask(BOB, &enter(1, b'B', 100, PAR - 100).bytes(&[]));
    let post = [TagValue::PostOnly(PostOnly::PostOnly)];
    assert_eq!(rig.ask(BOB, &replace(1, 2, 100, PAR, &post)), ["C 1 100 G"]);
    assert_eq!(rig.ask(BOB, &query(&[])), ["Q 2"], "its number is not used up");
    assert_eq!(
        rig.ask(BOB, &enter(2, b'B', 10, PAR).bytes(&post)),
        ["A 2 B 10@1000000 Y", "C 2 10 G"]
    );
    assert_eq!(rig.ports.live(), 1);
    assert_eq!(rig.ports.counters().strangers, 0);
}

#[test]
fn a_modification_marks_a_sale_anew_or_takes_shares_away() {
    let mut rig = Rig::up(&plan());
    rig.ask(ANN, &enter(1, b'S', 300, PAR).bytes(&[]));
    rig.ask(ANN, &enter(2, b'B', 300, PAR - 100).bytes(&[]));
    let cases: [(u32, u8, u32, &[&str]); 9] = [
        (1, b'T', 300, &["M 1 T 300"]),
        (1, b'E', 200, &["M 1 E 200"]),
        (1, b'S', 300, &[]), // more than it has
        (1, b'B', 200, &[]), // an offer stays one
        (1, b'x', 200, &[]), // no side
        (2, b'S', 300, &[]),
        (2, b'B', 100, &["M 2 B 100"]),
        (9, b'B', 100, &[]),
        (1, b'S', 0, &["C 1 200 U"]),
    ];
    for (user_ref, side, quantity, want) in cases {
        assert_eq!(rig.ask(ANN, &modify(user_ref, side, quantity)), want, "{user_ref} {quantity}");
    }
    assert_eq!(rig.ports.live(), 1);
}

#[test]
fn a_mass_cancel_takes_what_it_names_in_as_many_calls_as_it_needs() {
    let mut rig = Rig::up(&plan());
    let enter_ten = |rig: &mut Rig, from: u32| {
        for at in 0..10 {
            let (side, price) = if at % 2 == 0 { (b'B', PAR - 100) } else { (b'S', PAR) };
            let values = if at < 5 { vec![TagValue::GroupId(7)] } else { vec![] };
            let order = enter(from + at, side, 10, price);
            let order = order.with(|m| m.symbol = if at < 8 { *b"AAPL    " } else { *b"MSFT    " });
            rig.send(ANN, &order.bytes(&values));
        }
        rig.news(ANN);
    };
    let gone = |got: &[String]| -> Vec<u32> {
        let ends = got.iter().filter(|line| line.starts_with("C "));
        ends.map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect()
    };
    enter_ten(&mut rig, 1);
    // The request that follows waits for the end of the mass cancel.
    let both = [mass(11, b"AAAA", b"        ", &[]), query(&[])];
    for message in &both {
        rig.peers[ANN].client.send(rig.now, message).unwrap();
    }
    rig.pump();
    let got = rig.news(ANN);
    assert_eq!((got[0].as_str(), got.last().unwrap().as_str()), ("X 11", "Q 12"));
    assert_eq!(gone(&got), Vec::from_iter(1..=10));
    enter_ten(&mut rig, 12);
    let got = rig.ask(ANN, &mass(22, b"AAAA", b"MSFT    ", &[]));
    assert_eq!(gone(&got), [20, 21]);
    let got = rig.ask(ANN, &mass(23, b"AAAA", b"        ", &[TagValue::Side(Side::Sell)]));
    assert_eq!(gone(&got), [13, 15, 17, 19]);
    let got = rig.ask(ANN, &mass(24, b"AAAA", b"AAPL    ", &[TagValue::GroupId(7)]));
    assert_eq!(gone(&got), [12, 14, 16]);
    assert_eq!(rig.ask(ANN, &mass(25, b"BBBB", b"        ", &[])), ["J 25 FirmNotAuthorized"]);
    assert_eq!(rig.ask(ANN, &mass(26, b"AAAA", b"NONE    ", &[])), ["J 26 InvalidSymbol"]);
    assert_eq!(rig.ask(ANN, &mass(26, b"AAAA", b"        ", &[])), [""; 0], "used");
    assert_eq!(rig.ports.live(), 1);
}

#[test]
fn entry_is_disabled_and_enabled_by_the_firm_and_by_the_exchange() {
    let mut rig = Rig::up(&plan());
    rig.ask(ANN, &enter(1, b'B', 10, PAR).bytes(&[]));
    let disable = |user_ref: u32, firm: &[u8; 4]| {
        let m = DisableEntry { header: Head::new(), user_ref: user_ref.into(), firm: *firm };
        with_options(&[], |options, out| m.encode(options, out))
    };
    let enable = |user_ref: u32| {
        let m = EnableEntry { header: Head::new(), user_ref: user_ref.into(), firm: *b"AAAA" };
        with_options(&[], |options, out| m.encode(options, out))
    };
    assert_eq!(rig.ask(ANN, &disable(2, b"BBBB")), ["J 2 FirmNotAuthorized"]);
    assert_eq!(rig.ask(ANN, &disable(3, b"AAAA")), ["G 3"]);
    assert_eq!(rig.ask(ANN, &enter(4, b'B', 10, PAR).bytes(&[])), ["J 4 FirmNotAuthorized"]);
    assert_eq!(rig.ask(ANN, &replace(1, 5, 20, PAR, &[])), ["J 5 FirmNotAuthorized"]);
    assert_eq!(rig.ask(ANN, &enable(6)), ["K 6"]);
    assert_eq!(rig.ask(ANN, &replace(1, 7, 20, PAR, &[])), ["U 1>7 B 20@1000000"]);
    rig.ports.kill(rig.now, Whose::Port(PortId::new(0)), &mut rig.tape).unwrap();
    rig.pump();
    assert_eq!(rig.news(ANN), ["C 7 20 S"]);
    assert_eq!(rig.ask(ANN, &enter(8, b'B', 10, PAR).bytes(&[])), ["J 8 Other"]);
    assert_eq!(rig.ask(CAT, &enter(1, b'B', 10, PAR).bytes(&[])).len(), 1, "another port may");
    rig.ports.revive(Whose::Port(PortId::new(0))).unwrap();
    assert_eq!(rig.ask(ANN, &enter(9, b'B', 10, PAR).bytes(&[])), ["A 9 B 10@1000000 Y"]);
}

#[test]
fn orders_of_one_group_do_not_trade_and_both_owners_are_told_what_did_not_happen() {
    type Lines = &'static [&'static str];
    let cases: [(Option<AiqStrategy>, u32, Lines, Lines); 5] = [
        // strategy, its shares        who came                          who rested, 100 shares
        (None, 60, &["A 1 B 60@1000000 Y"], &["D 1 100 60@1000000 AO"]),
        (
            Some(AiqStrategy::CancelNewestMpid),
            60,
            &["A 1 B 60@1000000 Y", "D 1 60 60@1000000 RW"],
            &[],
        ),
        (
            Some(AiqStrategy::DecrementBothMpid),
            60,
            &["A 1 B 60@1000000 Y", "D 1 60 60@1000000 RD"],
            &["D 1 60 60@1000000 AD"],
        ),
        (
            Some(AiqStrategy::DecrementBothOrg),
            150,
            &["A 1 B 150@1000000 Y", "D 1 100 100@1000000 Rd"],
            &["D 1 100 100@1000000 Ad"],
        ),
        (
            Some(AiqStrategy::DecrementBothSilentMpid),
            100,
            &["A 1 B 100@1000000 Y", "D 1 100 0@0 RY"],
            &["D 1 100 0@0 AY"],
        ),
    ];
    for (strategy, shares, came, rested) in cases {
        let mut rig = Rig::up(&plan());
        rig.ask(CAT, &enter(1, b'S', 100, PAR).bytes(&[]));
        let values: Vec<_> = strategy.into_iter().map(TagValue::AiqStrategy).collect();
        assert_eq!(rig.ask(ANN, &enter(1, b'B', shares, PAR).bytes(&values)), came);
        assert_eq!(rig.news(CAT), rested, "{strategy:?}");
    }
}

#[test]
fn market_orders_and_those_that_must_fill_at_once() {
    let mut rig = Rig::up(&plan());
    rig.ask(ANN, &enter(1, b'S', 100, PAR).bytes(&[]));
    let at_once = |m: &mut EnterOrder| m.time_in_force = b'3';
    assert_eq!(
        rig.ask(BOB, &enter(1, b'B', 30, MARKET_PRICE).with(at_once).bytes(&[])),
        ["A 1 B 30@2147483647 Y", "E 1 30@1000000 R #3"]
    );
    assert_eq!(
        rig.ask(BOB, &enter(2, b'B', 80, PAR).with(at_once).bytes(&[TagValue::MinQty(80)])),
        ["A 2 B 80@1000000 Y", "C 2 80 I"]
    );
    assert_eq!(
        rig.ask(BOB, &enter(3, b'B', 80, PAR).with(at_once).bytes(&[TagValue::MinQty(70)])),
        ["A 3 B 80@1000000 Y", "E 3 70@1000000 R #4", "C 3 10 I"]
    );
    assert_eq!(
        rig.ask(BOB, &enter(4, b'B', 80, MARKET_PRICE_ROUND).bytes(&[])),
        ["A 4 B 80@2000000000 Y", "C 4 80 I"]
    );
}

#[test]
fn the_day_ends_and_orders_are_taken_only_while_there_is_one() {
    let mut rig = Rig::up(&plan());
    rig.ask(ANN, &enter(1, b'S', 100, PAR).bytes(&[]));
    rig.control(Control::Halt);
    assert_eq!(rig.ask(BOB, &enter(1, b'B', 30, PAR).bytes(&[])), ["J 1 Halted"]);
    rig.control(Control::Close);
    assert_eq!(rig.news(ANN), ["C 1 100 E"]);
    assert_eq!(rig.ask(BOB, &enter(2, b'B', 30, PAR).bytes(&[])), ["J 2 DestinationClosed"]);
    rig.ports.on_event(rig.now, wire::ouch50::EventCode::EndOfDay);
    rig.pump();
    assert_eq!((rig.news(ANN), rig.news(BOB)), (vec!["S E".into()], vec!["S E".into()]));
}

#[test]
fn an_order_stays_in_the_cross_that_is_near_and_is_filled_there() {
    let until = Some(Nanos::from_secs(10));
    let schedule = Schedule { limit_on_open_until: until, ..Schedule::BY_HAND };
    let day = DayRules { schedule, ..DayRules::by_hand(ticks(), REFERENCE) };
    let mut rig = Rig::closed(&plan(), floor(day));
    rig.ports.drive(rig.now, &mut rig.tape, |floor, _| floor.start_day(Nanos::ZERO));
    for who in 0..5 {
        rig.connect(who, 1);
    }
    assert_eq!(rig.ask(ANN, &enter(1, b'S', 100, PAR).bytes(&[])), ["J 1 DestinationClosed"]);
    rig.control(Control::PreOpen);
    let on_open =
        |user_ref, side, shares| enter(user_ref, side, shares, PAR).with(|m| m.cross = b'O');
    assert_eq!(rig.ask(ANN, &on_open(2, b'S', 100).bytes(&[])), ["A 2 S 100@1000000 Y"]);
    assert_eq!(rig.ask(ANN, &cancel(2, 90, &[])), ["C 2 10 U"]);
    assert_eq!(rig.ask(BOB, &enter(1, b'B', 30, PAR).bytes(&[])), ["A 1 B 30@1000000 Y"]);
    rig.pass(Nanos::from_secs(10));
    assert_eq!(rig.ask(ANN, &on_open(3, b'S', 100).bytes(&[])), ["J 3 InvalidCrossOrder"]);
    assert_eq!(rig.ask(ANN, &cancel(2, 50, &[])), ["I 2"]);
    assert_eq!(rig.ask(ANN, &modify(2, b'S', 50)), ["I 2"]);
    assert_eq!(rig.ask(ANN, &replace(2, 4, 50, PAR, &[])), ["J 4 ReplaceNotAllowed"]);
    assert_eq!(rig.ask(ANN, &replace(2, 4, 50, PAR, &[])), [""; 0], "its number is used up");
    assert_eq!(rig.ask(ANN, &cancel(2, 0, &[])), ["P 2"]);
    assert_eq!(rig.ask(ANN, &cancel(2, 0, &[])), [""; 0]);
    assert_eq!(rig.ask(ANN, &replace(2, 5, 50, PAR, &[])), ["J 5 CancelPending"]);
    let late = on_open(1, b'S', 5).bytes(&[]);
    rig.now = Nanos::from_secs(9);
    assert_eq!(rig.ask(CAT, &late).len(), 1);
    rig.now = Nanos::from_secs(11);
    rig.ports.kill(rig.now, Whose::Port(PortId::new(2)), &mut rig.tape).unwrap();
    rig.pump();
    assert_eq!(rig.news(CAT), ["P 1", "C 1 5 S"]);
    rig.control(Control::Open);
    assert_eq!(rig.news(ANN), ["E 2 30@1000000 O #1", "C 2 60 U"]);
    assert_eq!(rig.news(BOB), ["E 1 30@1000000 O #1"]);
    assert_eq!(rig.ports.live(), 0);
}

#[test]
fn orders_with_a_time_or_a_stop_end_and_begin_when_it_has_come() {
    let mut plan = plan();
    plan.ports[BOB].extensions = true;
    let mut rig = Rig::up(&plan);
    let good_till = enter(1, b'S', 100, PAR + 100).with(|m| m.time_in_force = b'6');
    rig.ask(ANN, &good_till.bytes(&[TagValue::ExpireTime(3)]));
    let stop = [TagValue::StopPrice(PAR)];
    assert_eq!(rig.ask(BOB, &enter(1, b'B', 50, PAR + 100).bytes(&stop)), ["A 1 B 50@1000100 Y"]);
    rig.pass(Nanos::from_secs(2));
    assert_eq!(rig.news(ANN), [""; 0]);
    rig.send(ANN, &enter(2, b'S', 10, PAR).bytes(&[]));
    rig.send(
        CAT,
        &enter(1, b'B', 10, PAR).bytes(&[TagValue::AiqStrategy(AiqStrategy::CancelNewestMpid)]),
    );
    assert_eq!(rig.news(BOB), [""; 0], "it did not trade");
    rig.news(ANN);
    rig.send(BOB, &enter(2, b'B', 10, PAR).bytes(&[]));
    assert_eq!(
        rig.news(BOB),
        ["A 2 B 10@1000000 Y", "E 2 10@1000000 R #3", "T 1 1000100", "E 1 50@1000100 R #4"]
    );
    assert_eq!(rig.news(ANN), ["E 2 10@1000000 A #3", "E 1 50@1000100 A #4"]);
    rig.pass(Nanos::from_secs(2));
    assert_eq!(rig.news(ANN), ["C 1 50 T"]);
}

#[test]
fn a_trade_is_broken_once_and_while_it_is_kept() {
    let mut rig = Rig::up(&plan());
    rig.ask(ANN, &enter(1, b'S', 100, PAR).bytes(&[]));
    for user_ref in 1..=20 {
        rig.send(BOB, &enter(user_ref, b'B', 5, PAR).bytes(&[]));
    }
    rig.news(ANN);
    rig.news(BOB);
    let bust = |rig: &mut Rig, no| {
        let done = rig.ports.bust(rig.now, MatchNo::new(no), BrokenReason::Consent, &mut rig.tape);
        rig.pump();
        done
    };
    for (no, want) in [
        (22, Ok(())),
        (22, Err(NotBroken::Already)),
        (6, Err(NotBroken::Unknown)),
        (23, Err(NotBroken::Unknown)),
        (0, Err(NotBroken::Unknown)),
    ] {
        assert_eq!(bust(&mut rig, no), want, "{no}");
    }
    assert_eq!(rig.news(ANN), ["B 1 #22 C"]);
    assert_eq!(rig.news(BOB), ["B 20 #22 C"]);
    assert_eq!(rig.tape.busts, [(AAPL, MatchNo::new(22))]);
    let counters = rig.ports.counters();
    assert_eq!((counters.busts, counters.busted_volume), (1, 5));
}

#[test]
fn a_market_to_limit_order_stands_at_the_price_that_it_first_traded_at() {
    let mut plan = plan();
    plan.ports[BOB].extensions = true;
    let mut rig = Rig::up(&plan);
    let values = [TagValue::MarketToLimit(Flag::Yes)];
    let order = |user_ref| enter(user_ref, b'B', 100, MARKET_PRICE).bytes(&values);
    assert_eq!(rig.ask(BOB, &order(1)), ["A 1 B 100@2147483647 Y", "C 1 100 I"]);
    rig.ask(ANN, &enter(1, b'S', 30, PAR).bytes(&[]));
    rig.ask(ANN, &enter(2, b'S', 30, PAR + 100).bytes(&[]));
    assert_eq!(rig.ask(BOB, &order(2)), ["A 2 B 100@1000000 Y", "E 2 30@1000000 R #3"]);
    let open: Vec<_> = rig.ports.open_orders(1).map(|open| (open.user_ref, open.leaves)).collect();
    assert_eq!(open, [(2, 70)]);
    let limit = enter(3, b'B', 100, PAR).bytes(&values);
    rig.news(ANN);
    assert_eq!(rig.ask(BOB, &limit), ["J 3 InvalidPrice"]);
    assert_eq!(rig.ask(ANN, &enter(3, b'S', 1, MARKET_PRICE).bytes(&values)), ["J 3 Other"]);
}

#[test]
fn a_weight_says_how_much_of_the_best_price_an_order_is() {
    let mut plan = plan();
    plan.ports[ANN].bbo_weight = true;
    let mut rig = Rig::up(&plan);
    let cases = [
        // price, shares, weight
        (PAR, 10_000, b'S'),
        (PAR, 20, b'0'),
        (PAR, 100, b'1'),
        (PAR, 200, b'2'),
        (PAR, 400, b'3'),
        (PAR - 100, 20, b' '),
        (PAR + 100, 20, b'S'),
    ];
    for (at, (price, shares, want)) in cases.into_iter().enumerate() {
        rig.send(ANN, &enter(at as u32 + 1, b'B', shares, price).bytes(&[]));
        let told = rig.peers[ANN].told.last().unwrap();
        assert_eq!(told[told.len() - 3..], [2, 18, want], "{price} {shares}");
    }
}

#[test]
fn room_that_is_full_is_a_reject_and_nothing_else() {
    let mut rig = Rig::up(&plan());
    for user_ref in 1..=64 {
        rig.send(BOB, &enter(user_ref, b'B', 1, PAR).bytes(&[]));
    }
    rig.news(BOB);
    assert_eq!(rig.ask(BOB, &enter(65, b'B', 1, PAR).bytes(&[])), ["J 65 ProcessingError"]);
    // A replacement needs a place beside the order that it is for.
    assert_eq!(rig.ask(BOB, &replace(1, 66, 2, PAR, &[])), ["C 1 1 U"]);
    assert_eq!(rig.ask(BOB, &enter(66, b'B', 1, PAR).bytes(&[])), ["A 66 B 1@1000000 Y"]);
    assert_eq!(rig.ports.live(), 64);
    rig.pass(Nanos::from_secs(5));
    assert!(rig.peers.iter().all(|peer| peer.is_open), "heartbeats go both ways");
}

#[test]
fn what_risk_denies_is_a_reject_of_its_own_and_leaves_a_replaced_order_as_it_is() {
    let mut rig = Rig::up(&plan());
    let risk = rig.ports.risk_mut();
    let order = Limits {
        qty_max: 1_000,
        notional_max: Notional::of(Px::from_price4(1_000_000), 500),
        forbidden: Kinds::NONE.and(Kind::Market).and(Kind::Sweep),
        ..Limits::default()
    };
    let limits = PortLimits { order, ..PortLimits::default() };
    risk.set_port(PortId::new(0), &limits).unwrap();
    let firm = FirmLimits { must_locate: true, ..FirmLimits::default() };
    risk.set_firm(FirmId::new(0), &firm).unwrap();
    risk.list_mut(FirmId::new(0), List::Restricted).unwrap().insert(InstrumentId::new(1));
    let line = risk.account_line(AccountId::new(0));
    risk.set_credit(line, Notional::of(Px::from_price4(1_000_000), 600)).unwrap();
    type Change = fn(&mut EnterOrder);
    let located = [TagValue::SharesLocated(Flag::Yes)];
    let cases: [(Change, &[TagValue], &str); 9] = [
        (|m| m.quantity = 1_001.into(), &[], "J RiskMaxQuantity"),
        (|m| m.quantity = 501.into(), &[], "J RiskOrderNotional"),
        (|m| m.price = MARKET_PRICE.into(), &[], "J RiskMarketOrderNotAllowed"),
        (|m| m.intermarket_sweep = b'Y', &[], "J RiskIsoNotAllowed"),
        (|m| m.symbol = *b"MSFT    ", &[], "J RiskRestrictedStock"),
        (|m| m.side = b'T', &[], "J RiskLocateRequired"),
        (|m| m.side = b'T', &located, "A"),
        (|m| m.quantity = 500.into(), &[], "A"),
        (|m| m.quantity = 1.into(), &[], "J RiskAggregateExposure"),
    ];
    for (at, (change, values, want)) in cases.into_iter().enumerate() {
        let user_ref = at as u32 + 1;
        let got = rig.ask(ANN, &enter(user_ref, b'S', 100, PAR).with(change).bytes(values));
        let want = want.replacen(['J', 'A'], &std::format!("{} {user_ref}", &want[..1]), 1);
        assert!(got.len() == 1 && got[0].starts_with(&want), "{got:?} {want}");
    }
    assert_eq!(rig.ask(ANN, &replace(8, 10, 501, PAR, &[])), ["J 10 RiskOrderNotional"]);
    assert_eq!(rig.ask(ANN, &modify(8, b'T', 500)), [""; 0], "not located");
    assert_eq!(rig.ask(ANN, &cancel(8, 400, &[])), ["C 8 100 U"]);
    // What was given back is there for another.
    assert_eq!(rig.ask(ANN, &enter(11, b'S', 100, PAR).bytes(&[])), ["A 11 S 100@1000000 Y"]);
    // A trade that is broken as well.
    rig.send(BOB, &enter(1, b'B', 100, PAR).bytes(&[]));
    assert_eq!(rig.ports.risk().executed(line), Notional::of(Px::from_price4(1_000_000), 100));
    rig.ports.bust(rig.now, MatchNo::new(3), BrokenReason::Erroneous, &mut rig.tape).unwrap();
    assert_eq!(rig.ports.risk().executed(line), Notional::ZERO);
}
