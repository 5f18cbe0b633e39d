//! Where the floor's reports go beside the ports: to the tape, and from there onto the wire.

use matching::{Cross, OrderKey, Report, Tick};
use runtime::{LinkId, Message, Outbox, SocketId};
use tape::{Numbered, Tape};
use types::{InstrumentId, MatchNo, Nanos, OrderRef, SeqNo};

/// What was traded in one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traded {
    /// Executions.
    pub fills: u64,
    /// Shares, of one side.
    pub volume: u64,
    /// Crosses with a price.
    pub crosses: u64,
    /// The newest of them that opened, re-opened or closed it.
    pub(super) auction: Option<Auction>,
}

/// What a cross came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Auction {
    pub(super) tick: Tick,
    /// Of one side.
    pub(super) shares: u64,
}

/// The ways out for market data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wires {
    pub(super) lines: [Option<SocketId>; 2],
    pub(super) keeper: Option<LinkId>,
    /// What the outbox had no room for.
    pub(super) lost: u64,
}

impl Wires {
    pub(super) fn with<'a>(&'a mut self, out: &'a mut Outbox) -> Casting<'a> {
        Casting { wires: self, out }
    }
}

/// The ways out for market data, while one input is handled.
pub(super) struct Casting<'a> {
    wires: &'a mut Wires,
    out: &'a mut Outbox,
}

impl tape::Out for Casting<'_> {
    #[inline]
    fn message(&mut self, sequence: SeqNo, message: &[u8]) {
        let Some(keeper) = self.wires.keeper else { return };
        let kept = Numbered::new(sequence, message)
            .and_then(|numbered| self.out.ring(keeper, Message(numbered.to_words())).ok());
        self.wires.lost += u64::from(kept.is_none());
    }

    #[inline]
    fn datagram(&mut self, datagram: &[u8]) {
        for line in self.wires.lines.into_iter().flatten() {
            self.wires.lost += u64::from(self.out.send(line, datagram).is_err());
        }
    }
}

/// Hears the floor for everybody.
pub(super) struct Teller<'a> {
    pub(super) tape: &'a mut Tape,
    pub(super) traded: &'a mut [Traded],
    pub(super) wires: &'a mut Wires,
    pub(super) out: &'a mut Outbox,
}

impl port::Publisher for Teller<'_> {
    #[inline]
    fn on_enter(&mut self, instrument: InstrumentId) {
        self.tape.on_enter(instrument);
    }

    #[inline]
    fn on_report(&mut self, now: Nanos, report: &Report, match_no: MatchNo) {
        self.count(report);
        self.tape.on_report(now, report, match_no, &mut self.wires.with(self.out));
    }

    fn on_bust(&mut self, now: Nanos, instrument: InstrumentId, match_no: MatchNo) {
        self.tape.bust(now, instrument, match_no, &mut self.wires.with(self.out));
    }

    #[inline]
    fn order_ref(&self, order: OrderKey) -> OrderRef {
        self.tape.order_ref(order).unwrap_or_default()
    }

    fn deal_ref(&mut self) -> OrderRef {
        self.tape.deal_ref()
    }
}

impl Teller<'_> {
    #[inline]
    fn count(&mut self, report: &Report) {
        match *report {
            Report::Filled { maker: order, qty, .. } | Report::Crossed { buy: order, qty, .. } => {
                if let Some(instrument) = self.tape.instrument(order)
                    && let Some(traded) = self.traded.get_mut(instrument.index())
                {
                    traded.fills += 1;
                    traded.volume += u64::from(qty);
                }
            }
            Report::Uncrossed { instrument, cross, tick: Some(tick), qty, .. } => {
                if let Some(traded) = self.traded.get_mut(instrument.index()) {
                    traded.crosses += 1;
                    match cross {
                        Cross::Opening | Cross::Reopening | Cross::Closing => {
                            traded.auction = Some(Auction { tick, shares: qty });
                        }
                        Cross::Dark => {}
                    }
                }
            }
            Report::Accepted { .. }
            | Report::Refused { .. }
            | Report::Replaced { .. }
            | Report::Rested { .. }
            | Report::Triggered { .. }
            | Report::Uncrossed { tick: None, .. }
            | Report::Indicated(_)
            | Report::Bands { .. }
            | Report::Collar { .. }
            | Report::LimitState { .. }
            | Report::Decremented { .. }
            | Report::Reduced { .. }
            | Report::Phase { .. }
            | Report::Cancelled { .. } => {}
        }
    }
}
