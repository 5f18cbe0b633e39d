//! The 23 messages of ITCH 5.0, as the specification's tables.
//!
//! Prices are in units of 1e-4 unless said; references and match numbers are unique for the day.

use super::code::*;
use super::{Head, Header};
use zerocopy::big_endian::{U32, U64};

messages! {
    header Head, any Header, longer false;

    /// System Event: the feed or the market opens or closes.
    SystemEvent b'S' 12 {
        /// What happened.
        event: u8 as EventCode,
    }

    /// Stock Directory: a stock that may trade today, sent once before the open.
    StockDirectory b'R' 39 {
        /// Ticker.
        stock: [u8; 8],
        /// Listing market or tier.
        market_category: u8 as MarketCategory,
        /// Standing of the issuer.
        financial_status: u8 as FinancialStatus,
        /// Shares in a round lot.
        round_lot: U32,
        /// Whether only round lots are taken.
        round_lots_only: u8 as Flag,
        /// Kind of security.
        classification: u8 as IssueClassification,
        /// Kind of security, finer: one or two letters.
        sub_type: [u8; 2],
        /// Real or for tests.
        authenticity: u8 as Authenticity,
        /// Whether failed deliveries put it under Reg SHO Rule 203(b)(3).
        short_sale_threshold: u8 as Flag,
        /// Whether it is a new issue for the IPO release process.
        ipo: u8 as Flag,
        /// Which limit-up limit-down band.
        luld_tier: u8 as LuldTier,
        /// Whether it is an exchange-traded product.
        etp: u8 as Flag,
        /// The product's leverage, a whole factor; 0 where there is none.
        etp_leverage: U32,
        /// Whether the product moves against its index.
        inverse: u8 as Flag,
    }

    /// Stock Trading Action: the trading state changed.
    TradingAction b'H' 25 {
        /// Ticker.
        stock: [u8; 8],
        /// The state now.
        state: u8 as TradingState,
        /// Reserved.
        reserved: u8,
        /// Why, a code of the halt reason table.
        reason: [u8; 4],
    }

    /// Reg SHO Short Sale Price Test Restricted Indicator.
    RegSho b'Y' 20 {
        /// Ticker.
        stock: [u8; 8],
        /// Whether the price test is in effect.
        action: u8 as RegShoAction,
    }

    /// Market Participant Position.
    ParticipantPosition b'L' 26 {
        /// The firm, four letters.
        mpid: [u8; 4],
        /// Ticker.
        stock: [u8; 8],
        /// Whether the firm is a primary market maker.
        primary: u8 as Flag,
        /// What the market maker does.
        mode: u8 as MarketMakerMode,
        /// Its registration.
        state: u8 as ParticipantState,
    }

    /// Market-Wide Circuit Breaker Decline Level: the three levels for the day, in units of 1e-8.
    MwcbDeclineLevel b'V' 35 {
        /// Level 1.
        level1: U64,
        /// Level 2.
        level2: U64,
        /// Level 3.
        level3: U64,
    }

    /// Market-Wide Circuit Breaker Status: a level was breached.
    MwcbStatus b'W' 12 {
        /// Which.
        breached: u8 as BreachedLevel,
    }

    /// Quoting Period Update: when an IPO's quotations start.
    IpoQuotingPeriod b'K' 28 {
        /// Ticker.
        stock: [u8; 8],
        /// When, in seconds since midnight.
        release_s: U32,
        /// Whether it stands.
        qualifier: u8 as IpoQualifier,
        /// The IPO price.
        price: U32,
    }

    /// Limit Up Limit Down Auction Collar: the prices between which a pause's reopening auction runs.
    AuctionCollar b'J' 35 {
        /// Ticker.
        stock: [u8; 8],
        /// The price the collar is around.
        reference: U32,
        /// The highest price.
        upper: U32,
        /// The lowest price.
        lower: U32,
        /// How often the auction was extended.
        extension: U32,
    }

    /// Operational Halt: one of the group's markets stopped or resumed a stock.
    OperationalHalt b'h' 21 {
        /// Ticker.
        stock: [u8; 8],
        /// Which market.
        market: u8 as MarketCode,
        /// Stopped or resumed.
        action: u8 as HaltAction,
    }

    /// Add Order, no MPID attribution: a displayed order joined the book.
    AddOrder b'A' 36 {
        /// Its number.
        order_ref: U64,
        /// Its side.
        side: u8 as Side,
        /// Displayed shares.
        shares: U32,
        /// Ticker.
        stock: [u8; 8],
        /// Limit price.
        price: U32,
    }

    /// Add Order with MPID attribution.
    AddOrderMpid b'F' 40 {
        /// Its number.
        order_ref: U64,
        /// Its side.
        side: u8 as Side,
        /// Displayed shares.
        shares: U32,
        /// Ticker.
        stock: [u8; 8],
        /// Limit price.
        price: U32,
        /// The firm that shows its name.
        attribution: [u8; 4],
    }

    /// Order Executed: at the order's own price.
    OrderExecuted b'E' 31 {
        /// The resting order.
        order_ref: U64,
        /// Shares traded.
        shares: U32,
        /// The execution.
        match_number: U64,
    }

    /// Order Executed With Price: at another price than the order's own.
    OrderExecutedWithPrice b'C' 36 {
        /// The resting order.
        order_ref: U64,
        /// Shares traded.
        shares: U32,
        /// The execution.
        match_number: U64,
        /// `No` where another message reports it, so that statistics leave it out.
        printable: u8 as Flag,
        /// The price it traded at.
        price: U32,
    }

    /// Order Cancel: an order lost shares and kept its place.
    OrderCancel b'X' 23 {
        /// The order.
        order_ref: U64,
        /// Shares taken away, not what is left.
        shares: U32,
    }

    /// Order Delete: an order left the book.
    OrderDelete b'D' 19 {
        /// The order.
        order_ref: U64,
    }

    /// Order Replace: an order left the book and another took its side and stock, at the back of its level.
    OrderReplace b'U' 35 {
        /// The order that left.
        old_ref: U64,
        /// The order that came.
        new_ref: U64,
        /// Displayed shares of the new one.
        shares: U32,
        /// Limit price of the new one.
        price: U32,
    }

    /// Trade, non-cross: an order that was not displayed traded.
    Trade b'P' 44 {
        /// 0: since 2010 it names no order.
        order_ref: U64,
        /// `Buy`, since 2014 whatever the order's side was.
        side: u8 as Side,
        /// Shares traded.
        shares: U32,
        /// Ticker.
        stock: [u8; 8],
        /// The price it traded at.
        price: U32,
        /// The execution.
        match_number: U64,
    }

    /// Cross Trade: an auction's bulk print.
    CrossTrade b'Q' 40 {
        /// Shares matched; 0 where nothing paired.
        shares: U64,
        /// Ticker.
        stock: [u8; 8],
        /// The auction's price.
        price: U32,
        /// The execution.
        match_number: U64,
        /// Which auction.
        cross: u8 as CrossType,
    }

    /// Broken Trade: an execution was broken. Books do not change.
    BrokenTrade b'B' 19 {
        /// The execution.
        match_number: U64,
    }

    /// Net Order Imbalance Indicator: what an auction would do now.
    Imbalance b'I' 50 {
        /// Shares that would pair at the reference price.
        paired: U64,
        /// Shares that would not.
        imbalance: U64,
        /// The side with more.
        direction: u8 as ImbalanceDirection,
        /// Ticker.
        stock: [u8; 8],
        /// Clearing price of the auction orders alone.
        far: U32,
        /// Clearing price with the continuous orders too.
        near: U32,
        /// The price at which `paired` holds.
        reference: U32,
        /// Which auction.
        cross: u8 as CrossType,
        /// How far `near` is from `reference`.
        variation: u8 as PriceVariation,
    }

    /// Retail Price Improvement Indicator.
    RetailPrice b'N' 20 {
        /// Ticker.
        stock: [u8; 8],
        /// On which side retail interest waits.
        interest: u8 as RetailInterest,
    }

    /// Direct Listing with Capital Raise Price Discovery.
    DirectListing b'O' 48 {
        /// Ticker.
        stock: [u8; 8],
        /// Whether it may be released to trade now.
        eligible: u8 as Flag,
        /// The lowest price it may open at, 20 % below the registered range.
        minimum: U32,
        /// The highest price it may open at, 80 % above the registered range.
        maximum: U32,
        /// The near price when the near price was last fixed.
        near_price: U32,
        /// When it was fixed, in nanoseconds since midnight.
        near_time_ns: U64,
        /// Lower price of the auction collar.
        lower: U32,
        /// Upper price of the auction collar.
        upper: U32,
    }
}
