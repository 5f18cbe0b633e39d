//! A BinaryFILE recording read message by message, however large it is.
//!
//! The framing and its faults are `wire::binaryfile`'s; here the file comes in pieces.

use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use wire::binaryfile::Misframed;

use super::reader;
use crate::failure::Failure;

/// Bytes of a message's length prefix.
const PREFIX: usize = 2;
/// Bytes read ahead; more than the longest message, so that one always fits whole.
const AHEAD: usize = 1 << 20;
const _: () = assert!(PREFIX + u16::MAX as usize <= AHEAD);

/// A recording as it is read.
pub(crate) struct Messages {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    ahead: Vec<u8>,
    /// What was read and not given out: `ahead[from..to]`.
    from: usize,
    to: usize,
    /// Of `ahead[from]` in the file.
    offset: u64,
}

impl Messages {
    /// From its beginning.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let reader = reader(path)?;
        let path = path.to_owned();
        Ok(Self { path, reader, ahead: vec![0; AHEAD], from: 0, to: 0, offset: 0 })
    }

    /// Bytes given out, prefixes counted.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next message and where it ends in the file; `None` at the end of the session.
    ///
    /// # Errors
    /// It cannot be read, or is misframed: named with its offset, and what came before is whole.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &[u8])>, Failure> {
        let Some(len) = self.whole_message()? else { return Ok(None) };
        let start = self.from + PREFIX;
        self.from = start + len;
        self.offset += (PREFIX + len) as u64;
        Ok(Some((self.offset, &self.ahead[start..start + len])))
    }

    /// The length of the next message, once all of it is there.
    fn whole_message(&mut self) -> Result<Option<usize>, Failure> {
        let offset = self.offset;
        let prefix = match self.have(PREFIX)? {
            0 => return Ok(None),
            left @ 1 => return Err(self.misframed(Misframed::Truncated { offset, want: 2, left })),
            _ => [self.ahead[self.from], self.ahead[self.from + 1]],
        };
        let len = usize::from(u16::from_be_bytes(prefix));
        if len == 0 {
            // The end of the session, which only the end of the file may follow.
            let is_end = 0 < offset && self.have(PREFIX + 1)? == PREFIX as u32;
            return match is_end {
                true => Ok(None),
                false => Err(self.misframed(Misframed::ZeroLength { offset })),
            };
        }
        let want = (PREFIX + len) as u32;
        let left = self.have(PREFIX + len)?;
        if left < want {
            return Err(self.misframed(Misframed::Truncated { offset, want, left }));
        }
        Ok(Some(len))
    }

    /// Reads until so many bytes wait, or the file ends; says how many wait, at most that many.
    fn have(&mut self, wanted: usize) -> Result<u32, Failure> {
        if self.to - self.from < wanted {
            self.ahead.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
            let more = fill(&mut self.reader, &mut self.ahead[self.to..], wanted - self.to);
            self.to += more.map_err(|error| Failure::io("read", &self.path, error))?;
        }
        // At most the longest message.
        Ok((self.to - self.from).min(wanted) as u32)
    }

    fn misframed(&self, why: Misframed) -> Failure {
        Failure::failed(format!("{}: {why}", self.path.display()))
    }
}

/// Reads at least `least` bytes, unless the file ends.
fn fill(reader: &mut impl Read, out: &mut [u8], least: usize) -> io::Result<usize> {
    let mut got = 0;
    while got < least {
        match reader.read(&mut out[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
