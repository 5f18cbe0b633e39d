//! How the shards of an exchange share each firm's and each account's credit: over rings, by leases.
//!
//! The first shard is home to every line; each shard, the first too, has a branch of it. Between home
//! and its own branch no ring is needed.

use risk::lease::{BranchId, Home, ToBranch, ToHome, WORDS};
use risk::port::PortRisk;
use runtime::{LinkId, Message, Outbox};

/// Where a shard stands among those that share credit.
pub enum Credit {
    /// Alone: every line is whole here.
    Whole,
    /// Home to all lines. Of each branch but its own: the ring to it and the ring from it.
    Home {
        /// The lending end.
        home: Home,
        /// Outbound links, by branch; none to the first, which is here.
        to: Vec<Option<LinkId>>,
        /// Inbound links, by branch.
        from: Vec<Option<LinkId>>,
    },
    /// A branch.
    Branch {
        /// The ring to its home.
        to: LinkId,
        /// The ring from its home.
        from: LinkId,
    },
}

impl Credit {
    /// Takes a message of another shard. `false`: it is none, or from nobody that shares credit.
    pub(super) fn on_message(
        &mut self,
        link: LinkId,
        message: &Message,
        risk: &mut PortRisk,
    ) -> bool {
        let words = message.0.first_chunk::<WORDS>().copied().unwrap_or_default();
        match self {
            Self::Whole => false,
            Self::Branch { from, .. } => {
                let said = ToBranch::from_words(words).ok().filter(|_| link == *from);
                said.is_some_and(|said| risk.on_lease(&said).is_ok())
            }
            Self::Home { home, from, .. } => {
                let branch = from.iter().position(|known| *known == Some(link));
                let said = branch.zip(ToHome::from_words(words).ok());
                said.is_some_and(|(branch, said)| home.on(number(branch), &said).is_ok())
            }
        }
    }

    /// Says what is to be said, home and branch of this shard to each other without a ring.
    /// Returns what found no room in the outbox; its ring then has a hole, and the credit that it was
    /// about stays locked up.
    #[inline]
    pub(super) fn say(&mut self, risk: &mut PortRisk, out: &mut Outbox) -> u64 {
        let mut lost = 0;
        match self {
            Self::Whole => {}
            Self::Branch { to, .. } => {
                while let Some(said) = risk.poll_lease() {
                    lost += u64::from(out.ring(*to, message(said.to_words())).is_err());
                }
            }
            Self::Home { home, to, .. } => loop {
                if let Some(said) = risk.poll_lease() {
                    // Its own branch: numbered and in order as from a ring.
                    lost += u64::from(home.on(number(0), &said).is_err());
                    continue;
                }
                let Some((branch, said)) = home.poll() else { break };
                let told = match to.get(branch.index()).copied().flatten() {
                    None => risk.on_lease(&said).is_ok(),
                    Some(link) => out.ring(link, message(said.to_words())).is_ok(),
                };
                lost += u64::from(!told);
            },
        }
        lost
    }
}

fn message(words: [u64; WORDS]) -> Message {
    let mut message = Message::default();
    message.0[..WORDS].copy_from_slice(&words);
    message
}

/// As a number: there are fewer shards than that.
fn number(branch: usize) -> BranchId {
    BranchId::new(branch as u16)
}
