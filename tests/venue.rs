//! `rialto venue` as a person starts it: traded on by `rialto flow`, followed by our own feed handlers, heard by
//! drop copies.

mod bad_input;
mod client;
mod control;
mod house;
mod peers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread;

use engine::{Trade, gauges};
use rialto::cpus::Cpus;
use rialto::fault::{self, Source};
use rialto::flow::sockets::{self, SocketOptions};
use rialto::flow::{Listed, Options, Population, Traded};
use rialto::launch::{self, Live};
use rialto::stop::Stop;
use rialto::topology;
use types::{InstrumentId, Px, Symbol};

use crate::publish::{PATIENCE, until};
use client::stream_of;
use house::{DROPS, House, PASSWORD, PORTS, Places, SHARDS, figure};

/// Trades of each shard that are enough to compare.
const FILLS: u64 = 300;

/// A population on one shard, and what it traded. It acts until `stop` is raised.
fn flow(shard: usize, orders: SocketAddr, stop: &Stop) -> Population {
    let listed = |&(symbol, price): &(&str, &str)| Listed {
        symbol: Symbol::parse(symbol).unwrap(),
        reference: Px::parse(price).unwrap(),
        tick: Px::from_price4(100),
    };
    let instruments = SHARDS[shard].1.iter().map(listed).collect();
    let options = Options {
        accounts: PORTS * 4,
        accounts_per_port: 4,
        variety: true,
        rate: 1_000,
        resting: 400,
        firms: vec![*b"ALFA", *b"BRVO"],
        ..Options::new(7 + shard as u64, instruments)
    };
    let mut population = Population::new(options).unwrap();
    let credentials = sockets::credentials("U{n}", PASSWORD, PORTS).unwrap();
    let options = SocketOptions {
        login: PATIENCE,
        grace: PATIENCE,
        ..SocketOptions::new(orders, credentials)
    };
    let links = sockets::run(&mut population, &options, stop).unwrap();
    assert_eq!((links.logins, links.refused, links.cut), (u64::from(PORTS), 0, 0), "{links:?}");
    population
}

/// The engine's own feed handlers on both feeds. `session`: of each feed, as the configuration has it.
fn follow(places: &[Places; 2], session: &str, snapshots: bool) -> Live {
    let mut text = String::new();
    for name in ["left", "right"] {
        text.push_str(&format!(
            "[[shard]]\nname = \"{name}\"\n\
             capacity = {{ instruments = 16, orders = 65_536, levels = 65_536 }}\n"
        ));
    }
    for ((name, _), at) in SHARDS.iter().zip(places) {
        text.push_str(&format!(
            "[[feed]]\nname = \"{name}\"\nvenue = \"nasdaq\"\nline_a = \"{}\"\nline_b = \"{}\"\n\
             rerequest = \"{}\"\n{session}\n",
            at.lines[0], at.lines[1], at.rerequest
        ));
        if snapshots {
            text.push_str(&format!(
                "snapshot = {{ address = \"{}\", user = \"RIALTO\", password = \"Rialto\" }}\n",
                at.snapshot
            ));
        }
    }
    let source = Source { name: "follower".to_owned(), text };
    let config = fault::read(&source).unwrap();
    let topology = topology::check(&config, &source, &Cpus::here()).unwrap();
    launch::launch(&topology).unwrap()
}

/// Waits until every feed has ended, and gives the machines.
fn heard(live: Live) -> Vec<Trade> {
    /// As `rialto_feed_state` has it.
    const ENDED: u64 = 6;
    let watches: Vec<_> = live.shards.iter().map(|shard| shard.watch.clone()).collect();
    until("the feeds have ended", || {
        watches.iter().all(|watch| {
            let values = watch.machine();
            (0..2).all(|feed| gauges::value(&values, feed, "rialto_feed_state") == ENDED)
        })
    });
    live.stop().unwrap().trades
}

/// Nothing was lost, and nothing did not fit.
fn assert_whole(trades: &[Trade]) {
    for feed in trades.iter().flat_map(Trade::feeds) {
        let (health, mirror) = (feed.health(), feed.mirror());
        assert_eq!((health.given_up, mirror.tally().faults), (0, 0), "{health:?}");
        assert_eq!(mirror.books().counters().went_stale, 0);
        assert!(mirror.is_trusted(), "{health:?}");
    }
}

/// Shares traded, of one side, as the books say.
fn volume(trades: &[Trade], feed: usize) -> u64 {
    let of = |trade: &Trade| {
        let books = trade.feeds()[feed].mirror().books();
        let count = trade.symbols().len() as u32;
        let shares = |at| books.stats(InstrumentId::new(at)).volume.get();
        (0..count).map(shares).sum::<u64>()
    };
    trades.iter().map(of).sum()
}

/// A drop copy is told what each port of its firm is told, with the port's user before it.
fn assert_copied(venue: SocketAddr) {
    for (firm, drop) in DROPS.iter().enumerate() {
        let mut copied: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
        for message in stream_of(venue, drop) {
            let (user, message) = message.split_at(6);
            copied.entry(user.to_vec()).or_default().push(message.to_vec());
        }
        let users =
            (1 + firm as u32..=PORTS).step_by(DROPS.len()).map(|port| format!("U{port:05}"));
        let own = users.map(|user| (user.as_bytes().to_vec(), stream_of(venue, &user)));
        let own: BTreeMap<_, _> = own.collect();
        assert!(
            own.values().all(|told| !told.is_empty()),
            "each port of {drop} was told something"
        );
        assert!(copied == own, "{drop} is told what its ports are told, and nothing else");
    }
}

#[test]
fn flow_feed_and_drop_copies_agree_with_the_venue() {
    let house = House::open(64, 8_192);
    // It has every message, on a busy host too: a snapshot would not say what was traded before it.
    let whole = follow(&house.shards, "session = { attempts = 1_000 }", false);
    let stops = [Stop::new(), Stop::new()];
    let (traded, late) = thread::scope(|scope| {
        let flows: Vec<_> = (0..2)
            .map(|shard| {
                let (orders, stop) = (house.shards[shard].orders, &stops[shard]);
                scope.spawn(move || flow(shard, orders, stop))
            })
            .collect();
        (0..2).for_each(|shard| house.wait_for(shard, "rialto_exchange_fills_total", FILLS / 4));
        // It cannot ask for what it missed one by one, and takes a snapshot.
        let late = follow(&house.shards, "session = { attempts = 1, gap_messages_max = 1 }", true);
        (0..2).for_each(|shard| house.wait_for(shard, "rialto_exchange_fills_total", FILLS));
        stops.iter().for_each(|stop| assert!(stop.request()));
        let traded: Vec<Traded> = flows
            .into_iter()
            .map(|flow| {
                let population = flow.join().unwrap();
                let record = population.record();
                let wrong = record.contradictions + record.malformed;
                assert_eq!((wrong, population.unanswered()), (0, 0), "{record:?}");
                record.traded_in_all()
            })
            .collect();
        (traded, late)
    });
    house.shards.iter().for_each(|shard| assert_copied(shard.orders));

    let summary = house.close();
    let (whole, late) = (heard(whole), heard(late));
    assert_whole(&whole);
    assert_whole(&late);
    for (shard, Traded { bought, sold, .. }) in traded.iter().enumerate() {
        assert!(FILLS <= figure(&summary, shard, "fills"));
        let own = figure(&summary, shard, "volume");
        assert_eq!((*bought, *sold), (own, own), "shard {shard}");
        assert_eq!(volume(&whole, shard), own, "shard {shard}");
        let joined: u64 = late.iter().map(|trade| trade.feeds()[shard].health().snapshots).sum();
        assert!(0 < joined, "shard {shard}");
        for none in ["lost", "unsaid", "malformed", "stalled"] {
            assert_eq!(figure(&summary, shard, none), 0, "{none} of shard {shard}");
        }
    }
}
