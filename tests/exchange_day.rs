//! A day of an exchange with a thousand accounts and a hundred instruments, seen from every side.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use engine::exchange::Command;
use matching::Control;
use rialto::flow::{Listed, Options, Population, Ports as _, Traded, in_process};
use types::{InstrumentId, Nanos, Px, Symbol};
use wire::ouch50::{Flag, MARKET_PRICE, Side, TagValue, outbound};

use crate::kit::exchange::{Rig, exchange};
use crate::kit::order::{bytes, order};

const PORTS: u32 = 1_000;
/// The port after those.
const STOPS: u16 = 1_000;
const INSTRUMENTS: u32 = 100;
/// The ports' firms, in turn.
const FIRMS: [&str; 4] = ["AAAA", "BBBB", "CCCC", "DDDD"];

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

# Who sends what OUCH 5.0 has no word for.
[[exchange.port]]
user = "STOPS"
password = "x"
firms = ["AAAA"]

[exchange.hours]
pre_open = "00:00:02"
opening_imbalance = "00:00:04"
open = "00:00:10"
closing_imbalance = "00:00:35"
close = "00:00:50"
"#,
    );
    for firm in FIRMS {
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
        firms: FIRMS.map(|firm| firm.as_bytes().try_into().expect("four letters")).to_vec(),
        ..Options::new(seed, instruments)
    };
    Population::new(options).expect("options that can be")
}

#[test]
fn a_day_of_a_thousand_accounts_adds_up_from_every_side() {
    let midnight = Nanos::from_secs(20_000 * 86_400);
    let seconds = |count| midnight.saturating_add(Nanos::from_secs(count));
    let mut rig = Rig::new(exchange(&config()), PORTS, midnight);
    rig.log_in();
    rig.advance(seconds(3));
    let mut population = population(7);
    // The pre-open, the opening cross, and continuous trading after it.
    in_process::drive(&mut population, &mut rig, seconds(3), seconds(20));
    same_books(&mut rig);
    let of_instruments = |control| {
        (0..INSTRUMENTS / 2)
            .map(InstrumentId::new)
            .map(move |instrument| Command::Control { instrument, control })
    };
    of_instruments(Control::Halt).for_each(|command| rig.command(command));
    in_process::go_on(&mut population, &mut rig, seconds(25));
    same_books(&mut rig);
    send_stops(&mut rig);
    of_instruments(Control::PreReopen).for_each(|command| rig.command(command));
    in_process::go_on(&mut population, &mut rig, seconds(30));
    of_instruments(Control::Reopen).for_each(|command| rig.command(command));
    in_process::go_on(&mut population, &mut rig, seconds(49));
    same_books(&mut rig);
    assert_ne!(rig.machine.state_hash(), 0, "orders rest before the close");
    assert!(1_000 < rig.lost, "the lines lost {} packets", rig.lost);
    // The closing cross.
    in_process::go_on(&mut population, &mut rig, seconds(52));
    let crosses: u64 = rig.machine.traded().iter().map(|traded| traded.crosses).sum();
    assert!(50 < crosses, "{crosses} crosses had a price");

    let (kinds, own) = of_stops(&rig);
    for kind in *b"AETC" {
        assert!(kinds.contains_key(&kind), "no {} among {kinds:?}", char::from(kind));
    }
    let record = population.record();
    let volume: u64 = rig.machine.traded().iter().map(|traded| traded.volume).sum();
    let all = record.traded_in_all();
    let all = Traded {
        bought: all.bought + own.bought,
        sold: all.sold + own.sold,
        paid: all.paid + own.paid,
        received: all.received + own.received,
    };
    assert!(10_000 < volume, "{volume} shares were traded");
    assert_eq!((all.bought, all.sold), (volume, volume), "both sides of every fill");
    assert_eq!(all.paid, all.received, "at one price");
    assert_eq!((record.contradictions, record.malformed, record.refused), (0, 0, 0));
    let mass_cancels = record.sent.mass_cancels;
    assert!(0 < mass_cancels && record.mass_canceled == mass_cancels, "each names its port's firm");

    rig.command(Command::Close);
    rig.advance(seconds(60));
    same_books(&mut rig);
    assert!(rig.machine.is_over() && rig.is_ended());
    assert_eq!(rig.machine.ports().live(), 0, "no order outlives the day");
    assert_eq!(rig.machine.lost(), 0);
    same_volumes(&rig);
    copies_equal_the_streams(&rig);
}

/// What the feed's prints come to is what was traded, instrument by instrument.
fn same_volumes(rig: &Rig) {
    let books = rig.follower.feeds()[0].mirror().books();
    for (listing, traded) in rig.exchange.shards[0].listings.iter().zip(rig.machine.traded()) {
        let instrument = rig.follower.find(listing.symbol).expect("it was listed");
        let told = books.stats(instrument).volume.get();
        assert_eq!(told, traded.volume, "{}, {:?}", listing.symbol, listing.policy);
    }
}

/// Stops on both sides, with a limit and without, and orders that become limit orders at the best price:
/// in the instruments that trade most, of those that are not halted.
fn send_stops(rig: &mut Rig) {
    let mut user_ref = 0;
    for number in INSTRUMENTS / 2..INSTRUMENTS / 2 + 20 {
        let symbol = format!("S{number:03}");
        let (low, high) = (999_500_u64, 1_000_500_u64);
        let orders = [
            (Side::Buy, MARKET_PRICE, TagValue::StopPrice(high)),
            (Side::Buy, high + 500, TagValue::StopPrice(high)),
            (Side::Sell, MARKET_PRICE, TagValue::StopPrice(low)),
            (Side::Sell, low - 500, TagValue::StopPrice(low)),
            (Side::Buy, MARKET_PRICE, TagValue::MarketToLimit(Flag::Yes)),
            (Side::Sell, MARKET_PRICE, TagValue::MarketToLimit(Flag::Yes)),
        ];
        for (side, price, option) in orders {
            user_ref += 1;
            let order = order(user_ref, side, 100, &symbol, price);
            assert!(rig.send(STOPS, &bytes(&order, &[option])));
        }
    }
}

/// What the port of the stops was told, by type, and what it traded.
fn of_stops(rig: &Rig) -> (BTreeMap<u8, u64>, Traded) {
    let (mut kinds, mut traded) = (BTreeMap::new(), Traded::default());
    let mut buys = BTreeMap::new();
    for message in rig.heard(usize::from(STOPS)) {
        *kinds.entry(message[0]).or_default() += 1;
        let answer = outbound::Message::parse(message).expect("an answer");
        if let outbound::Message::Accepted(m, _) = answer {
            buys.insert(m.user_ref(), m.side() == Ok(Side::Buy));
        }
        if let outbound::Message::Executed(m, _) = answer {
            let (shares, value) = if buys[&m.user_ref()] {
                (&mut traded.bought, &mut traded.paid)
            } else {
                (&mut traded.sold, &mut traded.received)
            };
            *shares += u64::from(m.quantity());
            *value += u128::from(m.quantity()) * u128::from(m.price());
        }
    }
    (kinds, traded)
}

/// Once what the lines have lost was asked for again, the books of the feed are the exchange's own.
fn same_books(rig: &mut Rig) {
    // A heartbeat shows a gap at the end.
    let later = rig.now.saturating_add(Nanos::from_millis(2_500));
    rig.advance(later);
    assert_eq!(rig.follower.state_hash(), rig.machine.state_hash(), "at {}", rig.now);
}

/// What every port was told went to its firm's drop copy, in the same order.
pub(crate) fn copies_equal_the_streams(rig: &Rig) {
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

/// Every message of it has room on its way out, and nobody who reads is cut off.
#[test]
fn one_order_that_takes_everything_loses_nothing() {
    const SELLERS: u32 = 20;
    const EACH: u32 = 1_000;
    let (hours, rest) = config().split_once("[exchange.hours]").map_or_else(
        || panic!("the configuration has hours"),
        |(before, after)| (before.to_owned(), after.to_owned()),
    );
    let members = rest.split_once("[[exchange.firm]]").expect("firms").1;
    // Trading begins at once, and a port is told more in one input than it usually is in a day.
    let text = format!("{hours}\n[[exchange.firm]]{members}")
        .replace("replay_kib = 256", "replay_kib = 4096");
    let midnight = Nanos::from_secs(20_000 * 86_400);
    let mut rig = Rig::new(exchange(&text), PORTS, midnight);
    rig.log_in();
    rig.advance(midnight.saturating_add(Nanos::from_secs(1)));
    let symbol = "S000";
    for (user_ref, port) in
        (1..=EACH).flat_map(|n| (0..SELLERS as u16).map(move |p| (n, p / 3 * 4 + p % 3)))
    {
        let sell = order(user_ref, Side::Sell, 1, symbol, 1_000_000);
        assert!(rig.send(port, &bytes(&sell, &[])));
    }
    let buy = order(1, Side::Buy, SELLERS * EACH, symbol, 1_000_000);
    // Every fourth port is of its firm, and none of those sells.
    assert!(rig.send(999, &bytes(&buy, &[])));
    let later = rig.now.saturating_add(Nanos::from_secs(5));
    rig.advance(later);
    assert_eq!(rig.machine.lost(), 0);
    let executed = rig.heard(999).iter().filter(|message| message[0] == b'E').count();
    assert_eq!(executed as u32, SELLERS * EACH);
    same_books(&mut rig);
    same_volumes(&rig);
    copies_equal_the_streams(&rig);
}
