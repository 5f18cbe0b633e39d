//! The log: `tracing` events to standard error or a file, written by a thread of its own.
//!
//! A full queue drops lines rather than wait: a slow disk or terminal never slows what is logged. What was dropped is
//! counted, and said at the end.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Lines that may wait for the writer.
const LINES_MAX: usize = 16_384;

/// A running log. Dropping it writes what waits.
#[derive(Debug)]
pub struct Logs {
    dropped: ErrorCounter,
    /// Flushes when dropped.
    _writer: WorkerGuard,
}

/// Starts the log of this process: `level` in the words of a filter, a file or standard error. `RUST_LOG` goes before
/// `level`. Once in a process, from a thread that is not pinned: the writer inherits its cpus.
///
/// # Errors
/// A file that cannot be opened, a `RUST_LOG` that is no filter, a log that runs already.
pub fn start(level: &str, file: Option<&Path>) -> Result<Logs, Failure> {
    let filter = filter(level, std::env::var("RUST_LOG").ok().as_deref())?;
    let (target, colours): (Box<dyn Write + Send>, bool) = match file {
        Some(path) => {
            let opened = OpenOptions::new().create(true).append(true).open(path);
            (Box::new(opened.map_err(|error| Failure::io("open", path, error))?), false)
        }
        None => (Box::new(io::stderr()), io::stderr().is_terminal()),
    };
    let queue = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(LINES_MAX);
    let (writer, guard) = queue.thread_name("rialto-log").finish(target);
    let dropped = writer.error_counter();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(colours)
        .with_target(false)
        .try_init();
    subscriber.map_err(|error| Failure::failed(format!("cannot start the log: {error}")))?;
    Ok(Logs { dropped, _writer: guard })
}

fn filter(level: &str, environment: Option<&str>) -> Result<EnvFilter, Failure> {
    let (origin, text) = match environment {
        Some(text) if !text.trim().is_empty() => ("RUST_LOG", text),
        Some(_) | None => ("log.level", level),
    };
    EnvFilter::try_new(text).map_err(|error| {
        Failure::usage(format!("{origin} `{text}` is not a filter: {error}")).remedy(
            "write a level (error, warn, info, debug, trace), or e.g. `info,rialto::launch=debug`",
        )
    })
}

impl Logs {
    /// Lines dropped so far because the writer could not keep up.
    pub fn dropped(&self) -> u64 {
        u64::try_from(self.dropped.dropped_lines()).unwrap_or(u64::MAX)
    }

    /// Writes what waits, then says on standard error what was dropped.
    pub fn finish(self) {
        let dropped = self.dropped.clone();
        drop(self);
        let lines = dropped.dropped_lines();
        if 0 < lines {
            // Nobody may read standard error any more.
            let _ = writeln!(
                io::stderr(),
                "log: {lines} lines were dropped because the writer could not keep up"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn the_environment_goes_before_the_file() {
        let cases = [
            ("info", None, "info"),
            ("info", Some("debug"), "debug"),
            ("info", Some(" "), "info"),
            ("warn,rialto=trace", None, "rialto=trace,warn"),
        ];
        for (level, environment, want) in cases {
            let got = filter(level, environment).map(|filter| filter.to_string());
            assert_eq!(got.as_deref(), Ok(want), "{level} {environment:?}");
        }
        let refused = filter("info", Some("rialto=loud")).map(|_| ()).expect_err("no level");
        assert!(
            refused.to_string().starts_with("RUST_LOG `rialto=loud` is not a filter: "),
            "{refused}"
        );
    }
}
