//! An exchange shard's figures for readers on other threads: each has a name and a fixed place. Those of
//! [`EXCHANGE`] come first, then what risk denied, by [`Class`].

use risk::port::Denied;
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
        |exchange| exchange.ports().connections() as u64;
    "rialto_exchange_fills_total" "Executions."
        |exchange| exchange.traded().iter().map(|traded| traded.fills).sum();
    "rialto_exchange_volume_total" "Shares traded, of one side."
        |exchange| exchange.traded().iter().map(|traded| traded.volume).sum();
    "rialto_exchange_crosses_total" "Crosses with a price."
        |exchange| exchange.traded().iter().map(|traded| traded.crosses).sum();
    "rialto_exchange_busts_total" "Trades broken; what they were stays in fills and volume."
        |exchange| exchange.ports().counters().busts;
    "rialto_exchange_busted_volume_total" "Shares of the trades broken, of one side."
        |exchange| exchange.ports().counters().busted_volume;
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
    "rialto_exchange_duplicates_forgotten_total"
        "Orders forgotten before their duplicate rate let them pass: `capacity.duplicates` is too small."
        |exchange| exchange.ports().risk().forgotten();
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
    "rialto_exchange_displaced_total" "Connections cut off before a login, to make room for another."
        |exchange| exchange.ports().counters().displaced;
    "rialto_exchange_unplaced_total" "Connections turned away: all that there may be have logged in."
        |exchange| exchange.ports().counters().unplaced;
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
    "rialto_exchange_port_unsaid_total" "Messages to ports that did not fit; stays zero."
        |exchange| exchange.ports().counters().unsaid;
    "rialto_exchange_misaddressed_total" "Inputs for nobody here, and requests that are none."
        Exchange::misaddressed;
    "rialto_exchange_over" "1 when the day is over." |exchange| u64::from(exchange.is_over());
};

/// What kind of check an order failed. 24 reasons are more than a screen has lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    /// A kill switch is on.
    Switch,
    /// Too many of the port, of the port in the symbol, or of the same order.
    Rate,
    /// A kind that is not allowed.
    Kind,
    /// Too many shares, or worth too much.
    Size,
    /// Too far from the market, or nothing known to compare with.
    Price,
    /// Not to be traded, not to be sold short, or not located.
    List,
    /// No credit left.
    Credit,
    /// No such port, account or instrument; stays zero.
    Unknown,
}

impl Class {
    /// Every class, in the order of their places.
    pub const ALL: [Self; 8] = [
        Self::Switch,
        Self::Rate,
        Self::Kind,
        Self::Size,
        Self::Price,
        Self::List,
        Self::Credit,
        Self::Unknown,
    ];

    /// Its label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Switch => "switch",
            Self::Rate => "rate",
            Self::Kind => "kind",
            Self::Size => "size",
            Self::Price => "price",
            Self::List => "list",
            Self::Credit => "credit",
            Self::Unknown => "unknown",
        }
    }

    /// That of a reason.
    pub const fn of(why: Denied) -> Self {
        match why {
            Denied::VenueStopped | Denied::FirmStopped | Denied::PortStopped => Self::Switch,
            Denied::PortRate | Denied::SymbolRate | Denied::Duplicate => Self::Rate,
            Denied::MarketOrder
            | Denied::ShortSale
            | Denied::ShortExempt
            | Denied::Sweep
            | Denied::PreMarket
            | Denied::PostMarket
            | Denied::OfferingMarketBuy => Self::Kind,
            Denied::Quantity | Denied::OrderNotional => Self::Size,
            Denied::NoReference | Denied::Collar | Denied::FatFinger => Self::Price,
            Denied::Restricted | Denied::ShortRestricted | Denied::Locate => Self::List,
            Denied::Exposure => Self::Credit,
            Denied::Unknown | Denied::Instrument => Self::Unknown,
        }
    }
}

/// Reads what was denied for the reasons of one class.
pub type OfClass = fn(&Exchange, Class) -> u64;

/// Orders that risk denied; one for each [`Class`].
pub const DENIED: Gauge<OfClass> = Gauge {
    name: "rialto_exchange_denied_total",
    help: "Orders and replacements that risk denied, by the kind of check.",
    read: |exchange, class| {
        let denials = exchange.ports().risk().denials();
        let of_class = Denied::ALL.iter().filter(|why| Class::of(**why) == class);
        of_class.map(|why| denials.of(*why)).sum()
    },
};

impl Gauge<OfClass> {
    /// The figure of a shard that has ended.
    pub fn value(&self, exchange: &Exchange, class: Class) -> u64 {
        (self.read)(exchange, class)
    }
}

/// How many places there are.
pub const PLACES: usize = EXCHANGE.len() + Class::ALL.len();

/// What was denied, out of the values of all places.
pub fn denied(values: &[u64]) -> impl Iterator<Item = (Class, u64)> {
    let values = values.get(EXCHANGE.len()..).unwrap_or_default();
    Class::ALL.into_iter().zip(values.iter().copied())
}

/// Where a figure lies, by its name.
pub fn place(name: &str) -> Option<usize> {
    EXCHANGE.iter().position(|gauge| gauge.name == name)
}

/// Writes every figure in its place.
pub(super) fn write(exchange: &Exchange, places: &mut [u64]) {
    let own = EXCHANGE.iter().map(|gauge| gauge.value(exchange));
    let denied = Class::ALL.iter().map(|class| DENIED.value(exchange, *class));
    places.iter_mut().zip(own.chain(denied)).for_each(|(place, value)| *place = value);
}

#[cfg(test)]
mod tests {
    use super::{Class, EXCHANGE, PLACES, denied};
    use risk::port::Denied;

    #[test]
    fn every_class_has_a_place_a_name_and_a_reason() {
        for (place, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, place);
            assert!(Denied::ALL.iter().any(|why| Class::of(*why) == class), "{class:?}");
            let of_that_name = Class::ALL.iter().filter(|other| other.name() == class.name());
            assert_eq!(of_that_name.count(), 1, "{class:?}");
        }
        let values: Vec<u64> = (0..PLACES as u64).collect();
        let first = EXCHANGE.len() as u64;
        assert!(denied(&values).map(|(_, value)| value).eq(first..first + 8));
        assert_eq!(denied(&values[..3]).count(), 0, "of a shard that has said nothing");
    }
}
