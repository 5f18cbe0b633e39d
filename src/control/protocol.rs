//! What crosses the control socket: one JSON object a line, a request there and a reply back.

use serde::{Deserialize, Serialize};

/// A request, as `rialto ctl` or any other program sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// How things stand.
    Status {
        /// Of which exchange; without it of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exchange: Option<String>,
    },
    /// Take orders for the opening cross.
    PreOpen(Instruments),
    /// The opening cross, then continuous trading.
    Open(Instruments),
    /// Nothing trades, and no order is taken.
    Halt(Instruments),
    /// After a halt, take orders for the cross that ends it.
    PreReopen(Instruments),
    /// The cross that ends a halt or a pause, then continuous trading.
    Reopen(Instruments),
    /// The closing cross of some instruments: they can be pre-opened and opened again.
    Close(Instruments),
    /// The closing cross of every instrument, and the end of the day.
    EndDay {
        /// Where; only needed where there are several exchanges.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exchange: Option<String>,
    },
    /// Cancel orders and take no more.
    Kill(Members),
    /// Take orders again.
    Revive(Members),
    /// Break a trade.
    Bust {
        /// Where; only needed where there are several exchanges.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exchange: Option<String>,
        /// As both sides and the feed have it.
        match_number: u64,
        /// What both sides are told.
        reason: Reason,
    },
}

/// Some instruments of an exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instruments {
    /// Where; only needed where there are several exchanges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
    /// Their tickers.
    #[serde(default)]
    pub symbols: Vec<String>,
    /// Every one, instead.
    #[serde(default)]
    pub all: bool,
}

/// Some members of an exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Members {
    /// Where; only needed where there are several exchanges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
    /// Who.
    pub whose: Whose,
}

/// Whose orders: `"venue"`, `{"firm": "ALFA"}`, `{"port": "U00001"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// Everybody's.
    Venue,
    /// All of a firm's, by its four letters.
    Firm(String),
    /// A port's, by its user.
    Port(String),
}

/// Why a trade is broken, in the words of OUCH 5.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Clearly erroneous
    Erroneous,
    /// Both parties agreed
    Consent,
    /// By hand, at the exchange
    Supervisory,
    /// By a third party
    External,
}

/// The reply to one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// What became of it: a line for each instrument or shard that it concerned.
    Outcomes(Vec<Line>),
    /// How things stand, shard by shard.
    Shards(Vec<ShardStatus>),
    /// Nothing was done.
    Refused(Refusal),
}

/// What became of a request, at one shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The exchange.
    pub exchange: String,
    /// Its shard.
    pub shard: String,
    /// What it was about: `AAPL`, `firm ALFA`, `port U00001`, `trade 17`, `venue`, `day`.
    pub subject: String,
    /// What became of it, for a program.
    pub outcome: Outcome,
    /// The same for a person; goes on after the subject.
    pub text: String,
    /// Where the instrument stands in its day now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Shares that the cross traded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crossed: Option<u64>,
    /// Orders that were cancelled at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<u32>,
}

/// What became of a request, for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is done.
    Done,
    /// It was so before.
    Already,
    /// There is no such trade.
    Unknown,
    /// The phase of the instrument does not allow it.
    WrongPhase,
    /// The day has not begun.
    DayNotBegun,
    /// The day is over.
    DayOver,
    /// It was sent, and there is no answer yet: it may happen still.
    NoAnswer,
    /// It was not sent: the shard has too many requests unanswered. Try again.
    Full,
}

impl Outcome {
    /// Whether things are as was asked for.
    pub const fn is_good(self) -> bool {
        match self {
            Self::Done | Self::Already => true,
            Self::Unknown
            | Self::WrongPhase
            | Self::DayNotBegun
            | Self::DayOver
            | Self::NoAnswer
            | Self::Full => false,
        }
    }
}

/// How a shard stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardStatus {
    /// The exchange.
    pub exchange: String,
    /// Its shard.
    pub shard: String,
    /// It answered all that it was asked. Otherwise what it did not say is missing here.
    pub answered: bool,
    /// Its day is over.
    pub over: bool,
    /// Live orders.
    pub orders: u64,
    /// Connections to its ports, logged in or not.
    pub connections: u64,
    /// Whose orders it does not take.
    pub killed: Killed,
    /// What it trades.
    pub instruments: Vec<InstrumentStatus>,
}

/// Whose kill switches are on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Killed {
    /// Everybody's.
    pub venue: bool,
    /// Firms.
    pub firms: Vec<String>,
    /// Users of ports.
    pub ports: Vec<String>,
}

/// How an instrument stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstrumentStatus {
    /// Its ticker.
    pub symbol: String,
    /// `closed`, `pre-open`, `continuous`, `halted`, `pre-reopen` or `paused`.
    pub phase: String,
}

/// Why nothing was done, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The request itself is wrong: another time it will be refused as well.
    pub usage: bool,
    /// What is wrong.
    pub what: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Refusal {
    /// A request that is wrong.
    pub fn usage(what: impl Into<String>) -> Self {
        Self { usage: true, what: what.into(), remedy: None }
    }

    /// A request that came at the wrong time.
    pub fn failed(what: impl Into<String>) -> Self {
        Self { usage: false, what: what.into(), remedy: None }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn a_request_is_what_it_says_and_nothing_else() {
        let good = [
            r#"{"command":"status"}"#,
            r#"{"command":"halt","symbols":["AAPL","MSFT"],"all":false}"#,
            r#"{"command":"pre-reopen","exchange":"RLX","symbols":[],"all":true}"#,
            r#"{"command":"kill","whose":"venue"}"#,
            r#"{"command":"revive","whose":{"port":"U00001"}}"#,
            r#"{"command":"bust","match_number":17,"reason":"erroneous"}"#,
        ];
        for text in good {
            let request: Request = serde_json::from_str(text).expect(text);
            assert_eq!(serde_json::to_string(&request).expect("JSON"), text);
        }
        let bad = [
            "",
            "{}",
            "[]",
            "null",
            "status",
            r#"{"command":"stop"}"#,
            r#"{"command":"halt","symbol":"AAPL"}"#,
            r#"{"command":"halt","symbols":"AAPL"}"#,
            r#"{"command":"status","verbose":true}"#,
            r#"{"command":"kill"}"#,
            r#"{"command":"kill","whose":"everybody"}"#,
            r#"{"command":"kill","whose":{"firm":1}}"#,
            r#"{"command":"bust","match_number":-1,"reason":"consent"}"#,
            r#"{"command":"bust","match_number":1,"reason":"mood"}"#,
            r#"{"command":"status"} {"command":"status"}"#,
        ];
        for text in bad {
            assert!(serde_json::from_str::<Request>(text).is_err(), "{text}");
        }
    }
}
