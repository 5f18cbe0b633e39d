//! Where one order may be priced, and at which price its credit is reserved.

use types::{Px, Side};

use super::{Denied, Entry, Limits};

/// Its limit is not too far through the reference.
#[inline]
pub(super) fn collar(entry: &Entry, limits: &Limits) -> Result<(), Denied> {
    let Some(px) = entry.px.filter(|_| limits.collar.is_some()) else {
        return Ok(());
    };
    let (low, high) = limits.collar.around(entry.reference.ok_or(Denied::NoReference)?);
    let is_through = match entry.side {
        Side::Buy => high < px,
        Side::Sell => px < low,
    };
    if is_through { Err(Denied::Collar) } else { Ok(()) }
}

/// Its limit is not too far from the reference, on either side.
#[inline]
pub(super) fn fat_finger(entry: &Entry, limits: &Limits) -> Result<(), Denied> {
    let Some(px) = entry.px.filter(|_| limits.fat_finger.is_some()) else {
        return Ok(());
    };
    let (low, high) = limits.fat_finger.around(entry.reference.ok_or(Denied::NoReference)?);
    if px < low || high < px { Err(Denied::FatFinger) } else { Ok(()) }
}

/// The price at which each of its shares is reserved.
///
/// A buy costs its limit and no more. A sale may be filled above its limit: it is reserved at the
/// reference where that is higher. A market order is reserved at the reference with the collar added,
/// on either side; without a reference there is no price for it.
#[inline]
pub(super) fn reserve(entry: &Entry, limits: &Limits) -> Result<Px, Denied> {
    match (entry.px, entry.side) {
        (Some(px), Side::Buy) => Ok(px),
        (Some(px), Side::Sell) => Ok(entry.reference.map_or(px, |reference| px.max(reference))),
        (None, Side::Buy | Side::Sell) => {
            let reference = entry.reference.ok_or(Denied::NoReference)?;
            if !limits.collar.is_some() {
                return Ok(reference);
            }
            Ok(limits.collar.around(reference).1)
        }
    }
}
