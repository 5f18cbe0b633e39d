//! Identifiers, each its own type, so that one cannot stand where another is meant.

use core::fmt;

/// Which side of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Side {
    /// Bids.
    Buy = 0,
    /// Offers.
    Sell = 1,
}

impl Side {
    /// Both, bids first.
    pub const BOTH: [Self; 2] = [Self::Buy, Self::Sell];

    /// The side it trades against.
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// The letter that venues and traders write.
    pub const fn letter(self) -> char {
        match self {
            Self::Buy => 'B',
            Self::Sell => 'S',
        }
    }
}

/// An instrument's ticker, eight bytes, padded on the right with spaces as venues send it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Symbol([u8; 8]);

impl Symbol {
    /// As a venue sent it.
    pub const fn from_wire(padded: [u8; 8]) -> Self {
        Self(padded)
    }

    /// As a venue expects it.
    pub const fn to_wire(self) -> [u8; 8] {
        self.0
    }

    /// From text; `None` unless it is 1 to 8 printable ASCII characters without a space.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.is_empty() || 8 < bytes.len() || !bytes.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let mut padded = [b' '; 8];
        padded[..bytes.len()].copy_from_slice(bytes);
        Some(Self(padded))
    }

    /// The ticker as one number, equal where the tickers are equal.
    pub const fn number(self) -> u64 {
        u64::from_be_bytes(self.0)
    }

    /// Which of `shards` takes this instrument where no list names it. The same on every host and
    /// in every version: what is partitioned by it today must be found by it tomorrow.
    ///
    /// The mix is the finalizer of SplitMix64, whose output bits each depend on every input bit;
    /// tickers themselves differ in few.
    pub const fn partition(self, shards: u16) -> u16 {
        let mut mixed = self.number();
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        ((mixed as u128 * shards as u128) >> 64) as u16
    }

    /// Without the padding. A ticker with anything in it that is not printable ASCII reads as
    /// empty: a venue's bytes reach terminals and logs.
    pub fn as_str(&self) -> &str {
        let text = self.0.trim_ascii_end();
        if !text.iter().all(u8::is_ascii_graphic) {
            return "";
        }
        core::str::from_utf8(text).unwrap_or_default()
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Symbol({})", self.as_str())
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($raw:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name($raw);

        impl $name {
            /// From the raw number.
            pub const fn new(raw: $raw) -> Self {
                Self(raw)
            }

            /// The raw number.
            pub const fn get(self) -> $raw {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number! {
    /// An instrument's slot on the shard that owns it: dense from 0, so books are found by index.
    /// It means nothing on another shard; between shards and hosts an instrument is its [`Symbol`].
    InstrumentId(u32)
}
number! {
    /// A venue's place in the configuration.
    VenueId(u8)
}
number! {
    /// An account's place in the configuration: dense from 0, and the same on every shard.
    AccountId(u32)
}
number! {
    /// A firm's place in the configuration: dense from 0, and the same on every shard.
    FirmId(u16)
}
number! {
    /// An order-entry port's place in the configuration: dense from 0.
    PortId(u16)
}
number! {
    /// A message's number in its stream, from 1.
    SeqNo(u64)
}
number! {
    /// A venue's day-unique number of a displayed order.
    OrderRef(u64)
}
number! {
    /// A venue's day-unique number of an execution.
    MatchNo(u64)
}

impl InstrumentId {
    /// As an index into per-instrument tables.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl AccountId {
    /// As an index into per-account tables.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl FirmId {
    /// As an index into per-firm tables.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl PortId {
    /// As an index into per-port tables.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl SeqNo {
    /// The number `count` messages later, held at the end of the range.
    pub const fn after(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::Symbol;
    use std::format;

    #[test]
    fn a_symbol_is_one_to_eight_graphic_characters() {
        let cases = [
            ("AAPL", Some(*b"AAPL    ")),
            ("BRK.A", Some(*b"BRK.A   ")),
            ("ABCDEFGH", Some(*b"ABCDEFGH")),
            ("", None),
            ("ABCDEFGHI", None),
            ("A B", None),
            ("Ä", None),
        ];
        for (text, want) in cases {
            assert_eq!(Symbol::parse(text).map(Symbol::to_wire), want, "{text}");
        }
        assert_eq!(format!("{}", Symbol::from_wire(*b"AAPL    ")), "AAPL");
        assert_eq!(Symbol::from_wire([0xFF; 8]).as_str(), "");
        assert_eq!(Symbol::from_wire(*b"\x1b[2Jx   ").as_str(), "", "no escape to a terminal");
    }

    /// Pinned: a new version that moved an instrument would leave its journal behind.
    #[test]
    fn the_partition_of_an_instrument_never_changes() {
        let shard = |text| Symbol::parse(text).map(|symbol| symbol.partition(8));
        let got = ["AAPL", "MSFT", "SPY", "BRK.A", "QQQ", "ZVZZT"].map(shard);
        assert_eq!(got, [1, 7, 3, 7, 1, 2].map(Some));
        assert_eq!(Symbol::from_wire(*b"AAPL    ").partition(1), 0);
    }

    #[test]
    fn the_partition_is_even() {
        let mut counts = [0_u32; 4];
        for a in b'A'..=b'Z' {
            for b in b'A'..=b'Z' {
                for c in b'A'..=b'Z' {
                    let symbol = Symbol::from_wire([a, b, c, b' ', b' ', b' ', b' ', b' ']);
                    counts[usize::from(symbol.partition(4))] += 1;
                }
            }
        }
        let mean = 26 * 26 * 26 / 4;
        assert!(counts.iter().all(|&count| count.abs_diff(mean) < mean / 20), "{counts:?}");
    }
}
