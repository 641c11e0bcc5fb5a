//! Whether the members hold the same state, and if not, which of them is wrong.
//!
//! Each says what it held right after the same entry of the log, where the machines of all must be
//! alike: every key at that revision, and what is not in the keys (leases, alarms, what is
//! compacted). A majority of the voters is right; without one nobody can say who is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::kv::machine::Machine;
use crate::core::kv::store::digest::Digest;

/// What a member held after an entry of the log, but for its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Of the entry.
    pub index: u64,
    pub revision: i64,
    rest: u32,
}

/// What a member held after an entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint {
    revision: i64,
    rest: u32,
    keys: u64,
    crc32c: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A majority answered alike, and nobody otherwise.
    Alike,
    /// These hold another state than the majority.
    Wrong(BTreeSet<u64>),
    /// All voters answered, and no majority alike.
    Split,
    /// Some differ, and too few answered to say who is right.
    Doubt,
    /// Too few answered, all of them alike.
    Silence,
}

impl Mark {
    /// Takes what is not in the keys; costs a look at every lease.
    pub fn of(index: u64, machine: &Machine) -> Self {
        let mut rest = 0;
        let mut add = |number: i64| rest = crc32c::crc32c_append(rest, &number.to_le_bytes());
        add(machine.store.compacted());
        for (id, lease) in machine.leases().iter() {
            add(id);
            add(lease.ttl_seconds);
            add(lease.keys.len() as i64);
        }
        for raised in machine.alarms() {
            add(raised.member as i64);
            add(raised.alarm as i64);
        }
        Self {
            index,
            revision: machine.store.revision(),
            rest,
        }
    }

    /// With the digest of the keys at its revision.
    pub fn with(self, digest: Digest) -> Fingerprint {
        Fingerprint {
            revision: self.revision,
            rest: self.rest,
            keys: digest.keys,
            crc32c: digest.crc32c,
        }
    }
}

/// Judges what voters and learners answered.
pub fn judge(voters: &BTreeSet<u64>, answers: &BTreeMap<u64, Fingerprint>) -> Verdict {
    let mut votes: BTreeMap<Fingerprint, usize> = BTreeMap::new();
    let of_voters = answers.iter().filter(|(id, _)| voters.contains(id));
    for (_, fingerprint) in of_voters.clone() {
        *votes.entry(*fingerprint).or_default() += 1;
    }
    let majority = voters.len() / 2 + 1;
    let right = votes.iter().find(|(_, count)| **count >= majority);
    let Some((right, _)) = right else {
        return match (of_voters.count() == voters.len(), votes.len()) {
            (true, _) => Verdict::Split,
            (false, ..=1) => Verdict::Silence,
            (false, _) => Verdict::Doubt,
        };
    };
    let wrong = answers.iter().filter(|(_, found)| *found != right);
    let wrong: BTreeSet<u64> = wrong.map(|(id, _)| *id).collect();
    match wrong.is_empty() {
        true => Verdict::Alike,
        false => Verdict::Wrong(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kv::request::{Alarm, Command, MemberAlarm};

    fn print(crc32c: u32) -> Fingerprint {
        let mark = Mark::of(1, &Machine::default());
        mark.with(Digest { keys: 1, crc32c })
    }

    fn judged(voters: u64, answers: &[(u64, u32)]) -> Verdict {
        let answers = answers.iter().map(|(id, crc32c)| (*id, print(*crc32c)));
        judge(&(1..=voters).collect(), &answers.collect())
    }

    #[test]
    fn a_majority_is_right_and_the_others_are_wrong() {
        assert_eq!(judged(3, &[(1, 7), (2, 7), (3, 7)]), Verdict::Alike);
        assert_eq!(judged(3, &[(1, 7), (2, 7)]), Verdict::Alike);
        let wrong = |ids: &[u64]| Verdict::Wrong(ids.iter().copied().collect());
        assert_eq!(judged(3, &[(1, 7), (2, 8), (3, 7)]), wrong(&[2]));
        assert_eq!(
            judged(5, &[(1, 7), (2, 8), (3, 7), (4, 9), (5, 7)]),
            wrong(&[2, 4])
        );
        // A learner is judged and judges nobody.
        assert_eq!(judged(3, &[(1, 7), (2, 7), (9, 8)]), wrong(&[9]));
        assert_eq!(judged(3, &[(1, 7), (8, 7), (9, 7)]), Verdict::Silence);
    }

    #[test]
    fn without_a_majority_nobody_is_called_wrong() {
        assert_eq!(judged(2, &[(1, 7), (2, 8)]), Verdict::Split);
        assert_eq!(judged(3, &[(1, 7), (2, 8), (3, 9)]), Verdict::Split);
        assert_eq!(judged(3, &[(1, 7), (2, 8)]), Verdict::Doubt);
        assert_eq!(judged(3, &[(1, 7)]), Verdict::Silence);
        assert_eq!(judged(3, &[]), Verdict::Silence);
    }

    #[test]
    fn leases_alarms_and_compactions_are_part_of_the_state() {
        let with = |command: Option<Command>| {
            let mut machine = Machine::default();
            if let Some(command) = command {
                machine.apply(&command).expect("is made");
            }
            Mark::of(1, &machine)
        };
        let alarm = |member| {
            let alarm = Alarm::NoSpace;
            Command::RaiseAlarm(MemberAlarm { member, alarm })
        };
        let lease = |ttl_seconds| Command::LeaseGrant { id: 5, ttl_seconds };
        let marks = [
            None,
            Some(alarm(1)),
            Some(alarm(2)),
            Some(lease(10)),
            Some(lease(11)),
            Some(Command::Compact { revision: 1 }),
        ]
        .map(with);
        for (at, mark) in marks.iter().enumerate() {
            assert!(!marks[..at].contains(mark), "{at}");
        }
    }
}
