//! A digest of what can be read at one revision, key by key, in steps.
//!
//! It does not depend on what is compacted, dropped or packed how, which is each member's own
//! matter, so members compare it while they go on.

use std::sync::LazyLock;

use crate::core::kv::request::{KeyRange, KvError};
use crate::core::kv::store::{Budget, Step, Store};

/// Every key.
static ALL: LazyLock<KeyRange> = LazyLock::new(|| KeyRange {
    start: vec![0].into(),
    end: vec![0].into(),
});

/// What was seen of the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    pub keys: u64,
    pub crc32c: u32,
}

/// A digest under way.
#[derive(Debug)]
pub struct DigestProgress {
    at: i64,
    after: Option<Vec<u8>>,
    digest: Digest,
}

impl DigestProgress {
    pub fn new(at: i64) -> Self {
        Self {
            at,
            after: None,
            digest: Digest::default(),
        }
    }

    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl Store {
    /// Adds keys until the budget is spent. An error if what it needs was dropped meanwhile.
    pub fn digest_step(
        &self,
        progress: &mut DigestProgress,
        budget: &mut Budget,
    ) -> Result<Step, KvError> {
        let at = progress.at;
        if at < self.held_from() {
            return Err(KvError::Compacted);
        }
        if at > self.revision {
            return Err(KvError::FutureRevision);
        }
        let digest = &mut progress.digest;
        let mut last = None;
        for (key, mark) in self.index.range(&ALL, progress.after.as_deref(), at) {
            let record = self.history.get(mark.revision());
            let mut head = [0; 44];
            head[..8].copy_from_slice(&record.revision.main.to_le_bytes());
            head[8..12].copy_from_slice(&record.revision.sub.to_le_bytes());
            head[12..20].copy_from_slice(&record.create_revision.to_le_bytes());
            head[20..28].copy_from_slice(&record.version.to_le_bytes());
            head[28..36].copy_from_slice(&record.lease.to_le_bytes());
            head[36..44].copy_from_slice(&(key.len() as u64).to_le_bytes());
            // The key as it is found: an index that leads to another key's record differs too.
            for part in [&head[..], key, record.key, record.value] {
                digest.crc32c = crc32c::crc32c_append(digest.crc32c, part);
            }
            digest.keys += 1;
            budget.spend(record.bytes());
            if budget.is_spent() {
                last = Some(key.to_vec());
                break;
            }
        }
        match last {
            Some(last) => {
                progress.after = Some(last);
                Ok(Step::More)
            }
            None => Ok(Step::Done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kv::machine::Machine;
    use crate::core::kv::request::{Command, DeleteRange, Put};

    fn put(machine: &mut Machine, key: &str, value: &str) {
        let put = Put {
            key: key.to_owned().into(),
            value: value.to_owned().into(),
            ..Put::default()
        };
        machine.apply(&Command::Put(put)).expect("is made");
    }

    fn filled() -> Machine {
        let mut machine = Machine::default();
        for number in 0..50 {
            put(&mut machine, &format!("k{}", number % 20), "v");
        }
        let delete = DeleteRange {
            keys: KeyRange::key("k3"),
            ..DeleteRange::default()
        };
        machine
            .apply(&Command::DeleteRange(delete))
            .expect("is made");
        machine
    }

    fn digest(machine: &Machine, at: i64, keys: usize) -> Result<Digest, KvError> {
        let mut progress = DigestProgress::new(at);
        loop {
            let mut budget = Budget {
                keys,
                ..Budget::step()
            };
            if machine.store.digest_step(&mut progress, &mut budget)? == Step::Done {
                return Ok(progress.digest());
            }
        }
    }

    #[test]
    fn it_is_the_same_in_any_steps_and_after_a_compaction() {
        let mut machine = filled();
        let at = machine.store.revision();
        let before = digest(&machine, at, 1).expect("readable");
        assert_eq!(before.keys, 19);
        assert_eq!(digest(&machine, at, 7), Ok(before));
        put(&mut machine, "later", "v");
        machine
            .apply(&Command::Compact { revision: at })
            .expect("is made");
        while machine.store.drop_step(None) == Step::More {}
        assert_eq!(digest(&machine, at, 1_000), Ok(before));
        assert_ne!(digest(&machine, at + 1, 1_000), Ok(before));
        assert_eq!(digest(&machine, at - 1, 7), Err(KvError::Compacted));
        assert_eq!(digest(&machine, at + 9, 7), Err(KvError::FutureRevision));
    }

    #[test]
    fn another_value_or_history_of_one_key_is_another_digest() {
        let at = filled().store.revision() + 2;
        let with = |changes: [(&str, &str); 2]| {
            let mut machine = filled();
            for (key, value) in changes {
                put(&mut machine, key, value);
            }
            digest(&machine, at, 7).expect("readable")
        };
        let one = with([("a", "1"), ("b", "2")]);
        assert_eq!(one, with([("a", "1"), ("b", "2")]));
        assert_ne!(one, with([("a", "1"), ("b", "3")]));
        assert_ne!(one, with([("b", "2"), ("a", "1")]));
    }
}
