//! What is published: a recording (BinaryFILE, gzip of it, or a capture of MoldUDP64) or a generated day.
//!
//! Gives messages and their recorded times, one at a time; knows no feed and no socket. A recording
//! is read as it is played, but for captures, which are walked whole first.

use std::path::{Path, PathBuf};

use types::Nanos;
use wire::capture::Capture;
use wire::frame::{self, Carried};
use wire::itch50;

use crate::failure::Failure;
use crate::generate::{self, Day};
use crate::recording::{self, Messages};

/// Where the messages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A generated day.
    Day(generate::Options),
    /// A recording.
    File(PathBuf),
}

/// An opened origin.
pub(super) enum Source {
    Day(Box<Day>),
    Messages(Messages),
    Capture(Captured),
}

/// The messages of a capture.
pub(super) struct Captured {
    file: Vec<u8>,
    /// Time, offset, length.
    found: std::vec::IntoIter<(Nanos, usize, usize)>,
}

impl Source {
    /// Errors: a file that cannot be read, or is no recording.
    pub(super) fn open(origin: &Origin) -> Result<Self, Failure> {
        let path = match origin {
            Origin::Day(options) => return Ok(Self::Day(Box::new(Day::new(*options)?))),
            Origin::File(path) => path,
        };
        if recording::is_capture(&recording::head(path)?) {
            return Ok(Self::Capture(Captured::of(path)?));
        }
        Ok(Self::Messages(Messages::open(path)?))
    }

    /// The next message and when it was recorded; `None` at the end.
    ///
    /// Errors: a recording that is damaged, with its offset.
    pub(super) fn next(&mut self) -> Result<Option<(Nanos, &[u8])>, Failure> {
        match self {
            Self::Day(day) => Ok(day.next()),
            Self::Messages(messages) => Ok(messages.next()?.map(|(_, message)| {
                // What is too short for a time of its own counts as the start of the day.
                let time = itch50::Header::peek(message).map_or(0, itch50::Header::timestamp);
                (Nanos::new(time), message)
            })),
            Self::Capture(captured) => Ok(captured
                .found
                .next()
                .map(|(time, at, len)| (time, &captured.file[at..at + len]))),
        }
    }
}

impl Captured {
    /// The first session of the capture, each message once, in order of its number.
    fn of(path: &Path) -> Result<Self, Failure> {
        let file = recording::whole(path)?;
        let damaged =
            |why: &dyn std::fmt::Display| Failure::failed(format!("{}: {why}", path.display()));
        let (mut found, mut session, mut next) = (Vec::new(), None, 0);
        for record in Capture::open(&file).map_err(|why| damaged(&why))? {
            let record = record.map_err(|why| damaged(&why))?;
            // Frames that are no MoldUDP64 may well be in a capture.
            let Ok(Carried::Udp(datagram)) = frame::decode(record.link, record.bytes) else {
                continue;
            };
            let Ok(packet) = session::mold::packet(datagram.payload) else {
                continue;
            };
            if *session.get_or_insert(packet.session) != packet.session {
                continue;
            }
            let first = packet.sequence.get();
            for (message, number) in session::mold::messages(packet.body).zip(first..) {
                // The other line's copy, or one sent again.
                if number < next {
                    continue;
                }
                next = number + 1;
                let at = message.as_ptr().addr() - file.as_ptr().addr();
                found.push((Nanos::new(record.time_ns), at, message.len()));
            }
        }
        if found.is_empty() {
            return Err(damaged(&"this capture holds no MoldUDP64 message"));
        }
        Ok(Self { file, found: found.into_iter() })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{Origin, Source};
    use crate::failure::Failure;
    use crate::generate::{Day, Format, Options, write_day};

    const DAY: Options =
        Options { seed: 3, symbols: 4, first_locate: 1, messages: 2_000, live_orders: None };

    fn play(origin: &Origin) -> Result<Vec<Vec<u8>>, Failure> {
        let mut source = Source::open(origin)?;
        let mut all = Vec::new();
        while let Some((_, message)) = source.next()? {
            all.push(message.to_vec());
        }
        Ok(all)
    }

    fn file(bytes: &[u8]) -> (tempfile::NamedTempFile, Origin) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let origin = Origin::File(file.path().to_owned());
        (file, origin)
    }

    #[test]
    fn every_kind_of_recording_plays_the_same_messages() {
        let want = play(&Origin::Day(DAY)).unwrap();
        assert_eq!(want.len(), 2_000);
        for (format, zipped) in [
            (Format::Itch, false),
            (Format::Itch, true),
            (Format::Pcap, false),
            (Format::Pcap, true),
        ] {
            let mut bytes = Vec::new();
            write_day(&mut Day::new(DAY).unwrap(), format, &mut bytes).unwrap();
            if zipped {
                let mut zip =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                zip.write_all(&bytes).unwrap();
                bytes = zip.finish().unwrap();
            }
            let (_kept, origin) = file(&bytes);
            assert!(play(&origin).unwrap() == want, "{format:?} {zipped}");
        }
    }

    #[test]
    fn damage_is_named_with_its_offset() {
        let cases: [(&[u8], &str); 5] = [
            (&[0, 3, 1, 2, 3, 0], "message at offset 5"),
            (&[0, 3, 1, 2, 3, 0, 4, 1], "message at offset 5"),
            (&[0, 0], "is not a BinaryFILE"),
            (&[0, 1, 9, 0, 0, 7], "offset 3 is zero and more bytes follow"),
            (&[0xA1, 0xB2, 0x3C, 0x4D, 0], ""),
        ];
        for (bytes, want) in cases {
            let (_kept, origin) = file(bytes);
            let error = play(&origin).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
        let (_kept, origin) = file(&[0, 1, 9, 0, 0]);
        assert_eq!(play(&origin).unwrap(), [[9]], "a zero length at the very end is the end");
    }
}
