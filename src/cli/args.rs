//! The arguments of each command as typed, and what they become.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use types::Symbol;

use super::values::{self, Count, Pace, Span};
use crate::{bench, check, generate, hist, preflight, replay, run, venue};

/// `rialto run`
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The configuration; without it two shards follow a generated day on lossy lines, all on loopback
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Stop after this long, e.g. 30s; without it Ctrl-C stops
    #[arg(long = "for", value_name = "TIME", value_parser = values::span)]
    limit: Option<Span>,
    /// Where to write histograms and the log; without it the configuration says
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Of the published day and its faults; without it the configuration says
    #[arg(long)]
    seed: Option<u64>,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

impl From<Run> for run::Options {
    fn from(args: Run) -> Self {
        Self {
            config: args.config,
            limit: args.limit.map(|limit| limit.0),
            data: args.data,
            seed: args.seed,
            json: args.json,
        }
    }
}

/// `rialto venue`
#[derive(Debug, Args)]
pub(super) struct Venue {
    /// The configuration: its exchanges are started
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Where to write the log, and where rialto ctl finds it; without it the configuration says
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// End the day after this long, e.g. 30s; without it Ctrl-C ends it
    #[arg(long = "for", value_name = "TIME", value_parser = values::span)]
    limit: Option<Span>,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

impl From<Venue> for venue::Options {
    fn from(args: Venue) -> Self {
        Self {
            config: args.config,
            data: args.data,
            limit: args.limit.map(|limit| limit.0),
            json: args.json,
        }
    }
}

/// `rialto replay`
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The recording: BinaryFILE (.itch50), pcap or pcapng, plain or gzip
    file: PathBuf,
    /// `max`, or a multiple of the recorded time
    #[arg(long, value_name = "max|N", default_value = "max", value_parser = values::pace)]
    speed: Pace,
    /// Print the book of this instrument after every change of its top levels
    #[arg(long, value_parser = values::symbol)]
    symbol: Option<Symbol>,
    /// Levels of it on each side
    #[arg(long, value_name = "N", default_value_t = 5, requires = "symbol")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    depth: u16,
    /// How the changes are printed
    #[arg(long, value_enum, default_value = "table", requires = "symbol")]
    format: ReplayFormat,
    /// Print the whole book of this instrument at the end
    #[arg(long, value_name = "SYMBOL", value_parser = values::symbol, conflicts_with_all = ["symbol", "json"])]
    book: Option<Symbol>,
    /// Stop after so many messages
    #[arg(long, value_name = "N", value_parser = values::count)]
    limit: Option<Count>,
    /// Shards to partition the instruments over, each on a thread
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=64))]
    shards: u16,
    /// Live orders to make room for on each shard
    #[arg(long, value_name = "N", default_value = "4M", value_parser = values::room)]
    orders: Count,
    /// Print one JSON object
    #[arg(long, conflicts_with = "symbol")]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReplayFormat {
    Table,
    Csv,
    Json,
}

impl From<Replay> for replay::Options {
    fn from(args: Replay) -> Self {
        Self {
            file: args.file,
            pace: args.speed,
            symbol: args.symbol,
            depth: usize::from(args.depth),
            format: match args.format {
                ReplayFormat::Table => replay::Format::Table,
                ReplayFormat::Csv => replay::Format::Csv,
                ReplayFormat::Json => replay::Format::Json,
            },
            book: args.book,
            limit: args.limit.map(|limit| limit.0),
            shards: args.shards,
            orders: usize::try_from(args.orders.0).unwrap_or(usize::MAX),
            json: args.json,
        }
    }
}

/// `rialto check`
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration; without it the one that `rialto run` has built in
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl From<Check> for check::Options {
    fn from(args: Check) -> Self {
        Self { config: args.config, json: args.json }
    }
}

/// `rialto host`
#[derive(Debug, Args)]
pub(super) struct Host {
    /// Judge the cpus that this configuration pins, instead of the isolated ones
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "script")]
    json: bool,
    /// Print a shell script of the fixes, to read and then run
    #[arg(long)]
    script: bool,
    /// Read /proc and /sys below this folder: a copy taken from another host
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
}

impl From<Host> for preflight::Options {
    fn from(args: Host) -> Self {
        Self { config: args.config, json: args.json, script: args.script, root: args.root }
    }
}

/// `rialto hist`
#[derive(Debug, Args)]
pub(super) struct Hist {
    /// Histogram files, .hlog or .hgrm; two are compared
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Write a page with a plot
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Unit of the values in files that do not name one: ns, us, ms or s
    #[arg(long, default_value = "ns", value_parser = clap::value_parser!(hist::Unit))]
    unit: hist::Unit,
}

impl From<Hist> for hist::Options {
    fn from(args: Hist) -> Self {
        Self { files: args.files, html: args.html, json: args.json, unit: args.unit }
    }
}

/// `rialto generate`
#[derive(Debug, Args)]
pub(super) struct Generate {
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Messages of the day, e.g. 1000000 or 1M
    #[arg(long, default_value = "1M", value_parser = values::count)]
    messages: Count,
    /// Instruments
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    symbols: u16,
    /// Orders that rest once the books have filled; default 200 an instrument
    #[arg(long, value_name = "ORDERS")]
    live: Option<u32>,
    /// BinaryFILE, or a capture of MoldUDP64 packets; default by the name of the file
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Itch,
    Pcap,
}

impl From<Generate> for generate::FileOptions {
    fn from(args: Generate) -> Self {
        let format = |format| match format {
            Format::Itch => generate::Format::Itch,
            Format::Pcap => generate::Format::Pcap,
        };
        Self {
            day: generate::Options {
                seed: args.seed,
                symbols: args.symbols,
                messages: args.messages.0,
                live_orders: args.live,
                ..generate::Options::default()
            },
            out: args.out,
            format: args.format.map(format),
            json: args.json,
        }
    }
}

/// `rialto bench`
#[derive(Debug, Args)]
pub(super) struct Bench {
    /// What to measure; all of it where none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Write histograms (.hgrm, .hlog) and report.html into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Only say what there is to measure
    #[arg(long)]
    list: bool,
    /// How long `memory` watches
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = values::span)]
    memory_for: Span,
    /// How long `matching-soak` runs
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::span)]
    soak_for: Span,
    /// Commands of `matching-soak`, instead of a time
    #[arg(long, value_name = "N", value_parser = values::count)]
    operations: Option<Count>,
    /// First seed of `matching-soak`: even ones are days of the exchange, odd ones streams of its books
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

impl From<Bench> for bench::Options {
    fn from(args: Bench) -> Self {
        Self {
            names: args.names,
            out: args.out,
            json: args.json,
            list: args.list,
            memory_for: args.memory_for.0,
            soak_for: args.soak_for.0,
            operations: args.operations.map(|count| count.0),
            seed: args.seed,
        }
    }
}
