//! The end of a turn, as a machine hears of it.

use std::sync::mpsc::channel;

use types::Nanos;

use crate::ring::{Consumer, Popped, WhenFull, link};
use crate::run::tests::{DROWSY, core, stop, wait_until};
use crate::{Config, Event, LinkId, Machine, Message, Outbox, Seat, launch};

/// What it says of each input, where it says anything.
const WORD: u64 = 1_000;

/// Says at each turn's end how many inputs the turn had.
#[derive(Default)]
struct Turns {
    /// It says a word of each input too.
    says: bool,
    inputs: u64,
    ends: u64,
}

impl Machine for Turns {
    fn on_event(&mut self, _now: Nanos, _event: Event<'_>, out: &mut Outbox) {
        self.inputs += 1;
        if self.says {
            out.ring(LinkId(0), Message([WORD; 8])).unwrap();
        }
    }

    fn on_turn_end(&mut self, _now: Nanos, out: &mut Outbox) {
        self.ends += 1;
        out.ring(LinkId(0), Message([core::mem::take(&mut self.inputs); 8])).unwrap();
    }

    fn next_deadline(&self) -> Option<Nanos> {
        None
    }

    fn housekeep(&mut self, _now: Nanos, _out: &mut Outbox) {}
}

fn next(from: &mut Consumer) -> u64 {
    let mut popped = None;
    wait_until(
        || {
            popped = from.pop();
            popped.is_some()
        },
        "a word",
    );
    let Some(Popped::Message(message)) = popped else { panic!("{popped:?}") };
    message.0[0]
}

#[test]
fn a_turn_that_had_inputs_ends_once() {
    let mut core = core(DROWSY);
    let (mut producer, inward) = link(16, WhenFull::Stop, Some(core.bell()));
    let (outward, mut said) = link(16, WhenFull::Stop, None);
    let turns = || Ok(Turns::default());
    core.seat(Seat::new(Config::default(), vec![inward], vec![outward], turns, drop));
    // Before anyone takes them: one turn has them all.
    for _ in 0..10 {
        producer.send(Message::default());
    }
    let running = launch(vec![core]).unwrap();
    for inputs in [10, 1, 1] {
        assert_eq!(next(&mut said), inputs);
        producer.send(Message::default());
    }
    stop(running);
}

#[test]
fn a_turn_ends_when_there_is_room_again_and_at_the_stop_at_the_latest() {
    let mut core = core(DROWSY);
    let (mut producer, inward) = link(16, WhenFull::Stop, Some(core.bell()));
    let (outward, mut said) = link(1, WhenFull::Stop, None);
    let (done, machine) = channel();
    let finish = move |machine: Turns| done.send((machine.ends, machine.inputs)).unwrap();
    let turns = || Ok(Turns { says: true, ..Turns::default() });
    core.seat(Seat::new(Config::default(), vec![inward], vec![outward], turns, finish));
    // A word of each, and one finds room at a time.
    for _ in 0..3 {
        producer.send(Message::default());
    }
    let running = launch(vec![core]).unwrap();
    let words: Vec<u64> = (0..4).map(|_| next(&mut said)).collect();
    assert_eq!(words, [WORD, WORD, WORD, 3]);
    // Nobody makes room for what is said of these.
    for _ in 0..3 {
        producer.send(Message::default());
    }
    stop(running);
    assert_eq!(machine.recv(), Ok((2, 0)));
}
