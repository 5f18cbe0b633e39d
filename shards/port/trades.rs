//! The newest trades, as many as can still be broken.

use alloc::vec;
use alloc::vec::Vec;

use types::{AccountId, InstrumentId, MatchNo, Px};

/// Why a trade was not broken. The number crosses rings: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum NotBroken {
    /// None has this number, or it is too old to be known still.
    Unknown = 1,
    /// It is broken already.
    Already = 2,
}

/// One side of a trade.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Party {
    pub(crate) port: u16,
    pub(crate) account: AccountId,
    pub(crate) channel: u8,
    pub(crate) user_ref: u32,
    pub(crate) cl_ord_id: [u8; 14],
}

#[derive(Clone, Copy)]
pub(crate) struct Trade {
    pub(crate) match_no: MatchNo,
    pub(crate) instrument: InstrumentId,
    /// 0 once it is broken.
    pub(crate) qty: u32,
    pub(crate) px: Px,
    /// `None` where the order was nobody's here.
    pub(crate) parties: [Option<Party>; 2],
}

/// A ring of them, found by their number.
pub(crate) struct Trades {
    /// By number; number 0 is no trade.
    ring: Vec<Trade>,
}

impl Trades {
    pub(crate) fn new(trades_max: u32) -> Self {
        let none = Trade {
            match_no: MatchNo::new(0),
            instrument: InstrumentId::new(0),
            qty: 0,
            px: Px::ZERO,
            parties: [None; 2],
        };
        Self { ring: vec![none; trades_max.max(1) as usize] }
    }

    #[inline]
    fn at(&mut self, match_no: MatchNo) -> &mut Trade {
        let at = match_no.get() % self.ring.len() as u64;
        &mut self.ring[at as usize]
    }

    #[inline]
    pub(crate) fn push(&mut self, trade: Trade) {
        *self.at(trade.match_no) = trade;
    }

    /// Takes a trade out. Its number stays, to tell one that is broken from one that never was.
    pub(crate) fn take(&mut self, match_no: MatchNo) -> Result<Trade, NotBroken> {
        let place = self.at(match_no);
        let found = *place;
        if match_no.get() == 0 || found.match_no != match_no {
            return Err(NotBroken::Unknown);
        }
        if found.qty == 0 {
            return Err(NotBroken::Already);
        }
        place.qty = 0;
        Ok(found)
    }
}
