//! The live orders as their owners name them: one record each, found by port, channel and user
//! reference number, and in a list of its port from the oldest to the newest.

use alloc::vec;
use alloc::vec::Vec;

use matching::OrderKey;
use types::{AccountId, InstrumentId, Side};

/// No record.
pub(crate) const NONE: u32 = u32::MAX;

/// Its price is no limit.
pub(crate) const MARKET: u8 = 1;
/// It shows a part of itself at a time.
pub(crate) const RESERVE: u8 = 2;
/// It has a place in the book's queue.
pub(crate) const RESTED: u8 = 4;
/// Its owner asked for its end in a cross that it cannot leave.
pub(crate) const PENDING: u8 = 8;
/// It trades nowhere but at the midpoint.
pub(crate) const MIDPOINT: u8 = 16;

/// A live order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    pub(crate) user_ref: u32,
    /// How often its slot was dealt.
    pub(crate) generation: u32,
    pub(crate) instrument: InstrumentId,
    /// As on the wire, in units of 1e-4.
    pub(crate) price: u32,
    /// The shares it is to have in all, those executed of it and of those it replaced included.
    pub(crate) total: u32,
    pub(crate) leaves: u32,
    pub(crate) next: u32,
    pub(crate) prev: u32,
    pub(crate) account: AccountId,
    pub(crate) port: u16,
    pub(crate) group: u16,
    pub(crate) channel: u8,
    /// The letters of the wire.
    pub(crate) side: u8,
    pub(crate) display: u8,
    pub(crate) capacity: u8,
    pub(crate) cross: u8,
    /// The letter of the self-match strategy.
    pub(crate) strategy: u8,
    pub(crate) flags: u8,
    pub(crate) cl_ord_id: [u8; 14],
}

const _: () = assert!(size_of::<Live>() == 64);

impl Live {
    /// Neither live nor anybody's.
    pub(crate) const BLANK: Self = Self {
        user_ref: 0,
        generation: 0,
        instrument: InstrumentId::new(0),
        price: 0,
        total: 0,
        leaves: 0,
        next: NONE,
        prev: NONE,
        account: AccountId::new(0),
        port: 0,
        group: 0,
        channel: 0,
        side: 0,
        display: 0,
        capacity: 0,
        cross: 0,
        strategy: 0,
        flags: 0,
        cl_ord_id: [0; 14],
    };

    #[inline]
    pub(crate) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Shares executed of it and of those it replaced.
    #[inline]
    pub(crate) const fn executed(&self) -> u32 {
        self.total.saturating_sub(self.leaves)
    }

    /// Bid or offer.
    #[inline]
    pub(crate) const fn trade_side(&self) -> Side {
        trade_side(self.side)
    }
}

/// Bid or offer, of a side's letter.
#[inline]
pub(crate) const fn trade_side(letter: u8) -> Side {
    if letter == b'B' { Side::Buy } else { Side::Sell }
}

/// The list of one port's live orders, and how far a mass cancel has come in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    head: u32,
    tail: u32,
    /// The next order that a mass cancel looks at.
    pub(crate) cursor: u32,
}

/// All live orders.
pub(crate) struct Orders {
    records: Vec<Live>,
    free: u32,
    live: u32,
    index: Index,
    lists: Vec<List>,
}

impl Orders {
    pub(crate) fn new(orders_max: u32, ports: usize, seed: u64) -> Self {
        let chain = |at: u32, len: u32| if at + 1 < len { at + 1 } else { NONE };
        let blank = |at| Live { next: chain(at, orders_max), ..Live::BLANK };
        Self {
            records: (0..orders_max).map(blank).collect(),
            free: if orders_max == 0 { NONE } else { 0 },
            live: 0,
            index: Index::new(orders_max, seed),
            lists: vec![List { head: NONE, tail: NONE, cursor: NONE }; ports],
        }
    }

    /// How many there are.
    pub(crate) const fn live(&self) -> u32 {
        self.live
    }

    /// The number of the order in this slot.
    #[inline]
    pub(crate) fn key(&self, slot: u32) -> OrderKey {
        let generation = self.records[slot as usize].generation;
        OrderKey::new(u64::from(generation) << 32 | u64::from(slot))
    }

    /// The slot of the live order with this number.
    #[inline]
    pub(crate) fn slot(&self, key: OrderKey) -> Option<u32> {
        let slot = key.get() as u32;
        let live = self.records.get(slot as usize)?;
        (u64::from(live.generation) == key.get() >> 32 && live.user_ref != 0).then_some(slot)
    }

    #[inline]
    pub(crate) fn at(&self, slot: u32) -> &Live {
        &self.records[slot as usize]
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, slot: u32) -> &mut Live {
        &mut self.records[slot as usize]
    }

    /// The slot of the order that its owner names so.
    #[inline]
    pub(crate) fn find(&self, port: u16, channel: u8, user_ref: u32) -> Option<u32> {
        self.index.find(name(port, channel, user_ref), |slot| {
            let live = &self.records[slot as usize];
            (live.port, live.channel, live.user_ref) == (port, channel, user_ref)
        })
    }

    /// A record for a new order, whose name no live one has: at the end of its port's list. `None` where
    /// all are taken.
    #[inline]
    pub(crate) fn open(&mut self, live: &Live) -> Option<u32> {
        let slot = self.free;
        let record = *self.records.get(slot as usize)?;
        self.free = record.next;
        self.live += 1;
        let list = &mut self.lists[usize::from(live.port)];
        let prev = list.tail;
        list.tail = slot;
        if prev == NONE {
            list.head = slot;
        } else {
            self.records[prev as usize].next = slot;
        }
        let generation = record.generation.wrapping_add(1);
        self.records[slot as usize] = Live { generation, next: NONE, prev, ..*live };
        self.index.insert(name(live.port, live.channel, live.user_ref), slot);
        Some(slot)
    }

    /// Ends the order in this slot.
    #[inline]
    pub(crate) fn close(&mut self, slot: u32) {
        let Live { port, channel, user_ref, next, prev, .. } = self.records[slot as usize];
        self.index.remove(name(port, channel, user_ref), slot);
        let list = &mut self.lists[usize::from(port)];
        if list.cursor == slot {
            list.cursor = next;
        }
        if prev == NONE {
            list.head = next;
        } else {
            self.records[prev as usize].next = next;
        }
        if next == NONE {
            list.tail = prev;
        } else {
            self.records[next as usize].prev = prev;
        }
        let record = &mut self.records[slot as usize];
        (record.user_ref, record.next) = (0, self.free);
        self.free = slot;
        self.live -= 1;
    }

    /// Begins a mass cancel at the port's oldest order.
    pub(crate) fn rewind(&mut self, port: u16) {
        let list = &mut self.lists[usize::from(port)];
        list.cursor = list.head;
    }

    /// The next order that a mass cancel looks at; it has moved on.
    pub(crate) fn advance(&mut self, port: u16) -> Option<u32> {
        let list = &mut self.lists[usize::from(port)];
        let slot = list.cursor;
        list.cursor = self.records.get(slot as usize)?.next;
        Some(slot)
    }

    /// Whether a mass cancel has come to the end.
    pub(crate) fn is_swept(&self, port: u16) -> bool {
        self.lists[usize::from(port)].cursor == NONE
    }

    /// A port's orders from the oldest to the newest.
    pub(crate) fn of(&self, port: u16) -> impl Iterator<Item = (OrderKey, &Live)> {
        let mut slot = self.lists[usize::from(port)].head;
        core::iter::from_fn(move || {
            let live = self.records.get(slot as usize)?;
            let key = self.key(slot);
            slot = live.next;
            Some((key, live))
        })
    }
}

/// By what an owner names an order, as one number.
#[inline]
fn name(port: u16, channel: u8, user_ref: u32) -> u64 {
    u64::from(port) << 40 | u64::from(channel) << 32 | u64::from(user_ref)
}

/// From a name to a slot: open addressing, five of eight entries taken at most. An entry holds the
/// name's hash beside the slot, which says where it would best stand: a removal moves those behind it
/// forward.
struct Index {
    entries: Vec<u64>,
    shift: u32,
    seed: u64,
}

/// How many successive names stand together: two cache lines of them.
const TOGETHER: u64 = 16;

/// No entry: its slot is [`NONE`].
const EMPTY: u64 = u64::MAX;

impl Index {
    fn new(orders_max: u32, seed: u64) -> Self {
        let wanted = (u64::from(orders_max) * 8).div_ceil(5).max(TOGETHER);
        let bits = u64::BITS - (wanted - 1).leading_zeros();
        assert!(bits <= u32::BITS, "{orders_max} orders");
        Self { entries: vec![EMPTY; 1 << bits], shift: u32::BITS - bits, seed }
    }

    /// Both halves of a product with a number that clients do not know, since they choose the names. The
    /// home of a name is in the highest bits; [`TOGETHER`] successive ones have successive homes, for a
    /// client mostly counts up.
    #[inline]
    fn hash(&self, name: u64) -> u32 {
        let (block, place) = (name / TOGETHER, name % TOGETHER);
        let product = u128::from(block ^ self.seed) * 0x9E37_79B9_7F4A_7C15_u128;
        let folded = (product >> 64) as u64 ^ product as u64;
        let product = u128::from(folded) * u128::from(self.seed | 1);
        let mixed = (((product >> 64) as u64 ^ product as u64) >> 32) as u32;
        let places = (TOGETHER as u32 - 1) << self.shift;
        mixed & !places | (place as u32) << self.shift
    }

    #[inline]
    fn step(&self, at: usize) -> usize {
        (at + 1) & (self.entries.len() - 1)
    }

    #[inline]
    fn find(&self, name: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = self.hash(name);
        let mut at = self.home(hash);
        loop {
            let entry = self.entries[at];
            if entry == EMPTY {
                return None;
            }
            if (entry >> 32) as u32 == hash && is_it(entry as u32) {
                return Some(entry as u32);
            }
            at = self.step(at);
        }
    }

    #[inline]
    fn home(&self, hash: u32) -> usize {
        (hash >> self.shift) as usize
    }

    #[inline]
    fn insert(&mut self, name: u64, slot: u32) {
        let hash = self.hash(name);
        let mut at = self.home(hash);
        while self.entries[at] != EMPTY {
            at = self.step(at);
        }
        self.entries[at] = u64::from(hash) << 32 | u64::from(slot);
    }

    #[inline]
    fn remove(&mut self, name: u64, slot: u32) {
        let hash = self.hash(name);
        let entry = u64::from(hash) << 32 | u64::from(slot);
        let mut hole = self.home(hash);
        while self.entries[hole] != entry {
            hole = self.step(hole);
        }
        let mask = self.entries.len() - 1;
        let mut at = hole;
        loop {
            at = self.step(at);
            let entry = self.entries[at];
            if entry == EMPTY {
                break;
            }
            // It may move forward to the hole unless its home lies behind the hole.
            let home = self.home((entry >> 32) as u32);
            if at.wrapping_sub(hole) & mask <= at.wrapping_sub(home) & mask {
                self.entries[hole] = entry;
                hole = at;
            }
        }
        self.entries[hole] = EMPTY;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Live, NONE, Orders};
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn orders_are_found_by_name_and_listed_in_the_order_they_came(
            orders_max in 0..40u32,
            seed: u64,
            steps in prop::collection::vec((0..3u16, 0..2u8, 1..30u32, any::<bool>()), 0..200),
        ) {
            let mut orders = Orders::new(orders_max, 3, seed);
            let mut twin: BTreeMap<(u16, u8, u32), (u32, u64)> = BTreeMap::new();
            let mut listed = Vec::new();
            for (port, channel, user_ref, opens) in steps {
                let name = (port, channel, user_ref);
                if let Some(slot) = orders.find(port, channel, user_ref) {
                    let (want, key) = twin[&name];
                    prop_assert_eq!((slot, orders.key(slot).get()), (want, key));
                    if !opens {
                        orders.close(slot);
                        twin.remove(&name);
                        listed.retain(|other| *other != name);
                        prop_assert_eq!(orders.slot(matching::OrderKey::new(key)), None);
                    }
                } else {
                    prop_assert!(!twin.contains_key(&name));
                    let live = Live { port, channel, user_ref, ..Live::BLANK };
                    let opened = orders.open(&live);
                    let room = orders.live() - u32::from(opened.is_some()) < orders_max;
                    prop_assert_eq!(opened.is_some(), room);
                    if let Some(slot) = opened {
                        prop_assert!(slot < orders_max && slot != NONE);
                        prop_assert_eq!(orders.slot(orders.key(slot)), Some(slot));
                        twin.insert(name, (slot, orders.key(slot).get()));
                        listed.push(name);
                    }
                }
                for port in 0..3 {
                    let got: Vec<_> = orders.of(port).map(|(_, live)| (port, live.channel, live.user_ref)).collect();
                    let want: Vec<_> = listed.iter().copied().filter(|name| name.0 == port).collect();
                    prop_assert_eq!(got, want);
                }
                prop_assert_eq!(orders.live() as usize, twin.len());
            }
        }
    }
}
