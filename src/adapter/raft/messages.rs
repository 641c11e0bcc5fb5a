//! What members say to each other, and its form on the wire: postcard, as in the log.
//!
//! Both ends are this program, but not always of the same version: a new question gets a new
//! variant at the end, and a member that does not know it refuses it.

use openraft::raft::{TransferLeaderRequest, VoteRequest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::adapter::raft::state_machine::SnapshotMeta;
use crate::adapter::raft::types::{Batch, Member, TypeConfig, Vote};
use crate::adapter::rpc::peer::{Bytes, PeerError};
use crate::core::cluster::comparison::Fingerprint;
use crate::core::cluster::membership::Change;
use crate::core::kv::machine::Meta;
use crate::core::kv::request::{KvError, Reply};

/// One question, with one answer.
#[derive(Serialize, Deserialize)]
pub(super) enum Question {
    /// Answered by a vote response.
    Vote(VoteRequest<TypeConfig>),
    PreVote(VoteRequest<TypeConfig>),
    /// Answered by a transfer response.
    TransferLeader(TransferLeaderRequest<TypeConfig>),
    /// Commands for the leader of a term, answered by [`Proposed`]. A network may hold them back
    /// for long: who leads in a later term does not make what the asker has given up meanwhile.
    Propose(Batch, u64),
    /// Where the log must be applied before a read that the asker has taken in; answered by
    /// [`ReadIndex`].
    ReadIndex(Ballot),
    /// What only the leader's clock knows of a lease, answered by [`LeaseTold`].
    Lease(LeaseQuestion, Ballot),
    /// Whether the member with this id has taken part before, answered by a bool.
    Knows(u64),
    /// Where a member is reached now, for the leader; answered by [`Published`].
    Publish(u64, Member),
    /// What this member held after the entry with this index; answered by [`Held`].
    Fingerprint(u64),
    /// Asks the leader to have the members' states compared; answered by a unit once it is noted.
    Compare,
    /// A change of the members, for the leader, and whether it may have been made already; answered
    /// by `members::Changed`.
    Change(Change, bool),
}

/// For whom a member votes, as it was when it spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ballot {
    pub member: u64,
    pub vote: Vote,
}

/// Nothing from a member that did not apply the entry, or not lately.
pub(super) type Held = Result<Option<Fingerprint>, NotMade>;

pub(super) type Published = Result<(), NotMade>;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum LeaseQuestion {
    KeepAlive(i64),
    Remaining(i64),
}

/// Seconds of a renewed lease (0: there is none), or milliseconds that are left of one.
pub(super) type LeaseTold = Result<Option<u64>, NotMade>;

/// The index of the entry, and one answer for each command.
pub(super) type Proposed = Result<(u64, Vec<Result<Reply, KvError>>), NotMade>;

/// The index up to which the log must be applied before the read.
pub(super) type ReadIndex = Result<u64, NotMade>;

/// Why the leader's part was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum NotMade {
    /// Certainly nothing was done: ask whoever leads.
    NotLeader,
    /// It may have been done.
    Failed(KvError),
}

/// Says which state there is, as the first body of an exchange.
#[derive(Serialize, Deserialize)]
pub(super) struct Offer {
    pub vote: Vote,
    pub meta: SnapshotMeta,
    pub machine: Meta,
    pub chunks: Vec<OfferedChunk>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct OfferedChunk {
    pub id: u64,
    pub version: u64,
    /// Of its encoded bytes: ids and versions are one member's own, and used again by another.
    pub crc32c: u32,
}

/// The positions in [`Offer::chunks`] that the receiver lacks, in order; then they are sent.
pub(super) type Wanted = Vec<u32>;

pub(super) fn encode(message: &impl Serialize) -> Bytes {
    let encoded = postcard::to_stdvec(message);
    Bytes::from(encoded.expect("messages have no unencodable part"))
}

pub(super) fn decode<T: DeserializeOwned>(body: &Bytes) -> Result<T, PeerError> {
    postcard::from_bytes(body)
        .map_err(|error| PeerError::Refused(format!("a message does not decode: {error}")))
}
