//! ITCH 5.0 and GLIMPSE: what parses is written back as it came, and every field can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::hint::black_box;
use wire::glimpse;
use wire::itch50::{Header, Message, length_of, peek_locate};

/// Reads the fields that are checked on reading.
fn read_codes(message: Message<'_>) {
    match message {
        Message::SystemEvent(m) => drop(black_box(m.event())),
        Message::StockDirectory(m) => {
            black_box((m.market_category().is_ok(), m.financial_status().is_ok()));
            black_box((
                m.classification().is_ok(),
                m.authenticity().is_ok(),
                m.luld_tier().is_ok(),
            ));
            black_box((m.round_lots_only().is_ok(), m.short_sale_threshold().is_ok()));
            black_box((m.ipo().is_ok(), m.etp().is_ok(), m.inverse().is_ok()));
        }
        Message::TradingAction(m) => drop(black_box(m.state())),
        Message::RegSho(m) => drop(black_box(m.action())),
        Message::ParticipantPosition(m) => {
            black_box((m.primary().is_ok(), m.mode().is_ok(), m.state().is_ok()));
        }
        Message::MwcbStatus(m) => drop(black_box(m.breached())),
        Message::IpoQuotingPeriod(m) => drop(black_box(m.qualifier())),
        Message::OperationalHalt(m) => {
            black_box((m.market().is_ok(), m.action().is_ok()));
        }
        Message::AddOrder(m) => drop(black_box(m.side())),
        Message::AddOrderMpid(m) => drop(black_box(m.side())),
        Message::OrderExecutedWithPrice(m) => drop(black_box(m.printable())),
        Message::Trade(m) => drop(black_box(m.side())),
        Message::CrossTrade(m) => drop(black_box(m.cross())),
        Message::Imbalance(m) => {
            black_box((m.direction().is_ok(), m.cross().is_ok(), m.variation().is_ok()));
        }
        Message::RetailPrice(m) => drop(black_box(m.interest())),
        Message::DirectListing(m) => drop(black_box(m.eligible())),
        Message::MwcbDeclineLevel(_)
        | Message::AuctionCollar(_)
        | Message::OrderExecuted(_)
        | Message::OrderCancel(_)
        | Message::OrderDelete(_)
        | Message::OrderReplace(_)
        | Message::BrokenTrade(_) => {}
    }
}

fuzz_target!(|bytes: &[u8]| {
    let parsed = Message::parse(bytes);
    let wanted = bytes.first().and_then(|kind| length_of(*kind));
    assert_eq!(parsed.is_ok(), wanted == Some(bytes.len()));
    if let Ok(message) = parsed {
        assert_eq!(message.as_bytes(), bytes);
        let mut out = [0; 64];
        let len = message.encode(&mut out).expect("64 bytes hold every message");
        assert_eq!(&out[..len], bytes);
        assert_eq!(Header::peek(bytes), Some(message.header()));
        assert_eq!(peek_locate(bytes), Some(message.header().locate()));
        black_box(message.header().timestamp());
        read_codes(message);
    }
    match glimpse::Message::parse(bytes) {
        Ok(glimpse::Message::Itch(message)) => assert_eq!(Ok(message), parsed),
        Ok(glimpse::Message::End { sequence }) => {
            let written = glimpse::EndOfSnapshot::new(sequence);
            let again = glimpse::Message::parse(written.as_bytes());
            assert_eq!(again, Ok(glimpse::Message::End { sequence }));
        }
        Err(fault) => drop(black_box(fault.to_string())),
    }
});
