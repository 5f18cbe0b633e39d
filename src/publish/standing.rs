//! What stands at the venue now: books and states, as the snapshot service tells them.
//!
//! Takes the published messages in order. Where one does not fit, nothing is told any more: a
//! client without a snapshot knows that it has none. Knows no client and no socket.

use std::collections::BTreeMap;

use book::Applied;
use book::l3::{Books, Capacity};
use types::{OrderRef, SeqNo, Side};
use venue::{Nasdaq, Normal, Ownership, Roster};
use wire::itch50::{self, Head};

/// Messages about one instrument that are told again: the last of each kind, each market maker's.
const TOLD_MAX: usize = 64;

/// The state of the venue.
pub(super) struct Standing {
    venue: Nasdaq,
    roster: Roster,
    books: Books,
    /// By instrument slot.
    locates: Vec<u16>,
    /// Messages that hold until replaced, by locate code and what tells one from another.
    told: BTreeMap<u16, BTreeMap<[u8; 5], Vec<u8>>>,
    /// The next message's number.
    next: u64,
    now_ns: u64,
    faults: u64,
}

impl Standing {
    pub(super) fn new(capacity: Capacity, first: SeqNo) -> Self {
        Self {
            venue: Nasdaq::new(),
            roster: Roster::new(Ownership::even(1), 0, capacity.instruments),
            books: Books::new(capacity),
            locates: Vec::with_capacity(capacity.instruments),
            told: BTreeMap::new(),
            next: first.get(),
            now_ns: 0,
            faults: 0,
        }
    }

    /// Takes the next message. Another number than the next is a fault: messages are missing.
    pub(super) fn on_message(&mut self, sequence: SeqNo, message: &[u8]) {
        self.faults += u64::from(sequence.get() != self.next);
        self.next = sequence.after(1).get();
        let Some(header) = itch50::Header::peek(message) else {
            self.faults += 1;
            return;
        };
        let locate = header.locate();
        self.now_ns = header.timestamp();
        if let Some(what) = holds(message) {
            let told = self.told.entry(locate).or_default();
            if told.len() < TOLD_MAX || told.contains_key(&what) {
                told.insert(what, message.to_vec());
            }
        }
        match self.venue.decode(message, &mut self.roster) {
            Ok(Normal::Event(event)) => {
                let applied = self.books.apply(&event).applied;
                let fits = matches!(applied, Applied::Ok | Applied::NotForBooks);
                self.faults += u64::from(!fits);
            }
            Ok(Normal::Listed(_) | Normal::Elsewhere | Normal::Aside) => {}
            Err(_) => self.faults += 1,
        }
        // Slots are dealt in order, one to a message at most.
        if self.locates.len() < self.roster.symbols().len() {
            self.locates.push(locate);
        }
    }

    /// The first message that the state does not hold yet.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Messages that did not fit. Any at all, and the state cannot be trusted.
    pub(super) fn faults(&self) -> u64 {
        self.faults
    }

    /// The whole state as messages, each behind its length: states first, then every order, by
    /// instrument and side from the best level on, each level in queue order.
    pub(super) fn image(&self) -> Vec<u8> {
        let told = self.told.values().flat_map(BTreeMap::values);
        let told_bytes: usize = told.clone().map(|message| 2 + message.len()).sum();
        let order_bytes = 2 + itch50::AddOrder::LEN;
        let mut image = Vec::with_capacity(told_bytes + self.books.orders_live() * order_bytes);
        for message in told {
            put(&mut image, message);
        }
        for (at, (&symbol, &locate)) in self.roster.symbols().iter().zip(&self.locates).enumerate()
        {
            let instrument = types::InstrumentId::new(at as u32);
            for side in Side::BOTH {
                for order in self.books.orders(instrument, side) {
                    // Both came off the wire in these widths.
                    let (Some(price), Ok(shares)) =
                        (order.px.to_price4(), u32::try_from(order.qty.get()))
                    else {
                        continue;
                    };
                    let message = itch50::AddOrder {
                        header: Head::new(locate, 0, self.now_ns),
                        order_ref: OrderRef::get(order.order).into(),
                        side: side.letter() as u8,
                        shares: shares.into(),
                        stock: symbol.to_wire(),
                        price: price.into(),
                    };
                    put(&mut image, message.as_bytes());
                }
            }
        }
        image
    }
}

fn put(image: &mut Vec<u8>, message: &[u8]) {
    image.extend_from_slice(&(message.len() as u16).to_be_bytes());
    image.extend_from_slice(message);
}

/// What a message replaces when it is told again: its kind, and the firm or market where each has
/// its own. `None` for what does not hold.
fn holds(message: &[u8]) -> Option<[u8; 5]> {
    let &kind = message.first()?;
    let mut what = [kind, 0, 0, 0, 0];
    match kind {
        b'S' | b'R' | b'H' | b'Y' | b'V' | b'W' | b'K' | b'J' => {}
        // Market participant position: the firm.
        b'L' => what[1..].copy_from_slice(message.get(11..15)?),
        // Operational halt: the market.
        b'h' => what[1] = *message.get(19)?,
        _ => return None,
    }
    Some(what)
}

#[cfg(test)]
mod tests {
    use book::l3::Capacity;
    use types::SeqNo;
    use wire::itch50::Message;

    use super::Standing;
    use crate::generate::{Day, Options};

    const CAPACITY: Capacity = Capacity { instruments: 10, orders: 5_000, levels: 5_000 };

    fn messages(image: &[u8]) -> Vec<&[u8]> {
        session::mold::messages(image).collect()
    }

    /// A snapshot of a snapshot is the same snapshot, and so are the books behind it.
    #[test]
    fn an_image_stands_for_everything_before_it() {
        let options = Options { symbols: 6, messages: 30_000, ..Options::default() };
        let mut day = Day::new(options).unwrap();
        let mut standing = Standing::new(CAPACITY, SeqNo::new(1));
        for number in 1.. {
            let Some((_, message)) = day.next() else { break };
            standing.on_message(SeqNo::new(number), message);
        }
        assert_eq!((standing.next(), standing.faults()), (30_001, 0));
        assert_eq!(standing.books.orders_live(), day.live_orders());

        let image = standing.image();
        let mut again = Standing::new(CAPACITY, SeqNo::new(1));
        for (message, number) in messages(&image).into_iter().zip(1..) {
            again.on_message(SeqNo::new(number), message);
        }
        assert_eq!(again.faults(), 0);
        for (at, &symbol) in standing.roster.symbols().iter().enumerate() {
            let instrument = types::InstrumentId::new(at as u32);
            let twin = again.roster.find(symbol).unwrap();
            assert_eq!(
                standing.books.state_hash(instrument, symbol),
                again.books.state_hash(twin, symbol),
                "{symbol}"
            );
            assert_ne!(standing.books.orders_of(instrument), 0);
        }
        let adds = messages(&image)
            .into_iter()
            .filter(|message| matches!(Message::parse(message), Ok(Message::AddOrder(_))));
        assert_eq!(adds.count(), day.live_orders());
    }

    #[test]
    fn what_does_not_fit_is_a_fault() {
        let mut day =
            Day::new(Options { symbols: 2, messages: 5_000, ..Options::default() }).unwrap();
        let mut standing = Standing::new(CAPACITY, SeqNo::new(1));
        let mut dropped = false;
        while let Some((_, message)) = day.next() {
            // One add is missing; whatever happens to that order next does not fit.
            if message[0] == b'A' && !dropped {
                dropped = true;
            } else {
                standing.on_message(SeqNo::new(standing.next()), message);
            }
        }
        assert_ne!(standing.faults(), 0);
    }

    #[test]
    fn what_is_missing_and_what_is_empty_is_a_fault() {
        let mut day =
            Day::new(Options { symbols: 2, messages: 5_000, ..Options::default() }).unwrap();
        let mut standing = Standing::new(CAPACITY, SeqNo::new(1));
        let (_, first) = day.next().unwrap();
        standing.on_message(SeqNo::new(1), first);
        assert_eq!(standing.faults(), 0);
        standing.on_message(SeqNo::new(3), first);
        assert_eq!((standing.faults(), standing.next()), (1, 4));
        standing.on_message(SeqNo::new(4), b"");
        assert_eq!((standing.faults(), standing.next()), (2, 5));
    }
}
