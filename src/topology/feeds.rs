//! Feeds: addresses, sessions, and which shard joins which.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use toml::Spanned;
use types::Symbol;
use venue::{Row, Transport, VENUES};

use super::{Faults, Owners, ShardId, owners};
use crate::config::{self, Ingress};
use crate::fault;

/// A feed that can be joined.
#[derive(Debug, Clone)]
pub struct Feed {
    /// In logs, metrics and `[publish]`.
    pub name: String,
    /// Whose, by its row in the table of venues.
    pub venue: &'static Row,
    /// Line A's multicast group and port.
    pub line_a: SocketAddrV4,
    /// Line B's.
    pub line_b: Option<SocketAddrV4>,
    /// The interface that joins the groups, by its address.
    pub interface: Ipv4Addr,
    /// Where lost messages are asked for.
    pub rerequest: Option<SocketAddr>,
    /// Where a snapshot is to be had.
    pub snapshot: Option<Snapshot>,
    /// How datagrams are taken from the kernel.
    pub ingress: Ingress,
    /// The instruments it carries; `None` where that is not known.
    pub carries: Option<BTreeSet<Symbol>>,
    /// How long and how much before it gives up.
    pub session: Session,
    /// The shards that join it: those that may own something it carries.
    pub shards: Vec<ShardId>,
}

/// A snapshot server and the login for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Where it listens.
    pub address: SocketAddr,
    /// At most 6 characters.
    pub user: String,
    /// At most 10 characters.
    pub password: String,
}

/// The password is not for logs.
impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("address", &self.address)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// How long and how much before a feed's session gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// How long an early packet waits for the other line.
    pub reorder: Duration,
    /// How long a re-request waits for its answer.
    pub retry: Duration,
    /// Re-requests without progress before the snapshot is taken.
    pub attempts: u32,
    /// The longest gap that is asked for again.
    pub gap_messages_max: u32,
    /// Silence after which the feed is stale.
    pub idle: Duration,
    /// Packets that may wait behind a gap.
    pub window_packets: u32,
}

pub(super) fn check(
    raw: &[Spanned<config::Feed>],
    owners: &Owners,
    faults: &mut Faults<'_>,
) -> Vec<Feed> {
    let mut places = Places::default();
    raw.iter().filter_map(|entry| feed(entry, owners, &mut places, faults)).collect()
}

/// What earlier feeds took, and at which line.
#[derive(Default)]
struct Places<'a> {
    names: BTreeMap<&'a str, usize>,
    groups: Groups,
}

/// Multicast groups that are taken, each by whom and at which line.
pub(super) type Groups = BTreeMap<SocketAddrV4, (String, usize)>;

fn feed<'a>(
    entry: &'a Spanned<config::Feed>,
    owners: &Owners,
    places: &mut Places<'a>,
    faults: &mut Faults<'_>,
) -> Option<Feed> {
    let raw = entry.get_ref();
    let name = raw.name.get_ref().as_str();
    if name.trim().is_empty() {
        faults.add(&raw.name, "feed name is empty");
    }
    if let Some(line) = places.names.insert(name, faults.line_of(&raw.name)) {
        faults.add(&raw.name, format!("feed name `{name}` is taken by the feed at line {line}"));
    }
    // Every check runs before any answer is used, so that one pass reports them all.
    let of = format!("feed `{name}`");
    let venue = venue(&raw.venue, faults);
    let line_a = line("line_a", &of, &raw.line_a, &mut places.groups, faults);
    let line_b =
        raw.line_b.as_ref().map(|text| line("line_b", &of, text, &mut places.groups, faults));
    let interface =
        raw.interface.as_ref().map_or(Some(Ipv4Addr::LOCALHOST), |text| interface(text, faults));
    let rerequest = raw.rerequest.as_ref().map(|text| unicast("rerequest", &of, text, faults));
    let snapshot = raw.snapshot.as_ref().map(|text| snapshot(&of, text.get_ref(), faults));
    let carries = raw.carries.as_ref().map(|list| carries(name, list, faults));
    let session = session(&raw.session, faults);
    let shards = joined(entry, owners, carries.as_ref(), faults);
    if let Some(venue) = venue.filter(|venue| venue.transport == Transport::IexTp) {
        let absent = |key: &str| {
            format!(
                "feed `{name}` has `{key}`, but venue `{}` offers none over this protocol",
                venue.name
            )
        };
        let remedy =
            "remove it: a loss on both lines leaves the book stale until its levels are sent again";
        if let Some(at) = &raw.rerequest {
            faults.add(at, absent("rerequest")).remedy_last(remedy);
        }
        if let Some(at) = &raw.snapshot {
            faults.add(at, absent("snapshot")).remedy_last(remedy);
        }
    }
    Some(Feed {
        name: name.to_owned(),
        venue: venue?,
        line_a: line_a?,
        line_b: line_b.flatten(),
        interface: interface?,
        rerequest: rerequest.flatten(),
        snapshot: snapshot.flatten(),
        ingress: raw.ingress.unwrap_or(Ingress::Poll),
        carries,
        session,
        shards,
    })
}

fn venue(text: &Spanned<String>, faults: &mut Faults<'_>) -> Option<&'static Row> {
    let found = Row::find(text.get_ref());
    if found.is_none() {
        let remedy = fault::suggest(text.get_ref(), VENUES.iter().map(|row| row.name));
        faults.add(text, format!("venue `{}` is unknown", text.get_ref())).remedy_last(&remedy);
    }
    found
}

/// A multicast group and port that no other line uses.
pub(super) fn line(
    key: &str,
    of: &str,
    text: &Spanned<String>,
    groups: &mut Groups,
    faults: &mut Faults<'_>,
) -> Option<SocketAddrV4> {
    let remedy = "a line is a multicast group and port: 224.0.0.0 to 239.255.255.255, e.g. `239.192.1.1:26400`";
    let group = match text.get_ref().parse::<SocketAddr>() {
        Ok(SocketAddr::V4(group)) => group,
        Ok(SocketAddr::V6(_)) => {
            faults
                .add(text, format!("{key} of {of} is an IPv6 group, which cannot be joined yet"))
                .remedy_last(remedy);
            return None;
        }
        Err(_) => {
            faults
                .add(
                    text,
                    format!("{key} of {of}, `{}`, is not an address and port", text.get_ref()),
                )
                .remedy_last(remedy);
            return None;
        }
    };
    if !group.ip().is_multicast() {
        faults.add(text, format!("{key} of {of}, {group}, is not multicast")).remedy_last(remedy);
        return None;
    }
    if group.port() == 0 {
        faults.add(text, format!("{key} of {of} has port 0")).remedy_last(remedy);
        return None;
    }
    let line = faults.line_of(text);
    if let Some((other, line)) = groups.get(&group) {
        let what = match other == of {
            true => format!(
                "{key} of {of} is the group of line {line} again: two lines on one path lose together"
            ),
            false => format!("{key} of {of}, {group}, is already a line of {other} at line {line}"),
        };
        faults.add(text, what).remedy_last("each line has a group and port of its own");
        return None;
    }
    groups.insert(group, (of.to_owned(), line));
    Some(group)
}

pub(super) fn interface(text: &Spanned<String>, faults: &mut Faults<'_>) -> Option<Ipv4Addr> {
    let address = text.get_ref().parse::<Ipv4Addr>().ok().filter(|address| !address.is_multicast());
    if address.is_none() {
        let what = format!("interface `{}` is not an IPv4 address of this host", text.get_ref());
        faults
            .add(text, what)
            .remedy_last("write the interface's own address (ip -4 addr), e.g. `127.0.0.1`");
    }
    address
}

pub(super) fn unicast(
    key: &str,
    of: &str,
    text: &Spanned<String>,
    faults: &mut Faults<'_>,
) -> Option<SocketAddr> {
    let remedy = "write one host's address and port, e.g. `127.0.0.1:26450`";
    let Ok(address) = text.get_ref().parse::<SocketAddr>() else {
        faults
            .add(text, format!("{key} of {of}, `{}`, is not an address and port", text.get_ref()))
            .remedy_last(remedy);
        return None;
    };
    if address.ip().is_multicast() || address.ip().is_unspecified() || address.port() == 0 {
        faults
            .add(text, format!("{key} of {of}, {address}, is not one host's address and port"))
            .remedy_last(remedy);
        return None;
    }
    Some(address)
}

pub(super) fn snapshot(
    of: &str,
    raw: &config::Snapshot,
    faults: &mut Faults<'_>,
) -> Option<Snapshot> {
    let address = unicast("snapshot.address", of, &raw.address, faults);
    let mut word = |key: &str, text: Option<&Spanned<String>>, longest: usize| {
        let Some(text) = text else { return String::new() };
        let value = text.get_ref();
        if longest < value.len() || !value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            // The value is a credential: it is not repeated.
            faults.add(
                text,
                format!("snapshot.{key} of {of} is not 1 to {longest} letters and digits"),
            );
        }
        value.clone()
    };
    let user = word("user", raw.user.as_ref(), 6);
    let password = word("password", raw.password.as_ref(), 10);
    Some(Snapshot { address: address?, user, password })
}

fn carries(
    feed: &str,
    list: &Spanned<Vec<Spanned<String>>>,
    faults: &mut Faults<'_>,
) -> BTreeSet<Symbol> {
    let mut carries = BTreeSet::new();
    if list.get_ref().is_empty() {
        faults
            .add(list, format!("feed `{feed}` carries nothing"))
            .remedy_last("leave `carries` out where it is not known");
    }
    for text in list.get_ref() {
        if let Some(symbol) = owners::ticker(text, faults)
            && !carries.insert(symbol)
        {
            faults.add(text, format!("feed `{feed}` carries {symbol} twice"));
        }
    }
    carries
}

fn session(raw: &config::Session, faults: &mut Faults<'_>) -> Session {
    let mut limit = |key: &str, value: Option<&Spanned<u32>>, range, default| {
        faults.limit(&format!("session.{key}"), value, range, default)
    };
    Session {
        reorder: Duration::from_micros(
            limit("reorder_us", raw.reorder_us.as_ref(), 1..=1_000_000_u32, 500).into(),
        ),
        retry: Duration::from_millis(
            limit("retry_ms", raw.retry_ms.as_ref(), 1..=60_000_u32, 5).into(),
        ),
        attempts: limit("attempts", raw.attempts.as_ref(), 1..=1_000_u32, 5),
        gap_messages_max: limit(
            "gap_messages_max",
            raw.gap_messages_max.as_ref(),
            1..=100_000_000_u32,
            50_000,
        ),
        idle: Duration::from_millis(
            limit("idle_ms", raw.idle_ms.as_ref(), 10..=3_600_000_u32, 3_000).into(),
        ),
        window_packets: limit("window_packets", raw.window_packets.as_ref(), 1..=65_535_u32, 1_024),
    }
}

/// A shard joins a feed when it may own something on it; where it is not known what the feed carries, when it may
/// own anything.
fn joined(
    entry: &Spanned<config::Feed>,
    owners: &Owners,
    carries: Option<&BTreeSet<Symbol>>,
    faults: &mut Faults<'_>,
) -> Vec<ShardId> {
    let joined: BTreeSet<ShardId> = match carries {
        Some(carries) => carries.iter().filter_map(|symbol| owners.owner(*symbol)).collect(),
        None => owners.all(),
    };
    // Without shards that trade it is for those of an exchange.
    let is_wanted = !owners.all().is_empty();
    if is_wanted && joined.is_empty() && carries.is_some_and(|carries| !carries.is_empty()) {
        let what = format!(
            "no shard owns anything that feed `{}` carries",
            entry.get_ref().name.get_ref()
        );
        faults
            .add(entry, what)
            .remedy_last("list its tickers in a shard, or write partition.rest = \"hash\"");
    }
    joined.into_iter().collect()
}
