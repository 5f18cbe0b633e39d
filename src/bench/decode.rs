//! Decoding: every field of a stream far larger than any cache, on one core.

use super::case::Case;
#[cfg(feature = "peers")]
use super::case::Goal;
use super::decoders::{Checksum, ours};
use super::rounds::{interleave, ns_per_item, pin};
use super::{Context, Outcome, Subject};
use crate::failure::Failure;
use crate::generate;

pub(super) const SUBJECT: Subject = Subject {
    name: "decode",
    about: "ITCH 5.0, all fields of a 1 GiB stream, one core; beside crates itch5 and itchy, and a plain read",
    run,
};

/// Bytes of the stream: several times the largest cache of today's servers.
const STREAM: usize = 1 << 30;
/// What a message takes on average with its length prefix, to size the day.
const MESSAGE: u64 = 33;

fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    context.stage("generating the stream");
    let stream = stream(STREAM)?;
    pin();
    context.stage("measuring");
    let failed = |what: String| Failure::failed(format!("decode: {what}"));
    let want = ours::decode(&stream).map_err(failed)?;
    let count = want.messages;
    let measure = |decode: Decode, wrong: &mut Option<String>| match decode(&stream) {
        Ok(got) if got == want => got.messages,
        Ok(got) => {
            *wrong = Some(format!("two decoders disagree: {got:?} and {want:?}"));
            count
        }
        Err(error) => {
            *wrong = Some(error);
            count
        }
    };
    let mut outcome = Outcome::default();
    let wrong = std::cell::RefCell::new(None);
    let of = |decode: Decode| {
        let (measure, wrong) = (&measure, &wrong);
        move || ns_per_item(|| measure(decode, &mut wrong.borrow_mut()))
    };
    let read = || {
        ns_per_item(|| {
            std::hint::black_box(sum(&stream));
            count
        })
    };
    let (ours, read) = compare(of, read, &mut outcome);
    if let Some(error) = wrong.into_inner() {
        return Err(failed(error));
    }
    let gb_per_s = |ns: f64| stream.len() as f64 / count as f64 / ns;
    outcome.cases.push(Case {
        reference: Some(gb_per_s(super::case::median(&read))),
        ..Case::alone(
            "decode/GB per s, beside a plain read",
            gb_per_s(super::case::median(&ours)),
            "GB/s",
            None,
        )
    });
    outcome.notes.push(format!(
        "decode: {count} messages, {} MiB, checksum {:016x} from every decoder",
        stream.len() >> 20,
        want.sum
    ));
    Ok(outcome)
}

type Decode = fn(&[u8]) -> Result<Checksum, String>;

/// Ours and the peers in turn; answers the costs of ours and of the plain read.
#[cfg(feature = "peers")]
fn compare<F: FnMut() -> f64>(
    of: impl Fn(Decode) -> F,
    mut read: impl FnMut() -> f64,
    outcome: &mut Outcome,
) -> (Vec<f64>, Vec<f64>) {
    use super::decoders::{itch5, itchy};
    let [ours, first, second, read] = interleave([
        &mut of(ours::decode),
        &mut of(itch5::decode),
        &mut of(itchy::decode),
        &mut read,
    ]);
    outcome
        .cases
        .push(Case::against("decode/itch5", &ours, &first, Goal::AtLeast(1.6)).unit("ns/message"));
    outcome
        .cases
        .push(Case::against("decode/itchy", &ours, &second, Goal::AtLeast(3.7)).unit("ns/message"));
    (ours, read)
}

#[cfg(not(feature = "peers"))]
fn compare<F: FnMut() -> f64>(
    of: impl Fn(Decode) -> F,
    mut read: impl FnMut() -> f64,
    outcome: &mut Outcome,
) -> (Vec<f64>, Vec<f64>) {
    let [ours, read] = interleave([&mut of(ours::decode), &mut read]);
    outcome.cases.push(Case::alone("decode", super::case::median(&ours), "ns/message", None));
    outcome.notes.push(super::peers_note("decode", "crates itch5 and itchy"));
    (ours, read)
}

/// A generated day as BinaryFILE, at least `bytes` long, of the messages that every decoder knows.
///
/// Crate `itchy` panics on `h` and `O` and refuses the pause direction of `I`: a handful of a million.
fn stream(bytes: usize) -> Result<Vec<u8>, Failure> {
    let mut day = generate::Day::new(generate::Options {
        seed: 7,
        symbols: 2_000,
        messages: bytes as u64 / MESSAGE,
        ..generate::Options::default()
    })?;
    let mut stream = Vec::with_capacity(bytes + bytes / 8);
    while let Some((_, message)) = day.next() {
        let known = match message {
            [b'h' | b'O', ..] => false,
            [b'I', rest @ ..] => rest.get(26) != Some(&b'P'),
            _ => true,
        };
        // A message of the day is at most 50 bytes.
        if let (true, Ok(len)) = (known, u16::try_from(message.len())) {
            stream.extend_from_slice(&len.to_be_bytes());
            stream.extend_from_slice(message);
        }
    }
    Ok(stream)
}

/// A plain read: eight sums over whole words.
fn sum(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    let (lines, _) = words.as_chunks::<8>();
    let mut sums = [0u64; 8];
    for line in lines {
        for (sum, word) in sums.iter_mut().zip(line) {
            *sum = sum.wrapping_add(u64::from_le_bytes(*word));
        }
    }
    sums.iter().fold(0, |sum, part| sum.wrapping_add(*part))
}

#[cfg(test)]
mod tests {
    use super::super::decoders::ours;
    use super::stream;

    #[test]
    fn every_decoder_reads_the_same() {
        let stream = stream(1 << 20).expect("a small day");
        let want = ours::decode(&stream).expect("our own day");
        assert!(20_000 < want.messages, "{want:?}");
        #[cfg(feature = "peers")]
        {
            use super::super::decoders::{itch5, itchy};
            assert_eq!(itch5::decode(&stream), Ok(want));
            assert_eq!(itchy::decode(&stream), Ok(want));
        }
        let cut = ours::decode(&stream[..stream.len() - 1]).expect_err("cut short");
        assert!(cut.contains("offset"), "{cut}");
    }
}
