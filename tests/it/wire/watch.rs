//! Watches: where they start, what they leave out, how they are told, how they end.

use std::collections::BTreeMap;
use std::time::Instant;

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use futures_util::{StreamExt, stream};
use pb::kv_client::KvClient;
use pb::request_op::Request as Op;
use pb::watch_request::RequestUnion;
use prost::Message;
use tonic::Code;
use tonic::transport::Channel;

use crate::wire::{PATIENCE, Watching, create, del, ours, ours_with, put, side_by_side, then};

/// What a client of etcd's default settings sends and receives at most.
const MESSAGE_BYTES_MAX: usize = 2 << 20;

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

/// All keys that begin with `w`, with what else is wanted.
fn prefix(
    start_revision: i64,
    wanted: impl Fn(&mut pb::WatchCreateRequest),
) -> pb::WatchCreateRequest {
    let mut request = create("w", start_revision);
    request.range_end = "x".into();
    wanted(&mut request);
    request
}

/// A revision whose events are more than one message may hold: 4 keys of 1 MiB, deleted at once.
async fn watch_of_a_large_revision(fragment: bool) {
    side_by_side(async |s| {
        let mut client = KvClient::new(s.channel.clone());
        for key in ["w1", "w2", "w3", "w4"] {
            let value = vec![b'v'; 1 << 20].into();
            let put = pb::PutRequest {
                value,
                ..put(key, "")
            };
            client.put(put).await.expect("made");
        }
        let wanted = prefix(0, |it| (it.prev_kv, it.fragment) = (true, fragment));
        let mut watching = s.watch(wanted).await;
        assert!(watching.next().await.created);
        let range_end = "x".into();
        s.delete(pb::DeleteRangeRequest {
            range_end,
            ..del("w")
        })
        .await;
        let (mut keys, mut parts, mut more) = (Vec::new(), 0, true);
        while more {
            let answer = watching.next().await;
            assert!(!fragment || answer.encoded_len() <= MESSAGE_BYTES_MAX);
            (parts, more) = (parts + 1, answer.fragment);
            for event in answer.events {
                assert_eq!(event.prev_kv.expect("asked for").value.len(), 1 << 20);
                keys.push(event.kv.expect("one").key);
            }
        }
        s.told.push(format!("{keys:?} in {parts}"));
    })
    .await;
}

#[tokio::test]
async fn large_revision_comes_in_fragments_that_a_client_receives() {
    watch_of_a_large_revision(true).await;
}

#[tokio::test]
async fn large_revision_comes_whole_where_no_fragments_are_wanted() {
    watch_of_a_large_revision(false).await;
}

/// What an event takes beside its key counts too.
#[tokio::test]
async fn many_small_events_come_in_fragments_that_a_client_receives() {
    const KEYS: usize = 150_000;
    const KEYS_AT_A_TIME: usize = 30_000;
    ours_with(&["--max-txn-ops", "30000"], async |s| {
        let mut client = KvClient::new(s.channel.clone());
        let put = |number: usize| {
            Op::RequestPut(pb::PutRequest {
                key: format!("w{number:06}").into(),
                ..Default::default()
            })
        };
        for from in (0..KEYS).step_by(KEYS_AT_A_TIME) {
            let puts = (from..from + KEYS_AT_A_TIME).map(put);
            client.txn(then(puts.collect())).await.expect("made");
        }
        let mut watching = s.watch(prefix(0, |it| it.fragment = true)).await;
        assert!(watching.next().await.created);
        let range_end = "x".into();
        let delete = pb::DeleteRangeRequest {
            range_end,
            ..del("w")
        };
        client.delete_range(delete).await.expect("made");
        let (mut told, mut parts, mut more) = (0, 0, true);
        while more {
            let answer = watching.next().await;
            assert!(answer.encoded_len() <= MESSAGE_BYTES_MAX);
            (parts, more) = (parts + 1, answer.fragment);
            for event in answer.events {
                assert_eq!(event.kv.expect("one").key, format!("w{told:06}"));
                told += 1;
            }
        }
        assert_eq!(told, KEYS);
        assert!(parts > 1);
    })
    .await;
}

#[tokio::test]
async fn both_filters_leave_nothing_but_progress() {
    side_by_side(async |s| {
        let mut watching = s.watch(prefix(0, |it| it.filters = vec![0, 1])).await;
        s.hear(&mut watching, 1).await;
        s.set("w", "1").await;
        s.delete(del("w")).await;
        let progress = pb::WatchProgressRequest {};
        watching.ask(RequestUnion::ProgressRequest(progress)).await;
        s.hear(&mut watching, 1).await;
    })
    .await;
}

#[tokio::test]
async fn previous_value_that_was_compacted_is_left_out() {
    ours(async |s| {
        for value in ["1", "2", "3"] {
            s.set("w", value).await;
        }
        s.compact(3).await;
        let mut watching = s.watch(prefix(3, |it| it.prev_kv = true)).await;
        assert!(watching.next().await.created);
        let mut told = Vec::new();
        while told.len() < 2 {
            let events = watching.next().await.events.into_iter();
            told.extend(events.map(|event| event.prev_kv.map(|kv| kv.value)));
        }
        assert_eq!(told, [None, Some("2".into())]);
    })
    .await;
}

#[tokio::test]
async fn progress_is_told_to_who_asked_and_not_beyond_what_was_told() {
    let flags = ["--watch-progress-notify-interval", "100ms"];
    ours_with(&flags, async |s| {
        let mut watching = s.watch(prefix(0, |it| it.watch_id = 1)).await;
        let notified = prefix(0, |it| (it.watch_id, it.progress_notify) = (2, true));
        watching.ask(RequestUnion::CreateRequest(notified)).await;
        for id in [1, 2] {
            let answer = watching.next().await;
            assert!(answer.created && answer.watch_id == id);
        }
        let (mut notices, mut told) = (0, BTreeMap::from([(1, 1), (2, 1)]));
        while notices < 5 {
            s.set("w", "1").await;
            s.set("elsewhere", "1").await;
            let answer = watching.next().await;
            let revision = answer.header.expect("one").revision;
            let last = told.get_mut(&answer.watch_id).expect("known");
            if answer.events.is_empty() {
                assert_eq!(answer.watch_id, 2, "a notice nobody asked for");
                // Every second change is of the watched key.
                assert!(revision - *last <= 1, "{revision} after {last}");
                notices += 1;
            }
            for event in answer.events {
                *last += 1 + i64::from(*last > 1);
                assert_eq!(event.kv.expect("one").mod_revision, *last);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn manual_progress_waits_for_a_watcher_that_catches_up() {
    const PUTS: i64 = 3_000;
    ours(async |s| {
        write(&s.channel, PUTS).await;
        let mut watching = s.watch(prefix(2, |_| {})).await;
        let progress = pb::WatchProgressRequest {};
        watching.ask(RequestUnion::ProgressRequest(progress)).await;
        assert!(watching.next().await.created);
        let mut told = 1;
        loop {
            let answer = watching.next().await;
            if answer.events.is_empty() {
                assert_eq!(answer.watch_id, -1);
                assert_eq!(answer.header.expect("one").revision, 1 + PUTS);
                break;
            }
            for event in answer.events {
                told += 1;
                assert_eq!(event.kv.expect("one").mod_revision, told);
            }
        }
        assert_eq!(told, 1 + PUTS);
    })
    .await;
}

#[tokio::test]
async fn canceled_watch_hears_nothing_more_and_the_others_go_on() {
    side_by_side(async |s| {
        let mut watching = s.watch(prefix(0, |it| it.watch_id = 5)).await;
        let other = prefix(0, |it| it.watch_id = 6);
        watching.ask(RequestUnion::CreateRequest(other)).await;
        s.hear(&mut watching, 2).await;
        // One that is not there is not answered.
        for watch_id in [9, 5] {
            let cancel = pb::WatchCancelRequest { watch_id };
            watching.ask(RequestUnion::CancelRequest(cancel)).await;
        }
        s.hear(&mut watching, 1).await;
        s.set("w", "1").await;
        s.set("w", "2").await;
        s.hear_events(&mut watching, 2).await;
    })
    .await;
}

/// Watchers from every kind of start are made while changes go on.
#[tokio::test]
async fn nothing_is_told_of_a_watch_before_it_is_created() {
    const WATCHERS: i64 = 200;
    const PUTS: i64 = 1_000;
    let flags = ["--watch-progress-notify-interval", "100ms"];
    ours_with(&flags, async |s| {
        write(&s.channel, 100).await;
        let writer = tokio::spawn({
            let channel = s.channel.clone();
            async move { write(&channel, PUTS).await }
        });
        let mut watching = s.watch(prefix(0, |it| it.progress_notify = true)).await;
        let mut next = BTreeMap::new();
        for number in 1..WATCHERS {
            let start = [0, 2, 50, 1_000][number as usize % 4];
            let more = prefix(start, |it| it.progress_notify = true);
            watching.ask(RequestUnion::CreateRequest(more)).await;
            let progress = pb::WatchProgressRequest {};
            watching.ask(RequestUnion::ProgressRequest(progress)).await;
            hear_one(&mut watching, &mut next).await;
        }
        writer.await.expect("written");
        // Notices go on for ever, so they are no sign that the rest comes.
        let begun = Instant::now();
        while (next.len() as i64) < WATCHERS {
            assert!(begun.elapsed() < PATIENCE, "{next:?}");
            hear_one(&mut watching, &mut next).await;
        }
        // One more, that also those hear of that were made after the others.
        write(&s.channel, 1).await;
        let last = 1 + 100 + PUTS + 1;
        let whole =
            |next: &BTreeMap<i64, Option<i64>>| next.values().all(|next| *next == Some(last + 1));
        while !whole(&next) {
            assert!(begun.elapsed() < PATIENCE, "{next:?}");
            hear_one(&mut watching, &mut next).await;
        }
    })
    .await;
}

/// Takes one answer and checks it against the next revision that each watcher must be told.
async fn hear_one(watching: &mut Watching, next: &mut BTreeMap<i64, Option<i64>>) {
    let answer = watching.next().await;
    let revision = answer.header.expect("one").revision;
    if answer.watch_id == -1 {
        assert!(answer.events.is_empty());
        return;
    }
    if answer.created {
        assert_eq!(next.insert(answer.watch_id, None), None);
        return;
    }
    let next = next.get_mut(&answer.watch_id).expect("told before created");
    for event in answer.events {
        let at = event.kv.expect("one").mod_revision;
        assert!(
            next.is_none_or(|next| next == at),
            "{at} where {next:?} is due"
        );
        assert!(at <= revision);
        *next = Some(at + 1);
    }
}

#[tokio::test]
async fn watch_that_goes_back_disturbs_no_live_one() {
    const BEFORE: i64 = 3_000;
    const AFTER: i64 = 500;
    ours(async |s| {
        write(&s.channel, BEFORE).await;
        let mut watching = s.watch(prefix(0, |_| {})).await;
        assert!(watching.next().await.created);
        let writer = tokio::spawn({
            let channel = s.channel.clone();
            async move { write(&channel, AFTER).await }
        });
        for back in [2, 1_000] {
            watching
                .ask(RequestUnion::CreateRequest(prefix(back, |_| {})))
                .await;
        }
        let mut next = BTreeMap::from([(0, Some(BEFORE + 2))]);
        let whole = |next: &BTreeMap<i64, Option<i64>>| {
            let end = Some(BEFORE + AFTER + 2);
            next.len() == 3 && next.values().all(|next| *next == end)
        };
        while !whole(&next) {
            hear_one(&mut watching, &mut next).await;
        }
        writer.await.expect("written");
    })
    .await;
}

/// Puts `w` so many times, some at a time, so that they share the syncs of the log.
async fn write(channel: &Channel, puts: i64) {
    const AT_A_TIME: usize = 32;
    let puts = (0..puts).map(|_| async {
        let mut client = KvClient::new(channel.clone());
        client.put(put("w", "1")).await.expect("made");
    });
    let made = stream::iter(puts).buffer_unordered(AT_A_TIME);
    made.collect::<Vec<()>>().await;
}

#[tokio::test]
async fn request_that_is_no_message_ends_the_stream_with_its_status() {
    ours(async |s| {
        let mut watching = s.watch(prefix(0, |_| {})).await;
        assert!(watching.next().await.created);
        let large = prefix(0, |it| it.key = vec![b'w'; MESSAGE_BYTES_MAX + 1].into());
        watching.ask(RequestUnion::CreateRequest(large)).await;
        let ended = watching.ended().await;
        assert_eq!(ended.code(), Code::ResourceExhausted);
        let text = "grpc: received message larger than max (";
        assert!(ended.message().starts_with(text), "{ended}");
    })
    .await;
}
