//! A generated day in a file: BinaryFILE, or a nanosecond pcap of MoldUDP64 over UDP, IPv4 and Ethernet.
//!
//! Knows no socket: the capture is of packets that were never sent.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddrV4};

use session::SessionId;
use session::mold::{NotSent, Sender, SenderConfig};
use types::{Nanos, SeqNo};
use wire::{binaryfile, frame, pcap};

use super::Day;

/// How a day is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Nasdaq BinaryFILE: a length before each message.
    Itch,
    /// A capture of MoldUDP64 packets, which tshark and Wireshark read.
    Pcap,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Messages of the day.
    pub messages: u64,
    /// Packets, in a capture.
    pub packets: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Midnight of 2020-01-30 UTC, the day of no particular meaning that captures are dated with, since
/// generated messages say only the time of day.
const MIDNIGHT_NS: u64 = 1_580_342_400 * 1_000_000_000;
/// The feed that a capture pretends to be.
const FROM: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 26_400);
/// Where it is sent: an administratively scoped group.
pub const PCAP_GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 192, 0, 1), 26_477);
/// The longest datagram: what an Ethernet frame of 1,500 bytes carries over IPv4 and UDP.
const DATAGRAM_MAX: usize = 1_472;
/// A packet waits no longer than this for more messages.
const WAIT: Nanos = Nanos::from_micros(50);

/// The session name of a seed's day.
pub fn session_of(seed: u64) -> SessionId {
    let mut name = *b"G000000000";
    let mut rest = seed;
    for place in (1..name.len()).rev() {
        name[place] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    SessionId::new(name)
}

/// Writes the rest of a day.
///
/// # Errors
/// What the writer says.
pub fn write_day(day: &mut Day, format: Format, out: &mut impl Write) -> io::Result<Written> {
    match format {
        Format::Itch => write_itch(day, out),
        Format::Pcap => write_pcap(day, out),
    }
}

fn write_itch(day: &mut Day, out: &mut impl Write) -> io::Result<Written> {
    let mut written = Written::default();
    while let Some((_, message)) = day.next() {
        // Every ITCH message is longer than nothing and shorter than 64 KiB.
        let prefix = binaryfile::prefix(message.len()).ok_or(io::ErrorKind::InvalidData)?;
        out.write_all(&prefix)?;
        out.write_all(message)?;
        written.messages += 1;
        written.bytes += (prefix.len() + message.len()) as u64;
    }
    out.write_all(&binaryfile::END)?;
    written.bytes += binaryfile::END.len() as u64;
    out.flush()?;
    Ok(written)
}

fn write_pcap(day: &mut Day, out: &mut impl Write) -> io::Result<Written> {
    out.write_all(&pcap::FILE_HEADER)?;
    let mut written = Written { bytes: pcap::FILE_HEADER.len() as u64, ..Written::default() };
    let config = SenderConfig {
        session: session_of(day.options().seed),
        first: SeqNo::new(1),
        datagram_bytes_max: DATAGRAM_MAX,
        heartbeat: Nanos::from_secs(1),
    };
    let mut sender = Sender::new(config, Nanos::ZERO);
    let (mut first_at, mut last_at) = (Nanos::ZERO, Nanos::ZERO);
    while let Some((now, message)) = day.next() {
        let waited = WAIT < now.since(first_at);
        if waited && let Some(datagram) = sender.take(last_at) {
            write_frame(last_at, datagram, out, &mut written)?;
        }
        match sender.push(message) {
            Ok(_) => {}
            Err(NotSent::Full) => {
                if let Some(datagram) = sender.take(last_at) {
                    write_frame(last_at, datagram, out, &mut written)?;
                }
                sender.push(message).map_err(|_| io::ErrorKind::InvalidData)?;
                first_at = now;
            }
            Err(NotSent::TooLong | NotSent::Ended) => return Err(io::ErrorKind::InvalidData.into()),
        }
        if waited {
            first_at = now;
        }
        last_at = now;
        written.messages += 1;
    }
    if let Some(datagram) = sender.take(last_at) {
        write_frame(last_at, datagram, out, &mut written)?;
    }
    sender.end();
    let end_at = sender.next_deadline();
    if let Some(datagram) = sender.on_deadline(end_at) {
        write_frame(end_at, datagram, out, &mut written)?;
    }
    out.flush()?;
    Ok(written)
}

fn write_frame(
    at: Nanos,
    datagram: &[u8],
    out: &mut impl Write,
    written: &mut Written,
) -> io::Result<()> {
    let mut bytes = [0; frame::UDP4_HEADERS + DATAGRAM_MAX];
    let len = frame::encode_udp4(FROM, PCAP_GROUP, written.packets as u16, datagram, &mut bytes)
        .map_err(|_| io::ErrorKind::InvalidData)?;
    let header =
        pcap::record_header(MIDNIGHT_NS + at.get(), len).ok_or(io::ErrorKind::InvalidData)?;
    out.write_all(&header)?;
    out.write_all(&bytes[..len])?;
    written.packets += 1;
    written.bytes += (header.len() + len) as u64;
    Ok(())
}

#[cfg(test)]
mod tests {
    use wire::binaryfile::Records;
    use wire::capture::Capture;
    use wire::frame::{self, Carried};

    use super::{Format, PCAP_GROUP, session_of, write_day};
    use crate::generate::{Day, Options};

    fn day() -> Day {
        Day::new(Options { symbols: 5, messages: 5_000, ..Options::default() }).unwrap()
    }

    fn messages() -> Vec<Vec<u8>> {
        let mut day = day();
        let mut all = Vec::new();
        while let Some((_, message)) = day.next() {
            all.push(message.to_vec());
        }
        all
    }

    #[test]
    fn a_day_reads_back_from_a_binaryfile() {
        let mut file = Vec::new();
        let written = write_day(&mut day(), Format::Itch, &mut file).unwrap();
        assert_eq!((written.messages, written.bytes), (5_000, file.len() as u64));
        let read: Vec<_> =
            Records::new(&file).map(|record| record.unwrap().message.to_vec()).collect();
        assert_eq!(read, messages());
    }

    #[test]
    fn a_day_reads_back_from_a_capture() {
        let mut file = Vec::new();
        let written = write_day(&mut day(), Format::Pcap, &mut file).unwrap();
        assert_eq!((written.messages, written.bytes), (5_000, file.len() as u64));
        let (mut read, mut packets, mut ended, mut last_ns) = (Vec::new(), 0, false, 0);
        for record in Capture::open(&file).unwrap() {
            let record = record.unwrap();
            assert!(last_ns <= record.time_ns);
            last_ns = record.time_ns;
            let Carried::Udp(datagram) = frame::decode(record.link, record.bytes).unwrap() else {
                panic!("not UDP");
            };
            assert_eq!(datagram.destination, PCAP_GROUP.into());
            let packet = session::mold::packet(datagram.payload).unwrap();
            assert_eq!(packet.session, session_of(1));
            assert_eq!(packet.sequence.get(), read.len() as u64 + 1);
            read.extend(session::mold::messages(packet.body).map(<[u8]>::to_vec));
            packets += 1;
            ended = packet.end;
        }
        assert_eq!((packets, ended), (written.packets, true));
        assert_eq!(read, messages());
    }
}
