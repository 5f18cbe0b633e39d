//! What a request asks of each shard, and the line that says what became of it.

use std::cell::RefCell;
use std::time::Duration;

use engine::exchange::{Answer, Command, Detail, Outcome as Told};
use matching::Phase;

use super::desk::{Desk, Fate, ask};
use super::names::{Exchange, Shard};
use super::protocol::{Line, Outcome};
use crate::launch::COMMAND_DEPTH;

/// How the outcome of a task reads after its subject.
pub(super) type Say = fn(Command, Told, Detail) -> String;

/// One thing that is asked of one shard.
pub(super) struct Task {
    desk: usize,
    exchange: String,
    shard: String,
    subject: String,
    command: Command,
    say: Say,
}

impl Task {
    pub(super) fn new(
        (exchange, shard): (&Exchange, &Shard),
        subject: impl Into<String>,
        command: Command,
        say: Say,
    ) -> Self {
        Self {
            desk: shard.desk,
            exchange: exchange.name.clone(),
            shard: shard.name.clone(),
            subject: subject.into(),
            command,
            say,
        }
    }

    /// The same of every shard of an exchange.
    pub(super) fn everywhere(
        exchange: &Exchange,
        subject: &str,
        command: Command,
        say: Say,
    ) -> Vec<Self> {
        let shards = exchange.shards.iter();
        shards.map(|shard| Self::new((exchange, shard), subject, command, say)).collect()
    }

    fn line(self, fate: Fate, patience: Duration) -> Line {
        let seconds = patience.as_secs();
        let (outcome, text, detail) = match fate {
            Fate::Answered(Answer { outcome, detail, .. }) => {
                (told(outcome), (self.say)(self.command, outcome, detail), detail)
            }
            Fate::Unanswered => {
                let text = format!(
                    "was asked for, and there is no answer in {seconds} s: it may happen still"
                );
                (Outcome::NoAnswer, text, Detail::None)
            }
            Fate::Unsent => {
                let text = format!(
                    "was not asked for: the shard has {COMMAND_DEPTH} requests unanswered; try again"
                );
                (Outcome::Full, text, Detail::None)
            }
        };
        let (phase, crossed, cancelled) = match detail {
            Detail::None | Detail::Page(_) => (None, None, None),
            Detail::Instrument { phase, shares, .. } => {
                (Some(phase_word(phase).to_owned()), (0 < shares).then_some(shares), None)
            }
            Detail::Orders { cancelled, .. } => (None, None, Some(cancelled)),
        };
        Line {
            exchange: self.exchange,
            shard: self.shard,
            subject: self.subject,
            outcome,
            text,
            phase,
            crossed,
            cancelled,
        }
    }
}

/// Has every task done, waiting as long as `patience` for the shards to say something.
pub(super) async fn carry_out(
    desk: &RefCell<Desk>,
    tasks: Vec<Task>,
    patience: Duration,
) -> Vec<Line> {
    let asked: Vec<_> = tasks.iter().map(|task| (task.desk, task.command)).collect();
    let fates = ask(desk, &asked, patience).await;
    tasks.into_iter().zip(fates).map(|(task, fate)| task.line(fate, patience)).collect()
}

const fn told(outcome: Told) -> Outcome {
    match outcome {
        Told::Done => Outcome::Done,
        Told::AlreadySo => Outcome::Already,
        Told::Unknown => Outcome::Unknown,
        Told::WrongPhase => Outcome::WrongPhase,
        Told::DayNotBegun => Outcome::DayNotBegun,
        Told::DayOver => Outcome::DayOver,
    }
}

/// Where an instrument stands in its day.
pub(super) const fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Closed => "closed",
        Phase::PreOpen => "pre-open",
        Phase::Continuous => "continuous",
        Phase::Halted => "halted",
        Phase::PreReopen => "pre-reopen",
        Phase::Paused => "paused",
    }
}
