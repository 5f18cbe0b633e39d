//! Who may trade on an exchange: firms and their ports.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use types::{AccountId, FirmId, Symbol};

use super::super::{Faults, owners};
use super::accounts::{Account, Accounts};
use super::limits::{self, OrderLimits, PortLimits};
use super::listings::Listing;
use crate::config::exchange::{self as raw, SelfMatch, SelfMatchBy};
use crate::fault;

/// A member.
#[derive(Debug, Clone)]
pub struct Firm {
    /// Its four letters.
    pub name: [u8; 4],
    /// What its open orders and its trades may come to, in whole units of currency.
    pub credit: u64,
    /// The login of its drop copy.
    pub drop_copy: Option<Login>,
    /// What each of its orders may be.
    pub limits: OrderLimits,
    /// What it may not trade.
    pub restricted: BTreeSet<Symbol>,
    /// What it may not sell short.
    pub short_restricted: BTreeSet<Symbol>,
    /// What it may sell short without a locate.
    pub easy_to_borrow: BTreeSet<Symbol>,
    /// What it sells short must be easy to borrow or located.
    pub must_locate: bool,
    /// Which orders are its own.
    pub self_match_by: SelfMatchBy,
}

/// A login of SoupBinTCP, padded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// Who.
    pub user: [u8; 6],
    /// Not for logs.
    pub password: [u8; 10],
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({})", text(&self.user))
    }
}

/// Letters of a field without the blanks behind them.
pub(crate) fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field.trim_ascii_end()).into_owned()
}

/// A port for orders.
#[derive(Debug, Clone)]
pub struct Port {
    /// Its login.
    pub login: Login,
    /// Whose it is.
    pub firm: FirmId,
    /// Whose its orders are.
    pub account: AccountId,
    /// Whose they are where they have this option `GroupID`.
    pub groups: Vec<(u16, AccountId)>,
    /// Its orders are cancelled when its connection is lost.
    pub cancel_on_disconnect: bool,
    /// What happens where its orders would trade with others of their owner.
    pub self_match: SelfMatch,
    /// Its accepted orders are told how much they add to the best price.
    pub bbo_weight: bool,
    /// What it may do at most.
    pub limits: PortLimits,
}

/// Everybody who may trade.
pub(super) struct Members {
    pub(super) firms: Vec<Firm>,
    pub(super) accounts: Vec<Account>,
    pub(super) ports: Vec<Port>,
}

/// A currency's units in credit stay far from the end of an i64 of 1e-8 with shares.
pub(super) const CREDIT_MAX: u64 = 1 << 40;
/// Ports are counted with 16 bits, and so are firms.
const PORTS_MAX: usize = 65_535;
const FIRMS_MAX: usize = 65_535;
/// Logins, those of ports and of drop copies together, are numbered with 16 bits from 0.
const LOGINS_MAX: usize = 65_536;

pub(super) fn check(
    entry: &Spanned<raw::Exchange>,
    listings: &[Listing],
    faults: &mut Faults<'_>,
) -> Members {
    let raw = entry.get_ref();
    let name = raw.name.get_ref();
    if raw.ports.is_empty() {
        faults
            .add(entry, format!("exchange `{name}` has no [[exchange.port]]: nobody could trade"));
    }
    let traded: BTreeSet<Symbol> = listings.iter().map(|listing| listing.symbol).collect();
    let mut users: BTreeMap<[u8; 6], usize> = BTreeMap::new();
    let mut names: BTreeMap<&str, FirmId> = BTreeMap::new();
    let (mut firms, mut accounts) = (Vec::new(), Accounts::default());
    for entry in &raw.firms {
        let raw = entry.get_ref();
        let text = raw.name.get_ref().as_str();
        let id = FirmId::new(u16::try_from(firms.len()).unwrap_or(u16::MAX));
        if names.insert(text, id).is_some() {
            faults.add(&raw.name, format!("firm `{text}` is there twice"));
        }
        let firm = firm(raw, &traded, &mut users, faults);
        accounts.add_firm(id, (&firm, raw), faults);
        firms.push(firm);
    }
    let mut ports = Vec::new();
    for entry in &raw.ports {
        let of = (raw.firms.as_slice(), &names, firms.as_slice());
        ports.extend(group(entry.get_ref(), of, &mut accounts, &mut users, faults));
    }
    let drop_copies = firms.iter().filter(|firm| firm.drop_copy.is_some()).count();
    let counts = [
        (firms.len(), "firms", FIRMS_MAX),
        (ports.len(), "ports", PORTS_MAX),
        (ports.len() + drop_copies, "ports and drop copies", LOGINS_MAX),
    ];
    for (count, what, max) in counts {
        if max < count {
            faults.add(entry, format!("{count} {what} are more than {max}"));
        }
    }
    Members { firms, accounts: accounts.into_all(), ports }
}

fn firm(
    raw: &raw::Firm,
    traded: &BTreeSet<Symbol>,
    users: &mut BTreeMap<[u8; 6], usize>,
    faults: &mut Faults<'_>,
) -> Firm {
    let text = raw.name.get_ref().as_bytes();
    let name =
        <[u8; 4]>::try_from(text).ok().filter(|name| name.iter().all(u8::is_ascii_uppercase));
    if name.is_none() {
        let what = format!("firm name `{}` is not four capital letters", raw.name.get_ref());
        faults.add(&raw.name, what);
    }
    let credit = faults.limit("credit of a firm", Some(&raw.credit), 1..=CREDIT_MAX, CREDIT_MAX);
    let drop_copy = raw.drop_copy.as_ref().and_then(|entry| {
        let raw = entry.get_ref();
        let login = Login {
            user: user(&raw.user, raw.user.get_ref(), users, faults)?,
            password: password(&raw.password, faults)?,
        };
        Some(login)
    });
    Firm {
        name: name.unwrap_or(*b"    "),
        credit,
        drop_copy,
        limits: limits::of_firm(&raw.limits, credit, faults),
        restricted: list(&raw.restricted, traded, faults),
        short_restricted: list(&raw.short_restricted, traded, faults),
        easy_to_borrow: list(&raw.easy_to_borrow, traded, faults),
        must_locate: raw.must_locate.unwrap_or(false),
        self_match_by: raw.self_match_by.as_ref().map_or(SelfMatchBy::Firm, |by| *by.get_ref()),
    }
}

/// A list of instruments. One that is not traded would be a slip that nobody sees.
fn list(
    texts: &[Spanned<String>],
    traded: &BTreeSet<Symbol>,
    faults: &mut Faults<'_>,
) -> BTreeSet<Symbol> {
    let mut list = BTreeSet::new();
    for text in texts {
        let Some(symbol) = owners::ticker(text, faults) else { continue };
        list.insert(symbol);
        if !traded.contains(&symbol) {
            let names: Vec<String> = traded.iter().map(ToString::to_string).collect();
            let remedy = fault::suggest(text.get_ref(), names.iter().map(String::as_str));
            let what = format!("instrument {symbol} is on no list of the exchange");
            faults.add(text, what).remedy_last(&remedy);
        }
    }
    list
}

/// What is the same for all ports of one table and one firm.
struct Kind {
    firm: FirmId,
    account: Option<AccountId>,
    groups: Vec<(u16, AccountId)>,
    limits: PortLimits,
}

/// The ports of one table.
fn group<'a>(
    raw: &'a raw::Port,
    (raw_firms, names, firms): (&'a [Spanned<raw::Firm>], &BTreeMap<&str, FirmId>, &[Firm]),
    accounts: &mut Accounts<'a>,
    users: &mut BTreeMap<[u8; 6], usize>,
    faults: &mut Faults<'_>,
) -> Vec<Port> {
    let count = faults.limit("count of a port", raw.count.as_ref(), 1..=65_535, 1_u32);
    if raw.firms.get_ref().is_empty() {
        faults.add(&raw.firms, "a port belongs to no firm");
    }
    let mut kinds = Vec::new();
    for text in raw.firms.get_ref() {
        match names.get(text.get_ref().as_str()) {
            Some(firm) => {
                let credit = firms.get(firm.index()).map_or(CREDIT_MAX, |firm| firm.credit);
                kinds.push(kind(raw, (*firm, text.get_ref(), credit), accounts, faults));
            }
            None => {
                let what = format!("firm `{}` is not there", text.get_ref());
                let remedy = fault::suggest(text.get_ref(), names.keys().copied());
                faults.add(text, what).remedy_last(&remedy);
            }
        }
    }
    let pattern = raw.user.get_ref();
    if 1 < count && !pattern.contains("{n}") {
        let what = format!("user `{pattern}` would be the same for {count} ports");
        faults.add(&raw.user, what).remedy_last("write `{n}` where the number of each goes");
        return Vec::new();
    }
    let password = password(&raw.password, faults);
    let mut ports = Vec::new();
    for (number, kind) in (1..=count).zip(kinds.iter().cycle()) {
        let digits = 6_usize.saturating_sub(pattern.len().saturating_sub("{n}".len()));
        let name = pattern.replace("{n}", &format!("{number:0digits$}"));
        let user = user(&raw.user, &name, users, faults);
        let (Some(user), Some(password)) = (user, password) else { break };
        let firm = (&firms[kind.firm.index()], raw_firms[kind.firm.index()].get_ref());
        let own = || accounts.add_own(kind.firm, firm, &name);
        ports.push(Port {
            login: Login { user, password },
            firm: kind.firm,
            account: kind.account.unwrap_or_else(own),
            groups: kind.groups.clone(),
            cancel_on_disconnect: raw.cancel_on_disconnect.unwrap_or(true),
            self_match: raw.self_match.unwrap_or(SelfMatch::Allow),
            bbo_weight: raw.bbo_weight.unwrap_or(false),
            limits: kind.limits.clone(),
        });
    }
    ports
}

fn kind(
    raw: &raw::Port,
    (firm, name, credit): (FirmId, &str, u64),
    accounts: &Accounts<'_>,
    faults: &mut Faults<'_>,
) -> Kind {
    let mut groups: Vec<(u16, AccountId)> = Vec::new();
    for entry in &raw.groups {
        let group = entry.get_ref();
        let id: u32 = faults.limit("id of a group", Some(&group.id), 1..=65_535, 1);
        let id = u16::try_from(id).unwrap_or(u16::MAX);
        if groups.iter().any(|(known, _)| *known == id) {
            faults.add(&group.id, format!("group {id} of the port is there twice"));
        }
        groups.extend(accounts.find((firm, name), &group.account, faults).map(|of| (id, of)));
    }
    let account = raw.account.as_ref().and_then(|text| accounts.find((firm, name), text, faults));
    Kind { firm, account, groups, limits: limits::of_port(&raw.limits, credit, faults) }
}

/// A user that nobody else has. Case does not matter, so it is kept in capitals.
fn user(
    at: &Spanned<String>,
    text: &str,
    users: &mut BTreeMap<[u8; 6], usize>,
    faults: &mut Faults<'_>,
) -> Option<[u8; 6]> {
    let Some(user) = padded(&text.to_ascii_uppercase()) else {
        faults.add(at, format!("user `{text}` is not 1 to 6 letters and digits"));
        return None;
    };
    if let Some(line) = users.insert(user, faults.line_of(at)) {
        faults.add(at, format!("user `{text}` is taken at line {line}"));
        return None;
    }
    Some(user)
}

fn password(text: &Spanned<String>, faults: &mut Faults<'_>) -> Option<[u8; 10]> {
    let password = padded(text.get_ref());
    if password.is_none() {
        // It is not repeated.
        faults.add(text, "a password is not 1 to 10 letters and digits");
    }
    password
}

fn padded<const N: usize>(text: &str) -> Option<[u8; N]> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut word = [b' '; N];
    word.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    (plain && !text.is_empty()).then_some(word)
}
