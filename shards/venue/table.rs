//! The table of venues: a name in the configuration, how its feed travels, what its books show.

use crate::{Fault, Iex, Nasdaq, Normal, Roster};

/// How a venue's feed is framed and numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// MoldUDP64: re-requests by datagram, snapshots by GLIMPSE.
    MoldUdp64,
    /// IEX-TP: numbered the same way; what is lost stays lost.
    IexTp,
}

/// What a venue shows of its books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Single orders.
    Orders,
    /// Price levels.
    Levels,
}

/// One venue as the configuration knows it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name in the configuration.
    pub name: &'static str,
    /// The feed, for a person.
    pub title: &'static str,
    /// How it travels.
    pub transport: Transport,
    /// What it shows.
    pub depth: Depth,
    make: fn() -> Venue,
}

/// Every venue.
pub const VENUES: [Row; 2] = [
    Row {
        name: "nasdaq",
        title: "Nasdaq TotalView-ITCH 5.0 over MoldUDP64",
        transport: Transport::MoldUdp64,
        depth: Depth::Orders,
        make: || Venue::Nasdaq(Nasdaq::new()),
    },
    Row {
        name: "iex",
        title: "IEX DEEP 1.0 over IEX-TP",
        transport: Transport::IexTp,
        depth: Depth::Levels,
        make: || Venue::Iex(Iex::new()),
    },
];

impl Row {
    /// The venue of that name.
    pub fn find(name: &str) -> Option<&'static Self> {
        VENUES.iter().find(|row| row.name == name)
    }

    /// A decoder of it that has heard nothing yet.
    pub fn venue(&self) -> Venue {
        (self.make)()
    }
}

/// One venue's decoder. The branch on it is the same for every message of a feed.
#[derive(Debug)]
pub enum Venue {
    /// Nasdaq.
    Nasdaq(Nasdaq),
    /// IEX.
    Iex(Iex),
}

impl Venue {
    /// Turns one message into what it means here.
    ///
    /// Errors: [`Fault`], which says whose book can no longer be trusted.
    #[inline]
    pub fn decode(&mut self, message: &[u8], roster: &mut Roster) -> Result<Normal, Fault> {
        match self {
            Self::Nasdaq(nasdaq) => nasdaq.decode(message, roster),
            Self::Iex(iex) => iex.decode(message, roster),
        }
    }

    /// Forgets what a day dealt: instrument numbers, halts.
    pub fn clear(&mut self) {
        match self {
            Self::Nasdaq(nasdaq) => nasdaq.clear(),
            Self::Iex(iex) => iex.clear(),
        }
    }
}
