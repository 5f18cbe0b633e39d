//! One limit of credit for the whole exchange, spent on several shards, without a lock.
//!
//! A [`Line`](LineId) of credit, an account's or a firm's, has its limit on its home shard. A shard
//! where its orders go holds a branch of it: credit that the home granted, of which it spends without
//! asking anyone. [`Branches`] are one shard's; [`Home`] is the other end of all of them. They talk by
//! [`ToHome`] and [`ToBranch`], in rings with any delay.
//!
//! **Never exceeded.** What the home has let out of a line is at least what its branches hold, what
//! they spent, and what is on its way in either direction: the home counts a grant before it is sent,
//! a branch gives up what it returns before that is sent. The home grants no more than limit less let
//! out. So spent, held and under way together never exceed the limit, whatever the delay.
//!
//! **The begin.** In its first life each branch holds the middle of its marks from the start, and
//! the home has let that out: both are told so at construction ([`Home::begin`],
//! [`Branches::begin`]), and the home refuses where it would be above the limit. So the first
//! orders are not refused for want of a message.
//!
//! **Ahead of need.** A branch that holds less than its low mark asks for more, and the home lends
//! what is left and has the others spare what they hold above their own low marks. So an order is
//! short only where it is larger than what its branch keeps, where the line is short, or where the
//! answer is late. One that could not be spent is asked for with more weight: the others yield
//! whatever they hold. What came for it is kept beyond the marks until it is spent, for a while: an order
//! larger than what its branch keeps passes at the next try after the grants came, whatever is released
//! in between. Only where another branch is short as well, or the line owes, is it taken from there.
//!
//! **Few messages.** A branch asks once until it is answered, and each ask has one answer and at
//! most one grant after it, once the recalls that it caused are answered. A recall goes to a branch
//! once until it is answered, whoever asks meanwhile. A branch returns once until it has the receipt;
//! what it gives up meanwhile adds up. So however slow either end is to hear, a branch has at most five
//! messages of a line before it: an answer, two grants, a recall and a receipt; and its home three of
//! that branch: an ask, an answer to a recall and a return. Beside these come what changes of the limit
//! tell, and two of each new life.
//!
//! **A lowered limit** takes back what is not spent: each branch is told what the line owes, returns
//! what it holds at once and what is released later as it is, until the home has enough. What is let
//! out never grows meanwhile, so spending is never above the new limit by more than was let out when
//! the limit fell; a branch may still spend what it holds until it hears of it.
//!
//! **Spent without asking.** A trade that has happened is counted whatever a branch holds
//! ([`Branches::settle`]): it may trade above what was spent for its order. The branch is overdrawn
//! then, spends no more, and its next ask covers it.
//!
//! **What is assumed of a ring:** nothing is lost and order is kept, in each direction of each branch.
//! Each message has its number, from 1 in each epoch; one heard before is refused without effect, and
//! so is one after a missing one. So a fault of a ring can lock credit up but never make some.
//!
//! **A branch that dies** comes back under a higher epoch and holds nothing. The home locks up all it
//! had let out to the old one, and refuses its messages from then on; the old one must be gone when
//! the new one begins. Once the branch knows from its journal what its orders and trades have spent
//! ([`Branches::restore`], [`Branches::reconcile`]), the home takes the rest back. **A home that dies** takes the branches
//! with it: they start again, and its limits from the configuration.

mod branch;
mod home;
mod message;
#[cfg(test)]
mod simulation;

pub use branch::{Branches, Marks, Short};
pub use home::{Home, Let};
pub use message::{BranchId, Down, LineId, Malformed, Refused, ToBranch, ToHome, Up, WORDS};
