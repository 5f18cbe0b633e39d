//! `rialto replay` as a person types it, on recorded data.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::kit::recorded;

fn replay(file: &Path, arguments: &[&str]) -> Output {
    let rialto = env!("CARGO_BIN_EXE_rialto");
    Command::new(rialto).arg("replay").arg(file).args(arguments).output().unwrap()
}

fn figures(file: &Path) -> Value {
    let output = replay(file, &["--json"]);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn by_type(figures: &Value) -> BTreeMap<&str, u64> {
    let counts = figures["by_type"].as_object().unwrap();
    counts.iter().map(|(kind, count)| (kind.as_str(), count.as_u64().unwrap())).collect()
}

#[test]
fn a_recorded_morning_gives_its_census() {
    let Some(file) = recorded("itch/aapl-20200130-10k.itch50") else { return };
    let figures = figures(&file);
    let census = [
        ("A", 4758),
        ("D", 4083),
        ("E", 849),
        ("F", 2),
        ("H", 1),
        ("L", 52),
        ("P", 240),
        ("R", 1),
        ("U", 7),
        ("X", 6),
        ("Y", 1),
    ];
    assert_eq!(by_type(&figures), BTreeMap::from(census));
    assert_eq!((&figures["messages"], &figures["bytes"]), (&10_000.into(), &307_643.into()));
    assert_eq!((&figures["errors"], &figures["gaps"]), (&0.into(), &0.into()));
    assert_eq!(figures["books"][0]["symbol"], "AAPL");
    assert_eq!(figures["books"][0]["state"], "normal");
}

#[test]
fn the_book_after_1001_messages_is_the_one_an_independent_project_expects() {
    let Some(file) = recorded("itch/aapl-20200130-10k.itch50") else { return };
    let Some(want) = recorded("itch/aapl-20200130-10k.book-after-1001.txt") else { return };
    let output = replay(&file, &["--limit", "1001", "--book", "AAPL"]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), fs::read_to_string(want).unwrap());
}

#[test]
fn the_partition_over_shards_does_not_change_what_the_books_are() {
    let Some(file) = recorded("pcap/iex/deep10-head.pcap.gz") else { return };
    let Some(itch) = recorded("itch/aapl-20200130-10k.itch50") else { return };
    for file in [file, itch] {
        let one = figures(&file);
        let output = replay(&file, &["--json", "--shards", "3"]);
        let three: Value = serde_json::from_slice(&output.stdout).unwrap();
        for key in ["state_hash", "messages", "by_type", "books", "gaps"] {
            assert_eq!(one[key], three[key], "{key}");
        }
    }
}

#[test]
fn a_cut_file_gives_every_whole_message_and_then_says_where_it_was_cut() {
    let Some(file) = recorded("itch/truncated-4096.itch50") else { return };
    let output = replay(&file, &["--json"]);
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!((&figures["messages"], &figures["errors"]), (&101.into(), &1.into()));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("inside the message at offset 4081"), "{said}");
}

#[test]
fn a_file_of_another_framing_is_refused() {
    let Some(file) = recorded("itch/misframed-zero-lengths.itch50") else { return };
    let output = replay(&file, &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("not a BinaryFILE recording"), "{said}");
}

#[test]
fn a_capture_of_iex_gives_its_census_and_its_gaps() {
    let Some(file) = recorded("pcap/iex/deep10-head.pcap.gz") else { return };
    let figures = figures(&file);
    let census = [
        ("H", 33531),
        ("O", 33531),
        ("P", 33529),
        ("T", 7300),
        ("5", 1365),
        ("8", 1352),
        ("S", 18),
        ("E", 18),
    ];
    assert_eq!(by_type(&figures), BTreeMap::from(census));
    assert_eq!((&figures["messages"], &figures["gaps"]), (&110_644.into(), &4.into()));
    assert_eq!(figures["errors"], 0);
}

#[test]
fn a_capture_that_begins_in_mid_session_has_no_good_books() {
    let name = "pcap/Nasdaq.Equities.TotalView.Itch.v5.0/AddOrderNoMpidAttributionMessage.pcap";
    let Some(file) = recorded(name) else { return };
    let figures = figures(&file);
    assert_eq!(by_type(&figures), BTreeMap::from([("A", 1)]));
    assert_eq!(figures["books"][0]["state"], "stale");
    assert_eq!((&figures["gaps"], &figures["errors"]), (&1.into(), &0.into()));
}

#[test]
fn every_change_of_the_top_levels_is_printed_and_nothing_else() {
    let Some(file) = recorded("itch/aapl-20200130-10k.itch50") else { return };
    let output = replay(&file, &["--symbol", "AAPL", "--depth", "2", "--format", "csv"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    let heading = lines.next().unwrap();
    assert_eq!(heading.split(',').count(), 2 + 4 * 2, "{heading}");
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').skip(2).collect()).collect();
    assert!(1_000 < rows.len(), "{}", rows.len());
    assert!(rows.windows(2).all(|pair| pair[0] != pair[1]), "a row without a change");

    let json = replay(&file, &["--symbol", "AAPL", "--depth", "2", "--format", "json"]);
    let objects = String::from_utf8(json.stdout).unwrap();
    assert_eq!(objects.lines().count(), rows.len());
    let last: Value = serde_json::from_str(objects.lines().last().unwrap()).unwrap();
    assert_eq!(last["bids"][0][0], rows.last().unwrap()[2]);
}

#[test]
fn what_cannot_be_replayed_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.itch50");
    fs::write(&empty, b"").unwrap();
    let day = folder.path().join("day.itch50");
    fs::write(&day, [0, 1, b'S']).unwrap();
    let cases: [(&Path, &[&str], i32, &str); 5] = [
        (&day, &["--symbol", "ZZZ"], 1, "ZZZ is not in the recording"),
        (&folder.path().join("no.itch50"), &[], 1, "No such file"),
        (&empty, &[], 1, "is empty"),
        (&empty, &["--symbol", "TOO LONG A NAME"], 2, "is not a ticker"),
        (&empty, &["--speed", "fast"], 2, "speed"),
    ];
    for (file, arguments, code, want) in cases {
        let output = replay(file, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(want), "{said}");
    }
}
