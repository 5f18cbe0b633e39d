//! A whole snapshot, and every way in which one fails.

extern crate std;

use std::format;
use std::string::String;
use std::vec::Vec;

use types::{Nanos, SeqNo};

use super::{Client, GlimpseConfig, Item, Server};
use crate::SessionId;
use crate::soup::{Credentials, NotSent, Reject, Request, SoupConfig};

const LOGIN: &[u8; 49] = b"\0/Lann   secret                                 1";

fn secs(secs: u64) -> Nanos {
    Nanos::from_secs(secs)
}

fn config() -> GlimpseConfig {
    GlimpseConfig {
        soup: SoupConfig::default(),
        connect: secs(3),
        pause: secs(5),
        backoff: secs(1),
        backoff_max: secs(3),
        attempts_max: 4,
    }
}

fn client() -> Client {
    Client::new(config(), Credentials::new("ann", "secret", "").expect("fits"))
}

fn told(client: &mut Client, now: Nanos) -> String {
    let mut told = Vec::new();
    while let Some(item) = client.poll(now) {
        told.push(match item {
            Item::Open => "open".into(),
            Item::Close => "close".into(),
            Item::Begin => "begin".into(),
            Item::Message(message) => String::from_utf8_lossy(message).into_owned(),
            Item::End { join } => format!("end:{join}"),
            Item::Again(failure) => format!("again:{failure:?}"),
            Item::Failed(failure) => format!("failed:{failure:?}"),
        });
    }
    told.join(" ")
}

/// What the server sends to a client that logs in, and then gets these messages.
fn stream(messages: &[&[u8]], join: Option<u64>) -> Vec<u8> {
    let mut server = Server::new(SoupConfig::default(), secs(0));
    server.soup().on_bytes(secs(0), LOGIN);
    assert!(matches!(server.soup().poll(), Some(Request::Login { .. })));
    server.soup().accept(secs(0), SessionId::default(), SeqNo::new(1));
    for message in messages {
        server.send(secs(0), message).expect("room");
    }
    if let Some(join) = join {
        server.finish(secs(0), SeqNo::new(join)).expect("room");
    }
    server.soup().poll_transmit().map(Vec::from).unwrap_or_default()
}

/// A client that logged in at second 0.
fn opened() -> Client {
    let mut client = client();
    client.start(secs(0));
    assert_eq!(told(&mut client, secs(0)), "open");
    client.on_opened(secs(0));
    let login = client.poll_transmit().map(Vec::from).unwrap_or_default();
    assert_eq!(login, LOGIN);
    client.sent(login.len());
    client
}

#[test]
fn a_snapshot_is_loaded_and_joined() {
    let mut client = opened();
    let bytes = stream(&[b"A one", b"A two", b""], Some(77));
    let (head, tail) = bytes.split_at(45);
    client.on_bytes(secs(1), head);
    assert_eq!(told(&mut client, secs(1)), "begin A one");
    assert!(client.is_busy());
    client.on_bytes(secs(2), tail);
    assert_eq!(told(&mut client, secs(2)), "A two  end:77 close");
    assert!(!client.is_busy());
    client.on_closed(secs(2));
    assert_eq!((told(&mut client, secs(2)).as_str(), client.next_deadline()), ("", None));
}

#[test]
fn each_failure_has_its_name() {
    let good = stream(&[b"A one"], Some(7));
    let cut = |bytes: usize| Vec::from(&good[..bytes]);
    let with = |tail: &[u8]| [&stream(&[b"A one"], None), tail].concat();
    let cases = [
        // bytes, hang up after them, want
        (cut(0), true, "close again:NotConnected"),
        (cut(20), true, "close again:NotConnected"),
        (cut(33), true, "begin close again:Cut"),
        (cut(good.len() - 1), true, "begin A one close again:Cut"),
        (with(b"\0\x01Z"), false, "begin A one close again:Cut"),
        (with(b"\0\0"), false, "begin A one close again:Garbage"),
        (with(b"\0\x03SG1"), false, "begin A one close again:Garbage"),
        (with(b"\0\x16SG                   0"), false, "begin A one close again:BadJoin"),
        (with(b"\0\x16SG                  -1"), false, "begin A one close again:BadJoin"),
        (with(b"\0\x16SG99999999999999999999"), false, "begin A one close again:BadJoin"),
        (with(b"\0\x16SG                    "), false, "begin A one close again:BadJoin"),
        (b"HTTP/1.1 400 Bad Request".into(), false, "close again:Garbage"),
        (b"\0\x02JA".into(), false, "close failed:Rejected"),
        (b"\0\x02JS".into(), true, "close failed:Rejected"),
    ];
    for (bytes, hang_up, want) in cases {
        let mut client = opened();
        client.on_bytes(secs(0), &bytes);
        if hang_up {
            client.on_closed(secs(0));
        }
        assert_eq!(told(&mut client, secs(0)), want, "{}", bytes.escape_ascii());
        assert_eq!(client.poll_transmit(), None);
        assert_eq!(client.is_busy(), want.contains("again"));
    }
}

#[test]
fn silence_before_and_within_a_snapshot() {
    let mut client = client();
    client.start(secs(0));
    told(&mut client, secs(0));
    assert_eq!(client.next_deadline(), Some(secs(3)));
    client.on_deadline(secs(3));
    assert_eq!(told(&mut client, secs(3)), "close again:NotConnected");

    let mut client = opened();
    client.on_deadline(secs(30));
    assert_eq!(told(&mut client, secs(30)), "close again:Silent", "no answer to the login");

    let mut client = opened();
    client.on_bytes(secs(1), &stream(&[b"A one"], None));
    told(&mut client, secs(1));
    for second in 2..6 {
        client.on_bytes(secs(second), b"\0\x01H"); // alive, but it sends nothing
        client.on_deadline(secs(second));
        assert_eq!(told(&mut client, secs(second)), "");
    }
    client.on_deadline(secs(6));
    assert_eq!(told(&mut client, secs(6)), "close again:Silent");
}

#[test]
fn attempts_back_off_and_run_out() {
    let mut client = client();
    client.start(secs(0));
    assert_eq!(told(&mut client, secs(0)), "open");
    let mut now = secs(0);
    for (wait, want) in
        [(1, "again:NotConnected"), (2, "again:NotConnected"), (3, "again:NotConnected")]
    {
        client.on_closed(now);
        assert_eq!(told(&mut client, now), format!("close {want}"));
        assert_eq!(client.next_deadline(), Some(now + secs(wait)));
        now = now + secs(wait);
        client.on_deadline(now);
        assert_eq!(told(&mut client, now), "open");
    }
    client.on_closed(now);
    assert_eq!(told(&mut client, now), "close failed:NotConnected");
    assert_eq!(client.next_deadline(), None);
    client.start(now);
    assert_eq!(told(&mut client, now), "open", "from the first attempt again");
}

#[test]
fn a_second_attempt_begins_anew() {
    let mut client = opened();
    client.on_bytes(secs(0), &stream(&[b"A one"], None));
    client.on_closed(secs(0));
    assert_eq!(told(&mut client, secs(0)), "begin A one close again:Cut");
    client.on_deadline(secs(1));
    assert_eq!(told(&mut client, secs(1)), "open");
    client.on_opened(secs(1));
    client.on_bytes(secs(1), &stream(&[b"A one", b"A two"], Some(9)));
    assert_eq!(told(&mut client, secs(1)), "begin A one A two end:9 close");
}

#[test]
fn cancel_closes_what_is_open() {
    let mut client = opened();
    client.cancel();
    assert_eq!(told(&mut client, secs(0)), "close");
    assert_eq!(client.on_bytes(secs(0), b"late"), 4);
    assert_eq!(told(&mut client, secs(0)), "");
    let mut client = opened();
    client.start(secs(1));
    assert_eq!(told(&mut client, secs(1)), "close open");
}

#[test]
fn the_server_answers_only_who_logged_in() {
    let mut server = Server::new(SoupConfig::default(), secs(0));
    assert_eq!(server.send(secs(0), b"A"), Err(NotSent::NotLoggedIn));
    server.soup().reject(Reject::NotAuthorised);
    assert_eq!(server.finish(secs(0), SeqNo::new(1)), Err(NotSent::NotLoggedIn));
    assert_eq!(server.soup().poll_transmit(), Some(&b"\0\x02JA"[..]));
}
