//! How one instrument's day goes: what happens when, and between which prices. Knows no clock and no
//! time zone: a time of day counts from a midnight that the floor is told.

use types::Nanos;

use crate::cross::Span;
use crate::{DarkRules, LuldRules, Tick, TickTable};

/// Times of day. What has none happens by [`crate::Control`], or never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Orders are taken.
    pub pre_open: Option<Nanos>,
    /// Indications of the opening cross begin; without it, as soon as orders are taken.
    pub open_imbalance: Option<Nanos>,
    /// From here on market orders for the opening cross are neither taken, changed nor cancelled.
    pub market_on_open_until: Option<Nanos>,
    /// The same for limit orders.
    pub limit_on_open_until: Option<Nanos>,
    /// The opening cross.
    pub open: Option<Nanos>,
    /// Indications of the closing cross begin; without it there are none.
    pub close_imbalance: Option<Nanos>,
    /// From here on market orders for the closing cross are neither taken, changed nor cancelled.
    pub market_on_close_until: Option<Nanos>,
    /// The same for limit orders.
    pub limit_on_close_until: Option<Nanos>,
    /// The closing cross.
    pub close: Option<Nanos>,
}

/// What a schedule does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    PreOpen,
    Open,
    Close,
}

impl Schedule {
    /// No times: all is done by hand.
    pub const BY_HAND: Self = Self {
        pre_open: None,
        open_imbalance: None,
        market_on_open_until: None,
        limit_on_open_until: None,
        open: None,
        close_imbalance: None,
        market_on_close_until: None,
        limit_on_close_until: None,
        close: None,
    };

    /// The steps of a day, in their order.
    pub(crate) const fn steps(&self) -> [(Step, Option<Nanos>); 3] {
        [(Step::PreOpen, self.pre_open), (Step::Open, self.open), (Step::Close, self.close)]
    }

    /// Whether its steps follow one another.
    pub(crate) fn is_in_order(&self) -> bool {
        self.steps().iter().filter_map(|(_, time)| *time).is_sorted()
    }
}

/// Between which prices a cross may be, in basis points of what they lie around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collar {
    /// Up and down, of the price it lies around.
    pub width_bp: u32,
    /// By how much more, each time that the end of a pause is put off.
    pub widen_bp: u32,
    /// How often it may be put off, because the cross would be outside.
    pub extensions_max: u8,
}

/// How one instrument's day goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRules {
    /// When.
    pub schedule: Schedule,
    /// What its ticks are worth.
    pub ticks: TickTable,
    /// What its prices are measured by until it has traded: the last close. Later days begin with the
    /// last trade before them.
    pub reference: Tick,
    /// Between which prices its crosses may be.
    pub collar: Collar,
    /// How far apart indications are; zero for none.
    pub imbalance_every: Nanos,
    /// How far trades may be from the day's reference, in basis points; 0 for anywhere.
    pub static_bp: u32,
    /// How far trades may be from the last one, in basis points; 0 for anywhere.
    pub dynamic_bp: u32,
    /// Limit up, limit down.
    pub luld: Option<LuldRules>,
    /// It trades at the midpoint of a quote from elsewhere, and has no other cross; `None` where it makes its
    /// own prices.
    pub dark: Option<DarkRules>,
}

impl DayRules {
    /// A day by hand, with crosses within 10 % of what they are measured by, an indication each second,
    /// and no bands.
    pub const fn by_hand(ticks: TickTable, reference: Tick) -> Self {
        Self {
            schedule: Schedule::BY_HAND,
            ticks,
            reference,
            collar: Collar { width_bp: 1_000, widen_bp: 500, extensions_max: 3 },
            imbalance_every: Nanos::from_secs(1),
            static_bp: 0,
            dynamic_bp: 0,
            luld: None,
            dark: None,
        }
    }

    /// The ticks no further from one than so many basis points of its price. A tick without a price is
    /// held by nothing.
    pub(crate) fn around(&self, tick: Tick, bp: u32) -> Span {
        let Some(px) = self.ticks.px(tick) else { return Span::ALL };
        // A price times 2^32 fits 128 bits; what is further than prices go is held by nothing.
        let away = i128::from(px.raw()).abs() * i128::from(bp) / 10_000;
        let ends = i64::try_from(away)
            .ok()
            .and_then(|away| Some((px.raw().checked_sub(away)?, px.raw().checked_add(away)?)));
        ends.map_or(Span::ALL, |(lower, upper)| Span {
            lower: self.ticks.at_or_above(types::Px::from_raw(lower)),
            upper: self.ticks.at_or_below(types::Px::from_raw(upper)),
        })
    }
}
