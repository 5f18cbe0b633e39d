//! `rialto-matching --stdio`: the exchange's own books behind the line protocol of the conformance
//! suite that PyPI has as `tracebook-conformance`.
//!
//! ```text
//! tracebook-conformance sample suite --suite-version v2
//! tracebook-conformance suite suite --candidate-cmd 'target/release/rialto-matching --stdio'
//! tracebook-conformance qualify --profile fifo-full-v1 --output-dir out \
//!     --candidate-cmd 'target/release/rialto-matching --stdio'
//! ```
//!
//! One JSON object a line, in and out; what goes wrong is the last line, and the exit code is 2.

mod decimal;
mod exchange;
mod message;
mod session;

use std::io::{self, BufRead, Read, Write};
use std::process::ExitCode;

use message::Reply;
use session::Session;

/// The longest line that is read.
const LINE_MAX: u64 = 1 << 20;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments != ["--stdio"] {
        eprintln!("usage: rialto-matching --stdio < commands > reports");
        return ExitCode::from(2);
    }
    match serve(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(error) => {
            eprintln!("standard input or output: {error}");
            ExitCode::from(2)
        }
    }
}

/// Answers line after line; whether the other side said that it is done.
fn serve(input: &mut impl BufRead, output: &mut impl Write) -> io::Result<bool> {
    let mut session = Session::default();
    let mut line = String::new();
    loop {
        line.clear();
        let read = input.by_ref().take(LINE_MAX).read_line(&mut line)?;
        let reply = match read {
            0 => Err("the commands ended before finish".to_owned()),
            _ if line.trim().is_empty() => continue,
            _ if !line.ends_with('\n') && LINE_MAX <= read as u64 => {
                Err(format!("a line of more than {LINE_MAX} bytes"))
            }
            _ => session.on_line(&line),
        };
        let reply =
            reply.unwrap_or_else(|message| Reply::Error { code: "PROTOCOL_ERROR", message });
        serde_json::to_writer(&mut *output, &reply)?;
        output.write_all(b"\n")?;
        output.flush()?;
        match reply {
            Reply::Complete { .. } => return Ok(true),
            Reply::Error { .. } => return Ok(false),
            Reply::Ready { .. } | Reply::Observation { .. } | Reply::Snapshot { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LINE_MAX, serve};

    const HELLO: &str = r#"{"type":"hello","protocol":"tracebook.conformance","protocol_version":1,"config":{"matching_algorithm":"fifo","tick_size":"0.01","self_trade_policy":"NONE","quantity_decimal_places":12}}"#;

    fn served(input: &str) -> (bool, Vec<String>) {
        let mut output = Vec::new();
        let done = serve(&mut input.as_bytes(), &mut output).expect("memory");
        let output = String::from_utf8(output).expect("JSON");
        (done, output.lines().map(str::to_owned).collect())
    }

    #[test]
    fn a_session_from_hello_to_finish() {
        let event = r#"{"type":"event","index":1,"event":{"op":"new","symbol":"T","order_id":1,"side":"BUY","order_type":"LIMIT","price":100.0,"quantity":0.5,"owner":7,"timestamp_ns":1}}"#;
        let input = [
            HELLO,
            event,
            "",
            r#"{"type":"snapshot","index":1}"#,
            r#"{"type":"finish","event_count":1}"#,
        ];
        let (done, lines) = served(&input.join("\n"));
        assert!(done);
        // The hash is that of the state below, its keys sorted and no blank between them.
        let want = [
            r#"{"type":"ready","protocol":"tracebook.conformance","protocol_version":1,"engine":{"name":"rialto-matching","version":"0.1.0","language":"Rust"}}"#,
            r#"{"type":"observation","index":1,"outcome":{"status":"applied","reason":null,"message":null},"trades":[],"state_hash":"362e9270a0e33e370d2e5ab9cea505e131b4de6f6739390420fb5ded5340d287","resting_order_count":1}"#,
            r#"{"type":"snapshot","index":1,"state":{"books":[{"asks":[],"bids":[{"order_id":1,"order_type":"LIMIT","owner":7,"price":"100","remaining_quantity":"0.5"}],"symbol":"T"}]}}"#,
            r#"{"type":"complete","event_count":1}"#,
        ];
        assert_eq!(lines, want);
    }

    #[test]
    fn what_is_no_protocol_ends_the_session_with_a_reason() {
        let long = "x".repeat(LINE_MAX as usize + 1);
        let early = r#"{"type":"finish","event_count":0}"#;
        let cases = [
            ("", "the commands ended before finish"),
            (HELLO, "the commands ended before finish"),
            (early, "the first line must be hello"),
            ("{", "EOF while parsing"),
            (long.as_str(), "a line of more than"),
        ];
        for (input, want) in cases {
            let (done, lines) = served(input);
            assert!(!done, "{want}");
            let last = lines.last().expect("a reason");
            assert!(last.starts_with(r#"{"type":"error","code":"PROTOCOL_ERROR""#), "{last}");
            assert!(last.contains(want), "{last}");
        }
    }
}
