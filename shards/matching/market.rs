//! All books of one exchange shard, and what each command does to them. Knows no port and no clock.

use alloc::vec::Vec;

use types::{AccountId, InstrumentId, Side};

use crate::index::Index;
use crate::ladder::{ANY, EMPTY, Ladder, NOWHERE};
use crate::orders::{BOOKS_MAX, NONE, Orders};
use crate::pairs::Pairs;
use crate::reserve::Draws;
use crate::specials::{List, Specials};
use crate::take::{Met, Taker};
use crate::{
    Account, Ended, NewOrder, Order, OrderKey, Out, Price, Quote, Refused, Replace, Report,
    Standing, Terms, Tick,
};

/// How much room to make. All of it is allocated by [`Market::new`] and never grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Resting orders, over all instruments: 32 bytes each and 13 to 26 of index.
    pub orders: u32,
    /// Those of them that have terms, or rest in a book that is not lit: at most 272 bytes more each.
    pub terms: u32,
}

impl Capacity {
    /// Bytes that the terms of one order take, with its places in the queues.
    pub const TERMS_BYTES: usize = crate::specials::BYTES;
}

/// How one instrument trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The middle of the window.
    pub reference: Tick,
    /// How many prices each side holds in its fast part: 16 bytes each, twice. At most 2^18.
    pub window: u32,
    /// How many prices outside the window each side holds.
    pub far_levels: u32,
    /// Whether a replace that only takes shares away leaves an order in its place in the queue.
    pub keeps_place: bool,
    /// Who goes first at one price.
    pub policy: Policy,
    /// Whether it shows orders. Where it does not, every order is hidden.
    pub lit: bool,
    /// From where the sizes of random showings are drawn.
    pub seed: u64,
}

impl Rules {
    /// Bytes that a price of the window takes, on both sides.
    pub const WINDOW_BYTES: usize = 2 * crate::ladder::LEVEL_BYTES;
    /// Bytes that a price outside of it takes, on both sides.
    pub const FAR_BYTES: usize = 2 * crate::ladder::FAR_BYTES;
}

/// Who goes first among the orders shown at one price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Whoever came first.
    #[default]
    PriceTime,
    /// Each gets a part by its size.
    ProRata,
    /// Those of the taker's own firm, then whoever came first.
    PriceBrokerTime,
}

pub(crate) struct Book {
    /// How many of its orders have terms, one more where its rules make every command a matter of
    /// terms, and one more while nothing trades. With none the book is plain.
    pub(crate) specials: u32,
    pub(crate) ladders: [Ladder; 2],
    pub(crate) keeps_place: bool,
    pub(crate) lit: bool,
    /// Orders trade as they come. Otherwise they rest, whatever stands on the other side.
    pub(crate) trades: bool,
    pub(crate) policy: Policy,
    /// Those with terms, by side.
    pub(crate) lists: [List; 2],
    /// Beyond which half place of its ladder no peg stands and no discretion reaches, by side.
    pub(crate) bounds2: [i64; 2],
    /// Which hidden orders may trade with each other.
    pub(crate) pairs: Pairs,
    /// The quote that it was told.
    pub(crate) told: Option<Quote>,
    pub(crate) draws: Draws,
}

impl Book {
    fn new(rules: &Rules) -> Self {
        let is_plain = rules.lit && rules.policy == Policy::PriceTime;
        Self {
            specials: u32::from(!is_plain),
            ladders: Side::BOTH.map(|side| Ladder::new(side, rules)),
            keeps_place: rules.keeps_place,
            lit: rules.lit,
            trades: true,
            policy: rules.policy,
            lists: [List::EMPTY; 2],
            bounds2: [i64::MIN; 2],
            pairs: Pairs::NONE,
            told: None,
            draws: Draws::new(rules.seed),
        }
    }

    /// Whether all its orders are shown whole and trade in price-time order.
    #[inline(always)]
    pub(crate) const fn is_plain(&self) -> bool {
        self.specials == 0
    }
}

/// All books of one exchange shard.
pub struct Market {
    pub(crate) accounts: Vec<Account>,
    pub(crate) books: Vec<Book>,
    pub(crate) orders: Orders,
    pub(crate) index: Index,
    pub(crate) specials: Specials,
}

/// The way of an order that may enter.
#[derive(Clone, Copy)]
struct Way {
    /// How far it may go on the other side's ladder.
    limit: i32,
    /// Where it rests on its own, if it may.
    place: Option<i32>,
    /// Its limit.
    tick: Option<Tick>,
}

impl Market {
    /// All books empty, one for each of `rules`, in order of instrument; `accounts` in order of account.
    ///
    /// # Panics
    /// Where there are more instruments or orders than have a number, a window exceeds its stated maximum,
    /// or a reference lies more than 2^61 ticks from 0.
    pub fn new(capacity: Capacity, accounts: &[Account], rules: &[Rules]) -> Self {
        assert!(rules.len() <= BOOKS_MAX, "{} instruments", rules.len());
        Self {
            accounts: accounts.to_vec(),
            books: rules.iter().map(Book::new).collect(),
            orders: Orders::new(capacity.orders),
            index: Index::new(capacity.orders),
            specials: Specials::new(capacity.terms),
        }
    }

    /// Enters an order: [`Report::Accepted`], its fills, and its end if it does not rest; or
    /// [`Report::Refused`] and nothing else.
    #[inline]
    pub fn enter(&mut self, order: &NewOrder, out: &mut impl Out) {
        let book = match self.books.get(order.instrument.index()) {
            Some(book) if book.is_plain() => book,
            // A copy, so that the order itself need not lie in memory for it.
            Some(_) | None => return self.admit(&Order { new: *order, terms: Terms::PLAIN }, out),
        };
        let Way { limit, place, tick } = match self.check(book, order) {
            Ok(way) => way,
            Err(why) => return out.push(Report::Refused { order: order.key, why }),
        };
        let &NewOrder { key, side, qty, account, self_match, .. } = order;
        out.push(Report::Accepted { order: key, side, tick, qty });
        let mut taker = Taker { key, side, limit, leaves: qty, account, self_match };
        if let Standing::Immediate { min_qty } = order.standing
            && 0 < min_qty
            && !self.reaches_plainly(order.instrument, &taker, min_qty)
        {
            let why = Ended::MinQty;
            return out.push(Report::Cancelled { order: key, side, tick, qty, why });
        }
        let met = self.take(order.instrument, &mut taker, out);
        self.settle(order.instrument, &taker, met, (place, tick), out);
    }

    /// What is left of a taker rests at its place, or ends where it has none or met itself.
    #[inline(always)]
    fn settle(
        &mut self,
        instrument: InstrumentId,
        taker: &Taker,
        met: Met,
        (place, tick): (Option<i32>, Option<Tick>),
        out: &mut impl Out,
    ) {
        let &Taker { key: order, side, leaves: qty, .. } = taker;
        let why = match (met, place) {
            _ if qty == 0 => return,
            (Met::Others, Some(place)) => return self.rest(instrument, taker, place, out),
            (Met::Others, None) => Ended::Immediate,
            (Met::Itself, _) => Ended::SelfMatch,
        };
        out.push(Report::Cancelled { order, side, tick, qty, why });
    }

    /// Whether an order may enter, and the way it goes.
    #[inline(always)]
    fn check(&self, book: &Book, order: &NewOrder) -> Result<Way, Refused> {
        if self.accounts.len() <= order.account.index() {
            return Err(Refused::Account);
        }
        if order.qty == 0 {
            return Err(Refused::Qty);
        }
        if self.index.find(&self.orders, order.key.get()).is_some() {
            return Err(Refused::DuplicateKey);
        }
        let [own, other] =
            [order.side, order.side.opposite()].map(|side| &book.ladders[side as usize]);
        let tick = match (order.price, order.standing) {
            (Price::Limit(tick), _) => tick,
            (Price::Market | Price::MarketToLimit, Standing::PostOnly) => {
                return Err(Refused::WouldTrade);
            }
            (Price::Market, Standing::Rest | Standing::Immediate { .. }) => {
                return Ok(Way { limit: ANY, place: None, tick: None });
            }
            (Price::MarketToLimit, Standing::Rest | Standing::Immediate { .. }) => {
                if other.best() == EMPTY {
                    return Ok(Way { limit: NOWHERE, place: None, tick: None });
                }
                other.tick(other.best())
            }
        };
        let place = own.place(tick).ok_or(Refused::Price)?;
        let limit = other.place(tick).ok_or(Refused::Price)?;
        match order.standing {
            Standing::Immediate { .. } => {
                return Ok(Way { limit, place: None, tick: Some(tick) });
            }
            Standing::PostOnly if other.best() <= limit => return Err(Refused::WouldTrade),
            Standing::PostOnly | Standing::Rest => {}
        }
        // Its fills may make room, but they may not.
        if self.orders.is_full() {
            return Err(Refused::OrdersFull);
        }
        if !own.has_room(place) {
            return Err(Refused::LevelsFull);
        }
        Ok(Way { limit, place: Some(place), tick: Some(tick) })
    }

    /// Cancels a live order: [`Report::Cancelled`] or [`Report::Refused`].
    #[inline]
    pub fn cancel(&mut self, order: OrderKey, out: &mut impl Out) {
        self.cancel_from(order, out);
    }

    /// As [`Market::cancel`]; answers where it rested.
    #[inline(always)]
    pub(crate) fn cancel_from(
        &mut self,
        order: OrderKey,
        out: &mut impl Out,
    ) -> Option<InstrumentId> {
        let Some(found) = self.index.find(&self.orders, order.get()) else {
            out.push(Report::Refused { order, why: Refused::NotLive });
            return None;
        };
        let slot = &self.orders[found.slot];
        let (at, side, place, qty) = (slot.ladder, slot.side(), slot.place, slot.qty);
        // A flag makes it no place in the table.
        let book = match self.books.get_mut((at >> 1) as usize) {
            Some(book) if book.is_plain() => book,
            Some(_) | None => return Some(self.cancel_special(found.slot, out)),
        };
        let ladder = &mut book.ladders[side as usize];
        ladder.leave(&mut self.orders, found.slot);
        let tick = Some(ladder.tick(place));
        self.index.remove(found);
        self.orders.give(found.slot);
        out.push(Report::Cancelled { order, side, tick, qty, why: Ended::Asked });
        Some(InstrumentId::new(at >> 1))
    }

    /// Changes a live order: [`Report::Replaced`] and its fills. Where the order is not live or the new
    /// number is another's, [`Report::Refused`]; where what it is to become is refused, the order ends
    /// with [`Report::Cancelled`] after that: its owner wanted it as it was no longer.
    #[inline]
    pub fn replace(&mut self, replace: &Replace, out: &mut impl Out) {
        self.change(replace, None, out);
    }

    /// As [`Market::replace`]. `order`: what to do instead where the old order has terms or its book is
    /// not plain; `None` for the same, with the terms of the old one.
    #[inline(always)]
    pub(crate) fn change(&mut self, replace: &Replace, order: Option<&Order>, out: &mut impl Out) {
        let &Replace { old, new, qty, tick, post_only, self_match } = replace;
        let Some(found) = self.index.find(&self.orders, old.get()) else {
            return out.push(Report::Refused { order: old, why: Refused::NotLive });
        };
        if new != old && self.index.find(&self.orders, new.get()).is_some() {
            return out.push(Report::Refused { order: new, why: Refused::DuplicateKey });
        }
        let slot = &self.orders[found.slot];
        let (at, side) = (slot.ladder, slot.side());
        if !self.books.get((at >> 1) as usize).is_some_and(Book::is_plain) {
            return match order {
                Some(order) => self.exchange(old, Some(order.terms), &order.new, out),
                None => self.replace_special(&{ *replace }, out),
            };
        }
        let account = AccountId::new(slot.account);
        let (was_place, was_qty) = (slot.place, slot.qty);
        let is_alone = slot.ahead == NONE && slot.behind == NONE;
        let instrument = InstrumentId::new(at >> 1);
        let book = &mut self.books[instrument.index()];
        let [own, other] = [side, side.opposite()].map(|side| &book.ladders[side as usize]);
        let way = match (own.place(tick), other.place(tick)) {
            _ if qty == 0 => Err(Refused::Qty),
            (Some(_), Some(limit)) if post_only && other.best() <= limit => {
                Err(Refused::WouldTrade)
            }
            // It leaves its own level first; alone there, it leaves room for another far one.
            (Some(place), Some(limit))
                if own.has_room(place) || (is_alone && own.is_far(was_place)) =>
            {
                Ok((place, limit))
            }
            (Some(_), Some(_)) => Err(Refused::LevelsFull),
            (None, _) | (_, None) => Err(Refused::Price),
        };
        let (place, limit) = match way {
            Ok(way) => way,
            Err(why) => {
                out.push(Report::Refused { order: new, why });
                let tick = Some(own.tick(was_place));
                self.remove(old, found.slot);
                let why = Ended::Refused;
                return out.push(Report::Cancelled { order: old, side, tick, qty: was_qty, why });
            }
        };
        let kept = book.keeps_place && place == was_place && qty <= was_qty;
        out.push(Report::Replaced { old, new, side, tick, qty, kept });
        if kept {
            book.ladders[side as usize].level_mut(place).qty -= u64::from(was_qty - qty);
            self.orders[found.slot].qty = qty;
            self.index.remove(found);
            self.orders[found.slot].key = new.get();
            return self.index.insert(new.get(), found.slot);
        }
        book.ladders[side as usize].leave(&mut self.orders, found.slot);
        self.index.remove(found);
        self.orders.give(found.slot);
        let mut taker = Taker { key: new, side, limit, leaves: qty, account, self_match };
        let met = self.take(instrument, &mut taker, out);
        self.settle(instrument, &taker, met, (Some(place), Some(tick)), out);
    }
}
