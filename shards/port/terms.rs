//! From an order's letters, prices and options to what the floor is asked for.
//!
//! What the specification leaves to the venue, and what this one does:
//!
//! - **Time in force.** `5` (until extended hours end) stands for the day: this market has none. `E`
//!   (after hours only) is rejected with `DestinationClosed`. `ExpireTime` is read with `6` alone.
//! - **Cross.** `N`, `O` and `C`. `H` is taken before a re-opening, and what is left of it stands
//!   afterwards. `S`, `E` and `A` are rejected with `InvalidCrossOrder`, `R` with `RetailNotAllowed`.
//! - **Display.** `Y` and `A` are shown, with `MaxFloor` a part at a time; `N` is not. A peg is never
//!   shown, and is accepted with `N`.
//! - **Pegs.** `P`, `M` and `R`; an offset is added to what is followed, for bids and offers alike, is
//!   a number of ticks at the order's limit, and without a limit there is none. `Q` and `m` are
//!   rejected with `InvalidPegType`.
//! - **Discretion.** To a price alone; a discretion price that follows a quote is rejected with
//!   `PeggingNotAllowed`.
//! - **Minimum quantity.** Of an immediate order, what must fill at once (all of it: fill or kill); of
//!   a hidden one, what must fill at a time; of a shown one, rejected.
//! - **No meaning here.** `CustomerType`, `TradeNow`, `SharesLocated`, `LocateBroker` are taken and
//!   change nothing; `HandleInst` other than blank is rejected. `AiqGroupId` is rejected with
//!   `InvalidAiq`: who belongs together is the exchange's to set.
//!
//! Source: Nasdaq OUCH 5.0, 2.1, 2.2 and Appendix A.

use matching::{Display, Peg, PegTo, Phase, Price, Standing, Terms, Tick, TickTable, Trading};
use types::{Nanos, Px, Side};
use wire::ouch50::{
    self, CrossType, DiscretionType, Flag, HandleInst, Options, PRICE_MAX, PostOnly, PriceType,
    RejectReason, Tag, Tags, TimeInForce, is_market,
};

use crate::orders::{MARKET, MIDPOINT, RESERVE};

/// Options that change nothing of what the floor is asked for.
const IDLE: Tags = Tags::of(&[
    Tag::Firm,
    Tag::CustomerType,
    Tag::TradeNow,
    Tag::SharesLocated,
    Tag::LocateBroker,
    Tag::UserRefIdx,
    Tag::GroupId,
    Tag::Side,
    Tag::AiqStrategy,
]);

/// An order in the words of the wire.
pub(crate) struct Words<'a> {
    pub(crate) options: Options<'a>,
    pub(crate) side: Side,
    /// The shares that are to be open.
    pub(crate) quantity: u32,
    pub(crate) price: u64,
    pub(crate) time_in_force: TimeInForce,
    pub(crate) display: ouch50::Display,
    pub(crate) cross: CrossType,
    /// It sweeps several markets at once.
    pub(crate) is_sweep: bool,
}

/// What the floor is asked for.
pub(crate) struct Meaning {
    pub(crate) price: Price,
    pub(crate) standing: Standing,
    pub(crate) terms: Terms,
    /// The flags of its record.
    pub(crate) flags: u8,
    /// The letter of how it is shown.
    pub(crate) display: u8,
}

impl Words<'_> {
    /// Errors: the reason to reject the order for.
    #[inline]
    pub(crate) fn meaning(
        &self,
        now: Nanos,
        ticks: &TickTable,
        phase: Phase,
    ) -> Result<Meaning, RejectReason> {
        let price = match self.price {
            price if is_market(price) => Price::Market,
            price => Price::Limit(tick(ticks, price)?),
        };
        let mut meaning = Meaning {
            price,
            standing: Standing::Rest,
            terms: Terms::PLAIN,
            flags: if price == Price::Market { MARKET } else { 0 },
            display: self.display.byte(),
        };
        let is_plain = self.options.tags().beyond(IDLE).is_none()
            && self.time_in_force == TimeInForce::Day
            && self.display == ouch50::Display::Visible
            && self.cross == CrossType::Continuous;
        if !is_plain {
            self.time(now, &mut meaning)?;
            self.crossing(phase, &mut meaning)?;
            self.shown(&mut meaning)?;
            self.pegged(ticks, &mut meaning)?;
            self.minimum(&mut meaning)?;
            self.discretion(ticks, &mut meaning)?;
            self.extensions(ticks, &mut meaning)?;
        }
        Ok(meaning)
    }

    fn time(&self, now: Nanos, meaning: &mut Meaning) -> Result<(), RejectReason> {
        match self.time_in_force {
            TimeInForce::Day | TimeInForce::ExtendedHours => {}
            TimeInForce::ImmediateOrCancel => {
                meaning.standing = Standing::Immediate { min_qty: 0 };
            }
            TimeInForce::GoodTillTime => {
                let seconds = self.options.expire_time_s().unwrap_or(0);
                if !(1..86_400).contains(&seconds) {
                    return Err(RejectReason::Other);
                }
                meaning.terms.expires = now.saturating_add(Nanos::from_secs(seconds.into()));
            }
            TimeInForce::AfterHours => return Err(RejectReason::DestinationClosed),
        }
        if self.options.post_only() == Some(PostOnly::PostOnly) {
            if meaning.standing != Standing::Rest {
                return Err(RejectReason::Other);
            }
            meaning.standing = Standing::PostOnly;
        }
        Ok(())
    }

    fn crossing(&self, phase: Phase, meaning: &mut Meaning) -> Result<(), RejectReason> {
        meaning.terms.trading = match self.cross {
            CrossType::Continuous => return Ok(()),
            CrossType::Opening => Trading::AtOpen,
            CrossType::Closing => Trading::AtClose,
            CrossType::HaltOrIpo if matches!(phase, Phase::PreReopen | Phase::Paused) => {
                Trading::Any
            }
            CrossType::HaltOrIpo
            | CrossType::Supplemental
            | CrossType::ExtendedLife
            | CrossType::AfterHoursClose => return Err(RejectReason::InvalidCrossOrder),
            CrossType::Retail => return Err(RejectReason::RetailNotAllowed),
        };
        // It waits for its cross, which is the only moment that it has.
        if let Standing::Immediate { .. } = meaning.standing {
            meaning.standing = Standing::Rest;
        }
        Ok(())
    }

    fn shown(&self, meaning: &mut Meaning) -> Result<(), RejectReason> {
        let show = self.options.max_floor().unwrap_or(0);
        let random = self.options.random_reserves().unwrap_or(0);
        match self.display {
            ouch50::Display::Conformant => return Err(RejectReason::InvalidDisplay),
            ouch50::Display::Hidden if show != 0 => return Err(RejectReason::InvalidMaxFloor),
            ouch50::Display::Hidden => meaning.terms.display = Display::Hidden,
            ouch50::Display::Visible | ouch50::Display::Attributable => {}
        }
        if random != 0 && show <= random {
            return Err(RejectReason::InvalidMaxFloor);
        }
        let rests = !matches!(meaning.standing, Standing::Immediate { .. });
        if show != 0 && show < self.quantity && rests {
            meaning.terms.display = Display::Reserve { show, random };
            meaning.flags |= RESERVE;
        }
        match self.options.handle_inst() {
            None | Some(HandleInst::None) => Ok(()),
            Some(HandleInst::ImbalanceOnly) => Err(RejectReason::InvalidCrossOrder),
            Some(
                HandleInst::RetailType1
                | HandleInst::RetailType2
                | HandleInst::RetailPriceImprovement
                | HandleInst::RetailPriceImprovementHidden,
            ) => Err(RejectReason::RetailNotAllowed),
            Some(HandleInst::ExtendedLifeContinuous | HandleInst::DirectListing) => {
                Err(RejectReason::Other)
            }
        }
    }

    fn pegged(&self, ticks: &TickTable, meaning: &mut Meaning) -> Result<(), RejectReason> {
        let to = match self.options.price_type() {
            None | Some(PriceType::Limit) => return Ok(()),
            Some(PriceType::MarketPeg) => PegTo::Market,
            Some(PriceType::MidpointPeg) => PegTo::Midpoint,
            Some(PriceType::PrimaryPeg) => PegTo::Primary,
            Some(PriceType::MarketMakerPeg | PriceType::Midpoint) => {
                return Err(RejectReason::InvalidPegType);
            }
        };
        if let Display::Reserve { .. } = meaning.terms.display {
            return Err(RejectReason::InvalidMaxFloor);
        }
        let added = match (self.options.peg_offset().unwrap_or(0), meaning.price) {
            (0, _) => 0,
            (_, Price::Market | Price::MarketToLimit) => return Err(RejectReason::InvalidPrice),
            (offset, Price::Limit(at)) => in_ticks(ticks, at, offset)?,
        };
        let offset = match self.side {
            Side::Buy => added.checked_neg().ok_or(RejectReason::InvalidPrice)?,
            Side::Sell => added,
        };
        if offset < 0 && to != PegTo::Primary {
            return Err(RejectReason::InvalidPegType);
        }
        if to == PegTo::Midpoint {
            meaning.flags |= MIDPOINT;
        }
        meaning.terms.peg = Some(Peg { to, offset });
        meaning.terms.display = Display::Hidden;
        meaning.display = ouch50::Display::Hidden.byte();
        Ok(())
    }

    fn minimum(&self, meaning: &mut Meaning) -> Result<(), RejectReason> {
        let min_qty = match self.options.min_qty() {
            None | Some(0) => return Ok(()),
            Some(min_qty) if min_qty <= self.quantity => min_qty,
            Some(_) => return Err(RejectReason::InvalidMinQuantity),
        };
        match (meaning.standing, meaning.terms.display) {
            (Standing::Immediate { .. }, _) => meaning.standing = Standing::Immediate { min_qty },
            (Standing::Rest | Standing::PostOnly, Display::Hidden) => {
                meaning.terms.min_qty = min_qty;
            }
            (Standing::Rest | Standing::PostOnly, Display::Whole | Display::Reserve { .. }) => {
                return Err(RejectReason::InvalidMinQuantity);
            }
        }
        Ok(())
    }

    fn discretion(&self, ticks: &TickTable, meaning: &mut Meaning) -> Result<(), RejectReason> {
        match self.options.discretion_price_type() {
            None | Some(DiscretionType::Limit) => {}
            Some(
                DiscretionType::MarketPeg
                | DiscretionType::MidpointPeg
                | DiscretionType::PrimaryPeg,
            ) => return Err(RejectReason::PeggingNotAllowed),
        }
        let reach = match self.options.discretion_price() {
            None | Some(0) => return Ok(()),
            Some(price) => tick(ticks, price)?,
        };
        let is_beyond = match (meaning.price, self.side) {
            (Price::Market | Price::MarketToLimit, _) => false,
            (Price::Limit(limit), Side::Buy) => limit < reach,
            (Price::Limit(limit), Side::Sell) => reach < limit,
        };
        if !is_beyond {
            return Err(RejectReason::InvalidPrice);
        }
        meaning.terms.discretion = Some(reach);
        Ok(())
    }

    /// The options that are not OUCH 5.0's.
    fn extensions(&self, ticks: &TickTable, meaning: &mut Meaning) -> Result<(), RejectReason> {
        if let Some(price) = self.options.stop_price() {
            meaning.terms.stop = Some(tick(ticks, price)?);
        }
        if self.options.market_to_limit() == Some(Flag::Yes) {
            if meaning.price != Price::Market || meaning.terms.stop.is_some() {
                return Err(RejectReason::InvalidPrice);
            }
            meaning.price = Price::MarketToLimit;
        }
        Ok(())
    }
}

/// A price that an order may have. Errors: [`RejectReason::InvalidPrice`].
#[inline]
fn tick(ticks: &TickTable, price: u64) -> Result<Tick, RejectReason> {
    if price == 0 || PRICE_MAX < price {
        return Err(RejectReason::InvalidPrice);
    }
    // What is at most PRICE_MAX fits.
    ticks.tick(Px::from_price4(price as u32)).ok_or(RejectReason::InvalidPrice)
}

/// A distance on the wire as a count of ticks, by how far they are apart at `at`.
fn in_ticks(ticks: &TickTable, at: Tick, offset: i32) -> Result<i32, RejectReason> {
    let raw = |tick| ticks.px(tick).map(Px::raw);
    let step = raw(Tick::new(at.get() + 1)).zip(raw(at)).map(|(above, at)| above - at);
    let step = step.ok_or(RejectReason::InvalidPrice)?;
    let offset = i64::from(offset) * Px::from_price4(1).raw();
    if offset % step != 0 {
        return Err(RejectReason::InvalidPrice);
    }
    i32::try_from(offset / step).map_err(|_| RejectReason::InvalidPrice)
}

#[cfg(test)]
mod tests {
    use super::{Meaning, Words};
    use matching::{Display, Peg, PegTo, Phase, Price, Standing, Terms, Tick, TickTable, Trading};
    use types::{Nanos, Px, Side};
    use wire::ouch50::{
        self, APPENDAGE_MAX, Appendage, AppendageWriter, CrossType, Flag, MARKET_PRICE, PostOnly,
        PriceType, RejectReason, TagValue, TimeInForce,
    };

    const NOW: Nanos = Nanos::from_secs(100);
    /// 100.00 in ticks of a cent.
    const PAR: Tick = Tick::new(10_000);

    fn read(
        values: &[TagValue],
        change: impl FnOnce(&mut Words<'_>),
    ) -> Result<Meaning, RejectReason> {
        let ticks = TickTable::new(&[(Px::ZERO, Px::from_price4(100))]).unwrap();
        let mut room = [0; APPENDAGE_MAX];
        let mut writer = AppendageWriter::new(&mut room);
        for value in values {
            writer.push(*value).unwrap();
        }
        let appendage: Appendage<'_> = writer.finish();
        let mut words = Words {
            options: appendage.strict().unwrap(),
            side: Side::Buy,
            quantity: 500,
            price: 1_000_000,
            time_in_force: TimeInForce::Day,
            display: ouch50::Display::Visible,
            cross: CrossType::Continuous,
            is_sweep: false,
        };
        change(&mut words);
        words.meaning(NOW, &ticks, Phase::Paused)
    }

    type Change = fn(&mut Words<'_>);

    #[test]
    fn what_an_order_says_is_what_the_floor_is_asked_for() {
        use TagValue as V;
        let plain = Terms::PLAIN;
        let peg =
            |to, offset| Terms { peg: Some(Peg { to, offset }), display: Display::Hidden, ..plain };
        let none: Change = |_| {};
        let hidden: Change = |words| words.display = ouch50::Display::Hidden;
        let at_once: Change = |words| words.time_in_force = TimeInForce::ImmediateOrCancel;
        let sell: Change = |words| words.side = Side::Sell;
        let (rest, limit) = (Standing::Rest, Price::Limit(PAR));
        let cases: &[(Change, &[V], Standing, Terms)] = &[
            (none, &[], rest, plain),
            (none, &[V::Firm(*b"AAAA"), V::MinQty(0), V::MaxFloor(0)], rest, plain),
            (|words| words.time_in_force = TimeInForce::ExtendedHours, &[], rest, plain),
            (
                |words| words.time_in_force = TimeInForce::GoodTillTime,
                &[V::ExpireTime(20)],
                rest,
                Terms { expires: Nanos::from_secs(120), ..plain },
            ),
            (none, &[V::ExpireTime(20)], rest, plain),
            (at_once, &[], Standing::Immediate { min_qty: 0 }, plain),
            (at_once, &[V::MinQty(500)], Standing::Immediate { min_qty: 500 }, plain),
            (none, &[V::PostOnly(PostOnly::PostOnly)], Standing::PostOnly, plain),
            (hidden, &[], rest, Terms { display: Display::Hidden, ..plain }),
            (
                hidden,
                &[V::MinQty(9)],
                rest,
                Terms { display: Display::Hidden, min_qty: 9, ..plain },
            ),
            (
                none,
                &[V::MaxFloor(100), V::RandomReserves(20)],
                rest,
                Terms { display: Display::Reserve { show: 100, random: 20 }, ..plain },
            ),
            (none, &[V::MaxFloor(500)], rest, plain),
            (at_once, &[V::MaxFloor(100)], Standing::Immediate { min_qty: 0 }, plain),
            (none, &[V::PriceType(PriceType::MidpointPeg)], rest, peg(PegTo::Midpoint, 0)),
            // Two cents less eager, or one more.
            (
                none,
                &[V::PriceType(PriceType::MarketPeg), V::PegOffset(-200)],
                rest,
                peg(PegTo::Market, 2),
            ),
            (
                sell,
                &[V::PriceType(PriceType::MarketPeg), V::PegOffset(200)],
                rest,
                peg(PegTo::Market, 2),
            ),
            (
                none,
                &[V::PriceType(PriceType::PrimaryPeg), V::PegOffset(100)],
                rest,
                peg(PegTo::Primary, -1),
            ),
            (
                none,
                &[V::DiscretionPrice(1_000_500)],
                rest,
                Terms { discretion: Some(Tick::new(10_005)), ..plain },
            ),
            (none, &[V::StopPrice(1_000_000)], rest, Terms { stop: Some(PAR), ..plain }),
            (|words| words.cross = CrossType::HaltOrIpo, &[], rest, plain),
            (
                |words| words.cross = CrossType::Opening,
                &[],
                rest,
                Terms { trading: Trading::AtOpen, ..plain },
            ),
            (
                |words| {
                    words.cross = CrossType::Closing;
                    words.time_in_force = TimeInForce::ImmediateOrCancel;
                },
                &[],
                rest,
                Terms { trading: Trading::AtClose, ..plain },
            ),
        ];
        for (change, values, standing, terms) in cases {
            let Meaning { price, standing: got, terms: meant, .. } = read(values, change).unwrap();
            assert_eq!((price, got, meant), (limit, *standing, *terms), "{values:?}");
        }
        let market: Change = |words| words.price = MARKET_PRICE;
        assert_eq!(read(&[], market).unwrap().price, Price::Market);
        let to_limit = [V::MarketToLimit(Flag::Yes)];
        assert_eq!(read(&to_limit, market).unwrap().price, Price::MarketToLimit);
        assert_eq!(read(&to_limit, none).err(), Some(RejectReason::InvalidPrice));
        let shown = read(&[V::PriceType(PriceType::PrimaryPeg)], none).unwrap().display;
        assert_eq!(shown, b'N', "a peg is never shown");
    }
}
