//! Exchanges of one's own: their shards, what is traded there, who may trade.

mod accounts;
mod hours;
mod limits;
mod listings;
mod members;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use toml::Spanned;
use types::{Nanos, Symbol};

use super::feeds::{self, Groups};
use super::listeners::{Listeners, Wire};
use super::placement::{Placement, Wish};
use super::{Faults, FeedId, Snapshot, owners};
use crate::config::{self, exchange as raw};
use crate::fault;
use members::Members;

pub use accounts::Account;
pub use hours::{Hours, Luld};
pub use limits::{Near, OrderLimits, PortLimits};
pub use listings::Listing;
pub(crate) use members::text;
pub use members::{Firm, Login, Port};

/// An exchange that can be started.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// In logs, metrics and summaries; its sessions begin with its first three letters.
    pub name: String,
    /// Of what is random there.
    pub seed: u64,
    /// `Some`: it shows nothing, and crosses at times that nobody knows.
    pub dark: Option<Dark>,
    /// Its day; `None` where trading begins with it and ends with it.
    pub hours: Option<Hours>,
    /// How limit up / limit down works where an instrument has a tier.
    pub luld: Luld,
    /// Options that OUCH 5.0 does not have are taken.
    pub extensions: bool,
    /// Its shards.
    pub shards: Vec<ExchangeShard>,
    /// Its members.
    pub firms: Vec<Firm>,
    /// Their accounts.
    pub accounts: Vec<Account>,
    /// Their ports.
    pub ports: Vec<Port>,
}

/// A dark pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dark {
    /// The feeds whose best prices make the consolidated quote.
    pub quote: Vec<FeedId>,
    /// The shortest time between two crosses; zero where orders meet as they come.
    pub cross_min: Nanos,
    /// The longest.
    pub cross_max: Nanos,
    /// Live orders in the books of each feed.
    pub orders: u32,
    /// Price levels in them.
    pub levels: u32,
}

/// A shard of an exchange.
#[derive(Debug, Clone)]
pub struct ExchangeShard {
    /// In logs and metrics.
    pub name: String,
    /// Where it runs.
    pub placement: Placement,
    /// The session of its feed and its ports: see [`ExchangeShard::begin`].
    pub session: [u8; 10],
    /// What it trades.
    pub listings: Vec<Listing>,
    /// What it makes room for.
    pub capacity: Capacity,
    /// Where its ports take connections.
    pub orders: SocketAddr,
    /// Line A of its market data.
    pub line_a: SocketAddrV4,
    /// Line B.
    pub line_b: Option<SocketAddrV4>,
    /// The interface that the lines leave by.
    pub interface: Ipv4Addr,
    /// Where lost messages are given again.
    pub rerequest: Option<SocketAddr>,
    /// Where a snapshot of its books is given.
    pub snapshot: Option<Snapshot>,
}

/// What a shard of an exchange makes room for at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Live orders over all its books.
    pub orders: u32,
    /// Those of them that have terms.
    pub terms: u32,
    /// Orders that wait off the books.
    pub waiting: u32,
    /// Orders that end at a time of their own.
    pub dated: u32,
    /// Trades that can still be broken.
    pub trades: u32,
    /// Different orders of each port that are remembered.
    pub duplicates: u32,
    /// Connections at a time.
    pub connections: u16,
    /// Bytes of each port's messages that are kept.
    pub replay_bytes: usize,
}

/// What all exchanges are called by their shards.
const NAME_MAX: usize = 6;
/// Letters of an exchange's name in its sessions, beside one digit of the shard and six of the time.
const SESSION_LETTERS: usize = 3;
const SHARDS_MAX: usize = 35;
/// More live orders, or price levels, on one shard than any exchange has.
const ORDERS_MAX: u32 = 1 << 28;
/// More different orders than a port enters in the second that is looked back.
const DUPLICATES_MAX: u32 = 1 << 20;
/// Half of the file descriptors a process can have by default on a server.
const CONNECTIONS_MAX: u32 = 32_768;
/// A gibibyte.
const REPLAY_KIB_MAX: u32 = 1 << 20;
/// One step of a mass cancel ends 1,024 orders: what it tells must be kept, in twice 64 bytes each.
const REPLAY_KIB_MIN: u32 = 128;

/// What each shard says of its place, in the order of the file.
pub(super) fn wishes(exchanges: &[Spanned<raw::Exchange>]) -> impl Iterator<Item = Wish<'_>> {
    exchanges.iter().flat_map(|entry| &entry.get_ref().shards).map(|entry| {
        let shard = entry.get_ref();
        Wish {
            name: &shard.name,
            cpu: shard.cpu.as_ref(),
            share: shard.share.as_ref(),
            idle: shard.idle.as_ref(),
            at: entry.span(),
        }
    })
}

/// `placements`: one for each of [`wishes`].
pub(super) fn check(
    config: &config::Config,
    placements: &[Placement],
    listeners: &mut Listeners,
    faults: &mut Faults<'_>,
) -> Vec<Exchange> {
    let (exchanges, feeds) = (&config.exchanges, &config.feeds);
    // A feed of the same file may listen to these lines, so they are apart from the feeds' own.
    let mut places = Places { groups: Groups::new(), listeners };
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let mut placements = placements.iter();
    let mut checked = Vec::new();
    for entry in exchanges {
        let name = &entry.get_ref().name;
        let text = name.get_ref().as_str();
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if text.is_empty() || NAME_MAX < text.len() || !plain {
            let what = format!("exchange name `{text}` is not 1 to {NAME_MAX} letters and digits");
            faults.add(name, what);
        }
        let letters = text.get(..SESSION_LETTERS).unwrap_or(text);
        if let Some(line) = names.insert(letters, faults.line_of(name)) {
            let what = format!(
                "exchange name `{text}` begins as that of the exchange at line {line}, and so would its sessions"
            );
            faults.add(name, what).remedy_last("let the first three letters differ");
        }
        if SHARDS_MAX < entry.get_ref().shards.len() {
            faults.add(entry, format!("exchange `{text}` has more than {SHARDS_MAX} shards"));
        }
        checked.extend(exchange(entry, feeds, &mut placements, &mut places, faults));
    }
    checked
}

/// Addresses that earlier shards took.
struct Places<'a> {
    groups: Groups,
    listeners: &'a mut Listeners,
}

fn exchange<'a>(
    entry: &Spanned<raw::Exchange>,
    feeds: &[Spanned<config::Feed>],
    placements: &mut impl Iterator<Item = &'a Placement>,
    places: &mut Places<'_>,
    faults: &mut Faults<'_>,
) -> Option<Exchange> {
    let raw = entry.get_ref();
    let name = raw.name.get_ref().as_str();
    if raw.shards.is_empty() {
        let what = format!("exchange `{name}` has no [[exchange.shard]]: nothing would run");
        faults.add(entry, what);
    }
    let listings = listings::check(entry, faults);
    let mut dealt = deal(raw, &listings, faults);
    let shards: Vec<Option<ExchangeShard>> = (1..)
        .zip(&raw.shards)
        .zip(placements)
        .map(|((number, entry), placement)| {
            let listings = dealt.get_mut(number - 1).map(core::mem::take).unwrap_or_default();
            shard(name, entry, (number, *placement), listings, places, faults)
        })
        .collect();
    let Members { firms, accounts, ports } = members::check(entry, &listings, faults);
    let dark = raw.dark.as_ref().map(|dark| dark_pool(dark.get_ref(), feeds, faults));
    let hours = raw.hours.as_ref().map(|hours| hours::check(hours, faults));
    let luld = hours::luld(&raw.luld, hours.is_some(), faults);
    Some(Exchange {
        name: name.to_owned(),
        seed: raw.seed.unwrap_or(1),
        dark,
        hours: hours.flatten(),
        luld,
        extensions: raw.extensions.unwrap_or(false),
        shards: shards.into_iter().collect::<Option<_>>()?,
        firms,
        accounts,
        ports,
    })
}

/// Which shard trades what: the lists first, then a hash of the ticker over all of them.
fn deal(raw: &raw::Exchange, listings: &[Listing], faults: &mut Faults<'_>) -> Vec<Vec<Listing>> {
    let traded: BTreeSet<Symbol> = listings.iter().map(|listing| listing.symbol).collect();
    let mut listed: BTreeMap<Symbol, usize> = BTreeMap::new();
    for (number, shard) in raw.shards.iter().enumerate() {
        for text in &shard.get_ref().instruments {
            let Some(symbol) = owners::ticker(text, faults) else { continue };
            if !traded.contains(&symbol) {
                let what = format!("instrument {symbol} is on no list of the exchange");
                faults.add(text, what).remedy_last("list it in an [[exchange.instrument]]");
            }
            if listed.insert(symbol, number).is_some() {
                faults
                    .add(text, format!("instrument {symbol} is listed twice"))
                    .remedy_last("an instrument belongs to one shard: remove one of them");
            }
        }
    }
    let mut dealt = vec![Vec::new(); raw.shards.len()];
    let shards = u16::try_from(raw.shards.len()).unwrap_or(u16::MAX);
    for listing in listings {
        let by_hash = || usize::from(listing.symbol.partition(shards.max(1)));
        let owner = listed.get(&listing.symbol).copied().unwrap_or_else(by_hash);
        if let Some(of_shard) = dealt.get_mut(owner) {
            of_shard.push(*listing);
        }
    }
    dealt
}

fn shard(
    exchange: &str,
    entry: &Spanned<raw::ExchangeShard>,
    (number, placement): (usize, Placement),
    listings: Vec<Listing>,
    places: &mut Places<'_>,
    faults: &mut Faults<'_>,
) -> Option<ExchangeShard> {
    let raw = entry.get_ref();
    let name = raw.name.get_ref().as_str();
    if listings.is_empty() {
        faults
            .add(entry, format!("shard `{name}` trades no instrument"))
            .remedy_last("list some for it, or remove it");
    }
    let of = format!("shard `{name}`");
    let groups = &mut places.groups;
    let line_a = feeds::line("line_a", &of, &raw.line_a, groups, faults);
    let line_b = raw.line_b.as_ref().map(|text| feeds::line("line_b", &of, text, groups, faults));
    let interface = raw
        .interface
        .as_ref()
        .map_or(Some(Ipv4Addr::LOCALHOST), |text| feeds::interface(text, faults));
    let orders = feeds::unicast("orders", &of, &raw.orders, faults);
    let rerequest =
        raw.rerequest.as_ref().map(|text| feeds::unicast("rerequest", &of, text, faults));
    let snapshot = raw.snapshot.as_ref().map(|raw| feeds::snapshot(&of, raw.get_ref(), faults));
    let mut listen = |key: &str, wire: Wire, text: &Spanned<String>, address| {
        if let Some(address) = address {
            places.listeners.take(format!("{key} of {of}"), (wire, address), text, faults);
        }
    };
    listen("orders", Wire::Tcp, &raw.orders, orders);
    if let Some(text) = &raw.rerequest {
        listen("rerequest", Wire::Udp, text, rerequest.flatten());
    }
    if let (Some(raw), Some(snapshot)) = (&raw.snapshot, snapshot.iter().flatten().next()) {
        listen("snapshot", Wire::Tcp, &raw.get_ref().address, Some(snapshot.address));
    }
    let capacity = capacity(name, raw.capacity.get_ref(), faults);
    Some(ExchangeShard {
        name: name.to_owned(),
        placement,
        session: session(exchange, number),
        listings,
        capacity,
        orders: orders?,
        line_a: line_a?,
        line_b: line_b.flatten(),
        interface: interface?,
        rerequest: rerequest.flatten(),
        snapshot: snapshot.flatten(),
    })
}

/// The exchange's letters and the shard's number, different for each stream of a host; then when it begins,
/// which is nothing yet.
fn session(exchange: &str, number: usize) -> [u8; 10] {
    let mut session = [b'0'; 10];
    for (place, letter) in session.iter_mut().zip(exchange.bytes().take(SESSION_LETTERS)) {
        *place = letter;
    }
    session[SESSION_LETTERS] = digit(number as u64);
    session
}

/// To base 36.
fn digit(value: u64) -> u8 {
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(value % 36) as usize]
}

impl ExchangeShard {
    /// Gives its streams a session that none of its earlier runs had: when it begins, in tenths of a second.
    pub fn begin(&mut self, now: Nanos) {
        let mut tenths = now.get() / 100_000_000;
        for place in self.session[SESSION_LETTERS + 1..].iter_mut().rev() {
            *place = digit(tenths);
            tenths /= 36;
        }
    }
}

fn capacity(name: &str, raw: &raw::ExchangeCapacity, faults: &mut Faults<'_>) -> Capacity {
    let key = format!("capacity.replay_kib of shard `{name}`");
    let replay = REPLAY_KIB_MIN..=REPLAY_KIB_MAX;
    let kib = faults.limit(&key, raw.replay_kib.as_ref(), replay, 1_024);
    let mut limit = |key: &str, value: Option<&Spanned<u32>>, max: u32, default: u32| {
        faults.limit(&format!("capacity.{key} of shard `{name}`"), value, 1..=max, default)
    };
    let orders = limit("orders", Some(&raw.orders), ORDERS_MAX, 1);
    let connections = limit("connections", raw.connections.as_ref(), CONNECTIONS_MAX, 1_024);
    let terms = limit("terms", raw.terms.as_ref(), orders.max(1), (orders / 16).max(1));
    Capacity {
        orders,
        terms,
        waiting: limit("waiting", raw.waiting.as_ref(), ORDERS_MAX, terms),
        dated: limit("dated", raw.dated.as_ref(), ORDERS_MAX, terms),
        trades: limit("trades", raw.trades.as_ref(), ORDERS_MAX, 1 << 20),
        duplicates: limit("duplicates", raw.duplicates.as_ref(), DUPLICATES_MAX, 256),
        // Beyond the limit there was a fault.
        connections: u16::try_from(connections).unwrap_or(u16::MAX),
        replay_bytes: usize::try_from(kib).unwrap_or(usize::MAX).saturating_mul(1_024),
    }
}

fn dark_pool(raw: &raw::Dark, feeds: &[Spanned<config::Feed>], faults: &mut Faults<'_>) -> Dark {
    let hour = 3_600_000;
    let min = faults.limit("dark.cross_min_ms", raw.cross_min_ms.as_ref(), 0..=hour, 0_u32);
    let max = faults.limit("dark.cross_max_ms", raw.cross_max_ms.as_ref(), min..=hour, min);
    let orders = faults.limit("dark.orders", raw.orders.as_ref(), 1..=ORDERS_MAX, 1 << 18);
    let levels = faults.limit("dark.levels", raw.levels.as_ref(), 1..=ORDERS_MAX, 1 << 16);
    if raw.quote.get_ref().is_empty() {
        faults.add(&raw.quote, "dark.quote names no feed: there would be no midpoint");
    }
    let mut quote = Vec::new();
    for text in raw.quote.get_ref() {
        let names = || feeds.iter().map(|feed| feed.get_ref().name.get_ref().as_str());
        let found = (0_u16..).map(FeedId).zip(names()).find(|(_, name)| name == text.get_ref());
        match found {
            None => {
                let what = format!("dark.quote: feed `{}` is not there", text.get_ref());
                faults.add(text, what).remedy_last(&fault::suggest(text.get_ref(), names()));
            }
            Some((id, name)) if quote.contains(&id) => {
                faults.add(text, format!("dark.quote names feed `{name}` twice"));
            }
            Some((id, _)) => quote.push(id),
        }
    }
    Dark {
        quote,
        cross_min: Nanos::from_millis(min.into()),
        cross_max: Nanos::from_millis(max.into()),
        orders,
        levels,
    }
}
