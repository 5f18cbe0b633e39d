//! Order entry on any bytes of several connections: what goes out can be read, live orders are the
//! floor's, each trade has two sides, drop copies are what the ports were told, and whatever was
//! reserved is given back.
//!
//! The input is steps: a head (connection, kind, length) and bytes, raw or framed as a request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use matching::{
    Account, Capacity, Control, DayRules, Floor, FloorCapacity, Policy, Rules, SelfMatch, Tick,
    TickTable,
};
use port::{DropPlan, Listing, Plan, PortPlan, Ports, StoreSize};
use risk::port::{PortRisk, Room, Whose};
use session::SessionId;
use session::soup::{Credentials, SoupConfig};
use types::{AccountId, FirmId, InstrumentId, MatchNo, Nanos, Px, Symbol};
use wire::ouch50::outbound::Message;
use wire::soupbintcp::{Login, Packet, next_packet};

/// Ports 0 to 2, the first two of one firm; the drop copy of that.
const USERS: [&str; 4] = ["p0", "p1", "p2", "drop"];
const DROP: usize = 3;
const STORE: StoreSize = StoreSize { messages_max: 1 << 12, bytes_max: 1 << 18 };

fn login(user: usize) -> Credentials {
    Credentials::new(USERS[user], "", "").expect("fits")
}

fn ticks() -> TickTable {
    TickTable::new(&[(Px::ZERO, Px::from_price4(100))]).expect("one band")
}

fn plan() -> Plan {
    let symbol = Symbol::parse("SEED").expect("a ticker");
    let port = |user: usize| PortPlan {
        login: login(user),
        firm: if user == 2 { *b"OTHR" } else { *b"SEED" },
        firm_id: FirmId::new(u16::from(user == 2)),
        account: AccountId::new(user as u32),
        groups: Vec::new(),
        self_match: SelfMatch::Decrement,
        cancel_on_disconnect: user == 1,
        extensions: user == 2,
        bbo_weight: user == 0,
        store: STORE,
    };
    Plan {
        session: SessionId::from_number(1),
        midnight: Nanos::ZERO,
        soup: SoupConfig { packet_bytes_max: 256, ..SoupConfig::default() },
        connections_max: 4,
        orders_max: 16,
        first_match: MatchNo::new(1),
        trades_max: 8,
        sweep_max: 3,
        seed: 77,
        listings: vec![Listing {
            symbol,
            ticks: ticks(),
            close: Some(Px::from_price4(1_234_500)),
            is_dark: false,
        }],
        ports: (0..3).map(port).collect(),
        drops: vec![DropPlan { login: login(DROP), firm: *b"SEED", store: STORE }],
    }
}

/// The ports, and each connection's messages as they came.
struct Rig {
    ports: Ports,
    now: Nanos,
    streams: [Vec<Vec<u8>>; 4],
    is_open: [bool; 4],
}

impl Rig {
    fn new() -> Self {
        let account = |group, firm| Account { group, firm: FirmId::new(firm) };
        let accounts = [account(1, 0), account(1, 0), account(0, 1)];
        let rules = Rules {
            reference: Tick::new(12_345),
            window: 256,
            far_levels: 8,
            keeps_place: true,
            policy: Policy::PriceTime,
            lit: true,
            seed: 1,
        };
        let capacity =
            FloorCapacity { books: Capacity { orders: 16, terms: 4 }, waiting: 4, dated: 4 };
        let day = DayRules::by_hand(ticks(), rules.reference);
        let floor = Floor::new(capacity, &accounts, &[rules], &[day]);
        let room = Room {
            ports: 3,
            firms: 2,
            accounts: 3,
            instruments: 1,
            symbol_rate_ports: 0,
            repeats_per_port: 0,
        };
        let ports = Ports::new(&plan(), floor, PortRisk::new(room), Nanos::ZERO);
        let mut rig =
            Self { ports, now: Nanos::ZERO, streams: Default::default(), is_open: [false; 4] };
        for control in [Control::PreOpen, Control::Open] {
            rig.ports.drive(Nanos::ZERO, &mut (), |floor, out| {
                floor.control(Nanos::ZERO, InstrumentId::new(0), control, out)
            });
        }
        rig
    }

    /// Logs in where nobody is, to be told what comes next in its stream.
    fn connect(&mut self, conn: usize) {
        if self.is_open[conn] {
            return;
        }
        assert!(self.ports.on_opened(self.now, conn as u16), "its place is free");
        self.is_open[conn] = true;
        let next = self.streams[conn].len() as u64 + 1;
        let mut login = Login::new(USERS[conn], "", "", next).expect("names fit");
        login.password = [b' '; 10];
        let mut out = [0; 64];
        let packet = Packet::Login { login: &login, heartbeat_timeout: None };
        let len = packet.encode(&mut out).expect("room");
        self.send(conn, &out[..len]);
    }

    fn close(&mut self, conn: usize) {
        if core::mem::take(&mut self.is_open[conn]) {
            self.ports.on_closed(self.now, conn as u16, &mut ());
        }
    }

    fn send(&mut self, conn: usize, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && self.is_open[conn] {
            let taken = self.ports.on_bytes(self.now, conn as u16, rest, &mut ());
            rest = &rest[taken..];
            self.pump();
        }
    }

    fn pump(&mut self) {
        loop {
            while let Some(conn) = self.ports.poll_ready() {
                let at = usize::from(conn);
                while let bytes = self.ports.transmit(conn)
                    && !bytes.is_empty()
                {
                    let mut stream = bytes;
                    while let Some((packet, len)) = next_packet(stream).expect("it is framed") {
                        if let Packet::Sequenced(message) = packet {
                            self.streams[at].push(message.to_vec());
                        }
                        stream = &stream[len..];
                    }
                    let len = bytes.len() - stream.len();
                    self.ports.sent(self.now, conn, len);
                }
                if self.ports.is_over(conn) {
                    self.close(at);
                }
            }
            if self.ports.next_deadline().is_none_or(|due| self.now < due) {
                return;
            }
            self.ports.on_deadline(self.now, &mut ());
        }
    }

    fn check(&self) {
        let live = self.ports.live();
        assert_eq!(live, self.ports.floor().market().live());
        let counters = self.ports.counters();
        assert_eq!((counters.strangers, counters.unsaid, counters.lapped), (0, 0, 0));
        let mut sides = std::collections::BTreeMap::<u64, Vec<(u32, u64)>>::new();
        for stream in &self.streams[..DROP] {
            for bytes in stream {
                let message = Message::parse(bytes).expect("we say what can be read");
                message.check().expect("and what is listed");
                message.appendage().strict().expect("and append what is listed");
                if let Message::Executed(m, _) = message {
                    sides.entry(m.match_number()).or_default().push((m.quantity(), m.price()));
                }
            }
        }
        assert!(sides.values().all(|sides| sides.len() == 2 && sides[0] == sides[1]));
        for port in 0..2 {
            let name = format!("{:6}", USERS[port]);
            let copied = self.streams[DROP].iter().filter_map(|m| m.strip_prefix(name.as_bytes()));
            assert!(copied.eq(self.streams[port].iter().map(Vec::as_slice)));
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut rig = Rig::new();
    let mut rest = bytes;
    while let Some(([head, len], after)) = rest.split_first_chunk() {
        let (bytes, after) = after.split_at(usize::from(*len).min(after.len()));
        rest = after;
        let conn = usize::from(head & 3);
        match head >> 2 & 7 {
            0 => {
                rig.connect(conn);
                rig.send(conn, bytes);
            }
            1 => rig.close(conn),
            2 => {
                rig.now = rig.now.saturating_add(Nanos::from_millis(u64::from(*len) * 100));
                rig.pump();
            }
            _ => {
                rig.connect(conn);
                let mut out = [0; 300];
                let len = Packet::Unsequenced(bytes).encode(&mut out).expect("room");
                rig.send(conn, &out[..len]);
            }
        }
    }
    // Whoever is logged out or was cut off is told the rest.
    for conn in 0..USERS.len() {
        rig.close(conn);
        rig.connect(conn);
    }
    rig.check();
    rig.ports.kill(rig.now, Whose::Venue, &mut ()).expect("there is a venue");
    rig.pump();
    assert_eq!((rig.ports.live(), rig.ports.floor().market().live()), (0, 0));
    let risk = rig.ports.risk();
    for account in 0..3 {
        let line = risk.account_line(AccountId::new(account));
        assert_eq!(risk.exposure(line), risk.executed(line));
    }
});
