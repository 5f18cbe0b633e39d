//! The exchange's books under random commands for as long as is asked: a day of the floor with every report
//! held to the rules of a day, and the books beside their naive twin, in turn. Not a measure of speed: an
//! oracle looks at each command, and costs far more than it.

#[cfg(feature = "peers")]
use std::any::Any;
#[cfg(feature = "peers")]
use std::panic::catch_unwind;
#[cfg(feature = "peers")]
use std::time::Instant;

#[cfg(feature = "peers")]
use matching::{floor_script, script};

#[cfg(feature = "peers")]
use super::case::Case;
use super::{Context, Outcome, Subject};
use crate::failure::Failure;

pub(super) const SUBJECT: Subject = Subject {
    name: "matching-soak",
    about: "random commands to the exchange's books, each held to an oracle (--soak-for, --operations, --seed)",
    run,
};

/// Commands of one script: a day, or a stream.
#[cfg(feature = "peers")]
const WORDS: usize = 2_000;

/// The oracles are no part of a production build.
#[cfg(not(feature = "peers"))]
fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    context.stage("no oracle in this build");
    let mut outcome = Outcome::default();
    outcome.notes.push(super::peers_note(SUBJECT.name, "the rules of a day and a naive twin"));
    Ok(outcome)
}

/// What happened.
#[cfg(feature = "peers")]
#[derive(Default)]
struct Counts {
    operations: u64,
    fills: usize,
    crossed: usize,
}

#[cfg(feature = "peers")]
fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    let options = context.options;
    let mut counts = Counts::default();
    let (from, mut seed) = (Instant::now(), options.seed);
    loop {
        let is_over = match options.operations {
            Some(most) => most <= counts.operations,
            None => options.soak_for <= from.elapsed(),
        };
        if is_over {
            break;
        }
        one(seed, &mut counts).map_err(|difference| {
            let again = format!("bench {} --seed {seed} --operations 1", SUBJECT.name);
            Failure::failed(format!("matching-soak: seed {seed} differs: {difference}"))
                .remedy(format!("run it alone: {again}"))
        })?;
        context.stage(format!("{} operations", crate::terminal::thousands(counts.operations)));
        seed = seed.wrapping_add(1);
    }
    let per_second = counts.operations as f64 / from.elapsed().as_secs_f64();
    let mut outcome = Outcome::default();
    let figures = [
        ("operations", counts.operations as f64, ""),
        ("fills", counts.fills as f64, ""),
        ("crosses", counts.crossed as f64, "trades"),
        ("rate", per_second, "1/s"),
    ];
    for (name, value, unit) in figures {
        outcome.cases.push(Case::alone(format!("matching-soak/{name}"), value, unit, None));
    }
    let (first, last) = (options.seed, seed.wrapping_sub(1));
    outcome.notes.push(format!("matching-soak: seeds {first} to {last}, no difference"));
    Ok(outcome)
}

/// A day of the floor where the seed is even, a stream of the books where it is odd. Where something differs,
/// what the oracle says of it.
#[cfg(feature = "peers")]
fn one(seed: u64, counts: &mut Counts) -> Result<(), String> {
    let is_day = seed.is_multiple_of(2);
    let (head, word, room) = match is_day {
        true => (floor_script::HEAD, floor_script::WORD, [47, 239, 11]),
        false => (script::HEAD, script::WORD, [63, 3, 126]),
    };
    let mut bytes = drawn(seed, head + WORDS * word);
    // Plenty of room, but for one script in four.
    if !(seed / 2).is_multiple_of(4) {
        bytes[..room.len()].copy_from_slice(&room);
    }
    let found = catch_unwind(|| {
        if is_day {
            let day = floor_script::run(&bytes);
            (day.fills, day.crossed)
        } else {
            let [shown, hidden, crossed] = script::run(&bytes);
            (shown + hidden, crossed)
        }
    });
    counts.operations += WORDS as u64;
    let (fills, crossed) = found.map_err(|said| said_of(said.as_ref()))?;
    counts.fills += fills;
    counts.crossed += crossed;
    Ok(())
}

/// The words of a panic.
#[cfg(feature = "peers")]
fn said_of(said: &(dyn Any + Send)) -> String {
    let words = said.downcast_ref::<&str>().map(|words| (*words).to_owned());
    words
        .or_else(|| said.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "for no reason given".to_owned())
}

/// So many bytes of a seed's own (xorshift).
#[cfg(feature = "peers")]
fn drawn(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let byte = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(byte).collect()
}

#[cfg(all(test, feature = "peers"))]
mod tests {
    use std::panic::catch_unwind;

    use super::{Counts, WORDS, drawn, one, said_of};

    #[test]
    fn a_seed_draws_the_same_bytes_and_no_other_does() {
        assert_eq!(drawn(3, 64), drawn(3, 64));
        assert_ne!(drawn(3, 64), drawn(4, 64));
    }

    #[test]
    fn a_day_and_a_stream_trade_and_agree() {
        let mut counts = Counts::default();
        for seed in 2..10 {
            assert_eq!(one(seed, &mut counts), Ok(()));
        }
        assert_eq!(counts.operations, 8 * WORDS as u64);
        assert!(0 < counts.fills && 0 < counts.crossed);
    }

    #[test]
    fn a_difference_is_told_in_the_words_of_the_oracle() {
        let said = catch_unwind(|| panic!("crossed at {}", 3)).map_err(|said| said_of(&*said));
        assert_eq!(said, Err::<(), _>("crossed at 3".to_owned()));
        let said = catch_unwind(|| panic!("crossed")).map_err(|said| said_of(&*said));
        assert_eq!(said, Err::<(), _>("crossed".to_owned()));
    }
}
