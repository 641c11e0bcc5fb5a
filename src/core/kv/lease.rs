//! Leases: which exist and which keys hang on them (replicated), and when they end (the leader's).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::core::kv::request::KvError;

/// etcd's bound on a lease, about 285 years.
pub const TTL_SECONDS_MAX: i64 = 9_000_000_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    pub ttl_seconds: i64,
    pub keys: BTreeSet<Box<[u8]>>,
}

/// The leases of the replicated state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    leases: BTreeMap<i64, Lease>,
}

/// When leases end, by the clock of the member that leads. Times are durations since an origin
/// that the caller chooses and never moves back.
#[derive(Debug, Default)]
pub struct LeaseClock {
    leases: BTreeMap<i64, Term>,
    /// The leases by when they are asked about.
    asked: BTreeSet<(Duration, i64)>,
}

#[derive(Clone, Copy, Debug)]
struct Term {
    ttl: Duration,
    deadline: Duration,
    /// When the lease is due to be revoked: its deadline, or later once that was tried in vain.
    ask_at: Duration,
}

impl Leases {
    pub fn get(&self, id: i64) -> Option<&Lease> {
        self.leases.get(&id)
    }

    pub fn iter(&self) -> impl Iterator<Item = (i64, &Lease)> {
        self.leases.iter().map(|(id, lease)| (*id, lease))
    }

    pub fn len(&self) -> usize {
        self.leases.len()
    }

    pub fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }

    pub fn grant(&mut self, id: i64, ttl_seconds: i64) -> Result<(), KvError> {
        if ttl_seconds > TTL_SECONDS_MAX {
            return Err(KvError::LeaseTtlTooLarge);
        }
        if self.leases.contains_key(&id) {
            return Err(KvError::LeaseExists);
        }
        self.leases.insert(
            id,
            Lease {
                ttl_seconds,
                keys: BTreeSet::new(),
            },
        );
        Ok(())
    }

    /// Ends a lease; what hung on it is the caller's to delete.
    pub fn revoke(&mut self, id: i64) -> Result<Lease, KvError> {
        self.leases.remove(&id).ok_or(KvError::LeaseNotFound)
    }

    /// Moves a key from one lease to another; 0 is no lease.
    pub fn rebind(&mut self, key: &[u8], from: i64, to: i64) {
        if from == to {
            return;
        }
        if let Some(lease) = self.leases.get_mut(&from) {
            lease.keys.remove(key);
        }
        if let Some(lease) = self.leases.get_mut(&to) {
            lease.keys.insert(key.into());
        }
    }
}

impl LeaseClock {
    /// Starts or restarts a lease's term.
    pub fn start(&mut self, id: i64, ttl_seconds: i64, now: Duration) {
        let ttl = Duration::from_secs(u64::try_from(ttl_seconds).unwrap_or(0));
        self.stop(id);
        let deadline = now + ttl;
        let ask_at = deadline;
        let term = Term {
            ttl,
            deadline,
            ask_at,
        };
        self.leases.insert(id, term);
        self.asked.insert((ask_at, id));
    }

    pub fn stop(&mut self, id: i64) {
        if let Some(term) = self.leases.remove(&id) {
            self.asked.remove(&(term.ask_at, id));
        }
    }

    /// Gives a lease its full term again; its TTL in seconds, or `None` if it is unknown or due:
    /// what is due must be revoked, not revived.
    pub fn renew(&mut self, id: i64, now: Duration) -> Option<i64> {
        let term = self
            .leases
            .get_mut(&id)
            .filter(|term| term.deadline > now)?;
        self.asked.remove(&(term.ask_at, id));
        term.deadline = now + term.ttl;
        term.ask_at = term.deadline;
        self.asked.insert((term.ask_at, id));
        Some(term.ttl.as_secs() as i64)
    }

    /// What is left of a lease; zero once it is due.
    pub fn remaining(&self, id: i64, now: Duration) -> Option<Duration> {
        self.leases
            .get(&id)
            .map(|term| term.deadline.saturating_sub(now))
    }

    /// Up to `most` leases whose term is over, the longest overdue first.
    pub fn due(&self, now: Duration, most: usize) -> Vec<i64> {
        let due = self.asked.iter().take_while(|(ask_at, _)| *ask_at <= now);
        due.take(most).map(|(_, id)| *id).collect()
    }

    /// Asks again about a due lease after `pause`: its revocation may be under way. It stays due:
    /// one that was renewed now could be revoked all the same.
    pub fn postpone(&mut self, id: i64, now: Duration, pause: Duration) {
        let term = self.leases.get_mut(&id);
        // One that was granted anew meanwhile is another, and not asked about before its end.
        if let Some(term) = term.filter(|term| term.deadline <= now) {
            self.asked.remove(&(term.ask_at, id));
            term.ask_at = now + pause;
            self.asked.insert((term.ask_at, id));
        }
    }

    /// When [`Self::due`] has something next.
    pub fn next_due(&self) -> Option<Duration> {
        self.asked.first().map(|(ask_at, _)| *ask_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_renewed_lease_has_its_full_term_again() {
        let mut clock = LeaseClock::default();
        clock.start(7, 10, Duration::ZERO);
        assert_eq!(clock.renew(7, 9 * SECOND), Some(10));
        assert!(clock.due(18 * SECOND, 10).is_empty());
        assert_eq!(clock.due(19 * SECOND, 10), [7]);
        assert_eq!(clock.remaining(7, 15 * SECOND), Some(4 * SECOND));
    }

    #[test]
    fn a_due_lease_is_not_revived() {
        let mut clock = LeaseClock::default();
        clock.start(7, 10, Duration::ZERO);
        assert_eq!(clock.renew(7, 10 * SECOND), None);
        assert_eq!(clock.renew(8, SECOND), None);
    }

    #[test]
    fn a_lease_whose_revocation_is_tried_again_is_not_revived_meanwhile() {
        let mut clock = LeaseClock::default();
        clock.start(7, 10, Duration::ZERO);
        clock.postpone(7, 10 * SECOND, 5 * SECOND);
        assert!(clock.due(14 * SECOND, 9).is_empty());
        assert_eq!(clock.renew(7, 11 * SECOND), None);
        assert_eq!(clock.remaining(7, 11 * SECOND), Some(Duration::ZERO));
        assert_eq!(clock.next_due(), Some(15 * SECOND));
        assert_eq!(clock.due(15 * SECOND, 9), [7]);
        clock.stop(7);
        assert_eq!(clock.next_due(), None);
    }

    #[test]
    fn a_lease_that_was_granted_anew_is_not_asked_about_before_its_end() {
        let mut clock = LeaseClock::default();
        clock.start(7, 10, Duration::ZERO);
        clock.start(7, 10, 10 * SECOND);
        clock.postpone(7, 10 * SECOND, SECOND);
        assert!(clock.due(19 * SECOND, 9).is_empty());
        assert_eq!(clock.renew(7, 19 * SECOND), Some(10));
    }

    #[test]
    fn leases_are_due_oldest_first_and_bounded() {
        let mut clock = LeaseClock::default();
        for id in 1..=5 {
            clock.start(id, 10 - id, Duration::ZERO);
        }
        assert_eq!(clock.due(10 * SECOND, 2), [5, 4]);
        assert_eq!(clock.next_due(), Some(5 * SECOND));
        clock.stop(5);
        assert_eq!(clock.due(10 * SECOND, 9), [4, 3, 2, 1]);
    }

    #[test]
    fn a_key_hangs_on_one_lease_at_a_time() {
        let mut leases = Leases::default();
        leases.grant(1, 60).expect("a new lease");
        leases.grant(2, 60).expect("a new lease");
        assert_eq!(leases.grant(2, 60), Err(KvError::LeaseExists));
        leases.rebind(b"k", 0, 1);
        leases.rebind(b"k", 1, 2);
        assert!(leases.get(1).expect("granted").keys.is_empty());
        assert_eq!(leases.revoke(2).expect("granted").keys.len(), 1);
        assert_eq!(leases.revoke(2), Err(KvError::LeaseNotFound));
        assert_eq!(
            leases.grant(3, TTL_SECONDS_MAX + 1),
            Err(KvError::LeaseTtlTooLarge)
        );
    }
}
