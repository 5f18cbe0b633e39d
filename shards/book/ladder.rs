//! The price levels of one side, sorted: a B+ tree with a finger on its best leaf.
//!
//! Keys ascend towards the best price (a bid's key is its price, an offer's the complement), so the
//! best is the last entry of the last leaf, and what happens near it moves a few entries of one
//! node. A far price costs a descent of a few nodes, whatever prices a venue sends. Nodes come from
//! one pool; every node but a root keeps at least [`FILL_MIN`] entries, which bounds the pool.

use core::hint::select_unpredictable;

use types::{InstrumentId, Px, Side};

use crate::Prefetch;
use crate::arena::{Linked, NONE, Pool};

/// Entries of a node: three cache lines.
const FILL_MAX: usize = 15;
/// What fills a node behind its last key: at least any key, so that a search need not know the length.
const PAD: i64 = i64::MAX;
/// Entries that a node must keep, unless it is a root.
const FILL_MIN: usize = 5;
/// Where a full node is cut.
const HALF: usize = FILL_MAX.div_ceil(2);
/// Two neighbours are merged up to here: a merged node must not split at the next insertion.
const FILL_MERGED: usize = 12;
/// More inner nodes than any path from a root: 5^16 exceeds the range of a level's slot.
const HEIGHT_MAX: usize = 16;

// After a redistribution both halves keep the minimum.
const _: () = assert!(2 * FILL_MIN <= FILL_MERGED && FILL_MERGED < FILL_MAX);

/// The sort key of a price: the larger, the better.
#[inline]
pub(crate) const fn key_of(side: Side, px: Px) -> i64 {
    // The complement, not the negative: it exists for every price.
    match side {
        Side::Buy => px.raw(),
        Side::Sell => !px.raw(),
    }
}

/// The price of a sort key.
#[inline]
pub(crate) const fn px_of(side: Side, key: i64) -> Px {
    match side {
        Side::Buy => Px::from_raw(key),
        Side::Sell => Px::from_raw(!key),
    }
}

/// What a ladder is called: twice the instrument's slot, plus the side.
#[inline]
pub(crate) const fn ladder_of(instrument: InstrumentId, side: Side) -> u32 {
    instrument.get() << 1 | side as u32
}

/// The side of a ladder by its name.
#[inline]
pub(crate) const fn side_of(ladder: u32) -> Side {
    if ladder & 1 == 0 { Side::Buy } else { Side::Sell }
}

/// A leaf (keys and levels) or an inner node (the children and a lower bound of each, the very first
/// of a tree being the lowest key there is). A first child is never removed, so bounds stay true.
#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct Node {
    keys: [i64; FILL_MAX],
    ids: [u32; FILL_MAX],
    len: u32,
    /// The leaf of the next worse prices.
    worse: u32,
    /// The leaf of the next better prices.
    better: u32,
}

const _: () = assert!(size_of::<Node>() == 192);

impl Linked for Node {
    const BLANK: Self =
        Self { keys: [PAD; FILL_MAX], ids: [0; FILL_MAX], len: 0, worse: NONE, better: NONE };
    fn link(&self) -> u32 {
        self.worse
    }
    fn set_link(&mut self, next: u32) {
        self.worse = next;
    }
}

impl Node {
    /// How many keys are at most `key`. Halves four times without a
    /// branch: where a price lies differs from event to event, so a branch would be guessed wrong.
    #[inline]
    fn rank(&self, key: i64) -> usize {
        let mut rank = 0usize;
        for half in [8, 4, 2, 1] {
            let next = rank + half;
            rank = select_unpredictable(self.keys[next - 1] <= key, next, rank);
        }
        // The pads count where the key is as large as they are.
        rank.min(self.len as usize)
    }

    /// Which child covers `key`.
    #[inline]
    fn child(&self, key: i64) -> usize {
        self.rank(key).saturating_sub(1)
    }

    #[inline]
    fn insert(&mut self, at: usize, key: i64, id: u32) {
        let len = self.len as usize;
        self.keys[..=len].copy_within(at..len, at + 1);
        self.ids[..=len].copy_within(at..len, at + 1);
        self.keys[at] = key;
        self.ids[at] = id;
        self.len += 1;
    }

    #[inline]
    fn remove(&mut self, at: usize) {
        let len = self.len as usize;
        self.keys[..len].copy_within(at + 1.., at);
        self.ids[..len].copy_within(at + 1.., at);
        self.keys[len - 1] = PAD;
        self.len -= 1;
    }

    /// Moves the last entries, from `keep` on, before the first of `right`.
    fn shed(&mut self, keep: usize, right: &mut Self) {
        let (len, count) = (self.len as usize, right.len as usize);
        let moved = len - keep;
        right.keys.copy_within(..count, moved);
        right.ids.copy_within(..count, moved);
        right.keys[..moved].copy_from_slice(&self.keys[keep..len]);
        right.ids[..moved].copy_from_slice(&self.ids[keep..len]);
        self.keys[keep..len].fill(PAD);
        right.len += moved as u32;
        self.len = keep as u32;
    }

    /// Takes the first `count` entries of `right` behind the last.
    fn absorb(&mut self, count: usize, right: &mut Self) {
        let (len, rest) = (self.len as usize, right.len as usize - count);
        self.keys[len..len + count].copy_from_slice(&right.keys[..count]);
        self.ids[len..len + count].copy_from_slice(&right.ids[..count]);
        right.keys.copy_within(count..count + rest, 0);
        right.ids.copy_within(count..count + rest, 0);
        right.keys[rest..].fill(PAD);
        right.len = rest as u32;
        self.len += count as u32;
    }
}

/// One side of one book.
#[derive(Clone)]
pub(crate) struct Ladder {
    best_key: i64,
    best: u32,
    pub(crate) root: u32,
    /// The leaf with the best key.
    pub(crate) finger: u32,
    /// Inner nodes on each path from the root to a leaf.
    height: u32,
    len: u32,
    /// Orders on all its levels, in a book of orders.
    pub(crate) orders: u32,
}

const _: () = assert!(size_of::<Ladder>() == 32);

/// Where a key is, or where it would go.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// The level with this key.
    Level(u32),
    /// No such key; it would go here.
    Gap(Gap),
}

/// A place between two keys. Good until the ladder changes.
#[derive(Clone, Copy)]
pub(crate) struct Gap {
    leaf: u32,
    at: u32,
}

/// The nodes from a root down to, but without, a leaf, each with the child that was taken.
struct Path {
    steps: [(u32, u32); HEIGHT_MAX],
}

/// The nodes of all ladders.
pub(crate) struct Nodes(Pool<Node>);

impl Ladder {
    /// No levels.
    pub(crate) const EMPTY: Self =
        Self { best_key: 0, best: NONE, root: NONE, finger: NONE, height: 0, len: 0, orders: 0 };

    /// The best level, or none.
    #[inline]
    pub(crate) const fn best(&self) -> u32 {
        self.best
    }

    /// The best level's key; means nothing without one.
    #[inline]
    pub(crate) const fn best_key(&self) -> i64 {
        self.best_key
    }

    pub(crate) const fn len(&self) -> usize {
        self.len as usize
    }
}

impl Nodes {
    /// Nodes enough for `levels` levels on `ladders` ladders, however they are spread.
    pub(crate) fn new(levels: usize, ladders: usize) -> Self {
        // A ladder of one leaf needs one node. A ladder of m > 1 leaves has at least 5m levels and at
        // most 1 + m/5 + m/25 + .. < 1 + m/4 <= 3m/4 inner nodes: 7m/4 nodes for 5m levels.
        let singles = ladders.min(levels);
        Self(Pool::new(singles + (levels * 7).div_ceil(20) + 1))
    }

    /// Where `key` is or would go.
    #[inline]
    pub(crate) fn find(&self, ladder: &Ladder, key: i64) -> Place {
        if ladder.best_key == key && ladder.best != NONE {
            return Place::Level(ladder.best);
        }
        // An empty ladder's leaf is item 0 of the pool, which stays blank: a gap in no leaf.
        let leaf = self.leaf_of(ladder, key);
        let node = &self.0[leaf];
        let at = node.rank(key);
        match at.checked_sub(1) {
            Some(last) if node.keys[last] == key => Place::Level(node.ids[last]),
            Some(_) | None => Place::Gap(Gap { leaf, at: at as u32 }),
        }
    }

    /// Inserts `id` at `key` in the gap that a search for the same key gave.
    #[inline]
    pub(crate) fn insert(&mut self, ladder: &mut Ladder, gap: Gap, key: i64, id: u32) {
        if ladder.best == NONE || ladder.best_key < key {
            ladder.best = id;
            ladder.best_key = key;
        }
        ladder.len += 1;
        if gap.leaf == NONE {
            ladder.root = self.make();
            ladder.finger = ladder.root;
            self.0[ladder.root].insert(0, key, id);
            return;
        }
        let node = &mut self.0[gap.leaf];
        if (node.len as usize) < FILL_MAX {
            node.insert(gap.at as usize, key, id);
        } else {
            self.split(ladder, gap, key, id);
        }
    }

    /// Removes `key`, which is there.
    #[inline]
    pub(crate) fn remove(&mut self, ladder: &mut Ladder, key: i64) {
        let leaf = self.leaf_of(ladder, key);
        let node = &mut self.0[leaf];
        let Some(at) = node.rank(key).checked_sub(1) else { return };
        node.remove(at);
        let left = node.len as usize;
        ladder.len -= 1;
        if ladder.len == 0 {
            self.0.give(leaf);
            *ladder = Ladder { orders: ladder.orders, ..Ladder::EMPTY };
            return;
        }
        if left < FILL_MIN && ladder.height != 0 {
            self.refill(ladder, leaf, key);
        }
        if ladder.best_key == key {
            let finger = &self.0[ladder.finger];
            let last = finger.len as usize - 1;
            ladder.best_key = finger.keys[last];
            ladder.best = finger.ids[last];
        }
    }

    /// The next level of a walk from the best.
    pub(crate) fn step(&self, cursor: &mut Cursor) -> Option<u32> {
        if cursor.leaf == NONE {
            return None;
        }
        let node = &self.0[cursor.leaf];
        let at = cursor.left.min(node.len).checked_sub(1)?;
        let id = node.ids[at as usize];
        cursor.left = at;
        if at == 0 {
            cursor.leaf = node.worse;
            cursor.left = u32::MAX;
        }
        Some(id)
    }

    /// Gives all nodes back; every ladder must be emptied with it.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// Asks for the three lines of a node.
    #[inline]
    pub(crate) fn warm(&self, id: u32, near: &impl Prefetch) {
        let node = &self.0[id];
        near.line(node);
        near.line(&node.keys[8]);
        near.line(&node.len);
    }

    #[inline]
    pub(crate) fn leaf_of(&self, ladder: &Ladder, key: i64) -> u32 {
        if ladder.height == 0 || self.0[ladder.finger].keys[0] <= key {
            return ladder.finger;
        }
        let mut id = ladder.root;
        for _ in 0..ladder.height {
            let node = &self.0[id];
            id = node.ids[node.child(key)];
        }
        id
    }

    fn path_to(&self, ladder: &Ladder, key: i64) -> Path {
        let mut path = Path { steps: [(NONE, 0); HEIGHT_MAX] };
        let mut id = ladder.root;
        for step in path.steps.iter_mut().take(ladder.height as usize) {
            let node = &self.0[id];
            let child = node.child(key);
            *step = (id, child as u32);
            id = node.ids[child];
        }
        path
    }

    fn make(&mut self) -> u32 {
        let Some(id) = self.0.take() else {
            unreachable!("the pool holds the nodes of every shape that the levels can take")
        };
        self.0[id] = Node::BLANK;
        id
    }

    /// Inserts into a full leaf: halves it, and its ancestors as far as they are full too.
    #[cold]
    fn split(&mut self, ladder: &mut Ladder, gap: Gap, key: i64, id: u32) {
        let path = self.path_to(ladder, key);
        let (mut left, mut at, mut key, mut id) = (gap.leaf, gap.at as usize, key, id);
        let mut above = ladder.height as usize;
        loop {
            if (self.0[left].len as usize) < FILL_MAX {
                self.0[left].insert(at, key, id);
                return;
            }
            let right = self.make();
            if above == ladder.height as usize {
                self.link_behind(ladder, left, right);
            }
            if let Some([l, r]) = self.0.pair(left, right) {
                l.shed(HALF, r);
                if at <= HALF {
                    l.insert(at, key, id)
                } else {
                    r.insert(at - HALF, key, id)
                }
                // Never the entry just put first on the left, so it is a true lower bound.
                key = r.keys[0];
            }
            id = right;
            if above == 0 {
                let root = self.make();
                let node = &mut self.0[root];
                node.insert(0, i64::MIN, left);
                node.insert(1, key, right);
                ladder.root = root;
                ladder.height += 1;
                return;
            }
            above -= 1;
            let (parent, child) = path.steps[above];
            left = parent;
            at = child as usize + 1;
        }
    }

    fn link_behind(&mut self, ladder: &mut Ladder, left: u32, right: u32) {
        let better = self.0[left].better;
        self.0[right].better = better;
        self.0[right].worse = left;
        self.0[left].better = right;
        if better == NONE {
            ladder.finger = right;
        } else {
            self.0[better].worse = right;
        }
    }

    /// Brings a leaf that fell below the minimum, and its ancestors, back to it.
    #[cold]
    fn refill(&mut self, ladder: &mut Ladder, leaf: u32, key: i64) {
        let path = self.path_to(ladder, key);
        let mut node = leaf;
        let mut above = ladder.height as usize;
        while above != 0 {
            if FILL_MIN <= self.0[node].len as usize {
                return;
            }
            let is_leaf = above == ladder.height as usize;
            above -= 1;
            let (parent, child) = path.steps[above];
            // With the neighbour before it, or the one behind where it is the first.
            let second = (child as usize).max(1);
            let (left, right) = (self.0[parent].ids[second - 1], self.0[parent].ids[second]);
            let Some([l, r]) = self.0.pair(left, right) else { return };
            let total = (l.len + r.len) as usize;
            if FILL_MERGED < total {
                let keep = total / 2;
                let len = l.len as usize;
                if keep < len {
                    l.shed(keep, r)
                } else {
                    l.absorb(keep - len, r)
                }
                let bound = r.keys[0];
                self.0[parent].keys[second] = bound;
                return;
            }
            l.absorb(r.len as usize, r);
            if is_leaf {
                self.unlink(ladder, left, right);
            }
            self.0.give(right);
            self.0[parent].remove(second);
            node = parent;
        }
        // The root has no minimum, but a root with one child is no use.
        if self.0[node].len == 1 {
            ladder.root = self.0[node].ids[0];
            ladder.height -= 1;
            self.0.give(node);
        }
    }

    fn unlink(&mut self, ladder: &mut Ladder, left: u32, right: u32) {
        let better = self.0[right].better;
        self.0[left].better = better;
        if better == NONE {
            ladder.finger = left;
        } else {
            self.0[better].worse = left;
        }
    }
}

/// How far a walk from the best has come.
#[derive(Clone, Copy)]
pub(crate) struct Cursor {
    leaf: u32,
    /// Entries of the leaf not yet seen.
    left: u32,
}

impl Cursor {
    /// At the best.
    pub(crate) const fn start(ladder: &Ladder) -> Self {
        Self { leaf: ladder.finger, left: u32::MAX }
    }

    /// Past the last.
    pub(crate) const END: Self = Self { leaf: NONE, left: 0 };
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Cursor, FILL_MIN, Ladder, Nodes, Place, key_of, px_of};
    use crate::arena::NONE;
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;
    use proptest::prelude::*;
    use types::{Px, Side};

    fn walk(nodes: &Nodes, ladder: &Ladder) -> Vec<u32> {
        let mut cursor = Cursor::start(ladder);
        core::iter::from_fn(|| nodes.step(&mut cursor)).collect()
    }

    /// Every node but the root keeps the minimum; gives how many nodes there are.
    fn count_nodes(nodes: &Nodes, ladder: &Ladder, id: u32, height: u32) -> usize {
        let node = &nodes.0[id];
        let least = match (id == ladder.root, height) {
            (false, _) => FILL_MIN,
            (true, 0) => 1,
            (true, _) => 2,
        };
        assert!(least <= node.len as usize, "{} entries at height {height}", node.len);
        if height == 0 {
            return 1;
        }
        let children = &node.ids[..node.len as usize];
        1 + children.iter().map(|&id| count_nodes(nodes, ladder, id, height - 1)).sum::<usize>()
    }

    /// One ladder that may take all nodes, changed by `toggles` and compared with a map.
    fn run(toggles: impl IntoIterator<Item = i64>, levels_max: usize) {
        let mut nodes = Nodes::new(levels_max, 1);
        let (mut ladder, mut twin) = (Ladder::EMPTY, BTreeMap::new());
        for (key, id) in toggles.into_iter().zip(1u32..) {
            match nodes.find(&ladder, key) {
                Place::Level(id) => {
                    assert_eq!(twin.remove(&key), Some(id));
                    nodes.remove(&mut ladder, key);
                }
                Place::Gap(_) if twin.len() == levels_max => {}
                Place::Gap(gap) => {
                    assert_eq!(twin.insert(key, id), None);
                    nodes.insert(&mut ladder, gap, key, id);
                }
            }
            assert!(walk(&nodes, &ladder).iter().eq(twin.values().rev()));
            assert_eq!(ladder.len(), twin.len());
            let best = twin.last_key_value().map(|(&key, &id)| (key, id));
            assert_eq!(best.is_none(), ladder.best() == NONE);
            if let Some(best) = best {
                assert_eq!((ladder.best_key(), ladder.best()), best);
                let count = count_nodes(&nodes, &ladder, ladder.root, ladder.height);
                assert_eq!(count, nodes.0.live(), "a node leaked");
            } else {
                assert_eq!(nodes.0.live(), 0, "a node leaked");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_ladder_equals_a_sorted_map(
            toggles in prop::collection::vec(0..400i64, 0..1500),
        ) {
            run(toggles, 400);
        }

        #[test]
        fn extreme_prices_are_prices(
            toggles in prop::collection::vec(
                prop_oneof![any::<i64>(), Just(i64::MAX), Just(i64::MIN), Just(0)], 0..300),
        ) {
            run(toggles, 300);
        }

        #[test]
        fn a_key_orders_like_the_price_and_comes_back(a: i64, b: i64) {
            let (a, b) = (Px::from_raw(a), Px::from_raw(b));
            prop_assert_eq!(key_of(Side::Buy, a) < key_of(Side::Buy, b), a < b);
            prop_assert_eq!(key_of(Side::Sell, a) < key_of(Side::Sell, b), b < a);
            for side in Side::BOTH {
                prop_assert_eq!(px_of(side, key_of(side, a)), a);
            }
        }
    }

    /// Fill, then empty, from either end, from the middle, and by a stride: the shapes that leave
    /// most nodes at their minimum. The pool must be enough for each.
    #[test]
    fn the_pool_holds_every_shape() {
        let count = 1200i64;
        let up = || 0..count;
        let down = || (0..count).rev();
        let stride = || (0..count).map(move |n| n * 7 % count);
        let thin = || (0..count).filter(|n| n % 3 != 0);
        run(up().chain(up()), 1200);
        run(up().chain(down()), 1200);
        run(down().chain(up()), 1200);
        run(stride().chain(down()), 1200);
        run(up().chain(stride()), 1200);
        run(up().chain(thin()).chain(thin()), 1200);
    }
}
