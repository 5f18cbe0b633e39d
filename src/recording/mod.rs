//! Recorded market data as the datagrams of a feed: BinaryFILE, pcap or pcapng, plain or gzip.
//!
//! A BinaryFILE recording has lost its packets, so its messages are packed into new ones, numbered
//! from 1 on one line without loss. A capture's datagrams are given out as they were; the first
//! address they went to is line A, the second line B. Knows no book and no clock.

mod messages;
mod packer;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use session::Line;
use types::Nanos;
use venue::{Row, VENUES};
use wire::capture::Capture;
use wire::frame::{self, Carried};
use wire::{iextp, moldudp64};

use crate::failure::Failure;
pub(crate) use messages::Messages;
use packer::{DATAGRAM_MAX, Packer, singly};

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
    pub fault: Option<Failure>,
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

/// Bytes read at a time.
const BUFFER: usize = 1 << 18;

impl Recording {
    /// Looks at the first bytes.
    ///
    /// # Errors
    /// A file that cannot be read, or a capture without a feed that we know.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let head = head(path)?;
        if head.is_empty() {
            return Err(Failure::failed(format!("{} is empty", path.display())));
        }
        let path = path.to_owned();
        if !is_capture(&head) {
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
        let mut messages = Messages::open(&self.path)?;
        let mut packer = Packer::new(packing);
        let mut fault = None;
        loop {
            match messages.next() {
                Ok(Some((offset, message))) => {
                    if packer.add(message, offset, &mut each).is_break() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(found) => {
                    fault = Some(found);
                    break;
                }
            }
        }
        // Told to break, or at the end: nobody asks for more.
        let _ = packer.flush(&mut each);
        Ok(Walked { bytes: messages.offset(), other_frames: 0, fault })
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
                    walked.fault = Some(self.refuse(fault));
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

/// The file's bytes, unpacked where it is gzip.
pub(crate) fn reader(path: &Path) -> Result<Box<dyn BufRead + Send>, Failure> {
    let file = File::open(path).map_err(|error| Failure::io("read", path, error))?;
    let mut file = BufReader::with_capacity(BUFFER, file);
    let start = file.fill_buf().map_err(|error| Failure::io("read", path, error))?;
    if !start.starts_with(&[0x1F, 0x8B]) {
        return Ok(Box::new(file));
    }
    Ok(Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file))))
}

/// All of the file, unpacked.
pub(crate) fn whole(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    reader(path)?.read_to_end(&mut bytes).map_err(|error| Failure::io("read", path, error))?;
    Ok(bytes)
}

/// The first four bytes, unpacked; fewer where there are no more.
pub(crate) fn head(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let taken = reader(path)?.take(4).read_to_end(&mut bytes);
    taken.map_err(|error| Failure::io("read", path, error))?;
    Ok(bytes)
}

/// pcap in either order and unit, or pcapng. As lengths of a BinaryFILE's first message these would
/// be far longer than any ITCH message.
pub(crate) fn is_capture(head: &[u8]) -> bool {
    let Some(magic) = head.first_chunk() else { return false };
    matches!(
        u32::from_be_bytes(*magic),
        0xA1B2_C3D4 | 0xA1B2_3C4D | 0xD4C3_B2A1 | 0x4D3C_B2A1 | 0x0A0D_0D0A
    )
}

#[cfg(test)]
mod tests {
    use super::{Packing, Recorded, Recording};
    use std::io::Write;
    use std::ops::ControlFlow;
    use wire::moldudp64;

    /// The messages of every datagram, and how many datagrams.
    fn walk(bytes: &[u8], packing: Packing) -> (Vec<Vec<u8>>, usize, Option<String>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let (mut messages, mut datagrams, mut next) = (Vec::new(), 0, 1);
        let recording = Recording::open(file.path()).unwrap();
        let each = |recorded: Recorded<'_>| {
            let packet = moldudp64::Packet::parse(recorded.datagram).unwrap();
            assert_eq!(packet.sequence(), next, "numbered without a gap");
            next += u64::from(packet.count());
            messages.extend(packet.blocks().map(<[u8]>::to_vec));
            datagrams += 1;
            ControlFlow::Continue(())
        };
        let walked = recording.walk(packing, each).unwrap();
        (messages, datagrams, walked.fault.map(|fault| fault.to_string()))
    }

    fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
        let prefix = |message: &Vec<u8>| u16::try_from(message.len()).unwrap().to_be_bytes();
        messages.iter().flat_map(|message| [&prefix(message)[..], message].concat()).collect()
    }

    #[test]
    fn every_message_comes_out_once_whatever_its_length() {
        // Longer than a datagram, as long as can be, and enough of them to be read in pieces.
        let lengths = [1, 40, 1_500, 65_535, 2, 65_535];
        let want: Vec<Vec<u8>> =
            (0..200).map(|at| vec![at as u8; lengths[at % lengths.len()]]).collect();
        let mut bytes = framed(&want);
        let (full, datagrams, fault) = walk(&bytes, Packing::Full);
        assert!(full == want && fault.is_none(), "{fault:?}");
        assert!(datagrams < want.len());
        let (single, datagrams, _) = walk(&bytes, Packing::Single);
        assert!(single == want && datagrams == want.len());
        bytes.extend_from_slice(&[0, 0]);
        assert_eq!(walk(&bytes, Packing::Full).2, None, "the end of the session");
    }

    #[test]
    fn what_comes_before_a_fault_comes_out_and_the_fault_has_its_offset() {
        let cases: [(&[u8], usize, &str); 4] = [
            (&[0, 1, b'S', 0, 3, 1], 1, "message at offset 3"),
            (&[0, 1, b'S', 0], 1, "message at offset 3"),
            (&[0, 1, b'S', 0, 0, 7], 1, "offset 3 is zero"),
            (&[0, 0, 0, 0], 0, "not a BinaryFILE"),
        ];
        for (bytes, messages, want) in cases {
            let (found, _, fault) = walk(bytes, Packing::Full);
            assert_eq!(found.len(), messages);
            assert!(fault.as_deref().is_some_and(|fault| fault.contains(want)), "{fault:?}");
        }
    }
}
