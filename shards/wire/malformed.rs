//! What is wrong with bytes from outside, in a form that can be counted, logged and compared.
//!
//! Shared by every protocol of this crate. Knows no protocol: a fault says what was wanted and what
//! was there, the caller knows from where it came.

use core::fmt;

/// Why bytes were refused. The number goes to logs and counters: append, never renumber.
///
/// Offsets are from the start of the bytes given to `parse`; lengths that do not fit are held at 65,535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Malformed {
    /// No bytes where at least a type was due.
    Empty = 1,
    /// The first byte names no message of this protocol.
    UnknownType {
        /// The byte.
        kind: u8,
    } = 2,
    /// A message of a known type has another length than its type has.
    WrongLength {
        /// Its type.
        kind: u8,
        /// The length of that type, in bytes.
        want: u16,
        /// The length it had.
        len: u16,
    } = 3,
    /// A one-byte field holds a value that the specification does not list.
    UnknownCode {
        /// Which field.
        field: Field,
        /// The byte.
        code: u8,
    } = 4,
    /// Shorter than the protocol's header.
    ShortHeader {
        /// The header's length, in bytes.
        want: u16,
        /// What was there.
        len: u16,
    } = 5,
    /// A block runs past the end.
    CutBlock {
        /// Where its length prefix starts.
        offset: u16,
    } = 6,
    /// Bytes after the last block that the header counts.
    TrailingBytes {
        /// Where they start.
        offset: u16,
    } = 7,
    /// A text field that should hold a decimal number does not.
    NotANumber {
        /// Where the field starts.
        offset: u16,
    } = 8,
    /// A packet that says it is empty where every packet has at least a type.
    ZeroLength {
        /// Where its length prefix starts.
        offset: u16,
    } = 9,
    /// The header names a version of the protocol that we do not speak.
    UnknownVersion {
        /// The version.
        version: u8,
    } = 10,
    /// The sequence numbers of the messages run past the largest number.
    SequenceOverflow {
        /// Where the sequence number stands.
        offset: u16,
    } = 11,
    /// The header's payload length is not what follows the header.
    WrongPayload {
        /// What the header says, in bytes.
        want: u16,
        /// What follows it.
        len: u16,
    } = 12,
    /// A message's appendage length is not what follows it.
    WrongAppendage {
        /// What the message says, in bytes.
        want: u16,
        /// What follows it.
        len: u16,
    } = 13,
    /// An option runs past the end of its appendage.
    CutOption {
        /// Where its length stands, from the start of the appendage's options.
        offset: u16,
    } = 14,
    /// An option has length zero, so it has no tag.
    UntaggedOption {
        /// Where its length stands, from the start of the appendage's options.
        offset: u16,
    } = 15,
    /// The tag of an option is not one the specification lists.
    UnknownOption {
        /// The tag.
        tag: u8,
    } = 16,
    /// The value of an option has another width than its tag has.
    WrongOption {
        /// Its tag.
        tag: u8,
        /// The width of that tag's values, in bytes.
        want: u16,
        /// The width it had.
        len: u16,
    } = 17,
    /// An option stands in its appendage a second time.
    RepeatedOption {
        /// Its tag.
        tag: u8,
    } = 18,
    /// A two-byte field holds a number that the specification does not list.
    UnknownNumber {
        /// Which field.
        field: Field,
        /// The number.
        number: u16,
    } = 19,
}

impl Malformed {
    /// The fixed number of the kind of fault.
    pub const fn number(self) -> u8 {
        match self {
            Self::Empty => 1,
            Self::UnknownType { .. } => 2,
            Self::WrongLength { .. } => 3,
            Self::UnknownCode { .. } => 4,
            Self::ShortHeader { .. } => 5,
            Self::CutBlock { .. } => 6,
            Self::TrailingBytes { .. } => 7,
            Self::NotANumber { .. } => 8,
            Self::ZeroLength { .. } => 9,
            Self::UnknownVersion { .. } => 10,
            Self::SequenceOverflow { .. } => 11,
            Self::WrongPayload { .. } => 12,
            Self::WrongAppendage { .. } => 13,
            Self::CutOption { .. } => 14,
            Self::UntaggedOption { .. } => 15,
            Self::UnknownOption { .. } => 16,
            Self::WrongOption { .. } => 17,
            Self::RepeatedOption { .. } => 18,
            Self::UnknownNumber { .. } => 19,
        }
    }
}

/// In one word, so that a fault crosses a ring and is put into words on the other side: the number
/// in the lowest byte, then one byte, then two numbers of 16 bits.
impl Malformed {
    /// To the word; never zero.
    pub fn to_bits(self) -> u64 {
        let (byte, first, second) = match self {
            Self::Empty => (0, 0, 0),
            Self::UnknownType { kind } => (kind, 0, 0),
            Self::WrongLength { kind, want, len } => (kind, want, len),
            Self::UnknownCode { field, code } => (code, field as u16, 0),
            Self::ShortHeader { want, len }
            | Self::WrongPayload { want, len }
            | Self::WrongAppendage { want, len } => (0, want, len),
            Self::CutBlock { offset }
            | Self::TrailingBytes { offset }
            | Self::NotANumber { offset }
            | Self::ZeroLength { offset }
            | Self::SequenceOverflow { offset }
            | Self::CutOption { offset }
            | Self::UntaggedOption { offset } => (0, offset, 0),
            Self::UnknownVersion { version } => (version, 0, 0),
            Self::UnknownOption { tag } | Self::RepeatedOption { tag } => (tag, 0, 0),
            Self::WrongOption { tag, want, len } => (tag, want, len),
            Self::UnknownNumber { field, number } => (0, field as u16, number),
        };
        let head = u64::from(self.number()) | u64::from(byte) << 8;
        head | u64::from(first) << 16 | u64::from(second) << 32
    }

    /// Back from the word; `None` where it is no fault's.
    pub fn from_bits(bits: u64) -> Option<Self> {
        let [number, byte, a, b, c, d, 0, 0] = bits.to_le_bytes() else { return None };
        let (first, second) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        Some(match number {
            1 => Self::Empty,
            2 => Self::UnknownType { kind: byte },
            3 => Self::WrongLength { kind: byte, want: first, len: second },
            4 => Self::UnknownCode { field: Field::from_number(first)?, code: byte },
            5 => Self::ShortHeader { want: first, len: second },
            6 => Self::CutBlock { offset: first },
            7 => Self::TrailingBytes { offset: first },
            8 => Self::NotANumber { offset: first },
            9 => Self::ZeroLength { offset: first },
            10 => Self::UnknownVersion { version: byte },
            11 => Self::SequenceOverflow { offset: first },
            12 => Self::WrongPayload { want: first, len: second },
            13 => Self::WrongAppendage { want: first, len: second },
            14 => Self::CutOption { offset: first },
            15 => Self::UntaggedOption { offset: first },
            16 => Self::UnknownOption { tag: byte },
            17 => Self::WrongOption { tag: byte, want: first, len: second },
            18 => Self::RepeatedOption { tag: byte },
            19 => Self::UnknownNumber { field: Field::from_number(first)?, number: second },
            _ => return None,
        })
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => write!(f, "message is empty, so it has no type"),
            Self::UnknownType { kind } => {
                write!(f, "message type {} is unknown", Byte(kind))
            }
            Self::WrongLength { kind, want, len } => {
                write!(f, "message of type {} has {len} bytes where {want} are due", Byte(kind))
            }
            Self::UnknownCode { field, code } => {
                write!(f, "{field} {} is not one the specification lists", Byte(code))
            }
            Self::ShortHeader { want, len } => {
                write!(f, "packet has {len} bytes where its header alone takes {want}")
            }
            Self::CutBlock { offset } => {
                write!(f, "message block at offset {offset} runs past the end of its packet")
            }
            Self::TrailingBytes { offset } => {
                write!(
                    f,
                    "bytes are left at offset {offset}, after the last message the packet counts"
                )
            }
            Self::NotANumber { offset } => {
                write!(f, "text field at offset {offset} should be a decimal number and is not")
            }
            Self::ZeroLength { offset } => {
                write!(f, "packet at offset {offset} has length zero, so it has no type")
            }
            Self::UnknownVersion { version } => {
                write!(f, "protocol version {version} is not one we speak")
            }
            Self::SequenceOverflow { offset } => {
                write!(
                    f,
                    "sequence number at offset {offset} runs past the largest number with this many messages"
                )
            }
            Self::WrongPayload { want, len } => {
                write!(f, "header announces {want} bytes of payload and {len} follow it")
            }
            Self::WrongAppendage { want, len } => {
                write!(f, "message announces an appendage of {want} bytes and {len} follow it")
            }
            Self::CutOption { offset } => {
                write!(f, "option at offset {offset} runs past the end of its appendage")
            }
            Self::UntaggedOption { offset } => {
                write!(f, "option at offset {offset} has length zero, so it has no tag")
            }
            Self::UnknownOption { tag } => {
                write!(f, "option tag {tag} is not one the specification lists")
            }
            Self::WrongOption { tag, want, len } => {
                write!(f, "option of tag {tag} has a value of {len} bytes where {want} are due")
            }
            Self::RepeatedOption { tag } => {
                write!(f, "option of tag {tag} stands in its appendage a second time")
            }
            Self::UnknownNumber { field, number } => {
                write!(f, "{field} {number:#06x} is not one the specification lists")
            }
        }
    }
}

impl core::error::Error for Malformed {}

/// A byte as a person wants to see it: the letter where there is one, always the number.
struct Byte(u8);

impl fmt::Display for Byte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_ascii_graphic() {
            write!(f, "'{}' ({:#04x})", char::from(self.0), self.0)
        } else {
            write!(f, "{:#04x}", self.0)
        }
    }
}

/// A length for a [`Malformed`]: held at the largest that fits.
pub(crate) fn held(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

macro_rules! fields {
    ($($variant:ident = $number:literal, $name:literal;)*) => {
        /// A field whose values are listed, of one byte or two. The number is fixed: append, never renumber.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Field {
            $(#[doc = concat!("The ", $name, ".")] $variant = $number,)*
        }

        impl Field {
            fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for Field {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $name,)* })
            }
        }
    };
}

fields! {
    Side = 1, "side";
    SystemEvent = 2, "system event";
    MarketCategory = 3, "market category";
    FinancialStatus = 4, "financial status";
    IssueClassification = 5, "issue classification";
    Authenticity = 6, "authenticity";
    Flag = 7, "yes-or-no flag";
    LuldTier = 8, "limit-up limit-down tier";
    TradingState = 9, "trading state";
    ShortSale = 10, "short-sale restriction";
    MarketMakerMode = 11, "market maker mode";
    ParticipantState = 12, "market participant state";
    BreachedLevel = 13, "breached circuit-breaker level";
    IpoQualifier = 14, "IPO release qualifier";
    MarketCode = 15, "market code";
    HaltAction = 16, "operational halt action";
    CrossType = 17, "cross type";
    Imbalance = 18, "imbalance direction";
    Variation = 19, "price variation";
    RetailInterest = 20, "retail interest";
    SecurityEvent = 21, "security event";
    ShortSaleDetail = 22, "short-sale detail";
    PriceType = 23, "official price type";
    AuctionType = 24, "auction type";
    RejectReason = 25, "login reject reason";
    RetailLiquidity = 26, "retail liquidity indicator";
    TimeInForce = 27, "time in force";
    Display = 28, "display";
    Capacity = 29, "capacity";
    OrderState = 30, "order state";
    CancelReason = 31, "cancel reason";
    BrokenReason = 32, "broken trade reason";
    OrderReject = 33, "order reject reason";
    RestateReason = 34, "restate reason";
    Liquidity = 35, "liquidity flag";
    SelfMatch = 36, "self-match strategy";
    OrderPriceType = 37, "order price type";
    CustomerType = 38, "customer type";
    PostOnly = 39, "post-only";
    HandleInst = 40, "handling instruction";
    BboWeight = 41, "BBO weight indicator";
    TradeNow = 42, "trade-now";
    DiscretionPriceType = 43, "discretion price type";
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Field, Malformed};
    use std::string::ToString;

    #[test]
    fn a_fault_is_a_number_and_a_sentence() {
        let cases = [
            (Malformed::Empty, 1, "message is empty, so it has no type"),
            (Malformed::UnknownType { kind: b'z' }, 2, "message type 'z' (0x7a) is unknown"),
            (Malformed::UnknownType { kind: 0 }, 2, "message type 0x00 is unknown"),
            (
                Malformed::WrongLength { kind: b'A', want: 36, len: 35 },
                3,
                "message of type 'A' (0x41) has 35 bytes where 36 are due",
            ),
            (
                Malformed::UnknownCode { field: Field::Side, code: b'X' },
                4,
                "side 'X' (0x58) is not one the specification lists",
            ),
            (
                Malformed::CutBlock { offset: 20 },
                6,
                "message block at offset 20 runs past the end of its packet",
            ),
            (
                Malformed::WrongOption { tag: 2, want: 4, len: 3 },
                17,
                "option of tag 2 has a value of 3 bytes where 4 are due",
            ),
            (
                Malformed::UnknownNumber { field: Field::OrderReject, number: 0x34 },
                19,
                "order reject reason 0x0034 is not one the specification lists",
            ),
        ];
        for (fault, number, sentence) in cases {
            assert_eq!(fault.number(), number, "{fault:?}");
            assert_eq!(fault.to_string(), sentence);
        }
    }

    #[test]
    fn a_fault_survives_the_word() {
        let faults = [
            Malformed::Empty,
            Malformed::UnknownType { kind: 0xFF },
            Malformed::WrongLength { kind: b'A', want: 36, len: u16::MAX },
            Malformed::UnknownCode { field: Field::RetailLiquidity, code: b'?' },
            Malformed::ShortHeader { want: 20, len: 19 },
            Malformed::CutBlock { offset: 1_400 },
            Malformed::TrailingBytes { offset: 20 },
            Malformed::NotANumber { offset: 1 },
            Malformed::ZeroLength { offset: 2 },
            Malformed::UnknownVersion { version: 9 },
            Malformed::SequenceOverflow { offset: 10 },
            Malformed::WrongPayload { want: 40, len: 39 },
            Malformed::WrongAppendage { want: 6, len: 5 },
            Malformed::CutOption { offset: 3 },
            Malformed::UntaggedOption { offset: 6 },
            Malformed::UnknownOption { tag: 8 },
            Malformed::WrongOption { tag: 2, want: 4, len: 3 },
            Malformed::RepeatedOption { tag: 28 },
            Malformed::UnknownNumber { field: Field::OrderReject, number: 0x0034 },
        ];
        for (at, fault) in faults.into_iter().enumerate() {
            assert_eq!(usize::from(fault.number()), at + 1, "all of them, in order");
            assert_eq!(Malformed::from_bits(fault.to_bits()), Some(fault));
        }
        assert_eq!(Malformed::from_bits(0), None);
        assert_eq!(Malformed::from_bits(20), None);
        assert_eq!(Malformed::from_bits(u64::MAX), None);
    }
}
