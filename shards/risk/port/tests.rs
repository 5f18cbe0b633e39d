//! Each check at its edge, the order of checks, and exposure beside a list of orders and trades.

extern crate std;

use std::vec::Vec;

use proptest::prelude::*;
use types::{AccountId, FirmId, InstrumentId, Nanos, PortId, Px, Side};

use super::{
    Denied, Entry, FirmLimits, Hours, Kind, Kinds, Limits, List, NoRoom, PortLimits, PortRisk,
    Reserved, Room, Short, Whose,
};
use crate::lease::{BranchId, Home, Marks};
use crate::{Distance, Notional, Rate};

const ROOM: Room = Room {
    ports: 2,
    firms: 2,
    accounts: 3,
    instruments: 8,
    symbol_rate_ports: 1,
    repeats_per_port: 64,
};
const PORT: PortId = PortId::new(0);
const FIRM: FirmId = FirmId::new(0);
const ACCOUNT: AccountId = AccountId::new(0);
const NOW: Nanos = Nanos::new(1_000);

const BUY: Entry = Entry {
    instrument: InstrumentId::new(3),
    side: Side::Buy,
    short: Short::No,
    is_located: false,
    is_sweep: false,
    is_offering: false,
    hours: Hours::Regular,
    qty: 100,
    px: Some(Px::from_raw(1_000)),
    reference: Some(Px::from_raw(1_000)),
};
const SELL: Entry = Entry { side: Side::Sell, ..BUY };
const SHORT: Entry = Entry { short: Short::Sale, ..SELL };
const MARKET: Entry = Entry { px: None, ..BUY };

fn at(px: i64, entry: Entry) -> Entry {
    Entry { px: Some(Px::from_raw(px)), ..entry }
}

fn amount(raw: u128) -> Notional {
    Notional::from_raw(raw)
}

fn check(risk: &mut PortRisk, entry: &Entry) -> Result<Reserved, Denied> {
    risk.check(NOW, PORT, FIRM, ACCOUNT, entry)
}

/// The answer under these limits, of the port or of the firm: it must be the same.
fn under(limits: Limits, entry: &Entry) -> Result<(), Denied> {
    let mut by_port = PortRisk::new(ROOM);
    let order = PortLimits { order: limits, ..PortLimits::default() };
    assert_eq!(by_port.set_port(PORT, &order), Ok(()));
    let mut by_firm = PortRisk::new(ROOM);
    let order = FirmLimits { order: limits, ..FirmLimits::default() };
    assert_eq!(by_firm.set_firm(FIRM, &order), Ok(()));
    let got = check(&mut by_port, entry).map(|_| ());
    assert_eq!(check(&mut by_firm, entry).map(|_| ()), got, "{entry:?}");
    if let Err(why) = got {
        assert_eq!(by_port.denials().of(why), 1);
        assert_eq!(by_port.exposure(by_port.account_line(ACCOUNT)), Notional::ZERO);
    }
    got
}

#[test]
fn limits_of_one_order_at_their_edges() {
    let none = Limits::default();
    let collar = Limits { collar: Distance::of_bps(1_000), ..none };
    let finger = Limits { fat_finger: Distance::of_amount(Px::from_raw(200)), ..none };
    let worth = Limits { notional_max: amount(100_000), ..none };
    let both = Limits { notional_max: amount(100_000), ..collar };
    let unknown = Entry { reference: None, ..BUY };
    let cases = [
        // limits                           entry                 want
        (none, BUY, Ok(())),
        (none, unknown, Ok(())),
        (none, MARKET, Ok(())),
        (none, Entry { reference: None, ..MARKET }, Err(Denied::NoReference)),
        (none, Entry { instrument: InstrumentId::new(8), ..BUY }, Err(Denied::Instrument)),
        (Limits { qty_max: 100, ..none }, BUY, Ok(())),
        (Limits { qty_max: 99, ..none }, BUY, Err(Denied::Quantity)),
        (worth, BUY, Ok(())),
        (worth, at(1_001, BUY), Err(Denied::OrderNotional)),
        (worth, at(900, SELL), Ok(())),
        (worth, MARKET, Ok(())),
        (both, MARKET, Err(Denied::OrderNotional)), // the collar is added
        (collar, at(1_100, BUY), Ok(())),
        (collar, at(1_101, BUY), Err(Denied::Collar)),
        (collar, at(1, BUY), Ok(())),
        (collar, at(900, SELL), Ok(())),
        (collar, at(899, SELL), Err(Denied::Collar)),
        (collar, at(9_000, SELL), Ok(())),
        (collar, unknown, Err(Denied::NoReference)),
        (finger, at(1_200, BUY), Ok(())),
        (finger, at(1_201, BUY), Err(Denied::FatFinger)),
        (finger, at(799, BUY), Err(Denied::FatFinger)),
        (finger, at(1_201, SELL), Err(Denied::FatFinger)),
        (finger, at(799, SELL), Err(Denied::FatFinger)),
        (finger, unknown, Err(Denied::NoReference)),
    ];
    for (limits, entry, want) in cases {
        assert_eq!(under(limits, &entry), want, "{limits:?} {entry:?}");
    }
}

#[test]
fn kinds_that_are_forbidden() {
    let exempt = Entry { short: Short::Exempt, ..SELL };
    let offering = Entry { is_offering: true, ..MARKET };
    let cases = [
        // forbidden              of that kind                              of another  want
        (Kind::Market, MARKET, BUY, Denied::MarketOrder),
        (Kind::Short, SHORT, exempt, Denied::ShortSale),
        (Kind::ShortExempt, exempt, SHORT, Denied::ShortExempt),
        (Kind::Sweep, Entry { is_sweep: true, ..BUY }, BUY, Denied::Sweep),
        (Kind::PreMarket, Entry { hours: Hours::PreMarket, ..BUY }, BUY, Denied::PreMarket),
        (Kind::PostMarket, Entry { hours: Hours::PostMarket, ..BUY }, BUY, Denied::PostMarket),
        (
            Kind::OfferingMarketBuy,
            offering,
            Entry { side: Side::Sell, ..offering },
            Denied::OfferingMarketBuy,
        ),
    ];
    for (kind, of_it, of_another, why) in cases {
        let limits = Limits { forbidden: Kinds::NONE.and(kind), ..Limits::default() };
        assert_eq!(under(limits, &of_it), Err(why));
        assert_eq!(under(limits, &of_another), Ok(()), "{kind:?}");
        assert_eq!(under(Limits::default(), &of_it), Ok(()));
    }
}

#[test]
fn lists_are_the_firms() {
    let located = Entry { is_located: true, ..SHORT };
    let exempt = Entry { short: Short::Exempt, ..SHORT };
    let cases = [
        // list, must locate                       entry    want
        (Some(List::Restricted), false, BUY, Err(Denied::Restricted)),
        (Some(List::ShortRestricted), false, SHORT, Err(Denied::ShortRestricted)),
        (Some(List::ShortRestricted), false, SELL, Ok(())),
        (Some(List::ShortRestricted), false, exempt, Ok(())),
        (Some(List::EasyToBorrow), true, SHORT, Ok(())),
        (None, true, SHORT, Err(Denied::Locate)),
        (None, true, exempt, Err(Denied::Locate)),
        (None, true, located, Ok(())),
        (None, true, SELL, Ok(())),
        (None, false, SHORT, Ok(())),
    ];
    for (list, must_locate, entry, want) in cases {
        let mut risk = PortRisk::new(ROOM);
        let limits = FirmLimits { must_locate, ..FirmLimits::default() };
        assert_eq!(risk.set_firm(FIRM, &limits), Ok(()));
        if let Some(set) = list.and_then(|list| risk.list_mut(FIRM, list)) {
            assert!(set.insert(entry.instrument));
        }
        assert_eq!(check(&mut risk, &entry).map(|_| ()), want, "{list:?} {entry:?}");
        let other = risk.check(NOW, PORT, FirmId::new(1), ACCOUNT, &entry);
        assert!(other.is_ok(), "another firm's: {other:?}");
    }
}

#[test]
fn kill_switches_reach_as_far_as_they_say() {
    let (other_port, other_firm) = (PortId::new(1), FirmId::new(1));
    let cases = [
        // whose                 here                        other port                  other firm
        (Whose::Venue, Some(Denied::VenueStopped), Some(Denied::VenueStopped), true),
        (Whose::Firm(FIRM), Some(Denied::FirmStopped), Some(Denied::FirmStopped), false),
        (Whose::Port(PORT), Some(Denied::PortStopped), None, true),
    ];
    for (whose, here, there, stops_other_firm) in cases {
        let mut risk = PortRisk::new(ROOM);
        let mut live = check(&mut risk, &BUY).expect("nobody is stopped");
        assert_eq!(risk.stop(whose, true), Ok(()));
        assert_eq!(check(&mut risk, &BUY).err(), here);
        assert_eq!(risk.replace(NOW, PORT, &mut live, &BUY).err(), here);
        assert_eq!(risk.check(NOW, other_port, FIRM, ACCOUNT, &BUY).err(), there);
        let other = risk.check(NOW, PORT, other_firm, ACCOUNT, &BUY);
        assert_eq!(other.is_err(), stops_other_firm, "{whose:?}");
        risk.release(&mut live, 100);
        assert_eq!(live.amount(), Notional::ZERO, "what is live can always be cancelled");
        assert_eq!(risk.stop(whose, false), Ok(()));
        assert!(check(&mut risk, &BUY).is_ok());
    }
}

#[test]
fn rates_count_what_is_denied_and_are_each_ports_own() {
    let two = Rate::new(2, Nanos::new(200));
    let other = Entry { instrument: InstrumentId::new(4), ..BUY };
    let large = Entry { qty: 200, ..BUY };
    let cases = [
        // port   symbol duplicate   entries, and which is denied why
        (two, None, None, [BUY, other, BUY], Denied::PortRate),
        (two, None, None, [large, large, BUY], Denied::PortRate),
        (None, two, None, [BUY, BUY, BUY], Denied::SymbolRate),
        (None, None, two, [BUY, BUY, BUY], Denied::Duplicate),
    ];
    for (rate, symbol_rate, duplicate_rate, entries, why) in cases {
        let mut risk = PortRisk::new(ROOM);
        let order = Limits { qty_max: 100, ..Limits::default() };
        let limits = PortLimits { order, rate, symbol_rate, duplicate_rate };
        assert_eq!(risk.set_port(PORT, &limits), Ok(()));
        let got: Vec<_> = entries.iter().map(|entry| check(&mut risk, entry).err()).collect();
        assert_eq!(got[2], Some(why), "{got:?}");
        assert!(!got[..2].contains(&Some(why)), "{got:?}");
        assert_eq!(check(&mut risk, &other).is_err(), why == Denied::PortRate, "another symbol");
        assert!(risk.check(NOW, PortId::new(1), FIRM, ACCOUNT, &BUY).is_ok(), "another port");
        let later = risk.check(Nanos::new(1_200), PORT, FIRM, ACCOUNT, &BUY);
        assert!(later.is_ok(), "{later:?}");
        assert_eq!(risk.forgotten(), 0);
    }
}

#[test]
fn commands_without_room_have_no_effect() {
    let mut risk = PortRisk::new(ROOM);
    let rated = PortLimits { symbol_rate: Rate::new(1, Nanos::new(9)), ..PortLimits::default() };
    assert_eq!(risk.set_port(PORT, &rated), Ok(()));
    assert_eq!(risk.set_port(PORT, &rated), Ok(()), "it has its row");
    assert_eq!(risk.set_port(PortId::new(1), &rated), Err(NoRoom::SymbolRates));
    assert_eq!(risk.set_port(PortId::new(2), &rated), Err(NoRoom::Unknown));
    assert_eq!(risk.stop(Whose::Firm(FirmId::new(2)), true), Err(NoRoom::Unknown));
    let (line, none) = (risk.firm_line(FIRM), risk.firm_line(FirmId::new(2)));
    let marks = Marks { low: amount(1), high: amount(2) };
    assert_eq!(risk.set_credit(none, Notional::ZERO), Err(NoRoom::Unknown));
    assert_eq!(risk.begin_lease(none, marks), Err(NoRoom::Unknown));
    assert_eq!(risk.begin_lease(line, marks), Ok(()));
    assert_eq!(risk.lease(line, 2, marks), Err(NoRoom::Leased));
    assert_eq!(risk.set_credit(line, Notional::MAX), Err(NoRoom::Leased));
    for (port, firm, account) in [(2, 0, 0), (0, 2, 0), (0, 0, 3)] {
        let (port, firm) = (PortId::new(port), FirmId::new(firm));
        let got = risk.check(NOW, port, firm, AccountId::new(account), &BUY);
        assert_eq!(got, Err(Denied::Unknown));
    }
}

#[test]
fn credit_is_the_accounts_and_the_firms() {
    let mut risk = PortRisk::new(ROOM);
    let (account, firm) = (risk.account_line(ACCOUNT), risk.firm_line(FIRM));
    assert_eq!(risk.set_credit(account, amount(250_000)), Ok(()));
    assert_eq!(risk.set_credit(firm, amount(300_000)), Ok(()));
    let mut first = check(&mut risk, &BUY).expect("100,000 of 250,000");
    let mut second = check(&mut risk, &BUY).expect("200,000 of 250,000");
    assert_eq!(check(&mut risk, &BUY), Err(Denied::Exposure), "the account's");
    let other = |risk: &mut PortRisk, entry| risk.check(NOW, PORT, FIRM, AccountId::new(1), entry);
    let third = other(&mut risk, &BUY).expect("300,000 of the firm's 300,000");
    assert_eq!(other(&mut risk, &at(1, BUY)), Err(Denied::Exposure), "the firm's");
    assert_eq!(risk.exposure(risk.account_line(AccountId::new(1))), third.amount());

    risk.fill(&mut first, 60, Px::from_raw(900));
    assert_eq!(first.amount(), amount(40_000));
    assert_eq!((risk.exposure(account), risk.executed(account)), (amount(194_000), amount(54_000)));
    let smaller = risk.replace(NOW, PORT, &mut second, &Entry { qty: 50, ..BUY });
    assert_eq!(risk.exposure(account), amount(144_000));
    risk.keep(&mut second, smaller.expect("less is always there"));
    assert_eq!(risk.exposure(account), amount(194_000), "the book refused it");
    let larger = risk.replace(NOW, PORT, &mut second, &Entry { qty: 107, ..BUY });
    assert_eq!(larger, Err(Denied::Exposure), "the firm has 6,000 left");
    assert_eq!(second.amount(), amount(100_000));
    risk.fill(&mut first, 40, Px::from_raw(5_000));
    assert_eq!(risk.exposure(account), amount(354_000), "a trade counts, whatever is left");
    risk.bust(FIRM, ACCOUNT, 40, Px::from_raw(5_000));
    assert_eq!((risk.exposure(account), risk.exposure(firm)), (amount(154_000), amount(254_000)));
}

#[test]
fn a_sale_is_reserved_at_the_reference_where_that_is_higher() {
    let collared = Limits { collar: Distance::of_bps(1_000), ..Limits::default() };
    let cases = [
        // limits            entry           reserved at
        (Limits::default(), at(900, SELL), 1_000),
        (Limits::default(), at(1_200, SELL), 1_200),
        (Limits::default(), at(900, BUY), 900),
        (Limits::default(), MARKET, 1_000),
        (collared, MARKET, 1_100),
        (collared, Entry { px: None, ..SELL }, 1_100),
    ];
    for (order, entry, want) in cases {
        let mut risk = PortRisk::new(ROOM);
        assert_eq!(risk.set_firm(FIRM, &FirmLimits { order, must_locate: false }), Ok(()));
        let reserved = check(&mut risk, &entry).expect("within its limits");
        assert_eq!(reserved.px(), Px::from_raw(want), "{entry:?}");
    }
}

#[test]
fn a_leased_line_admits_what_it_was_granted_and_survives_a_restart() {
    let marks = Marks { low: amount(0), high: amount(200_000) };
    let (mut home, branch) = (Home::new(5, 1), BranchId::new(0));
    let exchange = |home: &mut Home, risk: &mut PortRisk| {
        while let Some(message) = risk.poll_lease() {
            assert_eq!(home.on(branch, &message), Ok(()));
            while let Some((_, message)) = home.poll() {
                assert_eq!(risk.on_lease(&message), Ok(()));
            }
        }
    };
    let mut risk = PortRisk::new(ROOM);
    let line = risk.account_line(ACCOUNT);
    assert!(home.set_limit(line, amount(150_000)));
    assert!(home.begin(line, branch, marks));
    assert_eq!(risk.begin_lease(line, marks), Ok(()));
    let live = check(&mut risk, &BUY).expect("100,000 of 150,000, without a word");
    assert_eq!(check(&mut risk, &BUY), Err(Denied::Exposure));
    assert_eq!(risk.exposure(risk.firm_line(FIRM)), live.amount(), "the firm's was given back");

    exchange(&mut home, &mut risk);
    assert_eq!(home.let_out(line).out, amount(150_000));

    let mut risk = PortRisk::new(ROOM);
    assert_eq!(risk.lease(line, 2, marks), Ok(()));
    exchange(&mut home, &mut risk);
    assert_eq!(check(&mut risk, &at(1, BUY)), Err(Denied::Exposure), "all is locked up");
    let mut live = risk.restore_open(FIRM, ACCOUNT, live.qty(), live.px());
    risk.restore_fill(FIRM, ACCOUNT, 10, Px::from_raw(1_000));
    risk.reconcile();
    exchange(&mut home, &mut risk);
    assert_eq!(home.let_out(line).locked, Notional::ZERO);
    assert_eq!(risk.exposure(line), amount(110_000));
    assert!(check(&mut risk, &at(400, BUY)).is_ok(), "40,000 are left");
    assert_eq!(check(&mut risk, &at(1, BUY)), Err(Denied::Exposure));
    risk.release(&mut live, 100);
    assert_eq!((risk.exposure(line), risk.executed(line)), (amount(50_000), amount(10_000)));
}

#[test]
fn an_order_beyond_what_both_its_lines_keep_passes_once_both_were_asked() {
    let marks = Marks { low: amount(50_000), high: amount(200_000) };
    let mut home = Home::new(5, 2);
    let mut risk = PortRisk::new(ROOM);
    let lines = [risk.account_line(ACCOUNT), risk.firm_line(FIRM)];
    for line in lines {
        assert!(home.set_limit(line, amount(400_000)));
        for branch in [0, 1].map(BranchId::new) {
            assert!(home.begin(line, branch, marks));
        }
        assert_eq!(risk.begin_lease(line, marks), Ok(()));
    }
    let mut other = PortRisk::new(ROOM);
    for line in lines {
        assert_eq!(other.begin_lease(line, marks), Ok(()));
    }
    let mut exchange = |shards: &mut [&mut PortRisk; 2]| loop {
        let mut is_quiet = true;
        for (risk, branch) in shards.iter_mut().zip([0, 1].map(BranchId::new)) {
            while let Some(message) = risk.poll_lease() {
                assert_eq!(home.on(branch, &message), Ok(()));
                is_quiet = false;
            }
        }
        while let Some((branch, message)) = home.poll() {
            assert_eq!(shards[branch.index()].on_lease(&message), Ok(()));
            is_quiet = false;
        }
        if is_quiet {
            return;
        }
    };
    let mut small = check(&mut risk, &at(10, BUY)).expect("1,000 of 125,000");
    let large = at(3_500, BUY);
    assert_eq!(check(&mut risk, &large), Err(Denied::Exposure));
    assert_eq!(lines.map(|line| risk.exposure(line)), [small.amount(); 2], "nothing is spent");
    exchange(&mut [&mut risk, &mut other]);
    // A fill and a cancel before the client can try again.
    risk.fill(&mut small, 50, Px::from_raw(10));
    risk.release(&mut small, 50);
    exchange(&mut [&mut risk, &mut other]);
    assert!(check(&mut risk, &large).is_ok(), "350,000 of 399,500");
}

/// An order or a trade, as the twin writes it down.
struct Known {
    firm: FirmId,
    account: AccountId,
    reserved: Reserved,
}

proptest! {
    /// Exposure is what the orders and trades that are written down come to, nothing more or less, and
    /// what was let in kept to the limit when it came.
    #[test]
    fn exposure_is_that_of_the_open_orders_and_the_trades(
        steps in prop::collection::vec((0_u8..6, 0_u32..6, 0_u32..40, 1_i64..50, any::<u16>()), 0..200),
    ) {
        let mut risk = PortRisk::new(ROOM);
        let limit = amount(2_000);
        for account in 0..3 {
            let line = risk.account_line(AccountId::new(account));
            prop_assert_eq!(risk.set_credit(line, limit), Ok(()));
        }
        let mut open: Vec<Known> = Vec::new();
        let mut traded: Vec<(FirmId, AccountId, u32, Px)> = Vec::new();
        for (kind, whose, qty, px, at) in steps {
            let (account, firm) = (AccountId::new(whose % 3), FirmId::new(u16::from(at % 2 == 1)));
            let price = Px::from_raw(px);
            let side = if at % 4 < 2 { Side::Buy } else { Side::Sell };
            let limit_px = (at % 8 != 0).then_some(price);
            let reference = Some(Px::from_raw(20));
            let entry = Entry { side, qty, px: limit_px, reference, ..BUY };
            let place = usize::from(at).checked_rem(open.len());
            match (kind, place) {
                (0 | 1, _) => {
                    let line = risk.account_line(account);
                    let before = risk.exposure(line);
                    match risk.check(NOW, PORT, firm, account, &entry) {
                        Ok(reserved) => {
                            prop_assert!(risk.exposure(line) <= limit);
                            open.push(Known { firm, account, reserved });
                        }
                        Err(why) => {
                            prop_assert_eq!(why, Denied::Exposure);
                            let worst = Notional::of(price.max(Px::from_raw(20)), qty);
                            prop_assert!(limit < before.saturating_add(worst));
                        }
                    }
                }
                (2, Some(place)) => {
                    let of = &mut open[place];
                    let filled = qty.min(of.reserved.qty());
                    risk.fill(&mut of.reserved, filled, price);
                    traded.push((of.firm, of.account, filled, price));
                }
                (3, Some(place)) => risk.release(&mut open[place].reserved, qty),
                (4, Some(place)) => {
                    let of = &mut open[place];
                    let before = of.reserved.amount();
                    match risk.replace(NOW, PORT, &mut of.reserved, &entry) {
                        Ok(previous) if at % 3 == 0 => {
                            risk.keep(&mut of.reserved, previous);
                            prop_assert_eq!(of.reserved.amount(), before);
                        }
                        Ok(_) => prop_assert_eq!(of.reserved.qty(), qty),
                        Err(_) => prop_assert_eq!(of.reserved.amount(), before),
                    }
                }
                _ => {
                    if let Some(place) = usize::from(at).checked_rem(traded.len()) {
                        let (firm, account, qty, px) = traded.swap_remove(place);
                        risk.bust(firm, account, qty, px);
                    }
                }
            }
            for account in (0..3).map(AccountId::new) {
                let (line, of) = (risk.account_line(account), |id| id == account);
                let reserved = open.iter().filter(|o| of(o.account)).map(|o| o.reserved.amount());
                let done = traded.iter().filter(|t| of(t.1)).map(|t| Notional::of(t.3, t.2));
                let done: Notional = done.sum();
                prop_assert_eq!(risk.executed(line), done);
                prop_assert_eq!(risk.exposure(line), reserved.sum::<Notional>() + done);
            }
            for firm in (0..2).map(FirmId::new) {
                let line = risk.firm_line(firm);
                let reserved = open.iter().filter(|o| o.firm == firm).map(|o| o.reserved.amount());
                let done = traded.iter().filter(|t| t.0 == firm).map(|t| Notional::of(t.3, t.2));
                prop_assert_eq!(risk.exposure(line), reserved.chain(done).sum::<Notional>());
            }
        }
    }
}
