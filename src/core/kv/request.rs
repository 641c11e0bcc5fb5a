//! What clients ask of the key-value machine and what it answers, free of any wire format.
//!
//! [`Command`]s are what the replicated log holds: everything that an answer depends on is in them
//! (lease ids are chosen, quotas are judged before), so every member answers alike.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A set of keys, in etcd's convention: no `end` is the single key `start`; an `end` of one zero
/// byte is every key at or after `start`; otherwise `start <= key < end`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyRange {
    pub start: Bytes,
    pub end: Bytes,
}

/// A key with what is known of it at one revision. A deleted key has only key and `mod_revision`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyValue {
    pub key: Bytes,
    pub value: Bytes,
    pub create_revision: i64,
    pub mod_revision: i64,
    pub version: i64,
    pub lease: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SortOrder {
    #[default]
    None,
    Ascend,
    Descend,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SortTarget {
    #[default]
    Key,
    Version,
    Create,
    Mod,
    Value,
}

/// How much of each key a range carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Detail {
    #[default]
    Full,
    KeysOnly,
    CountOnly,
}

/// Inclusive bounds; 0 is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionFilter {
    pub min_mod: i64,
    pub max_mod: i64,
    pub min_create: i64,
    pub max_create: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    pub keys: KeyRange,
    /// The most keys to return; 0 is no limit.
    pub limit: i64,
    /// The revision to read at; 0 or less is the newest.
    pub revision: i64,
    pub sort_order: SortOrder,
    pub sort_target: SortTarget,
    pub detail: Detail,
    pub filter: RevisionFilter,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeReply {
    pub kvs: Vec<KeyValue>,
    pub more: bool,
    /// All keys in the range, regardless of limit and filters.
    pub count: i64,
    pub revision: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Put {
    pub key: Bytes,
    pub value: Bytes,
    pub lease: i64,
    pub prev_kv: bool,
    pub ignore_value: bool,
    pub ignore_lease: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutReply {
    pub prev_kv: Option<KeyValue>,
    pub revision: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRange {
    pub keys: KeyRange,
    pub prev_kv: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteReply {
    pub deleted: i64,
    pub prev_kvs: Vec<KeyValue>,
    pub revision: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    Equal,
    Greater,
    Less,
    NotEqual,
    /// A number without a meaning: it holds, as in etcd.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    Version(i64),
    Create(i64),
    Mod(i64),
    Value(Bytes),
    Lease(i64),
    /// A number without a meaning: any key is equal in it, as in etcd.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compare {
    pub keys: KeyRange,
    pub comparison: Comparison,
    pub target: Target,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    Range(Range),
    Put(Put),
    DeleteRange(DeleteRange),
    Txn(Txn),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Txn {
    pub compares: Vec<Compare>,
    pub success: Vec<Operation>,
    pub failure: Vec<Operation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationReply {
    Range(RangeReply),
    Put(PutReply),
    DeleteRange(DeleteReply),
    Txn(TxnReply),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxnReply {
    pub succeeded: bool,
    pub replies: Vec<OperationReply>,
    pub revision: i64,
}

/// Where a read may be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// With everything that was answered anywhere before.
    Linearizable,
    /// From this member's own state, which may be behind.
    Serializable,
}

/// A condition that an operator must know of, raised for one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Alarm {
    NoSpace,
    Corrupt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MemberAlarm {
    pub member: u64,
    pub alarm: Alarm,
}

/// The largest request that a member may be told to accept. A request becomes one entry of the
/// log, an entry must fit into a segment of 64 MiB, and what protobuf leaves out may double it.
pub const REQUEST_BYTES_MAX: usize = 16 << 20;

/// One change of the replicated state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    Put(Put),
    DeleteRange(DeleteRange),
    Txn(Txn),
    Compact { revision: i64 },
    LeaseGrant { id: i64, ttl_seconds: i64 },
    LeaseRevoke { id: i64 },
    RaiseAlarm(MemberAlarm),
    ClearAlarm(MemberAlarm),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    Put(PutReply),
    DeleteRange(DeleteReply),
    Txn(TxnReply),
    /// The revision of the store after the change; for what changes no key.
    Done {
        revision: i64,
    },
}

/// Why a request is refused. The texts are etcd's, because its clients compare them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum KvError {
    #[error("etcdserver: key is not provided")]
    EmptyKey,
    #[error("etcdserver: key not found")]
    KeyNotFound,
    #[error("etcdserver: value is provided")]
    ValueProvided,
    #[error("etcdserver: lease is provided")]
    LeaseProvided,
    #[error("etcdserver: too many operations in txn request")]
    TooManyOperations,
    #[error("etcdserver: duplicate key given in txn request")]
    DuplicateKey,
    #[error("etcdserver: invalid sort option")]
    InvalidSortOption,
    #[error("etcdserver: mvcc: required revision has been compacted")]
    Compacted,
    #[error("etcdserver: mvcc: required revision is a future revision")]
    FutureRevision,
    #[error("etcdserver: mvcc: database space exceeded")]
    NoSpace,
    #[error("etcdserver: requested lease not found")]
    LeaseNotFound,
    #[error("etcdserver: lease already exists")]
    LeaseExists,
    #[error("etcdserver: too large lease TTL")]
    LeaseTtlTooLarge,
    #[error("etcdserver: corrupt cluster")]
    Corrupt,
    #[error("etcdserver: request is too large")]
    RequestTooLarge,
    #[error("etcdserver: too many requests")]
    TooManyRequests,
    #[error("etcdserver: no leader")]
    NoLeader,
    #[error("etcdserver: leader changed")]
    LeaderChanged,
    #[error("etcdserver: server stopped")]
    Stopped,
    #[error("etcdserver: request timed out")]
    TimedOut,
    #[error("etcdserver: member not found")]
    MemberNotFound,
    #[error("etcdserver: Peer URLs already exists")]
    PeerUrlExists,
    #[error("etcdserver: given member URLs are invalid")]
    MemberBadUrls,
    #[error("etcdserver: can only promote a learner member")]
    MemberNotLearner,
    #[error("etcdserver: can only promote a learner member which is in sync with leader")]
    LearnerNotReady,
    #[error("etcdserver: too many learner members in cluster")]
    TooManyLearners,
    #[error("etcdserver: re-configuration failed due to not enough started members")]
    NotEnoughStarted,
    #[error("etcdserver: unhealthy cluster")]
    Unhealthy,
    #[error("etcdserver: bad leader transferee")]
    BadTransferee,
    #[error("etcdserver: not leader")]
    NotLeader,
    #[error("etcdserver: rpc not supported for learner")]
    NotForLearner,
}

impl KeyRange {
    pub fn key(key: impl Into<Bytes>) -> Self {
        Self {
            start: key.into(),
            end: Bytes::new(),
        }
    }

    /// Every key that begins with `prefix`, which ends with a slash: zero comes behind it in ASCII.
    pub fn folder(prefix: &'static str) -> Self {
        let end = prefix.trim_end_matches('/');
        Self {
            start: Bytes::from_static(prefix.as_bytes()),
            end: format!("{end}0").into(),
        }
    }

    pub fn is_single(&self) -> bool {
        self.end.is_empty()
    }

    /// Whether the range has no upper bound.
    pub fn is_open(&self) -> bool {
        self.end.as_ref() == [0]
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        if self.is_single() {
            return key == self.start;
        }
        key >= self.start.as_ref() && (self.is_open() || key < self.end.as_ref())
    }
}

impl Range {
    /// A read of one key with nothing left out.
    pub fn one(key: impl Into<Bytes>) -> Self {
        Self {
            keys: KeyRange::key(key),
            ..Self::default()
        }
    }

    /// A stated order or a filter must see every key, so the limit cannot stop the walk early.
    pub fn needs_all(&self) -> bool {
        self.sort_order != SortOrder::None || self.filter != RevisionFilter::default()
    }

    /// Whether the keys come in another order than their own.
    pub fn is_sorted(&self) -> bool {
        self.sort_order != SortOrder::None || self.sort_target != SortTarget::Key
    }
}
