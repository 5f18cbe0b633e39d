//! What the ports of one shard know together: their numbers, their live orders, what they were told.

use alloc::boxed::Box;
use alloc::vec::Vec;

use matching::{Cross, Phase, SelfMatch, Tick, Trading};
use types::{AccountId, MatchNo, Nanos, Px};
use wire::Full;
use wire::ouch50::{AiqStrategy, CancelReason};

use crate::orders::Orders;
use crate::store::Store;
use crate::symbols::Symbols;
use crate::trades::Trades;
use crate::{Counters, Listing, Plan, PortPlan};

/// Bytes of a port's user name before each message of a drop copy.
pub(crate) const USER: usize = 6;

/// Raw units of a price in one unit of a four-decimal wire price.
const PER_PRICE4: i64 = Px::from_price4(1).raw();

/// What one login is told, in order.
pub(crate) struct Stream {
    pub(crate) store: Store,
    /// Who is logged in.
    pub(crate) conn: Option<u16>,
    /// There is more to tell than was handed to the connection.
    is_fresh: bool,
}

/// Which of a port's orders a mass cancel takes; `None` takes any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sweep {
    pub(crate) side: Option<types::Side>,
    pub(crate) instrument: Option<types::InstrumentId>,
    pub(crate) group: Option<u16>,
    pub(crate) cause: CancelReason,
}

pub(crate) struct Port {
    pub(crate) user: [u8; USER],
    pub(crate) firm: [u8; 4],
    account: AccountId,
    groups: Vec<(u16, AccountId)>,
    pub(crate) self_match: SelfMatch,
    pub(crate) cancel_on_disconnect: bool,
    pub(crate) extensions: bool,
    pub(crate) bbo_weight: bool,
    /// The stream of its firm's drop copy.
    drop: Option<usize>,
    /// The highest user reference number of each channel.
    last: Box<[u32; 256]>,
    /// By its own request.
    pub(crate) is_disabled: bool,
    /// By the exchange.
    pub(crate) is_killed: bool,
    /// A mass cancel that is not over. The port's requests wait for its end.
    pub(crate) sweep: Option<Sweep>,
}

impl Port {
    fn new(plan: &PortPlan, drop: Option<usize>) -> Self {
        Self {
            user: plan.login.user,
            firm: plan.firm,
            account: plan.account,
            groups: plan.groups.clone(),
            self_match: plan.self_match,
            cancel_on_disconnect: plan.cancel_on_disconnect,
            extensions: plan.extensions,
            bbo_weight: plan.bbo_weight,
            drop,
            last: Box::new([0; 256]),
            is_disabled: false,
            is_killed: false,
            sweep: None,
        }
    }

    /// Whose an order of this group is.
    #[inline]
    pub(crate) fn account(&self, group: u16) -> AccountId {
        let named = self.groups.iter().find(|(named, _)| *named == group);
        named.map_or(self.account, |(_, account)| *account)
    }

    /// The highest number that the channel has used.
    #[inline]
    pub(crate) fn last(&self, channel: u8) -> u32 {
        self.last[usize::from(channel)]
    }

    #[inline]
    pub(crate) fn use_up(&mut self, channel: u8, user_ref: u32) {
        self.last[usize::from(channel)] = user_ref;
    }
}

/// An instrument, as orders see it.
pub(crate) struct Book {
    pub(crate) listing: Listing,
    pub(crate) phase: Phase,
    /// The cross that executions in one would be of.
    pub(crate) cross: Cross,
    /// Orders for this cross alone can neither be cancelled nor changed now.
    pub(crate) frozen: Option<Trading>,
}

impl Book {
    /// A price on the wire, half a tick higher where it is `half`: rounded down to four decimals.
    /// 0 where that does not fit.
    #[inline]
    pub(crate) fn price4(&self, tick: Tick, half: bool) -> u64 {
        let raw = |tick| self.listing.ticks.px(tick).map(Px::raw);
        let above = || raw(Tick::new(tick.get().checked_add(1)?));
        let price =
            raw(tick).and_then(|low| if half { Some(low.midpoint(above()?)) } else { Some(low) });
        price.and_then(|raw| u64::try_from(raw / PER_PRICE4).ok()).unwrap_or(0)
    }
}

pub(crate) struct Desk {
    midnight: Nanos,
    pub(crate) ports: Vec<Port>,
    /// Those of the ports, then those of the drop copies.
    pub(crate) streams: Vec<Stream>,
    /// Streams with more to tell than was handed to their connections.
    fresh: Vec<u16>,
    /// Ports with a mass cancel that is not over.
    pub(crate) sweeping: Vec<u16>,
    pub(crate) orders: Orders,
    pub(crate) trades: Trades,
    pub(crate) books: Vec<Book>,
    pub(crate) symbols: Symbols,
    match_no: u64,
    pub(crate) counters: Counters,
}

impl Desk {
    /// # Panics
    /// Where a firm has two drop copies, or two instruments have one ticker.
    pub(crate) fn new(plan: &Plan) -> Self {
        let ports = plan.ports.len();
        let drop = |firm| plan.drops.iter().position(|drop| drop.firm == firm);
        for (at, one) in plan.drops.iter().enumerate() {
            assert_eq!(drop(one.firm), Some(at), "a firm has one drop copy");
        }
        let stores = plan.ports.iter().map(|port| port.store);
        let stores = stores.chain(plan.drops.iter().map(|drop| drop.store));
        let stream = |size| Stream { store: Store::new(size), conn: None, is_fresh: false };
        let streams: Vec<_> = stores.map(stream).collect();
        let port = |port: &PortPlan| Port::new(port, drop(port.firm).map(|at| ports + at));
        let book = |&listing: &Listing| Book {
            listing,
            phase: Phase::default(),
            cross: Cross::Dark,
            frozen: None,
        };
        Self {
            midnight: plan.midnight,
            ports: plan.ports.iter().map(port).collect(),
            fresh: Vec::with_capacity(streams.len()),
            sweeping: Vec::with_capacity(ports),
            streams,
            orders: Orders::new(plan.orders_max, plan.terms_max, ports, plan.seed),
            trades: Trades::new(plan.trades_max),
            books: plan.listings.iter().map(book).collect(),
            symbols: Symbols::new(&plan.listings),
            match_no: 0,
            counters: Counters::default(),
        }
    }

    /// Nanoseconds since midnight.
    #[inline]
    pub(crate) fn time(&self, now: Nanos) -> u64 {
        now.since(self.midnight).get()
    }

    /// The next execution's number.
    #[inline]
    pub(crate) fn deal_match(&mut self) -> MatchNo {
        self.match_no += 1;
        MatchNo::new(self.match_no)
    }

    #[inline]
    pub(crate) fn port(&self, port: u16) -> &Port {
        &self.ports[usize::from(port)]
    }

    #[inline]
    pub(crate) fn port_mut(&mut self, port: u16) -> &mut Port {
        &mut self.ports[usize::from(port)]
    }

    /// Appends a message to a port's stream and its firm's drop copy.
    #[inline]
    pub(crate) fn say(&mut self, port: u16, write: impl FnOnce(&mut [u8]) -> Result<usize, Full>) {
        let own = &mut self.streams[usize::from(port)];
        let Ok(len) = write(own.store.room()) else {
            self.counters.unsaid += 1;
            return;
        };
        own.store.push(len);
        self.freshen(port);
        let Port { user, drop: Some(drop), .. } = self.ports[usize::from(port)] else { return };
        let Ok([own, drop_copy]) = self.streams.get_disjoint_mut([usize::from(port), drop]) else {
            unreachable!("a drop copy's stream is none of a port's")
        };
        let Some(message) = own.store.get(own.store.next() - 1) else { return };
        let room = drop_copy.store.room();
        room[..USER].copy_from_slice(&user);
        room[USER..USER + len].copy_from_slice(message);
        drop_copy.store.push(USER + len);
        self.freshen(drop as u16);
    }

    #[inline]
    fn freshen(&mut self, stream: u16) {
        let is_fresh = &mut self.streams[usize::from(stream)].is_fresh;
        if !core::mem::replace(is_fresh, true) {
            self.fresh.push(stream);
        }
    }

    /// The next stream with more to tell.
    #[inline]
    pub(crate) fn take_fresh(&mut self) -> Option<u16> {
        let stream = self.fresh.pop()?;
        self.streams[usize::from(stream)].is_fresh = false;
        Some(stream)
    }
}

/// A strategy as matching has it.
pub(crate) const fn self_match(strategy: AiqStrategy) -> SelfMatch {
    match strategy {
        AiqStrategy::CancelOldestMpid | AiqStrategy::CancelOldestOrg => SelfMatch::CancelOldest,
        AiqStrategy::CancelNewestMpid | AiqStrategy::CancelNewestOrg => SelfMatch::CancelNewest,
        AiqStrategy::DecrementBothMpid
        | AiqStrategy::DecrementBothSilentMpid
        | AiqStrategy::DecrementBothOrg
        | AiqStrategy::DecrementBothSilentOrg => SelfMatch::Decrement,
    }
}

/// The wire's word for a strategy. It has none for a cancel of both: the older goes first.
pub(crate) const fn strategy(self_match: SelfMatch) -> AiqStrategy {
    match self_match {
        SelfMatch::Allow | SelfMatch::CancelNewest => AiqStrategy::CancelNewestMpid,
        SelfMatch::CancelOldest | SelfMatch::CancelBoth => AiqStrategy::CancelOldestMpid,
        SelfMatch::Decrement => AiqStrategy::DecrementBothMpid,
    }
}
