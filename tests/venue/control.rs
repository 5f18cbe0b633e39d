//! `rialto ctl` as a person types it, on a running exchange: what it says, what its orders are told, what everybody
//! reads in the feed.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use session::SessionId;
use session::mold;
use types::SeqNo;
use wire::itch50;
use wire::ouch50::outbound;

use super::client::{Client, Said, order, words};
use super::house::{DATA, House, figure};
use crate::publish::until;

/// 185.00, the price that AAPL begins the day with.
const PAR: u64 = 1_850_000;

/// What was said to a person: the exit code, standard output, standard error.
fn say(data: &Path, line: &str) -> (i32, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_rialto"))
        .args(["ctl", "--data"])
        .arg(data)
        .args(line.split_whitespace())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

/// What was said to a program, with the exit code.
fn ask(data: &Path, line: &str) -> (i32, Value) {
    let (code, out, err) = say(data, &format!("{line} --json"));
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
}

/// One thing was done.
fn done(house: &House, line: &str, text: &str) {
    let (code, reply) = ask(&house.data(), line);
    let outcome = &reply["outcomes"][0];
    assert_eq!((code, outcome["text"].as_str()), (0, Some(text)), "{line}: {reply}");
}

/// Every message of a shard's feed so far that is of one of these types.
fn told(house: &House, shard: usize, kinds: &[u8]) -> Vec<Vec<u8>> {
    let server = house.shards[shard].rerequest;
    let session = house.session(shard).into_bytes().try_into().unwrap();
    let session = SessionId::new(session);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let last = house.figure(shard, "rialto_exchange_messages_total").unwrap();
    let mut messages = Vec::new();
    while (messages.len() as u64) < last {
        let from = SeqNo::new(messages.len() as u64 + 1);
        let (mut reply, mut len) = ([0; 2_048], 0);
        // The server may not have it yet, and says nothing then; or says it twice, having been asked again.
        until("what was said is said again", || {
            socket.send_to(&mold::request(session, from, 100), server).unwrap();
            len = socket.recv(&mut reply).unwrap_or_default();
            mold::packet(&reply[..len]).is_ok_and(|packet| packet.sequence == from)
        });
        let packet = mold::packet(&reply[..len]).unwrap();
        messages.extend(mold::messages(packet.body).map(<[u8]>::to_vec));
    }
    messages.retain(|message| kinds.contains(&message[0]));
    messages
}

fn match_number(executed: &[u8]) -> u64 {
    let message = outbound::Message::parse(executed).unwrap();
    let outbound::Message::Executed(m, _) = message else { panic!("{message:?}") };
    m.match_number()
}

fn hear(client: &mut Client) -> Vec<u8> {
    let said = client.hear();
    let Said::Told(message) = said else { panic!("{said:?}") };
    message
}

#[test]
fn a_halt_takes_no_order_and_ends_with_its_cross() {
    let house = House::open(16, 128);
    let orders = house.shards[0].orders;
    let (mut ann, mut bob) = (Client::up(orders, "U00001"), Client::up(orders, "U00002"));
    let rests = ann.ask(&order(1, b'B', 100, "AAPL", PAR));
    assert_eq!(words(&rests), "A 1");
    done(&house, "halt AAPL", "halted");
    done(&house, "halt AAPL", "is halted already");
    let refused = bob.ask(&order(1, b'S', 100, "AAPL", PAR));
    assert_eq!(words(&refused), "J 1 Halted");
    // Others trade on.
    assert_eq!(words(&bob.ask(&order(2, b'S', 100, "MSFT", PAR))), "A 2");
    let data = house.data();
    let (code, out, err) = say(&data, "reopen AAPL");
    let hint = "TST x0: AAPL is halted, and re-opens from pre-reopen: pre-reopen it first\n";
    assert_eq!((code, out.as_str(), err.as_str()), (1, hint, "error: it was not done\n"));
    done(&house, "pre-reopen AAPL", "takes orders for its re-opening cross (pre-reopen)");
    assert_eq!(words(&bob.ask(&order(3, b'S', 60, "AAPL", PAR))), "A 3");
    let (code, reply) = ask(&data, "reopen AAPL");
    let text = "re-opened: its cross traded 60 shares at 185.00";
    let want = json!({"outcomes": [{
        "exchange": "TST", "shard": "x0", "subject": "AAPL", "outcome": "done", "text": text,
        "phase": "continuous", "crossed": 60
    }]});
    assert_eq!((code, reply), (0, want));
    assert_eq!((words(&hear(&mut ann)), words(&hear(&mut bob))), ("E 1".into(), "E 3".into()));
    // A halt that names one shard's instruments and another's, and all of them.
    let (code, reply) = ask(&data, "halt ZN AAPL");
    let shards: Vec<_> =
        reply["outcomes"].as_array().unwrap().iter().map(|line| line["shard"].clone()).collect();
    assert_eq!((code, shards), (0, vec![json!("x1"), json!("x0")]));
    let (code, out, _) = say(&data, "halt --all");
    let want = "TST x0: AAPL is halted already\nTST x1: JPM halted\nTST x0: MSFT halted\n\
                TST x1: ZN is halted already\n";
    assert_eq!((code, out.as_str()), (0, want));
    house.wait_for(0, "rialto_exchange_crosses_total", 1);
    // Of AAPL, which is number 1 there: the state stands behind the ticker.
    until("the last halt is told", || {
        let told = told(&house, 0, b"H");
        let of_aapl = told.iter().filter(|message| message[1..3] == [0, 1]);
        let of_aapl: String = of_aapl.map(|message| char::from(message[19])).collect();
        of_aapl.ends_with("THQTH")
    });
    house.close();
}

#[test]
fn a_kill_cancels_what_rests_and_takes_no_more_until_it_is_revived() {
    let house = House::open(16, 128);
    let data = house.data();
    // The first is of firm ALFA, the second of BRVO; on the other shard the first is killed too.
    let [mut ann, mut bob, mut away] = [(0, "U00001"), (0, "U00002"), (1, "U00001")]
        .map(|(shard, user)| Client::up(house.shards[shard].orders, user));
    assert_eq!(words(&ann.ask(&order(1, b'B', 100, "AAPL", PAR))), "A 1");
    assert_eq!(words(&ann.ask(&order(2, b'B', 100, "MSFT", PAR))), "A 2");
    assert_eq!(words(&bob.ask(&order(1, b'B', 100, "AAPL", PAR))), "A 1");
    assert_eq!(words(&away.ask(&order(1, b'B', 100, "ZN", PAR / 2))), "A 1");
    let (code, out, _) = say(&data, "kill firm ALFA");
    let want = "TST x0: firm ALFA killed, 2 orders cancelled\n\
                TST x1: firm ALFA killed, 1 order cancelled\n";
    assert_eq!((code, out.as_str()), (0, want));
    assert_eq!([hear(&mut ann), hear(&mut ann)].map(|m| words(&m)), ["C 1", "C 2"]);
    assert_eq!(words(&hear(&mut away)), "C 1");
    let refused = words(&ann.ask(&order(3, b'B', 100, "AAPL", PAR)));
    assert!(refused.starts_with("J 3 "), "{refused}");
    assert_eq!(words(&bob.ask(&order(2, b'B', 100, "AAPL", PAR))), "A 2");
    let (code, reply) = ask(&data, "kill port u00002");
    assert_eq!((code, &reply["outcomes"][0]["cancelled"]), (0, &json!(2)));
    let (code, status) = ask(&data, "status");
    let killed = json!({"venue": false, "firms": ["ALFA"], "ports": ["U00002"]});
    assert_eq!(code, 0);
    for (shard, name) in ["x0", "x1"].iter().enumerate() {
        let told = &status["shards"][shard];
        assert_eq!(
            (&told["shard"], &told["killed"], &told["answered"]),
            (&json!(name), &killed, &json!(true))
        );
    }
    done(&house, "revive firm ALFA", "revived: its orders are taken again");
    done(&house, "revive firm ALFA", "is not killed");
    assert_eq!(words(&ann.ask(&order(4, b'B', 100, "AAPL", PAR))), "A 4");
    assert_eq!(ask(&data, "kill venue").0, 0);
    assert_eq!(words(&hear(&mut ann)), "C 4");
    let (code, out, _) = say(&data, "status");
    assert!(code == 0 && out.contains("the venue, port U00002"), "{out}");
    let summary = house.close();
    assert_eq!(figure(&summary, 0, "orders"), 0);
}

#[test]
fn a_broken_trade_is_told_to_both_sides_and_to_everybody() {
    let house = House::open(16, 128);
    let orders = house.shards[0].orders;
    let (mut ann, mut bob) = (Client::up(orders, "U00001"), Client::up(orders, "U00002"));
    ann.ask(&order(1, b'B', 100, "AAPL", PAR));
    assert_eq!(words(&bob.ask(&order(1, b'S', 100, "AAPL", PAR))), "A 1");
    let (maker, taker) = (hear(&mut ann), hear(&mut bob));
    let number = match_number(&maker);
    assert_eq!(number, match_number(&taker));
    let line = format!("bust {number} --reason erroneous");
    done(&house, &line, "broken");
    for client in [&mut ann, &mut bob] {
        let message = hear(client);
        let broken = outbound::Message::parse(&message).unwrap();
        let outbound::Message::Broken(m, _) = broken else { panic!("{broken:?}") };
        assert_eq!((m.user_ref(), m.match_number(), m.reason().unwrap().byte()), (1, number, b'E'));
    }
    done(&house, &line, "was broken already");
    let (code, out, err) = say(&house.data(), "bust 1000000");
    let want = "TST x0: trade 1000000 is not known: there is none, or it is too old to be broken\n";
    assert_eq!((code, out.as_str(), err.as_str()), (1, want, "error: it was not done\n"));
    let mut broken = Vec::new();
    until("everybody is told", || {
        broken = told(&house, 0, b"B");
        !broken.is_empty()
    });
    assert_eq!(broken.len(), 1);
    let itch50::Message::BrokenTrade(m) = itch50::Message::parse(&broken[0]).unwrap() else {
        panic!("{broken:?}")
    };
    assert_eq!(m.match_number(), number);
    house.wait_for(0, "rialto_exchange_busts_total", 1);
    let venue = &house.close()["venues"][0];
    let want = [1, 100, 1, 100].map(|count| Some(json!(count)));
    let keys = ["fills", "volume", "busts", "busted_volume"];
    assert_eq!(keys.map(|key| venue.get(key).cloned()), want);
}

#[test]
fn two_who_ask_at_once_are_both_answered() {
    let house = House::open(16, 128);
    let data = house.data();
    thread::scope(|scope| {
        for symbol in ["AAPL", "ZN"] {
            let data = &data;
            scope.spawn(move || {
                for line in ["halt", "pre-reopen", "reopen"].iter().cycle().take(12) {
                    let (code, reply) = ask(data, &format!("{line} {symbol}"));
                    let outcome = &reply["outcomes"][0];
                    let got = (code, outcome["subject"].as_str(), outcome["outcome"].as_str());
                    assert_eq!(got, (0, Some(symbol), Some("done")), "{reply}");
                }
            });
        }
    });
    house.close();
}

#[test]
fn the_end_of_the_day_ends_the_run() {
    let house = House::open(16, 128);
    let data = house.data();
    let mut ann = Client::up(house.shards[0].orders, "U00001");
    ann.ask(&order(1, b'B', 100, "AAPL", PAR));
    done(&house, "close MSFT", "closed");
    done(&house, "pre-open MSFT", "takes orders for its opening cross (pre-open)");
    done(&house, "open MSFT", "opened: its cross traded nothing");
    let (code, out, _) = say(&data, "end-day");
    assert_eq!((code, out.as_str()), (0, "TST x0: day ended\nTST x1: day ended\n"));
    assert_eq!(words(&hear(&mut ann)), "C 1");
    let summary = house.ended();
    assert_eq!(figure(&summary, 0, "orders"), 0);
}

#[test]
fn a_folder_has_one_run_and_ctl_says_when_there_is_none() {
    let house = House::open(16, 128);
    for command in ["venue", "run"] {
        let second = house.again(command);
        let said = String::from_utf8(second.stderr).unwrap();
        assert_eq!(second.status.code(), Some(1), "{said}");
        assert!(said.starts_with("error: another run uses the folder "), "{said}");
        assert!(said.contains("(rialto venue, pid "), "{said}");
    }
    // The first has not noticed.
    done(&house, "halt AAPL", "halted");
    let folder = house.crash();
    let data = folder.path().join(DATA);
    let (code, out, err) = say(&data, "status");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.starts_with("error: the exchange that ran in ") && err.contains(" is gone"),
        "{err}"
    );
    let (code, _, err) = say(folder.path(), "status");
    assert_eq!(code, 1);
    assert!(err.starts_with("error: no exchange runs in the folder "), "{err}");
    // What a crash leaves behind does not stop the next run.
    let again = Command::new(env!("CARGO_BIN_EXE_rialto"))
        .args(["venue", "--for", "1ms", "--json", "--config"])
        .arg(folder.path().join("venue.toml"))
        .output()
        .unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert!(!data.join("control.sock").exists());
}

#[test]
fn bad_usage_is_told_before_anything_happens() {
    let house = House::open(16, 128);
    let data = house.data();
    let cases = [
        ("", "Usage: rialto ctl"),
        ("halt", "SYMBOL"),
        ("halt AAPL --all", "--all"),
        ("kill", "Usage: rialto ctl kill"),
        ("kill firm", "<NAME>"),
        ("bust", "<MATCH_NUMBER>"),
        ("bust x", "invalid value 'x'"),
        ("bust 1 --reason mood", "erroneous, consent, supervisory, external"),
        ("stop", "unrecognized subcommand 'stop'"),
        ("halt AAPX", "no instrument of TST is called `AAPX`\n  did you mean `AAPL`?"),
        ("halt AAPL MSFX", "no instrument of TST is called `MSFX`\n  did you mean `MSFT`?"),
        ("kill firm ALFX", "no firm of TST is called `ALFX`\n  did you mean `ALFA`?"),
        ("kill port DALFA", "`DALFA` is the login of a drop copy, which sends no orders"),
        ("revive port U00009", "no port of TST is called `U00009`\n  did you mean `U00001`?"),
        ("status --exchange TSX", "no exchange is called `TSX`\n  did you mean `TST`?"),
        ("bust 0", "no shard of TST gives trades the number 0"),
    ];
    for (line, want) in cases {
        let (code, out, err) = say(&data, line);
        assert_eq!((code, out.as_str()), (2, ""), "{line}: {err}");
        assert!(err.contains(want), "{line}: {err}");
    }
    let (code, reply) = ask(&data, "halt AAPX");
    assert_eq!((code, &reply["refused"]["remedy"]), (2, &json!("did you mean `AAPL`?")));
    let (_, status) = ask(&data, "status");
    let phases: Vec<_> = (0..2)
        .flat_map(|shard| {
            let instruments = status["shards"][shard]["instruments"].as_array().unwrap().clone();
            instruments.into_iter().map(|row| row["phase"].clone())
        })
        .collect();
    assert_eq!(phases, vec![json!("continuous"); 4]);
    house.close();
}
