//! Status, hashes, snapshots, alarms and upkeep.

use std::process::Command;
use std::time::Instant;

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use coracle::core::kv::snapshot;
use pb::kv_client::KvClient;
use pb::lease_client::LeaseClient;
use pb::maintenance_client::MaintenanceClient;
use pb::request_op::Request as Op;
use sha2::{Digest, Sha256};
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use crate::rig::{Rig, client, output, real_binary};
use crate::wire::{PATIENCE, del, get, ours, ours_with, put, side_by_side, then};

#[tokio::test]
async fn hashes_alarms_and_upkeep_answer_alike() {
    side_by_side(async |s| {
        let mut client = MaintenanceClient::new(s.channel.clone());
        s.set("a", "1").await;
        s.set("a", "2").await;
        for _ in 0..2 {
            for revision in [0, 1, 2, 99] {
                let answer = client.hash_kv(pb::HashKvRequest { revision }).await;
                // The figure is each server's own, and etcd 3.5 does not say the revision.
                let answer = answer.map(|answer| answer.into_inner().compact_revision);
                s.keep(&format!("hash {revision}"), answer.map(Response::new));
            }
            s.compact(3).await;
        }
        for action in 0..3 {
            for alarm in [1, 0] {
                let member_id = 0;
                let request = pb::AlarmRequest {
                    action,
                    member_id,
                    alarm,
                };
                s.keep("alarm", client.alarm(request).await);
                s.set("b", "1").await;
            }
        }
        s.keep(
            "defragment",
            client.defragment(pb::DefragmentRequest {}).await,
        );
    })
    .await;
}

#[tokio::test]
async fn status_tells_every_field() {
    let flags = ["--quota-backend-bytes", "1000000000"];
    ours_with(&flags, async |s| {
        s.set("a", "1").await;
        s.set("a", "2").await;
        let mut client = MaintenanceClient::new(s.channel.clone());
        let status = client.status(pb::StatusRequest {}).await.expect("answered");
        let status = status.into_inner();
        let header = status.header.expect("one");
        assert_eq!(header.revision, 3);
        assert!(header.cluster_id != 0 && header.member_id != 0);
        assert_eq!(status.leader, header.member_id);
        assert!(!status.is_learner);
        assert_eq!(status.raft_term, header.raft_term);
        assert!(status.raft_term > 0);
        assert!(status.raft_applied_index >= 2);
        assert!(status.raft_index >= status.raft_applied_index);
        assert_eq!(status.version, "3.7.0");
        assert_eq!(status.storage_version, "3.7.0");
        assert!(status.db_size_in_use > 0 && status.db_size >= status.db_size_in_use);
        assert_eq!(status.db_size_quota, 1_000_000_000);
        assert!(status.errors.is_empty());
        assert_eq!(status.downgrade_info, Some(pb::DowngradeInfo::default()));
    })
    .await;
}

#[tokio::test]
async fn alarms_are_told_in_the_status_alike() {
    side_by_side(async |s| {
        let mut client = MaintenanceClient::new(s.channel.clone());
        for alarm in [1, 2] {
            let raise = pb::AlarmRequest {
                action: 1,
                member_id: 7,
                alarm,
            };
            s.keep("raise", client.alarm(raise).await);
        }
        let status = client.status(pb::StatusRequest {}).await.expect("answered");
        let mut errors = status.into_inner().errors;
        // etcd tells them in no order.
        errors.sort();
        s.told.push(format!("{errors:?}"));
        let disarm = pb::AlarmRequest {
            action: 2,
            member_id: 7,
            alarm: 2,
        };
        s.keep("disarm", client.alarm(disarm).await);
        s.keep("get", client.alarm(pb::AlarmRequest::default()).await);
    })
    .await;
}

async fn hash_kv(client: &mut MaintenanceClient<Channel>, revision: i64) -> pb::HashKvResponse {
    let answer = client.hash_kv(pb::HashKvRequest { revision }).await;
    answer.expect("answered").into_inner()
}

#[tokio::test]
async fn hash_of_a_revision_stays_and_is_alike_on_every_store_with_its_history() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        ours(async |s| {
            let mut client = MaintenanceClient::new(s.channel.clone());
            for value in ["1", "2", "3"] {
                s.set("a", value).await;
            }
            s.delete(del("a")).await;
            let at_4 = hash_kv(&mut client, 4).await;
            let newest = hash_kv(&mut client, 0).await;
            assert_eq!((at_4.hash_revision, newest.hash_revision), (4, 5));
            assert_ne!(at_4.hash, newest.hash);
            s.set("b", "1").await;
            assert_eq!(hash_kv(&mut client, 4).await.hash, at_4.hash);
            assert_eq!(hash_kv(&mut client, 5).await.hash, newest.hash);
            let whole = client.hash(pb::HashRequest {}).await.expect("answered");
            let whole = whole.into_inner();
            assert_eq!(whole.hash, hash_kv(&mut client, 6).await.hash);
            assert_eq!(whole.header.expect("one").revision, 6);
            seen.push((at_4.hash, newest.hash, whole.hash));
        })
        .await;
    }
    assert_eq!(seen[0], seen[1]);
}

/// etcd 3.5.1 says that it is compacted; later ones read there, as ranges do.
#[tokio::test]
async fn hash_at_the_compaction_revision_is_answered_and_before_it_refused() {
    ours(async |s| {
        for value in ["1", "2", "3"] {
            s.set("a", value).await;
        }
        s.compact(3).await;
        let mut client = MaintenanceClient::new(s.channel.clone());
        let answer = hash_kv(&mut client, 3).await;
        assert_eq!((answer.compact_revision, answer.hash_revision), (3, 3));
        let refused = client.hash_kv(pb::HashKvRequest { revision: 2 }).await;
        assert_eq!(refused.expect_err("compacted").code(), Code::OutOfRange);
    })
    .await;
}

/// The form is etcd's (blocks of 512 bytes and a SHA-256), the content is not: see `core::kv`.
#[tokio::test]
async fn snapshot_stream_is_whole_and_says_what_is_still_to_come() {
    ours(async |s| {
        let mut kv = KvClient::new(s.channel.clone());
        for number in 0..40 {
            let put = pb::PutRequest {
                key: format!("{number}").into(),
                value: vec![number; 20_000].into(),
                ..Default::default()
            };
            kv.put(put).await.expect("made");
        }
        let mut client = MaintenanceClient::new(s.channel.clone());
        let stream = client.snapshot(pb::SnapshotRequest {}).await;
        let mut stream = stream.expect("a stream").into_inner();
        let (mut file, mut whole) = (Vec::new(), None);
        while let Some(part) = stream.message().await.expect("goes on") {
            file.extend_from_slice(&part.blob);
            let bytes = file.len() as u64 + part.remaining_bytes;
            assert_eq!(*whole.get_or_insert(bytes), bytes);
            assert_eq!(part.version, "3.7.0");
            assert_eq!(part.header.expect("one").revision, 41);
        }
        assert_eq!(whole, Some(file.len() as u64));
        let (content, digest) = file.split_last_chunk::<32>().expect("long enough");
        assert_eq!(content.len() % 512, 0);
        assert_eq!(Sha256::digest(content).as_slice(), digest);
        let (head, machine) = snapshot::read(&file).expect("whole");
        assert_eq!(head.machine.revision, 41);
        assert_eq!(machine.store.keys(), 40);
    })
    .await;
}

/// etcdctl judges a snapshot by its form alone, so it takes ours; kvctl reads it.
#[test]
fn snapshot_is_saved_by_the_real_etcdctl_and_read_by_kvctl() {
    let Some(etcdctl) = real_binary("etcdctl") else {
        return;
    };
    let rig = Rig::new();
    let daemon = rig.start();
    let path = rig.path("saved.db");
    let run = |command: &mut Command| {
        let done = output(command.arg(&path));
        assert!(done.status.success(), "{done:?}");
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    let endpoints = format!("--endpoints={}", daemon.address());
    let mut save = Command::new(etcdctl);
    let saved = run(save.args([&endpoints, "snapshot", "save"]));
    assert!(saved.contains("Snapshot saved at"), "{saved}");
    let status = run(&mut client(&["snapshot", "status", "--output", "json"]));
    assert!(status.contains("\"revision\":1"), "{status}");
}

/// Raised by a put that does not fit, and over once space was made.
#[tokio::test]
async fn full_store_refuses_data_and_lets_space_be_made() {
    const VALUE_BYTES: usize = 100 << 10;
    let flags = [
        "--quota-backend-bytes",
        "2000000",
        "--auto-compaction-retention",
        "0",
    ];
    ours_with(&flags, async |s| {
        let mut kv = KvClient::new(s.channel.clone());
        let mut client = MaintenanceClient::new(s.channel.clone());
        let large = || pb::PutRequest {
            value: vec![0; VALUE_BYTES].into(),
            ..put("large", "")
        };
        let mut made = 0;
        let refused = loop {
            match kv.put(large()).await {
                Ok(_) => made += 1,
                Err(refused) => break refused,
            }
        };
        assert!((15..=20).contains(&made), "{made}");
        is_no_space(&refused);
        // Raised once, for everything that adds data.
        let txn = then(vec![Op::RequestPut(put("a", "1"))]);
        is_no_space(&kv.txn(txn).await.expect_err("full"));
        let grant = pb::LeaseGrantRequest { id: 1, ttl: 60 };
        let mut lease = LeaseClient::new(s.channel.clone());
        is_no_space(&lease.lease_grant(grant).await.expect_err("full"));
        let alarms = client.alarm(pb::AlarmRequest::default()).await;
        let [alarm] = alarms.expect("listed").into_inner().alarms[..] else {
            panic!("one alarm");
        };
        assert_eq!(alarm.alarm(), pb::AlarmType::Nospace);
        // Reads go on, and so does all that makes space.
        let read = kv.range(get("large")).await.expect("reads").into_inner();
        assert_eq!(read.kvs[0].version, made);
        let deletion = then(vec![Op::RequestDeleteRange(del("large"))]);
        kv.txn(deletion).await.expect("deletes");
        kv.delete_range(del("absent")).await.expect("deletes");
        let compaction = pb::CompactionRequest {
            revision: made + 2,
            physical: true,
        };
        kv.compact(compaction).await.expect("compacts");
        let defragment = pb::DefragmentRequest {};
        client
            .defragment(defragment)
            .await
            .expect("has nothing to do");
        let disarm = pb::AlarmRequest {
            action: 2,
            member_id: alarm.member_id,
            alarm: alarm.alarm,
        };
        client.alarm(disarm).await.expect("disarms");
        kv.put(large()).await.expect("there is room");
        let alarms = client.alarm(pb::AlarmRequest::default()).await;
        assert!(alarms.expect("listed").into_inner().alarms.is_empty());
    })
    .await;
}

fn is_no_space(refused: &Status) {
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let text = "etcdserver: mvcc: database space exceeded";
    assert_eq!(refused.message(), text);
}

/// The alarm of etcd stays until somebody disarms it.
#[tokio::test]
async fn alarm_about_space_clears_itself_once_space_was_made() {
    let flags = ["--quota-backend-bytes", "1000000"];
    ours_with(&flags, async |s| {
        let mut kv = KvClient::new(s.channel.clone());
        let large = || pb::PutRequest {
            value: vec![0; 300 << 10].into(),
            ..put("large", "")
        };
        let mut made = 0;
        while kv.put(large()).await.is_ok() {
            made += 1;
        }
        let compaction = pb::CompactionRequest {
            revision: made + 1,
            physical: true,
        };
        kv.compact(compaction).await.expect("compacts");
        let begun = Instant::now();
        while let Err(refused) = kv.put(put("a", "1")).await {
            is_no_space(&refused);
            assert!(begun.elapsed() < PATIENCE, "stays full");
        }
    })
    .await;
}
