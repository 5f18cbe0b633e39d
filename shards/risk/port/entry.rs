//! What is checked, and what is kept of it while it is live.

use types::{AccountId, FirmId, InstrumentId, Px, Side};

use crate::Notional;

/// Whether a sale is one of shares that the seller does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Short {
    /// It is of shares it has, or a buy.
    #[default]
    No,
    /// It is, and rests on a locate the firm has, or on none.
    Sale,
    /// It is, and exempt from the price test.
    Exempt,
}

/// When in the day an order may trade first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hours {
    /// Before the market opens.
    PreMarket,
    /// While it is open.
    #[default]
    Regular,
    /// After it closes.
    PostMarket,
}

/// An order as it is entered, or as a replacement would have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which instrument, by its slot on this shard.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
    /// Whether it sells short.
    pub short: Short,
    /// The firm states that the shares sold short are located.
    pub is_located: bool,
    /// It sweeps several markets at once.
    pub is_sweep: bool,
    /// Its instrument is in its initial offering.
    pub is_offering: bool,
    /// When it may trade.
    pub hours: Hours,
    /// Shares: all that are open once it is entered or replaced.
    pub qty: u32,
    /// Its limit; `None` for a market order.
    pub px: Option<Px>,
    /// What its price is compared with and a market order is priced by: the best price of the other
    /// side, the last, the close of the day before; `None` where nothing is known.
    pub reference: Option<Px>,
}

/// What is reserved for an order that passed every check: its open shares at one price. Only a check
/// makes one; whoever has the order keeps it, and hands it in for whatever becomes of the order. It
/// cannot be copied: what it stands for is given back once.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the credit it stands for is never given back without it"]
pub struct Reserved {
    pub(super) px: Px,
    pub(super) qty: u32,
    pub(super) account: AccountId,
    pub(super) firm: FirmId,
}

// It lies beside each live order.
const _: () = assert!(size_of::<Reserved>() == 24);

/// What was reserved for an order before it was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Previous {
    pub(super) px: Px,
    pub(super) qty: u32,
}

impl Reserved {
    /// The price at which each share is reserved.
    pub const fn px(&self) -> Px {
        self.px
    }

    /// The open shares.
    pub const fn qty(&self) -> u32 {
        self.qty
    }

    /// No share is open: it is being entered.
    pub(super) const fn is_new(&self) -> bool {
        self.qty == 0
    }

    /// All of it.
    pub const fn amount(&self) -> Notional {
        Notional::of(self.px, self.qty)
    }
}
