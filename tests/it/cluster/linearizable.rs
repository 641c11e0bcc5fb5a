//! Clients and watchers of a cluster in which things go wrong all the time, and the checks of all
//! they saw.
//!
//! A run is made from its seed, as far as other processes can be: the plan of its faults and what
//! clients ask for. A run that finds something keeps its history.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs};

use coracle::adapter::host::random_u64;
use coracle::adapter::rpc::proto::etcdserverpb as pb;
use coracle::core::bench::input::Source;
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout, timeout_at};

use crate::cluster::clients::{Client, Notes, Stage, key, pair};
use crate::cluster::clock::Clocks;
use crate::cluster::nemesis::{Cut, Means, plan};
use crate::cluster::network::Network;
use crate::cluster::tally::Tally;
use crate::cluster::watchers::{Place, Watcher};
use crate::cluster::{Cluster, put_through};
use crate::history::{Compaction, History, Key, Pair, Sighting, check};
use crate::rig::{Daemon, PATIENCE};

const CLIENTS: usize = 10;

/// How long things go wrong.
const SHORT: Duration = Duration::from_secs(6);
const LONG: Duration = Duration::from_secs(20);

/// Nothing comes any more after so long without a change; what was on its way has arrived.
const STILL: Duration = Duration::from_millis(500);

/// Between two watchers that come late.
const LATE_PAUSE: Duration = Duration::from_secs(2);

pub(crate) struct Run {
    pub(crate) runtime: Handle,
    pub(crate) random: Source,
    pub(crate) cluster: Cluster,
    pub(crate) network: Option<Network>,
    pub(crate) clocks: Option<Clocks>,
    pub(crate) stage: Arc<Stage>,
    /// What members said that are down now.
    pub(crate) told: Vec<String>,
    pub(crate) tally: Tally,
    pub(crate) compactions: Vec<Compaction>,
    clients: Vec<JoinHandle<Notes>>,
    watchers: Vec<(Place, JoinHandle<Vec<Sighting>>)>,
    late: Arc<Mutex<Vec<JoinHandle<Vec<Sighting>>>>>,
}

impl Run {
    fn start(seed: u64, members: usize, network: Option<Network>, clocks: Option<Clocks>) -> Self {
        let random = Source::new(seed, 0);
        let mut cluster = match &network {
            Some(network) => Cluster::on(network, members),
            None => Cluster::of(members),
        };
        for at in 0..members {
            let flags = &mut cluster.rig(at).flags;
            // Checkpoints are due all the time, and the log is given back.
            flags.extend(["--snapshot-count", "100"].map(Into::into));
            flags.extend(["--snapshot-log-bytes", "1"].map(Into::into));
            // The watchers want the whole past.
            flags.extend(["--auto-compaction-retention", "0"].map(Into::into));
        }
        if let Some(clocks) = &clocks {
            (0..members).for_each(|at| clocks.set(at, 0));
        }
        let mut run = Self {
            watchers: Vec::new(),
            late: Arc::default(),
            compactions: Vec::new(),
            runtime: Handle::current(),
            random,
            cluster,
            network,
            clocks,
            stage: Stage::new(members),
            clients: Vec::new(),
            told: Vec::new(),
            tally: Tally::default(),
        };
        run.bring_back();
        let (stage, runtime) = (Arc::clone(&run.stage), run.runtime.clone());
        let run_clients = (0..CLIENTS).map(|number| Client::new(number, seed, &stage));
        let clients = run_clients.map(|client| runtime.spawn(client.run()));
        run.clients = clients.collect();
        let watchers = (0..members).map(|at| {
            let place = Place::default();
            let watcher = Watcher::new(&stage, at, place.clone());
            (place, runtime.spawn(watcher.run()))
        });
        run.watchers = watchers.collect();
        run.invite_latecomers();
        run
    }

    pub(crate) fn wait(&self, time: Duration) {
        self.runtime.block_on(sleep(time));
    }

    /// The last revision that every watcher was told of.
    pub(crate) fn told_to_all(&self) -> i64 {
        let places = self.watchers.iter().map(|(place, _)| place.revision());
        places.min().expect("one at least")
    }

    /// From time to time somebody comes late and wants the whole past.
    fn invite_latecomers(&self) {
        let (stage, late) = (Arc::clone(&self.stage), Arc::clone(&self.late));
        let places: Vec<Place> = self.watchers.iter().map(|it| it.0.clone()).collect();
        // Ends with the stage.
        self.runtime.spawn(async move {
            while stage.goes_on() {
                sleep(LATE_PAUSE).await;
                let furthest = places.iter().map(Place::revision).max();
                let watcher = Watcher::late(&stage, 2, furthest.expect("one at least"));
                let mut late = late.lock().expect("nobody panics with it");
                late.push(tokio::spawn(watcher.run()));
            }
        });
    }

    pub(crate) fn all_run(&mut self) {
        for (at, member) in self.cluster.members.iter_mut().enumerate() {
            let member = member.as_mut().expect("all were brought back");
            assert!(!member.has_ended(), "member {at} ended: {}", member.told());
        }
    }

    /// Waits until nothing changes any more and every member says the same.
    fn settle(&self) -> (i64, BTreeMap<Key, Pair>) {
        let deadline = Instant::now() + PATIENCE;
        let mut before = None;
        loop {
            let mut told = Vec::new();
            for (_, member) in self.cluster.running() {
                told.push(self.runtime.block_on(everything(member)));
            }
            let same = told.iter().all(|it| it.is_some() && *it == told[0]);
            let leased = told[0]
                .iter()
                .any(|(_, keys)| keys.values().any(|it| it.lease != 0));
            if same && !leased && before == told[0] {
                return before.expect("is the same");
            }
            assert!(Instant::now() < deadline, "does not settle: {told:?}");
            before.clone_from(&told[0]);
            self.wait(STILL);
        }
    }

    /// Everything is well again; what all saw.
    fn end(mut self) -> History {
        self.all_run();
        self.stage.ends();
        let mut history = History {
            compactions: std::mem::take(&mut self.compactions),
            ..History::default()
        };
        for client in std::mem::take(&mut self.clients) {
            let notes = self.runtime.block_on(client).expect("does not panic");
            history.calls.extend(notes.calls);
            history.renewals.extend(notes.renewals);
        }
        history.last = self.settle();
        self.stage.tell_last(history.last.0);
        let watchers = std::mem::take(&mut self.watchers)
            .into_iter()
            .map(|it| it.1);
        let late = std::mem::take(&mut *self.late.lock().expect("nobody panics with it"));
        let deadline = tokio::time::Instant::now() + PATIENCE;
        for watcher in watchers.chain(late) {
            let told = self
                .runtime
                .block_on(async { timeout_at(deadline, watcher).await });
            let told = told.expect("a watcher is told everything in time");
            history.sightings.push(told.expect("does not panic"));
        }
        self.all_run();
        history
    }
}

/// What a member has, linearizably.
async fn everything(member: &Daemon) -> Option<(i64, BTreeMap<Key, Pair>)> {
    let all = pb::RangeRequest {
        key: "\0".into(),
        range_end: "\0".into(),
        ..pb::RangeRequest::default()
    };
    let answer = timeout(PATIENCE, member.kv().range(all)).await;
    let answer = answer.expect("is answered").ok()?.into_inner();
    let keys = answer.kvs.iter().map(|kv| (key(&kv.key), pair(kv)));
    Some((answer.header.expect("has one").revision, keys.collect()))
}

/// What a seed makes of a run: members, and whether each has a network of its own.
fn shape(seed: u64) -> (usize, bool) {
    match seed % 3 {
        0 => (3, false),
        1 => (3, true),
        _ => (5, true),
    }
}

/// One run, and what was found.
fn run(seed: u64, length: Duration) -> Tally {
    let (members, apart) = shape(seed);
    let network = apart.then(|| Network::of(members)).flatten();
    let clocks = Clocks::new();
    let means = Means {
        members,
        has_network: network.is_some(),
        has_clocks: clocks.is_some(),
    };
    let acts = plan(&mut Source::new(seed, 0), means, length);
    eprintln!("CORACLE_TEST_SEED={seed}: {means:?}");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("starts");
    // Faults are made by this thread, which may block.
    let _entered = runtime.enter();
    let mut run = Run::start(seed, members, network, clocks);
    for act in &acts {
        eprintln!("{:>10} {act}", run.stage.now());
        run.befall(act);
    }
    let mut told = std::mem::take(&mut run.told);
    told.extend(run.cluster.running().map(|(_, it)| it.told()));
    let mut tally = std::mem::take(&mut run.tally);
    let history = run.end();
    let found = check(&history);
    tally.note(&history, &told, found.len());
    eprintln!("seed {seed}: {tally}");
    if found.is_empty() {
        return tally;
    }
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("history-{seed}.txt"));
    let acts = acts.iter().map(|it| format!("{it}\n")).collect::<String>();
    let violations = found.iter().map(|it| format!("{it}\n")).collect::<String>();
    let text = [acts, violations, told.join("\n"), history.text()].join("\n");
    fs::write(&path, text).expect("is kept");
    eprintln!("kept as {}; the first ones:", path.display());
    found.iter().take(5).for_each(|it| eprintln!("  {it}"));
    tally
}

/// Three runs of six seconds. The long run is
/// `CORACLE_FAULT_RUNS=100 cargo test --release --test it things_go_wrong -- --nocapture`, of 20
/// seconds each, and `CORACLE_TEST_SEED` repeats one: what the machine does meanwhile is another.
#[test]
fn clusters_are_linearizable_while_things_go_wrong() {
    let runs = env::var("CORACLE_FAULT_RUNS").ok();
    let length = if runs.is_some() { LONG } else { SHORT };
    let seed = env::var("CORACLE_TEST_SEED").ok();
    let (seed, runs) = match (seed, runs) {
        (Some(seed), runs) => (
            seed.parse().expect("a number"),
            runs.unwrap_or("1".to_owned()),
        ),
        (None, runs) => (random_u64() >> 16, runs.unwrap_or("3".to_owned())),
    };
    let runs: u64 = runs.parse().expect("a number");
    let mut total = Tally::default();
    let mut bad = Vec::new();
    for seed in seed..seed + runs {
        let tally = run(seed, length);
        if tally.violations > 0 {
            bad.push(seed);
        }
        total.add(tally);
    }
    eprintln!("{runs} runs: {total}");
    assert!(bad.is_empty(), "violations with CORACLE_TEST_SEED={bad:?}");
    // Every plan has them, and each was seen to happen.
    for kind in ["replaced", "kept away", "compacted"] {
        assert!(total.faults(kind) >= runs, "{kind}: {total}");
    }
    assert!(total.states >= runs, "whole states taken over: {total}");
}

#[test]
fn a_leader_that_is_cut_off_is_replaced_and_reads_nothing_old() {
    let Some(network) = Network::of(3) else {
        return;
    };
    let runtime = Runtime::new().expect("starts");
    runtime.block_on(async {
        let mut cluster = Cluster::on(&network, 3);
        cluster.start_all();
        put_through(cluster.member(0), "a", "1").await;
        let leader = cluster.leader().await;
        let other = cluster.other_than(leader);
        Cut::Off.make(&network, &[leader], 3);
        put_through(cluster.member(other), "a", "2").await;
        let get = || pb::RangeRequest {
            key: "a".into(),
            ..pb::RangeRequest::default()
        };
        let old = cluster.member(leader).kv().range(get()).await;
        assert!(old.is_err(), "{old:?}");
        network.heal();
        let deadline = Instant::now() + PATIENCE;
        let new = loop {
            match cluster.member(leader).kv().range(get()).await {
                Ok(new) => break new.into_inner(),
                Err(status) => assert!(Instant::now() < deadline, "{status}"),
            }
        };
        assert_eq!(new.kvs[0].value.as_ref(), b"2");
    });
}
