//! `rialto generate`: a day into a file.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use super::{Day, Format, Options, PCAP_GROUP, write_day};
use crate::failure::Failure;
use crate::terminal;

/// What was typed.
#[derive(Clone, Debug)]
pub struct FileOptions {
    /// The day.
    pub day: Options,
    /// The file to write.
    pub out: PathBuf,
    /// How; `None`: a capture where the name ends in `.pcap`, BinaryFILE else.
    pub format: Option<Format>,
    /// Print one JSON object.
    pub json: bool,
}

#[derive(Serialize)]
struct Output {
    file: String,
    seed: u64,
    symbols: u16,
    messages: u64,
    packets: u64,
    bytes: u64,
    live_orders: usize,
    elapsed_ns: u64,
}

/// Writes the day and says what was written.
///
/// # Errors
/// Options that cannot be, and a file that cannot be written.
pub fn command(options: FileOptions) -> Result<(), Failure> {
    let FileOptions { day, out, format, json } = options;
    let named_pcap = out.extension().is_some_and(|extension| extension == "pcap");
    let format = format.unwrap_or(if named_pcap { Format::Pcap } else { Format::Itch });
    let began = Instant::now();
    let mut day = Day::new(day)?;
    let file = File::create(&out).map_err(|error| Failure::io("create", &out, error))?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    let written = write_day(&mut day, format, &mut file)
        .map_err(|error| Failure::io("write", &out, error))?;
    let output = Output {
        file: out.display().to_string(),
        seed: day.options().seed,
        symbols: day.options().symbols,
        messages: written.messages,
        packets: written.packets,
        bytes: written.bytes,
        live_orders: day.live_orders(),
        elapsed_ns: u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX),
    };
    if json {
        return terminal::print_json(&output);
    }
    let Output { file, seed, symbols, messages, bytes, .. } = output;
    let mut text = format!(
        "wrote {file}: {messages} messages of {symbols} symbols from seed {seed}, {bytes} bytes\n"
    );
    if format == Format::Pcap {
        let (packets, port) = (written.packets, PCAP_GROUP.port());
        text.push_str(&format!(
            "{packets} packets; read them with: tshark -r {file} -d udp.port=={port},moldudp64\n"
        ));
    }
    terminal::print(&text)
}
