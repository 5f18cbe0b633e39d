//! What became of a request, as it crosses a ring back to the one who runs an exchange.

use matching::Phase;
use runtime::Message;
use types::Px;

use super::command::{LISTS, List};

/// What became of a request. The number crosses the ring: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// It is done.
    Done = 1,
    /// Nothing changed: it was so before.
    AlreadySo = 2,
    /// No instrument, firm, port or trade of this number is here.
    Unknown = 3,
    /// The phase of the instrument does not allow it.
    WrongPhase = 4,
    /// The shard has not told its instruments yet, so nothing can happen to one.
    DayNotBegun = 5,
    /// The day of the shard is over, or about to be.
    DayOver = 6,
}

/// By their numbers, from 1.
const OUTCOMES: [Outcome; 6] = [
    Outcome::Done,
    Outcome::AlreadySo,
    Outcome::Unknown,
    Outcome::WrongPhase,
    Outcome::DayNotBegun,
    Outcome::DayOver,
];

/// By their numbers.
const PHASES: [Phase; 6] = [
    Phase::Closed,
    Phase::PreOpen,
    Phase::Continuous,
    Phase::Halted,
    Phase::PreReopen,
    Phase::Paused,
];

/// What else there is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    None,
    /// Of an instrument, once the request was carried out or refused.
    Instrument {
        /// Where it stands in its day.
        phase: Phase,
        /// Shares that the request's cross traded, of one side; not what traded once it was over.
        shares: u64,
        /// The price of that cross, where anything traded.
        price: Option<Px>,
    },
    /// Of a kill.
    Orders {
        /// Orders that are cancelled.
        cancelled: u32,
        /// There are more of them, which are cancelled in the shard's next turns.
        goes_on: bool,
    },
    /// Of a look.
    Page(Page),
}

/// Some of the states of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Which list.
    pub list: List,
    /// The first that the page has.
    pub from: u32,
    len: u8,
    states: [u8; Self::LEN_MAX],
}

impl Page {
    /// States on one page.
    pub const LEN_MAX: usize = 40;

    /// As many of `states` as there is room for.
    pub(super) fn new(list: List, from: u32, states: impl Iterator<Item = u8>) -> Self {
        let mut page = Self { list, from, len: 0, states: [0; Self::LEN_MAX] };
        for (place, state) in page.states.iter_mut().zip(states) {
            *place = state;
            page.len += 1;
        }
        page
    }

    /// How many states it has: fewer than [`Page::LEN_MAX`] where the list ends.
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether the list has none from there on.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether each kill switch is on.
    pub fn switches(&self) -> impl Iterator<Item = bool> {
        self.states[..self.len()].iter().map(|state| *state != 0)
    }

    /// Each instrument's phase.
    pub fn phases(&self) -> impl Iterator<Item = Phase> {
        let known = |state: &u8| PHASES.get(usize::from(*state)).copied().unwrap_or_default();
        self.states[..self.len()].iter().map(known)
    }
}

/// The answer to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The request's.
    pub number: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// What else there is to say.
    pub detail: Detail,
}

/// No price: a raw price is below it.
const NO_PRICE: u64 = u64::MAX;

impl Answer {
    /// As it crosses a ring.
    pub fn to_message(self) -> Message {
        let mut words = [0; 8];
        words[0] = self.number;
        let kind: u64 = match self.detail {
            Detail::None => 0,
            Detail::Instrument { phase, shares, price } => {
                words[2] = phase as u64;
                words[3] = shares;
                words[4] = price.map_or(NO_PRICE, |price| price.raw().cast_unsigned());
                1
            }
            Detail::Orders { cancelled, goes_on } => {
                words[2] = u64::from(cancelled);
                words[3] = u64::from(goes_on);
                2
            }
            Detail::Page(page) => {
                let list = LISTS.iter().position(|known| *known == page.list);
                let list = list.unwrap_or(LISTS.len()) as u64;
                words[2] = u64::from(page.from) | u64::from(page.len) << 32 | list << 40;
                for (word, states) in words[3..].iter_mut().zip(page.states.as_chunks().0) {
                    *word = u64::from_le_bytes(*states);
                }
                3
            }
        };
        words[1] = u64::from(self.outcome as u8) | kind << 8;
        Message(words)
    }

    /// Back from a ring; `None` where the message is something else.
    pub fn from_message(message: &Message) -> Option<Self> {
        let [number, head, one, two, three, ..] = message.0;
        let [outcome, kind, rest @ ..] = head.to_le_bytes();
        if rest != [0; 6] {
            return None;
        }
        let outcome = *OUTCOMES.get(usize::from(outcome).checked_sub(1)?)?;
        let detail = match kind {
            0 => Detail::None,
            1 => Detail::Instrument {
                phase: *PHASES.get(usize::try_from(one).ok()?)?,
                shares: two,
                price: (three != NO_PRICE).then(|| Px::from_raw(three.cast_signed())),
            },
            2 => Detail::Orders { cancelled: u32::try_from(one).ok()?, goes_on: two != 0 },
            3 => Detail::Page(page(one, &message.0[3..])?),
            _ => return None,
        };
        Some(Self { number, outcome, detail })
    }
}

fn page(head: u64, words: &[u64]) -> Option<Page> {
    let [a, b, c, d, len, list, 0, 0] = head.to_le_bytes() else { return None };
    let from = u32::from_le_bytes([a, b, c, d]);
    let list = *LISTS.get(usize::from(list))?;
    if Page::LEN_MAX < usize::from(len) {
        return None;
    }
    let mut states = [0; Page::LEN_MAX];
    for (place, word) in states.as_chunks_mut().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    Some(Page { list, from, len, states })
}

const _: () = {
    // A page fills what a message has left behind its head.
    assert!(3 * 8 + Page::LEN_MAX == size_of::<Message>());
    // A number is a place in the table.
    assert!(OUTCOMES[OUTCOMES.len() - 1] as usize == OUTCOMES.len());
    assert!(PHASES[PHASES.len() - 1] as usize == PHASES.len() - 1);
};

#[cfg(test)]
mod tests {
    use super::{Answer, Detail, LISTS, OUTCOMES, PHASES, Page};
    use matching::Phase;
    use proptest::prelude::*;
    use runtime::Message;
    use types::Px;

    #[test]
    fn survives_the_ring() {
        let instrument = |phase| Detail::Instrument {
            phase,
            shares: u64::MAX,
            price: Some(Px::from_raw(1_850_000_000)),
        };
        let states = |count: u8| (0..count).map(|state| state % 6);
        let page = |list| Detail::Page(Page::new(list, 70_000, states(41)));
        let details = PHASES.map(instrument).into_iter().chain(LISTS.map(page)).chain([
            Detail::None,
            Detail::Instrument { phase: Phase::Closed, shares: 0, price: None },
            Detail::Orders { cancelled: u32::MAX, goes_on: true },
            Detail::Page(Page::new(LISTS[0], 0, states(0))),
        ]);
        for (number, detail) in (u64::MAX - 20..).zip(details) {
            for outcome in OUTCOMES {
                let answer = Answer { number, outcome, detail };
                assert_eq!(Answer::from_message(&answer.to_message()), Some(answer));
            }
        }
    }

    #[test]
    fn a_page_has_what_there_is_room_for() {
        let page = Page::new(LISTS[0], 0, [3, 2].into_iter());
        assert_eq!(page.phases().collect::<Vec<_>>(), [Phase::Halted, Phase::Continuous]);
        let page = Page::new(LISTS[1], 0, [1, 0].into_iter().cycle());
        assert_eq!((page.len(), page.switches().filter(|is_on| *is_on).count()), (40, 20));
    }

    proptest! {
        /// What is no answer is none, and what is one says the same again.
        #[test]
        fn any_message_is_an_answer_or_none(head in any::<[u8; 2]>(), words in any::<[u64; 7]>()) {
            let [a, .., b, c, d, e, f] = words;
            let message = Message([a, u64::from(u16::from_le_bytes(head)), b, c, d, e, f, words[1]]);
            if let Some(answer) = Answer::from_message(&message) {
                let again = Answer::from_message(&answer.to_message());
                prop_assert_eq!(again, Some(answer));
            }
        }
    }
}
