//! The population: whose turn it is, what it sends, and how that is written.
//!
//! The answers are heard in `answers.rs`. Its clock is the schedule's; `now` is only asked whether that has come.

use types::Nanos;
use wire::ouch50::inbound::{
    AccountQuery, CancelOrder, EnterOrder, Head, LEN_MAX, MassCancel, ModifyOrder, ReplaceOrder,
};
use wire::ouch50::{
    APPENDAGE_MAX, Appendage, AppendageWriter, Capacity, Display, Flag, MARKET_PRICE, QUANTITY_MAX,
    TagValue, TimeInForce,
};

use super::market::Market;
use super::mix::{Depths, Mixture, Placement};
use super::orders::{Entered, Order, Orders, Slot, Stage};
use super::record::Record;
use super::schedule::Schedule;
use super::variety::{Draft, Rare};
use super::{Mix, Options, Ports};
use crate::failure::Failure;
use crate::generate::dice::{Dice, Weighted};

/// The most messages of one [`Population::act`]; what more is due is left for the next.
const BATCH: u32 = 256;

/// A mass cancel, and an account query, of so many messages where there is variety.
const REQUEST_EVERY: u32 = 4_096;

/// Where a port stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PortState {
    Down,
    /// Logged in; the account query that says which number is next is out.
    Asking,
    Up,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Port {
    pub(super) state: PortState,
    pub(super) next_user_ref: u32,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Enter,
    Cancel,
    Change,
    CancelAll,
    Query,
}

/// Traders with their orders. See the module's head.
#[derive(Clone, Debug)]
pub struct Population {
    options: Options,
    mixture: Mixture,
    dice: Dice,
    schedule: Schedule,
    depths: Depths,
    /// Which instrument: with the calibrated mix by 1 / rank.
    activity: Weighted,
    pub(super) markets: Vec<Market>,
    pub(super) ports: Vec<Port>,
    pub(super) orders: Orders,
    pub(super) record: Record,
}

impl Population {
    /// Nobody has sent anything, and every port is down.
    ///
    /// # Errors
    /// Options that cannot be, as a sentence.
    pub fn new(options: Options) -> Result<Self, Failure> {
        options.check()?;
        let market = |listed: &super::Listed| {
            let of = listed.reference.to_price4().zip(listed.tick.to_price4());
            let (reference, tick) = of.unwrap_or((20, 1));
            Market::new(reference, tick)
        };
        let weight = |rank: u64| match options.mix {
            Mix::ZeroIntelligence => 1,
            Mix::Calibrated => 1_000_000 / (rank + 1),
        };
        let weights: Vec<u64> = (0..options.instruments.len() as u64).map(weight).collect();
        let port = Port { state: PortState::Down, next_user_ref: 1 };
        Ok(Self {
            mixture: options.mix.mixture(),
            dice: Dice::new(options.seed),
            schedule: Schedule::new(options.gaps, options.rate, options.seed),
            depths: Depths::new(),
            activity: Weighted::new(&weights),
            markets: options.instruments.iter().map(market).collect(),
            ports: vec![port; options.ports() as usize],
            orders: Orders::default(),
            record: Record::new(),
            options,
        })
    }

    /// What it was made from.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What was sent and heard so far.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Orders that are not over, as far as we know.
    pub fn open_orders(&self) -> usize {
        self.orders.open()
    }

    /// Orders for which an answer is due.
    pub fn unanswered(&self) -> usize {
        self.orders.unanswered()
    }

    /// The schedule starts: the first message is due then.
    pub fn begin(&mut self, at: Nanos) {
        self.schedule.begin(at);
    }

    /// When the next message is due.
    pub fn next_due(&self) -> Nanos {
        self.schedule.due()
    }

    /// A port logged in. Asks which number is next on it; nothing else is sent before the answer, which
    /// also settles what became of what a cut connection left without an answer.
    pub fn on_up(&mut self, port: u16, out: &mut impl Ports) {
        if let Some(at) = self.ports.get_mut(usize::from(port)) {
            at.state = PortState::Asking;
            self.query(port, out);
        }
    }

    /// A port's connection is down. What is due on it is skipped until it is up again.
    pub fn on_down(&mut self, port: u16) {
        if let Some(at) = self.ports.get_mut(usize::from(port)) {
            at.state = PortState::Down;
        }
    }

    /// Whether a port takes orders: it is logged in, and it is known which number is next.
    pub fn is_up(&self, port: u16) -> bool {
        self.ports.get(usize::from(port)).is_some_and(|port| port.state == PortState::Up)
    }

    /// Sends what is due by `now`, a batch at most; answers how many messages were due.
    pub fn act(&mut self, now: Nanos, out: &mut impl Ports) -> u32 {
        let mut acts = 0;
        while acts < BATCH && self.schedule.due() <= now {
            let due = self.schedule.due();
            match self.choose() {
                Act::Enter => self.enter(due, out),
                Act::Cancel => self.cancel(out),
                Act::Change => self.change(due, out),
                Act::CancelAll => self.cancel_all(out),
                Act::Query => {
                    let port = self.any_port();
                    if self.ready(port) {
                        self.query(port, out);
                    }
                }
            }
            self.schedule.advance();
            acts += 1;
        }
        acts
    }

    fn choose(&mut self) -> Act {
        if self.options.variety {
            match self.dice.below(REQUEST_EVERY) {
                0 => return Act::CancelAll,
                1 => return Act::Query,
                _ => {}
            }
        }
        let standing = self.orders.standing();
        let changes = self.dice.below(1_000) < self.mixture.change_of_1000;
        if changes && 0 < standing {
            return Act::Change;
        }
        let enters = u64::from(self.mixture.enter) * u64::from(self.options.resting);
        let cancels = u64::from(self.mixture.cancel) * u64::from(standing);
        let drawn = (u128::from(self.dice.bits()) * u128::from(enters + cancels)) >> 64;
        if drawn < u128::from(enters) { Act::Enter } else { Act::Cancel }
    }

    fn any_port(&mut self) -> u16 {
        let account = self.dice.below(self.options.accounts);
        self.options.port_of(account)
    }

    /// Whether a port can send; counts what it cannot.
    fn ready(&mut self, port: u16) -> bool {
        let ready = self.is_up(port);
        self.record.skipped += u64::from(!ready);
        ready
    }

    /// Sends a message, and counts what the connection refused.
    fn send(&mut self, port: u16, message: &[u8], out: &mut impl Ports) -> bool {
        let sent = out.send(port, message);
        self.record.refused += u64::from(!sent);
        sent
    }

    /// The number that a message of the port has next; spent once it is sent.
    fn next_user_ref(&self, port: u16) -> u32 {
        self.ports[usize::from(port)].next_user_ref
    }

    fn spend(&mut self, port: u16) {
        let next = &mut self.ports[usize::from(port)].next_user_ref;
        *next = next.saturating_add(1);
    }

    fn enter(&mut self, due: Nanos, out: &mut impl Ports) {
        let account = self.dice.below(self.options.accounts);
        let port = self.options.port_of(account);
        let instrument = u16::try_from(self.activity.draw(&mut self.dice)).unwrap_or_default();
        let draft = self.draft(instrument);
        if !self.ready(port) {
            return;
        }
        let user_ref = self.next_user_ref(port);
        let mut message = [0; LEN_MAX];
        let len = self.write_order(&draft, user_ref, account, instrument, &mut message);
        if !self.send(port, &message[..len], out) {
            return;
        }
        self.spend(port);
        let immediate = draft.time_in_force == TimeInForce::ImmediateOrCancel;
        self.record.sent.orders += 1;
        self.record.sent.immediate += u64::from(immediate);
        self.orders.enter(Entered {
            port,
            instrument,
            account,
            user_ref,
            side: draft.side,
            immediate,
            pegged: draft.is_pegged(),
            price: draft.price,
            quantity: draft.quantity,
            due,
        });
    }

    /// A new order, plain or rare.
    fn draft(&mut self, instrument: u16) -> Draft {
        let buy = self.dice.chance(128);
        let takes = self.dice.below(1_000) < self.mixture.take_of_1000 && self.may_take();
        let immediate = self.dice.below(1_000) < self.mixture.immediate_of_1000
            || takes && self.mixture.placement != Placement::PowerLaw;
        let shares = self.dice.shares();
        let quantity = self.mixture.shares.unwrap_or(shares);
        let rare = self.options.variety.then(|| Rare::draw(immediate, &mut self.dice)).flatten();
        let buy = buy && !rare.is_some_and(Rare::sells);
        let market = &self.markets[usize::from(instrument)];
        let mut draft = match (self.mixture.placement, takes) {
            (Placement::Uniform { .. }, true) => {
                Draft::plain(buy, quantity, MARKET_PRICE, immediate)
            }
            (Placement::PowerLaw, true) => {
                let ticks = market.through(buy, self.dice.below(2));
                Draft::plain(buy, quantity, market.price(ticks), immediate)
            }
            // Tries for what is not shown: a tick short of the other side.
            (Placement::PowerLaw, false) if immediate => {
                let price = market.price(market.short_of(buy, 1));
                Draft::plain(buy, quantity, price, true)
            }
            (Placement::Uniform { .. } | Placement::PowerLaw, false) => {
                let price = self.resting_price(buy, instrument);
                Draft::plain(buy, quantity, price, immediate)
            }
        };
        if let Some(rare) = rare {
            let market = &self.markets[usize::from(instrument)];
            draft.become_rare(rare, market, &mut self.dice);
        }
        draft
    }

    /// Whether few enough orders traded to the end.
    fn may_take(&self) -> bool {
        let Record { ended_executed, ended_canceled, .. } = self.record;
        let ended = ended_executed + ended_canceled;
        ended_executed * 1_000 <= ended * u64::from(self.mixture.filled_of_1000)
    }

    fn resting_price(&mut self, buy: bool, instrument: u16) -> u64 {
        let market = &self.markets[usize::from(instrument)];
        let ticks = match self.mixture.placement {
            Placement::Uniform { ticks } => market.short_of(buy, 1 + self.dice.below(ticks)),
            Placement::PowerLaw => {
                let inside = self.dice.chance(self.mixture.inside_of_256);
                let inside = inside.then(|| market.inside(&mut self.dice)).flatten();
                let depth = self.depths.draw(&mut self.dice);
                inside.unwrap_or_else(|| market.behind(buy, depth, &mut self.dice))
            }
        };
        market.price(ticks)
    }

    fn write_order(
        &self,
        draft: &Draft,
        user_ref: u32,
        account: u32,
        instrument: u16,
        out: &mut [u8],
    ) -> usize {
        let order = EnterOrder {
            header: Head::new(),
            user_ref: user_ref.into(),
            side: draft.side.byte(),
            quantity: draft.quantity.into(),
            symbol: self.options.instruments[usize::from(instrument)].symbol.to_wire(),
            price: draft.price.into(),
            time_in_force: draft.time_in_force.byte(),
            display: draft.display.byte(),
            capacity: Capacity::Agency.byte(),
            intermarket_sweep: Flag::No.byte(),
            cross: draft.cross.byte(),
            cl_ord_id: own_name(account),
        };
        let mut room = [0; APPENDAGE_MAX];
        let options = draft.options.iter().flatten().copied().chain(self.group(account));
        written(order.encode(appendage(options, &mut room), out))
    }

    /// The account within its port, where it is not alone there.
    fn group(&self, account: u32) -> Option<TagValue> {
        let per_port = self.options.accounts_per_port;
        let place = u16::try_from(account % per_port).unwrap_or_default();
        (1 < per_port).then_some(TagValue::GroupId(place))
    }

    fn cancel(&mut self, out: &mut impl Ports) {
        let Some((slot, order)) = self.orders.draw(&mut self.dice) else {
            return;
        };
        let partial = self.options.variety && self.dice.chance(16) && may_shrink(&order);
        if !self.ready(order.port) {
            return;
        }
        let quantity = if partial { order.executed + order.leaves / 2 } else { 0 };
        let cancel = CancelOrder {
            header: Head::new(),
            user_ref: order.user_ref.into(),
            quantity: quantity.into(),
        };
        if self.reduce(slot, &order, |out| cancel.encode(Appendage::ABSENT, out), out) {
            self.record.sent.cancels += 1;
        }
    }

    /// Sends a request that makes an order smaller.
    fn reduce(
        &mut self,
        slot: Slot,
        order: &Order,
        encode: impl FnOnce(&mut [u8]) -> Result<usize, wire::Full>,
        out: &mut impl Ports,
    ) -> bool {
        let mut message = [0; LEN_MAX];
        let len = written(encode(&mut message));
        let sent = self.send(order.port, &message[..len], out);
        if sent {
            self.orders.turn(slot, Stage::Reducing);
        }
        sent
    }

    /// A quarter of changes take shares and keep the order's place; the others replace it.
    fn change(&mut self, due: Nanos, out: &mut impl Ports) {
        let Some((slot, order)) = self.orders.draw(&mut self.dice) else {
            return;
        };
        let modifies = self.dice.chance(64) && may_shrink(&order);
        if !self.ready(order.port) {
            return;
        }
        if !modifies {
            return self.replace(slot, &order, due, out);
        }
        let less = 1 + self.dice.below(order.leaves - 1);
        let modify = ModifyOrder {
            header: Head::new(),
            user_ref: order.user_ref.into(),
            side: order.side.byte(),
            quantity: (order.executed + order.leaves - less).into(),
        };
        if self.reduce(slot, &order, |out| modify.encode(Appendage::ABSENT, out), out) {
            self.record.sent.modifies += 1;
        }
    }

    fn replace(&mut self, slot: Slot, order: &Order, due: Nanos, out: &mut impl Ports) {
        let shares = self.dice.shares();
        let price = self.resting_price(order.is_buy(), order.instrument);
        let user_ref = self.next_user_ref(order.port);
        // The shares of the whole chain, those executed before included.
        let traded = order.executed_before.saturating_add(order.executed);
        let replace = ReplaceOrder {
            header: Head::new(),
            orig_user_ref: order.user_ref.into(),
            user_ref: user_ref.into(),
            quantity: traded.saturating_add(shares).min(QUANTITY_MAX).into(),
            price: price.into(),
            time_in_force: TimeInForce::Day.byte(),
            display: Display::Visible.byte(),
            intermarket_sweep: Flag::No.byte(),
            cl_ord_id: own_name(order.account),
        };
        let mut message = [0; LEN_MAX];
        let len = written(replace.encode(Appendage::EMPTY, &mut message));
        if self.send(order.port, &message[..len], out) {
            self.spend(order.port);
            self.record.sent.replaces += 1;
            self.orders.turn(slot, Stage::Replacing { user_ref, due });
        }
    }

    /// All orders of one account in one instrument.
    fn cancel_all(&mut self, out: &mut impl Ports) {
        let account = self.dice.below(self.options.accounts);
        let instrument = self.activity.draw(&mut self.dice);
        let port = self.options.port_of(account);
        let Some(firm) = self.options.firm_of(port) else { return };
        if !self.ready(port) {
            return;
        }
        let request = MassCancel {
            header: Head::new(),
            user_ref: self.next_user_ref(port).into(),
            firm,
            symbol: self.options.instruments[instrument].symbol.to_wire(),
        };
        let (mut message, mut room) = ([0; LEN_MAX], [0; APPENDAGE_MAX]);
        let options = appendage(self.group(account).into_iter(), &mut room);
        let len = written(request.encode(options, &mut message));
        if self.send(port, &message[..len], out) {
            self.spend(port);
            self.record.sent.mass_cancels += 1;
        }
    }

    fn query(&mut self, port: u16, out: &mut impl Ports) {
        let mut message = [0; LEN_MAX];
        let query = AccountQuery { header: Head::new() };
        let len = written(query.encode(Appendage::ABSENT, &mut message));
        let sent = self.send(port, &message[..len], out);
        self.record.sent.queries += u64::from(sent);
    }
}

/// A total that is more than what traded and less than before means the same to every exchange only where
/// nothing traded under an earlier number.
fn may_shrink(order: &Order) -> bool {
    2 <= order.leaves && order.executed_before == 0
}

/// The account as the client's own name for an order: `A0000017`.
fn own_name(account: u32) -> [u8; 14] {
    let mut name = [b' '; 14];
    let text = format!("A{account:07}");
    name[..text.len()].copy_from_slice(text.as_bytes());
    name
}

fn appendage(options: impl Iterator<Item = TagValue>, room: &mut [u8]) -> Appendage<'_> {
    let mut writer = AppendageWriter::new(room);
    for option in options {
        let pushed = writer.push(option);
        assert_eq!(pushed, Ok(()), "each option once, in a buffer that holds them all");
    }
    writer.finish()
}

/// The length of a message, which has room for the longest.
fn written(len: Result<usize, wire::Full>) -> usize {
    len.expect("room for the longest message")
}
