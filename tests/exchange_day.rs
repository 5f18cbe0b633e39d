//! A day of an exchange with a thousand accounts and a hundred instruments, seen from every side.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use engine::exchange::Command;
use rialto::flow::{Listed, Options, Population, in_process};
use types::{Nanos, Px, Symbol};

use crate::kit::exchange::{Rig, exchange};

const PORTS: u32 = 1_000;
const INSTRUMENTS: u32 = 100;

fn config() -> String {
    let mut text = String::from(
        r#"
[[exchange]]
name = "RLX"
extensions = true

[[exchange.shard]]
name = "x0"
capacity = { orders = 131072, terms = 65536, connections = 1100, replay_kib = 256 }
orders = "127.0.0.1:26501"
line_a = "239.192.78.1:26511"
line_b = "239.192.78.2:26512"

[[exchange.port]]
user = "U{n}"
count = 1000
password = "x"
firms = ["AAAA", "BBBB", "CCCC", "DDDD"]
self_match = "cancel-oldest"
"#,
    );
    for firm in ["AAAA", "BBBB", "CCCC", "DDDD"] {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "[[exchange.firm]]\nname = '{firm}'\ncredit = 1000000000000\n\
             drop_copy = {{ user = 'D{firm}', password = 'x' }}\n"
        );
    }
    let policies = ["price-time", "pro-rata", "price-broker-time"];
    for number in 0..INSTRUMENTS {
        let policy = policies[number as usize % policies.len()];
        let _ = write!(
            text,
            "[[exchange.instrument]]\nsymbols = ['S{number:03}']\nreference = '100.00'\npolicy = '{policy}'\n"
        );
    }
    text
}

fn population(seed: u64) -> Population {
    let px = |units: i64| Px::from_raw(units * Px::ONE);
    let listed = |number: u32| Listed {
        symbol: Symbol::parse(&format!("S{number:03}")).expect("a ticker"),
        reference: px(100),
        tick: Px::from_raw(Px::ONE / 100),
    };
    let instruments = (0..INSTRUMENTS).map(listed).collect();
    let options = Options {
        accounts: PORTS,
        variety: true,
        rate: 2_000,
        resting: 8_000,
        ..Options::new(seed, instruments)
    };
    Population::new(options).expect("options that can be")
}

#[test]
fn a_day_of_a_thousand_accounts_adds_up_from_every_side() {
    let begin = Nanos::from_secs(1_764_000_000);
    let mut rig = Rig::new(exchange(&config()), begin);
    rig.log_in();
    rig.advance(begin.saturating_add(Nanos::from_secs(1)));
    let mut population = population(7);
    let seconds = |count| begin.saturating_add(Nanos::from_secs(count));
    in_process::drive(&mut population, &mut rig, seconds(2), seconds(22));
    // What the lines have lost is asked for again once the next packet shows the gap.
    rig.advance(seconds(30));

    assert!(1_000 < rig.lost, "the lines lost {} packets", rig.lost);
    assert_ne!(rig.machine.state_hash(), 0, "orders rest in the end");
    assert_eq!(rig.follower.state_hash(), rig.machine.state_hash(), "the books of the feed");

    let record = population.record();
    let volume: u64 = rig.machine.traded().iter().map(|traded| traded.volume).sum();
    let all = record.traded_in_all();
    assert!(10_000 < volume, "{volume} shares were traded");
    assert_eq!((all.bought, all.sold), (volume, volume), "both sides of every fill");
    assert_eq!(all.paid, all.received, "at one price");
    assert_eq!((record.contradictions, record.malformed, record.refused), (0, 0, 0));

    rig.command(Command::Close);
    rig.advance(seconds(40));
    assert!(rig.machine.is_over());
    assert_eq!(rig.machine.ports().live(), 0, "no order outlives the day");
    copies_equal_the_streams(&rig);
}

/// What every port was told went to its firm's drop copy, in the same order.
fn copies_equal_the_streams(rig: &Rig) {
    let mut copied: BTreeMap<[u8; 6], Vec<Vec<u8>>> = BTreeMap::new();
    for (user, message) in rig.copied() {
        copied.entry(user).or_default().push(message);
    }
    for (port, plan) in rig.exchange.ports.iter().enumerate() {
        let copies = copied.remove(&plan.login.user).unwrap_or_default();
        assert_eq!(copies, rig.heard(port), "port {port}");
    }
    assert!(copied.is_empty(), "a copy of nobody's");
}
