//! Orders with terms in the order in which a taker meets them, however the quote moves.
//!
//! Those of one side that follow the same quote are one queue: by how much less eager than it, then by
//! limit, then by time. A quote that moves leaves the queue as it is, as it moves all of them; where one
//! stands is asked when somebody looks. Of all below an entry its tree keeps how eager they can be, how
//! few shares one takes and how many one has, so that a search passes by what cannot be the answer.
//!
//! A search looks at a number of orders that grows with the logarithm of the queue where limits, offsets
//! and minimums are alike, or do not stand in its way; otherwise at those too of which the sums leave it
//! open, and at worst at all of the queue.

use types::FirmId;

use crate::ladder::{EMPTY, FAR_MAX};
use crate::orders::NONE;
use crate::tree::{Sum, Tree};
use crate::{Peg, PegTo};

/// Which queue of its side an order is in.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Hidden, at its limit.
    Limit = 0,
    /// Hidden, and follows its own side's quote.
    Primary = 1,
    /// The other side's.
    Market = 2,
    /// The middle of both.
    Midpoint = 3,
    /// It shows something, at its limit.
    Shown = 4,
}

impl Kind {
    /// Of those that are not shown.
    pub(crate) const HIDDEN: [Self; 4] = [Self::Limit, Self::Primary, Self::Market, Self::Midpoint];
    pub(crate) const COUNT: usize = 5;

    pub(crate) const fn of_peg(peg: Option<Peg>) -> Self {
        match peg {
            None => Self::Limit,
            Some(Peg { to: PegTo::Primary, .. }) => Self::Primary,
            Some(Peg { to: PegTo::Market, .. }) => Self::Market,
            Some(Peg { to: PegTo::Midpoint, .. }) => Self::Midpoint,
        }
    }
}

/// What a search asks of one order.
#[derive(Clone, Copy)]
pub(crate) struct Ranked {
    /// How many ticks less eager than its quote it is.
    pub(crate) offset: i32,
    /// The place of its limit; [`Ranked::ANY`] for a peg without one.
    pub(crate) limit: i32,
    /// The place up to which it has discretion; [`EMPTY`] where it has none.
    pub(crate) discretion: i32,
    /// It trades with no fewer shares.
    pub(crate) least: u32,
    /// Its open shares.
    pub(crate) qty: u32,
    pub(crate) firm: FirmId,
}

impl Ranked {
    /// No limit: every place is worse.
    pub(crate) const ANY: i32 = i32::MIN;
    pub(crate) const BLANK: Self = Self {
        offset: 0,
        limit: Self::ANY,
        discretion: EMPTY,
        least: 0,
        qty: 0,
        firm: FirmId::new(0),
    };

    /// Its rank in its queue.
    pub(crate) const fn rank(&self) -> u64 {
        // Flipping the sign's bit keeps the order of signed numbers among unsigned ones.
        let [offset, limit] = [self.offset as u32 ^ 1 << 31, self.limit as u32 ^ 1 << 31];
        (offset as u64) << 32 | limit as u64
    }
}

/// What is said of several: the lowest and the highest.
#[derive(Clone, Copy)]
pub(crate) struct Ranks {
    offset: [i32; 2],
    limit: [i32; 2],
    turn: [u64; 2],
    discretion: i32,
    least: u32,
    qty: u32,
    /// One bit for each firm, some share one.
    firms: u64,
}

impl Ranks {
    /// No one trades with fewer shares.
    pub(crate) const fn least(&self) -> u32 {
        self.least
    }

    /// No one has more.
    pub(crate) const fn most(&self) -> u32 {
        self.qty
    }

    /// No one is more eager, beside its quote.
    pub(crate) const fn offset(&self) -> i32 {
        self.offset[0]
    }

    /// Whether one of them has a limit.
    pub(crate) const fn has_limits(&self) -> bool {
        self.limit[1] != Ranked::ANY
    }
}

const fn bit(firm: FirmId) -> u64 {
    1 << (firm.get() % 64)
}

impl Sum for Ranks {
    type Own = Ranked;

    fn of(turn: u64, own: &Ranked) -> Self {
        let &Ranked { offset, limit, discretion, least, qty, firm } = own;
        let firms = bit(firm);
        let (offset, limit, turn) = ([offset; 2], [limit; 2], [turn; 2]);
        Self { offset, limit, turn, discretion, least, qty, firms }
    }

    fn with(self, others: Self) -> Self {
        fn ends<T: Ord + Copy>(one: [T; 2], other: [T; 2]) -> [T; 2] {
            [one[0].min(other[0]), one[1].max(other[1])]
        }
        Self {
            offset: ends(self.offset, others.offset),
            limit: ends(self.limit, others.limit),
            turn: ends(self.turn, others.turn),
            discretion: self.discretion.min(others.discretion),
            least: self.least.min(others.least),
            qty: self.qty.max(others.qty),
            firms: self.firms | others.firms,
        }
    }
}

/// Where the orders of one queue stand, before their offsets and limits; in half places, a higher one is
/// worse.
#[derive(Clone, Copy)]
pub(crate) struct Base {
    pub(crate) followed2: i64,
    /// None stands before this.
    pub(crate) floor2: i64,
}

impl Base {
    /// Of those that follow nothing.
    pub(crate) const LIMITS: Self = Self { followed2: i64::MIN, floor2: i64::MIN };

    /// The half place of an offset and a limit.
    pub(crate) fn place2(self, offset: i32, limit: i32) -> i64 {
        let follows = self.followed2.saturating_add(2 * i64::from(offset)).max(self.floor2);
        if limit == Ranked::ANY { follows } else { follows.max(2 * i64::from(limit)) }
    }
}

/// Whether an order can stand at a half place.
pub(crate) const fn is_place(place2: i64) -> bool {
    -2 * FAR_MAX < place2 && place2 < 2 * FAR_MAX
}

/// Which of the orders that are not shown goes first: the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    pub(crate) place2: i64,
    by_discretion: bool,
    of_another_firm: bool,
    seq: u64,
}

impl Rank {
    /// Better than all that stands at a half place, and worse than all before it.
    pub(crate) const fn before(place2: i64) -> Self {
        Self { place2: place2 - 1, by_discretion: true, of_another_firm: true, seq: u64::MAX }
    }
}

/// Which goes first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The better price; then by policy, then who came first.
    Price,
    /// Who came first, whatever the price.
    Time,
    /// Of those that only their discretion lets trade: as by price, and all stand where they meet.
    Discretion,
}

/// What is looked for.
#[derive(Clone, Copy)]
pub(crate) struct Search {
    pub(crate) by: By,
    /// At this half place or a better one.
    pub(crate) to2: i64,
    /// Up to which half place discretion goes.
    pub(crate) discretion2: i64,
    /// One that trades with so many shares.
    pub(crate) leaves: u32,
    /// One that has so many shares.
    pub(crate) least: u32,
    /// One that came no earlier.
    pub(crate) since: u64,
    /// One that came earlier.
    pub(crate) before: u64,
    /// One behind this one.
    pub(crate) after: Option<Rank>,
    /// Whose go first at one price.
    pub(crate) firm: Option<FirmId>,
}

impl Search {
    /// Any order, the best one.
    pub(crate) const BEST: Self = Self {
        by: By::Price,
        to2: i64::MAX,
        discretion2: i64::MIN,
        leaves: u32::MAX,
        least: 0,
        since: 0,
        before: u64::MAX,
        after: None,
        firm: None,
    };

    const fn ranked(&self, place2: i64, of_another_firm: bool, seq: u64) -> Rank {
        match self.by {
            By::Price => Rank { place2, by_discretion: false, of_another_firm, seq },
            By::Time => Rank { place2: 0, by_discretion: false, of_another_firm: false, seq },
            By::Discretion => {
                Rank { place2: self.discretion2, by_discretion: true, of_another_firm, seq }
            }
        }
    }

    /// Whether it is one that only its discretion lets trade.
    const fn is_by_discretion(&self, discretion: i32, place2: i64) -> bool {
        discretion != EMPTY
            && 2 * discretion as i64 <= self.discretion2
            && self.discretion2 < place2
    }

    /// The best that could be among several; `None` where none of them is looked for.
    fn bound(&self, base: Base, sum: &Ranks) -> Option<Rank> {
        let best2 = base.place2(sum.offset[0], sum.limit[0]);
        let worst2 = base.place2(sum.offset[1], sum.limit[1]);
        let may = match self.by {
            By::Price | By::Time => best2 <= self.to2,
            By::Discretion => self.is_by_discretion(sum.discretion, worst2),
        };
        let [first, last] = sum.turn;
        let fits = sum.least <= self.leaves
            && self.least <= sum.qty
            && self.since <= last
            && first < self.before;
        let is_of = |firm: FirmId| sum.firms & bit(firm) != 0;
        let best = self.ranked(best2, self.firm.is_some_and(|firm| !is_of(firm)), first);
        let worst = self.ranked(worst2, self.firm.is_some(), last);
        (may && fits && self.after.is_none_or(|after| after < worst)).then_some(best)
    }

    fn one(&self, base: Base, turn: u64, own: &Ranked) -> Option<Rank> {
        let place2 = base.place2(own.offset, own.limit);
        let is_met = match self.by {
            By::Price | By::Time => place2 <= self.to2 && is_place(place2),
            By::Discretion => self.is_by_discretion(own.discretion, place2),
        };
        let fits = own.least <= self.leaves
            && self.least <= own.qty
            && self.since <= turn
            && turn < self.before;
        let rank = self.ranked(place2, self.firm.is_some_and(|firm| firm != own.firm), turn);
        (is_met && fits && self.after.is_none_or(|after| after < rank)).then_some(rank)
    }

    /// The first that is looked for of a queue, if it goes before `best`.
    pub(crate) fn of(
        &self,
        tree: &Tree<Ranks>,
        root: u32,
        base: Base,
        best: Option<(Rank, u32)>,
    ) -> Option<(Rank, u32)> {
        if root == NONE {
            return best;
        }
        let bound = self.bound(base, tree.see(root).sum);
        self.below(tree, (bound, root), base, best)
    }

    /// `root`: with the best that there can be.
    fn below(
        &self,
        tree: &Tree<Ranks>,
        (bound, root): (Option<Rank>, u32),
        base: Base,
        mut best: Option<(Rank, u32)>,
    ) -> Option<(Rank, u32)> {
        let Some(bound) = bound else { return best };
        if best.is_some_and(|(best, _)| best <= bound) {
            return best;
        }
        let seen = tree.see(root);
        if let Some(rank) = self.one(base, seen.turn, seen.own)
            && best.is_none_or(|(best, _)| rank < best)
        {
            best = Some((rank, root));
        }
        let mut ways = [seen.left, seen.right].map(|id| {
            let bound = if id == NONE { None } else { self.bound(base, tree.see(id).sum) };
            (bound, id)
        });
        // The side that may have the better one first; one that cannot have any is left at once.
        if let [(Some(left), _), (Some(right), _)] = ways
            && right < left
        {
            ways.swap(0, 1);
        }
        for way in ways {
            best = self.below(tree, way, base, best);
        }
        best
    }
}
