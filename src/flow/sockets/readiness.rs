//! Which connections have something to read or room to write, or that a moment has come: epoll with a timer.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use types::Nanos;

/// A connection, by its number, and what it is ready for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub(super) at: usize,
    pub(super) flags: EpollFlags,
}

pub(super) struct Readiness {
    epoll: Epoll,
    /// Epoll itself counts milliseconds, which is too coarse for a schedule.
    timer: TimerFd,
}

/// What the timer is known by: no connection has that number.
const TIMER: u64 = u64::MAX;

/// Taken from the kernel at a time.
const EVENTS: usize = 256;

impl Readiness {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, TIMER))?;
        Ok(Self { epoll, timer })
    }

    /// Watches a connection until it is closed; told once each time that there is more.
    pub(super) fn add(&self, at: usize, connection: impl AsFd) -> io::Result<()> {
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLET;
        Ok(self.epoll.add(connection, EpollEvent::new(flags, at as u64))?)
    }

    /// What is ready, at once or as soon as something is; at the latest after `span`.
    pub(super) fn wait(&self, span: Nanos, ready: &mut Vec<Ready>) -> io::Result<()> {
        let timeout = if span == Nanos::ZERO {
            EpollTimeout::ZERO
        } else {
            let span = TimeSpec::from_duration(Duration::from_nanos(span.get()));
            self.timer.set(Expiration::OneShot(span), TimerSetTimeFlags::empty())?;
            EpollTimeout::NONE
        };
        let mut events = [EpollEvent::empty(); EVENTS];
        let count = match self.epoll.wait(&mut events, timeout) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        let connections = events[..count].iter().filter(|event| event.data() != TIMER);
        ready.extend(connections.filter_map(|event| {
            let at = usize::try_from(event.data()).ok()?;
            Some(Ready { at, flags: event.events() })
        }));
        Ok(())
    }
}
