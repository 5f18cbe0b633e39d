//! When to stop: Ctrl-C, a signal to end, or the end of `--for`.
//!
//! The first Ctrl-C asks for a drain: finish what is held, flush, print the report. The second ends the process.

use std::io::Write as _;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::failure::Failure;

/// Whether to stop, asked by anyone, on any thread. Clones are the same flag.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

/// What a process ends with on the second Ctrl-C: what shells report for a SIGINT.
const INTERRUPTED: i32 = 130;

impl Stop {
    /// A flag that only [`Stop::request`] raises.
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that Ctrl-C, SIGTERM and SIGHUP raise too. Once in a process.
    ///
    /// # Errors
    /// A handler that is already there.
    pub fn on_signals() -> Result<Self, Failure> {
        let stop = Self::new();
        let flag = stop.clone();
        // Runs on a thread of its own, not inside the signal: printing is allowed.
        let handler = move || {
            let second = flag.0.swap(true, Ordering::SeqCst);
            // Nobody may read standard error any more; stopping goes on all the same.
            let mut out = std::io::stderr().lock();
            if second {
                let _ = writeln!(out, "\nstopped at once: what was not written yet is lost");
                process::exit(INTERRUPTED);
            }
            let _ = writeln!(
                out,
                "\nstopping: finishing what is held, then the report (Ctrl-C again: stop at once)"
            );
        };
        let set = ctrlc::try_set_handler(handler);
        set.map_err(|error| Failure::failed(format!("cannot listen for Ctrl-C: {error}")))?;
        Ok(stop)
    }

    /// Asks everyone to stop. Says whether this was the first to ask.
    pub fn request(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }

    /// Whether someone asked.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The flag itself, for a loop that takes one.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.0.clone()
    }

    /// Waits until someone asks, or until `limit` has passed; asks then itself.
    pub fn wait(&self, limit: Option<Duration>) {
        const LOOK_EVERY: Duration = Duration::from_millis(20);
        let mut waited = Duration::ZERO;
        while !self.requested() {
            let left =
                limit.map_or(LOOK_EVERY, |limit| limit.saturating_sub(waited).min(LOOK_EVERY));
            if left.is_zero() {
                self.request();
                return;
            }
            std::thread::sleep(left);
            waited = waited.saturating_add(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stop;
    use std::time::Duration;

    #[test]
    fn clones_stop_together_and_a_limit_stops_too() {
        let stop = Stop::new();
        let other = stop.clone();
        assert!(!stop.requested());
        assert!(other.request());
        assert!(stop.requested() && !stop.request());

        let limited = Stop::new();
        limited.wait(Some(Duration::ZERO));
        assert!(limited.requested());
    }
}
