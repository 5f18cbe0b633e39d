//! Kinds of orders that are not allowed.

use types::Side;

use super::limits::{Kind, Kinds};
use super::{Denied, Entry, Hours, Limits, Short};

/// It is of no kind that is forbidden.
#[inline]
pub(super) fn kind(entry: &Entry, limits: &Limits) -> Result<(), Denied> {
    let forbidden = limits.forbidden;
    if forbidden != Kinds::NONE && kinds_of(entry).meets(forbidden) {
        return Err(why(kinds_of(entry), forbidden));
    }
    Ok(())
}

fn kinds_of(entry: &Entry) -> Kinds {
    let is_market = entry.px.is_none();
    let is_offering_buy = is_market && entry.is_offering && entry.side == Side::Buy;
    Kinds::NONE
        .and_if(Kind::Market, is_market)
        .and_if(Kind::Short, entry.short == Short::Sale)
        .and_if(Kind::ShortExempt, entry.short == Short::Exempt)
        .and_if(Kind::Sweep, entry.is_sweep)
        .and_if(Kind::PreMarket, entry.hours == Hours::PreMarket)
        .and_if(Kind::PostMarket, entry.hours == Hours::PostMarket)
        .and_if(Kind::OfferingMarketBuy, is_offering_buy)
}

/// The first that is both.
#[cold]
fn why(kinds: Kinds, forbidden: Kinds) -> Denied {
    let table = [
        (Kind::Market, Denied::MarketOrder),
        (Kind::Short, Denied::ShortSale),
        (Kind::ShortExempt, Denied::ShortExempt),
        (Kind::Sweep, Denied::Sweep),
        (Kind::PreMarket, Denied::PreMarket),
        (Kind::PostMarket, Denied::PostMarket),
    ];
    let is_both = |row: &&(Kind, Denied)| kinds.has(row.0) && forbidden.has(row.0);
    table.iter().find(is_both).map_or(Denied::OfferingMarketBuy, |row| row.1)
}
