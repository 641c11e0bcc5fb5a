//! A cluster built with one command per machine: who is let in, what becomes of it, and who is not.

use std::fs;
use std::process::Command;
use std::time::Duration;

use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::watch_client::WatchClient;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};
use tonic::Code;

use crate::cluster::{put, put_through};
use crate::rig::{Daemon, PATIENCE, Rig, coracle, free_port, free_ports, real_binary};

/// A founder and the machines that join it, each with a directory and an id of its own.
pub(crate) struct Party {
    pub(crate) rigs: Vec<Rig>,
    /// None: not running.
    pub(crate) nodes: Vec<Option<Daemon>>,
    pub(crate) peer_url: String,
    pub(crate) token: String,
}

/// The id of machine `at`.
pub(crate) fn machine_id(at: usize) -> String {
    format!("{:032x}", at + 1)
}

impl Party {
    /// A founder that is up, with a token for any number of machines.
    pub(crate) fn begin() -> Self {
        let [peer_port, client_port] = free_ports();
        let peer_url = format!("http://127.0.0.1:{peer_port}");
        let id = machine_id(0);
        let mut rig = Rig::with(&[
            "--name",
            "n0",
            "--listen-peer-urls",
            &peer_url,
            "--machine-id",
            &id,
            "--metadata",
            "place=first",
        ]);
        // One that moved while nobody else was up would be found by nobody.
        rig.listen = format!("http://127.0.0.1:{client_port}");
        let founder = rig.start();
        let token = create(&founder, &[]);
        Self {
            rigs: vec![rig],
            nodes: vec![Some(founder)],
            peer_url,
            token,
        }
    }

    /// Another machine, that is not started yet.
    pub(crate) fn rig(&self, at: usize, token: &str) -> Rig {
        let (name, id) = (format!("n{at}"), machine_id(at));
        Rig::with(&[
            "--name",
            &name,
            "--machine-id",
            &id,
            "--listen-peer-urls",
            "http://127.0.0.1:0",
            "--join",
            &self.peer_url,
            "--token",
            token,
        ])
    }

    /// One more machine joins and serves; its number.
    pub(crate) fn join(&mut self) -> usize {
        let at = self.rigs.len();
        let rig = self.rig(at, &self.token);
        self.nodes.push(Some(rig.start()));
        self.rigs.push(rig);
        at
    }

    /// A founder and machines, as many in all, once as many as `voters` vote.
    pub(crate) async fn of(count: usize, voters: usize) -> Self {
        let mut party = Self::begin();
        for _ in 1..count {
            party.join();
        }
        party
            .until("they vote", |nodes| counted(nodes, "voter") == voters)
            .await;
        party
    }

    /// Waits until a machine knows so many members.
    pub(crate) async fn until_known(&self, at: usize, members: usize) {
        let deadline = Instant::now() + PATIENCE;
        let path = self.rigs[at].data.join("cluster");
        loop {
            let known = fs::read(&path).expect("is there");
            let known: Value = serde_json::from_slice(&known).expect("JSON");
            if known["members"]
                .as_array()
                .is_some_and(|known| known.len() == members)
            {
                return;
            }
            assert!(Instant::now() < deadline, "{known}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the cluster knows that the machine is a member.
    pub(crate) async fn until_seated(&self, at: usize) {
        let deadline = Instant::now() + PATIENCE;
        let key = format!("/coracle/cluster/seat/{}", machine_id(at));
        loop {
            let (_, everything) = self.node(0).everything().await;
            let seat = everything.iter().find(|found| found.key == key);
            if seat.is_some_and(|seat| String::from_utf8_lossy(&seat.value).contains("started")) {
                return;
            }
            assert!(Instant::now() < deadline, "no seat: {seat:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn node(&self, at: usize) -> &Daemon {
        self.nodes[at].as_ref().expect("it runs")
    }

    pub(crate) fn kill(&mut self, at: usize) {
        self.nodes[at].take().expect("it runs").kill();
    }

    pub(crate) fn restart(&mut self, at: usize) {
        self.nodes[at] = Some(self.rigs[at].start());
    }

    /// Waits until the nodes, as any that runs tells them, are as wanted.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut running = self.nodes.iter().flatten();
            let nodes = nodes(running.next().expect("somebody runs"));
            if let Some(nodes) = nodes.as_ref().filter(|nodes| is_so(nodes)) {
                return nodes.clone();
            }
            let told = self.nodes.iter().flatten().map(Daemon::told);
            assert!(
                Instant::now() < deadline,
                "not that {what}: {nodes:#?} {}",
                told.collect::<Vec<_>>().join("\n")
            );
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What `cluster members` says, if the cluster answers.
pub(crate) fn nodes(of: &Daemon) -> Option<Vec<Value>> {
    let output = cluster(of, &["members", "-o", "json"]).output();
    let output = output.expect("coracle runs");
    let document: Value = serde_json::from_slice(&output.stdout).ok()?;
    document["nodes"].as_array().cloned()
}

pub(crate) fn counted(nodes: &[Value], role: &str) -> usize {
    nodes.iter().filter(|node| node["role"] == role).count()
}

pub(crate) fn named<'a>(nodes: &'a [Value], name: &str) -> &'a Value {
    let mut found = nodes.iter().filter(|node| node["name"] == name);
    found.next().unwrap_or(&Value::Null)
}

pub(crate) fn cluster(of: &Daemon, arguments: &[&str]) -> Command {
    let mut command = coracle(&["cluster"]);
    command.args(arguments).args(["--endpoints", &of.url]);
    command
}

/// A new token.
pub(crate) fn create(of: &Daemon, arguments: &[&str]) -> String {
    let output = cluster(of, &["token", "create"]).args(arguments).output();
    let output = output.expect("coracle runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .expect("is text")
        .trim()
        .to_owned()
}

#[tokio::test]
async fn machines_that_join_become_voters_and_the_fourth_serves_as_a_worker() {
    let mut party = Party::of(4, 3).await;
    let nodes = party
        .until("all are up", |nodes| {
            nodes.iter().all(|node| node["state"] == "up")
        })
        .await;
    assert_eq!(nodes.len(), 4, "{nodes:#?}");
    assert_eq!(named(&nodes, "n0")["metadata"]["place"], "first");
    let is_worker = |at: &usize| named(&nodes, &format!("n{at}"))["role"] == "worker";
    let worker = (1..4).find(is_worker).expect("one is");

    put_through(party.node(worker), "a", "1").await;
    for at in [worker, 0] {
        let (_, everything) = party.node(at).everything().await;
        assert!(everything.iter().any(|found| found.key == "a"));
    }

    let leader = leader(&party).await;
    party.until_known(worker, 3).await;
    party.kill(leader);
    put_through(party.node(worker), "b", "2").await;
    put_through(party.node(worker), "c", "3").await;
    let (_, everything) = party.node(worker).everything().await;
    assert!(everything.iter().any(|found| found.key == "b"));
    if let Some(etcdctl) = real_binary("etcdctl") {
        let output = Command::new(etcdctl)
            .args([
                "--endpoints",
                party.node(worker).address(),
                "get",
                "a",
                "--print-value-only",
            ])
            .output()
            .expect("etcdctl runs");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            "1",
            "{output:?}"
        );
    }
    // The worker knows its cluster without the token and without the member it joined by.
    let rig = &mut party.rigs[worker];
    let at = rig
        .flags
        .iter()
        .position(|flag| flag == "--token")
        .expect("is there");
    rig.flags.drain(at..at + 2);
    party.kill(worker);
    party.restart(worker);
    put_through(party.node(worker), "d", "4").await;
}

/// The member that leads, by its number.
pub(crate) async fn leader(party: &Party) -> usize {
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "nobody leads");
        for (at, node) in party.nodes.iter().enumerate() {
            let Some(node) = node else { continue };
            let status = node.maintenance().status(pb::StatusRequest {}).await;
            let Ok(status) = status else { continue };
            let status = status.into_inner();
            let member = status.header.expect("has one").member_id;
            let nodes = nodes(node).unwrap_or_default();
            let own = &named(&nodes, &format!("n{at}"))["member"];
            // A worker tells what the member that it asks tells.
            if status.leader == member && *own == format!("{member:x}") {
                return at;
            }
        }
    }
}

#[tokio::test]
async fn a_watch_through_a_worker_is_told_when_its_member_dies() {
    let mut party = Party::of(1, 1).await;
    let flags = ["--voters", "1"].map(Into::into);
    party.kill(0);
    party.rigs[0].flags.extend(flags);
    party.restart(0);
    let worker = party.join();
    let create = pb::WatchCreateRequest {
        key: "a".into(),
        ..pb::WatchCreateRequest::default()
    };
    let create = pb::WatchRequest {
        request_union: Some(pb::watch_request::RequestUnion::CreateRequest(create)),
    };
    let mut client = WatchClient::new(party.node(worker).channel());
    let requests = tokio_stream::once(create);
    let answers = timeout(PATIENCE, client.watch(requests)).await;
    let mut answers = answers.expect("is answered").expect("opens").into_inner();
    let created = timeout(PATIENCE, answers.message()).await;
    assert!(
        created
            .expect("comes")
            .expect("is whole")
            .expect("one")
            .created
    );
    put_through(party.node(worker), "a", "1").await;
    let event = timeout(PATIENCE, answers.message()).await;
    let event = event.expect("comes").expect("is whole").expect("one");
    assert_eq!(event.events.len(), 1);
    party.kill(0);
    let end = timeout(PATIENCE, answers.message()).await;
    let end = end.expect("is told").expect_err("is no answer");
    assert_eq!(end.code(), Code::Unavailable, "{end}");
    let refused = party.node(worker).kv().put(put("b", "2")).await;
    let refused = refused.expect_err("nobody is there");
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    party.restart(0);
    put_through(party.node(worker), "b", "2").await;
}

#[tokio::test]
async fn tokens_that_let_nobody_in_are_refused_and_say_why() {
    let mut party = Party::begin();
    let revoked = create(party.node(0), &[]);
    let revoke = cluster(party.node(0), &["token", "revoke", &revoked]).status();
    assert!(revoke.expect("coracle runs").success());
    let expired = create(party.node(0), &["--ttl", "1ms"]);
    let mut wrong: Vec<&str> = party.token.split('.').collect();
    let secret = "0".repeat(32);
    wrong[2] = &secret;
    for (token, why) in [
        (wrong.join("."), "mistyped"),
        (revoked, "revoked"),
        (expired, "expired"),
    ] {
        let refused = party.rig(1, &token).run();
        refused.assert(5, &[why, "coracle cluster token create"]);
    }
    let once = create(party.node(0), &["--uses", "1"]);
    let token = std::mem::replace(&mut party.token, once.clone());
    party.join();
    party
        .rig(2, &once)
        .run()
        .assert(5, &["all of them have joined"]);
    party.token = token;
    let told = party.node(0).told();
    assert!(
        told.contains("not let in") && told.contains("has expired"),
        "{told}"
    );
    let all = nodes(party.node(0)).expect("answers");
    assert_eq!(all.len(), 2, "{all:#?}");
    let pinned = party.token.replace("plain", &"ab".repeat(32));
    party
        .rig(3, &pinned)
        .run()
        .assert(5, &["a cluster with TLS"]);
    let mut without = party.rig(3, &party.token);
    without.flags.truncate(without.flags.len() - 2);
    without.run().assert(2, &["there is no token"]);
}

#[tokio::test]
async fn guesses_are_not_looked_at_for_ever() {
    let party = Party::begin();
    let mut parts: Vec<&str> = party.token.split('.').collect();
    let secret = "0".repeat(32);
    parts[2] = &secret;
    let wrong = party.rig(1, &parts.join("."));
    for _ in 0..10 {
        wrong.run().assert(5, &["mistyped"]);
    }
    wrong.run().assert(5, &["too many wrong tokens"]);
    // It was one token that was guessed at: another one opens.
    let other = create(party.node(0), &[]);
    drop(party.rig(2, &other).start());
}

#[tokio::test]
async fn a_second_machine_with_the_same_id_is_refused() {
    let mut party = Party::begin();
    let first = party.join();
    party
        .until("it is up", |nodes| {
            named(nodes, &format!("n{first}"))["state"] == "up"
        })
        .await;
    let copy = party.rig(first, &party.token);
    let refused = copy.run();
    refused.assert(6, &["two machines have the same id", "--machine-id"]);
    // Whoever founds is a machine as well.
    let copy = party.rig(0, &party.token);
    copy.run().assert(6, &["two machines have the same id"]);
    assert_eq!(nodes(party.node(0)).expect("answers").len(), 2);
}

#[tokio::test]
async fn a_machine_that_joins_twice_gets_the_same() {
    let mut party = Party::begin();
    party.kill(0);
    party.rigs[0]
        .flags
        .extend(["--voters", "1"].map(Into::into));
    party.restart(0);
    party.token = create(party.node(0), &["--uses", "1"]);
    let node = party.join();
    party.kill(node);
    // As if it had died before it wrote down that it was let in.
    fs::remove_file(party.rigs[node].data.join("cluster")).expect("is removed");
    party.restart(node);
    put_through(party.node(node), "a", "1").await;
    let list = cluster(party.node(0), &["token", "list", "-o", "json"]).output();
    let list: Value = serde_json::from_slice(&list.expect("coracle runs").stdout).expect("JSON");
    assert_eq!(list["tokens"][1]["used"], 1, "{list:#}");
}

#[tokio::test]
async fn a_member_that_lost_its_log_does_not_take_part_again() {
    let mut party = Party::of(3, 3).await;
    party
        .until("they are up", |nodes| {
            nodes.iter().all(|it| it["state"] == "up")
        })
        .await;
    let data = party.rigs[2].data.clone();
    party.until_seated(2).await;
    party.kill(2);
    for part in ["log", "state"] {
        fs::remove_dir_all(data.join(part)).expect("is removed");
    }
    fs::remove_file(data.join("member")).expect("is removed");
    let refused = party.rigs[2].run();
    refused.assert(6, &["holds nothing of it", "coracle cluster remove"]);
    put_through(party.node(0), "a", "1").await;
}

#[tokio::test]
async fn a_wiped_worker_joins_anew_and_a_wiped_member_is_refused() {
    let mut party = Party::of(4, 3).await;
    let all = party
        .until("they are up", |nodes| {
            nodes.iter().all(|it| it["state"] == "up")
        })
        .await;
    let is = |at: &usize, role: &str| named(&all, &format!("n{at}"))["role"] == role;
    let worker = (1..4).find(|at| is(at, "worker")).expect("one is");
    let member = (1..4).find(|at| is(at, "voter")).expect("one is");
    party.until_seated(member).await;
    put_through(party.node(0), "a", "1").await;
    for wiped in [worker, member] {
        party.kill(wiped);
        fs::remove_dir_all(&party.rigs[wiped].data).expect("is removed");
    }
    let name = format!("n{member}");
    party
        .until("it counts as down", |nodes| {
            named(nodes, &name)["state"] == "down"
        })
        .await;
    party.rigs[member]
        .run()
        .assert(6, &["holds nothing of it", "coracle cluster remove"]);
    let name = format!("n{worker}");
    party
        .until("it counts as down", |nodes| {
            named(nodes, &name)["state"] == "down"
        })
        .await;
    party.restart(worker);
    let (_, everything) = party.node(worker).everything().await;
    assert!(everything.iter().any(|found| found.key == "a"));
}

#[tokio::test]
async fn a_daemon_that_founded_a_cluster_does_not_join_another() {
    let party = Party::begin();
    let mut rig = party.rig(1, &party.token);
    let flags = std::mem::take(&mut rig.flags);
    rig.start().kill();
    rig.flags = flags;
    rig.run().assert(6, &["holds a cluster of its own"]);
}

#[tokio::test]
async fn a_machine_whose_port_is_taken_is_not_let_in_and_keeps_its_token() {
    let mut party = Party::begin();
    party.token = create(party.node(0), &["--uses", "1"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let mut rig = party.rig(1, &party.token.clone());
    let usual = std::mem::take(&mut rig.listen);
    rig.listen = format!("http://{}", taken.local_addr().expect("has one"));
    rig.run().assert(1, &["Address already in use", "hint:"]);
    assert_eq!(nodes(party.node(0)).expect("answers").len(), 1);
    rig.listen = usual;
    party.nodes.push(Some(rig.start()));
    party.rigs.push(rig);
    party
        .until("both vote", |nodes| counted(nodes, "voter") == 2)
        .await;
}

#[test]
fn a_machine_that_finds_nobody_says_so() {
    let token = coracle::core::cluster::token::Token::of_random(1, 2, None).to_string();
    let url = format!("http://127.0.0.1:{}", free_port());
    let mut daemon = Rig::with(&["--join", &url, "--token", &token]).spawn();
    let deadline = std::time::Instant::now() + PATIENCE;
    while !daemon.told().contains("not let in yet") {
        assert!(std::time::Instant::now() < deadline && !daemon.has_ended());
        std::thread::yield_now();
    }
    daemon.kill();
}
