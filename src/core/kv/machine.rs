//! The replicated machine: applies commands, in order, to keys, leases and alarms.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::core::kv::history::{Chunk, ChunkError, REVISION_MAX};
use crate::core::kv::lease::Leases;
use crate::core::kv::request::{
    Alarm, Command, KvError, MemberAlarm, Operation, Put, PutReply, Reply, Txn,
};
use crate::core::kv::store::Store;
use crate::core::kv::txn::{Path, check_applied_put};

/// What a put costs beside its key and value when the quota is judged; etcd's figure.
const PUT_OVERHEAD_BYTES: usize = 256;

/// What a lease costs when the quota is judged; etcd's figure.
const LEASE_BYTES: usize = 64;

/// The member of which an alarm is raised that is about all of them, as in etcd.
pub const NOBODY_KNOWS_WHOSE: u64 = 0;

#[derive(Clone, Debug, Default)]
pub struct Machine {
    pub store: Store,
    leases: Leases,
    alarms: BTreeSet<MemberAlarm>,
}

/// Everything of a machine that is not in its chunks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    pub revision: i64,
    pub compacted: i64,
    /// Id and TTL in seconds; the keys are found in the records.
    pub leases: Vec<(i64, i64)>,
    pub alarms: Vec<MemberAlarm>,
}

/// A machine at one moment, cheap to take and independent of what comes after.
#[derive(Clone, Debug)]
pub struct Image {
    pub meta: Meta,
    pub chunks: Vec<Arc<Chunk>>,
}

/// Why parts that were read are no machine.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PartsError {
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    #[error("the chunk number {id} is there twice, or is no number of a chunk")]
    ChunkId { id: u64 },
    #[error("its revision is {revision}, and its newest record has revision {newest}")]
    Revision { revision: i64, newest: i64 },
    #[error("it is compacted at {compacted}, and its revision is {revision}")]
    Compacted { compacted: i64, revision: i64 },
    #[error("lease {id:x} cannot be granted")]
    Lease { id: i64, source: KvError },
}

impl Machine {
    pub fn leases(&self) -> &Leases {
        &self.leases
    }

    pub fn alarms(&self) -> impl Iterator<Item = MemberAlarm> {
        self.alarms.iter().copied()
    }

    /// Whether a member's state is not to be used: that is said of it, or of all, because nobody
    /// knows whose is right.
    pub fn is_corrupt(&self, member: u64) -> bool {
        let of = |member| MemberAlarm {
            member,
            alarm: Alarm::Corrupt,
        };
        self.alarms.contains(&of(member)) || self.alarms.contains(&of(NOBODY_KNOWS_WHOSE))
    }

    pub fn has_alarm(&self, alarm: Alarm) -> bool {
        self.alarms.iter().any(|raised| raised.alarm == alarm)
    }

    /// Makes one change. An error is an answer like any other: nothing was changed.
    pub fn apply(&mut self, command: &Command) -> Result<Reply, KvError> {
        self.check_alarms(command)?;
        match command {
            Command::Put(put) => self.put(put).map(Reply::Put),
            Command::DeleteRange(delete) => {
                let mut writer = self.store.write(&mut self.leases);
                let reply = writer.delete_range(delete);
                writer.commit();
                Ok(Reply::DeleteRange(reply))
            }
            Command::Txn(txn) => self.txn(txn),
            Command::Compact { revision } => {
                self.store.compact(*revision)?;
                Ok(self.done())
            }
            Command::LeaseGrant { id, ttl_seconds } => {
                self.leases.grant(*id, *ttl_seconds)?;
                Ok(self.done())
            }
            Command::LeaseRevoke { id } => self.revoke(*id),
            Command::RaiseAlarm(alarm) => {
                self.alarms.insert(*alarm);
                Ok(self.done())
            }
            Command::ClearAlarm(alarm) => {
                self.alarms.remove(alarm);
                Ok(self.done())
            }
        }
    }

    pub fn image(&self) -> Image {
        let leases = self
            .leases
            .iter()
            .map(|(id, lease)| (id, lease.ttl_seconds));
        let meta = Meta {
            revision: self.store.revision(),
            compacted: self.store.compacted(),
            leases: leases.collect(),
            alarms: self.alarms.iter().copied().collect(),
        };
        Image {
            meta,
            chunks: self.store.share(),
        }
    }

    /// The machine that an image was taken of. The parts may come from a file that anybody made:
    /// what a later change stands on is checked here.
    pub fn from_parts(meta: Meta, chunks: Vec<Chunk>) -> Result<Self, PartsError> {
        check_parts(&meta, &chunks)?;
        let store = Store::from_chunks(chunks, meta.revision, meta.compacted)?;
        let mut leases = Leases::default();
        for (id, ttl_seconds) in meta.leases {
            let granted = match id {
                0 => Err(KvError::LeaseNotFound),
                id => leases.grant(id, ttl_seconds),
            };
            granted.map_err(|source| PartsError::Lease { id, source })?;
        }
        store
            .leased_keys()
            .for_each(|(key, lease)| leases.rebind(key, 0, lease));
        Ok(Self {
            store,
            leases,
            alarms: meta.alarms.into_iter().collect(),
        })
    }

    fn done(&self) -> Reply {
        Reply::Done {
            revision: self.store.revision(),
        }
    }

    fn put(&mut self, put: &Put) -> Result<PutReply, KvError> {
        check_applied_put(&self.store, &self.leases, put)?;
        let mut writer = self.store.write(&mut self.leases);
        let reply = writer.put(put);
        writer.commit();
        Ok(reply)
    }

    fn txn(&mut self, txn: &Txn) -> Result<Reply, KvError> {
        let path = Path::decide(&self.store, txn);
        path.check(&self.store, &self.leases, txn)?;
        let mut writer = self.store.write(&mut self.leases);
        let reply = path.run(&mut writer, txn);
        writer.commit();
        Ok(Reply::Txn(reply))
    }

    fn revoke(&mut self, id: i64) -> Result<Reply, KvError> {
        let lease = self.leases.revoke(id)?;
        let mut writer = self.store.write(&mut self.leases);
        for key in &lease.keys {
            writer.delete(key);
        }
        Ok(Reply::Done {
            revision: writer.commit(),
        })
    }

    /// A full store takes no more data but lets space be made. One of which nobody knows whose is
    /// right takes nothing; where it is known who is wrong, the others go on (etcd stops all).
    fn check_alarms(&self, command: &Command) -> Result<(), KvError> {
        if self.alarms.is_empty() {
            return Ok(());
        }
        let alarm = matches!(command, Command::RaiseAlarm(_) | Command::ClearAlarm(_));
        if self.is_corrupt(NOBODY_KNOWS_WHOSE) && !alarm {
            return Err(KvError::Corrupt);
        }
        if self.has_alarm(Alarm::NoSpace) && quota_cost(command) > 0 {
            return Err(KvError::NoSpace);
        }
        Ok(())
    }
}

fn check_parts(meta: &Meta, chunks: &[Chunk]) -> Result<(), PartsError> {
    let Meta {
        revision,
        compacted,
        ..
    } = *meta;
    let newest = chunks.iter().map(|chunk| chunk.newest().main).max();
    let newest = newest.unwrap_or(0);
    if !(newest.max(1)..=REVISION_MAX).contains(&revision) {
        return Err(PartsError::Revision { revision, newest });
    }
    if compacted > revision {
        return Err(PartsError::Compacted {
            compacted,
            revision,
        });
    }
    let mut ids = BTreeSet::new();
    let mut wrong = chunks.iter().map(Chunk::id);
    match wrong.find(|id| *id == u64::MAX || !ids.insert(*id)) {
        Some(id) => Err(PartsError::ChunkId { id }),
        None => Ok(()),
    }
}

/// What a command may add to the store, in bytes, as the quota counts it.
pub fn quota_cost(command: &Command) -> usize {
    match command {
        Command::Put(put) => put_cost(put),
        Command::Txn(txn) => txn_cost(txn),
        Command::LeaseGrant { .. } => LEASE_BYTES,
        _ => 0,
    }
}

fn put_cost(put: &Put) -> usize {
    PUT_OVERHEAD_BYTES + put.key.len() + put.value.len()
}

fn txn_cost(txn: &Txn) -> usize {
    let cost = |operations: &[Operation]| -> usize {
        operations
            .iter()
            .map(|operation| match operation {
                Operation::Put(put) => put_cost(put),
                Operation::Txn(nested) => txn_cost(nested),
                Operation::Range(_) | Operation::DeleteRange(_) => 0,
            })
            .sum()
    };
    cost(&txn.success).max(cost(&txn.failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> (Meta, Vec<Chunk>) {
        let mut machine = Machine::default();
        let put = Put {
            key: "a".into(),
            value: "b".into(),
            ..Put::default()
        };
        machine.apply(&Command::Put(put)).expect("is made");
        let image = machine.image();
        let chunks = image.chunks.iter().map(|chunk| chunk.as_ref().clone());
        (image.meta, chunks.collect())
    }

    fn refused(change: impl Fn(&mut Meta, &mut Vec<Chunk>)) -> PartsError {
        let (mut meta, mut chunks) = parts();
        change(&mut meta, &mut chunks);
        Machine::from_parts(meta, chunks).expect_err("is no machine's")
    }

    #[test]
    fn a_corrupt_member_does_not_stop_the_others_and_doubt_about_all_does() {
        let mut machine = Machine::default();
        let alarm = |member| MemberAlarm {
            member,
            alarm: Alarm::Corrupt,
        };
        let put = Command::Put(Put {
            key: "a".into(),
            ..Put::default()
        });
        machine
            .apply(&Command::RaiseAlarm(alarm(5)))
            .expect("is raised");
        assert!(machine.is_corrupt(5) && !machine.is_corrupt(6));
        machine.apply(&put).expect("is made");
        machine
            .apply(&Command::RaiseAlarm(alarm(0)))
            .expect("is raised");
        assert!(machine.is_corrupt(6));
        assert_eq!(machine.apply(&put), Err(KvError::Corrupt));
        machine
            .apply(&Command::ClearAlarm(alarm(0)))
            .expect("is cleared");
        machine.apply(&put).expect("is made");
    }

    #[test]
    fn parts_that_no_machine_had_are_refused_by_name() {
        let (meta, chunks) = parts();
        assert!(Machine::from_parts(meta, chunks).is_ok());
        let lease = |id, source| PartsError::Lease { id, source };
        for (leases, error) in [
            (vec![(7, 60), (7, 60)], lease(7, KvError::LeaseExists)),
            (vec![(7, i64::MAX)], lease(7, KvError::LeaseTtlTooLarge)),
            (vec![(0, 60)], lease(0, KvError::LeaseNotFound)),
        ] {
            assert_eq!(refused(|meta, _| meta.leases = leases.clone()), error);
        }
        for revision in [i64::MIN, -1, 0, 1, REVISION_MAX + 1, i64::MAX] {
            let newest = 2;
            let error = PartsError::Revision { revision, newest };
            assert_eq!(refused(|meta, _| meta.revision = revision), error);
        }
        let (compacted, revision) = (3, 2);
        let error = PartsError::Compacted {
            compacted,
            revision,
        };
        assert_eq!(refused(|meta, _| meta.compacted = compacted), error);
        let twice = refused(|_, chunks| chunks.push(chunks[0].clone()));
        assert_eq!(twice, PartsError::ChunkId { id: 0 });
    }
}
