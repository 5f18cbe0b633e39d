//! An order of which a part is shown at a time. When what is shown is gone, the next part goes to the
//! end of the queue; the orders behind it go first.

use crate::{Display, OrderKey, Out, Report, market::Market};

/// Into how many parts an order may be cut at most: a command's work is bounded by it.
pub(crate) const SHOWINGS_MAX: u32 = 10_000;

/// A stream of draws from a seed (SplitMix64): the same seed, the same draws.
#[derive(Clone)]
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ x >> 31
    }

    /// A number from the one to the other, both included; not all numbers there are.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// How much of `left` open shares is shown next: at least 1, where there is one.
    pub(crate) fn showing(&mut self, display: Display, left: u32) -> u32 {
        let (show, random) = match display {
            Display::Whole => return left,
            Display::Hidden => return 0,
            Display::Reserve { show, random } => (show, random),
        };
        if random == 0 {
            return show.min(left);
        }
        let low = u64::from(show.saturating_sub(random).max(1));
        let high = u64::from(show) + u64::from(random);
        let drawn = self.between(low, high);
        left.min(u32::try_from(drawn).unwrap_or(u32::MAX))
    }
}

impl Market {
    /// What was shown of a reserve is gone: shows the next part, at the end of the queue.
    pub(crate) fn show_next(&mut self, id: u32, out: &mut impl Out) {
        let slot = &mut self.orders[id];
        let (side, place, key) = (slot.side(), slot.place, OrderKey::new(slot.key));
        let Some(special) = slot.special() else {
            unreachable!("a reserve is flagged");
        };
        let special = &mut self.specials[special];
        let book = &mut self.books[slot.instrument().index()];
        let qty = special.unshown;
        let shown = book.draws.showing(special.terms.display, qty);
        special.unshown -= shown;
        let ladder = &mut book.ladders[side as usize];
        ladder.leave(&mut self.orders, id);
        self.orders[id].qty = shown;
        ladder.join(&mut self.orders, id);
        out.push(Report::Rested { order: key, side, tick: ladder.tick(place), qty, shown });
    }
}
