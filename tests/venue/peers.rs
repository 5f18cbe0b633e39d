//! Others' programs beside a running venue: PyPI `nasdaq-protocols` as a client, Wireshark as a reader of what goes
//! over the wire.
//!
//! Where they are absent a test says so and passes, unless `RIALTO_REQUIRE_PEERS=1`: then it fails.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use wire::ouch50::outbound;

use super::client::{Client, Said, cancel, order, words};
use super::house::{House, PASSWORD, figure};
use crate::kit::absent;

/// The interpreter that has the package: `RIALTO_PYTHON`, by default `python3`.
fn python(script: &str, arguments: &[&str]) -> Option<Output> {
    let name = env::var("RIALTO_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let run = |script: &str, arguments: &[&str]| {
        Command::new(&name).args(["-c", script]).args(arguments).output()
    };
    let has_it = run("import nasdaq_protocols", &[]).is_ok_and(|output| output.status.success());
    if !has_it {
        absent(&format!("`{name}` has no nasdaq-protocols: set RIALTO_PYTHON to one that has"));
        return None;
    }
    Some(run(script, arguments).unwrap())
}

/// Logs in, sends an OUCH message, prints the session and the answer.
const CLIENT: &str = r"
import asyncio, sys
from nasdaq_protocols import soup

async def main(host, port, user, password, message):
    session = await soup.connect_async((host, int(port)), user, password, sequence=1)
    print(session.session_id.session)
    session.send_unseq_data(bytes.fromhex(message))
    answer = await session.receive_msg()
    # After the heartbeats and the start of the day.
    while not isinstance(answer, soup.SequencedData) or answer.data[:1] == b'S':
        answer = await session.receive_msg()
    print(answer.data.hex())
    session.logout()

asyncio.run(main(*sys.argv[1:]))
";

#[test]
fn an_independent_client_logs_in_and_has_its_order_accepted() {
    let house = House::open(16, 128);
    let at = house.shards[0].orders;
    let (host, port) = (at.ip().to_string(), at.port().to_string());
    let enter = hex(&order(1, b'B', 100, "AAPL", 1_850_000));
    let session = |password: &str| python(CLIENT, &[&host, &port, "U00001", password, &enter]);
    let Some(output) = session(PASSWORD) else { return };
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], house.session(0));
    let answer = unhex(lines[1]);
    let Ok(outbound::Message::Accepted(m, _)) = outbound::Message::parse(&answer) else {
        panic!("{said}")
    };
    assert_eq!((m.user_ref(), m.side, m.quantity()), (1, b'B', 100));
    assert_eq!((m.symbol(), m.price()), (*b"AAPL    ", 1_850_000));

    let refused = session("WRONG").expect("it was there before");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("NOT_AUTHORIZED"), "{said}");
    let summary = house.close();
    assert_eq!(figure(&summary, 0, "bad_credentials"), 1);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

/// Captures what passes on loopback. `None`: it is not there, or may not.
struct Capture(Child);

impl Capture {
    fn start(filter: &str, file: &Path) -> Option<Self> {
        let child = Command::new("dumpcap")
            .args(["-q", "-i", "lo", "-f", filter, "-w"])
            .arg(file)
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            absent("no dumpcap: it comes with the package tshark");
            return None;
        };
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        while lines.read_line(&mut said).unwrap() != 0 {
            // It says where it writes once it hears.
            if said.contains("File: ") {
                return Some(Self(child));
            }
        }
        child.wait().unwrap();
        absent(&format!(
            "dumpcap may not capture on lo: run it as root, or give it the right to\n{said}"
        ));
        None
    }

    fn stop(mut self) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        kill(pid, Signal::SIGINT).unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

#[test]
fn tshark_finds_no_malformed_frame_in_what_a_venue_sends() {
    let house = House::open(16, 128);
    let shard = house.shards[0];
    let ports = [shard.lines[0].port(), shard.lines[1].port()];
    let orders = shard.orders.port();
    let filter = format!("tcp port {orders} or udp port {} or udp port {}", ports[0], ports[1]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("venue.pcapng");
    let Some(capture) = Capture::start(&filter, &file) else { return };
    let mut client = Client::up(shard.orders, "U00001");
    let mut other = Client::up(shard.orders, "U00002");
    for number in 0..50 {
        let (bid, ask) = (2 * number + 1, 2 * number + 2);
        assert_eq!(
            words(&client.ask(&order(bid, b'B', 100, "AAPL", 1_850_000))),
            format!("A {bid}")
        );
        assert_eq!(words(&other.ask(&order(ask, b'S', 40, "AAPL", 1_850_000))), format!("A {ask}"));
        assert!(matches!(other.hear(), Said::Told(message) if message[0] == b'E'));
        assert!(matches!(client.hear(), Said::Told(message) if message[0] == b'E'));
        assert_eq!(words(&client.ask(&cancel(bid))), format!("C {bid}"));
    }
    client.log_out();
    other.log_out();
    house.close();
    capture.stop();

    let tshark = |arguments: &[&str]| {
        let output = Command::new("tshark")
            .arg("-r")
            .arg(&file)
            .args(["-d", &format!("tcp.port=={orders},soupbintcp")])
            .args(ports.map(|port| format!("-dudp.port=={port},moldudp64")))
            // Its OUCH is version 4, whose messages have other lengths.
            .args(["--disable-protocol", "ouch"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(tshark(&["-Y", "_ws.malformed || _ws.expert.severity == error"]), "");
    let lines = |filter: &str| tshark(&["-Y", filter]).lines().count();
    for port in ports {
        let all = lines(&format!("udp.port == {port}"));
        assert_eq!(lines(&format!("udp.port == {port} && moldudp64")), all);
        let counts = ["-Y", &format!("udp.port == {port}"), "-Tfields", "-emoldudp64.count"];
        let counts =
            tshark(&counts).lines().map(|count| count.parse().unwrap()).collect::<Vec<u32>>();
        // An order, its execution and its delete, in as many datagrams as the turns that they came in.
        let messages: u32 = counts.iter().filter(|count| **count != 65_535).sum();
        assert!(150 <= messages, "{messages} messages in {all} datagrams");
    }
    let numbers = ["-Y", "moldudp64", "-T", "fields", "-e", "moldudp64.count"];
    assert!(tshark(&numbers).lines().any(|count| count == "65535"), "the end of the session");
    for letter in ["L", "A", "U", "S", "O"] {
        let there = lines(&format!("soupbintcp.packet_type == '{letter}'"));
        assert!(0 < there, "no packet of type {letter}");
    }
}
