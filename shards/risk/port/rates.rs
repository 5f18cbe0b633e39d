//! How often: by port, by port and symbol, and the same order again.

use types::{Nanos, PortId};

use super::{Denied, Entry, Port, Reserved};
use crate::rate::Bucket;
use crate::repeats::{Likeness, Repeats};

/// No more messages of the port than its rate.
#[inline]
pub(super) fn port(now: Nanos, from: &mut Port) -> Result<(), Denied> {
    let Some(rate) = &from.limits.rate else {
        return Ok(());
    };
    if from.bucket.take(now, rate) { Ok(()) } else { Err(Denied::PortRate) }
}

/// No more messages of the port for the symbol than its rate.
#[inline]
pub(super) fn symbol(
    now: Nanos,
    from: &Port,
    symbols: &mut [Bucket],
    entry: &Entry,
) -> Result<(), Denied> {
    let (Some(rate), Some(row)) = (&from.limits.symbol_rate, from.symbols_at) else {
        return Ok(());
    };
    let bucket = symbols.get_mut(row + entry.instrument.index()).ok_or(Denied::Instrument)?;
    if bucket.take(now, rate) { Ok(()) } else { Err(Denied::SymbolRate) }
}

/// The port did not enter the same too often; to replace an order is not to enter one.
#[inline]
pub(super) fn duplicate(
    now: Nanos,
    port: PortId,
    from: &Port,
    repeats: &mut Repeats,
    held: &Reserved,
    entry: &Entry,
) -> Result<(), Denied> {
    let Some(rate) = from.limits.duplicate_rate.as_ref().filter(|_| held.is_new()) else {
        return Ok(());
    };
    let like = Likeness::new(entry.instrument, entry.side, entry.qty, entry.px);
    if repeats.take(now, port.index(), like, rate) { Ok(()) } else { Err(Denied::Duplicate) }
}
