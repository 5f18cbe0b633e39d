//! What is refused or dies at once leaves nothing behind: no number twice, no marking, no credit.

extern crate std;

use std::collections::BTreeSet;
use std::vec::Vec;

use matching::{Control, DayRules, Schedule};
use types::{AccountId, Nanos};
use wire::ouch50::outbound::Message;
use wire::ouch50::{MARKET_PRICE, PostOnly, TagValue};

use crate::kit::{REFERENCE, Rig, cancel, enter, floor, modify, plan, replace, ticks};

const ANN: usize = 0;
const BOB: usize = 1;
const CAT: usize = 2;
/// 100.00.
const PAR: u64 = 1_000_000;

#[test]
fn no_two_orders_are_told_one_order_reference() {
    let mut rig = Rig::up(&plan());
    let post = [TagValue::PostOnly(PostOnly::PostOnly)];
    let all = [TagValue::MinQty(500)];
    let at_once = |user_ref| enter(user_ref, b'B', 500, PAR).with(|m| m.time_in_force = b'3');
    rig.ask(ANN, &enter(1, b'S', 100, PAR).bytes(&[]));
    let mut news = Vec::new();
    news.extend(rig.ask(BOB, &enter(1, b'B', 10, PAR).bytes(&post))); // would cross
    news.extend(rig.ask(BOB, &enter(2, b'B', 10, PAR).bytes(&post))); // in the same slot
    news.extend(rig.ask(BOB, &at_once(3).bytes(&all))); // not all of it can be had
    news.extend(rig.ask(BOB, &enter(4, b'B', 10, PAR - 100).bytes(&[])));
    news.extend(rig.ask(BOB, &replace(4, 5, 20, PAR - 200, &[])));
    rig.ask(ANN, &cancel(1, 0, &[]));
    news.extend(rig.ask(BOB, &at_once(6).bytes(&[]))); // nobody is there
    assert_eq!(
        news,
        [
            "A 1 B 10@1000000 Y",
            "C 1 10 G",
            "A 2 B 10@1000000 Y",
            "C 2 10 G",
            "A 3 B 500@1000000 Y",
            "C 3 500 I",
            "A 4 B 10@999900 Y",
            "U 4>5 B 20@999800",
            "A 6 B 500@1000000 Y",
            "C 6 500 I",
        ]
    );
    let mut refs = Vec::new();
    for told in rig.peers[..3].iter().flat_map(|peer| &peer.told) {
        let message = Message::parse(told).expect("we say what can be read");
        if let Message::Accepted(m, _) = message {
            refs.push(m.order_ref());
        } else if let Message::Replaced(m, _) = message {
            refs.push(m.order_ref());
        }
    }
    let different: BTreeSet<u64> = refs.iter().copied().collect();
    // As the tape deals them: each once, none left out.
    assert_eq!((refs.len(), different), (7, (1..=7).collect()));
}

#[test]
fn a_stop_that_the_book_refuses_ends_and_the_order_that_reached_it_is_told_nothing_of_it() {
    let mut plan = plan();
    plan.ports[ANN].extensions = true;
    // It may not trade above 101.00, and the stop's limit is 105.00.
    let day = DayRules { static_bp: 100, ..DayRules::by_hand(ticks(), REFERENCE) };
    let mut rig = Rig::closed(&plan, floor(day));
    for who in 0..5 {
        rig.connect(who, 1);
    }
    [Control::PreOpen, Control::Open].into_iter().for_each(|control| rig.control(control));
    let stopped = enter(1, b'B', 50, PAR + 50_000).bytes(&[TagValue::StopPrice(PAR)]);
    assert_eq!(rig.ask(ANN, &stopped), ["A 1 B 50@1050000 Y"]);
    rig.ask(BOB, &enter(1, b'S', 100, PAR).bytes(&[]));
    let fill = ["A 1 B 100@1000000 Y", "E 1 100@1000000 R #3"];
    assert_eq!(rig.ask(CAT, &enter(1, b'B', 100, PAR).bytes(&[])), fill);
    assert_eq!(rig.news(ANN), ["T 1 1050000", "C 1 50 K"]);
    assert_eq!((rig.ports.live(), rig.ports.counters().strangers), (0, 0));
}

#[test]
fn a_modification_that_the_floor_refuses_leaves_the_order_as_it_was() {
    let until = Some(Nanos::from_secs(10));
    let schedule = Schedule { market_on_open_until: until, ..Schedule::BY_HAND };
    let day = DayRules { schedule, ..DayRules::by_hand(ticks(), REFERENCE) };
    let mut rig = Rig::closed(&plan(), floor(day));
    rig.ports.drive(rig.now, &mut rig.tape, |floor, _| floor.start_day(Nanos::ZERO));
    for who in 0..5 {
        rig.connect(who, 1);
    }
    rig.control(Control::PreOpen);
    let on_open = enter(1, b'S', 100, MARKET_PRICE).with(|m| m.cross = b'O');
    assert_eq!(rig.ask(ANN, &on_open.bytes(&[])).len(), 1);
    let state = |rig: &Rig| {
        let order = rig.ports.open_orders(0).next().expect("it is live");
        let risk = rig.ports.risk();
        (order.side, order.leaves, risk.exposure(risk.account_line(AccountId::new(0))))
    };
    let before = state(&rig);
    // By now it would be measured by a higher price.
    rig.ask(BOB, &enter(1, b'B', 100, PAR + 5_000).bytes(&[]));
    rig.pass(Nanos::from_secs(10));
    assert_eq!(rig.ask(ANN, &modify(1, b'T', 50)), ["I 1"]);
    assert_eq!(state(&rig), before);
    // As many as none: its end is put off.
    assert_eq!(rig.ask(ANN, &modify(1, b'T', 0)), ["P 1"]);
    assert_eq!(state(&rig), before);
}
