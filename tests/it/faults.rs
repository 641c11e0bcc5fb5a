//! The daemon under faults: kill -9, failing and full disks, damaged files. What was acknowledged
//! is there afterwards, or the daemon says what is damaged and serves nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs};

use bytes::Bytes;
use coracle::adapter::host::{ReadySocket, random_u64, terminate};
use coracle::adapter::rpc::proto::etcdserverpb as pb;
use coracle::core::bench::input::Source;
use tokio::task::JoinSet;
use tonic::Code;

use crate::rig::{Daemon, PATIENCE, Rig, flip, has_tool, left_out, put};

const CLIENTS: u64 = 16;
/// One value in so many is large, so that checkpoints are due during the rounds.
const LARGE_EVERY: u64 = 4;
const LARGE_BYTES: usize = 64 << 10;
const WRITES_BEFORE_KILL_MAX: u64 = 1_500;
/// A process is killed at some moment of this long while it starts.
const START_KILL_MS_MAX: u64 = 150;

/// A printed seed makes the same choices again.
fn seeded() -> Source {
    let seed = env::var("CORACLE_TEST_SEED").ok();
    let seed = seed.map_or_else(random_u64, |seed| seed.parse().expect("a number"));
    eprintln!("CORACLE_TEST_SEED={seed}");
    Source::new(seed, 0)
}

/// What one round of writers was told.
#[derive(Default)]
struct Acknowledged {
    /// Key to value and revision.
    writes: BTreeMap<Bytes, (Bytes, i64)>,
    /// The first error that each writer met.
    errors: Vec<tonic::Status>,
}

/// 20 rounds; `CORACLE_KILL_ROUNDS=300 cargo test --release --test it kill_dash_nine` is the long
/// run, and `CORACLE_TEST_SEED` repeats one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_dash_nine_loses_no_acknowledged_write() {
    let rounds = env::var("CORACLE_KILL_ROUNDS").ok();
    let rounds: u64 = rounds.map_or(20, |rounds| rounds.parse().expect("a number"));
    let mut random = seeded();
    let rig = Rig::with(&["--snapshot-count", "100", "--log-level", "debug"]);
    let mut expected = Acknowledged::default();
    let (mut newest, mut total, mut slowest) = (0, 0, (Duration::ZERO, String::new()));
    for round in 0..rounds {
        if random.below(4) == 0 {
            let mut starting = rig.spawn();
            starting.serves_within(Duration::from_millis(random.below(START_KILL_MS_MAX)));
            starting.kill();
        }
        let daemon = rig.start();
        if daemon.opened_in > slowest.0 {
            slowest = (daemon.opened_in, daemon.told());
        }
        let (revision, found) = daemon.everything().await;
        assert!(
            revision >= newest,
            "round {round}: {revision} after {newest}"
        );
        newest = newest.max(revision);
        check(&expected, &found, round);
        // What was read once is there for good: also the writes that were not answered.
        let before = pb::DeleteRangeRequest {
            key: "r".into(),
            range_end: "s".into(),
            ..pb::DeleteRangeRequest::default()
        };
        let deleted = daemon.kv().delete_range(before).await.expect("is made");
        assert_eq!(deleted.into_inner().deleted, found.len() as i64);
        let enough = 1 + random.below(WRITES_BEFORE_KILL_MAX);
        let written = write_until_killed(daemon, round, enough).await;
        let last = written.writes.values().map(|(_, revision)| *revision).max();
        newest = newest.max(last.unwrap_or(0));
        total += written.writes.len();
        expected = written;
    }
    let daemon = rig.start();
    check(&expected, &daemon.everything().await.1, rounds);
    let proofs = ["a.proof", "b.proof"].map(|name| rig.data.join("state").join(name));
    if rounds >= 20 {
        // On a loaded machine each kill may come before a checkpoint is finished; nobody kills now.
        let deadline = Instant::now() + PATIENCE;
        let mut look = tokio::time::interval(Duration::from_millis(20));
        while !proofs.iter().any(|proof| proof.exists()) {
            assert!(Instant::now() < deadline, "a checkpoint is written");
            look.tick().await;
        }
    }
    let checkpoints = proofs.map(|proof| proof.exists());
    let (slowest, told) = slowest;
    eprintln!(
        "kill -9: {rounds} rounds, {total} acknowledged writes, slowest start {slowest:?}, \
         checkpoints {checkpoints:?}; what that start told:\n{told}"
    );
}

fn check(expected: &Acknowledged, found: &[crate::rig::KeyValue], round: u64) {
    let found: BTreeMap<_, _> = found
        .iter()
        .map(|found| (found.key.clone(), found))
        .collect();
    for (key, (value, revision)) in &expected.writes {
        let found = found.get(key);
        let found = found.unwrap_or_else(|| panic!("round {round}: {key:?} is lost"));
        assert_eq!(
            (&found.value, found.mod_revision),
            (value, *revision),
            "{key:?}"
        );
    }
}

/// Writes from all clients until `enough` was acknowledged, kills, and says what was acknowledged.
async fn write_until_killed(daemon: Daemon, round: u64, enough: u64) -> Acknowledged {
    let count = Arc::new(AtomicU64::new(0));
    let (reached, killer) = tokio::sync::oneshot::channel();
    let reached = Arc::new(std::sync::Mutex::new(Some(reached)));
    let mut writers = JoinSet::new();
    for client in 0..CLIENTS {
        let (count, reached) = (Arc::clone(&count), Arc::clone(&reached));
        let kv = daemon.kv();
        writers.spawn(write(kv, format!("r{round:04}/c{client:02}"), move || {
            if count.fetch_add(1, Ordering::Relaxed) + 1 == enough
                && let Some(reached) = reached.lock().expect("nobody panics with it").take()
            {
                reached.send(()).expect("is waited for");
            }
        }));
    }
    killer.await.expect("the writers get there");
    daemon.kill();
    join(writers).await
}

async fn join(mut writers: JoinSet<Acknowledged>) -> Acknowledged {
    let mut all = Acknowledged::default();
    while let Some(written) = writers.join_next().await {
        let mut written = written.expect("writers do not panic");
        all.writes.append(&mut written.writes);
        all.errors.append(&mut written.errors);
    }
    all
}

/// One client: writes until it is not answered.
async fn write(
    mut kv: pb::kv_client::KvClient<tonic::transport::Channel>,
    prefix: String,
    acknowledged: impl Fn(),
) -> Acknowledged {
    let mut written = Acknowledged::default();
    for counter in 0_u64.. {
        let key = Bytes::from(format!("{prefix}/{counter:06}"));
        let mut value = format!("{prefix} {counter} ").into_bytes();
        if counter % LARGE_EVERY == 0 {
            value.resize(LARGE_BYTES, b'.');
        }
        let value = Bytes::from(value);
        match kv.put(put(key.clone(), value.clone())).await {
            Ok(answer) => {
                let header = answer.into_inner().header.expect("has one");
                written.writes.insert(key, (value, header.revision));
                acknowledged();
            }
            Err(error) => {
                written.errors.push(error);
                break;
            }
        }
    }
    written
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failing_fdatasync_stops_the_node_and_nothing_unsafe_is_acknowledged() {
    if !has_tool("strace") {
        return;
    }
    let mut rig = Rig::new();
    // As a detached tracer, so that the daemon is our child; the tenth sync of a thread fails.
    let strace = "strace -D -f --seccomp-bpf -o /dev/null -e trace=fdatasync -e signal=none \
                  -e inject=fdatasync:error=EIO:when=10+";
    rig.wrapper = strace.split_whitespace().map(Into::into).collect();
    let daemon = rig.start();
    let mut writers = JoinSet::new();
    for client in 0..CLIENTS {
        writers.spawn(write(daemon.kv(), format!("r/c{client:02}"), || {}));
    }
    let written = join(writers).await;
    assert!(!written.writes.is_empty(), "some syncs succeed first");
    for error in &written.errors {
        assert_eq!(error.code(), Code::Unavailable, "{error:?}");
    }
    let ended = daemon.ended();
    let log = rig.data.join("log").display().to_string();
    ended.assert(
        1,
        &[
            "cannot go on",
            &log,
            "Input/output error",
            "kernel",
            "restarted",
        ],
    );

    rig.wrapper.clear();
    let daemon = rig.start();
    check(&written, &daemon.everything().await.1, 0);
    daemon
        .kv()
        .put(put("after", "x"))
        .await
        .expect("writes again");
}

/// Before anybody leads, nobody is told of it but the daemon itself.
#[test]
fn log_that_cannot_be_written_at_the_start_is_told_at_once() {
    if !has_tool("strace") {
        return;
    }
    let mut rig = Rig::new();
    // No later ones: how many writes of the log the first records take is a matter of luck.
    for when in ["1", "2"] {
        let strace = "strace -D -f --seccomp-bpf -o /dev/null -e trace=pwrite64 -e signal=none -e";
        rig.wrapper = strace.split_whitespace().map(Into::into).collect();
        rig.wrapper
            .push(format!("inject=pwrite64:error=EIO:when={when}+").into());
        let ended = rig.run();
        ended.assert(1, &["error: ", "Input/output error", "log/0000000001.wal"]);
        assert!(ended.took < Duration::from_secs(30), "{:?}", ended.took);
    }
    rig.wrapper.clear();
    rig.start().stop().assert(0, &[]);
}

#[test]
fn panic_ends_the_daemon_with_the_documented_code_and_says_where() {
    if !has_tool("strace") {
        return;
    }
    let mut rig = Rig::new();
    // A thread that cannot be had, for another reason than want of threads: tokio panics then. As
    // a Rust program the daemon would end with 101, and go on if it were another thread's panic.
    let strace = "strace -D -f --seccomp-bpf -o /dev/null -e trace=clone,clone3 -e signal=none \
                  -e inject=clone,clone3:error=EPERM:when=1";
    rig.wrapper = strace.split_whitespace().map(Into::into).collect();
    rig.run()
        .assert(1, &["panicked at", "Operation not permitted"]);
    rig.wrapper.clear();
    rig.start().stop().assert(0, &[]);
}

/// Set within the mount namespace of a test that needs a small disk.
const INSIDE: &str = "CORACLE_TEST_INSIDE_NAMESPACE";

#[test]
fn full_disk_refuses_writes_keeps_reads_and_recovers() {
    let name = "faults::full_disk_refuses_writes_keeps_reads_and_recovers";
    on_a_small_disk(name, fill_the_disk());
}

#[test]
fn change_larger_than_what_a_full_disk_has_left_is_refused_and_holds_nobody_up() {
    let name =
        "faults::change_larger_than_what_a_full_disk_has_left_is_refused_and_holds_nobody_up";
    on_a_small_disk(name, change_on_a_full_disk());
}

/// Runs `body` in this test's own process and mount namespace, where [`small_disk`] may mount.
pub(crate) fn on_a_small_disk(name: &str, body: impl Future<Output = ()>) {
    in_namespaces(name, &["--mount"], "mounted", body);
}

/// Runs `body` in a process of its own that has these namespaces to itself; it says `proof` there.
/// What it makes in them is seen by it and its children only, and ends with them.
pub(crate) fn in_namespaces(
    name: &str,
    namespaces: &[&str],
    proof: &str,
    body: impl Future<Output = ()>,
) {
    if env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        return runtime.block_on(body);
    }
    if coracle::adapter::host::user_id() != 0 {
        return left_out("only root may have namespaces of its own");
    }
    let this = env::current_exe().expect("we run");
    let output = Command::new("unshare")
        .args(namespaces)
        .arg(this)
        .args(["--exact", name])
        .arg("--nocapture")
        .env(INSIDE, "1")
        .output();
    let output = output.expect("unshare is part of every Linux");
    let told = String::from_utf8_lossy(&output.stderr);
    if told.contains("Operation not permitted") && told.starts_with("unshare") {
        return left_out("this root may not have namespaces of its own");
    }
    assert!(
        output.status.success(),
        "{}{told}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(
        told.contains(proof) || told.contains("left out: "),
        "it ran inside: {told}"
    );
    eprint!("{told}");
}

/// A daemon's place whose data has a disk of its own.
fn small_disk() -> Rig {
    let rig = Rig::new();
    mount_small(&rig);
    rig
}

/// Gives the data of a daemon a disk of its own.
pub(crate) fn mount_small(rig: &Rig) {
    fs::create_dir(&rig.data).expect("is made");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=160m", "tmpfs"])
        .arg(&rig.data)
        .status();
    assert!(mounted.expect("mount starts").success());
    eprintln!("mounted");
}

/// Gives the disk back; nobody uses it any more.
pub(crate) fn unmount(rig: &Rig) {
    let umount = Command::new("umount").arg(&rig.data).status();
    assert!(umount.expect("umount starts").success());
}

fn assert_no_space(refused: &tonic::Status) {
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    let message = "etcdserver: mvcc: database space exceeded";
    assert_eq!(refused.message(), message);
}

/// The log has not met the full disk when the first change comes that does not fit.
async fn change_on_a_full_disk() {
    let mut rig = small_disk();
    rig.flags = ["--max-request-bytes", "8000000"].map(Into::into).into();
    let daemon = rig.start();
    let mut kv = daemon.kv();
    for key in ["a", "b", "c"] {
        kv.put(put(key, "x")).await.expect("fits");
    }
    let ballast = rig.data.join("ballast");
    fill(&ballast);
    // More than a quiet log has prepared.
    let begun = Instant::now();
    let value = vec![b'v'; 3_000_000];
    let refused = kv.put(put("large", value.clone())).await;
    assert_no_space(&refused.expect_err("does not fit"));
    let delete = |key: &'static str, end: Vec<u8>| pb::DeleteRangeRequest {
        key: key.into(),
        range_end: end.into(),
        ..pb::DeleteRangeRequest::default()
    };
    let end = [b"b".to_vec(), value.clone()].concat();
    let refused = kv.delete_range(delete("a", end)).await;
    assert_no_space(&refused.expect_err("does not fit"));
    let deletion = pb::RequestOp {
        request: Some(pb::request_op::Request::RequestDeleteRange(delete(
            "c",
            Vec::new(),
        ))),
    };
    let compare = pb::Compare {
        target: pb::compare::CompareTarget::Value.into(),
        key: "c".into(),
        target_union: Some(pb::compare::TargetUnion::Value(value.into())),
        ..pb::Compare::default()
    };
    let txn = pb::TxnRequest {
        compare: vec![compare],
        failure: vec![deletion],
        ..pb::TxnRequest::default()
    };
    let refused = kv.txn(txn.clone()).await;
    assert_no_space(&refused.expect_err("does not fit"));
    let deleted = kv.delete_range(delete("b", Vec::new())).await;
    assert_eq!(deleted.expect("small").into_inner().deleted, 1);
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody waited");
    let (_, found) = daemon.everything().await;
    assert_eq!(found.len(), 2, "what was refused was not made");

    fs::remove_file(&ballast).expect("is there");
    let deadline = Instant::now() + PATIENCE;
    while let Err(refused) = kv.txn(txn.clone()).await {
        assert_no_space(&refused);
        assert!(Instant::now() < deadline, "does not recover");
        tokio::task::yield_now().await;
    }
    assert_eq!(daemon.everything().await.1.len(), 1);
    daemon.kill();
    let daemon = rig.start();
    assert_eq!(daemon.everything().await.1.len(), 1);
    daemon.stop().assert(0, &[]);
    unmount(&rig);
}

async fn fill_the_disk() {
    let rig = small_disk();
    let mut daemon = rig.start();
    let mut kv = daemon.kv();
    kv.put(put("before", "x")).await.expect("fits");
    let ballast = rig.data.join("ballast");
    fill(&ballast);
    let mut written = 0;
    let refused = loop {
        assert!(written < 5_000, "the disk is never full");
        match kv
            .put(put(format!("k{written}"), vec![b'v'; LARGE_BYTES]))
            .await
        {
            Ok(_) => written += 1,
            Err(refused) => break refused,
        }
    };
    eprintln!("refused after {written} writes of 64 KiB: {refused}");
    assert_no_space(&refused);
    let large = pb::DeleteRangeRequest {
        key: "k1".into(),
        range_end: vec![b'l'; 1 << 20].into(),
        ..pb::DeleteRangeRequest::default()
    };
    let refused = kv.delete_range(large).await;
    assert_no_space(&refused.expect_err("larger than the reserve"));
    let (revision, found) = daemon.everything().await;
    assert_eq!(found.len(), written + 1, "reads go on");
    let delete = pb::DeleteRangeRequest {
        key: "k0".into(),
        ..pb::DeleteRangeRequest::default()
    };
    kv.delete_range(delete).await.expect("deletes go on");
    let compaction = pb::CompactionRequest {
        revision,
        physical: false,
    };
    kv.compact(compaction).await.expect("compaction goes on");
    assert!(!daemon.has_ended());

    fs::remove_file(&ballast).expect("is there");
    let deadline = std::time::Instant::now() + PATIENCE;
    while let Err(refused) = kv.put(put("after", "x")).await {
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert!(std::time::Instant::now() < deadline, "does not recover");
        tokio::task::yield_now().await;
    }
    let (_, found) = daemon.everything().await;
    assert_eq!(found.len(), written + 1);
    daemon.kill();
    let daemon = rig.start();
    assert_eq!(daemon.everything().await.1, found);
    daemon.stop().assert(0, &[]);
    unmount(&rig);
}

/// Fills the disk to the last page.
pub(crate) fn fill(path: &Path) {
    use std::io::Write;
    let mut file = fs::File::create(path).expect("is made");
    for size in [1 << 20, 4096] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

/// Segments of the log that hold records, the last one last.
fn segments(rig: &Rig) -> Vec<PathBuf> {
    let entries = fs::read_dir(rig.data.join("log")).expect("is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("reads").path()).collect();
    paths.sort();
    paths
}

/// Where `needle` stands in the log: its segment and offset.
fn find(rig: &Rig, needle: &[u8]) -> (PathBuf, u64) {
    for path in segments(rig) {
        let bytes = fs::read(&path).expect("reads");
        if let Some(at) = bytes
            .windows(needle.len())
            .position(|window| window == needle)
        {
            return (path, at as u64);
        }
    }
    panic!("the log holds what was written");
}

/// Every file of a folder with its content.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("is there");
    let mut files = BTreeMap::new();
    for path in entries.map(|entry| entry.expect("reads").path()) {
        match path.is_dir() {
            true => files.append(&mut content(&path)),
            false => drop(files.insert(path.clone(), fs::read(&path).expect("reads"))),
        }
    }
    files
}

#[tokio::test]
async fn torn_tail_of_the_log_is_cut_and_the_rest_served() {
    let rig = Rig::new();
    let daemon = rig.start();
    for key in ["first-key", "second-key", "the-last-key"] {
        daemon.kv().put(put(key, key)).await.expect("is made");
    }
    daemon.kill();
    // The last batch came to the disk in part, as after a power cut before its sync.
    let (path, offset) = find(&rig, b"the-last-key");
    flip(&path, offset);
    let daemon = rig.start();
    let keys: Vec<_> = daemon
        .everything()
        .await
        .1
        .into_iter()
        .map(|found| found.key)
        .collect();
    assert_eq!(keys, ["first-key", "second-key"]);
    assert!(
        daemon.told().contains("never acknowledged"),
        "{}",
        daemon.told()
    );
    daemon.kv().put(put("next", "x")).await.expect("goes on");
    daemon.kill();
    assert_eq!(rig.start().everything().await.1.len(), 3);
}

#[tokio::test]
async fn flipped_byte_in_the_log_stops_the_start_and_changes_nothing() {
    for orderly in [true, false] {
        let rig = Rig::new();
        let daemon = rig.start();
        for key in ["first-key", "second-key", "the-last-key"] {
            daemon.kv().put(put(key, key)).await.expect("is made");
        }
        match orderly {
            true => drop(daemon.stop()),
            false => daemon.kill(),
        }
        let (path, offset) = find(&rig, b"first-key");
        flip(&path, offset);
        let before = content(&rig.data);
        let ended = rig.run();
        let name = path.display().to_string();
        ended.assert(
            1,
            &["cannot open the log", &name, "damaged at offset", "hint:"],
        );
        assert!(content(&rig.data) == before, "nothing was changed");
        flip(&path, offset);
        assert_eq!(rig.start().everything().await.1.len(), 3);
    }
}

/// As one is that is killed again and again before it can write a checkpoint.
#[tokio::test]
async fn a_long_log_that_was_read_is_put_behind_a_checkpoint_at_once() {
    let rig = Rig::with(&["--snapshot-count", "100000000"]);
    let daemon = rig.start();
    for number in 0..140 {
        let value = vec![b'v'; 1 << 20];
        let answer = daemon
            .kv()
            .put(put(format!("k{}", number % 4), value))
            .await;
        answer.expect("is made");
    }
    let proofs = ["a.proof", "b.proof"].map(|name| rig.data.join("state").join(name));
    assert!(!proofs.iter().any(|proof| proof.exists()));
    daemon.kill();
    let daemon = rig.start();
    let deadline = Instant::now() + PATIENCE;
    while !proofs.iter().any(|proof| proof.exists()) {
        assert!(Instant::now() < deadline, "{}", daemon.told());
        std::thread::yield_now();
    }
    let everything = daemon.everything().await;
    assert_eq!((everything.0, everything.1.len()), (141, 4));
    daemon.kill();
    assert_eq!(rig.start().everything().await, everything);
}

/// A directory with two checkpoints and some log beyond them, and its content.
async fn with_two_checkpoints() -> (Rig, (i64, Vec<crate::rig::KeyValue>)) {
    let rig = Rig::with(&[
        "--snapshot-count",
        "10",
        "--auto-compaction-retention",
        "1MiB",
    ]);
    let daemon = rig.start();
    let proofs = ["a.proof", "b.proof"].map(|name| rig.data.join("state").join(name));
    let mut kv = daemon.kv();
    let deadline = std::time::Instant::now() + PATIENCE;
    for round in 0_u64.. {
        if proofs.iter().all(|proof| proof.exists()) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "no checkpoints");
        let value = vec![b'0' + (round % 10) as u8; 1 << 20];
        kv.put(put(format!("big{}", round % 4), value))
            .await
            .expect("is made");
    }
    for key in ["x", "y", "z"] {
        kv.put(put(key, "late")).await.expect("is made");
    }
    let everything = daemon.everything().await;
    daemon.stop().assert(0, &[]);
    // Stopped while a third one was being written, there are not two: that one is finished first.
    let writing = ["a.writing", "b.writing"].map(|name| rig.data.join("state").join(name));
    while writing.iter().any(|marker| marker.exists()) {
        assert!(std::time::Instant::now() < deadline, "no two checkpoints");
        let daemon = rig.start();
        while writing.iter().any(|marker| marker.exists()) {
            assert!(std::time::Instant::now() < deadline, "no two checkpoints");
            std::thread::yield_now();
        }
        daemon.stop().assert(0, &[]);
    }
    (rig, everything)
}

#[tokio::test]
async fn flipped_byte_in_a_checkpoint_is_named_and_never_served() {
    let (rig, everything) = with_two_checkpoints().await;
    let pristine = content(&rig.data);
    let db = |folder| rig.data.join("state").join(folder).join("db");
    for folder in ["a", "b"] {
        restore(&rig.data, &pristine);
        flip(&db(folder), 5_000);
        let daemon = rig.start();
        let found = daemon.everything().await;
        assert!(found == everything, "from the other one and the log");
        // The newer one is read at the start, the older one in the background.
        let proof = rig.data.join("state").join(format!("{folder}.proof"));
        let named = format!("checkpoint {folder} (number");
        let is_healed = || {
            daemon.told().contains(&named) && fs::read(&proof).ok() != pristine.get(&proof).cloned()
        };
        let deadline = std::time::Instant::now() + PATIENCE;
        while !is_healed() {
            assert!(std::time::Instant::now() < deadline, "{}", daemon.told());
            std::thread::yield_now();
        }
        assert!(daemon.told().contains("db: "), "{}", daemon.told());
        daemon.stop().assert(0, &[]);
        let daemon = rig.start();
        assert!(daemon.everything().await == everything);
        assert!(!daemon.told().contains(&named), "{}", daemon.told());
    }
    restore(&rig.data, &pristine);
    for folder in ["a", "b"] {
        flip(&db(folder), 5_000);
    }
    let state = rig.data.join("state");
    let before = content(&state);
    let words = ["checkpoint a", "checkpoint b", "db", "backup"];
    rig.run().assert(1, &words);
    assert!(content(&state) == before, "nothing was changed");
    // Nor was the log: with one of them as it was, nothing is missed.
    flip(&db("a"), 5_000);
    assert!(rig.start().everything().await == everything);
}

#[tokio::test]
async fn standard_error_that_nobody_reads_ends_nothing() {
    let rig = Rig::new();
    let ready = ReadySocket::bind(&rig.path("ready")).expect("is bound");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut process = rig
        .command()
        .env("NOTIFY_SOCKET", ready.path())
        .stderr(writer)
        .spawn()
        .expect("starts");
    // It has said that it serves, to nobody, before it says so here.
    let told = tokio::time::timeout(PATIENCE, ready.wait()).await;
    let asked = terminate(process.id());
    let ended = process.wait().expect("our child");
    assert!(matches!(told, Ok(Ok(_))), "{told:?}, ended with {ended}");
    asked.expect("is still there");
    assert_eq!(ended.code(), Some(0));
}

/// The log is not purged before there are two.
#[tokio::test]
async fn flipped_byte_in_the_only_checkpoint_is_named_and_the_log_makes_the_state_again() {
    let rig = Rig::with(&["--snapshot-count", "10"]);
    let daemon = rig.start();
    let state = rig.data.join("state");
    let mut kv = daemon.kv();
    let deadline = std::time::Instant::now() + PATIENCE;
    for round in 0_u64.. {
        if state.join("a.proof").exists() {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "no checkpoint");
        let value = vec![b'0' + (round % 10) as u8; 1 << 20];
        kv.put(put("big", value)).await.expect("is made");
    }
    let everything = daemon.everything().await;
    daemon.kill();
    assert!(!state.join("b.proof").exists(), "there is one only");
    flip(&state.join("a/db"), 5_000);
    let daemon = rig.start();
    assert!(daemon.everything().await == everything);
    let told = daemon.told();
    assert!(told.contains("checkpoint a (number"), "{told}");
    daemon.kill();
    // Without the log there is nothing to make it from.
    fs::remove_dir_all(rig.data.join("log")).expect("is removed");
    fs::remove_file(state.join("a.proof")).expect("is removed");
    rig.run().assert(1, &["checkpoint a", "backup"]);
}

/// A checkpoint alone is not what was acknowledged.
#[tokio::test]
async fn log_that_is_gone_is_told_and_not_begun_anew_from_a_checkpoint() {
    let rig = Rig::with(&["--snapshot-count", "10"]);
    let daemon = rig.start();
    let mut kv = daemon.kv();
    let proof = rig.data.join("state/a.proof");
    let deadline = Instant::now() + PATIENCE;
    while !proof.exists() {
        assert!(Instant::now() < deadline, "no checkpoint");
        let value = vec![b'v'; 1 << 20];
        kv.put(put("big", value)).await.expect("is made");
    }
    kv.put(put("later", "x")).await.expect("is made");
    let everything = daemon.everything().await;
    daemon.stop().assert(0, &[]);
    let (log, away) = (rig.data.join("log"), rig.path("away"));
    fs::rename(&log, &away).expect("is moved");
    for _ in 0..2 {
        rig.run()
            .assert(1, &["cannot open the log", "checkpoint", "backup"]);
    }
    fs::remove_dir_all(&log).expect("is there");
    fs::rename(&away, &log).expect("is moved back");
    assert!(rig.start().everything().await == everything);
}

/// Makes the directory what it was: what came since is removed.
fn restore(data: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    fs::remove_dir_all(data).expect("is removed");
    for (path, bytes) in files {
        let folder = path.parent().expect("files have a folder");
        fs::create_dir_all(folder).expect("is made");
        fs::write(path, bytes).expect("is written");
    }
}
