//! The protocol's events as commands to the exchange's own books, and their reports as its trades.
//!
//! A symbol has a market of its own, since orders of two symbols may have the same number here. What
//! is asked about an order is asked of the market: nothing of the books is kept beside them.

use std::collections::BTreeMap;

use matching::{
    Account, Capacity, Market, NewOrder, OrderKey, Policy, Price, Refused, Replace, Report,
    RestingOrder, Rules, Scope, SelfMatch, Standing, Tick,
};
use types::{AccountId, FirmId, InstrumentId, Side};

use crate::decimal::{Grid, PLACES_MAX, lots, quantity};
use crate::message::{
    Algorithm, Book, Config, Event, Op, OrderType, Reason, Resting, SelfTrade, State, Trade, Way,
};

/// Symbols that there is room for.
const SYMBOLS_MAX: usize = 64;
/// Resting orders that a symbol has room for, and so prices far from the window.
const ORDERS_MAX: u32 = 16_384;
/// Owners that there is room for, numbered from 0.
const OWNERS_MAX: u32 = 4_096;
/// The ticks from 1 on that are in the fast part of a book: at a cent each, up to 327.68.
const WINDOW: u32 = 32_768;
/// The only one of each market.
const INSTRUMENT: InstrumentId = InstrumentId::new(0);

/// Why an event was rejected, and the same for a person.
type Rejected = (Reason, String);

/// All symbols.
pub(crate) struct Exchange {
    grid: Grid,
    /// Decimals of the quantities that go out.
    places: u32,
    rules: Rules,
    self_match: SelfMatch,
    /// Nobody's, and each owner's.
    accounts: Vec<Account>,
    markets: BTreeMap<String, Market>,
}

impl Exchange {
    /// No symbol yet. An error says what of the configuration cannot be.
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        let grid = Grid::new(&config.tick_size)
            .ok_or_else(|| format!("a tick size of {}", config.tick_size))?;
        let places = config.quantity_decimal_places;
        if PLACES_MAX < places {
            return Err(format!("quantities of {places} decimals"));
        }
        let rules = Rules {
            reference: Tick::new(i64::from(WINDOW / 2)),
            window: WINDOW,
            far_levels: ORDERS_MAX,
            keeps_place: false,
            policy: match config.matching_algorithm {
                Algorithm::Fifo => Policy::PriceTime,
                Algorithm::ProRata => Policy::ProRata,
            },
            lit: true,
            seed: 0, // no order shows a random size
        };
        let self_match = match config.self_trade_policy {
            SelfTrade::None => SelfMatch::Allow,
            SelfTrade::CancelResting => SelfMatch::CancelOldest,
            SelfTrade::CancelIncoming => SelfMatch::CancelNewest,
        };
        // A group of its own each, so that an owner's orders are one another's own; nobody's has none.
        let account = |group| Account { group, firm: FirmId::new(0) };
        let accounts = (0..=OWNERS_MAX).map(account).collect();
        Ok(Self { grid, places, rules, self_match, accounts, markets: BTreeMap::new() })
    }

    /// What came of an event.
    pub(crate) fn apply(&mut self, event: &Event) -> Result<Vec<Trade>, Rejected> {
        let symbol = event.symbol.trim();
        let key = OrderKey::new(event.order_id.unwrap_or_default());
        if !self.markets.contains_key(symbol) {
            match event.op {
                Op::Cancel | Op::Reduce | Op::Replace => return Err(not_active(key)),
                Op::New | Op::Clear => self.open(symbol)?,
            }
        }
        let Some(market) = self.markets.get_mut(symbol) else { return Err(not_active(key)) };
        let mut desk =
            Desk { grid: self.grid, self_match: self.self_match, market, reports: Vec::new() };
        match event.op {
            Op::New => desk.enter(key, event),
            Op::Cancel => desk.cancel(key),
            Op::Reduce => desk.reduce(key, event),
            Op::Replace => desk.replace(key, event),
            Op::Clear => {
                desk.clear();
                Ok(())
            }
        }?;
        let reports = desk.reports;
        Ok(reports.iter().filter_map(|report| self.trade(symbol, report)).collect())
    }

    /// A symbol is known from its first order on, even a rejected one.
    fn open(&mut self, symbol: &str) -> Result<(), Rejected> {
        if symbol.is_empty() || SYMBOLS_MAX <= self.markets.len() {
            return Err((Reason::InvalidOrder, format!("no room for the symbol `{symbol}`")));
        }
        let capacity = Capacity { orders: ORDERS_MAX, terms: 0 };
        let market = Market::new(capacity, &self.accounts, &[self.rules]);
        self.markets.insert(symbol.to_owned(), market);
        Ok(())
    }

    fn trade(&self, symbol: &str, report: &Report) -> Option<Trade> {
        let &Report::Filled { maker, taker, side, tick, qty, .. } = report else { return None };
        let (buy, sell) = match side {
            Side::Buy => (taker, maker),
            Side::Sell => (maker, taker),
        };
        Some(Trade {
            symbol: symbol.to_owned(),
            buy_order_id: buy.get(),
            sell_order_id: sell.get(),
            price: self.grid.price(tick),
            quantity: quantity(qty, self.places),
        })
    }

    /// Every resting order.
    pub(crate) fn state(&self) -> State {
        let side = |market: &Market, side| {
            market.resting(INSTRUMENT, side).map(|order| self.resting(&order)).collect()
        };
        let book = |(symbol, market): (&String, &Market)| Book {
            asks: side(market, Side::Sell),
            bids: side(market, Side::Buy),
            symbol: symbol.clone(),
        };
        State { books: self.markets.iter().map(book).collect() }
    }

    fn resting(&self, order: &RestingOrder) -> Resting {
        Resting {
            order_id: order.order.get(),
            order_type: "LIMIT",
            owner: owner(order.account),
            price: self.grid.price(order.tick),
            remaining_quantity: quantity(order.qty, self.places),
        }
    }

    /// Orders that rest, over all symbols.
    pub(crate) fn live(&self) -> u64 {
        self.markets.values().map(|market| u64::from(market.live())).sum()
    }
}

/// One event at one market.
struct Desk<'a> {
    grid: Grid,
    self_match: SelfMatch,
    market: &'a mut Market,
    reports: Vec<Report>,
}

impl Desk<'_> {
    fn live(&self, key: OrderKey) -> Result<RestingOrder, Rejected> {
        self.market.order(key).ok_or_else(|| not_active(key))
    }

    fn enter(&mut self, key: OrderKey, event: &Event) -> Result<(), Rejected> {
        let invalid = |what: &str| (Reason::InvalidOrder, what.to_owned());
        if self.market.order(key).is_some() {
            return Err((Reason::DuplicateOrderId, format!("order {} is active", key.get())));
        }
        let qty = event.quantity.and_then(lots).ok_or_else(|| invalid("quantity"))?;
        let tick = event.price.and_then(|price| self.grid.tick(price));
        let limit = tick.map(Price::Limit).ok_or_else(|| invalid("price"));
        let (price, standing) = match event.order_type {
            OrderType::Limit => (limit?, Standing::Rest),
            OrderType::Market => (Price::Market, Standing::Immediate { min_qty: 0 }),
            OrderType::Ioc => (limit?, Standing::Immediate { min_qty: 0 }),
            OrderType::Fok => (limit?, Standing::Immediate { min_qty: qty }),
        };
        let side = match event.side.ok_or_else(|| invalid("side"))? {
            Way::Buy => Side::Buy,
            Way::Sell => Side::Sell,
        };
        let account = account(event.owner).ok_or_else(|| invalid("owner"))?;
        let order = NewOrder {
            key,
            instrument: INSTRUMENT,
            side,
            qty,
            price,
            standing,
            account,
            self_match: self.self_match,
        };
        self.market.enter(&order, &mut self.reports);
        match self.reports.first() {
            Some(&Report::Refused { why, .. }) => Err((reason(why), format!("{why:?}"))),
            _ => Ok(()),
        }
    }

    fn cancel(&mut self, key: OrderKey) -> Result<(), Rejected> {
        self.live(key)?;
        self.market.cancel(key, &mut self.reports);
        Ok(())
    }

    /// Takes shares away; the order keeps its place.
    fn reduce(&mut self, key: OrderKey, event: &Event) -> Result<(), Rejected> {
        let live = self.live(key)?;
        let less = event.quantity.and_then(lots).filter(|&less| less <= live.qty);
        let less = less.ok_or_else(|| (Reason::InvalidOrder, "quantity".to_owned()))?;
        self.market.reduce(key, live.qty - less, &mut self.reports);
        Ok(())
    }

    /// Puts the order at the end of its queue, even where only shares are taken away. Where it cannot
    /// be what it is to become, it stays.
    fn replace(&mut self, key: OrderKey, event: &Event) -> Result<(), Rejected> {
        let live = self.live(key)?;
        let invalid = |what: &str| (Reason::InvalidReplacement, what.to_owned());
        let qty = event.quantity.map_or(Some(live.qty), lots).ok_or_else(|| invalid("quantity"))?;
        let tick = event.price.map_or(Some(live.tick), |price| self.grid.tick(price));
        let replace = Replace {
            old: key,
            new: key,
            qty,
            tick: tick.ok_or_else(|| invalid("price"))?,
            post_only: false,
            self_match: self.self_match,
        };
        // There is a place for every tick, and as many far ones as orders: it is never refused.
        self.market.replace(&replace, &mut self.reports);
        Ok(())
    }

    fn clear(&mut self) {
        self.market.cancel_all(None, Scope::All, &mut self.reports);
    }
}

fn not_active(key: OrderKey) -> Rejected {
    (Reason::OrderNotActive, format!("order {} is not active", key.get()))
}

const fn reason(why: Refused) -> Reason {
    match why {
        Refused::NotLive => Reason::OrderNotActive,
        Refused::DuplicateKey => Reason::DuplicateOrderId,
        Refused::Instrument
        | Refused::Qty
        | Refused::Price
        | Refused::WouldTrade
        | Refused::OrdersFull
        | Refused::LevelsFull
        | Refused::Account
        | Refused::Phase
        | Refused::Terms
        | Refused::Band
        | Refused::TermsFull
        | Refused::Quote => Reason::InvalidOrder,
    }
}

/// Whose an owner's orders are; `None` where the number is no owner's.
fn account(owner: i64) -> Option<AccountId> {
    let place = owner.checked_add(1)?;
    u32::try_from(place).ok().map(AccountId::new)
}

fn owner(account: AccountId) -> i64 {
    i64::from(account.get()) - 1
}

#[cfg(test)]
mod tests {
    use super::{Exchange, OWNERS_MAX, SYMBOLS_MAX};
    use crate::message::{Algorithm, Config, Event, Op, OrderType, Reason, SelfTrade, Way};
    use Reason::{DuplicateOrderId, InvalidOrder, InvalidReplacement, OrderNotActive};

    fn exchange(self_trade_policy: SelfTrade) -> Exchange {
        exchange_of(Algorithm::Fifo, self_trade_policy)
    }

    fn exchange_of(matching_algorithm: Algorithm, self_trade_policy: SelfTrade) -> Exchange {
        let config = Config {
            matching_algorithm,
            tick_size: "0.01".to_owned(),
            self_trade_policy,
            quantity_decimal_places: 12,
        };
        Exchange::new(&config).expect("rules that can be")
    }

    fn event(op: Op, id: u64, price: Option<f64>, quantity: Option<f64>) -> Event {
        let (symbol, order_type) = ("T".to_owned(), OrderType::Limit);
        Event { op, symbol, order_id: Some(id), side: None, order_type, price, quantity, owner: -1 }
    }

    fn new(id: u64, side: Way, price: f64, quantity: f64) -> Event {
        Event { side: Some(side), ..event(Op::New, id, Some(price), Some(quantity)) }
    }

    /// Buyer, seller, price and quantity of each trade.
    fn apply(exchange: &mut Exchange, event: &Event) -> Result<Vec<String>, Reason> {
        let trades = exchange.apply(event).map_err(|(reason, _)| reason)?;
        let text = |t: &crate::message::Trade| {
            format!("{} {} {} {}", t.buy_order_id, t.sell_order_id, t.price, t.quantity)
        };
        Ok(trades.iter().map(text).collect())
    }

    /// Number and quantity of each order of `T`, bids first.
    fn queue(exchange: &Exchange) -> Vec<(u64, String)> {
        let state = exchange.state();
        let book = state.books.iter().find(|book| book.symbol == "T").expect("a book");
        let orders = book.bids.iter().chain(&book.asks);
        orders.map(|order| (order.order_id, order.remaining_quantity.clone())).collect()
    }

    fn queued(orders: &[(u64, &str)]) -> Vec<(u64, String)> {
        orders.iter().map(|&(id, qty)| (id, qty.to_owned())).collect()
    }

    #[test]
    fn an_order_keeps_its_place_only_where_it_is_reduced() {
        let cases = [
            (event(Op::Reduce, 1, None, Some(1.5)), vec![(1, "3.5"), (2, "5")]),
            (event(Op::Reduce, 1, None, Some(5.0)), vec![(2, "5")]),
            (event(Op::Replace, 1, None, Some(3.5)), vec![(2, "5"), (1, "3.5")]),
            (event(Op::Replace, 1, Some(100.0), None), vec![(2, "5"), (1, "5")]),
            (event(Op::Replace, 1, Some(99.0), None), vec![(2, "5"), (1, "5")]),
            (event(Op::Cancel, 1, None, None), vec![(2, "5")]),
            (event(Op::Clear, 1, None, None), vec![]),
        ];
        for (change, want) in cases {
            let mut exchange = exchange(SelfTrade::None);
            for id in [1, 2] {
                assert_eq!(apply(&mut exchange, &new(id, Way::Buy, 100.0, 5.0)), Ok(vec![]));
            }
            assert_eq!(apply(&mut exchange, &change), Ok(vec![]));
            assert_eq!(queue(&exchange), queued(&want));
            assert_eq!(exchange.live(), want.len() as u64);
        }
    }

    #[test]
    fn what_cannot_be_is_rejected_and_changes_nothing() {
        let owned = |owner| Event { owner, ..new(2, Way::Buy, 100.0, 1.0) };
        let cases = [
            (new(1, Way::Buy, 0.0, 0.0), DuplicateOrderId), // before anything else
            (new(2, Way::Buy, 0.004, 1.0), InvalidOrder),
            (new(2, Way::Buy, 100.0, 0.0), InvalidOrder),
            (new(2, Way::Buy, 100.0, 0.1), InvalidOrder), // no whole lots
            (event(Op::New, 2, Some(100.0), Some(1.0)), InvalidOrder),
            (owned(-2), InvalidOrder),
            (owned(i64::from(OWNERS_MAX)), InvalidOrder),
            (owned(i64::MAX), InvalidOrder),
            (event(Op::Cancel, 2, None, None), OrderNotActive),
            (event(Op::Reduce, 2, None, Some(1.0)), OrderNotActive),
            (event(Op::Reduce, 1, None, Some(5.5)), InvalidOrder),
            (event(Op::Replace, 2, None, Some(1.0)), OrderNotActive),
            (event(Op::Replace, 1, Some(0.0), None), InvalidReplacement),
            (event(Op::Replace, 1, None, Some(-1.0)), InvalidReplacement),
        ];
        for (change, want) in cases {
            let mut exchange = exchange(SelfTrade::None);
            assert_eq!(apply(&mut exchange, &new(1, Way::Buy, 100.0, 5.0)), Ok(vec![]));
            assert_eq!(apply(&mut exchange, &change), Err(want));
            assert_eq!(queue(&exchange), queued(&[(1, "5")]), "{want:?}");
        }
    }

    #[test]
    fn each_kind_of_order_trades_what_it_may() {
        let kind = |order_type, price, qty| Event { order_type, ..new(9, Way::Buy, price, qty) };
        let both = ["9 1 100 2", "9 2 101 2"];
        let cases = [
            (kind(OrderType::Limit, 100.0, 3.0), &both[..1], vec![(9, "1"), (2, "2")]),
            (kind(OrderType::Ioc, 100.0, 3.0), &both[..1], vec![(2, "2")]),
            (kind(OrderType::Market, 0.0, 5.0), &both[..], vec![]),
            (kind(OrderType::Fok, 101.0, 4.0), &both[..], vec![]),
            (kind(OrderType::Fok, 101.0, 4.5), &[], vec![(1, "2"), (2, "2")]),
            (kind(OrderType::Fok, 100.0, 4.0), &[], vec![(1, "2"), (2, "2")]),
        ];
        for (taker, trades, left) in cases {
            let mut exchange = exchange(SelfTrade::None);
            for (id, price) in [(1, 100.0), (2, 101.0)] {
                assert_eq!(apply(&mut exchange, &new(id, Way::Sell, price, 2.0)), Ok(vec![]));
            }
            let trades = trades.iter().map(|&trade| trade.to_owned()).collect();
            assert_eq!(apply(&mut exchange, &taker), Ok(trades));
            assert_eq!(queue(&exchange), queued(&left));
        }
    }

    /// Owner 7 offers first and last, and buys.
    #[test]
    fn an_owner_does_not_trade_with_itself_where_that_is_asked() {
        let cases = [
            (SelfTrade::None, vec!["9 1 100 1", "9 2 100 1"], vec![(3, "1")]),
            (SelfTrade::CancelResting, vec!["9 2 100 1"], vec![(9, "1")]),
            (SelfTrade::CancelIncoming, vec![], vec![(1, "1"), (2, "1"), (3, "1")]),
        ];
        for (policy, trades, left) in cases {
            let mut exchange = exchange(policy);
            for (id, owner) in [(1, 7), (2, 8), (3, 7)] {
                let offer = Event { owner, ..new(id, Way::Sell, 100.0, 1.0) };
                assert_eq!(apply(&mut exchange, &offer), Ok(vec![]));
            }
            let bid = Event { owner: 7, ..new(9, Way::Buy, 100.0, 2.0) };
            let trades = trades.iter().map(|&trade| trade.to_owned()).collect();
            assert_eq!(apply(&mut exchange, &bid), Ok(trades));
            assert_eq!(queue(&exchange), queued(&left));
        }
    }

    /// Offers of 6, 3 and 1; the first is owner 7's.
    #[test]
    fn pro_rata_shares_what_comes_by_size() {
        let cases = [
            // policy, buyer's quantity and owner, trades, left
            (
                (SelfTrade::None, 5.0, 7),
                vec!["9 1 100 3", "9 2 100 1.5", "9 3 100 0.5"],
                vec![(1, "3"), (2, "1.5"), (3, "0.5")],
            ),
            (
                (SelfTrade::None, 11.0, 7),
                vec!["9 1 100 6", "9 2 100 3", "9 3 100 1"],
                vec![(9, "1")],
            ),
            (
                (SelfTrade::CancelResting, 2.0, 7),
                vec!["9 2 100 1.5", "9 3 100 0.5"],
                vec![(2, "1.5"), (3, "0.5")],
            ),
            ((SelfTrade::CancelIncoming, 5.0, 7), vec!["9 2 100 3", "9 3 100 1"], vec![(1, "6")]),
        ];
        for ((policy, qty, owner), trades, left) in cases {
            let mut exchange = exchange_of(Algorithm::ProRata, policy);
            for (id, qty, owner) in [(1, 6.0, 7), (2, 3.0, 8), (3, 1.0, -1)] {
                let offer = Event { owner, ..new(id, Way::Sell, 100.0, qty) };
                assert_eq!(apply(&mut exchange, &offer), Ok(vec![]));
            }
            let bid = Event { owner, ..new(9, Way::Buy, 100.0, qty) };
            let trades = trades.iter().map(|&trade| trade.to_owned()).collect();
            assert_eq!(apply(&mut exchange, &bid), Ok(trades));
            assert_eq!(queue(&exchange), queued(&left));
        }
    }

    #[test]
    fn symbols_are_apart_and_there_is_room_for_so_many() {
        let mut exchange = exchange(SelfTrade::None);
        for n in 0..SYMBOLS_MAX {
            let order = Event { symbol: format!("S{n:02}"), ..new(1, Way::Buy, 100.0, 1.0) };
            assert_eq!(apply(&mut exchange, &order), Ok(vec![]), "{n}");
        }
        assert_eq!(apply(&mut exchange, &new(1, Way::Buy, 100.0, 1.0)), Err(InvalidOrder));
        assert_eq!(apply(&mut exchange, &event(Op::Cancel, 1, None, None)), Err(OrderNotActive));
        let state = exchange.state();
        let symbols: Vec<_> = state.books.iter().map(|book| book.symbol.as_str()).collect();
        assert!(symbols.is_sorted(), "{symbols:?}");
        assert_eq!(exchange.live(), SYMBOLS_MAX as u64);
    }
}
