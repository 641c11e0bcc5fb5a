//! Members over TLS: they form a cluster, and nobody else gets in.

use std::time::{Instant, SystemTime};

use crate::cluster::put_through;
use crate::rig::{Daemon, PATIENCE, Rig, client, free_port, output};
use crate::tls::Certificates;

/// Founders that speak TLS to each other, each with the certificates of `flags`.
fn founders(flags: &[Vec<String>]) -> Vec<Rig> {
    let urls: Vec<String> = flags
        .iter()
        .map(|_| format!("https://127.0.0.1:{}", free_port()))
        .collect();
    let all: Vec<String> = urls
        .iter()
        .enumerate()
        .map(|(at, url)| format!("m{at}={url}"))
        .collect();
    let all = all.join(",");
    let rig = |(at, flags): (usize, &Vec<String>)| {
        let name = format!("m{at}");
        let mut rig = Rig::with(&[
            "--name",
            &name,
            "--listen-peer-urls",
            &urls[at],
            "--initial-cluster",
            &all,
        ]);
        rig.flags.extend(flags.iter().map(Into::into));
        rig
    };
    flags.iter().enumerate().map(rig).collect()
}

fn wait_for(daemon: &Daemon, words: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = daemon.told();
        if words.iter().all(|word| told.contains(word)) {
            return;
        }
        assert!(Instant::now() < deadline, "not all of {words:?} in {told}");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn three_members_form_a_cluster_over_tls() {
    let made = Certificates::new();
    let rigs = founders(&[(); 3].map(|()| made.mutual_flags("peer-", "node")));
    let mut members: Vec<Daemon> = rigs.iter().map(Rig::spawn).collect();
    for member in &mut members {
        assert!(member.serves_within(PATIENCE), "{}", member.told());
    }
    put_through(&members[0], "a", "b").await;
    for member in &members {
        let (_, keys) = member.everything().await;
        assert_eq!(keys.len(), 1);
    }
}

/// A founder with the certificates `stranger` beside one with good ones; both once they have said
/// their words.
fn refused(made: &Certificates, stranger: Vec<String>, here: &[&str], there: &[&str]) {
    let rigs = founders(&[made.mutual_flags("peer-", "node"), stranger]);
    let [good, bad] = [&rigs[0], &rigs[1]].map(Rig::spawn);
    wait_for(&good, here);
    wait_for(&bad, there);
    assert!(!good.told().contains(" serving "), "{}", good.told());
}

#[test]
fn peer_with_a_client_certificate_is_refused() {
    let made = Certificates::new();
    refused(
        &made,
        made.mutual_flags("peer-", "client"),
        &[
            "a caller is refused",
            "its certificate is of client \"root\"",
        ],
        &["a member refuses this one", "node certificate only"],
    );
}

#[test]
fn peer_of_another_authority_is_refused() {
    let (made, other) = (Certificates::new(), Certificates::new());
    refused(
        &made,
        other.mutual_flags("peer-", "node"),
        &["no TLS with a"],
        &["no TLS with a"],
    );
}

#[test]
fn peer_with_the_certificate_of_another_machine_is_refused() {
    let made = Certificates::new();
    made.node("elsewhere", &["127.0.0.9"], SystemTime::now());
    refused(
        &made,
        made.mutual_flags("peer-", "elsewhere"),
        &["a caller is refused", "its certificate is for 127.0.0.9"],
        &[
            "a member refuses this one",
            "the member is reached at 127.0.0.1",
        ],
    );
}

#[test]
fn caller_without_a_certificate_is_refused_by_a_member() {
    let made = Certificates::new();
    let rigs = founders(&[made.mutual_flags("peer-", "node")]);
    let mut member = rigs[0].spawn();
    assert!(member.serves_within(PATIENCE), "{}", member.told());
    let at = rigs[0]
        .flags
        .iter()
        .position(|flag| flag == "--listen-peer-urls");
    let url = rigs[0].flags[at.expect("given") + 1]
        .to_str()
        .expect("text");
    let authority = made.file("ca.pem");
    let ended = output(&mut client(&[
        "--endpoints",
        url,
        "--cacert",
        &authority,
        "get",
        "a",
    ]));
    let why = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success(), "{why}");
    assert!(why.contains("wants a certificate"), "{why}");
    wait_for(&member, &["shows no certificate"]);
}
