//! Nasdaq: TotalView-ITCH 5.0 messages become market events.
//!
//! A stock's locate code is its number for the day; the directory (`R`) says which ticker it is, and
//! any other message that carries a ticker serves as well, so a feed joined late still finds its
//! books. Messages of stocks that live on other shards are dropped on the locate code alone, before
//! anything of them is decoded.
//!
//! Source: Nasdaq TotalView-ITCH 5.0; field layouts are `wire::itch50`'s.

use alloc::boxed::Box;
use alloc::vec;

use types::{
    Bands, Change, CrossKind, Imbalance, InstrumentId, MarketEvent, MatchNo, Nanos, OrderRef, Px,
    Qty, ShortSale, Side, Symbol, Trading,
};
use wire::Malformed;
use wire::itch50::{self, Message};

use crate::standing::Standing;
use crate::{Fault, Harm, Normal, Roster, Slot, Why};

const LOCATES: usize = 1 << 16;

/// No message has said yet which ticker this locate code is.
const UNKNOWN: u32 = u32::MAX;
/// The stock lives on another shard.
const ELSEWHERE: u32 = u32::MAX - 1;
/// Orders were named under this locate code before any ticker was: whoever it is, its book lacks them.
const MISSED: u32 = u32::MAX - 2;

/// The market data side of Nasdaq, for one shard.
#[derive(Debug)]
pub struct Nasdaq {
    /// By locate code: the instrument's slot, [`UNKNOWN`] or [`ELSEWHERE`].
    slots: Box<[u32; LOCATES]>,
    /// By locate code: what `H` and `h` said, each of which may halt a stock alone.
    standing: Box<[Standing; LOCATES]>,
}

impl Default for Nasdaq {
    fn default() -> Self {
        Self::new()
    }
}

impl Nasdaq {
    /// Knows no stock yet.
    ///
    /// # Panics
    /// Never: both tables are made with the length that their types state.
    pub fn new() -> Self {
        let slots = vec![UNKNOWN; LOCATES].into_boxed_slice();
        let standing = vec![Standing::OPEN; LOCATES].into_boxed_slice();
        Self {
            slots: slots.try_into().expect("made with this length"),
            standing: standing.try_into().expect("made with this length"),
        }
    }

    /// Forgets every locate code: they are dealt anew each day.
    pub fn clear(&mut self) {
        self.slots.fill(UNKNOWN);
        self.standing.fill(Standing::OPEN);
    }

    /// Turns one message into what it means here. Allocates nothing.
    ///
    /// Errors: [`Fault`], which says whose book can no longer be trusted.
    #[inline]
    pub fn decode(&mut self, message: &[u8], roster: &mut Roster) -> Result<Normal, Fault> {
        let &[_, high, low, ..] = message else {
            return Err(short(message));
        };
        let locate = u16::from_be_bytes([high, low]);
        let slot = match self.slots[usize::from(locate)] {
            ELSEWHERE if !names_stock_of_the_day(message) => return Ok(Normal::Elsewhere),
            UNKNOWN | ELSEWHERE | MISSED => return self.introduce(message, locate, roster),
            ours => InstrumentId::new(ours),
        };
        self.event(message, locate, slot, roster).map_err(|why| fault(why, Harm::Instrument(slot)))
    }

    /// A message of one of our instruments.
    #[inline]
    fn event(
        &mut self,
        message: &[u8],
        locate: u16,
        instrument: InstrumentId,
        roster: &mut Roster,
    ) -> Result<Normal, Why> {
        let message = Message::parse(message)?;
        let change = match message {
            Message::AddOrder(m) => add(m.order_ref(), m.side()?, m.shares(), m.price())?,
            Message::AddOrderMpid(m) => add(m.order_ref(), m.side()?, m.shares(), m.price())?,
            Message::OrderDelete(m) => Change::Delete { order: OrderRef::new(m.order_ref()) },
            Message::OrderExecuted(m) => Change::Execute {
                order: OrderRef::new(m.order_ref()),
                qty: Qty::from(m.shares()),
                match_no: MatchNo::new(m.match_number()),
            },
            Message::OrderReplace(m) => Change::Replace {
                old: OrderRef::new(m.old_ref()),
                new: OrderRef::new(m.new_ref()),
                qty: Qty::from(m.shares()),
                px: limit(m.price())?,
            },
            Message::OrderCancel(m) => {
                Change::Reduce { order: OrderRef::new(m.order_ref()), qty: Qty::from(m.shares()) }
            }
            Message::OrderExecutedWithPrice(m) => Change::ExecuteAt {
                order: OrderRef::new(m.order_ref()),
                qty: Qty::from(m.shares()),
                px: Px::from_price4(m.price()),
                match_no: MatchNo::new(m.match_number()),
                printable: m.printable()? == itch50::Flag::Yes,
            },
            Message::Trade(m) => Change::Trade {
                qty: Qty::from(m.shares()),
                px: Px::from_price4(m.price()),
                match_no: MatchNo::new(m.match_number()),
                printable: true,
            },
            Message::CrossTrade(m) => Change::Cross {
                qty: Qty::new(m.shares()),
                px: Px::from_price4(m.price()),
                match_no: MatchNo::new(m.match_number()),
                kind: cross(m.cross()?),
            },
            Message::BrokenTrade(m) => Change::Bust { match_no: MatchNo::new(m.match_number()) },
            Message::Imbalance(m) => Change::Imbalance(imbalance(m)?),
            Message::TradingAction(m) => {
                let standing = &mut self.standing[usize::from(locate)];
                standing.trading = trading(m.state()?);
                Change::Trading(standing.holds())
            }
            Message::OperationalHalt(m) => {
                if m.market()? != itch50::MarketCode::Nasdaq {
                    return Ok(Normal::Aside);
                }
                let standing = &mut self.standing[usize::from(locate)];
                standing.operational_halt = m.action()? == itch50::HaltAction::Halted;
                Change::Trading(standing.holds())
            }
            Message::RegSho(m) => Change::ShortSale(short_sale(m.action()?)),
            Message::AuctionCollar(m) => Change::Bands(Bands {
                reference: Px::from_price4(m.reference()),
                lower: Px::from_price4(m.lower()),
                upper: Px::from_price4(m.upper()),
            }),
            Message::StockDirectory(m) => {
                let stock = Symbol::from_wire(m.stock());
                if roster.symbols().get(instrument.index()) == Some(&stock) {
                    return Ok(Normal::Listed(instrument));
                }
                // The book that was kept under it may hold orders of both.
                self.slots[usize::from(locate)] = match roster.claim(stock) {
                    Slot::Ours(other) => other.get(),
                    Slot::Elsewhere | Slot::Full => ELSEWHERE,
                };
                return Err(Why::LocateMoved);
            }
            Message::SystemEvent(_)
            | Message::ParticipantPosition(_)
            | Message::MwcbDeclineLevel(_)
            | Message::MwcbStatus(_)
            | Message::IpoQuotingPeriod(_)
            | Message::RetailPrice(_)
            | Message::DirectListing(_) => return Ok(Normal::Aside),
        };
        let time = Nanos::new(message.header().timestamp());
        Ok(Normal::Event(MarketEvent { time, instrument, change }))
    }

    /// A locate code that is not one of ours (yet): learns its ticker where the message has one.
    #[cold]
    fn introduce(
        &mut self,
        bytes: &[u8],
        locate: u16,
        roster: &mut Roster,
    ) -> Result<Normal, Fault> {
        let known = &mut self.slots[usize::from(locate)];
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(why) => {
                // There is no book yet that could miss it; the one to come would.
                *known = MISSED;
                return Err(fault(Why::Malformed(why), Harm::Nothing));
            }
        };
        let Some(stock) = stock(&message) else {
            if names_order(&message) {
                *known = MISSED;
            }
            return Ok(Normal::Aside);
        };
        if stock.trim_ascii_end().is_empty() {
            return Ok(Normal::Aside);
        }
        let missed = *known == MISSED;
        match roster.claim(Symbol::from_wire(stock)) {
            Slot::Ours(instrument) => {
                *known = instrument.get();
                if missed {
                    return Err(fault(Why::OrdersMissed, Harm::Instrument(instrument)));
                }
                self.event(bytes, locate, instrument, roster)
                    .map_err(|why| fault(why, Harm::Instrument(instrument)))
            }
            Slot::Elsewhere => {
                *known = ELSEWHERE;
                Ok(Normal::Elsewhere)
            }
            Slot::Full => {
                *known = ELSEWHERE;
                Err(fault(Why::NoRoom, Harm::Nothing))
            }
        }
    }
}

/// The directory is read even of stocks that live elsewhere, in case a locate code was dealt anew.
#[inline]
fn names_stock_of_the_day(message: &[u8]) -> bool {
    message.first() == Some(&itch50::StockDirectory::KIND)
}

fn fault(why: Why, harm: Harm) -> Fault {
    Fault { why, harm }
}

/// Too short to say whose it is. An empty block is legal filler, one or two bytes are not.
#[cold]
fn short(message: &[u8]) -> Fault {
    match Message::parse(message) {
        Err(Malformed::Empty) | Ok(_) => fault(Why::Malformed(Malformed::Empty), Harm::Nothing),
        Err(why) => fault(Why::Malformed(why), Harm::Feed),
    }
}

#[inline]
fn add(order: u64, side: itch50::Side, shares: u32, price: u32) -> Result<Change, Why> {
    let side = match side {
        itch50::Side::Buy => Side::Buy,
        itch50::Side::Sell => Side::Sell,
    };
    let order = OrderRef::new(order);
    Ok(Change::Add { order, side, qty: Qty::from(shares), px: limit(price)? })
}

/// The limit price of a displayed order, which is never zero.
#[inline]
fn limit(price: u32) -> Result<Px, Why> {
    if price == 0 {
        return Err(Why::ZeroPrice);
    }
    Ok(Px::from_price4(price))
}

fn trading(state: itch50::TradingState) -> Trading {
    match state {
        itch50::TradingState::Trading => Trading::Open,
        itch50::TradingState::Halted => Trading::Halted,
        itch50::TradingState::Paused => Trading::Paused,
        itch50::TradingState::QuotationOnly => Trading::QuoteOnly,
    }
}

fn short_sale(action: itch50::RegShoAction) -> ShortSale {
    match action {
        itch50::RegShoAction::None => ShortSale::Free,
        itch50::RegShoAction::Today => ShortSale::Restricted,
        itch50::RegShoAction::Remains => ShortSale::StillRestricted,
    }
}

fn cross(cross: itch50::CrossType) -> CrossKind {
    match cross {
        itch50::CrossType::Opening => CrossKind::Open,
        itch50::CrossType::Closing => CrossKind::Close,
        itch50::CrossType::HaltOrIpo => CrossKind::Halt,
        itch50::CrossType::Intraday => CrossKind::Intraday,
        itch50::CrossType::ExtendedClose => CrossKind::AfterHours,
    }
}

fn imbalance(m: &itch50::Imbalance) -> Result<Imbalance, Malformed> {
    let side = match m.direction()? {
        itch50::ImbalanceDirection::Buy => Some(Side::Buy),
        itch50::ImbalanceDirection::Sell => Some(Side::Sell),
        itch50::ImbalanceDirection::None
        | itch50::ImbalanceDirection::InsufficientOrders
        | itch50::ImbalanceDirection::Paused => None,
    };
    Ok(Imbalance {
        paired: Qty::new(m.paired()),
        unpaired: Qty::new(m.imbalance()),
        side,
        far: Px::from_price4(m.far()),
        near: Px::from_price4(m.near()),
        reference: Px::from_price4(m.reference()),
        kind: cross(m.cross()?),
    })
}

/// Whether the message is about an order that an earlier one added.
fn names_order(message: &Message<'_>) -> bool {
    matches!(
        message,
        Message::OrderExecuted(_)
            | Message::OrderExecutedWithPrice(_)
            | Message::OrderCancel(_)
            | Message::OrderDelete(_)
            | Message::OrderReplace(_)
    )
}

/// The ticker that a message carries.
fn stock(message: &Message<'_>) -> Option<[u8; 8]> {
    match message {
        Message::StockDirectory(m) => Some(m.stock()),
        Message::TradingAction(m) => Some(m.stock()),
        Message::RegSho(m) => Some(m.stock()),
        Message::ParticipantPosition(m) => Some(m.stock()),
        Message::IpoQuotingPeriod(m) => Some(m.stock()),
        Message::AuctionCollar(m) => Some(m.stock()),
        Message::OperationalHalt(m) => Some(m.stock()),
        Message::AddOrder(m) => Some(m.stock()),
        Message::AddOrderMpid(m) => Some(m.stock()),
        Message::Trade(m) => Some(m.stock()),
        Message::CrossTrade(m) => Some(m.stock()),
        Message::Imbalance(m) => Some(m.stock()),
        Message::RetailPrice(m) => Some(m.stock()),
        Message::DirectListing(m) => Some(m.stock()),
        Message::SystemEvent(_)
        | Message::MwcbDeclineLevel(_)
        | Message::MwcbStatus(_)
        | Message::OrderExecuted(_)
        | Message::OrderExecutedWithPrice(_)
        | Message::OrderCancel(_)
        | Message::OrderDelete(_)
        | Message::OrderReplace(_)
        | Message::BrokenTrade(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ownership;
    use proptest::prelude::*;
    use wire::Field;
    use wire::itch50::{
        AddOrder, Head, MESSAGE_LENGTHS, OperationalHalt, OrderCancel, OrderDelete, OrderExecuted,
        OrderExecutedWithPrice, OrderReplace, StockDirectory, TradingAction, length_of,
    };

    const AAPL: [u8; 8] = *b"AAPL    ";
    const SLOT: InstrumentId = InstrumentId::new(0);
    const TIME_NS: u64 = 34_200_000_000_123;

    fn one_shard() -> (Nasdaq, Roster) {
        (Nasdaq::new(), Roster::new(Ownership::even(1), 0, 2))
    }

    fn head<const KIND: u8>(locate: u16) -> Head<KIND> {
        Head::new(locate, 0, TIME_NS)
    }

    fn add_order(locate: u16, stock: [u8; 8], side: u8, price: u32) -> AddOrder {
        AddOrder {
            header: head(locate),
            order_ref: 7.into(),
            side,
            shares: 100.into(),
            stock,
            price: price.into(),
        }
    }

    /// Decodes after an add of AAPL under locate 13.
    fn decode(message: &[u8]) -> Result<Normal, Fault> {
        let (mut nasdaq, mut roster) = one_shard();
        let add = add_order(13, AAPL, b'B', 1_500_000);
        nasdaq.decode(add.as_bytes(), &mut roster).unwrap();
        nasdaq.decode(message, &mut roster)
    }

    fn change(message: &[u8]) -> Change {
        let heard = decode(message);
        let Ok(Normal::Event(event)) = heard else { panic!("{heard:?}") };
        assert_eq!((event.instrument, event.time.get()), (SLOT, TIME_NS));
        event.change
    }

    #[test]
    fn orders_become_events() {
        let (order, match_no) = (OrderRef::new(7), MatchNo::new(9));
        let qty = Qty::new(30);
        let executed = OrderExecuted {
            header: head(13),
            order_ref: 7.into(),
            shares: 30.into(),
            match_number: 9.into(),
        };
        let priced = |printable| OrderExecutedWithPrice {
            header: head(13),
            order_ref: 7.into(),
            shares: 30.into(),
            match_number: 9.into(),
            printable,
            price: 5.into(),
        };
        let cancel = OrderCancel { header: head(13), order_ref: 7.into(), shares: 30.into() };
        let delete = OrderDelete { header: head(13), order_ref: 7.into() };
        let replace = OrderReplace {
            header: head(13),
            old_ref: 7.into(),
            new_ref: 8.into(),
            shares: 30.into(),
            price: 5.into(),
        };
        let px = Px::from_price4(5);
        let add = |side, qty, px| Change::Add { order, side, qty, px };
        let at = |printable| Change::ExecuteAt { order, qty, px, match_no, printable };
        let (printed, unprinted) = (priced(b'Y'), priced(b'N'));
        let cases: [(&[u8], Change); 6] = [
            (executed.as_bytes(), Change::Execute { order, qty, match_no }),
            (printed.as_bytes(), at(true)),
            (unprinted.as_bytes(), at(false)),
            (cancel.as_bytes(), Change::Reduce { order, qty }),
            (delete.as_bytes(), Change::Delete { order }),
            (replace.as_bytes(), Change::Replace { old: order, new: OrderRef::new(8), qty, px }),
        ];
        for (bytes, want) in cases {
            assert_eq!(change(bytes), want);
        }
        let sell = add_order(13, AAPL, b'S', 1_500_000);
        let want = add(Side::Sell, Qty::new(100), Px::from_raw(150 * Px::ONE));
        assert_eq!(change(sell.as_bytes()), want);
    }

    #[test]
    fn an_operational_halt_and_a_trading_halt_stand_apart() {
        let (mut nasdaq, mut roster) = one_shard();
        let action = |state| TradingAction {
            header: head(13),
            stock: AAPL,
            state,
            reserved: b' ',
            reason: *b"    ",
        };
        let operational =
            |market, action| OperationalHalt { header: head(13), stock: AAPL, market, action };
        let mut hear = |bytes: &[u8]| {
            let heard = nasdaq.decode(bytes, &mut roster);
            let Ok(Normal::Event(MarketEvent { change: Change::Trading(trading), .. })) = heard
            else {
                return None;
            };
            Some(trading)
        };
        assert_eq!(hear(action(b'H').as_bytes()), Some(Trading::Halted));
        assert_eq!(hear(operational(b'Q', b'H').as_bytes()), Some(Trading::Halted));
        assert_eq!(hear(action(b'T').as_bytes()), Some(Trading::Halted), "still operationally");
        assert_eq!(hear(operational(b'X', b'T').as_bytes()), None, "another market of the group");
        assert_eq!(hear(operational(b'Q', b'T').as_bytes()), Some(Trading::Open));
    }

    #[test]
    fn a_fault_says_whose_book_it_harms() {
        let bad_side = add_order(13, AAPL, b'Z', 5);
        let free = add_order(13, AAPL, b'B', 0);
        let good = add_order(13, AAPL, b'B', 5);
        let stranger = add_order(14, *b"MSFT    ", b'Z', 5);
        let moved = TradingAction {
            header: head(13),
            stock: AAPL,
            state: b'?',
            reserved: b' ',
            reason: *b"    ",
        };
        let ours = Harm::Instrument(SLOT);
        let theirs = Harm::Instrument(InstrumentId::new(1));
        let code = |field, code| Why::Malformed(Malformed::UnknownCode { field, code });
        let cases: [(&[u8], Why, Harm); 8] = [
            (bad_side.as_bytes(), code(Field::Side, b'Z'), ours),
            (free.as_bytes(), Why::ZeroPrice, ours),
            (moved.as_bytes(), code(Field::TradingState, b'?'), ours),
            (stranger.as_bytes(), code(Field::Side, b'Z'), theirs),
            (
                &good.as_bytes()[..35],
                Why::Malformed(Malformed::WrongLength { kind: b'A', want: 36, len: 35 }),
                ours,
            ),
            (b"z\0\x0d12345678", Why::Malformed(Malformed::UnknownType { kind: b'z' }), ours),
            (
                b"z\0\x0e12345678",
                Why::Malformed(Malformed::UnknownType { kind: b'z' }),
                Harm::Nothing,
            ),
            (b"", Why::Malformed(Malformed::Empty), Harm::Nothing),
        ];
        for (message, why, harm) in cases {
            assert_eq!(decode(message), Err(Fault { why, harm }), "{message:?}");
        }
        assert_eq!(decode(b"A").map_err(|fault| fault.harm), Err(Harm::Feed));
    }

    #[test]
    fn a_locate_code_dealt_anew_is_a_fault_not_a_mixed_book() {
        let (mut nasdaq, mut roster) = one_shard();
        let listing = |stock| StockDirectory {
            header: head(13),
            stock,
            market_category: b'Q',
            financial_status: b'N',
            round_lot: 100.into(),
            round_lots_only: b'N',
            classification: b'C',
            sub_type: *b"Z ",
            authenticity: b'P',
            short_sale_threshold: b'N',
            ipo: b'N',
            luld_tier: b'1',
            etp: b'N',
            etp_leverage: 0.into(),
            inverse: b'N',
        };
        let mut hear = |stock| nasdaq.decode(listing(stock).as_bytes(), &mut roster);
        assert_eq!(hear(AAPL), Ok(Normal::Listed(SLOT)));
        assert_eq!(hear(AAPL), Ok(Normal::Listed(SLOT)), "sent twice");
        let moved = Fault { why: Why::LocateMoved, harm: Harm::Instrument(SLOT) };
        assert_eq!(hear(*b"MSFT    "), Err(moved));
        let other = Ok(Normal::Listed(InstrumentId::new(1)));
        assert_eq!(hear(*b"MSFT    "), other, "the old book is harmed once, and left alone");
        nasdaq.clear();
        let mut hear = |stock| nasdaq.decode(listing(stock).as_bytes(), &mut roster);
        assert_eq!(hear(AAPL), Ok(Normal::Listed(SLOT)), "a new day");
    }

    #[test]
    fn a_book_that_lacks_earlier_orders_is_not_good() {
        let delete = OrderDelete { header: head(13), order_ref: 7.into() };
        let add = add_order(13, AAPL, b'B', 5);
        let late = Fault { why: Why::OrdersMissed, harm: Harm::Instrument(SLOT) };
        for earlier in [delete.as_bytes(), &add.as_bytes()[..35]] {
            let (mut nasdaq, mut roster) = one_shard();
            let _ = nasdaq.decode(earlier, &mut roster);
            assert_eq!(nasdaq.decode(add.as_bytes(), &mut roster), Err(late));
            assert!(nasdaq.decode(add.as_bytes(), &mut roster).is_ok(), "named once");
        }
    }

    #[test]
    fn other_shards_stocks_are_dropped_on_the_locate_code() {
        let ownership = Ownership::new(alloc::vec![(Symbol::from_wire(AAPL), 1)], alloc::vec![]);
        let (mut nasdaq, mut roster) = (Nasdaq::new(), Roster::new(ownership, 0, 2));
        let add = add_order(13, AAPL, b'B', 5);
        assert_eq!(nasdaq.decode(add.as_bytes(), &mut roster), Ok(Normal::Elsewhere));
        let garbage = [&b"?\0\x0d"[..], &[0xFF; 40]].concat();
        assert_eq!(nasdaq.decode(&garbage, &mut roster), Ok(Normal::Elsewhere), "not decoded");
        assert!(roster.symbols().is_empty());
    }

    proptest! {
        #[test]
        fn nothing_panics(messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..40)) {
            let (mut nasdaq, mut roster) = one_shard();
            for mut message in messages {
                if let Some(kind) = message.first_mut() {
                    *kind = MESSAGE_LENGTHS[usize::from(*kind) % MESSAGE_LENGTHS.len()].0;
                }
                let len = message.first().and_then(|kind| length_of(*kind)).unwrap_or(0);
                message.resize(len, 0);
                let _ = nasdaq.decode(&message, &mut roster);
            }
            prop_assert!(roster.symbols().len() <= 2);
        }
    }
}
