//! What shows that decoders read the same.

/// What a decoder read: how many messages, and the sum of their fields, so that none can read less unnoticed.
///
/// Numbers as they are, text as big-endian integers, one-letter codes as their byte, all added and wrapped. The
/// codes of the directory and status messages, one in a thousand, are left out, since the crates give them as
/// enums that do not lead back to the byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checksum {
    /// Messages read.
    pub messages: u64,
    /// The sum.
    pub sum: u64,
}

impl Checksum {
    /// Adds a message's fields.
    #[inline(always)]
    pub fn add(&mut self, fields: u64) {
        self.messages += 1;
        self.sum = self.sum.wrapping_add(fields);
    }
}
