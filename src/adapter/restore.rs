//! A member's data directory made from a snapshot file.
//!
//! Nothing is touched before the file was read whole and found sound. The directory is no member's
//! before everything in it is on the disk.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::adapter::checkpoint::worker::Worker;
use crate::adapter::data_directory::{DataError, Identity, Restoring};
use crate::adapter::raft::{Member, OfflineError, found};
use crate::adapter::{disk, host};
use crate::core::cluster::founding::Founders;
use crate::core::cluster::restoring::{Founded, Plan};
use crate::core::kv::restore::AdvanceError;
use crate::core::kv::snapshot::{self, SnapshotError};

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    pub identity: Identity,
    pub revision: i64,
    pub keys: usize,
    /// How many members the cluster has.
    pub members: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("cannot read the snapshot {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot use the snapshot {}", path.display())]
    Snapshot {
        path: PathBuf,
        source: SnapshotError,
    },
    #[error("cannot use the snapshot {}", path.display())]
    Advance { path: PathBuf, source: AdvanceError },
    #[error("cannot restore into \"{}\"", path.display())]
    Directory { path: PathBuf, source: DataError },
    #[error("cannot restore into \"{}\"", path.display())]
    Write { path: PathBuf, source: OfflineError },
}

impl RestoreError {
    /// Whether the file is not trusted, or the place is taken, rather than something having failed.
    pub fn is_refusal(&self) -> bool {
        let Self::Snapshot { source, .. } = self else {
            return false;
        };
        matches!(source, SnapshotError::Digest | SnapshotError::Short { .. })
    }

    pub fn is_conflict(&self) -> bool {
        let Self::Directory { source, .. } = self else {
            return false;
        };
        matches!(source, DataError::InUse | DataError::Occupied(_))
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Snapshot { source, .. } => match source {
                SnapshotError::Etcd => Some(
                    "restore it with `etcdutl snapshot restore`, start etcd on that, and copy its \
                     keys with `etcdctl make-mirror --endpoints ETCD http://127.0.0.1:2379`",
                ),
                SnapshotError::Format { .. } => {
                    Some("restore it with the version of coracle that wrote it")
                }
                _ => Some(
                    "take another one: `kvctl snapshot status FILE` says which are whole, and \
                     each member keeps some in `backup` in its data directory",
                ),
            },
            Self::Directory { source, .. } => source.hint(),
            Self::Write { .. } => Some(
                "make room or mend the disk, and run it again: the directory is taken by nobody",
            ),
            Self::Read { .. } | Self::Advance { .. } => None,
        }
    }
}

/// Makes the data directory of one member from a snapshot.
pub fn restore(path: &Path, directory: &Path, plan: &Plan) -> Result<Restored, RestoreError> {
    let file = disk::read_whole(path).map_err(|source| RestoreError::Read {
        path: path.to_owned(),
        source,
    })?;
    let parts = snapshot::read_parts(&file, plan.check);
    drop(file);
    let parts = parts.map_err(|source| RestoreError::Snapshot {
        path: path.to_owned(),
        source,
    })?;
    let digest = parts.digest;
    let machine = plan.advance.machine_of(parts);
    let machine = machine.map_err(|source| RestoreError::Advance {
        path: path.to_owned(),
        source,
    })?;
    let store = &machine.store;
    let (revision, keys) = (store.revision(), store.keys());
    let token = Founders::restored_token(&plan.token, &digest, revision, store.compacted());
    let (identity, members) = cluster(plan, &token);
    let restored = Restored {
        identity,
        revision,
        keys,
        members: members.len(),
    };
    let refused = |source| RestoreError::Directory {
        path: directory.to_owned(),
        source,
    };
    let restoring = Restoring::begin(directory).map_err(refused)?;
    let worker = Worker::this_executable();
    found(directory, identity.member_id, members, machine, worker).map_err(|source| {
        RestoreError::Write {
            path: directory.to_owned(),
            source,
        }
    })?;
    restoring.finish(identity).map_err(refused)?;
    Ok(restored)
}

/// Who this member is, and who all are.
fn cluster(plan: &Plan, token: &str) -> (Identity, BTreeMap<u64, Member>) {
    let founded = plan.founded(token).unwrap_or_else(|| {
        let own = host::random_u64();
        Founded {
            cluster_id: host::random_u64(),
            own,
            members: BTreeMap::from([(own, (plan.name.clone(), Vec::new()))]),
        }
    });
    let identity = Identity {
        cluster_id: founded.cluster_id,
        member_id: founded.own,
    };
    let members = founded.members.into_iter();
    let members = members.map(|(id, (name, peer_urls))| {
        let member = Member {
            name,
            peer_urls,
            client_urls: Vec::new(),
        };
        (id, member)
    });
    (identity, members.collect())
}
