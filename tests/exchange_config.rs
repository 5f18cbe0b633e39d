//! Faults of an `[[exchange]]`, each with its place.

use rialto::cpus::Cpus;
use rialto::fault::{self, Source};
use rialto::topology;

use crate::kit::exchange::TWO_SHARDS;

fn faults(text: &str) -> Vec<String> {
    let source = Source { name: "x.toml".to_owned(), text: text.to_owned() };
    let found = match fault::read(&source) {
        Err(fault) => vec![fault],
        Ok(config) => topology::check(&config, &source, &Cpus::plain(4)).err().unwrap_or_default(),
    };
    found.iter().map(|fault| source.line(fault)).collect()
}

/// One change of a good file, and the fault it makes.
const CASES: &[(&str, &str, &str)] = &[
    ("name = \"RLX\"", "name = \"RLX-LONG\"", "exchange name `RLX-LONG` is not 1 to 6 letters"),
    ("name = \"x1\"", "name = \"x0\"", "shard name `x0` is taken by the shard at line 6"),
    ("[\"AAPL\"]\ncap", "[\"APPL\"]\ncap", "instrument APPL is on no list of the exchange"),
    ("\"MSFT\", \"QQQ\"", "\"MSFT\", \"AAPL\"", "instrument AAPL is listed at line 19 already"),
    ("{ orders = 1000 }", "{ orders = 0 }", "capacity.orders of shard `x0` is 0"),
    ("terms = 10", "terms = 1001", "capacity.terms of shard `x1` is 1001"),
    ("terms = 10", "replay_kib = 127", "capacity.replay_kib of shard `x1` is 127"),
    ("239.192.78.2", "239.192.78.1", "already a line of shard `x0` at line 10"),
    ("239.192.78.2", "10.1.1.1", "line_a of shard `x1`, 10.1.1.1:26511, is not multicast"),
    ("127.0.0.1:26502", "here", "orders of shard `x1`, `here`, is not an address and port"),
    ("\"101.25\"", "\"101.255\"", "reference 101.255 lies between two ticks"),
    ("\"101.25\"", "\"-1\"", "reference `-1` is not a price above zero"),
    ("name = \"ALFA\"", "name = \"alfa\"", "firm name `alfa` is not four capital letters"),
    ("firms = [\"ALFA\"]", "firms = [\"ALFB\"]", "firm `ALFB` is not there; did you mean `ALFA`?"),
    ("U{n}", "USER", "user `USER` would be the same for 3 ports"),
    ("U{n}", "USERUSER{n}", "user `USERUSER1` is not 1 to 6 letters and digits"),
    ("credit = 1000", "credit = 0", "credit of a firm is 0"),
    ("\"09:30:00\"", "\"9:30\"", "hours.open `9:30` is not a time of day"),
    ("\"09:30:00\"", "\"08:30:00\"", "the times of [exchange.hours] do not follow one another"),
];

#[test]
fn each_fault_of_an_exchange_is_named_with_its_place() {
    assert_eq!(faults(TWO_SHARDS), Vec::<String>::new());
    for (from, to, want) in CASES {
        assert!(TWO_SHARDS.contains(from), "{from}");
        let found = faults(&TWO_SHARDS.replacen(from, to, 1));
        assert!(found.iter().any(|fault| fault.contains(want)), "{to}: {found:#?}");
        assert!(found.iter().all(|fault| fault.starts_with("x.toml:")), "{found:#?}");
    }
}

#[test]
fn the_feeds_of_a_dark_pool_are_those_of_the_file() {
    let feed = "\n[[feed]]\nname = \"lit\"\nvenue = \"nasdaq\"\nline_a = \"239.1.1.1:26400\"\n";
    let cases = [
        ("[\"lit\"]", None),
        ("[\"lti\"]", Some("dark.quote: feed `lti` is not there; did you mean `lit`?")),
        ("[\"lit\", \"lit\"]", Some("dark.quote names feed `lit` twice")),
        ("[]", Some("dark.quote names no feed: there would be no midpoint")),
        ("[\"lit\"], cross_min_ms = 2, cross_max_ms = 1", Some("dark.cross_max_ms is 1")),
        ("[\"lit\"], orders = 0", Some("dark.orders is 0")),
    ];
    for (quote, want) in cases {
        let dark = format!("name = \"RLX\"\ndark = {{ quote = {quote} }}");
        let found = faults(&(TWO_SHARDS.replacen("name = \"RLX\"", &dark, 1) + feed));
        match want {
            None => assert_eq!(found, Vec::<String>::new()),
            Some(want) => assert!(found.iter().any(|fault| fault.contains(want)), "{found:#?}"),
        }
    }
}

#[test]
fn ports_are_dealt_to_firms_and_instruments_to_shards() {
    let source = Source { name: "x.toml".to_owned(), text: TWO_SHARDS.to_owned() };
    let config = fault::read(&source).expect("its shape");
    let topology = topology::check(&config, &source, &Cpus::plain(4)).expect("its sense");
    let exchange = &topology.exchanges[0];
    let users: Vec<_> = exchange.ports.iter().map(|port| port.login.user).collect();
    assert_eq!(users, [*b"U00001", *b"U00002", *b"U00003"]);
    let traded: Vec<usize> = exchange.shards.iter().map(|shard| shard.listings.len()).collect();
    assert_eq!(traded.iter().sum::<usize>(), 3);
    assert!(exchange.shards[0].listings.iter().any(|listing| listing.symbol.as_str() == "AAPL"));
    assert_eq!(exchange.shards[1].session, *b"RLX0002   ");
}
