//! The arguments of `rialto flow` as typed, and what they become.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use clap::{Args, ValueEnum};
use types::{Px, Symbol};

use super::values::{self, Count, Span};
use crate::failure::Failure;
use crate::flow::{self, Gaps, Listed, Mix};

/// `rialto flow`
#[derive(Debug, Args)]
pub(super) struct Flow {
    /// The exchange's order entry, OUCH 5.0 over SoupBinTCP
    #[arg(long, value_name = "ADDRESS:PORT")]
    to: SocketAddr,
    /// Ports, each a connection with a user of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65_535))]
    ports: u32,
    /// Accounts, as many on each port; default one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    accounts: Option<u32>,
    /// What is traded: tickers with the price to start at, e.g. AAPL@190.00,MSFT@410 (without one: 100), or a file with
    /// one a line
    #[arg(long, value_name = "FILE|LIST", default_value = "AAPL@190.00,MSFT@410.00,SPY@480.00")]
    symbols: String,
    /// The step of prices
    #[arg(long, value_name = "PRICE", default_value = "0.01", value_parser = values::price)]
    tick: Px,
    /// Messages a second of all accounts together
    #[arg(long, value_name = "N", default_value = "1000", value_parser = values::count)]
    rate: Count,
    /// Evenly, instead of at random times
    #[arg(long)]
    even: bool,
    /// Stop after this long, e.g. 30s; without it Ctrl-C stops
    #[arg(long = "for", value_name = "TIME", value_parser = values::span)]
    limit: Option<Span>,
    /// The same seed and the same answers give the same orders
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// zero: limit orders, market orders and cancels at random; calibrated: as on a busy equity venue
    #[arg(long, value_enum, default_value = "calibrated")]
    mix: Mixed,
    /// Every type of order and request that OUCH 5.0 can express, a few of each
    #[arg(long)]
    variety: bool,
    /// About how many orders rest once there were enough
    #[arg(long, value_name = "N", default_value = "10k", value_parser = values::count)]
    resting: Count,
    /// The ports' users; an n in braces is the port's number from 1, with zeros up to six characters
    #[arg(long, default_value = "U{n}")]
    user: String,
    /// Their passwords; an n in braces as in the user
    #[arg(long, default_value = "password")]
    password: String,
    /// The firms of the ports, in turn, as the exchange has them, e.g. ALFA,BRVO: mass cancels name them. Without any,
    /// there are no mass cancels
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = values::padded::<4>)]
    firms: Vec<[u8; 4]>,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mixed {
    Zero,
    Calibrated,
}

impl TryFrom<Flow> for flow::CommandOptions {
    type Error = Failure;

    fn try_from(args: Flow) -> Result<Self, Failure> {
        let accounts = args.accounts.unwrap_or(args.ports);
        if !accounts.is_multiple_of(args.ports) {
            let ports = args.ports;
            return Err(Failure::usage(format!(
                "{accounts} accounts cannot be as many on each of {ports} ports"
            )));
        }
        let flow = flow::Options {
            accounts,
            accounts_per_port: accounts / args.ports,
            mix: match args.mix {
                Mixed::Zero => Mix::ZeroIntelligence,
                Mixed::Calibrated => Mix::Calibrated,
            },
            variety: args.variety,
            rate: args.rate.0,
            gaps: if args.even { Gaps::Fixed } else { Gaps::Exponential },
            resting: u32::try_from(args.resting.0).unwrap_or(u32::MAX),
            firms: args.firms,
            ..flow::Options::new(args.seed, listed(&args.symbols, args.tick)?)
        };
        Ok(Self {
            flow,
            to: args.to,
            user: args.user,
            password: args.password,
            limit: args.limit.map(|limit| limit.0),
            json: args.json,
        })
    }
}

/// A list as typed, or the lines of a file of that name.
fn listed(text: &str, tick: Px) -> Result<Vec<Listed>, Failure> {
    let path = Path::new(text);
    if !path.is_file() {
        return text.split(',').map(|entry| one(entry, tick)).collect();
    }
    let lines = fs::read_to_string(path).map_err(|error| Failure::io("read", path, error))?;
    let entries = lines.lines().map(str::trim);
    entries
        .filter(|entry| !entry.is_empty() && !entry.starts_with('#'))
        .map(|entry| one(entry, tick))
        .collect()
}

/// `AAPL` or `AAPL@190.00`.
fn one(entry: &str, tick: Px) -> Result<Listed, Failure> {
    let (symbol, reference) = match entry.split_once('@') {
        Some((symbol, price)) => (symbol, values::price(price)),
        None => (entry, Ok(Px::from_price4(1_000_000))),
    };
    let symbol: Symbol = values::symbol(symbol).map_err(Failure::usage)?;
    Ok(Listed { symbol, reference: reference.map_err(Failure::usage)?, tick })
}

#[cfg(test)]
mod tests {
    use super::{Flow, listed};
    use clap::Args;
    use types::Px;

    #[test]
    fn the_readme_has_every_flag() {
        let readme = include_str!("../../README.md");
        let begin = readme.find("rialto flow     --to").expect("its usage");
        let usage = &readme[begin..];
        let usage = &usage[..usage.find("\nrialto ").expect("the next command")];
        let command = Flow::augment_args(clap::Command::new("flow"));
        let flags: Vec<String> = command
            .get_arguments()
            .filter_map(|argument| argument.get_long().map(|long| format!("--{long}")))
            .collect();
        assert!(10 < flags.len(), "{flags:?}");
        let has = |flag: &str| usage.split(['[', ']', ' ', '\n']).any(|word| word == flag);
        for flag in &flags {
            assert!(has(flag), "{flag} is missing in: {usage}");
        }
        for word in usage.split(['[', ']', ' ', '\n']).filter(|word| word.starts_with("--")) {
            assert!(flags.iter().any(|flag| flag == word), "there is no {word}");
        }
    }

    #[test]
    fn instruments_are_a_list_or_a_file() {
        let tick = Px::from_price4(100);
        let pair = |text: &str| {
            let listed = listed(text, tick).ok()?;
            let row = |l: &crate::flow::Listed| format!("{} {}", l.symbol, l.reference);
            Some(listed.iter().map(row).collect::<Vec<_>>().join(", "))
        };
        let cases = [
            ("AAPL@190.00,MSFT", Some("AAPL 190.00, MSFT 100.00")),
            ("A@0.0001", Some("A 0.0001")),
            ("A@1.00001", None),
            ("A@-1", None),
            ("", None),
            ("A,,B", None),
        ];
        for (text, want) in cases {
            assert_eq!(pair(text).as_deref(), want, "{text}");
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "# ours\nAAPL@1.5\n\n MSFT\n").expect("written");
        let path = file.path().to_str().expect("a name of ASCII");
        assert_eq!(pair(path).as_deref(), Some("AAPL 1.50, MSFT 100.00"));
    }
}
