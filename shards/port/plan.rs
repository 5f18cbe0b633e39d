//! Who may connect, what trades, and how much room there is.

use alloc::vec::Vec;

use matching::{SelfMatch, TickTable};
use session::SessionId;
use session::soup::{Credentials, SoupConfig};
use types::{AccountId, FirmId, MatchNo, Nanos, Px, Symbol};

/// Everything that [`Ports::new`](crate::Ports::new) is told. All room is taken then and none after.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The SoupBinTCP session of the day: a login names it, or none.
    pub session: SessionId,
    /// When the day began, by the clock of `now`: times in messages count from here.
    pub midnight: Nanos,
    /// Sizes and times of each connection. A client that keeps us waiting for `dead` with messages
    /// to send is cut off.
    pub soup: SoupConfig,
    /// Connections at once, logged in or not. Where one more comes, the oldest of those that have not
    /// logged in gives way to it; one that has never does.
    pub connections_max: u16,
    /// Live orders over all ports: 64 bytes each, 24 for the credit that it holds, and 13 to 26 to find
    /// it. The low 32 bits of every key are below it.
    pub orders_max: u32,
    /// The first execution's number. Shards that share a feed begin so far apart that they never meet.
    pub first_match: MatchNo,
    /// The newest trades, as many as can still be broken.
    pub trades_max: u32,
    /// How many orders a mass cancel looks at in one call.
    pub sweep_max: u32,
    /// Mixed into the hash of user reference numbers, so that none can be chosen to collide.
    pub seed: u64,
    /// In order of instrument.
    pub listings: Vec<Listing>,
    /// Who enters orders.
    pub ports: Vec<PortPlan>,
    /// Who listens to a firm's.
    pub drops: Vec<DropPlan>,
}

/// An instrument, as orders name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its ticker.
    pub symbol: Symbol,
    /// Its prices.
    pub ticks: TickTable,
    /// What its orders are measured by while nothing is offered and nothing has traded: the close of
    /// the day before.
    pub close: Option<Px>,
    /// It crosses in the day, at a midpoint.
    pub is_dark: bool,
}

/// One OUCH port.
#[derive(Clone, Debug)]
pub struct PortPlan {
    /// User and password; the session is not looked at.
    pub login: Credentials,
    /// Whose it is, four letters.
    pub firm: [u8; 4],
    /// The same, as risk has it.
    pub firm_id: FirmId,
    /// Whose its orders are.
    pub account: AccountId,
    /// Whose they are where they have this option `GroupID`.
    pub groups: Vec<(u16, AccountId)>,
    /// What happens where an order meets its own group, unless it says so itself.
    pub self_match: SelfMatch,
    /// Its orders are cancelled when its connection ends.
    pub cancel_on_disconnect: bool,
    /// Stop and market-to-limit orders are taken, by option tags that OUCH 5.0 does not have.
    pub extensions: bool,
    /// An accepted order is told how much it added to the best price.
    pub bbo_weight: bool,
    /// What can be told again.
    pub store: StoreSize,
}

/// One drop copy login.
#[derive(Clone, Debug)]
pub struct DropPlan {
    /// User and password; the session is not looked at.
    pub login: Credentials,
    /// Whose ports it hears, four letters.
    pub firm: [u8; 4],
    /// What can be told again.
    pub store: StoreSize,
}

/// How much of a stream is kept: whichever ends first.
///
/// What one input tells is handed to the connection after it: a mass cancel `sweep_max` orders of a port
/// at a time, a cross all orders of the port at once. Where that is more than is kept, the connection is cut
/// off without an end of the session ([`Counters::lapped`](crate::Counters::lapped)); its client is
/// refused with `S` where it then asks for what it missed, and logs in with 0 or with what is kept. The
/// orders stand or fall as for any connection that ends. So keep at least what a step of a mass cancel
/// tells, 64 bytes for each order, and as much as the port has orders where it takes part in crosses. A
/// drop copy hears all of its firm's ports: a kill takes a step of each, and so does the time that passes,
/// before the socket is written to. What its connection has room for is handed over between them; to be
/// sure of the rest, keep as much for each of the ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreSize {
    /// Messages, 8 bytes each beside their own.
    pub messages_max: u32,
    /// Bytes of messages; held at 1,024 or more.
    pub bytes_max: u32,
}
