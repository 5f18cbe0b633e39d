//! One conversation: hello, events in order, finish. Knows no pipe.

use sha2::{Digest, Sha256};

use crate::exchange::Exchange;
use crate::message::{Asked, Engine, Event, Outcome, PROTOCOL, PROTOCOL_VERSION, Reply, State};

/// Where the conversation stands.
#[derive(Default)]
pub(crate) struct Session {
    /// Since hello.
    exchange: Option<Exchange>,
    /// Events taken.
    events: u64,
}

impl Session {
    /// Answers a line. An error ends the conversation.
    pub(crate) fn on_line(&mut self, line: &str) -> Result<Reply, String> {
        let asked = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let Some(exchange) = &mut self.exchange else {
            return self.on_hello(asked);
        };
        match asked {
            Asked::Hello { .. } => Err("hello was said before".to_owned()),
            Asked::Event { index, event } => {
                if index != self.events + 1 {
                    return Err(format!("event {index} after event {}", self.events));
                }
                self.events = index;
                on_event(exchange, index, &event)
            }
            Asked::Snapshot { index } if index == self.events => {
                Ok(Reply::Snapshot { index, state: exchange.state() })
            }
            Asked::Finish { event_count } if event_count == self.events => {
                Ok(Reply::Complete { event_count })
            }
            Asked::Snapshot { index: count } | Asked::Finish { event_count: count } => {
                Err(format!("{count} events were counted there and {} here", self.events))
            }
        }
    }

    fn on_hello(&mut self, asked: Asked) -> Result<Reply, String> {
        let Asked::Hello { protocol, protocol_version, config } = asked else {
            return Err("the first line must be hello".to_owned());
        };
        if (protocol.as_str(), protocol_version) != (PROTOCOL, PROTOCOL_VERSION) {
            return Err(format!("this is {PROTOCOL} version {PROTOCOL_VERSION}"));
        }
        self.exchange = Some(Exchange::new(&config)?);
        let engine = Engine {
            name: "rialto-matching",
            version: env!("CARGO_PKG_VERSION"),
            language: "Rust",
        };
        Ok(Reply::Ready { protocol: PROTOCOL, protocol_version: PROTOCOL_VERSION, engine })
    }
}

fn on_event(exchange: &mut Exchange, index: u64, event: &Event) -> Result<Reply, String> {
    let (outcome, trades) = match exchange.apply(event) {
        Ok(trades) => (Outcome { status: "applied", reason: None, message: None }, trades),
        Err((reason, message)) => {
            let (reason, message) = (Some(reason), Some(message));
            (Outcome { status: "rejected", reason, message }, Vec::new())
        }
    };
    let state_hash = hash(&exchange.state()).map_err(|error| error.to_string())?;
    let resting_order_count = exchange.live();
    Ok(Reply::Observation { index, outcome, trades, state_hash, resting_order_count })
}

/// In lower-case hexadecimal.
fn hash(state: &State) -> serde_json::Result<String> {
    let digest = Sha256::digest(serde_json::to_vec(state)?);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::Session;

    fn hello(algorithm: &str, tick_size: &str, places: u32) -> String {
        format!(
            r#"{{"type":"hello","protocol":"tracebook.conformance","protocol_version":1,"config":{{"matching_algorithm":"{algorithm}","tick_size":"{tick_size}","self_trade_policy":"NONE","quantity_decimal_places":{places}}}}}"#
        )
    }

    #[test]
    fn rules_that_cannot_be_are_refused_at_hello() {
        let cases = [
            (hello("fifo", "0.01", 12), true),
            (hello("pro_rata", "0.01", 12), true),
            (hello("fifo", "0", 12), false),
            (hello("fifo", "0.01", 19), false),
            (hello("lifo", "0.01", 12), false),
            (hello("fifo", "0.01", 12).replace(r#"version":1"#, r#"version":2"#), false),
            (hello("fifo", "0.01", 12).replace("tracebook", "other"), false),
        ];
        for (line, want) in cases {
            assert_eq!(Session::default().on_line(&line).is_ok(), want, "{line}");
        }
    }

    #[test]
    fn counts_must_agree() {
        let mut session = Session::default();
        session.on_line(&hello("fifo", "0.01", 12)).map(drop).expect("hello");
        let clear = |index| {
            format!(
                r#"{{"type":"event","index":{index},"event":{{"op":"clear","symbol":"T","order_id":null,"side":null,"order_type":"LIMIT","price":null,"quantity":null,"owner":-1,"timestamp_ns":null}}}}"#
            )
        };
        let cases = [
            (clear(2), false),
            (clear(1), true),
            (clear(1), false),
            (r#"{"type":"snapshot","index":1}"#.to_owned(), true),
            (r#"{"type":"snapshot","index":2}"#.to_owned(), false),
            (r#"{"type":"finish","event_count":0}"#.to_owned(), false),
            (hello("fifo", "0.01", 12), false),
            (r#"{"type":"finish","event_count":1}"#.to_owned(), true),
        ];
        for (line, want) in cases {
            assert_eq!(session.on_line(&line).is_ok(), want, "{line}");
        }
    }
}
