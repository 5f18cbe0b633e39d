//! Ordered queues in one pool: who waits, in the order in which they are due. For what is off the
//! path: stops, orders for a cross, times, what is not shown.
//!
//! An AA tree (Andersson 1993) in an arena: every change takes a number of steps that grows with the
//! logarithm of the queue, whatever order things come in. A queue is named by its root, which
//! whoever owns it keeps. Each entry may keep the sum of what is said of it and of all below it, so that
//! whoever looks for one passes by those below which there is none.

use alloc::vec;
use alloc::vec::Vec;

use crate::orders::NONE;

/// What can be said of several entries at once.
pub(crate) trait Sum: Copy {
    /// What is said of one.
    type Own: Copy;

    /// Of one alone.
    fn of(turn: u64, own: &Self::Own) -> Self;

    /// Of these and others.
    fn with(self, others: Self) -> Self;
}

/// Nothing.
impl Sum for () {
    type Own = ();

    fn of(_: u64, (): &()) {}

    fn with(self, (): ()) {}
}

#[derive(Clone, Copy)]
struct Node<S: Sum> {
    /// Lowest first.
    rank: u64,
    /// Among equal ranks, lowest first. No two of one queue share both.
    turn: u64,
    left: u32,
    right: u32,
    level: u32,
    own: S::Own,
    /// Of it and all below it.
    sum: S,
}

/// One entry as a search sees it.
pub(crate) struct Seen<'a, S: Sum> {
    pub(crate) turn: u64,
    pub(crate) own: &'a S::Own,
    /// Of it and all below it.
    pub(crate) sum: &'a S,
    pub(crate) left: u32,
    pub(crate) right: u32,
}

/// How many entries were looked at, where a test asks.
#[derive(Default)]
pub(crate) struct Visits {
    #[cfg(test)]
    pub(crate) count: core::cell::Cell<u64>,
}

impl Visits {
    #[inline(always)]
    pub(crate) fn one_more(&self) {
        #[cfg(test)]
        self.count.set(self.count.get() + 1);
    }
}

/// The arena. What an entry is, its owner knows by its number.
pub(crate) struct Tree<S: Sum = ()> {
    nodes: Vec<Node<S>>,
    visits: Visits,
}

impl Tree {
    /// Room for entries 0 to `capacity` less one.
    pub(crate) fn new(capacity: u32) -> Self {
        Self::with_sums(capacity, ())
    }

    /// Puts an entry that is in no queue into that of `root`.
    pub(crate) fn insert(&mut self, root: &mut u32, id: u32, rank: u64, turn: u64) {
        self.insert_with(root, id, rank, turn, ());
    }
}

impl<S: Sum> Tree<S> {
    /// As [`Tree::new`]. `blank`: what is said of nobody.
    pub(crate) fn with_sums(capacity: u32, blank: S::Own) -> Self {
        let (left, right, sum) = (NONE, NONE, S::of(0, &blank));
        let blank = Node { rank: 0, turn: 0, left, right, level: 0, own: blank, sum };
        Self { nodes: vec![blank; capacity as usize], visits: Visits::default() }
    }

    fn at(&self, id: u32) -> &Node<S> {
        self.visits.one_more();
        &self.nodes[id as usize]
    }

    fn at_mut(&mut self, id: u32) -> &mut Node<S> {
        &mut self.nodes[id as usize]
    }

    /// How many entries were looked at so far.
    #[cfg(test)]
    pub(crate) fn visits(&self) -> u64 {
        self.visits.count.get()
    }

    /// An entry that is in a queue.
    pub(crate) fn see(&self, id: u32) -> Seen<'_, S> {
        let &Node { turn, left, right, ref own, ref sum, .. } = self.at(id);
        Seen { turn, own, sum, left, right }
    }

    /// Bytes that an entry takes.
    pub(crate) const ENTRY: usize = size_of::<Node<S>>();

    /// Sums up an entry and what is below it.
    fn pull(&mut self, id: u32) {
        let Node { turn, left, right, ref own, .. } = *self.at(id);
        let mut sum = S::of(turn, own);
        for below in [left, right] {
            if let Some(node) = self.nodes.get(below as usize) {
                sum = sum.with(node.sum); // NONE is beyond the end
            }
        }
        self.at_mut(id).sum = sum;
    }

    fn key(&self, id: u32) -> (u64, u64) {
        (self.at(id).rank, self.at(id).turn)
    }

    fn level(&self, id: u32) -> u32 {
        self.nodes.get(id as usize).map_or(0, |node| node.level) // NONE is beyond the end
    }

    /// The rank of an entry that is in a queue.
    pub(crate) fn rank(&self, id: u32) -> u64 {
        self.at(id).rank
    }

    /// The turn of an entry that is in a queue.
    pub(crate) fn turn(&self, id: u32) -> u64 {
        self.at(id).turn
    }

    /// Puts an entry that is in no queue into that of `root`.
    pub(crate) fn insert_with(
        &mut self,
        root: &mut u32,
        id: u32,
        rank: u64,
        turn: u64,
        own: S::Own,
    ) {
        let (left, right, sum) = (NONE, NONE, S::of(turn, &own));
        *self.at_mut(id) = Node { rank, turn, left, right, level: 1, own, sum };
        *root = self.insert_below(*root, id);
    }

    /// Says something else of an entry of the queue of `root`.
    pub(crate) fn set(&mut self, root: u32, id: u32, own: S::Own) {
        self.at_mut(id).own = own;
        self.pull_to(root, id);
    }

    fn pull_to(&mut self, root: u32, id: u32) {
        let Node { left, right, .. } = *self.at(root);
        if root != id {
            self.pull_to(if self.key(id) < self.key(root) { left } else { right }, id);
        }
        self.pull(root);
    }

    /// Takes an entry out of the queue of `root`, which it is in.
    pub(crate) fn remove(&mut self, root: &mut u32, id: u32) {
        *root = self.remove_below(*root, id);
    }

    /// The first entry; [`NONE`] where there is none.
    pub(crate) fn first(&self, root: u32) -> u32 {
        let mut id = root;
        while id != NONE && self.at(id).left != NONE {
            id = self.at(id).left;
        }
        id
    }

    fn last(&self, root: u32) -> u32 {
        let mut id = root;
        while id != NONE && self.at(id).right != NONE {
            id = self.at(id).right;
        }
        id
    }

    /// The entry behind one; [`NONE`] where there is none.
    pub(crate) fn after(&self, root: u32, id: u32) -> u32 {
        let (key, mut at, mut behind) = (self.key(id), root, NONE);
        while at != NONE {
            if key < self.key(at) {
                behind = at;
                at = self.at(at).left;
            } else {
                at = self.at(at).right;
            }
        }
        behind
    }

    // The depth of both is at most twice the logarithm of the queue: 64.
    fn insert_below(&mut self, root: u32, id: u32) -> u32 {
        if root == NONE {
            return id;
        }
        if self.key(id) < self.key(root) {
            let left = self.insert_below(self.at(root).left, id);
            self.at_mut(root).left = left;
        } else {
            let right = self.insert_below(self.at(root).right, id);
            self.at_mut(root).right = right;
        }
        self.pull(root);
        let root = self.skew(root);
        self.split(root)
    }

    fn remove_below(&mut self, root: u32, id: u32) -> u32 {
        assert!(root != NONE, "the entry is in its queue");
        let Node { left, right, level, .. } = *self.at(root);
        let mut root = root;
        if root != id {
            if self.key(id) < self.key(root) {
                self.at_mut(root).left = self.remove_below(left, id);
            } else {
                self.at_mut(root).right = self.remove_below(right, id);
            }
        } else if left == NONE && right == NONE {
            return NONE;
        } else {
            // Its neighbour on the deeper side takes its place.
            let (neighbour, left, right) = if left == NONE {
                let neighbour = self.first(right);
                (neighbour, left, self.remove_below(right, neighbour))
            } else {
                let neighbour = self.last(left);
                (neighbour, self.remove_below(left, neighbour), right)
            };
            root = neighbour;
            let node = self.at_mut(root);
            (node.left, node.right, node.level) = (left, right, level);
        }
        self.mend(root)
    }

    /// Restores the order of levels under a root that one of its sides grew shorter under.
    fn mend(&mut self, root: u32) -> u32 {
        let Node { left, right, level, .. } = *self.at(root);
        let allowed = self.level(left).min(self.level(right)) + 1;
        if allowed < level {
            self.at_mut(root).level = allowed;
            if allowed < self.level(right) {
                self.at_mut(right).level = allowed;
            }
        }
        self.pull(root);
        let root = self.skew(root);
        let right = self.skew(self.at(root).right);
        self.at_mut(root).right = right;
        if right != NONE {
            let beyond = self.skew(self.at(right).right);
            self.at_mut(right).right = beyond;
        }
        let root = self.split(root);
        let right = self.split(self.at(root).right);
        self.at_mut(root).right = right;
        root
    }

    /// No left child on its parent's level.
    fn skew(&mut self, root: u32) -> u32 {
        if root == NONE {
            return NONE;
        }
        let left = self.at(root).left;
        if left == NONE || self.level(left) != self.level(root) {
            return root;
        }
        self.at_mut(root).left = self.at(left).right;
        self.at_mut(left).right = root;
        self.pull(root);
        self.pull(left);
        left
    }

    /// No two right children in a row on one level.
    fn split(&mut self, root: u32) -> u32 {
        if root == NONE {
            return NONE;
        }
        let right = self.at(root).right;
        if right == NONE || self.level(self.at(right).right) != self.level(root) {
            return root;
        }
        self.at_mut(root).right = self.at(right).left;
        self.at_mut(right).left = root;
        self.at_mut(right).level += 1;
        self.pull(root);
        self.pull(right);
        right
    }
}

#[cfg(test)]
mod tests {
    use super::{Sum, Tree};
    use crate::orders::NONE;
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn depth<S: Sum>(tree: &Tree<S>, root: u32) -> u32 {
        if root == NONE {
            return 0;
        }
        1 + depth(tree, tree.at(root).left).max(depth(tree, tree.at(root).right))
    }

    /// The lowest and the highest number.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Ends(u32, u32);

    impl Sum for Ends {
        type Own = u32;

        fn of(_: u64, own: &u32) -> Self {
            Self(*own, *own)
        }

        fn with(self, others: Self) -> Self {
            Self(self.0.min(others.0), self.1.max(others.1))
        }
    }

    fn adds_up(tree: &Tree<Ends>, root: u32) -> Result<(), TestCaseError> {
        if root == NONE {
            return Ok(());
        }
        let seen = tree.see(root);
        let below = [seen.left, seen.right].into_iter().filter(|below| *below != NONE);
        let sum = below.fold(Ends(root, root), |sum, below| sum.with(*tree.see(below).sum));
        prop_assert_eq!(sum, *seen.sum);
        adds_up(tree, seen.left)?;
        adds_up(tree, seen.right)
    }

    proptest! {
        #[test]
        fn a_queue_is_a_sorted_map(steps in prop::collection::vec((0..64u32, 0..20u64), 0..500)) {
            let (mut tree, mut root) = (Tree::with_sums(64, 0), NONE);
            let mut twin: BTreeMap<(u64, u64), u32> = BTreeMap::new();
            for (turn, (id, rank)) in (0u64..).zip(steps) {
                if let Some(key) = twin.iter().find(|entry| *entry.1 == id).map(|entry| *entry.0) {
                    twin.remove(&key);
                    tree.remove(&mut root, id);
                } else {
                    twin.insert((rank, turn), id);
                    tree.insert_with(&mut root, id, rank, turn, id);
                }
                if let Some((_, id)) = twin.last_key_value() {
                    tree.set(root, *id, *id + 1_000);
                    tree.set(root, *id, *id);
                }
                adds_up(&tree, root)?;
                let first = tree.first(root);
                let queue = core::iter::successors((first != NONE).then_some(first), |id| {
                    let after = tree.after(root, *id);
                    (after != NONE).then_some(after)
                });
                let (got, want): (Vec<u32>, Vec<u32>) = (queue.collect(), twin.values().copied().collect());
                prop_assert_eq!(got, want);
                prop_assert!(depth(&tree, root) <= 2 * (twin.len() + 1).ilog2());
            }
        }
    }

    /// In order of arrival is the worst that a tree without balance can meet.
    #[test]
    fn a_queue_that_comes_sorted_stays_flat() {
        let (mut tree, mut root) = (Tree::new(10_000), NONE);
        for id in 0..10_000 {
            tree.insert(&mut root, id, u64::from(id), 0);
        }
        assert!(depth(&tree, root) <= 26);
        for id in 0..10_000 {
            assert_eq!(tree.first(root), id);
            tree.remove(&mut root, id);
        }
        assert_eq!(root, NONE);
    }
}
