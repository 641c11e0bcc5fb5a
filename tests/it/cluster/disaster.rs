//! Clusters that are made again from what was saved.

use std::path::{Path, PathBuf};

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::cluster_client::ClusterClient;

use crate::cluster::{Cluster, put, put_through};
use crate::rig::{Daemon, PATIENCE, Rig, client, coracle, flip, output};

/// A store with some history and a lease.
pub(super) async fn filled() -> (Rig, Daemon) {
    let rig = Rig::new();
    let daemon = rig.start();
    let lease = pb::LeaseGrantRequest { ttl: 5_000, id: 77 };
    daemon.lease().lease_grant(lease).await.expect("is granted");
    for number in 0..20 {
        put_through(&daemon, &format!("k{}", number % 7), "v").await;
    }
    let leased = pb::PutRequest {
        lease: 77,
        ..put("leased", "v")
    };
    daemon.kv().put(leased).await.expect("is put");
    (rig, daemon)
}

pub(super) fn save(rig: &Rig, daemon: &Daemon) -> PathBuf {
    let path = rig.path("snapshot");
    let name = path.display().to_string();
    let saved = output(&mut client(&[
        "--endpoints",
        &daemon.url,
        "snapshot",
        "save",
        &name,
    ]));
    assert!(saved.status.success(), "{saved:?}");
    path
}

/// Runs `coracle cluster restore`; its exit code and what it said on standard error.
fn restore(file: &Path, data: &Path, flags: &[&str]) -> (Option<i32>, String) {
    let (file, data) = (file.display().to_string(), data.display().to_string());
    let line = ["cluster", "restore", &file, "--data-dir", &data];
    let ended = output(&mut coracle(&[&line, flags].concat()));
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    (ended.status.code(), told)
}

/// Restores `file` for every member of a cluster that was not started.
pub(super) fn restore_all(cluster: &mut Cluster, count: usize, file: &Path) {
    for at in 0..count {
        restore_one(cluster.rig(at), file);
    }
}

fn restore_one(rig: &Rig, file: &Path) {
    let flags: Vec<String> = rig
        .flags
        .iter()
        .map(|it| it.display().to_string())
        .collect();
    let [_, name, _, url, _, all] = &flags[..] else {
        panic!("other flags: {flags:?}");
    };
    let flags = [
        "--name",
        name,
        "--initial-cluster",
        all,
        "--initial-advertise-peer-urls",
        url,
    ];
    let (code, told) = restore(file, &rig.data, &flags);
    assert_eq!(code, Some(0), "{told}");
}

async fn cluster_id(daemon: &Daemon) -> u64 {
    let status = daemon.maintenance().status(pb::StatusRequest {}).await;
    let header = status.expect("says").into_inner().header;
    header.expect("has one").cluster_id
}

#[tokio::test]
async fn one_member_is_restored_with_keys_revisions_and_leases_under_a_new_id() {
    let (rig, daemon) = filled().await;
    let file = save(&rig, &daemon);
    let (before, old) = (daemon.everything().await, cluster_id(&daemon).await);
    put_through(&daemon, "later", "v").await;
    drop(daemon);

    let other = Rig::new();
    let (code, told) = restore(&file, &other.data, &[]);
    assert_eq!(code, Some(0), "{told}");
    let daemon = other.start();
    assert_eq!(daemon.everything().await, before);
    assert_ne!(cluster_id(&daemon).await, old);
    let lease = pb::LeaseTimeToLiveRequest { id: 77, keys: true };
    let lease = daemon.lease().lease_time_to_live(lease).await;
    let lease = lease.expect("is told").into_inner();
    assert!(lease.ttl > 4_900 && lease.keys == ["leased"], "{lease:?}");
    let watch = pb::RangeRequest {
        key: "k1".into(),
        revision: 5,
        ..pb::RangeRequest::default()
    };
    daemon.kv().range(watch).await.expect("the past is there");
    put_through(&daemon, "new", "v").await;
    daemon.kill();
    let daemon = other.start();
    assert_eq!(daemon.everything().await.0, before.0 + 1);
}

#[tokio::test]
async fn three_members_restored_from_one_file_form_a_cluster() {
    let (rig, daemon) = filled().await;
    let file = save(&rig, &daemon);
    let before = daemon.everything().await;
    drop(daemon);
    let mut cluster = Cluster::of(3);
    restore_all(&mut cluster, 3, &file);
    cluster.start_all();
    for (_, member) in cluster.running() {
        assert_eq!(member.everything().await, before);
    }
    put_through(cluster.member(1), "new", "v").await;
    assert_eq!(cluster.agree().await, before.0 + 1);
    let list = pb::MemberListRequest { linearizable: true };
    let mut lister = ClusterClient::new(cluster.member(0).channel());
    let list = lister.member_list(list).await.expect("lists").into_inner();
    assert_eq!(list.members.len(), 3);
    // One that is new to the log gets the whole state, and restarts go on from it.
    (0..3).for_each(|at| cluster.kill(at));
    cluster.start_all();
    assert_eq!(cluster.agree().await, before.0 + 1);
}

#[tokio::test]
async fn a_member_that_is_restored_once_more_beside_its_cluster_is_refused() {
    let (rig, daemon) = filled().await;
    let file = save(&rig, &daemon);
    drop(daemon);
    let mut cluster = Cluster::of(3);
    restore_all(&mut cluster, 3, &file);
    cluster.start_all();
    cluster.everybody_is_known().await;
    let lost = cluster.other_than(cluster.leader().await);
    cluster.kill(lost);
    put_through(cluster.member(cluster.other_than(lost)), "new", "v").await;
    let data = cluster.rig(lost).data.clone();
    std::fs::remove_dir_all(&data).expect("is removed");
    restore_one(cluster.rig(lost), &file);
    // What it had acknowledged since the restore is not there: it must not vote.
    let words = ["has taken part before", "hint:"];
    cluster.rig(lost).run().assert(6, &words);
}

#[tokio::test]
async fn revisions_go_on_further_up_and_old_watches_are_told() {
    let (rig, daemon) = filled().await;
    let file = save(&rig, &daemon);
    let (revision, keys) = daemon.everything().await;
    drop(daemon);
    let other = Rig::new();
    let flags = ["--bump-revision", "1000000", "--mark-compacted"];
    let (code, told) = restore(&file, &other.data, &flags);
    assert_eq!(code, Some(0), "{told}");
    let daemon = other.start();
    assert_eq!(daemon.everything().await, (revision + 1_000_000, keys));
    let old = pb::RangeRequest {
        key: "k1".into(),
        revision,
        ..pb::RangeRequest::default()
    };
    let refused = daemon.kv().range(old).await.expect_err("is compacted");
    assert!(refused.message().contains("compacted"), "{refused}");
}

#[tokio::test]
async fn what_cannot_be_trusted_or_would_overwrite_is_refused() {
    let (rig, daemon) = filled().await;
    let file = save(&rig, &daemon);
    let fresh = rig.path("fresh");
    let running = restore(&file, &rig.data, &[]);
    assert_eq!(running.0, Some(6), "{}", running.1);
    assert!(
        running.1.contains("another daemon is using it"),
        "{}",
        running.1
    );
    drop(daemon);
    let occupied = restore(&file, &rig.data, &[]);
    assert_eq!(occupied.0, Some(6), "{}", occupied.1);
    assert!(occupied.1.contains("not empty") && occupied.1.contains("hint:"));

    let whole = std::fs::read(&file).expect("readable");
    let cut = rig.path("cut");
    std::fs::write(&cut, &whole[..whole.len() - 512]).expect("written");
    assert_eq!(restore(&cut, &fresh, &[]).0, Some(5));
    std::fs::write(&cut, &whole[..whole.len() - 5]).expect("written");
    let (code, told) = restore(&cut, &fresh, &[]);
    assert_eq!(code, Some(5), "{told}");
    assert!(told.contains("ends too early"), "{told}");
    let looked = output(&mut client(&[
        "snapshot",
        "status",
        &cut.display().to_string(),
    ]));
    assert_eq!(looked.status.code(), Some(5), "{looked:?}");
    assert!(String::from_utf8_lossy(&looked.stderr).contains("hint:"));
    std::fs::write(&cut, "something else").expect("written");
    let (code, told) = restore(&cut, &fresh, &[]);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("no coracle snapshot") && told.contains("hint:"),
        "{told}"
    );

    flip(&file, whole.len() as u64 - 1);
    let (code, told) = restore(&file, &fresh, &[]);
    assert_eq!(code, Some(5), "{told}");
    assert!(
        told.contains("checksum is wrong") && told.contains("hint:"),
        "{told}"
    );
    assert!(!fresh.exists(), "nothing is touched for a bad file");
    let (code, told) = restore(&file, &fresh, &["--skip-hash-check"]);
    assert_eq!(code, Some(0), "{told}");
}

#[tokio::test]
async fn etcdctls_own_verb_restores_the_same() {
    let (rig, daemon) = filled().await;
    let file = save(&rig, &daemon).display().to_string();
    let before = daemon.everything().await;
    drop(daemon);
    let other = Rig::new();
    let data = other.data.display().to_string();
    let mut command = client(&["snapshot", "restore", &file, "--data-dir", &data]);
    let restored = output(&mut command);
    assert!(restored.status.success(), "{restored:?}");
    assert_eq!(other.start().everything().await, before);
}

#[tokio::test]
async fn a_restore_that_was_killed_is_no_members_and_begins_anew() {
    let (rig, daemon) = filled().await;
    let file = save(&rig, &daemon);
    let before = daemon.everything().await;
    drop(daemon);
    let deadline = std::time::Instant::now() + PATIENCE;
    let other = loop {
        assert!(std::time::Instant::now() < deadline, "it is always quicker");
        let other = Rig::new();
        let (file, data) = (file.display().to_string(), other.data.display().to_string());
        let line = ["cluster", "restore", &file, "--data-dir", &data];
        let mut running = coracle(&line).spawn().expect("starts");
        let marker = other.data.join("restoring");
        while !marker.exists() && running.try_wait().expect("our child").is_none() {
            std::hint::spin_loop();
        }
        running.kill().expect("our child");
        running.wait().expect("our child");
        if marker.exists() {
            break other;
        }
    };
    let words = [
        "a restore into it was interrupted",
        "hint:",
        "cluster restore",
    ];
    other.run().assert(6, &words);
    let (code, told) = restore(&file, &other.data, &[]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(other.start().everything().await, before);
}
