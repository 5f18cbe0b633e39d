//! The order of a generated day: what comes when, and how much of it.
//!
//! Times are the venue's own (Nasdaq TotalView-ITCH 5.0: system events O S Q M E C; opening and
//! closing imbalance messages from 9:28 and 15:50). Knows no book.

use wire::itch50::{CrossType, EventCode};

use super::Options;
use super::dice::Dice;

/// One part of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A system event.
    Event { code: EventCode, at_s: u64 },
    /// The stock directory and what goes with it, instrument by instrument.
    Directory,
    /// The market-wide decline levels.
    Decline,
    /// Orders and trades.
    Flow(Flow),
    /// An auction in every instrument.
    Cross(CrossType),
}

/// A stretch of orders and trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) until_s: u64,
    /// Of all messages that are orders and trades.
    pub(super) per_mille: u64,
    /// Imbalance messages of the auction to come: how many of 256 messages.
    pub(super) imbalance: Option<(CrossType, u32)>,
    /// Halts, breaks and the like happen in it.
    pub(super) notices: bool,
}

const fn clock(hour: u64, minute: u64) -> u64 {
    (hour * 60 + minute) * 60
}

const fn flow(
    until_s: u64,
    per_mille: u64,
    imbalance: Option<(CrossType, u32)>,
    notices: bool,
) -> Part {
    Part::Flow(Flow { until_s, per_mille, imbalance, notices })
}

/// The day. The imbalance shares make 1.2 % of a whole day, as the censuses have it.
pub(super) const DAY: [Part; 16] = [
    Part::Event { code: EventCode::StartOfMessages, at_s: clock(3, 5) },
    Part::Directory,
    Part::Event { code: EventCode::StartOfSystemHours, at_s: clock(4, 0) },
    flow(clock(9, 25), 50, None, false),
    Part::Decline,
    flow(clock(9, 28), 10, None, false),
    flow(clock(9, 30), 30, Some((CrossType::Opening, 40)), false),
    Part::Event { code: EventCode::StartOfMarketHours, at_s: clock(9, 30) },
    Part::Cross(CrossType::Opening),
    flow(clock(15, 50), 780, None, true),
    flow(clock(16, 0), 100, Some((CrossType::Closing, 19)), false),
    Part::Event { code: EventCode::EndOfMarketHours, at_s: clock(16, 0) },
    Part::Cross(CrossType::Closing),
    flow(clock(20, 0), 30, None, false),
    Part::Event { code: EventCode::EndOfSystemHours, at_s: clock(20, 0) },
    Part::Event { code: EventCode::EndOfMessages, at_s: clock(20, 5) },
];

/// What happens to one instrument outside the flow of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Happening {
    /// A volatility pause begins.
    Pause,
    /// The auction collar of a pause.
    Collar,
    /// Quotes are taken again.
    QuoteOnly,
    /// The auction that ends a pause or a halt.
    Reopen,
    /// Trading again.
    Resume,
    /// An operational halt on this venue.
    Operational,
    /// Its end.
    OperationalEnd,
    /// The short-sale price test comes into force.
    Restrict,
    /// An execution is broken.
    Break,
    /// A new listing's quotes are announced.
    Release,
    /// The price range of a new listing's auction.
    Discovery,
}

/// A happening, and after how many messages of its flow it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Notice {
    pub(super) after: u64,
    pub(super) listing: u16,
    pub(super) what: Happening,
}

/// Which instruments are new today: a handful of 8,900, at least one of four.
pub(super) fn new_listings(options: &Options) -> impl Iterator<Item = u16> {
    let count = if options.symbols < 4 { 0 } else { 1 + options.symbols / 3_000 };
    let step = options.symbols / (count + 1);
    (1..=count).map(move |nth| nth * step)
}

/// The happenings of a stretch of `messages` messages, in order. Counts per instrument are those of
/// the published days: 35 pauses, 116 breaks, 107 price tests for 8,900 instruments.
pub(super) fn plan(options: &Options, messages: u64, dice: &mut Dice) -> Vec<Notice> {
    use Happening as H;
    // A stretch this short has no room for a story.
    const MESSAGES_MIN: u64 = 1_000;
    if messages < MESSAGES_MIN {
        return Vec::new();
    }
    let span = (messages / 100).min(u64::from(u32::MAX)) as u32;
    let symbols = u32::from(options.symbols);
    let mut notices = Vec::new();
    let mut tell = |percent: u32, listing: u16, story: &[H], dice: &mut Dice| {
        let start = u64::from(percent) * u64::from(span) + u64::from(dice.below(span));
        for (nth, &what) in story.iter().enumerate() {
            // A story lasts five hundredths of the stretch.
            let after = start + u64::from(span) * 5 * nth as u64 / story.len() as u64;
            notices.push(Notice { after, listing, what });
        }
    };
    let new: Vec<u16> = new_listings(options).collect();
    for &listing in &new {
        let story = [H::Release, H::Discovery, H::QuoteOnly, H::Reopen, H::Resume];
        tell(20, listing, &story, dice);
    }
    // Every fourth instrument or so can be paused, and none twice: stories must not cross.
    let pauses = (symbols / 250).max(2).min(symbols / 4);
    for nth in 0..pauses {
        let listing = (nth * (symbols / pauses)) as u16;
        if !new.contains(&listing) {
            let story = [H::Pause, H::Collar, H::QuoteOnly, H::Reopen, H::Resume];
            tell(5 + dice.below(85), listing, &story, dice);
        }
    }
    let elsewhere = dice.below(symbols) as u16;
    tell(40, elsewhere, &[H::Operational, H::OperationalEnd], dice);
    for _ in 0..(symbols / 80).max(1) {
        let listing = dice.below(symbols) as u16;
        tell(dice.below(95), listing, &[H::Restrict], dice);
    }
    for _ in 0..(symbols / 80).max(1) {
        tell(5 + dice.below(90), 0, &[H::Break], dice);
    }
    notices.sort_unstable();
    notices
}

#[cfg(test)]
mod tests {
    use super::{DAY, Part};

    #[test]
    fn the_day_is_whole_and_in_order() {
        let (mut now_s, mut per_mille, mut letters) = (0, 0, String::new());
        for part in DAY {
            match part {
                Part::Event { code, at_s } => {
                    letters.push(char::from(code.byte()));
                    assert!(now_s <= at_s);
                    now_s = at_s;
                }
                Part::Flow(flow) => {
                    assert!(now_s < flow.until_s);
                    now_s = flow.until_s;
                    per_mille += flow.per_mille;
                }
                Part::Directory | Part::Decline | Part::Cross(_) => {}
            }
        }
        assert_eq!((letters.as_str(), per_mille), ("OSQMEC", 1_000));
    }
}
