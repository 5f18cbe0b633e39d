//! What no client should send: the specification's answer, or the end of the connection with a reason that is
//! counted; others trade on.

use std::net::TcpStream;

use serde_json::Value;
use wire::ouch50::PRICE_MAX;

use super::client::{Client, Said, cancel, order, replace, words};
use super::house::{House, PASSWORD, QTY_MAX, figure};
use crate::publish::until;

/// 185.00, the price that AAPL begins the day with.
const PAR: u64 = 1_850_000;

/// A port that trades on whatever others do: each of its orders is answered.
struct Witness {
    client: Client,
    user_ref: u32,
}

impl Witness {
    fn new(house: &House) -> Self {
        Self { client: Client::up(house.shards[0].orders, "U00002"), user_ref: 0 }
    }

    fn trades_on(&mut self, after: &str) {
        self.user_ref += 1;
        let answer = self.client.ask(&order(self.user_ref, b'B', 1, "AAPL", PAR / 2));
        assert_eq!(words(&answer), format!("A {}", self.user_ref), "after {after}");
        let answer = self.client.ask(&cancel(self.user_ref));
        assert_eq!(words(&answer), format!("C {}", self.user_ref), "after {after}");
    }
}

/// A packet of SoupBinTCP: `len` as it claims, its type and payload.
fn packet(len: u16, kind: u8, payload: &[u8]) -> Vec<u8> {
    [&len.to_be_bytes(), [kind].as_slice(), payload].concat()
}

/// A message within the unsequenced packet that it belongs in.
fn unsequenced(message: &[u8]) -> Vec<u8> {
    packet(message.len() as u16 + 1, b'U', message)
}

#[test]
fn bytes_that_are_no_session_end_the_connection_and_are_counted() {
    let house = House::open(64, 128);
    let orders = house.shards[0].orders;
    let mut witness = Witness::new(&house);
    let login = |user: &str, sequence: &str| {
        format!("{user:6}{PASSWORD:10}{:10}{sequence:>20}", "").into_bytes()
    };
    // Before a login.
    let strangers = [
        ("another protocol", b"GET / HTTP/1.1\r\nHost: venue\r\n\r\n".to_vec()),
        ("zeros", vec![0; 64]),
        ("a packet without a type", packet(0, b'L', b"")),
        ("a login that is cut", packet(46, b'L', &login("U00001", "1")[..45])),
        ("a login that is too long", packet(4_000, b'L', &login("U00001", "1"))),
        ("the longest packet", packet(u16::MAX, b'+', b"")),
        ("an unknown type", packet(1, b'?', b"")),
        ("a server's packet", packet(1, b'Z', b"")),
        ("an order before the login", unsequenced(&order(1, b'B', 1, "AAPL", PAR))),
        ("a heartbeat before the login", packet(1, b'R', b"")),
        ("a number that is none", packet(47, b'L', &login("U00001", "one"))),
    ];
    for (what, bytes) in &strangers {
        let mut client = Client::connect(orders);
        client.raw(bytes);
        assert_eq!(client.hear(), Said::Gone, "{what}");
        witness.trades_on(what);
    }
    // After one.
    let members = [
        ("a second login", packet(47, b'L', &login("U00001", "1"))),
        ("a server's packet", packet(9, b'S', &[0; 8])),
        ("a heartbeat with a payload", packet(5, b'R', b"now!")),
        ("the longest packet", packet(u16::MAX, b'U', &[b'O'; 60_000])),
        ("garbage", vec![0xFF; 4_096]),
    ];
    for (what, bytes) in &members {
        let mut client = Client::up(orders, "U00001");
        client.raw(bytes);
        assert_eq!(client.hear(), Said::Gone, "{what}");
        witness.trades_on(what);
    }
    let messages = [
        ("an empty message", Vec::new()),
        ("an unknown type", b"?".to_vec()),
        ("a message of the exchange", [b"A".as_slice(), &[0; 63]].concat()),
        ("an order that is cut", order(1, b'B', 1, "AAPL", PAR)[..46].to_vec()),
        ("an order with a byte too many", [order(1, b'B', 1, "AAPL", PAR), vec![9]].concat()),
        ("a cancel that is cut", cancel(1)[..8].to_vec()),
    ];
    for (what, message) in &messages {
        let mut client = Client::up(orders, "U00001");
        client.send(message);
        assert_eq!(client.hear(), Said::Gone, "{what}");
        witness.trades_on(what);
    }
    // A drop copy listens.
    let mut client = Client::up(orders, "DALFA");
    client.send(&order(1, b'B', 1, "AAPL", PAR));
    assert_eq!(client.hear(), Said::Gone, "a drop copy that speaks");

    let summary = house.close();
    let count = |name| figure(&summary, 0, name);
    assert_eq!(count("bad_packets") as usize, strangers.len() + members.len(), "{summary}");
    assert_eq!(count("malformed") as usize, messages.len() + 1, "{summary}");
    assert_eq!((count("volume"), count("orders")), (0, 0), "{summary}");
}

#[test]
fn logins_that_are_wrong_are_refused_with_a_letter_and_counted() {
    let house = House::open(64, 128);
    let orders = house.shards[0].orders;
    let mut witness = Witness::new(&house);
    let _live = Client::up(orders, "U00001");
    // Told so much that the beginning is kept no longer: two answers each, of 128 KiB with 64 bytes for one.
    (0..1_100).for_each(|_| witness.trades_on("nothing"));
    drop(witness.client);
    let cases = [
        ("NOBODY", PASSWORD, "", 1, 'A'),
        ("U00003", "WRONG", "", 1, 'A'),
        ("U00003", "", "", 1, 'A'),
        ("", "", "", 1, 'A'),
        ("U00001", PASSWORD, "", 1, 'A'), // it is logged in
        ("u00001", "demo", "", 1, 'A'),   // in any case
        ("U00003", PASSWORD, "TST9999", 1, 'S'),
        ("U00002", PASSWORD, "", 1, 'S'), // too old
    ];
    for (user, password, session, sequence, letter) in cases {
        until("it is answered", || {
            let mut client = Client::connect(orders);
            client.log_in(user, password, session, sequence);
            let said = client.hear();
            // The witness may still be logged in: its connection ends when the venue hears of it.
            if user == "U00002" && said == Said::Rejected('A') {
                return false;
            }
            assert_eq!(said, Said::Rejected(letter), "{user} {password} {session}");
            assert_eq!(client.hear(), Said::Gone);
            true
        });
    }
    // A number from the future is the next one, and the session may be named.
    let mut client = Client::connect(orders);
    client.log_in("u00003", "demo", &house.session(0), u64::MAX);
    assert_eq!(client.hear(), Said::Accepted(2));
    assert_eq!(words(&client.ask(&order(1, b'B', 1, "AAPL", PAR))), "A 1");
    let summary = house.close();
    let count = |name| figure(&summary, 0, name);
    assert_eq!(count("bad_credentials"), 4, "{summary}");
    assert!(2 <= count("live_twice"), "{summary}");
    assert_eq!((count("unknown_session"), count("forgotten")), (1, 1), "{summary}");
}

#[test]
fn orders_that_are_wrong_are_answered_as_the_specification_has_it() {
    let house = House::open(64, 128);
    let orders = house.shards[0].orders;
    let mut witness = Witness::new(&house);
    let mut client = Client::up(orders, "U00001");
    let symbol = |symbol| order(1, b'B', 100, symbol, PAR);
    let quantity = |quantity| order(1, b'B', quantity, "AAPL", PAR);
    let price = |price| order(1, b'B', 100, "AAPL", price);
    // A tag that nobody lists, and one that a cancel has and an order has not.
    let with = |options: &[u8]| {
        let mut bytes = order(1, b'B', 100, "AAPL", PAR);
        let at = bytes.len() - 2;
        bytes[at..].copy_from_slice(&(options.len() as u16).to_be_bytes());
        bytes.extend_from_slice(options);
        bytes
    };
    let mut lettered = order(1, b'B', 100, "AAPL", PAR);
    lettered[5] = b'Z';
    let cases = [
        (symbol("NONE"), "InvalidSymbol"),
        (symbol("JPM"), "InvalidSymbol"), // of the other shard
        (symbol(""), "InvalidSymbol"),
        (quantity(0), "InvalidQuantity"),
        (quantity(1_000_000), "InvalidQuantity"),
        (quantity(QTY_MAX + 1), "RiskMaxQuantity"),
        (price(PAR + 50), "InvalidPrice"),
        (price(0), "InvalidPrice"),
        (price(PRICE_MAX + 200), "InvalidPrice"),
        (price(u64::MAX), "InvalidPrice"),
        (with(&[2, 0x63, 0]), "Other"),
        (with(&[9, 3, 0, 0]), "Other"),
        (lettered, "InvalidSide"),
    ];
    for (number, (message, why)) in (1_u32..).zip(&cases) {
        let mut message = message.clone();
        message[1..5].copy_from_slice(&number.to_be_bytes());
        assert_eq!(words(&client.ask(&message)), format!("J {number} {why}"), "{message:?}");
    }
    witness.trades_on("rejects");

    // Its own order, which strangers cannot touch: numbers are each port's own.
    assert_eq!(words(&client.ask(&order(50, b'B', 100, "AAPL", PAR / 2))), "A 50");
    let mut stranger = Client::up(orders, "U00003");
    stranger.send(&cancel(50));
    stranger.send(&replace(50, 51, 200, PAR));
    stranger.send(&replace(7, 8, 200, PAR));
    // Ignored: the next answer is that to the next order. A number that was used is ignored as well.
    assert_eq!(words(&stranger.ask(&order(60, b'S', 100, "AAPL", PAR * 2))), "A 60");
    stranger.send(&order(60, b'S', 100, "AAPL", PAR));
    stranger.send(&order(59, b'S', 100, "AAPL", PAR));
    assert_eq!(words(&stranger.ask(&cancel(60))), "C 60");
    // A replacement that is not valid cancels the order that it is for.
    assert_eq!(words(&client.ask(&replace(50, 51, 100, PAR + 50))), "C 50");
    witness.trades_on("strangers");

    let summary = house.close();
    let count = |name| figure(&summary, 0, name);
    assert_eq!(count("rejected") as usize, cases.len(), "{summary}");
    assert_eq!((count("ignored"), count("retransmitted"), count("unreplaced")), (3, 2, 1));
    assert_eq!((count("volume"), count("malformed")), (0, 0), "{summary}");
}

#[test]
fn connections_that_never_log_in_give_way_to_those_that_do() {
    const PLACES: usize = 300;
    let house = House::open(PLACES as u32, 128);
    let orders = house.shards[0].orders;
    let mut witness = Witness::new(&house);
    // Some say nothing, some the begin of a login, and those beyond the last place take that of the oldest.
    let halves: Vec<TcpStream> = (0..PLACES + 100)
        .map(|number| {
            let mut half = TcpStream::connect(orders).unwrap();
            if number % 3 == 0 {
                // It may have given way already.
                let _ = std::io::Write::write_all(&mut half, &[0, 47, b'L', b'U']);
            }
            half
        })
        .collect();
    house.wait_for(0, "rialto_exchange_displaced_total", 100);
    witness.trades_on("the flood");
    // Every place is taken, and who logs in is let in.
    let mut member = Client::up(orders, "U00003");
    assert_eq!(words(&member.ask(&order(1, b'B', 1, "AAPL", PAR / 2))), "A 1");
    // The other shard has places of its own.
    let mut other = Client::up(house.shards[1].orders, "U00001");
    assert_eq!(words(&other.ask(&order(1, b'B', 1, "JPM", 965_000))), "A 1");
    drop(halves);
    witness.trades_on("the ebb");
    let summary: Value = house.close();
    assert!(100 <= figure(&summary, 0, "displaced"), "{summary}");
    assert_eq!(figure(&summary, 0, "unplaced"), 0, "{summary}");
}

#[test]
fn a_client_that_vanishes_within_a_message_loses_its_orders_and_one_that_reads_nothing_its_connection()
 {
    // So much kept that the reader's own connection, not the store, is what gives out.
    let house = House::open(64, 2_048);
    let orders = house.shards[0].orders;
    let mut witness = Witness::new(&house);
    let mut half = Client::up(orders, "U00001");
    assert_eq!(words(&half.ask(&order(1, b'B', 100, "AAPL", PAR / 2))), "A 1");
    half.raw(&unsequenced(&order(2, b'S', 100, "AAPL", PAR))[..20]);
    drop(half);
    house.wait_for(0, "rialto_exchange_messages_total", 1);
    until("its order is cancelled", || house.figure(0, "rialto_exchange_orders") == Some(0));
    witness.trades_on("half a message");

    // Sends and never reads, until the venue has had enough.
    let deaf = TcpStream::connect(orders).unwrap();
    let mut deaf = Deaf { stream: deaf, user_ref: 0 };
    deaf.log_in();
    until("it is cut off", || {
        witness.trades_on("a client that reads nothing");
        !deaf.speak()
    });
    witness.trades_on("the end of a client that reads nothing");
    let summary = house.close();
    let count = |name| figure(&summary, 0, name);
    let cut = summary["venues"][0]["shards"][0]["connections_cut"].as_u64().unwrap();
    assert_eq!(cut + count("stalled") + count("lapped"), 1, "{summary}");
    assert_eq!(count("orders"), 0, "{summary}");
}

/// A client that does not read.
struct Deaf {
    stream: TcpStream,
    user_ref: u32,
}

impl Deaf {
    fn log_in(&mut self) {
        let login = format!("U00003{PASSWORD:10}{:10}{:>20}", "", 0);
        let bytes = packet(47, b'L', login.as_bytes());
        std::io::Write::write_all(&mut self.stream, &bytes).unwrap();
    }

    /// A thousand orders that are rejected, each with an answer. `false`: the venue hung up.
    fn speak(&mut self) -> bool {
        let mut bytes = Vec::new();
        for _ in 0..1_000 {
            self.user_ref += 1;
            bytes.extend(unsequenced(&order(self.user_ref, b'B', 1, "NONE", PAR)));
        }
        std::io::Write::write_all(&mut self.stream, &bytes).is_ok()
    }
}
