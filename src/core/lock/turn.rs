//! Whose turn it is at a lock for scripts, and until when it may be counted on.
//!
//! - Everybody who wants the lock has a key in its folder, bound to a lease; the order of their
//!   making is the line, and the first `slots` of it hold the lock.
//! - The fence of a holder is the revision at which its key was made: while the key stands, the
//!   lock is held, and whoever holds it later has a higher one.
//! - One wakes when a place is free: the first who waits looks at those who hold, everybody behind
//!   at the one before.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What stands under the key of one who holds the lock or waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Who it is, for people: user, machine, process and command.
    pub holder: String,
    pub since: Timestamp,
    /// How many it lets hold the lock at a time; all must agree.
    pub slots: u32,
    /// None: it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_since: Option<Timestamp>,
}

/// A key in the folder of a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    /// The revision at which it was made.
    pub fence: i64,
    pub ticket: Ticket,
}

/// Where one stands in line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    Mine,
    /// The next: one of these must go.
    Next(Vec<String>),
    /// Behind this one.
    Behind(String),
}

/// What is done when, counted from the last renewal that is known to have been asked for: the lease
/// cannot have ended before its whole time has passed since then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term(pub Duration);

/// Decides by the keys that were made before one's own, the latest at the front; of more than
/// `slots` the first is enough.
pub fn turn(before: &[String], slots: u32) -> Turn {
    let slots = usize::try_from(slots).unwrap_or(usize::MAX);
    match before {
        before if before.len() < slots => Turn::Mine,
        [nearest, ..] if before.len() > slots => Turn::Behind(nearest.clone()),
        before => Turn::Next(before.to_vec()),
    }
}

impl Ticket {
    /// Of one who wrote something else, of whom nothing is known.
    pub fn unknown(key: &str) -> Self {
        Self {
            holder: format!("whoever wrote {key}"),
            since: Timestamp::UNIX_EPOCH,
            slots: 1,
            held_since: None,
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers encode")
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

impl Term {
    /// Too short for a change of the leader is too short for anybody.
    pub const TTL_MIN: Duration = Duration::from_secs(2);

    /// Between two renewals: one or two may be lost.
    pub fn renewal(self) -> Duration {
        self.0 / 4
    }

    /// When the child is asked to end.
    pub fn terminate(self) -> Duration {
        self.0 * 2 / 3
    }

    /// When it is ended: what is left is for two clocks that run at different speeds.
    pub fn kill(self) -> Duration {
        self.0 * 5 / 6
    }

    /// What a child is given to end by itself.
    pub fn grace(self) -> Duration {
        self.kill() - self.terminate()
    }

    /// The time of the lease, in the whole seconds that leases have.
    pub fn lease_seconds(self) -> i64 {
        i64::try_from(self.0.as_millis().div_ceil(1_000)).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn keys(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_first_slots_hold_the_next_looks_at_them_and_others_at_the_one_before() {
        assert_eq!(turn(&[], 1), Turn::Mine);
        assert_eq!(turn(&keys(&["a"]), 1), Turn::Next(keys(&["a"])));
        let behind = Turn::Behind("b".to_owned());
        assert_eq!(turn(&keys(&["b", "a"]), 1), behind);
        assert_eq!(turn(&keys(&["a"]), 2), Turn::Mine);
        assert_eq!(turn(&keys(&["b", "a"]), 2), Turn::Next(keys(&["b", "a"])));
    }

    #[test]
    fn the_child_is_dead_before_the_lease_can_end() {
        for ttl_ms in [2_000, 2_500, 10_000, 60_000] {
            let term = Term(Duration::from_millis(ttl_ms));
            let lease = Duration::from_secs(term.lease_seconds().unsigned_abs());
            assert!(term.renewal() * 2 < term.terminate());
            assert!(term.terminate() < term.kill() && term.kill() < lease);
            assert!(lease - term.kill() >= Duration::from_millis(300));
        }
    }

    /// Whoever comes, goes or dies in whatever order: never more than the slots hold the lock, it
    /// is never free while somebody waits, and fences rise in the order of holding.
    #[test]
    fn any_order_of_coming_and_going_keeps_the_line() {
        for seed in 0..200 {
            let mut random = StdRng::seed_from_u64(seed);
            let slots = random.random_range(1..4_u32);
            let mut line: Vec<(i64, bool)> = Vec::new();
            let (mut revision, mut last) = (0, 0);
            for _ in 0..200 {
                match random.random_range(0..3) {
                    0 if !line.is_empty() => {
                        line.remove(random.random_range(0..line.len()));
                    }
                    _ => {
                        revision += 1;
                        line.push((revision, false));
                    }
                }
                for at in 0..line.len() {
                    let before: Vec<String> = line[..at]
                        .iter()
                        .rev()
                        .take(slots as usize + 1)
                        .map(|(fence, _)| fence.to_string())
                        .collect();
                    let (fence, holds) = &mut line[at];
                    match turn(&before, slots) {
                        Turn::Mine if !*holds => {
                            assert!(*fence > last, "seed {seed}");
                            (*holds, last) = (true, *fence);
                        }
                        Turn::Mine => {}
                        Turn::Next(_) => assert_eq!(at, slots as usize, "seed {seed}"),
                        Turn::Behind(_) => assert!(!*holds && at > slots as usize),
                    }
                }
                let holding = line.iter().filter(|(_, holds)| *holds).count();
                assert_eq!(holding, line.len().min(slots as usize), "seed {seed}");
            }
        }
    }
}
