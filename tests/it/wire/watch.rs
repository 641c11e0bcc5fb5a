//! Watches.

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::watch_request::RequestUnion;

use crate::wire::{create, del, ours, side_by_side};

/// Watches of a history with puts and deletes, from every kind of start.
async fn watch_from(create: pb::WatchCreateRequest, compacted: i64, events: usize) {
    side_by_side(async |s| {
        s.set("w", "1").await;
        s.set("w", "2").await;
        s.delete(del("w")).await;
        s.set("w", "3").await;
        if compacted > 0 {
            s.compact(compacted).await;
        }
        let mut watching = s.watch(create.clone()).await;
        s.hear(&mut watching, 1).await;
        s.set("w", "4").await;
        s.delete(del("w")).await;
        s.hear_events(&mut watching, events).await;
    })
    .await;
}

#[tokio::test]
async fn watch_from_revision_zero_tells_only_what_comes() {
    watch_from(create("w", 0), 0, 2).await;
}

#[tokio::test]
async fn watch_from_the_past_tells_what_was() {
    watch_from(create("w", 3), 0, 5).await;
}

/// etcd 3.5.1 allows it too, but a delete of that revision is lost there: #19179, tried below.
#[tokio::test]
async fn watch_from_the_compaction_revision_is_allowed() {
    watch_from(create("w", 5), 5, 3).await;
}

#[tokio::test]
async fn watch_from_before_the_compaction_is_canceled() {
    watch_from(create("w", 2), 4, 1).await;
}

#[tokio::test]
async fn watch_from_the_future_tells_nothing_before() {
    watch_from(create("w", 7), 0, 1).await;
}

/// etcd 3.5.1 creates the watcher; later ones refuse it.
#[tokio::test]
async fn watch_from_a_negative_revision_is_refused() {
    ours(async |s| {
        let answer = s.watch(create("w", -1)).await.next().await;
        assert!(answer.created && answer.canceled);
        assert_eq!(answer.watch_id, -1);
        let reason = "etcdserver: mvcc: required revision has been compacted";
        assert_eq!(answer.cancel_reason, reason);
    })
    .await;
}

#[tokio::test]
async fn watch_of_an_empty_range_is_refused() {
    let range_end = "a".into();
    watch_from(
        pb::WatchCreateRequest {
            range_end,
            ..create("w", 0)
        },
        0,
        0,
    )
    .await;
}

#[tokio::test]
async fn watch_with_previous_values_tells_them() {
    watch_from(
        pb::WatchCreateRequest {
            prev_kv: true,
            ..create("w", 0)
        },
        0,
        2,
    )
    .await;
}

#[tokio::test]
async fn watch_without_puts_tells_deletes_only() {
    watch_from(
        pb::WatchCreateRequest {
            filters: vec![0],
            ..create("w", 0)
        },
        0,
        1,
    )
    .await;
}

#[tokio::test]
async fn watch_without_deletes_tells_puts_only() {
    watch_from(
        pb::WatchCreateRequest {
            filters: vec![1],
            ..create("w", 0)
        },
        0,
        1,
    )
    .await;
}

#[tokio::test]
async fn watch_id_twice_on_a_stream_is_refused_and_cancel_is_answered() {
    side_by_side(async |s| {
        let wanted = || pb::WatchCreateRequest {
            watch_id: 5,
            ..create("w", 0)
        };
        let mut watching = s.watch(wanted()).await;
        watching.ask(RequestUnion::CreateRequest(wanted())).await;
        s.hear(&mut watching, 2).await;
        let cancel = pb::WatchCancelRequest { watch_id: 5 };
        watching.ask(RequestUnion::CancelRequest(cancel)).await;
        s.hear(&mut watching, 1).await;
    })
    .await;
}

#[tokio::test]
async fn manual_progress_is_answered_for_the_stream() {
    side_by_side(async |s| {
        let mut watching = s.watch(create("w", 0)).await;
        s.hear(&mut watching, 1).await;
        s.set("other", "1").await;
        let progress = pb::WatchProgressRequest {};
        watching.ask(RequestUnion::ProgressRequest(progress)).await;
        s.hear(&mut watching, 1).await;
    })
    .await;
}
