//! The messages of DEEP 1.0, as the specification's tables.
//!
//! Prices are in units of 1e-4; times are nanoseconds since the epoch.

use super::code::*;
use super::{Head, Header};
use zerocopy::little_endian::{I64, U32};

messages! {
    header Head, any Header, longer true;

    /// System Event: the feed or the market opens or closes.
    SystemEvent b'S' 10 {
        /// What happened.
        event: u8 as EventCode,
        /// When.
        timestamp: I64,
    }

    /// Security Directory: a security that may trade today.
    SecurityDirectory b'D' 31 {
        /// Bit 7: test security; 6: when issued; 5: exchange-traded product.
        flags: u8,
        /// When.
        timestamp: I64,
        /// Ticker.
        symbol: [u8; 8],
        /// Shares in a round lot.
        round_lot: U32,
        /// The last official close, adjusted for corporate actions.
        adjusted_close: I64,
        /// Which limit-up limit-down band.
        luld_tier: u8 as LuldTier,
    }

    /// Trading Status: halted, paused, in an order acceptance period, or trading.
    TradingStatus b'H' 22 {
        /// The status now.
        state: u8 as TradingState,
        /// When.
        timestamp: I64,
        /// Ticker.
        symbol: [u8; 8],
        /// Why.
        reason: [u8; 4],
    }

    /// Retail Liquidity Indicator.
    RetailIndicator b'I' 18 {
        /// On which side retail liquidity waits.
        interest: u8 as RetailLiquidity,
        /// When.
        timestamp: I64,
        /// Ticker.
        symbol: [u8; 8],
    }

    /// Operational Halt Status: of this exchange alone.
    OperationalHalt b'O' 18 {
        /// The status now.
        state: u8 as OperationalState,
        /// When.
        timestamp: I64,
        /// Ticker.
        symbol: [u8; 8],
    }

    /// Short Sale Price Test Status.
    ShortSaleStatus b'P' 19 {
        /// The status now.
        state: u8 as ShortSaleState,
        /// When.
        timestamp: I64,
        /// Ticker.
        symbol: [u8; 8],
        /// Why.
        detail: u8 as ShortSaleDetail,
    }

    /// Security Event: the opening or closing process is complete.
    SecurityEvent b'E' 18 {
        /// What happened.
        event: u8 as SecurityEventCode,
        /// When.
        timestamp: I64,
        /// Ticker.
        symbol: [u8; 8],
    }

    /// Price Level Update, buy side.
    BuyLevel b'8' 30 {
        /// Bit 0: the last of the updates that belong together.
        flags: u8,
        /// When.
        timestamp: I64,
        /// Ticker.
        symbol: [u8; 8],
        /// All the shares displayed at the price; 0 removes the level.
        size: U32,
        /// The price.
        price: I64,
    }

    /// Price Level Update, sell side.
    SellLevel b'5' 30 {
        /// Bit 0: the last of the updates that belong together.
        flags: u8,
        /// When.
        timestamp: I64,
        /// Ticker.
        symbol: [u8; 8],
        /// All the shares displayed at the price; 0 removes the level.
        size: U32,
        /// The price.
        price: I64,
    }

    /// Trade Report: an execution, displayed or not.
    TradeReport b'T' 38 {
        /// Bit 7: intermarket sweep; 6: extended hours; 5: odd lot; 4: trade-through exempt;
        /// 3: single-price cross.
        flags: u8,
        /// When.
        timestamp: I64,
        /// Ticker.
        symbol: [u8; 8],
        /// Shares traded.
        size: U32,
        /// The price.
        price: I64,
        /// The execution, unique for the day.
        trade_id: I64,
    }

    /// Official Price: of the open or the close, for securities listed here.
    OfficialPrice b'X' 26 {
        /// Which.
        price_type: u8 as PriceType,
        /// When.
        timestamp: I64,
        /// Ticker.
        symbol: [u8; 8],
        /// The price.
        price: I64,
    }

    /// Trade Break: an execution was broken. Books do not change.
    TradeBreak b'B' 38 {
        /// As in the trade report.
        flags: u8,
        /// When.
        timestamp: I64,
        /// Ticker.
        symbol: [u8; 8],
        /// Shares of the execution.
        size: U32,
        /// Its price.
        price: I64,
        /// Which execution.
        trade_id: I64,
    }

    /// Auction Information: what an auction would do now.
    AuctionInformation b'A' 80 {
        /// Which auction.
        auction: u8 as AuctionType,
        /// When.
        timestamp: I64,
        /// Ticker.
        symbol: [u8; 8],
        /// Shares that would pair at the reference price, with orders on the auction book.
        paired: U32,
        /// The price at which `paired` holds.
        reference: I64,
        /// Clearing price with the continuous orders too.
        indicative: I64,
        /// Shares that would not pair.
        imbalance: U32,
        /// The side with more.
        imbalance_side: u8 as ImbalanceSide,
        /// How often the auction was extended.
        extension: u8,
        /// When it is due, in seconds since the epoch.
        scheduled_s: U32,
        /// Clearing price of the auction orders alone.
        book_clearing: I64,
        /// The price the collar is around.
        collar_reference: I64,
        /// Lower price of the collar.
        lower: I64,
        /// Upper price of the collar.
        upper: I64,
    }
}
