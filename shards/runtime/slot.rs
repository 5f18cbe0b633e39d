//! One accepted TCP connection: its descriptor, where it stands, and what waits for its peer.
//!
//! Knows neither the list it is in nor the epoll that watches it. No call waits. Sources: recv(2),
//! send(2), socket(7) for `SO_LINGER`.

use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::{MsgFlags, recv, send, setsockopt, sockopt};
use types::Nanos;

use crate::queue::ByteQueue;

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// No connection, and none that the machine must hear of.
    Free,
    /// Up.
    Open,
    /// Ended by the machine or by the peer; what was written before still goes out.
    Draining,
    /// All has gone out and the peer has been told. It is awaited, because to close with its bytes
    /// unread would reset the connection and could take from it what it has not read yet.
    Lingering,
    /// Closed, and the machine is still to hear it.
    Gone,
}

/// Whether the machine has heard of the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// No.
    Unsaid,
    /// It is queued.
    Queued,
    /// Yes.
    Said,
}

/// What a look at a socket gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// So many bytes, at least one.
    Bytes(usize),
    /// Nothing now.
    Nothing,
    /// The peer sends no more.
    Ended,
    /// The connection is lost.
    Lost,
}

/// A place for a connection.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) state: State,
    pub(crate) notice: Notice,
    /// By which listener it comes.
    pub(crate) listener: u16,
    /// Counts its connections, so that what was noted of an earlier one is known as such.
    pub(crate) generation: u32,
    /// What the epoll watches it for; empty: it is not there.
    pub(crate) interest: EpollFlags,
    /// Whether it is on the list of those written to.
    pub(crate) touched: bool,
    /// Its place on the list of the open ones.
    pub(crate) place: usize,
    /// When it is cut, once it has ended.
    pub(crate) due: Nanos,
    /// The peer sends no more.
    peer_ended: bool,
    /// Nothing goes out any more. Its end is found by reading, after what has come in before it.
    broken: bool,
    unsent: ByteQueue,
    socket: Option<TcpStream>,
}

impl Slot {
    pub(crate) fn new(listener: u16, write_max: usize) -> Self {
        Self {
            state: State::Free,
            notice: Notice::Said,
            listener,
            generation: 0,
            interest: EpollFlags::empty(),
            touched: false,
            place: 0,
            due: Nanos::ZERO,
            peer_ended: false,
            broken: false,
            unsent: ByteQueue::new(write_max),
            socket: None,
        }
    }

    /// Takes a new connection.
    pub(crate) fn open(&mut self, socket: TcpStream, place: usize) {
        self.state = State::Open;
        self.notice = Notice::Unsaid;
        self.generation = self.generation.wrapping_add(1);
        self.place = place;
        self.peer_ended = false;
        self.broken = false;
        self.socket = Some(socket);
    }

    pub(crate) fn socket(&self) -> Option<&TcpStream> {
        self.socket.as_ref()
    }

    /// Reads what is there, as much as fits.
    #[inline]
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> Received {
        let Some(socket) = &self.socket else { return Received::Nothing };
        match recv(socket.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT) {
            Ok(0) => {
                self.peer_ended = true;
                Received::Ended
            }
            Ok(len) => Received::Bytes(len),
            Err(Errno::EAGAIN | Errno::EINTR) => Received::Nothing,
            Err(_) => {
                self.peer_ended = true;
                self.lose();
                Received::Lost
            }
        }
    }

    /// Appends bytes for the peer. What does not fit pushes out what waits, so that only what the
    /// kernel refuses takes room. `false`: there was no room for all, and a part may have left.
    #[inline]
    pub(crate) fn write(&mut self, mut bytes: &[u8], sent: &mut u64) -> bool {
        while !self.broken {
            let (now, later) = bytes.split_at(bytes.len().min(self.unsent.room()));
            let _ = self.unsent.push(now); // it fits
            if later.is_empty() {
                return true;
            }
            self.flush(sent);
            if self.unsent.room() == 0 {
                return false;
            }
            bytes = later;
        }
        true
    }

    /// Gives the kernel what waits, as far as it takes it.
    #[inline]
    pub(crate) fn flush(&mut self, sent: &mut u64) {
        let Some(fd) = self.socket.as_ref().map(TcpStream::as_raw_fd) else { return };
        while !self.unsent.is_empty() {
            let front = self.unsent.front();
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            match send(fd, front, flags) {
                Ok(len) => {
                    *sent += len as u64;
                    let short = len < front.len();
                    self.unsent.consume(len);
                    if short {
                        return;
                    }
                }
                Err(Errno::EAGAIN | Errno::EINTR) => return,
                Err(_) => self.lose(),
            }
        }
    }

    #[cold]
    fn lose(&mut self) {
        if let Some(socket) = &self.socket {
            // Whatever the cause was: once all is read, the end is found. An error means that it is.
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.broken = true;
        self.unsent.clear();
    }

    /// Whether nothing waits for the peer.
    pub(crate) fn is_flushed(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Whether nobody is left to wait for.
    pub(crate) fn is_deserted(&self) -> bool {
        self.peer_ended || self.broken
    }

    /// Tells the peer that nothing more comes.
    pub(crate) fn say_end(&self) {
        if let Some(socket) = &self.socket {
            let _ = socket.shutdown(Shutdown::Write); // an error means that it is down already
        }
    }

    /// Closes the descriptor; the epoll forgets it by itself. What the kernel has goes on to the
    /// peer.
    pub(crate) fn close(&mut self) {
        self.state = State::Gone;
        self.interest = EpollFlags::empty();
        self.unsent.clear();
        self.socket = None;
    }

    /// Closes it with a reset: the peer learns that what it got is not all, and the kernel keeps
    /// nothing for it.
    pub(crate) fn abort(&mut self) {
        if let Some(socket) = &self.socket {
            let at_once = libc::linger { l_onoff: 1, l_linger: 0 };
            let _ = setsockopt(socket, sockopt::Linger, &at_once);
        }
        self.close();
    }

    /// What the epoll is to watch it for. `reads`: open ones are read when the epoll says so.
    #[inline]
    pub(crate) fn wanted(&self, reads: bool) -> EpollFlags {
        let readable = match self.state {
            State::Open => reads,
            State::Draining => !self.peer_ended,
            State::Lingering => true,
            State::Free | State::Gone => false,
        };
        let mut wanted = EpollFlags::empty();
        wanted.set(EpollFlags::EPOLLIN, readable);
        wanted.set(EpollFlags::EPOLLOUT, !self.unsent.is_empty());
        wanted
    }
}
