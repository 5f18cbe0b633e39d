//! How large one order may be.

use types::Px;

use super::{Denied, Entry, Limits};
use crate::Notional;

/// No more shares than an order may have.
#[inline]
pub(super) fn quantity(entry: &Entry, limits: &Limits) -> Result<(), Denied> {
    if limits.qty_max < entry.qty {
        return Err(Denied::Quantity);
    }
    Ok(())
}

/// Worth no more than an order may be, at the price at which it is reserved.
#[inline]
pub(super) fn notional(entry: &Entry, px: Px, limits: &Limits) -> Result<(), Denied> {
    if limits.notional_max < Notional::of(px, entry.qty) {
        return Err(Denied::OrderNotional);
    }
    Ok(())
}
