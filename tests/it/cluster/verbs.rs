//! The verbs of `coracle cluster` that change who is a member: on real daemons, asked once and
//! again, and refused where the quorum would be lost.

use std::fs;
use std::process::Output;
use std::sync::mpsc::{self, TryRecvError};
use std::thread;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::cluster::join::{Party, cluster, counted, leader, named, nodes};
use crate::cluster::put_through;
use crate::rig::{Daemon, PATIENCE};

fn ask(of: &Daemon, words: &[&str]) -> Output {
    cluster(of, words).output().expect("coracle runs")
}

/// What a verb that was carried out says.
fn done(of: &Daemon, words: &[&str]) -> Value {
    let output = ask(of, &[words, &["-o", "json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn refused(of: &Daemon, words: &[&str], code: i32, says: &[&str]) {
    let output = ask(of, words);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {told}");
    for word in says {
        assert!(told.contains(word), "no {word:?} in: {told}");
    }
}

fn has_role<'a>(name: &'a str, role: &'a str, state: &'a str) -> impl Fn(&[Value]) -> bool + 'a {
    move |nodes| {
        let node = named(nodes, name);
        node["role"] == role && node["state"] == state
    }
}

impl Party {
    /// A machine that joined and has this role, by its number.
    async fn one(&self, role: &str) -> usize {
        let all = self
            .until("all are up", |all| all.iter().all(|it| it["state"] == "up"))
            .await;
        let has_it = |at: &usize| named(&all, &format!("n{at}"))["role"] == role;
        (1..self.rigs.len()).find(has_it).expect("one has it")
    }

    async fn until_is(&self, name: &str, role: &str, state: &str) {
        let what = format!("{name} is a {role} and {state}");
        self.until(&what, has_role(name, role, state)).await;
    }

    /// Waits until a daemon that was told to go has gone.
    fn gone(&mut self, at: usize, words: &[&str]) {
        let daemon = self.nodes[at].take().expect("it runs");
        daemon.ended().assert(6, words);
    }
}

#[tokio::test]
async fn a_dead_voter_is_replaced_by_a_worker_and_comes_back_as_one() {
    let mut party = Party::of(4, 3).await;
    let (worker, dead) = (party.one("worker").await, party.one("voter").await);
    let (new, old) = (format!("n{worker}"), format!("n{dead}"));
    party.until_seated(dead).await;
    put_through(party.node(0), "a", "1").await;
    refused(
        party.node(0),
        &["replace", &old],
        6,
        &["it answers", "promote"],
    );
    refused(
        party.node(0),
        &["replace", "nobody"],
        3,
        &["n0 (", "cluster members"],
    );
    party.kill(dead);
    let outcome = done(party.node(0), &["replace", &old]);
    assert_eq!(outcome["changed"], true, "{outcome:#}");
    assert_eq!(outcome["name"], new.as_str());
    let all = nodes(party.node(0)).expect("answers");
    assert_eq!(named(&all, &new)["role"], "voter", "{all:#?}");
    assert_eq!(counted(&all, "voter"), 3, "{all:#?}");
    let again = done(party.node(0), &["replace", &old, &new]);
    assert_eq!(again["changed"], false, "{again:#}");
    put_through(party.node(0), "b", "2").await;

    party.restart(dead);
    party.until_is(&old, "worker", "up").await;
    put_through(party.node(dead), "c", "3").await;
    assert_eq!(done(party.node(dead), &["promote", &old])["changed"], true);
    let all = nodes(party.node(0)).expect("answers");
    assert_eq!(counted(&all, "voter"), 4, "{all:#?}");
    assert_eq!(done(party.node(0), &["promote", &old])["changed"], false);
    // The machines' own records may change between two questions.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut states = Vec::new();
        for at in 0..4 {
            states.push(party.node(at).everything().await);
        }
        states.dedup();
        match states.len() {
            1 => break,
            _ => assert!(Instant::now() < deadline, "they differ: {states:?}"),
        }
    }
}

#[tokio::test]
async fn a_worker_that_is_removed_ends_and_joins_again_by_a_token_only() {
    let mut party = Party::of(4, 3).await;
    let worker = party.one("worker").await;
    let name = format!("n{worker}");
    done(party.node(0), &["remove", &name]);
    let words = ["was taken out", "cluster token create"];
    party.gone(worker, &words);
    party.rigs[worker].run().assert(6, &words);
    refused(
        party.node(0),
        &["remove", &name],
        3,
        &["no node has the name"],
    );
    fs::remove_file(party.rigs[worker].data.join("cluster")).expect("is removed");
    let flags = party.rigs[worker].flags.clone();
    party.rigs[worker].flags.truncate(flags.len() - 2);
    party.rigs[worker].run().assert(2, &["there is no token"]);
    party.rigs[worker].flags = flags;
    party.restart(worker);
    party.until_is(&name, "worker", "up").await;

    // One that is down goes as well.
    party.kill(worker);
    party.until_is(&name, "worker", "down").await;
    let status = ask(party.node(0), &["status"]);
    let told = String::from_utf8_lossy(&status.stdout).into_owned();
    let remedy = format!("note: worker {name} is down");
    assert!(told.contains(&remedy), "{told}");
    done(party.node(0), &["remove", &name]);
    assert_eq!(nodes(party.node(0)).expect("answers").len(), 3);
    party.rigs[worker].run().assert(6, &words);
}

#[tokio::test]
async fn a_voter_that_is_removed_ends_and_a_worker_takes_its_seat() {
    let mut party = Party::of(4, 3).await;
    let (worker, voter) = (party.one("worker").await, party.one("voter").await);
    party.until_seated(voter).await;
    let name = format!("n{voter}");
    done(party.node(worker), &["remove", &name]);
    party.gone(voter, &["was taken out", "cluster token create"]);
    let all = party
        .until("three are left and vote", |all| {
            all.len() == 3 && counted(all, "voter") == 3
        })
        .await;
    assert_eq!(named(&all, &format!("n{worker}"))["role"], "voter");
    put_through(party.node(worker), "a", "1").await;
}

#[tokio::test]
async fn a_member_that_lost_its_data_is_removed_and_joins_anew() {
    let mut party = Party::of(3, 3).await;
    party.until_seated(2).await;
    put_through(party.node(0), "a", "1").await;
    party.kill(2);
    fs::remove_dir_all(&party.rigs[2].data).expect("is removed");
    party.until_is("n2", "voter", "down").await;
    let words = ["holds nothing of it", "coracle cluster remove"];
    party.rigs[2].run().assert(6, &words);
    done(party.node(0), &["remove", "n2"]);
    party.restart(2);
    party
        .until("three vote", |all| counted(all, "voter") == 3)
        .await;
    let (_, everything) = party.node(2).everything().await;
    assert!(everything.iter().any(|found| found.key == "a"));
}

#[tokio::test]
async fn a_leader_that_is_asked_to_remove_itself_does_so_at_once() {
    let mut party = Party::of(3, 3).await;
    party.until_seated(1).await;
    done(party.node(0), &["transfer-leader", "n1"]);
    done(party.node(1), &["remove", "n1"]);
    party.gone(1, &["was taken out"]);
    party
        .until("two are left and vote", |all| {
            all.len() == 2 && counted(all, "voter") == 2
        })
        .await;
    put_through(party.node(0), "a", "1").await;
}

#[tokio::test]
async fn a_voter_whose_loss_would_stop_the_cluster_is_not_removed() {
    let mut party = Party::of(3, 3).await;
    party.until_seated(2).await;
    party.until_seated(1).await;
    party.kill(2);
    let says = ["would be alive afterwards", "bring them back first"];
    refused(party.node(0), &["remove", "n1"], 6, &says);
    refused(party.node(0), &["demote", "n1"], 6, &says);
    refused(
        party.node(0),
        &["replace", "n2"],
        6,
        &["no worker that is up", "token create"],
    );
    put_through(party.node(0), "a", "1").await;
    done(party.node(0), &["remove", "n2"]);
    let all = nodes(party.node(0)).expect("answers");
    assert_eq!((all.len(), counted(&all, "voter")), (2, 2), "{all:#?}");
    party.rigs[2].run().assert(6, &["was taken out"]);
    // Nobody answers without a quorum.
    party.kill(1);
    let output = ask(party.node(0), &["remove", "n1", "--timeout", "1s"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
}

#[tokio::test]
async fn a_member_is_made_a_worker_and_a_member_again() {
    let mut party = Party::of(4, 3).await;
    let voter = party.one("voter").await;
    party.until_seated(voter).await;
    let name = format!("n{voter}");
    refused(
        party.node(0),
        &["demote", "n0"],
        6,
        &["did not join by a token"],
    );
    assert_eq!(done(party.node(0), &["demote", &name])["changed"], true);
    party.until_is(&name, "worker", "up").await;
    assert_eq!(done(party.node(0), &["demote", &name])["changed"], false);
    put_through(party.node(voter), "a", "1").await;
    party
        .until("three vote again", |all| counted(all, "voter") == 3)
        .await;
    let mut put = crate::rig::client(&["--endpoints", party.node(voter).address()]);
    put.args(["put", "b", "2"]);
    let (promoting, promoted) = mpsc::channel::<()>();
    let writing = thread::spawn(move || {
        let mut refusals = Vec::new();
        while promoted.try_recv() != Err(TryRecvError::Disconnected) {
            let put = put.output().expect("kvctl runs");
            refusals.push(String::from_utf8(put.stderr).expect("UTF-8"));
        }
        refusals
    });
    done(party.node(voter), &["promote", &name]);
    drop(promoting);
    let refusals = writing.join().expect("no panic");
    let is_of_learner = |text: &String| text.contains("learner");
    assert!(!refusals.iter().any(is_of_learner), "{refusals:#?}");
    put_through(party.node(voter), "b", "2").await;
    let all = nodes(party.node(0)).expect("answers");
    assert_eq!(counted(&all, "voter"), 4, "{all:#?}");
    // As etcd's clients do it.
    let id = named(&all, &name)["member"].as_str().expect("one");
    let mut remove = crate::rig::client(&["--endpoints", party.node(0).address()]);
    let removed = remove.args(["member", "remove", id]).output();
    assert!(removed.expect("kvctl runs").status.success());
    party.until_is(&name, "worker", "up").await;
    party.kill(voter);
    party.restart(voter);
    put_through(party.node(voter), "c", "3").await;
}

#[tokio::test]
async fn a_member_is_demoted_and_promoted_at_once_again_and_again() {
    let party = Party::of(3, 3).await;
    party.until_seated(1).await;
    for _ in 0..5 {
        assert_eq!(done(party.node(0), &["demote", "n1"])["changed"], true);
        let outcome = done(party.node(0), &["promote", "n1"]);
        assert_eq!(outcome["changed"], true, "{outcome:#}");
        let all = nodes(party.node(0)).expect("answers");
        assert_eq!(counted(&all, "voter"), 3, "{all:#?}");
    }
}

#[tokio::test]
async fn a_voter_that_is_gone_for_too_long_is_replaced_by_itself() {
    let mut party = Party::begin();
    party.kill(0);
    let soon = ["--replace-after", "3s"].map(Into::into);
    party.rigs[0].flags.extend(soon.clone());
    party.restart(0);
    for at in 1..5 {
        let mut rig = party.rig(at, &party.token.clone());
        rig.flags.extend(soon.clone());
        party.nodes.push(Some(rig.start()));
        party.rigs.push(rig);
    }
    party
        .until("three vote", |all| counted(all, "voter") == 3)
        .await;
    let dead = party.one("voter").await;
    let spare = party.one("worker").await;
    party.until_seated(dead).await;
    put_through(party.node(0), "a", "1").await;
    party.kill(dead);
    let name = format!("n{dead}");
    let all = party
        .until("another one votes in its stead", |all| {
            counted(all, "voter") == 3 && named(all, &name)["role"] == "worker"
        })
        .await;
    assert_eq!(counted(&all, "worker"), 2, "{all:#?}");
    put_through(party.node(spare), "b", "2").await;
    party.restart(dead);
    party.until_is(&name, "worker", "up").await;
    put_through(party.node(dead), "c", "3").await;
}

#[tokio::test]
async fn the_lead_goes_to_whom_it_is_given() {
    let party = Party::of(4, 3).await;
    let worker = format!("n{}", party.one("worker").await);
    let first = leader(&party).await;
    refused(
        party.node(first),
        &["transfer-leader", &worker],
        6,
        &["only a voter leads", "cluster promote"],
    );
    let moved = done(party.node(0), &["transfer-leader"]);
    assert_eq!(moved["changed"], true, "{moved:#}");
    let second = leader(&party).await;
    assert_ne!(first, second);
    assert_eq!(moved["name"], format!("n{second}"));
    let back = format!("n{first}");
    done(party.node(0), &["transfer-leader", &back]);
    assert_eq!(leader(&party).await, first);
    let again = done(party.node(0), &["transfer-leader", &back]);
    assert_eq!(again["changed"], false, "{again:#}");
}

#[tokio::test]
async fn workers_find_a_member_that_is_alone_and_serves_elsewhere_now() {
    let mut party = Party::begin();
    party.kill(0);
    let alone = ["--voters", "1"].map(Into::into);
    party.rigs[0].flags.extend(alone);
    party.restart(0);
    let worker = party.join();
    put_through(party.node(worker), "a", "1").await;
    party.until_known(worker, 1).await;
    party.kill(0);
    party.rigs[0].listen = "http://127.0.0.1:0".to_owned();
    party.restart(0);
    put_through(party.node(worker), "b", "2").await;
    // Nor is it lost who was down meanwhile.
    party.kill(worker);
    party.kill(0);
    party.restart(0);
    party.restart(worker);
    put_through(party.node(worker), "c", "3").await;
}

#[tokio::test]
async fn a_restored_cluster_seats_machines_that_the_old_one_had_as_members() {
    let mut party = Party::of(3, 3).await;
    party.until_seated(1).await;
    party.until_seated(2).await;
    put_through(party.node(0), "a", "1").await;
    let file = party.rigs[0].path("snapshot");
    let saved = crate::rig::client(&["--endpoints", party.node(0).address()])
        .args(["snapshot", "save"])
        .arg(&file)
        .output();
    assert!(saved.expect("kvctl runs").status.success());
    for at in 0..3 {
        party.kill(at);
        fs::remove_dir_all(&party.rigs[at].data).expect("is removed");
    }
    let mut restore = crate::rig::coracle(&["cluster", "restore"]);
    restore.arg(&file).args(["--name", "n0", "--data-dir"]);
    let restored = restore.arg(&party.rigs[0].data).output();
    let restored = restored.expect("coracle runs");
    assert!(restored.status.success(), "{restored:?}");
    party.restart(0);
    let deadline = Instant::now() + PATIENCE;
    // The machines of the old cluster count as up until their leases lapse.
    while nodes(party.node(0)).is_none_or(|all| {
        let others = all.iter().filter(|it| it["name"] != "n0");
        others.clone().any(|it| it["state"] == "up")
    }) {
        assert!(Instant::now() < deadline, "they stay up");
        sleep(std::time::Duration::from_millis(100)).await;
    }
    for at in 1..3 {
        party.restart(at);
    }
    let all = party
        .until("they vote", |all| counted(all, "voter") == 3)
        .await;
    assert_eq!(all.len(), 3, "{all:#?}");
    for at in 0..3 {
        let (_, everything) = party.node(at).everything().await;
        assert!(everything.iter().any(|found| found.key == "a"));
    }
}
