//! A price level as it is stored, and the walk over a side from its best level.

use types::{Qty, Side};

use crate::Level;
use crate::arena::{Linked, NONE};
use crate::ladder::{Cursor, Ladder, px_of};
use crate::levels::Levels;

/// A price level: its sums and, in a book of orders, its queue. Half a cache line.
#[derive(Clone)]
#[repr(C, align(32))]
pub(crate) struct Rung {
    pub(crate) key: i64,
    pub(crate) qty: u64,
    /// The order that trades first.
    pub(crate) head: u32,
    /// The order that joined last.
    pub(crate) tail: u32,
    pub(crate) orders: u32,
    /// Its book and side: twice the instrument's slot, plus the side.
    pub(crate) ladder: u32,
}

const _: () = assert!(size_of::<Rung>() == 32);

impl Linked for Rung {
    const BLANK: Self = Self::empty(0, 0);
    fn link(&self) -> u32 {
        self.head
    }
    fn set_link(&mut self, next: u32) {
        self.head = next;
    }
}

impl Rung {
    /// Nothing at `key` yet.
    pub(crate) const fn empty(key: i64, ladder: u32) -> Self {
        Self { key, qty: 0, head: NONE, tail: NONE, orders: 0, ladder }
    }

    /// As seen from outside.
    pub(crate) const fn level(&self, side: Side) -> Level {
        Level { px: px_of(side, self.key), qty: Qty::new(self.qty), orders: self.orders }
    }
}

/// The levels of one side of one book, from the best. Made by `depth` of a set of books.
#[derive(Clone)]
pub struct Depth<'a> {
    levels: &'a Levels,
    cursor: Cursor,
    side: Side,
}

impl<'a> Depth<'a> {
    /// Of `ladder`; of nothing without one.
    pub(crate) fn new(levels: &'a Levels, ladder: Option<&Ladder>, side: Side) -> Self {
        Self { levels, cursor: ladder.map_or(Cursor::END, Cursor::start), side }
    }

    /// The next level as it is stored.
    pub(crate) fn next_rung(&mut self) -> Option<&'a Rung> {
        self.levels.nodes.step(&mut self.cursor).map(|id| &self.levels.rungs[id])
    }
}

impl Iterator for Depth<'_> {
    type Item = Level;

    fn next(&mut self) -> Option<Level> {
        let side = self.side;
        self.next_rung().map(|rung| rung.level(side))
    }
}
