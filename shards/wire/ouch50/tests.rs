//! Layouts against bytes written by hand, and the properties that hold for every message and option.

extern crate std;

use super::inbound::{self, AccountQuery, CancelOrder, EnterOrder, MassCancel, ReplaceOrder};
use super::outbound::{self, SystemEvent};
use super::*;
use crate::{Field, Full, Malformed};
use proptest::prelude::*;
use std::vec::Vec;

/// Bytes from hexadecimal digits, spaces between them ignored.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// The shortest lengths of the specification, typed off its tables, and whether an appendage follows.
const INBOUND: &[(u8, u16, Rule)] = &[
    (b'O', 47, Rule::Always),
    (b'U', 40, Rule::Always),
    (b'X', 9, Rule::MayBe),
    (b'M', 10, Rule::MayBe),
    (b'C', 19, Rule::Always),
    (b'D', 11, Rule::Always),
    (b'E', 11, Rule::Always),
    (b'Q', 1, Rule::MayBe),
];

const OUTBOUND: &[(u8, u16, Rule)] = &[
    (b'S', 10, Rule::Never),
    (b'A', 64, Rule::Always),
    (b'U', 68, Rule::Always),
    (b'C', 18, Rule::MayBe),
    (b'D', 32, Rule::MayBe),
    (b'E', 36, Rule::Always),
    (b'B', 36, Rule::MayBe),
    (b'J', 29, Rule::MayBe),
    (b'P', 13, Rule::MayBe),
    (b'I', 13, Rule::MayBe),
    (b'T', 30, Rule::MayBe),
    (b'M', 18, Rule::MayBe),
    (b'R', 16, Rule::Always),
    (b'X', 27, Rule::Always),
    (b'G', 19, Rule::Always),
    (b'K', 19, Rule::Always),
    (b'Q', 13, Rule::MayBe),
];

#[test]
fn a_type_has_the_length_of_the_specification() {
    let lengths = |table: &[(u8, u16, Rule)]| -> Vec<_> {
        table.iter().map(|(kind, len, _)| (*kind, *len)).collect()
    };
    let rules = |table: &[(u8, u16, Rule)]| -> Vec<_> {
        table.iter().map(|(kind, _, rule)| (*kind, *rule)).collect()
    };
    assert_eq!(inbound::MESSAGE_LENGTHS, lengths(INBOUND));
    assert_eq!(outbound::MESSAGE_LENGTHS, lengths(OUTBOUND));
    assert_eq!(inbound::every::RULES, rules(INBOUND));
    assert_eq!(outbound::every::RULES, rules(OUTBOUND));
    assert_eq!(ReplaceOrder::LEN + ReplaceOrder::TAKES.appendage_len(), 123);
    assert_eq!((inbound::LEN_MAX, APPENDAGE_MAX), (140, 144));
}

/// For every byte as a type and every length up to 80, whole zeros after the type: an appendage length
/// of zero wherever one stands.
fn only_the_right_lengths(table: &[(u8, u16, Rule)], parse: fn(&[u8]) -> Result<usize, Malformed>) {
    assert_eq!(parse(&[]), Err(Malformed::Empty));
    for kind in 0..=u8::MAX {
        for len in 1..=80_u16 {
            let mut bytes = [0; 80];
            bytes[0] = kind;
            let parsed = parse(&bytes[..len.into()]);
            let Some((_, want, rule)) = table.iter().find(|(listed, ..)| *listed == kind) else {
                assert_eq!(parsed, Err(Malformed::UnknownType { kind }));
                continue;
            };
            let case = (char::from(kind), len);
            if len == *want || (*rule == Rule::MayBe && len == want + 2) {
                assert_eq!(parsed, Ok(len.into()), "{case:?}");
            } else if len < *want || *rule == Rule::Never {
                let want = *want;
                assert_eq!(parsed, Err(Malformed::WrongLength { kind, want, len }), "{case:?}");
            } else if *rule == Rule::MayBe && len == want + 1 {
                let want = want + 2;
                assert_eq!(parsed, Err(Malformed::WrongLength { kind, want, len }), "{case:?}");
            } else {
                let start = want + if *rule == Rule::MayBe { 2 } else { 0 };
                let fault = Malformed::WrongAppendage { want: 0, len: len - start };
                assert_eq!(parsed, Err(fault), "{case:?}");
            }
        }
    }
}

#[test]
fn only_the_right_length_of_a_known_type_is_taken() {
    let mut out = [0; 80];
    let again = |len: Result<usize, Full>| len.unwrap();
    only_the_right_lengths(INBOUND, |bytes| {
        inbound::Message::parse(bytes).map(|message| message.encode(&mut [0; 80]).unwrap())
    });
    only_the_right_lengths(OUTBOUND, |bytes| {
        outbound::Message::parse(bytes).map(|message| message.encode(&mut [0; 80]).unwrap())
    });
    // A byte of an appendage that is not there.
    let message = hex("58 00000001 00000002 0003 021C");
    let fault = Malformed::WrongAppendage { want: 3, len: 2 };
    assert_eq!(inbound::Message::parse(&message), Err(fault));
    let query = AccountQuery { header: inbound::Head::new() };
    assert_eq!(again(query.encode(Appendage::EMPTY, &mut out)), 3);
    assert_eq!(query.encode(Appendage::EMPTY, &mut out[..2]), Err(Full));
    let event = SystemEvent { header: outbound::Head::new(0), event: b'S' };
    assert_eq!(again(event.encode(Appendage::EMPTY, &mut out)), SystemEvent::LEN);
}

/// Checks that the message's bytes are those written by hand, and that they read back as that message.
macro_rules! same {
    ($way:ident $head:expr; $name:ident { $($field:ident: $value:expr),* } $appendage:expr, $($hex:expr),+) => {{
        let view = $way::$name { header: $head, $($field: $value.into(),)* };
        let want = hex(&[$($hex),+].concat());
        let mut out = [0; 256];
        let len = view.encode($appendage, &mut out).unwrap();
        assert_eq!(out[..len], want, stringify!($name));
        assert_eq!($way::Message::parse(&want), Ok($way::Message::$name(&view, $appendage)));
        assert_eq!(view.check(), Ok(()), stringify!($name));
        view
    }};
}

#[test]
fn inbound_layouts() {
    let name = *b"CLIENT-ORDER-1";
    const NAME: &str = "434C49454E542D4F524445522D31";
    const AAPL: &str = "4141504C20202020";
    let m = same!(inbound inbound::Head::new(); EnterOrder {
        user_ref: 7, side: b'T', quantity: 300, symbol: *b"AAPL    ", price: 3_204_300_u64,
        time_in_force: b'6', display: b'A', capacity: b'R', intermarket_sweep: b'N', cross: b'N',
        cl_ord_id: name
    } Appendage::EMPTY, "4F 00000007 54 0000012C", AAPL, "000000000030E4CC 36 41 52 4E 4E", NAME, "0000");
    assert_eq!((m.user_ref(), m.side(), m.quantity()), (7, Ok(Side::SellShort), 300));
    assert_eq!((m.price(), m.time_in_force()), (3_204_300, Ok(TimeInForce::GoodTillTime)));
    assert_eq!((m.capacity(), m.cross()), (Ok(Capacity::Riskless), Ok(CrossType::Continuous)));
    let m = same!(inbound inbound::Head::new(); ReplaceOrder {
        orig_user_ref: 7, user_ref: 8, quantity: 9, price: MARKET_PRICE, time_in_force: b'3',
        display: b'N', intermarket_sweep: b'Y', cl_ord_id: name
    } Appendage::EMPTY, "55 00000007 00000008 00000009 000000007FFFFFFF 33 4E 59", NAME, "0000");
    assert_eq!((m.orig_user_ref(), m.user_ref(), is_market(m.price())), (7, 8, true));
    same!(inbound inbound::Head::new(); CancelOrder { user_ref: 7, quantity: 100 }
        Appendage::ABSENT, "58 00000007 00000064");
    same!(inbound inbound::Head::new(); ModifyOrder { user_ref: 7, side: b'E', quantity: 100 }
        Appendage::ABSENT, "4D 00000007 45 00000064");
    same!(inbound inbound::Head::new(); MassCancel { user_ref: 9, firm: *b"FIRM", symbol: *b"AAPL    " }
        Appendage::EMPTY, "43 00000009 4649524D", AAPL, "0000");
    same!(inbound inbound::Head::new(); DisableEntry { user_ref: 9, firm: *b"FIRM" }
        Appendage::EMPTY, "44 00000009 4649524D 0000");
    same!(inbound inbound::Head::new(); EnableEntry { user_ref: 9, firm: *b"FIRM" }
        Appendage::EMPTY, "45 00000009 4649524D 0000");
    same!(inbound inbound::Head::new(); AccountQuery {} Appendage::ABSENT, "51");
}

#[test]
fn outbound_layouts_of_orders() {
    let name = *b"CLIENT-ORDER-1";
    const NAME: &str = "434C49454E542D4F524445522D31";
    const AAPL: &str = "4141504C20202020";
    const TIME: &str = "00001A238D7DA801";
    let head = 28_740_000_000_001;
    same!(outbound outbound::Head::new(head); SystemEvent { event: b'S' } Appendage::ABSENT, "53", TIME, "53");
    let m = same!(outbound outbound::Head::new(head); Accepted {
        user_ref: 7, side: b'B', quantity: 300, symbol: *b"AAPL    ", price: 3_204_300_u64,
        time_in_force: b'5', display: b'Z', order_ref: 11_u64, capacity: b'A', intermarket_sweep: b'N',
        cross: b'N', state: b'D', cl_ord_id: name
    } Appendage::EMPTY, "41", TIME, "00000007 42 0000012C", AAPL, "000000000030E4CC 35 5A",
        "000000000000000B 41 4E 4E 44", NAME, "0000");
    assert_eq!((m.header.timestamp(), m.state()), (head, Ok(OrderState::Dead)));
    assert_eq!((m.display(), m.order_ref()), (Ok(Display::Conformant), 11));
    let m = same!(outbound outbound::Head::new(head); Replaced {
        orig_user_ref: 7, user_ref: 8, side: b'S', quantity: 300, symbol: *b"AAPL    ",
        price: 3_204_300_u64, time_in_force: b'E', display: b'Y', order_ref: 11_u64, capacity: b'P',
        intermarket_sweep: b'Y', cross: b'C', state: b'L', cl_ord_id: name
    } Appendage::EMPTY, "55", TIME, "00000007 00000008 53 0000012C", AAPL, "000000000030E4CC 45 59",
        "000000000000000B 50 59 43 4C", NAME, "0000");
    assert_eq!((m.orig_user_ref(), m.user_ref(), m.quantity()), (7, 8, 300));
    let m = same!(outbound outbound::Head::new(head); Canceled { user_ref: 7, quantity: 40, reason: b'e' }
        Appendage::ABSENT, "43", TIME, "00000007 00000028 65");
    assert_eq!(m.reason(), Ok(CancelReason::ExceedsOffering));
    let m = same!(outbound outbound::Head::new(head); AiqCanceled {
        user_ref: 7, decrement: 40, reason: b'Q', prevented: 30, price: 3_204_300_u64, liquidity: b'R',
        strategy: b'w'
    } Appendage::ABSENT, "44", TIME, "00000007 00000028 51 0000001E 000000000030E4CC 52 77");
    assert_eq!((m.decrement(), m.prevented()), (40, 30));
    assert_eq!(m.strategy(), Ok(AiqStrategy::CancelNewestOrg));
    let m = same!(outbound outbound::Head::new(head); Executed {
        user_ref: 7, quantity: 40, price: 3_204_300_u64, liquidity: b'k', match_number: 12_u64
    } Appendage::EMPTY, "45", TIME, "00000007 00000028 000000000030E4CC 6B 000000000000000C 0000");
    assert_eq!((m.liquidity(), m.match_number()), (Ok(Liquidity::AddedMidpoint), 12));
    same!(outbound outbound::Head::new(head); Broken {
        user_ref: 7, match_number: 12_u64, reason: b'C', cl_ord_id: name
    } Appendage::ABSENT, "42", TIME, "00000007 000000000000000C 43", NAME);
    let m = same!(outbound outbound::Head::new(head); Rejected { user_ref: 7, reason: 0x002F, cl_ord_id: name }
        Appendage::ABSENT, "4A", TIME, "00000007 002F", NAME);
    assert_eq!(m.reason(), Ok(RejectReason::RiskShortExemptNotAllowed));
}

#[test]
fn outbound_layouts_of_the_rest() {
    const TIME: &str = "00001A238D7DA801";
    let head = 28_740_000_000_001;
    same!(outbound outbound::Head::new(head); CancelPending { user_ref: 7 }
        Appendage::ABSENT, "50", TIME, "00000007");
    same!(outbound outbound::Head::new(head); CancelReject { user_ref: 7 }
        Appendage::ABSENT, "49", TIME, "00000007");
    let m = same!(outbound outbound::Head::new(head); PriorityUpdate {
        user_ref: 7, price: 3_204_300_u64, display: b'N', order_ref: 11_u64
    } Appendage::ABSENT, "54", TIME, "00000007 000000000030E4CC 4E 000000000000000B");
    assert_eq!((m.price(), m.order_ref()), (3_204_300, 11));
    same!(outbound outbound::Head::new(head); Modified { user_ref: 7, side: b'T', quantity: 100 }
        Appendage::ABSENT, "4D", TIME, "00000007 54 00000064");
    let m = same!(outbound outbound::Head::new(head); Restated { user_ref: 7, reason: b'P' }
        Appendage::EMPTY, "52", TIME, "00000007 50 0000");
    assert_eq!(m.reason(), Ok(RestateReason::DisplayedPrice));
    same!(outbound outbound::Head::new(head); MassCancelResponse { user_ref: 9, firm: *b"FIRM", symbol: [b' '; 8] }
        Appendage::EMPTY, "58", TIME, "00000009 4649524D 2020202020202020 0000");
    same!(outbound outbound::Head::new(head); DisableResponse { user_ref: 9, firm: *b"FIRM" }
        Appendage::EMPTY, "47", TIME, "00000009 4649524D 0000");
    same!(outbound outbound::Head::new(head); EnableResponse { user_ref: 9, firm: *b"FIRM" }
        Appendage::EMPTY, "4B", TIME, "00000009 4649524D 0000");
    same!(outbound outbound::Head::new(head); AccountQueryResponse { next_user_ref: 10 }
        Appendage::ABSENT, "51", TIME, "0000000A");
}

#[test]
fn lists_are_those_of_the_specification() {
    macro_rules! letters {
        ($($list:ident $want:literal)*) => {$(
            let got: Vec<u8> = $list::ALL.iter().map(|code| code.byte()).collect();
            assert_eq!(got, $want, stringify!($list));
        )*};
    }
    letters! {
        Side b"BSTE" TimeInForce b"0356E" Display b"YNAZ" Capacity b"APRO" Flag b"YN"
        CrossType b"NOCHSREA" EventCode b"SE" OrderState b"LD" CancelReason b"DEFGHIKQSTUXZe"
        BrokenReason b"ECSX" RestateReason b"RP" Liquidity b"AROMCLHKi0JukmNne78j1pqrt"
        AiqStrategy b"OWDYowdy" PriceType b"LPMRQm" DiscretionType b"LPMR" CustomerType b"RN " PostOnly b"PN"
        TradeNow b"YN " HandleInst b" IOTQRBD" BboWeight b" 0123SN"
    }
    for number in 0..=u16::MAX {
        let reason = RejectReason::from_number(number);
        let listed = matches!(number, 0x0001..=0x0033 | 0x0040);
        assert_eq!(reason.is_ok_and(|reason| reason.number() == number), listed, "{number:#06x}");
        let is_risk = reason.is_ok_and(RejectReason::is_risk);
        assert_eq!(is_risk, matches!(number, 0x0020..=0x0033), "{number:#06x}");
    }
    let unknown = Malformed::UnknownNumber { field: Field::OrderReject, number: 0x34 };
    assert_eq!(RejectReason::from_number(0x34), Err(unknown));
    let numbers: Vec<u8> = Tag::ALL.iter().map(|tag| tag.byte()).collect();
    let listed: Vec<u8> = (1..=7).chain(9..=18).chain(22..=30).chain(0xF0..=0xF1).collect();
    assert_eq!(numbers, listed);
}

#[test]
fn a_field_that_is_not_listed_is_named() {
    let mut message = hex("58 00000001 00000002");
    assert_eq!(inbound::Message::parse(&message).unwrap().check(), Ok(()));
    message = hex("4D 00000001 42 00000002");
    for (side, want) in
        [(b'B', Ok(())), (b'b', Err(Malformed::UnknownCode { field: Field::Side, code: b'b' }))]
    {
        message[5] = side;
        assert_eq!(inbound::Message::parse(&message).unwrap().check(), want);
    }
}

/// Every option as bytes by hand: length, tag, value.
fn options() -> Vec<(TagValue, &'static str)> {
    use TagValue as V;
    Vec::from([
        (V::SecondaryOrdRefNum(0x0102_0304_0506_0708), "09 01 0102030405060708"),
        (V::Firm(*b"FIRM"), "05 02 4649524D"),
        (V::MinQty(100), "05 03 00000064"),
        (V::CustomerType(CustomerType::Retail), "02 04 52"),
        (V::MaxFloor(200), "05 05 000000C8"),
        (V::PriceType(PriceType::Midpoint), "02 06 6D"),
        (V::PegOffset(-2), "05 07 FFFFFFFE"),
        (V::DiscretionPrice(PRICE_MAX), "09 09 000000007735939C"),
        (V::DiscretionPriceType(DiscretionType::MarketPeg), "02 0A 50"),
        (V::DiscretionPegOffset(100), "05 0B 00000064"),
        (V::PostOnly(PostOnly::PostOnly), "02 0C 50"),
        (V::RandomReserves(10), "05 0D 0000000A"),
        (V::Route(*b"SCAN"), "05 0E 5343414E"),
        (V::ExpireTime(86_399), "05 0F 0001517F"),
        (V::TradeNow(TradeNow::Yes), "02 10 59"),
        (V::HandleInst(HandleInst::ImbalanceOnly), "02 11 49"),
        (V::BboWeight(BboWeight::To02), "02 12 30"),
        (V::DisplayQuantity(100), "05 16 00000064"),
        (V::DisplayPrice(1), "09 17 0000000000000001"),
        (V::GroupId(0x0102), "03 18 0102"),
        (V::SharesLocated(Flag::Yes), "02 19 59"),
        (V::LocateBroker(*b"BRKR"), "05 1A 42524B52"),
        (V::Side(Side::SellShortExempt), "02 1B 45"),
        (V::UserRefIdx(5), "02 1C 05"),
        (V::AiqStrategy(AiqStrategy::DecrementBothMpid), "02 1D 44"),
        (V::AiqGroupId(*b"G1"), "03 1E 4731"),
        (V::StopPrice(1_234_500), "09 F0 000000000012D644"),
        (V::MarketToLimit(Flag::Yes), "02 F1 59"),
    ])
}

#[test]
fn each_option_is_written_and_read() {
    let mut all = Vec::new();
    let mut out = [0; APPENDAGE_MAX];
    let mut writer = AppendageWriter::new(&mut out);
    for ((value, text), tag) in options().into_iter().zip(Tag::ALL) {
        assert_eq!(value.tag(), *tag);
        let bytes = hex(text);
        let mut one = [0; 10];
        for room in 0..bytes.len() {
            let mut cramped = AppendageWriter::new(&mut one[..room]);
            assert_eq!(cramped.push(value), Err(Unappended::Full));
            assert_eq!(cramped.finish(), Appendage::ABSENT);
        }
        let mut single = AppendageWriter::new(&mut one);
        assert_eq!(single.push(value), Ok(()));
        assert_eq!(single.push(value), Err(Unappended::Repeated));
        let read = single.finish().strict().unwrap();
        assert_eq!(read.appendage().as_bytes(), bytes, "{value:?}");
        assert_eq!((read.find(*tag), read.tags()), (Some(value), Tags::of(&[*tag])));
        assert_eq!(bytes.len(), 2 + tag.width());
        assert_eq!(writer.push(value), Ok(()));
        all.extend(bytes);
    }
    let appendage = writer.finish();
    assert_eq!(appendage.as_bytes(), all);
    assert_eq!(all.len(), APPENDAGE_MAX);
    let read = appendage.strict().unwrap();
    assert_eq!(read.tags(), Tags::ALL);
    assert!(read.iter().eq(options().into_iter().map(|(value, _)| value)));
    assert_eq!(
        (read.firm(), read.min_qty(), read.peg_offset()),
        (Some(*b"FIRM"), Some(100), Some(-2))
    );
    assert_eq!((read.channel(), read.expire_time_s()), (5, Some(86_399)));
    let none = Appendage::ABSENT.strict().unwrap();
    assert_eq!((none.channel(), none.firm(), none.tags()), (0, None, Tags::NONE));
}

/// An appendage of these bytes, as it stands behind an account query.
fn behind_a_query(options: &[u8], message: &mut Vec<u8>) {
    message.push(b'Q');
    message.extend((options.len() as u16).to_be_bytes());
    message.extend(options);
}

#[test]
fn each_fault_of_an_appendage_is_its_own() {
    use Malformed as M;
    let cases = [
        // options                      strict                            lenient: tags or fault
        ("", Ok(Tags::NONE), Ok(Tags::NONE)),
        ("02 1C 05", Ok(Tags::of(&[Tag::UserRefIdx])), Ok(Tags::of(&[Tag::UserRefIdx]))),
        ("02", Err(M::CutOption { offset: 0 }), Err(M::CutOption { offset: 0 })),
        ("05 02 464952", Err(M::CutOption { offset: 0 }), Err(M::CutOption { offset: 0 })),
        ("02 1C 05 05 02", Err(M::CutOption { offset: 3 }), Err(M::CutOption { offset: 3 })),
        ("00", Err(M::UntaggedOption { offset: 0 }), Err(M::UntaggedOption { offset: 0 })),
        (
            "02 1C 05 00 02",
            Err(M::UntaggedOption { offset: 3 }),
            Err(M::UntaggedOption { offset: 3 }),
        ),
        ("02 08 00", Err(M::UnknownOption { tag: 8 }), Ok(Tags::NONE)),
        ("01 13", Err(M::UnknownOption { tag: 19 }), Ok(Tags::NONE)),
        ("02 63 01 02 1C 05", Err(M::UnknownOption { tag: 99 }), Ok(Tags::of(&[Tag::UserRefIdx]))),
        (
            "03 1C 05 06",
            Err(M::WrongOption { tag: 28, want: 1, len: 2 }),
            Err(M::WrongOption { tag: 28, want: 1, len: 2 }),
        ),
        (
            "01 02",
            Err(M::WrongOption { tag: 2, want: 4, len: 0 }),
            Err(M::WrongOption { tag: 2, want: 4, len: 0 }),
        ),
        (
            "02 1C 05 02 1C 05",
            Err(M::RepeatedOption { tag: 28 }),
            Err(M::RepeatedOption { tag: 28 }),
        ),
        (
            "02 06 58",
            Err(M::UnknownCode { field: Field::OrderPriceType, code: b'X' }),
            Err(M::UnknownCode { field: Field::OrderPriceType, code: b'X' }),
        ),
    ];
    for (text, strict, lenient) in cases {
        let mut message = Vec::new();
        behind_a_query(&hex(text), &mut message);
        let appendage = inbound::Message::parse(&message).unwrap().appendage();
        assert!(appendage.is_present());
        assert_eq!(appendage.strict().map(Options::tags), strict, "{text}");
        assert_eq!(appendage.lenient().map(Options::tags), lenient, "{text}");
    }
}

#[test]
fn options_that_a_message_does_not_take_are_named() {
    let cases = [
        (EnterOrder::TAKES, "02 1C 05 05 02 4649524D", None),
        (EnterOrder::TAKES, "02 12 30 02 1C 05", Some(Tag::BboWeight)),
        (ReplaceOrder::TAKES, "05 02 4649524D", Some(Tag::Firm)),
        (ReplaceOrder::TAKES, "02 1B 42", None),
        (CancelOrder::TAKES, "02 1C 05", None),
        (CancelOrder::TAKES, "02 19 59", Some(Tag::SharesLocated)),
        (MassCancel::TAKES, "03 18 0001", None),
        (EnterOrder::TAKES, "02 F1 59", Some(Tag::MarketToLimit)),
        (EnterOrder::TAKES.or(Tags::EXTENSIONS), "02 F1 59", None),
    ];
    for (takes, text, want) in cases {
        let mut message = Vec::new();
        behind_a_query(&hex(text), &mut message);
        let parsed = inbound::Message::parse(&message).unwrap();
        let options = parsed.appendage().strict().unwrap();
        assert_eq!(options.tags().beyond(takes), want, "{text}");
    }
}

#[test]
fn a_message_adds_a_number_to_its_channel_or_none() {
    let numbers = |text: &str| {
        let bytes = hex(text);
        inbound::Message::parse(&bytes).unwrap().new_user_ref()
    };
    assert_eq!(numbers("44 00000009 4649524D 0000"), Some(9));
    assert_eq!(numbers("58 00000007 00000064"), None);
    assert_eq!(numbers("51"), None);
    assert_eq!((is_market(PRICE_MAX), is_market(MARKET_PRICE), is_market(0)), (false, true, false));
}

/// A value of that tag, the first that the bytes give or the nearest after it.
fn value(tag: Tag, mut bytes: [u8; 8]) -> TagValue {
    loop {
        if let Ok(value) = TagValue::read(tag, &bytes[..tag.width()]) {
            return value;
        }
        bytes[0] = bytes[0].wrapping_add(1);
    }
}

/// Any options, each at most once, in any order.
fn any_options() -> impl Strategy<Value = Vec<TagValue>> {
    let tags = prop::sample::subsequence(Tag::ALL.to_vec(), 0..=Tag::ALL.len()).prop_shuffle();
    (tags, any::<[[u8; 8]; 28]>()).prop_map(|(tags, bytes)| {
        tags.into_iter().zip(bytes).map(|(tag, bytes)| value(tag, bytes)).collect()
    })
}

proptest! {
    #[test]
    fn any_message_with_any_options_is_written_read_and_written_again(
        inward: bool, kind in 0..17_usize, fixed: [u8; 68], values in any_options(), present: bool,
    ) {
        let table = if inward { INBOUND } else { OUTBOUND };
        let (kind, len, rule) = table[kind % table.len()];
        let mut fixed = fixed;
        fixed[0] = kind;
        let mut room = [0; APPENDAGE_MAX];
        let mut writer = AppendageWriter::new(&mut room);
        for value in &values {
            writer.push(*value).unwrap();
        }
        let appendage = match writer.finish() {
            Appendage::ABSENT if present => Appendage::EMPTY,
            appendage => appendage,
        };
        let (mut out, mut again) = ([0; 256], [0; 256]);
        let (written, got, twice) = if inward {
            let written = inbound::every::made_of(&fixed, appendage, &mut out);
            let message = inbound::Message::parse(&out[..written]).unwrap();
            prop_assert_eq!(message.header().kind(), kind);
            (written, message.appendage(), message.encode(&mut again).unwrap())
        } else {
            let written = outbound::every::made_of(&fixed, appendage, &mut out);
            let message = outbound::Message::parse(&out[..written]).unwrap();
            prop_assert_eq!(message.header().kind(), kind);
            (written, message.appendage(), message.encode(&mut again).unwrap())
        };
        prop_assert_eq!(&out[..written], &again[..twice]);
        let options = got.strict().unwrap();
        if rule == Rule::Never {
            prop_assert_eq!((written, got), (usize::from(len), Appendage::ABSENT));
        } else {
            prop_assert!(options.iter().eq(values.iter().copied()));
            prop_assert_eq!(got.as_bytes(), appendage.as_bytes());
            prop_assert_eq!(got.is_present(), rule == Rule::Always || appendage.is_present());
        }
        prop_assert_eq!(got.lenient(), Ok(options));
    }

    #[test]
    fn whatever_parses_is_given_back(kind in 0..17_usize, bytes in proptest::collection::vec(any::<u8>(), 1..120)) {
        for (table, inward) in [(INBOUND, true), (OUTBOUND, false)] {
            let (kind, len, rule) = table[kind % table.len()];
            let mut bytes = bytes.clone();
            bytes[0] = kind;
            // With the right appendage length, so that all that are long enough are taken.
            let start = usize::from(len) + if rule == Rule::MayBe { 2 } else { 0 };
            if let (Some(options), true) = (bytes.len().checked_sub(start), rule != Rule::Never) {
                let length = (options as u16).to_be_bytes();
                bytes[start - 2..start].copy_from_slice(&length);
            }
            let mut out = [0; 256];
            let again = if inward {
                inbound::Message::parse(&bytes).map(|message| message.encode(&mut out).unwrap())
            } else {
                outbound::Message::parse(&bytes).map(|message| message.encode(&mut out).unwrap())
            };
            if let Ok(again) = again {
                prop_assert_eq!(&out[..again], &bytes[..]);
            } else {
                prop_assert!(bytes.len() < start || rule == Rule::Never);
            }
        }
    }

    #[test]
    fn options_end_and_agree_whatever_the_bytes(bytes in proptest::collection::vec(0..40_u8, 0..60)) {
        let mut message = Vec::new();
        behind_a_query(&bytes, &mut message);
        let appendage = inbound::Message::parse(&message).unwrap().appendage();
        let values: Vec<_> = appendage.values().collect();
        prop_assert!(values.len() <= bytes.len());
        prop_assert_eq!(appendage.strict().is_ok(), values.iter().all(Result::is_ok));
        if let Ok(options) = appendage.strict() {
            let mut room = [0; APPENDAGE_MAX];
            let mut writer = AppendageWriter::new(&mut room);
            for value in options.iter() {
                writer.push(value).unwrap();
            }
            prop_assert_eq!(writer.finish().as_bytes(), &bytes[..]);
        }
    }
}
