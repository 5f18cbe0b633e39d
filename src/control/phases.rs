//! `pre-open`, `open`, `halt`, `pre-reopen`, `reopen`, `close`: instruments go through their day; and the end of
//! the day.

use engine::exchange::{Command, Detail, Outcome};
use matching::{Control, Phase};

use super::names::{Exchange, Names};
use super::protocol::{Instruments, Refusal};
use super::task::{Task, phase_word};
use crate::terminal::count;

/// Takes instruments to another phase.
pub(super) fn tasks(
    names: &Names,
    asked: &Instruments,
    control: Control,
) -> Result<Vec<Task>, Refusal> {
    let exchange = names.exchange(asked.exchange.as_deref())?;
    let command = |instrument| Command::Control { instrument, control };
    match (asked.all, asked.symbols.as_slice()) {
        (true, []) => {
            let all = exchange.instruments();
            Ok(all
                .map(|(symbol, shard, id)| Task::new((exchange, shard), symbol, command(id), say))
                .collect())
        }
        (false, []) => Err(Refusal::usage("no instrument is named")
            .remedy("name some, or all of them: SYMBOL..., --all")),
        (true, _) => Err(Refusal::usage("some instruments are named, and all of them")
            .remedy("leave out the names, or --all")),
        (false, symbols) => symbols
            .iter()
            .map(|symbol| {
                let (shard, id) = exchange.instrument(symbol)?;
                Ok(Task::new((exchange, shard), symbol, command(id), say))
            })
            .collect(),
    }
}

/// Ends the day.
pub(super) fn end_of_day(exchange: &Exchange) -> Vec<Task> {
    Task::everywhere(exchange, "day", Command::Close, |_, outcome, _| match outcome {
        Outcome::Done => "ended".to_owned(),
        Outcome::AlreadySo => "has ended already, or is about to end".to_owned(),
        Outcome::Unknown | Outcome::WrongPhase | Outcome::DayNotBegun | Outcome::DayOver => {
            "cannot be ended".to_owned()
        }
    })
}

fn say(command: Command, outcome: Outcome, detail: Detail) -> String {
    let Command::Control { control, .. } = command else { return String::new() };
    let Detail::Instrument { phase, shares, price } = detail else {
        return "is not known to its shard".to_owned();
    };
    let now = phase_word(phase);
    let cross = |text: &str| match price {
        Some(price) => {
            let shares = count(shares, ["share", "shares"]);
            format!("{text}: its cross traded {shares} at {price}")
        }
        None => format!("{text}: its cross traded nothing"),
    };
    match (outcome, control) {
        (Outcome::Done, Control::PreOpen) => {
            "takes orders for its opening cross (pre-open)".to_owned()
        }
        (Outcome::Done, Control::Open) => cross("opened"),
        (Outcome::Done, Control::Halt) => "halted".to_owned(),
        (Outcome::Done, Control::PreReopen) => {
            "takes orders for its re-opening cross (pre-reopen)".to_owned()
        }
        (Outcome::Done, Control::Reopen) => cross("re-opened"),
        (Outcome::Done, Control::Close) if shares == 0 => "closed".to_owned(),
        (Outcome::Done, Control::Close) => cross("closed"),
        (Outcome::AlreadySo, _) => format!("is {now} already"),
        (Outcome::WrongPhase, _) => format!("is {now}{}", hint(control, phase)),
        (Outcome::DayNotBegun, _) => "was not changed: the day has not begun; try again".to_owned(),
        (Outcome::DayOver, _) => "was not changed: the day is over".to_owned(),
        (Outcome::Unknown, _) => "is not known to its shard".to_owned(),
    }
}

/// Why a control does not fit a phase, and what would.
const fn hint(control: Control, phase: Phase) -> &'static str {
    match (control, phase) {
        (Control::Open, Phase::Closed) => ", and opens from pre-open: pre-open it first",
        (Control::Reopen | Control::Open, Phase::Halted) => {
            ", and re-opens from pre-reopen: pre-reopen it first"
        }
        (Control::Open, Phase::PreReopen | Phase::Paused) => ", and has opened before: reopen it",
        (Control::Reopen, Phase::PreOpen) => ", and has not opened yet: open it",
        (Control::Reopen, Phase::Closed) => ": pre-open it, and open it",
        (Control::PreReopen, Phase::Continuous) => ", and pre-reopen follows a halt: halt it first",
        (Control::PreReopen, Phase::Paused) => ", and takes orders already: reopen it",
        (Control::PreReopen, Phase::Closed | Phase::PreOpen) => ", and pre-reopen follows a halt",
        (Control::PreOpen, _) => ", and pre-open follows a close",
        (Control::Halt, _) => ", and there is nothing to halt",
        (Control::Open | Control::Reopen | Control::PreReopen | Control::Close, _) => "",
    }
}
