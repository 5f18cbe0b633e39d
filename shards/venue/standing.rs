//! Whether an instrument trades, where two kinds of message may each stop it.

use types::Trading;

/// The venue's word on an instrument, and its own operational halt on top of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) trading: Trading,
    pub(crate) operational_halt: bool,
}

impl Standing {
    /// Before any message: feeds say only what is not so.
    pub(crate) const OPEN: Self = Self { trading: Trading::Open, operational_halt: false };

    /// What holds: lifting one halt does not lift the other.
    pub(crate) const fn holds(self) -> Trading {
        if self.operational_halt { Trading::Halted } else { self.trading }
    }
}

#[cfg(test)]
mod tests {
    use super::Standing;
    use types::Trading;

    #[test]
    fn lifting_one_halt_does_not_lift_the_other() {
        let cases = [
            (Trading::Open, false, Trading::Open),
            (Trading::Open, true, Trading::Halted),
            (Trading::Halted, false, Trading::Halted),
            (Trading::Paused, true, Trading::Halted),
            (Trading::QuoteOnly, false, Trading::QuoteOnly),
        ];
        for (trading, operational_halt, want) in cases {
            assert_eq!(Standing { trading, operational_halt }.holds(), want);
        }
    }
}
