//! The cold ends of the rings over which shards are asked for something and answer.
//!
//! Rings wake nobody here: whoever waits for an answer looks every millisecond, and only while he waits.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use engine::exchange::{Answer, Command};
use runtime::ring::{Consumer, Popped, Producer, Pushed};
use tokio::time::{Instant, sleep};

use crate::launch::COMMAND_DEPTH;

/// How often an answer is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The rings to and from one shard.
struct Rings {
    commands: Producer,
    answers: Consumer,
    /// Requests that the shard has not answered. Those there is no room for on the way back are not sent.
    unanswered: usize,
}

/// The rings of all shards.
pub(super) struct Desk {
    rings: Vec<Rings>,
    /// Of the next request.
    number: u64,
    /// Requests whose answer somebody waits for.
    awaited: BTreeMap<u64, Option<Answer>>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The shard has answered.
    Answered(Answer),
    /// It was sent, and there is no answer yet.
    Unanswered,
    /// There was no room for it.
    Unsent,
}

impl Desk {
    /// `rings`: of each shard, in the order of the configuration.
    pub(super) fn new(rings: Vec<(Producer, Consumer)>) -> Self {
        let rings = rings.into_iter();
        let rings =
            rings.map(|(commands, answers)| Rings { commands, answers, unanswered: 0 }).collect();
        Self { rings, number: 1, awaited: BTreeMap::new() }
    }

    /// The number of the request; `None` where there is no room.
    fn send(&mut self, at: usize, command: Command) -> Option<u64> {
        let rings = self.rings.get_mut(at).filter(|rings| rings.unanswered < COMMAND_DEPTH)?;
        if rings.commands.send(command.to_message(self.number)) != Pushed::Sent {
            return None;
        }
        rings.unanswered += 1;
        self.number += 1;
        Some(self.number - 1)
    }

    /// Takes what shards have answered.
    fn look(&mut self) {
        for rings in &mut self.rings {
            while let Some(popped) = rings.answers.pop() {
                let answer = match popped {
                    Popped::Message(message) => Answer::from_message(&message),
                    // Never: there is room for all that was asked.
                    Popped::Missed(_) => None,
                };
                rings.unanswered = rings.unanswered.saturating_sub(1);
                let Some(answer) = answer else { continue };
                match self.awaited.get_mut(&answer.number) {
                    Some(awaited) => *awaited = Some(answer),
                    None => tracing::warn!(
                        number = answer.number,
                        outcome = ?answer.outcome,
                        "a shard answered late"
                    ),
                }
            }
        }
    }
}

/// Asks shards for something, each by its place, and waits for their answers: until nothing has happened for as
/// long as `patience`. What became of each, in the order of `asked`.
pub(super) async fn ask(
    desk: &RefCell<Desk>,
    asked: &[(usize, Command)],
    patience: Duration,
) -> Vec<Fate> {
    let mut fates = vec![Fate::Unsent; asked.len()];
    let mut numbers: Vec<Option<u64>> = vec![None; asked.len()];
    let mut first = 0;
    let mut last_news = Instant::now();
    loop {
        {
            let mut desk = desk.borrow_mut();
            desk.look();
            let mut is_news = false;
            let mut full = BTreeSet::new();
            for at in first..asked.len() {
                match (fates[at], numbers[at]) {
                    (Fate::Answered(_), _) => {}
                    (_, Some(number)) => {
                        if let Some(answer) = desk.awaited.get_mut(&number).and_then(Option::take) {
                            desk.awaited.remove(&number);
                            fates[at] = Fate::Answered(answer);
                            is_news = true;
                        }
                    }
                    // Room that is made meanwhile is not for these: what a shard is asked keeps its order.
                    (_, None) if full.contains(&asked[at].0) => {}
                    (_, None) => {
                        let (shard, command) = asked[at];
                        if let Some(number) = desk.send(shard, command) {
                            desk.awaited.insert(number, None);
                            (fates[at], numbers[at]) = (Fate::Unanswered, Some(number));
                            is_news = true;
                        } else {
                            full.insert(shard);
                        }
                    }
                }
            }
            while first < asked.len() && matches!(fates[first], Fate::Answered(_)) {
                first += 1;
            }
            if first == asked.len() {
                return fates;
            }
            if is_news {
                last_news = Instant::now();
            } else if patience <= last_news.elapsed() {
                numbers.iter().flatten().for_each(|number| {
                    desk.awaited.remove(number);
                });
                return fates;
            }
        }
        sleep(LOOK_EVERY).await;
    }
}
