//! The lines of the protocol, version 1, as `tracebook/conformance/protocol.py` reads and writes them.

use serde::{Deserialize, Serialize};

/// What the protocol calls itself.
pub(crate) const PROTOCOL: &str = "tracebook.conformance";
pub(crate) const PROTOCOL_VERSION: u32 = 1;

/// A line that comes in.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Asked {
    /// The first line.
    Hello { protocol: String, protocol_version: u32, config: Config },
    /// One thing to do, numbered from 1.
    Event { index: u64, event: Event },
    /// All books are wanted.
    Snapshot { index: u64 },
    /// Nothing more comes.
    Finish { event_count: u64 },
}

/// By which rules everything trades.
#[derive(Clone, Deserialize)]
pub(crate) struct Config {
    pub(crate) matching_algorithm: Algorithm,
    /// A decimal number above zero.
    pub(crate) tick_size: String,
    pub(crate) self_trade_policy: SelfTrade,
    /// Decimals of the quantities that go out.
    pub(crate) quantity_decimal_places: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Algorithm {
    Fifo,
    ProRata,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum SelfTrade {
    None,
    CancelResting,
    CancelIncoming,
}

/// What happens to one symbol.
#[derive(Clone, Deserialize)]
pub(crate) struct Event {
    pub(crate) op: Op,
    pub(crate) symbol: String,
    pub(crate) order_id: Option<u64>,
    pub(crate) side: Option<Way>,
    pub(crate) order_type: OrderType,
    pub(crate) price: Option<f64>,
    pub(crate) quantity: Option<f64>,
    /// -1 for nobody.
    pub(crate) owner: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Op {
    New,
    Reduce,
    Cancel,
    Replace,
    Clear,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Way {
    Buy,
    Sell,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum OrderType {
    Limit,
    Market,
    Ioc,
    Fok,
}

/// A line that goes out.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Reply {
    Ready {
        protocol: &'static str,
        protocol_version: u32,
        engine: Engine,
    },
    Observation {
        index: u64,
        outcome: Outcome,
        trades: Vec<Trade>,
        /// SHA-256 of the state's JSON.
        state_hash: String,
        resting_order_count: u64,
    },
    Snapshot {
        index: u64,
        state: State,
    },
    Complete {
        event_count: u64,
    },
    Error {
        code: &'static str,
        message: String,
    },
}

#[derive(Serialize)]
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) language: &'static str,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Outcome {
    pub(crate) status: &'static str,
    pub(crate) reason: Option<Reason>,
    pub(crate) message: Option<String>,
}

/// Why an event was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Reason {
    OrderNotActive,
    DuplicateOrderId,
    InvalidOrder,
    InvalidReplacement,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Trade {
    pub(crate) symbol: String,
    pub(crate) buy_order_id: u64,
    pub(crate) sell_order_id: u64,
    pub(crate) price: String,
    pub(crate) quantity: String,
}

/// All books, by symbol. What is hashed has its keys sorted: so are the fields of this and what it
/// holds.
#[derive(Serialize)]
pub(crate) struct State {
    pub(crate) books: Vec<Book>,
}

/// One symbol's orders, each side best price first and each price in queue order.
#[derive(Serialize)]
pub(crate) struct Book {
    pub(crate) asks: Vec<Resting>,
    pub(crate) bids: Vec<Resting>,
    pub(crate) symbol: String,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Resting {
    pub(crate) order_id: u64,
    pub(crate) order_type: &'static str,
    pub(crate) owner: i64,
    pub(crate) price: String,
    pub(crate) remaining_quantity: String,
}
