//! The quota of a store: when it takes no more, and when the alarm about that is over.
//!
//! Both are judged by the bytes that are readable at some revision. What was compacted and only
//! waits to be dropped is on its way out, and counts for neither: judged differently, the alarm
//! would be raised and cleared in turn.

use crate::core::kv::store::Store;

/// How many bytes a store may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota(pub u64);

/// Share of the quota below which the alarm clears itself, in percent.
const LOW_PERCENT: u64 = 90;

impl Quota {
    /// Whether the store may grow by `cost`.
    pub fn admits(self, store: &Store, cost: usize) -> bool {
        ((store.bytes_in_use() + cost) as u64) < self.0
    }

    /// Whether so much is free again that the alarm is over.
    pub fn is_low(self, store: &Store) -> bool {
        (store.bytes_in_use() as u64) < self.0 / 100 * LOW_PERCENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kv::machine::Machine;
    use crate::core::kv::request::{Command, Put};

    #[test]
    fn compacted_versions_that_wait_to_be_dropped_raise_no_alarm_that_is_over() {
        let mut machine = Machine::default();
        let quota = Quota(100_000);
        for _ in 0..200 {
            let put = Put {
                key: "a".into(),
                value: vec![0; 1_000].into(),
                ..Put::default()
            };
            machine.apply(&Command::Put(put)).expect("is made");
        }
        assert!(!quota.admits(&machine.store, 1) && !quota.is_low(&machine.store));
        let revision = machine.store.revision();
        let compact = Command::Compact { revision };
        machine.apply(&compact).expect("is made");
        loop {
            // Whenever the alarm is over, it is not raised again by the next small write.
            let (low, admits) = (
                quota.is_low(&machine.store),
                quota.admits(&machine.store, 1_000),
            );
            assert!(admits || !low, "{} bytes", machine.store.bytes_in_use());
            if machine.store.drop_step(None) == crate::core::kv::store::Step::Done {
                break;
            }
        }
        assert!(quota.is_low(&machine.store) && quota.admits(&machine.store, 1_000));
    }
}
