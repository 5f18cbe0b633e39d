//! Crate `itchy` over the same stream: its `MessageStream`, the only way in it offers, fed from memory.

use itchy::{
    ArrayString4, ArrayString8, Body, CrossType, ImbalanceDirection, Message, MessageStream, Side,
};

use super::Checksum;

/// Decodes all messages of `file`. The crate knows neither `h` nor `O` and panics on them.
///
/// # Errors
/// What the crate says.
pub fn decode(file: &[u8]) -> Result<Checksum, String> {
    let mut checksum = Checksum::default();
    for message in MessageStream::from_reader(file) {
        checksum.add(fields(&message.map_err(|error| error.to_string())?));
    }
    Ok(checksum)
}

fn text8(text: &ArrayString8) -> u64 {
    text.as_bytes().first_chunk().map_or(0, |text| u64::from_be_bytes(*text))
}

fn text4(text: &ArrayString4) -> u64 {
    text.as_bytes().first_chunk().map_or(0, |text| u64::from(u32::from_be_bytes(*text)))
}

fn side(side: Side) -> u64 {
    match side {
        Side::Buy => b'B'.into(),
        Side::Sell => b'S'.into(),
    }
}

fn cross(cross: CrossType) -> u64 {
    match cross {
        CrossType::Opening => b'O'.into(),
        CrossType::Closing => b'C'.into(),
        CrossType::IpoOrHalted => b'H'.into(),
        CrossType::Intraday => b'I'.into(),
        CrossType::ExtendedTradingClose => b'A'.into(),
    }
}

fn direction(direction: ImbalanceDirection) -> u64 {
    match direction {
        ImbalanceDirection::Buy => b'B'.into(),
        ImbalanceDirection::Sell => b'S'.into(),
        ImbalanceDirection::NoImbalance => b'N'.into(),
        ImbalanceDirection::InsufficientOrders => b'O'.into(),
    }
}

#[inline(always)]
fn fields(message: &Message) -> u64 {
    let head = u64::from(message.tag)
        + u64::from(message.stock_locate)
        + u64::from(message.tracking_number)
        + message.timestamp;
    let sum = |parts: &[u64]| parts.iter().fold(head, |sum, part| sum.wrapping_add(*part));
    match &message.body {
        Body::AddOrder(m) => sum(&[
            m.reference,
            side(m.side),
            m.shares.into(),
            text8(&m.stock),
            m.price.raw().into(),
            m.mpid.as_ref().map_or(0, text4),
        ]),
        Body::OrderExecuted { reference, executed, match_number } => {
            sum(&[*reference, (*executed).into(), *match_number])
        }
        Body::OrderExecutedWithPrice { reference, executed, match_number, printable, price } => {
            sum(&[
                *reference,
                (*executed).into(),
                *match_number,
                if *printable { b'Y' } else { b'N' }.into(),
                price.raw().into(),
            ])
        }
        Body::OrderCancelled { reference, cancelled } => sum(&[*reference, (*cancelled).into()]),
        Body::DeleteOrder { reference } => sum(&[*reference]),
        Body::ReplaceOrder(m) => {
            sum(&[m.old_reference, m.new_reference, m.shares.into(), m.price.raw().into()])
        }
        Body::NonCrossTrade(m) => sum(&[
            m.reference,
            side(m.side),
            m.shares.into(),
            text8(&m.stock),
            m.price.raw().into(),
            m.match_number,
        ]),
        Body::CrossTrade(m) => sum(&[
            m.shares,
            text8(&m.stock),
            m.cross_price.raw().into(),
            m.match_number,
            cross(m.cross_type),
        ]),
        Body::BrokenTrade { match_number } => sum(&[*match_number]),
        Body::Imbalance(m) => sum(&[
            m.paired_shares,
            m.imbalance_shares,
            direction(m.imbalance_direction),
            text8(&m.stock),
            m.far_price.raw().into(),
            m.near_price.raw().into(),
            m.current_ref_price.raw().into(),
            cross(m.cross_type),
            m.price_variation_indicator.into(),
        ]),
        Body::SystemEvent { .. } | Body::Breach(_) => head,
        Body::StockDirectory(m) => {
            sum(&[text8(&m.stock), m.round_lot_size.into(), m.etp_leverage_factor.into()])
        }
        Body::TradingAction { stock, .. } | Body::RegShoRestriction { stock, .. } => {
            sum(&[text8(stock)])
        }
        Body::ParticipantPosition(m) => sum(&[text4(&m.mpid), text8(&m.stock)]),
        Body::MwcbDeclineLevel { level1, level2, level3 } => {
            sum(&[level1.raw(), level2.raw(), level3.raw()])
        }
        Body::IpoQuotingPeriod(m) => {
            sum(&[text8(&m.stock), m.release_time.into(), m.price.raw().into()])
        }
        Body::LULDAuctionCollar { stock, ref_price, upper_price, lower_price, extension } => {
            sum(&[
                text8(stock),
                ref_price.raw().into(),
                upper_price.raw().into(),
                lower_price.raw().into(),
                (*extension).into(),
            ])
        }
        Body::RetailPriceImprovementIndicator(m) => sum(&[text8(&m.stock)]),
    }
}
