//! A checked exchange -> its shards' plans, rings and sockets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::mpsc::Sender;

use engine::PlanError;
use engine::exchange::{Credit, Exchange, ExchangePlan, FollowPlan, gauges};
use matching::{
    Account, Collar, DarkRules, DayRules, Floor, FloorCapacity, LuldRules, Policy, Rules, Schedule,
    Tick, Tier,
};
use risk::lease::{Home, Marks};
use risk::port::{FirmLimits, Kind, Kinds, Limits, List, PortLimits, PortRisk, Room};
use risk::{Distance, Notional, Rate};
use runtime::ring::{Consumer, Producer, WhenFull, link};
use runtime::{Bell, Ingress, LinkId, Listener, Seat, Socket, SocketId, StreamId};
use session::SessionId;
use session::mold::SenderConfig;
use session::soup::{Credentials, SoupConfig};
use types::{AccountId, FirmId, InstrumentId, MatchNo, Nanos, OrderRef, PortId, Px, SeqNo};
use wire::itch50::{LuldTier, MarketCategory, RegShoAction};

use super::Places;
use crate::config::exchange::{Priority, SelfMatch};
use crate::topology::{self, ExchangeShard, Listing, Login, Topology};

/// Messages on the way to those who keep them: some 60 ms of a million a second.
const KEPT_DEPTH: usize = 1 << 16;
/// Requests of the one who runs the exchange that are on their way or not yet answered: the rings there and
/// back have room for so many.
pub const COMMAND_DEPTH: usize = 64;
/// What one input may cause beside what it does to orders: a word to every connection.
const EFFECTS_MIN: usize = 1 << 14;
const EFFECT_BYTES_MIN: usize = 64 << 20;
/// What one input may cause for each live order, since one order, or one cross, may trade with all of
/// them: messages to keep for two orders, and their part of datagrams on two lines. The room is taken at
/// start, and its pages only when they are used.
const EFFECTS_AN_ORDER: usize = 4;
const EFFECT_BYTES_AN_ORDER: usize = 512;
/// Orders that a mass cancel looks at in one call.
const SWEEP_MAX: u32 = 1_024;
/// Trades that can still be broken.
const TRADES_MAX: u32 = 1 << 20;
/// The longest datagram of a feed: it fits an Ethernet frame over IPv4.
pub const DATAGRAM_MAX: usize = 1_472;
/// How many order references, and how many match numbers, each shard of an exchange has to deal.
const NUMBERS_A_SHARD: u64 = 1 << 40;
/// The place, within its exchange, of the shard that deals a match number; `None` for 0, which nobody deals.
pub fn dealer(match_number: u64) -> Option<usize> {
    let place = match_number.checked_sub(1)? / NUMBERS_A_SHARD;
    Some(usize::try_from(place).unwrap_or(usize::MAX))
}

/// Different orders remembered for each port, to find duplicates among them.
const REPEATS: u32 = 256;
/// Prices outside the window that each side of a book has room for.
pub const FAR_LEVELS: u32 = 1_024;

/// An exchange shard's ends on the cold side.
#[derive(Debug)]
pub(super) struct Cold {
    /// By the exchange's place and its own there.
    pub(super) at: (usize, usize),
    /// Every message of its feed, in order.
    pub(super) kept: Consumer,
    /// Requests of the one who runs it, and their answers.
    pub(super) desk: (Producer, Consumer),
}

/// Effects, and their bytes, that one input of a shard with so many orders may cause.
pub fn outbox_room(orders: u32) -> (usize, usize) {
    let orders = size(orders);
    let bytes = EFFECT_BYTES_MIN + orders * EFFECT_BYTES_AN_ORDER;
    // An outbox counts its bytes with 32 bits.
    (EFFECTS_MIN + orders * EFFECTS_AN_ORDER, bytes.min(1 << 31))
}

/// The rings between one shard of an exchange and the others, over which they share credit.
#[derive(Debug, Default)]
pub(super) struct Shared {
    inbound: Vec<Consumer>,
    outbound: Vec<Producer>,
}

/// For each shard of an exchange; `bells`: of their cores. The first is home to all credit.
pub(super) fn shared(exchange: &topology::Exchange, bells: &[&Bell]) -> Vec<Shared> {
    let mut shared: Vec<Shared> = bells.iter().map(|_| Shared::default()).collect();
    // Each line has a message or two on its way at most.
    let lines = exchange.ports.len() + exchange.firms.len();
    let depth = (4 * lines).next_power_of_two();
    for branch in 1..bells.len() {
        let (there, comes) = link(depth, WhenFull::Stop, Some(bells[branch]));
        let (back, goes) = link(depth, WhenFull::Stop, Some(bells[0]));
        shared[0].outbound.push(there);
        shared[branch].inbound.push(comes);
        shared[branch].outbound.push(back);
        shared[0].inbound.push(goes);
    }
    shared
}

/// A shard ready to be placed on the core that `bell` wakes.
pub(super) fn seat(
    (topology, exchange): (&Topology, &topology::Exchange),
    at: (usize, usize),
    bell: &Bell,
    shared: Shared,
    done: Sender<((usize, usize), Exchange)>,
) -> (Seat, Cold) {
    let shard = &exchange.shards[at.1];
    // Lost messages are asked for again there: the exchange stops rather than leave a hole.
    let (kept, keeper) = link(KEPT_DEPTH, WhenFull::Stop, None);
    let (commands, commanded) = link(COMMAND_DEPTH, WhenFull::Gap, Some(bell));
    // Nobody asks for more than there is room to answer.
    let (answers, answered) = link(COMMAND_DEPTH, WhenFull::Gap, None);
    let lines: Vec<Socket> = [Some(shard.line_a), shard.line_b]
        .into_iter()
        .flatten()
        .map(|to| line(to, shard.interface))
        .collect();
    let listener =
        Listener { connections_max: shard.capacity.connections, ..Listener::new(shard.orders) };
    let (effects_max, effect_bytes_max) = outbox_room(shard.capacity.orders);
    let mut places = Places { sockets: lines, streams: Vec::new() };
    let follows = exchange.dark.as_ref().map(|dark| FollowPlan {
        feeds: topology.quoted_by(exchange).iter().map(|feed| places.feed(feed)).collect(),
        orders: size(dark.orders),
        levels: size(dark.levels),
    });
    let config = runtime::Config {
        name: shard.name.clone(),
        sockets: places.sockets,
        streams: places.streams,
        listeners: vec![listener],
        effects_max,
        effect_bytes_max,
        machine_counters: gauges::EXCHANGE.len(),
        ..runtime::Config::default()
    };
    let (exchange, shard_place) = (exchange.clone(), at.1);
    let make = move || {
        let now = runtime::Clock::new().now();
        machine(&exchange, shard_place, follows, now)
            .map_err(|error| format!("cannot make the machine: {error:?}"))
    };
    let finish = move |machine| {
        // The process gave up on the machine where nobody listens any more.
        let _ = done.send((at, machine));
    };
    let inbound = std::iter::once(commanded).chain(shared.inbound).collect();
    let outbound = std::iter::once(kept).chain(shared.outbound).chain([answers]).collect();
    let seat = Seat::new(config, inbound, outbound, make, finish);
    (seat, Cold { at, kept: keeper, desk: (commands, answered) })
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn line(to: SocketAddrV4, interface: Ipv4Addr) -> Socket {
    let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    Socket {
        peer: Some(SocketAddr::V4(to)),
        interface: Some(interface),
        ingress: Ingress::Never,
        ..Socket::new(any)
    }
}

/// An exchange's shard as the loop, a replay or a test drives it. `follows`: of a dark one, the feeds that
/// make its quote; their connections come before those that it accepts.
///
/// # Errors
/// Feeds that cannot be followed.
pub fn machine(
    exchange: &topology::Exchange,
    shard_place: usize,
    follows: Option<FollowPlan>,
    now: Nanos,
) -> Result<Exchange, PlanError> {
    let snapshots =
        follows.iter().flat_map(|plan| &plan.feeds).filter(|feed| feed.snapshot.is_some());
    // A shard takes 64 feeds at most.
    let first_stream = StreamId(snapshots.count() as u16);
    let shard = &exchange.shards[shard_place];
    let day = Nanos::from_secs(86_400).get();
    let midnight = Nanos::new(now.get() - now.get() % day);
    let session = SessionId::new(shard.session);
    let (plan_listings, tape_listings): (Vec<_>, Vec<_>) = (1..)
        .zip(&shard.listings)
        .map(|(locate, listing)| listed(listing, locate, exchange))
        .unzip();
    let plan = ExchangePlan {
        ports: ports(exchange, shard_place, plan_listings, midnight),
        listings: tape_listings,
        tape: tape::Config {
            sender: SenderConfig {
                session,
                first: SeqNo::new(1),
                datagram_bytes_max: DATAGRAM_MAX,
                heartbeat: Nanos::from_secs(1),
            },
            midnight,
            orders_max: shard.capacity.orders,
            first_ref: OrderRef::new(1 + shard_place as u64 * NUMBERS_A_SHARD),
        },
        lines: [Some(SocketId(0)), shard.line_b.map(|_| SocketId(1))],
        keeper: Some(LinkId(0)),
        commands: LinkId(0),
        // After the keeper's and those of the shards that it shares credit with.
        answers: match (exchange.shards.len(), shard_place) {
            (shards, 0) => LinkId(shards as u16),
            _ => LinkId(2),
        },
        first_stream,
        follows,
        hours: exchange
            .hours
            .map(|hours| [hours.open, hours.close].map(|time| midnight.saturating_add(time))),
    };
    let credit = credit(exchange, shard_place);
    let risk = risk(exchange, shard, now);
    let mut floor = floor(exchange, shard);
    if exchange.hours.is_some() {
        floor.start_day(midnight);
    }
    Exchange::new(&plan, (floor, risk, credit), now)
}

/// Who shares credit with whom, by the rings of [`shared`], which come after those of every shard.
fn credit(exchange: &topology::Exchange, shard_place: usize) -> Credit {
    let shards = exchange.shards.len();
    if shards == 1 {
        return Credit::Whole;
    }
    if shard_place != 0 {
        return Credit::Branch { to: LinkId(1), from: LinkId(1) };
    }
    // Accounts and firms are counted with 16 bits, and so are the shards of a host.
    let (accounts, firms) = (exchange.ports.len() as u32, exchange.firms.len() as u32);
    let mut home = Home::new(accounts + firms, shards as u16);
    for (line, limit) in lines(exchange) {
        home.set_limit(risk::lease::LineId::new(line), limit);
    }
    let links = || (0..shards).map(|branch| (0 < branch).then_some(LinkId(branch as u16)));
    Credit::Home { home, to: links().collect(), from: links().collect() }
}

/// Every line of credit with its limit: accounts, then firms.
fn lines(exchange: &topology::Exchange) -> impl Iterator<Item = (u32, Notional)> {
    let of = |firm: FirmId| exchange.firms[firm.index()].credit;
    let accounts = exchange.ports.iter().map(move |port| of(port.firm));
    let firms = exchange.firms.iter().map(|firm| firm.credit);
    (0..).zip(accounts.chain(firms).map(notional))
}

fn notional(units: u64) -> Notional {
    Notional::from_raw(u128::from(units) * u128::from(Px::ONE.unsigned_abs()))
}

fn risk(exchange: &topology::Exchange, shard: &ExchangeShard, now: Nanos) -> PortRisk {
    let shared = 1 < exchange.shards.len();
    // Counts of a topology fit in 16 bits.
    let mut risk = PortRisk::new(Room {
        ports: exchange.ports.len() as u16,
        firms: exchange.firms.len() as u16,
        accounts: exchange.ports.len() as u32,
        instruments: shard.listings.len() as u32,
        symbol_rate_ports: exchange
            .ports
            .iter()
            .filter(|port| port.limits.orders_per_second_symbol.is_some())
            .count() as u16,
        repeats_per_port: REPEATS,
    });
    let fits = "the room was made for the plan";
    for (id, port) in (0..).zip(&exchange.ports) {
        risk.set_port(PortId::new(id), &limits(&port.limits)).expect(fits);
    }
    for (id, firm) in (0..).map(FirmId::new).zip(&exchange.firms) {
        risk.set_firm(id, &FirmLimits::default()).expect(fits);
        let restricted = risk.list_mut(id, List::Restricted).expect(fits);
        for (instrument, listing) in (0..).map(InstrumentId::new).zip(&shard.listings) {
            if firm.restricted.contains(&listing.symbol) {
                restricted.insert(instrument);
            }
        }
    }
    for (line, limit) in lines(exchange) {
        let line = risk::lease::LineId::new(line);
        if shared {
            let part = limit.raw() / u128::from(exchange.shards.len() as u64);
            let marks = Marks { low: Notional::from_raw(part / 4), high: Notional::from_raw(part) };
            // What a shard of an earlier run held is gone with its home: any number above it will do.
            risk.lease(line, now.get(), marks).expect(fits);
        } else {
            risk.set_credit(line, limit).expect(fits);
        }
    }
    risk
}

fn limits(limits: &topology::Limits) -> PortLimits {
    let second = Nanos::from_secs(1);
    let rate = |count: Option<u32>| count.and_then(|count| Rate::new(count, second));
    PortLimits {
        order: Limits {
            qty_max: limits.qty,
            notional_max: notional(limits.notional),
            collar: limits
                .collar_percent
                .map_or(Distance::NONE, |percent| Distance::of_bps(percent * 100)),
            forbidden: if limits.market_orders {
                Kinds::NONE
            } else {
                Kinds::NONE.and(Kind::Market)
            },
            ..Limits::default()
        },
        rate: rate(limits.orders_per_second),
        symbol_rate: rate(limits.orders_per_second_symbol),
        duplicate_rate: rate(limits.duplicates_per_second),
    }
}

fn floor(exchange: &topology::Exchange, shard: &ExchangeShard) -> Floor {
    let account = |port: &topology::Port| Account {
        // Firms do not trade with themselves where a port says so.
        group: u32::from(port.firm.get()) + 1,
        firm: port.firm,
    };
    let accounts: Vec<Account> = exchange.ports.iter().map(account).collect();
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
    let &topology::ExchangeCapacity { orders, terms, .. } = &shard.capacity;
    let books = matching::Capacity { orders, terms };
    Floor::new(FloorCapacity { books, waiting: terms, dated: terms }, &accounts, &rules, &days)
}

fn day(listing: &Listing, reference: Tick, exchange: &topology::Exchange) -> DayRules {
    let by_hand = DayRules::by_hand(listing.ticks, reference);
    // As Nasdaq has them: from then on an order for a cross can be relied on.
    let before = |time: Nanos, secs| Some(time.since(Nanos::from_secs(secs)));
    let schedule = exchange.hours.as_ref().map_or(Schedule::BY_HAND, |hours| Schedule {
        pre_open: Some(hours.pre_open),
        open_imbalance: Some(hours.opening_imbalance),
        open: Some(hours.open),
        close_imbalance: Some(hours.closing_imbalance),
        close: Some(hours.close),
        market_on_open_until: before(hours.open, 120),
        limit_on_open_until: before(hours.open, 30),
        market_on_close_until: before(hours.close, 300),
        limit_on_close_until: before(hours.close, 120),
    });
    let in_bp = |percent: Option<u32>| percent.map_or(0, |percent| percent * 100);
    DayRules {
        schedule,
        collar: Collar { width_bp: listing.collar_percent * 100, ..by_hand.collar },
        static_bp: in_bp(listing.static_band_percent),
        dynamic_bp: in_bp(listing.dynamic_band_percent),
        luld: listing
            .luld_tier
            .map(|tier| LuldRules::new(if tier == 1 { Tier::One } else { Tier::Two })),
        dark: exchange
            .dark
            .as_ref()
            .map(|dark| DarkRules { min: dark.cross_min, max: dark.cross_max }),
        ..by_hand
    }
}

fn rules(listing: &Listing, exchange: &topology::Exchange, place: u64) -> Rules {
    Rules {
        // The topology has seen that it is on a tick.
        reference: listing.ticks.tick(listing.reference).unwrap_or_default(),
        window: listing.window,
        far_levels: FAR_LEVELS,
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

fn listed(
    listing: &Listing,
    locate: u16,
    exchange: &topology::Exchange,
) -> (port::Listing, tape::Listing) {
    let &Listing { symbol, ticks, .. } = listing;
    let is_dark = exchange.dark.is_some();
    let told = tape::Listing {
        symbol,
        locate,
        ticks,
        round_lot: 100,
        category: MarketCategory::NasdaqGlobalSelect,
        tier: match listing.luld_tier {
            Some(1) => LuldTier::Tier1,
            Some(_) => LuldTier::Tier2,
            None => LuldTier::None,
        },
        short_sale: RegShoAction::None,
        dark: is_dark,
    };
    (port::Listing { symbol, ticks, close: Some(listing.reference), is_dark }, told)
}

fn ports(
    exchange: &topology::Exchange,
    shard_place: usize,
    listings: Vec<port::Listing>,
    midnight: Nanos,
) -> port::Plan {
    let shard = &exchange.shards[shard_place];
    let session = SessionId::new(shard.session);
    let store = port::StoreSize {
        messages_max: u32::try_from(shard.capacity.replay_bytes / 64).unwrap_or(u32::MAX),
        bytes_max: u32::try_from(shard.capacity.replay_bytes).unwrap_or(u32::MAX),
    };
    let login = |login: &Login| Credentials { user: login.user, password: login.password, session };
    let firm = |id: FirmId| exchange.firms[id.index()].name;
    let ports = (0..).zip(&exchange.ports).map(|(account, port)| port::PortPlan {
        login: login(&port.login),
        firm: firm(port.firm),
        firm_id: port.firm,
        account: AccountId::new(account),
        groups: Vec::new(),
        self_match: self_match(port.self_match),
        cancel_on_disconnect: port.cancel_on_disconnect,
        extensions: exchange.extensions,
        bbo_weight: false,
        store,
    });
    let drops = exchange.firms.iter().filter_map(|firm| {
        let login = firm.drop_copy.as_ref().map(login)?;
        Some(port::DropPlan { login, firm: firm.name, store })
    });
    port::Plan {
        session,
        midnight,
        soup: SoupConfig::default(),
        connections_max: shard.capacity.connections,
        orders_max: shard.capacity.orders,
        first_match: MatchNo::new(1 + shard_place as u64 * NUMBERS_A_SHARD),
        trades_max: TRADES_MAX,
        sweep_max: SWEEP_MAX,
        seed: exchange.seed,
        listings,
        ports: ports.collect(),
        drops: drops.collect(),
    }
}

fn self_match(asked: SelfMatch) -> matching::SelfMatch {
    match asked {
        SelfMatch::Allow => matching::SelfMatch::Allow,
        SelfMatch::CancelOldest => matching::SelfMatch::CancelOldest,
        SelfMatch::CancelNewest => matching::SelfMatch::CancelNewest,
        SelfMatch::CancelBoth => matching::SelfMatch::CancelBoth,
        SelfMatch::Decrement => matching::SelfMatch::Decrement,
    }
}
