//! BinaryFILE: a day's messages one after the other, each behind a two-byte length.
//!
//! Knows no message. A recording is input from outside: a prefix of zero is the end of the session
//! only where the file ends with it, so a file that is framed in some other way is refused at its
//! first wrong prefix and never walked to the end.
//!
//! Source: Nasdaq BinaryFILE Specification 1.00. The framing is that of a MoldUDP64 block.

use crate::Full;
use crate::layout::write_parts;
use core::fmt;

/// Bytes of a message's length prefix.
const PREFIX: usize = 2;

/// The end of the session: a prefix of zero, the last two bytes of the file.
pub const END: [u8; PREFIX] = [0; PREFIX];

/// Where and why a file cannot be read further. The number is fixed: append, never renumber.
///
/// Offsets are in bytes from the start of the file, at the length prefix of the message concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Misframed {
    /// The file ends inside a message or its prefix.
    Truncated {
        /// Where the prefix starts.
        offset: u64,
        /// Bytes the message takes with its prefix; 2 where not even the prefix is whole.
        want: u32,
        /// Bytes left.
        left: u32,
    } = 1,
    /// A length of zero where the session cannot have ended.
    ZeroLength {
        /// Where the prefix starts.
        offset: u64,
    } = 2,
}

impl Misframed {
    /// The fixed number of the kind of fault.
    pub const fn number(self) -> u8 {
        match self {
            Self::Truncated { .. } => 1,
            Self::ZeroLength { .. } => 2,
        }
    }

    /// Where it is, from the start of the file.
    pub const fn offset(self) -> u64 {
        match self {
            Self::Truncated { offset, .. } | Self::ZeroLength { offset } => offset,
        }
    }
}

impl fmt::Display for Misframed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { offset, want, left } => write!(
                f,
                "file ends inside the message at offset {offset}: {want} bytes are due and {left} are left"
            ),
            Self::ZeroLength { offset: 0 } => {
                write!(f, "first length prefix is zero: this is not a BinaryFILE recording")
            }
            Self::ZeroLength { offset } => {
                write!(f, "length prefix at offset {offset} is zero and more bytes follow it")
            }
        }
    }
}

impl core::error::Error for Misframed {}

/// A message and where its length prefix starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// The message, without the prefix; never empty.
    pub message: &'a [u8],
}

/// Walks a file. After an error, and after the end of the session, it gives `None` for good.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    /// What is not done with. No index into the file: the walk then has nothing to check but this.
    rest: &'a [u8],
    file_len: usize,
}

impl<'a> Records<'a> {
    /// From the start of the whole file.
    #[inline]
    pub const fn new(file: &'a [u8]) -> Self {
        Self { rest: file, file_len: file.len() }
    }

    /// Bytes of the file that are done with: where the next prefix starts.
    #[inline]
    pub const fn offset(&self) -> u64 {
        self.file_len.saturating_sub(self.rest.len()) as u64
    }
}

/// Why no whole message starts at `rest`; `None` where the file or the session is at its end.
#[cold]
fn fault(rest: &[u8], offset: u64) -> Option<Misframed> {
    let left = u32::try_from(rest.len()).unwrap_or(u32::MAX);
    match rest {
        [] => None,
        [_] => Some(Misframed::Truncated { offset, want: PREFIX as u32, left }),
        [0, 0] if 0 < offset => None,
        [0, 0, ..] => Some(Misframed::ZeroLength { offset }),
        [high, low, ..] => {
            let message = u32::from(u16::from_be_bytes([*high, *low]));
            Some(Misframed::Truncated { offset, want: PREFIX as u32 + message, left })
        }
    }
}

/// The message at the start of `rest`, and what follows it.
#[inline]
fn split(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (prefix, rest) = rest.split_first_chunk::<PREFIX>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*prefix)))
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Misframed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.offset();
        match split(self.rest) {
            Some((message, rest)) if !message.is_empty() => {
                self.rest = rest;
                Some(Ok(Record { offset, message }))
            }
            Some(_) | None => {
                let fault = fault(self.rest, offset);
                // Where the walk stopped is in the fault; nothing after it can be framed.
                self.rest = &[];
                fault.map(Err)
            }
        }
    }
}

impl core::iter::FusedIterator for Records<'_> {}

/// Writes a message behind its length to the start of `out`; answers how many bytes that took.
///
/// Errors: [`Full`], also for an empty message (it would read as the end) and one over 65,535 bytes.
pub fn encode(message: &[u8], out: &mut [u8]) -> Result<usize, Full> {
    let prefix = prefix(message.len()).ok_or(Full)?;
    write_parts(&[&prefix, message], out)
}

/// The length prefix of a message of `len` bytes; `None` where such a message cannot be written.
pub fn prefix(len: usize) -> Option<[u8; PREFIX]> {
    let len = u16::try_from(len).ok().filter(|len| 0 < *len)?;
    Some(len.to_be_bytes())
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[test]
    fn a_file_is_walked_to_its_end_or_to_its_first_fault() {
        use Misframed as M;
        type Walk = &'static [Result<(u64, &'static [u8]), M>];
        let cases: &[(&[u8], Walk)] = &[
            (&[], &[]),
            (&[0, 1, 7], &[Ok((0, &[7]))]),
            (&[0, 1, 7, 0, 2, 8, 9], &[Ok((0, &[7])), Ok((3, &[8, 9]))]),
            // A zero length is the end, at the end alone.
            (&[0, 1, 7, 0, 0], &[Ok((0, &[7]))]),
            (&[0, 1, 7, 0, 0, 5], &[Ok((0, &[7])), Err(M::ZeroLength { offset: 3 })]),
            (&[0, 1, 7, 0, 0, 0, 0], &[Ok((0, &[7])), Err(M::ZeroLength { offset: 3 })]),
            (&[0, 0], &[Err(M::ZeroLength { offset: 0 })]),
            (&[0, 0, 0, 0, 0, 0], &[Err(M::ZeroLength { offset: 0 })]),
            (&[0], &[Err(M::Truncated { offset: 0, want: 2, left: 1 })]),
            (&[0, 3, 1], &[Err(M::Truncated { offset: 0, want: 5, left: 3 })]),
            (&[0, 1, 7, 0], &[Ok((0, &[7])), Err(M::Truncated { offset: 3, want: 2, left: 1 })]),
            (
                &[0, 1, 7, 0xFF, 0xFF],
                &[Ok((0, &[7])), Err(M::Truncated { offset: 3, want: 65_537, left: 2 })],
            ),
        ];
        for (file, want) in cases {
            let mut records = Records::new(file);
            let got: Vec<_> = records
                .by_ref()
                .take(9)
                .map(|record| record.map(|record| (record.offset, record.message)))
                .collect();
            assert_eq!(got, *want, "{file:?}");
            assert_eq!(records.next(), None, "ended for good");
        }
    }

    #[test]
    fn a_fault_says_where() {
        use std::string::ToString;
        let fault = Misframed::Truncated { offset: 4_081, want: 41, left: 15 };
        assert_eq!((fault.number(), fault.offset()), (1, 4_081));
        assert_eq!(
            fault.to_string(),
            "file ends inside the message at offset 4081: 41 bytes are due and 15 are left"
        );
        let fault = Misframed::ZeroLength { offset: 0 };
        assert_eq!(
            fault.to_string(),
            "first length prefix is zero: this is not a BinaryFILE recording"
        );
    }

    #[test]
    fn what_cannot_be_read_back_is_not_written() {
        let mut out = [0; 8];
        assert_eq!(encode(&[], &mut out), Err(Full));
        assert_eq!(encode(&[1; 7], &mut out), Err(Full));
        assert_eq!(encode(&[1; 6], &mut out), Ok(8));
        assert_eq!((prefix(65_535), prefix(65_536)), (Some([0xFF, 0xFF]), None));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..60), 1..20),
            ended: bool,
        ) {
            let mut file = Vec::new();
            for message in &messages {
                let mut out = [0; 64];
                let len = encode(message, &mut out).unwrap();
                file.extend_from_slice(&out[..len]);
            }
            let whole = file.len();
            if ended {
                file.extend(END);
            }
            let read: Result<Vec<_>, _> = Records::new(&file).map(|record| record.map(|r| r.message)).collect();
            prop_assert_eq!(read.unwrap(), messages);
            // Cut anywhere but between messages, the last thing said is where.
            for len in 1..whole {
                let last = Records::new(&file[..len]).last().unwrap();
                let cut = match last {
                    Ok(record) => record.offset + 2 + record.message.len() as u64,
                    Err(fault) => fault.offset(),
                };
                prop_assert!(cut <= len as u64);
                prop_assert_eq!(last.is_ok(), cut == len as u64);
            }
        }

        #[test]
        fn arbitrary_bytes_end(bytes in proptest::collection::vec(0..4_u8, 0..200)) {
            prop_assert!(Records::new(&bytes).count() <= bytes.len());
        }
    }
}
