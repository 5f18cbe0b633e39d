//! What the one who runs an exchange asks of a shard, as it crosses a ring.

use matching::Control;
use risk::port::Whose;
use runtime::Message;
use types::{FirmId, InstrumentId, PortId};

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// End the day: the closing cross of every instrument, then nothing more.
    Close,
    /// Change the phase of an instrument.
    Control {
        /// Which.
        instrument: InstrumentId,
        /// To what.
        control: Control,
    },
    /// Cancel orders and take no more.
    Kill {
        /// Whose.
        whose: Whose,
    },
    /// Take orders again.
    Revive {
        /// Whose.
        whose: Whose,
    },
    /// Break a trade.
    Bust {
        /// Its number.
        match_no: u64,
    },
}

/// Numbers of controls on the ring: append, never renumber.
const CONTROLS: [Control; 6] = [
    Control::PreOpen,
    Control::Open,
    Control::Halt,
    Control::PreReopen,
    Control::Reopen,
    Control::Close,
];

impl Command {
    /// As it crosses a ring.
    pub fn to_message(self) -> Message {
        let (kind, one, two) = match self {
            Self::Close => (1, 0, 0),
            Self::Control { instrument, control } => {
                let control = CONTROLS.iter().position(|known| *known == control);
                (2, u64::from(instrument.get()), control.unwrap_or(CONTROLS.len()) as u64)
            }
            Self::Kill { whose } => numbered(3, whose),
            Self::Revive { whose } => numbered(4, whose),
            Self::Bust { match_no } => (5, match_no, 0),
        };
        Message([kind, one, two, 0, 0, 0, 0, 0])
    }

    /// Back from a ring; `None` where the message is something else.
    pub fn from_message(message: &Message) -> Option<Self> {
        let [kind, one, two, ..] = message.0;
        Some(match kind {
            1 => Self::Close,
            2 => Self::Control {
                instrument: InstrumentId::new(u32::try_from(one).ok()?),
                control: *CONTROLS.get(usize::try_from(two).ok()?)?,
            },
            3 => Self::Kill { whose: whose(one, two)? },
            4 => Self::Revive { whose: whose(one, two)? },
            5 => Self::Bust { match_no: one },
            _ => return None,
        })
    }
}

fn numbered(kind: u64, whose: Whose) -> (u64, u64, u64) {
    match whose {
        Whose::Venue => (kind, 0, 0),
        Whose::Firm(firm) => (kind, 1, u64::from(firm.get())),
        Whose::Port(port) => (kind, 2, u64::from(port.get())),
    }
}

fn whose(kind: u64, number: u64) -> Option<Whose> {
    let number = u16::try_from(number).ok()?;
    Some(match kind {
        0 => Whose::Venue,
        1 => Whose::Firm(FirmId::new(number)),
        2 => Whose::Port(PortId::new(number)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{CONTROLS, Command};
    use risk::port::Whose;
    use runtime::Message;
    use types::{FirmId, InstrumentId, PortId};

    #[test]
    fn survives_the_ring() {
        let instrument = InstrumentId::new(70_000);
        let controls = CONTROLS.map(|control| Command::Control { instrument, control });
        let others = [
            Command::Close,
            Command::Kill { whose: Whose::Venue },
            Command::Kill { whose: Whose::Firm(FirmId::new(9)) },
            Command::Revive { whose: Whose::Port(PortId::new(u16::MAX)) },
            Command::Bust { match_no: u64::MAX },
        ];
        for command in controls.into_iter().chain(others) {
            assert_eq!(Command::from_message(&command.to_message()), Some(command));
        }
        for bad in [[0; 8], [2, 0, 6, 0, 0, 0, 0, 0], [3, 2, 1 << 16, 0, 0, 0, 0, 0], [6; 8]] {
            assert_eq!(Command::from_message(&Message(bad)), None, "{bad:?}");
        }
    }
}
