//! Both roles against each other, and each against bytes that no peer should send.

extern crate std;

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use types::{Nanos, SeqNo};

use super::{
    Client, Closed, Credentials, Event, NotSent, Reject, Request, Server, SoupConfig, Version,
};
use crate::SessionId;

const DAY: SessionId = SessionId::new(*b"DAY       ");

fn credentials() -> Credentials {
    Credentials::new("ann", "secret", "").expect("fits")
}

fn config(version: Version) -> SoupConfig {
    SoupConfig { version, packet_bytes_max: 100, transmit_bytes_max: 256, ..SoupConfig::default() }
}

fn secs(secs: u64) -> Nanos {
    Nanos::from_secs(secs)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("?")
}

/// Feeds bytes in pieces and writes down what the client hears.
fn to_client(client: &mut Client, now: Nanos, bytes: &[u8], piece: usize) -> String {
    let mut heard = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        let mut rest = piece;
        loop {
            rest = &rest[client.on_bytes(now, rest)..];
            while let Some(event) = client.poll() {
                heard.push(told(event));
            }
            if rest.is_empty() {
                break;
            }
        }
    }
    heard.join(" ")
}

fn told(event: Event<'_>) -> String {
    match event {
        Event::Accepted { session, next } => format!("accepted:{session}:{next}"),
        Event::Rejected(reason) => format!("rejected:{reason:?}"),
        Event::Sequenced { sequence, message } => format!("{sequence}={}", text(message)),
        Event::Unsequenced(message) => format!("u={}", text(message)),
        Event::Debug(message) => format!("+{}", text(message)),
        Event::EndOfSession => "end".into(),
        Event::Closed(reason) => format!("closed:{reason:?}"),
    }
}

/// The same for the server; a login is answered by what `door` says.
fn to_server(server: &mut Server, now: Nanos, bytes: &[u8], piece: usize, end: u64) -> String {
    let mut heard = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        let mut rest = piece;
        loop {
            rest = &rest[server.on_bytes(now, rest)..];
            while let Some(request) = server.poll() {
                let (line, answer) = asked(request);
                heard.push(line);
                match answer {
                    Some(Ok(())) => server.accept(now, DAY, SeqNo::new(end)),
                    Some(Err(reason)) => server.reject(reason),
                    None => {}
                }
            }
            if rest.is_empty() {
                break;
            }
        }
    }
    heard.join(" ")
}

fn asked(request: Request<'_>) -> (String, Option<Result<(), Reject>>) {
    match request {
        Request::Login { credentials: who, sequence } => {
            let known = Credentials::new("ANN", "Secret", "").expect("fits");
            let session = [SessionId::new([b' '; 10]), DAY].contains(&who.session);
            let answer = match (who.matches(&known), session) {
                (true, true) => Ok(()),
                (true, false) => Err(Reject::NoSession),
                (false, _) => Err(Reject::NotAuthorised),
            };
            (format!("login:{sequence}"), Some(answer))
        }
        Request::Unsequenced(message) => (format!("u={}", text(message)), None),
        Request::Debug(message) => (format!("+{}", text(message)), None),
        Request::Closed(reason) => (format!("closed:{reason:?}"), None),
    }
}

fn drain_client(client: &mut Client) -> Vec<u8> {
    let bytes = client.poll_transmit().map(Vec::from).unwrap_or_default();
    client.sent(bytes.len());
    bytes
}

fn drain_server(server: &mut Server) -> Vec<u8> {
    let bytes = server.poll_transmit().map(Vec::from).unwrap_or_default();
    server.sent(bytes.len());
    bytes
}

/// Logs a client in to a server that has messages below `end`.
fn login(version: Version, who: Credentials, next: u64, end: u64) -> (Client, Server, String) {
    let mut client = Client::new(config(version), who);
    let mut server = Server::new(config(version), secs(0));
    client.on_opened(secs(0), SeqNo::new(next));
    let heard = to_server(&mut server, secs(0), &drain_client(&mut client), 7, end);
    let answer = to_client(&mut client, secs(0), &drain_server(&mut server), 7);
    (client, server, format!("{heard} {answer}"))
}

#[test]
fn who_gets_in_and_from_where() {
    let who = |user, password, session| Credentials::new(user, password, session).expect("fits");
    let cases = [
        // user  password  session  next end  want
        (who("ann", "secret", ""), 1, 5, "login:1 accepted:DAY:1"),
        (who("AnN", "SECRET", "DAY"), 3, 5, "login:3 accepted:DAY:3"),
        (who("ann", "secret", ""), 0, 5, "login:0 accepted:DAY:5"),
        (who("ann", "secret", ""), 9, 5, "login:9 accepted:DAY:5"), // beyond the end is the next
        (who("ann", "secret", ""), 0, 0, "login:0 accepted:DAY:1"), // nothing sent yet
        (who("ann", "wrong", ""), 1, 5, "login:1 rejected:NotAuthorised closed:Rejected"),
        (who("bob", "secret", ""), 1, 5, "login:1 rejected:NotAuthorised closed:Rejected"),
        (who("ann", "secret", "NIGHT"), 1, 5, "login:1 rejected:NoSession closed:Rejected"),
    ];
    for version in [Version::V300, Version::V400, Version::V410] {
        for (who, next, end, want) in cases {
            let (client, mut server, heard) = login(version, who, next, end);
            assert!(
                heard.starts_with("login") && heard.ends_with(&want[8..]),
                "{who:?} {next}: {heard}"
            );
            assert_eq!(client.is_up(), want.contains("accepted"));
            if want.contains("Rejected") {
                assert!(heard.contains("closed:Rejected "), "the server is done too: {heard}");
                assert_eq!(server.poll_transmit(), None);
                assert_eq!(server.send_sequenced(secs(0), b"x"), Err(NotSent::NotLoggedIn));
            }
        }
    }
}

#[test]
fn a_login_is_what_the_specification_draws() {
    let mut client = Client::new(config(Version::V400), credentials());
    client.on_opened(secs(0), SeqNo::new(42));
    assert_eq!(
        text(&drain_client(&mut client)),
        "\0/Lann   secret                                42",
    );
    let mut client = Client::new(config(Version::V410), credentials());
    client.on_opened(secs(0), SeqNo::new(42));
    assert!(text(&drain_client(&mut client)).ends_with("42   15"));
}

#[test]
fn messages_are_counted_and_resumed() {
    let store: Vec<String> = (1..=6).map(|number| format!("m{number}")).collect();
    let (mut client, mut server, _) = login(Version::V400, credentials(), 2, 4);
    let feed = |server: &mut Server, upto: usize| {
        while let Some(wanted) = server.wanted() {
            let index = wanted.get() as usize - 1;
            if upto <= index {
                break;
            }
            assert_eq!(server.send_sequenced(secs(0), store[index].as_bytes()), Ok(wanted));
        }
        drain_server(server)
    };
    let bytes = feed(&mut server, 3);
    assert_eq!(to_client(&mut client, secs(0), &bytes, 3), "2=m2 3=m3");
    let mut bytes = feed(&mut server, 5);
    bytes.truncate(bytes.len() - 1); // the connection breaks inside m5
    assert_eq!(to_client(&mut client, secs(0), &bytes, 100), "4=m4");
    client.on_closed();
    assert_eq!(client.poll().map(told).as_deref(), Some("closed:Remote"));
    assert_eq!(client.sequence(), SeqNo::new(5));
    server.reset(secs(9));
    client.on_opened(secs(9), client.sequence());
    to_server(&mut server, secs(9), &drain_client(&mut client), 1, 7);
    let bytes = feed(&mut server, 6);
    assert_eq!(to_client(&mut client, secs(9), &bytes, 1), "accepted:DAY:5 5=m5 6=m6");
}

#[test]
fn messages_go_both_ways_and_sessions_end() {
    let (mut client, mut server, _) = login(Version::V400, credentials(), 1, 1);
    client.send(secs(1), b"order").expect("room");
    client.send_debug(secs(1), b"hello").expect("room");
    assert_eq!(to_server(&mut server, secs(1), &drain_client(&mut client), 2, 1), "u=order +hello");
    server.send_unsequenced(secs(1), b"note").expect("room");
    server.send_debug(secs(1), b"hi").expect("room");
    server.end_session().expect("room");
    assert_eq!(server.end_session(), Err(NotSent::NotLoggedIn));
    assert_eq!(server.poll(), Some(Request::Closed(Closed::SessionEnded)));
    assert_eq!(server.poll(), None);
    let bytes = drain_server(&mut server);
    assert_eq!(to_client(&mut client, secs(1), &bytes, 5), "u=note +hi end closed:SessionEnded");
    assert_eq!(client.on_bytes(secs(1), b"more"), 4, "swallowed");
    assert_eq!(client.poll(), None);

    let (mut client, mut server, _) = login(Version::V300, credentials(), 1, 1);
    assert_eq!(server.send_unsequenced(secs(0), b"note"), Err(NotSent::Version));
    client.logout(secs(1));
    assert_eq!(client.send(secs(1), b"order"), Err(NotSent::NotLoggedIn));
    // What was said before the server heard of it is heard all the same.
    server.send_sequenced(secs(1), b"fill").expect("room");
    let bytes = drain_server(&mut server);
    assert_eq!(to_client(&mut client, secs(1), &bytes, 5), "1=fill");
    assert_eq!(
        to_server(&mut server, secs(1), &drain_client(&mut client), 9, 1),
        "closed:LoggedOut"
    );
    client.on_closed();
    assert_eq!(client.poll(), Some(Event::Closed(Closed::LoggedOut)));
    let (mut client, ..) = login(Version::V300, credentials(), 1, 1);
    client.logout(secs(1));
    client.on_deadline(secs(16));
    assert_eq!(client.poll(), Some(Event::Closed(Closed::LoggedOut)), "a server that never closes");
}

#[test]
fn what_came_before_the_hang_up_is_heard() {
    let (mut client, mut server, _) = login(Version::V400, credentials(), 1, 1);
    server.send_sequenced(secs(0), b"last").expect("room");
    let bytes = drain_server(&mut server);
    assert_eq!(client.on_bytes(secs(0), &bytes), bytes.len());
    client.on_closed();
    assert_eq!(client.poll().map(told).as_deref(), Some("1=last"));
    assert_eq!(client.poll(), Some(Event::Closed(Closed::Remote)));
    assert_eq!(client.poll(), None);
}

#[test]
fn silence_is_broken_after_a_second_and_deadly_after_fifteen() {
    let (mut client, mut server, _) = login(Version::V400, credentials(), 1, 1);
    assert_eq!((client.next_deadline(), server.next_deadline()), (Some(secs(1)), Some(secs(1))));
    client.on_deadline(Nanos::from_millis(999));
    assert_eq!(client.poll_transmit(), None);
    for second in 1..40 {
        client.on_deadline(secs(second));
        server.on_deadline(secs(second));
        let beat = drain_client(&mut client);
        assert_eq!(beat, b"\0\x01R");
        assert_eq!(to_server(&mut server, secs(second), &beat, 1, 1), "");
        let beat = drain_server(&mut server);
        assert_eq!(beat, b"\0\x01H");
        assert_eq!(to_client(&mut client, secs(second), &beat, 1), "");
    }
    // A message breaks the silence as well.
    client.send(Nanos::from_millis(39_500), b"x").expect("room");
    drain_client(&mut client);
    client.on_deadline(secs(40));
    assert_eq!(client.poll_transmit(), None);
    client.on_deadline(secs(53));
    server.on_deadline(secs(53));
    assert_eq!((client.poll(), server.poll()), (None, None));
    drain_client(&mut client);
    drain_server(&mut server);
    client.on_deadline(secs(54));
    server.on_deadline(secs(54));
    assert_eq!(client.poll(), Some(Event::Closed(Closed::Dead)));
    assert_eq!(server.poll(), Some(Request::Closed(Closed::Dead)));
    assert_eq!((client.next_deadline(), server.next_deadline()), (None, None));
}

#[test]
fn a_peer_that_reads_nothing_gets_no_pile_of_heartbeats() {
    let (_, mut server, _) = login(Version::V400, credentials(), 1, 1);
    server.on_deadline(secs(1));
    for second in 2..10 {
        server.on_deadline(secs(second));
        assert_eq!(server.poll_transmit().map(<[u8]>::len), Some(3));
        assert_eq!(server.next_deadline(), Some(secs(15)));
    }
}

#[test]
fn a_login_takes_thirty_seconds_at_most() {
    let mut server = Server::new(config(Version::V400), secs(100));
    assert_eq!(server.next_deadline(), Some(secs(130)));
    to_server(&mut server, secs(129), b"\0\x04+hey", 1, 1);
    server.on_deadline(secs(130));
    assert_eq!(server.poll(), Some(Request::Closed(Closed::LoginTimeout)));
    let mut client = Client::new(config(Version::V400), credentials());
    client.on_opened(secs(100), SeqNo::new(1));
    to_client(&mut client, secs(129), b"\0\x01H", 1);
    assert_eq!(client.next_deadline(), Some(secs(130)));
    client.on_deadline(secs(130));
    assert_eq!(client.poll(), Some(Event::Closed(Closed::LoginTimeout)));
}

#[test]
fn from_4_10_on_the_login_says_how_long_silence_may_last() {
    let patient = SoupConfig { dead: secs(40), ..config(Version::V410) };
    let cases = [
        // login's field  dead after
        (None, 15),
        (Some("   40"), 40),
        (Some("    0"), 15),
        (Some("99999"), 3_600),
    ];
    for (field, dead) in cases {
        let mut client = Client::new(patient, credentials());
        client.on_opened(secs(0), SeqNo::new(1));
        let mut bytes = drain_client(&mut client);
        bytes.truncate(bytes.len() - 5);
        bytes.extend(field.unwrap_or_default().bytes());
        bytes[1] = bytes.len() as u8 - 2;
        let mut server = Server::new(config(Version::V410), secs(0));
        assert_eq!(to_server(&mut server, secs(0), &bytes, 99, 1), "login:1");
        drain_server(&mut server);
        server.on_deadline(secs(1)); // bytes wait: only death is due
        assert_eq!(server.next_deadline(), Some(secs(dead)), "{field:?}");
    }
}

#[test]
fn bytes_that_no_server_should_send_end_the_connection() {
    let login = b"\0\x1fADAY                          5";
    let cases: [(bool, &[u8], Closed); 15] = [
        // logged in, bytes, reason
        (true, b"\0\0", Closed::BadLength),
        (true, b"\0\x02H!", Closed::BadLength),
        (true, b"\0\x01S\0\x02Z!", Closed::BadLength),
        (true, b"\0\x65S", Closed::Oversized),
        (true, b"\xff\xff", Closed::Oversized),
        (true, b"\0\x01?", Closed::Unexpected),
        (true, b"\0\x01R", Closed::Unexpected),
        (true, b"\0\x01O", Closed::Unexpected),
        (true, b"\0\x02JA", Closed::Unexpected),
        (true, login, Closed::Unexpected),
        (false, b"\0\x02Sx", Closed::Unexpected),
        (false, b"\0\x01Z", Closed::Unexpected),
        (false, b"\0\x02Ux", Closed::Unexpected),
        (false, b"\0\x1fADAY                          0", Closed::BadNumber),
        (false, b"\0\x1fADAY                         5x", Closed::BadNumber),
    ];
    for (up, bytes, want) in cases {
        let mut client = Client::new(config(Version::V400), credentials());
        client.on_opened(secs(0), SeqNo::new(1));
        if up {
            assert_eq!(to_client(&mut client, secs(0), login, 1), "accepted:DAY:5");
        }
        let heard = to_client(&mut client, secs(0), bytes, 1);
        assert!(heard.ends_with(&format!("closed:{want:?}")), "{}: {heard}", bytes.escape_ascii());
        assert_eq!(client.poll(), None);
        assert_eq!(client.poll_transmit(), None);
    }
    let mut client = Client::new(config(Version::V300), credentials());
    client.on_opened(secs(0), SeqNo::new(1));
    to_client(&mut client, secs(0), login, 1);
    assert_eq!(
        to_client(&mut client, secs(0), b"\0\x02Ux", 1),
        "closed:Unexpected",
        "from 4.00 on"
    );
}

#[test]
fn bytes_that_no_client_should_send_end_the_connection() {
    let login = |tail: &str| {
        let mut bytes = vec![0, 0, b'L'];
        bytes.extend(format!("{:6}{:10}{:10}{tail}", "ann", "secret", "").bytes());
        bytes[1] = bytes.len() as u8 - 2;
        bytes
    };
    let good = login("                   1");
    let cases: [(bool, Vec<u8>, Closed); 10] = [
        (false, b"\0\x02Ux".into(), Closed::Unexpected),
        (false, b"\0\x01R".into(), Closed::Unexpected),
        (false, b"\0\x01O".into(), Closed::Unexpected),
        (false, login("                   x"), Closed::BadNumber),
        (false, login("                   1   15"), Closed::BadLength), // 4.10's, to a 4.00 server
        (false, login("  1"), Closed::BadLength),
        (true, good.clone(), Closed::Unexpected),
        (true, b"\0\x02Sx".into(), Closed::Unexpected),
        (true, b"\0\x01H".into(), Closed::Unexpected),
        (true, b"\0\x65U".into(), Closed::Oversized),
    ];
    for (up, bytes, want) in cases {
        let mut server = Server::new(config(Version::V400), secs(0));
        if up {
            assert_eq!(to_server(&mut server, secs(0), &good, 1, 1), "login:1");
        }
        let heard = to_server(&mut server, secs(0), &bytes, 1, 1);
        assert_eq!(heard, format!("closed:{want:?}"), "{}", bytes.escape_ascii());
        assert_eq!(server.wanted(), None);
    }
    let mut server = Server::new(config(Version::V410), secs(0));
    let heard = to_server(&mut server, secs(0), &login("                   1   1x"), 1, 1);
    assert_eq!(heard, "closed:BadNumber");
}

#[test]
fn a_full_buffer_says_so_and_loses_nothing() {
    let (mut client, mut server, _) = login(Version::V400, credentials(), 1, 1);
    assert_eq!(server.send_sequenced(secs(0), &[0; 300]), Err(NotSent::TooLong));
    let mut sent = 0;
    while server.send_sequenced(secs(0), &[b'x'; 50]).is_ok() {
        sent += 1;
    }
    assert_eq!(sent, 3, "256 bytes less the reserve");
    assert_eq!(server.send_sequenced(secs(0), &[b'x'; 50]), Err(NotSent::Full));
    assert_eq!(server.wanted(), Some(SeqNo::new(4)));
    server.sent(60); // a part of it
    assert_eq!(server.send_sequenced(secs(0), b"four"), Ok(SeqNo::new(4)));
    server.end_session().expect("the reserve holds it");
    server.sent(0);
    let rest = drain_server(&mut server);
    assert_eq!(rest.len(), 3 * 53 - 60 + 7 + 3);
    assert!(rest.ends_with(b"\0\x05Sfour\0\x01Z"));
    assert_eq!(client.send(secs(0), &[0; 65_535]), Err(NotSent::TooLong));
}

#[test]
fn a_password_is_in_no_log() {
    assert!(!format!("{:?}", credentials()).contains("secret"));
}

proptest! {
    /// Any split of the stream gives the same events, with a buffer of one packet and one more.
    #[test]
    fn a_stream_may_be_split_anywhere(
        messages in prop::collection::vec("[a-z]{0,40}", 0..30),
        piece in 1usize..300,
    ) {
        let (mut client, mut server, _) = login(Version::V400, credentials(), 1, 1);
        let mut bytes = Vec::new();
        let mut want = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            server.send_sequenced(secs(0), message.as_bytes()).expect("drained");
            bytes.extend(drain_server(&mut server));
            want.push(format!("{}={message}", index + 1));
        }
        prop_assert_eq!(to_client(&mut client, secs(0), &bytes, piece), want.join(" "));
    }

    /// Garbage: never a panic, an end at most once, and silence after it.
    #[test]
    fn garbage_ends_a_connection_at_most_once(
        bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(1), any::<u8>(), Just(b'S'), Just(b'+')], 0..400),
        up: bool,
        piece in 1usize..50,
    ) {
        let (mut client, mut server, _) = login(Version::V400, credentials(), 1, 1);
        if !up {
            client.on_opened(secs(0), SeqNo::new(1));
            server.reset(secs(0));
        }
        let heard = to_client(&mut client, secs(0), &bytes, piece);
        prop_assert!(heard.matches("closed").count() <= 1);
        prop_assert!(!heard.contains("closed") || heard.rfind("closed") > heard.rfind(' ') || !heard.contains(' '));
        let heard = to_server(&mut server, secs(0), &bytes, piece, 1);
        prop_assert!(heard.matches("closed").count() <= 1);
    }
}
