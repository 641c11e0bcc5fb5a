//! What a cluster begins with that is made from a snapshot.
//!
//! Keys, revisions, leases and alarms are those of the snapshot, as in etcd: a lease begins its
//! full term when somebody leads, and an alarm stays until it is cleared. On request revisions go
//! on further up, so that no watcher or cache of the old cluster takes a new revision for one that
//! it has seen there.

use crate::core::kv::history::REVISION_MAX;
use crate::core::kv::machine::{Machine, Meta, PartsError};
use crate::core::kv::snapshot::Parts;

/// Where revisions go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advance {
    /// How many are left out.
    pub revisions: i64,
    /// Whether those before are compacted, so that a watch from one of them is told.
    pub compacts: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    #[error("{revisions} revisions after {revision} are more than a store can have")]
    TooFar { revisions: i64, revision: i64 },
    #[error("the snapshot's content does not fit together")]
    Parts(#[from] PartsError),
}

impl Advance {
    /// The machine of a snapshot with its revisions moved on.
    pub fn machine_of(self, parts: Parts) -> Result<Machine, AdvanceError> {
        let meta = self.meta(parts.head.machine)?;
        Ok(Machine::from_parts(meta, parts.chunks)?)
    }

    /// What is said of the machine, with its revisions moved on.
    pub fn meta(self, mut meta: Meta) -> Result<Meta, AdvanceError> {
        let Self {
            revisions,
            compacts,
        } = self;
        let revision = meta.revision;
        let moved = revision.checked_add(revisions);
        meta.revision =
            moved
                .filter(|moved| *moved <= REVISION_MAX)
                .ok_or(AdvanceError::TooFar {
                    revisions,
                    revision,
                })?;
        if compacts {
            meta.compacted = meta.revision;
        }
        Ok(meta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kv::request::{Command, KvError, Put, Range};
    use crate::core::kv::snapshot::{DigestCheck, outgoing, read_parts};

    fn parts() -> Parts {
        let mut machine = Machine::default();
        for value in ["1", "2", "3"] {
            let put = Put {
                key: "a".into(),
                value: value.into(),
                ..Put::default()
            };
            machine.apply(&Command::Put(put)).expect("is made");
        }
        let pieces = outgoing(1, 2, &machine.image());
        let file: Vec<u8> = pieces.flat_map(|(piece, _)| piece).collect();
        read_parts(&file, DigestCheck::Required).expect("whole")
    }

    fn advanced(revisions: i64, compacts: bool) -> Result<Machine, AdvanceError> {
        let advance = Advance {
            revisions,
            compacts,
        };
        advance.machine_of(parts())
    }

    #[test]
    fn nothing_moves_unless_it_is_asked_for() {
        let machine = advanced(0, false).expect("fits");
        assert_eq!(machine.image().meta, parts().head.machine);
    }

    #[test]
    fn the_next_change_comes_after_the_revisions_that_were_left_out() {
        let mut machine = advanced(1_000, true).expect("fits");
        assert_eq!(
            (machine.store.revision(), machine.store.compacted()),
            (1_004, 1_004)
        );
        let at = |revision| Range {
            revision,
            ..Range::one("a")
        };
        assert_eq!(machine.store.range(&at(4)), Err(KvError::Compacted));
        let read = machine.store.range(&at(0)).expect("readable");
        assert_eq!(
            (read.kvs[0].value.as_ref(), read.kvs[0].mod_revision),
            (&b"3"[..], 4)
        );
        let put = Command::Put(Put {
            key: "b".into(),
            ..Put::default()
        });
        machine.apply(&put).expect("is made");
        assert_eq!(machine.store.revision(), 1_005);
    }

    #[test]
    fn more_revisions_than_there_are_is_an_error() {
        for revisions in [REVISION_MAX, i64::MAX] {
            let error = advanced(revisions, true).expect_err("too far");
            assert!(matches!(error, AdvanceError::TooFar { .. }), "{error}");
        }
    }
}
