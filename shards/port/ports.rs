//! All ports of one exchange shard: connections and their logins, the floor behind them, and time.

use alloc::vec::Vec;

use matching::{Floor, OrderKey};
use risk::port::{NoRoom, PortRisk, Whose};
use session::SessionId;
use session::soup::{Credentials, Reject, Request};
use types::{InstrumentId, MatchNo, Nanos, SeqNo};
use wire::ouch50::{BrokenReason, CancelReason, EventCode};

use crate::clerk::Clerk;
use crate::desk::{Desk, Sweep};
use crate::fan::{Fan, Publisher, Run};
use crate::lines::{Lapped, Line, Lobby};
use crate::orders::Live;
use crate::trades::NotBroken;
use crate::{Counters, Plan};

/// Connections are looked through at most this often, however many deadlines they have.
const LOOK_EVERY: Nanos = Nanos::from_millis(10);

/// Who may log in.
struct User {
    /// In capitals, by which they are sorted.
    name: [u8; 6],
    login: Credentials,
    stream: u16,
}

/// A live order, as its owner names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// Its number on the floor.
    pub key: OrderKey,
    /// The channel of its port.
    pub channel: u8,
    /// Its number on that.
    pub user_ref: u32,
    /// The book it is for.
    pub instrument: InstrumentId,
    /// The letter of its side.
    pub side: u8,
    /// Its limit as on the wire, in units of 1e-4.
    pub price: u32,
    /// Its open shares.
    pub leaves: u32,
}

/// All ports of one exchange shard and the floor behind them.
///
/// A connection is a number that the caller chooses among those that are free, up to `connections_max`:
/// one more than that, as a new one is there before another gives way to it.
/// After every call, take [`Ports::poll_ready`] until it has no more: each connection it names has
/// bytes to write ([`Ports::transmit`], [`Ports::sent`]), or is over ([`Ports::is_over`]) and must be
/// closed and reported with [`Ports::on_closed`].
pub struct Ports {
    floor: Floor,
    desk: Desk,
    lines: Vec<Line>,
    connections_max: usize,
    /// Lines that are open and not cut off.
    standing: usize,
    lobby: Lobby,
    ready: Vec<u16>,
    users: Vec<User>,
    session: SessionId,
    sweep_max: u32,
    /// No connection must be looked at before.
    wake: Nanos,
    /// There will be nothing more to tell: [`Ports::end`].
    is_ended: bool,
}

impl Ports {
    /// Nobody connected; `floor` has the plan's instruments in the plan's order and its accounts, and so
    /// has `risk`, with the ports in the plan's order.
    ///
    /// # Panics
    /// Where two logins have one user name, a firm two drop copies, or two instruments one ticker.
    pub fn new(plan: &Plan, floor: Floor, risk: PortRisk, now: Nanos) -> Self {
        let logins = plan.ports.iter().map(|port| port.login);
        let logins = logins.chain(plan.drops.iter().map(|drop| drop.login));
        let user = |(stream, login): (usize, Credentials)| {
            let stream = u16::try_from(stream).expect("no more than 65,536 logins");
            User { name: login.user.map(|byte| byte.to_ascii_uppercase()), login, stream }
        };
        let mut users: Vec<_> = logins.enumerate().map(user).collect();
        users.sort_unstable_by_key(|user| user.name);
        assert!(users.is_sorted_by(|one, next| one.name < next.name), "a user name stands twice");
        let connections_max = usize::from(plan.connections_max);
        Self {
            floor,
            desk: Desk::new(plan, risk),
            lines: (0..=connections_max).map(|_| Line::new(plan.soup, now)).collect(),
            connections_max,
            standing: 0,
            lobby: Lobby::new(connections_max + 1),
            ready: Vec::with_capacity(connections_max + 1),
            users,
            session: plan.session,
            sweep_max: plan.sweep_max,
            wake: Nanos::MAX,
            is_ended: false,
        }
    }

    /// A connection is up, and has the plan's time to log in. Where it is one more than there may be, the
    /// oldest that has not logged in is over. `false`: all have, or there is no such place, or it is taken;
    /// close the connection.
    pub fn on_opened(&mut self, now: Nanos, conn: u16) -> bool {
        let is_free = self.lines.get(usize::from(conn)).is_some_and(|line| !line.is_open);
        if !is_free || !self.make_room() {
            self.desk.counters.unplaced += 1;
            return false;
        }
        let line = &mut self.lines[usize::from(conn)];
        line.open(now);
        self.wake = self.wake.min(line.next_deadline());
        self.standing += 1;
        self.lobby.enter(conn);
        true
    }

    /// Whether there is room for one more connection, if need be that of one which has not logged in.
    fn make_room(&mut self) -> bool {
        if self.standing < self.connections_max {
            return true;
        }
        let Some(oldest) = self.lobby.oldest() else { return false };
        self.desk.counters.displaced += 1;
        self.mark_cut(oldest);
        self.ready(oldest);
        true
    }

    /// Takes bytes of a connection, split anywhere, carries out the requests in them, and says how many
    /// it took. Offer the rest after the next [`Ports::on_deadline`]: the port is in a mass cancel.
    pub fn on_bytes<T: Publisher>(
        &mut self,
        now: Nanos,
        conn: u16,
        bytes: &[u8],
        publisher: &mut T,
    ) -> usize {
        let mut rest = bytes;
        while let Some(line) = self.lines.get_mut(usize::from(conn))
            && line.is_open
            && !line.is_cut
            && !rest.is_empty()
        {
            let taken = line.server.on_bytes(now, rest);
            rest = &rest[taken..];
            self.hear(now, conn, publisher);
            // Before more is told: a small store may not keep it until all of this is read.
            self.feed(now);
            if taken == 0 {
                return bytes.len() - rest.len();
            }
        }
        bytes.len()
    }

    /// A connection is gone: to be told once for each that was opened. Requests that it left unread
    /// because its port is in a mass cancel are lost with it.
    pub fn on_closed<T: Publisher>(&mut self, now: Nanos, conn: u16, publisher: &mut T) {
        let Some(line) = self.lines.get_mut(usize::from(conn)).filter(|line| line.is_open) else {
            return;
        };
        line.server.on_closed();
        self.hear(now, conn, publisher);
        self.release(now, conn, publisher);
        let line = &mut self.lines[usize::from(conn)];
        line.is_open = false;
        self.standing -= usize::from(!line.is_cut);
        self.lobby.leave(conn);
        self.feed(now);
    }

    /// Connections that are up and not about to be cut, logged in or not.
    pub fn connections(&self) -> usize {
        self.standing
    }

    /// When [`Ports::on_deadline`] is wanted.
    #[inline]
    pub fn next_deadline(&self) -> Option<Nanos> {
        let floor = self.floor.next_deadline().unwrap_or(Nanos::MAX);
        let due = if self.desk.sweeping.is_empty() { Nanos::MAX } else { Nanos::ZERO };
        let next = floor.min(self.wake).min(due);
        (next < Nanos::MAX).then_some(next)
    }

    /// The time given by [`Ports::next_deadline`] has come.
    pub fn on_deadline<T: Publisher>(&mut self, now: Nanos, publisher: &mut T) {
        if self.floor.next_deadline().is_some_and(|due| due <= now) {
            let run = Run::nothing(CancelReason::System);
            let mut fan = Fan { now, desk: &mut self.desk, publisher, run };
            self.floor.on_deadline(now, &mut fan);
        }
        for _ in 0..self.desk.sweeping.len() {
            let port = self.desk.sweeping.remove(0);
            self.sweep(now, port, publisher);
            match self.desk.streams[usize::from(port)].conn {
                _ if self.desk.port(port).sweep.is_some() => self.desk.sweeping.push(port),
                Some(conn) => self.hear(now, conn, publisher),
                None => {}
            }
        }
        if self.wake <= now {
            self.look(now, publisher);
        }
        self.feed(now);
    }

    /// Looks through the connections for those whose time has come.
    fn look<T: Publisher>(&mut self, now: Nanos, publisher: &mut T) {
        // What is told meanwhile may bring it nearer again.
        self.wake = Nanos::MAX;
        for at in 0..self.lines.len() {
            let (conn, line) = (at as u16, &mut self.lines[at]);
            if !line.is_open || line.is_cut {
                continue;
            }
            if line.is_stalled(now) {
                self.desk.counters.stalled += 1;
                self.cut(now, conn, publisher);
                continue;
            }
            if line.next_deadline() <= now || self.is_ended {
                line.server.on_deadline(now);
                self.hear(now, conn, publisher);
                self.ready(conn);
            }
            self.wake = self.wake.min(self.lines[at].next_deadline());
        }
        self.wake = self.wake.max(now.saturating_add(LOOK_EVERY));
    }

    /// Carries out what a connection has sent, as far as its port may go on.
    fn hear<T: Publisher>(&mut self, now: Nanos, conn: u16, publisher: &mut T) {
        loop {
            let line = &mut self.lines[usize::from(conn)];
            let port = line.owner.filter(|&port| usize::from(port) < self.desk.ports.len());
            let waits = port.is_some_and(|port| self.desk.port(port).sweep.is_some());
            if line.is_cut || waits {
                return;
            }
            match (line.server.poll(), port) {
                (None, _) => return,
                (Some(Request::Unsequenced(message)), Some(port)) => {
                    let (desk, floor) = (&mut self.desk, &mut self.floor);
                    let mut clerk = Clerk { now, port, desk, floor, publisher: &mut *publisher };
                    if clerk.take(message).is_err() {
                        self.desk.counters.malformed += 1;
                        return self.cut(now, conn, publisher);
                    }
                    if self.desk.port(port).sweep.is_some() {
                        self.sweep(now, port, publisher);
                        if self.desk.port(port).sweep.is_none() {
                            self.desk.sweeping.retain(|&sweeping| sweeping != port);
                        }
                    }
                }
                // A drop copy listens.
                (Some(Request::Unsequenced(_)), None) => {
                    self.desk.counters.malformed += 1;
                    return self.cut(now, conn, publisher);
                }
                (Some(Request::Debug(_)), _) => {}
                (Some(Request::Login { credentials, sequence }), _) => {
                    self.log_in(now, conn, &credentials, sequence);
                }
                (Some(Request::Closed(reason)), _) => {
                    self.desk.counters.count_closed(reason);
                    line.is_over = true;
                    if line.server.poll_transmit().is_some() {
                        line.waits(now);
                        self.wake = self.wake.min(line.next_deadline());
                    }
                    return self.release(now, conn, publisher);
                }
            }
        }
    }

    fn log_in(&mut self, now: Nanos, conn: u16, who: &Credentials, sequence: SeqNo) {
        let verdict = self.admit(who, sequence);
        let line = &mut self.lines[usize::from(conn)];
        match verdict {
            Ok(stream) => {
                let told = &mut self.desk.streams[usize::from(stream)];
                told.conn = Some(conn);
                line.owner = Some(stream);
                self.lobby.leave(conn);
                line.server.accept(now, self.session, SeqNo::new(told.store.next()));
                self.wake = self.wake.min(line.next_deadline());
                self.desk.counters.logins += 1;
                self.feed_line(now, conn);
            }
            Err(reject) => line.server.reject(reject),
        }
    }

    /// The stream of who may log in.
    fn admit(&mut self, who: &Credentials, sequence: SeqNo) -> Result<u16, Reject> {
        let counters = &mut self.desk.counters;
        let name = who.user.map(|byte| byte.to_ascii_uppercase());
        let user = self.users.binary_search_by_key(&name, |user| user.name);
        let user = user.ok().map(|at| &self.users[at]).filter(|user| user.login.matches(who));
        let Some(user) = user else {
            counters.bad_credentials += 1;
            return Err(Reject::NotAuthorised);
        };
        if !who.session.bytes().trim_ascii().is_empty()
            && who.session.bytes().trim_ascii() != self.session.bytes().trim_ascii()
        {
            counters.unknown_session += 1;
            return Err(Reject::NoSession);
        }
        let stream = &self.desk.streams[usize::from(user.stream)];
        if stream.conn.is_some() {
            counters.live_twice += 1;
            return Err(Reject::NotAuthorised);
        }
        if sequence.get() != 0 && sequence.get() < stream.store.first() {
            counters.forgotten += 1;
            return Err(Reject::NoSession);
        }
        Ok(user.stream)
    }

    /// Hands every connection what it has not been told.
    #[inline]
    fn feed(&mut self, now: Nanos) {
        while let Some(stream) = self.desk.take_fresh() {
            if let Some(conn) = self.desk.streams[usize::from(stream)].conn {
                self.feed_line(now, conn);
            }
        }
    }

    fn feed_line(&mut self, now: Nanos, conn: u16) {
        let line = &mut self.lines[usize::from(conn)];
        let Some(stream) = line.owner.filter(|_| !line.is_cut) else { return };
        let store = &self.desk.streams[usize::from(stream)].store;
        if let Err(Lapped) = line.feed(now, store) {
            // The socket goes at once; what follows from that, when it is told to be gone.
            self.desk.counters.lapped += 1;
            self.mark_cut(conn);
            return self.ready(conn);
        }
        let is_told = line.server.wanted().is_some_and(|wanted| wanted.get() == store.next());
        if self.is_ended && is_told && line.server.end_session().is_ok() {
            // Its end is heard like any other, when the connections are looked at.
            self.wake = now;
        }
        self.wake = self.wake.min(line.next_deadline());
        self.ready(conn);
    }

    #[inline]
    fn ready(&mut self, conn: u16) {
        let line = &mut self.lines[usize::from(conn)];
        if !line.is_ready {
            line.is_ready = true;
            self.ready.push(conn);
        }
    }

    /// Ends a connection at once.
    fn cut<T: Publisher>(&mut self, now: Nanos, conn: u16, publisher: &mut T) {
        self.mark_cut(conn);
        self.release(now, conn, publisher);
    }

    /// An open connection is over, whatever waits to be sent.
    fn mark_cut(&mut self, conn: u16) {
        let line = &mut self.lines[usize::from(conn)];
        self.standing -= usize::from(!line.is_cut);
        line.is_cut = true;
        self.lobby.leave(conn);
    }

    /// Nobody is logged in on a connection any more.
    fn release<T: Publisher>(&mut self, now: Nanos, conn: u16, publisher: &mut T) {
        self.ready(conn);
        let Some(stream) = self.lines[usize::from(conn)].owner.take() else { return };
        self.desk.streams[usize::from(stream)].conn = None;
        let port = self.desk.ports.get(usize::from(stream));
        if port.is_some_and(|port| port.cancel_on_disconnect) {
            self.sweep_all(now, stream, CancelReason::System, publisher);
        }
    }

    /// Goes on with a port's mass cancel.
    fn sweep<T: Publisher>(&mut self, now: Nanos, port: u16, publisher: &mut T) {
        let (desk, floor) = (&mut self.desk, &mut self.floor);
        Clerk { now, port, desk, floor, publisher }.sweep(self.sweep_max);
        // Before the next port's: a drop copy is told of all of them, and its store may not keep so much.
        self.feed(now);
    }

    fn sweep_all<T: Publisher>(
        &mut self,
        now: Nanos,
        port: u16,
        cause: CancelReason,
        publisher: &mut T,
    ) {
        let sweep = Sweep { side: None, instrument: None, group: None, cause };
        self.desk.begin_sweep(port, sweep);
        self.sweep(now, port, publisher);
        if self.desk.port(port).sweep.is_none() {
            self.desk.sweeping.retain(|&sweeping| sweeping != port);
        }
    }

    /// The next connection with bytes to write, or to be closed. It is named again when there is more.
    #[inline]
    pub fn poll_ready(&mut self) -> Option<u16> {
        let conn = self.ready.pop()?;
        self.lines[usize::from(conn)].is_ready = false;
        Some(conn)
    }

    /// A connection that [`Ports::poll_ready`] named could not be served: it will be named again.
    pub fn put_back(&mut self, conn: u16) {
        if usize::from(conn) < self.lines.len() {
            self.ready(conn);
        }
    }

    /// Bytes to write to a connection; none where it is over. Tell [`Ports::sent`] how many were.
    #[inline]
    pub fn transmit(&self, conn: u16) -> &[u8] {
        let line = self.lines.get(usize::from(conn)).filter(|line| line.is_open && !line.is_cut);
        line.and_then(|line| line.server.poll_transmit()).unwrap_or_default()
    }

    /// So many of the bytes of [`Ports::transmit`] were written. Where that makes room for more, the
    /// connection is ready again.
    #[inline]
    pub fn sent(&mut self, now: Nanos, conn: u16, bytes: usize) {
        let Some(line) = self.lines.get_mut(usize::from(conn)).filter(|line| line.is_open) else {
            return;
        };
        line.sent(now, bytes);
        if line.is_over && line.server.poll_transmit().is_none() {
            return self.ready(conn);
        }
        self.wake = self.wake.min(line.next_deadline());
        let stream = line.owner.map(|stream| &self.desk.streams[usize::from(stream)]);
        let wanted = line.server.wanted();
        if let (Some(stream), Some(wanted)) = (stream, wanted)
            && wanted.get() < stream.store.next()
        {
            self.feed_line(now, conn);
        }
    }

    /// Whether a connection must be closed now.
    #[inline]
    pub fn is_over(&self, conn: u16) -> bool {
        let line = self.lines.get(usize::from(conn)).filter(|line| line.is_open);
        line.is_some_and(|line| {
            line.is_cut || (line.is_over && line.server.poll_transmit().is_none())
        })
    }

    /// Lets the floor do what no port asked for: a phase, a quote, a cancel by the exchange.
    pub fn drive<T: Publisher, R>(
        &mut self,
        now: Nanos,
        publisher: &mut T,
        act: impl FnOnce(&mut Floor, &mut Fan<'_, 'static, T>) -> R,
    ) -> R {
        let run = Run::nothing(CancelReason::Supervisory);
        let mut fan = Fan { now, desk: &mut self.desk, publisher, run };
        let answer = act(&mut self.floor, &mut fan);
        self.feed(now);
        answer
    }

    /// Tells every port that the order entry day starts or ends.
    pub fn on_event(&mut self, now: Nanos, event: EventCode) {
        for port in 0..self.desk.ports.len() {
            self.desk.say_event(now, port as u16, event);
        }
        self.feed(now);
    }

    /// The session is over: there will be nothing more to tell. Each connection is told so once it has been told
    /// everything else, and closed; and so is whoever logs in later, to be told again what it missed.
    pub fn end(&mut self, now: Nanos) {
        self.is_ended = true;
        for conn in 0..self.lines.len() {
            self.feed_line(now, conn as u16);
        }
    }

    /// Breaks a trade: both its ports are told, and the publisher.
    ///
    /// Errors: [`NotBroken`]; nobody is told anything then.
    pub fn bust<T: Publisher>(
        &mut self,
        now: Nanos,
        match_no: MatchNo,
        reason: BrokenReason,
        publisher: &mut T,
    ) -> Result<(), NotBroken> {
        let trade = self.desk.trades.take(match_no)?;
        self.desk.counters.busts += 1;
        self.desk.counters.busted_volume += u64::from(trade.qty);
        publisher.on_bust(now, trade.instrument, match_no);
        for party in trade.parties.iter().flatten() {
            let firm = self.desk.port(party.port).firm_id;
            self.desk.risk.bust(firm, party.account, trade.qty, trade.px);
            self.desk.say_broken(now, party, match_no, reason);
        }
        self.feed(now);
        Ok(())
    }

    /// The kill switch: takes no orders of these from now on, and cancels those that are live.
    ///
    /// Errors: [`NoRoom::Unknown`].
    pub fn kill<T: Publisher>(
        &mut self,
        now: Nanos,
        whose: Whose,
        publisher: &mut T,
    ) -> Result<(), NoRoom> {
        self.desk.risk.stop(whose, true)?;
        for port in 0..self.desk.ports.len() {
            let is_hit = match whose {
                Whose::Venue => true,
                Whose::Firm(firm) => self.desk.ports[port].firm_id == firm,
                Whose::Port(killed) => killed.index() == port,
            };
            if is_hit {
                self.sweep_all(now, port as u16, CancelReason::Supervisory, publisher);
            }
        }
        self.feed(now);
        Ok(())
    }

    /// Takes their orders again.
    ///
    /// Errors: [`NoRoom::Unknown`].
    pub fn revive(&mut self, whose: Whose) -> Result<(), NoRoom> {
        self.desk.risk.stop(whose, false)
    }

    /// Whether a mass cancel is under way: some of the orders that a kill is to cancel are live yet.
    pub const fn is_sweeping(&self) -> bool {
        !self.desk.sweeping.is_empty()
    }

    /// What is checked before an order reaches the floor.
    pub const fn risk(&self) -> &PortRisk {
        &self.desk.risk
    }

    /// Limits, lists and credit, to change. Kill switches are [`Ports::kill`]'s.
    pub const fn risk_mut(&mut self) -> &mut PortRisk {
        &mut self.desk.risk
    }

    /// The floor.
    pub const fn floor(&self) -> &Floor {
        &self.floor
    }

    /// What was counted.
    pub const fn counters(&self) -> &Counters {
        &self.desk.counters
    }

    /// The live orders of a port, by its place in the plan, from the oldest to the newest.
    ///
    /// # Panics
    /// Where the plan has no such port.
    pub fn open_orders(&self, port: u16) -> impl Iterator<Item = OpenOrder> {
        self.desk.orders.of(port).map(|(key, live)| {
            let &Live { channel, user_ref, instrument, side, price, leaves, .. } = live;
            OpenOrder { key, channel, user_ref, instrument, side, price, leaves }
        })
    }

    /// How many orders are live, over all ports.
    pub const fn live(&self) -> u32 {
        self.desk.orders.live()
    }
}
