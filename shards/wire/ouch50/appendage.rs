//! What follows a message's fixed fields: an appendage of tagged options, read and written.
//!
//! An [`Appendage`] is bytes whose length is right; [`Appendage::strict`] and [`Appendage::lenient`]
//! make [`Options`] of it, whose every option is right as well. An option is a length (of the rest), a
//! tag and a value. Knows no message: which options a message takes is its own constant `TAKES`.
//!
//! **Unknown tags.** The specification lists its tags (Appendix A) and adds to them in later revisions,
//! so its FAQ has clients step over what they do not know: [`Appendage::lenient`], for answers. It gives
//! an exchange no such leave, and an option that is not understood may change what an order means:
//! [`Appendage::strict`], for requests, refuses. **Duplicates.** The specification does not say which of
//! two would hold, so both refuse.
//!
//! Source: Nasdaq OUCH 5.0, 1.2 ("Optional Appendage", "TagValue") and Appendix A.

use super::tag::{OVERHEAD, Tag, TagValue, Tags};
use crate::layout::write_parts;
use crate::malformed::held;
use crate::{Full, Malformed};
use core::fmt;

/// Bytes of an appendage length, which does not count itself.
pub(super) const PREFIX: usize = 2;

/// The bytes of an appendage with every option once: the most that can be written, and the most that
/// [`Appendage::strict`] takes.
pub const APPENDAGE_MAX: usize = Tags::ALL.appendage_len();

/// Whether an appendage length follows a message's fixed fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It never does.
    Never,
    /// It always does, with options or with none.
    Always,
    /// It may: a request without options has none, an answer has one for a channel other than 0.
    MayBe,
}

impl Rule {
    /// Bytes that every message has of it.
    pub(super) const fn len_min(self) -> usize {
        match self {
            Self::Always => PREFIX,
            Self::Never | Self::MayBe => 0,
        }
    }
}

/// What follows a message's fixed fields: its length is checked, its options are not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appendage<'a> {
    /// `None`: not even a length.
    options: Option<&'a [u8]>,
}

impl<'a> Appendage<'a> {
    /// Not there at all. Where it must be, it is written as [`Self::EMPTY`].
    pub const ABSENT: Self = Self { options: None };
    /// There, without options.
    pub const EMPTY: Self = Self { options: Some(&[]) };

    /// Whether it is there, if only as a length of zero.
    #[inline]
    pub const fn is_present(self) -> bool {
        self.options.is_some()
    }

    /// The bytes of its options, without its length.
    #[inline]
    pub const fn as_bytes(self) -> &'a [u8] {
        match self.options {
            Some(options) => options,
            None => &[],
        }
    }

    /// From what follows a message's fixed fields.
    ///
    /// * `kind`, `want`: the message's type and shortest length; `len`: the length it has.
    ///
    /// Errors: [`Malformed::WrongLength`], [`Malformed::WrongAppendage`].
    #[inline]
    pub(super) fn after(
        rest: &'a [u8],
        rule: Rule,
        (kind, want, len): (u8, u16, usize),
    ) -> Result<Self, Malformed> {
        let wrong = |want| Malformed::WrongLength { kind, want, len: held(len) };
        match (rule, rest.split_first_chunk::<PREFIX>()) {
            (Rule::Never | Rule::MayBe, None) if rest.is_empty() => Ok(Self::ABSENT),
            // Longer than its fixed fields, and too short for an appendage length.
            (Rule::MayBe, None) => Err(wrong(want + held(PREFIX))),
            (Rule::Never, _) | (Rule::Always, None) => Err(wrong(want)),
            (Rule::Always | Rule::MayBe, Some((prefix, options))) => {
                let want = u16::from_be_bytes(*prefix);
                if usize::from(want) == options.len() {
                    Ok(Self { options: Some(options) })
                } else {
                    Err(Malformed::WrongAppendage { want, len: held(options.len()) })
                }
            }
        }
    }

    /// Writes a message: its fixed fields, then this as the message's rule has it.
    pub(super) fn write_after(
        self,
        fixed: &[u8],
        rule: Rule,
        out: &mut [u8],
    ) -> Result<usize, Full> {
        let options = match (rule, self.options) {
            (Rule::Never, _) | (Rule::MayBe, None) => return write_parts(&[fixed], out),
            (Rule::Always, None) => &[],
            (Rule::Always | Rule::MayBe, Some(options)) => options,
        };
        let prefix = u16::try_from(options.len()).map_err(|_| Full)?.to_be_bytes();
        write_parts(&[fixed, &prefix, options], out)
    }

    /// Its options one after the other, each checked when it is reached. After a fault that hides where
    /// the next one starts ([`Malformed::CutOption`], [`Malformed::UntaggedOption`]) there are no more.
    #[inline]
    pub const fn values(self) -> Values<'a> {
        Values { rest: self.as_bytes(), offset: 0, seen: Tags::NONE }
    }

    /// Checks every option; one whose tag is unknown is refused. For requests.
    ///
    /// Errors, of the first option that has one: [`Malformed::CutOption`],
    /// [`Malformed::UntaggedOption`], [`Malformed::UnknownOption`], [`Malformed::RepeatedOption`],
    /// [`Malformed::WrongOption`], [`Malformed::UnknownCode`].
    #[inline]
    pub fn strict(self) -> Result<Options<'a>, Malformed> {
        self.check(false)
    }

    /// Checks every option; one whose tag is unknown is stepped over. For answers.
    ///
    /// Errors: those of [`Self::strict`] but [`Malformed::UnknownOption`].
    #[inline]
    pub fn lenient(self) -> Result<Options<'a>, Malformed> {
        self.check(true)
    }

    fn check(self, unknown_passes: bool) -> Result<Options<'a>, Malformed> {
        let mut tags = Tags::NONE;
        for value in self.values() {
            match value {
                Ok(value) => tags = tags.with(value.tag()),
                Err(Malformed::UnknownOption { .. }) if unknown_passes => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(Options { appendage: self, tags })
    }
}

/// The options of an [`Appendage`], each checked when it is reached.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    rest: &'a [u8],
    /// Where `rest` starts, from the start of the options.
    offset: usize,
    seen: Tags,
}

impl<'a> Values<'a> {
    /// The tag byte and the value of the next option, stepped over.
    fn step(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let offset = held(self.offset);
        let rest = core::mem::take(&mut self.rest);
        let (&len, after) = rest.split_first().ok_or(Malformed::CutOption { offset })?;
        let (option, rest) =
            after.split_at_checked(len.into()).ok_or(Malformed::CutOption { offset })?;
        let (&tag, value) = option.split_first().ok_or(Malformed::UntaggedOption { offset })?;
        self.rest = rest;
        self.offset += OVERHEAD + value.len();
        Ok((tag, value))
    }
}

impl Iterator for Values<'_> {
    type Item = Result<TagValue, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let seen = self.seen;
        Some(self.step().and_then(|(tag, value)| {
            let tag = Tag::from_byte(tag)?;
            self.seen = seen.with(tag);
            if seen.has(tag) {
                return Err(Malformed::RepeatedOption { tag: tag.byte() });
            }
            TagValue::read(tag, value)
        }))
    }
}

/// The options of an appendage, all of them checked: only [`Appendage::strict`] and
/// [`Appendage::lenient`] make them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options<'a> {
    appendage: Appendage<'a>,
    tags: Tags,
}

impl<'a> Options<'a> {
    /// What there is. A message takes them all where `tags().beyond(EnterOrder::TAKES)` is `None`.
    #[inline]
    pub const fn tags(self) -> Tags {
        self.tags
    }

    /// As they came.
    #[inline]
    pub const fn appendage(self) -> Appendage<'a> {
        self.appendage
    }

    /// One after the other, in the order of the wire.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = TagValue> {
        // Each was read once already; what fails is the unknown that `lenient` stepped over.
        self.appendage.values().filter_map(Result::ok)
    }

    /// The option of this tag.
    #[inline]
    pub fn find(self, tag: Tag) -> Option<TagValue> {
        if !self.tags.has(tag) {
            return None;
        }
        self.iter().find(|value| value.tag() == tag)
    }

    /// The channel of the port: option [`UserRefIdx`](Tag::UserRefIdx), 0 without it.
    #[inline]
    pub fn channel(self) -> u8 {
        self.user_ref_idx().unwrap_or(0)
    }
}

/// Why an option was not appended. The number goes to logs: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Unappended {
    /// No room is left in the buffer to write to.
    Full = 1,
    /// There is one of that tag already.
    Repeated = 2,
}

impl fmt::Display for Unappended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => Full.fmt(f),
            Self::Repeated => f.write_str("the appendage has an option of that tag already"),
        }
    }
}

impl core::error::Error for Unappended {}

/// Writes an appendage option by option into the caller's buffer; [`APPENDAGE_MAX`] bytes hold any.
#[derive(Debug)]
pub struct AppendageWriter<'a> {
    out: &'a mut [u8],
    len: usize,
    tags: Tags,
}

impl<'a> AppendageWriter<'a> {
    /// Into `out`, from its start.
    pub const fn new(out: &'a mut [u8]) -> Self {
        Self { out, len: 0, tags: Tags::NONE }
    }

    /// Appends an option. On an error the appendage is what it was.
    ///
    /// Errors: [`Unappended`].
    pub fn push(&mut self, value: TagValue) -> Result<(), Unappended> {
        let tag = value.tag();
        if self.tags.has(tag) {
            return Err(Unappended::Repeated);
        }
        let wide = value.wide();
        let (bytes, _) = wide.split_at(tag.width());
        // No value is wider than eight bytes, so tag and value fit the one byte of their length.
        let head = [1 + tag.width() as u8, tag.byte()];
        let room = self.out.get_mut(self.len..).ok_or(Unappended::Full)?;
        let written = write_parts(&[&head, bytes], room).map_err(|Full| Unappended::Full)?;
        self.len += written;
        self.tags = self.tags.with(tag);
        Ok(())
    }

    /// What was appended; [`Appendage::ABSENT`] where nothing was, so that a message that may go
    /// without an appendage does.
    pub fn finish(self) -> Appendage<'a> {
        let (options, _) = self.out.split_at(self.len);
        if options.is_empty() { Appendage::ABSENT } else { Appendage { options: Some(options) } }
    }
}
