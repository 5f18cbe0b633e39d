//! What a port and a firm may do: from the configuration, changed live by command.

use crate::{Distance, Notional, Rate};

/// A kind of order that may be forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Without a limit.
    Market = 1 << 0,
    /// A short sale not marked exempt.
    Short = 1 << 1,
    /// A short sale marked exempt.
    ShortExempt = 1 << 2,
    /// An intermarket sweep.
    Sweep = 1 << 3,
    /// May trade before the market opens.
    PreMarket = 1 << 4,
    /// Trades after the market closes.
    PostMarket = 1 << 5,
    /// A market order to buy in an initial offering.
    OfferingMarketBuy = 1 << 6,
}

/// Kinds of orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// And this one.
    #[inline]
    #[must_use]
    pub const fn and(self, kind: Kind) -> Self {
        Self(self.0 | kind as u8)
    }

    /// And this one where `it_is`.
    #[inline]
    pub(super) const fn and_if(self, kind: Kind, it_is: bool) -> Self {
        if it_is { self.and(kind) } else { self }
    }

    /// Those of either.
    #[inline]
    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any is in both.
    #[inline]
    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    #[inline]
    pub(super) const fn has(self, kind: Kind) -> bool {
        self.0 & kind as u8 != 0
    }
}

/// What one order may be. A port has one and a firm has one; an order must keep to both. By default
/// nothing is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Shares of one order; `u32::MAX` for no limit.
    pub qty_max: u32,
    /// What one order may be worth; [`Notional::MAX`] for no limit.
    pub notional_max: Notional,
    /// How far through the reference it may be priced: a buy above, a sell below.
    pub collar: Distance,
    /// How far from the reference it may be priced, on either side.
    pub fat_finger: Distance,
    /// Kinds that are not allowed.
    pub forbidden: Kinds,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            qty_max: u32::MAX,
            notional_max: Notional::MAX,
            collar: Distance::NONE,
            fat_finger: Distance::NONE,
            forbidden: Kinds::NONE,
        }
    }
}

impl Limits {
    /// The tighter of both in everything.
    #[inline]
    pub(super) fn tighter(&self, other: &Self) -> Self {
        Self {
            qty_max: self.qty_max.min(other.qty_max),
            notional_max: self.notional_max.min(other.notional_max),
            collar: self.collar.tighter(other.collar),
            fat_finger: self.fat_finger.tighter(other.fat_finger),
            forbidden: self.forbidden.or(other.forbidden),
        }
    }
}

/// A port's limits. Rates count entries and replacements, denied or not; never a cancel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortLimits {
    /// Of each order.
    pub order: Limits,
    /// Entries and replacements.
    pub rate: Option<Rate>,
    /// Entries and replacements in any one instrument.
    pub symbol_rate: Option<Rate>,
    /// Entries of the same instrument, side, quantity and price.
    pub duplicate_rate: Option<Rate>,
}

/// A firm's limits. Its credit is a line, see [`PortRisk::firm_line`](super::PortRisk::firm_line).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FirmLimits {
    /// Of each order.
    pub order: Limits,
    /// What is sold short must be easy to borrow or located.
    pub must_locate: bool,
}

/// Lists of a firm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Not to be traded.
    Restricted,
    /// Not to be sold short, unless exempt.
    ShortRestricted,
    /// May be sold short without a locate.
    EasyToBorrow,
}
