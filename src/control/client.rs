//! `rialto ctl`: one request to the exchanges that run in a folder, and their reply for a person or a program.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::protocol::{Line, Refusal, Reply, Request, ShardStatus};
use super::{CLOSE_MAX, SOCKET};
use crate::failure::{Failure, Reason};
use crate::terminal::{self, thousands};

/// What `rialto ctl` was asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the run.
    pub data: PathBuf,
    /// What to ask for.
    pub request: Request,
    /// One JSON object: the reply as it came.
    pub json: bool,
}

/// The longest reply: the instruments of many full shards.
const REPLY_MAX: u64 = 64 << 20;
/// How long a reply may take: shards are waited for at the other end.
const REPLY_WAIT: Duration = Duration::from_secs(CLOSE_MAX.as_secs() + 10);
/// More lines than that are not read one by one.
const LINES_MAX: usize = 32;
/// Instruments of a usual phase that are named.
const NAMED_MAX: usize = 12;

/// Asks, and prints what became of it.
///
/// # Errors
/// Nobody there, a request that was refused, or one of which something was not done.
pub fn command(options: Options) -> Result<(), Failure> {
    let reply = match ask(&options.data, &options.request) {
        // A program is told by one object too.
        Err(Failure::Failed(Reason { what, remedy })) if options.json => {
            Reply::Refused(Refusal { usage: false, what, remedy })
        }
        outcome => outcome?,
    };
    if options.json {
        terminal::print_json(&reply)?;
    }
    match reply {
        Reply::Refused(refusal) => {
            let failure = if refusal.usage {
                Failure::usage(refusal.what)
            } else {
                Failure::failed(refusal.what)
            };
            Err(match refusal.remedy {
                Some(remedy) => failure.remedy(remedy),
                None => failure,
            })
        }
        Reply::Shards(shards) => {
            if !options.json {
                terminal::print(&status(&shards))?;
            }
            let silent: Vec<_> = shards.iter().filter(|shard| !shard.answered).map(name).collect();
            if silent.is_empty() {
                return Ok(());
            }
            Err(Failure::failed(format!("no answer yet from {}", silent.join(", "))))
        }
        Reply::Outcomes(lines) => {
            if !options.json {
                terminal::print(&outcomes(&lines))?;
            }
            let bad = lines.iter().filter(|line| !line.outcome.is_good()).count();
            match (bad, lines.len()) {
                (0, _) => Ok(()),
                (_, 1) => Err(Failure::failed("it was not done")),
                (bad, all) => Err(Failure::failed(format!("{bad} of {all} were not done"))),
            }
        }
    }
}

/// The reply of who runs in a folder.
///
/// # Errors
/// Nobody there, or no reply.
fn ask(data: &Path, request: &Request) -> Result<Reply, Failure> {
    let path = data.join(SOCKET);
    let stream = UnixStream::connect(&path).map_err(|error| {
        let data = data.display();
        if error.kind() == ErrorKind::NotFound {
            return Failure::failed(format!("no exchange runs in the folder {data}"))
                .remedy("start one with rialto venue, or name the folder of one: --data DIR");
        }
        if error.kind() == ErrorKind::ConnectionRefused {
            return Failure::failed(format!("the exchange that ran in {data} is gone"))
                .remedy("start it again with rialto venue");
        }
        Failure::io("reach the exchange at", &path, error)
    })?;
    let failed = |error| Failure::io("hear the exchange at", &path, error);
    stream.set_read_timeout(Some(REPLY_WAIT)).map_err(failed)?;
    stream.set_write_timeout(Some(REPLY_WAIT)).map_err(failed)?;
    let mut line = serde_json::to_vec(request)
        .map_err(|error| Failure::failed(format!("cannot write JSON: {error}")))?;
    line.push(b'\n');
    // Where it hangs up before it has all, it says why.
    let sent = (&stream).write_all(&line);
    let mut text = String::new();
    let heard = BufReader::new(stream.take(REPLY_MAX)).read_line(&mut text);
    match (heard, sent) {
        (Ok(0), Err(error)) | (Err(error), _) if is_silence(&error) => {
            Err(Failure::failed(format!("the exchange at {} does not answer", path.display()))
                .remedy("its log says whether it took the request"))
        }
        (Ok(0), _) => Err(Failure::failed(format!("the exchange at {} hung up", path.display()))),
        (Err(error), _) => Err(failed(error)),
        (Ok(_), _) => serde_json::from_str(&text).map_err(|error| {
            Failure::failed(format!("the reply is not one that this program knows: {error}"))
                .remedy("is it another version of rialto that runs there?")
        }),
    }
}

fn is_silence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// A line for each thing; where they are many, those that went well are counted.
fn outcomes(lines: &[Line]) -> String {
    if lines.len() <= LINES_MAX {
        return lines.iter().map(sentence).collect();
    }
    let mut text = String::new();
    let mut good: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for line in lines {
        if line.outcome.is_good() {
            *good.entry((&line.exchange, &line.shard, &line.text)).or_default() += 1;
        } else {
            text.push_str(&sentence(line));
        }
    }
    for ((exchange, shard, became), count) in good {
        let count = thousands(count);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{exchange} {shard}: {count} of them: {became}");
    }
    text
}

/// What became of one thing.
fn sentence(line: &Line) -> String {
    let Line { exchange, shard, subject, text, .. } = line;
    format!("{exchange} {shard}: {subject} {text}\n")
}

fn name(shard: &ShardStatus) -> String {
    format!("{} {}", shard.exchange, shard.shard)
}

/// A line a shard, then its instruments by phase.
fn status(shards: &[ShardStatus]) -> String {
    let headings =
        ["exchange", "shard", "day", ">instruments", ">live orders", ">connections", "killed"];
    let mut table = terminal::table(&headings);
    for shard in shards {
        let day = match (shard.answered, shard.over) {
            (_, true) => "over",
            (true, false) => "on",
            (false, false) => "no answer",
        };
        table.add_row([
            shard.exchange.clone(),
            shard.shard.clone(),
            day.to_owned(),
            thousands(shard.instruments.len() as u64),
            thousands(shard.orders),
            thousands(shard.connections),
            killed(shard),
        ]);
    }
    let mut phases: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for shard in shards {
        for instrument in &shard.instruments {
            let key = (shard.exchange.as_str(), instrument.phase.as_str());
            phases.entry(key).or_default().push(&instrument.symbol);
        }
    }
    let mut by_phase = terminal::table(&["exchange", "phase", ">instruments", ""]);
    for ((exchange, phase), symbols) in phases {
        by_phase.add_row([
            exchange.to_owned(),
            phase.to_owned(),
            thousands(symbols.len() as u64),
            named(phase, symbols),
        ]);
    }
    format!("{}\n{}", terminal::lines(&table), terminal::lines(&by_phase))
}

/// Whose orders it does not take.
fn killed(shard: &ShardStatus) -> String {
    let venue = shard.killed.venue.then(|| "the venue".to_owned());
    let firms = shard.killed.firms.iter().map(|firm| format!("firm {firm}"));
    let ports = shard.killed.ports.iter().map(|port| format!("port {port}"));
    let all: Vec<_> = venue.into_iter().chain(firms).chain(ports).collect();
    if all.is_empty() { "-".to_owned() } else { all.join(", ") }
}

/// Those that do not trade although they could are named in full.
fn named(phase: &str, mut symbols: Vec<&str>) -> String {
    symbols.sort_unstable();
    let is_usual = ["continuous", "closed", "pre-open"].contains(&phase);
    let most = if is_usual { NAMED_MAX } else { usize::MAX };
    let more = symbols.len().saturating_sub(most);
    symbols.truncate(most);
    let names = symbols.join(" ");
    if more == 0 { names } else { format!("{names} and {} more", thousands(more as u64)) }
}
