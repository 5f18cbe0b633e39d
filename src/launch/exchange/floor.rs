//! A checked exchange -> its books and their day.

use matching::{
    Account, Collar, DarkRules, DayRules, Floor, FloorCapacity, LuldRules, Policy, Rules, Schedule,
    Tick, Tier,
};
use types::{Nanos, Px};

use crate::config::exchange::Priority;
use crate::topology::{self, ExchangeShard, Listing};

/// Up to here the bands of tier 2 are twice as wide before the close too.
const DOUBLED_MAX: Px = Px::from_price4(30_000);

pub(super) fn floor(exchange: &topology::Exchange, shard: &ExchangeShard) -> Floor {
    let account =
        |account: &topology::Account| Account { group: account.owner, firm: account.firm };
    let accounts: Vec<Account> = exchange.accounts.iter().map(account).collect();
    let rules: Vec<Rules> = (0..)
        .zip(&shard.listings)
        .map(|(place, listing)| rules(listing, exchange, place))
        .collect();
    let days: Vec<DayRules> = shard
        .listings
        .iter()
        .zip(&rules)
        .map(|(listing, rules)| day(listing, rules.reference, exchange))
        .collect();
    let &topology::ExchangeCapacity { orders, terms, waiting, dated, .. } = &shard.capacity;
    let books = matching::Capacity { orders, terms };
    Floor::new(FloorCapacity { books, waiting, dated }, &accounts, &rules, &days)
}

fn day(listing: &Listing, reference: Tick, exchange: &topology::Exchange) -> DayRules {
    let schedule = exchange.hours.as_ref().map_or(Schedule::BY_HAND, |hours| Schedule {
        pre_open: Some(hours.pre_open),
        open_imbalance: Some(hours.opening_imbalance),
        open: Some(hours.open),
        close_imbalance: Some(hours.closing_imbalance),
        close: Some(hours.close),
        market_on_open_until: Some(hours.market_on_open_until),
        limit_on_open_until: Some(hours.limit_on_open_until),
        market_on_close_until: Some(hours.market_on_close_until),
        limit_on_close_until: Some(hours.limit_on_close_until),
    });
    let in_bp = |percent: Option<u32>| percent.map_or(0, |percent| percent * 100);
    DayRules {
        schedule,
        ticks: listing.ticks,
        reference,
        collar: Collar {
            width_bp: listing.collar_percent * 100,
            widen_bp: listing.collar_widen_percent * 100,
            extensions_max: listing.collar_extensions,
        },
        imbalance_every: listing.imbalance_every,
        static_bp: in_bp(listing.static_band_percent),
        dynamic_bp: in_bp(listing.dynamic_band_percent),
        luld: luld(listing, exchange),
        dark: exchange
            .dark
            .as_ref()
            .map(|dark| DarkRules { min: dark.cross_min, max: dark.cross_max }),
    }
}

fn luld(listing: &Listing, exchange: &topology::Exchange) -> Option<LuldRules> {
    let tier = match listing.luld_tier? {
        1 => Tier::One,
        _ => Tier::Two,
    };
    let &topology::Luld { limit_state, pause, doubled_after_open, doubled_before_close } =
        &exchange.luld;
    let at_close = tier == Tier::One || listing.reference <= DOUBLED_MAX;
    let some = |from: Nanos, until: Nanos| (from < until).then_some((from, until));
    let doubled = exchange.hours.map_or([None; 2], |hours| {
        let (open, close) = (hours.open, hours.close);
        let until = open.saturating_add(doubled_after_open).min(close);
        let from = Nanos::new(close.since(doubled_before_close).get()).max(open);
        [some(open, until), some(from, close).filter(|_| at_close)]
    });
    Some(LuldRules { tier, doubled, limit_state, pause })
}

fn rules(listing: &Listing, exchange: &topology::Exchange, place: u64) -> Rules {
    Rules {
        // The topology has seen that it is on a tick.
        reference: listing.ticks.tick(listing.reference).unwrap_or_default(),
        window: listing.window,
        far_levels: listing.far_levels,
        // Not for the one who runs it to say: OUCH tells the owner nothing of a place that is lost (2.2).
        keeps_place: true,
        policy: match listing.policy {
            Priority::PriceTime => Policy::PriceTime,
            Priority::ProRata => Policy::ProRata,
            Priority::PriceBrokerTime => Policy::PriceBrokerTime,
        },
        lit: exchange.dark.is_none(),
        seed: exchange.seed.wrapping_add(place),
    }
}
