//! A checked exchange -> what its ports may do, and the credit that its shards share.

use engine::exchange::Credit;
use risk::lease::{BranchId, Home, LineId, Marks};
use risk::port::{FirmLimits, Kind, Kinds, Limits, List, PortLimits, PortRisk, Room};
use risk::{Distance, Notional, Rate};
use runtime::LinkId;
use types::{FirmId, InstrumentId, Nanos, PortId, Px};

use crate::config::exchange as raw;
use crate::topology::{self, ExchangeShard, Near};

/// Who shares credit with whom, by the rings of [`super::shared`], which come after those of every shard.
pub(super) fn credit(exchange: &topology::Exchange, shard_place: usize) -> Credit {
    let shards = exchange.shards.len();
    if shards == 1 {
        return Credit::Whole;
    }
    if shard_place != 0 {
        return Credit::Branch { to: LinkId(1), from: LinkId(1) };
    }
    // Firms are counted with 16 bits, and so are the shards of a host; accounts with 32.
    let (accounts, firms) = (exchange.accounts.len() as u32, exchange.firms.len() as u32);
    let mut home = Home::new(accounts + firms, shards as u16);
    for (line, limit) in lines(exchange) {
        let line = LineId::new(line);
        home.set_limit(line, limit);
        for branch in (0..shards as u16).map(BranchId::new) {
            let has_begun = home.begin(line, branch, marks(limit, shards));
            assert!(has_begun, "all branches begin with less than the limit");
        }
    }
    let links = || (0..shards).map(|branch| (0 < branch).then_some(LinkId(branch as u16)));
    Credit::Home { home, to: links().collect(), from: links().collect() }
}

/// How much of a line each of its branches keeps: an even part at most, so that all together begin within
/// the limit.
fn marks(limit: Notional, shards: usize) -> Marks {
    let part = limit.raw() / shards as u128;
    Marks { low: Notional::from_raw(part / 4), high: Notional::from_raw(part) }
}

/// Every line of credit with its limit: accounts, then firms.
fn lines(exchange: &topology::Exchange) -> impl Iterator<Item = (u32, Notional)> {
    let accounts = exchange.accounts.iter().map(|account| account.credit);
    let firms = exchange.firms.iter().map(|firm| firm.credit);
    (0..).zip(accounts.chain(firms).map(notional))
}

fn notional(units: u64) -> Notional {
    Notional::from_raw(u128::from(units) * u128::from(Px::ONE.unsigned_abs()))
}

pub(super) fn risk(exchange: &topology::Exchange, shard: &ExchangeShard) -> PortRisk {
    let shared = 1 < exchange.shards.len();
    // Counts of a topology fit in 16 bits.
    let mut risk = PortRisk::new(Room {
        ports: exchange.ports.len() as u16,
        firms: exchange.firms.len() as u16,
        accounts: exchange.accounts.len() as u32,
        instruments: shard.listings.len() as u32,
        symbol_rate_ports: exchange
            .ports
            .iter()
            .filter(|port| port.limits.orders_per_second_symbol.is_some())
            .count() as u16,
        repeats_per_port: shard.capacity.duplicates,
    });
    let fits = "the room was made for the plan";
    for (id, port) in (0..).zip(&exchange.ports) {
        risk.set_port(PortId::new(id), &limits(&port.limits)).expect(fits);
    }
    for (id, firm) in (0..).map(FirmId::new).zip(&exchange.firms) {
        let limits = FirmLimits { order: order(&firm.limits), must_locate: firm.must_locate };
        risk.set_firm(id, &limits).expect(fits);
        let lists = [
            (List::Restricted, &firm.restricted),
            (List::ShortRestricted, &firm.short_restricted),
            (List::EasyToBorrow, &firm.easy_to_borrow),
        ];
        for (list, symbols) in lists {
            let list = risk.list_mut(id, list).expect(fits);
            for (instrument, listing) in (0..).map(InstrumentId::new).zip(&shard.listings) {
                if symbols.contains(&listing.symbol) {
                    list.insert(instrument);
                }
            }
        }
    }
    for (line, limit) in lines(exchange) {
        let line = LineId::new(line);
        if shared {
            risk.begin_lease(line, marks(limit, exchange.shards.len())).expect(fits);
        } else {
            risk.set_credit(line, limit).expect(fits);
        }
    }
    risk
}

fn limits(limits: &topology::PortLimits) -> PortLimits {
    let second = Nanos::from_secs(1);
    let rate = |count: Option<u32>| count.and_then(|count| Rate::new(count, second));
    PortLimits {
        order: order(&limits.order),
        rate: rate(limits.orders_per_second),
        symbol_rate: rate(limits.orders_per_second_symbol),
        duplicate_rate: rate(limits.duplicates_per_second),
    }
}

fn order(limits: &topology::OrderLimits) -> Limits {
    let kind = |kind: &raw::Kind| match kind {
        raw::Kind::Market => Kind::Market,
        raw::Kind::Short => Kind::Short,
        raw::Kind::ShortExempt => Kind::ShortExempt,
        raw::Kind::Sweep => Kind::Sweep,
    };
    Limits {
        qty_max: limits.qty,
        notional_max: notional(limits.notional),
        collar: distance(limits.collar),
        fat_finger: distance(limits.fat_finger),
        forbidden: limits.forbidden.iter().map(kind).fold(Kinds::NONE, Kinds::and),
    }
}

fn distance(near: Near) -> Distance {
    let part = near.percent.map_or(Distance::NONE, |percent| Distance::of_bps(percent * 100));
    part.tighter(near.amount.map_or(Distance::NONE, Distance::of_amount))
}
