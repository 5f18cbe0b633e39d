//! Orders with terms, and every order of a book that is not plain: which are sound, how far they go,
//! and where they rest.

use types::{AccountId, InstrumentId, Side};

use crate::hidden::{Reach, price_of};
use crate::ladder::{ANY, EMPTY, NOWHERE};
use crate::market::{Book, Market};
use crate::orders::{HIDDEN, NONE, SPECIAL};
use crate::peg::Touch;
use crate::ranked::{Kind, Ranked};
use crate::reserve::SHOWINGS_MAX;
use crate::specials::Special;
use crate::take::{Met, Taker};
use crate::{
    Display, Ended, NewOrder, Order, OrderKey, Out, PegTo, Price, Refused, Replace, Report,
    Standing, Terms, Tick,
};

/// The way of an order that may enter.
struct Course {
    reach: Reach,
    /// Its limit.
    limit: Option<Tick>,
    rests: Rests,
}

/// Where what is left of an order rests.
#[derive(Clone, Copy)]
enum Rests {
    /// Nowhere: it ends.
    Nowhere,
    /// At a place of its own ladder.
    Shown(i32),
    /// At a place of its own ladder, or where a peg stands, in half places.
    Hidden(i64),
}

impl Terms {
    /// Whether they ask nothing of the book: stops, crosses and times are asked of the floor.
    pub(crate) fn rest_plainly(&self) -> bool {
        let &Self { display, min_qty, peg, discretion, .. } = self;
        Self { display, min_qty, peg, discretion, ..Self::PLAIN }.is_plain()
    }
}

/// Whether an order's terms go together.
pub(crate) fn is_sound(order: &Order, lit: bool) -> bool {
    let Order { new, terms } = order;
    let is_immediate = matches!(new.standing, Standing::Immediate { .. });
    let is_hidden = !lit || terms.peg.is_some() || terms.display == Display::Hidden;
    let display = match terms.display {
        Display::Whole | Display::Hidden => true,
        Display::Reserve { show, random } => {
            let least = show.saturating_sub(random).max(1);
            let has_few_parts = u64::from(new.qty) <= u64::from(least) * u64::from(SHOWINGS_MAX);
            show != 0 && has_few_parts && terms.peg.is_none() && terms.discretion.is_none()
        }
    };
    let min_qty = terms.min_qty == 0 || (is_hidden && !is_immediate && terms.min_qty <= new.qty);
    let peg = terms.peg.is_none_or(|peg| {
        let offset = 0 <= peg.offset || peg.to == PegTo::Primary;
        offset && new.price != Price::MarketToLimit
    });
    let discretion = match (terms.discretion, new.price) {
        (None, _) => true,
        (Some(to), Price::Limit(limit)) => {
            let is_further = match new.side {
                Side::Buy => limit <= to,
                Side::Sell => to <= limit,
            };
            is_further && !is_immediate && terms.min_qty == 0 && terms.peg.is_none()
        }
        (Some(_), Price::Market | Price::MarketToLimit) => false,
    };
    display && min_qty && peg && discretion
}

impl Market {
    /// Enters an order with its terms: as [`Market::enter`]. Of the terms, those that are not the
    /// book's (stop, trading, expires) are not looked at.
    #[inline]
    pub fn enter_with(&mut self, order: &Order, out: &mut impl Out) {
        if order.terms.rest_plainly() {
            self.enter(&order.new, out);
        } else {
            self.admit(order, out);
        }
    }

    /// Puts an order with its terms in the place of a live one, whose instrument, side and account it
    /// takes: as [`Market::replace`]. It keeps its place in the queue where the book's rules let it,
    /// and it has the same terms and limit, and no more shares.
    #[inline]
    pub fn replace_with(&mut self, old: OrderKey, order: &Order, out: &mut impl Out) {
        let &NewOrder { key: new, qty, self_match, standing, .. } = &order.new;
        let post_only = match standing {
            _ if !order.terms.rest_plainly() => None,
            Standing::Rest => Some(false),
            Standing::PostOnly => Some(true),
            Standing::Immediate { .. } => None,
        };
        match (order.new.price, post_only) {
            (Price::Limit(tick), Some(post_only)) => {
                let replace = Replace { old, new, qty, tick, post_only, self_match };
                self.change(&replace, Some(order), out);
            }
            (Price::Limit(_) | Price::Market | Price::MarketToLimit, _) => {
                self.exchange(old, Some(order.terms), &order.new, out);
            }
        }
    }

    /// As [`Market::enter`], of an order that has terms, or where the book is not plain or not there.
    #[cold]
    #[inline(never)]
    pub(crate) fn admit(&mut self, order: &Order, out: &mut impl Out) {
        let &NewOrder { key, instrument, side, qty, .. } = &order.new;
        let course = match self.books.get(instrument.index()) {
            None => Err(Refused::Instrument),
            Some(_) if self.accounts.len() <= order.new.account.index() => Err(Refused::Account),
            Some(_) if qty == 0 => Err(Refused::Qty),
            Some(_) if self.index.find(&self.orders, key.get()).is_some() => {
                Err(Refused::DuplicateKey)
            }
            Some(book) => self.course(book, order, &book.touch(), None),
        };
        match course {
            Err(why) => out.push(Report::Refused { order: key, why }),
            Ok(course) => {
                out.push(Report::Accepted { order: key, side, tick: course.limit, qty });
                self.run(order, &course, out);
            }
        }
    }

    /// As [`Market::replace`], of an order that has terms, or in a book that is not plain.
    pub(crate) fn replace_special(&mut self, replace: &Replace, out: &mut impl Out) {
        let &Replace { old, new: key, qty, tick, post_only, self_match } = replace;
        let standing = if post_only { Standing::PostOnly } else { Standing::Rest };
        let new = NewOrder {
            key,
            qty,
            price: Price::Limit(tick),
            standing,
            self_match,
            // Those of the old one come in their place.
            instrument: InstrumentId::new(0),
            side: Side::Buy,
            account: AccountId::new(0),
        };
        self.exchange(old, None, &new, out);
    }

    /// `terms`: `None` for those of the old one.
    #[cold]
    #[inline(never)]
    pub(crate) fn exchange(
        &mut self,
        old: OrderKey,
        terms: Option<Terms>,
        new: &NewOrder,
        out: &mut impl Out,
    ) {
        let key = new.key;
        let Some(found) = self.index.find(&self.orders, old.get()) else {
            return out.push(Report::Refused { order: old, why: Refused::NotLive });
        };
        if key != old && self.index.find(&self.orders, key.get()).is_some() {
            return out.push(Report::Refused { order: key, why: Refused::DuplicateKey });
        }
        let (id, open) = (found.slot, self.open(found.slot));
        let slot = &self.orders[id];
        let (side, instrument, was_limit) = (slot.side(), slot.instrument(), self.limit_of(slot));
        let was_terms = slot.special().map_or(Terms::PLAIN, |special| self.specials[special].terms);
        let new = NewOrder { instrument, side, account: self.account_of(id), ..*new };
        let order = Order { new, terms: terms.unwrap_or(was_terms) };
        let book = &self.books[instrument.index()];
        let touch = book.touch();
        let course = match self.course(book, &order, &touch, Some(id)) {
            _ if new.qty == 0 => Err(Refused::Qty),
            Ok(Course { limit: None, rests: Rests::Nowhere | Rests::Shown(_), .. }) => {
                Err(Refused::Terms) // a market order replaces nothing
            }
            course => course,
        };
        let course = match course {
            Ok(course) => course,
            Err(why) => {
                out.push(Report::Refused { order: key, why });
                self.end(id, Ended::Refused, out);
                return self.wake(instrument, out);
            }
        };
        let kept = book.keeps_place
            && !matches!(course.rests, Rests::Nowhere)
            && course.limit == was_limit
            && new.qty <= open
            && is_same_rest(&order.terms, &was_terms);
        let tick = course.shown_tick(book, side);
        out.push(Report::Replaced { old, new: key, side, tick, qty: new.qty, kept });
        if !kept {
            self.remove(old, id);
            return self.run(&order, &course, out);
        }
        if new.qty < open {
            self.shrink(id, new.qty);
        }
        if let Some(special) = self.orders[id].special() {
            let special = &mut self.specials[special];
            special.terms = order.terms;
            special.self_match = new.self_match;
        }
        self.index.remove(found);
        self.orders[id].key = key.get();
        self.index.insert(key.get(), id);
        self.wake(instrument, out);
    }

    /// An order that was taken goes its way.
    fn run(&mut self, order: &Order, course: &Course, out: &mut impl Out) {
        let &NewOrder { key, instrument, side, qty, standing, account, self_match, .. } =
            &order.new;
        let touch = self.books[instrument.index()].touch();
        // Its limit as a place is in its reach.
        let mut taker = Taker { key, side, limit: NOWHERE, leaves: qty, account, self_match };
        let (reach, tick) = (&course.reach, course.limit);
        let min_qty = match standing {
            Standing::Rest | Standing::PostOnly => order.terms.min_qty,
            Standing::Immediate { min_qty } => min_qty,
        };
        let reaches = min_qty == 0 || self.reaches(instrument, &taker, reach, &touch, min_qty);
        let met = if reaches && self.books[instrument.index()].trades {
            self.take_special(instrument, &mut taker, reach, &touch, out)
        } else {
            Met::Others // it rests without a trade, or ends
        };
        let qty = taker.leaves;
        let cancelled = |why| Report::Cancelled { order: key, side, tick, qty, why };
        match (met, course.rests) {
            _ if qty == 0 => {}
            (Met::Itself, _) => out.push(cancelled(Ended::SelfMatch)),
            (Met::Others, Rests::Nowhere) if reaches => out.push(cancelled(Ended::Immediate)),
            (Met::Others, Rests::Nowhere) => out.push(cancelled(Ended::MinQty)),
            (Met::Others, Rests::Shown(place)) if order.terms.rest_plainly() => {
                self.rest(instrument, &taker, place, out);
            }
            (Met::Others, Rests::Shown(_) | Rests::Hidden(_)) => {
                self.rest_special(order, &taker, course, out);
            }
        }
        self.wake(instrument, out);
    }

    /// Puts what is left of a taker where it rests, with its terms. There is room: it was asked for.
    fn rest_special(&mut self, order: &Order, taker: &Taker, course: &Course, out: &mut impl Out) {
        let NewOrder { key, instrument, side, account, self_match, .. } = order.new;
        let qty = taker.leaves;
        let Some(id) = self.orders.take() else {
            unreachable!("room for an order was asked for before it was taken");
        };
        let book = &mut self.books[instrument.index()];
        let ladder = &mut book.ladders[side as usize];
        // A peg without a limit has no place of its own.
        let place = course.limit.and_then(|tick| ladder.place(tick)).unwrap_or(0);
        let (flags, shown) = match course.rests {
            Rests::Nowhere | Rests::Hidden(_) => (SPECIAL | HIDDEN, 0),
            Rests::Shown(_) => (SPECIAL, book.draws.showing(order.terms.display, qty)),
        };
        let special = Special {
            limit: course.limit,
            terms: order.terms,
            slot: id,
            unshown: if shown == 0 { 0 } else { qty - shown },
            account,
            self_match,
            ..Special::BLANK
        };
        let limit = if course.limit.is_some() { place } else { Ranked::ANY };
        let &Terms { peg, discretion, min_qty, .. } = &order.terms;
        let ranked = Ranked {
            offset: peg.map_or(0, |peg| peg.offset),
            limit,
            discretion: discretion.and_then(|tick| ladder.place(tick)).unwrap_or(EMPTY),
            least: min_qty.min(qty),
            qty,
            firm: self.accounts[account.index()].firm,
        };
        let kind = if shown == 0 { Kind::of_peg(peg) } else { Kind::Shown };
        let list = &mut book.lists[side as usize];
        let special = self.specials.join(list, &special, kind, ranked);
        book.specials += 1;
        if shown == 0 {
            book.pairs.note(special);
        }
        let slot = &mut self.orders[id];
        slot.key = key.get();
        slot.qty = if shown == 0 { qty } else { shown };
        slot.place = place;
        slot.ladder = instrument.get() << 1 | side as u32 | flags;
        slot.account = special;
        (slot.ahead, slot.behind) = (NONE, NONE);
        self.index.insert(key.get(), id);
        if shown != 0 {
            ladder.join(&mut self.orders, id);
        }
        let tick = course.shown_tick(&self.books[instrument.index()], side);
        out.push(Report::Rested { order: key, side, tick, qty, shown });
    }

    /// Whether an order may enter, and the way it goes. `leaving`: an order that it replaces, whose room
    /// it may have.
    fn course(
        &self,
        book: &Book,
        order: &Order,
        touch: &Touch,
        leaving: Option<u32>,
    ) -> Result<Course, Refused> {
        let Order { new, terms } = order;
        let &NewOrder { side, standing, instrument, account, qty, .. } = new;
        if !is_sound(order, book.lit) {
            return Err(Refused::Terms);
        }
        let [own, other] = [side, side.opposite()].map(|side| &book.ladders[side as usize]);
        let nowhere = |limit: i32| Course {
            reach: Reach::to(2 * i64::from(limit)),
            limit: None,
            rests: Rests::Nowhere,
        };
        let limit = match (new.price, terms.peg) {
            (Price::Limit(tick), _) => Some(tick),
            (Price::Market, Some(_)) => None,
            (Price::Market | Price::MarketToLimit, _) if standing == Standing::PostOnly => {
                return Err(Refused::WouldTrade);
            }
            (Price::Market, None) => return Ok(nowhere(ANY)),
            (Price::MarketToLimit, _) if other.best() == EMPTY => return Ok(nowhere(NOWHERE)),
            (Price::MarketToLimit, _) => Some(other.tick(other.best())),
        };
        let mut place = 0;
        for tick in [terms.discretion, limit].into_iter().flatten() {
            other.place(tick).ok_or(Refused::Price)?;
            place = own.place(tick).ok_or(Refused::Price)?;
        }
        let stands2 = match terms.peg {
            None => 2 * i64::from(place),
            Some(peg) => book.stands(touch, side, peg, limit).ok_or(Refused::Quote)?,
        };
        let mut reach = Reach::to(other.place2(own.half_ticks(stands2)));
        if let Some(tick) = terms.discretion {
            reach.reach2 = other.place2(2 * tick.get());
        }
        let rests = match terms.display {
            _ if matches!(standing, Standing::Immediate { .. }) => {
                return Ok(Course { reach, limit, rests: Rests::Nowhere });
            }
            Display::Whole | Display::Reserve { .. } if book.lit && terms.peg.is_none() => {
                Rests::Shown(place)
            }
            Display::Whole | Display::Reserve { .. } | Display::Hidden => Rests::Hidden(stands2),
        };
        let would_trade = || {
            2 * i64::from(other.best()) <= reach.reach2
                || self.next_hidden(instrument, side, account, qty, &reach, touch, None).is_some()
        };
        if standing == Standing::PostOnly && book.trades && would_trade() {
            return Err(Refused::WouldTrade);
        }
        let leaving = leaving.map(|id| &self.orders[id]);
        if leaving.is_none() && self.orders.is_full() {
            return Err(Refused::OrdersFull);
        }
        let is_special = !(book.lit && terms.rest_plainly());
        let gives_terms = leaving.is_some_and(|slot| slot.special().is_some());
        if is_special && !gives_terms && self.specials.is_full() {
            return Err(Refused::TermsFull);
        }
        // Alone at a far price, one that leaves makes room for another.
        let gives_level = leaving.is_some_and(|slot| {
            let is_alone = slot.ahead == NONE && slot.behind == NONE;
            !slot.is_hidden() && is_alone && own.is_far(slot.place)
        });
        match rests {
            Rests::Shown(place) if !own.has_room(place) && !gives_level => Err(Refused::LevelsFull),
            Rests::Nowhere | Rests::Shown(_) | Rests::Hidden(_) => {
                Ok(Course { reach, limit, rests })
            }
        }
    }
}

impl Course {
    /// Its limit; for a peg without one the tick at or below where it stands.
    fn shown_tick(&self, book: &Book, side: Side) -> Tick {
        let ladder = &book.ladders[side as usize];
        match (self.limit, self.rests) {
            (Some(tick), _) => tick,
            (None, Rests::Hidden(place2)) => price_of(ladder.half_ticks(place2)).0,
            (None, Rests::Nowhere | Rests::Shown(_)) => {
                unreachable!("what is shown has a limit, and what rests nowhere is not asked")
            }
        }
    }
}

/// Whether two orders' terms rest in the same way.
pub(crate) fn is_same_rest(one: &Terms, other: &Terms) -> bool {
    let rest = |terms: &Terms| (terms.display, terms.min_qty, terms.peg, terms.discretion);
    rest(one) == rest(other)
}
