//! Ordered queues in one pool: who waits, in the order in which they are due. For what is off the
//! path: stops, orders for a cross, times.
//!
//! An AA tree (Andersson 1993) in an arena: every change takes a number of steps that grows with the
//! logarithm of the queue, whatever order things come in. A queue is named by its root, which
//! whoever owns it keeps.

use alloc::vec;
use alloc::vec::Vec;

use crate::orders::NONE;

#[derive(Clone, Copy)]
struct Node {
    /// Lowest first.
    rank: u64,
    /// Among equal ranks, lowest first. No two of one queue share both.
    turn: u64,
    left: u32,
    right: u32,
    level: u32,
}

/// The arena. What an entry is, its owner knows by its number.
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// Room for entries 0 to `capacity` less one.
    pub(crate) fn new(capacity: u32) -> Self {
        let blank = Node { rank: 0, turn: 0, left: NONE, right: NONE, level: 0 };
        Self { nodes: vec![blank; capacity as usize] }
    }

    fn at(&self, id: u32) -> &Node {
        &self.nodes[id as usize]
    }

    fn at_mut(&mut self, id: u32) -> &mut Node {
        &mut self.nodes[id as usize]
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
    pub(crate) fn insert(&mut self, root: &mut u32, id: u32, rank: u64, turn: u64) {
        *self.at_mut(id) = Node { rank, turn, left: NONE, right: NONE, level: 1 };
        *root = self.insert_below(*root, id);
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
        right
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;
    use crate::orders::NONE;
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn depth(tree: &Tree, root: u32) -> u32 {
        if root == NONE {
            return 0;
        }
        1 + depth(tree, tree.at(root).left).max(depth(tree, tree.at(root).right))
    }

    proptest! {
        #[test]
        fn a_queue_is_a_sorted_map(steps in prop::collection::vec((0..64u32, 0..20u64), 0..500)) {
            let (mut tree, mut root) = (Tree::new(64), NONE);
            let mut twin: BTreeMap<(u64, u64), u32> = BTreeMap::new();
            for (turn, (id, rank)) in (0u64..).zip(steps) {
                if let Some(key) = twin.iter().find(|entry| *entry.1 == id).map(|entry| *entry.0) {
                    twin.remove(&key);
                    tree.remove(&mut root, id);
                } else {
                    twin.insert((rank, turn), id);
                    tree.insert(&mut root, id, rank, turn);
                }
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
