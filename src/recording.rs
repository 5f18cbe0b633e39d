//! Recorded market data as the datagrams of a feed: BinaryFILE, pcap or pcapng, plain or gzip.
//!
//! A BinaryFILE recording has lost its packets, so its messages are packed into new ones, numbered
//! from 1 on one line without loss. A capture's datagrams are given out as they were; the first
//! address they went to is line A, the second line B. Knows no book and no clock.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use session::Line;
use types::Nanos;
use venue::{Row, VENUES};
use wire::binaryfile::{Misframed, Records};
use wire::capture::Capture;
use wire::frame::{self, Carried};
use wire::{binaryfile, iextp, itch50, moldudp64};

use crate::failure::Failure;

/// One datagram of a recorded feed.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// When it was captured, or what the first message in it says: since the epoch or midnight.
    pub time: Nanos,
    /// Which way it came.
    pub line: Line,
    /// The datagram, header and all.
    pub datagram: &'a [u8],
    /// Bytes of the recording, unpacked, up to here.
    pub offset: u64,
}

/// How many messages a datagram carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// As many as fit, or as were in it.
    Full,
    /// One: something is to be looked at after each.
    Single,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Bytes, unpacked.
    pub bytes: u64,
    /// Frames of a capture that were no datagram of the feed.
    pub other_frames: u64,
    /// Where and why it could not be read to the end; what came before was given out.
    pub fault: Option<String>,
}

/// A recording whose kind is known.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    kind: Kind,
    row: &'static Row,
    begins: Nanos,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Messages,
    Frames,
}

/// The session that the messages of a BinaryFILE recording are numbered in.
const SESSION: [u8; 10] = *b"RECORDING ";
/// Bytes of a datagram made here: what an Ethernet frame carries.
const DATAGRAM_MAX: usize = 1_472;
/// Bytes read at a time. More than the longest message, so that each step gives at least one.
const CHUNK: usize = 1 << 20;
const _: () = assert!(1 << 17 < CHUNK);

impl Recording {
    /// Looks at the first bytes.
    ///
    /// # Errors
    /// A file that cannot be read, or a capture without a feed that we know.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let mut head = [0; 4];
        let mut reader = reader(path)?;
        let got = fill(&mut reader, &mut head).map_err(|error| Failure::io("read", path, error))?;
        if got == 0 {
            return Err(Failure::failed(format!("{} is empty", path.display())));
        }
        let is_capture = matches!(
            u32::from_be_bytes(head),
            0x0A0D_0D0A | 0xA1B2_C3D4 | 0xD4C3_B2A1 | 0xA1B2_3C4D | 0x4D3C_B2A1
        );
        let path = path.to_owned();
        if !is_capture {
            let row = Row::find("nasdaq").unwrap_or(&VENUES[0]);
            return Ok(Self { path, kind: Kind::Messages, row, begins: Nanos::ZERO });
        }
        let (row, begins) = feed_of(&whole(&path)?).ok_or_else(|| {
            let names: Vec<_> = VENUES.iter().map(|row| row.title).collect();
            Failure::failed(format!("{} holds no feed that we know", path.display()))
                .remedy(format!("known are: {}", names.join("; ")))
        })?;
        Ok(Self { path, kind: Kind::Frames, row, begins })
    }

    /// Whose feed it is.
    pub fn venue(&self) -> &'static Row {
        self.row
    }

    /// Before its first datagram, in the time that its datagrams have.
    pub fn begins(&self) -> Nanos {
        self.begins
    }

    /// Whether its packets are the publisher's own, with the gaps and times they had.
    pub fn is_capture(&self) -> bool {
        self.kind == Kind::Frames
    }

    /// Bytes of the file as it lies on disk.
    pub fn file_bytes(&self) -> u64 {
        self.path.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Gives out every datagram in order, until `each` breaks.
    ///
    /// # Errors
    /// The file cannot be read. What is wrong inside it is in [`Walked::fault`].
    pub fn walk(
        &self,
        packing: Packing,
        each: impl FnMut(Recorded<'_>) -> ControlFlow<()>,
    ) -> Result<Walked, Failure> {
        match self.kind {
            Kind::Messages => self.walk_messages(packing, each),
            Kind::Frames => self.walk_frames(packing, each),
        }
    }

    fn walk_messages(
        &self,
        packing: Packing,
        mut each: impl FnMut(Recorded<'_>) -> ControlFlow<()>,
    ) -> Result<Walked, Failure> {
        let mut reader = reader(&self.path)?;
        let mut chunk = vec![0; CHUNK];
        let mut packer = Packer { packing, ..Packer::default() };
        let (mut held, mut base) = (0, 0_u64);
        loop {
            let got = fill(&mut reader, &mut chunk[held..])
                .map_err(|error| Failure::io("read", &self.path, error))?;
            let at_end = held + got < CHUNK;
            let mut records = Records::new(&chunk[..held + got]);
            let mut fault = None;
            let mut done = 0;
            while let Some(record) = records.next() {
                match record {
                    Ok(record) => {
                        done = records.offset() as usize;
                        let offset = base + done as u64;
                        if packer.add(record.message, offset, &mut each).is_break() {
                            return Ok(Walked { bytes: offset, ..Walked::default() });
                        }
                    }
                    Err(found) => fault = Some(found),
                }
            }
            let misframed = match fault {
                // A cut message is whole once more of the file is there, unless there is no more.
                Some(Misframed::Truncated { .. }) if !at_end => None,
                // The end of the session, where it happens to begin a chunk.
                Some(_) if at_end && 0 < base && chunk[..held + got] == binaryfile::END => None,
                found => found.map(|found| at(found, base)),
            };
            if at_end || misframed.is_some() {
                let end = base + if misframed.is_some() { done } else { held + got } as u64;
                let _ = packer.flush(&mut each);
                let fault = misframed.map(|found| format!("{}: {found}", self.path.display()));
                return Ok(Walked { bytes: end, other_frames: 0, fault });
            }
            chunk.copy_within(done.., 0);
            held = CHUNK - done;
            base += done as u64;
        }
    }

    fn walk_frames(
        &self,
        packing: Packing,
        mut each: impl FnMut(Recorded<'_>) -> ControlFlow<()>,
    ) -> Result<Walked, Failure> {
        let file = whole(&self.path)?;
        let mut walked = Walked::default();
        let mut groups: Vec<SocketAddr> = Vec::with_capacity(2);
        let mut capture = Capture::open(&file).map_err(|fault| self.refuse(fault))?;
        let mut split = [0; DATAGRAM_MAX + moldudp64::Header::LEN];
        while let Some(frame) = capture.next() {
            let frame = match frame {
                Ok(frame) => frame,
                Err(fault) => {
                    walked.fault = Some(format!("{}: {fault}", self.path.display()));
                    break;
                }
            };
            walked.bytes = capture.offset();
            let Ok(Carried::Udp(udp)) = frame::decode(frame.link, frame.bytes) else {
                walked.other_frames += 1;
                continue;
            };
            if groups.len() < 2 && !groups.contains(&udp.destination) {
                groups.push(udp.destination);
            }
            let line = match groups.iter().position(|group| *group == udp.destination) {
                Some(0) => Line::A,
                Some(_) => Line::B,
                None => {
                    walked.other_frames += 1;
                    continue;
                }
            };
            let recorded = Recorded {
                time: Nanos::new(frame.time_ns),
                line,
                datagram: udp.payload,
                offset: capture.offset(),
            };
            let flow = match packing {
                Packing::Full => each(recorded),
                Packing::Single => singly(recorded, self.row, &mut split, &mut each),
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(walked)
    }

    fn refuse(&self, fault: impl std::fmt::Display) -> Failure {
        Failure::failed(format!("{}: {fault}", self.path.display()))
    }
}

/// Puts messages into datagrams, numbered from 1.
#[derive(Debug)]
struct Packer {
    packing: Packing,
    datagram: Vec<u8>,
    first: u64,
    count: u16,
    time: Nanos,
    offset: u64,
}

impl Default for Packer {
    fn default() -> Self {
        Self {
            packing: Packing::Full,
            datagram: Vec::with_capacity(1 << 17),
            first: 1,
            count: 0,
            time: Nanos::ZERO,
            offset: 0,
        }
    }
}

impl Packer {
    fn add(
        &mut self,
        message: &[u8],
        offset: u64,
        each: &mut impl FnMut(Recorded<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // The longest message is longer than a usual datagram: then it travels alone.
        let full = DATAGRAM_MAX < self.datagram.len() + 2 + message.len();
        if 0 < self.count && (full || self.packing == Packing::Single) {
            self.flush(each)?;
        }
        if self.count == 0 {
            self.datagram.clear();
            self.datagram.extend_from_slice(&SESSION);
            self.datagram.extend_from_slice(&self.first.to_be_bytes());
            self.datagram.extend_from_slice(&[0, 0]);
            // A recording is played in its own time; one that steps back stands still.
            let stamp = itch50::Header::peek(message).map_or(0, itch50::Header::timestamp);
            self.time = self.time.max(Nanos::new(stamp));
        }
        let len = u16::try_from(message.len()).unwrap_or(u16::MAX);
        self.datagram.extend_from_slice(&len.to_be_bytes());
        self.datagram.extend_from_slice(message);
        self.count += 1;
        self.offset = offset;
        match self.packing {
            Packing::Full => ControlFlow::Continue(()),
            Packing::Single => self.flush(each),
        }
    }

    fn flush(&mut self, each: &mut impl FnMut(Recorded<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
        if self.count == 0 {
            return ControlFlow::Continue(());
        }
        self.datagram[18..20].copy_from_slice(&self.count.to_be_bytes());
        let (time, offset) = (self.time, self.offset);
        let flow = each(Recorded { time, line: Line::A, datagram: &self.datagram, offset });
        self.first += u64::from(self.count);
        self.count = 0;
        flow
    }
}

/// A datagram as several of one message each. What cannot be read is given out as it is.
fn singly(
    recorded: Recorded<'_>,
    row: &Row,
    out: &mut [u8],
    each: &mut impl FnMut(Recorded<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some(count) = messages_in(row, recorded.datagram) else { return each(recorded) };
    for at in 0..count {
        match one_of(row, recorded.datagram, at, out) {
            Some(datagram) => each(Recorded { datagram, ..recorded })?,
            None => return each(recorded),
        }
    }
    ControlFlow::Continue(())
}

/// Messages of a datagram; `None` where it has none, or cannot be read.
fn messages_in(row: &Row, datagram: &[u8]) -> Option<usize> {
    let count = match row.transport {
        venue::Transport::MoldUdp64 => moldudp64::Packet::parse(datagram).ok()?.count(),
        venue::Transport::IexTp => iextp::Segment::parse(datagram).ok()?.count(),
    };
    (0 < count).then_some(usize::from(count))
}

/// The message at place `at` of a datagram, in a datagram of its own.
fn one_of<'o>(row: &Row, datagram: &[u8], at: usize, out: &'o mut [u8]) -> Option<&'o [u8]> {
    let limit = out.len();
    match row.transport {
        venue::Transport::MoldUdp64 => {
            let packet = moldudp64::Packet::parse(datagram).ok()?;
            let sequence = packet.sequence() + at as u64;
            let mut builder =
                moldudp64::PacketBuilder::new(out, limit, *packet.session(), sequence).ok()?;
            builder.push(packet.blocks().nth(at)?).ok()?;
            Some(builder.finish())
        }
        venue::Transport::IexTp => {
            let segment = iextp::Segment::parse(datagram).ok()?;
            let mut header = *segment.header();
            header.sequence = (header.sequence.get() + at as i64).into();
            let mut builder = iextp::SegmentBuilder::new(out, limit, &header).ok()?;
            builder.push(segment.blocks().nth(at)?).ok()?;
            Some(builder.finish())
        }
    }
}

/// The feed of the first datagram that is one's, and when that came.
fn feed_of(file: &[u8]) -> Option<(&'static Row, Nanos)> {
    Capture::open(file).ok()?.map_while(Result::ok).find_map(|frame| {
        let Ok(Carried::Udp(udp)) = frame::decode(frame.link, frame.bytes) else { return None };
        let deep = iextp::Segment::parse(udp.payload)
            .is_ok_and(|segment| segment.protocol() == iextp::DEEP_1_0);
        let name = match moldudp64::Packet::parse(udp.payload) {
            _ if deep => "iex",
            Ok(_) => "nasdaq",
            Err(_) => return None,
        };
        Some((Row::find(name)?, Nanos::new(frame.time_ns)))
    })
}

fn at(fault: Misframed, base: u64) -> Misframed {
    match fault {
        Misframed::Truncated { offset, want, left } => {
            Misframed::Truncated { offset: base + offset, want, left }
        }
        Misframed::ZeroLength { offset } => Misframed::ZeroLength { offset: base + offset },
    }
}

/// The file's bytes, unpacked where it is gzip.
fn reader(path: &Path) -> Result<Box<dyn Read>, Failure> {
    let file = File::open(path).map_err(|error| Failure::io("read", path, error))?;
    let mut file = BufReader::with_capacity(CHUNK, file);
    let is_gzip = io::BufRead::fill_buf(&mut file)
        .map_err(|error| Failure::io("read", path, error))?
        .starts_with(&[0x1F, 0x8B]);
    Ok(if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

fn whole(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    reader(path)?.read_to_end(&mut bytes).map_err(|error| Failure::io("read", path, error))?;
    Ok(bytes)
}

/// Reads until the buffer is full or the file ends.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match reader.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(read) => got += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
