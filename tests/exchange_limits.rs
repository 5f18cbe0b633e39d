//! What a configuration says of firms, accounts and ports, and what an order that is beyond it is answered.

use engine::exchange::gauges::{self, Class};
use matching::Phase;
use rialto::flow::Ports as _;
use runtime::Machine as _;
use types::{AccountId, InstrumentId, Nanos};
use wire::ouch50::inbound::{EnterOrder, Head, MassCancel};
use wire::ouch50::{
    AppendageWriter, BboWeight, CrossType, Flag, MARKET_PRICE, RejectReason, Side, TagValue,
    outbound,
};

use crate::kit;
use crate::kit::exchange::{Rig, exchange};

const MIDNIGHT: Nanos = Nanos::from_secs(20_000 * 86_400);
/// 100.00, the reference of the one instrument.
const PAR: u64 = 1_000_000;

/// One firm with one port, and more of both.
fn config(firm: &str, port: &str, more: &str) -> String {
    format!(
        r#"
[[exchange]]
name = "RLX"

[[exchange.shard]]
name = "x0"
capacity = {{ orders = 1000 }}
orders = "127.0.0.1:26501"
line_a = "239.192.78.1:26511"
line_b = "239.192.78.2:26512"

[[exchange.instrument]]
symbols = ["ONE"]
reference = "100.00"

[[exchange.firm]]
name = "ALFA"
credit = 1000000
{firm}

[[exchange.port]]
user = "A1"
password = "x"
firms = ["ALFA"]
{port}

{more}
"#
    )
}

fn rig(config: &str) -> Rig {
    let mut rig = Rig::new(exchange(config), 0, MIDNIGHT);
    rig.log_in();
    // Without hours, trading has begun by now; with them it has not.
    rig.advance(second(1));
    rig
}

fn second(count: u64) -> Nanos {
    MIDNIGHT.saturating_add(Nanos::from_secs(count))
}

fn order(user_ref: u32, side: Side, quantity: u32, price: u64) -> EnterOrder {
    kit::order::order(user_ref, side, quantity, "ONE", price)
}

/// What a port is told at once when it enters an order.
fn ask(rig: &mut Rig, port: u16, order: &EnterOrder, options: &[TagValue]) -> Vec<Vec<u8>> {
    say(rig, port, &kit::order::bytes(order, options))
}

fn say(rig: &mut Rig, port: u16, message: &[u8]) -> Vec<Vec<u8>> {
    let before = rig.heard(port.into()).len();
    assert!(rig.send(port, message));
    rig.heard(port.into())[before..].to_vec()
}

/// The letters of messages.
fn letters(told: &[Vec<u8>]) -> String {
    told.iter().map(|message| char::from(message[0])).collect()
}

/// `None`: the order was accepted.
fn reject(told: &[Vec<u8>]) -> Option<RejectReason> {
    let answer = outbound::Message::parse(&told[0]).expect("an answer");
    if let outbound::Message::Rejected(m, _) = answer {
        return Some(m.reason().expect("a listed reason"));
    }
    assert_eq!(letters(&told[..1]), "A");
    None
}

#[test]
fn an_order_beyond_a_limit_of_its_port_or_its_firm_is_rejected_for_it() {
    use RejectReason as R;
    let buy = |price| order(1, Side::Buy, 100, price);
    let sell = |side| order(1, side, 100, PAR);
    let sweep = EnterOrder { intermarket_sweep: Flag::Yes.byte(), ..buy(PAR) };
    let cases = [
        // limits                            beyond                       within               reason
        ("qty = 99", buy(PAR), order(2, Side::Buy, 99, PAR), R::RiskMaxQuantity),
        ("notional = 9999", buy(PAR), buy(PAR - 100), R::RiskOrderNotional),
        ("collar_percent = 5", buy(1_050_100), buy(1_050_000), R::RiskMarketImpact),
        ("collar_amount = \"2.00\"", buy(1_020_100), buy(500_000), R::RiskMarketImpact),
        ("fat_finger_percent = 5", buy(949_900), buy(950_000), R::RiskFatFinger),
        ("fat_finger_amount = \"2.00\"", buy(979_900), buy(980_000), R::RiskFatFinger),
        (
            "fat_finger_amount = \"2.00\", fat_finger_percent = 1",
            buy(989_900),
            buy(990_000),
            R::RiskFatFinger,
        ),
        ("forbid = [\"market\"]", buy(MARKET_PRICE), buy(PAR), R::RiskMarketOrderNotAllowed),
        ("forbid = [\"sweep\"]", sweep, buy(PAR), R::RiskIsoNotAllowed),
        (
            "forbid = [\"market\", \"short\"]",
            sell(Side::SellShort),
            sell(Side::SellShortExempt),
            R::RiskShortSellNotAllowed,
        ),
        (
            "forbid = [\"short-exempt\"]",
            sell(Side::SellShortExempt),
            sell(Side::SellShort),
            R::RiskShortExemptNotAllowed,
        ),
    ];
    for (limits, beyond, within, reason) in cases {
        let limits = format!("limits = {{ {limits} }}");
        for text in [config(&limits, "", ""), config("", &limits, "")] {
            let mut rig = rig(&text);
            assert_eq!(reject(&ask(&mut rig, 0, &beyond, &[])), Some(reason), "{text}");
            let within = EnterOrder { user_ref: 2.into(), ..within };
            assert_eq!(reject(&ask(&mut rig, 0, &within, &[])), None, "{text}");
        }
    }
}

#[test]
fn what_is_denied_is_counted_by_the_kind_of_check() {
    let mut rig = rig(&config("restricted = [\"ONE\"]", "limits = { qty = 50 }", ""));
    for (user_ref, quantity) in [(1, 51), (2, 52), (3, 50)] {
        let told = ask(&mut rig, 0, &order(user_ref, Side::Buy, quantity, PAR), &[]);
        assert_ne!(reject(&told), None);
    }
    let mut places = [0; gauges::PLACES];
    rig.machine.counters(&mut places);
    let denied = gauges::denied(&places).filter(|(_, count)| *count != 0);
    assert_eq!(denied.collect::<Vec<_>>(), [(Class::Size, 2), (Class::List, 1)]);
    let rejected = gauges::place("rialto_exchange_rejected_total").expect("it is there");
    assert_eq!(places[rejected], 3);
}

#[test]
fn the_tighter_of_both_limits_counts() {
    let text = config("limits = { qty = 50 }", "limits = { qty = 100, collar_percent = 5 }", "");
    let mut rig = rig(&text);
    let cases = [
        (order(1, Side::Buy, 51, PAR), Some(RejectReason::RiskMaxQuantity)),
        (order(2, Side::Buy, 50, 1_060_000), Some(RejectReason::RiskMarketImpact)),
        (order(3, Side::Buy, 50, PAR), None),
    ];
    for (order, want) in cases {
        assert_eq!(reject(&ask(&mut rig, 0, &order, &[])), want);
    }
}

#[test]
fn what_a_firm_may_not_trade_or_sell_short_is_rejected_by_its_lists() {
    use RejectReason as R;
    let located = [TagValue::SharesLocated(Flag::Yes)];
    let (sale, exempt, buy) = (Side::SellShort, Side::SellShortExempt, Side::Buy);
    let easy = "must_locate = true\neasy_to_borrow = [\"ONE\"]";
    let cases: [(&str, Side, &[TagValue], Option<R>); 11] = [
        ("restricted = [\"ONE\"]", buy, &[], Some(R::RiskRestrictedStock)),
        ("short_restricted = [\"ONE\"]", sale, &located, Some(R::RiskShortSellRestricted)),
        ("short_restricted = [\"ONE\"]", exempt, &[], None),
        ("short_restricted = [\"ONE\"]", Side::Sell, &[], None),
        ("must_locate = true", sale, &[], Some(R::RiskLocateRequired)),
        ("must_locate = true", exempt, &[], Some(R::RiskLocateRequired)),
        ("must_locate = true", sale, &located, None),
        ("must_locate = true", Side::Sell, &[], None),
        (easy, sale, &[], None),
        ("easy_to_borrow = [\"ONE\"]", sale, &[], None),
        ("", sale, &[], None),
    ];
    for (firm, side, options, want) in cases {
        let mut rig = rig(&config(firm, "", ""));
        let told = ask(&mut rig, 0, &order(1, side, 100, PAR), options);
        assert_eq!(reject(&told), want, "{firm} {side:?}");
    }
}

#[test]
fn a_port_has_so_many_orders_in_a_second() {
    use RejectReason as R;
    let cases = [
        ("orders_per_second = 1", PAR - 100, R::RiskPortRate),
        ("orders_per_second_symbol = 1", PAR - 100, R::RiskSymbolRate),
        ("duplicates_per_second = 1", PAR, R::RiskDuplicateRate),
    ];
    for (limits, next, reason) in cases {
        let mut rig = rig(&config("", &format!("limits = {{ {limits} }}"), ""));
        assert_eq!(reject(&ask(&mut rig, 0, &order(1, Side::Buy, 100, PAR), &[])), None);
        let told = ask(&mut rig, 0, &order(2, Side::Buy, 100, next), &[]);
        assert_eq!(reject(&told), Some(reason), "{limits}");
        rig.advance(second(2));
        assert_eq!(reject(&ask(&mut rig, 0, &order(3, Side::Buy, 100, next), &[])), None);
    }
}

const PORTS: &str = r#"
[[exchange.firm]]
name = "BRVO"
credit = 1000000
"#;

/// A port of a firm: its line of `self_match`, and whatever else it is told.
fn port(user: &str, firm: &str, more: &str) -> String {
    format!(
        "[[exchange.port]]\nuser = '{user}'\npassword = 'x'\nfirms = ['{firm}']\nself_match = 'cancel-newest'\n{more}\n"
    )
}

#[test]
fn two_ports_of_one_account_share_its_credit() {
    let firm = "accounts = [{ name = \"SHARED\", credit = 15000 }]";
    let account = "account = \"SHARED\"";
    let more = port("A2", "ALFA", account) + &port("A3", "ALFA", "");
    let mut rig = rig(&config(firm, account, &more));
    let buy = order(1, Side::Buy, 100, PAR);
    assert_eq!(reject(&ask(&mut rig, 0, &buy, &[])), None);
    let exposure = Some(RejectReason::RiskAggregateExposure);
    assert_eq!(reject(&ask(&mut rig, 1, &buy, &[])), exposure, "the account has spent it");
    assert_eq!(reject(&ask(&mut rig, 2, &buy, &[])), None, "another account has the firm's");
    let risk = rig.machine.ports().risk();
    let spent = |account| risk.exposure(risk.account_line(AccountId::new(account))).raw();
    assert_eq!([0, 1].map(spent), [10_000 * 100_000_000; 2]);
}

#[test]
fn orders_of_one_owner_do_not_trade_with_each_other() {
    let shared = "accounts = [{ name = \"SHARED\" }]";
    let client = "accounts = [{ name = \"SHARED\", group = \"CLIENT\" }]";
    // Whether the order of A1 trades with one of A2, of the same account; of A3, of another of its firm; of B1,
    // of another firm.
    let cases = [
        (format!("self_match_by = \"account\"\n{shared}"), "", [false, true, true]),
        (shared.to_owned(), "", [false, false, true]),
        (format!("self_match_by = \"firm\"\n{shared}"), "", [false, false, true]),
        (
            format!("self_match_by = \"group\"\ngroup = \"OWNER\"\n{shared}"),
            "self_match_by = \"group\"\ngroup = \"OWNER\"",
            [false; 3],
        ),
        (
            format!("self_match_by = \"group\"\ngroup = \"OWNER\"\n{client}"),
            "self_match_by = \"group\"\ngroup = \"CLIENT\"",
            [false, true, false],
        ),
    ];
    for (firm, other, trades) in cases {
        for (rests, trades) in (1..).zip(trades) {
            let account = "account = \"SHARED\"";
            let more = format!("{PORTS}{other}\n")
                + &port("A2", "ALFA", account)
                + &port("A3", "ALFA", "")
                + &port("B1", "BRVO", "");
            let own = format!("self_match = \"cancel-newest\"\n{account}");
            let mut rig = rig(&config(&firm, &own, &more));
            assert_eq!(reject(&ask(&mut rig, rests, &order(1, Side::Sell, 100, PAR), &[])), None);
            let told = ask(&mut rig, 0, &order(1, Side::Buy, 100, PAR), &[]);
            let want = if trades { "AE" } else { "AD" };
            assert_eq!(letters(&told), want, "{firm} {other}, port {rests}");
        }
    }
}

#[test]
fn orders_of_a_group_are_for_its_account_and_are_cancelled_by_it() {
    let firm = "self_match_by = \"account\"\naccounts = [{ name = \"MAIN\" }, { name = \"CLIENT\", credit = 30000 }]";
    let own = "account = \"MAIN\"\ngroups = [{ id = 7, account = \"CLIENT\" }]\nself_match = \"cancel-newest\"";
    let mut rig = rig(&config(firm, own, ""));
    let client = [TagValue::GroupId(7)];
    assert_eq!(letters(&ask(&mut rig, 0, &order(1, Side::Sell, 100, PAR), &client)), "A");
    assert_eq!(letters(&ask(&mut rig, 0, &order(2, Side::Buy, 100, PAR), &client)), "AD");
    // Of another account, and told both of the fill.
    assert_eq!(letters(&ask(&mut rig, 0, &order(3, Side::Buy, 100, PAR), &[])), "AEE");
    assert_eq!(letters(&ask(&mut rig, 0, &order(4, Side::Buy, 100, PAR - 100), &client)), "A");
    assert_eq!(letters(&ask(&mut rig, 0, &order(5, Side::Buy, 100, PAR - 100), &[])), "A");
    let third = ask(&mut rig, 0, &order(6, Side::Buy, 102, PAR - 100), &client);
    assert_eq!(reject(&third), Some(RejectReason::RiskAggregateExposure));
    let cancel =
        MassCancel { header: Head::new(), user_ref: 7.into(), firm: *b"ALFA", symbol: [b' '; 8] };
    let (mut room, mut out) = ([0; 32], [0; 128]);
    let mut appendage = AppendageWriter::new(&mut room);
    appendage.push(client[0]).expect("room");
    let len = cancel.encode(appendage.finish(), &mut out).expect("room");
    let mut told = say(&mut rig, 0, &out[..len]);
    let heard = rig.heard(0).len();
    rig.advance(second(2));
    told.extend_from_slice(&rig.heard(0)[heard..]);
    assert_eq!(letters(&told), "XC");
    let outbound::Message::Canceled(m, _) = outbound::Message::parse(&told[1]).expect("an answer")
    else {
        panic!("a cancel");
    };
    assert_eq!(m.user_ref(), 4, "order 5 is of another account and stays");
    assert_eq!(rig.machine.ports().live(), 1);
}

#[test]
fn a_port_is_told_how_much_an_order_adds_where_it_asks_for_it() {
    for (key, want) in [("", None), ("bbo_weight = true", Some(BboWeight::SetQbbo))] {
        let mut rig = rig(&config("", key, ""));
        let told = ask(&mut rig, 0, &order(1, Side::Buy, 100, PAR), &[]);
        let answer = outbound::Message::parse(&told[0]).expect("an answer");
        let options = answer.appendage().strict().expect("its options");
        assert_eq!(options.bbo_weight(), want);
    }
}

/// Trading from second 10 to second 1000.
fn limited(luld: &str) -> String {
    let hours = "[exchange.hours]\npre_open = '00:00:02'\nopen = '00:00:10'\nclose = '00:16:40'\n";
    let more = format!("{hours}[exchange.luld]\n{luld}\n") + &port("A2", "ALFA", "");
    config("", "", &more).replace("reference =", "luld_tier = 1\nreference =")
}

#[test]
fn bands_are_doubled_near_the_open_and_the_close() {
    let luld = "doubled_after_open_s = 10\ndoubled_before_close_s = 20";
    let mut rig = rig(&limited(luld));
    let cases = [(11, true), (19, true), (21, false), (979, false), (981, true), (999, true)];
    for (user_ref, (at, is_doubled)) in (1..).zip(cases) {
        rig.advance(second(at));
        let told = ask(&mut rig, 0, &order(user_ref, Side::Buy, 1, 1_080_000), &[]);
        let want = (!is_doubled).then_some(RejectReason::InvalidPrice);
        assert_eq!(reject(&told), want, "second {at}");
    }
}

#[test]
fn a_limit_that_is_held_is_a_pause_of_the_length_that_is_said() {
    let luld = "limit_state_s = 2\npause_s = 30\ndoubled_before_close_s = 0";
    let mut rig = rig(&limited(luld));
    let phase =
        |rig: &Rig| rig.machine.ports().floor().phase(InstrumentId::new(0)).expect("it is there");
    rig.advance(second(20));
    let at_band = order(1, Side::Buy, 1, 1_050_000);
    assert_eq!(reject(&ask(&mut rig, 0, &at_band, &[])), None);
    let cases = [
        (21, Phase::Continuous),
        (23, Phase::Paused),
        (51, Phase::Paused),
        (53, Phase::Continuous),
    ];
    for (at, want) in cases {
        rig.advance(second(at));
        assert_eq!(phase(&rig), want, "second {at}");
    }
}

#[test]
fn orders_for_the_opening_cross_are_taken_until_they_can_be_relied_on() {
    let hours = "[exchange.hours]\npre_open = '00:00:02'\nopen = '00:00:10'\nclose = '00:16:40'\n\
                 market_on_open_until = '00:00:05'\nlimit_on_open_until = '00:00:08'";
    let mut rig = rig(&config("", "", hours));
    let at_open = |user_ref, price| EnterOrder {
        cross: CrossType::Opening.byte(),
        ..order(user_ref, Side::Buy, 100, price)
    };
    let late = Some(RejectReason::InvalidCrossOrder);
    let cases = [(4, MARKET_PRICE, None), (6, MARKET_PRICE, late), (7, PAR, None), (9, PAR, late)];
    for (user_ref, (at, price, want)) in (1..).zip(cases) {
        rig.advance(second(at));
        let told = ask(&mut rig, 0, &at_open(user_ref, price), &[]);
        assert_eq!(reject(&told), want, "second {at}");
    }
}
