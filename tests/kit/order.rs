//! Orders as OUCH 5.0 has them.

use wire::ouch50::inbound::{EnterOrder, Head, LEN_MAX};
use wire::ouch50::{
    APPENDAGE_MAX, Appendage, AppendageWriter, Capacity, CrossType, Display, Flag, Side, TagValue,
    TimeInForce,
};

/// An order for the day that everybody sees; `price` in units of 1e-4.
pub(crate) fn order(
    user_ref: u32,
    side: Side,
    quantity: u32,
    symbol: &str,
    price: u64,
) -> EnterOrder {
    let mut ticker = [b' '; 8];
    ticker[..symbol.len()].copy_from_slice(symbol.as_bytes());
    EnterOrder {
        header: Head::new(),
        user_ref: user_ref.into(),
        side: side.byte(),
        quantity: quantity.into(),
        symbol: ticker,
        price: price.into(),
        time_in_force: TimeInForce::Day.byte(),
        display: Display::Visible.byte(),
        capacity: Capacity::Agency.byte(),
        intermarket_sweep: Flag::No.byte(),
        cross: CrossType::Continuous.byte(),
        cl_ord_id: [b' '; 14],
    }
}

/// As it is sent, with these options.
pub(crate) fn bytes(order: &EnterOrder, values: &[TagValue]) -> Vec<u8> {
    let (mut room, mut out) = ([0; APPENDAGE_MAX], [0; LEN_MAX]);
    let mut writer = AppendageWriter::new(&mut room);
    for value in values {
        writer.push(*value).expect("each once");
    }
    let options = if values.is_empty() { Appendage::ABSENT } else { writer.finish() };
    let len = order.encode(options, &mut out).expect("room");
    out[..len].to_vec()
}
