//! Who may trade on an exchange: firms and their ports.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use types::{FirmId, Symbol};

use super::super::{Faults, owners};
use crate::config::exchange::{self as raw, PortLimits, SelfMatch};
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
    /// What it may not trade.
    pub restricted: BTreeSet<Symbol>,
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
        write!(f, "Login({})", String::from_utf8_lossy(self.user.trim_ascii_end()))
    }
}

/// A port for orders; its place is also its account's.
#[derive(Debug, Clone, Copy)]
pub struct Port {
    /// Its login.
    pub login: Login,
    /// Whose it is.
    pub firm: FirmId,
    /// Its orders are cancelled when its connection is lost.
    pub cancel_on_disconnect: bool,
    /// What happens where its orders would trade with its own firm's.
    pub self_match: SelfMatch,
    /// What it may do at most.
    pub limits: Limits,
}

/// What a port may do at most; `None` for no limit of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Shares of one order.
    pub qty: u32,
    /// What one order may come to, in whole units of currency.
    pub notional: u64,
    /// How far from the market an order's limit may be, in percent.
    pub collar_percent: Option<u32>,
    /// Orders in a second.
    pub orders_per_second: Option<u32>,
    /// Orders in one instrument in a second.
    pub orders_per_second_symbol: Option<u32>,
    /// Equal orders in a second.
    pub duplicates_per_second: Option<u32>,
    /// Market orders are taken.
    pub market_orders: bool,
}

/// What OUCH 5.0 takes (2.1).
const QTY_MAX: u32 = 999_999;
/// A currency's units in credit stay far from the end of an i64 of 1e-8 with shares.
const CREDIT_MAX: u64 = 1 << 40;
/// Ports are numbered with 16 bits.
const PORTS_MAX: usize = 65_535;

pub(super) fn check(
    entry: &Spanned<raw::Exchange>,
    faults: &mut Faults<'_>,
) -> (Vec<Firm>, Vec<Port>) {
    let raw = entry.get_ref();
    let name = raw.name.get_ref();
    if raw.ports.is_empty() {
        faults
            .add(entry, format!("exchange `{name}` has no [[exchange.port]]: nobody could trade"));
    }
    let mut users: BTreeMap<[u8; 6], usize> = BTreeMap::new();
    let mut names: BTreeMap<&str, FirmId> = BTreeMap::new();
    let mut firms = Vec::new();
    for entry in &raw.firms {
        let raw = entry.get_ref();
        let text = raw.name.get_ref().as_str();
        if names.insert(text, FirmId::new(u16::try_from(firms.len()).unwrap_or(u16::MAX))).is_some()
        {
            faults.add(&raw.name, format!("firm `{text}` is there twice"));
        }
        firms.push(firm(raw, &mut users, faults));
    }
    let mut ports = Vec::new();
    for entry in &raw.ports {
        let of = group(entry.get_ref(), (&names, &firms), &mut users, faults);
        ports.extend(of);
    }
    if PORTS_MAX < ports.len() {
        faults.add(entry, format!("{} ports are more than {PORTS_MAX}", ports.len()));
    }
    (firms, ports)
}

fn firm(raw: &raw::Firm, users: &mut BTreeMap<[u8; 6], usize>, faults: &mut Faults<'_>) -> Firm {
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
    let restricted: BTreeSet<Symbol> =
        raw.restricted.iter().filter_map(|text| owners::ticker(text, faults)).collect();
    Firm { name: name.unwrap_or(*b"    "), credit, drop_copy, restricted }
}

/// The ports of one table.
fn group(
    raw: &raw::Port,
    (names, firms): (&BTreeMap<&str, FirmId>, &[Firm]),
    users: &mut BTreeMap<[u8; 6], usize>,
    faults: &mut Faults<'_>,
) -> Vec<Port> {
    let count = faults.limit("count of a port", raw.count.as_ref(), 1..=65_535, 1_u32);
    let mut owners = Vec::new();
    if raw.firms.get_ref().is_empty() {
        faults.add(&raw.firms, "a port belongs to no firm");
    }
    for text in raw.firms.get_ref() {
        match names.get(text.get_ref().as_str()) {
            Some(firm) => owners.push(*firm),
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
    for (number, firm) in (1..=count).zip(owners.iter().cycle()) {
        let digits = 6_usize.saturating_sub(pattern.len().saturating_sub("{n}".len()));
        let name = pattern.replace("{n}", &format!("{number:0digits$}"));
        let user = user(&raw.user, &name, users, faults);
        let (Some(user), Some(password)) = (user, password) else { break };
        let credit = firms.get(firm.index()).map_or(CREDIT_MAX, |firm| firm.credit);
        ports.push(Port {
            login: Login { user, password },
            firm: *firm,
            cancel_on_disconnect: raw.cancel_on_disconnect.unwrap_or(true),
            self_match: raw.self_match.unwrap_or(SelfMatch::Allow),
            limits: limits(&raw.limits, credit, faults),
        });
    }
    ports
}

fn limits(raw: &PortLimits, credit: u64, faults: &mut Faults<'_>) -> Limits {
    let mut limit = |key: &str, value: &Option<Spanned<u32>>, max: u32| {
        let value = value.as_ref()?;
        Some(faults.limit(&format!("limits.{key}"), Some(value), 1..=max, 1))
    };
    let qty = limit("qty", &raw.qty, QTY_MAX);
    let collar_percent = limit("collar_percent", &raw.collar_percent, 100);
    let orders_per_second = limit("orders_per_second", &raw.orders_per_second, u32::MAX);
    let of_symbol = limit("orders_per_second_symbol", &raw.orders_per_second_symbol, u32::MAX);
    let duplicates_per_second =
        limit("duplicates_per_second", &raw.duplicates_per_second, u32::MAX);
    let notional = raw.notional.as_ref();
    Limits {
        qty: qty.unwrap_or(QTY_MAX),
        notional: faults.limit("limits.notional", notional, 1..=CREDIT_MAX, credit),
        collar_percent,
        orders_per_second,
        orders_per_second_symbol: of_symbol,
        duplicates_per_second,
        market_orders: raw.market_orders.unwrap_or(true),
    }
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
