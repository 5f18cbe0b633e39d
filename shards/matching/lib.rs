//! The exchange's own books: commands in, reports out, in price-time priority or by another policy.
//!
//! Sans-I/O: a command is taken whole before the next one, what came of it goes into the caller's
//! out-buffer in the order in which it happened, and nothing is called back. Everything is sized at
//! construction and nothing is allocated afterwards. Knows no port, no protocol, no account's
//! limits and no clock; a price is a count of its instrument's ticks.
#![no_std]

extern crate alloc;

mod admit;
mod auction;
mod bands;
mod bitmap;
mod command;
mod cross;
mod dark;
#[cfg(test)]
mod dark_tests;
mod dated;
#[cfg(any(test, feature = "naive"))]
mod day_ledger;
mod entry;
mod floor;
#[cfg(any(test, feature = "naive"))]
pub mod floor_script;
#[cfg(test)]
mod floor_terms_tests;
#[cfg(test)]
mod floor_tests;
#[cfg(any(test, feature = "naive"))]
mod floor_twin;
mod hidden;
mod index;
mod ladder;
#[cfg(any(test, feature = "naive"))]
mod ledger;
mod luld;
mod market;
mod minimum;
#[cfg(any(test, feature = "naive"))]
pub mod naive;
#[cfg(any(test, feature = "naive"))]
mod naive_cross;
#[cfg(any(test, feature = "naive"))]
mod naive_take;
mod noting;
mod orders;
mod pairs;
mod peg;
mod phases;
mod policy;
#[cfg(test)]
mod rank_tests;
mod ranked;
mod report;
mod reserve;
mod schedule;
#[cfg(any(test, feature = "naive"))]
pub mod script;
mod specials;
mod take;
mod terms;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_terms;
mod ticks;
mod tree;
mod uncross;
mod view;
mod waiting;
mod withdraw;

pub use command::{Account, NewOrder, OrderKey, Price, Replace, SelfMatch, Standing, Tick};
pub use cross::{Crossing, Interest, Span, crossing};
pub use dark::DarkRules;
pub use floor::{Floor, FloorCapacity};
pub use luld::{LuldRules, Tier};
pub use market::{Capacity, Market, Policy, Rules};
pub use report::{Ended, Out, Refused, Report};
pub use schedule::{Collar, DayRules, Schedule};
pub use terms::{
    Control, Cross, Display, Indication, Order, Peg, PegTo, Phase, Quote, Scope, Terms, Trading,
};
pub use ticks::{BANDS_MAX, BadTable, TickTable};
pub use view::{HiddenOrder, Resting, RestingOrder};
