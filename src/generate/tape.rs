//! What the generated day says, as ITCH 5.0 bytes: one message at a time, in one buffer.
//!
//! Decides nothing but the fields that nobody downstream computes with (reasons, tiers, firms).

use types::{Side, Trading};
use wire::itch50::{self, CrossType, Head};

use super::listing::Listing;

/// The longest ITCH 5.0 message.
const LEN_MAX: usize = itch50::Imbalance::LEN;

/// Firms that make markets or sign their orders; invented.
const FIRMS: [[u8; 4]; 6] = [*b"AVEN", *b"BRKO", *b"CAPE", *b"DELT", *b"EAST", *b"FORT"];

/// The message last said.
#[derive(Clone, Debug)]
pub(super) struct Tape {
    bytes: [u8; LEN_MAX],
    len: usize,
}

impl Default for Tape {
    fn default() -> Self {
        Self { bytes: [0; LEN_MAX], len: 0 }
    }
}

/// The header of a message about an instrument.
fn head<const KIND: u8>(now_ns: u64, listing: &Listing) -> Head<KIND> {
    Head::new(listing.locate, 0, now_ns)
}

fn side(side: Side) -> u8 {
    match side {
        Side::Buy => itch50::Side::Buy.byte(),
        Side::Sell => itch50::Side::Sell.byte(),
    }
}

impl Tape {
    pub(super) fn message(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn put(&mut self, message: &[u8]) {
        self.bytes[..message.len()].copy_from_slice(message);
        self.len = message.len();
    }

    pub(super) fn event(&mut self, now_ns: u64, event: itch50::EventCode) {
        let header = Head::new(0, 0, now_ns);
        self.put(itch50::SystemEvent { header, event: event.byte() }.as_bytes());
    }

    pub(super) fn decline(&mut self, now_ns: u64) {
        // 7, 13 and 20 % below an index at 3,000.
        let level = |percent: u64| (3_000 * (100 - percent) * 1_000_000).into();
        let header = Head::new(0, 0, now_ns);
        let message = itch50::MwcbDeclineLevel {
            header,
            level1: level(7),
            level2: level(13),
            level3: level(20),
        };
        self.put(message.as_bytes());
    }

    pub(super) fn directory(&mut self, now_ns: u64, listing: &Listing, new: bool) {
        use itch50::Flag;
        let ipo = if new { Flag::Yes } else { Flag::No };
        let message = itch50::StockDirectory {
            header: head(now_ns, listing),
            stock: listing.symbol.to_wire(),
            market_category: itch50::MarketCategory::NasdaqGlobalSelect.byte(),
            financial_status: itch50::FinancialStatus::Normal.byte(),
            round_lot: 100.into(),
            round_lots_only: Flag::No.byte(),
            classification: itch50::IssueClassification::CommonStock.byte(),
            sub_type: *b"Z ",
            authenticity: itch50::Authenticity::Production.byte(),
            short_sale_threshold: Flag::No.byte(),
            ipo: ipo.byte(),
            luld_tier: itch50::LuldTier::Tier1.byte(),
            etp: Flag::No.byte(),
            etp_leverage: 0.into(),
            inverse: Flag::No.byte(),
        };
        self.put(message.as_bytes());
    }

    pub(super) fn trading(&mut self, now_ns: u64, listing: &Listing, to: Trading, reason: [u8; 4]) {
        use itch50::TradingState as T;
        let state = match to {
            Trading::Open => T::Trading,
            Trading::Halted => T::Halted,
            Trading::Paused => T::Paused,
            Trading::QuoteOnly => T::QuotationOnly,
        };
        let message = itch50::TradingAction {
            header: head(now_ns, listing),
            stock: listing.symbol.to_wire(),
            state: state.byte(),
            reserved: b' ',
            reason,
        };
        self.put(message.as_bytes());
    }

    pub(super) fn short_sale(&mut self, now_ns: u64, listing: &Listing, to: itch50::RegShoAction) {
        let stock = listing.symbol.to_wire();
        let header = head(now_ns, listing);
        self.put(itch50::RegSho { header, stock, action: to.byte() }.as_bytes());
    }

    pub(super) fn participant(&mut self, now_ns: u64, listing: &Listing, nth: u32) {
        let primary = if nth == 0 { itch50::Flag::Yes } else { itch50::Flag::No };
        let message = itch50::ParticipantPosition {
            header: head(now_ns, listing),
            mpid: FIRMS[nth as usize % FIRMS.len()],
            stock: listing.symbol.to_wire(),
            primary: primary.byte(),
            mode: itch50::MarketMakerMode::Normal.byte(),
            state: itch50::ParticipantState::Active.byte(),
        };
        self.put(message.as_bytes());
    }

    pub(super) fn add(&mut self, now_ns: u64, listing: &Listing, order: &Order, attributed: bool) {
        let (order_ref, side) = (order.reference.into(), side(order.side));
        let (shares, price) = (order.shares.into(), order.price.into());
        let stock = listing.symbol.to_wire();
        if attributed {
            let attribution = FIRMS[order.reference as usize / 4 % FIRMS.len()];
            let header = head(now_ns, listing);
            let message =
                itch50::AddOrderMpid { header, order_ref, side, shares, stock, price, attribution };
            self.put(message.as_bytes());
        } else {
            let header = head(now_ns, listing);
            let message = itch50::AddOrder { header, order_ref, side, shares, stock, price };
            self.put(message.as_bytes());
        }
    }

    pub(super) fn delete(&mut self, now_ns: u64, listing: &Listing, reference: u64) {
        let header = head(now_ns, listing);
        self.put(itch50::OrderDelete { header, order_ref: reference.into() }.as_bytes());
    }

    pub(super) fn replace(&mut self, now_ns: u64, listing: &Listing, old: u64, new: &Order) {
        let message = itch50::OrderReplace {
            header: head(now_ns, listing),
            old_ref: old.into(),
            new_ref: new.reference.into(),
            shares: new.shares.into(),
            price: new.price.into(),
        };
        self.put(message.as_bytes());
    }

    pub(super) fn reduce(&mut self, now_ns: u64, listing: &Listing, reference: u64, shares: u32) {
        let header = head(now_ns, listing);
        let message =
            itch50::OrderCancel { header, order_ref: reference.into(), shares: shares.into() };
        self.put(message.as_bytes());
    }

    pub(super) fn execute(&mut self, now_ns: u64, listing: &Listing, fill: Fill) {
        let message = itch50::OrderExecuted {
            header: head(now_ns, listing),
            order_ref: fill.reference.into(),
            shares: fill.shares.into(),
            match_number: fill.match_number.into(),
        };
        self.put(message.as_bytes());
    }

    pub(super) fn execute_at(
        &mut self,
        now_ns: u64,
        listing: &Listing,
        fill: Fill,
        price: u32,
        printable: bool,
    ) {
        let printable = if printable { itch50::Flag::Yes } else { itch50::Flag::No };
        let message = itch50::OrderExecutedWithPrice {
            header: head(now_ns, listing),
            order_ref: fill.reference.into(),
            shares: fill.shares.into(),
            match_number: fill.match_number.into(),
            printable: printable.byte(),
            price: price.into(),
        };
        self.put(message.as_bytes());
    }

    pub(super) fn trade(&mut self, now_ns: u64, listing: &Listing, shares: u32, match_number: u64) {
        let message = itch50::Trade {
            header: head(now_ns, listing),
            order_ref: 0.into(),
            side: itch50::Side::Buy.byte(),
            shares: shares.into(),
            stock: listing.symbol.to_wire(),
            price: listing.middle().into(),
            match_number: match_number.into(),
        };
        self.put(message.as_bytes());
    }

    pub(super) fn cross(&mut self, now_ns: u64, listing: &Listing, print: CrossPrint) {
        let message = itch50::CrossTrade {
            header: head(now_ns, listing),
            shares: print.shares.into(),
            stock: listing.symbol.to_wire(),
            // Nothing paired, no price.
            price: if print.shares == 0 { 0 } else { print.price }.into(),
            match_number: print.match_number.into(),
            cross: print.kind.byte(),
        };
        self.put(message.as_bytes());
    }

    pub(super) fn bust(&mut self, now_ns: u64, listing: &Listing, match_number: u64) {
        let header = head(now_ns, listing);
        self.put(itch50::BrokenTrade { header, match_number: match_number.into() }.as_bytes());
    }

    pub(super) fn imbalance(
        &mut self,
        now_ns: u64,
        listing: &Listing,
        (paired, unpaired): (u32, u32),
        direction: itch50::ImbalanceDirection,
        kind: CrossType,
    ) {
        use itch50::ImbalanceDirection as D;
        let (imbalance, lean) = match direction {
            D::Buy => (unpaired, listing.tick as i32),
            D::Sell => (unpaired, -(listing.tick as i32)),
            D::None | D::InsufficientOrders | D::Paused => (0, 0),
        };
        let middle = listing.middle();
        let message = itch50::Imbalance {
            header: head(now_ns, listing),
            paired: u64::from(paired).into(),
            imbalance: u64::from(imbalance).into(),
            direction: direction.byte(),
            stock: listing.symbol.to_wire(),
            far: middle.saturating_add_signed(2 * lean).into(),
            near: middle.saturating_add_signed(lean).into(),
            reference: middle.into(),
            cross: kind.byte(),
            variation: itch50::PriceVariation::Below1.byte(),
        };
        self.put(message.as_bytes());
    }

    pub(super) fn retail(&mut self, now_ns: u64, listing: &Listing, to: itch50::RetailInterest) {
        let stock = listing.symbol.to_wire();
        let header = head(now_ns, listing);
        self.put(itch50::RetailPrice { header, stock, interest: to.byte() }.as_bytes());
    }

    pub(super) fn collar(&mut self, now_ns: u64, listing: &Listing) {
        let reference = listing.middle();
        let message = itch50::AuctionCollar {
            header: head(now_ns, listing),
            stock: listing.symbol.to_wire(),
            reference: reference.into(),
            upper: (reference + reference / 20).into(),
            lower: (reference - reference / 20).into(),
            extension: 0.into(),
        };
        self.put(message.as_bytes());
    }

    pub(super) fn operational(&mut self, now_ns: u64, listing: &Listing, halted: bool) {
        use itch50::HaltAction;
        let action = if halted { HaltAction::Halted } else { HaltAction::Resumed };
        let message = itch50::OperationalHalt {
            header: head(now_ns, listing),
            stock: listing.symbol.to_wire(),
            // Another market of the group: trading goes on here.
            market: itch50::MarketCode::Bx.byte(),
            action: action.byte(),
        };
        self.put(message.as_bytes());
    }

    pub(super) fn release(&mut self, now_ns: u64, listing: &Listing) {
        let message = itch50::IpoQuotingPeriod {
            header: head(now_ns, listing),
            stock: listing.symbol.to_wire(),
            release_s: ((now_ns / 1_000_000_000) as u32).into(),
            qualifier: itch50::IpoQualifier::Anticipated.byte(),
            price: listing.fair.into(),
        };
        self.put(message.as_bytes());
    }

    pub(super) fn discovery(&mut self, now_ns: u64, listing: &Listing) {
        let near = listing.fair;
        let message = itch50::DirectListing {
            header: head(now_ns, listing),
            stock: listing.symbol.to_wire(),
            eligible: itch50::Flag::Yes.byte(),
            minimum: (near - near / 5).into(),
            maximum: (near + near / 5 * 4).into(),
            near_price: near.into(),
            near_time_ns: now_ns.into(),
            lower: (near - near / 10).into(),
            upper: (near + near / 10).into(),
        };
        self.put(message.as_bytes());
    }
}

/// An order as it is announced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) reference: u64,
    pub(super) side: Side,
    pub(super) shares: u32,
    pub(super) price: u32,
}

/// An execution of a resting order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fill {
    pub(super) reference: u64,
    pub(super) shares: u32,
    pub(super) match_number: u64,
}

/// An auction's bulk print.
#[derive(Clone, Copy, Debug)]
pub(super) struct CrossPrint {
    pub(super) shares: u64,
    pub(super) price: u32,
    pub(super) match_number: u64,
    pub(super) kind: CrossType,
}
