//! Many contenders for one lock while they are killed and stopped for longer than its lease, and
//! while leaders die: no write under a fence that has passed, and no two writers under one.
//!
//! `CORACLE_LOCK_SECONDS` is how long, 60 unless it is set.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, thread};

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::watch_client::WatchClient;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::interval;

use crate::cluster::{Cluster, put_through};
use crate::lock::signal;
use crate::rig::{Daemon, PATIENCE, coracle, free_port};

const CONTENDERS: usize = 50;
const TTL: &str = "2s";
/// Longer than the lease lives.
const STOP: Duration = Duration::from_secs(4);
/// Between two faults of contenders.
const PACE: Duration = Duration::from_millis(500);
/// A leader dies every so many of those.
const LEADER_EVERY: u32 = 16;
const SECONDS: u64 = 60;

/// What a contender does while it holds the lock: it counts on, under the fence, and notes the
/// fence without one.
const WORDS: &str = r#"counter=$($kvctl get --print-value-only counter) || exit 1
set -- $counter
count=$3
for step in 1 2 3; do
    count=$((count + 1))
    $kvctl put --if-held counter counter "$CORACLE_LOCK_FENCE $$ $count" >/dev/null || exit 1
    echo "$CORACLE_LOCK_FENCE" >>"$log"
done"#;

/// Contenders that run, each by the pid of its `lockctl`.
type Running = Arc<Mutex<BTreeMap<usize, u32>>>;

fn contend(at: usize, command: &mut Command, running: &Running, ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        let mut child = command.spawn().expect("it starts");
        let mut pids = running.lock().expect("nobody panics with it");
        pids.insert(at, child.id());
        drop(pids);
        wait(&mut child, running, at);
    }
}

/// Waits for a contender; until then its pid is nobody else's.
fn wait(child: &mut Child, running: &Running, at: usize) {
    loop {
        let mut pids = running.lock().expect("nobody panics with it");
        if child.try_wait().expect("still our child").is_some() {
            pids.remove(&at);
            return;
        }
        drop(pids);
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// Sends a signal to a contender that runs still.
fn hit(running: &Running, at: usize, name: &str) -> bool {
    let pids = running.lock().expect("nobody panics with it");
    pids.get(&at).map(|pid| signal(*pid, name)).is_some()
}

/// Every value that the counter had, in order.
async fn history(of: &Daemon) -> Vec<[u64; 3]> {
    let (_, all) = of.everything().await;
    let counter = all.iter().find(|pair| pair.key.as_ref() == b"counter");
    let last = counter.expect("it was written").mod_revision;
    let create = pb::WatchCreateRequest {
        key: b"counter".as_slice().into(),
        start_revision: 1,
        ..pb::WatchCreateRequest::default()
    };
    let create = pb::WatchRequest {
        request_union: Some(pb::watch_request::RequestUnion::CreateRequest(create)),
    };
    let mut client = WatchClient::new(of.channel());
    let answers = client.watch(tokio_stream::iter([create])).await;
    let mut answers = answers.expect("watches").into_inner();
    let mut values = Vec::new();
    loop {
        let answer = answers.message().await.expect("goes on").expect("goes on");
        for pair in answer.events.into_iter().filter_map(|event| event.kv) {
            let text = String::from_utf8(pair.value.to_vec()).expect("is text");
            let numbers: Vec<u64> = text
                .split(' ')
                .map(|it| it.parse().expect("a number"))
                .collect();
            values.push(numbers.try_into().expect("three numbers"));
            if pair.mod_revision == last {
                return values;
            }
        }
    }
}

/// Faults until the time is over: what was done, for people.
async fn harass(cluster: &mut Cluster, running: &Running, seed: u64, span: Duration) -> [u32; 3] {
    let mut random = StdRng::seed_from_u64(seed);
    let (begun, mut pace) = (Instant::now(), interval(PACE));
    let mut stopped: Vec<(usize, Instant)> = Vec::new();
    let (mut done, mut round) = ([0; 3], 0);
    while begun.elapsed() < span {
        pace.tick().await;
        round += 1;
        let due = stopped.iter().position(|(_, at)| at.elapsed() >= STOP);
        if let Some(due) = due {
            hit(running, stopped.swap_remove(due).0, "-CONT");
        }
        let at = random.random_range(0..CONTENDERS);
        if random.random_range(0..2) == 0 {
            done[0] += u32::from(hit(running, at, "-KILL"));
        } else if hit(running, at, "-STOP") {
            done[1] += 1;
            stopped.push((at, Instant::now()));
        }
        if round % LEADER_EVERY == 0 {
            let leader = cluster.leader().await;
            cluster.kill(leader);
            cluster.restart(leader);
            done[2] += 1;
        }
    }
    for (at, _) in stopped {
        hit(running, at, "-CONT");
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_holder_writes() {
    let seconds = env::var("CORACLE_LOCK_SECONDS").ok();
    let seconds = seconds
        .and_then(|text| text.parse().ok())
        .unwrap_or(SECONDS);
    let seed = env::var("CORACLE_TEST_SEED").ok();
    let seed = seed.and_then(|text| text.parse().ok()).unwrap_or(seconds);
    let mut cluster = Cluster::of(3);
    let urls = [0, 1, 2].map(|at| {
        let url = format!("http://127.0.0.1:{}", free_port());
        cluster.rig(at).listen.clone_from(&url);
        url
    });
    cluster.start_all();
    put_through(cluster.member(0), "counter", "0 0 0").await;
    let log = cluster.rig(0).path("fences");
    let (running, ended) = (Running::default(), Arc::new(AtomicBool::new(false)));
    let contenders = (0..CONTENDERS).map(|at| {
        let mut command = coracle(&["lock", "exec", "counter", "--ttl", TTL, "--wait", "5s"]);
        let program = env!("CARGO_BIN_EXE_coracle");
        command.args(["--", "sh", "-c", WORDS]);
        command.env("CORACLE_ENDPOINTS", urls.join(","));
        command
            .env("kvctl", format!("{program} kv"))
            .env("log", &log);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let (running, ended) = (Arc::clone(&running), Arc::clone(&ended));
        thread::spawn(move || contend(at, &mut command, &running, &ended))
    });
    let contenders: Vec<_> = contenders.collect();
    let faults = harass(&mut cluster, &running, seed, Duration::from_secs(seconds)).await;
    ended.store(true, Ordering::Relaxed);
    let deadline = Instant::now() + PATIENCE;
    for contender in contenders {
        contender.join().expect("does not panic");
        assert!(Instant::now() < deadline, "a contender runs on");
    }
    let values = history(cluster.member(0)).await;
    let fences = judge(&values);
    let unfenced = fs::read_to_string(&log).expect("reads");
    let unfenced: Vec<u64> = unfenced
        .lines()
        .map(|it| it.parse().expect("a fence"))
        .collect();
    let late = late(&unfenced);
    let [killed, stopped, leaders] = faults;
    println!(
        "seed {seed}, {seconds} s: {} writes under {fences} fences, {killed} killed, {stopped} \
         stopped, {leaders} leaders killed, 0 violations; without the fence {late} of {} late",
        values.len() - 1,
        unfenced.len()
    );
    assert!(fences > 3, "hardly anybody held the lock");
}

/// No write was lost or made twice, no fence came back, and each had one writer; how many there
/// were.
fn judge(values: &[[u64; 3]]) -> usize {
    let mut writers: BTreeMap<u64, u64> = BTreeMap::new();
    for pair in values.windows(2) {
        let [fence, writer, count] = pair[1];
        assert!(
            fence >= pair[0][0],
            "stale: {:?} after {:?}",
            pair[1],
            pair[0]
        );
        assert_eq!(count, pair[0][2] + 1, "{:?} after {:?}", pair[1], pair[0]);
        let known = *writers.entry(fence).or_insert(writer);
        assert_eq!(known, writer, "two writers under fence {fence}");
    }
    writers.len()
}

/// How many lines came after one of a later fence.
fn late(fences: &[u64]) -> usize {
    let mut highest = 0;
    let is_late = |fence: &&u64| {
        let late = **fence < highest;
        highest = highest.max(**fence);
        late
    };
    fences.iter().filter(is_late).count()
}
