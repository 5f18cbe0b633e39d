//! What the orders of a firm or a port may be at most.

use toml::Spanned;
use types::Px;

use super::super::Faults;
use super::listings::px;
use super::members::CREDIT_MAX;
use crate::config::exchange::{self as raw, Kind};

/// What one order may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLimits {
    /// Shares.
    pub qty: u32,
    /// What it may come to, in whole units of currency.
    pub notional: u64,
    /// How far through the market its limit may be.
    pub collar: Near,
    /// How far from the market, on either side.
    pub fat_finger: Near,
    /// Kinds that are not taken.
    pub forbidden: Vec<Kind>,
}

/// How far from a price another may be: the shorter of both, and anywhere without either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Near {
    /// In percent of the price.
    pub percent: Option<u32>,
    /// As an amount.
    pub amount: Option<Px>,
}

/// What a port may do; `None` for no limit of that kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortLimits {
    /// Each of its orders.
    pub order: OrderLimits,
    /// Orders in a second.
    pub orders_per_second: Option<u32>,
    /// Orders in one instrument in a second.
    pub orders_per_second_symbol: Option<u32>,
    /// Equal orders in a second.
    pub duplicates_per_second: Option<u32>,
}

/// What OUCH 5.0 takes (2.1).
const QTY_MAX: u32 = 999_999;

pub(super) fn of_port(raw: &raw::Limits, credit: u64, faults: &mut Faults<'_>) -> PortLimits {
    let order = order(raw, credit, faults);
    let mut rate = |key: &str, value: &Option<Spanned<u32>>| {
        let value = value.as_ref()?;
        Some(faults.limit(&format!("limits.{key}"), Some(value), 1..=u32::MAX, 1))
    };
    PortLimits {
        order,
        orders_per_second: rate("orders_per_second", &raw.orders_per_second),
        orders_per_second_symbol: rate("orders_per_second_symbol", &raw.orders_per_second_symbol),
        duplicates_per_second: rate("duplicates_per_second", &raw.duplicates_per_second),
    }
}

pub(super) fn of_firm(raw: &raw::Limits, credit: u64, faults: &mut Faults<'_>) -> OrderLimits {
    let rates = [
        ("orders_per_second", &raw.orders_per_second),
        ("orders_per_second_symbol", &raw.orders_per_second_symbol),
        ("duplicates_per_second", &raw.duplicates_per_second),
    ];
    for (key, value) in rates {
        if let Some(value) = value {
            faults
                .add(value, format!("limits.{key} is a port's: a firm has none"))
                .remedy_last("write it in the `limits` of the firm's ports");
        }
    }
    order(raw, credit, faults)
}

fn order(raw: &raw::Limits, credit: u64, faults: &mut Faults<'_>) -> OrderLimits {
    let collar = ("collar", raw.collar_percent.as_ref(), raw.collar_amount.as_ref());
    let finger = ("fat_finger", raw.fat_finger_percent.as_ref(), raw.fat_finger_amount.as_ref());
    OrderLimits {
        qty: faults.limit("limits.qty", raw.qty.as_ref(), 1..=QTY_MAX, QTY_MAX),
        notional: faults.limit("limits.notional", raw.notional.as_ref(), 1..=CREDIT_MAX, credit),
        collar: near(collar, faults),
        fat_finger: near(finger, faults),
        forbidden: raw.forbid.clone(),
    }
}

fn near(
    (key, percent, amount): (&str, Option<&Spanned<u32>>, Option<&Spanned<String>>),
    faults: &mut Faults<'_>,
) -> Near {
    let name = format!("limits.{key}_percent");
    let percent = percent.map(|value| faults.limit(&name, Some(value), 1..=100, 1));
    let amount = amount.and_then(|text| px(&format!("limits.{key}_amount"), text, faults));
    Near { percent, amount }
}
