//! Gross credit of the account and of the firm.

use types::{AccountId, FirmId};

use super::{Denied, Reserved};
use crate::Notional;
use crate::lease::{Branches, LineId};

/// The lines of credit that an order is on. A firm that is not one has a line that is not there.
#[inline]
pub(super) fn lines(accounts: u32, firm: FirmId, account: AccountId) -> [LineId; 2] {
    let of_firm = accounts.saturating_add(u32::from(firm.get()));
    [LineId::new(account.get()), LineId::new(of_firm)]
}

/// Takes the credit for `after` in place of what the order holds, from both lines or from neither.
#[inline]
pub(super) fn reserve(
    accounts: u32,
    credit: &mut Branches,
    held: &Reserved,
    after: Notional,
) -> Result<(), Denied> {
    let before = held.amount();
    let [account, firm] = lines(accounts, held.firm, held.account);
    if after < before {
        credit.settle(account, before, after);
        credit.settle(firm, before, after);
        return Ok(());
    }
    credit.spend([account, firm], after - before).map_err(|_| Denied::Exposure)
}
