//! Machines whose certificates the cluster makes: who is let in, who is not, and who gets what.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use coracle::adapter::rpc::join::{Desk, JoinError};
use coracle::adapter::rpc::peer::{Couriers, Links, Patience, PeerError, Speaker};
use coracle::adapter::tls::{Client, ClientFiles};
use coracle::adapter::trust_folder::{TrustFolder, now_s};
use serde_json::Value;

use crate::rig::{Daemon, PATIENCE, Rig, coracle, free_ports, output, real_binary};
use crate::tls::Certificates;

/// A cluster with an authority of its own.
struct Cluster {
    rigs: Vec<Rig>,
    nodes: Vec<Daemon>,
    peer_url: String,
    token: String,
}

fn machine_id(at: usize) -> String {
    format!("{:032x}", at + 1)
}

/// Exit code, answer and complaint of a command.
fn said(command: &mut Command) -> (Option<i32>, String, String) {
    let ended = output(command);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        ended.status.code(),
        text(&ended.stdout),
        text(&ended.stderr),
    )
}

fn init(rig: &Rig) -> (Option<i32>, String, String) {
    let mut command = coracle(&["cluster", "init", "--data-dir"]);
    said(command.arg(&rig.data))
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Cluster {
    /// The first member, with further flags, and a token for any number of machines.
    fn begin(flags: &[&str]) -> Self {
        let [peer_port, client_port] = free_ports();
        let peer_url = format!("https://127.0.0.1:{peer_port}");
        let id = machine_id(0);
        let mut rig = Rig::with(&["--listen-peer-urls", &peer_url, "--machine-id", &id]);
        rig.flags.extend(["--name", "n0"].map(Into::into));
        rig.flags.extend(flags.iter().map(Into::into));
        rig.listen = format!("https://127.0.0.1:{client_port}");
        let (exit, _, why) = init(&rig);
        assert_eq!(exit, Some(0), "{why}");
        let mut cluster = Self {
            nodes: vec![rig.start()],
            rigs: vec![rig],
            peer_url,
            token: String::new(),
        };
        cluster.token = cluster.create(&[]);
        cluster
    }

    /// A token.
    fn create(&self, flags: &[&str]) -> String {
        let (exit, token, why) = self.ask(&["token", "create"], flags);
        assert_eq!(exit, Some(0), "{why}");
        token.trim().to_owned()
    }

    /// Asks the first member on its socket.
    fn ask(&self, verb: &[&str], flags: &[&str]) -> (Option<i32>, String, String) {
        let mut command = coracle(&["cluster"]);
        let socket = self.rigs[0].socket_url();
        said(
            command
                .args(verb)
                .args(["--endpoints", &socket])
                .args(flags),
        )
    }

    /// A machine that is not started yet.
    fn rig(&self, at: usize, peer_url: &str, token: &str) -> Rig {
        let id = machine_id(at);
        let mut rig = Rig::with(&[
            "--name",
            &format!("n{at}"),
            "--machine-id",
            &id,
            "--listen-peer-urls",
            "https://127.0.0.1:0",
            "--join",
            peer_url,
            "--token",
            token,
        ]);
        rig.listen = "https://127.0.0.1:0".to_owned();
        rig
    }

    /// One more machine joins and serves.
    fn join(&mut self) {
        let rig = self.rig(self.rigs.len(), &self.peer_url, &self.token);
        self.nodes.push(rig.start());
        self.rigs.push(rig);
    }

    fn trust(&self, at: usize) -> TrustFolder {
        TrustFolder::of(&self.rigs[at].data)
    }

    /// The files of a client's certificate.
    fn client(&self, folder: &Path) -> ClientFiles {
        let mut command = coracle(&["cluster", "certificate", "create", "root", "--out"]);
        let (exit, _, why) = said(
            command
                .arg(folder)
                .arg("--data-dir")
                .arg(&self.rigs[0].data),
        );
        assert_eq!(exit, Some(0), "{why}");
        let [authority, certificate, key] =
            ["ca.pem", "root.pem", "root.key"].map(|name| folder.join(name));
        ClientFiles {
            authorities: Some(authority),
            identity: Some((certificate, key)),
            unverified: false,
        }
    }

    fn wait_for(&self, at: usize, words: &[&str]) {
        until(&format!("{words:?}"), || {
            let told = self.nodes[at].told();
            words.iter().all(|word| told.contains(word))
        });
    }

    /// Asks a node over TLS, with the files of a client.
    fn ask_over_tls(
        &self,
        at: usize,
        mine: &ClientFiles,
        verb: &[&str],
    ) -> (Option<i32>, String, String) {
        let mut command = coracle(&["cluster"]);
        command
            .args(verb)
            .args(["--endpoints", &self.nodes[at].url]);
        let (certificate, key) = mine.identity.as_ref().expect("it has one");
        let authorities = mine.authorities.as_ref().expect("it has them");
        command.arg("--cacert").arg(authorities);
        said(command.arg("--cert").arg(certificate).arg("--key").arg(key))
    }

    fn role(&self, at: usize) -> String {
        let (_, answer, _) = self.ask(&["members"], &["-o", "json"]);
        let all: Value = serde_json::from_str(&answer).unwrap_or_default();
        let name = format!("n{at}");
        let mut nodes = all["nodes"].as_array().into_iter().flatten();
        let node = nodes.find(|node| node["name"] == name.as_str());
        node.map_or(String::new(), |node| {
            node["role"].as_str().unwrap_or_default().to_owned()
        })
    }

    fn voters(&self) -> usize {
        let (_, answer, _) = self.ask(&["members"], &["-o", "json"]);
        answer.matches("\"voter\"").count()
    }
}

/// etcdctl, the real one where it is, with the files of a client.
fn etcdctl(url: &str, files: &ClientFiles, line: &[&str]) -> (Option<i32>, String, String) {
    let program = real_binary("etcdctl").unwrap_or_else(|| env!("CARGO_BIN_EXE_coracle").into());
    let mut command = Command::new(program);
    command.arg0("etcdctl");
    command.args(["--endpoints", url]).env("ETCDCTL_API", "3");
    if let Some(authorities) = &files.authorities {
        command.arg("--cacert").arg(authorities);
    }
    if let Some((certificate, key)) = &files.identity {
        command.arg("--cert").arg(certificate).arg("--key").arg(key);
    }
    said(command.args(["--command-timeout", "5s"]).args(line))
}

#[test]
fn three_machines_join_over_tls_and_serve_who_has_a_certificate() {
    let mut cluster = Cluster::begin(&[]);
    cluster.join();
    cluster.join();
    until("three vote", || cluster.voters() == 3);
    for at in 1..3 {
        cluster.wait_for(at, &["this member can sign certificates"]);
        assert!(cluster.trust(at).authority().expect("reads").is_some());
    }
    let scratch = tempfile::tempdir().expect("scratch folder");
    let mine = cluster.client(scratch.path());
    let urls: Vec<&str> = cluster.nodes.iter().map(|node| node.url.as_str()).collect();
    let put = etcdctl(&urls.join(","), &mine, &["put", "a", "b"]);
    assert_eq!(put.0, Some(0), "{put:?}");
    for url in &urls {
        let (exit, answer, why) = etcdctl(url, &mine, &["get", "a"]);
        assert_eq!((exit, answer.as_str()), (Some(0), "a\nb\n"), "{why}");
    }
    let nobody = ClientFiles {
        identity: None,
        ..mine.clone()
    };
    let (exit, ..) = etcdctl(urls[0], &nobody, &["get", "a"]);
    assert_ne!(exit, Some(0));
    cluster.wait_for(0, &["the other side shows no certificate"]);
    let other = Certificates::new();
    let stranger = ClientFiles {
        authorities: mine.authorities.clone(),
        identity: Some((other.path("client.pem"), other.path("client.key"))),
        unverified: false,
    };
    assert_ne!(etcdctl(urls[1], &stranger, &["get", "a"]).0, Some(0));
    // Made again, the files would be lost to whoever has them.
    let mut again = coracle(&["cluster", "certificate", "create", "root", "--out"]);
    again
        .arg(scratch.path())
        .arg("--data-dir")
        .arg(&cluster.rigs[0].data);
    let (exit, _, why) = said(&mut again);
    assert_eq!(exit, Some(6), "{why}");
}

#[test]
fn verbs_work_over_tls_and_who_is_a_member_no_longer_has_no_authority_key() {
    let mut cluster = Cluster::begin(&[]);
    for _ in 1..4 {
        cluster.join();
    }
    until("three vote", || cluster.voters() == 3);
    let of = |cluster: &Cluster, role: &str| {
        (1..4)
            .find(|at| cluster.role(*at) == role)
            .expect("has one")
    };
    let (worker, voter) = (of(&cluster, "worker"), of(&cluster, "voter"));
    let other = (1..4)
        .find(|at| *at != worker && *at != voter)
        .expect("four");
    for at in [voter, other] {
        until("has the key", || cluster.trust(at).has_authority_key());
    }
    let scratch = tempfile::tempdir().expect("scratch folder");
    let mine = cluster.client(scratch.path());
    let done = |cluster: &Cluster, at: usize, verb: &[&str]| {
        let (exit, answer, why) = cluster.ask_over_tls(at, &mine, verb);
        assert_eq!(exit, Some(0), "{verb:?}: {why}");
        answer
    };
    let [worker_name, voter_name, other_name] = [worker, voter, other].map(|at| format!("n{at}"));
    // Through a worker as well as through members.
    for at in 0..4 {
        for verb in ["members", "status"] {
            assert!(done(&cluster, at, &[verb]).contains(&voter_name));
        }
    }
    done(&cluster, voter, &["health"]);
    done(&cluster, worker, &["transfer-leader", &other_name]);

    done(&cluster, 0, &["demote", &voter_name]);
    until("a worker", || cluster.role(voter) == "worker");
    until("no key", || !cluster.trust(voter).has_authority_key());
    done(&cluster, voter, &["promote", &voter_name]);
    until("the key", || cluster.trust(voter).has_authority_key());

    // One that is down meanwhile loses it as soon as it hears of that.
    cluster.nodes.remove(other).kill();
    until("down", || {
        cluster.ask_over_tls(0, &mine, &["health"]).0 != Some(0)
    });
    done(&cluster, 0, &["remove", &other_name]);
    assert!(cluster.trust(other).has_authority_key());
    cluster.rigs[other].run().assert(6, &["was taken out"]);
    assert!(!cluster.trust(other).has_authority_key());
    let (exit, _, why) = cluster.ask_over_tls(0, &mine, &["replace", &other_name]);
    assert_eq!(exit, Some(3), "{why}");
    assert!(why.contains("no node has the name"), "{worker_name}: {why}");
}

#[test]
fn who_may_not_join_is_told_why_on_both_sides_and_has_nothing() {
    let cluster = Cluster::begin(&[]);
    let other = Cluster::begin(&[]);
    let digits = |at: usize, with: &str| {
        let mut parts: Vec<&str> = cluster.token.split('.').collect();
        parts[at] = with;
        parts.join(".")
    };
    let expired = cluster.create(&["--ttl", "1ms"]);
    let pin = "ab".repeat(32);
    let plain = cluster.peer_url.replace("https", "http");
    let fingerprint = format!("has fingerprint {pin}");
    let cases: [(&str, String, &str, &str); 5] = [
        (
            &cluster.peer_url,
            digits(2, &"ab".repeat(16)),
            "the token is not one of this cluster's",
            "the token is not one of this cluster's",
        ),
        (
            &cluster.peer_url,
            expired,
            "the token has expired",
            "the token has expired",
        ),
        (
            &cluster.peer_url,
            digits(3, &pin),
            &fingerprint,
            "no TLS with a client",
        ),
        (
            &cluster.peer_url,
            other.token.clone(),
            "the other side does not belong to the cluster",
            "no TLS with a client",
        ),
        (
            &plain,
            cluster.token.clone(),
            "would be shown without it",
            " serving ",
        ),
    ];
    for (at, (url, token, here, there)) in cases.iter().enumerate() {
        let rig = cluster.rig(9 + at, url, token);
        rig.run().assert(5, &[here, "hint: "]);
        cluster.wait_for(0, &[there]);
        assert!(!TrustFolder::of(&rig.data).is_there());
        assert!(!rig.data.join("cluster").exists());
    }
    let (_, members, _) = cluster.ask(&["members"], &["-o", "json"]);
    let members: Value = serde_json::from_str(&members).expect("JSON");
    assert!(!members.to_string().contains(&machine_id(9)), "{members}");
}

/// What a member answers to who shows `files`, or nothing, and asks for the authority's key.
async fn key_for(url: &str, files: Option<ClientFiles>, authority: PathBuf) -> JoinError {
    let files = files.unwrap_or(ClientFiles {
        authorities: Some(authority),
        ..ClientFiles::default()
    });
    let tls = Client::of_files(files).expect("the files are good");
    let endpoint = url.parse().expect("a URL");
    let mut desk = Desk::of(&endpoint, Some(tls)).await.expect("connects");
    let answer = desk.authority_key().await;
    answer.expect_err("nobody but members has the key")
}

#[tokio::test]
async fn worker_client_and_stranger_get_no_key_and_pass_for_no_member() {
    let mut cluster = Cluster::begin(&["--voters", "1"]);
    cluster.join();
    let scratch = tempfile::tempdir().expect("scratch folder");
    let client = cluster.client(scratch.path());
    let worker = cluster.trust(1).client();
    let authority = cluster.trust(0).authority_file();
    let url = &cluster.peer_url;
    for (files, why) in [
        (None, "a node certificate"),
        (Some(client.clone()), "a node certificate"),
        (Some(worker.clone()), "is no member"),
    ] {
        let refused = key_for(url, files, authority.clone()).await;
        assert!(refused.to_string().contains(why), "{refused:?}");
        assert!(matches!(refused, JoinError::Distrust(_)), "{refused:?}");
        cluster.wait_for(0, &[why]);
    }
    assert!(!cluster.trust(1).has_authority_key());
    let told = cluster.nodes[0].told();
    let id = |name: &str| {
        let (_, rest) = told.split_once(&format!("{name}=\"")).expect("is told");
        let (id, _) = rest.split_once('"').expect("ends");
        u64::from_str_radix(id, 16).expect("an id")
    };
    let speaker = Speaker {
        cluster_id: id(" cluster"),
        member_id: id("serving member"),
    };
    for (files, why) in [
        (worker, "and the member is machine"),
        (client, "its certificate is of client \"root\""),
    ] {
        let tls = Client::of_files(files).expect("the files are good");
        let links = Links::new(speaker, Patience::of(PATIENCE)).secured_by(Some(tls));
        let courier = links.to(speaker.member_id, std::slice::from_ref(url));
        let courier = courier.expect("a way");
        let refused = courier.ask(Vec::new().into(), PATIENCE).await;
        let refused = refused.expect_err("it is another machine");
        assert!(matches!(refused, PeerError::Refused(_)), "{refused:?}");
        assert!(refused.to_string().contains(why), "{refused}");
    }
}

#[test]
fn certificates_are_renewed_under_running_daemons() {
    let mut cluster = Cluster::begin(&["--voters", "1", "--certificate-validity", "6s"]);
    cluster.join();
    let scratch = tempfile::tempdir().expect("scratch folder");
    let mine = cluster.client(scratch.path());
    let until_s = |at: usize| {
        let node = cluster.trust(at).node().expect("reads");
        node.expect("is there").until_s
    };
    let before = [until_s(0), until_s(1)];
    // Twice: what signs for itself and what is signed for have then both lived on a renewed one.
    until("renewed", || (0..2).all(|at| until_s(at) > before[at] + 6));
    for node in &cluster.nodes {
        let (exit, _, why) = etcdctl(&node.url, &mine, &["put", "a", "b"]);
        assert_eq!(exit, Some(0), "{why}");
    }
    cluster.wait_for(0, &["certificates were read again"]);
    cluster.wait_for(1, &["this node's certificate was renewed"]);
}

#[test]
fn node_that_was_away_for_too_long_comes_back_by_a_token_only() {
    let mut cluster = Cluster::begin(&["--voters", "1", "--certificate-validity", "4s"]);
    cluster.join();
    cluster.nodes.pop().expect("it joined").kill();
    let node = cluster.trust(1).node().expect("reads").expect("is there");
    until("expired", || now_s() > node.until_s);
    let mut rig = cluster.rigs.pop().expect("it joined");
    let joining = rig.flags.split_off(rig.flags.len() - 4);
    rig.run().assert(
        5,
        &["the certificate expired on", "--join https://HOST:PORT"],
    );
    rig.flags.extend(joining);
    rig.start();
    let renewed = TrustFolder::of(&rig.data).node().expect("reads");
    assert!(renewed.expect("is there").until_s > node.until_s);
}

#[test]
fn authority_is_made_once_and_where_no_cluster_is() {
    let rig = Rig::new();
    assert_eq!(init(&rig).0, Some(0));
    let key = fs::read(rig.data.join("trust/ca.key")).expect("is there");
    let (exit, _, why) = init(&rig);
    assert_eq!(exit, Some(6), "{why}");
    assert!(
        why.contains("is there already") && why.contains("hint: "),
        "{why}"
    );
    assert_eq!(
        fs::read(rig.data.join("trust/ca.key")).expect("is there"),
        key
    );
    let rig = Rig::new();
    let daemon = rig.start();
    let (exit, _, why) = init(&rig);
    assert_eq!(exit, Some(6), "{why}");
    drop(daemon);
    let (exit, _, why) = init(&rig);
    assert_eq!(exit, Some(6), "{why}");
    assert!(why.contains("holds a cluster already"), "{why}");
    assert!(!rig.data.join("trust").exists());
}

#[test]
fn https_without_any_certificate_is_refused_with_what_would_make_one() {
    let mut rig = Rig::new();
    rig.listen = "https://127.0.0.1:0".into();
    rig.run().assert(
        2,
        &[
            "wants a certificate",
            "`coracle cluster init`",
            "--cert-file",
        ],
    );
}
