//! The one-byte fields of OUCH 5.0 whose values the specification lists.
//!
//! Source: Nasdaq OUCH 5.0, 2.1 (order entry), 3 (outbound), Appendix A (options), Appendix B (cancel
//! reasons), Appendix D (liquidity flags).

codes! {
    /// Side of an order, with what a sale must be marked as.
    Side in Side {
        /// To buy.
        Buy = b'B',
        /// To sell, long.
        Sell = b'S',
        /// To sell short.
        SellShort = b'T',
        /// To sell short, exempt from the short-sale price test.
        SellShortExempt = b'E',
    }
}

codes! {
    /// How long an order stands.
    TimeInForce in TimeInForce {
        /// Until the market closes.
        Day = b'0',
        /// What does not trade at once is canceled.
        ImmediateOrCancel = b'3',
        /// Until extended hours end.
        ExtendedHours = b'5',
        /// For the seconds of the option [`ExpireTime`], which it needs.
        ///
        /// [`ExpireTime`]: super::TagValue::ExpireTime
        GoodTillTime = b'6',
        /// After hours only; not on a replace.
        AfterHours = b'E',
    }
}

codes! {
    /// Who sees an order.
    Display in Display {
        /// All.
        Visible = b'Y',
        /// Nobody.
        Hidden = b'N',
        /// All, with the firm's name.
        Attributable = b'A',
        /// Answers only: as far as the rules let it be seen.
        Conformant = b'Z',
    }
}

codes! {
    /// In what capacity the firm acts.
    Capacity in Capacity {
        /// As a customer's agent.
        Agency = b'A',
        /// For itself.
        Principal = b'P',
        /// Riskless principal.
        Riskless = b'R',
        /// Another.
        Other = b'O',
    }
}

codes! {
    /// Yes or no.
    Flag in Flag {
        /// Yes.
        Yes = b'Y',
        /// No.
        No = b'N',
    }
}

codes! {
    /// Which trading an order is for: continuous, or one of the crosses.
    CrossType in CrossType {
        /// The continuous market.
        Continuous = b'N',
        /// Opening cross.
        Opening = b'O',
        /// Closing cross.
        Closing = b'C',
        /// Cross for an IPO, or for a halted or paused stock.
        HaltOrIpo = b'H',
        /// Supplemental.
        Supplemental = b'S',
        /// Retail (BX only).
        Retail = b'R',
        /// Extended life.
        ExtendedLife = b'E',
        /// Extended trading close.
        AfterHoursClose = b'A',
    }
}

codes! {
    /// What the order entry day has come to.
    EventCode in SystemEvent {
        /// Orders are taken.
        StartOfDay = b'S',
        /// No orders are taken any more; breaks and cancels may still come.
        EndOfDay = b'E',
    }
}

codes! {
    /// Whether an accepted order lives.
    OrderState in OrderState {
        /// It does.
        Live = b'L',
        /// It was accepted and canceled at once: nothing more comes about it.
        Dead = b'D',
    }
}

codes! {
    /// Why an order lost shares or ended (Appendix B).
    CancelReason in CancelReason {
        /// A regulatory restriction, as trading through.
        Regulatory = b'D',
        /// The closing cross of the stock is over.
        Closed = b'E',
        /// Post-only, and the order would have been priced away from another market's quote.
        PostOnlyNms = b'F',
        /// Post-only, and the order would have been priced away from a displayed order.
        PostOnlyContra = b'G',
        /// On open, and the stock stayed halted after the opening cross.
        Halted = b'H',
        /// Immediate or cancel.
        ImmediateOrCancel = b'I',
        /// Market collars.
        MarketCollars = b'K',
        /// It would have traded with an order of its own firm.
        SelfMatch = b'Q',
        /// By hand, at the exchange.
        Supervisory = b'S',
        /// Its time in force ran out.
        Timeout = b'T',
        /// As asked for.
        UserRequested = b'U',
        /// The threshold of the opening price protection.
        OpenProtection = b'X',
        /// By the system.
        System = b'Z',
        /// The issuer's order in a direct listing exceeds the shares offered.
        ExceedsOffering = b'e',
    }
}

codes! {
    /// Why an execution was broken.
    BrokenReason in BrokenReason {
        /// Clearly erroneous.
        Erroneous = b'E',
        /// Both parties agreed.
        Consent = b'C',
        /// By hand, at the exchange.
        Supervisory = b'S',
        /// A third party.
        External = b'X',
    }
}

codes! {
    /// What of an order is restated.
    RestateReason in RestateReason {
        /// More of a reserve order is shown.
        RefreshOfDisplay = b'R',
        /// It is shown at another price.
        DisplayedPrice = b'P',
    }
}

codes! {
    /// How an execution met liquidity, which fees depend on (Appendix D).
    Liquidity in Liquidity {
        /// Added.
        Added = b'A',
        /// Removed.
        Removed = b'R',
        /// Opening cross.
        OpeningCross = b'O',
        /// Opening cross, imbalance-only order.
        OpeningImbalanceOnly = b'M',
        /// Closing cross.
        ClosingCross = b'C',
        /// Closing cross, imbalance-only order.
        ClosingImbalanceOnly = b'L',
        /// Cross of a halt or an IPO.
        HaltOrIpoCross = b'H',
        /// Halt cross.
        HaltCross = b'K',
        /// Extended trading close.
        AfterHoursClose = b'i',
        /// Supplemental order.
        Supplemental = b'0',
        /// Added, not displayed.
        AddedHidden = b'J',
        /// Added, not displayed, by a reserve order.
        AddedReserve = b'u',
        /// Added by a midpoint order.
        AddedMidpoint = b'k',
        /// Removed at the midpoint.
        RemovedMidpoint = b'm',
        /// Passive midpoint execution.
        PassiveMidpoint = b'N',
        /// Midpoint extended life order.
        MidpointExtendedLife = b'n',
        /// Added and displayed, retail designated.
        AddedRetail = b'e',
        /// Added by a displayed order that improved the national best price.
        ImprovedNbbo = b'7',
        /// Added by a displayed order that set the exchange's best price and joined the national one.
        SetQbbo = b'8',
        /// Added by a retail price improvement order (BX).
        AddedRetailImprovement = b'j',
        /// Added by a retail price improvement order without its indicator (BX).
        AddedRetailUnindicated = b'1',
        /// Removed hidden liquidity that improved the price (BX).
        RemovedHiddenImprovement = b'p',
        /// Removed by a retail order: midpoint liquidity, not of a retail price improvement order (BX).
        RetailRemovedMidpoint = b'q',
        /// Removed by a retail order: a retail price improvement order's (BX).
        RetailRemovedImprovement = b'r',
        /// Removed by a retail order: other hidden liquidity that improved the price (BX).
        RetailRemovedHidden = b't',
    }
}

codes! {
    /// What is done with two orders of one firm that would trade with each other. `...Mpid` looks at the
    /// firm, `...Org` at the organisation it belongs to.
    AiqStrategy in SelfMatch {
        /// The one that came first is canceled.
        CancelOldestMpid = b'O',
        /// The one that came last is canceled.
        CancelNewestMpid = b'W',
        /// Both lose the smaller quantity.
        DecrementBothMpid = b'D',
        /// Both lose the smaller quantity, and the prevented execution is not described.
        DecrementBothSilentMpid = b'Y',
        /// The one that came first is canceled.
        CancelOldestOrg = b'o',
        /// The one that came last is canceled.
        CancelNewestOrg = b'w',
        /// Both lose the smaller quantity.
        DecrementBothOrg = b'd',
        /// Both lose the smaller quantity, and the prevented execution is not described.
        DecrementBothSilentOrg = b'y',
    }
}

codes! {
    /// What an order's price follows (option 6).
    PriceType in OrderPriceType {
        /// Nothing: it is a limit.
        Limit = b'L',
        /// The best price of the other side.
        MarketPeg = b'P',
        /// The midpoint.
        MidpointPeg = b'M',
        /// The best price of its own side.
        PrimaryPeg = b'R',
        /// The reference of a market maker's peg.
        MarketMakerPeg = b'Q',
        /// The midpoint as it was on entry.
        Midpoint = b'm',
    }
}

codes! {
    /// What an order's discretion price follows (option 10).
    DiscretionType in DiscretionPriceType {
        /// Nothing: it is a limit.
        Limit = b'L',
        /// The best price of the other side.
        MarketPeg = b'P',
        /// The midpoint.
        MidpointPeg = b'M',
        /// The best price of its own side.
        PrimaryPeg = b'R',
    }
}

codes! {
    /// Whose order it is (option 4).
    CustomerType in CustomerType {
        /// Retail designated.
        Retail = b'R',
        /// Not.
        NotRetail = b'N',
        /// As the port is set.
        PortDefault = b' ',
    }
}

codes! {
    /// Whether an order may only add liquidity (option 12).
    PostOnly in PostOnly {
        /// It may only add.
        PostOnly = b'P',
        /// It may remove.
        No = b'N',
    }
}

codes! {
    /// Whether a resting order removes an order that would otherwise be priced away from it (option 16).
    TradeNow in TradeNow {
        /// Yes.
        Yes = b'Y',
        /// No.
        No = b'N',
        /// As the port is set.
        PortDefault = b' ',
    }
}

codes! {
    /// How an order is worked (option 17).
    HandleInst in HandleInst {
        /// No instructions.
        None = b' ',
        /// Imbalance only, in the opening or closing cross.
        ImbalanceOnly = b'I',
        /// Retail order of type 1 (BX).
        RetailType1 = b'O',
        /// Retail order of type 2 (BX).
        RetailType2 = b'T',
        /// Retail price improvement (BX).
        RetailPriceImprovement = b'Q',
        /// Retail price improvement without its indicator (BX).
        RetailPriceImprovementHidden = b'R',
        /// Extended life, then continuous.
        ExtendedLifeContinuous = b'B',
        /// Direct listing with capital raise, in the halt cross.
        DirectListing = b'D',
    }
}

codes! {
    /// How much an order added to the best price when it came (option 18), upper bounds included.
    BboWeight in BboWeight {
        /// Not said.
        Unspecified = b' ',
        /// 0 to 0.2 %.
        To02 = b'0',
        /// 0.2 to 1 %.
        To1 = b'1',
        /// 1 to 2 %.
        To2 = b'2',
        /// More than 2 %.
        Above2 = b'3',
        /// It set the exchange's best price and joined the national one.
        SetQbbo = b'S',
        /// It improved the national best price.
        ImprovedNbbo = b'N',
    }
}
