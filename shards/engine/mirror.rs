//! One venue's market as this shard knows it: its decoder and its books, fed with whole messages.
//!
//! Events of a packet are decoded first and applied after that, in batches: the cache lines that the
//! books will need are asked for together. A miss costs about 200 ns alone and about 10 in company.
//! Where nothing is to be asked for (a lone message, or books that fit a cache) each is applied as
//! it comes, which spares the copy.

use arrayvec::ArrayVec;
use book::{State, Touched, l2, l3};
use runtime::prefetch;
use types::{InstrumentId, MarketEvent, SeqNo, Side, Symbol, VenueId};
use venue::{Depth, Fault, Harm, Normal, Row, Venue, Why};

use crate::board::{Board, Named};
use crate::{Alarm, AlarmKind};

/// Events decoded ahead of the books.
const BATCH: usize = book::WARM_MAX;

/// A venue's books, by what it shows.
pub enum Books {
    /// Single orders.
    Orders(l3::Books),
    /// Price levels.
    Levels(l2::Books),
}

/// What was in the stream. Plain counts, to publish and never to decide on.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    /// Messages by type byte.
    pub by_type: [u64; 256],
    /// Messages of instruments of other shards.
    pub elsewhere: u64,
    /// Events given to books.
    pub events: u64,
    /// Messages that could not be used.
    pub faults: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { by_type: [0; 256], elsewhere: 0, events: 0, faults: 0 }
    }
}

impl Tally {
    /// All messages.
    pub fn messages(&self) -> u64 {
        self.by_type.iter().sum()
    }
}

/// One venue's market as this shard knows it.
pub struct Mirror {
    pub(crate) venue_id: VenueId,
    venue: Venue,
    pub(crate) books: Books,
    /// The feed is whole; else every book of it is stale, whatever it shows.
    pub(crate) trusted: bool,
    /// The venue said something that may concern any book, and it could not be read.
    pub(crate) broken: bool,
    batch: ArrayVec<(SeqNo, MarketEvent), BATCH>,
    tally: Tally,
    pub(crate) named: Named,
    /// The feed's place on the shard, for alarms.
    place: u8,
}

impl Mirror {
    pub(crate) fn new(row: &Row, place: usize, capacity: l3::Capacity) -> Self {
        let books = match row.depth {
            Depth::Orders => Books::Orders(l3::Books::new(capacity)),
            Depth::Levels => Books::Levels(l2::Books::new(l2::Capacity {
                instruments: capacity.instruments,
                levels: capacity.levels,
            })),
        };
        Self {
            venue_id: crate::board::venue_id(place),
            venue: row.venue(),
            books,
            trusted: false,
            broken: false,
            batch: ArrayVec::new(),
            tally: Tally::default(),
            named: Named::default(),
            place: place as u8,
        }
    }

    /// Takes the messages of one packet, the first of which has the number `first`. `many`: there is
    /// more than one.
    #[inline]
    pub(crate) fn take<'b>(
        &mut self,
        first: SeqNo,
        messages: impl Iterator<Item = &'b [u8]>,
        many: bool,
        board: &mut Board,
    ) {
        let mut sequence = first;
        let ahead = many && self.books.wants_warming();
        for message in messages {
            let kind = message.first().copied().unwrap_or(0);
            self.tally.by_type[usize::from(kind)] += 1;
            match self.venue.decode(message, &mut board.roster) {
                Ok(Normal::Event(event)) if !ahead => {
                    self.tally.events += 1;
                    apply(&mut self.books, &event, (&mut self.named, self.place, sequence), board);
                }
                Ok(Normal::Event(event)) => {
                    self.batch.push((sequence, event));
                    if self.batch.is_full() {
                        self.apply(board);
                    }
                }
                Ok(Normal::Elsewhere) => self.tally.elsewhere += 1,
                Ok(Normal::Listed(_) | Normal::Aside) => {}
                Err(fault) => {
                    self.apply(board);
                    self.refuse(sequence, message, fault, board);
                }
            }
            sequence = sequence.after(1);
        }
        if ahead {
            self.apply(board);
        }
    }

    /// Applies what was decoded, in order.
    #[inline]
    fn apply(&mut self, board: &mut Board) {
        self.books.warm(&self.batch);
        for (_, event) in &self.batch {
            board.warm(event.instrument);
        }
        self.tally.events += self.batch.len() as u64;
        let Self { books, named, place, batch, .. } = self;
        for (sequence, event) in &*batch {
            apply(books, event, (named, *place, *sequence), board);
        }
        batch.clear();
    }

    #[cold]
    fn refuse(&mut self, sequence: SeqNo, message: &[u8], fault: Fault, board: &mut Board) {
        self.tally.faults += 1;
        let mut symbol = None;
        match fault.harm {
            Harm::Nothing => {}
            Harm::Instrument(instrument) => {
                self.books.set_stale(instrument);
                board.note(instrument);
                symbol = board.symbol(instrument);
            }
            Harm::Feed => self.broken = true,
        }
        let kind = match fault.why {
            Why::NoRoom => AlarmKind::NoRoom,
            Why::Malformed(_)
            | Why::LocateMoved
            | Why::OrdersMissed
            | Why::ZeroPrice
            | Why::PriceRange => AlarmKind::BadMessage,
        };
        if self.named.is_due(kind) {
            let a = u64::from(message.first().copied().unwrap_or(0));
            let b = fault.why.to_bits();
            board.alarm(Alarm { kind, feed: self.place, sequence, symbol, a, b });
        }
    }

    /// Empties the books for a snapshot or another session; what was wrong with them went with it.
    pub(crate) fn clear_books(&mut self, board: &mut Board) {
        self.broken = false;
        self.books.clear_all();
        board.note_all();
    }

    /// Forgets the day too: another session may deal other numbers.
    pub(crate) fn clear_day(&mut self, board: &mut Board) {
        self.venue.clear();
        self.clear_books(board);
    }

    /// What an instrument's book is good for, the feed's own state counted in.
    pub fn state(&self, instrument: InstrumentId) -> State {
        if self.trusted { self.books.state(instrument) } else { State::Stale }
    }

    /// The best bid and offer, and what they are good for.
    #[inline]
    pub(crate) fn shown(&self, instrument: InstrumentId) -> (book::Top, State) {
        let (top, state) = self.books.shown(instrument);
        (top, if self.trusted { state } else { State::Stale })
    }

    /// The books.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// What was in the stream.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether the feed is whole.
    pub fn is_trusted(&self) -> bool {
        self.trusted
    }
}

/// Applies one event, and notes what there is to tell of it.
#[inline(always)]
fn apply(
    books: &mut Books,
    event: &MarketEvent,
    (named, place, sequence): (&mut Named, u8, SeqNo),
    board: &mut Board,
) {
    let touched = books.apply(event);
    books.note(touched, board);
    if touched.applied.is_inconsistent() {
        doubt(named, place, sequence, touched, board);
    }
}

/// Names an event that did not fit its book.
#[cold]
fn doubt(named: &mut Named, place: u8, sequence: SeqNo, touched: Touched, board: &mut Board) {
    if named.is_due(AlarmKind::BadEvent) {
        board.alarm(Alarm {
            kind: AlarmKind::BadEvent,
            feed: place,
            sequence,
            symbol: board.symbol(touched.instrument),
            a: touched.applied as u64,
            b: 0,
        });
    }
}

/// The shard's own way to ask for a cache line.
struct Near;

impl book::Prefetch for Near {
    #[inline]
    fn line<T>(&self, at: &T) {
        prefetch(at);
    }
}

impl Books {
    /// Whether there are too many orders for what a batch touches to be near already.
    #[inline]
    fn wants_warming(&self) -> bool {
        match self {
            Self::Orders(books) => books.wants_warming(),
            Self::Levels(_) => false,
        }
    }

    /// Asks for the cache lines that a batch will touch.
    #[inline]
    fn warm(&self, batch: &[(SeqNo, MarketEvent)]) {
        let Self::Orders(books) = self else { return };
        books.warm(batch.iter().map(|(_, event)| event), &Near);
    }
}

/// What both kinds of books answer.
macro_rules! both {
    ($($(#[$doc:meta])* $vis:vis fn $name:ident(&self $(, $arg:ident: $type:ty)*) -> $ret:ty;)*) => {
        impl Books {
            $($(#[$doc])*
            #[inline]
            $vis fn $name(&self $(, $arg: $type)*) -> $ret {
                match self {
                    Self::Orders(books) => books.$name($($arg),*),
                    Self::Levels(books) => books.$name($($arg),*),
                }
            })*
        }
    };
}

both! {
    /// Best bid and offer.
    pub fn top(&self, instrument: InstrumentId) -> book::Top;
    /// What the book is good for, the feed's state left out.
    pub fn state(&self, instrument: InstrumentId) -> State;
    /// Both at once.
    pub fn shown(&self, instrument: InstrumentId) -> (book::Top, State);
    /// Trades so far.
    pub fn stats(&self, instrument: InstrumentId) -> book::Stats;
    /// Counts of what fitted and what did not.
    pub fn counters(&self) -> book::Counters;
    /// Live price levels of all books.
    pub fn levels_live(&self) -> usize;
    /// Live price levels of one book.
    pub fn levels_of(&self, instrument: InstrumentId) -> usize;
    /// One number for everything that the book shows.
    pub fn state_hash(&self, instrument: InstrumentId, symbol: Symbol) -> u64;
}

impl Books {
    #[inline]
    fn apply(&mut self, event: &MarketEvent) -> book::Touched {
        match self {
            Self::Orders(books) => books.apply(event),
            Self::Levels(books) => books.apply(event),
        }
    }

    /// Notes what there is to tell.
    #[inline]
    fn note(&self, touched: Touched, board: &mut Board) {
        if touched.top || touched.status || touched.traded {
            if touched.traded {
                board.traded(touched.instrument, &self.stats(touched.instrument));
            }
            board.note(touched.instrument);
        }
    }

    fn set_stale(&mut self, instrument: InstrumentId) {
        match self {
            Self::Orders(books) => books.set_stale(instrument),
            Self::Levels(books) => books.set_stale(instrument),
        }
    }

    fn clear_all(&mut self) {
        match self {
            Self::Orders(books) => {
                books.clear_all();
                books.set_all_live();
            }
            Self::Levels(books) => {
                books.clear_all();
                books.set_all_live();
            }
        }
    }

    /// Live orders of all books; none where the venue shows no orders.
    pub fn orders_live(&self) -> usize {
        match self {
            Self::Orders(books) => books.orders_live(),
            Self::Levels(_) => 0,
        }
    }

    /// Live orders of one book; none where the venue shows no orders.
    pub fn orders_of(&self, instrument: InstrumentId) -> usize {
        match self {
            Self::Orders(books) => books.orders_of(instrument),
            Self::Levels(_) => 0,
        }
    }

    /// The levels of one side from the best, at most `depth_max` of them.
    pub fn levels(
        &self,
        instrument: InstrumentId,
        side: Side,
        depth_max: usize,
        mut each: impl FnMut(book::Level),
    ) {
        match self {
            Self::Orders(books) => {
                books.depth(instrument, side).take(depth_max).for_each(&mut each);
            }
            Self::Levels(books) => {
                books.depth(instrument, side).take(depth_max).for_each(&mut each);
            }
        }
    }
}
