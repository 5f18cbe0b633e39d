//! `bust`: a trade is broken, and both its sides and everybody who follows the feed are told.

use engine::exchange::{Command, Outcome};
use wire::ouch50::BrokenReason;

use super::names::Names;
use super::protocol::{Reason, Refusal};
use super::task::Task;
use crate::launch;

pub(super) fn tasks(
    names: &Names,
    exchange: Option<&str>,
    match_number: u64,
    reason: Reason,
) -> Result<Vec<Task>, Refusal> {
    let exchange = names.exchange(exchange)?;
    let shard = launch::dealer(match_number).and_then(|place| exchange.shards.get(place));
    let Some(shard) = shard else {
        let what = format!("no shard of {} gives trades the number {match_number}", exchange.name);
        return Err(Refusal::usage(what)
            .remedy("it is the match number of the executions, and of the feed's messages"));
    };
    let reason = match reason {
        Reason::Erroneous => BrokenReason::Erroneous,
        Reason::Consent => BrokenReason::Consent,
        Reason::Supervisory => BrokenReason::Supervisory,
        Reason::External => BrokenReason::External,
    };
    let command = Command::Bust { match_no: match_number, reason };
    let subject = format!("trade {match_number}");
    Ok(vec![Task::new((exchange, shard), subject, command, |_, outcome, _| {
        match outcome {
            Outcome::Done => "broken",
            Outcome::AlreadySo => "was broken already",
            Outcome::Unknown => "is not known: there is none, or it is too old to be broken",
            Outcome::DayOver => "was not broken: the day is over",
            Outcome::WrongPhase | Outcome::DayNotBegun => "was not broken",
        }
        .to_owned()
    })])
}
