//! Bytes that came and are no whole packet yet, and bytes that wait to be sent. Both bounded.

use alloc::boxed::Box;
use alloc::vec;

use wire::soupbintcp::{Packet, next_packet};

use super::{Closed, NotSent, SoupConfig};

/// Bytes of a packet's length field.
const PREFIX: usize = 2;

/// Bytes of a length field and a type.
const HEAD: usize = PREFIX + 1;

/// Kept free of messages, so that a heartbeat, a logout or an answer to a login always fits.
const RESERVE: usize = 64;

// The longest packet that uses the reserve is a login with its heartbeat timeout.
const _: () = assert!(HEAD + 6 + 10 + 10 + 20 + 5 <= RESERVE);

/// Where a payload lies in the bytes received.
pub(crate) type Span = (usize, usize);

/// Bytes received, in order.
#[derive(Debug)]
pub(super) struct Received {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
    packet_bytes_max: usize,
}

impl Received {
    pub(super) fn new(config: &SoupConfig) -> Self {
        let packet_bytes_max = config.packet_bytes_max.clamp(64, usize::from(u16::MAX));
        let bytes = vec![0; 2 * (PREFIX + packet_bytes_max)].into_boxed_slice();
        Self { bytes, start: 0, end: 0, packet_bytes_max }
    }

    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Takes as many as there is room for. There is room whenever no whole packet waits.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        if self.bytes.len() - self.end < bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let taken = bytes.len().min(self.bytes.len() - self.end);
        self.bytes[self.end..self.end + taken].copy_from_slice(&bytes[..taken]);
        self.end += taken;
        taken
    }

    /// The next whole packet, and where its payload lies for `slice`; it is behind us then.
    pub(super) fn next(&mut self) -> Result<Option<(Packet<'_>, Span)>, Closed> {
        let waiting = &self.bytes[self.start..self.end];
        let length = waiting.first_chunk().map_or(0, |length| u16::from_be_bytes(*length));
        if self.packet_bytes_max < usize::from(length) {
            return Err(Closed::Oversized);
        }
        let Some((packet, used)) = next_packet(waiting).map_err(Closed::from_malformed)? else {
            return Ok(None);
        };
        let payload = (self.start + HEAD, self.start + used);
        self.start += used;
        Ok(Some((packet, payload)))
    }

    /// A payload that `next` gave, until the next `take`.
    pub(super) fn slice(&self, (start, end): Span) -> &[u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }
}

/// Bytes to send, in order.
#[derive(Debug)]
pub(super) struct Transmit {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Transmit {
    pub(super) fn new(config: &SoupConfig) -> Self {
        let bytes = vec![0; config.transmit_bytes_max.max(2 * RESERVE)].into_boxed_slice();
        Self { bytes, start: 0, end: 0 }
    }

    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
        if self.start == self.end {
            self.clear();
        }
    }

    /// A packet with a message in it: leaves the reserve alone.
    pub(super) fn message(&mut self, packet: &Packet<'_>, message: &[u8]) -> Result<(), NotSent> {
        let size = HEAD + message.len();
        if self.bytes.len() - RESERVE < size || wire::soupbintcp::MESSAGE_MAX < message.len() {
            return Err(NotSent::TooLong);
        }
        if self.bytes.len() - RESERVE < self.waiting().len() + size {
            return Err(NotSent::Full);
        }
        self.write(packet, size)
    }

    /// A packet of the session itself. The reserve holds it, unless the peer reads nothing and is
    /// dead soon: then it is not sent.
    pub(super) fn control(&mut self, packet: &Packet<'_>) -> Result<(), NotSent> {
        self.write(packet, RESERVE)
    }

    fn write(&mut self, packet: &Packet<'_>, size: usize) -> Result<(), NotSent> {
        if self.bytes.len() - self.end < size {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        self.end += packet.encode(&mut self.bytes[self.end..]).map_err(|_| NotSent::Full)?;
        Ok(())
    }
}
