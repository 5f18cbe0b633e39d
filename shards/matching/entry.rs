//! An order comes to the floor, or is changed there: what its terms and the phase make of it, and
//! what follows from its trades.

use types::{InstrumentId, Nanos, Side};

use crate::cross::Span;
use crate::floor::Floor;
use crate::noting::{Asked, Noting, Prints, Trades};
use crate::waiting::{List, limit};
use crate::{
    Ended, Market, NewOrder, Order, OrderKey, Out, Phase, Price, Refused, Report, Standing, Terms,
    Tick, Trading,
};

/// Where an order goes.
enum Way {
    /// To its book: to trade there, or to rest while nothing trades.
    Book,
    /// Off the books.
    Wait,
}

/// What the floor asks of terms before their books do.
fn check_terms(now: Nanos, terms: &Terms) -> Result<(), Refused> {
    (now < terms.expires).then_some(()).ok_or(Refused::Terms)
}

/// An order as its book is asked for it, so that it trades no further than the bands.
pub(crate) fn held(order: &Order, span: Span, other: Option<Tick>) -> Result<Order, Refused> {
    let Order { new, terms } = order;
    let (bound, side) = match new.side {
        Side::Buy => (span.upper, Side::Buy),
        Side::Sell => (span.lower, Side::Sell),
    };
    let is_beyond = |tick: Tick| match side {
        Side::Buy => bound < tick,
        Side::Sell => tick < bound,
    };
    let to_bound = |standing| Order {
        new: NewOrder { price: Price::Limit(bound), standing, ..*new },
        ..*order
    };
    let immediate = |min_qty| to_bound(Standing::Immediate { min_qty });
    Ok(match (new.price, new.standing) {
        _ if span == Span::ALL => *order,
        _ if terms.discretion.is_some_and(is_beyond) => return Err(Refused::Band),
        // It follows its quote as far as the bands.
        (Price::Market, _) if terms.peg.is_some() => *order,
        (Price::Limit(tick), Standing::Rest | Standing::PostOnly) if is_beyond(tick) => {
            return Err(Refused::Band);
        }
        (Price::Limit(tick), Standing::Immediate { min_qty }) if is_beyond(tick) => {
            immediate(min_qty)
        }
        (Price::Market, Standing::Immediate { min_qty }) => immediate(min_qty),
        (Price::Market, Standing::Rest) => {
            let plain = Terms { min_qty: 0, ..*terms };
            Order { terms: plain, ..immediate(terms.min_qty) }
        }
        (Price::MarketToLimit, _) if other.is_some_and(is_beyond) => return Err(Refused::Band),
        (Price::Limit(_) | Price::MarketToLimit | Price::Market, _) => *order,
    })
}

impl Floor {
    /// Enters an order that is not plain, or not now.
    #[inline(never)]
    pub(crate) fn enter_with_terms(&mut self, now: Nanos, order: &Order, out: &mut impl Out) {
        let (key, instrument) = (order.new.key, order.new.instrument);
        let way = match self.way(now, order) {
            Ok(way) => way,
            Err(why) => return out.push(Report::Refused { order: key, why }),
        };
        // A stranger's number stays the stranger's: the book refuses this order.
        let is_taken = self.market.holds(key);
        if !is_taken {
            self.dated.forget(key);
        }
        let trades = match way {
            Way::Book => self.trade(order, false, out),
            Way::Wait => {
                let &NewOrder { side, qty, .. } = &order.new;
                out.push(Report::Accepted { order: key, side, tick: limit(order), qty });
                self.waiting.add(order);
                self.refresh(instrument);
                None
            }
        };
        if order.terms.expires != Nanos::MAX && !is_taken && self.is_live(key) {
            self.dated.add(key, order.terms.expires);
        }
        self.follow(now, instrument, trades, out);
    }

    /// Where an order goes, or why it is not taken.
    fn way(&mut self, now: Nanos, order: &Order) -> Result<Way, Refused> {
        let Order { new, terms } = order;
        let gate = self.gates.get(new.instrument.index()).ok_or(Refused::Instrument)?;
        let (phase, span) = (gate.phase, gate.span);
        if matches!(phase, Phase::Closed | Phase::Halted) {
            return Err(Refused::Phase);
        }
        check_terms(now, terms)?;
        if self.waiting.find(new.key).is_some() {
            return Err(Refused::DuplicateKey);
        }
        if !self.market.is_sound(order) {
            return Err(Refused::Terms);
        }
        let way = match (terms.stop, terms.trading, phase, new.price, new.standing) {
            (Some(_), Trading::Any, _, _, Standing::Rest | Standing::Immediate { .. }) => Way::Wait,
            (Some(_), _, _, _, _) => return Err(Refused::Terms),
            (None, Trading::AtOpen | Trading::AtClose, ..) => {
                self.check_cross(now, order)?;
                Way::Wait
            }
            (None, Trading::Any, Phase::Continuous, _, _) => Way::Book,
            (None, Trading::Any, _, Price::Limit(_), Standing::Rest | Standing::PostOnly) => {
                held(order, span, None)?;
                Way::Book
            }
            (None, Trading::Any, _, Price::Market, Standing::Rest) if terms.peg.is_some() => {
                Way::Book
            }
            (None, Trading::Any, _, Price::Market, Standing::Rest) => Way::Wait,
            (None, Trading::Any, _, _, _) => return Err(Refused::Phase),
        };
        if let Way::Wait = way {
            // In a cross nobody is asked for more than price and shares; a stop goes to its book later.
            if terms.stop.is_none() && !terms.rest_plainly() {
                return Err(Refused::Terms);
            }
            self.market.check_new(order)?;
            terms.stop.map_or(Ok(()), |stop| self.market.check_tick(new.instrument, stop))?;
            if self.waiting.is_full() {
                return Err(Refused::TermsFull);
            }
        }
        let market = &self.market;
        let waiting = &self.waiting;
        let is_live = |key: OrderKey| market.holds(key) || waiting.find(key).is_some();
        if terms.expires != Nanos::MAX && !self.dated.has_room(is_live) {
            return Err(Refused::TermsFull);
        }
        Ok(way)
    }

    /// Whether an order for a cross alone may be taken now.
    fn check_cross(&self, now: Nanos, order: &Order) -> Result<(), Refused> {
        let at = order.new.instrument.index();
        let is_dark = self.days[at].rules.dark.is_some();
        let is_resting = order.new.standing == Standing::Rest;
        if is_dark || !is_resting || order.new.price == Price::MarketToLimit {
            return Err(Refused::Terms);
        }
        // The cross that begins continuous trading is the opening one, after a halt before it too.
        let is_over = order.terms.trading == Trading::AtOpen
            && (self.days[at].has_opened || self.gates[at].phase == Phase::Continuous);
        if is_over || self.is_cut_off(now, order) {
            return Err(Refused::Phase);
        }
        Ok(())
    }

    /// Whether an order for a cross alone can be neither taken, changed nor cancelled any more.
    pub(crate) fn is_cut_off(&self, now: Nanos, order: &Order) -> bool {
        let schedule = &self.days[order.new.instrument.index()].rules.schedule;
        let until = match (order.terms.trading, limit(order)) {
            (Trading::Any, _) => None,
            (Trading::AtOpen, None) => schedule.market_on_open_until,
            (Trading::AtOpen, Some(_)) => schedule.limit_on_open_until,
            (Trading::AtClose, None) => schedule.market_on_close_until,
            (Trading::AtClose, Some(_)) => schedule.limit_on_close_until,
        };
        let (Some(until), Some(midnight)) = (until, self.midnight) else { return false };
        midnight.saturating_add(until) <= now
    }

    /// Enters an order into its book, in continuous trading and within the bands; answers its trades.
    /// `waited`: it was accepted before.
    fn trade(&mut self, order: &Order, waited: bool, out: &mut impl Out) -> Option<Trades> {
        let instrument = order.new.instrument;
        let span = self.gates[instrument.index()].span;
        let other = self.market.best(instrument, order.new.side.opposite());
        let mut asked = Asked { out, order: &order.new, waited };
        let held = held(&self.at_midpoint(instrument, order), span, other);
        self.noted(instrument, &mut asked, |market, out| match held {
            Ok(held) => market.enter_with(&held, out),
            Err(why) => out.push(Report::Refused { order: order.new.key, why }),
        })
    }

    /// Lets hidden orders that can trade with each other do so; answers their trades.
    pub(crate) fn wake(&mut self, instrument: InstrumentId, out: &mut impl Out) -> Option<Trades> {
        self.noted(instrument, out, |market, out| market.wake(instrument, out))
    }

    /// Does something to a book and notes the trades that come of it; answers them.
    pub(crate) fn noted<O: Out>(
        &mut self,
        instrument: InstrumentId,
        out: &mut O,
        act: impl FnOnce(&mut Market, &mut Noting<'_, O>),
    ) -> Option<Trades> {
        let day = &self.days[instrument.index()];
        let ticks = day.luld.is_some().then_some(&day.rules.ticks);
        let mut noting = Noting::new(out).with_prints(ticks);
        act(&mut self.market, &mut noting);
        let (trades, prints) = (noting.trades, noting.prints);
        self.note(instrument, trades, prints);
        trades
    }

    /// Notes trades: what is measured by the last one is so from here on.
    pub(crate) fn note(
        &mut self,
        instrument: InstrumentId,
        trades: Option<Trades>,
        prints: Prints,
    ) {
        let Some(trades) = trades else { return };
        let (gate, day) = (&mut self.gates[instrument.index()], &mut self.days[instrument.index()]);
        gate.last = Some(trades.last);
        if let Some(luld) = &mut day.luld {
            luld.on_trades(prints);
        }
        if day.rules.dynamic_bp != 0 {
            self.hold(instrument);
        }
    }

    /// What follows once a command has been carried out: the bands that its trades moved, and the hidden
    /// orders that can trade then; after that the stops that all these, or the last trade before them,
    /// have reached, by trigger price and then by time, those to buy first, each with what its own trades
    /// move, wake and reach.
    pub(crate) fn follow(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        trades: Option<Trades>,
        out: &mut impl Out,
    ) {
        let trades = self.settle(instrument, trades, out);
        let gate = &self.gates[instrument.index()];
        if gate.phase == Phase::Continuous
            && let Some(mut reached) = trades.or(gate.last.map(Trades::at))
        {
            // Each stop leaves its list, so this ends.
            while let Some(id) = self.reached(instrument, reached) {
                let order = self.waiting.remove(id);
                out.push(Report::Triggered { order: order.new.key });
                let later = self.trade(&order, true, out);
                if let Some(later) = self.settle(instrument, later, out) {
                    reached = reached.then(later);
                }
            }
            self.refresh(instrument);
        }
        self.tell_limit(now, instrument, out);
    }

    /// Tells the bands that trades moved and lets what can trade then do so, until they stay; answers
    /// these trades and the later ones. Each of those ends an order, so there is an end.
    fn settle(
        &mut self,
        instrument: InstrumentId,
        trades: Option<Trades>,
        out: &mut impl Out,
    ) -> Option<Trades> {
        let mut all = trades;
        while self.tell_bands(instrument, out) {
            let woken = self.wake(instrument, out);
            all = all.into_iter().chain(woken).reduce(Trades::then);
        }
        all
    }

    /// The stop that is due next once these prices have been traded at.
    fn reached(&self, instrument: InstrumentId, trades: Trades) -> Option<u32> {
        let first = |side| self.waiting.first(instrument, List::Stop, side);
        let stop = |id: u32| self.waiting.order(id).terms.stop;
        let buy = first(Side::Buy).filter(|id| stop(*id).is_some_and(|stop| stop <= trades.high));
        buy.or_else(|| {
            first(Side::Sell).filter(|id| stop(*id).is_some_and(|stop| trades.low <= stop))
        })
    }

    /// Puts an order in the place of a live one, of the same instrument, side and account:
    /// [`Report::Replaced`] and what follows from it. Where the old one is not live, the new number is
    /// another's, the phase takes no changes, or the terms differ in what cannot be changed,
    /// [`Report::Refused`] and the old one stays; where what it is to become is refused otherwise, the
    /// old one ends with [`Report::Cancelled`] after that.
    ///
    /// Of an order in the book the limit, the shares and the end may change; of one that waits, its stop
    /// too. All need a limit.
    #[inline]
    pub fn replace(&mut self, now: Nanos, old: OrderKey, order: &Order, out: &mut impl Out) {
        let refused = |order, why| Report::Refused { order, why };
        let new = order.new.key;
        let waiting = self.waiting.find(old);
        let instrument = match (waiting, self.market.placed(old)) {
            (Some(id), _) => self.waiting.order(id).new.instrument,
            (None, Some(placed)) => placed.instrument,
            (None, None) => return out.push(refused(old, Refused::NotLive)),
        };
        if new != old && self.is_live(new) {
            return out.push(refused(new, Refused::DuplicateKey));
        }
        if matches!(self.gates[instrument.index()].phase, Phase::Closed | Phase::Halted) {
            return out.push(refused(new, Refused::Phase));
        }
        let has_price = match order.new.price {
            Price::Limit(_) => true,
            Price::Market => order.terms.peg.is_some(),
            Price::MarketToLimit => false,
        };
        if !has_price || check_terms(now, &order.terms).is_err() {
            return out.push(refused(new, Refused::Terms));
        }
        if order.terms.expires != Nanos::MAX {
            let (market, waiting) = (&self.market, &self.waiting);
            let is_live = |key: OrderKey| market.holds(key) || waiting.find(key).is_some();
            // The old one's own time makes room.
            if self.dated.when(old).is_none() && !self.dated.has_room(is_live) {
                return out.push(refused(new, Refused::TermsFull));
            }
        }
        let was_changed = match waiting {
            Some(id) => self.replace_off_book(now, id, order, out),
            None => self.replace_in_book(instrument, old, order, out),
        };
        let Some(trades) = was_changed else { return };
        self.dated.forget(old);
        if self.is_live(new) {
            // Its new number may be that of an order with a time, filled before it.
            self.dated.forget(new);
            if order.terms.expires != Nanos::MAX {
                self.dated.add(new, order.terms.expires);
            }
        }
        self.follow(now, instrument, trades, out);
    }

    /// `None` where the old order stays as it is; otherwise the trades.
    fn replace_in_book(
        &mut self,
        instrument: InstrumentId,
        old: OrderKey,
        order: &Order,
        out: &mut impl Out,
    ) -> Option<Option<Trades>> {
        let &NewOrder { key: new, standing, .. } = &order.new;
        let is_any = order.terms.stop.is_none() && order.terms.trading == Trading::Any;
        let rests = matches!(standing, Standing::Rest | Standing::PostOnly);
        if !is_any || !rests {
            out.push(Report::Refused { order: new, why: Refused::Terms });
            return None;
        }
        let side = self.market.placed(old)?.side;
        let span = self.gates[instrument.index()].span;
        let asked = Order { new: NewOrder { side, ..order.new }, ..*order };
        let Ok(held) = held(&self.at_midpoint(instrument, &asked), span, None) else {
            out.push(Report::Refused { order: new, why: Refused::Band });
            return Some(self.noted(instrument, out, |market, out| {
                market.end_order(old, Ended::Refused, out);
            }));
        };
        Some(self.noted(instrument, out, |market, out| market.replace_with(old, &held, out)))
    }

    /// `None` where the old order stays as it is.
    fn replace_off_book(
        &mut self,
        now: Nanos,
        id: u32,
        order: &Order,
        out: &mut impl Out,
    ) -> Option<Option<Trades>> {
        let was = *self.waiting.order(id);
        let NewOrder { instrument, side, account, .. } = was.new;
        let key = order.new.key;
        let changed = Order { new: NewOrder { instrument, side, account, ..order.new }, ..*order };
        let is_same_kind = was.terms.trading == order.terms.trading
            && was.terms.stop.is_some() == order.terms.stop.is_some();
        let stays = match (was.terms.stop, was.terms.trading, order.new.standing) {
            _ if !is_same_kind => Some(Refused::Terms),
            _ if self.is_cut_off(now, &was) || self.is_cut_off(now, &changed) => {
                Some(Refused::Phase)
            }
            // A market order that waits for a cross would be in the book if it had a limit.
            (None, Trading::Any, _) | (_, _, Standing::PostOnly) => Some(Refused::Terms),
            (None, _, Standing::Immediate { .. }) => Some(Refused::Terms),
            (_, _, Standing::Rest | Standing::Immediate { .. }) => None,
        };
        if let Some(why) = stays {
            out.push(Report::Refused { order: key, why });
            return None;
        }
        let Some(tick) = limit(&changed) else {
            out.push(Report::Refused { order: key, why: Refused::Terms });
            return None; // a peg without a limit
        };
        let ticks = [Some(tick), order.terms.stop, order.terms.discretion];
        let is_far =
            ticks.iter().flatten().any(|tick| self.market.check_tick(instrument, *tick).is_err());
        let is_sound = self.market.is_sound(&changed);
        if order.new.qty == 0 || is_far || !is_sound {
            let why = match (is_far, is_sound) {
                (true, _) => Refused::Price,
                (false, true) => Refused::Qty,
                (false, false) => Refused::Terms,
            };
            out.push(Report::Refused { order: key, why });
            self.end_waiting(id, Ended::Refused, out);
            return Some(None);
        }
        let kept = self.waiting.replace(id, &changed);
        let (old, new, qty) = (was.new.key, key, order.new.qty);
        out.push(Report::Replaced { old, new, side, tick, qty, kept });
        Some(None)
    }
}
