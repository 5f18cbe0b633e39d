//! The listening end of the control socket: clients, their lines, and how long each may take.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixListener;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

use super::places::{Place, Places};
use super::protocol::{Line, Refusal, Reply, Request};
use super::{SOCKET, State};
use crate::failure::Failure;
use crate::folder::Folder;
use crate::stop::Stop;

/// Clients that wait to be let in.
const BACKLOG: i32 = 64;
/// How often it is seen whether to stop.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Of a request for many instruments, what became of so many is logged one by one.
const LOGGED_MAX: usize = 16;
/// Characters of a request that are logged.
const ASKED_MAX: usize = 1_000;

/// What one client may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Clients at a time.
    pub(super) clients: usize,
    /// Bytes of a request.
    pub(super) line: usize,
    /// Until the whole of its next request has come.
    pub(super) read: Duration,
    /// Until it has taken the whole of a reply.
    pub(super) write: Duration,
    /// Until a shard has said something of what it was asked.
    pub(super) answer: Duration,
}

impl Limits {
    pub(super) const DEFAULT: Self = Self {
        clients: 16,
        // The tickers of some six thousand instruments.
        line: 1 << 16,
        read: Duration::from_secs(60),
        write: Duration::from_secs(5),
        answer: Duration::from_secs(5),
    };
}

/// The socket, bound: who connects waits until he is served. Dropped, its file is gone.
#[derive(Debug)]
pub struct Listener {
    socket: Option<std::os::unix::net::UnixListener>,
    path: PathBuf,
}

impl Listener {
    /// Binds. A socket which is there already is of a run that has ended: the folder is held.
    ///
    /// # Errors
    /// A socket that cannot be made.
    pub fn bind(folder: &Folder) -> Result<Self, Failure> {
        let path = &folder.path().join(SOCKET);
        let refused = |error: io::Error| {
            // What the kernel's address has no room for.
            if error.kind() == ErrorKind::InvalidInput {
                let len = path.as_os_str().len();
                return Failure::failed(format!(
                    "cannot make the control socket: its path has {len} bytes, and Linux takes 107"
                ))
                .remedy("give this run a folder with a shorter name: --data DIR");
            }
            Failure::io("make the control socket", path, error)
        };
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(refused(error)),
            Ok(()) | Err(_) => {}
        }
        let address = SockAddr::unix(path).map_err(refused)?;
        let bound = || {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            // Before it has a name, so that it is nobody else's for no moment.
            let file = File::from(OwnedFd::from(socket));
            file.set_permissions(Permissions::from_mode(0o600))?;
            let socket = Socket::from(OwnedFd::from(file));
            socket.bind(&address)?;
            socket.listen(BACKLOG)?;
            socket.set_nonblocking(true)?;
            Ok(std::os::unix::net::UnixListener::from(OwnedFd::from(socket)))
        };
        let socket = bound().map_err(refused)?;
        Ok(Self { socket: Some(socket), path: path.to_owned() })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Another run may not have been let in meanwhile: the folder is held longer than this.
        let _ = fs::remove_file(&self.path);
    }
}

type Ready = SyncSender<Result<(), String>>;

/// Serves until the first flag is raised; the second ends the day.
pub(super) fn run(
    mut listener: Listener,
    state: State,
    (stop, end_day): &(Stop, Stop),
    ready: &Ready,
) {
    // Nobody waits any more where the starter gave up.
    let fail = |why: String| drop(ready.send(Err(why)));
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(error.to_string()),
    };
    let tasks = LocalSet::new();
    runtime.block_on(tasks.run_until(async {
        let socket = listener.socket.take().map(UnixListener::from_std);
        let socket = match socket {
            Some(Ok(socket)) => socket,
            Some(Err(error)) => return fail(error.to_string()),
            None => return,
        };
        let _ = ready.send(Ok(()));
        let state = Rc::new(state);
        tokio::task::spawn_local(accept(socket, Rc::clone(&state)));
        while !stop.requested() && !end_day.requested() {
            sleep(LOOK_EVERY).await;
        }
        if !stop.requested() {
            tokio::task::spawn_local(async move { state.end_every_day().await });
        }
        while !stop.requested() {
            sleep(LOOK_EVERY).await;
        }
    }));
}

/// Lets clients in.
async fn accept(socket: UnixListener, state: Rc<State>) {
    let limits = state.limits;
    let places = Places::new(limits.clients);
    loop {
        let stream = match socket.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many files are open, most of all: it may pass.
                tracing::warn!("the control socket: {error}");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let who = Who::of(&stream);
        if let Some(place) = places.take() {
            let state = Rc::clone(&state);
            tokio::task::spawn_local(async move { serve(stream, &who, &place, &state).await });
            continue;
        }
        tracing::warn!(uid = who.uid, pid = who.pid, "control: turned away, all others are busy");
        let what =
            format!("all {} clients of the control have a request under way", limits.clients);
        let refusal = Refusal::failed(what).remedy("try again in a while");
        tokio::task::spawn_local(refuse(stream.into_split().1, refusal, limits.write));
    }
}

/// Who is at the other end, as the kernel says.
struct Who {
    uid: Option<u32>,
    pid: Option<i32>,
}

impl Who {
    fn of(stream: &UnixStream) -> Self {
        let peer = stream.peer_cred().ok();
        Self {
            uid: peer.as_ref().map(tokio::net::unix::UCred::uid),
            pid: peer.and_then(|peer| peer.pid()),
        }
    }
}

/// The last that a client is told. It holds no place meanwhile, and where it does not listen it is cut off.
async fn refuse(mut write: OwnedWriteHalf, refusal: Refusal, patience: Duration) {
    let _ = timeout(patience, write.write_all(&bytes(&Reply::Refused(refusal)))).await;
}

/// A reply as it is sent.
fn bytes(reply: &Reply) -> Vec<u8> {
    // Text and numbers alone: JSON can hold them.
    let mut bytes = serde_json::to_vec(reply).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// What a client sent.
enum Heard {
    Line,
    /// It hung up, between two lines or in one.
    End,
    /// More than a line may have.
    Oversize,
}

/// One client, until it hangs up, is cut off or gives way. A request that has come is carried out before that.
async fn serve(stream: UnixStream, who: &Who, place: &Place, state: &State) {
    let limits = state.limits;
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut line = Vec::new();
    while place.set_idle() {
        line.clear();
        let heard = tokio::select! {
            biased;
            heard = timeout(limits.read, hear(&mut read, &mut line, limits.line)) => heard,
            () = place.lost() => break,
        };
        place.set_busy();
        let (reply, is_last) = match heard {
            Ok(Ok(Heard::End) | Err(_)) => return,
            Ok(Ok(Heard::Line)) => match serde_json::from_slice::<Request>(&line) {
                Ok(request) => {
                    let reply = state.reply(&request).await;
                    log(who, &request, &reply);
                    (reply, false)
                }
                Err(error) => (bad(who, format!("the line is no request: {error}")), false),
            },
            Ok(Ok(Heard::Oversize)) => {
                (bad(who, format!("a request has {} bytes at most", limits.line)), true)
            }
            Err(_) => {
                let seconds = limits.read.as_secs();
                (bad(who, format!("no request came for {seconds} s")), true)
            }
        };
        match timeout(limits.write, write.write_all(&bytes(&reply))).await {
            Ok(Ok(())) if is_last => return,
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                return tracing::warn!(
                    uid = who.uid,
                    pid = who.pid,
                    "control: cut off, as it does not take its reply"
                );
            }
        }
    }
    tracing::warn!(uid = who.uid, pid = who.pid, "control: gave way to another");
    let what = format!(
        "{} clients are connected already, and of those without a request this one waited longest",
        limits.clients
    );
    refuse(write, Refusal::failed(what).remedy("connect again to ask for more"), limits.write)
        .await;
}

/// The next line, without its end.
async fn hear(
    read: &mut BufReader<OwnedReadHalf>,
    line: &mut Vec<u8>,
    len_max: usize,
) -> io::Result<Heard> {
    let most = u64::try_from(len_max).unwrap_or(u64::MAX).saturating_add(1);
    read.take(most).read_until(b'\n', line).await?;
    Ok(match line.pop() {
        Some(b'\n') => Heard::Line,
        Some(_) if len_max <= line.len() => Heard::Oversize,
        Some(_) | None => Heard::End,
    })
}

fn bad(who: &Who, what: String) -> Reply {
    tracing::warn!(uid = who.uid, pid = who.pid, "control: {what}");
    Reply::Refused(Refusal::usage(what))
}

/// Who asked for what, and what became of it.
fn log(who: &Who, request: &Request, reply: &Reply) {
    let asked: String =
        serde_json::to_string(request).unwrap_or_default().chars().take(ASKED_MAX).collect();
    match reply {
        Reply::Shards(_) => tracing::debug!(uid = who.uid, pid = who.pid, asked, "control: told"),
        Reply::Refused(refusal) => {
            tracing::warn!(
                uid = who.uid,
                pid = who.pid,
                asked,
                "control: refused: {}",
                refusal.what
            );
        }
        Reply::Outcomes(lines) => {
            let (good, bad): (Vec<&Line>, Vec<&Line>) =
                lines.iter().partition(|line| line.outcome.is_good());
            let one = |line: &&Line| {
                let Line { exchange, shard, subject, text, .. } = line;
                format!("{exchange} {shard}: {subject} {text}")
            };
            let first: Vec<String> = bad.iter().chain(&good).take(LOGGED_MAX).map(one).collect();
            let more = match lines.len().saturating_sub(LOGGED_MAX) {
                0 => String::new(),
                more => format!("; and {more} more, {} of all not done", bad.len()),
            };
            let became = first.join("; ");
            if bad.is_empty() {
                tracing::info!(uid = who.uid, pid = who.pid, asked, "control: {became}{more}");
            } else {
                tracing::warn!(uid = who.uid, pid = who.pid, asked, "control: {became}{more}");
            }
        }
    }
}
