//! How a core sleeps: one wait on an io_uring of its own, until something wants it.
//!
//! The causes: a hot socket or connection is readable, a receive ring has a completion, a producer
//! rings the doorbell, the next deadline comes. What is armed and does not come stays armed for the
//! next sleep, so a sleep is two system calls at most. The executor does not sleep by itself:
//! glommio 0.9.0 can park while a task is ready, if its preempt timer fires between its reading of
//! the rings and its first task (`LocalExecutor::run`: `run_task_queues` then answers "nothing
//! ran"); with the short timer that cold sockets want, a busy host meets that within minutes.

use std::io;
use std::os::fd::RawFd;

use io_uring::types::{Fd, Timespec};
use io_uring::{IoUring, opcode, squeue};
use types::Nanos;

use crate::Bell;
use crate::pages::Pages;

/// Marks the deadline's completion; watched descriptors have their place.
const TIMER: u64 = u64::MAX;
/// Marks that of a moved deadline.
const MOVED: u64 = u64::MAX - 1;
/// Marks the doorbell's.
const BELL: u64 = u64::MAX - 2;

/// The causes a core wakes for, and the wait.
pub(crate) struct Sleeper {
    // Dropped first: the kernel may write to `rung` until it is gone.
    ring: IoUring,
    /// Where the doorbell's count is read to.
    rung: Pages,
    bell: Bell,
    bell_armed: bool,
    /// Whether a poll for the descriptor of that place is with the kernel.
    watched: Vec<bool>,
    /// The deadline that is armed.
    deadline: Option<Nanos>,
}

impl std::fmt::Debug for Sleeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sleeper").field("watched", &self.watched).finish_non_exhaustive()
    }
}

impl Sleeper {
    /// Wakes for the bell and so many descriptors. Errors: no io_uring.
    pub(crate) fn new(bell: &Bell, descriptors: usize) -> io::Result<Self> {
        // Room for each descriptor, the bell, the timer and its change.
        let entries = u32::try_from(descriptors + 3).map_err(io::Error::other)?;
        Ok(Self {
            ring: IoUring::new(entries.next_power_of_two())?,
            rung: Pages::new(size_of::<u64>())?,
            bell: bell.clone(),
            bell_armed: false,
            watched: vec![false; descriptors],
            deadline: None,
        })
    }

    /// Asks the kernel to wake the core for the bell, at `deadline`, and once `descriptors` are
    /// readable, each in its own place; `None` for one that is not there now. `true`: one of them
    /// is ready already, so there is nothing to sleep for.
    pub(crate) fn arm(
        &mut self,
        now: Nanos,
        deadline: Option<Nanos>,
        descriptors: impl Iterator<Item = Option<RawFd>>,
    ) -> io::Result<bool> {
        let mut ready = self.harvest();
        for ((place, armed), fd) in (0..).zip(&mut self.watched).zip(descriptors) {
            let Some(fd) = fd.filter(|_| !*armed) else { continue };
            let entry = opcode::PollAdd::new(Fd(fd), libc::POLLIN as u32).build();
            *armed = push(&mut self.ring, entry.user_data(place));
        }
        if !self.bell_armed {
            let to = self.rung.address(0);
            let entry = opcode::Read::new(Fd(self.bell.raw_fd()), to, size_of::<u64>() as u32);
            self.bell_armed = push(&mut self.ring, entry.build().user_data(BELL));
        }
        // Relative, so that a step of the system clock does not move it.
        let wait_ns = deadline.unwrap_or_default().since(now).get();
        let wait = Timespec::new().sec(wait_ns / 1_000_000_000);
        let wait = wait.nsec(u32::try_from(wait_ns % 1_000_000_000).unwrap_or_default());
        if deadline.is_some() && deadline != self.deadline {
            // `wait` is read when the entry is submitted, below, while it lives.
            let entry = match self.deadline {
                None => opcode::Timeout::new(&raw const wait).build().user_data(TIMER),
                Some(_) => {
                    opcode::TimeoutUpdate::new(TIMER, &raw const wait).build().user_data(MOVED)
                }
            };
            if push(&mut self.ring, entry) {
                self.deadline = deadline;
            }
        }
        self.ring.submit()?;
        ready |= self.harvest();
        Ok(ready)
    }

    /// Sleeps until one of the causes comes; at once where one has come since they were armed.
    pub(crate) fn sleep(&mut self) -> io::Result<()> {
        match self.ring.submit_and_wait(1) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Ok(_) | Err(_) => {}
        }
        self.harvest();
        Ok(())
    }

    /// Takes what has completed; whether it is a reason to be awake.
    fn harvest(&mut self) -> bool {
        let mut ready = false;
        for cqe in self.ring.completion() {
            match cqe.user_data() {
                MOVED if cqe.result() == 0 => continue,
                // Or the timer had fired before it could be moved: the next call arms a new one.
                MOVED | TIMER => self.deadline = None,
                BELL => self.bell_armed = false,
                place => {
                    let place = usize::try_from(place).unwrap_or(usize::MAX);
                    if let Some(armed) = self.watched.get_mut(place) {
                        *armed = false;
                    }
                }
            }
            ready = true;
        }
        ready
    }
}

/// Whether there was room. What the entry points to must live until it completes, or until it is
/// submitted where the kernel copies it then.
fn push(ring: &mut IoUring, entry: squeue::Entry) -> bool {
    // SAFETY: polls point to nothing, a time is copied at submission, and the bell's count goes to
    // pages that outlive the ring.
    unsafe { ring.submission().push(&entry) }.is_ok()
}
