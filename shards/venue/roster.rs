//! Which instruments live on this shard, and in which slot.
//!
//! One roster serves every venue of a shard, so that an instrument has one slot whoever sends it,
//! and its books meet in one consolidated top. Never knows a venue's own numbering.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use types::{InstrumentId, Symbol};

/// How instruments are dealt to shards: by list first, then by a stable partition of the ticker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    listed: Vec<(Symbol, u16)>,
    rest: Vec<u16>,
}

impl Ownership {
    /// `listed` pairs a ticker with the place of its shard; a ticker listed twice keeps the first.
    /// `rest` are the shards that share what no list names: nobody keeps it where there are none.
    pub fn new(mut listed: Vec<(Symbol, u16)>, rest: Vec<u16>) -> Self {
        listed.sort_by_key(|(symbol, _)| *symbol);
        listed.dedup_by_key(|(symbol, _)| *symbol);
        Self { listed, rest }
    }

    /// All instruments, dealt to `shards` shards by their tickers alone.
    pub fn even(shards: u16) -> Self {
        Self::new(Vec::new(), (0..shards).collect())
    }

    /// The shard that keeps this instrument; `None` where nobody does.
    pub fn owner(&self, symbol: Symbol) -> Option<u16> {
        let listed = self.listed.binary_search_by_key(&symbol, |(symbol, _)| *symbol);
        if let Ok(at) = listed {
            return Some(self.listed[at].1);
        }
        let shards = u16::try_from(self.rest.len()).ok()?;
        self.rest.get(usize::from(symbol.partition(shards))).copied()
    }
}

/// Where an instrument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// On this shard.
    Ours(InstrumentId),
    /// On another shard, or nobody's.
    Elsewhere,
    /// It would be ours, and every slot is taken: it is not followed, and counted.
    Full,
}

/// The instruments of one shard.
#[derive(Debug)]
pub struct Roster {
    ownership: Ownership,
    shard: u16,
    /// By slot.
    symbols: Vec<Symbol>,
    instruments_max: usize,
    /// Open addressing over tickers seen, ours or not: a foreign ticker costs one probe, not a
    /// search of the lists. Never more than half full; past that, owners are computed each time.
    seen: Box<[Seen]>,
    seen_count: usize,
    refused: u64,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    ticker: u64,
    slot: u32,
}

/// No ticker has this number: its bytes would be zero, and tickers are printable.
const VACANT: u64 = 0;
const ELSEWHERE: u32 = u32::MAX;
const SEEN_MAX: usize = 1 << 15;

impl Roster {
    /// The most instruments one shard follows, whatever it is given room for.
    pub const INSTRUMENTS_MAX: usize = SEEN_MAX;

    /// For the shard at place `shard`, with room for `instruments_max` of its own.
    pub fn new(ownership: Ownership, shard: u16, instruments_max: usize) -> Self {
        let vacant = Seen { ticker: VACANT, slot: ELSEWHERE };
        Self {
            ownership,
            shard,
            symbols: Vec::with_capacity(instruments_max),
            instruments_max,
            seen: vec![vacant; 2 * SEEN_MAX].into_boxed_slice(),
            seen_count: 0,
            refused: 0,
        }
    }

    /// Finds an instrument, and gives it the next slot where it is ours and new.
    pub fn claim(&mut self, symbol: Symbol) -> Slot {
        let at = self.probe(symbol);
        if self.seen[at].ticker == symbol.number() && symbol.number() != VACANT {
            return slot(self.seen[at].slot);
        }
        if self.ownership.owner(symbol) != Some(self.shard) {
            self.remember(at, symbol, ELSEWHERE);
            return Slot::Elsewhere;
        }
        // Past the memory of tickers seen, our own could no longer be found again by their name.
        if self.instruments_max <= self.symbols.len() || SEEN_MAX <= self.seen_count {
            self.refused = self.refused.saturating_add(1);
            return Slot::Full;
        }
        // Fits: `instruments_max` slots were checked above, and `SEEN_MAX` is far below u32.
        let next = self.symbols.len() as u32;
        self.symbols.push(symbol);
        self.remember(at, symbol, next);
        Slot::Ours(InstrumentId::new(next))
    }

    /// The slot of an instrument that this shard already follows.
    pub fn find(&self, symbol: Symbol) -> Option<InstrumentId> {
        let seen = self.seen[self.probe(symbol)];
        match slot(seen.slot) {
            Slot::Ours(instrument) if seen.ticker == symbol.number() => Some(instrument),
            Slot::Ours(_) | Slot::Elsewhere | Slot::Full => None,
        }
    }

    /// Whether this shard would keep the instrument, followed already or not.
    pub fn owns(&self, symbol: Symbol) -> bool {
        self.ownership.owner(symbol) == Some(self.shard)
    }

    /// The tickers of this shard, by slot.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// How often an instrument of ours found every slot taken.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    fn probe(&self, symbol: Symbol) -> usize {
        let mask = self.seen.len() - 1;
        let mut at = usize::from(symbol.partition(u16::MAX)) & mask;
        while self.seen[at].ticker != symbol.number() && self.seen[at].ticker != VACANT {
            at = (at + 1) & mask;
        }
        at
    }

    fn remember(&mut self, at: usize, symbol: Symbol, slot: u32) {
        if self.seen_count < SEEN_MAX && symbol.number() != VACANT {
            self.seen[at] = Seen { ticker: symbol.number(), slot };
            self.seen_count += 1;
        }
    }
}

fn slot(raw: u32) -> Slot {
    match raw {
        ELSEWHERE => Slot::Elsewhere,
        ours => Slot::Ours(InstrumentId::new(ours)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Ownership, Roster, SEEN_MAX, Slot};
    use alloc::vec;
    use types::{InstrumentId, Symbol};

    fn symbol(number: u32) -> Symbol {
        let mut wire = *b"A       ";
        for (at, digit) in wire[1..].iter_mut().enumerate() {
            *digit = b'0' + (number / 10_u32.pow(at as u32) % 10) as u8;
        }
        Symbol::from_wire(wire)
    }

    #[test]
    fn lists_come_before_the_partition() {
        let listed = symbol(1);
        let other = 1 - listed.partition(2);
        let ownership = Ownership::new(vec![(listed, other)], vec![0, 1]);
        assert_eq!(ownership.owner(listed), Some(other));
        assert_eq!(ownership.owner(symbol(2)), Some(symbol(2).partition(2)));
        let strict = Ownership::new(vec![(listed, 0)], vec![]);
        assert_eq!(strict.owner(listed), Some(0));
        assert_eq!(strict.owner(symbol(2)), None);
    }

    #[test]
    fn slots_are_dense_and_stay() {
        let mut roster = Roster::new(Ownership::even(1), 0, 3);
        for _ in 0..2 {
            for number in 0..3 {
                let want = InstrumentId::new(number);
                assert_eq!(roster.claim(symbol(number)), Slot::Ours(want));
                assert_eq!(roster.find(symbol(number)), Some(want));
            }
        }
        assert_eq!(roster.claim(symbol(9)), Slot::Full);
        assert_eq!((roster.find(symbol(9)), roster.refused()), (None, 1));
        assert_eq!(roster.symbols(), [symbol(0), symbol(1), symbol(2)]);
    }

    #[test]
    fn every_instrument_is_on_exactly_one_shard() {
        let ownership = Ownership::new(vec![(symbol(7), 2)], vec![0, 1, 2]);
        let mut rosters = [0, 1, 2].map(|shard| Roster::new(ownership.clone(), shard, 1_000));
        for number in 0..1_000 {
            let ours = rosters
                .iter_mut()
                .map(|roster| roster.claim(symbol(number)))
                .filter(|slot| matches!(slot, Slot::Ours(_)));
            assert_eq!(ours.count(), 1);
        }
    }

    #[test]
    fn a_flood_of_tickers_neither_loops_nor_moves_a_slot() {
        let mut roster = Roster::new(Ownership::even(1), 0, 2 * SEEN_MAX);
        for number in 0..3 * SEEN_MAX as u32 {
            roster.claim(symbol(number));
        }
        assert_eq!(roster.claim(symbol(5)), Slot::Ours(InstrumentId::new(5)));
        assert_eq!(roster.symbols().len(), SEEN_MAX);
        assert_eq!(roster.claim(Symbol::from_wire([0; 8])), Slot::Full);
    }
}
