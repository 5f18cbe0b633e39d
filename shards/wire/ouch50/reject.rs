//! Why an order was rejected: the two-byte reasons of OUCH 5.0, Appendix C.
//!
//! 0x0020 to 0x0033 are refusals of the firm's own pre-trade risk settings. Knows no check: who sends
//! one has found it, who receives one only reads it.

use crate::{Field, Malformed};

macro_rules! numbers {
    ($(#[$doc:meta])* $name:ident in $field:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $number,)*
        }

        impl $name {
            /// Every value, in the order of the specification.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// From the wire; a number that is not listed is [`Malformed::UnknownNumber`].
            #[inline]
            pub const fn from_number(number: u16) -> Result<Self, Malformed> {
                match number {
                    $($number => Ok(Self::$variant),)*
                    number => Err(Malformed::UnknownNumber { field: Field::$field, number }),
                }
            }

            /// To the wire.
            #[inline]
            pub const fn number(self) -> u16 {
                self as u16
            }
        }
    };
}

numbers! {
    /// Why an order or a replacement was rejected.
    RejectReason in OrderReject {
        /// There is no quote to price it by.
        QuoteUnavailable = 0x0001,
        /// The destination is closed.
        DestinationClosed = 0x0002,
        /// The display is not one, or not one for this order.
        InvalidDisplay = 0x0003,
        /// The displayed quantity of a reserve order.
        InvalidMaxFloor = 0x0004,
        /// The price type.
        InvalidPegType = 0x0005,
        /// Priced too far through the market, by the exchange's own measure.
        FatFinger = 0x0006,
        /// The stock is halted.
        Halted = 0x0007,
        /// Intermarket sweep is not allowed.
        IsoNotAllowed = 0x0008,
        /// The side.
        InvalidSide = 0x0009,
        /// An error in processing it.
        ProcessingError = 0x000A,
        /// A cancel of the order is pending.
        CancelPending = 0x000B,
        /// The firm may not enter orders here.
        FirmNotAuthorized = 0x000C,
        /// The minimum quantity.
        InvalidMinQuantity = 0x000D,
        /// There is no closing reference price.
        NoClosingReferencePrice = 0x000E,
        /// Another reason.
        Other = 0x000F,
        /// It may not be canceled.
        CancelNotAllowed = 0x0010,
        /// Pegging is not allowed.
        PeggingNotAllowed = 0x0011,
        /// The market is crossed.
        CrossedMarket = 0x0012,
        /// The quantity.
        InvalidQuantity = 0x0013,
        /// The cross order, as its type or its time.
        InvalidCrossOrder = 0x0014,
        /// It may not be replaced.
        ReplaceNotAllowed = 0x0015,
        /// Routing is not allowed.
        RoutingNotAllowed = 0x0016,
        /// The stock is not one that trades here.
        InvalidSymbol = 0x0017,
        /// A test.
        Test = 0x0018,
        /// A late limit-on-close order priced too aggressively.
        LateLocTooAggressive = 0x0019,
        /// Retail orders are not allowed.
        RetailNotAllowed = 0x001A,
        /// The price of a midpoint post-only order.
        InvalidMidpointPostOnlyPrice = 0x001B,
        /// The destination is not one.
        InvalidDestination = 0x001C,
        /// The price.
        InvalidPrice = 0x001D,
        /// More shares than the threshold.
        SharesExceedThreshold = 0x001E,
        /// A higher notional value than allowed.
        NotionalExceedsMaximum = 0x001F,
        /// Risk: aggregate exposure exceeded.
        RiskAggregateExposure = 0x0020,
        /// Risk: market impact.
        RiskMarketImpact = 0x0021,
        /// Risk: restricted stock.
        RiskRestrictedStock = 0x0022,
        /// Risk: short sales of it are restricted.
        RiskShortSellRestricted = 0x0023,
        /// Risk: intermarket sweep not allowed.
        RiskIsoNotAllowed = 0x0024,
        /// Risk: more than the limit in terms of the average daily volume.
        RiskAdvLimit = 0x0025,
        /// Risk: fat finger.
        RiskFatFinger = 0x0026,
        /// Risk: a short sale needs a locate.
        RiskLocateRequired = 0x0027,
        /// Risk: message rate of the symbol.
        RiskSymbolRate = 0x0028,
        /// Risk: message rate of the port.
        RiskPortRate = 0x0029,
        /// Risk: rate of duplicate messages.
        RiskDuplicateRate = 0x002A,
        /// Risk: short sales not allowed.
        RiskShortSellNotAllowed = 0x002B,
        /// Risk: market orders not allowed.
        RiskMarketOrderNotAllowed = 0x002C,
        /// Risk: pre-market not allowed.
        RiskPreMarketNotAllowed = 0x002D,
        /// Risk: post-market not allowed.
        RiskPostMarketNotAllowed = 0x002E,
        /// Risk: short sales marked exempt not allowed.
        RiskShortExemptNotAllowed = 0x002F,
        /// Risk: notional of a single order.
        RiskOrderNotional = 0x0030,
        /// Risk: quantity of a single order.
        RiskMaxQuantity = 0x0031,
        /// Whether the short-sale price test holds is not known.
        RegShoStateUnavailable = 0x0032,
        /// Risk: market orders to buy in an IPO not allowed.
        RiskIpoMarketBuyNotAllowed = 0x0033,
        /// The self-match strategy or group.
        InvalidAiq = 0x0040,
    }
}

impl RejectReason {
    /// Whether it is a refusal of the firm's own pre-trade risk settings, 0x0020 to 0x0033.
    #[inline]
    pub const fn is_risk(self) -> bool {
        matches!(self.number(), 0x0020..=0x0033)
    }
}
