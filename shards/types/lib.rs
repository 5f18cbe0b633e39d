//! The words of the trade, with their units: what every other crate speaks.
//!
//! Knows no byte layout, no venue, no clock. Depends on nothing, so that nothing in the
//! vocabulary can drag a mechanism along with it.
#![no_std]

mod event;
mod id;
mod px;
mod qty;
mod time;

pub use event::{Bands, Change, CrossKind, Imbalance, MarketEvent, ShortSale, Trading};
pub use id::{
    AccountId, FirmId, InstrumentId, MatchNo, OrderRef, PortId, SeqNo, Side, Symbol, VenueId,
};
pub use px::Px;
pub use qty::Qty;
pub use time::Nanos;
