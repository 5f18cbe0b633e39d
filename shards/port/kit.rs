//! What the tests share: an exchange with two firms and its clients, each a real SoupBinTCP client, over
//! wires that lose nothing.

extern crate std;

use std::collections::BTreeMap;
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use matching::{
    Account, Capacity, Control, DayRules, Floor, FloorCapacity, OrderKey, Report, Rules, SelfMatch,
    Tick, TickTable,
};
use risk::port::{PortRisk, Room};
use session::SessionId;
use session::soup::{Client, Closed, Credentials, Event, Reject, SoupConfig};
use types::{AccountId, FirmId, InstrumentId, MatchNo, Nanos, OrderRef, Px, SeqNo, Symbol};
use wire::ouch50::inbound::{CancelOrder, EnterOrder, Head, ModifyOrder, ReplaceOrder};
use wire::ouch50::outbound::Message;
use wire::ouch50::{APPENDAGE_MAX, AppendageWriter, TagValue};

use crate::{DropPlan, Listing, Plan, PortPlan, Ports, Publisher, StoreSize};

pub(crate) const SESSION: &str = "DAY1";
pub(crate) const USERS: [&str; 5] = ["ann", "bob", "cat", "dropa", "dropb"];
pub(crate) const DROP_A: usize = 3;
pub(crate) const AAPL: InstrumentId = InstrumentId::new(0);

/// What the tape was told.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) entered: Vec<InstrumentId>,
    pub(crate) reports: Vec<(Report, MatchNo)>,
    pub(crate) busts: Vec<(InstrumentId, MatchNo)>,
    /// The references of orders, dealt from 1.
    refs: BTreeMap<OrderKey, OrderRef>,
    dealt: u64,
}

impl Publisher for Told {
    fn on_enter(&mut self, instrument: InstrumentId) {
        self.entered.push(instrument);
    }
    fn on_report(&mut self, _now: Nanos, report: &Report, match_no: MatchNo) {
        if let Report::Accepted { order, .. } | Report::Replaced { new: order, .. } = *report {
            let order_ref = self.deal_ref();
            self.refs.insert(order, order_ref);
        }
        self.reports.push((*report, match_no));
    }
    fn on_bust(&mut self, _now: Nanos, instrument: InstrumentId, match_no: MatchNo) {
        self.busts.push((instrument, match_no));
    }

    fn order_ref(&self, order: OrderKey) -> OrderRef {
        self.refs[&order]
    }

    fn deal_ref(&mut self) -> OrderRef {
        self.dealt += 1;
        OrderRef::new(self.dealt)
    }
}

/// A client, and all that it was ever told, by number.
pub(crate) struct Peer {
    pub(crate) client: Client,
    pub(crate) told: Vec<Vec<u8>>,
    pub(crate) first: Option<u64>,
    pub(crate) rejected: Option<Reject>,
    pub(crate) closed: Option<Closed>,
    pub(crate) is_open: bool,
    /// It takes nothing from its socket.
    pub(crate) is_deaf: bool,
    /// How many messages were looked at.
    seen: usize,
}

pub(crate) struct Rig {
    pub(crate) ports: Ports,
    pub(crate) peers: Vec<Peer>,
    pub(crate) tape: Told,
    pub(crate) now: Nanos,
}

pub(crate) fn soup() -> SoupConfig {
    SoupConfig { packet_bytes_max: 512, transmit_bytes_max: 2_048, ..SoupConfig::default() }
}

fn login(user: &str) -> Credentials {
    Credentials::new(user, "secret", "").unwrap()
}

fn port(user: &str, firm: &[u8; 4], account: u32) -> PortPlan {
    PortPlan {
        login: login(user),
        firm: *firm,
        firm_id: FirmId::new(u16::from(firm == b"BBBB")),
        account: AccountId::new(account),
        groups: vec![(7, AccountId::new(3))],
        self_match: SelfMatch::CancelOldest,
        cancel_on_disconnect: false,
        extensions: false,
        bbo_weight: false,
        store: StoreSize { messages_max: 10_000, bytes_max: 1 << 20 },
    }
}

/// The tick of 100.00.
pub(crate) const REFERENCE: Tick = Tick::new(9_999 + 9_901);

/// United States equities.
pub(crate) fn ticks() -> TickTable {
    let cents = Px::from_price4(100);
    TickTable::new(&[(Px::ZERO, Px::from_price4(1)), (Px::from_price4(10_000), cents)]).unwrap()
}

/// Ann and Cat of firm AAAA, Bob of BBBB, and who hears each firm's drop copy.
pub(crate) fn plan() -> Plan {
    let ticks = ticks();
    let listing = |text| Listing {
        symbol: Symbol::parse(text).unwrap(),
        ticks,
        close: Some(Px::from_price4(1_000_000)),
        is_dark: false,
    };
    let store = StoreSize { messages_max: 100_000, bytes_max: 1 << 22 };
    let drop = |user, firm| DropPlan { login: login(user), firm, store };
    Plan {
        session: SessionId::parse(SESSION).unwrap(),
        midnight: Nanos::ZERO,
        soup: soup(),
        connections_max: 8,
        orders_max: 64,
        first_match: MatchNo::new(1),
        trades_max: 16,
        sweep_max: 4,
        seed: 0x1234_5678_9ABC_DEF1,
        listings: vec![listing("AAPL"), listing("MSFT")],
        ports: vec![port("ann", b"AAAA", 0), port("bob", b"BBBB", 1), port("cat", b"AAAA", 2)],
        drops: vec![drop("dropa", *b"AAAA"), drop("dropb", *b"BBBB")],
    }
}

/// Four accounts; those of Ann and Cat, and of Ann's group 7, may not trade with each other.
pub(crate) fn floor(day: DayRules) -> Floor {
    let account = |group, firm| Account { group, firm: FirmId::new(firm) };
    let accounts = [account(1, 0), account(0, 1), account(1, 0), account(1, 0)];
    let rules = Rules {
        reference: REFERENCE,
        window: 4_096,
        far_levels: 64,
        keeps_place: true,
        policy: matching::Policy::PriceTime,
        lit: true,
        seed: 1,
    };
    let books = Capacity { orders: 64, terms: 64 };
    let capacity = FloorCapacity { books, waiting: 16, dated: 16 };
    Floor::new(capacity, &accounts, &[rules; 2], &[day; 2])
}

/// Nothing is limited.
fn risk() -> PortRisk {
    PortRisk::new(Room {
        ports: 3,
        firms: 2,
        accounts: 4,
        instruments: 2,
        symbol_rate_ports: 3,
        repeats_per_port: 16,
    })
}

impl Rig {
    /// Nobody is logged in and everything trades.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut rig = Self::closed(plan, floor(DayRules::by_hand(ticks(), REFERENCE)));
        for control in [Control::PreOpen, Control::Open] {
            rig.control(control);
        }
        rig
    }

    /// Nobody is logged in and nothing trades.
    pub(crate) fn closed(plan: &Plan, floor: Floor) -> Self {
        let now = Nanos::from_secs(1);
        let client = |user: &str| Client::new(soup(), login(user));
        let peer = |user: &&str| Peer {
            client: client(user),
            told: Vec::new(),
            first: None,
            rejected: None,
            closed: None,
            is_open: false,
            is_deaf: false,
            seen: 0,
        };
        let peers = USERS.iter().map(peer).collect();
        let ports = Ports::new(plan, floor, risk(), now);
        Self { ports, peers, tape: Told::default(), now }
    }

    /// As [`Self::new`], and all are logged in.
    pub(crate) fn up(plan: &Plan) -> Self {
        let mut rig = Self::new(plan);
        for who in 0..USERS.len() {
            rig.connect(who, 1);
        }
        rig
    }

    pub(crate) fn control(&mut self, control: Control) {
        for instrument in [0, 1].map(InstrumentId::new) {
            let now = self.now;
            assert!(self.ports.drive(now, &mut self.tape, |floor, out| {
                floor.control(now, instrument, control, out)
            }));
        }
        self.pump();
    }

    pub(crate) fn connect(&mut self, who: usize, next: u64) {
        assert!(self.ports.on_opened(self.now, who as u16));
        let peer = &mut self.peers[who];
        (peer.is_open, peer.closed, peer.rejected) = (true, None, None);
        peer.client.on_opened(self.now, SeqNo::new(next));
        self.pump();
    }

    /// The connection breaks: what either side had not handed over is lost.
    pub(crate) fn disconnect(&mut self, who: usize) {
        if core::mem::take(&mut self.peers[who].is_open) {
            self.peers[who].client.on_closed();
            self.hear(who);
            self.ports.on_closed(self.now, who as u16, &mut self.tape);
            self.pump();
        }
    }

    fn hear(&mut self, who: usize) {
        let peer = &mut self.peers[who];
        while let Some(event) = peer.client.poll() {
            match event {
                Event::Accepted { next, .. } => peer.first = Some(next.get()),
                Event::Rejected(reject) => peer.rejected = Some(reject),
                Event::Sequenced { sequence, message } => {
                    // Told again, it must be the same.
                    let at = sequence.get() as usize - 1;
                    match peer.told.get(at) {
                        Some(before) => assert_eq!(before, message, "message {sequence}"),
                        None => {
                            assert_eq!(at, peer.told.len(), "a gap");
                            peer.told.push(message.to_vec());
                        }
                    }
                }
                Event::Closed(reason) => peer.closed = Some(reason),
                Event::Unsequenced(_) | Event::Debug(_) | Event::EndOfSession => {}
            }
        }
    }

    /// Carries bytes until no side has more.
    pub(crate) fn pump(&mut self) {
        loop {
            let mut is_idle = true;
            for who in 0..self.peers.len() {
                let peer = &mut self.peers[who];
                while peer.is_open
                    && let Some(bytes) = peer.client.poll_transmit()
                {
                    let taken = self.ports.on_bytes(self.now, who as u16, bytes, &mut self.tape);
                    peer.client.sent(taken);
                    if taken == 0 {
                        break;
                    }
                    is_idle = false;
                }
            }
            while let Some(conn) = self.ports.poll_ready() {
                let who = usize::from(conn);
                while let bytes = self.ports.transmit(conn)
                    && !bytes.is_empty()
                    && let Some(peer) = self.peers.get_mut(who)
                    && peer.is_open
                    && !peer.is_deaf
                {
                    let taken = peer.client.on_bytes(self.now, bytes);
                    self.ports.sent(self.now, conn, taken);
                    self.hear(who);
                    is_idle = false;
                }
                if self.ports.is_over(conn) {
                    if let Some(peer) = self.peers.get_mut(who) {
                        peer.is_open = false;
                        peer.client.on_closed();
                        self.hear(who);
                    }
                    self.ports.on_closed(self.now, conn, &mut self.tape);
                    is_idle = false;
                }
            }
            if self.ports.next_deadline().is_some_and(|due| due <= self.now) {
                self.ports.on_deadline(self.now, &mut self.tape);
                is_idle = false;
            }
            if is_idle {
                return;
            }
        }
    }

    pub(crate) fn send(&mut self, who: usize, message: &[u8]) {
        self.peers[who].client.send(self.now, message).unwrap();
        self.pump();
    }

    /// What a client was told since it was last asked, each as [`said`] writes it.
    pub(crate) fn news(&mut self, who: usize) -> Vec<String> {
        let peer = &mut self.peers[who];
        let news = peer.told[peer.seen..].iter().map(|message| said(message)).collect();
        peer.seen = peer.told.len();
        news
    }

    /// Sends, and gives what the sender is told.
    pub(crate) fn ask(&mut self, who: usize, message: &[u8]) -> Vec<String> {
        self.send(who, message);
        self.news(who)
    }

    /// Time passes, and everybody who wants to be woken is.
    pub(crate) fn pass(&mut self, time: Nanos) {
        let end = self.now.saturating_add(time);
        while self.now < end {
            self.now = self.now.saturating_add(Nanos::from_millis(200)).min(end);
            for peer in &mut self.peers {
                if peer.client.next_deadline().is_some_and(|due| due <= self.now) {
                    peer.client.on_deadline(self.now);
                }
            }
            self.pump();
        }
    }
}

/// A message as a line: its letter, whom it is about, and what a test asks for.
pub(crate) fn said(bytes: &[u8]) -> String {
    let message = Message::parse(bytes).expect("we say what can be read");
    message.check().expect("we say what is listed");
    let options = message.appendage().strict().expect("we append what is listed");
    let channel = match options.channel() {
        0 => String::new(),
        channel => format!("/{channel}"),
    };
    let letter = |byte: u8| char::from(byte);
    let body = match message {
        Message::SystemEvent(m, _) => format!("S {}", letter(m.event)),
        Message::Accepted(m, _) => format!(
            "A {} {} {}@{} {}",
            m.user_ref(),
            letter(m.side),
            m.quantity(),
            m.price(),
            letter(m.display)
        ),
        Message::Replaced(m, _) => format!(
            "U {}>{} {} {}@{}",
            m.orig_user_ref(),
            m.user_ref(),
            letter(m.side),
            m.quantity(),
            m.price()
        ),
        Message::Canceled(m, _) => {
            format!("C {} {} {}", m.user_ref(), m.quantity(), letter(m.reason))
        }
        Message::AiqCanceled(m, _) => format!(
            "D {} {} {}@{} {}{}",
            m.user_ref(),
            m.decrement(),
            m.prevented(),
            m.price(),
            letter(m.liquidity),
            letter(m.strategy)
        ),
        Message::Executed(m, _) => format!(
            "E {} {}@{} {} #{}",
            m.user_ref(),
            m.quantity(),
            m.price(),
            letter(m.liquidity),
            m.match_number()
        ),
        Message::Broken(m, _) => {
            format!("B {} #{} {}", m.user_ref(), m.match_number(), letter(m.reason))
        }
        Message::Rejected(m, _) => format!("J {} {:?}", m.user_ref(), m.reason().unwrap()),
        Message::CancelPending(m, _) => format!("P {}", m.user_ref()),
        Message::CancelReject(m, _) => format!("I {}", m.user_ref()),
        Message::PriorityUpdate(m, _) => format!("T {} {}", m.user_ref(), m.price()),
        Message::Modified(m, _) => {
            format!("M {} {} {}", m.user_ref(), letter(m.side), m.quantity())
        }
        Message::Restated(m, _) => format!(
            "R {} {} {}",
            m.user_ref(),
            letter(m.reason),
            options.display_quantity().unwrap_or(0)
        ),
        Message::MassCancelResponse(m, _) => format!("X {}", m.user_ref()),
        Message::DisableResponse(m, _) => format!("G {}", m.user_ref()),
        Message::EnableResponse(m, _) => format!("K {}", m.user_ref()),
        Message::AccountQueryResponse(m, _) => format!("Q {}", m.next_user_ref()),
    };
    body + &channel
}

/// Bytes of an order to change before it is sent.
#[derive(Clone, Copy)]
pub(crate) struct Enter {
    pub(crate) m: EnterOrder,
}

/// An order for AAPL, for the day, shown; `price` in units of 1e-4.
pub(crate) fn enter(user_ref: u32, side: u8, quantity: u32, price: u64) -> Enter {
    Enter {
        m: EnterOrder {
            header: Head::new(),
            user_ref: user_ref.into(),
            side,
            quantity: quantity.into(),
            symbol: *b"AAPL    ",
            price: price.into(),
            time_in_force: b'0',
            display: b'Y',
            capacity: b'A',
            intermarket_sweep: b'N',
            cross: b'N',
            cl_ord_id: *b"order         ",
        },
    }
}

impl Enter {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut EnterOrder)) -> Self {
        change(&mut self.m);
        self
    }

    pub(crate) fn bytes(&self, values: &[TagValue]) -> Vec<u8> {
        with_options(values, |options, out| self.m.encode(options, out))
    }
}

pub(crate) fn replace(
    orig: u32,
    user_ref: u32,
    quantity: u32,
    price: u64,
    values: &[TagValue],
) -> Vec<u8> {
    let m = ReplaceOrder {
        header: Head::new(),
        orig_user_ref: orig.into(),
        user_ref: user_ref.into(),
        quantity: quantity.into(),
        price: price.into(),
        time_in_force: b'0',
        display: b'Y',
        intermarket_sweep: b'N',
        cl_ord_id: *b"replacement   ",
    };
    with_options(values, |options, out| m.encode(options, out))
}

pub(crate) fn cancel(user_ref: u32, quantity: u32, values: &[TagValue]) -> Vec<u8> {
    let m =
        CancelOrder { header: Head::new(), user_ref: user_ref.into(), quantity: quantity.into() };
    with_options(values, |options, out| m.encode(options, out))
}

pub(crate) fn modify(user_ref: u32, side: u8, quantity: u32) -> Vec<u8> {
    let (user_ref, quantity) = (user_ref.into(), quantity.into());
    let m = ModifyOrder { header: Head::new(), user_ref, side, quantity };
    with_options(&[], |options, out| m.encode(options, out))
}

pub(crate) fn with_options(
    values: &[TagValue],
    encode: impl FnOnce(wire::ouch50::Appendage<'_>, &mut [u8]) -> Result<usize, wire::Full>,
) -> Vec<u8> {
    let (mut room, mut out) = ([0; APPENDAGE_MAX], [0; 256]);
    let mut writer = AppendageWriter::new(&mut room);
    for value in values {
        writer.push(*value).unwrap();
    }
    let len = encode(writer.finish(), &mut out).unwrap();
    out[..len].to_vec()
}
