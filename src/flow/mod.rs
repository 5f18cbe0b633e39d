//! A seeded population of traders: order flow over many accounts, as OUCH 5.0, open loop at a given rate.
//!
//! [`Population`] is without I/O: it says when it acts next, gives messages, and hears the answers. The
//! same seed and the same answers give the same bytes. [`sockets`] drives it over SoupBinTCP, a
//! connection a port; [`in_process`] against anything in this process that takes OUCH. It is no market
//! data client: what it knows of prices is its own orders and its own trades.

mod answers;
mod command;
pub mod in_process;
mod market;
mod mix;
mod orders;
mod population;
mod record;
mod schedule;
pub mod sockets;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod toy;
mod variety;

use types::{Px, Symbol};
use wire::ouch50::PRICE_MAX;

pub use command::{CommandOptions, command};
pub use mix::{Mix, Mixture, Placement};
pub use population::Population;
pub use record::{Record, Sent, Traded};
pub use schedule::Gaps;
pub use variety::Rare;

use crate::failure::Failure;

/// Where messages go. What drives a population gives it one of these.
pub trait Ports {
    /// Sends an OUCH message on a port, from 0. `false`: it was not taken, and is as if never written.
    fn send(&mut self, port: u16, message: &[u8]) -> bool;
}

/// An instrument that is traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its ticker.
    pub symbol: Symbol,
    /// Where its price starts; orders stay within a tenth of it.
    pub reference: Px,
    /// The step of its prices, a multiple of 0.0001.
    pub tick: Px,
}

/// Who trades what, how, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Any number; another seed is other flow.
    pub seed: u64,
    /// How many accounts there are.
    pub accounts: u32,
    /// How many of them share a port. Where it is more than one each order names its account within the
    /// port by option `GroupId`. Every order has its account in the client's own name for it.
    pub accounts_per_port: u32,
    /// What is traded.
    pub instruments: Vec<Listed>,
    /// The kinds of orders.
    pub mix: Mix,
    /// Rare orders and requests as well: see [`Rare`].
    pub variety: bool,
    /// Messages a second of all accounts together.
    pub rate: u64,
    /// How the times between them are.
    pub gaps: Gaps,
    /// About how many orders rest once there were enough.
    pub resting: u32,
    /// The firms of the ports, in turn, as an exchange deals its ports to firms: a mass cancel names the
    /// firm of its port. Without any there are no mass cancels.
    pub firms: Vec<[u8; 4]>,
}

impl Options {
    /// A thousand accounts, each with its port, at a thousand messages a second.
    pub fn new(seed: u64, instruments: Vec<Listed>) -> Self {
        Self {
            seed,
            accounts: 1_000,
            accounts_per_port: 1,
            instruments,
            mix: Mix::Calibrated,
            variety: false,
            rate: 1_000,
            gaps: Gaps::Exponential,
            resting: 10_000,
            firms: Vec::new(),
        }
    }

    /// How many ports the accounts need.
    pub fn ports(&self) -> u32 {
        self.accounts.div_ceil(self.accounts_per_port.max(1))
    }

    /// The port of an account.
    pub fn port_of(&self, account: u32) -> u16 {
        u16::try_from(account / self.accounts_per_port.max(1)).unwrap_or(u16::MAX)
    }

    /// The firm of a port.
    pub fn firm_of(&self, port: u16) -> Option<[u8; 4]> {
        self.firms.get(usize::from(port) % self.firms.len().max(1)).copied()
    }

    fn check(&self) -> Result<(), Failure> {
        let bad = |what: String| Err(Failure::usage(what));
        if self.accounts == 0 || self.accounts_per_port == 0 {
            return bad("flow needs one account, and a port one account, at least".to_owned());
        }
        if u32::from(u16::MAX) < self.accounts_per_port || u32::from(u16::MAX) < self.ports() {
            return bad(format!("at most {} ports, and as many accounts on one", u16::MAX));
        }
        if self.instruments.is_empty() || usize::from(u16::MAX) < self.instruments.len() {
            return bad(format!("flow needs 1 to {} instruments", u16::MAX));
        }
        if self.rate == 0 || self.resting == 0 {
            return bad(
                "a rate of 0 never sends anything, and 0 resting orders are none".to_owned()
            );
        }
        for listed in &self.instruments {
            let Listed { symbol, reference, tick } = listed;
            let prices = reference.to_price4().zip(tick.to_price4());
            let fits = prices.is_some_and(|(reference, tick)| {
                0 < tick && 20 * tick <= reference && u64::from(reference) <= PRICE_MAX / 2
            });
            if !fits {
                return bad(format!(
                    "{symbol} cannot trade around {reference} in steps of {tick}: a price is a multiple \
                     of 0.0001, at least 20 ticks and at most 100,000"
                ));
            }
        }
        Ok(())
    }
}
