//! Crate `itch5` over the same stream, as its documentation shows: a handler on its `Parser`.

use std::ops::ControlFlow;

use itch5::messages::{
    AddOrderNoMPIDAttribution, AddOrderWithMPIDAttribution, BrokenTrade, BuySellIndicator,
    CrossTrade, CrossType, DirectListingwithCapitalRaisePriceDiscovery, ImbalanceDirection,
    LULDAuctionCollar, MWCBDeclineLevel, MWCBStatus, MarketParticipantPosition,
    NetOrderImbalanceIndicator, OperationalHalt, OrderCancel, OrderDelete, OrderExecuted,
    OrderExecutedWithPrice, OrderReplace, PriceVariationIndicator, Printable, QuotingPeriodUpdate,
    RegSHORestriction, RetailPriceImprovementIndicator, StockDirectory, StockTradingAction,
    SystemEvent, Trade,
};
use itch5::{MessageHandler, Parser};

use super::Checksum;

/// Decodes all messages of `file`.
///
/// # Errors
/// What the crate says.
pub fn decode(file: &[u8]) -> Result<Checksum, String> {
    let mut handler = Sum(Checksum::default());
    Parser::new(file).parse_stream(&mut handler).map_err(|error| error.to_string())?;
    Ok(handler.0)
}

struct Sum(Checksum);

impl Sum {
    #[inline(always)]
    fn add(&mut self, parts: &[u64]) -> ControlFlow<()> {
        self.0.add(parts.iter().fold(0u64, |sum, part| sum.wrapping_add(*part)));
        ControlFlow::Continue(())
    }
}

/// The sum of a message's header, then its other fields.
macro_rules! add {
    ($to:ident, $kind:literal, $m:ident . $locate:ident $(, $part:expr)* $(,)?) => {
        $to.add(&[
            $kind as u64 + u64::from($m.$locate()) + u64::from($m.tracking_number()) + $m.timestamp().to_u64(),
            $($part),*
        ])
    };
}

fn text4(text: &[u8]) -> u64 {
    text.first_chunk().map_or(0, |text| u64::from(u32::from_be_bytes(*text)))
}

fn side(side: BuySellIndicator) -> u64 {
    match side {
        BuySellIndicator::Buy => b'B'.into(),
        BuySellIndicator::Sell => b'S'.into(),
        BuySellIndicator::Unknown(other) => other.into(),
    }
}

fn printable(printable: Printable) -> u64 {
    match printable {
        Printable::Printable => b'Y'.into(),
        Printable::NonPrintable => b'N'.into(),
        Printable::Unknown(other) => other.into(),
    }
}

fn cross(cross: CrossType) -> u64 {
    match cross {
        CrossType::NasdaqOpeningCross => b'O'.into(),
        CrossType::NasdaqClosingCross => b'C'.into(),
        CrossType::IpoHaltedPaused => b'H'.into(),
        CrossType::ExtendedTradingClose => b'A'.into(),
        CrossType::Unknown(other) => other.into(),
    }
}

fn direction(direction: ImbalanceDirection) -> u64 {
    match direction {
        ImbalanceDirection::Buy => b'B'.into(),
        ImbalanceDirection::Sell => b'S'.into(),
        ImbalanceDirection::NoImbalance => b'N'.into(),
        ImbalanceDirection::InsufficientOrders => b'O'.into(),
        ImbalanceDirection::Paused => b'P'.into(),
        ImbalanceDirection::Unknown(other) => other.into(),
    }
}

fn variation(variation: PriceVariationIndicator) -> u64 {
    use PriceVariationIndicator as V;
    match variation {
        V::LessThan1Percent => b'L'.into(),
        V::Between1And1_99Percent => b'1'.into(),
        V::Between2And2_99Percent => b'2'.into(),
        V::Between3And3_99Percent => b'3'.into(),
        V::Between4And4_99Percent => b'4'.into(),
        V::Between5And5_99Percent => b'5'.into(),
        V::Between6And6_99Percent => b'6'.into(),
        V::Between7And7_99Percent => b'7'.into(),
        V::Between8And8_99Percent => b'8'.into(),
        V::Between9And9_99Percent => b'9'.into(),
        V::Between10And19_99Percent => b'A'.into(),
        V::Between20And29_99Percent => b'B'.into(),
        V::GreaterOrEqualTo30Percent => b'C'.into(),
        V::CannotBeCalculated => b' '.into(),
        V::Unknown(other) => other.into(),
    }
}

impl MessageHandler for Sum {
    #[inline(always)]
    fn on_add_order_no_mpid_attribution(
        &mut self,
        m: &AddOrderNoMPIDAttribution,
    ) -> ControlFlow<()> {
        add!(
            self,
            b'A',
            m.stock_locate,
            m.order_reference_number(),
            side(m.buy_sell_indicator()),
            m.shares().into(),
            m.stock().to_u64(),
            m.price().into_u32().into(),
        )
    }
    #[inline(always)]
    fn on_add_order_with_mpid_attribution(
        &mut self,
        m: &AddOrderWithMPIDAttribution,
    ) -> ControlFlow<()> {
        add!(
            self,
            b'F',
            m.stock_locate,
            m.order_reference_number(),
            side(m.buy_sell_indicator()),
            m.shares().into(),
            m.stock().to_u64(),
            m.price().into_u32().into(),
            text4(m.attribution()),
        )
    }
    #[inline(always)]
    fn on_order_executed(&mut self, m: &OrderExecuted) -> ControlFlow<()> {
        add!(
            self,
            b'E',
            m.stock_locate,
            m.order_reference_number(),
            m.executed_shares().into(),
            m.match_number(),
        )
    }
    #[inline(always)]
    fn on_order_executed_with_price(&mut self, m: &OrderExecutedWithPrice) -> ControlFlow<()> {
        add!(
            self,
            b'C',
            m.stock_locate,
            m.order_reference_number(),
            m.executed_shares().into(),
            m.match_number(),
            printable(m.printable()),
            m.execution_price().into_u32().into(),
        )
    }
    #[inline(always)]
    fn on_order_cancel(&mut self, m: &OrderCancel) -> ControlFlow<()> {
        add!(self, b'X', m.stock_locate, m.order_reference_number(), m.cancelled_shares().into())
    }
    #[inline(always)]
    fn on_order_delete(&mut self, m: &OrderDelete) -> ControlFlow<()> {
        add!(self, b'D', m.stock_locate, m.order_reference_number())
    }
    #[inline(always)]
    fn on_order_replace(&mut self, m: &OrderReplace) -> ControlFlow<()> {
        add!(
            self,
            b'U',
            m.stock_locate,
            m.original_order_reference_number(),
            m.new_order_reference_number(),
            m.shares().into(),
            m.price().into_u32().into(),
        )
    }
    #[inline(always)]
    fn on_trade(&mut self, m: &Trade) -> ControlFlow<()> {
        add!(
            self,
            b'P',
            m.stock_locate,
            m.order_reference_number(),
            side(m.buy_sell_indicator()),
            m.shares().into(),
            m.stock().to_u64(),
            m.price().into_u32().into(),
            m.match_number(),
        )
    }
    #[inline(always)]
    fn on_cross_trade(&mut self, m: &CrossTrade) -> ControlFlow<()> {
        add!(
            self,
            b'Q',
            m.stock_locate,
            m.shares(),
            m.stock().to_u64(),
            m.cross_price().into_u32().into(),
            m.match_number(),
            cross(m.cross_type()),
        )
    }
    #[inline(always)]
    fn on_broken_trade(&mut self, m: &BrokenTrade) -> ControlFlow<()> {
        add!(self, b'B', m.stock_locate, m.match_number())
    }
    #[inline(always)]
    fn on_net_order_imbalance_indicator(
        &mut self,
        m: &NetOrderImbalanceIndicator,
    ) -> ControlFlow<()> {
        add!(
            self,
            b'I',
            m.stock_locate,
            m.paired_shares(),
            m.imbalance_shares(),
            direction(m.imbalance_direction()),
            m.stock().to_u64(),
            m.far_price().into_u32().into(),
            m.near_price().into_u32().into(),
            m.current_reference_price().into_u32().into(),
            cross(m.cross_type()),
            variation(m.price_variation_indicator()),
        )
    }
    fn on_system_event(&mut self, m: &SystemEvent) -> ControlFlow<()> {
        add!(self, b'S', m.stock_locate)
    }
    fn on_stock_directory(&mut self, m: &StockDirectory) -> ControlFlow<()> {
        add!(
            self,
            b'R',
            m.stock_locate,
            m.stock().to_u64(),
            m.round_lot_size().into(),
            m.etp_leverage_factor().into(),
        )
    }
    fn on_stock_trading_action(&mut self, m: &StockTradingAction) -> ControlFlow<()> {
        add!(self, b'H', m.stock_locate, m.stock().to_u64())
    }
    fn on_reg_sho_restriction(&mut self, m: &RegSHORestriction) -> ControlFlow<()> {
        add!(self, b'Y', m.locate_code, m.stock().to_u64())
    }
    fn on_market_participant_position(&mut self, m: &MarketParticipantPosition) -> ControlFlow<()> {
        add!(self, b'L', m.stock_locate, text4(m.mpid()), m.stock().to_u64())
    }
    fn on_mwcb_decline_level(&mut self, m: &MWCBDeclineLevel) -> ControlFlow<()> {
        add!(
            self,
            b'V',
            m.stock_locate,
            m.level_1().into_u64(),
            m.level_2().into_u64(),
            m.level_3().into_u64(),
        )
    }
    fn on_mwcb_status(&mut self, m: &MWCBStatus) -> ControlFlow<()> {
        add!(self, b'W', m.stock_locate)
    }
    fn on_quoting_period_update(&mut self, m: &QuotingPeriodUpdate) -> ControlFlow<()> {
        add!(
            self,
            b'K',
            m.stock_locate,
            m.stock().to_u64(),
            m.ipo_quotation_release_time().into(),
            m.ipo_price().into_u32().into(),
        )
    }
    fn on_luld_auction_collar(&mut self, m: &LULDAuctionCollar) -> ControlFlow<()> {
        add!(
            self,
            b'J',
            m.stock_locate,
            m.stock().to_u64(),
            m.auction_collar_reference_price().into_u32().into(),
            m.upper_auction_collar_price().into_u32().into(),
            m.lower_auction_collar_price().into_u32().into(),
            m.auction_collar_extension().into_u32().into(),
        )
    }
    fn on_operational_halt(&mut self, m: &OperationalHalt) -> ControlFlow<()> {
        add!(self, b'h', m.stock_locate, m.stock().to_u64())
    }
    fn on_retail_price_improvement_indicator(
        &mut self,
        m: &RetailPriceImprovementIndicator,
    ) -> ControlFlow<()> {
        add!(self, b'N', m.stock_locate, m.stock().to_u64())
    }
    fn on_direct_listing_with_capital_raise_price_discovery(
        &mut self,
        m: &DirectListingwithCapitalRaisePriceDiscovery,
    ) -> ControlFlow<()> {
        add!(
            self,
            b'O',
            m.stock_locate,
            m.stock().to_u64(),
            m.minimum_allowable_price().into_u32().into(),
            m.maximum_allowable_price().into_u32().into(),
            m.near_execution_price().into_u32().into(),
            m.near_execution_time(),
            m.lower_price_range_collar().into_u32().into(),
            m.upper_price_range_collar().into_u32().into(),
        )
    }
}
