//! `rialto run` as a person types it: two lossy lines in, the books of a lossless run out.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// The demo with ports of its own, so that tests and a running demo do not meet.
fn config(metrics: &str, session: &str) -> String {
    let udp = || UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (a, b, requests) = (udp(), udp(), udp());
    format!(
        r#"
{metrics}
[log]
level = "warn"
[[shard]]
name = "left"
instruments = ["AAAA"]
capacity = {{ instruments = 64, orders = 65_536, levels = 32_768 }}
[[shard]]
name = "right"
capacity = {{ instruments = 64, orders = 65_536, levels = 32_768 }}
[[feed]]
name = "nasdaq"
venue = "nasdaq"
line_a = "239.192.78.1:{a}"
line_b = "239.192.78.2:{b}"
{session}
rerequest = "127.0.0.1:{requests}"
snapshot = {{ address = "127.0.0.1:{tcp}", user = "TEST", password = "TEST" }}
[[link]]
from = "left"
to = "tops"
depth = 64
policy = "conflate"
[[link]]
from = "right"
to = "alarms"
depth = 64
policy = "gap"
[publish]
feed = "nasdaq"
rate = 20_000
symbols = 32
loss_a = 0.2
loss_b = 0.2
duplicate = 0.01
reorder = 0.02
skew_us = 50
"#
    )
}

/// A run that ends well.
fn run(config: &str, seconds: u32) -> Value {
    let (figures, error) = ended(config, seconds);
    assert_eq!(error, None);
    figures
}

/// What a run printed, and what it said where it did not end well.
fn ended(config: &str, seconds: u32) -> (Value, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.toml");
    fs::write(&file, config).unwrap();
    let limit = format!("{seconds}s");
    let output = Command::new(env!("CARGO_BIN_EXE_rialto"))
        .args(["run", "--json", "--for", &limit, "--data"])
        .arg(folder.path().join("data"))
        .arg("--config")
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    for file in figures["files"].as_array().unwrap() {
        let hist = Command::new(env!("CARGO_BIN_EXE_rialto"))
            .args(["hist", file.as_str().unwrap()])
            .output()
            .unwrap();
        assert!(hist.status.success(), "{}", String::from_utf8_lossy(&hist.stderr));
    }
    (figures, (!output.status.success()).then_some(said))
}

fn sum(figures: &Value, list: &str, key: &str) -> u64 {
    figures[list].as_array().unwrap().iter().map(|row| row[key].as_u64().unwrap()).sum()
}

#[test]
fn books_from_lossy_lines_are_those_of_a_lossless_run() {
    let figures = run(&config("", ""), 2);
    assert_eq!(figures["state_hash"], figures["lossless_state_hash"]);
    assert_ne!(figures["state_hash"], "0000000000000000");
    assert_eq!(figures["recovered_whole"], true);
    assert!(0 < sum(&figures, "feeds", "lost"), "the lines lost nothing: nothing was shown");
    assert_eq!(sum(&figures, "recovery", "given_up"), 0);
    assert_eq!(sum(&figures, "recovery", "faults"), 0);
    assert_eq!(sum(&figures, "recovery", "went_stale"), 0);
    assert!(0 < figures["latency"]["packet_to_book"]["count"].as_u64().unwrap());
}

/// The lossless run has no more room than the run, so equal hashes are not enough.
#[test]
fn books_without_room_are_no_success_though_both_runs_agree() {
    let cramped = config("", "").replace("orders = 65_536", "orders = 8");
    let (figures, said) = ended(&cramped, 1);
    assert!(0 < sum(&figures, "recovery", "went_stale"));
    let said = said.expect("it failed");
    assert!(said.contains("went stale") && said.contains("raise its capacity"), "{said}");
}

#[test]
fn io_uring_ingress_and_snapshots_alone_give_the_same_books() {
    // No gap is asked for again: each goes to the snapshot, while the lines go on.
    let session = "ingress = \"uring\"\nsession = { attempts = 1, gap_messages_max = 1 }";
    let figures = run(&config("", session), 2);
    assert_eq!(figures["state_hash"], figures["lossless_state_hash"]);
    assert!(0 < sum(&figures, "recovery", "by_snapshot"));
}

#[test]
fn prometheus_is_served_and_ctrl_c_drains() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let metrics = format!("[metrics]\nlisten = \"127.0.0.1:{port}\"");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.toml");
    fs::write(&file, config(&metrics, "")).unwrap();
    let mut running = Command::new(env!("CARGO_BIN_EXE_rialto"))
        .args(["run", "--json", "--data"])
        .arg(folder.path().join("data"))
        .arg("--config")
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let text = scrape(port);
    for name in ["rialto_feed_messages_total", "rialto_shard_cycles_total", "# HELP rialto_feed"] {
        assert!(text.contains(name), "{name} is not in\n{text}");
    }
    let pid = nix::unistd::Pid::from_raw(i32::try_from(running.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let mut out = String::new();
    running.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert!(running.wait().unwrap().success());
    let figures: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(figures["state_hash"], figures["lossless_state_hash"]);
}

/// What the endpoint says once messages have come; fails after a minute without any.
fn scrape(port: u16) -> String {
    for _ in 0..600 {
        thread::sleep(Duration::from_millis(100));
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { continue };
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let is_moving =
            |line: &str| line.starts_with("rialto_feed_messages_total{") && !line.ends_with(" 0");
        if text.lines().any(is_moving) {
            return text;
        }
    }
    panic!("no message was counted in a minute");
}
