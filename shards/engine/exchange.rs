//! The exchange shard: connections in, OUCH answers and drop copies out, ITCH to everybody; where it
//! makes no prices of its own, other venues' feeds in.
//!
//! One call an input: hand it to the ports, which drive the floor; what happened there goes to the
//! tape first and then to whom it concerns. After each input goes out what each connection is to be
//! told, and every message by ring to those who keep it; after each turn one datagram on each line, of
//! all its inputs. So
//! nobody reads in the feed what its owner could not have read before.

mod answer;
mod carry_out;
mod command;
mod credit;
pub mod gauges;
mod quotes;
mod teller;
#[cfg(test)]
mod tests;

use book::hash::{self, BookHash};
use matching::{Control, Floor, Quote, Scope};
use port::Ports;
use risk::port::PortRisk;
use runtime::{Event, LinkId, Machine, Outbox, SocketId, StreamId};
use tape::Tape;
use types::{InstrumentId, Nanos, Side};
use wire::itch50::EventCode;

pub use answer::{Answer, Detail, Outcome, Page};
pub use command::{Command, List};
pub use credit::Credit;
pub use quotes::FollowPlan;
pub use teller::Traded;

use quotes::{Quotes, TOLD_MAX};
use teller::{Teller, Wires};

use crate::{Feed, PlanError};

/// Instruments that are named, opened or closed in one turn: three messages each, some opened with a
/// whole cross.
const LISTED_AT_ONCE: usize = 16;

/// What an exchange shard needs to run.
pub struct ExchangePlan {
    /// Who may connect, and what trades.
    pub ports: port::Plan,
    /// The same instruments as market data names them.
    pub listings: Vec<tape::Listing>,
    /// The stream of market data.
    pub tape: tape::Config,
    /// The lines it leaves by.
    pub lines: [Option<SocketId>; 2],
    /// Those who keep each message, for re-requests and snapshots.
    pub keeper: Option<LinkId>,
    /// Requests of the one who runs the exchange.
    pub commands: LinkId,
    /// Where they are answered.
    pub answers: LinkId,
    /// The first of the connections that the shard accepts; those before it are its feeds'.
    pub first_stream: StreamId,
    /// The feeds whose best prices are the quote of its instruments; `None` where it makes its own.
    pub follows: Option<FollowPlan>,
    /// When trading opens and closes, where the floor's schedule says so; without it trading begins
    /// with the shard.
    pub hours: Option<[Nanos; 2]>,
}

/// How far the shard is with what is said of every instrument at the begin and the end of its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    /// Nothing is said yet.
    Fresh,
    /// Those before this one are named.
    Naming(usize),
    /// Those before this one are open.
    Opening(usize),
    /// Orders are taken.
    Open,
    /// Those before this one are closed.
    Closing(usize),
    /// It is over.
    Over,
}

/// The exchange shard's logic.
pub struct Exchange {
    ports: Ports,
    tape: Tape,
    wires: Wires,
    /// By instrument.
    listings: Vec<tape::Listing>,
    /// By instrument.
    traded: Vec<Traded>,
    credit: Credit,
    /// In a box: most exchanges have none.
    quotes: Option<Box<Quotes>>,
    commands: LinkId,
    answers: LinkId,
    first_stream: u16,
    day: Day,
    hours: Option<[Nanos; 2]>,
    /// Of its hours, how many have come.
    told: usize,
    /// The number of the request to end the day, until it is answered.
    asked_to_close: Option<u64>,
    /// A connection is yet to be told something that the outbox had no room for.
    behind: bool,
    misaddressed: u64,
}

impl Exchange {
    /// A shard whose day has not begun; `floor` has the plan's instruments in the plan's order, `risk`
    /// every limit set and every line of credit leased that `credit` shares. Everything it will ever
    /// hold is allocated here.
    ///
    /// # Errors
    /// Feeds that cannot be followed.
    ///
    /// # Panics
    /// Where the plan contradicts itself: see [`Ports::new`] and [`Tape::new`].
    pub fn new(
        plan: &ExchangePlan,
        (floor, risk, credit): (Floor, PortRisk, Credit),
        now: Nanos,
    ) -> Result<Self, PlanError> {
        let follows = plan.follows.as_ref();
        let quotes =
            follows.map(|plan_of| Quotes::new(plan_of, &plan.listings, now)).transpose()?;
        Ok(Self {
            quotes: quotes.map(Box::new),
            ports: Ports::new(&plan.ports, floor, risk, now),
            tape: Tape::new(plan.tape, &plan.listings, now),
            wires: Wires { lines: plan.lines, keeper: plan.keeper, lost: 0 },
            listings: plan.listings.clone(),
            traded: vec![Traded::default(); plan.listings.len()],
            credit,
            commands: plan.commands,
            answers: plan.answers,
            first_stream: plan.first_stream.0,
            day: Day::Fresh,
            hours: plan.hours,
            told: 0,
            asked_to_close: None,
            behind: false,
            misaddressed: 0,
        })
    }

    /// Its ports, and the floor behind them.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// What it tells everybody.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// What was traded, by instrument.
    pub fn traded(&self) -> &[Traded] {
        &self.traded
    }

    /// The feeds that it follows, by place.
    pub fn feeds(&self) -> &[Feed] {
        self.quotes.as_ref().map_or(&[], |quotes| quotes.feeds())
    }

    /// The best prices elsewhere, as an instrument trades by them.
    pub fn quote(&self, instrument: InstrumentId) -> Option<Quote> {
        self.quotes.as_ref()?.told(instrument)
    }

    /// How often it was told another quote.
    pub fn quotes(&self) -> u64 {
        self.quotes.as_ref().map_or(0, |quotes| quotes.changes)
    }

    /// One number for what all its books show, the same as a [`crate::Trade`] shard's that has heard it
    /// all: the sum over instruments.
    pub fn state_hash(&self) -> u64 {
        let instruments = (0..self.listings.len()).map(number);
        hash::combine(instruments.map(|instrument| self.book_hash(instrument)))
    }

    fn book_hash(&self, instrument: InstrumentId) -> u64 {
        let listing = &self.listings[instrument.index()];
        let mut book = BookHash::new(listing.symbol, false);
        let mut level: Vec<(u64, u64)> = Vec::new();
        for side in Side::BOTH {
            let shown = self
                .ports
                .floor()
                .market()
                .resting(instrument, side)
                .map(|resting| (resting.tick, resting.order, self.tape.shown(resting.order)))
                .filter(|(_, _, shown)| *shown != 0);
            let mut shown = shown.peekable();
            while let Some((tick, order, shares)) = shown.next() {
                let order_ref = self.tape.order_ref(order).unwrap_or_default();
                level.push((order_ref.get(), u64::from(shares)));
                if shown.peek().is_none_or(|(next, _, _)| *next != tick) {
                    // A price that is shown fits, and a level has fewer orders than a shard.
                    let px = listing.ticks.px(tick).unwrap_or_default();
                    book.level(side, px, level.len() as u32);
                    level.drain(..).for_each(|(order_ref, shares)| book.order(order_ref, shares));
                }
            }
        }
        book.finish()
    }

    /// Whether its day is over: nothing is taken any more, and the session of its feed has ended.
    pub fn is_over(&self) -> bool {
        self.day == Day::Over
    }

    /// Datagrams and messages for the keepers that the outbox had no room for.
    pub fn lost(&self) -> u64 {
        self.wires.lost
    }

    /// Inputs for nobody here, and requests that are none.
    pub fn misaddressed(&self) -> u64 {
        self.misaddressed
    }

    fn conn(&mut self, stream: StreamId) -> Option<u16> {
        let conn = stream.0.checked_sub(self.first_stream);
        self.misaddressed += u64::from(conn.is_none());
        conn
    }

    fn on_accepted(&mut self, now: Nanos, stream: StreamId, out: &mut Outbox) {
        let Some(conn) = self.conn(stream) else { return };
        if !self.ports.on_opened(now, conn) {
            // One effect of one input finds room.
            let _ = out.close(stream);
        }
    }

    #[inline]
    fn on_bytes(&mut self, now: Nanos, stream: StreamId, mut bytes: &[u8], out: &mut Outbox) {
        let Some(conn) = self.conn(stream) else { return };
        let Self { ports, tape, wires, traded, .. } = self;
        loop {
            let mut teller = Teller { tape, traded, wires, out };
            let taken = ports.on_bytes(now, conn, bytes, &mut teller);
            bytes = &bytes[taken..];
            if bytes.is_empty() {
                return;
            }
            // Its port is in a mass cancel, which comes first.
            ports.on_deadline(now, &mut teller);
        }
    }

    fn on_closed(&mut self, now: Nanos, stream: StreamId, out: &mut Outbox) {
        let Some(conn) = self.conn(stream) else { return };
        let Self { ports, tape, wires, traded, .. } = self;
        ports.on_closed(now, conn, &mut Teller { tape, traded, wires, out });
    }

    /// An input of the feeds that it follows.
    fn follow(&mut self, now: Nanos, event: Event<'_>, out: &mut Outbox) {
        let Some(quotes) = &mut self.quotes else {
            self.misaddressed += 1;
            return;
        };
        let is_taken = quotes.on_event(now, event, out);
        self.misaddressed += u64::from(!is_taken);
        let Self { ports, tape, wires, traded, listings, .. } = self;
        let mut left = TOLD_MAX;
        while let Some((instrument, quote)) = quotes.poll(listings, &mut left) {
            let mut teller = Teller { tape, traded, wires, out };
            ports
                .drive(now, &mut teller, |floor, fan| floor.set_quote(now, instrument, quote, fan));
        }
    }

    fn on_deadline(&mut self, now: Nanos, out: &mut Outbox) {
        if self.ends_early() {
            self.day = Day::Closing(0);
        }
        if self.next_of_feeds() <= now {
            self.follow(now, Event::Deadline, out);
        }
        if self.day != Day::Open && self.day != Day::Over {
            self.go_on(now, out);
        }
        if self.next_hour() <= now {
            let event = [EventCode::StartOfMarketHours, EventCode::EndOfMarketHours][self.told];
            self.told += 1;
            self.tape.system(now, event, &mut self.wires.with(out));
        }
        let Self { ports, tape, wires, traded, .. } = self;
        if ports.next_deadline().is_some_and(|at| at <= now) {
            ports.on_deadline(now, &mut Teller { tape, traded, wires, out });
        }
        if self.tape.next_deadline() <= now {
            self.tape.on_deadline(now, &mut self.wires.with(out));
        }
    }

    /// Its end was asked for, and its begin is over.
    fn ends_early(&self) -> bool {
        self.asked_to_close.is_some() && self.day == Day::Open
    }

    #[inline]
    fn next_of_feeds(&self) -> Nanos {
        let feeds = self.quotes.as_ref().and_then(|quotes| quotes.next_deadline());
        feeds.unwrap_or(Nanos::MAX)
    }

    /// When everybody is to hear that the market opens, or closes.
    fn next_hour(&self) -> Nanos {
        let hours = self.hours.filter(|_| self.day == Day::Open);
        hours.and_then(|hours| hours.get(self.told).copied()).unwrap_or(Nanos::MAX)
    }

    /// Goes on with the begin or the end of the day.
    fn go_on(&mut self, now: Nanos, out: &mut Outbox) {
        let all = self.traded.len();
        let next = |from: usize| (from + LISTED_AT_ONCE).min(all);
        match self.day {
            Day::Fresh => {
                self.tape.system(now, EventCode::StartOfMessages, &mut self.wires.with(out));
                self.day = Day::Naming(0);
            }
            Day::Naming(from) => {
                for instrument in from..next(from) {
                    self.tape.list(now, number(instrument), &mut self.wires.with(out));
                }
                self.day = Day::Naming(next(from));
                if next(from) == all {
                    self.tape.system(now, EventCode::StartOfSystemHours, &mut self.wires.with(out));
                    self.ports.on_event(now, wire::ouch50::EventCode::StartOfDay);
                    self.day = if self.hours.is_none() { Day::Opening(0) } else { Day::Open };
                }
            }
            Day::Opening(from) => {
                for instrument in from..next(from) {
                    self.control(now, number(instrument), Control::PreOpen, out);
                    self.control(now, number(instrument), Control::Open, out);
                }
                self.day = Day::Opening(next(from));
                if next(from) == all {
                    self.tape.system(now, EventCode::StartOfMarketHours, &mut self.wires.with(out));
                    self.day = Day::Open;
                }
            }
            Day::Closing(from) => {
                for instrument in (from..next(from)).map(number) {
                    self.control(now, instrument, Control::Close, out);
                    self.clear(now, instrument, out);
                }
                self.day = Day::Closing(next(from));
                if next(from) == all {
                    // By its hours the market may have closed before, or never have opened.
                    let ends = [
                        EventCode::EndOfMarketHours,
                        EventCode::EndOfSystemHours,
                        EventCode::EndOfMessages,
                    ];
                    for event in
                        ends.into_iter().skip(usize::from(self.hours.is_some() && self.told != 1))
                    {
                        self.tape.system(now, event, &mut self.wires.with(out));
                    }
                    self.ports.on_event(now, wire::ouch50::EventCode::EndOfDay);
                    self.ports.end(now);
                    self.tape.end(now, &mut self.wires.with(out));
                    self.day = Day::Over;
                    if let Some(number) = self.asked_to_close.take() {
                        self.answer(number, Outcome::Done, Detail::None, out);
                    }
                }
            }
            Day::Open | Day::Over => {}
        }
    }

    fn control(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        control: Control,
        out: &mut Outbox,
    ) -> bool {
        let Self { ports, tape, wires, traded, .. } = self;
        let mut teller = Teller { tape, traded, wires, out };
        ports.drive(now, &mut teller, |floor, fan| floor.control(now, instrument, control, fan))
    }

    /// Ends what is good to a later time than the close too: nobody is there to end it then.
    fn clear(&mut self, now: Nanos, instrument: InstrumentId, out: &mut Outbox) {
        let Self { ports, tape, wires, traded, .. } = self;
        let mut teller = Teller { tape, traded, wires, out };
        ports.drive(now, &mut teller, |floor, fan| {
            floor.cancel_all(now, Some(instrument), Scope::All, fan);
        });
    }

    /// What came of one input goes out.
    #[inline]
    fn send(&mut self, now: Nanos, out: &mut Outbox) {
        self.wires.lost += self.credit.say(self.ports.risk_mut(), out);
        while let Some(conn) = self.ports.poll_ready() {
            let stream = StreamId(self.first_stream + conn);
            let bytes = self.ports.transmit(conn);
            let count = bytes.len();
            if count != 0 && out.write(stream, bytes).is_ok() {
                self.ports.sent(now, conn, count);
            } else if count != 0 {
                return self.is_behind(conn);
            }
            if self.ports.is_over(conn) && out.close(stream).is_err() {
                return self.is_behind(conn);
            }
        }
        self.behind = false;
    }

    /// The outbox has no room for what a connection is to be told: it is told in the next turn.
    #[cold]
    fn is_behind(&mut self, conn: u16) {
        self.ports.put_back(conn);
        self.behind = true;
    }
}

/// As a number; there are no more instruments than that.
fn number(instrument: usize) -> InstrumentId {
    InstrumentId::new(instrument as u32)
}

impl Machine for Exchange {
    fn on_event(&mut self, now: Nanos, event: Event<'_>, out: &mut Outbox) {
        match event {
            Event::Bytes { stream, .. } | Event::Closed { stream }
                if stream.0 < self.first_stream =>
            {
                self.follow(now, event, out);
            }
            Event::Bytes { stream, bytes } => self.on_bytes(now, stream, bytes, out),
            Event::Accepted { stream, .. } => self.on_accepted(now, stream, out),
            Event::Closed { stream } => self.on_closed(now, stream, out),
            Event::Deadline => self.on_deadline(now, out),
            Event::Message { link, message } if link == self.commands => {
                match Command::from_message(message) {
                    Some(command) => self.on_command(now, command, out),
                    None => self.misaddressed += 1,
                }
            }
            Event::Message { link, message } => {
                let told = self.credit.on_message(link, message, self.ports.risk_mut());
                self.misaddressed += u64::from(!told);
            }
            Event::Opened { .. } | Event::Datagram { .. } | Event::Oversize { .. } => {
                self.follow(now, event, out);
            }
            // What commands it never drops any.
            Event::Missed { .. } => self.misaddressed += 1,
        }
        self.send(now, out);
    }

    #[inline]
    fn on_turn_end(&mut self, now: Nanos, out: &mut Outbox) {
        self.tape.flush(now, &mut self.wires.with(out));
    }

    #[inline]
    fn next_deadline(&self) -> Option<Nanos> {
        let is_opening = self.day != Day::Open && self.day != Day::Over;
        if is_opening || self.behind || self.ends_early() {
            return Some(Nanos::ZERO);
        }
        let ports = self.ports.next_deadline().unwrap_or(Nanos::MAX);
        let told = self.tape.next_deadline().min(self.next_hour());
        Some(ports.min(told).min(self.next_of_feeds()))
    }

    fn housekeep(&mut self, _now: Nanos, _out: &mut Outbox) {}

    fn counters(&self, places: &mut [u64]) {
        gauges::write(self, places);
    }
}
