//! An instrument goes through its day: by command, by schedule, and by the end of a pause. What is due
//! is done one instrument at a time, so that each call has an end.

use types::{InstrumentId, Nanos, Side};

use crate::floor::Floor;
use crate::noting::{Prints, Trades};
use crate::orders::NONE;
use crate::schedule::Step;
use crate::waiting::List;
use crate::{Control, Cross, Ended, Market, Out, Phase, Report, Tick};

/// How many orders end in one call because their time has come.
const EXPIRIES_MAX: usize = 64;

impl Floor {
    /// Begins a day: schedules count from this midnight, and begin with their first step. Nothing else
    /// happens to the instruments.
    pub fn start_day(&mut self, midnight: Nanos) {
        self.midnight = Some(midnight);
        for at in 0..self.days.len() {
            self.days[at].step = 0;
            self.arm(InstrumentId::new(at as u32));
        }
    }

    /// Carries out what the one who runs the market asks for: the cross if there is one, then
    /// [`Report::Phase`], then what follows. What does not fit the phase is ignored; the answer says
    /// whether it fitted.
    ///
    /// The close crosses what trades or waits for a cross; from the pre-open and from a halt it only
    /// closes. What is for the day ends then, and what is good to a later time stays.
    pub fn control(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        control: Control,
        out: &mut impl Out,
    ) -> bool {
        use Phase::{Closed, Continuous, Halted, Paused, PreOpen, PreReopen};
        let Some(phase) = self.phase(instrument) else { return false };
        let (fits, next) = match control {
            Control::PreOpen => (phase == Closed, PreOpen),
            Control::Open => (phase == PreOpen, Continuous),
            Control::Halt => (matches!(phase, PreOpen | Continuous | PreReopen | Paused), Halted),
            Control::PreReopen => (phase == Halted, PreReopen),
            Control::Reopen => (matches!(phase, PreReopen | Paused), Continuous),
            Control::Close => (phase != Closed, Closed),
        };
        if !fits {
            return false;
        }
        match (control, phase) {
            (Control::PreOpen, _) => self.begin(instrument),
            (Control::Open, _) => self.cross(instrument, Cross::Opening, out),
            (Control::Reopen, _) => self.cross(instrument, Cross::Reopening, out),
            (Control::Close, Continuous | PreReopen | Paused) => {
                self.cross(instrument, Cross::Closing, out);
            }
            (Control::Close, Closed | PreOpen | Halted)
            | (Control::Halt | Control::PreReopen, _) => {}
        }
        self.go(now, instrument, next, out);
        true
    }

    /// The day's first prices are measured by the last ones of the day before.
    fn begin(&mut self, instrument: InstrumentId) {
        let (gate, day) = (&mut self.gates[instrument.index()], &mut self.days[instrument.index()]);
        day.reference = gate.last.take().unwrap_or(day.reference);
        day.has_opened = false;
    }

    /// Goes to another phase: [`Report::Phase`], then what that does to the orders.
    pub(crate) fn go(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        phase: Phase,
        out: &mut impl Out,
    ) {
        let at = instrument.index();
        self.gates[at].phase = phase;
        out.push(Report::Phase { instrument, phase });
        let waits = self.days[at].rules.dark.is_some_and(|dark| dark.crosses());
        self.market.set_trades(instrument, phase == Phase::Continuous && !waits);
        let day = &mut self.days[at];
        day.extensions = 0;
        let pause = day.rules.luld.filter(|_| phase == Phase::Paused);
        day.pause = pause.map_or(Nanos::MAX, |luld| now.saturating_add(luld.pause));
        if phase != Phase::Paused {
            day.held_at = None;
        }
        day.luld = None;
        day.has_opened |= phase == Phase::Continuous;
        self.limit(now, instrument);
        self.hold(instrument);
        self.hold_quote(instrument);
        self.days[at].indication = self.first_indication(now, instrument);
        self.days[at].uncross = match phase {
            Phase::Continuous => self.draw_uncross(now, instrument),
            Phase::Closed | Phase::PreOpen | Phase::Halted | Phase::PreReopen | Phase::Paused => {
                Nanos::MAX
            }
        };
        match phase {
            Phase::Closed => self.end_day(instrument, out),
            Phase::PreOpen | Phase::PreReopen | Phase::Paused => {
                self.tell_collar(instrument, out);
                self.follow(now, instrument, None, out);
            }
            // The stops that the cross has reached, and what wakes now.
            Phase::Continuous => {
                let cross = self.gates[at].last.map(Trades::at);
                self.tell_bands(instrument, out);
                let woken = self.wake(instrument, out);
                let trades = cross.into_iter().chain(woken).reduce(Trades::then);
                self.follow(now, instrument, trades, out);
            }
            Phase::Halted => {}
        }
        self.refresh(instrument);
        self.arm(instrument);
    }

    /// Ends what is not good to a later time.
    fn end_day(&mut self, instrument: InstrumentId, out: &mut impl Out) {
        for list in [List::Open, List::Close] {
            self.end_list(instrument, list, Ended::NotCrossed, |_| true, out);
        }
        let is_day = |order: &crate::Order| order.terms.expires == Nanos::MAX;
        self.end_list(instrument, List::Stop, Ended::Closed, is_day, out);
        if self.dated.is_empty() {
            return self.market.clear(instrument, Ended::Closed, out);
        }
        let dated = &self.dated;
        for side in Side::BOTH {
            let ends = |market: &Market, id| dated.when(market.key_of(id)).is_none();
            self.market.end_those(instrument, side, Ended::Closed, ends, out);
        }
    }

    /// When the first indication of the next cross is due, in the phase just begun.
    fn first_indication(&self, now: Nanos, instrument: InstrumentId) -> Nanos {
        let (gate, day) = (&self.gates[instrument.index()], &self.days[instrument.index()]);
        let schedule = &day.rules.schedule;
        let at = |time: Option<Nanos>| Some(self.midnight?.saturating_add(time?).max(now));
        match gate.phase {
            // What is dark shows nothing of what it would do.
            _ if day.rules.imbalance_every == Nanos::ZERO || day.rules.dark.is_some() => Nanos::MAX,
            Phase::Closed | Phase::Halted => Nanos::MAX,
            Phase::PreOpen => at(schedule.open_imbalance).unwrap_or(now),
            Phase::PreReopen | Phase::Paused => now,
            Phase::Continuous => at(schedule.close_imbalance).unwrap_or(Nanos::MAX),
        }
    }

    /// The step of the schedule that comes next, and when.
    fn next_step(&self, instrument: InstrumentId) -> Option<(usize, Step, Nanos)> {
        let (day, midnight) = (&self.days[instrument.index()], self.midnight?);
        let steps = day.rules.schedule.steps().into_iter().enumerate().skip(day.step);
        let timed = |(at, (step, time)): (usize, (Step, Option<Nanos>))| {
            Some((at, step, midnight.saturating_add(time?)))
        };
        steps.filter_map(timed).next()
    }

    /// Sets an instrument's timer to what is due first.
    pub(crate) fn arm(&mut self, instrument: InstrumentId) {
        let (id, day) = (instrument.get(), &self.days[instrument.index()]);
        let step = self.next_step(instrument).map_or(Nanos::MAX, |(_, _, when)| when);
        let luld = day.luld.as_ref().map_or(Nanos::MAX, |luld| luld.next_deadline(day.limited));
        let due = step.min(day.indication).min(day.pause).min(luld).min(day.uncross);
        if self.armed[instrument.index()] {
            self.timers.remove(&mut self.soonest, id);
        }
        self.armed[instrument.index()] = due != Nanos::MAX;
        if due != Nanos::MAX {
            self.timers.insert(&mut self.soonest, id, due.get(), u64::from(id));
        }
    }

    /// When [`Floor::on_deadline`] is wanted; where more is due than one call does, the time of that call.
    #[inline]
    pub fn next_deadline(&self) -> Option<Nanos> {
        let first = self.timers.first(self.soonest);
        let timer = (first != NONE).then(|| Nanos::new(self.timers.rank(first)));
        let expiry = self.dated.first().map(|(when, _)| when);
        let due = timer.into_iter().chain(expiry).min()?;
        Some(due.max(self.clock))
    }

    /// The time given by [`Floor::next_deadline`] has come: what is due first is done. That is one thing of
    /// one instrument, or the end of some orders.
    pub fn on_deadline(&mut self, now: Nanos, out: &mut impl Out) {
        self.clock = self.clock.max(now);
        let first = self.timers.first(self.soonest);
        let timer = if first == NONE { u64::MAX } else { self.timers.rank(first) };
        let is_due = |when: Nanos| when <= now && when.get() <= timer;
        if self.dated.first().is_some_and(|(when, _)| is_due(when)) {
            for _ in 0..EXPIRIES_MAX {
                let Some((_, order)) = self.dated.first().filter(|(when, _)| is_due(*when)) else {
                    return;
                };
                self.dated.forget(order);
                if let Some(id) = self.waiting.find(order) {
                    self.end_waiting(id, Ended::Expired, out);
                } else {
                    self.in_book(now, order, out, |market, out| {
                        market.end_order(order, Ended::Expired, out);
                    });
                }
            }
        } else if timer <= now.get() && first != NONE {
            self.on_timer(now, InstrumentId::new(first), out);
        }
    }

    /// One thing of an instrument is due; a change of phase before an indication.
    fn on_timer(&mut self, now: Nanos, instrument: InstrumentId, out: &mut impl Out) {
        let day = &self.days[instrument.index()];
        let every = day.rules.imbalance_every;
        if let Some((at, step, when)) = self.next_step(instrument)
            && when <= now
        {
            self.days[instrument.index()].step = at + 1;
            match step {
                Step::PreOpen => self.control(now, instrument, Control::PreOpen, out),
                Step::Open => self.control(now, instrument, Control::Open, out),
                Step::Close => self.control(now, instrument, Control::Close, out),
            };
        } else if day.pause <= now {
            self.end_pause(now, instrument, out);
        } else if day.luld.as_ref().is_some_and(|luld| luld.next_deadline(day.limited) <= now) {
            self.on_limit_time(now, instrument, out);
        } else if day.uncross <= now {
            self.cross_dark(now, instrument, out);
        } else if day.indication <= now {
            // Those that were missed are not made up for.
            self.days[instrument.index()].indication = now.saturating_add(every);
            self.indicate(instrument, out);
        }
        self.arm(instrument);
    }

    /// The pause is over: the cross, or more time and a wider collar where it would be outside.
    fn end_pause(&mut self, now: Nanos, instrument: InstrumentId, out: &mut impl Out) {
        let wants_more = self.is_outside_collar(instrument);
        let day = &mut self.days[instrument.index()];
        if wants_more && day.extensions < day.rules.collar.extensions_max {
            day.extensions += 1;
            let span = day.rules.luld.map_or(Nanos::ZERO, |luld| luld.pause);
            day.pause = now.saturating_add(span);
            return self.tell_collar(instrument, out);
        }
        self.control(now, instrument, Control::Reopen, out);
    }

    /// The cross has traded.
    pub(crate) fn note_cross(&mut self, instrument: InstrumentId, tick: Tick) {
        self.note(instrument, Some(Trades::at(tick)), Prints::default());
    }
}
