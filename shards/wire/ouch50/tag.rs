//! The options of OUCH 5.0 as the specification's table: tag, name, type and width.
//!
//! Knows one option at a time; an appendage of them is `appendage.rs`.
//!
//! The tags from 0xF0 on are not Nasdaq's: they are this exchange's own, for kinds of orders for which
//! OUCH 5.0 has no form. They are in no message's `TAKES`; a port takes them where it is set to, as
//! [`Tags::EXTENSIONS`].
//!
//! Source: Nasdaq OUCH 5.0, 1.2 (TagValue) and Appendix A.

use super::appendage::Options;
use super::code::*;
use crate::Malformed;
use crate::malformed::held;

/// The widest value, in bytes.
pub(super) const VALUE_MAX: usize = 8;

/// Bytes of an option before its value: its length, which does not count itself, and its tag.
pub(super) const OVERHEAD: usize = 2;

/// What an option's value may be: so many bytes, and the way in and out.
trait Value: Copy {
    const WIDTH: usize;

    /// Errors: [`Malformed::WrongOption`], [`Malformed::UnknownCode`].
    fn read(tag: Tag, bytes: &[u8]) -> Result<Self, Malformed>;

    /// The first `WIDTH` bytes are the value's.
    fn wide(self) -> [u8; VALUE_MAX];
}

/// The value's bytes where there are just as many as are due.
fn exact<const N: usize>(tag: Tag, bytes: &[u8]) -> Result<[u8; N], Malformed> {
    let wrong = Malformed::WrongOption { tag: tag.byte(), want: held(N), len: held(bytes.len()) };
    bytes.try_into().map_err(|_| wrong)
}

impl<const N: usize> Value for [u8; N] {
    const WIDTH: usize = N;

    fn read(tag: Tag, bytes: &[u8]) -> Result<Self, Malformed> {
        exact(tag, bytes)
    }

    fn wide(self) -> [u8; VALUE_MAX] {
        const { assert!(N <= VALUE_MAX) };
        let mut wide = [0; VALUE_MAX];
        for (to, from) in wide.iter_mut().zip(self) {
            *to = from;
        }
        wide
    }
}

macro_rules! integers {
    ($($integer:ident)*) => {$(
        impl Value for $integer {
            const WIDTH: usize = size_of::<$integer>();

            fn read(tag: Tag, bytes: &[u8]) -> Result<Self, Malformed> {
                exact(tag, bytes).map($integer::from_be_bytes)
            }

            fn wide(self) -> [u8; VALUE_MAX] {
                self.to_be_bytes().wide()
            }
        }
    )*};
}

integers! { u8 u16 u32 u64 i32 }

macro_rules! listed {
    ($($code:ident)*) => {$(
        impl Value for $code {
            const WIDTH: usize = 1;

            fn read(tag: Tag, bytes: &[u8]) -> Result<Self, Malformed> {
                let [byte] = exact(tag, bytes)?;
                $code::from_byte(byte)
            }

            fn wide(self) -> [u8; VALUE_MAX] {
                [self.byte()].wide()
            }
        }
    )*};
}

listed! { Side Flag PriceType DiscretionType CustomerType PostOnly TradeNow HandleInst BboWeight AiqStrategy }

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident = $tag:literal, $field:ident: $type:ty, $width:literal;)*) => {
        /// What an option says: its tag, in the specification's numbers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Tag {
            $($(#[$doc])* $name = $tag,)*
        }

        impl Tag {
            /// Every tag, in the order of the specification.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// From the wire; a tag that is not listed is [`Malformed::UnknownOption`].
            #[inline]
            pub const fn from_byte(byte: u8) -> Result<Self, Malformed> {
                match byte {
                    $($tag => Ok(Self::$name),)*
                    tag => Err(Malformed::UnknownOption { tag }),
                }
            }

            /// To the wire.
            #[inline]
            pub const fn byte(self) -> u8 {
                self as u8
            }

            /// The width of its values, in bytes.
            #[inline]
            pub const fn width(self) -> usize {
                match self {
                    $(Self::$name => $width,)*
                }
            }
        }

        $(const _: () = assert!(<$type as Value>::WIDTH == $width);)*

        /// An option: its tag and its value. Prices are in units of 1e-4.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum TagValue {
            $($(#[$doc])* $name($type),)*
        }

        impl TagValue {
            /// Its tag.
            #[inline]
            pub const fn tag(self) -> Tag {
                match self {
                    $(Self::$name(_) => Tag::$name,)*
                }
            }

            /// From the bytes of a value.
            ///
            /// Errors: [`Malformed::WrongOption`], [`Malformed::UnknownCode`].
            #[inline]
            pub(super) fn read(tag: Tag, bytes: &[u8]) -> Result<Self, Malformed> {
                match tag {
                    $(Tag::$name => <$type as Value>::read(tag, bytes).map(Self::$name),)*
                }
            }

            /// The bytes of its value: as many of the first as its tag is wide.
            #[inline]
            pub(super) fn wide(self) -> [u8; VALUE_MAX] {
                match self {
                    $(Self::$name(value) => value.wide(),)*
                }
            }
        }

        /// One accessor an option; `None` where it is not there, and the specification's default holds.
        impl Options<'_> {
            $(
                $(#[$doc])*
                #[inline]
                pub fn $field(self) -> Option<$type> {
                    if let Some(TagValue::$name(value)) = self.find(Tag::$name) { Some(value) } else { None }
                }
            )*
        }
    };
}

options! {
    /// The number of the order on the market data feeds, where it is another than its own.
    SecondaryOrdRefNum = 1, secondary_ord_ref_num: u64, 8;
    /// The firm that enters, four letters; without it the port's.
    Firm = 2, firm: [u8; 4], 4;
    /// The fewest shares that may trade at once.
    MinQty = 3, min_qty: u32, 4;
    /// Whose order it is.
    CustomerType = 4, customer_type: CustomerType, 1;
    /// The shares shown of a reserve order.
    MaxFloor = 5, max_floor: u32, 4;
    /// What the price follows; without it, nothing.
    PriceType = 6, price_type: PriceType, 1;
    /// How far from what it follows the price stands, in units of 1e-4.
    PegOffset = 7, peg_offset: i32, 4;
    /// How far the price may go at the venue's discretion.
    DiscretionPrice = 9, discretion_price: u64, 8;
    /// What the discretion price follows; without it, nothing.
    DiscretionPriceType = 10, discretion_price_type: DiscretionType, 1;
    /// How far from what it follows the discretion price stands, in units of 1e-4.
    DiscretionPegOffset = 11, discretion_peg_offset: i32, 4;
    /// Whether it may only add liquidity.
    PostOnly = 12, post_only: PostOnly, 1;
    /// The shares by which the shown quantity of a reserve order is varied at random.
    RandomReserves = 13, random_reserves: u32, 4;
    /// The routing strategy, four letters.
    Route = 14, route: [u8; 4], 4;
    /// The seconds it stands, less than 86,400.
    ExpireTime = 15, expire_time_s: u32, 4;
    /// Whether it removes what would otherwise be priced away from it.
    TradeNow = 16, trade_now: TradeNow, 1;
    /// How it is worked.
    HandleInst = 17, handle_inst: HandleInst, 1;
    /// How much it added to the best price. Answers only.
    BboWeight = 18, bbo_weight: BboWeight, 1;
    /// The shares that are shown now. Restatements only.
    DisplayQuantity = 22, display_quantity: u32, 4;
    /// The price that is shown now. Restatements only.
    DisplayPrice = 23, display_price: u64, 8;
    /// The customer's group.
    GroupId = 24, group_id: u16, 2;
    /// Whether shares are located for the short sale.
    SharesLocated = 25, shares_located: Flag, 1;
    /// With which broker they are located, four letters.
    LocateBroker = 26, locate_broker: [u8; 4], 4;
    /// The side, where the message has none.
    Side = 27, side: Side, 1;
    /// The channel of the port; without it, 0. Each has its own user reference numbers.
    UserRefIdx = 28, user_ref_idx: u8, 1;
    /// What is done with an order of the same firm that it would trade with.
    AiqStrategy = 29, aiq_strategy: AiqStrategy, 1;
    /// The group within which self-matches are looked for, two letters.
    AiqGroupId = 30, aiq_group_id: [u8; 2], 2;
    /// An extension: the order waits until a trade at this price or a worse one for it.
    StopPrice = 0xF0, stop_price: u64, 8;
    /// An extension: a market order whose rest stands at the price at which it first traded.
    MarketToLimit = 0xF1, market_to_limit: Flag, 1;
}

/// A set of tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tags(u64);

// Each tag has a bit of its own.
const _: () = {
    let (mut at, mut seen) = (0, 0);
    while at < Tag::ALL.len() {
        assert!(seen & bit(Tag::ALL[at]) == 0);
        seen |= bit(Tag::ALL[at]);
        at += 1;
    }
};

/// The bit of a tag: the lowest six bits of its number say which.
#[inline(always)]
const fn bit(tag: Tag) -> u64 {
    1 << (tag.byte() & 63)
}

impl Tags {
    /// None.
    pub const NONE: Self = Self(0);
    /// All there are.
    pub const ALL: Self = Self::of(Tag::ALL);
    /// Those that are not Nasdaq's.
    pub const EXTENSIONS: Self = Self::of(&[Tag::StopPrice, Tag::MarketToLimit]);

    /// These.
    pub const fn of(tags: &[Tag]) -> Self {
        let mut set = Self::NONE;
        let mut at = 0;
        while at < tags.len() {
            set = set.with(tags[at]);
            at += 1;
        }
        set
    }

    /// And this one.
    #[inline]
    pub const fn with(self, tag: Tag) -> Self {
        Self(self.0 | bit(tag))
    }

    /// All of both.
    #[inline]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether this one is of them.
    #[inline]
    pub const fn has(self, tag: Tag) -> bool {
        self.0 & bit(tag) != 0
    }

    /// The first of them, in the order of the specification, that is not in `allowed`.
    pub fn beyond(self, allowed: Self) -> Option<Tag> {
        if self.0 & !allowed.0 == 0 {
            return None;
        }
        Tag::ALL.iter().copied().find(|tag| self.has(*tag) && !allowed.has(*tag))
    }

    /// The bytes of an appendage with each of them once.
    pub const fn appendage_len(self) -> usize {
        let mut len = 0;
        let mut at = 0;
        while at < Tag::ALL.len() {
            let tag = Tag::ALL[at];
            if self.has(tag) {
                len += OVERHEAD + tag.width();
            }
            at += 1;
        }
        len
    }
}
