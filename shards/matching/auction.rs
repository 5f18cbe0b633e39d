//! A cross of one instrument: who takes part, at which price, who is filled, and what becomes of those
//! who are not.
//!
//! Market orders trade first, then the better limit; at one limit those that are for the cross alone
//! come first, as they have no other chance, then the book's in the order of their queue. Within the
//! cross nobody is asked whose order it is: self-match is allowed. What stays in the book is never
//! crossed: orders that would still trade could only do so outside the collar, and those priced through
//! it end.

use types::{InstrumentId, Side};

use crate::cross::{Crossing, Interest, Span, crossing, eager, eagerness, merged};
use crate::floor::Floor;
use crate::waiting::{List, limit};
use crate::{Cross, Ended, Indication, OrderKey, Out, Phase, Report, Tick};

/// An order of a cross, and where it is.
struct Next {
    order: OrderKey,
    open: u32,
    /// Off the books; `None`: the first of its book.
    waiting: Option<u32>,
}

/// Which lists take part in a cross. Market orders that came in a pause wait for the next cross, the
/// close too.
const fn lists(cross: Cross) -> &'static [List] {
    match cross {
        Cross::Opening | Cross::Reopening => &[List::Open],
        Cross::Closing => &[List::Open, List::Close],
        Cross::Dark => &[],
    }
}

impl Floor {
    /// Crosses what there is: each pair, then [`Report::Uncrossed`], then the end of those that were for
    /// this cross alone.
    pub(crate) fn cross(&mut self, instrument: InstrumentId, cross: Cross, out: &mut impl Out) {
        self.market.set_trades(instrument, false);
        if self.days[instrument.index()].rules.dark.is_some() {
            // It has crosses of its own, or none; what waited for this one waited for nothing.
            for list in lists(cross) {
                self.end_list(instrument, *list, Ended::NotCrossed, |_| true, out);
            }
            return;
        }
        let (reference, collar) = self.collar(instrument);
        let all = self.would_cross(instrument, cross, collar, reference);
        let mut left = all.map_or(0, |crossing| crossing.paired);
        let (tick, qty) = (all.map(|crossing| crossing.tick), left);
        if let Some(tick) = tick {
            while let (true, Some(buy), Some(sell)) = (
                left != 0,
                self.next_in(instrument, cross, Side::Buy),
                self.next_in(instrument, cross, Side::Sell),
            ) {
                // No more than either has open, so it fits.
                let qty = left.min(u64::from(buy.open.min(sell.open))) as u32;
                left -= u64::from(qty);
                let buy_leaves = self.take_in(instrument, Side::Buy, &buy, qty);
                let sell_leaves = self.take_in(instrument, Side::Sell, &sell, qty);
                let (buy, sell, half) = (buy.order, sell.order, false);
                out.push(Report::Crossed { buy, sell, tick, half, qty, buy_leaves, sell_leaves });
                for side in Side::BOTH {
                    self.market.show_first(instrument, side, out);
                }
            }
            assert_eq!(left, 0, "what pairs is there");
            self.note_cross(instrument, tick);
        }
        out.push(Report::Uncrossed { instrument, cross, tick, half: false, qty });
        for list in lists(cross) {
            self.end_list(instrument, *list, Ended::NotCrossed, |_| true, out);
        }
        self.end_crossed(instrument, collar, out);
    }

    /// Ends what is left crossed outside the collar: whoever is priced through it.
    fn end_crossed(&mut self, instrument: InstrumentId, collar: Span, out: &mut impl Out) {
        while let (Some(bid), Some(offer)) =
            (self.market.first(instrument, Side::Buy), self.market.first(instrument, Side::Sell))
            && offer.tick <= bid.tick
        {
            let order = if collar.upper < bid.tick { bid.order } else { offer.order };
            self.dated.forget(order);
            self.market.end_order(order, Ended::Band, out);
        }
    }

    /// What takes part of one side, best price first.
    fn interest(
        &self,
        instrument: InstrumentId,
        cross: Cross,
        side: Side,
    ) -> impl Iterator<Item = Interest> {
        let of = |list: List| {
            let takes_part = lists(cross).contains(&list);
            takes_part.then(|| self.waiting.interest(instrument, list, side)).into_iter().flatten()
        };
        merged(side, of(List::Open), of(List::Close))
    }

    fn would_cross(
        &self,
        instrument: InstrumentId,
        cross: Cross,
        span: Span,
        reference: Tick,
    ) -> Option<Crossing> {
        let [bids, offers] = Side::BOTH.map(|side| self.all(instrument, cross, side));
        crossing(bids, offers, span, reference)
    }

    /// With the book.
    fn all(
        &self,
        instrument: InstrumentId,
        cross: Cross,
        side: Side,
    ) -> impl Iterator<Item = Interest> {
        let book = self.market.interest(instrument, side);
        merged(side, self.interest(instrument, cross, side), book)
    }

    /// The order of one side that trades next.
    fn next_in(&self, instrument: InstrumentId, cross: Cross, side: Side) -> Option<Next> {
        let rank = |id: u32| eagerness(side, limit(self.waiting.order(id)));
        let firsts = lists(cross).iter().filter_map(|l| self.waiting.first(instrument, *l, side));
        let waiting = firsts.min_by_key(|id| rank(*id));
        match (waiting, self.market.first(instrument, side)) {
            (Some(id), book)
                if book.is_none_or(|book| rank(id) <= eagerness(side, Some(book.tick))) =>
            {
                let order = &self.waiting.order(id).new;
                Some(Next { order: order.key, open: order.qty, waiting })
            }
            (_, book) => {
                book.map(|book| Next { order: book.order, open: book.open, waiting: None })
            }
        }
    }

    fn take_in(&mut self, instrument: InstrumentId, side: Side, next: &Next, qty: u32) -> u32 {
        match next.waiting {
            Some(id) => self.waiting.take(id, qty),
            None => self.market.take_first(instrument, side, qty),
        }
    }

    /// What the next cross is measured by, and between which prices it may be: the middle of the best
    /// prices in continuous trading, otherwise the band that led to a pause, the last trade, or, before there
    /// is one, the day's reference.
    fn collar(&self, instrument: InstrumentId) -> (Tick, Span) {
        let (gate, day) = (&self.gates[instrument.index()], &self.days[instrument.index()]);
        let last = day.held_at.or(gate.last).unwrap_or(day.reference);
        let best = Side::BOTH.map(|side| self.market.best(instrument, side));
        let reference = match best {
            [Some(bid), Some(offer)] if gate.phase == Phase::Continuous => {
                // Both have a place in the book, so their sum fits.
                Tick::new((bid.get() + offer.get()).div_euclid(2))
            }
            [None | Some(_), None | Some(_)] => last,
        };
        let collar = &day.rules.collar;
        let wider = collar.widen_bp.saturating_mul(u32::from(day.extensions));
        let around = day.rules.around(reference, collar.width_bp.saturating_add(wider));
        (reference, self.fixed_span(instrument).within(around))
    }

    /// Reports what the next cross is held to.
    pub(crate) fn tell_collar(&self, instrument: InstrumentId, out: &mut impl Out) {
        let (reference, Span { lower, upper }) = self.collar(instrument);
        out.push(Report::Collar { instrument, reference, lower, upper });
    }

    /// Whether the cross that ends a pause would be outside its collar, were there none.
    pub(crate) fn is_outside_collar(&self, instrument: InstrumentId) -> bool {
        let (reference, collar) = self.collar(instrument);
        let free = self.would_cross(instrument, Cross::Reopening, Span::ALL, reference);
        free.is_some_and(|crossing| !collar.holds(crossing.tick))
    }

    /// What the next cross would do: [`Report::Indicated`]. The reference is the price within the best bid
    /// and offer at which the most would pair, or within the collar where they are crossed or not both
    /// there; where nothing pairs there, it is the price nearest to what the cross is measured by.
    pub(crate) fn indicate(&self, instrument: InstrumentId, out: &mut impl Out) {
        let cross = match self.gates[instrument.index()].phase {
            Phase::PreOpen => Cross::Opening,
            Phase::PreReopen | Phase::Paused => Cross::Reopening,
            Phase::Continuous => Cross::Closing,
            Phase::Closed | Phase::Halted => return,
        };
        let (measure, collar) = self.collar(instrument);
        let [bids, offers] = Side::BOTH.map(|side| self.interest(instrument, cross, side));
        let far = crossing(bids, offers, collar, measure).map(|crossing| crossing.tick);
        let near = self.would_cross(instrument, cross, collar, measure).map(|at| at.tick);
        let within = match Side::BOTH.map(|side| self.market.best(instrument, side)) {
            [Some(lower), Some(upper)] if lower < upper => Span { lower, upper },
            [None | Some(_), None | Some(_)] => collar,
        };
        let at = self.would_cross(instrument, cross, within, measure).unwrap_or_else(|| {
            let tick = measure.max(within.lower).min(within.upper);
            let [bid, offered] =
                Side::BOTH.map(|side| eager(side, self.all(instrument, cross, side), tick));
            let side = match (bid, offered) {
                (0, 0) => None,
                (0, _) => Some(Side::Sell),
                (_, _) => Some(Side::Buy),
            };
            Crossing { tick, paired: 0, imbalance: bid + offered, side }
        });
        out.push(Report::Indicated(Indication {
            instrument,
            cross,
            paired: at.paired,
            imbalance: at.imbalance,
            side: at.side,
            far,
            near,
            reference: Some(at.tick),
        }));
    }
}
