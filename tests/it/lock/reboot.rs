//! The reboot manager on real daemons, with a `reboot` that is none: it leaves a file, and the test
//! starts the daemon again with the id of another boot.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::cluster::join::{Party, machine_id};
use crate::cluster::network::{Network, in_own_network};
use crate::lock::{lockctl, said, until};
use crate::rig::{Daemon, Rig, coracle};

/// What every machine of these tests is told.
const COMMON: &str = "strategy = \"lock\"\ncheck-interval = \"100ms\"\nusers-delay = \"0\"\n";

/// Gives a machine its files, and its daemon a configuration with these lines of `[reboot]`.
/// FOLDER stands for where its files are.
fn prepare(rig: &mut Rig, name: &str, lines: &str) {
    let path = |file: &str| rig.path(file).display().to_string();
    let reboot = format!(
        "echo reboot {name} >> {}; touch {}",
        log(rig).display(),
        path("rebooting")
    );
    let config = format!(
        "boot-id-file = \"{}\"\n[reboot]\ncommand = \"{reboot}\"\nhealth-dir = \"{}\"\n\
         sentinel-files = [\"{}\"]\n{lines}",
        path("boot"),
        path("health.d"),
        path("reboot-required"),
    );
    let folder = path("c.toml").replace("/c.toml", "");
    let config = config.replace("FOLDER", &folder);
    fs::write(rig.path("c.toml"), config).expect("is written");
    fs::write(rig.path("boot"), "boot-0\n").expect("is written");
    fs::create_dir_all(rig.path("health.d")).expect("is made");
    let well = format!("echo well {name} >> {}", log(rig).display());
    set_health(rig, &well);
    let config = rig.path("c.toml");
    rig.flags.extend(["--config".into(), config.into()]);
}

/// Where a machine notes what it does; those of one cluster may share it.
fn log(rig: &Rig) -> PathBuf {
    let shared = rig.environment.iter().find(|(name, _)| *name == "LOG");
    shared.map_or_else(|| rig.path("log"), |(_, path)| path.into())
}

fn noted(rig: &Rig) -> Vec<String> {
    let text = fs::read_to_string(log(rig)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The program that says whether the machine is well.
fn set_health(rig: &Rig, words: &str) {
    let path = rig.path("health.d").join("check");
    let temporary = rig.path("check");
    fs::write(&temporary, format!("#!/bin/sh\n{words}\n")).expect("is written");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&temporary, executable).expect("is set");
    fs::rename(&temporary, path).expect("is put in its place");
}

fn want(rig: &Rig) {
    fs::write(rig.path("reboot-required"), "").expect("is written");
}

fn was_told_to_reboot(rig: &Rig) -> bool {
    rig.path("rebooting").exists()
}

/// What a reboot leaves of the machine's files.
fn next_boot(rig: &Rig) {
    fs::remove_file(rig.path("rebooting")).expect("it was told to");
    let boot = fs::read_to_string(rig.path("boot")).expect("is there");
    let number = boot.trim().strip_prefix("boot-");
    let number: u32 = number.and_then(|it| it.parse().ok()).expect("a number");
    fs::write(rig.path("boot"), format!("boot-{}\n", number + 1)).expect("is written");
}

/// One machine that is a cluster alone.
struct Machine {
    rig: Rig,
    daemon: Option<Daemon>,
}

impl Machine {
    fn start(lines: &str) -> Self {
        let mut rig = Rig::with(&["--machine-id", &machine_id(0)]);
        prepare(&mut rig, "a", lines);
        let daemon = Some(rig.start());
        Self { rig, daemon }
    }

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("it runs")
    }

    /// Waits for its reboot, and comes back from it.
    fn reboots(&mut self) {
        until(|| was_told_to_reboot(&self.rig));
        self.daemon.take().expect("it runs").kill();
        next_boot(&self.rig);
        self.daemon = Some(self.rig.start());
    }

    fn lockctl(&self, words: &[&str]) -> (Option<i32>, String, String) {
        said(&mut lockctl(self.daemon(), words))
    }

    fn status(&self) -> Value {
        status(self.daemon())
    }

    /// Waits until it says that it is in this state; why.
    fn until_state(&self, state: &str) -> String {
        until_state(self.daemon(), &machine_id(0), state)
    }

    fn until_free(&self) {
        until(|| self.status()["free"] == 1);
    }
}

fn status(of: &Daemon) -> Value {
    let (_, answer, talk) = said(&mut lockctl(of, &["status", "-o", "json"]));
    serde_json::from_str(&answer).unwrap_or_else(|_| panic!("no JSON: {answer}{talk}"))
}

fn until_state(of: &Daemon, machine: &str, state: &str) -> String {
    let mut why = String::new();
    until(|| {
        let status = status(of);
        let reboots = status["reboots"].as_array().expect("a list");
        let found = reboots.iter().find(|it| it["id"] == machine);
        found.is_some_and(|found| {
            found["why"].as_str().expect("text").clone_into(&mut why);
            found["state"] == state
        })
    });
    why
}

#[test]
fn a_machine_reboots_because_of_a_file_once_and_gives_its_place_back() {
    let mut machine = Machine::start(COMMON);
    want(&machine.rig);
    machine.reboots();
    machine.until_free();
    assert_eq!(noted(&machine.rig), ["reboot a", "well a"]);
    until(|| {
        machine.status()["reboots"]
            .as_array()
            .is_some_and(Vec::is_empty)
    });
    // The file is there still, and wants nothing new until it is written again.
    want(&machine.rig);
    machine.reboots();
    machine.until_free();
    assert_eq!(noted(&machine.rig).len(), 4);
}

#[test]
fn a_machine_that_is_not_well_keeps_its_place_and_says_why() {
    let lines = format!("{COMMON}health-deadline = \"1s\"\n");
    let mut machine = Machine::start(&lines);
    set_health(&machine.rig, "echo the disk is gone; exit 1");
    want(&machine.rig);
    machine.reboots();
    let why = machine.until_state("failed");
    assert!(why.contains("the disk is gone"), "{why}");
    until(|| {
        let (_, shown, _) = machine.lockctl(&["status"]);
        let holder = shown.lines().find(|line| line.contains("not well"));
        holder.is_some_and(|line| line.contains("the disk is gone"))
    });
    assert_eq!(machine.status()["free"], 0);
    // It stays so over a start of the daemon, and until a person says otherwise.
    machine.daemon.take().expect("it runs").kill();
    machine.daemon = Some(machine.rig.start());
    machine.until_state("failed");
    assert_eq!(machine.status()["free"], 0);
    assert_eq!(machine.lockctl(&["unlock", &machine_id(0)]).0, Some(0));
    until(|| {
        machine.status()["reboots"]
            .as_array()
            .is_some_and(Vec::is_empty)
    });
}

#[test]
fn blockers_are_asked_until_none_objects() {
    let lines = format!("{COMMON}blockers = [\"! cat FOLDER/busy 2>/dev/null\"]\n");
    let mut machine = Machine::start(&lines);
    let busy = machine.rig.path("busy");
    fs::write(&busy, "a backup runs").expect("is written");
    want(&machine.rig);
    until(|| machine.until_state("waiting").contains("a backup runs"));
    assert_eq!(machine.status()["free"], 1);
    fs::remove_file(&busy).expect("is removed");
    machine.reboots();
    machine.until_free();
}

#[test]
fn a_machine_waits_for_its_window_and_a_person_does_not() {
    let later = Timestamp::now() + SignedDuration::from_hours(48);
    let day = later.strftime("%a").to_string();
    let lines = format!("{COMMON}windows = [\"{day} 00:00-24:00 UTC\"]\n");
    let mut machine = Machine::start(&lines);
    let id = machine_id(0);
    let (code, answer, _) = machine.lockctl(&["need-reboot", &id, "--reason", "new kernel"]);
    assert_eq!(code, Some(0));
    assert_eq!(
        answer,
        format!("{id} reboots when everything agrees: see `lockctl status`\n")
    );
    let (code, _, talk) = machine.lockctl(&["reboot", "nobody"]);
    assert_eq!(code, Some(3));
    assert!(talk.contains("no machine has this id or name"), "{talk}");
    let why = machine.until_state("waiting");
    assert!(why.starts_with("its window is closed until "), "{why}");
    let status = machine.status();
    assert_eq!(status["reboots"][0]["wanted_by"][0], "new kernel");
    assert!(status["reboots"][0]["next_window"].is_string());
    assert_eq!(
        machine.lockctl(&["need-reboot", &id, "--cancel"]).0,
        Some(0)
    );
    until(|| {
        machine.status()["reboots"]
            .as_array()
            .is_some_and(Vec::is_empty)
    });
    assert_eq!(
        machine.lockctl(&["need-reboot", &id, "--cancel"]).0,
        Some(3)
    );
    assert_eq!(machine.lockctl(&["reboot", &id]).0, Some(0));
    machine.reboots();
    machine.until_free();
    // What was asked for is done, and stands in the store no longer.
    until(|| machine.lockctl(&["reboot", &id, "--cancel"]).0 == Some(3));
    let told = machine.daemon().told();
    assert_eq!(noted(&machine.rig), ["reboot a", "well a"], "{told}");
}

#[test]
fn a_strategy_of_off_reboots_nothing_but_gives_back_what_was_taken() {
    let mut machine = Machine::start(COMMON);
    want(&machine.rig);
    until(|| was_told_to_reboot(&machine.rig));
    machine.daemon.take().expect("it runs").kill();
    next_boot(&machine.rig);
    let config = machine.rig.path("c.toml");
    let text = fs::read_to_string(&config).expect("reads");
    let text = text.replace("strategy = \"lock\"", "strategy = \"off\"");
    fs::write(&config, text).expect("is written");
    machine.daemon = Some(machine.rig.start());
    machine.until_free();
    want(&machine.rig);
    let why = machine.until_state("off");
    assert!(why.contains("lockctl reboot"), "{why}");
    assert_eq!(noted(&machine.rig), ["reboot a", "well a"]);
}

#[test]
fn a_reboot_that_fails_gives_the_place_back_and_says_why() {
    let machine = Machine::start("");
    drop(machine.daemon);
    let config = machine.rig.path("c.toml");
    let text = fs::read_to_string(&config).expect("reads");
    let is_command = |line: &&str| line.starts_with("command = ");
    let line = text.lines().find(is_command).expect("has one");
    let text = text.replace(line, "command = \"echo no power; exit 1\"");
    fs::write(&config, text + COMMON).expect("is written");
    let machine = Machine {
        daemon: Some(machine.rig.start()),
        rig: machine.rig,
    };
    want(&machine.rig);
    let mut why = String::new();
    until(|| {
        why = machine.until_state("waiting");
        why.contains("no power")
    });
    assert!(why.starts_with("the reboot failed: "), "{why}");
    assert_eq!(machine.status()["free"], 1);
}

/// What a server was asked, and what it says.
type Script = Box<dyn Fn(&str, &str) -> (u16, String) + Send>;

/// A server of HTTP that answers by a script, for as long as the test runs; its URL, and what it
/// was asked: head and body.
fn serve(script: Script) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let url = format!("http://{}", listener.local_addr().expect("is bound"));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().expect("clones"));
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|n| n > 0) {}
            let head = head.to_lowercase();
            let length = head.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).expect("comes");
            let body = String::from_utf8(body).expect("is text");
            let (status, answer) = script(&head, &body);
            kept.lock().expect("fine").push(format!("{head}{body}"));
            let length = answer.len();
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n");
            let _ = stream.write_all(format!("{head}{answer}").as_bytes());
        }
    });
    (url, asked)
}

#[test]
fn a_machine_obeys_an_airlock() {
    let refusals = Mutex::new(2);
    let script = move |head: &str, _: &str| {
        let mut left = refusals.lock().expect("fine");
        if head.starts_with("post /v1/pre-reboot ") && *left > 0 {
            *left -= 1;
            let body = r#"{"kind":"failed_lock","value":"all 1 semaphore slots are locked"}"#;
            return (500, body.to_owned());
        }
        (200, String::new())
    };
    let (url, asked) = serve(Box::new(script));
    let lines = COMMON.replace("\"lock\"", "\"fleetlock\"");
    let lines = format!(
        "{lines}group = \"web\"\nfleetlock-url = \"{url}\"\nfleetlock-token = \"secret\"\n"
    );
    let mut machine = Machine::start(&lines);
    want(&machine.rig);
    machine.reboots();
    let count = |path: &str| {
        let asked = asked.lock().expect("fine");
        asked.iter().filter(|it| it.starts_with(path)).count()
    };
    until(|| count("post /v1/steady-state ") == 1);
    assert!(count("post /v1/pre-reboot ") >= 3);
    let asked = asked.lock().expect("fine");
    let body = format!(
        r#"{{"client_params":{{"id":"{}","group":"web"}}}}"#,
        machine_id(0)
    );
    for request in asked.iter() {
        assert!(request.contains("fleet-lock-protocol: true"), "{request}");
        assert!(
            request.contains("authorization: bearer secret"),
            "{request}"
        );
        assert!(request.ends_with(&body), "{request}");
    }
    assert_eq!(noted(&machine.rig), ["reboot a", "well a"]);
}

#[test]
fn alerts_that_fire_block_and_a_prometheus_that_is_gone_does_too() {
    let firing = Arc::new(Mutex::new(true));
    let shared = Arc::clone(&firing);
    let script = move |head: &str, _: &str| {
        assert!(head.starts_with("get /api/v1/alerts "), "{head}");
        let name = match *shared.lock().expect("fine") {
            true => "NodeDown",
            false => "Watchdog",
        };
        let alert = format!(r#"{{"state":"firing","labels":{{"alertname":"{name}"}}}}"#);
        let body = format!(r#"{{"status":"success","data":{{"alerts":[{alert}]}}}}"#);
        (200, body)
    };
    let (url, _) = serve(Box::new(script));
    let lines = format!("{COMMON}prometheus-url = \"{url}\"\nalert-filter = \"!Watchdog\"\n");
    let mut machine = Machine::start(&lines);
    want(&machine.rig);
    let blocked = "it is blocked: alerts fire: NodeDown";
    until(|| machine.until_state("waiting") == blocked);
    *firing.lock().expect("fine") = false;
    machine.reboots();
    machine.until_free();
    let lines = format!("{COMMON}prometheus-url = \"http://127.0.0.1:1\"\n");
    let machine = Machine::start(&lines);
    want(&machine.rig);
    let gone = "cannot connect to 127.0.0.1";
    until(|| machine.until_state("waiting").contains(gone));
}

#[tokio::test]
async fn a_machine_that_is_removed_loses_its_place_at_once() {
    let party = Party::begin();
    let at = party.rigs.len();
    let mut rig = party.rig(at, &party.token);
    prepare(
        &mut rig,
        "b",
        &format!("{COMMON}health-deadline = \"1s\"\n"),
    );
    set_health(&rig, "exit 1");
    want(&rig);
    let daemon = rig.start();
    until(|| was_told_to_reboot(&rig));
    daemon.kill();
    next_boot(&rig);
    let daemon = rig.start();
    let founder = party.node(0);
    until_state(founder, &machine_id(at), "failed");
    assert_eq!(status(founder)["free"], 0);
    drop(daemon);
    let (code, _, talk) =
        said(coracle(&["cluster", "--endpoints", &founder.url]).args(["remove", &machine_id(at)]));
    assert_eq!(code, Some(0), "{talk}");
    until(|| status(founder)["free"] == 1);
    assert!(founder.told().contains("was removed from the cluster"));
}

/// Three members of which each wants to reboot.
struct Three {
    cluster: Cluster,
    /// Where all note what they do.
    _folder: tempfile::TempDir,
}

impl Three {
    fn start(network: &Network) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let mut cluster = Cluster::on(network, 3);
        for at in 0..3 {
            let rig = cluster.rig(at);
            rig.flags.push("--machine-id".into());
            rig.flags.push(machine_id(at).into());
            rig.environment
                .push(("LOG", folder.path().join("log").into()));
            let lines = format!("{COMMON}health-deadline = \"1s\"\n");
            prepare(rig, &format!("m{at}"), &lines);
        }
        cluster.start_all();
        let _folder = folder;
        Self { cluster, _folder }
    }

    /// Whoever was told to reboot does; nobody else may have been told at the same time.
    fn attend(&mut self) {
        let told = |three: &mut Self| -> Vec<usize> {
            let is_told = |at: &usize| was_told_to_reboot(three.cluster.rig(*at));
            (0..3).filter(is_told).collect()
        };
        let now = told(self);
        assert!(now.len() <= 1, "{now:?} reboot at a time");
        if let [at] = now[..] {
            self.cluster.kill(at);
            assert_eq!(told(self), [at], "nobody else while it is down");
            next_boot(self.cluster.rig(at));
            self.cluster.restart(at);
        }
    }

    fn noted(&mut self) -> Vec<String> {
        noted(self.cluster.rig(0))
    }

    fn until(&mut self, mut is_so: impl FnMut(&mut Self) -> bool) {
        until(|| {
            self.attend();
            is_so(self)
        });
    }
}

#[test]
fn three_machines_that_want_to_reboot_do_so_one_after_the_other() {
    let name = "lock::reboot::three_machines_that_want_to_reboot_do_so_one_after_the_other";
    in_own_network(name, async {
        let Some(network) = Network::of(3) else {
            return;
        };
        let mut three = Three::start(&network);
        (0..3).for_each(|at| want(three.cluster.rig(at)));
        three.until(|three| three.noted().len() == 6);
        let noted = three.noted();
        for pair in noted.chunks(2) {
            let name = pair[0].strip_prefix("reboot ").expect("first it reboots");
            assert_eq!(pair[1], format!("well {name}"), "{noted:?}");
        }
        let mut rebooted: Vec<_> = noted.iter().step_by(2).collect();
        rebooted.sort_unstable();
        assert_eq!(rebooted, ["reboot m0", "reboot m1", "reboot m2"]);
        three.until(|three| status(three.cluster.member(0))["free"] == 1);
    });
}

#[test]
fn a_machine_that_does_not_come_back_well_stops_the_others() {
    let name = "lock::reboot::a_machine_that_does_not_come_back_well_stops_the_others";
    in_own_network(name, async {
        let Some(network) = Network::of(3) else {
            return;
        };
        let mut three = Three::start(&network);
        set_health(three.cluster.rig(0), "echo bad image; exit 1");
        want(three.cluster.rig(0));
        three.until(|three| three.noted() == ["reboot m0"]);
        three.attend();
        (1..3).for_each(|at| want(three.cluster.rig(at)));
        three.until(|three| {
            let status = status(three.cluster.member(1));
            let waiting = status["waiting"].as_array().expect("a list").len();
            waiting == 2
                && status["holders"][0]["reason"]
                    .to_string()
                    .contains("bad image")
        });
        assert_eq!(three.noted(), ["reboot m0"], "the others wait");
        let why = until_state(three.cluster.member(1), &machine_id(0), "failed");
        assert!(why.contains("bad image"), "{why}");
        // Somebody saw to it.
        let member = three.cluster.member(1);
        let (code, _, talk) = said(&mut lockctl(member, &["unlock", "m0"]));
        assert_eq!(code, Some(0), "{talk}");
        three.until(|three| three.noted().len() == 5);
    });
}
