//! Reports that need an unusual book, handed over as the floor would; and what a report is told as where OUCH has
//! no word for it.

extern crate std;

use matching::{Ended, OrderKey, Out, Refused, Report, SelfMatch};
use types::Side;
use wire::ouch50::{AiqStrategy, CancelReason, TagValue};

use crate::fan::{Asked, Run};
use crate::kit::{REFERENCE, Rig, enter, plan};

const ANN: usize = 0;
const BOB: usize = 1;
const CAT: usize = 2;
/// 100.00.
const PAR: u64 = 1_000_000;

#[test]
fn each_report_of_a_resting_order_is_told_in_the_words_of_the_specification() {
    let fill = |half, hidden| {
        move |maker: OrderKey, taker: OrderKey| Report::Filled {
            maker,
            taker,
            side: Side::Sell,
            tick: REFERENCE,
            half,
            hidden,
            qty: 40,
            maker_leaves: 60,
            taker_leaves: 60,
        }
    };
    let rested =
        |order, _| Report::Rested { order, side: Side::Buy, tick: REFERENCE, qty: 100, shown: 100 };
    let ended = |why| {
        move |order, _| Report::Cancelled { order, side: Side::Buy, tick: None, qty: 100, why }
    };
    type Told<'a> = &'a dyn Fn(OrderKey, OrderKey) -> Report;
    let cases: &[(Told<'_>, &str)] = &[
        (&rested, "T 1 1000000"),
        (&fill(false, false), "E 1 40@1000000 A #3"),
        (&fill(false, true), "E 1 40@1000000 J #3"),
        (&fill(true, true), "E 1 40@1000050 k #3"),
        (&ended(Ended::Expired), "C 1 100 T"),
        (&ended(Ended::Band), "C 1 100 K"),
        (&ended(Ended::Closed), "C 1 100 E"),
        (&ended(Ended::NotCrossed), "C 1 100 E"),
        (&ended(Ended::Asked), "C 1 100 S"),
        (&ended(Ended::SelfMatch), "D 1 100 100@0 AO"),
    ];
    for (report, want) in cases {
        let mut rig = Rig::up(&plan());
        rig.ask(ANN, &enter(1, b'B', 100, PAR).bytes(&[]));
        rig.ask(BOB, &enter(1, b'S', 100, PAR + 100).bytes(&[]));
        let key = |port| rig.ports.open_orders(port).next().unwrap().key;
        let report = report(key(0), key(1));
        rig.ports.drive(rig.now, &mut rig.tape, |_, out| out.push(report));
        rig.pump();
        assert_eq!(rig.news(ANN), [*want], "{report:?}");
    }
}

#[test]
fn a_report_of_nobodys_order_is_counted_and_told_to_the_tape_alone() {
    let mut rig = Rig::up(&plan());
    rig.ask(ANN, &enter(1, b'B', 100, PAR).bytes(&[]));
    let live = rig.ports.open_orders(0).next().unwrap().key.get();
    // Another slot, a slot that there is not, the same slot in another generation.
    let keys = [live + 1, live | 0xFFFF, live + (1 << 32)].map(OrderKey::new);
    let before = rig.tape.reports.len();
    for order in keys {
        let report = Report::Triggered { order };
        rig.ports.drive(rig.now, &mut rig.tape, |_, out| out.push(report));
    }
    rig.pump();
    assert_eq!((rig.ports.counters().strangers, rig.tape.reports.len()), (3, before + 3));
    assert_eq!(rig.news(ANN), ["A 1 B 100@1000000 Y"; 0]);
    assert_eq!(rig.ports.live(), 1);
}

/// The wire has no letter for a cancel of both, and was once told that of a cancel of the older to the owner of
/// the younger.
#[test]
fn a_cancel_of_both_tells_each_owner_which_of_the_two_his_order_was() {
    let mut plan = plan();
    plan.ports[0].self_match = SelfMatch::CancelBoth;
    let mut rig = Rig::up(&plan);
    rig.ask(CAT, &enter(1, b'S', 100, PAR).bytes(&[]));
    assert_eq!(
        rig.ask(ANN, &enter(1, b'B', 60, PAR).bytes(&[])),
        ["A 1 B 60@1000000 Y", "D 1 60 60@1000000 RW"]
    );
    assert_eq!(rig.news(CAT), ["D 1 100 60@1000000 AO"]);
    assert_eq!(rig.ports.live(), 0);
    // An order's own word counts.
    rig.ask(CAT, &enter(2, b'S', 100, PAR).bytes(&[]));
    let decrement = [TagValue::AiqStrategy(AiqStrategy::DecrementBothMpid)];
    assert_eq!(
        rig.ask(ANN, &enter(2, b'B', 60, PAR).bytes(&decrement)),
        ["A 2 B 60@1000000 Y", "D 2 60 60@1000000 RD"]
    );
    assert_eq!(rig.news(CAT), ["D 2 60 60@1000000 AD"]);
    assert_eq!(rig.ports.live(), 1);
}

/// It was once taken for a refusal of what was asked: a modification was undone in risk, and the stop's owner
/// was told of a cancel that he had not asked for.
#[test]
fn a_stop_that_is_refused_is_no_refusal_of_the_cancel_that_woke_it() {
    for marks in [None, Some(b'T')] {
        let mut rig = Rig::up(&plan());
        rig.ask(ANN, &enter(1, b'S', 100, PAR).bytes(&[]));
        rig.ask(BOB, &enter(1, b'S', 100, PAR).bytes(&[]));
        let key = |port| rig.ports.open_orders(port).next().unwrap().key;
        let (order, stop) = (key(0), key(1));
        let told = [
            Report::Reduced { order, qty: 60, leaves: 40 },
            Report::Refused { order: stop, why: Refused::Phase },
        ];
        let reduce = Asked::Reduce { of: order, marks };
        let cancel = Run::cancel(order, CancelReason::UserRequested);
        for run in [Run { asked: reduce, ..cancel }, cancel] {
            let run = rig.ports.drive(rig.now, &mut rig.tape, |_, out| {
                out.run = run;
                told.into_iter().for_each(|report| out.push(report));
                out.run
            });
            assert_eq!((run.refused(order), run.refused(stop)), (None, Some(Refused::Phase)));
        }
        rig.pump();
        let first = if marks.is_some() { "M 1 T 40" } else { "C 1 60 U" };
        assert_eq!(rig.news(ANN)[0], first);
        assert_eq!(rig.news(BOB), [""; 0], "he asked for nothing");
        // Its own is.
        let run = Run { asked: reduce, ..cancel };
        let run = rig.ports.drive(rig.now, &mut rig.tape, |_, out| {
            out.run = run;
            out.push(Report::Refused { order, why: Refused::Phase });
            out.run
        });
        assert_eq!(run.refused(order), Some(Refused::Phase));
        rig.pump();
        assert_eq!(rig.news(ANN), ["I 1"]);
    }
}
