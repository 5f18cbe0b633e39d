//! What the feeds of a shard share: who lives here, the consolidated best prices, what must be told.
//!
//! An instrument that changed is noted once and told once an input, whatever happened to it in
//! between; more than one input may tell is told with the next ones.

use arrayvec::ArrayVec;
use book::consolidated::{Consolidated, Tops};
use book::{State, Stats};
use runtime::{LinkId, Outbox};
use types::{InstrumentId, Nanos, Px, Qty, Symbol, VenueId};
use venue::Roster;

use crate::{Alarm, AlarmKind, Mirror, TopUpdate};

/// Tops told after one input: a feed that goes stale touches every instrument at once.
const TOLD_MAX: usize = 256;
/// Alarms one input may raise; more are counted.
const ALARMS_MAX: usize = 16;

pub(crate) struct Board {
    pub(crate) roster: Roster,
    tops: Tops,
    /// By instrument: noted in `changed`.
    noted: Vec<bool>,
    changed: Vec<InstrumentId>,
    /// By instrument: the price of the last trade, whichever venue it was at.
    last: Vec<Option<Px>>,
    link: Option<LinkId>,

    alarms: ArrayVec<Alarm, ALARMS_MAX>,
    alarms_link: Option<LinkId>,
    pub(crate) alarms_missed: u64,
}

impl Board {
    pub(crate) fn new(
        roster: Roster,
        instruments: usize,
        venues: usize,
        (link, alarms_link): (Option<LinkId>, Option<LinkId>),
    ) -> Self {
        Self {
            roster,
            tops: Tops::new(instruments, venues),
            noted: vec![false; instruments],
            changed: Vec::with_capacity(instruments),
            last: vec![None; instruments],
            link,
            alarms: ArrayVec::new(),
            alarms_link,
            alarms_missed: 0,
        }
    }

    /// Notes that there is something to tell of an instrument.
    #[inline]
    pub(crate) fn note(&mut self, instrument: InstrumentId) {
        if let Some(noted @ false) = self.noted.get_mut(instrument.index()) {
            *noted = true;
            self.changed.push(instrument);
        }
    }

    /// Asks for what telling of an instrument will touch here.
    #[inline]
    pub(crate) fn warm(&self, instrument: InstrumentId) {
        if let Some(quote) = self.tops.quotes(instrument).first() {
            runtime::prefetch(quote);
        }
    }

    /// A whole feed went stale or came back.
    pub(crate) fn note_all(&mut self) {
        for slot in 0..self.roster.symbols().len() {
            // The roster's slots fit: it hands them out as u32.
            self.note(InstrumentId::new(slot as u32));
        }
    }

    pub(crate) fn traded(&mut self, instrument: InstrumentId, stats: &Stats) {
        if let Some(last) = self.last.get_mut(instrument.index()) {
            *last = stats.last_px.or(*last);
        }
    }

    /// Whether something waits to be told with the next input.
    pub(crate) fn is_behind(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Brings the consolidated prices up to date and tells them, and raises the alarms.
    #[inline]
    pub(crate) fn tell<'m>(
        &mut self,
        mirrors: impl Iterator<Item = &'m Mirror> + Clone,
        time: Nanos,
        out: &mut Outbox,
    ) {
        for _ in 0..TOLD_MAX {
            let Some(instrument) = self.take_changed() else { break };
            self.tell_one(instrument, mirrors.clone(), time, out);
        }
        self.raise_all(out);
    }

    /// Raises the alarms.
    #[inline]
    pub(crate) fn raise_all(&mut self, out: &mut Outbox) {
        if !self.alarms.is_empty() {
            self.raise(out);
        }
    }

    #[inline]
    fn take_changed(&mut self) -> Option<InstrumentId> {
        let instrument = self.changed.pop()?;
        self.noted[instrument.index()] = false;
        Some(instrument)
    }

    /// For who acts on them itself: the next instrument of which something has changed, with its best prices.
    pub(crate) fn poll_changed<'m>(
        &mut self,
        mirrors: impl Iterator<Item = &'m Mirror>,
    ) -> Option<(InstrumentId, Consolidated)> {
        let instrument = self.take_changed()?;
        for mirror in mirrors {
            let (top, state) = mirror.shown(instrument);
            self.tops.set(mirror.venue_id, instrument, &top, state);
        }
        Some((instrument, self.tops.best(instrument)))
    }

    fn tell_one<'m>(
        &mut self,
        instrument: InstrumentId,
        mirrors: impl Iterator<Item = &'m Mirror>,
        time: Nanos,
        out: &mut Outbox,
    ) {
        let mut volume = Qty::ZERO;
        // The best that any venue's book is good for; stale until one says otherwise.
        let mut usable = false;
        let mut halted = false;
        for mirror in mirrors {
            let (top, state) = mirror.shown(instrument);
            usable |= state.is_usable();
            halted |= state == State::Halted;
            volume += mirror.books.stats(instrument).volume;
            self.tops.set(mirror.venue_id, instrument, &top, state);
        }
        let (Some(link), Some(symbol)) = (self.link, self.symbol(instrument)) else { return };
        let best = self.tops.best(instrument);
        let state = match (usable, halted) {
            (true, _) => best.state(),
            (false, true) => State::Halted,
            (false, false) => State::Stale,
        };
        let stats = Stats { last_px: self.last[instrument.index()], volume, ..Stats::default() };
        let update = TopUpdate::new((instrument.get(), symbol), (best, state), &stats, time);
        if out.ring(link, update.to_message()).is_err() {
            self.note(instrument);
        }
    }

    pub(crate) fn symbol(&self, instrument: InstrumentId) -> Option<Symbol> {
        self.roster.symbols().get(instrument.index()).copied()
    }

    pub(crate) fn alarm(&mut self, alarm: Alarm) {
        if self.alarms.try_push(alarm).is_err() {
            self.alarms_missed += 1;
        }
    }

    #[cold]
    fn raise(&mut self, out: &mut Outbox) {
        for alarm in self.alarms.drain(..) {
            let told =
                self.alarms_link.is_some_and(|link| out.ring(link, alarm.to_message()).is_ok());
            self.alarms_missed += u64::from(!told);
        }
    }

    /// The consolidated best bid and offer.
    pub(crate) fn best(&self, instrument: InstrumentId) -> Consolidated {
        self.tops.best(instrument)
    }
}

/// Which alarms of a feed were named already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Named(u32);

impl Named {
    /// Whether to name this one: each time, or the first time of its kind.
    pub(crate) fn is_due(&mut self, kind: AlarmKind) -> bool {
        let bit = 1_u32 << (kind as u8);
        let first = self.0 & bit == 0;
        self.0 |= bit;
        first || !kind.is_named_once()
    }
}

/// Keeps the venue's place apart from the feed's: the consolidated book counts bits by venue.
pub(crate) fn venue_id(place: usize) -> VenueId {
    // At most 64 feeds a shard, checked when it is planned.
    VenueId::new(place as u8)
}
