//! Configuration faults through the public path, and exit codes through the built binary.

use std::path::Path;
use std::process::{Command, Output};

use rialto::cpus::Cpus;
use rialto::fault::{self, Source};
use rialto::topology::{self, ShardId, Topology};
use types::Symbol;

const GOOD: &str = r#"
[[shard]]
name = "s0"
cpu = 0
instruments = ["AAPL"]
capacity = { instruments = 8, orders = 100, levels = 50 }

[[shard]]
name = "s1"
cpu = 1
capacity = { instruments = 8, orders = 100, levels = 50 }

[[feed]]
name = "totalview"
venue = "nasdaq"
line_a = "239.1.1.1:26400"
line_b = "239.1.1.2:26400"
rerequest = "10.0.0.9:26450"
snapshot = { address = "10.0.0.9:26460", user = "me", password = "secret" }

[[link]]
from = "s0"
to = "tops"
depth = 1024
policy = "conflate"
"#;

/// Every fault of a text on a host of four cpus, of which the cpuset allows three.
fn faults(text: &str) -> Vec<String> {
    let source = Source { name: "rialto.toml".to_owned(), text: text.to_owned() };
    let mut cpus = Cpus::plain(4);
    cpus.allowed.remove(&3);
    let found = match fault::read(&source) {
        Err(fault) => vec![fault],
        Ok(config) => topology::check(&config, &source, &cpus).err().unwrap_or_default(),
    };
    found.iter().map(|fault| source.line(fault)).collect()
}

/// One change of a good file, and the fault it makes.
const CASES: &[(&str, &str, &str)] = &[
    (
        "cpu = 1",
        "cpu = 0",
        "10:7: cpu 0 is named twice: by shard `s0` at line 4 and by shard `s1`; give each its own, or write `share = true` in both and they take turns in one thread",
    ),
    (
        "cpu = 1",
        "cpu = 9",
        "10:7: shard `s1` wants cpu 9, which this host does not have; its cpus are 0-3",
    ),
    (
        "cpu = 1",
        "cpu = 3",
        "10:7: shard `s1` wants cpu 3, which the cpuset of this process forbids; it may use 0-2",
    ),
    (
        "cpu = 1",
        "cpu = 1\ninstruments = [\"MSFT\", \"AAPL\"]",
        "11:24: instrument AAPL is in two shards: `s0` at line 5 and `s1`; an instrument belongs to one shard: remove one of them",
    ),
    (
        "[\"AAPL\"]",
        "[\"AAPL\", \"AAPL\"]",
        "5:24: instrument AAPL is listed twice by shard `s0`; an instrument belongs to one shard: remove one of them",
    ),
    (
        "[\"AAPL\"]",
        "[\"TOOLONGTICKER\"]",
        "5:16: `TOOLONGTICKER` is not a ticker; a ticker has 1 to 8 printable ASCII characters and no space",
    ),
    ("name = \"s1\"", "name = \"s0\"", "9:8: shard name `s0` is taken by the shard at line 3"),
    (
        "name = \"s1\"",
        "name = \"tops\"",
        "9:8: shard name `tops` is the name of a cold end of links; choose another",
    ),
    (
        "orders = 100, levels = 50 }\n\n[[feed",
        "orders = 0, levels = 50 }\n\n[[feed",
        "11:40: capacity.orders of shard `s1` is zero: it could hold nothing",
    ),
    (
        "orders = 100, levels = 50 }\n\n[[feed",
        "levels = 50 }\n\n[[feed",
        "11:12: capacity of shard `s1` has no `orders`; add `orders = ..`",
    ),
    (
        "capacity = { instruments = 8, orders = 100, levels = 50 }\n\n[[feed",
        "\n[[feed",
        "8:1: shard `s1` has no `capacity`: everything is sized at start; add `capacity = { instruments = 512, orders = 200_000, levels = 50_000 }`",
    ),
    (
        "venue = \"nasdaq\"",
        "venue = \"nasdak\"",
        "15:9: venue `nasdak` is unknown; did you mean `nasdaq`?",
    ),
    (
        "venue = \"nasdaq\"",
        "venue = \"binance\"",
        "15:9: venue `binance` is unknown; it can be `nasdaq` or `iex`",
    ),
    (
        "239.1.1.1:26400",
        "10.1.1.1:26400",
        "16:10: line_a of feed `totalview`, 10.1.1.1:26400, is not multicast; a line is a multicast group and port: 224.0.0.0 to 239.255.255.255, e.g. `239.192.1.1:26400`",
    ),
    (
        "239.1.1.1:26400",
        "239.1.1:26400",
        "16:10: line_a of feed `totalview`, `239.1.1:26400`, is not an address and port; a line is a multicast group and port: 224.0.0.0 to 239.255.255.255, e.g. `239.192.1.1:26400`",
    ),
    (
        "239.1.1.2:26400",
        "239.1.1.1:26400",
        "17:10: line_b of feed `totalview` is the group of line 16 again: two lines on one path lose together; each line has a group and port of its own",
    ),
    (
        "\"10.0.0.9:26450\"",
        "\"239.1.1.9:26450\"",
        "18:13: rerequest of feed `totalview`, 239.1.1.9:26450, is not one host's address and port; write one host's address and port, e.g. `127.0.0.1:26450`",
    ),
    (
        "\"secret\"",
        "\"much too long a secret\"",
        "19:66: snapshot.password of feed `totalview` is not 1 to 10 letters and digits",
    ),
    (
        "depth = 1024",
        "depth = 1000",
        "24:9: link.depth is 1000, which is not a power of two; the nearest are 512 and 1024",
    ),
    ("depth = 1024", "depth = 0", "24:9: link.depth is 0; it must be from 1 to 1048576"),
    (
        "depth = 1024\n",
        "",
        "21:1: the link from `s0` has no `depth`: every ring is bounded; add `depth = 1024`",
    ),
    (
        "to = \"tops\"\n",
        "",
        "21:1: the link from `s0` has no consumer; add `to = ..`: a shard, `tops` or `alarms`",
    ),
    (
        "to = \"tops\"",
        "to = \"control\"",
        "23:6: the link from `s0` has no consumer: `control` only produces; write `to = ..` with a shard, `tops` or `alarms`",
    ),
    (
        "to = \"tops\"",
        "to = \"s2\"",
        "23:6: link.to is `s2`, which is neither a shard nor a cold end; did you mean `s0`?",
    ),
    (
        "from = \"s0\"",
        "from = \"tops\"",
        "22:8: a link comes from `tops`, which only consumes; exchange `from` and `to`",
    ),
    ("to = \"tops\"", "to = \"s0\"", "22:8: a link goes from `s0` to `s0` itself"),
    (
        "policy = \"conflate\"",
        "policy = \"conflat\"",
        "25:10: `policy` in [[link]] cannot be `conflat`; did you mean `conflate`?",
    ),
    (
        "policy = \"conflate\"",
        "polciy = \"conflate\"",
        "25:1: unknown key `polciy` in [[link]]; did you mean `policy`?",
    ),
    (
        "depth = 1024",
        "depth = \"deep\"",
        "24:9: `depth` in [[link]]: invalid type: string \"deep\", expected a whole number from 0 to 4294967295",
    ),
    (
        "depth = 1024",
        "depth = -1",
        "24:9: `depth` in [[link]]: invalid value: integer `-1`, expected a whole number from 0 to 4294967295",
    ),
];

#[test]
fn each_fault_has_its_own_message_and_place() {
    assert_eq!(faults(GOOD), Vec::<String>::new());
    let mut wrong = Vec::new();
    for (from, to, want) in CASES {
        assert!(GOOD.contains(from), "no `{from}` in the good file");
        let got = faults(&GOOD.replacen(from, to, 1));
        if got != [format!("rialto.toml:{want}")] {
            wrong.push(format!("{to}: {got:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is added to the good file, and the fault it makes.
const MORE: &[(&str, &str)] = &[
    (
        "[[feed]]\nname = 'b'\nvenue = 'iex'\nline_a = '239.1.1.2:26400'",
        "29:10: line_a of feed `b`, 239.1.1.2:26400, is already a line of feed `totalview` at line 17; each line has a group and port of its own",
    ),
    (
        "[[feed]]\nname = 'b'\nvenue = 'iex'\nline_a = '239.1.1.3:1'\nrerequest = '10.0.0.1:5'",
        "30:13: feed `b` has `rerequest`, but venue `iex` offers none over this protocol; remove it: a loss on both lines leaves the book stale until its levels are sent again",
    ),
    (
        "[[feed]]\nname = 'b'\nvenue = 'iex'\nline_a = '239.1.1.3:1'\nsession = { attempts = 0 }",
        "30:24: session.attempts is 0; it must be from 1 to 1000",
    ),
    (
        "[[link]]\nfrom = 's0'\nto = 'tops'\ndepth = 8",
        "26:1: this link is the one of line 21 again: a ring has one producer and one consumer; remove one of them, or make the other deeper",
    ),
    (
        "[partition]\nover = ['s3']",
        "27:9: partition.over names shard `s3`, which is not there; did you mean `s0`?",
    ),
    (
        "[partition]\nrest = 'none'",
        "8:1: shard `s1` can own no instrument: it lists none and takes no part of the rest; list `instruments`, let it take part of the rest in [partition], or remove it",
    ),
    (
        "[metrics]\nlisten = '9184'",
        "27:10: metrics.listen `9184` is not an address and port; write it like `127.0.0.1:9184`",
    ),
    ("[log]\nlevel = 'wran'", "27:9: log.level `wran` is not a level; did you mean `warn`?"),
    (
        "[publish]\nfeed = 'totalvue'",
        "27:8: publish.feed names feed `totalvue`, which is not there; did you mean `totalview`?",
    ),
    (
        "[publish]\nfeed = 'totalview'\nloss_a = 20.0",
        "28:10: publish.loss_a is 20; it must be from 0 to 1",
    ),
    (
        "[[shard]]\nname = 'x'\ncpu = 2\nidle = 'spin'\nshare = true\ncapacity = { instruments = 1, orders = 1, levels = 1 }\n[[shard]]\nname = 'y'\ncpu = 2\nshare = true\ncapacity = { instruments = 1, orders = 1, levels = 1 }",
        "32:1: shards `x` and `y` take turns on cpu 2 but idle differently: one thread has one way to idle; give both the same `idle`, or cpus of their own",
    ),
];

#[test]
fn each_fault_of_what_is_added_has_its_own_message_and_place() {
    let mut wrong = Vec::new();
    for (more, want) in MORE {
        let got = faults(&format!("{GOOD}{more}\n"));
        if got != [format!("rialto.toml:{want}")] {
            wrong.push(format!("{more}: {got:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_faults_are_reported_in_the_order_of_the_file() {
    let text = GOOD
        .replace("cpu = 1", "cpu = 7")
        .replace("nasdaq", "nasdak")
        .replace("239.1.1.1", "10.1.1.1")
        .replace("depth = 1024", "depth = 3");
    let places: Vec<String> = faults(&text)
        .iter()
        .map(|fault| fault.split(": ").next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        places,
        ["rialto.toml:10:7", "rialto.toml:15:9", "rialto.toml:16:10", "rialto.toml:24:9"]
    );
}

#[test]
fn an_empty_file_says_what_is_missing() {
    assert_eq!(
        faults(""),
        [
            "rialto.toml:1:1: the file has no [[shard]] and no [[exchange]]: nothing would run; add one, or start from a profile in tuning/",
        ]
    );
}

fn load(text: &str, cpus: &Cpus) -> Topology {
    let source = Source { name: "rialto.toml".to_owned(), text: text.to_owned() };
    let config = fault::read(&source).expect("its shape");
    topology::check(&config, &source, cpus).expect("its sense")
}

#[test]
fn shards_without_a_cpu_take_the_highest_free_ones_and_share_what_is_left() {
    let shard = |name: &str| {
        format!(
            "[[shard]]\nname = '{name}'\ncapacity = {{ instruments = 1, orders = 1, levels = 1 }}\n"
        )
    };
    let feed = "[[feed]]\nname = 'f'\nvenue = 'iex'\nline_a = '239.1.1.1:1'\n";
    let three = format!("{}{}{}{feed}", shard("a"), shard("b"), shard("c"));
    let cases = [
        (1, vec![0, 0, 0], vec![0]),
        (2, vec![0, 1, 0], vec![0, 1]),
        (4, vec![1, 2, 3], vec![0]),
        (8, vec![5, 6, 7], vec![0, 1, 2, 3, 4]),
    ];
    for (count, want, cold) in cases {
        let topology = load(&three, &Cpus::plain(count));
        let got: Vec<u32> = topology.shards.iter().map(|shard| shard.placement.cpu).collect();
        assert_eq!((got, topology.cold_cpus), (want, cold), "{count} cpus");
    }
}

#[test]
fn a_shard_joins_the_feeds_that_carry_its_instruments() {
    let carries = GOOD.replace("line_a =", "carries = [\"AAPL\"]\nline_a =");
    let topology = load(&carries, &Cpus::plain(4));
    assert_eq!(topology.feeds[0].shards, [ShardId(0)]);
    assert_eq!(load(GOOD, &Cpus::plain(4)).feeds[0].shards, [ShardId(0), ShardId(1)]);
    assert_eq!(topology.owners.owner(Symbol::parse("AAPL").expect("a ticker")), Some(ShardId(0)));
}

#[test]
fn the_password_is_in_no_debug_text() {
    assert!(!format!("{:?}", load(GOOD, &Cpus::plain(4))).contains("secret"));
}

#[test]
fn every_profile_is_good_on_the_machine_it_is_for() {
    let cases = [
        ("demo", 1),
        ("demo", 2),
        ("demo", 64),
        ("laptop-2-cores", 2),
        ("dedicated-8-cores", 8),
        ("venue-demo", 1),
        ("venue-demo", 2),
        ("dark-demo", 1),
        ("dark-demo", 2),
    ];
    for (name, cpus) in cases {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tuning/{name}.toml"));
        if let Err(failure) = Topology::load(Some(&path), &Cpus::plain(cpus)) {
            panic!("{failure}");
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tuning");
    for entry in folder.read_dir().expect("the folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        let Some(profile) = name.strip_suffix(".toml") else { continue };
        assert!(
            cases.iter().any(|(case, _)| *case == profile),
            "{name} is not in this table: say how many cpus it is for"
        );
    }
}

fn rialto(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rialto")).args(args).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn exit_codes_tell_done_from_failed_from_bad_usage() {
    let folder = tempfile::tempdir().expect("a folder");
    let bad = folder.path().join("bad.toml");
    std::fs::write(&bad, "dta = 'x'").expect("a file");
    let bad = bad.to_str().expect("text");
    let missing = folder.path().join("missing.hlog");
    let missing = missing.to_str().expect("text");
    let cases: [(&[&str], i32, &str); 8] = [
        (&["check"], 0, ""),
        (&["--help"], 0, ""),
        (&["host", "--json"], 0, ""),
        (&["hist", missing], 1, "error: cannot read "),
        (&["check", "--config", bad], 2, "unknown key `dta` in the top of the file"),
        (&["check", "--config", missing], 2, "profiles to start from lie in tuning/"),
        (&["chekc"], 2, "unrecognized subcommand 'chekc'"),
        (&[], 2, "Usage: "),
    ];
    for (args, code, said) in cases {
        let output = rialto(args);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {errors}");
        assert!(errors.contains(said), "{args:?} says `{errors}`");
        assert_eq!(said.is_empty(), errors.is_empty(), "{args:?} says `{errors}`");
    }
}

#[test]
fn json_is_one_object_on_standard_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let bad = folder.path().join("bad.toml");
    std::fs::write(&bad, GOOD.replace("nasdaq", "nasdak")).expect("a file");
    let bad = bad.to_str().expect("text");

    let refused = rialto(&["check", "--json", "--config", bad]);
    let object: serde_json::Value = serde_json::from_slice(&refused.stdout).expect("one object");
    assert_eq!(object["good"], false);
    let faults = object["faults"].as_array().expect("a list");
    let venue = faults
        .iter()
        .find(|fault| fault["what"] == "venue `nasdak` is unknown")
        .expect("the fault");
    assert_eq!((&venue["line"], &venue["column"]), (&15.into(), &9.into()));
    assert_eq!(venue["remedy"], "did you mean `nasdaq`?");

    let good: serde_json::Value =
        serde_json::from_slice(&rialto(&["check", "--json"]).stdout).expect("one object");
    assert_eq!((&good["good"], good["shards"].as_array().map(Vec::len)), (&true.into(), Some(2)));
}
