//! etcd's table of errors: the code and the text of each that one node can give.

use std::collections::BTreeMap;

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::kv_client::KvClient;
use pb::lease_client::LeaseClient;
use pb::maintenance_client::MaintenanceClient;
use pb::request_op::Request as Op;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

use crate::wire::{Session, del, get, ours_with, put, then};

/// Why an error of the table is not given.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Given {
    /// It is, and here.
    Here,
    /// By clients to themselves.
    ByClients,
    /// In words other than a status: the answer of a watch.
    InAWatch,
    /// While the node ends, or its disk or consensus is stuck: tried with faults, not here.
    InTrouble,
    /// Where there are members to add, remove, promote or lose.
    AmongMembers,
    /// Where there are users.
    WithUsers,
    /// Where there is another version to go back to.
    WithDowngrades,
    /// Ours lets callers wait instead, in a queue with a bound.
    Waited,
    /// Not any more: no server since 3.5 does.
    Never,
}

use Given::*;

/// Every error of etcd 3.7 in the order of its source, without `etcdserver: `.
const TABLE: &[(Code, &str, Given)] = &[
    (Code::InvalidArgument, "key is not provided", Here),
    (Code::InvalidArgument, "key not found", Here),
    (Code::InvalidArgument, "value is provided", Here),
    (Code::InvalidArgument, "lease is provided", Here),
    (
        Code::InvalidArgument,
        "too many operations in txn request",
        Here,
    ),
    (
        Code::InvalidArgument,
        "duplicate key given in txn request",
        Here,
    ),
    (Code::InvalidArgument, "invalid client api version", Here),
    (Code::InvalidArgument, "invalid sort option", Here),
    (
        Code::OutOfRange,
        "mvcc: required revision has been compacted",
        Here,
    ),
    (
        Code::OutOfRange,
        "mvcc: required revision is a future revision",
        Here,
    ),
    (
        Code::ResourceExhausted,
        "mvcc: database space exceeded",
        Here,
    ),
    (Code::NotFound, "requested lease not found", Here),
    (Code::FailedPrecondition, "lease already exists", Here),
    (Code::OutOfRange, "too large lease TTL", Here),
    (Code::Cancelled, "watch canceled", InAWatch),
    (
        Code::FailedPrecondition,
        "member ID already exist",
        AmongMembers,
    ),
    (
        Code::FailedPrecondition,
        "Peer URLs already exists",
        AmongMembers,
    ),
    (
        Code::FailedPrecondition,
        "re-configuration failed due to not enough started members",
        AmongMembers,
    ),
    (
        Code::InvalidArgument,
        "given member URLs are invalid",
        AmongMembers,
    ),
    (Code::NotFound, "member not found", AmongMembers),
    (
        Code::FailedPrecondition,
        "can only promote a learner member",
        AmongMembers,
    ),
    (
        Code::FailedPrecondition,
        "can only promote a learner member which is in sync with leader",
        AmongMembers,
    ),
    (
        Code::FailedPrecondition,
        "too many learner members in cluster",
        AmongMembers,
    ),
    (
        Code::FailedPrecondition,
        "cluster ID mismatch",
        AmongMembers,
    ),
    (Code::InvalidArgument, "request is too large", Here),
    (Code::ResourceExhausted, "too many requests", Waited),
    (
        Code::FailedPrecondition,
        "root user does not exist",
        WithUsers,
    ),
    (
        Code::FailedPrecondition,
        "root user does not have root role",
        WithUsers,
    ),
    (
        Code::FailedPrecondition,
        "user name already exists",
        WithUsers,
    ),
    (Code::InvalidArgument, "user name is empty", WithUsers),
    (Code::FailedPrecondition, "user name not found", WithUsers),
    (
        Code::FailedPrecondition,
        "role name already exists",
        WithUsers,
    ),
    (Code::FailedPrecondition, "role name not found", WithUsers),
    (Code::InvalidArgument, "role name is empty", WithUsers),
    (
        Code::InvalidArgument,
        "authentication failed, invalid user ID or password",
        WithUsers,
    ),
    (Code::InvalidArgument, "permission not given", WithUsers),
    (Code::PermissionDenied, "permission denied", WithUsers),
    (
        Code::FailedPrecondition,
        "role is not granted to the user",
        WithUsers,
    ),
    (
        Code::FailedPrecondition,
        "permission is not granted to the role",
        WithUsers,
    ),
    (
        Code::FailedPrecondition,
        "authentication is not enabled",
        WithUsers,
    ),
    (Code::Unauthenticated, "invalid auth token", WithUsers),
    (Code::InvalidArgument, "invalid auth management", WithUsers),
    (
        Code::InvalidArgument,
        "revision of auth store is old",
        WithUsers,
    ),
    (Code::Unavailable, "no leader", InTrouble),
    (Code::FailedPrecondition, "not leader", AmongMembers),
    (Code::Unavailable, "leader changed", AmongMembers),
    (Code::FailedPrecondition, "not capable", Never),
    (Code::Unavailable, "server stopped", InTrouble),
    (Code::Unavailable, "request timed out", InTrouble),
    (
        Code::Unavailable,
        "request timed out, possibly due to previous leader failure",
        AmongMembers,
    ),
    (
        Code::Unavailable,
        "request timed out, possibly due to connection lost",
        AmongMembers,
    ),
    (
        Code::Unavailable,
        "request timed out, waiting for the applied index took too long",
        AmongMembers,
    ),
    (Code::Unavailable, "unhealthy cluster", AmongMembers),
    (Code::DataLoss, "corrupt cluster", Here),
    (
        Code::FailedPrecondition,
        "rpc not supported for learner",
        AmongMembers,
    ),
    (
        Code::FailedPrecondition,
        "bad leader transferee",
        AmongMembers,
    ),
    (
        Code::InvalidArgument,
        "wrong downgrade target version format",
        WithDowngrades,
    ),
    (
        Code::InvalidArgument,
        "invalid downgrade target version",
        WithDowngrades,
    ),
    (
        Code::FailedPrecondition,
        "cluster version not found during downgrade",
        WithDowngrades,
    ),
    (
        Code::FailedPrecondition,
        "cluster has a downgrade job in progress",
        WithDowngrades,
    ),
    (
        Code::FailedPrecondition,
        "no inflight downgrade job",
        WithDowngrades,
    ),
    (Code::Cancelled, "request canceled", ByClients),
    (
        Code::DeadlineExceeded,
        "context deadline exceeded",
        ByClients,
    ),
];

#[test]
fn table_has_every_error_once() {
    let texts: BTreeMap<_, _> = TABLE.iter().map(|row| (row.1, row.0)).collect();
    assert_eq!((TABLE.len(), texts.len()), (63, 63));
}

#[tokio::test]
async fn every_error_that_one_node_can_give_has_etcds_code_and_text() {
    let flags = ["--quota-backend-bytes", "3000000"];
    ours_with(&flags, async |s| {
        let mut seen = BTreeMap::new();
        for refused in of_requests(s).await.into_iter().chain(of_alarms(s).await) {
            let text = refused.message().strip_prefix("etcdserver: ");
            seen.insert(text.expect("etcd's prefix").to_owned(), refused.code());
        }
        let here = TABLE.iter().filter(|row| row.2 == Given::Here);
        let expected: BTreeMap<_, _> = here.map(|row| (row.1.to_owned(), row.0)).collect();
        assert_eq!(seen, expected);
    })
    .await;
}

/// What is wrong with a request alone, or with what it asks of the store.
async fn of_requests(s: &mut Session) -> Vec<Status> {
    let mut kv = KvClient::new(s.channel.clone());
    let mut lease = LeaseClient::new(s.channel.clone());
    let mut refused = Vec::new();
    for value in ["1", "2", "3"] {
        kv.put(put("k", value)).await.expect("made");
    }
    let compaction = pb::CompactionRequest {
        revision: 3,
        physical: true,
    };
    kv.compact(compaction).await.expect("made");
    for range in [
        get(""),
        pb::RangeRequest {
            sort_order: 7,
            ..get("k")
        },
        pb::RangeRequest {
            revision: 2,
            ..get("k")
        },
        pb::RangeRequest {
            revision: 99,
            ..get("k")
        },
    ] {
        refused.push(kv.range(range).await.expect_err("refused"));
    }
    for mut wrong in [
        put("absent", ""),
        put("k", "value"),
        put("k", "with a lease"),
        put("k", "with a lease that is not there"),
    ] {
        let text = wrong.value.clone();
        wrong.ignore_value = text.is_empty() || text == "value";
        wrong.ignore_lease = text == "with a lease";
        wrong.lease = i64::from(text.starts_with(b"with"));
        refused.push(kv.put(wrong).await.expect_err("refused"));
    }
    let mut versioned = tonic::Request::new(put("k", "1"));
    let no_text = MetadataValue::try_from(&b"3.\xff"[..]).expect("a header takes it");
    versioned
        .metadata_mut()
        .insert("client-api-version", no_text);
    refused.push(kv.put(versioned).await.expect_err("refused"));
    let mut large = put("k", "");
    large.value = vec![0; 3 << 19].into();
    refused.push(kv.put(large).await.expect_err("refused"));
    for operations in [
        vec![Op::RequestRange(get("k")); 129],
        vec![
            Op::RequestPut(put("k", "1")),
            Op::RequestDeleteRange(del("k")),
        ],
    ] {
        refused.push(kv.txn(then(operations)).await.expect_err("refused"));
    }
    let grant = |id, ttl| pb::LeaseGrantRequest { id, ttl };
    lease.lease_grant(grant(7, 60)).await.expect("granted");
    for wrong in [grant(7, 60), grant(8, 9_000_000_001)] {
        refused.push(lease.lease_grant(wrong).await.expect_err("refused"));
    }
    refused
}

/// What the alarms forbid.
async fn of_alarms(s: &mut Session) -> Vec<Status> {
    let mut kv = KvClient::new(s.channel.clone());
    let mut maintenance = MaintenanceClient::new(s.channel.clone());
    let mut refused = Vec::new();
    for alarm in [1, 2] {
        // About all members: one that is known to be corrupt alone does not stop ours.
        let raise = pb::AlarmRequest {
            action: 1,
            member_id: 0,
            alarm,
        };
        maintenance.alarm(raise).await.expect("raised");
        refused.push(kv.put(put("k", "1")).await.expect_err("refused"));
    }
    refused
}
