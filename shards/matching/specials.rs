//! The pool of resting orders with terms: what a slot has no room for, linked by book and side in the
//! order in which they came, and ranked by who goes first. Allocated once and never grown.
//!
//! Such an order has a slot too, by which it is found; the slot is flagged, and names its place here.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

use types::AccountId;

use crate::orders::NONE;
use crate::ranked::{Base, Kind, Rank, Ranked, Ranks, Search};
use crate::tree::{Tree, Visits};
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
    /// Its queue.
    pub(crate) kind: Kind,
    /// The one that came to its side after it; for a free place the next free one.
    pub(crate) behind: u32,
    pub(crate) ahead: u32,
}

/// Bytes of an entry of the pool.
pub(crate) const BYTES: usize = size_of::<Special>() + Tree::<Ranks>::ENTRY;
const _: () = assert!(BYTES <= 272);

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
        kind: Kind::Limit,
        behind: NONE,
        ahead: NONE,
    };
}

/// Those of one side of one book, in the order in which they came, and as queues.
#[derive(Clone, Copy)]
pub(crate) struct List {
    head: u32,
    tail: u32,
    /// By kind.
    roots: [u32; Kind::COUNT],
}

impl List {
    pub(crate) const EMPTY: Self = Self { head: NONE, tail: NONE, roots: [NONE; Kind::COUNT] };

    pub(crate) const fn head(&self) -> u32 {
        self.head
    }

    /// Whether it has nothing of a kind.
    pub(crate) const fn has_none(&self, kind: Kind) -> bool {
        self.roots[kind as usize] == NONE
    }

    /// Whether all of it is shown.
    pub(crate) fn hides_nothing(&self) -> bool {
        Kind::HIDDEN.iter().all(|kind| self.has_none(*kind))
    }

    /// Whether something of it follows a quote.
    pub(crate) fn has_pegs(&self) -> bool {
        Kind::HIDDEN.iter().any(|kind| *kind != Kind::Limit && !self.has_none(*kind))
    }
}

/// The pool.
pub(crate) struct Specials {
    pool: Vec<Special>,
    tree: Tree<Ranks>,
    free: u32,
    /// How many have come to rest.
    count: u64,
    /// How many were looked at in the order in which they came.
    visits: Visits,
}

impl Specials {
    /// Room for `capacity` of them. Writes every place, so that no page fault is left for later.
    pub(crate) fn new(capacity: u32) -> Self {
        assert!(capacity < NONE, "{capacity} orders with terms");
        let behind = |n: u32| if n + 1 < capacity { n + 1 } else { NONE };
        let blank = |n: u32| Special { behind: behind(n), ..Special::BLANK };
        let pool = (0..capacity).map(blank).collect();
        let tree = Tree::with_sums(capacity, Ranked::BLANK);
        Self {
            pool,
            tree,
            free: if capacity == 0 { NONE } else { 0 },
            count: 0,
            visits: Visits::default(),
        }
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.free == NONE
    }

    /// Takes a place and links it at the end of a list, and in its turn in a queue of it. Its `seq` is set
    /// here. There must be room.
    pub(crate) fn join(
        &mut self,
        list: &mut List,
        special: &Special,
        kind: Kind,
        ranked: Ranked,
    ) -> u32 {
        let id = self.free;
        assert!(id != NONE, "room for an order with terms was asked for");
        self.free = self.pool[id as usize].behind;
        let (seq, ahead) = (self.count, list.tail);
        self.count += 1;
        self.pool[id as usize] = Special { seq, ahead, kind, behind: NONE, ..special.clone() };
        self.tree.insert_with(&mut list.roots[kind as usize], id, ranked.rank(), seq, ranked);
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
        let (ahead, behind, kind) = (self[id].ahead, self[id].behind, self[id].kind);
        self.tree.remove(&mut list.roots[kind as usize], id);
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

    /// What is open of one is another number.
    pub(crate) fn set_qty(&mut self, list: &List, id: u32, qty: u32) {
        let least = self[id].terms.min_qty.min(qty);
        let ranked = Ranked { qty, least, ..*self.tree.see(id).own };
        self.tree.set(list.roots[self[id].kind as usize], id, ranked);
    }

    /// The first of a queue that is looked for, if it goes before `best`.
    pub(crate) fn search(
        &self,
        list: &List,
        kind: Kind,
        base: Base,
        search: &Search,
        best: Option<(Rank, u32)>,
    ) -> Option<(Rank, u32)> {
        search.of(&self.tree, list.roots[kind as usize], base, best)
    }

    /// What can be said of all of one queue.
    pub(crate) fn sum(&self, list: &List, kind: Kind) -> Option<&Ranks> {
        let root = list.roots[kind as usize];
        (root != NONE).then(|| self.tree.see(root).sum)
    }

    /// How many orders were looked at so far.
    #[cfg(test)]
    pub(crate) fn visits(&self) -> u64 {
        self.tree.visits() + self.visits.count.get()
    }

    /// Those of a list, in order.
    pub(crate) fn of(&self, list: List) -> impl Iterator<Item = (u32, &Special)> + Clone {
        let seen = |id: u32| (id != NONE).then(|| (id, &self[id]));
        core::iter::successors(seen(list.head), move |(_, special)| seen(special.behind))
    }

    /// Bytes of the pool.
    pub(crate) const fn bytes(&self) -> usize {
        self.pool.len() * BYTES
    }
}

impl Index<u32> for Specials {
    type Output = Special;
    fn index(&self, id: u32) -> &Special {
        self.visits.one_more();
        &self.pool[id as usize]
    }
}

impl IndexMut<u32> for Specials {
    fn index_mut(&mut self, id: u32) -> &mut Special {
        &mut self.pool[id as usize]
    }
}
