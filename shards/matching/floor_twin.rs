//! What the naive twin makes of a command to the floor that is a matter for a book: any order, in any phase
//! and between any bands. The twin is given the book as it stands, and what the floor asks of it.

use alloc::vec::Vec;

use types::{InstrumentId, Nanos, Side};

use crate::cross::Span;
use crate::entry::held;
use crate::floor::Floor;
use crate::floor_script::{ACCOUNTS, Command};
use crate::naive::{Live, Market};
use crate::noting::Asked;
use crate::script::{same_book, same_reports};
use crate::{
    Capacity, Order, OrderKey, Out, Phase, Price, Report, Rules, SelfMatch, Standing, Terms,
    Trading,
};

/// A book's twin after a command.
pub(crate) struct Twin {
    instrument: InstrumentId,
    market: Market,
    reports: Vec<Report>,
}

impl Twin {
    /// What becomes of a command. `None` where it is not for one book alone.
    pub(crate) fn of(
        floor: &Floor,
        room: Capacity,
        rules: &[Rules],
        now: Nanos,
        command: &Command,
    ) -> Option<Self> {
        let instrument = match command {
            Command::Enter(order) => order.new.instrument,
            Command::Cancel(key) | Command::Replace(key, _) | Command::Reduce(key, _) => {
                floor.market.placed(*key)?.instrument
            }
            Command::SetQuote(..)
            | Command::CancelAll(..)
            | Command::Control(..)
            | Command::Wait(_) => return None,
        };
        let phase = floor.phase(instrument)?;
        let market = Market::of(&floor.market, instrument, room, rules, floor.bands(instrument)?);
        let mut twin = Self { instrument, market, reports: Vec::new() };
        match command {
            Command::Enter(order) => twin.enter(floor, phase, now, order)?,
            Command::Cancel(key) => twin.market.cancel(*key, &mut twin.reports),
            Command::Reduce(key, leaves) => twin.market.reduce(*key, *leaves, &mut twin.reports),
            Command::Replace(old, order) => twin.replace(floor, phase, now, *old, order)?,
            Command::SetQuote(..)
            | Command::CancelAll(..)
            | Command::Control(..)
            | Command::Wait(_) => {}
        }
        Some(twin)
    }

    fn enter(&mut self, floor: &Floor, phase: Phase, now: Nanos, order: &Order) -> Option<()> {
        let Order { new, terms } = order;
        let rests = matches!(new.standing, Standing::Rest | Standing::PostOnly);
        let is_taken = match (phase, new.price) {
            (Phase::Closed | Phase::Halted, _) => false,
            (Phase::Continuous, _) => true,
            (Phase::PreOpen | Phase::PreReopen | Phase::Paused, Price::Limit(_)) => rests,
            (Phase::PreOpen | Phase::PreReopen | Phase::Paused, Price::Market) => {
                new.standing == Standing::Rest && terms.peg.is_some()
            }
            (Phase::PreOpen | Phase::PreReopen | Phase::Paused, Price::MarketToLimit) => false,
        };
        if !is_taken || !is_for_the_book(terms, now) || !self.is_free(floor, new.key) {
            return None;
        }
        if !floor.market.is_sound(order) {
            return None; // the floor says so before the book is asked
        }
        let span = floor.bands(self.instrument)?;
        let other = floor.best(self.instrument, new.side.opposite());
        match held(&floor.at_midpoint(self.instrument, order), span, other) {
            Err(why) => self.reports.push(Report::Refused { order: new.key, why }),
            Ok(held) => {
                let mut said = Vec::new();
                self.market.enter_with(&held, &mut said);
                let mut asked = Asked { out: &mut self.reports, order: new, waited: false };
                said.into_iter().for_each(|report| asked.push(report));
            }
        }
        Some(())
    }

    fn replace(
        &mut self,
        floor: &Floor,
        phase: Phase,
        now: Nanos,
        old: OrderKey,
        order: &Order,
    ) -> Option<()> {
        let Order { new, terms } = order;
        let has_price = match new.price {
            Price::Limit(_) => true,
            Price::Market => terms.peg.is_some(),
            Price::MarketToLimit => false,
        };
        let rests = matches!(new.standing, Standing::Rest | Standing::PostOnly);
        let is_taken = !matches!(phase, Phase::Closed | Phase::Halted) && has_price && rests;
        if !is_taken
            || !is_for_the_book(terms, now)
            || (new.key != old && !self.is_free(floor, new.key))
        {
            return None;
        }
        let side = floor.market.placed(old)?.side;
        let asked = Order { new: crate::NewOrder { side, ..*new }, ..*order };
        let asked = floor.at_midpoint(self.instrument, &asked);
        let held = held(&asked, floor.bands(self.instrument)?, None).ok()?;
        self.market.replace_with(old, &held, &mut self.reports);
        Some(())
    }

    /// Whether no order elsewhere has a number.
    fn is_free(&self, floor: &Floor, key: OrderKey) -> bool {
        let is_elsewhere = |at: crate::uncross::Placed| at.instrument != self.instrument;
        floor.waiting(key).is_none() && !floor.market.placed(key).is_some_and(is_elsewhere)
    }

    /// The floor has carried out the command: it reports the same, then what the day makes of it; where that
    /// is nothing, the book is the same too.
    ///
    /// # Panics
    /// Where they differ.
    pub(crate) fn compare(&self, floor: &Floor, out: &[Report], command: &Command) {
        let (book, day) = out.split_at(self.reports.len().min(out.len()));
        same_reports(book, &self.reports, command);
        match day.first() {
            None => same_book(floor.market(), &self.market, self.instrument),
            Some(Report::Bands { .. } | Report::LimitState { .. } | Report::Triggered { .. }) => {}
            Some(report) => panic!("{report:?} is the book's, after {command:?}"),
        }
    }
}

/// Whether an order is asked of the book, today.
fn is_for_the_book(terms: &Terms, now: Nanos) -> bool {
    // For one with a time of its own there must be room too.
    terms.stop.is_none()
        && terms.trading == Trading::Any
        && terms.expires == Nanos::MAX
        && now < terms.expires
}

impl Market {
    /// One book as it stands.
    fn of(
        market: &crate::Market,
        instrument: InstrumentId,
        room: Capacity,
        rules: &[Rules],
        span: Span,
    ) -> Self {
        let book = &market.books[instrument.index()];
        let mut twin = Self::new(room, &ACCOUNTS, rules);
        let at = instrument.index();
        (twin.told[at], twin.draws[at]) = (book.told, book.draws.clone());
        (twin.trades[at], twin.spans[at]) = (book.trades, span);
        for side in Side::BOTH {
            let shown = market.resting(instrument, side).map(|seen| seen.order);
            let hidden = market.hidden(instrument, side).map(|seen| seen.order);
            twin.orders.extend(shown.chain(hidden).map(|key| live(market, key)));
        }
        twin.count = twin.orders.iter().map(|live| live.since + 1).max().unwrap_or(0);
        // Orders of other books take places too.
        let here = twin.orders.len() as u32;
        let of_all = (0..rules.len() as u32).map(InstrumentId::new);
        let specials = |instrument: InstrumentId| {
            let lists = &market.books[instrument.index()].lists;
            lists.iter().map(|list| market.specials.of(*list).count() as u32).sum::<u32>()
        };
        let elsewhere = of_all.filter(|other| *other != instrument).map(specials).sum::<u32>();
        twin.capacity = Capacity {
            orders: room.orders - (market.live() - here),
            terms: room.terms - elsewhere,
        };
        twin
    }
}

fn live(market: &crate::Market, key: OrderKey) -> Live {
    let Some(found) = market.index.find(&market.orders, key.get()) else {
        unreachable!("it rests");
    };
    let (id, slot) = (found.slot, &market.orders[found.slot]);
    let special = slot.special().map(|special| &market.specials[special]);
    Live {
        key,
        instrument: slot.instrument(),
        side: slot.side(),
        limit: market.limit_of(slot),
        qty: market.open(id),
        shown: if slot.is_hidden() { 0 } else { slot.qty },
        account: market.account_of(id),
        // Only hidden orders take while they rest.
        self_match: special.map_or(SelfMatch::Allow, |special| special.self_match),
        terms: special.map_or(Terms::PLAIN, |special| special.terms),
        is_special: special.is_some(),
        since: special.map_or(0, |special| special.seq),
    }
}
