//! What is told of the day and of instruments rather than of orders: by calls of their own, from
//! whoever runs the market.

use matching::Phase;
use types::{InstrumentId, MatchNo, Nanos};
use wire::itch50::{
    Authenticity, BrokenTrade, EventCode, FinancialStatus, Flag, IssueClassification, RegSho,
    StockDirectory, SystemEvent, TradingAction,
};

use crate::feed::Feed;
use crate::tape::Row;
use crate::{Out, Tape, code};

impl Tape {
    /// `S`: the day has come to this. The first message of a day is
    /// [`EventCode::StartOfMessages`], the last [`EventCode::EndOfMessages`].
    pub fn system(&mut self, now: Nanos, event: EventCode, out: &mut impl Out) {
        let message = SystemEvent { header: self.feed.head(now, 0), event: event.byte() };
        self.feed.say(now, message.as_bytes(), out);
    }

    /// `R`, `H` and `Y`: an instrument's name, where it stands in its day, and its short-sale price
    /// test. Once for each before the day begins; a call says so little that the caller can spread
    /// many over time. An instrument that there is not is counted.
    pub fn list(&mut self, now: Nanos, instrument: InstrumentId, out: &mut impl Out) {
        let Some(row) = self.rows.get(instrument.index()) else {
            self.feed.counters.strangers += 1;
            return;
        };
        let listing = &row.listing;
        let stock = listing.symbol.to_wire();
        let directory = StockDirectory {
            header: self.feed.head(now, listing.locate),
            stock,
            market_category: listing.category.byte(),
            financial_status: FinancialStatus::Normal.byte(),
            round_lot: listing.round_lot.into(),
            round_lots_only: Flag::No.byte(),
            classification: IssueClassification::CommonStock.byte(),
            sub_type: *b"Z ", // not applicable
            authenticity: Authenticity::Production.byte(),
            short_sale_threshold: Flag::No.byte(),
            ipo: Flag::No.byte(),
            luld_tier: listing.tier.byte(),
            etp: Flag::No.byte(),
            etp_leverage: 0.into(),
            inverse: Flag::No.byte(),
        };
        let header = self.feed.head(now, listing.locate);
        let short_sale = RegSho { header, stock, action: listing.short_sale.byte() };
        let action = trading(&self.feed, now, row);
        self.feed.say(now, directory.as_bytes(), out);
        self.feed.say(now, action.as_bytes(), out);
        self.feed.say(now, short_sale.as_bytes(), out);
    }

    /// `B`: an execution of the day was broken. Books do not change.
    pub fn bust(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        match_no: MatchNo,
        out: &mut impl Out,
    ) {
        let Some(row) = self.rows.get(instrument.index()) else {
            self.feed.counters.strangers += 1;
            return;
        };
        let header = self.feed.head(now, row.listing.locate);
        let message = BrokenTrade { header, match_number: match_no.get().into() };
        self.feed.say(now, message.as_bytes(), out);
    }

    /// `H`: an instrument is in another phase of its day.
    pub(crate) fn on_phase(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        phase: Phase,
        out: &mut impl Out,
    ) -> Option<()> {
        let row = self.rows.get_mut(instrument.index())?;
        (row.phase, row.collars) = (phase, 0);
        let action = trading(&self.feed, now, row);
        self.feed.say(now, action.as_bytes(), out);
        Some(())
    }
}

fn trading(feed: &Feed, now: Nanos, row: &Row) -> TradingAction {
    let (state, reason) = code::trading(row.phase);
    TradingAction {
        header: feed.head(now, row.listing.locate),
        stock: row.listing.symbol.to_wire(),
        state: state.byte(),
        reserved: b' ',
        reason,
    }
}
