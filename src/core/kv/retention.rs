//! How long superseded versions are kept: when to compact, and at which revision.

use std::collections::VecDeque;
use std::time::Duration;

use crate::core::kv::store::Store;

/// What bounds the versions that are kept only for reads in the past and for watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// Nothing is compacted unless a client asks.
    All,
    /// Up to this many bytes.
    Bytes(u64),
    /// Everything that was current at some time in this period.
    Age(Duration),
    /// This many revisions.
    Revisions(u64),
}

/// Watches a store and says when to compact it.
#[derive(Debug)]
pub struct Retainer {
    retention: Retention,
    /// Revisions with the time they were seen as the newest, oldest first, for [`Retention::Age`].
    seen: VecDeque<(Duration, i64)>,
}

/// How many revisions are remembered per period: a compaction is late by a tenth at most.
const SAMPLES: u32 = 10;

impl Retainer {
    pub fn new(retention: Retention) -> Self {
        Self {
            retention,
            seen: VecDeque::new(),
        }
    }

    /// The revision to compact at now, if it is time.
    pub fn due(&mut self, store: &Store, now: Duration) -> Option<i64> {
        let revision = match self.retention {
            Retention::All => return None,
            Retention::Bytes(bytes) => {
                let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
                if store.superseded_bytes() <= bytes {
                    return None;
                }
                // Half of the bound is kept, so that compactions are rare and each is worth it.
                store.compaction_for(bytes / 2)?
            }
            Retention::Age(period) => self.aged(store.revision(), period, now)?,
            Retention::Revisions(revisions) => {
                store.revision() - i64::try_from(revisions).unwrap_or(i64::MAX)
            }
        };
        (revision > store.compacted().max(0)).then_some(revision)
    }

    fn aged(&mut self, newest: i64, period: Duration, now: Duration) -> Option<i64> {
        let pause = period / SAMPLES;
        if self.seen.back().is_none_or(|(at, _)| *at + pause <= now) {
            self.seen.push_back((now, newest));
        }
        let mut aged = None;
        while let Some((_, revision)) = self.seen.pop_front_if(|(at, _)| *at + period <= now) {
            aged = Some(revision);
        }
        aged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kv::machine::Machine;
    use crate::core::kv::request::{Command, Put};

    const HOUR: Duration = Duration::from_secs(3_600);

    fn write(machine: &mut Machine, count: usize) {
        let put = Command::Put(Put {
            key: "k".into(),
            value: vec![0; 1_000].into(),
            ..Put::default()
        });
        for _ in 0..count {
            machine.apply(&put).expect("taken");
        }
    }

    #[test]
    fn nothing_is_due_where_all_is_kept() {
        let mut machine = Machine::default();
        write(&mut machine, 1_000);
        assert_eq!(
            Retainer::new(Retention::All).due(&machine.store, HOUR),
            None
        );
    }

    #[test]
    fn revisions_beyond_the_count_are_due_once() {
        let mut machine = Machine::default();
        let mut retainer = Retainer::new(Retention::Revisions(10));
        assert_eq!(retainer.due(&machine.store, HOUR), None);
        write(&mut machine, 20);
        let due = retainer.due(&machine.store, HOUR);
        assert_eq!(due, Some(11));
        machine.store.compact(11).expect("in bounds");
        assert_eq!(retainer.due(&machine.store, HOUR), None);
    }

    #[test]
    fn superseded_bytes_beyond_the_bound_are_due() {
        let mut machine = Machine::default();
        let mut retainer = Retainer::new(Retention::Bytes(1_000_000));
        write(&mut machine, 900);
        assert_eq!(retainer.due(&machine.store, HOUR), None);
        write(&mut machine, 200);
        let revision = retainer.due(&machine.store, HOUR).expect("too much");
        machine.store.compact(revision).expect("in bounds");
        machine.store.drop_step(None);
        assert!(machine.store.superseded_bytes() <= 700_000);
        assert!(machine.store.superseded_bytes() >= 400_000);
        assert_eq!(retainer.due(&machine.store, HOUR), None);
    }

    #[test]
    fn what_was_current_within_the_period_is_kept() {
        let mut machine = Machine::default();
        let mut retainer = Retainer::new(Retention::Age(HOUR));
        write(&mut machine, 9);
        assert_eq!(retainer.due(&machine.store, Duration::ZERO), None);
        write(&mut machine, 10);
        let half = HOUR / 2;
        assert_eq!(retainer.due(&machine.store, half), None);
        write(&mut machine, 10);
        assert_eq!(retainer.due(&machine.store, HOUR), Some(10));
        assert_eq!(retainer.due(&machine.store, HOUR + half), Some(20));
    }
}
