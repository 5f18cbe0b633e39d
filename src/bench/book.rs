//! Books: packet to updated book through the shipping shard, beside books that do less.

#[cfg(feature = "peers")]
#[path = "../../benches/reference/book.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the micro-bench, which is a crate of its own"
)]
mod reference;

use super::case::{Case, Goal, median};
use super::packets::{Driven, Packets, resident};
use super::rounds::{ROUNDS, ns_per_item, pin};
use super::{Context, Outcome, Subject};
use crate::failure::Failure;

pub(super) const SUBJECT: Subject = Subject {
    name: "book",
    about: "packets to books by order, decoding included; beside an array by number and an Fx hash map",
    run,
};

/// Messages of a round.
const CHUNK: usize = 1 << 19;
/// Live orders that fit in a cache, and such that do not.
const FEW: usize = 100_000;
const MANY: usize = 10_000_000;

fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    pin();
    let mut outcome = Outcome::default();
    let small = against_reference(context, &mut outcome, 100, FEW)?;
    let large = against_reference(context, &mut outcome, 1_000, MANY)?;
    if !cfg!(feature = "peers") {
        outcome.cases.push(Case::alone("book/100k live", median(&small), "ns/message", None));
        outcome.cases.push(Case::alone("book/10M live", median(&large), "ns/message", None));
        #[cfg(not(feature = "peers"))]
        outcome.notes.push(super::peers_note("book", "an array by number and an Fx hash map"));
    }
    context.stage("10 and 10,000 instruments");
    let (mut one, mut two) = (Vec::new(), Vec::new());
    let mut pair = [Ours::new(10, 1_000_000)?, Ours::new(10_000, 1_000_000)?];
    for round in 0..=ROUNDS {
        let [few, many] = &mut pair;
        let (few, many) = (few.round(), many.round());
        if 0 < round {
            one.push(few);
            two.push(many);
        }
    }
    for ours in &pair {
        ours.driven.check()?;
    }
    let case = Case::against("book/10,000 instruments over 10", &two, &one, Goal::AtMost(2.0));
    outcome.cases.push(case.unit("ns/message"));
    Ok(outcome)
}

/// The shipping path and its stream.
struct Ours {
    packets: Packets,
    driven: Driven,
}

impl Ours {
    fn new(instruments: u32, live: usize) -> Result<Self, Failure> {
        let mut packets = Packets::new(instruments, live);
        let mut driven = Driven::new(instruments, live)?;
        packets.fill(|packet| driven.take(packet));
        driven.check()?;
        Ok(Self { packets, driven })
    }

    fn round(&mut self) -> f64 {
        self.packets.advance(CHUNK);
        self.measure()
    }

    fn measure(&mut self) -> f64 {
        let Self { packets, driven } = self;
        ns_per_item(|| {
            packets.iter().for_each(|packet| driven.take(packet));
            CHUNK as u64
        })
    }
}

/// Ours beside the reference for that many orders; answers what ours cost.
fn against_reference(
    context: &Context<'_>,
    outcome: &mut Outcome,
    instruments: u32,
    live: usize,
) -> Result<Vec<f64>, Failure> {
    context.stage(format!("{live} live orders: filling"));
    let mut packets = Packets::new(instruments, live);
    let before = resident().unwrap_or_default();
    let mut driven = Driven::new(instruments, live)?;
    packets.fill(|packet| driven.take(packet));
    let grown = resident().unwrap_or_default().saturating_sub(before);
    if live == MANY && 0 < grown {
        // The stream's own list of live orders grew as well: 24 bytes each, reserved before and touched meanwhile.
        let own = grown.saturating_sub(24 * live as u64);
        let bytes = own as f64 / live as f64;
        // With a level arena for as many levels as orders, which is the most there can be.
        outcome.cases.push(Case::alone("book/memory, all that grew", bytes, "bytes/order", None));
    }
    if live == MANY
        && let Some(bytes) = driven.bytes_per_order()
    {
        let goal = Some(Goal::AtMost(40.0));
        outcome.cases.push(Case::alone("book/memory, orders", bytes, "bytes/order", goal));
    }
    let mut reference = Reference::new(instruments, live);
    // Filled apart, so that its memory is not counted as ours.
    Packets::new(instruments, live).fill(|packet| reference.take(packet));
    driven.check()?;
    context.stage(format!("{live} live orders: measuring"));
    let mut ours = Ours { packets, driven };
    let (mut costs, mut references) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        ours.packets.advance(CHUNK);
        reference.make_room(&ours.packets);
        let first = ours.measure();
        let second = ns_per_item(|| {
            ours.packets.iter().for_each(|packet| reference.take(packet));
            CHUNK as u64
        });
        if 0 < round {
            costs.push(first);
            references.push(second);
        }
    }
    ours.driven.check()?;
    reference.report(live, &costs, &references, outcome);
    Ok(costs)
}

#[cfg(not(feature = "peers"))]
struct Reference;

#[cfg(not(feature = "peers"))]
impl Reference {
    fn new(_: u32, _: usize) -> Self {
        Self
    }
    fn take(&mut self, _: &[u8]) {}
    fn make_room(&mut self, _: &Packets) {}
    fn report(&self, _: usize, _: &[f64], _: &[f64], _: &mut Outcome) {}
}

/// The same decoding, then the reference's book.
#[cfg(feature = "peers")]
struct Reference {
    venue: venue::Venue,
    roster: venue::Roster,
    books: Either,
}

#[cfg(feature = "peers")]
enum Either {
    ByIndex(reference::Books<reference::ByIndex>),
    ByHash(reference::Books<reference::ByHash>),
}

#[cfg(feature = "peers")]
impl Reference {
    fn new(instruments: u32, live: usize) -> Self {
        let instruments = instruments as usize;
        let books = if live == MANY {
            let store = reference::ByHash::with_capacity(live + live / 16);
            Either::ByHash(reference::Books::new(instruments, store))
        } else {
            let mut store = reference::ByIndex::default();
            store.reserve(4 * live as u64);
            Either::ByIndex(reference::Books::new(instruments, store))
        };
        Self {
            venue: venue::VENUES[0].venue(),
            roster: venue::Roster::new(venue::Ownership::even(1), 0, instruments),
            books,
        }
    }

    fn take(&mut self, packet: &[u8]) {
        let Ok(packet) = session::mold::packet(packet) else { return };
        for message in session::mold::messages(packet.body) {
            let Ok(venue::Normal::Event(event)) = self.venue.decode(message, &mut self.roster)
            else {
                continue;
            };
            let touched = match &mut self.books {
                Either::ByIndex(books) => books.apply(&event),
                Either::ByHash(books) => books.apply(&event),
            };
            std::hint::black_box(touched);
        }
    }

    /// Outside of what is measured: the array has no bound of its own.
    fn make_room(&mut self, packets: &Packets) {
        match &mut self.books {
            Either::ByIndex(books) => books.store.reserve(packets.last_order()),
            Either::ByHash(_) => {}
        }
    }

    fn report(&self, live: usize, ours: &[f64], reference: &[f64], outcome: &mut Outcome) {
        let case = if live == MANY {
            Case::against(
                "book/10M live, beside an Fx hash map",
                ours,
                reference,
                Goal::AtLeast(3.0),
            )
        } else {
            Case::against(
                "book/100k live, beside an array by number",
                ours,
                reference,
                Goal::AtMost(1.25),
            )
        };
        outcome.cases.push(case.unit("ns/message"));
    }
}
