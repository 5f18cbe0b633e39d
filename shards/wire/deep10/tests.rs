//! Layouts against bytes written by hand, and the properties that hold for every message.

extern crate std;

use super::*;
use crate::{Field, Malformed};
use proptest::prelude::*;
use std::vec::Vec;

/// Bytes from hexadecimal digits, spaces between them ignored.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// The lengths of the specification, typed off its tables.
const LENGTHS: &[(u8, usize)] = &[
    (b'S', 10),
    (b'D', 31),
    (b'H', 22),
    (b'I', 18),
    (b'O', 18),
    (b'P', 19),
    (b'E', 18),
    (b'8', 30),
    (b'5', 30),
    (b'T', 38),
    (b'X', 26),
    (b'B', 38),
    (b'A', 80),
];

const TIME: i64 = 0x0102_0304_0506_0708;
/// The time, and the ticker `ZIEXT`.
const HEAD: &str = "0807060504030201 5A49455854202020";
const SYMBOL: [u8; 8] = *b"ZIEXT   ";

/// Checks that the view's bytes are those written by hand, and that they read back as that view.
macro_rules! same {
    ($name:ident { $($field:ident: $value:expr,)* } $($hex:expr),+) => {{
        let view = $name { header: Head::new(), timestamp: TIME.into(), $($field: $value,)* };
        let want = hex(&[$($hex),+].concat());
        assert_eq!(view.as_bytes(), want, stringify!($name));
        assert_eq!(Message::parse(&want), Ok(Message::$name(&view)));
        assert_eq!(view.timestamp(), TIME);
        view
    }};
}

#[test]
fn administrative_layouts() {
    let m = same!(SystemEvent { event: EventCode::StartOfMarketHours.byte(), } "53 52", "0807060504030201");
    assert_eq!(m.event(), Ok(EventCode::StartOfMarketHours));
    assert_eq!(peek_symbol(m.as_bytes()), None);

    let m = same!(SecurityDirectory {
        flags: 0x80, symbol: SYMBOL, round_lot: 100.into(), adjusted_close: 990_500.into(),
        luld_tier: LuldTier::Tier1.byte(),
    } "44 80", HEAD, "64000000 241D0F0000000000 01");
    assert_eq!(
        (m.round_lot(), m.adjusted_close(), m.luld_tier()),
        (100, 990_500, Ok(LuldTier::Tier1))
    );
    assert_eq!(peek_symbol(m.as_bytes()), Some(&SYMBOL));

    let m = same!(TradingStatus {
        state: TradingState::Halted.byte(), symbol: SYMBOL, reason: *b"T1  ",
    } "48 48", HEAD, "54312020");
    assert_eq!((m.state(), m.reason()), (Ok(TradingState::Halted), *b"T1  "));

    let m = same!(RetailIndicator { interest: RetailLiquidity::Buy.byte(), symbol: SYMBOL, } "49 41", HEAD);
    assert_eq!(m.interest(), Ok(RetailLiquidity::Buy));

    let m = same!(OperationalHalt { state: OperationalState::Running.byte(), symbol: SYMBOL, } "4F 4E", HEAD);
    assert_eq!(m.state(), Ok(OperationalState::Running));

    let m = same!(ShortSaleStatus {
        state: ShortSaleState::Restricted.byte(), symbol: SYMBOL, detail: ShortSaleDetail::Activated.byte(),
    } "50 01", HEAD, "41");
    assert_eq!(
        (m.state(), m.detail()),
        (Ok(ShortSaleState::Restricted), Ok(ShortSaleDetail::Activated))
    );

    let m = same!(SecurityEvent { event: SecurityEventCode::Opened.byte(), symbol: SYMBOL, } "45 4F", HEAD);
    assert_eq!(m.event(), Ok(SecurityEventCode::Opened));
}

#[test]
fn trading_and_auction_layouts() {
    let m = same!(BuyLevel { flags: 1, symbol: SYMBOL, size: 9_700.into(), price: 990_500.into(), }
        "38 01", HEAD, "E4250000 241D0F0000000000");
    assert_eq!((m.symbol(), m.size(), m.price(), m.settled()), (SYMBOL, 9_700, 990_500, true));

    let m = same!(SellLevel { flags: 0, symbol: SYMBOL, size: 0.into(), price: (-1).into(), }
        "35 00", HEAD, "00000000 FFFFFFFFFFFFFFFF");
    assert_eq!((m.size(), m.price(), m.settled()), (0, -1, false));

    let m = same!(TradeReport {
        flags: 0x20, symbol: SYMBOL, size: 100.into(), price: 990_500.into(), trade_id: 429_974.into(),
    } "54 20", HEAD, "64000000 241D0F0000000000 968F060000000000");
    assert_eq!((m.flags(), m.size(), m.price(), m.trade_id()), (0x20, 100, 990_500, 429_974));

    let m = same!(TradeBreak {
        flags: 0, symbol: SYMBOL, size: 100.into(), price: 990_500.into(), trade_id: 429_974.into(),
    } "42 00", HEAD, "64000000 241D0F0000000000 968F060000000000");
    assert_eq!(m.trade_id(), 429_974);

    let m = same!(OfficialPrice {
        price_type: PriceType::Opening.byte(), symbol: SYMBOL, price: 990_500.into(),
    } "58 51", HEAD, "241D0F0000000000");
    assert_eq!((m.price_type(), m.price()), (Ok(PriceType::Opening), 990_500));

    let m = same!(AuctionInformation {
        auction: AuctionType::Closing.byte(), symbol: SYMBOL, paired: 1.into(), reference: 2.into(),
        indicative: 3.into(), imbalance: 4.into(), imbalance_side: ImbalanceSide::Buy.byte(),
        extension: 5, scheduled_s: 6.into(), book_clearing: 7.into(), collar_reference: 8.into(),
        lower: 9.into(), upper: 10.into(),
    } "41 43", HEAD,
        "01000000 0200000000000000 0300000000000000 04000000 42 05 06000000",
        "0700000000000000 0800000000000000 0900000000000000 0A00000000000000");
    assert_eq!(
        (m.auction(), m.paired(), m.reference(), m.indicative()),
        (Ok(AuctionType::Closing), 1, 2, 3)
    );
    assert_eq!((m.imbalance(), m.imbalance_side(), m.extension()), (4, Ok(ImbalanceSide::Buy), 5));
    assert_eq!((m.scheduled_s(), m.book_clearing(), m.collar_reference()), (6, 7, 8));
    assert_eq!((m.lower(), m.upper()), (9, 10));
}

#[test]
fn a_longer_message_is_read_by_its_known_part_and_a_shorter_refused() {
    assert_eq!(Message::parse(&[]), Err(Malformed::Empty));
    for kind in 0..=u8::MAX {
        let mut bytes = [0; 96];
        bytes[0] = kind;
        let known = LENGTHS.iter().find(|(listed, _)| *listed == kind).map(|(_, len)| *len);
        assert_eq!(length_of(kind), known, "kind={kind}");
        for len in 1..bytes.len() {
            let parsed = Message::parse(&bytes[..len]).map(|message| message.as_bytes());
            match known {
                None => assert_eq!(parsed, Err(Malformed::UnknownType { kind })),
                Some(want) if want <= len => assert_eq!(parsed, Ok(&bytes[..want])),
                Some(want) => {
                    let (want, len) = (want as u16, len as u16);
                    assert_eq!(parsed, Err(Malformed::WrongLength { kind, want, len }));
                }
            }
        }
    }
}

#[test]
fn a_byte_that_is_not_listed_is_an_error() {
    let halt =
        OperationalHalt { header: Head::new(), state: b'x', timestamp: 0.into(), symbol: SYMBOL };
    let want = Malformed::UnknownCode { field: Field::HaltAction, code: b'x' };
    assert_eq!(halt.state(), Err(want));
}

proptest! {
    #[test]
    fn whatever_parses_is_given_back(kind in 0..13_usize, bytes in prop::collection::vec(any::<u8>(), 80)) {
        let (kind, len) = LENGTHS[kind];
        let mut bytes = bytes;
        bytes[0] = kind;
        let message = Message::parse(&bytes[..len]).unwrap();
        prop_assert_eq!(message.as_bytes(), &bytes[..len]);
        prop_assert_eq!(message.header().kind(), kind);
    }
}
