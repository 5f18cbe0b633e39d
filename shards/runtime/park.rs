//! The park protocol: a consumer that sleeps is woken, and one that is awake costs nobody a syscall.
//!
//! Consumer: announce, look at every source once more, sleep. Producer: publish, then ask whether
//! to ring. Each side writes its own word and then reads the other's, so each needs a full fence in
//! between: without it both may read the old value, and the consumer sleeps on a message. Checked
//! with loom, as is the proof that the fence is needed:
//! `RUSTFLAGS="--cfg loom" cargo test -p rialto-runtime --release park`.
//! Knows no ring and no socket.

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, Ordering, fence};

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use nix::sys::eventfd::{EfdFlags, EventFd};

/// Whether the consumer sleeps, or is about to.
#[derive(Debug)]
pub(crate) struct Parked(AtomicBool);

impl Parked {
    pub(crate) fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Consumer: about to sleep. Whoever publishes after this rings; what was published before is
    /// visible to the look that must follow.
    pub(crate) fn announce(&self) {
        self.0.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Consumer: awake, or found something after all.
    pub(crate) fn retract(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Producer, after publishing: whether it is the one to ring. One of several is told so.
    pub(crate) fn must_ring(&self) -> bool {
        fence(Ordering::SeqCst);
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed)
    }
}

/// The doorbell of one core: an eventfd that producers write to only while the core is parked.
#[derive(Clone, Debug)]
pub struct Bell(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parked: Parked,
    event: EventFd,
}

impl Bell {
    /// Errors: the process has no file descriptor left.
    pub fn new() -> io::Result<Self> {
        // Blocking: io_uring then waits for it instead of answering "try again".
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC)?;
        Ok(Self(Arc::new(Inner { parked: Parked::new(), event })))
    }

    /// Rings if the core sleeps: after publishing something it must see. Else one fence and a load.
    #[inline]
    pub fn ring(&self) {
        if self.0.parked.must_ring() {
            self.ring_now();
        }
    }

    /// Rings whether it sleeps or not.
    #[cold]
    pub fn ring_now(&self) {
        // It fails only when 2^64 - 1 rings are pending, and then the sleeper wakes anyway.
        let _ = self.0.event.write(1);
    }

    pub(crate) fn parked(&self) -> &Parked {
        &self.0.parked
    }

    pub(crate) fn raw_fd(&self) -> RawFd {
        self.0.event.as_raw_fd()
    }
}

#[cfg(all(test, loom))]
mod tests {
    use super::*;
    use loom::sync::atomic::AtomicUsize;
    use loom::thread;

    /// The ring, the eventfd and the flag, as the protocol sees them.
    struct Model {
        parked: Parked,
        published: AtomicUsize,
        rings: AtomicUsize,
    }

    /// Runs one producer against one consumer in every order; `ask` is the producer's question.
    fn check(producers: usize, ask: fn(&Parked) -> bool, announce: fn(&Parked)) {
        loom::model(move || {
            let model = loom::sync::Arc::new(Model {
                parked: Parked::new(),
                published: AtomicUsize::new(0),
                rings: AtomicUsize::new(0),
            });
            let threads: Vec<_> = (0..producers)
                .map(|_| {
                    let model = model.clone();
                    thread::spawn(move || {
                        model.published.fetch_add(1, Ordering::Release);
                        if ask(&model.parked) {
                            model.rings.fetch_add(1, Ordering::Release);
                        }
                    })
                })
                .collect();
            announce(&model.parked);
            let seen = model.published.load(Ordering::Acquire);
            for thread in threads {
                thread.join().unwrap();
            }
            // All is quiet: a consumer that went to sleep on less than everything was woken.
            let slept = seen == 0;
            let woken = 0 < model.rings.load(Ordering::Acquire);
            assert!(!slept || woken, "asleep on a published message");
            assert!(model.rings.load(Ordering::Acquire) <= 1, "one bell a sleep");
        });
    }

    #[test]
    fn park_loses_no_wake() {
        check(1, Parked::must_ring, Parked::announce);
        check(2, Parked::must_ring, Parked::announce);
    }

    #[test]
    #[should_panic(expected = "asleep on a published message")]
    fn park_without_the_producers_fence_loses_one() {
        let ask = |parked: &Parked| {
            parked.0.load(Ordering::Relaxed) && parked.0.swap(false, Ordering::Relaxed)
        };
        check(1, ask, Parked::announce);
    }

    #[test]
    #[should_panic(expected = "asleep on a published message")]
    fn park_without_the_consumers_fence_loses_one() {
        check(1, Parked::must_ring, |parked| parked.0.store(true, Ordering::Relaxed));
    }
}
