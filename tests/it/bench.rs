//! `kvctl bench` against a real etcd: every load for a moment, and the exit codes of its verdict.
//!
//! Where there is no etcd the tests say that they are left out, and fail when CI=true.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Output;
use std::time::Instant;

use crate::cluster::Cluster;
use crate::rig::{Daemon, Etcd, PATIENCE, Rig, Running, client, free_port, output};

fn bench(endpoint: &str, arguments: &[&str]) -> Output {
    let common = ["bench", "--output", "json", "--endpoints", endpoint];
    output(client(&common).args(arguments))
}

fn report(output: &Output) -> serde_json::Value {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("the report is JSON")
}

#[test]
fn every_load_runs_against_etcd_without_an_error() {
    let Some(etcd) = Etcd::start() else { return };
    let loads = [
        "put",
        "range",
        "serializable",
        "mixed",
        "txn",
        "watch",
        "lease",
    ];
    let pid = etcd.pid().to_string();
    let short = [
        "--seconds",
        "0.3",
        "--warmup",
        "0.1",
        "--clients",
        "8",
        "--connections",
        "4",
    ];
    let small = [
        "--keys",
        "100",
        "--watchers",
        "20",
        "--server-pid",
        &pid,
        "--seed",
        "7",
    ];
    let report = report(&bench(&etcd.url, &[&loads[..], &short, &small].concat()));
    let rows = report["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), loads.len());
    for (row, load) in rows.iter().zip(loads) {
        assert_eq!(row["workload"], load);
        assert!(row["server"]["operations"].as_u64() > Some(0), "{row}");
        assert!(
            row["server"]["server_resident_mib"].as_f64() > Some(1.0),
            "{row}"
        );
        assert_eq!(row["server"]["errors"], serde_json::json!({}));
    }
    assert_eq!(report["seed"], 7);
}

#[test]
fn total_is_met_exactly_and_two_servers_are_compared() {
    let Some(etcd) = Etcd::start() else { return };
    let total = ["put", "--total", "300", "--rounds", "3", "--clients", "8"];
    let output = bench(&etcd.url, &[&total[..], &["--versus", &etcd.url]].concat());
    let row = &report(&output)["rows"][0];
    assert_eq!(row["server"]["operations"], 900);
    assert_eq!(row["versus"]["operations"], 900);
}

#[test]
fn broken_floor_exits_with_1_and_says_which() {
    let Some(etcd) = Etcd::start() else { return };
    let output = bench(
        &etcd.url,
        &["put", "--total", "50", "--min-ops", "100000000"],
    );
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("ops/s, at least 100000000 are wanted"),
        "{said}"
    );
    assert!(
        !output.stdout.is_empty(),
        "the report is printed all the same"
    );
}

#[test]
fn nobody_listening_exits_with_4_and_names_the_endpoint() {
    let endpoint = format!("http://127.0.0.1:{}", free_port());
    let output = bench(&endpoint, &["put", "--total", "1"]);
    assert_eq!(output.status.code(), Some(4));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&endpoint), "{said}");
}

#[test]
fn keys_that_do_not_fit_exit_with_2() {
    let output = bench("http://127.0.0.1:1", &["put", "--key-size", "3"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn watch_with_a_total_exits_with_2() {
    let output = bench("http://127.0.0.1:1", &["watch", "--total", "3"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn interrupted_load_leaves_no_keys() {
    let rig = Rig::new();
    let daemon = rig.start();
    let long = ["put", "--seconds", "600", "--warmup", "0"];
    let mut command = client(&["--endpoints", &daemon.url, "bench"]);
    let bench = Running::start(command.args(long));
    let count = || {
        let words = ["get", "--prefix", "coracle-bench/", "--count-only"];
        let counted = output(client(&["--endpoints", &daemon.url]).args(words));
        String::from_utf8(counted.stdout).expect("is text")
    };
    let deadline = Instant::now() + PATIENCE;
    while count() == "0\n" {
        assert!(Instant::now() < deadline, "nothing is put");
    }
    bench.terminate();
    let (code, talk) = bench.ended();
    assert_eq!(code, Some(1), "{talk}");
    assert!(talk.contains("interrupted: SIGTERM"), "{talk}");
    assert_eq!(count(), "0\n");
}

#[test]
fn keys_that_cannot_be_deleted_are_told_with_the_command_that_deletes_them() {
    let rig = Rig::new();
    let daemon = rig.start();
    let url = daemon.url.clone();
    let long = ["put", "--seconds", "600", "--warmup", "0"];
    let mut command = client(&["--endpoints", &url, "bench"]);
    let bench = Running::start(command.args(long));
    let put = || {
        let words = ["get", "--prefix", "coracle-bench/", "--limit", "1"];
        let found = output(client(&["--endpoints", &url]).args(words));
        !found.stdout.is_empty()
    };
    let deadline = Instant::now() + PATIENCE;
    while !put() {
        assert!(Instant::now() < deadline, "nothing is put");
    }
    daemon.kill();
    let (code, talk) = bench.ended();
    assert_eq!(code, Some(1), "{talk}");
    assert!(talk.contains("kvctl del --prefix coracle-bench/"), "{talk}");
}

#[test]
fn process_that_is_not_there_is_told_before_any_load() {
    let rig = Rig::new();
    let daemon = rig.start();
    // No process has a number above the kernel's largest.
    let words = ["put", "--server-pid", "4194305"];
    let done = bench(&daemon.url, &words);
    assert_eq!(done.status.code(), Some(2));
    let talk = String::from_utf8(done.stderr).expect("is text");
    assert!(
        talk.contains("/proc/4194305/stat") && !talk.contains("endpoint health"),
        "{talk}"
    );
}

#[test]
fn several_endpoints_are_loaded_as_the_members_of_one_cluster() {
    let cluster = Cluster::start(3);
    let members: Vec<_> = cluster.running().map(|(_, member)| member).collect();
    let list = |of: &dyn Fn(&Daemon) -> String| {
        let all: Vec<String> = members.iter().map(|member| of(member)).collect();
        all.join(",")
    };
    let urls = list(&|member| member.url.clone());
    let pids = list(&|member| member.pid().to_string());
    let total = [
        "put",
        "range",
        "--total",
        "300",
        "--clients",
        "6",
        "--keys",
        "50",
    ];
    let output = bench(&urls, &[&total[..], &["--server-pid", &pids]].concat());
    let report = report(&output);
    for row in report["rows"].as_array().expect("rows") {
        assert_eq!(row["server"]["operations"], 300);
        assert_eq!(row["server"]["errors"], serde_json::json!({}));
        assert!(
            row["server"]["server_resident_mib"].as_f64() > Some(3.0),
            "{row}"
        );
    }
    // Each has answered some of the puts.
    for member in members {
        let page = scrape(member.address());
        let started = page.lines().find(|line| {
            line.starts_with("grpc_server_started_total") && line.contains("grpc_method=\"Put\"")
        });
        let count = started.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        assert!(count > Some(0), "{started:?}");
    }
}

/// The page of metrics.
fn scrape(address: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("is sent");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("is answered");
    page
}
