//! Between which prices an instrument may trade: fixed for the day, around the last trade, and limit up,
//! limit down. What may trade lies in all of them.
//!
//! No trade is outside. An order with a limit beyond its band is refused, new or changed, as a port can
//! say so at once and a price that was not asked for is nobody's wish; a market order and an immediate
//! one trade up to the band, and what is left of them ends as it does where the book ends. Resting orders
//! that the bands leave behind end.

use types::{InstrumentId, Nanos, Side};

use crate::cross::Span;
use crate::floor::Floor;
use crate::luld::Luld;
use crate::{Ended, Out, Phase, Report};

impl Floor {
    /// Between which prices an instrument may trade as it stands.
    pub(crate) fn span(&self, instrument: InstrumentId) -> Span {
        let (gate, day) = (&self.gates[instrument.index()], &self.days[instrument.index()]);
        let fixed = self.still_span(instrument);
        if day.rules.dynamic_bp == 0 || gate.phase != Phase::Continuous {
            return fixed;
        }
        let last = gate.last.unwrap_or(day.reference);
        fixed.within(day.rules.around(last, day.rules.dynamic_bp))
    }

    /// Those of the bands that trades do not move.
    pub(crate) fn still_span(&self, instrument: InstrumentId) -> Span {
        let fixed = self.fixed_span(instrument);
        self.limits(instrument).map_or(fixed, |limits| fixed.within(limits))
    }

    /// The bands that hold all day.
    pub(crate) fn fixed_span(&self, instrument: InstrumentId) -> Span {
        let day = &self.days[instrument.index()];
        match day.rules.static_bp {
            0 => Span::ALL,
            bp => day.rules.around(day.reference, bp),
        }
    }

    /// Sets between which prices an instrument may trade from now on, as it stands.
    pub(crate) fn hold(&mut self, instrument: InstrumentId) {
        let span = self.span(instrument);
        self.gates[instrument.index()].span = span;
        self.market.hold(instrument, span);
    }

    /// Reports bands that have changed, and ends what rests beyond them: it could trade at its price no
    /// more, and would stand in the way of what can. Pegs stay, and follow their quote as far as the
    /// bands. Answers whether the bands have changed: what can trade now has not done so.
    pub(crate) fn tell_bands(&mut self, instrument: InstrumentId, out: &mut impl Out) -> bool {
        let at = instrument.index();
        let span = self.gates[at].span;
        if span == self.days[at].told {
            return false;
        }
        self.days[at].told = span;
        self.hold_quote(instrument);
        if span == Span::ALL {
            return true;
        }
        let Span { lower, upper } = span;
        out.push(Report::Bands { instrument, lower, upper });
        for side in Side::BOTH {
            let bound = match side {
                Side::Buy => upper,
                Side::Sell => lower,
            };
            while let Some(order) = self.market.first_beyond(instrument, side, bound) {
                self.dated.forget(order);
                self.market.end_unwoken(order, Ended::Band, out);
            }
        }
        true
    }

    /// Begins the limits where continuous trading does: at its first price.
    pub(crate) fn limit(&mut self, now: Nanos, instrument: InstrumentId) {
        let (gate, day) = (&mut self.gates[instrument.index()], &mut self.days[instrument.index()]);
        let rules = day.rules.luld.filter(|_| gate.phase == Phase::Continuous);
        let [close, reference] =
            [day.reference, gate.last.unwrap_or(day.reference)].map(|at| day.rules.ticks.px(at));
        day.luld = rules.zip(close.zip(reference)).map(|(rules, (close, reference))| {
            Luld::start(rules, close, reference, now, self.midnight)
        });
        day.limited = now;
    }

    /// Limit up and limit down, rounded towards each other.
    pub(crate) fn limits(&self, instrument: InstrumentId) -> Option<Span> {
        let day = self.days.get(instrument.index())?;
        let (lower, upper) = day.luld?.bands(day.limited)?;
        let ticks = &day.rules.ticks;
        Some(Span { lower: ticks.at_or_above(lower), upper: ticks.at_or_below(upper) })
    }

    /// Reports that the best price of a side stands at its limit, or no more.
    pub(crate) fn tell_limit(&mut self, now: Nanos, instrument: InstrumentId, out: &mut impl Out) {
        let Some(limits) = self.limits(instrument) else { return };
        let [bid, offer] = Side::BOTH.map(|side| self.market.best(instrument, side));
        let side = match (bid, offer) {
            (Some(bid), _) if limits.upper <= bid => Some(Side::Buy),
            (_, Some(offer)) if offer <= limits.lower => Some(Side::Sell),
            (None | Some(_), None | Some(_)) => None,
        };
        if let Some(luld) = &mut self.days[instrument.index()].luld
            && luld.on_top(now, side)
        {
            out.push(Report::LimitState { instrument, side });
            self.arm(instrument);
        }
    }

    /// A time of the limits has come: other bands, or a pause.
    pub(crate) fn on_limit_time(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        out: &mut impl Out,
    ) {
        let (at, limits) = (instrument.index(), self.limits(instrument));
        let day = &mut self.days[at];
        day.limited = now;
        match (day.luld.as_mut().and_then(|luld| luld.on_deadline(now)), limits) {
            (Some(side), Some(limits)) => {
                day.held_at = Some(if side == Side::Buy { limits.upper } else { limits.lower });
                self.go(now, instrument, Phase::Paused, out);
            }
            (None | Some(_), None | Some(_)) => {
                self.hold(instrument);
                self.follow(now, instrument, None, out);
            }
        }
    }
}
