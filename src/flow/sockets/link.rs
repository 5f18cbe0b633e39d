//! One port's connection: made, lost and made again. Says what happened; what follows is the driver's.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use nix::libc::EINPROGRESS;
use session::soup::Client;
use socket2::{Domain, Protocol, Socket, Type};
use types::{Nanos, SeqNo};

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// To be made, not before then.
    Waiting { until: Nanos },
    /// The kernel is at it.
    Connecting,
    /// There is one.
    Open,
    /// There will be no other.
    Over,
}

/// Waits before another connection: doubled each time, up to the most.
const RETRY: Nanos = Nanos::from_millis(50);
const RETRY_MAX: Nanos = Nanos::from_secs(5);

pub(super) struct Link {
    pub(super) client: Client,
    pub(super) phase: Phase,
    /// In the list of those with bytes to send.
    pub(super) owed: bool,
    /// Its login was accepted.
    pub(super) was_up: bool,
    stream: Option<TcpStream>,
    /// What its login asked for; zero: only what is new.
    wanted: SeqNo,
    retry: Nanos,
    leaving: bool,
}

/// What a read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Bytes(usize),
    Nothing,
    Closed,
}

/// Starts a connection, without waiting for it; `None`: it was refused at once, as on this host it may be.
pub(super) fn connect(to: SocketAddr) -> io::Result<Option<TcpStream>> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&to.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(EINPROGRESS) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Ok(None),
        Err(error) => return Err(error),
    }
    Ok(Some(socket.into()))
}

impl Link {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            phase: Phase::Waiting { until: Nanos::ZERO },
            owed: false,
            was_up: false,
            stream: None,
            wanted: SeqNo::new(0),
            retry: RETRY,
            leaving: false,
        }
    }

    pub(super) fn connecting(&mut self, stream: TcpStream) {
        self.stream = Some(stream);
        self.phase = Phase::Connecting;
    }

    /// The kernel says that it is done: whether there is a connection. Then the login goes out, and asks to
    /// go on where the last one stood. `None`: not yet.
    pub(super) fn opened(&mut self, now: Nanos) -> Option<bool> {
        let stream = self.stream.as_ref()?;
        if !matches!(stream.take_error(), Ok(None)) {
            return Some(false);
        }
        if let Err(error) = stream.peer_addr() {
            return (error.kind() != ErrorKind::NotConnected).then_some(false);
        }
        self.phase = Phase::Open;
        self.was_up = false;
        self.wanted = self.client.sequence();
        self.client.on_opened(now, self.wanted);
        Some(true)
    }

    /// Logged in: what was asked for, where it was more than what is new.
    pub(super) fn on_login(&mut self) -> Option<SeqNo> {
        self.was_up = true;
        self.retry = RETRY;
        (0 < self.wanted.get()).then_some(self.wanted)
    }

    /// It is over, and another is made after a while, unless we are leaving.
    pub(super) fn retry(&mut self, now: Nanos) {
        self.stream = None;
        if self.leaving {
            self.phase = Phase::Over;
            return;
        }
        self.phase = Phase::Waiting { until: now.saturating_add(self.retry) };
        self.retry = self.retry.saturating_add(self.retry).min(RETRY_MAX);
    }

    /// It is over for good.
    pub(super) fn finish(&mut self) {
        self.stream = None;
        self.phase = Phase::Over;
    }

    /// Logs out, or gives up where it is not logged in.
    pub(super) fn leave(&mut self, now: Nanos) {
        self.leaving = true;
        if self.client.is_up() {
            self.client.logout(now);
        } else {
            self.finish();
        }
    }

    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Read {
        let Some(stream) = &mut self.stream else {
            return Read::Nothing;
        };
        match stream.read(bytes) {
            Ok(0) => Read::Closed,
            Ok(len) => Read::Bytes(len),
            Err(error) if is_for_later(&error) => Read::Nothing,
            Err(_) => Read::Closed,
        }
    }

    /// Writes what waits, as far as it is taken. `false`: the connection is gone.
    pub(super) fn write(&mut self) -> bool {
        let Some(stream) = self.stream.as_mut().filter(|_| self.phase == Phase::Open) else {
            return true;
        };
        while let Some(bytes) = self.client.poll_transmit() {
            match stream.write(bytes) {
                Ok(len) => self.client.sent(len),
                // The kernel says when there is room.
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
