//! etcd's known regressions that concern one node, each by its number: none of them is ours.

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::kv_client::KvClient;
use pb::request_op::Request as Op;
use pb::watch_request::RequestUnion;

use crate::rig::Rig;
use crate::wire::{Session, create, del, everything, get, ours, put, then};

/// etcd 3.5.1 answers at once, whatever is still to be told.
#[tokio::test]
async fn regression_15220_progress_never_passes_events() {
    ours(async |s| {
        let mut watching = s.watch(create("w", 0)).await;
        s.hear(&mut watching, 1).await;
        let mut told = 0;
        for _ in 0..200 {
            s.set("w", "1").await;
            let progress = pb::WatchProgressRequest {};
            watching.ask(RequestUnion::ProgressRequest(progress)).await;
            loop {
                let answer = watching.next().await;
                let revision = answer.header.expect("one").revision;
                match answer.events.last() {
                    Some(event) => told = event.kv.as_ref().expect("one").mod_revision,
                    None => {
                        assert_eq!(told, revision, "a notice before its events");
                        break;
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn regressions_18089_and_19179_delete_at_the_compaction_revision_is_told() {
    ours(async |s| {
        s.set("w", "1").await;
        s.delete(del("w")).await;
        s.set("x", "1").await;
        s.compact(3).await;
        let mut watching = s.watch(create("w", 3)).await;
        assert!(watching.next().await.created);
        let event = watching.next().await.events.remove(0);
        assert_eq!((event.r#type, event.kv.expect("one").mod_revision), (1, 3));
    })
    .await;
}

#[tokio::test]
async fn regression_20221_watch_of_the_future_gets_nothing_older() {
    ours(async |s| {
        let mut watching = s.watch(create("w", 50)).await;
        assert!(watching.next().await.created);
        for _ in 0..60 {
            s.set("w", "1").await;
        }
        let event = watching.next().await.events.remove(0);
        assert_eq!(event.kv.expect("one").mod_revision, 50);
    })
    .await;
}

#[tokio::test]
async fn regression_18667_txn_with_a_range_at_a_compacted_revision_changes_nothing() {
    ours(async |s| {
        for value in ["1", "2", "3"] {
            s.set("k", value).await;
        }
        s.compact(4).await;
        let old = pb::RangeRequest {
            revision: 2,
            ..get("k")
        };
        let txn = then(vec![Op::RequestPut(put("n", "1")), Op::RequestRange(old)]);
        let mut client = KvClient::new(s.channel.clone());
        let error = client.txn(txn).await.expect_err("compacted");
        assert_eq!(error.code(), tonic::Code::OutOfRange);
        let all = client
            .range(everything())
            .await
            .expect("reads")
            .into_inner();
        assert_eq!((all.count, all.header.expect("one").revision), (1, 4));
    })
    .await;
}

#[tokio::test]
async fn regression_20655_quick_creations_of_watches_lose_no_event() {
    ours(async |s| {
        let mut watching = s.watch(create("w", 2)).await;
        for _ in 0..100 {
            let again = RequestUnion::CreateRequest(create("w", 2));
            watching.ask(again).await;
            s.set("w", "1").await;
        }
        let (mut created, mut last) = (0, std::collections::BTreeMap::new());
        while created < 101 || last.len() < 101 || last.values().any(|at| *at < 101) {
            let answer = watching.next().await;
            created += usize::from(answer.created);
            for event in answer.events {
                let next = last.entry(answer.watch_id).or_insert(1);
                *next += 1;
                assert_eq!(event.kv.expect("one").mod_revision, *next);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn regression_17780_crash_after_compaction_keeps_the_revision() {
    let rig = Rig::new();
    let mut daemon = rig.start();
    let mut revision = 1;
    for _ in 0..3 {
        let mut session = Session::new(&daemon.url);
        for _ in 0..20 {
            session.set("k", "1").await;
            revision += 1;
        }
        session.delete(del("k")).await;
        revision += 1;
        session.compact(revision).await;
        daemon.kill();
        daemon = rig.start();
        let mut client = daemon.kv();
        let answer = client.range(get("k")).await.expect("serves").into_inner();
        assert_eq!(answer.header.expect("one").revision, revision);
    }
}
