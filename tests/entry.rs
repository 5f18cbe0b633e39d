//! The exchange's order entry beside recorded order entry: the same orders, the same bytes.

use crate::kit::recorded;
use matching::{
    Account, Capacity, Control, DayRules, Floor, FloorCapacity, Rules, SelfMatch, Tick, TickTable,
};
use port::{Listing, Plan, PortPlan, Ports, StoreSize};
use risk::port::{PortRisk, Room};
use session::SessionId;
use session::soup::{Credentials, SoupConfig};
use std::fs;
use std::path::Path;
use types::{AccountId, FirmId, InstrumentId, MatchNo, Nanos, Px, Symbol};
use wire::capture::Capture;
use wire::frame::{Carried, decode};
use wire::ouch50::inbound::{CancelOrder, EnterOrder, Head};
use wire::ouch50::{Appendage, outbound};
use wire::soupbintcp::{Login, Packet, next_packet};

/// The OUCH message of a capture of one.
fn captured(folder: &Path, file: &str) -> Vec<u8> {
    let bytes = fs::read(folder.join(file)).expect("capture is readable");
    let frame = Capture::open(&bytes).expect("magic is known").next().expect("one record");
    let frame = frame.expect("record is whole");
    let Ok(Carried::Tcp(segment)) = decode(frame.link, frame.bytes) else { panic!("no TCP") };
    match next_packet(segment.payload).expect("packet is known") {
        Some((Packet::Sequenced(message) | Packet::Unsequenced(message), _)) => message.to_vec(),
        other => panic!("{file}: {other:?}"),
    }
}

const FIRMS: [&[u8; 4]; 2] = [b"MLRO", b"LIME"];
const STOCKS: [&str; 2] = ["ADBE", "CVLT"];

/// An exchange where the stocks of the captures trade, with a port for each of their firms.
fn exchange() -> Ports {
    let cents = Px::from_price4(100);
    let ticks = TickTable::new(&[(Px::ZERO, cents)]).expect("a table of one band");
    let listing = |text| Listing {
        symbol: Symbol::parse(text).expect("a ticker"),
        ticks,
        close: None,
        is_dark: false,
    };
    let port = |firm: &[u8; 4], number: u16| PortPlan {
        login: login(number),
        firm: *firm,
        firm_id: FirmId::new(number),
        account: AccountId::new(number.into()),
        groups: Vec::new(),
        self_match: SelfMatch::Allow,
        cancel_on_disconnect: false,
        extensions: false,
        bbo_weight: true,
        store: StoreSize { messages_max: 64, bytes_max: 8_192 },
    };
    let plan = Plan {
        session: SessionId::from_number(1),
        midnight: Nanos::ZERO,
        soup: SoupConfig::default(),
        connections_max: 2,
        orders_max: 16,
        first_match: MatchNo::new(1),
        trades_max: 4,
        sweep_max: 4,
        seed: 5,
        listings: STOCKS.map(listing).to_vec(),
        ports: vec![port(FIRMS[0], 0), port(FIRMS[1], 1)],
        drops: Vec::new(),
    };
    let account = |firm| Account { group: 0, firm: FirmId::new(firm) };
    let rules = Rules {
        reference: Tick::new(47_778),
        window: 4_096,
        far_levels: 16,
        keeps_place: true,
        policy: matching::Policy::PriceTime,
        lit: true,
        seed: 1,
    };
    let books = Capacity { orders: 16, terms: 16 };
    let capacity = FloorCapacity { books, waiting: 4, dated: 4 };
    let day = DayRules::by_hand(ticks, rules.reference);
    let floor = Floor::new(capacity, &[account(0), account(1)], &[rules; 2], &[day; 2]);
    let room = Room {
        ports: 2,
        firms: 2,
        accounts: 2,
        instruments: 2,
        symbol_rate_ports: 0,
        repeats_per_port: 0,
    };
    let mut ports = Ports::new(&plan, floor, PortRisk::new(room), Nanos::ZERO);
    for (instrument, control) in
        [(0, Control::PreOpen), (0, Control::Open), (1, Control::PreOpen), (1, Control::Open)]
    {
        let instrument = InstrumentId::new(instrument);
        assert!(ports.drive(Nanos::ZERO, &mut (), |floor, out| {
            floor.control(Nanos::ZERO, instrument, control, out)
        }));
    }
    for conn in 0..2 {
        assert!(ports.on_opened(Nanos::ZERO, conn));
        let Credentials { user, password, .. } = login(conn);
        let login = Login { user, password, session: [b' '; 10], sequence: [b'0'; 20] };
        let packet = Packet::Login { login: &login, heartbeat_timeout: None };
        assert_eq!(send(&mut ports, Nanos::ZERO, conn, &packet).len(), 33, "accepted");
    }
    ports
}

fn login(number: u16) -> Credentials {
    Credentials::new(["mlro", "lime"][usize::from(number)], "", "").expect("fits")
}

/// Sends a packet, and gives the bytes that are answered to it.
fn send(ports: &mut Ports, now: Nanos, conn: u16, packet: &Packet<'_>) -> Vec<u8> {
    let mut out = [0; 512];
    let len = packet.encode(&mut out).expect("room");
    assert_eq!(ports.on_bytes(now, conn, &out[..len], &mut ()), len);
    let answer = ports.transmit(conn).to_vec();
    ports.sent(now, conn, answer.len());
    answer
}

/// The first answer's message.
fn answered(ports: &mut Ports, now: Nanos, conn: u16, request: &[u8]) -> Vec<u8> {
    let answer = send(ports, now, conn, &Packet::Unsequenced(request));
    let Ok(Some((Packet::Sequenced(message), _))) = next_packet(&answer) else {
        panic!("{request:?} is answered with {answer:?}")
    };
    message.to_vec()
}

#[test]
fn captured_ouch_answers_are_what_our_ports_answer_to_the_same_orders() {
    let Some(folder) = recorded("pcap/Nasdaq.Nsm.Ouch.v5.0") else { return };
    let mut ports = exchange();
    let want = captured(&folder, "OrderAcceptedMessage.pcap");
    let Ok(outbound::Message::Accepted(m, appendage)) = outbound::Message::parse(&want) else {
        panic!("an accepted order")
    };
    let symbol = Symbol::from_wire(m.symbol());
    let instrument = STOCKS.iter().position(|text| Symbol::parse(text) == Some(symbol));
    assert_eq!(instrument, Some(0));
    let order = EnterOrder {
        header: Head::new(),
        user_ref: m.user_ref().into(),
        side: m.side,
        quantity: m.quantity().into(),
        symbol: m.symbol(),
        price: m.price().into(),
        time_in_force: m.time_in_force,
        display: m.display,
        capacity: m.capacity,
        intermarket_sweep: m.intermarket_sweep,
        cross: m.cross,
        cl_ord_id: m.cl_ord_id(),
    };
    let mut out = [0; 256];
    // The captured order added less than 0.2 % to the best price: so much is there.
    let deep = EnterOrder { user_ref: 1.into(), quantity: 100_000.into(), ..order };
    let len = deep.encode(Appendage::ABSENT, &mut out).expect("room");
    answered(&mut ports, Nanos::ZERO, 1, &out[..len]);

    // With its firm, as it must have been entered: the weight is an answer's alone.
    let firm = appendage.strict().expect("listed").firm().expect("it has one");
    let mut room = [0; 8];
    let mut writer = wire::ouch50::AppendageWriter::new(&mut room);
    writer.push(wire::ouch50::TagValue::Firm(firm)).expect("room");
    let len = order.encode(writer.finish(), &mut out).expect("room");
    let now = Nanos::new(m.header.timestamp());
    let mut got = answered(&mut ports, now, 0, &out[..len]);
    // The exchange's own number for the order is another.
    let own = m.order_ref().to_be_bytes();
    let at = want.windows(8).position(|bytes| bytes == own).expect("it is there");
    got[at..at + 8].copy_from_slice(&own);
    assert_eq!(got, want);

    let want = captured(&folder, "CanceledMessage.pcap");
    let Ok(outbound::Message::Canceled(m, _)) = outbound::Message::parse(&want) else {
        panic!("a canceled order")
    };
    let cancel =
        CancelOrder { header: Head::new(), user_ref: m.user_ref().into(), quantity: 0.into() };
    let len = cancel.encode(Appendage::ABSENT, &mut out).expect("room");
    let now = Nanos::new(m.header.timestamp());
    assert_eq!(answered(&mut ports, now, 0, &out[..len]), want);
}

#[test]
fn captured_ouch_requests_are_taken() {
    let Some(folder) = recorded("pcap/Nasdaq.Nsm.Ouch.v5.0") else { return };
    let mut ports = exchange();
    let order = captured(&folder, "EnterOrderMessage.pcap");
    let answer = answered(&mut ports, Nanos::from_secs(1), 1, &order);
    let Ok(outbound::Message::Accepted(m, appendage)) = outbound::Message::parse(&answer) else {
        panic!("{answer:?}")
    };
    assert_eq!((m.symbol(), m.quantity(), m.side), (*b"CVLT    ", 225, b'T'));
    assert_eq!(appendage.strict().expect("listed").firm(), Some(*FIRMS[1]));
    // An order that is not live any more: nothing is said, and the connection goes on.
    let cancel = captured(&folder, "CancelOrderMessage.pcap");
    let silent = send(&mut ports, Nanos::from_secs(1), 1, &Packet::Unsequenced(&cancel));
    assert_eq!((silent, ports.counters().ignored), (Vec::new(), 1));
}
