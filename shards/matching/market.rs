//! All books of one exchange shard, and what each command does to them. Knows no port and no clock.

use alloc::vec::Vec;

use types::{AccountId, InstrumentId, Side};

use crate::index::Index;
use crate::ladder::{ANY, EMPTY, Ladder};
use crate::orders::{NONE, Orders};
use crate::{
    Account, Ended, NewOrder, OrderKey, Out, Price, Refused, Replace, Report, SelfMatch, Standing,
    Tick,
};

/// How much room to make. All of it is allocated by [`Market::new`] and never grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Resting orders, over all instruments: 32 bytes each and 13 to 26 of index.
    pub orders: u32,
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
}

struct Book {
    ladders: [Ladder; 2],
    keeps_place: bool,
}

/// All books of one exchange shard.
pub struct Market {
    accounts: Vec<Account>,
    books: Vec<Book>,
    orders: Orders,
    index: Index,
}

/// An order that is looking for others.
struct Taker {
    key: OrderKey,
    side: Side,
    /// How far it may go on the other side's ladder.
    limit: i32,
    leaves: u32,
    account: AccountId,
    self_match: SelfMatch,
}

/// How a taker came out of the book.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    /// It took what was there.
    Others,
    /// It met its own group and goes no further.
    Itself,
}

impl Market {
    /// All books empty, one for each of `rules`, in order of instrument; `accounts` in order of account.
    ///
    /// # Panics
    /// Where a window or a capacity exceeds its stated maximum, or a reference is so far out that the
    /// window around it leaves the range of ticks.
    pub fn new(capacity: Capacity, accounts: &[Account], rules: &[Rules]) -> Self {
        let ladders = |rules: &Rules| Side::BOTH.map(|side| Ladder::new(side, rules));
        let book = |rules: &Rules| Book { ladders: ladders(rules), keeps_place: rules.keeps_place };
        Self {
            accounts: accounts.to_vec(),
            books: rules.iter().map(book).collect(),
            orders: Orders::new(capacity.orders),
            index: Index::new(capacity.orders),
        }
    }

    /// Enters an order: [`Report::Accepted`], its fills, and its end if it does not rest; or
    /// [`Report::Refused`] and nothing else.
    #[inline]
    pub fn enter(&mut self, order: &NewOrder, out: &mut impl Out) {
        let (limit, place) = match self.check(order) {
            Ok(way) => way,
            Err(why) => return out.push(Report::Refused { order: order.key, why }),
        };
        let tick = match order.price {
            Price::Limit(tick) => Some(tick),
            Price::Market => None,
        };
        let &NewOrder { key, side, qty, account, self_match, .. } = order;
        out.push(Report::Accepted { order: key, side, tick, qty });
        let mut taker = Taker { key, side, limit, leaves: qty, account, self_match };
        if let Standing::Immediate { min_qty } = order.standing
            && 0 < min_qty
            && !self.reaches(order.instrument, &taker, min_qty)
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

    /// How far an order may go on the other side, and where it would rest on its own if it may.
    #[inline(always)]
    fn check(&self, order: &NewOrder) -> Result<(i32, Option<i32>), Refused> {
        let book = self.books.get(order.instrument.index()).ok_or(Refused::Instrument)?;
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
            (Price::Market, Standing::PostOnly) => return Err(Refused::WouldTrade),
            (Price::Market, Standing::Rest | Standing::Immediate { .. }) => return Ok((ANY, None)),
        };
        let place = own.place(tick).ok_or(Refused::Price)?;
        let limit = other.place(tick).ok_or(Refused::Price)?;
        match order.standing {
            Standing::Immediate { .. } => return Ok((limit, None)),
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
        Ok((limit, Some(place)))
    }

    /// Cancels a live order: [`Report::Cancelled`] or [`Report::Refused`].
    #[inline]
    pub fn cancel(&mut self, order: OrderKey, out: &mut impl Out) {
        let Some(found) = self.index.find(&self.orders, order.get()) else {
            return out.push(Report::Refused { order, why: Refused::NotLive });
        };
        let slot = &self.orders[found.slot];
        let (at, side, place, qty) = (slot.ladder, slot.side(), slot.place, slot.qty);
        let ladder = &mut self.books[(at >> 1) as usize].ladders[side as usize];
        ladder.leave(&mut self.orders, found.slot);
        let tick = Some(ladder.tick(place));
        self.index.remove(found);
        self.orders.give(found.slot);
        out.push(Report::Cancelled { order, side, tick, qty, why: Ended::Asked });
    }

    /// Changes a live order: [`Report::Replaced`] and its fills. Where the order is not live or the new
    /// number is another's, [`Report::Refused`]; where what it is to become is refused, the order ends
    /// with [`Report::Cancelled`] after that: its owner wanted it as it was no longer.
    #[inline]
    pub fn replace(&mut self, replace: &Replace, out: &mut impl Out) {
        let &Replace { old, new, qty, tick, post_only, self_match } = replace;
        let Some(found) = self.index.find(&self.orders, old.get()) else {
            return out.push(Report::Refused { order: old, why: Refused::NotLive });
        };
        if new != old && self.index.find(&self.orders, new.get()).is_some() {
            return out.push(Report::Refused { order: new, why: Refused::DuplicateKey });
        }
        let slot = &self.orders[found.slot];
        let (at, side) = (slot.ladder, slot.side());
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

    /// Lets a taker at the other side's orders, best price first, each price in queue order.
    #[inline(always)]
    fn take(&mut self, instrument: InstrumentId, taker: &mut Taker, out: &mut impl Out) -> Met {
        loop {
            let ladder =
                &mut self.books[instrument.index()].ladders[taker.side.opposite() as usize];
            let place = ladder.best();
            if taker.limit < place {
                return Met::Others;
            }
            let tick = ladder.tick(place);
            let level = ladder.level_mut(place);
            loop {
                let id = level.head;
                let maker = &mut self.orders[id];
                if taker.self_match != SelfMatch::Allow
                    && is_same_group(&self.accounts, maker.account, taker.account)
                {
                    if self.meet(instrument, taker, id, out) {
                        return Met::Itself;
                    }
                    break; // its level may be gone
                }
                let qty = maker.qty.min(taker.leaves);
                let key = maker.key;
                maker.qty -= qty;
                taker.leaves -= qty;
                level.qty -= u64::from(qty);
                out.push(Report::Filled {
                    maker: OrderKey::new(key),
                    taker: taker.key,
                    side: taker.side,
                    tick,
                    half: false,
                    hidden: false,
                    qty,
                    maker_leaves: maker.qty,
                    taker_leaves: taker.leaves,
                });
                if maker.qty != 0 {
                    return Met::Others;
                }
                let behind = maker.behind;
                self.index.remove_slot(key, id);
                self.orders.give(id);
                level.head = behind;
                if behind == NONE {
                    ladder.vacate(place);
                    if taker.leaves == 0 {
                        return Met::Others;
                    }
                    break;
                }
                self.orders[behind].ahead = NONE;
                if taker.leaves == 0 {
                    return Met::Others;
                }
            }
        }
    }

    /// A taker has met `id`, an order of its own group. Whether it goes no further.
    #[cold]
    fn meet(
        &mut self,
        instrument: InstrumentId,
        taker: &mut Taker,
        id: u32,
        out: &mut impl Out,
    ) -> bool {
        let slot = &mut self.orders[id];
        let (key, side, place, qty) = (OrderKey::new(slot.key), slot.side(), slot.place, slot.qty);
        let ladder = &mut self.books[instrument.index()].ladders[side as usize];
        let tick = Some(ladder.tick(place));
        let gone = Report::Cancelled { order: key, side, tick, qty, why: Ended::SelfMatch };
        match taker.self_match {
            SelfMatch::Allow | SelfMatch::CancelNewest => true,
            SelfMatch::CancelOldest | SelfMatch::CancelBoth => {
                self.remove(key, id);
                out.push(gone);
                taker.self_match == SelfMatch::CancelBoth
            }
            SelfMatch::Decrement => {
                let less = qty.min(taker.leaves);
                if less < taker.leaves {
                    taker.leaves -= less;
                    self.remove(key, id);
                    out.push(gone);
                    let (order, leaves) = (taker.key, taker.leaves);
                    out.push(Report::Decremented { order, qty: less, leaves });
                    return false;
                }
                if less < qty {
                    slot.qty -= less;
                    ladder.level_mut(place).qty -= u64::from(less);
                    out.push(Report::Decremented { order: key, qty: less, leaves: qty - less });
                } else {
                    self.remove(key, id);
                    out.push(gone);
                }
                true // the caller cancels all that is left of it
            }
        }
    }

    /// Whether a taker would fill at least `min_qty` shares.
    fn reaches(&self, instrument: InstrumentId, taker: &Taker, min_qty: u32) -> bool {
        let ladder = &self.books[instrument.index()].ladders[taker.side.opposite() as usize];
        let careful = taker.self_match != SelfMatch::Allow;
        if taker.leaves < min_qty {
            return false;
        }
        let (mut leaves, mut filled) = (u64::from(taker.leaves), 0);
        let (mut place, min_qty) = (ladder.best(), u64::from(min_qty));
        while place <= taker.limit {
            let Some(level) = ladder.level(place) else { return false };
            let mut id = if careful { level.head } else { NONE };
            if !careful {
                let qty = level.qty.min(leaves);
                filled += qty;
                leaves -= qty;
            }
            while id != NONE && leaves != 0 {
                let maker = &self.orders[id];
                let qty = u64::from(maker.qty).min(leaves);
                if !is_same_group(&self.accounts, maker.account, taker.account) {
                    filled += qty;
                    leaves -= qty;
                } else {
                    match taker.self_match {
                        SelfMatch::Allow | SelfMatch::CancelOldest => {}
                        SelfMatch::CancelNewest | SelfMatch::CancelBoth => {
                            return min_qty <= filled;
                        }
                        SelfMatch::Decrement => leaves -= qty,
                    }
                }
                id = maker.behind;
            }
            if min_qty <= filled || leaves == 0 {
                return min_qty <= filled;
            }
            place = ladder.after(place);
        }
        false
    }

    /// Puts what is left of a taker at the end of its queue. There is room: it was asked for.
    #[inline(always)]
    fn rest(&mut self, instrument: InstrumentId, taker: &Taker, place: i32, out: &mut impl Out) {
        let Some(id) = self.orders.take() else {
            unreachable!("room for an order was asked for before it was taken");
        };
        let slot = &mut self.orders[id];
        slot.key = taker.key.get();
        slot.qty = taker.leaves;
        slot.place = place;
        slot.ladder = instrument.get() << 1 | taker.side as u32;
        slot.account = taker.account.get();
        self.index.insert(taker.key.get(), id);
        let ladder = &mut self.books[instrument.index()].ladders[taker.side as usize];
        ladder.join(&mut self.orders, id);
        let (order, side, qty) = (taker.key, taker.side, taker.leaves);
        out.push(Report::Rested { order, side, tick: ladder.tick(place), qty, shown: qty });
    }

    /// Takes a resting order out of everything.
    fn remove(&mut self, key: OrderKey, id: u32) {
        let slot = &self.orders[id];
        let ladder = &mut self.books[(slot.ladder >> 1) as usize].ladders[slot.side() as usize];
        ladder.leave(&mut self.orders, id);
        self.index.remove_slot(key.get(), id);
        self.orders.give(id);
    }

    /// Ends every order of an instrument: the bids, then the offers, best price first.
    pub(crate) fn clear(&mut self, instrument: InstrumentId, why: Ended, out: &mut impl Out) {
        for side in Side::BOTH {
            while let Some(RestingOrder { order, tick, qty }) =
                self.resting(instrument, side).next()
            {
                let Some(found) = self.index.find(&self.orders, order.get()) else {
                    unreachable!("a resting order is in the index");
                };
                self.remove(order, found.slot);
                out.push(Report::Cancelled { order, side, tick: Some(tick), qty, why });
            }
        }
    }

    fn ladder(&self, instrument: InstrumentId, side: Side) -> Option<&Ladder> {
        Some(&self.books.get(instrument.index())?.ladders[side as usize])
    }

    /// The best price of one side; `None` where nothing rests there.
    pub fn best(&self, instrument: InstrumentId, side: Side) -> Option<Tick> {
        let ladder = self.ladder(instrument, side)?;
        (ladder.best() != EMPTY).then(|| ladder.tick(ladder.best()))
    }

    /// The shares that rest at one price.
    pub fn depth_at(&self, instrument: InstrumentId, side: Side, tick: Tick) -> u64 {
        let Some(ladder) = self.ladder(instrument, side) else { return 0 };
        ladder.place(tick).map_or(0, |place| ladder.qty(place))
    }

    /// The orders of one side, best price first, each price in queue order.
    pub fn resting(&self, instrument: InstrumentId, side: Side) -> Resting<'_> {
        let ladder = self.ladder(instrument, side);
        let place = ladder.map_or(EMPTY, Ladder::best);
        let mut resting = Resting { orders: &self.orders, ladder, place, id: NONE };
        resting.id = resting.head();
        resting
    }

    /// How many orders rest, over all instruments.
    pub const fn live(&self) -> u32 {
        self.orders.live()
    }

    /// Bytes that orders take, used or not. Divide by the capacity.
    pub const fn order_bytes(&self) -> usize {
        self.orders.bytes() + self.index.bytes()
    }
}

/// Whether two accounts may not trade with each other.
#[inline(always)]
fn is_same_group(accounts: &[Account], one: u32, other: AccountId) -> bool {
    let group = accounts[other.index()].group;
    group != 0 && accounts[one as usize].group == group
}

/// A resting order, as it can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestingOrder {
    /// Its number.
    pub order: OrderKey,
    /// Its price.
    pub tick: Tick,
    /// Its open shares.
    pub qty: u32,
}

/// The orders of one side: see [`Market::resting`].
pub struct Resting<'a> {
    orders: &'a Orders,
    ladder: Option<&'a Ladder>,
    place: i32,
    id: u32,
}

impl Resting<'_> {
    fn head(&self) -> u32 {
        let level = self.ladder.and_then(|ladder| ladder.level(self.place));
        level.map_or(NONE, |level| level.head)
    }
}

impl Iterator for Resting<'_> {
    type Item = RestingOrder;

    fn next(&mut self) -> Option<RestingOrder> {
        let ladder = self.ladder?;
        if self.place == EMPTY {
            return None;
        }
        let slot = &self.orders[self.id];
        let seen = RestingOrder {
            order: OrderKey::new(slot.key),
            tick: ladder.tick(self.place),
            qty: slot.qty,
        };
        self.id = slot.behind;
        if self.id == NONE {
            self.place = ladder.after(self.place);
            self.id = self.head();
        }
        Some(seen)
    }
}
