//! The rare orders: every type that OUCH 5.0 can express, each as options and codes put on a plain order.
//!
//! Market-to-limit and stop orders have no form in OUCH 5.0. Source: Nasdaq OUCH 5.0, 2.1 and Appendix A.

use wire::ouch50::{
    CrossType, DiscretionType, Display, Flag, MARKET_PRICE, PostOnly, PriceType, Side, TagValue,
    TimeInForce,
};

use super::market::Market;
use crate::generate::dice::Dice;

/// A kind of order that few are of. With `variety` a quarter of new orders are, each kind as likely as
/// another among those that are immediate or those that rest; so the share of immediate orders stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rare {
    /// All at once or nothing: immediate, its minimum its quantity.
    FillOrKill,
    /// Immediate with a minimum of half its quantity.
    MinQuantity,
    /// At any price, immediate.
    Market,
    /// Adds liquidity only.
    PostOnly,
    /// Shows a part.
    Reserve,
    /// Shows a part that differs each time.
    RandomReserve,
    /// Shows nothing.
    Hidden,
    /// Shows nothing, and trades 100 shares at once or more.
    HiddenMinQuantity,
    /// Follows the best of its own side, a little behind.
    PrimaryPeg,
    /// Follows the best of the other side, a little behind.
    MarketPeg,
    /// Follows the midpoint, hidden.
    MidpointPeg,
    /// Trades up to a second price.
    Discretionary,
    /// Trades up to the midpoint.
    DiscretionaryPeg,
    /// Stands for up to a minute.
    GoodTillTime,
    /// For the opening cross, at a limit.
    LimitOnOpen,
    /// For the closing cross, at a limit.
    LimitOnClose,
    /// For the opening cross, at any price.
    MarketOnOpen,
    /// For the closing cross, at any price.
    MarketOnClose,
    /// A short sale, shares located.
    ShortSale,
    /// A short sale exempt from the price test.
    ShortSaleExempt,
}

impl Rare {
    /// Those that do not rest.
    pub const IMMEDIATE: [Self; 3] = [Self::FillOrKill, Self::MinQuantity, Self::Market];

    /// Those that may.
    pub const RESTING: [Self; 17] = [
        Self::PostOnly,
        Self::Reserve,
        Self::RandomReserve,
        Self::Hidden,
        Self::HiddenMinQuantity,
        Self::PrimaryPeg,
        Self::MarketPeg,
        Self::MidpointPeg,
        Self::Discretionary,
        Self::DiscretionaryPeg,
        Self::GoodTillTime,
        Self::LimitOnOpen,
        Self::LimitOnClose,
        Self::MarketOnOpen,
        Self::MarketOnClose,
        Self::ShortSale,
        Self::ShortSaleExempt,
    ];

    /// One of a quarter of the orders, or none.
    pub(super) fn draw(immediate: bool, dice: &mut Dice) -> Option<Self> {
        if !dice.chance(64) {
            return None;
        }
        let kinds: &[Self] = if immediate { &Self::IMMEDIATE } else { &Self::RESTING };
        let at = dice.below(kinds.len() as u32) as usize;
        kinds.get(at).copied()
    }

    /// It can only be a sale.
    pub(super) fn sells(self) -> bool {
        matches!(self, Self::ShortSale | Self::ShortSaleExempt)
    }
}

/// A new order before it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    pub(super) side: Side,
    pub(super) quantity: u32,
    /// In units of 1e-4.
    pub(super) price: u64,
    pub(super) time_in_force: TimeInForce,
    pub(super) display: Display,
    pub(super) cross: CrossType,
    pub(super) options: [Option<TagValue>; 2],
}

impl Draft {
    /// A limit order for the continuous market.
    pub(super) fn plain(buy: bool, quantity: u32, price: u64, immediate: bool) -> Self {
        Self {
            side: if buy { Side::Buy } else { Side::Sell },
            quantity,
            price,
            time_in_force: if immediate {
                TimeInForce::ImmediateOrCancel
            } else {
                TimeInForce::Day
            },
            display: Display::Visible,
            cross: CrossType::Continuous,
            options: [None; 2],
        }
    }

    /// Whether its price follows something, so that it is not where it was entered.
    pub(super) fn is_pegged(&self) -> bool {
        let follows = |option: &TagValue| matches!(option, TagValue::PriceType(_));
        self.options.iter().flatten().any(follows)
    }

    /// Makes a plain order one of a rare kind.
    pub(super) fn become_rare(&mut self, rare: Rare, market: &Market, dice: &mut Dice) {
        let tick = market.tick();
        let buy = self.side == Side::Buy;
        // A few ticks, behind the market for a peg and into it for discretion.
        let few = (1 + u64::from(dice.below(4))) * tick;
        let short = i32::try_from(few).unwrap_or(i32::MAX);
        let back = if buy { -short } else { short };
        let into = if buy { self.price + few } else { self.price.saturating_sub(few).max(tick) };
        match rare {
            Rare::FillOrKill => self.options[0] = Some(TagValue::MinQty(self.quantity)),
            Rare::MinQuantity => {
                self.options[0] = Some(TagValue::MinQty(self.quantity.div_ceil(2)));
            }
            Rare::Market => self.price = MARKET_PRICE,
            Rare::PostOnly => self.options[0] = Some(TagValue::PostOnly(PostOnly::PostOnly)),
            Rare::Reserve | Rare::RandomReserve => {
                self.quantity = 100 * (6 + dice.below(15));
                self.options[0] = Some(TagValue::MaxFloor(100 * (2 + dice.below(3))));
                if rare == Rare::RandomReserve {
                    self.options[1] = Some(TagValue::RandomReserves(100));
                }
            }
            Rare::Hidden => self.display = Display::Hidden,
            Rare::HiddenMinQuantity => {
                self.display = Display::Hidden;
                self.quantity = self.quantity.max(100);
                self.options[0] = Some(TagValue::MinQty(100));
            }
            Rare::PrimaryPeg => self.follow(PriceType::PrimaryPeg, back, into),
            Rare::MarketPeg => self.follow(PriceType::MarketPeg, back, into),
            Rare::MidpointPeg => {
                self.display = Display::Hidden;
                self.follow(PriceType::MidpointPeg, 0, into);
            }
            Rare::Discretionary => self.options[0] = Some(TagValue::DiscretionPrice(into)),
            Rare::DiscretionaryPeg => {
                let follows = DiscretionType::MidpointPeg;
                self.options[0] = Some(TagValue::DiscretionPriceType(follows));
                self.options[1] = Some(TagValue::DiscretionPegOffset(back));
            }
            Rare::GoodTillTime => {
                self.time_in_force = TimeInForce::GoodTillTime;
                self.options[0] = Some(TagValue::ExpireTime(1 + dice.below(60)));
            }
            Rare::LimitOnOpen => self.cross = CrossType::Opening,
            Rare::LimitOnClose => self.cross = CrossType::Closing,
            Rare::MarketOnOpen => {
                (self.cross, self.price) = (CrossType::Opening, MARKET_PRICE);
            }
            Rare::MarketOnClose => {
                (self.cross, self.price) = (CrossType::Closing, MARKET_PRICE);
            }
            Rare::ShortSale => {
                self.side = Side::SellShort;
                self.options[0] = Some(TagValue::SharesLocated(Flag::Yes));
            }
            Rare::ShortSaleExempt => self.side = Side::SellShortExempt,
        }
    }

    /// Follows a price, as far as a limit that is a little into the market.
    fn follow(&mut self, what: PriceType, offset: i32, limit: u64) {
        self.price = limit;
        self.options[0] = Some(TagValue::PriceType(what));
        self.options[1] = Some(TagValue::PegOffset(offset));
    }
}
