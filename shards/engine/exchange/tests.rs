//! The exchange shard under the allocator's seal: a day's requests of every common kind.

use std::net::{Ipv4Addr, SocketAddr};

use matching::{
    Account, Capacity, DayRules, FloorCapacity, Policy, Rules, SelfMatch, Tick, TickTable,
};
use port::{DropPlan, PortPlan, StoreSize};
use risk::port::{Room, Whose};
use runtime::seal::{self, Seal};
use runtime::{Effect, ListenerId};
use session::SessionId;
use session::mold::SenderConfig;
use session::soup::{Credentials, SoupConfig};
use types::{AccountId, FirmId, MatchNo, OrderRef, PortId, Px, SeqNo, Symbol};
use wire::itch50::{LuldTier, MarketCategory, RegShoAction};
use wire::ouch50::inbound::{CancelOrder, EnterOrder, Head, ReplaceOrder};
use wire::ouch50::{Appendage, AppendageWriter, BrokenReason, TagValue};
use wire::soupbintcp::{Login, Packet, next_packet};

use super::*;

const USERS: [&str; 3] = ["ANN", "BOB", "COPY"];
const COMMANDS: LinkId = LinkId(0);
const ANSWERS: LinkId = LinkId(1);

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
            connections_max: 3,
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
        answers: ANSWERS,
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
    answered: Option<Answer>,
    turned_away: u32,
}

impl Rig {
    /// At the begin of its day.
    fn fresh() -> Self {
        Self {
            machine: machine(),
            out: Outbox::default(),
            now: Nanos::from_secs(1),
            answers: [0; 256],
            copies: 0,
            datagrams: 0,
            kept: 0,
            answered: None,
            turned_away: 0,
        }
    }

    /// Trading, with nobody connected.
    fn new() -> Self {
        let mut rig = Self::fresh();
        rig.settle();
        rig
    }

    /// What wants to go on does.
    fn settle(&mut self) {
        while self.machine.next_deadline() == Some(Nanos::ZERO) {
            self.drive(Event::Deadline);
        }
    }

    /// What became of a request at once.
    fn command(&mut self, number: u64, command: Command) -> Option<Answer> {
        self.answered = None;
        let message = command.to_message(number);
        self.drive(Event::Message { link: COMMANDS, message: &message });
        self.answered
    }

    /// One input, sealed; the only one of its turn.
    fn drive(&mut self, event: Event<'_>) {
        self.take(event);
        self.end_turn();
    }

    fn take(&mut self, event: Event<'_>) {
        self.now = self.now.saturating_add(Nanos::from_micros(50));
        {
            let _seal = Seal::new();
            self.machine.on_event(self.now, event, &mut self.out);
        }
        self.carry_out();
    }

    fn end_turn(&mut self) {
        {
            let _seal = Seal::new();
            self.machine.on_turn_end(self.now, &mut self.out);
        }
        self.carry_out();
    }

    fn carry_out(&mut self) {
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
                            Packet::EndOfSession => self.answers[usize::from(b'-')] += 1,
                            Packet::Debug(_)
                            | Packet::Login { .. }
                            | Packet::Rejected(_)
                            | Packet::Unsequenced(_)
                            | Packet::ServerHeartbeat
                            | Packet::ClientHeartbeat
                            | Packet::Logout => panic!("{packet:?}"),
                        }
                    }
                    assert!(rest.is_empty(), "whole packets");
                }
                Effect::Send { .. } => self.datagrams += 1,
                Effect::Ring { link: ANSWERS, message } => {
                    assert_eq!(self.answered, None, "one answer at a time");
                    self.answered = Answer::from_message(&message);
                }
                Effect::Ring { .. } => self.kept += 1,
                Effect::Close { .. } if self.machine.is_over() => {}
                Effect::Close { stream: StreamId(3) } => self.turned_away += 1,
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
        let bytes = order(user_ref, side, quantity, price4);
        self.drive(Event::Bytes { stream: StreamId(conn), bytes: &bytes });
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

/// An order as its packet.
fn order(user_ref: u32, side: Side, quantity: u32, price4: u64) -> Vec<u8> {
    packet(&entered(user_ref, side, quantity, price4), Appendage::ABSENT)
}

/// One that is hidden and trades whole with one other or not at all, so that a cross leaves it out.
fn whole(user_ref: u32, side: Side, quantity: u32, price4: u64) -> Vec<u8> {
    let mut options = [0; 8];
    let mut options = AppendageWriter::new(&mut options);
    options.push(TagValue::MinQty(quantity)).unwrap();
    let order = EnterOrder { display: b'N', ..entered(user_ref, side, quantity, price4) };
    packet(&order, options.finish())
}

fn entered(user_ref: u32, side: Side, quantity: u32, price4: u64) -> EnterOrder {
    EnterOrder {
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
    }
}

fn packet(order: &EnterOrder, options: Appendage<'_>) -> Vec<u8> {
    let (mut message, mut packet) = ([0; 128], [0; 160]);
    let len = order.encode(options, &mut message).unwrap();
    let len = Packet::Unsequenced(&message[..len]).encode(&mut packet).unwrap();
    packet[..len].to_vec()
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
    assert_eq!(
        rig.machine.traded()[0],
        Traded { fills: 1_000, volume: 100_000, crosses: 0, auction: None }
    );
    assert_eq!((rig.machine.lost(), rig.copies), (0, 2_000 + 2_000 + 2_000 + 1_000));
    assert!(0 < rig.datagrams && rig.datagrams <= 2 * rig.kept, "a line each, a message at least");
}

fn control(control: Control) -> Command {
    Command::Control { instrument: number(0), control }
}

fn bust(match_no: u64) -> Command {
    Command::Bust { match_no, reason: BrokenReason::Erroneous }
}

#[test]
fn every_request_is_answered_with_what_became_of_it() {
    use matching::Phase::{Closed, Continuous, Halted, PreReopen};

    let before = seal::broken();
    let mut rig = Rig::new();
    [0, 1].into_iter().for_each(|conn| rig.log_in(conn));
    rig.enter(0, 1, Side::Buy, 100, 1_000_000);
    rig.enter(1, 1, Side::Sell, 100, 1_000_000);
    (2..40).for_each(|user_ref| rig.enter(0, user_ref, Side::Buy, 100, 990_000));
    let stands = |phase, shares| Detail::Instrument { phase, shares, price: None };
    let ann = Whose::Port(PortId::new(0));
    let nobody = Whose::Firm(FirmId::new(9));
    let none = Detail::None;
    let page =
        |list, from, states: &[u8]| Detail::Page(Page::new(list, from, states.iter().copied()));
    let looks = |list, from| Command::Look { list, from };
    use Outcome::{AlreadySo, Done, Unknown, WrongPhase};
    let cases = [
        (control(Control::Open), AlreadySo, stands(Continuous, 0)),
        (control(Control::Reopen), AlreadySo, stands(Continuous, 0)),
        (control(Control::PreReopen), WrongPhase, stands(Continuous, 0)),
        (control(Control::Halt), Done, stands(Halted, 0)),
        (control(Control::Halt), AlreadySo, stands(Halted, 0)),
        (control(Control::Reopen), WrongPhase, stands(Halted, 0)),
        (control(Control::PreReopen), Done, stands(PreReopen, 0)),
        (Command::Control { instrument: number(1), control: Control::Halt }, Unknown, none),
        (looks(List::Phases, 0), Done, page(List::Phases, 0, &[PreReopen as u8])),
        (looks(List::Phases, 1), Done, page(List::Phases, 1, &[])),
        (looks(List::Phases, u32::MAX), Done, page(List::Phases, u32::MAX, &[])),
        (looks(List::Ports, 0), Done, page(List::Ports, 0, &[0, 0])),
        // 16 of its orders are looked at in one turn.
        (Command::Kill { whose: ann }, Done, Detail::Orders { cancelled: 16, goes_on: true }),
        (Command::Kill { whose: ann }, AlreadySo, Detail::Orders { cancelled: 0, goes_on: false }),
        (Command::Kill { whose: nobody }, Unknown, none),
        (looks(List::Ports, 0), Done, page(List::Ports, 0, &[1, 0])),
        (looks(List::Ports, 1), Done, page(List::Ports, 1, &[0])),
        (looks(List::Ports, 70_000), Done, page(List::Ports, 70_000, &[])),
        (looks(List::Firms, 0), Done, page(List::Firms, 0, &[0])),
        (Command::Revive { whose: ann }, Done, none),
        (Command::Revive { whose: ann }, AlreadySo, none),
        (Command::Revive { whose: nobody }, Unknown, none),
        (looks(List::Venue, 0), Done, page(List::Venue, 0, &[0])),
        (
            Command::Kill { whose: Whose::Venue },
            Done,
            Detail::Orders { cancelled: 0, goes_on: false },
        ),
        (looks(List::Venue, 0), Done, page(List::Venue, 0, &[1])),
        // The first number was the opening cross's, which is no trade.
        (bust(1), Unknown, none),
        (bust(2), Done, none),
        (bust(2), AlreadySo, none),
        (control(Control::Reopen), Done, stands(Continuous, 0)),
        (control(Control::Close), Done, stands(Closed, 0)),
    ];
    for (at, (command, outcome, detail)) in (7..).zip(cases) {
        let answer = rig.command(at, command);
        assert_eq!(answer, Some(Answer { number: at, outcome, detail }), "{command:?}");
        rig.settle();
    }
    // Its end is told when it has come, and to the first who asked.
    assert_eq!(rig.command(1, Command::Close), None);
    let again = Answer { number: 2, outcome: AlreadySo, detail: none };
    assert_eq!(rig.command(2, Command::Close), Some(again));
    rig.answered = None;
    rig.settle();
    assert_eq!(rig.answered, Some(Answer { number: 1, outcome: Done, detail: none }));
    assert!(rig.machine.is_over());
    let over = [control(Control::PreOpen), bust(1)];
    for command in over {
        let answer = rig.command(3, command).expect("an answer");
        assert_eq!(answer.outcome, Outcome::DayOver, "{command:?}");
    }
    assert_eq!(rig.machine.misaddressed(), 0);
    assert_eq!(seal::broken(), before, "uses of the allocator under the seal");
}

/// The volume and the last price of the turn were told as those of the cross.
#[test]
fn what_trades_after_a_cross_is_not_told_as_the_cross() {
    use matching::Phase::Continuous;

    let stands = |shares, price| Detail::Instrument { phase: Continuous, shares, price };
    let par = Some(Px::from_raw(100 * Px::ONE));
    // Shown orders that cross, hidden ones that trade once it is over; and what is told of the cross.
    let cases = [
        (0, 0, 0, stands(0, None)),
        (0, 70, 70, stands(0, None)),
        (40, 0, 40, stands(40, par)),
        (40, 70, 110, stands(40, par)),
    ];
    let mut rig = Rig::new();
    [0, 1].into_iter().for_each(|conn| rig.log_in(conn));
    for (at, (shown, hidden, traded, detail)) in (1..).zip(cases) {
        let volume = rig.machine.traded()[0].volume;
        for way in [Control::Halt, Control::PreReopen] {
            let answer = rig.command(1, control(way)).expect("an answer");
            assert_eq!(answer.outcome, Outcome::Done, "{way:?}");
        }
        for (conn, side) in [(0, Side::Buy), (1, Side::Sell)] {
            let orders = [
                (shown, order(2 * at, side, shown, 1_000_000)),
                (hidden, whole(2 * at + 1, side, hidden, 1_010_000)),
            ];
            for (_, bytes) in orders.iter().filter(|(shares, _)| *shares != 0) {
                rig.drive(Event::Bytes { stream: StreamId(conn), bytes });
            }
        }
        let answer = rig.command(2, control(Control::Reopen));
        assert_eq!(answer, Some(Answer { number: 2, outcome: Outcome::Done, detail }));
        assert_eq!(rig.machine.traded()[0].volume - volume, traded, "{detail:?}");
    }
}

#[test]
fn a_turn_is_one_datagram_on_each_line_whatever_its_inputs() {
    let mut rig = Rig::new();
    [0, 1].into_iter().for_each(|conn| rig.log_in(conn));
    let (datagrams, kept) = (rig.datagrams, rig.kept);
    for conn in [0, 1] {
        let bytes = order(1, Side::Buy, 100, 99_0000);
        rig.take(Event::Bytes { stream: StreamId(conn), bytes: &bytes });
        // Its owner is told at once, and so is the keeper.
        assert_eq!(rig.answers[usize::from(b'A')], 1 + u32::from(conn));
        assert_eq!((rig.datagrams, rig.kept), (datagrams, kept + 1 + u32::from(conn)));
    }
    rig.end_turn();
    assert_eq!(rig.datagrams, datagrams + 2);
    rig.end_turn();
    assert_eq!(rig.datagrams, datagrams + 2, "nothing is left to say");
}

#[test]
fn a_connection_that_is_turned_away_is_none() {
    let mut rig = Rig::new();
    [0, 1, 2].into_iter().for_each(|conn| rig.log_in(conn));
    let all = rig.machine.ports().connections();
    for _ in 0..3 {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let stream = StreamId(3);
        rig.turned_away = 0;
        rig.drive(Event::Accepted { listener: ListenerId(0), stream, peer });
        assert_eq!(rig.turned_away, 1);
        rig.drive(Event::Closed { stream });
        assert_eq!(rig.machine.ports().connections(), all);
    }
}

#[test]
fn nothing_happens_to_an_instrument_before_it_was_named() {
    let mut rig = Rig::fresh();
    let answer = rig.command(1, control(Control::PreOpen)).expect("an answer");
    let detail = Detail::Instrument { phase: matching::Phase::Closed, shares: 0, price: None };
    assert_eq!(answer, Answer { number: 1, outcome: Outcome::DayNotBegun, detail });
}
