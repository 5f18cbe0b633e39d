//! What the one who runs an exchange asks of a shard, as it crosses a ring.

use matching::Control;
use risk::port::Whose;
use runtime::Message;
use types::{FirmId, InstrumentId, PortId};
use wire::ouch50::BrokenReason;

/// One request. Each is answered with an [`Answer`](super::Answer) that has its number.
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
        /// What both sides are told.
        reason: BrokenReason,
    },
    /// Say how things stand: one page of a list.
    Look {
        /// Which.
        list: List,
        /// The first that is asked for.
        from: u32,
    },
}

/// What can be looked at, one state each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// The phase of each instrument.
    Phases,
    /// The venue's kill switch.
    Venue,
    /// Each firm's.
    Firms,
    /// Each port's.
    Ports,
}

/// Numbers of lists on the ring: append, never renumber.
pub(super) const LISTS: [List; 4] = [List::Phases, List::Venue, List::Firms, List::Ports];

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
    /// As it crosses a ring, with the number that its answer will have.
    pub fn to_message(self, number: u64) -> Message {
        let (kind, one, two) = match self {
            Self::Close => (1, 0, 0),
            Self::Control { instrument, control } => {
                let control = CONTROLS.iter().position(|known| *known == control);
                (2, u64::from(instrument.get()), control.unwrap_or(CONTROLS.len()) as u64)
            }
            Self::Kill { whose } => numbered(3, whose),
            Self::Revive { whose } => numbered(4, whose),
            Self::Bust { match_no, reason } => (5, match_no, u64::from(reason.byte())),
            Self::Look { list, from } => {
                let list = LISTS.iter().position(|known| *known == list);
                (6, u64::from(from), list.unwrap_or(LISTS.len()) as u64)
            }
        };
        Message([kind, one, two, number, 0, 0, 0, 0])
    }

    /// Back from a ring, with its number; `None` where the message is something else.
    pub fn from_message(message: &Message) -> Option<(u64, Self)> {
        let [kind, one, two, number, ..] = message.0;
        let command = match kind {
            1 => Self::Close,
            2 => Self::Control {
                instrument: InstrumentId::new(u32::try_from(one).ok()?),
                control: *CONTROLS.get(usize::try_from(two).ok()?)?,
            },
            3 => Self::Kill { whose: whose(one, two)? },
            4 => Self::Revive { whose: whose(one, two)? },
            5 => Self::Bust {
                match_no: one,
                reason: BrokenReason::from_byte(u8::try_from(two).ok()?).ok()?,
            },
            6 => Self::Look {
                list: *LISTS.get(usize::try_from(two).ok()?)?,
                from: u32::try_from(one).ok()?,
            },
            _ => return None,
        };
        Some((number, command))
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
    use super::{CONTROLS, Command, LISTS};
    use risk::port::Whose;
    use runtime::Message;
    use types::{FirmId, InstrumentId, PortId};
    use wire::ouch50::BrokenReason;

    #[test]
    fn survives_the_ring() {
        let instrument = InstrumentId::new(70_000);
        let controls = CONTROLS.map(|control| Command::Control { instrument, control });
        let looks = LISTS.map(|list| Command::Look { list, from: 80_000 });
        let busts =
            BrokenReason::ALL.iter().map(|&reason| Command::Bust { match_no: u64::MAX, reason });
        let others = [
            Command::Close,
            Command::Kill { whose: Whose::Venue },
            Command::Kill { whose: Whose::Firm(FirmId::new(9)) },
            Command::Revive { whose: Whose::Port(PortId::new(u16::MAX)) },
        ];
        let all = controls.into_iter().chain(looks).chain(busts).chain(others);
        for (number, command) in (1..).zip(all) {
            let message = command.to_message(number);
            assert_eq!(Command::from_message(&message), Some((number, command)));
        }
        let bad = [
            [0; 8],
            [2, 0, 6, 1, 0, 0, 0, 0],
            [3, 2, 1 << 16, 1, 0, 0, 0, 0],
            [5, 1, 0, 1, 0, 0, 0, 0],
            [6, 0, 4, 1, 0, 0, 0, 0],
            [7; 8],
        ];
        for bad in bad {
            assert_eq!(Command::from_message(&Message(bad)), None, "{bad:?}");
        }
    }
}
