//! The one-byte fields of ITCH 5.0 whose values the specification lists.

codes! {
    /// Side of an order or trade.
    Side in Side {
        /// To buy.
        Buy = b'B',
        /// To sell.
        Sell = b'S',
    }
}

codes! {
    /// What the day has come to (`S`).
    EventCode in SystemEvent {
        /// Start of messages: first of the day.
        StartOfMessages = b'O',
        /// Start of system hours: orders are taken.
        StartOfSystemHours = b'S',
        /// Start of market hours.
        StartOfMarketHours = b'Q',
        /// End of market hours.
        EndOfMarketHours = b'M',
        /// End of system hours: no orders are taken any more.
        EndOfSystemHours = b'E',
        /// End of messages: last of the day.
        EndOfMessages = b'C',
    }
}

codes! {
    /// Where a stock is listed, and in which tier (`R`).
    MarketCategory in MarketCategory {
        /// Nasdaq Global Select Market.
        NasdaqGlobalSelect = b'Q',
        /// Nasdaq Global Market.
        NasdaqGlobal = b'G',
        /// Nasdaq Capital Market.
        NasdaqCapital = b'S',
        /// New York Stock Exchange.
        Nyse = b'N',
        /// NYSE American.
        NyseAmerican = b'A',
        /// NYSE Arca.
        NyseArca = b'P',
        /// Cboe BZX.
        Bats = b'Z',
        /// Investors Exchange.
        Iex = b'V',
        /// Not available.
        Unknown = b' ',
    }
}

codes! {
    /// A Nasdaq issuer's standing with the listing rules (`R`).
    FinancialStatus in FinancialStatus {
        /// Deficient.
        Deficient = b'D',
        /// Delinquent.
        Delinquent = b'E',
        /// Bankrupt.
        Bankrupt = b'Q',
        /// Suspended.
        Suspended = b'S',
        /// Deficient and bankrupt.
        DeficientBankrupt = b'G',
        /// Deficient and delinquent.
        DeficientDelinquent = b'H',
        /// Delinquent and bankrupt.
        DelinquentBankrupt = b'J',
        /// Deficient, delinquent and bankrupt.
        DeficientDelinquentBankrupt = b'K',
        /// Creations or redemptions of an exchange-traded product are suspended.
        CreationsSuspended = b'C',
        /// In order.
        Normal = b'N',
        /// Not available.
        Unknown = b' ',
    }
}

codes! {
    /// What kind of security it is (`R`).
    IssueClassification in IssueClassification {
        /// American depositary share.
        AmericanDepositaryShare = b'A',
        /// Bond.
        Bond = b'B',
        /// Common stock.
        CommonStock = b'C',
        /// Depository receipt.
        DepositoryReceipt = b'F',
        /// Rule 144A.
        Rule144A = b'I',
        /// Limited partnership.
        LimitedPartnership = b'L',
        /// Notes.
        Notes = b'N',
        /// Ordinary share.
        OrdinaryShare = b'O',
        /// Preferred stock.
        PreferredStock = b'P',
        /// Other securities.
        Other = b'Q',
        /// Right.
        Right = b'R',
        /// Shares of beneficial interest.
        BeneficialInterest = b'S',
        /// Convertible debenture.
        ConvertibleDebenture = b'T',
        /// Unit.
        Unit = b'U',
        /// Units of beneficial interest.
        BeneficialUnits = b'V',
        /// Warrant.
        Warrant = b'W',
    }
}

codes! {
    /// Whether an issue is real (`R`).
    Authenticity in Authenticity {
        /// Live.
        Production = b'P',
        /// A demonstration or test issue.
        Test = b'T',
    }
}

codes! {
    /// Yes, no, or not said.
    Flag in Flag {
        /// Yes.
        Yes = b'Y',
        /// No.
        No = b'N',
        /// Not available.
        Unknown = b' ',
    }
}

codes! {
    /// Which limit-up limit-down band applies (`R`).
    LuldTier in LuldTier {
        /// Tier 1.
        Tier1 = b'1',
        /// Tier 2.
        Tier2 = b'2',
        /// Not applicable.
        None = b' ',
    }
}

codes! {
    /// Trading state of a stock (`H`).
    TradingState in TradingState {
        /// Halted across all markets.
        Halted = b'H',
        /// Paused across all markets.
        Paused = b'P',
        /// Quotation only, until the halt or pause is released.
        QuotationOnly = b'Q',
        /// Trading.
        Trading = b'T',
    }
}

codes! {
    /// Short-sale price test, Reg SHO (`Y`).
    RegShoAction in ShortSale {
        /// No price test.
        None = b'0',
        /// In effect, for a price drop today.
        Today = b'1',
        /// Remains in effect from an earlier day.
        Remains = b'2',
    }
}

codes! {
    /// What a market maker does in a stock (`L`).
    MarketMakerMode in MarketMakerMode {
        /// Normal.
        Normal = b'N',
        /// Passive.
        Passive = b'P',
        /// Syndicate.
        Syndicate = b'S',
        /// Pre-syndicate.
        PreSyndicate = b'R',
        /// Penalty.
        Penalty = b'L',
    }
}

codes! {
    /// A market participant's registration in a stock (`L`).
    ParticipantState in ParticipantState {
        /// Active.
        Active = b'A',
        /// Excused or withdrawn.
        Excused = b'E',
        /// Withdrawn.
        Withdrawn = b'W',
        /// Suspended.
        Suspended = b'S',
        /// Deleted.
        Deleted = b'D',
    }
}

codes! {
    /// Which market-wide circuit-breaker level was breached (`W`).
    BreachedLevel in BreachedLevel {
        /// Level 1.
        One = b'1',
        /// Level 2.
        Two = b'2',
        /// Level 3.
        Three = b'3',
    }
}

codes! {
    /// Whether an IPO's quotation release stands (`K`).
    IpoQualifier in IpoQualifier {
        /// Anticipated at the given time.
        Anticipated = b'A',
        /// Canceled or postponed.
        Canceled = b'C',
    }
}

codes! {
    /// Which of the group's markets an operational halt is about (`h`).
    MarketCode in MarketCode {
        /// Nasdaq.
        Nasdaq = b'Q',
        /// BX.
        Bx = b'B',
        /// PSX.
        Psx = b'X',
    }
}

codes! {
    /// What an operational halt message says (`h`).
    HaltAction in HaltAction {
        /// Operationally halted on that market.
        Halted = b'H',
        /// The halt is lifted and trading resumed.
        Resumed = b'T',
    }
}

codes! {
    /// Which auction (`Q`, `I`).
    CrossType in CrossType {
        /// Opening cross.
        Opening = b'O',
        /// Closing cross.
        Closing = b'C',
        /// Cross for an IPO, or for a halted or paused stock.
        HaltOrIpo = b'H',
        /// Intraday cross, once on demand.
        Intraday = b'I',
        /// Extended trading close.
        ExtendedClose = b'A',
    }
}

codes! {
    /// The side with more shares in an auction (`I`).
    ImbalanceDirection in Imbalance {
        /// More to buy.
        Buy = b'B',
        /// More to sell.
        Sell = b'S',
        /// None.
        None = b'N',
        /// Too few orders to calculate.
        InsufficientOrders = b'O',
        /// Paused.
        Paused = b'P',
    }
}

codes! {
    /// How far the near indicative price is from the reference price (`I`), upper bounds excluded.
    PriceVariation in Variation {
        /// Less than 1 %.
        Below1 = b'L',
        /// 1 to 2 %.
        From1 = b'1',
        /// 2 to 3 %.
        From2 = b'2',
        /// 3 to 4 %.
        From3 = b'3',
        /// 4 to 5 %.
        From4 = b'4',
        /// 5 to 6 %.
        From5 = b'5',
        /// 6 to 7 %.
        From6 = b'6',
        /// 7 to 8 %.
        From7 = b'7',
        /// 8 to 9 %.
        From8 = b'8',
        /// 9 to 10 %.
        From9 = b'9',
        /// 10 to 20 %.
        From10 = b'A',
        /// 20 to 30 %.
        From20 = b'B',
        /// 30 % or more.
        From30 = b'C',
        /// Cannot be calculated.
        Unknown = b' ',
    }
}

codes! {
    /// Retail orders that wait to be met (`N`).
    RetailInterest in RetailInterest {
        /// On the buy side.
        Buy = b'B',
        /// On the sell side.
        Sell = b'S',
        /// On both sides.
        Both = b'A',
        /// On neither side.
        None = b'N',
    }
}
