//! The arguments of `rialto publish` as typed, and what they become.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use types::Nanos;

use super::values::{self, Count, Pace, Pair, Part, Span};
use crate::{generate, publish};

/// `rialto publish`
#[derive(Debug, Args)]
pub(super) struct Publish {
    /// The recording: BinaryFILE, plain or gzip, or a capture of MoldUDP64; without it a generated day
    file: Option<PathBuf>,
    /// Line A: multicast group and port
    #[arg(long, value_name = "GROUP:PORT", default_value = "239.192.77.1:26477")]
    line_a: SocketAddrV4,
    /// Line B, or none
    #[arg(long, value_name = "GROUP:PORT|none", default_value = "239.192.77.2:26478", value_parser = values::group)]
    line_b: values::Maybe<SocketAddrV4>,
    /// The address of the interface that the lines leave from; loopback keeps them on this host
    #[arg(long, value_name = "ADDRESS", default_value_t = Ipv4Addr::LOCALHOST)]
    interface: Ipv4Addr,
    /// Messages per second, evenly
    #[arg(long, value_name = "N", default_value = "100k", value_parser = values::count, conflicts_with = "speed")]
    rate: Count,
    /// max, or this many times as fast as it was recorded; instead of --rate
    #[arg(long, value_name = "max|N", value_parser = values::pace)]
    speed: Option<Pace>,
    /// Never sleep between messages: exact times, for the price of a cpu
    #[arg(long)]
    spin: bool,
    /// Packets that a line loses, e.g. 20%; two are for line A and line B
    #[arg(long, value_name = "A[,B]", default_value = "0%", value_parser = values::parts)]
    loss: Pair<Part>,
    /// Packets that come twice
    #[arg(long, value_name = "A[,B]", default_value = "0%", value_parser = values::parts)]
    duplicate: Pair<Part>,
    /// Packets that come behind later ones
    #[arg(long, value_name = "A[,B]", default_value = "0%", value_parser = values::parts)]
    reorder: Pair<Part>,
    /// Delay of a line, e.g. 0us,50us
    #[arg(long, value_name = "A[,B]", default_value = "0us", value_parser = values::spans)]
    skew: Pair<Span>,
    /// Of the faults, and of the day where one is generated
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where lost messages can be asked for, or none
    #[arg(long, value_name = "ADDRESS:PORT|none", default_value = "127.0.0.1:26479", value_parser = values::address)]
    request: values::Maybe<SocketAddr>,
    /// Where snapshots are served, or none
    #[arg(long, value_name = "ADDRESS:PORT|none", default_value = "127.0.0.1:26480", value_parser = values::address)]
    snapshot: values::Maybe<SocketAddr>,
    /// User of the snapshot server, at most 6 characters
    #[arg(long, default_value = "RIALTO", value_parser = values::padded::<6>)]
    user: [u8; 6],
    /// Password of the snapshot server, at most 10 characters
    #[arg(long, default_value = "DEMO", value_parser = values::padded::<10>)]
    password: [u8; 10],
    /// How long to go on serving after the end of the session
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = values::span)]
    linger: Span,
    /// Messages of the generated day
    #[arg(long, value_name = "N", default_value = "1M", value_parser = values::count, conflicts_with = "file")]
    messages: Count,
    /// Instruments of the generated day
    #[arg(long, value_name = "N", default_value_t = 100, conflicts_with = "file")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    symbols: u16,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

impl Publish {
    fn impaired(&self, line: usize) -> publish::Impaired {
        publish::Impaired {
            loss: self.loss.0[line].0,
            duplicate: self.duplicate.0[line].0,
            reorder: self.reorder.0[line].0,
            skew: nanos(self.skew.0[line].0),
            ..publish::Impaired::NOT
        }
    }
}

/// A span past the year 2500 is held there.
fn nanos(span: Duration) -> Nanos {
    Nanos::new(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}

impl From<Publish> for publish::CommandOptions {
    fn from(args: Publish) -> Self {
        let line = |to, line| publish::LineOptions { to, impaired: args.impaired(line) };
        let lines = [Some(line(args.line_a, 0)), args.line_b.0.map(|to| line(to, 1))];
        let origin = match args.file.clone() {
            Some(file) => publish::Origin::File(file),
            None => publish::Origin::Day(generate::Options {
                seed: args.seed,
                symbols: args.symbols,
                messages: args.messages.0,
                ..generate::Options::default()
            }),
        };
        let pace = match args.speed {
            None => publish::Pace::Rate(args.rate.0),
            Some(Pace::Max) => publish::Pace::Max,
            Some(Pace::Times(times)) => publish::Pace::Speed(times),
        };
        let requests = args
            .request
            .0
            .map(|listen| publish::RequestOptions { listen, ..publish::RequestOptions::DEFAULT });
        let snapshots = args.snapshot.0.map(|listen| publish::SnapshotOptions {
            listen,
            user: args.user,
            password: args.password,
            ..publish::SnapshotOptions::DEFAULT
        });
        Self {
            publish: publish::Options {
                pace,
                spin: args.spin,
                lines: lines.into_iter().flatten().collect(),
                seed: args.seed,
                requests,
                snapshots,
                interface: args.interface,
                ..publish::Options::new(origin)
            },
            linger: args.linger.0,
            json: args.json,
        }
    }
}
