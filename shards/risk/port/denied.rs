//! Why an order was denied.

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// Why an order or a replacement was denied. The number goes to the journal: append, never
        /// renumber. Each has one reason of OUCH 5.0, Appendix C, that no other has.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Denied {
            $($(#[$doc])* $name = $number,)*
        }

        impl Denied {
            /// Every reason, by its number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

reasons! {
    /// No port, firm or account of this number. OUCH 0x000A, processing error.
    Unknown = 1,
    /// No instrument of this number. OUCH 0x0017, invalid symbol.
    Instrument = 2,
    /// The kill switch of the venue is on. OUCH 0x0002, destination closed.
    VenueStopped = 3,
    /// The kill switch of the firm is on. OUCH 0x000C, firm not authorized.
    FirmStopped = 4,
    /// The kill switch of the port is on. OUCH 0x000F, other.
    PortStopped = 5,
    /// Too many messages of the port. OUCH 0x0029.
    PortRate = 6,
    /// Market orders are not allowed. OUCH 0x002C.
    MarketOrder = 7,
    /// Short sales are not allowed. OUCH 0x002B.
    ShortSale = 8,
    /// Short sales marked exempt are not allowed. OUCH 0x002F.
    ShortExempt = 9,
    /// Intermarket sweeps are not allowed. OUCH 0x0024.
    Sweep = 10,
    /// Orders before the market opens are not allowed. OUCH 0x002D.
    PreMarket = 11,
    /// Orders after the market closes are not allowed. OUCH 0x002E.
    PostMarket = 12,
    /// Market orders to buy in an initial offering are not allowed. OUCH 0x0033.
    OfferingMarketBuy = 13,
    /// More shares than an order may have. OUCH 0x0031.
    Quantity = 14,
    /// On the firm's list of restricted stocks. OUCH 0x0022.
    Restricted = 15,
    /// On the firm's list of stocks not to be sold short. OUCH 0x0023.
    ShortRestricted = 16,
    /// To be sold short, not easy to borrow, and not located. OUCH 0x0027.
    Locate = 17,
    /// Nothing is known to price it by or to compare its price with. OUCH 0x0001, quote unavailable.
    NoReference = 18,
    /// Priced too far through the market. OUCH 0x0021, market impact.
    Collar = 19,
    /// Priced too far from the market, on either side. OUCH 0x0026.
    FatFinger = 20,
    /// Worth more than an order may be. OUCH 0x0030.
    OrderNotional = 21,
    /// Too many messages of the port for the symbol. OUCH 0x0028.
    SymbolRate = 22,
    /// The same order too often. OUCH 0x002A.
    Duplicate = 23,
    /// More than the account or the firm has left of its credit. OUCH 0x0020.
    Exposure = 24,
}

/// Denials by reason, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Denials([u64; Denied::ALL.len()]);

impl Denials {
    /// Denied for this reason.
    pub const fn of(&self, why: Denied) -> u64 {
        self.0[why as usize - 1]
    }

    pub(crate) const fn count(&mut self, why: Denied) {
        self.0[why as usize - 1] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Denials, Denied};

    #[test]
    fn numbers_are_dense_from_1_and_each_has_its_count() {
        let mut denials = Denials::default();
        for (place, why) in Denied::ALL.iter().enumerate() {
            assert_eq!(*why as usize, place + 1);
            denials.count(*why);
            assert_eq!(denials.of(*why), 1);
        }
        assert_eq!(Denied::Exposure as usize, Denied::ALL.len());
    }
}
