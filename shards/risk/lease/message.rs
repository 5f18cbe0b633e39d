//! What a home and its branches say to each other.

use crate::Notional;

/// A line of credit: dense from 0, and the same on every shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct LineId(u32);

/// A shard that holds a branch of each line: dense from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct BranchId(u16);

impl LineId {
    /// From the raw number.
    pub const fn new(raw: u32) -> Self {
        Self(raw)
    }

    /// The raw number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// As an index into per-line tables.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl BranchId {
    /// From the raw number.
    pub const fn new(raw: u16) -> Self {
        Self(raw)
    }

    /// As an index into per-branch tables.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Why a message had no effect. The number goes to the journal: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Refused {
    /// No such line or branch.
    Unknown = 1,
    /// Of another life of the branch than the one that is up.
    Epoch = 2,
    /// Heard before.
    Repeated = 3,
    /// One before it is missing. All that follows is refused until the branch starts again.
    Missing = 4,
    /// More is returned than was granted.
    Overstated = 5,
}

/// Why words are no message. The number goes to the journal: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Malformed {
    /// No such kind, or one of the other direction.
    Kind = 1,
    /// A greeting or a receipt with an amount.
    Amount = 2,
}

/// What a branch says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Up {
    /// It is up under a new epoch, and holds nothing.
    Hello,
    /// It wants so much more, ahead of need. It stands in place of what it wanted before.
    Ask(Notional),
    /// It gives so much back. The next one waits for the receipt of this.
    Return(Notional),
    /// So much was spent under earlier epochs, and no more.
    Reconciled(Notional),
    /// The answer to a recall: it gives so much back, nothing where it holds nothing that it was asked for.
    Yield(Notional),
    /// It wants so much more and could not spend for want of it. It stands in place of what it wanted
    /// before.
    Need(Notional),
}

/// What the home says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Down {
    /// So much more is the branch's to spend: what came free after its ask was answered.
    Grant(Notional),
    /// Another branch could not spend for want of so much: yield what you hold of it now.
    Recall(Notional),
    /// The line owes so much: return what you hold of it now and what is released of it later. It
    /// stands in place of what was owed before.
    Owe(Notional),
    /// The one answer to what it asked: so much more is the branch's to spend, nothing where nothing is
    /// left.
    Answer(Notional),
    /// Another branch wants so much ahead of need: yield what you hold of it now above your low mark.
    Spare(Notional),
    /// The receipt of what it returned: it may return more.
    Taken,
}

/// From the branch of one line to its home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToHome {
    /// The line.
    pub line: LineId,
    /// Which life of the branch.
    pub epoch: u64,
    /// The message's number in that life, from 1.
    pub number: u64,
    /// What it says.
    pub says: Up,
}

/// From a line's home to one of its branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToBranch {
    /// The line.
    pub line: LineId,
    /// Which life of the branch.
    pub epoch: u64,
    /// The message's number in that life, from 1.
    pub number: u64,
    /// What it says.
    pub says: Down,
}

/// 64-bit words that a message takes: kind and line, epoch, number, low and high half of the amount.
pub const WORDS: usize = 5;

// A ring's message has eight words; whoever carries it has the others.
const _: () = assert!(WORDS <= 8);

const HELLO: u64 = 1;
const ASK: u64 = 2;
const RETURN: u64 = 3;
const RECONCILED: u64 = 4;
const GRANT: u64 = 5;
const RECALL: u64 = 6;
const OWE: u64 = 7;
const YIELD: u64 = 8;
const NEED: u64 = 9;
const ANSWER: u64 = 10;
const SPARE: u64 = 11;
const TAKEN: u64 = 12;

impl ToHome {
    /// As it goes on a ring.
    pub fn to_words(self) -> [u64; WORDS] {
        let (kind, amount) = match self.says {
            Up::Hello => (HELLO, Notional::ZERO),
            Up::Ask(amount) => (ASK, amount),
            Up::Return(amount) => (RETURN, amount),
            Up::Reconciled(amount) => (RECONCILED, amount),
            Up::Yield(amount) => (YIELD, amount),
            Up::Need(amount) => (NEED, amount),
        };
        words(kind, self.line, self.epoch, self.number, amount)
    }

    /// As it comes from a ring.
    pub fn from_words(words: [u64; WORDS]) -> Result<Self, Malformed> {
        let (kind, line, amount) = parts(words);
        let says = match kind {
            HELLO if amount != Notional::ZERO => return Err(Malformed::Amount),
            HELLO => Up::Hello,
            ASK => Up::Ask(amount),
            RETURN => Up::Return(amount),
            RECONCILED => Up::Reconciled(amount),
            YIELD => Up::Yield(amount),
            NEED => Up::Need(amount),
            _ => return Err(Malformed::Kind),
        };
        Ok(Self { line, epoch: words[1], number: words[2], says })
    }
}

impl ToBranch {
    /// As it goes on a ring.
    pub fn to_words(self) -> [u64; WORDS] {
        let (kind, amount) = match self.says {
            Down::Grant(amount) => (GRANT, amount),
            Down::Recall(amount) => (RECALL, amount),
            Down::Owe(amount) => (OWE, amount),
            Down::Answer(amount) => (ANSWER, amount),
            Down::Spare(amount) => (SPARE, amount),
            Down::Taken => (TAKEN, Notional::ZERO),
        };
        words(kind, self.line, self.epoch, self.number, amount)
    }

    /// As it comes from a ring.
    pub fn from_words(words: [u64; WORDS]) -> Result<Self, Malformed> {
        let (kind, line, amount) = parts(words);
        let says = match kind {
            GRANT => Down::Grant(amount),
            RECALL => Down::Recall(amount),
            OWE => Down::Owe(amount),
            ANSWER => Down::Answer(amount),
            SPARE => Down::Spare(amount),
            TAKEN if amount != Notional::ZERO => return Err(Malformed::Amount),
            TAKEN => Down::Taken,
            _ => return Err(Malformed::Kind),
        };
        Ok(Self { line, epoch: words[1], number: words[2], says })
    }
}

/// The first life of every branch, which is the same for its home without a word.
pub(super) const FIRST_EPOCH: u64 = 1;

/// The halves of a word.
const HALF: u32 = 32;

fn words(kind: u64, line: LineId, epoch: u64, number: u64, amount: Notional) -> [u64; WORDS] {
    let raw = amount.raw();
    #[expect(clippy::cast_possible_truncation, reason = "the low half and the high half")]
    let (low, high) = (raw as u64, (raw >> 64) as u64);
    [(u64::from(line.0) << HALF) | kind, epoch, number, low, high]
}

/// Kind, line, amount.
fn parts(words: [u64; WORDS]) -> (u64, LineId, Notional) {
    let [first, _, _, low, high] = words;
    let line = LineId((first >> HALF) as u32);
    let kind = first & u64::from(u32::MAX);
    (kind, line, Notional::from_raw((u128::from(high) << 64) | u128::from(low)))
}

/// Takes the next message of a direction: the one after `heard`, in this life.
pub(super) fn hear(
    heard: &mut u64,
    epoch: u64,
    (of_epoch, number): (u64, u64),
) -> Result<(), Refused> {
    if epoch != of_epoch {
        return Err(Refused::Epoch);
    }
    if number <= *heard {
        return Err(Refused::Repeated);
    }
    if number - *heard != 1 {
        return Err(Refused::Missing);
    }
    *heard = number;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Down, LineId, Malformed, ToBranch, ToHome, Up};
    use crate::Notional;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_message_is_refused() {
        let cases = [
            // kind and amount   to home                to branch
            ((0, 0), Some(Malformed::Kind), Some(Malformed::Kind)),
            ((1, 1), Some(Malformed::Amount), Some(Malformed::Kind)),
            ((1, 0), None, Some(Malformed::Kind)),
            ((4, 1), None, Some(Malformed::Kind)),
            ((5, 1), Some(Malformed::Kind), None),
            ((8, 1), None, Some(Malformed::Kind)),
            ((11, 1), Some(Malformed::Kind), None),
            ((12, 0), Some(Malformed::Kind), None),
            ((12, 1), Some(Malformed::Kind), Some(Malformed::Amount)),
            ((13, 0), Some(Malformed::Kind), Some(Malformed::Kind)),
            ((u64::from(u32::MAX), 0), Some(Malformed::Kind), Some(Malformed::Kind)),
        ];
        for ((kind, amount), to_home, to_branch) in cases {
            let words = [kind, 1, 1, 0, amount];
            assert_eq!(ToHome::from_words(words).err(), to_home, "{kind}");
            assert_eq!(ToBranch::from_words(words).err(), to_branch, "{kind}");
        }
    }

    proptest! {
        #[test]
        fn a_message_survives_the_ring(line: u32, epoch: u64, number: u64, raw: u128, kind in 0..12) {
            let (line, amount) = (LineId::new(line), Notional::from_raw(raw));
            let up = [
                Up::Hello,
                Up::Ask(amount),
                Up::Return(amount),
                Up::Reconciled(amount),
                Up::Yield(amount),
                Up::Need(amount),
            ];
            let down = [
                Down::Grant(amount),
                Down::Recall(amount),
                Down::Owe(amount),
                Down::Answer(amount),
                Down::Spare(amount),
                Down::Taken,
            ];
            if let Some(&says) = usize::try_from(kind).ok().and_then(|kind| up.get(kind)) {
                let sent = ToHome { line, epoch, number, says };
                prop_assert_eq!(ToHome::from_words(sent.to_words()), Ok(sent));
            } else {
                let says = down[usize::try_from(kind - 6).unwrap_or_default()];
                let sent = ToBranch { line, epoch, number, says };
                prop_assert_eq!(ToBranch::from_words(sent.to_words()), Ok(sent));
            }
        }
    }
}
