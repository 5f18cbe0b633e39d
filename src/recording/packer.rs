//! Messages into datagrams: those of a recording that has lost its own, or one by one.

use std::ops::ControlFlow;

use session::Line;
use types::Nanos;
use venue::{Row, Transport};
use wire::{iextp, itch50, moldudp64};

use super::{Packing, Recorded};

/// The session that the messages of a BinaryFILE recording are numbered in.
const SESSION: [u8; 10] = *b"RECORDING ";
/// Bytes of a datagram made here: what an Ethernet frame carries.
pub(super) const DATAGRAM_MAX: usize = 1_472;

/// Puts messages into datagrams, numbered from 1.
#[derive(Debug)]
pub(super) struct Packer {
    packing: Packing,
    datagram: Vec<u8>,
    first: u64,
    count: u16,
    time: Nanos,
    offset: u64,
}

impl Packer {
    pub(super) fn new(packing: Packing) -> Self {
        let datagram = Vec::with_capacity(DATAGRAM_MAX);
        Self { packing, datagram, first: 1, count: 0, time: Nanos::ZERO, offset: 0 }
    }

    /// Adds a message that ends at `offset` of the recording.
    pub(super) fn add(
        &mut self,
        message: &[u8],
        offset: u64,
        each: &mut impl FnMut(Recorded<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // The longest message is longer than a usual datagram: then it travels alone.
        let full = DATAGRAM_MAX < self.datagram.len() + 2 + message.len();
        if 0 < self.count && full {
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

    /// Gives out what waits.
    pub(super) fn flush(
        &mut self,
        each: &mut impl FnMut(Recorded<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
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
pub(super) fn singly(
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
        Transport::MoldUdp64 => moldudp64::Packet::parse(datagram).ok()?.count(),
        Transport::IexTp => iextp::Segment::parse(datagram).ok()?.count(),
    };
    (0 < count).then_some(usize::from(count))
}

/// The message at place `at` of a datagram, in a datagram of its own.
fn one_of<'o>(row: &Row, datagram: &[u8], at: usize, out: &'o mut [u8]) -> Option<&'o [u8]> {
    let limit = out.len();
    match row.transport {
        Transport::MoldUdp64 => {
            let packet = moldudp64::Packet::parse(datagram).ok()?;
            let sequence = packet.sequence() + at as u64;
            let mut builder =
                moldudp64::PacketBuilder::new(out, limit, *packet.session(), sequence).ok()?;
            builder.push(packet.blocks().nth(at)?).ok()?;
            Some(builder.finish())
        }
        Transport::IexTp => {
            let segment = iextp::Segment::parse(datagram).ok()?;
            let mut header = *segment.header();
            header.sequence = (header.sequence.get() + at as i64).into();
            let mut builder = iextp::SegmentBuilder::new(out, limit, &header).ok()?;
            builder.push(segment.blocks().nth(at)?).ok()?;
            Some(builder.finish())
        }
    }
}
