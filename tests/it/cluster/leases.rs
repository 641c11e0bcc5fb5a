//! Leases while leaders come and go.

use std::time::Duration;

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use tokio::time::{Instant, sleep};

use crate::cluster::{Cluster, put};
use crate::rig::{Daemon, PATIENCE};

async fn grant(daemon: &Daemon, seconds: i64) -> i64 {
    let request = pb::LeaseGrantRequest {
        ttl: seconds,
        id: 0,
    };
    let granted = daemon.lease().lease_grant(request).await;
    granted.expect("is granted").into_inner().id
}

/// The seconds that the lease has again; `None` if nobody could say.
async fn keep_alive(daemon: &Daemon, id: i64) -> Option<i64> {
    let one = tokio_stream::iter([pb::LeaseKeepAliveRequest { id }]);
    let mut answers = daemon
        .lease()
        .lease_keep_alive(one)
        .await
        .ok()?
        .into_inner();
    Some(answers.message().await.ok()??.ttl)
}

async fn remaining(daemon: &Daemon, id: i64) -> i64 {
    let request = pb::LeaseTimeToLiveRequest { id, keys: false };
    let told = daemon.lease().lease_time_to_live(request).await;
    told.expect("is told").into_inner().ttl
}

async fn hang(daemon: &Daemon, key: &str, lease: i64) {
    let request = pb::PutRequest {
        lease,
        ..put(key, "v")
    };
    daemon.kv().put(request).await.expect("is put");
}

#[tokio::test]
async fn a_lease_is_kept_alive_at_any_member() {
    let cluster = Cluster::start(3);
    let id = grant(cluster.member(0), 100).await;
    for (_, member) in cluster.running() {
        assert_eq!(keep_alive(member, id).await, Some(100));
        assert!((95..=100).contains(&remaining(member, id).await));
        assert_eq!(keep_alive(member, 12_345).await, Some(0));
    }
}

#[tokio::test]
async fn a_lease_survives_its_leader_and_ends_when_nobody_keeps_it() {
    let mut cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    let other = cluster.other_than(leader);
    let id = grant(cluster.member(other), 3).await;
    hang(cluster.member(other), "a", id).await;
    cluster.kill(leader);
    let begun = Instant::now();
    let mut renewed = 0;
    while begun.elapsed() < Duration::from_secs(5) {
        match keep_alive(cluster.member(other), id).await {
            Some(3) => renewed += 1,
            // Only while nobody leads.
            None => {}
            Some(seconds) => panic!("{seconds} s after {:?}", begun.elapsed()),
        }
        sleep(Duration::from_millis(100)).await;
    }
    assert!(renewed > 10, "renewed {renewed} times");
    assert_eq!(cluster.member(other).everything().await.1.len(), 1);
    let deadline = Instant::now() + PATIENCE;
    while !cluster.member(other).everything().await.1.is_empty() {
        assert!(Instant::now() < deadline, "the key outlives its lease");
    }
    assert_eq!(keep_alive(cluster.member(other), id).await, Some(0));
}

#[tokio::test]
async fn a_new_leader_gives_every_lease_its_full_term() {
    let mut cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    let other = cluster.other_than(leader);
    let id = grant(cluster.member(other), 20).await;
    while remaining(cluster.member(other), id).await > 17 {
        sleep(Duration::from_millis(100)).await;
    }
    cluster.kill(leader);
    let told = remaining(cluster.member(other), id).await;
    assert!((18..=20).contains(&told), "{told} s are left");
}

/// A member that does not lead knows of a change later than whoever made it by it.
#[tokio::test]
async fn a_grant_and_a_revocation_name_their_revision_at_each_member() {
    let cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    let other = cluster.member(cluster.other_than(leader));
    for number in 0..20 {
        let put = cluster.member(leader).kv().put(put("a", "v")).await;
        let put = put.expect("is put").into_inner().header.expect("has one");
        let request = pb::LeaseGrantRequest { ttl: 100, id: 0 };
        let granted = other.lease().lease_grant(request).await;
        let granted = granted.expect("is granted").into_inner();
        let named = granted.header.expect("has one").revision;
        assert_eq!(named, put.revision, "grant {number}");

        hang(cluster.member(leader), "b", granted.id).await;
        let request = pb::LeaseRevokeRequest { id: granted.id };
        let revoked = other.lease().lease_revoke(request).await;
        let revoked = revoked.expect("is revoked").into_inner();
        let named = revoked.header.expect("has one").revision;
        assert_eq!(named, put.revision + 2, "revocation {number}");
    }
}
