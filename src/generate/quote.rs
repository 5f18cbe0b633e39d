//! At which price an order joins the generated market: near the inside, never at or through the
//! other side.

use types::Side;

use super::dice::Dice;
use super::listing::Listing;

/// The highest price that goes on the wire as a limit, in units of 1e-4.
const PRICE_MAX: u32 = 1_999_999_900;
/// The farther from the inside, the rounder the price that people name: to 5 cents, a quarter, a
/// dollar where the tick is a cent.
fn round(price: i64, out: i64, ticks: i64) -> i64 {
    let grid = match ticks {
        ..64 => return price,
        64..512 => 5,
        512..2_048 => 25,
        2_048.. => 100,
    };
    let step = out * grid;
    // Outwards, so that it stays behind the inside.
    price - price.rem_euclid(step.abs()) + if step < 0 { 0 } else { step }
}

/// Where an order joins a side: near its inside, or better where the fair price moved away.
pub(super) fn place(dice: &mut Dice, listing: &Listing, side: Side) -> u32 {
    let tick = i64::from(listing.tick);
    // Away from the other side.
    let out = match side {
        Side::Buy => -tick,
        Side::Sell => tick,
    };
    let quote = i64::from(listing.fair) + out.signum() * i64::from(listing.half);
    let price = match listing.orders.best(side).map(i64::from) {
        None => quote + out * i64::from(dice.below(3)),
        Some(inside) => {
            // Ticks by which the inside lags the quote that the fair price asks for.
            let lag = (inside - quote) / out;
            if 0 < lag && dice.chance(96) {
                inside - out * (1 + i64::from(dice.below(lag.min(8) as u32)))
            } else {
                let ticks = i64::from(dice.distance());
                round(inside + out * ticks, out, ticks)
            }
        }
    };
    match side {
        Side::Buy => {
            let limit =
                listing.orders.best(Side::Sell).map_or(i64::MAX, |ask| i64::from(ask) - tick);
            if price < tick {
                // The tail reaches below zero: anywhere between there and the inside.
                let top = limit.min(i64::from(listing.fair)) / tick;
                (tick * (1 + i64::from(dice.below(top as u32)))) as u32
            } else {
                price.min(limit) as u32
            }
        }
        Side::Sell => {
            let limit = listing.orders.best(Side::Buy).map_or(tick, |bid| i64::from(bid) + tick);
            price.max(limit).min(i64::from(PRICE_MAX)) as u32
        }
    }
}
