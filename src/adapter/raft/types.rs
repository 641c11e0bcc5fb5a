//! The types that openraft is instantiated with, and their form on disk and on the wire.
//!
//! Leaders are identified by their term alone (standard Raft): one leader a term.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
pub(super) use openraft::EntryPayload;
use openraft::Membership;
use openraft::impls::leader_id_std;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::adapter::wal::EntryRecord;
use crate::core::kv::request::{Command, KvError, Reply};

#[cfg(test)]
use crate::adapter::raft::simulation::Runtime;

/// The one that is not simulated.
#[cfg(not(test))]
type Runtime = openraft::impls::TokioRuntime;

openraft::declare_raft_types!(
    /// openraft with our commands, standard leader ids and tokio.
    pub TypeConfig:
        D = Batch,
        R = Vec<Result<Reply, KvError>>,
        NodeId = u64,
        Node = Member,
        LeaderId = leader_id_std::LeaderId<u64, u64>,
        AsyncRuntime = Runtime,
);

pub(super) type LogId = openraft::type_config::alias::LogIdOf<TypeConfig>;
pub(super) type Vote = openraft::type_config::alias::VoteOf<TypeConfig>;
pub(super) type Entry = openraft::Entry<CommittedLeaderId, EntryPayload<Batch, u64, Member>>;
pub(super) type StoredMembership = openraft::type_config::alias::StoredMembershipOf<TypeConfig>;
type CommittedLeaderId = openraft::type_config::alias::CommittedLeaderIdOf<TypeConfig>;

/// What the cluster knows of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub name: String,
    pub peer_urls: Vec<String>,
    pub client_urls: Vec<String>,
}

/// Commands that share one log entry, and so one append, one sync and one round of consensus.
#[derive(Clone)]
pub struct Batch {
    pub commands: Arc<Vec<Command>>,
    encoded: Bytes,
}

/// Why bytes are not what this program writes into a log entry.
#[derive(Debug, thiserror::Error)]
pub(super) enum EntryError {
    #[error("entry of unknown kind {0}")]
    Kind(u8),
    #[error("entry without content")]
    Empty,
    #[error("entry that does not decode")]
    Content(#[from] postcard::Error),
}

/// How the content of an entry starts. New forms of commands get a new kind, so that an older
/// program names what it does not know instead of misreading it.
const KIND_BLANK: u8 = 0;
const KIND_MEMBERSHIP: u8 = 1;
const KIND_COMMANDS: u8 = 2;

impl Batch {
    /// `scratch` is used again by the next batch, so that encoding grows no buffer.
    pub fn new(commands: Vec<Command>, scratch: &mut Vec<u8>) -> Self {
        scratch.clear();
        let encoded = postcard::to_extend(&commands, std::mem::take(scratch))
            .expect("commands have no unencodable part");
        *scratch = encoded;
        Self {
            commands: Arc::new(commands),
            encoded: Bytes::copy_from_slice(scratch),
        }
    }

    fn decode(encoded: Bytes) -> Result<Self, postcard::Error> {
        Ok(Self {
            commands: Arc::new(postcard::from_bytes(&encoded)?),
            encoded,
        })
    }

    /// Size in the log, in bytes.
    pub fn bytes(&self) -> usize {
        self.encoded.len()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} commands, {} bytes",
            self.commands.len(),
            self.bytes()
        )
    }
}

impl Serialize for Batch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.encoded.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Batch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::decode(Bytes::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

pub(super) fn log_id(term: u64, index: u64) -> LogId {
    LogId::new(CommittedLeaderId { term }, index)
}

/// The content of an entry for the write-ahead log: a kind byte and what it says.
pub(super) fn encode_entry(entry: &Entry) -> Vec<u8> {
    match &entry.payload {
        EntryPayload::Blank => vec![KIND_BLANK],
        EntryPayload::Normal(batch) => {
            let mut content = Vec::with_capacity(1 + batch.encoded.len());
            content.push(KIND_COMMANDS);
            content.extend_from_slice(&batch.encoded);
            content
        }
        EntryPayload::Membership(membership) => {
            postcard::to_extend(membership, vec![KIND_MEMBERSHIP])
                .expect("memberships have no unencodable part")
        }
    }
}

/// What an entry says of the members, if it is about them.
pub(super) fn decode_membership(
    record: &EntryRecord,
) -> Result<Option<Membership<u64, Member>>, postcard::Error> {
    match record.payload.split_first() {
        Some((&KIND_MEMBERSHIP, membership)) => postcard::from_bytes(membership).map(Some),
        _ => Ok(None),
    }
}

pub(super) fn decode_entry(record: EntryRecord) -> Result<Entry, EntryError> {
    let mut content = Bytes::from(record.payload);
    if content.is_empty() {
        return Err(EntryError::Empty);
    }
    let payload = match content.split_to(1)[0] {
        KIND_BLANK => EntryPayload::Blank,
        KIND_MEMBERSHIP => EntryPayload::Membership(postcard::from_bytes(&content)?),
        KIND_COMMANDS => EntryPayload::Normal(Batch::decode(content)?),
        kind => return Err(EntryError::Kind(kind)),
    };
    Ok(Entry {
        log_id: log_id(record.term, record.index),
        payload,
    })
}
