//! An exchange shard does what the one who runs it asks for, and says what became of it.

use matching::{Control, Phase};
use port::NotBroken;
use risk::port::Whose;
use runtime::Outbox;
use types::{FirmId, InstrumentId, MatchNo, Nanos, PortId};
use wire::ouch50::BrokenReason;

use super::answer::{Answer, Detail, Outcome, Page};
use super::command::{Command, List};
use super::teller::Teller;
use super::{Day, Exchange, number};

impl Exchange {
    pub(super) fn on_command(
        &mut self,
        now: Nanos,
        (number, command): (u64, Command),
        out: &mut Outbox,
    ) {
        let (outcome, detail) = match command {
            Command::Close if self.day == Day::Over || self.asked_to_close.is_some() => {
                (Outcome::AlreadySo, Detail::None)
            }
            Command::Close => {
                // Answered when the day is over.
                self.asked_to_close = Some(number);
                return;
            }
            Command::Control { instrument, control } => {
                self.on_control(now, instrument, control, out)
            }
            Command::Kill { whose } => self.kill(now, whose, out),
            Command::Revive { whose } => (self.revive(whose), Detail::None),
            Command::Bust { match_no, reason } => {
                (self.bust(now, MatchNo::new(match_no), reason, out), Detail::None)
            }
            Command::Look { list, from } => (Outcome::Done, Detail::Page(self.page(list, from))),
        };
        self.answer(number, outcome, detail, out);
    }

    pub(super) fn answer(
        &mut self,
        number: u64,
        outcome: Outcome,
        detail: Detail,
        out: &mut Outbox,
    ) {
        let message = Answer { number, outcome, detail }.to_message();
        // Where it finds no room, the one who asked hears nothing, and is told so.
        let _ = out.ring(self.answers, message);
    }

    fn on_control(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        control: Control,
        out: &mut Outbox,
    ) -> (Outcome, Detail) {
        let Some(phase) = self.ports.floor().phase(instrument) else {
            return (Outcome::Unknown, Detail::None);
        };
        let before = self.traded[instrument.index()].crosses;
        let outcome = match self.day {
            Day::Fresh | Day::Naming(_) => Outcome::DayNotBegun,
            Day::Closing(_) | Day::Over => Outcome::DayOver,
            Day::Opening(_) | Day::Open if phase == aim(control) => Outcome::AlreadySo,
            Day::Opening(_) | Day::Open => {
                let is_done = self.control(now, instrument, control, out);
                if is_done { Outcome::Done } else { Outcome::WrongPhase }
            }
        };
        let ticks = &self.listings[instrument.index()].ticks;
        // Not all that traded: stops and hidden orders may have done so after the cross.
        let traded = &self.traded[instrument.index()];
        let cross = traded.auction.filter(|_| before < traded.crosses);
        let detail = Detail::Instrument {
            phase: self.ports.floor().phase(instrument).unwrap_or(phase),
            shares: cross.map_or(0, |cross| cross.shares),
            price: cross.and_then(|cross| ticks.px(cross.tick)),
        };
        (outcome, detail)
    }

    fn kill(&mut self, now: Nanos, whose: Whose, out: &mut Outbox) -> (Outcome, Detail) {
        let was_on = self.ports.risk().is_stopped(whose);
        let before = self.ports.live();
        let Self { ports, tape, wires, traded, .. } = self;
        let killed = ports.kill(now, whose, &mut Teller { tape, traded, wires, out });
        let outcome = match (killed, was_on) {
            (Err(_), _) => return (Outcome::Unknown, Detail::None),
            (Ok(()), Some(true)) => Outcome::AlreadySo,
            (Ok(()), Some(false) | None) => Outcome::Done,
        };
        let cancelled = before - ports.live();
        (outcome, Detail::Orders { cancelled, goes_on: ports.is_sweeping() })
    }

    fn revive(&mut self, whose: Whose) -> Outcome {
        match self.ports.risk().is_stopped(whose) {
            None => Outcome::Unknown,
            Some(false) => Outcome::AlreadySo,
            Some(true) => match self.ports.revive(whose) {
                Ok(()) => Outcome::Done,
                Err(_) => Outcome::Unknown,
            },
        }
    }

    fn bust(
        &mut self,
        now: Nanos,
        match_no: MatchNo,
        reason: BrokenReason,
        out: &mut Outbox,
    ) -> Outcome {
        if self.day == Day::Over {
            return Outcome::DayOver;
        }
        let Self { ports, tape, wires, traded, .. } = self;
        match ports.bust(now, match_no, reason, &mut Teller { tape, traded, wires, out }) {
            Ok(()) => Outcome::Done,
            Err(NotBroken::Already) => Outcome::AlreadySo,
            Err(NotBroken::Unknown) => Outcome::Unknown,
        }
    }

    fn page(&self, list: List, from: u32) -> Page {
        let risk = self.ports.risk();
        let switches = |whose: fn(u16) -> Whose| {
            let first = u16::try_from(from).ok();
            let all = first.into_iter().flat_map(|first| first..=u16::MAX).map(whose);
            all.map_while(|whose| risk.is_stopped(whose)).map(u8::from)
        };
        match list {
            List::Phases => {
                let all = (from as usize..self.listings.len()).map(number);
                let floor = self.ports.floor();
                let phases = all.map(|instrument| floor.phase(instrument).unwrap_or_default());
                Page::new(list, from, phases.map(|phase| phase as u8))
            }
            List::Venue => {
                let one = risk.is_stopped(Whose::Venue).filter(|_| from == 0);
                Page::new(list, from, one.into_iter().map(u8::from))
            }
            List::Firms => Page::new(list, from, switches(|id| Whose::Firm(FirmId::new(id)))),
            List::Ports => Page::new(list, from, switches(|id| Whose::Port(PortId::new(id)))),
        }
    }
}

/// The phase that a control leads to.
const fn aim(control: Control) -> Phase {
    match control {
        Control::PreOpen => Phase::PreOpen,
        Control::Open | Control::Reopen => Phase::Continuous,
        Control::Halt => Phase::Halted,
        Control::PreReopen => Phase::PreReopen,
        Control::Close => Phase::Closed,
    }
}
