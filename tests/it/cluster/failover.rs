//! A member dies or is cut off, and the others go on.

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use tokio::time::timeout;

use crate::cluster::{Cluster, put, put_through};
use crate::rig::PATIENCE;

fn get(key: &str, serializable: bool) -> pb::RangeRequest {
    pb::RangeRequest {
        key: key.to_owned().into(),
        serializable,
        ..pb::RangeRequest::default()
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_the_leader_again_and_again() {
    let mut cluster = Cluster::start(3);
    let mut acknowledged = 0;
    for _ in 0..4 {
        let leader = cluster.leader().await;
        let other = cluster.other_than(leader);
        for _ in 0..10 {
            put_through(cluster.member(other), &format!("k{acknowledged:03}"), "v").await;
            acknowledged += 1;
        }
        cluster.kill(leader);
        put_through(cluster.member(other), &format!("k{acknowledged:03}"), "v").await;
        acknowledged += 1;
        cluster.restart(leader);
    }
    cluster.agree().await;
    let (_, kvs) = cluster.member(0).everything().await;
    let keys: Vec<_> = kvs.iter().map(|kv| kv.key.clone()).collect();
    let expected = (0..acknowledged).map(|number| format!("k{number:03}").into_bytes());
    assert_eq!(keys, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_minority_writes_nothing_and_reads_only_what_may_be_old() {
    let mut cluster = Cluster::start(3);
    put_through(cluster.member(0), "a", "1").await;
    cluster.agree().await;
    cluster.kill(1);
    cluster.kill(2);
    let alone = cluster.member(0);
    let answer = timeout(PATIENCE, alone.kv().put(put("a", "2"))).await;
    assert!(answer.expect("is answered").is_err());
    let answer = timeout(PATIENCE, alone.kv().range(get("a", false))).await;
    assert!(answer.expect("is answered").is_err());
    let old = alone.kv().range(get("a", true)).await.expect("may be old");
    assert_eq!(old.into_inner().kvs[0].value.as_ref(), b"1");

    cluster.restart(1);
    put_through(cluster.member(1), "a", "3").await;
    let new = cluster.member(0).kv().range(get("a", false)).await;
    assert_eq!(new.expect("reads").into_inner().kvs[0].value.as_ref(), b"3");
}

#[tokio::test]
async fn a_member_that_lags_behind_the_log_gets_the_whole_state() {
    let mut cluster = Cluster::of(3);
    for at in 0..3 {
        // The log is given back as soon as checkpoints allow.
        cluster
            .rig(at)
            .flags
            .extend(["--snapshot-count", "1"].map(Into::into));
    }
    cluster.start_all();
    put_through(cluster.member(0), "first", "v").await;
    cluster.agree().await;
    let late = cluster.other_than(cluster.leader().await);
    cluster.kill(late);
    let writer = cluster.other_than(late);
    let value = "v".repeat(1 << 20);
    let mut puts = 0;
    // Behind its second checkpoint a member gives back what the late one would need.
    while !cluster.has_given_back_log() {
        assert!(puts < 2_000, "no checkpoints");
        put_through(cluster.member(writer), &format!("k{}", puts % 40), &value).await;
        puts += 1;
    }
    cluster.restart(late);
    let (revision, kvs) = cluster.member(late).everything().await;
    assert_eq!((revision, kvs.len()), (2 + puts, 41));
    let told = cluster.member(late).told();
    assert!(told.contains("took over the whole state"), "{told}");
    put_through(cluster.member(late), "last", "v").await;
    assert_eq!(cluster.agree().await, 3 + puts);
    // What it was given is on its own disk too.
    cluster.kill(late);
    cluster.restart(late);
    assert_eq!(cluster.agree().await, 3 + puts);
}

#[tokio::test]
async fn a_leader_that_ends_in_order_hands_over() {
    let mut cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    let other = cluster.other_than(leader);
    put_through(cluster.member(other), "a", "1").await;
    let ends = cluster.take(leader);
    ends.terminate();
    // Not one request fails, and none is asked for again.
    for number in 0..50 {
        let mut kv = cluster.member(other).kv();
        let answer = kv.put(put("a", &number.to_string())).await;
        answer.expect("is put all the while");
    }
    ends.ended().assert(0, &[]);
    assert_ne!(cluster.leader().await, leader);
}
