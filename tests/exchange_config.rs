//! Faults of an `[[exchange]]`, each with its place.

use rialto::cpus::Cpus;
use rialto::fault::{self, Source};
use rialto::topology;

use crate::kit::exchange::TWO_SHARDS;

fn faults(text: &str) -> Vec<String> {
    let source = Source { name: "x.toml".to_owned(), text: text.to_owned() };
    let found = match fault::read(&source) {
        Err(fault) => vec![fault],
        Ok(config) => topology::check(&config, &source, &Cpus::plain(4)).err().unwrap_or_default(),
    };
    found.iter().map(|fault| source.line(fault)).collect()
}

/// One change of a good file, and the fault it makes.
const CASES: &[(&str, &str, &str)] = &[
    ("name = \"RLX\"", "name = \"RLX-LONG\"", "exchange name `RLX-LONG` is not 1 to 6 letters"),
    ("name = \"x1\"", "name = \"x0\"", "shard name `x0` is taken by the shard at line 6"),
    ("[\"AAPL\"]\ncap", "[\"APPL\"]\ncap", "instrument APPL is on no list of the exchange"),
    ("\"MSFT\", \"QQQ\"", "\"MSFT\", \"AAPL\"", "instrument AAPL is listed at line 19 already"),
    ("{ orders = 1000 }", "{ orders = 0 }", "capacity.orders of shard `x0` is 0"),
    ("terms = 10", "terms = 1001", "capacity.terms of shard `x1` is 1001"),
    ("terms = 10", "replay_kib = 127", "capacity.replay_kib of shard `x1` is 127"),
    ("239.192.78.2", "239.192.78.1", "already a line of shard `x0` at line 10"),
    ("239.192.78.2", "10.1.1.1", "line_a of shard `x1`, 10.1.1.1:26511, is not multicast"),
    ("127.0.0.1:26502", "here", "orders of shard `x1`, `here`, is not an address and port"),
    ("\"101.25\"", "\"101.255\"", "reference 101.255 lies between two ticks"),
    ("\"101.25\"", "\"-1\"", "reference `-1` is not a price above zero"),
    ("name = \"ALFA\"", "name = \"alfa\"", "firm name `alfa` is not four capital letters"),
    ("firms = [\"ALFA\"]", "firms = [\"ALFB\"]", "firm `ALFB` is not there; did you mean `ALFA`?"),
    ("U{n}", "USER", "user `USER` would be the same for 3 ports"),
    ("U{n}", "USERUSER{n}", "user `USERUSER1` is not 1 to 6 letters and digits"),
    ("credit = 1000", "credit = 0", "credit of a firm is 0"),
    ("\"09:30:00\"", "\"9:30\"", "hours.open `9:30` is not a time of day"),
    ("\"09:30:00\"", "\"08:30:00\"", "the times of [exchange.hours] do not follow one another"),
];

#[test]
fn each_fault_of_an_exchange_is_named_with_its_place() {
    assert_eq!(faults(TWO_SHARDS), Vec::<String>::new());
    for (from, to, want) in CASES {
        assert!(TWO_SHARDS.contains(from), "{from}");
        let found = faults(&TWO_SHARDS.replacen(from, to, 1));
        assert!(found.iter().any(|fault| fault.contains(want)), "{to}: {found:#?}");
        assert!(found.iter().all(|fault| fault.starts_with("x.toml:")), "{found:#?}");
    }
}

/// One key written into its table, and the fault it makes; `None` where it is good.
type Written<'a> = (&'a str, Option<&'a str>);

fn each(anchor: &str, cases: &[Written<'_>]) {
    assert!(TWO_SHARDS.contains(anchor), "{anchor}");
    for (key, want) in cases {
        let found = faults(&TWO_SHARDS.replacen(anchor, &format!("{anchor}\n{key}"), 1));
        match want {
            None => assert_eq!(found, Vec::<String>::new(), "{key}"),
            Some(want) => {
                assert!(found.iter().any(|fault| fault.contains(want)), "{key}: {found:#?}");
                assert!(found.iter().all(|fault| fault.starts_with("x.toml:")), "{found:#?}");
            }
        }
    }
}

#[test]
fn limits_are_the_same_for_a_firm_and_a_port() {
    let cases = [
        ("limits = { qty = 0 }", Some("limits.qty is 0; it must be from 1 to 999999")),
        ("limits = { qty = 1000000 }", Some("limits.qty is 1000000")),
        ("limits = { notional = 0 }", Some("limits.notional is 0")),
        ("limits = { collar_percent = 101 }", Some("limits.collar_percent is 101")),
        ("limits = { collar_amount = \"-1\" }", Some("limits.collar_amount `-1` is not a price")),
        ("limits = { fat_finger_percent = 0 }", Some("limits.fat_finger_percent is 0")),
        ("limits = { fat_finger_amount = \"x\" }", Some("limits.fat_finger_amount `x` is not")),
        ("limits = { forbid = [\"sort\"] }", Some("did you mean `short`?")),
        ("limits = { fat_finger_procent = 1 }", Some("did you mean `fat_finger_percent`?")),
        ("limits = { forbid = [\"market\", \"short\", \"short-exempt\", \"sweep\"] }", None),
        ("limits = { collar_amount = \"0.5\", fat_finger_amount = \"2\" }", None),
    ];
    each("credit = 1000", &cases);
    each("firms = [\"ALFA\"]", &cases);
    each(
        "firms = [\"ALFA\"]",
        &[
            ("limits = { orders_per_second = 0 }", Some("limits.orders_per_second is 0")),
            ("limits = { orders_per_second_symbol = 0 }", Some("limits.orders_per_second_symbol")),
            ("limits = { duplicates_per_second = 0 }", Some("limits.duplicates_per_second is 0")),
        ],
    );
    each(
        "credit = 1000",
        &[(
            "limits = { orders_per_second = 1 }",
            Some("limits.orders_per_second is a port's: a firm has none"),
        )],
    );
}

#[test]
fn lists_accounts_and_owners_of_a_firm() {
    let listed = "instrument APPL is on no list of the exchange; did you mean `AAPL`?";
    let cases = [
        ("restricted = [\"APPL\"]", Some(listed)),
        ("short_restricted = [\"APPL\"]", Some(listed)),
        ("easy_to_borrow = [\"APPL\"]", Some(listed)),
        ("must_locate = 1", Some("must_locate")),
        ("self_match_by = \"frim\"", Some("did you mean `firm`?")),
        ("self_match_by = \"group\"", Some("self_match_by is `group`, and the firm has no")),
        ("group = \"OWNER\"", Some("group `OWNER` changes nothing")),
        ("accounts = [{ name = \"A\", group = \"B\" }]", Some("group `B` changes nothing")),
        ("accounts = [{ name = \"\" }]", Some("an account has no name")),
        (
            "accounts = [{ name = \"A\" }, { name = \"A\" }]",
            Some("account `A` of the firm is there"),
        ),
        ("accounts = [{ name = \"A\", credit = 0 }]", Some("credit of an account is 0")),
        ("accounts = [{ name = \"A\", credti = 1 }]", Some("did you mean `credit`?")),
        (
            "restricted = [\"AAPL\"]\nshort_restricted = [\"QQQ\"]\neasy_to_borrow = [\"MSFT\"]",
            None,
        ),
        (
            "self_match_by = \"group\"\ngroup = \"A\"\naccounts = [{ name = \"A\", group = \"B\" }]",
            None,
        ),
    ];
    each("credit = 1000", &cases);
    let known =
        TWO_SHARDS.replacen("credit = 1000", "credit = 1000\naccounts = [{ name = \"HEDGE\" }]", 1);
    let of_port = [
        (
            "account = \"HEGDE\"",
            Some("account `HEGDE` is none of firm `ALFA`; did you mean `HEDGE`?"),
        ),
        ("groups = [{ id = 0, account = \"HEDGE\" }]", Some("id of a group is 0")),
        ("groups = [{ id = 1, account = \"H\" }]", Some("account `H` is none of firm `ALFA`")),
        (
            "groups = [{ id = 1, account = \"HEDGE\" }, { id = 1, account = \"HEDGE\" }]",
            Some("group 1 of the port is there twice"),
        ),
        ("bbo_weigth = true", Some("did you mean `bbo_weight`?")),
        (
            "account = \"HEDGE\"\ngroups = [{ id = 1, account = \"HEDGE\" }]\nbbo_weight = true",
            None,
        ),
    ];
    for (key, want) in of_port {
        let firms = "firms = [\"ALFA\"]";
        let found = faults(&known.replacen(firms, &format!("{firms}\n{key}"), 1));
        match want {
            None => assert_eq!(found, Vec::<String>::new()),
            Some(want) => {
                let of_it = found.iter().filter(|fault| fault.contains(want)).count();
                assert_eq!(of_it, 1, "once, whatever the number of ports: {found:#?}");
            }
        }
    }
}

/// Beyond what their numbers hold.
#[test]
fn firms_ports_and_drop_copies_are_counted() {
    const FIRM: &str = "credit = 1000\n";
    let letter = |at: u32| char::from(b'A' + (at % 26) as u8);
    let name = |at: u32| String::from_iter([17_576, 676, 26, 1].map(|unit| letter(at / unit)));
    // None of them is ALFA, the file's own.
    let more = |count: u32, keys: &dyn Fn(u32) -> String| {
        let firm = |at: u32| format!("[[exchange.firm]]\nname = \"{}\"\n{}", name(at), keys(at));
        let others = (0..).filter(|at| name(*at) != "ALFA").take(count as usize);
        format!("{FIRM}{}", others.map(firm).collect::<String>())
    };
    let firms = |count: u32| TWO_SHARDS.replacen(FIRM, &more(count - 1, &|_| FIRM.to_owned()), 1);
    let logins = |ports: u32, drop_copies| {
        let drop_copy =
            |at| format!("{FIRM}drop_copy = {{ user = \"D{at}\", password = \"x\" }}\n");
        let ports = TWO_SHARDS.replacen("count = 3", &format!("count = {ports}"), 1);
        ports.replacen(FIRM, &more(drop_copies, &drop_copy), 1)
    };
    let second =
        "[[exchange.port]]\nuser = \"V\"\npassword = \"x\"\nfirms = [\"ALFA\"]\n[exchange.hours]";
    let cases = [
        (firms(65_535), None),
        (firms(65_536), Some("65536 firms are more than 65535")),
        (logins(65_535, 1), None),
        (logins(65_535, 2), Some("65537 ports and drop copies are more than 65536")),
        (
            logins(65_535, 0).replacen("[exchange.hours]", second, 1),
            Some("65536 ports are more than 65535"),
        ),
    ];
    for (text, want) in cases {
        let found = faults(&text);
        assert_eq!(found.len(), usize::from(want.is_some()), "{want:?}: {found:#?}");
        assert!(want.is_none_or(|want| found[0].contains(want)), "{want:?}: {found:#?}");
    }
}

#[test]
fn what_a_day_and_a_shard_can_be_told() {
    each(
        "reference = \"101.25\"",
        &[
            ("far_levels = 0", Some("far_levels is 0")),
            ("round_lot = 0", Some("round_lot is 0")),
            ("collar_widen_percent = 101", Some("collar_widen_percent is 101")),
            ("collar_extensions = 256", Some("collar_extensions is 256")),
            ("imbalance_every_ms = 3600001", Some("imbalance_every_ms is 3600001")),
            ("collar_widen_precent = 1", Some("did you mean `collar_widen_percent`?")),
            ("collar_widen_percent = 0\ncollar_extensions = 0\nimbalance_every_ms = 0", None),
        ],
    );
    each(
        "close = \"16:00:00\"",
        &[
            ("market_on_open_until = \"9:00\"", Some("hours.market_on_open_until `9:00` is not a")),
            (
                "market_on_open_until = \"08:59:59\"",
                Some("hours.market_on_open_until `08:59:59` is"),
            ),
            ("limit_on_open_until = \"09:30:01\"", Some("it must lie between pre_open and open")),
            ("market_on_close_until = \"16:00:01\"", Some("it must lie between open and close")),
            ("limit_on_close_until = \"09:00:00\"", Some("hours.limit_on_close_until")),
            ("limit_on_close_till = \"09:00:00\"", Some("did you mean `limit_on_close_until`?")),
            ("limit_on_open_until = \"09:30:00\"\nmarket_on_close_until = \"15:00:00\"", None),
        ],
    );
    let after = "close = \"16:00:00\"\n[exchange.luld]";
    let good = TWO_SHARDS.replacen("close = \"16:00:00\"", after, 1);
    let by_hand = |keys: &str| {
        let (before, _) = TWO_SHARDS.split_once("[exchange.hours]").expect("it has hours");
        format!("{before}[exchange.luld]\n{keys}")
    };
    let luld = [
        ("limit_state_s = 0", "luld.limit_state_s is 0"),
        ("pause_s = 3601", "luld.pause_s is 3601"),
        ("doubled_after_open_s = 86401", "luld.doubled_after_open_s is 86401"),
        ("doubled_before_close = 1", "did you mean `doubled_before_close_s`?"),
    ];
    for (key, want) in luld {
        let found = faults(&good.replacen(after, &format!("{after}\n{key}"), 1));
        assert!(found.iter().any(|fault| fault.contains(want)), "{key}: {found:#?}");
    }
    assert_eq!(faults(&by_hand("doubled_before_close_s = 0\npause_s = 60")), Vec::<String>::new());
    let found = faults(&by_hand("doubled_before_close_s = 1"));
    assert!(found[0].contains("luld.doubled_before_close_s is counted from hours"), "{found:#?}");
    for key in ["waiting", "dated", "trades", "duplicates"] {
        let of = |value| format!("{{ orders = 1000, {key} = {value} }}");
        let found = faults(&TWO_SHARDS.replacen("{ orders = 1000 }", &of(0), 1));
        let want = format!("capacity.{key} of shard `x0` is 0");
        assert!(found.iter().any(|fault| fault.contains(&want)), "{found:#?}");
        assert_eq!(
            faults(&TWO_SHARDS.replacen("{ orders = 1000 }", &of(9), 1)),
            Vec::<String>::new()
        );
    }
}

#[test]
fn the_feeds_of_a_dark_pool_are_those_of_the_file() {
    let feed = "\n[[feed]]\nname = \"lit\"\nvenue = \"nasdaq\"\nline_a = \"239.1.1.1:26400\"\n";
    let cases = [
        ("[\"lit\"]", None),
        ("[\"lti\"]", Some("dark.quote: feed `lti` is not there; did you mean `lit`?")),
        ("[\"lit\", \"lit\"]", Some("dark.quote names feed `lit` twice")),
        ("[]", Some("dark.quote names no feed: there would be no midpoint")),
        ("[\"lit\"], cross_min_ms = 2, cross_max_ms = 1", Some("dark.cross_max_ms is 1")),
        ("[\"lit\"], orders = 0", Some("dark.orders is 0")),
    ];
    for (quote, want) in cases {
        let dark = format!("name = \"RLX\"\ndark = {{ quote = {quote} }}");
        let found = faults(&(TWO_SHARDS.replacen("name = \"RLX\"", &dark, 1) + feed));
        match want {
            None => assert_eq!(found, Vec::<String>::new()),
            Some(want) => assert!(found.iter().any(|fault| fault.contains(want)), "{found:#?}"),
        }
    }
}

#[test]
fn ports_are_dealt_to_firms_and_instruments_to_shards() {
    let source = Source { name: "x.toml".to_owned(), text: TWO_SHARDS.to_owned() };
    let config = fault::read(&source).expect("its shape");
    let topology = topology::check(&config, &source, &Cpus::plain(4)).expect("its sense");
    let exchange = &topology.exchanges[0];
    let users: Vec<_> = exchange.ports.iter().map(|port| port.login.user).collect();
    assert_eq!(users, [*b"U00001", *b"U00002", *b"U00003"]);
    let traded: Vec<usize> = exchange.shards.iter().map(|shard| shard.listings.len()).collect();
    assert_eq!(traded.iter().sum::<usize>(), 3);
    assert!(exchange.shards[0].listings.iter().any(|listing| listing.symbol.as_str() == "AAPL"));
    let mut shard = exchange.shards[1].clone();
    assert_eq!(shard.session, *b"RLX2000000");
    shard.begin(types::Nanos::from_millis(35_900));
    assert_eq!(shard.session, *b"RLX200009Z", "9 x 36 + 35 tenths");
}

/// Each address is listened on once, over UDP and over TCP; lines are counted from the text's first, which is blank.
#[test]
fn an_address_that_two_listeners_share_is_named_with_both_lines() {
    let x0 = "orders = \"127.0.0.1:26501\"";
    let x1 = "orders = \"127.0.0.1:26502\"";
    let own = "each listener has an address and port of its own";
    let taken = "orders of shard `x0` at line 9";
    let cases = [
        // what x0 has, what x1 has, after both, the fault
        (
            x0,
            x0,
            "",
            Some(format!(
                "15:10: orders of shard `x1`, 127.0.0.1:26501, is taken by {taken}; {own}"
            )),
        ),
        (
            x0,
            &format!("{x1}\nsnapshot = {{ address = \"127.0.0.1:26501\" }}"),
            "",
            Some(format!(
                "16:24: snapshot of shard `x1`, 127.0.0.1:26501, is taken by {taken}; {own}"
            )),
        ),
        (
            &format!("{x0}\nrerequest = \"127.0.0.1:26521\""),
            &format!("{x1}\nrerequest = \"127.0.0.1:26521\""),
            "",
            Some(format!(
                "17:13: rerequest of shard `x1`, 127.0.0.1:26521, is taken by rerequest of shard `x0` \
                 at line 10; {own}"
            )),
        ),
        (
            x0,
            x1,
            "[metrics]\nlisten = \"0.0.0.0:26501\"",
            Some(format!("37:10: metrics.listen, 0.0.0.0:26501, is taken by {taken}; {own}")),
        ),
        // Other ports than TCP's; another address of the host; any port that is free.
        (x0, &format!("{x1}\nrerequest = \"127.0.0.1:26501\""), "", None),
        (x0, "orders = \"127.0.0.2:26501\"", "", None),
        (x0, x1, "[metrics]\nlisten = \"127.0.0.1:0\"", None),
    ];
    for (of_x0, of_x1, after, want) in cases {
        let text = TWO_SHARDS.replacen(x1, of_x1, 1).replacen(x0, of_x0, 1) + after;
        let want: Vec<String> = want.iter().map(|fault| format!("x.toml:{fault}")).collect();
        assert_eq!(faults(&text), want, "{of_x0} {of_x1} {after}");
    }
}

/// Ports that name an account share it; the others have one each, and none is another firm's.
#[test]
fn accounts_are_dealt_to_ports_and_owners_to_accounts() {
    let text = TWO_SHARDS
        .replacen(
            "credit = 1000",
            "credit = 1000\naccounts = [{ name = \"HEDGE\", credit = 10 }]",
            1,
        )
        .replacen(
            "[exchange.hours]",
            "[[exchange.port]]\nuser = \"H{n}\"\ncount = 2\npassword = \"x\"\nfirms = [\"ALFA\"]\n\
             account = \"HEDGE\"\n[exchange.hours]",
            1,
        );
    let source = Source { name: "x.toml".to_owned(), text };
    let config = fault::read(&source).expect("its shape");
    let topology = topology::check(&config, &source, &Cpus::plain(4)).expect("its sense");
    let exchange = &topology.exchanges[0];
    let accounts: Vec<_> =
        exchange.accounts.iter().map(|of| (of.name.as_str(), of.credit, of.owner)).collect();
    let own = |name| (name, 1_000, 1);
    assert_eq!(accounts, [("HEDGE", 10, 1), own("U00001"), own("U00002"), own("U00003")]);
    let of_ports: Vec<u32> = exchange.ports.iter().map(|port| port.account.get()).collect();
    assert_eq!(of_ports, [1, 2, 3, 0, 0]);
}
