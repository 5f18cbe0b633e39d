//! The snapshot server: GLIMPSE over SoupBinTCP, several clients at a time.
//!
//! One thread keeps the book from the published messages and serves everyone. A client gets the
//! state as it was when it logged in, and the number of the message that follows. A client that
//! does not read, says nothing or talks nonsense is cut, and the others do not notice.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rtrb::Consumer;
use session::SessionId;
use session::glimpse::Server;
use session::soup::{Closed, Credentials, Reject, Request, SoupConfig};
use tape::Numbered;
use types::{Nanos, SeqNo};

use super::clock::Clock;
use super::standing::Standing;
use super::stats::Counters;
use crate::stop::Stop;

/// Who is served, and within which bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) session: SessionId,
    /// Case does not matter.
    pub(super) user: [u8; 6],
    pub(super) password: [u8; 10],
    /// Clients at a time.
    pub(super) clients_max: usize,
    /// How long a client may leave bytes unread.
    pub(super) stall: Nanos,
    pub(super) soup: SoupConfig,
}

pub(super) struct Snapshots {
    pub(super) listener: TcpListener,
    pub(super) terms: Terms,
    pub(super) messages: Consumer<Numbered>,
    pub(super) standing: Standing,
    pub(super) counters: Arc<Counters>,
    pub(super) stop: Stop,
    pub(super) clock: Clock,
}

/// Messages of the feed between two looks at the clients.
const TURN: usize = 4_096;
/// Bytes read from a client in a turn: no sensible one says as much.
const READ_MAX: usize = 1_024;
/// Bytes written to a client in a turn, so that a fast one does not keep the others waiting.
const WRITE_MAX: usize = 1 << 20;
/// How long a served client may take to hang up.
const LINGER: Nanos = Nanos::from_secs(2);
/// Sleep where there was nothing to do.
const IDLE: Duration = Duration::from_micros(500);

/// What a client is being sent.
struct Image {
    bytes: Arc<Vec<u8>>,
    at: usize,
    join: u64,
    finished: bool,
}

struct Client {
    stream: TcpStream,
    server: Server,
    image: Option<Image>,
    /// Bytes were taken last, or none were waiting.
    taken_at: Nanos,
    /// The snapshot was sent whole.
    served_at: Option<Nanos>,
}

/// Why a client is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    /// It has all it asked for, or hung up.
    Done,
    /// It does not read.
    Slow,
    /// No login in time, silence, or no SoupBinTCP.
    Silent,
}

impl Snapshots {
    pub(super) fn run(mut self) {
        let mut clients: Vec<Client> = Vec::with_capacity(self.terms.clients_max);
        while !self.stop.requested() {
            let mut busy = self.take_messages();
            busy |= self.take_clients(&mut clients);
            let now = self.clock.now();
            // Clients who log in at the same moment share one image.
            let mut latest: Option<(u64, Arc<Vec<u8>>)> = None;
            let mut at = 0;
            while at < clients.len() {
                match self.serve(now, &mut clients[at], &mut latest) {
                    Ok(moved) => {
                        busy |= moved;
                        at += 1;
                    }
                    Err(gone) => {
                        match gone {
                            Gone::Done => {}
                            Gone::Slow => self.counters.snapshot_slow.add(1),
                            Gone::Silent => self.counters.snapshot_silent.add(1),
                        }
                        clients.swap_remove(at);
                    }
                }
            }
            if !busy {
                thread::sleep(IDLE);
            }
        }
    }

    /// Brings the book up to date, within a turn.
    fn take_messages(&mut self) -> bool {
        let ready = self.messages.slots().min(TURN);
        let Ok(chunk) = self.messages.read_chunk(ready) else {
            return false;
        };
        for copy in chunk {
            self.standing.on_message(copy.sequence(), copy.message());
        }
        self.counters.book_faults.set(self.standing.faults());
        0 < ready
    }

    fn take_clients(&self, clients: &mut Vec<Client>) -> bool {
        let mut taken = false;
        while let Ok((stream, _)) = self.listener.accept() {
            taken = true;
            if self.terms.clients_max <= clients.len() {
                self.counters.snapshot_crowded.add(1);
                continue;
            }
            // A stream that cannot be polled cannot be served.
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            let now = self.clock.now();
            self.counters.snapshot_clients.add(1);
            clients.push(Client {
                stream,
                server: Server::new(self.terms.soup, now),
                image: None,
                taken_at: now,
                served_at: None,
            });
        }
        taken
    }

    /// One turn of one client: hear it, send to it. True where anything moved.
    fn serve(
        &self,
        now: Nanos,
        client: &mut Client,
        latest: &mut Option<(u64, Arc<Vec<u8>>)>,
    ) -> Result<bool, Gone> {
        let heard = self.hear(now, client, latest)?;
        if client.server.soup().next_deadline().is_some_and(|deadline| deadline <= now) {
            client.server.soup().on_deadline(now);
            self.requests(now, client, latest)?;
        }
        let sent = client.send(now, &self.counters)?;
        if client.server.soup().poll_transmit().is_none() {
            client.taken_at = now;
        } else if self.terms.stall < now.since(client.taken_at) {
            return Err(Gone::Slow);
        }
        if client.served_at.is_some_and(|served_at| LINGER < now.since(served_at)) {
            return Err(Gone::Done);
        }
        Ok(heard || sent)
    }

    /// Reads what the client says.
    fn hear(
        &self,
        now: Nanos,
        client: &mut Client,
        latest: &mut Option<(u64, Arc<Vec<u8>>)>,
    ) -> Result<bool, Gone> {
        let mut bytes = [0; READ_MAX];
        let len = match client.stream.read(&mut bytes) {
            Ok(0) => {
                client.server.soup().on_closed();
                return Err(Gone::Done);
            }
            Ok(len) => len,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                return Ok(false);
            }
            Err(_) => return Err(Gone::Done),
        };
        let mut rest = &bytes[..len];
        loop {
            let took = client.server.soup().on_bytes(now, rest);
            rest = &rest[took..];
            self.requests(now, client, latest)?;
            if rest.is_empty() || took == 0 {
                return Ok(true);
            }
        }
    }

    /// Does what the client asked for.
    fn requests(
        &self,
        now: Nanos,
        client: &mut Client,
        latest: &mut Option<(u64, Arc<Vec<u8>>)>,
    ) -> Result<(), Gone> {
        while let Some(request) = client.server.soup().poll() {
            match request {
                Request::Login { credentials, sequence: _ } => {
                    let answer = self.admit(&credentials);
                    match answer {
                        Ok(()) => {
                            // Snapshot messages are numbered from 1, on every connection anew.
                            client.server.soup().accept(now, self.terms.session, SeqNo::new(1));
                            let (join, bytes) = latest.get_or_insert_with(|| {
                                (self.standing.next(), Arc::new(self.standing.image()))
                            });
                            let bytes = Arc::clone(bytes);
                            client.image =
                                Some(Image { bytes, at: 0, join: *join, finished: false });
                        }
                        Err(reason) => client.server.soup().reject(reason),
                    }
                }
                // A snapshot client has nothing else to say; it is allowed to.
                Request::Unsequenced(_) | Request::Debug(_) => {}
                Request::Closed(why) => {
                    // What is still to be said (a refusal) goes out if it can.
                    let _ = client.transmit();
                    return Err(gone(why));
                }
            }
        }
        Ok(())
    }

    fn admit(&self, credentials: &Credentials) -> Result<(), Reject> {
        let Terms { user, password, session, .. } = &self.terms;
        let blank = credentials.session.bytes().iter().all(|&byte| byte == b' ');
        if !same(&credentials.user, user) || !same(&credentials.password, password) {
            self.counters.snapshot_rejected.add(1);
            return Err(Reject::NotAuthorised);
        }
        if !blank && credentials.session != *session {
            self.counters.snapshot_rejected.add(1);
            return Err(Reject::NoSession);
        }
        if 0 < self.standing.faults() {
            self.counters.snapshot_unsound.add(1);
            return Err(Reject::NoSession);
        }
        Ok(())
    }
}

/// SoupBinTCP: credentials are case-insensitive and padded on the right. Every byte is looked at,
/// so that the time taken says nothing about where they differ.
fn same(given: &[u8], wanted: &[u8]) -> bool {
    let different = given
        .iter()
        .zip(wanted)
        .fold(0, |different, (a, b)| different | (a.to_ascii_lowercase() ^ b.to_ascii_lowercase()));
    given.len() == wanted.len() && different == 0
}

fn gone(why: Closed) -> Gone {
    match why {
        Closed::Remote | Closed::LoggedOut | Closed::SessionEnded | Closed::Rejected => Gone::Done,
        Closed::LoginTimeout
        | Closed::Dead
        | Closed::BadLength
        | Closed::Oversized
        | Closed::Unexpected
        | Closed::BadNumber => Gone::Silent,
    }
}

impl Client {
    /// Frames and writes as much of the image as the client takes, within a turn.
    fn send(&mut self, now: Nanos, counters: &Counters) -> Result<bool, Gone> {
        let mut moved = 0;
        loop {
            self.frame(now);
            let took = self.transmit()?;
            if took == 0 {
                break;
            }
            self.taken_at = now;
            moved += took;
            if WRITE_MAX <= moved {
                break;
            }
        }
        let whole = self.image.as_ref().is_some_and(|image| image.finished);
        if whole && self.served_at.is_none() && self.server.soup().poll_transmit().is_none() {
            counters.snapshots_served.add(1);
            self.served_at = Some(now);
            // The image may be large, and others may log in while this client takes its leave.
            self.image = None;
        }
        Ok(0 < moved)
    }

    /// Puts messages of the image into the buffer to be sent, until it is full.
    fn frame(&mut self, now: Nanos) {
        let Some(image) = &mut self.image else {
            return;
        };
        while let Some(message) = session::mold::messages(&image.bytes[image.at..]).next() {
            if self.server.send(now, message).is_err() {
                return;
            }
            image.at += 2 + message.len();
        }
        if !image.finished {
            image.finished = self.server.finish(now, SeqNo::new(image.join)).is_ok();
        }
    }

    /// Writes what waits; says how much of it went.
    fn transmit(&mut self) -> Result<usize, Gone> {
        let mut took = 0;
        while let Some(bytes) = self.server.soup().poll_transmit() {
            match self.stream.write(bytes) {
                Ok(0) => return Err(Gone::Done),
                Ok(len) => {
                    self.server.soup().sent(len);
                    took += len;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Gone::Done),
            }
        }
        Ok(took)
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn credentials_are_compared_without_case() {
        assert!(same(b"Rialto", b"RIALTO"));
        assert!(!same(b"Rialto", b"RIALTA"));
        assert!(!same(b"Rial", b"RIALTO"));
    }
}
