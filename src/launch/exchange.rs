//! A checked exchange -> its shards' plans, rings and sockets.

mod floor;
mod risk;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::mpsc::Sender;

use engine::PlanError;
use engine::exchange::{Exchange, ExchangePlan, FollowPlan, gauges};
use runtime::ring::{Consumer, Producer, WhenFull, link};
use runtime::{Bell, Ingress, LinkId, Listener, Seat, Socket, SocketId, StreamId};
use session::SessionId;
use session::mold::SenderConfig;
use session::soup::{Credentials, SoupConfig};
use types::{FirmId, MatchNo, Nanos, OrderRef, SeqNo};
use wire::itch50::{LuldTier, MarketCategory, RegShoAction};

use super::Places;
use crate::config::exchange::SelfMatch;
use crate::topology::{self, Listing, Login, Topology};

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
/// The longest datagram of a feed: it fits an Ethernet frame over IPv4.
pub const DATAGRAM_MAX: usize = 1_472;
/// How many order references, and how many match numbers, each shard of an exchange has to deal.
const NUMBERS_A_SHARD: u64 = 1 << 40;
/// The place, within its exchange, of the shard that deals a match number; `None` for 0, which nobody deals.
pub fn dealer(match_number: u64) -> Option<usize> {
    let place = match_number.checked_sub(1)? / NUMBERS_A_SHARD;
    Some(usize::try_from(place).unwrap_or(usize::MAX))
}

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
    // Each line has at most five messages on its way there and three on its way back, and what changes of
    // its limit tell.
    let lines = exchange.accounts.len() + exchange.firms.len();
    let depth = (8 * lines).next_power_of_two();
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
    // One more, so that it is heard of and an older one that never logged in can give way to it.
    let connections_max = shard.capacity.connections.saturating_add(1);
    let listener = Listener { connections_max, ..Listener::new(shard.orders) };
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
        machine_counters: gauges::PLACES,
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
    let credit = risk::credit(exchange, shard_place);
    let risk = risk::risk(exchange, shard);
    let mut floor = floor::floor(exchange, shard);
    if exchange.hours.is_some() {
        floor.start_day(midnight);
    }
    Exchange::new(&plan, (floor, risk, credit), now)
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
        round_lot: listing.round_lot,
        // Names of another exchange's: none of them is this one's own.
        category: MarketCategory::NasdaqGlobalSelect,
        tier: match listing.luld_tier {
            Some(1) => LuldTier::Tier1,
            Some(_) => LuldTier::Tier2,
            None => LuldTier::None,
        },
        // There is no test of short sales by price here that could be in force.
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
    let ports = exchange.ports.iter().map(|port| port::PortPlan {
        login: login(&port.login),
        firm: firm(port.firm),
        firm_id: port.firm,
        account: port.account,
        groups: port.groups.clone(),
        self_match: self_match(port.self_match),
        cancel_on_disconnect: port.cancel_on_disconnect,
        extensions: exchange.extensions,
        bbo_weight: port.bbo_weight,
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
        trades_max: shard.capacity.trades,
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
