//! What is traded on an exchange.

use std::collections::BTreeMap;

use matching::TickTable;
use toml::Spanned;
use types::{Nanos, Px, Symbol};

use super::super::{Faults, owners};
use crate::config::exchange::{self as raw, Priority};

/// One instrument of an exchange.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Listing {
    /// Its ticker.
    pub symbol: Symbol,
    /// The price that its day begins with; on a tick.
    pub reference: Px,
    /// What its ticks are worth.
    pub ticks: TickTable,
    /// Who trades first at a price.
    pub policy: Priority,
    /// How many prices around the reference each side holds in its fast part.
    pub window: u32,
    /// How many prices outside of those each side has room for.
    pub far_levels: u32,
    /// In shares.
    pub round_lot: u32,
    /// How far from the reference a cross may be, in percent.
    pub collar_percent: u32,
    /// By how much more each time that the end of a pause is put off.
    pub collar_widen_percent: u32,
    /// How often it may be put off.
    pub collar_extensions: u8,
    /// How far apart the messages about the next cross are; zero for none.
    pub imbalance_every: Nanos,
    /// Its tier under limit up / limit down.
    pub luld_tier: Option<u32>,
    /// How far from the reference it may trade, in percent.
    pub static_band_percent: Option<u32>,
    /// How far from the last trade it may trade, in percent.
    pub dynamic_band_percent: Option<u32>,
}

/// What `matching` takes.
const WINDOW_MAX: u32 = 1 << 18;
/// An OUCH order has fewer shares than that.
const ROUND_LOT_MAX: u32 = 1_000_000;
/// ITCH numbers the instruments of a feed with 16 bits.
const LISTINGS_MAX: usize = 65_535;

pub(super) fn check(entry: &Spanned<raw::Exchange>, faults: &mut Faults<'_>) -> Vec<Listing> {
    let raw = entry.get_ref();
    let name = raw.name.get_ref();
    if raw.instruments.is_empty() {
        faults.add(entry, format!("exchange `{name}` has no [[exchange.instrument]]"));
    }
    let mut lines: BTreeMap<Symbol, usize> = BTreeMap::new();
    let mut listings = Vec::new();
    for group in &raw.instruments {
        let group = group.get_ref();
        let Some(listing) = listing(group, faults) else { continue };
        if group.symbols.get_ref().is_empty() {
            faults.add(&group.symbols, "`symbols` lists nothing");
        }
        for text in group.symbols.get_ref() {
            let Some(symbol) = owners::ticker(text, faults) else { continue };
            if let Some(line) = lines.insert(symbol, faults.line_of(text)) {
                faults.add(text, format!("instrument {symbol} is listed at line {line} already"));
            }
            listings.push(Listing { symbol, ..listing });
        }
    }
    if LISTINGS_MAX < listings.len() {
        let what =
            format!("{} instruments are more than the {LISTINGS_MAX} of a feed", listings.len());
        faults.add(entry, what);
    }
    listings
}

/// All but the ticker.
fn listing(raw: &raw::Listing, faults: &mut Faults<'_>) -> Option<Listing> {
    let ticks = ticks(raw.tick.as_ref(), faults);
    let reference = px("reference", &raw.reference, faults);
    let mut percent = |key: &str, value: &Option<Spanned<u32>>| {
        let value = value.as_ref()?;
        Some(faults.limit(key, Some(value), 1..=100, 1))
    };
    let collar = percent("collar_percent", &raw.collar_percent);
    let static_band_percent = percent("static_band_percent", &raw.static_band_percent);
    let dynamic_band_percent = percent("dynamic_band_percent", &raw.dynamic_band_percent);
    let luld_tier =
        raw.luld_tier.as_ref().map(|tier| faults.limit("luld_tier", Some(tier), 1..=2, 1));
    let window = faults.limit("window", raw.window.as_ref(), 1..=WINDOW_MAX, 4_096);
    let far_levels = faults.limit("far_levels", raw.far_levels.as_ref(), 1..=WINDOW_MAX, 1_024);
    let round_lot = faults.limit("round_lot", raw.round_lot.as_ref(), 1..=ROUND_LOT_MAX, 100);
    let widen = raw.collar_widen_percent.as_ref();
    let collar_widen_percent = faults.limit("collar_widen_percent", widen, 0..=100, 5);
    let extensions = raw.collar_extensions.as_ref();
    let extensions = faults.limit("collar_extensions", extensions, 0..=255, 3_u32);
    let every_ms = raw.imbalance_every_ms.as_ref();
    let every_ms = faults.limit("imbalance_every_ms", every_ms, 0..=3_600_000, 1_000_u32);
    let (ticks, reference) = (ticks?, reference?);
    if ticks.tick(reference).is_none() {
        let what = format!("reference {reference} lies between two ticks");
        faults.add(&raw.reference, what).remedy_last("write a price that can be traded at");
    }
    Some(Listing {
        symbol: Symbol::from_wire([b' '; 8]),
        reference,
        ticks,
        policy: raw.policy.unwrap_or(Priority::PriceTime),
        window,
        far_levels,
        round_lot,
        collar_percent: collar.unwrap_or(10),
        collar_widen_percent,
        // Beyond the limit there was a fault.
        collar_extensions: u8::try_from(extensions).unwrap_or(u8::MAX),
        imbalance_every: Nanos::from_millis(every_ms.into()),
        luld_tier,
        static_band_percent,
        dynamic_band_percent,
    })
}

/// Reg NMS Rule 612 where nothing is said.
fn ticks(raw: Option<&Spanned<String>>, faults: &mut Faults<'_>) -> Option<TickTable> {
    let bands = match raw {
        None => {
            vec![(Px::ZERO, Px::from_price4(1)), (Px::from_price4(10_000), Px::from_price4(100))]
        }
        Some(text) => vec![(Px::ZERO, px("tick", text, faults)?)],
    };
    let table = TickTable::new(&bands).ok();
    if let (None, Some(text)) = (&table, raw) {
        faults.add(text, format!("tick `{}` is not above zero", text.get_ref()));
    }
    table
}

/// A price above zero that four decimals hold, as the wire's do.
pub(super) fn px(key: &str, text: &Spanned<String>, faults: &mut Faults<'_>) -> Option<Px> {
    let px = Px::parse(text.get_ref()).filter(|px| Px::ZERO < *px && px.to_price4().is_some());
    if px.is_none() {
        let what = format!(
            "{key} `{}` is not a price above zero with at most four decimals",
            text.get_ref()
        );
        faults.add(text, what).remedy_last("write it like \"101.25\"");
    }
    px
}
