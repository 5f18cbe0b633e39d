//! One firm's credit, spent on two shards of an exchange, whatever the delay between them.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};

use engine::exchange::Exchange;
use rialto::{launch, topology};
use risk::Notional;
use runtime::{Effect, Event, LinkId, ListenerId, Machine, Message, Outbox, StreamId};
use session::SessionId;
use session::soup::{Client, Credentials, Event as Heard, SoupConfig};
use types::{FirmId, Nanos, Px, SeqNo, Symbol};
use wire::ouch50::inbound::{CancelOrder, Head};
use wire::ouch50::{Appendage, Side, outbound};

use crate::kit::exchange::{TWO_SHARDS, exchange};
use crate::kit::order::{bytes, order};

/// In whole units of currency: fifty orders of the size below.
const CREDIT: u64 = 1_000_000;

/// It trades from its start on.
fn config() -> topology::Exchange {
    let (text, _hours) = TWO_SHARDS.split_once("[exchange.hours]").expect("hours");
    exchange(&text.replace("credit = 1000", &format!("credit = {CREDIT}")))
}

/// One shard with its one client.
struct Shard {
    machine: Exchange,
    client: Client,
    symbol: Symbol,
    user_ref: u32,
    open: Vec<u32>,
    accepted: u64,
    denied: u64,
    /// Messages on their way to the other shard.
    sent: VecDeque<Message>,
}

struct Pair {
    shards: [Shard; 2],
    now: Nanos,
    dice: u64,
}

impl Pair {
    fn new() -> Self {
        let exchange = config();
        let now = Nanos::from_secs(20_000 * 86_400);
        let shard = |place: usize| Shard {
            machine: launch::exchange_machine(&exchange, place, None, now)
                .expect("it follows no feed"),
            client: client(&exchange, place),
            symbol: exchange.shards[place].listings[0].symbol,
            user_ref: 0,
            open: Vec::new(),
            accepted: 0,
            denied: 0,
            sent: VecDeque::new(),
        };
        let shards = [0, 1].map(shard);
        let mut pair = Self { shards, now, dice: 1 };
        for at in 0..2 {
            pair.settle(at);
            let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
            let (listener, stream) = (ListenerId(0), StreamId(0));
            pair.drive(at, Event::Accepted { listener, stream, peer });
            pair.shards[at].client.on_opened(now, SeqNo::new(1));
            pair.transmit(at);
            assert!(pair.shards[at].client.is_up());
        }
        pair
    }

    fn settle(&mut self, at: usize) {
        while self.shards[at].machine.next_deadline().is_some_and(|due| due <= self.now) {
            self.drive(at, Event::Deadline);
        }
    }

    fn drive(&mut self, at: usize, event: Event<'_>) {
        let mut out = Outbox::default();
        let shard = &mut self.shards[at];
        shard.machine.on_event(self.now, event, &mut out);
        shard.machine.on_turn_end(self.now, &mut out);
        out.drain(|effect| match effect {
            Effect::Write { mut bytes, .. } => {
                while !bytes.is_empty() {
                    let taken = shard.client.on_bytes(self.now, bytes);
                    bytes = &bytes[taken..];
                    while let Some(heard) = shard.client.poll() {
                        if let Heard::Sequenced { message, .. } = heard {
                            match message[0] {
                                b'A' => {
                                    let answer = outbound::Message::parse(message);
                                    let Ok(outbound::Message::Accepted(m, _)) = answer else {
                                        panic!("{message:?}")
                                    };
                                    shard.accepted += 1;
                                    shard.open.push(m.user_ref());
                                }
                                b'J' => shard.denied += 1,
                                _ => {}
                            }
                        }
                    }
                }
            }
            Effect::Ring { link: LinkId(1), message } => shard.sent.push_back(message),
            Effect::Ring { .. } | Effect::Send { .. } => {}
            Effect::Open { .. } | Effect::Close { .. } => panic!("{effect:?}"),
        });
    }

    fn transmit(&mut self, at: usize) {
        while let Some(bytes) = self.shards[at].client.poll_transmit().map(<[u8]>::to_vec) {
            self.shards[at].client.sent(bytes.len());
            self.drive(at, Event::Bytes { stream: StreamId(0), bytes: &bytes });
        }
    }

    fn send(&mut self, at: usize, message: &[u8]) {
        self.shards[at].client.send(self.now, message).expect("room");
        self.transmit(at);
    }

    fn enter(&mut self, at: usize, quantity: u32) {
        let shard = &mut self.shards[at];
        shard.user_ref += 1;
        let order = order(shard.user_ref, Side::Buy, quantity, shard.symbol.as_str(), 1_000_000);
        self.send(at, &bytes(&order, &[]));
    }

    fn cancel(&mut self, at: usize, user_ref: u32) {
        let cancel =
            CancelOrder { header: Head::new(), user_ref: user_ref.into(), quantity: 0.into() };
        let mut out = [0; 64];
        let len = cancel.encode(Appendage::ABSENT, &mut out).expect("room");
        self.send(at, &out[..len]);
    }

    /// The next message from one shard reaches the other.
    fn deliver(&mut self, from: usize) -> bool {
        let Some(message) = self.shards[from].sent.pop_front() else { return false };
        self.drive(1 - from, Event::Message { link: LinkId(1), message: &message });
        true
    }

    fn deliver_all(&mut self) {
        while self.deliver(0) || self.deliver(1) {}
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.dice >> 33) % bound
    }

    /// What the firm has open, over both shards.
    fn exposure(&self) -> Notional {
        let of = |shard: &Shard| {
            let risk = shard.machine.ports().risk();
            risk.exposure(risk.firm_line(FirmId::new(0)))
        };
        of(&self.shards[0]).saturating_add(of(&self.shards[1]))
    }
}

fn client(exchange: &topology::Exchange, place: usize) -> Client {
    let login = exchange.ports[0].login;
    let session = SessionId::new(exchange.shards[place].session);
    let credentials = Credentials { user: login.user, password: login.password, session };
    Client::new(SoupConfig::default(), credentials)
}

fn credit() -> Notional {
    Notional::from_raw(u128::from(CREDIT) * u128::from(Px::ONE.unsigned_abs()))
}

#[test]
fn the_credit_of_a_firm_is_never_exceeded_over_its_shards_and_none_of_it_is_lost() {
    let mut pair = Pair::new();
    // Before any message came: three of the ten parts that each may spend.
    for at in 0..2 {
        pair.enter(at, 3_000);
        assert_eq!((pair.shards[at].accepted, pair.shards[at].denied), (1, 0), "shard {at}");
    }
    pair.deliver_all();
    for step in 0..20_000 {
        let at = pair.below(2) as usize;
        match pair.below(8) {
            0..4 => {
                let quantity = 1 + pair.below(400) as u32;
                pair.enter(at, quantity);
            }
            4..6 if !pair.shards[at].open.is_empty() => {
                let drawn = pair.below(pair.shards[at].open.len() as u64) as usize;
                let user_ref = pair.shards[at].open.swap_remove(drawn);
                pair.cancel(at, user_ref);
            }
            // As the rings are, some of the time they are emptied, and some of the time they are not.
            _ => {
                for _ in 0..pair.below(16) {
                    pair.deliver(at);
                }
            }
        }
        assert!(pair.exposure() <= credit(), "step {step}: {:?}", pair.exposure());
    }
    for shard in &pair.shards {
        assert!(500 < shard.accepted, "{} orders were accepted", shard.accepted);
        assert!(500 < shard.denied, "{} orders were denied", shard.denied);
    }
    // Once all is cancelled and told, either shard can have nearly all of it.
    for at in 0..2 {
        for shard in 0..2 {
            for user_ref in core::mem::take(&mut pair.shards[shard].open) {
                pair.cancel(shard, user_ref);
            }
        }
        pair.deliver_all();
        assert_eq!(pair.exposure(), Notional::default());
        let before = pair.shards[at].accepted;
        pair.enter(at, 9_000);
        pair.deliver_all();
        assert_eq!(pair.shards[at].accepted, before, "shard {at} had no more than its part");
        // Others come and go before it is tried again.
        for _ in 0..10 {
            pair.enter(at, 1);
            let user_ref = pair.shards[at].open.pop().expect("a small one is accepted");
            pair.cancel(at, user_ref);
            pair.deliver_all();
        }
        let before = before + 10;
        for _ in 0..2 {
            pair.enter(at, 9_000);
            pair.deliver_all();
        }
        assert_eq!(pair.shards[at].accepted, before + 1, "shard {at} has nine tenths of it, once");
    }
}
