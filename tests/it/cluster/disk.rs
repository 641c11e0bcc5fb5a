//! Disks that are slow or stall, because strace holds their syncs up, and one that is full.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use tokio::time::{Instant, timeout};
use tonic::Code;

use crate::cluster::{Cluster, put, put_through};
use crate::faults::{fill, mount_small, on_a_small_disk, unmount};
use crate::rig::{Daemon, PATIENCE, has_tool};

/// The member whose disk is full.
const FULL: usize = 2;

/// Writes of 1 MiB that a follower with a full disk misses: more than it may hold in memory. The
/// leader has some 60 entries under way to it, which are there in two forms.
const WRITES_BEHIND: usize = 100;
const BEHIND_BYTES_MAX: u64 = 150 << 20;

/// Holds up every sync of a daemon until it is dropped.
struct SlowDisk(Child);

impl SlowDisk {
    /// None where there is no strace.
    fn of(daemon: &Daemon, each: Duration) -> Option<Self> {
        if !has_tool("strace") {
            return None;
        }
        let inject = format!("inject=fdatasync:delay_enter={}", each.as_micros());
        let tracer = Command::new("strace")
            .args(["-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e"])
            .args([&inject, "-p", &daemon.pid().to_string()])
            .stderr(Stdio::null())
            .spawn()
            .expect("strace starts");
        let slow = Self(tracer);
        // The kernel says which threads are traced.
        let deadline = Instant::now() + PATIENCE;
        while !is_traced(daemon.pid()) {
            assert!(Instant::now() < deadline, "strace holds nothing");
        }
        Some(slow)
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        // It lets the daemon go when it ends.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether the threads of a process that write its log are traced.
fn is_traced(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let writers = threads.filter_map(|thread| {
        let status = std::fs::read_to_string(thread.ok()?.path().join("status")).ok()?;
        status.starts_with("Name:\twal-write").then_some(status)
    });
    writers
        .into_iter()
        .any(|status| !status.contains("TracerPid:\t0\n"))
}

async fn standing(daemon: &Daemon) -> (u64, u64) {
    let status = daemon.maintenance().status(pb::StatusRequest {}).await;
    let status = status.expect("says how it stands").into_inner();
    (status.raft_term, status.leader)
}

#[tokio::test]
async fn a_leader_whose_disk_stalls_gives_the_lead_away_and_no_lease_is_lost() {
    let cluster = Cluster::start(3);
    let leader = cluster.leader().await;
    let other = cluster.member(cluster.other_than(leader));
    let grant = pb::LeaseGrantRequest { ttl: 30, id: 7 };
    other.lease().lease_grant(grant).await.expect("is granted");
    let (_, old) = standing(other).await;

    let Some(slow) = SlowDisk::of(cluster.member(leader), PATIENCE) else {
        return;
    };
    // What the two others have on their disks is acknowledged all the while.
    let deadline = Instant::now() + PATIENCE;
    while standing(other).await.1 == old {
        assert!(Instant::now() < deadline, "nobody else leads");
        put_through(other, "a", "1").await;
    }
    // Everything works meanwhile, through both that are well.
    for at in [0, 1, 2].into_iter().filter(|at| *at != leader) {
        let answer = cluster.member(at).kv().put(put("a", "2")).await;
        answer.expect("is put at once");
    }
    let keep = tokio_stream::iter([pb::LeaseKeepAliveRequest { id: 7 }]);
    let mut kept = other
        .lease()
        .lease_keep_alive(keep)
        .await
        .expect("is kept")
        .into_inner();
    let kept = kept.message().await.expect("is answered").expect("once");
    assert_eq!(kept.ttl, 30);

    drop(slow);
    let told = cluster.member(leader).told();
    assert!(told.contains("the disk takes nothing"), "{told}");
    // The member comes back by itself, and takes part.
    put_through(cluster.member(leader), "a", "3").await;
    cluster.agree().await;
    let leases = other.lease().lease_leases(pb::LeaseLeasesRequest {}).await;
    assert_eq!(leases.expect("lists").into_inner().leases.len(), 1);
}

/// 300 ms with the default election timeout; both are longer here, for machines that are loaded.
#[tokio::test]
async fn disks_that_take_a_third_of_the_election_timeout_cause_no_election() {
    let mut cluster = Cluster::of(3);
    for at in 0..3 {
        let slower = ["--election-timeout", "3000"].map(Into::into);
        cluster.rig(at).flags.extend(slower);
    }
    cluster.start_all();
    let leader = cluster.leader().await;
    let before = standing(cluster.member(leader)).await;
    let slow: Vec<SlowDisk> = cluster
        .running()
        .map_while(|(_, member)| SlowDisk::of(member, Duration::from_millis(900)))
        .collect();
    if slow.is_empty() {
        return;
    }
    for number in 0..4 {
        let mut kv = cluster.member(leader).kv();
        let answer = timeout(PATIENCE, kv.put(put("a", &number.to_string()))).await;
        let answer = answer.expect("in time");
        answer.expect("is put");
    }
    assert_eq!(standing(cluster.member(leader)).await, before);
}

#[test]
fn a_leader_whose_disk_is_full_gives_the_lead_to_one_that_has_space() {
    let name = "cluster::disk::a_leader_whose_disk_is_full_gives_the_lead_to_one_that_has_space";
    on_a_small_disk(name, fill_the_leader());
}

async fn fill_the_leader() {
    let mut cluster = Cluster::of(3);
    for at in 0..3 {
        mount_small(cluster.rig(at));
    }
    cluster.start_all();
    let leader = cluster.leader().await;
    let other = cluster.other_than(leader);
    let before = standing(cluster.member(other)).await.1;
    let ballast = cluster.rig(leader).data.join("ballast");
    fill(&ballast);
    let value = "v".repeat(1 << 20);
    let mut kv = cluster.member(other).kv();
    let deadline = Instant::now() + PATIENCE;
    let mut refused = 0;
    while standing(cluster.member(other)).await.1 == before {
        assert!(Instant::now() < deadline, "it keeps the lead");
        if let Err(status) = kv.put(put("a", &value)).await {
            assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
            refused += 1;
        }
    }
    // From then on nothing is refused, whoever is asked.
    eprintln!("refused {refused}");
    for number in 0..40 {
        let at = if number % 2 == 0 { other } else { leader };
        put_through(cluster.member(at), "b", &value).await;
    }
    std::fs::remove_file(&ballast).expect("is there");
    cluster.agree().await;
    for at in 0..3 {
        cluster.take(at).stop().assert(0, &[]);
        unmount(cluster.rig(at));
    }
}

#[test]
fn a_follower_whose_disk_is_full_says_so_stays_small_and_catches_up() {
    let name = "cluster::disk::a_follower_whose_disk_is_full_says_so_stays_small_and_catches_up";
    on_a_small_disk(name, fill_a_follower());
}

async fn fill_a_follower() {
    let (mut cluster, ballast) = with_a_full_follower().await;
    let before = cluster.member(FULL).memory_bytes();
    let value = "v".repeat(1 << 20);
    for number in 0..WRITES_BEHIND {
        put_through(cluster.member(number % FULL), "a", &value).await;
    }
    let grown = cluster.member(FULL).memory_bytes().saturating_sub(before);
    assert!(grown < BEHIND_BYTES_MAX, "{grown} bytes more");
    std::fs::remove_file(&ballast).expect("is there");
    cluster.agree().await;
    let told = cluster.member(FULL).told();
    for words in ["the disk is full", "no space left", "has room again"] {
        assert!(told.contains(words), "{told}");
    }
    for at in 0..3 {
        cluster.take(at).stop();
    }
    unmount(cluster.rig(FULL));
}

/// Three members; the disk of one that follows is full of a file.
async fn with_a_full_follower() -> (Cluster, PathBuf) {
    let mut cluster = Cluster::of(3);
    mount_small(cluster.rig(FULL));
    cluster.start_all();
    if cluster.leader().await == FULL {
        let mut leader = cluster.member(FULL).maintenance();
        let mut other = cluster.member(0).maintenance();
        let status = other.status(pb::StatusRequest {}).await;
        let header = status.expect("says how it stands").into_inner().header;
        let target_id = header.expect("has one").member_id;
        let moved = leader
            .move_leader(pb::MoveLeaderRequest { target_id })
            .await;
        moved.expect("hands over");
    }
    let ballast = cluster.rig(FULL).data.join("ballast");
    fill(&ballast);
    (cluster, ballast)
}
