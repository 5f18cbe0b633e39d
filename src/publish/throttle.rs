//! How many requests each asker may have answered per second: a flood of one is not paid by others.
//!
//! Sans-I/O. Knows no request, only who asks and when.

use std::net::IpAddr;

use types::Nanos;

/// Askers remembered at a time; the one longest silent makes room.
const ASKERS_MAX: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Asker {
    who: (IpAddr, u16),
    heard_at: Nanos,
    /// Answers left, in units of a billionth of one: refilled by the nanosecond.
    credit: u64,
}

/// One bucket an asker, and one for all together.
#[derive(Debug)]
pub(super) struct Throttle {
    per_second: u32,
    askers: Vec<Asker>,
    all: Asker,
}

/// A billionth of an answer.
const ANSWER: u64 = 1_000_000_000;

fn refill(asker: &mut Asker, per_second: u32, now: Nanos) {
    let earned = now.since(asker.heard_at).get().saturating_mul(u64::from(per_second));
    // A tenth of a second's answers may come at once.
    let burst = (u64::from(per_second) * ANSWER / 10).max(ANSWER);
    asker.credit = asker.credit.saturating_add(earned).min(burst);
    asker.heard_at = now;
}

impl Throttle {
    /// `per_second` answers for each asker, four times that for all together.
    pub(super) fn new(per_second: u32) -> Self {
        let who = (IpAddr::from([0; 4]), 0);
        let all = Asker { who, heard_at: Nanos::ZERO, credit: 0 };
        Self { per_second, askers: Vec::with_capacity(ASKERS_MAX), all }
    }

    /// Whether a request of `who` is answered.
    pub(super) fn admits(&mut self, now: Nanos, who: (IpAddr, u16)) -> bool {
        let at = self.askers.iter().position(|asker| asker.who == who).unwrap_or_else(|| {
            // A new asker starts with a full burst, not with the time since the epoch.
            let new = Asker { who, heard_at: now, credit: u64::MAX };
            if self.askers.len() < ASKERS_MAX {
                self.askers.push(new);
                return self.askers.len() - 1;
            }
            let silent = (0..ASKERS_MAX).min_by_key(|&at| self.askers[at].heard_at).unwrap_or(0);
            self.askers[silent] = new;
            silent
        });
        refill(&mut self.askers[at], self.per_second, now);
        refill(&mut self.all, self.per_second.saturating_mul(4), now);
        let asker = &mut self.askers[at];
        if asker.credit < ANSWER || self.all.credit < ANSWER {
            return false;
        }
        asker.credit -= ANSWER;
        self.all.credit -= ANSWER;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use types::Nanos;

    use super::{ASKERS_MAX, Throttle};

    fn who(port: u16) -> (IpAddr, u16) {
        (IpAddr::from([127, 0, 0, 1]), port)
    }

    #[test]
    fn a_flood_is_cut_and_the_others_are_answered() {
        let mut throttle = Throttle::new(100);
        let now = Nanos::from_secs(5);
        let admitted = (0..1_000).filter(|_| throttle.admits(now, who(1))).count();
        assert_eq!(admitted, 10, "a tenth of a second's answers at once");
        assert!(throttle.admits(now, who(2)));
        let later = now + Nanos::from_millis(50);
        let admitted = (0..1_000).filter(|_| throttle.admits(later, who(1))).count();
        assert_eq!(admitted, 5);
    }

    #[test]
    fn many_askers_are_cut_together() {
        let mut throttle = Throttle::new(100);
        let now = Nanos::from_secs(5);
        let admitted = (0..1_000).filter(|&port| throttle.admits(now, who(port))).count();
        assert_eq!(admitted, 40, "four askers' worth, whatever they call themselves");
        assert_eq!(throttle.askers.len(), ASKERS_MAX);
    }
}
