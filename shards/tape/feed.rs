//! Messages into numbered datagrams, and both to whoever sends and keeps them.

use session::mold::{NotSent, Sender};
use types::{MatchNo, Nanos, SeqNo};
use wire::itch50::{Flag, Head, OrderDelete, OrderExecutedWithPrice, Side, Trade};

use crate::Listing;

/// Where a tape's output goes. It only takes it: nothing it does can reach the tape.
pub trait Out {
    /// A message and its number, for those who ask again or come late. Comes before the datagram that
    /// carries it.
    fn message(&mut self, sequence: SeqNo, message: &[u8]);

    /// A finished datagram, to send on every line.
    fn datagram(&mut self, datagram: &[u8]);
}

/// What a tape did. Plain counts, to publish and never to decide on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages said.
    pub messages: u64,
    /// Datagrams with messages.
    pub datagrams: u64,
    /// Messages that could not be said: a price that ITCH has no room for, or after the end.
    pub unsaid: u64,
    /// Reports of an order or an instrument that there is no place for: the caller's fault.
    pub strangers: u64,
}

/// The stream being written.
pub(crate) struct Feed {
    pub(crate) sender: Sender,
    /// When the day began.
    pub(crate) midnight: Nanos,
    pub(crate) counters: Counters,
}

impl Feed {
    /// The header of a message about the stock with this locate code; 0 for none.
    #[inline]
    pub(crate) fn head<const KIND: u8>(&self, now: Nanos, locate: u16) -> Head<KIND> {
        Head::new(locate, 0, now.since(self.midnight).get())
    }

    /// Says one message: into the datagram in hand, or into the next where it is full.
    #[inline]
    pub(crate) fn say(&mut self, now: Nanos, message: &[u8], out: &mut impl Out) {
        let mut pushed = self.sender.push(message);
        if pushed == Err(NotSent::Full) {
            self.flush(now, out);
            pushed = self.sender.push(message);
        }
        match pushed {
            Ok(sequence) => {
                self.counters.messages += 1;
                out.message(sequence, message);
            }
            Err(NotSent::Full | NotSent::TooLong | NotSent::Ended) => self.counters.unsaid += 1,
        }
    }

    /// Hands out the datagram in hand, if there is anything in it.
    #[inline]
    pub(crate) fn flush(&mut self, now: Nanos, out: &mut impl Out) {
        if let Some(datagram) = self.sender.take(now) {
            self.counters.datagrams += 1;
            out.datagram(datagram);
        }
    }

    /// `D`.
    pub(crate) fn delete(&mut self, now: Nanos, locate: u16, order_ref: u64, out: &mut impl Out) {
        let message = OrderDelete { header: self.head(now, locate), order_ref: order_ref.into() };
        self.say(now, message.as_bytes(), out);
    }

    /// `C`: an order, its shares that traded, and at which price.
    pub(crate) fn execute_at(
        &mut self,
        now: Nanos,
        listing: &Listing,
        (order_ref, shares, price): (u64, u32, u32),
        (match_no, printable): (MatchNo, Flag),
        out: &mut impl Out,
    ) {
        let message = OrderExecutedWithPrice {
            header: self.head(now, listing.locate),
            order_ref: order_ref.into(),
            shares: shares.into(),
            match_number: match_no.get().into(),
            printable: printable.byte(),
            price: price.into(),
        };
        self.say(now, message.as_bytes(), out);
    }

    /// `P`: it names no order, and no side but for form.
    pub(crate) fn print(
        &mut self,
        now: Nanos,
        listing: &Listing,
        (price, shares): (u32, u32),
        match_no: MatchNo,
        out: &mut impl Out,
    ) {
        let message = Trade {
            header: self.head(now, listing.locate),
            order_ref: 0.into(),
            side: Side::Buy.byte(),
            shares: shares.into(),
            stock: listing.symbol.to_wire(),
            price: price.into(),
            match_number: match_no.get().into(),
        };
        self.say(now, message.as_bytes(), out);
    }
}
