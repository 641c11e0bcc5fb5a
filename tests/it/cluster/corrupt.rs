//! A member whose state is not that of the others: found, told, and taken out.

use std::path::Path;

use coracle::adapter::checkpoint::worker::Worker;
use coracle::adapter::checkpoint::{Checkpoints, LogReach, Pace, Shelf};
use coracle::adapter::rpc::proto::etcdserverpb as pb;
use tokio::time::{Instant, timeout};

use crate::cluster::disaster::{filled, restore_all, save};
use crate::cluster::{Cluster, page, put_through};
use crate::rig::{Daemon, PATIENCE, client, output};

/// Changes the last value of a member's checkpoint, which stays sound in itself: what a fault of
/// the memory, or of the program, would have made of it.
fn alter(data: &Path) {
    let worker = Worker::new(env!("CARGO_BIN_EXE_coracle"), []);
    let opened = Checkpoints::open(&data.join("state"), worker, LogReach::Later);
    let (mut checkpoints, image, _) = opened.expect("is sound");
    let mut image = image.expect("was restored");
    let chunk = image.chunks.last_mut().expect("holds keys");
    let mut bytes = chunk.bytes.to_vec();
    *bytes.last_mut().expect("holds a value") ^= 1;
    chunk.bytes = bytes.into();
    chunk.version += 1;
    checkpoints.write(&image, Pace::Prompt).expect("is written");
}

/// Three members that were restored from one file, not started.
async fn restored() -> Cluster {
    let (rig, daemon) = filled().await;
    let file = save(&rig, &daemon);
    drop(daemon);
    let mut cluster = Cluster::of(3);
    restore_all(&mut cluster, 3, &file);
    cluster
}

async fn alarms(daemon: &Daemon) -> Vec<pb::AlarmMember> {
    let listed = daemon
        .maintenance()
        .alarm(pb::AlarmRequest::default())
        .await;
    listed.expect("lists").into_inner().alarms
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_differs_takes_itself_out_and_the_others_go_on() {
    let mut cluster = restored().await;
    alter(&cluster.rig(1).data);
    for at in 0..3 {
        let flags = ["--corrupt-check-time", "2s"].map(Into::into);
        cluster.rig(at).flags.extend(flags);
    }
    cluster.start_all();
    let wrong = cluster.take(1);
    let id = {
        let rest = wrong.told();
        let at = rest.find("member=").expect("it told who it is");
        let id = &rest[at + "member=".len()..];
        id.trim_matches('"')
            .split(['"', ' '])
            .next()
            .expect("an id")
            .to_owned()
    };
    let ended = timeout(PATIENCE, tokio::task::spawn_blocking(|| wrong.ended()));
    let ended = ended.await.expect("it ends").expect("no panic");
    let words = [
        "takes itself out",
        "differs from that of the majority",
        "hint:",
        &id,
    ];
    ended.assert(6, &words);

    put_through(cluster.member(0), "later", "v").await;
    // A linearizable read: from here on each has applied the alarm.
    cluster.agree().await;
    for (_, member) in cluster.running() {
        let raised = alarms(member).await;
        assert_eq!(raised.len(), 1, "{raised:?}");
        assert_eq!(
            (raised[0].alarm, format!("{:x}", raised[0].member_id)),
            (2, id.clone())
        );
        let health = page(member, "/health");
        assert!(health.contains(r#""health":"true""#), "{health}");
    }
    // Started again it finds the alarm in its log.
    cluster.rig(1).run().assert(6, &["takes itself out"]);
    let url = cluster.member(0).url.clone();
    let status = output(&mut crate::rig::coracle(&[
        "cluster",
        "status",
        "--endpoints",
        &url,
    ]));
    let told = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(told.contains("holds other data than the rest"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_are_alike_stay_so_through_comparisons_under_load() {
    let mut cluster = restored().await;
    for at in 0..3 {
        let flags = ["--corrupt-check-time", "1s"].map(Into::into);
        cluster.rig(at).flags.extend(flags);
    }
    cluster.start_all();
    let deadline = Instant::now() + PATIENCE;
    let mut number = 0;
    loop {
        for _ in 0..50 {
            put_through(cluster.member(number % 3), &format!("k{}", number % 9), "v").await;
            number += 1;
        }
        let compaction = pb::CompactionRequest {
            revision: cluster.member(0).everything().await.0,
            physical: false,
        };
        let compacted = cluster.member(0).kv().compact(compaction).await;
        compacted.expect("is compacted");
        let counted: f64 = cluster
            .running()
            .map(|(_, member)| comparisons(&page(member, "/metrics")))
            .sum();
        if counted >= 3.0 {
            break;
        }
        assert!(Instant::now() < deadline, "nothing is compared");
    }
    assert!(alarms(cluster.member(0)).await.is_empty());
    cluster.agree().await;
}

fn comparisons(metrics: &str) -> f64 {
    let mut lines = metrics.lines();
    let line = lines.find(|line| line.starts_with("coracle_state_comparisons_total"));
    let count = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    count.expect("is a metric")
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_majority_nothing_is_written_until_somebody_decides() {
    let (rig, daemon) = filled().await;
    let file = save(&rig, &daemon);
    drop(daemon);
    let mut cluster = Cluster::of(2);
    restore_all(&mut cluster, 2, &file);
    alter(&cluster.rig(1).data);
    cluster.start_all();
    let deadline = Instant::now() + PATIENCE;
    // Compared at the start, by default. Each lists what it has applied.
    for at in 0..2 {
        let raised = loop {
            if let Some(raised) = alarms(cluster.member(at)).await.pop() {
                break raised;
            }
            assert!(Instant::now() < deadline, "it is not noticed");
        };
        assert_eq!((raised.alarm, raised.member_id), (2, 0));
    }
    let refused = cluster
        .member(0)
        .kv()
        .put(crate::cluster::put("a", "1"))
        .await;
    let refused = refused.expect_err("nobody knows who is right");
    assert!(refused.message().contains("corrupt cluster"), "{refused}");
    let url = cluster.member(0).url.clone();
    let disarmed = output(&mut client(&["--endpoints", &url, "alarm", "disarm"]));
    assert!(disarmed.status.success(), "{disarmed:?}");
    put_through(cluster.member(0), "a", "1").await;
}
