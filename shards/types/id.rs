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

    /// Without the padding; what is not ASCII reads as empty.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.0.trim_ascii_end()).unwrap_or_default()
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
    }
}
