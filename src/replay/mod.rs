//! `rialto replay FILE`: a recorded feed through the machines that run live.
//!
//! The same shards, the same receiver, decoder and books; only the datagrams come from a file and the
//! clock is the recording's. Several shards each take the whole recording on a thread of their own.

mod depth;
mod play;
mod report;

use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use types::Symbol;

use crate::cli::Pace;
use crate::failure::Failure;
use crate::recording::Recording;
use crate::terminal;

use depth::Watch;
use play::{Play, Played};

/// What `rialto replay` was asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// The recording.
    pub file: PathBuf,
    /// How fast.
    pub pace: Pace,
    /// The instrument whose book is printed after each change.
    pub symbol: Option<Symbol>,
    /// How many of its levels.
    pub depth: usize,
    /// How they are printed.
    pub format: Format,
    /// The instrument whose whole book is printed at the end.
    pub book: Option<Symbol>,
    /// Stop after so many messages.
    pub limit: Option<u64>,
    /// Shards to partition the instruments over.
    pub shards: u16,
    /// Live orders that each shard makes room for.
    pub orders: usize,
    /// One JSON object instead of the summary.
    pub json: bool,
}

/// How a book's changes are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a person.
    Table,
    /// One row a change: time, then price and shares of each offer and bid, best first.
    Csv,
    /// One object a line.
    Json,
}

/// Replays and prints.
///
/// # Errors
/// The file cannot be read, or not to its end: what came before is printed all the same.
pub fn command(options: Options) -> Result<(), Failure> {
    let recording = Recording::open(&options.file)?;
    let begun = Instant::now();
    let played = if options.shards == 1 {
        vec![play_one(&recording, &options, 0)?]
    } else {
        play_all(&recording, &options)?
    };
    let elapsed = begun.elapsed();
    let fault = played.iter().find_map(|played| played.walked.fault.clone());
    if let Some(symbol) = options.book {
        terminal::print(&report::whole_book(&played, symbol)?)?;
    }
    let summary = report::Summary::new(&recording, &played, elapsed);
    if options.json {
        terminal::print_json(&summary)?;
    } else if options.symbol.is_none() && options.book.is_none() {
        terminal::print(&summary.text())?;
    }
    match fault {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

fn play_one(recording: &Recording, options: &Options, shard: u16) -> Result<Played, Failure> {
    let watch = options.symbol.map(|symbol| Watch::new(symbol, options.depth, options.format));
    Play::new(recording, options, shard, watch)?.run()
}

/// Each shard on a thread of its own; they share nothing but the file.
fn play_all(recording: &Recording, options: &Options) -> Result<Vec<Played>, Failure> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..options.shards)
            .map(|shard| scope.spawn(move || play_one(recording, options, shard)))
            .collect();
        let ended = threads.into_iter().map(|thread| {
            thread.join().map_err(|_| Failure::failed("a shard ended by a fault of its own"))?
        });
        ended.collect()
    })
}
