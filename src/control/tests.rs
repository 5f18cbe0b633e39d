//! The control socket with shards that answer when a test wants them to: what clients may do, and what becomes of
//! those who do more.

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::exchange::{Answer, Command, Detail, Outcome as Told};
use runtime::ring::{Popped, WhenFull, link};
use tempfile::TempDir;

use super::protocol::Outcome;
use super::*;
use crate::cpus::Cpus;
use crate::fault::Source;
use crate::folder::Folder;
use crate::launch::COMMAND_DEPTH;
use crate::{fault, topology};

/// Longer than anything here takes on a busy host.
const PATIENCE: Duration = Duration::from_secs(60);
const LIMITS: Limits =
    Limits { clients: 3, line: 4_096, read: PATIENCE, write: PATIENCE, answer: PATIENCE };

fn topology() -> Topology {
    let symbols: Vec<String> = (0..100).map(|number| format!("S{number:02}")).collect();
    let text = format!(
        r#"
[[exchange]]
name = "RLX"
[[exchange.shard]]
name = "x0"
capacity = {{ orders = 1000 }}
orders = "127.0.0.1:26501"
line_a = "239.192.78.1:26511"
[[exchange.instrument]]
symbols = {symbols:?}
reference = "100.00"
[[exchange.firm]]
name = "ALFA"
credit = 1000
drop_copy = {{ user = "DALFA", password = "x" }}
[[exchange.port]]
user = "U{{n}}"
count = 50
password = "x"
firms = ["ALFA"]
"#
    );
    let source = Source { name: "test.toml".to_owned(), text };
    let config = fault::read(&source).expect("its shape");
    topology::check(&config, &source, &Cpus::plain(2)).expect("it can be")
}

/// A control whose one shard is this.
struct Rig {
    folder: TempDir,
    stop: Stop,
    /// The shard answers.
    answers: Arc<AtomicBool>,
    /// It is asked for something that it has not answered.
    is_asked: Arc<AtomicBool>,
    /// It has seen that it shall not answer.
    is_held: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Rig {
    fn new(limits: Limits) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let held = Folder::hold(folder.path(), "test").expect("nobody else does");
        let listener = Listener::bind(&held).expect("it binds");
        let (commands, mut commanded) = link(COMMAND_DEPTH, WhenFull::Gap, None);
        let (mut answer, answered) = link(COMMAND_DEPTH, WhenFull::Gap, None);
        let (stop, answers) = (Stop::new(), Arc::new(AtomicBool::new(true)));
        let [is_asked, is_held] = [false; 2].map(|no| Arc::new(AtomicBool::new(no)));
        let (is_over, is_on) = (stop.clone(), Arc::clone(&answers));
        let (asked, held_now) = (Arc::clone(&is_asked), Arc::clone(&is_held));
        let shard = thread::spawn(move || {
            while !is_over.requested() {
                let is_held = !is_on.load(Ordering::SeqCst);
                held_now.store(is_held, Ordering::SeqCst);
                asked.store(!commanded.is_empty(), Ordering::SeqCst);
                if !is_held && let Some(Popped::Message(message)) = commanded.pop() {
                    let (number, command) = Command::from_message(&message).expect("a command");
                    let (outcome, detail) = become_of(command);
                    answer.push(Answer { number, outcome, detail }.to_message());
                } else {
                    thread::sleep(Duration::from_micros(100));
                }
            }
        });
        let flags = (stop.clone(), Stop::new());
        let server = thread::spawn(move || {
            let desk = RefCell::new(Desk::new(vec![(commands, answered)]));
            let names = Names::new(&topology());
            let state = State { names, desk, watches: Vec::new(), limits };
            server::run(listener, state, &flags, &mpsc::sync_channel(1).0);
        });
        Self { folder, stop, answers, is_asked, is_held, threads: vec![shard, server] }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(SOCKET)
    }

    /// From now on the shard answers nothing.
    fn hold(&self) {
        self.answers.store(false, Ordering::SeqCst);
        while !self.is_held.load(Ordering::SeqCst) {
            thread::yield_now();
        }
    }

    fn client(&self) -> Client {
        let stream = UnixStream::connect(self.path()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Client { read: BufReader::new(stream) }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.request();
        let ended = self.threads.drain(..).map(JoinHandle::join);
        // A test that has failed says why.
        assert!(ended.into_iter().all(|end| end.is_ok()) || thread::panicking());
    }
}

/// Even instruments can be halted.
fn become_of(command: Command) -> (Told, Detail) {
    match command {
        Command::Control { instrument, .. } if instrument.get() % 2 == 0 => (
            Told::Done,
            Detail::Instrument { phase: matching::Phase::Halted, shares: 0, price: None },
        ),
        Command::Control { .. } => (
            Told::WrongPhase,
            Detail::Instrument { phase: matching::Phase::Closed, shares: 0, price: None },
        ),
        Command::Look { .. }
        | Command::Close
        | Command::Kill { .. }
        | Command::Revive { .. }
        | Command::Bust { .. } => (Told::Done, Detail::None),
    }
}

struct Client {
    read: BufReader<UnixStream>,
}

impl Client {
    /// Where the other end hung up meanwhile, it said why.
    fn send(&mut self, line: &[u8]) {
        let _ = self.read.get_mut().write_all(line);
    }

    fn hear(&mut self) -> Reply {
        let mut line = String::new();
        self.read.read_line(&mut line).expect("a reply");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    fn ask(&mut self, line: &str) -> Reply {
        self.send(format!("{line}\n").as_bytes());
        self.hear()
    }

    fn refused(&mut self) -> Refusal {
        let reply = self.hear();
        let Reply::Refused(refusal) = reply else { panic!("{reply:?}") };
        refusal
    }

    fn is_cut_off(&mut self) -> bool {
        match self.read.read(&mut [0; 1]) {
            Ok(0) => true,
            Ok(_) => false,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

const HALT: &str = r#"{"command":"halt","symbols":["S00"]}"#;

fn outcomes(reply: Reply) -> Vec<Outcome> {
    let Reply::Outcomes(lines) = reply else { panic!("{reply:?}") };
    lines.iter().map(|line| line.outcome).collect()
}

#[test]
fn a_line_that_is_no_request_is_refused_and_the_next_is_taken() {
    let rig = Rig::new(LIMITS);
    let mut client = rig.client();
    let lines: &[&[u8]] = &[
        b"",
        b"halt AAPL",
        b"{",
        b"{}",
        b"[1,2]",
        b"\xFF\xFE\0",
        b"{\"command\":\"dance\"}",
        b"{\"command\":\"halt\",\"symbol\":\"S00\"}",
        b"{\"command\":\"status\"}\r{}",
    ];
    for line in lines {
        client.send(&[line, b"\n".as_slice()].concat());
        let refusal = client.refused();
        assert!(
            refusal.usage && refusal.what.starts_with("the line is no request: "),
            "{refusal:?}"
        );
    }
    assert_eq!(outcomes(client.ask(HALT)), [Outcome::Done]);
    // Two at once are taken one after the other.
    client.send(format!("{HALT}\n{HALT}\n").as_bytes());
    assert_eq!(outcomes(client.hear()), [Outcome::Done]);
    assert_eq!(outcomes(client.hear()), [Outcome::Done]);
}

#[test]
fn names_that_are_not_there_are_refused_with_the_nearest() {
    let rig = Rig::new(LIMITS);
    let mut client = rig.client();
    let cases = [
        // what is asked for, what is said, what to do
        (
            r#""halt","symbols":["S00","X17"]"#,
            "no instrument of RLX is called `X17`",
            "did you mean `S17`?",
        ),
        (
            r#""halt","symbols":["ZZZZZZZZ"]"#,
            "no instrument of RLX is called `ZZZZZZZZ`",
            "there are S00, S01, S02, S03, S04, S05, S06, S07, S08, S09, S10, S11 and 88 more",
        ),
        (
            r#""halt","symbols":["s07"]"#,
            "no instrument of RLX is called `s07`",
            "did you mean `S07`?",
        ),
        (r#""halt""#, "no instrument is named", "name some, or all of them: SYMBOL..., --all"),
        (
            r#""halt","symbols":["S00"],"all":true"#,
            "some instruments are named, and all of them",
            "leave out the names, or --all",
        ),
        (
            r#""open","exchange":"RLY","all":true"#,
            "no exchange is called `RLY`",
            "did you mean `RLX`?",
        ),
        (r#""status","exchange":"DARKER""#, "no exchange is called `DARKER`", "it can be `RLX`"),
        (
            r#""kill","whose":{"firm":"ALFB"}"#,
            "no firm of RLX is called `ALFB`",
            "did you mean `ALFA`?",
        ),
        (
            r#""kill","whose":{"port":"dalfa"}"#,
            "`dalfa` is the login of a drop copy, which sends no orders",
            "",
        ),
        (
            r#""revive","whose":{"port":"U00051"}"#,
            "no port of RLX is called `U00051`",
            "did you mean `U00001`?",
        ),
        (
            r#""bust","match_number":0,"reason":"consent""#,
            "no shard of RLX gives trades the number 0",
            "it is the match number of the executions, and of the feed's messages",
        ),
        (
            r#""bust","match_number":18446744073709551615,"reason":"consent""#,
            "no shard of RLX gives trades the number 18446744073709551615",
            "it is the match number of the executions, and of the feed's messages",
        ),
    ];
    for (rest, what, remedy) in cases {
        client.send(format!("{{\"command\":{rest}}}\n").as_bytes());
        let refusal = client.refused();
        let got = (refusal.usage, refusal.what.as_str(), refusal.remedy.as_deref().unwrap_or(""));
        assert_eq!(got, (true, what, remedy), "{rest}");
    }
    // In a login capitals do not count either.
    let reply = client.ask(r#"{"command":"kill","whose":{"port":"u00050"}}"#);
    let Reply::Outcomes(lines) = &reply else { panic!("{reply:?}") };
    assert_eq!(lines[0].subject, "port U00050");
}

#[test]
fn more_instruments_than_a_ring_holds_are_asked_for_one_after_the_other() {
    let rig = Rig::new(LIMITS);
    let got = outcomes(rig.client().ask(r#"{"command":"halt","all":true}"#));
    let want = [Outcome::Done, Outcome::WrongPhase].into_iter().cycle().take(100);
    assert!(COMMAND_DEPTH < got.len());
    assert_eq!(got, want.collect::<Vec<_>>());
}

#[test]
fn what_a_shard_does_not_answer_is_told_and_what_it_answers_late_is_nobody_elses() {
    let rig = Rig::new(Limits { answer: Duration::from_millis(50), ..LIMITS });
    rig.hold();
    let mut client = rig.client();
    let got = outcomes(client.ask(r#"{"command":"halt","all":true}"#));
    let (sent, unsent) = got.split_at(COMMAND_DEPTH);
    assert!(sent.iter().all(|outcome| *outcome == Outcome::NoAnswer), "{sent:?}");
    assert!(unsent.iter().all(|outcome| *outcome == Outcome::Full), "{unsent:?}");
    assert_eq!(outcomes(client.ask(HALT)), [Outcome::Full]);
    let reply = client.ask(r#"{"command":"status"}"#);
    let Reply::Shards(shards) = reply else { panic!("{reply:?}") };
    assert!(!shards[0].answered);
    rig.answers.store(true, Ordering::SeqCst);
    let mut got = vec![Outcome::Full];
    while matches!(got.as_slice(), [Outcome::Full | Outcome::NoAnswer]) {
        got = outcomes(client.ask(r#"{"command":"halt","symbols":["S01"]}"#));
    }
    // The late answers say that even instruments are halted; this one is odd.
    assert_eq!(got, [Outcome::WrongPhase]);
}

#[test]
fn a_client_that_asks_for_too_much_or_nothing_is_told_why_and_cut_off() {
    let rig = Rig::new(LIMITS);
    let mut client = rig.client();
    // All that fits is taken.
    let full = format!("{HALT}{}", " ".repeat(LIMITS.line - HALT.len()));
    assert_eq!(outcomes(client.ask(&full)), [Outcome::Done]);
    client.send(&vec![b'x'; LIMITS.line + 1]);
    assert_eq!(client.refused(), Refusal::usage("a request has 4096 bytes at most"));
    assert!(client.is_cut_off());
    drop(rig);
    let rig = Rig::new(Limits { read: Duration::from_millis(20), ..LIMITS });
    let mut client = rig.client();
    client.send(b"{\"command\":");
    assert_eq!(client.refused(), Refusal::usage("no request came for 0 s"));
    assert!(client.is_cut_off());
}

#[test]
fn a_client_that_hangs_up_in_a_line_has_asked_for_nothing() {
    let rig = Rig::new(LIMITS);
    let mut client = rig.client();
    client.send(HALT.as_bytes());
    client.read.get_ref().shutdown(std::net::Shutdown::Write).expect("a socket");
    assert!(client.is_cut_off());
}

/// Those who sit there do not lock out who wants something.
#[test]
fn the_client_that_was_idle_the_longest_gives_way_to_one_too_many() {
    let rig = Rig::new(LIMITS);
    let mut clients: Vec<Client> = (0..LIMITS.clients).map(|_| rig.client()).collect();
    // The second is the first to have been served, so that it has been idle the longest.
    for number in [1, 0, 2] {
        assert_eq!(outcomes(clients[number].ask(HALT)), [Outcome::Done]);
    }
    // One in the middle of a line has asked for nothing yet.
    clients[1].send(b"{\"command\":");
    for number in [1, 0, 2] {
        let mut late = rig.client();
        assert_eq!(outcomes(late.ask(HALT)), [Outcome::Done]);
        let gave_way = Refusal::failed(
            "3 clients are connected already, and of those without a request this one waited longest",
        );
        assert_eq!(clients[number].refused(), gave_way.remedy("connect again to ask for more"));
        assert!(clients[number].is_cut_off());
        clients[number] = late;
    }
}

#[test]
fn one_client_too_many_is_turned_away_while_all_are_busy_and_holds_no_place() {
    let rig = Rig::new(Limits { clients: 1, ..LIMITS });
    rig.hold();
    let mut busy = rig.client();
    busy.send(format!("{HALT}\n").as_bytes());
    while !rig.is_asked.load(Ordering::SeqCst) {
        thread::yield_now();
    }
    // None of them hangs up.
    let mut turned_away: Vec<Client> = (0..8).map(|_| rig.client()).collect();
    for late in &mut turned_away {
        let full = Refusal::failed("all 1 clients of the control have a request under way");
        assert_eq!(late.refused(), full.remedy("try again in a while"));
    }
    rig.answers.store(true, Ordering::SeqCst);
    assert_eq!(outcomes(busy.hear()), [Outcome::Done]);
    assert_eq!(outcomes(rig.client().ask(HALT)), [Outcome::Done]);
    assert!(turned_away.iter_mut().all(Client::is_cut_off));
}

#[test]
fn a_client_that_stops_reading_loses_its_connection_and_others_do_not_notice() {
    let rig = Rig::new(Limits { write: Duration::from_millis(20), ..LIMITS });
    let mut deaf = rig.client();
    let lost = loop {
        match deaf.read.get_mut().write_all(b"no request\n") {
            Ok(()) => {}
            Err(error) => break error.kind(),
        }
    };
    assert!(matches!(lost, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{lost:?}");
    assert_eq!(outcomes(rig.client().ask(HALT)), [Outcome::Done]);
}

#[test]
fn the_socket_is_its_owners_alone_and_replaces_one_of_a_dead_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(SOCKET);
    // What a process leaves behind that was killed.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("it binds"));
    let failed = UnixStream::connect(&path).expect_err("nobody listens");
    assert_eq!(failed.kind(), ErrorKind::ConnectionRefused);
    let held = Folder::hold(folder.path(), "test").expect("nobody else does");
    let listener = Listener::bind(&held).expect("it binds");
    let meta = fs::metadata(&path).expect("it is there");
    assert!(meta.file_type().is_socket());
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    drop(UnixStream::connect(&path).expect("it listens"));
    drop(listener);
    assert!(!path.exists());
    let long = Folder::hold(&folder.path().join("x".repeat(120)), "test").expect("a folder");
    let failure = Listener::bind(&long).expect_err("too long");
    assert!(failure.to_string().contains("and Linux takes 107"), "{failure}");
}
