//! IEX: DEEP 1.0 messages become market events.
//!
//! The feed shows price levels, not orders, and names instruments by ticker alone, so a shard skips
//! what is not its own by one probe of its roster.
//!
//! Source: IEX DEEP Specification 1.06; field layouts are `wire::deep10`'s.

use alloc::boxed::Box;
use alloc::vec;

use types::{
    Change, CrossKind, Imbalance, InstrumentId, MarketEvent, MatchNo, Nanos, Px, Qty, ShortSale,
    Side, Symbol, Trading,
};
use wire::Malformed;
use wire::deep10::{self, Message};

use crate::standing::Standing;
use crate::{Fault, Harm, Normal, Roster, Slot, Why};

/// The market data side of IEX, for one shard.
#[derive(Debug)]
pub struct Iex {
    /// By instrument slot: what `H` and `O` said, each of which may halt an instrument alone.
    standing: Box<[Standing]>,
}

impl Default for Iex {
    fn default() -> Self {
        Self::new()
    }
}

impl Iex {
    /// Knows of no halt yet.
    pub fn new() -> Self {
        Self { standing: vec![Standing::OPEN; Roster::INSTRUMENTS_MAX].into_boxed_slice() }
    }

    /// Forgets every halt.
    pub fn clear(&mut self) {
        self.standing.fill(Standing::OPEN);
    }

    /// Turns one message into what it means here. Allocates nothing.
    ///
    /// Errors: [`Fault`], which says whose book can no longer be trusted.
    #[inline]
    pub fn decode(&mut self, message: &[u8], roster: &mut Roster) -> Result<Normal, Fault> {
        let Some(symbol) = deep10::peek_symbol(message) else {
            return about_nobody(message);
        };
        match roster.claim(Symbol::from_wire(*symbol)) {
            Slot::Ours(instrument) => self
                .event(message, instrument)
                .map_err(|why| Fault { why, harm: Harm::Instrument(instrument) }),
            Slot::Elsewhere => Ok(Normal::Elsewhere),
            Slot::Full => Err(Fault { why: Why::NoRoom, harm: Harm::Nothing }),
        }
    }

    #[inline]
    fn event(&mut self, message: &[u8], instrument: InstrumentId) -> Result<Normal, Why> {
        let standing = &mut self.standing[instrument.index()];
        let (timestamp, change) = match Message::parse(message)? {
            Message::BuyLevel(m) => {
                (m.timestamp(), level(Side::Buy, m.size(), m.price(), m.settled())?)
            }
            Message::SellLevel(m) => {
                (m.timestamp(), level(Side::Sell, m.size(), m.price(), m.settled())?)
            }
            Message::TradeReport(m) => {
                let trade = Change::Trade {
                    qty: Qty::from(m.size()),
                    px: px(m.price())?,
                    match_no: MatchNo::new(m.trade_id().cast_unsigned()),
                    printable: true,
                };
                (m.timestamp(), trade)
            }
            Message::TradeBreak(m) => {
                let match_no = MatchNo::new(m.trade_id().cast_unsigned());
                (m.timestamp(), Change::Bust { match_no })
            }
            Message::TradingStatus(m) => {
                standing.trading = trading(m.state()?);
                (m.timestamp(), Change::Trading(standing.holds()))
            }
            Message::OperationalHalt(m) => {
                standing.operational_halt = m.state()? == deep10::OperationalState::Halted;
                (m.timestamp(), Change::Trading(standing.holds()))
            }
            Message::ShortSaleStatus(m) => (m.timestamp(), Change::ShortSale(short_sale(m)?)),
            Message::AuctionInformation(m) => (m.timestamp(), Change::Imbalance(imbalance(m)?)),
            Message::SecurityDirectory(_) => return Ok(Normal::Listed(instrument)),
            Message::SystemEvent(_)
            | Message::RetailIndicator(_)
            | Message::SecurityEvent(_)
            | Message::OfficialPrice(_) => return Ok(Normal::Aside),
        };
        // A time before the epoch is nonsense, but harms no book.
        let time = Nanos::new(u64::try_from(timestamp).unwrap_or(0));
        Ok(Normal::Event(MarketEvent { time, instrument, change }))
    }
}

/// A message without a ticker: a system event, empty filler, or one that cannot be read.
#[cold]
fn about_nobody(message: &[u8]) -> Result<Normal, Fault> {
    match Message::parse(message) {
        Ok(_) => Ok(Normal::Aside),
        Err(why @ Malformed::Empty) => Err(Fault { why: Why::Malformed(why), harm: Harm::Nothing }),
        Err(why) => Err(Fault { why: Why::Malformed(why), harm: Harm::Feed }),
    }
}

/// Raw units of 1e-8 in one unit of the feed's four decimals.
const PER_PRICE: i64 = 10_000;

fn px(price: i64) -> Result<Px, Why> {
    price.checked_mul(PER_PRICE).map(Px::from_raw).ok_or(Why::PriceRange)
}

#[inline]
fn level(side: Side, size: u32, price: i64, settled: bool) -> Result<Change, Why> {
    let px = px(price)?;
    if px == Px::ZERO {
        return Err(Why::ZeroPrice);
    }
    Ok(Change::Level { side, px, qty: Qty::from(size), settled })
}

fn trading(state: deep10::TradingState) -> Trading {
    match state {
        deep10::TradingState::Trading => Trading::Open,
        deep10::TradingState::Halted => Trading::Halted,
        deep10::TradingState::Paused => Trading::Paused,
        deep10::TradingState::OrderAcceptance => Trading::QuoteOnly,
    }
}

fn short_sale(m: &deep10::ShortSaleStatus) -> Result<ShortSale, Malformed> {
    let continued = m.detail()? == deep10::ShortSaleDetail::Continued;
    Ok(match m.state()? {
        deep10::ShortSaleState::Free => ShortSale::Free,
        deep10::ShortSaleState::Restricted if continued => ShortSale::StillRestricted,
        deep10::ShortSaleState::Restricted => ShortSale::Restricted,
    })
}

fn imbalance(m: &deep10::AuctionInformation) -> Result<Imbalance, Why> {
    let side = match m.imbalance_side()? {
        deep10::ImbalanceSide::Buy => Some(Side::Buy),
        deep10::ImbalanceSide::Sell => Some(Side::Sell),
        deep10::ImbalanceSide::None => None,
    };
    let kind = match m.auction()? {
        deep10::AuctionType::Opening => CrossKind::Open,
        deep10::AuctionType::Closing => CrossKind::Close,
        deep10::AuctionType::Ipo | deep10::AuctionType::Halt | deep10::AuctionType::Volatility => {
            CrossKind::Halt
        }
    };
    Ok(Imbalance {
        paired: Qty::from(m.paired()),
        unpaired: Qty::from(m.imbalance()),
        side,
        far: px(m.book_clearing())?,
        near: px(m.indicative())?,
        reference: px(m.reference())?,
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ownership;
    use proptest::prelude::*;
    use wire::Field;
    use wire::deep10::{
        AuctionInformation, BuyLevel, Head, MESSAGE_LENGTHS, OperationalHalt, SellLevel,
        SystemEvent, TradeBreak, TradeReport, TradingStatus, length_of,
    };

    const ZIEXT: [u8; 8] = *b"ZIEXT   ";
    const SLOT: InstrumentId = InstrumentId::new(0);
    const TIME_NS: i64 = 1_471_980_632_572_715_948;

    fn hear(message: &[u8]) -> Result<Normal, Fault> {
        Iex::new().decode(message, &mut Roster::new(Ownership::even(1), 0, 1))
    }

    fn buy(symbol: [u8; 8], flags: u8, size: u32, price: i64) -> BuyLevel {
        BuyLevel {
            header: Head::new(),
            flags,
            timestamp: TIME_NS.into(),
            symbol,
            size: size.into(),
            price: price.into(),
        }
    }

    #[test]
    fn levels_and_trades_become_events() {
        let bid = buy(ZIEXT, 1, 9_700, 990_500);
        let gone = SellLevel {
            header: Head::new(),
            flags: 0,
            timestamp: TIME_NS.into(),
            symbol: ZIEXT,
            size: 0.into(),
            price: 990_600.into(),
        };
        let trade = TradeReport {
            header: Head::new(),
            flags: 0,
            timestamp: TIME_NS.into(),
            symbol: ZIEXT,
            size: 100.into(),
            price: 990_500.into(),
            trade_id: 429_974.into(),
        };
        let broken = TradeBreak {
            header: Head::new(),
            flags: 0,
            timestamp: TIME_NS.into(),
            symbol: ZIEXT,
            size: 100.into(),
            price: 990_500.into(),
            trade_id: 429_974.into(),
        };
        let (px, match_no) = (Px::from_raw(9_905_000_000), MatchNo::new(429_974));
        let level =
            |side, px, qty, settled| Change::Level { side, px, qty: Qty::new(qty), settled };
        let offer = Px::from_raw(9_906_000_000);
        let cases: [(&[u8], Change); 4] = [
            (bid.as_bytes(), level(Side::Buy, px, 9_700, true)),
            (gone.as_bytes(), level(Side::Sell, offer, 0, false)),
            (trade.as_bytes(), Change::Trade { qty: Qty::new(100), px, match_no, printable: true }),
            (broken.as_bytes(), Change::Bust { match_no }),
        ];
        for (message, change) in cases {
            let time = Nanos::new(TIME_NS.cast_unsigned());
            let want = MarketEvent { time, instrument: SLOT, change };
            assert_eq!(hear(message), Ok(Normal::Event(want)));
        }
        let opened = SystemEvent { header: Head::new(), event: b'O', timestamp: TIME_NS.into() };
        assert_eq!(hear(opened.as_bytes()), Ok(Normal::Aside));
    }

    #[test]
    fn an_operational_halt_and_a_trading_halt_stand_apart() {
        let (mut iex, mut roster) = (Iex::new(), Roster::new(Ownership::even(1), 0, 1));
        let status = |state| TradingStatus {
            header: Head::new(),
            state,
            timestamp: TIME_NS.into(),
            symbol: ZIEXT,
            reason: *b"T1  ",
        };
        let operational = |state| OperationalHalt {
            header: Head::new(),
            state,
            timestamp: TIME_NS.into(),
            symbol: ZIEXT,
        };
        let mut trading = |bytes: &[u8]| {
            let heard = iex.decode(bytes, &mut roster);
            let Ok(Normal::Event(MarketEvent { change: Change::Trading(trading), .. })) = heard
            else {
                panic!("{heard:?}")
            };
            trading
        };
        assert_eq!(trading(operational(b'O').as_bytes()), Trading::Halted);
        assert_eq!(trading(status(b'T').as_bytes()), Trading::Halted, "still operationally");
        assert_eq!(trading(operational(b'N').as_bytes()), Trading::Open);
        assert_eq!(trading(status(b'P').as_bytes()), Trading::Paused);
    }

    #[test]
    fn a_fault_says_whose_book_it_harms() {
        let free = buy(ZIEXT, 1, 1, 0);
        let absurd = buy(ZIEXT, 1, 1, i64::MAX);
        let good = buy(ZIEXT, 1, 1, 1);
        let auction = AuctionInformation {
            header: Head::new(),
            auction: b'?',
            timestamp: TIME_NS.into(),
            symbol: ZIEXT,
            paired: 0.into(),
            reference: 0.into(),
            indicative: 0.into(),
            imbalance: 0.into(),
            imbalance_side: b'N',
            extension: 0,
            scheduled_s: 0.into(),
            book_clearing: 0.into(),
            collar_reference: 0.into(),
            lower: 0.into(),
            upper: 0.into(),
        };
        let ours = Harm::Instrument(SLOT);
        let bad = |malformed| Why::Malformed(malformed);
        let cases: [(&[u8], Why, Harm); 6] = [
            (free.as_bytes(), Why::ZeroPrice, ours),
            (absurd.as_bytes(), Why::PriceRange, ours),
            (
                auction.as_bytes(),
                bad(Malformed::UnknownCode { field: Field::AuctionType, code: b'?' }),
                ours,
            ),
            (
                &good.as_bytes()[..29],
                bad(Malformed::WrongLength { kind: b'8', want: 30, len: 29 }),
                ours,
            ),
            (b"8", bad(Malformed::WrongLength { kind: b'8', want: 30, len: 1 }), Harm::Feed),
            (b"", bad(Malformed::Empty), Harm::Nothing),
        ];
        for (message, why, harm) in cases {
            assert_eq!(hear(message), Err(Fault { why, harm }), "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(mut message in prop::collection::vec(any::<u8>(), 0..90)) {
            if let Some(kind) = message.first_mut() {
                *kind = MESSAGE_LENGTHS[usize::from(*kind) % MESSAGE_LENGTHS.len()].0;
            }
            let len = message.first().and_then(|kind| length_of(*kind)).unwrap_or(0);
            message.resize(len, 0);
            let _ = hear(&message);
        }
    }
}
