//! etcd's known regressions that concern one node, each by its number: none of them is ours.
//!
//! Not here: #15271, #18055 and #20418 want several members, #14571 wants users, and #20271 was in
//! pages of a store that is not ours.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::kv_client::KvClient;
use pb::request_op::Request as Op;
use pb::response_op::Response as Answer;
use pb::watch_request::RequestUnion;

use tokio::sync::mpsc;
use tonic::transport::Channel;

use crate::rig::{Daemon, Rig};
use crate::wire::{Session, Watching, create, del, everything, get, ours, ours_with, put, then};

/// Revision, kind and key of an event.
type Told = (i64, i32, Bytes);

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

/// Neither a periodic notice nor one to the whole stream, which is for this watcher too.
#[tokio::test]
async fn regression_20221_watch_of_the_future_gets_no_notice_before_its_start() {
    let flags = ["--watch-progress-notify-interval", "100ms"];
    ours_with(&flags, async |s| {
        let wanted = |start_revision| {
            let mut request = create("w", start_revision);
            request.progress_notify = true;
            RequestUnion::CreateRequest(request)
        };
        let ask = async |watching: &Watching| {
            let progress = pb::WatchProgressRequest {};
            watching.ask(RequestUnion::ProgressRequest(progress)).await;
        };
        let mut watching = s.watch(create("elsewhere", 0)).await;
        for request in [wanted(0), wanted(3)] {
            watching.ask(request).await;
        }
        ask(&watching).await;
        s.set("other", "1").await;
        for _ in 0..3 {
            assert!(watching.next().await.created);
        }
        for _ in 0..3 {
            // Only the watcher that starts now and asked for notices.
            assert_eq!(watching.next().await.watch_id, 1);
        }
        s.set("other", "2").await;
        let mut seen = BTreeSet::new();
        while seen.len() < 3 {
            let answer = watching.next().await;
            let revision = answer.header.expect("one").revision;
            assert!(revision == 3 || (revision < 3 && answer.watch_id == 1));
            seen.insert(answer.watch_id);
        }
        assert!(seen.into_iter().eq([-1, 1, 2]));
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
        let (mut created, mut last) = (0, BTreeMap::new());
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

/// Writers of keys of their own, until the daemon is killed after `enough` acknowledgements: each
/// acknowledged key with its revision.
async fn crash_among_writers(
    daemon: Daemon,
    writers: usize,
    enough: usize,
    round: usize,
) -> BTreeMap<Bytes, i64> {
    let (acknowledge, mut acknowledged) = mpsc::channel(1_000);
    for writer in 0..writers {
        let acknowledge = acknowledge.clone();
        let mut client = daemon.kv();
        // Ends with the daemon.
        tokio::spawn(async move {
            for number in 0.. {
                let key = Bytes::from(format!("{round}/{writer}/{number}"));
                let request = pb::PutRequest {
                    key: key.clone(),
                    ..Default::default()
                };
                let Ok(answer) = client.put(request).await else {
                    return;
                };
                let revision = answer.into_inner().header.expect("one").revision;
                acknowledge.send((key, revision)).await.expect("is heard");
            }
        });
    }
    drop(acknowledge);
    let mut writes = BTreeMap::new();
    while writes.len() < enough {
        writes.extend(acknowledged.recv().await);
    }
    daemon.kill();
    while let Some(write) = acknowledged.recv().await {
        writes.extend([write]);
    }
    writes
}

/// Every acknowledged write is there at its revision, and each revision is one key's: no change
/// was made twice or counted without being made.
async fn holds_all(daemon: &Daemon, writes: &BTreeMap<Bytes, i64>) {
    let (newest, all) = daemon.everything().await;
    let found: BTreeMap<_, _> = all.iter().map(|kv| (&kv.key, kv.mod_revision)).collect();
    for (key, revision) in writes {
        assert_eq!(found.get(key), Some(revision), "{key:?}");
    }
    let revisions: BTreeSet<i64> = found.values().copied().collect();
    assert!(revisions.into_iter().eq(2..=newest));
}

/// Some rounds of [`crash_among_writers`]; `beside` goes on in each until the daemon is killed.
async fn crashes_keep_all(
    rounds: usize,
    writers: usize,
    enough: usize,
    beside: impl AsyncFn(&Daemon),
) {
    let rig = Rig::new();
    let mut writes = BTreeMap::new();
    for round in 0..rounds {
        let daemon = rig.start();
        holds_all(&daemon, &writes).await;
        beside(&daemon).await;
        writes.extend(crash_among_writers(daemon, writers, enough, round).await);
    }
    holds_all(&rig.start(), &writes).await;
}

#[tokio::test]
async fn regression_13766_crash_under_load_keeps_revisions_consistent() {
    crashes_keep_all(3, 16, 500, async |_| {}).await;
}

#[tokio::test]
async fn regression_14370_crash_at_the_answer_keeps_the_write_of_the_only_node() {
    crashes_keep_all(10, 1, 1, async |_| {}).await;
}

#[tokio::test]
async fn regression_14685_crash_while_defragmenting_keeps_revisions_consistent() {
    crashes_keep_all(3, 8, 200, async |daemon| {
        let mut client = daemon.maintenance();
        // Ends with the daemon.
        tokio::spawn(
            async move { while client.defragment(pb::DefragmentRequest {}).await.is_ok() {} },
        );
    })
    .await;
}

/// Takes events until each watcher of a stream was told everything up to `last`; what each was
/// told, without the answers that have no events.
async fn hear_until(watching: &mut Watching, watchers: usize, last: i64) -> Vec<Vec<Told>> {
    let mut told: BTreeMap<i64, Vec<Told>> = BTreeMap::new();
    let whole = |told: &BTreeMap<i64, Vec<Told>>| {
        let done = |told: &Vec<Told>| told.last().is_some_and(|event| event.0 == last);
        told.len() == watchers && told.values().all(done)
    };
    while !whole(&told) {
        let answer = watching.next().await;
        for event in answer.events {
            let kv = event.kv.expect("one");
            let event = (kv.mod_revision, event.r#type, kv.key);
            told.entry(answer.watch_id).or_default().push(event);
        }
    }
    told.into_values().collect()
}

/// The bug was a read that saw a change in the store and once more in what was not written yet.
#[tokio::test]
async fn regression_17247_watchers_that_catch_up_among_transactions_hear_each_event_once() {
    const TXNS: i64 = 600;
    const STREAMS: i64 = 12;
    ours(async |s| {
        s.set("w", "0").await;
        let write = async |channel: Channel| {
            let mut client = KvClient::new(channel);
            for number in 0..TXNS {
                let nested = Op::RequestTxn(then(vec![Op::RequestPut(put("w1", "1"))]));
                let mut txn = then(vec![
                    Op::RequestPut(put("w", "1")),
                    Op::RequestRange(get("w")),
                    nested,
                    Op::RequestDeleteRange(del("w2")),
                ]);
                // Taken now and then: it is empty and makes no revision.
                txn.compare = vec![pb::Compare {
                    result: if number % 5 == 4 { 3 } else { 0 },
                    key: "never".into(),
                    ..Default::default()
                }];
                client.txn(txn).await.expect("made");
                client.put(put("w2", "1")).await.expect("made");
            }
        };
        let hear = async |number: i64| {
            // Each begins a little later than the one before.
            let mut client = KvClient::new(s.channel.clone());
            loop {
                let answer = client.range(get("w")).await.expect("read").into_inner();
                if answer.header.expect("one").revision >= 2 + number * TXNS / STREAMS {
                    break;
                }
            }
            let mut request = create("w", 2);
            request.range_end = "x".into();
            let mut watching = s.watch(request).await;
            hear_until(&mut watching, 1, 2 + TXNS * 4 / 5 + TXNS).await
        };
        let heard = futures_util::future::join_all((0..STREAMS).map(hear));
        let (_, heard) = tokio::join!(write(s.channel.clone()), heard);
        let whole = heard[0][0].clone();
        let mut sorted = whole.clone();
        sorted.sort_by_key(|event| event.0);
        assert_eq!(whole, sorted, "in order");
        let once: BTreeSet<&Told> = whole.iter().collect();
        assert_eq!(once.len(), whole.len(), "once");
        assert!(heard.iter().all(|told| told[0] == whole), "all alike");
    })
    .await;
}

/// Nobody takes the answers while changes go on; then they are all there, for the watchers from
/// before, for those that were made meanwhile, and beside notices of progress.
#[tokio::test]
async fn regression_17529_starved_stream_loses_no_event() {
    const PUTS: i64 = 200;
    const WATCHERS: usize = 20;
    const VALUE_BYTES: usize = 20 << 10;
    let flags = ["--watch-progress-notify-interval", "100ms"];
    ours_with(&flags, async |s| {
        let wanted = |start| {
            let mut request = create("w", start);
            request.range_end = "x".into();
            request.progress_notify = true;
            request
        };
        let mut watching = s.watch(wanted(2)).await;
        let mut client = KvClient::new(s.channel.clone());
        for number in 0..PUTS {
            if (number as usize) < WATCHERS - 1 {
                let more = RequestUnion::CreateRequest(wanted(2));
                watching.ask(more).await;
            }
            let request = pb::PutRequest {
                value: vec![b'v'; VALUE_BYTES].into(),
                ..put("w", "")
            };
            client.put(request).await.expect("made");
        }
        for told in hear_until(&mut watching, WATCHERS, 1 + PUTS).await {
            assert!(told.iter().map(|event| event.0).eq(2..=1 + PUTS));
        }
    })
    .await;
}

#[tokio::test]
async fn regression_20573_watch_that_is_resumed_after_a_crash_misses_nothing() {
    let rig = Rig::new();
    let mut next = 2;
    for round in 1..=4 {
        let daemon = rig.start();
        let mut session = Session::new(&daemon.url);
        let mut watching = session.watch(create("w", next)).await;
        for _ in 0..50 {
            session.set("w", "1").await;
        }
        // Some are heard of now, the rest from the next daemon; in the end all of them.
        let until = if round == 4 {
            50 * round + 2
        } else {
            next + 10
        };
        while next < until {
            for event in watching.next().await.events {
                assert_eq!(event.kv.expect("one").mod_revision, next);
                next += 1;
            }
        }
        daemon.kill();
    }
}

/// The change to #21432: what such a transaction changes does not depend on what it reads.
#[tokio::test]
async fn regression_21432_txn_with_a_range_at_a_past_revision_is_made_whole() {
    let rig = Rig::new();
    let daemon = rig.start();
    let mut session = Session::new(&daemon.url);
    for value in ["1", "2"] {
        session.set("k", value).await;
    }
    let old = pb::RangeRequest {
        revision: 2,
        ..get("k")
    };
    let operations = vec![
        Op::RequestPut(put("k", "3")),
        Op::RequestRange(old),
        Op::RequestPut(put("n", "1")),
    ];
    let made = daemon.kv().txn(then(operations)).await.expect("made");
    let made = made.into_inner();
    assert_eq!(made.header.expect("one").revision, 4);
    let Some(Answer::ResponseRange(read)) = &made.responses[1].response else {
        panic!("a range is answered by one: {made:?}");
    };
    assert_eq!((&read.kvs[0].value[..], read.count), (&b"1"[..], 1));
    daemon.kill();
    let (_, all) = rig.start().everything().await;
    let all = all.iter().map(|kv| (&kv.value[..], kv.mod_revision));
    assert!(all.eq([(&b"3"[..], 4), (b"1", 4)]));
}
