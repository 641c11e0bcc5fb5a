//! Clients over TLS: ours and the real etcdctl, against ours and the real etcd.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime};

use crate::rig::{Daemon, Etcd, PATIENCE, Rig, client, coracle, output, real_binary};
use crate::tls::Certificates;

fn serving(flags: Vec<String>) -> (Rig, Daemon) {
    let mut rig = Rig::new();
    rig.listen = "https://127.0.0.1:0".into();
    rig.flags = flags.into_iter().map(Into::into).collect();
    let daemon = rig.start();
    (rig, daemon)
}

/// Exit code and answer of `etcdctl`, real or ours.
fn etcdctl(
    program: &Path,
    line: &str,
    made: &Certificates,
    address: &str,
) -> (Option<i32>, String) {
    let line = line.replace("@mine", MINE);
    let words = line
        .split(' ')
        .map(|word| word.replace("{address}", address))
        .map(|word| match word.strip_prefix('@') {
            Some(name) => made.file(name),
            None => word,
        });
    let mut command = Command::new(program);
    let command = command.arg0("etcdctl").args(words);
    let ended = output(command.env("ETCDCTL_COMMAND_TIMEOUT", "1s"));
    let answer = String::from_utf8_lossy(&ended.stdout).into_owned();
    (ended.status.code(), answer)
}

/// What stands for `@mine`.
const MINE: &str = "--cert @client.pem --key @client.key";

/// With the exit code that etcdctl has for each, over a server that wants certificates.
const LINES: &[(&str, i32)] = &[
    (
        "--endpoints https://{address} --cacert @ca.pem @mine put a b",
        0,
    ),
    ("--endpoints {address} --cacert @ca.pem @mine get a", 0),
    (
        "--endpoints http://{address} --cacert @ca.pem @mine get a",
        1,
    ),
    ("--endpoints https://{address} --cacert @ca.pem get a", 1),
    ("--endpoints https://{address} @mine get a", 1),
    (
        "--endpoints https://{address} @mine --insecure-skip-tls-verify get a",
        0,
    ),
    (
        "--endpoints https://{address} --insecure-skip-tls-verify get a",
        1,
    ),
    (
        "--endpoints {address} --insecure-transport=false --insecure-skip-tls-verify @mine get a",
        0,
    ),
    ("--endpoints {address} get a", 1),
    (
        "--endpoints https://{address} --cacert @ca.pem --cert @client.pem get a",
        128,
    ),
    (
        "--endpoints https://{address} --cacert @absent @mine get a",
        128,
    ),
    (
        "--endpoints https://{address} --cacert @ca.pem --cert @client.pem --key @node.key get a",
        128,
    ),
    (
        "--endpoints https://{address} --cacert @ca.pem --cert @node.pem --key @node.key get a",
        0,
    ),
];

#[test]
fn etcdctl_is_served_over_tls_as_the_real_ones_serve_each_other() {
    let made = Certificates::new();
    let (_rig, daemon) = serving(made.mutual_flags("", "node"));
    let ours = PathBuf::from(env!("CARGO_BIN_EXE_coracle"));
    let mut programs = vec![ours];
    programs.extend(real_binary("etcdctl"));
    let mut addresses = vec![daemon.address().to_owned()];
    let health = |address: &str| {
        let line = "--endpoints https://{address} --cacert @ca.pem --cert @client.pem \
                    --key @client.key endpoint health";
        etcdctl(&programs[0], line, &made, address).0 == Some(0)
    };
    let etcd = Etcd::start_secured(&made.mutual_flags("", "node"), health);
    addresses.extend(etcd.as_ref().map(|etcd| etcd.address().to_owned()));
    // Side by side: those that are refused take their time.
    std::thread::scope(|scope| {
        for (program, address) in programs
            .iter()
            .flat_map(|program| addresses.iter().map(move |address| (program, address)))
        {
            let made = &made;
            scope.spawn(move || {
                for (line, code) in LINES {
                    let (exit, answer) = etcdctl(program, line, made, address);
                    let told = format!("{program:?} to {address}: {line}: {answer}");
                    assert_eq!(exit, Some(*code), "{told}");
                    if *code == 0 && line.ends_with("get a") {
                        assert_eq!(answer, "a\nb\n", "{told}");
                    }
                }
            });
        }
    });
}

/// What kvctl says to people, and its exit code.
fn said(arguments: &[&str]) -> (Option<i32>, String) {
    let ended = output(&mut client(arguments));
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    (ended.status.code(), said)
}

fn wait_for(daemon: &Daemon, words: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !daemon.told().contains(words) {
        assert!(
            Instant::now() < deadline,
            "no {words:?} in {}",
            daemon.told()
        );
        std::thread::yield_now();
    }
}

#[test]
fn plain_text_to_a_tls_address_is_told_on_both_sides() {
    let made = Certificates::new();
    let (_rig, daemon) = serving(made.server_flags("", "node"));
    let plain = format!("http://{}", daemon.address());
    let (exit, why) = said(&["--endpoints", &plain, "get", "a"]);
    assert_eq!(exit, Some(4), "{why}");
    assert!(why.contains("write https:// instead of http://"), "{why}");
    wait_for(&daemon, "a client speaks plain text to a TLS address");

    let mut stream = TcpStream::connect(daemon.address()).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("write https://"), "{answer}");
}

#[test]
fn tls_to_a_plain_text_address_is_told_on_both_sides() {
    let made = Certificates::new();
    let rig = Rig::new();
    let daemon = rig.start();
    let secure = format!("https://{}", daemon.address());
    let authority = made.file("ca.pem");
    let (exit, why) = said(&["--endpoints", &secure, "--cacert", &authority, "get", "a"]);
    assert_eq!(exit, Some(4), "{why}");
    assert!(why.contains("http://"), "{why}");
    wait_for(&daemon, "a client speaks TLS to a plain-text address");
}

#[test]
fn client_without_a_certificate_is_told_to_show_one() {
    let made = Certificates::new();
    let (_rig, daemon) = serving(made.mutual_flags("", "node"));
    let authority = made.file("ca.pem");
    let (exit, why) = said(&[
        "--endpoints",
        &daemon.url,
        "--cacert",
        &authority,
        "get",
        "a",
    ]);
    assert_ne!(exit, Some(0), "{why}");
    assert!(
        why.contains("wants a certificate, and none was shown"),
        "{why}"
    );
    wait_for(&daemon, "shows no certificate");
}

#[test]
fn server_of_another_authority_is_not_believed() {
    let (made, other) = (Certificates::new(), Certificates::new());
    let (_rig, daemon) = serving(made.server_flags("", "node"));
    let authority = other.file("ca.pem");
    let (exit, why) = said(&[
        "--endpoints",
        &daemon.url,
        "--cacert",
        &authority,
        "get",
        "a",
    ]);
    assert_eq!(exit, Some(5), "{why}");
    assert!(why.contains("the certificate of the other side"), "{why}");
    wait_for(&daemon, "no TLS with a client");
}

#[test]
fn renewed_certificate_is_shown_without_a_restart() {
    let (made, next) = (Certificates::new(), Certificates::new());
    let (_rig, daemon) = serving(made.server_flags("", "node"));
    next.node("node", &["127.0.0.1"], SystemTime::now());
    for name in ["node.key", "node.pem"] {
        fs::copy(next.path(name), made.path(name)).expect("copied");
    }
    let authority = next.file("ca.pem");
    let (exit, why) = said(&[
        "--endpoints",
        &daemon.url,
        "--cacert",
        &authority,
        "put",
        "a",
        "b",
    ]);
    assert_eq!(exit, Some(0), "{why}");
    wait_for(&daemon, "certificates were read again");
}

#[test]
fn json_metrics_and_bench_work_over_tls() {
    let made = Certificates::new();
    let (_rig, daemon) = serving(made.mutual_flags("", "node"));
    let mine = [
        ("CORACLE_CACERT", "ca.pem"),
        ("CORACLE_CERT", "client.pem"),
        ("CORACLE_KEY", "client.key"),
    ];
    let endpoint = ["--endpoints", &daemon.url];
    for verb in [
        &["endpoint", "health"][..],
        &["check", "datascale", "--load", "s"],
        &[
            "bench",
            "--seconds",
            "0.2",
            "--warmup",
            "0",
            "--clients",
            "2",
        ],
    ] {
        let mut command = coracle(&["kv"]);
        command.args(endpoint).args(verb);
        command.envs(mine.map(|(variable, name)| (variable, made.path(name))));
        let ended = output(&mut command);
        assert!(ended.status.success(), "{verb:?}: {ended:?}");
    }
}
