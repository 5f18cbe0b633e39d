//! `rialto hist` on a third party's interval log.

use std::process::Command;

use crate::kit::recorded;

/// Figures of the log as its own tools give them.
#[test]
fn a_recorded_log_gives_the_figures_of_other_tools() {
    let Some(log) = recorded("misc/jhiccup.hlog") else { return };
    let run =
        Command::new(env!("CARGO_BIN_EXE_rialto")).arg("hist").arg(&log).arg("--json").output();
    let run = run.expect("the command starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let figures: serde_json::Value = serde_json::from_slice(&run.stdout).expect("one JSON object");
    let file = &figures["files"][0];
    assert_eq!(file["intervals"], 62);
    assert_eq!(file["count"], 48_761);
    assert_eq!(file["p999_ns"], 1_745_879_039_u64);
    assert_eq!(file["max_ns"], 1_796_210_687_u64);
}

/// Table, curve and page of the same log, and what is said of one that is no histogram.
#[test]
fn a_log_is_printed_drawn_and_refused() {
    let Some(log) = recorded("misc/jhiccup.hlog") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = folder.path().join("page.html");
    let run = Command::new(env!("CARGO_BIN_EXE_rialto"))
        .args([
            "hist".as_ref(),
            log.as_os_str(),
            log.as_os_str(),
            "--html".as_ref(),
            page.as_os_str(),
        ])
        .output()
        .expect("the command starts");
    let text = String::from_utf8(run.stdout).expect("text");
    assert!(text.contains("62 intervals") && text.contains("ratio"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80 || line.contains("interval")),
        "{text}"
    );
    let page = std::fs::read_to_string(page).expect("the page");
    assert!(page.contains("<svg") && page.contains("99.99%"), "a plot with its axis");

    let bad = folder.path().join("bad.hlog");
    std::fs::write(&bad, "#[Histogram log format version 1.3]\n0.1,1.0,2.0,no!\n")
        .expect("a small file");
    let run = Command::new(env!("CARGO_BIN_EXE_rialto")).arg("hist").arg(&bad).output();
    let run = run.expect("the command starts");
    assert_eq!(run.status.code(), Some(1));
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.contains("bad.hlog:2: the histogram is not base64"), "{said}");
}
