//! The orders of a population that are not over: found by port and number, and drawn from at random.

use std::collections::HashMap;

use types::Nanos;
use wire::ouch50::Side;

use crate::generate::dice::Dice;

/// What was asked for an order and not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// To be taken.
    Sent,
    /// Nothing: it stands as far as we know.
    Live,
    /// To be canceled or modified.
    Reducing,
    /// To be replaced by the order of that number, which was due then.
    Replacing { user_ref: u32, due: Nanos },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) port: u16,
    pub(super) instrument: u16,
    pub(super) account: u32,
    pub(super) user_ref: u32,
    pub(super) side: Side,
    pub(super) immediate: bool,
    /// Its price follows something.
    pub(super) pegged: bool,
    /// In units of 1e-4.
    pub(super) price: u64,
    pub(super) leaves: u32,
    /// Traded since it has this number.
    pub(super) executed: u32,
    /// Traded under the numbers before.
    pub(super) executed_before: u32,
    /// Counted among the market's prices.
    pub(super) shown: bool,
    pub(super) stage: Stage,
    /// When it was to be sent.
    pub(super) due: Nanos,
    /// Its place among those that can be drawn.
    place: Option<u32>,
}

impl Order {
    pub(super) fn is_buy(&self) -> bool {
        self.side == Side::Buy
    }
}

/// What a new order is before it has a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entered {
    pub(super) port: u16,
    pub(super) instrument: u16,
    pub(super) account: u32,
    pub(super) user_ref: u32,
    pub(super) side: Side,
    pub(super) immediate: bool,
    pub(super) pegged: bool,
    pub(super) price: u64,
    pub(super) quantity: u32,
    pub(super) due: Nanos,
}

/// Where an order is kept, until it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u32);

#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    slots: Vec<Option<Order>>,
    free: Vec<u32>,
    /// Port and number, of orders and of replacements on their way.
    by_ref: HashMap<(u16, u32), u32>,
    /// Those that may be canceled or changed: they stand, and nothing is asked.
    drawable: Vec<u32>,
}

impl Orders {
    pub(super) fn enter(&mut self, entered: Entered) {
        let Entered { port, instrument, account, user_ref, side, immediate, .. } = entered;
        let order = Order {
            port,
            instrument,
            account,
            user_ref,
            side,
            immediate,
            pegged: entered.pegged,
            price: entered.price,
            leaves: entered.quantity,
            executed: 0,
            executed_before: 0,
            shown: false,
            stage: Stage::Sent,
            due: entered.due,
            place: None,
        };
        let at = match self.free.pop() {
            Some(at) => at,
            None => {
                self.slots.push(None);
                self.slots.len() as u32 - 1
            }
        };
        self.slots[at as usize] = Some(order);
        self.by_ref.insert((port, user_ref), at);
    }

    /// The order of that number, or the one that an order of that number is to replace.
    pub(super) fn find(&self, port: u16, user_ref: u32) -> Option<(Slot, Order)> {
        let &at = self.by_ref.get(&(port, user_ref))?;
        self.slots[at as usize].map(|order| (Slot(at), order))
    }

    pub(super) fn get(&mut self, slot: Slot) -> Option<&mut Order> {
        self.slots.get_mut(slot.0 as usize)?.as_mut()
    }

    /// An order that stands, each as likely as another.
    pub(super) fn draw(&self, dice: &mut Dice) -> Option<(Slot, Order)> {
        let at = dice.below(u32::try_from(self.drawable.len()).unwrap_or(u32::MAX));
        let &at = self.drawable.get(at as usize)?;
        self.slots[at as usize].map(|order| (Slot(at), order))
    }

    /// How many can be drawn.
    pub(super) fn standing(&self) -> u32 {
        u32::try_from(self.drawable.len()).unwrap_or(u32::MAX)
    }

    /// How many are not over.
    pub(super) fn open(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// How many wait for an answer.
    pub(super) fn unanswered(&self) -> usize {
        self.slots.iter().flatten().filter(|order| order.stage != Stage::Live).count()
    }

    /// Something is asked for it, or was answered.
    pub(super) fn turn(&mut self, slot: Slot, stage: Stage) {
        let Some(order) = self.get(slot) else {
            return;
        };
        let port = order.port;
        let before = std::mem::replace(&mut order.stage, stage);
        let drawable = stage == Stage::Live && !order.immediate;
        if let Stage::Replacing { user_ref, .. } = before {
            self.by_ref.remove(&(port, user_ref));
        }
        if let Stage::Replacing { user_ref, .. } = stage {
            self.by_ref.insert((port, user_ref), slot.0);
        }
        if drawable { self.place(slot) } else { self.displace(slot) }
    }

    fn place(&mut self, slot: Slot) {
        let place = u32::try_from(self.drawable.len()).unwrap_or(u32::MAX);
        if let Some(order) = self.get(slot)
            && order.place.is_none()
        {
            order.place = Some(place);
            self.drawable.push(slot.0);
        }
    }

    fn displace(&mut self, slot: Slot) {
        let Some(place) = self.get(slot).and_then(|order| order.place.take()) else {
            return;
        };
        self.drawable.swap_remove(place as usize);
        if let Some(&moved) = self.drawable.get(place as usize)
            && let Some(order) = self.get(Slot(moved))
        {
            order.place = Some(place);
        }
    }

    /// The order goes on under another number.
    pub(super) fn renumber(&mut self, slot: Slot, user_ref: u32) {
        let Some(order) = self.get(slot) else {
            return;
        };
        let (port, old) = (order.port, std::mem::replace(&mut order.user_ref, user_ref));
        self.by_ref.remove(&(port, old));
        self.by_ref.insert((port, user_ref), slot.0);
    }

    /// It is over.
    pub(super) fn end(&mut self, slot: Slot) {
        self.displace(slot);
        let Some(order) = self.slots[slot.0 as usize].take() else {
            return;
        };
        self.by_ref.remove(&(order.port, order.user_ref));
        if let Stage::Replacing { user_ref, .. } = order.stage {
            self.by_ref.remove(&(order.port, user_ref));
        }
        self.free.push(slot.0);
    }

    /// Those of a port that wait for an answer.
    pub(super) fn unanswered_on(&self, port: u16) -> Vec<(Slot, Order)> {
        let waits = |order: &Order| order.port == port && order.stage != Stage::Live;
        let found = (0_u32..).zip(&self.slots);
        found.filter_map(|(at, order)| order.filter(waits).map(|order| (Slot(at), order))).collect()
    }
}
