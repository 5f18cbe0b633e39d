//! Tests of generated days against a slow book of their own: is every message true of those before it?

use std::collections::{BTreeMap, HashMap, VecDeque};

use proptest::prelude::*;
use types::Side;
use wire::itch50::{self, Message};

use super::{Day, Options};

/// Everything a reader of the feed can check.
#[derive(Default)]
struct Reader {
    /// Locate, side, price, shares.
    orders: HashMap<u64, (u16, Side, u32, u32)>,
    /// Per locate and side, the queue of each price.
    queues: HashMap<(u16, Side), BTreeMap<u32, VecDeque<u64>>>,
    counts: BTreeMap<u8, u64>,
    last_ns: u64,
    last_ref: u64,
    last_match: u64,
    live_max: usize,
    whole_fills: u64,
    broken: u64,
    /// Ticks behind the inside of each add.
    distances: Vec<u32>,
}

impl Reader {
    fn best(&self, locate: u16, side: Side) -> Option<u32> {
        let queue = self.queues.get(&(locate, side))?;
        match side {
            Side::Buy => queue.last_key_value().map(|(price, _)| *price),
            Side::Sell => queue.first_key_value().map(|(price, _)| *price),
        }
    }

    fn add(&mut self, locate: u16, reference: u64, side: Side, price: u32, shares: u32) {
        assert!(self.last_ref < reference, "references rise");
        assert_eq!(
            reference % 4,
            u64::from(locate % 4),
            "references of a symbol share their class"
        );
        self.last_ref = reference;
        assert!(0 < shares && 0 < price);
        if let Some(opposite) = self.best(locate, side.opposite()) {
            let apart = match side {
                Side::Buy => price < opposite,
                Side::Sell => opposite < price,
            };
            assert!(apart, "{side:?} {price} would meet {opposite}");
        }
        if let Some(inside) = self.best(locate, side) {
            self.distances.push(inside.abs_diff(price) / 100);
        }
        self.orders.insert(reference, (locate, side, price, shares));
        let queue = self.queues.entry((locate, side)).or_default();
        queue.entry(price).or_default().push_back(reference);
        self.live_max = self.live_max.max(self.orders.len());
    }

    fn remove(&mut self, reference: u64) -> (u16, Side, u32, u32) {
        let order = self.orders.remove(&reference).expect("the order is known");
        let levels = self.queues.get_mut(&(order.0, order.1)).unwrap();
        let queue = levels.get_mut(&order.2).unwrap();
        queue.retain(|&other| other != reference);
        if queue.is_empty() {
            levels.remove(&order.2);
        }
        order
    }

    fn take(&mut self, reference: u64, shares: u32) {
        let order = self.orders.get_mut(&reference).expect("the order is known");
        assert!(0 < shares && shares <= order.3, "{shares} of {}", order.3);
        order.3 -= shares;
        if order.3 == 0 {
            self.whole_fills += 1;
            self.remove(reference);
        }
    }

    fn trades(&mut self, reference: u64, match_number: u64) {
        let (locate, side, price, _) = self.orders[&reference];
        assert_eq!(self.best(locate, side), Some(price), "only the best level trades");
        let first = self.queues[&(locate, side)][&price].front();
        assert_eq!(first, Some(&reference), "the oldest of its level trades first");
        self.matched(match_number);
    }

    fn matched(&mut self, match_number: u64) {
        assert!(self.last_match < match_number, "match numbers rise");
        self.last_match = match_number;
    }

    fn read(&mut self, bytes: &[u8]) {
        let message = Message::parse(bytes).expect("a whole message of ITCH 5.0");
        let header = message.header();
        let locate = header.locate();
        assert!(self.last_ns <= header.timestamp(), "time does not go back");
        self.last_ns = header.timestamp();
        *self.counts.entry(header.kind()).or_default() += 1;
        let side = |side: itch50::Side| match side {
            itch50::Side::Buy => Side::Buy,
            itch50::Side::Sell => Side::Sell,
        };
        match message {
            Message::AddOrder(m) => {
                self.add(locate, m.order_ref(), side(m.side().unwrap()), m.price(), m.shares());
            }
            Message::AddOrderMpid(m) => {
                self.add(locate, m.order_ref(), side(m.side().unwrap()), m.price(), m.shares());
            }
            Message::OrderDelete(m) => assert_eq!(self.remove(m.order_ref()).0, locate),
            Message::OrderCancel(m) => self.take(m.order_ref(), m.shares()),
            Message::OrderReplace(m) => {
                let (_, side, _, _) = self.remove(m.old_ref());
                self.add(locate, m.new_ref(), side, m.price(), m.shares());
            }
            Message::OrderExecuted(m) => {
                self.trades(m.order_ref(), m.match_number());
                self.take(m.order_ref(), m.shares());
            }
            Message::OrderExecutedWithPrice(m) => {
                self.trades(m.order_ref(), m.match_number());
                self.take(m.order_ref(), m.shares());
            }
            Message::Trade(m) => self.matched(m.match_number()),
            Message::CrossTrade(m) => self.matched(m.match_number()),
            Message::BrokenTrade(m) => {
                assert!(m.match_number() <= self.last_match);
                self.broken += 1;
            }
            Message::SystemEvent(_)
            | Message::StockDirectory(_)
            | Message::TradingAction(_)
            | Message::RegSho(_)
            | Message::ParticipantPosition(_)
            | Message::MwcbDeclineLevel(_)
            | Message::MwcbStatus(_)
            | Message::IpoQuotingPeriod(_)
            | Message::AuctionCollar(_)
            | Message::OperationalHalt(_)
            | Message::Imbalance(_)
            | Message::RetailPrice(_)
            | Message::DirectListing(_) => {}
        }
    }
}

fn read_day(options: Options) -> (Reader, Day) {
    let mut day = Day::new(options).unwrap();
    let mut reader = Reader::default();
    while let Some((now, message)) = day.next() {
        reader.read(message);
        assert_eq!(now.get(), reader.last_ns);
    }
    assert_eq!(day.live_orders(), reader.orders.len());
    (reader, day)
}

#[test]
fn every_message_is_true_of_those_before_it() {
    let options = Options { symbols: 40, messages: 400_000, ..Options::default() };
    let (reader, _) = read_day(options);
    assert_eq!(reader.counts.values().sum::<u64>(), 400_000);
    assert_eq!(reader.last_ns, 72_300_000_000_000, "the last message is the end, at 20:05");
    let letters: Vec<u8> = reader.counts.keys().copied().collect();
    assert_eq!(letters, b"ABCDEFHIJKLNOPQRSUVXYh", "every type but W, which needs a crash");
    assert!(0 < reader.broken);
    // Near-dense: three of four numbers may belong to other classes, no more.
    let named = reader.counts[&b'A'] + reader.counts[&b'F'] + reader.counts[&b'U'];
    assert!(reader.last_ref <= named * 4, "{} for {named}", reader.last_ref);
}

/// Shares in percent of all messages of the two published days, 2019-01-30 and 2019-12-30, together:
/// the sums of their counts over 637,111,414 messages.
const CENSUS: [(u8, f64); 9] = [
    (b'A', 43.97),
    (b'D', 42.79),
    (b'U', 7.67),
    (b'E', 2.17),
    (b'I', 1.21),
    (b'X', 1.17),
    (b'F', 0.50),
    (b'P', 0.40),
    (b'C', 0.04),
];

#[test]
fn the_mix_is_the_published_one() {
    let options = Options { symbols: 30, messages: 600_000, ..Options::default() };
    let (mut reader, _) = read_day(options);
    for (kind, percent) in CENSUS {
        let count = reader.counts.get(&kind).copied().unwrap_or_default();
        let got = count as f64 / 6_000.0;
        // One point in a hundred messages for the two kinds that fill the book, a tenth elsewhere.
        let tolerance = if 40.0 < percent { 1.0 } else { 0.1_f64.max(percent / 20.0) };
        assert!(
            (got - percent).abs() <= tolerance,
            "{}: {got} %, not {percent} %",
            char::from(kind)
        );
    }
    reader.distances.sort_unstable();
    let at = |per_mille: usize| reader.distances[reader.distances.len() * per_mille / 1_000];
    assert!(at(500) <= 1, "the median is {} ticks from the inside", at(500));
    assert!((1_000..4_000).contains(&at(990)), "the 99th percentile is {} ticks", at(990));
    // Most orders die by delete; the rest trade away.
    assert!(reader.whole_fills * 10 < reader.counts[&b'D']);
}

#[test]
fn the_same_seed_is_the_same_day_on_every_machine() {
    let digest = |seed| {
        let options = Options { seed, symbols: 20, messages: 50_000, ..Options::default() };
        let mut day = Day::new(options).unwrap();
        // FNV-1a over every byte.
        let mut hash = 0xCBF2_9CE4_8422_2325_u64;
        while let Some((_, message)) = day.next() {
            for &byte in message {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
            }
        }
        hash
    };
    assert_eq!(digest(1), PINNED, "the bytes of seed 1 are pinned: {:#x}", digest(1));
    assert_ne!(digest(2), PINNED);
}

/// Changes only on purpose: whoever changes it changes every figure that names a generated day.
const PINNED: u64 = 0xE45A_1994_CB02_BCCE;

#[test]
fn activity_follows_a_power_law() {
    let options = Options { symbols: 1_000, messages: 200_000, ..Options::default() };
    let mut day = Day::new(options).unwrap();
    let mut by_locate = vec![0_u64; 1_001];
    while let Some((_, message)) = day.next() {
        if matches!(message[0], b'A' | b'D') {
            by_locate[usize::from(itch50::peek_locate(message).unwrap())] += 1;
        }
    }
    by_locate.sort_unstable_by(|a, b| b.cmp(a));
    let all: u64 = by_locate.iter().sum();
    let busiest: u64 = by_locate[..100].iter().sum();
    assert!(
        all / 2 < busiest && busiest < all * 9 / 10,
        "{busiest} of {all} in a tenth of the symbols"
    );
}

#[test]
fn locate_codes_reach_the_last_one() {
    let options =
        Options { symbols: 2, first_locate: u16::MAX - 1, messages: 10, ..Options::default() };
    let mut day = Day::new(options).unwrap();
    let mut locates = Vec::new();
    while let Some((_, message)) = day.next() {
        locates.push(itch50::peek_locate(message).unwrap());
    }
    assert_eq!(locates, [0, 65_534, 65_534, 65_534, 65_534, 65_535, 65_535, 65_535, 65_535, 0]);
    assert!(Day::new(Options { symbols: 3, ..options }).is_err());
    assert!(Day::new(Options { symbols: 0, ..options }).is_err());
}

#[test]
fn the_book_fills_to_what_was_asked_and_stays_there() {
    let options =
        Options { symbols: 10, messages: 300_000, live_orders: Some(20_000), ..Options::default() };
    let (reader, day) = read_day(options);
    assert!((15_000..25_000).contains(&day.live_orders()), "{}", day.live_orders());
    assert!(reader.live_max < 25_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_day_is_true(seed: u64, symbols in 1_u16..80, messages in 0_u64..20_000, live in 0_u32..3_000) {
        let live_orders = Some(live);
        let options = Options { seed, symbols, messages, live_orders, ..Options::default() };
        let (reader, _) = read_day(options);
        prop_assert_eq!(reader.counts.values().sum::<u64>(), messages);
    }
}
