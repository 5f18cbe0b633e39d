//! What a message comes to, whichever venue sent it, and what is wrong with one that comes to nothing.

use core::fmt;

use types::{InstrumentId, MarketEvent};
use wire::Malformed;

/// What one message means to this shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normal {
    /// Something happened to one of our instruments.
    Event(MarketEvent),
    /// The directory named one of our instruments.
    Listed(InstrumentId),
    /// About an instrument of another shard.
    Elsewhere,
    /// Good, and of no use to a book or a strategy.
    Aside,
}

/// A message that could not be used, and what cannot be trusted without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong with it.
    pub why: Why,
    /// What cannot be trusted without it.
    pub harm: Harm,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its bytes are not what the specification allows.
    Malformed(Malformed),
    /// The venue gave the number of one of our instruments to another one.
    LocateMoved,
    /// Orders were named before the instrument was: its book lacks them.
    OrdersMissed,
    /// A displayed order with a price of zero.
    ZeroPrice,
    /// A price outside what prices can hold.
    PriceRange,
    /// The instrument would be ours, and every slot is taken.
    NoRoom,
}

/// What cannot be trusted without a message that could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Nothing of ours.
    Nothing,
    /// One instrument's book.
    Instrument(InstrumentId),
    /// Whose it was cannot be said: every book of the feed.
    Feed,
}

impl From<Malformed> for Why {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Numbers of the faults that are no [`Malformed`], whose own numbers stay below.
const LOCATE_MOVED: u64 = 128;
const ZERO_PRICE: u64 = 129;
const PRICE_RANGE: u64 = 130;
const NO_ROOM: u64 = 131;
const ORDERS_MISSED: u64 = 132;

impl Why {
    /// In one word, to cross a ring.
    pub fn to_bits(self) -> u64 {
        match self {
            Self::Malformed(malformed) => malformed.to_bits(),
            Self::LocateMoved => LOCATE_MOVED,
            Self::ZeroPrice => ZERO_PRICE,
            Self::PriceRange => PRICE_RANGE,
            Self::NoRoom => NO_ROOM,
            Self::OrdersMissed => ORDERS_MISSED,
        }
    }

    /// Back from the word; `None` where it is no fault's.
    pub fn from_bits(bits: u64) -> Option<Self> {
        match bits {
            LOCATE_MOVED => Some(Self::LocateMoved),
            ZERO_PRICE => Some(Self::ZeroPrice),
            PRICE_RANGE => Some(Self::PriceRange),
            NO_ROOM => Some(Self::NoRoom),
            ORDERS_MISSED => Some(Self::OrdersMissed),
            malformed => Malformed::from_bits(malformed).map(Self::Malformed),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::LocateMoved => {
                f.write_str("the venue gave the number of one instrument to another")
            }
            Self::OrdersMissed => {
                f.write_str("orders were named before their instrument was, so its book lacks them")
            }
            Self::ZeroPrice => f.write_str("a displayed order has price zero"),
            Self::PriceRange => f.write_str("a price is out of range"),
            Self::NoRoom => {
                f.write_str("no instrument slot is left: raise capacity.instruments of the shard")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Why;
    use wire::Malformed;

    #[test]
    fn a_fault_survives_the_word() {
        let malformed = Why::Malformed(Malformed::CutBlock { offset: 1_400 });
        for why in [
            malformed,
            Why::LocateMoved,
            Why::ZeroPrice,
            Why::PriceRange,
            Why::NoRoom,
            Why::OrdersMissed,
        ] {
            assert_eq!(Why::from_bits(why.to_bits()), Some(why));
        }
        assert_eq!(Why::from_bits(0), None);
    }
}
