//! Clients of three members that each have a network of their own: the real etcdctl with its list
//! of endpoints while one member is cut off, and what a member shows of writes made through it.

use std::process::Command;
use std::time::{Duration, Instant};

use coracle::adapter::rpc::proto::etcdserverpb as pb;

use crate::cluster::nemesis::Cut;
use crate::cluster::network::{Network, in_own_network};
use crate::cluster::{Cluster, put, put_through};
use crate::rig::{PATIENCE, output, real_binary};

/// What the real client may take to say that a member which is cut off serves nothing: its own
/// limit of 2 s, its start, and a busy machine.
const REFUSAL_MAX: Duration = Duration::from_secs(12);

/// An address where nobody listens.
const DEAD: &str = "http://127.0.0.1:1";

/// What the real etcdctl prints, and whether it succeeded.
fn etcdctl(endpoints: &[&str], words: &[&str]) -> (String, bool) {
    let program = real_binary("etcdctl").expect("it was there a moment ago");
    let told = output(
        Command::new(program)
            .env("ETCDCTL_API", "3")
            .arg("--endpoints")
            .arg(endpoints.join(","))
            .args(["--command-timeout", "2s"])
            .args(words),
    );
    let text = [told.stdout, told.stderr].concat();
    (
        String::from_utf8_lossy(&text).trim().to_owned(),
        told.status.success(),
    )
}

/// Tries until the client succeeds: an election may be under way.
fn through(endpoints: &[&str], words: &[&str]) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (said, done) = etcdctl(endpoints, words);
        if done {
            return said;
        }
        assert!(Instant::now() < deadline, "{words:?}: {said}");
    }
}

/// One member's side after a cut: the others go on, it refuses in bounded time, and catches up.
async fn lives_through(cut: Cut, network: &Network, cluster: &Cluster, at: usize) {
    let urls: Vec<&str> = (0..3).map(|at| cluster.member(at).url.as_str()).collect();
    let majority: Vec<&str> = (0..3).filter(|it| *it != at).map(|it| urls[it]).collect();
    cut.make(network, &[at], 3);
    let value = format!("{cut:?}{at}");
    assert_eq!(through(&majority, &["put", "a", &value]), "OK");
    assert_eq!(
        through(&majority, &["get", "a", "--print-value-only"]),
        value
    );
    // One that others hear may still have what it passes on made; see `Cut`.
    if cut == Cut::Off {
        for words in [&["get", "a"][..], &["put", "b", "lost"][..]] {
            let begun = Instant::now();
            let (said, done) = etcdctl(&[urls[at]], words);
            assert!(!done, "{words:?} by one that is cut off: {said}");
            assert!(begun.elapsed() < REFUSAL_MAX, "{:?}", begun.elapsed());
        }
    }
    // Dead for those who ask, first or last.
    let with_dead = [&[DEAD][..], &majority].concat();
    assert_eq!(through(&with_dead, &["put", "c", &value]), "OK");
    network.heal();
    assert_eq!(
        through(&[urls[at]], &["get", "a", "--print-value-only"]),
        value
    );
}

/// A member whose cable is pulled: clients that list it first go on, and it catches up.
async fn lives_unplugged(network: &Network, cluster: &Cluster, at: usize) {
    let urls: Vec<&str> = (0..3).map(|at| cluster.member(at).url.as_str()).collect();
    network.unplug(at);
    let mut list = urls.clone();
    list.swap(0, at);
    let value = format!("unplugged{at}");
    assert_eq!(through(&list, &["put", "a", &value]), "OK");
    assert_eq!(through(&list, &["get", "a", "--print-value-only"]), value);
    network.heal();
    assert_eq!(
        through(&[urls[at]], &["get", "a", "--print-value-only"]),
        value
    );
}

#[test]
fn the_real_etcdctl_works_on_with_the_majority_and_the_cut_member_catches_up() {
    let name = "cluster::apart::\
                the_real_etcdctl_works_on_with_the_majority_and_the_cut_member_catches_up";
    in_own_network(name, cut_and_unplug());
}

async fn cut_and_unplug() {
    if real_binary("etcdctl").is_none() {
        return;
    }
    let Some(network) = Network::of(3) else {
        return;
    };
    let mut cluster = Cluster::on(&network, 3);
    cluster.start_all();
    put_through(cluster.member(0), "a", "1").await;
    for cut in [Cut::Off, Cut::Deaf, Cut::Mute] {
        let leader = cluster.leader().await;
        lives_through(cut, &network, &cluster, leader).await;
        let leader = cluster.leader().await;
        let follower = cluster.other_than(leader);
        lives_through(cut, &network, &cluster, follower).await;
    }
    let leader = cluster.leader().await;
    lives_unplugged(&network, &cluster, leader).await;
    let leader = cluster.leader().await;
    lives_unplugged(&network, &cluster, cluster.other_than(leader)).await;
    cluster.agree().await;
}

#[tokio::test]
async fn a_member_shows_what_was_written_through_it_at_once() {
    let cluster = Cluster::start(3);
    put_through(cluster.member(0), "a", "0").await;
    let leader = cluster.leader().await;
    let follower = cluster.member(cluster.other_than(leader));
    let mut kv = follower.kv();
    let mut times = Vec::new();
    for number in 0..200 {
        let value = number.to_string();
        let begun = Instant::now();
        let written = kv.put(put("a", &value)).await.expect("is put").into_inner();
        times.push(begun.elapsed());
        let get = pb::RangeRequest {
            key: "a".into(),
            serializable: true,
            ..pb::RangeRequest::default()
        };
        let read = kv.range(get).await.expect("is read").into_inner();
        assert_eq!(read.kvs[0].value, value);
        let revision = written.header.expect("has one").revision;
        assert_eq!(read.kvs[0].mod_revision, revision);
    }
    times.sort();
    eprintln!(
        "puts through a follower: median {:?}",
        times[times.len() / 2]
    );
}
