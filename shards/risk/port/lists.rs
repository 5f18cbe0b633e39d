//! The firm's lists: what it may not trade, and what it may not sell short.

use super::{Denied, Entry, Short};
use crate::InstrumentSet;

/// A firm's lists.
pub(super) struct Lists {
    pub(super) restricted: InstrumentSet,
    pub(super) short_restricted: InstrumentSet,
    pub(super) easy_to_borrow: InstrumentSet,
}

impl Lists {
    /// All empty.
    pub(super) fn new(instruments: u32) -> Self {
        let empty = InstrumentSet::new(instruments);
        Self { restricted: empty.clone(), short_restricted: empty.clone(), easy_to_borrow: empty }
    }
}

/// It is no restricted stock.
#[inline]
pub(super) fn restricted(entry: &Entry, lists: &Lists) -> Result<(), Denied> {
    if lists.restricted.contains(entry.instrument) {
        return Err(Denied::Restricted);
    }
    Ok(())
}

/// What it sells short may be, and is there to be borrowed.
#[inline]
pub(super) fn short(entry: &Entry, lists: &Lists, must_locate: bool) -> Result<(), Denied> {
    if entry.short == Short::No {
        return Ok(());
    }
    if entry.short == Short::Sale && lists.short_restricted.contains(entry.instrument) {
        return Err(Denied::ShortRestricted);
    }
    if must_locate && !entry.is_located && !lists.easy_to_borrow.contains(entry.instrument) {
        return Err(Denied::Locate);
    }
    Ok(())
}
