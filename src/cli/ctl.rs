//! The arguments of `rialto ctl` as typed, and what they become.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::control::protocol::{self, Instruments, Members, Reason, Request};
use crate::{control, folder};

/// `rialto ctl`
#[derive(Debug, Args)]
#[command(
    after_help = "Each answer says what became of the request, at each shard that it concerned. What was so \
    already counts as done.\n\nExit codes: 0 done, 1 failed or not all of it done, 2 bad usage or a name that is not \
    there."
)]
pub(super) struct Ctl {
    /// The folder of the run: its --data, or `data` in its configuration
    #[arg(long, global = true, value_name = "DIR", default_value = folder::DEFAULT)]
    data: PathBuf,
    /// Which exchange, where several run there
    #[arg(long, global = true, value_name = "NAME")]
    exchange: Option<String>,
    /// Print one JSON object
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show each shard, its kill switches, and the phase of each instrument
    Status,
    /// Stop instruments: nothing trades, orders can only be cancelled
    Halt(Which),
    /// After a halt: take orders again, for the cross that ends it
    PreReopen(Which),
    /// End a halt or a pause with its cross, then trade
    Reopen(Which),
    /// Take orders for the opening cross of instruments that are closed
    PreOpen(Which),
    /// The opening cross, then trade
    Open(Which),
    /// The closing cross; the instruments can be pre-opened and opened again
    Close(Which),
    /// End the day of the exchange with its closing crosses, and the run with it
    EndDay,
    /// Cancel all orders of the venue, a firm or a port, and take no more
    Kill {
        #[command(subcommand)]
        whose: Whose,
    },
    /// Take the orders of the venue, a firm or a port again
    Revive {
        #[command(subcommand)]
        whose: Whose,
    },
    /// Break a trade: both sides and the feed are told
    Bust {
        /// Its match number, as executions and the feed have it
        match_number: u64,
        /// What both sides are told
        #[arg(long, value_enum, default_value = "supervisory")]
        reason: Reason,
    },
}

#[derive(Debug, Args)]
struct Which {
    /// Tickers
    #[arg(value_name = "SYMBOL", required_unless_present = "all", conflicts_with = "all")]
    symbols: Vec<String>,
    /// Every instrument of the exchange
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Subcommand)]
enum Whose {
    /// Everybody
    Venue,
    /// A firm, on all its ports
    Firm {
        /// Its four letters
        name: String,
    },
    /// A port
    Port {
        /// Its login
        user: String,
    },
}

impl From<Ctl> for control::Options {
    fn from(args: Ctl) -> Self {
        let Ctl { data, exchange, json, what } = args;
        let which = |which: Which| Instruments {
            exchange: exchange.clone(),
            symbols: which.symbols,
            all: which.all,
        };
        let members = |whose| Members {
            exchange: exchange.clone(),
            whose: match whose {
                Whose::Venue => protocol::Whose::Venue,
                Whose::Firm { name } => protocol::Whose::Firm(name),
                Whose::Port { user } => protocol::Whose::Port(user),
            },
        };
        let request = match what {
            What::Status => Request::Status { exchange: exchange.clone() },
            What::Halt(args) => Request::Halt(which(args)),
            What::PreReopen(args) => Request::PreReopen(which(args)),
            What::Reopen(args) => Request::Reopen(which(args)),
            What::PreOpen(args) => Request::PreOpen(which(args)),
            What::Open(args) => Request::Open(which(args)),
            What::Close(args) => Request::Close(which(args)),
            What::EndDay => Request::EndDay { exchange: exchange.clone() },
            What::Kill { whose } => Request::Kill(members(whose)),
            What::Revive { whose } => Request::Revive(members(whose)),
            What::Bust { match_number, reason } => {
                Request::Bust { exchange: exchange.clone(), match_number, reason }
            }
        };
        Self { data, request, json }
    }
}
