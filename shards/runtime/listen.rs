//! One listener: its socket, its places for connections, and which of them are about to be free.
//!
//! Knows places by their number only. Sources: accept(2), listen(2), socket(7), tcp(7).

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket,
    sockopt,
};
use types::Nanos;

use crate::config::Listener;
use crate::slot::{Slot, State};

/// Takes connections, as long as there is a place.
#[derive(Debug)]
pub(crate) struct Listening {
    /// `None` once the shard ends.
    socket: Option<TcpListener>,
    pub(crate) receive_max: usize,
    pub(crate) linger: Nanos,
    places: usize,
    free: Vec<usize>,
    /// Those that ended, oldest first: place and generation. The first is never one that is gone,
    /// others may be.
    ending: VecDeque<(usize, u32)>,
    /// Held so that a connection can be refused when the process has no descriptor left.
    spare: Option<File>,
}

/// What a look at the listening socket gave.
#[derive(Debug)]
pub(crate) enum Taken {
    /// A connection, and who it is.
    Connection(TcpStream, SocketAddr),
    /// One that was closed at once: there was no descriptor for it.
    Refused,
    /// One that had gone before it was taken.
    Gone,
    /// None waits.
    Nobody,
}

impl Listening {
    /// Listens, with these places for its connections. Errors: a sentence that names the address and
    /// the step.
    pub(crate) fn open(config: &Listener, places: Range<usize>) -> Result<Self, String> {
        let address = config.listen;
        if config.receive_max == 0 || config.write_max == 0 {
            return Err(format!("TCP {address}: receive_max and write_max are at least 1"));
        }
        let socket = bind_and_listen(config)
            .map_err(|(step, error)| format!("TCP {address}: cannot {step}: {error}"))?;
        Ok(Self {
            socket: Some(socket),
            receive_max: config.receive_max,
            linger: config.linger,
            places: places.len(),
            ending: VecDeque::with_capacity(2 * places.len()),
            free: places.rev().collect(),
            spare: spare(),
        })
    }

    pub(crate) fn socket(&self) -> Option<&TcpListener> {
        self.socket.as_ref()
    }

    /// Takes the connection that has waited longest.
    pub(crate) fn accept(&mut self) -> Taken {
        let Some(socket) = &self.socket else { return Taken::Nobody };
        match socket.accept() {
            Ok((connection, peer)) => Taken::Connection(connection, peer),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Taken::Nobody,
            Err(error) => match error.raw_os_error() {
                // It would wait there for ever, and its peer with it.
                Some(libc::EMFILE | libc::ENFILE) => {
                    self.spare = None;
                    drop(socket.accept());
                    self.spare = spare();
                    Taken::Refused
                }
                _ => Taken::Gone,
            },
        }
    }

    /// Takes no more.
    pub(crate) fn stop(&mut self) {
        self.socket = None;
    }

    /// A place that nobody has.
    pub(crate) fn take_place(&mut self) -> Option<usize> {
        self.free.pop()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.free.is_empty()
    }

    pub(crate) fn give_back(&mut self, at: usize) {
        self.free.push(at);
    }

    /// Notes that the connection in place `at` has ended, later than all noted before.
    pub(crate) fn note_ending(&mut self, at: usize, slots: &[Slot]) {
        if self.ending.len() == 2 * self.places {
            // At least half of them are gone, so this is for many ends at once.
            self.ending.retain(|(at, generation)| is_ending(&slots[*at], *generation));
        }
        self.ending.push_back((at, slots[at].generation));
    }

    /// The place of the one that ended first and is still there.
    #[inline]
    pub(crate) fn first_ending(&self) -> Option<usize> {
        self.ending.front().map(|(at, _)| *at)
    }

    /// Forgets those that are gone: to be called when one has gone.
    pub(crate) fn forget_gone(&mut self, slots: &[Slot]) {
        while let Some((at, generation)) = self.ending.front()
            && !is_ending(&slots[*at], *generation)
        {
            self.ending.pop_front();
        }
    }
}

fn is_ending(slot: &Slot, generation: u32) -> bool {
    let ending = matches!(slot.state, State::Draining | State::Lingering);
    ending && slot.generation == generation
}

/// What can be given up for one more descriptor.
fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

fn bind_and_listen(config: &Listener) -> Result<TcpListener, (&'static str, io::Error)> {
    let step = |name| move |error: Errno| (name, io::Error::from(error));
    let family = match config.listen {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket(family, SockType::Stream, flags, None).map_err(step("open a socket"))?;
    // Its last connections may still be in the kernel when it is started again.
    setsockopt(&fd, sockopt::ReuseAddr, &true).map_err(step("set SO_REUSEADDR"))?;
    // On Linux the connections that it takes inherit this.
    setsockopt(&fd, sockopt::TcpNoDelay, &true).map_err(step("set TCP_NODELAY"))?;
    bind(fd.as_raw_fd(), &SockaddrStorage::from(config.listen)).map_err(step("bind"))?;
    let most = i32::from(Backlog::MAXCONN);
    let backlog = i32::try_from(config.backlog).unwrap_or(most).min(most);
    let backlog = Backlog::new(backlog).map_err(step("listen"))?;
    listen(&fd, backlog).map_err(step("listen"))?;
    Ok(TcpListener::from(fd))
}
