//! The kill switches: of the venue, of a firm, of a port.

use types::{FirmId, PortId};

use super::Denied;

/// Whose switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's.
    Venue,
    /// A firm's, on all ports.
    Firm(FirmId),
    /// A port's, for all firms.
    Port(PortId),
}

/// No switch is on.
#[inline]
pub(super) fn switch(venue: bool, firm: bool, port: bool) -> Result<(), Denied> {
    // One branch for all three: they are off.
    if !(venue | firm | port) {
        return Ok(());
    }
    Err(match (venue, firm) {
        (true, _) => Denied::VenueStopped,
        (false, true) => Denied::FirmStopped,
        (false, false) => Denied::PortStopped,
    })
}
