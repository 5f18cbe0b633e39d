//! The one-byte fields of DEEP 1.0 whose values the specification lists.

codes! {
    /// What the day has come to (`S`).
    EventCode in SystemEvent {
        /// Start of messages.
        StartOfMessages = b'O',
        /// Start of system hours: orders are taken.
        StartOfSystemHours = b'S',
        /// Start of regular market hours.
        StartOfMarketHours = b'R',
        /// End of regular market hours.
        EndOfMarketHours = b'M',
        /// End of system hours.
        EndOfSystemHours = b'E',
        /// End of messages.
        EndOfMessages = b'C',
    }
}

codes! {
    /// Which limit-up limit-down band applies (`D`).
    LuldTier in LuldTier {
        /// Not applicable.
        None = 0,
        /// Tier 1.
        Tier1 = 1,
        /// Tier 2.
        Tier2 = 2,
    }
}

codes! {
    /// Trading status of a security (`H`).
    TradingState in TradingState {
        /// Halted across all markets.
        Halted = b'H',
        /// The halt is released into an order acceptance period: IEX-listed securities only.
        OrderAcceptance = b'O',
        /// Paused, and orders are accepted: IEX-listed securities only.
        Paused = b'P',
        /// Trading.
        Trading = b'T',
    }
}

codes! {
    /// Retail orders that wait to be met (`I`).
    RetailLiquidity in RetailLiquidity {
        /// On neither side.
        None = b' ',
        /// On the buy side.
        Buy = b'A',
        /// On the sell side.
        Sell = b'B',
        /// On both sides.
        Both = b'C',
    }
}

codes! {
    /// Operational halt on this exchange alone (`O`).
    OperationalState in HaltAction {
        /// Halted.
        Halted = b'O',
        /// Not halted.
        Running = b'N',
    }
}

codes! {
    /// Short-sale price test, Reg SHO (`P`).
    ShortSaleState in ShortSale {
        /// Not in effect.
        Free = 0,
        /// In effect.
        Restricted = 1,
    }
}

codes! {
    /// Why the short-sale price test is as it is (`P`).
    ShortSaleDetail in ShortSaleDetail {
        /// No price test in place.
        None = b' ',
        /// In effect, for a price drop today.
        Activated = b'A',
        /// Remains in effect from the day before.
        Continued = b'C',
        /// Deactivated.
        Deactivated = b'D',
        /// Not available.
        Unknown = b'N',
    }
}

codes! {
    /// What happened to a security (`E`).
    SecurityEventCode in SecurityEvent {
        /// The opening process is complete.
        Opened = b'O',
        /// The closing process is complete.
        Closed = b'C',
    }
}

codes! {
    /// Which official price (`X`).
    PriceType in PriceType {
        /// Opening.
        Opening = b'Q',
        /// Closing.
        Closing = b'M',
    }
}

codes! {
    /// Which auction (`A`).
    AuctionType in AuctionType {
        /// Opening.
        Opening = b'O',
        /// Closing.
        Closing = b'C',
        /// Of a new listing.
        Ipo = b'I',
        /// After a halt.
        Halt = b'H',
        /// After a volatility pause.
        Volatility = b'V',
    }
}

codes! {
    /// The side with more shares in an auction (`A`).
    ImbalanceSide in Imbalance {
        /// More to buy.
        Buy = b'B',
        /// More to sell.
        Sell = b'S',
        /// None.
        None = b'N',
    }
}
