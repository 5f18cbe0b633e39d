//! `kill` and `revive`: whose orders are cancelled, and not taken any more.

use engine::exchange::{Command, Detail, Outcome};
use risk::port::Whose as Switch;

use super::names::{Exchange, Names};
use super::protocol::{Members, Refusal, Whose};
use super::task::Task;
use crate::terminal::count;

pub(super) fn kill(names: &Names, asked: &Members) -> Result<Vec<Task>, Refusal> {
    let exchange = names.exchange(asked.exchange.as_deref())?;
    let (subject, whose) = switch(exchange, &asked.whose)?;
    Ok(Task::everywhere(exchange, &subject, Command::Kill { whose }, say_killed))
}

pub(super) fn revive(names: &Names, asked: &Members) -> Result<Vec<Task>, Refusal> {
    let exchange = names.exchange(asked.exchange.as_deref())?;
    let (subject, whose) = switch(exchange, &asked.whose)?;
    Ok(Task::everywhere(exchange, &subject, Command::Revive { whose }, say_revived))
}

/// What lines call it, and its switch.
fn switch(exchange: &Exchange, whose: &Whose) -> Result<(String, Switch), Refusal> {
    Ok(match whose {
        Whose::Venue => ("venue".to_owned(), Switch::Venue),
        Whose::Firm(name) => (format!("firm {name}"), Switch::Firm(exchange.firm(name)?)),
        Whose::Port(user) => {
            let id = exchange.port(user)?;
            (format!("port {}", exchange.ports[id.index()]), Switch::Port(id))
        }
    })
}

fn say_killed(_: Command, outcome: Outcome, detail: Detail) -> String {
    let orders = match detail {
        Detail::Orders { cancelled, goes_on } => {
            let count = count(cancelled.into(), ["order", "orders"]);
            let rest = if goes_on { ", and the rest follows" } else { "" };
            format!("{count} cancelled{rest}")
        }
        Detail::None | Detail::Instrument { .. } | Detail::Page(_) => "no orders".to_owned(),
    };
    match outcome {
        Outcome::Done => format!("killed, {orders}"),
        Outcome::AlreadySo => format!("was killed already, {orders}"),
        Outcome::Unknown | Outcome::WrongPhase | Outcome::DayNotBegun | Outcome::DayOver => {
            unknown()
        }
    }
}

fn say_revived(_: Command, outcome: Outcome, _: Detail) -> String {
    match outcome {
        Outcome::Done => "revived: its orders are taken again".to_owned(),
        Outcome::AlreadySo => "is not killed".to_owned(),
        Outcome::Unknown | Outcome::WrongPhase | Outcome::DayNotBegun | Outcome::DayOver => {
            unknown()
        }
    }
}

/// The names were looked up: a shard has every firm and every port of its exchange.
fn unknown() -> String {
    "is not known to the shard".to_owned()
}
