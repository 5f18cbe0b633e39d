//! What a person types: the command line as written, turned into each command's checked options.
//!
//! Knows no command's work. To add a command: its arguments in `args.rs`, a variant of `Command` and a row in
//! `dispatch`.

mod args;
mod ctl;
mod flow;
mod publish;
mod values;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::{bench, check, control, generate, hist, preflight, replay, run, venue};

pub use values::{Count, Pace, Part, Span};

/// A real-time engine for electronic markets: feeds, order books and strategies on pinned cores.
#[derive(Debug, Parser)]
#[command(name = "rialto", version, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 bad usage or configuration.\n\
    Figures go to standard output, everything else to standard error.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the engine; without a configuration, a demonstration on loopback
    Run(args::Run),
    /// Run an exchange alone: OUCH 5.0 in, ITCH 5.0 out
    Venue(args::Venue),
    /// Control a running exchange: halt, re-open, kill, bust, status, end of the day
    Ctl(ctl::Ctl),
    /// Play a recorded feed through the shards; count it, print its books
    Replay(args::Replay),
    /// Play a recording, or a generated day, as a live feed on lines A and B
    // Its arguments outweigh the others' and are read once.
    Publish(Box<publish::Publish>),
    /// Send the orders of many accounts to an exchange, at a given rate
    Flow(Box<flow::Flow>),
    /// Make a synthetic day of ITCH 5.0 from a seed
    Generate(args::Generate),
    /// Measure latency and throughput, each beside its reference in the same run
    Bench(args::Bench),
    /// Read, plot and compare latency histograms (.hlog, .hgrm)
    Hist(args::Hist),
    /// Check a configuration; show which shard, ring and thread runs where
    Check(args::Check),
    /// Say what this host lacks for quiet cores, what it costs, and the command that mends it
    Host(args::Host),
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(args) => run::command(args.into()),
        Command::Venue(args) => venue::command(args.into()),
        Command::Ctl(args) => control::command(args.into()),
        Command::Replay(args) => replay::command(args.into()),
        Command::Publish(args) => crate::publish::command((*args).into()),
        Command::Flow(args) => crate::flow::command((*args).try_into()?),
        Command::Generate(args) => generate::command(args.into()),
        Command::Bench(args) => bench::command(args.into()),
        Command::Hist(args) => hist::command(args.into()),
        Command::Check(args) => check::command(args.into()),
        Command::Host(args) => preflight::command(args.into()),
    }
}

/// Runs a command line and says how it ended.
pub fn main(line: impl IntoIterator<Item = OsString>) -> ExitCode {
    let outcome = match Cli::try_parse_from(line) {
        Ok(cli) => dispatch(cli.command),
        Err(error) => return refuse(&error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if failure != Failure::NobodyReads {
                // Nobody may read standard error any more: the exit code still says it.
                let _ = writeln!(io::stderr(), "error: {failure}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Help and the version were asked for and go to standard output; anything else is bad usage.
fn refuse(error: &clap::Error) -> ExitCode {
    let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    // A closed pipe behind `rialto --help` is no failure.
    let _ = error.print();
    ExitCode::from(if asked_for { 0 } else { 2 })
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }
}
