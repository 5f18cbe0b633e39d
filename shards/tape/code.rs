//! Which letter of ITCH 5.0 says what: phases, crosses, imbalances.

use matching::{Cross, Phase};
use types::Side;
use wire::itch50::{CrossType, ImbalanceDirection, PriceVariation, TradingState};

/// The trading state of a phase, and why (ITCH 5.0, "Stock Trading Action Codes").
///
/// Whoever runs the market halts without telling us why: to its readers that is an operations halt.
pub(crate) const fn trading(phase: Phase) -> (TradingState, [u8; 4]) {
    match phase {
        Phase::Closed => (TradingState::Halted, *b"    "),
        Phase::PreOpen => (TradingState::QuotationOnly, *b"    "),
        Phase::Continuous => (TradingState::Trading, *b"    "),
        Phase::Halted => (TradingState::Halted, *b"O1  "),
        Phase::PreReopen => (TradingState::QuotationOnly, *b"T7  "),
        Phase::Paused => (TradingState::Paused, *b"LUDP"),
    }
}

/// Which auction it is.
pub(crate) const fn cross(cross: Cross) -> CrossType {
    match cross {
        Cross::Opening => CrossType::Opening,
        Cross::Reopening => CrossType::HaltOrIpo,
        Cross::Closing => CrossType::Closing,
        Cross::Dark => CrossType::Intraday,
    }
}

/// The side with more; where neither has, whether anything could be calculated at all.
pub(crate) const fn direction(side: Option<Side>, calculated: bool) -> ImbalanceDirection {
    match side {
        Some(Side::Buy) => ImbalanceDirection::Buy,
        Some(Side::Sell) => ImbalanceDirection::Sell,
        None if calculated => ImbalanceDirection::None,
        None => ImbalanceDirection::InsufficientOrders,
    }
}

/// How far the near price is from the reference, both with four decimals; 0 is no price.
pub(crate) const fn variation(near: u32, reference: u32) -> PriceVariation {
    if near == 0 || reference == 0 {
        return PriceVariation::Unknown;
    }
    match near.abs_diff(reference) as u64 * 100 / reference as u64 {
        0 => PriceVariation::Below1,
        1 => PriceVariation::From1,
        2 => PriceVariation::From2,
        3 => PriceVariation::From3,
        4 => PriceVariation::From4,
        5 => PriceVariation::From5,
        6 => PriceVariation::From6,
        7 => PriceVariation::From7,
        8 => PriceVariation::From8,
        9 => PriceVariation::From9,
        10..20 => PriceVariation::From10,
        20..30 => PriceVariation::From20,
        30.. => PriceVariation::From30,
    }
}

#[cfg(test)]
mod tests {
    use super::variation;

    #[test]
    fn a_variation_is_a_whole_percent_rounded_down() {
        let cases = [
            // near  reference  letter
            (0, 10_000, b' '),
            (10_000, 0, b' '),
            (10_000, 10_000, b'L'),
            (10_099, 10_000, b'L'),
            (10_100, 10_000, b'1'),
            (9_801, 10_000, b'1'),
            (9_800, 10_000, b'2'),
            (10_999, 10_000, b'9'),
            (11_000, 10_000, b'A'),
            (8_000, 10_000, b'B'),
            (7_000, 10_000, b'C'),
            (u32::MAX, 1, b'C'),
        ];
        for (near, reference, letter) in cases {
            assert_eq!(variation(near, reference).byte(), letter, "{near} {reference}");
        }
    }
}
