//! An exchange shard's figures for readers on other threads: each has a name and a fixed place.

use session::soup::Closed;

use super::Exchange;
use crate::gauges::{Gauge, gauges};

/// Reads one figure.
pub type OfExchange = fn(&Exchange) -> u64;

impl Gauge<OfExchange> {
    /// The figure of a shard that has ended.
    pub fn value(&self, exchange: &Exchange) -> u64 {
        (self.read)(exchange)
    }
}

/// All of them.
pub const EXCHANGE: &[Gauge<OfExchange>] = &gauges! {
    "rialto_exchange_orders" "Live orders." |exchange| u64::from(exchange.ports().live());
    "rialto_exchange_connections" "Connections to its ports, logged in or not."
        |exchange| u64::from(exchange.connections());
    "rialto_exchange_fills_total" "Executions."
        |exchange| exchange.traded().iter().map(|traded| traded.fills).sum();
    "rialto_exchange_volume_total" "Shares traded, of one side."
        |exchange| exchange.traded().iter().map(|traded| traded.volume).sum();
    "rialto_exchange_crosses_total" "Crosses with a price."
        |exchange| exchange.traded().iter().map(|traded| traded.crosses).sum();
    "rialto_exchange_messages_total" "Market data messages." |exchange| exchange.tape().counters().messages;
    "rialto_exchange_datagrams_total" "Market data datagrams, on each line."
        |exchange| exchange.tape().counters().datagrams;
    "rialto_exchange_unsaid_total" "Market data that ITCH has no room for."
        |exchange| exchange.tape().counters().unsaid;
    "rialto_exchange_lost_total" "Datagrams and kept messages that found no room." Exchange::lost;
    "rialto_exchange_logins_total" "Logins let in." |exchange| exchange.ports().counters().logins;
    "rialto_exchange_bad_credentials_total" "Logins refused: no such user, or another password."
        |exchange| exchange.ports().counters().bad_credentials;
    "rialto_exchange_live_twice_total" "Logins refused: the user is logged in already."
        |exchange| exchange.ports().counters().live_twice;
    "rialto_exchange_unknown_session_total" "Logins refused: no such session."
        |exchange| exchange.ports().counters().unknown_session;
    "rialto_exchange_forgotten_total" "Logins refused: the message asked for is no longer kept."
        |exchange| exchange.ports().counters().forgotten;
    "rialto_exchange_rejected_total" "Requests answered with a reject."
        |exchange| exchange.ports().counters().rejected;
    "rialto_exchange_unreplaced_total" "Orders cancelled because their replacement was not valid."
        |exchange| exchange.ports().counters().unreplaced;
    "rialto_exchange_retransmitted_total" "Requests ignored as told again."
        |exchange| exchange.ports().counters().retransmitted;
    "rialto_exchange_ignored_total" "Requests ignored: the order is not live, or nothing would change."
        |exchange| exchange.ports().counters().ignored;
    "rialto_exchange_malformed_total" "Connections cut off because a message was none."
        |exchange| exchange.ports().counters().malformed;
    "rialto_exchange_bad_packets_total" "Connections cut off because a packet was none, or not one to send then."
        |exchange| exchange.ports().counters().bad_packets();
    "rialto_exchange_login_timeouts_total" "Connections cut off because no login came in time."
        |exchange| exchange.ports().counters().closed_by(Closed::LoginTimeout);
    "rialto_exchange_silent_total" "Connections cut off because not even a heartbeat came in time."
        |exchange| exchange.ports().counters().closed_by(Closed::Dead);
    "rialto_exchange_stalled_total" "Connections cut off because they took nothing for too long."
        |exchange| exchange.ports().counters().stalled;
    "rialto_exchange_lapped_total" "Connections cut off because what they had to be told was no longer kept."
        |exchange| exchange.ports().counters().lapped;
    "rialto_exchange_quotes_total" "Changes of the quotes that other venues' feeds give." Exchange::quotes;
    "rialto_exchange_stale_feeds" "Feeds that it follows and cannot trust."
        |exchange| exchange.feeds().iter().filter(|feed| !feed.mirror().is_trusted()).count() as u64;
    "rialto_exchange_strangers_total" "Reports of orders that nobody has; stays zero."
        |exchange| exchange.ports().counters().strangers + exchange.tape().counters().strangers;
    "rialto_exchange_misaddressed_total" "Inputs for nobody here, and requests that are none."
        Exchange::misaddressed;
    "rialto_exchange_over" "1 when the day is over." |exchange| u64::from(exchange.is_over());
};

/// Where a figure lies, by its name.
pub fn place(name: &str) -> Option<usize> {
    EXCHANGE.iter().position(|gauge| gauge.name == name)
}

/// Writes every figure in its place.
pub(super) fn write(exchange: &Exchange, places: &mut [u64]) {
    for (place, gauge) in places.iter_mut().zip(EXCHANGE) {
        *place = gauge.value(exchange);
    }
}
