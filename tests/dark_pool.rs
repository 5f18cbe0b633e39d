//! A dark pool that follows a lit exchange: both in this process, in virtual time, the lit one's lines lossy.

use std::collections::{BTreeMap, HashMap};

use engine::exchange::Command;
use matching::{Control, Quote};
use rialto::flow::{Listed, Options, Population, Ports as _, in_process};
use runtime::SocketId;
use session::mold;
use types::{InstrumentId, Nanos, Px, Symbol};
use wire::itch50;
use wire::ouch50::inbound::EnterOrder;
use wire::ouch50::{Display, PriceType, Side, TagValue, outbound};

use crate::exchange_day::copies_equal_the_streams;
use crate::kit::exchange::{Rig, Sent, exchanges, followed};
use crate::kit::order::{bytes, order};

const CONFIG: &str = r#"
[[feed]]
name = "lit"
venue = "nasdaq"
line_a = "239.192.79.1:26611"
line_b = "239.192.79.2:26612"

[[exchange]]
name = "LIT"

[[exchange.shard]]
name = "l0"
capacity = { orders = 65536, terms = 4096 }
orders = "127.0.0.1:26601"
line_a = "239.192.79.1:26611"
line_b = "239.192.79.2:26612"

[[exchange.instrument]]
symbols = ["S000", "S001"]
reference = "100.00"
tick = "0.01"
luld_tier = 1

[[exchange.firm]]
name = "AAAA"
credit = 1000000000000

[[exchange.port]]
user = "U{n}"
count = 20
password = "x"
firms = ["AAAA"]

[[exchange]]
name = "DRK"
dark = { quote = ["lit"], cross_min_ms = 5, cross_max_ms = 40 }

[[exchange.shard]]
name = "d0"
capacity = { orders = 4096, terms = 4096 }
orders = "127.0.0.1:26602"
line_a = "239.192.79.3:26613"
line_b = "239.192.79.4:26614"

[[exchange.instrument]]
symbols = ["S001", "S000"]
reference = "100.00"
tick = "0.01"

[[exchange.firm]]
name = "AAAA"
credit = 1000000000000
drop_copy = { user = "DAAAA", password = "x" }

[[exchange.port]]
user = "U{n}"
count = 4
password = "x"
firms = ["AAAA"]
"#;

/// The pool lists them the other way round: they are known by their tickers.
const SYMBOLS: [&str; 2] = ["S000", "S001"];
/// Of the lit exchange.
const PORTS: u32 = 20;
/// Of line A's packets to the pool; line B loses none.
const LOST_ONE_IN: u64 = 4;

/// What the pool was asked for, by port and number: its minimum, and what is open of it.
type Asked = HashMap<(usize, u32), (u32, u32)>;

struct Day {
    lit: Rig,
    pool: Rig,
    /// Of the lit exchange, by its instrument: what it showed when the pool heard of it last.
    best: Vec<[Option<matching::Tick>; 2]>,
    prints: u64,
    volume: u64,
    /// Prints at half a cent.
    halves: u64,
    dice: u64,
    asked: Asked,
    refs: u32,
}

impl Day {
    fn draw(&mut self, below: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.dice >> 33) % below
    }

    /// The pool hears what the lit exchange has sent, each datagram at its time; then it is `until`.
    fn hear(&mut self, until: Nanos) {
        for Sent { at, bytes, best } in std::mem::take(&mut self.lit.sent) {
            self.pass(at);
            if self.draw(LOST_ONE_IN) != 0 {
                self.pool.on_feed(SocketId(2), &bytes, &self.lit);
            }
            self.pool.on_feed(SocketId(3), &bytes, &self.lit);
            self.best = best;
        }
        self.pass(until);
    }

    /// Time passes at the pool, and what it has printed was at the midpoint.
    fn pass(&mut self, until: Nanos) {
        self.pool.advance(until);
        self.pool.ask(&self.lit);
        for sent in std::mem::take(&mut self.pool.sent) {
            let packet = mold::packet(&sent.bytes).expect("a datagram");
            for message in mold::messages(packet.body) {
                self.on_message(message);
            }
        }
    }

    fn on_message(&mut self, message: &[u8]) {
        let kind = message[0];
        assert!(b"SRHYLP".contains(&kind), "{} on a dark feed", char::from(kind));
        let Ok(itch50::Message::Trade(trade)) = itch50::Message::parse(message) else { return };
        let at = SYMBOLS
            .iter()
            .position(|symbol| trade.stock.trim_ascii() == symbol.as_bytes())
            .expect("a ticker");
        let [Some(bid), Some(offer)] = self.best[at] else { panic!("a print without a quote") };
        // A tick is a cent: a hundred units of the wire.
        let middle = 50 * (bid.get() + offer.get());
        assert_eq!(i64::from(trade.price.get()), middle, "between {bid} and {offer}");
        self.prints += 1;
        self.halves += u64::from(middle % 100 != 0);
        self.volume += u64::from(trade.shares.get());
    }

    /// A hidden order at the pool, near the midpoint: with a limit, or a peg, some with a minimum.
    fn enter(&mut self) {
        let port = self.draw(4) as u16;
        let buy = self.draw(2) == 0;
        let quantity = 100 * (1 + self.draw(10) as u32);
        let at = self.draw(2) as usize;
        let pegged = self.draw(2) == 0;
        let least = if self.draw(3) == 0 { quantity.min(500) } else { 0 };
        // In units of the wire, from ten cents short of the middle to twenty beyond it.
        let middle = match self.best[at] {
            [Some(bid), Some(offer)] => 100 * ((bid.get() + offer.get()) / 2).unsigned_abs(),
            [None | Some(_), None | Some(_)] => 1_000_000,
        };
        let beyond = 100 * self.draw(31);
        let price = if buy { middle - 1_000 + beyond } else { middle + 1_000 - beyond };
        let peg = pegged.then_some(TagValue::PriceType(PriceType::MidpointPeg));
        let min = (least != 0).then_some(TagValue::MinQty(least));
        let options: Vec<TagValue> = [peg, min].into_iter().flatten().collect();
        self.refs += 1;
        let side = if buy { Side::Buy } else { Side::Sell };
        let display = Display::Hidden.byte();
        let symbol = SYMBOLS[at];
        let order = EnterOrder { display, ..order(self.refs, side, quantity, symbol, price) };
        assert!(self.pool.send(port, &bytes(&order, &options)));
        self.asked.insert((usize::from(port), self.refs), (least, quantity));
    }

    /// Both go on for a while; `orders` every ten milliseconds.
    fn go_on(&mut self, population: &mut Population, millis: u64, orders: u64) {
        let until = self.lit.now.saturating_add(Nanos::from_millis(millis));
        while self.lit.now < until {
            let next = self.lit.now.saturating_add(Nanos::from_millis(10));
            in_process::go_on(population, &mut self.lit, next);
            self.hear(next);
            (0..orders).for_each(|_| self.enter());
        }
    }

    fn quote(&self, lit: usize) -> Quote {
        self.pool.machine.quote(InstrumentId::new(1 - lit as u32)).expect("it is listed")
    }
}

fn population() -> Population {
    let px = |units: i64| Px::from_raw(units * Px::ONE);
    let listed = |symbol| Listed {
        symbol: Symbol::parse(symbol).expect("a ticker"),
        reference: px(100),
        tick: Px::from_raw(Px::ONE / 100),
    };
    let instruments = ["S000", "S001"].map(listed).to_vec();
    let options =
        Options { accounts: PORTS, rate: 1_000, resting: 400, ..Options::new(3, instruments) };
    Population::new(options).expect("options that can be")
}

#[test]
fn a_pool_trades_at_the_midpoint_of_what_the_lit_exchange_shows() {
    let midnight = Nanos::from_secs(20_000 * 86_400);
    let mut both = exchanges(CONFIG).into_iter();
    let [lit, pool] = [both.next(), both.next()].map(|one| one.expect("two exchanges"));
    let mut day = Day {
        lit: Rig::new(lit, PORTS, midnight),
        pool: Rig::following(pool, Some(followed()), 0, midnight),
        best: vec![[None; 2]; 2],
        prints: 0,
        volume: 0,
        halves: 0,
        dice: 1,
        asked: Asked::new(),
        refs: 0,
    };
    day.lit.log_in();
    day.pool.log_in();
    let mut population = population();
    let begin = midnight.saturating_add(Nanos::from_secs(1));
    in_process::drive(&mut population, &mut day.lit, begin, begin);
    day.hear(begin);
    day.go_on(&mut population, 10_000, 1);
    let before = day.prints;
    assert!(100 < before, "{before} prints");
    assert!(10 < day.halves, "{} at half a cent", day.halves);

    // A halt there is one here, of that instrument alone.
    let halted = InstrumentId::new(0);
    day.lit.command(Command::Control { instrument: halted, control: Control::Halt });
    day.go_on(&mut population, 500, 1);
    assert_eq!(day.quote(0), Quote::default());
    assert_ne!(day.quote(1), Quote::default());
    for control in [Control::PreReopen, Control::Reopen] {
        day.lit.command(Command::Control { instrument: halted, control });
    }
    day.go_on(&mut population, 1_000, 1);
    assert_ne!(day.quote(0), Quote::default());

    // Nothing of the lit exchange is heard: after a while there is no quote, and nothing trades.
    let quiet = day.lit.now.saturating_add(Nanos::from_secs(5));
    in_process::go_on(&mut population, &mut day.lit, quiet);
    day.lit.sent.clear();
    day.pool.advance(quiet);
    assert_eq!([day.quote(0), day.quote(1)], [Quote::default(); 2]);
    day.pool.sent.clear(); // what crossed before it was known cannot be judged by what is shown now
    let volume_unheard = traded(&day.pool) - day.volume;
    day.best = vec![[None; 2]; 2];
    (0..100).for_each(|_| day.enter());
    day.pass(quiet.saturating_add(Nanos::from_millis(500)));
    day.lit.advance(day.pool.now);
    // What was missed is asked for again.
    day.go_on(&mut population, 3_000, 1);
    assert!(before + 20 < day.prints, "{} prints", day.prints);

    day.pool.command(Command::Close);
    day.pass(day.pool.now.saturating_add(Nanos::from_secs(3)));
    assert!(day.pool.machine.is_over());
    assert_eq!(traded(&day.pool), day.volume + volume_unheard, "every trade was printed");
    copies_equal_the_streams(&day.pool);
    minimums_are_met(&day);
}

fn traded(rig: &Rig) -> u64 {
    rig.machine.traded().iter().map(|traded| traded.volume).sum()
}

/// In each cross an order gets its minimum or nothing, and both sides get the same.
fn minimums_are_met(day: &Day) {
    let mut asked = day.asked.clone();
    let (mut executed, mut with_minimum) = (0, 0);
    for port in 0..4 {
        // By the time of the cross and the order: there is one cross of an instrument at a time.
        let mut fills: BTreeMap<(u64, u32), u32> = BTreeMap::new();
        for message in day.pool.heard(port) {
            let Ok(outbound::Message::Executed(filled, _)) = outbound::Message::parse(message)
            else {
                continue;
            };
            let at = filled.header.any().timestamp();
            *fills.entry((at, filled.user_ref.get())).or_default() += filled.quantity.get();
            executed += u64::from(filled.quantity.get());
        }
        for ((at, user_ref), got) in fills {
            let (least, open) = asked.get_mut(&(port, user_ref)).expect("an order of ours");
            assert!((*least).min(*open) <= got, "{got} of {open} at {at}, at least {least}");
            with_minimum += u64::from(*least != 0);
            *open -= got;
        }
    }
    assert_eq!(executed, 2 * traded(&day.pool), "both sides of every trade");
    assert!(20 < with_minimum, "{with_minimum} with a minimum");
}
