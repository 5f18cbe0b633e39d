//! The exchange shard under the allocator's seal: a day's requests of every common kind.

use std::net::{Ipv4Addr, SocketAddr};

use matching::{
    Account, Capacity, DayRules, FloorCapacity, Policy, Rules, SelfMatch, Tick, TickTable,
};
use port::{DropPlan, PortPlan, StoreSize};
use risk::port::Room;
use runtime::seal::{self, Seal};
use runtime::{Effect, ListenerId};
use session::SessionId;
use session::mold::SenderConfig;
use session::soup::{Credentials, SoupConfig};
use types::{AccountId, FirmId, OrderRef, Px, SeqNo, Symbol};
use wire::itch50::{LuldTier, MarketCategory, RegShoAction};
use wire::ouch50::Appendage;
use wire::ouch50::inbound::{CancelOrder, EnterOrder, Head, ReplaceOrder};
use wire::soupbintcp::{Login, Packet, next_packet};

use super::*;

const USERS: [&str; 3] = ["ANN", "BOB", "COPY"];
const COMMANDS: LinkId = LinkId(0);

fn machine() -> Exchange {
    let cents = Px::from_price4(100);
    let ticks = TickTable::new(&[(Px::ZERO, cents)]).unwrap();
    let symbol = Symbol::parse("AAPL").unwrap();
    let login = |user: &str| Credentials::new(user, "x", "").unwrap();
    let store = StoreSize { messages_max: 4_096, bytes_max: 1 << 18 };
    let port = |number: u16| PortPlan {
        login: login(USERS[usize::from(number)]),
        firm: *b"ALFA",
        firm_id: FirmId::new(0),
        account: AccountId::new(number.into()),
        groups: Vec::new(),
        self_match: SelfMatch::Allow,
        cancel_on_disconnect: true,
        extensions: false,
        bbo_weight: false,
        store,
    };
    let plan = ExchangePlan {
        ports: port::Plan {
            session: SessionId::from_number(1),
            midnight: Nanos::ZERO,
            soup: SoupConfig::default(),
            connections_max: 4,
            orders_max: 1_024,
            first_match: MatchNo::new(1),
            trades_max: 64,
            sweep_max: 16,
            seed: 1,
            listings: vec![port::Listing { symbol, ticks, close: None, is_dark: false }],
            ports: vec![port(0), port(1)],
            drops: vec![DropPlan { login: login(USERS[2]), firm: *b"ALFA", store }],
        },
        listings: vec![tape::Listing {
            symbol,
            locate: 1,
            ticks,
            round_lot: 100,
            category: MarketCategory::NasdaqGlobalSelect,
            tier: LuldTier::None,
            short_sale: RegShoAction::None,
            dark: false,
        }],
        tape: tape::Config {
            sender: SenderConfig {
                session: SessionId::from_number(1),
                first: SeqNo::new(1),
                datagram_bytes_max: 1_472,
                heartbeat: Nanos::from_secs(1),
            },
            midnight: Nanos::ZERO,
            orders_max: 1_024,
            first_ref: OrderRef::new(1),
        },
        lines: [Some(SocketId(0)), Some(SocketId(1))],
        keeper: Some(LinkId(0)),
        commands: COMMANDS,
        first_stream: StreamId(0),
        hours: None,
        follows: None,
    };
    let rules = Rules {
        reference: ticks.tick(Px::from_price4(1_000_000)).unwrap(),
        window: 1_024,
        far_levels: 64,
        keeps_place: true,
        policy: Policy::PriceTime,
        lit: true,
        seed: 1,
    };
    let accounts = [1, 2].map(|group| Account { group, firm: FirmId::new(0) });
    let books = Capacity { orders: 1_024, terms: 64 };
    let capacity = FloorCapacity { books, waiting: 16, dated: 16 };
    let day = DayRules::by_hand(ticks, Tick::new(0));
    let floor = Floor::new(capacity, &accounts, &[rules], &[day]);
    let risk = PortRisk::new(Room {
        ports: 2,
        firms: 1,
        accounts: 2,
        instruments: 1,
        symbol_rate_ports: 0,
        repeats_per_port: 16,
    });
    Exchange::new(&plan, (floor, risk, Credit::Whole), Nanos::ZERO).expect("it follows no feed")
}

/// The shard, its time, and what it said by type of message.
struct Rig {
    machine: Exchange,
    out: Outbox,
    now: Nanos,
    answers: [u32; 256],
    copies: u32,
    datagrams: u32,
    kept: u32,
}

impl Rig {
    /// Trading, with nobody connected.
    fn new() -> Self {
        let mut rig = Self {
            machine: machine(),
            out: Outbox::default(),
            now: Nanos::from_secs(1),
            answers: [0; 256],
            copies: 0,
            datagrams: 0,
            kept: 0,
        };
        while rig.machine.next_deadline() == Some(Nanos::ZERO) {
            rig.drive(Event::Deadline);
        }
        rig
    }

    /// One input, sealed.
    fn drive(&mut self, event: Event<'_>) {
        self.now = self.now.saturating_add(Nanos::from_micros(50));
        {
            let _seal = Seal::new();
            self.machine.on_event(self.now, event, &mut self.out);
            self.machine.on_turn_end(self.now, &mut self.out);
        }
        for effect in self.out.effects() {
            match effect {
                Effect::Write { stream, bytes } => {
                    let mut rest = bytes;
                    while let Some((packet, len)) = next_packet(rest).unwrap() {
                        rest = &rest[len..];
                        match packet {
                            Packet::Sequenced(_) if stream == StreamId(2) => self.copies += 1,
                            Packet::Sequenced(m) => self.answers[usize::from(m[0])] += 1,
                            Packet::Accepted(_) => self.answers[usize::from(b'+')] += 1,
                            Packet::Debug(_)
                            | Packet::Login { .. }
                            | Packet::Rejected(_)
                            | Packet::Unsequenced(_)
                            | Packet::ServerHeartbeat
                            | Packet::ClientHeartbeat
                            | Packet::EndOfSession
                            | Packet::Logout => panic!("{packet:?}"),
                        }
                    }
                    assert!(rest.is_empty(), "whole packets");
                }
                Effect::Send { .. } => self.datagrams += 1,
                Effect::Ring { .. } => self.kept += 1,
                Effect::Open { .. } | Effect::Close { .. } => panic!("{effect:?}"),
            }
        }
        self.out.clear();
    }

    fn send(&mut self, conn: u16, packet: &Packet<'_>) {
        let mut bytes = [0; 160];
        let len = packet.encode(&mut bytes).unwrap();
        self.drive(Event::Bytes { stream: StreamId(conn), bytes: &bytes[..len] });
    }

    fn log_in(&mut self, conn: u16) {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let stream = StreamId(conn);
        self.drive(Event::Accepted { listener: ListenerId(0), stream, peer });
        let login = Login::new(USERS[usize::from(conn)], "x", "", 0).unwrap();
        self.send(conn, &Packet::Login { login: &login, heartbeat_timeout: None });
    }

    fn enter(&mut self, conn: u16, user_ref: u32, side: Side, quantity: u32, price4: u64) {
        let order = EnterOrder {
            header: Head::new(),
            user_ref: user_ref.into(),
            side: side.letter() as u8,
            quantity: quantity.into(),
            symbol: *b"AAPL    ",
            price: price4.into(),
            time_in_force: b'0',
            display: b'Y',
            capacity: b'A',
            intermarket_sweep: b'N',
            cross: b'N',
            cl_ord_id: [b' '; 14],
        };
        let mut message = [0; 128];
        let len = order.encode(Appendage::ABSENT, &mut message).unwrap();
        self.send(conn, &Packet::Unsequenced(&message[..len]));
    }

    fn replace(&mut self, conn: u16, (old, new): (u32, u32), quantity: u32, price4: u64) {
        let order = ReplaceOrder {
            header: Head::new(),
            orig_user_ref: old.into(),
            user_ref: new.into(),
            quantity: quantity.into(),
            price: price4.into(),
            time_in_force: b'0',
            display: b'Y',
            intermarket_sweep: b'N',
            cl_ord_id: [b' '; 14],
        };
        let mut message = [0; 128];
        let len = order.encode(Appendage::EMPTY, &mut message).unwrap();
        self.send(conn, &Packet::Unsequenced(&message[..len]));
    }

    fn cancel(&mut self, conn: u16, user_ref: u32) {
        let cancel =
            CancelOrder { header: Head::new(), user_ref: user_ref.into(), quantity: 0.into() };
        let mut message = [0; 128];
        let len = cancel.encode(Appendage::ABSENT, &mut message).unwrap();
        self.send(conn, &Packet::Unsequenced(&message[..len]));
    }
}

#[test]
fn no_request_touches_the_allocator() {
    let before = seal::broken();
    let mut rig = Rig::new();
    for conn in [0, 1, 2] {
        rig.log_in(conn);
    }
    // Ann bids and is hit for a part; the rest is replaced in its place and away from it, and cancelled.
    for round in 0..1_000 {
        let (bid, offer) = (1 + 3 * round, 1 + round);
        let price4 = 1_000_000 - 100 * u64::from(round % 7);
        rig.enter(0, bid, Side::Buy, 300, price4);
        rig.enter(1, offer, Side::Sell, 100, price4);
        rig.replace(0, (bid, bid + 1), 200, price4);
        rig.replace(0, (bid + 1, bid + 2), 250, 990_000);
        if round % 100 != 0 {
            rig.cancel(0, bid + 2);
        }
    }
    assert_eq!(rig.machine.ports().live(), 10, "left to rest");
    rig.drive(Event::Closed { stream: StreamId(0) });
    while rig.machine.next_deadline().is_some_and(|at| at <= rig.now) {
        rig.drive(Event::Deadline);
    }
    assert_eq!(rig.machine.ports().live(), 0, "cancelled with their connection");
    rig.log_in(0);
    assert_eq!(seal::broken(), before, "uses of the allocator under the seal");

    let of = |kind: u8| rig.answers[usize::from(kind)];
    assert_eq!([b'+', b'A', b'E', b'U', b'C'].map(of), [4, 2_000, 2_000, 2_000, 990]);
    assert_eq!(rig.machine.traded()[0], Traded { fills: 1_000, volume: 100_000, crosses: 0 });
    assert_eq!((rig.machine.lost(), rig.copies), (0, 2_000 + 2_000 + 2_000 + 1_000));
    assert!(0 < rig.datagrams && rig.datagrams <= 2 * rig.kept, "a line each, a message at least");
}
