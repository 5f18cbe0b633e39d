//! The 8 messages from client to exchange of OUCH 5.0, as the specification's tables.
//!
//! They travel as unsequenced SoupBinTCP packets and may get lost with a connection, so each can be sent
//! again: a user reference number that is not higher than the channel's last one is ignored.
//! Prices are in units of 1e-4.
//!
//! Source: Nasdaq OUCH 5.0, 2.1 to 2.8.

pub use crate::kind::{Head, Header};

use super::code::*;
use super::tag::{Tag, Tags};
use zerocopy::big_endian::{U32, U64};

appended! {
    header Head, any Header;

    /// Enter Order (2.1).
    EnterOrder b'O' 47 Always {
        /// The order's number: from 1, and higher than any before it on its channel.
        user_ref: U32,
        /// Its side.
        side: u8 as Side,
        /// Shares, 1 to [`QUANTITY_MAX`](super::QUANTITY_MAX).
        quantity: U32,
        /// Ticker.
        symbol: [u8; 8],
        /// Limit, at most [`PRICE_MAX`](super::PRICE_MAX), or [`MARKET_PRICE`](super::MARKET_PRICE).
        price: U64,
        /// How long it stands.
        time_in_force: u8 as TimeInForce,
        /// Who sees it; never `Conformant`.
        display: u8 as Display,
        /// In what capacity the firm acts.
        capacity: u8 as Capacity,
        /// Whether it is an intermarket sweep order.
        intermarket_sweep: u8 as Flag,
        /// Which trading it is for.
        cross: u8 as CrossType,
        /// The client's own name for it; not looked at.
        cl_ord_id: [u8; 14],
    }

    /// Replace Order (2.2): one order ends and another takes its stock, and its side but for an option.
    ReplaceOrder b'U' 40 Always {
        /// The order that ends.
        orig_user_ref: U32,
        /// The number of the one that comes.
        user_ref: U32,
        /// Shares of the whole chain, those executed before included.
        quantity: U32,
        /// Limit of the one that comes.
        price: U64,
        /// How long it stands; never `AfterHours`.
        time_in_force: u8 as TimeInForce,
        /// Who sees it; never `Conformant`.
        display: u8 as Display,
        /// Whether it is an intermarket sweep order.
        intermarket_sweep: u8 as Flag,
        /// The client's own name for it; not looked at.
        cl_ord_id: [u8; 14],
    }

    /// Cancel Order (2.3): an order is to be no larger than this.
    CancelOrder b'X' 9 MayBe {
        /// The order.
        user_ref: U32,
        /// The shares it is to have in all, those executed included; 0 cancels what is left.
        quantity: U32,
    }

    /// Modify Order (2.4): an order keeps its place with another marking of its sale, or fewer shares.
    ModifyOrder b'M' 10 MayBe {
        /// The order.
        user_ref: U32,
        /// Its side: from one kind of sale to another.
        side: u8 as Side,
        /// The shares it is to have in all, those executed included; not more than before.
        quantity: U32,
    }

    /// Mass Cancel (2.5): all orders of a firm, or those in one stock.
    MassCancel b'C' 19 Always {
        /// The request's number, of the same sequence as those of orders.
        user_ref: U32,
        /// The firm, four letters.
        firm: [u8; 4],
        /// Ticker; blank is every stock.
        symbol: [u8; 8],
    }

    /// Disable Order Entry (2.6): no orders of a firm are taken until it is enabled again.
    DisableEntry b'D' 11 Always {
        /// The request's number, of the same sequence as those of orders.
        user_ref: U32,
        /// The firm, four letters.
        firm: [u8; 4],
    }

    /// Enable Order Entry (2.7).
    EnableEntry b'E' 11 Always {
        /// The request's number, of the same sequence as those of orders.
        user_ref: U32,
        /// The firm, four letters.
        firm: [u8; 4],
    }

    /// Account Query (2.8): which user reference number is next.
    AccountQuery b'Q' 1 MayBe {}
}

/// The options that an order may have, entered or replaced.
const ORDER: &[Tag] = &[
    Tag::MinQty,
    Tag::MaxFloor,
    Tag::PriceType,
    Tag::PegOffset,
    Tag::DiscretionPrice,
    Tag::DiscretionPriceType,
    Tag::DiscretionPegOffset,
    Tag::PostOnly,
    Tag::RandomReserves,
    Tag::ExpireTime,
    Tag::TradeNow,
    Tag::HandleInst,
    Tag::SharesLocated,
    Tag::LocateBroker,
    Tag::UserRefIdx,
    Tag::AiqStrategy,
    Tag::AiqGroupId,
];

impl EnterOrder {
    /// The options it takes.
    pub const TAKES: Tags =
        Tags::of(ORDER).with(Tag::Firm).with(Tag::CustomerType).with(Tag::GroupId);
}

impl ReplaceOrder {
    /// The options it takes; firm, customer type and group stay those of the first order.
    pub const TAKES: Tags = Tags::of(ORDER).with(Tag::Side);
}

impl CancelOrder {
    /// The options it takes.
    pub const TAKES: Tags = Tags::of(&[Tag::UserRefIdx]);
}

impl ModifyOrder {
    /// The options it takes.
    pub const TAKES: Tags = Tags::of(&[Tag::SharesLocated, Tag::LocateBroker, Tag::UserRefIdx]);
}

impl MassCancel {
    /// The options it takes.
    pub const TAKES: Tags = Tags::of(&[Tag::GroupId, Tag::Side, Tag::UserRefIdx]);
}

impl DisableEntry {
    /// The options it takes.
    pub const TAKES: Tags = Tags::of(&[Tag::UserRefIdx]);
}

impl EnableEntry {
    /// The options it takes.
    pub const TAKES: Tags = Tags::of(&[Tag::UserRefIdx]);
}

impl AccountQuery {
    /// The options it takes.
    pub const TAKES: Tags = Tags::of(&[Tag::UserRefIdx]);
}

/// The longest message that a client has reason to send, each option that it takes once.
pub const LEN_MAX: usize = EnterOrder::LEN + EnterOrder::TAKES.appendage_len();

const _: () = assert!(LEN_MAX == 140);
const _: () = assert!(ReplaceOrder::LEN + ReplaceOrder::TAKES.appendage_len() < LEN_MAX);

impl Message<'_> {
    /// The number that the message adds to its channel's sequence of user reference numbers.
    ///
    /// `None`: it adds none, for it names an order that has one ([`CancelOrder`], [`ModifyOrder`]), or
    /// none at all ([`AccountQuery`]).
    pub const fn new_user_ref(&self) -> Option<u32> {
        match *self {
            Self::EnterOrder(m, _) => Some(m.user_ref()),
            Self::ReplaceOrder(m, _) => Some(m.user_ref()),
            Self::MassCancel(m, _) => Some(m.user_ref()),
            Self::DisableEntry(m, _) => Some(m.user_ref()),
            Self::EnableEntry(m, _) => Some(m.user_ref()),
            Self::CancelOrder(..) | Self::ModifyOrder(..) | Self::AccountQuery(..) => None,
        }
    }

    /// The options that a message of its type takes.
    pub const fn takes(&self) -> Tags {
        match self {
            Self::EnterOrder(..) => EnterOrder::TAKES,
            Self::ReplaceOrder(..) => ReplaceOrder::TAKES,
            Self::CancelOrder(..) => CancelOrder::TAKES,
            Self::ModifyOrder(..) => ModifyOrder::TAKES,
            Self::MassCancel(..) => MassCancel::TAKES,
            Self::DisableEntry(..) => DisableEntry::TAKES,
            Self::EnableEntry(..) => EnableEntry::TAKES,
            Self::AccountQuery(..) => AccountQuery::TAKES,
        }
    }
}
