//! The newest trades, as many as can still be broken.

use alloc::vec;
use alloc::vec::Vec;

use types::{AccountId, InstrumentId, MatchNo, Px};

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

    /// Takes a trade out; `None` where there is none of that number, or no more.
    pub(crate) fn take(&mut self, match_no: MatchNo) -> Option<Trade> {
        let place = self.at(match_no);
        let found = *place;
        if match_no.get() == 0 || found.match_no != match_no {
            return None;
        }
        place.match_no = MatchNo::new(0);
        Some(found)
    }
}
