//! The 17 messages from exchange to client of OUCH 5.0, as the specification's tables.
//!
//! They travel as sequenced SoupBinTCP packets. One that may go without an appendage has one where the
//! order's channel is not 0, to name it. Prices are in units of 1e-4; quantities that a message takes off
//! an order are its own, not the sum.
//!
//! Source: Nasdaq OUCH 5.0, 3.1 to 3.17.

use super::APPENDAGE_MAX;
use super::code::*;
use super::reject::RejectReason;
use core::ops::Deref;
use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// What every message starts with, its type not yet checked.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Header {
    kind: u8,
    timestamp: U64,
}

const _: () = assert!(size_of::<Header>() == Header::LEN);

impl Header {
    /// The length with the type byte.
    pub const LEN: usize = 9;

    /// The type byte.
    #[inline]
    pub const fn kind(&self) -> u8 {
        self.kind
    }

    /// Nanoseconds since midnight.
    #[inline]
    pub const fn timestamp(&self) -> u64 {
        self.timestamp.get()
    }
}

/// The header of messages of one type: its type byte is `KIND` because [`Head::new`] put it there.
///
/// In a view that was parsed the byte was checked instead.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(transparent)]
pub struct Head<const KIND: u8>(Header);

impl<const KIND: u8> Head<KIND> {
    /// A message at that time, in nanoseconds since midnight.
    #[inline]
    pub const fn new(since_midnight_ns: u64) -> Self {
        Self(Header { kind: KIND, timestamp: U64::new(since_midnight_ns) })
    }

    /// The same for every type of message.
    #[inline]
    pub const fn any(&self) -> &Header {
        &self.0
    }
}

impl<const KIND: u8> Deref for Head<KIND> {
    type Target = Header;

    #[inline]
    fn deref(&self) -> &Header {
        &self.0
    }
}

appended! {
    header Head, any Header;

    /// System Event (3.1): the order entry day starts or ends. Its appendage is always absent.
    SystemEvent b'S' 10 Never {
        /// Which.
        event: u8 as EventCode,
    }

    /// Order Accepted (3.2): an order as it stands, which may differ from how it was entered.
    Accepted b'A' 64 Always {
        /// The order.
        user_ref: U32,
        /// Its side.
        side: u8 as Side,
        /// Its shares.
        quantity: U32,
        /// Ticker.
        symbol: [u8; 8],
        /// Its limit; never worse for the client than entered.
        price: U64,
        /// How long it stands.
        time_in_force: u8 as TimeInForce,
        /// Who sees it.
        display: u8 as Display,
        /// The exchange's own number for it, as the market data feed has it.
        order_ref: U64,
        /// In what capacity the firm acts.
        capacity: u8 as Capacity,
        /// Whether it is an intermarket sweep order.
        intermarket_sweep: u8 as Flag,
        /// Which trading it is for.
        cross: u8 as CrossType,
        /// Whether it lives; `Dead` is the last that is heard of it.
        state: u8 as OrderState,
        /// The client's own name for it.
        cl_ord_id: [u8; 14],
    }

    /// Order Replaced (3.3): one order ended and another stands.
    Replaced b'U' 68 Always {
        /// The order that ended.
        orig_user_ref: U32,
        /// The one that stands.
        user_ref: U32,
        /// Its side.
        side: u8 as Side,
        /// Its shares: what is left of the chain.
        quantity: U32,
        /// Ticker.
        symbol: [u8; 8],
        /// Its limit; never worse for the client than entered.
        price: U64,
        /// How long it stands.
        time_in_force: u8 as TimeInForce,
        /// Who sees it.
        display: u8 as Display,
        /// The exchange's own number for it, as the market data feed has it.
        order_ref: U64,
        /// In what capacity the firm acts.
        capacity: u8 as Capacity,
        /// Whether it is an intermarket sweep order.
        intermarket_sweep: u8 as Flag,
        /// Which trading it is for.
        cross: u8 as CrossType,
        /// Whether it lives; `Dead` is the last that is heard of it.
        state: u8 as OrderState,
        /// The client's own name for it.
        cl_ord_id: [u8; 14],
    }

    /// Order Canceled (3.4): an order lost shares; some may be left.
    Canceled b'C' 18 MayBe {
        /// The order.
        user_ref: U32,
        /// The shares it lost.
        quantity: U32,
        /// Why.
        reason: u8 as CancelReason,
    }

    /// AIQ Canceled (3.5): an order lost shares because it would have traded with its own firm.
    AiqCanceled b'D' 32 MayBe {
        /// The order.
        user_ref: U32,
        /// The shares it lost.
        decrement: U32,
        /// `SelfMatch`.
        reason: u8 as CancelReason,
        /// The shares that would have traded.
        prevented: U32,
        /// The price they would have traded at.
        price: U64,
        /// How the execution would have met liquidity.
        liquidity: u8 as Liquidity,
        /// What was done.
        strategy: u8 as AiqStrategy,
    }

    /// Order Executed (3.6).
    Executed b'E' 36 Always {
        /// The order.
        user_ref: U32,
        /// Shares traded.
        quantity: U32,
        /// The price they traded at.
        price: U64,
        /// How it met liquidity.
        liquidity: u8 as Liquidity,
        /// The execution; both its sides have the same.
        match_number: U64,
    }

    /// Broken Trade (3.7): an execution was broken. The order does not come back.
    Broken b'B' 36 MayBe {
        /// The order.
        user_ref: U32,
        /// The execution.
        match_number: U64,
        /// Why.
        reason: u8 as BrokenReason,
        /// The client's own name for the order.
        cl_ord_id: [u8; 14],
    }

    /// Rejected (3.8): an order or a replacement was not taken. Its number is used up.
    Rejected b'J' 29 MayBe {
        /// The order, or the one that was to come.
        user_ref: U32,
        /// Why.
        reason: U16 as RejectReason,
        /// The client's own name for it.
        cl_ord_id: [u8; 14],
    }

    /// Cancel Pending (3.9): an order in a cross will be canceled after it.
    CancelPending b'P' 13 MayBe {
        /// The order.
        user_ref: U32,
    }

    /// Cancel Reject (3.10): an order in a cross may not be reduced.
    CancelReject b'I' 13 MayBe {
        /// The order.
        user_ref: U32,
    }

    /// Order Priority Update (3.11): an order went to the back of its level.
    PriorityUpdate b'T' 30 MayBe {
        /// The order.
        user_ref: U32,
        /// Its limit.
        price: U64,
        /// Who sees it.
        display: u8 as Display,
        /// The exchange's own number for it from now on.
        order_ref: U64,
    }

    /// Order Modified (3.12).
    Modified b'M' 18 MayBe {
        /// The order.
        user_ref: U32,
        /// Its side now.
        side: u8 as Side,
        /// The shares it has left.
        quantity: U32,
    }

    /// Order Restated (3.13): what is shown of an order changed; its options say to what.
    Restated b'R' 16 Always {
        /// The order.
        user_ref: U32,
        /// What changed.
        reason: u8 as RestateReason,
    }

    /// Mass Cancel Response (3.14): the request was taken; each order's end comes by itself.
    MassCancelResponse b'X' 27 Always {
        /// The request.
        user_ref: U32,
        /// The firm, four letters.
        firm: [u8; 4],
        /// Ticker; blank is every stock.
        symbol: [u8; 8],
    }

    /// Disable Order Entry Response (3.15).
    DisableResponse b'G' 19 Always {
        /// The request.
        user_ref: U32,
        /// The firm, four letters.
        firm: [u8; 4],
    }

    /// Enable Order Entry Response (3.16).
    EnableResponse b'K' 19 Always {
        /// The request.
        user_ref: U32,
        /// The firm, four letters.
        firm: [u8; 4],
    }

    /// Account Query Response (3.17).
    AccountQueryResponse b'Q' 13 MayBe {
        /// The lowest number that the channel may use next.
        next_user_ref: U32,
    }
}

/// Room for any message with every option there is.
pub const LEN_MAX: usize = Replaced::LEN + APPENDAGE_MAX;
