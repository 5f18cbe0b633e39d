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
    (b'S', 12),
    (b'R', 39),
    (b'H', 25),
    (b'Y', 20),
    (b'L', 26),
    (b'V', 35),
    (b'W', 12),
    (b'K', 28),
    (b'J', 35),
    (b'h', 21),
    (b'A', 36),
    (b'F', 40),
    (b'E', 31),
    (b'C', 36),
    (b'X', 23),
    (b'D', 19),
    (b'U', 35),
    (b'P', 44),
    (b'Q', 40),
    (b'B', 19),
    (b'I', 50),
    (b'N', 20),
    (b'O', 48),
];

#[test]
fn a_type_has_the_length_of_the_specification() {
    assert_eq!(MESSAGE_LENGTHS.len(), 23);
    for kind in 0..=u8::MAX {
        let want = LENGTHS.iter().find(|(listed, _)| *listed == kind).map(|(_, len)| *len);
        assert_eq!(length_of(kind), want, "kind={kind}");
        let listed = MESSAGE_LENGTHS.iter().find(|(listed, _)| *listed == kind);
        assert_eq!(listed.map(|(_, len)| usize::from(*len)), want, "kind={kind}");
    }
}

#[test]
fn only_the_right_length_of_a_known_type_is_taken() {
    let bytes = [0_u8; 64];
    assert_eq!(Message::parse(&[]), Err(Malformed::Empty));
    for kind in 0..=u8::MAX {
        for len in 1..=bytes.len() {
            let mut bytes = bytes;
            bytes[0] = kind;
            let parsed = Message::parse(&bytes[..len]);
            match LENGTHS.iter().find(|(listed, _)| *listed == kind) {
                None => assert_eq!(parsed, Err(Malformed::UnknownType { kind })),
                Some((_, want)) if *want == len => {
                    assert_eq!(parsed.unwrap().header().kind(), kind);
                    assert_eq!(parsed.unwrap().as_bytes(), &bytes[..len]);
                }
                Some((_, want)) => {
                    let (want, len) = (*want as u16, len as u16);
                    assert_eq!(parsed, Err(Malformed::WrongLength { kind, want, len }));
                }
            }
        }
    }
}

/// Locate 13, tracking 2, 07:59:00.000000001: ten bytes after the type.
const HEAD: &str = "000D 0002 1A238D7DA801";
const TIME: u64 = 28_740_000_000_001;
/// `AAPL`, padded.
const AAPL: &str = "4141504C20202020";

fn head<const KIND: u8>() -> Head<KIND> {
    Head::new(13, 2, TIME)
}

/// Checks that the view's bytes are those written by hand, and that they read back as that view.
macro_rules! same {
    ($name:ident { $($field:ident: $value:expr,)* } $($hex:expr),+) => {{
        let view = $name { header: head(), $($field: $value,)* };
        let want = hex(&[$($hex),+].concat());
        assert_eq!(view.as_bytes(), want, stringify!($name));
        assert_eq!(Message::parse(&want), Ok(Message::$name(&view)));
        let header = Header::peek(&want).unwrap();
        assert_eq!((header.locate(), header.tracking(), header.timestamp()), (13, 2, TIME));
        view
    }};
}

#[test]
fn administrative_layouts() {
    let stock = *b"AAPL    ";
    let m = same!(SystemEvent { event: EventCode::StartOfMarketHours.byte(), } "53", HEAD, "51");
    assert_eq!(m.event(), Ok(EventCode::StartOfMarketHours));

    let m = same!(StockDirectory {
        stock: stock,
        market_category: MarketCategory::NasdaqGlobalSelect.byte(),
        financial_status: FinancialStatus::Normal.byte(),
        round_lot: 100.into(),
        round_lots_only: Flag::No.byte(),
        classification: IssueClassification::CommonStock.byte(),
        sub_type: *b"Z ",
        authenticity: Authenticity::Production.byte(),
        short_sale_threshold: Flag::No.byte(),
        ipo: Flag::Unknown.byte(),
        luld_tier: LuldTier::Tier1.byte(),
        etp: Flag::Yes.byte(),
        etp_leverage: 3.into(),
        inverse: Flag::Yes.byte(),
    } "52", HEAD, AAPL, "51 4E 00000064 4E 43 5A20 50 4E 20 31 59 00000003 59");
    assert_eq!((m.round_lot(), m.etp_leverage()), (100, 3));
    assert_eq!(
        (m.luld_tier(), m.ipo(), m.etp()),
        (Ok(LuldTier::Tier1), Ok(Flag::Unknown), Ok(Flag::Yes))
    );

    let m = same!(TradingAction {
        stock: stock, state: TradingState::Trading.byte(), reserved: b' ', reason: *b"T1  ",
    } "48", HEAD, AAPL, "54 20 54312020");
    assert_eq!((m.state(), m.reason()), (Ok(TradingState::Trading), *b"T1  "));

    let m = same!(RegSho { stock: stock, action: RegShoAction::Remains.byte(), } "59", HEAD, AAPL, "32");
    assert_eq!(m.action(), Ok(RegShoAction::Remains));

    let m = same!(ParticipantPosition {
        mpid: *b"ABCD", stock: stock, primary: Flag::Yes.byte(),
        mode: MarketMakerMode::Penalty.byte(), state: ParticipantState::Active.byte(),
    } "4C", HEAD, "41424344", AAPL, "59 4C 41");
    assert_eq!((m.mpid(), m.mode()), (*b"ABCD", Ok(MarketMakerMode::Penalty)));

    let m = same!(MwcbDeclineLevel { level1: 1.into(), level2: 2.into(), level3: u64::MAX.into(), }
        "56", HEAD, "0000000000000001 0000000000000002 FFFFFFFFFFFFFFFF");
    assert_eq!((m.level1(), m.level2(), m.level3()), (1, 2, u64::MAX));

    let m = same!(MwcbStatus { breached: BreachedLevel::Three.byte(), } "57", HEAD, "33");
    assert_eq!(m.breached(), Ok(BreachedLevel::Three));

    let m = same!(IpoQuotingPeriod {
        stock: stock, release_s: 34_200.into(), qualifier: IpoQualifier::Anticipated.byte(), price: 1.into(),
    } "4B", HEAD, AAPL, "00008598 41 00000001");
    assert_eq!(
        (m.release_s(), m.qualifier(), m.price()),
        (34_200, Ok(IpoQualifier::Anticipated), 1)
    );

    let m = same!(AuctionCollar {
        stock: stock, reference: 1.into(), upper: 2.into(), lower: 3.into(), extension: 4.into(),
    } "4A", HEAD, AAPL, "00000001 00000002 00000003 00000004");
    assert_eq!((m.reference(), m.upper(), m.lower(), m.extension()), (1, 2, 3, 4));

    let m = same!(OperationalHalt {
        stock: stock, market: MarketCode::Bx.byte(), action: HaltAction::Halted.byte(),
    } "68", HEAD, AAPL, "42 48");
    assert_eq!((m.market(), m.action()), (Ok(MarketCode::Bx), Ok(HaltAction::Halted)));
}

#[test]
fn order_layouts() {
    let stock = *b"AAPL    ";
    let m = same!(AddOrder {
        order_ref: 0x0102_0304_0506_0708.into(), side: Side::Buy.byte(), shares: 300.into(),
        stock: stock, price: 3_204_300.into(),
    } "41", HEAD, "0102030405060708 42 0000012C", AAPL, "0030E4CC");
    assert_eq!((m.order_ref(), m.side()), (0x0102_0304_0506_0708, Ok(Side::Buy)));
    assert_eq!((m.shares(), m.stock(), m.price()), (300, stock, 3_204_300));

    let m = same!(AddOrderMpid {
        order_ref: 7.into(), side: Side::Sell.byte(), shares: 1.into(),
        stock: stock, price: 2.into(), attribution: *b"WXYZ",
    } "46", HEAD, "0000000000000007 53 00000001", AAPL, "00000002 5758595A");
    assert_eq!((m.side(), m.attribution()), (Ok(Side::Sell), *b"WXYZ"));

    let m = same!(OrderExecuted { order_ref: 7.into(), shares: 8.into(), match_number: 9.into(), }
        "45", HEAD, "0000000000000007 00000008 0000000000000009");
    assert_eq!((m.order_ref(), m.shares(), m.match_number()), (7, 8, 9));

    let m = same!(OrderExecutedWithPrice {
        order_ref: 7.into(), shares: 8.into(), match_number: 9.into(),
        printable: Flag::No.byte(), price: 10.into(),
    } "43", HEAD, "0000000000000007 00000008 0000000000000009 4E 0000000A");
    assert_eq!((m.printable(), m.price()), (Ok(Flag::No), 10));

    let m = same!(OrderCancel { order_ref: 7.into(), shares: 8.into(), }
        "58", HEAD, "0000000000000007 00000008");
    assert_eq!((m.order_ref(), m.shares()), (7, 8));

    let m = same!(OrderDelete { order_ref: 7.into(), } "44", HEAD, "0000000000000007");
    assert_eq!(m.order_ref(), 7);

    let m = same!(OrderReplace {
        old_ref: 7.into(), new_ref: 8.into(), shares: 9.into(), price: 10.into(),
    } "55", HEAD, "0000000000000007 0000000000000008 00000009 0000000A");
    assert_eq!((m.old_ref(), m.new_ref(), m.shares(), m.price()), (7, 8, 9, 10));
}

#[test]
fn trade_and_auction_layouts() {
    let stock = *b"AAPL    ";
    let m = same!(Trade {
        order_ref: 0.into(), side: Side::Buy.byte(), shares: 1.into(), stock: stock,
        price: 2.into(), match_number: 3.into(),
    } "50", HEAD, "0000000000000000 42 00000001", AAPL, "00000002 0000000000000003");
    assert_eq!((m.shares(), m.price(), m.match_number()), (1, 2, 3));

    let m = same!(CrossTrade {
        shares: 1.into(), stock: stock, price: 2.into(), match_number: 3.into(),
        cross: CrossType::Closing.byte(),
    } "51", HEAD, "0000000000000001", AAPL, "00000002 0000000000000003 43");
    assert_eq!((m.shares(), m.cross()), (1, Ok(CrossType::Closing)));

    let m = same!(BrokenTrade { match_number: 3.into(), } "42", HEAD, "0000000000000003");
    assert_eq!(m.match_number(), 3);

    let m = same!(Imbalance {
        paired: 1.into(), imbalance: 2.into(), direction: ImbalanceDirection::InsufficientOrders.byte(),
        stock: stock, far: 3.into(), near: 4.into(), reference: 5.into(),
        cross: CrossType::Opening.byte(), variation: PriceVariation::From10.byte(),
    } "49", HEAD, "0000000000000001 0000000000000002 4F", AAPL, "00000003 00000004 00000005 4F 41");
    assert_eq!((m.paired(), m.imbalance(), m.far(), m.near(), m.reference()), (1, 2, 3, 4, 5));
    assert_eq!(m.direction(), Ok(ImbalanceDirection::InsufficientOrders));
    assert_eq!(m.variation(), Ok(PriceVariation::From10));

    let m = same!(RetailPrice { stock: stock, interest: RetailInterest::Both.byte(), }
        "4E", HEAD, AAPL, "41");
    assert_eq!(m.interest(), Ok(RetailInterest::Both));

    let m = same!(DirectListing {
        stock: stock, eligible: Flag::Yes.byte(), minimum: 1.into(), maximum: 2.into(),
        near_price: 3.into(), near_time_ns: 4.into(), lower: 5.into(), upper: 6.into(),
    } "4F", HEAD, AAPL, "59 00000001 00000002 00000003 0000000000000004 00000005 00000006");
    assert_eq!((m.minimum(), m.maximum(), m.near_price()), (1, 2, 3));
    assert_eq!((m.near_time_ns(), m.lower(), m.upper()), (4, 5, 6));
}

#[test]
fn a_byte_that_is_not_listed_is_an_error() {
    let order = AddOrder {
        header: head(),
        order_ref: 1.into(),
        side: b'b',
        shares: 1.into(),
        stock: *b"AAPL    ",
        price: 1.into(),
    };
    assert_eq!(order.side(), Err(Malformed::UnknownCode { field: Field::Side, code: b'b' }));
    // Each list against the specification's letters.
    let letters = |all: &[u8]| -> Vec<u8> { all.to_vec() };
    let cases = [
        ("OSQMEC", letters(&EventCode::ALL.iter().map(|c| c.byte()).collect::<Vec<_>>())),
        ("HPQT", letters(&TradingState::ALL.iter().map(|c| c.byte()).collect::<Vec<_>>())),
        ("BSNOP", letters(&ImbalanceDirection::ALL.iter().map(|c| c.byte()).collect::<Vec<_>>())),
        ("OCHIA", letters(&CrossType::ALL.iter().map(|c| c.byte()).collect::<Vec<_>>())),
        ("012", letters(&RegShoAction::ALL.iter().map(|c| c.byte()).collect::<Vec<_>>())),
    ];
    for (want, got) in cases {
        assert_eq!(got, want.as_bytes());
    }
    macro_rules! only_the_listed {
        ($($code:ident)*) => {$(
            for byte in 0..=u8::MAX {
                let want = $code::ALL.iter().find(|code| code.byte() == byte);
                assert_eq!($code::from_byte(byte).ok().as_ref(), want, "byte={byte}");
            }
        )*};
    }
    only_the_listed! { Side EventCode MarketCategory FinancialStatus IssueClassification Flag }
    only_the_listed! { TradingState CrossType ImbalanceDirection PriceVariation RetailInterest }
}

#[test]
fn a_timestamp_holds_six_bytes() {
    assert_eq!(Timestamp6::new(0x0001_0203_0405_0607).ns(), Timestamp6::MAX_NS);
    assert_eq!(Timestamp6::new(u64::MAX).ns(), Timestamp6::MAX_NS);
    assert_eq!(Timestamp6::new(0x0102_0304_0506).as_bytes(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_peek_needs_no_whole_message() {
    let message = hex(&["41", HEAD].concat());
    for len in 0..message.len() {
        assert_eq!(peek_locate(&message[..len]), (3 <= len).then_some(13), "len={len}");
        assert!(Header::peek(&message[..len]).is_none(), "len={len}");
    }
    assert_eq!(Header::peek(&message).map(Header::kind), Some(b'A'));
}

#[test]
fn encoding_into_too_little_room_is_full() {
    let delete = OrderDelete { header: head(), order_ref: 1.into() };
    for room in 0..OrderDelete::LEN {
        let mut out = [0; OrderDelete::LEN];
        assert_eq!(delete.encode(&mut out[..room]), Err(crate::Full));
        assert_eq!(Message::OrderDelete(&delete).encode(&mut out[..room]), Err(crate::Full));
    }
    let mut out = [0; 32];
    assert_eq!(delete.encode(&mut out), Ok(OrderDelete::LEN));
    assert_eq!(&out[..OrderDelete::LEN], delete.as_bytes());
}

proptest! {
    #[test]
    fn whatever_parses_is_given_back(kind in 0..23_usize, bytes: [u8; 50]) {
        let (kind, len) = LENGTHS[kind];
        let mut bytes = bytes;
        bytes[0] = kind;
        let message = Message::parse(&bytes[..len]).unwrap();
        prop_assert_eq!(message.as_bytes(), &bytes[..len]);
        prop_assert_eq!(message.header().timestamp(), Header::peek(&bytes).unwrap().timestamp());
        prop_assert_eq!(Some(message.header().locate()), peek_locate(&bytes));
    }

    #[test]
    fn fields_survive_the_round_trip(
        locate: u16, tracking: u16, time in 0..=Timestamp6::MAX_NS,
        order_ref: u64, shares: u32, stock: [u8; 8], price: u32,
    ) {
        let order = AddOrder {
            header: Head::new(locate, tracking, time),
            order_ref: order_ref.into(),
            side: Side::Sell.byte(),
            shares: shares.into(),
            stock,
            price: price.into(),
        };
        let Ok(Message::AddOrder(read)) = Message::parse(order.as_bytes()) else {
            panic!("not an add order")
        };
        prop_assert_eq!((read.header.locate(), read.header.tracking()), (locate, tracking));
        prop_assert_eq!((read.header.timestamp(), read.order_ref()), (time, order_ref));
        prop_assert_eq!((read.shares(), read.stock(), read.price()), (shares, stock, price));
        prop_assert_eq!(read.side(), Ok(Side::Sell));
    }
}
