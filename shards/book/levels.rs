//! The price levels of all books: found by price in a hash table, sorted by trees.
//!
//! Most orders join a level that is there, which costs one look-up whatever its distance from the
//! best. Only a level that comes or goes touches the tree of its side.

use crate::Level;
use crate::arena::{NONE, Pool};
use crate::index::{Home, Index, Probe};
use crate::ladder::{Ladder, Nodes, Place, side_of};
use crate::rung::Rung;

/// Levels, their order, and where they are.
pub(crate) struct Levels {
    pub(crate) rungs: Pool<Rung>,
    pub(crate) nodes: Nodes,
    index: Index,
}

impl Levels {
    /// Room for `levels` levels on `ladders` ladders.
    pub(crate) fn new(levels: usize, ladders: usize) -> Self {
        Self {
            rungs: Pool::new(levels),
            nodes: Nodes::new(levels, ladders),
            index: Index::new(levels),
        }
    }

    /// The level of `owner`'s ladder at `key`.
    #[inline(always)]
    pub(crate) fn find(&self, ladder: &Ladder, owner: u32, key: i64) -> Option<u32> {
        if ladder.best_key() == key && ladder.best() != NONE {
            return Some(ladder.best());
        }
        let found = self.index.find(self.home(owner, key), |id| {
            let rung = &self.rungs[id];
            rung.key == key && rung.ladder == owner
        })?;
        Some(found.slot)
    }

    /// A level that was not there; `None` where every slot is taken.
    #[inline(never)]
    pub(crate) fn make(&mut self, ladder: &mut Ladder, owner: u32, key: i64) -> Option<u32> {
        let gap = match self.nodes.find(ladder, key) {
            Place::Gap(gap) => gap,
            Place::Level(id) => unreachable!("level {id} is in its tree but not in the table"),
        };
        let id = self.rungs.take()?;
        self.rungs[id] = Rung::empty(key, owner);
        self.nodes.insert(ladder, gap, key, id);
        self.index.insert(self.home(owner, key), id);
        Some(id)
    }

    /// Takes a level out.
    #[inline(never)]
    pub(crate) fn drop(&mut self, ladder: &mut Ladder, id: u32) {
        let Rung { key, ladder: owner, .. } = self.rungs[id];
        self.nodes.remove(ladder, key);
        if let Some(found) = self.index.find(self.home(owner, key), |other| other == id) {
            self.index.remove(found);
        }
        self.rungs.give(id);
    }

    /// The best level of a ladder.
    #[inline]
    pub(crate) fn best(&self, ladder: &Ladder) -> Option<Level> {
        (ladder.best() != NONE).then(|| {
            let rung = &self.rungs[ladder.best()];
            rung.level(side_of(rung.ladder))
        })
    }

    /// The line to prefetch before a look-up away from the best.
    #[inline(always)]
    pub(crate) fn probe(&self, home: Home) -> &Probe {
        self.index.probe(home)
    }

    /// The level that is likely meant, judging by its index line alone, or none.
    #[inline(always)]
    pub(crate) fn hint(&self, ladder: &Ladder, home: Home, key: i64) -> u32 {
        if ladder.best_key() == key {
            return ladder.best();
        }
        self.index.hint(home)
    }

    /// Where a level is looked for.
    #[inline(always)]
    pub(crate) fn home(&self, owner: u32, key: i64) -> Home {
        // Another odd number than the index multiplies with, so that neither ladders nor prices line up.
        self.index.home(key as u64 ^ u64::from(owner).wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    /// Takes everything out; every ladder must be emptied with it.
    pub(crate) fn clear(&mut self) {
        self.rungs.clear();
        self.nodes.clear();
        self.index.clear();
    }

    /// Live levels.
    pub(crate) const fn live(&self) -> usize {
        self.rungs.live()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.rungs.bytes() + self.nodes.bytes() + self.index.bytes()
    }
}
