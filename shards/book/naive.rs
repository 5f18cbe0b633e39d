//! The twins: the same books from `BTreeMap`s, slow and obviously right.
//!
//! Only for tests and fuzzing: whoever has a stream of events applies it to both and compares all
//! that can be seen. They share no logic with the fast books, only the words for answers.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec;
use alloc::vec::Vec;
use types::{
    Change, InstrumentId, MarketEvent, MatchNo, OrderRef, Px, Qty, ShortSale, Side, Symbol, Trading,
};
use xxhash_rust::xxh64::xxh64;

use crate::{
    Applied, Counters, Level, Order, PRINTS_MAX, Position, State, Stats, Top, Touched, l2, l3,
};

/// One instrument of either twin.
#[derive(Clone)]
struct Desk {
    stats: Stats,
    trading: Trading,
    short_sale: ShortSale,
    stale: bool,
    /// By an event that did not fit, and not cleared since.
    broken: bool,
}

impl Desk {
    fn new() -> Self {
        let stats = Stats::NONE;
        Self {
            stats,
            trading: Trading::Open,
            short_sale: ShortSale::Free,
            stale: false,
            broken: false,
        }
    }

    fn state(&self, top: Top) -> State {
        if self.stale {
            return State::Stale;
        }
        if self.trading == Trading::Halted || self.trading == Trading::Paused {
            return State::Halted;
        }
        match (top.bid.map(|bid| bid.px), top.offer.map(|offer| offer.px)) {
            (None, None) => State::Empty,
            (None, Some(_)) | (Some(_), None) => State::OneSided,
            (Some(bid), Some(offer)) if offer < bid => State::Crossed,
            (Some(bid), Some(offer)) if bid == offer => State::Locked,
            (Some(_), Some(_)) => State::Normal,
        }
    }
}

/// Prints that a bust can still take back, oldest first.
type Prints = VecDeque<(InstrumentId, MatchNo, Qty)>;

fn print(
    desk: &mut Desk,
    prints: &mut Prints,
    print: (InstrumentId, MatchNo, Qty),
    px: Px,
) -> bool {
    let qty = print.2;
    if qty == Qty::ZERO {
        return false;
    }
    prints.push_back(print);
    if PRINTS_MAX < prints.len() {
        prints.pop_front();
    }
    desk.stats.last_px = Some(px);
    desk.stats.last_qty = qty;
    desk.stats.volume = Qty::new(desk.stats.volume.get().saturating_add(qty.get()));
    desk.stats.trades += 1;
    true
}

/// Changes that are the same for both kinds; what is foreign to both was sorted out before.
fn off_book(
    desk: &mut Desk,
    prints: &mut Prints,
    counters: &mut Counters,
    event: &MarketEvent,
) -> Result<Touched, Applied> {
    let mut touched = nothing(event.instrument);
    let id = event.instrument;
    match event.change {
        Change::Trade { printable: false, .. } => {}
        Change::Trade { qty, px, match_no, printable: true }
        | Change::Cross { qty, px, match_no, .. } => {
            touched.traded = print(desk, prints, (id, match_no, qty), px);
        }
        Change::Bust { match_no } => {
            for broken in prints.iter_mut().filter(|p| (p.0, p.1) == (id, match_no)) {
                if broken.2 == Qty::ZERO {
                    continue; // taken back before
                }
                desk.stats.volume =
                    Qty::new(desk.stats.volume.get().saturating_sub(broken.2.get()));
                desk.stats.trades = desk.stats.trades.saturating_sub(1);
                broken.2 = Qty::ZERO;
                touched.traded = true;
            }
            counters.busts_missed += u64::from(!touched.traded);
        }
        Change::Trading(trading) => {
            touched.status = desk.trading != trading;
            desk.trading = trading;
        }
        Change::ShortSale(short_sale) => {
            touched.status = desk.short_sale != short_sale;
            desk.short_sale = short_sale;
        }
        Change::Imbalance(_) | Change::Bands(_) => touched.applied = Applied::NotForBooks,
        Change::Add { .. }
        | Change::Execute { .. }
        | Change::ExecuteAt { .. }
        | Change::Reduce { .. }
        | Change::Delete { .. }
        | Change::Replace { .. }
        | Change::Level { .. } => return Err(Applied::Foreign),
    }
    Ok(touched)
}

fn nothing(instrument: InstrumentId) -> Touched {
    Touched::nothing(instrument, Applied::Ok)
}

fn refuse(
    desk: Option<&mut Desk>,
    counters: &mut Counters,
    event: &MarketEvent,
    why: Applied,
) -> Touched {
    let mut touched = Touched::nothing(event.instrument, why);
    match desk {
        None => touched.applied = Applied::UnknownInstrument,
        Some(desk) => {
            touched.status = !desk.stale;
            counters.went_stale += u64::from(!desk.stale);
            desk.stale = true;
            desk.broken = true;
        }
    }
    touched
}

/// Books by order.
#[derive(Clone)]
pub struct Books {
    capacity: l3::Capacity,
    desks: Vec<Desk>,
    orders: BTreeMap<OrderRef, Order>,
    /// Queues, by instrument, side and price. No queue is empty.
    queues: BTreeMap<(InstrumentId, Side, Px), Vec<OrderRef>>,
    prints: Prints,
    counters: Counters,
}

impl Books {
    /// As [`l3::Books::new`].
    pub fn new(capacity: l3::Capacity) -> Self {
        Self {
            capacity,
            desks: vec![Desk::new(); capacity.instruments],
            orders: BTreeMap::new(),
            queues: BTreeMap::new(),
            prints: Prints::new(),
            counters: Counters::default(),
        }
    }

    /// As [`l3::Books::apply`].
    pub fn apply(&mut self, event: &MarketEvent) -> Touched {
        let id = event.instrument;
        let before = self.top(id);
        let touched = match self.change(event) {
            Ok(touched) => Touched { top: self.top(id) != before, ..touched },
            Err(why) => refuse(self.desks.get_mut(id.index()), &mut self.counters, event, why),
        };
        self.counters.count(touched.applied);
        touched
    }

    fn change(&mut self, event: &MarketEvent) -> Result<Touched, Applied> {
        let id = event.instrument;
        if self.desks.len() <= id.index() {
            return Err(Applied::UnknownInstrument);
        }
        let book = Touched { book: true, ..nothing(id) };
        match event.change {
            Change::Add { order, side, qty, px } => {
                self.join(Order { order, instrument: id, side, px, qty }).map(|()| book)
            }
            Change::Execute { order, qty, match_no } => {
                let px = self.own(id, order)?.px;
                self.execute(id, order, qty, (px, match_no, true))
            }
            Change::ExecuteAt { order, qty, px, match_no, printable } => {
                self.execute(id, order, qty, (px, match_no, printable))
            }
            Change::Reduce { order, qty } => self.reduce(id, order, qty),
            Change::Delete { order } => {
                self.own(id, order)?;
                self.leave(order);
                Ok(book)
            }
            Change::Replace { old, new, qty, px } => {
                let order = Order { order: new, qty, px, ..self.own(id, old)? };
                let mut trial = self.clone();
                trial.leave(old);
                trial.join(order)?;
                *self = trial;
                Ok(book)
            }
            Change::Level { .. } => Err(Applied::Foreign),
            Change::Trade { .. }
            | Change::Cross { .. }
            | Change::Bust { .. }
            | Change::Imbalance(_)
            | Change::Trading(_)
            | Change::ShortSale(_)
            | Change::Bands(_) => {
                off_book(&mut self.desks[id.index()], &mut self.prints, &mut self.counters, event)
            }
        }
    }

    fn own(&self, instrument: InstrumentId, order: OrderRef) -> Result<Order, Applied> {
        let found = self.orders.get(&order).filter(|found| found.instrument == instrument);
        found.copied().ok_or(Applied::UnknownOrder)
    }

    fn join(&mut self, order: Order) -> Result<(), Applied> {
        if order.qty == Qty::ZERO || u64::from(u32::MAX) < order.qty.get() {
            return Err(Applied::BadQty);
        }
        if self.orders.contains_key(&order.order) {
            return Err(Applied::DuplicateOrder);
        }
        if self.orders.len() == self.capacity.orders {
            return Err(Applied::FullOrders);
        }
        let level = (order.instrument, order.side, order.px);
        if !self.queues.contains_key(&level) && self.queues.len() == self.capacity.levels {
            return Err(Applied::FullLevels);
        }
        self.queues.entry(level).or_default().push(order.order);
        self.orders.insert(order.order, order);
        Ok(())
    }

    fn leave(&mut self, order: OrderRef) {
        let Some(order) = self.orders.remove(&order) else { return };
        let level = (order.instrument, order.side, order.px);
        let Some(queue) = self.queues.get_mut(&level) else { return };
        queue.retain(|&other| other != order.order);
        if queue.is_empty() {
            self.queues.remove(&level);
        }
    }

    fn reduce(
        &mut self,
        instrument: InstrumentId,
        order: OrderRef,
        qty: Qty,
    ) -> Result<Touched, Applied> {
        let left = self.own(instrument, order)?.qty.checked_sub(qty);
        let left = left.ok_or(Applied::OverExecuted)?;
        if left == Qty::ZERO {
            self.leave(order);
        } else if let Some(order) = self.orders.get_mut(&order) {
            order.qty = left;
        }
        Ok(Touched { book: qty != Qty::ZERO, ..nothing(instrument) })
    }

    fn execute(
        &mut self,
        instrument: InstrumentId,
        order: OrderRef,
        qty: Qty,
        (px, match_no, printable): (Px, MatchNo, bool),
    ) -> Result<Touched, Applied> {
        let mut touched = self.reduce(instrument, order, qty)?;
        if printable {
            let desk = &mut self.desks[instrument.index()];
            touched.traded = print(desk, &mut self.prints, (instrument, match_no, qty), px);
        }
        Ok(touched)
    }

    /// As [`l3::Books::clear`].
    pub fn clear(&mut self, instrument: InstrumentId) {
        self.orders.retain(|_, order| order.instrument != instrument);
        self.queues.retain(|level, _| level.0 != instrument);
        if let Some(desk) = self.desks.get_mut(instrument.index()) {
            desk.broken = false;
        }
    }

    /// As [`l3::Books::set_stale`].
    pub fn set_stale(&mut self, instrument: InstrumentId) {
        if let Some(desk) = self.desks.get_mut(instrument.index()) {
            self.counters.went_stale += u64::from(!desk.stale);
            desk.stale = true;
        }
    }

    /// As [`l3::Books::set_live`].
    pub fn set_live(&mut self, instrument: InstrumentId) {
        if let Some(desk) = self.desks.get_mut(instrument.index()) {
            desk.stale = desk.broken;
        }
    }

    /// As [`l3::Books::depth`].
    pub fn depth(&self, instrument: InstrumentId, side: Side) -> Vec<Level> {
        let range = (instrument, side, Px::MIN)..=(instrument, side, Px::MAX);
        let mut levels: Vec<Level> = self
            .queues
            .range(range)
            .map(|(level, queue)| Level {
                px: level.2,
                qty: queue.iter().map(|order| self.orders[order].qty).sum(),
                orders: queue.len() as u32,
            })
            .collect();
        if side == Side::Buy {
            levels.reverse();
        }
        levels
    }

    /// As [`l3::Books::orders`].
    pub fn orders(&self, instrument: InstrumentId, side: Side) -> Vec<Order> {
        let levels = self.depth(instrument, side);
        let queues = levels.iter().map(|level| &self.queues[&(instrument, side, level.px)]);
        queues.flatten().map(|order| self.orders[order]).collect()
    }

    /// As [`l3::Books::top`].
    pub fn top(&self, instrument: InstrumentId) -> Top {
        let best = |side| self.depth(instrument, side).first().copied();
        Top { bid: best(Side::Buy), offer: best(Side::Sell) }
    }

    /// As [`l3::Books::state`].
    pub fn state(&self, instrument: InstrumentId) -> State {
        let desk = self.desks.get(instrument.index());
        desk.map_or(State::Stale, |desk| desk.state(self.top(instrument)))
    }

    /// As [`l3::Books::stats`].
    pub fn stats(&self, instrument: InstrumentId) -> Stats {
        self.desks.get(instrument.index()).map_or(Stats::NONE, |desk| desk.stats)
    }

    /// As [`l3::Books::queue_position`].
    pub fn queue_position(&self, order: OrderRef) -> Option<Position> {
        let order = *self.orders.get(&order)?;
        let queue = &self.queues[&(order.instrument, order.side, order.px)];
        let ahead: Vec<_> = queue.iter().take_while(|&&other| other != order.order).collect();
        let levels = self.depth(order.instrument, order.side);
        Some(Position {
            order,
            level: levels.into_iter().find(|level| level.px == order.px)?,
            orders_ahead: ahead.len() as u32,
            qty_ahead: ahead.into_iter().map(|other| self.orders[other].qty).sum(),
        })
    }

    /// As [`l3::Books::counters`].
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// As [`l3::Books::orders_live`].
    pub fn orders_live(&self) -> usize {
        self.orders.len()
    }

    /// As [`l3::Books::levels_live`].
    pub fn levels_live(&self) -> usize {
        self.queues.len()
    }

    /// As [`l3::Books::state_hash`].
    pub fn state_hash(&self, instrument: InstrumentId, symbol: Symbol) -> u64 {
        let stale = self.desks.get(instrument.index()).is_none_or(|desk| desk.stale);
        let mut bytes = Vec::new();
        for side in Side::BOTH {
            for level in self.depth(instrument, side) {
                bytes.push(side as u8);
                bytes.extend(level.px.raw().to_le_bytes());
                bytes.extend(level.orders.to_le_bytes());
                for order in &self.queues[&(instrument, side, level.px)] {
                    bytes.extend(order.get().to_le_bytes());
                    bytes.extend(self.orders[order].qty.get().to_le_bytes());
                }
            }
        }
        digest(symbol, stale, &bytes)
    }
}

fn digest(symbol: Symbol, stale: bool, shown: &[u8]) -> u64 {
    if shown.is_empty() && !stale {
        return 0;
    }
    let mut bytes = Vec::from(symbol.to_wire());
    bytes.push(u8::from(stale));
    bytes.extend(shown);
    xxh64(&bytes, 0)
}

/// Books by price level.
#[derive(Clone)]
pub struct Levels {
    capacity: l2::Capacity,
    desks: Vec<Desk>,
    settled: Vec<Top>,
    levels: BTreeMap<(InstrumentId, Side, Px), Qty>,
    prints: Prints,
    counters: Counters,
}

impl Levels {
    /// As [`l2::Books::new`].
    pub fn new(capacity: l2::Capacity) -> Self {
        Self {
            capacity,
            desks: vec![Desk::new(); capacity.instruments],
            settled: vec![Top::EMPTY; capacity.instruments],
            levels: BTreeMap::new(),
            prints: Prints::new(),
            counters: Counters::default(),
        }
    }

    /// As [`l2::Books::apply`].
    pub fn apply(&mut self, event: &MarketEvent) -> Touched {
        let touched = self.change(event).unwrap_or_else(|why| {
            let desk = self.desks.get_mut(event.instrument.index());
            refuse(desk, &mut self.counters, event, why)
        });
        self.counters.count(touched.applied);
        touched
    }

    fn change(&mut self, event: &MarketEvent) -> Result<Touched, Applied> {
        let id = event.instrument;
        let desk = self.desks.get_mut(id.index()).ok_or(Applied::UnknownInstrument)?;
        let Change::Level { side, px, qty, settled } = event.change else {
            return off_book(desk, &mut self.prints, &mut self.counters, event);
        };
        let mut touched = nothing(id);
        let was = self.levels.get(&(id, side, px)).copied().unwrap_or_default();
        if qty == Qty::ZERO {
            self.levels.remove(&(id, side, px));
        } else if was == Qty::ZERO && self.levels.len() == self.capacity.levels {
            return Err(Applied::FullLevels);
        } else {
            self.levels.insert((id, side, px), qty);
        }
        touched.book = was != qty;
        if settled {
            let best = |side| self.depth(id, side).first().copied();
            let top = Top { bid: best(Side::Buy), offer: best(Side::Sell) };
            touched.top = top != self.settled[id.index()];
            self.settled[id.index()] = top;
        }
        Ok(touched)
    }

    /// As [`l2::Books::clear`].
    pub fn clear(&mut self, instrument: InstrumentId) {
        self.levels.retain(|level, _| level.0 != instrument);
        if let Some(desk) = self.desks.get_mut(instrument.index()) {
            desk.broken = false;
        }
        if let Some(settled) = self.settled.get_mut(instrument.index()) {
            *settled = Top::EMPTY;
        }
    }

    /// As [`l2::Books::depth`].
    pub fn depth(&self, instrument: InstrumentId, side: Side) -> Vec<Level> {
        let range = (instrument, side, Px::MIN)..=(instrument, side, Px::MAX);
        let level = |(level, qty): (&(_, _, Px), &Qty)| Level { px: level.2, qty: *qty, orders: 0 };
        let mut levels: Vec<Level> = self.levels.range(range).map(level).collect();
        if side == Side::Buy {
            levels.reverse();
        }
        levels
    }

    /// As [`l2::Books::top`].
    pub fn top(&self, instrument: InstrumentId) -> Top {
        self.settled.get(instrument.index()).copied().unwrap_or_default()
    }

    /// As [`l2::Books::state`].
    pub fn state(&self, instrument: InstrumentId) -> State {
        let desk = self.desks.get(instrument.index());
        desk.map_or(State::Stale, |desk| desk.state(self.top(instrument)))
    }

    /// As [`l2::Books::stats`].
    pub fn stats(&self, instrument: InstrumentId) -> Stats {
        self.desks.get(instrument.index()).map_or(Stats::NONE, |desk| desk.stats)
    }

    /// As [`l2::Books::counters`].
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// As [`l2::Books::state_hash`].
    pub fn state_hash(&self, instrument: InstrumentId, symbol: Symbol) -> u64 {
        let stale = self.desks.get(instrument.index()).is_none_or(|desk| desk.stale);
        let mut bytes = Vec::new();
        for side in Side::BOTH {
            for level in self.depth(instrument, side) {
                bytes.push(side as u8);
                bytes.extend(level.px.raw().to_le_bytes());
                bytes.extend(level.orders.to_le_bytes());
                bytes.extend(level.qty.get().to_le_bytes());
            }
        }
        digest(symbol, stale, &bytes)
    }
}
