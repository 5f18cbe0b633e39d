//! A generated day, one message at a time: whose turn it is, what happens, and when.
//!
//! Every message is true of the ones before it: orders are executed, reduced and deleted only where
//! they rest, trading hits the front of the best queue, and no order is added at or through the
//! other side. Memory is bounded by the orders that rest. Knows no file and no feed.

use types::{Nanos, Side, Trading};
use wire::itch50::{CrossType, ImbalanceDirection, RegShoAction, RetailInterest};

use super::Options;
use super::dice::{Dice, Weighted};
use super::listing::{self, Listing};
use super::program::{self, DAY, Flow, Happening, Notice, Part};
use super::quote::place;
use super::resting::{Resting, Slot};
use super::tape::{CrossPrint, Fill, Order, Tape};
use crate::failure::Failure;

/// How many messages share one estimate of the mean time between two.
const PACE_EVERY: u64 = 64;
/// Executions that may still be broken.
const RECENT: usize = 16;

/// What a draw asks for; the state of the book may turn it into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Add { attributed: bool },
    Delete,
    Replace,
    Execute,
    ExecuteAt,
    Reduce,
    Trade,
    RetailInterest,
}

/// Draws of 65,536 that give each deed: the mean of the two published censuses, without what the
/// day's program brings (directory, imbalances, auctions, happenings).
const DEEDS: [(u32, Deed); 9] = [
    (28_416, Deed::Delete),
    (29_195, Deed::Add { attributed: false }),
    (5_093, Deed::Replace),
    (1_440, Deed::Execute),
    (777, Deed::Reduce),
    (335, Deed::Add { attributed: true }),
    (265, Deed::Trade),
    (14, Deed::ExecuteAt),
    (1, Deed::RetailInterest),
];

const _: () = {
    let (mut sum, mut row) = (0, 0);
    while row < DEEDS.len() {
        sum += DEEDS[row].0;
        row += 1;
    }
    assert!(sum == 1 << 16);
};

/// Executions of 256 that take all of the order: with the deeds above, as many orders leave as come.
const FILLS_WHOLE: u32 = 196;

/// A seeded synthetic day of TotalView-ITCH 5.0.
///
/// The same options give the same bytes on every machine.
#[derive(Clone, Debug)]
pub struct Day {
    options: Options,
    dice: Dice,
    listings: Vec<Listing>,
    activity: Weighted,
    resting: Resting,
    tape: Tape,
    /// Since midnight.
    now_ns: u64,
    /// Messages given out.
    printed: u64,
    next_reference: u64,
    next_match: u64,
    /// Executions, newest last in ring order: listing and match number.
    recent: [(u16, u64); RECENT],
    executed: usize,
    /// Market maker positions per instrument in the directory.
    makers: u32,
    /// Messages of the day that are orders and trades.
    flowing: u64,
    notices: Vec<Notice>,
    noticed: usize,
    part: usize,
    /// Instrument and step within the part, or messages done in it.
    turn: Turn,
    pace: Pace,
}

/// Where in its part the day is.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    listing: u16,
    step: u32,
    done: u64,
    total: u64,
    /// Shares already executed in the auction under way, and its price.
    crossed: u64,
    price: u32,
}

/// Arrivals: clusters on one instrument, some hot spells, quiet between.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    mean_ns: u64,
    listing: u16,
    hot: bool,
}

impl Day {
    /// A day as `options` say.
    ///
    /// Errors: options that cannot be, as a sentence.
    pub fn new(options: Options) -> Result<Self, Failure> {
        options.check()?;
        let mut dice = Dice::new(options.seed);
        let live = options.live_orders_or_default();
        let (mut listings, activity) = listing::list(&options, live, &mut dice);
        for new in program::new_listings(&options) {
            listings[usize::from(new)].trading = Trading::Halted;
        }
        let symbols = u64::from(options.symbols);
        let makers = (options.messages / 1_250 / symbols).clamp(1, 24);
        // Directory and auctions, with the few messages that stand alone.
        let fixed = symbols * (3 + makers + 2) + 8;
        let flowing = options.messages.saturating_sub(fixed);
        let notices = DAY
            .iter()
            .find_map(|part| match part {
                Part::Flow(flow) if flow.notices => Some(share(flowing, flow)),
                Part::Flow(_)
                | Part::Event { .. }
                | Part::Directory
                | Part::Decline
                | Part::Cross(_) => None,
            })
            .map(|messages| program::plan(&options, messages, &mut dice))
            .unwrap_or_default();
        let mut day = Self {
            options,
            dice,
            listings,
            activity,
            resting: Resting::default(),
            tape: Tape::default(),
            now_ns: 0,
            printed: 0,
            next_reference: 1,
            next_match: 1,
            recent: [(0, 0); RECENT],
            executed: 0,
            makers: makers as u32,
            flowing,
            notices,
            noticed: 0,
            part: 0,
            turn: Turn::default(),
            pace: Pace::default(),
        };
        day.enter();
        Ok(day)
    }

    /// The next message and when it happens, since midnight; `None` when the day is over.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend its buffer")]
    pub fn next(&mut self) -> Option<(Nanos, &[u8])> {
        if self.printed == self.options.messages {
            return None;
        }
        while !self.print() {
            self.part += 1;
            if self.part == DAY.len() {
                self.printed = self.options.messages;
                return None;
            }
            self.enter();
        }
        self.printed += 1;
        Some((Nanos::new(self.now_ns), self.tape.message()))
    }

    /// What it was made from.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Messages given out so far.
    pub fn printed(&self) -> u64 {
        self.printed
    }

    /// Orders that rest now.
    pub fn live_orders(&self) -> usize {
        self.resting.live()
    }

    /// Ticker and locate code of each instrument, in the order of the directory.
    pub fn instruments(&self) -> impl Iterator<Item = (types::Symbol, u16)> + '_ {
        self.listings.iter().map(|listing| (listing.symbol, listing.locate))
    }

    /// A part begins.
    fn enter(&mut self) {
        self.turn = Turn::default();
        self.turn.total = match DAY[self.part] {
            Part::Flow(flow) => {
                let last = !DAY[self.part + 1..].iter().any(|part| matches!(part, Part::Flow(_)));
                // The last stretch takes what the auctions left; two events follow it.
                let left = self.options.messages.saturating_sub(self.printed + 2);
                if last { left } else { share(self.flowing, &flow) }
            }
            Part::Event { .. } | Part::Decline => 1,
            Part::Directory | Part::Cross(_) => u64::from(self.options.symbols),
        };
    }

    /// Prints the part's next message; false where it has none left.
    fn print(&mut self) -> bool {
        if self.turn.done == self.turn.total {
            return false;
        }
        match DAY[self.part] {
            Part::Event { code, at_s } => {
                self.turn.done += 1;
                self.now_ns = self.now_ns.max(at_s * 1_000_000_000);
                self.tape.event(self.now_ns, code);
            }
            Part::Decline => {
                self.turn.done += 1;
                self.now_ns += 1_000;
                self.tape.decline(self.now_ns);
            }
            Part::Directory => self.directory(),
            Part::Cross(kind) => self.cross(kind),
            Part::Flow(flow) => {
                self.arrive(&flow);
                self.flow(&flow);
                self.turn.done += 1;
            }
        }
        true
    }

    fn directory(&mut self) {
        self.now_ns += 2_000 + u64::from(self.dice.below(20_000));
        let listing = &self.listings[usize::from(self.turn.listing)];
        let step = self.turn.step;
        self.turn.step += 1;
        let new = listing.trading != Trading::Open;
        match step {
            0 => self.tape.directory(self.now_ns, listing, new),
            1 if new => self.tape.trading(self.now_ns, listing, Trading::Halted, *b"IPO1"),
            1 => self.tape.trading(self.now_ns, listing, Trading::Open, *b"    "),
            2 => self.tape.short_sale(self.now_ns, listing, RegShoAction::None),
            maker => {
                self.tape.participant(self.now_ns, listing, maker - 3);
                if maker - 2 == self.makers {
                    self.next_instrument();
                }
            }
        }
    }

    fn next_instrument(&mut self) {
        let next = self.turn.listing + 1;
        self.turn = Turn {
            listing: next,
            done: u64::from(next),
            total: self.turn.total,
            ..Turn::default()
        };
    }

    /// One message of an auction: executions at both fronts, not printable, then the bulk print.
    fn cross(&mut self, kind: CrossType) {
        self.now_ns += 200 + u64::from(self.dice.below(2_000));
        let at = usize::from(self.turn.listing);
        let trades = self.listings[at].trading == Trading::Open;
        if self.turn.step == 0 {
            self.turn.price = self.listings[at].middle();
            self.turn.crossed = if trades { 100 * u64::from(self.dice.below(200)) } else { 0 };
            self.turn.step = if trades { 1 + 2 * self.dice.below(6) } else { 1 };
        }
        self.turn.step -= 1;
        if 0 < self.turn.step {
            let side = if self.turn.step.is_multiple_of(2) { Side::Buy } else { Side::Sell };
            // A book of one order a side stays two-sided.
            let listing = &self.listings[at];
            if let Some(slot) = listing.orders.front(side).filter(|_| 8 < listing.orders.len()) {
                let shares = self.resting.order(slot).shares;
                self.turn.crossed += u64::from(shares);
                self.execute_at(at, slot, shares, false, self.turn.price);
                return;
            }
        }
        let match_number = self.next_match();
        let listing = &self.listings[at];
        let (shares, price) = (self.turn.crossed, self.turn.price);
        self.tape.cross(self.now_ns, listing, CrossPrint { shares, price, match_number, kind });
        self.next_instrument();
    }

    /// Time passes and an instrument's turn comes.
    fn arrive(&mut self, flow: &Flow) {
        // Messages that stay with the instrument whose turn it is, of 256.
        const STAY: u32 = 200;
        // Within a cluster, messages are about this far apart.
        const CLUSTER_NS: u64 = 2_000;
        let end_ns = flow.until_s * 1_000_000_000;
        if self.turn.done.is_multiple_of(PACE_EVERY) {
            // What is left of the time over what is left of the messages: the day ends on time
            // whatever was drawn.
            let left = self.turn.total - self.turn.done;
            self.pace.mean_ns = end_ns.saturating_sub(self.now_ns) / left;
        }
        let mean_ns = self.pace.mean_ns;
        let gap_ns = if self.turn.done != 0 && self.dice.chance(STAY) {
            self.dice.exponential(CLUSTER_NS.min(mean_ns / 2))
        } else {
            let next = self.activity.draw(&mut self.dice) as u16;
            self.pace.listing = next;
            // Hot spells are rare, long, and eight times as dense.
            if self.dice.below(512) == 0 {
                self.pace.hot = !self.pace.hot;
            }
            let bits = self.dice.bits();
            if bits & 0x1F == 0 {
                self.listings[usize::from(next)].drift(bits & 0x20 == 0);
            }
            let quiet_ns = mean_ns * 256 / u64::from(256 - STAY);
            self.dice.exponential(if self.pace.hot { quiet_ns / 5 } else { quiet_ns * 8 / 5 })
        };
        self.now_ns = (self.now_ns + gap_ns).min(end_ns);
    }

    fn flow(&mut self, flow: &Flow) {
        if flow.notices && self.notice() {
            return;
        }
        let at = usize::from(self.pace.listing);
        if let Some((kind, of_256)) = flow.imbalance
            && self.dice.chance(of_256)
        {
            let direction = ImbalanceDirection::ALL[self.dice.below(4) as usize];
            let shares = (self.dice.heavy(1 << 20), self.dice.heavy(1 << 18));
            self.tape.imbalance(self.now_ns, &self.listings[at], shares, direction, kind);
            return;
        }
        let mut roll = (self.dice.bits() >> 48) as u32;
        for (odds, deed) in DEEDS {
            if roll < odds {
                return self.act(at, deed);
            }
            roll -= odds;
        }
    }

    /// Does what was drawn, or the nearest thing the book allows.
    fn act(&mut self, at: usize, deed: Deed) {
        let listing = &self.listings[at];
        let live = listing.orders.len();
        let few = live < listing.goal.max(2);
        let open = listing.trading == Trading::Open;
        match deed {
            Deed::Delete if few => self.add(at, false),
            Deed::Delete => self.delete(at),
            Deed::Add { .. } if listing.goal * 9 + 16 < live * 8 => self.delete(at),
            Deed::Add { attributed } => self.add(at, attributed),
            Deed::Replace => self.replace(at),
            Deed::Reduce => self.reduce(at),
            Deed::Execute | Deed::ExecuteAt if open => self.execute(at, deed == Deed::ExecuteAt),
            Deed::Trade if open => self.trade(at),
            Deed::Execute | Deed::ExecuteAt | Deed::Trade => self.add(at, false),
            Deed::RetailInterest => {
                let interest = RetailInterest::ALL[self.dice.below(4) as usize];
                self.tape.retail(self.now_ns, &self.listings[at], interest);
            }
        }
    }

    fn add(&mut self, at: usize, attributed: bool) {
        let listing = &self.listings[at];
        let side = match (listing.orders.best(Side::Buy), listing.orders.best(Side::Sell)) {
            (None, _) => Side::Buy,
            (_, None) => Side::Sell,
            (Some(_), Some(_)) => Side::BOTH[self.dice.below(2) as usize],
        };
        let price = place(&mut self.dice, listing, side);
        let shares = self.dice.shares();
        let reference = self.next_reference(at);
        let listing = &mut self.listings[at];
        self.resting.add(&mut listing.orders, reference, side, price, shares);
        let order = Order { reference, side, shares, price };
        self.tape.add(self.now_ns, listing, &order, attributed);
    }

    fn delete(&mut self, at: usize) {
        let Some(slot) = self.recent_order(at) else {
            return self.add(at, false);
        };
        let listing = &mut self.listings[at];
        let reference = self.resting.order(slot).reference;
        self.resting.remove(&mut listing.orders, slot);
        self.tape.delete(self.now_ns, listing, reference);
    }

    fn replace(&mut self, at: usize) {
        let Some(slot) = self.recent_order(at) else {
            return self.add(at, false);
        };
        let old = *self.resting.order(slot);
        let price = place(&mut self.dice, &self.listings[at], old.side);
        let shares = if self.dice.chance(128) { old.shares } else { self.dice.shares() };
        let new = self.next_reference(at);
        let listing = &mut self.listings[at];
        self.resting.replace(&mut listing.orders, slot, new, price, shares);
        let new = Order { reference: new, side: old.side, shares, price };
        self.tape.replace(self.now_ns, listing, old.reference, &new);
    }

    fn reduce(&mut self, at: usize) {
        let Some(slot) = self.recent_order(at) else {
            return self.add(at, false);
        };
        let order = *self.resting.order(slot);
        if order.shares < 2 {
            return self.delete(at);
        }
        let shares = 1 + self.dice.below(order.shares - 1);
        let listing = &mut self.listings[at];
        self.resting.reduce(&mut listing.orders, slot, shares);
        self.tape.reduce(self.now_ns, listing, order.reference, shares);
    }

    fn execute(&mut self, at: usize, at_another_price: bool) {
        let listing = &self.listings[at];
        let random = Side::BOTH[self.dice.below(2) as usize];
        // Mostly the side that the fair price leans on, so that the book follows it.
        let side = if self.dice.chance(192) { listing.pressed() } else { Some(random) };
        let Some(slot) = side.and_then(|side| listing.orders.front(side)) else {
            return self.add(at, false);
        };
        let order = *self.resting.order(slot);
        let whole = self.dice.chance(FILLS_WHOLE);
        let part = 1 + self.dice.below(order.shares.saturating_sub(1));
        let shares = if whole { order.shares } else { part };
        if at_another_price {
            let price = match order.side {
                Side::Buy => order.price + listing.tick / 4,
                Side::Sell => order.price - listing.tick / 4,
            };
            return self.execute_at(at, slot, shares, true, price);
        }
        let fill = self.fill(at, slot, shares);
        self.tape.execute(self.now_ns, &self.listings[at], fill);
    }

    fn execute_at(&mut self, at: usize, slot: Slot, shares: u32, printable: bool, price: u32) {
        let fill = self.fill(at, slot, shares);
        self.tape.execute_at(self.now_ns, &self.listings[at], fill, price, printable);
    }

    /// Shares of a resting order trade.
    fn fill(&mut self, at: usize, slot: Slot, shares: u32) -> Fill {
        let reference = self.resting.order(slot).reference;
        let match_number = self.executed(at);
        self.resting.reduce(&mut self.listings[at].orders, slot, shares);
        Fill { reference, shares, match_number }
    }

    /// A trade against an order that was not displayed, at the middle.
    fn trade(&mut self, at: usize) {
        let shares = self.dice.shares();
        let match_number = self.executed(at);
        let listing = &self.listings[at];
        self.tape.trade(self.now_ns, listing, shares, match_number);
    }

    /// Prints the happening that is due; false where none is.
    fn notice(&mut self) -> bool {
        let Some(notice) = self.notices.get(self.noticed).copied() else {
            return false;
        };
        if self.turn.done < notice.after {
            return false;
        }
        self.noticed += 1;
        let now_ns = self.now_ns;
        let at = usize::from(notice.listing);
        let match_number = self.next_match;
        let listing = &mut self.listings[at];
        match notice.what {
            Happening::Pause => {
                listing.trading = Trading::Paused;
                self.tape.trading(now_ns, listing, Trading::Paused, *b"LUDP");
            }
            Happening::Collar => self.tape.collar(now_ns, listing),
            Happening::QuoteOnly => {
                listing.trading = Trading::QuoteOnly;
                self.tape.trading(now_ns, listing, Trading::QuoteOnly, *b"C11 ");
            }
            Happening::Reopen => {
                self.next_match += 1;
                let price = listing.middle();
                let kind = CrossType::HaltOrIpo;
                self.tape.cross(
                    now_ns,
                    listing,
                    CrossPrint { shares: 1_000, price, match_number, kind },
                );
            }
            Happening::Resume => {
                listing.trading = Trading::Open;
                self.tape.trading(now_ns, listing, Trading::Open, *b"    ");
            }
            Happening::Operational => self.tape.operational(now_ns, listing, true),
            Happening::OperationalEnd => self.tape.operational(now_ns, listing, false),
            Happening::Restrict => self.tape.short_sale(now_ns, listing, RegShoAction::Today),
            Happening::Release => self.tape.release(now_ns, listing),
            Happening::Discovery => self.tape.discovery(now_ns, listing),
            Happening::Break => {
                // Nothing traded yet: nothing to break.
                let Some(last) = self.executed.checked_sub(1) else {
                    return false;
                };
                let back = self.dice.below(self.executed.min(RECENT) as u32) as usize;
                let (listing, broken) = self.recent[(last - back) % RECENT];
                self.tape.bust(now_ns, &self.listings[usize::from(listing)], broken);
            }
        }
        true
    }

    /// An order of the instrument, more likely a young one: lifetimes have a heavy tail.
    fn recent_order(&mut self, at: usize) -> Option<Slot> {
        let orders = &self.listings[at].orders;
        let newer = self.dice.heavy(orders.len() as u32);
        orders.nth_newest(newer)
    }

    /// The next free reference of the instrument's class: those of one symbol share `ref % 4`.
    fn next_reference(&mut self, at: usize) -> u64 {
        let class = u64::from(self.listings[at].locate % 4);
        let reference = self.next_reference + (class.wrapping_sub(self.next_reference) & 3);
        self.next_reference = reference + 1;
        reference
    }

    fn next_match(&mut self) -> u64 {
        self.next_match += 1;
        self.next_match - 1
    }

    /// A match number for an execution that may be broken later.
    fn executed(&mut self, at: usize) -> u64 {
        let number = self.next_match();
        self.recent[self.executed % RECENT] = (at as u16, number);
        self.executed += 1;
        number
    }
}

/// A flow's part of the day's orders and trades.
fn share(flowing: u64, flow: &Flow) -> u64 {
    (u128::from(flowing) * u128::from(flow.per_mille) / 1_000) as u64
}
