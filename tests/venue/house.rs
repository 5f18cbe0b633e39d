//! A `rialto venue` of a test's own: its configuration, its process and what it said at the end.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::client::{Client, Said};
use crate::publish::until;

/// The shards, by name, with what each trades and its reference price.
pub(super) const SHARDS: [(&str, &[(&str, &str)]); 2] = [
    ("x0", &[("AAPL", "185.00"), ("MSFT", "185.00")]),
    ("x1", &[("JPM", "96.50"), ("ZN", "96.50")]),
];
/// Ports U00001 and so on: those with odd numbers are of firm ALFA, the others of BRVO.
pub(super) const PORTS: u32 = 8;
/// The password of everybody.
pub(super) const PASSWORD: &str = "DEMO";
/// The firms' drop copies.
pub(super) const DROPS: [&str; 2] = ["DALFA", "DBRVO"];
/// In the folder of a test.
pub(super) const DATA: &str = "data";
/// Shares of one order, at most.
pub(super) const QTY_MAX: u32 = 100_000;

/// Where one shard is to be found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub(super) orders: SocketAddr,
    pub(super) lines: [SocketAddrV4; 2],
    pub(super) rerequest: SocketAddr,
    pub(super) snapshot: SocketAddr,
}

/// Places that nobody has now. The last byte of the groups tells the shards apart; their ports tell tests apart.
fn places(shard: u8) -> Places {
    let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let tcp = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let udp = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let line = |last| SocketAddrV4::new(Ipv4Addr::new(239, 192, 79, last), udp());
    Places {
        orders: loopback(tcp()),
        lines: [line(2 * shard + 1), line(2 * shard + 2)],
        rerequest: loopback(udp()),
        snapshot: loopback(tcp()),
    }
}

/// A configuration; `connections`: at a time on each shard, `replay_kib`: kept of each port's messages.
fn config(places: &[Places; 2], metrics: SocketAddr, connections: u32, replay_kib: u32) -> String {
    let mut text = format!(
        "[log]\nlevel = \"info\"\n[metrics]\nlisten = \"{metrics}\"\n[[exchange]]\nname = \"TST\"\nextensions = true\n"
    );
    for ((name, listed), at) in SHARDS.iter().zip(places) {
        let symbols: Vec<&str> = listed.iter().map(|(symbol, _)| *symbol).collect();
        text.push_str(&format!(
            r#"
[[exchange.shard]]
name = "{name}"
instruments = {symbols:?}
capacity = {{ orders = 16_384, terms = 4_096, connections = {connections}, replay_kib = {replay_kib} }}
orders = "{}"
line_a = "{}"
line_b = "{}"
rerequest = "{}"
snapshot = {{ address = "{}", user = "RIALTO", password = "Rialto" }}
[[exchange.instrument]]
symbols = {symbols:?}
reference = "{}"
"#,
            at.orders, at.lines[0], at.lines[1], at.rerequest, at.snapshot, listed[0].1
        ));
    }
    for (firm, drop) in ["ALFA", "BRVO"].iter().zip(DROPS) {
        text.push_str(&format!(
            "[[exchange.firm]]\nname = \"{firm}\"\ncredit = 1_000_000_000_000\n\
             drop_copy = {{ user = \"{drop}\", password = \"{PASSWORD}\" }}\n"
        ));
    }
    text.push_str(&format!(
        "[[exchange.port]]\nuser = \"U{{n}}\"\ncount = {PORTS}\npassword = \"{PASSWORD}\"\n\
         firms = [\"ALFA\", \"BRVO\"]\nlimits = {{ qty = {QTY_MAX} }}\n"
    ));
    text
}

/// A running venue. Dropped, it is killed.
pub(super) struct House {
    child: Child,
    folder: TempDir,
    pub(super) shards: [Places; 2],
    metrics: SocketAddr,
}

impl House {
    /// Starts one, and waits until its day has begun.
    pub(super) fn open(connections: u32, replay_kib: u32) -> Self {
        let shards = [places(0), places(1)];
        let metrics = places(0).orders;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("venue.toml");
        let data = format!("data = {:?}\n", folder.path().join(DATA));
        let text = config(&shards, metrics, connections, replay_kib);
        fs::write(&file, data + &text).unwrap();
        let log = fs::File::create(folder.path().join("said")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_rialto"))
            .args(["venue", "--json", "--config"])
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut house = Self { child, folder, shards, metrics };
        for orders in shards.map(|shard| shard.orders) {
            until("the venue listens", || {
                house.is_up();
                TcpStream::connect(orders).is_ok()
            });
            // What every login is told first, so that no test hears it among answers.
            let mut first = Client::connect(orders);
            first.log_in(DROPS[1], PASSWORD, "", 1);
            assert_eq!(first.hear(), Said::Accepted(1));
            assert!(matches!(first.hear(), Said::Told(message) if message[6] == b'S'));
            first.log_out();
        }
        house
    }

    /// The folder that it writes into.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join(DATA)
    }

    /// Another run of the same configuration, as `rialto venue` or `rialto run` is started.
    pub(super) fn again(&self, command: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_rialto"))
            .arg(command)
            .arg("--data")
            .arg(self.data())
            .args(if command == "venue" { &["--config"][..] } else { &[] })
            .args((command == "venue").then(|| self.folder.path().join("venue.toml")))
            .output()
            .unwrap()
    }

    /// What it wrote to standard error.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap()
    }

    /// The session of a shard, as it says when it starts.
    pub(super) fn session(&self, shard: usize) -> String {
        let prefix = format!("session TST{}", shard + 1);
        let mut session = None;
        // Its log is written by a thread of its own.
        until("it says its sessions", || {
            let said = self.said();
            let after = said.split_once(&prefix).and_then(|(_, after)| after.get(..6));
            session = after.map(|rest| format!("TST{}{rest}", shard + 1));
            session.is_some()
        });
        session.unwrap_or_default()
    }

    /// Fails where it ended by itself.
    fn is_up(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the venue ended with {status}: {}", self.said());
        }
    }

    /// One figure of a shard, as the metrics have it now; they are a second old at most.
    pub(super) fn figure(&self, shard: usize, name: &str) -> Option<u64> {
        let mut stream = TcpStream::connect(self.metrics).ok()?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let label = format!("shard=\"{}\"", SHARDS[shard].0);
        let line = text.lines().find(|line| {
            let labels = line.strip_prefix(name).filter(|rest| rest.starts_with('{'));
            labels.is_some_and(|rest| rest.contains(&label))
        });
        line?.rsplit_once(' ')?.1.parse().ok()
    }

    /// Waits until a figure of a shard is at least so much.
    pub(super) fn wait_for(&self, shard: usize, name: &str, least: u64) {
        until(&format!("{name} is {least}"), || {
            self.figure(shard, name).is_some_and(|value| least <= value)
        });
    }

    /// Asks for its end as Ctrl-C does; what it summed up.
    pub(super) fn close(mut self) -> Value {
        self.is_up();
        kill(self.pid(), Signal::SIGINT).unwrap();
        self.ended()
    }

    /// Ends it with nothing said, as a crash does; the folder of the run.
    pub(super) fn crash(mut self) -> TempDir {
        kill(self.pid(), Signal::SIGKILL).unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Waits for its end, which somebody has asked for; what it summed up.
    pub(super) fn ended(mut self) -> Value {
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}\n{out}", self.said());
        serde_json::from_str(&out).unwrap()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // It has ended already where it was closed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A figure of a shard in a summary.
pub(super) fn figure(summary: &Value, shard: usize, name: &str) -> u64 {
    let figures = &summary["venues"][0]["shards"][shard]["figures"];
    figures[name].as_u64().unwrap_or_else(|| panic!("no {name} in {figures}"))
}
