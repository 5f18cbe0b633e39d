//! What the ports of one shard know together: their numbers, their live orders, what they were told.

use alloc::boxed::Box;
use alloc::vec::Vec;

use matching::{Phase, SelfMatch, Tick};
use risk::port::{PortRisk, Reserved};
use types::{AccountId, FirmId, MatchNo, Nanos, Px};
use wire::Full;
use wire::ouch50::{AiqStrategy, CancelReason, Liquidity};

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
    pub(crate) firm_id: FirmId,
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
    /// It asked for no more orders to be taken.
    pub(crate) is_disabled: bool,
    /// A mass cancel that is not over. The port's requests wait for its end.
    pub(crate) sweep: Option<Sweep>,
}

impl Port {
    fn new(plan: &PortPlan, drop: Option<usize>) -> Self {
        Self {
            user: plan.login.user,
            firm: plan.firm,
            firm_id: plan.firm_id,
            account: plan.account,
            groups: plan.groups.clone(),
            self_match: plan.self_match,
            cancel_on_disconnect: plan.cancel_on_disconnect,
            extensions: plan.extensions,
            bbo_weight: plan.bbo_weight,
            drop,
            last: Box::new([0; 256]),
            is_disabled: false,
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
}

impl Book {
    /// How an execution in a cross meets liquidity: the phase it ends says which cross it is.
    pub(crate) fn crossed(&self) -> Liquidity {
        match self.phase {
            Phase::PreOpen => Liquidity::OpeningCross,
            Phase::PreReopen | Phase::Paused => Liquidity::HaltCross,
            Phase::Continuous | Phase::Halted | Phase::Closed if self.listing.is_dark => {
                Liquidity::PassiveMidpoint
            }
            Phase::Continuous | Phase::Halted | Phase::Closed => Liquidity::ClosingCross,
        }
    }

    /// The price of a tick, half a tick higher where it is `half`. `None` where no price is so high.
    #[inline]
    pub(crate) fn px(&self, tick: Tick, half: bool) -> Option<Px> {
        let low = self.listing.ticks.px(tick)?;
        if !half {
            return Some(low);
        }
        let above = self.listing.ticks.px(Tick::new(tick.get().checked_add(1)?))?;
        Some(Px::from_raw(low.raw().midpoint(above.raw())))
    }

    /// A price on the wire, half a tick higher where it is `half`: rounded down to four decimals.
    /// 0 where that does not fit.
    #[inline]
    pub(crate) fn price4(&self, tick: Tick, half: bool) -> u64 {
        let raw = self.px(tick, half).map(|px| px.raw() / PER_PRICE4);
        raw.and_then(|raw| u64::try_from(raw).ok()).unwrap_or(0)
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
    pub(crate) risk: PortRisk,
    /// By slot of the order: the credit that it holds, none where it is not live.
    held: Vec<Reserved>,
    pub(crate) trades: Trades,
    pub(crate) books: Vec<Book>,
    pub(crate) symbols: Symbols,
    /// The next execution's number; 0 is none.
    match_no: u64,
    pub(crate) counters: Counters,
}

impl Desk {
    /// # Panics
    /// Where a firm has two drop copies, or two instruments have one ticker.
    pub(crate) fn new(plan: &Plan, mut risk: PortRisk) -> Self {
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
        let book = |&listing: &Listing| Book { listing, phase: Phase::default() };
        Self {
            midnight: plan.midnight,
            ports: plan.ports.iter().map(port).collect(),
            fresh: Vec::with_capacity(streams.len()),
            sweeping: Vec::with_capacity(ports),
            streams,
            held: (0..plan.orders_max).map(|_| nothing(&mut risk)).collect(),
            risk,
            orders: Orders::new(plan.orders_max, ports, plan.seed),
            trades: Trades::new(plan.trades_max),
            books: plan.listings.iter().map(book).collect(),
            symbols: Symbols::new(&plan.listings),
            match_no: plan.first_match.get().max(1),
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
        let match_no = self.match_no;
        self.match_no += 1;
        MatchNo::new(match_no)
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

    /// An order that is live from now on holds this credit.
    #[inline]
    pub(crate) fn hold(&mut self, slot: u32, reserved: Reserved) {
        self.held[slot as usize] = reserved;
    }

    /// An order was replaced by another, which holds its credit from now on.
    pub(crate) fn hand_over(&mut self, old: u32, new: u32) {
        self.held.swap(old as usize, new as usize);
    }

    /// The risk and the credit that an order holds.
    #[inline]
    pub(crate) fn risk_of(&mut self, slot: u32) -> (&mut PortRisk, &mut Reserved) {
        (&mut self.risk, &mut self.held[slot as usize])
    }

    /// Shares of an order are no longer open, and did not trade.
    #[inline]
    pub(crate) fn release(&mut self, slot: u32, qty: u32) {
        self.risk.release(&mut self.held[slot as usize], qty);
    }

    /// Ends an order: whatever credit it holds is given back.
    #[inline]
    pub(crate) fn close(&mut self, slot: u32) {
        let held = &mut self.held[slot as usize];
        if held.qty() != 0 {
            self.risk.release(held, u32::MAX);
        }
        self.orders.close(slot);
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

/// No credit, of nobody.
fn nothing(risk: &mut PortRisk) -> Reserved {
    risk.restore_open(FirmId::new(0), AccountId::new(0), 0, Px::ZERO)
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

/// Stands for a cancel of both among the letters of strategies. The wire has none for it: each owner is told
/// which of the two his order was.
pub(crate) const CANCEL_BOTH: u8 = b'B';

/// The letter of what a port asks for.
pub(crate) const fn strategy(self_match: SelfMatch) -> u8 {
    match self_match {
        SelfMatch::Allow | SelfMatch::CancelNewest => AiqStrategy::CancelNewestMpid.byte(),
        SelfMatch::CancelOldest => AiqStrategy::CancelOldestMpid.byte(),
        SelfMatch::CancelBoth => CANCEL_BOTH,
        SelfMatch::Decrement => AiqStrategy::DecrementBothMpid.byte(),
    }
}

/// The letter that the owner of an order is told, which came or rested.
pub(crate) const fn told(strategy: u8, came: bool) -> u8 {
    match (strategy, came) {
        (CANCEL_BOTH, true) => AiqStrategy::CancelNewestMpid.byte(),
        (CANCEL_BOTH, false) => AiqStrategy::CancelOldestMpid.byte(),
        (letter, _) => letter,
    }
}
