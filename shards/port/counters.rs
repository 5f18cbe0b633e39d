//! What was counted, for whoever watches.

use session::soup::Closed;

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Logins that were let in.
    pub logins: u64,
    /// Refused with `A`: no such user, or another password.
    pub bad_credentials: u64,
    /// Refused with `A`: the user is logged in already.
    pub live_twice: u64,
    /// Refused with `S`: no such session.
    pub unknown_session: u64,
    /// Refused with `S`: the message asked for is no longer kept.
    pub forgotten: u64,
    /// Connections for which there was no place: all that there are had logged in.
    pub unplaced: u64,
    /// Connections cut off before they logged in, the oldest first, because others came and every place
    /// was taken.
    pub displaced: u64,
    /// Requests with a user reference number that is not above the last one: ignored.
    pub retransmitted: u64,
    /// Requests about an order that is not live, or that would change nothing: ignored.
    pub ignored: u64,
    /// Requests answered with a reject.
    pub rejected: u64,
    /// Replacements that were not valid, so that the order they were for was cancelled.
    pub unreplaced: u64,
    /// Trades that were broken.
    pub busts: u64,
    /// Their shares, of one side.
    pub busted_volume: u64,
    /// Connections cut off because a message was none.
    pub malformed: u64,
    /// Connections cut off because what they had to be told next was no longer kept.
    pub lapped: u64,
    /// Connections cut off because they took nothing for too long.
    pub stalled: u64,
    /// Reports about orders that nobody here has.
    pub strangers: u64,
    /// Messages that did not fit; must stay zero.
    pub unsaid: u64,
    /// Connections that ended, by [`Closed`]; those cut off are not among them.
    pub closed: [u64; 11],
}

impl Counters {
    /// Connections that ended for a reason of their session.
    pub const fn closed_by(&self, reason: Closed) -> u64 {
        self.closed[reason as usize]
    }

    /// Connections cut off because a packet was none, or not one to send then.
    pub fn bad_packets(&self) -> u64 {
        let reasons = [Closed::BadLength, Closed::Oversized, Closed::Unexpected, Closed::BadNumber];
        reasons.iter().map(|reason| self.closed_by(*reason)).sum()
    }

    pub(crate) fn count_closed(&mut self, reason: Closed) {
        self.closed[usize::from(reason as u8)] += 1;
    }
}

// Every reason has a place.
const _: () = assert!((Closed::BadNumber as u8) < 11);
