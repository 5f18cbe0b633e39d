//! Anything at once, from several ports: what each client makes of its own stream is what the exchange
//! has, the drop copies are what the ports were told, and both sides of each trade agree.

extern crate std;

use std::collections::BTreeMap;
use std::vec::Vec;

use matching::Control;
use proptest::prelude::*;
use risk::port::Whose;
use types::{AccountId, FirmId};
use wire::ouch50::outbound::Message;
use wire::ouch50::{Side, TagValue};

use crate::kit::{Rig, USERS, cancel, enter, modify, plan, replace};
use crate::orders::trade_side;

const PORTS: usize = 3;
/// 100.00.
const PAR: u64 = 1_000_000;

/// What a client knows of an order that lives: its side, shares in all and open, and price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    side: u8,
    leaves: u32,
    price: u64,
}

/// A client's orders by channel and number, made of nothing but its stream.
#[derive(Default)]
struct Record {
    live: BTreeMap<(u8, u32), Known>,
    /// By execution: bid or offer, shares, price.
    fills: Vec<(u64, types::Side, u32, u64)>,
}

impl Record {
    fn of(stream: &[Vec<u8>]) -> Self {
        let mut record = Self::default();
        for bytes in stream {
            record.take(bytes);
        }
        record
    }

    fn take(&mut self, bytes: &[u8]) {
        let message = Message::parse(bytes).unwrap();
        let channel = message.appendage().strict().unwrap().channel();
        match message {
            Message::Accepted(m, _) => {
                let known = Known { side: m.side, leaves: m.quantity(), price: m.price() };
                assert!(self.live.insert((channel, m.user_ref()), known).is_none());
            }
            Message::Replaced(m, _) => {
                assert!(self.live.remove(&(channel, m.orig_user_ref())).is_some());
                let known = Known { side: m.side, leaves: m.quantity(), price: m.price() };
                assert!(self.live.insert((channel, m.user_ref()), known).is_none());
            }
            Message::Canceled(m, _) => self.reduce((channel, m.user_ref()), m.quantity()),
            Message::AiqCanceled(m, _) => {
                assert!(m.prevented() <= m.decrement());
                self.reduce((channel, m.user_ref()), m.decrement());
            }
            Message::Executed(m, _) => {
                let side = trade_side(self.live[&(channel, m.user_ref())].side);
                self.fills.push((m.match_number(), side, m.quantity(), m.price()));
                self.reduce((channel, m.user_ref()), m.quantity());
            }
            Message::Modified(m, _) => {
                let known = self.live.get_mut(&(channel, m.user_ref())).unwrap();
                (known.side, known.leaves) = (m.side, m.quantity());
            }
            Message::Rejected(..)
            | Message::AccountQueryResponse(..)
            | Message::MassCancelResponse(..)
            | Message::PriorityUpdate(..)
            | Message::DisableResponse(..)
            | Message::EnableResponse(..) => {}
            Message::SystemEvent(..)
            | Message::Broken(..)
            | Message::CancelPending(..)
            | Message::CancelReject(..)
            | Message::Restated(..) => panic!("nobody asked for it: {message:?}"),
        }
    }

    /// Never more than it has.
    fn reduce(&mut self, name: (u8, u32), qty: u32) {
        let known = self.live.get_mut(&name).expect("it is live");
        known.leaves = known.leaves.checked_sub(qty).expect("it has as many");
        if known.leaves == 0 {
            self.live.remove(&name);
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Enter {
        side: u8,
        qty: u32,
        price: u64,
        tif: u8,
        options: Vec<TagValue>,
    },
    Replace {
        orig: u32,
        qty: u32,
        price: u64,
    },
    Cancel {
        user_ref: u32,
        qty: u32,
    },
    Modify {
        user_ref: u32,
        side: u8,
        qty: u32,
    },
    /// Sends the last request once more.
    Again,
    Mass {
        one_side: bool,
    },
    Garbage(Vec<u8>),
    Break,
    /// The next of a halt, orders again, and the cross that ends it.
    Phase,
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let price = (0..10u64).prop_map(|ticks| PAR - 500 + ticks * 100);
    let side = prop::sample::select(b"BBSTE".to_vec());
    let options = prop::sample::subsequence(
        std::vec![
            TagValue::UserRefIdx(3),
            TagValue::GroupId(7),
            TagValue::AiqStrategy(wire::ouch50::AiqStrategy::DecrementBothMpid),
            TagValue::PostOnly(wire::ouch50::PostOnly::PostOnly),
            TagValue::MinQty(2),
        ],
        0..3,
    );
    let tif = prop::sample::select(b"0003".to_vec());
    let enter = (side.clone(), 0..60u32, price.clone(), tif, options).prop_map(
        |(side, qty, price, tif, options)| Step::Enter { side, qty, price, tif, options },
    );
    let replace = (0..12u32, 0..60u32, price).prop_map(|(orig, qty, price)| Step::Replace {
        orig,
        qty,
        price,
    });
    let step = prop_oneof![
        8 => enter,
        3 => replace,
        3 => (0..12u32, 0..40u32).prop_map(|(user_ref, qty)| Step::Cancel { user_ref, qty }),
        2 => (0..12u32, side, 0..40u32)
            .prop_map(|(user_ref, side, qty)| Step::Modify { user_ref, side, qty }),
        1 => Just(Step::Again),
        1 => any::<bool>().prop_map(|one_side| Step::Mass { one_side }),
        1 => prop::collection::vec(any::<u8>(), 0..60).prop_map(Step::Garbage),
        1 => Just(Step::Break),
        1 => Just(Step::Phase),
    ];
    prop::collection::vec((0..PORTS, step), 1..120)
}

/// Each client's next number, on its first channel and on the other it uses.
struct Numbers([[u32; 2]; PORTS]);

impl Numbers {
    /// The request; numbers of old orders count back from the last.
    fn request(&mut self, who: usize, step: &Step) -> Vec<u8> {
        let numbers = &mut self.0[who];
        match step {
            Step::Enter { side, qty, price, tif, options } => {
                let other = options.contains(&TagValue::UserRefIdx(3));
                let number = &mut numbers[usize::from(other)];
                *number += 1;
                enter(*number, *side, *qty, *price).with(|m| m.time_in_force = *tif).bytes(options)
            }
            Step::Replace { orig, qty, price } => {
                numbers[0] += 1;
                let orig = numbers[0].saturating_sub(*orig);
                replace(orig, numbers[0], *qty, *price, &[])
            }
            Step::Cancel { user_ref, qty } => {
                let values = [TagValue::UserRefIdx(3)];
                let other = usize::from(qty % 2 == 0);
                let user_ref = numbers[other].saturating_sub(*user_ref);
                cancel(user_ref, *qty, &values[..other])
            }
            Step::Modify { user_ref, side, qty } => {
                modify(numbers[0].saturating_sub(*user_ref), *side, *qty)
            }
            Step::Mass { one_side } => {
                numbers[0] += 1;
                let values = [TagValue::Side(Side::SellShort)];
                let m = wire::ouch50::inbound::MassCancel {
                    header: wire::ouch50::inbound::Head::new(),
                    user_ref: numbers[0].into(),
                    firm: if who == 1 { *b"BBBB" } else { *b"AAAA" },
                    symbol: [b' '; 8],
                };
                crate::kit::with_options(&values[..usize::from(*one_side)], |options, out| {
                    m.encode(options, out)
                })
            }
            Step::Garbage(bytes) => bytes.clone(),
            Step::Again | Step::Break | Step::Phase => Vec::new(),
        }
    }
}

proptest! {
    #[test]
    fn what_a_client_makes_of_its_stream_is_what_the_exchange_has(steps in steps()) {
        let mut rig = Rig::up(&plan());
        let mut numbers = Numbers([[0; 2]; PORTS]);
        let mut phases = [Control::Halt, Control::PreReopen, Control::Reopen].into_iter().cycle();
        let mut last: [Vec<u8>; PORTS] = Default::default();
        for (who, step) in steps {
            if let Step::Break = step {
                rig.disconnect(who);
                continue;
            }
            if let Step::Phase = step {
                rig.control(phases.next().unwrap());
                continue;
            }
            if !rig.peers[who].is_open {
                let next = rig.peers[who].told.len() as u64 + 1;
                rig.connect(who, next);
            }
            if let Step::Again = step {
                let again = last[who].clone();
                if !again.is_empty() {
                    rig.send(who, &again);
                }
                continue;
            }
            let request = numbers.request(who, &step);
            rig.send(who, &request);
            if !matches!(step, Step::Garbage(_)) {
                last[who] = request;
            }
        }
        for who in 0..USERS.len() {
            if !rig.peers[who].is_open {
                let next = rig.peers[who].told.len() as u64 + 1;
                rig.connect(who, next);
            }
        }
        check(&rig)?;
        end(&mut rig)?;
    }
}

/// Everything ends, and with it what was reserved; what traded stays counted.
fn end(rig: &mut Rig) -> Result<(), TestCaseError> {
    rig.ports.kill(rig.now, Whose::Venue, &mut rig.tape).unwrap();
    rig.pump();
    prop_assert_eq!((rig.ports.live(), rig.ports.floor().market().live()), (0, 0));
    let risk = rig.ports.risk();
    let accounts = (0..4).map(|account| risk.account_line(AccountId::new(account)));
    for line in accounts.chain([0, 1].map(|firm| risk.firm_line(FirmId::new(firm)))) {
        prop_assert_eq!(risk.exposure(line), risk.executed(line), "{:?}", line);
    }
    Ok(())
}

fn check(rig: &Rig) -> Result<(), TestCaseError> {
    let mut trades: BTreeMap<u64, Vec<_>> = BTreeMap::new();
    let mut live = 0;
    for port in 0..PORTS {
        let record = Record::of(&rig.peers[port].told);
        let has = rig.ports.open_orders(port as u16).map(|open| {
            let known = Known { side: open.side, leaves: open.leaves, price: open.price.into() };
            ((open.channel, open.user_ref), known)
        });
        prop_assert_eq!(&record.live, &has.collect());
        live += record.live.len();
        for (match_no, side, qty, price) in record.fills {
            trades.entry(match_no).or_default().push((side, qty, price));
        }
    }
    prop_assert_eq!(live, rig.ports.live() as usize);
    prop_assert_eq!(live, rig.ports.floor().market().live() as usize, "and so has the floor");
    for (match_no, sides) in trades {
        prop_assert_eq!(sides.len(), 2, "trade {}", match_no);
        prop_assert_eq!((sides[0].1, sides[0].2), (sides[1].1, sides[1].2));
        prop_assert_ne!(sides[0].0, sides[1].0);
    }
    for (drop, users) in [(3, &[0, 2][..]), (4, &[1][..])] {
        for &user in users {
            let name = std::format!("{:6}", USERS[user]);
            let copied =
                rig.peers[drop].told.iter().filter_map(|told| told.strip_prefix(name.as_bytes()));
            let own = rig.peers[user].told.iter().map(Vec::as_slice);
            prop_assert!(copied.eq(own), "{}", name);
        }
        let all: usize = users.iter().map(|&user| rig.peers[user].told.len()).sum();
        prop_assert_eq!(rig.peers[drop].told.len(), all);
    }
    let counters = rig.ports.counters();
    prop_assert_eq!((counters.strangers, counters.unsaid, counters.lapped), (0, 0, 0));
    Ok(())
}
