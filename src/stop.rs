//! When to stop: Ctrl-C, a signal to end, or the end of `--for`.
//!
//! The first Ctrl-C asks for a drain: finish what is held, flush, print the report. The second ends the process.

use std::fs;
use std::io::{self, Write as _};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::Failure;

/// Whether to stop, asked by anyone, on any thread. Clones are the same flag.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    /// By a signal: only a second one of these ends the process at once.
    signalled: Arc<AtomicBool>,
}

/// What a process ends with on the second Ctrl-C: what shells report for a SIGINT.
const INTERRUPTED: i32 = 130;

impl Stop {
    /// A flag that only [`Stop::request`] raises.
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that Ctrl-C and SIGTERM raise too, and SIGHUP unless it is ignored (`nohup`).
    ///
    /// # Errors
    /// The kernel refused a handler, or a thread for it.
    pub fn on_signals() -> Result<Self, Failure> {
        let refused =
            |error: io::Error| Failure::failed(format!("cannot listen for Ctrl-C: {error}"));
        let mut heard = vec![SIGINT, SIGTERM];
        if !is_ignored(SIGHUP) {
            heard.push(SIGHUP);
        }
        let mut signals = Signals::new(heard).map_err(refused)?;
        let stop = Self::new();
        let flag = stop.clone();
        let listen = move || {
            for _ in signals.forever() {
                flag.on_signal();
            }
        };
        thread::Builder::new().name("rialto-signals".to_owned()).spawn(listen).map_err(refused)?;
        Ok(stop)
    }

    /// Runs on a thread of its own, not inside the signal: printing is allowed.
    fn on_signal(&self) {
        // Nobody may read standard error any more; stopping goes on all the same.
        let mut out = io::stderr().lock();
        if self.signalled.swap(true, Ordering::SeqCst) {
            let _ = writeln!(out, "\nstopped at once: what was not written yet is lost");
            process::exit(INTERRUPTED);
        }
        self.request();
        let _ = writeln!(
            out,
            "\nstopping: finishing what is held, then the report (Ctrl-C again: stop at once)"
        );
    }

    /// Asks everyone to stop. Says whether this was the first to ask.
    pub fn request(&self) -> bool {
        !self.asked.swap(true, Ordering::SeqCst)
    }

    /// Whether someone asked.
    pub fn requested(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Whether this process was started to ignore a signal. Where the kernel does not say, it was not.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::{Stop, is_ignored};
    use signal_hook::consts::{SIGKILL, SIGPIPE};

    #[test]
    fn clones_stop_together_and_only_the_first_is_first() {
        let stop = Stop::new();
        let other = stop.clone();
        assert!(!stop.requested());
        assert!(other.request());
        assert!(stop.requested() && !stop.request());
    }

    #[test]
    fn knows_what_is_ignored() {
        assert!(is_ignored(SIGPIPE), "every Rust program is started so");
        assert!(!is_ignored(SIGKILL), "nobody can");
    }
}
