//! What a member must be able to do to be served over gRPC, in the machine's own words.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;

use crate::core::kv::request::{
    Alarm, Consistency, DeleteRange, DeleteReply, KvError, MemberAlarm, Put, PutReply, Range,
    RangeReply, Txn, TxnReply,
};
use crate::core::kv::watch::{Delivery, WatchRequest};

pub type BoxStream<T> = Pin<Box<dyn Stream<Item = T> + Send>>;

/// Whose answer it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub cluster_id: u64,
    pub member_id: u64,
    pub revision: i64,
    pub term: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseTerm {
    pub id: i64,
    /// Seconds left; -1 if there is no such lease.
    pub ttl_seconds: i64,
    pub granted_seconds: i64,
    pub keys: Vec<Bytes>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    pub id: u64,
    pub name: String,
    pub peer_urls: Vec<String>,
    pub client_urls: Vec<String>,
    pub is_learner: bool,
}

/// A change of one member that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    Add { peer_urls: Vec<String> },
    Remove { id: u64 },
    Update { id: u64, peer_urls: Vec<String> },
    Promote { id: u64 },
}

/// Why it is not done: in etcd's words, and in figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub error: KvError,
    pub why: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusView {
    pub version: String,
    pub storage_version: String,
    pub db_bytes: i64,
    pub db_bytes_in_use: i64,
    pub db_bytes_quota: i64,
    pub leader: u64,
    pub is_learner: bool,
    pub raft_index: u64,
    pub raft_applied_index: u64,
    pub errors: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashView {
    pub hash: u32,
    pub compact_revision: i64,
    pub hash_revision: i64,
}

/// A lease as it was granted: the id and the TTL that it really has, and the revision after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantView {
    pub id: i64,
    pub ttl_seconds: i64,
    pub revision: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmAction {
    Get,
    Activate,
    Deactivate,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchCommand {
    Create(WatchRequest),
    Cancel(i64),
    Progress,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchAnswer {
    Created {
        watch_id: i64,
        revision: i64,
    },
    /// A watcher was not created or has ended; `created` repeats etcd's answer to a bad request.
    Canceled {
        watch_id: i64,
        revision: i64,
        created: bool,
        compact_revision: i64,
        reason: String,
    },
    Events(Delivery),
    /// A part of a delivery that is too large for one message; all but the last say so.
    Fragment(Delivery),
    Progress {
        watch_id: i64,
        revision: i64,
    },
}

/// A piece of a snapshot file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotPart {
    pub remaining_bytes: u64,
    pub blob: Bytes,
}

/// A member, as its clients see it.
pub trait Api: Send + Sync + 'static {
    fn header(&self, revision: i64) -> Header;
    /// The bound on a request, in bytes as encoded.
    fn request_bytes_max(&self) -> usize;

    fn range(
        &self,
        range: Range,
        consistency: Consistency,
    ) -> impl Future<Output = Result<RangeReply, KvError>> + Send;
    /// The range in pieces; count and more are in the last.
    fn range_stream(
        &self,
        range: Range,
        consistency: Consistency,
    ) -> impl Future<Output = Result<BoxStream<Result<RangeReply, KvError>>, KvError>> + Send;
    fn put(&self, put: Put) -> impl Future<Output = Result<PutReply, KvError>> + Send;
    fn delete_range(
        &self,
        delete: DeleteRange,
    ) -> impl Future<Output = Result<DeleteReply, KvError>> + Send;
    fn txn(
        &self,
        txn: Txn,
        consistency: Consistency,
    ) -> impl Future<Output = Result<TxnReply, KvError>> + Send;
    /// The revision after it; `physical` waits until space is given back.
    fn compact(
        &self,
        revision: i64,
        physical: bool,
    ) -> impl Future<Output = Result<i64, KvError>> + Send;

    /// Answers a stream's commands and tells its watchers of events, until the answers are no
    /// longer taken; that the commands end does not end it.
    fn watch(&self, commands: BoxStream<WatchCommand>) -> BoxStream<WatchAnswer>;

    fn lease_grant(
        &self,
        id: i64,
        ttl_seconds: i64,
    ) -> impl Future<Output = Result<GrantView, KvError>> + Send;
    /// The revision after it.
    fn lease_revoke(&self, id: i64) -> impl Future<Output = Result<i64, KvError>> + Send;
    /// The renewed TTL; 0 if there is no such lease.
    fn lease_keep_alive(&self, id: i64) -> impl Future<Output = Result<i64, KvError>> + Send;
    fn lease_time_to_live(
        &self,
        id: i64,
        with_keys: bool,
    ) -> impl Future<Output = Result<LeaseTerm, KvError>> + Send;
    fn leases(&self) -> impl Future<Output = Result<Vec<i64>, KvError>> + Send;

    fn members(
        &self,
        consistency: Consistency,
    ) -> impl Future<Output = Result<Vec<MemberView>, KvError>> + Send;
    /// Has a change made; the id of its member.
    fn change_member(&self, wish: Wish) -> impl Future<Output = Result<u64, Refused>> + Send;
    /// Gives the lead to another voter, if this member leads.
    fn move_leader(&self, to: u64) -> impl Future<Output = Result<(), Refused>> + Send;
    /// Whether the member serves only what it can without counting for anything.
    fn is_learner(&self) -> bool;

    fn alarm(
        &self,
        action: AlarmAction,
        member: u64,
        alarm: Option<Alarm>,
    ) -> impl Future<Output = Result<Vec<MemberAlarm>, KvError>> + Send;
    fn status(&self) -> StatusView;
    /// A hash of everything readable up to `revision` (0: the newest).
    fn hash(&self, revision: i64) -> impl Future<Output = Result<HashView, KvError>> + Send;
    fn snapshot(&self) -> impl Future<Output = Result<BoxStream<SnapshotPart>, KvError>> + Send;

    /// An item now and whenever the leader changes.
    fn leadership(&self) -> BoxStream<()>;

    /// The newest revision, for answers that change nothing.
    fn revision(&self) -> i64;
}
