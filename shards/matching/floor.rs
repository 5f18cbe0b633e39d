//! All instruments of one exchange shard with their day: which orders are taken when, and what a
//! change of phase does to them. The books themselves are [`Market`]'s.

use alloc::vec;
use alloc::vec::Vec;

use types::{InstrumentId, Nanos, Side};

use crate::{
    Account, Capacity, Control, Ended, Market, Order, OrderKey, Out, Phase, Refused, Report, Rules,
    Terms,
};

/// The books of one exchange shard and their day. Begins closed.
pub struct Floor {
    market: Market,
    /// By instrument.
    phases: Vec<Phase>,
}

impl Floor {
    /// Everything closed and empty; see [`Market::new`].
    ///
    /// # Panics
    /// As [`Market::new`].
    pub fn new(capacity: Capacity, accounts: &[Account], rules: &[Rules]) -> Self {
        Self {
            market: Market::new(capacity, accounts, rules),
            phases: vec![Phase::default(); rules.len()],
        }
    }

    /// Enters an order: [`Report::Accepted`] and what follows from it, or [`Report::Refused`].
    #[inline]
    pub fn enter(&mut self, _now: Nanos, order: &Order, out: &mut impl Out) {
        let key = order.new.key;
        let refused = |why| Report::Refused { order: key, why };
        let Some(phase) = self.phases.get(order.new.instrument.index()) else {
            return out.push(refused(Refused::Instrument));
        };
        if *phase != Phase::Continuous {
            return out.push(refused(Refused::Phase));
        }
        if !is_of_the_book(&order.terms) {
            return out.push(refused(Refused::Terms));
        }
        self.market.enter_with(order, out);
    }

    /// Cancels a live order: [`Report::Cancelled`] or [`Report::Refused`].
    #[inline]
    pub fn cancel(&mut self, _now: Nanos, order: OrderKey, out: &mut impl Out) {
        self.market.cancel(order, out);
    }

    /// Puts an order in the place of a live one, of the same instrument, side and account:
    /// [`Report::Replaced`] and what follows from it. Where the old one is not live or the new number
    /// is another's, [`Report::Refused`]; where what it is to become is refused, the old one ends
    /// with [`Report::Cancelled`] after that.
    #[inline]
    pub fn replace(&mut self, _now: Nanos, old: OrderKey, order: &Order, out: &mut impl Out) {
        if !is_of_the_book(&order.terms) {
            return out.push(Report::Refused { order: order.new.key, why: Refused::Terms });
        }
        self.market.replace_with(old, order, out);
    }

    /// Carries out what the one who runs the market asks for: [`Report::Phase`], then what follows.
    /// What does not fit the phase is ignored; the answer says whether it fitted.
    pub fn control(
        &mut self,
        _now: Nanos,
        instrument: InstrumentId,
        control: Control,
        out: &mut impl Out,
    ) -> bool {
        let Some(phase) = self.phases.get_mut(instrument.index()) else { return false };
        let next = match (*phase, control) {
            (Phase::Closed, Control::PreOpen) => Phase::PreOpen,
            (Phase::PreOpen, Control::Open) => Phase::Continuous,
            (Phase::PreOpen | Phase::Continuous, Control::Halt) => Phase::Halted,
            (Phase::Halted, Control::PreReopen) => Phase::PreReopen,
            (Phase::PreReopen | Phase::Paused, Control::Reopen) => Phase::Continuous,
            (Phase::PreOpen | Phase::Continuous | Phase::Halted, Control::Close) => Phase::Closed,
            (
                Phase::Closed
                | Phase::PreOpen
                | Phase::Continuous
                | Phase::Halted
                | Phase::PreReopen
                | Phase::Paused,
                _,
            ) => return false,
        };
        *phase = next;
        out.push(Report::Phase { instrument, phase: next });
        if next == Phase::Closed {
            self.market.clear(instrument, Ended::Closed, out);
        }
        true
    }

    /// When [`Floor::on_deadline`] is wanted.
    #[inline]
    pub fn next_deadline(&self) -> Option<Nanos> {
        None
    }

    /// The time given by [`Floor::next_deadline`] has come.
    pub fn on_deadline(&mut self, _now: Nanos, _out: &mut impl Out) {}

    /// Where an instrument stands in its day.
    pub fn phase(&self, instrument: InstrumentId) -> Option<Phase> {
        self.phases.get(instrument.index()).copied()
    }

    /// The books.
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// The best price of one side; `None` where nothing rests there.
    pub fn best(&self, instrument: InstrumentId, side: Side) -> Option<crate::Tick> {
        self.market.best(instrument, side)
    }
}

/// Whether terms ask for nothing but what the books themselves do.
fn is_of_the_book(terms: &Terms) -> bool {
    let Terms { stop, trading, expires, .. } = *terms;
    Terms { stop, trading, expires, ..Terms::PLAIN }.is_plain()
}
