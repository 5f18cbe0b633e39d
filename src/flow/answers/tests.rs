//! One order, and each answer that may come to it.

use types::Nanos;
use wire::ouch50::{RejectReason, Side, outbound as o};

use crate::flow::orders::{Entered, Slot, Stage};
use crate::flow::tests::options;
use crate::flow::{Options, Population};

/// One order of 100 shares, number 2 of port 0 after a login, not answered yet.
fn one_order() -> (Population, Slot) {
    let mut population =
        Population::new(Options { accounts: 1, accounts_per_port: 1, ..options(1) })
            .expect("options that can be");
    population.orders.enter(Entered {
        port: 0,
        instrument: 0,
        account: 0,
        user_ref: 2,
        side: Side::Buy,
        immediate: false,
        pegged: false,
        price: 500_000,
        quantity: 100,
        due: Nanos::ZERO,
    });
    let (slot, _) = population.orders.find(0, 2).expect("entered");
    (population, slot)
}

/// What is heard, with shares where there are any.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Accepted {
        dead: bool,
    },
    Executed(u32),
    Canceled(u32),
    SelfMatch(u32),
    Modified(u32),
    Rejected(u32),
    CancelReject,
    /// Of number 2 by number 3.
    Replaced(u32),
}

impl Answer {
    fn bytes(self) -> Vec<u8> {
        use wire::ouch50::{Appendage, OrderState};
        let mut out = vec![0; o::LEN_MAX];
        let (one, price) = (2.into(), 500_000.into());
        let len = match self {
            Self::Accepted { dead } => {
                let state = if dead { OrderState::Dead } else { OrderState::Live }.byte();
                let (header, symbol, quantity) = (o::Head::new(1), *b"AAA     ", 100.into());
                let (side, time_in_force, display, capacity) = (b'B', b'0', b'Y', b'A');
                let (intermarket_sweep, cross, cl_ord_id) = (b'N', b'N', [b' '; 14]);
                o::Accepted {
                    header,
                    user_ref: one,
                    side,
                    quantity,
                    symbol,
                    price,
                    time_in_force,
                    display,
                    order_ref: 1.into(),
                    capacity,
                    intermarket_sweep,
                    cross,
                    state,
                    cl_ord_id,
                }
                .encode(Appendage::EMPTY, &mut out)
            }
            Self::Replaced(left) => {
                let (header, symbol, quantity) = (o::Head::new(1), *b"AAA     ", left.into());
                let (side, time_in_force, display, capacity) = (b'B', b'0', b'Y', b'A');
                let (intermarket_sweep, cross, cl_ord_id) = (b'N', b'N', [b' '; 14]);
                o::Replaced {
                    header,
                    orig_user_ref: one,
                    user_ref: 3.into(),
                    side,
                    quantity,
                    symbol,
                    price,
                    time_in_force,
                    display,
                    order_ref: 1.into(),
                    capacity,
                    intermarket_sweep,
                    cross,
                    state: OrderState::Live.byte(),
                    cl_ord_id,
                }
                .encode(Appendage::EMPTY, &mut out)
            }
            Self::Executed(quantity) => o::Executed {
                header: o::Head::new(1),
                user_ref: one,
                quantity: quantity.into(),
                price,
                liquidity: b'A',
                match_number: 1.into(),
            }
            .encode(Appendage::EMPTY, &mut out),
            Self::Canceled(quantity) => o::Canceled {
                header: o::Head::new(1),
                user_ref: one,
                quantity: quantity.into(),
                reason: b'U',
            }
            .encode(Appendage::ABSENT, &mut out),
            Self::SelfMatch(decrement) => o::AiqCanceled {
                header: o::Head::new(1),
                user_ref: one,
                decrement: decrement.into(),
                reason: b'Q',
                prevented: decrement.into(),
                price,
                liquidity: b'R',
                strategy: b'D',
            }
            .encode(Appendage::ABSENT, &mut out),
            Self::Modified(left) => o::Modified {
                header: o::Head::new(1),
                user_ref: one,
                side: b'B',
                quantity: left.into(),
            }
            .encode(Appendage::ABSENT, &mut out),
            Self::Rejected(user_ref) => o::Rejected {
                header: o::Head::new(1),
                user_ref: user_ref.into(),
                reason: RejectReason::Halted.number().into(),
                cl_ord_id: [b' '; 14],
            }
            .encode(Appendage::ABSENT, &mut out),
            Self::CancelReject => o::CancelReject { header: o::Head::new(1), user_ref: one }
                .encode(Appendage::ABSENT, &mut out),
        };
        out.truncate(len.expect("room for any"));
        out
    }
}

/// What comes first, what is asked then, what comes then; shares left, and answers that do not fit.
type Case<'a> = (&'a [Answer], Stage, &'a [Answer], Option<u32>, u64);

#[test]
fn each_answer_changes_the_order_it_names() {
    use Answer as A;
    let live = A::Accepted { dead: false };
    let replacing = Stage::Replacing { user_ref: 3, due: Nanos::ZERO };
    let cases: [Case<'_>; 15] = [
        // first                  then asked    then                          leaves      contradictions
        (&[live], Stage::Live, &[], Some(100), 0),
        (&[A::Accepted { dead: true }], Stage::Live, &[], None, 0),
        (&[A::Rejected(2)], Stage::Live, &[], None, 0),
        (&[live, A::Executed(40)], Stage::Live, &[], Some(60), 0),
        (&[live, A::Executed(40)], Stage::Live, &[A::Executed(60)], None, 0),
        (&[live, A::Executed(40)], Stage::Live, &[A::Executed(61)], Some(60), 1),
        (&[live], Stage::Reducing, &[A::Canceled(30)], Some(70), 0),
        (&[live], Stage::Reducing, &[A::Canceled(100)], None, 0),
        (&[live], Stage::Reducing, &[A::CancelReject], Some(100), 0),
        (&[live], Stage::Reducing, &[A::Modified(20)], Some(20), 0),
        (&[live], Stage::Live, &[A::SelfMatch(10), A::SelfMatch(90)], None, 0),
        (&[live], replacing, &[A::Rejected(3)], Some(100), 0),
        // A refused replacement may end the order; one whose order is gone is not heard of.
        (&[live], replacing, &[A::Rejected(3), A::Canceled(100)], None, 0),
        (&[live], replacing, &[A::Executed(100), A::Rejected(3)], None, 0),
        (&[live], Stage::Live, &[live, A::Replaced(10)], Some(100), 2),
    ];
    for (first, asked, then, leaves, contradictions) in cases {
        let (mut population, slot) = one_order();
        for answer in first {
            population.on_message(0, &answer.bytes(), Nanos::new(5));
        }
        if asked != Stage::Live {
            population.orders.turn(slot, asked);
        }
        for answer in then {
            population.on_message(0, &answer.bytes(), Nanos::new(5));
        }
        let left = population.orders.find(0, 2).map(|(_, order)| order.leaves);
        let what = format!("{first:?}, {asked:?}, {then:?}");
        assert_eq!((left, population.record().contradictions), (leaves, contradictions), "{what}");
        assert_eq!((population.record().malformed, population.unanswered()), (0, 0), "{what}");
        assert_eq!(population.orders.standing(), u32::from(leaves.is_some()), "{what}");
    }
}

#[test]
fn a_replaced_order_goes_on_under_its_new_number() {
    let (mut population, slot) = one_order();
    population.on_message(0, &Answer::Accepted { dead: false }.bytes(), Nanos::from_millis(5));
    population.on_message(0, &Answer::Executed(40).bytes(), Nanos::from_millis(5));
    let stage = Stage::Replacing { user_ref: 3, due: Nanos::from_millis(2) };
    population.orders.turn(slot, stage);
    population.on_message(0, &Answer::Replaced(25).bytes(), Nanos::from_millis(9));
    assert!(population.orders.find(0, 2).is_none());
    let (_, order) = population.orders.find(0, 3).expect("it goes on");
    assert_eq!((order.user_ref, order.leaves), (3, 25));
    assert_eq!((order.executed, order.executed_before), (0, 40));
    let record = population.record();
    assert_eq!((record.accepted, record.replaced, record.contradictions), (1, 1, 0));
    // From when each was to be sent, to three figures.
    let ends = [record.latency.min(), record.latency.max()].map(|ns| (ns + 5_000) / 10_000);
    assert_eq!(ends, [500, 700]);
}
