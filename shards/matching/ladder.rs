//! One side of one book: its price levels, best first, each a queue of orders.
//!
//! A level's place counts ticks from the best price that the window holds, so that a lower place is
//! a better price on either side and one code serves both. Places inside the window are an array
//! under a bitmap; the few outside are a short sorted list: nothing about a price far away is fast,
//! nor has to be, but it is as right as any other.

use alloc::vec;
use alloc::vec::Vec;

use types::Side;

use crate::bitmap::Bitmap;
use crate::orders::{NONE, Orders};
use crate::{Rules, Tick};

/// The best place of a ladder without orders: worse than every price.
pub(crate) const EMPTY: i32 = i32::MAX;
/// How far a market order goes: past every price, but not into an empty ladder.
pub(crate) const ANY: i32 = EMPTY - 1;
/// How far an order goes that may not go at all: not even to the best price.
pub(crate) const NOWHERE: i32 = i32::MIN;
/// No order stands further from the window than this.
pub(crate) const FAR_MAX: i64 = 1 << 30;
/// No reference is further from 0 than this: half ticks around it fit.
const REFERENCE_MAX: u64 = 1 << 61;

/// The orders of one price, and their shares.
#[derive(Clone)]
#[repr(C)]
pub(crate) struct Level {
    pub(crate) head: u32,
    pub(crate) tail: u32,
    pub(crate) qty: u64,
}

/// Bytes of a price within the window, and of one outside.
pub(crate) const LEVEL_BYTES: usize = size_of::<Level>();
pub(crate) const FAR_BYTES: usize = size_of::<(i32, Level)>();
const _: () = assert!(LEVEL_BYTES == 16);

impl Level {
    const EMPTY: Self = Self { head: NONE, tail: NONE, qty: 0 };
}

/// One side.
pub(crate) struct Ladder {
    /// The lowest place that is taken; [`EMPTY`] where none is.
    best: i32,
    /// The tick of place 0, and the tick's step from one place to the next.
    zero: i64,
    step: i64,
    window: Vec<Level>,
    taken: Bitmap,
    /// Levels outside the window, by place.
    far: Vec<(i32, Level)>,
    /// How many those may be; a `Vec` may have made room for more.
    far_max: usize,
}

impl Ladder {
    /// An empty side. Writes its window, so that no page fault is left for later.
    pub(crate) fn new(side: Side, rules: &Rules) -> Self {
        let reference = rules.reference.get();
        assert!(reference.unsigned_abs() <= REFERENCE_MAX, "a reference of {reference} ticks");
        let low = reference - i64::from(rules.window / 2);
        let (zero, step) = match side {
            Side::Buy => (low + i64::from(rules.window) - 1, -1),
            Side::Sell => (low, 1),
        };
        Self {
            best: EMPTY,
            zero,
            step,
            window: vec![Level::EMPTY; rules.window as usize],
            taken: Bitmap::new(rules.window),
            far: Vec::with_capacity(rules.far_levels as usize),
            far_max: rules.far_levels as usize,
        }
    }

    /// The lowest place that is taken; [`EMPTY`] where none is.
    #[inline(always)]
    pub(crate) const fn best(&self) -> i32 {
        self.best
    }

    /// Where a price stands; `None` where it is too far away for any book. A price of the other side's
    /// orders has a place here too: how far they may go.
    #[inline(always)]
    pub(crate) fn place(&self, tick: Tick) -> Option<i32> {
        let place = tick.get().checked_sub(self.zero)?.checked_mul(self.step)?;
        // Below 2^30 either way, and so an i32 that is neither ANY nor EMPTY.
        (-FAR_MAX < place && place < FAR_MAX).then_some(place as i32)
    }

    /// What stands at a place.
    #[inline(always)]
    pub(crate) fn tick(&self, place: i32) -> Tick {
        Tick::new(self.zero + self.step * i64::from(place))
    }

    /// Where a price of half ticks stands, in half places.
    pub(crate) const fn place2(&self, half_ticks: i64) -> i64 {
        (half_ticks - 2 * self.zero) * self.step
    }

    /// What stands at a half place, in half ticks.
    pub(crate) const fn half_ticks(&self, place2: i64) -> i64 {
        2 * self.zero + self.step * place2
    }

    /// The level of a place, where it is in the window.
    #[inline(always)]
    fn near(&self, place: i32) -> Option<u32> {
        let place = place as u32; // a place before the window is beyond its end
        ((place as usize) < self.window.len()).then_some(place)
    }

    /// The shares at a place.
    pub(crate) fn qty(&self, place: i32) -> u64 {
        self.level(place).map_or(0, |level| level.qty)
    }

    pub(crate) fn level(&self, place: i32) -> Option<&Level> {
        if let Some(near) = self.near(place) {
            return self.window.get(near as usize);
        }
        let at = self.far.binary_search_by_key(&place, |far| far.0).ok()?;
        Some(&self.far[at].1)
    }

    /// The level of a place that is taken.
    #[inline(always)]
    pub(crate) fn level_mut(&mut self, place: i32) -> &mut Level {
        match self.near(place) {
            Some(near) => &mut self.window[near as usize],
            None => self.far_mut(place),
        }
    }

    #[cold]
    fn far_mut(&mut self, place: i32) -> &mut Level {
        match self.far.binary_search_by_key(&place, |far| far.0) {
            Ok(at) => &mut self.far[at].1,
            Err(_) => unreachable!("an order rests at a level that is not there"),
        }
    }

    /// Whether a place lies outside the window.
    pub(crate) fn is_far(&self, place: i32) -> bool {
        self.near(place).is_none()
    }

    /// Whether an order could rest at a place.
    #[inline(always)]
    pub(crate) fn has_room(&self, place: i32) -> bool {
        self.near(place).is_some() || self.has_far_room(place)
    }

    #[cold]
    fn has_far_room(&self, place: i32) -> bool {
        self.far.len() < self.far_max || self.far.binary_search_by_key(&place, |far| far.0).is_ok()
    }

    /// The next taken place after one.
    #[inline(always)]
    pub(crate) fn after(&self, place: i32) -> i32 {
        let near = match self.near(place) {
            Some(near) => self.taken.after(near),
            None if place < 0 => self.taken.first(),
            None => None,
        };
        // A place in the window is below 2^18.
        let near = near.map_or(EMPTY, |near| near as i32);
        if self.far.is_empty() { near } else { self.far_after(place).min(near) }
    }

    #[cold]
    fn far_after(&self, place: i32) -> i32 {
        let behind = self.far.partition_point(|far| far.0 <= place);
        self.far.get(behind).map_or(EMPTY, |far| far.0)
    }

    /// Puts an order, whose place and shares are set, at the end of its level's queue. There must be
    /// room.
    #[inline(always)]
    pub(crate) fn join(&mut self, orders: &mut Orders, id: u32) {
        let (place, qty) = (orders[id].place, orders[id].qty);
        self.best = self.best.min(place);
        let level = match self.near(place) {
            Some(near) => {
                self.taken.set(near);
                &mut self.window[near as usize]
            }
            None => self.far_or_new(place),
        };
        let tail = level.tail;
        level.tail = id;
        level.qty += u64::from(qty);
        orders[id].ahead = tail;
        orders[id].behind = NONE;
        if tail == NONE {
            level.head = id;
        } else {
            orders[tail].behind = id;
        }
    }

    #[cold]
    fn far_or_new(&mut self, place: i32) -> &mut Level {
        let at = match self.far.binary_search_by_key(&place, |far| far.0) {
            Ok(at) => at,
            Err(at) => {
                assert!(self.far.len() < self.far_max, "room was asked for");
                self.far.insert(at, (place, Level::EMPTY));
                at
            }
        };
        &mut self.far[at].1
    }

    /// Takes an order out of its queue.
    #[inline(always)]
    pub(crate) fn leave(&mut self, orders: &mut Orders, id: u32) {
        let slot = &orders[id];
        let (place, qty, ahead, behind) = (slot.place, slot.qty, slot.ahead, slot.behind);
        let level = self.level_mut(place);
        level.qty -= u64::from(qty);
        if ahead == NONE {
            level.head = behind;
        } else {
            orders[ahead].behind = behind;
        }
        if behind == NONE {
            level.tail = ahead;
            if ahead == NONE {
                self.vacate(place);
            }
        } else {
            orders[behind].ahead = ahead;
        }
    }

    /// Takes out a level whose orders are all gone.
    #[inline(always)]
    pub(crate) fn vacate(&mut self, place: i32) {
        match self.near(place) {
            Some(near) => {
                self.window[near as usize] = Level::EMPTY;
                self.taken.clear(near);
            }
            None => self.vacate_far(place),
        }
        if place == self.best {
            self.best = self.after(place);
        }
    }

    #[cold]
    fn vacate_far(&mut self, place: i32) {
        if let Ok(at) = self.far.binary_search_by_key(&place, |far| far.0) {
            self.far.remove(at);
        }
    }
}
