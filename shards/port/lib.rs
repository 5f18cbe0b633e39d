//! Order entry: OUCH 5.0 over SoupBinTCP, from a client's bytes to the floor and back.
//!
//! [`Ports`] is one machine for each exchange shard, sans-I/O: bytes and time in, bytes out. It owns
//! the floor, the logins, what each client was told and may ask for again, and the live orders as
//! their owners name them. Knows no socket, no clock and no book.
//!
//! - **Whose an order is.** A port belongs to one firm. Its orders are for the port's account, or for
//!   the one that its plan names for the option `GroupID`.
//! - **What is told twice.** Every answer is appended to its port's sequenced stream and, with the
//!   port's user name before it (six bytes), to the drop copy stream of the firm. Both are kept in
//!   rings of a fixed size, from which a client that comes back is told again.
//! - **What is not in OUCH 5.0.** Stop and market-to-limit orders have option tags of our own,
//!   `0xF0 StopPrice` and `0xF1 MarketToLimit`, which a port takes where its plan says so.
//!
//! Source: Nasdaq OUCH 5.0 Order Entry Specification, revision 1.05; SoupBinTCP 3.00 to 4.10.
#![no_std]

extern crate alloc;

mod answer;
mod change;
mod clerk;
mod counters;
mod desk;
mod enter;
mod fan;
#[cfg(test)]
mod fan_test;
#[cfg(test)]
mod kit;
mod lines;
mod mass;
mod orders;
mod plan;
mod ports;
#[cfg(test)]
mod refused_test;
#[cfg(test)]
mod requests_test;
#[cfg(test)]
mod sessions_test;
mod store;
#[cfg(test)]
mod storm_test;
mod symbols;
mod terms;
mod trades;

pub use counters::Counters;
pub use fan::{Fan, Publisher};
pub use plan::{DropPlan, Listing, Plan, PortPlan, StoreSize};
pub use ports::{OpenOrder, Ports};
pub use trades::NotBroken;
