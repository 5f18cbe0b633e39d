//! The pool of resting orders with terms: what a slot has no room for, linked by book and side in the
//! order in which they came. Allocated once and never grown.
//!
//! Such an order has a slot too, by which it is found; the slot is flagged, and names its place here.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

use types::AccountId;

use crate::orders::NONE;
use crate::{SelfMatch, Terms, Tick};

/// What is kept of one.
#[derive(Clone)]
pub(crate) struct Special {
    /// How many orders with terms had come to rest before it.
    pub(crate) seq: u64,
    /// Its limit; `None` for a peg without one.
    pub(crate) limit: Option<Tick>,
    pub(crate) terms: Terms,
    /// Its place among the slots.
    pub(crate) slot: u32,
    /// Open shares that its slot does not count: those of a reserve that are yet to be shown.
    pub(crate) unshown: u32,
    pub(crate) account: AccountId,
    pub(crate) self_match: SelfMatch,
    /// It takes no part in the cross under way.
    pub(crate) sits_out: bool,
    /// The one that came to its side after it; for a free place the next free one.
    pub(crate) behind: u32,
    pub(crate) ahead: u32,
}

const _: () = assert!(size_of::<Special>() <= 144);

impl Special {
    pub(crate) const BLANK: Self = Self {
        seq: 0,
        limit: None,
        terms: Terms::PLAIN,
        slot: NONE,
        unshown: 0,
        account: AccountId::new(0),
        self_match: SelfMatch::Allow,
        sits_out: false,
        behind: NONE,
        ahead: NONE,
    };
}

/// Those of one side of one book, in the order in which they came.
#[derive(Clone, Copy)]
pub(crate) struct List {
    head: u32,
    tail: u32,
}

impl List {
    pub(crate) const EMPTY: Self = Self { head: NONE, tail: NONE };

    pub(crate) const fn is_empty(&self) -> bool {
        self.head == NONE
    }

    pub(crate) const fn head(&self) -> u32 {
        self.head
    }
}

/// The pool.
pub(crate) struct Specials {
    pool: Vec<Special>,
    free: u32,
    /// How many have come to rest.
    count: u64,
}

impl Specials {
    /// Room for `capacity` of them. Writes every place, so that no page fault is left for later.
    pub(crate) fn new(capacity: u32) -> Self {
        assert!(capacity < NONE, "{capacity} orders with terms");
        let behind = |n: u32| if n + 1 < capacity { n + 1 } else { NONE };
        let blank = |n: u32| Special { behind: behind(n), ..Special::BLANK };
        let pool = (0..capacity).map(blank).collect();
        Self { pool, free: if capacity == 0 { NONE } else { 0 }, count: 0 }
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.free == NONE
    }

    /// Takes a place and links it at the end of a list. Its `seq` is set here. There must be room.
    pub(crate) fn join(&mut self, list: &mut List, special: &Special) -> u32 {
        let id = self.free;
        assert!(id != NONE, "room for an order with terms was asked for");
        self.free = self.pool[id as usize].behind;
        let (seq, ahead) = (self.count, list.tail);
        self.count += 1;
        self.pool[id as usize] = Special { seq, ahead, behind: NONE, ..special.clone() };
        list.tail = id;
        if ahead == NONE {
            list.head = id;
        } else {
            self.pool[ahead as usize].behind = id;
        }
        id
    }

    /// Takes one out of its list and gives its place back.
    pub(crate) fn leave(&mut self, list: &mut List, id: u32) {
        let (ahead, behind) = (self[id].ahead, self[id].behind);
        if ahead == NONE {
            list.head = behind;
        } else {
            self[ahead].behind = behind;
        }
        if behind == NONE {
            list.tail = ahead;
        } else {
            self[behind].ahead = ahead;
        }
        self[id].behind = self.free;
        self.free = id;
    }

    /// Those of a list, in order.
    pub(crate) fn of(&self, list: List) -> impl Iterator<Item = (u32, &Special)> + Clone {
        let first = self.pool.get(list.head as usize).map(|special| (list.head, special));
        core::iter::successors(first, |(_, special)| {
            self.pool.get(special.behind as usize).map(|next| (special.behind, next))
        })
    }

    /// Bytes of the pool.
    pub(crate) const fn bytes(&self) -> usize {
        self.pool.len() * size_of::<Special>()
    }
}

impl Index<u32> for Specials {
    type Output = Special;
    fn index(&self, id: u32) -> &Special {
        &self.pool[id as usize]
    }
}

impl IndexMut<u32> for Specials {
    fn index_mut(&mut self, id: u32) -> &mut Special {
        &mut self.pool[id as usize]
    }
}
