//! Populations against a toy exchange, in process and over loopback.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use types::{Nanos, Px, Symbol};
use wire::ouch50::inbound::{EnterOrder, Message};
use wire::ouch50::{CrossType, MARKET_PRICE, RejectReason, Side};

use super::in_process::drive;
use super::toy::Toy;
use super::{Gaps, Listed, Mix, Options, Population, Ports, Rare};

pub(super) fn options(seed: u64) -> Options {
    let listed = |text, reference| Listed {
        symbol: Symbol::parse(text).expect("a ticker"),
        reference: Px::from_price4(reference),
        tick: Px::from_price4(100),
    };
    Options {
        accounts: 20,
        accounts_per_port: 2,
        resting: 300,
        rate: 1_000,
        firms: vec![*b"AAAA", *b"BBBB", *b"CCCC"],
        ..Options::new(seed, vec![listed("AAA", 500_000), listed("BBB", 2_000_000)])
    }
}

fn played(options: Options, secs: u64) -> (Population, Toy) {
    let mut population = Population::new(options).expect("options that can be");
    let mut toy = Toy::default();
    drive(&mut population, &mut toy, Nanos::from_secs(1), Nanos::from_secs(1 + secs));
    (population, toy)
}

/// The toy holds every message to the specification as it comes: type, codes, options, numbers.
#[test]
fn every_mix_speaks_ouch_and_its_record_agrees_with_the_exchange() {
    for mix in [Mix::ZeroIntelligence, Mix::Calibrated] {
        for variety in [false, true] {
            let (population, toy) = played(Options { mix, variety, ..options(3) }, 20);
            let record = population.record();
            let what = format!("{mix:?}, variety {variety}");
            assert_eq!((record.contradictions, record.malformed), (0, 0), "{what}");
            assert_eq!(record.rejected().count(), 0, "{what}");
            assert_eq!(record.sent.messages(), toy.heard.len() as u64, "{what}");
            assert_eq!(population.open_orders(), toy.open(), "{what}");
            assert_eq!((record.ended_executed, record.ended_canceled), toy.ended, "{what}");
            let traded = record.traded_in_all();
            assert_eq!((traded.bought, traded.paid), (traded.sold, traded.received), "{what}");
            assert!(1_000 < traded.bought, "{what}");
            let mut ours = BTreeMap::new();
            for ((account, instrument), traded) in record.traded() {
                let mut name = [b' '; 14];
                name[..8].copy_from_slice(format!("A{account:07}").as_bytes());
                let symbol = population.options().instruments[usize::from(instrument)].symbol;
                for (buy, shares) in [(true, traded.bought), (false, traded.sold)] {
                    if 0 < shares {
                        ours.insert((name, symbol.to_wire(), buy), shares);
                    }
                }
            }
            assert_eq!(ours, toy.traded, "{what}");
        }
    }
}

#[test]
fn the_calibrated_mix_comes_out_as_stated() {
    let options = Options { rate: 10_000, ..options(11) };
    let (population, _) = played(options, 12);
    let record = population.record();
    let part = |part: u64, whole: u64| part as f64 / whole as f64;
    let sent = record.sent;
    let near = |what: &str, got: f64, want: f64, slack: f64| {
        assert!((got - want).abs() < slack, "{what}: {got}, not {want}");
    };
    let ended = record.ended_executed + record.ended_canceled;
    near("canceled", part(record.ended_canceled, ended), 0.95, 0.01);
    near("immediate", part(sent.immediate, sent.orders), 0.15, 0.01);
    near("changes", part(sent.replaces + sent.modifies, sent.messages()), 0.20, 0.01);
    near("modifies", part(sent.modifies, sent.replaces + sent.modifies), 0.25, 0.02);
    near("resting", population.open_orders() as f64, 300.0, 100.0);
    near("rate", sent.messages() as f64 / 12.0, 10_000.0, 200.0);
}

/// Depths as the exchange sees them. Those within the spread and those that trade are not behind anything.
#[test]
fn orders_fall_off_behind_the_market_by_the_power_law() {
    let (_, toy) = played(Options { rate: 10_000, ..options(12) }, 12);
    // The instrument whose range is wider than the deepest order.
    let depths = || toy.depths.iter().filter(|(symbol, _)| symbol == b"BBB     ");
    let cut = 1_024_f64.powf(-0.6);
    let survival = |depth: u64| {
        let beyond = depths().filter(|(_, behind)| depth <= *behind).count();
        beyond as f64 / depths().count() as f64 * (1.0 - cut) + cut
    };
    for (near, far) in [(1, 15), (3, 63), (7, 255)] {
        let fall = survival(near).ln() - survival(far).ln();
        let exponent = fall / ((1.0 + far as f64).ln() - (1.0 + near as f64).ln());
        assert!((0.55..0.65).contains(&exponent), "{near} to {far}: {exponent}");
    }
}

#[test]
fn zero_intelligence_is_three_things_at_their_rates() {
    let options = Options { mix: Mix::ZeroIntelligence, rate: 10_000, ..options(13) };
    let (population, toy) = played(options, 6);
    let sent = population.record().sent;
    assert_eq!((sent.replaces, sent.modifies, sent.mass_cancels), (0, 0, 0));
    let market = sent.immediate as f64 / sent.orders as f64;
    assert!((0.155..0.18).contains(&market), "{market} of orders take");
    let sizes = toy.heard.iter().filter_map(|(_, bytes)| match Message::parse(bytes) {
        Ok(Message::EnterOrder(m, _)) => Some(m.quantity()),
        Ok(_) | Err(_) => None,
    });
    assert_eq!(sizes.collect::<BTreeSet<_>>(), BTreeSet::from([100]));
}

/// The rare kind that an order is of, as an exchange would read it.
fn kind_of(m: &EnterOrder, options: wire::ouch50::Options<'_>) -> Option<Rare> {
    use wire::ouch50::{Display, PriceType as P, TimeInForce as T};
    let market = m.price() == MARKET_PRICE;
    let whole = options.min_qty() == Some(m.quantity());
    let of = (m.time_in_force().ok()?, m.cross().ok()?, m.side().ok()?, options.price_type());
    Some(match of {
        (T::ImmediateOrCancel, ..) if whole => Rare::FillOrKill,
        (T::ImmediateOrCancel, ..) if options.min_qty().is_some() => Rare::MinQuantity,
        (T::ImmediateOrCancel, ..) => market.then_some(Rare::Market)?,
        (_, CrossType::Opening, ..) if market => Rare::MarketOnOpen,
        (_, CrossType::Opening, ..) => Rare::LimitOnOpen,
        (_, CrossType::Closing, ..) if market => Rare::MarketOnClose,
        (_, CrossType::Closing, ..) => Rare::LimitOnClose,
        (_, _, Side::SellShort, _) if options.shares_located().is_some() => Rare::ShortSale,
        (_, _, Side::SellShortExempt, _) => Rare::ShortSaleExempt,
        (_, _, _, Some(P::PrimaryPeg)) => Rare::PrimaryPeg,
        (_, _, _, Some(P::MarketPeg)) => Rare::MarketPeg,
        (_, _, _, Some(P::MidpointPeg)) => Rare::MidpointPeg,
        (T::GoodTillTime, ..) if options.expire_time_s().is_some() => Rare::GoodTillTime,
        _ if options.random_reserves().is_some() => Rare::RandomReserve,
        _ if options.max_floor().is_some() => Rare::Reserve,
        _ if options.post_only().is_some() => Rare::PostOnly,
        _ if options.discretion_price().is_some() => Rare::Discretionary,
        _ if options.discretion_price_type().is_some() => Rare::DiscretionaryPeg,
        _ if m.display() != Ok(Display::Hidden) => return None,
        _ if options.min_qty().is_some() => Rare::HiddenMinQuantity,
        _ => Rare::Hidden,
    })
}

#[test]
fn variety_has_every_kind_of_order_and_request() {
    let (population, toy) = played(Options { variety: true, rate: 10_000, ..options(14) }, 6);
    let (mut kinds, mut plain, mut partial) = (BTreeMap::new(), 0, 0);
    for (port, bytes) in &toy.heard {
        match Message::parse(bytes).expect("checked by the toy") {
            Message::EnterOrder(m, appendage) => {
                let options = appendage.strict().expect("checked by the toy");
                match kind_of(m, options) {
                    Some(kind) => *kinds.entry(format!("{kind:?}")).or_insert(0) += 1,
                    None => plain += 1,
                }
            }
            Message::CancelOrder(m, _) => partial += u32::from(0 < m.quantity()),
            Message::ReplaceOrder(..)
            | Message::ModifyOrder(..)
            | Message::DisableEntry(..)
            | Message::EnableEntry(..)
            | Message::AccountQuery(..) => {}
            Message::MassCancel(m, _) => {
                let firms = [b"AAAA", b"BBBB", b"CCCC"];
                assert_eq!(m.firm(), *firms[usize::from(*port) % 3], "the port's own");
            }
        }
    }
    let all: Vec<String> =
        Rare::IMMEDIATE.iter().chain(&Rare::RESTING).map(|kind| format!("{kind:?}")).collect();
    for kind in &all {
        assert!(100 < kinds.get(kind).copied().unwrap_or(0), "{kind}: {kinds:?}");
    }
    let sent = population.record().sent;
    let rare = kinds.values().sum::<u32>() as f64 / sent.orders as f64;
    assert!((0.24..0.26).contains(&rare), "{rare} of orders are rare, {plain} are plain");
    assert!(0 < partial && 0 < sent.mass_cancels && 10 < sent.queries);
    assert_eq!(population.record().mass_canceled, sent.mass_cancels);
    // Without a firm to name there are none.
    let nobodys = Options { variety: true, rate: 10_000, firms: Vec::new(), ..options(14) };
    assert_eq!(played(nobodys, 6).0.record().sent.mass_cancels, 0);
    let immediate = sent.immediate as f64 / sent.orders as f64;
    assert!((0.14..0.16).contains(&immediate), "{immediate} of orders are immediate");
}

#[test]
fn refusals_are_counted_by_reason_and_nothing_is_left_open() {
    let mut population = Population::new(options(5)).expect("options that can be");
    let mut toy = Toy::default();
    toy.refuses = Some(RejectReason::Halted);
    drive(&mut population, &mut toy, Nanos::ZERO, Nanos::from_secs(1));
    let record = population.record();
    let rejected: Vec<_> = record.rejected().collect();
    assert_eq!(rejected, [(RejectReason::Halted, record.sent.orders)]);
    assert_eq!((record.accepted, population.open_orders()), (0, 0));
}

#[test]
fn what_is_due_on_a_port_that_is_down_is_skipped_and_the_schedule_goes_on() {
    struct Full;
    impl Ports for Full {
        fn send(&mut self, _: u16, _: &[u8]) -> bool {
            false
        }
    }
    let mut population =
        Population::new(Options { gaps: Gaps::Fixed, ..options(6) }).expect("options that can be");
    population.begin(Nanos::ZERO);
    let acted = population.act(Nanos::from_millis(99), &mut Full);
    assert_eq!((acted, population.record().skipped), (100, 100));
    assert_eq!(population.next_due(), Nanos::from_millis(100));
    assert_eq!(population.act(Nanos::from_secs(100), &mut Full), 256, "a batch at a time");
}

/// Sends to the toy, but loses what is sent while `cut`.
struct Cut<'a> {
    toy: &'a mut Toy,
    cut: bool,
}

impl Ports for Cut<'_> {
    fn send(&mut self, port: u16, message: &[u8]) -> bool {
        if !self.cut {
            self.toy.send(port, message);
        }
        true
    }
}

#[test]
fn after_a_cut_the_account_query_says_what_was_lost() {
    use super::in_process::Venue as _;
    let options = Options { accounts: 1, accounts_per_port: 1, ..options(9) };
    let mut population = Population::new(options).expect("options that can be");
    let mut toy = Toy::default();
    drive(&mut population, &mut toy, Nanos::ZERO, Nanos::from_secs(2));
    let (open, sent) = (toy.open(), population.record().sent.messages());
    let mut line = Cut { toy: &mut toy, cut: true };
    population.act(Nanos::from_secs(3), &mut line);
    assert!(open < population.open_orders() && 0 < population.unanswered());
    population.on_down(0);
    line.cut = false;
    population.on_up(0, &mut line);
    while let Some((port, message)) = toy.answer() {
        population.on_message(port, message, Nanos::from_secs(3));
    }
    let record = population.record();
    assert_eq!((population.unanswered(), population.open_orders()), (0, open));
    // All but the query of the login.
    assert_eq!(record.lost, record.sent.messages() - sent - 1);
    drive(&mut population, &mut toy, Nanos::from_secs(3), Nanos::from_secs(4));
    assert_eq!(population.record().contradictions, 0);
    assert_eq!(population.open_orders(), toy.open());
}

#[test]
fn numbers_begin_at_one_and_rise_on_each_port() {
    let (_, toy) = played(options(4), 5);
    let mut numbers: BTreeMap<u16, Vec<u32>> = BTreeMap::new();
    for (port, bytes) in &toy.heard {
        let number = Message::parse(bytes).ok().and_then(|message| message.new_user_ref());
        numbers.entry(*port).or_default().extend(number);
    }
    assert_eq!(numbers.len(), 10);
    for (port, numbers) in numbers {
        let count = numbers.len() as u32;
        assert_eq!(numbers, (1..=count).collect::<Vec<_>>(), "port {port}");
    }
}

#[test]
fn options_that_cannot_be_are_refused() {
    let listed = |reference, tick| Listed {
        symbol: Symbol::parse("A").expect("a ticker"),
        reference: Px::from_raw(reference),
        tick: Px::from_raw(tick),
    };
    let cases = [
        Options { accounts: 0, ..options(1) },
        Options { accounts_per_port: 0, ..options(1) },
        Options { accounts: 70_000, accounts_per_port: 1, ..options(1) },
        Options { instruments: Vec::new(), ..options(1) },
        Options { rate: 0, ..options(1) },
        Options { resting: 0, ..options(1) },
        Options { instruments: vec![listed(Px::ONE, 0)], ..options(1) },
        Options { instruments: vec![listed(Px::ONE, 1)], ..options(1) },
        Options { instruments: vec![listed(Px::ONE, Px::ONE)], ..options(1) },
        Options { instruments: vec![listed(150_000 * Px::ONE, Px::ONE)], ..options(1) },
    ];
    for options in cases {
        assert!(Population::new(options.clone()).is_err(), "{options:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_same_seed_and_answers_give_the_same_bytes(seed: u64, calibrated: bool, variety: bool) {
        let mix = if calibrated { Mix::Calibrated } else { Mix::ZeroIntelligence };
        let run = |seed| played(Options { mix, variety, ..options(seed) }, 1).1.heard;
        prop_assert_eq!(run(seed), run(seed));
        prop_assert_ne!(run(seed), run(seed ^ 1));
    }

    /// Whatever comes back, and however often: nothing panics, and what does not fit is counted.
    #[test]
    fn no_answer_panics(
        answers in prop::collection::vec(
            (0..12_u16, prop::sample::select(b"SAUCDEBJPITMRXGKQ".to_vec()),
             prop::collection::vec(any::<u8>(), 0..80), 1..40_u32),
            0..60,
        )
    ) {
        let (mut population, _) = played(options(2), 1);
        for (port, kind, mut bytes, user_ref) in answers {
            bytes.insert(0, kind);
            if let Some(at) = bytes.get_mut(9..13) {
                at.copy_from_slice(&user_ref.to_be_bytes());
            }
            population.on_message(port, &bytes, Nanos::from_secs(2));
        }
        let mut toy = Toy::default();
        population.act(Nanos::from_secs(4), &mut Cut { toy: &mut toy, cut: true });
    }
}
